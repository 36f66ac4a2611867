{{ config(
    materialized='incremental',
    full_refresh=false,
    post_hook=["{{ record_loads() }}", "{{ record_blocked_links() }}"]
) }}

-- A log, and the log's own last word on each identifier is what the new resolution is held against: so a build that is killed
-- between the two loses no change, and no build writes one twice. It outlives --full-refresh, which asks about all identifiers.
with

resolved as (

    select * from {{ ref('int_identifiers_resolved') }}
    {{ where_dirty('identifier_id', 'int_dirty_identifiers') }}

),

{% if is_incremental() -%}
logged as (

    select
        identifier_id,
        person_id,
        is_shared,
        is_known,
        change_number,
        row_number() over (
            partition by identifier_id
            order by change_number desc
        ) as place_from_end

    from {{ this }}
    {{ where_dirty('identifier_id', 'int_dirty_identifiers') }}

),

before as (

    select * from logged
    where place_from_end = 1 and person_id is not null

),

last_change as (

    select coalesce(max(change_number), 0) as change_number from {{ this }}

),
{%- else -%}
before as (

    select
        identifier_id,
        person_id,
        is_shared,
        is_known

    from resolved
    where 1 = 0

),

last_change as (

    select cast(0 as bigint) as change_number

),
{%- endif %}

identifiers_before_and_now as (

    select
        coalesce(resolved.identifier_id, before.identifier_id) as identifier_id,
        before.person_id as previous_person_id,
        resolved.person_id,
        coalesce(before.is_shared, false) as was_shared,
        coalesce(resolved.is_shared, false) as is_shared,
        coalesce(before.is_known, false) as was_known,
        coalesce(resolved.is_known, false) as is_known

    from resolved
    full outer join before on resolved.identifier_id = before.identifier_id

),

successors as (

    select
        previous_person_id,
        count(distinct person_id) as person_count

    from identifiers_before_and_now
    where previous_person_id is not null
    group by previous_person_id

),

predecessors as (

    select
        person_id,
        count(distinct previous_person_id) as person_count

    from identifiers_before_and_now
    where person_id is not null
    group by person_id

),

identifiers_changed as (

    select
        identifiers.*,
        case
            when identifiers.person_id is null then 'removed'
            when identifiers.previous_person_id is null and predecessors.person_count = 0 then 'created'
            when identifiers.previous_person_id is null then 'joined'
            when identifiers.previous_person_id = identifiers.person_id then 'reassessed'
            when successors.person_count > 1 and predecessors.person_count > 1 then 'moved'
            when successors.person_count > 1 then 'split'
            when predecessors.person_count > 1 then 'merged'
            else 'renamed'
        end as change_type

    from identifiers_before_and_now as identifiers
    left join successors on identifiers.previous_person_id = successors.previous_person_id
    left join predecessors on identifiers.person_id = predecessors.person_id
    where
        identifiers.person_id is null
        or identifiers.previous_person_id is null
        or identifiers.person_id <> identifiers.previous_person_id
        or identifiers.is_shared <> identifiers.was_shared
        or identifiers.is_known <> identifiers.was_known

),

-- both ways round: whichever end has moved
link_ends as (

    select identifier_a as identifier_id, identifier_b as neighbour_id, identifier_a, identifier_b, first_seen_at, link_status
    from {{ ref('int_identity_links_judged') }}
    {{ where_dirty('identifier_a', 'int_dirty_identifiers', dirty_key='identifier_id') }}

    union all

    select identifier_b as identifier_id, identifier_a as neighbour_id, identifier_a, identifier_b, first_seen_at, link_status
    from {{ ref('int_identity_links_judged') }}
    {{ where_dirty('identifier_a', 'int_dirty_identifiers', dirty_key='identifier_id') }}

),

-- What joined two people is a link in use between what came over and what was there or is new; what parted them is a link no longer in use
-- between what left and what stayed. Of several the one seen first.
deciding_links as (

    select
        moved.previous_person_id,
        moved.person_id,
        link_ends.identifier_a,
        link_ends.identifier_b,
        link_ends.link_status,
        row_number() over (
            partition by moved.previous_person_id, moved.person_id
            order by
                case when link_ends.link_status = 'used' then 0 else 1 end,
                link_ends.first_seen_at, link_ends.identifier_a, link_ends.identifier_b
        ) as link_number

    from identifiers_changed as moved
    inner join link_ends on moved.identifier_id = link_ends.identifier_id
    inner join identifiers_before_and_now as neighbours on link_ends.neighbour_id = neighbours.identifier_id
    where
        moved.change_type in ('merged', 'moved', 'renamed', 'split')
        and (
            (
                link_ends.link_status = 'used'
                and neighbours.person_id = moved.person_id
                and coalesce(neighbours.previous_person_id, '') <> moved.previous_person_id
            ) or (
                link_ends.link_status <> 'used'
                and neighbours.previous_person_id = moved.previous_person_id
                and (neighbours.person_id <> moved.person_id or neighbours.is_shared)
            )
        )

),

identity_changes as (

    select
        last_change.change_number + 1 as change_number,
        as_of.as_of_at as changed_as_of,
        changed.identifier_id,
        changed.change_type,
        changed.previous_person_id,
        changed.person_id,
        changed.is_shared,
        changed.is_known,
        changed.is_shared <> changed.was_shared as is_shared_changed,
        links.identifier_a as link_identifier_a,
        links.identifier_b as link_identifier_b,
        links.link_status

    from identifiers_changed as changed
    cross join last_change
    cross join {{ ref('int_as_of') }} as as_of
    left join deciding_links as links
        on
            changed.previous_person_id = links.previous_person_id
            and changed.person_id = links.person_id
            and links.link_number = 1

)

select * from identity_changes
