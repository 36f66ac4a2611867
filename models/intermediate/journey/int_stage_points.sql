{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('person_id', 'int_dirty_persons') }}",
    post_hook="{{ record_loads() }}"
) }}

-- What moves a person through the stages, as points in time: what he does (activity), what lifts him to a stage (signal),
-- what ends his stay (exit). Of a day's activity the first and the last moment are enough, but for days on which something lifts
-- or ends: there every moment may be the last of one stay or the first of the next.
with

person_days as (

    select * from {{ ref('int_person_days') }}
    {{ where_dirty('person_id', 'int_dirty_persons') }}

),

rules as (

    select
        rules.effect,
        rules.trigger,
        rules.event_name,
        cast(stages.stage_number as integer) as stage_number

    from {{ ref('stage_rules') }} as rules
    left join {{ ref('stages') }} as stages on rules.stage = stages.stage

),

turns as (

    select
        signals.person_id,
        signals.occurred_at,
        case rules.effect when 'exit' then 'exit' else 'activity' end as kind,
        rules.stage_number
    from {{ ref('int_person_signals') }} as signals
    inner join rules on signals.event_name = rules.event_name and rules.trigger = 'event'
    {{ where_dirty('signals.person_id', 'int_dirty_persons') }}

    union all

    select
        habits.person_id,
        habits.occurred_at,
        'activity' as kind,
        rules.stage_number
    from {{ ref('int_habits_formed') }} as habits
    inner join rules on rules.trigger = 'habit'
    {{ where_dirty('habits.person_id', 'int_dirty_persons') }}

),

turning_days as (

    select distinct
        person_id,
        {{ local_date('occurred_at') }} as active_date

    from turns

),

moments as (

    select person_id, first_event_at as occurred_at, 'activity' as kind, cast(null as integer) as stage_number from person_days

    union all

    select person_id, last_event_at as occurred_at, 'activity' as kind, cast(null as integer) as stage_number from person_days

    union all

    select
        events.person_id,
        events.occurred_at,
        'activity' as kind,
        cast(null as integer) as stage_number
    from {{ ref('int_events_identified') }} as events
    inner join turning_days
        on events.person_id = turning_days.person_id and events.occurred_date = turning_days.active_date
    where events.is_interactive

    union all

    select * from turns

),

stage_points as (

    select
        person_id,
        occurred_at,
        kind,
        coalesce(max(stage_number), 1) as stage_number

    from moments
    group by person_id, occurred_at, kind

)

select * from stage_points
