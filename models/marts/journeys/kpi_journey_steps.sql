with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

participations as (

    select
        *,
        {{ period_start('week', 'entered_date') }} as cohort_week_date

    from {{ ref('fct_journey_participations') }}

),

visits as (

    select
        steps.*,
        participations.cohort_week_date

    from {{ ref('fct_journey_steps') }} as steps
    inner join participations on steps.participation_id = participations.participation_id

),

weeks as (

    select
        journey,
        version,
        cohort_week_date,
        count(*) as entry_count,
        sum(case when is_active then 1 else 0 end) as active_count

    from participations
    group by journey, version, cohort_week_date

),

steps as (

    select
        journey,
        cast(version as bigint) as version,
        step,
        cast(step_number as bigint) as step_number

    from {{ ref('journey_steps') }}

),

-- a participation at a step, however often it was there
arrivals as (

    select
        participation_id,
        journey,
        version,
        step,
        cohort_week_date,
        max(case when moved_on then 1 else 0 end) as has_moved_on,
        max(case when is_repeat then 1 else 0 end) as has_repeated,
        max(case when is_backtrack then 1 else 0 end) as has_gone_back,
        max(case when friction_count > 0 then 1 else 0 end) as has_friction,
        max(case when is_channel_switch then 1 else 0 end) as has_switched,
        max(case when is_overdue then 1 when not is_overdue then 0 end) as is_overdue,
        max(case when is_last then 1 else 0 end) as is_last

    from visits
    group by participation_id, journey, version, step, cohort_week_date

),

arrivals_with_end as (

    select
        arrivals.*,
        case
            when arrivals.is_last = 1 and not participations.is_active and participations.exit_type <> 'completed' then 1
            else 0
        end as is_dropped,
        case when arrivals.is_last = 1 and participations.is_active then 1 else 0 end as is_open

    from arrivals
    inner join participations on arrivals.participation_id = participations.participation_id

),

arrived as (

    select
        journey,
        version,
        step,
        cohort_week_date,
        count(*) as arrived_count,
        sum(has_moved_on) as moved_on_count,
        sum(has_repeated) as repeat_count,
        sum(has_gone_back) as backtrack_count,
        sum(has_friction) as friction_count,
        sum(has_switched) as switch_count,
        sum(is_dropped) as dropped_count,
        sum(is_dropped * has_switched) as dropped_after_switch_count,
        sum(is_overdue) as overdue_count,
        count(is_overdue) as overdue_known_count,
        sum(is_open) as open_count

    from arrivals_with_end
    group by journey, version, step, cohort_week_date

),

durations as (

    select
        journey,
        version,
        step,
        cohort_week_date,
        percentile_cont(0.5) within group (order by seconds_in_step) as seconds_in_step_p50,
        percentile_cont(0.9) within group (order by seconds_in_step) as seconds_in_step_p90

    from visits
    group by journey, version, step, cohort_week_date

),

-- who went further without it
skips as (

    select
        participations.journey,
        participations.version,
        steps.step,
        participations.cohort_week_date,
        count(*) as skip_count

    from participations
    inner join steps
        on
            participations.journey = steps.journey
            and participations.version = steps.version
            and participations.furthest_step_number > steps.step_number
    left join arrivals on participations.participation_id = arrivals.participation_id and steps.step = arrivals.step
    where arrivals.participation_id is null
    group by participations.journey, participations.version, steps.step, participations.cohort_week_date

),

counted as (

    select
        weeks.journey,
        weeks.version,
        weeks.cohort_week_date,
        weeks.entry_count,
        weeks.active_count,
        steps.step,
        steps.step_number,
        coalesce(arrived.arrived_count, 0) as arrived_count,
        coalesce(arrived.moved_on_count, 0) as moved_on_count,
        coalesce(arrived.repeat_count, 0) as repeat_count,
        coalesce(arrived.backtrack_count, 0) as backtrack_count,
        coalesce(arrived.friction_count, 0) as friction_count,
        coalesce(arrived.switch_count, 0) as switch_count,
        coalesce(arrived.dropped_count, 0) as dropped_count,
        coalesce(arrived.dropped_after_switch_count, 0) as dropped_after_switch_count,
        coalesce(arrived.overdue_count, 0) as overdue_count,
        coalesce(arrived.overdue_known_count, 0) as overdue_known_count,
        coalesce(arrived.open_count, 0) as open_count,
        coalesce(skips.skip_count, 0) as skip_count,
        durations.seconds_in_step_p50,
        durations.seconds_in_step_p90,
        {{ add_days('weeks.cohort_week_date', 7) }} <= as_of.as_of_date as is_over

    from weeks
    cross join as_of
    inner join steps on weeks.journey = steps.journey and weeks.version = steps.version
    {%- for joined in ['arrived', 'skips', 'durations'] %}
    left join {{ joined }}
        on
            steps.journey = {{ joined }}.journey
            and steps.version = {{ joined }}.version
            and steps.step = {{ joined }}.step
            and weeks.cohort_week_date = {{ joined }}.cohort_week_date
    {%- endfor %}

),

kpi_journey_steps as (

    select
        {{ key_of(['journey', 'version', 'step', 'cohort_week_date']) }} as journey_step_week_id,
        journey,
        version,
        step,
        step_number,
        cohort_week_date,
        entry_count,
        {{ rate_columns('arrival', 'arrived_count', 'entry_count') }},
        {{ rate_columns('moved_on', 'moved_on_count', 'arrived_count') }},
        {{ rate_columns('drop_off', 'dropped_count', 'arrived_count') }},
        {{ rate_columns('skip', 'skip_count', 'entry_count') }},
        {{ rate_columns('repeat', 'repeat_count', 'arrived_count') }},
        {{ rate_columns('backtrack', 'backtrack_count', 'arrived_count') }},
        {{ rate_columns('friction', 'friction_count', 'arrived_count') }},
        {{ rate_columns('channel_switch', 'switch_count', 'arrived_count') }},
        {{ rate_columns('drop_off_after_switch', 'dropped_after_switch_count', 'switch_count') }},
        {{ rate_columns('overdue', 'overdue_count', 'overdue_known_count') }},
        cast(open_count as bigint) as open_count,
        cast(seconds_in_step_p50 as double) as seconds_in_step_p50,
        cast(seconds_in_step_p90 as double) as seconds_in_step_p90,
        is_over and active_count = 0 as is_mature

    from counted

)

select * from kpi_journey_steps
