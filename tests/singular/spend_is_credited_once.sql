-- all spend of which the amount is known stands once in each rule, and only beside goal all
with

spent as (

    select
        coalesce(sum(spend_amount), 0) as spend_amount

    from (
        select
            channel_group,
            coalesce(campaign, '(none)') as campaign,
            spend_date,
            case when count(*) = count(spend_amount) then sum(spend_amount) end as spend_amount

        from {{ ref('fct_ad_spend') }}
        group by channel_group, coalesce(campaign, '(none)'), spend_date
    ) as days

),

shown as (

    select
        rule,
        coalesce(sum(spend_amount), 0) as spend_amount,
        sum(case when goal <> 'all' and spend_amount is not null then 1 else 0 end) as wrong_count

    from {{ ref('kpi_attribution_daily') }}
    group by rule

)

select
    shown.rule,
    shown.spend_amount,
    spent.spend_amount as spent_amount

from shown
cross join spent
where shown.spend_amount <> spent.spend_amount or shown.wrong_count > 0
