{%- set kinds = ['queued', 'suppressed', 'sent', 'delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained'] -%}

with

message_events as (

    select
        event_id,
        person_id,
        source_name,
        occurred_at,
        event_priority,
        replace(event_name, 'message_', '') as kind,
        {{ json_text('properties', 'message_id') }} as message_id,
        {{ json_text('properties', 'campaign') }} as campaign,
        {{ json_text('properties', 'channel') }} as channel,
        {{ json_text('properties', 'reason') }} as reason,
        coalesce({{ json_text('properties', 'is_machine') }}, 'false') = 'true' as is_machine

    from {{ ref('int_events_identified') }}
    where
        event_name in (
            {%- for kind in kinds %}
            'message_{{ kind }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )

),

-- whom, for which campaign and by which channel: as the first event says it
message_events_in_order as (

    select
        *,
        row_number() over (
            partition by source_name, message_id
            order by occurred_at, event_priority, event_id
        ) as event_number

    from message_events
    where message_id is not null

),

messages as (

    select
        source_name,
        message_id,
        min(case when event_number = 1 then person_id end) as person_id,
        min(case when event_number = 1 then campaign end) as campaign,
        min(case when event_number = 1 then channel end) as channel,
        {%- for kind in kinds %}
        min(case when kind = '{{ kind }}' then occurred_at end) as {{ kind }}_at,
        {%- endfor %}
        min(case when kind = 'opened' and not is_machine then occurred_at end) as human_opened_at,
        min(case when kind = 'suppressed' then reason end) as suppression_reason,
        min(case when kind = 'bounced' then reason end) as bounce_type,
        sum(case when kind = 'opened' then 1 else 0 end) as open_count,
        sum(case when kind = 'clicked' then 1 else 0 end) as click_count,
        min(occurred_at) as first_event_at

    from message_events_in_order
    group by source_name, message_id

),

-- what came later says that what must have come before has been
fct_messages as (

    select
        {{ key_of(['source_name', 'message_id']) }} as message_key,
        source_name,
        message_id,
        person_id,
        coalesce(campaign, '(none)') as campaign,
        coalesce(channel, '(none)') as channel,
        {{ local_date('coalesce(queued_at, first_event_at)') }} as queued_date,
        queued_at,
        suppressed_at,
        suppression_reason,
        sent_at,
        delivered_at,
        opened_at,
        human_opened_at,
        clicked_at,
        bounced_at,
        bounce_type,
        unsubscribed_at,
        complained_at,
        cast(open_count as bigint) as open_count,
        cast(click_count as bigint) as click_count,
        case
            when coalesce(sent_at, delivered_at, opened_at, clicked_at, bounced_at, unsubscribed_at, complained_at) is not null then 'sent'
            when suppressed_at is not null then 'suppressed'
            else 'pending'
        end as status,
        coalesce(delivered_at, opened_at, clicked_at, unsubscribed_at, complained_at) is not null as is_delivered,
        coalesce(opened_at, clicked_at) is not null as is_opened,
        coalesce(human_opened_at, clicked_at) is not null as is_human_opened

    from messages

)

select * from fct_messages
