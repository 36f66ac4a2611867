"""A first look at other warehouses: is what dbt compiled even SQL there? (make dialects)

    python -m tools.dialects [--compiled target/compiled]

dbt looks for a macro's form of the adapter, then of the adapter it is made of, then the default:
Databricks gets Spark's, Redshift PostgreSQL's, Snowflake, BigQuery and MotherDuck DuckDB's. So what
`dbt compile` wrote for DuckDB is what those three would be given, and sqlglot reads it in their
dialect. That it can be read does not say that it runs: functions are not looked up, nothing is
executed. What cannot be read is a macro that wants a form of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import sqlglot
from sqlglot.errors import SqlglotError

ROOT = Path(__file__).resolve().parents[1]
DIALECTS = {
    "duckdb": "MotherDuck",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "databricks": "Databricks",
    "redshift": "Redshift",
}


def models_in(compiled: Path) -> list[Path]:
    """The models' compiled queries; those of tests lie in folders called after their yml."""
    paths = (path for path in compiled.glob("*/models/**/*.sql") if path.is_file())
    return sorted(path for path in paths if path.parent.suffix != ".yml")


def unreadable(paths: Iterable[Path], dialect: str) -> dict[str, str]:
    """Model -> the first line of what the dialect's parser says, of those it cannot read."""
    found = {}
    for path in paths:
        try:
            sqlglot.parse(path.read_text(), read=dialect)
        except SqlglotError as error:
            found[path.stem] = str(error).splitlines()[0]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.dialects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--compiled", type=Path, default=ROOT / "target" / "compiled")
    parser.add_argument("--dialect", choices=DIALECTS, nargs="+", default=list(DIALECTS))
    arguments = parser.parse_args()
    paths = models_in(arguments.compiled)
    if not paths:
        print(
            f"no compiled models in {arguments.compiled}: `make demo`, `make build` or"
            " `dbt compile` writes them.",
            file=sys.stderr,
        )
        return 2
    for dialect in arguments.dialect:
        bad = unreadable(paths, dialect)
        print(f"{DIALECTS[dialect]}: {len(paths) - len(bad)} of {len(paths)} models can be read")
        for model, said in bad.items():
            print(f"    {model}: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
