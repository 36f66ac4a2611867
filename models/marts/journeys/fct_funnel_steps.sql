with

funnels as (

    select
        funnel,
        step_order,
        {{ days_in_us('window_days') }} as window_us

    from {{ ref('funnels') }}

),

steps as (

    select distinct
        funnel,
        cast(step_number as bigint) as step_number,
        step,
        coalesce(cast(is_optional as boolean), false) as is_optional

    from {{ ref('funnel_steps') }}
    where role = 'step'

),

lengths as (

    select
        funnel,
        count(*) as step_count

    from steps
    group by funnel

),

attempts as (

    select
        funnel_attempt_id,
        funnel,
        unit_id,
        coalesce(held_value, '') as held_value,
        start_event_id

    from {{ ref('fct_funnel_attempts') }}

),

reached as (

    select
        attempts.funnel_attempt_id,
        reached.funnel,
        reached.unit_id,
        reached.held_value,
        reached.step_number,
        reached.place,
        reached.start_us,
        reached.occurred_us,
        reached.event_id,
        lag(reached.occurred_us) over attempt_in_order as previous_us,
        lead(reached.place) over attempt_in_order as next_place

    from {{ ref('int_funnel_reached') }} as reached
    inner join attempts
        on
            reached.funnel = attempts.funnel
            and reached.unit_id = attempts.unit_id
            and reached.held_value = attempts.held_value
            and reached.start_event_id = attempts.start_event_id
    window attempt_in_order as (
        partition by attempts.funnel_attempt_id
        order by reached.step_rank
    )

),

-- an optional step is done where it comes after the required one before it, and before the next one if that is reached
optional_reached as (

    select
        reached.funnel_attempt_id,
        reached.funnel,
        links.to_step_number as step_number,
        reached.start_us,
        links.to_us as occurred_us,
        links.to_event_id as event_id,
        reached.occurred_us as previous_us

    from reached
    inner join funnels on reached.funnel = funnels.funnel
    inner join {{ ref('int_funnel_links') }} as links
        on
            reached.funnel = links.funnel
            and reached.unit_id = links.unit_id
            and reached.held_value = links.held_value
            and reached.step_number = links.from_step_number
            and reached.place = links.from_place
    inner join steps on links.funnel = steps.funnel and links.to_step_number = steps.step_number and steps.is_optional
    where
        links.to_us <= reached.start_us + funnels.window_us
        and (reached.next_place is null or links.to_place < reached.next_place)

),

all_reached as (

    select funnel_attempt_id, funnel, step_number, start_us, occurred_us, event_id, previous_us from reached
    union all
    select funnel_attempt_id, funnel, step_number, start_us, occurred_us, event_id, previous_us from optional_reached

),

fct_funnel_steps as (

    select
        {{ key_of(['reached.funnel_attempt_id', 'reached.step_number']) }} as funnel_step_id,
        reached.funnel_attempt_id,
        reached.funnel,
        reached.step_number,
        case
            when funnels.step_order = 'any'
                then
                    'any ' || cast(reached.step_number as {{ dbt.type_string() }})
                    || ' of ' || cast(lengths.step_count as {{ dbt.type_string() }})
            else steps.step
        end as step,
        coalesce(steps.is_optional and funnels.step_order <> 'any', false) as is_optional,
        {{ from_epoch_us('reached.occurred_us') }} as reached_at,
        reached.event_id,
        {{ elapsed_seconds(from_epoch_us('reached.start_us'), from_epoch_us('reached.occurred_us')) }} as seconds_from_start,
        {{ elapsed_seconds(from_epoch_us('reached.previous_us'), from_epoch_us('reached.occurred_us')) }} as seconds_from_previous

    from all_reached as reached
    inner join funnels on reached.funnel = funnels.funnel
    inner join lengths on reached.funnel = lengths.funnel
    left join steps on reached.funnel = steps.funnel and reached.step_number = steps.step_number

)

select * from fct_funnel_steps
