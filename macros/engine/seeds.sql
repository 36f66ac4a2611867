{#
  dbt-spark's session method pastes seed values into its INSERT as they are: a quote breaks it, a backslash is lost, and an empty field becomes the text 'None'.
  Here each value is written as a literal of its column's type. (The same macro serves all seeds; DuckDB keeps dbt's own loader.)
#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(get_batch_size()) -%}
        {%- set rows = [] -%}
        {%- for row in chunk -%}
            {%- set values = [] -%}
            {%- for name in agate_table.column_names -%}
                {%- set data_type = types.get(name, dbt.type_string()) -%}
                {%- do values.append('cast(' ~ (quoted(row[loop.index0]) if row[loop.index0] is not none else 'null') ~ ' as ' ~ data_type ~ ')') -%}
            {%- endfor -%}
            {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
        {%- endfor -%}
        {%- do statements.append('insert into ' ~ this.render() ~ ' values ' ~ rows | join(', ')) -%}
        {%- do adapter.add_query(statements[-1], abridge_sql_log=True) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{% endmacro %}
