{%- set aliases = raw_table('segment', 'aliases') -%}

select
{{ draft('identity_links', aliases, columns={
    'raw_row_key': ['id', 'message_id'],
    'occurred_at': ['timestamp', 'original_timestamp'],
    'received_at': 'received_at',
    'previous_anonymous_id': 'previous_id',
    'user_id': 'user_id'
}, constants={'evidence': 'alias'}) }}

from {{ aliases.relation }}
