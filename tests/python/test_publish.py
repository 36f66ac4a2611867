"""What readers get: whole publications only, each equal to what was built.

The sample company is published once, for what only tables of every kind can show; the rest is asked
of a small file made by hand.
"""

import subprocess
import sys

import duckdb
import pytest

from tools import publish, summary
from tools.expectations import results, suites
from tools.publish import PublicationError


@pytest.fixture
def published(tmp_path):
    return tmp_path / "customer_journey.duckdb"


def generations(path) -> set[int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select generation from marts.publication").fetchall()
    return {row[0] for row in rows}


def files_beside(path) -> set[str]:
    return {each.name for each in path.parent.iterdir()}


def publication(path) -> list[dict]:
    with duckdb.connect(str(path), read_only=True) as connection:
        result = connection.execute("select * from marts.publication order by table_name")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


# ---------------------------------------------------------------- the sample company


def test_the_published_marts_equal_the_built_ones(sample_company, published_company):
    rows = publication(published_company)
    assert {row["generation"] for row in rows} == {1}
    names = {row["table_name"] for row in rows}
    assert {"fct_events", "dim_persons", "kpi_acquisition_daily", "reconciliation"} <= names
    names.remove("data_quality_results")  # of what publishing found, not of the build
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published_company}' as published (read_only)")
        connection.execute(f"attach '{sample_company.bench.database}' as build (read_only)")
        built = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'build'"
            " and schema_name = 'marts' union all select view_name from duckdb_views()"
            " where database_name = 'build' and schema_name = 'marts' and not internal"
        ).fetchall()
        assert names == {name for (name,) in built}
        for name in names:
            # the sum of the rows' hashes is the same in any order of the rows
            one, other = (
                connection.execute(
                    f"select count(*), sum(hash(rows)::hugeint) from {file}.marts.{name} as rows"
                ).fetchone()
                for file in ("build", "published")
            )
            assert one == other, name


def test_nothing_but_the_marts_is_published(published_company):
    with duckdb.connect(str(published_company), read_only=True) as connection:
        schemas = connection.execute(
            "select distinct table_schema from information_schema.tables"
        ).fetchall()
    assert schemas == [("marts",)]
    assert files_beside(published_company) == {"generations", published_company.name}


def test_the_summary_speaks_of_all_three_stages(published_company):
    text = summary.describe(published_company)
    for heading in ("How they arrive", "How they get started", "How they stay"):
        assert heading in text
    assert "no data" not in text


# ---------------------------------------------------------------- swaps


@pytest.fixture
def build(tmp_path):
    """A small built file by hand: three marts, each row of which bears the number of the build."""

    def make(number: int):
        path = tmp_path / "build.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema marts; create schema intermediate")
            for name in ("fct_events", "fct_sessions", "dim_persons"):
                rows = f"select {number} as build, range as row_number from range({100 + number})"
                connection.execute(f"create table marts.{name} as {rows}")
            connection.execute(
                "create table marts.dim_as_of as select timestamp '2026-01-01' as as_of_at;"
                "create table marts.reconciliation as select 's.t' as source_table, 'one' as"
                f" load_id, {number} as raw_row_count;"
                "create table intermediate.build_configuration as select 'var a' as setting,"
                f" '{number // 2}' as value"
            )
        return path

    return make


def test_a_gate_that_says_no_leaves_the_old_publication(build, published):
    publish.publish(build(1), published)
    before = published.read_bytes()

    def gate(candidate):
        assert generations(candidate) == {2}
        raise PublicationError("not believable")

    with pytest.raises(PublicationError, match="not believable"):
        publish.publish(build(2), published, gate)
    assert published.read_bytes() == before
    assert files_beside(published) == {"build.duckdb", "generations", published.name}


@pytest.mark.parametrize("error", [RuntimeError, KeyError, ImportError])
def test_a_gate_that_breaks_leaves_the_old_publication(build, published, error):
    publish.publish(build(1), published)
    before = published.read_bytes()

    def gate(candidate):
        raise error("broken")

    with pytest.raises(error):
        publish.publish(build(2), published, gate)
    assert published.read_bytes() == before
    assert files_beside(published) == {"build.duckdb", "generations", published.name}


SUITE = """batches:
- table: fct_events
  figures: select max(build) as newest_build, count(*) as event_count from fct_events
  expectations:
  - {says: Few are built, column: newest_build, between: [null, 2], severity: critical}
  - {says: Events are many, column: event_count, between: [1000, null], severity: warning}
"""


@pytest.fixture
def small_gate(tmp_path, monkeypatch, published):
    """The gate with two expectations: one fails from build 3 on, the other only warns."""
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "events.yml").write_text(SUITE)
    batches = suites.read_suites(folder)
    monkeypatch.setattr(suites, "read_suites", lambda: batches)
    monkeypatch.setattr("tools.expectations.__main__.REPORTS", tmp_path / "quality")

    def gate(*accept: str):
        return lambda candidate: publish.quality_gate(candidate, published, set(accept))

    return gate


def found(path) -> list[tuple]:
    query = "select generation, expectation, severity, outcome, is_passed, observed from"
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(f"{query} marts.data_quality_results order by 1, 2 desc")
        return rows.fetchall()


WARNED = ("events_are_many", "warning", "failed", False)


def test_what_the_gate_found_is_published_with_what_it_was_found_of(build, published, small_gate):
    publish.publish(build(1), published, small_gate())
    publish.publish(build(2), published, small_gate())
    first = [(1, "few_are_built", "critical", "passed", True, "1"), (1, *WARNED, "101")]
    second = [(2, "few_are_built", "critical", "passed", True, "2"), (2, *WARNED, "102")]
    assert found(published) == first + second
    [entry] = [row for row in publication(published) if row["table_name"] == results.TABLE]
    assert (entry["generation"], entry["row_count"]) == (2, 4)
    with duckdb.connect(str(published), read_only=True) as connection:
        comments = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = ?"
            " order by column_index",
            [results.TABLE],
        ).fetchall()
    assert comments == [(name, text) for name, (_, text) in results.COLUMNS.items()]

    before = published.read_bytes()
    with pytest.raises(PublicationError, match="Few are built") as caught:
        publish.publish(build(3), published, small_gate())
    assert "few_are_built" in str(caught.value) and "docs/quality_gate.md" in str(caught.value)
    assert published.read_bytes() == before


def test_what_is_accepted_by_name_is_published_as_accepted(build, published, small_gate):
    with pytest.raises(PublicationError, match="--accept names no expectation: few_were_built"):
        publish.publish(build(3), published, small_gate("few_were_built"))
    assert not published.exists()
    publish.publish(build(3), published, small_gate("few_are_built"))
    assert found(published)[0] == (1, "few_are_built", "critical", "accepted", False, "3")


def test_results_of_the_last_generations_are_carried_on(build, published, small_gate, monkeypatch):
    monkeypatch.setattr(results, "KEEP", 2)
    for _ in range(3):
        publish.publish(build(1), published, small_gate())
    assert {row[0] for row in found(published)} == {2, 3}
    # of the restored file what it has, and of the others what they found
    assert publish.restore(2, published) == 4
    assert {row[0] for row in found(published)} == {2, 3}
    # without a gate nothing is found, and nothing lost
    publish.publish(build(1), published)
    assert {row[0] for row in found(published)} == {2, 3}


def test_a_publication_from_before_there_were_results_is_taken_over(build, published, small_gate):
    publish.publish(build(1), published)
    with duckdb.connect(str(published)) as connection:
        connection.execute("drop table marts.data_quality_results")
        connection.execute("delete from marts.publication where table_name = ?", [results.TABLE])
    publish.publish(build(2), published, small_gate())
    assert {row[0] for row in found(published)} == {2}
    assert publish.restore(1, published) == 3
    assert {row[0] for row in found(published)} == {2}


def test_a_copy_that_lacks_a_row_is_not_published(build, published, monkeypatch):
    publish.publish(build(1), published)
    write = publish.write_candidate

    def write_and_lose_one(built, candidate, generation):
        tables = write(built, candidate, generation)
        with duckdb.connect(str(candidate)) as connection:
            connection.execute("delete from marts.fct_sessions where row_number = 7")
        return tables

    monkeypatch.setattr(publish, "write_candidate", write_and_lose_one)
    with pytest.raises(PublicationError, match="fct_sessions was copied wrongly"):
        publish.publish(build(2), published)
    assert generations(published) == {1}


# A process of its own: within one, DuckDB shares what it has opened.
READER = """
import sys, time, duckdb
published, stop = sys.argv[1:]
import pathlib
while not pathlib.Path(stop).exists():
    time.sleep(0.05)
    with duckdb.connect(published, read_only=True) as connection:
        generation = connection.execute("select distinct generation from marts.publication")
        (generation,) = [row[0] for row in generation.fetchall()]
        builds = connection.execute(
            "select build, count(*) from marts.fct_events group by build union all "
            "select build, count(*) from marts.fct_sessions group by build union all "
            "select build, count(*) from marts.dim_persons group by build"
        ).fetchall()
        print(generation, *{f"{build}:{rows}" for build, rows in builds})
"""


def test_hundred_swaps_under_three_readers_show_whole_generations_only(
    build, published, tmp_path, remark
):
    publish.publish(build(1), published)
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(published), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for number in range(2, 102):
        assert publish.publish(build(number), published)[0] == number
    stop.touch()
    reads, seen = 0, set()
    for reader in readers:
        out, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        told = [line.split() for line in out.splitlines()]
        for generation, *builds in told:
            assert builds == [f"{generation}:{100 + int(generation)}"], "a mixture"
        numbers = [int(generation) for generation, *_ in told]
        assert numbers == sorted(numbers), "a step back"
        reads, seen = reads + len(numbers), seen | set(numbers)
    assert len(seen) > 10
    remark(f"publication: 100 swaps under 3 readers, {reads:,} reads, {len(seen)} generations seen")


def test_the_publication_says_what_it_was_made_of(build, published):
    publish.publish(build(2), published)
    first = publication(published)
    publish.publish(build(3), published)
    second = publication(published)
    publish.publish(build(4), published)
    third = publication(published)
    names = [row["table_name"] for row in first]
    marts = ["fct_events", "fct_sessions", "dim_persons", "dim_as_of", "reconciliation"]
    assert names == sorted([*marts, "data_quality_results"])
    for before, after in ((first, second), (second, third)):
        assert before[0]["loads_version"] != after[0]["loads_version"]
    assert first[0]["configuration_version"] == second[0]["configuration_version"]
    assert second[0]["configuration_version"] != third[0]["configuration_version"]
    assert [row["row_count"] for row in first if row["table_name"] == "fct_events"] == [102]


def test_an_earlier_generation_is_restored_as_a_new_one(build, published, capsys):
    for number in range(1, publish.KEEP + 3):
        publish.publish(build(number), published)
    assert list(publish.generations(published)) == list(range(3, publish.KEEP + 3))
    with pytest.raises(PublicationError, match="generation 1 is not kept any more; kept are: 3, 4"):
        publish.restore(1, published)
    number = publish.restore(4, published)
    assert number == publish.KEEP + 3
    rows = publication(published)
    assert {(row["generation"], row["restored_from"]) for row in rows} == {(number, 4)}
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute("select distinct build from marts.fct_events").fetchall() == [
            (4,)
        ]
    # the next build goes on from there
    assert publish.publish(build(50), published)[0] == number + 1
    assert files_beside(published) == {"build.duckdb", "generations", published.name}


def test_a_publication_that_was_cut_off_before_it_was_kept_is_kept_by_the_next(build, published):
    publish.publish(build(1), published)
    publish.generations(published)[1].unlink()
    publish.publish(build(2), published)
    assert list(publish.generations(published)) == [1, 2]


def test_a_missing_or_empty_build_is_a_clear_error(tmp_path, published):
    with pytest.raises(PublicationError, match="run `make build` first"):
        publish.publish(tmp_path / "nothing.duckdb", published)
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(PublicationError, match="holds no marts"):
        publish.publish(empty, published)
    assert not published.exists()


def test_a_file_that_is_called_as_its_schema_is_refused_in_words(tmp_path):
    built = tmp_path / "build.duckdb"
    duckdb.connect(str(built)).close()
    with pytest.raises(PublicationError, match="name it otherwise"):
        publish.publish(built, tmp_path / "marts.duckdb")
    assert files_beside(built) == {"build.duckdb"}


def test_a_views_brackets_case_and_names_of_types_are_none_of_its_content(tmp_path):
    """DuckDB 2.0 writes others each time that it reads a view which it has written."""
    texts = {"one": "(a * a) + a", "another": "a * (a + a)", "third": "a + a + a"}
    words = "cast(a as varchar) || '''(A) text' as c from marts.t"
    views = {name: f"{text} as b, {words}" for name, text in texts.items()} | {
        "the same": f"((a * A + a)) as b, {words.replace('varchar', 'TEXT')}",
        "another text": f"a * a + a as b, {words.replace('(A)', '(a)')}",
        "another column": f"a * a + a as d, {words}",
        "another type": f"cast(a as double) as b, {words}",
        "another table": f"a * a + a as b, {words.replace('marts.t', 'marts.u')}",
        "other rows": f"a * a + a as b, {words} where a > 1",
    }
    found = {}
    for name, text in views.items():
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
            connection.execute("create schema marts; create table marts.t as select 1 as a")
            connection.execute("create table marts.u as from marts.t")
            connection.execute(f"create view marts.v as select {text}")
            found[name] = publish.fingerprint(connection, name, "v")
    assert found["one"] == found["another"] != found["third"]
    assert found.pop("the same") == found.pop("another")
    assert len(set(found.values())) == len(found)
