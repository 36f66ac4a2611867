"""The yml against dbt's own JSON schemas, and dbt's parser with its strict checks on.

dbt reads a mistyped key (`data tests:`) as nothing, without a word, on DuckDB and Spark: it looks
only for four cloud adapters. The schemas ship inside dbt-core all the same.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dbt.contracts.project import ProjectFlags
from dbt.jsonschemas import jsonschemas
from dbt_common.dataclass_schema import ValidationError
from jsonschema.validators import extend

# isort: split
# dbt imports itself in a circle where this comes before its project
from dbt.contracts.graph.unparsed import UnparsedMetric

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = [
    *sorted(ROOT.glob("models/**/*.yml")),
    *sorted(ROOT.glob("seeds/schema/*.yml")),
    *sorted(ROOT.glob("tests/**/*.yml")),
    *sorted(ROOT.glob("analyses/**/*.yml")),
]
OTHERS = [
    ROOT / ".pre-commit-config.yaml",
    ROOT / "profiles.yml",
    *sorted(ROOT.glob(".github/**/*.yml")),
    *sorted(ROOT.glob("examples/**/*.yml")),
    *sorted(ROOT.glob("tools/**/*.yml")),
]
SESSIONS = ROOT / "models" / "marts" / "core" / "fct_sessions.yml"

# dbt parse in a process of its own: the switch must not stay on for other tests of this one
STRICT_PARSE = """
import json, sys
from dbt.cli.main import dbtRunner
from dbt.jsonschemas import jsonschemas

jsonschemas._can_run_validations = lambda: True
found = []

def note(event):
    if "Deprecat" in event.info.name and event.info.name != "DeprecationsSummary":
        found.append(f"{event.info.name}: {' '.join(event.info.msg.split())}")

result = dbtRunner(callbacks=[note]).invoke(
    ["--quiet", "parse", "--no-partial-parse", "--show-all-deprecations", *sys.argv[1:]]
)
print(json.dumps({"success": result.success, "error": str(result.exception), "found": found}))
"""


def _type_after_rendering(validator, types, instance, schema):
    """A text with Jinja in it has the type of what it renders to, which only dbt knows."""
    if not (isinstance(instance, str) and "{{" in instance):
        yield from jsonschemas.custom_type_rule(validator, types, instance, schema) or ()


Validator = extend(jsonschemas.CustomDraft7Validator, {"type": _type_after_rendering})


class _Loader(yaml.SafeLoader):
    """As dbt reads yml, but a key that stands twice is an error: dbt takes the last one."""

    def construct_mapping(self, node, deep=False):
        # a merge (<<) brings another mapping's keys, which the mapping's own may stand before
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in own]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"twice: {', '.join(sorted(twice))}", node.start_mark
            )
        return super().construct_mapping(node, deep)


def read(text: str) -> dict:
    return yaml.load(text, _Loader)


def violations(content: dict, schema: dict) -> list[str]:
    """What the schema does not allow, as `path: why`, with the innermost reason of each."""
    found = []
    for error in Validator(schema).iter_errors(content):
        while error.context:
            error = max(error.context, key=lambda inner: len(inner.absolute_path))
        path = ".".join(str(part) for part in error.absolute_path)
        found.append(f"{path}: {error.message}")
    return found


def strict_parse(root: Path, target: Path) -> list[str]:
    """The deprecations that `dbt parse` names with its validator on."""
    done = subprocess.run(
        [sys.executable, "-c", STRICT_PARSE,
         "--project-dir", root, "--profiles-dir", root,
         "--target-path", target, "--log-path", target / "logs"],
        cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "JOURNEY_DATABASE": str(target / "none.duckdb")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["success"], answer["error"]
    return answer["found"]


# ---------------------------------------------------------------- the schemas


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_dbt_knows_every_key_of(path):
    content = read(path.read_text())
    # the schema has metrics in a form that dbt 1.11 does not read: what reads them judges them
    for metric in content.pop("metrics", []):
        UnparsedMetric.validate(metric)
    assert violations(content, jsonschemas.resources_schema()) == []


@pytest.mark.parametrize(("place", "key"), [([], "lable"), (["type_params"], "mesure")])
def test_a_mistyped_key_of_a_metric_is_found(place, key):
    metric = read((ROOT / "models" / "semantic" / "_acquisition.yml").read_text())["metrics"][0]
    inner = metric
    for name in place:
        inner = inner[name]
    inner[key] = "x"
    with pytest.raises(ValidationError):
        UnparsedMetric.validate(metric)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_key_stands_twice_in(path):
    assert read(path.read_text())


def test_dbt_knows_every_key_of_dbt_project_yml():
    content = read((ROOT / "dbt_project.yml").read_text())
    assert violations(content, jsonschemas.project_schema()) == []


@pytest.mark.parametrize(
    ("old", "new", "trace"),
    [
        ("    data_tests:", "    data tests:", "'data tests' was unexpected"),
        ("    data_type:", "    datatype:", "'datatype' was unexpected"),
        ("  description:", "  descriptoin:", "'descriptoin' was unexpected"),
        ("  columns:", "  config:\n    materialised: view\n  columns:", "'materialised'"),
        ("  columns:", "  config:\n    enabled: perhaps\n  columns:", "'perhaps' is not of type"),
        ("models:", "model:", "'model' was unexpected"),
    ],
)
def test_a_mistyped_key_or_value_of_a_model_is_found(old, new, trace):
    text = SESSIONS.read_text()
    assert old in text
    found = violations(read(text.replace(old, new, 1)), jsonschemas.resources_schema())
    assert any(trace in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("path", "value", "trace"),
    [
        (["seed"], {}, "'seed' was unexpected"),
        (["models", "customer_journey", "marts", "+enabled"], "perhaps", "perhaps"),
        (["models", "customer_journey", "marts", "materialized"], "table", "table"),
    ],
)
def test_a_mistyped_key_or_value_of_dbt_project_yml_is_found(path, value, trace):
    content = read((ROOT / "dbt_project.yml").read_text())
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = violations(content, jsonschemas.project_schema())
    assert any(trace in sentence for sentence in found), found


def test_dbt_knows_every_flag_of_dbt_project_yml():
    """The schema lets any flag pass."""
    flags = read((ROOT / "dbt_project.yml").read_text())["flags"]
    known = {field.name for field in dataclasses.fields(ProjectFlags)}
    assert "send_anonymous_usage_stats" in known
    assert flags.keys() <= known


def test_a_key_that_stands_twice_is_found():
    with pytest.raises(yaml.constructor.ConstructorError, match="twice: description"):
        read("models:\n- name: a\n  description: One row per a.\n  description: One row per b.\n")


# ---------------------------------------------------------------- dbt's parser


def test_dbt_names_no_deprecation_with_its_validator_on(tmp_path):
    assert strict_parse(ROOT, tmp_path) == []


def test_dbt_names_a_planted_deprecation(tmp_path):
    copy = tmp_path / "project"
    for folder in ("models", "macros", "seeds", "tests", "analyses"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, copy)
    planted = copy / SESSIONS.relative_to(ROOT)
    planted.write_text(planted.read_text().replace("  columns:", "  meta: {owner: us}\n  columns:"))
    found = strict_parse(copy, tmp_path / "target")
    assert any("owner" in sentence or "meta" in sentence for sentence in found), found
