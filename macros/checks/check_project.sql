{#
  On run start, before any model: is what the user wrote right? All problems are collected and told at once, each with a code, the place, what is wrong and
  what to write instead. docs/troubleshooting.md explains the codes.
#}
{% macro prepare_run() %}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed', 'test', 'compile', 'show'] -%}
        {%- do stop_on(check_taxonomy_path()) -%}
        {%- do stop_on(check_vars() + check_sources()) -%}
        {%- do register_raw_files() -%}
        {%- if flags.WHICH in ['run', 'build'] -%}
            {%- do stop_on(check_raw_tables() + check_taxonomy()) -%}
            {%- do prepare_ledger() -%}
            {%- do stop_on(check_settings_unchanged()) -%}
            {%- if flags.FULL_REFRESH -%}
                {%- do forget_what_is_made_anew() -%}
            {%- endif -%}
            {%- do record_configuration() -%}
        {%- elif flags.WHICH == 'seed' -%}
            {%- do prepare_versions() -%}
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

{#
  name -> what var() may hold. kinds: integer, text_list, mapping, timestamp_or_empty, timestamp, timezone, currency.
  The maxima are far past any sense and well within what times and numbers hold.
#}
{% macro var_rules() %}
    {{ return({
        'sources': {'kind': 'mapping'},
        'raw_files': {'kind': 'mapping'},
        'generic_tables': {'kind': 'mapping'},
        'event_properties': {'kind': 'text_list'},
        'as_of': {'kind': 'timestamp_or_empty', 'example': '2026-01-31 06:00:00'},
        'reporting_timezone': {'kind': 'timezone', 'example': 'Europe/Copenhagen'},
        'reporting_currency': {'kind': 'currency', 'example': 'EUR'},
        'session_timeout_seconds': {'kind': 'integer', 'minimum': 1, 'maximum': 31536000},
        'session_cap_hours': {'kind': 'integer', 'minimum': 0, 'maximum': 87600},
        'dormant_after_days': {'kind': 'integer', 'minimum': 1, 'maximum': 36500},
        'habit_days': {'kind': 'integer', 'minimum': 1, 'maximum': 36500},
        'habit_window_days': {'kind': 'integer', 'minimum': 1, 'maximum': 36500},
        'attribution_lookback_days': {'kind': 'integer', 'minimum': 1, 'maximum': 36500},
        'attribution_half_life_days': {'kind': 'integer', 'minimum': 1, 'maximum': 36500},
        'attribution_direct': {'kind': 'choice', 'values': ['counts', 'when_alone']},
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
        {%- set shown = '[V2] var `' ~ name ~ '` is `' ~ in_one_line(value) ~ '`; ' -%}
        {%- if value is none -%}
            {%- do problems.append('[V3] var `' ~ name ~ '` is missing: give it a value under vars: in dbt_project.yml.') -%}
        {%- elif rule.kind == 'mapping' and value is not mapping -%}
            {%- do problems.append(shown ~ 'it has to be a mapping (name: value).') -%}
        {%- elif rule.kind == 'text_list' and not is_list(value) -%}
            {%- do problems.append(shown ~ 'it has to be a list ([a, b]).') -%}
        {%- elif rule.kind == 'text_list' -%}
            {%- for entry in value if entry is not string or is_blank(entry) -%}
                {%- do problems.append('[V2] var `' ~ name ~ '`: entry ' ~ loop.index ~ ' is `' ~ entry ~ '`; each one has to be a text.') -%}
            {%- endfor -%}
        {%- elif rule.kind == 'integer' and (value is not integer or value is boolean or value < rule.minimum or value > rule.maximum) -%}
            {%- do problems.append(shown ~ 'it has to be a whole number of at least ' ~ rule.minimum ~ ' and at most ' ~ rule.maximum ~ ', without quotes.') -%}
        {%- elif rule.kind in ['timestamp', 'timestamp_or_empty'] and not (
            (rule.kind == 'timestamp_or_empty' and value == '')
            or (modules.re.fullmatch(iso_timestamp_pattern() | trim, value | string) and is_calendar_day((value | string)[:10]))
        ) -%}
            {%- do problems.append(shown ~ 'it has to be a date or time like ' ~ rule.example ~ ' (UTC).') -%}
        {%- elif rule.kind == 'choice' and value not in rule['values'] -%}
            {%- do problems.append(shown ~ 'it has to be one of: ' ~ rule['values'] | join(', ') ~ '.' ~ did_you_mean(value | string, rule['values'])) -%}
        {%- elif rule.kind == 'currency' and not modules.re.fullmatch('[A-Z]{3}', value | string) -%}
            {%- do problems.append(shown ~ 'it has to be a currency code like ' ~ rule.example ~ '.') -%}
        {%- elif rule.kind == 'currency' and execute -%}
            {%- do problems.extend(check_rates_of(value)) -%}
        {%- elif rule.kind == 'timezone' and value not in modules.pytz.all_timezones -%}
            {%- do problems.append(shown ~ 'it has to be a time zone name like ' ~ rule.example ~ '.' ~ did_you_mean(value | string, modules.pytz.common_timezones | list)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set days, window = var('habit_days', none), var('habit_window_days', none) -%}
    {%- if days is integer and window is integer and days > window -%}
        {%- do problems.append('[V2] var `habit_days` is `' ~ days ~ '`; it has to be at most habit_window_days (' ~ window
            ~ '): nobody is active on more days than the window has.') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{# Money can be told in a currency only if fx_rates has a rate of it. A file that cannot be read is told by check_taxonomy. #}
{% macro check_rates_of(currency) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == 'fx_rates' -%}
        {%- set rates = csv_rows(seed_path(node)) -%}
        {%- set known = rates.rows | map(attribute='currency_code') | unique | list if 'currency_code' in rates.columns else [currency] -%}
        {%- if currency not in known -%}
            {{ return(['[V2] var `reporting_currency` is `' ~ currency ~ '`; ' ~ node.original_file_path
                ~ ' has no rate of it, and all money would be NULL. Add one, or take one of: ' ~ known | join(', ') ~ '.']) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}

{% macro is_list(value) %}{{ return(value is iterable and value is not string and value is not mapping) }}{% endmacro %}

{# A value as a message shows it: a line break must not hide that it is the fault. #}
{% macro in_one_line(value) %}{{ return(value | string | replace('\r', '\\r') | replace('\n', '\\n')) }}{% endmacro %}

{# Nothing but white space, of the kinds that clean_text takes off a raw value. #}
{% macro is_blank(text) %}{{ return(text.strip(' \t\n\r\u00a0\u200b\ufeff') == '') }}{% endmacro %}

{# Is there such a day? Takes a text of the form 2026-01-31. #}
{% macro is_calendar_day(text) %}
    {%- set year, month, day = text[:4] | int, text[5:7] | int, text[8:10] | int -%}
    {%- set february = 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28 -%}
    {{ return(year >= 1 and 1 <= month <= 12 and 1 <= day <= [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]) }}
{% endmacro %}

{% macro known_offers() %}{{ return(['events', 'identity_links', 'ad_spend'] + record_offers().keys() | list) }}{% endmacro %}

{#
  Models read these vars while dbt reads the project, before any check of a run. Of a kind that dbt could not get past, they are told there; what is wrong
  further down is left out by registered_offers and mapped_tables, and told with everything else when a run starts.
#}
{% macro stop_on_unreadable_vars() %}
    {%- set properties = var('event_properties') -%}
    {%- set unreadable = [] -%}
    {%- for entry in (properties if is_list(properties) else []) if entry is iterable and entry is not string -%}
        {%- do unreadable.append(entry) -%}
    {%- endfor -%}
    {%- if unreadable or properties is not iterable or var('sources') is not mapping or var('generic_tables') is not mapping -%}
        {%- do stop_on(check_vars() + check_sources()) -%}
    {%- endif -%}
{% endmacro %}

{# Of var `sources`: source -> its offers, as far as they are well written. #}
{% macro registered_offers() %}
    {%- do stop_on_unreadable_vars() -%}
    {%- set found = {} -%}
    {%- for source_name, offers in var('sources').items() if is_list(offers) -%}
        {%- do found.update({source_name: offers}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# Of var `generic_tables`: table -> map of an offer, as far as they are well written. #}
{% macro mapped_tables(offer) %}
    {%- do stop_on_unreadable_vars() -%}
    {%- set tables = var('generic_tables').get(offer) -%}
    {%- set found = {} -%}
    {%- for table, map in (tables.items() if tables is mapping else []) if not check_table_map(offer, table, map) -%}
        {%- do found.update({table: map}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# The raw columns that one entry of a column map names: a text, a list of texts, or a mapping with either under `columns`; none for anything else. #}
{% macro mapped_columns(entry) %}
    {%- set names = entry.get('columns') if entry is mapping else entry -%}
    {%- set names = [names] if names is string else names -%}
    {{ return(names if is_list(names) and names and names | select('string') | list | length == names | length else none) }}
{% endmacro %}

{# What is wrong with one table of var `generic_tables`. #}
{% macro check_table_map(offer, table, map) %}
    {%- set here = 'var `generic_tables`, ' ~ offer ~ ', ' ~ table ~ ': ' -%}
    {%- set problems = [] -%}
    {%- if table is not string or not modules.re.fullmatch('[^"`\\x00-\\x1f\\x7f]+', table) -%}
        {%- do problems.append('[S6] var `generic_tables`, ' ~ offer ~ ': `' ~ table ~ '` is no name for a table; write one without quotation marks and control characters.') -%}
    {%- endif -%}
    {%- if map is not mapping -%}
        {{ return(problems + ['[S2] ' ~ here ~ 'write a mapping with columns, constants and properties, for example {columns: {occurred_at: timestamp}}.']) }}
    {%- endif -%}
    {%- set parts = ['columns', 'constants', 'properties'] -%}
    {%- for part in map if part not in parts -%}
        {%- do problems.append('[S5] ' ~ here ~ 'there is no `' ~ part ~ '` in a table\'s map.' ~ did_you_mean(part, parts)) -%}
    {%- endfor -%}
    {%- set known = draft_shape(offer).keys() | list -%}
    {%- for part in ['columns', 'constants'] -%}
        {%- set entries = map.get(part, {}) -%}
        {%- if entries is not mapping -%}
            {%- do problems.append('[S2] ' ~ here ~ '`' ~ part ~ '` has to be a mapping (column of the offer: ' ~ ('yours' if part == 'columns' else 'text') ~ ').') -%}
        {%- else -%}
            {%- for column, entry in entries.items() -%}
                {%- if column not in known -%}
                    {%- do problems.append('[S5] ' ~ here ~ 'the offer has no column `' ~ column ~ '`.' ~ did_you_mean(column, known)) -%}
                {%- elif part == 'columns' and mapped_columns(entry) is none -%}
                    {%- do problems.append('[S2] ' ~ here ~ '`' ~ column ~ '` is `' ~ entry ~ '`; write the name of your column, or a list of names.') -%}
                {%- elif part == 'columns' and entry is mapping and not (entry.get('prefix') is string or (entry.get('values') is mapping and 'otherwise' in entry)) -%}
                    {%- do problems.append('[S2] ' ~ here ~ '`' ~ column ~ '` needs, beside columns, either prefix (a text) or values (a mapping) and otherwise.') -%}
                {%- elif part == 'constants' and (entry is mapping or is_list(entry)) -%}
                    {%- do problems.append('[S2] ' ~ here ~ '`' ~ column ~ '` is `' ~ entry ~ '`; a constant has to be a text.') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set properties = map.get('properties', []) -%}
    {%- if properties != [] and (properties is string or mapped_columns(properties) is none) -%}
        {%- do problems.append('[S2] ' ~ here ~ '`properties` has to be a list of your columns ([a, b]).') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{# Are the registered sources and offers known to the project, and written as they should be? #}
{% macro check_sources() %}
    {%- set problems = [] -%}
    {%- set offers = known_offers() -%}
    {%- set offers_are = '; offers are ' ~ offers | join(', ') ~ '.' -%}
    {%- set sources = var('sources') if var('sources') is mapping else {} -%}
    {%- set models = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' -%}
        {%- do models.append(node.name) -%}
    {%- endfor -%}
    {%- if var('sources') == {} -%}
        {%- do problems.append('[S1] var `sources` is empty: name at least one source and what it offers, for example {segment: [events]}.') -%}
    {%- endif -%}
    {%- for source_name, offered in sources.items() -%}
        {%- if not is_list(offered) or not offered -%}
            {%- do problems.append('[S2] var `sources`, ' ~ source_name ~ ': write its offers as a list, for example [events], or delete the line.') -%}
        {%- else -%}
            {%- for offer in offered -%}
                {%- if offer not in offers -%}
                    {%- do problems.append('[S3] var `sources`, ' ~ source_name ~ ': there is no offer `' ~ offer ~ '`' ~ offers_are ~ did_you_mean(offer, offers)) -%}
                {%- elif execute and 'stg_' ~ source_name ~ '__' ~ offer not in models -%}
                    {%- do problems.append('[S4] var `sources`: ' ~ source_name ~ ' is to offer ' ~ offer ~ ', but there is no model stg_' ~ source_name ~ '__' ~ offer
                        ~ ' in models/staging (docs/add_a_source.md shows how to write one).') -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do problems.extend(check_raw_files()) -%}
    {%- for offer, tables in (var('generic_tables').items() if var('generic_tables') is mapping else []) -%}
        {%- if offer not in offers -%}
            {%- do problems.append('[S3] var `generic_tables`: there is no offer `' ~ offer ~ '`' ~ offers_are ~ did_you_mean(offer, offers)) -%}
        {%- elif tables is not mapping -%}
            {%- do problems.append('[S2] var `generic_tables`, ' ~ offer ~ ': write a mapping (table: its map).') -%}
        {%- else -%}
            {%- for table, map in tables.items() -%}
                {%- do problems.extend(check_table_map(offer, table, map)) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{# Is each entry of var `raw_files` a path, or a mapping of tables to paths, of a source that is registered or that the project has? #}
{% macro check_raw_files() %}
    {%- set problems = [] -%}
    {%- set known = ['generic'] + (var('sources').keys() | list if var('sources') is mapping else []) -%}
    {%- for source in (graph.sources.values() if execute else []) if source.source_name not in known -%}
        {%- do known.append(source.source_name) -%}
    {%- endfor -%}
    {%- for source_name, entry in (var('raw_files').items() if var('raw_files') is mapping else []) -%}
        {%- if execute and source_name not in known -%}
            {%- do problems.append('[S7] var `raw_files`: there is no source `' ~ source_name ~ '`; sources are ' ~ known | sort | join(', ') ~ '.' ~ did_you_mean(source_name, known)) -%}
        {%- endif -%}
        {%- for path in (entry.values() if entry is mapping else [entry]) if path is not string or is_blank(path) -%}
            {%- do problems.append('[S7] var `raw_files`, ' ~ source_name ~ ': `' ~ path ~ '` is no path; write one as "{raw}/' ~ source_name ~ '/{table}/*.parquet", or {table: path}.') -%}
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
            {%- for column in columns_of(relation) -%}
                {%- do present.append(column.name | lower) -%}
            {%- endfor -%}
            {%- set schemas = file_schemas(table.path) if table.path and table.required_columns else [] -%}
            {%- for required in table.required_columns -%}
                {%- set alternatives = required.split('|') if required is string else required -%}
                {%- set names = alternatives | map('lower') | list -%}
                {%- if not names | select('in', present) | list -%}
                    {%- do problems.append(missing_column(name, where, alternatives, present)) -%}
                {%- else -%}
                    {#- read as one table, the other files would lend the column, and its rows would pass as empty ones -#}
                    {%- for schema in schemas if not names | select('in', schema.columns) | list -%}
                        {%- do problems.append(missing_column(name, schema.last_file, alternatives, schema.columns | list)) -%}
                    {%- endfor -%}
                    {%- do problems.extend(check_types('raw table ' ~ name, names, schemas)) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{% macro missing_column(name, where, alternatives, present) %}
    {{ return('[R2] raw table ' ~ name ~ ' (' ~ where ~ ') has no column `' ~ alternatives | join('` or `') ~ '`.'
        ~ did_you_mean(alternatives[0], present) ~ ' Its columns are: ' ~ present | join(', ') ~ '.') }}
{% endmacro %}

{# ' Did you mean `x`?' for the candidate that shares the most pairs of letters with the name, if it shares so much of them. #}
{% macro did_you_mean(name, candidates, at_least=0.5) %}
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
    {{ return(' Did you mean `' ~ best.candidate ~ '`?' if best.score >= at_least else '') }}
{% endmacro %}

{% macro letter_pairs(name) %}
    {%- set text = '^' ~ name | string | lower ~ '$' -%}
    {%- set pairs = [] -%}
    {%- for index in range(text | length - 1) -%}
        {%- do pairs.append(text[index:index + 2]) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{% endmacro %}
