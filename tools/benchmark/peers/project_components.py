"""Connected components by the project's own SQL: its materialisation in a dbt project of its own.

So whatever macros/graph/connected_components.sql does is what is measured. The project's macros are
linked to, its models are not: dbt starts and reads them in a few seconds, which are counted apart.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb
import yaml

from tools.benchmark.measure import ROOT, Cost, measured

NODE = "model.customer_journey.components"


def make_project(folder: Path, edges: Path) -> None:
    """A dbt project that has one model: the components of these edges."""
    (folder / "models").mkdir(parents=True)
    (folder / "macros").symlink_to(ROOT / "macros")
    own = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    project = {name: own[name] for name in ("name", "version", "config-version", "profile", "vars")}
    # JSON is YAML, so nothing in a path or a variable has to be escaped
    (folder / "dbt_project.yml").write_text(json.dumps({**project, "macro-paths": ["macros"]}))
    target = {"type": "duckdb", "path": str(folder / "build.duckdb"), "schema": "main"}
    profile = {"target": "duckdb", "outputs": {"duckdb": {**target, "threads": 1}}}
    (folder / "profiles.yml").write_text(json.dumps({own["profile"]: profile}))
    escaped = str(edges).replace("'", "''")
    (folder / "models/components.sql").write_text(
        "{{ config(materialized='connected_components') }}\n"
        f"select node_a, node_b from read_parquet('{escaped}')\n"
    )


def run(folder: Path, edges: Path) -> Cost:
    """What it costs; `nodes[NODE]` are the CPU seconds of the model alone."""
    make_project(folder, edges)
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    }
    command = [sys.executable, "-m", "tools.benchmark.worker", str(folder / "nodes.json")]
    command += ["--quiet", "run", "--full-refresh", "--project-dir", str(folder)]
    cost = measured(command, environment, folder / "build.duckdb.tmp")
    cost.nodes = json.loads((folder / "nodes.json").read_text())
    return cost


def export(folder: Path) -> None:
    """Writes folder/components.parquet; not counted: the table in the database is the result."""
    with duckdb.connect(str(folder / "build.duckdb"), read_only=True) as connection:
        (table,) = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_name = 'components'"
        ).fetchone()
        connection.execute(
            f"copy (select node_id, component_id from {table})"
            f" to '{folder}/components.parquet' (format parquet)"
        )
