"""What a command costs: CPU seconds, wall seconds, peak memory, bytes spilled to disk.

A command is a process of its own, so that what an earlier one left in memory is not counted with
it. CPU seconds (user and system, children included) are the steady measure on a machine that others
use too; wall seconds are not. Peak memory is the kernel's own (ru_maxrss). What DuckDB spills lies
in its temporary folder, which is looked at twenty times a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class BenchmarkError(Exception):
    """A command that was to be measured failed; the text is what it said."""


@dataclass
class Cost:
    """What one run of a command cost."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    spilled_bytes: int
    nodes: dict[str, float] = field(default_factory=dict)  # dbt's models -> CPU seconds


def measured(command: list[str], environment: dict[str, str], spill: Path) -> Cost:
    """Runs a command to its end; `spill` is where DuckDB writes what memory does not hold.

    Raises BenchmarkError with the end of its output where it fails.
    """
    most = [0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], bytes_in(spill))

    watcher = threading.Thread(target=watch, daemon=True)
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watcher.join()
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace")[-4000:]
            shown = " ".join(command)
            raise BenchmarkError(f"{shown}\nended with {process.returncode}:\n{said}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, wall, usage.ru_maxrss * 1024, most[0])


def bytes_in(folder: Path) -> int:
    """What the files of a folder hold; one that vanishes meanwhile holds nothing, as a folder."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(where, name)).st_size
    return total


def dbt(folder: Path, raw: Path, *arguments: str) -> Cost:
    """`dbt <arguments>` on the raw tables in `raw`, database and artifacts in `folder`."""
    told = folder / "nodes.json"
    told.unlink(missing_ok=True)
    environment = os.environ | {
        "JOURNEY_DATABASE": str(folder / "build.duckdb"),
        "JOURNEY_RAW": str(raw),
        "JOURNEY_HASH_KEY": str(folder / "hash_key.parquet"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    }
    command = [sys.executable, "-m", "tools.benchmark.worker", str(told), *arguments]
    cost = measured(command, environment, folder / "build.duckdb.tmp")
    cost.nodes = json.loads(told.read_text())
    return cost
