"""A Spark SQL endpoint over the published parquet files.

    .venv-spark/bin/python -m tools.spark_endpoint up|refresh|down

    up         start Spark's Thrift server on 127.0.0.1, on a free port, and show it the marts
    refresh    show it the generation that is published now
    down       stop it

Tools speak to it as they do to Hive or to Databricks' older clusters (JDBC `jdbc:hive2://`, ODBC
"Spark", PyHive). Needs Java, `make install-spark`, and parquet files (`make publish`). It asks
nobody who he is, so it listens on this machine alone; it is for trying, and for who has no other
way.

Each mart is a view over one file of one generation, with the models' descriptions. A refresh
replaces them one after another: while it runs, a query over two tables may meet two generations.
"""

import argparse
import json
import os
import sys
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

PARQUET = Path(os.environ.get("JOURNEY_PARQUET") or "warehouse/parquet")
FOLDER = Path(os.environ.get("JOURNEY_SPARK_FOLDER") or ".spark") / "endpoint"


def marts(parquet: Path) -> tuple[Path, dict]:
    """The folder of the published generation, and what its manifest says of the tables."""
    try:
        pointer = json.loads((parquet / "current.json").read_text(encoding="utf-8"))
        place = parquet / pointer["folder"]
        manifest = json.loads((place / "_manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise ServerError(
            f"there are no published parquet files in {parquet} ({error}): run `make publish`."
        ) from error
    return place.resolve(), manifest["tables"]


def state(folder: Path) -> dict | None:
    """Process id and port of the server that runs, by the file it left."""
    try:
        found = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        return found if runs(found["process_id"], THRIFT_SERVER) else None
    except (OSError, ValueError, KeyError):
        return None


def up(folder: Path = FOLDER, parquet: Path = PARQUET) -> int:
    """Start the server unless it runs; its port."""
    marts(parquet)  # rather now than after a minute
    folder = folder.resolve()
    if running := state(folder):
        refresh(folder, parquet)
        return running["port"]
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # views are made anew at each start, so nothing has to be kept
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        # clients of Hive's protocol know no timestamp without a zone
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    }
    command = [
        "spark-submit",
        *("--class", THRIFT_SERVER, "--master", "local[2]", "--driver-memory", "1g"),
        *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
        "--driver-java-options",
        f"-Duser.timezone=UTC -Dlog4j2.configurationFile={LOG_SETTINGS}",
        "spark-internal",
        *("--hiveconf", f"hive.server2.thrift.port={port}"),
        *("--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"),
    ]
    log = folder / "server.log"
    process = start(command, log, folder)
    (folder / "server.json").write_text(json.dumps({"process_id": process.pid, "port": port}))
    try:
        wait_until(lambda: is_open(port), process, "the server", log)
        refresh(folder, parquet)
    except BaseException:
        if process.poll() is None:
            process.kill()
        process.wait()
        (folder / "server.json").unlink(missing_ok=True)
        raise
    return port


def refresh(folder: Path = FOLDER, parquet: Path = PARQUET) -> int:
    """Show the server the published generation; how many tables it has."""
    from pyhive import hive

    running = state(folder)
    if running is None:
        raise ServerError("no endpoint runs: `up` starts one.")
    place, tables = marts(parquet)
    connection = hive.connect("127.0.0.1", port=running["port"], username="journey")
    try:
        cursor = connection.cursor()
        cursor.execute("create database if not exists marts")
        for name, table in tables.items():
            columns = ", ".join(
                f"`{each['name']}` comment {literal(each['description'])}"
                for each in table["columns"]
            )
            cursor.execute(
                f"create or replace view marts.`{name}` ({columns})"
                f" comment {literal(table['description'])}"
                f" as select * from parquet.`file:{(place / table['file']).as_posix()}`"
            )
        cursor.execute("show views in marts")
        for gone in {row[1] for row in cursor.fetchall()} - tables.keys():
            cursor.execute(f"drop view marts.`{gone}`")
    except hive.Error as error:
        response = error.args[0] if error.args else error
        said = getattr(getattr(response, "status", None), "errorMessage", None) or str(error)
        raise ServerError(f"Spark says: {said}") from error
    finally:
        connection.close()
    return len(tables)


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def down(folder: Path = FOLDER) -> bool:
    """Stop the server, by its process id; whether one ran."""
    running = state(folder)
    if running is None:
        return False
    stop(running["process_id"], THRIFT_SERVER)
    (folder / "server.json").unlink(missing_ok=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.spark_endpoint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["up", "refresh", "down"])
    what = parser.parse_args().what
    try:
        if what == "up":
            print(f"jdbc:hive2://127.0.0.1:{up()}/marts")
        elif what == "refresh":
            print(f"{refresh()} tables")
        else:
            print("stopped" if down() else "none was running")
    except ServerError as error:
        print(f"no Spark endpoint: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
