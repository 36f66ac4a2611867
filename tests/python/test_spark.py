"""The same marts on Spark as on DuckDB: `make test-spark`.

Both engines build a small sample from the same files, first whole, then three more deliveries on
top: old loads that come late, new ones in which people turn out to be one, and one with which a
person's rows have gone. After each every mart is compared, row for row and value for value. Once on
the embedded session and once on a cluster: master, two workers, Thrift server.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from engines import ROOT, BesideDuckdb, differences, write_loads, write_sample

from tools import spark, spark_cluster

pytest.importorskip("pyspark", reason="needs the packages of requirements-spark.txt")

# the short form: the road from raw rows to people and sessions, two builds, on the cluster
IS_SHORT = bool(os.environ.get("JOURNEY_SPARK_SHORT"))
SHORT = ["fct_sessions", "bridge_person_identifiers", "identity_changes"]
SELECTED = ["--select", *[f"+{name}" for name in SHORT]] if IS_SHORT else []
PERSONS = 120
pytestmark = pytest.mark.spark


def loads_of(source: Path) -> list[str]:
    """The names of the sample's loads, in order of time."""
    with duckdb.connect() as connection:
        tables = " union ".join(
            f"select _load_id from read_parquet('{table}/*.parquet')"
            for table in source.glob("*/*")
        )
        return [row[0] for row in connection.execute(f"{tables} order by 1").fetchall()]


def deliver(source: Path, target: Path, number: int, loads: list[str]) -> None:
    """Write the rows of these loads into `target`, as part files beside what lies there."""
    with duckdb.connect() as connection:
        for table in sorted(source.glob("*/*")):
            folder = target / table.relative_to(source)
            folder.mkdir(parents=True, exist_ok=True)
            write_loads(connection, table, folder, number, loads)


def erase_somebody(target: Path) -> str:
    """Take the rows of the busiest user away, by his ids in every raw table; who it was."""
    with duckdb.connect() as connection:
        tracks = f"read_parquet('{target}/segment/tracks/*.parquet')"
        (user,) = connection.execute(
            f"select user_id from {tracks} where user_id is not null"
            " group by user_id order by count(*) desc, user_id limit 1"
        ).fetchone()
        devices = [
            row[0]
            for row in connection.execute(
                f"select distinct anonymous_id from {tracks} where user_id = ?", [user]
            ).fetchall()
        ]
        for part in sorted(target.glob("*/*/*.parquet")):
            columns = {
                row[0]
                for row in connection.execute(f"describe from read_parquet('{part}')").fetchall()
            }
            his = [
                f"coalesce(list_contains(?, cast({column} as varchar)), false)"
                for column in sorted(columns & {"user_id", "anonymous_id"})
            ]
            if his:
                without = part.with_suffix(".without")
                connection.execute(
                    f"copy (select * from read_parquet('{part}') where not ({' or '.join(his)}))"
                    f" to '{without}' (format parquet)",
                    [[user, *devices]] * len(his),
                )
                without.replace(part)
    return user


class Engines(BesideDuckdb):
    """The two builds, side by side in one folder. dbt on Spark stays in this process, so that the
    session's virtual machine starts once."""

    def __init__(self, folder: Path, target: str = "spark_session"):
        super().__init__(folder)
        self.target = target
        self.log = Counter()  # of identity changes, after the last comparison
        os.environ["JOURNEY_SPARK_FOLDER"] = str(folder / "spark")
        if target == "spark":
            spark_cluster.up(self.cluster)

    @property
    def cluster(self) -> Path:
        return self.folder / "spark" / "cluster"

    def close(self) -> None:
        if self.target == "spark":
            spark_cluster.down(self.cluster)
        shutil.rmtree(self.folder, ignore_errors=True)

    def spark(self, *arguments: str) -> None:
        os.environ["DBT_TARGET_PATH"] = str(self.folder / "target-spark")
        outcome = spark.invoke([*arguments], self.target)
        failed = [
            # Java tells for pages by which way it came there
            "\n".join(line for line in str(each.message).split("\n") if "\tat " not in line)[:1500]
            for each in getattr(outcome.result, "results", None) or []
            if each.status == "error"
        ]
        assert outcome.success, f"{outcome.exception}\n" + "\n".join(failed)

    def build(self, full_refresh: bool, selected: list[str] = SELECTED) -> None:
        command = self.command(full_refresh, selected)
        self.duckdb(*command)
        self.spark(*command)

    def command(self, full_refresh: bool, selected: list[str] = SELECTED) -> list[str]:
        # the laws are tested on DuckDB; here it is the rows that count
        refresh = ["--full-refresh"] if full_refresh else []
        return ["build", "--exclude-resource-type", "test", "unit_test", *refresh, *selected]

    def assert_equal_marts(self) -> dict[str, tuple[list[str], list[tuple], list[tuple]]]:
        exported = json.dumps({"folder": str(self.folder / "exported")})
        self.spark("run-operation", "export_marts", "--args", exported)
        marts = self.marts()
        wrong = {name: differences(*tables) for name, tables in marts.items()}
        assert not any(wrong.values()), "\n".join(
            f"{name}: {text}" for name, text in wrong.items() if text
        )
        return marts

    def marts(self) -> dict[str, tuple[list[str], list[tuple], list[tuple]]]:
        """Table -> column names, DuckDB's rows, Spark's rows."""
        tables = {}
        with duckdb.connect() as connection:
            for name, (columns, rows) in self.marts_on_duckdb().items():
                exported = f"read_parquet('{self.folder / 'exported' / name}/*.parquet')"
                theirs = connection.execute(f"select {', '.join(columns)} from {exported}")
                tables[name] = (columns, rows, theirs.fetchall())
        return tables


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample"), PERSONS)


@pytest.fixture(
    scope="module",
    params=[pytest.param("spark", id="a_cluster")]
    + ([] if IS_SHORT else [pytest.param("spark_session", id="the_session")]),
)
def engines(request, tmp_path_factory) -> Engines:
    engines = Engines(tmp_path_factory.mktemp("engines"), request.param)
    yield engines
    engines.close()


def in_four(loads: list[str]) -> list[list[str]]:
    """Most loads but for a stretch of old ones; these and newer ones; the rest in two."""
    at = [len(loads) * tenth // 20 for tenth in (6, 8, 14, 16, 18)]
    first, old = loads[: at[0]] + loads[at[1] : at[2]], loads[at[0] : at[1]]
    return [first, old + loads[at[2] : at[3]], loads[at[3] : at[4]], loads[at[4] :]]


def identity_changes(marts: dict) -> Counter:
    columns, ours, _ = marts["identity_changes"]
    return Counter(row[columns.index("change_type")] for row in ours)


# and by which of the log's words it is seen that the delivery brought what it was to bring
DELIVERIES = {
    "a_full_build": "created",
    "late_events_and_merges": "merged",
    "more_of_both": "joined",
    "an_erasure": "removed",
}


@pytest.mark.parametrize("number", range(2 if IS_SHORT else 4), ids=list(DELIVERIES).__getitem__)
def test_every_mart_on_spark_equals_that_on_duckdb_after(engines, sample, number):
    loads = loads_of(sample)
    deliver(sample, engines.folder / "raw", number, in_four(loads)[number])
    erased = erase_somebody(engines.folder / "raw") if number == 3 else None
    engines.build(full_refresh=number == 0)
    marts = engines.assert_equal_marts()
    assert len(marts) >= (len(SHORT) if IS_SHORT else 100)
    assert len(marts["fct_sessions"][1]) > 100
    log = identity_changes(marts)
    change_type = list(DELIVERIES.values())[number]
    assert log[change_type] > engines.log[change_type]
    engines.log = log
    columns, ours, theirs = marts["bridge_person_identifiers"]
    values = {row[columns.index("identifier_value")] for row in ours + theirs}
    assert values and erased not in values


def test_a_changed_value_is_seen():
    assert differences(["a"], [(1.0,), (2.0,)], [(1.0,), (2.0 + 1e-6,)])
    assert not differences(["a"], [(1.0,), (2.0,)], [(2.0 + 1e-12,), (1.0,)])


def said_by(module: str, *arguments: str, **variables: str) -> tuple[int, str]:
    # a build in this process has written down where its server listens
    elsewhere = {k: v for k, v in os.environ.items() if not k.startswith("JOURNEY_SPARK_")}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=elsewhere | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "no Spark cluster runs. `make spark-up` starts one"),
        ({"JOURNEY_SPARK_HOST": "127.0.0.1"}, "JOURNEY_SPARK_PORT is not set"),
        ({"JOURNEY_SPARK_HOST": "127.0.0.1", "JOURNEY_SPARK_PORT": "1"}, "nothing answers at"),
        ({"JOURNEY_TARGET": "sparc"}, "write one of spark, spark_session"),
    ],
)
def test_a_build_that_finds_no_spark_says_so(tmp_path, variables, told):
    here = {"JOURNEY_SPARK_FOLDER": str(tmp_path), "JOURNEY_TARGET": "spark"}
    code, said = said_by("tools.spark", "build", **(here | variables))
    assert code == 2 and told in said and "Traceback" not in said


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'a Java that is no good' >&2\nexit 1\n")
    java.chmod(0o755)
    variables = {"JAVA_HOME": str(tmp_path), "JOURNEY_SPARK_FOLDER": str(tmp_path / "spark")}
    code, said = said_by("tools.spark_cluster", "up", **variables)
    assert code == 1 and "a Java that is no good" in said and "Traceback" not in said
    assert said_by("tools.spark_cluster", "down", **variables) == (0, "none was running\n")


def test_what_java_adds_to_an_error_is_left_out():
    error = "Error running query: [NO_TABLE] no `a`.`b`; line 14 pos 48;\n'Project [*]\n\tat x(Y)\n"
    assert spark.without_java(error) == "Error running query: [NO_TABLE] no `a`.`b`; line 14 pos 48"
    error = "A: failed\n\tat x\n\t... 16 more\nCaused by: B: zero\n\tat z\nCaused by: B: zero\n"
    assert spark.without_java(error) == "A: failed\nCaused by: B: zero"


def test_a_cluster_that_is_up_is_not_started_again(engines):
    if engines.target != "spark":
        pytest.skip("of the cluster")
    before = spark_cluster.state(engines.cluster)
    assert spark_cluster.up(engines.cluster).startswith("already up")
    assert spark_cluster.state(engines.cluster) == before


def test_what_one_connection_writes_another_one_sees_at_once(engines):
    if engines.target != "spark":
        pytest.skip("of the cluster")
    from pyhive import hive

    port = spark_cluster.running_port(engines.cluster)
    writer, reader = (hive.connect("127.0.0.1", port=port, username="journey") for _ in range(2))
    with writer.cursor() as one, reader.cursor() as other:
        one.execute("create database if not exists probe")
        one.execute("create table probe.seen (n int) using iceberg")
        for number in range(3):
            one.execute(f"insert into probe.seen values ({number})")
            other.execute("select count(*) from probe.seen")
            assert other.fetchall() == [(number + 1,)]
        one.execute("drop table probe.seen purge")
    writer.close()
    reader.close()
