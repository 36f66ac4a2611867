"""The oracle of attribution and of paths, held against cases worked out by hand."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from oracle import Settings, attribution, paths
from oracle.words import local_date

NOON = datetime(2024, 3, 1, 12)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
SETTINGS = Settings(NOON + 300 * DAY)


def conversion(at=NOON, number=1, person="ann", goal="lead", session=None, amount=None):
    return {
        "conversion_id": f"{goal}-{number}",
        "goal": goal,
        "person_id": person,
        "session_id": session,
        "occurred_at": at,
        "occurred_date": local_date(at, SETTINGS),
        "amount": amount,
    }


def touchpoints(*touches, person="ann", kind="session", direction="inbound"):
    """(channel, moment), in this order; of another type than a visit: (type, moment)."""
    return [
        {
            "touchpoint_id": f"{person}-{kind}-{number}",
            "person_id": person,
            "touchpoint_type": "session" if kind == "session" else channel,
            "direction": direction,
            "channel_group": channel if kind == "session" else "Unassigned",
            "source": "here",
            "medium": "there",
            "campaign": None,
            "occurred_at": at,
            "touch_number": number,
        }
        for number, (channel, at) in enumerate(touches, 1)
    ]


def credited(seen, rule, settings=SETTINGS, at=NOON, amount=Decimal(10)):
    """channel -> credit, of one conversion; of several touches of a channel a list."""
    bought, visits = [conversion(at, amount=amount)], touchpoints(*seen)
    touched = attribution.touches(bought, visits, settings)
    taken = attribution.roads("lead", touched, attribution.visits_of(visits, settings))
    effects = attribution.removal_effects(taken, sorted({channel for channel, _ in seen}))
    weighed = [
        {"goal": "lead", "channel_group": channel, "removal_effect": effect}
        for channel, effect in effects.items()
    ]
    rows = attribution.credits(bought, touched, weighed, settings)
    return [
        (row["channel_group"], pytest.approx(row["credit"])) for row in rows if row["rule"] == rule
    ]


# ---------------------------------------------------------------- attribution


@pytest.mark.parametrize(
    ("age", "is_seen"),
    [
        (30 * DAY, True),
        (30 * DAY + INSTANT, False),
        (timedelta(0), True),
        (-INSTANT, False),
    ],
)
def test_a_visit_is_touched_from_the_lookback_to_the_conversion(age, is_seen):
    visits = touchpoints(("Email", NOON - age))
    assert len(attribution.touches([conversion()], visits, SETTINGS)) == is_seen


def test_direct_visits_count_only_when_alone_if_so_asked():
    settings = Settings(SETTINGS.as_of, attribution_direct="when_alone")
    mixed = touchpoints(("Direct", NOON - 2 * DAY), ("Email", NOON - DAY), ("Direct", NOON))
    alone = touchpoints(("Direct", NOON - 2 * DAY), person="ben")
    bought = [conversion(), conversion(number=2, person="ben")]
    touched = attribution.touches(bought, mixed + alone, settings)
    names = ("person_id", "channel_group", "touch_number", "touch_count")
    assert [tuple(row[name] for name in names) for row in touched] == [
        ("ann", "Email", 1, 1),
        ("ben", "Direct", 1, 1),
    ]
    assert len(attribution.touches(bought, mixed + alone, SETTINGS)) == 4


def test_time_decays_by_whole_seconds_of_age():
    seen = [("Email", NOON - 7 * DAY - INSTANT), ("Display", NOON)]
    assert credited(seen, "time_decay") == [("Email", 1 / 3), ("Display", 2 / 3)]


def test_participation_is_the_first_touch_of_each_channel():
    seen = [("Email", NOON - 3 * DAY), ("Email", NOON - 2 * DAY), ("Display", NOON - DAY)]
    assert credited(seen, "participation") == [("Email", 1), ("Display", 1)]


def test_what_a_channel_is_owed_is_shared_by_its_touches():
    seen = [("Email", NOON - 3 * DAY), ("Display", NOON - 2 * DAY), ("Email", NOON - DAY)]
    wanted = [("Email", 0.25), ("Display", 0.5), ("Email", 0.25)]
    assert credited(seen, "shapley") == wanted
    # without Email nobody arrives; without Display half do, who go on from Email at once
    assert credited(seen, "markov") == [
        ("Email", 1 / 3),
        ("Display", 1 / 3),
        ("Email", 1 / 3),
    ]


def test_visits_that_led_to_nothing_are_one_road_of_their_person():
    seen = touchpoints(("Email", NOON - 40 * DAY), ("Display", NOON - DAY), ("Email", NOON + DAY))
    touched = attribution.touches([conversion()], seen, SETTINGS)
    taken = attribution.roads("lead", touched, attribution.visits_of(seen, SETTINGS))
    assert taken == [(["Display"], "(conversion)"), (["Email", "Email"], "(null)")]
    assert attribution.removal_effects(taken, ["Display", "Email"]) == {"Display": 1, "Email": 0}


def test_a_conversion_without_visits_is_unattributed_by_every_rule():
    rows = attribution.credits([conversion(amount=Decimal(7))], [], [], SETTINGS)
    assert [row["rule"] for row in rows] == list(attribution.RULES)
    assert {row["channel_group"] for row in rows} == {"(unattributed)"}
    assert {(row["credit"], row["credited_amount"], row["touch_count"]) for row in rows} == {
        (1, 7, 0)
    }


# ---------------------------------------------------------------- paths


def view(path, at, **more):
    shown = {"event_type": "page", "event_name": "page_viewed", "page_path": path}
    whose = {"person_id": "ann", "session_id": "s", "event_id": f"{at}{path}"}
    return {
        **shown,
        **whose,
        "event_priority": 1,
        "is_interactive": True,
        "occurred_at": at,
        **more,
    }


def visit(begin, end, person="ann"):
    return {"session_id": "s", "person_id": person, "started_at": begin, "ended_at": end}


def measured(roads, friction=(), revenue=(), contacts=(), answers=(), moved=()):
    [row] = paths.paths(roads, friction, revenue, contacts, answers, moved, SETTINGS)
    return row


def test_a_session_goes_from_page_to_page_and_event_to_event():
    events = [
        view("/", NOON),
        view("/", NOON + HOUR),
        view(None, NOON + 2 * HOUR, event_type="screen"),
        view("/no matter", NOON + 3 * HOUR, event_type="track", event_name="signed_up"),
        view("/sent by a server", NOON + 3 * HOUR, is_interactive=False),
        view("/", NOON + 4 * HOUR),
    ]
    roads = list(paths.in_sessions([visit(NOON, NOON + 4 * HOUR)], events, [], SETTINGS))
    row = measured(roads)
    assert row["variant"] == "/ > (no path) > signed_up > /"
    assert (row["raw_step_count"], row["step_count"], row["end_node"]) == (5, 4, "(end)")
    assert not row["is_converted"]
    steps = paths.path_steps(roads, SETTINGS)
    assert [(step["step_number"], step["collapsed_number"]) for step in steps] == [
        *((1, 1), (2, None), (3, 2), (4, 3), (5, 4))
    ]
    assert [step["is_repeat"] for step in steps] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("bought", "is_converted"),
    [
        (conversion(NOON), True),
        (conversion(NOON + HOUR), True),
        (conversion(NOON + HOUR + INSTANT), False),
        (conversion(NOON + DAY, session="s", person="ben"), True),
        (conversion(NOON, person="ben"), False),
    ],
)
def test_a_session_converts_by_its_own_conversion_or_one_of_its_time(bought, is_converted):
    roads = list(paths.in_sessions([visit(NOON, NOON + HOUR)], [], [bought], SETTINGS))
    assert roads[0].is_converted == is_converted
    assert measured(roads)["variant"] == "(nothing)"


def test_of_a_long_road_twenty_nodes_are_shown():
    road = paths.Road("session", "all", "s", "ann", NOON, NOON, "(end)", False)
    road.nodes = [(str(number), NOON) for number in range(20)]
    assert measured([road])["variant"].endswith(" > 18 > 19")
    road.nodes.append(("20", NOON))
    assert measured([road])["variant"].endswith(" > 18 > 19 > …")
    assert measured([road])["step_count"] == 21


def test_an_entry_is_the_inbound_touches_of_thirty_days():
    visits = touchpoints(("Email", NOON), ("Direct", NOON + 30 * DAY), ("Email", NOON + 31 * DAY))
    [road] = paths.of_entries(visits, [conversion(NOON + 30 * DAY)], SETTINGS)
    assert (road.scope_value, road.ended_at, road.is_converted) == ("Email", NOON + 30 * DAY, True)
    assert [node for node, _ in road.nodes] == ["Email", "Direct"]
    out = touchpoints(("message", NOON - DAY), kind="event", direction="outbound")
    called = touchpoints(("call", NOON - HOUR), kind="event")
    [road] = paths.of_entries([*out, *called], [conversion(NOON - HOUR - INSTANT)], SETTINGS)
    assert (road.scope_value, road.is_converted) == ("call", False)


def test_a_journeys_path_ends_as_the_journey_does():
    taken = {
        "participation_id": "p",
        "journey": "onboarding",
        "person_id": "ann",
        "entered_at": NOON,
        "exited_at": None,
        "exit_type": None,
        "is_goal_met": None,
    }
    steps = [
        {"participation_id": "p", "visit_number": 2, "step": "b", "entered_at": NOON + HOUR},
        {"participation_id": "p", "visit_number": 1, "step": "a", "entered_at": NOON},
    ]
    [road] = paths.in_journeys([taken], steps, SETTINGS)
    assert (road.end_node, road.ended_at) == ("(active)", SETTINGS.as_of)
    assert [node for node, _ in road.nodes] == ["a", "b"]
    for is_met, exit_type, is_converted in (
        (None, "completed", True),
        (None, "timed_out", False),
        (False, "completed", False),
        (True, "timed_out", True),
    ):
        over = {**taken, "exited_at": NOON, "exit_type": exit_type, "is_goal_met": is_met}
        [road] = paths.in_journeys([over], steps, SETTINGS)
        assert (road.end_node, road.is_converted) == (exit_type, is_converted)


def test_a_conversions_path_begins_with_its_first_touch_or_with_itself():
    visits = touchpoints(("Email", NOON - DAY), ("Display", NOON - HOUR))
    bought = [conversion(), conversion(number=2, person="ben")]
    touched = attribution.touches(bought, visits, SETTINGS)
    one, other = paths.to_conversions(bought, touched, SETTINGS)
    assert (one.started_at, one.ended_at, one.end_node) == (NOON - DAY, NOON, "(conversion)")
    assert [node for node, _ in one.nodes] == ["Email", "Display"]
    assert (other.started_at, other.nodes) == (NOON, [])


def test_what_came_of_a_path_is_what_happened_in_time():
    road = paths.Road("session", "all", "s", "ann", NOON, NOON + HOUR, "(end)", False)

    def happened(at, name="occurred_at", **more):
        return {"person_id": "ann", name: at, **more}

    def opened(at, cost):
        return happened(at, "opened_at", cost_amount=cost)

    def answered(at, group, response="r", kind="nps", score=1):
        named = {"response_key": response, "survey_type": kind, "score_group": group}
        return happened(at, "responded_at", score=score, **named)

    month, quarter = NOON + 30 * DAY, NOON + 90 * DAY
    row = measured(
        [road],
        friction=[happened(NOON), happened(NOON + HOUR), happened(NOON + HOUR + INSTANT)],
        revenue=[
            happened(NOON - INSTANT, amount=Decimal(1)),
            happened(month, amount=Decimal(2)),
            happened(month, amount=None),
            happened(month + INSTANT, amount=Decimal(4)),
            {**happened(month, amount=Decimal(8)), "person_id": "ben"},
        ],
        contacts=[opened(month, None), opened(month + INSTANT, Decimal(3))],
        answers=[
            answered(quarter, "passive", "b"),
            answered(quarter, "promoter", "a"),
            answered(NOON, "satisfied", kind="csat"),
            answered(NOON - INSTANT, "detractor"),
            answered(None, None, score=None),
        ],
        moved=[happened(quarter, movement="churn")],
    )
    assert row["friction_count"] == 2
    assert row["revenue_amount"] == 2
    assert (row["support_contact_count"], row["support_cost_amount"]) == (1, None)
    assert row["nps_score_group"] == "promoter"
    assert row["has_churned"]
    stayed = measured([road], moved=[happened(quarter + INSTANT, movement="churn")])
    assert not stayed["has_churned"]
    assert (stayed["revenue_amount"], stayed["nps_score_group"]) == (None, None)
