{{ config(
    materialized='connected_components',
    pre_hook="{{ clear_keys('node_id', 'int_dirty_identifiers', 'identifier_id') }}",
    post_hook="{{ record_loads() }}"
) }}

with

weak as (

    select identifier_id
    from {{ ref('int_identifiers_attached') }}
    where
        not may_merge_strong and not is_shared
        {{ where_dirty('identifier_id', 'int_dirty_identifiers', 'and') }}

)

select
    links.identifier_a as node_a,
    links.identifier_b as node_b
from {{ ref('int_identity_links') }} as links
inner join weak as weak_a on links.identifier_a = weak_a.identifier_id
inner join weak as weak_b on links.identifier_b = weak_b.identifier_id
where not links.is_blocked

union all

select
    identifier_id as node_a,
    cast(null as {{ dbt.type_string() }}) as node_b
from weak
