-- Whoever has news: people whose own events, sessions or records the pending loads touch, and people, old and new, whose
-- set of identifiers has changed since the tables kept by person were last made.
with

identity_changes as (

    select * from {{ ref('int_identity_changes') }}
    where change_number > {{ last_followed_change() }}

),

endpoints as (

    select endpoint_id from {{ ref('int_dirty_endpoints') }}

    union

    -- a device that was shared and is not, or the other way round, gives its events to other people
    select identifier_id as endpoint_id from identity_changes
    where is_shared_changed

),

touched_identifiers as (

    select endpoint_id as identifier_id from endpoints

    union

    -- whoever is named on such an endpoint: sessions there were found anew
    select events.strong_identifier_id as identifier_id
    from {{ ref('int_events_sessionized') }} as events
    inner join endpoints on events.endpoint_id = endpoints.endpoint_id

    union

    -- whoever any copy of a touched event names, not only the one that stands
    select {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id
    from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        and event_id in (select dirty.event_id from {{ ref('int_dirty_events') }} as dirty)

    union

    select {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id
    from {{ ref('int_rows_replaced') }}
    where offer = 'events'

    union

    select {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id
    from {{ ref('int_dirty_records') }}

),

dirty_persons as (

    select resolved.person_id
    from {{ ref('int_identifiers_resolved') }} as resolved
    inner join touched_identifiers on resolved.identifier_id = touched_identifiers.identifier_id

    union

    select person_id from identity_changes

    union

    select previous_person_id as person_id from identity_changes

    union

    -- events whose identifiers are all placeholders are persons of their own
    select identifier_id as person_id from touched_identifiers

)

select person_id from dirty_persons where person_id is not null
