{#- The seeds' files say how many required steps the longest funnel with an order has: so many times a link is followed. Each step is a -#}
{#- column first and a row afterwards, so that every part of the statement reads the one before it once (Spark writes out what is read -#}
{#- twice). Only of a funnel of more than block_length steps the last column of a block begins another one: a row of all steps of a -#}
{#- very long funnel would be too wide, and all others would pay for it. -#}
{%- set block_length = 16 %}
{%- set orders = {} %}
{%- for row in seed_rows('funnels') %}{%- do orders.update({row.funnel: row.step_order}) %}{%- endfor %}
{%- set required_of = {} %}
{%- for row in seed_rows('funnel_steps') if row.role == 'step' and row.is_optional != 'true' and orders.get(row.funnel) != 'any' %}
    {%- do required_of.setdefault(row.funnel, []).append(row.step_number | int) %}
{%- endfor %}
{%- set lengths = [2] %}
{%- for numbers in required_of.values() %}{%- do lengths.append(numbers | unique | list | length) %}{%- endfor %}
{%- set longest = lengths | max %}
{%- set blocks = range(1, longest + 1) | batch(block_length) | list %}
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
    inner join required_steps
        on
            marks.funnel = required_steps.funnel
            and marks.step_number = required_steps.step_number
            and required_steps.step_rank = 1
    where marks.role = 'step' and marks.step_order <> 'any'

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

{%- for ranks in blocks %}
{%- set block = loop.index %}
{%- set first_rank = ranks[0] %}
followed_{{ block }} as (

    select
        before.funnel,
        before.unit_id,
        before.held_value,
        before.start_place,
        before.start_us,
        before.start_event_id,
        before.limit_us
        {%- for rank in ranks %}
        {%- set step = 'before' if rank == 1 else 'step_' ~ rank %},
        {{ step }}.to_place as place_{{ rank }},
        {{ step }}.to_us as us_{{ rank }},
        {{ step }}.to_event_id as event_id_{{ rank }}
        {%- endfor %}

    {%- if block == 1 %}

    from (
        select
            funnel,
            unit_id,
            held_value,
            place as start_place,
            occurred_us as start_us,
            event_id as start_event_id,
            limit_us,
            place as to_place,
            occurred_us as to_us,
            event_id as to_event_id

        from starts
    ) as before
    {%- else %}

    from (select *, place_{{ first_rank - 1 }} as to_place from followed_{{ block - 1 }} where place_{{ first_rank - 1 }} is not null) as before
    {%- endif %}
    {%- for rank in ranks if rank > 1 %}
    left join required_links as step_{{ rank }}
        on
            before.funnel = step_{{ rank }}.funnel
            and before.unit_id = step_{{ rank }}.unit_id
            and before.held_value = step_{{ rank }}.held_value
            and {{ 'before' if rank in [2, first_rank] else 'step_' ~ (rank - 1) }}.to_place = step_{{ rank }}.from_place
            and step_{{ rank }}.step_rank = {{ rank }}
            and before.limit_us >= step_{{ rank }}.to_us
    {%- endfor %}

),
{% endfor %}
reached_in_order as (
    {%- for ranks in blocks %}

    select
        followed.funnel,
        followed.unit_id,
        followed.held_value,
        followed.start_place,
        followed.start_us,
        followed.start_event_id,
        required_steps.step_number,
        required_steps.step_rank
        {%- for column in ['place', 'us', 'event_id'] %},
        case required_steps.step_rank
            {%- for rank in ranks %}
            when {{ rank }} then followed.{{ column }}_{{ rank }}
            {%- endfor %}
        end as {{ 'occurred_us' if column == 'us' else column }}
        {%- endfor %}

    from followed_{{ loop.index }} as followed
    inner join required_steps
        on followed.funnel = required_steps.funnel and required_steps.step_rank between {{ ranks[0] }} and {{ ranks[-1] }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

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
