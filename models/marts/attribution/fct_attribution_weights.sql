{#- the channels are read while the statement is written: each is eliminated by a step of its own -#}
{%- set channels = [] %}
{%- if execute and load_relation(ref('fct_attribution_touches')) is not none %}
    {%- for row in run_query('select distinct channel_group from ' ~ ref('fct_touchpoints') ~ " where touchpoint_type = 'session' order by 1").rows %}
        {%- do channels.append(row[0]) %}
    {%- endfor %}
{%- endif -%}
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

touches as (

    select * from {{ ref('fct_attribution_touches') }}

),

goals as (

    select distinct conversions.goal
    from {{ ref('fct_conversions') }} as conversions
    cross join as_of
    where conversions.occurred_at <= as_of.as_of_at

),

-- visits that led to no conversion, one road per person and goal
lost_visits as (

    select
        goals.goal,
        visits.person_id,
        visits.channel_group,
        visits.touch_number

    from {{ ref('fct_touchpoints') }} as visits
    cross join as_of
    cross join goals
    left join touches on visits.touchpoint_id = touches.touchpoint_id and goals.goal = touches.goal
    where visits.touchpoint_type = 'session' and visits.occurred_at <= as_of.as_of_at and touches.touchpoint_id is null

),

steps as (

    select
        goal,
        conversion_id as road_id,
        '(conversion)' as road_end,
        channel_group,
        touch_number
    from touches

    union all

    select
        goal,
        person_id as road_id,
        '(null)' as road_end,
        channel_group,
        touch_number
    from lost_visits

),

steps_in_order as (

    select
        goal,
        channel_group as from_state,
        coalesce(lead(channel_group) over road_in_order, road_end) as to_state,
        case when lag(channel_group) over road_in_order is null then 1 else 0 end as is_first

    from steps
    window road_in_order as (
        partition by goal, road_id, road_end
        order by touch_number
    )

),

transitions as (

    select
        goal as group_name,
        from_state,
        to_state,
        count(*) as transition_count
    from steps_in_order
    group by goal, from_state, to_state

    union all

    select
        goal as group_name,
        '(start)' as from_state,
        from_state as to_state,
        count(*) as transition_count
    from steps_in_order
    where is_first = 1
    group by goal, from_state

),
{{ markov_ctes(channels) }},

fct_attribution_weights as (

    select
        {{ key_of(['group_name', 'channel']) }} as attribution_weight_id,
        group_name as goal,
        channel as channel_group,
        removal_effect

    from removal_effects

)

select * from fct_attribution_weights
