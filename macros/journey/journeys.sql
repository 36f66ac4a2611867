{# Days of a seed (a number, fractions too) as microseconds; NULL where it is empty. #}
{% macro days_in_us(days) -%}
cast(round(cast({{ days }} as double) * 86400000000e0) as bigint)
{%- endmacro %}

{# Text of a seed; NULL where it is empty. #}
{% macro seed_text(column) %}nullif({{ column }}, ''){% endmacro %}

{# Join of `paths` and `as_of` to what the person of a path did from its begin until a moment, both included, as far as it is known. #}
{% macro join_while_on_path(facts, facts_alias, at, until) -%}
inner join {{ ref(facts) }} as {{ facts_alias }}
        on
            paths.person_id = {{ facts_alias }}.person_id
            and paths.started_at <= {{ facts_alias }}.{{ at }}
            and as_of.as_of_at >= {{ facts_alias }}.{{ at }}
            and {{ until }} >= {{ facts_alias }}.{{ at }}
{%- endmacro %}

{# The rows of a seed as its file has them, while a statement is written; none before dbt executes. #}
{% macro seed_rows(name) %}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == name -%}
        {{ return(csv_rows(seed_path(node)).rows) }}
    {%- endfor -%}
{% endmacro %}
