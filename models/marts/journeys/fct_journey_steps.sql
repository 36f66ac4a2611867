with

as_of as (

    select * from {{ ref('int_as_of') }}

),

participations as (

    select
        *,
        {{ key_of(['journey', 'person_id', 'mark_id']) }} as participation_id,
        lag(end_place) over (
            partition by person_id, journey
            order by place
        ) as previous_end_place

    from {{ ref('int_journey_entries') }}
    where is_admitted

),

steps as (

    select
        journey,
        cast(version as bigint) as version,
        step,
        cast(step_number as bigint) as step_number,
        coalesce(cast(is_required as boolean), false) as is_required,
        {{ days_in_us('expected_days') }} as expected_us

    from {{ ref('journey_steps') }}

),

edges as (

    select distinct
        journey,
        cast(version as bigint) as version,
        coalesce(from_step, '') as from_step,
        to_step

    from {{ ref('journey_rules') }}
    where rule = 'edge'

),

versions_with_edges as (

    select distinct
        journey,
        version

    from edges

),

step_marks as (

    select
        person_id,
        journey,
        version,
        mark_id,
        place,
        name as step,
        step_number,
        occurred_at,
        channel

    from {{ ref('int_journey_marks') }}
    where role = 'step'

),

-- each mark falls to the participation that began last ...
marks_with_entry as (

    select
        *,
        max(case when is_entry = 1 then place end) over (
            partition by person_id, journey
            order by place
            range between unbounded preceding and current row
        ) as entry_place

    from (
        select person_id, journey, version, mark_id, place, step, step_number, occurred_at, channel, 0 as is_entry
        from step_marks

        union all

        select
            person_id,
            journey,
            version,
            mark_id,
            place,
            cast(null as {{ dbt.type_string() }}) as step,
            cast(null as bigint) as step_number,
            occurred_at,
            cast(null as {{ dbt.type_string() }}) as channel,
            1 as is_entry
        from participations
    ) as points

),

visits as (

    select
        participations.participation_id,
        participations.journey,
        participations.version,
        participations.person_id,
        participations.occurred_at as started_at,
        participations.entry_channel,
        participations.exit_type,
        participations.end_us,
        marks.mark_id,
        marks.place,
        marks.step,
        marks.step_number,
        marks.occurred_at as entered_at,
        marks.channel

    from marks_with_entry as marks
    inner join participations
        on
            marks.person_id = participations.person_id
            and marks.journey = participations.journey
            and marks.version = participations.version
            and marks.entry_place = participations.place
    where
        marks.is_entry = 0
        and (participations.end_place is null or marks.place <= participations.end_place)
        and (participations.end_us is null or {{ epoch_us('marks.occurred_at') }} <= participations.end_us)

    union all

    -- ... and one that ends a participation and begins the next falls to both
    select
        earlier.participation_id,
        earlier.journey,
        earlier.version,
        earlier.person_id,
        earlier.occurred_at as started_at,
        earlier.entry_channel,
        earlier.exit_type,
        earlier.end_us,
        marks.mark_id,
        marks.place,
        marks.step,
        marks.step_number,
        marks.occurred_at as entered_at,
        marks.channel

    from step_marks as marks
    inner join participations as later
        on
            marks.person_id = later.person_id
            and marks.journey = later.journey
            and marks.place = later.place
            and marks.place = later.previous_end_place
    inner join participations as earlier
        on
            later.person_id = earlier.person_id
            and later.journey = earlier.journey
            and later.participation_number = earlier.participation_number + 1
            and marks.version = earlier.version

),

in_order as (

    select
        visits.*,
        steps.is_required,
        steps.expected_us,
        cast(row_number() over participation_in_order as bigint) as visit_number,
        lag(visits.step) over participation_in_order as previous_step,
        lag(visits.step_number) over participation_in_order as previous_step_number,
        lead(visits.step) over participation_in_order as next_step,
        lead(visits.entered_at) over participation_in_order as next_entered_at,
        row_number() over (
            partition by visits.participation_id, visits.step
            order by visits.place, visits.step_number
        ) as visit_of_step_number,
        count(*) over (partition by visits.participation_id) as visit_count

    from visits
    inner join steps
        on
            visits.journey = steps.journey
            and visits.version = steps.version
            and visits.step = steps.step
    window participation_in_order as (
        partition by visits.participation_id
        order by visits.place, visits.step_number
    )

),

with_history as (

    select
        *,
        coalesce({{ last_not_null('channel') }} over before_it, entry_channel) as previous_channel,
        coalesce(max(step_number) over before_it, 0) as furthest_before,
        max(case when next_step <> step then visit_number end) over (partition by participation_id) as last_moving_visit

    from in_order
    window before_it as (
        partition by participation_id
        order by visit_number
        rows between unbounded preceding and 1 preceding
    )

),

-- declared steps between the furthest step before and this one
skipped as (

    select
        with_history.participation_id,
        with_history.visit_number,
        count(*) as skipped_count

    from with_history
    inner join steps
        on
            with_history.journey = steps.journey
            and with_history.version = steps.version
            and with_history.step_number > steps.step_number
            and steps.step_number > with_history.furthest_before
    group by with_history.participation_id, with_history.visit_number

),

required_between as (

    select
        with_history.participation_id,
        with_history.visit_number,
        count(*) as required_count

    from with_history
    inner join steps
        on
            with_history.journey = steps.journey
            and with_history.version = steps.version
            and with_history.step_number > steps.step_number
            and steps.step_number > coalesce(with_history.previous_step_number, 0)
    where steps.is_required
    group by with_history.participation_id, with_history.visit_number

),

friction as (

    select
        with_history.participation_id,
        with_history.visit_number,
        count(*) as friction_count

    from with_history
    inner join {{ ref('fct_friction_signals') }} as signals on with_history.person_id = signals.person_id
    cross join as_of
    where
        signals.occurred_at >= with_history.entered_at
        and (
            signals.occurred_at < coalesce(with_history.next_entered_at, {{ from_epoch_us('with_history.end_us') }})
            or (with_history.next_entered_at is null and with_history.end_us is null and signals.occurred_at <= as_of.as_of_at)
        )
    group by with_history.participation_id, with_history.visit_number

),

fct_journey_steps as (

    select
        {{ key_of(['visits.participation_id', 'visits.mark_id', 'visits.step']) }} as journey_step_id,
        visits.participation_id,
        visits.journey,
        visits.version,
        visits.person_id,
        visits.visit_number,
        visits.step,
        visits.step_number,
        visits.entered_at,
        coalesce(visits.next_entered_at, {{ from_epoch_us('visits.end_us') }}) as left_at,
        {{ elapsed_seconds('visits.entered_at', 'coalesce(visits.next_entered_at, ' ~ from_epoch_us('visits.end_us') ~ ')') }} as seconds_in_step,
        visits.channel,
        visits.previous_channel,
        coalesce(visits.channel <> visits.previous_channel, false) as is_channel_switch,
        visits.previous_step,
        visits.next_step,
        visits.visit_of_step_number > 1 as is_repeat,
        coalesce(visits.step_number < visits.previous_step_number, false) as is_backtrack,
        case
            when versions_with_edges.journey is not null then edges.to_step is not null
            else
                visits.step_number > coalesce(visits.previous_step_number, 0)
                and required_between.required_count is null
        end as is_expected,
        cast(coalesce(skipped.skipped_count, 0) as bigint) as skipped_count,
        {{ epoch_us('coalesce(visits.next_entered_at, ' ~ from_epoch_us('visits.end_us') ~ ', as_of.as_of_at)') }} - {{ epoch_us('visits.entered_at') }}
        > visits.expected_us as is_overdue,
        cast(coalesce(friction.friction_count, 0) as bigint) as friction_count,
        coalesce(visits.exit_type = 'completed', false) or coalesce(visits.visit_number <= visits.last_moving_visit, false) as moved_on,
        visits.visit_number = visits.visit_count as is_last

    from with_history as visits
    cross join as_of
    left join skipped on visits.participation_id = skipped.participation_id and visits.visit_number = skipped.visit_number
    left join required_between
        on visits.participation_id = required_between.participation_id and visits.visit_number = required_between.visit_number
    left join friction on visits.participation_id = friction.participation_id and visits.visit_number = friction.visit_number
    left join versions_with_edges on visits.journey = versions_with_edges.journey and visits.version = versions_with_edges.version
    left join edges
        on
            visits.journey = edges.journey
            and visits.version = edges.version
            and coalesce(visits.previous_step, '') = edges.from_step
            and visits.step = edges.to_step

)

select * from fct_journey_steps
