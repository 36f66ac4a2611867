with

fct_identity_links as (

    select
        {{ key_of(['identifier_a', 'identifier_b']) }} as link_id,
        identifier_a,
        identifier_class_a,
        identifier_value_a,
        identifier_b,
        identifier_class_b,
        identifier_value_b,
        link_status,
        evidence,
        first_seen_at,
        last_seen_at,
        sighting_count,
        person_id_a,
        person_id_b

    from {{ ref('int_identity_links_judged') }}

)

select * from fct_identity_links
