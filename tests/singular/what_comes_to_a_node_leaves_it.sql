-- on paths as many come to a node as leave it, and every path begins and ends once
with

transitions as (

    select
        scope,
        scope_value,
        started_month_date,
        from_node as node,
        transition_count as left_count,
        0 as come_count

    from {{ ref('kpi_path_transitions') }}

    union all

    select
        scope,
        scope_value,
        started_month_date,
        to_node as node,
        0 as left_count,
        transition_count as come_count

    from {{ ref('kpi_path_transitions') }}

),

ends as (

    select distinct scope, end_node from {{ ref('fct_paths') }}

),

nodes as (

    select
        transitions.scope,
        transitions.scope_value,
        transitions.started_month_date,
        sum(
            case
                when transitions.node <> '(start)' and ends.end_node is null then transitions.left_count - transitions.come_count
                else 0
            end
        ) as difference,
        sum(case when transitions.node = '(start)' then transitions.left_count else 0 end) as begin_count

    from transitions
    left join ends on transitions.scope = ends.scope and transitions.node = ends.end_node
    group by transitions.scope, transitions.scope_value, transitions.started_month_date

),

variants as (

    select
        scope,
        scope_value,
        started_month_date,
        sum(path_count) as path_count

    from {{ ref('kpi_path_variants') }}
    group by scope, scope_value, started_month_date

)

select nodes.*
from nodes
left join variants
    on
        nodes.scope = variants.scope
        and nodes.scope_value = variants.scope_value
        and nodes.started_month_date = variants.started_month_date
where nodes.difference <> 0 or variants.path_count is null or nodes.begin_count <> variants.path_count
