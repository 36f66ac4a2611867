{%- set window_seconds = 30 * 86400 %}
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- keys are made once per path, before its events are joined
sessions as (

    select
        session_id,
        {{ key_of(["'session'", "'all'", 'session_id']) }} as path_id,
        person_id,
        {{ period_start('month', 'started_date') }} as started_month_date

    from {{ ref('fct_sessions') }}

),

-- every path is a list of nodes in the order of a number
session_nodes as (

    select
        sessions.path_id,
        'session' as scope,
        'all' as scope_value,
        sessions.person_id,
        sessions.started_month_date,
        case when events.event_type in ('page', 'screen') then coalesce(events.page_path, '(no path)') else events.event_name end as node,
        events.occurred_at,
        events.session_event_number as node_number

    from {{ ref('int_events_sessionized') }} as events
    inner join sessions on events.session_id = sessions.session_id
    cross join as_of
    where events.occurred_at <= as_of.as_of_at

),

journey_nodes as (

    select
        {{ key_of(["'journey'", 'steps.journey', 'steps.participation_id']) }} as path_id,
        'journey' as scope,
        steps.journey as scope_value,
        steps.person_id,
        {{ period_start('month', local_date('participations.entered_at')) }} as started_month_date,
        steps.step as node,
        steps.entered_at as occurred_at,
        steps.visit_number as node_number

    from {{ ref('fct_journey_steps') }} as steps
    inner join {{ ref('fct_journey_participations') }} as participations on steps.participation_id = participations.participation_id

),

conversion_nodes as (

    select
        {{ key_of(["'conversion'", 'goal', 'conversion_id']) }} as path_id,
        'conversion' as scope,
        goal as scope_value,
        person_id,
        {{ period_start('month', local_date('min(touched_at) over (partition by conversion_id)')) }} as started_month_date,
        channel_group as node,
        touched_at as occurred_at,
        touch_number as node_number

    from {{ ref('fct_attribution_touches') }}

),

touches as (

    select
        touches.person_id,
        touches.touch_number,
        touches.occurred_at,
        case when touches.touchpoint_type = 'session' then touches.channel_group else touches.touchpoint_type end as node,
        min(touches.occurred_at) over (partition by touches.person_id) as first_at,
        row_number() over (
            partition by touches.person_id
            order by touches.touch_number
        ) as inbound_number

    from {{ ref('fct_touchpoints') }} as touches
    cross join as_of
    where touches.direction = 'inbound' and touches.occurred_at <= as_of.as_of_at

),

entry_nodes as (

    select
        {{ key_of(["'entry'", 'first_touches.node', 'touches.person_id']) }} as path_id,
        'entry' as scope,
        first_touches.node as scope_value,
        touches.person_id,
        {{ period_start('month', local_date('touches.first_at')) }} as started_month_date,
        touches.node,
        touches.occurred_at,
        touches.touch_number as node_number

    from touches
    inner join touches as first_touches on touches.person_id = first_touches.person_id and first_touches.inbound_number = 1
    where touches.occurred_at <= {{ add_seconds('touches.first_at', window_seconds) }}

),

nodes as (

    select * from session_nodes
    union all
    select * from journey_nodes
    union all
    select * from conversion_nodes
    union all
    select * from entry_nodes

),

numbered as (

    select
        *,
        cast(row_number() over path_in_order as bigint) as step_number,
        lag(node) over path_in_order as previous_node,
        lag(occurred_at) over path_in_order as previous_at,
        lead(node_number) over path_in_order is null as is_last

    from nodes
    window path_in_order as (
        partition by path_id
        order by node_number
    )

),

fct_path_steps as (

    select
        {{ key_of(['path_id', 'step_number']) }} as path_step_id,
        path_id,
        scope,
        scope_value,
        person_id,
        started_month_date,
        step_number,
        node,
        occurred_at,
        previous_node,
        {{ elapsed_seconds('previous_at', 'occurred_at') }} as seconds_since_previous,
        is_last,
        coalesce(node = previous_node, false) as is_repeat,
        case
            when previous_node is null or node <> previous_node then cast(sum(case when node = previous_node then 0 else 1 end) over (
                partition by path_id
                order by step_number
                rows between unbounded preceding and current row
            ) as bigint)
        end as collapsed_number

    from numbered

)

select * from fct_path_steps
