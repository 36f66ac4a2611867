{# Raw tables that lie in files become views in the schema raw_<source>: read in place, nothing is copied. #}

{#
  DuckDB's row source of files at a path (a glob or one file): parquet, or CSV with a header and every column as text. Read by one thread, since several
  cannot pad short rows where a field holds a line break.
#}
{% macro duckdb_files(path) -%}
    {%- if path.endswith('.parquet') -%}
        read_parquet({{ quoted(path) }}, union_by_name = true)
    {%- else -%}
        read_csv({{ quoted(path) }}, all_varchar = true, header = true, null_padding = true, parallel = false, quote = '"', escape = '"')
    {%- endif -%}
{%- endmacro %}

{# Are there files at this path? #}
{% macro files_exist(path) %}{{ return(adapter.dispatch('files_exist', 'customer_journey')(path)) }}{% endmacro %}
{% macro default__files_exist(path) %}
    {{ return(run_query('select count(*) from glob(' ~ quoted(path) ~ ')').rows[0][0] > 0) }}
{% endmacro %}

{# journey_files_exist is a function that tools/spark.py adds to the embedded session: SQL alone cannot ask for a file without failing where there is none. #}
{% macro spark__files_exist(path) %}
    {{ return(run_query('select journey_files_exist(' ~ quoted(path) ~ ')').rows[0][0]) }}
{% endmacro %}

{# A view (parquet) or an external table (CSV, whose options a view cannot hold) on the files. #}
{% macro create_file_view(relation, path) %}{{ return(adapter.dispatch('create_file_view', 'customer_journey')(relation, path)) }}{% endmacro %}
{% macro default__create_file_view(relation, path) %}
    {%- do run_query('create or replace view ' ~ relation ~ ' as select * from ' ~ duckdb_files(path)) -%}
{% endmacro %}

{% macro spark__create_file_view(relation, path) %}
    {%- if path.endswith('.parquet') -%}
        {%- do run_query('create or replace view ' ~ relation ~ ' as select * from parquet.' ~ quoted_name(path)) -%}
    {%- else -%}
        {%- do run_query('drop table if exists ' ~ relation) -%}
        {%- do run_query('create table ' ~ relation ~ ' using csv options (path ' ~ quoted(path) ~ ", header 'true', multiLine 'true', escape '\"')") -%}
    {%- endif -%}
{% endmacro %}

{#
  The rows of a CSV as a list of dictionaries of text, NULL for an empty field. For the checks before a run, which must read a seed before dbt loads it.
#}
{% macro csv_rows(path) %}{{ return(adapter.dispatch('csv_rows', 'customer_journey')(path)) }}{% endmacro %}
{% macro default__csv_rows(path) %}
    {{ return(rows_of(run_query('select * from ' ~ duckdb_files(path)))) }}
{% endmacro %}
{% macro spark__csv_rows(path) %}
    {%- do run_query('create or replace temporary view journey_csv_file using csv options (path ' ~ quoted(path) ~ ", header 'true', multiLine 'true', escape '\"')") -%}
    {{ return(rows_of(run_query('select * from journey_csv_file'))) }}
{% endmacro %}

{% macro rows_of(table) %}
    {%- set rows = [] -%}
    {%- for row in table.rows -%}
        {%- do rows.append(dict(zip(table.column_names, row.values()))) -%}
    {%- endfor -%}
    {{ return({'columns': table.column_names | list, 'rows': rows}) }}
{% endmacro %}

{# Writes each mart as parquet files into <folder>/<mart>: dbt run-operation export_marts --args '{folder: /somewhere}'. What is there is replaced. #}
{% macro export_marts(folder) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.path.startswith('marts/') -%}
        {%- do export_table(node.relation_name, folder ~ '/' ~ node.name) -%}
    {%- endfor -%}
{% endmacro %}

{% macro export_table(relation, folder) %}{{ return(adapter.dispatch('export_table', 'customer_journey')(relation, folder)) }}{% endmacro %}
{% macro default__export_table(relation, folder) %}
    {%- do run_query('copy (select * from ' ~ relation ~ ') to ' ~ quoted(folder) ~ ' (format parquet, per_thread_output true, overwrite true)') -%}
{% endmacro %}
{% macro spark__export_table(relation, folder) %}
    {%- do run_query('insert overwrite directory ' ~ quoted(folder) ~ ' using parquet select * from ' ~ relation) -%}
{% endmacro %}
