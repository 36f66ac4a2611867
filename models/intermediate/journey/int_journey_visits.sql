with

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
    window participation_in_order as (
        partition by visits.participation_id
        order by visits.place, visits.step_number
    )

),

journey_visits as (

    select
        *,
        coalesce({{ last_not_null('channel') }} over before_it, entry_channel) as previous_channel,
        coalesce(next_entered_at, {{ from_epoch_us('end_us') }}) as left_at,
        coalesce(max(step_number) over before_it, 0) as furthest_before,
        max(case when next_step <> step then visit_number end) over (partition by participation_id) as last_moving_visit

    from in_order
    window before_it as (
        partition by participation_id
        order by visit_number
        rows between unbounded preceding and 1 preceding
    )

)

select * from journey_visits
