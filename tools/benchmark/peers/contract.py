"""What every implementation of the chain has to agree on: constants, tables, and their comparison.

README.md beside this file says in words what the chain is. An implementation is a module that is
called as `python -m <module> raw-folder out-folder` and writes each table of TABLES as
`out-folder/<table>.parquet`, a file or a folder of files, rows in any order.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

# ---------------------------------------------------------------- the chain's constants

# what a collector writes where it has no identifier; compared in lower case
UNUSABLE_IDENTIFIERS = (
    "",
    "0",
    "(not set)",
    "00000000-0000-0000-0000-000000000000",
    "nan",
    "none",
    "null",
    "undefined",
)
TIME_PATTERN = (
    r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d)$"
)
EARLIEST = "2000-01-01 00:00:00"
LATEST_AFTER_RECEIVED = timedelta(days=1)
HOST_PATTERN = r"^[A-Za-z]+://([^/?#]+)"
PATH_PATTERN = r"^[A-Za-z]+://[^/?#]+([^?#]*)"
CLICK_ID_PATTERN = r"[?&](gclid|msclkid|fbclid)=[^&#]"
HUB_USERS = 5
SESSION_TIMEOUT = timedelta(minutes=30)
FUNNEL_PATH, FUNNEL_SECOND, FUNNEL_THIRD = "/pricing", "signed_up", "email_verified"
FUNNEL_SECOND_WITHIN, FUNNEL_THIRD_WITHIN = timedelta(days=7), timedelta(days=14)
SEARCH_PATTERN = r"(^|\.)(google|bing|duckduckgo)\."
SOCIAL_PATTERN = r"(^|\.)(facebook|linkedin|twitter)\."
PAID = ("cpc", "ppc", "paid_search", "paid_social", "display")
PAID_SEARCH_SOURCES = ("google", "bing")
PAID_SOCIAL_SOURCES = ("facebook", "instagram", "linkedin")


def parameter_pattern(name: str) -> str:
    """Finds a parameter of an address."""
    return rf"[?&]{name}=([^&#]*)"


def quoted(values: tuple[str, ...]) -> str:
    """A list of texts for SQL."""
    return ", ".join(f"'{value}'" for value in values)


# ---------------------------------------------------------------- the tables

TABLES = {
    "events": {
        "event_id": "varchar",
        "occurred_at": "timestamp",
        "event": "varchar",
        "anonymous_id": "varchar",
        "user_id": "varchar",
        "person_id": "varchar",
        "session_id": "varchar",
        "page_host": "varchar",
        "page_path": "varchar",
        "referrer_host": "varchar",
        "utm_source": "varchar",
        "utm_medium": "varchar",
        "utm_campaign": "varchar",
        "click_id_kind": "varchar",
    },
    "sessions": {
        "session_id": "varchar",
        "anonymous_id": "varchar",
        "person_id": "varchar",
        "started_at": "timestamp",
        "ended_at": "timestamp",
        "event_count": "bigint",
        "page_view_count": "bigint",
        "channel_group": "varchar",
    },
    "daily_activity": {
        "occurred_date": "date",
        "active_person_count": "bigint",
        "event_count": "bigint",
    },
    "daily_channels": {
        "started_date": "date",
        "channel_group": "varchar",
        "session_count": "bigint",
        "person_count": "bigint",
        "page_view_count": "bigint",
    },
    "pages": {
        "page_host": "varchar",
        "page_path": "varchar",
        "page_view_count": "bigint",
        "person_count": "bigint",
    },
    "funnel": {"entry_week": "date", "step_number": "bigint", "person_count": "bigint"},
    "retention": {"cohort_week": "date", "week_number": "bigint", "person_count": "bigint"},
}
COMPONENTS = {"components": {"node_id": "varchar", "component_id": "varchar"}}


class UnequalResultsError(Exception):
    """Two implementations that should have come to the same have not."""


@dataclass(frozen=True)
class Digest:
    """A table's rows as three numbers that do not depend on their order."""

    row_count: int
    lower: int
    upper: int


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection


def _rows(out: Path, table: str, columns: dict[str, str]) -> str:
    """The query that gives a result's rows in the contract's columns and types."""
    path = out / f"{table}.parquet"
    if not path.exists():
        raise UnequalResultsError(f"{path}: not written, though the implementation ended well")
    files = f"{path}/*.parquet" if path.is_dir() else str(path)
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns.items())
    return f"select {casts} from read_parquet('{files}')"


def digests(out: Path, tables: dict[str, dict[str, str]] = TABLES) -> dict[str, Digest]:
    """What the results in a folder come to: the sums of the halves of the md5 of each row.

    A missing column, or a value that is not of its column's type, raises UnequalResultsError.
    """
    found = {}
    with _connect() as connection:
        for table, columns in tables.items():
            # a length before each value, so that no value can look like two
            row = " || ".join(
                f"coalesce(length({name}::varchar) || ':' || {name}::varchar, '-')"
                for name in columns
            )
            try:
                counted = connection.execute(
                    f"select count(*), coalesce(sum(md5_number_lower({row})), 0),"
                    f" coalesce(sum(md5_number_upper({row})), 0)"
                    f" from ({_rows(out, table, columns)})"
                ).fetchone()
            except duckdb.Error as error:
                raise UnequalResultsError(f"{out / table}.parquet: {error}") from None
            found[table] = Digest(*counted)
    return found


def differing_rows(
    one: Path, other: Path, table: str, columns: dict[str, str], limit: int = 3
) -> tuple[list, list]:
    """The first rows that only the one has, and those that only the other has."""
    first, second = _rows(one, table, columns), _rows(other, table, columns)
    with _connect() as connection:
        return tuple(
            connection.execute(f"{a} except all {b} order by all limit {limit}").fetchall()
            for a, b in ((first, second), (second, first))
        )


def assert_equal(
    results: dict[str, Path], tables: dict[str, dict[str, str]] = TABLES
) -> dict[str, Digest]:
    """Compares each result with the first one; raises with the table and the first differing rows.

    `results` is name -> out-folder. Gives the digests that all have.
    """
    (reference, expected_in), *others = results.items()
    expected = digests(expected_in, tables)
    for name, out in others:
        found = digests(out, tables)
        for table, columns in tables.items():
            if found[table] == expected[table]:
                continue
            only_reference, only_other = differing_rows(expected_in, out, table, columns)
            lines = [
                f"{table}: {name} has other rows than {reference}"
                f" ({found[table].row_count:,} and {expected[table].row_count:,})",
                f"  columns: {', '.join(columns)}",
            ]
            lines += [f"  only {reference}: {row}" for row in map(_told, only_reference)]
            lines += [f"  only {name}: {row}" for row in map(_told, only_other)]
            raise UnequalResultsError("\n".join(lines))
    return expected


def count_components(out: Path) -> tuple[int, int]:
    """The nodes and the components of a result."""
    with _connect() as connection:
        return connection.execute(
            "select count(*), count(distinct component_id)"
            f" from ({_rows(out, 'components', COMPONENTS['components'])})"
        ).fetchone()


def _told(row: tuple) -> str:
    return ", ".join(map(str, row))


def folders(arguments: list[str]) -> tuple[Path, Path]:
    """The two folders that an implementation is called with."""
    if len(arguments) != 2:
        sys.exit("two folders are needed: where the raw tables lie, and where the results go")
    raw, out = map(Path, arguments)
    out.mkdir(parents=True, exist_ok=True)
    return raw, out
