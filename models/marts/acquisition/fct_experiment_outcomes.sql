with

windows as (

    select
        experiment,
        max(cast(window_days as integer)) as window_days

    from {{ ref('experiments') }}
    group by experiment

),

-- whoever saw two variants is in none
subjects as (

    select
        exposures.person_id,
        exposures.experiment,
        exposures.variant,
        exposures.first_exposed_at,
        {{ add_seconds('exposures.first_exposed_at', 'windows.window_days * 86400') }} as window_ends_at

    from {{ ref('fct_experiment_exposures') }} as exposures
    inner join windows on exposures.experiment = windows.experiment
    where exposures.variant_count = 1

),

outcomes as (

    select
        subjects.person_id,
        subjects.experiment,
        subjects.variant,
        conversions.goal as metric,
        min(conversions.occurred_at) as first_occurred_at,
        cast(null as decimal(18, 4)) as amount

    from subjects
    inner join {{ ref('fct_conversions') }} as conversions
        on
            subjects.person_id = conversions.person_id
            and subjects.first_exposed_at <= conversions.occurred_at
            and subjects.window_ends_at >= conversions.occurred_at
    group by subjects.person_id, subjects.experiment, subjects.variant, conversions.goal

    union all

    select
        subjects.person_id,
        subjects.experiment,
        subjects.variant,
        'revenue' as metric,
        min(revenue.occurred_at) as first_occurred_at,
        cast(sum(revenue.amount) as decimal(18, 4)) as amount

    from subjects
    inner join {{ ref('fct_revenue') }} as revenue
        on
            subjects.person_id = revenue.person_id
            and subjects.first_exposed_at <= revenue.occurred_at
            and subjects.window_ends_at >= revenue.occurred_at
    group by subjects.person_id, subjects.experiment, subjects.variant

),

fct_experiment_outcomes as (

    select
        {{ key_of(['person_id', 'experiment', 'metric']) }} as experiment_outcome_id,
        person_id,
        experiment,
        variant,
        metric,
        first_occurred_at,
        amount

    from outcomes

)

select * from fct_experiment_outcomes
