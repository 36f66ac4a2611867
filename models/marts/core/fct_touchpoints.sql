with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

touch_events as (

    select
        event_id,
        person_id,
        session_id,
        touchpoint_type,
        event_priority,
        occurred_at

    from {{ ref('int_events_identified') }}
    where touchpoint_type is not null and touchpoint_type <> ''

),

touches as (

    -- a visit is a touch in the channel it came by; it comes before what happens in it
    select
        md5('session|' || session_id) as touchpoint_id,
        person_id,
        session_id,
        cast(null as {{ dbt.type_string() }}) as event_id,
        'session' as touchpoint_type,
        0 as touch_priority,
        started_at as occurred_at,
        source,
        medium,
        campaign,
        channel_group

    from sessions

    union all

    select
        md5('event|' || touch_events.event_id) as touchpoint_id,
        touch_events.person_id,
        touch_events.session_id,
        touch_events.event_id,
        touch_events.touchpoint_type,
        1 + touch_events.event_priority as touch_priority,
        touch_events.occurred_at,
        sessions.source,
        sessions.medium,
        sessions.campaign,
        coalesce(sessions.channel_group, 'Unassigned') as channel_group

    from touch_events
    left join sessions on touch_events.session_id = sessions.session_id

),

fct_touchpoints as (

    select
        touches.touchpoint_id,
        touches.person_id,
        touches.session_id,
        touches.event_id,
        touches.touchpoint_type,
        types.direction,
        touches.occurred_at,
        {{ local_date('touches.occurred_at') }} as occurred_date,
        touches.source,
        touches.medium,
        touches.campaign,
        touches.channel_group,
        cast(row_number() over (
            partition by touches.person_id
            order by touches.occurred_at, touches.touch_priority, coalesce(touches.event_id, touches.session_id)
        ) as bigint) as touch_number

    from touches
    left join {{ ref('touchpoint_types') }} as types on touches.touchpoint_type = types.touchpoint_type

)

select * from fct_touchpoints
