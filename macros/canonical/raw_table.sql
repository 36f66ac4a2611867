{#
  What a staging model needs to know of a raw table: a dictionary with
    source_name, table   as registered
    relation             what to select from; where an optional table is missing, an empty row source
    columns              lower-case name -> {name, data_type} of what is really there
  A raw table may lack a column or have a new one: raw_text, raw_time and raw_number give NULL for the one and ignore the other.
  A missing required table or column has stopped the run before (check_raw_tables).
#}
{% macro raw_table(source_name, table) %}
    {%- set relation = source(source_name, table) -%}
    {{ return(raw_relation(source_name, table, relation)) }}
{% endmacro %}

{# The same for a table of var generic_tables, which is registered by a var instead of a yml. #}
{% macro raw_generic_table(table) %}
    {%- set relation = relation_in(raw_schema('generic'), table) -%}
    {{ return(raw_relation('generic', table, relation)) }}
{% endmacro %}

{% macro raw_relation(source_name, table, relation) %}
    {%- set handle = {
        'source_name': source_name,
        'table': table,
        'relation': relation,
        'columns': {}
    } -%}
    {%- if execute -%}
        {%- set found = load_relation(relation) -%}
        {%- if found is none -%}
            {%- do handle.update({'relation': '(select cast(null as ' ~ dbt.type_string() ~ ') as nothing where 1 = 0) as missing_table'}) -%}
        {%- else -%}
            {%- for column in columns_of(found) -%}
                {%- do handle['columns'].update({column.name | lower: {'name': column.name, 'data_type': column.dtype | lower}}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(handle) }}
{% endmacro %}

{# The schema in which the raw tables of a source stand. #}
{% macro raw_schema(source_name) -%}
{{ return(('' if target.schema in ['main', 'default'] else target.schema ~ '_') ~ 'raw_' ~ source_name) }}
{%- endmacro %}

{# A name that a user gives, as the engine takes names: whatever stands in it is part of it. adapter.quote() lets a quotation mark end the name. #}
{% macro quoted_name(name) %}{{ return(adapter.dispatch('quoted_name', 'customer_journey')(name)) }}{% endmacro %}
{% macro default__quoted_name(name) -%}"{{ name | replace('"', '""') }}"{%- endmacro %}
{% macro spark__quoted_name(name) -%}`{{ name | replace('`', '``') }}`{%- endmacro %}

{% macro is_text_type(data_type) %}{{ return('char' in data_type or data_type in ['string', 'text']) }}{% endmacro %}

{# The raw columns of these names that exist, in this order. #}
{% macro present_columns(handle, names) %}
    {%- set present = [] -%}
    {%- for name in ([names] if names is string else names) -%}
        {%- if name | lower in handle.columns -%}
            {%- do present.append(handle.columns[name | lower]) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(present) }}
{% endmacro %}

{# First of several expressions that is not NULL; the only one as it is; NULL of the type for none. #}
{% macro first_of(expressions, data_type) -%}
    {%- if expressions | length == 0 -%}
        cast(null as {{ data_type }})
    {%- elif expressions | length == 1 -%}
        {{ expressions[0] }}
    {%- else -%}
        coalesce({{ expressions | join(', ') }})
    {%- endif -%}
{%- endmacro %}

{# Text without white space around it, NULL where empty or absent. #}
{% macro raw_text(handle, names) -%}
    {%- set expressions = [] -%}
    {%- for column in present_columns(handle, names) -%}
        {%- do expressions.append(clean_text(as_text(quoted_name(column.name), column.data_type))) -%}
    {%- endfor -%}
    {{ return(first_of(expressions, dbt.type_string())) }}
{%- endmacro %}

{# A value as text. A whole number is written without a point, whatever type it came in: user 1001 and user 1001.0 are one. #}
{% macro as_text(value, data_type) -%}
{%- set text = 'cast(' ~ value ~ ' as ' ~ dbt.type_string() ~ ')' -%}
{%- if data_type in ['double', 'float', 'real'] or data_type.startswith('decimal') -%}
    {%- set whole = 'case when ' ~ value ~ ' = floor(' ~ value ~ ') and abs(' ~ value ~ ') < 9e15 then ' ~ try_to(value, 'bigint') ~ ' end' -%}
coalesce(cast({{ whole }} as {{ dbt.type_string() }}), {{ text }})
{%- else -%}
{{ text }}
{%- endif -%}
{%- endmacro %}

{#
  UTC timestamp from whatever the column holds: timestamp, zoned timestamp, date, ISO text (no offset = UTC), or epoch in seconds, milliseconds,
  microseconds or nanoseconds, told apart by size. NULL where it is none of these.
#}
{% macro raw_time(handle, names) -%}
    {%- set expressions = [] -%}
    {%- for column in present_columns(handle, names) -%}
        {%- set name = quoted_name(column.name) -%}
        {%- set kind = column.data_type -%}
        {%- if 'with time zone' in kind or kind in ['timestamptz', 'timestamp_ltz'] -%}
            {%- do expressions.append(from_zoned(name)) -%}
        {%- elif 'timestamp' in kind or kind == 'date' or 'datetime' in kind -%}
            {%- do expressions.append('cast(' ~ name ~ ' as timestamp)') -%}
        {%- elif is_text_type(kind) -%}
            {%- set text = clean_text(name) -%}
            {%- do expressions.append(parse_timestamp(text)) -%}
            {%- do expressions.append(epoch_number_to_timestamp(try_to(
                'case when ' ~ regex_match(text, '^[0-9]{9,19}([.][0-9]+)?$') ~ ' then ' ~ text ~ ' end', 'double'
            ))) -%}
        {%- else -%}
            {%- do expressions.append(epoch_number_to_timestamp(try_to(name, 'double'))) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(first_of(expressions, 'timestamp')) }}
{%- endmacro %}

{% macro epoch_number_to_timestamp(number) -%}
{{ from_epoch_us(
    'round(case when abs(' ~ number ~ ') < 1e11 then ' ~ number ~ ' * 1e6'
    ~ ' when abs(' ~ number ~ ') < 1e14 then ' ~ number ~ ' * 1e3'
    ~ ' when abs(' ~ number ~ ') < 1e17 then ' ~ number
    ~ ' when abs(' ~ number ~ ') < 1e20 then ' ~ number ~ ' / 1e3 end)'
) }}
{%- endmacro %}

{# decimal(18,4) from a number or its text; NULL where it is none ('1,234.50', NaN, infinity). #}
{% macro raw_number(handle, names) -%}
    {%- set expressions = [] -%}
    {%- for column in present_columns(handle, names) -%}
        {%- set name = quoted_name(column.name) -%}
        {%- if is_text_type(column.data_type) -%}
            {#- the engines' own readers differ on '1_000', '1d' and the like -#}
            {%- set text = clean_text(name) -%}
            {%- do expressions.append(try_to(
                'case when ' ~ regex_match(text, '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$') ~ ' then ' ~ text ~ ' end', 'decimal(18,4)'
            )) -%}
        {%- else -%}
            {%- do expressions.append(try_to(name, 'decimal(18,4)')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(first_of(expressions, 'decimal(18,4)')) }}
{%- endmacro %}
