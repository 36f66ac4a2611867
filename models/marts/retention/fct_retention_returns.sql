with

definitions as (
{{ retention_definitions() }}
),

points as (
{{ retention_points('return') }}
),

returns as (

    select
        starts.definition,
        starts.person_id,
        starts.cohort_start_date,
        points.occurred_at,
        case
            when definitions.mode = 'rolling'
                then cast(floor(
                    {{ elapsed_seconds('starts.started_at', 'points.occurred_at') }} / cast(definitions.unit_days * 86400 as double)
                ) as bigint)
            when definitions.unit = 'month'
                then {{ month_number(local_date('points.occurred_at')) }} - {{ month_number('starts.cohort_start_date') }}
            else cast(floor(
                {{ days_between('starts.cohort_start_date', local_date('points.occurred_at')) }} / cast(definitions.unit_days as double)
            ) as bigint)
        end as period_offset

    from {{ ref('fct_retention_starts') }} as starts
    inner join definitions on starts.definition = definitions.definition
    inner join points
        on
            starts.definition = points.definition
            and starts.person_id = points.person_id
            and starts.started_at <= points.occurred_at

),

fct_retention_returns as (

    select
        {{ key_of(['definition', 'person_id', 'period_offset']) }} as retention_return_id,
        definition,
        person_id,
        cohort_start_date,
        period_offset,
        min(occurred_at) as first_returned_at

    from returns
    group by definition, person_id, cohort_start_date, period_offset

)

select * from fct_retention_returns
