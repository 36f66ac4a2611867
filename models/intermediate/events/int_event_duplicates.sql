{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('event_id', 'int_dirty_events') }}",
    post_hook="{{ record_loads() }}"
) }}

with

{{ ranked_copies() }},

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
