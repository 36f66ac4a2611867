"""The same marts on embedded Spark as on DuckDB: `make test-spark`.

Both engines build the small sample from the same files, first the oldest loads whole, then two
more deliveries on top. After each the marts are compared, row for row and value for value.
"""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from engines import BesideDuckdb, deliver, differences, write_sample

from tools import spark

pytest.importorskip("pyspark", reason="needs the packages of requirements-spark.txt")

PERSONS = 150
# The short form builds the road from raw rows to people, sessions, stages and journeys; the other
# facts and the KPI tables are selects over these, and take Spark twice as long again.
SHORT = ["fct_events", "fct_sessions", "fct_stage_periods", "fct_journey_steps", "identity_changes"]
SHORT += ["bridge_person_identifiers", "reconciliation", "rejected_rows"]
SELECTED = (
    ["--select", *[f"+{name}" for name in SHORT]] if os.environ.get("JOURNEY_SPARK_SHORT") else []
)
pytestmark = pytest.mark.spark


class Engines(BesideDuckdb):
    """The two builds, side by side in one folder. Spark stays in this process, so that its virtual
    machine starts once."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        os.environ["JOURNEY_SPARK_FOLDER"] = str(folder / "spark")

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
        with duckdb.connect() as connection:
            for name, (columns, rows) in self.marts_on_duckdb().items():
                exported = f"read_parquet('{self.folder / 'exported' / name}/*.parquet')"
                theirs = connection.execute(f"select {', '.join(columns)} from {exported}")
                tables[name] = (columns, rows, theirs.fetchall())
        return tables


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample"), PERSONS)


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
