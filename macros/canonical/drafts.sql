{#
  A draft is a raw table in the shape of an offer: the same columns for every source, still with raw personal values, not yet judged.
  kinds: text, time (also writes has_<name>: was there anything to read?), number and day (likewise).
#}
{% macro draft_shape(offer) %}
    {%- set shapes = {
        'events': {
            'raw_event_id': 'text', 'event_type': 'text', 'raw_event_name': 'text',
            'occurred_at': 'time', 'client_occurred_at': 'time', 'sent_at': 'time', 'received_at': 'time',
            'anonymous_id': 'text', 'device_id': 'text', 'user_id': 'text', 'customer_id': 'text',
            'email': 'text', 'phone': 'text', 'account_id': 'text',
            'platform': 'text', 'page_url': 'text', 'page_path': 'text', 'page_title': 'text', 'referrer_url': 'text',
            'utm_source': 'text', 'utm_medium': 'text', 'utm_campaign': 'text', 'utm_term': 'text', 'utm_content': 'text',
            'user_agent': 'text', 'ip_address': 'text',
            'amount': 'number', 'unit_amount': 'number', 'quantity': 'number', 'currency_code': 'text',
            'properties': 'text'
        },
        'identity_links': {
            'raw_row_key': 'text', 'evidence': 'text', 'occurred_at': 'time', 'received_at': 'time',
            'anonymous_id': 'text', 'previous_anonymous_id': 'text', 'device_id': 'text', 'user_id': 'text', 'customer_id': 'text',
            'email': 'text', 'phone': 'text', 'account_id': 'text'
        },
        'ad_spend': {
            'spend_date': 'day', 'platform': 'text', 'campaign': 'text',
            'utm_source': 'text', 'utm_medium': 'text', 'utm_campaign': 'text',
            'impressions': 'number', 'clicks': 'number', 'spend_amount': 'number', 'currency_code': 'text', 'updated_at': 'time'
        }
    } -%}
    {{ return(shapes[offer] if offer in shapes else record_draft_shape(offer)) }}
{% endmacro %}

{#
  The select list of a draft. `columns` maps a column of the offer to the raw column, or to several of which the first not NULL counts;
  {'columns': …, 'prefix': …} puts a prefix before a text, {'columns': …, 'values': {raw: ours}, 'otherwise': …} translates it. `constants` maps it to a fixed text; `properties` lists raw columns that go into the JSON text of that name.
#}
{% macro draft(offer, handle, columns, constants={}, properties=[]) %}
    {%- do check_read_columns(handle, columns, properties) %}
        {{ quoted(handle.source_name) }} as source_name,
        {{ quoted(handle.source_name ~ '.' ~ handle.table) }} as source_table,
        {{ load_columns(handle) }}
    {%- for name, kind in draft_shape(offer).items() -%}
        {%- set raw_names = columns.get(name, []) -%}
        {%- if name in constants %},
        cast({{ quoted(constants[name]) }} as {{ dbt.type_string() }}) as {{ name }}
        {%- elif name == 'properties' and properties %}
            {%- set pairs = {} -%}
            {%- for raw_name in properties -%}
                {%- do pairs.update({raw_name: raw_text(handle, raw_name)}) -%}
            {%- endfor %},
        {{ json_object(pairs) }} as properties
        {%- elif raw_names is mapping and 'values' in raw_names %},
        case {{ raw_text(handle, raw_names['columns']) }}
            {%- for raw_value, value in raw_names['values'].items() %}
            when {{ quoted(raw_value) }} then {{ quoted(value) }}
            {%- endfor %}
            else {{ quoted(raw_names['otherwise']) }}
        end as {{ name }}
        {%- elif raw_names is mapping %},
        {{ quoted(raw_names['prefix']) }} || {{ redacted(raw_text(handle, raw_names['columns'])) }} as {{ name }}
        {%- elif kind == 'text' %},
        {{ raw_text(handle, raw_names) }} as {{ name }}
        {%- elif kind == 'time' %},
        {{ raw_time(handle, raw_names) }} as {{ name }},
        {{ raw_text(handle, raw_names) }} is not null as has_{{ name }}
        {%- elif kind == 'day' %},
        cast({{ raw_time(handle, raw_names) }} as date) as {{ name }},
        {{ raw_text(handle, raw_names) }} is not null as has_{{ name }}
        {%- elif kind == 'number' %},
        {{ raw_number(handle, raw_names) }} as {{ name }},
        {{ raw_text(handle, raw_names) }} is not null as has_{{ name }}
        {%- endif -%}
    {%- endfor %}
{% endmacro %}

{#
  load_id and loaded_at of a raw row. A load is named by _load_id (or load_id); without one, by the day of the load time; without that too,
  the table is one load called 'whole', which every build in which its row count changed reads anew.
#}
{% macro load_columns(handle) -%}
    {%- set id_names = load_id_names() -%}
    {%- set time_names = load_time_names() -%}
    {%- if present_columns(handle, id_names) -%}
        coalesce({{ raw_text(handle, id_names) }}, 'unnamed') as load_id
    {%- elif present_columns(handle, time_names) -%}
        coalesce(cast(cast({{ raw_time(handle, time_names) }} as date) as {{ dbt.type_string() }}), 'undated') as load_id
    {%- else -%}
        cast('whole' as {{ dbt.type_string() }}) as load_id
    {%- endif %},
        {{ raw_time(handle, time_names) }} as loaded_at
{%- endmacro %}

{% macro load_id_names() %}{{ return(['_load_id', 'load_id']) }}{% endmacro %}
{% macro load_time_names() %}{{ return(['_loaded_at', 'loaded_at', 'uuid_ts', '_fivetran_synced', '_airbyte_extracted_at', 'load_tstamp']) }}{% endmacro %}

{# One row per load of each raw table of a source, with its number of rows as they lie there. The offer `loads`, which every source has. #}
{% macro count_loads(handles) -%}
    {%- for handle in handles %}
    {{ 'union all' if not loop.first }}

    select
        source_name,
        source_table,
        load_id,
        max(loaded_at) as loaded_at,
        count(*) as row_count

    from (
        select
            {{ quoted(handle.source_name) }} as source_name,
            {{ quoted(handle.source_name ~ '.' ~ handle.table) }} as source_table,
            {{ load_columns(handle) }}
        from {{ handle.relation }}
    ) as loaded_rows

    group by source_name, source_table, load_id
    {%- endfor %}
{%- endmacro %}
