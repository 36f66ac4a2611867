{%- set subscriptions = raw_table('billing', 'subscriptions') -%}

select
{{ draft('subscriptions', subscriptions, columns={
    'subscription_id': 'subscription_id',
    'customer_id': 'customer_id',
    'user_id': 'user_id',
    'email': 'email',
    'plan': 'plan',
    'billing_interval': 'billing_interval',
    'status': 'status',
    'trial_started_at': 'trial_started_at',
    'trial_ended_at': 'trial_ended_at',
    'started_at': 'started_at',
    'cancelled_at': 'cancelled_at',
    'ended_at': 'ended_at',
    'mrr_amount': 'mrr_amount',
    'currency_code': 'currency',
    'updated_at': 'updated_at'
}) }}

from {{ subscriptions.relation }}
