with

evidence as (

    select * from {{ ref('int_identity_evidence') }}

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
        sum(sighting_count) as sighting_count

    from evidence
    group by identifier_b, member_class, member_value

),

identifiers as (

    select
        identifiers_seen.*,
        cast(rules.class_priority as integer) as class_priority,
        cast(rules.is_strong as boolean) as is_strong,
        cast(rules.may_merge_strong as boolean) as may_merge_strong,
        cast(rules.max_strong as integer) as max_strong

    from identifiers_seen
    inner join rules on identifiers_seen.identifier_class = rules.identifier_class

)

select * from identifiers
