"""The expectations hold of the sample company, and each critical one fails when its data is bad."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from tools.expectations import checks, report
from tools.expectations.__main__ import main

BATCHES = checks.read_suites()
EVERY = [(batch, each) for batch in BATCHES for each in batch.expectations]

# what breaks each critical expectation
FAULTS = {
    "Something was delivered": "delete from reconciliation",
    "In every load: raw rows = accepted + duplicate + rejected + suppressed": """
        update reconciliation set is_balanced = false
        where load_id = (select min(load_id) from reconciliation)""",
    "Fewer than 5 % of the rows are rejected": """
        update reconciliation set rejected_row_count = rejected_row_count + 0.06 * raw_row_count""",
    "rejected_rows holds exactly the rows that reconciliation counts as rejected": """
        delete from rejected_rows
        where rejected_row_id = (select min(rejected_row_id) from rejected_rows)""",
    "There are persons": "delete from dim_persons",
    "A person is seen last after, or when, he is seen first": """
        update dim_persons set last_seen_at = first_seen_at - interval 1 microsecond
        where person_id = (select min(person_id) from dim_persons)""",
    "Every current stage is a stage of the taxonomy": """
        update dim_persons set current_stage = 'limbo'
        where person_id = (
            select min(person_id) from dim_persons where current_stage is not null
        )""",
    "The persons' sessions are the sessions": """
        delete from fct_sessions where session_id = (select min(session_id) from fct_sessions)""",
    "The persons' events are the events": """
        delete from fct_events where event_id = (select min(event_id) from fct_events)""",
    "Whoever did something is in dim_persons": """
        update fct_events set person_id = 'nobody'
        where event_id = (select min(event_id) from fct_events)""",
    "Whoever made a visit is in dim_persons": """
        update fct_sessions set person_id = 'nobody'
        where session_id = (select min(session_id) from fct_sessions)""",
    "There are events": "delete from fct_events",
    "A session ends after, or when, it starts": """
        update fct_sessions set ended_at = started_at - interval 1 second
        where session_id = (select min(session_id) from fct_sessions)""",
    "Every channel group is one of channel_rules, or Unassigned": """
        update fct_sessions set channel_group = 'Telepathy'
        where session_id = (select min(session_id) from fct_sessions)""",
    "The sessions' events are the interactive events": """
        update fct_sessions set event_count = event_count + 1
        where session_id = (select min(session_id) from fct_sessions)""",
    "kpi_acquisition_daily counts as many sessions as there are": """
        update kpi_acquisition_daily set session_count = session_count + 1
        where acquisition_day_id = (
            select min(acquisition_day_id) from kpi_acquisition_daily
            where segment_type = 'all' and session_count > 0
        )""",
    "Every stage is one of the taxonomy": "update fct_stage_periods set stage = upper(stage)",
    "A stay ends after, or when, it starts": """
        update fct_stage_periods set ended_at = started_at - interval 1 second
        where stage_period_id = (
            select min(stage_period_id) from fct_stage_periods where not is_open
        )""",
    "Nobody is in two stages at once": """
        insert into fct_stage_periods
        select * from fct_stage_periods where is_open limit 1""",
    "Of a day's active persons no more than of the week's": """
        update kpi_active_persons_daily set weekly_active_count = daily_active_count - 1
        where daily_active_count = (
            select max(daily_active_count) from kpi_active_persons_daily
        )""",
    "Of a week's active persons no more than of the 28 days'": """
        update kpi_active_persons_daily set monthly_active_count = weekly_active_count - 1
        where weekly_active_count = (
            select max(weekly_active_count) from kpi_active_persons_daily
        )""",
    "The daily active persons add up to the person days": """
        delete from fct_person_days
        where person_day_id = (select min(person_day_id) from fct_person_days)""",
    "Everybody is new on exactly one day": """
        update kpi_active_persons_daily set new_count = new_count + 1
        where segment_type = 'all' and date_day = (select min(date_day) from dim_dates)""",
    "A retention rate is a share": """
        update kpi_retention_cohorts set retention_rate = 1.01
        where retention_cohort_id = (select min(retention_cohort_id) from kpi_retention_cohorts)""",
    "No more come back than there were": """
        update kpi_retention_cohorts set retention_numerator = retention_denominator + 1
        where retention_cohort_id = (select min(retention_cohort_id) from kpi_retention_cohorts)""",
    "Every goal is one of the taxonomy": "update fct_conversions set goal = 'glory'",
    "No conversion is worth less than nothing": """
        update fct_conversions set amount = -amount where goal = 'purchase'""",
    "No advertisement costs less than nothing": """
        update fct_ad_spend set spend_amount = -1
        where spend_id = (select min(spend_id) from fct_ad_spend)""",
    "kpi_acquisition_daily spends what fct_ad_spend spends": """
        delete from fct_ad_spend where spend_amount = (select max(spend_amount) from fct_ad_spend)
        """,
}


@pytest.fixture(scope="module")
def published(published_company) -> Path:
    return published_company


@pytest.fixture
def damaged(published, tmp_path):
    """A copy of the published file in which a statement has done its damage."""

    def damage(*statements: str) -> Path:
        path = tmp_path / "damaged.duckdb"
        shutil.copyfile(published, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set schema = 'marts'")
            for statement in statements:
                connection.execute(statement)
        return path

    return damage


def look(database: Path, says: str) -> checks.Outcome:
    """The outcome of one expectation, run alone with what it is about."""
    batch = next(batch for batch, each in EVERY if each.says == says)
    return next(each for each in checks.run(database, [batch]) if each.expectation.says == says)


# ---------------------------------------------------------------- the data


def test_the_sample_company_meets_every_expectation(published):
    outcomes = checks.run(published, BATCHES)
    assert len(outcomes) == len(EVERY) >= 50
    assert [(each.expectation.says, each.found) for each in outcomes if not each.holds] == []


def test_every_critical_expectation_has_a_fault_that_breaks_it():
    assert FAULTS.keys() == {each.says for _, each in EVERY if each.severity == "critical"}


@pytest.mark.parametrize("says", FAULTS)
def test_a_planted_fault_breaks_the_expectation_that(damaged, says):
    outcome = look(damaged(FAULTS[says]), says)
    assert outcome.is_failure
    assert not outcome.found.startswith("not to be computed")


def test_a_planted_oddity_only_warns(damaged):
    path = damaged("update fct_sessions set is_engaged = true")
    outcome = look(path, "Between 5 % and 95 % of the sessions are engaged")
    assert (outcome.word, outcome.found, outcome.is_failure) == ("warns", "100 %", False)


def test_a_figure_without_a_value_does_not_hold(damaged):
    path = damaged("delete from fct_sessions")
    outcome = look(path, "A visitor makes 1 to 50 sessions on average")
    assert (outcome.holds, outcome.found) == (False, "no value")


def test_a_company_without_advertisements_is_no_failure(damaged):
    path = damaged("delete from fct_ad_spend")
    outcome = look(path, "A click costs between 0.01 and 100")
    assert (outcome.holds, outcome.found) == (True, "no value")


def test_a_mart_that_is_not_there_fails_what_is_expected_of_it(damaged):
    outcomes = checks.run(damaged("drop table fct_conversions"), BATCHES)
    broken = [each for each in outcomes if not each.holds]
    named = {each.expectation.says for each in broken if "fct_conversions does not" in each.found}
    assert len(broken) == len(named) == sum("fct_conversions" in batch.text for batch, _ in EVERY)


def test_looking_changes_nothing(published):
    before = hashlib.sha256(published.read_bytes()).hexdigest()
    checks.run(published, BATCHES[:2])
    assert hashlib.sha256(published.read_bytes()).hexdigest() == before
    assert {path.name for path in published.parent.iterdir()} == {published.name, "generations"}


# ---------------------------------------------------------------- the command


def test_the_command_says_what_it_found_and_ends_with_0(published, tmp_path, capsys):
    assert main(["--database", str(published), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"{len(EVERY)} expectations: {len(EVERY)} hold, 0 warn, 0 fail." in said
    assert "holds  visits      There are sessions" in said


def test_the_command_ends_with_1_where_an_expectation_fails(damaged, tmp_path, capsys):
    path = damaged(
        FAULTS["The persons' sessions are the sessions"],
        "update fct_sessions set is_engaged = true",
    )
    assert main(["--database", str(path), "--out", str(tmp_path / "out")]) == 1
    assert "FAILS  persons" in capsys.readouterr().out

    root = ElementTree.parse(tmp_path / "out" / "expectations.junit.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases.keys() == {each.says for _, each in EVERY}
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    warned = {name for name, case in cases.items() if case.find("skipped") is not None}
    assert failed == {
        "The persons' sessions are the sessions",
        "The sessions' events are the interactive events",
        "kpi_acquisition_daily counts as many sessions as there are",
    }
    assert warned == {"Between 5 % and 95 % of the sessions are engaged"}
    assert root.get("failures") == "3"

    text = (tmp_path / "out" / "expectations.md").read_text()
    assert "| FAILS | persons | The persons' sessions are the sessions | 1 |" in text


def test_the_command_ends_with_0_where_an_expectation_only_warns(damaged, tmp_path, capsys):
    path = damaged("update fct_sessions set is_engaged = true")
    assert main(["--database", str(path), "--out", str(tmp_path / "out")]) == 0
    assert "1 warn, 0 fail." in capsys.readouterr().out


def test_no_value_of_a_row_reaches_the_reports(damaged, tmp_path, capfd):
    path = damaged(
        "update fct_sessions set channel_group = 'canary@example.org'",
        "update fct_stage_periods set stage = 'canary@example.org'",
    )
    assert main(["--database", str(path), "--out", str(tmp_path / "out")]) == 1
    said = capfd.readouterr()
    texts = [said.out, said.err, *(file.read_text() for file in (tmp_path / "out").iterdir())]
    assert len(texts) == 4 and "FAILS" in said.out
    assert not [text for text in texts if "canary" in text]


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


# ---------------------------------------------------------------- suites

GOOD = """batches:
- table: fct_sessions
  expectations:
  - says: There are sessions
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1}
    severity: critical
"""


@pytest.mark.parametrize(
    ("old", "new", "trace"),
    [
        ("severity: critical", "severity: fatal", "severity is critical or warning"),
        ("    severity: critical\n", "", "write kwargs, says, severity, type"),
        ("says:", "say:", "write kwargs, says, severity, type"),
        ("table: fct_sessions", "tables: fct_sessions", "a batch has"),
        ("table: fct_sessions", "figures: select 1 as one", "names its `column`"),
        ("{min_value: 1}", "{value_set: {taxonomy: nothing.here}}", "nothing.csv"),
        ("{min_value: 1}", "{value_set: {taxonomy: goals.gaol}}", "gaol"),
        ("batches:", "batch:", "batches"),
        ("{min_value: 1}", "{min_value: 1", "expected"),
    ],
)
def test_a_wrong_suite_is_one_clear_error(tmp_path, old, new, trace):
    (tmp_path / "sessions.yml").write_text(GOOD)
    assert len(checks.read_suites(tmp_path)) == 1
    assert old in GOOD
    (tmp_path / "sessions.yml").write_text(GOOD.replace(old, new))
    with pytest.raises(checks.ExpectationsError, match="sessions.yml") as caught:
        checks.read_suites(tmp_path)
    assert trace in str(caught.value)


def test_an_expectation_that_great_expectations_does_not_know_is_a_clear_error(published, tmp_path):
    (tmp_path / "sessions.yml").write_text(GOOD.replace("row_count", "raw_count"))
    with pytest.raises(checks.ExpectationsError, match="expect_table_raw_count_to_be_between"):
        checks.run(published, checks.read_suites(tmp_path))


def test_an_expectation_that_does_not_fit_the_column_is_a_failure(published, tmp_path):
    text = GOOD.replace("table_row_count", "column_mean")
    text = text.replace("{min_value: 1}", "{column: no_such_column, min_value: 1}")
    (tmp_path / "sessions.yml").write_text(text)
    [outcome] = checks.run(published, checks.read_suites(tmp_path))
    assert outcome.is_failure and outcome.found.startswith("not to be computed: ")


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
    assert checks.written(name, figure) == text


def test_a_cell_with_a_bar_does_not_break_the_markdown_table():
    each = checks.Expectation("a | b", "expect_nothing", {}, "critical")
    text = report.markdown([checks.Outcome("x", each, True, "1 | 2")])
    assert "| holds | x | a \\| b | 1 \\| 2 |" in text
