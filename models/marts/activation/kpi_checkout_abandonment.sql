with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

checkouts as (

    select
        checkouts.*,
        segments.segment_type,
        segments.segment_value

    from {{ ref('fct_checkouts') }} as checkouts
    {{ join_segments('checkouts.person_id') }}

),

steps as (

    select distinct
        step,
        cast(step_number as integer) as step_number,
        role

    from {{ ref('checkout_steps') }}

),

-- the whole, and each step with those who came that far
rows_counted as (

    select
        started_date,
        segment_type,
        segment_value,
        'all' as step,
        1 as is_exit,
        status,
        recovered_at,
        amount,
        payment_failure_count

    from checkouts

    union all

    select
        checkouts.started_date,
        checkouts.segment_type,
        checkouts.segment_value,
        steps.step,
        case when checkouts.last_step = steps.step then 1 else 0 end as is_exit,
        checkouts.status,
        checkouts.recovered_at,
        checkouts.amount,
        checkouts.payment_failure_count

    from checkouts
    inner join steps
        on checkouts.last_step_number >= steps.step_number
    where steps.role <> 'complete' and (steps.role <> 'failure' or checkouts.payment_failure_count > 0)

),

counted as (

    select
        started_date,
        segment_type,
        segment_value,
        step,
        count(*) as started_count,
        sum(case when status = 'completed' then 1 else 0 end) as completed_count,
        sum(case when status = 'open' then 1 else 0 end) as open_count,
        sum(case when status = 'abandoned' and is_exit = 1 then 1 else 0 end) as abandoned_count,
        sum(case when status <> 'open' then 1 else 0 end) as closed_count,
        sum(case when status = 'abandoned' and is_exit = 1 and recovered_at is not null then 1 else 0 end) as recovered_count,
        sum(case when status = 'abandoned' and is_exit = 1 then amount end) as abandoned_amount,
        sum(case when payment_failure_count > 0 then 1 else 0 end) as payment_failed_count

    from rows_counted
    group by started_date, segment_type, segment_value, step

),

kpi_checkout_abandonment as (

    select
        {{ key_of(['counted.started_date', 'counted.segment_type', 'counted.segment_value', 'counted.step']) }} as checkout_abandonment_id,
        counted.started_date as date_day,
        counted.segment_type,
        counted.segment_value,
        counted.step,
        cast(counted.started_count as bigint) as started_count,
        cast(counted.completed_count as bigint) as completed_count,
        cast(counted.open_count as bigint) as open_count,
        {{ rate_columns('abandonment', 'counted.abandoned_count', 'counted.closed_count') }},
        {{ rate_columns('recovered_7d', 'counted.recovered_count', 'counted.abandoned_count') }},
        {{ rate_columns('payment_failed', 'counted.payment_failed_count', 'counted.started_count') }},
        cast(counted.abandoned_amount as decimal(18, 4)) as abandoned_amount,
        -- a day to be abandoned and a week to be recovered; who goes on from day to day is open so long
        {{ window_is_over(add_days('counted.started_date', 1), 8) }} and counted.open_count = 0 as is_mature

    from counted
    cross join as_of

)

select * from kpi_checkout_abandonment
