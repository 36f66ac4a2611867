-- depends_on: {{ ref('int_identifiers_resolved') }}
-- made after the identifiers are resolved: a build that is killed before leaves the old list, and the next one sees the change again
select
    identifier_a,
    identifier_b
from {{ ref('blocked_links') }}
