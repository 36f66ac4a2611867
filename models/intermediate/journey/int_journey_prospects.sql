-- Every entry as if it were let in: how it would end, whether its goal would be met, and what keeps it out whoever was in before.
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

candidates as (

    select * from {{ ref('int_journey_candidates') }}

),

ends as (

    select * from {{ ref('int_journey_ends') }}

),

bars as (

    select * from {{ ref('int_journey_bars') }}

),

journeys as (

    select
        journey,
        cast(version as bigint) as version,
        {{ days_in_us('timeout_days') }} as timeout_us,
        {{ days_in_us('goal_window_days') }} as goal_window_us,
        case when reentry in ('after_pause', 'capped') then coalesce({{ days_in_us('reentry_pause_days') }}, 0) else 0 end as pause_us,
        case reentry when 'never' then 1 when 'capped' then cast(reentry_cap as bigint) end as cap,
        coalesce(cast(holdout_share as double), 0e0) as holdout_share,
        {{ seed_text('required_endpoint') }} as required_endpoint

    from {{ ref('journeys') }}

),

first_endpoints as (

    select
        person_id,
        identifier_class,
        min(first_seen_at) as first_seen_at

    from {{ ref('bridge_person_identifiers') }}
    group by person_id, identifier_class

),

has_goal as (

    select distinct
        journey,
        cast(version as bigint) as version

    from {{ ref('journey_rules') }}
    where rule = 'goal'

),

judged as (

    select
        candidates.*,
        journeys.pause_us,
        journeys.cap,
        candidates.occurred_us + journeys.timeout_us as timeout_us,
        ends.end_place as mark_end_place,
        ends.end_role,
        ends.end_name,
        ends.end_us as mark_end_us,
        ends.goal_us,
        candidates.occurred_us + journeys.goal_window_us as goal_limit_us,
        has_goal.journey is not null as has_goal,
        {{ epoch_us('as_of.as_of_at') }} as as_of_us,
        coalesce(
            ends.end_place is not null
            and (journeys.timeout_us is null or ends.end_us <= candidates.occurred_us + journeys.timeout_us),
            false
        ) as is_ended_by_mark,
        case
            when {{ hash_share("candidates.journey || '|' || candidates.person_id") }} < journeys.holdout_share then 'holdout'
            when bars.name is not null then bars.name
            when
                journeys.required_endpoint is not null
                and (first_endpoints.first_seen_at is null or first_endpoints.first_seen_at > candidates.occurred_at)
                then 'missing_endpoint'
        end as exclusion_reason

    from candidates
    inner join journeys on candidates.journey = journeys.journey and candidates.version = journeys.version
    cross join as_of
    left join has_goal on candidates.journey = has_goal.journey and candidates.version = has_goal.version
    inner join ends
        on
            candidates.person_id = ends.person_id
            and candidates.journey = ends.journey
            and candidates.version = ends.version
            and candidates.place = ends.place
    left join bars
        on
            candidates.person_id = bars.person_id
            and candidates.journey = bars.journey
            and candidates.version = bars.version
            and candidates.place = bars.place
    left join first_endpoints
        on
            candidates.person_id = first_endpoints.person_id
            and journeys.required_endpoint = first_endpoints.identifier_class

),

journey_prospects as (

    select
        person_id,
        journey,
        version,
        mark_id,
        place,
        occurred_at,
        occurred_us,
        name as entry_name,
        trigger as entry_trigger,
        event_id as entry_event_id,
        channel as entry_channel,
        exclusion_reason,
        cap,
        pause_us,
        {{ from_epoch_us('timeout_us') }} as timeout_at,
        -- a participation that time ends holds all that happened up to then
        case
            when is_ended_by_mark then case end_role
                when 'completion' then 'completed'
                when 'exit' then 'exit_rule'
                when 'cancellation' then 'cancelled'
                else 'removed'
            end
            when timeout_us <= as_of_us then 'timed_out'
        end as exit_type,
        case
            when is_ended_by_mark then end_name
            when timeout_us <= as_of_us then 'timeout'
        end as exit_name,
        case when is_ended_by_mark then mark_end_place end as end_place,
        case
            when is_ended_by_mark then mark_end_us
            when timeout_us <= as_of_us then timeout_us
        end as end_us,
        case when goal_us <= coalesce(goal_limit_us, goal_us) then {{ from_epoch_us('goal_us') }} end as goal_met_at,
        case when has_goal then coalesce(goal_us <= coalesce(goal_limit_us, goal_us), false) end as is_goal_met,
        case when has_goal then coalesce(goal_limit_us <= as_of_us, false) end as is_goal_mature

    from judged

)

select * from journey_prospects
