"""How long somebody waits who reads a KPI table.

Asked are the queries of the dashboard's boards that read KPI tables, and each KPI table as a whole,
which no query that shows a part of it can exceed by much. Each is asked once unmeasured, because a
reader's second question finds the file's pages in memory, and then five times.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import duckdb

from tools.dashboard.boards import read_boards

ROUNDS = 5
BOARDS = Path(__file__).resolve().parents[2] / "dashboard"


def readers(database: Path) -> dict[str, dict[str, float]]:
    """Of "queries" and of "tables": name -> median milliseconds until all rows are there."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables"
                " where table_schema = 'marts' and table_name like 'kpi\\_%' escape '\\'"
                " and table_type = 'BASE TABLE' order by 1"
            ).fetchall()
        ]
        queries = {
            f"{board.slug}: {name}": query["sql"]
            for board in read_boards(BOARDS)
            for name, query in board.content["queries"].items()
            if "marts.kpi_" in query["sql"]
        }
        return {
            "queries": {name: milliseconds(connection, sql) for name, sql in queries.items()},
            "tables": {
                name: milliseconds(connection, f"select * from marts.{name}") for name in tables
            },
        }


def milliseconds(connection, sql: str) -> float:
    taken = []
    for _ in range(1 + ROUNDS):
        begun = time.perf_counter()
        connection.execute(sql).fetchnumpy()
        taken.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(taken[1:]), 1)
