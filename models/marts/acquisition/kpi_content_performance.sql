with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

interactions as (

    select * from {{ ref('fct_content_interactions') }}

),

-- one reader of an asset on a day, from his first interaction with it
readers as (

    select
        asset_id,
        occurred_date,
        person_id,
        min(occurred_at) as first_at,
        sum(case when interaction = 'viewed' then 1 else 0 end) as view_count,
        sum(case when interaction = 'downloaded' then 1 else 0 end) as download_count,
        sum(case when interaction = 'attended' then 1 else 0 end) as attendance_count,
        max(percent) as percent

    from interactions
    group by asset_id, occurred_date, person_id

),

next_actions as (

    select
        readers.asset_id,
        readers.occurred_date,
        readers.person_id,
        count(*) as action_count

    from readers
    inner join {{ ref('fct_touchpoints') }} as touchpoints
        on
            readers.person_id = touchpoints.person_id
            and readers.first_at < touchpoints.occurred_at
            and touchpoints.occurred_at <= {{ add_seconds('readers.first_at', 86400) }}
    where touchpoints.direction = 'inbound'
    group by readers.asset_id, readers.occurred_date, readers.person_id

),

conversions as (

    select
        readers.asset_id,
        readers.occurred_date,
        readers.person_id,
        count(distinct conversions.conversion_id) as conversion_count,
        sum(case when conversions.occurred_at <= {{ add_seconds('readers.first_at', 86400) }} then 1 else 0 end) as conversion_24h_count

    from readers
    inner join {{ ref('fct_conversions') }} as conversions
        on
            readers.person_id = conversions.person_id
            and readers.first_at < conversions.occurred_at
            and conversions.occurred_at <= {{ add_seconds('readers.first_at', 30 * 86400) }}
    group by readers.asset_id, readers.occurred_date, readers.person_id

),

counted as (

    select
        readers.asset_id,
        readers.occurred_date,
        count(*) as reader_count,
        sum(readers.view_count) as view_count,
        sum(readers.download_count) as download_count,
        sum(readers.attendance_count) as attendance_count,
        sum(case when readers.percent is not null then 1 else 0 end) as measured_reader_count,
        sum(case when readers.percent >= 90 then 1 else 0 end) as completed_reader_count,
        sum(case when next_actions.action_count > 0 or conversions.conversion_24h_count > 0 then 1 else 0 end) as acted_24h_count,
        coalesce(sum(conversions.conversion_count), 0) as assisted_conversion_30d_count

    from readers
    left join next_actions
        on
            readers.asset_id = next_actions.asset_id
            and readers.occurred_date = next_actions.occurred_date
            and readers.person_id = next_actions.person_id
    left join conversions
        on
            readers.asset_id = conversions.asset_id
            and readers.occurred_date = conversions.occurred_date
            and readers.person_id = conversions.person_id
    group by readers.asset_id, readers.occurred_date

),

kpi_content_performance as (

    select
        {{ key_of(['counted.asset_id', 'counted.occurred_date']) }} as content_performance_id,
        counted.asset_id,
        assets.asset_type,
        assets.title,
        counted.occurred_date as date_day,
        cast(counted.view_count as bigint) as view_count,
        cast(counted.reader_count as bigint) as reader_count,
        cast(counted.download_count as bigint) as download_count,
        cast(counted.attendance_count as bigint) as attendance_count,
        {{ rate_columns('completion', 'counted.completed_reader_count', 'counted.measured_reader_count') }},
        {{ rate_columns('next_action_24h', 'counted.acted_24h_count', 'counted.reader_count') }},
        {{ window_is_over(add_days('counted.occurred_date', 1), 1) }} as next_action_24h_is_mature,
        cast(counted.assisted_conversion_30d_count as bigint) as assisted_conversion_30d_count,
        {{ window_is_over(add_days('counted.occurred_date', 1), 30) }} as assisted_conversion_30d_is_mature,
        -- readers chose to read
        false as is_causal

    from counted
    inner join {{ ref('dim_content_assets') }} as assets on counted.asset_id = assets.asset_id
    cross join as_of

)

select * from kpi_content_performance
