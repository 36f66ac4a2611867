"""dbt in process: what its macros answer, what it says, and the errors as sentences."""

from __future__ import annotations

import json
import logging
import re

log = logging.getLogger("journey")
# `[T4] seeds/…: …` as stop_on and the macros of explain_… write it
CODED = re.compile(r"^\s*(\[[A-Z]+-?[A-Z]*\d+\] .+?)\s*$", re.MULTILINE)


class Stopped(Exception):
    """dbt did not come to its end; `problems` are the coded sentences in what it said."""

    def __init__(self, message: str):
        super().__init__(message)
        self.problems = list(dict.fromkeys(CODED.findall(message)))

    @property
    def sentence(self) -> str:
        """What is worth reading of a message that has no code."""
        lines = [line.strip() for line in str(self).splitlines()]
        lines = [
            line
            for line in lines
            if line
            and not re.match(r"(Encountered an error|> in macro|> called by|\d\d:\d\d)", line)
        ]
        return " ".join(lines[:4])[:600] or "dbt stopped without a word; see logs/dbt.log"


def invoke(*arguments: str, target_path: str) -> tuple[object, list[str]]:
    """The outcome of a dbt command, and the lines that macros printed; raises Stopped."""
    from dbt.cli.main import dbtRunner

    printed, errors = [], []

    def heard(event) -> None:
        if event.info.name == "PrintEvent":
            printed.append(event.info.msg)
        elif event.info.level == "error":
            errors.append(event.info.msg)

    flags = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    flags += ["--no-use-colors", "--target-path", target_path]
    log.info("dbt %s", " ".join(arguments)[:500])
    try:
        outcome = dbtRunner(callbacks=[heard]).invoke([*arguments, *flags])
    finally:
        close_connections()
    if not outcome.success:
        message = "\n".join([*errors, str(outcome.exception or "")])
        log.warning("dbt stopped: %s", message)
        raise Stopped(message)
    return outcome.result, printed


def ask(jinja: str, target_path: str) -> str:
    """What a piece of Jinja renders to, with the project's macros and nodes."""
    result, _ = invoke("compile", "--inline", jinja, target_path=target_path)
    return result.results[0].node.compiled_code


def operate(macro: str, arguments: dict, target_path: str) -> list[str]:
    """The lines that an operation prints."""
    _, printed = invoke(
        "run-operation", macro, "--args", json.dumps(arguments), target_path=target_path
    )
    return printed


def close_connections() -> None:
    """dbt-duckdb keeps the file open for the life of the process; others want it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    reset_adapters()
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()
