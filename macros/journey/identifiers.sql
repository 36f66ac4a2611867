{# Identifier classes as columns of the canonical tables, strongest first. Their guard rules are rows of seeds/taxonomy/identifier_rules.csv. #}
{% macro identifier_classes() %}
    {{ return(['user_id', 'customer_id', 'email_hash', 'phone_hash', 'device_id', 'anonymous_id']) }}
{% endmacro %}

{# Key of an identifier: md5 of class and value; NULL for no value. #}
{% macro identifier_id(identifier_class, value) -%}
md5({{ quoted(identifier_class ~ ':') }} || {{ value }})
{%- endmacro %}

{# The key of the first identifier present in the order given; NULL for none. #}
{% macro first_identifier_id(classes) -%}
coalesce({% for identifier_class in classes %}{{ identifier_id(identifier_class, identifier_class) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# What an event without a session of its own is grouped by: the endpoint, which is the cookie or install where there is one. #}
{% macro endpoint_identifier_id() -%}
{{ first_identifier_id(['anonymous_id', 'device_id', 'user_id', 'customer_id', 'email_hash', 'phone_hash']) }}
{%- endmacro %}

{#
  The order among copies of one event with one received_at: equal on every engine, and of nothing but the content. All of it: where two copies differed only
  in what the hash left out, the name of the load would decide.
#}
{% macro event_content_hash() -%}
{{ key_of([
    'event_type', 'raw_event_name', timestamp_text('occurred_at'), timestamp_text('client_occurred_at'),
    'anonymous_id', 'device_id', 'user_id', 'customer_id', 'email_hash', 'phone_hash', 'email_domain', 'account_id', 'platform',
    'page_host', 'page_path', 'page_title', 'referrer_host', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content',
    'click_id_type', 'user_agent', 'ip_hash', 'amount', 'currency_code', 'quantity', 'properties'
]) }}
{%- endmacro %}

{# The statement of one campaign and day that stands: the newest, then by content. #}
{% macro ad_spend_order() -%}
updated_at desc nulls last, {{ key_of(['impression_count', 'click_count', 'spend_amount', 'currency_code', 'utm_source', 'utm_medium', 'utm_campaign']) }} desc, loaded_at asc nulls last, load_id asc, source_table asc
{%- endmacro %}
