"""The raw tables that a benchmark reads: a sample of so many events, cut where the last day begins.

    base/    all loads until the last day
    day/     the loads of that day: new people, late events, copies, identifications after the fact
    late/    one load with one event of ten years before
    nothing/ every table without a row: what a build costs of which dbt alone is the reason

Each is a folder of `<source>/<table>/*.parquet` as `make sample` writes it. What came after the
last day is left out, so that "a day" is one. Made once and kept: a size has always the same rows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb

DAYS = 90
START = date(2025, 1, 1)
LAST_DAY = START + timedelta(days=DAYS - 1)
LATE_BY = timedelta(days=3653)  # ten years with their leap days


@dataclass(frozen=True)
class Data:
    """One size of the sample."""

    folder: Path

    def __getitem__(self, part: str) -> Path:
        return self.folder / part

    def row_count(self, part: str) -> int:
        """All raw rows of a part."""
        with duckdb.connect() as connection:
            return sum(
                connection.execute(
                    f"select count(*) from read_parquet('{table}/*.parquet')"
                ).fetchone()[0]
                for table in self[part].glob("*/*")
            )

    def byte_count(self, part: str) -> int:
        """What the part files hold on disk."""
        return sum(path.stat().st_size for path in self[part].rglob("*.parquet"))


def data_of(events: int, keep: Path) -> Data:
    """The sample with about so many tracks, pages and screens; made where it is not there yet."""
    folder = keep / f"events_{events}"
    if not folder.is_dir():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        command = [sys.executable, "-m", "tools.sample", "--out", str(making / "all")]
        command += ["--events", str(events), "--days", str(DAYS), "--start", str(START)]
        subprocess.run([*command, "--no-truth", "--quiet"], check=True)
        _cut(making)
        shutil.rmtree(making / "all")
        os.rename(making, folder)
    return Data(folder)


def arrive(delivery: Path, raw: Path) -> None:
    """Lets the files of a part, or of a day, appear among the raw tables, as a delivery does."""
    for path in delivery.rglob("*.parquet"):
        target = raw / path.relative_to(delivery)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)


def _cut(folder: Path) -> None:
    begin = datetime.combine(LAST_DAY, time())
    end = begin + timedelta(days=1)
    wanted = {
        "base": f"_loaded_at < timestamp '{begin}'",
        "day": f"_loaded_at >= timestamp '{begin}' and _loaded_at < timestamp '{end}'",
        "nothing": "false",
    }
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set enable_progress_bar = false")
        for table in sorted(path for path in (folder / "all").glob("*/*") if path.is_dir()):
            for part, condition in wanted.items():
                _write(
                    connection,
                    folder / part / table.relative_to(folder / "all"),
                    # a load a day: the sample's loads are weeks, and half of one would come anew
                    f"select * replace (strftime(_loaded_at, '%Y-%m-%d') as _load_id)"
                    f" from read_parquet('{table}/*.parquet') where {condition}",
                )
        # a page view of somebody known, as an app sends it that was offline for ten years
        _write(
            connection,
            folder / "late" / "segment" / "pages",
            f"""select * replace (
                'late-' || id as id,
                "timestamp" - interval {LATE_BY.days} day as "timestamp",
                timestamp '{end}' as sent_at,
                timestamp '{end}' as received_at,
                timestamp '{end}' as _loaded_at,
                'late' as _load_id
            )
            from read_parquet('{folder}/base/segment/pages/*.parquet')
            where user_id is not null and id is not null
            order by id limit 1""",
        )


def _write(connection: duckdb.DuckDBPyConnection, into: Path, rows: str) -> None:
    into.mkdir(parents=True)
    connection.execute(
        f"copy ({rows}) to '{into}/part-{into.parts[-3]}.parquet'"
        " (format parquet, compression zstd)"
    )
