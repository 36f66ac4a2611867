{# Schemas are called by their layer (staging, intermediate, marts); a target whose schema is not `main` puts its name before them. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
{%- if custom_schema_name is none -%}
{{ target.schema }}
{%- elif target.schema in ['main', 'default'] -%}
{{ custom_schema_name | trim }}
{%- else -%}
{{ target.schema }}_{{ custom_schema_name | trim }}
{%- endif -%}
{%- endmacro %}
