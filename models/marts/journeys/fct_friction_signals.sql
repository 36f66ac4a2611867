with

as_of as (

    select * from {{ ref('int_as_of') }}

),

events as (

    select
        events.*,
        events.event_type in ('page', 'screen') as is_view,
        {{ epoch_us('events.occurred_at') }} as occurred_us

    from {{ ref('int_events_identified') }} as events
    cross join as_of
    where events.occurred_at <= as_of.as_of_at

),

definitions as (

    select * from {{ ref('friction_events') }}

),

-- within a session: what came before an event and what comes after it
in_sessions as (

    select
        *,
        row_number() over session_in_order as place,
        {{ last_not_null('case when is_view then page_path end') }} over (
            partition by session_id
            order by occurred_at, event_priority, event_id
            rows between unbounded preceding and 1 preceding
        ) as page_before,
        max(case when is_interactive then 1 else 0 end) over (
            partition by session_id
            order by occurred_at, event_priority, event_id
            rows between 1 following and unbounded following
        ) as interactive_after

    from events
    where session_id is not null
    window session_in_order as (
        partition by session_id
        order by occurred_at, event_priority, event_id
    )

),

fitting as (

    select
        events.event_id,
        events.session_id,
        events.event_name,
        events.occurred_us,
        events.occurred_at,
        events.event_priority,
        definitions.signal,
        definitions.kind,
        coalesce(definitions.property, '') as property,
        coalesce(definitions.property_value, '') as property_value,
        {{ seed_text('definitions.resolved_by') }} as resolved_by

    from events
    inner join definitions on {{ fits_taxonomy('definitions') }}

),

begun as (

    select
        fitting.event_id,
        fitting.signal,
        fitting.resolved_by,
        in_sessions.session_id,
        in_sessions.place

    from fitting
    inner join in_sessions on fitting.event_id = in_sessions.event_id
    where fitting.kind = 'unfinished'

),

last_resolving as (

    select
        session_id,
        event_name,
        max(place) as place

    from in_sessions
    group by session_id, event_name

),

repeated as (

    select
        event_id,
        signal,
        count(*) over (
            partition by session_id, signal, event_name, property, property_value
            order by occurred_us
            range between 60000000 preceding and current row
        ) as count_in_a_minute,
        -- of those at the same moment, only the ones before
        count(*) over (
            partition by session_id, signal, event_name, property, property_value, occurred_us
            order by event_priority, event_id
            rows between 1 following and unbounded following
        ) as peers_after

    from fitting
    where kind = 'repeated' and session_id is not null

),

views as (

    select
        event_id,
        session_id,
        page_path,
        occurred_us,
        place,
        case when lag(page_path) over session_in_order = page_path then 0 else 1 end as is_visit

    from in_sessions
    where is_view and page_path is not null
    window session_in_order as (
        partition by session_id
        order by place
    )

),

visits as (

    select
        event_id,
        session_id,
        page_path,
        row_number() over (
            partition by session_id, page_path
            order by place
        ) as visit_number,
        lag(page_path, 1) over session_in_order as page_before,
        lag(page_path, 2) over session_in_order as page_two_before,
        occurred_us - lag(occurred_us) over session_in_order as us_on_page_before

    from views
    where is_visit = 1
    window session_in_order as (
        partition by session_id
        order by place
    )

),

signals as (

    select
        event_id,
        signal,
        cast(null as {{ dbt.type_string() }}) as page_path
    from fitting
    where kind = 'event'

    union

    select
        begun.event_id,
        begun.signal,
        cast(null as {{ dbt.type_string() }}) as page_path
    from begun
    left join last_resolving on begun.session_id = last_resolving.session_id and begun.resolved_by = last_resolving.event_name
    where last_resolving.place is null or last_resolving.place <= begun.place

    union

    select
        event_id,
        signal,
        cast(null as {{ dbt.type_string() }}) as page_path
    from repeated
    where count_in_a_minute - peers_after >= 3

    union

    select
        event_id,
        'page_loop' as signal,
        page_path
    from visits
    where visit_number = 3

    union

    select
        event_id,
        'quick_back' as signal,
        page_before as page_path
    from visits
    where page_two_before = page_path and us_on_page_before < 10000000

),

fct_friction_signals as (

    select
        {{ key_of(['signals.signal', 'signals.event_id']) }} as friction_signal_id,
        signals.signal,
        events.person_id,
        events.session_id,
        signals.event_id,
        coalesce(signals.page_path, events.page_path, in_sessions.page_before) as page_path,
        events.occurred_at,
        {{ local_date('events.occurred_at') }} as occurred_date,
        case when events.session_id is not null then coalesce(in_sessions.interactive_after, 0) = 1 end as has_later_event

    from signals
    inner join events on signals.event_id = events.event_id
    left join in_sessions on signals.event_id = in_sessions.event_id

    union all

    select
        {{ key_of(["'complaint'", 'contacts.contact_key']) }} as friction_signal_id,
        'complaint' as signal,
        contacts.person_id,
        cast(null as {{ dbt.type_string() }}) as session_id,
        cast(null as {{ dbt.type_string() }}) as event_id,
        cast(null as {{ dbt.type_string() }}) as page_path,
        contacts.opened_at as occurred_at,
        contacts.opened_date as occurred_date,
        cast(null as boolean) as has_later_event

    from {{ ref('fct_support_contacts') }} as contacts
    cross join as_of
    where contacts.is_complaint and contacts.opened_at <= as_of.as_of_at

)

select * from fct_friction_signals
