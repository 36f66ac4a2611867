{# What the macros for analyses of the moment (funnel, retention, stickiness) are asked: checked here, so that a wrong argument stops with a sentence. #}

{# SQL: is an event (alias `events`) the one asked for? A name, a list of names, or any_event, any_active (interactive), any_core. #}
{% macro is_asked_event(asked) -%}
{%- set names = asked_names(asked) -%}
{%- if names == ['any_event'] -%}
true
{%- elif names == ['any_active'] -%}
events.is_interactive
{%- elif names == ['any_core'] -%}
events.is_core
{%- else -%}
events.event_name in ({{ quoted_list(names) }})
{%- endif -%}
{%- endmacro %}

{# The names of an asked event as a list. #}
{% macro asked_names(asked) %}{{ return([asked] if asked is string else asked | list) }}{% endmacro %}

{% macro check_asked_event(question, argument, asked) %}
    {%- set wrong = namespace(is_wrong=asked is mapping or not (asked is string or asked is iterable)) -%}
    {%- if not wrong.is_wrong -%}
        {%- set names = asked_names(asked) -%}
        {%- for name in names if name is not string or is_blank(name) or (names | length > 1 and name in ['any_event', 'any_active', 'any_core']) -%}
            {%- set wrong.is_wrong = true -%}
        {%- endfor -%}
        {%- set wrong.is_wrong = wrong.is_wrong or not names -%}
    {%- endif -%}
    {%- if wrong.is_wrong -%}
        {{ exceptions.raise_compiler_error(question ~ ': `' ~ argument ~ '` is `' ~ asked ~ "`. Write the name of an event, 'signed_up'; a list of names of which any"
            ~ " will do, ['signed_up', 'lead_submitted']; or one of 'any_event', 'any_active' (interactive), 'any_core'.") }}
    {%- endif -%}
{% endmacro %}

{% macro check_choice(question, argument, value, allowed) %}
    {%- if value not in allowed -%}
        {{ exceptions.raise_compiler_error(question ~ ': `' ~ argument ~ '` is `' ~ value ~ '`; allowed are ' ~ allowed | join(', ') ~ '.' ~ did_you_mean(value, allowed)) }}
    {%- endif -%}
{% endmacro %}

{% macro check_condition(question, argument, value) %}
    {%- if value is not none and (value is not string or is_blank(value)) -%}
        {{ exceptions.raise_compiler_error(question ~ ': `' ~ argument ~ '` is `' ~ value ~ '`. Write a condition in SQL on the columns of fct_events as `events`,'
            ~ " \"events.platform = 'web'\", or leave it out.") }}
    {%- endif -%}
{% endmacro %}

{% macro check_whole_number(question, argument, value, least, most) %}
    {%- if value is not integer or value is boolean or value < least or value > most -%}
        {{ exceptions.raise_compiler_error(question ~ ': `' ~ argument ~ '` is `' ~ value ~ '`. Write a whole number from ' ~ least ~ ' to ' ~ most ~ '.') }}
    {%- endif -%}
{% endmacro %}
