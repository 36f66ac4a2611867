{%- set exit_types = ['completed', 'exit_rule', 'timed_out', 'cancelled', 'removed'] %}
with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

participations as (

    select * from {{ ref('fct_journey_participations') }}

),

spine as (

    select
        journeys.journey,
        cast(journeys.version as bigint) as version,
        dates.date_day

    from {{ ref('journeys') }} as journeys
    cross join {{ ref('dim_dates') }} as dates

),

entries as (

    select
        journey,
        version,
        entered_date as date_day,
        count(*) as entry_count,
        count(distinct person_id) as participant_count,
        sum(case when channel_count > 1 then 1 else 0 end) as multi_channel_count,
        sum(case when is_goal_met and is_goal_mature then 1 else 0 end) as goal_count,
        sum(case when is_goal_mature then 1 else 0 end) as goal_mature_count,
        sum(case when is_goal_mature is not null then 1 else 0 end) as goal_entry_count

    from participations
    group by journey, version, entered_date

),

exits as (

    select
        journey,
        version,
        exited_date as date_day,
        {%- for exit_type in exit_types %}
        sum(case when exit_type = '{{ exit_type }}' then 1 else 0 end) as {{ exit_type }}_count,
        {%- endfor %}
        count(*) as exited_count

    from participations
    where not is_active
    group by journey, version, exited_date

),

days as (

    select
        spine.journey,
        spine.version,
        spine.date_day,
        spine.date_day < as_of.as_of_date as is_over,
        coalesce(entries.entry_count, 0) as entry_count,
        coalesce(entries.participant_count, 0) as participant_count,
        coalesce(entries.multi_channel_count, 0) as multi_channel_count,
        coalesce(entries.goal_count, 0) as goal_count,
        coalesce(entries.goal_mature_count, 0) as goal_mature_count,
        coalesce(entries.goal_entry_count, 0) as goal_entry_count,
        {%- for exit_type in exit_types %}
        coalesce(exits.{{ exit_type }}_count, 0) as {{ exit_type }}_count,
        {%- endfor %}
        coalesce(exits.exited_count, 0) as exited_count

    from spine
    cross join as_of
    left join entries on spine.journey = entries.journey and spine.version = entries.version and spine.date_day = entries.date_day
    left join exits on spine.journey = exits.journey and spine.version = exits.version and spine.date_day = exits.date_day

),

lifetime as (

    select
        *,
        sum(entry_count) over to_date as lifetime_entry_count,
        sum(multi_channel_count) over to_date as lifetime_multi_channel_count,
        {%- for exit_type in exit_types %}
        sum({{ exit_type }}_count) over to_date as lifetime_{{ exit_type }}_count,
        {%- endfor %}
        sum(entry_count) over to_date - sum(exited_count) over to_date as currently_in_count

    from days
    window to_date as (
        partition by journey, version
        order by date_day
        rows between unbounded preceding and current row
    )

),

kpi_journeys_daily as (

    select
        {{ key_of(['journey', 'version', 'date_day']) }} as journey_day_id,
        journey,
        version,
        date_day,
        cast(entry_count as bigint) as entry_count,
        cast(participant_count as bigint) as participant_count,
        {%- for exit_type in exit_types %}
        cast({{ exit_type }}_count as bigint) as {{ exit_type }}_count,
        {%- endfor %}
        cast(exited_count as bigint) as exited_count,
        cast(currently_in_count as bigint) as currently_in_count,
        cast(lifetime_entry_count as bigint) as lifetime_entry_count,
        {{ rate_columns('currently_in', 'currently_in_count', 'lifetime_entry_count', bounds=false) }},
        {%- for exit_type in exit_types %}
        {{ rate_columns(exit_type, 'lifetime_' ~ exit_type ~ '_count', 'lifetime_entry_count', bounds=false) }},
        {%- endfor %}
        {{ rate_columns('multi_channel', 'lifetime_multi_channel_count', 'lifetime_entry_count') }},
        {{ rate_columns('goal', 'goal_count', 'goal_mature_count') }},
        is_over and goal_mature_count = goal_entry_count as goal_is_mature

    from lifetime

)

select * from kpi_journeys_daily
