with

identifier_counts as (

    select
        person_id,
        max(case when is_known then 1 else 0 end) = 1 as is_known,
        count(*) as identifier_count,
        min(first_seen_at) as first_evidence_at

    from {{ ref('int_identifiers_resolved') }}
    group by person_id

),

activity as (

    select
        person_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as event_count,
        count(distinct endpoint_id) as endpoint_count

    from {{ ref('int_events_identified') }}
    group by person_id

),

session_counts as (

    select
        person_id,
        count(*) as session_count,
        count(distinct channel_group) as channel_count

    from {{ ref('fct_sessions') }}
    group by person_id

),

first_sessions as (

    select * from {{ ref('fct_sessions') }}
    where session_number = 1

),

milestones as (

    select
        person_id,
        min(case when milestone = 'signed_up' then reached_at end) as signed_up_at,
        min(case when milestone = 'onboarded' then reached_at end) as activated_at,
        min(case when milestone = 'trial_started' then reached_at end) as trial_started_at,
        min(case when milestone = 'habit_formed' then reached_at end) as habit_formed_at,
        min(case when milestone = 'paid' then reached_at end) as first_paid_at

    from {{ ref('fct_milestones') }}
    group by person_id

),

stages as (

    select
        person_id,
        max(case when exit_reason = 'churned' then ended_at end) as last_churned_at,
        max(case when is_open then stage end) as current_stage,
        max(case when is_open then started_at end) as current_stage_started_at

    from {{ ref('fct_stage_periods') }}
    group by person_id

),

persons as (

    select person_id from identifier_counts
    union
    select person_id from activity

),

dim_persons as (

    select
        persons.person_id,
        coalesce(identifier_counts.is_known, false) as is_known,
        coalesce(activity.first_seen_at, identifier_counts.first_evidence_at) as first_seen_at,
        activity.last_seen_at,
        {{ local_date('coalesce(activity.first_seen_at, identifier_counts.first_evidence_at)') }} as first_seen_date,
        first_sessions.started_at as first_session_at,
        coalesce(first_sessions.channel_group, '(none)') as first_touch_channel_group,
        first_sessions.source as first_touch_source,
        first_sessions.medium as first_touch_medium,
        first_sessions.campaign as first_touch_campaign,
        first_sessions.entry_page_path as first_landing_page_path,
        coalesce(first_sessions.platform, '(none)') as first_platform,
        milestones.signed_up_at,
        milestones.activated_at,
        milestones.trial_started_at,
        milestones.habit_formed_at,
        milestones.first_paid_at,
        stages.last_churned_at,
        stages.current_stage,
        stages.current_stage_started_at,
        plans.plan,
        accounts.account_id,
        cast(coalesce(identifier_counts.identifier_count, 0) as bigint) as identifier_count,
        cast(coalesce(activity.endpoint_count, 0) as bigint) as endpoint_count,
        cast(coalesce(session_counts.channel_count, 0) as bigint) as channel_count,
        cast(coalesce(session_counts.session_count, 0) as bigint) as session_count,
        cast(coalesce(activity.event_count, 0) as bigint) as event_count

    from persons
    left join identifier_counts on persons.person_id = identifier_counts.person_id
    left join activity on persons.person_id = activity.person_id
    left join session_counts on persons.person_id = session_counts.person_id
    left join first_sessions on persons.person_id = first_sessions.person_id
    left join milestones on persons.person_id = milestones.person_id
    left join stages on persons.person_id = stages.person_id
    left join {{ ref('int_person_plans') }} as plans on persons.person_id = plans.person_id
    left join {{ ref('int_person_accounts') }} as accounts on persons.person_id = accounts.person_id

)

select * from dim_persons
