with

definitions as (
{{ retention_definitions() }}
),

points as (
{{ retention_points('start') }}
),

first_points as (

    select
        definition,
        person_id,
        min(occurred_at) as started_at

    from points
    group by definition, person_id

),

fct_retention_starts as (

    select
        {{ key_of(['first_points.definition', 'first_points.person_id']) }} as retention_start_id,
        first_points.definition,
        first_points.person_id,
        first_points.started_at,
        case definitions.unit
            when 'day' then {{ local_date('first_points.started_at') }}
            when 'week' then {{ period_start('week', local_date('first_points.started_at')) }}
            else {{ period_start('month', local_date('first_points.started_at')) }}
        end as cohort_start_date

    from first_points
    inner join definitions on first_points.definition = definitions.definition

)

select * from fct_retention_starts
