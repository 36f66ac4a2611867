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

record_events as (

    select * from {{ ref('int_record_events') }}
    {{ where_dirty('event_id', 'int_dirty_events') }}

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
        copies.*,
        row_number() over (
            partition by copies.event_id
            order by
                copies.received_at asc nulls last,
                {{ event_content_hash() }} asc,
                copies.loaded_at asc nulls last,
                copies.load_id asc,
                copies.source_table asc
        ) as copy_rank

    from copies
    inner join repeated_keys on copies.event_id = repeated_keys.event_id

),

events_deduplicated as (

    {%- set columns = [
        'event_id', 'source_name', 'source_table', 'load_id', 'loaded_at', 'event_type', 'raw_event_name', 'occurred_at',
        'client_occurred_at', 'received_at', 'anonymous_id', 'device_id', 'user_id', 'customer_id', 'email_hash', 'phone_hash',
        'email_domain', 'account_id', 'platform', 'page_host', 'page_path', 'page_title', 'referrer_host', 'utm_source', 'utm_medium',
        'utm_campaign', 'utm_term', 'utm_content', 'click_id_type', 'user_agent', 'ip_hash', 'amount', 'currency_code', 'quantity', 'properties'
    ] %}
    {%- set implied = {
        'event_type': "'server'", 'platform': "'server'", 'event_id': 'event_id', 'source_name': 'source_name', 'source_table': 'source_table',
        'load_id': 'load_id', 'loaded_at': 'loaded_at', 'raw_event_name': 'raw_event_name', 'occurred_at': 'occurred_at',
        'anonymous_id': 'anonymous_id', 'device_id': 'device_id', 'user_id': 'user_id', 'customer_id': 'customer_id',
        'email_hash': 'email_hash', 'phone_hash': 'phone_hash', 'amount': 'amount', 'currency_code': 'currency_code', 'properties': 'properties'
    } %}

    select {{ columns | join(', ') }}, false as is_implied
    from copies
    where event_id not in (select repeated_keys.event_id from repeated_keys)

    union all

    select {{ columns | join(', ') }}, false as is_implied
    from copies_ranked
    where copy_rank = 1

    union all

    select
        {%- for column in columns %}
        {{ implied.get(column, 'null') }} as {{ column }},
        {%- endfor %}
        true as is_implied

    from record_events

)

select * from events_deduplicated
