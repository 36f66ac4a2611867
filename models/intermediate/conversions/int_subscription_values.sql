-- What a subscription is worth a month, and from when: each version says it from its updated_at on, the first one from the start.
-- In the reporting currency at the rate of the day on which the subscription started, so that a currency that moves is no expansion.
with

subscriptions as (

    select
        record_key,
        {{ record_event_id('subscriptions', 'subscription_started') }} as event_id,
        started_at,
        {{ subscription_ended_at() }} as ended_at

    from {{ ref('int_subscriptions_deduplicated') }}
    where started_at is not null

),

versions as (

    select
        {{ record_key('subscriptions') }} as record_key,
        updated_at,
        mrr_amount,
        currency_code,
        plan,
        row_number() over (
            partition by source_name, subscription_id, updated_at
            order by {{ record_order('subscriptions') }}
        ) as copy_rank

    from {{ ref('int_subscriptions_unioned') }}
    where reject_reason is null

),

versions_in_order as (

    select
        *,
        row_number() over (
            partition by record_key
            order by updated_at asc nulls first
        ) as version_number

    from versions
    where copy_rank = 1

),

versions_in_force as (

    select
        subscriptions.record_key,
        subscriptions.event_id,
        subscriptions.started_at,
        subscriptions.ended_at,
        versions.version_number,
        versions.plan,
        coalesce({{ in_reporting_currency('versions.mrr_amount') }}, 0) as mrr_amount,
        case
            when versions.version_number = 1 then subscriptions.started_at
            else greatest(versions.updated_at, subscriptions.started_at)
        end as effective_at

    from subscriptions
    inner join versions_in_order as versions on subscriptions.record_key = versions.record_key
    {{ join_fx_rates('versions.currency_code', local_date('subscriptions.started_at')) }}

),

-- of versions that hold from one moment on, the last; none holds from its subscription's end on
steps as (

    select
        *,
        row_number() over (
            partition by record_key, effective_at
            order by version_number desc
        ) as step_rank

    from versions_in_force
    where ended_at is null or effective_at < ended_at

),

steps_in_order as (

    select
        *,
        lag(mrr_amount) over (
            partition by record_key
            order by effective_at
        ) as previous_mrr_amount,
        lead(effective_at) over (
            partition by record_key
            order by effective_at
        ) as next_effective_at

    from steps
    where step_rank = 1

),

changes as (

    select
        record_key,
        event_id,
        plan,
        effective_at,
        mrr_amount - coalesce(previous_mrr_amount, 0) as mrr_change_amount

    from steps_in_order

    union all

    select
        record_key,
        event_id,
        plan,
        ended_at as effective_at,
        -mrr_amount as mrr_change_amount

    from steps_in_order
    where next_effective_at is null and ended_at is not null

)

select
    changes.record_key,
    changes.event_id,
    changes.plan,
    changes.effective_at,
    cast(changes.mrr_change_amount as decimal(18, 4)) as mrr_change_amount

from changes
cross join {{ ref('int_as_of') }} as as_of
where changes.effective_at <= as_of.as_of_at and changes.mrr_change_amount <> 0
