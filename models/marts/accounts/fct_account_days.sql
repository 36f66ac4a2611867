with

fct_account_days as (

    select
        {{ key_of(['persons.account_id', 'days.active_date']) }} as account_day_id,
        persons.account_id,
        days.active_date,
        min(days.first_event_at) as first_event_at,
        max(days.last_event_at) as last_event_at,
        cast(count(*) as bigint) as active_member_count,
        cast(sum(days.event_count) as bigint) as event_count,
        cast(sum(days.core_event_count) as bigint) as core_event_count

    from {{ ref('fct_person_days') }} as days
    inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id
    where persons.account_id is not null
    group by persons.account_id, days.active_date

)

select * from fct_account_days
