-- an amount in a currency that fx_rates.csv does not know is NULL in the marts, and this test says which currency is missing
{% for fact, amount in [('fct_events', 'amount'), ('fct_ad_spend', 'spend_amount'), ('fct_support_contacts', 'cost_amount')] %}
select
    original_currency_code,
    count(*) as row_count
from {{ ref(fact) }}
where original_{{ amount }} is not null and {{ amount }} is null
group by original_currency_code

{{ 'union all' if not loop.last }}
{% endfor %}
