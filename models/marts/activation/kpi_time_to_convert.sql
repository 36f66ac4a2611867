{%- set windows = [1, 7, 14, 30, 90] -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

persons as (

    select * from {{ ref('dim_persons') }}

),

anchors as (

    select
        person_id,
        anchor,
        anchor_at,
        {{ period_start('week', local_date('anchor_at')) }} as cohort_week_date

    from (
        select person_id, 'first_touch' as anchor, first_session_at as anchor_at from persons
        union all
        select person_id, 'signup' as anchor, signed_up_at as anchor_at from persons
        union all
        select person_id, 'trial' as anchor, trial_started_at as anchor_at from persons
    ) as moments
    where anchor_at is not null

),

goals as (

    select distinct goal from {{ ref('goals') }}

),

first_conversions as (

    select
        anchors.person_id,
        anchors.anchor,
        conversions.goal,
        min(conversions.occurred_at) as converted_at

    from anchors
    inner join {{ ref('fct_conversions') }} as conversions on anchors.person_id = conversions.person_id
    where conversions.occurred_at >= anchors.anchor_at
    group by anchors.person_id, anchors.anchor, conversions.goal

),

-- everybody with an anchor is followed until he converts or as_of cuts the view
persons_followed as (

    select
        goals.goal,
        anchors.person_id,
        anchors.anchor,
        anchors.cohort_week_date,
        case
            when first_conversions.converted_at is not null
                then {{ elapsed_seconds('anchors.anchor_at', 'first_conversions.converted_at') }}
        end as seconds_to_convert,
        greatest(
            0, {{ elapsed_seconds('anchors.anchor_at', 'coalesce(first_conversions.converted_at, as_of.as_of_at)') }}
        ) as followed_seconds

    from anchors
    cross join goals
    cross join as_of
    left join first_conversions
        on
            anchors.person_id = first_conversions.person_id
            and anchors.anchor = first_conversions.anchor
            and goals.goal = first_conversions.goal
    where not (anchors.anchor = 'signup' and goals.goal = 'signup') and not (anchors.anchor = 'trial' and goals.goal in ('signup', 'trial'))

),

followed as (

    select
        persons_followed.goal,
        persons_followed.anchor,
        persons_followed.cohort_week_date,
        segments.segment_type,
        segments.segment_value,
        persons_followed.seconds_to_convert,
        persons_followed.followed_seconds,
        persons_followed.seconds_to_convert is not null as has_converted

    from persons_followed
    inner join {{ ref('bridge_person_segments') }} as segments on persons_followed.person_id = segments.person_id

),

{%- set cohort = ['goal', 'anchor', 'cohort_week_date', 'segment_type', 'segment_value'] %}

counted as (

    select
        {{ cohort | join(', ') }},
        count(*) as cohort_count,
        {%- for days in windows %}
        sum(case when seconds_to_convert <= {{ days * 86400 }} then 1 else 0 end) as converted_{{ days }}d_count,
        {%- endfor %}
        sum(case when has_converted then 1 else 0 end) as converted_count,
        percentile_cont(0.5) within group (order by seconds_to_convert) as seconds_to_convert_p50,
        percentile_cont(0.9) within group (order by seconds_to_convert) as seconds_to_convert_p90

    from followed
    group by {{ cohort | join(', ') }}

),

-- people not yet converted are censored, not dropped
medians as (

    {{ kaplan_meier_median('followed', cohort, 'followed_seconds', 'has_converted', name='seconds_to_convert_median') | indent(4) }}

),

kpi_time_to_convert as (

    select
        {{ key_of([
            'counted.goal', 'counted.anchor', 'counted.cohort_week_date', 'counted.segment_type', 'counted.segment_value'
        ]) }} as time_to_convert_id,
        counted.goal,
        counted.anchor,
        counted.cohort_week_date,
        counted.segment_type,
        counted.segment_value,
        cast(counted.cohort_count as bigint) as cohort_count,
        cast(counted.converted_count as bigint) as converted_count
        {%- for days in windows %},
        {{ rate_columns('converted_' ~ days ~ 'd', 'counted.converted_' ~ days ~ 'd_count', 'counted.cohort_count') }},
        {{ window_is_over(add_days('counted.cohort_week_date', 7), days) }} as converted_{{ days }}d_is_mature
        {%- endfor %},
        cast(counted.seconds_to_convert_p50 as double) as seconds_to_convert_p50,
        cast(counted.seconds_to_convert_p90 as double) as seconds_to_convert_p90,
        cast(medians.seconds_to_convert_median as bigint) as seconds_to_convert_km_median

    from counted
    inner join medians
        on
            {%- for column in cohort %}
            {{ 'and ' if not loop.first }}counted.{{ column }} = medians.{{ column }}
            {%- endfor %}
    cross join as_of

)

select * from kpi_time_to_convert
