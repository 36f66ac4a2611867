with

as_of as (

    select * from {{ ref('int_as_of') }}

),

visits as (

    select * from {{ ref('int_journey_visits') }}

),

steps as (

    select
        journey,
        cast(version as bigint) as version,
        step,
        cast(step_number as bigint) as step_number,
        coalesce(cast(is_required as boolean), false) as is_required,
        {{ days_in_us('expected_days') }} as expected_us

    from {{ ref('journey_steps') }}

),

edges as (

    select distinct
        journey,
        cast(version as bigint) as version,
        coalesce(from_step, '') as from_step,
        to_step

    from {{ ref('journey_rules') }}
    where rule = 'edge'

),

versions_with_edges as (

    select distinct
        journey,
        version

    from edges

),

-- declared steps between the furthest step before and this one
skipped as (

    select
        visits.participation_id,
        visits.visit_number,
        count(*) as skipped_count

    from visits
    inner join steps
        on
            visits.journey = steps.journey
            and visits.version = steps.version
            and visits.step_number > steps.step_number
            and visits.furthest_before < steps.step_number
    group by visits.participation_id, visits.visit_number

),

required_between as (

    select
        visits.participation_id,
        visits.visit_number,
        count(*) as required_count

    from visits
    inner join steps
        on
            visits.journey = steps.journey
            and visits.version = steps.version
            and visits.step_number > steps.step_number
            and coalesce(visits.previous_step_number, 0) < steps.step_number
    where steps.is_required
    group by visits.participation_id, visits.visit_number

),

friction as (

    select
        visits.participation_id,
        visits.visit_number,
        count(*) as friction_count

    from visits
    inner join {{ ref('fct_friction_signals') }} as signals on visits.person_id = signals.person_id
    cross join as_of
    where
        visits.entered_at <= signals.occurred_at
        and (
            signals.occurred_at < visits.left_at
            or (visits.left_at is null and signals.occurred_at <= as_of.as_of_at)
        )
    group by visits.participation_id, visits.visit_number

),

fct_journey_steps as (

    select
        {{ key_of(['visits.participation_id', 'visits.mark_id', 'visits.step']) }} as journey_step_id,
        visits.participation_id,
        visits.journey,
        visits.version,
        visits.person_id,
        visits.visit_number,
        visits.step,
        visits.step_number,
        visits.entered_at,
        visits.left_at,
        {{ elapsed_seconds('visits.entered_at', 'visits.left_at') }} as seconds_in_step,
        visits.channel,
        visits.previous_channel,
        coalesce(visits.channel <> visits.previous_channel, false) as is_channel_switch,
        visits.previous_step,
        visits.next_step,
        visits.visit_of_step_number > 1 as is_repeat,
        coalesce(visits.step_number < visits.previous_step_number, false) as is_backtrack,
        case
            when versions_with_edges.journey is not null then edges.to_step is not null
            else
                visits.step_number > coalesce(visits.previous_step_number, 0)
                and required_between.required_count is null
        end as is_expected,
        cast(coalesce(skipped.skipped_count, 0) as bigint) as skipped_count,
        {{ elapsed_seconds('visits.entered_at', 'coalesce(visits.left_at, as_of.as_of_at)') }} * 1000000 > steps.expected_us as is_overdue,
        cast(coalesce(friction.friction_count, 0) as bigint) as friction_count,
        coalesce(visits.exit_type = 'completed', false) or coalesce(visits.visit_number <= visits.last_moving_visit, false) as moved_on,
        visits.visit_number = visits.visit_count as is_last

    from visits
    cross join as_of
    inner join steps
        on
            visits.journey = steps.journey
            and visits.version = steps.version
            and visits.step = steps.step
    left join skipped on visits.participation_id = skipped.participation_id and visits.visit_number = skipped.visit_number
    left join required_between
        on visits.participation_id = required_between.participation_id and visits.visit_number = required_between.visit_number
    left join friction on visits.participation_id = friction.participation_id and visits.visit_number = friction.visit_number
    left join versions_with_edges on visits.journey = versions_with_edges.journey and visits.version = versions_with_edges.version
    left join edges
        on
            visits.journey = edges.journey
            and visits.version = edges.version
            and visits.step = edges.to_step
            and coalesce(visits.previous_step, '') = edges.from_step

)

select * from fct_journey_steps
