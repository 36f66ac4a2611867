with

fct_advocacy_events as (

    select
        events.event_id,
        events.person_id,
        advocacy_events.kind,
        events.occurred_at,
        events.occurred_date

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('advocacy_events') }} as advocacy_events on events.event_name = advocacy_events.event_name

)

select * from fct_advocacy_events
