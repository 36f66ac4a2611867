"""A Spark cluster on this machine: `make spark-up`, `make spark-down`.

    .venv-spark/bin/python -m tools.spark_cluster up|down|status

    up         start a master, two workers of one core each, and the Thrift server that dbt talks to
    status     what runs, and where
    down       stop all of it

All of it comes out of the pyspark package and listens on 127.0.0.1 on free ports. It asks nobody
who he is: it is for building and testing as on a cluster, not for serving a company. Tables,
metastore, logs and process ids lie in .spark/cluster (docs/spark.md).
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import sys
import urllib.request
from pathlib import Path

from tools.spark_processes import (
    LOG_SETTINGS,
    THRIFT_SERVER,
    ServerError,
    free_port,
    is_open,
    runs,
    start,
    stop,
    wait_until,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("JOURNEY_SPARK_FOLDER") or ".spark") / "cluster"
JAR = "iceberg-spark-runtime-3.5_2.12-1.10.2.jar"
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
WORKERS = 2
EXECUTOR_MEMORY = "1g"
DRIVER_MEMORY = "2g"
# of master and workers; the Thrift server would take it for its own, so it is not told to it
DAEMON_MEMORY = "256m"
# what profiles.yml says of the embedded session and is another thing here
OTHERWISE = re.compile(r"spark\.(master|app\.name|driver\..*|sql\.warehouse\.dir|.*ConnectionURL)")


def iceberg_jar() -> str:
    """The jar of the wheel that `make install-spark` installs, or the one that the user names."""
    if given := os.environ.get("JOURNEY_ICEBERG_JAR"):
        return given
    try:
        from snowpark_connect_deps_iceberg import get_jar_path
    except ModuleNotFoundError as error:
        raise ServerError(
            "the Iceberg jar is missing: run `make install-spark`, or let JOURNEY_ICEBERG_JAR"
            f" name your {JAR}."
        ) from error
    return str(get_jar_path(JAR))


def settings(folder: Path) -> dict[str, str]:
    """Of the Thrift server: catalog and session as profiles.yml has them for the embedded one."""
    import yaml
    from dbt.config.renderer import ProfileRenderer

    profile = yaml.safe_load((ROOT / "profiles.yml").read_text(encoding="utf-8"))
    session = profile["customer_journey"]["outputs"]["spark_session"]["server_side_parameters"]
    kept = {name: text for name, text in session.items() if not OTHERWISE.fullmatch(name)}
    jar = iceberg_jar()
    # the quick compiler and the plain collector: small statements take half the time
    java = "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    java += f" -Dlog4j2.configurationFile={LOG_SETTINGS}"
    metastore = f"jdbc:derby:;databaseName={folder / 'metastore'};create=true"
    return ProfileRenderer({}).render_data(kept) | {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # `spark.jars` comes too late for the Thrift server's own catalog
        "spark.driver.extraClassPath": jar,
        "spark.executor.extraClassPath": jar,
        "spark.driver.extraJavaOptions": f"{java} -Dderby.stream.error.file={folder}/derby.log",
        "spark.executor.extraJavaOptions": java,
        "spark.executor.memory": EXECUTOR_MEMORY,
        "spark.executor.cores": "1",
        # each connection would keep its own, and not see for a while what another one wrote
        "spark.sql.catalog.spark_catalog.cache-enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "tmp"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": metastore,
    }


def state(folder: Path) -> dict | None:
    """What the last start left: {port, web_port, processes: [{name, process_id, main_class}]}."""
    try:
        return json.loads((folder / "cluster.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def parts(folder: Path) -> dict[str, bool]:
    """Each part of the cluster that was started, and whether it runs; {} where none was."""
    found = state(folder) or {"processes": []}
    return {
        each["name"]: runs(each["process_id"], each["main_class"]) for each in found["processes"]
    }


def running_port(folder: Path = FOLDER) -> int | None:
    """The Thrift server's port, where it runs. Spark does without a worker that died."""
    return state(folder)["port"] if parts(folder).get("thrift_server") else None


class Starting:
    """A cluster being started: every process is written down before the next is begun."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.found = {"port": free_port(), "web_port": free_port(), "processes": []}

    def start(self, name: str, main_class: str, command: list[str], **variables: str):
        log = self.folder / f"{name}.log"
        # the project's root: raw files are named from there
        process = start(command, log, ROOT, variables)
        self.found["processes"].append(
            {"name": name, "process_id": process.pid, "main_class": main_class}
        )
        (self.folder / "cluster.json").write_text(json.dumps(self.found, indent=2))
        return process, log

    def all_of_it(self) -> None:
        own = {
            "SPARK_DAEMON_MEMORY": DAEMON_MEMORY,
            "SPARK_WORKER_DIR": str(self.folder / "work"),
            "SPARK_LOCAL_DIRS": str(self.folder / "tmp"),
        }
        port, web_port = free_port(), self.found["web_port"]
        master = f"spark://127.0.0.1:{port}"
        at = ["--host", "127.0.0.1"]
        ports = ["--port", str(port), "--webui-port", str(web_port)]
        process, log = self.start("master", MASTER, ["spark-class", MASTER, *at, *ports], **own)
        wait_until(lambda: is_open(port) and is_open(web_port), process, "the master", log)
        for number in range(1, WORKERS + 1):
            size = ["--cores", "1", "--memory", EXECUTOR_MEMORY, "--webui-port", str(free_port())]
            process, log = self.start(
                f"worker_{number}", WORKER, ["spark-class", WORKER, *at, *size, master], **own
            )
            wait_until(
                lambda number=number: alive_workers(web_port) == number,
                process,
                f"worker {number}",
                log,
            )
        process, log = self.start("thrift_server", THRIFT_SERVER, self.thrift_server(master))
        wait_until(lambda: is_open(self.found["port"]), process, "the Thrift server", log)

    def thrift_server(self, master: str) -> list[str]:
        hive = {
            "hive.server2.thrift.port": str(self.found["port"]),
            "hive.server2.thrift.bind.host": "127.0.0.1",
            "hive.exec.scratchdir": str(self.folder / "tmp" / "hive"),
            "hive.exec.local.scratchdir": str(self.folder / "tmp" / "hive_local"),
            "hive.downloaded.resources.dir": str(self.folder / "tmp" / "resources"),
            "hive.querylog.location": str(self.folder / "tmp" / "querylog"),
            "hive.server2.logging.operation.log.location": str(self.folder / "tmp" / "operations"),
        }
        told = settings(self.folder).items()
        return [
            "spark-submit",
            *("--class", THRIFT_SERVER, "--master", master, "--driver-memory", DRIVER_MEMORY),
            *("--name", "customer_journey"),
            *(word for name, text in told for word in ("--conf", f"{name}={text}")),
            "spark-internal",
            *(word for name, text in hive.items() for word in ("--hiveconf", f"{name}={text}")),
        ]


def alive_workers(web_port: int) -> int:
    """As the master counts them."""
    try:
        # a proxy that the environment names has no business here
        ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        with ask(f"http://127.0.0.1:{web_port}/json/", timeout=5) as answer:
            return json.load(answer)["aliveworkers"]
    except (OSError, ValueError):
        return -1


@contextlib.contextmanager
def alone(folder: Path):
    """One start or stop at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(folder: Path = FOLDER) -> str:
    """Start what does not run; what to tell. A cluster of which a part died is started anew."""
    folder = folder.resolve()
    with alone(folder):
        said = ""
        if found := parts(folder):
            if len(found) == WORKERS + 2 and all(found.values()):
                return f"already up: {places(state(folder))}"
            if any(found.values()):
                gone = [name for name, is_alive in found.items() if not is_alive]
                said = f"without {', '.join(gone) or 'all its parts'}: stopped, and started anew\n"
            stop_all(folder)
        (folder / "tmp").mkdir(exist_ok=True)
        starting = Starting(folder)
        try:
            starting.all_of_it()
        except BaseException:
            stop_all(folder)
            raise
        return f"{said}up: {places(starting.found)}"


def places(found: dict) -> str:
    return (
        f"Thrift server 127.0.0.1:{found['port']}, master http://127.0.0.1:{found['web_port']},"
        f" {WORKERS} workers"
    )


def stop_all(folder: Path) -> None:
    """The server first, which gives its executors back, the master last."""
    for each in reversed((state(folder) or {"processes": []})["processes"]):
        stop(each["process_id"], each["main_class"])
        # if it is this process's own child, so that it does not stay as a dead entry
        with contextlib.suppress(ChildProcessError):
            os.waitpid(each["process_id"], os.WNOHANG)
    (folder / "cluster.json").unlink(missing_ok=True)


def down(folder: Path = FOLDER) -> bool:
    """Stop all of it; whether any of it ran."""
    folder = folder.resolve()
    if not folder.exists():
        return False
    with alone(folder):
        did_run = any(parts(folder).values())
        stop_all(folder)
    return did_run


def status(folder: Path = FOLDER) -> str:
    found = parts(folder)
    if not any(found.values()):
        return "no cluster runs: `make spark-up` starts one."
    lines = [f"{name}: {'runs' if is_alive else 'ended'}" for name, is_alive in found.items()]
    return "\n".join([places(state(folder)), *lines])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.spark_cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["up", "down", "status"])
    what = parser.parse_args().what
    try:
        if what == "up":
            print(up())
            print("Build with `make build TARGET=spark`, stop with `make spark-down`.")
        elif what == "down":
            print("stopped" if down() else "none was running")
        else:
            print(status())
    except ServerError as error:
        print(f"no Spark cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
