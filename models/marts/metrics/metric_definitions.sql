{#- the rows come from the yml of the kpi_ models: what is not described there does not pass the project's laws -#}
with

metric_definitions as (

    {%- set rows = [] %}
    {%- for model_name, node in kpi_nodes().items() %}
        {%- for column in node.columns.values() %}
            {%- do rows.append({'node': node, 'column': column, 'role': kpi_column_role(node, column)}) %}
        {%- endfor %}
    {%- endfor %}
    {%- for row in rows %}
    {%- set node, column = row.node, row.column %}
    {%- set parts = kpi_parts(node, column.name) if row.role == 'measure' else {} %}
    {%- set text = dbt.type_string() %}

    select
        {{ quoted(node.name ~ '.' ~ column.name) }} as metric,
        {{ quoted(node.name) }} as table_name,
        {{ quoted(column.name) }} as column_name,
        {{ quoted(row.role) }} as role,
        cast({{ quoted(kpi_measure_kind(node, column.name)) if row.role == 'measure' else 'null' }} as {{ text }}) as kind,
        {{ quoted(column.description) }} as description,
        cast({{ quoted(node.columns[parts.numerator].description) if parts.numerator else 'null' }} as {{ text }}) as numerator,
        cast({{ quoted(node.columns[parts.denominator].description) if parts.denominator else 'null' }} as {{ text }}) as denominator,
        cast({{ quoted(kpi_window(column.name)) if row.role == 'measure' else 'null' }} as {{ text }}) as counted_within,
        cast({{ quoted(kpi_null_rule(node, column.name, column.description)) if row.role == 'measure' else 'null' }} as {{ text }}) as null_rule,
        cast({{ quoted(parts.maturity) if parts.maturity else 'null' }} as {{ text }}) as maturity_column,
        {{ quoted(node.description) }} as grain

    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        {% for name in [
            'metric', 'table_name', 'column_name', 'role', 'kind', 'description', 'numerator', 'denominator', 'counted_within', 'null_rule',
            'maturity_column', 'grain'
        ] -%}
        cast(null as {{ dbt.type_string() }}) as {{ name }}{{ ', ' if not loop.last }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}

)

select * from metric_definitions
