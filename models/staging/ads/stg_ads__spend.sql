{%- set spend = raw_table('ads', 'spend') -%}

select
{{ draft('ad_spend', spend, columns={
    'spend_date': 'date',
    'platform': 'platform',
    'campaign': 'campaign',
    'utm_source': 'utm_source',
    'utm_medium': 'utm_medium',
    'utm_campaign': 'utm_campaign',
    'impressions': 'impressions',
    'clicks': 'clicks',
    'spend_amount': 'spend_amount',
    'currency_code': 'currency',
    'updated_at': 'updated_at'
}) }}

from {{ spend.relation }}
