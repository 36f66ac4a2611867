{#
  Connected components of an undirected graph, as a materialisation. The model's query gives edges (node_a, node_b: text; node_b NULL for a node without an
  edge); the table has one row per node: node_id, component_id (the smallest node_id of its component, so a function of the graph and of nothing else).

  Random contraction (Bögeholz, Brand and Todor, "In-database connected component analysis", ICDE 2020): in each round every node is contracted into the
  neighbour, or itself, whose hash is the smallest, with another hash in each round. The expected number of nodes falls by a constant factor a round, on
  chains, grids and stars alike, so n nodes take O(log n) rounds of joins and group-bys that every engine has. Each round is a table; the loop ends when
  no edge is left. Working tables are dropped at the end, and those of a run that was killed at the beginning.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {%- set max_rounds = 60 -%}
    {%- set rounds = [] -%}

    {#- what a run that was cut off has left; dbt knows the schema's tables since its start, so this asks nobody -#}
    {%- for round in range(max_rounds + 1) -%}
        {%- do drop_relation_if_exists(load_cached_relation(component_table('round_' ~ round))) -%}
        {%- do drop_relation_if_exists(load_cached_relation(component_table('edges_' ~ round))) -%}
    {%- endfor -%}
    {%- do replace_table(component_table('input'), sql) -%}
    {%- do replace_table(component_table('edges_0'), 'select distinct least(node_a, node_b) as node_a, greatest(node_a, node_b) as node_b from '
        ~ component_table('input') ~ ' where node_b is not null and node_a <> node_b') -%}

    {%- set state = namespace(is_done=false) -%}
    {%- for round in range(1, max_rounds + 1) -%}
        {#- the test stands inside the loop: one in its head is made a round too early -#}
        {%- set edges = component_table('edges_' ~ (round - 1)) -%}
        {%- if not state.is_done -%}
            {%- set state.is_done = run_query('select count(*) from ' ~ edges).rows[0][0] == 0 -%}
        {%- endif -%}
        {%- if not state.is_done -%}
            {%- do rounds.append(round) -%}
            {%- do replace_table(component_table('round_' ~ round), contraction_query(edges, round)) -%}
            {%- do replace_table(component_table('edges_' ~ round), contracted_edges_query(edges, component_table('round_' ~ round))) -%}
            {%- do drop_relation_if_exists(edges) -%}
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

    {%- for name in ['input', 'edges_' ~ (rounds[-1] if rounds else 0)] -%}
        {%- do drop_relation_if_exists(component_table(name)) -%}
    {%- endfor -%}
    {%- for round in rounds -%}
        {%- do drop_relation_if_exists(component_table('round_' ~ round)) -%}
    {%- endfor -%}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro component_table(name) -%}
{{ return(api.Relation.create(database=this.database, schema=this.schema, identifier=this.identifier ~ '__' ~ name, type='table')) }}
{%- endmacro %}

{% macro replace_table(relation, query) %}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {%- do run_query(create_table_as(false, relation, query)) -%}
{% endmacro %}

{# Each node of the edges with the neighbour, or itself, of the smallest hash in this round. The node rides behind its hash, so one min() finds both. #}
{% macro contraction_query(edges, round) -%}
select
    node_id,
    substr(min(ranked), 33) as contracted_into
from (
    select node_a as node_id, md5({{ quoted(round ~ ':') }} || node_b) || node_b as ranked from {{ edges }}
    union all
    select node_b as node_id, md5({{ quoted(round ~ ':') }} || node_a) || node_a as ranked from {{ edges }}
    union all
    select node_a as node_id, md5({{ quoted(round ~ ':') }} || node_a) || node_a as ranked from {{ edges }}
    union all
    select node_b as node_id, md5({{ quoted(round ~ ':') }} || node_b) || node_b as ranked from {{ edges }}
) as neighbours
group by node_id
{%- endmacro %}

{% macro contracted_edges_query(edges, mapping) -%}
select distinct
    least(mapping_a.contracted_into, mapping_b.contracted_into) as node_a,
    greatest(mapping_a.contracted_into, mapping_b.contracted_into) as node_b
from {{ edges }} as edges
inner join {{ mapping }} as mapping_a on edges.node_a = mapping_a.node_id
inner join {{ mapping }} as mapping_b on edges.node_b = mapping_b.node_id
where mapping_a.contracted_into <> mapping_b.contracted_into
{%- endmacro %}

{# The maps of all rounds one after the other, then each component called by its smallest node. #}
{% macro components_query(rounds) -%}
with

nodes as (

    select node_a as node_id from {{ component_table('input') }}
    union
    select node_b as node_id from {{ component_table('input') }} where node_b is not null

),

labels_0 as (

    select node_id, node_id as label from nodes

),
{% for round in rounds %}
labels_{{ round }} as (

    select
        labels.node_id,
        coalesce(mapping.contracted_into, labels.label) as label
    from labels_{{ round - 1 }} as labels
    left join {{ component_table('round_' ~ round) }} as mapping on labels.label = mapping.node_id

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
