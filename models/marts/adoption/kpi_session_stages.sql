{%- set stages = ['acquisition', 'activation', 'adoption'] -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

activations as (

    select
        person_id,
        min(started_at) as activated_at

    from {{ ref('fct_stage_periods') }}
    where stage = 'activation'
    group by person_id

),

cohort as (

    select
        activations.person_id,
        activations.activated_at,
        {{ period_start('month', local_date('activations.activated_at')) }} as cohort_month_date,
        persons.habit_formed_at,
        {{ add_seconds('activations.activated_at', 60 * 86400) }} <= as_of.as_of_at as is_followed

    from activations
    inner join {{ ref('dim_persons') }} as persons on activations.person_id = persons.person_id
    cross join as_of
    where activations.activated_at <= as_of.as_of_at

),

time_in_stages as (

    select
        cohort.cohort_month_date,
        stage_periods.stage,
        sum({{ elapsed_seconds(
            'stage_periods.started_at', 'least(coalesce(stage_periods.ended_at, as_of.as_of_at), as_of.as_of_at)'
        ) }}) as stage_seconds

    from cohort
    inner join {{ ref('fct_stage_periods') }} as stage_periods on cohort.person_id = stage_periods.person_id
    cross join as_of
    where stage_periods.started_at <= as_of.as_of_at
    group by cohort.cohort_month_date, stage_periods.stage

),

sessions_in_stages as (

    select
        cohort.cohort_month_date,
        stage_periods.stage,
        count(*) as session_count

    from cohort
    inner join {{ ref('fct_sessions') }} as sessions on cohort.person_id = sessions.person_id
    {{ join_stage_at('sessions.person_id', 'sessions.started_at') }}
    cross join as_of
    where sessions.started_at <= as_of.as_of_at
    group by cohort.cohort_month_date, stage_periods.stage

),

measured as (

    select
        cohorts.cohort_month_date,
        cohorts.person_count
        {%- for stage in stages %},
        coalesce(max(
            case when sessions_in_stages.stage = '{{ stage }}' then sessions_in_stages.session_count end
        ), 0) as {{ stage }}_session_count,
        coalesce(max(
            case when time_in_stages.stage = '{{ stage }}' then time_in_stages.stage_seconds end
        ), 0) / 604800e0 as {{ stage }}_weeks
        {%- endfor %}

    from (
        select
            cohort_month_date,
            count(*) as person_count

        from cohort
        group by cohort_month_date
    ) as cohorts
    left join time_in_stages on cohorts.cohort_month_date = time_in_stages.cohort_month_date
    left join sessions_in_stages
        on
            cohorts.cohort_month_date = sessions_in_stages.cohort_month_date
            and time_in_stages.stage = sessions_in_stages.stage
    group by cohorts.cohort_month_date, cohorts.person_count

),

-- do the sessions of the first seven days foretell a habit within sixty?
early as (

    select
        cohort.cohort_month_date,
        cohort.person_id,
        coalesce(
            cohort.habit_formed_at >= cohort.activated_at
            and cohort.habit_formed_at <= {{ add_seconds('cohort.activated_at', 60 * 86400) }},
            false
        ) as has_adopted,
        count(sessions.session_id) as early_session_count

    from cohort
    left join {{ ref('fct_sessions') }} as sessions
        on
            cohort.person_id = sessions.person_id
            and cohort.activated_at <= sessions.ended_at
            and sessions.started_at < {{ add_seconds('cohort.activated_at', 7 * 86400) }}
    where cohort.is_followed
    group by cohort.cohort_month_date, cohort.person_id, cohort.habit_formed_at, cohort.activated_at

),

areas as (

    {{ auc('early', ['cohort_month_date'], 'early_session_count', 'has_adopted') | indent(4) }}

),

thresholds as (

    {{ best_threshold('early', ['cohort_month_date'], 'early_session_count', 'has_adopted') | indent(4) }}

),

kpi_session_stages as (

    select
        {{ key_of(['measured.cohort_month_date']) }} as session_stage_id,
        measured.cohort_month_date,
        cast(measured.person_count as bigint) as person_count,
        {%- for stage in stages %}
        cast(measured.{{ stage }}_session_count as bigint) as {{ stage }}_session_count,
        cast(measured.{{ stage }}_weeks as double) as {{ stage }}_weeks,
        cast(measured.{{ stage }}_session_count as double)
        / nullif(cast(measured.{{ stage }}_weeks as double), 0) as {{ stage }}_sessions_per_week,
        {%- endfor %}
        (cast(measured.adoption_session_count as double) / nullif(cast(measured.adoption_weeks as double), 0))
        / nullif(cast(measured.acquisition_session_count as double) / nullif(cast(measured.acquisition_weeks as double), 0), 0)
            as adoption_to_acquisition_ratio,
        (cast(measured.adoption_session_count as double) / nullif(cast(measured.adoption_weeks as double), 0))
        / nullif(cast(measured.activation_session_count as double) / nullif(cast(measured.activation_weeks as double), 0), 0)
            as adoption_to_activation_ratio,
        cast(coalesce(areas.positives, 0) as bigint) as adopted_60d_count,
        cast(coalesce(areas.negatives, 0) as bigint) as not_adopted_60d_count,
        areas.auc,
        cast(thresholds.threshold as bigint) as best_threshold_count,
        thresholds.precision as best_threshold_precision,
        thresholds.recall as best_threshold_recall,
        {{ window_is_over(next_month('measured.cohort_month_date'), 60) }} as is_mature,
        false as is_causal

    from measured
    left join areas on measured.cohort_month_date = areas.cohort_month_date
    left join thresholds on measured.cohort_month_date = thresholds.cohort_month_date
    cross join as_of

)

select * from kpi_session_stages
