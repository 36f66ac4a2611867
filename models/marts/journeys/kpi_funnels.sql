{%- set countings = {'unique_first': 'attempts.is_first', 'unique_best': 'attempts.is_best', 'totals': 'true'} %}
with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

funnels as (

    select
        funnel,
        step_order,
        cast(ceil(cast(window_days as double)) as integer) as window_days

    from {{ ref('funnels') }}

),

step_rows as (

    select distinct
        funnel,
        cast(step_number as bigint) as step_number,
        step,
        coalesce(cast(is_optional as boolean), false) as is_optional

    from {{ ref('funnel_steps') }}
    where role = 'step'

),

-- in any order: "any 1 of 4", "any 2 of 4" …
steps_numbered as (

    select
        step_rows.funnel,
        funnels.step_order,
        step_rows.step,
        step_rows.is_optional,
        case
            when funnels.step_order = 'any' then row_number() over (
                partition by step_rows.funnel
                order by step_rows.step_number
            )
            else step_rows.step_number
        end as step_number,
        count(*) over (partition by step_rows.funnel) as step_count

    from step_rows
    inner join funnels on step_rows.funnel = funnels.funnel

),

steps as (

    select
        funnel,
        step_number,
        is_optional,
        case
            when step_order = 'any'
                then 'any ' || cast(step_number as {{ dbt.type_string() }}) || ' of ' || cast(step_count as {{ dbt.type_string() }})
            else step
        end as step,
        max(case when not is_optional then step_number end) over (
            partition by funnel
            order by step_number
            rows between unbounded preceding and 1 preceding
        ) as previous_step_number

    from steps_numbered

),

segments as (

    select person_id as owner_id, segment_type, segment_value from {{ ref('bridge_person_segments') }}
    union all
    select account_id as owner_id, segment_type, segment_value from {{ ref('bridge_account_segments') }}

),

attempts as (

    select
        *,
        coalesce(person_id, account_id) as owner_id,
        {{ period_start('week', 'started_date') }} as cohort_week_date,
        case when is_mature and not is_excluded then 1 else 0 end as is_counted

    from {{ ref('fct_funnel_attempts') }}

),

counted_attempts as (

    {%- for counting, condition in countings.items() %}

    select
        '{{ counting }}' as counting,
        attempts.*
    from attempts
    {%- if condition != 'true' %}
    where {{ condition }}
    {%- endif %}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

attempts_by_segment as (

    select
        counted_attempts.counting,
        counted_attempts.funnel_attempt_id,
        counted_attempts.funnel,
        counted_attempts.cohort_week_date,
        counted_attempts.is_counted,
        counted_attempts.is_excluded,
        counted_attempts.is_mature,
        segments.segment_type,
        segments.segment_value

    from counted_attempts
    inner join segments on counted_attempts.owner_id = segments.owner_id

),

cohorts as (

    select
        counting,
        funnel,
        cohort_week_date,
        segment_type,
        segment_value,
        sum(is_counted) as entered_count,
        sum(case when is_excluded then 1 else 0 end) as excluded_count,
        sum(case when not is_excluded and not is_mature then 1 else 0 end) as open_count

    from attempts_by_segment
    group by counting, funnel, cohort_week_date, segment_type, segment_value

),

reached as (

    select
        attempts.counting,
        attempts.funnel,
        attempts.cohort_week_date,
        attempts.segment_type,
        attempts.segment_value,
        reached.step_number,
        count(*) as reached_count,
        percentile_cont(0.5) within group (order by reached.seconds_from_start) as seconds_from_start_p50,
        percentile_cont(0.9) within group (order by reached.seconds_from_start) as seconds_from_start_p90,
        percentile_cont(0.5) within group (order by reached.seconds_from_previous) as seconds_from_previous_p50

    from attempts_by_segment as attempts
    inner join {{ ref('fct_funnel_steps') }} as reached on attempts.funnel_attempt_id = reached.funnel_attempt_id
    where attempts.is_counted = 1
    group by
        attempts.counting, attempts.funnel, attempts.cohort_week_date, attempts.segment_type, attempts.segment_value, reached.step_number

),

filled as (

    select
        cohorts.*,
        steps.step_number,
        steps.step,
        steps.is_optional,
        steps.previous_step_number,
        coalesce(reached.reached_count, 0) as reached_count,
        reached.seconds_from_start_p50,
        reached.seconds_from_start_p90,
        reached.seconds_from_previous_p50

    from cohorts
    inner join steps on cohorts.funnel = steps.funnel
    left join reached
        on
            cohorts.counting = reached.counting
            and cohorts.funnel = reached.funnel
            and cohorts.cohort_week_date = reached.cohort_week_date
            and cohorts.segment_type = reached.segment_type
            and cohorts.segment_value = reached.segment_value
            and steps.step_number = reached.step_number

),

with_previous as (

    select
        filled.*,
        coalesce(previous_step.reached_count, filled.entered_count) as previous_count

    from filled
    left join filled as previous_step
        on
            filled.counting = previous_step.counting
            and filled.funnel = previous_step.funnel
            and filled.cohort_week_date = previous_step.cohort_week_date
            and filled.segment_type = previous_step.segment_type
            and filled.segment_value = previous_step.segment_value
            and filled.previous_step_number = previous_step.step_number

),

kpi_funnels as (

    select
        {{ key_of([
            'weeks.funnel', 'weeks.counting', 'weeks.cohort_week_date', 'weeks.step_number', 'weeks.segment_type', 'weeks.segment_value'
        ]) }} as funnel_step_week_id,
        weeks.funnel,
        weeks.counting,
        weeks.cohort_week_date,
        weeks.step_number,
        weeks.step,
        weeks.segment_type,
        weeks.segment_value,
        {{ rate_columns('conversion', 'weeks.reached_count', 'weeks.entered_count') }},
        {{ rate_columns('step', 'weeks.reached_count', 'weeks.previous_count') }},
        cast(case when weeks.is_optional then 0 else weeks.previous_count - weeks.reached_count end as bigint) as drop_count,
        cast(weeks.seconds_from_start_p50 as double) as seconds_from_start_p50,
        cast(weeks.seconds_from_start_p90 as double) as seconds_from_start_p90,
        cast(weeks.seconds_from_previous_p50 as double) as seconds_from_previous_p50,
        cast(weeks.open_count as bigint) as open_count,
        cast(weeks.excluded_count as bigint) as excluded_count,
        {{ window_is_over(add_days('weeks.cohort_week_date', 7), 'funnels.window_days') }} as is_mature

    from with_previous as weeks
    inner join funnels on weeks.funnel = funnels.funnel
    cross join as_of

)

select * from kpi_funnels
