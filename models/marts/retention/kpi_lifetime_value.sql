{%- set max_offset = 36 -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

-- whom advertising is held against: everybody, and the channel that brought him first
members as (

    select
        persons.person_id,
        {{ period_start('month', local_date('persons.signed_up_at')) }} as cohort_month_date,
        persons.first_paid_at,
        segments.segment_type,
        segments.segment_value

    from {{ ref('dim_persons') }} as persons
    {{ join_segments('persons.person_id') }}
    where persons.signed_up_at is not null and segments.segment_type in ('all', 'first_touch_channel_group')

),

sizes as (

    select
        cohort_month_date,
        segment_type,
        segment_value,
        count(*) as cohort_count

    from members
    group by cohort_month_date, segment_type, segment_value

),

-- money before the cohort's month counts as of its month
revenue as (

    select
        members.cohort_month_date,
        members.segment_type,
        members.segment_value,
        greatest(0, {{ month_number('revenue.occurred_date') }} - {{ month_number('members.cohort_month_date') }}) as month_offset,
        sum(revenue.amount) as revenue_amount,
        sum(case when revenue.amount is null then 1 else 0 end) as unknown_count

    from members
    inner join {{ ref('fct_revenue') }} as revenue on members.person_id = revenue.person_id
    group by
        members.cohort_month_date, members.segment_type, members.segment_value,
        greatest(0, {{ month_number('revenue.occurred_date') }} - {{ month_number('members.cohort_month_date') }})

),

payers as (

    select
        cohort_month_date,
        segment_type,
        segment_value,
        greatest(0, {{ month_number(local_date('first_paid_at')) }} - {{ month_number('cohort_month_date') }}) as month_offset,
        count(*) as payer_count

    from members
    where first_paid_at is not null
    group by
        cohort_month_date, segment_type, segment_value,
        greatest(0, {{ month_number(local_date('first_paid_at')) }} - {{ month_number('cohort_month_date') }})

),

ad_spend as (

    select
        {{ period_start('month', 'spend_date') }} as month_start_date,
        channel_group,
        case when count(*) = count(spend_amount) then sum(spend_amount) end as spend_amount

    from {{ ref('fct_ad_spend') }}
    group by {{ period_start('month', 'spend_date') }}, channel_group

),

spend as (

    select
        month_start_date,
        'first_touch_channel_group' as segment_type,
        channel_group as segment_value,
        spend_amount
    from ad_spend

    union all

    select
        month_start_date,
        'all' as segment_type,
        'all' as segment_value,
        case when count(*) = count(spend_amount) then sum(spend_amount) end as spend_amount
    from ad_spend
    group by month_start_date

),

numbers as (

    {{ integers(max_offset + 1) }}

),

grid as (

    select
        sizes.*,
        cast(numbers.number as bigint) as month_offset,
        {{ add_months('sizes.cohort_month_date', 'numbers.number + 1') }} <= as_of.as_of_date as is_mature

    from sizes
    cross join numbers
    cross join as_of
    where {{ add_months('sizes.cohort_month_date', 'numbers.number') }} <= as_of.as_of_date

),

cumulated as (

    select
        grid.*,
        coalesce(sum(revenue.revenue_amount) over cohort_in_order, 0) as revenue_amount,
        coalesce(sum(revenue.unknown_count) over cohort_in_order, 0) as unknown_count,
        coalesce(sum(payers.payer_count) over cohort_in_order, 0) as payer_count

    from grid
    {%- for measures in ['revenue', 'payers'] %}
    left join {{ measures }}
        on
            grid.cohort_month_date = {{ measures }}.cohort_month_date
            and grid.segment_type = {{ measures }}.segment_type
            and grid.segment_value = {{ measures }}.segment_value
            and grid.month_offset = {{ measures }}.month_offset
    {%- endfor %}
    window cohort_in_order as (
        partition by grid.cohort_month_date, grid.segment_type, grid.segment_value
        order by grid.month_offset
        rows between unbounded preceding and current row
    )

),

kpi_lifetime_value as (

    select
        {{ key_of([
            'cumulated.cohort_month_date', 'cumulated.segment_type', 'cumulated.segment_value', 'cumulated.month_offset'
        ]) }} as lifetime_value_id,
        cumulated.cohort_month_date,
        cumulated.segment_type,
        cumulated.segment_value,
        cumulated.month_offset,
        cast(cumulated.cohort_count as bigint) as cohort_count,
        -- one amount without a rate makes the sum unknown
        case when cumulated.unknown_count = 0 then cast(cumulated.revenue_amount as decimal(18, 4)) end as cumulative_revenue_amount,
        case
            when cumulated.unknown_count = 0 then cast(cumulated.revenue_amount as double) / cumulated.cohort_count
        end as lifetime_value_amount,
        {{ rate_columns('paying', 'cumulated.payer_count', 'cumulated.cohort_count') }},
        cast(spend.spend_amount as decimal(18, 4)) as acquisition_spend_amount,
        cast(spend.spend_amount as double) / nullif(cumulated.payer_count, 0) as acquisition_cost_amount,
        case when cumulated.unknown_count = 0 then cumulated.revenue_amount >= spend.spend_amount end as is_paid_back,
        cumulated.is_mature

    from cumulated
    left join spend
        on
            cumulated.cohort_month_date = spend.month_start_date
            and cumulated.segment_type = spend.segment_type
            and cumulated.segment_value = spend.segment_value

)

select * from kpi_lifetime_value
