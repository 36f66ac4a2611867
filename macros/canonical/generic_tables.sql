{#
  Tables that need no staging model of their own: var generic_tables maps offer -> table -> {columns, constants, properties}, with the same meaning as in
  draft(). A table of events without an id gets one from its content: the n-th of equal rows in a load, so that a load delivered twice is recognised
  and equal rows within one load stay apart.
#}
{% macro generic_drafts(offer) %}
    {%- set drafts = [] -%}
    {%- for table, map in mapped_tables(offer).items() -%}
        {%- set handle = raw_generic_table(table) -%}
        {%- set columns = map.get('columns', {}) -%}
        {%- set select_draft -%}
    (
        select
            {{- draft(offer, handle, columns, map.get('constants', {}), map.get('properties', [])) }}
        from {{ handle.relation }}
    )
        {%- endset -%}
        {%- set key_column = {'events': 'raw_event_id', 'identity_links': 'raw_row_key'}.get(offer) -%}
        {%- if key_column and key_column not in columns -%}
            {%- do drafts.append(with_content_key(select_draft, offer, key_column)) -%}
        {%- else -%}
            {%- do drafts.append(select_draft ~ ' as ' ~ quoted_name(table)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(drafts) }}
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
