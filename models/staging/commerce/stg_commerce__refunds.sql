{%- set refunds = raw_table('commerce', 'refunds') -%}

-- the order itself is an identifier: it joins a guest's refund to the guest, whichever of the two rows arrives first
select
{{ draft('events', refunds, columns={
    'raw_event_id': 'refund_id',
    'occurred_at': 'refunded_at',
    'received_at': 'updated_at',
    'user_id': 'user_id',
    'customer_id': {'columns': 'order_id', 'prefix': 'order:'},
    'amount': 'amount',
    'currency_code': 'currency'
}, constants={'event_type': 'server', 'raw_event_name': 'order_refunded', 'platform': 'server'}) }}

from {{ refunds.relation }}
