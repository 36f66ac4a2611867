"""What the test modules share, made once per run: the sample company, and one incremental step."""

import fcntl
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kills
import pytest
import worlds
from harness import ROOT, Bench

from tools import publish

# lines that a test wants a person to read at the end of the run
REMARKS: list[str] = []

# The modules that take longest, about in this order, so that neither of two workers has the last
# one to itself. `step` is for the first, the sample company for the fourth: while one worker makes
# what both will use, the other has something else to do.
LONGEST = worlds.words("""
    test_kill test_differential test_determinism test_sample_company test_schema_drift
    test_identity test_unchanged test_hard_limits test_real_data test_publish test_configuration
    test_metrics test_privacy test_injection test_side_by_side test_expectations test_kpi_oracle
    test_malformed test_funnels test_vendor_examples test_yml""")


def pytest_collection_modifyitems(items):
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


# ---------------------------------------------------------------- made once


def shared_folder(config) -> Path:
    """A folder that all workers of pytest-xdist see; each has its own `tmp_path` within it."""
    folder = config._tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(config, "workerinput") else folder


def made_once(config, name: str, make: Callable[[Path], Any]) -> Any:
    """What `make` makes in a folder: whichever worker comes first makes it, the others wait.

    All of them read the same files, so nobody may change them, or open a database to write.
    """
    folder = shared_folder(config) / name
    made = folder.with_suffix(".pickle")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one who failed
            folder.mkdir()
            part = made.with_suffix(".part")
            part.write_bytes(pickle.dumps(make(folder)))
            part.rename(made)
    return pickle.loads(made.read_bytes())


@dataclass(frozen=True)
class SampleCompany:
    """The sample of the demo's size: its build, and the folder with the truth about it."""

    bench: Bench
    truth: Path


def make_sample_company(folder: Path) -> SampleCompany:
    subprocess.run(
        [sys.executable, "-m", "tools.sample", "--out", str(folder / "raw"), "--quiet"],
        cwd=ROOT,
        check=True,
    )
    bench = Bench(folder)
    bench.complete()
    bench.build(with_tests=True)
    return SampleCompany(bench, folder / "truth")


@pytest.fixture(scope="session")
def sample_company(pytestconfig, tmp_path_factory) -> SampleCompany:
    made = made_once(pytestconfig, "sample_company", make_sample_company)
    # dbt opens the database even where it only asks, and one worker would shut out the other
    return replace(made, bench=made.bench.copy_to(tmp_path_factory.mktemp("sample_company")))


@pytest.fixture(scope="session")
def published_company(pytestconfig, sample_company, tmp_path_factory) -> Path:
    """The publication of the sample company, in a folder that holds nothing else."""

    def make(folder: Path) -> str:
        publish.publish(sample_company.bench.database, folder / "customer_journey.duckdb")
        return "customer_journey.duckdb"

    name = made_once(pytestconfig, "published_company", make)
    folder = tmp_path_factory.mktemp("published") / "company"
    shutil.copytree(shared_folder(pytestconfig) / "published_company", folder)
    return folder / name


@dataclass(frozen=True)
class Step:
    """A few dozen worlds before and after an incremental build that nothing disturbed."""

    before: Bench  # two deliveries are built
    after: Bench  # two more came and are built as well
    deliveries: list[list[worlds.RawRow]]
    recording: kills.Recording  # how the files stood on the way
    first_statement_count: int  # of the build from nothing

    def fresh(self, folder: Path, *numbers: int) -> Bench:
        """A bench of its own to which these deliveries have come, with nothing built."""
        bench = Bench(folder, variables=self.before.variables, with_kpis=False)
        self.deliver(bench, *numbers)
        return bench

    def deliver(self, bench: Bench, *numbers: int) -> None:
        for number in numbers:
            rows = self.deliveries[number]
            bench.deliver(number, worlds.as_raw(rows, every_table=number == 0))


def make_step(folder: Path) -> Step:
    deliveries = worlds.deliveries([worlds.world(number) for number in range(24)], seed=1)
    as_of = {"as_of": str(worlds.AS_OF)}
    before = Bench(folder / "before", variables=as_of, with_kpis=False)
    for number in (0, 1):
        before.deliver(number, worlds.as_raw(deliveries[number], every_table=number == 0))
    statements = []
    with kills.before_each_statement(statements.append):
        before.build()
    after = before.copy_to(folder / "after", with_raw=True)
    for number in (2, 3):
        after.deliver(number, worlds.as_raw(deliveries[number]))
    with kills.recorded(after, folder / "states") as recording:
        after.build("--threads", "1")
    return Step(before, after, deliveries, recording, len(statements))


@pytest.fixture(scope="session")
def step(pytestconfig) -> Step:
    return made_once(pytestconfig, "step", make_step)


@pytest.fixture(scope="session")
def remark():
    """Call it with a line; it stands at the end of the run's output."""
    return REMARKS.append


def pytest_sessionfinish(session):
    """A worker of pytest-xdist hands its lines to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["remarks"] = REMARKS
    else:  # hundreds of megabytes
        shutil.rmtree(shared_folder(session.config) / "step" / "states", ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    REMARKS.extend(getattr(node, "workeroutput", {}).get("remarks", []))


def pytest_terminal_summary(terminalreporter):
    if REMARKS:
        terminalreporter.section("measured")
        for line in REMARKS:
            terminalreporter.write_line(line)
