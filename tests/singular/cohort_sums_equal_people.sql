-- everybody with a start, a sign-up or a beginning is in exactly one cohort of the segment `all`
with

counted as (

    select
        'retention' as what,
        (select count(*) from {{ ref('fct_retention_starts') }}) as people,
        (
            select sum(retention_denominator) from {{ ref('kpi_retention_cohorts') }}
            where row_type = 'cohort' and criterion = 'on' and period_offset = 0 and segment_type = 'all'
        ) as in_cohorts

    union all

    select
        'lifetime value' as what,
        (select count(*) from {{ ref('dim_persons') }} where signed_up_at is not null) as people,
        (
            select sum(cohort_count) from {{ ref('kpi_lifetime_value') }}
            where month_offset = 0 and segment_type = 'all'
        ) as in_cohorts

    union all

    select
        'onboarding' as what,
        (select count(*) from {{ ref('fct_onboarding_steps') }} where role = 'start') as people,
        (
            select sum(completion_denominator) from {{ ref('kpi_onboarding') }}
            where step = 'all' and segment_type = 'all'
        ) as in_cohorts

)

select * from counted
where people <> coalesce(in_cohorts, 0)
