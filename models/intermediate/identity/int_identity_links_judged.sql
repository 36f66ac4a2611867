{{ config(materialized='view') }}

with

links as (

    select * from {{ ref('int_identity_links') }}

),

identifiers as (

    select * from {{ ref('int_identifiers_resolved') }}

),

identity_links_judged as (

    select
        links.identifier_a,
        links.identifier_b,
        ends_a.identifier_class as identifier_class_a,
        ends_a.identifier_value as identifier_value_a,
        ends_b.identifier_class as identifier_class_b,
        ends_b.identifier_value as identifier_value_b,
        ends_a.person_id as person_id_a,
        ends_b.person_id as person_id_b,
        links.evidence,
        links.first_seen_at,
        links.last_seen_at,
        links.sighting_count,
        case
            when links.is_blocked then 'blocked'
            when ends_a.is_shared or ends_b.is_shared then 'shared_identifier'
            when ends_a.person_id = ends_b.person_id then 'used'
            else 'ambiguous'
        end as link_status

    from links
    inner join identifiers as ends_a on links.identifier_a = ends_a.identifier_id
    inner join identifiers as ends_b on links.identifier_b = ends_b.identifier_id

)

select * from identity_links_judged
