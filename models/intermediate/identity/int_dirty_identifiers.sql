-- What new evidence says of an identifier can change whatever hangs together with it, and nothing else: so it and all of its
-- neighbourhood, as it stood before, are resolved anew. Two neighbourhoods that grow together are both touched, since the link
-- between them is new. The tables further on are read as the last build left them; they are made after this one, so they stand
-- in no ref(). A first build that was cut off between these tables left no neighbourhoods: then all identifiers are touched.
{%- set resolved = built_relation('int_identifiers_resolved') %}
{%- set applied_blocks = built_relation('int_blocked_links_applied') %}
{%- set is_half_built = (resolved is none or applied_blocks is none) and built_relation('int_identity_links') is not none %}

with

touched as (

    select evidence.identifier_a as identifier_id
    from {{ ref('int_identity_evidence') }} as evidence
    inner join {{ ref('int_loads_pending') }} as pending
        on
            evidence.source_table = pending.source_table
            and evidence.load_id = pending.load_id

    union

    select evidence.identifier_b as identifier_id
    from {{ ref('int_identity_evidence') }} as evidence
    inner join {{ ref('int_loads_pending') }} as pending
        on
            evidence.source_table = pending.source_table
            and evidence.load_id = pending.load_id

),

blocked as (

    select identifier_a || '|' || identifier_b as link, identifier_a, identifier_b from {{ ref('blocked_links') }}

),

applied_blocks as (

    {% if applied_blocks is not none -%}
    select identifier_a || '|' || identifier_b as link, identifier_a, identifier_b from {{ applied_blocks }}
    {%- else -%}
    select link, identifier_a, identifier_b from blocked where 1 = 0
    {%- endif %}

),

-- links that a person has blocked, or freed again, since the last build
changed_blocks as (

    select identifier_a, identifier_b from blocked
    where link not in (select applied_blocks.link from applied_blocks)

    union

    select identifier_a, identifier_b from applied_blocks
    where link not in (select blocked.link from blocked)

),

all_touched as (

    select identifier_id from touched
    union
    select identifier_a as identifier_id from changed_blocks
    union
    select identifier_b as identifier_id from changed_blocks
    {%- if is_half_built %}

    union

    select identifier_a as identifier_id from {{ ref('int_identity_evidence') }}

    union

    select identifier_b as identifier_id from {{ ref('int_identity_evidence') }}
    {%- endif %}

),

dirty_identifiers as (

    select identifier_id from all_touched

    {% if resolved is not none -%}
    union

    select before.identifier_id
    from {{ resolved }} as before
    where
        before.neighbourhood_id in (
            select touched_before.neighbourhood_id
            from {{ resolved }} as touched_before
            inner join all_touched on touched_before.identifier_id = all_touched.identifier_id
        )
    {%- endif %}

)

select identifier_id from dirty_identifiers
