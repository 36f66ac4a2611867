{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('event_id', 'int_dirty_events') }}",
    post_hook="{{ record_loads() }}"
) }}

-- depends_on: {{ ref('int_dirty_events') }}
with

{%- for offer, shape in offers_that_imply_events().items() %}

{{ offer }} as (

    select * from {{ ref('int_' ~ offer ~ '_deduplicated') }}
    {{ where_dirty('record_key', 'int_dirty_records') }}

),
{%- endfor %}

record_events as (

    {%- for offer, shape in offers_that_imply_events().items() %}
    {%- set is_last_offer = loop.last %}
    {%- for event in shape.implied %}

    select
        {{ record_event_id(offer, event.slot) }} as event_id,
        source_name,
        source_table,
        load_id,
        loaded_at,
        cast({{ event.name or quoted(event.slot) }} as {{ dbt.type_string() }}) as raw_event_name,
        {{ event.at }} as occurred_at,
        {{- record_identifiers(shape) }},
        {{ event.amount or 'cast(null as decimal(18, 4))' }} as amount,
        {{ 'currency_code' if event.amount else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as currency_code,
        {{ record_properties(shape, event.properties or []) }} as properties

    from {{ offer }}
    where {{ event.at }} is not null

    {{ 'union all' if not (loop.last and is_last_offer) }}
    {%- endfor %}
    {%- endfor %}

)

select * from record_events
