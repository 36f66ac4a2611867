{%- set month, quarter = 30 * 86400, 90 * 86400 %}
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

steps as (

    select * from {{ ref('fct_path_steps') }}

),

conversions as (

    select conversions.*
    from {{ ref('fct_conversions') }} as conversions
    cross join as_of
    where conversions.occurred_at <= as_of.as_of_at

),

walked as (

    select
        path_id,
        count(*) as raw_step_count,
        count(collapsed_number) as step_count,
        max(occurred_at) as last_at,
        -- not a list in order: an engine keeps all of those in memory at once
        concat_ws(
            ' > '
            {%- for number in range(1, 21) %},
            max(case when collapsed_number = {{ number }} then node end)
            {%- endfor %}
        ) as nodes_in_order

    from steps
    group by path_id

),

-- what is reached in a session counts for it, also where somebody else than its person is said to have reached it
converted_sessions as (

    select session_id
    from conversions
    where session_id is not null

    union

    select sessions.session_id
    from {{ ref('fct_sessions') }} as sessions
    inner join conversions
        on
            sessions.person_id = conversions.person_id
            and sessions.started_at <= conversions.occurred_at
            and sessions.ended_at >= conversions.occurred_at

),

session_paths as (

    select
        {{ key_of(["'session'", "'all'", 'sessions.session_id']) }} as path_id,
        'session' as scope,
        'all' as scope_value,
        sessions.person_id,
        sessions.started_at,
        sessions.ended_at,
        '(end)' as end_node,
        converted_sessions.session_id is not null as is_converted

    from {{ ref('fct_sessions') }} as sessions
    cross join as_of
    left join converted_sessions on sessions.session_id = converted_sessions.session_id
    where sessions.started_at <= as_of.as_of_at

),

journey_paths as (

    select
        {{ key_of(["'journey'", 'participations.journey', 'participations.participation_id']) }} as path_id,
        'journey' as scope,
        participations.journey as scope_value,
        participations.person_id,
        participations.entered_at as started_at,
        coalesce(participations.exited_at, as_of.as_of_at) as ended_at,
        coalesce(participations.exit_type, '(active)') as end_node,
        coalesce(participations.is_goal_met, participations.exit_type = 'completed', false) as is_converted

    from {{ ref('fct_journey_participations') }} as participations
    cross join as_of

),

conversion_paths as (

    select
        {{ key_of(["'conversion'", 'conversions.goal', 'conversions.conversion_id']) }} as path_id,
        'conversion' as scope,
        conversions.goal as scope_value,
        conversions.person_id,
        coalesce(min(touches.touched_at), conversions.occurred_at) as started_at,
        conversions.occurred_at as ended_at,
        '(conversion)' as end_node,
        true as is_converted

    from conversions
    left join {{ ref('fct_attribution_touches') }} as touches on conversions.conversion_id = touches.conversion_id
    group by conversions.goal, conversions.conversion_id, conversions.person_id, conversions.occurred_at

),

entry_starts as (

    select
        path_id,
        scope_value,
        person_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at

    from steps
    where scope = 'entry'
    group by path_id, scope_value, person_id

),

converters as (

    select distinct entry_starts.path_id

    from entry_starts
    inner join conversions
        on
            entry_starts.person_id = conversions.person_id
            and entry_starts.started_at <= conversions.occurred_at
            and {{ add_seconds('entry_starts.started_at', month) }} >= conversions.occurred_at

),

entry_paths as (

    select
        entry_starts.path_id,
        'entry' as scope,
        entry_starts.scope_value,
        entry_starts.person_id,
        entry_starts.started_at,
        entry_starts.ended_at,
        '(end)' as end_node,
        converters.path_id is not null as is_converted

    from entry_starts
    left join converters on entry_starts.path_id = converters.path_id

),

paths as (

    select * from session_paths
    union all
    select * from journey_paths
    union all
    select * from conversion_paths
    union all
    select * from entry_paths

),

revenue as (

    select
        paths.path_id,
        sum(revenue.amount) as revenue_amount

    from paths
    cross join as_of
    {{ join_while_on_path('fct_revenue', 'revenue', 'occurred_at', until=add_seconds('paths.started_at', month)) }}
    group by paths.path_id

),

friction as (

    select
        paths.path_id,
        count(*) as friction_count

    from paths
    cross join as_of
    {{ join_while_on_path('fct_friction_signals', 'signals', 'occurred_at', until='paths.ended_at') }}
    group by paths.path_id

),

support as (

    select
        paths.path_id,
        count(*) as contact_count,
        sum(contacts.cost_amount) as cost_amount

    from paths
    cross join as_of
    {{ join_while_on_path('fct_support_contacts', 'contacts', 'opened_at', until=add_seconds('paths.started_at', month)) }}
    group by paths.path_id

),

answers as (

    select
        paths.path_id,
        answers.score_group,
        row_number() over (
            partition by paths.path_id
            order by answers.responded_at, answers.response_key
        ) as answer_number

    from paths
    cross join as_of
    {{ join_while_on_path('fct_survey_responses', 'answers', 'responded_at', until=add_seconds('paths.started_at', quarter)) }}
    where answers.survey_type = 'nps' and answers.score_group is not null

),

churns as (

    select distinct paths.path_id

    from paths
    cross join as_of
    {{ join_while_on_path('fct_subscription_events', 'movements', 'occurred_at', until=add_seconds('paths.started_at', quarter)) }}
    where movements.movement = 'churn'

),

fct_paths as (

    select
        paths.path_id,
        paths.scope,
        paths.scope_value,
        paths.person_id,
        paths.started_at,
        paths.ended_at,
        {{ period_start('month', local_date('paths.started_at')) }} as started_month_date,
        paths.end_node,
        coalesce(walked.raw_step_count, 0) as raw_step_count,
        coalesce(walked.step_count, 0) as step_count,
        case
            when walked.step_count is null then '(nothing)'
            when walked.step_count > 20 then walked.nodes_in_order || ' > …'
            else walked.nodes_in_order
        end as variant,
        paths.is_converted,
        cast(revenue.revenue_amount as decimal(18, 4)) as revenue_amount,
        coalesce(friction.friction_count, 0) as friction_count,
        coalesce(support.contact_count, 0) as support_contact_count,
        cast(support.cost_amount as decimal(18, 4)) as support_cost_amount,
        answers.score_group as nps_score_group,
        churns.path_id is not null as has_churned,
        {{ elapsed_seconds('paths.started_at', 'paths.ended_at') }} as duration_seconds

    from paths
    left join walked on paths.path_id = walked.path_id
    left join revenue on paths.path_id = revenue.path_id
    left join friction on paths.path_id = friction.path_id
    left join support on paths.path_id = support.path_id
    left join answers on paths.path_id = answers.path_id and answers.answer_number = 1
    left join churns on paths.path_id = churns.path_id

)

select * from fct_paths
