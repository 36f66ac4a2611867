with

bridge_person_identifiers as (

    select
        identifier_id,
        person_id,
        identifier_class,
        identifier_value,
        is_shared,
        membership_reason,
        first_seen_at,
        last_seen_at,
        cast(sighting_count as bigint) as sighting_count

    from {{ ref('int_identifiers_resolved') }}

)

select * from bridge_person_identifiers
