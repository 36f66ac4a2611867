"""Spark's servers on this machine: started from the pyspark package, stopped by process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

THRIFT_SERVER = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
LOG_SETTINGS = Path(__file__).with_name("spark_log4j2.properties")
PATIENCE_SECONDS = 180


class ServerError(Exception):
    """Why a server does not run, and what to do."""


def spark_home() -> Path:
    try:
        import pyspark
    except ModuleNotFoundError as error:
        raise ServerError(
            "there is no pyspark in this Python: run `make install-spark`, then use"
            " `.venv-spark/bin/python`."
        ) from error
    return Path(pyspark.__file__).parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(
    command: list[str], log: Path, folder: Path, variables: dict[str, str] | None = None
) -> subprocess.Popen:
    """Start a program of Spark's own `bin` folder, which becomes the server: the id stays."""
    home = spark_home()
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ServerError(
            "Spark needs Java and there is none: install Java 17"
            " (Debian: apt install openjdk-17-jre-headless)."
        )
    # a setting meant for another Spark (its memory, its folder of settings) must not reach this one
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("SPARK_")}
    own = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", **(variables or {})}
    with open(log, "wb") as output:
        return subprocess.Popen(
            [str(home / "bin" / command[0]), *command[1:]],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            env=inherited | own,
        )


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen, what: str, log: Path
) -> None:
    """Until the server answers; if it ends or says nothing for minutes, the end of its log."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_SECONDS and process.poll() is None:
        if is_ready():
            return
        time.sleep(0.3)
    why = "did not start" if process.poll() is not None else f"said nothing in {PATIENCE_SECONDS} s"
    raise ServerError(
        f"{what} {why}. The end of {log}:\n{last_lines(log)}\n"
        "Spark 3.5 needs Java 8, 11 or 17 (`java -version`) and 5 GB of memory (`free -h`)."
    )


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log without Java's way there."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if line.strip() and not line.startswith("\tat ")]
    return "\n".join(f"    {line[:300]}" for line in told[-count:]) or "    (it is empty)"


def runs(process_id: int, main_class: str) -> bool:
    """Whether this process is there and still what it was: numbers are given again."""
    try:
        os.kill(process_id, 0)  # 0: only ask
    except OSError:
        return False
    folder = Path(f"/proc/{process_id}")
    if not folder.exists():  # a system without /proc
        return True
    try:
        is_dead = ") Z " in (folder / "stat").read_text()  # ended, and its parent has not asked
        return not is_dead and main_class.encode() in (folder / "cmdline").read_bytes()
    except OSError:
        return False


def stop(process_id: int, main_class: str) -> None:
    """Ask it to end, and end it where it does not in half a minute."""
    for sent, patience_seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
        if not runs(process_id, main_class):
            return
        os.kill(process_id, sent)
        started = time.monotonic()
        while runs(process_id, main_class) and time.monotonic() - started < patience_seconds:
            time.sleep(0.1)
