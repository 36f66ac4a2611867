{{ config(
    materialized='connected_components',
    pre_hook="{{ clear_keys('node_id', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

-- every link, trusted or not: whatever the rules make of the links, it stays inside one neighbourhood
select
    identifier_a as node_a,
    identifier_b as node_b
from {{ ref('int_identity_links') }}
{{ where_dirty('identifier_a', 'int_dirty_identifiers', dirty_key='identifier_id') }}

union all

select
    identifier_id as node_a,
    cast(null as {{ dbt.type_string() }}) as node_b
from {{ ref('int_identifiers') }}
{{ where_dirty('identifier_id', 'int_dirty_identifiers') }}
