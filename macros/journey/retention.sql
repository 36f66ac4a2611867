{#
  The moments that retention definitions listen to, for one role (start or return): definition, <unit>_id, occurred_at, occurred_date. CTEs `definitions`
  and `unit_events` have to stand before. Local days are all that calendar periods ask for, and person days hold them ready; what rolls asks for the moment itself. Accounts do what their
  members do.
#}
{% macro retention_points(role, unit='person') %}
    {%- set any_of_its_days = "(roles.event_name = 'any_active' or (roles.event_name = 'any_core' and days.core_event_count > 0))" %}
    {%- set any_of_its_events = "((roles.event_name = 'any_active' and events.is_interactive) or (roles.event_name = 'any_core' and events.is_core))" %}

    select
        roles.definition,
        {{ 'persons.account_id' if unit == 'account' else 'days.person_id' }},
        case roles.event_name when 'any_core' then days.first_core_event_at else days.first_event_at end as occurred_at,
        days.active_date as occurred_date

    from {{ ref('fct_person_days') }} as days
    inner join {{ ref('retention_events') }} as roles on roles.role = {{ quoted(role) }} and {{ any_of_its_days }}
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'calendar'
    {%- if unit == 'account' %}
    inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id and persons.account_id is not null
    {%- endif %}

    {%- for events_that in ['roll', 'are_named'] + (['stand_on_the_first_day'] if role == 'return' else []) %}

    union all

    {% if events_that == 'stand_on_the_first_day' -%}
    -- the day's first moment may lie before the start: of the start's own day every moment counts
    {% endif -%}
    select
        roles.definition,
        events.{{ unit }}_id,
        events.occurred_at,
        events.occurred_date

    from unit_events as events
    inner join {{ ref('retention_events') }} as roles
        on
            roles.role = {{ quoted(role) }}
            and {{ 'events.event_name = roles.event_name' if events_that == 'are_named' else any_of_its_events }}
    {%- if events_that == 'roll' %}
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'rolling'
    {%- elif events_that == 'stand_on_the_first_day' %}
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'calendar'
    inner join {{ ref('fct_retention_starts' if unit == 'person' else 'fct_account_retention_starts') }} as starts
        on
            roles.definition = starts.definition
            and events.{{ unit }}_id = starts.{{ unit }}_id
            and events.occurred_date = {{ local_date('starts.started_at') }}
    {%- endif %}
    {%- endfor %}
{% endmacro %}

{#
  What retention listens to of each event, with the unit that did it. A common expression, and so made once: an engine that is left to choose may join the
  events with every start of their day before it asks whose they are.
#}
{% macro retention_unit_events(unit) %}
    select
        {{ 'persons.account_id' if unit == 'account' else 'events.person_id' }},
        events.event_name,
        events.is_interactive,
        events.is_core,
        events.occurred_at,
        events.occurred_date

    from {{ ref('int_events_identified') }} as events
    {%- if unit == 'account' %}
    inner join {{ ref('dim_persons') }} as persons on events.person_id = persons.person_id and persons.account_id is not null
    {%- endif %}
{% endmacro %}

{# The seed's rows with their numbers as numbers; the length of a rolling period in days (24 h each). #}
{% macro retention_definitions() %}
    select
        definition,
        unit,
        mode,
        cast(max_offset as integer) as max_offset,
        case unit when 'day' then 1 when 'week' then 7 else 30 end as unit_days

    from {{ ref('retention_definitions') }}
{% endmacro %}

{# Body of fct_retention_starts and its like for accounts (`unit`): one row per definition and unit, its first start. #}
{% macro retention_starts(unit, key) %}
with

definitions as (
{{ retention_definitions() }}
),

unit_events as {{ kept() }}(
{{ retention_unit_events(unit) }}
),

points as (
{{ retention_points('start', unit) }}
),

first_points as (

    select
        definition,
        {{ unit }}_id,
        min(occurred_at) as started_at

    from points
    group by definition, {{ unit }}_id

),

retention_starts as (

    select
        {{ key_of(['first_points.definition', 'first_points.' ~ unit ~ '_id']) }} as {{ key }},
        first_points.definition,
        first_points.{{ unit }}_id,
        first_points.started_at,
        case definitions.unit
            when 'day' then {{ local_date('first_points.started_at') }}
            when 'week' then {{ period_start('week', local_date('first_points.started_at')) }}
            else {{ period_start('month', local_date('first_points.started_at')) }}
        end as cohort_start_date

    from first_points
    inner join definitions on first_points.definition = definitions.definition

)

select * from retention_starts
{% endmacro %}

{# Body of fct_retention_returns and its like for accounts: one row per definition, unit and period after the start in which it returned. #}
{% macro retention_returns(unit, starts, key) %}
with

definitions as (
{{ retention_definitions() }}
),

unit_events as {{ kept() }}(
{{ retention_unit_events(unit) }}
),

points as (
{{ retention_points('return', unit) }}
),

returns as (

    select
        starts.definition,
        starts.{{ unit }}_id,
        starts.cohort_start_date,
        points.occurred_at,
        case
            when definitions.mode = 'rolling'
                then cast(floor(
                    {{ elapsed_seconds('starts.started_at', 'points.occurred_at') }} / cast(definitions.unit_days * 86400 as double)
                ) as bigint)
            when definitions.unit = 'month'
                then {{ month_number('points.occurred_date') }} - {{ month_number('starts.cohort_start_date') }}
            else cast(floor(
                {{ days_between('starts.cohort_start_date', 'points.occurred_date') }} / cast(definitions.unit_days as double)
            ) as bigint)
        end as period_offset

    from {{ ref(starts) }} as starts
    inner join definitions on starts.definition = definitions.definition
    inner join points
        on
            starts.definition = points.definition
            and starts.{{ unit }}_id = points.{{ unit }}_id
            and starts.started_at <= points.occurred_at

),

retention_returns as (

    select
        {{ key_of(['definition', unit ~ '_id', 'period_offset']) }} as {{ key }},
        definition,
        {{ unit }}_id,
        cohort_start_date,
        period_offset,
        min(occurred_at) as first_returned_at

    from returns
    group by definition, {{ unit }}_id, cohort_start_date, period_offset

)

select * from retention_returns
{% endmacro %}

{# Body of kpi_retention_cohorts and its like for accounts: cohort, retained and rate by criterion and offset, with pooled rows of the mature cohorts. #}
{% macro retention_cohorts(unit, starts, returns, key) %}
with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

definitions as (
{{ retention_definitions() }}
),

starts as (

    select * from {{ ref(starts) }}

),

returns as (

    select * from {{ ref(returns) }}

),

-- everything that the three criteria ask of somebody
bounds as (

    select
        definition,
        {{ unit }}_id,
        max(period_offset) as last_offset,
        min(case when period_offset >= 1 then period_offset end) as first_return_offset

    from returns
    group by definition, {{ unit }}_id

),

sizes as (

    select
        starts.definition,
        starts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as cohort_count

    from starts
    inner join {{ ref('bridge_' ~ unit ~ '_segments') }} as segments on starts.{{ unit }}_id = segments.{{ unit }}_id
    group by starts.definition, starts.cohort_start_date, segments.segment_type, segments.segment_value

),

offsets as (

    -- 120 is the greatest max_offset that the seed may hold
    select number as period_offset from ({{ integers(121) }}) as numbers

),

grid as (

    select
        sizes.*,
        offsets.period_offset,
        definitions.unit,
        definitions.mode,
        -- when the youngest of the cohort can no longer be in the offset's period: rolling periods are times of 24 hours, calendar ones dates
        case
            when definitions.mode = 'rolling'
                then {{ window_is_over(
                    'case definitions.unit when ' ~ quoted('month') ~ ' then ' ~ next_month('sizes.cohort_start_date')
                    ~ ' else ' ~ add_days('sizes.cohort_start_date', 'definitions.unit_days') ~ ' end',
                    '(offsets.period_offset + 1) * definitions.unit_days'
                ) }}
            when definitions.unit = 'month' then {{ add_months('sizes.cohort_start_date', 'offsets.period_offset + 1') }} <= as_of.as_of_date
            else {{ add_days('sizes.cohort_start_date', '(offsets.period_offset + 1) * definitions.unit_days') }} <= as_of.as_of_date
        end as is_mature

    from sizes
    inner join definitions on sizes.definition = definitions.definition
    inner join offsets on definitions.max_offset >= offsets.period_offset
    cross join as_of
    where
        case
            when definitions.mode = 'rolling' then {{ window_is_over('sizes.cohort_start_date', 'offsets.period_offset * definitions.unit_days') }}
            when definitions.unit = 'month' then {{ add_months('sizes.cohort_start_date', 'offsets.period_offset') }} <= as_of.as_of_date
            else {{ add_days('sizes.cohort_start_date', 'offsets.period_offset * definitions.unit_days') }} <= as_of.as_of_date
        end

),

retained_on as (

    select
        returns.definition,
        returns.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        returns.period_offset,
        count(*) as retained_count

    from returns
    inner join {{ ref('bridge_' ~ unit ~ '_segments') }} as segments on returns.{{ unit }}_id = segments.{{ unit }}_id
    group by returns.definition, returns.cohort_start_date, segments.segment_type, segments.segment_value, returns.period_offset

),

bounded_cohorts as (

    select
        starts.definition,
        starts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        bounds.last_offset,
        bounds.first_return_offset,
        count(*) as person_count

    from starts
    inner join bounds on starts.definition = bounds.definition and starts.{{ unit }}_id = bounds.{{ unit }}_id
    inner join {{ ref('bridge_' ~ unit ~ '_segments') }} as segments on starts.{{ unit }}_id = segments.{{ unit }}_id
    group by
        starts.definition, starts.cohort_start_date, segments.segment_type, segments.segment_value,
        bounds.last_offset, bounds.first_return_offset

),

{%- set cell = ['definition', 'cohort_start_date', 'segment_type', 'segment_value'] %}

retained as (

    select
        grid.*,
        'on' as criterion,
        coalesce(retained_on.retained_count, 0) as retained_count
    from grid
    left join retained_on
        on
            {%- for column in cell %}
            grid.{{ column }} = retained_on.{{ column }} and
            {%- endfor %}
            grid.period_offset = retained_on.period_offset

    {%- for criterion, condition in {
        'on_or_after': 'bounded_cohorts.last_offset >= grid.period_offset',
        'on_or_before': 'bounded_cohorts.first_return_offset <= grid.period_offset'
    }.items() %}

    union all

    select
        grid.{{ cell | join(', grid.') }}, grid.cohort_count, grid.period_offset, grid.unit, grid.mode, grid.is_mature,
        {{ quoted(criterion) }} as criterion,
        coalesce(sum(case when {{ condition }} then bounded_cohorts.person_count end), 0) as retained_count
    from grid
    left join bounded_cohorts
        on
            {%- for column in cell %}
            grid.{{ column }} = bounded_cohorts.{{ column }}{{ ' and' if not loop.last }}
            {%- endfor %}
    group by grid.{{ cell | join(', grid.') }}, grid.cohort_count, grid.period_offset, grid.unit, grid.mode, grid.is_mature
    {%- endfor %}

),

-- the overall rows count mature cohorts only
overall as (

    select
        definition,
        unit,
        mode,
        criterion,
        segment_type,
        segment_value,
        period_offset,
        sum(cohort_count) as cohort_count,
        sum(retained_count) as retained_count,
        -- added up as decimals: a sum of doubles hangs in its last digit on the order of the rows
        cast(sum(cast(cast(retained_count as double) / cohort_count as decimal(30, 15))) as double) / count(*) as simple_mean_rate

    from retained
    where is_mature
    group by definition, unit, mode, criterion, segment_type, segment_value, period_offset

),

cohort_and_overall as (

    select
        definition, unit, mode, criterion, 'cohort' as row_type, cohort_start_date,
        segment_type, segment_value, period_offset, cohort_count, retained_count,
        cast(null as double) as simple_mean_rate, is_mature
    from retained

    union all

    select
        definition, unit, mode, criterion, 'overall' as row_type, cast(null as date) as cohort_start_date,
        segment_type, segment_value, period_offset, cohort_count, retained_count,
        simple_mean_rate, true as is_mature
    from overall

),

retention_cohorts as (

    select
        {{ key_of([
            'definition', 'criterion', 'row_type', 'cohort_start_date', 'segment_type', 'segment_value', 'period_offset'
        ]) }} as {{ key }},
        definition,
        mode,
        unit,
        criterion,
        row_type,
        cohort_start_date,
        segment_type,
        segment_value,
        cast(period_offset as bigint) as period_offset,
        {{ rate_columns('retention', 'retained_count', 'cohort_count') }},
        simple_mean_rate,
        is_mature

    from cohort_and_overall

)

select * from retention_cohorts
{% endmacro %}
