{%- set count_or_0 = 'coalesce(event_counts.' -%}

with

events as (

    select
        source_name,
        {{ period_start('week', local_date('occurred_at')) }} as week_start_date,
        endpoint_id,
        person_id,
        strong_identifier_id is not null as is_known_before,
        is_known,
        is_shared_endpoint

    from {{ ref('int_events_identified') }}

),

person_sizes as (

    select
        person_id,
        count(*) as identifier_count

    from {{ ref('int_identifiers_resolved') }}
    group by person_id

),

event_counts as (

    select
        events.source_name,
        events.week_start_date,
        count(*) as event_count,
        sum(case when events.is_known_before then 1 else 0 end) as known_before_event_count,
        sum(case when events.is_known then 1 else 0 end) as known_after_event_count,
        count(distinct events.person_id) as person_count,
        max(person_sizes.identifier_count) as largest_person_identifier_count

    from events
    left join person_sizes on events.person_id = person_sizes.person_id
    group by events.source_name, events.week_start_date

),

endpoint_persons as (

    select
        source_name,
        week_start_date,
        endpoint_id,
        count(distinct person_id) as person_count,
        max(case when is_shared_endpoint then 1 else 0 end) as is_shared

    from events
    group by source_name, week_start_date, endpoint_id

),

endpoint_counts as (

    select
        source_name,
        week_start_date,
        count(*) as endpoint_count,
        sum(person_count) as endpoint_person_count,
        max(person_count) as largest_endpoint_person_count,
        sum(is_shared) as shared_endpoint_count

    from endpoint_persons
    group by source_name, week_start_date

),

placeholder_counts as (

    select
        source_name,
        {{ period_start('week', local_date('occurred_at')) }} as week_start_date,
        sum(placeholder_count) as placeholder_count

    from {{ ref('int_events_unioned') }}
    where reject_reason is null and placeholder_count > 0
    group by source_name, {{ period_start('week', local_date('occurred_at')) }}

),

weeks as (

    select source_name, week_start_date from event_counts
    union
    select source_name, week_start_date from placeholder_counts

),

identity_quality as (

    select
        {{ key_of(['weeks.source_name', 'weeks.week_start_date']) }} as identity_quality_id,
        weeks.source_name,
        weeks.week_start_date,
        cast(coalesce(event_counts.event_count, 0) as bigint) as event_count,
        {{ rate_columns('known_before', count_or_0 ~ 'known_before_event_count, 0)', count_or_0 ~ 'event_count, 0)', bounds=false) }},
        {{ rate_columns('known_after', count_or_0 ~ 'known_after_event_count, 0)', count_or_0 ~ 'event_count, 0)', bounds=false) }},
        cast(coalesce(event_counts.person_count, 0) as bigint) as person_count,
        cast(coalesce(endpoint_counts.endpoint_count, 0) as bigint) as endpoint_count,
        cast(endpoint_counts.endpoint_person_count as double) / nullif(endpoint_counts.endpoint_count, 0) as persons_per_endpoint,
        cast(endpoint_counts.largest_endpoint_person_count as bigint) as largest_endpoint_person_count,
        cast(coalesce(endpoint_counts.shared_endpoint_count, 0) as bigint) as shared_endpoint_count,
        cast(event_counts.largest_person_identifier_count as bigint) as largest_person_identifier_count,
        cast(coalesce(placeholder_counts.placeholder_count, 0) as bigint) as placeholder_count

    from weeks
    left join event_counts
        on weeks.source_name = event_counts.source_name and weeks.week_start_date = event_counts.week_start_date
    left join endpoint_counts
        on weeks.source_name = endpoint_counts.source_name and weeks.week_start_date = endpoint_counts.week_start_date
    left join placeholder_counts
        on weeks.source_name = placeholder_counts.source_name and weeks.week_start_date = placeholder_counts.week_start_date

)

select * from identity_quality
