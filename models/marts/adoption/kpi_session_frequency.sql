with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

sessions as (

    select
        sessions.person_id,
        sessions.started_date,
        coalesce(stage_periods.stage, '(none)') as stage,
        case when sessions.is_engaged then sessions.duration_seconds else 0 end as engaged_seconds

    from {{ ref('fct_sessions') }} as sessions
    {{ join_stage_at('sessions.person_id', 'sessions.started_at') }}

),

sessions_in_periods as (

    {%- for period in ['week', 'month'] %}

    select
        {{ quoted(period) }} as period_type,
        {{ period_start(period, 'started_date') }} as period_start_date,
        person_id,
        stage,
        engaged_seconds

    from sessions

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

sessions_in_stages as (

    select period_type, period_start_date, person_id, stage, engaged_seconds from sessions_in_periods
    union all
    select period_type, period_start_date, person_id, 'all' as stage, engaged_seconds from sessions_in_periods

),

persons as (

    select
        sessions_in_stages.period_type,
        sessions_in_stages.period_start_date,
        sessions_in_stages.stage,
        segments.segment_type,
        segments.segment_value,
        sessions_in_stages.person_id,
        count(*) as session_count,
        sum(sessions_in_stages.engaged_seconds) as engaged_seconds

    from sessions_in_stages
    inner join {{ ref('bridge_person_segments') }} as segments on sessions_in_stages.person_id = segments.person_id
    group by
        sessions_in_stages.period_type, sessions_in_stages.period_start_date, sessions_in_stages.stage,
        segments.segment_type, segments.segment_value, sessions_in_stages.person_id

),

counted as (

    select
        period_type,
        period_start_date,
        stage,
        segment_type,
        segment_value,
        count(*) as person_count,
        sum(session_count) as session_count,
        sum(engaged_seconds) as engaged_seconds,
        percentile_cont(0.5) within group (order by session_count) as sessions_per_person_p50,
        percentile_cont(0.9) within group (order by session_count) as sessions_per_person_p90,
        sum(case when session_count = 1 then 1 else 0 end) as person_count_1,
        sum(case when session_count between 2 and 3 then 1 else 0 end) as person_count_2_3,
        sum(case when session_count between 4 and 7 then 1 else 0 end) as person_count_4_7,
        sum(case when session_count >= 8 then 1 else 0 end) as person_count_8_plus

    from persons
    group by period_type, period_start_date, stage, segment_type, segment_value

),

kpi_session_frequency as (

    select
        {{ key_of([
            'counted.period_type', 'counted.period_start_date', 'counted.stage', 'counted.segment_type', 'counted.segment_value'
        ]) }} as session_frequency_id,
        counted.period_type,
        counted.period_start_date,
        counted.stage,
        counted.segment_type,
        counted.segment_value,
        cast(counted.session_count as bigint) as session_count,
        cast(counted.person_count as bigint) as person_count,
        cast(counted.session_count as double) / counted.person_count as sessions_per_person,
        cast(counted.sessions_per_person_p50 as double) as sessions_per_person_p50,
        cast(counted.sessions_per_person_p90 as double) as sessions_per_person_p90,
        cast(counted.engaged_seconds as double) / counted.person_count as engaged_seconds_per_person,
        {%- for bucket in ['1', '2_3', '4_7', '8_plus'] %}
        cast(counted.person_count_{{ bucket }} as bigint) as person_count_{{ bucket }},
        cast(counted.person_count_{{ bucket }} as double) / counted.person_count as person_count_{{ bucket }}_share,
        {%- endfor %}
        case counted.period_type
            when 'week' then {{ add_days('counted.period_start_date', 7) }}
            else {{ next_month('counted.period_start_date') }}
        end <= as_of.as_of_date as is_mature

    from counted
    cross join as_of

)

select * from kpi_session_frequency
