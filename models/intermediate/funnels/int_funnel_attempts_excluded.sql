with

attempts as (

    select * from {{ ref('int_funnel_attempts') }}

),

reached as (

    select * from {{ ref('int_funnel_reached') }}

),

required_steps as (

    select
        funnel,
        step_number,
        lead(step_number) over (
            partition by funnel
            order by step_number
        ) as next_step_number

    from (
        select distinct
            funnel,
            cast(step_number as bigint) as step_number

        from {{ ref('funnel_steps') }}
        where role = 'step' and not coalesce(cast(is_optional as boolean), false)
    ) as steps

),

exclusions as (

    select
        funnel,
        unit_id,
        held_value,
        place,
        occurred_us,
        step_number

    from {{ ref('int_funnel_marks') }}
    where role = 'exclusion'

),

steps_with_exclusions as (

    select distinct
        funnel,
        step_number

    from exclusions
    where step_number is not null

),

-- the first place after which an exclusion counts, and the one before which it does
spans as (

    select
        attempts.funnel,
        attempts.unit_id,
        attempts.held_value,
        attempts.start_place,
        cast(null as bigint) as step_number,
        attempts.start_place as from_place,
        case when attempts.is_complete then attempts.last_place end as to_place,
        attempts.limit_us

    from attempts

    union all

    select
        attempts.funnel,
        attempts.unit_id,
        attempts.held_value,
        attempts.start_place,
        required_steps.step_number,
        reached.place as from_place,
        next_reached.place as to_place,
        attempts.limit_us

    from attempts
    inner join required_steps on attempts.funnel = required_steps.funnel and required_steps.next_step_number is not null
    inner join steps_with_exclusions as asked
        on required_steps.funnel = asked.funnel and required_steps.step_number = asked.step_number
    inner join reached
        on
            attempts.funnel = reached.funnel
            and attempts.unit_id = reached.unit_id
            and attempts.held_value = reached.held_value
            and attempts.start_place = reached.start_place
            and required_steps.step_number = reached.step_number
    left join reached as next_reached
        on
            attempts.funnel = next_reached.funnel
            and attempts.unit_id = next_reached.unit_id
            and attempts.held_value = next_reached.held_value
            and attempts.start_place = next_reached.start_place
            and required_steps.next_step_number = next_reached.step_number

),

-- only the first exclusion after a span's begin can matter: if that one lies behind its end, all do
next_exclusions as (

    select
        *,
        min(case when is_exclusion = 1 then place end) over (
            partition by funnel, unit_id, held_value, coalesce(step_number, 0)
            order by place
            range between 1 following and unbounded following
        ) as exclusion_place

    from (
        select funnel, unit_id, held_value, step_number, from_place as place, start_place, to_place, limit_us, 0 as is_exclusion from spans

        union all

        select
            funnel,
            unit_id,
            held_value,
            step_number,
            place,
            cast(null as bigint) as start_place,
            cast(null as bigint) as to_place,
            cast(null as bigint) as limit_us,
            1 as is_exclusion
        from exclusions
    ) as points

),

funnel_attempts_excluded as (

    select distinct
        spans.funnel,
        spans.unit_id,
        spans.held_value,
        spans.start_place

    from next_exclusions as spans
    inner join exclusions
        on
            spans.funnel = exclusions.funnel
            and spans.unit_id = exclusions.unit_id
            and spans.held_value = exclusions.held_value
            and spans.exclusion_place = exclusions.place
    where
        spans.is_exclusion = 0
        and (spans.exclusion_place < spans.to_place or spans.to_place is null)
        and exclusions.occurred_us <= spans.limit_us

)

select * from funnel_attempts_excluded
