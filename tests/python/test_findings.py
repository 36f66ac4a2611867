"""What stands out in the tables: a planted effect is found, no effect and few people are not.

Each case writes the rows of one table as the marts have them, with a rate here and a rate at all
others, and asks for the findings.
"""

from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest

from tools import findings

DAY = date(2025, 3, 1)


def journey_steps(hits, cases, other_hits, other_cases):
    def step(name, lost, arrived):
        return {
            "journey": "trial",
            "version": 1,
            "step": name,
            "drop_off_numerator": lost,
            "drop_off_denominator": arrived,
            "is_mature": True,
        }

    return {"kpi_journey_steps": [step("pay", hits, cases), step("look", other_hits, other_cases)]}


def funnels(hits, cases, other_hits, other_cases):
    def step(number, lost, came):
        return {
            "funnel": "order",
            "counting": "unique_first",
            "segment_type": "all",
            "step_number": number,
            "step": f"step {number}",
            "drop_count": lost,
            "step_numerator": came - lost,
            "step_denominator": came,
            "is_mature": True,
        }

    steps = [step(1, 0, 10**6), step(2, hits, cases), step(3, other_hits, other_cases)]
    return {"kpi_funnels": steps}


def channels(hits, cases, other_hits, other_cases):
    def channel(name, signed_up, came):
        return {
            "segment_type": "first_touch_channel_group",
            "segment_value": name,
            "visitor_signup_7d_numerator": signed_up,
            "visitor_signup_7d_denominator": came,
            "visitor_signup_7d_is_mature": True,
        }

    onboarding = {
        "flow": "first",
        "step": "one",
        "step_number": 1,
        "segment_type": "first_touch_channel_group",
        "segment_value": "Email",
        "goal_numerator": 0,
        "goal_denominator": 0,
        "is_mature": True,
    }
    return {
        "kpi_acquisition_daily": [
            channel("Email", hits, cases),
            channel("Direct", other_hits, other_cases),
        ],
        "kpi_onboarding": [onboarding],
    }


def checkouts(hits, cases, other_hits, other_cases):
    """Ninety days; the faulty ones are the 50th to the 52nd."""

    def day(number, failed, started):
        return {
            "date_day": DAY + timedelta(number),
            "segment_type": "all",
            "step": "all",
            "is_mature": True,
            "payment_failed_numerator": failed,
            "payment_failed_denominator": started,
            "abandonment_numerator": 0,
            "abandonment_denominator": started,
        }

    def shared(total, parts, part):
        return total * (part + 1) // parts - total * part // parts

    rows = []
    for number in range(90):
        if 50 <= number < 53:
            part = number - 50
            rows.append(day(number, shared(hits, 3, part), shared(cases, 3, part)))
        else:
            part = number if number < 50 else number - 3
            rows.append(day(number, shared(other_hits, 87, part), shared(other_cases, 87, part)))
    return {"kpi_checkout_abandonment": rows}


def behaviours(hits, cases, other_hits, other_cases):
    low, high = findings.wilson(hits, cases, 1.96) if cases else (0.0, 1.0)
    other_low, other_high = findings.wilson(other_hits, other_cases, 1.96)
    row = {
        "outcome": "active_week_4",
        "behaviour": "report_created",
        "threshold": 2,
        "precision_numerator": hits,
        "precision_denominator": cases,
        "precision_rate": hits / cases,
        "precision_rate_lower": low,
        "precision_rate_upper": high,
        "without_denominator": other_cases,
        "without_rate": other_hits / other_cases,
        "without_rate_upper": other_high,
        "adjusted_p_value": 0.001 if low > other_high else 0.5,
    }
    return {"kpi_behaviour_drivers": [row]}


def features(hits, cases, other_hits, other_cases):
    def feature(name, again, users):
        return {
            "feature": name,
            "segment_type": "all",
            "sustained_numerator": again,
            "sustained_denominator": users,
            "sustained_is_mature": True,
        }

    return {
        "kpi_feature_adoption": [
            feature("maps", hits, cases),
            feature("lists", other_hits, other_cases),
        ]
    }


def pages(hits, cases, other_hits, other_cases):
    row = {
        "page_path": "/pay",
        "signal": "error",
        "drop_numerator": hits,
        "drop_denominator": cases,
        "drop_without_numerator": other_hits,
        "drop_without_denominator": other_cases,
    }
    return {"kpi_friction": [row]}


def experiments(hits, cases, other_hits, other_cases):
    rate, other_rate = hits / cases, other_hits / other_cases
    low, _ = findings.wilson(hits, cases, 1.96)
    _, other_high = findings.wilson(other_hits, other_cases, 1.96)
    row = {
        "experiment": "button",
        "variant": "green",
        "metric": "signup",
        "is_control": False,
        "is_mature": True,
        "has_sample_ratio_mismatch": False,
        "converted_numerator": hits,
        "converted_denominator": cases,
        "absolute_lift": rate - other_rate,
        "relative_lift": rate / other_rate - 1,
        "relative_lift_lower": 0.1,
        "relative_lift_upper": 0.9,
        "adjusted_p_value": 0.001 if low > other_high else 0.5,
    }
    return {"kpi_experiment_results": [row]}


TABLES = {
    journey_steps: "drop-off",
    funnels: "drop-off",
    channels: "channel",
    checkouts: "incident",
    behaviours: "behaviour",
    features: "feature",
    pages: "friction",
    experiments: "experiment",
}


def asked(tables) -> list[findings.Finding]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for name, rows in tables.items():
            connection.register("given", pa.Table.from_pylist(rows))
            connection.execute(f"create table marts.{name} as select * from given")
            connection.unregister("given")
        return findings.findings(connection)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_planted_effect_is_found(table):
    (found,) = asked(table(150, 300, 400, 4_000))
    assert found.rule == TABLES[table]
    assert found.table in table(150, 300, 400, 4_000)
    assert "150 of 300" in found.says
    assert found.concerned == pytest.approx(150 - 300 * 0.1)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_where_all_are_alike_nothing_is_claimed(table):
    assert asked(table(30, 300, 400, 4_000)) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_of_few_people_nothing_is_claimed(table):
    # of days in a row there are always more than 29 cases with those of the days around
    few = 5 if table is checkouts else 29
    assert asked(table(few, few, 40, 4_000)) == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_difference_that_may_be_chance_is_not_claimed(table):
    assert asked(table(40, 300, 400, 4_000)) == []


def test_the_days_of_an_incident_are_named():
    (found,) = asked(checkouts(150, 300, 400, 4_000))
    begin, end = DAY + timedelta(50), DAY + timedelta(52)
    assert f"From {begin} to {end}" in found.says


def test_the_more_is_compared_the_more_it_takes():
    """One of fifty that is so different is found; one of two thousand is what chance brings."""

    def rows(many):
        alike = [
            {**step, "step": f"alike {number}"}
            for number in range(many)
            for step in journey_steps(10, 100, 0, 1)["kpi_journey_steps"][:1]
        ]
        odd = journey_steps(23, 100, 0, 1)["kpi_journey_steps"][:1]
        return {"kpi_journey_steps": odd + alike}

    assert len(asked(rows(50))) == 1
    assert asked(rows(2_000)) == []


def test_what_concerns_most_people_comes_first():
    tables = {**pages(150, 300, 400, 4_000), **journey_steps(1_500, 3_000, 400, 4_000)}
    assert [found.rule for found in asked(tables)] == ["drop-off", "friction"]


def test_a_funnel_is_only_asked_where_no_journey_stands_out():
    both = {**funnels(1_500, 3_000, 400, 4_000), **journey_steps(150, 300, 400, 4_000)}
    assert [found.table for found in asked(both)] == ["kpi_journey_steps"]
    alike = {**funnels(1_500, 3_000, 400, 4_000), **journey_steps(30, 300, 400, 4_000)}
    assert [found.table for found in asked(alike)] == ["kpi_funnels"]


def test_marts_without_a_kpi_table_say_that_nothing_stands_out():
    assert findings.in_words(asked({})).startswith("Nothing stands out")


def test_three_are_told_and_the_rest_counted():
    five = [findings.Finding("rule", f"says {number}", "table", 1.0) for number in range(5)]
    told = findings.in_words(five)
    assert "says 2" in told and "says 3" not in told
    assert "2 more" in told
