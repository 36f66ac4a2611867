with

versions as (

    select * from {{ ref('int_subscriptions_unioned') }}
    where reject_reason is null

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by source_name, subscription_id
            order by
                updated_at desc nulls last,
                {{ subscription_content_hash() }} desc,
                loaded_at asc nulls last, load_id asc, source_table asc
        ) as version_rank

    from versions

),

subscriptions_deduplicated as (

    select
        source_name,
        source_table,
        load_id,
        loaded_at,
        subscription_id,
        customer_id,
        user_id,
        email_hash,
        plan,
        billing_interval,
        status,
        trial_started_at,
        trial_ended_at,
        started_at,
        cancelled_at,
        ended_at,
        mrr_amount,
        currency_code,
        updated_at

    from versions_ranked
    where version_rank = 1

)

select * from subscriptions_deduplicated
