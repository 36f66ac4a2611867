{{ count_loads([raw_table('commerce', 'orders'), raw_table('commerce', 'refunds')]) }}
