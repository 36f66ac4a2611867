"""What a build on the cluster survives, and what the next one mends: `make test-spark-faults`.

The three are one story on one cluster, in this order: each goes on where the one before ended.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_spark import ROOT, Engines, deliver, in_four, loads_of, sample  # noqa: F401

from tools import spark_cluster
from tools.spark_processes import THRIFT_SERVER, runs

pytestmark = pytest.mark.spark

SELECTED = ["--select", "+fct_sessions", "+bridge_person_identifiers"]
# a heavy model in the first half of a build, and one that comes when others are written already
EARLY, LATE = "intermediate.int_events_unioned", "intermediate.int_events_sessionized"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> Engines:
    engines = Engines(tmp_path_factory.mktemp("engines"), "spark")
    yield engines
    engines.close()


def process_id(engines: Engines, name: str) -> int:
    processes = spark_cluster.state(engines.cluster)["processes"]
    return next(each["process_id"] for each in processes if each["name"] == name)


def executors_of(worker: int) -> list[int]:
    """The executors that this worker has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if parent == worker and runs(int(stat.parent.name), EXECUTOR):
            found.append(int(stat.parent.name))
    return found


def build_and_kill(engines: Engines, command: list[str], model: str, strike) -> tuple[int, str]:
    """Build, and strike once this model has been at work for a second; exit code and output."""
    build = subprocess.Popen(
        [sys.executable, "-m", "tools.spark", *command, "--no-use-colors"],
        cwd=ROOT,
        env=os.environ
        | {"JOURNEY_TARGET": "spark", "DBT_TARGET_PATH": str(engines.folder / "target-spark")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, has_struck = [], False
    for line in build.stdout:
        said.append(line)
        if not has_struck and "START" in line and f" {model} " in line:
            time.sleep(1)
            strike(build)
            has_struck = True
    output = "".join(said)
    assert has_struck, output[-3000:]
    return build.wait(), output


def arrive(engines: Engines, sample: Path, number: int) -> list[str]:  # noqa: F811
    deliver(sample, engines.folder / "raw", number, in_four(loads_of(sample))[number])
    command = engines.command(number == 0, SELECTED)
    engines.duckdb(*command)
    return command


def test_a_build_outlives_a_worker_and_its_executor(engines, sample):  # noqa: F811
    command = arrive(engines, sample, 0)
    worker = process_id(engines, "worker_2")
    killed = []

    def strike(build):
        killed.extend([worker, *executors_of(worker)])
        for each in killed:
            os.kill(each, signal.SIGKILL)

    code, output = build_and_kill(engines, command, EARLY, strike)
    assert len(killed) == 2 and not executors_of(worker)
    assert not spark_cluster.parts(engines.cluster)["worker_2"]
    assert code == 0, output[-6000:]
    engines.assert_equal_marts()


def test_one_more_build_mends_what_a_killed_driver_left(engines, sample):  # noqa: F811
    command = arrive(engines, sample, 1)
    server = process_id(engines, "thrift_server")

    code, output = build_and_kill(
        engines, command, LATE, lambda build: os.kill(server, signal.SIGKILL)
    )
    assert code == 1
    assert "Traceback" not in output
    assert "the Thrift server ended while dbt was at work" in output
    assert not runs(server, THRIFT_SERVER)
    assert "started anew" in spark_cluster.up(engines.cluster)
    engines.spark(*command)
    engines.assert_equal_marts()


def test_one_more_build_mends_what_a_killed_dbt_left(engines, sample):  # noqa: F811
    command = arrive(engines, sample, 2)

    code, _ = build_and_kill(engines, command, LATE, lambda build: build.kill())
    assert code == -signal.SIGKILL
    engines.spark(*command)
    engines.assert_equal_marts()
