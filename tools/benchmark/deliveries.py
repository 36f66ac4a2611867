"""How the file grows: the sample delivered day by day, each followed by a build, beside one build.

    python -m tools.benchmark.deliveries --events 100k [--memory 3GB] [--keep folder]

Every day's loads (of each source those of `_loaded_at` that day) come alone, as a nightly run finds
them. Then everything is built once more, from the same files, into a database of its own. Written
to <keep>/deliveries.json: the size of the file after each build, and each build's CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from tools import hash_key
from tools.benchmark.__main__ import DBT_BUILD, event_count, machine
from tools.benchmark.data import arrive, data_of
from tools.benchmark.measure import BenchmarkError, dbt


def cut_by_day(base: Path, into: Path) -> list[Path]:
    """A folder of raw tables for each day on which something was loaded, in the order of days."""
    with duckdb.connect() as connection:
        for table in sorted(path for path in base.glob("*/*") if path.is_dir()):
            days = connection.execute(
                "select distinct cast(_loaded_at as date) as loaded_date"
                f" from read_parquet('{table}/*.parquet') order by 1"
            ).fetchall()
            for (day,) in days:
                folder = into / str(day) / table.relative_to(base)
                folder.mkdir(parents=True)
                connection.execute(
                    f"copy (select * from read_parquet('{table}/*.parquet')"
                    f" where cast(_loaded_at as date) = date '{day}')"
                    f" to '{folder}/part-{day}.parquet' (format parquet, compression zstd)"
                )
    return sorted(into.iterdir())


def measure(events: int, keep: Path) -> dict:
    """All deliveries of one size of the sample, and the one build beside them."""
    data = data_of(events, keep)
    run = keep / "deliveries"
    shutil.rmtree(run, ignore_errors=True)
    for name in ("daily", "fresh"):
        (run / name).mkdir(parents=True)
        hash_key.create(run / name / "hash_key.parquet")
    # tables that have nothing on the first days are there, without a row
    arrive(data["nothing"], run / "raw")
    builds = []
    for delivery in cut_by_day(data["base"], run / "days"):
        arrive(delivery, run / "raw")
        cost = dbt(run / "daily", run / "raw", *DBT_BUILD)
        size = (run / "daily" / "build.duckdb").stat().st_size
        builds.append({"cpu_seconds": cost.cpu_seconds, "file_bytes": size})
        print(f"{delivery.name}: {cost.cpu_seconds:.1f} CPU s, {size / 1e6:.0f} MB", flush=True)
    cost = dbt(run / "fresh", run / "raw", *DBT_BUILD)
    fresh = (run / "fresh" / "build.duckdb").stat().st_size
    print(f"everything at once: {cost.cpu_seconds:.1f} CPU s, {fresh / 1e6:.0f} MB", flush=True)
    shutil.rmtree(run)
    return {
        "events": events,
        "machine": machine() | {"memory_limit": os.environ["JOURNEY_MEMORY_LIMIT"]},
        "raw_rows": data.row_count("base"),
        "builds": builds,
        "fresh": {"cpu_seconds": cost.cpu_seconds, "file_bytes": fresh},
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.deliveries",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=event_count, default=event_count("100k"))
    parser.add_argument("--keep", type=Path, default=Path("warehouse/benchmark"))
    parser.add_argument("--memory", default="3GB", help="what DuckDB may hold (3GB)")
    arguments = parser.parse_args()
    keep = arguments.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    os.environ["JOURNEY_MEMORY_LIMIT"] = arguments.memory
    try:
        result = measure(arguments.events, keep)
    except (BenchmarkError, subprocess.CalledProcessError) as error:
        print(f"deliveries: {error}", file=sys.stderr)
        return 1
    (keep / "deliveries.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
