{%- set weeks = 12 -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

cohort as (

    select
        person_id,
        signed_up_at,
        {{ local_date('signed_up_at') }} as signed_up_date,
        {{ period_start('week', local_date('signed_up_at')) }} as cohort_week_date

    from {{ ref('dim_persons') }}
    where signed_up_at is not null

),

-- weeks are counted in local days from the sign-up: days 0 to 6 are week 0
help_weeks as (

    select distinct
        cohort.person_id,
        help_uses.help_type,
        cast(floor({{ days_between('cohort.signed_up_date', 'help_uses.occurred_date') }} / 7.0) as bigint) as week_offset

    from cohort
    inner join {{ ref('fct_help_uses') }} as help_uses
        on
            cohort.person_id = help_uses.person_id
            and cohort.signed_up_at <= help_uses.occurred_at

),

help_kinds as (

    select person_id, help_type as help_used from help_weeks where week_offset = 0

    union

    select person_id, 'any' as help_used from help_weeks where week_offset = 0

    union

    select cohort.person_id, 'none' as help_used
    from cohort
    where cohort.person_id not in (select help_weeks.person_id from help_weeks where help_weeks.week_offset = 0)

),

active_weeks as (

    select distinct
        cohort.person_id,
        cast(floor({{ days_between('cohort.signed_up_date', 'days.active_date') }} / 7.0) as bigint) as week_offset

    from cohort
    inner join {{ ref('fct_person_days') }} as days
        on
            cohort.person_id = days.person_id
            and cohort.signed_up_date <= days.active_date

),

offsets as (

    select cast(number as bigint) as week_offset from ({{ integers(weeks + 1) }}) as numbers

),

helped_again as (

    select distinct
        person_id,
        week_offset

    from help_weeks

),

followed as (

    select
        cohort.cohort_week_date,
        help_kinds.help_used,
        offsets.week_offset,
        cohort.person_id,
        case when active_weeks.person_id is not null then 1 else 0 end as is_retained,
        case when helped_again.person_id is not null then 1 else 0 end as has_used_help

    from cohort
    inner join help_kinds on cohort.person_id = help_kinds.person_id
    cross join offsets
    left join active_weeks on cohort.person_id = active_weeks.person_id and offsets.week_offset = active_weeks.week_offset
    left join helped_again on cohort.person_id = helped_again.person_id and offsets.week_offset = helped_again.week_offset

),

counted as (

    select
        cohort_week_date,
        help_used,
        week_offset,
        count(*) as cohort_count,
        sum(is_retained) as retained_count,
        sum(has_used_help) as used_help_count,
        sum(case when is_retained = 1 and has_used_help = 1 then 1 else 0 end) as retained_used_help_count

    from followed
    group by cohort_week_date, help_used, week_offset

),

kpi_help_retention as (

    select
        {{ key_of(['counted.cohort_week_date', 'counted.help_used', 'counted.week_offset']) }} as help_retention_id,
        counted.cohort_week_date,
        counted.help_used,
        counted.week_offset,
        {{ rate_columns('retention', 'counted.retained_count', 'counted.cohort_count') }},
        {{ rate_columns('help_use_retention', 'counted.used_help_count', 'counted.cohort_count') }},
        {{ rate_columns('help_use_of_retained', 'counted.retained_used_help_count', 'counted.retained_count') }},
        {{ add_days('counted.cohort_week_date', '6 + 7 * (counted.week_offset + 1)') }} <= as_of.as_of_date as is_mature,
        -- who asks for help chose to
        false as is_causal

    from counted
    cross join as_of
    where {{ add_days('counted.cohort_week_date', '7 * counted.week_offset') }} <= as_of.as_of_date

)

select * from kpi_help_retention
