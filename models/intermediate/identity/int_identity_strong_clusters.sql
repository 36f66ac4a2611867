{{ config(materialized='connected_components') }}

with

merging as (

    select identifier_id
    from {{ ref('int_identifiers_guarded') }}
    where may_merge_strong and not is_overused

)

select
    links.identifier_a as node_a,
    links.identifier_b as node_b
from {{ ref('int_identity_links') }} as links
inner join merging as merging_a on links.identifier_a = merging_a.identifier_id
inner join merging as merging_b on links.identifier_b = merging_b.identifier_id

union all

select
    identifier_id as node_a,
    cast(null as {{ dbt.type_string() }}) as node_b
from merging
