with

participations as (

    select
        *,
        {{ period_start('week', 'entered_date') }} as cohort_week_date,
        coalesce(exit_type, '(active)') as end_node

    from {{ ref('fct_journey_participations') }}

),

visits as (

    select * from {{ ref('fct_journey_steps') }}

),

transitions as (

    select
        participations.journey,
        participations.version,
        participations.cohort_week_date,
        participations.person_id,
        visits.step,
        coalesce(visits.next_step, participations.end_node) as next_step,
        visits.seconds_in_step as seconds_to_next

    from visits
    inner join participations on visits.participation_id = participations.participation_id

    union all

    select
        participations.journey,
        participations.version,
        participations.cohort_week_date,
        participations.person_id,
        '(entry)' as step,
        coalesce(visits.step, participations.end_node) as next_step,
        {{ elapsed_seconds('participations.entered_at', 'coalesce(visits.entered_at, participations.exited_at)') }} as seconds_to_next

    from participations
    left join visits on participations.participation_id = visits.participation_id and visits.visit_number = 1

),

counted as (

    select
        journey,
        version,
        cohort_week_date,
        step,
        next_step,
        count(*) as visit_count,
        count(distinct person_id) as person_count,
        percentile_cont(0.5) within group (order by seconds_to_next) as seconds_p50

    from transitions
    group by journey, version, cohort_week_date, step, next_step

),

with_total as (

    select
        *,
        sum(visit_count) over (partition by journey, version, cohort_week_date, step) as step_count

    from counted

),

kpi_journey_next_steps as (

    select
        {{ key_of(['journey', 'version', 'cohort_week_date', 'step', 'next_step']) }} as journey_next_step_id,
        journey,
        version,
        cohort_week_date,
        step,
        next_step,
        visit_count,
        person_count,
        {{ rate_columns('transition', 'visit_count', 'step_count') }},
        cast(seconds_p50 as double) as seconds_p50

    from with_total

)

select * from kpi_journey_next_steps
