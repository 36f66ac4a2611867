"""Two ways to build the same sessions day by day, each held against its own full refresh.

    python -m tools.side_by_side [--deliveries 8] [--persons 2000]

The sample company's loads arrive in so many deliveries, in the order in which they were loaded.
This project builds after each one; so does the way that incremental models are often written: take
what happened after the greatest time seen so far, less a lookback, find the sessions in it, and
replace those with the same key. Both read the same accepted events. Printed is how many session
rows differ from what one full refresh of the same code makes of the same rows.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

PYTHON = sys.executable
DBT = str(Path(PYTHON).with_name("dbt"))
LOOKBACKS = ("3 hours", "3 days", "14 days")

# a session: events of one endpoint with no gap of 30 minutes; called after its first event
NAIVE_SESSIONS = """
    with events as (
        select event_id, min(endpoint_id) as endpoint_id, min(occurred_at) as occurred_at
        from arrived where {filter} group by event_id
    ),
    gaps as (
        select *, coalesce(
            occurred_at - lag(occurred_at) over endpoint >= interval '30 minutes', true
        ) as is_start
        from events window endpoint as (partition by endpoint_id order by occurred_at, event_id)
    ),
    numbered as (
        select *, sum(is_start::int) over (
            partition by endpoint_id order by occurred_at, event_id) as session_number
        from gaps
    )
    select
        md5(endpoint_id || first(event_id order by occurred_at, event_id)) as session_id,
        min(occurred_at) as started_at, max(occurred_at) as ended_at, count(*) as event_count
    from numbered group by endpoint_id, session_number
"""


def deliver(raw: Path, into: Path, deliveries: int) -> list[Path]:
    """The raw tables, one folder per delivery with everything that has arrived until then."""
    folders = [into / f"after_{number + 1}" for number in range(deliveries)]
    tables = sorted(path for path in raw.glob("*/*") if path.is_dir())
    with duckdb.connect() as connection:
        union = " union ".join(
            f"select _load_id, min(_loaded_at) as loaded_at from read_parquet('{path}/*.parquet')"
            " group by _load_id"
            for path in tables
        )
        connection.execute(
            "create table loads as select _load_id, ntile(?) over (order by min(loaded_at),"
            f" _load_id) - 1 as delivery from ({union}) group by _load_id",
            [deliveries],
        )
        for number, folder in enumerate(folders):
            for path in tables:
                of_delivery = folder / path.relative_to(raw)
                of_delivery.mkdir(parents=True)
                for earlier in folders[:number]:  # what lies there stays there
                    for part in (earlier / path.relative_to(raw)).glob(f"part-{earlier.name}.*"):
                        os.link(part, of_delivery / part.name)
                connection.execute(
                    f"copy (select rows.* from read_parquet('{path}/*.parquet') as rows"
                    f" inner join loads using (_load_id) where delivery = {number})"
                    f" to '{of_delivery}/part-{folder.name}.parquet' (format parquet)"
                )
    return folders


def build(folder: Path, raw: Path, *options: str) -> Path:
    """The sessions as dbt builds them from the raw tables; the database.

    All builds of a folder have one database and one path to the raw tables, so that dbt reads the
    project once for all of them.
    """
    database, arrived = folder / "build.duckdb", folder / "arrived"
    arrived.unlink(missing_ok=True)
    arrived.symlink_to(raw)
    environment = {
        **os.environ,
        "JOURNEY_DATABASE": str(database),
        "JOURNEY_RAW": str(arrived),
        "DBT_TARGET_PATH": str(folder / "target"),
        "JOURNEY_HASH_KEY": str(folder / "hash_key.parquet"),
    }
    if not Path(environment["JOURNEY_HASH_KEY"]).exists():
        command = [PYTHON, "-m", "tools.hash_key"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    command = [DBT, "--quiet", "build", "--exclude-resource-type", "test", "unit_test"]
    done = subprocess.run([*command, "--select", "+fct_sessions", *options], env=environment)
    if done.returncode != 0:
        sys.exit("side_by_side: the build failed; what went wrong stands above.")
    return database


def naive(connection: duckdb.DuckDBPyConnection, loads: list[list[str]], lookback: str) -> None:
    """Table naive: the sessions built delivery by delivery with a watermark and a lookback."""
    connection.execute("create or replace table arrived as select * from events where false")
    connection.execute(f"create or replace table naive as {NAIVE_SESSIONS.format(filter='false')}")
    for of_delivery in loads:
        connection.execute(
            "insert into arrived select * from events where list_contains(?, load_id)",
            [of_delivery],
        )
        watermark = f"(select max(ended_at) - interval '{lookback}' from naive)"
        news = f"{watermark} is null or occurred_at > {watermark}"
        connection.execute(
            f"create or replace temp table fresh as {NAIVE_SESSIONS.format(filter=news)}"
        )
        connection.execute(
            "delete from naive where session_id in (select session_id from fresh);"
            "insert into naive select * from fresh"
        )


def differing(connection, one: str, other: str) -> int:
    """Sessions that stand in one of two tables only, or differ there, by key."""
    return connection.execute(
        f"""select count(distinct session_id) from (
            (select * from {one} except select * from {other})
            union all (select * from {other} except select * from {one}))"""
    ).fetchone()[0]


def compare(persons: int, deliveries: int) -> list[tuple[str, int, int]]:
    """(way, differing session rows, session rows of the full refresh) for each way of building."""
    results = []
    with tempfile.TemporaryDirectory(prefix="side_by_side_") as temporary:
        folder = Path(temporary)
        command = [PYTHON, "-m", "tools.sample", "--out", str(folder / "raw"), "--quiet"]
        subprocess.run([*command, "--persons", str(persons)], check=True)
        folders = deliver(folder / "raw", folder / "deliveries", deliveries)
        for number, raw in enumerate(folders, start=1):
            print(f"delivery {number} of {deliveries} …", flush=True)
            build(folder, raw)
        stepwise = (folder / "build.duckdb").rename(folder / "steps.duckdb")
        print("one full refresh …", flush=True)
        at_once = build(folder, folders[-1], "--full-refresh")
        with duckdb.connect() as connection:
            # dbt writes the file's own name into views, so each is attached under another alias
            connection.execute(f"attach '{stepwise}' as steps (read_only)")
            connection.execute(f"attach '{at_once}' as once (read_only)")
            ours = "select session_id, started_at, ended_at, event_count from {}.marts.fct_sessions"
            connection.execute(f"create table ours_steps as {ours.format('steps')}")
            connection.execute(f"create table ours_once as {ours.format('once')}")
            count = connection.execute("select count(*) from ours_once").fetchone()[0]
            wrong = differing(connection, "ours_steps", "ours_once")
            results.append(("customer_journey", wrong, count))

            connection.execute(
                "create table events as select copies.event_id, copies.load_id,"
                " classified.endpoint_id, classified.occurred_at"
                " from once.intermediate.int_events_unioned as copies"
                " inner join once.intermediate.int_events_classified as classified using (event_id)"
                " where copies.reject_reason is null and classified.is_interactive"
                " and classified.suppression_reason is null"
            )
            loads = [
                [row[0] for row in connection.execute(arrived).fetchall()]
                for arrived in load_queries(folders)
            ]
            connection.execute("create table arrived as select * from events")
            connection.execute(f"create table naive_once as {NAIVE_SESSIONS.format(filter='true')}")
            count = connection.execute("select count(*) from naive_once").fetchone()[0]
            for lookback in LOOKBACKS:
                naive(connection, loads, lookback)
                wrong = differing(connection, "naive", "naive_once")
                results.append((f"watermark, lookback {lookback}", wrong, count))
    return results


def load_queries(folders: list[Path]) -> list[str]:
    return [
        f"select distinct _load_id from read_parquet('{folder}/*/*/part-{folder.name}.parquet',"
        " union_by_name = true)"
        for folder in folders
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.side_by_side", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=8)
    parser.add_argument("--persons", type=int, default=2_000)
    arguments = parser.parse_args()
    if arguments.deliveries < 2 or arguments.persons < 1:
        parser.error("--deliveries has to be at least 2, --persons at least 1")
    results = compare(arguments.persons, arguments.deliveries)
    print(f"\n{'built delivery by delivery':<32}{'rows that differ':>18}{'of':>10}{'share':>9}")
    for way, wrong, count in results:
        print(f"{way:<32}{wrong:>18,}{count:>10,}{wrong / count:>9.1%}")
    return 0 if results[0][1] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
