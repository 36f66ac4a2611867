{#
  Which rows stand behind a number? Prints the number as it is published, what it means, and the rows whose count it is.

    dbt run-operation explain_metric --args '{metric: kpi_checkout_abandonment.abandonment_rate, period: 2025-11-20, within: first_platform=app}'

  `metric` is table.column, as metric_definitions has it; `period` the date in the table's period column; `within` a segment: all, or type=value; `dimensions` what
  else tells the rows apart ({step: all}); `rows` how many to print. Of a rate the rows of numerator and denominator are counted; of an amount its sum is not taken apart.
  Reads what the last build made, changes nothing.
#}
{% macro explain_metric(metric, period=none, within='all', dimensions={}, rows=10) %}
    {%- if execute -%}
        {%- set explained = explained_metrics(period) -%}
        {%- set nodes = kpi_nodes() -%}
        {%- set table, column = (metric ~ '.').split('.')[:2] -%}
        {%- set known = [] -%}
        {%- for name, node in nodes.items() -%}
            {%- for each in node.columns.values() if kpi_column_role(node, each) == 'measure' -%}{%- do known.append(name ~ '.' ~ each.name) -%}{%- endfor -%}
        {%- endfor -%}
        {%- if metric not in known -%}
            {{ exceptions.raise_compiler_error('[M1] there is no metric `' ~ metric ~ '`: write table.column, as metric_definitions has it.' ~ did_you_mean(metric, known)) }}
        {%- endif -%}
        {%- set node = nodes[table] -%}
        {%- if node.config.meta.period and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', period | string) -%}
            {{ exceptions.raise_compiler_error('[M2] `' ~ metric ~ '` needs a period, a date of `' ~ node.config.meta.period ~ '` like 2025-11-01; this is `' ~ period ~ '`.') }}
        {%- endif -%}
        {%- set segment_type, segment_value = (within.split("=", 1) if "=" in within else ['all', 'all']) -%}
        {%- set where = ['1 = 1'] -%}
        {%- if node.config.meta.period -%}{%- do where.append(node.config.meta.period ~ ' = cast(' ~ quoted(period) ~ ' as date)') -%}{%- endif -%}
        {%- if 'segment_type' in node.columns -%}
            {%- do where.extend(['segment_type = ' ~ quoted(segment_type), 'segment_value = ' ~ quoted(segment_value)]) -%}
        {%- endif -%}
        {%- for name, value in dimensions.items() -%}
            {%- if name not in node.columns -%}
                {{ exceptions.raise_compiler_error('[M3] ' ~ table ~ ' has no column `' ~ name ~ '`; its dimensions are ' ~ kpi_dimensions(node) | join(', ') ~ '.' ~ did_you_mean(name, kpi_dimensions(node))) }}
            {%- endif -%}
            {%- do where.append('cast(' ~ name ~ ' as ' ~ dbt.type_string() ~ ') = ' ~ quoted(value)) -%}
        {%- endfor -%}
        {%- set parts = kpi_parts(node, column) -%}
        {%- set found = run_query(
            'select ' ~ column ~ ', ' ~ (parts.numerator or 'null') ~ ', ' ~ (parts.denominator or 'null') ~ ', ' ~ (parts.maturity or 'null')
            ~ (', ' ~ kpi_dimensions(node) | join(', ') if kpi_dimensions(node) else '') ~ ' from ' ~ node.relation_name ~ ' where ' ~ where | join(' and ')
        ).rows -%}
        {%- if found | length != 1 -%}
            {{ exceptions.raise_compiler_error('[M4] ' ~ found | length ~ ' rows of ' ~ table ~ ' fit' ~ (
                '; narrow it by dimensions, for example {' ~ kpi_dimensions(node)[0] ~ ': ' ~ found[0][4] ~ '}.' if found | length > 1 and kpi_dimensions(node)
                else ': look in the table for periods and segments that it has.'
            )) }}
        {%- endif -%}
        {%- do print('\n' ~ metric ~ (' of ' ~ period if period else '') ~ ', ' ~ within ~ ': ' ~ found[0][0]
            ~ (' = ' ~ found[0][1] ~ ' / ' ~ found[0][2] if parts.numerator else '') ~ ('' if found[0][3] is not sameas false else ' (its window is not over)')) -%}
        {%- do print(node.columns[column].description ~ '\n') -%}
        {#- the row itself says by which dimensions it is told apart, also those that nobody had to name -#}
        {%- set of_row = {} -%}
        {%- for name in kpi_dimensions(node) if found[0][name] is not none -%}
            {%- do of_row.update({name: found[0][name] | string | lower if found[0][name] is boolean else found[0][name] | string}) -%}
        {%- endfor -%}
        {%- set sides = {parts.numerator: found[0][1], parts.denominator: found[0][2]} if parts.numerator else {column: found[0][0]} -%}
        {%- for side, number in sides.items() -%}
            {%- set entry = explained.get(table ~ '.' ~ side) -%}
            {%- if entry is none or segment_type not in ['all', 'first_touch_channel_group', 'first_platform'] + entry.segments.keys() | list or is_exempt(entry, of_row) -%}
                {%- do print(side ~ ' = ' ~ number ~ ': its rows are not listed here; it is computed from ' ~ facts_behind(node) | join(', ') ~ '.') -%}
            {%- else -%}
                {%- do print_rows_behind(side, number, entry, segment_type, segment_value, of_row, rows) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# Rows that a table makes of something else than the rest of it: an entry's `except`, name -> values. #}
{% macro is_exempt(entry, dimensions) %}
    {%- for name, values in entry.get('except', {}).items() if dimensions.get(name) in values -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}

{# The facts that a KPI table reads. #}
{% macro facts_behind(node) %}
    {%- set names = [] -%}
    {%- for parent in node.depends_on.nodes -%}
        {%- set name = parent.split('.')[-1] -%}
        {%- if (name[:4] in ['fct_', 'dim_'] or name[:7] == 'bridge_') and name not in ['dim_as_of', 'dim_dates'] -%}{%- do names.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{# The query whose rows are counted: those of a fact that an entry of explained_metrics() names, within a segment and dimensions. #}
{% macro rows_behind(entry, segment_type, segment_value, dimensions) %}
    {%- set where = [entry.where] -%}
    {%- set join = '' -%}
    {%- if segment_type in entry.get('segments', {}) -%}
        {%- do where.append(entry.segments[segment_type] ~ ' = ' ~ quoted(segment_value)) -%}
    {%- elif segment_type != 'all' -%}
        {%- set join = ' inner join ' ~ mart_relation('bridge_person_segments') ~ ' as segments on facts.person_id = segments.person_id' -%}
        {%- do where.extend(['segments.segment_type = ' ~ quoted(segment_type), 'segments.segment_value = ' ~ quoted(segment_value)]) -%}
    {%- endif -%}
    {%- for name, value in dimensions.items() if name in entry.get('dimensions', {}) and value != 'all' -%}
        {%- set dimension = entry.dimensions[name] -%}
        {%- if dimension is mapping -%}
            {%- do where.append(dimension[value]) -%}
        {%- elif '{}' in dimension -%}
            {%- do where.append(dimension.replace('{}', quoted(value))) -%}
        {%- else -%}
            {%- do where.append('cast(' ~ dimension ~ ' as ' ~ dbt.type_string() ~ ') = ' ~ quoted(value)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(
        'select ' ~ ('distinct facts.' ~ distinct_key(entry) if entry.get('is_distinct') else 'facts.*') ~ ' from ' ~ mart_relation(entry.fact) ~ ' as facts'
        ~ join ~ ' where ' ~ where | join(' and ')
    ) }}
{% endmacro %}

{# What is counted once however many rows it has: a person, unless the entry names another key. #}
{% macro distinct_key(entry) %}{{ return('person_id' if entry.is_distinct is boolean else entry.is_distinct) }}{% endmacro %}

{% macro print_rows_behind(side, number, entry, segment_type, segment_value, dimensions, limit) %}
    {%- set query = rows_behind(entry, segment_type, segment_value, dimensions) -%}
    {%- set count = run_query('select count(*) from (' ~ query ~ ') as rows_behind').rows[0][0] -%}
    {%- do print(side ~ ' = ' ~ number ~ ': ' ~ count ~ ({'person_id': ' people', 'path_id': ' paths', 'conversion_id': ' conversions'}[distinct_key(entry)] if entry.get('is_distinct') else ' rows') ~ ' of ' ~ entry.fact
        ~ ('' if count == number else '  (NOT EQUAL: the table was built from other rows; build again)')) -%}
    {%- do print('  ' ~ query) -%}
    {%- set shown = run_query('select * from (' ~ query ~ ') as rows_behind order by 1 limit ' ~ limit | int) -%}
    {%- for row in shown.rows -%}
        {%- set texts = [] -%}
        {%- for name in shown.column_names if row[name] is not none -%}{%- do texts.append(name ~ '=' ~ row[name]) -%}{%- endfor -%}
        {%- do print('  ' ~ texts[:8] | join('  ')) -%}
    {%- endfor -%}
    {%- if count > limit -%}{%- do print('  … ' ~ (count - limit) ~ ' more') -%}{%- endif -%}
{% endmacro %}

{% macro mart_relation(name) %}{{ return(relation_in(generate_schema_name('marts', none), name)) }}{% endmacro %}

{#
  table.column -> {fact, where, is_distinct (people instead of rows, or the key that is counted once), segments (segment types that are a column of the fact),
  dimensions, except (dimension -> values whose rows are made of something else)}. Conditions are on `facts`; p is the period. A dimension is a column, a
  condition in which {} stands for the value, or a map of value -> condition.
#}
{% macro explained_metrics(period) %}
    {%- set p = 'cast(' ~ quoted(period or '1970-01-01') ~ ' as date)' -%}
    {%- set in_week = ' >= ' ~ p ~ ' and {} < ' ~ add_days(p, 7) -%}
    {%- set in_month = ' >= ' ~ p ~ ' and {} < ' ~ next_month(p) -%}
    {%- set session_cuts = {'session_channel_group': 'facts.channel_group', 'session_referrer_host': 'facts.referrer_host'} -%}
    {%- set found = {} -%}
    {%- for table, entries in {
        'kpi_acquisition_daily': {
            'visitor_count': {'fact': 'fct_sessions', 'where': 'facts.started_date = ' ~ p, 'is_distinct': true, 'segments': session_cuts},
            'session_count': {'fact': 'fct_sessions', 'where': 'facts.started_date = ' ~ p, 'segments': session_cuts},
            'new_visitor_count': {'fact': 'fct_sessions', 'where': 'facts.session_number = 1 and facts.started_date = ' ~ p, 'segments': session_cuts},
            'engaged_session_numerator': {'fact': 'fct_sessions', 'where': 'facts.is_engaged and facts.started_date = ' ~ p, 'segments': session_cuts},
            'engaged_session_denominator': {'fact': 'fct_sessions', 'where': 'facts.started_date = ' ~ p, 'segments': session_cuts},
            'bounce_numerator': {'fact': 'fct_sessions', 'where': 'not facts.is_engaged and facts.started_date = ' ~ p, 'segments': session_cuts},
            'bounce_denominator': {'fact': 'fct_sessions', 'where': 'facts.started_date = ' ~ p, 'segments': session_cuts},
            'visitor_signup_7d_denominator': {'fact': 'fct_sessions', 'where': 'facts.session_number = 1 and facts.started_date = ' ~ p, 'segments': session_cuts},
            'new_customer_count': {'fact': 'fct_milestones', 'where': "facts.milestone = 'paid' and facts.reached_date = " ~ p},
            'touch_count': {'fact': 'fct_touchpoints', 'where': 'facts.occurred_date = ' ~ p, 'segments': {'touchpoint_type': 'facts.touchpoint_type'}},
            'touch_person_count': {
                'fact': 'fct_touchpoints', 'where': 'facts.occurred_date = ' ~ p, 'segments': {'touchpoint_type': 'facts.touchpoint_type'}, 'is_distinct': true
            }
        },
        'kpi_campaign_engagement': {
            'queued_count': {'where': '1 = 1'}, 'suppressed_count': {'where': "facts.status = 'suppressed'"}, 'sent_count': {'where': "facts.status = 'sent'"},
            'pending_count': {'where': "facts.status = 'pending'"},
            'delivery_numerator': {'where': 'facts.is_delivered'}, 'delivery_denominator': {'where': "facts.status = 'sent'"},
            'bounce_numerator': {'where': 'facts.bounced_at is not null'}, 'bounce_denominator': {'where': "facts.status = 'sent'"},
            'open_numerator': {'where': 'facts.is_opened'}, 'open_denominator': {'where': 'facts.is_delivered'},
            'human_open_numerator': {'where': 'facts.is_human_opened'}, 'human_open_denominator': {'where': 'facts.is_delivered'},
            'click_numerator': {'where': 'facts.clicked_at is not null'}, 'click_denominator': {'where': 'facts.is_delivered'},
            'click_to_open_numerator': {'where': 'facts.clicked_at is not null'}, 'click_to_open_denominator': {'where': 'facts.is_opened'},
            'unsubscribe_numerator': {'where': 'facts.unsubscribed_at is not null'}, 'unsubscribe_denominator': {'where': 'facts.is_delivered'},
            'complaint_numerator': {'where': 'facts.complained_at is not null'}, 'complaint_denominator': {'where': 'facts.is_delivered'},
            'converted_7d_denominator': {'where': 'facts.is_delivered'}
        },
        'kpi_checkout_abandonment': {
            'started_count': {'where': '1 = 1'}, 'completed_count': {'where': "facts.status = 'completed'"}, 'open_count': {'where': "facts.status = 'open'"},
            'abandonment_numerator': {'where': "facts.status = 'abandoned'"}, 'abandonment_denominator': {'where': "facts.status <> 'open'"},
            'recovered_7d_numerator': {'where': "facts.status = 'abandoned' and facts.recovered_at is not null"},
            'recovered_7d_denominator': {'where': "facts.status = 'abandoned'"},
            'payment_failed_numerator': {'where': 'facts.payment_failure_count > 0'}, 'payment_failed_denominator': {'where': '1 = 1'}
        },
        'kpi_active_persons_daily': {
            'daily_active_count': {'where': 'facts.active_date = ' ~ p},
            'dau_wau_numerator': {'where': 'facts.active_date = ' ~ p}, 'dau_mau_numerator': {'where': 'facts.active_date = ' ~ p},
            'weekly_active_count': {'where': 'facts.active_date > ' ~ add_days(p, -7) ~ ' and facts.active_date <= ' ~ p, 'is_distinct': true},
            'dau_wau_denominator': {'where': 'facts.active_date > ' ~ add_days(p, -7) ~ ' and facts.active_date <= ' ~ p, 'is_distinct': true},
            'monthly_active_count': {'where': 'facts.active_date > ' ~ add_days(p, -28) ~ ' and facts.active_date <= ' ~ p, 'is_distinct': true},
            'dau_mau_denominator': {'where': 'facts.active_date > ' ~ add_days(p, -28) ~ ' and facts.active_date <= ' ~ p, 'is_distinct': true},
            'monthly_active_30d_count': {'where': 'facts.active_date > ' ~ add_days(p, -30) ~ ' and facts.active_date <= ' ~ p, 'is_distinct': true}
        },
        'kpi_support': {
            'contact_count': {'where': '1 = 1'}, 'contacting_person_count': {'where': '1 = 1', 'is_distinct': true},
            'containment_numerator': {'where': "facts.contact_type = 'chatbot' and not facts.is_escalated"}, 'containment_denominator': {'where': "facts.contact_type = 'chatbot'"},
            'complaint_numerator': {'where': 'facts.is_complaint'}, 'complaint_denominator': {'where': '1 = 1'},
            'satisfied_numerator': {'where': 'facts.csat_score >= 4'}, 'satisfied_denominator': {'where': 'facts.csat_score is not null'}
        },
        'kpi_survey_scores': {
            'response_numerator': {'where': 'facts.score is not null'}, 'response_denominator': {'where': '1 = 1'},
            'promoter_count': {'where': "facts.score_group = 'promoter'"}, 'passive_count': {'where': "facts.score_group = 'passive'"},
            'detractor_count': {'where': "facts.score_group = 'detractor'"},
            'satisfied_numerator': {'where': "facts.score_group = 'satisfied'"}, 'satisfied_denominator': {'where': 'facts.score is not null'},
            'easy_numerator': {'where': "facts.score_group = 'easy'"}, 'easy_denominator': {'where': 'facts.score is not null'}
        },
        'kpi_expansion': {
            'accepted_30d_numerator': {'where': 'facts.accepted_at <= ' ~ add_seconds('facts.offered_at', 30 * 86400)}, 'accepted_30d_denominator': {'where': '1 = 1'}
        },
        'kpi_trial_subscription': {
            'trial_signup_30d_denominator': {'fact': 'dim_persons', 'where': local_date('facts.signed_up_at') ~ in_month.replace('{}', local_date('facts.signed_up_at'))},
            'subscription_30d_denominator': {'fact': 'dim_persons', 'where': local_date('facts.signed_up_at') ~ in_month.replace('{}', local_date('facts.signed_up_at'))},
            'trial_conversion_30d_denominator': {'fact': 'dim_persons', 'where': local_date('facts.trial_started_at') ~ in_month.replace('{}', local_date('facts.trial_started_at'))},
            'renewal_numerator': {'fact': 'fct_subscription_terms', 'where': 'facts.is_renewed and facts.due_date' ~ in_month.replace('{}', 'facts.due_date')},
            'renewal_denominator': {'fact': 'fct_subscription_terms', 'where': 'facts.due_date' ~ in_month.replace('{}', 'facts.due_date')},
            'start_customer_count': {
                'fact': 'fct_subscription_events',
                'where': 'facts.mrr_after_amount > 0 and facts.occurred_date < ' ~ p ~ ' and (facts.next_movement_at is null or ' ~ local_date('facts.next_movement_at') ~ ' >= ' ~ p ~ ')'
            },
            'churn_denominator': {
                'fact': 'fct_subscription_events',
                'where': 'facts.mrr_after_amount > 0 and facts.occurred_date < ' ~ p ~ ' and (facts.next_movement_at is null or ' ~ local_date('facts.next_movement_at') ~ ' >= ' ~ p ~ ')'
            }
        },
        'kpi_advocacy': {
            'invite_sent_count': {'where': "facts.kind = 'invite_sent'"}, 'invite_accepted_count': {'where': "facts.kind = 'invite_accepted'"},
            'inviter_count': {'where': "facts.kind = 'invite_sent'", 'is_distinct': true},
            'review_written_count': {'where': "facts.kind = 'review_written'"}, 'mention_count': {'where': "facts.kind = 'mention'"}
        },
        'kpi_content_performance': {
            'view_count': {'where': "facts.interaction = 'viewed'"}, 'download_count': {'where': "facts.interaction = 'downloaded'"},
            'attendance_count': {'where': "facts.interaction = 'attended'"}, 'reader_count': {'where': '1 = 1', 'is_distinct': true},
            'next_action_24h_denominator': {'where': '1 = 1', 'is_distinct': true}
        },
        'kpi_feature_adoption': {
            'adoption_numerator': {'where': '1 = 1', 'is_distinct': true}, 'sustained_denominator': {'where': '1 = 1', 'is_distinct': true},
            'favourite_denominator': {'where': '1 = 1', 'is_distinct': true}
        },
        'kpi_retention_cohorts': {'retention_denominator': {'where': '1 = 1'}},
        'kpi_lifetime_value': {
            'cohort_count': {'where': local_date('facts.signed_up_at') ~ in_month.replace('{}', local_date('facts.signed_up_at'))},
            'paying_denominator': {'where': local_date('facts.signed_up_at') ~ in_month.replace('{}', local_date('facts.signed_up_at'))}
        },
        'kpi_experiment_results': {'exposed_count': {'where': 'facts.variant_count = 1'}, 'converted_denominator': {'where': 'facts.variant_count = 1'}}
    }.items() -%}
        {%- set common = {
            'kpi_campaign_engagement': {'fact': 'fct_messages', 'and': 'facts.queued_date = ' ~ p, 'dimensions': {'campaign': 'facts.campaign', 'channel': 'facts.channel'}},
            'kpi_checkout_abandonment': {'fact': 'fct_checkouts', 'and': 'facts.started_date = ' ~ p, 'dimensions': {'step': 'facts.last_step'}},
            'kpi_active_persons_daily': {'fact': 'fct_person_days'},
            'kpi_support': {
                'fact': 'fct_support_contacts', 'and': 'facts.opened_date' ~ in_week.replace('{}', 'facts.opened_date'),
                'dimensions': {'stage': "coalesce(facts.stage, '(none)')", 'reason': 'facts.reason'}
            },
            'kpi_survey_scores': {
                'fact': 'fct_survey_responses', 'and': 'facts.asked_date' ~ in_month.replace('{}', 'facts.asked_date'), 'dimensions': {'survey': 'facts.survey'},
                'segments': {'stage': "coalesce(facts.stage, '(none)')"}
            },
            'kpi_expansion': {'fact': 'fct_offers', 'and': 'facts.offered_date' ~ in_month.replace('{}', 'facts.offered_date'), 'dimensions': {'offer_type': 'facts.offer_type'}},
            'kpi_advocacy': {'fact': 'fct_advocacy_events', 'and': 'facts.occurred_date' ~ in_month.replace('{}', 'facts.occurred_date')},
            'kpi_content_performance': {'fact': 'fct_content_interactions', 'and': 'facts.occurred_date = ' ~ p, 'dimensions': {'asset_id': 'facts.asset_id'}},
            'kpi_feature_adoption': {
                'fact': 'fct_feature_usage', 'dimensions': {'feature': 'facts.feature'},
                'and': 'facts.used_date' ~ in_month.replace('{}', 'facts.used_date')
                    ~ ' and facts.person_id in (select known.person_id from ' ~ mart_relation('dim_persons') ~ ' as known where known.is_known)'
            },
            'kpi_retention_cohorts': {'fact': 'fct_retention_starts', 'and': 'facts.cohort_start_date = ' ~ p, 'dimensions': {'definition': 'facts.definition'}},
            'kpi_lifetime_value': {'fact': 'dim_persons'},
            'kpi_experiment_results': {'fact': 'fct_experiment_exposures', 'dimensions': {'experiment': 'facts.experiment', 'variant': 'facts.variant'}}
        }.get(table, {}) -%}
        {%- for column, entry in entries.items() -%}
            {%- set whole = {'fact': common.get('fact'), 'segments': common.get('segments', {}), 'dimensions': common.get('dimensions', {})} -%}
            {%- do whole.update(entry) -%}
            {%- do whole.update({'where': '(' ~ entry.where ~ ')' ~ (' and ' ~ common['and'] if common['and'] else '')}) -%}
            {%- do found.update({table ~ '.' ~ column: whole}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do found.update(explained_journeys(p, in_week, in_month)) -%}
    {%- for goal in ['lead', 'signup', 'trial', 'subscription'] -%}
        {%- do found.update({'kpi_acquisition_daily.' ~ goal ~ '_count': {
            'fact': 'fct_conversions', 'where': 'facts.goal = ' ~ quoted(goal) ~ ' and facts.occurred_date = ' ~ p, 'segments': {}, 'dimensions': {}
        }}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
