{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('identifier_a', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

with

evidence as (

    select * from {{ ref('int_identity_evidence') }}
    where
        identifier_a <> identifier_b
        {{ where_dirty('identifier_a', 'int_dirty_identifiers', 'and', 'identifier_id') }}

),

blocked_links as (

    select distinct
        least(identifier_a, identifier_b) as identifier_a,
        greatest(identifier_a, identifier_b) as identifier_b

    from {{ ref('blocked_links') }}

),

links_seen as (

    select
        least(identifier_a, identifier_b) as identifier_a,
        greatest(identifier_a, identifier_b) as identifier_b,
        {{ sorted_text_list("source_name || ' ' || evidence") }} as evidence,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(sighting_count) as bigint) as sighting_count

    from evidence
    group by least(identifier_a, identifier_b), greatest(identifier_a, identifier_b)

),

identity_links as (

    select
        links_seen.*,
        blocked_links.identifier_a is not null as is_blocked

    from links_seen
    left join blocked_links
        on
            links_seen.identifier_a = blocked_links.identifier_a
            and links_seen.identifier_b = blocked_links.identifier_b

)

select * from identity_links
