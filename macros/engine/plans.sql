{#
  Said of a CTE that is to be made once and kept (`matrix as {{ kept() }}(`). DuckDB writes a CTE that is read once into its reader, and plans a chain of twenty
  windows for ten times as long as it takes to run them. Spark has no word for it.
#}
{% macro kept() %}{{ return(adapter.dispatch('kept', 'customer_journey')()) }}{% endmacro %}
{% macro default__kept() %}{{ return('materialized ') }}{% endmacro %}
{% macro spark__kept() %}{{ return('') }}{% endmacro %}
