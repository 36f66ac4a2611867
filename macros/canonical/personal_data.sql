{# Personal values: made uniform, then hashed with the project's secret key. Nothing else of them leaves staging. #}

{# Lower case, no white space, no +tag; NULL where it is no e-mail address. #}
{% macro normalised_email(text) -%}
case
    when {{ regex_match('lower(' ~ text ~ ')', '^[^@ ]+@[^@ ]+[.][^@ ]+$') }}
        then {{ regex_replace('lower(' ~ text ~ ')', '[+][^@]*@', '@') }}
end
{%- endmacro %}

{# Digits with a leading +; '00' at the start is read as '+'; NULL for fewer than seven digits. #}
{% macro normalised_phone(text) -%}
case
    when length({{ regex_replace(text, '[^0-9]', '') }}) >= 7
        then {{ regex_replace(regex_replace(text, '[^0-9+]', ''), '^00', '+') }}
end
{%- endmacro %}

{# SHA-256 of key and value; NULL stays NULL. The key lies in a file of its own, outside the warehouse. #}
{% macro keyed_hash(text) -%}
{{ sha256("(select hash_key from " ~ hash_key_relation() ~ ") || ':' || " ~ text) }}
{%- endmacro %}

{% macro hash_key_relation() -%}
{{ relation_in(raw_schema('secrets'), 'hash_key') }}
{%- endmacro %}

{# Free text with e-mail addresses, international phone numbers and IPv4 addresses blotted out. A version (Chrome/120.0.0.0) is no address. #}
{% macro redacted(text) -%}
case
    when contains({{ text }}, '@') or contains({{ text }}, '+') or contains({{ text }}, '%40') or {{ regex_match(text, '[0-9][.][0-9]{1,3}[.]') }}
        then {{ regex_replace(
            regex_replace(text, '([^@/?&=" ]+(@|%40)[^@/?&=" ]+[.][^@/?&=" ]+)|([+][0-9][0-9 ()-]{6,}[0-9])', '[redacted]'),
            '(^|[^0-9./])[0-9]{1,3}([.][0-9]{1,3}){3}', '[redacted]', keep_first_group=true
        ) }}
    else {{ text }}
end
{%- endmacro %}

{#
  The identifier, or NULL where it stands for nobody (seed placeholder_identifiers). The list is read from the seed's table while the statement is written,
  so that the engine gets constants: a pattern out of a column is compiled anew for each row.
#}
{% macro without_placeholder(text) -%}
case when not {{ is_placeholder(text) }} then {{ text }} end
{%- endmacro %}

{% macro is_placeholder(text) -%}
    {%- set placeholders = ref('placeholder_identifiers') -%}
    {%- set exact = [] -%}
    {%- set patterns = [] -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'compile', 'show', 'test'] and load_relation(placeholders) is not none -%}
        {%- for row in run_query('select match_type, value from ' ~ placeholders ~ ' order by match_type, value').rows -%}
            {%- do (exact if row[0] == 'exact' else patterns).append(row[1] | string) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set tests = [] -%}
    {%- if exact -%}
        {%- set values = [] -%}
        {%- for value in exact -%}{%- do values.append(quoted(value)) -%}{%- endfor -%}
        {%- do tests.append('lower(' ~ text ~ ') in (' ~ values | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- if patterns -%}
        {%- do tests.append(regex_match('lower(' ~ text ~ ')', '^(' ~ patterns | join('|') ~ ')$')) -%}
    {%- endif -%}
({{ tests | join(' or ') or '1 = 0' }})
{%- endmacro %}
