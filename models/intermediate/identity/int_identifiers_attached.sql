{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('identifier_id', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

with

identifiers as (

    select * from {{ ref('int_identifiers') }}
    {{ where_dirty('identifier_id', 'int_dirty_identifiers') }}

),

links as (

    select * from {{ ref('int_identity_links') }}
    where
        not is_blocked
        {{ where_dirty('identifier_a', 'int_dirty_identifiers', 'and', 'identifier_id') }}

),

clusters as (

    select
        node_id as identifier_id,
        component_id as cluster_id

    from {{ ref('int_identity_strong_clusters') }}
    {{ where_dirty('node_id', 'int_dirty_identifiers', dirty_key='identifier_id') }}

),

neighbours as (

    select identifier_a as identifier_id, identifier_b as neighbour_id from links
    union all
    select identifier_b as identifier_id, identifier_a as neighbour_id from links

),

cluster_counts as (

    select
        neighbours.identifier_id,
        count(distinct clusters.cluster_id) as cluster_count,
        min(clusters.cluster_id) as cluster_id

    from neighbours
    inner join clusters on neighbours.neighbour_id = clusters.identifier_id
    group by neighbours.identifier_id

),

identifiers_attached as (

    select
        identifiers.identifier_id,
        identifiers.may_merge_strong,
        coalesce(cluster_counts.cluster_count, 0) as cluster_count,
        identifiers.is_overused or (
            not identifiers.may_merge_strong and coalesce(cluster_counts.cluster_count, 0) > 1
        ) as is_shared,
        case
            when identifiers.may_merge_strong then clusters.cluster_id
            when cluster_counts.cluster_count = 1 then cluster_counts.cluster_id
        end as cluster_id

    from identifiers
    left join clusters on identifiers.identifier_id = clusters.identifier_id
    left join cluster_counts on identifiers.identifier_id = cluster_counts.identifier_id

)

select * from identifiers_attached
