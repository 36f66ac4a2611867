"""The models' own documentation: `make dbt-docs`.

    python -m tools.dbt_docs [--target FOLDER] [--open]

Two files that need no server and no network: <folder>/static_index.html has every model and column
with its description, its SQL and the lineage graph (dbt docs), <folder>/lineage/index.html says of
each column which columns it is made of (dbt-colibri). Both are made of what the warehouse holds, so
something has to be built before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import webbrowser
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tools.advice import advice_on
from tools.publish import BUILT

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
QUIET = {
    "DBT_PROFILES_DIR": str(ROOT),
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    "DO_NOT_TRACK": "1",
    "DISABLE_COLIBRI_TELEMETRY": "1",
    "NO_COLOR": "1",
    "COLUMNS": "200",
}

# dbt's page asks for files that are not there: a favicon whose name was never filled in, and each
# icon by the template of its name before the name itself. Harmless, but an error each in the
# console, and a request each where the page lies on a server.
MENDED = {
    """href="${require('./assets/favicons/favicon.ico')}\"""": 'href="data:,"',
    '<use xlink:href="{{ ': '<use ng-attr-href="{{ ',
}


class Stopped(Exception):
    """What went wrong and how to mend it, in words for the person at the screen."""


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )


def generate(target: Path, root: Path = ROOT) -> None:
    """`dbt docs generate --static` into the target folder: manifest, catalog, compiled SQL, page.

    A model that the warehouse does not hold would be left out of the catalog without a word.
    """
    built = Path(os.environ.get("JOURNEY_DATABASE") or root / BUILT)
    if not built.exists():
        raise Stopped(
            f"{built} is not there. `make demo` builds the sample, `make build` your own."
        )
    done = run(
        *(BIN / "dbt", "--quiet", "docs", "generate", "--static", "--project-dir", root),
        *("--target-path", target, "--log-path", target / "logs"),
        cwd=root,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise Stopped(f"dbt docs generate stopped:\n{said}\n{advice_on(said, built)}".strip())
    unbuilt = [
        node["name"]
        for key, node in read(target, "manifest")["nodes"].items()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
        and key not in read(target, "catalog")["nodes"]
    ]
    if unbuilt:
        raise Stopped(
            f"{len(unbuilt)} models or seeds are not in {built}: {', '.join(sorted(unbuilt)[:5])} …"
            " Build them first: `make build`, or `make demo` for the sample."
        )
    page = target / "static_index.html"
    text = page.read_text()
    for theirs, ours in MENDED.items():
        text = text.replace(theirs, ours)
    page.write_text(text)


_read: dict[tuple[Path, int], dict] = {}


def read(target: Path, name: str) -> dict:
    path = target / f"{name}.json"
    key = (path, path.stat().st_mtime_ns)
    if key not in _read:
        _read[key] = json.loads(path.read_text())
    return _read[key]


# ---------------------------------------------------------------- column lineage


@dataclass(frozen=True)
class Lineage:
    """What dbt-colibri found: of each column (node, column) the columns that it is made of."""

    parents: dict[tuple[str, str], set[tuple[str, str]]]
    unread: list[str]  # models whose SQL it could not read whole

    def sources_of(self, node: str, column: str) -> set[tuple[str, str]]:
        """All columns, near and far, that a column comes from."""
        found: set[tuple[str, str]] = set()
        todo = [(node, column)]
        while todo:
            for parent in self.parents.get(todo.pop(), ()):
                if parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return found


def trace(target: Path) -> Lineage:
    """Writes <target>/lineage/index.html, and says what stands in it."""
    folder = target / "lineage"
    done = run(
        *(BIN / "colibri", "generate", "--disable-telemetry", "--output-dir", folder),
        *("--manifest", target / "manifest.json", "--catalog", target / "catalog.json"),
    )
    page, data = folder / "index.html", folder / "colibri-manifest.json"
    if done.returncode or not page.exists() or not data.exists():
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Stopped(f"colibri drew no lineage:\n{said}")
    parents: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for edge in json.loads(data.read_text())["lineage"]["edges"]:
        if edge.get("sourceColumn") and edge.get("targetColumn"):
            child = (edge["target"], edge["targetColumn"].lower())
            parents.setdefault(child, set()).add((edge["source"], edge["sourceColumn"].lower()))
    errors = folder / "colibri-parsing-errors.json"
    unread = json.loads(errors.read_text()) if errors.exists() else []
    return Lineage(parents, sorted(map(str, unread)))


def traced(lineage: Lineage, target: Path) -> tuple[Counter, Counter]:
    """Per layer: columns that lead back to another column, and all columns."""
    traced_count, count = Counter(), Counter()
    for key, node in read(target, "manifest")["nodes"].items():
        if node["resource_type"] == "model":
            layer = node["original_file_path"].split("/")[1]
            for column in read(target, "catalog")["nodes"][key]["columns"]:
                count[layer] += 1
                traced_count[layer] += (key, column.lower()) in lineage.parents
    return traced_count, count


def main() -> int:
    words = argparse.ArgumentParser(prog="make dbt-docs", description=__doc__.splitlines()[0])
    words.add_argument("--target", type=Path, default=ROOT / "target", metavar="FOLDER")
    words.add_argument("--open", action="store_true", help="show both pages in the browser")
    asked = words.parse_args()
    target = asked.target.resolve()
    try:
        generate(target)
        lineage = trace(target)
    except Stopped as stopped:
        print(f"dbt-docs: {stopped}", file=sys.stderr)
        return 1
    traced_count, count = traced(lineage, target)
    pages = [target / "static_index.html", target / "lineage" / "index.html"]
    print(f"models and columns  {pages[0]}")
    print(f"column lineage      {pages[1]}")
    for layer in ("staging", "intermediate", "marts"):
        print(f"  {layer}: {traced_count[layer]} of {count[layer]} columns traced")
    if asked.open:
        for page in pages:
            webbrowser.open(page.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
