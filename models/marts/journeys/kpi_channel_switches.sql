{%- set window_us = 30 * 86400 * 1000000 %}
with

as_of as (

    select
        *,
        {{ epoch_us('as_of_at') }} as as_of_us

    from {{ ref('dim_as_of') }}

),

-- a contact within 30 days of the one before, whether it changed the channel or not
contacts as (

    select
        *,
        {{ epoch_us('occurred_at') }} as occurred_us,
        {{ epoch_us('next_contact_at') }} as next_us,
        {{ period_start('month', 'occurred_date') }} as month_start_date

    from {{ ref('fct_channel_visits') }}
    where {{ epoch_us('occurred_at') }} - {{ epoch_us('previous_contact_at') }} <= {{ window_us }}

),

converted as (

    select distinct contacts.channel_visit_id

    from contacts
    inner join {{ ref('fct_conversions') }} as conversions
        on
            contacts.person_id = conversions.person_id
            and contacts.occurred_at <= conversions.occurred_at
            and {{ add_seconds('contacts.occurred_at', 7 * 86400) }} >= conversions.occurred_at

),

counted as (

    select
        contacts.previous_channel as from_channel,
        contacts.channel as to_channel,
        contacts.is_assisted and not contacts.previous_is_assisted as is_digital_to_assisted,
        contacts.month_start_date,
        count(*) as contact_count,
        count(distinct contacts.person_id) as person_count,
        percentile_cont(0.5) within group (order by contacts.seconds_since_previous) as gap_seconds_p50,
        percentile_cont(0.9) within group (order by contacts.seconds_since_previous) as gap_seconds_p90,
        sum(case when contacts.occurred_us + {{ window_us }} <= as_of.as_of_us then 1 else 0 end) as watched_count,
        sum(
            case
                when contacts.occurred_us + {{ window_us }} <= as_of.as_of_us
                    and (contacts.next_us is null or contacts.next_us > contacts.occurred_us + {{ window_us }})
                    then 1
                else 0
            end
        ) as dropped_count,
        sum(case when contacts.occurred_us + {{ 7 * 86400 * 1000000 }} <= as_of.as_of_us then 1 else 0 end) as week_watched_count,
        sum(
            case
                when contacts.occurred_us + {{ 7 * 86400 * 1000000 }} <= as_of.as_of_us and converted.channel_visit_id is not null then 1
                else 0
            end
        ) as converted_count

    from contacts
    cross join as_of
    left join converted on contacts.channel_visit_id = converted.channel_visit_id
    group by
        contacts.previous_channel,
        contacts.channel,
        contacts.is_assisted and not contacts.previous_is_assisted,
        contacts.month_start_date

),

kpi_channel_switches as (

    select
        {{ key_of(['counted.from_channel', 'counted.to_channel', 'counted.is_digital_to_assisted', 'counted.month_start_date']) }}
            as channel_switch_id,
        counted.from_channel,
        counted.to_channel,
        counted.is_digital_to_assisted,
        counted.month_start_date,
        counted.from_channel <> counted.to_channel as is_switch,
        counted.contact_count,
        counted.person_count,
        cast(counted.gap_seconds_p50 as double) as gap_seconds_p50,
        cast(counted.gap_seconds_p90 as double) as gap_seconds_p90,
        {{ rate_columns('drop_off', 'counted.dropped_count', 'counted.watched_count') }},
        {{ window_is_over(next_month('counted.month_start_date'), 30) }} as drop_off_is_mature,
        {{ rate_columns('converted_7d', 'counted.converted_count', 'counted.week_watched_count') }},
        {{ window_is_over(next_month('counted.month_start_date'), 7) }} as converted_7d_is_mature,
        false as is_causal

    from counted
    cross join as_of

)

select * from kpi_channel_switches
