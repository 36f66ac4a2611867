{#
  Connected components of an undirected graph, as a materialisation. The model's query gives edges (node_a, node_b: text; node_b NULL for a node without an
  edge); the table has one row per node: node_id, component_id (the smallest node_id of its component, so a function of the graph and of nothing else).

  Each round contracts every node into a neighbour or leaves it where it is, and is a working table; the loop ends when no edge is left. Whichever neighbour is
  chosen, what hangs together goes on hanging together. Two rounds peel: a node with one neighbour goes into it, which is all there is to do in most
  neighbourhoods of identifiers, and in a star of a million. The others are random contraction (Bögeholz, Brand and Todor, "In-database connected component
  analysis", ICDE 2020): every node goes into the neighbour, or itself, whose number is shuffled to the smallest, shuffled otherwise in each round. The
  expected number of nodes falls by a constant factor a round, on chains, grids and stars alike, so n nodes take O(log n) rounds of joins and group-bys that
  every engine has. Nodes have numbers meanwhile, which are joined and compared at a fraction of the cost of their names; which number a node has decides
  nothing.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {%- set max_rounds = 60 -%}
    {%- set rounds = [] -%}

    {%- set names = [] -%}
    {%- for round in range(max_rounds + 1) -%}
        {%- do names.extend(['round_' ~ round, 'edges_' ~ round]) -%}
    {%- endfor -%}
    {%- do drop_left_working_tables(names) -%}
    {%- do make_working_table(working_table('input'), sql) -%}
    {%- do make_working_table(working_table('nodes'), numbered_nodes_query()) -%}
    {%- do make_working_table(working_table('edges_0'), numbered_edges_query()) -%}

    {%- set state = namespace(is_done=false) -%}
    {%- for round in range(1, max_rounds + 1) -%}
        {#- the test stands inside the loop: one in its head is made a round too early -#}
        {%- set edges = working_table('edges_' ~ (round - 1)) -%}
        {%- if not state.is_done -%}
            {%- set state.is_done = run_query('select count(*) from ' ~ edges).rows[0][0] == 0 -%}
        {%- endif -%}
        {%- if not state.is_done -%}
            {%- do rounds.append(round) -%}
            {%- do make_working_table(working_table('round_' ~ round), peeling_query(edges) if round <= 2 else contraction_query(edges, round)) -%}
            {%- do make_working_table(working_table('edges_' ~ round), contracted_edges_query(edges, working_table('round_' ~ round))) -%}
            {%- do drop_working_table(edges) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not state.is_done -%}
        {{ exceptions.raise_compiler_error(this.identifier ~ ': the graph has not converged in ' ~ max_rounds ~ ' rounds; please report this with the number of links') }}
    {%- endif -%}

    {%- set components = components_query(rounds) -%}
    {%- if is_delta() -%}
        {#- the nodes of the query are all that may have changed: their old rows go with the pre-hook, in the same transaction -#}
        {{ run_hooks(pre_hooks) }}
        {% call statement('main') -%}
            insert into {{ target_relation }} (node_id, component_id) {{ components }}
        {%- endcall %}
    {%- else -%}
        {%- if existing_relation is not none -%}
            {%- do adapter.drop_relation(existing_relation) -%}
        {%- endif -%}
        {% call statement('main') -%}
            {{ create_table_as(false, target_relation, components) }}
        {%- endcall %}
    {%- endif %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}

    {%- for name in ['input', 'nodes', 'edges_' ~ (rounds[-1] if rounds else 0)] -%}
        {%- do drop_working_table(working_table(name)) -%}
    {%- endfor -%}
    {%- for round in rounds -%}
        {%- do drop_working_table(working_table('round_' ~ round)) -%}
    {%- endfor -%}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro numbered_nodes_query() -%}
select
    node_id,
    cast({{ any_number() }} as bigint) as node_number
from (
    select node_a as node_id from {{ working_table('input') }}
    union
    select node_b as node_id from {{ working_table('input') }} where node_b is not null
) as nodes
{%- endmacro %}

{% macro numbered_edges_query() -%}
select distinct
    least(nodes_a.node_number, nodes_b.node_number) as node_a,
    greatest(nodes_a.node_number, nodes_b.node_number) as node_b
from {{ working_table('input') }} as edges
inner join {{ working_table('nodes') }} as nodes_a on edges.node_a = nodes_a.node_id
inner join {{ working_table('nodes') }} as nodes_b on edges.node_b = nodes_b.node_id
where edges.node_a <> edges.node_b
{%- endmacro %}

{# Both ends of each edge, each with the other as its neighbour. #}
{% macro ends_of(edges) -%}
select node_a as node_number, node_b as neighbour from {{ edges }}
    union all
    select node_b as node_number, node_a as neighbour from {{ edges }}
{%- endmacro %}

{# Each node with one neighbour goes into it; of two that have only each other the second into the first. #}
{% macro peeling_query(edges) -%}
with

leaves as (

    select
        node_number,
        min(neighbour) as neighbour
    from (
    {{ ends_of(edges) }}
    ) as ends
    group by node_number
    having count(*) = 1

)

select
    leaves.node_number,
    leaves.neighbour as contracted_into
from leaves
left join leaves as others on leaves.neighbour = others.node_number
where others.node_number is null or leaves.node_number > others.node_number
{%- endmacro %}

{# Each node that goes into the neighbour whose shuffled number is the smallest, its own with them. #}
{% macro contraction_query(edges, round) -%}
select
    node_number,
    contracted_into
from (
    select
        node_number,
        {{ number_with_smallest('neighbour', shuffled('neighbour', round)) }} as contracted_into
    from (
        {{ ends_of(edges) }}
        union all
        select distinct node_number, node_number as neighbour
        from (
        {{ ends_of(edges) }}
        ) as nodes
    ) as neighbours
    group by node_number
) as choices
where node_number <> contracted_into
{%- endmacro %}

{% macro contracted_edges_query(edges, mapping) -%}
select distinct
    least(node_a, node_b) as node_a,
    greatest(node_a, node_b) as node_b
from (
    select
        coalesce(mapping_a.contracted_into, edges.node_a) as node_a,
        coalesce(mapping_b.contracted_into, edges.node_b) as node_b
    from {{ edges }} as edges
    left join {{ mapping }} as mapping_a on edges.node_a = mapping_a.node_number
    left join {{ mapping }} as mapping_b on edges.node_b = mapping_b.node_number
) as contracted
where node_a <> node_b
{%- endmacro %}

{# The maps of all rounds one after the other, then each component called by its smallest node. #}
{% macro components_query(rounds) -%}
with

labels_0 as (

    select node_id, node_number as label from {{ working_table('nodes') }}

),
{% for round in rounds %}
labels_{{ round }} as (

    select
        labels.node_id,
        coalesce(mapping.contracted_into, labels.label) as label
    from labels_{{ round - 1 }} as labels
    left join {{ working_table('round_' ~ round) }} as mapping on labels.label = mapping.node_number

),
{% endfor %}
smallest as (

    select label, min(node_id) as component_id
    from labels_{{ rounds[-1] if rounds else 0 }}
    group by label

)

select labels.node_id, smallest.component_id
from labels_{{ rounds[-1] if rounds else 0 }} as labels
inner join smallest on labels.label = smallest.label
{%- endmacro %}
