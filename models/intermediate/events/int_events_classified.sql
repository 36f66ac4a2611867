{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('event_id', 'int_dirty_events') }}",
    post_hook="{{ record_loads() }}"
) }}

with

events as (

    select
        *,
        case when amount > 0 then 'positive' when amount < 0 then 'negative' when amount = 0 then 'zero' else '' end as amount_sign

    from {{ ref('int_events_deduplicated') }}
    {{ where_dirty('event_id', 'int_dirty_events') }}

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
        amount_sign

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

matches as (

    select
        event_id,
        min(rule_number) as rule_number

    from (
        select
            events.event_id,
            candidates.rule_number,
            candidates.property,
            candidates.pattern,
            case candidates.property
                when 'page_path' then events.page_path
                when 'page_host' then events.page_host
                when '' then null
                else {{ json_text('events.properties', key_column='candidates.property') }}
            end as property_text

        from events
        inner join candidates
            on
                events.source_name = candidates.source_name
                and coalesce(events.event_type, '') = candidates.event_type
                and coalesce(events.raw_event_name, '') = candidates.raw_event_name
                and events.amount_sign = candidates.amount_sign
    ) as candidate_events

    where property = '' or {{ regex_match('property_text', pattern_column='pattern') }}
    group by event_id

),

traffic as (

    select distinct
        coalesce(user_agent, '') as user_agent,
        coalesce(page_host, '') as page_host,
        coalesce(email_domain, '') as email_domain,
        coalesce(ip_hash, '') as ip_hash

    from events

),

excluded_traffic as (

    select
        traffic.user_agent,
        traffic.page_host,
        traffic.email_domain,
        traffic.ip_hash,
        min(excluded.reason) as suppression_reason

    from traffic
    inner join {{ ref('excluded_traffic') }} as excluded
        on {{ regex_match(
            "case excluded.field when 'user_agent' then lower(traffic.user_agent) when 'page_host' then lower(traffic.page_host)"
            ~ " when 'email_domain' then lower(traffic.email_domain) when 'ip_hash' then traffic.ip_hash end",
            pattern_column='excluded.pattern'
        ) }}
    group by traffic.user_agent, traffic.page_host, traffic.email_domain, traffic.ip_hash

),

events_named as (

    select
        events.*,
        coalesce(
            rules.event_name,
            case events.event_type when 'page' then 'page_viewed' when 'screen' then 'screen_viewed' end,
            {{ snake_case('events.raw_event_name') }}
        ) as event_name,
        excluded_traffic.suppression_reason

    from events
    left join matches on events.event_id = matches.event_id
    left join rules on matches.rule_number = rules.rule_number
    left join excluded_traffic
        on
            coalesce(events.user_agent, '') = excluded_traffic.user_agent
            and coalesce(events.page_host, '') = excluded_traffic.page_host
            and coalesce(events.email_domain, '') = excluded_traffic.email_domain
            and coalesce(events.ip_hash, '') = excluded_traffic.ip_hash

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
