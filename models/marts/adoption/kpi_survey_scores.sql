with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

responses as (

    select
        responses.*,
        {{ period_start('month', 'responses.asked_date') }} as month_start_date,
        coalesce(responses.stage, '(none)') as stage_when_asked

    from {{ ref('fct_survey_responses') }} as responses

),

responses_in_periods as (

    select
        responses.*,
        'month' as period_type,
        responses.month_start_date as period_start_date,
        cast(null as {{ dbt.type_string() }}) as wave_shown
    from responses

    union all

    select
        responses.*,
        'wave' as period_type,
        min(responses.month_start_date) over (partition by responses.survey, responses.wave) as period_start_date,
        responses.wave as wave_shown
    from responses
    where responses.wave is not null

),

responses_in_segments as (

    select
        responses_in_periods.*,
        segments.segment_type,
        segments.segment_value

    from responses_in_periods
    {{ join_segments('responses_in_periods.person_id') }}

    union all

    select
        responses_in_periods.*,
        'stage' as segment_type,
        responses_in_periods.stage_when_asked as segment_value

    from responses_in_periods

),

counted as (

    select
        survey,
        survey_type,
        period_type,
        period_start_date,
        wave_shown as wave,
        segment_type,
        segment_value,
        count(*) as invited_count,
        count(score) as response_count,
        {%- for group in ['promoter', 'passive', 'detractor', 'satisfied', 'easy'] %}
        sum(case when score_group = '{{ group }}' then 1 else 0 end) as {{ group }}_count,
        {%- endfor %}
        sum(score) as score_sum,
        max(asked_date) as last_asked_date

    from responses_in_segments
    group by survey, survey_type, period_type, period_start_date, wave_shown, segment_type, segment_value

),

counted_at_as_of as (

    select
        counted.*,
        -- more may be asked until the month is over; of a wave nobody says when it is
        {{ window_is_over(
            "case counted.period_type when 'month' then " ~ next_month('counted.period_start_date') ~ ' else ' ~ add_days('counted.last_asked_date', 1) ~ ' end', 30
        ) }} as is_mature

    from counted
    cross join as_of

),

kpi_survey_scores as (

    select
        {{ key_of([
            'survey', 'survey_type', 'period_type', 'period_start_date', 'wave', 'segment_type', 'segment_value'
        ]) }} as survey_score_id,
        survey,
        survey_type,
        period_type,
        period_start_date,
        wave,
        segment_type,
        segment_value,
        {{ rate_columns('response', 'response_count', 'invited_count') }},
        case when survey_type = 'nps' then cast(promoter_count as bigint) end as promoter_count,
        case when survey_type = 'nps' then cast(passive_count as bigint) end as passive_count,
        case when survey_type = 'nps' then cast(detractor_count as bigint) end as detractor_count,
        case when survey_type = 'nps' then {{ net_promoter_score('promoter_count', 'detractor_count', 'response_count') }} end as nps_score,
        case
            when survey_type = 'nps' then {{ net_promoter_bound('promoter_count', 'detractor_count', 'response_count', '-') }}
        end as nps_score_low,
        case
            when survey_type = 'nps' then {{ net_promoter_bound('promoter_count', 'detractor_count', 'response_count', '+') }}
        end as nps_score_high,
        {{ rate_columns(
            'satisfied', "case when survey_type = 'csat' then satisfied_count end", "case when survey_type = 'csat' then response_count end"
        ) }},
        {{ rate_columns(
            'easy', "case when survey_type = 'ces' then easy_count end", "case when survey_type = 'ces' then response_count end"
        ) }},
        cast(score_sum as double) / nullif(response_count, 0) as score_mean,
        is_mature

    from counted_at_as_of

)

select * from kpi_survey_scores
