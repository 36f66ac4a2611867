"""What breaks each critical expectation: its sentence -> the statement that plants the fault."""

from __future__ import annotations


def one_more(table: str, column: str, where: str = "true", by: str = "1") -> str:
    """A number of one row is wrong by one. Rows are told apart by the table's first column."""
    return f"update {table} set {column} = {column} + {by} where {first(table, where)}"


def one_set(table: str, setting: str, where: str = "true") -> str:
    return f"update {table} set {setting} where {first(table, where)}"


def one_less(table: str, where: str = "true") -> str:
    return f"delete from {table} where {first(table, where)}"


def first(table: str, where: str) -> str:
    return f"rowid = (select min(rowid) from {table} where {where})"


ALL = "segment_type = 'all'"
COHORT = f"{ALL} and row_type = 'cohort' and criterion = 'on' and period_offset = 0"

FAULTS = {
    # accounts
    "The accounts have the members that dim_persons gives them": one_more(
        "dim_accounts", "member_count"
    ),
    "Every account is in a segment": "delete from bridge_account_segments where account_id ="
    " (select min(account_id) from dim_accounts)",
    "Whatever account was active is in dim_accounts": one_less(
        "dim_accounts", "account_id in (select account_id from fct_account_days)"
    ),
    "Accounts do no more than everybody does": one_more(
        "fct_account_days", "event_count", by="1000000"
    ),
    "The daily active accounts add up to the account days": one_less("fct_account_days"),
    "No more accounts could adopt a feature than there are": one_more(
        "kpi_account_feature_adoption", "adoption_denominator", ALL, "100"
    ),
    "The account cohorts hold every account that started": one_less("fct_account_retention_starts"),
    "No account comes back that has not started": "update fct_account_retention_returns"
    " set account_id = 'nobody' where period_offset = 1",
    "No account comes back before it has started": one_set(
        "fct_account_retention_returns", "period_offset = -1"
    ),
    "No cohort is larger than all accounts": one_more(
        "kpi_account_retention_cohorts",
        "retention_denominator",
        f"{COHORT} and is_mature",
        "100",
    ),
    # acquisition
    "Every visitor is new on one day": one_more("kpi_acquisition_daily", "new_visitor_count", ALL),
    "kpi_acquisition_daily counts every sign-up": one_less("fct_conversions", "goal = 'signup'"),
    "kpi_acquisition_daily has the sessions' page views": one_more(
        "fct_sessions", "page_view_count"
    ),
    "Whoever made a visit has entered": "update kpi_entry_conversion set entered_count ="
    " entered_count + 1 where entry_type = 'all'",
    "For every goal the same people have entered": one_more(
        "kpi_entry_conversion", "entered_count", "entry_type = 'all'"
    ),
    "Whoever has signed up is in a cohort of sign-ups": one_set(
        "dim_persons", "signed_up_at = first_seen_at", "signed_up_at is null"
    ),
    "Half are not slower than nine tenths": one_set(
        "kpi_time_to_convert",
        "seconds_to_convert_p50 = seconds_to_convert_p90 + 1",
        f"{ALL} and seconds_to_convert_p90 is not null",
    ),
    "The pages share one credit for each who looked at a page last": one_more(
        "kpi_conversion_pages", "linear_credit", "linear_credit is not null", "0.5"
    ),
    "An experiment's outcome is of somebody who was exposed": one_set(
        "fct_experiment_outcomes", "person_id = 'nobody'"
    ),
    "An experiment's outcome comes after the exposure": one_set(
        "fct_experiment_outcomes", "first_occurred_at = '2001-01-01'"
    ),
    "Whoever saw one variant is in the experiment's results": one_less(
        "fct_experiment_exposures", "variant_count = 1"
    ),
    "No correction makes a result more certain": one_set(
        "kpi_experiment_results", "adjusted_p_value = p_value / 2", "p_value > 0"
    ),
    # activation
    "Whoever reached a milestone is in dim_persons": one_set(
        "fct_milestones", "person_id = 'nobody'"
    ),
    "No onboarding step comes before its start": one_set(
        "fct_onboarding_steps", "seconds_since_start = -1"
    ),
    "kpi_onboarding counts everybody who began an onboarding": one_more(
        "kpi_onboarding", "completion_denominator", f"{ALL} and step = 'all'"
    ),
    "No checkout ends before it begins": one_set(
        "fct_checkouts", "last_step_at = started_at - interval 1 second"
    ),
    "kpi_checkout_abandonment counts every checkout": one_less("fct_checkouts"),
    "Everybody who signed up either used help or not": one_more(
        "kpi_help_retention", "retention_denominator", "week_offset = 0 and help_used = 'none'"
    ),
    "No support contact is answered before it is made": one_set(
        "fct_support_contacts", "first_reply_seconds = -1"
    ),
    "kpi_support counts every support contact": one_less("fct_support_contacts"),
    # adoption
    "Whoever used a feature is in dim_persons": one_set(
        "fct_feature_usage", "person_id = 'nobody'"
    ),
    "Nobody uses a feature for the first time twice": "update kpi_feature_adoption set"
    f" first_user_count = first_user_count + 1000 where {ALL}",
    "The months of kpi_session_frequency hold every session": one_more(
        "kpi_session_frequency", "session_count", f"{ALL} and stage = 'all' and period_type='month'"
    ),
    "The weeks of kpi_session_frequency hold every session": one_more(
        "kpi_session_frequency", "session_count", f"{ALL} and stage = 'all' and period_type='week'"
    ),
    "kpi_session_stages knows no more people than there are": one_more(
        "kpi_session_stages", "person_count", by="1000000"
    ),
    "The area under a curve is at least 0": one_set("kpi_session_stages", "auc = -0.1"),
    "The area under a curve is at most 1": one_set("kpi_session_stages", "auc = 1.1"),
    "No behaviour is compared over more people than there are": one_more(
        "kpi_behaviour_drivers", "true_negative_count", by="1000000"
    ),
    "An NPS score is at least 0": one_set(
        "fct_survey_responses", "score = -1", "survey_type = 'nps'"
    ),
    "An NPS score is at most 10": one_set(
        "fct_survey_responses", "score = 11", "survey_type = 'nps'"
    ),
    "kpi_survey_scores counts everybody who was asked": one_less(
        "fct_survey_responses", "responded_at is null"
    ),
    "kpi_survey_scores counts every answer": one_set(
        "fct_survey_responses", "responded_at = asked_at", "responded_at is null"
    ),
    "kpi_advocacy counts every invitation": one_less("fct_advocacy_events", "kind = 'invite_sent'"),
    # attribution
    "No touch comes after what it brought about": one_set(
        "fct_attribution_touches", "touched_at = converted_at + interval 1 second"
    ),
    "Each additive rule credits what the conversions are worth": one_more(
        "fct_attribution_credits", "credited_amount", "is_additive and credited_amount > 0", "0.5"
    ),
    "Each additive rule gives one credit for each conversion": one_less(
        "fct_attribution_credits", "rule = 'last'"
    ),
    "Without a channel no more would convert": one_set(
        "fct_attribution_weights", "removal_effect = -0.1"
    ),
    "Without a channel no more than all would be lost": one_set(
        "fct_attribution_weights", "removal_effect = 1.1"
    ),
    "kpi_attribution_daily has the credits of every rule": one_more(
        "kpi_attribution_daily", "credited_conversion_sum", "credited_conversion_sum > 0"
    ),
    "kpi_attribution_daily has the money of every rule": one_more(
        "kpi_attribution_daily", "credited_amount", "credited_amount > 0"
    ),
    # definitions
    "Every column of the KPI tables is described": one_set("metric_definitions", "description=''"),
    "There are measures": "update metric_definitions set role = 'note'",
    "Every rate says what is divided by what": one_set(
        "metric_definitions", "denominator = null", "kind = 'rate'"
    ),
    "Every metric of kpi_long has its definition": one_less(
        "metric_definitions", "metric = 'kpi_friction.signal_count'"
    ),
    # a view, that is replaced by another over it
    "kpi_long has a row for each row of kpi_friction": """
        alter view kpi_long rename to kpi_said;
        create view kpi_long as select * from kpi_said
        where metric != 'kpi_friction.signal_count'""",
    "kpi_long has a row for each row of kpi_journeys_daily": """
        alter view kpi_long rename to kpi_said;
        create view kpi_long as select * from kpi_said
        where metric != 'kpi_journeys_daily.entry_count'""",
    "kpi_long counts as many sessions as there are": one_more(
        "kpi_acquisition_daily", "session_count", ALL
    ),
    "Our own definitions do not differ from themselves": one_set(
        "definition_sensitivity", "difference = 0.1", "profile = 'own'"
    ),
    # deliveries
    "Something was delivered": "delete from reconciliation",
    "In every load: raw rows = accepted + duplicate + rejected + suppressed": one_set(
        "reconciliation", "is_balanced = false"
    ),
    "At most 5 % of the rows are rejected": """
        update reconciliation set rejected_row_count = rejected_row_count + 0.06 * raw_row_count""",
    "rejected_rows holds exactly the rows that reconciliation counts as rejected": one_less(
        "rejected_rows"
    ),
    # drift: three fifths of what the last generation had are gone
    "At least half of the last generation's events are still there": """
        delete from fct_events where event_id < '99'""",
    "At least half of the last generation's persons are still there": """
        delete from dim_persons where person_id < '99'""",
    # freshness
    "There is one as_of": "insert into dim_as_of select * from dim_as_of",
    "The calendar has no gap": """
        delete from dim_dates where date_day = (select min(date_day) + 7 from dim_dates)""",
    "The calendar goes as far as as_of": """
        delete from dim_dates where date_day >= (select as_of_date from dim_as_of)""",
    # identity
    "No identifier belongs to two persons": """
        insert into bridge_person_identifiers select * replace ('nobody' as person_id)
        from bridge_person_identifiers limit 1""",
    "The history's present is what bridge_person_identifiers says": one_set(
        "bridge_person_identifiers_history", "valid_to = valid_from", "valid_to is null"
    ),
    "Whoever is in a segment is in dim_persons": one_set(
        "bridge_person_segments", "person_id = 'nobody'"
    ),
    "A link that is used joins one person's identifiers": one_set(
        "fct_identity_links", "person_id_b = 'nobody'", "link_status = 'used'"
    ),
    "identity_quality counts every event": one_more("identity_quality", "event_count"),
    "Identity never makes fewer events known than there were": """
        update identity_quality set known_after_numerator = 0""",
    "The person days hold at least the sessions that began on them": """
        update fct_person_days set session_count = 0""",
    "Nobody is in a stage in a week who never was in one": """
        insert into fct_person_stage_weeks select * replace ('nobody' as person_id)
        from fct_person_stage_weeks limit 1;
        delete from fct_stage_periods where not is_open""",
    # journeys
    "The participations have the steps of fct_journey_steps": one_less("fct_journey_steps"),
    "kpi_journeys_daily counts every entry": one_less("fct_journey_participations"),
    "Nobody leaves a step before he comes to it": one_set(
        "fct_journey_steps", "seconds_in_step = -1"
    ),
    "No step is entered by more than all participations": one_more(
        "kpi_journey_steps", "entry_count", by="1000000"
    ),
    "Every entry and every step leads somewhere once": one_more(
        "kpi_journey_next_steps", "visit_count"
    ),
    "kpi_journey_exclusions counts everybody who was kept out": one_less("fct_journey_exclusions"),
    "No more people are kept out than there are exclusions": one_set(
        "kpi_journey_exclusions", "person_count = exclusion_count + 1"
    ),
    "In no month are more people on journeys than there are": one_more(
        "kpi_journey_endpoints", "person_count", f"{ALL} and endpoint_type = 'all'", "1000000"
    ),
    "No funnel step comes before the first": one_set("fct_funnel_steps", "seconds_from_start = -1"),
    "Every funnel step belongs to an attempt": one_set(
        "fct_funnel_steps", "funnel_attempt_id = 'none'"
    ),
    "The first step of the funnels holds every attempt: counted, excluded or open": one_less(
        "fct_funnel_attempts"
    ),
    "Half do not reach a step later than nine tenths": one_set(
        "kpi_funnels",
        "seconds_from_start_p50 = seconds_from_start_p90 + 1",
        f"{ALL} and counting = 'totals' and seconds_from_start_p90 is not null",
    ),
    "No more people have paths of visits than have made visits": """
        insert into fct_paths select * replace ('nobody' as person_id) from fct_paths
        where scope = 'session' limit 1""",
    "Every session has one path": one_less("fct_paths", "scope = 'session'"),
    "The paths have the steps of fct_path_steps": one_less("fct_path_steps"),
    "kpi_path_variants counts every path": one_more("kpi_path_variants", "path_count"),
    "Every path flows from its start": one_more("kpi_path_flows", "path_count", "position = 0"),
    "Every path goes from its start once": one_more(
        "kpi_path_transitions", "path_count", "from_node = '(start)'"
    ),
    "kpi_friction counts every signal": one_less("fct_friction_signals"),
    "No contact comes before the one before it": one_set(
        "fct_channel_visits", "seconds_since_previous = -1"
    ),
    "kpi_channel_switches counts every contact within 30 days of another": one_more(
        "kpi_channel_switches", "contact_count"
    ),
    # lifecycle
    "Every stage is one of the taxonomy": "update fct_stage_periods set stage = upper(stage)",
    "A stay ends after, or when, it starts": one_set(
        "fct_stage_periods", "ended_at = started_at - interval 1 second", "not is_open"
    ),
    "Nobody is in two stages at once": """
        insert into fct_stage_periods
        select * from fct_stage_periods where is_open limit 1""",
    "Of a day's active persons no more than of the week's": """
        update kpi_active_persons_daily set weekly_active_count = daily_active_count - 1
        where daily_active_count = (
            select max(daily_active_count) from kpi_active_persons_daily
        )""",
    "Of a week's active persons no more than of the 28 days'": """
        update kpi_active_persons_daily set monthly_active_count = weekly_active_count - 1
        where weekly_active_count = (
            select max(weekly_active_count) from kpi_active_persons_daily
        )""",
    "The daily active persons add up to the person days": one_less("fct_person_days"),
    "Everybody is new on exactly one day": one_more("kpi_active_persons_daily", "new_count", ALL),
    "A retention rate is a share": one_set("kpi_retention_cohorts", "retention_rate = 1.01"),
    "No more come back than there were": one_set(
        "kpi_retention_cohorts", "retention_numerator = retention_denominator + 1"
    ),
    # messages
    "kpi_campaign_engagement counts every message once": one_less("fct_messages"),
    "No call to action is seen by more people than there are": one_more(
        "kpi_lead_conversion", "lead_denominator", by="1000000"
    ),
    "kpi_content_performance counts every view, download and attendance": one_less(
        "fct_content_interactions", "interaction = 'viewed'"
    ),
    "Every session is a touchpoint once": one_less(
        "fct_touchpoints", "touchpoint_type = 'session'"
    ),
    "kpi_next_action_time counts every touchpoint": one_less("fct_touchpoints"),
    # money
    "Every goal is one of the taxonomy": "update fct_conversions set goal = 'glory'",
    "No conversion is worth less than nothing": """
        update fct_conversions set amount = -amount where goal = 'purchase'""",
    "No advertisement costs less than nothing": one_set("fct_ad_spend", "spend_amount = -1"),
    "kpi_acquisition_daily spends what fct_ad_spend spends": one_less(
        "fct_ad_spend", "spend_amount > 1"
    ),
    # persons
    "There are persons": "delete from dim_persons",
    "A person is seen last after, or when, he is seen first": one_set(
        "dim_persons", "last_seen_at = first_seen_at - interval 1 microsecond"
    ),
    "Every current stage is a stage of the taxonomy": one_set(
        "dim_persons", "current_stage = 'limbo'", "current_stage is not null"
    ),
    "The persons' sessions are the sessions": one_less("fct_sessions"),
    "The persons' events are the events": one_more("dim_persons", "event_count"),
    "Whoever did something is in dim_persons": one_less("dim_persons", "event_count > 0"),
    "Whoever made a visit is in dim_persons": one_set("fct_sessions", "person_id = 'nobody'"),
    # retention
    "The cohorts hold everybody who started": one_less("fct_retention_starts"),
    "Nobody comes back who has not started": one_set(
        "fct_retention_returns", "person_id = 'nobody'"
    ),
    "Nobody comes back before he has started": one_set(
        "fct_retention_returns", "period_offset = -1"
    ),
    "No cohort is larger than all persons": one_more(
        "kpi_retention_cohorts", "retention_denominator", f"{COHORT} and is_mature", "1000000"
    ),
    "kpi_stage_durations counts every stay": one_less("fct_stage_periods"),
    "Half of the stays do not last longer than nine tenths": one_set(
        "kpi_stage_durations",
        "duration_seconds_p50 = duration_seconds_p90 + 1",
        f"{ALL} and duration_seconds_p90 is not null",
    ),
    # subscriptions
    "No subscription is worth less than nothing": one_set(
        "fct_subscription_events", "mrr_after_amount = -1"
    ),
    "A movement leads from the amount before to the amount after": one_more(
        "fct_subscription_events", "mrr_change_amount"
    ),
    "The months of each person move as the subscriptions did": one_more(
        "fct_person_mrr_months", "mrr_new_amount"
    ),
    "The recurring revenue moves as the subscriptions did": one_more(
        "kpi_trial_subscription", "mrr_new_amount", ALL
    ),
    "The last month ends with what the subscriptions are worth": one_more(
        "fct_subscription_events", "mrr_after_amount", "next_movement_at is null"
    ),
    "kpi_expansion has the subscriptions' expansion": one_more(
        "fct_subscription_events", "mrr_change_amount", "movement = 'expansion'"
    ),
    "kpi_expansion counts every offer": one_less("fct_offers"),
    "Whoever signed up is in a cohort of lifetime value": one_more(
        "kpi_lifetime_value", "cohort_count", f"{ALL} and month_offset = 0"
    ),
    # visits
    "There are events": "delete from fct_events",
    "A session ends after, or when, it starts": one_set(
        "fct_sessions", "ended_at = started_at - interval 1 second"
    ),
    "Every channel group is one of channel_rules, or Unassigned": one_set(
        "fct_sessions", "channel_group = 'Telepathy'"
    ),
    "The sessions' events are the interactive events": one_more("fct_sessions", "event_count"),
    "kpi_acquisition_daily counts as many sessions as there are": one_more(
        "kpi_acquisition_daily", "session_count", ALL
    ),
}
