{#- every column that ends in _rate or _share of every kpi table, found in the project itself, so that no new one is forgotten -#}
{%- set checks = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name.startswith('kpi_') -%}
        {%- for column in node.columns.values() if column.name.endswith('_rate') or column.name.endswith('_share') or column.name.endswith('_lower') or column.name.endswith('_upper') -%}
            {%- do checks.append({'table': node.name, 'relation': node.relation_name, 'column': column.name}) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif -%}
{%- for check in checks %}
select {{ quoted(check.table) }} as table_name, {{ quoted(check.column) }} as column_name, count(*) as row_count
from {{ check.relation }}
where not ({{ check.column }} >= 0 and {{ check.column }} <= 1)
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- else %}
select 1 as nothing where 1 = 0
{%- endfor %}
-- depends_on: {{ ref('kpi_acquisition_daily') }} {{ ref('kpi_entry_conversion') }} {{ ref('kpi_time_to_convert') }}
-- depends_on: {{ ref('kpi_active_persons_daily') }} {{ ref('kpi_session_frequency') }} {{ ref('kpi_retention_cohorts') }}
