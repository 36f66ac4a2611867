"""The same marts on PostgreSQL as on DuckDB: `make test-postgres`.

Both build the small sample from the same files: the oldest loads whole, then three deliveries on
top, then once more after somebody's raw rows were taken away. After each the marts are compared,
row for row and value for value. Before that, in seconds: the words that PostgreSQL lacks, and the
copying of raw files.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest
from engines import ROOT, BesideDuckdb, deliver, differences, write_sample

from tools import postgres, postgres_dbt

psycopg2 = pytest.importorskip("psycopg2", reason="needs the packages of requirements-postgres.txt")
pytest.importorskip(
    "dbt.adapters.postgres", reason="needs the packages of requirements-postgres.txt"
)

PERSONS = 120
pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server():
    """A server of the tests' own; the environment leads there."""
    # not in pytest's folder: as root the server runs as another user, who cannot enter that
    folder = Path(tempfile.mkdtemp(prefix="journey_postgres_", dir="/tmp"))
    folder.chmod(0o755)
    before = dict(os.environ)
    try:
        os.environ.update(postgres.up(folder / "server", postgres_dbt.BUILD_DATABASE))
        os.environ["PGOPTIONS"] = postgres_dbt.SETTINGS
        postgres_dbt.prepare()
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        postgres.remove(folder / "server")
        shutil.rmtree(folder)


@pytest.fixture
def connection(server):
    connection = postgres_dbt.connect()
    yield connection
    connection.close()


def asked(connection, query: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


# ---------------------------------------------------------------- the words that it lacks


def taxonomy_patterns() -> list[str]:
    """Every pattern in the seeds, in the columns that are called so."""
    with duckdb.connect() as reader:
        found = set()
        for path in sorted((ROOT / "seeds" / "taxonomy").glob("*.csv")):
            rows = reader.execute(f"from read_csv('{path}', all_varchar = true)")
            names = [column[0] for column in rows.description]
            for row in rows.fetchall():
                found |= {
                    value
                    for name, value in zip(names, row, strict=True)
                    if value and "pattern" in name
                }
    return sorted(found)


PATTERNS = [
    r"^.$",
    r"a.b",
    r"^[^a]$",
    r"\s",
    r"[\s-]+$",
    r"\d+",
    r"\w+@\w+",
    r"\bsale\b",
    r"\S\W\D",
]
PATTERNS += [
    r"[]a]",
    r"[^]a]",
    r"[a\]]",
    r"[[:alpha:].]+",
    r"^[[:punct:]]$",
    r"[^[:space:]]",
    r"[.]",
    r"\.",
    r"(?i)ÄB",
    r"a|b$",
    r"x{2,3}",
]
TEXTS = [
    "\n",
    "a\nb",
    "a",
    "b",
    "",
    " ",
    "\u00a0",
    "١",
    "٣4",
    "ä",
    "äb",
    "ÄB",
    "sale",
    "a sale.",
    "sales",
]
TEXTS += [
    "]",
    "a]",
    "[",
    ".",
    "x.y",
    "xxx",
    "a@b",
    "é@b",
    "www.google.com",
    "/pricing",
    "Googlebot/2.1",
]


def test_a_pattern_matches_what_it_matches_on_duckdb(connection):
    patterns = PATTERNS + taxonomy_patterns()
    assert len(patterns) > len(PATTERNS) + 5
    wrong = []
    with duckdb.connect() as reader:
        for pattern in patterns:
            for text in TEXTS:
                ours = reader.execute("select regexp_matches(?, ?)", [text, pattern]).fetchone()[0]
                theirs = asked(connection, "select %s ~ pattern_here(%s)", text, pattern)[0][0]
                if ours != theirs:
                    wrong.append((pattern, text, ours, theirs))
    assert not wrong


def test_what_is_no_pattern_is_told(connection):
    assert [asked(connection, "select is_pattern(%s)", text)[0][0] for text in ["a(", "a(b)"]] == [
        False,
        True,
    ]


JSON = [
    '{"a": 1}', '{"a": 1.50}', '{"a": 1e3}', '{"a": -0.0}', '{"a": 12345678901234567890123}',
    '{"a": null}', '{"a": ""}', '{"a": "x y"}', '{"b": 1}', '[1]', '1', '"a"', '{', '', 'null',
    '{"a": 1, "a": 2}', '{"a": {"b" : 1.0 , "c":[1, "é\\n"], "d": {}}}', '{"a": [ ]}',
    '{"a": "\\u00e9\\u001f\\u000b/\\"\\\\"}', '{"a": ["\\u001f\\\\u001f\\"/"]}', '{"a": true}',
]  # fmt: skip


@pytest.mark.parametrize("text", JSON)
def test_a_member_of_a_json_object_is_what_it_is_on_duckdb(connection, text):
    with duckdb.connect() as reader:
        ours = reader.execute(
            "select if(json_valid($1), json_extract_string($1, '/a'), null), json_valid($1)",
            [text],
        ).fetchone()
    assert asked(connection, "select json_member(%s, 'a'), is_json(%s)", text, text) == [ours]


def test_a_nul_in_json_becomes_the_replacement_character(connection):
    text = json.dumps({"a": "x\0y", "b": "\\u0000"})
    assert asked(connection, "select json_member(%s, 'a'), json_member(%s, 'b')", text, text) == [
        ("x\ufffdy", "\\u0000")
    ]


def test_an_escaped_url_is_read_as_on_duckdb(connection):
    texts = ["a%20b", "%C3%A9t%C3%A9", "%F0%9F%98%80x", "plain", "%2B%25", "é%3D", "a+b"]
    with duckdb.connect() as reader:
        for text in texts:
            ours = reader.execute("select url_decode(?)", [text]).fetchone()
            assert asked(connection, "select url_decode(%s)", text) == [ours]
    # DuckDB stops at these, which the macro's pattern lets through
    assert asked(connection, "select url_decode('%ED%A0%80')") == [("%ED%A0%80",)]


def test_moments_numbers_and_hashes_are_those_of_duckdb(connection):
    chosen = random.Random(7)
    moments = [0, 1, -1, 999_999, -1_000_001, 1_700_000_000_123_456, 9_007_199_254_740_993]
    moments += [chosen.randrange(-(10**16), 2 * 10**17) for _ in range(200)]
    with duckdb.connect() as reader:
        for us in moments:
            ours = reader.execute(
                "select cast(make_timestamp($1) as varchar), epoch_us(make_timestamp($1))", [us]
            ).fetchone()
            theirs = asked(
                connection,
                "select timestamp_of(%s)::text, (extract(epoch from timestamp_of(%s)) * 1000000)"
                "::bigint",
                us,
                us,
            )[0]
            assert theirs[1] == ours[1] == us
            assert theirs[0].removesuffix(" BC") == ours[0].removesuffix(" (BC)")
        for text in ["1", "1.5", "2.5", "-2.5", "1e3", "1e400", "x", "", "NaN", "1234.56785"]:
            ours = reader.execute(
                "select try_cast($1 as bigint), try_cast($1 as decimal(18,4))", [text]
            ).fetchone()
            assert asked(
                connection, "select try_bigint(%s::text), try_amount(%s::text)", text, text
            ) == [ours]
        for number in [chosen.uniform(-100, 100) for _ in range(200)] + [0.5, -0.5, 2.5]:
            ours = reader.execute("select round(?::double, 2)", [number]).fetchone()
            assert asked(connection, "select round(%s::double precision, 2)", number) == [ours]


def test_a_date_that_there_is_not_is_null(connection):
    query = "select try_timestamp('2024-02-30'), try_instant('2024-02-30T00:00:00Z')"
    assert asked(connection, query) == [(None, None)]


def test_the_first_and_last_value_of_a_window_skip_null_as_on_duckdb(connection):
    rows = "(values (1, null), (2, 'a'), (3, null), (4, 'b'), (5, null)) as given (place, word)"
    window = "over (order by place rows between unbounded preceding and current row)"
    here = f"select first_not_null(word) {window}, last_not_null(word) {window} from {rows}"
    there = (
        f"select first_value(word ignore nulls) {window}, last_value(word ignore nulls) {window}"
        f" from {rows}"
    )
    with duckdb.connect() as reader:
        assert asked(connection, here) == reader.execute(there).fetchall()


def test_turns_are_taken_as_somebody_walks(connection):
    """Against the walk written plainly."""
    chosen = random.Random(3)
    for _ in range(100):
        turns = [
            (
                place,
                10 * place + chosen.randrange(5),
                place + chosen.randrange(4),
                10 * place + chosen.randrange(60),
                chosen.choice([2, 9]),
            )
            for place in range(chosen.randrange(1, 12))
        ]
        free_place, free_us, taken = -(10**18), -(10**18), []
        for place, at_us, next_place, next_us, cap in turns:
            if place >= free_place and at_us >= free_us and len(taken) < cap:
                free_place, free_us = next_place, next_us
                taken.append(place)
        rows = ", ".join(str(turn) for turn in chosen.sample(turns, len(turns)))
        types = "select a::bigint, b::bigint, c::bigint, d::bigint, e::bigint from (values %s)"
        inner = types % rows + " as untyped (a, b, c, d, e)"
        query = f"select walk(a, b, c, d, e order by a) from ({inner}) as turns"
        assert asked(connection, query) == [(taken,)]


# ---------------------------------------------------------------- where it does not build


def test_a_database_in_another_order_of_letters_is_refused(connection, monkeypatch):
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create database plain template template0 encoding 'UTF8' locale 'C'")
    monkeypatch.setenv("PGDATABASE", "plain")
    with pytest.raises(postgres_dbt.BuildError, match="create database journey_build template"):
        postgres_dbt.prepare()


def told(**variables) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tools.postgres_dbt", "build"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_server_that_does_not_answer_is_told_without_a_traceback(server):
    code, text = told(PGPORT="1")
    assert code == 1 and "Traceback" not in text
    assert text.startswith("no build on PostgreSQL: PostgreSQL does not answer:")
    assert "Set PGHOST, PGPORT" in text


def test_a_name_that_would_be_cut_off_is_told(folder):
    folder.write("a.parquet", f"select 1 as {'x' * 64}")
    with pytest.raises(postgres_dbt.BuildError, match="more than 63 bytes"):
        folder.load()


def test_dbt_alone_is_told_how_it_has_to_be_called(server, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build"],
        cwd=ROOT,
        env=os.environ
        | {"JOURNEY_TARGET": "postgres", "DBT_TARGET_PATH": str(tmp_path / "target")}
        | {"DBT_PROFILES_DIR": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and "python -m tools.postgres_dbt build" in done.stdout


# ---------------------------------------------------------------- raw files


class Folder:
    """A raw table's folder, and what both engines see of it."""

    def __init__(self, path: Path, connection):
        self.path, self.connection = path, connection
        self.pattern = f"{path}/*.parquet"

    def write(self, name: str, select: str) -> None:
        with duckdb.connect() as writer:
            writer.execute(f"copy ({select}) to '{self.path / name}' (format parquet)")

    def load(self) -> bool:
        with duckdb.connect() as reader:
            reader.execute("set timezone = 'UTC'")
            was_dropped = postgres_dbt.RawTable("raw_test", "things", self.pattern).load(
                self.connection, reader
            )
        self.connection.commit()
        return was_dropped

    def both(self) -> tuple[list, list]:
        with duckdb.connect() as reader:
            files = f"read_parquet('{self.pattern}', union_by_name = true)"
            names = [row[0] for row in reader.execute(f"describe from {files}").fetchall()]
            chosen = ", ".join(map(postgres_dbt.quoted_name, names))
            ours = reader.execute(f"select {chosen} from {files}").fetchall()
        theirs = asked(self.connection, f"select {chosen} from raw_test.things")
        return sorted(ours, key=str), sorted(theirs, key=str)


@pytest.fixture
def folder(tmp_path, connection):
    yield Folder(tmp_path, connection)
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists raw_test cascade")
        cursor.execute("drop schema if exists raw_test_rows cascade")
        cursor.execute("delete from journey_engine.loaded_files where relation like '%raw_test%'")
    connection.commit()


def test_every_type_arrives_as_it_is(folder):
    folder.write(
        "a.parquet",
        """
        select 1::bigint as i, 1.5::double as d, 0.1::double + 0.2 as e,
            12.3456::decimal(18,4) as m, true as b, date '2024-02-29' as day,
            timestamp '2024-02-29 01:02:03.456789' as at, 'a,"b"\n\\N;\t' as "odd ""name",
            '' as empty, null::varchar as nothing, '\\N' as code, 'é😀' as wide
        union all by name select 2 as i, 'NaN'::double as d
        """,
    )
    folder.load()
    ours, theirs = folder.both()
    assert [str(row) for row in theirs] == [str(row) for row in ours]


def test_nested_values_arrive_as_json_and_nul_as_the_replacement_character(folder):
    folder.write("a.parquet", "select {'a': 1, 'b': ['x']} as nested, 'a' || chr(0) || 'b' as text")
    folder.load()
    assert folder.both()[1] == [('{"a":1,"b":["x"]}', "a\ufffdb")]


def test_a_zoned_moment_keeps_its_instant(folder):
    folder.write("a.parquet", "select timestamptz '2024-07-01 12:00:00+02' as at")
    folder.load()
    assert asked(folder.connection, "select timezone('UTC', at)::text from raw_test.things") == [
        ("2024-07-01 10:00:00",)
    ]


def test_each_file_is_copied_once_a_changed_one_anew_and_a_lost_one_goes(folder):
    def numbers():
        query = "select file, file_number from journey_engine.loaded_files where relation like %s"
        return {
            Path(file).name: number
            for file, number in asked(folder.connection, query, "%raw_test%")
        }

    folder.write("a.parquet", "select 1 as i")
    folder.write("b.parquet", "select 2 as i")
    folder.load()
    first = numbers()
    folder.write("c.parquet", "select 3 as i")
    folder.load()
    second = numbers()
    assert second["a.parquet"] == first["a.parquet"] and second["b.parquet"] == first["b.parquet"]
    folder.write("b.parquet", "select 20 as i union all select 21")
    (folder.path / "a.parquet").unlink()
    folder.load()
    assert numbers().keys() == {"b.parquet", "c.parquet"}
    assert numbers()["c.parquet"] == second["c.parquet"]
    ours, theirs = folder.both()
    assert ours == theirs == [(20,), (21,), (3,)]


def test_columns_may_come_go_and_change_their_type(folder):
    folder.write("a.parquet", "select 1 as i, 'x' as gone")
    assert not folder.load()
    folder.write("b.parquet", "select 2 as i, 'new' as added")
    assert not folder.load()  # what stands on the view may stay
    folder.write("c.parquet", "select 5000000000 as i")
    assert folder.load()
    folder.write("d.parquet", "select 'word' as i")
    assert folder.load()
    (folder.path / "a.parquet").unlink()
    assert folder.load()
    ours, theirs = folder.both()
    assert ours == theirs


# ---------------------------------------------------------------- the marts


class Engines(BesideDuckdb):
    def postgres(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tools.postgres_dbt", *arguments],
            cwd=ROOT,
            env=os.environ | {"DBT_TARGET_PATH": str(self.folder / "target-postgres")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

    def build(self, full_refresh: bool) -> None:
        # the laws are tested on DuckDB; here it is the rows that count
        command = ["build", "--exclude-resource-type", "test"]
        command += ["--full-refresh"] if full_refresh else []
        self.duckdb(*command)
        self.postgres(*command)

    def differences(self, connection) -> dict[str, str]:
        """Mart -> what differs; those that differ."""
        wrong = {}
        for name, (columns, rows) in self.marts_on_duckdb().items():
            ours = [tuple(map(without_nul, row)) for row in rows]
            theirs = asked(connection, f"select {', '.join(columns)} from marts.{name}")
            wrong[name] = differences(columns, ours, theirs, "PostgreSQL")
        connection.commit()  # an open question would stop the next build from replacing the table
        assert len(wrong) > 90
        return {name: text for name, text in wrong.items() if text}


def without_nul(value):
    """PostgreSQL's text holds no NUL: it is copied as U+FFFD."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample"), PERSONS)


@pytest.fixture(scope="module")
def engines(server, tmp_path_factory) -> Engines:
    folder = tmp_path_factory.mktemp("engines")
    yield Engines(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 7), (7, 8), (8, 9), (9, 10)],
    ids=["a_full_build", "one_more_delivery", "a_second_one", "and_a_third"],
)
def test_every_mart_on_postgresql_equals_that_on_duckdb_after(
    engines, connection, sample, first, last
):
    deliver(sample, engines.folder / "raw", first, last, 10)
    engines.build(full_refresh=first == 0)
    wrong = engines.differences(connection)
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
    assert asked(connection, "select count(*) from marts.fct_events")[0][0] > 1000


def test_every_mart_equals_duckdbs_after_somebody_was_taken_out_of_the_raw_files(
    engines, connection
):
    person = """
        select user_id from raw_segment.tracks where user_id is not null
        group by user_id order by count(*) desc, user_id limit 1"""
    (user,) = asked(connection, person)[0]
    connection.commit()
    with duckdb.connect() as writer:
        for path in sorted((engines.folder / "raw" / "segment").glob("*/*.parquet")):
            columns = {row[0] for row in writer.execute(f"describe from '{path}'").fetchall()}
            if "user_id" in columns:
                writer.execute(
                    f"copy (from '{path}' where user_id is distinct from ?)"
                    f" to '{path}.new' (format parquet)",
                    [user],
                )
                os.replace(f"{path}.new", path)
    engines.build(full_refresh=False)
    wrong = engines.differences(connection)
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
    left = "select count(*) from raw_segment.tracks where user_id = %s"
    assert asked(connection, left, user) == [(0,)]
