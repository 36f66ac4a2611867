{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('person_id', 'int_dirty_persons') }}",
    post_hook="{{ record_loads() }}"
) }}

with

events as (

    select
        person_id,
        occurred_date as active_date,
        occurred_at,
        is_core,
        session_id

    from {{ ref('int_events_identified') }}
    where
        is_interactive
        {{ where_dirty('person_id', 'int_dirty_persons', 'and') }}

),

person_days as (

    select
        person_id,
        active_date,
        min(occurred_at) as first_event_at,
        max(occurred_at) as last_event_at,
        count(*) as event_count,
        count(distinct session_id) as session_count,
        sum(case when is_core then 1 else 0 end) as core_event_count,
        min(case when is_core then occurred_at end) as first_core_event_at

    from events
    group by person_id, active_date

)

select * from person_days
