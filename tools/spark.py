"""dbt on Spark: `JOURNEY_TARGET=spark python -m tools.spark build [dbt's own options]`.

`spark` is a cluster: the one of `make spark-up`, or the Thrift server that JOURNEY_SPARK_HOST and
JOURNEY_SPARK_PORT name. `spark_session` is embedded in this process, for small runs. Both need two
questions answered that SQL cannot ask; they are given to dbt here. dbt runs in this process.
"""

import functools
import os
import re
import socket
import sys
from pathlib import Path

from tools import spark_cluster
from tools.spark_processes import ServerError

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("spark", "spark_session")


def prepare(target: str) -> None:
    """Set what profiles.yml reads. Paths are relative, so dbt runs in the root."""
    os.environ["JOURNEY_TARGET"] = target
    os.environ.setdefault("DBT_PROFILES_DIR", str(ROOT))
    # a folder of its own: else each change of engine throws dbt's parsed files away
    os.environ.setdefault("DBT_TARGET_PATH", f"target/{target}")
    os.chdir(ROOT)
    folder().mkdir(parents=True, exist_ok=True)
    if target == "spark":
        find_server()
    else:
        os.environ.setdefault("JOURNEY_ICEBERG_JAR", spark_cluster.iceberg_jar())


def find_server() -> None:
    """Tell profiles.yml where the Thrift server listens; stop here if none does."""
    host, port = os.environ.get("JOURNEY_SPARK_HOST"), os.environ.get("JOURNEY_SPARK_PORT")
    if not host:
        found = spark_cluster.running_port(folder() / "cluster")
        if found is None:
            raise ServerError(
                "no Spark cluster runs. `make spark-up` starts one on this machine;"
                " JOURNEY_SPARK_HOST and JOURNEY_SPARK_PORT name one that you have;"
                " `make build TARGET=spark_session` needs none. See docs/spark.md."
            )
        os.environ["JOURNEY_SPARK_PORT"] = str(found)
        return
    if not (port or "").isdigit():
        raise ServerError(
            f"JOURNEY_SPARK_HOST is `{host}`, and JOURNEY_SPARK_PORT"
            + (f" is `{port}`" if port else " is not set")
            + ": write the Thrift server's port there, a number (10000 if nobody chose another)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ServerError(
            f"nothing answers at {host}:{port} ({error}). Is the Thrift server started, and are"
            " JOURNEY_SPARK_HOST and JOURNEY_SPARK_PORT its address?"
        ) from error


def tell_of_a_dead_server() -> None:
    """After a build that failed: was it the server? Each model says only that nobody answers."""
    if os.environ.get("JOURNEY_SPARK_HOST"):
        return
    cluster = folder() / "cluster"
    if spark_cluster.running_port(cluster) is None:
        log = cluster / "thrift_server.log"
        print(
            f"no build: the Thrift server ended while dbt was at work ({log} may say why)."
            " `make spark-up` starts it; the same build once more then mends what is half done.",
            file=sys.stderr,
        )


def folder() -> Path:
    """Where Spark keeps tables, metastore and logs: profiles.yml reads the same variable."""
    return Path(os.environ.get("JOURNEY_SPARK_FOLDER") or ".spark")


@functools.cache
def shorten_errors() -> None:
    """What the Thrift server says of an error ends in pages of Java: leave these out."""
    from dbt.adapters.spark.connections import PyhiveConnectionWrapper
    from dbt_common.exceptions import DbtDatabaseError

    execute = PyhiveConnectionWrapper.execute

    def execute_and_tell_shortly(wrapper, sql, bindings=None):
        try:
            execute(wrapper, sql, bindings)
        except DbtDatabaseError as error:
            raise DbtDatabaseError(without_java(error.msg)) from error

    PyhiveConnectionWrapper.execute = execute_and_tell_shortly


def without_java(message: str) -> str:
    """An error's text without Java's way there and Spark's plan, each line once."""
    lines = []
    # where the place in the SQL is told, the statement's plan follows to the end
    message = re.sub(r"(; line \d+ pos \d+);\n.*", r"\1", message, flags=re.DOTALL)
    for line in message.split("\n"):
        told = line.strip().removeprefix("Caused by: ").removesuffix(":")
        is_way = told.startswith(("at ", "... ")) or not told
        if not is_way and not any(told.split(": ", 1)[-1] in other for other in lines):
            lines.append(line)
    return "\n".join(lines)


@functools.cache  # once per process, however often dbt is called
def add_questions() -> None:
    """Give dbt's adapter two questions; macros/engine/files.sql asks them.

    `journey_files_exist`: Spark is asked to plan a read, as it sees other disks than this machine.
    SQL alone cannot catch the error that a missing file is. `journey_file_text`: seeds lie here,
    beside dbt, and not where Spark runs.
    """
    from dbt.adapters.spark.impl import SparkAdapter
    from dbt_common.exceptions import DbtRuntimeError

    def journey_files_exist(adapter, path: str) -> bool:
        name = path.replace("`", "``")
        try:
            adapter.execute(f"describe query select path from binaryFile.`{name}`", fetch=True)
        except DbtRuntimeError as error:
            if "PATH_NOT_FOUND" in str(error):
                return False
            raise
        return True

    def journey_file_text(adapter, path: str) -> str | None:
        try:
            return Path(path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            return None

    for question in (journey_files_exist, journey_file_text):
        setattr(SparkAdapter, question.__name__, question)
        SparkAdapter._available_ = SparkAdapter._available_ | {question.__name__}


def invoke(arguments: list[str], target: str | None = None):
    """One dbt call; dbtRunner's result."""
    from dbt.cli.main import dbtRunner

    prepare(target or os.environ.get("JOURNEY_TARGET") or "spark")
    add_questions()
    shorten_errors()
    return dbtRunner().invoke(arguments)


def main() -> int:
    target = os.environ.get("JOURNEY_TARGET") or "spark"
    if target not in TARGETS:
        print(f"JOURNEY_TARGET is `{target}`: write one of {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    try:
        if invoke(sys.argv[1:], target).success:
            return 0
        if target == "spark":
            tell_of_a_dead_server()
        return 1
    except ServerError as error:
        print(f"no build: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"{error}: run `make install-spark` and use .venv-spark.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
