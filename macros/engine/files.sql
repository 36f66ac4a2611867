{# Raw tables that lie in files become views in the schema raw_<source>: read in place, nothing is copied; PostgreSQL alone gets a copy. #}

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

{# The rows of a query over files, for the default__ macros below; the same text on both DuckDB and Spark, which asks none. #}
{% macro file_query(query) %}{{ return(adapter.dispatch('file_query', 'customer_journey')(query)) }}{% endmacro %}
{% macro default__file_query(query) %}
    {{ return(run_query(query).rows) }}
{% endmacro %}
{# A server sees no files of its client's: DuckDB answers beside it, in the process of tools/postgres_dbt.py, which adds these two to dbt's adapter. #}
{% macro postgres__file_query(query) %}
    {%- if adapter.journey_asked_of_files is not defined -%}
        {{ exceptions.raise_compiler_error('dbt alone cannot read files for PostgreSQL. Call it by: python -m tools.postgres_dbt build (make build TARGET=postgres does)') }}
    {%- endif -%}
    {{ return(adapter.journey_asked_of_files(query)) }}
{% endmacro %}

{# Are there files at this path? #}
{% macro files_exist(path) %}{{ return(adapter.dispatch('files_exist', 'customer_journey')(path)) }}{% endmacro %}
{% macro default__files_exist(path) %}
    {{ return(file_query('select count(*) from glob(' ~ quoted(path) ~ ')')[0][0] > 0) }}
{% endmacro %}

{# SQL alone cannot ask Spark for a file without failing where there is none: tools/spark.py catches that. #}
{% macro spark__files_exist(path) %}
    {{ return(spark_question('journey_files_exist')(path)) }}
{% endmacro %}

{# A question that tools/spark.py gives to the adapter. #}
{% macro spark_question(name) %}
    {%- if adapter[name] is not defined -%}
        {%- do exceptions.raise_compiler_error('On Spark call dbt through tools/spark.py: JOURNEY_TARGET=' ~ target.name ~ ' .venv-spark/bin/python -m tools.spark build (make build TARGET='
            ~ target.name ~ ' does). It answers what SQL cannot ask: whether files exist.') -%}
    {%- endif -%}
    {{ return(adapter[name]) }}
{% endmacro %}

{#
  How the parquet files at a path are built: a list of {first_file, last_file, columns: lower-case name -> type, '' for a nested one}, one for each layout
  that occurs; [] for other files. One query, which reads the files' footers only; the layouts are few however many files there are.
#}
{% macro file_schemas(path) %}{{ return(adapter.dispatch('file_schemas', 'customer_journey')(path)) }}{% endmacro %}
{% macro default__file_schemas(path) %}
    {%- set schemas = [] -%}
    {%- if path.endswith('.parquet') -%}
        {%- for row in file_query(
            'select layout, min(file_name), max(file_name) from (select file_name, cast(to_json(list([name, children, type] order by number)) as varchar) as layout'
            ~ " from (select file_name, name, cast(coalesce(num_children, 0) as varchar) as children, coalesce(duckdb_type, '') as type, row_number() over () as number"
            ~ ' from parquet_schema(' ~ quoted(path) ~ ')) as elements group by file_name) as layouts group by layout order by 2'
        ) -%}
            {#- the elements stand in depth-first order behind their root; only the root's own children are columns -#}
            {%- set columns = {} -%}
            {%- set within = namespace(elements=0) -%}
            {%- for name, children, type in fromjson(row[0])[1:] -%}
                {%- if within.elements == 0 -%}
                    {%- do columns.update({name | lower: type}) -%}
                {%- else -%}
                    {%- set within.elements = within.elements - 1 -%}
                {%- endif -%}
                {%- set within.elements = within.elements + children | int -%}
            {%- endfor -%}
            {%- do schemas.append({'first_file': row[1], 'last_file': row[2], 'columns': columns}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(schemas) }}
{% endmacro %}
{# No SQL of Spark tells the layout of a single file. #}
{% macro spark__file_schemas(path) %}{{ return([]) }}{% endmacro %}

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

{# The rows are copied: files that are new or have changed. #}
{% macro postgres__create_file_view(relation, path) %}
    {%- do adapter.journey_load_files(relation.schema, relation.identifier, path) -%}
{% endmacro %}

{#
  A CSV as the checks before a run see it, which must read a seed before dbt loads it: {is_text, columns, rows, problems}. Rows are dictionaries of text
  with their number, as an editor counts, under ''. It is taken apart here and not by the engine, whose readers guess separators and fill short rows up:
  what a person left out by mistake would then be told as something else, or not at all.
#}
{% macro csv_rows(path) %}
    {%- set csv = {'is_text': true, 'columns': [], 'rows': [], 'problems': []} -%}
    {%- set text = file_text(path) -%}
    {%- if text is none -%}
        {%- do csv.update({'is_text': false}) -%}
        {%- do csv.problems.append('[T9]: is not UTF-8; save it as UTF-8 (Excel: "CSV UTF-8"). It may be Latin-1 (Windows-1252) or UTF-16 now.') -%}
        {{ return(csv) }}
    {%- endif -%}
    {#- a field in quotes, one without, or one whose quotes do not close where the field ends; then what ends it -#}
    {%- set fields = modules.re.findall('(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n][^,\r\n]*|)|("[^\r\n]*))(,|\r\n|\r|\n|\\Z)', text) -%}
    {%- set at = namespace(row=1, fields=[], is_broken=false, is_blank=true) -%}
    {%- for quoted_text, plain_text, broken_text, end in fields -%}
        {%- do at.fields.append(quoted_text | replace('""', '"') or plain_text) -%}
        {%- set at.is_blank = at.is_blank and not (quoted_text or plain_text or broken_text) -%}
        {%- if broken_text and not at.is_broken -%}
            {%- set at.is_broken = true -%}
            {%- do csv.problems.append('[T9], row ' ~ at.row ~ ': a quotation mark opens a field and the field does not end where it closes (`' ~ broken_text[:60]
                ~ '`). Close it before the next comma, and write a quotation mark within a field twice.') -%}
        {%- endif -%}
        {%- if end != ',' -%}
            {%- if at.is_blank and at.fields | length == 1 -%}
                {#- an empty line, or nothing after the last one, is no row -#}
            {%- elif not csv.columns -%}
                {%- do csv.columns.extend(at.fields) -%}
            {%- elif at.fields | length == csv.columns | length and not at.is_broken -%}
                {%- do csv.rows.append(dict(zip(csv.columns + [''], at.fields + [at.row]))) -%}
            {%- elif not at.is_broken -%}
                {%- do csv.problems.append('[T9], row ' ~ at.row ~ ': has ' ~ at.fields | length ~ (' field' if at.fields | length == 1 else ' fields') ~ ', the header '
                    ~ csv.columns | length ~ '. Write a comma for each column, also for an empty one at the end, and quotation marks around a text with a comma.') -%}
            {%- endif -%}
            {%- set at.row = at.row + 1 -%}
            {%- set at.fields = [] -%}
            {%- set at.is_broken = false -%}
            {%- set at.is_blank = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(csv) }}
{% endmacro %}

{# The text of a file without a byte order mark, none where it is not UTF-8. #}
{% macro file_text(path) %}
    {#- the x keeps the driver from taking an empty text, or one that reads null, for NULL -#}
    {%- set text = adapter.dispatch('file_text_behind_x', 'customer_journey')(path) -%}
    {%- if text is none -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(text[2:] if text[1:2] == '\ufeff' else text[1:]) }}
{% endmacro %}
{% macro default__file_text_behind_x(path) %}
    {{ return(file_query("select 'x' || try(decode(content)) from read_blob(" ~ quoted(path) ~ ')')[0][0]) }}
{% endmacro %}
{# Seeds lie beside dbt, and not where Spark runs. #}
{% macro spark__file_text_behind_x(path) %}
    {%- set text = spark_question('journey_file_text')(path) -%}
    {{ return('x' ~ text if text is not none else none) }}
{% endmacro %}

{# Writes each mart as parquet files into <folder>/<mart>: dbt run-operation export_marts --args '{folder: /somewhere}'. What is there is replaced. #}
{% macro export_marts(folder) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.path.startswith('marts/') -%}
        {#- a build of a part leaves the rest away -#}
        {%- if adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- do export_table(node.relation_name, folder ~ '/' ~ node.name) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro export_table(relation, folder) %}{{ return(adapter.dispatch('export_table', 'customer_journey')(relation, folder)) }}{% endmacro %}
{% macro default__export_table(relation, folder) %}
    {%- do run_query('copy (select * from ' ~ relation ~ ') to ' ~ quoted(folder) ~ ' (format parquet, per_thread_output true, overwrite true)') -%}
{% endmacro %}
{% macro spark__export_table(relation, folder) %}
    {%- do run_query('insert overwrite directory ' ~ quoted(folder) ~ ' using parquet select * from ' ~ relation) -%}
{% endmacro %}
{% macro postgres__export_table(relation, folder) %}
    {{ exceptions.raise_compiler_error('PostgreSQL writes no parquet: read ' ~ relation ~ ' where it is, or take it out with pg_dump or COPY.') }}
{% endmacro %}
