{%- set lookback = var('attribution_lookback_days') | int * 86400 %}
-- a visit in the channel it came by is what is credited: what somebody does within a visit came by the same channel
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

visits as (

    select
        touchpoint_id,
        person_id,
        session_id,
        occurred_at as touched_at,
        touch_number,
        channel_group,
        source,
        medium,
        campaign

    from {{ ref('fct_touchpoints') }}
    where touchpoint_type = 'session'

),

conversions as (

    select
        conversions.conversion_id,
        conversions.goal,
        conversions.person_id,
        conversions.occurred_at as converted_at,
        conversions.occurred_date as converted_date,
        conversions.amount

    from {{ ref('fct_conversions') }} as conversions
    cross join as_of
    where conversions.occurred_at <= as_of.as_of_at

),

touches as (

    select
        conversions.conversion_id,
        conversions.goal,
        conversions.person_id,
        conversions.converted_at,
        conversions.converted_date,
        conversions.amount,
        visits.touchpoint_id,
        visits.touched_at,
        visits.touch_number as person_touch_number,
        visits.channel_group,
        visits.source,
        visits.medium,
        visits.campaign

    from conversions
    inner join visits
        on
            conversions.person_id = visits.person_id
            and conversions.converted_at >= visits.touched_at
            and visits.touched_at >= {{ add_seconds('conversions.converted_at', -lookback) }}

),

{%- set policy = var('attribution_direct') %}

-- a visit that came directly may be one that nothing led to, or one whose way is not known
counting as (

    select
        *,
        max(case when channel_group <> 'Direct' then 1 else 0 end) over (partition by conversion_id) as has_other

    from touches

),

fct_attribution_touches as (

    select
        {{ key_of(['conversion_id', 'touchpoint_id']) }} as attribution_touch_id,
        conversion_id,
        goal,
        person_id,
        converted_at,
        converted_date,
        amount,
        touchpoint_id,
        touched_at,
        channel_group,
        source,
        medium,
        campaign,
        cast(row_number() over conversion_in_order as bigint) as touch_number,
        cast(count(*) over (partition by conversion_id) as bigint) as touch_count

    from counting
    {%- if policy == 'when_alone' %}
    where channel_group <> 'Direct' or has_other = 0
    {%- endif %}
    window conversion_in_order as (
        partition by conversion_id
        order by person_touch_number
    )

)

select * from fct_attribution_touches
