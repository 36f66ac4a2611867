{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('endpoint_id', 'int_dirty_endpoints') }}",
    post_hook="{{ record_loads() }}"
) }}

with

events as (

    select * from {{ ref('int_events_sessionized') }}
    where
        session_id is not null
        {{ where_dirty('endpoint_id', 'int_dirty_endpoints', 'and') }}

),

key_events as (

    select distinct event_name from {{ ref('goals') }}

),

sessions_aggregated as (

    select
        events.session_id,
        min(events.endpoint_id) as endpoint_id,
        min(events.endpoint_identifier_id) as endpoint_identifier_id,
        min(case when events.is_session_start then events.strong_identifier_id end) as entry_strong_identifier_id,
        -- the first user who is named in the session
        min(case when events.is_session_start then events.session_user_identifier_id end) as session_user_identifier_id,
        min(events.occurred_at) as started_at,
        max(events.occurred_at) as ended_at,
        count(*) as event_count,
        sum(case when events.event_type in ('page', 'screen') then 1 else 0 end) as page_view_count,
        sum(case when events.is_core then 1 else 0 end) as core_event_count,
        sum(case when key_events.event_name is not null then 1 else 0 end) as key_event_count,
        min(case when events.is_session_start then events.platform end) as platform,
        min(case when events.is_session_first_page then events.page_host end) as entry_page_host,
        min(case when events.is_session_first_page then events.page_path end) as entry_page_path,
        min(case when events.is_session_end then events.page_path end) as exit_page_path,
        min(case when events.is_session_start then events.event_name end) as entry_event_name,
        min(case when events.session_event_number = 2 then events.event_name end) as second_event_name,
        min(case when events.is_session_start then events.referrer_host end) as referrer_host,
        min(case when events.is_session_start then events.utm_source end) as utm_source,
        min(case when events.is_session_start then events.utm_medium end) as utm_medium,
        min(case when events.is_session_start then events.utm_campaign end) as utm_campaign,
        min(case when events.is_session_start then events.click_id_type end) as click_id_type

    from events
    left join key_events on events.event_name = key_events.event_name
    group by events.session_id

)

select * from sessions_aggregated
