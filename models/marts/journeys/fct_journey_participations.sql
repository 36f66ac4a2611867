with

entries as (

    select
        *,
        {{ key_of(['journey', 'person_id', 'mark_id']) }} as participation_id

    from {{ ref('int_journey_entries') }}
    where is_admitted

),

visits as (

    select * from {{ ref('fct_journey_steps') }}

),

counted as (

    select
        participation_id,
        count(*) as step_visit_count,
        count(distinct step) as distinct_step_count,
        sum(case when is_repeat then 1 else 0 end) as repeat_count,
        sum(case when is_backtrack then 1 else 0 end) as backtrack_count,
        sum(case when is_expected then 0 else 1 end) as unexpected_count,
        sum(case when is_channel_switch then 1 else 0 end) as channel_switch_count,
        sum(friction_count) as friction_count,
        max(step_number) as furthest_step_number,
        max(case when is_last then step end) as last_step

    from visits
    group by participation_id

),

channels as (

    select
        participation_id,
        count(distinct channel) as channel_count

    from (
        select participation_id, entry_channel as channel from entries
        union all
        select participation_id, channel from visits
    ) as used
    group by participation_id

),

-- declared steps below the furthest: those of them that were visited are distinct_step_count without the furthest itself
steps_below as (

    select
        counted.participation_id,
        count(*) as step_count

    from counted
    inner join entries on counted.participation_id = entries.participation_id
    inner join {{ ref('journey_steps') }} as steps
        on
            entries.journey = steps.journey
            and entries.version = steps.version
            and counted.furthest_step_number > steps.step_number
    group by counted.participation_id

),

fct_journey_participations as (

    select
        entries.participation_id,
        entries.journey,
        entries.version,
        entries.person_id,
        entries.participation_number,
        entries.occurred_at as entered_at,
        {{ local_date('entries.occurred_at') }} as entered_date,
        entries.entry_trigger,
        entries.entry_name,
        entries.entry_event_id,
        entries.entry_channel,
        {{ from_epoch_us('entries.end_us') }} as exited_at,
        {{ local_date(from_epoch_us('entries.end_us')) }} as exited_date,
        entries.exit_type,
        entries.exit_name,
        entries.exit_type is null as is_active,
        {{ elapsed_seconds('entries.occurred_at', from_epoch_us('entries.end_us')) }} as duration_seconds,
        entries.timeout_at,
        entries.goal_met_at,
        entries.is_goal_met,
        entries.is_goal_mature,
        cast(coalesce(counted.step_visit_count, 0) as bigint) as step_visit_count,
        cast(coalesce(counted.distinct_step_count, 0) as bigint) as distinct_step_count,
        cast(coalesce(counted.repeat_count, 0) as bigint) as repeat_count,
        cast(coalesce(counted.backtrack_count, 0) as bigint) as backtrack_count,
        cast(coalesce(counted.unexpected_count, 0) as bigint) as unexpected_count,
        cast(coalesce(steps_below.step_count - (counted.distinct_step_count - 1), 0) as bigint) as skip_count,
        cast(coalesce(channels.channel_count, 0) as bigint) as channel_count,
        cast(coalesce(counted.channel_switch_count, 0) as bigint) as channel_switch_count,
        cast(coalesce(counted.friction_count, 0) as bigint) as friction_count,
        counted.furthest_step_number,
        counted.last_step

    from entries
    left join counted on entries.participation_id = counted.participation_id
    left join channels on entries.participation_id = channels.participation_id
    left join steps_below on entries.participation_id = steps_below.participation_id

)

select * from fct_journey_participations
