with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

credits as (

    select
        *,
        coalesce(campaign, '(none)') as campaign_name

    from {{ ref('fct_attribution_credits') }}

),

rules as (

    select distinct rule from credits

),

-- decimals: sums of doubles hang in their last digit on the order of the rows
credited as (

    select
        rule,
        goal,
        channel_group,
        campaign_name,
        converted_date as date_day,
        sum(cast(credit as decimal(20, 12))) as credit_sum,
        sum(cast(credited_amount as decimal(24, 10))) as amount_sum,
        count(distinct conversion_id) as conversion_count,
        count(distinct case when touch_number < touch_count then conversion_id end) as assisted_count

    from credits
    group by rule, goal, channel_group, campaign_name, converted_date

),

ad_spend as (

    select
        channel_group,
        coalesce(campaign, '(none)') as campaign_name,
        spend_date as date_day,
        case when count(*) = count(spend_amount) then sum(spend_amount) end as spend_amount

    from {{ ref('fct_ad_spend') }}
    group by channel_group, coalesce(campaign, '(none)'), spend_date

),

all_goals as (

    select
        rule,
        channel_group,
        campaign_name,
        date_day,
        goal,
        credit_sum,
        amount_sum,
        conversion_count,
        assisted_count,
        cast(null as decimal(18, 4)) as spend_amount
    from credited

    union all

    -- spend serves all goals, so it stands once, beside none of them
    select
        rules.rule,
        ad_spend.channel_group,
        ad_spend.campaign_name,
        ad_spend.date_day,
        'all' as goal,
        coalesce(sum(credited.credit_sum), 0) as credit_sum,
        -- nothing is owed 0; of conversions whose value nobody knows nobody knows it either
        case when count(credited.credit_sum) = 0 then 0 else sum(credited.amount_sum) end as amount_sum,
        coalesce(sum(credited.conversion_count), 0) as conversion_count,
        coalesce(sum(credited.assisted_count), 0) as assisted_count,
        max(ad_spend.spend_amount) as spend_amount

    from ad_spend
    cross join rules
    left join credited
        on
            rules.rule = credited.rule
            and ad_spend.channel_group = credited.channel_group
            and ad_spend.campaign_name = credited.campaign_name
            and ad_spend.date_day = credited.date_day
    group by rules.rule, ad_spend.channel_group, ad_spend.campaign_name, ad_spend.date_day

),

kpi_attribution_daily as (

    select
        {{ key_of(['all_goals.rule', 'all_goals.goal', 'all_goals.channel_group', 'all_goals.campaign_name', 'all_goals.date_day']) }}
            as attribution_day_id,
        all_goals.rule,
        all_goals.goal,
        all_goals.channel_group,
        all_goals.campaign_name as campaign,
        all_goals.date_day,
        cast(all_goals.credit_sum as double) as credited_conversion_sum,
        cast(all_goals.amount_sum as double) as credited_amount,
        cast(all_goals.conversion_count as bigint) as touched_conversion_count,
        cast(all_goals.assisted_count as bigint) as assisted_conversion_count,
        cast(all_goals.spend_amount as decimal(18, 4)) as spend_amount,
        cast(all_goals.amount_sum as double) / nullif(cast(all_goals.spend_amount as double), 0) as return_on_spend_ratio,
        cast(all_goals.spend_amount as double) / nullif(cast(all_goals.credit_sum as double), 0) as cost_per_conversion_amount,
        all_goals.date_day < as_of.as_of_date as is_mature

    from all_goals
    cross join as_of

)

select * from kpi_attribution_daily
