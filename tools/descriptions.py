"""What the models say of their tables and columns, for whoever opens these in another tool.

The descriptions stand in the yml beside each model; dbt writes them, with the doc blocks filled
in, into `target/manifest.json`. Publishing makes comments of them in the published file, and
whatever is loaded from that file takes them from there.
"""

import json
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

# the tables that publishing itself adds
OWN = {
    "publication": (
        "One row per published table: what this publication is and what it was made of.",
        {
            "generation": "Number of the publication; grows by one with each.",
            "published_at": "When it was published, UTC.",
            "restored_from": "The earlier generation that was published once more; else empty.",
            "code_version": "Commit of the models; + marks uncommitted changes.",
            "configuration_version": "Changes when any variable or seed does.",
            "as_of_at": "The clock of every open window, UTC.",
            "load_count": "How many loads of raw rows it was made from.",
            "loads_version": "Changes when any load comes, goes or changes its size.",
            "table_name": "The table that this row speaks of.",
            "row_count": "Its rows.",
            "content_hash": "Hash of all its rows in any order; of a view, of its text.",
        },
    )
}


@dataclass(frozen=True)
class Description:
    text: str
    columns: dict[str, str]
    key: tuple[str, ...] = ()  # the columns that a row is known by


def manifest_path() -> Path:
    return Path(os.environ.get("DBT_TARGET_PATH") or "target") / "manifest.json"


def read(path: Path | None = None) -> dict[str, Description]:
    """The models' descriptions by table; empty, with a line that says so, where dbt left none."""
    path = path or manifest_path()
    try:
        return dict(_of_manifest(path, path.stat().st_mtime_ns))
    except (OSError, ValueError, KeyError) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        print(
            f"without the models' descriptions and keys: {path} {why}. `make build` writes it, and"
            " so does `.venv/bin/dbt parse`; publish again afterwards.",
            file=sys.stderr,
        )
        return {}


@lru_cache(maxsize=1)  # half a second for each reading, and a publication reads it thrice
def _of_manifest(path: Path, changed_at: int) -> dict[str, Description]:
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"].values()
    return {
        node.get("alias") or node["name"]: Description(
            text(node["description"]),
            {name: text(column["description"]) for name, column in node["columns"].items()},
            tuple(node.get("primary_key") or ()),
        )
        for node in nodes
        if node["resource_type"] == "model" and node["schema"].endswith("marts")
    }


def text(description: str) -> str:
    return " ".join(description.split())


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def write_comments(connection: duckdb.DuckDBPyConnection, catalog: str, schema: str) -> None:
    """Comment on every table, view and column that a description is known of."""
    described = read()
    described.update({name: Description(*own) for name, own in OWN.items()})
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = ?"
        " and schema_name = ?",
        [catalog, schema],
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    views = {
        name
        for (name,) in connection.execute(
            "select view_name from duckdb_views() where database_name = ? and schema_name = ?",
            [catalog, schema],
        ).fetchall()
    }

    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    statements = []
    for name in sorted(columns.keys() & described.keys()):
        description = described[name]
        table = f"{quoted(catalog)}.{quoted(schema)}.{quoted(name)}"
        kind = "view" if name in views else "table"
        statements.append(f"comment on {kind} {table} is {literal(description.text)}")
        statements += [
            f"comment on column {table}.{quoted(column)} is {literal(words)}"
            for column, words in description.columns.items()
            if words and column in columns[name]
        ]
    connection.execute("begin transaction")
    for statement in statements:
        connection.execute(statement)
    connection.execute("commit")
