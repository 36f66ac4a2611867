with

assets as (

    select * from {{ ref('dim_content_assets') }}

),

told as (

    -- an event says which asset it is about
    select
        events.event_id,
        events.person_id,
        events.event_name,
        events.occurred_at,
        coalesce({{ json_text('events.properties', 'asset') }}, {{ json_text('events.properties', 'article') }}) as asset_id,
        {{ try_to(json_text('events.properties', 'percent'), 'double') }} as percent,
        false as is_page_view

    from {{ ref('int_events_identified') }} as events
    where events.properties is not null and events.event_type not in ('page', 'screen', 'server')

    union all

    -- or it is a view of the asset's page
    select
        events.event_id,
        events.person_id,
        events.event_name,
        events.occurred_at,
        assets.asset_id,
        cast(null as double) as percent,
        true as is_page_view

    from {{ ref('int_events_identified') }} as events
    inner join assets on events.page_path = assets.page_path
    where events.event_type in ('page', 'screen')

),

-- what is no number from 0 to 100 measures nothing; NaN would be the mean of all others
named as (

    select
        event_id,
        person_id,
        event_name,
        occurred_at,
        asset_id,
        case when percent between 0 and 100 then percent end as percent,
        is_page_view

    from told

),

fct_content_interactions as (

    select
        {{ key_of(['named.event_id', 'assets.asset_id']) }} as content_interaction_id,
        named.event_id,
        named.person_id,
        assets.asset_id,
        assets.asset_type,
        case
            when named.event_name like '%downloaded' then 'downloaded'
            when named.event_name like '%attended' then 'attended'
            else 'viewed'
        end as interaction,
        named.percent,
        named.occurred_at,
        {{ local_date('named.occurred_at') }} as occurred_date

    from named
    inner join assets on named.asset_id = assets.asset_id
    -- who reads a page that tells of it too has read it once
    where
        named.is_page_view
        or assets.page_path is null
        or named.percent is not null
        or named.event_name like '%downloaded'
        or named.event_name like '%attended'

)

select * from fct_content_interactions
