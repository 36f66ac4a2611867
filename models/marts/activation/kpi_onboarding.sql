with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

facts as (

    select * from {{ ref('fct_onboarding_steps') }}

),

steps as (

    select
        flow,
        step,
        cast(step_number as bigint) as step_number,
        coalesce(cast(is_required as boolean), false) as is_required,
        count(*) over (partition by flow) as step_count

    from (
        select distinct flow, step, step_number, is_required from {{ ref('onboarding_steps') }}
        where role = 'step'
    ) as rows_of_steps

),

starts as (

    select
        person_id,
        flow,
        flow_started_at,
        {{ period_start('week', local_date('flow_started_at')) }} as cohort_week_date

    from facts
    where role = 'start'

),

done as (

    select
        person_id,
        flow,
        step,
        seconds_since_start

    from facts
    where role = 'step' and seconds_since_start <= 14 * 86400

),

-- how long a step took: since the last step done before it, or since the start
done_in_order as (

    select
        *,
        seconds_since_start - coalesce(lag(seconds_since_start) over (
            partition by person_id, flow
            order by seconds_since_start, step
        ), 0) as step_seconds

    from done

),

goals as (

    select distinct
        person_id,
        flow

    from facts
    where role = 'goal' and seconds_since_start <= 14 * 86400

),

step_results as (

    select
        starts.person_id,
        starts.flow,
        starts.cohort_week_date,
        steps.step,
        steps.step_number,
        case when done.step is not null then 1 else 0 end as is_done,
        done.step_seconds,
        case when goals.person_id is not null then 1 else 0 end as has_reached_goal

    from starts
    inner join steps on starts.flow = steps.flow
    left join done_in_order as done
        on
            starts.person_id = done.person_id
            and starts.flow = done.flow
            and steps.step = done.step
    left join goals on starts.person_id = goals.person_id and starts.flow = goals.flow

),

flow_results as (

    select
        starts.person_id,
        starts.flow,
        starts.cohort_week_date,
        case
            when sum(case when steps.is_required and done.step is null then 1 else 0 end) = 0 then 1
            else 0
        end as is_done,
        max(case when steps.is_required then done.seconds_since_start end) as flow_seconds,
        max(case when goals.person_id is not null then 1 else 0 end) as has_reached_goal

    from starts
    inner join steps on starts.flow = steps.flow
    left join done
        on
            starts.person_id = done.person_id
            and starts.flow = done.flow
            and steps.step = done.step
    left join goals on starts.person_id = goals.person_id and starts.flow = goals.flow
    group by starts.person_id, starts.flow, starts.cohort_week_date

),

results as (

    select person_id, flow, cohort_week_date, step, step_number, is_done, step_seconds, has_reached_goal from step_results

    union all

    select
        person_id,
        flow,
        cohort_week_date,
        'all' as step,
        cast(0 as bigint) as step_number,
        is_done,
        case when is_done = 1 then flow_seconds end as step_seconds,
        has_reached_goal

    from flow_results

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
        sum(results.is_done) as completed_count,
        sum(results.has_reached_goal) as goal_count,
        percentile_cont(0.5) within group (order by results.step_seconds) as step_seconds_p50,
        percentile_cont(0.9) within group (order by results.step_seconds) as step_seconds_p90

    from results
    {{ join_segments('results.person_id') }}
    group by results.flow, results.cohort_week_date, results.step, results.step_number, segments.segment_type, segments.segment_value

),

with_maturity as (

    select
        counted.*,
        {{ add_days('counted.cohort_week_date', 7 + 14) }} <= as_of.as_of_date as is_mature

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
