with

marks as (

    select * from {{ ref('int_journey_marks') }}

),

candidates as (

    select * from {{ ref('int_journey_candidates') }}

),

-- of those who may be shut out by name, the rule that does it
barred as (

    select
        candidates.person_id,
        candidates.journey,
        candidates.version,
        candidates.place,
        marks.name,
        max(case when marks.role = 'exclusion' then marks.place end) as exclusion_place,
        max(case when marks.role = 'readmission' then marks.place end) as readmission_place

    from candidates
    inner join marks
        on
            candidates.person_id = marks.person_id
            and candidates.journey = marks.journey
            and candidates.version = marks.version
    where marks.role in ('exclusion', 'readmission') and marks.place <= candidates.place
    group by candidates.person_id, candidates.journey, candidates.version, candidates.place, marks.name

),

exclusion_rules as (

    select
        journey,
        cast(version as bigint) as version,
        name,
        min(rule_number) as rule_number

    from {{ ref('journey_rules') }}
    where rule = 'exclusion'
    group by journey, cast(version as bigint), name

),

barred_ranked as (

    select
        barred.*,
        row_number() over (
            partition by barred.person_id, barred.journey, barred.version, barred.place
            order by exclusion_rules.rule_number
        ) as bar_rank

    from barred
    inner join exclusion_rules
        on
            barred.journey = exclusion_rules.journey
            and barred.version = exclusion_rules.version
            and barred.name = exclusion_rules.name
    where barred.exclusion_place >= coalesce(barred.readmission_place, 0)

),

journey_bars as (

    select
        person_id,
        journey,
        version,
        place,
        name

    from barred_ranked
    where bar_rank = 1

)

select * from journey_bars
