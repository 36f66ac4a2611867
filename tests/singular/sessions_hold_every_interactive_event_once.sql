with

counts as (

    select
        (select count(*) from {{ ref('fct_events') }} as events where events.is_interactive) as interactive_event_count,
        (select coalesce(sum(sessions.event_count), 0) from {{ ref('fct_sessions') }} as sessions) as session_event_count,
        (select coalesce(sum(days.event_count), 0) from {{ ref('fct_person_days') }} as days) as person_day_event_count

)

select *
from counts
where
    interactive_event_count <> session_event_count
    or interactive_event_count <> person_day_event_count
