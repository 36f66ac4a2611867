{#
  Stickiness of the moment, for analyses/ and `dbt show --inline "{{ stickiness('any_active', 'week') }}"`: on how many days of a period people did something.
  A query over fct_events.

  Grain    one row per period with anybody active, and number of active days from 1 to the days of the period, nobody or not.
  Columns  period_start_date; active_day_count; stickiness_numerator (people), _denominator (people with a day in the period), _rate, _rate_lower, _rate_upper;
           is_mature (the period is over).

  event       a name, a list of names of which any will do, or any_event, any_active, any_core
  unit        week (ISO, 7 days), month: the length of a period, in local days
  cumulative  false: on exactly so many days; true: on so many or more
  where       SQL on the columns of fct_events as `events`: only these events exist
#}
{% macro stickiness(event='any_active', unit='month', cumulative=false, where=none) %}
{%- do check_asked_event('stickiness', 'event', event) -%}
{%- do check_choice('stickiness', 'unit', unit, ['week', 'month']) -%}
{%- do check_choice('stickiness', 'cumulative', cumulative, [true, false]) -%}
{%- do check_condition('stickiness', 'where', where) -%}
{%- set next_period = add_days('persons.period_start_date', 7) if unit == 'week' else next_month('persons.period_start_date') -%}
with

days as (

    select distinct
        events.person_id,
        events.occurred_date as active_date

    from {{ ref('fct_events') }} as events
    where
        {{ is_asked_event(event) }}
        {%- if where %}
        and ({{ where }})
        {%- endif %}

),

persons as (

    select
        {{ period_start(unit, 'active_date') }} as period_start_date,
        person_id,
        count(*) as day_count

    from days
    group by {{ period_start(unit, 'active_date') }}, person_id

),

counted as (

    select
        persons.period_start_date,
        numbers.number + 1 as active_day_count,
        sum(case when persons.day_count {{ '>=' if cumulative else '=' }} numbers.number + 1 then 1 else 0 end) as person_count,
        count(*) as all_count,
        {{ next_period }} as next_period_date

    from persons
    inner join ({{ integers(7 if unit == 'week' else 31) }}) as numbers
        on numbers.number < {{ days_between('persons.period_start_date', next_period) }}
    group by persons.period_start_date, numbers.number

)

select
    counted.period_start_date,
    cast(counted.active_day_count as bigint) as active_day_count,
    {{ rate_columns('stickiness', 'counted.person_count', 'counted.all_count') }},
    counted.next_period_date <= as_of.as_of_date as is_mature

from counted
cross join {{ ref('dim_as_of') }} as as_of
order by counted.period_start_date, counted.active_day_count
{% endmacro %}
