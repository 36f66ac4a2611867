with

events as (

    select
        source_name,
        {{ period_start('week', 'occurred_date') }} as week_start_date,
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

weeks_counted as (

    select
        weeks.source_name,
        weeks.week_start_date,
        coalesce(event_counts.event_count, 0) as event_count,
        coalesce(event_counts.known_before_event_count, 0) as known_before_event_count,
        coalesce(event_counts.known_after_event_count, 0) as known_after_event_count,
        coalesce(event_counts.person_count, 0) as person_count,
        event_counts.largest_person_identifier_count,
        coalesce(endpoint_counts.endpoint_count, 0) as endpoint_count,
        endpoint_counts.endpoint_person_count,
        endpoint_counts.largest_endpoint_person_count,
        coalesce(endpoint_counts.shared_endpoint_count, 0) as shared_endpoint_count,
        coalesce(placeholder_counts.placeholder_count, 0) as placeholder_count

    from weeks
    left join event_counts
        on weeks.source_name = event_counts.source_name and weeks.week_start_date = event_counts.week_start_date
    left join endpoint_counts
        on weeks.source_name = endpoint_counts.source_name and weeks.week_start_date = endpoint_counts.week_start_date
    left join placeholder_counts
        on weeks.source_name = placeholder_counts.source_name and weeks.week_start_date = placeholder_counts.week_start_date

),

identity_quality as (

    select
        {{ key_of(['source_name', 'week_start_date']) }} as identity_quality_id,
        source_name,
        week_start_date,
        cast(event_count as bigint) as event_count,
        {{ rate_columns('known_before', 'known_before_event_count', 'event_count', bounds=false) }},
        {{ rate_columns('known_after', 'known_after_event_count', 'event_count', bounds=false) }},
        cast(person_count as bigint) as person_count,
        cast(endpoint_count as bigint) as endpoint_count,
        cast(endpoint_person_count as double) / nullif(endpoint_count, 0) as persons_per_endpoint,
        cast(largest_endpoint_person_count as bigint) as largest_endpoint_person_count,
        cast(shared_endpoint_count as bigint) as shared_endpoint_count,
        cast(largest_person_identifier_count as bigint) as largest_person_identifier_count,
        cast(placeholder_count as bigint) as placeholder_count

    from weeks_counted

)

select * from identity_quality
