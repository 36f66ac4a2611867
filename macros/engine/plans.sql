{#
  Said of a CTE that is to be made once and kept (`matrix as {{ kept() }}(`). DuckDB writes a CTE that is read once into its reader, and plans a chain of twenty
  windows for ten times as long as it takes to run them. Spark has no word for it.
#}
{% macro kept() %}{{ return(adapter.dispatch('kept', 'customer_journey')()) }}{% endmacro %}
{% macro default__kept() %}{{ return('materialized ') }}{% endmacro %}
{% macro spark__kept() %}{{ return('') }}{% endmacro %}

{#
  Said of a CTE that holds what an incremental model has to do, where several read it. In a delta these are few rows, looked for in a large table: made once.
  In a full build it is the whole table, and each reader takes the columns that it needs: kept, it would hold every column of every row.
#}
{% macro kept_where_few() %}{{ return(kept() if is_delta() else not_kept()) }}{% endmacro %}

{# Said of a CTE that several read, each a few columns of many rows: kept, it would hold all of them. #}
{% macro not_kept() %}{{ return(adapter.dispatch('not_kept', 'customer_journey')()) }}{% endmacro %}
{% macro default__not_kept() %}{{ return('not materialized ') }}{% endmacro %}
{% macro spark__not_kept() %}{{ return('') }}{% endmacro %}
