-- Where do people who sign up and never activate get stuck? The last thing they did on the onboarding, how long they had been on the way,
-- and how many of them met trouble there.
with

trips as (

    select
        participations.participation_id,
        participations.version,
        coalesce(participations.last_step, '(nothing at all)') as last_step,
        participations.exit_type,
        participations.friction_count,
        participations.duration_seconds

    from {{ ref('fct_journey_participations') }} as participations
    inner join {{ ref('dim_persons') }} as persons on participations.person_id = persons.person_id
    where
        participations.journey = 'onboarding'
        and not participations.is_active
        and participations.exit_type <> 'completed'
        and persons.activated_at is null

),

last_visits as (

    select
        participation_id,
        entered_at,
        friction_count

    from {{ ref('fct_journey_steps') }}
    where is_last

),

counted as (

    select
        trips.version,
        trips.last_step,
        count(*) as trip_count,
        sum(case when last_visits.friction_count > 0 then 1 else 0 end) as troubled_count

    from trips
    left join last_visits on trips.participation_id = last_visits.participation_id
    group by trips.version, trips.last_step

)

select
    version,
    last_step,
    trip_count,
    sum(trip_count) over (partition by version) as stuck_count,
    cast(trip_count as double) / sum(trip_count) over (partition by version) as stuck_share,
    cast(troubled_count as double) / trip_count as troubled_share

from counted
order by version desc, trip_count desc, last_step asc
