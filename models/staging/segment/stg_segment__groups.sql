{%- set memberships = raw_table('segment', 'groups') -%}

select
{{ draft('identity_links', memberships, columns={
    'raw_row_key': ['id', 'message_id'],
    'occurred_at': ['timestamp', 'original_timestamp'],
    'received_at': 'received_at',
    'anonymous_id': 'anonymous_id',
    'user_id': 'user_id',
    'account_id': 'group_id'
}, constants={'evidence': 'group'}) }}

from {{ memberships.relation }}
