with

fct_person_days as (

    select
        {{ key_of(['person_id', 'active_date']) }} as person_day_id,
        person_id,
        active_date,
        first_event_at,
        last_event_at,
        cast(event_count as bigint) as event_count,
        cast(session_count as bigint) as session_count,
        cast(core_event_count as bigint) as core_event_count,
        first_core_event_at

    from {{ ref('int_person_days') }}

)

select * from fct_person_days
