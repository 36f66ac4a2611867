-- every copy counts, not only the winner: an event whose winner changed has left an endpoint that must be done again too
with

touched_copies as (

    select
        event_id,
        {{ identifier_classes() | join(',\n        ') }}

    from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        and event_id in (select dirty.event_id from {{ ref('int_dirty_events') }} as dirty)

    union all

    -- and copies that are gone
    select
        record_id as event_id,
        {{ identifier_classes() | join(',\n        ') }}

    from {{ ref('int_rows_replaced') }}
    where offer = 'events'

),

dirty_endpoints as (

    select coalesce({{ endpoint_identifier_id() }}, md5('event:' || event_id)) as endpoint_id
    from touched_copies

    union

    -- events that records imply, and those of winners: where they stand now
    select endpoint_id
    from {{ ref('int_events_classified') }}
    where event_id in (select dirty.event_id from {{ ref('int_dirty_events') }} as dirty)

    union

    -- where an implied event stood before: any version of its record may have named somebody
    select {{ endpoint_identifier_id() }} as endpoint_id
    from {{ ref('int_dirty_records') }}

    {%- for offer, shape in offers_that_imply_events().items() %}
    {%- for event in shape.implied %}

    union

    {% if loop.first -%}
    -- what a version implied that names nobody stood by itself
    {% endif -%}
    select md5('event:' || {{ record_event_id(offer, event.slot, 'record_id') }}) as endpoint_id
    from {{ ref('int_dirty_records') }}
    where offer = {{ quoted(offer) }} and {{ endpoint_identifier_id() }} is null
    {%- endfor %}
    {%- endfor %}

)

select distinct endpoint_id from dirty_endpoints
