with

fct_revenue as (

    select
        events.event_id,
        events.person_id,
        events.event_name,
        events.occurred_at,
        events.occurred_date,
        -- refunds go back, whichever sign the source gives them
        cast(abs({{ in_reporting_currency('events.amount') }}) * cast(revenue_events.sign as integer) as decimal(18, 4)) as amount,
        events.amount as original_amount,
        events.currency_code as original_currency_code

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('revenue_events') }} as revenue_events on events.event_name = revenue_events.event_name
    {{ join_fx_rates('events.currency_code', 'events.occurred_date') }}

)

select * from fct_revenue
