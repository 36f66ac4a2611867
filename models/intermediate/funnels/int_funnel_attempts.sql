with

funnels as (

    select
        funnel,
        step_order,
        unit,
        restart,
        {{ seed_text('held_property') }} as held_property,
        {{ days_in_us('window_days') }} as window_us

    from {{ ref('funnels') }}

),

reached as (

    select * from {{ ref('int_funnel_reached') }}

),

lengths as (

    select
        funnel,
        count(distinct cast(step_number as bigint)) as step_count

    from {{ ref('funnel_steps') }}
    where role = 'step' and not coalesce(cast(is_optional as boolean), false)
    group by funnel

),

funnel_attempts as (

    select
        reached.funnel,
        reached.unit_id,
        reached.held_value,
        reached.start_place,
        reached.start_us,
        reached.start_event_id,
        funnels.step_order,
        funnels.unit,
        funnels.restart,
        funnels.held_property,
        reached.start_us + funnels.window_us as limit_us,
        count(*) as step_count,
        count(*) = lengths.step_count as is_complete,
        max(reached.place) as last_place,
        max(reached.occurred_us) as last_us

    from reached
    inner join funnels on reached.funnel = funnels.funnel
    inner join lengths on reached.funnel = lengths.funnel
    group by
        reached.funnel, reached.unit_id, reached.held_value, reached.start_place, reached.start_us, reached.start_event_id,
        funnels.step_order, funnels.unit, funnels.restart, funnels.held_property, reached.start_us + funnels.window_us, lengths.step_count

)

select * from funnel_attempts
