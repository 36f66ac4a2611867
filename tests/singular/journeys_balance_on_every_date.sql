-- who has entered is in or has left by one of the five exits, on every date; and all who entered are counted
with

days as (

    select
        *,
        coalesce(lag(currently_in_count) over (
            partition by journey, version
            order by date_day
        ), 0) as previous_currently_in_count

    from {{ ref('kpi_journeys_daily') }}

),

counted as (

    select
        journey,
        version,
        count(*) as entry_count,
        sum(case when is_active then 1 else 0 end) as active_count

    from {{ ref('fct_journey_participations') }}
    group by journey, version

),

whole as (

    select
        journey,
        version,
        sum(entry_count) as entry_count,
        sum(entry_count - exited_count) as active_count

    from days
    group by journey, version

)

select
    journey,
    version,
    date_day

from days
where
    currently_in_count <> previous_currently_in_count + entry_count - exited_count
    or currently_in_count < 0
    or exited_count <> completed_count + exit_rule_count + timed_out_count + cancelled_count + removed_count
    or lifetime_entry_count
    <> currently_in_numerator + completed_numerator + exit_rule_numerator + timed_out_numerator + cancelled_numerator + removed_numerator

union all

select
    whole.journey,
    whole.version,
    cast(null as date) as date_day

from whole
left join counted on whole.journey = counted.journey and whole.version = counted.version
where
    whole.entry_count <> coalesce(counted.entry_count, 0)
    or whole.active_count <> coalesce(counted.active_count, 0)
