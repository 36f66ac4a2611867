{#
  dbt's own, whose name dbt looks up in the project first. Behind a Thrift server a statement that is no query has no rows to fetch, and fetching them
  ends in "'NoneType' object is not iterable".
#}
{% macro run_query(sql) %}{{ return(adapter.dispatch('run_query', 'customer_journey')(sql)) }}{% endmacro %}
{% macro default__run_query(sql) %}{{ return(dbt.run_query(sql)) }}{% endmacro %}
{% macro spark__run_query(sql) %}
    {%- set has_rows = modules.re.match('(\\s|[(]|--[^\\n]*\\n)*(select|with|values|show|describe|explain)\\b', sql, modules.re.IGNORECASE) -%}
    {%- call statement('run_query_statement', fetch_result=has_rows is not none, auto_begin=false) -%}
        {{ sql }}
    {%- endcall -%}
    {{ return(load_result('run_query_statement').table) }}
{% endmacro %}
