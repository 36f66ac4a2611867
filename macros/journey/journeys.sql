{# Days of a seed (a number, fractions too) as microseconds; NULL where it is empty. #}
{% macro days_in_us(days) -%}
cast(round(cast({{ days }} as double) * 86400000000e0) as bigint)
{%- endmacro %}

{# Text of a seed; NULL where it is empty. #}
{% macro seed_text(column) %}nullif({{ column }}, ''){% endmacro %}

{# The rows of a seed as its file has them, while a statement is written; none before dbt executes. #}
{% macro seed_rows(name) %}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == name -%}
        {{ return(csv_rows(seed_path(node)).rows) }}
    {%- endfor -%}
{% endmacro %}
