-- One known person's road: each stay in a stage, each touch and each conversion, in order. Takes the person with the most active days;
-- put another person_id in his place, or find one by an identifier in bridge_person_identifiers.
with

chosen as (

    select days.person_id
    from {{ ref('fct_person_days') }} as days
    inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id
    where persons.is_known
    group by days.person_id
    order by count(*) desc, days.person_id asc
    limit 1

),

road as (

    select
        person_id,
        started_at as happened_at,
        'stage' as kind,
        stage || ' (' || entry_reason || ')' as what
    from {{ ref('fct_stage_periods') }}

    union all

    select
        person_id,
        occurred_at as happened_at,
        'touch' as kind,
        touchpoint_type || ' by ' || channel_group as what
    from {{ ref('fct_touchpoints') }}

    union all

    select
        person_id,
        occurred_at as happened_at,
        'conversion' as kind,
        goal as what
    from {{ ref('fct_conversions') }}

)

select
    road.happened_at,
    road.kind,
    road.what

from road
inner join chosen on road.person_id = chosen.person_id
order by road.happened_at, road.kind, road.what
