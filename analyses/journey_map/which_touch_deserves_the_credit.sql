-- Which channel deserves the credit for subscriptions? Each channel's share of them by each rule, side by side: where the columns differ,
-- the answer is the rule's and not the data's. Markov and Shapley look at what would be missing without the channel.
with

credits as (

    select
        channel_group,
        rule,
        sum(credit) as credit

    from {{ ref('fct_attribution_credits') }}
    where goal = 'subscription' and is_additive
    group by channel_group, rule

),

shares as (

    select
        channel_group,
        rule,
        credit / sum(credit) over (partition by rule) as credit_share

    from credits

)

select
    channel_group,
    {%- for rule in ['first', 'last', 'last_non_direct', 'linear', 'time_decay', 'markov', 'shapley'] %}
    coalesce(max(case when rule = '{{ rule }}' then credit_share end), 0) as {{ rule }}_share{{ ',' if not loop.last }}
    {%- endfor %}

from shares
group by channel_group
order by markov_share desc, channel_group asc
