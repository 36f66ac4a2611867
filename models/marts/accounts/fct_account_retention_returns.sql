{{ retention_returns('account', 'fct_account_retention_starts', 'account_retention_return_id') }}
