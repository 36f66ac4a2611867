with

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
        cast(valid_to as date) as valid_to

    from {{ ref('journeys') }}

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

journey_candidates as (

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

)

select * from journey_candidates
