{#
  Credit of a touch by its position: so many percent for the first and the last of a conversion's touches, the rest evenly among those between; of two touches
  both share all of it in that proportion, and one alone gets all. Takes columns touch_number and touch_count.
#}
{% macro position_credit(first, last) -%}
case
            when touch_count = 1 then 1e0
            when touch_count = 2 and touch_number = 1 then {{ first }}e0 / {{ first + last }}e0
            when touch_count = 2 then {{ last }}e0 / {{ first + last }}e0
            when touch_number = 1 then {{ first }}e0 / 100e0
            when touch_number = touch_count then {{ last }}e0 / 100e0
            else {{ 100 - first - last }}e0 / 100e0 / (touch_count - 2)
        end
{%- endmacro %}

{#
  How much of the conversions would be lost without a channel, if people went from channel to channel as a Markov chain of order one does. E. Anderl, I. Becker,
  F. von Wangenheim, J. H. Schumann, "Mapping the customer journey", International Journal of Research in Marketing 33, 2016.

  CTEs after one called `transitions` (group_name, from_state, to_state, transition_count): states are '(start)', '(conversion)', '(null)' and the channels given here.
  The last CTE is `removal_effects`: group_name, channel, removal_effect = 1 - P(conversion without the channel) / P(conversion); NULL where nobody converts.

  P(conversion) is exact: channels are eliminated one by one, p(i,j) + p(i,k) p(k,j) / (1 - p(k,k)), for all removals at once, over a dense matrix. Each step reads the
  one before once, so that an engine that writes CTEs out does not grow; each cell is a sum of two numbers, so nothing hangs on the order of rows.
#}
{% macro markov_ctes(channels) %}
states as (

    select '(start)' as state
    {%- for channel in channels %}
    union all
    select {{ quoted(channel) }} as state
    {%- endfor %}

),

group_names as (

    select distinct group_name from transitions

),

removals as (

    select '(none)' as removed
    {%- for channel in channels %}
    union all
    select {{ quoted(channel) }} as removed
    {%- endfor %}

),

probabilities as (

    select
        group_name,
        from_state,
        to_state,
        cast(transition_count as double) / sum(transition_count) over (partition by group_name, from_state) as p

    from transitions

),

-- whoever would go to a channel that is not there is lost
matrix_0 as (

    select
        group_names.group_name,
        removals.removed,
        origins.state as i,
        targets.state as j,
        case when removals.removed in (origins.state, targets.state) then 0e0 else coalesce(probabilities.p, 0e0) end as p

    from group_names
    cross join removals
    cross join states as origins
    cross join (
        select state from states
        where state <> '(start)'
        union all
        select '(conversion)' as state
    ) as targets
    left join probabilities
        on
            group_names.group_name = probabilities.group_name
            and origins.state = probabilities.from_state
            and targets.state = probabilities.to_state

),

{%- for channel in channels %}

matrix_{{ loop.index }} as {{ kept() }}(

    select group_name, removed, i, j, p + case when p_ik > 0 and p_kj > 0 then p_ik * p_kj / (1e0 - p_kk) else 0e0 end as p
    from (
        select
            *,
            max(case when i = {{ quoted(channel) }} and j = {{ quoted(channel) }} then p end) over (partition by group_name, removed) as p_kk,
            max(case when j = {{ quoted(channel) }} then p end) over (partition by group_name, removed, i) as p_ik,
            max(case when i = {{ quoted(channel) }} then p end) over (partition by group_name, removed, j) as p_kj
        from matrix_{{ loop.index0 }}
    ) as with_neighbours
    where i <> {{ quoted(channel) }} and j <> {{ quoted(channel) }}

),
{%- endfor %}

removal_effects as (

    select
        removed.group_name,
        removed.removed as channel,
        1e0 - removed.p / nullif(whole.p, 0e0) as removal_effect

    from matrix_{{ channels | length }} as removed
    inner join matrix_{{ channels | length }} as whole on removed.group_name = whole.group_name and whole.removed = '(none)'
    where removed.removed <> '(none)'

)
{% endmacro %}
