with

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

neighbours as (

    select identifier_a as identifier_id, identifier_b as neighbour_id from {{ ref('int_identity_links') }}
    union all
    select identifier_b as identifier_id, identifier_a as neighbour_id from {{ ref('int_identity_links') }}

),

user_counts as (

    select
        neighbours.identifier_id,
        count(*) as user_count

    from neighbours
    inner join identifiers on neighbours.neighbour_id = identifiers.identifier_id
    where identifiers.identifier_class = 'user_id'
    group by neighbours.identifier_id

),

identifiers_guarded as (

    select
        identifiers.*,
        coalesce(user_counts.user_count, 0) as user_count,
        -- an address or number that names more users than its class allows says nothing about who they are
        identifiers.may_merge_strong
        and identifiers.identifier_class <> 'user_id'
        and identifiers.max_strong > 0
        and coalesce(user_counts.user_count, 0) > identifiers.max_strong as is_overused

    from identifiers
    left join user_counts on identifiers.identifier_id = user_counts.identifier_id

)

select * from identifiers_guarded
