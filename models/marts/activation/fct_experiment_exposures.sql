with

exposures as (

    select
        event_id,
        person_id,
        occurred_at,
        event_priority,
        {{ json_text('properties', 'experiment') }} as experiment,
        {{ json_text('properties', 'variant') }} as variant

    from {{ ref('int_events_identified') }}
    where event_name = 'experiment_viewed'

),

exposures_in_order as (

    select
        *,
        row_number() over (
            partition by person_id, experiment
            order by occurred_at, event_priority, event_id
        ) as exposure_number

    from exposures
    where experiment is not null and variant is not null

),

fct_experiment_exposures as (

    select
        {{ key_of(['person_id', 'experiment']) }} as person_experiment_id,
        person_id,
        experiment,
        max(case when exposure_number = 1 then variant end) as variant,
        min(occurred_at) as first_exposed_at,
        cast(count(*) as bigint) as exposure_count,
        cast(count(distinct variant) as bigint) as variant_count

    from exposures_in_order
    group by person_id, experiment

)

select * from fct_experiment_exposures
