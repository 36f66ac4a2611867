-- Who is let in hangs on who was let in before: somebody is on a journey once at a time, whatever its version.
with

turns as (

    select
        person_id,
        journey,
        place,
        occurred_us as at_us,
        -- whoever comes at these is after the participation and its pause
        case when end_us is not null then coalesce(end_place, 0) end as free_place,
        end_us + pause_us + case when end_place is null then 1 else 0 end as free_us,
        cap

    from {{ ref('int_journey_prospects') }}
    where exclusion_reason is null

),

journey_admissions as (

    {{ taken_in_turn('turns', ['person_id', 'journey']) | indent(4) }}

)

select * from journey_admissions
