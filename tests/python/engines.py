"""Two engines side by side: the same raw files built on DuckDB and on another, and what differs."""

import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb

from tools import hash_key

ROOT = Path(__file__).resolve().parents[2]


def write_sample(folder: Path, persons: int) -> Path:
    """The sample company with so many persons; where its raw tables lie."""
    subprocess.run(
        [sys.executable, "-m", "tools.sample", "--persons", str(persons), "--quiet"]
        + ["--out", str(folder / "raw")],
        cwd=ROOT,
        check=True,
    )
    return folder / "raw"


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
            write_loads(connection, table, folder, first, chosen)


def write_loads(connection, table: Path, folder: Path, number: int, loads: list[str]) -> None:
    """Write a raw table's rows of these loads as one part file, beside what lies there."""
    connection.execute(
        f"copy (select * from read_parquet('{table}/*.parquet') where list_contains(?, _load_id))"
        f" to '{folder}/part-{number:05d}.parquet' (format parquet)",
        [loads],
    )


class BesideDuckdb:
    """A folder with the build on DuckDB, a process of its own each time, and raw files that
    another engine builds from as well."""

    def __init__(self, folder: Path):
        self.folder = folder
        os.environ.update(
            {
                "JOURNEY_RAW": str(folder / "raw"),
                "JOURNEY_HASH_KEY": str(folder / "hash_key.parquet"),
                "JOURNEY_DATABASE": str(folder / "build.duckdb"),
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

    def marts_on_duckdb(self) -> dict[str, tuple[list[str], list[tuple]]]:
        """Table -> column names, rows."""
        with duckdb.connect(str(self.folder / "build.duckdb"), read_only=True) as connection:
            names = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
            tables = {}
            for (name,) in sorted(names):
                columns = [
                    row[0] for row in connection.execute(f"describe marts.{name}").fetchall()
                ]
                rows = connection.execute(f"select {', '.join(columns)} from marts.{name}")
                tables[name] = (columns, rows.fetchall())
        return tables


def comparable(row: tuple) -> tuple:
    """Floating point to 9 significant digits; the rest as it is."""
    return tuple(
        float(f"{value:.9g}")
        if isinstance(value, float)
        else (value.normalize() if isinstance(value, Decimal) else value)
        for value in row
    )


def differences(
    columns: list[str], ours: list[tuple], theirs: list[tuple], engine: str = "Spark"
) -> str:
    """What stands in one and not in the other, the first rows of each; '' where they are equal."""
    here, there = Counter(map(comparable, ours)), Counter(map(comparable, theirs))
    if here == there:
        return ""
    only_here, only_there = list((here - there).elements()), list((there - here).elements())
    width = max(len(engine), len("DuckDB"))
    return (
        f"{len(only_here)} rows only on DuckDB, {len(only_there)} only on {engine}\n{columns}\n"
        + "\n".join(f"  {'DuckDB':{width}} {row}" for row in sorted(only_here, key=str)[:3])
        + "\n"
        + "\n".join(f"  {engine:{width}} {row}" for row in sorted(only_there, key=str)[:3])
    )
