"""The expectations hold of the sample company, and each critical one fails when its data is bad."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
import yaml
from expectation_faults import FAULTS
from harness import ROOT

from tools.expectations import checks, data_docs, report, results, suites
from tools.expectations.__main__ import main
from tools.expectations.suites import FAILED, NOT_APPLICABLE, NOT_COMPUTED, PASSED, ROWS

BATCHES = suites.read_suites()
EVERY = [(batch, each) for batch in BATCHES for each in batch.expectations]
CRITICAL = {each.says: batch for batch, each in EVERY if each.severity == "critical"}
# the sample company has a refund of 99,999 and an experiment that lost people of one variant
ODD = {
    "Less than half of the money is given back",
    "No refund is larger than three times the largest payment",
    "No experiment has lost people of one variant",
}
ENGAGED = "Between 5 % and 95 % of the sessions are engaged"


@pytest.fixture(scope="module")
def published(published_company) -> Path:
    return published_company


@pytest.fixture(scope="module")
def first_run(published) -> checks.Run:
    """Everything, asked of a first generation."""
    return checks.run_and_keep(published, BATCHES)


@pytest.fixture(scope="module")
def copy(published, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("copy") / "customer_journey.duckdb"
    shutil.copyfile(published, path)
    return path


@pytest.fixture(scope="module")
def tampered(copy) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write; whoever uses it rolls back what he did."""
    with duckdb.connect(str(copy)) as connection:
        connection.execute("set schema = 'marts'")
        yield connection


@pytest.fixture
def damaged(published, tmp_path):
    """A copy of the published file in which statements have done their damage."""

    def damage(*statements: str) -> Path:
        path = tmp_path / "damaged.duckdb"
        shutil.copyfile(published, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set schema = 'marts'")
            for statement in statements:
                connection.execute(statement)
        return path

    return damage


@pytest.fixture
def few(tmp_path) -> Path:
    """A folder with two of the suites, for what is not about the data."""
    folder = tmp_path / "suites"
    folder.mkdir()
    for name in ("persons", "visits"):
        shutil.copy(suites.SUITES / f"{name}.yml", folder)
    return folder


def batches_about(table: str) -> list[suites.Batch]:
    return [batch for batch in BATCHES if batch.table == table]


def with_fault(connection, published: Path, says: str, fault: str) -> checks.Figure:
    """What is computed for an expectation while its fault is planted."""
    batch = CRITICAL[says]
    connection.execute("begin")
    try:
        connection.execute(fault)
        with checks.opened(published) as before:
            [looked] = checks.look(connection, [batch], before)
    finally:
        connection.execute("rollback")
    names = [each.says for each in batch.expectations]
    return looked.figures[names.index(says)]


# ---------------------------------------------------------------- the data


def test_the_sample_company_meets_every_expectation_but_for_what_is_odd_about_it(first_run):
    outcomes = first_run.outcomes
    assert len(outcomes) >= len(EVERY) >= 250
    assert {each.expectation.says for each in outcomes if each.outcome == FAILED} == ODD
    assert not [each for each in outcomes if each.is_failure]
    assert {each.outcome for each in outcomes} == {PASSED, FAILED, NOT_APPLICABLE}


def test_every_published_mart_has_an_expectation_of_its_own(published):
    with checks.opened(published) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        views = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'marts'"
        ).fetchall()
    marts = {name for (name,) in tables + views} - set(checks.WRITTEN_BY_PUBLISHING)
    assert len(marts) > 100
    about = {batch.table for batch in BATCHES if batch.kind != "volumes"}
    assert marts - about == set()
    assert about - marts == set(), "no mart has this name"


def test_every_figure_that_is_computed_is_expected_to_be_something(published):
    unused = []
    with checks.opened(published) as connection:
        for batch in BATCHES:
            if batch.query:
                names = {c[0] for c in connection.execute(batch.query).description}
                named = {each.kwargs["column"] for each in batch.expectations}
                unused += [(batch.suite, batch.table, name) for name in names - named]
    assert unused == []


def test_every_critical_expectation_has_a_fault_that_breaks_it():
    assert FAULTS.keys() == CRITICAL.keys()


FIGURES = [says for says in FAULTS if CRITICAL[says].kind != ROWS]
OF_ROWS = [says for says in FAULTS if CRITICAL[says].kind == ROWS]


@pytest.fixture(scope="module")
def faults_in_figures(tampered, published) -> dict[str, suites.Outcome]:
    """Each fault planted alone; the figures judged by Great Expectations all at once."""
    looked = []
    for says in FIGURES:
        figure = with_fault(tampered, published, says, FAULTS[says])
        batch = CRITICAL[says]
        [expectation] = [each for each in batch.expectations if each.says == says]
        alone = suites.Batch(batch.suite, batch.kind, batch.table, (expectation,))
        looked.append(checks.Looked(alone, batch.table, [figure]))
    looked.sort(key=lambda each: each.batch.suite)
    found = checks.judge(published, looked).outcomes
    return {each.expectation.says: each for each in found}


@pytest.fixture(scope="module")
def faults_in_rows(published, tmp_path_factory) -> dict[str, suites.Outcome]:
    """Each breaks a column of its own, so they share a file; what empties a table has another."""
    found = {}
    for is_emptying in (False, True):
        path = tmp_path_factory.mktemp("rows") / "damaged.duckdb"
        shutil.copyfile(published, path)
        planted = [s for s in OF_ROWS if FAULTS[s].startswith("delete from") == is_emptying]
        with duckdb.connect(str(path)) as connection:
            connection.execute("set schema = 'marts'")
            for says in planted:
                connection.execute(FAULTS[says])
        batches = list({id(CRITICAL[says]): CRITICAL[says] for says in planted}.values())
        outcomes = {each.expectation.says: each for each in checks.run(path, batches)}
        found |= {says: outcomes[says] for says in planted}
    return found


@pytest.mark.parametrize("says", FIGURES)
def test_a_planted_fault_breaks_the_expectation_of_figures_that(faults_in_figures, says):
    outcome = faults_in_figures[says]
    assert (outcome.outcome, outcome.is_failure) == (FAILED, True), outcome.observed


@pytest.mark.parametrize("says", OF_ROWS)
def test_a_planted_fault_breaks_the_expectation_of_rows_that(faults_in_rows, says):
    outcome = faults_in_rows[says]
    assert (outcome.outcome, outcome.is_failure) == (FAILED, True), outcome.observed


def test_rows_that_break_an_expectation_are_counted_and_named_by_hashes(faults_in_rows):
    found = faults_in_rows["Every channel group is one of channel_rules, or Unassigned"].observed
    assert found.startswith("1 of ") and "; session_id: " in found
    assert len(found.split("session_id: ")[1]) == 32
    # the keys of reconciliation are hashes as well, those of dim_accounts are not
    assert "Telepathy" not in found


def test_a_planted_oddity_only_warns(damaged):
    path = damaged("update fct_sessions set is_engaged = true")
    outcomes = checks.run(path, batches_about("fct_sessions"))
    [outcome] = [each for each in outcomes if each.expectation.says == ENGAGED]
    assert (outcome.word, outcome.observed, outcome.is_failure) == ("warning", "100 %", False)


def test_a_figure_without_a_value_does_not_hold(damaged):
    outcomes = checks.run(damaged("delete from fct_sessions"), batches_about("fct_sessions"))
    found = {each.expectation.says: (each.outcome, each.observed) for each in outcomes}
    assert found["A visitor makes 1 to 50 sessions on average"] == (FAILED, "no value")
    assert found["A session ends after, or when, it starts"] == (NOT_APPLICABLE, "no rows")


def test_a_company_without_an_offer_is_told_what_does_not_apply_to_it(damaged):
    path = damaged("delete from fct_ad_spend", "delete from kpi_campaign_engagement")
    outcomes = checks.run(path, [*batches_about("fct_ad_spend"), *batches_about("fct_messages")])
    [outcome] = [e for e in outcomes if e.expectation.says == "A click costs between 0.01 and 100"]
    assert (outcome.outcome, outcome.observed) == (NOT_APPLICABLE, "no value")
    assert outcome.is_passed is None and outcome.word == "skipped"


def test_what_cannot_be_looked_at_stops_a_publication_even_where_it_would_only_warn(damaged):
    path = damaged("drop table fct_messages", "alter table fct_sessions drop column is_engaged")
    outcomes = checks.run(path, batches_about("fct_messages") + batches_about("fct_sessions"))
    broken = [each for each in outcomes if each.outcome == NOT_COMPUTED]
    assert {each.expectation.severity for each in broken} == {"critical", "warning"}
    assert all(each.is_failure and each.word == "BROKEN" for each in broken)
    assert "fct_messages does not exist" in broken[0].observed


def test_looking_changes_nothing(published):
    before = hashlib.sha256(published.read_bytes()).hexdigest()
    checks.run(published, BATCHES[:2])
    assert hashlib.sha256(published.read_bytes()).hexdigest() == before
    assert {path.name for path in published.parent.iterdir()} == {published.name, "generations"}


# ---------------------------------------------------------------- the last generation

DRIFT = [batch for batch in BATCHES if batch.kind in ("drift", "volumes")]


def figures_of(connection, before) -> dict[tuple[str, str], checks.Figure]:
    return {
        (looked.table, each.says): figure
        for looked in checks.look(connection, DRIFT, before)
        for each, figure in zip(looked.batch.expectations, looked.figures, strict=True)
    }


def test_a_first_generation_has_not_drifted_nor_stayed(first_run):
    drift = [each for each in first_run.outcomes if each.expectation.comparison != "between"]
    assert len(drift) > 100
    assert {(each.outcome, each.observed) for each in drift} == {
        (NOT_APPLICABLE, "there is no earlier generation")
    }


def test_a_generation_like_the_last_has_not_drifted(published):
    outcomes = checks.run(published, DRIFT, previous=published)
    assert {each.outcome for each in outcomes} == {PASSED, NOT_APPLICABLE}
    assert sum(each.outcome == PASSED for each in outcomes) > 100
    reasons = {each.observed.split(":")[0] for each in outcomes if each.outcome == NOT_APPLICABLE}
    assert reasons <= {
        "too few rows in the last generation to tell",
        "the last generation has no value",
    }


def test_a_table_that_shrank_or_grew_is_told_of(tampered, published):
    tampered.execute("begin")
    tampered.execute("delete from fct_messages where message_key < 'a'")  # ten of sixteen
    for _ in range(2):
        tampered.execute("insert into fct_offers select * from fct_offers")
    tampered.execute("update fct_sessions set channel_group = 'Unassigned' where session_id > 'd'")
    try:
        with checks.opened(published) as before:
            looked = checks.look(tampered, DRIFT, before)
    finally:
        tampered.execute("rollback")
    outcomes = checks.judge(published, looked).outcomes
    told = {(each.table, each.expectation.column) for each in outcomes if each.is_warning}
    assert ("fct_messages", "row_count") in told
    assert ("fct_offers", "row_count") in told
    assert ("fct_sessions", "unassigned_share") in told
    assert ("fct_sessions", "row_count") not in told
    assert not [each for each in outcomes if each.is_failure]
    [offers] = [each for each in outcomes if each.is_warning and each.table == "fct_offers"]
    assert offers.observed == "628 (before: 157)"
    assert offers.expectation.expected == "0.5 to 3 times the last generation's"


def test_other_data_are_not_compared_with_the_last_generation(tampered, published):
    tampered.execute("begin")
    tampered.execute("update reconciliation set load_id = 'other ' || load_id")
    try:
        with checks.opened(published) as before:
            found = figures_of(tampered, before)
    finally:
        tampered.execute("rollback")
    assert {(figure.outcome, figure.observed) for figure in found.values()} == {
        (NOT_APPLICABLE, "no load of the last generation is left: other data")
    }


def test_a_mart_that_the_last_generation_did_not_have_is_not_compared(tampered, published):
    tampered.execute("begin")
    tampered.execute("drop table fct_messages; drop table fct_conversions")
    try:
        with checks.opened(published) as now:
            found = figures_of(now, tampered)
    finally:
        tampered.execute("rollback")
    for table in ("fct_messages", "fct_conversions"):
        figures = [figure for (name, _), figure in found.items() if name == table]
        assert figures and {figure.outcome for figure in figures} == {NOT_APPLICABLE}
        assert all("the last generation has no such table" in each.observed for each in figures)


# ---------------------------------------------------------------- the command


def test_the_command_says_what_it_found_and_ends_with_0(published, few, tmp_path, capsys):
    arguments = ["--database", str(published), "--against", str(published), "--suites", str(few)]
    assert main([*arguments, "--out", str(tmp_path), "--all"]) == 0
    said = capsys.readouterr().out
    count = sum(len(batch.expectations) for batch in suites.read_suites(few))
    assert f"{count} expectations: {count} passed, 0 warnings, 0 failed, 0 not applicable." in said
    assert "passed  visits   fct_sessions  There are sessions" in said


def test_the_command_ends_with_1_where_an_expectation_fails(damaged, few, tmp_path, capsys):
    path = damaged(
        FAULTS["The persons' sessions are the sessions"],
        "update fct_sessions set is_engaged = true",
    )
    arguments = ["--database", str(path), "--suites", str(few), "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert "FAILED   persons" in said and "passed   " not in said

    root = ElementTree.parse(tmp_path / "out" / "quality.junit.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    batches = suites.read_suites(few)
    assert cases.keys() == {each.says for batch in batches for each in batch.expectations}
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    warned = {name for name, case in cases.items() if case.find("skipped") is not None}
    assert failed == {
        "The persons' sessions are the sessions",
        "The sessions' events are the interactive events",
        "kpi_acquisition_daily counts as many sessions as there are",
    }
    assert warned == {ENGAGED}
    message = cases[ENGAGED].find("skipped").get("message")
    assert message == "warning: found: 100 %; expected: 5 % to 95 %"
    counts = {key: root.get(key) for key in ("failures", "errors", "skipped")}
    assert counts == {"failures": "3", "errors": "0", "skipped": "1"}

    text = (tmp_path / "out" / "quality.md").read_text()
    assert (
        "| FAILED | persons | dim_persons | The persons' sessions are the sessions | 1 | 0 |"
        in (text)
    )


def test_the_command_ends_with_0_where_an_expectation_only_warns(damaged, few, tmp_path, capsys):
    path = damaged("update fct_sessions set is_engaged = true")
    arguments = ["--database", str(path), "--suites", str(few), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert "1 warnings, 0 failed" in capsys.readouterr().out


def test_no_value_of_a_row_reaches_the_results(damaged, published, few, tmp_path, capfd):
    """Whatever text stands in the marts, among them an e-mail address and a telephone number."""
    for name in ("lifecycle", "money"):
        shutil.copy(suites.SUITES / f"{name}.yml", few)
    tables = {each.table for each in suites.read_suites(few)} - {"fct_events"}
    canaries = ("canary@example.org", "+49 151 5550123")
    with checks.opened(published) as connection:
        texts = connection.execute(
            "select table_name, list(column_name) from duckdb_columns() where data_type = 'VARCHAR'"
            " and schema_name = 'marts' and table_name in (select table_name from duckdb_tables())"
            " group by table_name"
        ).fetchall()
    path = damaged(
        *(
            f"update {table} set "
            + ", ".join(f"{name} = '{canaries[n % 2]}'" for n, name in enumerate(columns))
            + f" where rowid < 90 and '{table}' not in ('reconciliation', 'metric_definitions')"
            for table, columns in texts
            if table in tables
        )
    )
    arguments = ["--database", str(path), "--against", str(published), "--all", "--data-docs"]
    arguments += ["--suites", str(few)]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    said = capfd.readouterr()
    files = [each for each in (tmp_path / "out").rglob("*") if each.is_file()]
    written = [said.out, said.err, *(file.read_text() for file in files)]
    assert len(files) > 8 and "FAILED" in said.out
    outcomes = checks.run(path, suites.read_suites(few))
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        results.create(connection)
        results.add(connection, 1, "2026-01-01", outcomes)
        written.append(str(connection.execute("from marts.data_quality_results").fetchall()))
    found = [text for text in written for word in ("canary", "5550123") if word in text]
    assert found == []


def test_a_missing_database_is_one_clear_line(tmp_path, capsys):
    assert main(["--database", str(tmp_path / "none.duckdb"), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "there is no" in said and "make build" in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_publication_is_one_clear_line(tmp_path, capsys):
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    assert main(["--database", str(other)]) == 1
    assert "has no schema marts" in capsys.readouterr().err
    other.write_text("a text")
    assert main(["--database", str(other)]) == 1
    assert "cannot be opened" in capsys.readouterr().err


def test_the_data_docs_need_no_network(first_run, tmp_path):
    index = data_docs.write(first_run.validations, tmp_path / "docs")
    pages = [each for each in index.parent.iterdir() if each.suffix == ".html"]
    assert len(pages) == len(first_run.validations) + 1 > 20
    for page in pages:
        text = page.read_text()
        assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    text = "".join(page.read_text() for page in pages)
    assert "No refund is larger than three times the largest payment" in text and "66.3" in text


# ---------------------------------------------------------------- suites

GOOD = """batches:
- table: fct_sessions
  expectations:
  - says: There are sessions
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1}
    severity: critical
- table: fct_sessions
  figures: select count(*) as session_count from fct_sessions
  expectations:
  - {says: They are many, column: session_count, between: [9, null], severity: warning}
- volumes: {fewest_rows: 100}
  expectations:
  - {says: It stays, ratio: [0.5, 3], severity: warning}
"""


@pytest.mark.parametrize(
    ("old", "new", "trace"),
    [
        ("severity: critical", "severity: fatal", "severity is critical or warning"),
        ("    severity: critical\n", "", "write says, type, kwargs and severity"),
        ("- says:", "- say:", "write says, type, kwargs and severity"),
        ("says: They are many", "says: There are sessions", "stands in sessions.yml, too"),
        ("- table: fct_sessions\n  exp", "- tables: fct_sessions\n  exp", "a batch has"),
        ("- table: fct_sessions\n  figures", "- figures", "a batch has"),
        ("column: session_count, ", "", "write says, column, between and severity"),
        ("between: [9, null]", "change: [9, null]", "write says, column, between and severity"),
        ("[9, null]", "9", "between is [least, most]"),
        ("[9, null]", "[9, 10, 11]", "between is [least, most]"),
        ("[9, null]", "[null, null]", "between is [least, most]"),
        ("[9, null]", "[many, null]", "many"),
        ("warning}\n- v", "warning, if_no_value: holds}\n- v", "if_no_value is fails or not appl"),
        ("ratio: [0.5, 3]", "change: [0.5, 3]", "write says, ratio and severity"),
        ("fewest_rows: 100", "rows: 100", "fewest_rows"),
        ("{min_value: 1}", "{value_set: {taxonomy: nothing.here}}", "nothing.csv"),
        ("{min_value: 1}", "{value_set: {taxonomy: goals.gaol}}", "gaol"),
        ("batches:", "batch:", "batches"),
        ("{min_value: 1}", "{min_value: 1", "expected"),
    ],
)
def test_a_wrong_suite_is_one_clear_error(tmp_path, old, new, trace):
    (tmp_path / "sessions.yml").write_text(GOOD)
    assert len(suites.read_suites(tmp_path)) == 3
    assert old in GOOD
    (tmp_path / "sessions.yml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(suites.ExpectationsError, match="sessions.yml") as caught:
        suites.read_suites(tmp_path)
    assert trace in str(caught.value)


def test_a_folder_without_suites_is_a_clear_error(tmp_path):
    with pytest.raises(suites.ExpectationsError, match="no suite"):
        suites.read_suites(tmp_path)


def test_an_expectation_that_great_expectations_does_not_know_is_a_clear_error(published, tmp_path):
    (tmp_path / "sessions.yml").write_text(GOOD.replace("row_count", "raw_count", 1))
    with pytest.raises(suites.ExpectationsError, match="expect_table_raw_count_to_be_between"):
        checks.run(published, suites.read_suites(tmp_path))


def test_an_expectation_that_does_not_fit_the_column_is_a_failure(published, tmp_path):
    text = GOOD.replace("table_row_count", "column_mean")
    text = text.replace("{min_value: 1}", "{column: no_such_column, min_value: 1}")
    text = text.replace("column: session_count", "column: no_such_figure")
    (tmp_path / "sessions.yml").write_text(text)
    outcomes = checks.run(published, suites.read_suites(tmp_path)[:2])
    assert [each.outcome for each in outcomes] == [NOT_COMPUTED] * 2
    assert all(each.is_failure for each in outcomes)
    assert all(each.observed.startswith("not to be computed: ") for each in outcomes)


@pytest.mark.parametrize(
    ("name", "figure", "text"),
    [
        ("session_count", 1234, "1,234"),
        ("sessions_per_person", 2.4905, "2.49"),
        ("spend_difference", -0.004, "-0.004"),
        ("engaged_share", 0.78156, "78.2 %"),
    ],
)
def test_a_figure_is_written_as_a_person_writes_it(name, figure, text):
    assert suites.written(name, figure) == text


def test_a_cell_with_a_bar_does_not_break_the_markdown_table():
    each = suites.Expectation("a | b", "expect_nothing", {}, "critical")
    text = report.markdown([suites.Outcome("x", "t", each, PASSED, "1 | 2")])
    assert "| passed | x | t | a \\| b | 1 \\| 2 |" in text


# ---------------------------------------------------------------- the page about it


def test_the_page_about_the_gate_describes_every_column_of_its_results():
    text = (ROOT / "docs" / "quality_gate.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    described = [row[1].strip().strip("`") for row in rows]
    assert [name for name in described if name in results.COLUMNS] == list(results.COLUMNS)


def test_the_example_on_the_page_about_the_gate_is_a_suite(tmp_path):
    text = (ROOT / "docs" / "quality_gate.md").read_text()
    examples = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    assert examples
    for number, example in enumerate(examples):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(yaml.safe_load(example)))
    assert len(suites.read_suites(tmp_path)) >= 3
