{#
  Tables that need no staging model of their own: var generic_tables maps offer -> table -> {columns, constants, properties}, with the same meaning as in
  draft(). A map without columns stands for a table whose columns have the offer's own names: those that it has are read. A table of events without an id gets one from its content: the n-th of equal rows in a load, so that a load delivered twice is recognised
  and equal rows within one load stay apart.
#}
{% macro generic_drafts(offer) %}
    {%- set drafts = [] -%}
    {%- for table, map in mapped_tables(offer).items() -%}
        {%- set handle = raw_generic_table(table) -%}
        {%- set columns = map.columns if 'columns' in map else columns_named_as_offered(offer, handle) -%}
        {%- set select_draft -%}
    (
        select
            {{- draft(offer, handle, columns, map.get('constants', {}), map.get('properties', [])) }}
        from {{ handle.relation }}
    )
        {%- endset -%}
        {%- set key_column = {'events': 'raw_event_id', 'identity_links': 'raw_row_key'}.get(offer) -%}
        {%- if key_column and not present_columns(handle, mapped_columns(columns.get(key_column, [])) or []) -%}
            {%- do drafts.append(with_content_key(select_draft, offer, key_column)) -%}
        {%- else -%}
            {%- do drafts.append(select_draft ~ ' as ' ~ quoted_name(table)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(drafts) }}
{% endmacro %}

{# Of the offer's columns those that the table has, each by its own name. #}
{% macro columns_named_as_offered(offer, handle) %}
    {%- set columns = {} -%}
    {%- for name in draft_shape(offer) if name in handle.columns -%}
        {%- do columns.update({name: name}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}

{# The columns without which no row of a table named as offered could be accepted. #}
{% macro needed_columns(offer) %}
    {%- if offer in record_offers() -%}
        {%- set shape = record_offers()[offer] -%}
        {%- set needed = shape.key if shape.key == [shape.key_column] else [] -%}
        {{ return(needed + shape.needed + ([shape.happened] if shape.implied else [])) }}
    {%- endif -%}
    {{ return({'events': ['occurred_at'], 'identity_links': ['occurred_at'], 'ad_spend': ['spend_date', 'spend_amount']}[offer]) }}
{% endmacro %}

{% macro with_content_key(select_draft, offer, key_column) %}
    {%- set content = [] -%}
    {%- set all_columns = ['source_name', 'source_table', 'load_id', 'loaded_at'] -%}
    {%- for name, kind in draft_shape(offer).items() -%}
        {%- do all_columns.append(name) -%}
        {%- if name != key_column -%}{%- do content.append(name) -%}{%- endif -%}
        {%- if kind in ['time', 'number', 'day'] -%}{%- do all_columns.append('has_' ~ name) -%}{%- endif -%}
    {%- endfor -%}
    (
        select
            {%- for name in all_columns %}
            {% if name == key_column -%}
            content_key || '-' || cast(row_number() over (partition by load_id, content_key order by load_id) as {{ dbt.type_string() }}) as {{ name }}
            {%- else -%}
            {{ name }}
            {%- endif -%}
            {{ ',' if not loop.last }}
            {%- endfor %}
        from (select *, {{ key_of(content) }} as content_key from {{ select_draft }} as drafts) as keyed_drafts
    ) as drafts_with_content_key
{% endmacro %}

{# A handle for each table of var generic_tables. #}
{% macro generic_handles() %}
    {%- set handles = [] -%}
    {%- for offer in known_offers() -%}
        {%- for table in mapped_tables(offer) -%}
            {%- do handles.append(raw_generic_table(table)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(handles) }}
{% endmacro %}
