{{ count_loads([raw_table('billing', 'customers'), raw_table('billing', 'subscriptions'), raw_table('billing', 'invoices')]) }}
