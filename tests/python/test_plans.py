"""How DuckDB means to run the models: what grows with the square of the rows is seen in the plan.

A join whose condition is no comparison of one side with the other (an `or`, a condition on one side
of an outer join alone) holds each row against each other one. On the sample nobody notices; ten
times the events then take a hundred times as long.
"""

import json
from collections.abc import Iterator

import duckdb
import pytest
from dbt.cli.main import dbtRunner

# views that give whole events on; who reads them takes the columns that he needs
WHOLE_EVENTS = {"int_events_identified", "fct_events"}
MANY_COLUMNS = 25
SMALL = 1_000  # rows of a seed, at most; the sample's facts have tens of thousands


def operators(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan["children"]:
        yield from operators(child)


def plans_of(connection, queries: dict[str, str]) -> dict[str, list[dict]]:
    found = {}
    for name, query in queries.items():
        ((_, plan),) = connection.execute(f"explain (format json) {query}").fetchall()
        found[name] = [each for root in json.loads(plan) for each in operators(root)]
    return found


def rows(operator: dict) -> int:
    """How many the planner expects; the most of what lies below where it does not say."""
    own = operator["extra_info"].get("Estimated Cardinality")
    return int(own) if own else max(map(rows, operator["children"]), default=0)


def compares_all_with_all(operator: dict) -> bool:
    if operator["name"].strip() != "BLOCKWISE_NL_JOIN":
        return False
    is_outer = operator["extra_info"]["Join Type"] in ("LEFT", "RIGHT", "OUTER")
    return is_outer or min(map(rows, operator["children"])) > SMALL


def reads_whole_events(operator: dict) -> bool:
    info = operator["extra_info"]
    return (
        str(info.get("Table", "")).endswith(".int_events_sessionized")
        and len(info.get("Projections", ())) >= MANY_COLUMNS
    )


@pytest.fixture(scope="module")
def plans(sample_company) -> dict[str, list[dict]]:
    bench = sample_company.bench
    with bench.at_work():
        outcome = dbtRunner(manifest=bench.manifest()).invoke(
            ["compile", "--select", "intermediate", "marts", "--full-refresh", *bench.flags({})]
        )
    assert outcome.success, outcome.exception
    queries = {
        each.node.name: each.node.compiled_code
        for each in outcome.result.results
        if each.node.resource_type == "model" and each.node.compiled_code.strip()
    }
    assert len(queries) > 150
    with bench.connect() as connection:
        return plans_of(connection, queries)


def test_no_model_compares_each_row_of_one_fact_with_each_of_another(plans):
    found = {
        name: each["extra_info"].get("Condition", "")
        for name, operators in plans.items()
        for each in operators
        if compares_all_with_all(each)
    }
    assert not found


def test_who_reads_events_reads_the_columns_that_he_needs(plans):
    wide = {name for name, operators in plans.items() if any(map(reads_whole_events, operators))}
    assert wide <= WHOLE_EVENTS


def test_a_join_by_one_thing_or_another_would_be_seen(sample_company):
    query = """
        select count(*) from marts.fct_sessions as sessions
        left join marts.fct_stage_periods as periods
            on sessions.person_id = periods.person_id or sessions.started_at = periods.started_at
    """
    by_one = query.replace(" or ", " and ")
    with sample_company.bench.connect() as connection:
        plans = plans_of(connection, {"or": query, "and": by_one})
    assert any(map(compares_all_with_all, plans["or"]))
    assert not any(map(compares_all_with_all, plans["and"]))


@pytest.mark.skipif(duckdb.__version__ >= "2", reason="DuckDB 2.0 joins it by hash all the same")
def test_a_stay_that_may_be_open_written_with_or_would_be_seen(sample_company):
    query = """
        select count(*) from marts.fct_sessions as sessions
        left join marts.fct_stage_periods as periods
            on sessions.person_id = periods.person_id
            and (sessions.started_at < periods.ended_at or periods.ended_at is null)
    """
    by_comparison = query.replace(
        "(sessions.started_at < periods.ended_at or periods.ended_at is null)",
        "sessions.started_at < coalesce(periods.ended_at, timestamp '9999-12-31')",
    )
    with sample_company.bench.connect() as connection:
        plans = plans_of(connection, {"with or": query, "by comparison": by_comparison})
    assert any(map(compares_all_with_all, plans["with or"]))
    assert not any(map(compares_all_with_all, plans["by comparison"]))
