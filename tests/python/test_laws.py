"""The laws of the house: each one looked for in the project, and a planted fault found by it.

A law is a function from the project (the manifest of `dbt parse` and the texts of the files) to a
list of sentences, one for each place where it is broken. What it looks at is data, so that a fault
can be planted in a copy.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mutants
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# an offer is what has a table at the waist; loads are counted of every source
OFFERS = {
    path.stem.removeprefix("int_").removesuffix("_unioned")
    for path in (ROOT / "models" / "intermediate" / "canonical").glob("int_*_unioned.sql")
} - {"loads"}
# collectors and business systems, by their own names: past the waist nobody says them
SYSTEMS = {
    *("segment", "rudderstack", "snowplow", "ga4", "posthog", "amplitude", "mixpanel", "matomo"),
    *("heap", "stripe", "chargebee", "recurly", "hubspot", "salesforce", "pipedrive", "zendesk"),
    *("intercom", "mailchimp", "braze", "klaviyo", "shopify", "typeform"),
}


@dataclass(frozen=True)
class Project:
    manifest: dict
    texts: dict[str, str]

    def models(self) -> list[dict]:
        nodes = self.manifest["nodes"].values()
        return [node for node in nodes if node["resource_type"] == "model"]

    def node(self, name: str) -> dict:
        return next(node for node in self.models() if node["name"] == name)

    def below(self, *folders: str, end: str = ".sql") -> dict[str, str]:
        return {
            path: text
            for path, text in self.texts.items()
            if path.endswith(end) and path.startswith(tuple(f"{folder}/" for folder in folders))
        }

    # ------------------------------------------------------------ copies with a fault in them

    def with_text(self, path: str, text: str | None) -> Project:
        texts = {**self.texts, path: text}
        return Project(self.manifest, {k: v for k, v in texts.items() if v is not None})

    def with_line(self, path: str, line: str) -> Project:
        return self.with_text(path, self.texts[path] + "\n" + line + "\n")

    def with_node(self, name: str, change: Callable[[dict], object]) -> Project:
        changed = Project(copy.deepcopy(self.manifest), self.texts)
        change(changed.node(name))
        return changed

    def with_edge(self, name: str, parent: str) -> Project:
        return self.with_node(name, lambda node: node["depends_on"]["nodes"].append(parent))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The project as it is, with every source that has staging models registered."""
    target = tmp_path_factory.mktemp("parsed")
    sources = {
        folder.name: [
            offer
            for offer in sorted(OFFERS)
            if (folder / f"stg_{folder.name}__{offer}.sql").exists()
        ]
        for folder in sorted((ROOT / "models" / "staging").iterdir())
        if folder.is_dir()
    }
    dbt = Path(sys.executable).with_name("dbt")
    arguments = [
        "--quiet", "parse", "--no-partial-parse", "--vars", json.dumps({"sources": sources}),
        "--project-dir", ROOT, "--profiles-dir", ROOT,
        "--target-path", target, "--log-path", target / "logs",
    ]  # fmt: skip
    environment = {**os.environ, "JOURNEY_DATABASE": str(target / "none.duckdb")}
    done = subprocess.run(
        [dbt, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((target / "manifest.json").read_text())
    assert not manifest["disabled"], "a model is left out of what the laws look at"
    files = [
        *ROOT.glob("models/**/*.sql"),
        *ROOT.glob("models/**/*.yml"),
        *ROOT.glob("models/**/*.md"),
        *ROOT.glob("macros/**/*.sql"),
        *ROOT.glob("seeds/*/*.*"),
        ROOT / ".sqlfluffignore",
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files}
    return Project(manifest, texts)


# ---------------------------------------------------------------- what the laws are said with

LAWS: list[Callable[[Project], list[str]]] = []


def law(check):
    LAWS.append(check)
    return check


def room(node: dict) -> str:
    """The folder of a model below models/: staging/segment, intermediate/canonical, marts/core."""
    return str(Path(node["original_file_path"]).relative_to("models").parent.as_posix())


def is_in(node: dict, folder: str) -> bool:
    return f"{room(node)}/".startswith(f"{folder}/")


def parents(project: Project, node: dict) -> Iterator[tuple[str, dict | None]]:
    """Name and model of each parent; no model for a source or a seed."""
    for parent in node["depends_on"]["nodes"]:
        found = project.manifest["nodes"].get(parent)
        is_model = found is not None and found["resource_type"] == "model"
        yield parent, found if is_model else None


def without_comments(sql: str) -> str:
    sql = re.sub(r"\{#.*?#\}|/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), sql, flags=re.S)
    return re.sub(r"--.*", "", sql)


def lines_with(project: Project, pattern: str, *folders: str) -> list[str]:
    """Places in the SQL below the folders, comments aside, that match."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in project.below(*folders).items()
        for number, line in enumerate(without_comments(text).splitlines(), 1)
        if re.search(pattern, line, flags=re.I)
    ]


def macros_reached(project: Project, node: dict) -> set[str]:
    """Names of the project's macros that a model calls, directly or through another."""
    macros = project.manifest["macros"]
    reached, todo = set(), list(node["depends_on"]["macros"])
    while todo:
        macro = todo.pop()
        if macro not in reached and macro in macros:
            reached.add(macro)
            todo.extend(macros[macro]["depends_on"]["macros"])
    return {macro.split(".")[-1] for macro in reached}


def yml_of(project: Project, *folders: str) -> Iterator[tuple[str, dict]]:
    """Each model and seed that a yml file describes, with the file's path."""
    for path, text in project.below(*folders, end=".yml").items():
        content = yaml.safe_load(text)
        for node in [*content.get("models", []), *content.get("seeds", [])]:
            yield path, node


# ---------------------------------------------------------------- the four laws


@law
def only_staging_reads_sources(project):
    return [
        f"{node['name']} reads {parent}"
        for node in project.models()
        if not is_in(node, "staging")
        for parent in node["depends_on"]["nodes"]
        if parent.startswith("source.")
    ]


@law
def only_staging_calls_a_macro_that_reads_raw_rows(project):
    raw = {"raw_table", "raw_generic_table", "raw_relation", "hash_key_relation", "read_files"}
    return [
        f"{node['name']} reaches {', '.join(sorted(found))}"
        for node in project.models()
        if not is_in(node, "staging") and (found := macros_reached(project, node) & raw)
    ]


@law
def every_table_is_read_through_ref_or_source(project):
    return lines_with(
        project, r"^\s*(from|(inner |left |cross |full )?join)\s+\"?\w+\"?\.", "models"
    )


@law
def only_canonical_reads_staging(project):
    return [
        f"{node['name']} reads {parent['name']}"
        for node in project.models()
        if not is_in(node, "staging") and not is_in(node, "intermediate/canonical")
        for _, parent in parents(project, node)
        if parent is not None and is_in(parent, "staging")
    ]


@law
def staging_reads_only_its_own_source(project):
    return [
        f"{node['name']} reads {parent}"
        for node in project.models()
        if is_in(node, "staging")
        for parent, model in parents(project, node)
        if (model is not None and room(model) != room(node))
        or (parent.startswith("source.") and f"staging/{parent.split('.')[2]}" != room(node))
    ]


@law
def marts_read_only_intermediate_models_marts_and_seeds(project):
    return [
        f"{node['name']} reads {parent}"
        for node in project.models()
        if is_in(node, "marts")
        for parent, model in parents(project, node)
        if not parent.startswith("seed.")
        and (model is None or not (is_in(model, "marts") or is_in(model, "intermediate")))
    ]


@law
def no_source_is_named_past_canonical(project):
    folders = {room(node).split("/")[1] for node in project.models() if is_in(node, "staging")}
    anywhere = "|".join(sorted(SYSTEMS))
    # such a folder may be called like something else in the world (ads, email): only as a source
    spelled = "|".join(sorted(folders))
    pattern = (
        rf"\b({anywhere})\b|\b(stg|raw)_({spelled})(__|\b)|\b({spelled})__"
        rf"|\bsource_(name|table)\b.*'({spelled})[.']"
    )
    past = {
        path: text
        for path, text in project.below("models", "macros/journey").items()
        if not path.startswith(("models/staging/", "models/intermediate/canonical/"))
    }
    names = [path for path in past if set(re.split(r"[^a-z0-9]+", path)) & (SYSTEMS | folders)]
    return names + lines_with(Project(project.manifest, past), pattern, "models", "macros")


@law
def kpi_models_read_only_facts_dimensions_bridges_and_seeds(project):
    return [
        f"{node['name']} reads {parent}"
        for node in project.models()
        # kpi_long computes nothing: it is the KPI tables under each other
        if node["name"].startswith("kpi_") and node["name"] != "kpi_long"
        for parent, model in parents(project, node)
        if not parent.startswith("seed.")
        and not (
            model is not None
            and is_in(model, "marts")
            and model["name"].startswith(("fct_", "dim_", "bridge_"))
        )
    ]


# ---------------------------------------------------------------- files and descriptions


@law
def every_file_has_its_yml_beside_it(project):
    """Models and seeds; a yml whose name begins with _ describes no model."""
    models = project.below("models")
    seeds = project.below("seeds/taxonomy", end=".csv")
    missing = [path for path in models if path.removesuffix(".sql") + ".yml" not in project.texts]
    missing += [
        path for path in seeds if f"seeds/schema/{Path(path).stem}.yml" not in project.texts
    ]
    alone = [
        path
        for path in project.below("models", end=".yml")
        if not Path(path).name.startswith("_") and path.removesuffix(".yml") + ".sql" not in models
    ]
    alone += [
        path
        for path in project.below("seeds/schema", end=".yml")
        if f"seeds/taxonomy/{Path(path).stem}.csv" not in seeds
    ]
    strangers = [
        f"{path} describes {node['name']}"
        for path, node in yml_of(project, "models", "seeds/schema")
        if Path(path).stem != node["name"]
    ]
    return [f"{path} has no yml" for path in missing] + alone + strangers


@law
def every_description_begins_with_one_row_per(project):
    nodes = project.manifest["nodes"].values()
    described = [node for node in nodes if node["resource_type"] in ("model", "seed")]
    described += project.manifest["sources"].values()
    return [
        f"{node['name']}: {node['description'][:40]!r}"
        for node in described
        if not node["description"].startswith("One row per ")
    ]


@law
def every_column_of_a_model_and_of_a_raw_table_is_described(project):
    """That all columns are listed is asked where there is a warehouse: test_sample_company.py."""
    return [
        f"{node['name']}.{column}"
        for node in [*project.models(), *project.manifest["sources"].values()]
        for column, about in node["columns"].items() or {"(no columns)": {}}.items()
        if not about.get("description", "").strip()
    ]


@law
def no_description_of_a_column_is_written_twice(project):
    """What stands in two tables stands in models/_glossary.md and is called by {{ doc() }}."""
    places = defaultdict(list)
    for path, node in yml_of(project, "models"):
        for column in node.get("columns", []):
            text = column.get("description", "").strip()
            if text and "doc(" not in text:
                places[column["name"], text].append(Path(path).stem)
    return [
        f"{name} in {', '.join(tables)}: {text!r}"
        for (name, text), tables in places.items()
        if len(tables) > 1
    ]


# ---------------------------------------------------------------- groups and access


@law
def every_model_belongs_to_a_group_and_a_mart_to_that_of_its_folder(project):
    groups = {group["name"] for group in project.manifest["groups"].values()}
    return [
        f"{node['name']} is in the group {node['group']}"
        for node in project.models()
        if node["group"] not in groups
        or (is_in(node, "marts") and node["group"] != room(node).split("/")[1])
    ]


@law
def marts_are_public_staging_is_private_and_the_rest_protected(project):
    """dbt itself refuses a ref() to a private model from another group."""
    access = {"marts": "public", "staging": "private"}
    return [
        f"{node['name']} is {node['access']}"
        for node in project.models()
        if node["access"] != access.get(room(node).split("/")[0], "protected")
    ]


@law
def an_exposure_reads_marts_and_nothing_else(project):
    return [
        f"{exposure['name']} reads {parent}"
        for exposure in project.manifest["exposures"].values()
        for parent in exposure["depends_on"]["nodes"] or ["nothing"]
        if parent not in project.manifest["nodes"]
        or not is_in(project.manifest["nodes"][parent], "marts")
    ]


# ---------------------------------------------------------------- contracts and tests


@law
def every_mart_and_every_union_has_an_enforced_contract(project):
    return [
        node["name"]
        for node in project.models()
        if is_in(node, "marts") or re.fullmatch(r"int_\w+_unioned", node["name"])
        if not node["config"]["contract"]["enforced"] or not node["columns"]
    ]


@law
def every_mart_has_a_test_of_its_key(project):
    keyed = {
        node.get("attached_node")
        for node in project.manifest["nodes"].values()
        if node["resource_type"] == "test"
        and "unique" in (node.get("test_metadata") or {}).get("name", "")
        and node["config"]["enabled"]
        and node["config"]["severity"].lower() == "error"
        and not node["config"].get("where")
    }
    return [
        node["name"]
        for node in project.models()
        if is_in(node, "marts") and node["unique_id"] not in keyed
    ]


# ---------------------------------------------------------------- the same on every engine


@law
def no_model_reads_the_wall_clock(project):
    clock = r"\b(current_timestamp|current_date|current_time|localtimestamp|getdate|sysdate"
    return lines_with(project, clock + r"|now\s*\(|today\s*\()", "models", "macros")


@law
def no_model_branches_on_the_engine(project):
    return lines_with(project, r"\b(target|adapter)\s*\.\s*type\b|\btarget\.name\b", "models")


@law
def no_model_calls_a_function_without_an_order_or_of_one_engine(project):
    return lines_with(project, r"\b(any_value|arbitrary|first|last|hash|mode)\s*\(", "models")


@law
def staging_casts_only_by_macro(project):
    """DuckDB's own cast of a text to a timestamp drops the offset without a word."""
    return lines_with(project, r"\b(try_)?cast\s*\(|::", "models/staging")


@law
def no_variable_is_pasted_into_sql_unquoted(project):
    calls = lines_with(project, r"\{\{[^}]*\b(env_)?var\(", "models")
    return [
        call for call in calls if not re.search(r"\bquoted\(\s*var\(|var\([^)]*\) \| int\b", call)
    ]


@law
def a_macro_of_an_engine_has_its_sister_for_the_other(project):
    """Where DuckDB and Spark want the same text, the comment above says "same text on both".

    A macro that replaces one of dbt's own for an engine has dbt's as its sister.
    """
    broken = []
    of_dbt = {name.rsplit(".", 1)[-1] for name in project.manifest["macros"] if ".dbt." in name}
    for path, text in project.below("macros").items():
        defined = set(re.findall(r"\{%-? *macro +(\w+)\(", text))
        said = set(re.findall(r"same text on both[^#]*#\}\s*\{%-? *macro +(\w+)\(", text))
        for name in sorted(defined):
            engine, _, base = name.partition("__")
            if engine == "default" and f"spark__{base}" not in defined and base not in said:
                broken.append(f"{path}: {name} has no spark__{base}")
            if (
                engine in ("spark", "postgres", "duckdb")
                and f"default__{base}" not in defined | of_dbt
            ):
                broken.append(f"{path}: {name} has no default__{base}")
        for base in re.findall(r"adapter\.dispatch\('(\w+)'", text):
            if f"default__{base}" not in defined:
                broken.append(f"{path}: {base} dispatches to nothing in its file")
    return broken


# ---------------------------------------------------------------- style that sqlfluff leaves out


@law
def sql_is_indented_by_multiples_of_four_spaces(project):
    return [
        f"{path}:{number}"
        for path, text in project.below("models").items()
        for number, line in enumerate(text.splitlines(), 1)
        if "\t" in line or (len(line) - len(line.lstrip(" "))) % 4
    ]


@law
def what_sqlfluff_skips_is_one_macro_call(project):
    patterns = [
        line for line in project.texts[".sqlfluffignore"].splitlines() if line.startswith("models/")
    ]
    skipped = {
        path: text
        for path, text in project.below("models").items()
        if any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
    }
    assert patterns and skipped
    call = r"\s*(\{\{ *config\([^}]*(\{\{[^}]*\}\}[^}]*)*\) *\}\}\s*)?\{\{[^{}]*\}\}\s*"
    return [
        path for path, text in skipped.items() if not re.fullmatch(call, without_comments(text))
    ]


# ---------------------------------------------------------------- faults that the laws find

STAGED = "model.customer_journey.stg_segment__tracks"
RAW = "source.customer_journey.segment.tracks"
CANONICAL = "model.customer_journey.int_events_unioned"
KPI = "model.customer_journey.kpi_acquisition_daily"

MART = "models/marts/core/fct_sessions.sql"
MART_YML = "models/marts/core/fct_sessions.yml"
STAGING = "models/staging/segment/stg_segment__tracks.sql"
UNION = "models/intermediate/canonical/int_events_unioned.sql"
TEXT = "macros/engine/text.sql"


def macro_call(name: str):
    return lambda node: node["depends_on"]["macros"].append(f"macro.customer_journey.{name}")


def config(key: str, value):
    return lambda node: node["config"].update({key: value})


def column(name: str, **values):
    return lambda node: node["columns"][name].update(values)


def described(text: str):
    return lambda node: node.update({"description": text})


def without_tests(project: Project, name: str) -> Project:
    changed = copy.deepcopy(project.manifest)
    changed["nodes"] = {
        key: node
        for key, node in changed["nodes"].items()
        if node.get("attached_node") != f"model.customer_journey.{name}"
    }
    return Project(changed, project.texts)


def with_weak_tests(project: Project, name: str) -> Project:
    changed = Project(copy.deepcopy(project.manifest), project.texts)
    for node in changed.manifest["nodes"].values():
        if node.get("attached_node") == f"model.customer_journey.{name}":
            node["config"]["severity"] = "WARN"
    return changed


def without_columns(project: Project, source: str) -> Project:
    changed = Project(copy.deepcopy(project.manifest), project.texts)
    changed.manifest["sources"][source]["columns"] = {}
    return changed


def with_reader(project: Project, parent: str) -> Project:
    changed = Project(copy.deepcopy(project.manifest), project.texts)
    superset = changed.manifest["exposures"]["exposure.customer_journey.superset"]
    superset["depends_on"]["nodes"].append(parent)
    return changed


def twice_described(project: Project) -> Project:
    text = "models:\n- name: {}\n  columns:\n  - name: x\n    description: An x.\n"
    for name in ("dim_a", "dim_b"):
        project = project.with_text(f"models/marts/core/{name}.yml", text.format(name))
    return project


FAULTS: list[tuple[Callable, Callable[[Project], Project], str]] = [
    (only_staging_reads_sources, lambda p: p.with_edge("int_as_of", RAW), "int_as_of"),
    (only_staging_reads_sources, lambda p: p.with_edge("fct_sessions", RAW), "fct_sessions"),
    (
        only_staging_calls_a_macro_that_reads_raw_rows,
        lambda p: p.with_node("int_events_unioned", macro_call("generic_handles")),
        "raw_generic_table",
    ),
    (
        only_staging_calls_a_macro_that_reads_raw_rows,
        lambda p: p.with_node("dim_persons", macro_call("keyed_hash")),
        "hash_key_relation",
    ),
    (
        every_table_is_read_through_ref_or_source,
        lambda p: p.with_line(MART, "    left join raw_segment.tracks on true"),
        "raw_segment.tracks",
    ),
    (only_canonical_reads_staging, lambda p: p.with_edge("int_sessions_aggregated", STAGED), "stg"),
    (only_canonical_reads_staging, lambda p: p.with_edge("dim_persons", STAGED), "dim_persons"),
    (
        staging_reads_only_its_own_source,
        lambda p: p.with_edge("stg_billing__events", STAGED),
        "stg_billing__events",
    ),
    (
        staging_reads_only_its_own_source,
        lambda p: p.with_edge("stg_billing__invoices", RAW),
        "segment.tracks",
    ),
    (
        staging_reads_only_its_own_source,
        lambda p: p.with_edge("stg_billing__invoices", CANONICAL),
        "int_events_unioned",
    ),
    (
        marts_read_only_intermediate_models_marts_and_seeds,
        lambda p: p.with_edge("fct_sessions", STAGED),
        "stg_segment__tracks",
    ),
    (
        no_source_is_named_past_canonical,
        lambda p: p.with_line(MART, "where source_name = 'billing'"),
        "fct_sessions.sql",
    ),
    (
        no_source_is_named_past_canonical,
        lambda p: p.with_line(MART, "select rudderstack from events"),
        "rudderstack",
    ),
    (
        no_source_is_named_past_canonical,
        lambda p: p.with_line("macros/journey/traffic.sql", "{{ ref('stg_ads__spend') }}"),
        "stg_ads__spend",
    ),
    (
        no_source_is_named_past_canonical,
        lambda p: p.with_text("models/marts/core/fct_snowplow_events.sql", "select 1"),
        "fct_snowplow_events",
    ),
    (
        kpi_models_read_only_facts_dimensions_bridges_and_seeds,
        lambda p: p.with_edge("kpi_retention_cohorts", CANONICAL),
        "int_events_unioned",
    ),
    (
        kpi_models_read_only_facts_dimensions_bridges_and_seeds,
        lambda p: p.with_edge("kpi_retention_cohorts", KPI),
        "kpi_acquisition_daily",
    ),
    (every_file_has_its_yml_beside_it, lambda p: p.with_text(MART_YML, None), "fct_sessions.sql"),
    (every_file_has_its_yml_beside_it, lambda p: p.with_text(MART, None), MART_YML),
    (
        every_file_has_its_yml_beside_it,
        lambda p: p.with_text(MART_YML, p.texts[MART_YML].replace("name: fct_s", "name: fact_s")),
        "fact_sessions",
    ),
    (
        every_file_has_its_yml_beside_it,
        lambda p: p.with_text("seeds/schema/goals.yml", None),
        "goals.csv",
    ),
    (
        every_description_begins_with_one_row_per,
        lambda p: p.with_node("dim_persons", described("The persons.")),
        "dim_persons",
    ),
    (
        every_column_of_a_model_and_of_a_raw_table_is_described,
        lambda p: p.with_node("dim_persons", column("person_id", description=" ")),
        "dim_persons.person_id",
    ),
    (
        every_column_of_a_model_and_of_a_raw_table_is_described,
        lambda p: p.with_node("stg_segment__tracks", lambda node: node.update(columns={})),
        "stg_segment__tracks",
    ),
    (
        every_column_of_a_model_and_of_a_raw_table_is_described,
        lambda p: without_columns(p, RAW),
        "tracks",
    ),
    (
        every_model_belongs_to_a_group_and_a_mart_to_that_of_its_folder,
        lambda p: p.with_node("int_as_of", lambda node: node.update(group=None)),
        "int_as_of",
    ),
    (
        every_model_belongs_to_a_group_and_a_mart_to_that_of_its_folder,
        lambda p: p.with_node("dim_persons", lambda node: node.update(group="retention")),
        "dim_persons",
    ),
    (
        marts_are_public_staging_is_private_and_the_rest_protected,
        lambda p: p.with_node("stg_segment__tracks", lambda node: node.update(access="protected")),
        "stg_segment__tracks",
    ),
    (an_exposure_reads_marts_and_nothing_else, lambda p: with_reader(p, CANONICAL), "superset"),
    (an_exposure_reads_marts_and_nothing_else, lambda p: with_reader(p, RAW), "superset"),
    (no_description_of_a_column_is_written_twice, twice_described, "x in dim_a, dim_b"),
    (
        every_mart_and_every_union_has_an_enforced_contract,
        lambda p: p.with_node("dim_persons", config("contract", {"enforced": False})),
        "dim_persons",
    ),
    (
        every_mart_and_every_union_has_an_enforced_contract,
        lambda p: p.with_node("int_events_unioned", config("contract", {"enforced": False})),
        "int_events_unioned",
    ),
    (every_mart_has_a_test_of_its_key, lambda p: without_tests(p, "dim_persons"), "dim_persons"),
    (every_mart_has_a_test_of_its_key, lambda p: with_weak_tests(p, "dim_persons"), "dim_persons"),
    (
        no_model_reads_the_wall_clock,
        lambda p: p.with_line(MART, "select Current_Date"),
        "fct_sessions.sql",
    ),
    (
        no_model_reads_the_wall_clock,
        lambda p: p.with_line("macros/journey/money.sql", "select now()"),
        "money.sql",
    ),
    (
        no_model_branches_on_the_engine,
        lambda p: p.with_line(STAGING, "{% if target.type == 'spark' %}"),
        "stg_segment__tracks.sql",
    ),
    (
        no_model_calls_a_function_without_an_order_or_of_one_engine,
        lambda p: p.with_line(MART, "select first(page_path)"),
        "first(page_path)",
    ),
    (
        no_model_calls_a_function_without_an_order_or_of_one_engine,
        lambda p: p.with_line(UNION, "select hash(event_id)"),
        "hash(event_id)",
    ),
    (
        staging_casts_only_by_macro,
        lambda p: p.with_line(STAGING, "select cast(sent_at as timestamp)"),
        "sent_at",
    ),
    (
        no_variable_is_pasted_into_sql_unquoted,
        lambda p: p.with_line(MART, "where currency_code = '{{ var('reporting_currency') }}'"),
        "reporting_currency",
    ),
    (
        a_macro_of_an_engine_has_its_sister_for_the_other,
        lambda p: p.with_text(TEXT, p.texts[TEXT].replace("macro spark__sha256(", "macro sha2(")),
        "default__sha256",
    ),
    (
        a_macro_of_an_engine_has_its_sister_for_the_other,
        lambda p: p.with_text(TEXT, p.texts[TEXT].replace("macro default__sha256(", "macro s(")),
        "spark__sha256",
    ),
    (
        sql_is_indented_by_multiples_of_four_spaces,
        lambda p: p.with_line(MART, "   , x"),
        "fct_sessions.sql",
    ),
    (
        what_sqlfluff_skips_is_one_macro_call,
        lambda p: p.with_line(UNION, "where Event_id is not null"),
        "int_events_unioned.sql",
    ),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_project_keeps_the_law_that(project, law):
    broken = law(project)
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("law", "plant", "trace"),
    FAULTS,
    ids=[f"{law.__name__}-{number}" for number, (law, _, _) in enumerate(FAULTS, 1)],
)
def test_a_planted_fault_is_found_by_the_law_that(project, law, plant, trace):
    found = set(law(plant(project))) - set(law(project))
    assert any(trace in sentence for sentence in found), found


def test_every_law_has_a_fault_that_it_finds():
    assert {law for law, _, _ in FAULTS} == set(LAWS)


def test_comments_are_no_sql_and_text_after_them_is():
    sql = "select 1 -- now()\n{# GA4\n now() #}\nselect now()"
    assert without_comments(sql).splitlines()[-1] == "select now()"
    assert without_comments(sql).count("now()") == 1


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_finds_the_place_that_it_breaks(mutant):
    text = (ROOT / mutant.path).read_text()
    assert mutant.of(text) != text
