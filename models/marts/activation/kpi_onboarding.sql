with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

results as (

    select
        *,
        {{ period_start('week', local_date('flow_started_at')) }} as cohort_week_date

    from {{ ref('fct_onboarding_outcomes') }}

),

counted as (

    select
        results.flow,
        results.cohort_week_date,
        results.step,
        results.step_number,
        segments.segment_type,
        segments.segment_value,
        count(*) as started_count,
        sum(case when results.is_done then 1 else 0 end) as completed_count,
        sum(case when results.has_reached_goal then 1 else 0 end) as goal_count,
        percentile_cont(0.5) within group (order by results.step_seconds) as step_seconds_p50,
        percentile_cont(0.9) within group (order by results.step_seconds) as step_seconds_p90

    from results
    {{ join_segments('results.person_id') }}
    group by results.flow, results.cohort_week_date, results.step, results.step_number, segments.segment_type, segments.segment_value

),

with_maturity as (

    select
        counted.*,
        {{ window_is_over(add_days('counted.cohort_week_date', 7), 14) }} as is_mature

    from counted
    cross join as_of

),

-- the four weeks before, as far as they are there: all of them are mature when this one is
before as (

    select
        weeks.flow,
        weeks.cohort_week_date,
        weeks.step,
        weeks.segment_type,
        weeks.segment_value,
        sum(earlier.completed_count) as completed_count,
        sum(earlier.started_count) as started_count

    from with_maturity as weeks
    inner join with_maturity as earlier
        on
            weeks.flow = earlier.flow
            and weeks.step = earlier.step
            and weeks.segment_type = earlier.segment_type
            and weeks.segment_value = earlier.segment_value
            and weeks.cohort_week_date > earlier.cohort_week_date
            and earlier.cohort_week_date >= {{ add_days('weeks.cohort_week_date', -28) }}
    where earlier.is_mature
    group by weeks.flow, weeks.cohort_week_date, weeks.step, weeks.segment_type, weeks.segment_value

),

kpi_onboarding as (

    select
        {{ key_of(['weeks.flow', 'weeks.cohort_week_date', 'weeks.step', 'weeks.segment_type', 'weeks.segment_value']) }} as onboarding_id,
        weeks.flow,
        weeks.cohort_week_date,
        weeks.step,
        weeks.step_number,
        weeks.segment_type,
        weeks.segment_value,
        {{ rate_columns('completion', 'weeks.completed_count', 'weeks.started_count') }},
        cast(weeks.step_seconds_p50 as double) as step_seconds_p50,
        cast(weeks.step_seconds_p90 as double) as step_seconds_p90,
        cast(weeks.completed_count as double) / nullif(weeks.started_count, 0)
        - cast(before.completed_count as double) / nullif(before.started_count, 0) as completion_trend_difference,
        {{ rate_columns('goal', 'weeks.goal_count', 'weeks.started_count') }},
        weeks.is_mature

    from with_maturity as weeks
    left join before
        on
            weeks.flow = before.flow
            and weeks.cohort_week_date = before.cohort_week_date
            and weeks.step = before.step
            and weeks.segment_type = before.segment_type
            and weeks.segment_value = before.segment_value

)

select * from kpi_onboarding
