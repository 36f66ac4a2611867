"""What a killed build leaves behind: every state of the files, or a real kill -9.

kill -9 leaves on disk exactly what stood there at that moment; DuckDB keeps nothing elsewhere. So
the files as they are before each statement of one undisturbed build are all that kills between two
statements could leave (`recorded`). Kills at any other moment are done for real (`killed`).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import Bench

ENDS = ("", ".wal")  # of the files that hold a database


@contextmanager
def before_each_statement(tell: Callable[[str], None]):
    """Calls `tell` with each statement that dbt is about to give to DuckDB."""
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

    execute = DuckDBCursorWrapper.execute

    def told(self, sql, bindings=None):
        tell(sql)
        return execute(self, sql, bindings)

    DuckDBCursorWrapper.execute = told
    try:
        yield
    finally:
        DuckDBCursorWrapper.execute = execute


def kind_of(sql: str) -> str:
    """What a statement does to stored tables, in a word or two; empty where it does nothing."""
    text = re.sub(r"/\*.*?\*/|--[^\n]*", " ", sql, flags=re.DOTALL).replace('"', "").lower()
    verb, *rest = text.replace("or replace", "").replace("if not exists", "").split() or [""]
    if verb not in ("create", "drop", "alter", "insert", "delete", "truncate", "update", "commit"):
        return ""
    if verb == "commit":
        return verb
    what, name = (rest[0], " ".join(rest[1:4])) if verb in ("create", "drop", "alter") else ("", "")
    if what in ("schema", "temporary"):
        return ""
    if verb == "drop" and "." not in name:  # a temporary table has no schema
        return ""
    if re.search(r"__(input|nodes|edges|contracted|round_\d+)\b", name):
        return f"{verb} working table"
    if verb in ("insert", "delete") and "loads_seen" in rest[1]:
        return f"{verb} ledger"
    return f"{verb} {what}".strip()


# ---------------------------------------------------------------- every state


@dataclass
class State:
    """The files as they stood before some statements in a row."""

    number: int
    files: dict[str, Path]  # end of the name -> copy
    after: tuple[str, ...]  # what had been done since the state before: kinds of statements
    statements: list[str] = field(default_factory=list)

    def put_into(self, bench: Bench) -> None:
        for end, path in self.files.items():
            shutil.copyfile(path, f"{bench.database}{end}")

    def __str__(self) -> str:
        done, next_one = ", ".join(self.after) or "nothing", " ".join(self.statements[0].split())
        return f"state {self.number}, after {done}, before {next_one[-80:]}"


@dataclass
class Recording:
    states: list[State] = field(default_factory=list)
    statement_count: int = 0


@contextmanager
def recorded(bench: Bench, folder: Path):
    """Keeps every state before a statement; dbt has to work on one thread meanwhile."""
    folder.mkdir(parents=True)
    recording = Recording()
    copies: dict[str, Path] = {}
    marks: dict[str, tuple] = {}

    def keep(sql: str) -> None:
        files = {}
        for end in ENDS:
            path = Path(f"{bench.database}{end}")
            if path.exists():
                if marks.get(end) != (mark := _mark(path)):
                    copies[end] = folder / f"{recording.statement_count:05d}.duckdb{end}"
                    shutil.copyfile(path, copies[end])
                    marks[end] = mark
                files[end] = copies[end]
        states = recording.states
        if not states or states[-1].files != files:
            done = map(kind_of, states[-1].statements) if states else ()
            kinds = tuple(dict.fromkeys(kind for kind in done if kind))
            states.append(State(len(states), files, kinds))
        states[-1].statements.append(sql)
        recording.statement_count += 1

    with before_each_statement(keep):
        yield recording


def _mark(path: Path) -> tuple:
    """Tells whether a file has changed: the clock of files is coarse, DuckDB's headers count."""
    found = path.stat()
    with path.open("rb") as file:
        return found.st_size, found.st_mtime_ns, hashlib.md5(file.read(3 * 4096)).digest()


# ---------------------------------------------------------------- real kills


def killed(
    bench: Bench,
    statement: int,
    after: float = 0.0,
    last_will: Callable[[], None] | None = None,
    **options,
) -> None:
    """Builds in a forked process, which is killed with -9 `after` seconds into a statement."""
    bench.manifest()  # the child inherits it

    def die() -> None:
        if last_will is not None:
            last_will()
        os.kill(os.getpid(), signal.SIGKILL)

    def build() -> None:
        numbers = itertools.count(1)

        def count(_) -> None:
            if next(numbers) == statement:
                threading.Timer(after, die).start() if after else die()

        with before_each_statement(count):
            bench.build(check=False, **options)

    killed_by_itself(build)


def killed_by_itself(work: Callable[[], object]) -> None:
    """Runs `work` in a forked process, which has to kill itself with -9 on the way."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (
        "it came to its end without being killed"
    )
