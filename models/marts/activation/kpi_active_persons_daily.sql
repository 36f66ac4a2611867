{%- set windows = {'wau': 7, 'mau': 28, 'mau_30d': 30} -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),
{{ active_ctes('person', windows) }},

kpi_active_persons_daily as (

    select
        {{ key_of(['counted.date_day', 'counted.segment_type', 'counted.segment_value']) }} as active_persons_day_id,
        counted.date_day,
        counted.segment_type,
        counted.segment_value,
        cast(counted.dau as bigint) as daily_active_count,
        cast(counted.known_dau as bigint) as known_daily_active_count,
        cast(counted.dau - counted.known_dau as bigint) as anonymous_daily_active_count,
        cast(counted.wau as bigint) as weekly_active_count,
        cast(counted.mau as bigint) as monthly_active_count,
        cast(counted.mau_30d as bigint) as monthly_active_30d_count,
        {{ rate_columns('dau_wau', 'counted.dau', 'counted.wau', bounds=false) }},
        {{ rate_columns('dau_mau', 'counted.dau', 'counted.mau', bounds=false) }},
        cast(counted.new_count as bigint) as new_count,
        cast(counted.current_count as bigint) as current_count,
        cast(counted.resurrected_count as bigint) as resurrected_count,
        cast(counted.dormant_count as bigint) as dormant_count,
        -- the local day of as_of is not over
        counted.date_day < as_of.as_of_date as is_mature

    from counted
    cross join as_of

)

select * from kpi_active_persons_daily
