{#- an invoice changes its state, so invoice and state together are one event -#}
{{ finish_events([ref('stg_billing__invoices')], event_key=['raw_event_id', 'raw_event_name'], negative_amounts_are_rejected=true) }}
