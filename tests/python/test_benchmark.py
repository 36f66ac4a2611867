"""The benchmark's own arithmetic, and that docs/scaling.md says what was measured."""

import argparse
import json
import os
import sys

import duckdb
import numpy as np
import pytest
import yaml

from tools.benchmark import __main__ as bench
from tools.benchmark import deliveries, report, skew
from tools.benchmark import readers as timed
from tools.benchmark.data import arrive
from tools.benchmark.measure import BenchmarkError, Cost, measured


def size_of(rows: int, models: dict[str, float], **steps: float) -> dict:
    """A result of one size: models' CPU seconds beyond one second each that dbt takes for them."""
    nodes = {f"model.customer_journey.{name}": 1 + seconds for name, seconds in models.items()}
    idle = dict.fromkeys(nodes, 1.0)
    cpu = {"nothing": 20, "idle on nothing": 20, "floor": 5, "idle": 20, "late": 30} | steps
    costs = {
        step: {
            "cpu_seconds": seconds,
            "wall_seconds": seconds,
            "peak_bytes": 2e9,
            "spilled_bytes": 0,
            "nodes": nodes if step == "full" else idle,
        }
        for step, seconds in cpu.items()
    }
    return {
        "events": rows,
        "rounds": 1,
        "raw_rows": {"base": rows, "day": rows // 90, "late": 1},
        "raw_bytes": {"base": rows * 40, "day": rows, "late": 1000},
        "file_bytes": {"full": 100, "day": 110, "late": 120},
        "readers": {"queries": {"a: b": 1, "c: d": 7.2}, "tables": {"kpi_e": 60.4}},
        "steps": costs,
    }


@pytest.mark.parametrize(
    ("text", "events"), [("1M", 1_000_000), ("20k", 20_000), ("0.5M", 500_000), ("1_000", 1_000)]
)
def test_a_number_of_events_is_read(text, events):
    assert bench.event_count(text) == events


@pytest.mark.parametrize("text", ["many", "1G", "", "10"])
def test_what_is_no_number_of_events_is_told(text):
    with pytest.raises(argparse.ArgumentTypeError):
        bench.event_count(text)


def test_the_middle_round_counts_step_by_step_and_node_by_node():
    rounds = [
        {"full": Cost(cpu, cpu, 10, 0, {"a": cpu / 2, "b": cpu / 4})} for cpu in (8.0, 2.0, 4.0)
    ]
    middle = bench.medians(rounds)["full"]
    assert (middle.cpu_seconds, middle.nodes) == (4.0, {"a": 2.0, "b": 1.0})


def test_a_command_that_is_measured_is_measured_as_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-c", "sum(range(10**6)); x = bytearray(300 * 2**20)"]
    cost = measured(command, dict(os.environ), tmp_path)
    assert cost.cpu_seconds > 0 and cost.peak_bytes > 300 * 2**20


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path):
    command = [sys.executable, "-c", "print('out of luck'); raise SystemExit(3)"]
    with pytest.raises(BenchmarkError, match="ended with 3:\nout of luck"):
        measured(command, dict(os.environ), tmp_path)


def test_the_power_of_a_models_growth_is_that_between_two_sizes():
    small = size_of(1_000_000, {"straight": 4, "square": 4, "small": 0.5}, full=100, day=40)
    large = size_of(10_000_000, {"straight": 40, "square": 400, "small": 50}, full=900, day=90)
    powers = report.exponents(small, large)
    assert powers == pytest.approx({"straight": 1.0, "square": 2.0})  # the small one is noise


def test_goals_stand_beside_results_without_what_dbt_alone_costs():
    small = size_of(1_000_000, {"a": 4}, full=100, day=24)
    text = report.goals([small])
    assert "| 1M | full build beyond dbt's own | 6 x floor | 16.0 x floor |" in text
    assert "| 1M | one day beyond dbt's own | 5 % of full | 5% of full |" in text
    assert "| 1M | slowest of 2 queries of the boards on KPI tables | 50 ms at 100M | 7 ms" in text
    assert "| 1M | slowest of 1 KPI tables, read whole | 50 ms at 100M | 60 ms (`kpi_e`)" in text
    assert "| 1M | the file after both deliveries | 1.3 x fresh | 1.20 x fresh |" in text


MACHINE = {
    "at": "now",
    "cores": 2,
    "memory_bytes": 2**34,
    "platform": "Linux",
    "python": "3",
    "duckdb": "1",
    "code_version": "c",
}


def test_what_the_demo_costs_is_told_by_kind_and_its_dearest_tests_by_name():
    nodes = {
        "model.p.a": 2.0,
        "model.p.b": 4.0,
        "seed.p.s": 0.5,
        "test.p.unique_a_id.1": 0.2,
        "test.p.funnels_never_grow": 0.3,
        "exposure.p.board": 0.1,
    }
    result = {"machine": MACHINE, "rounds": 3, "cpu_seconds": 10.0, "nodes": nodes}
    text = report.of_demo(result)
    assert "10.0 CPU s (goal: 30); median of 3" in text
    assert "| models | 2 | 6.0 | 3000 |" in text
    assert "| other data tests | 1 | 0.3 | 300 |\n| tests of a key | 1 | 0.2 | 200 |" in text
    assert "| dbt's start and the rest |  | 3.0 |  |" in text
    assert "dearest tests, CPU s: `funnels_never_grow` 0.30, `unique_a_id` 0.20." in text


def test_a_day_is_delivered_with_what_was_loaded_on_it_alone(tmp_path):
    table = tmp_path / "base" / "s" / "t"
    table.mkdir(parents=True)
    duckdb.execute(
        "copy (select range as n, timestamp '2025-01-02 20:00:00' + interval 3 hour * range"
        f" as _loaded_at from range(4)) to '{table}/part.parquet'"
    )
    days = deliveries.cut_by_day(tmp_path / "base", tmp_path / "days")
    assert [day.name for day in days] == ["2025-01-02", "2025-01-03"]
    found = []
    for day in days:
        arrive(day, tmp_path / "raw")
        files = f"{tmp_path}/raw/s/t/*.parquet"
        found.append(duckdb.execute(f"select count(*) from '{files}'").fetchone())
    assert found == [(2,), (4,)]


def test_a_page_without_a_place_for_the_results_is_told():
    with pytest.raises(SystemExit, match="no place for models"):
        report.filled("# Scaling", "models", "text")


def test_docs_scaling_says_what_was_measured():
    stale = [
        path.name
        for path, text in report.written().items()
        if not path.exists() or path.read_text() != text
    ]
    assert not stale, "python -m tools.benchmark.report writes them anew"


def test_a_hub_makes_one_task_the_whole_stage_unless_it_is_cut():
    whole, cut = skew.simulated(endpoints=200_000, tasks=100, share=0.2)
    assert whole > 15 and cut < 2
    whole, cut = skew.simulated(endpoints=200_000, tasks=100, share=0.0)
    assert whole == pytest.approx(cut) and whole < 1.2


def test_the_largest_task_is_held_against_the_mean_one():
    assert skew.largest_beside_mean(np.array([3.0, 1.0]), np.array([0, 1]), 4) == 3.0


def test_a_size_that_was_stopped_after_its_full_build_tells_what_it_has():
    models = json.loads((report.RESULTS / "models.json").read_text())
    peers = json.loads((report.RESULTS / "peers_1M.json").read_text())
    whole = models["sizes"][0]
    models["sizes"] = [whole]
    plan = report.of_plan(models, peers)
    stopped = whole | {"events": 10 * whole["events"], "file_bytes": {"full": 1}}
    stopped["raw_rows"] = {"base": 10 * whole["raw_rows"]["base"]}
    done = ("nothing", "idle on nothing", "floor", "full")
    stopped["steps"] = {step: whole["steps"][step] for step in done}
    models["sizes"].append(stopped)
    told = report.of_models(models)
    assert "| 10M | full build beyond dbt's own |" in told
    assert "| 10M | one day beyond dbt's own |" not in told
    assert report.of_plan(models, peers) == plan


def test_readers_are_those_of_the_boards_and_of_whole_kpi_tables(tmp_path, monkeypatch):
    folder = tmp_path / "boards"
    folder.mkdir()
    (tmp_path / "board.schema.json").write_text("{}")
    asked = {
        "kpi": {"sql": "select * from marts.kpi_a"},
        "fact": {"sql": "select * from marts.fct_a"},
    }
    (folder / "01_one.yml").write_text(yaml.safe_dump({"title": "One", "queries": asked}))
    monkeypatch.setattr(timed, "BOARDS", tmp_path)
    database = tmp_path / "build.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        for name in ("kpi_a", "kpi_b", "fct_a", "kpixa"):
            connection.execute(f"create table marts.{name} as select 1 as one")
        connection.execute("create view marts.kpi_long as select * from marts.kpi_a")
    found = timed.readers(database)
    assert list(found["queries"]) == ["one: kpi"]
    assert list(found["tables"]) == ["kpi_a", "kpi_b"]
    assert all(taken > 0 for of_kind in found.values() for taken in of_kind.values())
