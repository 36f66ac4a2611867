"""The oracle of friction and channels by itself: cases with an answer worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import oracle
import pytest
from oracle.channels import channel_visits
from oracle.friction import friction_signals

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
        (["/a", "/b", "/a", "/c", "/a", "/b", "/a"], ["004"]),
        (["/a", "/b", "/a", "/a", "/b"], []),
        (["/a", None, "/a", "/b", "/a"], []),
        (["/a", "/b", "/a", "/b", "/a", "/b"], ["004", "005"]),
    ],
)
def test_a_loop_is_the_third_visit_of_a_page_once_in_a_session(paths, loop):
    events = visit(*((60 * number, VIEW, path) for number, path in enumerate(paths)))
    assert [event_id for _, event_id, _ in told(events, "page_loop")] == loop


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
