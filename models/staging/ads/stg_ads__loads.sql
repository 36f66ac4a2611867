{{ count_loads([raw_table('ads', 'spend')]) }}
