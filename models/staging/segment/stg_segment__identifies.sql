{%- set identifies = raw_table('segment', 'identifies') -%}

select
{{ draft('identity_links', identifies, columns={
    'raw_row_key': ['id', 'message_id'],
    'occurred_at': ['timestamp', 'original_timestamp'],
    'received_at': 'received_at',
    'anonymous_id': 'anonymous_id',
    'device_id': 'context_device_id',
    'user_id': 'user_id',
    'email': ['email', 'traits_email', 'context_traits_email'],
    'phone': ['phone', 'traits_phone']
}, constants={'evidence': 'identify'}) }}

from {{ identifies.relation }}
