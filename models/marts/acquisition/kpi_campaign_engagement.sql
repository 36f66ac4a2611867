with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

messages as (

    select
        *,
        coalesce(delivered_at, opened_at, clicked_at, unsubscribed_at, complained_at) as reached_at

    from {{ ref('fct_messages') }}

),

-- messages after which their reader reached any goal within seven days
converted as (

    select distinct messages.message_key
    from messages
    inner join {{ ref('fct_conversions') }} as conversions
        on
            messages.person_id = conversions.person_id
            and messages.reached_at <= conversions.occurred_at
            and conversions.occurred_at <= {{ add_seconds('messages.reached_at', 7 * 86400) }}

),

counted as (

    select
        messages.campaign,
        messages.channel,
        messages.queued_date,
        count(*) as queued_count,
        sum(case when messages.status = 'suppressed' then 1 else 0 end) as suppressed_count,
        sum(case when messages.status = 'sent' then 1 else 0 end) as sent_count,
        sum(case when messages.status = 'pending' then 1 else 0 end) as pending_count,
        sum(case when messages.is_delivered then 1 else 0 end) as delivered_count,
        sum(case when messages.is_opened then 1 else 0 end) as opened_count,
        sum(case when messages.is_human_opened then 1 else 0 end) as human_opened_count,
        sum(case when messages.clicked_at is not null then 1 else 0 end) as clicked_count,
        sum(case when messages.bounced_at is not null then 1 else 0 end) as bounced_count,
        sum(case when messages.unsubscribed_at is not null then 1 else 0 end) as unsubscribed_count,
        sum(case when messages.complained_at is not null then 1 else 0 end) as complained_count,
        sum(case when converted.message_key is not null then 1 else 0 end) as converted_7d_count,
        max(messages.reached_at) as last_reached_at

    from messages
    left join converted on messages.message_key = converted.message_key
    group by messages.campaign, messages.channel, messages.queued_date

),

kpi_campaign_engagement as (

    select
        {{ key_of(['counted.campaign', 'counted.channel', 'counted.queued_date']) }} as campaign_engagement_id,
        counted.campaign,
        counted.channel,
        counted.queued_date,
        cast(counted.queued_count as bigint) as queued_count,
        cast(counted.suppressed_count as bigint) as suppressed_count,
        cast(counted.sent_count as bigint) as sent_count,
        cast(counted.pending_count as bigint) as pending_count,
        {{ rate_columns('delivery', 'counted.delivered_count', 'counted.sent_count') }},
        {{ rate_columns('bounce', 'counted.bounced_count', 'counted.sent_count') }},
        {{ rate_columns('open', 'counted.opened_count', 'counted.delivered_count') }},
        {{ rate_columns('human_open', 'counted.human_opened_count', 'counted.delivered_count') }},
        {{ rate_columns('click', 'counted.clicked_count', 'counted.delivered_count') }},
        {{ rate_columns('click_to_open', 'counted.clicked_count', 'counted.opened_count') }},
        {{ rate_columns('unsubscribe', 'counted.unsubscribed_count', 'counted.delivered_count') }},
        {{ rate_columns('complaint', 'counted.complained_count', 'counted.delivered_count') }},
        {{ rate_columns('converted_7d', 'counted.converted_7d_count', 'counted.delivered_count') }},
        -- a day to arrive in, and then seven; longer where one took longer to arrive
        {{ window_is_over(add_days('counted.queued_date', 2), 7) }}
        and (counted.last_reached_at is null or {{ add_seconds('counted.last_reached_at', 7 * 86400) }} <= as_of.as_of_at) as is_mature

    from counted
    cross join as_of

)

select * from kpi_campaign_engagement
