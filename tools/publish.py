"""Swap the built marts in for the published ones: `python -m tools.publish`.

    python -m tools.publish                 # publish what warehouse/build.duckdb holds
    python -m tools.publish --list          # the generations that can be had again
    python -m tools.publish --restore 41    # publish generation 41 once more
    python -m tools.publish --to parquet,postgres  # where else than into the DuckDB file

The build file is private: while dbt writes it nobody else can open it, and half of it may be new.
Readers get another file, which is only ever replaced as a whole: the marts are copied into a new
file, that is closed, opened again and compared with the build, and then takes the old one's name.
A reader who has the old file open keeps it until he opens anew.

Between the copy and the swap stands the quality gate: the expectations of tools/expectations. Where
one that is not a mere warning fails, or cannot be asked, the old publication stays. What came of
each goes into the new file, as data_quality_results. Where you have looked, and it is right so:

    python -m tools.publish --accept the_name_of_the_expectation

The last publications stay beside the file (`generations/`, by name no more than links until the
file is replaced). One that is restored is published as a new generation, so that for a reader the
number only ever grows; `restored_from` says which one it was.

Access is the file's: whoever may read the file may read everything in it, so nothing but the marts
goes in.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from tools import descriptions
from tools.advice import advise
from tools.expectations import results

BUILT = Path(os.environ.get("JOURNEY_DATABASE") or "warehouse/build.duckdb")
PUBLISHED = Path(os.environ.get("JOURNEY_PUBLISHED") or "warehouse/customer_journey.duckdb")
SCHEMA = "marts"
KEEP = 5  # generations that can be restored, the published one included
# clients of DuckDB 1.4 and later can open it, whatever version wrote it
STORAGE_VERSION = "v1.4.0"


class PublicationError(Exception):
    """Why nothing was published; the published file is as it was."""


@dataclass(frozen=True)
class Table:
    name: str
    row_count: int
    content_hash: str


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def fingerprint(connection: duckdb.DuckDBPyConnection, catalog: str, name: str) -> Table:
    """Row count and a hash of the content of a mart that does not depend on the rows' order.

    What a view over published tables holds is theirs, so of it the text is hashed, and only within
    one publication: its form is that of a version of DuckDB and of this function.
    """
    table = f"{quoted(catalog)}.{SCHEMA}.{quoted(name)}"
    if text := views_over_marts(connection, catalog).get(name):
        (count,) = connection.execute(f"select count(*) from {table}").fetchone()
        words = "\n".join(words_of(connection, text))
        return Table(name, count, hashlib.md5(words.encode()).hexdigest()[:16])
    return fingerprint_of_rows(connection, table, name)


def words_of(connection: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    """A view's text, word by word, without what DuckDB 2.0 writes otherwise each time that it reads
    a view which it has written: brackets, spaces, case, and which of its names a type has."""
    types = dict(
        connection.execute(
            "select lower(type_name), lower(logical_type) from duckdb_types()"
        ).fetchall()
    )
    found = re.findall(r"'(?:[^']|'')*'|\w+|[^\s\w()]", view)
    return [
        word if word.startswith("'") else types.get(word.lower(), word.lower()) for word in found
    ]


def fingerprint_of_rows(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> Table:
    """The same of whatever can be read, views too."""
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    row_text = " || '|' || ".join(
        f"coalesce(cast({quoted(column)} as varchar), '\\N')" for column in columns
    )
    count, total = connection.execute(
        f"select count(*), sum(cast('0x' || left(md5({row_text}), 15) as bigint)) from {table}"
    ).fetchone()
    return Table(name, count, f"{(total or 0) % 2**64:016x}")


def views_over_marts(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, str]:
    """The views that read nothing but other marts, with their text as it is in any file.

    They are published as views: what they show is not stored twice. The catalogue that dbt writes
    before each table is left out, since the published file has another name.
    """
    views = connection.execute(
        "select view_name, sql from duckdb_views() where database_name = ? and schema_name = ?",
        [catalog, SCHEMA],
    ).fetchall()
    found = {}
    for name, text in views:
        text = re.sub(rf"\b{re.escape(catalog)}\.|{re.escape(quoted(catalog))}\.", "", text)
        schemas = re.findall(r"\b(?:from|join) \(*\"?(\w+)\"?\.", text, re.IGNORECASE)
        if schemas and set(schemas) == {SCHEMA}:
            found[name] = text
    return found


def code_version() -> str:
    """The commit that the models are of, `+` for one with uncommitted changes; '' without git."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass(frozen=True)
class Made:
    """Out of what, and under which configuration, the tables of a build were made."""

    configuration_version: str  # md5 of every var and seed
    as_of_at: datetime
    load_count: int
    loads_version: str  # md5 of table, id and row count of every load


def made_of(connection: duckdb.DuckDBPyConnection, catalog: str) -> Made:
    def md5_of(rows: str, table: str) -> str:
        query = f"select md5(coalesce(string_agg({rows}, '|' order by {rows}), '')) from {table}"
        return connection.execute(query).fetchone()[0]

    loads = f"{quoted(catalog)}.{SCHEMA}.reconciliation"
    clock = f"select as_of_at from {quoted(catalog)}.{SCHEMA}.dim_as_of"
    return Made(
        md5_of("setting || '=' || value", f"{quoted(catalog)}.intermediate.build_configuration"),
        connection.execute(clock).fetchone()[0],
        connection.execute(f"select count(*) from {loads}").fetchone()[0],
        md5_of("source_table || ':' || load_id || ':' || raw_row_count", loads),
    )


def last_generation(published: Path) -> int:
    if not published.exists():
        return 0
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.execute("select max(generation) from marts.publication").fetchone()[0]


def write_candidate(built: Path, candidate: Path, generation: int) -> list[Table]:
    """Copy every mart of `built` into the new file `candidate`; the tables copied, by name."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        # dbt writes the file's own name into the views, so it has to be attached under that name
        source = built.stem
        connection.execute(f"attach '{sql(built)}' as {quoted(source)} (read_only)")
        connection.execute(
            f"attach '{sql(candidate)}' as candidate (storage_version '{STORAGE_VERSION}')"
        )
        names = [
            row[0]
            for row in connection.execute(
                "select table_name from information_schema.tables"
                " where table_catalog = ? and table_schema = ? order by table_name",
                [source, SCHEMA],
            ).fetchall()
        ]
        if not names:
            raise PublicationError(f"{built} holds no marts: run `make build` first.")
        connection.execute(f"create schema candidate.{SCHEMA}")
        views = views_over_marts(connection, source)
        for name in [name for name in names if name not in views]:
            connection.execute(
                f"create table candidate.{SCHEMA}.{quoted(name)} as"
                f" select * from {quoted(source)}.{SCHEMA}.{quoted(name)}"
            )
        connection.execute("use candidate")
        for text in views.values():
            connection.execute(text)
        tables = [fingerprint(connection, source, name) for name in names]
        connection.execute("use memory")
        connection.execute(
            f"create table candidate.{SCHEMA}.publication (generation bigint, published_at"
            " timestamp, restored_from bigint, code_version varchar, configuration_version varchar,"
            " as_of_at timestamp, load_count bigint, loads_version varchar, table_name varchar,"
            " row_count bigint, content_hash varchar)"
        )
        made = made_of(connection, source)
        same = (generation, now(), None, code_version(), *astuple(made))
        connection.executemany(
            f"insert into candidate.{SCHEMA}.publication values ({', '.join('?' * 11)})",
            [(*same, *astuple(table)) for table in tables],
        )
        descriptions.write_comments(connection, "candidate", SCHEMA)
        connection.execute("checkpoint candidate")
        connection.execute("detach candidate")
    return tables


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def sql(path: Path) -> str:
    return str(path).replace("'", "''")


def check_candidate(candidate: Path, tables: list[Table]) -> None:
    """Open the new file as a reader does and compare each table with what was built."""
    with duckdb.connect(str(candidate), read_only=True) as connection:
        catalog = connection.execute("select current_database()").fetchone()[0]
        for table in tables:
            copy = fingerprint(connection, catalog, table.name)
            if copy != table:
                raise PublicationError(
                    f"{table.name} was copied wrongly ({copy.row_count} of {table.row_count} rows)."
                    " Is the disk full, or does a build run at the same time?"
                )


def publish(built: Path = BUILT, published: Path = PUBLISHED, gate=None) -> tuple[int, list[Table]]:
    """Publish the marts of `built`; the new generation and its tables.

    `gate` is called with the new file before the swap, and stops it by raising PublicationError;
    the outcomes that it returns are published.
    """
    if not built.exists():
        raise PublicationError(f"there is no {built}: run `make build` first.")
    # DuckDB calls the catalogue after the file: marts.fct_events would be two things
    if published.stem == SCHEMA:
        raise PublicationError(
            f"nobody could read {SCHEMA}.<table> in a file called {published.name}, because DuckDB"
            " calls the whole file so as well: name it otherwise (JOURNEY_PUBLISHED)."
        )
    with new_file(published) as candidate:
        generation = last_generation(published) + 1
        tables = write_candidate(built, candidate, generation)
        check_candidate(candidate, tables)
        outcomes = gate(candidate) if gate is not None else []
        tables.append(write_results(candidate, published, generation, outcomes or []))
        check_candidate(candidate, tables[-1:])
        swap_in(candidate, published)
    return generation, tables


def write_results(candidate: Path, published: Path, generation: int, outcomes: list) -> Table:
    """Write what came of the gate into the new file, after what came of it earlier."""
    with duckdb.connect(str(candidate)) as connection:
        results.create(connection)
        results.add(connection, generation, now(), outcomes)
        return write_earlier_results(connection, published)


def write_earlier_results(connection: duckdb.DuckDBPyConnection, published: Path) -> Table:
    """Carry the results of earlier generations on, and enter the table in the publication."""
    results.carry_on(connection, published)
    catalog = connection.execute("select current_database()").fetchone()[0]
    table = fingerprint(connection, catalog, results.TABLE)
    publication = f"{SCHEMA}.publication"
    connection.execute(f"delete from {publication} where table_name = ?", [results.TABLE])
    connection.execute(
        f"insert into {publication} select * replace (? as table_name, ? as row_count, ? as"
        f" content_hash) from (select * from {publication} limit 1)",
        [*astuple(table)],
    )
    return table


def restore(generation: int, published: Path = PUBLISHED) -> int:
    """Publish an earlier generation once more, as the next one; its new number."""
    kept = generations(published)
    if generation not in kept:
        had = ", ".join(map(str, kept)) or "none"
        raise PublicationError(f"generation {generation} is not kept any more; kept are: {had}.")
    with new_file(published) as candidate:
        number = last_generation(published) + 1
        shutil.copyfile(kept[generation], candidate)
        with duckdb.connect(str(candidate)) as connection:
            connection.execute(
                f"update {SCHEMA}.publication set generation = ?, published_at = ?,"
                " restored_from = coalesce(restored_from, generation)",
                [number, now()],
            )
            results.create(connection)
            write_earlier_results(connection, published)
            tables = [
                Table(*row)
                for row in connection.execute(
                    f"select table_name, row_count, content_hash from {SCHEMA}.publication"
                    " where table_name not in (select view_name from duckdb_views())"
                ).fetchall()
            ]
        check_candidate(candidate, tables)
        swap_in(candidate, published)
    return number


def generations(published: Path) -> dict[int, Path]:
    """The publications that can be restored: number -> file, oldest first."""
    found = {}
    for path in folder_of_generations(published).glob(f"{published.stem}.*{published.suffix}"):
        number = path.name.removeprefix(f"{published.stem}.").removesuffix(published.suffix)
        if number.isdigit():
            found[int(number)] = path
    return dict(sorted(found.items()))


def folder_of_generations(published: Path) -> Path:
    return published.parent / "generations"


@contextmanager
def new_file(published: Path):
    """A name beside the published file, for a file that is gone afterwards unless swapped in."""
    published.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(published)
    candidate = published.with_name(f".{published.name}.{os.getpid()}.tmp")
    try:
        yield candidate
    except (duckdb.Error, OSError) as error:
        raise PublicationError(str(error).splitlines()[0]) from error
    finally:
        for leftover in (candidate, candidate.with_name(candidate.name + ".wal")):
            leftover.unlink(missing_ok=True)


def swap_in(candidate: Path, published: Path) -> None:
    """The new file takes the published one's name in one step; the last ones are kept."""
    keep_generation(published)  # a publication that was cut off before it was kept
    os.replace(candidate, published)
    keep_generation(published)
    for path in list(generations(published).values())[:-KEEP]:
        path.unlink(missing_ok=True)


def keep_generation(published: Path) -> None:
    """A second name for the published file, under which it outlives the next swap."""
    number = last_generation(published)
    if number == 0 or number in generations(published):
        return
    folder_of_generations(published).mkdir(exist_ok=True)
    kept = folder_of_generations(published) / f"{published.stem}.{number}{published.suffix}"
    try:
        os.link(published, kept)
    except OSError:  # a file system without links
        shutil.copyfile(published, kept)


def remove_leftovers(published: Path) -> None:
    """Remove what publications that were killed have left: nobody else would ever do it, and such a
    copy may hold somebody who has asked to be forgotten since."""
    start = f".{published.name}."
    for path in published.parent.iterdir():
        process_id, _, end = path.name.removeprefix(start).partition(".")
        is_copy = path.name.startswith(start) and process_id.isdigit() and end in ("tmp", "tmp.wal")
        if is_copy and not is_at_work(int(process_id)):
            path.unlink(missing_ok=True)


def is_at_work(process_id: int) -> bool:
    """Whether it is another process that runs."""
    if process_id == os.getpid():  # in a container it may be the very number of the killed one
        return False
    try:
        os.kill(process_id, 0)  # 0: only ask
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def quality_gate(candidate: Path, published: Path, accept: set[str] = frozenset()) -> list:
    """Raise PublicationError where the new file is not believable; write the reports.

    Whatever else goes wrong here stops the publication as well.
    """
    # Great Expectations takes seconds to import
    from tools.expectations import checks, report, suites
    from tools.expectations.__main__ import REPORTS

    try:
        batches = suites.read_suites()
        names = {each.name for batch in batches for each in batch.expectations}
        if unknown := sorted(accept - names):
            raise PublicationError(
                f"--accept names no expectation: {', '.join(unknown)}. The names stand in"
                f" {REPORTS}/quality.md and in marts.data_quality_results."
            )
        outcomes = checks.run(candidate, batches, published if published.exists() else None)
    except suites.ExpectationsError as error:
        raise PublicationError(f"the expectations could not be asked: {error}") from error
    outcomes = suites.accepted(outcomes, accept)
    report.write(outcomes, REPORTS)
    print(f"quality gate: {report.summary(outcomes)} Report: {REPORTS}/quality.md")
    failures = [each for each in outcomes if each.is_failure]
    if failures:
        names = "\n".join(f"  {each.expectation.name}" for each in failures)
        raise PublicationError(
            "these expectations do not hold (tools/expectations/suites, reports in"
            f" {REPORTS}); the last publication stays:\n{report.table(failures)}\n"
            f"Their names:\n{names}\nWhat to do: docs/quality_gate.md, 'When it stops you'."
        )
    return outcomes


def publish_and_tell(built: Path, published: Path, gate) -> int:
    """The same, in words for whoever sits before it; 0 if readers have the new marts."""
    try:
        generation, tables = publish(built, published, gate)
    except PublicationError as error:
        print(f"not published: {error}", file=sys.stderr)
        advise(str(error), built)
        return 1
    rows = sum(table.row_count for table in tables)
    print(f"published: {published}, generation {generation}, {len(tables)} tables, {rows:,} rows")
    return 0


def main() -> int:
    from tools import publish_targets  # which needs this module

    parser = argparse.ArgumentParser(prog="python -m tools.publish", description=__doc__)
    parser.add_argument("--built", type=Path, default=BUILT)
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    parser.add_argument(
        "--to",
        type=publish_targets.names,
        default=os.environ.get("JOURNEY_PUBLISH") or "parquet",
        help="where else: parquet, postgres, both with a comma between, or duckdb for nowhere"
        " else (default: JOURNEY_PUBLISH, or else parquet)",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--list", action="store_true", help="the generations that are kept")
    choice.add_argument("--restore", type=int, metavar="GENERATION", help="publish it once more")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="EXPECTATION",
        help="publish although this expectation fails; say it again for another",
    )
    arguments = parser.parse_args()
    if arguments.list:
        for number, path in generations(arguments.published).items():
            print(f"{number}\t{path}")
        return 0
    if arguments.restore is not None:
        try:
            number = restore(arguments.restore, arguments.published)
        except PublicationError as error:
            print(f"not published: {error}", file=sys.stderr)
            return 1
        print(f"published: generation {arguments.restore} once more, as generation {number}")
        return publish_targets.send(arguments.published, arguments.to)
    gate = partial(quality_gate, published=arguments.published, accept=set(arguments.accept))
    failed = publish_and_tell(arguments.built, arguments.published, gate)
    return failed or publish_targets.send(arguments.published, arguments.to)


if __name__ == "__main__":
    sys.exit(main())
