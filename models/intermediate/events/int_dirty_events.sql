with

pending as (

    select * from {{ ref('int_loads_pending') }}

),

subscriptions as (

    select distinct
        source_name,
        subscription_id

    from {{ ref('int_dirty_subscriptions') }}

),

dirty_events as (

    select events.event_id
    from {{ ref('int_events_unioned') }} as events
    inner join pending
        on
            events.source_table = pending.source_table
            and events.load_id = pending.load_id
    where events.reject_reason is null

    {% for event_name in subscription_event_times() -%}
    union

    select {{ subscription_event_id(event_name) }} as event_id
    from subscriptions

    {% endfor -%}

)

select distinct event_id from dirty_events
