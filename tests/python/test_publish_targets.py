"""What readers get elsewhere than in the DuckDB file: parquet, PostgreSQL, Spark; how to connect.

A small publication made by hand is enough for all but the recipes of docs/connect.md, which ask the
sample company.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pytest
from harness import ROOT

from tools import descriptions, postgres, publish, publish_parquet, publish_targets
from tools.expectations import results
from tools.publish import PublicationError

TABLES = ("fct_events", "fct_sessions", "dim_persons")


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """dbt's manifest of the small publication; where it says nothing, none is read."""

    def described(name: str, columns: dict[str, str], key: str) -> dict:
        return {
            "resource_type": "model",
            "name": name,
            "schema": "marts",
            "description": f"One row per {name}: it's\n  described.",
            "columns": {each: {"description": text} for each, text in columns.items()},
            "primary_key": [key],
        }

    nodes = [
        described(name, {"build": "The build's number.", "row_number": "Its key."}, "row_number")
        for name in TABLES
    ]
    nodes.append(described("kpi_rows", {"build": "The number, again."}, "build"))
    folder = tmp_path / "target"
    folder.mkdir()
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": {str(number): each for number, each in enumerate(nodes)}}))
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder))
    return path


def make_build(path: Path, number: int, also: str = "") -> Path:
    """Three marts, each row of which bears the number of the build, and a view over one of them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema intermediate")
        for name in TABLES:
            connection.execute(
                f"create table marts.{name} as select {number} as build, range as row_number,"
                f" range / 3 as share, 'row ' || range as words from range({100 + number})"
            )
        connection.execute(
            "create view marts.kpi_rows as select build, cast(count(build) as double) as row_count"
            " from marts.fct_events group by build;"
            "create table marts.dim_as_of as select timestamp '2026-01-01 12:34:56.5' as as_of_at;"
            "create table marts.reconciliation as select 's.t' as source_table, 'one' as load_id,"
            f" {number} as raw_row_count; create table intermediate.build_configuration as"
            " select 'var a' as setting, '1' as value"
        )
        connection.execute(also)
    return path


@pytest.fixture
def published(tmp_path, manifest):
    """Publish the small build of a number; the published file."""

    def make(number: int, also: str = "") -> Path:
        path = tmp_path / "warehouse" / "customer_journey.duckdb"
        publish.publish(make_build(tmp_path / "build.duckdb", number, also), path)
        return path

    return make


# ---------------------------------------------------------------- the DuckDB file


def comments(path: Path) -> dict[tuple[str, str], str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, '', comment from duckdb_tables()"
            " union all select view_name, '', comment from duckdb_views() where not internal"
            " union all select table_name, column_name, comment from duckdb_columns()"
            " where schema_name = 'marts'"
        ).fetchall()
    return {(table, column): text for table, column, text in rows if text}


def test_the_published_file_bears_the_models_descriptions_as_comments(published):
    found = comments(published(1))
    assert found["fct_events", ""] == "One row per fct_events: it's described."
    assert found["fct_events", "build"] == "The build's number."
    assert found["kpi_rows", ""].startswith("One row per kpi_rows")
    assert found["kpi_rows", "build"] == "The number, again."
    assert found["publication", "generation"].startswith("Number of the publication")
    assert ("fct_events", "words") not in found


def test_without_dbts_manifest_the_marts_are_published_and_the_reason_is_said(
    published, manifest, capsys
):
    manifest.unlink()
    path = published(1)
    assert {table for table, _ in comments(path)} == {"publication", results.TABLE}
    assert f"{manifest} is missing. `make build` writes it" in capsys.readouterr().err
    manifest.write_text("{half")
    published(2)
    assert "cannot be read" in capsys.readouterr().err


def test_every_mart_and_column_of_the_project_has_a_description_to_carry_over():
    path = ROOT / "target" / "manifest.json"
    if not path.exists():
        pytest.skip("dbt has not parsed the project here")
    for name, each in descriptions.read(path).items():
        assert each.text and all(each.columns.values()), name
        assert each.key, name


# ---------------------------------------------------------------- parquet


def generation_in(folder: Path) -> int:
    """The one build that the files of a generation hold, all tables being whole."""
    builds = set()
    for name in TABLES:
        rows = duckdb.sql(f"select build, count(*) from '{folder}/{name}.parquet' group by 1")
        builds |= set(rows.fetchall())
    ((build, count),) = builds
    assert count == 100 + build
    return build


def pointed_to(folder: Path) -> tuple[int, int]:
    """What the two pointers show."""
    return generation_in(publish_parquet.current(folder)), generation_in(folder / "current")


def test_a_generation_of_parquet_files_holds_what_is_published(published):
    for number in range(1, publish.KEEP + 3):
        path = published(number)
        generation, place, count = publish_parquet.publish(path)
        assert (generation, count) == (number, len(TABLES) + 4)
        assert pointed_to(path.parent / "parquet") == (number, number)
    folder = path.parent / "parquet"
    kept = list(range(3, publish.KEEP + 3))
    assert list(publish_parquet.generations(folder)) == kept
    assert {each.name for each in folder.iterdir()} == {
        *(f"generation={each}" for each in kept),
        "current",
        "current.json",
    }
    pointer = json.loads((folder / "current.json").read_text())
    assert pointer["generation"] == number and pointer["views_left_out"] == ["kpi_rows"]
    assert pointer["tables"]["fct_events"] == {
        "file": f"generation={number}/fct_events.parquet",
        "row_count": 100 + number,
    }
    told = json.loads((place / publish_parquet.MANIFEST).read_text())["tables"]["fct_events"]
    assert told["description"] == "One row per fct_events: it's described."
    assert told["columns"][0] == {
        "name": "build",
        "type": "INTEGER",
        "description": "The build's number.",
    }
    with duckdb.connect(str(path), read_only=True) as connection:
        for name in pointer["tables"]:
            # by the link: the folder's own name would be one more column
            one, other = f"marts.{name}", f"'{folder}/current/{name}.parquet'"
            differing = connection.execute(
                f"select count(*) from ((from {one} except all from {other})"
                f" union all (from {other} except all from {one}))"
            ).fetchone()
            assert differing == (0,), name


def test_a_folder_that_was_copied_with_its_link_followed_is_published_into_again(published):
    path = published(1)
    publish_parquet.publish(path)
    link = path.parent / "parquet" / "current"
    target = link.resolve()
    link.unlink()
    shutil.copytree(target, link)
    published(2)
    publish_parquet.publish(path)
    assert link.is_symlink() and pointed_to(link.parent) == (2, 2)


def test_views_are_written_where_that_is_asked_for(published, monkeypatch):
    path = published(1)
    monkeypatch.setenv("JOURNEY_PARQUET_VIEWS", "1")
    _, place, _ = publish_parquet.publish(path)
    rows = duckdb.sql(f"from read_parquet('{place}/kpi_rows.parquet', hive_partitioning = false)")
    assert rows.fetchall() == [(1, 101.0)]


def test_a_file_that_lacks_a_row_is_not_pointed_to(published, monkeypatch):
    folder = published(1).parent / "parquet"
    publish_parquet.publish(published(1))
    write = publish_parquet.write_table

    def write_and_lose_one(connection, name, table, generation, place):
        write(connection, name, table, generation, place)
        if name == "fct_sessions":
            file = place / "fct_sessions.parquet"
            rows = duckdb.sql(f"from '{file}' where row_number <> 7").to_arrow_table()
            assert rows.num_rows
            duckdb.sql("from rows").write_parquet(str(file))

    monkeypatch.setattr(publish_parquet, "write_table", write_and_lose_one)
    with pytest.raises(PublicationError, match="fct_sessions.parquet was written wrongly"):
        publish_parquet.publish(published(2))
    assert publish_parquet.current(folder).name == "generation=2"
    assert not list(folder.glob(".*")), "nothing is left"


def test_a_folder_of_another_warehouse_is_not_overwritten(published, tmp_path):
    path = published(1)
    publish_parquet.publish(path)
    shutil.rmtree(path.parent / "generations")
    path.unlink()  # and the next one begins at 1 again
    with pytest.raises(PublicationError, match="another publication of the same number"):
        publish_parquet.publish(published(2))
    assert pointed_to(path.parent / "parquet") == (1, 1)


# Kills itself where it is about to call the function, or has just called it.
KILLED = """
import os, signal, sys
from pathlib import Path
from tools import publish_parquet
published, name, when = sys.argv[1:]
real, calls = getattr(publish_parquet, name), []
def killed(*arguments):
    calls.append(1)
    if when == "before" and (name != "write_table" or len(calls) == 3):
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*arguments)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(publish_parquet, name, killed)
publish_parquet.publish(Path(published))
"""
PLACES = [
    ("write_table", "before", 1),
    ("check", "before", 1),
    ("point_json", "before", 1),
    ("point_link", "before", 1),
    ("point_link", "after", 2),
]


def test_a_killed_publication_leaves_whole_generations_under_right_pointers(published):
    path = published(1)
    folder = path.parent / "parquet"
    publish_parquet.publish(path)
    published(2)
    for name, when, by_link in PLACES:
        command = [sys.executable, "-c", KILLED, str(path), name, when]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == -9, done.stderr
        for place in folder.glob("generation=*"):
            assert generation_in(place) in (1, 2), (name, when)
        by_json = 2 if name == "point_link" else 1
        assert pointed_to(folder) == (by_json, by_link), (name, when)
        if name == "point_link" and when == "before":
            assert list(publish_parquet.generations(folder)) == [1, 2]
    publish_parquet.publish(path)
    assert pointed_to(folder) == (2, 2)
    assert not list(folder.glob(".*")), "nothing is left"


def test_restoring_a_generation_moves_the_parquet_files_too(published, monkeypatch, capsys):
    for number in (1, 2):
        path = published(number)
        publish_parquet.publish(path)
    arguments = ["publish", "--published", str(path), "--restore", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert publish.main() == 0
    assert "generation=3, generation 3" in capsys.readouterr().out
    folder = path.parent / "parquet"
    assert publish_parquet.current(folder).name == "generation=3"
    assert pointed_to(folder) == (1, 1)


# ---------------------------------------------------------------- which targets


def test_an_unknown_target_stops_before_anything_is_published(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["publish", "--to", "parket"])
    with pytest.raises(SystemExit):
        publish.main()
    assert "'parket' is no target; there are: duckdb, parquet, postgres" in capsys.readouterr().err
    assert publish_targets.names("postgres, parquet,postgres") == ["postgres", "parquet"]
    assert publish_targets.names("duckdb") == []


def test_a_target_that_fails_does_not_hinder_the_others(published, monkeypatch, capsys):
    path = published(1)
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "JOURNEY_POSTGRES_DSN"):
        monkeypatch.delenv(name, raising=False)
    assert publish_targets.send(path, ["postgres", "parquet"]) == 1
    told = capsys.readouterr()
    assert "not published to postgres" in told.err and "no PostgreSQL is named" in told.err
    assert pointed_to(path.parent / "parquet") == (1, 1)


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}@x@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}/x@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}:x@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}#x@127.0.0.1:1/db",
        f"postgresql://u:{SECRET}%zz@127.0.0.1:1/db",
        f"host=127.0.0.1 port=1 password={SECRET} {SECRET}",
        f"host=127.0.0.1 port=1 password='{SECRET}",
        f"host=127.0.0.1 port=1 password={SECRET} user=u",
    ],
)
def test_no_message_repeats_a_password(dsn, monkeypatch):
    from tools import publish_postgres

    monkeypatch.setenv("JOURNEY_POSTGRES_DSN", dsn)
    with pytest.raises(PublicationError, match="cannot be read|cannot be reached") as caught:
        publish_postgres.connect()
    assert SECRET not in str(caught.value)


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="module")
def server():
    """A server of the test's own: its folder, and what a client has to know."""
    # not in pytest's folder: as root the server runs as another user, who cannot enter that
    folder = Path(tempfile.mkdtemp(prefix="journey_postgres_", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder / "server", postgres.up(folder / "server")
    finally:
        postgres.remove(folder / "server")
        shutil.rmtree(folder)


@pytest.fixture
def owner(server, monkeypatch):
    """A connection of the publishing user to an empty database; the environment leads there."""
    psycopg = pytest.importorskip("psycopg")
    for name, value in server[1].items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("JOURNEY_POSTGRES_DSN", raising=False)
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute("drop database if exists journey with (force)")
        admin.execute("create database journey")
    with psycopg.connect(autocommit=True) as connection:
        yield connection


def to_postgres(path: Path) -> None:
    from tools import publish_postgres

    publish_postgres.publish(path)


def builds_in(connection, schema: str = "marts") -> set:
    """Which builds the tables hold, and how many rows each."""
    query = " union all ".join(
        f"select build, count(*) from {schema}.{name} group by build" for name in TABLES
    )
    return set(connection.execute(query).fetchall())


def schemas(connection) -> set[str]:
    rows = connection.execute("select nspname from pg_namespace where nspname !~ '^(pg_|inf|pub)'")
    return {row[0] for row in rows.fetchall()}


ODD = r"""
create table marts.odd as select * from (values
    (1, true, 0.1::double, 1.5::float, 12345678901234.5678::decimal(18, 4), '', 'a,"b"\n' || chr(10)
        || chr(9) || 'ü 🙂', timestamp '2026-03-29 01:59:59.123456', date '0099-12-31',
        '{"b": 1, "a": [1, null]}'::json, [1, null, 3], {'x': 'it''s', 'y': 2},
        timestamptz '2026-03-29 02:30:00+02', 170141183460469231731687303715884105727::hugeint,
        'ab12cd34-0000-4000-8000-000000000000'::uuid),
    (2, false, 'nan', 'inf', -0.0001, NULL, repeat('long ', 400000), timestamp 'infinity', NULL,
        NULL, NULL, NULL, NULL, -1, NULL),
    (3, NULL, '-0.0', NULL, NULL, '\N', chr(0) || 'nul', NULL, date '9999-12-31', '"x"', [], NULL,
        NULL, NULL, NULL)
) as rows (id, flag, number, small, amount, empty, words, happened_at, day, document, list,
    structure, zoned_at, huge, key)
"""


@pytest.mark.show
def test_values_of_every_type_arrive_as_they_are(published, owner, capsys):
    to_postgres(published(1, ODD))
    assert "odd.words: the character NUL" in capsys.readouterr().out
    types = dict(
        owner.execute(
            "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a"
            " where attrelid = 'marts.odd'::regclass and attnum > 0"
        ).fetchall()
    )
    assert types == {
        "id": "integer",
        "flag": "boolean",
        "number": "double precision",
        "small": "double precision",
        "amount": "numeric(18,4)",
        "empty": "text",
        "words": "text",
        "happened_at": "timestamp without time zone",
        "day": "date",
        "document": "jsonb",
        "list": "jsonb",
        "structure": "jsonb",
        "zoned_at": "timestamp with time zone",
        "huge": "numeric(39,0)",
        "key": "uuid",
    }
    owner.execute("set timezone = 'America/New_York'")  # which moves no digit of a time
    one, two, three = owner.execute(
        "select flag, number::text, small::text, amount::text, empty, words, happened_at::text,"
        " day::text, document, list, structure, extract(epoch from zoned_at)::bigint, huge,"
        " key::text from marts.odd order by id"
    ).fetchall()
    assert one[:5] == (True, "0.1", "1.5", "12345678901234.5678", "")
    assert one[5].startswith('a,"b"') and one[5].endswith("\n\tü 🙂")
    assert one[6:11] == (
        "2026-03-29 01:59:59.123456",
        "0099-12-31",
        {"b": 1, "a": [1, None]},
        [1, None, 3],
        {"x": "it's", "y": 2},
    )
    assert one[11:] == (1774744200, 2**127 - 1, "ab12cd34-0000-4000-8000-000000000000")
    assert two[:5] == (False, "NaN", "Infinity", "-0.0001", None)
    assert two[5:] == ("long " * 400000, "infinity", None, None, None, None, None, -1, None)
    assert three[1] == "-0" and three[5] == "\ufffdnul" and three[8:10] == ("x", [])


@pytest.mark.show
def test_a_view_that_postgresql_cannot_have_is_a_table_there(published, owner, capsys):
    views = (
        "create view marts.kpi_stars as select build, count(*) as stars from marts.fct_events"
        " group by 1; create view marts.kpi_shares as select row_number, cast(share as varchar)"
        " as share_text from marts.fct_events"  # 1.0 here, 1 there
    )
    to_postgres(published(1, views))
    told = capsys.readouterr().out
    assert "kpi_stars: a table" in told and "kpi_shares: a table" in told
    assert owner.execute("select * from marts.kpi_stars").fetchall() == [(1, 101)]
    assert owner.execute(
        "select share_text from marts.kpi_shares where row_number = 3"
    ).fetchall() == [("1.0",)]
    kinds = owner.execute(
        "select relname, relkind from pg_class where relnamespace = 'marts'::regnamespace"
        " and relname ~ '^kpi_'"
    ).fetchall()
    assert dict(kinds) == {"kpi_rows": "v", "kpi_stars": "r", "kpi_shares": "r"}


@pytest.mark.show
def test_a_type_that_postgresql_is_given_none_for_is_named(published, owner):
    path = published(1, "create table marts.odd as select interval 1 day as lasts")
    with pytest.raises(PublicationError, match="odd.lasts has the type INTERVAL"):
        to_postgres(path)
    assert schemas(owner) == set()


@pytest.mark.show
def test_tables_have_comments_and_keys_and_views_show_the_same(published, owner):
    to_postgres(published(1))
    found = dict(
        owner.execute(
            "select c.relname || coalesce('.' || a.attname, ''), d.description"
            " from pg_description d join pg_class c on c.oid = d.objoid"
            " left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid"
            " and a.attnum > 0 where c.relnamespace = 'marts'::regnamespace"
        ).fetchall()
    )
    assert found["fct_events"] == "One row per fct_events: it's described."
    assert found["fct_events.build"] == "The build's number."
    assert found["kpi_rows.build"] == "The number, again."
    assert found["publication.content_hash"].startswith("Hash of all its rows")
    keys = owner.execute(
        "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint"
        " where contype = 'p' and connamespace = 'marts'::regnamespace order by 1"
    ).fetchall()
    assert keys == [(f"marts.{name}", "PRIMARY KEY (row_number)") for name in sorted(TABLES)]
    assert owner.execute("select * from marts.kpi_rows").fetchall() == [(1, 101.0)]


@pytest.mark.show
def test_the_reader_can_read_every_generation_and_write_nothing(published, owner):
    import psycopg

    owner.execute("drop role if exists bi")
    for number in (1, 2):
        to_postgres(published(number))
        if number == 1:
            owner.execute("create role bi login password 'bi' in role customer_journey_reader")
        with psycopg.connect(user="bi", password="bi", autocommit=True) as reader:
            assert builds_in(reader) == {(number, 100 + number)}
            assert reader.execute("select count(*) from marts.kpi_rows").fetchone() == (1,)
            for statement in (
                "insert into marts.fct_events values (1, 1, 1, '')",
                "update marts.fct_events set build = 0",
                "delete from marts.fct_events",
                "truncate marts.fct_events",
                "drop table marts.fct_events",
                "alter table marts.fct_events add x int",
                "comment on table marts.fct_events is 'mine'",
                "create table marts.mine (x int)",
                "create schema mine",
                "create table public.mine (x int)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(statement)
    owner.execute("create table marts.added as select 1")  # by default privileges
    with psycopg.connect(user="bi", password="bi", autocommit=True) as reader:
        assert reader.execute("select * from marts.added").fetchall() == [(1,)]
    owner.execute("drop table marts.added")


@pytest.mark.show
def test_a_load_that_fails_or_is_killed_leaves_the_old_generation(published, owner, monkeypatch):
    from tools import publish_postgres

    to_postgres(published(1))
    path = published(2)
    copy = publish_postgres.copy

    def lose_a_row(source, connection, schema, table):
        copy(source, connection, schema, table)
        if table.name == "fct_sessions":
            connection.execute(f"delete from {schema}.fct_sessions where row_number = 7")

    def change_a_value(source, connection, schema, table):
        copy(source, connection, schema, table)
        if table.name == "fct_sessions":
            connection.execute(
                f"update {schema}.fct_sessions set share = share * 1.0000000000000002"
            )

    for spoil in (lose_a_row, change_a_value):
        monkeypatch.setattr(publish_postgres, "copy", spoil)
        with pytest.raises(PublicationError, match="fct_sessions did not arrive as it is"):
            to_postgres(path)
        assert builds_in(owner) == {(1, 101)} and schemas(owner) == {"marts"}
    killed = (
        "import os, signal, sys; from pathlib import Path; from tools import publish_postgres as p;"
        "p.exchange = lambda *_: os.kill(os.getpid(), signal.SIGKILL); p.publish(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert builds_in(owner) == {(1, 101)} and schemas(owner) == {"marts", "marts_loading"}
    monkeypatch.setattr(publish_postgres, "copy", copy)
    for _ in range(50):  # until the server has noticed that the killed one is gone
        try:
            to_postgres(path)
            break
        except PublicationError as error:
            assert "another publication" in str(error)
            time.sleep(0.1)
    assert builds_in(owner) == {(2, 102)} and schemas(owner) == {"marts"}


READER = """
import sys, pathlib, psycopg
stop = pathlib.Path(sys.argv[1])
with psycopg.connect() as connection:
    while not stop.exists():
        with connection.transaction():
            (generation,) = connection.execute(
                "select distinct generation from marts.publication").fetchone()
            builds = set()
            for name in ("fct_events", "fct_sessions", "dim_persons", "kpi_rows"):
                builds |= {row[0] for row in connection.execute(f"select build from marts.{name}")}
            print(generation, *builds)
"""


@pytest.mark.show
def test_readers_see_one_generation_to_the_end_of_a_transaction(published, owner, tmp_path, remark):
    to_postgres(published(1))
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for number in range(2, 10):
        to_postgres(published(number))
    stop.touch()
    reads, seen = 0, set()
    for reader in readers:
        out, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        for line in out.splitlines():
            generation, *builds = map(int, line.split())
            assert builds == [generation], "a mixture"
            reads, seen = reads + 1, seen | {generation}
    assert len(seen) > 3
    remark(
        f"PostgreSQL: 8 exchanges under 2 readers, {reads:,} reads, {len(seen)} generations seen"
    )


@pytest.mark.show
def test_a_transaction_that_stays_open_is_waited_for_and_then_named(published, owner, monkeypatch):
    import psycopg

    from tools import publish_postgres

    to_postgres(published(1))
    monkeypatch.setattr(publish_postgres, "LOCK_TIMEOUT", "200ms")
    path = published(2)
    with psycopg.connect() as reader:
        reader.execute("select generation from marts.publication")
        with pytest.raises(PublicationError, match="marts.publication stays open"):
            to_postgres(path)
        assert builds_in(reader) == {(1, 101)}
    with psycopg.connect() as reader:  # who read another table holds up nothing but the clearing
        reader.execute("select count(*) from marts.fct_events")
        to_postgres(path)
        assert schemas(owner) == {"marts", "marts_before"}
        assert builds_in(reader) == {(2, 102)}
    to_postgres(published(3))
    assert schemas(owner) == {"marts"}


@pytest.mark.show
def test_views_and_grants_of_others_follow_to_the_new_tables(published, owner):
    owner.execute("drop role if exists analyst")
    to_postgres(published(1))
    owner.execute("create role analyst")
    owner.execute(
        "grant usage on schema marts to analyst; grant select on marts.fct_events to analyst"
        " with grant option; grant select (build) on marts.dim_persons to analyst;"
        "create schema reports; create view reports.events with (security_barrier) as"
        " select build, count(*) as event_count from marts.fct_events group by build;"
        "create view reports.indirect as select * from reports.events;"
        "grant select on reports.events to analyst;"
        "comment on view reports.events is 'mine'"
    )
    to_postgres(published(2))
    assert owner.execute("select * from reports.indirect").fetchall() == [(2, 102)]
    assert schemas(owner) == {"marts", "reports"}
    kept = owner.execute(
        "select obj_description('reports.events'::regclass), reloptions from pg_class"
        " where oid = 'reports.events'::regclass"
    ).fetchone()
    assert kept == ("mine", ["security_barrier=true"])
    allowed = owner.execute(
        "select has_table_privilege('analyst', 'marts.fct_events', 'select with grant option'),"
        " has_column_privilege('analyst', 'marts.dim_persons', 'build', 'select'),"
        " has_column_privilege('analyst', 'marts.dim_persons', 'words', 'select'),"
        " has_table_privilege('analyst', 'marts.fct_sessions', 'select'),"
        " has_schema_privilege('analyst', 'marts', 'usage'),"
        " has_table_privilege('analyst', 'reports.events', 'select')"
    ).fetchone()
    assert allowed == (True, True, False, False, True, True)


@pytest.mark.show
@pytest.mark.parametrize(
    ("made", "match"),
    [
        ("create view reports.x as select words from marts.fct_events", "the view reports.x reads"),
        ("create materialized view reports.x as select 1 from marts.fct_events", "materialized"),
        ("create table reports.x (y bigint references marts.fct_events)", "constraint"),
        ("create table marts.mine (x int)", "somebody has made mine in the schema marts"),
    ],
)
def test_what_others_have_made_is_never_destroyed(made, match, published, owner):
    to_postgres(published(1))
    owner.execute("create schema reports")
    owner.execute(made)
    with pytest.raises(PublicationError, match=match):
        to_postgres(published(2, "alter table marts.fct_events drop words"))
    assert builds_in(owner) == {(1, 101)} and schemas(owner) == {"marts", "reports"}


@pytest.mark.show
def test_a_schema_that_no_publication_has_written_is_left_alone(published, owner):
    owner.execute("create schema marts; create table marts.theirs (x int)")
    with pytest.raises(PublicationError, match="a schema marts that no publication has written"):
        to_postgres(published(1))
    assert owner.execute("select count(*) from marts.theirs").fetchone() == (0,)


@pytest.mark.show
def test_a_user_without_rights_is_told_which_are_missing(published, owner, monkeypatch):
    owner.execute("drop role if exists loader")
    owner.execute("create role loader login password 'loader'")
    monkeypatch.setenv("JOURNEY_POSTGRES_READER", "nobody_yet")
    monkeypatch.setenv("JOURNEY_POSTGRES_DSN", "user=loader password=loader")
    path = published(1)
    with pytest.raises(PublicationError, match='run: create role "nobody_yet" nologin;'):
        to_postgres(path)
    monkeypatch.setenv("JOURNEY_POSTGRES_READER", "customer_journey_reader")
    with pytest.raises(PublicationError, match="grant create on database journey to loader;"):
        to_postgres(path)
    owner.execute("grant create on database journey to loader")
    to_postgres(path)
    monkeypatch.setenv("JOURNEY_POSTGRES_READER", "journey")
    with pytest.raises(PublicationError, match="journey may do more than read"):
        to_postgres(path)


@pytest.mark.show
def test_a_server_that_is_stopped_is_stopped_and_keeps_its_data(server):
    folder, settings = server
    command = [sys.executable, "-m", "tools.postgres", "env", "--folder", str(folder)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == "".join(f"export {name}={value}\n" for name, value in settings.items())
    password = Path(settings["PGPASSFILE"]).read_text().strip().rpartition(":")[2]
    assert password not in told
    assert os.stat(settings["PGPASSFILE"]).st_mode & 0o777 == 0o600
    assert postgres.down(folder) and not postgres.down(folder)
    assert postgres.running_port(folder) is None
    settings.update(postgres.up(folder))  # for the tests after this one
    assert postgres.running_port(folder) == int(settings["PGPORT"])


# ---------------------------------------------------------------- docs/connect.md


def recipes() -> dict[str, str]:
    """One shell script for each section of the document that has blocks to run."""
    scripts: dict[str, list[str]] = {}
    text = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        for language, code in re.findall(
            r"^```(\w+)\n(.*?)^```", section, re.DOTALL | re.MULTILINE
        ):
            if language == "python":
                code = f".venv/bin/python - <<'END_OF_BLOCK'\n{code}END_OF_BLOCK\n"
            if language in ("python", "bash"):
                scripts.setdefault(title, []).append(code)
    return {title: "set -euo pipefail\n" + "\n".join(parts) for title, parts in scripts.items()}


@pytest.fixture(scope="module")
def project(published_company):
    """A project's folder after `make demo`, with the sample company's publication."""
    folder = Path(tempfile.mkdtemp(prefix="journey_connect_", dir="/tmp"))
    folder.chmod(0o755)
    try:
        (folder / "warehouse").mkdir()
        shutil.copy(published_company, folder / "warehouse" / "customer_journey.duckdb")
        (folder / "tools").symlink_to(ROOT / "tools")
        (folder / ".venv").symlink_to(Path(sys.prefix))
        if (ROOT / ".venv-spark").exists():
            (folder / ".venv-spark").symlink_to(ROOT / ".venv-spark")
        command = [sys.executable, "-m", "tools.publish_parquet"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        yield folder
    finally:
        postgres.remove(folder / ".postgres")
        shutil.rmtree(folder)


@pytest.mark.show
@pytest.mark.parametrize("title", recipes())
def test_each_recipe_of_the_document_runs_and_gives_the_published_numbers(title, project):
    if title == "Spark SQL" and not (project / ".venv-spark").exists():
        pytest.skip("needs `make install-spark`")
    with duckdb.connect(str(project / "warehouse" / "customer_journey.duckdb"), True) as connection:
        days, visitors = connection.execute(
            "select count(*), sum(new_visitor_count) from marts.kpi_acquisition_daily"
            " where segment_type = 'all'"
        ).fetchone()
    script = recipes()[title]
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "JOURNEY_")) and name != "DBT_TARGET_PATH"
        },
    )
    assert done.returncode == 0, done.stderr
    answers = re.findall(r"^(\d+) days, (\d+) new visitors$", done.stdout, re.MULTILINE)
    assert answers and set(answers) == {(str(days), str(visitors))}, done.stdout
    assert len(answers) == script.count("new visitors")
