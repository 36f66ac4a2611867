"""Examples that vendors of analytics work through in their documentation, reckoned by our macros.

What happened is typed in as data, the vendor's number as expectation; the settings are those of
seeds/taxonomy/metric_profiles.csv. Beside them stand the same macros against plain Python on
random events. All macros are written out by one call of dbt, and run on tables of a few rows.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from statistics import median

import duckdb
import pyarrow as pa
import pytest
import worlds
from harness import ROOT, Bench
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

with (ROOT / "seeds" / "taxonomy" / "metric_profiles.csv").open(newline="") as lines:
    SEED = list(csv.DictReader(lines))
MODEL = (ROOT / "models" / "marts" / "metrics" / "definition_sensitivity.sql").read_text()

AMPLITUDE = "https://amplitude.com/docs/analytics/charts/"
MIXPANEL = "https://docs.mixpanel.com/docs/"
POSTHOG = "https://posthog.com/"
GOOGLE = "https://support.google.com/analytics/answer/"
DATA_API = "https://docs.cloud.google.com/php/docs/reference/analytics-data/latest/"


def setting(profile: str, metric: str, column: str) -> str:
    """As the seed has it; what a tool leaves empty is as `own` has it."""
    rows = {row["profile"]: row for row in SEED if row["metric"] == metric}
    return rows[profile][column] or rows["own"][column]


def call(macro: str, *arguments, **options) -> str:
    """The macro's call in Jinja. Python writes texts, numbers and lists as Jinja does."""
    words = {True: "true", False: "false", None: "none"}
    written = [repr(value) for value in arguments]
    for name, value in options.items():
        text = words[value] if isinstance(value, bool) or value is None else repr(value)
        written.append(f"{name}={text}")
    return "{{ " + f"{macro}({', '.join(written)})" + " }}"


def funnel_of(profile: str, steps: list, **options) -> str:
    options = {
        "window_days": int(setting(profile, "conversion", "window_days")) or None,
        "order": setting(profile, "conversion", "funnel_order"),
        "counting": setting(profile, "conversion", "funnel_counting"),
        **options,
    }
    return call("funnel", steps, **options)


def retention_of(profile: str, start: str, back: str, unit: str, **options) -> str:
    columns = ("retention_mode", "mode"), ("retention_criterion", "criterion")
    columns = (*columns, ("cohort_average", "cohort_average"))
    found = {name: setting(profile, "retention", column) for column, name in columns}
    return call("retention", start, back, unit, **{**found, "max_offset": 40, **options})


# ---------------------------------------------------------------- what the examples are made of


@dataclass(frozen=True)
class Example:
    source: str  # the address
    what: str  # in our own words
    events: list[tuple]  # (person, event, moment)
    question: str  # Jinja
    answer: dict | list  # the vendor's number
    why: str = ""  # where ours is another: why
    ours: dict | list | None = None
    as_of: str = "2030-01-01"


def each(count: int, event: str, moment: str, first: int = 0) -> list[tuple]:
    """The same event of so many people."""
    return [(f"person {first + number}", event, moment) for number in range(count)]


def one(*happened: tuple[str, str], person: str = "someone") -> list[tuple]:
    return [(person, event, moment) for event, moment in happened]


def in_order(*names: str, person: str = "someone") -> list[tuple]:
    """One event a minute."""
    return [(person, name, f"2025-05-01 10:{minute:02}") for minute, name in enumerate(names)]


REENTRY = MIXPANEL + "reports/funnels/funnels-advanced#optimized-re-entry"
LATE_B = one(("A", "2025-05-01 10:00"), ("A", "2025-05-09 10:00"), ("B", "2025-05-10 10:00"))
TWO_AS = one(("A", "2025-05-01 10:00"), ("A", "2025-05-04 10:00"), ("B", "2025-05-08 11:00"))
OVER_TIME = one(
    ("A", "2025-01-01 12:00"), ("A", "2025-01-05 12:00"), ("A", "2025-01-20 12:00"),
    ("B", "2025-01-02 11:00"), ("B", "2025-01-06 11:00"),
)  # fmt: skip
IN_ORDER = (
    in_order("A", "B", "C", "D", "E", person="1")
    + in_order("A", "B", "F", "C", "D", "E", person="2")
    + in_order("A", "B", "D", "C", "D", "E", person="3")
    + in_order("A", "B", "C", "E", person="4")
)
BUTTONS = one(("clicked", "2025-05-01 10:00"), ("clicked", "2025-05-01 10:05"), person="twice")

FUNNELS = {
    "mixpanel: the window runs from the first A": Example(
        MIXPANEL + "reports/funnels/funnels-advanced#conversion-window",
        "A at 13:00 and 13:30, B at 13:45, C at 14:15, one hour: B is reached, C is not",
        one(("A", "2025-05-01 13:00"), ("A", "2025-05-01 13:30"),
            ("B", "2025-05-01 13:45"), ("C", "2025-05-01 14:15")),
        funnel_of("mixpanel", ["A", "B", "C"], window_days=1 / 24),
        [1, 1, 0],
    ),
    "mixpanel: the first entry decides": Example(
        REENTRY, "A, its window ends, A again, B: by default not converted", LATE_B,
        funnel_of("mixpanel", ["A", "B"]), [1, 0],
    ),
    "mixpanel: every entry may convert with re-entry": Example(
        REENTRY, "the same events count as converted when re-entry is optimised", LATE_B,
        funnel_of("mixpanel", ["A", "B"], counting="unique_best"), [1, 1],
    ),
    "mixpanel: an entry within an entry is ignored": Example(
        REENTRY, "A, A again, the first window ends, B: by default 0 %", TWO_AS,
        funnel_of("mixpanel", ["A", "B"]), [1, 0],
    ),
    "mixpanel: two entries, one conversion": Example(
        REENTRY, "the same events with re-entry: one of two entries, 50 %", TWO_AS,
        funnel_of("mixpanel", ["A", "B"], counting="totals"), [2, 1],
    ),
    "mixpanel: other events may lie between the steps": Example(
        MIXPANEL + "reports/funnels/funnels-advanced#ordering",
        "of four sequences three reach E; the fourth left out D and stays at C",
        IN_ORDER, funnel_of("mixpanel", ["A", "B", "C", "D", "E"]), [4, 4, 4, 3, 3],
    ),
    "mixpanel: totals begin anew after an exit": Example(
        MIXPANEL + "reports/funnels/funnels-faq", "A, A, B: one entry, though A happened twice",
        in_order("A", "A", "B"), funnel_of("mixpanel", ["A", "B"], counting="totals"), [1, 1],
        "our totals follow every attempt, also one that begins while another is under way", [2, 2],
    ),
    "mixpanel: two seconds of grace": Example(
        MIXPANEL + "reports/funnels/funnels-faq", "B and a second later A: a conversion",
        one(("B", "2025-05-01 10:00:00"), ("A", "2025-05-01 10:00:01")),
        funnel_of("mixpanel", ["A", "B"]), [1, 1],
        "the order of events is total here: who did B before A has not come from A to B", [1, 0],
    ),
    "amplitude: one user is one conversion": Example(
        "https://amplitude.com/docs/faq/funnel-analysis",
        "step 1 on 1, 5, 20 January, step 2 on the 2nd and 6th: the user converted",
        OVER_TIME, funnel_of("amplitude", ["A", "B"]), [1, 1],
    ),
    "amplitude: each day has its own entry": Example(
        "https://amplitude.com/docs/faq/funnel-analysis",
        "over time the same user converted for the 1st and 5th and not for the 20th",
        OVER_TIME, funnel_of("amplitude", ["A", "B"], counting="totals"), [3, 2],
    ),
    "posthog: the same step twice needs two events": Example(
        POSTHOG + "docs/product-analytics/funnels",
        "a step that stands twice has to be done twice: one click is not enough",
        BUTTONS + one(("clicked", "2025-05-01 10:00"), person="once"),
        funnel_of("posthog", ["clicked", "clicked"]), [2, 1],
    ),
    "posthog: two weeks by default": Example(
        POSTHOG + "tutorials/funnels", "step 1 on day 1, step 2 on day 13: converted",
        one(("A", "2025-05-01 10:00"), ("B", "2025-05-13 18:00")),
        funnel_of("posthog", ["A", "B"]), [1, 1],
    ),
    "posthog: sequential": Example(
        POSTHOG + "docs/product-analytics/funnels", "anything may happen between A and B",
        in_order("A", "X", "B"), funnel_of("posthog", ["A", "B"]), [1, 1],
    ),
    "posthog: strict order": Example(
        POSTHOG + "docs/product-analytics/funnels", "in strict order nothing may",
        in_order("A", "X", "B") + in_order("X", "A", "B", person="other"),
        funnel_of("posthog", ["A", "B"], order="strict"), [2, 1],
    ),
    "posthog: any order": Example(
        POSTHOG + "docs/product-analytics/funnels", "in any order B may come first",
        in_order("B", "A"), funnel_of("posthog", ["A", "B"], order="any"), [1, 1],
    ),
    "ga4: a duration includes its end": Example(
        DATA_API + "V1alpha.FunnelStep",
        "within five seconds: 4.9 and 5.0 seconds are, a microsecond more is not",
        each(3, "A", "2025-05-01 10:00:00") + each(1, "B", "2025-05-01 10:00:04.9")
        + each(1, "B", "2025-05-01 10:00:05", 1) + each(1, "B", "2025-05-01 10:00:05.000001", 2),
        funnel_of("ga4", ["A", "B"], window_days=5 / 86400), [3, 2],
    ),
    "ga4: a closed funnel is entered by its first step": Example(
        DATA_API + "V1alpha.Funnel", "who begins with the second step is not counted",
        in_order("A", "B") + in_order("B", "C", person="other"),
        funnel_of("ga4", ["A", "B", "C"]), [1, 1, 0],
    ),
}  # fmt: skip

TIME = AMPLITUDE + "retention-analysis/retention-analysis-time"
USER_1 = one(("any", "2021-12-01 17:59"), ("any", "2021-12-02 17:00"))
USER_2 = one(("any", "2021-12-01 12:00"), ("any", "2021-12-06 12:00"))
USER_3 = one(("any", "2021-12-06 12:00"), ("any", "2021-12-12 12:00"))
APRIL = (
    each(9644, "start", "2025-04-01 12:00")
    + each(6594, "back", "2025-04-04 13:00")
    + each(6633 - 6594, "back", "2025-04-06 13:00", 6594)
)
JUNE = (
    each(254, "start", "2025-06-07 12:00")
    + each(72, "back", "2025-06-10 13:00")
    + each(168 - 72, "back", "2025-06-12 13:00", 72)
)
CALENDAR = MIXPANEL + "reports/retention#calendar-retention-mode"
MONDAY = one(("any", "2025-05-05 20:00"), ("any", "2025-05-06 06:00"))
FRIDAY = one(("any", "2025-05-09 12:00"), ("any", "2025-05-12 12:00"))
MARCH = one(("any", "2025-02-25 12:00"), ("any", "2025-03-03 12:00"))
GA4_FOUR = (
    each(4, "first_visit", "2025-10-01 21:00")
    + each(3, "visit", "2025-10-02 08:00")
    + each(2, "visit", "2025-10-08 08:00")
    + each(1, "visit", "2025-10-31 08:00")
)
GA4_HUNDRED = (
    each(100, "first_visit", "2025-09-09 21:00")
    + each(10, "visit", "2025-09-10 08:00")
    + each(2, "visit", "2025-09-16 08:00")
)
THIRD_DAY = one(("start", "2025-05-01 12:00"), ("back", "2025-05-04 13:00"))


def user(events, unit, **options) -> tuple:
    """The events of one person and how the tool asks about them: any event after any event."""
    return events, retention_of("amplitude", "any", "any", unit, criterion="on", **options)


# {offset: share} of all cohorts together
RETENTIONS = {
    "amplitude: the next day by the hour": Example(
        TIME, "17:59 and the next day 17:00: day 1, since hours are rounded down",
        *user(USER_1, "day"), {1: 1},
        "23 hours and one minute are less than a day: nothing is rounded here", {1: 0},
    ),
    "amplitude: the next day by the calendar": Example(
        TIME, "the same by calendar dates: day 1", *user(USER_1, "day", mode="calendar"), {1: 1}
    ),
    "amplitude: a week is seven days": Example(
        TIME, "1 and 6 December: week 0", *user(USER_2, "week"), {0: 1, 1: 0}
    ),
    "amplitude: days 8 to 14 are week 1": Example(
        TIME, "on any day from 8 to 14 December it would have been week 1",
        *user(one(("any", "2021-12-01 12:00"), ("any", "2021-12-08 12:00")), "week"), {1: 1, 2: 0},
    ),
    "amplitude: a calendar week ends on Sunday": Example(
        TIME, "by calendar weeks that begin on Monday, 1 and 6 December: week 1",
        *user(USER_2, "week", mode="calendar"), {1: 1},
    ),
    "amplitude: a month is thirty days": Example(
        TIME, "6 and 12 December: month 0", *user(USER_3, "month"), {0: 1, 1: 0}
    ),
    "amplitude: a calendar month": Example(
        TIME, "the same by calendar months", *user(USER_3, "month", mode="calendar"), {0: 1, 1: 0}
    ),
    "amplitude: 6,633 of 9,644 on day 3 or after": Example(
        AMPLITUDE + "retention-analysis/retention-analysis-calculation", "68.8 %",
        APRIL, retention_of("amplitude", "start", "back", "day"), {3: 0.688},
    ),
    "amplitude: 6,594 of 9,644 on day 3": Example(
        AMPLITUDE + "retention-analysis/retention-analysis-calculation", "68.4 %",
        APRIL, retention_of("amplitude", "start", "back", "day", criterion="on"), {3: 0.684},
    ),
    "amplitude: 168 of 254 after 72 hours": Example(
        TIME + "#retention-types", "66.1 %",
        JUNE, retention_of("amplitude", "start", "back", "day"), {3: 0.661},
    ),
    "amplitude: 72 of 254 after 72 to 96 hours": Example(
        TIME + "#retention-types", "28.3 %",
        JUNE, retention_of("amplitude", "start", "back", "day", criterion="on"), {3: 0.283},
    ),
    "amplitude: 168 of 254 on the third date or after": Example(
        TIME + "#retention-types", "66.1 % by calendar dates as well",
        JUNE, retention_of("amplitude", "start", "back", "day", mode="calendar"), {3: 0.661},
    ),
    **{
        f"mixpanel: {name} by {mode} periods": Example(
            CALENDAR, f"{name}: period 1 by the calendar, not by rolling ones", events,
            retention_of("mixpanel", "any", "any", unit, **options), {1: share},
        )
        for name, events, unit in (
            ("Monday evening to Tuesday morning", MONDAY, "day"),
            ("Friday to Monday", FRIDAY, "week"),
            ("25 February to 3 March", MARCH, "month"),
        )
        for mode, options, share in (("rolling", {}, 0), ("calendar", {"mode": "calendar"}, 1))
    },
    "mixpanel: the average of two cohorts": Example(
        MIXPANEL + "reports/retention#faq",
        "500 of 1000, 400 of 500, and a day that is not over: 56 %, counts and sizes weighted",
        each(1000, "start", "2025-03-01 00:00") + each(500, "back", "2025-03-02 12:00")
        + each(500, "start", "2025-03-02 00:00", 1000)
        + each(400, "back", "2025-03-03 12:00", 1000)
        + each(700, "start", "2025-03-03 00:00", 1500)
        + each(10, "back", "2025-03-04 00:30", 1500),
        retention_of("mixpanel", "start", "back", "day", criterion="on"), {1: 0.56},
        as_of="2025-03-05 01:00",
    ),
    "mixpanel: ten, of whom nine, seven and six": Example(
        "https://docs.mixpanel.com/reference/retention-query",
        "of ten nine came back within 24 hours, seven from 24 to 48, six from 48 to 72",
        each(10, "start", "2012-01-02 12:00") + each(9, "back", "2012-01-03 11:00")
        + each(7, "back", "2012-01-03 12:00", 3) + each(6, "back", "2012-01-04 12:00"),
        retention_of("mixpanel", "start", "back", "day", criterion="on"), {0: 0.9, 1: 0.7, 2: 0.6},
    ),
    "posthog: period 0 is everybody": Example(
        POSTHOG + "docs/product-analytics/retention", "100 %, for the start is what counts there",
        USER_2, retention_of("posthog", "any", "any", "week"), {0: 1, 1: 1, 2: 0},
    ),
    "posthog: on": Example(
        POSTHOG + "docs/product-analytics/retention", "back on day 3: not on day 2",
        THIRD_DAY, retention_of("posthog", "start", "back", "day"), {1: 0, 2: 0, 3: 1, 4: 0},
    ),
    "posthog: on or after": Example(
        POSTHOG + "docs/product-analytics/retention", "back on day 3: also on or after day 2",
        THIRD_DAY, retention_of("posthog", "start", "back", "day", criterion="on_or_after"),
        {1: 1, 2: 1, 3: 1, 4: 0},
    ),
    "ga4: four users": Example(
        GOOGLE + "11004084", "of four on 1 October three, two and one: 75, 50 and 25 %", GA4_FOUR,
        retention_of("ga4", "first_visit", ["first_visit", "visit"], "day"),
        {0: 1, 1: 0.75, 7: 0.5, 30: 0.25},
    ),
    "ga4: a hundred users": Example(
        GOOGLE + "11004084", "of 100 on 9 September ten came on the 10th, two on the 16th",
        GA4_HUNDRED, retention_of("ga4", "first_visit", ["first_visit", "visit"], "day"),
        {1: 0.10, 2: 0, 7: 0.02},
    ),
}  # fmt: skip

ON_DAYS = one(*(("used", f"2025-05-{day:02} 10:00") for day in (6, 12, 14, 14, 16)))
THREE_DAYS = [
    event for day in (5, 7, 11) for event in each(938, "viewed", f"2025-05-{day:02} 10:00")
] + [event for day in (5, 6) for event in each(7, "viewed", f"2025-05-{day:02} 10:00", 938)]

# {(Monday of the week, days): people}
STICKINESS = {
    "amplitude: exactly so many days": Example(
        AMPLITUDE + "stickiness/stickiness-interpret",
        "one day in the first week and three in the second: in both buckets, and in no other",
        ON_DAYS, call("stickiness", "used", "week"),
        {(date(2025, 5, 5), 1): 1, (date(2025, 5, 12), 3): 1},
    ),
    "amplitude: so many days and more": Example(
        AMPLITUDE + "stickiness/stickiness-interpret", "in each bucket up to the days it were",
        ON_DAYS, call("stickiness", "used", "week", cumulative=True),
        {(date(2025, 5, 5), 1): 1, **{(date(2025, 5, 12), days): 1 for days in (1, 2, 3)}},
    ),
    "posthog: 938 people on three of seven days": Example(
        POSTHOG + "docs/product-analytics/stickiness", "who came on three is not among two",
        THREE_DAYS, call("stickiness", "viewed", "week"),
        {(date(2025, 5, 5), 3): 938, (date(2025, 5, 5), 2): 7},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """An example for definition_sensitivity: one month's number of a profile."""

    source: str
    what: str
    events: list[tuple]
    metric: str
    month: date
    answers: dict[str, int]  # profile -> number
    seed: list[dict] = field(default_factory=lambda: SEED)


ROWS = {
    "mixpanel: forty minutes part two sessions": Row(
        MIXPANEL + "features/sessions#examples",
        "13:00, 13:10, then 13:50, 14:10, 14:25 with a timeout of 30 minutes: two sessions",
        one(*(("any", f"2025-05-05 {time}")
              for time in ("13:00", "13:10", "13:50", "14:10", "14:25"))),
        "sessions", date(2025, 5, 1), {"mixpanel": 2, "own": 2},
    ),
    "mixpanel: midnight parts two sessions": Row(
        MIXPANEL + "features/sessions#examples",
        "23:30, 23:50, 0:05, 0:10: two sessions; for us it is one",
        one(("any", "2025-05-05 23:30"), ("any", "2025-05-05 23:50"),
            ("any", "2025-05-06 00:05"), ("any", "2025-05-06 00:10")),
        "sessions", date(2025, 5, 1), {"mixpanel": 2, "own": 1},
    ),
    "mixpanel: December has its last thirty days": Row(
        MIXPANEL + "reports/insights",
        "who was active between 2 and 31 December counts for December, also if only once",
        each(1, "any", "2023-12-01 12:00") + each(1, "any", "2023-12-02 12:00", 1)
        + each(1, "any", "2023-12-31 12:00", 2) + each(1, "any", "2023-12-03 23:59", 3)
        + each(1, "any", "2023-12-04 00:00", 4),
        "active", date(2023, 12, 1), {"mixpanel": 4, "own": 2},
    ),
}  # fmt: skip


# ---------------------------------------------------------------- a warehouse of a few rows

# what the random events are asked
WINDOW_DAYS = 2
STEPS = [["a", "b", "c"], ["a", "a", "b"], ["a", "b", "a", "b"], [["a", "c"], "b", ["a", "c"]]]
ORDERS = "ordered", "strict", "any"
COUNTINGS = "unique_first", "unique_best", "totals"
FUNNEL_CASES = [
    *product(range(len(STEPS)), ORDERS, COUNTINGS, [WINDOW_DAYS]),
    *product(range(len(STEPS)), ORDERS, ["unique_first"], [None]),
]
SESSION_CASES = [("a", "b"), ("b", "b")]
RETENTION_CASES = list(
    product(
        ("day", "week", "month"), ("rolling", "calendar"),
        ("on", "on_or_after", "on_or_before"), ("first", "every"),
    )
)  # fmt: skip

JINJA = {
    "model": MODEL,  # first: its first line takes away what stands before it
    **{("funnel", *case): call(
        "funnel", STEPS[case[0]], case[3], order=case[1], counting=case[2],
        where="events.event_name <> 'hidden'",
    ) for case in FUNNEL_CASES},
    **{("sessions", *case): call("funnel", list(case), None, unit="session")
       for case in SESSION_CASES},
    **{("retention", *case): call(
        "retention", "a", ["b", "c"], case[0], mode=case[1], criterion=case[2], starts=case[3],
        max_offset=4,
    ) for case in RETENTION_CASES},
    **{("stickiness", cumulative): call("stickiness", "any_active", "week", cumulative=cumulative)
       for cumulative in (False, True)},
    **{(kind, name): example.question
       for kind, examples in (("funnels", FUNNELS), ("retentions", RETENTIONS),
                              ("stickinesses", STICKINESS))
       for name, example in examples.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    variables = {"as_of": str(worlds.AS_OF)}  # as in the other tests: the project is read once
    return Bench(tmp_path_factory.mktemp("vendors"), variables=variables)


@pytest.fixture(scope="module")
def sql(bench) -> dict:
    border = "\n-- next\n"
    written = bench.rendered(border.join(JINJA.values()), reporting_timezone="UTC").split(border)
    return dict(zip(JINJA, written, strict=True))


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"threads": 2}) as opened:
        opened.execute("attach ':memory:' as build")
        for schema in ("marts", "intermediate", "taxonomy"):
            opened.execute(f"create schema build.{schema}")
        yield opened


def moment(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


COLUMNS = {
    "event_id": pa.string(), "person_id": pa.string(), "session_id": pa.string(),
    "endpoint_id": pa.string(), "event_name": pa.string(), "platform": pa.string(),
    "is_interactive": pa.bool_(), "is_core": pa.bool_(), "event_priority": pa.int64(),
    "occurred_at": pa.timestamp("us"),
}  # fmt: skip


def as_row(number: int, event: tuple) -> dict:
    """(person, name, moment) and what is to be another than usual."""
    person, name, when, *more = event
    return {
        "event_id": f"{number:06}", "person_id": person, "session_id": None,
        "endpoint_id": person, "event_name": name, "platform": "web", "is_interactive": True,
        "is_core": False, "event_priority": 50, "occurred_at": moment(when),
        **(more[0] if more else {}),
    }  # fmt: skip


def happen(connection, events: list[tuple], as_of: str | datetime = "2030-01-01") -> list[dict]:
    """The events are all there are."""
    rows = [as_row(number, event) for number, event in enumerate(events)]
    given_events = pa.Table.from_pylist(rows, schema=pa.schema(COLUMNS.items()))
    connection.register("given_events", given_events)
    connection.execute(
        "create or replace table build.marts.fct_events as"
        " select *, occurred_at::date as occurred_date from given_events"
    )
    connection.execute(
        """create or replace table build.marts.dim_as_of as
        select $1::timestamp as as_of_at, $1::timestamp::date as as_of_date""",
        [moment(as_of)],
    )
    return rows


def reached(connection, query: str) -> list[int]:
    rows = connection.execute(f"select step_number, conversion_numerator from ({query})")
    return [count for _, count in sorted(rows.fetchall())]


def shares(connection, query: str) -> dict[int, float]:
    """Offset -> share of all mature cohorts."""
    rows = connection.execute(
        f"select period_offset, retention_rate from ({query}) where row_type = 'overall'"
    )
    return dict(rows.fetchall())


# ---------------------------------------------------------------- the examples


@pytest.mark.parametrize("name", FUNNELS)
def test_a_funnel_of_the_vendors_has_their_numbers(connection, sql, name):
    example = FUNNELS[name]
    happen(connection, example.events)
    found = reached(connection, sql["funnels", name])
    assert found == (example.ours if example.why else example.answer)
    assert not example.why or found != example.answer


@pytest.mark.parametrize("name", RETENTIONS)
def test_a_retention_of_the_vendors_has_their_numbers(connection, sql, name):
    example = RETENTIONS[name]
    happen(connection, example.events, example.as_of)
    found = shares(connection, sql["retentions", name])
    places = 2 if name == "mixpanel: the average of two cohorts" else 3
    found = {offset: round(found[offset], places) for offset in example.answer}
    assert found == (example.ours if example.why else example.answer)
    assert not example.why or found != example.answer


@pytest.mark.parametrize("name", STICKINESS)
def test_a_stickiness_of_the_vendors_has_their_numbers(connection, sql, name):
    happen(connection, STICKINESS[name].events)
    query = sql["stickinesses", name]
    rows = connection.execute(
        f"select period_start_date, active_day_count, stickiness_numerator from ({query})"
    ).fetchall()
    assert {(start, days): n for start, days, n in rows if n} == STICKINESS[name].answer
    assert len(rows) % 7 == 0


@pytest.mark.parametrize("name", ROWS)
def test_definition_sensitivity_has_the_vendors_number(connection, sql, name):
    row = ROWS[name]
    found = sensitivity(connection, sql, row.events, row.seed)
    assert {
        profile: found[row.metric, profile, row.month] for profile in row.answers
    } == row.answers


# ---------------------------------------------------------------- definition_sensitivity


def sensitivity(connection, sql, events: list[tuple], seed: list[dict], as_of="2030-01-01") -> dict:
    """(metric, profile, month) -> value, by the model itself."""
    happen(connection, events, as_of)
    connection.register("given_seed", pa.Table.from_pylist(seed))
    connection.execute(
        """
        create or replace table build.taxonomy.metric_profiles as select * from given_seed;
        create or replace table build.intermediate.int_events_identified as
            select * from build.marts.fct_events;
        create or replace table build.marts.fct_person_days as
            select distinct person_id, occurred_at::date as active_date
            from build.marts.fct_events where is_interactive;
        create or replace table build.marts.dim_dates as
            select day::date as date_day, date_trunc('month', day)::date as month_start_date
            from (
                select unnest(generate_series(
                    min(occurred_at)::date::timestamp,
                    date_trunc('month', max(occurred_at)) + interval 1 month - interval 1 day,
                    interval 1 day
                )) as day from build.marts.fct_events
            );
        create or replace table build.marts.fct_sessions as
            select person_id, occurred_at as started_at, occurred_at::date as started_date,
                event_name = 'engaged' as is_engaged,
                row_number() over (partition by person_id order by occurred_at, event_id)
                    as session_number
            from build.marts.fct_events where is_interactive;
        create or replace table build.marts.fct_support_contacts as
            select person_id, occurred_at::date as opened_date
            from build.marts.fct_events where event_name = 'support_contacted';
        create or replace table build.marts.fct_conversions as
            select person_id, 'signup' as goal, occurred_at
            from build.marts.fct_events where event_name = 'signed_up';
        create or replace table build.marts.dim_persons as
            select person_id, min(occurred_at) filter (is_interactive) as first_session_at,
                min(occurred_at) filter (event_name = 'signed_up') as signed_up_at
            from build.marts.fct_events group by person_id;
        """
    )
    rows = connection.execute(
        f"select metric, profile, month_start_date, value from ({sql['model']})"
    ).fetchall()
    return {tuple(key): value for *key, value in rows}


def a_profile(name: str, metric: str, **settings) -> dict:
    row = dict.fromkeys(SEED[0], "")
    return {**row, "profile": name, "metric": metric, "difference": "-", **settings}


# beside those of the seed: caps and timeouts that lie across each other
MORE_PROFILES = [
    a_profile("short_cap", "sessions", session_timeout_seconds="3600", session_cap_hours="2"),
    a_profile("cap_at_midnight", "sessions", session_timeout_seconds="7200", session_cap_hours="3",
        cut_at_midnight="true", session_unit="person", active_rule="any_event",
    ),
    a_profile("app", "sessions", app_session_timeout_seconds="300", session_cap_hours="1"),
]  # fmt: skip
SESSION_PROFILES = [row for row in SEED if row["metric"] == "sessions"] + MORE_PROFILES


def plain_session_count(rows: list[dict], profile: dict) -> int:
    """The definition, event by event."""
    own = next(row for row in SEED if (row["profile"], row["metric"]) == ("own", "sessions"))
    chosen = {name: profile[name] or own[name] for name in profile}
    timeout = int(chosen["session_timeout_seconds"] or 1800)
    app_timeout = int(chosen["app_session_timeout_seconds"] or timeout)
    cap = int(chosen["session_cap_hours"] or 24) * 3600
    units = defaultdict(list)
    for row in rows:
        if chosen["active_rule"] == "any_event" or row["is_interactive"]:
            units[row[f"{chosen['session_unit']}_id"]].append(row)
    count = 0
    for events in units.values():
        stretch, block, last = None, 0, None
        for row in sorted(events, key=lambda row: (row["occurred_at"], row["event_id"])):
            now = row["occurred_at"]
            pause = app_timeout if row["platform"] == "app" else timeout
            is_new = last is None or (now - last).total_seconds() >= pause
            if chosen["cut_at_midnight"] == "true" and last and last.date() != now.date():
                is_new = True
            if is_new:
                stretch, block = now, 0
                count += 1
            elif cap and int((now - stretch).total_seconds() // cap) != block:
                block = int((now - stretch).total_seconds() // cap)
                count += 1
            last = now
    return count


@st.composite
def visits(draw) -> list[tuple]:
    """Events of three people on four endpoints, with pauses at and about the limits."""
    events = []
    clock = datetime(2025, 5, 5, 20, 0)
    for _ in range(draw(st.integers(1, 60))):
        clock += timedelta(
            seconds=draw(st.sampled_from([0, 60, 299, 300, 1500, 1799, 1800, 3599, 3600]))
        )
        person, endpoint = draw(
            st.sampled_from([("p", "p1"), ("p", "p2"), ("q", "q1"), ("r", "r1")])
        )
        more = {
            "endpoint_id": endpoint,
            "platform": draw(st.sampled_from(["web", "web", "app"])),
            "is_interactive": draw(st.sampled_from([True, True, True, False])),
        }
        events.append((person, "any", clock, more))
    return events


FEW = hypothesis_settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(events=visits())
def test_sessions_of_every_profile_are_those_counted_event_by_event(connection, sql, events):
    found = sensitivity(connection, sql, events, SEED + MORE_PROFILES)
    rows = [as_row(number, event) for number, event in enumerate(events)]
    for profile in SESSION_PROFILES:
        expected = plain_session_count(rows, profile)
        of_profile = [
            value for (metric, name, _), value in found.items()
            if (metric, name) == ("sessions", profile["profile"])
        ]  # fmt: skip
        assert sum(of_profile) == expected, profile["profile"]


def test_a_session_longer_than_its_cap_is_cut_at_multiples_of_it(connection, sql):
    start = datetime(2025, 5, 5, 6, 0)
    events = [("p", "any", start + timedelta(minutes=25 * step)) for step in range(120)]  # 50 hours
    found = sensitivity(connection, sql, events, SEED)
    counts = {
        profile: found["sessions", profile, date(2025, 5, 1)]
        for profile in ("own", "ga4", "mixpanel")
    }
    assert counts == {"own": 3, "ga4": 1, "mixpanel": 3}


# ---------------------------------------------------------------- every number of every profile


def month_of(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def plain_number(rows: list[dict], row: dict, month: date) -> float | None:
    """What a profile's row of the seed makes of one month, person by person."""
    own = next(r for r in SEED if (r["profile"], r["metric"]) == ("own", row["metric"]))
    chosen = {name: row[name] or own[name] for name in row}
    of_person = defaultdict(list)
    for event in sorted(rows, key=lambda event: (event["occurred_at"], event["event_id"])):
        of_person[event["person_id"]].append(event)
    last_day = next_month(month) - timedelta(days=1)

    def moments(events: list[dict], rule: str) -> list[datetime]:
        interactive = [event for event in events if event["is_interactive"]]
        if rule == "any_event":
            return [event["occurred_at"] for event in events]
        if rule == "interactive":
            return [event["occurred_at"] for event in interactive]
        return [
            event["occurred_at"]
            for place, event in enumerate(interactive)
            if place == 0 or event["event_name"] == "engaged"
        ]

    active = {
        person: {when.date() for when in moments(events, chosen["active_rule"])}
        for person, events in of_person.items()
    }
    if row["metric"] in ("active", "stickiness"):
        first_day = last_day - timedelta(days=int(chosen["active_days"]) - 1)
        in_month = [
            p for p, days in active.items() if any(first_day <= d <= last_day for d in days)
        ]
        if row["metric"] == "active":
            return len(in_month)
        return sum(last_day in active[p] for p in in_month) / len(in_month) if in_month else None
    if row["metric"] == "support":
        contacts = [e for e in rows if e["event_name"] == "support_contacted"]
        wrote = {e["person_id"] for e in contacts if month_of(e["occurred_at"].date()) == month}
        there = [p for p, days in active.items() if any(month_of(day) == month for day in days)]
        covered = contacts and min(month_of(e["occurred_at"].date()) for e in contacts) <= month
        return sum(p in wrote for p in there) / len(there) if there and covered else None
    if row["metric"] == "conversion":
        window, converted = int(chosen["window_days"]), []
        for events in of_person.values():
            first = next((e["occurred_at"] for e in events if e["is_interactive"]), None)
            if first is None or month_of(first.date()) != month:
                continue
            length = timedelta(days=window or 10_000)
            begins = first - length if chosen["funnel_order"] == "any" else first
            goals = [e["occurred_at"] for e in events if e["event_name"] == "signed_up"]
            converted.append(any(begins <= goal <= first + length for goal in goals))
        return sum(converted) / len(converted) if converted else None
    cohorts = defaultdict(list)
    for events in of_person.values():
        start = next((e["occurred_at"] for e in events if e["event_name"] == "signed_up"), None)
        if start is None or month_of(start.date()) != month:
            continue
        back = [when for when in moments(events, chosen["active_rule"]) if when >= start]
        if chosen["retention_mode"] == "rolling":
            weeks = {(when - start) // timedelta(days=7) for when in back}
        else:
            weeks = {(week_of(w.date()) - week_of(start.date())).days // 7 for w in back}
        is_back = (
            4 in weeks if chosen["retention_criterion"] == "on" else max(weeks, default=0) >= 4
        )
        cohorts[week_of(start.date())].append(is_back)
    if not cohorts:
        return None
    if chosen["cohort_average"] == "simple":
        return sum(sum(cohort) / len(cohort) for cohort in cohorts.values()) / len(cohorts)
    weight = len if chosen["cohort_average"] == "size_weighted" else lambda cohort: 1
    back = sum(sum(cohort) * weight(cohort) for cohort in cohorts.values())
    return back / sum(len(cohort) * weight(cohort) for cohort in cohorts.values())


@st.composite
def spring(draw) -> list[tuple]:
    """Three months of five people, with everything that a metric listens to."""
    hours = st.sampled_from([24 * day + hour for day in range(88) for hour in (0, 9, 23)])
    events = []
    for _ in range(draw(st.integers(1, 50))):
        name = draw(
            st.sampled_from(["visit", "visit", "engaged", "signed_up", "support_contacted"])
        )
        events.append((
            draw(st.sampled_from("pqrst")),
            name,
            datetime(2025, 2, 1) + timedelta(hours=draw(hours)),
            {"is_interactive": name != "support_contacted" and draw(st.booleans())},
        ))  # fmt: skip
    return events


# settings that no tool of the seed has
ODD_PROFILES = [
    a_profile("odd", "conversion", funnel_order="any", window_days="7"),
    a_profile("odder", "conversion", funnel_order="any", window_days="0"),
    a_profile("odd", "retention", cohort_average="simple"),
]


@FEW
@given(events=spring())
def test_every_number_of_every_profile_is_that_of_a_plain_count(connection, sql, events):
    found = sensitivity(connection, sql, events, SEED + ODD_PROFILES)
    rows = [as_row(number, event) for number, event in enumerate(events)]
    months = {month for _, _, month in found}
    others = [row for row in SEED + ODD_PROFILES if row["metric"] != "sessions"]
    for row, month in product(others, months):
        value = found[row["metric"], row["profile"], month]
        assert value == pytest.approx(plain_number(rows, row, month)), (
            row["profile"],
            row["metric"],
        )


@pytest.mark.parametrize("profile", ["own", "amplitude", "mixpanel", "posthog"])
def test_the_window_of_a_conversion_includes_its_last_second(connection, sql, profile):
    start = datetime(2025, 5, 5, 6, 0)
    ends = start + timedelta(days=int(setting(profile, "conversion", "window_days")))
    after = {"is_interactive": False}
    events = [(person, "visit", start) for person in ("in time", "too late")]
    events.append(("in time", "signed_up", ends, after))
    events.append(("too late", "signed_up", ends + timedelta(seconds=1), after))
    found = sensitivity(connection, sql, events, SEED)
    assert found["conversion", profile, date(2025, 5, 1)] == 0.5
    assert found["conversion", "ga4", date(2025, 5, 1)] == 1


def test_what_a_tool_leaves_empty_is_as_own_has_it_and_then_as_the_variables(connection, sql):
    start = datetime(2025, 5, 5, 6, 0)
    events = [("p", "any", start), ("p", "any", start + timedelta(minutes=20))]
    seed = [a_profile("own", "sessions", active_rule="interactive", session_unit="endpoint"),
            a_profile("silent", "sessions")]  # fmt: skip
    key = ("sessions", "silent", date(2025, 5, 1))
    assert sensitivity(connection, sql, events, seed)[key] == 1
    seed[0]["session_timeout_seconds"] = "600"
    assert sensitivity(connection, sql, events, seed)[key] == 2


# ---------------------------------------------------------------- the macros against plain Python


def fits(event: dict, step: str | list[str]) -> bool:
    return event["event_name"] in ([step] if isinstance(step, str) else step)


def furthest(events: list[dict], place: int, steps: list, start: datetime, order: str) -> int:
    """How many of the steps can follow the event at `place`: every choice is tried."""
    if not steps:
        return 0
    best = 0
    for other in range(place + 1, len(events)):
        if order == "strict" and other > place + 1:
            break
        near = WINDOW is None or events[other]["occurred_at"] - start <= WINDOW
        if near and fits(events[other], steps[0]):
            best = max(best, 1 + furthest(events, other, steps[1:], start, order))
    return best


WINDOW: timedelta | None = None  # of the case under way


def done_in_any_order(events: list[dict], place: int, steps: list) -> int:
    start = events[place]["occurred_at"]
    near = [e for e in events[place:] if WINDOW is None or e["occurred_at"] - start <= WINDOW]
    kinds = Counter(tuple([step] if isinstance(step, str) else step) for step in steps)
    return sum(min(n, sum(fits(e, list(kind)) for e in near)) for kind, n in kinds.items())


def plain_funnel(events: list[dict], steps: list, order: str, counting: str, unit: str) -> list:
    units = defaultdict(list)
    for event in events:
        if event["event_name"] != "hidden" and event[unit] is not None:
            units[event[unit]].append(event)
    counted = []
    for of_unit in units.values():
        of_unit.sort(key=lambda e: (e["occurred_at"], e["event_priority"], e["event_id"]))
        attempts = []
        for place, event in enumerate(of_unit):
            if order == "any":
                if any(fits(event, step) for step in steps):
                    attempts.append(done_in_any_order(of_unit, place, steps))
            elif fits(event, steps[0]):
                start = event["occurred_at"]
                attempts.append(1 + furthest(of_unit, place, steps[1:], start, order))
        if counting == "totals":
            counted += attempts
        elif attempts:
            counted.append(attempts[0] if counting == "unique_first" else max(attempts))
    return [sum(reach > step for reach in counted) for step in range(len(steps))]


@st.composite
def happenings(draw) -> list[tuple]:
    """Short lives of a few people, many of their events at the same moment."""
    events = []
    for person in "klmnopqrstuv"[: draw(st.integers(1, 12))]:
        for _ in range(draw(st.integers(0, 8))):
            more = {
                "event_priority": draw(st.sampled_from([10, 50, 50])),
                "session_id": draw(st.sampled_from([None, f"{person}1", f"{person}2"])),
                "is_interactive": draw(st.booleans()),
            }
            hours = draw(st.sampled_from([0, 0, 12, 24, 36, 48, 60, 24 * 8, 24 * 8]))
            when = datetime(2025, 3, 30) + timedelta(hours=hours)
            events.append((person, draw(st.sampled_from(["a", "b", "c", "hidden"])), when, more))
    return draw(st.permutations(events))


@FEW
@given(events=happenings())
def test_a_funnel_is_that_of_plain_python_which_tries_every_choice(connection, sql, events):
    global WINDOW
    rows = happen(connection, events)
    for steps, order, counting, window in FUNNEL_CASES:
        WINDOW = timedelta(days=window) if window else None
        found = reached(connection, sql["funnel", steps, order, counting, window])
        expected = plain_funnel(rows, STEPS[steps], order, counting, "person_id")
        assert found == expected, (STEPS[steps], order, counting, window)
        assert all(later <= earlier for earlier, later in pairwise(found))


@FEW
@given(events=happenings())
def test_a_funnel_of_sessions_leaves_out_what_is_in_none(connection, sql, events):
    global WINDOW
    WINDOW = None
    rows = happen(connection, [event for event in events if event[1] != "hidden"])
    for case in SESSION_CASES:
        expected = plain_funnel(rows, list(case), "ordered", "unique_first", "session_id")
        assert reached(connection, sql[("sessions", *case)]) == expected


def test_the_time_to_a_step_is_that_of_the_attempts_that_count(connection, sql):
    start = datetime(2025, 5, 1)
    days = {"p": 1, "q": 2, "r": 3}  # r comes too late
    events = [(person, "a", start) for person in days]
    events += [(person, "b", start + timedelta(days=day)) for person, day in days.items()]
    happen(connection, events)
    rows = connection.execute(
        f"select seconds_from_start_p50 from ({sql['funnel', 0, 'ordered', 'unique_first', 2]})"
    ).fetchall()
    assert rows == [(0,), (median([86400, 2 * 86400]),), (None,)]


@pytest.mark.parametrize("order", ["ordered", "strict"])
def test_a_funnel_tries_no_pairs_of_events(connection, sql, order):
    """A million events took more than two minutes so, and take a second by hash."""
    happen(connection, in_order("a", "b", "c"))
    query = sql["funnel", 0, order, "totals", WINDOW_DAYS]
    plan = connection.execute(f"explain (format json) {query}").fetchall()[0][1]
    assert "HASH_JOIN" in plan
    assert "NL_JOIN" not in plan and "NESTED_LOOP" not in plan


def period_of(start: datetime, when: datetime, unit: str, mode: str) -> int:
    if mode == "rolling":
        return (when - start) // timedelta(days={"day": 1, "week": 7, "month": 30}[unit])
    if unit == "month":
        return (when.year - start.year) * 12 + when.month - start.month
    days = (cohort_day(when, unit) - cohort_day(start, unit)).days
    return days // {"day": 1, "week": 7}[unit]


def cohort_day(when: datetime, unit: str) -> date:
    day = when.date()
    return {"day": day, "week": week_of(day), "month": month_of(day)}[unit]


def plain_retention(events: list[dict], unit: str, mode: str, criterion: str, starts: str) -> dict:
    """(cohort, offset) -> retained and size."""
    begun: dict[tuple, datetime] = {}
    for event in sorted(events, key=lambda event: event["occurred_at"]):
        if event["event_name"] == "a":
            cohort = cohort_day(event["occurred_at"], unit) if starts == "every" else None
            begun.setdefault((event["person_id"], cohort), event["occurred_at"])
    found: dict[tuple, list[int]] = {}
    for (person, _), start in begun.items():
        periods = {
            period_of(start, event["occurred_at"], unit, mode)
            for event in events
            if event["person_id"] == person and event["event_name"] in "bc"
            and event["occurred_at"] >= start
        }  # fmt: skip
        for offset in range(5):
            is_back = {
                "on": offset in periods,
                "on_or_after": any(period >= offset for period in periods),
                "on_or_before": any(1 <= period <= offset for period in periods),
            }[criterion]
            cell = found.setdefault((cohort_day(start, unit), offset), [0, 0])
            cell[0] += is_back
            cell[1] += 1
    return {key: tuple(cell) for key, cell in found.items()}


@FEW
@given(events=happenings(), scale=st.sampled_from([1, 4, 12]))
def test_retention_is_that_of_plain_python(connection, sql, events, scale):
    begin = datetime(2025, 3, 30)
    events = [(who, what, begin + (when - begin) * scale, more) for who, what, when, more in events]
    rows = happen(connection, events)
    for case in RETENTION_CASES:
        found = connection.execute(
            f"""select cohort_start_date, period_offset, retention_numerator, retention_denominator
            from ({sql[("retention", *case)]}) where row_type = 'cohort'"""
        ).fetchall()
        expected = plain_retention(rows, *case)
        assert {(cohort, offset): (n, of) for cohort, offset, n, of in found} == expected, case


@FEW
@given(events=happenings())
def test_stickiness_is_that_of_plain_python(connection, sql, events):
    rows = happen(connection, events)
    days = defaultdict(set)
    for row in rows:
        if row["is_interactive"]:
            day = row["occurred_at"].date()
            days[week_of(day), row["person_id"]].add(day)
    for cumulative in (False, True):
        found = connection.execute(
            f"""select period_start_date, active_day_count, stickiness_numerator,
            stickiness_denominator from ({sql["stickiness", cumulative]})"""
        ).fetchall()
        expected = []
        for week, number in product({week for week, _ in days}, range(1, 8)):
            counts = [len(of_person) for (w, _), of_person in days.items() if w == week]
            fitting = [n for n in counts if n == number or (cumulative and n > number)]
            expected.append((week, number, len(fitting), len(counts)))
        assert sorted(found) == sorted(expected)


def test_periods_that_are_not_over_are_no_part_of_the_average(connection, sql):
    key = ("retentions", "mixpanel: the average of two cohorts")
    example = RETENTIONS[key[1]]
    happen(connection, example.events, example.as_of)
    rows = connection.execute(
        f"""select cohort_start_date, retention_numerator, is_mature from ({sql[key]})
        where period_offset = 1 and row_type = 'cohort' order by 1"""
    ).fetchall()
    assert rows == [
        (date(2025, 3, 1), 500, True), (date(2025, 3, 2), 400, True), (date(2025, 3, 3), 10, False),
    ]  # fmt: skip


# ---------------------------------------------------------------- wrong arguments

WRONG = {
    call("funnel", ["a", "b"], 7, order="orderd"): "`order` is `orderd`; allowed are ordered,",
    call("funnel", ["a", "b"], 7, counting="unique"): "allowed are unique_first, unique_best,",
    call("funnel", ["a", "b"], 7, unit="account"): "allowed are person, session",
    call("funnel", ["a"], 7): "a list of at least two steps",
    call("funnel", "a", 7): "a list of at least two steps",
    call("funnel", ["a", []], 7): "`step 2` is `[]`. Write the name of an event",
    call("funnel", ["a", "b"], 0): "`window_days` is `0`. Write a number of days greater than 0",
    call("funnel", ["a", "b"], "7"): "Write a number of days greater than 0",
    call("funnel", ["a", "b"], 7, where=""): "Write a condition in SQL",
    call("funnel", ["a", ["a", "b"]], 7, order="any"): "one event must not fit two different steps",
    call("retention", "a", "b", "weeks"): "`unit` is `weeks`; allowed are day, week, month",
    call("retention", "a", "b", mode="24h"): "allowed are rolling, calendar",
    call("retention", "a", "b", criterion="after"): "allowed are on, on_or_after, on_or_before",
    call("retention", "a", "b", max_offset=1.5): "Write a whole number from 0 to 1000",
    call("retention", "", "b"): "`start_event` is ``. Write the name of an event",
    call("stickiness", "a", "day"): "allowed are week, month",
    call("stickiness", ["a", "any_core"]): "Write the name of an event",
}


def test_a_wrong_argument_stops_with_what_is_allowed(bench, capsys):
    for question, message in WRONG.items():
        with pytest.raises(AssertionError):
            bench.rendered(question)
        assert message in " ".join(capsys.readouterr().out.split()), question
