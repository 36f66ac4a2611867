-- The events of checkouts, each with the checkout that it belongs to. A checkout begins with any of its events where none is open,
-- and is open until it is completed or nothing has been added to it for 24 hours.
with

checkout_events as (

    select
        events.event_id,
        events.person_id,
        events.session_id,
        events.occurred_at,
        {{ epoch_us('events.occurred_at') }} as occurred_us,
        events.event_priority,
        events.amount,
        events.currency_code,
        steps.role,
        steps.step,
        cast(steps.step_number as bigint) as step_number

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('checkout_steps') }} as steps
        on
            {{ fits_taxonomy('steps') }}

),

after_previous as (

    select
        *,
        lag(role) over person_in_order as previous_role,
        lag(occurred_us) over person_in_order as previous_us

    from checkout_events
    window person_in_order as (
        partition by person_id
        order by occurred_at, event_priority, event_id
    )

),

checkouts_numbered as (

    select
        *,
        sum(case
            when previous_us is null or previous_role = 'complete' or occurred_us - previous_us >= cast(86400 as bigint) * 1000000 then 1
            else 0
        end) over (
            partition by person_id
            order by occurred_at, event_priority, event_id
            rows between unbounded preceding and current row
        ) as checkout_number

    from after_previous

)

select
    event_id,
    person_id,
    checkout_number,
    session_id,
    occurred_at,
    event_priority,
    amount,
    currency_code,
    role,
    step,
    step_number

from checkouts_numbered
