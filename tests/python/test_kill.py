"""A killed build is a resumed build: kill it anywhere, run `dbt build`, and nothing has happened.

Two ways to the same claim. Every state of the files before a statement of one incremental build
(kills.py says why these are all that a kill there can leave) is put into a bench of its own, built
once and held against the build that nothing disturbed. And processes are killed for real, within
statements, in first builds, incremental builds and full refreshes, some of them twice.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

import duckdb
import kills
import pytest
from harness import ROOT, Bench, assert_equal_tables
from kills import ENDS, State, killed, killed_by_itself

from tools import publish

PARTS = 25  # of the states, about ten in each: a failure is seen early and asked for again alone
SEED = os.environ.get("JOURNEY_KILL_SEED", "9")
COMPARED = ("taxonomy", "intermediate", "marts")


def assert_as_if_nothing_had_happened(found: Bench, step, what: str) -> None:
    assert_equal_tables(
        found,
        step.after,
        names=("killed", "undisturbed"),
        explain=lambda _: what,
        schemas=COMPARED,
    )
    # the comparison leaves out tables of history, but a table too many is a leftover in any case
    assert tables_of(found) == tables_of(step.after), what


def tables_of(bench: Bench) -> set[tuple[str, str]]:
    """All tables and views, by schema."""
    rows = bench.rows("select table_schema, table_name from information_schema.tables")
    return {tuple(row.values()) for row in rows}


# ---------------------------------------------------------------- before every statement


def sample_of(states: list[State]) -> list[State]:
    """A few states, so that each kind of statement has just been done before one; views hold
    nothing. Whatever is written in one transaction with the ledger, or without it, has its own."""
    alike: dict[tuple, list[State]] = {}
    for state in states:
        alike.setdefault(state.after, []).append(state)
    chance, sample, done = random.Random(SEED), [], {"create view", "drop view"}
    for kinds in sorted(alike, key=lambda kinds: (-len(kinds), kinds)):
        if "insert ledger" in kinds or not done.issuperset(kinds):
            done.update(kinds)
            sample.append(chance.choice(alike[kinds]))
    return sample


def resume(state: State, step, folder: Path) -> None:
    bench = Bench(folder, step.after.raw, step.after.variables, with_kpis=False)
    state.put_into(bench)
    ledger = "select * from intermediate.loads_seen order by all"
    try:
        bench.build()
        assert_as_if_nothing_had_happened(bench, step, str(state))
        assert bench.rows(ledger) == step.after.rows(ledger), state
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_kill_after_each_kind_of_statement_is_repaired_by_a_plain_build(step, tmp_path, remark):
    sample = sample_of(step.recording.states)
    done = {kind for state in sample for kind in state.after}
    assert {"delete", "insert", "insert ledger", "commit"} <= done
    # a table that is made anew goes and comes in one statement
    assert {"create table", "drop table"} <= done
    # these are temporary: there is nothing of them that a kill could leave
    assert not {"create working table", "drop working table"} & done
    resumed = sample[::3]  # all of them, and all others, in the long tests
    for state in resumed:
        resume(state, step, tmp_path / "resumed")
    remark(
        f"kills: {step.recording.statement_count} statements of an incremental build,"
        f" {len(step.recording.states)} states, {len(resumed)} resumed, 0 differences"
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_before_any_statement_is_repaired_by_a_plain_build(part, step, tmp_path, remark):
    states = step.recording.states[part::PARTS]
    assert states
    for state in states:
        resume(state, step, tmp_path / "resumed")
    of_all = f"{len(states)} of {len(step.recording.states)}"
    remark(f"kills, part {part}: {of_all} states resumed, 0 differences")


@pytest.mark.slow
@pytest.mark.parametrize(
    "share", [0.5, *(pytest.param(share, marks=pytest.mark.long) for share in (0.2, 0.35, 0.8))]
)
def test_kill_9_leaves_the_files_as_they_are_before_the_statement(share, step, tmp_path):
    bench = step.before.copy_to(tmp_path / "killed")
    bench.raw = step.after.raw
    seen = tmp_path / "seen"
    seen.mkdir()

    def copy_files() -> None:
        for end in ENDS:
            shutil.copyfile(f"{bench.database}{end}", seen / f"copy{end}")

    killed(bench, int(share * step.recording.statement_count), last_will=copy_files)
    for end in ENDS:
        left = Path(f"{bench.database}{end}").read_bytes()
        assert left, "a kill in the midst of a build leaves a file that it has written"
        assert left == (seen / f"copy{end}").read_bytes()


# ---------------------------------------------------------------- news before it is resumed

# the tables that are kept from build to build: after each of them a first build may have ended
KEPT = sorted(
    path.stem
    for path in (ROOT / "models" / "intermediate").glob("*/*.sql")
    if re.search(r"materialized='(incremental|connected_components)'", path.read_text())
)
QUICK = "int_identity_neighbourhoods"


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(name, marks=pytest.mark.slow if name == QUICK else pytest.mark.long)
        for name in KEPT
    ],
)
def test_a_first_build_that_was_cut_off_goes_on_with_what_has_come_since(last, step, tmp_path):
    """What it left knows nothing of the tables that it did not come to."""
    bench = step.fresh(tmp_path / "cut_off", 0, 1)
    bench.build(select=[f"+{last}"])
    step.deliver(bench, 2, 3)
    bench.build()
    assert_as_if_nothing_had_happened(bench, step, f"cut off after {last}")


# ---------------------------------------------------------------- at random moments


def moment(chance: random.Random, statement_count: int) -> dict:
    """Any statement, and up to some milliseconds into it: within its work or its commit."""
    after = chance.choice((0.0, chance.uniform(0, 0.005), chance.uniform(0, 0.05)))
    return {"statement": chance.randint(1, int(0.95 * statement_count)), "after": after}


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=pytest.mark.slow if number == 0 else pytest.mark.long)
        for number in range(50)
    ],
)
def test_a_build_killed_at_random_is_repaired_by_a_plain_build(number, step, tmp_path):
    chance = random.Random(f"{SEED}-{number}")
    first, incremental = step.first_statement_count, step.recording.statement_count
    told = []

    def kill(statement_count: int, **options) -> None:
        told.append(moment(chance, statement_count))
        killed(bench, **told[-1], **options)

    if number % 5 in (0, 3):
        bench = step.before.copy_to(tmp_path / "killed", with_raw=True)
        step.deliver(bench, 2)
        kill(incremental)
        step.deliver(bench, 3)
        if number % 5 == 0:
            kill(incremental)
    elif number % 5 == 1:
        bench = step.fresh(tmp_path / "killed", 0, 1, 2, 3)
        kill(first)
    elif number % 5 == 2:
        bench = step.after.copy_to(tmp_path / "killed")
        kill(first, full_refresh=True)
    else:
        bench = step.fresh(tmp_path / "killed", 0, 1)
        kill(first)
        step.deliver(bench, 2, 3)
        # the second build is what is left of the first
        kill(told[0]["statement"] // 2)
    bench.build()
    assert_as_if_nothing_had_happened(bench, step, f"killed at {told}")


@pytest.mark.long
@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.9])
def test_a_full_refresh_for_a_new_setting_that_is_killed_is_asked_for_again(share, step, tmp_path):
    bench = step.after.copy_to(tmp_path / "killed")
    bench.variables["session_timeout_seconds"] = 900
    other = bench.copy_to(tmp_path / "undisturbed")
    killed(bench, int(share * step.first_statement_count), full_refresh=True)
    run = bench.build(check=False)
    assert run.success or "[C1]" in str(run), run
    if not run.success:
        bench.build(full_refresh=True)
    other.build(full_refresh=True)
    assert_equal_tables(bench, other, names=("killed", "undisturbed"))


# ---------------------------------------------------------------- while publishing

MOMENTS = {  # the function of tools.publish in which the process dies, and at which call of it
    "while it copies": ("fingerprint", lambda table_count: 5),
    "while it compares": ("fingerprint", lambda table_count: table_count + 5),
    "before the swap": ("os.replace", lambda table_count: 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("when", MOMENTS)
def test_a_killed_publication_leaves_the_old_one_and_no_trace_after_the_next(when, step, tmp_path):
    published = tmp_path / "customer_journey.duckdb"
    _, tables = publish.publish(step.before.database, published)
    before = published.read_bytes()
    name, number_of_call = MOMENTS[when]
    last_call = number_of_call(len(tables))

    def publish_and_die() -> None:
        owner = publish.os if name.startswith("os.") else publish
        function, calls = getattr(owner, name.removeprefix("os.")), []

        def dying(*arguments):
            calls.append(arguments)
            if len(calls) == last_call:
                os.kill(os.getpid(), 9)
            return function(*arguments)

        setattr(owner, name.removeprefix("os."), dying)
        publish.publish(step.after.database, published)

    killed_by_itself(publish_and_die)
    assert published.read_bytes() == before
    assert not published.with_name(published.name + ".wal").exists()
    with duckdb.connect(str(published), read_only=True) as reader:
        assert reader.execute("select max(generation) from marts.publication").fetchone() == (1,)

    if when == "while it copies":  # and in a container the next process has the same number
        (left,) = tmp_path.glob(".*.tmp")
        left.rename(left.with_name(f".{published.name}.{os.getpid()}.tmp"))
    generation, tables = publish.publish(step.after.database, published)
    assert generation == 2
    with duckdb.connect(str(published), read_only=True) as reader:
        catalog = reader.execute("select current_database()").fetchone()[0]
        assert [publish.fingerprint(reader, catalog, table.name) for table in tables] == tables
    # a half copy may hold somebody who asked to be forgotten meanwhile
    assert {path.name for path in tmp_path.iterdir()} == {published.name, "generations"}


# ---------------------------------------------------------------- the test itself


@pytest.mark.parametrize(
    "sql, kind",
    [
        ('/* x */ create  table\n "build"."marts"."a__dbt_tmp" as (select 1)', "create table"),
        ('create or replace view "build"."marts"."a" as select 1', "create view"),
        ('create temporary table "a__dbt_tmp" as select 1', ""),
        ('drop table if exists "build"."intermediate"."a__round_3"', "drop working table"),
        ('drop table if exists "a__round_3"', ""),
        ('drop table if exists "build"."intermediate"."a"', "drop table"),
        ('create table "build"."x"."a" as (select * from "a__round_3")', "create table"),
        ('insert into "build"."intermediate"."loads_seen"\nselect 1', "insert ledger"),
        ('create table "build"."intermediate"."a__edges" as (select 1)', "create working table"),
        ("select * from loads_seen", ""),
        ("COMMIT", "commit"),
        ("BEGIN", ""),
    ],
)
def test_a_statement_is_known_by_what_it_does(sql, kind):
    assert kills.kind_of(sql) == kind
