with

trips as (

    select
        *,
        lag(exited_at) over journey_in_order as previous_exited_at,
        lag(is_active) over journey_in_order as previous_is_active,
        lag(participation_number) over journey_in_order as previous_number

    from {{ ref('fct_journey_participations') }}
    window journey_in_order as (
        partition by person_id, journey
        order by participation_number
    )

)

select *
from trips
where
    participation_number <> coalesce(previous_number, 0) + 1
    or previous_is_active
    or entered_at < previous_exited_at
    or exited_at < entered_at
