{#
  Which loads a model has seen is a set, not a watermark: rows (model_name, source_table, load_id, row_count, newest_us) of the table loads_seen, written in
  the model's own transaction; newest_us is the load time of its newest row, in microseconds, 0 for none. A load that lies there otherwise is seen anew: what
  it held before (int_rows_replaced) is done again as well as what it holds. A killed build leaves its models' loads unwritten, and the next one does them.
#}

{% macro ledger_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'loads_seen', 'table')) }}
{%- endmacro %}

{% macro prepare_ledger() %}
    {%- set text = dbt.type_string() -%}
    {%- do adapter.create_schema(relation_in(ledger_relation().schema)) -%}
    {%- do run_query(
        'create table if not exists ' ~ ledger_relation() ~ ' (model_name ' ~ text ~ ', source_table ' ~ text
        ~ ', load_id ' ~ text ~ ', row_count bigint, newest_us bigint)' ~ ledger_table_options()
    ) -%}
    {%- do run_query(
        'create table if not exists ' ~ settings_relation() ~ ' (model_name ' ~ text ~ ', setting ' ~ text ~ ', value ' ~ text ~ ')'
        ~ ledger_table_options()
    ) -%}
    {%- do run_query(
        'create table if not exists ' ~ configuration_relation() ~ ' (setting ' ~ text ~ ', value ' ~ text ~ ')' ~ ledger_table_options()
    ) -%}
    {%- do run_query(
        'create table if not exists ' ~ change_ledger_relation() ~ ' (model_name ' ~ text ~ ', change_number bigint)' ~ ledger_table_options()
    ) -%}
    {%- do run_query(
        'create table if not exists ' ~ blocked_links_applied_relation() ~ ' (identifier_a ' ~ text ~ ', identifier_b ' ~ text ~ ')' ~ ledger_table_options()
    ) -%}
    {%- do prepare_versions() -%}
{% endmacro %}

{% macro ledger_table_options() %}{{ return(adapter.dispatch('ledger_table_options', 'customer_journey')()) }}{% endmacro %}
{% macro default__ledger_table_options() %}{{ return('') }}{% endmacro %}
{% macro spark__ledger_table_options() %}{{ return(' using iceberg') }}{% endmacro %}

{# The models that work load by load or key by key: all of the project that keep rows from build to build. #}
{% macro incremental_models() %}
    {%- set names = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.config.materialized in materializations_that_keep_rows() -%}
        {%- do names.append(node.name) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{% endmacro %}

{# Filter of what they have written down of themselves: a model that is gone counts no more. #}
{% macro of_incremental_models() %}{{ return(" where model_name in ('" ~ incremental_models() | join("', '") ~ "')") }}{% endmacro %}

{% macro materializations_that_keep_rows() %}{{ return(['incremental', 'connected_components']) }}{% endmacro %}

{# Does the running model find a table of its own to go on with? dbt's is_incremental() knows only dbt's materialisation. #}
{% macro keeps_rows() %}
    {%- if not execute or model.config.materialized not in materializations_that_keep_rows() or should_full_refresh() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set relation = load_cached_relation(this) -%}
    {{ return(relation is not none and relation.is_table) }}
{% endmacro %}

{#
  True where the running model may treat only what is new: its table exists, it has an entry in the ledger (a table whose first build was cut off has none),
  and nobody asked for a full refresh (which a log survives). One query per call.
#}
{% macro is_delta() %}
    {%- if not keeps_rows() or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query('select count(*) from ' ~ ledger_relation() ~ ' where model_name = ' ~ quoted(model.name)).rows[0][0] > 0) }}
{% endmacro %}

{#
  Post-hook of int_loads_pending. Where loads that have lost rows, or that nothing tells apart, held more than half of all rows, it is less work to do
  everything again: nobody has seen anything then.
#}
{% macro forget_where_most_is_replaced() %}
    {%- if execute -%}
        {%- set found = run_query(
            'select (select coalesce(sum(seen_row_count), 0) from ' ~ this ~ " where row_count < seen_row_count or load_id in ('whole', 'undated')), "
            ~ '(select coalesce(sum(row_count), 0) from ' ~ ref('int_loads_unioned') ~ ')'
        ).rows[0] -%}
        {%- if found[0] * 2 > found[1] -%}
            delete from {{ ledger_relation() }} where 1 = 1
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#
  The loads of a relation with source_table and load_id as a condition on these columns, written as constants, so that the engine can skip files and row groups:
  all of them, or those of one source. None where there are none.
#}
{% macro these_loads(relation, source_name=none) %}
    {%- set pairs = [] -%}
    {%- set of_source = '' if source_name is none else ' where source_name = ' ~ quoted(source_name) -%}
    {%- for row in run_query('select source_table, load_id from ' ~ relation ~ of_source ~ ' order by source_table, load_id').rows -%}
        {%- do pairs.append('(source_table = ' ~ quoted(row[0]) ~ ' and load_id = ' ~ quoted(row[1]) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ pairs | join(' or ') ~ ')' if pairs else none) }}
{% endmacro %}

{# Pre-hook of int_rows_replaced: what every model has seen is no news any more. #}
{% macro clear_finished_loads() %}
    {%- if keeps_rows() -%}
        delete from {{ this }}
        {% if is_delta() -%}
        where source_table || '|' || load_id not in (select source_table || '|' || load_id from {{ ref('int_loads_pending') }})
        {%- else -%}
        where 1 = 1
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#
  Pre-hook of a model that works by key: what it will write anew goes; all of it where everything is done again. `dirty_key` is the key's name in the
  dirty model, where it has another one there.
#}
{% macro clear_keys(key, dirty_model, dirty_key=none) %}
    {%- if is_delta() -%}
        delete from {{ this }} where {{ key }} in (select {{ dirty_key or key }} from {{ ref(dirty_model) }})
    {%- elif keeps_rows() -%}
        delete from {{ this }} where 1 = 1
    {%- endif -%}
{% endmacro %}

{# Pre-hook of a model that works by load. #}
{% macro clear_loads() %}
    {%- if is_delta() -%}
        delete from {{ this }}
        where source_table || '|' || load_id in (select source_table || '|' || load_id from {{ loads_to_read() }})
    {%- elif keeps_rows() -%}
        delete from {{ this }} where 1 = 1
    {%- endif -%}
{% endmacro %}

{#
  The pending loads that this run may read, as a relation. Old rows of a load go only after whom they named is written down: a run that leaves that out takes
  the loads of which the table has no row, and the next whole build the others.
#}
{% macro loads_to_read() %}
    {%- set pending = ref('int_loads_pending') -%}
    {%- if ref('int_rows_replaced') and 'model.customer_journey.int_rows_replaced' in selected_resources -%}
        {{ return(pending) }}
    {%- endif -%}
    {{ return('(select * from ' ~ pending ~ " where source_table || '|' || load_id not in (select source_table || '|' || load_id from " ~ this ~ ')) as unread') }}
{% endmacro %}

{# Filter of a model that works by load; source_name, where given, narrows the loads to those of one source. #}
{% macro where_load_is_pending(source_name=none, keyword='where') %}
    {%- if is_delta() -%}
    {{ keyword }} {{ these_loads(loads_to_read(), source_name) or '1 = 0' }}
    {%- else -%}
    -- depends_on: {{ ref('int_loads_pending') }} {{ ref('int_loads_unioned') }} {{ ref('int_rows_replaced') }}
    {%- endif -%}
{% endmacro %}

{#
  Filter of a model that works by key: only the keys that pending loads touch. `keyword` is 'and' where a where clause stands already, `dirty_key` the key's
  name in the dirty model, where it has another one there.
#}
{% macro where_dirty(key, dirty_model, keyword='where', dirty_key=none) %}
    {%- if is_delta() -%}
    {{ keyword }} {{ key }} in (select dirty.{{ dirty_key or (key.split('.') | last) }} from {{ ref(dirty_model) }} as dirty)
    {%- else -%}
    -- depends_on: {{ ref(dirty_model) }} {{ ref('int_loads_pending') }} {{ ref('int_loads_unioned') }}
    {%- endif -%}
{% endmacro %}

{#
  Post-hook of every incremental model: it has now seen all loads that this run knows. Not where the run left out a table between it and the raw tables: that
  one may lag behind. Then what is new stays new, and the next build of them all does it again.
#}
{% macro record_loads() %}
    {%- if execute -%}
        {%- set ledger = ledger_relation() -%}
        {%- set is_whole = is_made_from_the_start() -%}
        {%- if not is_delta() -%}
            {%- do run_query('delete from ' ~ ledger ~ ' where model_name = ' ~ quoted(model.name)) -%}
            {%- do record_settings() -%}
        {%- elif is_whole and run_query('select count(*) from ' ~ ref('int_loads_pending') ~ ' where seen_row_count is not null').rows[0][0] > 0 -%}
            {%- do run_query(
                'delete from ' ~ ledger ~ ' where model_name = ' ~ quoted(model.name) ~ " and source_table || '|' || load_id in ("
                ~ "select source_table || '|' || load_id from " ~ ref('int_loads_pending') ~ ' where seen_row_count is not null)'
            ) -%}
        {%- endif -%}
        {%- if is_whole and follows_identity_changes() -%}
            {%- do record_followed_changes() -%}
        {%- endif -%}
        {%- do record_incremental_version() -%}
        {%- if is_whole -%}
        insert into {{ ledger }}
        select {{ quoted(model.name) }}, loads.source_table, loads.load_id, loads.row_count, {{ newest_us('loads.loaded_at') }}
        from {{ ref('int_loads_unioned') }} as loads
        where not exists (
            select 1 from {{ ledger }} as seen
            where seen.model_name = {{ quoted(model.name) }}
                and seen.source_table = loads.source_table and seen.load_id = loads.load_id
        )
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# The load time of a load's newest row as the ledger keeps it. #}
{% macro newest_us(loaded_at) %}{{ return('coalesce(' ~ epoch_us(loaded_at) ~ ', 0)') }}{% endmacro %}

{# Has this run made, before the running model, every table that it hangs on? #}
{% macro is_made_from_the_start() %}
    {%- set unmade = [] -%}
    {%- for id in models_before(model.unique_id) if id not in selected_resources and graph.nodes[id].config.materialized not in ['view', 'ephemeral'] -%}
        {%- do unmade.append(id) -%}
    {%- endfor -%}
    {{ return(unmade | length == 0) }}
{% endmacro %}

{# Ids of all models that a node hangs on, over any number of others. #}
{% macro models_before(node_id, found=none) %}
    {%- set models = [] if found is none else found -%}
    {%- for id in graph.nodes[node_id].depends_on.nodes if id.startswith('model.') and id not in models -%}
        {%- do models.append(id) -%}
        {%- do models_before(id, models) -%}
    {%- endfor -%}
    {{ return(models) }}
{% endmacro %}

{#
  At the start of a run with --full-refresh: what it will make again counts as never made. So if it is cut off, the next build goes on with the rest, instead of
  taking old tables for good ones because no load has another number of rows. Where it makes int_rows_replaced again, which then forgets what loads held
  before, nobody may go on from there.
#}
{% macro forget_what_is_made_anew() %}
    {%- set nodes, names = [], [] -%}
    {%- for id in selected_resources if id in graph.nodes -%}
        {%- do nodes.append(quoted(id)) -%}
        {%- do names.append(quoted(graph.nodes[id].name)) -%}
    {%- endfor -%}
    {%- if nodes -%}
        {%- set is_start = "'int_rows_replaced'" in names -%}
        {%- do run_query('delete from ' ~ ledger_relation() ~ ' where ' ~ ('1 = 1' if is_start else 'model_name in (' ~ names | join(', ') ~ ')')) -%}
        {%- do run_query('delete from ' ~ versions_relation() ~ ' where node_id in (' ~ nodes | join(', ') ~ ')') -%}
    {%- endif -%}
{% endmacro %}

{# The table of an incremental model as the last build left it, or none: for models that come before it, and so cannot name it in a ref(). #}
{% macro built_relation(model_name) %}
    {%- if not execute or flags.FULL_REFRESH -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(load_cached_relation(relation_in(generate_schema_name('intermediate', none), model_name, 'table'))) }}
{% endmacro %}

{#
  The pairs of the seed blocked_links that the log of identity changes knows of: rows (identifier_a, identifier_b) of the table blocked_links_applied. What the
  seed says more, or less, dirties its identifiers until the log has seen what becomes of them: so it is written in the log's own transaction.
#}
{% macro blocked_links_applied_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'blocked_links_applied', 'table')) }}
{%- endmacro %}

{# Post-hook of the log. #}
{% macro record_blocked_links() %}
    {%- set blocked_links = ref('blocked_links') -%}
    {%- if execute and is_made_from_the_start() -%}
        {%- do run_query('delete from ' ~ blocked_links_applied_relation() ~ ' where 1 = 1') -%}
        insert into {{ blocked_links_applied_relation() }}
        select identifier_a, identifier_b from {{ blocked_links }}
    {%- endif -%}
{% endmacro %}

{#
  How far the tables kept by person have followed the log of identity changes: rows (model_name, change_number) of the table change_ledger, written like the
  load ledger in the model's own transaction. The log's numbers are given by one writer and never reused, so here the greatest number is enough.
#}
{% macro change_ledger_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'change_ledger', 'table')) }}
{%- endmacro %}

{% macro follows_identity_changes() %}
    {{ return(model.depends_on.nodes | select('equalto', 'model.customer_journey.int_dirty_persons') | list | length > 0) }}
{% endmacro %}

{% macro record_followed_changes() %}
    {%- do run_query('delete from ' ~ change_ledger_relation() ~ ' where model_name = ' ~ quoted(model.name)) -%}
    {%- do run_query(
        'insert into ' ~ change_ledger_relation() ~ ' select ' ~ quoted(model.name) ~ ', coalesce(max(change_number), 0) from '
        ~ relation_in(generate_schema_name('intermediate', none), 'int_identity_changes')
    ) -%}
{% endmacro %}

{# The change up to which every table kept by person has followed; 0 before the first. #}
{% macro last_followed_change() %}
    {#- a project that is only compiled, or linted, has no ledger -#}
    {%- if not execute or load_relation(change_ledger_relation()) is none -%}
        {{ return(0) }}
    {%- endif -%}
    {{ return(run_query('select coalesce(min(change_number), 0) from ' ~ change_ledger_relation() ~ of_incremental_models()).rows[0][0] | int) }}
{% endmacro %}
