with

-- what changes at one moment is one change: a subscription that replaces another one is no churn
changes as (

    select
        events.person_id,
        subscription_values.effective_at as occurred_at,
        max(subscription_values.plan) as plan,
        sum(subscription_values.mrr_change_amount) as mrr_change_amount

    from {{ ref('int_subscription_values') }} as subscription_values
    inner join {{ ref('int_events_identified') }} as events on subscription_values.event_id = events.event_id
    group by events.person_id, subscription_values.effective_at
    having sum(subscription_values.mrr_change_amount) <> 0

),

balances as (

    select
        *,
        sum(mrr_change_amount) over (
            partition by person_id
            order by occurred_at
            rows between unbounded preceding and current row
        ) as mrr_after_amount,
        row_number() over (
            partition by person_id
            order by occurred_at
        ) as change_number

    from changes

),

movements as (

    select
        person_id,
        occurred_at,
        plan,
        mrr_after_amount - mrr_change_amount as mrr_before_amount,
        mrr_after_amount,
        mrr_change_amount,
        case
            when change_number = 1 then 'new'
            when mrr_after_amount = mrr_change_amount then 'reactivation'
            when mrr_after_amount = 0 then 'churn'
            when mrr_change_amount > 0 then 'expansion'
            else 'contraction'
        end as movement

    from balances

    union all

    select
        person_id,
        occurred_at,
        cast(null as {{ dbt.type_string() }}) as plan,
        cast(0 as decimal(18, 4)) as mrr_before_amount,
        cast(0 as decimal(18, 4)) as mrr_after_amount,
        cast(0 as decimal(18, 4)) as mrr_change_amount,
        'trial_started' as movement

    from {{ ref('fct_conversions') }}
    where goal = 'trial' and conversion_number = 1

),

fct_subscription_events as (

    select
        {{ key_of(['person_id', 'movement', timestamp_text('occurred_at')]) }} as subscription_event_id,
        person_id,
        movement,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_date,
        plan,
        cast(mrr_before_amount as decimal(18, 4)) as mrr_before_amount,
        cast(mrr_change_amount as decimal(18, 4)) as mrr_change_amount,
        cast(mrr_after_amount as decimal(18, 4)) as mrr_after_amount,
        -- until then mrr_after_amount holds
        case
            when movement <> 'trial_started'
                then lead(occurred_at) over (
                    partition by person_id, case when movement = 'trial_started' then 1 else 0 end
                    order by occurred_at
                )
        end as next_movement_at

    from movements

)

select * from fct_subscription_events
