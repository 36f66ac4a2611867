{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('endpoint_id', 'int_dirty_endpoints') }}",
    post_hook="{{ record_loads() }}"
) }}

{%- set timeout_us = var('session_timeout_seconds') | int * 1000000 -%}
{%- set cap_us = var('session_cap_hours') | int * 3600 * 1000000 -%}

with

events as {{ kept_where_few() }}(

    select * from {{ ref('int_events_classified') }}
    where
        suppression_reason is null
        {{ where_dirty('endpoint_id', 'int_dirty_endpoints', 'and') }}

),

-- windows run over narrow rows; the wide ones are joined back once
interactive_events as (

    select
        endpoint_id,
        event_id,
        event_priority,
        user_identifier_id,
        page_path is not null as has_page,
        {{ epoch_us('occurred_at') }} as occurred_us

    from events
    where is_interactive

),

events_after_gaps as (

    select
        *,
        case
            when occurred_us - lag(occurred_us) over (
                partition by endpoint_id
                order by occurred_us, event_priority, event_id
            ) < {{ timeout_us }} then 0
            else 1
        end as is_run_start

    from interactive_events

),

events_in_runs as (

    select
        *,
        max(case when is_run_start = 1 then occurred_us end) over (
            partition by endpoint_id
            order by occurred_us, event_priority, event_id
            rows between unbounded preceding and current row
        ) as run_started_us

    from events_after_gaps

),

events_in_blocks as (

    select
        *,
        {% if cap_us > 0 -%}
        floor((occurred_us - run_started_us) / cast({{ cap_us }} as double)) as block_number
        {%- else -%}
        0 as block_number
        {%- endif %}

    from events_in_runs

),

-- all windows in one order: the events are sorted once for them
events_in_sessions as (

    select
        event_id,
        endpoint_id,
        first_value(event_id) over session_in_order as first_event_id,
        first_value(occurred_us) over session_in_order as session_started_us,
        row_number() over session_in_order as session_event_number,
        lead(event_id) over session_in_order is null as is_session_end,
        has_page and sum(case when has_page then 1 else 0 end) over session_up_to_here = 1 as is_session_first_page,
        -- who is logged in: the next user in the session, else the last one before
        coalesce(
            user_identifier_id,
            {{ first_not_null('user_identifier_id') }} over session_from_here,
            {{ last_not_null('user_identifier_id') }} over session_up_to_here
        ) as session_user_identifier_id

    from events_in_blocks
    window
        session_in_order as (
            partition by endpoint_id, run_started_us, block_number
            order by occurred_us, event_priority, event_id
        ),
        session_from_here as (
            partition by endpoint_id, run_started_us, block_number
            order by occurred_us, event_priority, event_id
            rows between current row and unbounded following
        ),
        session_up_to_here as (
            partition by endpoint_id, run_started_us, block_number
            order by occurred_us, event_priority, event_id
            rows between unbounded preceding and current row
        )

),

events_sessionized as (

    select
        events.*,
        {{ local_date('events.occurred_at') }} as occurred_date,
        case
            when events_in_sessions.event_id is not null
                then md5(events.endpoint_id || '|' || events_in_sessions.first_event_id)
        end as session_id,
        {{ from_epoch_us('events_in_sessions.session_started_us') }} as session_started_at,
        coalesce(events_in_sessions.event_id = events_in_sessions.first_event_id, false) as is_session_start,
        coalesce(events_in_sessions.is_session_end, false) as is_session_end,
        coalesce(events_in_sessions.is_session_first_page, false) as is_session_first_page,
        cast(events_in_sessions.session_event_number as bigint) as session_event_number,
        events_in_sessions.session_user_identifier_id

    from events
    left join events_in_sessions on events.event_id = events_in_sessions.event_id

)

select * from events_sessionized
