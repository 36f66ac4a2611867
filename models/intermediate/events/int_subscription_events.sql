with

subscriptions as (

    select * from {{ ref('int_subscriptions_deduplicated') }}

),

subscription_events as (

    {%- for event_name, time_column in subscription_event_times().items() %}

    select
        {{ subscription_event_id(event_name) }} as event_id,
        source_name,
        source_table,
        load_id,
        loaded_at,
        cast({{ quoted(event_name) }} as {{ dbt.type_string() }}) as raw_event_name,
        {{ time_column }} as occurred_at,
        user_id,
        customer_id,
        email_hash,
        mrr_amount as amount,
        currency_code

    from subscriptions
    where {{ time_column }} is not null

    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from subscription_events
