{#
  On run start, before any model: is what the user wrote right? All problems are collected and told at once, each with a code, the place, what is wrong and
  what to write instead. docs/troubleshooting.md explains the codes.
#}
{% macro prepare_run() %}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed', 'test', 'compile', 'show'] -%}
        {%- do stop_on(check_taxonomy_path()) -%}
        {%- do stop_on(check_vars()) -%}
        {%- do stop_on(check_sources()) -%}
        {%- do register_raw_files() -%}
        {%- if flags.WHICH in ['run', 'build'] -%}
            {%- do stop_on(check_raw_tables() + check_taxonomy()) -%}
            {%- do prepare_ledger() -%}
            {%- do stop_on(check_settings_unchanged()) -%}
            {%- do record_configuration() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro stop_on(problems) %}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(
            'Stopped before the first model: ' ~ problems | length ~ (' problems' if problems | length > 1 else ' problem') ~ '.\n\n  '
            ~ problems | join('\n\n  ') ~ '\n\n  The codes are explained in docs/troubleshooting.md.'
        ) }}
    {%- endif -%}
{% endmacro %}

{# name -> what var() may hold. kinds: integer, text, list, mapping, timestamp_or_empty, timestamp, timezone. #}
{% macro var_rules() %}
    {{ return({
        'sources': {'kind': 'mapping'},
        'raw_files': {'kind': 'mapping'},
        'generic_tables': {'kind': 'mapping'},
        'event_properties': {'kind': 'list'},
        'as_of': {'kind': 'timestamp_or_empty', 'example': '2026-01-31 06:00:00'},
        'reporting_timezone': {'kind': 'timezone', 'example': 'Europe/Copenhagen'},
        'reporting_currency': {'kind': 'currency', 'example': 'EUR'},
        'session_timeout_seconds': {'kind': 'integer', 'minimum': 1},
        'session_cap_hours': {'kind': 'integer', 'minimum': 0},
        'dormant_after_days': {'kind': 'integer', 'minimum': 1},
        'habit_days': {'kind': 'integer', 'minimum': 1},
        'habit_window_days': {'kind': 'integer', 'minimum': 1},
        'earliest_event_at': {'kind': 'timestamp', 'example': '2000-01-01'}
    }) }}
{% endmacro %}

{% macro check_vars() %}
    {%- set rules = var_rules() -%}
    {%- set problems = [] -%}
    {%- for name in invocation_args_dict.get('vars', {}) or {} if name not in rules -%}
        {%- do problems.append('[V1] --vars: there is no var `' ~ name ~ '`.' ~ did_you_mean(name, rules.keys() | list)) -%}
    {%- endfor -%}
    {%- for name, rule in rules.items() -%}
        {%- set value = var(name, none) -%}
        {%- set shown = '[V2] var `' ~ name ~ '` is `' ~ value ~ '`; ' -%}
        {%- if value is none -%}
            {%- do problems.append('[V3] var `' ~ name ~ '` is missing: give it a value under vars: in dbt_project.yml.') -%}
        {%- elif rule.kind == 'mapping' and value is not mapping -%}
            {%- do problems.append(shown ~ 'it has to be a mapping (name: value).') -%}
        {%- elif rule.kind == 'list' and (value is string or value is mapping or value is not iterable) -%}
            {%- do problems.append(shown ~ 'it has to be a list ([a, b]).') -%}
        {%- elif rule.kind == 'integer' and (value is not integer or value is boolean or value < rule.minimum) -%}
            {%- do problems.append(shown ~ 'it has to be a whole number of at least ' ~ rule.minimum ~ ', without quotes.') -%}
        {%- elif rule.kind in ['timestamp', 'timestamp_or_empty'] and not (
            (rule.kind == 'timestamp_or_empty' and value == '')
            or modules.re.match(iso_timestamp_pattern() | trim, value | string)
        ) -%}
            {%- do problems.append(shown ~ 'it has to be a date or time like ' ~ rule.example ~ ' (UTC).') -%}
        {%- elif rule.kind == 'currency' and not modules.re.match('^[A-Z]{3}$', value | string) -%}
            {%- do problems.append(shown ~ 'it has to be a currency code like ' ~ rule.example ~ '.') -%}
        {%- elif rule.kind == 'timezone' and value not in modules.pytz.all_timezones -%}
            {%- do problems.append(shown ~ 'it has to be a time zone name like ' ~ rule.example ~ '.' ~ did_you_mean(value | string, modules.pytz.common_timezones | list)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{# Are the registered sources and offers known to the project? #}
{% macro check_sources() %}
    {%- set problems = [] -%}
    {%- set offers = ['events', 'identity_links', 'subscriptions', 'ad_spend'] -%}
    {%- set models = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- do models.append(node.name) -%}
    {%- endfor -%}
    {%- if not var('sources') -%}
        {%- do problems.append('[S1] var `sources` is empty: name at least one source and what it offers, for example {segment: [events]}.') -%}
    {%- endif -%}
    {%- for source_name, offered in var('sources').items() -%}
        {%- if offered is string or offered is not iterable -%}
            {%- do problems.append('[S2] var `sources`, ' ~ source_name ~ ': write its offers as a list, for example [events].') -%}
        {%- else -%}
            {%- for offer in offered -%}
                {%- if offer not in offers -%}
                    {%- do problems.append('[S3] var `sources`, ' ~ source_name ~ ': there is no offer `' ~ offer ~ '`; offers are ' ~ offers | join(', ') ~ '.' ~ did_you_mean(offer, offers)) -%}
                {%- elif 'stg_' ~ source_name ~ '__' ~ offer not in models -%}
                    {%- do problems.append('[S4] var `sources`: ' ~ source_name ~ ' is to offer ' ~ offer ~ ', but there is no model stg_' ~ source_name ~ '__' ~ offer
                        ~ ' in models/staging (docs/add_a_source.md shows how to write one).') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for offer, tables in var('generic_tables').items() if offer not in offers -%}
        {%- do problems.append('[S3] var `generic_tables`: there is no offer `' ~ offer ~ '`; offers are ' ~ offers | join(', ') ~ '.' ~ did_you_mean(offer, offers)) -%}
    {%- endfor -%}
    {%- for offer, tables in var('generic_tables').items() if offer in offers -%}
        {%- for table, map in tables.items() -%}
            {%- set known = draft_shape(offer).keys() | list -%}
            {%- for column in (map.get('columns', {}).keys() | list) + (map.get('constants', {}).keys() | list) if column not in known -%}
                {%- do problems.append('[S5] var `generic_tables`, ' ~ offer ~ ', ' ~ table ~ ': the offer has no column `' ~ column ~ '`.' ~ did_you_mean(column, known)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{# Are the raw tables there, with the columns that nothing can be done without? #}
{% macro check_raw_tables() %}
    {%- set problems = [] -%}
    {%- for table in registered_tables() -%}
        {%- set name = table.source_name ~ '.' ~ table.table -%}
        {%- set relation = load_relation(table.relation) -%}
        {%- set where = table.path if table.path else table.relation | string -%}
        {%- if relation is none or (table.path and not files_exist(table.path)) -%}
            {%- if table.is_required -%}
                {%- do problems.append('[R1] raw table ' ~ name ~ ' is missing: ' ~ ('no file matches ' if table.path else 'there is no ') ~ where
                    ~ '. Load it, correct its place (var `raw_files`), or take `' ~ table.source_name ~ '` out of var `sources`.') -%}
            {%- endif -%}
        {%- else -%}
            {%- set present = [] -%}
            {%- for column in adapter.get_columns_in_relation(relation) -%}
                {%- do present.append(column.name | lower) -%}
            {%- endfor -%}
            {%- for required in table.required_columns -%}
                {%- set alternatives = (required if required is string else required['columns']).split('|') -%}
                {%- if not (alternatives | map('lower') | select('in', present) | list) -%}
                    {%- do problems.append('[R2] raw table ' ~ name ~ ' (' ~ where ~ ') has no column `' ~ alternatives | join('` or `') ~ '`.'
                        ~ did_you_mean(alternatives[0], present) ~ ' Its columns are: ' ~ present | join(', ') ~ '.') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{# ' Did you mean `x`?' for the candidate that shares the most pairs of letters with the name, if it shares half of them. #}
{% macro did_you_mean(name, candidates) %}
    {%- set best = namespace(score=0.0, candidate=none) -%}
    {%- set pairs = letter_pairs(name) -%}
    {%- for candidate in candidates -%}
        {%- set others = letter_pairs(candidate) -%}
        {%- set shared = pairs | select('in', others) | list | length -%}
        {%- set score = 2.0 * shared / ([pairs | length + others | length, 1] | max) -%}
        {%- if score > best.score -%}
            {%- set best.score = score -%}
            {%- set best.candidate = candidate -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(' Did you mean `' ~ best.candidate ~ '`?' if best.score >= 0.5 else '') }}
{% endmacro %}

{% macro letter_pairs(name) %}
    {%- set text = '^' ~ name | string | lower ~ '$' -%}
    {%- set pairs = [] -%}
    {%- for index in range(text | length - 1) -%}
        {%- do pairs.append(text[index:index + 2]) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{% endmacro %}
