{#
  Which loads a model has seen is a set, not a watermark: rows (model_name, source_table, load_id, row_count) of the table load_ledger, written in the
  model's own transaction. A load whose row count grew is seen anew. A killed build leaves its models' loads unwritten, and the next build does them.
#}

{% macro ledger_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'load_ledger', 'table')) }}
{%- endmacro %}

{% macro prepare_ledger() %}
    {%- set text = dbt.type_string() -%}
    {%- do adapter.create_schema(relation_in(ledger_relation().schema)) -%}
    {%- do run_query(
        'create table if not exists ' ~ ledger_relation() ~ ' (model_name ' ~ text ~ ', source_table ' ~ text
        ~ ', load_id ' ~ text ~ ', row_count bigint)' ~ ledger_table_options()
    ) -%}
    {%- do run_query(
        'create table if not exists ' ~ settings_relation() ~ ' (model_name ' ~ text ~ ', setting ' ~ text ~ ', value ' ~ text ~ ')'
        ~ ledger_table_options()
    ) -%}
{% endmacro %}

{% macro ledger_table_options() %}{{ return(adapter.dispatch('ledger_table_options', 'customer_journey')()) }}{% endmacro %}
{% macro default__ledger_table_options() %}{{ return('') }}{% endmacro %}
{% macro spark__ledger_table_options() %}{{ return(' using iceberg') }}{% endmacro %}

{# The models that work load by load or key by key: all incremental ones of the project. #}
{% macro incremental_models() %}
    {%- set names = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.config.materialized == 'incremental' -%}
        {%- do names.append(node.name) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{% endmacro %}

{#
  True where the running model may treat only what is new: its table exists, it has an entry in the ledger (a table whose first build was cut off has none),
  and no load shrank or was replaced (then everything is done again). One query per model and run.
#}
{% macro is_delta() %}
    {%- if not execute or not is_incremental() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set answer = run_query(
        'select (select count(*) from ' ~ ledger_relation() ~ ' where model_name = ' ~ quoted(model.name) ~ '), '
        ~ '(select count(*) from ' ~ ref('int_loads_pending') ~ ' where is_replaced)'
    ).rows[0] -%}
    {{ return(answer[0] > 0 and answer[1] == 0) }}
{% endmacro %}

{# Pre-hook of a model that works by key: what it will write anew goes; all of it where everything is done again. #}
{% macro clear_keys(key, dirty_model) %}
    {%- if is_delta() -%}
        delete from {{ this }} where {{ key }} in (select {{ key }} from {{ ref(dirty_model) }})
    {%- elif execute and is_incremental() -%}
        delete from {{ this }} where 1 = 1
    {%- endif -%}
{% endmacro %}

{# Pre-hook of a model that works by load. #}
{% macro clear_loads() %}
    {%- if is_delta() -%}
        delete from {{ this }}
        where source_table || '|' || load_id in (select source_table || '|' || load_id from {{ ref('int_loads_pending') }})
    {%- elif execute and is_incremental() -%}
        delete from {{ this }} where 1 = 1
    {%- endif -%}
{% endmacro %}

{#
  Filter of a model that works by load. The loads are written into the statement as constants, so that the engine can skip files and row groups;
  source_name, where given, narrows them to one source.
#}
{% macro where_load_is_pending(source_name=none, keyword='where') %}
    {%- if is_delta() -%}
        {%- set pairs = [] -%}
        {%- for row in run_query('select source_table, load_id, source_name from ' ~ ref('int_loads_pending') ~ ' order by source_table, load_id').rows -%}
            {%- if source_name is none or row[2] == source_name -%}
                {%- do pairs.append('(source_table = ' ~ quoted(row[0]) ~ ' and load_id = ' ~ quoted(row[1]) ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
    {{ keyword }} ({{ pairs | join(' or ') or '1 = 0' }})
    {%- else -%}
    -- depends_on: {{ ref('int_loads_pending') }} {{ ref('int_loads_unioned') }}
    {%- endif -%}
{% endmacro %}

{# Filter of a model that works by key: only the keys that pending loads touch. `keyword` is 'and' where a where clause stands already. #}
{% macro where_dirty(key, dirty_model, keyword='where') %}
    {%- if is_delta() -%}
    {{ keyword }} {{ key }} in (select {{ key.split('.') | last }} from {{ ref(dirty_model) }})
    {%- else -%}
    -- depends_on: {{ ref(dirty_model) }} {{ ref('int_loads_pending') }} {{ ref('int_loads_unioned') }}
    {%- endif -%}
{% endmacro %}

{# Post-hook of every incremental model: it has now seen all loads that this run knows. #}
{% macro record_loads() %}
    {%- if execute -%}
        {%- set ledger = ledger_relation() -%}
        {%- if not is_delta() -%}
            {%- do run_query('delete from ' ~ ledger ~ ' where model_name = ' ~ quoted(model.name)) -%}
            {%- do record_settings() -%}
        {%- endif -%}
        insert into {{ ledger }}
        select {{ quoted(model.name) }}, loads.source_table, loads.load_id, loads.row_count
        from {{ ref('int_loads_unioned') }} as loads
        where not exists (
            select 1 from {{ ledger }} as seen
            where seen.model_name = {{ quoted(model.name) }}
                and seen.source_table = loads.source_table and seen.load_id = loads.load_id and seen.row_count = loads.row_count
        )
    {%- endif -%}
{% endmacro %}
