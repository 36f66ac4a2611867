-- A person is called after one of its identifiers, so whoever a person was, is or becomes, has an identifier of the neighbourhood
-- for its key: the identifiers of all touched neighbourhoods are all persons, old and new, that may have changed.
with

touched_identifiers as (

    select evidence.identifier_b as identifier_id
    from {{ ref('int_identity_evidence') }} as evidence
    inner join {{ ref('int_loads_pending') }} as pending
        on
            evidence.source_table = pending.source_table
            and evidence.load_id = pending.load_id

    union

    -- every endpoint and person named by any copy of a touched event
    select endpoint_id as identifier_id from {{ ref('int_dirty_endpoints') }}

    union

    select {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id
    from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        and event_id in (select dirty.event_id from {{ ref('int_dirty_events') }} as dirty)

    union

    select {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id
    from {{ ref('int_dirty_subscriptions') }}

),

resolved as (

    select
        identifier_id,
        neighbourhood_id

    from {{ ref('int_identifiers_resolved') }}

),

dirty_persons as (

    select resolved.identifier_id as person_id
    from resolved
    where
        resolved.neighbourhood_id in (
            select touched.neighbourhood_id
            from resolved as touched
            inner join touched_identifiers on touched.identifier_id = touched_identifiers.identifier_id
        )

    union

    -- events whose identifiers are all placeholders are persons of their own
    select identifier_id as person_id from touched_identifiers

)

select person_id from dirty_persons where person_id is not null
