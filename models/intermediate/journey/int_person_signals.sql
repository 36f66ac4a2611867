{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('person_id', 'int_dirty_persons') }}",
    post_hook="{{ record_loads() }}"
) }}

-- the few events that milestones, stages and goals listen to, so that these never read all events
with

listened_to as (

    select event_name from {{ ref('stage_rules') }} where trigger = 'event'
    union
    select event_name from {{ ref('milestones') }} where trigger = 'event'
    union
    select event_name from {{ ref('goals') }}

),

person_signals as (

    select
        events.event_id,
        events.person_id,
        events.event_name,
        events.event_priority,
        events.occurred_at,
        events.endpoint_id,
        events.session_id,
        events.amount,
        events.currency_code

    from {{ ref('int_events_identified') }} as events
    inner join listened_to on events.event_name = listened_to.event_name
    {{ where_dirty('events.person_id', 'int_dirty_persons') }}

)

select * from person_signals
