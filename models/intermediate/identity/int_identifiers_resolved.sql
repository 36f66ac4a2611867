{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('identifier_id', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

with

identifiers as (

    select
        identifiers.*,
        attached.cluster_id,
        attached.is_shared

    from {{ ref('int_identifiers') }} as identifiers
    inner join {{ ref('int_identifiers_attached') }} as attached on identifiers.identifier_id = attached.identifier_id
    {{ where_dirty('identifiers.identifier_id', 'int_dirty_identifiers') }}

),

weak_components as (

    select
        node_id as identifier_id,
        component_id

    from {{ ref('int_identity_weak_components') }}

),

weak_component_clusters as (

    select
        weak_components.component_id,
        count(distinct identifiers.cluster_id) as cluster_count,
        min(identifiers.cluster_id) as cluster_id

    from weak_components
    inner join identifiers on weak_components.identifier_id = identifiers.identifier_id
    group by weak_components.component_id

),

-- the group that stands for one person; prefixes keep the three kinds of group apart
identifiers_grouped as (

    select
        identifiers.*,
        neighbourhoods.component_id as neighbourhood_id,
        case
            when identifiers.is_shared then 'alone:' || identifiers.identifier_id
            when identifiers.may_merge_strong then 'strong:' || identifiers.cluster_id
            when weak_component_clusters.cluster_count = 1 then 'strong:' || weak_component_clusters.cluster_id
            when weak_component_clusters.cluster_count = 0 then 'weak:' || weak_components.component_id
            -- the component touches several people: its own links say nothing
            when identifiers.cluster_id is not null then 'strong:' || identifiers.cluster_id
            else 'alone:' || identifiers.identifier_id
        end as group_id,
        case
            when identifiers.is_shared then 'shared'
            when identifiers.may_merge_strong then 'established'
            when identifiers.cluster_id is not null then 'seen_with_user'
            when weak_component_clusters.cluster_count = 1 then 'seen_with_device'
            when weak_component_clusters.cluster_count = 0 then 'anonymous'
            else 'ambiguous'
        end as membership_reason

    from identifiers
    inner join {{ ref('int_identity_neighbourhoods') }} as neighbourhoods
        on identifiers.identifier_id = neighbourhoods.node_id
    left join weak_components on identifiers.identifier_id = weak_components.identifier_id
    left join weak_component_clusters on weak_components.component_id = weak_component_clusters.component_id

),

identifiers_ranked as (

    select
        *,
        first_value(identifier_id) over (
            partition by group_id
            order by class_priority, identifier_id
        ) as person_id,
        max(case when is_strong then 1 else 0 end) over (partition by group_id) = 1 as is_known

    from identifiers_grouped

),

identifiers_resolved as (

    select
        identifier_id,
        identifier_class,
        identifier_value,
        person_id,
        is_known,
        is_shared,
        membership_reason,
        neighbourhood_id,
        class_priority,
        is_strong,
        user_count,
        first_seen_at,
        last_seen_at,
        sighting_count

    from identifiers_ranked

)

select * from identifiers_resolved
