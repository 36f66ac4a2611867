"""What dbt's build of the demo costs, and what each kind of test takes of it.

    python -m tools.benchmark.demo [--rounds 3] [--keep folder]

Writes the sample company's raw tables as `make demo` does, lets dbt read the project once, and then
builds and tests everything from nothing, on one thread, so that each node's CPU seconds are its
own. The median of the rounds goes to <keep>/demo.json; copied to tools/benchmark/results, it is
what docs/scaling.md says of the demo.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tools import hash_key
from tools.benchmark.__main__ import machine, medians
from tools.benchmark.measure import BenchmarkError, Cost, dbt


def measure(rounds: int, folder: Path) -> Cost:
    """The median build of so many."""
    shutil.rmtree(folder, ignore_errors=True)
    built = folder / "built"
    built.mkdir(parents=True)
    raw = folder / "raw"
    command = [sys.executable, "-m", "tools.sample", "--out", str(raw), "--quiet", "--no-truth"]
    subprocess.run(command, check=True)
    hash_key.create(built / "hash_key.parquet")
    dbt(built, raw, "--quiet", "parse")
    costs = []
    for number in range(rounds):
        (built / "build.duckdb").unlink(missing_ok=True)
        costs.append({"build": dbt(built, raw, "--quiet", "build", "--full-refresh")})
        print(f"round {number + 1} of {rounds}: {costs[-1]['build'].cpu_seconds:.1f} CPU s")
    shutil.rmtree(folder)
    return medians(costs)["build"]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("warehouse/benchmark"))
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds has to be at least 1")
    keep = arguments.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    try:
        cost = measure(arguments.rounds, keep / "demo")
    except (BenchmarkError, subprocess.CalledProcessError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    result = {"machine": machine(), "rounds": arguments.rounds, **asdict(cost)}
    (keep / "demo.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
