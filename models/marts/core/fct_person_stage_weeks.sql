with

active as (

    select
        days.person_id,
        {{ period_start('week', 'days.active_date') }} as week_start_date,
        coalesce(stage_periods.stage, '(none)') as stage

    from {{ ref('fct_person_days') }} as days
    {{ join_stage_at('days.person_id', 'days.first_event_at') }}

),

active_in_stages as (

    select person_id, week_start_date, stage from active
    union
    select person_id, week_start_date, 'all' as stage from active

),

fct_person_stage_weeks as (

    select
        {{ key_of(['person_id', 'week_start_date', 'stage']) }} as person_stage_week_id,
        person_id,
        week_start_date,
        stage

    from active_in_stages

)

select * from fct_person_stage_weeks
