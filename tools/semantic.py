"""Ask the published tables by the names of metrics: `python -m tools.semantic`.

    python -m tools.semantic              # check every metric, then print the saved queries
    python -m tools.semantic query --metrics sessions --group-by metric_time__week
    python -m tools.semantic list metrics
    python -m tools.semantic document     # write the table of metrics in docs/semantic_layer.md

`query` and `list` are MetricFlow's own commands (`mf`) with all their options. Here they read the
published file, which they open for reading only, and not the private build file; and nobody is
asked over the network whether there is a newer version.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from tools.publish import PUBLISHED

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models" / "semantic"
DOCUMENT = ROOT / "docs" / "semantic_layer.md"
MARKS = ("<!-- metrics: written by `python -m tools.semantic document` -->", "<!-- metrics end -->")
COMMANDS = ("query", "list")
SHOWN = 12  # lines of each saved query


class SemanticError(Exception):
    """What stops a question before it is asked."""


# ---------------------------------------------------------------- the engine


def connect(published: Path = PUBLISHED, target_path: Path = ROOT / "target" / "semantic"):
    """MetricFlow over the published file; dbt reads the project first, or what changed in it."""
    if not published.exists():
        raise SemanticError(
            f"There is no {published}: nothing has been published yet. `make demo` makes one of the"
            " sample company, `make build` one of your own sources."
        )
    os.environ.update(
        JOURNEY_TARGET="published",
        JOURNEY_PUBLISHED=str(published),
        DBT_SEND_ANONYMOUS_USAGE_STATS="0",
        DO_NOT_TRACK="1",
    )
    from dbt.cli.main import dbtRunner  # these take a second
    from dbt_metricflow.cli.cli_configuration import CLIConfiguration
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import dbtArtifacts
    from metricflow_semantics.model.dbt_manifest_parser import (
        parse_manifest_from_dbt_generated_manifest,
    )

    class Published(CLIConfiguration):
        """As `mf` is configured, but with a manifest of its own beside the build's."""

        # beside an error, `mf` would name the build's manifest and a log that nobody writes
        is_setup = False

        def setup(self, **options) -> None:
            if self._dbt_project_metadata is None:
                super().setup(**options)

        @property
        def dbt_artifacts(self):
            if self._dbt_artifacts is None:
                from dbt.adapters.factory import get_adapter_by_type

                metadata = self.dbt_project_metadata
                text = (target_path / "semantic_manifest.json").read_text()
                self._dbt_artifacts = dbtArtifacts(
                    profile=metadata.profile,
                    project=metadata.project,
                    adapter=get_adapter_by_type(metadata.profile.credentials.type),
                    semantic_manifest=parse_manifest_from_dbt_generated_manifest(text),
                )
            return self._dbt_artifacts

    arguments = ["--quiet", "parse", "--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    outcome = dbtRunner().invoke([*arguments, "--target-path", str(target_path)])
    if not outcome.success:
        raise SemanticError(f"dbt cannot read the project: {outcome.exception}")
    configuration = Published()
    configuration.setup(dbt_profiles_path=ROOT, dbt_project_path=ROOT, configure_file_logging=False)
    return configuration


def issues(configuration) -> Iterator[tuple[str, list[str]]]:
    """What `mf validate-configs` checks: the heading of each step, and the errors it found."""
    from metricflow.validation.data_warehouse_model_validator import DataWarehouseModelValidator
    from metricflow_semantic_interfaces.validations.semantic_manifest_validator import (
        SemanticManifestValidator,
    )

    manifest = configuration.semantic_manifest
    tables = DataWarehouseModelValidator(sql_client=configuration.sql_client)
    steps = {
        "semantics": SemanticManifestValidator().validate_semantic_manifest,
        "semantic models": tables.validate_semantic_models,
        "dimensions": tables.validate_dimensions,
        "entities": tables.validate_entities,
        "measures": tables.validate_simple_metrics,
        "metrics": tables.validate_metrics,
    }
    for heading, step in steps.items():
        yield heading, [issue.as_readable_str() for issue in step(manifest).errors]


def ask(configuration, **question):
    """The rows of one question; the names of its parts are MetricFlowQueryRequest.create's."""
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    return configuration.mf.query(MetricFlowQueryRequest.create(**question)).result_df


def newest_first(group: str) -> str:
    """TimeDimension('metric_time', 'week') as what to order by: -metric_time__week."""
    kind, *names = re.findall(r"\w+", group)
    return ("-" if kind == "TimeDimension" else "") + "__".join(names)


# ---------------------------------------------------------------- the document


def read(kind: str) -> list[dict]:
    """All `metrics`, `semantic_models` or `saved_queries` of the project, in the files' order."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(MODELS.glob("*.yml"))]
    return [each for content in files for each in content.get(kind, [])]


def table_of_metrics() -> str:
    lines = ["| Metric | Type | Equals | Means |", "| --- | --- | --- | --- |"]
    for metric in read("metrics"):
        kpi = metric["config"]["meta"]["kpi"]
        equals = "" if kpi == "none" else f"`{kpi}`"
        means = " ".join(metric["description"].split())
        lines.append(f"| `{metric['name']}` | {metric['type']} | {equals} | {means} |")
    return "\n".join(lines)


def documented(text: str) -> str:
    """The document with the table of metrics as the yml files have it."""
    first, last = (re.escape(mark) for mark in MARKS)
    if not re.search(f"{first}.*{last}", text, flags=re.S):
        raise SemanticError(f"{DOCUMENT.name} lacks the lines {MARKS[0]} and {MARKS[1]}")
    table = f"{MARKS[0]}\n\n{table_of_metrics()}\n\n{MARKS[1]}"
    return re.sub(f"{first}.*{last}", lambda _: table, text, flags=re.S)


# ---------------------------------------------------------------- what a person types


def show_all(configuration) -> int:
    failed = 0
    for heading, errors in issues(configuration):
        print(f"{heading}: {len(errors)} errors")
        for error in errors:
            print(f"  {error}")
        failed += len(errors)
    if failed:
        return 1
    for query in configuration.semantic_manifest.saved_queries:
        order = [newest_first(group) for group in query.query_params.group_by]
        answer = ask(configuration, saved_query_name=query.name, order_by_names=order, limit=SHOWN)
        print(f"\n{query.name}: {query.description}")
        print(answer.text_format(4))
    return 0


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["document"]:
            DOCUMENT.write_text(documented(DOCUMENT.read_text()))
            return 0
        if arguments and arguments[0] not in COMMANDS:
            raise SemanticError(
                f"There is no command {arguments[0]}: say nothing (checks all, prints the saved"
                " queries), query, list or document."
            )
        configuration = connect()
        if not arguments:
            return show_all(configuration)
        from dbt_metricflow.cli import main as mf

        logging.getLogger().setLevel(logging.CRITICAL)  # `mf` says it all on the screen, too
        command = mf.query if arguments[0] == "query" else mf.list_command_group
        command.main(arguments[1:], prog_name=f"tools.semantic {arguments[0]}", obj=configuration)
    except SemanticError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
