{# What the macros of this folder write over groups: a list of columns, empty where all rows are one group. #}

{# The `partition by` of a window, nothing for one group. #}
{% macro partition_of(columns) -%}
{{ 'partition by ' ~ columns | join(', ') if columns }}
{%- endmacro %}

{# The `group by` of a query, nothing for one group. #}
{% macro grouped_by(columns) -%}
{{ 'group by ' ~ columns | join(', ') if columns }}
{%- endmacro %}

{# The columns with a comma behind each, before others in a list. #}
{% macro columns_before(columns) -%}
{% for column in columns %}{{ column }}, {% endfor %}
{%- endmacro %}
