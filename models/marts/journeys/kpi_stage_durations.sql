with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

stays as (

    select
        periods.person_id,
        periods.stage,
        periods.stage_number,
        {{ period_start('month', local_date('periods.started_at')) }} as cohort_month_date,
        segments.segment_type,
        segments.segment_value,
        periods.exit_reason,
        periods.is_open,
        periods.duration_seconds,
        {{ elapsed_seconds('periods.started_at', 'coalesce(periods.ended_at, as_of.as_of_at)') }} as watched_seconds

    from {{ ref('fct_stage_periods') }} as periods
    cross join as_of
    {{ join_segments('periods.person_id') }}

),

-- what is long for a stage: longer than nine in ten of all stays that ended
usual as (

    select
        stage,
        segment_type,
        segment_value,
        percentile_cont(0.9) within group (order by duration_seconds) as duration_seconds_p90

    from stays
    where not is_open
    group by stage, segment_type, segment_value

),

medians as (

    {{ kaplan_meier_median(
        'stays',
        ['stage', 'cohort_month_date', 'segment_type', 'segment_value'],
        'watched_seconds',
        'not is_open',
        'survival_median_seconds'
    ) | indent(4) }}

),

counted as (

    select
        stays.stage,
        stays.stage_number,
        stays.cohort_month_date,
        stays.segment_type,
        stays.segment_value,
        count(*) as stay_count,
        count(distinct stays.person_id) as person_count,
        sum(case when stays.exit_reason = 'advanced' then 1 else 0 end) as advanced_count,
        sum(case when stays.exit_reason = 'churned' then 1 else 0 end) as churned_count,
        sum(case when stays.exit_reason = 'dormant' then 1 else 0 end) as dormant_count,
        sum(case when stays.is_open then 1 else 0 end) as open_count,
        percentile_cont(0.5) within group (order by stays.duration_seconds) as duration_seconds_p50,
        percentile_cont(0.9) within group (order by stays.duration_seconds) as duration_seconds_p90,
        sum(case when stays.is_open and stays.watched_seconds > usual.duration_seconds_p90 then 1 else 0 end) as stuck_count

    from stays
    left join usual
        on
            stays.stage = usual.stage
            and stays.segment_type = usual.segment_type
            and stays.segment_value = usual.segment_value
    group by stays.stage, stays.stage_number, stays.cohort_month_date, stays.segment_type, stays.segment_value

),

kpi_stage_durations as (

    select
        {{ key_of(['counted.stage', 'counted.cohort_month_date', 'counted.segment_type', 'counted.segment_value']) }} as stage_duration_id,
        counted.stage,
        counted.stage_number,
        counted.cohort_month_date,
        counted.segment_type,
        counted.segment_value,
        counted.stay_count,
        counted.person_count,
        cast(counted.advanced_count as bigint) as advanced_count,
        cast(counted.churned_count as bigint) as churned_count,
        cast(counted.dormant_count as bigint) as dormant_count,
        cast(counted.open_count as bigint) as open_count,
        cast(counted.duration_seconds_p50 as double) as duration_seconds_p50,
        cast(counted.duration_seconds_p90 as double) as duration_seconds_p90,
        medians.survival_median_seconds,
        cast(counted.stuck_count as bigint) as stuck_count,
        counted.open_count = 0 and {{ next_month('counted.cohort_month_date') }} <= as_of.as_of_date as is_mature

    from counted
    cross join as_of
    left join medians
        on
            counted.stage = medians.stage
            and counted.cohort_month_date = medians.cohort_month_date
            and counted.segment_type = medians.segment_type
            and counted.segment_value = medians.segment_value

)

select * from kpi_stage_durations
