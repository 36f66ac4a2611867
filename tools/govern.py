"""Is everything described, owned, tested and in its place? `make govern` (why: docs/style.md).

    python -m tools.govern [--target FOLDER]

Four questions to what dbt says of the project and to what the warehouse holds:

    described  dbt-coverage: each column of each model, seed and raw table has a description
    tested     dbt-coverage: each mart has a column with a test
    scored     dbt-score: the rules of tools/style_rules.py and dbt-score's own, 10 of 10 everywhere
    in place   dbt-bouncer (an environment of its own): names, files, layers, access, exposures

All four are asked, whatever the first one says, and any no makes the exit code 1. A tool that says
nothing, skips a rule or looks at nothing counts as a no. Nothing is sent or fetched.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import yaml

from tools.dbt_docs import BIN, ROOT, Stopped, generate, read, run

BOUNCER = Path(os.environ.get("JOURNEY_BOUNCER") or ROOT / ".venv-bouncer" / "bin" / "dbt-bouncer")
SHOWN = 40  # lines of a tool's own words


def last_lines(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-SHOWN:])


# ---------------------------------------------------------------- dbt-coverage


def coverage(kind: str, target: Path, root: Path) -> dict[str, dict]:
    """dbt-coverage's report, by table: what it has seen, column by column."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        done = run(
            *(BIN / "dbt-coverage", "compute", kind, "--project-dir", root),
            *("--run-artifacts-dir", target, "--cov-report", report),
        )
        if done.returncode or not report.exists():
            raise Stopped(f"dbt-coverage stopped:\n{last_lines(done.stdout + done.stderr)}")
        return {table["name"]: table for table in json.loads(report.read_text())["tables"]}


def is_described(target: Path, root: Path) -> str:
    tables = coverage("doc", target, root)
    bare = [
        f"{name}.{column['name']}"
        for name, table in tables.items()
        for column in table["columns"]
        if not column["covered"]
    ]
    if bare:
        raise Stopped(
            f"{len(bare)} columns have no description. Write one in the yml of the table (in"
            " models/_glossary.md where a column stands in more than one):\n"
            + last_lines("\n".join(bare))
        )
    columns = sum(table["total"] for table in tables.values())
    if not columns:
        raise Stopped("dbt-coverage looked at no column at all.")
    empty = [
        f"{source['source_name']}.{source['name']}"
        for source in read(target, "manifest")["sources"].values()
        if not source["columns"]
    ]
    if empty:  # a raw table that is not registered here is in no catalog
        raise Stopped(f"No columns are described of the raw tables {', '.join(empty)}.")
    return f"{columns} of {columns} columns in {len(tables)} tables"


def is_tested(target: Path, root: Path) -> str:
    marts = {
        f"{node['schema']}.{node['name']}".lower(): node["name"]
        for node in read(target, "manifest")["nodes"].values()
        if node["resource_type"] == "model"
        and node["original_file_path"].startswith("models/marts/")
    }
    tables = coverage("test", target, root)
    untested = [name for table, name in marts.items() if not tables.get(table, {"hits": 0})["hits"]]
    if untested:
        raise Stopped(
            f"{len(untested)} marts have no test: {', '.join(sorted(untested))}. At least the key"
            " has the constraint not_null and the test unique in the model's yml."
        )
    if not marts:
        raise Stopped("There is no mart at all.")
    return f"{len(marts)} of {len(marts)} marts"


# ---------------------------------------------------------------- dbt-score


def rules(root: Path) -> set[str]:
    """The rules that have to run, by dbt-score's own names: those that are not switched off."""
    from dbt_score import rule  # noqa: F401  # so that a missing package is named here
    from dbt_score.rule import Rule

    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["dbt-score"]
    found = set()
    for name in settings["rule_namespaces"]:
        module = importlib.import_module(name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Rule) and value is not Rule:
                found.add(value.source())
    off = set(settings["disabled_rules"])
    if off - found:
        raise Stopped(f"[tool.dbt-score] switches off what is not there: {', '.join(off - found)}.")
    return found - off


def is_scored(target: Path, root: Path) -> str:
    wanted = rules(root)
    done = run(
        *(BIN / "dbt-score", "lint", "--manifest", target / "manifest.json", "--format", "json"),
        cwd=root,
    )
    start = done.stdout.find("{")
    if start < 0:
        raise Stopped(f"dbt-score stopped:\n{last_lines(done.stdout + done.stderr)}")
    judged = json.loads(done.stdout[start:])["evaluables"]
    broken, ran = [], set()
    for thing, judgement in judged.items():
        for name, result in judgement["results"].items():
            ran.add(name)
            if result["result"] != "OK":
                broken.append(f"{thing.split('.', 2)[-1]}: {result['message']} [{name}]")
    if broken:
        raise Stopped(
            f"{len(broken)} rules of dbt-score are broken:\n" + last_lines("\n".join(broken))
        )
    # its rules for snapshots and the like have nothing to look at
    idle = {name for name in wanted - ran if not name.startswith("dbt_score.")}
    if idle:
        raise Stopped(f"These rules of tools/style_rules.py did not run: {', '.join(sorted(idle))}")
    if done.returncode or not judged:
        raise Stopped(f"dbt-score gives less than 10:\n{last_lines(done.stdout + done.stderr)}")
    asked = sum(bool(judgement["results"]) for judgement in judged.values())
    return f"{asked} models, seeds, raw tables and exposures by {len(ran)} rules"


# ---------------------------------------------------------------- dbt-bouncer


def is_in_place(target: Path, root: Path) -> str:
    if not BOUNCER.exists():
        raise Stopped(f"{BOUNCER} is not there: `make install-bouncer`.")
    settings = yaml.safe_load((root / "dbt-bouncer.yml").read_text())
    settings["dbt_artifacts_dir"] = str(target)
    with tempfile.TemporaryDirectory() as folder:
        config, report = Path(folder) / "dbt-bouncer.yml", Path(folder) / "report.json"
        config.write_text(yaml.safe_dump(settings))
        done = run(
            *(BOUNCER, "run", "--config-file", config, "--output-file", report),
            cwd=root,
        )
        if not report.exists():
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            raise Stopped(f"dbt-bouncer stopped:\n{last_lines(said)}")
        checks = json.loads(report.read_text())
    broken = [
        f"{check['check_run_id']}: {' '.join(str(check['failure_message']).split())}"
        for check in checks
        if check["outcome"] != "success"
    ]
    if broken:
        raise Stopped(
            f"{len(broken)} rules of dbt-bouncer.yml are broken:\n" + last_lines("\n".join(broken))
        )
    asked = {
        check["name"] for kind, listed in settings.items() if "_checks" in kind for check in listed
    }
    ran = {check["check_run_id"].split(":")[0] for check in checks}
    if asked - ran:
        raise Stopped(
            "These rules of dbt-bouncer.yml found nothing to look at (a path that is not there?): "
            + ", ".join(sorted(asked - ran))
        )
    if done.returncode:
        raise Stopped(f"dbt-bouncer stopped:\n{last_lines(done.stdout + done.stderr)}")
    return f"{len(checks)} checks by {len(asked)} rules"


QUESTIONS: dict[str, Callable[[Path, Path], str]] = {
    "described": is_described,
    "tested": is_tested,
    "scored": is_scored,
    "in place": is_in_place,
}


def ask(target: Path, root: Path = ROOT) -> bool:
    """Asks all questions of the artifacts in the target folder; prints the answers."""
    answers = []
    for question, answer in QUESTIONS.items():
        try:
            print(f"{question:<10} {answer(target, root)}", flush=True)
            answers.append(True)
        except Stopped as stopped:
            print(f"{question:<10} NO: {stopped}", flush=True)
            answers.append(False)
    return all(answers)


def main() -> int:
    words = argparse.ArgumentParser(prog="make govern", description=__doc__.splitlines()[0])
    words.add_argument("--target", type=Path, default=ROOT / "target", metavar="FOLDER")
    target = words.parse_args().target.resolve()
    try:
        generate(target)
    except Stopped as stopped:
        print(f"govern: {stopped}", file=sys.stderr)
        return 1
    if ask(target):
        return 0
    print("govern: something is missing, see NO above; docs/style.md says why it is asked for.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
