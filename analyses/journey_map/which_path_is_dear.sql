-- Which ways through a journey cost the most support in the 30 days from its begin, and do they bring the money back? Over all months,
-- ways that at least five trips took.
with

paths as (

    select
        scope_value as journey,
        variant,
        count(*) as path_count,
        sum(support_contact_count) as support_contact_count,
        sum(support_cost_amount) as support_cost_amount,
        sum(revenue_amount) as revenue_amount,
        sum(case when is_converted then 1 else 0 end) as converted_count,
        sum(case when friction_count > 0 then 1 else 0 end) as troubled_count

    from {{ ref('fct_paths') }}
    where scope = 'journey'
    group by scope_value, variant

)

select
    journey,
    variant,
    path_count,
    support_contact_count,
    cast(coalesce(support_cost_amount, 0) as double) / path_count as support_cost_per_path_amount,
    cast(coalesce(revenue_amount, 0) as double) / path_count as revenue_per_path_amount,
    cast(converted_count as double) / path_count as converted_share,
    cast(troubled_count as double) / path_count as troubled_share

from paths
where path_count >= 5
order by support_cost_per_path_amount desc, path_count desc, journey asc, variant asc
