"""What the models cost, as multiples of the physical floor.

    python -m tools.benchmark --events 1M 10M [--rounds 3] [--memory 3GB] [--keep folder]

Measured, all in one run and in turn (floor, build, floor, build, …), because only ratios inside one
run mean something on a shared machine:

    floor           read every raw row once and write it as a table
    full            dbt build --full-refresh of everything but the tests
    readers         queries on the KPI tables of the full build, in milliseconds
    idle            dbt build where nothing has come
    day             dbt build after the last of 90 days has come
    late            dbt build after one event of ten years before has come
    nothing, idle on nothing
                    full and idle on tables without a row: what dbt itself costs

Printed is the median of the rounds; the whole result, with each model's seconds, goes to
<keep>/result.json after each step, so that a run that is stopped has measured something. Copied to
tools/benchmark/results/models.json, it is what `python -m tools.benchmark.report` writes
docs/scaling.md's tables from.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from tools import hash_key
from tools.benchmark.data import LAST_DAY, Data, arrive, data_of
from tools.benchmark.measure import BenchmarkError, Cost, dbt, measured
from tools.benchmark.readers import readers
from tools.publish import code_version

# the clock is given, because tables without a row have none
VARIABLES = ["--vars", json.dumps({"as_of": f"{LAST_DAY + timedelta(days=1)} 00:00:00"})]
DBT_BUILD = ["--quiet", "build", "--exclude-resource-type", "test", "unit_test"]
BUILD = [*DBT_BUILD, *VARIABLES]
FULL = [*BUILD, "--full-refresh"]
UNITS = {"k": 1_000, "M": 1_000_000}


def event_count(text: str) -> int:
    """1_000_000 of "1M", "1000k" or "1_000_000"."""
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    try:
        events = int(float(number) * unit)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number of events: {text!r}; say 1M") from None
    if events < 1_000:
        raise argparse.ArgumentTypeError(f"{text}: a benchmark takes 1,000 events or more")
    return events


class Run:
    """One round: a database of its own, built from nothing and then delivered into."""

    def __init__(self, folder: Path, data: Data):
        self.folder, self.data = folder, data
        self.sizes: dict[str, int] = {}
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("full", "nothing"):
            (folder / name).mkdir(parents=True)
            hash_key.create(folder / name / "hash_key.parquet")
        arrive(data["nothing"], folder / "raw_nothing")
        arrive(data["base"], folder / "raw")

    def steps(self) -> Iterator[tuple[str, Cost]]:
        """Each step and its cost, in the order in which they have to come."""
        nothing, full = self.folder / "nothing", self.folder / "full"
        for where, raw in ((nothing, "raw_nothing"), (full, "raw")):
            # so that no step pays for reading
            dbt(where, self.folder / raw, "--quiet", "parse", *VARIABLES)
        yield "nothing", dbt(nothing, self.folder / "raw_nothing", *FULL)
        yield "idle on nothing", dbt(nothing, self.folder / "raw_nothing", *BUILD)
        yield "floor", self.floor()
        for step in ("full", "idle", "day", "late"):
            if step in ("day", "late"):
                arrive(self.data[step], self.folder / "raw")
            cost = dbt(full, self.folder / "raw", *(FULL if step == "full" else BUILD))
            self.sizes[step] = (full / "build.duckdb").stat().st_size
            yield step, cost

    def floor(self) -> Cost:
        database = self.folder / "floor.duckdb"
        command = [sys.executable, "-m", "tools.benchmark.floor", str(self.folder / "raw")]
        cost = measured([*command, str(database)], dict(os.environ), Path(f"{database}.tmp"))
        database.unlink()
        return cost


def machine() -> dict:
    """Where and with what it was measured."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "memory_bytes": pages * size,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "code_version": code_version() or "unknown",
    }


def medians(rounds: list[dict[str, Cost]]) -> dict[str, Cost]:
    """Step by step, and node by node, the median of the rounds that have come to it."""
    result = {}
    for step in rounds[0]:
        costs = [each[step] for each in rounds if step in each]
        fields = ("cpu_seconds", "wall_seconds", "peak_bytes", "spilled_bytes")
        middle = {name: statistics.median(getattr(cost, name) for cost in costs) for name in fields}
        nodes = {
            node: statistics.median(cost.nodes.get(node, 0.0) for cost in costs)
            for node in costs[0].nodes
        }
        result[step] = Cost(**middle, nodes=nodes)
    return result


def benchmark(events: int, rounds: int, keep: Path, tell: Callable[[dict], None]) -> dict:
    """All steps for one size of the sample; `tell` gets what has been measured after each."""
    data = data_of(events, keep)
    costs: list[dict[str, Cost]] = []
    result = {
        "events": events,
        "machine": machine() | {"memory_limit": os.environ["JOURNEY_MEMORY_LIMIT"]},
        "raw_rows": {part: data.row_count(part) for part in ("base", "day", "late")},
        "raw_bytes": {part: data.byte_count(part) for part in ("base", "day", "late")},
    }
    for number in range(rounds):
        print(f"{events:,} events, round {number + 1} of {rounds} …", flush=True)
        run = Run(keep / "run", data)
        costs.append({})
        for step, cost in run.steps():
            costs[-1][step] = cost
            of_steps = {name: asdict(middle) for name, middle in medians(costs).items()}
            result |= {"rounds": len(costs), "file_bytes": run.sizes, "steps": of_steps}
            if step == "full":
                result["readers"] = readers(run.folder / "full" / "build.duckdb")
            tell(result)
    shutil.rmtree(keep / "run")
    return result


def told(result: dict) -> str:
    """One size's steps as a table for the terminal."""
    steps = result["steps"]
    floor = steps["floor"]["cpu_seconds"]
    lines = [
        f"\n{result['raw_rows']['base']:,} raw rows, {result['raw_bytes']['base'] / 1e6:,.0f} MB",
        f"{'step':<18}{'CPU s':>9}{'x floor':>9}{'wall s':>9}{'peak GB':>9}{'spilled GB':>12}",
    ]
    for step, cost in steps.items():
        lines.append(
            f"{step:<18}{cost['cpu_seconds']:>9.1f}{cost['cpu_seconds'] / floor:>9.2f}"
            f"{cost['wall_seconds']:>9.1f}{cost['peak_bytes'] / 1e9:>9.2f}"
            f"{cost['spilled_bytes'] / 1e9:>12.2f}"
        )
    beyond = steps["full"]["cpu_seconds"] - steps["nothing"]["cpu_seconds"]
    day = steps["day"]["cpu_seconds"] - steps["idle on nothing"]["cpu_seconds"]
    lines.append(
        f"beyond dbt's own: full {beyond:.1f} s = {beyond / floor:.1f} x floor;"
        f" day {day:.1f} s = {day / beyond:.1%} of full"
    )
    lines.append("the dearest models of the full build, CPU s beyond their own on no rows:")
    empty = steps["nothing"]["nodes"]
    extra = {node: s - empty.get(node, 0.0) for node, s in steps["full"]["nodes"].items()}
    for node in sorted(extra, key=extra.get, reverse=True)[:12]:
        lines.append(f"  {node.split('.')[-1]:<44}{extra[node]:>8.2f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=event_count, nargs="+", default=[event_count("1M")])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("warehouse/benchmark"))
    parser.add_argument(
        "--memory", default="3GB", help="what DuckDB may hold before it writes to disk (3GB)"
    )
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds has to be at least 1")
    keep = arguments.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    # left to itself DuckDB takes four fifths of the memory, which somebody else may be using
    os.environ["JOURNEY_MEMORY_LIMIT"] = arguments.memory
    result = {"sizes": []}

    def tell(size: dict) -> None:
        others = [each for each in result["sizes"] if each["events"] != size["events"]]
        result["sizes"] = [*others, size]
        (keep / "result.json").write_text(json.dumps(result, indent=1) + "\n")

    try:
        for events in sorted(arguments.events):
            print(told(benchmark(events, arguments.rounds, keep, tell)), flush=True)
    except (BenchmarkError, subprocess.CalledProcessError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
