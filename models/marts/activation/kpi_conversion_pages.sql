with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

goals as (

    select distinct goal from {{ ref('fct_conversions') }}

),

page_views as (

    select
        person_id,
        event_id,
        page_path,
        occurred_at,
        occurred_date,
        event_priority

    from {{ ref('fct_events') }}
    where event_type = 'page' and page_path is not null

),

first_conversions as (

    select
        person_id,
        goal,
        occurred_at,
        occurred_date

    from {{ ref('fct_conversions') }}
    where conversion_number = 1

),

-- somebody who looked at pages in the month and had not reached the goal when it ended
lookers as (

    select
        person_id,
        {{ period_start('month', 'occurred_date') }} as cohort_month_date,
        max(occurred_at) as last_view_at

    from page_views
    group by person_id, {{ period_start('month', 'occurred_date') }}

),

members as (

    select
        goal,
        {{ period_start('month', 'occurred_date') }} as cohort_month_date,
        person_id,
        1 as is_converter,
        occurred_at as until_at

    from first_conversions

    union all

    select
        goals.goal,
        lookers.cohort_month_date,
        lookers.person_id,
        0 as is_converter,
        lookers.last_view_at as until_at

    from lookers
    cross join goals
    left join first_conversions
        on
            lookers.person_id = first_conversions.person_id
            and goals.goal = first_conversions.goal
    where first_conversions.occurred_date is null or first_conversions.occurred_date >= {{ next_month('lookers.cohort_month_date') }}

),

-- what was seen before
views_of_converters as (

    select
        members.goal,
        members.cohort_month_date,
        members.person_id,
        page_views.page_path,
        row_number() over (
            partition by members.goal, members.person_id
            order by page_views.occurred_at desc, page_views.event_priority desc, page_views.event_id desc
        ) as number_from_end

    from members
    inner join page_views
        on
            members.person_id = page_views.person_id
            and page_views.occurred_at >= {{ add_seconds('members.until_at', -30 * 86400) }}
            and members.until_at > page_views.occurred_at
    where members.is_converter = 1

),

pages_of_members as (

    select
        goal,
        cohort_month_date,
        person_id,
        1 as is_converter,
        page_path,
        max(case when number_from_end = 1 then 1 else 0 end) as is_last_page,
        count(*) over (partition by goal, person_id) as page_count

    from views_of_converters
    group by goal, cohort_month_date, person_id, page_path

    union all

    -- of one who did not convert the last view is part of it, and no page gets credit
    select distinct
        members.goal,
        members.cohort_month_date,
        members.person_id,
        0 as is_converter,
        page_views.page_path,
        0 as is_last_page,
        cast(null as bigint) as page_count

    from members
    inner join page_views
        on
            members.person_id = page_views.person_id
            and page_views.occurred_at >= {{ add_seconds('members.until_at', -30 * 86400) }}
            and members.until_at >= page_views.occurred_at
    where members.is_converter = 0

),

cohorts as (

    select
        goal,
        cohort_month_date,
        sum(is_converter) as converter_count,
        sum(1 - is_converter) as non_converter_count

    from members
    group by goal, cohort_month_date

),

counted as (

    select
        goal,
        cohort_month_date,
        page_path,
        sum(is_converter) as converter_viewed_count,
        sum(1 - is_converter) as non_converter_viewed_count,
        sum(case when is_converter = 1 then is_last_page else 0 end) as last_page_count,
        -- decimals: a sum of doubles hangs in its last digit on the order of the rows
        cast(coalesce(sum(case when is_converter = 1 then cast(1.0 / page_count as decimal(20, 12)) end), 0) as double) as linear_credit

    from pages_of_members
    group by goal, cohort_month_date, page_path

),

kpi_conversion_pages as (

    select
        {{ key_of(['counted.goal', 'counted.page_path', 'counted.cohort_month_date']) }} as conversion_page_id,
        counted.goal,
        counted.page_path,
        counted.cohort_month_date,
        {{ rate_columns('converter_viewed', 'counted.converter_viewed_count', 'cohorts.converter_count') }},
        {{ rate_columns('non_converter_viewed', 'counted.non_converter_viewed_count', 'cohorts.non_converter_count') }},
        (cast(counted.converter_viewed_count as double) / nullif(cohorts.converter_count, 0))
        / nullif(cast(counted.non_converter_viewed_count as double) / nullif(cohorts.non_converter_count, 0), 0) as lift_ratio,
        {{ phi_coefficient(
            'counted.converter_viewed_count', 'counted.non_converter_viewed_count',
            '(cohorts.converter_count - counted.converter_viewed_count)', '(cohorts.non_converter_count - counted.non_converter_viewed_count)'
        ) }} as phi,
        cast(counted.last_page_count as bigint) as last_page_count,
        counted.linear_credit,
        cast(row_number() over (
            partition by counted.goal, counted.cohort_month_date
            order by counted.linear_credit desc, counted.page_path asc
        ) as bigint) as credit_rank,
        {{ next_month('counted.cohort_month_date') }} <= as_of.as_of_date as is_mature,
        -- who looked at a page chose to
        false as is_causal

    from counted
    inner join cohorts on counted.goal = cohorts.goal and counted.cohort_month_date = cohorts.cohort_month_date
    cross join as_of

)

select * from kpi_conversion_pages
