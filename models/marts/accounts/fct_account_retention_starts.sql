{{ retention_starts('account', 'account_retention_start_id') }}
