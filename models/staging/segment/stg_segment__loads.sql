{{ count_loads([
    raw_table('segment', 'tracks'),
    raw_table('segment', 'pages'),
    raw_table('segment', 'screens'),
    raw_table('segment', 'identifies'),
    raw_table('segment', 'groups'),
    raw_table('segment', 'aliases')
]) }}
