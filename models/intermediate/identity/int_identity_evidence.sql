{{ config(
    materialized='incremental',
    pre_hook="{{ clear_loads() }}",
    post_hook="{{ record_loads() }}"
) }}

{%- set classes = identifier_classes() -%}

with

sightings as (

    select
        source_name,
        source_table,
        load_id,
        'event' as evidence,
        occurred_at as seen_at,
        cast(null as {{ dbt.type_string() }}) as previous_anonymous_id,
        {{ classes | join(',\n        ') }}

    from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        {{ where_load_is_pending(keyword='and') }}

    union all

    select
        source_name,
        source_table,
        load_id,
        evidence,
        occurred_at as seen_at,
        previous_anonymous_id,
        {{ classes | join(',\n        ') }}

    from {{ ref('int_identity_links_unioned') }}
    where
        reject_reason is null
        {{ where_load_is_pending(keyword='and') }}

    {%- for offer, shape in offers_that_imply_events().items() %}

    union all

    select
        source_name,
        source_table,
        load_id,
        {{ quoted(offer[:-1]) }} as evidence,
        coalesce({{ (['updated_at'] + shape.happened) | join(', ') }}) as seen_at,
        cast(null as {{ dbt.type_string() }}) as previous_anonymous_id,
        {{- record_identifiers(shape) }}

    from {{ ref('int_' ~ offer ~ '_unioned') }}
    where
        reject_reason is null
        {{ where_load_is_pending(keyword='and') }}
    {%- endfor %}

),

-- one row per set of identifiers and load: the rest works on these few
sets as (

    select
        source_name,
        source_table,
        load_id,
        evidence,
        previous_anonymous_id,
        {{ classes | join(',\n        ') }},
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at,
        count(*) as sighting_count

    from sightings
    group by
        source_name, source_table, load_id, evidence, previous_anonymous_id,
        {{ classes | join(', ') }}

),

-- the strongest identifier of a set is its centre, the others are joined to it
centres as (

    select
        *,
        case
            {%- for identifier_class in classes %}
            when {{ identifier_class }} is not null then {{ quoted(identifier_class) }}
            {%- endfor %}
            when previous_anonymous_id is not null then 'anonymous_id'
        end as centre_class,
        -- of two identifiers of one class the smaller key comes first
        case
            when coalesce({{ classes[:-1] | join(', ') }}) is not null then coalesce({{ classes[:-1] | join(', ') }})
            when {{ identifier_id('anonymous_id', 'anonymous_id') }} > {{ identifier_id('anonymous_id', 'previous_anonymous_id') }}
                then previous_anonymous_id
            else coalesce(anonymous_id, previous_anonymous_id)
        end as centre_value

    from sets

),

members as (

    {%- for identifier_class in classes + ['previous_anonymous_id'] %}
    {%- set member_class = 'anonymous_id' if identifier_class == 'previous_anonymous_id' else identifier_class %}

    select
        source_name,
        source_table,
        load_id,
        evidence,
        centre_class,
        centre_value,
        {{ quoted(member_class) }} as member_class,
        {{ identifier_class }} as member_value,
        first_seen_at,
        last_seen_at,
        sighting_count

    from centres
    where {{ identifier_class }} is not null

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

identity_evidence as (

    select
        source_name,
        source_table,
        load_id,
        evidence,
        md5(centre_class || ':' || centre_value) as identifier_a,
        md5(member_class || ':' || member_value) as identifier_b,
        member_class,
        member_value,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(sighting_count) as sighting_count

    from members
    group by
        source_name, source_table, load_id, evidence, centre_class, centre_value, member_class, member_value

)

select * from identity_evidence
