-- definition_sensitivity counts anew, from settings; where a KPI table has the number of `own`, it is the same
with

own as (

    select * from {{ ref('definition_sensitivity') }}
    where profile = 'own'

),

last_days as (

    select
        month_start_date,
        max(date_day) as date_day

    from {{ ref('dim_dates') }}
    group by month_start_date

),

sessions as (

    select
        {{ period_start('month', 'date_day') }} as month_start_date,
        cast(sum(session_count) as bigint) as session_count

    from {{ ref('kpi_acquisition_daily') }}
    where segment_type = 'all'
    group by {{ period_start('month', 'date_day') }}

),

-- months here and weeks there hold the same people
own_conversion as (

    select
        cast(sum(numerator) as bigint) as numerator,
        cast(sum(denominator) as bigint) as denominator

    from own
    where metric = 'conversion'

),

kpi_conversion as (

    select
        cast(sum(converted_14d_numerator) as bigint) as numerator,
        cast(sum(converted_14d_denominator) as bigint) as denominator

    from {{ ref('kpi_time_to_convert') }}
    where goal = 'signup' and anchor = 'first_touch' and segment_type = 'all'

),

compared as (

    select
        own.metric,
        own.month_start_date,
        own.numerator as own_numerator,
        own.denominator as own_denominator,
        case own.metric
            when 'stickiness' then coalesce(active.dau_mau_numerator, 0)
            else coalesce(active.monthly_active_count, 0)
        end as kpi_numerator,
        case own.metric when 'stickiness' then coalesce(active.dau_mau_denominator, 0) end as kpi_denominator

    from own
    inner join last_days on own.month_start_date = last_days.month_start_date
    left join {{ ref('kpi_active_persons_daily') }} as active
        on
            last_days.date_day = active.date_day
            and active.segment_type = 'all'
    where own.metric in ('active', 'stickiness')

    union all

    select
        own.metric,
        own.month_start_date,
        own.numerator as own_numerator,
        own.denominator as own_denominator,
        coalesce(sessions.session_count, 0) as kpi_numerator,
        cast(null as bigint) as kpi_denominator

    from own
    left join sessions on own.month_start_date = sessions.month_start_date
    where own.metric = 'sessions'

    union all

    select
        'conversion' as metric,
        cast(null as date) as month_start_date,
        own_conversion.numerator as own_numerator,
        own_conversion.denominator as own_denominator,
        kpi_conversion.numerator as kpi_numerator,
        kpi_conversion.denominator as kpi_denominator

    from own_conversion
    cross join kpi_conversion
    -- where signup is no goal the KPI table does not speak of it
    where kpi_conversion.denominator is not null

)

select * from compared
where own_numerator <> kpi_numerator or coalesce(own_denominator, -1) <> coalesce(kpi_denominator, -1)
