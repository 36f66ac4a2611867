{%- set tracks = raw_table('segment', 'tracks') -%}

select
{{ draft('events', tracks, columns={
    'raw_event_id': ['id', 'message_id'],
    'raw_event_name': ['event', 'event_text'],
    'occurred_at': 'timestamp',
    'client_occurred_at': 'original_timestamp',
    'sent_at': 'sent_at',
    'received_at': 'received_at',
    'anonymous_id': 'anonymous_id',
    'device_id': 'context_device_id',
    'user_id': 'user_id',
    'email': 'context_traits_email',
    'account_id': ['context_group_id', 'group_id'],
    'page_url': 'context_page_url',
    'page_path': 'context_page_path',
    'page_title': 'context_page_title',
    'referrer_url': 'context_page_referrer',
    'utm_source': 'context_campaign_source',
    'utm_medium': 'context_campaign_medium',
    'utm_campaign': ['context_campaign_name', 'context_campaign_campaign'],
    'utm_term': 'context_campaign_term',
    'utm_content': 'context_campaign_content',
    'user_agent': 'context_user_agent',
    'ip_address': 'context_ip',
    'properties': 'properties'
}, constants={'event_type': 'track', 'platform': 'web'}) }}

from {{ tracks.relation }}
