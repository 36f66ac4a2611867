-- Every entry as if it were let in: how it would end, whether its goal would be met, and what keeps it out whoever was in before.
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

marks as (

    select
        *,
        {{ epoch_us('occurred_at') }} as occurred_us

    from {{ ref('int_journey_marks') }}

),

journeys as (

    select
        journey,
        cast(version as bigint) as version,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to,
        {{ days_in_us('timeout_days') }} as timeout_us,
        {{ days_in_us('goal_window_days') }} as goal_window_us,
        case when reentry in ('after_pause', 'capped') then coalesce({{ days_in_us('reentry_pause_days') }}, 0) else 0 end as pause_us,
        case reentry when 'never' then 1 when 'capped' then cast(reentry_cap as bigint) end as cap,
        coalesce(cast(holdout_share as double), 0e0) as holdout_share,
        {{ seed_text('required_endpoint') }} as required_endpoint

    from {{ ref('journeys') }}

),

rules as (

    select
        journey,
        cast(version as bigint) as version,
        cast(rule_number as bigint) as rule_number,
        rule,
        name,
        trigger

    from {{ ref('journey_rules') }}

),

entries as (

    select
        marks.*,
        row_number() over (
            partition by marks.person_id, marks.journey, marks.version, marks.place
            order by marks.rule_number
        ) as rule_rank

    from marks
    inner join journeys on marks.journey = journeys.journey and marks.version = journeys.version
    where
        marks.role = 'entry'
        and ({{ local_date('marks.occurred_at') }} >= journeys.valid_from or journeys.valid_from is null)
        and ({{ local_date('marks.occurred_at') }} < journeys.valid_to or journeys.valid_to is null)

),

candidates as (

    select
        person_id,
        journey,
        version,
        mark_id,
        place,
        occurred_at,
        occurred_us,
        name,
        trigger,
        event_id,
        channel

    from entries
    where rule_rank = 1

),

-- what comes next for each: an end, and its goal (the entry itself may be it)
next_places as (

    select
        *,
        min(case when role in ('completion', 'exit', 'cancellation', 'removal') then place end) over (
            partition by person_id, journey, version
            order by place
            range between 1 following and unbounded following
        ) as end_place,
        min(case when role = 'goal' then place end) over (
            partition by person_id, journey, version
            order by place
            range between current row and unbounded following
        ) as goal_place

    from (
        select person_id, journey, version, mark_id, place, role
        from marks
        where role in ('completion', 'exit', 'cancellation', 'removal', 'goal')

        union all

        select person_id, journey, version, mark_id, place, 'candidate' as role
        from candidates
    ) as points

),

-- where all required steps are done is an end as well, for who wants it so
required_steps as (

    select
        journey,
        cast(version as bigint) as version,
        step,
        count(*) over (partition by journey, version) as required_count

    from {{ ref('journey_steps') }}
    where is_required

),

steps_rules as (

    select
        journey,
        version,
        min(rule_number) as rule_number

    from rules
    where trigger = 'steps'
    group by journey, version

),

next_steps as (

    select
        *,
        min(case when is_candidate = 0 then place end) over (
            partition by person_id, journey, version, step
            order by place
            range between current row and unbounded following
        ) as step_place

    from (
        select
            candidates.person_id,
            candidates.journey,
            candidates.version,
            required_steps.step,
            required_steps.required_count,
            candidates.place,
            1 as is_candidate

        from candidates
        inner join steps_rules on candidates.journey = steps_rules.journey and candidates.version = steps_rules.version
        inner join required_steps on candidates.journey = required_steps.journey and candidates.version = required_steps.version

        union all

        select
            marks.person_id,
            marks.journey,
            marks.version,
            required_steps.step,
            required_steps.required_count,
            marks.place,
            0 as is_candidate

        from marks
        inner join steps_rules on marks.journey = steps_rules.journey and marks.version = steps_rules.version
        inner join required_steps
            on
                marks.journey = required_steps.journey
                and marks.version = required_steps.version
                and marks.name = required_steps.step
        where marks.role = 'step'
    ) as points

),

all_steps_done as (

    select
        person_id,
        journey,
        version,
        place,
        max(step_place) as end_place

    from next_steps
    where is_candidate = 1
    group by person_id, journey, version, place
    having count(step_place) = max(required_count)

),

ends as (

    select
        next_places.person_id,
        next_places.journey,
        next_places.version,
        next_places.place,
        marks.place as end_place,
        marks.role,
        marks.rule_number,
        marks.name

    from next_places
    inner join marks
        on
            next_places.person_id = marks.person_id
            and next_places.journey = marks.journey
            and next_places.version = marks.version
            and next_places.end_place = marks.place
    where next_places.role = 'candidate' and marks.role in ('completion', 'exit', 'cancellation', 'removal')

    union all

    select
        all_steps_done.person_id,
        all_steps_done.journey,
        all_steps_done.version,
        all_steps_done.place,
        all_steps_done.end_place,
        rules.rule as role,
        rules.rule_number,
        rules.name

    from all_steps_done
    inner join steps_rules on all_steps_done.journey = steps_rules.journey and all_steps_done.version = steps_rules.version
    inner join rules
        on
            steps_rules.journey = rules.journey
            and steps_rules.version = rules.version
            and steps_rules.rule_number = rules.rule_number

),

ends_ranked as (

    select
        *,
        row_number() over (
            partition by person_id, journey, version, place
            order by end_place, rule_number
        ) as end_rank

    from ends

),

moments as (

    select distinct
        person_id,
        journey,
        place,
        occurred_us

    from marks

),

-- of those who may be shut out by name, the rule that does it
barred as (

    select
        candidates.person_id,
        candidates.journey,
        candidates.version,
        candidates.place,
        marks.name,
        max(case when marks.role = 'exclusion' then marks.place end) as exclusion_place,
        max(case when marks.role = 'readmission' then marks.place end) as readmission_place,
        min(case when marks.role = 'exclusion' then marks.rule_number end) as rule_number

    from candidates
    inner join marks
        on
            candidates.person_id = marks.person_id
            and candidates.journey = marks.journey
            and candidates.version = marks.version
    where marks.role in ('exclusion', 'readmission') and marks.place <= candidates.place
    group by candidates.person_id, candidates.journey, candidates.version, candidates.place, marks.name

),

exclusion_rules as (

    select
        journey,
        version,
        name,
        min(rule_number) as rule_number

    from rules
    where rule = 'exclusion'
    group by journey, version, name

),

barred_ranked as (

    select
        barred.*,
        row_number() over (
            partition by barred.person_id, barred.journey, barred.version, barred.place
            order by exclusion_rules.rule_number
        ) as bar_rank

    from barred
    inner join exclusion_rules
        on
            barred.journey = exclusion_rules.journey
            and barred.version = exclusion_rules.version
            and barred.name = exclusion_rules.name
    where barred.exclusion_place >= coalesce(barred.readmission_place, 0)

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
        version

    from rules
    where rule = 'goal'

),

judged as (

    select
        candidates.*,
        journeys.pause_us,
        journeys.cap,
        candidates.occurred_us + journeys.timeout_us as timeout_us,
        ends_ranked.end_place as mark_end_place,
        ends_ranked.role as end_role,
        ends_ranked.name as end_name,
        end_moments.occurred_us as mark_end_us,
        goal_moments.occurred_us as goal_us,
        candidates.occurred_us + journeys.goal_window_us as goal_limit_us,
        has_goal.journey is not null as has_goal,
        {{ epoch_us('as_of.as_of_at') }} as as_of_us,
        coalesce(
            ends_ranked.end_place is not null
            and (journeys.timeout_us is null or end_moments.occurred_us <= candidates.occurred_us + journeys.timeout_us),
            false
        ) as is_ended_by_mark,
        case
            when {{ hash_share("candidates.journey || '|' || candidates.person_id") }} < journeys.holdout_share then 'holdout'
            when barred_ranked.name is not null then barred_ranked.name
            when
                journeys.required_endpoint is not null
                and (first_endpoints.first_seen_at is null or first_endpoints.first_seen_at > candidates.occurred_at)
                then 'missing_endpoint'
        end as exclusion_reason

    from candidates
    inner join journeys on candidates.journey = journeys.journey and candidates.version = journeys.version
    cross join as_of
    left join has_goal on candidates.journey = has_goal.journey and candidates.version = has_goal.version
    left join ends_ranked
        on
            candidates.person_id = ends_ranked.person_id
            and candidates.journey = ends_ranked.journey
            and candidates.version = ends_ranked.version
            and candidates.place = ends_ranked.place
            and ends_ranked.end_rank = 1
    left join moments as end_moments
        on
            ends_ranked.person_id = end_moments.person_id
            and ends_ranked.journey = end_moments.journey
            and ends_ranked.end_place = end_moments.place
    left join next_places
        on
            candidates.person_id = next_places.person_id
            and candidates.journey = next_places.journey
            and candidates.version = next_places.version
            and candidates.place = next_places.place
            and next_places.role = 'candidate'
    left join moments as goal_moments
        on
            next_places.person_id = goal_moments.person_id
            and next_places.journey = goal_moments.journey
            and next_places.goal_place = goal_moments.place
    left join barred_ranked
        on
            candidates.person_id = barred_ranked.person_id
            and candidates.journey = barred_ranked.journey
            and candidates.version = barred_ranked.version
            and candidates.place = barred_ranked.place
            and barred_ranked.bar_rank = 1
    left join first_endpoints
        on
            candidates.person_id = first_endpoints.person_id
            and journeys.required_endpoint = first_endpoints.identifier_class

),

journey_candidates as (

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

select * from journey_candidates
