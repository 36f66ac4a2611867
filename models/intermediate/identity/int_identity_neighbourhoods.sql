{{ config(materialized='connected_components') }}

-- every link, trusted or not: whatever the rules make of the links, it stays inside one neighbourhood
select
    identifier_a as node_a,
    identifier_b as node_b
from {{ ref('int_identity_links') }}

union all

select
    identifier_id as node_a,
    cast(null as {{ dbt.type_string() }}) as node_b
from {{ ref('int_identifiers') }}
