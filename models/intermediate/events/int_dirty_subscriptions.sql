with

pending as (

    select * from {{ ref('int_loads_pending') }}

),

versions as (

    select * from {{ ref('int_subscriptions_unioned') }}
    where reject_reason is null

),

touched as (

    select distinct
        versions.source_name,
        versions.subscription_id

    from versions
    inner join pending
        on
            versions.source_table = pending.source_table
            and versions.load_id = pending.load_id

),

-- all versions of a touched subscription: each may have named somebody else
dirty_subscriptions as (

    select distinct
        versions.source_name,
        versions.subscription_id,
        versions.user_id,
        versions.customer_id,
        versions.email_hash

    from versions
    inner join touched
        on
            versions.source_name = touched.source_name
            and versions.subscription_id = touched.subscription_id

)

select * from dirty_subscriptions
