"""What has not changed is not made again, and what has changed always is.

A table stands where its query and everything that it reads are those it was made of
(macros/engine/unchanged.sql). Each test changes one thing and looks at which tables the next build
makes; then everything is made anew, and nothing may differ.
"""

import re

import duckdb
import pytest
from harness import assert_equal_tables
from kills import before_each_statement

# what asks the raw tables and the ledger whether there is news, and the first to hear of it
ASKING = {"int_loads_unioned", "int_loads_pending", "int_dirty_identifiers"}


@pytest.fixture(scope="module")
def idle(step, tmp_path_factory):
    """A bench on which two deliveries are built and nothing is new; nobody touches it."""
    bench = step.before.copy_to(tmp_path_factory.mktemp("idle"), with_raw=True)
    bench.build()  # the first idle build sees that nothing is pending any more
    return bench


@pytest.fixture
def bench(idle, tmp_path):
    return idle.copy_to(tmp_path / "bench", with_raw=True)


def made(bench, *names: str, **options) -> set[str]:
    """The tables and seeds that a build (of those named) makes; views and incremental models
    aside."""
    return {
        name
        for name, message in bench.build(select=names, **options).said.items()
        if message != "UNCHANGED" and name in tables(bench)
    }


def tables(bench) -> set[str]:
    nodes = bench.manifest().nodes.values()
    return {node.name for node in nodes if node.config.materialized in ("table", "seed")}


def assert_like_a_full_refresh(bench, tmp_path) -> None:
    anew = bench.copy_to(tmp_path / "anew")
    assert made(anew, full_refresh=True) >= {"dim_persons", "fct_sessions", "events"}
    assert_equal_tables(bench, anew, names=("stood", "made anew"))


def test_an_idle_build_makes_only_the_tables_that_ask_for_news(bench):
    assert made(bench) == ASKING


def test_a_delivery_makes_again_what_reads_it(bench, step, tmp_path):
    step.deliver(bench, 2)
    again = made(bench)
    assert {"fct_sessions", "dim_persons", "fct_stage_periods"} <= again
    assert not again & {"events", "channel_rules"}
    assert_like_a_full_refresh(bench, tmp_path)


def test_another_rule_makes_again_what_it_rules_and_nothing_else(bench, tmp_path):
    bench.variables = {**bench.variables, "attribution_half_life_days": 3}
    assert made(bench) == ASKING | {"fct_attribution_credits"}
    assert_like_a_full_refresh(bench, tmp_path)


def test_another_seed_is_loaded_and_what_reads_it_is_made_again(bench, tmp_path):
    rules = bench.own_taxonomy() / "channel_rules.csv"
    rules.write_text(rules.read_text().replace("Paid Search", "Search Ads"))
    again = made(bench)
    assert {"channel_rules", "int_traffic_sources", "fct_sessions"} <= again
    assert not again & {"events", "stage_rules", "int_person_plans"}
    assert_like_a_full_refresh(bench, tmp_path)


def test_a_table_that_somebody_dropped_is_made_again(bench):
    dropped = {"dim_persons": "marts", "int_traffic_sources": "intermediate"}
    with duckdb.connect(str(bench.database)) as connection:
        for table, schema in dropped.items():
            connection.execute(f"drop table {schema}.{table}")
    assert made(bench, "dim_persons", "int_traffic_sources", "fct_sessions") >= set(dropped)


def test_a_table_of_another_recipe_is_made_again_and_remembers_its_own(bench):
    of_sessions = "from intermediate.build_versions where node_id like '%.fct_sessions'"
    (kept,) = bench.rows(f"select version {of_sessions}")
    with duckdb.connect(str(bench.database)) as connection:
        # as another query, or another contract, of the same model would have left it
        connection.execute(
            "update intermediate.build_versions set version = 'another'"
            " where node_id like '%.fct_sessions'"
        )
    assert made(bench, "fct_sessions", "dim_persons") == {"fct_sessions"}
    assert bench.rows(f"select version {of_sessions}") == [kept]


def test_a_seed_that_a_kill_left_without_its_version_is_loaded_again(bench):
    with duckdb.connect(str(bench.database)) as connection:
        connection.execute(
            "delete from intermediate.build_versions where node_id like 'seed.%.goals'"
        )
    # its rows are what they were
    assert made(bench, "goals", "events", "fct_conversions") == {"goals"}


# ---------------------------------------------------------------- data tests

KEY_IS_UNIQUE = "unique_dim_persons_person_id"
PERSONS = ("dim_persons",)  # and the tests of this table


def asked(bench, **options) -> set[str]:
    """The data tests of dim_persons that a build asks."""
    statements = []
    with before_each_statement(statements.append):
        bench.build(with_tests=True, select=PERSONS, **options)
    told = [sql for sql in statements if "should_warn" in sql and "0 as failures" not in sql]
    # the comment over each statement says whose it is
    return {re.search(r'"node_id": "test\.\w+\.(\w+)', sql)[1] for sql in told}


def test_a_data_test_is_asked_once_about_the_same_rows(bench, step):
    every_one = asked(bench)
    assert KEY_IS_UNIQUE in every_one
    assert asked(bench) == set()
    step.deliver(bench, 2)
    bench.build()
    assert KEY_IS_UNIQUE in asked(bench)
    assert asked(bench) == set()
    assert asked(bench, full_refresh=True) == every_one


def test_a_data_test_that_found_something_is_asked_until_it_finds_nothing(bench):
    def spoil() -> None:
        with duckdb.connect(str(bench.database)) as writer:
            writer.execute("insert into marts.dim_persons select * from marts.dim_persons limit 1")

    spoil()
    for _ in range(2):
        run = bench.build(with_tests=True, select=PERSONS, check=False)
        assert not run.success and KEY_IS_UNIQUE in str(run)
    bench.build(with_tests=True, select=PERSONS, full_refresh=True)
    spoil()
    assert not bench.dbt("test", "--select", KEY_IS_UNIQUE, check=False).success, "dbt test asks"
