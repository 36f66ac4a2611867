{{ retention_cohorts('account', 'fct_account_retention_starts', 'fct_account_retention_returns', 'account_retention_cohort_id') }}
