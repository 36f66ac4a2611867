"""The same work done by others, with the same inputs in the same run (make bench-peers).

    python -m tools.benchmark.peers --events 1M --rounds 3 [--keep warehouse/benchmark]

Two questions, each asked of all in turn (A B C D, A B C D, …), each answer a process of its own:

    chain           raw rows to daily activity, channels, pages, a funnel and retention, as
                    README.md in tools/benchmark/peers says: DuckDB, Polars, chDB (ClickHouse) and
                    Spark on the cores of this machine; beside them `floor`, every raw row read once
                    and written as a table, and with --build the project's whole dbt build
    components      the connected components of four graphs: the project's SQL, scipy, igraph and
                    networkx (the last two only up to 1M edges, or with --all-libraries)

All have to come to the same rows, or it ends with the table, the name and the first rows that
differ. Printed are medians; the whole result goes to <keep>/peers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from tools import hash_key
from tools.benchmark.__main__ import FULL, VARIABLES, event_count, machine, medians
from tools.benchmark.data import Data, arrive, data_of
from tools.benchmark.measure import ROOT, BenchmarkError, Cost, dbt, measured
from tools.benchmark.peers import graphs, project_components
from tools.benchmark.peers.contract import (
    COMPONENTS,
    Digest,
    UnequalResultsError,
    assert_equal,
    count_components,
)

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
CHAINS = ("duckdb", "polars", "chdb", "pyspark")
LIBRARIES = ("scipy", "igraph", "networkx")
PACKAGES = (*CHAINS, *LIBRARIES, "numpy", "pyarrow")
# they keep Python's own objects or lists, so that more edges take minutes and many gigabytes
SLOW_LIBRARIES, SLOW_ABOVE = ("igraph", "networkx"), 1_000_000
CHAIN_EDGES, STAR_EDGES = 9_999, 1_000_000


class EnvironmentMissingError(Exception):
    """What has to be there before anything can be measured is not."""


def versions(python: Path = PYTHON, packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The versions of what is compared; raises EnvironmentMissingError where one is not there."""
    if not python.exists():
        raise EnvironmentMissingError(f"{python} is not there; make it with: make install-bench")
    ask = "import json, sys; from importlib.metadata import version as v;"
    ask += " print(json.dumps({name: v(name) for name in sys.argv[1:]}))"
    answer = subprocess.run([python, "-c", ask, *packages], capture_output=True, text=True)
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentMissingError(
            f"{python.parents[1].name} lacks something ({last}); make it anew with:"
            " make install-bench"
        )
    return json.loads(answer.stdout)


def java_version() -> str:
    """What Spark runs on; raises EnvironmentMissingError where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not Path(java).exists():
        raise EnvironmentMissingError(
            "Spark needs Java, and there is none on PATH or in JAVA_HOME: install a JDK 17,"
            " or leave Spark out: --chains duckdb polars chdb"
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    return told.splitlines()[0] if told else "unknown"


def in_child(function: Callable, *arguments):
    """The function's answer from a process of its own: the kernel counts what this one has ever
    held with the peak memory of all that it starts, so nothing large may happen here."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def module(name: str, *arguments: str | Path) -> list[str]:
    return [str(PYTHON), "-m", f"tools.benchmark.peers.{name}", *map(str, arguments)]


# ---------------------------------------------------------------- the chain


def chain_round(folder: Path, data: Data, chains: list[str], with_build: bool) -> tuple:
    """One round: what each has cost, and the digests of the tables that all have come to."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    raw, environment = data["base"], dict(os.environ)
    command = [sys.executable, "-m", "tools.benchmark.floor", str(raw)]
    database = folder / "floor.duckdb"
    costs = {
        "floor": measured([*command, str(database)], environment, Path(f"{database}.tmp")),
    }
    database.unlink()
    results = {name: folder / name for name in chains}
    for name, out in results.items():
        command = module(f"{name}_chain", raw, out)
        costs[name] = measured(command, environment, out / "spill")
    found = in_child(assert_equal, results)
    if with_build:
        costs["dbt build"] = build(folder / "build", data)
    shutil.rmtree(folder)
    return costs, found


def build(folder: Path, data: Data) -> Cost:
    """The project's own full build of the same raw tables, with all its models."""
    folder.mkdir()
    hash_key.create(folder / "hash_key.parquet")
    arrive(data["base"], folder / "raw")
    dbt(folder, folder / "raw", "--quiet", "parse", *VARIABLES)
    return dbt(folder, folder / "raw", *FULL)


def chain(events: int, rounds: int, keep: Path, chains: list[str], with_build: bool) -> Iterator:
    """The chain over one size of the sample: after each round, what is known so far."""
    data = data_of(events, keep)
    costs = []
    for number in range(rounds):
        print(f"{events:,} events, round {number + 1} of {rounds} …", flush=True)
        cost, digests = chain_round(keep / "peers", data, chains, with_build)
        costs.append(cost)
        yield {
            "events": events,
            "rounds": len(costs),
            "raw_rows": data.row_count("base"),
            "raw_bytes": data.byte_count("base"),
            "tables": told_digests(digests),
            "steps": in_json(medians(costs)),
        }


def told_digests(digests: dict[str, Digest]) -> dict[str, dict]:
    return {
        name: {"rows": digest.row_count, "digest": f"{digest.lower:x}-{digest.upper:x}"}
        for name, digest in digests.items()
    }


def in_json(costs: dict[str, Cost], *more: dict) -> dict[str, dict]:
    """Costs as they are written, without the seconds of each of dbt's nodes."""
    return {
        name: {key: value for key, value in asdict(cost).items() if key != "nodes"}
        | {key: value for extra in more for key, value in extra.get(name, {}).items()}
        for name, cost in costs.items()
    }


# ---------------------------------------------------------------- connected components


def graphs_of(edges: int) -> dict[str, int]:
    """The graphs that are asked, and how many edges each has."""
    return {"realistic": edges, "hard": edges, "chain": CHAIN_EDGES, "star": STAR_EDGES}


def components(graph: str, edges: int, rounds: int, keep: Path, libraries: list[str]) -> Iterator:
    """One graph, each library and the project in turn: after each round, what is known so far."""
    folder = keep / "peers"
    costs: list[dict[str, Cost]] = []
    work: dict[str, list[float]] = {}
    for number in range(rounds):
        print(f"{graph}, {edges:,} edges, round {number + 1} of {rounds} …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        path = folder / "edges.parquet"
        in_child(graphs.write, graph, edges, path)
        results = {name: folder / name for name in ("project", *libraries)}
        cost = {"project": project_components.run(results["project"], path)}
        work.setdefault("project", []).append(cost["project"].nodes[project_components.NODE])
        for name in libraries:
            out = results[name]
            cost[name] = measured(
                module("components", name, path, out), dict(os.environ), out / "spill"
            )
            told = json.loads((out / "work.json").read_text())
            work.setdefault(name, []).append(told["cpu_seconds"])
        in_child(project_components.export, results["project"])
        found = in_child(assert_equal, results, COMPONENTS)
        nodes, of_nodes = in_child(count_components, results["project"])
        costs.append(cost)
        shutil.rmtree(folder)
        alone = {name: {"work_cpu_seconds": statistics.median(each)} for name, each in work.items()}
        yield {
            "graph": graph,
            "edges": edges,
            "rounds": len(costs),
            "nodes": nodes,
            "components": of_nodes,
            "tables": told_digests(found),
            "steps": in_json(medians(costs), alone),
        }


# ---------------------------------------------------------------- what is told


def told_chain(result: dict) -> str:
    """The chain's table for the terminal."""
    steps = result["steps"]
    unit = steps.get("duckdb", steps["floor"])["cpu_seconds"]
    against = "x duckdb" if "duckdb" in steps else "x floor"
    lines = [
        f"\nchain: {result['raw_rows']:,} raw rows, median of {result['rounds']}, equal results",
        f"{'':<12}{'CPU s':>9}{against:>10}{'wall s':>9}{'peak GB':>9}",
    ]
    for name, cost in steps.items():
        lines.append(
            f"{name:<12}{cost['cpu_seconds']:>9.1f}{cost['cpu_seconds'] / unit:>10.2f}"
            f"{cost['wall_seconds']:>9.1f}{cost['peak_bytes'] / 1e9:>9.2f}"
        )
    return "\n".join(lines)


def told_components(result: dict) -> str:
    """One graph's table for the terminal."""
    steps = result["steps"]
    unit = steps["project"]["work_cpu_seconds"]
    lines = [
        f"\n{result['graph']}: {result['edges']:,} edges, {result['nodes']:,} nodes,"
        f" {result['components']:,} components, median of {result['rounds']}, equal results",
        f"{'':<12}{'CPU s':>9}{'x project':>11}{'with start':>12}{'peak GB':>9}",
    ]
    for name, cost in steps.items():
        lines.append(
            f"{name:<12}{cost['work_cpu_seconds']:>9.1f}{cost['work_cpu_seconds'] / unit:>11.2f}"
            f"{cost['cpu_seconds']:>12.1f}{cost['peak_bytes'] / 1e9:>9.2f}"
        )
    return "\n".join(lines)


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=event_count, default=event_count("1M"))
    parser.add_argument("--edges", type=event_count, default=event_count("1M"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("warehouse/benchmark"))
    parser.add_argument("--chains", nargs="+", choices=CHAINS, default=list(CHAINS))
    parser.add_argument("--only", choices=("chain", "components"), help="one of the two questions")
    parser.add_argument("--build", action="store_true", help="the project's dbt build as well")
    parser.add_argument("--all-libraries", action="store_true", help="slow ones on large graphs")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error("--rounds has to be at least 1")
    return given


def questions(given: argparse.Namespace, keep: Path) -> Iterable[tuple[str, Callable, Callable]]:
    """What is to be measured: where its result goes, what measures it, what tells it."""
    if given.only != "components":
        yield (
            "chain",
            lambda: chain(given.events, given.rounds, keep, given.chains, given.build),
            told_chain,
        )
    if given.only != "chain":
        for graph, edges in graphs_of(given.edges).items():
            is_slow = edges > SLOW_ABOVE and not given.all_libraries
            libraries = [n for n in LIBRARIES if not (is_slow and n in SLOW_LIBRARIES)]
            yield (
                "components",
                # as it is now, not as the loop leaves it
                lambda graph=graph, edges=edges, libraries=libraries: components(
                    graph, edges, given.rounds, keep, libraries
                ),
                told_components,
            )


def main(arguments: list[str]) -> int:
    given = parsed(arguments)
    keep = given.keep.resolve()
    try:
        result = {"machine": machine(), "versions": versions(), "chain": [], "components": []}
        if given.only != "components" and "pyspark" in given.chains:
            result["versions"]["java"] = java_version()
        keep.mkdir(parents=True, exist_ok=True)
        for name, ask, told in questions(given, keep):
            before = result[name]
            for answer in ask():
                # after each round, so that a run that is cut off has told what it knows
                result[name] = [*before, answer]
                (keep / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
            print(told(answer), flush=True)
    except (
        BenchmarkError,
        EnvironmentMissingError,
        UnequalResultsError,
        subprocess.CalledProcessError,
    ) as error:
        print(f"peers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
