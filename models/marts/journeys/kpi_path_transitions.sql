with

steps as (

    select * from {{ ref('fct_path_steps') }}

),

paths as (

    select * from {{ ref('fct_paths') }}

),

transitions as (

    select
        scope,
        scope_value,
        started_month_date,
        path_id,
        person_id,
        coalesce(previous_node, '(start)') as from_node,
        node as to_node,
        seconds_since_previous as seconds_between

    from steps

    union all

    select
        paths.scope,
        paths.scope_value,
        paths.started_month_date,
        paths.path_id,
        paths.person_id,
        coalesce(steps.node, '(start)') as from_node,
        paths.end_node as to_node,
        cast(null as bigint) as seconds_between

    from paths
    left join steps on paths.path_id = steps.path_id and steps.is_last

),

counted as (

    select
        scope,
        scope_value,
        started_month_date,
        from_node,
        to_node,
        count(*) as transition_count,
        count(distinct path_id) as path_count,
        count(distinct person_id) as person_count,
        percentile_cont(0.5) within group (order by seconds_between) as seconds_p50

    from transitions
    group by scope, scope_value, started_month_date, from_node, to_node

),

with_total as (

    select
        *,
        sum(transition_count) over (partition by scope, scope_value, started_month_date, from_node) as from_count

    from counted

),

kpi_path_transitions as (

    select
        {{ key_of(['scope', 'scope_value', 'started_month_date', 'from_node', 'to_node']) }} as path_transition_id,
        scope,
        scope_value,
        started_month_date,
        from_node,
        to_node,
        transition_count,
        path_count,
        person_count,
        {{ rate_columns('share', 'transition_count', 'from_count') }},
        cast(seconds_p50 as double) as seconds_p50

    from with_total

)

select * from kpi_path_transitions
