{%- set half_life = var('attribution_half_life_days') | int * 86400 %}
{%- set rules = [
    'first', 'last', 'last_non_direct', 'linear', 'u_shaped', 'j_shaped', 'inverse_j', 'time_decay', 'participation', 'markov', 'shapley'
] -%}
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

touches as (

    select
        touches.*,
        case when touches.channel_group = 'Direct' then 1 else 0 end as is_direct,
        {{ elapsed_seconds('touches.touched_at', 'touches.converted_at') }} as age_seconds,
        coalesce(weights.removal_effect, 0e0) as removal_effect,
        row_number() over (
            partition by touches.conversion_id, touches.channel_group
            order by touches.touch_number
        ) as channel_touch_number,
        count(*) over (partition by touches.conversion_id, touches.channel_group) as channel_touch_count

    from {{ ref('fct_attribution_touches') }} as touches
    left join {{ ref('fct_attribution_weights') }} as weights
        on
            touches.goal = weights.goal
            and touches.channel_group = weights.channel_group

),

-- sums run in the order of the touches and grow, so the greatest is the whole: the last digit is the same in every build
running as (

    select
        *,
        max(case when is_direct = 0 then touch_number end) over (partition by conversion_id) as last_non_direct_number,
        sum(case when channel_touch_number = 1 then 1 else 0 end) over (partition by conversion_id) as channel_count,
        power(5e-1, age_seconds / {{ half_life }}e0) as decayed,
        sum(power(5e-1, age_seconds / {{ half_life }}e0)) over conversion_in_order as decayed_so_far,
        sum(case when channel_touch_number = 1 then greatest(removal_effect, 0e0) else 0e0 end) over conversion_in_order as effect_so_far

    from touches
    window conversion_in_order as (
        partition by conversion_id
        order by touch_number
        rows between unbounded preceding and current row
    )

),

whole as (

    select
        *,
        max(decayed_so_far) over (partition by conversion_id) as decayed_sum,
        max(effect_so_far) over (partition by conversion_id) as effect_sum

    from running

),

credits as (

    {%- for rule in rules %}

    select
        conversion_id,
        goal,
        person_id,
        converted_at,
        converted_date,
        amount,
        touchpoint_id,
        touched_at,
        channel_group,
        source,
        medium,
        campaign,
        touch_number,
        touch_count,
        {{ quoted(rule) }} as rule,
        {% if rule == 'first' -%}
        case when touch_number = 1 then 1e0 else 0e0 end
        {%- elif rule == 'last' -%}
        case when touch_number = touch_count then 1e0 else 0e0 end
        {%- elif rule == 'last_non_direct' -%}
        case when touch_number = coalesce(last_non_direct_number, touch_count) then 1e0 else 0e0 end
        {%- elif rule == 'linear' -%}
        1e0 / touch_count
        {%- elif rule == 'u_shaped' -%}
        {{ position_credit(40, 40) }}
        {%- elif rule == 'j_shaped' -%}
        {{ position_credit(20, 60) }}
        {%- elif rule == 'inverse_j' -%}
        {{ position_credit(60, 20) }}
        {%- elif rule == 'time_decay' -%}
        decayed / decayed_sum
        {%- elif rule == 'participation' -%}
        case when channel_touch_number = 1 then 1e0 else 0e0 end
        {%- elif rule == 'markov' -%}
        -- a channel without any effect gets its part only where all are without
        case
            when effect_sum > 0 then greatest(removal_effect, 0e0) / effect_sum / channel_touch_count
            else 1e0 / channel_count / channel_touch_count
        end
        {%- elif rule == 'shapley' -%}
        1e0 / channel_count / channel_touch_count
        {%- endif %} as credit

    from whole

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- what no visit led to is shown, in every rule
unattributed as (

    select
        conversions.conversion_id,
        conversions.goal,
        conversions.person_id,
        conversions.occurred_at as converted_at,
        conversions.occurred_date as converted_date,
        conversions.amount

    from {{ ref('fct_conversions') }} as conversions
    cross join as_of
    left join touches on conversions.conversion_id = touches.conversion_id
    where touches.conversion_id is null and conversions.occurred_at <= as_of.as_of_at

),

all_credits as (

    select * from credits
    where credit > 0

    {%- for rule in rules %}

    union all

    select
        conversion_id,
        goal,
        person_id,
        converted_at,
        converted_date,
        amount,
        cast(null as {{ dbt.type_string() }}) as touchpoint_id,
        cast(null as timestamp) as touched_at,
        '(unattributed)' as channel_group,
        cast(null as {{ dbt.type_string() }}) as source,
        cast(null as {{ dbt.type_string() }}) as medium,
        cast(null as {{ dbt.type_string() }}) as campaign,
        cast(null as bigint) as touch_number,
        cast(0 as bigint) as touch_count,
        {{ quoted(rule) }} as rule,
        1e0 as credit
    from unattributed
    {%- endfor %}

),

fct_attribution_credits as (

    select
        {{ key_of(['conversion_id', 'touchpoint_id', 'rule']) }} as attribution_credit_id,
        conversion_id,
        goal,
        person_id,
        rule,
        -- participation gives each channel all of it
        rule <> 'participation' as is_additive,
        converted_at,
        converted_date,
        touchpoint_id,
        touched_at,
        channel_group,
        source,
        medium,
        campaign,
        touch_number,
        touch_count,
        credit,
        credit * cast(amount as double) as credited_amount

    from all_credits

)

select * from fct_attribution_credits
