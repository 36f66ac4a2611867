{%- set screens = raw_table('segment', 'screens') -%}

select
{{ draft('events', screens, columns={
    'raw_event_id': ['id', 'message_id'],
    'raw_event_name': 'name',
    'occurred_at': 'timestamp',
    'client_occurred_at': 'original_timestamp',
    'sent_at': 'sent_at',
    'received_at': 'received_at',
    'anonymous_id': 'anonymous_id',
    'device_id': 'context_device_id',
    'user_id': 'user_id',
    'page_title': 'name',
    'user_agent': 'context_user_agent',
    'ip_address': 'context_ip',
    'properties': 'properties'
}, constants={'event_type': 'screen', 'platform': 'app'}) }}

from {{ screens.relation }}
