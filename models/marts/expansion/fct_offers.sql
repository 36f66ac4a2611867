with

offers as (

    select
        *,
        case
            when offered_at is not null then {{ record_event_id('commercial_offers', 'offer_made') }}
            when accepted_at is not null then {{ record_event_id('commercial_offers', 'offer_accepted') }}
            else {{ record_event_id('commercial_offers', 'offer_declined') }}
        end as event_id,
        coalesce(offered_at, accepted_at, declined_at) as made_at

    from {{ ref('int_commercial_offers_deduplicated') }}

),

fct_offers as (

    select
        offers.record_key as offer_key,
        offers.source_name,
        offers.offer_id,
        events.person_id,
        offers.offer_type,
        offers.product,
        coalesce(offers.channel, '(none)') as channel,
        offers.made_at as offered_at,
        {{ local_date('offers.made_at') }} as offered_date,
        offers.accepted_at,
        offers.declined_at,
        cast(offers.quantity as bigint) as quantity,
        {{ in_reporting_currency('offers.amount') }} as amount,
        offers.amount as original_amount,
        offers.currency_code as original_currency_code

    from offers
    inner join {{ ref('int_events_identified') }} as events on offers.event_id = events.event_id
    {{ join_fx_rates('offers.currency_code', local_date('coalesce(offers.accepted_at, offers.made_at)')) }}

)

select * from fct_offers
