"""Batch invariance: however the same raw rows arrive, the same tables stand at the end.

Random worlds (worlds.py) are delivered in random loads and built after each delivery; the result is
held against one full refresh, against another split of the same rows, and against the oracle.
By hand, for a world that fails:

    python tests/python/test_differential.py isolate w017   # does it fail alone? the differences
    python tests/python/test_differential.py shrink w017    # the fewest rows that still fail
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from pprint import pformat

import harness
import kpi_oracle
import oracle
import pytest
import worlds
from against_oracle import NOT_COMPARED, OFFERS, Truth, models_to_compare
from harness import (
    TRUNK,
    Bench,
    Difference,
    assert_equal_tables,
    describe,
    differences,
    leaves,
)
from regressions import REGRESSIONS
from worlds import AS_OF, RawRow, World, as_raw, deliveries, world

COUNT = int(os.environ.get("JOURNEY_WORLDS", "500"))
SPLITS = int(os.environ.get("JOURNEY_SPLITS", "6"))
LOADS = int(os.environ.get("JOURNEY_LOADS", "4"))
VARIABLES = {"as_of": str(AS_OF)}

# What names the load a row came in; two splits of the same rows differ in these and in no more.
LOAD_COLUMNS = {
    "loaded_at": "when the row that stands for the event arrived",
    "load_id": "in which load it arrived",
}
LOAD_TABLES = {
    "reconciliation": "one row per load",
    "rejected_rows": "one row per load and rejected row; compared without the loads below",
}


# ---------------------------------------------------------------- builds


@dataclass
class History:
    """A split of the worlds: built delivery by delivery."""

    bench: Bench
    delivered: list[list[RawRow]]
    stood: dict[int, Bench] = field(default_factory=dict)  # as it stood after a delivery

    @property
    def rows(self) -> list[RawRow]:
        return [row for delivery in self.delivered for row in delivery]


def bench_in(folder: Path, raw: Path | None = None) -> Bench:
    """A bench that speaks the worlds' words."""
    bench = Bench(folder, raw, VARIABLES)
    bench.taxonomy = worlds.taxonomy()
    return bench


def build_step_by_step(
    folder: Path, all_worlds: Iterable[World], seed: int, whole: bool = True, loads: int = LOADS
) -> History:
    """Delivers and builds; before the last delivery only what remembers is built."""
    history = History(bench_in(folder), deliveries(all_worlds, seed, loads))
    last = len(history.delivered) - 1
    for number, rows in enumerate(history.delivered):
        # the first delivery brings every table, if need be without rows
        history.bench.deliver(number, as_raw(rows, every_table=number == 0))
        history.bench.build(select=() if whole and number == last else TRUNK)
        if whole and number < last:
            history.stood[number] = history.bench.copy_to(folder / f"after_{number}")
    return history


def build_at_once(folder: Path, raw: Path, whole: bool = True) -> Bench:
    bench = bench_in(folder, raw)
    bench.build(full_refresh=True, select=() if whole else TRUNK)
    return bench


def kpis_of(bench: Bench) -> set[str]:
    """The tables that a bench without KPI tables does not have."""
    names = [node.name for node in bench.manifest().nodes.values() if node.resource_type == "model"]
    return {name for name in names for pattern in harness.KPIS if fnmatch(name, pattern)}


@pytest.fixture(scope="session")
def all_worlds() -> list[World]:
    """Each world once under its own name and in further copies, and every world travels its own
    way: so that one data set holds all splits of all worlds."""
    copies = (0, *range(2, SPLITS + 1))
    return [world(number, copy=copy) for copy in copies for number in range(COUNT)] + REGRESSIONS


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("differential")


@pytest.fixture(scope="session")
def one_split(folder, all_worlds) -> History:
    return build_step_by_step(folder / "one", all_worlds, seed=1)


@pytest.fixture(scope="session")
def one_refresh(folder, one_split) -> Bench:
    return build_at_once(folder / "one_refresh", one_split.bench.raw)


@pytest.fixture(scope="session")
def other_split(folder, all_worlds) -> Bench:
    """The same rows in other loads, which lie there all at once; the facts of them."""
    bench = bench_in(folder / "other")
    bench.with_kpis = False
    for number, rows in enumerate(deliveries(all_worlds, seed=2)):
        bench.deliver(number, as_raw(rows, every_table=number == 0))
    bench.build()
    return bench


# ---------------------------------------------------------------- which world


class Finder:
    """From the keys in a differing row to the worlds they belong to."""

    NAME = re.compile(
        r"\b([a-z][a-z0-9_]*)-(?:anon|user|device|cust|sub|order|account|campaign"
        "|message|contact|response|offer|asset)"
    )

    def __init__(self, *benches: Bench):
        self.benches = benches

    @cached_property
    def worlds_of_key(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for bench in self.benches:
            hoods: dict[str, str] = {}
            identifiers = bench.rows(
                "select identifier_id, identifier_value, neighbourhood_id "
                "from intermediate.int_identifiers_resolved"
            )
            for row in identifiers:
                if name := self.NAME.search(row["identifier_value"] or ""):
                    hoods[row["neighbourhood_id"]] = name[1]
            for row in identifiers:
                if row["neighbourhood_id"] in hoods:
                    found[row["identifier_id"]] = hoods[row["neighbourhood_id"]]
            for row in bench.rows(
                "select event_id, endpoint_id, session_id from intermediate.int_events_sessionized"
            ):
                if row["endpoint_id"] in found:
                    name = found[row["endpoint_id"]]
                    found |= {row["event_id"]: name, row["session_id"]: name}
        return found

    def names(self, found: list[Difference]) -> Counter:
        """World -> in how many differing rows it is."""
        names: Counter = Counter()
        for difference in found:
            for row in difference.only_left + difference.only_right:
                texts = [value for value in row if isinstance(value, str)]
                names.update(
                    {self.worlds_of_key[text] for text in texts if text in self.worlds_of_key}
                    | {name[1] for text in texts if (name := self.NAME.search(text))}
                )
        return names

    def __call__(self, found: list[Difference]) -> str:
        names = self.names(found)
        first = ", ".join(sorted(names)[:10])
        command = "python tests/python/test_differential.py isolate"
        return f"{len(names)} worlds: {first}; try {command} <world>" if names else "no world named"


def isolate(name: str, seed: int = 1) -> list[Difference]:
    """Step by step against at once, with this one world in the split of that seed."""
    chosen = next((case for case in REGRESSIONS if case.name == name), None)
    chosen = chosen or world(int(name.removeprefix("w")))
    return both_ways([chosen], seed)[0]


def both_ways(chosen: list[World], seed: int) -> tuple[list[Difference], Finder]:
    with tempfile.TemporaryDirectory(prefix="isolate") as temporary:
        history = build_step_by_step(Path(temporary) / "steps", chosen, seed, whole=False)
        refresh = build_at_once(Path(temporary) / "once", history.bench.raw, whole=False)
        found = differences(history.bench, refresh)
        finder = Finder(history.bench, refresh)
        _ = finder.worlds_of_key  # while the databases are there
        return found, finder


def shrink(name: str, seed: int = 1) -> World:
    """The fewest rows of a world that still fail: all candidates of a round are tried at once."""
    start = world(int(name.removeprefix("w")))
    rows = [
        replace(row, delivery=number)
        for number, of_delivery in enumerate(deliveries([start], seed))
        for row in of_delivery
    ]
    parts = 2
    while len(rows) > 1:
        size = -(-len(rows) // parts)
        candidates = {}
        for number, at in enumerate(range(0, len(rows), size)):
            kept = rows[:at] + rows[at + size :]
            candidates[f"s{number:03d}"] = (kept, renamed(kept, name, f"s{number:03d}"))
        found, finder = both_ways([World(n, made) for n, (_, made) in candidates.items()], seed)
        names = finder.names(found)
        print(f"{len(rows)} rows: {len(names)} of {len(candidates)} smaller fail", file=sys.stderr)
        failing = [kept for n, (kept, _) in candidates.items() if n in names]
        if failing:
            rows, parts = min(failing, key=len), max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(2 * parts, len(rows))
    return World(name, rows, start.scenes)


def renamed(rows: list[RawRow], old: str, new: str) -> list[RawRow]:
    digits = {f"+45 {int(old[1:]):04d} 0": f"+45 9{int(new[1:]):03d} 0"}

    def change(value):
        if not isinstance(value, str):
            return value
        for before, after in {f"{old}-": f"{new}-", f"{old}@": f"{new}@", **digits}.items():
            value = value.replace(before, after)
        return value

    return [replace(row, values={k: change(v) for k, v in row.values.items()}) for row in rows]


# ---------------------------------------------------------------- batch invariance


@pytest.mark.slow
def test_all_worlds_in_random_deliveries_end_as_one_full_refresh(one_split, one_refresh, remark):
    assert_equal_tables(
        one_split.bench,
        one_refresh,
        names=("step by step", "at once"),
        explain=Finder(one_split.bench, one_refresh),
    )
    remark(told(COUNT, SPLITS, LOADS, one_split))


@pytest.mark.slow
def test_two_splits_of_the_same_rows_end_in_the_same_marts(one_refresh, other_split):
    assert_equal_tables(
        one_refresh,
        other_split,
        names=("one split", "other split"),
        explain=Finder(one_refresh, other_split),
        schemas=["marts"],
        without_tables={*LOAD_TABLES, *kpis_of(one_refresh)},
        without_columns=LOAD_COLUMNS,
    )


def told(count: int, splits: int, loads: int, history: History) -> str:
    with history.bench.connect() as connection:
        tables = len(harness.columns_of(connection))
    return (
        f"batch invariance: {count:,} worlds x {splits} splits x {loads} loads"
        f" ({len(history.rows):,} raw rows): 0 rows differ in {tables} tables"
    )


@pytest.mark.long
@pytest.mark.parametrize("group", range(1, 6))
def test_five_thousand_worlds_in_twenty_splits_of_five_loads(group, tmp_path, remark):
    """Five data sets, each with every world in four splits: a hundred thousand in all."""
    count = int(os.environ.get("JOURNEY_LONG_WORLDS", "5000"))
    everybody = [world(number, copy=copy) for copy in range(1, 5) for number in range(count)]
    split = build_step_by_step(tmp_path / "steps", everybody, f"long {group}", loads=5)
    refresh = build_at_once(tmp_path / "once", split.bench.raw)
    assert_equal_tables(
        split.bench,
        refresh,
        names=("step by step", "at once"),
        explain=Finder(split.bench, refresh),
    )
    remark(told(count, 4, 5, split))
    for bench in (split.bench, refresh, *split.stood.values()):
        bench.database.unlink()


@pytest.mark.slow
def test_the_tables_that_name_loads_are_marts_that_exist(one_split):
    with one_split.bench.connect() as connection:
        found = harness.columns_of(connection)
    assert {f"marts.{name}" for name in LOAD_TABLES} <= found.keys()
    assert LOAD_COLUMNS.keys() <= {name for columns in found.values() for name in columns}


@pytest.mark.slow
def test_a_build_without_news_changes_nothing(folder, one_split):
    again = one_split.bench.copy_to(folder / "again", with_raw=True)
    again.with_kpis = False  # selects over the facts, which one full refresh has made a second time
    again.build()
    assert_equal_tables(one_split.bench, again, names=("before", "after"))


# ---------------------------------------------------------------- the oracle


# Columns that have one value in all worlds: nothing is shown by comparing them.
NOT_SUPPRESSED = "only what is not suppressed gets so far"
ONE_SOURCE = "the project has one system of the kind"
ONE_VALUE = {
    "int_events_sessionized.suppression_reason": NOT_SUPPRESSED,
    "int_events_identified.suppression_reason": NOT_SUPPRESSED,
    **{
        f"int_{offer}_deduplicated.{column}": ONE_SOURCE
        for offer in oracle.RECORDS
        for column in ("source_name", "source_table")
    },
    "int_ad_spend_deduplicated.source_name": ONE_SOURCE,
    "fct_ad_spend.source_name": ONE_SOURCE,
    "fct_offers.source_name": ONE_SOURCE,
    "fct_support_contacts.source_name": ONE_SOURCE,
    "fct_survey_responses.source_name": ONE_SOURCE,
    "dim_as_of.as_of_at": "there is one clock",
    "dim_as_of.as_of_date": "there is one clock",
}

TABLES = sorted(oracle.run(oracle.Canonical(), oracle.Taxonomy(), oracle.Settings(AS_OF)).tables)


@pytest.fixture(scope="session")
def truth(one_split, remark) -> Truth:
    truth = Truth(one_split.bench)
    rows = sum(map(len, truth.result.tables.values()))
    remark(f"oracle: {rows:,} rows of {len(truth.result.tables)} tables computed once more")
    return truth


def assert_same(expected: dict, bench: Bench, query: str, key: tuple, columns: tuple) -> None:
    """The oracle's rows (key -> values) are the query's rows."""
    found = {}
    for row in bench.rows(query):
        place = tuple(row[name] for name in key)
        assert place not in found, f"two rows for {place}"
        found[place] = tuple(row[name] for name in columns)
    if found != expected:
        places = sorted(set(found) | set(expected), key=repr)
        wrong = [place for place in places if found.get(place) != expected.get(place)]
        finder = Finder(bench)
        where = Difference(query, list(key), wrong)
        lines = [f"{len(wrong)} of {len(expected)} differ in {columns}; {finder([where])}"]
        for place in wrong[:5]:
            lines.append(f"  {place}: oracle {expected.get(place)}, SQL {found.get(place)}")
        raise AssertionError("\n".join(lines))


def assert_no_difference(truth: Truth, found: Difference | None) -> None:
    if found:
        where = Finder(truth.bench)([found])
        raise AssertionError(f"{where}\n{found.describe(names=('oracle', 'models'))}")


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_the_oracles(truth, table):
    assert_no_difference(truth, truth.difference(table))


@pytest.mark.slow
def test_every_step_fact_dimension_and_bridge_has_an_oracle(folder):
    models = models_to_compare(bench_in(folder / "manifest"))
    assert models - NOT_COMPARED.keys() == set(TABLES)
    assert NOT_COMPARED.keys() <= models


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_a_table_is_compared(truth, table):
    assert truth.columns_of_one_side(table) == set()


@pytest.mark.slow
@pytest.mark.skipif(COUNT < 200, reason="a few worlds are all alike")
def test_every_compared_column_has_several_values(truth):
    values = truth.values()
    assert {name for name, count in values.items() if count < 2} == ONE_VALUE.keys()


# ---------------------------------------------------------------- the numbers


@pytest.fixture(scope="session")
def kpi_facts(truth) -> kpi_oracle.Facts:
    """The oracle's facts, and the built ones of what it does not compute."""
    recomputed = kpi_oracle.Recomputed(truth.result.tables, kpi_oracle.Warehouse(truth.bench))
    return kpi_oracle.Facts(recomputed.frame, truth.settings.reporting_timezone)


def kpi_tables(truth: Truth, facts: kpi_oracle.Facts, name: str) -> tuple:
    """The oracle's frame and the built one."""
    ours = facts.once(f"made {name}", lambda: kpi_oracle.TABLES[name].make(facts))
    return ours, kpi_oracle.Warehouse(truth.bench).frame(name)


def assert_same_numbers(truth: Truth, name: str, parts: Iterable) -> None:
    kinds = kpi_oracle.Warehouse(truth.bench).kinds(name)
    found = kpi_oracle.compared(kpi_oracle.TABLES[name], *parts, kinds)
    assert found.is_equal, str(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(kpi_oracle.TABLES))
def test_every_kpi_table_is_the_oracles(truth, kpi_facts, name):
    assert_same_numbers(truth, name, kpi_tables(truth, kpi_facts, name))


# ---------------------------------------------------------------- nothing lost


@pytest.mark.slow
def test_every_raw_row_is_accounted_for_as_the_oracle_does(one_split, truth):
    expected: dict[tuple, Counter] = {}
    for offer, key in OFFERS.items():
        expected |= truth.result.account(getattr(truth.canonical, offer), key)
    fates = ("raw", "accepted", "duplicate", "rejected", "suppressed")
    assert_same(
        {place: tuple(counts[fate] for fate in fates) for place, counts in expected.items()},
        truth.bench,
        "marts.reconciliation",
        ("source_name", "source_table", "load_id"),
        tuple(f"{fate}_row_count" for fate in fates),
    )
    delivered = Counter((row.table, row.load_id or worlds.NAMELESS) for row in one_split.rows)
    found = {place[1:]: counts["raw"] for place, counts in expected.items()}
    assert found == delivered


@pytest.mark.slow
def test_every_load_is_balanced(one_split, other_split):
    query = "select * from marts.reconciliation where is_balanced is distinct from true"
    for bench in (one_split.bench, other_split):
        assert bench.rows(query) == []


@pytest.mark.slow
def test_each_broken_row_is_rejected_for_its_reason_and_no_other_row_is(one_split):
    expected = Counter(
        (row.table, row.load_id or worlds.NAMELESS, row.reject_reason)
        for row in one_split.rows
        if row.reject_reason
    )
    found: Counter = Counter()
    for row in one_split.bench.rows("marts.rejected_rows"):
        found[row["source_table"], row["load_id"], row["reject_reason"]] += row["row_count"]
    assert found == expected
    if COUNT >= 200:  # a few worlds do not break in every way
        assert {reason for *_, reason in expected} == set(worlds.BROKEN)


# ---------------------------------------------------------------- taken away


@pytest.mark.slow
def test_a_delivery_that_is_taken_away_leaves_no_trace(folder, one_split):
    taken = one_split.bench.copy_to(folder / "taken", with_raw=True)
    for part in taken.raw.glob("*/*/part-00003.parquet"):
        part.unlink()
    taken.build(select=TRUNK)
    assert_equal_tables(
        taken,
        one_split.stood[2],
        names=("taken away", "before it came"),
        explain=Finder(taken, one_split.stood[2]),
        without_tables=leaves(taken),
    )


# ---------------------------------------------------------------- the test itself


def test_a_world_is_the_same_for_ever_and_its_ids_are_its_own():
    assert world(17).rows == world(17).rows
    keys = {"id", "anonymous_id", "user_id", "customer_id", "order_id", "subscription_id"}
    for number in range(20):
        for row in world(number).rows:
            for name in keys & row.values.keys():
                value = row.values[name]
                assert (
                    value is None
                    or value.startswith((f"w{number:03d}-", f"w{number:03d}@"))
                    or value in worlds.PLACEHOLDERS
                    or not value.strip()
                ), (name, value)


def test_nothing_but_a_cancel_happens_after_the_clock():
    names = {"timestamp", "placed_at", "refunded_at", "issued_at", "paid_at", "started_at"}
    for number in range(COUNT):
        for row in world(number).rows:
            for name in names & row.values.keys() if row.reject_reason is None else ():
                value = row.values[name]
                if isinstance(value, str):
                    value = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=None)
                assert value is None or value <= AS_OF, (number, row)


def test_a_split_delivers_every_row_once_in_loads_that_grow_and_arrive_out_of_order():
    chosen = [world(number) for number in range(50)]
    for seed in (1, 2):
        split = deliveries(chosen, seed)
        assert sum(map(len, split)) == sum(len(one.rows) for one in chosen)
        loads = [{row.load_id: row.loaded_at for row in delivery} for delivery in split]
        new = [
            loads[0],
            *({k: v for k, v in one.items() if k not in loads[0]} for one in loads[1:]),
        ]
        assert any(loads[0].keys() & later.keys() for later in loads[1:])
        arrived = [m for of_delivery in new for m in of_delivery.values() if m is not None]
        assert arrived != sorted(arrived)


def test_a_world_travels_alike_whoever_travels_with_it():
    def of_world(split):
        return [[row for row in delivery if is_of(row, "w003")] for delivery in split]

    def is_of(row, name):
        return any(isinstance(v, str) and v.startswith(f"{name}-") for v in row.values.values())

    few, many = [world(3)], [world(number) for number in range(9)]
    assert of_world(deliveries(few, 1)) == of_world(deliveries(many, 1))


def main() -> None:
    what, name, *seed = sys.argv[1:]
    seed = int(seed[0]) if seed else 1
    if what == "isolate":
        print(describe(isolate(name, seed), ("step by step", "at once")))
    else:
        print(pformat(shrink(name, seed), width=100))


if __name__ == "__main__":
    main()
