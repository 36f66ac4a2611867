"""The oracles of friction, channels, stays and drivers: answers worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import oracle
import pandas as pd
import pytest
from kpi_oracle import TABLES, Facts
from oracle.channels import channel_visits
from oracle.friction import friction_signals
from scipy import stats

NOW = datetime(2024, 5, 1, 12)
SETTINGS = oracle.Settings(datetime(2024, 6, 1))
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
SEED = [
    {
        **dict.fromkeys(("property", "property_value", "resolved_by"), ""),
        "signal": signal,
        "kind": kind,
        "event_name": name,
        **more,
    }
    for signal, kind, name, more in (
        ("stuck", "event", "error_shown", {}),
        ("stuck", "event", "error_shown", {"property": "code", "property_value": "E42"}),
        ("given_up", "unfinished", "form_started", {"resolved_by": "form_sent"}),
        ("rage", "repeated", "clicked", {}),
        ("rage", "repeated", "clicked", {"property": "at", "property_value": "button"}),
    )
]


def visit(*steps: tuple, session: str | None = "visit") -> list[dict]:
    """Events of one session: seconds after the start, name, page, and what else is to be said."""
    return [
        {
            "event_id": f"{number:03}",
            "event_name": name,
            "event_type": "page" if name == "page_viewed" else "track",
            "event_priority": 50,
            "session_id": session,
            "person_id": "somebody",
            "occurred_at": NOW + seconds * SECOND,
            "page_path": page,
            **dict(more),
        }
        for number, (seconds, name, page, *more) in enumerate(steps)
    ]


def told(events: list[dict], *signals: str) -> list[tuple]:
    taxonomy = oracle.Taxonomy(friction_events=SEED)
    rows = friction_signals(events, [], taxonomy, SETTINGS)
    assert len({row["friction_signal_id"] for row in rows}) == len(rows)
    return sorted(
        (row["signal"], row["event_id"], row["page_path"])
        for row in rows
        if row["signal"] in signals
    )


VIEW = "page_viewed"


def test_an_event_that_fits_two_rows_of_a_signal_gives_it_once():
    events = visit((0, "error_shown", "/a", ("properties", '{"code": "E42"}')))
    assert told(events, "stuck") == [("stuck", "000", "/a")]


def test_what_has_no_page_is_about_the_page_viewed_last_before_it():
    events = visit(
        (0, "error_shown", None), (1, VIEW, "/a"), (2, VIEW, None), (3, "error_shown", None)
    )
    assert told(events, "stuck") == [("stuck", "000", None), ("stuck", "003", "/a")]


def test_what_was_started_is_given_up_unless_it_is_finished_later_in_the_session():
    events = visit((0, "form_started", "/a"), (1, "form_sent", "/a"), (1, "form_started", "/b"))
    assert told(events, "given_up") == [("given_up", "002", "/b")]
    assert told(visit((0, "form_started", "/a"), session=None), "given_up") == []


def test_the_third_within_a_minute_and_each_after_it_is_repeated():
    events = visit(*((seconds, "clicked", "/a") for seconds in (0, 30, 60, 61, 121, 200, 201)))
    assert told(events, "rage") == [("rage", "002", "/a"), ("rage", "003", "/a")]


def test_repetitions_are_counted_per_row_of_the_seed():
    button, other = ("properties", '{"at": "button"}'), ("properties", '{"at": "text"}')
    of_button = [row for row in SEED if row["property"] == "at"]
    events = visit((0, "clicked", "/a", button), (1, "clicked", "/a", other))
    events += visit((2, "clicked", "/a", button), (3, "clicked", "/a", button))
    for number, event in enumerate(events):
        event["event_id"] = f"{number:03}"
    rows = friction_signals(events, [], oracle.Taxonomy(friction_events=of_button), SETTINGS)
    assert [row["event_id"] for row in rows] == ["003"]


@pytest.mark.parametrize(
    "paths, loop",
    [
        (["/a", "/b", "/a", "/c", "/a", "/b", "/a"], [("004", "/a")]),
        (["/a", "/b", "/a", "/a", "/b"], []),
        (["/a", None, "/a", "/b", "/a"], []),
        (["/a", "/b", "/a", "/b", "/a", "/b"], [("004", "/a"), ("005", "/b")]),
    ],
)
def test_a_loop_is_the_third_visit_of_a_page_once_in_a_session(paths, loop):
    events = visit(*((60 * number, VIEW, path) for number, path in enumerate(paths)))
    assert told(events, "page_loop") == [("page_loop", *place) for place in loop]


def test_a_quick_return_is_there_and_back_in_less_than_ten_seconds():
    seen = ((0, "/a"), (5, "/b"), (14, "/b"), (14.9, "/a"), (24.9, "/b"), (24.9, "/a"))
    events = visit(*((seconds, VIEW, path) for seconds, path in seen))
    assert told(events, "quick_back") == [("quick_back", "003", "/b"), ("quick_back", "005", "/b")]


def test_what_is_told_of_a_session_and_what_came_later_in_it():
    events = visit((0, "error_shown", "/a"), (1, "error_shown", "/a"))
    events[1]["occurred_at"] = SETTINGS.as_of + SECOND  # after the clock: not there
    [row] = friction_signals(events, [], oracle.Taxonomy(friction_events=SEED), SETTINGS)
    assert row == {
        "friction_signal_id": oracle.md5("stuck|000"),
        "signal": "stuck",
        "person_id": "somebody",
        "session_id": "visit",
        "event_id": "000",
        "page_path": "/a",
        "occurred_at": NOW,
        "occurred_date": NOW.date(),
        "has_later_event": False,
    }


def test_a_complaint_is_a_signal_of_no_page():
    contact = {"contact_key": "c", "person_id": "somebody", "opened_at": NOW}
    contacts = [{**contact, "is_complaint": True}, {**contact, "is_complaint": False}]
    [row] = friction_signals([], contacts, oracle.Taxonomy(), SETTINGS)
    assert row["friction_signal_id"] == oracle.md5("complaint|c")
    assert [row[name] for name in ("session_id", "event_id", "page_path")] == [None] * 3
    assert (row["occurred_at"], row["has_later_event"]) == (NOW, None)


# ---------------------------------------------------------------- channels

TOUCHPOINTS = [
    {"touchpoint_type": kind, "direction": "inbound", "is_assisted": is_assisted}
    for kind, is_assisted in (("session", ""), ("support", "true"), ("call", "true"), ("blog", ""))
]


def contacts_of_a_person() -> tuple[list[dict], list[dict], list[dict]]:
    """Sessions, touchpoints and support contacts: what counts, and what is told elsewhere."""
    who = {"person_id": "somebody"}
    visits = [
        {**who, "session_id": "s1", "platform": "web", "started_at": NOW},
        {**who, "session_id": "s2", "platform": None, "started_at": NOW + 30 * DAY},
    ]
    touches = [
        {**who, "touchpoint_id": name, "touchpoint_type": kind, "occurred_at": at, **more}
        for name, kind, at, more in (
            ("t0", "session", NOW, {"direction": "inbound", "session_id": "s1"}),
            ("t1", "call", NOW, {"direction": "inbound", "session_id": None}),
            ("t2", "blog", NOW + DAY, {"direction": "inbound", "session_id": "s1"}),
            ("t3", "call", NOW + DAY, {"direction": "inbound", "session_id": "s1"}),
            ("t4", "message", NOW + DAY, {"direction": "outbound", "session_id": None}),
            ("t5", "support", NOW + DAY, {"direction": "inbound", "session_id": None}),
            ("t6", "blog", NOW + DAY, {"direction": "inbound", "session_id": None}),
        )
    ]
    support = [
        {**who, "contact_key": name, "contact_type": kind, "is_human": is_human, "opened_at": at}
        for name, kind, is_human, at in (
            ("c1", "phone", True, NOW),
            ("c2", "article", False, NOW),
            ("c3", "chatbot", False, NOW + 30 * DAY + 11 * HOUR),
            ("c4", "phone", True, SETTINGS.as_of + SECOND),
        )
    ]
    return visits, touches, support


def test_contacts_stand_in_order_and_a_switch_is_another_channel_within_thirty_days():
    taxonomy = oracle.Taxonomy(touchpoint_types=TOUCHPOINTS)
    rows = channel_visits(*contacts_of_a_person(), taxonomy, SETTINGS)
    shown = ("kind", "channel", "is_assisted", "visit_number", "previous_channel", "is_switch")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("session", "web", False, 1, None, False),
        ("touch", "call", True, 2, "web", True),
        ("support", "phone", True, 3, "call", True),
        ("touch", "call", True, 4, "phone", True),
        ("touch", "blog", False, 5, "call", True),
        ("session", "(unknown)", False, 6, "blog", True),
        ("support", "chatbot", False, 7, "(unknown)", True),
    ]
    assert [row["seconds_since_previous"] for row in rows[:4]] == [None, 0, 0, 86_400]
    assert [row["next_contact_at"] for row in rows[-2:]] == [NOW + 30 * DAY + 11 * HOUR, None]


@pytest.mark.parametrize("gap, is_switch", [(30 * DAY, True), (30 * DAY + INSTANT, False)])
def test_after_more_than_thirty_days_a_contact_is_no_switch(gap, is_switch):
    visits = [
        {"session_id": name, "person_id": "p", "platform": name, "started_at": SETTINGS.as_of - ago}
        for name, ago in (("web", gap), ("ios", timedelta(0)))
    ]
    *_, row = channel_visits(visits, [], [], oracle.Taxonomy(), SETTINGS)
    assert (row["previous_channel"], row["is_switch"]) == ("web", is_switch)


# ---------------------------------------------------------------- the numbers

MONDAY = datetime(2024, 5, 6)
EVERYBODY = {"segment_type": "all", "segment_value": "all"}


def made(name: str, **tables: list[dict]) -> list[dict]:
    """The rows of a KPI table, from facts that are spelled out."""
    tables["dim_as_of"] = [{"as_of_at": SETTINGS.as_of}]
    people = {row["person_id"] for rows in tables.values() for row in rows if "person_id" in row}
    tables["bridge_person_segments"] = [{"person_id": one, **EVERYBODY} for one in people]
    facts = Facts(lambda table: pd.DataFrame(tables[table]), "UTC")
    return TABLES[name].make(facts).to_dict("records")


def test_a_page_with_friction_is_held_against_its_visits_without():
    """Six visits saw the page, three had the error there, and two of these ended there."""
    visits = {
        "s1": ("/a", "/a", True),
        "s2": ("/a", "/b", True),
        "s3": ("/a", "/a", False),
        "s4": ("/a", None, False),
        "s5": ("/b", "/b", False),
        "s6": (None, "/a", True),  # the error says where it was, the page was never viewed
        "s7": (None, "/b", None),  # another signal does
    }
    who = {"occurred_at": MONDAY, "occurred_date": MONDAY + 7 * DAY}
    rows = made(
        "kpi_friction",
        fct_sessions=[
            {"session_id": name, "started_date": MONDAY, "exit_page_path": left}
            for name, (_, left, _) in visits.items()
        ],
        fct_events=[
            {"session_id": name, "page_path": path, "event_type": kind, **who}
            for name, (path, *_) in visits.items()
            for kind in ("page", "screen", "track")
        ],
        fct_friction_signals=[
            {"session_id": name, "page_path": "/a", "signal": signal, "person_id": "p", **who}
            for name, (*_, is_struck) in visits.items()
            for signal in (("other",) if is_struck is None else ("error",) * (2 * is_struck))
        ]
        + [
            {"session_id": name, "page_path": None, "signal": "error", "person_id": "q", **who}
            for name in (None, "s1")  # what is on no page counts in its own week
        ],
    )
    by_grain = {(row["page_path"], row["signal"]): row for row in rows}
    assert len(rows) == len(by_grain) == 3
    nowhere, on_page = by_grain["(none)", "error"], by_grain["/a", "error"]
    assert on_page["week_start_date"] == MONDAY  # of the visits, not of the errors
    assert (on_page["signal_count"], on_page["person_count"]) == (6, 1)
    parts = ("friction", "drop", "drop_without")
    fractions = [(on_page[f"{n}_numerator"], on_page[f"{n}_denominator"]) for n in parts]
    assert fractions == [(3, 6), (2, 3), (1, 3)]
    assert (nowhere["signal_count"], nowhere["friction_denominator"]) == (2, 0)
    assert nowhere["week_start_date"] == MONDAY + 7 * DAY
    assert pd.isna(nowhere["friction_rate"])


def test_who_goes_on_and_who_is_lost_after_a_switch():
    """From the web to the phone three times: once lost, once in time, once too young to tell."""
    as_of = SETTINGS.as_of
    journeys = {
        "lost": (as_of - 40 * DAY, as_of - 40 * DAY + 30 * DAY + INSTANT),
        "goes on": (as_of - 40 * DAY, as_of - 10 * DAY),
        "young": (as_of - 6 * DAY, as_of - 5 * DAY),
    }
    taxonomy = oracle.Taxonomy()
    visits, support = [], []
    for who, (called_at, back_at) in journeys.items():
        came_at = called_at - timedelta(hours=len(who))
        for at in (came_at, back_at):
            visits.append({"person_id": who, "session_id": f"{who} {at}", "platform": "web"})
            visits[-1]["started_at"] = at
        call = {"person_id": who, "contact_key": who, "opened_at": called_at}
        support.append({**call, "contact_type": "phone", "is_human": True})
    bought = [{"person_id": "goes on", "occurred_at": as_of - 33 * DAY}]
    rows = made(
        "kpi_channel_switches",
        fct_channel_visits=pd.DataFrame(channel_visits(visits, [], support, taxonomy, SETTINGS))
        .assign(occurred_date=pd.Timestamp(MONDAY))
        .to_dict("records"),
        fct_conversions=bought,
    )
    to_phone, back = sorted(rows, key=lambda row: row["to_channel"])
    assert (to_phone["is_switch"], to_phone["is_digital_to_assisted"]) == (True, True)
    assert (back["is_switch"], back["is_digital_to_assisted"]) == (True, False)
    assert back["contact_count"] == 2  # one came back too late
    assert (back["drop_off_numerator"], back["drop_off_denominator"]) == (0, 0)  # too young
    names = ("drop_off", "converted_7d")
    assert [(to_phone[f"{n}_numerator"], to_phone[f"{n}_denominator"]) for n in names] == [
        (1, 2),
        (1, 2),
    ]
    assert (to_phone["gap_seconds_p50"], to_phone["contact_count"]) == (5 * 3600, 3)


def test_stays_that_last_on_count_in_the_median_and_the_longest_of_them_are_stuck():
    as_of = SETTINGS.as_of
    lasted = {"advanced": (1, 2), "churned": (3,), "dormant": (6,), None: (2, 7)}
    [row] = made(
        "kpi_stage_durations",
        fct_stage_periods=[
            {
                "person_id": f"{reason} {days}",
                "stage": "activation",
                "stage_number": 2,
                "started_at": (as_of if reason is None else as_of - 10 * DAY) - days * DAY,
                "duration_seconds": None if reason is None else days * 86_400,
                "exit_reason": reason,
                "is_open": reason is None,
            }
            for reason, each in lasted.items()
            for days in each
        ],
    )
    counts = ("stay", "person", "advanced", "churned", "dormant", "open", "stuck")
    assert [row[f"{name}_count"] for name in counts] == [6, 6, 2, 1, 1, 2, 1]
    # 5/6 after one day, 4/6 after two, where one more is only watched so long; then 4/6 * 2/3
    assert row["survival_median_seconds"] == 3 * 86_400
    assert row["duration_seconds_p50"] == 2.5 * 86_400
    assert row["is_mature"] is False


def test_what_was_done_before_the_outcome_is_held_against_who_reached_it():
    """Of 20 people 8 reported early, 6 of them bought, 1 of the others did; one bought before."""
    start, names = MONDAY - 5 * DAY, [f"p{number:02}" for number in range(20)]
    signed_up = {name: start for name in [*names, "before", "too young"]}
    signed_up["too young"] = SETTINGS.as_of - 30 * DAY + INSTANT
    bought = {name: start + 30 * DAY for name in names[:6]} | {"p19": start + INSTANT}
    bought |= {"p07": start + 30 * DAY + INSTANT, "before": start}
    done = [(name, "reported", start + 7 * DAY) for name in (*names[:8], "before", "too young")]
    done += [(name, "viewed", start + 7 * DAY) for name in names]
    done += [(name, "late", start + 7 * DAY + INSTANT) for name in names]
    done += [("p19", "reported", start + INSTANT)]  # in the moment of the outcome: not before it
    rows = made(
        "kpi_behaviour_drivers",
        dim_persons=[
            {"person_id": name, "signed_up_at": at, "habit_formed_at": pd.NaT}
            for name, at in signed_up.items()
        ],
        goals=[
            {"goal": "signup", "event_name": "signed_up"},
            {"goal": "signup", "event_name": "bought"},
            {"goal": "purchase", "event_name": "bought"},
        ],
        fct_conversions=[
            {"person_id": name, "goal": goal, "occurred_at": at}
            for name, at in bought.items()
            for goal in ("purchase", "signup")
        ],
        fct_events=[
            {"person_id": name, "event_name": what, "occurred_at": at, "is_interactive": True}
            for name, what, at in done
        ],
        fct_person_days=[
            {"person_id": "p00", "active_date": start + 20 * DAY, "first_event_at": start}
        ],
    )
    assert {row["outcome"] for row in rows} == {"purchase", "habit_formed", "active_week_4"}
    [row] = [r for r in rows if (r["outcome"], r["behaviour"]) == ("purchase", "reported")]
    cells = ("true_positive", "false_positive", "false_negative", "true_negative")
    assert [row[f"{cell}_count"] for cell in cells] == [6, 2, 1, 11]
    assert row["phi"] == pytest.approx((6 * 11 - 2 * 1) / (8 * 12 * 7 * 13) ** 0.5)
    assert row["lift_ratio"] == pytest.approx((6 / 8) / (7 / 20))
    assert row["p_value"] == pytest.approx(stats.chi2.sf(20 * row["phi"] ** 2, 1))
    assert row["adjusted_p_value"] == pytest.approx(2 * row["p_value"])  # viewing is the other
    assert row["is_aha_candidate"] and row["is_make_or_break"]
