with

as_of as (

    select * from {{ ref('int_as_of') }}

),

checkout_events as (

    select
        checkout_events.*,
        {{ in_reporting_currency('checkout_events.amount') }} as reporting_amount,
        row_number() over (
            partition by checkout_events.person_id, checkout_events.checkout_number
            order by
                checkout_events.step_number desc, checkout_events.occurred_at desc,
                checkout_events.event_priority desc, checkout_events.event_id desc
        ) as number_from_end

    from {{ ref('int_checkout_events') }} as checkout_events
    {{ join_fx_rates('checkout_events.currency_code', local_date('checkout_events.occurred_at')) }}

),

checkouts as (

    select
        person_id,
        checkout_number,
        min(occurred_at) as started_at,
        max(occurred_at) as last_step_at,
        max(case when role = 'complete' then occurred_at end) as completed_at,
        max(case when number_from_end = 1 then step end) as last_step,
        max(step_number) as last_step_number,
        sum(case when role = 'failure' then 1 else 0 end) as payment_failure_count,
        sum(case when role = 'complete' then 0 else 1 end) as step_count,
        max(reporting_amount) as amount

    from checkout_events
    group by person_id, checkout_number
    -- an order out of the blue (a renewal, a sale by phone) is no checkout
    having sum(case when role = 'complete' then 0 else 1 end) > 0

),

with_next as (

    select
        *,
        min(completed_at) over (
            partition by person_id
            order by checkout_number
            rows between 1 following and unbounded following
        ) as next_completed_at

    from checkouts

),

fct_checkouts as (

    select
        {{ key_of(['with_next.person_id', 'with_next.checkout_number']) }} as checkout_id,
        with_next.person_id,
        with_next.started_at,
        {{ local_date('with_next.started_at') }} as started_date,
        with_next.last_step_at,
        with_next.last_step,
        cast(with_next.last_step_number as bigint) as last_step_number,
        with_next.completed_at,
        case
            when with_next.completed_at is not null then 'completed'
            when {{ add_seconds('with_next.last_step_at', 86400) }} > as_of.as_of_at then 'open'
            else 'abandoned'
        end as status,
        cast(with_next.payment_failure_count as bigint) as payment_failure_count,
        with_next.amount,
        case
            when with_next.completed_at is null and with_next.next_completed_at <= {{ add_seconds('with_next.last_step_at', 7 * 86400) }}
                then with_next.next_completed_at
        end as recovered_at

    from with_next
    cross join as_of

)

select * from fct_checkouts
