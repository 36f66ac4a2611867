"""A disk without room, a machine without memory: words that help, readers undisturbed, no harm.

Each test builds as `make build` does. The full disk is a small file system in memory; where
mounting one is not permitted, the size of this process's files is limited instead, which stops the
same writes in another way.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import Bench, assert_equal_tables

from tools import advice, build, publish

MEGABYTE = 1_000_000


def make_build(bench: Bench, published: Path) -> int:
    # the data tests and the expectations have nothing to do with room
    arguments = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    arguments += [*bench.left_out, *bench.flags(bench.variables)]
    with bench.at_work():
        stopped = build.build(arguments, bench.database, bench.manifest())
    return stopped or publish.publish_and_tell(bench.database, published, gate=None)


def assert_built_and_published(bench: Bench, published: Path, step) -> None:
    assert_equal_tables(bench, step.after, names=("after the limit", "without one"))
    assert publish.last_generation(published) == 2


# ---------------------------------------------------------------- a full disk


@contextmanager
def small_file_system(folder: Path):
    """Calls to what it gives set how many bytes are free in the folder; None: plenty."""

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")

    def leave_room(free: int | None) -> None:
        used = sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))
        mount(f"remount,size={'1g' if free is None else used + free}")

    mount("size=1g")
    try:
        yield leave_room
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def small_files(folder: Path):
    """The same, but no file may be written past so many bytes from its beginning."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def leave_room(free: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if free is None else free, hard))

    try:
        yield leave_room
    finally:
        leave_room(None)


@pytest.fixture
def disk(request, tmp_path):
    """The folder of a disk that can be made small, and how: the two ways above."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with request.param(folder) as leave_room:
        yield folder, leave_room


TWO_WAYS = pytest.mark.parametrize(
    "disk",
    [
        pytest.param(small_file_system, id="file system"),
        pytest.param(small_files, id="files", marks=pytest.mark.long if os.geteuid() == 0 else ()),
    ],
    indirect=True,
)


@pytest.mark.slow
@TWO_WAYS
def test_a_full_disk_stops_the_build_with_advice_and_with_room_it_goes_on(disk, step, capsys):
    folder, leave_room = disk
    bench = step.before.copy_to(folder)
    bench.raw = step.after.raw
    published = folder / "customer_journey.duckdb"
    publish.publish(bench.database, published)
    before = published.read_bytes()

    leave_room(MEGABYTE)
    assert make_build(bench, published) == 1
    said = capsys.readouterr().err
    assert "The disk is full" in said and str(folder) in said and "`make build` again" in said
    assert published.read_bytes() == before

    leave_room(None)
    assert make_build(bench, published) == 0
    assert_built_and_published(bench, published, step)


@pytest.mark.slow
@TWO_WAYS
def test_a_disk_too_full_to_publish_leaves_the_old_publication(disk, step, capsys):
    folder, leave_room = disk
    published = folder / "customer_journey.duckdb"
    publish.publish(step.before.database, published)
    before = published.read_bytes()

    leave_room(MEGABYTE // 10)  # the few rows of the facts need no more than one
    assert publish.publish_and_tell(step.after.database, published, gate=None) == 1
    said = capsys.readouterr().err
    assert "not published: " in said and "The disk is full" in said
    assert published.read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {published.name, "generations"}

    leave_room(None)
    assert publish.publish_and_tell(step.after.database, published, gate=None) == 0
    assert publish.last_generation(published) == 2


# ---------------------------------------------------------------- too little memory


@pytest.mark.slow
@pytest.mark.parametrize(
    "megabytes",
    [100, *(pytest.param(size, marks=pytest.mark.long) for size in (20, 40, 150, 200, 300))],
)
def test_too_little_memory_stops_the_build_with_advice_and_with_more_it_goes_on(
    megabytes, step, tmp_path, capsys, monkeypatch
):
    bench = step.before.copy_to(tmp_path)
    bench.raw = step.after.raw
    published = tmp_path / "customer_journey.duckdb"
    publish.publish(bench.database, published)
    before = published.read_bytes()

    monkeypatch.setenv("JOURNEY_MEMORY_LIMIT", f"{megabytes}MB")
    stopped = make_build(bench, published)
    said = capsys.readouterr().err
    if megabytes <= 100 or stopped:  # a little more may be enough, on another machine
        assert stopped == 1
        assert f"JOURNEY_MEMORY_LIMIT (it is {megabytes}MB)" in said and "JOURNEY_THREADS" in said
        assert published.read_bytes() == before

        monkeypatch.delenv("JOURNEY_MEMORY_LIMIT")
        assert make_build(bench, published) == 0
    assert_built_and_published(bench, published, step)


def test_a_limit_to_what_is_spilt_is_kept_to_and_told_by_its_name(
    step, tmp_path, capsys, monkeypatch
):
    bench = step.before.copy_to(tmp_path)
    monkeypatch.setenv("JOURNEY_MEMORY_LIMIT", "100MB")
    monkeypatch.setenv("JOURNEY_SPILL_LIMIT", "50MB")
    large = "select distinct repeat(cast(hash(r) as varchar), 5) as h from range(4000000) as n(r)"
    query = json.dumps({"sql": f"select count(*) as n from ({large})"})
    assert not bench.dbt("run-operation", "run_query", "--args", query, check=False).success
    said = capsys.readouterr().out
    advised = advice.advice_on(said, bench.database)
    assert "has reached JOURNEY_SPILL_LIMIT (50MB)" in advised, said


# ---------------------------------------------------------------- a file that is open


@pytest.mark.slow
def test_a_build_file_that_is_open_elsewhere_stops_the_build_with_advice(step, tmp_path, capsys):
    bench = step.before.copy_to(tmp_path)
    reader = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=1); input()",
            str(bench.database),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert reader.stdout.readline() == "open\n"
        assert make_build(bench, tmp_path / "customer_journey.duckdb") == 1
    finally:
        reader.communicate("\n")
    said = capsys.readouterr().err
    assert f"Another process has {bench.database} open" in said


def test_tables_without_a_row_stop_the_build_with_advice_and_with_a_clock_are_built(tmp_path):
    bench = Bench(tmp_path)
    bench.complete()  # all raw tables, no row
    run = bench.build(select=["+dim_as_of"], check=False)
    assert not run.success
    assert "No raw table has a row" in advice.advice_on(str(run), bench.database)
    bench.build(select=["+dim_as_of"], as_of="2025-01-01")
    assert bench.rows("select count(*) as n from marts.dim_as_of") == [{"n": 1}]


def test_what_the_models_say_is_left_to_speak_for_itself(tmp_path):
    for message in ("[C1] var habit_days has changed", "Got 3 results, configured to fail", ""):
        assert advice.advice_on(message, tmp_path / "build.duckdb") == ""
