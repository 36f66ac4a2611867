# ruff: noqa: E501 (the lines of the page that it writes)
"""Write docs/metrics.md from the project itself: `make metrics`.

The needs stand in tools/needs.yml, what each column means in the yml of its model. A need that
names a column which no model has stops the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "metrics.md"
NEEDS = ROOT / "tools" / "needs.yml"

HEAD = """\
# What each number means

<!-- written by `python -m tools.metrics` from the models' own descriptions; not by hand -->

Every published number, with its table. The same stands in `marts.metric_definitions` (one row per column), and all numbers in one form in `marts.kpi_long`.
Which rows stand behind a number:

```bash
.venv/bin/dbt run-operation explain_metric --args '{metric: kpi_trial_subscription.renewal_rate, period: 2025-06-01}'
```

- A rate has its numerator and denominator beside it, and Wilson 95 % bounds. NULL is not 0: it says that there was nothing to divide by, or nobody to tell.
- Only numerators and denominators may be added up. Counts of people do not add up over days or segments.
- `is_mature` says whether a window lay wholly before as_of; rows that are not mature can still grow.
- What compares people who chose (readers, help seekers, users of features) carries `is_causal = false`; only experiments say true.

## What is asked, and where it is answered

"""


def models() -> dict[str, dict]:
    """The KPI models as dbt reads them, by name, descriptions with their doc blocks filled in."""
    with tempfile.TemporaryDirectory() as target:
        command = [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "parse", "--no-partial-parse"),
            *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", target),
        ]
        environment = {**os.environ, "JOURNEY_DATABASE": ":memory:"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        nodes = json.loads((Path(target) / "manifest.json").read_text())["nodes"]
    return {
        node["name"]: node
        for node in nodes.values()
        if node["resource_type"] == "model" and "period_type" in node["config"]["meta"]
    }


def missing(needs: dict, tables: dict[str, dict]) -> list[str]:
    """The columns that a need names and no model has."""
    named = [name for of_stage in needs.values() for names in of_stage.values() for name in names]
    return [
        name
        for name in named
        if name.split(".")[0] not in tables
        or name.split(".")[1] not in tables[name.split(".")[0]]["columns"]
    ]


def coverage(needs: dict) -> str:
    lines = ["| | What is asked | Table and column |", "| --- | --- | --- |"]
    for stage, of_stage in needs.items():
        for need, names in of_stage.items():
            lines.append(f"| {stage} | {need} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines)


def section(node: dict) -> str:
    lines = [
        f"### {node['name']}",
        "",
        node["description"],
        "",
        "| Column | Means |",
        "| --- | --- |",
    ]
    for name, column in node["columns"].items():
        if name.endswith(("_lower", "_upper")):
            continue
        text = column["description"].replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{name}` | {text} |")
    return "\n".join(lines)


def page() -> str:
    tables, needs = models(), yaml.safe_load(NEEDS.read_text())
    if absent := missing(needs, tables):
        sys.exit(f"tools/needs.yml names columns that no model has: {', '.join(absent)}")
    folders: dict[str, list[dict]] = {}
    for name in sorted(tables):
        node = tables[name]
        folders.setdefault(node["fqn"][-2], []).append(node)
    parts = [HEAD + coverage(needs)]
    for folder in sorted(folders):
        parts.append(f"## {folder.capitalize()}")
        parts.extend(section(node) for node in folders[folder])
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{PAGE.relative_to(ROOT)} is written")
