{%- set orders = raw_table('commerce', 'orders') -%}

-- the order itself is an identifier: it joins a guest's refund to the guest, whichever of the two rows arrives first
select
{{ draft('events', orders, columns={
    'raw_event_id': 'order_id',
    'occurred_at': 'placed_at',
    'received_at': 'updated_at',
    'anonymous_id': 'anonymous_id',
    'user_id': 'user_id',
    'customer_id': {'columns': 'order_id', 'prefix': 'order:'},
    'email': 'email',
    'amount': 'total_amount',
    'quantity': 'item_count',
    'currency_code': 'currency'
}, constants={'event_type': 'server', 'raw_event_name': 'order_placed', 'platform': 'server'}) }}

from {{ orders.relation }}
