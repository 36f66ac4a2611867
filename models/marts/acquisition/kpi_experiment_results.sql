with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

planned as (

    select
        experiment,
        variant,
        cast(is_control as boolean) as is_control,
        cast(expected_share as double) as expected_share,
        cast(window_days as integer) as window_days

    from {{ ref('experiments') }}

),

windows as (

    select
        experiment,
        max(window_days) as window_days

    from planned
    group by experiment

),

exposures as (

    select
        exposures.experiment,
        exposures.variant,
        exposures.variant_count,
        {{ add_seconds('exposures.first_exposed_at', 'windows.window_days * 86400') }} as window_ends_at

    from {{ ref('fct_experiment_exposures') }} as exposures
    inner join windows on exposures.experiment = windows.experiment

),

-- whoever saw two variants is in none
exclusions as (

    select
        experiment,
        sum(case when variant_count > 1 then 1 else 0 end) as excluded_count,
        max(window_ends_at) as last_window_ends_at

    from exposures
    group by experiment

),

metrics as (

    select distinct
        goal as metric,
        'proportion' as metric_type

    from {{ ref('goals') }}

    union all

    select
        'revenue' as metric,
        'mean' as metric_type

),

outcomes as (

    select
        experiment,
        variant,
        metric,
        count(*) as converted_count,
        -- decimals: sums of doubles hang in their last digit on the order of the rows
        sum(amount) as amount_sum,
        sum(cast(cast(amount as decimal(14, 4)) * cast(amount as decimal(14, 4)) as decimal(38, 8))) as amount_square_sum

    from {{ ref('fct_experiment_outcomes') }}
    group by experiment, variant, metric

),

sizes as (

    select
        experiment,
        variant,
        count(*) as exposed_count

    from exposures
    where variant_count = 1
    group by experiment, variant

),

arms as (

    select
        planned.experiment,
        planned.variant,
        planned.is_control,
        planned.expected_share,
        coalesce(sizes.exposed_count, 0) as exposed_count

    from planned
    left join sizes on planned.experiment = sizes.experiment and planned.variant = sizes.variant
    where planned.experiment in (select exclusions.experiment from exclusions)

),

ratio_tests as (

    {{ sample_ratio_mismatch('arms', ['experiment'], 'variant', 'exposed_count', 'expected_share') | indent(4) }}

),

measured as (

    select
        arms.experiment,
        arms.variant,
        arms.is_control,
        arms.exposed_count,
        metrics.metric,
        metrics.metric_type,
        case when metrics.metric_type = 'proportion' then coalesce(outcomes.converted_count, 0) end as converted_count,
        case
            when metrics.metric_type = 'mean'
                then cast(coalesce(outcomes.amount_sum, 0) as double) / nullif(arms.exposed_count, 0)
        end as mean_amount,
        case
            when metrics.metric_type = 'mean' and arms.exposed_count > 1
                then (
                    cast(coalesce(outcomes.amount_square_sum, 0) as double)
                    - cast(coalesce(outcomes.amount_sum, 0) as double)
                    * cast(coalesce(outcomes.amount_sum, 0) as double) / arms.exposed_count
                ) / (arms.exposed_count - 1)
        end as amount_variance

    from arms
    cross join metrics
    left join outcomes
        on
            arms.experiment = outcomes.experiment
            and arms.variant = outcomes.variant
            and metrics.metric = outcomes.metric

),

compared as (

    select
        measured.*,
        control.exposed_count as control_exposed_count,
        control.converted_count as control_converted_count,
        control.mean_amount as control_mean_amount,
        {{ two_proportion_z(
            'control.converted_count', 'control.exposed_count', 'measured.converted_count', 'measured.exposed_count'
        ) }} as z_statistic,
        {{ welch_t(
            'control.mean_amount', 'control.amount_variance', 'control.exposed_count',
            'measured.mean_amount', 'measured.amount_variance', 'measured.exposed_count'
        ) }} as t_statistic,
        {{ welch_df(
            'control.amount_variance', 'control.exposed_count', 'measured.amount_variance', 'measured.exposed_count'
        ) }} as degrees_of_freedom,
        {{ cohens_h(
            proportion('control.converted_count', 'control.exposed_count'), proportion('measured.converted_count', 'measured.exposed_count')
        ) }} as effect_size_h

    from measured
    left join measured as control
        on
            case when not measured.is_control then measured.experiment end = control.experiment
            and measured.metric = control.metric
            and control.is_control

),

tested as (

    select
        *,
        case metric_type
            when 'mean' then {{ student_t_two_sided('t_statistic', 'degrees_of_freedom') }}
            else {{ normal_sf_two_sided('z_statistic') }}
        end as p_value

    from compared

),

stepped as (

    select
        *,
        {{ benjamini_hochberg_step('p_value', ['experiment']) }} as p_step

    from tested

),

kpi_experiment_results as (

    select
        {{ key_of(['stepped.experiment', 'stepped.metric', 'stepped.variant']) }} as experiment_result_id,
        stepped.experiment,
        stepped.metric,
        stepped.metric_type,
        stepped.variant,
        stepped.is_control,
        cast(exclusions.excluded_count as bigint) as excluded_count,
        {{ rate_columns(
            'converted', 'stepped.converted_count', "case when stepped.metric_type = 'proportion' then stepped.exposed_count end"
        ) }},
        cast(stepped.exposed_count as bigint) as exposed_count,
        stepped.mean_amount,
        sqrt(abs(stepped.amount_variance)) as amount_standard_deviation,
        {{ lift_bounds(
            'stepped.control_converted_count', 'stepped.control_exposed_count', 'stepped.converted_count', 'stepped.exposed_count'
        ) }},
        stepped.mean_amount - stepped.control_mean_amount as mean_difference_amount,
        stepped.z_statistic,
        stepped.t_statistic,
        stepped.p_value,
        {{ benjamini_hochberg('stepped.p_step', 'stepped.p_value', ['stepped.experiment']) }} as adjusted_p_value,
        {{ two_proportion_power('stepped.effect_size_h', 'stepped.control_exposed_count', 'stepped.exposed_count') }} as power,
        {{ minimum_detectable_effect(
            proportion('stepped.control_converted_count', 'stepped.control_exposed_count'), 'stepped.control_exposed_count', 'stepped.exposed_count'
        ) }} as minimum_detectable_lift,
        ratio_tests.p_value as sample_ratio_p_value,
        coalesce(ratio_tests.p_value < 0.001, false) as has_sample_ratio_mismatch,
        true as is_causal,
        exclusions.last_window_ends_at <= as_of.as_of_at as is_mature

    from stepped
    inner join exclusions on stepped.experiment = exclusions.experiment
    inner join ratio_tests on stepped.experiment = ratio_tests.experiment
    cross join as_of

)

select * from kpi_experiment_results
