{{ retention_cohorts('person', 'fct_retention_starts', 'fct_retention_returns', 'retention_cohort_id') }}
