{%- set windows = [7, 30, 90] -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

first_sessions as (

    select
        *,
        {{ period_start('week', 'started_date') }} as cohort_week_date

    from {{ ref('fct_sessions') }}
    where session_number = 1

),

first_touches as (

    select
        person_id,
        touchpoint_type,
        row_number() over (
            partition by person_id
            order by touch_number
        ) as own_number

    from {{ ref('fct_touchpoints') }}
    where touchpoint_type <> 'session'

),

entries as (

    select person_id, started_at, cohort_week_date, 'all' as entry_type, 'all' as entry_value from first_sessions
    union all
    select person_id, started_at, cohort_week_date, 'landing_page' as entry_type, entry_page_path as entry_value from first_sessions
    union all
    select person_id, started_at, cohort_week_date, 'channel_group' as entry_type, channel_group as entry_value from first_sessions
    union all
    select person_id, started_at, cohort_week_date, 'campaign' as entry_type, campaign as entry_value from first_sessions
    union all
    select person_id, started_at, cohort_week_date, 'behaviour' as entry_type, coalesce(second_event_name, '(left)') as entry_value
    from first_sessions
    union all
    select
        first_sessions.person_id,
        first_sessions.started_at,
        first_sessions.cohort_week_date,
        'first_touchpoint' as entry_type,
        first_touches.touchpoint_type as entry_value
    from first_sessions
    inner join first_touches on first_sessions.person_id = first_touches.person_id and first_touches.own_number = 1

),

goals as (

    select distinct goal from {{ ref('goals') }}

),

first_conversions as (

    select
        first_sessions.person_id,
        conversions.goal,
        min({{ elapsed_seconds('first_sessions.started_at', 'conversions.occurred_at') }}) as seconds_to_convert

    from first_sessions
    inner join {{ ref('fct_conversions') }} as conversions on first_sessions.person_id = conversions.person_id
    where conversions.occurred_at >= first_sessions.started_at
    group by first_sessions.person_id, conversions.goal

),

counted as (

    select
        entries.entry_type,
        entries.entry_value,
        goals.goal,
        entries.cohort_week_date,
        count(*) as entered_count
        {%- for days in windows %},
        sum(case when first_conversions.seconds_to_convert <= {{ days * 86400 }} then 1 else 0 end) as converted_{{ days }}d_count
        {%- endfor %}

    from entries
    cross join goals
    left join first_conversions
        on
            entries.person_id = first_conversions.person_id
            and goals.goal = first_conversions.goal
    where entries.entry_value is not null
    group by entries.entry_type, entries.entry_value, goals.goal, entries.cohort_week_date

),

kpi_entry_conversion as (

    select
        {{ key_of(['counted.entry_type', 'counted.entry_value', 'counted.goal', 'counted.cohort_week_date']) }} as entry_conversion_id,
        counted.entry_type,
        counted.entry_value,
        counted.goal,
        counted.cohort_week_date,
        cast(counted.entered_count as bigint) as entered_count
        {%- for days in windows %},
        {{ rate_columns('converted_' ~ days ~ 'd', 'counted.converted_' ~ days ~ 'd_count', 'counted.entered_count') }},
        -- 1 = as good as everybody of that week
        (cast(counted.converted_{{ days }}d_count as double) / counted.entered_count)
        / nullif(cast(everybody.converted_{{ days }}d_count as double) / everybody.entered_count, 0) as converted_{{ days }}d_index,
        {{ window_is_over(add_days('counted.cohort_week_date', 7), days) }} as converted_{{ days }}d_is_mature
        {%- endfor %}

    from counted
    inner join counted as everybody
        on
            everybody.entry_type = 'all'
            and counted.goal = everybody.goal
            and counted.cohort_week_date = everybody.cohort_week_date
    cross join as_of

)

select * from kpi_entry_conversion
