-- Which steps do those who reach the goal leave out, and do the others leave them out as often? A step that the successful skip is not
-- needed.
with

trips as (

    select
        participation_id,
        journey,
        version,
        furthest_step_number,
        is_goal_met

    from {{ ref('fct_journey_participations') }}
    where is_goal_mature

),

steps as (

    select
        journey,
        cast(version as bigint) as version,
        step,
        cast(step_number as bigint) as step_number

    from {{ ref('journey_steps') }}

),

visited as (

    select distinct
        participation_id,
        step

    from {{ ref('fct_journey_steps') }}

),

-- only who went further can have skipped it
passed as (

    select
        trips.journey,
        trips.version,
        steps.step,
        steps.step_number,
        trips.is_goal_met,
        case when visited.step is null then 1 else 0 end as is_skipped

    from trips
    inner join steps
        on
            trips.journey = steps.journey
            and trips.version = steps.version
            and trips.furthest_step_number > steps.step_number
    left join visited on trips.participation_id = visited.participation_id and steps.step = visited.step

)

select
    journey,
    version,
    step,
    sum(case when is_goal_met then 1 else 0 end) as successful_count,
    sum(case when is_goal_met then is_skipped else 0 end) as skipped_by_successful_count,
    cast(sum(case when is_goal_met then is_skipped else 0 end) as double)
    / nullif(sum(case when is_goal_met then 1 else 0 end), 0) as skipped_by_successful_share,
    cast(sum(case when not is_goal_met then is_skipped else 0 end) as double)
    / nullif(sum(case when not is_goal_met then 1 else 0 end), 0) as skipped_by_others_share

from passed
group by journey, version, step, step_number
order by skipped_by_successful_share desc nulls last, journey asc, version asc, step_number asc
