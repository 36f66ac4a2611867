with

sessions as (

    select * from {{ ref('int_sessions_aggregated') }}

),

identifiers as (

    select
        identifier_id,
        person_id,
        is_shared

    from {{ ref('int_identifiers_resolved') }}

),

sessions_with_owner as (

    select
        sessions.*,
        -- the first user named in the session, else whoever the first event belongs to
        coalesce(
            sessions.session_user_identifier_id, sessions.entry_strong_identifier_id, sessions.endpoint_identifier_id
        ) as owner_identifier_id

    from sessions

),

sessions_with_person as (

    select
        sessions_with_owner.*,
        coalesce(identifiers.person_id, sessions_with_owner.endpoint_id) as person_id,
        {{ elapsed_seconds('sessions_with_owner.started_at', 'sessions_with_owner.ended_at') }} as duration_seconds,
        traffic.source,
        traffic.medium,
        traffic.campaign,
        traffic.channel_group

    from sessions_with_owner
    left join identifiers on sessions_with_owner.owner_identifier_id = identifiers.identifier_id
    {{ join_traffic_sources('sessions_with_owner', 'referrer_host', 'entry_page_host', 'click_id_type') }}

),

fct_sessions as (

    select
        session_id,
        person_id,
        endpoint_id,
        cast(row_number() over (
            partition by person_id
            order by started_at, session_id
        ) as bigint) as session_number,
        started_at,
        ended_at,
        {{ local_date('started_at') }} as started_date,
        duration_seconds,
        cast(event_count as bigint) as event_count,
        cast(page_view_count as bigint) as page_view_count,
        cast(core_event_count as bigint) as core_event_count,
        cast(key_event_count as bigint) as key_event_count,
        -- GA4: longer than 10 seconds, or a key event, or two views and more
        {{ epoch_us('ended_at') }} - {{ epoch_us('started_at') }} > 10 * 1000000
        or key_event_count > 0
        or page_view_count >= 2 as is_engaged,
        platform,
        entry_page_host,
        entry_page_path,
        exit_page_path,
        entry_event_name,
        second_event_name,
        referrer_host,
        source,
        medium,
        campaign,
        channel_group

    from sessions_with_person

)

select * from fct_sessions
