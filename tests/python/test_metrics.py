"""The published numbers of the sample company: each explained by its rows, and the planted truth.

What each number is computed from, and whether rightly, is the matter of test_kpi_oracle.py.
"""

import json
import random
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from tools import metrics
from tools.sample import catalog
from tools.sample.world import World


@pytest.fixture(scope="module")
def company(sample_company):
    return sample_company.bench


@pytest.fixture(scope="module")
def planted(sample_company) -> dict[str, float]:
    effects = pq.read_table(sample_company.truth / "effects.parquet").to_pylist()
    return {row["name"]: row["value"] for row in effects}


@pytest.fixture(scope="module")
def sample_world() -> World:
    return World(seed=1, start=date(2024, 1, 1), days=730, chunk_persons=5_000)


# ---------------------------------------------------------------- the rows behind a number

PERSON_SEGMENTS = ("all", "first_touch_channel_group", "first_platform")


def explained(company) -> dict[str, dict]:
    text = company.rendered("{{ tojson(explained_metrics('2025-01-01')) }}")
    return json.loads(text)


def rows_of_its_table(
    company, connection, metric: str, entry: dict, chance: random.Random
) -> list[dict]:
    """A few rows of the KPI table whose number the entry explains: great ones, and any."""
    table, column = metric.split(".")
    node = company.manifest().nodes[f"model.customer_journey.{table}"]
    dimensions = [name for name in entry["dimensions"] if name in node.columns]
    only = {
        "kpi_checkout_abandonment": "step = 'all'",
        "kpi_survey_scores": "period_type = 'month'",
        "kpi_retention_cohorts": "criterion = 'on' and period_offset = 0 and row_type = 'cohort'",
        "kpi_lifetime_value": "month_offset = 0",
        "kpi_experiment_results": "metric = 'signup'",
    }.get(table, "true")
    segments = (*PERSON_SEGMENTS, *entry["segments"])
    if "segment_type" in node.columns:
        only += f" and segment_type in ({', '.join(repr(name) for name in segments)})"
    for name, values in entry.get("except", {}).items():
        only += f" and {name} not in ({', '.join(repr(value) for value in values)})"
    period = node.config.meta["period"]
    query = f"""
        select {f"cast({period} as varchar)" if period else "'1970-01-01'"} as period,
            {
        "segment_type, segment_value"
        if "segment_type" in node.columns
        else "'all' as segment_type, 'all' as segment_value"
    },
            {"".join(f"cast({name} as varchar) as {name}, " for name in dimensions)}
            {column} as number
        from marts.{table} where {only} and {column} is not null
    """
    found = company.rows(query, connection)
    found.sort(key=lambda row: (-row["number"], str(sorted(row.items(), key=str))))
    few = found[:2] + chance.sample(found, min(2, len(found)))
    return [{**row, "dimensions": {name: row[name] for name in dimensions}} for row in few]


def test_the_rows_behind_a_number_are_as_many_as_it_says(company, remark):
    chance = random.Random(7)
    entries = sorted(explained(company).items())
    with company.connect() as connection:
        asked = [
            (metric, row)
            for metric, entry in entries
            for row in rows_of_its_table(company, connection, metric, entry, chance)
        ]
    # One call makes the SQL of them all, with a period that is none: the conditions of each
    # number's own period would be made anew hundreds of times.
    no_period = "1111-11-11"
    calls = []
    for metric, row in asked:
        where = f"{row['segment_type']!r}, {row['segment_value']!r}, {row['dimensions']}"
        calls.append(f"{{{{ rows_behind(entries[{metric!r}], {where}) }}}}")
    start = "{% set entries = explained_metrics('" + no_period + "') %}"
    queries = company.rendered(start + "\n~~\n".join(calls)).split("\n~~\n")
    queries = [
        query.replace(no_period, row["period"])
        for (_, row), query in zip(asked, queries, strict=True)
    ]
    wrong = []
    with company.connect() as connection:
        for (metric, row), query in zip(asked, queries, strict=True):
            (count,) = connection.execute(f"select count(*) from ({query})").fetchone()
            if count != row["number"]:
                wrong.append((metric, row, count))
    assert not wrong, wrong[:5]
    metrics = {metric for metric, _ in asked}
    remark(f"metrics: {len(asked)} numbers of {len(metrics)} columns are the count of their rows")
    assert len(metrics) >= 170


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"metric": "kpi_support.contact_cout", "period": "2025-01-06"}, "[M1]"),
        ({"metric": "kpi_support.contact_count", "period": "June"}, "[M2]"),
        (
            {
                "metric": "kpi_support.contact_count",
                "period": "2025-01-06",
                "dimensions": {"stages": "all"},
            },
            "[M3]",
        ),
        ({"metric": "kpi_support.contact_count", "period": "1999-01-04"}, "[M4]"),
    ],
)
def test_a_metric_that_cannot_be_explained_is_told_by_its_code(company, arguments, told, capsys):
    run = company.dbt(
        "run-operation", "explain_metric", "--args", json.dumps(arguments), check=False
    )
    assert not run.success
    output = capsys.readouterr().out
    assert told in output
    assert "Traceback" not in output


# ---------------------------------------------------------------- one form for all


def test_kpi_long_holds_every_measure_of_every_row(company):
    definitions = company.rows(
        "select table_name, column_name from marts.metric_definitions where role = 'measure'"
    )
    tables = {row["table_name"] for row in definitions}
    measures = {
        table: [row["column_name"] for row in definitions if row["table_name"] == table]
        for table in tables
    }
    counted = company.rows(
        "select metric, count(*) as n, count(value) as known, sum(value) as total"
        " from marts.kpi_long group by metric"
    )
    found = {row["metric"]: row for row in counted}
    assert found.keys() == {f"{row['table_name']}.{row['column_name']}" for row in definitions}
    for table, columns in measures.items():
        sums = ", ".join(f"count({name}), sum(cast({name} as double))" for name in columns)
        with company.connect() as connection:
            answer = connection.execute(f"select count(*), {sums} from marts.{table}").fetchone()
        for column, known, total in zip(columns, answer[1::2], answer[2::2], strict=True):
            here = found[f"{table}.{column}"]
            assert here["n"] == answer[0]
            assert here["known"] == known, (table, column)
            if total is not None:
                assert here["total"] == pytest.approx(total, rel=1e-9), (table, column)


# ---------------------------------------------------------------- the planted truth


def test_the_experiments_planted_lift_lies_within_its_interval(company, planted):
    (row,) = company.rows(
        "select * from marts.kpi_experiment_results"
        " where experiment = 'signup_button' and metric = 'signup' and variant = 'treatment'"
    )
    lift = planted["experiment_signup_button_relative_lift"]
    assert row["relative_lift_lower"] <= lift <= row["relative_lift_upper"]
    assert row["p_value"] < 0.05
    assert not row["has_sample_ratio_mismatch"]


def test_an_experiment_without_an_effect_shows_none(company):
    found = company.rows(
        "select * from marts.kpi_experiment_results where experiment = 'onboarding_checklist'"
        " and not is_control and adjusted_p_value is not null"
    )
    assert found
    assert all(row["adjusted_p_value"] > 0.05 for row in found)


def test_a_variant_that_is_not_recorded_is_found_by_the_sample_ratio(company):
    found = company.rows(
        "select distinct experiment, has_sample_ratio_mismatch as is_found"
        " from marts.kpi_experiment_results"
    )
    assert {row["experiment"] for row in found if row["is_found"]} == {"price_page"}


def test_people_who_use_five_to_seven_features_stay_and_pay(company):
    rates = {
        row["breadth_bucket"]: row
        for row in company.rows(
            "select breadth_bucket, sum(retention_28d_numerator) / sum(retention_28d_denominator)"
            " as retained, sum(paid_numerator) / sum(paid_denominator) as paid"
            " from marts.kpi_feature_breadth where segment_type = 'all' and is_mature"
            " group by breadth_bucket"
        )
    }
    buckets = ["0", "1-2", "3-4", "5-7"]
    for fewer, more in zip(buckets, buckets[1:], strict=False):
        assert rates[more]["retained"] > rates[fewer]["retained"] + 0.05
        assert rates[more]["paid"] > rates[fewer]["paid"]


def days_of(window: tuple[int, int]) -> tuple[date, date]:
    begin, end = (date(1970, 1, 1) + timedelta(microseconds=at) for at in window)
    return begin, end


def test_the_broken_payment_of_the_checkout_shows_on_its_days(company, sample_world):
    begin, end = days_of(sample_world.incident)
    found = company.rows(
        f"select date_day >= '{begin}' and date_day < '{end}' as is_incident,"
        " sum(payment_failed_numerator) / sum(payment_failed_denominator) as failed,"
        " sum(abandonment_numerator) / sum(abandonment_denominator) as abandoned"
        " from marts.kpi_checkout_abandonment"
        " where step = 'all' and segment_type = 'all' group by 1"
    )
    usual, incident = sorted(found, key=lambda row: row["is_incident"])
    assert incident["failed"] > 3 * usual["failed"]
    assert incident["abandoned"] > usual["abandoned"]


def test_the_viral_post_shows_on_its_days_and_brings_few_sign_ups(company, sample_world):
    begin, _ = days_of(sample_world.viral)
    host = catalog.TOUCHES[catalog.TOUCH["viral_post"]][6].split("/")[2]
    of_host = company.rows(
        "select date_day, new_visitor_count as visitors, visitor_signup_7d_numerator as signups"
        " from marts.kpi_acquisition_daily where segment_type = 'session_referrer_host'"
        f" and segment_value = '{host}'"
    )
    end = begin + timedelta(catalog.VIRAL_DAYS + 1)
    on_its_days = [row for row in of_host if begin <= row["date_day"] < end]
    other_days = [row for row in of_host if row not in on_its_days]
    a_day = sum(row["visitors"] for row in on_its_days) / len(on_its_days)
    assert a_day > 10 * sum(row["visitors"] for row in other_days) / len(other_days)
    (usual,) = company.rows(
        "select sum(visitor_signup_7d_numerator) / sum(visitor_signup_7d_denominator) as rate"
        " from marts.kpi_acquisition_daily where segment_type = 'all'"
    )
    signed_up = sum(row["signups"] for row in on_its_days)
    assert signed_up / sum(row["visitors"] for row in on_its_days) < usual["rate"] / 2


def test_the_definitions_are_written_for_everybody(company):
    definitions = company.rows("marts.metric_definitions")
    assert len({row["table_name"] for row in definitions}) >= 27
    for row in definitions:
        assert row["description"].endswith((".", "?", "…")), row["metric"]
        assert "{{" not in row["description"], row["metric"]


def test_the_page_of_metrics_is_as_the_project_writes_it():
    assert metrics.PAGE.read_text() == metrics.page()
