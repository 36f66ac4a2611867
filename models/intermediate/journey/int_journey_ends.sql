with

marks as (

    select
        *,
        {{ epoch_us('occurred_at') }} as occurred_us

    from {{ ref('int_journey_marks') }}

),

candidates as (

    select * from {{ ref('int_journey_candidates') }}

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

journey_ends as (

    select
        candidates.person_id,
        candidates.journey,
        candidates.version,
        candidates.place,
        ends_ranked.end_place,
        ends_ranked.role as end_role,
        ends_ranked.name as end_name,
        end_moments.occurred_us as end_us,
        goal_moments.occurred_us as goal_us

    from candidates
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

)

select * from journey_ends
