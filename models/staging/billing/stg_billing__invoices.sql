{%- set invoices = raw_table('billing', 'invoices') -%}

select
{{ draft('events', invoices, columns={
    'raw_event_id': 'invoice_id',
    'raw_event_name': 'status',
    'occurred_at': ['paid_at', 'issued_at'],
    'received_at': 'updated_at',
    'user_id': 'user_id',
    'customer_id': 'customer_id',
    'amount': 'amount',
    'currency_code': 'currency'
}, constants={'event_type': 'server', 'platform': 'server'}) }}

from {{ invoices.relation }}
