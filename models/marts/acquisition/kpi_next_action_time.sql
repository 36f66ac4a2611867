with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

-- touches and conversions in one line; a conversion is what decides
actions as (

    select
        person_id,
        touchpoint_id as action_id,
        touchpoint_type,
        direction,
        occurred_at,
        0 as is_decisive

    from {{ ref('fct_touchpoints') }}

    union all

    select
        person_id,
        conversion_id as action_id,
        cast(null as {{ dbt.type_string() }}) as touchpoint_type,
        'inbound' as direction,
        occurred_at,
        1 as is_decisive

    from {{ ref('fct_conversions') }}

),

-- what the company does to somebody is no action of his; what happens at the same moment does not follow
moments as (

    select
        person_id,
        occurred_at,
        {{ epoch_us('occurred_at') }} as occurred_us,
        max(case when direction = 'inbound' then 1 else 0 end) as is_action,
        max(is_decisive) as is_decisive

    from actions
    group by person_id, occurred_at

),

followed_moments as (

    select
        person_id,
        occurred_at,
        min(case when is_action = 1 then occurred_us end) over later as next_action_us,
        min(case when is_decisive = 1 then occurred_us end) over later as next_decisive_us

    from moments
    window later as (
        partition by person_id
        order by occurred_us
        rows between 1 following and unbounded following
    )

),

touches as (

    select
        actions.touchpoint_type,
        {{ period_start('week', local_date('actions.occurred_at')) }} as week_start_date,
        actions.person_id,
        (followed_moments.next_action_us - {{ epoch_us('actions.occurred_at') }}) / 1e6 as seconds_to_action,
        (followed_moments.next_decisive_us - {{ epoch_us('actions.occurred_at') }}) / 1e6 as seconds_to_decisive,
        {{ add_seconds('actions.occurred_at', 7 * 86400) }} <= as_of.as_of_at as is_followed

    from actions
    inner join followed_moments
        on
            actions.person_id = followed_moments.person_id
            and actions.occurred_at = followed_moments.occurred_at
    cross join as_of
    where actions.touchpoint_type is not null

),

counted as (

    select
        touches.touchpoint_type,
        touches.week_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as touch_count,
        sum(case when touches.is_followed or touches.seconds_to_action <= 604800 then 1 else 0 end) as observed_count,
        sum(case when touches.seconds_to_action <= 604800 then 1 else 0 end) as acted_7d_count,
        sum(case when touches.is_followed or touches.seconds_to_action <= 604800 then 0 else 1 end) as censored_count,
        percentile_cont(0.5) within group (
            order by case when touches.seconds_to_action <= 604800 then floor(touches.seconds_to_action) end
        ) as seconds_to_next_action_p50,
        percentile_cont(0.9) within group (
            order by case when touches.seconds_to_action <= 604800 then floor(touches.seconds_to_action) end
        ) as seconds_to_next_action_p90,
        percentile_cont(0.5) within group (
            order by floor(touches.seconds_to_decisive)
        ) as seconds_to_decisive_action_p50,
        percentile_cont(0.9) within group (
            order by floor(touches.seconds_to_decisive)
        ) as seconds_to_decisive_action_p90

    from touches
    {{ join_segments('touches.person_id') }}
    group by touches.touchpoint_type, touches.week_start_date, segments.segment_type, segments.segment_value

),

kpi_next_action_time as (

    select
        {{ key_of([
            'counted.touchpoint_type', 'counted.week_start_date', 'counted.segment_type', 'counted.segment_value'
        ]) }} as next_action_time_id,
        counted.touchpoint_type,
        counted.week_start_date,
        counted.segment_type,
        counted.segment_value,
        cast(counted.touch_count as bigint) as touch_count,
        {{ rate_columns('next_action_7d', 'counted.acted_7d_count', 'counted.observed_count') }},
        cast(counted.censored_count as bigint) as censored_count,
        cast(counted.seconds_to_next_action_p50 as double) as seconds_to_next_action_p50,
        cast(counted.seconds_to_next_action_p90 as double) as seconds_to_next_action_p90,
        cast(counted.seconds_to_decisive_action_p50 as double) as seconds_to_decisive_action_p50,
        cast(counted.seconds_to_decisive_action_p90 as double) as seconds_to_decisive_action_p90,
        {{ window_is_over(add_days('counted.week_start_date', 7), 7) }} as is_mature

    from counted
    cross join as_of

)

select * from kpi_next_action_time
