"""The semantic layer says what the KPI tables say: every metric, asked by name, beside its column.

A metric names the column it equals (`meta.kpi`); a comparison says along which dimensions, and
which rows of the table are meant. A group without any row has no line in MetricFlow's answer where
the dense KPI tables say 0: that is the one difference all comparisons allow.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import pytest
import yaml
from harness import ROOT, close_connections

from tools import semantic

METRICS = {metric["name"]: metric for metric in semantic.read("metrics")}
ALL = "segment_type = 'all'"


def kpi_of(metric: str) -> tuple[str, str]:
    table, _, column = METRICS[metric]["config"]["meta"]["kpi"].partition(".")
    return table, column


@dataclass(frozen=True)
class Comparison:
    """Metrics grouped by dimensions, and the same from the KPI table that they name."""

    metrics: str
    by: dict[str, str]  # what MetricFlow groups by -> the KPI table's column
    rows: str = ALL  # of the KPI table
    where: tuple[str, ...] = ()  # what MetricFlow filters by
    aggregate: str = "{}"  # of the column, where the table's rows are finer
    is_part: bool = False  # the KPI table leaves groups out that MetricFlow answers for
    source: str = ""  # instead of the KPI table, a query over it

    def table(self) -> str:
        (table,) = {kpi_of(metric)[0] for metric in self.metrics.split()}
        return table

    def sql(self) -> str:
        keys = [f'{column} as "{name}"' for name, column in self.by.items()]
        values = [
            f'{self.aggregate.format(kpi_of(metric)[1])} as "{metric}"'
            for metric in self.metrics.split()
        ]
        return (
            f"select {', '.join(keys + values)} from {self.source or 'marts.' + self.table()}"
            f" where {self.rows}" + (" group by all" if "(" in self.aggregate else "")
        )

    def __str__(self) -> str:
        return f"{self.metrics.split()[0]}-by-{'-'.join(self.by) or 'nothing'}"


def dimension(name: str, condition: str) -> str:
    return f"{{{{ Dimension('{name}') }}}} {condition}"


DAY = {"metric_time__day": "date_day"}
MONTH = {"metric_time__month": "month_start_date"}
FIRST_CHANNEL = {"person__first_touch_channel_group": "segment_value"}
IS_FIRST_CHANNEL = "segment_type = 'first_touch_channel_group'"
COHORT = {"metric_time__week": "cohort_start_date"}
RETAINED = f"definition = 'active_weekly' and criterion = 'on' and row_type = 'cohort' and {ALL}"
FUNNEL = f"counting = 'unique_first' and {ALL}"
LAST_REVENUE = f"""(
    select * from marts.kpi_lifetime_value where {ALL}
    qualify row_number() over (partition by cohort_month_date order by month_offset desc) = 1
)"""

COMPARISONS = [
    # acquisition
    Comparison(
        """sessions visitors new_visitors page_views engaged_sessions engaged_session_rate
        bounced_sessions bounce_rate visitor_signup_7d_rate signups trials subscriptions
        new_customers spend ad_impressions ad_clicks click_through_rate cost_per_click
        acquisition_cost""",
        DAY,
    ),
    Comparison(
        "sessions visitors new_visitors engaged_session_rate visitor_signup_7d_rate signups",
        DAY | FIRST_CHANNEL,
        IS_FIRST_CHANNEL,
    ),
    Comparison(
        "sessions visitors page_views bounce_rate",
        DAY | {"session__channel_group": "segment_value"},
        "segment_type = 'session_channel_group'",
    ),
    Comparison(
        "signups",
        DAY | {"session__channel_group": "segment_value"},
        "segment_type = 'session_channel_group'",
        where=("{{ Dimension('session__channel_group') }} is not null",),
    ),
    Comparison(
        "conversions",
        DAY,
        where=(dimension("conversion__goal", "= 'lead'"),),
    ),
    Comparison(
        "touches touched_persons",
        DAY | {"touchpoint__touchpoint_type": "segment_value"},
        "segment_type = 'touchpoint_type'",
    ),
    Comparison(
        "new_customers_to_date",
        DAY,
        source=f"""(select date_day, sum(new_customer_count) over (order by date_day)
            as new_customer_count from marts.kpi_acquisition_daily where {ALL})""",
        rows="true",
    ),
    *[
        Comparison(
            "sessions_per_person",
            {f"metric_time__{period}": "period_start_date"},
            f"period_type = '{period}' and stage = 'all' and {ALL}",
        )
        for period in ("week", "month")
    ],
    Comparison(
        """messages_queued messages_sent messages_delivered messages_opened
        messages_opened_by_humans messages_clicked messages_unsubscribed open_rate
        human_open_rate click_rate unsubscribe_rate""",
        {
            "metric_time__day": "queued_date",
            "message__campaign": "campaign",
            "message__message_channel": "channel",
        },
        "true",
    ),
    # activation
    *[
        Comparison(
            f"visitor_{goal}_30d_rate",
            {"session__started_date__week": "cohort_week_date"},
            f"goal = '{goal}' and anchor = 'first_touch' and {ALL}",
        )
        for goal in ("signup", "subscription")
    ],
    *[
        Comparison(metric, {"person_milestone__reached_date__month": "month_start_date"})
        for metric in ("trial_signup_30d_rate", "trial_conversion_30d_rate")
    ],
    Comparison(
        "subscription_30d_rate", {"person_milestone__reached_date__month": "month_start_date"}
    ),
    Comparison(
        "onboarding_started onboarding_completed",
        {"onboarding_outcome__flow": "flow"},
        f"step = 'all' and {ALL}",
        aggregate="sum({})",
    ),
    Comparison(
        "onboarding_completion_rate",
        {"onboarding_outcome__flow": "flow"},
        source=f"""(select flow, sum(completion_numerator) / sum(completion_denominator)
            as completion_rate from marts.kpi_onboarding where step = 'all' and {ALL}
            group by flow)""",
        rows="true",
    ),
    Comparison(
        """checkouts_started checkouts_completed checkouts_abandoned checkouts_closed
        checkout_abandonment_rate""",
        DAY,
        f"step = 'all' and {ALL}",
    ),
    Comparison(
        """support_contacts contacting_persons contacts_per_100_active complaints complaint_rate
        support_cost first_reply_seconds_median resolution_seconds_median""",
        {"metric_time__week": "week_start_date"},
        f"stage = 'all' and reason = 'all' and {ALL} and contact_count is not null",
        is_part=True,
    ),
    Comparison(
        "support_contacts complaint_rate resolution_seconds_median",
        {"metric_time__week": "week_start_date", "support_contact__reason": "reason"},
        f"stage = 'all' and reason <> 'all' and {ALL}",
    ),
    # retention
    Comparison(
        """active_persons known_active_persons weekly_active_persons monthly_active_persons
        monthly_active_persons_30d dau_wau_rate dau_mau_rate""",
        DAY,
    ),
    Comparison(
        "active_persons weekly_active_persons dau_wau_rate", DAY | FIRST_CHANNEL, IS_FIRST_CHANNEL
    ),
    Comparison("active_accounts weekly_active_accounts", DAY),
    Comparison(
        "retention_cohort",
        COHORT,
        f"{RETAINED} and period_offset = 0",
        where=(dimension("retention_start__definition", "= 'active_weekly'"),),
    ),
    Comparison(
        "retained_persons",
        COHORT | {"retention_return__period_offset": "period_offset"},
        RETAINED,
        where=(
            dimension("retention_return__definition", "= 'active_weekly'"),
            dimension("retention_return__period_offset", "<= 26"),
        ),
    ),
    *[
        Comparison(
            f"retention_week_{offset}_rate", COHORT, f"{RETAINED} and period_offset = {offset}"
        )
        for offset in (1, 4)
    ],
    Comparison(
        "retention_month_1_rate",
        {"metric_time__month": "cohort_start_date"},
        RETAINED.replace("weekly", "monthly") + " and period_offset = 1",
    ),
    Comparison("feature_users", MONTH | {"feature_usage_day__feature": "feature"}),
    Comparison(
        "survey_invitations survey_answers survey_response_rate",
        {"metric_time__month": "period_start_date", "survey_response__survey": "survey"},
        f"period_type = 'month' and {ALL}",
    ),
    Comparison(
        "promoters detractors nps_score",
        {"metric_time__month": "period_start_date", "survey_response__survey": "survey"},
        f"period_type = 'month' and survey_type = 'nps' and {ALL}",
        where=(dimension("survey_response__survey_type", "= 'nps'"),),
    ),
    Comparison(
        "satisfied_answers satisfied_rate",
        {"metric_time__month": "period_start_date", "survey_response__survey": "survey"},
        f"period_type = 'month' and survey_type = 'csat' and {ALL}",
        where=(dimension("survey_response__survey_type", "= 'csat'"),),
    ),
    # revenue
    Comparison(
        "revenue",
        {"person__signed_up_day__month": "cohort_month_date"},
        "cumulative_revenue_amount is not null",
        where=(dimension("person__has_signed_up", ""),),
        is_part=True,
        source=LAST_REVENUE,
    ),
    Comparison(
        "revenue_to_date",
        {
            "metric_time__month": "(select date_trunc('month', as_of_date) from marts.dim_as_of)",
            "person__signed_up_day__month": "cohort_month_date",
        },
        "cumulative_revenue_amount is not null",
        where=(dimension("person__has_signed_up", ""),),
        is_part=True,
        source=LAST_REVENUE,
    ),
    Comparison(
        """mrr mrr_at_start mrr_new mrr_expansion mrr_contraction mrr_churn mrr_reactivation
        customers customers_at_start churned_customers churn_rate gross_revenue_retention
        net_revenue_retention""",
        MONTH,
    ),
    Comparison("renewals_due renewals renewal_rate", MONTH, is_part=True),
    Comparison(
        "offers_made offers_accepted_30d offer_acceptance_30d_rate",
        MONTH,
        f"offer_type = 'all' and {ALL}",
    ),
    Comparison(
        "offers_made offer_acceptance_30d_rate",
        MONTH | {"offer__offer_type": "offer_type"},
        f"offer_type <> 'all' and {ALL}",
    ),
    # journeys
    Comparison(
        """journey_entries journey_participants journey_exits journey_completions
        journey_entries_to_date journey_completions_to_date journey_currently_in
        journey_completed_rate journey_goals_met journey_goals_mature journey_goal_rate""",
        DAY | {"participation__journey": "journey", "participation__version": "version"},
        "true",
    ),
    Comparison(
        "funnel_entries funnel_completions funnel_conversion_rate",
        {"metric_time__week": "cohort_week_date", "funnel_attempt__funnel": "funnel"},
        source=f"""(select * from marts.kpi_funnels where {FUNNEL}
            qualify step_number = max(step_number) over (partition by funnel))""",
        rows="true",
    ),
    Comparison(
        "funnel_steps_reached funnel_seconds_median",
        {
            "funnel_attempt__started_date__week": "cohort_week_date",
            "funnel_attempt__funnel": "funnel",
            "funnel_step_reached__step_number": "step_number",
        },
        FUNNEL,
    ),
    Comparison(
        "friction_signals", {"friction_signal__signal": "signal"}, "true", aggregate="sum({})"
    ),
    Comparison(
        "attributed_conversions attributed_value",
        DAY
        | {
            "attribution_credit__rule": "rule",
            "attribution_credit__goal": "goal",
            "marketing_channel": "channel_group",
        },
        "goal <> 'all'",
        aggregate="sum({})",
    ),
    *[
        Comparison(
            f"return_on_spend_{rule}",
            DAY | {"marketing_channel": "channel_group", "marketing_campaign": "campaign"},
            f"rule = '{rule}' and goal = 'all'",
            is_part=True,
        )
        for rule in ("last_non_direct", "linear")
    ],
]


# ---------------------------------------------------------------- what the files say


def test_the_document_holds_the_metrics_as_the_files_have_them():
    text = semantic.DOCUMENT.read_text()
    assert semantic.documented(text) == text, "python -m tools.semantic document"


def test_a_metric_that_is_not_in_the_document_is_found():
    text = semantic.DOCUMENT.read_text()
    line = next(line for line in text.splitlines(True) if line.startswith("| `sessions` |"))
    assert semantic.documented(text.replace(line, "")) == text


def test_every_metric_names_a_column_of_a_kpi_table_or_none():
    strangers = []
    for name in METRICS:
        table, column = kpi_of(name)
        if table == "none":
            continue
        (path,) = ROOT.glob(f"models/marts/**/{table}.yml")
        columns = yaml.safe_load(path.read_text())["models"][0]["columns"]
        if column not in {each["name"] for each in columns}:
            strangers.append(f"{name}: {table} has no column {column}")
    assert strangers == []


def test_every_metric_that_names_a_column_is_compared_with_it():
    compared = {metric for comparison in COMPARISONS for metric in comparison.metrics.split()}
    named = {name for name in METRICS if kpi_of(name)[0] != "none"}
    assert compared == named


def test_no_name_stands_twice():
    queries = semantic.read("saved_queries")
    models = semantic.read("semantic_models")
    names = [each["name"] for each in [*semantic.read("metrics"), *queries]]
    measures = [each["name"] for model in models for each in model.get("measures", [])]
    for kind in (names, measures, [model["name"] for model in models]):
        assert [name for name, count in Counter(kind).items() if count > 1] == []


# ---------------------------------------------------------------- what MetricFlow answers


@pytest.fixture(scope="module")
def layer(published_company, tmp_path_factory):
    """MetricFlow over the published sample; what it changes in this process is undone."""
    before = dict(os.environ)
    close_connections()
    try:
        yield semantic.connect(published_company, tmp_path_factory.mktemp("semantic"))
    finally:
        os.environ.clear()
        os.environ.update(before)
        close_connections()


def plain(value):
    """A value as both sides can write it."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, Decimal):
        return float(value)
    return value


def is_equal(asked, expected) -> bool:
    if asked is None:
        return expected is None or expected == 0  # a group without rows
    if isinstance(asked, str | date) or expected is None:
        return asked == expected
    return abs(asked - expected) <= 1e-9 * max(1.0, abs(asked), abs(expected))


@dataclass
class Answer:
    rows: dict[tuple, dict] = field(default_factory=dict)

    @classmethod
    def of(cls, columns, rows, keys: list[str]) -> Answer:
        answer = cls()
        for row in rows:
            line = {name: plain(value) for name, value in zip(columns, row, strict=True)}
            key = tuple(line.pop(name) for name in keys)
            assert key not in answer.rows, f"{key} stands twice"
            answer.rows[key] = line
        return answer


def differences(comparison: Comparison, asked: Answer, expected: Answer) -> list[str]:
    keys = set(expected.rows) if comparison.is_part else {*asked.rows, *expected.rows}
    return [
        f"{metric} of {', '.join(map(str, key))}: asked {here}, table {there}"
        for key in sorted(keys, key=str)
        for metric in comparison.metrics.split()
        if not is_equal(
            here := asked.rows.get(key, {}).get(metric),
            there := expected.rows.get(key, {}).get(metric),
        )
    ]


def answers(layer, comparison: Comparison) -> tuple[Answer, Answer]:
    keys = list(comparison.by)
    table = semantic.ask(
        layer,
        metric_names=comparison.metrics.split(),
        group_by_names=keys or None,
        where_constraints=list(comparison.where) or None,
    )
    # a process can open a file in one way only, so both sides go through MetricFlow's connection
    found = layer.sql_client.query(comparison.sql())
    expected = Answer.of(found.column_names, found.rows, keys)
    return Answer.of(table.column_names, table.rows, keys), expected


@pytest.mark.show
@pytest.mark.parametrize("comparison", COMPARISONS, ids=str)
def test_a_metric_says_what_its_kpi_table_says(layer, comparison):
    asked, expected = answers(layer, comparison)
    for metric in comparison.metrics.split():
        assert any(row[metric] for row in expected.rows.values()), f"{metric}: nothing to compare"
    found = differences(comparison, asked, expected)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:10])


@pytest.mark.show
def test_a_wrong_number_is_found(layer):
    comparison = Comparison("visitors", DAY, rows=IS_FIRST_CHANNEL, aggregate="sum({})")
    asked, expected = answers(layer, comparison)
    key, row = next((key, row) for key, row in expected.rows.items() if row["visitors"])
    row["visitors"] += 1
    (sentence,) = differences(comparison, asked, expected)
    assert str(key[0]) in sentence


@pytest.mark.show
def test_the_validator_of_metricflow_finds_no_error(layer):
    assert {heading: errors for heading, errors in semantic.issues(layer) if errors} == {}


@pytest.mark.show
@pytest.mark.parametrize("name", [each["name"] for each in semantic.read("saved_queries")])
def test_a_saved_query_is_answered(layer, name):
    assert semantic.ask(layer, saved_query_name=name).row_count > 0


def test_a_question_before_anything_is_published_says_what_to_do(tmp_path):
    with pytest.raises(semantic.SemanticError, match="make demo"):
        semantic.connect(tmp_path / "none.duckdb")
