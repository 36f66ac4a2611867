{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('event_id', 'int_dirty_events') }}",
    post_hook="{{ record_loads() }}"
) }}

with

copies as (

    select * from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        {{ where_dirty('event_id', 'int_dirty_events', 'and') }}

),

-- most events have one copy: only the others are ranked
repeated_keys as (

    select event_id
    from copies
    group by event_id
    having count(*) > 1

),

copies_ranked as (

    select
        *,
        {{ event_content_hash() }} as content_hash,
        row_number() over (
            partition by event_id
            order by received_at asc nulls last, {{ event_content_hash() }}, loaded_at asc nulls last, load_id, source_table
        ) as copy_number

    from copies
    where event_id in (select repeated_keys.event_id from repeated_keys)

),

-- equal copies of one load cannot be told apart, so they are counted
event_duplicates as (

    select
        event_id,
        source_name,
        source_table,
        load_id,
        loaded_at,
        received_at,
        content_hash,
        count(*) as copy_count,
        min(copy_number) as first_copy_number

    from copies_ranked
    group by event_id, source_name, source_table, load_id, loaded_at, received_at, content_hash

)

select * from event_duplicates
