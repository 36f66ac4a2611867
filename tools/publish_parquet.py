"""The published marts as parquet files, a whole generation at a time.

    python -m tools.publish_parquet     # what `make publish` does last

    warehouse/parquet/
        generation=41/          as long as the publication it belongs to is kept
        generation=42/
            _manifest.json      tables, rows, hashes, columns with types and descriptions
            fct_events.parquet  …
        current -> generation=42
        current.json            the same pointer for those who cannot follow a link

A generation is written into a folder whose name begins with a dot, opened again, compared with the
published file, and only then gets its name; a folder that bears a generation's name is whole and
never written to again. Last the pointers are replaced, each in one step: `current.json` for
programs, Windows and object stores, which know no links, and the link for tools that take a folder
and nothing else. Whoever reads several tables and wants them of one generation resolves the pointer
once and reads from that folder, which stays for as many publications as are kept.

What is published as a view repeats the tables' numbers (kpi_long has 2.5 million rows for the
sample company, three times as many as all tables together), so it is left out, unless
JOURNEY_PARQUET_VIEWS=1 asks for it.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import duckdb

from tools.publish import (
    KEEP,
    PUBLISHED,
    SCHEMA,
    PublicationError,
    Table,
    fingerprint,
    fingerprint_of_rows,
    is_at_work,
    quoted,
    sql,
    views_over_marts,
)

MANIFEST = "_manifest.json"  # readers of parquet folders pass over what begins with _


def folder_of(published: Path) -> Path:
    return Path(os.environ.get("JOURNEY_PARQUET") or published.parent / "parquet")


def publish(published: Path = PUBLISHED, folder: Path | None = None) -> tuple[int, Path, int]:
    """Write what is published; the generation, its folder and how many tables it has.

    Does nothing but set the pointers where the generation is there already, whole.
    """
    folder = folder or folder_of(published)
    if not published.exists():
        raise PublicationError(f"there is no {published}: run `make publish` first.")
    with_views = os.environ.get("JOURNEY_PARQUET_VIEWS", "0") not in ("", "0")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        with duckdb.connect(str(published), read_only=True) as connection:
            manifest = describe(connection, with_views)
            generation = manifest["generation"]
            place = folder / f"generation={generation}"
            if not place.exists():
                scratch = folder / f".{place.name}.{os.getpid()}.tmp"
                try:
                    write(connection, manifest, scratch)
                    check(scratch, manifest)
                    os.rename(scratch, place)
                    flush(folder)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
            else:
                check_same(place, manifest)
        point_json(folder, place)
        point_link(folder, place)
        prune(folder, generation)
    except (duckdb.Error, OSError) as error:
        raise PublicationError(str(error).splitlines()[0]) from error
    return generation, place, len(manifest["tables"])


def describe(connection: duckdb.DuckDBPyConnection, with_views: bool) -> dict:
    """What the generation's manifest says, but for the size of the files."""
    catalog = connection.execute("select current_database()").fetchone()[0]
    names = ["generation", "published_at", "restored_from", "code_version", "as_of_at"]
    row = connection.execute(
        f"select {', '.join(names)} from {SCHEMA}.publication limit 1"
    ).fetchone()
    head = {
        name: value.isoformat() + "Z" if hasattr(value, "isoformat") else value
        for name, value in zip(names, row, strict=True)
    }
    known = {
        name: Table(name, rows, content)
        for name, rows, content in connection.execute(
            f"select table_name, row_count, content_hash from {SCHEMA}.publication"
        ).fetchall()
    }
    views = views_over_marts(connection, catalog)
    comments = dict(
        connection.execute(
            "select table_name, comment from duckdb_tables() where schema_name = ?"
            " union all select view_name, comment from duckdb_views() where schema_name = ?",
            [SCHEMA, SCHEMA],
        ).fetchall()
    )
    columns: dict[str, list[dict]] = {}
    for table, column, kind, comment in connection.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where schema_name = ? order by table_name, column_index",
        [SCHEMA],
    ).fetchall():
        columns.setdefault(table, []).append(
            {"name": column, "type": kind, "description": comment or ""}
        )
    tables = {}
    for name in sorted(columns):
        if name in views:
            if not with_views:
                continue
            # a hash of the rows: that of its text says nothing about a file
            table = fingerprint_of_rows(connection, f"{SCHEMA}.{quoted(name)}", name)
        else:
            table = known.get(name) or fingerprint(connection, catalog, name)
        tables[name] = {
            "file": f"{name}.parquet",
            "row_count": table.row_count,
            "content_hash": table.content_hash,
            "description": comments.get(name) or "",
            "columns": columns[name],
        }
    left_out = [] if with_views else sorted(views)
    return {**head, "views_left_out": left_out, "tables": tables}


def write(connection: duckdb.DuckDBPyConnection, manifest: dict, folder: Path) -> None:
    folder.mkdir()
    for name, table in manifest["tables"].items():
        write_table(connection, name, table, manifest["generation"], folder)
    with open(folder / MANIFEST, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False)
    for file in folder.iterdir():  # all together: the disk has begun with the first ones
        flush(file)
    flush(folder)


def write_table(connection, name: str, table: dict, generation: int, folder: Path) -> None:
    file = folder / table["file"]
    said = table["description"].replace("'", "''")
    connection.execute(
        f"copy (select * from {SCHEMA}.{quoted(name)}) to '{sql(file)}' (format parquet,"
        f" compression zstd, kv_metadata {{generation: '{generation}', description: '{said}'}})"
    )
    table["bytes"] = file.stat().st_size


def check(folder: Path, manifest: dict) -> None:
    """Read the files again and compare each with the published table."""
    with duckdb.connect() as connection:
        connection.execute(f"create schema {SCHEMA}")
        for name, table in manifest["tables"].items():
            file = sql(folder / table["file"])
            connection.execute(
                f"create view {SCHEMA}.{quoted(name)} as select * from read_parquet('{file}',"
                " hive_partitioning = false)"
            )
            copy = fingerprint(connection, "memory", name)
            if (copy.row_count, copy.content_hash) != (table["row_count"], table["content_hash"]):
                raise PublicationError(
                    f"{table['file']} was written wrongly ({copy.row_count} of"
                    f" {table['row_count']} rows). Is the disk full?"
                )


def check_same(place: Path, manifest: dict) -> None:
    """Raise where a folder bears the generation's number and holds something else."""
    try:
        there = json.loads((place / MANIFEST).read_text(encoding="utf-8"))["tables"]
    except (OSError, ValueError, KeyError):
        there = {}

    def content(tables: dict) -> dict:
        return {name: (each["row_count"], each["content_hash"]) for name, each in tables.items()}

    # asked for with views and without: both are right
    mine = content({name: each for name, each in manifest["tables"].items() if name in there})
    if not there or {**content(there), **mine} != content(there):
        raise PublicationError(
            f"{place} holds another publication of the same number, so it was written from another"
            " published file. Remove the parquet folder if nobody reads it any more, or let"
            " JOURNEY_PARQUET name another one."
        )


def point_json(folder: Path, place: Path) -> None:
    manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    pointer = {
        **{name: value for name, value in manifest.items() if name != "tables"},
        "folder": place.name,
        "tables": {
            name: {"file": f"{place.name}/{table['file']}", "row_count": table["row_count"]}
            for name, table in manifest["tables"].items()
        },
    }
    scratch = folder / f".current.json.{os.getpid()}.tmp"
    scratch.write_text(json.dumps(pointer, indent=1), encoding="utf-8")
    flush(scratch)
    os.replace(scratch, folder / "current.json")


def point_link(folder: Path, place: Path) -> None:
    scratch = folder / f".current.{os.getpid()}.tmp"
    try:
        os.symlink(place.name, scratch, target_is_directory=True)
    except OSError:  # Windows without the right to, or a file system without links
        (folder / "current").unlink(missing_ok=True)  # rather none than an old one
        print(f"no link {folder / 'current'} can be made here: read current.json instead")
        return
    link = folder / "current"
    if link.is_dir() and not link.is_symlink():  # a copy of the folder that followed the link
        shutil.rmtree(link)
    os.replace(scratch, link)
    flush(folder)


def generations(folder: Path) -> dict[int, Path]:
    """The whole generations that are there: number -> folder, oldest first."""
    found = {}
    for path in folder.glob("generation=*"):
        number = path.name.partition("=")[2]
        if number.isdigit():
            found[int(number)] = path
    return dict(sorted(found.items()))


def current(folder: Path) -> Path:
    """The folder that readers are pointed to."""
    return folder / json.loads((folder / "current.json").read_text(encoding="utf-8"))["folder"]


def prune(folder: Path, published: int) -> None:
    """Remove what is older than the last few; a folder loses its name before its first file."""
    older = [each for number, each in generations(folder).items() if number != published]
    for path in older[: -(KEEP - 1)]:
        scratch = folder / f".{path.name}.{os.getpid()}.tmp"
        os.rename(path, scratch)
        shutil.rmtree(scratch)


def remove_leftovers(folder: Path) -> None:
    """What publications that were killed have left."""
    for path in folder.glob(".*.tmp"):
        process_id = path.name.removesuffix(".tmp").rpartition(".")[2]
        if process_id.isdigit() and not is_at_work(int(process_id)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def flush(path: Path) -> None:
    """Have the disk hold it, before a pointer says so."""
    if os.name != "posix":  # a folder cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tell(published: Path = PUBLISHED) -> None:
    started = time.monotonic()
    generation, place, count = publish(published)
    size = sum(each.stat().st_size for each in place.iterdir())
    print(
        f"published: {place}, generation {generation}, {count} tables, {size / 1e6:.0f} MB,"
        f" {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    from tools import publish_targets

    sys.exit(publish_targets.send(PUBLISHED, ["parquet"]))
