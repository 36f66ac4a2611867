-- an amount in a currency that fx_rates.csv does not know is NULL in the marts, and this test says which currency is missing
select
    original_currency_code,
    count(*) as row_count
from {{ ref('fct_events') }}
where original_amount is not null and amount is null
group by original_currency_code

union all

select
    original_currency_code,
    count(*) as row_count
from {{ ref('fct_ad_spend') }}
where original_spend_amount is not null and spend_amount is null
group by original_currency_code

union all

select
    original_currency_code,
    count(*) as row_count
from {{ ref('fct_support_contacts') }}
where original_cost_amount is not null and cost_amount is null
group by original_currency_code
