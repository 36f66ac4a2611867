"""Where else the marts go, once the published DuckDB file is in place.

Each target is brought to what that file holds, as a whole or not at all. One that fails stays at
what it held before, the others are still served, and the command ends with 1.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools import publish_parquet
from tools.publish import PublicationError


def to_postgres(published: Path) -> None:
    try:
        from tools import publish_postgres
    except ModuleNotFoundError as error:
        raise PublicationError(f"{error.name} is not installed: run `make install`.") from error
    publish_postgres.tell(published)


TARGETS: dict[str, Callable[[Path], None]] = {
    "parquet": publish_parquet.tell,
    "postgres": to_postgres,
}


def names(text: str) -> list[str]:
    """What `--to` and JOURNEY_PUBLISH ask for beside the DuckDB file, which is always written."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in TARGETS and name != "duckdb":
            known = ", ".join(["duckdb", *TARGETS])
            raise argparse.ArgumentTypeError(f"{name!r} is no target; there are: {known}")
    return [name for name in dict.fromkeys(wanted) if name != "duckdb"]


def send(published: Path, targets: list[str]) -> int:
    """Bring each target to what is published; 0 if all of them are."""
    failed = 0
    for target in targets:
        try:
            TARGETS[target](published)
        except PublicationError as error:
            failed = 1
            print(
                f"not published to {target}, which stays at what it held: {error}\n"
                f"The DuckDB file is published. `python -m tools.publish_{target}` tries again.",
                file=sys.stderr,
            )
    return failed
