{%- set customers = raw_table('billing', 'customers') -%}

select
{{ draft('identity_links', customers, columns={
    'raw_row_key': 'customer_id',
    'occurred_at': 'created_at',
    'received_at': 'updated_at',
    'user_id': 'user_id',
    'customer_id': 'customer_id',
    'email': 'email',
    'phone': 'phone'
}, constants={'evidence': 'customer'}) }}

from {{ customers.relation }}
