-- How many people each channel brought first, how many of them signed up, made it a habit and paid. Everybody has had 90 days.
with

persons as (

    select persons.*
    from {{ ref('dim_persons') }} as persons
    cross join {{ ref('dim_as_of') }} as as_of
    where {{ add_seconds('persons.first_session_at', 90 * 86400) }} <= as_of.as_of_at

),

channels as (

    select
        first_touch_channel_group,
        count(*) as person_count,
        count(signed_up_at) as signed_up_count,
        count(habit_formed_at) as habit_count,
        count(first_paid_at) as paid_count

    from persons
    group by first_touch_channel_group

)

select
    first_touch_channel_group,
    person_count,
    {{ rate_columns('signed_up', 'signed_up_count', 'person_count') }},
    {{ rate_columns('habit', 'habit_count', 'person_count') }},
    {{ rate_columns('paid', 'paid_count', 'person_count') }}

from channels
order by person_count desc, first_touch_channel_group asc
