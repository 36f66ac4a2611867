with

paths as (

    select * from {{ ref('fct_paths') }}

),

steps as (

    select
        path_id,
        scope,
        scope_value,
        started_month_date,
        person_id,
        collapsed_number as position,
        node

    from {{ ref('fct_path_steps') }}
    where collapsed_number <= 10

),

-- what few paths have at a place is drawn as one
node_counts as (

    select
        scope,
        scope_value,
        started_month_date,
        position,
        node,
        count(*) as path_count

    from steps
    group by scope, scope_value, started_month_date, position, node

),

shown as (

    select
        steps.path_id,
        steps.position,
        case when node_counts.path_count < 5 then '(other)' else steps.node end as node

    from steps
    inner join node_counts
        on
            steps.scope = node_counts.scope
            and steps.scope_value = node_counts.scope_value
            and steps.started_month_date = node_counts.started_month_date
            and steps.position = node_counts.position
            and steps.node = node_counts.node

),

flows as (

    select
        paths.scope,
        paths.scope_value,
        paths.started_month_date,
        paths.person_id,
        0 as position,
        '(start)' as from_node,
        coalesce(to_nodes.node, paths.end_node) as to_node

    from paths
    left join shown as to_nodes on paths.path_id = to_nodes.path_id and to_nodes.position = 1

    union all

    select
        paths.scope,
        paths.scope_value,
        paths.started_month_date,
        paths.person_id,
        from_nodes.position,
        from_nodes.node as from_node,
        coalesce(to_nodes.node, paths.end_node) as to_node

    from shown as from_nodes
    inner join paths on from_nodes.path_id = paths.path_id
    left join shown as to_nodes on from_nodes.path_id = to_nodes.path_id and from_nodes.position + 1 = to_nodes.position
    where from_nodes.position < 10

),

kpi_path_flows as (

    select
        {{ key_of(['scope', 'scope_value', 'started_month_date', 'position', 'from_node', 'to_node']) }} as path_flow_id,
        scope,
        scope_value,
        started_month_date,
        cast(position as bigint) as position,
        from_node,
        to_node,
        count(*) as path_count,
        count(distinct person_id) as person_count

    from flows
    group by scope, scope_value, started_month_date, position, from_node, to_node

)

select * from kpi_path_flows
