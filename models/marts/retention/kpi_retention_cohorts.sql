with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

definitions as (

    select
        definition,
        unit,
        mode,
        cast(max_offset as integer) as max_offset,
        case unit when 'day' then 1 when 'week' then 7 else 30 end as unit_days

    from {{ ref('retention_definitions') }}

),

roles as (

    select
        roles.definition,
        roles.role,
        roles.event_name,
        definitions.mode

    from {{ ref('retention_events') }} as roles
    inner join definitions on roles.definition = definitions.definition

),

-- local days are all that calendar periods ask for, and person days hold them ready
points as (

    select
        roles.definition,
        roles.role,
        days.person_id,
        case roles.event_name when 'any_core' then days.first_core_event_at else days.first_event_at end as occurred_at

    from {{ ref('fct_person_days') }} as days
    inner join roles
        on
            roles.mode = 'calendar'
            and (roles.event_name = 'any_active' or (roles.event_name = 'any_core' and days.core_event_count > 0))

    union all

    select
        roles.definition,
        roles.role,
        events.person_id,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join roles
        on
            roles.mode = 'rolling'
            and ((roles.event_name = 'any_active' and events.is_interactive) or (roles.event_name = 'any_core' and events.is_core))

    union all

    select
        roles.definition,
        roles.role,
        events.person_id,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join roles on events.event_name = roles.event_name

),

starts as (

    select
        definition,
        person_id,
        min(occurred_at) as started_at

    from points
    where role = 'start'
    group by definition, person_id

),

cohorts as (

    select
        starts.definition,
        starts.person_id,
        starts.started_at,
        {{ local_date('starts.started_at') }} as started_date,
        definitions.unit,
        definitions.mode,
        definitions.unit_days,
        case definitions.unit
            when 'day' then {{ local_date('starts.started_at') }}
            when 'week' then {{ period_start('week', local_date('starts.started_at')) }}
            else {{ period_start('month', local_date('starts.started_at')) }}
        end as cohort_start_date

    from starts
    inner join definitions on starts.definition = definitions.definition

),

returns as (

    select distinct
        cohorts.definition,
        cohorts.person_id,
        cohorts.cohort_start_date,
        case
            when cohorts.mode = 'rolling'
                then cast(floor(
                    {{ elapsed_seconds('cohorts.started_at', 'points.occurred_at') }} / cast(cohorts.unit_days * 86400 as double)
                ) as bigint)
            when cohorts.unit = 'month'
                then {{ month_number(local_date('points.occurred_at')) }} - {{ month_number('cohorts.cohort_start_date') }}
            else cast(floor(
                {{ days_between('cohorts.cohort_start_date', local_date('points.occurred_at')) }} / cast(cohorts.unit_days as double)
            ) as bigint)
        end as period_offset

    from cohorts
    inner join points
        on
            cohorts.definition = points.definition
            and cohorts.person_id = points.person_id
            and points.role = 'return'
            and cohorts.started_at <= points.occurred_at

),

-- everything that the three criteria ask of a person
bounds as (

    select
        definition,
        person_id,
        max(period_offset) as last_offset,
        min(case when period_offset >= 1 then period_offset end) as first_return_offset

    from returns
    group by definition, person_id

),

sizes as (

    select
        cohorts.definition,
        cohorts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as cohort_count

    from cohorts
    inner join {{ ref('bridge_person_segments') }} as segments on cohorts.person_id = segments.person_id
    group by cohorts.definition, cohorts.cohort_start_date, segments.segment_type, segments.segment_value

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
        -- the last day on which the youngest of the cohort can still be in the offset's period
        case
            when definitions.mode = 'calendar' and definitions.unit = 'month'
                then {{ add_months('sizes.cohort_start_date', 'offsets.period_offset + 1') }}
            when definitions.mode = 'rolling' and definitions.unit = 'month'
                then {{ add_days(add_months('sizes.cohort_start_date', '1'), '(offsets.period_offset + 1) * definitions.unit_days') }}
            when definitions.mode = 'rolling'
                then {{ add_days('sizes.cohort_start_date', '(offsets.period_offset + 2) * definitions.unit_days') }}
            else {{ add_days('sizes.cohort_start_date', '(offsets.period_offset + 1) * definitions.unit_days') }}
        end <= as_of.as_of_date as is_mature

    from sizes
    inner join definitions on sizes.definition = definitions.definition
    inner join offsets on definitions.max_offset >= offsets.period_offset
    cross join as_of
    where
        case definitions.unit
            when 'month' then {{ add_months('sizes.cohort_start_date', 'offsets.period_offset') }}
            else {{ add_days('sizes.cohort_start_date', 'offsets.period_offset * definitions.unit_days') }}
        end <= as_of.as_of_date

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
    inner join {{ ref('bridge_person_segments') }} as segments on returns.person_id = segments.person_id
    group by returns.definition, returns.cohort_start_date, segments.segment_type, segments.segment_value, returns.period_offset

),

bounded_cohorts as (

    select
        cohorts.definition,
        cohorts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        bounds.last_offset,
        bounds.first_return_offset,
        count(*) as person_count

    from cohorts
    inner join bounds on cohorts.definition = bounds.definition and cohorts.person_id = bounds.person_id
    inner join {{ ref('bridge_person_segments') }} as segments on cohorts.person_id = segments.person_id
    group by
        cohorts.definition, cohorts.cohort_start_date, segments.segment_type, segments.segment_value,
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

kpi_retention_cohorts as (

    select
        {{ key_of([
            'definition', 'criterion', 'row_type', 'cohort_start_date', 'segment_type', 'segment_value', 'period_offset'
        ]) }} as retention_cohort_id,
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

select * from kpi_retention_cohorts
