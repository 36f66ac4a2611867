{{ count_loads([raw_table('snowplow', 'events')]) }}
