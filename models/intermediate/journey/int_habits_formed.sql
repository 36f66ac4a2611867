-- a habit day is an active day with a core event that ends a window of habit_window_days in which var habit_days such days lie
with

core_days as (

    select
        person_id,
        active_date,
        first_core_event_at,
        lag(active_date, {{ var('habit_days') | int - 1 }}) over (
            partition by person_id
            order by active_date
        ) as window_first_date

    from {{ ref('int_person_days') }}
    where core_event_count > 0

),

habits_formed as (

    select
        person_id,
        active_date,
        first_core_event_at as occurred_at

    from core_days
    where {{ days_between('window_first_date', 'active_date') }} < {{ var('habit_window_days') | int }}

)

select * from habits_formed
