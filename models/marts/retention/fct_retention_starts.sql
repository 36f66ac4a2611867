{{ retention_starts('person', 'retention_start_id') }}
