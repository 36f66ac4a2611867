-- the plan of the subscription that a person started last and has not ended at as_of
with

subscriptions as (

    select
        *,
        {{ first_identifier_id(['user_id', 'customer_id', 'email_hash']) }} as identifier_id

    from {{ ref('int_subscriptions_deduplicated') }}

),

person_subscriptions as (

    select
        identifiers.person_id,
        subscriptions.plan,
        row_number() over (
            partition by identifiers.person_id
            order by
                coalesce(subscriptions.started_at, subscriptions.trial_started_at) desc,
                subscriptions.source_name asc,
                subscriptions.subscription_id asc
        ) as subscription_number

    from subscriptions
    inner join {{ ref('int_identifiers_resolved') }} as identifiers on subscriptions.identifier_id = identifiers.identifier_id
    cross join {{ ref('int_as_of') }} as as_of
    where
        coalesce(subscriptions.started_at, subscriptions.trial_started_at) <= as_of.as_of_at
        and (subscriptions.cancelled_at is null or subscriptions.cancelled_at > as_of.as_of_at)
        and (subscriptions.ended_at is null or subscriptions.ended_at > as_of.as_of_at)

),

person_plans as (

    select
        person_id,
        plan

    from person_subscriptions
    where subscription_number = 1

)

select * from person_plans
