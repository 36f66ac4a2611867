{#
  dbt's own, whose name dbt looks up in the project first: its way by call statement() and load_result() is two macros more, hundreds of times a build.
  Behind a Thrift server a statement that is no query has no rows to fetch, and fetching them ends in "'NoneType' object is not iterable".
#}
{% macro run_query(sql) %}{{ return(adapter.dispatch('run_query', 'customer_journey')(sql)) }}{% endmacro %}
{% macro default__run_query(sql) %}{{ return(adapter.execute(sql, auto_begin=false, fetch=true)[1] if execute else none) }}{% endmacro %}
{% macro spark__run_query(sql) %}
    {%- set has_rows = modules.re.match('(\\s|[(]|--[^\\n]*\\n)*(select|with|values|show|describe|explain)\\b', sql, modules.re.IGNORECASE) -%}
    {%- call statement('run_query_statement', fetch_result=has_rows is not none, auto_begin=false) -%}
        {{ sql }}
    {%- endcall -%}
    {{ return(load_result('run_query_statement').table) }}
{% endmacro %}

{#
  The columns of a table or view: a list of {name, dtype}, in their order. On DuckDB asked here: adapter.get_columns_in_relation() calls a macro, for which
  dbt makes the whole project's macros anew, and a build asks for some forty tables. Spark and PostgreSQL are asked by it, in the same text on both.
#}
{% macro columns_of(relation) %}{{ return(adapter.dispatch('columns_of', 'customer_journey')(relation)) }}{% endmacro %}
{% macro default__columns_of(relation) %}{{ return(adapter.get_columns_in_relation(relation)) }}{% endmacro %}
{% macro duckdb__columns_of(relation) %}
    {%- set columns = [] -%}
    {%- for row in run_query('describe ' ~ relation).rows -%}
        {%- do columns.append({'name': row[0], 'dtype': row[1]}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
