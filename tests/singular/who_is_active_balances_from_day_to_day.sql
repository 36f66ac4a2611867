-- new + current + resurrected = active today; current + dormant = active yesterday; of people and of accounts
with

days as (

    {%- for table in ['kpi_active_persons_daily', 'kpi_active_accounts_daily'] %}

    select
        {{ quoted(table) }} as table_name,
        date_day,
        segment_type,
        segment_value,
        daily_active_count,
        weekly_active_count,
        monthly_active_count,
        monthly_active_30d_count,
        new_count,
        current_count,
        resurrected_count,
        dormant_count,
        coalesce(lag(daily_active_count) over (
            partition by segment_type, segment_value
            order by date_day
        ), 0) as yesterday_active_count

    from {{ ref(table) }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select *
from days
where
    new_count + current_count + resurrected_count <> daily_active_count
    or current_count + dormant_count <> yesterday_active_count
    or weekly_active_count < daily_active_count
    or monthly_active_count < weekly_active_count
    or monthly_active_30d_count < monthly_active_count
