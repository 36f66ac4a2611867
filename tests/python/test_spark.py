"""The same marts on embedded Spark as on DuckDB: `make test-spark`.

Both engines build the small sample from the same files, first the oldest loads whole, then two
more deliveries on top. After each the marts are compared, row for row and value for value.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tools import hash_key, spark

pytest.importorskip("pyspark", reason="needs the packages of requirements-spark.txt")

ROOT = Path(__file__).resolve().parents[2]
PERSONS = 150
# The short form builds the road from raw rows to people, sessions, stages and journeys; the other
# facts and the KPI tables are selects over these, and take Spark twice as long again.
SHORT = ["fct_events", "fct_sessions", "fct_stage_periods", "fct_journey_steps", "identity_changes"]
SHORT += ["bridge_person_identifiers", "reconciliation", "rejected_rows"]
SELECTED = (
    ["--select", *[f"+{name}" for name in SHORT]] if os.environ.get("JOURNEY_SPARK_SHORT") else []
)
pytestmark = pytest.mark.spark


def deliver(source: Path, target: Path, first: int, last: int, count: int) -> None:
    """Write the loads with numbers in [first, last) of `count` equal parts into `target`.

    Each call adds part files to what lies there, as a delivery does.
    """
    with duckdb.connect() as connection:
        for table in sorted(source.glob("*/*")):
            folder = target / table.relative_to(source)
            folder.mkdir(parents=True, exist_ok=True)
            rows = f"read_parquet('{table}/*.parquet')"
            loads = [
                row[0]
                for row in connection.execute(
                    f"select distinct _load_id from {rows} order by _load_id"
                ).fetchall()
            ]
            chosen = loads[len(loads) * first // count : len(loads) * last // count]
            connection.execute(
                f"copy (select * from {rows} where list_contains(?, _load_id))"
                f" to '{folder}/part-{first:05d}.parquet' (format parquet)",
                [chosen],
            )


class Engines:
    """The two builds, side by side in one folder.

    DuckDB is a process of its own each time; Spark stays in this one, so that its virtual machine
    starts once.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        os.environ.update(
            {
                "JOURNEY_RAW": str(folder / "raw"),
                "JOURNEY_HASH_KEY": str(folder / "hash_key.parquet"),
                "JOURNEY_DATABASE": str(folder / "build.duckdb"),
                "JOURNEY_SPARK_FOLDER": str(folder / "spark"),
                "DBT_PROFILES_DIR": str(ROOT),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            }
        )
        hash_key.create(folder / "hash_key.parquet")

    def duckdb(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments],
            cwd=ROOT,
            env=os.environ
            | {"JOURNEY_TARGET": "duckdb", "DBT_TARGET_PATH": str(self.folder / "target-duckdb")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

    def spark(self, *arguments: str) -> None:
        os.environ["DBT_TARGET_PATH"] = str(self.folder / "target-spark")
        outcome = spark.invoke([*arguments])
        failed = [
            # Java tells for pages by which way it came there
            "\n".join(line for line in str(each.message).split("\n") if "\tat " not in line)[:1500]
            for each in getattr(outcome.result, "results", None) or []
            if each.status == "error"
        ]
        assert outcome.success, f"{outcome.exception}\n" + "\n".join(failed)

    def build(self, full_refresh: bool) -> None:
        # the laws are tested on DuckDB; here it is the rows that count
        command = ["build", "--exclude-resource-type", "test"]
        command += ["--full-refresh"] if full_refresh else []
        command += SELECTED
        self.duckdb(*command)
        self.spark(*command)
        exported = json.dumps({"folder": str(self.folder / "exported")})
        self.spark("run-operation", "export_marts", "--args", exported)

    def marts(self) -> dict[str, tuple[list[str], list[tuple], list[tuple]]]:
        """Table -> column names, DuckDB's rows, Spark's rows."""
        tables = {}
        with duckdb.connect(str(self.folder / "build.duckdb"), read_only=True) as connection:
            names = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
            for (name,) in sorted(names):
                columns = [
                    row[0] for row in connection.execute(f"describe marts.{name}").fetchall()
                ]
                chosen = ", ".join(columns)
                exported = self.folder / "exported" / name
                tables[name] = (
                    columns,
                    connection.execute(f"select {chosen} from marts.{name}").fetchall(),
                    connection.execute(
                        f"select {chosen} from read_parquet('{exported}/*.parquet')"
                    ).fetchall(),
                )
        return tables


def comparable(row: tuple) -> tuple:
    """Floating point to 9 significant digits; the rest as it is."""
    return tuple(
        float(f"{value:.9g}")
        if isinstance(value, float)
        else (value.normalize() if isinstance(value, Decimal) else value)
        for value in row
    )


def differences(columns: list[str], ours: list[tuple], theirs: list[tuple]) -> str:
    """What stands in one and not in the other, the first rows of each; '' where they are equal."""
    here, there = Counter(map(comparable, ours)), Counter(map(comparable, theirs))
    if here == there:
        return ""
    only_here, only_there = list((here - there).elements()), list((there - here).elements())
    return (
        f"{len(only_here)} rows only on DuckDB, {len(only_there)} only on Spark\n{columns}\n"
        + "\n".join(f"  DuckDB {row}" for row in sorted(only_here, key=str)[:3])
        + "\n"
        + "\n".join(f"  Spark  {row}" for row in sorted(only_there, key=str)[:3])
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    subprocess.run(
        [sys.executable, "-m", "tools.sample", "--persons", str(PERSONS), "--quiet"]
        + ["--out", str(folder / "raw")],
        cwd=ROOT,
        check=True,
    )
    return folder / "raw"


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> Engines:
    folder = tmp_path_factory.mktemp("engines")
    yield Engines(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 8), (8, 9), pytest.param(9, 10, marks=pytest.mark.long)],
    ids=["a_full_build", "one_more_delivery", "and_another"],
)
def test_every_mart_on_spark_equals_that_on_duckdb_after(engines, sample, first, last):
    deliver(sample, engines.folder / "raw", first, last, 10)
    engines.build(full_refresh=first == 0)
    marts = engines.marts()
    assert len(marts) >= len(SHORT)
    assert len(marts["fct_events"][1]) > 1000
    wrong = {name: differences(*tables) for name, tables in marts.items()}
    wrong = {name: text for name, text in wrong.items() if text}
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())


def test_a_changed_value_is_seen():
    assert differences(["a"], [(1.0,), (2.0,)], [(1.0,), (2.0 + 1e-6,)])
    assert not differences(["a"], [(1.0,), (2.0,)], [(2.0 + 1e-12,), (1.0,)])
