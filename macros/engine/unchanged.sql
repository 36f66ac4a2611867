{#
  A table whose query and inputs are those it was made of stands as it is: an idle build does no more than find that out.

  Each table has a version in the table build_versions (node_id, version), written in the transaction that writes its rows. The version of a table that is
  made anew in each build is its recipe: the md5 of its compiled query, of its columns' contract and of the versions of everything it reads. An incremental
  table gets a new version in each build that wrote to it, a view the md5 of its query, a seed that of the file it was loaded from. What lies outside (raw
  tables, the ledger) has no version, so what reads it is always made; int_loads_unioned and int_loads_pending are versioned by their rows, and the others
  follow from these.

  A data test that has found nothing is written down in the same way, and a build whose tables are those it looked at does not ask it again; dbt test always
  does.

  --full-refresh makes everything, and asks everything, also in the build that goes on where it was cut off. On other engines nothing is left standing: on Spark a table and its version cannot be written in one transaction.
#}

{% macro versions_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'build_versions', 'table')) }}
{%- endmacro %}

{% macro prepare_versions() %}
    {%- set text = dbt.type_string() -%}
    {%- do adapter.create_schema(relation_in(versions_relation().schema)) -%}
    {%- do run_query('create table if not exists ' ~ versions_relation() ~ ' (node_id ' ~ text ~ ', version ' ~ text ~ ')' ~ ledger_table_options()) -%}
{% endmacro %}

{#
  What a node reads, and what its views read: a dictionary with `made` (ids whose version stands in the table), and is_known, false where something can have
  no version. A seed counts as it was loaded: its file may be newer than that.
#}
{% macro inputs_of(node_id, found=none) %}
    {%- set inputs = found or {'made': [], 'is_known': true, 'visited': []} -%}
    {%- for id in graph.nodes[node_id].depends_on.nodes if id not in inputs.visited -%}
        {%- do inputs.visited.append(id) -%}
        {%- set node = graph.nodes.get(id) -%}
        {%- if node is none or node.resource_type not in ['model', 'seed'] -%}
            {%- do inputs.update({'is_known': false}) -%}
        {%- else -%}
            {%- if node.config.materialized != 'ephemeral' -%}
                {%- do inputs.made.append(quoted(id)) -%}
            {%- endif -%}
            {%- if node.config.materialized in ['view', 'ephemeral'] -%}
                {%- do inputs_of(id, inputs) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(inputs) }}
{% endmacro %}

{# The version of a seed's file and types; none for a large one, of which dbt knows the path only. #}
{% macro seed_version(node) %}
    {{ return(none if node.checksum.name == 'path' else local_md5(node.checksum.checksum ~ tojson(node.config.column_types, sort_keys=true))) }}
{% endmacro %}

{# The running model's recipe, or none where something that it reads has no version. #}
{% macro recipe(code) %}
    {%- if model.config.get('meta', {}).get('reads_beyond_refs') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set inputs = inputs_of(model.unique_id) -%}
    {%- if not inputs.is_known -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set parts = [code] -%}
    {%- for column in model.columns.values() -%}
        {%- do parts.append(column.name ~ ' ' ~ column.data_type ~ ' ' ~ column.constraints) -%}
    {%- endfor -%}
    {%- if inputs.made -%}
        {%- set rows = run_query(
            'select node_id, version from ' ~ versions_relation() ~ ' where node_id in (' ~ inputs.made | join(', ') ~ ') order by 1, 2'
        ).rows -%}
        {%- if rows | length != inputs.made | length -%}
            {{ return(none) }}
        {%- endif -%}
        {%- for row in rows -%}
            {%- do parts.append(row[0] ~ ' ' ~ row[1]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(local_md5(parts | join('\n'))) }}
{% endmacro %}

{# Is the running node's table there, last made as this version? #}
{% macro stands_as(version, relation) %}
    {{ return(relation is not none and relation.is_table and not should_full_refresh() and is_version(version)) }}
{% endmacro %}

{# Is this what is written down of the running node? #}
{% macro is_version(version) %}
    {%- if version is none or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query(
        'select count(*) from ' ~ versions_relation() ~ ' where node_id = ' ~ quoted(model.unique_id) ~ ' and version = ' ~ quoted(version)
    ).rows[0][0] > 0) }}
{% endmacro %}

{# Statement that writes down the running node's version: an expression, which may be a query. #}
{% macro record_version(version) -%}
delete from {{ versions_relation() }} where node_id = {{ quoted(model.unique_id) }};
insert into {{ versions_relation() }} select {{ quoted(model.unique_id) }}, {{ version }};
{%- endmacro %}

{# For the end of an incremental model, in its transaction: a new version, unless everything that could have made it write is empty. #}
{% macro record_incremental_version() %}{{ return(adapter.dispatch('record_incremental_version', 'customer_journey')()) }}{% endmacro %}
{% macro spark__record_incremental_version() %}{% endmacro %}
{% macro postgres__record_incremental_version() %}{% endmacro %}
{% macro default__record_incremental_version() %}
    {%- set counts = [] -%}
    {%- for id in model.depends_on.nodes if id.split('.')[-1].startswith('int_dirty_') or id.endswith('.int_loads_pending') -%}
        {%- do counts.append('(select count(*) from ' ~ relation_in(graph.nodes[id].schema, graph.nodes[id].alias) ~ ')') -%}
    {%- endfor -%}
    {%- set is_untouched = namespace(answer=false) -%}
    {%- if counts and is_delta() -%}
        {%- set found = run_query(
            'select ' ~ counts | join(' + ') ~ ', (select count(*) from ' ~ versions_relation() ~ ' where node_id = ' ~ quoted(model.unique_id) ~ ')'
        ).rows[0] -%}
        {%- set is_untouched.answer = found[0] == 0 and found[1] > 0 -%}
    {%- endif -%}
    {%- if not is_untouched.answer -%}
        {%- do run_query(record_version(quoted(invocation_id))) -%}
    {%- endif -%}
{% endmacro %}

{#
  The running model's table or view, dropped and made in one transaction with its version: `creation` makes it, `version` is an expression. dbt-duckdb's own
  materialisations make each under another name and rename it twice; in one transaction nobody sees the difference, and it takes half the statements.
#}
{% macro make_anew(target_relation, existing_relation, creation, version) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {%- if existing_relation is not none %}
        drop {{ existing_relation.type }} {{ existing_relation }};
        {%- endif %}
        {{ creation }};
        {{ record_version(version) }}
    {%- endcall %}
    {% do create_indexes(target_relation) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
{% endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- if model['language'] == 'python' or adapter.is_ducklake(this) -%}
        {{ return(dbt_duckdb.materialization_table_duckdb()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set version = recipe(compiled_code) -%}
    {%- if stands_as(version, existing_relation) -%}
        {% call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}
            {{ compiled_code }}
        {%- endcall %}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {%- if version is none and model.config.get('meta', {}).get('is_versioned_by_rows') -%}
        {%- set written = "(select coalesce(md5(string_agg(row_text, '|' order by row_text)), '') from (select cast(made as varchar) as row_text from "
            ~ target_relation ~ ' as made) as texts)' -%}
    {%- else -%}
        {%- set written = quoted(version or invocation_id) -%}
    {%- endif -%}
    {%- do make_anew(target_relation, existing_relation, create_table_as(False, target_relation, compiled_code), written) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- created in any case: what a view reads may have got other types -#}
{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- do make_anew(
        target_relation, load_cached_relation(this), create_view_as(target_relation, compiled_code), quoted(local_md5(compiled_code))
    ) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization test, adapter='duckdb' %}
    {%- set version = recipe(sql ~ [config.get('fail_calc'), config.get('warn_if'), config.get('error_if'), config.get('limit')] | string)
        if flags.WHICH == 'build' and not should_store_failures() else none -%}
    {%- if is_version(version) -%}
        {% call statement('main', fetch_result=True) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall %}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set found = dbt.materialization_test_default() -%}
    {%- if version is not none and load_result('main').table.rows[0].values() | list == [0, false, false] -%}
        {%- do run_query(record_version(quoted(version))) -%}
        {{ adapter.commit() }}
    {%- endif -%}
    {{ return(found) }}
{% endmaterialization %}

{% materialization seed, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set version = seed_version(model) -%}
    {%- if stands_as(version, load_cached_relation(this)) -%}
        {#- dbt asks each seed for its rows -#}
        {%- do store_result('agate_table', response='UNCHANGED') -%}
        {% call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall %}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {#- gone in the transaction that loads the rows, there again after it: a build that is cut off in between loads them once more -#}
    {%- do run_query('delete from ' ~ versions_relation() ~ ' where node_id = ' ~ quoted(model.unique_id)) -%}
    {%- set made = dbt.materialization_seed_default() -%}
    {%- if version is not none -%}
        {%- do run_query(record_version(quoted(version))) -%}
        {{ adapter.commit() }}
    {%- endif -%}
    {{ return(made) }}
{% endmaterialization %}
