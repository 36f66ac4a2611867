with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

definitions as (
{{ retention_definitions() }}
),

starts as (

    select * from {{ ref('fct_retention_starts') }}

),

returns as (

    select * from {{ ref('fct_retention_returns') }}

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
        starts.definition,
        starts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as cohort_count

    from starts
    inner join {{ ref('bridge_person_segments') }} as segments on starts.person_id = segments.person_id
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
        starts.definition,
        starts.cohort_start_date,
        segments.segment_type,
        segments.segment_value,
        bounds.last_offset,
        bounds.first_return_offset,
        count(*) as person_count

    from starts
    inner join bounds on starts.definition = bounds.definition and starts.person_id = bounds.person_id
    inner join {{ ref('bridge_person_segments') }} as segments on starts.person_id = segments.person_id
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
