with

pending as (

    select * from {{ ref('int_loads_pending') }}

),

records as (

    select distinct
        offer,
        source_name,
        record_id

    from {{ ref('int_dirty_records') }}

),

dirty_events as (

    select events.event_id
    from {{ ref('int_events_unioned') }} as events
    inner join pending
        on
            events.source_table = pending.source_table
            and events.load_id = pending.load_id
    where events.reject_reason is null

    union

    select record_id as event_id
    from {{ ref('int_rows_replaced') }}
    where offer = 'events'

    {% for offer, shape in offers_that_imply_events().items() -%}
    {% for event in shape.implied -%}
    union

    select {{ record_event_id(offer, event.slot, 'record_id') }} as event_id
    from records
    where offer = {{ quoted(offer) }}

    {% endfor -%}
    {% endfor -%}

)

select distinct event_id from dirty_events
