{# Personal values: made uniform, then hashed with the project's secret key. Nothing else of them leaves staging. #}

{# Lower case, no white space, no +tag; NULL where it is no e-mail address. #}
{% macro normalised_email(text) -%}
case
    when contains({{ text }}, '@') and {{ regex_match('lower(' ~ text ~ ')', '^[^@ ]+@[^@ ]+[.][^@ ]+$') }}
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
    when contains({{ text }}, '@') or contains({{ text }}, '+') or contains({{ text }}, '%40') or (contains({{ text }}, '.') and {{ regex_match(text, '[0-9][.][0-9]{1,3}[.]') }})
        then {{ regex_replace(
            regex_replace(text, '([^@/?&=" ]+(@|%40)[^@/?&=" ]+[.][^@/?&=" ]+)|([+][0-9][0-9 ()-]{6,}[0-9])', '[redacted]'),
            '(^|[^0-9./])[0-9]{1,3}([.][0-9]{1,3}){3}', '[redacted]', keep_first_group=true
        ) }}
    else {{ text }}
end
{%- endmacro %}

{#
  An identifier as the list of placeholders is written: lower case, full-width letters, digits and signs as plain ones, without quotes and white space
  around it. The dear part of that is done only where one of them can be there.
#}
{% macro plain_form(text) -%}
{%- set wide = [] -%}
{%- set plain = [] -%}
{%- for code in range(33, 127) -%}
    {%- do wide.append('%c' % (code + 65248)) -%}
    {%- do plain.append('%c' % code) -%}
{%- endfor -%}
{%- set around = '["\'`´“”„‘’‚«»\\s' ~ '%c%c%c%c' % (160, 8203, 12288, 65279) ~ ']+' -%}
case
    when bit_length({{ text }}) <> 8 * length({{ text }}) or substr({{ text }}, 1, 1) in ('"', {{ quoted("'") }}, '`', ' ')
        then {{ regex_replace(
            'lower(translate(' ~ text ~ ', ' ~ quoted(wide | join) ~ ', ' ~ quoted(plain | join) ~ '))', '^' ~ around ~ '|' ~ around ~ '$', ''
        ) }}
    else lower({{ text }})
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
    {%- set plain = plain_form(text) -%}
    {#- nothing but quotes: an empty text that somebody has wrapped -#}
    {%- set tests = [plain ~ " = ''"] -%}
    {%- if exact -%}
        {%- do tests.append(plain ~ ' in (' ~ quoted_list(exact) ~ ')') -%}
    {%- endif -%}
    {%- if patterns -%}
        {%- do tests.append(regex_match(plain, '^(' ~ patterns | join('|') ~ ')$')) -%}
    {%- endif -%}
({{ tests | join(' or ') }})
{%- endmacro %}
