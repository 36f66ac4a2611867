select
    (select count(*) from {{ ref('fct_events') }} where is_interactive) as interactive_event_count,
    (select sum(event_count) from {{ ref('fct_sessions') }}) as session_event_count,
    (select sum(event_count) from {{ ref('fct_person_days') }}) as person_day_event_count
from {{ ref('dim_as_of') }}
where
    (select count(*) from {{ ref('fct_events') }} where is_interactive) <> coalesce((select sum(event_count) from {{ ref('fct_sessions') }}), 0)
    or (select count(*) from {{ ref('fct_events') }} where is_interactive) <> coalesce((select sum(event_count) from {{ ref('fct_person_days') }}), 0)
