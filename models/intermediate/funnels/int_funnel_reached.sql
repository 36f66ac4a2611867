{#- The seed's file says how many required steps the longest funnel has: so many times a link is followed. Each step is a column first -#}
{#- and a row afterwards, so that every part of the statement reads the one before it once (Spark writes out what is read twice). -#}
{%- set required_of = {} %}
{%- for row in seed_rows('funnel_steps') if row.role == 'step' and row.is_optional != 'true' %}
    {%- do required_of.setdefault(row.funnel, []).append(row.step_number | int) %}
{%- endfor %}
{%- set lengths = [2] %}
{%- for numbers in required_of.values() %}{%- do lengths.append(numbers | unique | list | length) %}{%- endfor %}
{%- set longest = lengths | max %}
with

links as (

    select * from {{ ref('int_funnel_links') }}

),

funnels as (

    select
        funnel,
        {{ days_in_us('window_days') }} as window_us

    from {{ ref('funnels') }}

),

required_steps as (

    select
        funnel,
        step_number,
        row_number() over (
            partition by funnel
            order by step_number
        ) as step_rank

    from (
        select distinct
            funnel,
            cast(step_number as bigint) as step_number

        from {{ ref('funnel_steps') }}
        where role = 'step' and not coalesce(cast(is_optional as boolean), false)
    ) as steps

),

starts as (

    select distinct
        marks.funnel,
        marks.unit_id,
        marks.held_value,
        marks.place,
        marks.occurred_us,
        marks.event_id,
        marks.occurred_us + funnels.window_us as limit_us

    from {{ ref('int_funnel_marks') }} as marks
    inner join funnels on marks.funnel = funnels.funnel
    left join required_steps on marks.funnel = required_steps.funnel and required_steps.step_rank = 1
    where marks.role = 'step' and (marks.step_order = 'any' or marks.step_number = required_steps.step_number)

),

-- a link into a required step, by the rank of the step it leads to
required_links as (

    select
        links.funnel,
        links.unit_id,
        links.held_value,
        links.from_place,
        links.to_place,
        links.to_us,
        links.to_event_id,
        required_steps.step_rank

    from links
    inner join required_steps on links.funnel = required_steps.funnel and links.to_step_number = required_steps.step_number
    where links.step_order <> 'any'

),

followed as (

    select
        step_1.funnel,
        step_1.unit_id,
        step_1.held_value,
        step_1.place as start_place,
        step_1.occurred_us as start_us,
        step_1.limit_us,
        step_1.event_id as start_event_id,
        step_1.place as place_1,
        step_1.occurred_us as us_1,
        step_1.event_id as event_id_1
        {%- for rank in range(2, longest + 1) %},
        step_{{ rank }}.to_place as place_{{ rank }},
        step_{{ rank }}.to_us as us_{{ rank }},
        step_{{ rank }}.to_event_id as event_id_{{ rank }}
        {%- endfor %}

    from starts as step_1
    {%- for rank in range(2, longest + 1) %}
    left join required_links as step_{{ rank }}
        on
            step_1.funnel = step_{{ rank }}.funnel
            and step_1.unit_id = step_{{ rank }}.unit_id
            and step_1.held_value = step_{{ rank }}.held_value
            and step_{{ rank - 1 }}.{{ 'place' if rank == 2 else 'to_place' }} = step_{{ rank }}.from_place
            and step_{{ rank }}.step_rank = {{ rank }}
            and step_1.limit_us >= step_{{ rank }}.to_us
    {%- endfor %}

),

reached_in_order as (

    select
        followed.funnel,
        followed.unit_id,
        followed.held_value,
        followed.start_place,
        followed.start_us,
        followed.start_event_id,
        required_steps.step_number,
        required_steps.step_rank,
        case required_steps.step_rank
            {%- for rank in range(1, longest + 1) %}
            when {{ rank }} then followed.place_{{ rank }}
            {%- endfor %}
        end as place,
        case required_steps.step_rank
            {%- for rank in range(1, longest + 1) %}
            when {{ rank }} then followed.us_{{ rank }}
            {%- endfor %}
        end as occurred_us,
        case required_steps.step_rank
            {%- for rank in range(1, longest + 1) %}
            when {{ rank }} then followed.event_id_{{ rank }}
            {%- endfor %}
        end as event_id

    from followed
    inner join {{ ref('funnels') }} as funnels on followed.funnel = funnels.funnel and funnels.step_order <> 'any'
    inner join required_steps on followed.funnel = required_steps.funnel

),

-- in any order the steps are numbered as they come
reached_in_any_order as (

    select
        links.funnel,
        links.unit_id,
        links.held_value,
        links.from_place as start_place,
        links.from_us as start_us,
        links.from_event_id as start_event_id,
        row_number() over (
            partition by links.funnel, links.unit_id, links.held_value, links.from_place
            order by links.to_place, links.to_step_number
        ) as step_number,
        links.to_place as place,
        links.to_us as occurred_us,
        links.to_event_id as event_id

    from links
    inner join funnels on links.funnel = funnels.funnel
    where links.step_order = 'any' and links.to_us <= links.from_us + funnels.window_us

),

funnel_reached as (

    select
        funnel,
        unit_id,
        held_value,
        start_place,
        start_us,
        start_event_id,
        step_number,
        step_rank,
        place,
        occurred_us,
        event_id

    from reached_in_order
    where place is not null

    union all

    select
        funnel,
        unit_id,
        held_value,
        start_place,
        start_us,
        start_event_id,
        step_number,
        step_number as step_rank,
        place,
        occurred_us,
        event_id

    from reached_in_any_order

)

select * from funnel_reached
