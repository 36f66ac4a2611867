{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('int_events_identified') }}

),

fct_events as (

    select
        events.event_id,
        events.person_id,
        events.endpoint_id,
        events.session_id,
        events.event_name,
        events.event_type,
        events.is_known_event,
        events.is_interactive,
        events.is_core,
        events.is_session_start,
        events.is_shared_endpoint,
        events.touchpoint_type,
        cast(events.event_priority as bigint) as event_priority,
        events.occurred_at,
        events.occurred_date,
        events.client_occurred_at,
        events.received_at,
        events.loaded_at,
        events.source_name,
        events.account_id,
        events.platform,
        events.page_host,
        events.page_path,
        events.page_title,
        events.referrer_host,
        events.utm_source,
        events.utm_medium,
        events.utm_campaign,
        events.utm_term,
        events.utm_content,
        {{ in_reporting_currency('events.amount') }} as amount,
        events.amount as original_amount,
        events.currency_code as original_currency_code,
        events.quantity

    from events
    {{ join_fx_rates('events.currency_code', 'events.occurred_date') }}

)

select * from fct_events
