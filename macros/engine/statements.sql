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

{#
  A table that the running model works with and nobody else reads, by a name of its own: temporary, so neither compressed nor written to the file, and gone
  with the connection of a run that was killed. Spark has none: there it is a table beside the model's, and the next run drops what a killed one has left.
#}
{% macro working_table(name) %}{{ return(adapter.dispatch('working_table', 'customer_journey')(this.identifier ~ '__' ~ name)) }}{% endmacro %}
{% macro default__working_table(name) %}{{ return(api.Relation.create(identifier=name, type='table')) }}{% endmacro %}
{% macro spark__working_table(name) %}{{ return(api.Relation.create(database=this.database, schema=this.schema, identifier=name, type='table')) }}{% endmacro %}

{% macro make_working_table(relation, query) %}
    {%- do drop_working_table(relation) -%}
    {%- do run_query(adapter.dispatch('working_table_query', 'customer_journey')(relation, query)) -%}
{% endmacro %}
{% macro default__working_table_query(relation, query) -%}
create temporary table {{ relation }} as
{{ query }}
{%- endmacro %}
{% macro spark__working_table_query(relation, query) %}{{ return(create_table_as(false, relation, query)) }}{% endmacro %}

{% macro drop_working_table(relation) %}{%- do run_query('drop table if exists ' ~ relation) -%}{% endmacro %}

{#- dbt knows the schema's tables since its start, so this asks nobody -#}
{% macro drop_left_working_tables(names) %}{{ return(adapter.dispatch('drop_left_working_tables', 'customer_journey')(names)) }}{% endmacro %}
{% macro default__drop_left_working_tables(names) %}{% endmacro %}
{% macro spark__drop_left_working_tables(names) %}
    {%- for name in names -%}
        {%- do drop_relation_if_exists(load_cached_relation(working_table(name))) -%}
    {%- endfor -%}
{% endmacro %}
