{#
  From drafts to offers: personal values hashed, identifiers cleaned, addresses taken apart, and each row judged. A row is never dropped:
  it gets a reject_reason (the first that applies) and a raw_row_id that leads back to it: the row's own id, or the md5 of its draft.
#}

{% macro finish_events(drafts, event_key=['raw_event_id'], negative_amounts_are_rejected=false) %}
with

drafts as (
{{ stack(drafts) }}
),

normalised as (

    select
        *,
        {{ normalised_email('email') }} as clean_email,
        {{ normalised_phone('phone') }} as clean_phone,
        {{ normalised_email('user_id') }} as email_in_user_id,
        coalesce(
            occurred_at,
            case
                when sent_at is not null and received_at is not null
                    then {{ from_epoch_us(epoch_us('client_occurred_at') ~ ' + ' ~ epoch_us('received_at') ~ ' - ' ~ epoch_us('sent_at')) }}
            end,
            client_occurred_at
        ) as corrected_occurred_at,
        coalesce(
            page_path,
            {{ regex_extract('page_url', '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]+(/[^?#]*)') }},
            case when page_url is not null then '/' end
        ) as clean_page_path,
        {%- for parameter in ['source', 'medium', 'campaign', 'term', 'content'] %}
        case when contains(page_url, 'utm_') then {{ regex_extract('page_url', '[?&]utm_' ~ parameter ~ '=([^&#]+)') }} end as url_utm_{{ parameter }},
        {%- endfor %}
        case when {{ is_json_object('properties') }} then properties end as valid_properties

    from drafts

),

-- each expression once: what is blotted below is a column, not a formula that the engine reads again and again
taken_apart as (

    select
        *,
        {%- for parameter in ['source', 'medium', 'campaign', 'term', 'content'] %}
        lower(coalesce(utm_{{ parameter }}, {{ url_decode('url_utm_' ~ parameter) }})) as clean_utm_{{ parameter }},
        {%- endfor %}
        {{ redacted('valid_properties') }} as clean_properties

    from normalised

),

finished as (

    select
        source_name,
        source_table,
        load_id,
        loaded_at,
        {{ key_of(['source_name'] + event_key) }} as event_id,
        raw_event_id,
        event_type,
        {{ redacted('raw_event_name') }} as raw_event_name,
        corrected_occurred_at as occurred_at,
        client_occurred_at,
        received_at,
        {{ identifier('anonymous_id') }} as anonymous_id,
        {{ identifier('device_id') }} as device_id,
        {{ identifier('user_id') }} as user_id,
        {{ identifier('customer_id') }} as customer_id,
        {{ keyed_hash(without_placeholder('coalesce(clean_email, email_in_user_id)')) }} as email_hash,
        {{ keyed_hash(without_placeholder('clean_phone')) }} as phone_hash,
        {{ regex_extract('coalesce(clean_email, email_in_user_id)', '@(.+)$') }} as email_domain,
        {{ identifier('account_id') }} as account_id,
        {{ redacted('platform') }} as platform,
        lower({{ host_of('page_url') }}) as page_host,
        {{ redacted('clean_page_path') }} as page_path,
        {{ redacted('page_title') }} as page_title,
        lower({{ host_of('referrer_url') }}) as referrer_host,
        {%- for parameter in ['source', 'medium', 'campaign', 'term', 'content'] %}
        {{ redacted('clean_utm_' ~ parameter) }} as utm_{{ parameter }},
        {%- endfor %}
        case
            when contains(page_url, 'clid=') or contains(page_url, 'braid=') or contains(page_url, 'li_fat_id=')
                then {{ regex_extract('page_url', '[?&](gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|twclid|li_fat_id)=') }}
        end as click_id_type,
        {{ redacted('user_agent') }} as user_agent,
        {{ keyed_hash('ip_address') }} as ip_hash,
        cast(coalesce(amount, unit_amount * quantity) as decimal(18, 4)) as amount,
        {{ currency('currency_code') }} as currency_code,
        quantity,
        {{ allowed_properties('clean_properties') }} as properties,
        {{ count_present(['anonymous_id', 'device_id', 'user_id', 'customer_id', 'coalesce(clean_email, email_in_user_id)', 'clean_phone']) }} as identifiers_sent,
        case
            when raw_event_id is null then 'missing_event_id'
            when raw_event_name is null and coalesce(event_type, '') not in ('page', 'screen') then 'missing_event_name'
            when coalesce(anonymous_id, device_id, user_id, customer_id, clean_email, clean_phone) is null then 'missing_identifier'
            when length(concat(coalesce(raw_event_id, ''), coalesce(raw_event_name, ''), coalesce(anonymous_id, ''), coalesce(device_id, ''), coalesce(user_id, ''))) > 2000
                then 'oversized_identifier'
            when corrected_occurred_at is null and (has_occurred_at or has_client_occurred_at) then 'unreadable_timestamp'
            when corrected_occurred_at is null then 'missing_timestamp'
            when corrected_occurred_at < cast({{ quoted(var('earliest_event_at')) }} as timestamp) then 'timestamp_too_early'
            when corrected_occurred_at > {{ latest_plausible_time('received_at') }}
                then 'timestamp_in_future'
            when properties is not null and valid_properties is null then 'malformed_properties'
            when (has_amount and amount is null) or (has_unit_amount and unit_amount is null) or (has_quantity and quantity is null)
                then 'unreadable_amount'
            {%- if negative_amounts_are_rejected %}
            when amount < 0 then 'negative_amount'
            {%- endif %}
            when currency_code is not null and {{ is_unknown_currency('currency_code') }} then 'unknown_currency'
        end as reject_reason

    from taken_apart

)

select
    *,
    identifiers_sent - ({{ count_present(identifier_classes()) }}) as placeholder_count,
    case when reject_reason is not null then {{ raw_row_id('raw_event_id', ['event_type', 'raw_event_name', 'occurred_at', 'anonymous_id', 'user_id', 'page_path', 'amount']) }} end as raw_row_id

from finished
{% endmacro %}

{% macro finish_identity_links(drafts) %}
with

drafts as (
{{ stack(drafts) }}
),

normalised as (

    select
        *,
        {{ normalised_email('email') }} as clean_email,
        {{ normalised_phone('phone') }} as clean_phone,
        {{ normalised_email('user_id') }} as email_in_user_id

    from drafts

),

finished as (

    select
        source_name,
        source_table,
        load_id,
        loaded_at,
        {{ key_of(['source_table', 'raw_row_key', 'occurred_at', 'received_at']) }} as link_row_id,
        raw_row_key,
        evidence,
        coalesce(occurred_at, received_at) as occurred_at,
        received_at,
        {{ identifier('anonymous_id') }} as anonymous_id,
        {{ identifier('previous_anonymous_id') }} as previous_anonymous_id,
        {{ identifier('device_id') }} as device_id,
        {{ identifier('user_id') }} as user_id,
        {{ identifier('customer_id') }} as customer_id,
        {{ keyed_hash(without_placeholder('coalesce(clean_email, email_in_user_id)')) }} as email_hash,
        {{ keyed_hash(without_placeholder('clean_phone')) }} as phone_hash,
        {{ regex_extract('coalesce(clean_email, email_in_user_id)', '@(.+)$') }} as email_domain,
        {{ identifier('account_id') }} as account_id,
        case
            when coalesce(anonymous_id, previous_anonymous_id, device_id, user_id, customer_id, clean_email, clean_phone) is null
                then 'missing_identifier'
            when length(concat(coalesce(anonymous_id, ''), coalesce(previous_anonymous_id, ''), coalesce(device_id, ''), coalesce(user_id, ''), coalesce(customer_id, ''))) > 2000
                then 'oversized_identifier'
            when coalesce(occurred_at, received_at) is null and has_occurred_at then 'unreadable_timestamp'
            when coalesce(occurred_at, received_at) is null then 'missing_timestamp'
            when coalesce(occurred_at, received_at) < cast({{ quoted(var('earliest_event_at')) }} as timestamp) then 'timestamp_too_early'
            when coalesce(occurred_at, received_at) > {{ latest_plausible_time('received_at') }}
                then 'timestamp_in_future'
        end as reject_reason

    from normalised

)

select
    *,
    case when reject_reason is not null then {{ raw_row_id('raw_row_key', ['evidence', 'occurred_at', 'anonymous_id', 'user_id', 'customer_id']) }} end as raw_row_id

from finished
{% endmacro %}

{% macro finish_ad_spend(drafts) %}
with

drafts as (
{{ stack(drafts) }}
),

finished as (

    select
        source_name,
        source_table,
        load_id,
        loaded_at,
        {{ key_of(['source_name', 'spend_date', 'platform', 'campaign']) }} as spend_id,
        spend_date,
        {{ redacted('platform') }} as platform,
        {{ redacted('campaign') }} as campaign,
        {{ redacted('lower(utm_source)') }} as utm_source,
        {{ redacted('lower(utm_medium)') }} as utm_medium,
        {{ redacted('lower(utm_campaign)') }} as utm_campaign,
        cast(impressions as bigint) as impression_count,
        cast(clicks as bigint) as click_count,
        spend_amount,
        {{ currency('currency_code') }} as currency_code,
        updated_at,
        case
            when platform is null and campaign is null then 'missing_campaign'
            when spend_date is null and has_spend_date then 'unreadable_timestamp'
            when spend_date is null then 'missing_timestamp'
            when spend_date < cast({{ quoted(var('earliest_event_at')) }} as date) then 'timestamp_too_early'
            when spend_date > cast({{ latest_plausible_time('updated_at') }} as date)
                then 'timestamp_in_future'
            when (has_spend_amount and spend_amount is null) or (has_impressions and impressions is null) or (has_clicks and clicks is null)
                then 'unreadable_amount'
            when spend_amount < 0 or impressions < 0 or clicks < 0 then 'negative_amount'
            when currency_code is not null and {{ is_unknown_currency('currency_code') }} then 'unknown_currency'
        end as reject_reason

    from drafts

)

select
    *,
    case when reject_reason is not null then {{ raw_row_id('campaign', ['spend_date', 'platform', 'campaign', 'updated_at']) }} end as raw_row_id

from finished
{% endmacro %}

{# How many of the columns are not NULL. #}
{% macro count_present(columns) -%}
{%- for column in columns -%}
case when {{ column }} is not null then 1 else 0 end{{ ' + ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{# Drafts of one shape under each other. #}
{% macro stack(drafts) %}
    {%- for draft in drafts %}
    {{ 'union all' if not loop.first }}
    select * from {{ draft }}
    {%- endfor %}
{% endmacro %}

{# An identifier as it may travel: placeholders gone; one that is an e-mail address, a phone number or an IP address replaced by its keyed hash. #}
{% macro identifier(column) -%}
case
    when {{ is_placeholder(column) }} then null
    when contains({{ column }}, '@') and {{ normalised_email(column) }} is not null then 'email:' || {{ keyed_hash(normalised_email(column)) }}
    when substr({{ column }}, 1, 1) = '+' and {{ regex_match(column, '^[+][0-9][0-9 ()-]{6,}[0-9]$') }} then 'phone:' || {{ keyed_hash(normalised_phone(column)) }}
    when (contains({{ column }}, '.') or contains({{ column }}, ':'))
        and {{ regex_match(column, '^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7})$') }} then 'ip:' || {{ keyed_hash(column) }}
    else {{ column }}
end
{%- endmacro %}

{# Host of an address, without user name and port. #}
{% macro host_of(url) -%}
{{ regex_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#@]*@)?([^/?#:@]+)', 2) }}
{%- endmacro %}

{# A currency code, or NULL for any other text: the row is rejected, and its text stays behind. #}
{% macro currency(column) -%}
case when {{ regex_match(column, '^[A-Za-z]{3}$') }} then upper({{ column }}) end
{%- endmacro %}

{#
  A day after the row was received, or loaded, whichever was first: nothing can have happened later. Both, since a clock that writes 2099 as the time of an
  order writes it as that of its last change too.
#}
{% macro latest_plausible_time(received_at) -%}
{{ add_seconds(
    'least(coalesce(' ~ received_at ~ ", loaded_at, cast('2099-01-01' as timestamp)), coalesce(loaded_at, " ~ received_at ~ ", cast('2099-01-01' as timestamp)))", 86400
) }}
{%- endmacro %}

{# Not three letters, or one of the codes ISO 4217 keeps for "none" and "test". A currency that is real but has no rate is another matter: its amount is NULL in the marts. #}
{% macro is_unknown_currency(column) -%}
(not {{ regex_match('upper(' ~ column ~ ')', '^[A-Z]{3}$') }} or upper({{ column }}) in ('XXX', 'XTS'))
{%- endmacro %}

{# Way back to a raw row: its own key (blotted out where it holds a personal value), or the md5 of what was read of it. #}
{% macro raw_row_id(own_key, columns) -%}
coalesce({{ redacted(own_key) }}, 'md5:' || {{ key_of(columns) }})
{%- endmacro %}

{# Of the collector's properties, already blotted of personal values, only the keys of var event_properties travel on; NULL where none is left. #}
{% macro allowed_properties(json) -%}
    {%- do stop_on_unreadable_vars() -%}
    {%- if var('event_properties') -%}
    {{ json_members(json, var('event_properties')) }}
    {%- else -%}
    cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
