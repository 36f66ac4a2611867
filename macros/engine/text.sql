{# Text, where DuckDB, Spark and PostgreSQL differ. #}

{# A value from a var, a seed path or a loop as a SQL string: the only way in which one may enter a statement. #}
{% macro quoted(value) %}{{ return(adapter.dispatch('quoted', 'customer_journey')(value)) }}{% endmacro %}
{% macro default__quoted(value) -%}'{{ (value | string).replace("'", "''") }}'{%- endmacro %}
{# Spark reads a backslash in a string as an escape, and '' as nothing between two strings. #}
{% macro spark__quoted(value) -%}'{{ (value | string).replace("\\", "\\\\").replace("'", "\\'") }}'{%- endmacro %}

{# Values as SQL strings with commas between, none as null: quoted for all of them at once, since long lists of values are written into every build. #}
{% macro quoted_list(values) -%}
    {%- set texts = [] -%}
    {%- for value in values -%}{%- do texts.append('\x01' if value is none else value | string) -%}{%- endfor -%}
{{ quoted(texts | join('\x00')).replace('\x00', "', '").replace("'\x01'", 'null') if texts else '' }}
{%- endmacro %}

{# Does the pattern occur in the text? A pattern given as a Jinja string is quoted here; `pattern_column` takes a column. #}
{% macro regex_match(text, pattern=none, pattern_column=none) -%}
{{ return(adapter.dispatch('regex_match', 'customer_journey')(text, pattern_column or quoted(pattern))) }}
{%- endmacro %}
{% macro default__regex_match(text, pattern) %}regexp_matches({{ text }}, {{ pattern }}){% endmacro %}
{% macro spark__regex_match(text, pattern) %}({{ text }} rlike {{ pattern }}){% endmacro %}
{# The functions of the postgres__ macros stand in tools/postgres_functions.sql, each with its reason. #}
{% macro postgres__regex_match(text, pattern) %}({{ text }} ~ pattern_here({{ pattern }})){% endmacro %}

{# The group of the first match, NULL where there is none or it is empty. #}
{% macro regex_extract(text, pattern, group=1) -%}
nullif(regexp_extract({{ text }}, {{ quoted(pattern) }}, {{ group }}), '')
{%- endmacro %}

{# All matches replaced; with keep_first_group what the pattern's first group took stays before the replacement. #}
{% macro regex_replace(text, pattern, replacement, keep_first_group=false) -%}
{{ return(adapter.dispatch('regex_replace', 'customer_journey')(text, pattern, replacement, keep_first_group)) }}
{%- endmacro %}
{% macro default__regex_replace(text, pattern, replacement, keep_first_group) -%}
regexp_replace({{ text }}, {{ quoted(pattern) }}, {{ quoted(('\\1' if keep_first_group else '') ~ replacement) }}, 'g')
{%- endmacro %}
{% macro spark__regex_replace(text, pattern, replacement, keep_first_group) -%}
regexp_replace({{ text }}, {{ quoted(pattern) }}, {{ quoted(('$1' if keep_first_group else '') ~ replacement) }})
{%- endmacro %}
{% macro postgres__regex_replace(text, pattern, replacement, keep_first_group) -%}
regexp_replace({{ text }}, pattern_here({{ quoted(pattern) }}), {{ quoted(('\\1' if keep_first_group else '') ~ replacement) }}, 'g')
{%- endmacro %}

{# Hex SHA-256 of a text. #}
{% macro sha256(text) %}{{ return(adapter.dispatch('sha256', 'customer_journey')(text)) }}{% endmacro %}
{% macro default__sha256(text) %}sha256({{ text }}){% endmacro %}
{% macro spark__sha256(text) %}sha2({{ text }}, 256){% endmacro %}
{% macro postgres__sha256(text) %}encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex'){% endmacro %}

{# White space of every kind off both ends, and NULL for nothing left. trim() alone leaves tabs, no-break and zero-width spaces. #}
{% macro clean_text(text) %}{{ return(adapter.dispatch('clean_text', 'customer_journey')(text)) }}{% endmacro %}
{#- DuckDB's trim() looks at every letter; nearly all texts begin with a plain sign, end with none of these, and need none of it -#}
{% macro default__clean_text(text) -%}
case
    when {{ text }} > '!' and {{ text }} < '~'
        {%- for space in white_spaces() %} and not ends_with({{ text }}, {{ space }}){% endfor %} then {{ text }}
    else {{ trimmed_text(text) }}
end
{%- endmacro %}
{% macro postgres__clean_text(text) %}{{ trimmed_text(text) }}{% endmacro %}
{% macro spark__clean_text(text) -%}
nullif(trim(both ' \t\n\r\u00a0\u200b\ufeff' from {{ text }}), '')
{%- endmacro %}
{% macro trimmed_text(text) %}nullif(trim({{ text }}, {{ white_spaces() | join(' || ') }}), ''){% endmacro %}
{% macro white_spaces() %}{{ return(['chr(32)', 'chr(9)', 'chr(10)', 'chr(13)', 'chr(160)', 'chr(8203)', 'chr(65279)']) }}{% endmacro %}

{# The text of a top-level key of a JSON object, NULL for malformed JSON, no such key or null. #}
{% macro json_text(json, key=none, key_column=none) %}{{ return(adapter.dispatch('json_text', 'customer_journey')(json, key, key_column)) }}{% endmacro %}
{% macro default__json_text(json, key, key_column) -%}
{%- if key_column -%}
json_extract_string({{ json }}, '/' || replace(replace({{ key_column }}, '~', '~0'), '/', '~1'))
{%- else -%}
json_extract_string({{ json }}, {{ json_path(key) }})
{%- endif -%}
{%- endmacro %}
{% macro spark__json_text(json, key, key_column) -%}
{%- if key_column -%}
get_json_object({{ json }}, '$[\'' || {{ key_column }} || '\']')
{%- else -%}
get_json_object({{ json }}, {{ quoted("$['" ~ key ~ "']") }})
{%- endif -%}
{%- endmacro %}
{% macro postgres__json_text(json, key, key_column) -%}
json_member({{ json }}, {{ key_column or quoted(key) }})
{%- endmacro %}

{# DuckDB's way to a top-level key, as a JSON pointer: a path of the other kind knows no way to write a quotation mark. #}
{% macro json_path(key) -%}{{ quoted('/' ~ (key | string).replace('~', '~0').replace('/', '~1')) }}{%- endmacro %}

{#
  Is the text a JSON object that every engine reads alike? NULL text: NULL. The engines' own tests differ: Spark takes single quotes and trailing garbage,
  DuckDB trailing commas, NaN and Infinity. What looks odd is looked at once more without its strings; the cheap test in front keeps that to odd rows.
#}
{% macro is_json_object(text) -%}
{%- set odd = "'|,[ \t\n\r]*[}\\]]|[}\\]][ \t\n\r]*[^,\\]} \t\n\r]|[eE][+]?[0-9]{3}|[Nn]a[Nn]|[Ii]nf|[}][ \t\n\r]*,[ \t\n\r]*[{]|[\x01-\x1f]|\\\\u[dD][89a-fA-F]" -%}
{%- set bad = "['\"]|,[ \t\n\r]*[}\\]]|[}\\]][ \t\n\r]*[^,\\]} \t\n\r]|[eE][+]?[0-9]{3}|[Nn]a[Nn]|[Ii]nf|^[ \t\n\r]*[{][^{}]*[}][ \t\n\r]*,|\\\\u[dD][89a-fA-F]" -%}
{%- set bones = regex_replace(regex_replace(text, '\\\\.', '_'), '"[^"\x01-\x1f]*"', '0') -%}
({{ engine_reads_json(text) }} and {{ regex_match(text, '^[ \t\n\r]*[{][ \t\n\r]*["}]') }}
    and (not {{ regex_match(text, odd) }} or not {{ regex_match(bones, bad) }}))
{%- endmacro %}
{% macro engine_reads_json(text) %}{{ return(adapter.dispatch('engine_reads_json', 'customer_journey')(text)) }}{% endmacro %}
{% macro default__engine_reads_json(text) %}json_valid({{ text }}){% endmacro %}
{% macro spark__engine_reads_json(text) %}(get_json_object({{ text }}, '$') is not null){% endmacro %}
{% macro postgres__engine_reads_json(text) %}is_json({{ text }}){% endmacro %}

{# A JSON object of keys and text expressions; keys whose text is NULL are left out, NULL where all are. #}
{% macro json_object(pairs) %}{{ return(adapter.dispatch('json_object', 'customer_journey')(pairs)) }}{% endmacro %}
{#- concat_ws leaves out what is NULL; json_object would have to be read once more for that -#}
{% macro default__json_object(pairs) -%}
nullif('{' || concat_ws(','{% for key, text in pairs.items() %}, cast(to_json({{ quoted(key) }}) as varchar) || ':' || cast(to_json({{ text }}) as varchar){% endfor %}) || '}', '{}')
{%- endmacro %}
{% macro spark__json_object(pairs) -%}
nullif(to_json(named_struct({% for key, text in pairs.items() %}{{ quoted(key) }}, {{ text }}{{ ', ' if not loop.last }}{% endfor %})), '{}')
{%- endmacro %}
{# PostgreSQL's own function puts spaces between. #}
{% macro postgres__json_object(pairs) -%}
nullif('{' || concat_ws(','{% for key, text in pairs.items() %}, json_string({{ quoted(key) }}) || ':' || json_string({{ text }}){% endfor %}) || '}', '{}')
{%- endmacro %}

{# Some top-level keys of a JSON object as an object of their texts, as json_object makes it. #}
{% macro json_members(json, keys) -%}
    {%- set pairs = {} -%}
    {%- for key in keys -%}
        {%- do pairs.update({key: json_text_of_keys(json, keys, loop.index)}) -%}
    {%- endfor -%}
{{ json_object(pairs) }}
{%- endmacro %}

{# The text of the n-th of the keys that are read of one JSON object, as json_text gives it. #}
{% macro json_text_of_keys(json, keys, number) %}{{ return(adapter.dispatch('json_text_of_keys', 'customer_journey')(json, keys, number)) }}{% endmacro %}
{#- one list of all texts, which DuckDB makes once although it is written once per key -#}
{% macro default__json_text_of_keys(json, keys, number) -%}
json_extract_string({{ json }}, [{% for key in keys %}{{ json_path(key) }}{{ ', ' if not loop.last }}{% endfor %}])[{{ number }}]
{%- endmacro %}
{% macro spark__json_text_of_keys(json, keys, number) %}{{ json_text(json, keys[number - 1]) }}{% endmacro %}
{% macro postgres__json_text_of_keys(json, keys, number) %}{{ json_text(json, keys[number - 1]) }}{% endmacro %}

{# A cast that gives NULL for what does not fit. dbt.safe_cast is a plain cast on DuckDB. DuckDB and Spark have the same text on both. #}
{% macro try_to(value, data_type) %}{{ return(adapter.dispatch('try_to', 'customer_journey')(value, data_type)) }}{% endmacro %}
{% macro default__try_to(value, data_type) -%}
try_cast({{ value }} as {{ data_type }})
{%- endmacro %}
{# PostgreSQL has no such cast: one function for each type that is asked for. #}
{% macro postgres__try_to(value, data_type) -%}
{%- set functions = {'bigint': 'try_bigint', 'double': 'try_double', 'decimal(18,4)': 'try_amount', 'timestamp': 'try_timestamp'} -%}
{%- if data_type not in functions -%}
    {{ exceptions.raise_compiler_error('try_to knows no ' ~ data_type ~ ' on PostgreSQL: add a function to tools/postgres_functions.sql') }}
{%- endif -%}
{{ functions[data_type] }}({{ value }})
{%- endmacro %}

{# md5 of columns as text, joined by '|', NULL as nothing: the one recipe for keys and content hashes, equal on every engine. #}
{% macro key_of(columns) -%}
md5({% for column in columns %}coalesce(cast({{ column }} as {{ dbt.type_string() }}), ''){{ " || '|' || " if not loop.last }}{% endfor %})
{%- endmacro %}

{# The lower-case snake form of a name: 'Signed Up' becomes signed_up. #}
{% macro snake_case(text) -%}
{{ regex_replace(regex_replace('lower(' ~ text ~ ')', '[^a-z0-9]+', '_'), '^_+|_+$', '') }}
{%- endmacro %}

{# Percent signs and plus of a URL parameter decoded; a text with an escape that is not well-formed UTF-8 stays as it is (the engines' own functions raise). #}
{% macro url_decode(text) -%}
{%- set well_formed = '%[0-7][0-9A-Fa-f]|%[Cc][2-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Dd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]'
    ~ '|%[Ee][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ff][0-4]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]' -%}
case
            when not contains({{ text }}, '%') then replace({{ text }}, '+', ' ')
            when not contains({{ regex_replace(text, well_formed, '') }}, '%') then url_decode(replace({{ text }}, '+', ' '))
            else {{ text }}
        end
{%- endmacro %}

{# The first, or last, value that is not NULL of a window: goes before `over`. #}
{% macro first_not_null(value) %}{{ return(adapter.dispatch('first_not_null', 'customer_journey')(value)) }}{% endmacro %}
{% macro default__first_not_null(value) %}first_value({{ value }} ignore nulls){% endmacro %}
{% macro spark__first_not_null(value) %}first_value({{ value }}, true){% endmacro %}
{# PostgreSQL's own window functions skip nothing; an aggregate may stand before `over` as well. #}
{% macro postgres__first_not_null(value) %}first_not_null({{ value }}){% endmacro %}

{% macro last_not_null(value) %}{{ return(adapter.dispatch('last_not_null', 'customer_journey')(value)) }}{% endmacro %}
{% macro default__last_not_null(value) %}last_value({{ value }} ignore nulls){% endmacro %}
{% macro spark__last_not_null(value) %}last_value({{ value }}, true){% endmacro %}
{% macro postgres__last_not_null(value) %}last_not_null({{ value }}){% endmacro %}

{# Aggregate: the distinct values of a group in their order, joined by ', '. dbt.listagg has no order on Spark. #}
{% macro sorted_text_list(text) %}{{ return(adapter.dispatch('sorted_text_list', 'customer_journey')(text)) }}{% endmacro %}
{% macro default__sorted_text_list(text) %}string_agg(distinct {{ text }}, ', ' order by {{ text }}){% endmacro %}
{% macro spark__sorted_text_list(text) %}array_join(array_sort(collect_set({{ text }})), ', '){% endmacro %}

{# A number in [0, 1) that a text stands for, evenly spread and the same on every engine: the first 32 bits of its md5. #}
{% macro hash_share(text) %}{{ return(adapter.dispatch('hash_share', 'customer_journey')(text)) }}{% endmacro %}
{% macro default__hash_share(text) %}(cast(cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) as double) / 4294967296e0){% endmacro %}
{% macro spark__hash_share(text) %}(cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as double) / 4294967296e0){% endmacro %}
{% macro postgres__hash_share(text) %}(cast(cast(cast('x' || substr(md5({{ text }}), 1, 8) as bit(32)) as bigint) as double) / cast(4294967296 as double)){% endmacro %}
