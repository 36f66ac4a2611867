"""The whole project on four data sets that nobody here made, held against what others know of them.

The published numbers, with the questions to our tables, stand in examples/*/published.yml; here
stands what a single number cannot say. Everything is skipped where the data are absent.
"""

import csv
import hashlib
import re
import shutil
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import oracle
import pytest
from harness import Bench
from oracle.funnels import attempts_and_steps
from scipy.stats import fisher_exact

from tools import real

pytestmark = pytest.mark.slow

# what is asked of here, in examples/*/published.yml and by the two analyses below
ASKED = ["fct_events", "fct_sessions", "fct_checkouts", "dim_persons", "dim_as_of", "kpi_funnels"]
ASKED += ["kpi_retention_cohorts", "reconciliation", "rejected_rows"]
BUILDS = {build.name: build for name in real.example_names() for build in real.builds_of(name)}
QUESTIONS = [(name, question["what"]) for name, b in BUILDS.items() for question in b.questions]


@pytest.fixture(scope="session")
def data() -> Path:
    try:
        return real.data_folder()
    except real.RealError as error:
        pytest.skip(f"real data: {error}")


@pytest.fixture(scope="session")
def databases(data):
    """A folder with a database for each build."""
    (real.ROOT / "target").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="real_test_", dir=real.ROOT / "target"))
    try:
        wanted = [f"+{table}" for table in ASKED]
        real.build_all(real.example_names(), data, folder, work=folder, select=wanted)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def answers(data, databases):
    return {
        (name, number.what): number
        for name, build in BUILDS.items()
        for number in real.ask(build, data, databases)
    }


@pytest.fixture
def ask(databases):
    """ask(build, query) gives the rows of a query to the marts of a build."""

    def rows(name: str, query: str) -> list[tuple]:
        with duckdb.connect(str(BUILDS[name].database(databases)), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    return rows


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize(("name", "what"), QUESTIONS, ids=lambda text: text[:60])
def test_our_number_is_the_published_one_or_differs_as_written_down(answers, name, what):
    number = answers[name, what]
    assert number.ours == number.expected
    assert number.expected == number.published or number.why


@pytest.mark.parametrize("name", [n for n, build in BUILDS.items() if not build.select])
def test_every_raw_row_has_exactly_one_fate(ask, name):
    rows = ask(
        name,
        """
        select sum(raw_row_count), sum(accepted_row_count), sum(duplicate_row_count),
            sum(rejected_row_count), sum(suppressed_row_count), bool_and(is_balanced)
        from marts.reconciliation
        """,
    )
    raw, *fates, is_balanced = rows[0]
    assert raw == sum(fates)
    assert is_balanced
    assert ask(name, "select count(*) from marts.fct_events")[0][0] == fates[0]
    assert {
        "wikipedia_reader_sessions": (63_524, 63_524, 0, 0, 0),
        "online_retail": (541_909, 406_829, 0, 135_080, 0),
        "ecom_clickstream": (31_106, 31_106, 0, 0, 0),
        "snowplow_web": (160, 157, 3, 0, 0),
    }[name] == (raw, *fates)


@pytest.mark.parametrize("name", real.example_names())
def test_the_taxonomy_of_an_example_holds_only_seeds_that_differ(name):
    for seed in (real.EXAMPLES / name / "taxonomy").glob("*.csv"):
        assert seed.read_text() != (real.ROOT / "seeds" / "taxonomy" / seed.name).read_text()


# ---------------------------------------------------------------- the online shop


def test_only_lines_without_customer_are_rejected(ask):
    assert ask(
        "online_retail",
        "select reject_reason, sum(row_count) from marts.rejected_rows group by all",
    ) == [("missing_identifier", 135_080)]


def test_all_cohorts_are_those_of_a_plain_count_over_the_file(ask, data):
    file = data / "online_retail" / "online_retail.parquet"
    bought = "InvoiceNo not like 'C%' and Quantity > 0 and UnitPrice > 0"
    for definition, condition in (("any_line_monthly", "true"), ("bought_monthly", bought)):
        plain = duckdb.execute(
            f"""
            with lines as (
                select CustomerID as who, date_trunc('month', InvoiceDate)::date as month
                from '{file}' where CustomerID is not null and {condition}
            ), firsts as (select who, min(month) as cohort from lines group by who)
            select cohort, datediff('month', cohort, month)::bigint as period,
                count(distinct who) as retained
            from lines join firsts using (who) group by all
            """
        ).fetchall()
        ours = ask(
            "online_retail",
            f"""
            select cohort_start_date, period_offset, retention_numerator
            from marts.kpi_retention_cohorts
            where definition = '{definition}' and criterion = 'on' and row_type = 'cohort'
                and segment_type = 'all' and retention_numerator > 0
            """,
        )
        assert sorted(ours) == sorted(plain)
        assert len(ours) > 80


# ---------------------------------------------------------------- the clickstream's funnels


@pytest.mark.parametrize("name", [name for name in BUILDS if name.startswith("ecom_clickstream")])
def test_every_attempt_at_the_shops_funnels_is_the_oracles(ask, name):
    """As it stands with the last event, and half a year later, when every window is over."""
    columns = ["event_id", "event_name", "occurred_at", "event_priority", "person_id", "session_id"]
    events = [
        dict(zip(columns, row, strict=True))
        for row in ask(name, f"select {', '.join(columns)} from marts.fct_events")
    ]
    seeds = {
        seed: _rows(real.EXAMPLES / "ecom_clickstream" / "taxonomy" / f"{seed}.csv")
        for seed in ("funnels", "funnel_steps")
    }
    settings = oracle.Settings(as_of=ask(name, "select as_of_at from marts.dim_as_of")[0][0])
    made = attempts_and_steps(events, oracle.Taxonomy(**seeds), settings)
    for table, rows in zip(("fct_funnel_attempts", "fct_funnel_steps"), made, strict=True):
        assert len(rows) > 10_000
        found = Counter(ask(name, f"select {', '.join(rows[0])} from marts.{table}"))
        assert found == Counter(tuple(row.values()) for row in rows)


# ---------------------------------------------------------------- Snowplow

# Where our sessions are not theirs: the name that the data give the case, their start -> our
# sessions of the browser that touch theirs (start, end, events), and why. What is not listed here
# has to be equal. Theirs are the tracker's (domain_sessionid); ours are split at pauses.
TWO_AT_ONCE = (
    "the tracker wrote two session ids for one browser in the same seconds; for us that is one"
    " session, because no pause lies in it"
)
PING_FIRST = (
    "the session begins with a page ping, and they set its start back by 5 seconds"
    " (snowplow__min_visit_length), the time that a ping is known to stand for; ours begins with"
    " its first event"
)
DEVIATIONS = {
    ("Multiple first sessions per user", "2021-03-02 07:23:19.675", 2): (
        [("2021-03-02 07:23:19.675", "2021-03-02 07:23:28.297", 7)],
        TWO_AT_ONCE,
    ),
    ("Multiple first sessions per user", "2021-03-02 07:23:19.675", 5): (
        [("2021-03-02 07:23:19.675", "2021-03-02 07:23:28.297", 7)],
        TWO_AT_ONCE,
    ),
    ("Multiple last sessions per user", "2021-03-02 02:01:19.675", 5): (
        [("2021-03-02 02:01:19.675", "2021-03-02 02:01:28.297", 6)],
        TWO_AT_ONCE,
    ),
    ("Multiple last sessions per user", "2021-03-02 02:01:28.297", 1): (
        [("2021-03-02 02:01:19.675", "2021-03-02 02:01:28.297", 6)],
        TWO_AT_ONCE,
    ),
    ("No edge cases", "2021-03-02 22:59:24.752", 1): (
        [("2021-03-02 22:59:29.752", "2021-03-02 22:59:29.752", 1)],
        PING_FIRST,
    ),
    ("No edge cases", "2021-03-04 22:59:24.752", 1): (
        [("2021-03-04 22:59:29.752", "2021-03-04 22:59:29.752", 1)],
        PING_FIRST,
    ),
    ("stray page ping", "2021-03-03 18:01:33.658", 1): (
        [("2021-03-03 18:01:38.658", "2021-03-03 18:01:38.658", 1)],
        PING_FIRST,
    ),
    ("Rotating domain_userid per session", "2021-03-02 15:55:18.539", 5): (
        [("2021-03-02 15:55:18.539", "2021-03-02 15:55:23.355", 2)],
        "one session id went over three days and three cookies; a cookie is an endpoint for us and"
        " a day without events a pause, so it is three sessions, the other two of other endpoints",
    ),
    ("long session", "2021-03-01 21:39:43.815", 3): (
        [
            ("2021-03-01 21:39:43.815", "2021-03-01 21:39:43.815", 1),
            ("2021-03-02 21:39:42.446", "2021-03-02 21:39:42.446", 1),
            ("2021-03-03 21:39:50.989", "2021-03-03 21:39:50.989", 1),
        ],
        "one session id with one event a day: each is a session of its own for us; they follow it"
        " for 3 days (snowplow__max_session_days) and put it into quarantine then",
    ),
}

# Our sessions that touch none of theirs, counted per case, and why they have none.
ONLY_OURS = {
    "long session": (8, "after 3 days of one session id they stop to look (quarantine)"),
    "Unexpired session": (1, "eight months after the session id began: they stop after 3 days"),
    "Rotating domain_userid per session": (2, "the session's other two cookies, see above"),
    "consent_accel": (26, "consent banners only: without a page view or ping it is no session"),
    "NULL page_view_id": (1, "its only page view has no page_view_id, and they count by that"),
    "NULL domain_sessionid": (1, "without a session id there is no session of the tracker's"),
    "late arriving: device created/sent >3 days": (
        1,
        "sent more than 3 days after it happened (snowplow__days_late_allowed); we take it",
    ),
}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="session")
def expected_sessions(data) -> list[dict]:
    return _rows(data / "snowplow_web" / "expected" / "snowplow_web_sessions_expected.csv")


@pytest.fixture
def our_sessions(ask) -> dict[str, list[tuple]]:
    """Endpoint -> start, end and number of events of its sessions."""
    found: dict[str, list[tuple]] = {}
    for endpoint, *session in ask(
        "snowplow_web",
        "select endpoint_id, started_at, ended_at, event_count from marts.fct_sessions order by 2",
    ):
        found.setdefault(endpoint, []).append(tuple(session))
    return found


def _rows(path: Path) -> list[dict]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def _endpoint(row: dict) -> str:
    """The browser: its own cookie, or else the collector's."""
    cookie = row["domain_userid"] or row["network_userid"]
    return hashlib.md5(f"anonymous_id:{cookie}".encode()).hexdigest()


def _touching(sessions: list[tuple], start: datetime, end: datetime) -> list[tuple]:
    return [session for session in sessions if session[0] <= end and session[1] >= start]


def test_the_18_sessions_of_snowplow_are_ours_but_for_the_deviations_listed(
    expected_sessions, our_sessions
):
    assert len(expected_sessions) == 18
    found = {}
    for theirs in expected_sessions:
        start, end = _time(theirs["start_tstamp"]), _time(theirs["end_tstamp"])
        ours = _touching(our_sessions[_endpoint(theirs)], start, end)
        count = int(theirs["total_events"])
        if ours != [(start, end, count)]:
            found[theirs["user_id"], theirs["start_tstamp"], count] = ours
    listed = {
        key: [(_time(start), _time(end), count) for start, end, count in ours]
        for key, (ours, _) in DEVIATIONS.items()
    }
    assert found == listed


def test_our_other_sessions_are_those_that_snowplow_leaves_out_for_a_reason(
    expected_sessions, our_sessions, data
):
    spans: dict[str, list[tuple]] = {}
    for theirs in expected_sessions:
        span = (_time(theirs["start_tstamp"]), _time(theirs["end_tstamp"]))
        spans.setdefault(_endpoint(theirs), []).append(span)
    # the data name each user after the case that he stands for
    raw = _rows(data / "snowplow_web" / "source" / "snowplow_web_events.csv")
    case_of = {_endpoint(row): row["user_id"] for row in raw}
    left = Counter(
        case_of[endpoint]
        for endpoint, sessions in our_sessions.items()
        for start, end, _ in sessions
        if not _touching(spans.get(endpoint, []), start, end)
    )
    assert left == {case: count for case, (count, _) in ONLY_OURS.items()}


def test_a_session_has_as_many_events_as_are_in_it(ask):
    assert ask(
        "snowplow_web",
        """
            select count(*) from marts.fct_sessions as sessions
            left join (
                select session_id, count(*) as n, min(occurred_at) as a, max(occurred_at) as b
                from marts.fct_events group by session_id
            ) as events using (session_id)
            where (event_count, started_at, ended_at) is distinct from (n, a, b)
            """,
    ) == [(0,)]


# ---------------------------------------------------------------- the command


def test_an_absent_folder_is_told_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["real", "--data", str(tmp_path / "nothing")])
    assert real.main() == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"there is no folder {tmp_path / 'nothing'}" in message


def test_an_unknown_example_is_told_with_those_that_there_are(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["real", "online_retial", "--data", str(tmp_path)])
    assert real.main() == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "no example `online_retial`" in message and "online_retail" in message


def test_a_missing_data_set_is_told_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["real", "online_retail", "--data", str(tmp_path)])
    assert real.main() == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"there is no folder {tmp_path / 'online_retail'}" in message


# ---------------------------------------------------------------- the stories in analyses/


@pytest.fixture
def tell(databases):
    """tell(build, analysis) gives the rows of an analysis, asked of the marts of a build."""

    def rows(name: str, analysis: str) -> list[dict]:
        bench = Bench(databases / f"telling_{name}")
        text = (real.ROOT / "analyses" / f"{analysis}.sql").read_text()
        query = bench.rendered(text)
        with duckdb.connect(str(BUILDS[name].database(databases)), read_only=True) as connection:
            result = connection.execute(re.sub(r'"\w+"\."marts"', "marts", query))
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    return rows


def test_the_five_incidents_of_the_clickstream_come_out(tell, remark):
    found = {row["incident"]: row for row in tell("ecom_clickstream", "what_happened_to_a_shop")}
    for row in found.values():
        remark(
            f"clickstream, {row['incident']}: {row['what']} {row['inside_rate']:.1%}"
            f" against {row['outside_rate']:.1%}"
        )
    more = ("article goes round", "checkout breaks on phones", "payments fail")
    assert found.keys() == {*more, "people who know the shop", "people who came late"}
    for row in found.values():
        table = [
            [row["inside_numerator"], row["inside_denominator"] - row["inside_numerator"]],
            [row["outside_numerator"], row["outside_denominator"] - row["outside_numerator"]],
        ]
        assert fisher_exact(table).pvalue < 0.01, row
    for incident in (*more, "people who know the shop"):
        assert found[incident]["inside_rate"] > 1.3 * found[incident]["outside_rate"]
    late = found["people who came late"]
    assert late["inside_rate"] < 0.8 * late["outside_rate"]


def test_both_readings_of_the_shops_cohorts_come_out(tell):
    rows = tell("online_retail", "who_comes_back_to_a_shop")
    first = {row["reading"]: row for row in rows if str(row["cohort_start_date"]) == "2010-12-01"}
    kept, removed = first["cancellations kept"], first["cancellations removed"]
    assert (kept["customer_count"], kept["month_1_count"]) == (948, 362)
    assert (removed["customer_count"], removed["month_1_count"]) == (885, 324)
    # everybody has one first month in each reading
    people = {
        reading: sum(row["customer_count"] for row in rows if row["reading"] == reading)
        for reading in first
    }
    assert people == {"cancellations kept": 4372, "cancellations removed": 4338}
