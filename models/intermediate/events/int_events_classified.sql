{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('event_id', 'int_dirty_events') }}",
    post_hook="{{ record_loads() }}"
) }}

{%- set columns = [
    'event_id', 'source_name', 'source_table', 'load_id', 'loaded_at', 'event_type', 'raw_event_name', 'occurred_at',
    'client_occurred_at', 'received_at', 'anonymous_id', 'device_id', 'user_id', 'customer_id', 'email_hash', 'phone_hash',
    'email_domain', 'account_id', 'platform', 'page_host', 'page_path', 'page_title', 'referrer_host', 'utm_source', 'utm_medium',
    'utm_campaign', 'utm_term', 'utm_content', 'click_id_type', 'user_agent', 'ip_hash', 'amount', 'currency_code', 'quantity', 'properties'
] %}
{%- set implied = {
    'event_type': "'server'", 'platform': "'server'", 'event_id': 'event_id', 'source_name': 'source_name', 'source_table': 'source_table',
    'load_id': 'load_id', 'loaded_at': 'loaded_at', 'raw_event_name': 'raw_event_name', 'occurred_at': 'occurred_at',
    'anonymous_id': 'anonymous_id', 'device_id': 'device_id', 'user_id': 'user_id', 'customer_id': 'customer_id',
    'email_hash': 'email_hash', 'phone_hash': 'phone_hash', 'amount': 'amount', 'currency_code': 'currency_code', 'properties': 'properties'
} %}
{%- set amount_sign = "case when amount > 0 then 'positive' when amount < 0 then 'negative' when amount = 0 then 'zero' else '' end" %}

{%- set traffic_fields = ['user_agent', 'page_host', 'email_domain', 'ip_hash'] %}

{%- set has_name %}
            events.source_name = names.source_name
            and coalesce(events.event_type, '') = names.event_type
            and coalesce(events.raw_event_name, '') = names.raw_event_name
            and {{ amount_sign | replace('amount', 'events.amount') }} = names.amount_sign
{%- endset %}

with

record_events as (

    select * from {{ ref('int_record_events') }}
    {{ where_dirty('event_id', 'int_dirty_events') }}

),

{{ ranked_copies() }},

-- of all copies of an event the one that stands, and what subscriptions imply
events as {{ kept_where_few() }}(

    select {{ columns | join(', ') }}, false as is_implied
    from copies
    where event_id not in (select repeated_keys.event_id from repeated_keys)

    union all

    select {{ columns | join(', ') }}, false as is_implied
    from copies_ranked
    where copy_number = 1

    union all

    select
        {%- for column in columns %}
        {{ implied.get(column, 'null') }} as {{ column }},
        {%- endfor %}
        true as is_implied

    from record_events

),

rules as (

    select
        cast(rule_number as integer) as rule_number,
        coalesce(source_name, '') as source_name,
        coalesce(event_type, '') as event_type,
        coalesce(raw_event_name, '') as raw_event_name,
        coalesce(property, '') as property,
        pattern,
        coalesce(amount_sign, '') as amount_sign,
        event_name

    from {{ ref('event_rules') }}

),

-- rules are matched once per distinct name, not once per event
names as (

    select distinct
        source_name,
        coalesce(event_type, '') as event_type,
        coalesce(raw_event_name, '') as raw_event_name,
        {{ amount_sign }} as amount_sign

    from events

),

candidates as (

    select
        names.*,
        rules.rule_number,
        rules.property,
        rules.pattern

    from names
    inner join rules
        on
            rules.source_name in ('', names.source_name)
            and rules.event_type in ('', names.event_type)
            and rules.raw_event_name in ('', names.raw_event_name)
            and rules.amount_sign in ('', names.amount_sign)

),

name_matches as (

    select
        source_name,
        event_type,
        raw_event_name,
        amount_sign,
        min(rule_number) as rule_number

    from candidates
    where property = ''
    group by source_name, event_type, raw_event_name, amount_sign

),

-- only a rule before the one that the name alone decides has to look at the event
property_candidates as (

    select candidates.*
    from candidates
    left join name_matches
        on
            candidates.source_name = name_matches.source_name
            and candidates.event_type = name_matches.event_type
            and candidates.raw_event_name = name_matches.raw_event_name
            and candidates.amount_sign = name_matches.amount_sign
    where
        candidates.property <> ''
        and (name_matches.rule_number is null or candidates.rule_number < name_matches.rule_number)

),

property_texts as (

    select
        events.event_id,
        candidates.rule_number,
        candidates.pattern,
        case candidates.property
            when 'page_path' then events.page_path
            when 'page_host' then events.page_host
            else {{ json_text('events.properties', key_column='candidates.property') }}
        end as property_text

    from events
    inner join property_candidates as candidates
        on
            {{- has_name | replace('names.', 'candidates.') }}

),

-- nor is a pattern tried on one text twice
matching_texts as (

    select
        pattern,
        property_text

    from (
        select distinct
            pattern,
            property_text
        from property_texts
    ) as texts

    where {{ regex_match('property_text', pattern_column='pattern') }}

),

property_matches as (

    select
        texts.event_id,
        min(texts.rule_number) as rule_number

    from property_texts as texts
    inner join matching_texts on texts.pattern = matching_texts.pattern and texts.property_text = matching_texts.property_text
    group by texts.event_id

),

-- nor is traffic judged more than once per text; of rules the first counts
excluded_texts as (

    select
        texts.field,
        texts.field_text,
        min(cast(rules.rule_number as integer)) as rule_number

    from (
        {%- for field in traffic_fields %}
        select distinct
            '{{ field }}' as field,
            {{ field }} as field_text
        from events
        where {{ field }} is not null
        {%- if not loop.last %}

        union all

        {%- endif %}
        {%- endfor %}
    ) as texts
    inner join {{ ref('excluded_traffic') }} as rules
        on
            texts.field = rules.field
            and {{ regex_match('lower(texts.field_text)', pattern_column='rules.pattern') }}
    group by texts.field, texts.field_text

),

events_named as (

    select
        events.*,
        coalesce(
            rules.event_name,
            case events.event_type when 'page' then 'page_viewed' when 'screen' then 'screen_viewed' end,
            {{ snake_case('events.raw_event_name') }}
        ) as event_name,
        exclusions.reason as suppression_reason

    from events
    left join name_matches
        on
            {{- has_name | replace('names.', 'name_matches.') }}
    left join property_matches on events.event_id = property_matches.event_id
    left join rules on coalesce(property_matches.rule_number, name_matches.rule_number) = rules.rule_number
    {%- for field in traffic_fields %}
    left join excluded_texts as excluded_{{ field }}
        on
            excluded_{{ field }}.field = '{{ field }}'
            and events.{{ field }} = excluded_{{ field }}.field_text
    {%- endfor %}
    left join {{ ref('excluded_traffic') }} as exclusions
        on cast(exclusions.rule_number as integer) = least(
            {%- for field in traffic_fields %}
            excluded_{{ field }}.rule_number{{ ',' if not loop.last }}
            {%- endfor %}
        )

),

events_classified as (

    select
        events_named.event_id,
        events_named.source_name,
        events_named.source_table,
        events_named.load_id,
        events_named.loaded_at,
        events_named.is_implied,
        events_named.event_type,
        events_named.event_name,
        taxonomy.event_name is not null as is_known_event,
        coalesce(cast(taxonomy.event_priority as integer), 100) as event_priority,
        coalesce(cast(taxonomy.is_interactive as boolean), coalesce(events_named.event_type, '') <> 'server') as is_interactive,
        coalesce(cast(taxonomy.is_core as boolean), false) as is_core,
        taxonomy.touchpoint_type,
        events_named.suppression_reason,
        events_named.occurred_at,
        events_named.client_occurred_at,
        events_named.received_at,
        coalesce({{ endpoint_identifier_id() }}, md5('event:' || events_named.event_id)) as endpoint_id,
        {{ endpoint_identifier_id() }} as endpoint_identifier_id,
        {{ identifier_id('user_id', 'user_id') }} as user_identifier_id,
        {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as strong_identifier_id,
        events_named.account_id,
        events_named.platform,
        events_named.page_host,
        events_named.page_path,
        events_named.page_title,
        events_named.referrer_host,
        events_named.utm_source,
        events_named.utm_medium,
        events_named.utm_campaign,
        events_named.utm_term,
        events_named.utm_content,
        events_named.click_id_type,
        events_named.amount,
        events_named.currency_code,
        events_named.quantity,
        events_named.properties

    from events_named
    left join {{ ref('events') }} as taxonomy on events_named.event_name = taxonomy.event_name

)

select * from events_classified
