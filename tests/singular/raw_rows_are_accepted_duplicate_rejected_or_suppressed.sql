-- nothing lost: in each load of each raw table the four fates add up to the rows that lie there
select *
from {{ ref('reconciliation') }}
where not is_balanced
