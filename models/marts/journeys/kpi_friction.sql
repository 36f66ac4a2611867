with

signals as (

    select * from {{ ref('fct_friction_signals') }}

),

sessions as (

    select
        session_id,
        {{ period_start('week', 'started_date') }} as week_start_date,
        exit_page_path

    from {{ ref('fct_sessions') }}

),

-- trouble on a page, by the week of the visit in which it was; what has no page or no visit, by its own
placed as (

    select
        signals.signal,
        signals.person_id,
        signals.friction_signal_id,
        case when signals.page_path is not null then signals.session_id end as session_id,
        coalesce(signals.page_path, '(none)') as page_path,
        case
            when signals.page_path is not null and sessions.week_start_date is not null then sessions.week_start_date
            else {{ period_start('week', 'signals.occurred_date') }}
        end as week_start_date

    from signals
    left join sessions on signals.session_id = sessions.session_id

),

counted as (

    select
        page_path,
        signal,
        week_start_date,
        count(*) as signal_count,
        count(distinct person_id) as person_count

    from placed
    group by page_path, signal, week_start_date

),

session_pages as (

    select
        events.session_id,
        events.page_path

    from {{ ref('fct_events') }} as events
    inner join {{ ref('dim_as_of') }} as as_of on events.occurred_at <= as_of.as_of_at
    where events.event_type in ('page', 'screen') and events.page_path is not null and events.session_id is not null

    union

    select
        session_id,
        page_path

    from placed
    where session_id is not null

),

visits as (

    select
        session_pages.session_id,
        session_pages.page_path,
        sessions.week_start_date,
        case when sessions.exit_page_path = session_pages.page_path then 1 else 0 end as is_exit

    from session_pages
    inner join sessions on session_pages.session_id = sessions.session_id

),

page_weeks as (

    select
        page_path,
        week_start_date,
        count(*) as session_count,
        sum(is_exit) as exit_count

    from visits
    group by page_path, week_start_date

),

session_signals as (

    select distinct
        session_id,
        page_path,
        signal

    from placed
    where session_id is not null

),

troubled as (

    select
        visits.page_path,
        visits.week_start_date,
        session_signals.signal,
        count(*) as session_count,
        sum(visits.is_exit) as exit_count

    from visits
    inner join session_signals on visits.session_id = session_signals.session_id and visits.page_path = session_signals.page_path
    group by visits.page_path, visits.week_start_date, session_signals.signal

),

kpi_friction as (

    select
        {{ key_of(['counted.page_path', 'counted.signal', 'counted.week_start_date']) }} as friction_id,
        counted.page_path,
        counted.signal,
        counted.week_start_date,
        counted.signal_count,
        counted.person_count,
        {{ rate_columns('friction', 'coalesce(troubled.session_count, 0)', 'coalesce(page_weeks.session_count, 0)') }},
        {{ rate_columns('drop', 'coalesce(troubled.exit_count, 0)', 'coalesce(troubled.session_count, 0)') }},
        {{ rate_columns(
            'drop_without',
            'coalesce(page_weeks.exit_count, 0) - coalesce(troubled.exit_count, 0)',
            'coalesce(page_weeks.session_count, 0) - coalesce(troubled.session_count, 0)'
        ) }},
        false as is_causal

    from counted
    left join page_weeks on counted.page_path = page_weeks.page_path and counted.week_start_date = page_weeks.week_start_date
    left join troubled
        on
            counted.page_path = troubled.page_path
            and counted.week_start_date = troubled.week_start_date
            and counted.signal = troubled.signal

)

select * from kpi_friction
