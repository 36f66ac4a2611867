with

catalogue as (

    select
        *,
        row_number() over (
            partition by account_id
            order by updated_at desc nulls last, source_name asc
        ) as version_number

    from {{ ref('int_accounts_deduplicated') }}

),

stages as (

    select
        stage,
        cast(stage_number as integer) as stage_number

    from {{ ref('stages') }}

),

members as (

    select
        persons.account_id,
        count(*) as member_count,
        sum(case when {{ add_seconds('persons.last_seen_at', 28 * 86400) }} > as_of.as_of_at then 1 else 0 end) as active_member_count,
        min(persons.first_seen_at) as first_seen_at,
        max(persons.last_seen_at) as last_seen_at,
        min(persons.first_paid_at) as first_paid_at,
        max(stages.stage_number) as stage_number

    from {{ ref('dim_persons') }} as persons
    cross join {{ ref('dim_as_of') }} as as_of
    left join stages on persons.current_stage = stages.stage
    where persons.account_id is not null
    group by persons.account_id

),

account_ids as (

    select account_id from members
    union
    select account_id from catalogue

),

dim_accounts as (

    select
        account_ids.account_id,
        catalogue.account_name,
        catalogue.plan,
        catalogue.industry,
        cast(catalogue.employee_count as bigint) as employee_count,
        cast(catalogue.seat_count as bigint) as seat_count,
        catalogue.created_at,
        cast(coalesce(members.member_count, 0) as bigint) as member_count,
        cast(coalesce(members.active_member_count, 0) as bigint) as active_member_count,
        -- members who were active in the last 28 days, per seat bought
        cast(coalesce(members.active_member_count, 0) as double) / nullif(catalogue.seat_count, 0) as seat_use_ratio,
        members.first_seen_at,
        members.last_seen_at,
        members.first_paid_at,
        -- as far as its furthest member
        stages.stage

    from account_ids
    left join catalogue on account_ids.account_id = catalogue.account_id and catalogue.version_number = 1
    left join members on account_ids.account_id = members.account_id
    left join stages on members.stage_number = stages.stage_number

)

select * from dim_accounts
