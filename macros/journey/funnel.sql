{#
  A funnel of the moment, for analyses/ and `dbt show --inline "{{ funnel(['signed_up', 'trial_started'], 14) }}"`. A query over fct_events.

  Grain    one row per step.
  Columns  step_number; step_name; conversion_numerator, _denominator, _rate, _rate_lower, _rate_upper (of all who entered); step_numerator, _denominator, _rate
           (of those in the step before); seconds_from_start_p50 (NULL in any order, and where nobody came so far).
  Counted  attempts: one per unit (unique_first, unique_best) or all (totals, where attempts of one unit overlap and the bounds are too narrow).

  steps       at least two, as many as you like; each a name of an event, a list of names of which any will do, or any_event, any_active, any_core
  window_days days of 24 h from the first step in which the others count, both ends included; 1/24 is an hour; none = without limit
  order       ordered: a step follows the one before in the total order (occurred_at, event_priority, event_id), other events may lie between;
              strict: it is the very next event of the unit (of those that `where` leaves);
              any: in any sequence; the row of step 2 then counts who did any two of the steps. The first of them begins the attempt.
  unit        person, session
  counting    unique_first: the first attempt of each unit; unique_best: the one that gets furthest, of these the first; totals: every attempt
  where       SQL on the columns of fct_events as `events`: only these events exist
  start_where the same, for the event that begins the attempt only: "events.occurred_date between date '2025-01-01' and date '2025-01-31'"

  Two steps need two events, so a step that stands twice has to be done twice. Given its start, an ordered attempt takes the earliest event for each step: no
  other choice gets further. Windows without limit and windows that end after as_of are not over: say so, or leave the late starts out by start_where.
#}
{% macro funnel(steps, window_days=none, order='ordered', unit='person', counting='unique_first', where=none, start_where=none) %}
{%- do check_funnel(steps, window_days, order, unit, counting, where, start_where) -%}
{%- set window_us = none if window_days is none else (window_days * 86400000000) | round | int -%}
{#- steps that ask for the same thing are looked for once -#}
{%- set kinds = [] -%}
{%- set kind_of_step = [] -%}
{%- for step in steps -%}
    {%- set names = asked_names(step) | sort -%}
    {%- if names not in kinds -%}{%- do kinds.append(names) -%}{%- endif -%}
    {%- do kind_of_step.append(kinds.index(names) + 1) -%}
{%- endfor -%}
with

asked_events as (

    select
        events.{{ unit }}_id as unit_id,
        events.event_id,
        events.event_priority,
        {{ epoch_us('events.occurred_at') }} as occurred_us,
        {%- for names in kinds %}
        case when {{ is_asked_event(names) }} then 1 else 0 end as is_kind_{{ loop.index }},
        {%- endfor %}
        case when {{ start_where or 'true' }} then 1 else 0 end as may_start

    from {{ ref('fct_events') }} as events
    where
        events.{{ unit }}_id is not null
        {%- if where %}
        and ({{ where }})
        {%- endif %}
        {%- if order != 'strict' %}
        and ({% for names in kinds %}{{ is_asked_event(names) }}{{ ' or ' if not loop.last }}{% endfor %})
        {%- endif %}

),

placed as (

    select
        *,
        row_number() over (
            partition by unit_id
            order by occurred_us, event_priority, event_id
        ) as place

    from asked_events

),
{% if order == 'any' %}
-- from each event on: how many of the steps are done within the window, a step that stands twice by two events
attempts as (

    select
        unit_id,
        place,
        {%- for names in kinds %}
        {%- set kind = 'is_kind_' ~ loop.index %}
        least(
            {{ kind_of_step | select('equalto', loop.index) | list | length }},
            sum({{ kind }}) over (
                partition by unit_id
                {%- if window_us is not none %}
                order by occurred_us
                range between unbounded preceding and {{ window_us }} following
                {%- endif %}
            ) - sum({{ kind }}) over (
                partition by unit_id
                order by place
                rows between unbounded preceding and current row
            ) + {{ kind }}
        ){{ ' +' if not loop.last else ' as step_count,' }}
        {%- endfor %}
        may_start

    from placed

),
{% else %}
-- from each event on: where the next one of each kind stands
pointed as (

    select
        unit_id,
        place,
        occurred_us,
        is_kind_{{ kind_of_step[0] }} * may_start as is_start
        {%- for kind in kind_of_step[1:] | unique %},
        {%- if order == 'strict' %}
        case
            when lead(is_kind_{{ kind }}) over (
                partition by unit_id
                order by place
            ) = 1 then place + 1
        end as next_{{ kind }}
        {%- else %}
        min(case when is_kind_{{ kind }} = 1 then place end) over (
            partition by unit_id
            order by place
            rows between 1 following and unbounded following
        ) as next_{{ kind }}
        {%- endif %}
        {%- endfor %}

    from placed

),

attempts as (

    select
        step_1.unit_id,
        step_1.place,
        step_1.occurred_us as step_1_us,
        {%- for step in steps[1:] %}
        step_{{ loop.index + 1 }}.occurred_us as step_{{ loop.index + 1 }}_us,
        {%- endfor %}
        1{% for step in steps[1:] %} + case when step_{{ loop.index + 1 }}.unit_id is null then 0 else 1 end{% endfor %} as step_count,
        1 as may_start

    from pointed as step_1
    {%- for step in steps[1:] %}
    {%- set this_step, last_step = 'step_' ~ (loop.index + 1), 'step_' ~ loop.index %}
    left join pointed as {{ this_step }}
        on
            {{ last_step }}.unit_id = {{ this_step }}.unit_id
            and {{ last_step }}.next_{{ kind_of_step[loop.index] }} = {{ this_step }}.place
            {%- if window_us is not none %}
            {#- one side of the join on each side of the sign: DuckDB would try every pair for a difference of the two #}
            and step_1.occurred_us + {{ window_us }} >= {{ this_step }}.occurred_us
            {%- endif %}
    {%- endfor %}
    where step_1.is_start = 1

),
{% endif %}
ranked as (

    select
        *,
        row_number() over (
            partition by unit_id
            order by {{ 'step_count desc, ' if counting == 'unique_best' }}place
        ) as rank_in_unit

    from attempts
    where may_start = 1

),

counted as (

    {%- for step in steps %}

    select
        {{ loop.index }} as step_number,
        {%- set name = asked_names(step) | join(' or ') %}
        {{ quoted('any ' ~ loop.index ~ ' of ' ~ steps | length if order == 'any' else name) }} as step_name,
        coalesce(sum(case when step_count >= {{ loop.index }} then 1 else 0 end), 0) as reached_count,
        {%- if order == 'any' %}
        cast(null as double) as seconds_from_start_p50
        {%- else %}
        cast(percentile_cont(0.5) within group (
            order by case when step_count >= {{ loop.index }} then floor((step_{{ loop.index }}_us - step_1_us) / 1e6) end
        ) as double) as seconds_from_start_p50
        {%- endif %}

    from ranked
    {%- if counting != 'totals' %}
    where rank_in_unit = 1
    {%- endif %}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

compared as (

    select
        *,
        max(reached_count) over () as entered_count,
        coalesce(lag(reached_count) over (order by step_number), reached_count) as previous_count

    from counted

)

select
    cast(step_number as bigint) as step_number,
    step_name,
    {{ rate_columns('conversion', 'reached_count', 'entered_count') }},
    {{ rate_columns('step', 'reached_count', 'previous_count', bounds=false) }},
    seconds_from_start_p50

from compared
order by step_number
{% endmacro %}

{% macro check_funnel(steps, window_days, order, unit, counting, where, start_where) %}
    {%- if steps is string or steps is mapping or steps is not iterable or steps | length < 2 -%}
        {{ exceptions.raise_compiler_error('funnel: `steps` is `' ~ steps ~ "`. Write a list of at least two steps, ['signed_up', 'trial_started'].") }}
    {%- endif -%}
    {%- for step in steps -%}{%- do check_asked_event('funnel', 'step ' ~ loop.index, step) -%}{%- endfor -%}
    {%- if window_days is not none and (window_days is not number or window_days is boolean or window_days <= 0) -%}
        {{ exceptions.raise_compiler_error('funnel: `window_days` is `' ~ window_days ~ '`. Write a number of days greater than 0 (1/24 for an hour), or none for no limit.') }}
    {%- endif -%}
    {%- do check_choice('funnel', 'order', order, ['ordered', 'strict', 'any']) -%}
    {%- do check_choice('funnel', 'unit', unit, ['person', 'session']) -%}
    {%- do check_choice('funnel', 'counting', counting, ['unique_first', 'unique_best', 'totals']) -%}
    {%- do check_condition('funnel', 'where', where) -%}
    {%- do check_condition('funnel', 'start_where', start_where) -%}
    {%- if order == 'any' -%}
        {%- for step in steps -%}
            {%- for other in steps[loop.index:] -%}
                {%- set mine, others = asked_names(step) | sort, asked_names(other) | sort -%}
                {%- set shared = mine | select('in', others) | list or (mine + others) | select('in', ['any_event', 'any_active', 'any_core']) | list -%}
                {%- if mine != others and shared -%}
                    {{ exceptions.raise_compiler_error('funnel: in any order, one event must not fit two different steps, and `' ~ shared | join(', ') ~ '` may fit `'
                        ~ mine | join(' or ') ~ '` and `' ~ others | join(' or ') ~ '`. Write steps that are the same or have nothing in common, or another order.') }}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
