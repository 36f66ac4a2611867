-- nobody comes to a step who was not at the one before; all who entered are at the first; and every attempt is counted once
with

steps as (

    select
        funnel,
        counting,
        cohort_week_date,
        segment_type,
        segment_value,
        step_number,
        conversion_numerator,
        conversion_denominator,
        step_denominator,
        open_count,
        excluded_count,
        row_number() over (
            partition by funnel, counting, cohort_week_date, segment_type, segment_value
            order by step_number
        ) as step_rank

    from {{ ref('kpi_funnels') }}

),

attempts as (

    select
        funnel,
        count(*) as attempt_count

    from {{ ref('fct_funnel_attempts') }}
    group by funnel

),

totals as (

    select
        funnel,
        sum(conversion_denominator + open_count + excluded_count) as attempt_count

    from steps
    where counting = 'totals' and segment_type = 'all' and step_rank = 1
    group by funnel

)

select
    funnel,
    step_number,
    conversion_numerator

from steps
where
    conversion_numerator > step_denominator
    or conversion_numerator > conversion_denominator
    or (step_rank = 1 and conversion_numerator <> conversion_denominator)

union all

select
    attempts.funnel,
    cast(null as bigint) as step_number,
    attempts.attempt_count as conversion_numerator

from attempts
left join totals on attempts.funnel = totals.funnel
where totals.attempt_count is null or attempts.attempt_count <> totals.attempt_count
