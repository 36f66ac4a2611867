{{ config(materialized='connected_components') }}

with

weak as (

    select identifier_id
    from {{ ref('int_identifiers_attached') }}
    where not may_merge_strong and not is_shared

)

select
    links.identifier_a as node_a,
    links.identifier_b as node_b
from {{ ref('int_identity_links') }} as links
inner join weak as weak_a on links.identifier_a = weak_a.identifier_id
inner join weak as weak_b on links.identifier_b = weak_b.identifier_id

union all

select
    identifier_id as node_a,
    cast(null as {{ dbt.type_string() }}) as node_b
from weak
