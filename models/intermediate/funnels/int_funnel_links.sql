-- From each place at which a step may be done, the first place after it for each step that may follow. Links hang on no attempt, so they
-- are found once for all.
with

marks as (

    select
        funnel,
        step_order,
        unit_id,
        held_value,
        step_number,
        place,
        occurred_us,
        event_id

    from {{ ref('int_funnel_marks') }}
    where role = 'step'

),

steps as (

    select distinct
        funnel,
        cast(step_number as bigint) as step_number,
        coalesce(cast(is_optional as boolean), false) as is_optional

    from {{ ref('funnel_steps') }}
    where role = 'step'

),

-- after a required step come the next required one and the optional ones up to it
steps_with_next as (

    select
        funnel,
        step_number,
        is_optional,
        max(case when not is_optional then step_number end) over (
            partition by funnel
            order by step_number
            rows between unbounded preceding and 1 preceding
        ) as from_step_number

    from steps

),

points as (

    select
        marks.funnel,
        marks.step_order,
        marks.unit_id,
        marks.held_value,
        steps.from_step_number,
        steps.step_number as to_step_number,
        marks.place,
        marks.occurred_us,
        marks.event_id,
        1 as is_source

    from marks
    inner join steps_with_next as steps on marks.funnel = steps.funnel and marks.step_number = steps.from_step_number
    where marks.step_order <> 'any'

    union all

    select
        marks.funnel,
        marks.step_order,
        marks.unit_id,
        marks.held_value,
        steps.from_step_number,
        steps.step_number as to_step_number,
        marks.place,
        marks.occurred_us,
        marks.event_id,
        0 as is_source

    from marks
    inner join steps_with_next as steps on marks.funnel = steps.funnel and marks.step_number = steps.step_number
    where marks.step_order <> 'any' and steps.from_step_number is not null

    union all

    -- in any order: from everything that may begin an attempt, to each step, itself included
    select
        marks.funnel,
        marks.step_order,
        marks.unit_id,
        marks.held_value,
        cast(null as bigint) as from_step_number,
        steps.step_number as to_step_number,
        marks.place,
        marks.occurred_us,
        marks.event_id,
        1 as is_source

    from (select distinct funnel, step_order, unit_id, held_value, place, occurred_us, event_id from marks) as marks
    inner join steps on marks.funnel = steps.funnel
    where marks.step_order = 'any'

    union all

    select
        funnel,
        step_order,
        unit_id,
        held_value,
        cast(null as bigint) as from_step_number,
        step_number as to_step_number,
        place,
        occurred_us,
        event_id,
        0 as is_source

    from marks
    where step_order = 'any'

),

pointed as (

    select
        *,
        min(case when is_source = 0 then place end) over (
            partition by funnel, unit_id, held_value, to_step_number
            order by place
            range between 1 following and unbounded following
        ) as next_place,
        min(case when is_source = 0 then place end) over (
            partition by funnel, unit_id, held_value, to_step_number
            order by place
            range between current row and current row
        ) as same_place

    from points

),

-- in any order the event that begins an attempt is a step of it already
pointed_onward as (

    select
        *,
        case when step_order = 'any' then coalesce(same_place, next_place) else next_place end as to_place

    from pointed

),

targets as (

    select distinct
        funnel,
        unit_id,
        held_value,
        place,
        occurred_us,
        event_id

    from marks

),

funnel_links as (

    select
        pointed.funnel,
        pointed.step_order,
        pointed.unit_id,
        pointed.held_value,
        pointed.from_step_number,
        pointed.place as from_place,
        pointed.occurred_us as from_us,
        pointed.event_id as from_event_id,
        pointed.to_step_number,
        targets.place as to_place,
        targets.occurred_us as to_us,
        targets.event_id as to_event_id

    from pointed_onward as pointed
    inner join targets
        on
            pointed.funnel = targets.funnel
            and pointed.unit_id = targets.unit_id
            and pointed.held_value = targets.held_value
            and pointed.to_place = targets.place
    where pointed.is_source = 1 and (pointed.step_order <> 'strict' or targets.place = pointed.place + 1)

)

select * from funnel_links
