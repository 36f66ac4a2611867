{%- set events = raw_table('snowplow', 'events') -%}

select
{{ draft('events', events, columns={
    'raw_event_id': 'event_id',
    'event_type': {'columns': 'event', 'values': {'page_view': 'page'}, 'otherwise': 'track'},
    'raw_event_name': ['event_name', 'event'],
    'occurred_at': ['derived_tstamp', 'dvce_created_tstamp'],
    'client_occurred_at': 'dvce_created_tstamp',
    'sent_at': 'dvce_sent_tstamp',
    'received_at': 'collector_tstamp',
    'anonymous_id': ['domain_userid', 'network_userid'],
    'user_id': 'user_id',
    'platform': 'platform',
    'page_url': 'page_url',
    'page_path': 'page_urlpath',
    'page_title': 'page_title',
    'referrer_url': 'page_referrer',
    'utm_source': 'mkt_source',
    'utm_medium': 'mkt_medium',
    'utm_campaign': 'mkt_campaign',
    'utm_term': 'mkt_term',
    'utm_content': 'mkt_content',
    'user_agent': 'useragent',
    'ip_address': 'user_ipaddress',
    'amount': 'tr_total',
    'currency_code': 'tr_currency'
}) }}

from {{ events.relation }}
