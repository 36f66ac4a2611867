with

as_of as (

    select * from {{ ref('dim_as_of') }}

),
{{ feature_adoption_ctes('person') }},

breadths as (

    select
        eligible.unit_id as person_id,
        eligible.month_start_date,
        count(uses.feature) as feature_count

    from eligible
    left join uses on eligible.unit_id = uses.unit_id and eligible.month_start_date = uses.month_start_date
    group by eligible.unit_id, eligible.month_start_date

),

active_after as (

    select distinct
        breadths.person_id,
        breadths.month_start_date

    from breadths
    inner join {{ ref('fct_person_days') }} as days
        on
            breadths.person_id = days.person_id
            and days.active_date >= {{ next_month('breadths.month_start_date') }}
            and days.active_date < {{ add_days(next_month('breadths.month_start_date'), 28) }}

),

paying as (

    select distinct
        breadths.person_id,
        breadths.month_start_date

    from breadths
    inner join {{ ref('fct_subscription_events') }} as events
        on
            breadths.person_id = events.person_id
            and events.mrr_after_amount > 0
            and events.occurred_date < {{ next_month('breadths.month_start_date') }}
            and (
                events.next_movement_at is null
                or {{ local_date('events.next_movement_at') }} >= {{ next_month('breadths.month_start_date') }}
            )

),

counted as (

    select
        breadths.month_start_date,
        case
            when breadths.feature_count = 0 then '0'
            when breadths.feature_count <= 2 then '1-2'
            when breadths.feature_count <= 4 then '3-4'
            when breadths.feature_count <= 7 then '5-7'
            else '8+'
        end as breadth_bucket,
        unit_segments.segment_type,
        unit_segments.segment_value,
        count(*) as person_count,
        sum(case when paying.person_id is not null then 1 else 0 end) as paying_count,
        sum(case when active_after.person_id is not null then 1 else 0 end) as retained_count

    from breadths
    inner join unit_segments on breadths.person_id = unit_segments.unit_id
    left join paying on breadths.person_id = paying.person_id and breadths.month_start_date = paying.month_start_date
    left join active_after on breadths.person_id = active_after.person_id and breadths.month_start_date = active_after.month_start_date
    group by
        breadths.month_start_date,
        case
            when breadths.feature_count = 0 then '0'
            when breadths.feature_count <= 2 then '1-2'
            when breadths.feature_count <= 4 then '3-4'
            when breadths.feature_count <= 7 then '5-7'
            else '8+'
        end,
        unit_segments.segment_type, unit_segments.segment_value

),

kpi_feature_breadth as (

    select
        {{ key_of([
            'counted.month_start_date', 'counted.breadth_bucket', 'counted.segment_type', 'counted.segment_value'
        ]) }} as feature_breadth_id,
        counted.month_start_date,
        counted.breadth_bucket,
        counted.segment_type,
        counted.segment_value,
        {{ rate_columns('paid', 'counted.paying_count', 'counted.person_count') }},
        {{ rate_columns('retention_28d', 'counted.retained_count', 'counted.person_count') }},
        {{ add_days(next_month('counted.month_start_date'), 28) }} <= as_of.as_of_date as is_mature,
        -- who uses much chose to
        false as is_causal

    from counted
    cross join as_of

)

select * from kpi_feature_breadth
