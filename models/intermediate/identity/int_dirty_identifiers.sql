-- What new evidence says of an identifier can change whatever hangs together with it, and nothing else: so it and all of its
-- neighbourhood, as it stood before, are resolved anew. Two neighbourhoods that grow together are both touched, since the link
-- between them is new. The tables further on are read as the last build left them; they are made after this one, so they stand
-- in no ref(). A first build that was cut off between these tables left no neighbourhoods: then all identifiers are touched.
{%- set resolved = built_relation('int_identifiers_resolved') %}
{%- set links = built_relation('int_identity_links') %}
{%- set is_half_built = resolved is none and links is not none %}

with

-- what was seen together once, and may be no longer
parted as (

    select
        identifier_a,
        identifier_b
    from {{ ref('int_rows_replaced') }}
    where offer = 'identity_evidence'

),

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

    union

    select identifier_a as identifier_id from parted
    union
    select identifier_b as identifier_id from parted

),

blocked as (

    select
        least(identifier_a, identifier_b) as identifier_a,
        greatest(identifier_a, identifier_b) as identifier_b

    from {{ ref('blocked_links') }}

),

applied as (

    {% if execute -%}
    select
        least(identifier_a, identifier_b) as identifier_a,
        greatest(identifier_a, identifier_b) as identifier_b

    from {{ blocked_links_applied_relation() }}
    {%- else -%}
    select * from blocked
    {%- endif %}

),

-- links that a person has blocked, or freed again, since the log of changes was last written
changed_blocks as (

    (
        select * from blocked
        except
        select * from applied
    )

    union

    (
        select * from applied
        except
        select * from blocked
    )

    {%- if links is not none %}

    union

    -- or that a build which came no further than the links has blocked, or freed, meanwhile
    select
        links.identifier_a,
        links.identifier_b
    from {{ links }} as links
    left join blocked
        on
            links.identifier_a = blocked.identifier_a
            and links.identifier_b = blocked.identifier_b
    where links.is_blocked <> (blocked.identifier_a is not null)
    {%- endif %}

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
