"""What the test modules share: the sample company, built and tested once per run."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
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
    bench.build(with_tests=True)
    return SampleCompany(bench, folder / "truth")


@pytest.fixture(scope="session")
def remark():
    """Call it with a line; it stands at the end of the run's output."""
    return REMARKS.append


def pytest_terminal_summary(terminalreporter):
    if REMARKS:
        terminalreporter.section("measured")
        for line in REMARKS:
            terminalreporter.write_line(line)
