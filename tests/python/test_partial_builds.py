"""Whatever a run leaves out, one whole build makes good.

People select models, a build dies half-way, seeds are edited and not loaded. Each test does so,
then builds once more, and the tables are those of a warehouse in which it never happened.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from harness import ROOT, TRUNK, Bench, assert_equal_tables, leaves
from kills import killed

NAMES = ("partial", "undisturbed")


def assert_like(found: Bench, undisturbed: Bench) -> None:
    assert_equal_tables(found, undisturbed, NAMES, schemas=("taxonomy", "intermediate", "marts"))


def assert_like_the_trunk(found: Bench, undisturbed: Bench) -> None:
    """Where only what remembers was built: the rest is made of it."""
    rest = leaves(found)
    assert_equal_tables(found, undisturbed, NAMES, schemas=["intermediate"], without_tables=rest)


# ---------------------------------------------------------------- models left out

FOLDERS = sorted(path.name for path in (ROOT / "models/intermediate").iterdir() if path.is_dir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(
            [
                {"without": ["int_events_sessionized"], "select": TRUNK},
                {"select": ["int_events_sessionized"]},
            ],
            id="sessions_last",
        ),
        pytest.param(
            [
                {"without": ["int_identity_changes"], "select": TRUNK},
                {"select": ["int_identity_changes"]},
            ],
            marks=pytest.mark.long,
            id="the_log_last",
        ),
        pytest.param(
            [{"select": [f"path:models/intermediate/{folder}"]} for folder in FOLDERS],
            marks=pytest.mark.long,
            id="by_folder",
        ),
    ],
)
def test_models_built_apart_are_built_again_together(runs, step, tmp_path):
    bench = step.before.copy_to(tmp_path / "partial", with_raw=True)
    step.deliver(bench, 2, 3)
    for run in runs:
        bench.without = tuple(run.get("without", ()))
        bench.build(select=run.get("select", ()))
    bench.without = ()
    bench.build(select=TRUNK)
    assert_like_the_trunk(bench, step.after)


# ---------------------------------------------------------------- links blocked, and freed again


@pytest.fixture(scope="module")
def blocking(step, tmp_path_factory) -> Bench:
    """The tables after a build in which somebody has blocked a few links that were in use."""
    bench = step.after.copy_to(tmp_path_factory.mktemp("blocking"))
    links = bench.rows(
        """select identifier_a, identifier_b from intermediate.int_identity_links_judged
        where link_status = 'used' and identifier_class_a <> identifier_class_b
        order by md5(identifier_a || identifier_b) limit 12"""
    )
    ends = [[link["identifier_a"], link["identifier_b"]] for link in links]
    # either end may stand first
    bench.block(*ends[::2], *(pair[::-1] for pair in ends[1::2]))
    bench.build(select=TRUNK)
    split = bench.rows(
        "select * from intermediate.int_identity_changes where change_type = 'split'"
        " and link_status = 'blocked'"
    )
    assert split, "a block that parts nobody shows nothing"
    return bench


LAST = {  # the model after which the build died -> does the quick form ask it, by what comes then
    "int_identity_links": {"freed"},
    "int_identity_strong_clusters": set(),
    "int_identifiers_resolved": {"blocked"},
    "int_identity_changes": {"blocked"},
    "int_dirty_persons": set(),
    "int_person_signals": set(),
}


@pytest.mark.parametrize(
    "last, then",
    [
        pytest.param(last, then, marks=pytest.mark.slow if then in quick else pytest.mark.long)
        for last, quick in LAST.items()
        for then in ("blocked", "freed")
    ],
)
def test_a_block_whose_build_was_cut_off_is_seen_again(last, then, step, blocking, tmp_path):
    bench = step.after.copy_to(tmp_path / "cut_off")
    bench.taxonomy = blocking.taxonomy
    bench.build(select=[f"+{last}"])
    if then == "freed":
        bench.taxonomy = step.after.taxonomy
    bench.build(select=TRUNK)
    # what is no longer taken for a person stays in no table that is kept
    assert_like(bench, blocking if then == "blocked" else step.after)


# ---------------------------------------------------------------- nobody there at first


@pytest.mark.slow
def test_a_first_build_without_anybody_is_a_beginning_as_any_other(step, tmp_path):
    bench = step.fresh(tmp_path / "empty")
    bench.complete()
    bench.build(select=TRUNK)
    assert bench.rows("intermediate.int_identity_changes") == []
    step.deliver(bench, 0, 1)
    bench.build(select=TRUNK)
    step.deliver(bench, 2, 3)
    bench.build(select=TRUNK)
    assert_like_the_trunk(bench, step.after)
    numbers = "select distinct change_number from intermediate.int_identity_changes order by 1"
    assert [row["change_number"] for row in bench.rows(numbers)] == [1, 2]


# ---------------------------------------------------------------- full refreshes that die


@pytest.mark.slow
@pytest.mark.parametrize(
    "share", [0.5, *(pytest.param(share, marks=pytest.mark.long) for share in (0.2, 0.3, 0.8))]
)
def test_a_killed_full_refresh_is_gone_on_with(share, step, tmp_path):
    """Rows were replaced by as many others: only --full-refresh takes them in, and it dies."""
    bench = step.after.copy_to(tmp_path / "killed", with_raw=True)
    (path,) = (bench.raw / "segment" / "tracks").glob("part-00000.parquet")
    forget_users(path)
    undisturbed = bench.copy_to(tmp_path / "undisturbed")
    undisturbed.build(full_refresh=True, select=TRUNK)
    killed(bench, int(share * step.first_statement_count), full_refresh=True)
    bench.build(select=TRUNK)
    assert_like_the_trunk(bench, undisturbed)
    people = "intermediate.int_identifiers_resolved"
    assert bench.rows(people) != step.after.rows(people)


def forget_users(path: Path) -> None:
    other = path.with_suffix(".other")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (null::varchar as user_id) from '{path}')"
            f" to '{other}' (format parquet)"
        )
    other.rename(path)


# ---------------------------------------------------------------- seeds that nobody loaded


@pytest.fixture
def edited(step, tmp_path):
    """A built bench of which a seed is edited: edited(name, old text, new text)."""

    def edit(name: str, old: str, new: str) -> Bench:
        bench = step.after.copy_to(tmp_path / "edited")
        seed = bench.own_taxonomy() / f"{name}.csv"
        text = seed.read_text()
        assert old in text
        seed.write_text(text.replace(old, new))
        return bench

    return edit


@pytest.mark.slow
def test_a_table_made_from_a_seed_that_was_not_loaded_is_made_again(edited, tmp_path):
    bench = edited("channel_rules", "Paid Search", "Search Ads")
    readers = ["int_traffic_sources", "fct_sessions"]
    bench.dbt("run", "--full-refresh", "--select", *readers)
    bench.build()
    anew = bench.copy_to(tmp_path / "anew")
    anew.build(full_refresh=True)
    assert_like(bench, anew)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--full-refresh", "--select", *TRUNK], ["--select", "int_events_classified"]]
)
def test_a_rule_that_was_not_loaded_shaped_nothing(edited, arguments):
    """It is the next build, which loads it, that asks for a full refresh."""
    head = "rule_number,field,pattern,reason\n"
    bench = edited("excluded_traffic", head, head + "9,page_host,^x$,x\n")
    bench.dbt("run", *arguments)
    told = bench.build(check=False)
    assert "[C1] seed excluded_traffic has changed" in str(told)
    bench.dbt("seed", "--select", "excluded_traffic")
    told = bench.dbt("run", "--select", "int_events_classified", check=False)
    assert "[C1] seed excluded_traffic has changed" in str(told)
