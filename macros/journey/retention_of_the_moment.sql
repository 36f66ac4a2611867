{#
  Retention of the moment, for analyses/ and `dbt show --inline "{{ retention('signed_up', 'any_active', 'week') }}"`. A query over fct_events;
  kpi_retention_cohorts holds what retention_definitions.csv names.

  Grain    one row per cohort and offset that has begun by as_of, and one `overall` row per offset (cohort_start_date NULL).
  Columns  row_type (cohort, overall), cohort_start_date, period_offset, retention_numerator (who returned), _denominator (the cohort), _rate, _rate_lower,
           _rate_upper, is_mature (the youngest of the cohort has had the whole period). The overall rows count mature cohorts only.

  start_event     what makes somebody one of a cohort: the first day, ISO week or month (local) in which he did it
  return_event    what counts as coming back, from the start on (the start itself counts in period 0 where it fits); both: a name, a list of names of which
                  any will do, or any_event, any_active, any_core
  unit            day, week, month: the length of a period and of a cohort
  mode            rolling: periods of 24 h, 7 x 24 h, 30 x 24 h from the person's own start; calendar: local days, ISO weeks, months
  criterion       on: in the period; on_or_after: in it or a later one, up to as_of; on_or_before: in it or an earlier one but 0
  max_offset      so many periods after the first
  starts          first: everybody once, by his first start; every: once in each cohort in which he starts
  cohort_average  the rate of the overall rows. pooled: all who returned over all; simple: mean of the cohorts' rates; size_weighted: the cohorts' counts and
                  sizes both weighted with the size. The bounds are those of the pooled rate.
  where           SQL on the columns of fct_events as `events`: only these events exist
  start_where     the same, for the start events only
#}
{% macro retention(
    start_event, return_event, unit='week', mode='rolling', criterion='on', max_offset=12, starts='first', cohort_average='pooled', where=none, start_where=none
) %}
{%- do check_retention(start_event, return_event, unit, mode, criterion, max_offset, starts, cohort_average, where, start_where) -%}
{%- set days = {'day': 1, 'week': 7, 'month': 30}[unit] -%}
{%- set cohort_of_start = 'events.occurred_date' if unit == 'day' else period_start(unit, 'events.occurred_date') -%}
with

starts as (

    select
        events.person_id,
        {%- if starts == 'every' %}
        {{ cohort_of_start }} as cohort_start_date,
        {%- else %}
        min({{ cohort_of_start }}) as cohort_start_date,
        {%- endif %}
        min(events.occurred_at) as started_at

    from {{ ref('fct_events') }} as events
    where
        {{ is_asked_event(start_event) }}
        {%- for condition in [where, start_where] if condition %}
        and ({{ condition }})
        {%- endfor %}
    group by events.person_id{{ ', ' ~ cohort_of_start if starts == 'every' }}

),

returns as (

    select distinct
        starts.person_id,
        starts.cohort_start_date,
        {% if mode == 'rolling' -%}
        cast(floor({{ elapsed_seconds('starts.started_at', 'events.occurred_at') }} / {{ days * 86400 }}e0) as bigint)
        {%- elif unit == 'month' -%}
        {{ month_number('events.occurred_date') }} - {{ month_number('starts.cohort_start_date') }}
        {%- else -%}
        cast(floor({{ days_between('starts.cohort_start_date', 'events.occurred_date') }} / {{ days }}e0) as bigint)
        {%- endif %} as period_offset

    from starts
    inner join {{ ref('fct_events') }} as events
        on
            starts.person_id = events.person_id
            and starts.started_at <= events.occurred_at
            and {{ is_asked_event(return_event) }}
            {%- if where %}
            and ({{ where }})
            {%- endif %}

),

-- the period that decides: the one itself, or the last, or the first after the start
deciding as (

    {%- if criterion == 'on' %}
    select cohort_start_date, period_offset, count(*) as person_count
    from returns
    group by cohort_start_date, period_offset
    {%- else %}
    select cohort_start_date, period_offset, count(*) as person_count
    from (
        select
            person_id,
            cohort_start_date,
            {{ 'max(period_offset)' if criterion == 'on_or_after' else 'min(case when period_offset >= 1 then period_offset end)' }} as period_offset
        from returns
        group by person_id, cohort_start_date
    ) as bounds
    group by cohort_start_date, period_offset
    {%- endif %}

),

sizes as (

    select
        cohort_start_date,
        count(*) as cohort_count

    from starts
    group by cohort_start_date

),

grid as (

    select
        sizes.cohort_start_date,
        sizes.cohort_count,
        offsets.number as period_offset,
        -- when the youngest of the cohort can no longer be in the period
        {% if mode == 'rolling' -%}
        {{ window_is_over(
            next_month('sizes.cohort_start_date') if unit == 'month' else add_days('sizes.cohort_start_date', days),
            '(offsets.number + 1) * ' ~ (30 if unit == 'month' else days)
        ) }}
        {%- elif unit == 'month' -%}
        {{ add_months('sizes.cohort_start_date', 'offsets.number + 1') }} <= as_of.as_of_date
        {%- else -%}
        {{ add_days('sizes.cohort_start_date', '(offsets.number + 1) * ' ~ days) }} <= as_of.as_of_date
        {%- endif %} as is_mature

    from sizes
    cross join ({{ integers(max_offset + 1) }}) as offsets
    cross join {{ ref('dim_as_of') }} as as_of
    where
        {% if mode == 'rolling' -%}
        {{ window_is_over('sizes.cohort_start_date', 'offsets.number * ' ~ (30 if unit == 'month' else days)) }}
        {%- elif unit == 'month' -%}
        {{ add_months('sizes.cohort_start_date', 'offsets.number') }} <= as_of.as_of_date
        {%- else -%}
        {{ add_days('sizes.cohort_start_date', 'offsets.number * ' ~ days) }} <= as_of.as_of_date
        {%- endif %}

),

cohorts as (

    select
        grid.cohort_start_date,
        grid.period_offset,
        grid.cohort_count,
        grid.is_mature,
        coalesce(sum(deciding.person_count), 0) as retained_count

    from grid
    left join deciding
        on
            grid.cohort_start_date = deciding.cohort_start_date
            and deciding.period_offset {{ {'on': '=', 'on_or_after': '>=', 'on_or_before': '<='}[criterion] }} grid.period_offset
    group by grid.cohort_start_date, grid.period_offset, grid.cohort_count, grid.is_mature

),

cohort_and_overall as (

    select
        'cohort' as row_type,
        cohort_start_date,
        period_offset,
        retained_count,
        cohort_count,
        cast(retained_count as double) / cohort_count as retention_rate,
        is_mature
    from cohorts

    union all

    select
        'overall' as row_type,
        cast(null as date) as cohort_start_date,
        period_offset,
        sum(retained_count) as retained_count,
        sum(cohort_count) as cohort_count,
        {{ average_of_cohorts('retained_count', 'cohort_count', quoted(cohort_average)) | indent(8) }} as retention_rate,
        true as is_mature
    from cohorts
    where is_mature
    group by period_offset

)

select
    row_type,
    cohort_start_date,
    cast(period_offset as bigint) as period_offset,
    cast(retained_count as bigint) as retention_numerator,
    cast(cohort_count as bigint) as retention_denominator,
    retention_rate,
    {%- set n, p = 'cast(cohort_count as double)', 'cast(retained_count as double) / nullif(cast(cohort_count as double), 0)' %}
    {{ wilson(p, n, '-') }} as retention_rate_lower,
    {{ wilson(p, n, '+') }} as retention_rate_upper,
    is_mature

from cohort_and_overall
order by row_type, cohort_start_date, period_offset
{% endmacro %}

{#
  One rate of several cohorts (aggregate over a row each): pooled, simple or size_weighted, as `kind` says (SQL). Shares are added up as decimals: a sum of
  doubles hangs in its last digit on the order of the rows.
#}
{% macro average_of_cohorts(retained, size, kind) -%}
case {{ kind }}
    when 'simple' then cast(sum(cast(cast({{ retained }} as double) / {{ size }} as decimal(30, 15))) as double) / count(*)
    when 'size_weighted'
        then cast(sum({{ retained }} * {{ size }}) as double) / nullif(cast(sum({{ size }} * {{ size }}) as double), 0)
    else cast(sum({{ retained }}) as double) / nullif(cast(sum({{ size }}) as double), 0)
end
{%- endmacro %}

{% macro check_retention(start_event, return_event, unit, mode, criterion, max_offset, starts, cohort_average, where, start_where) %}
    {%- do check_asked_event('retention', 'start_event', start_event) -%}
    {%- do check_asked_event('retention', 'return_event', return_event) -%}
    {%- do check_choice('retention', 'unit', unit, ['day', 'week', 'month']) -%}
    {%- do check_choice('retention', 'mode', mode, ['rolling', 'calendar']) -%}
    {%- do check_choice('retention', 'criterion', criterion, ['on', 'on_or_after', 'on_or_before']) -%}
    {%- do check_whole_number('retention', 'max_offset', max_offset, 0, 1000) -%}
    {%- do check_choice('retention', 'starts', starts, ['first', 'every']) -%}
    {%- do check_choice('retention', 'cohort_average', cohort_average, ['pooled', 'simple', 'size_weighted']) -%}
    {%- do check_condition('retention', 'where', where) -%}
    {%- do check_condition('retention', 'start_where', start_where) -%}
{% endmacro %}
