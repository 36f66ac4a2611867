"""What the test modules share, made once per run: the sample company, and one incremental step."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import kills
import pytest
import worlds
from harness import ROOT, Bench

# lines that a test wants a person to read at the end of the run
REMARKS: list[str] = []


@dataclass(frozen=True)
class SampleCompany:
    """The sample of the demo's size: its build, and the folder with the truth about it."""

    bench: Bench
    truth: Path


@pytest.fixture(scope="session")
def sample_company(tmp_path_factory) -> SampleCompany:
    folder = tmp_path_factory.mktemp("sample_company")
    subprocess.run(
        [sys.executable, "-m", "tools.sample", "--out", str(folder / "raw"), "--quiet"],
        cwd=ROOT,
        check=True,
    )
    bench = Bench(folder)
    bench.complete()
    bench.build(with_tests=True)
    return SampleCompany(bench, folder / "truth")


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


@pytest.fixture(scope="session")
def step(tmp_path_factory):
    folder = tmp_path_factory.mktemp("step")
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
    yield Step(before, after, deliveries, recording, len(statements))
    shutil.rmtree(folder / "states")  # hundreds of megabytes


@pytest.fixture(scope="session")
def remark():
    """Call it with a line; it stands at the end of the run's output."""
    return REMARKS.append


def pytest_sessionfinish(session):
    """A worker of pytest-xdist hands its lines to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["remarks"] = REMARKS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    REMARKS.extend(getattr(node, "workeroutput", {}).get("remarks", []))


def pytest_terminal_summary(terminalreporter):
    if REMARKS:
        terminalreporter.section("measured")
        for line in REMARKS:
            terminalreporter.write_line(line)
