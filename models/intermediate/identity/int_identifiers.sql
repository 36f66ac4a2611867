{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('identifier_id', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

with

evidence as (

    select * from {{ ref('int_identity_evidence') }}
    {{ where_dirty('identifier_b', 'int_dirty_identifiers', dirty_key='identifier_id') }}

),

links as (

    select * from {{ ref('int_identity_links') }}
    where
        not is_blocked
        {{ where_dirty('identifier_a', 'int_dirty_identifiers', 'and', 'identifier_id') }}

),

rules as (

    select * from {{ ref('identifier_rules') }}

),

identifiers_seen as (

    select
        identifier_b as identifier_id,
        member_class as identifier_class,
        member_value as identifier_value,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(sighting_count) as bigint) as sighting_count

    from evidence
    group by identifier_b, member_class, member_value

),

neighbours as (

    select identifier_a as identifier_id, identifier_b as neighbour_id from links
    union all
    select identifier_b as identifier_id, identifier_a as neighbour_id from links

),

user_counts as (

    select
        neighbours.identifier_id,
        count(*) as user_count

    from neighbours
    inner join identifiers_seen on neighbours.neighbour_id = identifiers_seen.identifier_id
    where identifiers_seen.identifier_class = 'user_id'
    group by neighbours.identifier_id

),

identifiers as (

    select
        identifiers_seen.*,
        cast(rules.class_priority as integer) as class_priority,
        cast(rules.is_strong as boolean) as is_strong,
        cast(rules.may_merge_strong as boolean) as may_merge_strong,
        coalesce(user_counts.user_count, 0) as user_count,
        -- an address or number that names more users than its class allows says nothing about who they are
        cast(rules.may_merge_strong as boolean)
        and identifiers_seen.identifier_class <> 'user_id'
        and cast(rules.max_strong as integer) > 0
        and coalesce(user_counts.user_count, 0) > cast(rules.max_strong as integer) as is_overused

    from identifiers_seen
    inner join rules on identifiers_seen.identifier_class = rules.identifier_class
    left join user_counts on identifiers_seen.identifier_id = user_counts.identifier_id

)

select * from identifiers
