with

stays as (

    select
        person_id,
        started_at,
        ended_at,
        lead(started_at) over (
            partition by person_id
            order by stay_number
        ) as next_started_at

    from {{ ref('fct_stage_periods') }}

)

select *
from stays
where
    ended_at < started_at
    or next_started_at < ended_at
    or (ended_at is null and next_started_at is not null)
