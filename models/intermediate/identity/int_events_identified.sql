{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('int_events_sessionized') }}

),

events_with_owner as (

    select
        events.*,
        case
            when events.strong_identifier_id is not null then events.strong_identifier_id
            -- a shared device belongs to whoever is logged in
            when endpoints.is_shared and events.session_user_identifier_id is not null then events.session_user_identifier_id
            else events.endpoint_identifier_id
        end as owner_identifier_id,
        coalesce(endpoints.is_shared, false) as is_shared_endpoint

    from events
    -- not through a common expression: what is read twice is kept whole, and with it every column of the events
    left join {{ ref('int_identifiers_resolved') }} as endpoints on events.endpoint_identifier_id = endpoints.identifier_id

),

events_identified as (

    select
        events_with_owner.*,
        coalesce(owners.person_id, events_with_owner.endpoint_id) as person_id,
        coalesce(owners.is_known, false) as is_known

    from events_with_owner
    left join {{ ref('int_identifiers_resolved') }} as owners on events_with_owner.owner_identifier_id = owners.identifier_id

)

select * from events_identified
