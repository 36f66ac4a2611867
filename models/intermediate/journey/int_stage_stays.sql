{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('person_id', 'int_dirty_persons') }}",
    post_hook="{{ record_loads() }}"
) }}

-- As if time went on for ever: a last stay ends as dormant. fct_stage_periods cuts it at as_of, so that nobody has to be done again
-- only because time has passed.
with

points as (

    select
        person_id,
        occurred_at,
        {{ epoch_us('occurred_at') }} as occurred_us,
        -- an activity and an exit at one moment: the activity was before
        case kind when 'exit' then 1 else 0 end as is_exit,
        stage_number

    from {{ ref('int_stage_points') }}
    {{ where_dirty('person_id', 'int_dirty_persons') }}

),

points_in_epochs as (

    select
        *,
        coalesce(sum(is_exit) over (
            partition by person_id
            order by occurred_us, is_exit
            rows between unbounded preceding and 1 preceding
        ), 0) as epoch_number,
        min(case when is_exit = 1 then occurred_us end) over (
            partition by person_id
            order by occurred_us, is_exit
            rows between 1 following and unbounded following
        ) as next_exit_us

    from points

),

activity as (

    select
        person_id,
        occurred_us,
        max(stage_number) over (
            partition by person_id, epoch_number
            order by occurred_us
            rows between unbounded preceding and current row
        ) as stage_number,
        lead(occurred_us) over (
            partition by person_id
            order by occurred_us
        ) as next_us,
        next_exit_us,
        occurred_us + cast({{ var('dormant_after_days') | int }} as bigint) * 86400 * 1000000 as dormant_us

    from points_in_epochs
    where is_exit = 0

),

activity_with_leaving as (

    select
        *,
        case when next_exit_us < dormant_us then next_exit_us else dormant_us end as leave_us,
        case when next_exit_us < dormant_us then 'churned' else 'dormant' end as leave_reason,
        coalesce(next_us < dormant_us and (next_exit_us is null or next_exit_us >= next_us), false) as goes_on

    from activity

),

activity_with_entry as (

    select
        *,
        case
            when lag(occurred_us) over person_in_order is null then 'first_seen'
            when not lag(goes_on) over person_in_order then 'returned'
            when lag(stage_number) over person_in_order <> stage_number then 'advanced'
        end as entry_reason

    from activity_with_leaving
    window person_in_order as (
        partition by person_id
        order by occurred_us
    )

),

stays_numbered as (

    select
        *,
        sum(case when entry_reason is not null then 1 else 0 end) over (
            partition by person_id
            order by occurred_us
            rows between unbounded preceding and current row
        ) as stay_number

    from activity_with_entry

),

stays as (

    select
        person_id,
        stay_number,
        max(stage_number) as stage_number,
        min(occurred_us) as started_us,
        max(entry_reason) as entry_reason,
        max(occurred_us) as last_activity_us,
        -- of the stay's last activity: leaving grows with it
        max(leave_us) as leave_us,
        max(case when next_us is null or not goes_on then leave_reason end) as leave_reason

    from stays_numbered
    group by person_id, stay_number

),

stage_stays as (

    select
        person_id,
        stay_number,
        stage_number,
        {{ from_epoch_us('started_us') }} as started_at,
        case
            when leave_reason is not null then {{ from_epoch_us('leave_us') }}
            else {{ from_epoch_us('lead(started_us) over (partition by person_id order by stay_number)') }}
        end as ended_at,
        {{ from_epoch_us('last_activity_us') }} as last_activity_at,
        entry_reason,
        coalesce(leave_reason, 'advanced') as exit_reason

    from stays

)

select * from stage_stays
