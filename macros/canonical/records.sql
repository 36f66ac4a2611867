{#
  Records: things that a source tells of more than once, as they change. A raw row is a version; the newest stands. All that the project knows of an offer
  of this kind is said here once: its drafts, its judgement, its key, the order of its versions and the events that it implies follow from it.

    columns      what it has beside identifiers: column -> id, text, code (lower case, of a list), flag, time, number, money (not negative), currency
    codes        column of kind code -> what it may hold
    identifiers  whom it names; empty for a catalogue (accounts, content)
    key          the columns that tell two records apart, within their source; key_column is its name
    needed       columns without which a row says nothing
    happened     times that cannot lie in the future, the record's own moment first
    impossible   reason -> condition on the finished columns
    implied      the events that the newest version stands for: [{slot, name (SQL), at, amount, when (SQL), properties}]; slot makes the event's key
#}
{% macro record_offers() %}
    {%- set anybody = ['user_id', 'customer_id', 'email', 'phone', 'device_id', 'anonymous_id'] -%}
    {{ return({
        'subscriptions': {
            'columns': {
                'subscription_id': 'id', 'plan': 'text', 'billing_interval': 'text', 'status': 'text',
                'trial_started_at': 'time', 'trial_ended_at': 'time', 'started_at': 'time', 'cancelled_at': 'time', 'ended_at': 'time',
                'mrr_amount': 'money', 'currency_code': 'currency'
            },
            'identifiers': ['user_id', 'customer_id', 'email'], 'key_column': 'subscription_id', 'key': ['subscription_id'],
            'needed': [], 'happened': ['trial_started_at', 'started_at'],
            'implied': [
                {'slot': 'trial_started', 'at': 'trial_started_at', 'amount': 'mrr_amount'},
                {'slot': 'subscription_started', 'at': 'started_at', 'amount': 'mrr_amount'},
                {'slot': 'subscription_cancelled', 'at': 'cancelled_at', 'amount': 'mrr_amount'}
            ]
        },
        'messages': {
            'columns': {
                'message_id': 'id', 'message_event': 'code', 'channel': 'code', 'campaign': 'text', 'reason': 'text', 'cta': 'text',
                'is_machine': 'flag', 'occurred_at': 'time'
            },
            'codes': {
                'message_event': ['queued', 'suppressed', 'sent', 'delivered', 'opened', 'clicked', 'bounced', 'unsubscribed', 'complained']
            },
            'identifiers': anybody, 'key_column': 'message_event_id', 'key': ['message_id', 'message_event', 'occurred_at'],
            'needed': ['message_id', 'message_event'], 'happened': ['occurred_at'],
            'implied': [{
                'slot': 'message', 'name': "'message_' || message_event", 'at': 'occurred_at',
                'properties': ['message_id', 'channel', 'campaign', 'reason', 'cta', 'is_machine']
            }]
        },
        'support_contacts': {
            'columns': {
                'contact_id': 'id', 'contact_type': 'code', 'reason': 'text', 'is_complaint': 'flag', 'is_escalated': 'flag',
                'opened_at': 'time', 'first_replied_at': 'time', 'resolved_at': 'time',
                'csat_score': 'number', 'cost_amount': 'money', 'currency_code': 'currency'
            },
            'codes': {'contact_type': ['article', 'chatbot', 'live_chat', 'ticket', 'phone', 'email', 'social']},
            'identifiers': anybody, 'key_column': 'contact_id', 'key': ['contact_id'],
            'needed': ['contact_type'], 'happened': ['opened_at', 'first_replied_at', 'resolved_at'],
            'impossible': {
                'impossible_score': 'csat_score < 1 or csat_score > 5',
                'impossible_order': 'first_replied_at < opened_at or resolved_at < opened_at'
            },
            'implied': [
                {'slot': 'support_contacted', 'at': 'opened_at', 'properties': ['contact_type', 'reason', 'is_complaint']},
                {'slot': 'support_resolved', 'at': 'resolved_at', 'properties': ['contact_type', 'reason']}
            ]
        },
        'survey_responses': {
            'columns': {
                'response_id': 'id', 'survey': 'text', 'survey_type': 'code', 'wave': 'text',
                'invited_at': 'time', 'responded_at': 'time', 'score': 'number'
            },
            'codes': {'survey_type': ['nps', 'csat', 'ces']},
            'identifiers': anybody, 'key_column': 'response_id', 'key': ['response_id'],
            'needed': ['survey', 'survey_type'], 'happened': ['invited_at', 'responded_at'],
            'impossible': {
                'impossible_score': "score <> floor(score) or score < case survey_type when 'nps' then 0 else 1 end"
                    ~ " or score > case survey_type when 'nps' then 10 when 'csat' then 5 else 7 end",
                'impossible_order': 'responded_at < invited_at'
            },
            'implied': [
                {'slot': 'survey_invited', 'at': 'invited_at', 'properties': ['survey', 'survey_type']},
                {'slot': 'survey_responded', 'at': 'responded_at', 'properties': ['survey', 'survey_type', 'score']}
            ]
        },
        'experiment_exposures': {
            'columns': {'experiment': 'text', 'variant': 'text', 'exposed_at': 'time'},
            'identifiers': anybody, 'key_column': 'exposure_id',
            'key': ['experiment', 'variant', 'exposed_at', 'user_id', 'customer_id', 'email_hash', 'phone_hash', 'device_id', 'anonymous_id'],
            'needed': ['experiment', 'variant'], 'happened': ['exposed_at'],
            'implied': [{'slot': 'experiment_viewed', 'at': 'exposed_at', 'properties': ['experiment', 'variant']}]
        },
        'commercial_offers': {
            'columns': {
                'offer_id': 'id', 'offer_type': 'code', 'product': 'text', 'channel': 'code',
                'offered_at': 'time', 'accepted_at': 'time', 'declined_at': 'time',
                'amount': 'money', 'currency_code': 'currency', 'quantity': 'number'
            },
            'codes': {'offer_type': ['upsell', 'cross_sell', 'upgrade', 'renewal', 'seats', 'win_back']},
            'identifiers': anybody, 'key_column': 'offer_id', 'key': ['offer_id'],
            'needed': ['offer_type'], 'happened': ['offered_at', 'accepted_at', 'declined_at'],
            'impossible': {'impossible_order': 'accepted_at < offered_at or declined_at < offered_at'},
            'implied': [
                {'slot': 'offer_made', 'at': 'offered_at', 'properties': ['offer_type', 'product', 'channel']},
                {'slot': 'offer_accepted', 'at': 'accepted_at', 'amount': 'amount', 'properties': ['offer_type', 'product', 'channel']},
                {'slot': 'offer_declined', 'at': 'declined_at', 'properties': ['offer_type', 'product', 'channel']}
            ]
        },
        'content_assets': {
            'columns': {'asset_id': 'id', 'asset_type': 'code', 'title': 'text', 'page_path': 'text', 'published_at': 'time'},
            'identifiers': [], 'key_column': 'asset_id', 'key': ['asset_id'],
            'needed': ['asset_type'], 'happened': [], 'implied': []
        },
        'accounts': {
            'columns': {
                'account_id': 'id', 'account_name': 'text', 'plan': 'text', 'industry': 'text',
                'employee_count': 'number', 'seat_count': 'number', 'created_at': 'time'
            },
            'identifiers': [], 'key_column': 'account_id', 'key': ['account_id'],
            'needed': [], 'happened': ['created_at'], 'implied': []
        }
    }) }}
{% endmacro %}

{# The offers whose records name somebody and imply events. #}
{% macro offers_that_imply_events() %}
    {%- set offers = {} -%}
    {%- for offer, shape in record_offers().items() if shape.implied -%}
        {%- do offers.update({offer: shape}) -%}
    {%- endfor -%}
    {{ return(offers) }}
{% endmacro %}

{# An identifier's column once it is finished: personal values travel as hashes. #}
{% macro finished_identifier(name) %}{{ return({'email': 'email_hash', 'phone': 'phone_hash'}.get(name, name)) }}{% endmacro %}

{# Select list of a record's identifier columns, in the order of identifier_classes(); NULL for those that the offer does not have. #}
{% macro record_identifiers(shape) -%}
    {%- set own = [] -%}
    {%- for name in shape.identifiers -%}{%- do own.append(finished_identifier(name)) -%}{%- endfor -%}
    {%- for name in identifier_classes() %}
        {{ name if name in own else 'cast(null as ' ~ dbt.type_string() ~ ') as ' ~ name }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The offer's own columns of these kinds, in their order. #}
{% macro columns_of_kind(shape, kinds) %}
    {%- set names = [] -%}
    {%- for name, kind in shape.columns.items() if kind in kinds -%}{%- do names.append(name) -%}{%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{# A yes or no as the one text that goes into content and properties; NULL for neither. #}
{% macro flag_text(name) %}{{ return("case when " ~ name ~ " then 'true' when not " ~ name ~ " then 'false' end") }}{% endmacro %}

{# The draft of a record: column -> text, time or number (see draft_shape). #}
{% macro record_draft_shape(offer) %}
    {%- set shape = record_offers()[offer] -%}
    {%- set columns = {} -%}
    {%- for name in shape.identifiers -%}{%- do columns.update({name: 'text'}) -%}{%- endfor -%}
    {%- for name, kind in shape.columns.items() -%}
        {%- do columns.update({name: {'time': 'time', 'number': 'number', 'money': 'number'}.get(kind, 'text')}) -%}
    {%- endfor -%}
    {%- do columns.update({'updated_at': 'time'}) -%}
    {{ return(columns) }}
{% endmacro %}

{# From drafts to an offer of records. As with finish_events a row is never dropped: it gets a reject_reason, the first that applies, and a way back. #}
{% macro finish_records(offer, drafts) %}
{%- set shape = record_offers()[offer] -%}
{%- set times, numbers = columns_of_kind(shape, ['time']), columns_of_kind(shape, ['number', 'money']) -%}
{%- set moneys, yes_or_nos = columns_of_kind(shape, ['money']), columns_of_kind(shape, ['flag']) %}
with

drafts as (
{{ stack(drafts) }}
),

finished as (

    select
        source_name,
        source_table,
        load_id,
        loaded_at,
        {%- for name in shape.identifiers %}
        {% if name == 'email' -%}
        {{ keyed_hash(without_placeholder(normalised_email('email'))) }} as email_hash
        {%- elif name == 'phone' -%}
        {{ keyed_hash(without_placeholder(normalised_phone('phone'))) }} as phone_hash
        {%- else -%}
        {{ identifier(name) }} as {{ name }}
        {%- endif -%},
        {%- endfor %}
        {%- for name, kind in shape.columns.items() %}
        {% if kind == 'id' -%}
        {{ identifier(name) }} as {{ name }}
        {%- elif kind == 'text' -%}
        {{ redacted(name) }} as {{ name }}
        {%- elif kind == 'code' -%}
        lower({{ redacted(name) }}) as {{ name }}
        {%- elif kind == 'flag' -%}
        case when lower({{ name }}) in ('true', 't', 'yes', 'y', '1') then true when lower({{ name }}) in ('false', 'f', 'no', 'n', '0') then false end as {{ name }},
        {{ name }} is not null as has_{{ name }}
        {%- elif kind == 'currency' -%}
        {{ currency(name) }} as {{ name }},
        {{ name }} is not null and {{ is_unknown_currency(name) }} as is_unknown_{{ name }}
        {%- elif kind in ['time', 'number', 'money'] -%}
        {{ name }},
        has_{{ name }}
        {%- endif -%},
        {%- endfor %}
        updated_at,
        has_updated_at
        {%- if shape.identifiers %},
        coalesce({{ shape.identifiers | join(', ') }}{{ ', null' if shape.identifiers | length == 1 }}) is null as names_nobody
        {%- endif %}

    from drafts

),

judged as (

    select
        *,
        {%- if shape.key != [shape.key_column] %}
        {{ key_of(['source_name'] + record_key_texts(shape)) }} as {{ shape.key_column }},
        {%- endif %}
        case
            {%- for name in ([shape.key_column] if shape.key == [shape.key_column] else []) + shape.needed %}
            when {{ name }} is null then {{ quoted('missing_' ~ name) }}
            {%- endfor %}
            {%- for name, values in shape.get('codes', {}).items() %}
            when {{ name }} not in ({{ quoted_list(values) }}) then {{ quoted('unknown_' ~ name) }}
            {%- endfor %}
            {%- if shape.identifiers %}
            when names_nobody then 'missing_identifier'
            {%- endif %}
            when {% for name in times + ['updated_at'] %}(has_{{ name }} and {{ name }} is null){{ ' or ' if not loop.last }}{% endfor %} then 'unreadable_timestamp'
            {%- if shape.implied %}
            when coalesce({{ shape.happened | join(', ') }}{{ ', null' if shape.happened | length == 1 }}) is null then 'missing_timestamp'
            {%- endif %}
            {%- if times %}
            when {% for name in times %}{{ name }} < cast({{ quoted(var('earliest_event_at')) }} as timestamp){{ ' or ' if not loop.last }}{% endfor %} then 'timestamp_too_early'
            {%- endif %}
            {%- if shape.happened %}
            when {% for name in shape.happened %}{{ name }} > {{ latest_plausible_time('updated_at') }}{{ ' or ' if not loop.last }}{% endfor %} then 'timestamp_in_future'
            {%- endif %}
            {%- if numbers %}
            when {% for name in numbers %}(has_{{ name }} and {{ name }} is null){{ ' or ' if not loop.last }}{% endfor %} then 'unreadable_amount'
            {%- endif %}
            {%- if yes_or_nos %}
            when {% for name in yes_or_nos %}(has_{{ name }} and {{ name }} is null){{ ' or ' if not loop.last }}{% endfor %} then 'unreadable_flag'
            {%- endif %}
            {%- if moneys %}
            when {% for name in moneys %}{{ name }} < 0{{ ' or ' if not loop.last }}{% endfor %} then 'negative_amount'
            {%- endif %}
            {%- for reason, condition in shape.get('impossible', {}).items() %}
            when {{ condition }} then {{ quoted(reason) }}
            {%- endfor %}
            {%- for name, kind in shape.columns.items() if kind == 'currency' %}
            when is_unknown_{{ name }} then 'unknown_currency'
            {%- endfor %}
        end as reject_reason

    from finished

)

select
    *,
    case when reject_reason is not null then {{ raw_row_id(shape.key[0] if shape.columns[shape.key[0]] == 'id' else 'cast(null as ' ~ dbt.type_string() ~ ')', record_content(shape)) }} end as raw_row_id

from judged
{% endmacro %}

{# The columns of a record's key as text: times in the one spelling that all engines write alike. #}
{% macro record_key_texts(shape) %}
    {%- set texts = [] -%}
    {%- for name in shape.key -%}
        {%- do texts.append(timestamp_text(name) if shape.columns.get(name) == 'time' else name) -%}
    {%- endfor -%}
    {{ return(texts) }}
{% endmacro %}

{# Everything a version says, as texts: what decides between two of one updated_at. #}
{% macro record_content(shape) %}
    {%- set texts = [] -%}
    {%- for name in identifier_classes() -%}
        {%- for own in shape.identifiers if finished_identifier(own) == name -%}{%- do texts.append(name) -%}{%- endfor -%}
    {%- endfor -%}
    {%- for name, kind in shape.columns.items() if name != shape.key_column -%}
        {%- if kind == 'time' -%}
            {%- do texts.append(timestamp_text(name)) -%}
        {%- elif kind == 'flag' -%}
            {%- do texts.append(flag_text(name)) -%}
        {%- else -%}
            {%- do texts.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(texts) }}
{% endmacro %}

{# The order among versions of one record: the newest, then by content, then the first delivery. #}
{% macro record_order(offer) -%}
updated_at desc nulls last, {{ key_of(record_content(record_offers()[offer])) }} desc, loaded_at asc nulls last, load_id asc, source_table asc
{%- endmacro %}

{# Key of an event that a record implies. Grain: record x slot. #}
{% macro record_event_id(offer, slot, record_id=none) -%}
md5(source_name || {{ quoted('|' ~ offer ~ '|') }} || {{ record_id or record_offers()[offer].key_column }} || {{ quoted('|' ~ slot) }})
{%- endmacro %}

{# Body of int_<offer>_deduplicated: the newest version of each record, kept from build to build where nothing new is said of it. #}
{% macro newest_records(offer) %}
{%- set shape = record_offers()[offer] -%}
{%- set unioned = 'int_' ~ offer ~ '_unioned' %}
with

versions as (

    select
        *,
        row_number() over (
            partition by source_name, {{ shape.key_column }}
            order by {{ record_order(offer) }}
        ) as version_rank

    from {{ ref(unioned) }}
    where
        reject_reason is null
        {{ where_dirty(record_key(offer), 'int_dirty_records', 'and', dirty_key='record_key') }}

)

select
    {{ record_key(offer) }} as record_key,
    source_name,
    source_table,
    load_id,
    loaded_at,
    {%- for name in identifier_classes() %}{% for own in shape.identifiers if finished_identifier(own) == name %}
    {{ name }},
    {%- endfor %}{% endfor %}
    {%- if shape.key != [shape.key_column] %}
    {{ shape.key_column }},
    {%- endif %}
    {%- for name in shape.columns %}
    {{ name }},
    {%- endfor %}
    updated_at

from versions
where version_rank = 1
{% endmacro %}

{# A record's key over all offers and sources. #}
{% macro record_key(offer, prefix='') -%}
md5({{ quoted(offer ~ '|') }} || {{ prefix }}source_name || '|' || {{ prefix }}{{ record_offers()[offer].key_column }})
{%- endmacro %}

{# The JSON text of an implied event's properties; NULL for none. #}
{% macro record_properties(shape, names) -%}
    {%- set pairs = {} -%}
    {%- for name in names -%}
        {%- set kind = shape.columns[name] -%}
        {%- if kind == 'flag' -%}
            {%- do pairs.update({name: flag_text(name)}) -%}
        {%- elif kind in ['number', 'money'] -%}
            {%- do pairs.update({name: as_text(name, 'decimal(18,4)')}) -%}
        {%- else -%}
            {%- do pairs.update({name: name}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(json_object(pairs) if pairs else 'cast(null as ' ~ dbt.type_string() ~ ')') }}
{%- endmacro %}
