"""The command line: doctor tells each planted fault, status and explain tell what is there.

dbt is asked once, by the fixture `told_by_dbt`, with all faults at once that it has to find.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.cli.main import dbtRunner
from harness import ROOT, Bench

from tools import publish
from tools.cli import doctor, explain, in_dbt, main, status
from tools.cli.doctor import OK, PROBLEM, WARNING, Place


@pytest.fixture
def place(tmp_path):
    """A project in which nothing is wrong, as far as the checks without dbt look."""
    for name in ("profiles.yml", "dbt_project.yml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "seeds" / "taxonomy").mkdir(parents=True)
    (tmp_path / "warehouse").mkdir()
    duckdb.connect(str(tmp_path / "warehouse" / "build.duckdb")).close()
    key = tmp_path / ".secrets" / "hash_key.parquet"
    key.parent.mkdir()
    pq.write_table(pa.table({"hash_key": ["a key"]}), key)
    key.chmod(0o600)
    return Place(tmp_path, {})


def with_variables(place: Place, **variables: str) -> Place:
    return Place(place.root, {**place.environ, **variables})


def worst(found) -> tuple[str, str]:
    """Level and text of the first finding that is not ok; each of these says what to do."""
    (first, *_) = [each for each in found if each.level != OK]
    assert first.do, first
    return first.level, first.says


# ---------------------------------------------------------------- doctor, without dbt


def test_where_nothing_is_wrong_everything_is_ok(place):
    looks = [doctor.disk, doctor.memory, doctor.profile, doctor.variables, doctor.warehouse]
    found = [each for look in [*looks, doctor.hash_key] for each in look(place)]
    assert {each.level for each in found} == {OK}


def test_a_python_that_is_too_new_is_told(place):
    assert worst(doctor.python(place, (3, 14)))[0] == PROBLEM
    assert doctor.python(place, (3, 13))[0].level == OK


def test_a_missing_environment_is_told(place):
    assert worst(doctor.environment(place)) == (
        PROBLEM,
        "there is no .venv: nothing is installed yet",
    )


def test_a_package_of_another_version_than_locked_is_told():
    as_locked = doctor.importlib.metadata.version("pyyaml")
    lock = f"duckdb==0.0.1 \\\n    --hash=sha256:0\npyyaml=={as_locked}"
    (told,) = doctor.other_versions(lock)
    assert told.startswith("duckdb is ") and "0.0.1" in told


def test_a_needed_package_that_is_missing_is_told(monkeypatch):
    def not_found(name):
        raise doctor.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", not_found)
    assert doctor.other_versions("duckdb==1.5.5\nsomething-else==1") == ["duckdb is missing"]


def test_a_full_disk_is_told(place):
    assert worst(doctor.disk(place, free=10_000_000))[0] == PROBLEM
    assert worst(doctor.disk(place, free=900_000_000))[0] == WARNING


@pytest.mark.parametrize(
    ("limit", "total", "level"),
    [("", 1e9, WARNING), ("64GB", 8e9, WARNING), ("plenty", 8e9, PROBLEM), ("4GB", 8e9, None)],
)
def test_too_little_memory_is_told(place, limit, total, level):
    found = doctor.memory(with_variables(place, JOURNEY_MEMORY_LIMIT=limit), int(total))
    assert [each.level for each in found] == [level or OK]


def test_a_missing_or_other_java_is_told_where_spark_is_asked_for(place, tmp_path):
    assert worst(doctor.java(place, "no-such-java")) == (
        PROBLEM,
        "Spark needs Java, and there is none",
    )
    other = tmp_path / "java"
    other.write_text("#!/bin/sh\necho 'openjdk version \"21.0.2\"' >&2\n")
    other.chmod(0o755)
    level, says = worst(doctor.java(place, str(other)))
    assert level == PROBLEM and "21.0.2" in says


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"JOURNEY_DATABSE": "x"}, "Did you mean JOURNEY_DATABASE"),
        ({"JOURNEY_TARGET": "sprak"}, "Did you mean spark"),
        ({"JOURNEY_THREADS": "many"}, "JOURNEY_THREADS is `many`"),
        ({"JOURNEY_TAXONOMY": "seeds/taxonmy"}, "no folder"),
    ],
)
def test_a_wrong_variable_is_told(place, variables, told):
    assert told in worst(doctor.variables(with_variables(place, **variables)))[1]


def test_a_profile_that_is_not_there_or_not_the_projects_is_told(place, tmp_path):
    other = with_variables(place, DBT_PROFILES_DIR=str(tmp_path / "elsewhere"))
    assert worst(doctor.profile(other))[0] == WARNING
    (place.root / "profiles.yml").unlink()
    assert worst(doctor.profile(place))[0] == PROBLEM


def test_a_folder_that_cannot_be_written_to_is_told(place, monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)  # root may write everywhere
    assert "cannot be written to" in worst(doctor.warehouse(place))[1]


def test_a_build_file_that_another_process_has_open_is_told_with_its_number(place):
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(place.built)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        (found,) = doctor.warehouse(place)
        other.communicate(b"\n")
    assert found.level == PROBLEM and "another process" in found.says
    assert str(other.pid) in found.do
    assert doctor.warehouse(place)[0].level == OK


def test_a_build_file_of_another_version_is_told(place):
    content = bytearray(place.built.read_bytes())
    content[12:20] = (9_999).to_bytes(8, "little")  # behind a checksum and the letters DUCK
    place.built.write_bytes(content)
    assert worst(doctor.warehouse(place))[0] == PROBLEM


def test_a_build_file_that_is_none_is_told(place):
    place.built.write_text("no database at all")
    assert "cannot be read" in worst(doctor.warehouse(place))[1]


def test_a_hash_key_that_is_missing_broken_double_or_open_to_others_is_told(place):
    place.hash_key.chmod(0o644)
    assert worst(doctor.hash_key(place))[0] == WARNING
    pq.write_table(pa.table({"hash_key": ["one", "two"]}), place.hash_key)
    assert "2 keys" in worst(doctor.hash_key(place))[1]
    place.hash_key.write_text("no parquet")
    assert "cannot be read" in worst(doctor.hash_key(place))[1]
    place.hash_key.unlink()
    assert worst(doctor.hash_key(place))[0] == PROBLEM  # the tables hold hashes made with it
    place.built.unlink()
    assert worst(doctor.hash_key(place))[0] == WARNING  # a first build makes one


def test_a_publication_that_is_missing_torn_or_none_is_told(place):
    assert "nothing is published" in worst(doctor.published(place))[1]
    duckdb.connect(str(place.published)).close()
    assert "holds no marts" in worst(doctor.published(place))[1]
    place.published.write_text("no database")
    assert "cannot be read" in worst(doctor.published(place))[1]
    leftover = place.published.with_name(f".{place.published.name}.1.tmp")
    leftover.touch()
    assert "was killed" in worst(doctor.published(place))[1]


def test_a_build_that_is_ahead_of_the_publication_is_told(place, published):
    shutil.copy(published, place.published)
    with duckdb.connect(str(place.built)) as connection:
        connection.execute("create schema marts; create schema intermediate")
        connection.execute(
            "create table marts.reconciliation as"
            " select 'a.b' as source_table, '1' as load_id, 1 as raw_row_count;"
            "create table marts.dim_as_of as select timestamp '2025-01-01' as as_of_at;"
            "create table intermediate.build_configuration as select 's' as setting, 'v' as value"
        )
    assert "other loads or settings" in worst(doctor.published(place))[1]


# ---------------------------------------------------------------- doctor, with dbt


@pytest.fixture(scope="module")
def told_by_dbt(tmp_path_factory):
    """What doctor says of raw tables, a taxonomy and a build with one fault each."""
    folder = tmp_path_factory.mktemp("faulty")
    bench = Bench(folder)
    bench.complete()
    tracks = {"id": "1", "event": "x", "timestamp": datetime(2025, 1, 1), "_load_id": "1"}
    tracks["_loaded_at"] = datetime(2025, 1, 2, 3, 4)
    bench.deliver(1, {"segment": {"tracks": [tracks, {**tracks, "id": "2"}]}})
    shutil.rmtree(bench.raw / "commerce" / "orders")
    refunds = bench.raw / "commerce" / "refunds" / "part-00000.parquet"
    pq.write_table(pq.read_table(refunds).drop_columns(["refund_id"]), refunds)
    stages = folder / "stage_rules.csv"
    rows = (ROOT / "seeds" / "taxonomy" / "stage_rules.csv").read_text()
    stages.write_text(rows.replace("1,enter,activation,", "1,enter,activatoin,"))
    with duckdb.connect(str(bench.database)) as connection:
        connection.execute(
            "create schema intermediate; create table intermediate.build_settings as"
            " select 'int_stage_stays' as model_name, 'var habit_days' as setting, '99' as value"
        )
    # the project as this process has read it for other tests, but for the one seed
    manifest = bench.manifest()
    seed = manifest.flat_graph["nodes"]["seed.customer_journey.stage_rules"]
    environ = {**bench.environment, "DBT_TARGET_PATH": str(folder / "target")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.setitem(seed, "original_file_path", os.path.relpath(stages, ROOT))
        patch.setattr("dbt.cli.main.dbtRunner", partial(dbtRunner, manifest))
        return doctor.declared(Place(ROOT, environ))


def those(found, area: str, level: str) -> list:
    return [each for each in found if (each.area, each.level) == (area, level)]


def test_a_missing_raw_table_and_a_missing_column_are_told_by_their_codes(told_by_dbt):
    told = {each.code: each.says for each in those(told_by_dbt, "sources", PROBLEM)}
    assert set(told) == {"R1", "R2"}
    assert "commerce.orders" in told["R1"]
    assert "refund_id" in told["R2"]


def test_a_wrong_row_of_a_seed_and_a_setting_that_changed_are_told(told_by_dbt):
    told = {each.code: each.says for each in those(told_by_dbt, "taxonomy", PROBLEM)}
    assert set(told) == {"T6", "C1"}
    assert "activatoin" in told["T6"] and "stage_rules.csv, row 2" in told["T6"]
    assert "habit_days" in told["C1"]


def test_each_raw_table_is_told_with_its_files_rows_columns_and_newest_load(told_by_dbt):
    (tracks,) = [each for each in told_by_dbt if each.says.startswith("segment.tracks:")]
    assert "2 rows in 2 files" in tracks.says
    assert "3 of 3 needed" in tracks.says
    assert "newest load 2025-01-02 03:04" in tracks.says


def test_a_raw_table_without_rows_is_a_warning(told_by_dbt):
    told = [each.says for each in those(told_by_dbt, "sources", WARNING)]
    assert "billing.invoices has no row" in told


def test_raw_tables_of_the_warehouse_are_lent_to_dbt_without_rows_and_counted_where_they_lie(
    place, tmp_path
):
    copy = tmp_path / "copy.duckdb"
    with duckdb.connect(str(place.built)) as connection:
        connection.execute("create schema raw_shop; create schema other")
        connection.execute(
            "create table raw_shop.orders as"
            " select 1 as order_id, '2025-01-02T03:04:00Z' as _loaded_at;"
            "create table other.thing as select 1 as x"
        )
    doctor.shells(place, copy)
    with duckdb.connect(str(copy), read_only=True) as connection:
        lent = connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables()"
        ).fetchall()
    assert lent == [("raw_shop", "orders", 0)]
    table = {
        **{"name": "shop.orders", "path": None, "schema": "raw_shop", "table": "orders"},
        **{"is_required": True, "required_columns": ["order_id"], "load_times": ["_loaded_at"]},
        "columns": [["order_id", "INTEGER"], ["_loaded_at", "VARCHAR"]],
    }
    (found,) = doctor.raw_tables(place, copy, {"raw": [], "tables": [table]})
    assert found.says == (
        "shop.orders: 1 row, 2 columns (1 of 1 needed), newest load 2025-01-02 03:04"
    )


def test_what_stops_dbt_itself_is_told_by_its_code_or_in_its_own_words(place, monkeypatch):
    def stops(message):
        def ask(jinja, target_path):
            raise in_dbt.Stopped(message)

        monkeypatch.setattr(in_dbt, "ask", ask)
        return doctor.declared(place)

    (coded,) = stops(
        "Compilation Error\n\n  [V2] var `x` is wrong.\n\n  > in macro stop_on (a.sql)"
    )
    assert (coded.code, coded.says) == ("V2", "var `x` is wrong.")
    (plain,) = stops("Runtime Error\n  IO Error: no parquet\n  > in macro a (b.sql)")
    assert plain.level == PROBLEM and "IO Error: no parquet" in plain.says
    assert "in macro" not in plain.says


# ---------------------------------------------------------------- what is published

PERSON = "a1b2c3d4" * 4
OTHER = "a1ffffff" * 4
AT = datetime(2025, 1, 2, 3, 4)
E_MAIL = "anna@example.com"


def rows_of_marts() -> dict[str, list[dict]]:
    """A publication with two people: invented rows, with the columns that the commands read."""
    seen = {"person_id": PERSON, "started_at": AT, "ended_at": AT, "occurred_at": AT}
    person = {
        **{"person_id": PERSON, "is_known": True, "plan": "gold", "event_count": 5},
        **{"first_seen_at": AT, "last_seen_at": AT, "session_count": 1, "first_platform": "web"},
        **{"first_touch_channel_group": "Email", "first_touch_source": "news"},
        **{"first_touch_medium": "email", "first_touch_campaign": None},
        "first_landing_page_path": "/start",
    }
    participation = {
        **{"person_id": PERSON, "journey": "trial", "version": 1, "entered_at": AT},
        **{"entry_name": "signed_up", "is_active": False, "exit_type": "timed_out"},
        **{"exited_at": AT, "distinct_step_count": 2, "last_step": "look", "friction_count": 1},
    }
    attempt = {
        **{"person_id": PERSON, "funnel": "order", "started_at": AT, "is_complete": False},
        **{"is_excluded": False, "step_count": 1},
    }
    identifier = {
        **{"person_id": PERSON, "identifier_class": "email", "identifier_value": E_MAIL},
        **{"identifier_id": "0123abcd" * 4, "is_shared": False, "first_seen_at": AT},
    }
    measure = {
        **{"metric": "kpi_x.some_rate", "table_name": "kpi_x", "column_name": "some_rate"},
        **{"role": "measure", "description": "A share."},
    }
    period = {**measure, "metric": "kpi_x.week", "column_name": "week", "role": "period"}
    publication = {
        **{"generation": 7, "published_at": AT, "code_version": "abc", "as_of_at": AT},
        **{"configuration_version": "f" * 32, "load_count": 3, "loads_version": "0"},
        **{"table_name": "dim_persons", "row_count": 2, "restored_from": 5},
    }
    load = {
        **{"source_name": "shop", "source_table": "shop.orders", "load_id": "1"},
        **{"loaded_at": datetime(2025, 1, 1, 3, 4), "raw_row_count": 10, "is_balanced": True},
        **{"accepted_row_count": 6, "duplicate_row_count": 2, "rejected_row_count": 1},
        "suppressed_row_count": 1,
    }
    rejected = {"reject_reason": "no_time", "row_count": 1, "source_table": "shop.orders"}
    return {
        "dim_persons": [person, {**person, "person_id": OTHER}],
        "bridge_person_identifiers": [identifier],
        "fct_sessions": [{**seen, "channel_group": "Email", "is_engaged": True}],
        "fct_stage_periods": [
            {**seen, "stage": "activation", "is_open": True, "exit_reason": None}
        ],
        "fct_milestones": [
            {**seen, "milestone": "signed_up", "milestone_number": 1, "reached_at": AT}
        ],
        "fct_conversions": [{**seen, "goal": "purchase", "amount": 12.5}],
        "fct_journey_participations": [participation],
        "fct_funnel_attempts": [attempt],
        "fct_friction_signals": [{**seen, "signal": "error", "page_path": "/pay"}],
        "metric_definitions": [measure, period],
        "kpi_x": [{"week": AT.date(), "some_rate": 0.5}],
        "publication": [publication],
        "reconciliation": [load],
        "rejected_rows": [rejected],
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("published") / "customer_journey.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for name, rows in rows_of_marts().items():
            connection.register("given", pa.Table.from_pylist(rows))
            connection.execute(f"create table marts.{name} as select * from given")
            connection.unregister("given")
    return path


@pytest.fixture
def desk(published, tmp_path, monkeypatch):
    """Where somebody sits before the publication: his folder, and a log of his own."""
    monkeypatch.setattr(publish, "PUBLISHED", published)
    monkeypatch.setattr(publish, "BUILT", tmp_path / "build.duckdb")
    monkeypatch.delenv("DBT_TARGET_PATH", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main.log, "handlers", [])
    return tmp_path


def said(capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and everything that a command prints; never a traceback."""
    try:
        code = main.main(list(arguments))
    except SystemExit as stopped:  # argparse
        code = stopped.code
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err
    return code, output.out + output.err


def test_status_tells_generation_freshness_rows_and_what_can_be_restored(desk, capsys):
    code, text = said(capsys, "status")
    assert code == 0
    for told in (
        "generation 7, generation 5 once more",
        "shop         newest load 2025-01-01 03:04, 24 hours before as_of",
        "shop                  10           6           2           1           1",
        "rejected most: no_time 1",
        "last build: no report",
        "generations that can be restored: none",
    ):
        assert told in text, text


def test_status_tells_the_last_build(desk, capsys):
    (desk / "target").mkdir()
    results = [
        {"unique_id": "model.customer_journey.dim_persons", "status": "success"},
        {"unique_id": "test.customer_journey.keys_are_unique.1", "status": "fail"},
    ]
    report = {
        "results": results,
        "args": {"which": "build"},
        "metadata": {"generated_at": "2025-01-02T03:04:05Z"},
        "elapsed_time": 61.0,
    }
    (desk / "target" / "run_results.json").write_text(json.dumps(report))
    _, text = said(capsys, "status")
    assert "last dbt build: 2025-01-02T03:04, 61 s" in text
    assert "model 1 success; test 1 fail" in text and "failed: keys_are_unique" in text
    assert "quality gate: not asked" in text


def test_status_tells_what_the_gate_found_before_the_last_publication(published, tmp_path):
    path = tmp_path / "with_gate.duckdb"
    shutil.copy(published, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table marts.data_quality_results as select * from (values"
            " (7, timestamp '2025-01-02', 'core', 't', 'c', 'is unique', 'error', 'fails', false),"
            " (7, timestamp '2025-01-02', 'core', 't', 'd', 'is unique', 'error', 'holds', true),"
            " (7, timestamp '2025-01-02', 'core', 't', 'f', 'moves', 'warning', 'not applicable',"
            " null),"
            " (6, timestamp '2025-01-01', 'core', 't', 'e', 'is unique', 'error', 'fails', false))"
            " as results(generation, checked_at, suite, table_name, column_name, expectation,"
            " severity, outcome, is_passed)"
        )
    told = status.gather(path, tmp_path)["gate"]
    assert (told["checks"], told["passed"], told["not_applicable"]) == (2, 1, 1)
    assert [each["column_name"] for each in told["broken"]] == ["c"]


def test_status_and_doctor_speak_to_machines_too(desk, capsys, monkeypatch):
    _, text = said(capsys, "status", "--json")
    told = json.loads(text)
    assert told["publication"]["generation"] == 7
    assert told["rows"][0]["accepted"] == 6
    finding = doctor.Finding("sources", PROBLEM, "says", "do", "R1")
    monkeypatch.setattr(doctor, "examine", lambda *_: [finding])
    code, text = said(capsys, "doctor", "--json")
    assert code == 1
    (told,) = json.loads(text)
    assert told == {"area": "sources", "level": "problem", "says": "says", "do": "do", "code": "R1"}


def test_a_warning_alone_does_not_fail_the_doctor(desk, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda *_: [doctor.Finding("a", WARNING, "b", "c")])
    assert said(capsys, "doctor")[0] == 0


def test_where_nothing_is_published_status_says_what_to_run(desk, capsys, monkeypatch):
    monkeypatch.setattr(publish, "PUBLISHED", desk / "none.duckdb")
    code, text = said(capsys, "status")
    assert code == 1 and "make demo" in text


# ---------------------------------------------------------------- explain


def test_a_persons_road_is_told_without_any_value_of_an_identifier(desk, capsys):
    code, text = said(capsys, "explain", "person", "A1B2")
    assert code == 0
    for told in (
        f"Person {PERSON}, known, plan gold",
        "came by Email (news / email), first on /start, platform web",
        "email: " + "0123abcd" * 4,
        "Email: 1 visit, 1 engaged",
        "2025-01-02 03:04 activation, still there",
        "2025-01-02 03:04 signed_up",
        "purchase, 12.50",
        "trial (version 1): entered 2025-01-02 03:04 by signed_up, timed out",
        "order: 1 attempt from 2025-01-02 03:04, 0 complete",
        "error on /pay: 1 time",
    ):
        assert told in text, text
    assert E_MAIL not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("person", "a1"), "several persons begin with `a1`"),
        (("person", "b1b2c3d4" * 4), f"The nearest is {PERSON}"),
        (("person", "'"), "there is no person `'`"),
        (("code", "T66"), "Did you mean T6"),
        (("column", "some_raet"), "no mart has a column"),
        (("column", "kpi_support.contact_raet"), "Did you mean kpi_support.contact_rate"),
        (("metric", "kpi_x.some_raet"), "Did you mean kpi_x.some_rate"),
        (("metric", "kpi_x.some_rate"), "the last ones are 2025-01-02"),
        (("metric", "kpi_x.some_rate", "--period", "June"), "`June` is no date"),
        (("metric", "kpi_x.some_rate", "--dimension", "step"), "write NAME=VALUE"),
        (("metric", "kpi_x.some_rate", "--rows", "0"), "whole number from 1"),
        (("metric", "kpi_x.some_rate", "--period", "2025-01-02"), "run `make build` first"),
        (("identity", "user_id:1", "user_id:2"), "run `make build` first"),
    ],
)
def test_what_there_is_not_is_told_with_the_nearest(desk, capsys, arguments, told):
    code, text = said(capsys, "explain", *arguments)
    assert code == 1
    assert told in text


def test_a_column_is_told_by_its_definition(desk, capsys):
    code, text = said(capsys, "explain", "column", "kpi_support.contact_rate")
    assert code == 0 and "Share of active people who contacted" in text
    assert "{{" not in said(capsys, "explain", "column", "person_id")[1]


def test_every_code_that_a_message_bears_has_its_entry():
    known = explain.entries(explain.TROUBLESHOOTING.read_text())
    texts = [path.read_text() for path in (ROOT / "macros").rglob("*.sql")]
    codes = set(re.findall(r"'\[([A-Z]\d+)\]", " ".join(texts)))
    assert len(codes) >= 20
    assert codes <= known.keys()


def test_an_entry_of_the_troubleshooting_page_is_found_in_any_writing(desk, capsys):
    for written in ("T4", "t4", "[T4]"):
        code, text = said(capsys, "explain", "code", written)
        assert code == 0 and "value of the wrong kind" in text


# ---------------------------------------------------------------- the interface


def test_a_fault_of_the_program_is_told_in_words_and_logged_in_full(desk, capsys, monkeypatch):
    def fails(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(status, "gather", fails)
    code, text = said(capsys, "status")
    assert code == 3 and "RuntimeError: a fault" in text
    assert "Traceback" in (desk / main.LOG).read_text()


def test_every_command_has_a_help_that_teaches(capsys):
    for command in ("doctor", "status", "explain", "explain metric", "explain person"):
        code, text = said(capsys, *command.split(), "--help")
        assert code == 0
        assert command == "explain" or "example" in text


def test_a_command_that_there_is_not_ends_with_code_2(capsys):
    assert said(capsys, "diagnose")[0] == 2


def test_the_script_runs_from_anywhere_also_before_anything_is_installed(tmp_path):
    shutil.copy(ROOT / "journey", tmp_path / "journey")
    (tmp_path / "tools").mkdir()
    for name in ("__main__.py", "advice.py", "install.py", "cli"):
        os.symlink(ROOT / "tools" / name, tmp_path / "tools" / name)
    # -S: a Python without any package
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -B "$@"\n')
    bare.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "journey", "doctor"],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHON": str(bare)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "nothing is installed yet" in done.stdout and "make install" in done.stdout
    assert done.stderr == ""
