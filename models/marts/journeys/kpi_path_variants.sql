with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

paths as (

    select
        *,
        count(*) over (partition by scope, scope_value, started_month_date, variant) as variant_count

    from {{ ref('fct_paths') }}

),

measured as (

    select
        scope,
        scope_value,
        started_month_date,
        case when variant_count < 5 then '(rare)' else variant end as variant,
        person_id,
        revenue_amount,
        support_cost_amount,
        duration_seconds,
        case when is_converted then 1 else 0 end as is_converted,
        case when friction_count > 0 then 1 else 0 end as has_friction,
        case when support_contact_count > 0 then 1 else 0 end as has_contact,
        case when has_churned then 1 else 0 end as has_churned,
        case when nps_score_group = 'promoter' then 1 else 0 end as is_promoter,
        case when nps_score_group = 'detractor' then 1 else 0 end as is_detractor,
        case when nps_score_group is not null then 1 else 0 end as has_answered

    from paths

),

counted as (

    select
        scope,
        scope_value,
        started_month_date,
        variant,
        count(*) as path_count,
        count(distinct person_id) as person_count,
        sum(is_converted) as converted_count,
        sum(revenue_amount) as revenue_amount,
        sum(has_friction) as friction_count,
        sum(has_contact) as support_count,
        sum(support_cost_amount) as support_cost_amount,
        sum(has_churned) as churned_count,
        sum(is_promoter) as promoter_count,
        sum(is_detractor) as detractor_count,
        sum(has_answered) as nps_response_count,
        percentile_cont(0.5) within group (order by duration_seconds) as seconds_p50

    from measured
    group by scope, scope_value, started_month_date, variant

),

with_totals as (

    select
        *,
        sum(path_count) over all_variants as all_path_count,
        sum(converted_count) over all_variants as all_converted_count,
        sum(friction_count) over all_variants as all_friction_count,
        sum(support_cost_amount) over all_variants as all_support_cost_amount

    from counted
    window all_variants as (partition by scope, scope_value, started_month_date)

),

rated as (

    select
        {{ key_of(['scope', 'scope_value', 'started_month_date', 'variant']) }} as path_variant_id,
        scope,
        scope_value,
        started_month_date,
        variant,
        path_count,
        person_count,
        {{ rate_columns('path', 'path_count', 'all_path_count') }},
        {{ rate_columns('converted', 'converted_count', 'path_count') }},
        cast(revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(coalesce(revenue_amount, 0) as double) / path_count as revenue_per_path_amount,
        {{ rate_columns('friction', 'friction_count', 'path_count') }},
        {{ rate_columns('support', 'support_count', 'path_count') }},
        cast(support_cost_amount as decimal(18, 4)) as support_cost_amount,
        {{ rate_columns('churned', 'churned_count', 'path_count') }},
        cast(promoter_count as bigint) as promoter_count,
        cast(detractor_count as bigint) as detractor_count,
        cast(nps_response_count as bigint) as nps_response_count,
        100e0 * cast(promoter_count - detractor_count as double) / nullif(nps_response_count, 0) as nps_score,
        cast(seconds_p50 as double) as seconds_p50,
        all_converted_count,
        all_friction_count,
        all_path_count,
        all_support_cost_amount

    from with_totals

),

-- what stands out, by rules that are written down
kpi_path_variants as (

    select
        rated.path_variant_id,
        rated.scope,
        rated.scope_value,
        rated.started_month_date,
        rated.variant,
        rated.path_count,
        rated.person_count,
        {%- for rate in ['path', 'converted', 'friction', 'support', 'churned'] %}
        rated.{{ rate }}_numerator,
        rated.{{ rate }}_denominator,
        rated.{{ rate }}_rate,
        rated.{{ rate }}_rate_lower,
        rated.{{ rate }}_rate_upper,
        {%- endfor %}
        rated.revenue_amount,
        rated.revenue_per_path_amount,
        rated.support_cost_amount,
        rated.promoter_count,
        rated.detractor_count,
        rated.nps_response_count,
        rated.nps_score,
        rated.seconds_p50,
        rated.variant <> '(rare)' and 20 * rated.path_count >= rated.all_path_count as is_frequent,
        coalesce(
            rated.variant <> '(rare)'
            and rated.support_cost_amount > 0
            and rated.support_cost_amount * rated.all_path_count >= 2 * rated.all_support_cost_amount * rated.path_count,
            false
        ) as is_costly,
        rated.variant <> '(rare)'
        and rated.friction_rate_lower > cast(rated.all_friction_count as double) / rated.all_path_count as is_troubled,
        rated.variant <> '(rare)'
        and rated.converted_rate_lower > cast(rated.all_converted_count as double) / rated.all_path_count as is_promising,
        false as is_causal,
        {{ window_is_over(next_month('rated.started_month_date'), 90) }} as is_mature

    from rated
    cross join as_of

)

select * from kpi_path_variants
