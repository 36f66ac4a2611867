{%- set weeks = 4 -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

months as (

    select
        month_start_date,
        max(date_day) as last_date

    from {{ ref('dim_dates') }}
    group by month_start_date

),

events as (

    select
        event_id,
        person_id,
        endpoint_id,
        platform,
        is_interactive,
        occurred_at,
        occurred_date

    from {{ ref('int_events_identified') }}

),

sessions as (

    select
        person_id,
        started_at,
        started_date

    from {{ ref('fct_sessions') }}
    -- GA4 counts a first visit as engagement
    where is_engaged or session_number = 1

),

profiles as (

    select * from {{ ref('metric_profiles') }}

),

-- what a tool leaves empty is as own has it, and what own leaves empty as the variables have it
settings as (

    select
        profiles.profile,
        profiles.metric,
        profiles.difference as named_difference,
        {%- for column, data_type in {
            'window_days': 'integer', 'funnel_order': none, 'retention_mode': none, 'retention_criterion': none, 'cohort_average': none, 'active_rule': none,
            'active_days': 'integer', 'session_unit': none, 'cut_at_midnight': 'boolean'
        }.items() %}
        {%- set text = "coalesce(nullif(profiles." ~ column ~ ", ''), nullif(own." ~ column ~ ", ''))" %}
        {{ 'cast(' ~ text ~ ' as ' ~ data_type ~ ')' if data_type else text }} as {{ column }},
        {%- endfor %}
        {%- for column, value, factor in [
            ('session_timeout_us', ['session_timeout_seconds'], 1000000),
            ('app_session_timeout_us', ['app_session_timeout_seconds', 'session_timeout_seconds'], 1000000),
            ('session_cap_us', ['session_cap_hours'], 3600000000)
        ] %}
        cast(coalesce(
            {%- for name in value %}
            nullif(profiles.{{ name }}, ''), nullif(own.{{ name }}, ''),
            {%- endfor %}
            {{ quoted(var(value[-1]) | int) }}
        ) as bigint) * {{ factor }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}

    from profiles
    left join profiles as own
        on
            profiles.metric = own.metric
            and own.profile = 'own'

),

-- who was active on which day, by each rule
active_days as (

    select
        'interactive' as active_rule,
        person_id,
        active_date
    from {{ ref('fct_person_days') }}

    union all

    select distinct
        'any_event' as active_rule,
        person_id,
        occurred_date as active_date
    from events

    union all

    select distinct
        'engaged_session' as active_rule,
        person_id,
        started_date as active_date
    from sessions

),

active_windows as (

    select distinct
        active_rule,
        active_days

    from settings
    where metric in ('active', 'stickiness')

),

active_counts as (

    select
        active_windows.active_rule,
        active_windows.active_days,
        months.month_start_date,
        count(distinct days.person_id) as month_count,
        count(distinct case when days.active_date = months.last_date then days.person_id end) as last_day_count

    from active_windows
    cross join months
    inner join active_days as days
        on
            active_windows.active_rule = days.active_rule
            and months.last_date >= days.active_date
            and {{ add_days('months.last_date', '-active_windows.active_days') }} < days.active_date
    group by active_windows.active_rule, active_windows.active_days, months.month_start_date

),

contacts as (

    select distinct
        person_id,
        {{ period_start('month', 'opened_date') }} as month_start_date

    from {{ ref('fct_support_contacts') }}

),

-- who wrote without being active in the month is no part of the share
support_counts as (

    select
        active_months.active_rule,
        active_months.month_start_date,
        count(*) as active_count,
        count(contacts.person_id) as contacting_count

    from (
        select distinct
            active_rule,
            person_id,
            {{ period_start('month', 'active_date') }} as month_start_date
        from active_days
    ) as active_months
    left join contacts
        on
            active_months.person_id = contacts.person_id
            and active_months.month_start_date = contacts.month_start_date
    group by active_months.active_rule, active_months.month_start_date

),

-- before the first contact that any source told of there is no zero, there is nothing
support_coverage as (

    select min(month_start_date) as first_month_date from contacts

),

first_sessions as (

    select
        persons.person_id,
        {{ period_start('month', local_date('persons.first_session_at')) }} as month_start_date,
        {%- set elapsed = elapsed_seconds('persons.first_session_at', 'conversions.occurred_at') %}
        min(case when conversions.occurred_at >= persons.first_session_at then {{ elapsed }} end) as seconds_after,
        min(abs({{ elapsed }})) as seconds_around

    from {{ ref('dim_persons') }} as persons
    left join {{ ref('fct_conversions') }} as conversions
        on
            persons.person_id = conversions.person_id
            and conversions.goal = 'signup'
    where persons.first_session_at is not null
    group by persons.person_id, {{ period_start('month', local_date('persons.first_session_at')) }}

),

first_sessions_by_profile as (

    select
        settings.profile,
        settings.window_days,
        first_sessions.month_start_date,
        case settings.funnel_order when 'any' then first_sessions.seconds_around else first_sessions.seconds_after end as seconds_to_goal

    from settings
    cross join first_sessions
    where settings.metric = 'conversion'

),

conversion_counts as (

    select
        profile,
        month_start_date,
        count(*) as entered_count,
        sum(
            case when seconds_to_goal is not null and (window_days = 0 or seconds_to_goal <= window_days * 86400) then 1 else 0 end
        ) as converted_count

    from first_sessions_by_profile
    group by profile, month_start_date

),

signups as (

    select
        person_id,
        signed_up_at,
        {{ period_start('week', local_date('signed_up_at')) }} as cohort_week_date,
        {{ period_start('month', local_date('signed_up_at')) }} as month_start_date

    from {{ ref('dim_persons') }}
    where signed_up_at is not null

),

moments_after as (

    select
        'any_event' as active_rule,
        events.person_id,
        events.occurred_at,
        events.occurred_date
    from events
    inner join signups on events.person_id = signups.person_id and events.occurred_at >= signups.signed_up_at

    union all

    select
        'interactive' as active_rule,
        events.person_id,
        events.occurred_at,
        events.occurred_date
    from events
    inner join signups on events.person_id = signups.person_id and events.occurred_at >= signups.signed_up_at
    where events.is_interactive

    union all

    select
        'engaged_session' as active_rule,
        sessions.person_id,
        sessions.started_at as occurred_at,
        sessions.started_date as occurred_date
    from sessions
    inner join signups on sessions.person_id = signups.person_id and sessions.started_at >= signups.signed_up_at

),

weeks_after as (

    select
        moments_after.active_rule,
        moments_after.person_id,
        cast(floor({{ elapsed_seconds('signups.signed_up_at', 'moments_after.occurred_at') }} / 604800e0) as bigint) as rolling_week,
        cast(floor(
            {{ days_between('signups.cohort_week_date', 'moments_after.occurred_date') }} / 7e0
        ) as bigint) as calendar_week

    from moments_after
    inner join signups on moments_after.person_id = signups.person_id

),

returns as (

    select
        active_rule,
        person_id,
        {%- for mode in ['rolling', 'calendar'] %}
        max(case when {{ mode }}_week = {{ weeks }} then 1 else 0 end) as {{ mode }}_on,
        max(case when {{ mode }}_week >= {{ weeks }} then 1 else 0 end) as {{ mode }}_on_or_after{{ ',' if not loop.last }}
        {%- endfor %}

    from weeks_after
    group by active_rule, person_id

),

retention_cohorts as (

    select
        settings.profile,
        settings.cohort_average,
        signups.month_start_date,
        signups.cohort_week_date,
        count(*) as cohort_count,
        sum(
            case
                {%- for mode in ['rolling', 'calendar'] %}
                {%- for criterion in ['on', 'on_or_after'] %}
                when settings.retention_mode = {{ quoted(mode) }} and settings.retention_criterion = {{ quoted(criterion) }}
                    then coalesce(returns.{{ mode }}_{{ criterion }}, 0)
                {%- endfor %}
                {%- endfor %}
            end
        ) as retained_count

    from settings
    cross join signups
    left join returns
        on
            settings.active_rule = returns.active_rule
            and signups.person_id = returns.person_id
    where settings.metric = 'retention'
    group by settings.profile, settings.cohort_average, signups.month_start_date, signups.cohort_week_date

),

retention_counts as (

    select
        profile,
        month_start_date,
        sum(cohort_count) as cohort_count,
        sum(retained_count) as retained_count,
        {{ average_of_cohorts('retained_count', 'cohort_count', 'cohort_average') | indent(8) }} as retention_rate

    from retention_cohorts
    group by profile, month_start_date, cohort_average

),

-- the windows below run once for each way of choosing events, however many profiles choose so
session_ways as (

    select
        session_unit,
        active_rule,
        min(least(session_timeout_us, app_session_timeout_us)) as shortest_timeout_us,
        max(greatest(session_timeout_us, app_session_timeout_us)) as longest_timeout_us,
        min(case when session_cap_us > 0 then session_cap_us end) as shortest_cap_us

    from settings
    where metric = 'sessions'
    group by session_unit, active_rule

),

session_events as {{ not_kept() }}(

    select
        ways.session_unit,
        ways.active_rule,
        ways.shortest_timeout_us,
        ways.longest_timeout_us,
        ways.shortest_cap_us,
        case ways.session_unit when 'person' then events.person_id else events.endpoint_id end as unit_id,
        events.event_id,
        {{ epoch_us('events.occurred_at') }} as occurred_us,
        events.occurred_date,
        coalesce(events.platform = 'app', false) as is_app

    from events
    inner join session_ways as ways on ways.active_rule = 'any_event' or events.is_interactive

),

events_after_gaps as (

    select
        *,
        occurred_us - lag(occurred_us) over unit_in_order as gap_us,
        lag(occurred_date) over unit_in_order as previous_date,
        lead(occurred_us) over unit_in_order - occurred_us as gap_after_us

    from session_events
    window unit_in_order as (
        partition by unit_id, session_unit, active_rule
        order by occurred_us, event_id
    )

),

-- a run that no timeout parts holds whole sessions of all profiles: of most only the ends are needed, and where a profile may part them
turning_events as (

    select
        session_unit,
        active_rule,
        shortest_cap_us,
        unit_id,
        event_id,
        occurred_us,
        occurred_date,
        is_app,
        gap_us,
        previous_date,
        coalesce(gap_us >= longest_timeout_us, true) as is_first_of_run,
        coalesce(gap_after_us >= longest_timeout_us, true) as is_last_of_run

    from events_after_gaps
    where
        coalesce(gap_us >= shortest_timeout_us, true)
        or occurred_date <> previous_date
        or coalesce(gap_after_us >= longest_timeout_us, true)

),

runs as (

    select
        *,
        lead(occurred_us) over (
            partition by unit_id, session_unit, active_rule
            order by occurred_us, event_id
        ) as run_ended_us

    from turning_events
    where is_first_of_run <> is_last_of_run

),

-- only in a run that is longer than a cap can a cap cut anything: few, and only these are followed event by event
long_runs as (

    select
        session_unit,
        active_rule,
        unit_id,
        occurred_us as run_started_us,
        run_ended_us

    from runs
    where is_first_of_run and run_ended_us - occurred_us >= shortest_cap_us

),

events_of_long_runs as (

    select
        events.session_unit,
        events.active_rule,
        events.unit_id,
        long_runs.run_started_us,
        events.event_id,
        events.occurred_us,
        events.occurred_date,
        events.is_app,
        events.occurred_us - lag(events.occurred_us) over run_in_order as gap_us,
        lag(events.occurred_date) over run_in_order as previous_date

    from session_events as events
    inner join long_runs
        on
            events.session_unit = long_runs.session_unit
            and events.active_rule = long_runs.active_rule
            and events.unit_id = long_runs.unit_id
            and events.occurred_us >= long_runs.run_started_us
            and events.occurred_us <= long_runs.run_ended_us
    window run_in_order as (
        partition by events.unit_id, events.session_unit, events.active_rule, long_runs.run_started_us
        order by events.occurred_us, events.event_id
    )

),

{%- set is_session_start -%}
events.gap_us is null
            or events.gap_us >= case when events.is_app then settings.app_session_timeout_us else settings.session_timeout_us end
            or (settings.cut_at_midnight and events.occurred_date <> events.previous_date)
{%- endset %}

stretches as (

    select
        settings.profile,
        settings.session_cap_us,
        events.unit_id,
        events.run_started_us,
        events.occurred_us,
        events.occurred_date,
        max(case
            when {{ is_session_start }} then events.occurred_us
        end) over (
            partition by events.unit_id, settings.profile, events.run_started_us
            order by events.occurred_us, events.event_id
            rows between unbounded preceding and current row
        ) as stretch_started_us

    from events_of_long_runs as events
    inner join settings
        on
            settings.metric = 'sessions'
            and events.session_unit = settings.session_unit
            and events.active_rule = settings.active_rule

),

session_starts as (

    select
        settings.profile,
        events.occurred_date as started_date

    from turning_events as events
    left join long_runs
        on
            events.session_unit = long_runs.session_unit
            and events.active_rule = long_runs.active_rule
            and events.unit_id = long_runs.unit_id
            and events.occurred_us >= long_runs.run_started_us
            and events.occurred_us <= long_runs.run_ended_us
    inner join settings
        on
            settings.metric = 'sessions'
            and events.session_unit = settings.session_unit
            and events.active_rule = settings.active_rule
            and (
                {{ is_session_start | indent(4) }}
            )
    where long_runs.unit_id is null

    union all

    select
        profile,
        min(occurred_date) as started_date

    from stretches
    group by
        profile, unit_id, run_started_us, stretch_started_us,
        case when session_cap_us > 0 then floor((occurred_us - stretch_started_us) / cast(session_cap_us as double)) else 0 end

),

session_counts as (

    select
        profile,
        {{ period_start('month', 'started_date') }} as month_start_date,
        count(*) as session_count

    from session_starts
    group by profile, {{ period_start('month', 'started_date') }}

),

measured as (

    select
        settings.profile,
        settings.metric,
        settings.named_difference,
        months.month_start_date,
        case settings.metric
            when 'conversion' then coalesce(conversion_counts.converted_count, 0)
            when 'retention' then coalesce(retention_counts.retained_count, 0)
            when 'stickiness' then coalesce(active_counts.last_day_count, 0)
            when 'active' then coalesce(active_counts.month_count, 0)
            when 'sessions' then coalesce(session_counts.session_count, 0)
            when 'support'
                then
                    case
                        when support_coverage.first_month_date <= months.month_start_date then coalesce(support_counts.contacting_count, 0)
                    end
        end as numerator,
        case settings.metric
            when 'conversion' then coalesce(conversion_counts.entered_count, 0)
            when 'retention' then coalesce(retention_counts.cohort_count, 0)
            when 'stickiness' then coalesce(active_counts.month_count, 0)
            when 'support' then coalesce(support_counts.active_count, 0)
        end as denominator,
        retention_counts.retention_rate,
        case settings.metric
            when 'conversion'
                then
                    settings.window_days > 0
                    and {{ window_is_over(next_month('months.month_start_date'), 'settings.window_days') }}
            when 'retention' then {{ add_days(next_month('months.month_start_date'), (weeks + 1) * 7) }} <= as_of.as_of_date
            else {{ next_month('months.month_start_date') }} <= as_of.as_of_date
        end as is_mature

    from settings
    cross join months
    cross join as_of
    cross join support_coverage
    left join conversion_counts
        on
            case when settings.metric = 'conversion' then settings.profile end = conversion_counts.profile
            and months.month_start_date = conversion_counts.month_start_date
    left join retention_counts
        on
            case when settings.metric = 'retention' then settings.profile end = retention_counts.profile
            and months.month_start_date = retention_counts.month_start_date
    left join active_counts
        on
            case when settings.metric in ('active', 'stickiness') then settings.active_rule end = active_counts.active_rule
            and settings.active_days = active_counts.active_days
            and months.month_start_date = active_counts.month_start_date
    left join session_counts
        on
            case when settings.metric = 'sessions' then settings.profile end = session_counts.profile
            and months.month_start_date = session_counts.month_start_date
    left join support_counts
        on
            case when settings.metric = 'support' then settings.active_rule end = support_counts.active_rule
            and months.month_start_date = support_counts.month_start_date

),

valued as (

    select
        *,
        case
            when metric = 'retention' then retention_rate
            when metric in ('active', 'sessions') then cast(numerator as double)
            else cast(numerator as double) / nullif(cast(denominator as double), 0)
        end as value

    from measured

),

definition_sensitivity as (

    select
        {{ key_of(['valued.metric', 'valued.profile', 'valued.month_start_date']) }} as definition_sensitivity_id,
        valued.metric,
        valued.profile,
        valued.month_start_date,
        cast(valued.numerator as bigint) as numerator,
        cast(valued.denominator as bigint) as denominator,
        valued.value,
        own.value as own_value,
        valued.value - own.value as difference,
        valued.named_difference,
        valued.is_mature

    from valued
    left join valued as own
        on
            own.profile = 'own'
            and valued.metric = own.metric
            and valued.month_start_date = own.month_start_date

)

select * from definition_sensitivity
