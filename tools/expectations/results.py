"""The mart data_quality_results, which publishing writes beside the marts it is about."""

from datetime import datetime
from pathlib import Path

import duckdb

from tools.expectations.suites import Outcome

SCHEMA = "marts"
TABLE = "data_quality_results"
KEEP = 30  # generations whose results are carried on
ABOUT = (
    "One row per generation, expectation of the quality gate and table it is about: what came of it"
    " before the generation was published. Holds the last generations, and no value of any row."
)
COLUMNS = {  # name: (type, description)
    "generation": ("bigint", "Generation that was looked at, as in publication."),
    "checked_at": ("timestamp", "When, UTC."),
    "suite": ("varchar", "Subject: the file in tools/expectations/suites."),
    "table_name": ("varchar", "Mart that the expectation is about."),
    "column_name": ("varchar", "Column, or figure over the table, that is looked at; NULL: rows."),
    "expectation": ("varchar", "Name of the expectation: its sentence as one word."),
    "severity": ("varchar", "critical: stops a publication; warning: is told and kept."),
    "outcome": (
        "varchar",
        "passed; failed; accepted (failed, and let pass by name); not applicable (nothing to look"
        " at, or no last generation to compare with); not computed (stops a publication).",
    ),
    "is_passed": ("boolean", "Was it met? NULL where it is not applicable."),
    "observed": ("varchar", "What was found: a figure, counts of rows, at most keys of rows."),
    "expected": ("varchar", "What would have been right."),
    "description": ("varchar", "The expectation as a sentence."),
}


def create(connection: duckdb.DuckDBPyConnection, schema: str = SCHEMA) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    table = f"{schema}.{TABLE}"
    connection.execute(f"create table if not exists {table} ({columns})")
    connection.execute(f"comment on table {table} is '{_escaped(ABOUT)}'")
    for name, (_, description) in COLUMNS.items():
        connection.execute(f"comment on column {table}.{name} is '{_escaped(description)}'")


def add(
    connection: duckdb.DuckDBPyConnection,
    generation: int,
    checked_at: datetime,
    outcomes: list[Outcome],
    schema: str = SCHEMA,
) -> None:
    rows = [
        (
            generation,
            checked_at,
            each.suite,
            each.table,
            each.expectation.column or None,
            each.expectation.name,
            each.expectation.severity,
            each.outcome,
            each.is_passed,
            each.observed,
            each.expectation.expected,
            each.expectation.says,
        )
        for each in outcomes
    ]
    if rows:
        # one statement for all: row by row takes DuckDB a second
        lists = ", ".join(f"unnest(cast(? as {kind}[]))" for kind, _ in COLUMNS.values())
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"insert into {schema}.{TABLE} select {lists}", columns)


def carry_on(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    """Take over the results of earlier generations from the published file, of the last few."""
    if not published.is_file():
        return
    connection.execute(f"attach '{_escaped(str(published))}' as earlier (read_only)")
    try:
        there = connection.execute(
            "select column_name from duckdb_columns() where database_name = 'earlier'"
            " and schema_name = ? and table_name = ?",
            [SCHEMA, TABLE],
        ).fetchall()
        names = ", ".join(name for (name,) in there if name in COLUMNS)
        if ("generation",) in there:
            connection.execute(
                f"insert into {SCHEMA}.{TABLE} by name select {names} from earlier.{SCHEMA}.{TABLE}"
                f" where generation not in (select generation from {SCHEMA}.{TABLE})"
            )
    finally:
        connection.execute("detach earlier")
    connection.execute(
        f"delete from {SCHEMA}.{TABLE} where generation not in (select distinct generation"
        f" from {SCHEMA}.{TABLE} order by generation desc limit {KEEP})"
    )


def _escaped(text: str) -> str:
    return text.replace("'", "''")
