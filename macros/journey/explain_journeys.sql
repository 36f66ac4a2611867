{#
  explained_metrics() for journeys, funnels, paths, friction, channels, stages and attribution, in its form. Not here, since no single fact holds their rows:
  skips, the denominator of a funnel's step, flows, sums of credit, behaviour drivers.
#}
{% macro explained_journeys(p, in_week, in_month) %}
    {%- set found = {} -%}
    {%- for table, entries in {
        'kpi_journeys_daily': journeys_daily_explained(p),
        'kpi_journey_steps': journey_steps_explained(in_week),
        'kpi_journey_next_steps': {
            'visit_count': {}, 'person_count': {'is_distinct': true}, 'transition_numerator': {},
            'transition_denominator': {'dimensions': {'journey': 'facts.journey', 'version': 'facts.version', 'step': 'facts.step'}}
        },
        'kpi_journey_exclusions': {
            'exclusion_count': {}, 'person_count': {'is_distinct': true},
            'goal_numerator': {'where': 'facts.is_goal_met and facts.is_goal_mature'}, 'goal_denominator': {'where': 'facts.is_goal_mature'}
        },
        'kpi_journey_endpoints': {
            'person_count': {'is_distinct': true}, 'having_denominator': {'is_distinct': true},
            'reachable_denominator': {'is_distinct': true}, 'opted_out_denominator': {'is_distinct': true}
        },
        'kpi_funnels': funnels_explained(),
        'kpi_path_variants': path_variants_explained(),
        'kpi_path_transitions': {
            'transition_count': {}, 'path_count': {'is_distinct': 'path_id'}, 'person_count': {'is_distinct': true}, 'share_numerator': {}
        },
        'kpi_friction': {'signal_count': {}, 'person_count': {'is_distinct': true}},
        'kpi_channel_switches': channel_switches_explained(),
        'kpi_stage_durations': {
            'stay_count': {}, 'person_count': {'is_distinct': true}, 'open_count': {'where': 'facts.is_open'},
            'advanced_count': {'where': "facts.exit_reason = 'advanced'"}, 'churned_count': {'where': "facts.exit_reason = 'churned'"},
            'dormant_count': {'where': "facts.exit_reason = 'dormant'"}
        },
        'kpi_attribution_daily': {
            'touched_conversion_count': {'is_distinct': 'conversion_id'},
            'assisted_conversion_count': {'is_distinct': 'conversion_id', 'where': 'facts.touch_number < facts.touch_count'}
        }
    }.items() -%}
        {%- set common = journey_facts(p, in_week, in_month)[table] -%}
        {%- for column, entry in entries.items() -%}
            {%- set whole = {'fact': common.fact, 'segments': {}, 'dimensions': common.get('dimensions', {}), 'except': common.get('except', {})} -%}
            {%- do whole.update(entry) -%}
            {%- set also = entry.get('and', common.get('and')) -%}
            {%- do whole.update({'where': '(' ~ entry.get('where', '1 = 1') ~ ')' ~ (' and ' ~ also if also else '')}) -%}
            {%- do found.update({table ~ '.' ~ column: whole}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# Per table: the fact that is counted, what holds of its rows in the period (`and`), its dimensions, and what is made of something else (`except`). #}
{% macro journey_facts(p, in_week, in_month) %}
    {%- set of_journey = {'journey': 'facts.journey', 'version': 'facts.version'} -%}
    {%- set of_step = {'journey': 'facts.journey', 'version': 'facts.version', 'step': 'facts.step'} -%}
    {%- set of_path = {'scope': 'facts.scope', 'scope_value': 'facts.scope_value'} -%}
    {%- set participations, sessions = mart_relation('fct_journey_participations'), mart_relation('fct_sessions') -%}
    {%- set entered_in_week = 'facts.participation_id in (select entered.participation_id from ' ~ participations ~ ' as entered where entered.entered_date'
        ~ in_week.replace('{}', 'entered.entered_date') ~ ')' -%}
    {%- set end_node = '(select max(ended.exit_type) from ' ~ participations ~ ' as ended where ended.participation_id = facts.participation_id)' -%}
    {%- set previous_node = '(select max(earlier.node) from ' ~ mart_relation('fct_path_steps')
        ~ ' as earlier where earlier.path_id = facts.path_id and earlier.step_number = facts.step_number - 1)' -%}
    {%- set visit_date = 'coalesce((select max(visits.started_date) from ' ~ sessions
        ~ ' as visits where visits.session_id = facts.session_id and facts.page_path is not null), facts.occurred_date)' -%}
    {{ return({
        'kpi_journeys_daily': {'fact': 'fct_journey_participations', 'dimensions': of_journey},
        'kpi_journey_steps': {'fact': 'fct_journey_steps', 'and': entered_in_week, 'dimensions': of_step},
        'kpi_journey_next_steps': {
            'fact': 'fct_journey_steps', 'and': entered_in_week, 'except': {'step': ['(entry)']},
            'dimensions': dict(of_step, next_step="coalesce(facts.next_step, " ~ end_node ~ ", '(active)')")
        },
        'kpi_journey_exclusions': {
            'fact': 'fct_journey_exclusions', 'and': 'facts.occurred_date = ' ~ p, 'dimensions': dict(of_journey, reason='facts.reason')
        },
        'kpi_journey_endpoints': {'fact': 'fct_person_days', 'and': 'facts.active_date' ~ in_month.replace('{}', 'facts.active_date')},
        'kpi_funnels': {
            'fact': 'fct_funnel_attempts', 'and': 'facts.started_date' ~ in_week.replace('{}', 'facts.started_date'),
            'dimensions': {
                'funnel': 'facts.funnel',
                'counting': {'unique_first': 'facts.is_first', 'unique_best': 'facts.is_best', 'totals': '1 = 1'}
            }
        },
        'kpi_path_variants': {
            'fact': 'fct_paths', 'and': 'facts.started_month_date = ' ~ p, 'dimensions': dict(of_path, variant='facts.variant'), 'except': {'variant': ['(rare)']}
        },
        'kpi_path_transitions': {
            'fact': 'fct_path_steps', 'and': 'facts.started_month_date = ' ~ p,
            'dimensions': dict(of_path, from_node="coalesce(" ~ previous_node ~ ", '(start)')", to_node='facts.node'),
            'except': {'to_node': ['(end)', '(conversion)', '(active)', 'completed', 'exit_rule', 'timed_out', 'cancelled', 'removed']}
        },
        'kpi_friction': {
            'fact': 'fct_friction_signals', 'and': visit_date ~ in_week.replace('{}', visit_date),
            'dimensions': {'page_path': "coalesce(facts.page_path, '(none)')", 'signal': 'facts.signal'}
        },
        'kpi_channel_switches': {
            'fact': 'fct_channel_visits',
            'and': 'facts.occurred_at <= ' ~ add_seconds('facts.previous_contact_at', 30 * 86400) ~ ' and facts.occurred_date' ~ in_month.replace('{}', 'facts.occurred_date'),
            'dimensions': {
                'from_channel': 'facts.previous_channel', 'to_channel': 'facts.channel',
                'is_digital_to_assisted': 'facts.is_assisted and not facts.previous_is_assisted', 'is_switch': 'facts.previous_channel <> facts.channel'
            }
        },
        'kpi_stage_durations': {
            'fact': 'fct_stage_periods', 'and': local_date('facts.started_at') ~ in_month.replace('{}', local_date('facts.started_at')),
            'dimensions': {'stage': 'facts.stage'}
        },
        'kpi_attribution_daily': {
            'fact': 'fct_attribution_credits', 'and': 'facts.converted_date = ' ~ p,
            'dimensions': {
                'rule': 'facts.rule', 'goal': 'facts.goal', 'channel_group': 'facts.channel_group', 'campaign': "coalesce(facts.campaign, '(none)')"
            }
        }
    }) }}
{% endmacro %}

{# Participations by the day of entry or of exit, and all that there have been up to a day. #}
{% macro journeys_daily_explained(p) %}
    {%- set to_date = 'facts.entered_date <= ' ~ p -%}
    {%- set entries = {
        'entry_count': {'where': 'facts.entered_date = ' ~ p},
        'participant_count': {'where': 'facts.entered_date = ' ~ p, 'is_distinct': true},
        'exited_count': {'where': 'not facts.is_active and facts.exited_date = ' ~ p},
        'currently_in_count': {'where': to_date ~ ' and (facts.is_active or facts.exited_date > ' ~ p ~ ')'},
        'currently_in_numerator': {'where': to_date ~ ' and (facts.is_active or facts.exited_date > ' ~ p ~ ')'},
        'currently_in_denominator': {'where': to_date},
        'lifetime_entry_count': {'where': to_date},
        'multi_channel_numerator': {'where': to_date ~ ' and facts.channel_count > 1'},
        'multi_channel_denominator': {'where': to_date},
        'goal_numerator': {'where': 'facts.is_goal_met and facts.is_goal_mature and facts.entered_date = ' ~ p},
        'goal_denominator': {'where': 'facts.is_goal_mature and facts.entered_date = ' ~ p}
    } -%}
    {%- for exit_type in ['completed', 'exit_rule', 'timed_out', 'cancelled', 'removed'] -%}
        {%- set is_so = 'not facts.is_active and facts.exit_type = ' ~ quoted(exit_type) -%}
        {%- do entries.update({
            exit_type ~ '_count': {'where': is_so ~ ' and facts.exited_date = ' ~ p},
            exit_type ~ '_numerator': {'where': is_so ~ ' and facts.exited_date <= ' ~ p},
            exit_type ~ '_denominator': {'where': to_date}
        }) -%}
    {%- endfor -%}
    {{ return(entries) }}
{% endmacro %}

{# A participation at a step, however often it was there: its first visit stands for all of them. #}
{% macro journey_steps_explained(in_week) %}
    {%- set steps, participations = mart_relation('fct_journey_steps'), mart_relation('fct_journey_participations') -%}
    {%- set once = 'not facts.is_repeat' -%}
    {%- set some_visit = once ~ ' and exists (select 1 from ' ~ steps ~ ' as visits where visits.participation_id = facts.participation_id and visits.step = facts.step and {})' -%}
    {%- set dropped = 'facts.is_last and facts.participation_id in (select ended.participation_id from ' ~ participations
        ~ " as ended where not ended.is_active and ended.exit_type <> 'completed')" -%}
    {%- set switched = 'exists (select 1 from ' ~ steps ~ ' as visits where visits.participation_id = facts.participation_id and visits.step = facts.step and visits.is_channel_switch)' -%}
    {%- set of_journey = {'journey': 'facts.journey', 'version': 'facts.version'} -%}
    {%- set entered = {'fact': 'fct_journey_participations', 'dimensions': of_journey, 'and': 'facts.entered_date' ~ in_week.replace('{}', 'facts.entered_date')} -%}
    {{ return({
        'entry_count': entered, 'arrival_denominator': entered, 'skip_denominator': entered,
        'arrival_numerator': {'where': once}, 'moved_on_denominator': {'where': once}, 'drop_off_denominator': {'where': once}, 'repeat_denominator': {'where': once},
        'backtrack_denominator': {'where': once}, 'friction_denominator': {'where': once}, 'channel_switch_denominator': {'where': once},
        'moved_on_numerator': {'where': some_visit.replace('{}', 'visits.moved_on')},
        'repeat_numerator': {'where': some_visit.replace('{}', 'visits.is_repeat')},
        'backtrack_numerator': {'where': some_visit.replace('{}', 'visits.is_backtrack')},
        'friction_numerator': {'where': some_visit.replace('{}', 'visits.friction_count > 0')},
        'channel_switch_numerator': {'where': some_visit.replace('{}', 'visits.is_channel_switch')},
        'drop_off_after_switch_denominator': {'where': some_visit.replace('{}', 'visits.is_channel_switch')},
        'overdue_numerator': {'where': some_visit.replace('{}', 'visits.is_overdue')},
        'overdue_denominator': {'where': some_visit.replace('{}', 'visits.is_overdue is not null')},
        'drop_off_numerator': {'where': dropped},
        'drop_off_after_switch_numerator': {'where': dropped ~ ' and ' ~ switched},
        'open_count': {'where': 'facts.is_last and facts.participation_id in (select still.participation_id from ' ~ participations ~ ' as still where still.is_active)'}
    }) }}
{% endmacro %}

{# Attempts that have had their time and are not excluded; those that came to a step by that step's row. #}
{% macro funnels_explained() %}
    {%- set counted = 'facts.is_mature and not facts.is_excluded' -%}
    {%- set reached = {
        'funnel': 'facts.funnel',
        'counting': {'unique_first': 'facts.is_first', 'unique_best': 'facts.is_best', 'totals': '1 = 1'},
        'step_number': 'exists (select 1 from ' ~ mart_relation('fct_funnel_steps') ~ ' as reached where reached.funnel_attempt_id = facts.funnel_attempt_id'
            ~ ' and cast(reached.step_number as ' ~ dbt.type_string() ~ ') = {})'
    } -%}
    {{ return({
        'conversion_numerator': {'where': counted, 'dimensions': reached}, 'step_numerator': {'where': counted, 'dimensions': reached},
        'conversion_denominator': {'where': counted}, 'excluded_count': {'where': 'facts.is_excluded'},
        'open_count': {'where': 'not facts.is_excluded and not facts.is_mature'}
    }) }}
{% endmacro %}

{% macro path_variants_explained() %}
    {%- set entries = {
        'path_count': {}, 'person_count': {'is_distinct': true}, 'path_numerator': {},
        'path_denominator': {'dimensions': {'scope': 'facts.scope', 'scope_value': 'facts.scope_value'}, 'except': {}},
        'converted_numerator': {'where': 'facts.is_converted'}, 'friction_numerator': {'where': 'facts.friction_count > 0'},
        'support_numerator': {'where': 'facts.support_contact_count > 0'}, 'churned_numerator': {'where': 'facts.has_churned'},
        'promoter_count': {'where': "facts.nps_score_group = 'promoter'"}, 'detractor_count': {'where': "facts.nps_score_group = 'detractor'"},
        'nps_response_count': {'where': 'facts.nps_score_group is not null'}
    } -%}
    {%- for rate in ['converted', 'friction', 'support', 'churned'] -%}{%- do entries.update({rate ~ '_denominator': {}}) -%}{%- endfor -%}
    {{ return(entries) }}
{% endmacro %}

{# Contacts whose window is over by as_of, and what followed within it. #}
{% macro channel_switches_explained() %}
    {%- set as_of = '(select max(clock.as_of_at) from ' ~ mart_relation('dim_as_of') ~ ' as clock)' -%}
    {%- set month_later, week_later = add_seconds('facts.occurred_at', 30 * 86400), add_seconds('facts.occurred_at', 7 * 86400) -%}
    {%- set converted = 'exists (select 1 from ' ~ mart_relation('fct_conversions') ~ ' as conversions where conversions.person_id = facts.person_id'
        ~ ' and conversions.occurred_at >= facts.occurred_at and conversions.occurred_at <= ' ~ week_later ~ ')' -%}
    {{ return({
        'contact_count': {}, 'person_count': {'is_distinct': true},
        'drop_off_denominator': {'where': month_later ~ ' <= ' ~ as_of},
        'drop_off_numerator': {'where': month_later ~ ' <= ' ~ as_of ~ ' and (facts.next_contact_at is null or facts.next_contact_at > ' ~ month_later ~ ')'},
        'converted_7d_denominator': {'where': week_later ~ ' <= ' ~ as_of},
        'converted_7d_numerator': {'where': week_later ~ ' <= ' ~ as_of ~ ' and ' ~ converted}
    }) }}
{% endmacro %}
