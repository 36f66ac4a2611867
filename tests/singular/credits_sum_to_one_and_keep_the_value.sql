-- every conversion until as_of has all of its credit in every rule; participation gives every channel all of it
with

conversions as (

    select conversions.*
    from {{ ref('fct_conversions') }} as conversions
    cross join {{ ref('dim_as_of') }} as as_of
    where conversions.occurred_at <= as_of.as_of_at

),

rules as (

    select distinct rule, is_additive from {{ ref('fct_attribution_credits') }}

),

sums as (

    select
        conversion_id,
        rule,
        sum(credit) as credit,
        sum(credited_amount) as credited_amount,
        count(distinct channel_group) as channel_count

    from {{ ref('fct_attribution_credits') }}
    group by conversion_id, rule

)

select
    conversions.conversion_id,
    rules.rule,
    sums.credit,
    sums.credited_amount

from conversions
cross join rules
left join sums on conversions.conversion_id = sums.conversion_id and rules.rule = sums.rule
where
    sums.credit is null
    or abs(sums.credit - case when rules.is_additive then 1 else sums.channel_count end) > 1e-9
    or abs(sums.credited_amount - cast(conversions.amount as double) * sums.credit) > 1e-9 * (1 + abs(cast(conversions.amount as double)))
    or (sums.credited_amount is null) <> (conversions.amount is null)
