{{ retention_returns('person', 'fct_retention_starts', 'retention_return_id') }}
