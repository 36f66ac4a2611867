with

candidates as (

    select * from {{ ref('int_journey_prospects') }}

),

admitted as (

    select
        candidates.*,
        case when taken.place is not null then 1 else 0 end as is_admitted

    from candidates
    left join {{ ref('int_journey_admissions') }} as taken
        on
            candidates.person_id = taken.person_id
            and candidates.journey = taken.journey
            and candidates.place = taken.place

),

with_last as (

    select
        *,
        sum(is_admitted) over so_far as participation_number,
        max(case when is_admitted = 1 then place end) over so_far as last_admitted_place

    from admitted
    window so_far as (
        partition by person_id, journey
        order by place
        rows between unbounded preceding and current row
    )

),

journey_entries as (

    select
        entries.person_id,
        entries.journey,
        entries.version,
        entries.mark_id,
        entries.place,
        entries.occurred_at,
        entries.occurred_us,
        entries.entry_name,
        entries.entry_trigger,
        entries.entry_event_id,
        entries.entry_channel,
        entries.timeout_at,
        entries.exit_type,
        entries.exit_name,
        entries.end_place,
        entries.end_us,
        entries.goal_met_at,
        entries.is_goal_met,
        entries.is_goal_mature,
        entries.is_admitted = 1 as is_admitted,
        case when entries.is_admitted = 1 then cast(entries.participation_number as bigint) end as participation_number,
        case
            when entries.is_admitted = 1 then null
            when entries.exclusion_reason is not null then entries.exclusion_reason
            when last_admitted.end_us is null then 'already_in'
            when last_admitted.end_place is not null and entries.place < last_admitted.end_place then 'already_in'
            when last_admitted.end_place is null and entries.occurred_us <= last_admitted.end_us then 'already_in'
            when entries.participation_number >= entries.cap then 'reentry_cap'
            else 'reentry_pause'
        end as exclusion_reason

    from with_last as entries
    left join admitted as last_admitted
        on
            entries.person_id = last_admitted.person_id
            and entries.journey = last_admitted.journey
            and entries.last_admitted_place = last_admitted.place

)

select * from journey_entries
