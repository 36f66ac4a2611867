"""What readers get: whole publications only, each equal to what was built."""

import threading

import duckdb
import pytest

from tools import publish, summary
from tools.publish import PublicationError


@pytest.fixture
def published(tmp_path):
    return tmp_path / "customer_journey.duckdb"


def generations(path) -> set[int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select generation from marts.publication").fetchall()
    return {row[0] for row in rows}


def test_the_published_marts_equal_the_built_ones(sample_company, published):
    built = sample_company.bench.database
    generation, tables = publish.publish(built, published)
    assert generation == 1
    names = {table.name for table in tables}
    assert {"fct_events", "dim_persons", "kpi_acquisition_daily", "reconciliation"} <= names
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published}' as published (read_only)")
        connection.execute(f"attach '{built}' as build (read_only)")
        for name in names:
            for one, other in (("build", "published"), ("published", "build")):
                lost = connection.execute(
                    f"select count(*) from (select * from {one}.marts.{name}"
                    f" except all select * from {other}.marts.{name})"
                ).fetchone()[0]
                assert lost == 0, name


def test_nothing_but_the_marts_is_published(sample_company, published):
    publish.publish(sample_company.bench.database, published)
    with duckdb.connect(str(published), read_only=True) as connection:
        schemas = connection.execute(
            "select distinct table_schema from information_schema.tables"
        ).fetchall()
    assert schemas == [("marts",)]
    assert [path.name for path in published.parent.iterdir()] == [published.name]


def test_a_gate_that_says_no_leaves_the_old_publication(sample_company, published):
    publish.publish(sample_company.bench.database, published)
    before = published.read_bytes()

    def gate(candidate):
        assert generations(candidate) == {2}
        raise PublicationError("not believable")

    with pytest.raises(PublicationError, match="not believable"):
        publish.publish(sample_company.bench.database, published, gate)
    assert published.read_bytes() == before
    assert [path.name for path in published.parent.iterdir()] == [published.name]


def test_a_copy_that_lacks_a_row_is_not_published(sample_company, published, monkeypatch):
    publish.publish(sample_company.bench.database, published)
    write = publish.write_candidate

    def write_and_lose_one(built, candidate, generation):
        tables = write(built, candidate, generation)
        with duckdb.connect(str(candidate)) as connection:
            connection.execute(
                "delete from marts.fct_sessions where session_number = 1 and rowid = 0"
                " or rowid = (select min(rowid) from marts.fct_sessions)"
            )
        return tables

    monkeypatch.setattr(publish, "write_candidate", write_and_lose_one)
    with pytest.raises(PublicationError, match="fct_sessions was copied wrongly"):
        publish.publish(sample_company.bench.database, published)
    assert generations(published) == {1}


def test_readers_see_whole_generations_and_never_an_older_one(sample_company, published):
    publish.publish(sample_company.bench.database, published)
    done, seen, errors = threading.Event(), [[], []], []

    def read(number):
        while not done.is_set():
            try:
                seen[number].append(generations(published))
            except duckdb.Error as error:
                errors.append(error)

    readers = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        publish.publish(sample_company.bench.database, published)
    done.set()
    for reader in readers:
        reader.join()
    assert not errors
    for generation_sets in seen:
        assert all(len(generation) == 1 for generation in generation_sets)
        order = [generation.pop() for generation in generation_sets]
        assert order == sorted(order)
        assert order


def test_a_missing_or_empty_build_is_a_clear_error(tmp_path, published):
    with pytest.raises(PublicationError, match="run `make build` first"):
        publish.publish(tmp_path / "nothing.duckdb", published)
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(PublicationError, match="holds no marts"):
        publish.publish(empty, published)
    assert not published.exists()


def test_the_summary_speaks_of_all_three_stages(sample_company, published):
    publish.publish(sample_company.bench.database, published)
    text = summary.describe(published)
    for heading in ("How they arrive", "How they get started", "How they stay"):
        assert heading in text
    assert "no data" not in text
