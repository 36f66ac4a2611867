with

subscriptions as (

    select
        record_key,
        {{ record_event_id('subscriptions', 'subscription_started') }} as event_id,
        subscription_id,
        plan,
        case when lower(billing_interval) like 'year%' or lower(billing_interval) like 'annual%' then 12 else 1 end as term_months,
        started_at,
        {{ subscription_ended_at() }} as ended_at

    from {{ ref('int_subscriptions_deduplicated') }}
    where started_at is not null

),

numbers as (

    select number from ({{ integers(601) }}) as integers
    where number > 0

),

terms as (

    select
        subscriptions.*,
        numbers.number as term_number,
        {{ add_months(local_date('subscriptions.started_at'), 'numbers.number * subscriptions.term_months') }} as due_date

    from subscriptions
    cross join {{ ref('int_as_of') }} as as_of
    inner join numbers
        on {{ add_months(local_date('subscriptions.started_at'), 'numbers.number * subscriptions.term_months') }} < as_of.as_of_date

),

fct_subscription_terms as (

    select
        {{ key_of(['terms.record_key', 'terms.term_number']) }} as subscription_term_id,
        terms.subscription_id,
        events.person_id,
        terms.plan,
        cast(terms.term_months as bigint) as term_months,
        cast(terms.term_number as bigint) as term_number,
        terms.due_date,
        -- it ended on the very day, or went on
        terms.ended_at is null or {{ local_date('terms.ended_at') }} > terms.due_date as is_renewed

    from terms
    inner join {{ ref('int_events_identified') }} as events on terms.event_id = events.event_id
    where terms.ended_at is null or {{ local_date('terms.ended_at') }} >= terms.due_date

)

select * from fct_subscription_terms
