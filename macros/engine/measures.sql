{#
  The measures of a KPI table as rows. With one select per measure a question for one metric reads that measure alone; Spark, which plans hundreds of selects
  badly, turns each row into an array instead.
#}
{% macro measures_of(node, measures) %}{{ return(adapter.dispatch('measures_of', 'customer_journey')(node, measures)) }}{% endmacro %}
{% macro default__measures_of(node, measures) -%}
{%- for name in measures %}
{%- set parts = kpi_parts(node, name) %}
select
    {{ key_of([quoted(node.name ~ '.' ~ name), node.columns.keys() | first]) }} as kpi_value_id,
    {{ quoted(node.name ~ '.' ~ name) }} as metric,
    {{ measure_row(node) }},
    cast({{ parts.numerator or 'null' }} as double) as numerator,
    cast({{ parts.denominator or 'null' }} as double) as denominator,
    cast({{ name }} as double) as value,
    cast({{ parts.lower or 'null' }} as double) as value_lower,
    cast({{ parts.upper or 'null' }} as double) as value_upper,
    cast({{ parts.maturity or 'null' }} as boolean) as is_mature

from {{ node.relation_name }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
{% macro spark__measures_of(node, measures) -%}
select
    {{ key_of(['measure.metric', 'row_id']) }} as kpi_value_id,
    measure.metric,
    row_id,
    period_type,
    period_start_date,
    segment_type,
    segment_value,
    dimensions,
    measure.numerator,
    measure.denominator,
    measure.value,
    measure.value_lower,
    measure.value_upper,
    measure.is_mature

from (
    select
        {{ measure_row(node) }},
        explode(array(
            {%- for name in measures %}
            {%- set parts = kpi_parts(node, name) %}
            named_struct(
                'metric', {{ quoted(node.name ~ '.' ~ name) }},
                'numerator', cast({{ parts.numerator or 'null' }} as double), 'denominator', cast({{ parts.denominator or 'null' }} as double),
                'value', cast({{ name }} as double),
                'value_lower', cast({{ parts.lower or 'null' }} as double), 'value_upper', cast({{ parts.upper or 'null' }} as double),
                'is_mature', cast({{ parts.maturity or 'null' }} as boolean)
            ){{ ',' if not loop.last }}
            {%- endfor %}
        )) as measure

    from {{ node.relation_name }}
) as exploded
{%- endmacro %}
