"""The oracle of declared journeys by itself: stories with ends worked out by hand, and a walk."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import kpi_oracle
import oracle
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import participations
from oracle.words import key, md5

NOW = datetime(2024, 5, 1, 12)
AS_OF = datetime(2024, 6, 1)
HOUR, DAY, INSTANT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
SETTINGS = oracle.Settings(AS_OF)

VERSION = "valid_from valid_to timeout_days reentry_pause_days reentry_cap goal_window_days"
VERSION += " holdout_share required_endpoint"
RULE = "event_name property property_value stage milestone from_step to_step"


def version(number: int = 1, reentry: str = "always", **columns) -> dict:
    given = {"journey": "road", "version": str(number), "reentry": reentry, **columns}
    return {**dict.fromkeys(VERSION.split(), ""), **given}


def rule(number: int, kind: str, event: str = "", name: str = "", of: int = 1, **columns) -> dict:
    """A rule, by the event that it is about if it is about one."""
    given = {"journey": "road", "version": str(of), "rule_number": str(number), "rule": kind}
    trigger = "event" if event else ""
    given |= {"name": name or event, "event_name": event, "trigger": trigger, **columns}
    return {**dict.fromkeys(RULE.split(), ""), **given}


def step(number: int, event: str, required: bool = True, expected: str = "", of: int = 1) -> dict:
    given = {"journey": "road", "version": str(of), "step": event, "step_number": str(number)}
    given |= {"event_name": event, "property": "", "property_value": ""}
    return {**given, "is_required": str(required).lower(), "expected_days": expected}


def events(*told: tuple) -> list[dict]:
    """What ann did: after how many hours, what, and what else is to be said of it."""
    return [
        {
            "event_id": f"e{number}",
            "person_id": "ann",
            "event_name": name,
            "event_priority": 50,
            "session_id": None,
            "is_interactive": True,
            "platform": "web",
            "touchpoint_type": None,
            "occurred_at": NOW + hours * HOUR,
            **dict(more),
        }
        for number, (hours, name, *more) in enumerate(told)
    ]


def found(
    done: list[dict],
    *seeds: dict,
    periods=(),
    reached=(),
    identifiers=(),
    frictions=(),
) -> participations.Found:
    """What the oracle makes of it; the seeds are told apart by their columns."""
    taxonomy = oracle.Taxonomy(
        journeys=[row for row in seeds if "reentry" in row],
        journey_steps=[row for row in seeds if "step" in row],
        journey_rules=[row for row in seeds if "rule" in row],
    )
    marks = participations.marks(done, list(periods), list(reached), taxonomy, SETTINGS)
    return participations.find(marks, list(identifiers), list(frictions), taxonomy, SETTINGS)


def trips(made: participations.Found) -> list[tuple]:
    """Entry and exit in hours, and how it ended."""
    return [
        (hours(row["entered_at"]), hours(row["exited_at"]), row["exit_type"], row["exit_name"])
        for row in made.participations
    ]


def hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NOW) / HOUR


def turned_away(made: participations.Found) -> list[tuple]:
    return [(hours(row["occurred_at"]), row["reason"]) for row in made.exclusions]


def shown(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


IN, OUT = rule(1, "entry", "in"), rule(2, "exit", "out")


# ---------------------------------------------------------------- in and out


def test_one_event_is_the_end_of_one_trip_a_step_of_both_and_the_start_of_the_next():
    done = events((0, "turn"), (5, "turn"), (6, "turn"))
    turn = (version(), rule(1, "entry", "turn"), rule(2, "exit", "turn", "turned"))
    made = found(done, *turn, step(1, "turn"))
    assert trips(made) == [
        (0, 5, "exit_rule", "turned"),
        (5, 6, "exit_rule", "turned"),
        (6, None, None, None),
    ]
    assert shown(made.participations, "participation_number", "step_visit_count") == [
        (1, 2),
        (2, 2),
        (3, 1),
    ]
    ids = [key("road", "ann", f"e{number}") for number in range(3)]
    assert [row["participation_id"] for row in made.participations] == ids
    visit_ids = [(ids[0], "e0"), (ids[0], "e1"), (ids[1], "e1"), (ids[1], "e2"), (ids[2], "e2")]
    assert [row["journey_step_id"] for row in made.steps] == [
        key(*place, "turn") for place in visit_ids
    ]


def test_who_is_in_cannot_enter_and_who_has_left_can():
    made = found(events((0, "in"), (1, "in"), (2, "out"), (2, "in")), version(), IN, OUT)
    assert trips(made) == [(0, 2, "exit_rule", "out"), (2, None, None, None)]
    assert turned_away(made) == [(1, "already_in")]


def test_at_the_end_of_the_timeout_an_exit_still_counts_and_a_microsecond_later_it_does_not():
    short = version(timeout_days="0.25")
    assert trips(found(events((0, "in"), (6, "out")), short, IN, OUT)) == [
        (0, 6, "exit_rule", "out")
    ]
    late = events((0, "in"), (6, "out", ("occurred_at", NOW + 6 * HOUR + INSTANT)))
    assert trips(found(late, short, IN, OUT)) == [(0, 6, "timed_out", "timeout")]


def test_a_timeout_at_as_of_has_passed_and_one_after_it_has_not():
    for before, expected in ((DAY, "timed_out"), (DAY - INSTANT, None)):
        done = events((0, "in", ("occurred_at", AS_OF - before)))
        (trip,) = found(done, version(timeout_days="1"), IN).participations
        assert trip["exit_type"] == expected and trip["is_active"] == (expected is None)
        assert trip["timeout_at"] == AS_OF - before + DAY


def test_who_comes_at_the_very_end_of_the_timeout_is_still_in():
    made = found(events((0, "in"), (24, "in"), (25, "in")), version(timeout_days="1"), IN)
    assert trips(made)[1][0] == 25 and turned_away(made) == [(24, "already_in")]


def test_after_a_pause_the_moment_itself_is_enough_after_an_exit_and_not_after_a_timeout():
    calm = version(reentry="after_pause", reentry_pause_days="0.5", timeout_days="1")
    made = found(events((0, "in"), (2, "out"), (13, "in"), (14, "in")), calm, IN, OUT)
    assert trips(made)[1][0] == 14 and turned_away(made) == [(13, "reentry_pause")]
    made = found(events((0, "in"), (36, "in"), (37, "in")), calm, IN, OUT)
    assert trips(made)[1][0] == 37 and turned_away(made) == [(36, "reentry_pause")]


def test_the_cap_is_the_newcomers_versions_and_the_pause_that_of_the_version_before():
    first = version(1, "after_pause", reentry_pause_days="1", valid_to="2024-05-02")
    second = version(2, "capped", reentry_cap="2", valid_from="2024-05-02")
    both = (first, second, IN, OUT, rule(1, "entry", "in", of=2), rule(2, "exit", "out", of=2))
    told = ((0, "in"), (1, "out"), (24, "in"), (25, "in"), (26, "out"), (27, "in"))
    made = found(events(*told), *both)
    assert shown(made.participations, "version", "participation_number") == [(1, 1), (2, 2)]
    assert turned_away(made) == [(24, "reentry_pause"), (27, "reentry_cap")]


def test_of_an_entry_that_would_have_to_wait_and_is_one_too_many_it_is_said_that_it_is_too_many():
    made = found(events((0, "in"), (1, "out"), (2, "in")), version(reentry="never"), IN, OUT)
    assert turned_away(made) == [(2, "reentry_cap")]


def test_of_two_rules_of_one_event_the_lower_number_names_the_entry_and_the_exit():
    rules = (rule(10, "entry", "in", "tenth"), rule(9, "entry", "in", "ninth"))
    ends = (rule(12, "completion", "out", "done"), rule(11, "removal", "out", "thrown out"))
    made = found(events((0, "in"), (1, "out")), version(), *rules, *ends)
    assert [row["entry_name"] for row in made.participations] == ["ninth"]
    assert trips(made) == [(0, 1, "removed", "thrown out")]


def test_of_one_moment_events_come_by_priority_and_id_and_stages_and_milestones_after_them():
    done = events((0, "out", ("event_priority", 60)), (0, "in"))
    milestone = {
        "person_id": "ann",
        "milestone": "m",
        "person_milestone_id": "k",
        "reached_at": NOW,
    }
    rules = (IN, OUT, rule(3, "removal", name="far", trigger="milestone", milestone="m"))
    assert trips(found(done, version(), *rules, reached=[milestone])) == [
        (0, 0, "exit_rule", "out")
    ]
    done[0]["event_priority"] = 40
    assert trips(found(done, version(), *rules, reached=[milestone])) == [(0, 0, "removed", "far")]


def test_a_stage_is_entered_when_its_stay_begins_and_what_is_after_as_of_has_not_happened():
    stay = {"person_id": "ann", "stage": "adoption", "stage_period_id": "s", "started_at": NOW}
    later = {**stay, "stage_period_id": "t", "started_at": AS_OF + INSTANT}
    enters = rule(1, "entry", name="grown", trigger="stage", stage="adoption")
    made = found([], version(), enters, periods=[later, stay])
    names = ("entry_trigger", "entry_name", "entry_event_id", "entry_channel", "participation_id")
    assert shown(made.participations, *names) == [
        ("stage", "grown", None, None, key("road", "ann", "stage|s"))
    ]


def test_a_version_is_valid_from_its_first_local_day_to_the_day_before_its_end():
    days = version(valid_from="2024-05-02", valid_to="2024-05-03")
    made = found(events((0, "in"), (12, "in"), (35.9, "in"), (36, "in")), days, IN)
    assert trips(made) == [(12, None, None, None)]
    assert turned_away(made) == [(35.9, "already_in")]  # and of the others nothing is said


# ---------------------------------------------------------------- all steps done


def test_a_trip_is_complete_with_the_last_of_the_required_steps_in_whatever_order():
    seeds = (version(), IN, rule(2, "completion", name="all", trigger="steps"))
    steps = (step(1, "a"), step(2, "b"), step(3, "c", required=False))
    made = found(events((-1, "a"), (0, "in"), (1, "b"), (2, "b"), (3, "a")), *seeds, *steps)
    assert trips(made) == [(0, 3, "completed", "all")]
    assert trips(found(events((0, "in"), (1, "c")), *seeds, steps[2])) == [(0, None, None, None)]


def test_an_entry_that_is_the_one_required_step_is_complete_at_once():
    seeds = (version(), IN, rule(2, "completion", name="all", trigger="steps"), step(1, "in"))
    made = found(events((0, "in"), (0, "in")), *seeds)
    assert trips(made) == [(0, 0, "completed", "all")] * 2
    assert shown(made.steps, "moved_on", "is_last", "seconds_in_step") == [(True, True, 0)] * 2


# ---------------------------------------------------------------- kept out


def test_an_exclusion_lasts_until_the_readmission_of_its_name_and_wins_at_one_place():
    rules = (rule(5, "exclusion", "buy", "buyer"), rule(6, "readmission", "return", "buyer"))
    rules += (rule(4, "exclusion", "sue", "enemy"), rule(7, "exclusion", "return", "fickle"))
    told = ((0, "buy"), (1, "in"), (2, "return"), (3, "in"), (4, "sue"), (5, "buy"), (6, "in"))
    made = found(events(*told), version(), IN, *rules[:2])
    assert trips(made) == [(3, None, None, None)]
    assert turned_away(made) == [(1, "buyer"), (6, "buyer")]
    made = found(events(*told), version(), IN, *rules)
    assert turned_away(made) == [(1, "buyer"), (3, "fickle"), (6, "enemy")]
    both = (rule(5, "exclusion", "in", "at once"), rule(6, "readmission", "in", "at once"))
    assert turned_away(found(events((0, "in")), version(), IN, *both)) == [(0, "at once")]


def test_a_holdout_is_drawn_by_journey_and_person_and_comes_before_everything_else():
    drawn = int(md5("road|ann")[:8], 16) / 2**32
    for share, is_out in ((drawn + 1e-6, True), (drawn - 1e-6, False)):
        drawing = version(holdout_share=f"{share:.9f}", required_endpoint="phone_hash")
        made = found(events((0, "in")), drawing, IN)
        assert turned_away(made) == [(0, "holdout" if is_out else "missing_endpoint")]


def test_an_endpoint_has_to_be_known_when_somebody_enters():
    known = {"person_id": "ann", "identifier_class": "email_hash", "first_seen_at": NOW + HOUR}
    made = found(
        events((0, "in"), (1, "in")),
        version(required_endpoint="email_hash"),
        IN,
        identifiers=[known, {**known, "person_id": "bob", "first_seen_at": NOW}],
    )
    assert turned_away(made) == [(0, "missing_endpoint")] and trips(made)[0][0] == 1


# ---------------------------------------------------------------- goals


def test_a_goal_counts_from_the_entry_itself_to_the_end_of_its_window_whether_one_is_in_or_not():
    goal = rule(3, "goal", "win")
    seeds = (version(goal_window_days="0.5"), IN, OUT, goal)
    told = ((-1, "win"), (0, "in"), (1, "in"), (2, "out"), (12, "win"))
    made = found(events(*told), *seeds)
    names = ("goal_met_at", "is_goal_met", "is_goal_mature")
    assert shown(made.participations, *names) == [(NOW + 12 * HOUR, True, True)]
    assert shown(made.exclusions, *names) == [(NOW + 12 * HOUR, True, True)]
    late = events((0, "in"), (13, "win"))
    assert shown(found(late, *seeds).participations, *names) == [(None, False, True)]
    at_once = found(events((0, "in")), version(), IN, rule(3, "goal", "in"))
    assert shown(at_once.participations, *names) == [(NOW, True, False)]
    assert shown(found(events((0, "in")), version(), IN).participations, *names) == [(None,) * 3]


# ---------------------------------------------------------------- steps


def test_a_walk_with_a_skip_a_repeat_a_step_back_and_a_change_of_channel():
    app, nowhere = ("platform", "app"), ("platform", None)
    told = ((0, "in"), (1, "a"), (2, "c", app), (3, "c", nowhere), (28, "a", app), (40, "out"))
    steps = (step(1, "a"), step(2, "b", required=False), step(5, "c", expected="1"))
    noise = [{"person_id": "ann", "occurred_at": NOW + at * HOUR} for at in (2, 27.9, 28, 40)]
    noise += [{**noise[0], "person_id": "bob"}]
    made = found(events(*told), version(), IN, OUT, *steps, step(9, "d"), frictions=noise)
    names = ("step", "previous_step", "next_step", "is_repeat", "is_backtrack", "is_expected")
    assert shown(made.steps, *names) == [
        ("a", None, "c", False, False, True),
        ("c", "a", "c", False, False, True),
        ("c", "c", "a", True, False, False),
        ("a", "c", None, True, True, False),
    ]
    names = ("seconds_in_step", "channel", "previous_channel", "is_channel_switch")
    assert shown(made.steps, *names) == [
        (3600, "web", "web", False),
        (3600, "app", "web", True),
        (25 * 3600, None, "app", False),
        (12 * 3600, "app", "app", False),
    ]
    names = ("visit_number", "skipped_count", "is_overdue", "friction_count", "moved_on", "is_last")
    assert shown(made.steps, *names) == [
        (1, 0, None, 0, True, False),
        (2, 1, False, 1, True, False),
        (3, 0, True, 1, True, False),
        (4, 0, None, 1, False, True),
    ]
    (trip,) = made.participations
    counts = {name: value for name, value in trip.items() if name.endswith("_count")}
    assert counts == {
        "step_visit_count": 4,
        "distinct_step_count": 2,
        "repeat_count": 2,
        "backtrack_count": 1,
        "unexpected_count": 2,
        "skip_count": 1,
        "channel_count": 2,
        "channel_switch_count": 1,
        "friction_count": 3,
    }
    assert (trip["furthest_step_number"], trip["last_step"]) == (5, "a")
    assert (trip["duration_seconds"], trip["exited_date"]) == (40 * 3600, date(2024, 5, 3))


def test_a_required_step_may_not_be_passed_and_with_edges_only_these_are_expected():
    told = events((0, "in"), (1, "b"), (2, "a"), (3, "c"))
    steps = (step(1, "a"), step(2, "b"), step(3, "c"))

    def expected(*edges):
        rules = [
            rule(number, "edge", trigger="", from_step=one, to_step=other)
            for number, (one, other) in enumerate(edges, start=5)
        ]
        made = found(told, version(), IN, *steps, *rules)
        return [row["is_expected"] for row in made.steps]

    assert expected() == [False, False, False]
    assert expected(("", "b"), ("b", "c"), ("a", "c")) == [True, False, True]


def test_an_open_step_is_overdue_by_the_clock_and_disturbed_until_it_stops():
    hour = step(1, "in", expected="30")
    noise = [{"person_id": "ann", "occurred_at": AS_OF}]
    (visit,) = found(events((0, "in")), version(), IN, hour, frictions=noise).steps
    assert (visit["left_at"], visit["is_overdue"], visit["friction_count"]) == (None, True, 1)
    on_time = events((0, "in", ("occurred_at", AS_OF - 30 * DAY)))
    (visit,) = found(on_time, version(), IN, hour).steps
    assert visit["is_overdue"] is False


def test_steps_after_the_timeout_and_before_the_entry_are_not_on_the_way():
    told = events((-1, "a"), (0, "in"), (24, "a"), (25, "a"))
    (visit,) = found(told, version(timeout_days="1"), IN, step(1, "a")).steps
    assert visit["entered_at"] == visit["left_at"] == NOW + DAY


def test_a_step_and_a_rule_want_their_property_and_what_is_no_step_has_no_channel_of_its_own():
    sent = {"is_interactive": False, "touchpoint_type": "message", "platform": "server"}
    told = [(1, "a", ("properties", json.dumps({"n": n})), *sent.items()) for n in (1, 2)]
    one = step(1, "a") | {"property": "n", "property_value": "2"}
    (visit,) = found(events((0, "in"), *told), version(), IN, one).steps
    assert (visit["channel"], visit["is_channel_switch"]) == ("message", True)


# ---------------------------------------------------------------- a walk through time


def walked(marks: list[dict], taxonomy: oracle.Taxonomy) -> tuple[list, list]:
    """The same once more, mark by mark: who is in at each moment, and what lets him out."""
    versions = {int(row["version"]): row for row in taxonomy.journeys}
    required = {
        number: {
            row["step"]
            for row in taxonomy.journey_steps
            if int(row["version"]) == number and row["is_required"] == "true"
        }
        for number in versions
    }
    by_steps = {
        int(row["version"]): row for row in taxonomy.journey_rules if row["trigger"] == "steps"
    }
    inside, done, over, count = None, set(), None, 0
    banned, ways, refused = {}, [], []

    def limit():
        text = versions[inside["version"]]["timeout_days"]
        return inside["occurred_at"] + float(text) * DAY if text else datetime.max

    def leave(at, kind, is_by_clock=False):
        nonlocal inside, over
        ways.append((inside["mark_id"], at, kind))
        pause = float(versions[inside["version"]]["reentry_pause_days"] or 0) * DAY
        inside, over = None, (at + pause, is_by_clock)

    for place in sorted({mark["place"] for mark in marks}):
        here = [mark for mark in marks if mark["place"] == place]
        at = here[0]["occurred_at"]
        if inside and at > limit():
            leave(limit(), "timed_out", is_by_clock=True)
        for role in ("readmission", "exclusion"):
            for mark in here:
                if mark["role"] == role:
                    banned[mark["version"], mark["name"]] = role == "exclusion"

        for is_new in (False, True):
            if is_new:
                entries = [mark for mark in here if mark["role"] == "entry"]
                if not entries:
                    continue
                entry = min(entries, key=lambda mark: mark["rule_number"])
                names = [name for (of, name), no in banned.items() if no and of == entry["version"]]
                cap = versions[entry["version"]]["reentry_cap"]
                reason = None
                if names:
                    reason = names[0]
                elif inside:
                    reason = "already_in"
                elif cap and count >= int(cap):
                    reason = "reentry_cap"
                elif over and (at <= over[0] if over[1] else at < over[0]):
                    reason = "reentry_pause"
                if reason:
                    refused.append((entry["mark_id"], reason))
                    continue
                inside, done, count = entry, set(), count + 1
            if not inside:
                continue
            of_version = [mark for mark in here if mark["version"] == inside["version"]]
            done |= {mark["name"] for mark in of_version if mark["role"] == "step"}
            kinds = participations.EXIT_TYPES
            outs = [
                (mark["rule_number"], kinds[mark["role"]])
                for mark in of_version
                if mark["role"] in kinds and not is_new
            ]
            steps_of = inside["version"]
            if required[steps_of] and required[steps_of] <= done and steps_of in by_steps:
                outs.append((int(by_steps[steps_of]["rule_number"]), "completed"))
            if outs:
                leave(at, min(outs)[1])
    if inside:
        is_over = limit() <= AS_OF
        ways.append((inside["mark_id"], limit() if is_over else None, is_over and "timed_out"))
    return ways, refused


NAMES = ("in", "a", "b", "c", "out")


@st.composite
def declarations(draw):
    """One version, or two of which the second begins on the second day."""
    seeds, count = [], draw(st.sampled_from((1, 2)))
    for number in range(1, count + 1):
        first, second = number == 1, number == 2
        seeds.append(
            version(
                number,
                "capped",
                reentry_pause_days=draw(st.sampled_from(("", "0.125", "1"))),
                reentry_cap=draw(st.sampled_from(("1", "2", "9"))),
                timeout_days=draw(st.sampled_from(("", "0.125", "1"))),
                valid_from="2024-05-02" if second else "",
                valid_to="2024-05-02" if first and count == 2 else "",
            )
        )
        kinds = ("entry", *participations.EXIT_TYPES, "exclusion", "readmission")
        told = draw(st.lists(st.tuples(st.sampled_from(kinds), st.sampled_from(NAMES)), max_size=5))
        rules = [("entry", "in"), *told]
        for position, (kind, name) in enumerate(draw(st.permutations(rules)), start=2):
            named = "ban" if kind in ("exclusion", "readmission") else name
            seeds.append(rule(position, kind, name, named, of=number))
        if draw(st.booleans()):
            by = rule(draw(st.sampled_from((1, 99))), "completion", "", "all", of=number)
            seeds.append(by | {"trigger": "steps"})
        for position, name in enumerate(draw(st.sets(st.sampled_from(NAMES), max_size=3))):
            seeds.append(step(position + 1, name, draw(st.booleans()), of=number))
    return seeds


@settings(max_examples=400, deadline=None)
@given(
    declarations(),
    st.lists(st.tuples(st.sampled_from((0, 0, 1, 3, 24)), st.sampled_from(NAMES)), max_size=12),
)
def test_a_walk_through_time_meets_the_same_entries_ends_and_refusals(seeds, told):
    now, done = 0, []
    for gap, name in told:
        now += gap
        done.append((now, name))
    taxonomy = oracle.Taxonomy(
        journeys=[row for row in seeds if "reentry" in row],
        journey_steps=[row for row in seeds if "step" in row],
        journey_rules=[row for row in seeds if "rule" in row],
    )
    marks = participations.marks(events(*done), [], [], taxonomy, SETTINGS)
    made = participations.find(marks, [], [], taxonomy, SETTINGS)
    of_key = {key("road", "ann", mark["mark_id"]): mark["mark_id"] for mark in marks}
    ours = [
        (of_key[row["participation_id"]], row["exited_at"], row["exit_type"])
        for row in made.participations
    ]
    # an entry by a version that is not valid on its day is none
    is_first = {row["version"]: row["valid_to"] for row in seeds if "reentry" in row}
    if len(is_first) == 2:
        new_day = datetime(2024, 5, 2)
        marks = [
            mark
            for mark in marks
            if mark["role"] != "entry" or (mark["version"] == 2) == (mark["occurred_at"] >= new_day)
        ]
    ways, refused = walked(marks, taxonomy)
    assert ours == [(one, at, kind or None) for one, at, kind in ways]
    assert [(of_key[row["journey_exclusion_id"]], row["reason"]) for row in made.exclusions] == (
        refused
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("", None), ("0", 0), ("0.0625", 5400), ("0.33333333333", 28_800)]
)
def test_days_may_have_a_fraction(text, expected):
    assert participations.days(text) == (expected if expected is None else timedelta(0, expected))


# ---------------------------------------------------------------- the numbers


def numbers(table: str, **frames: list[dict]) -> pd.DataFrame:
    """A KPI table from these facts, by its grain; the days are those of May 2024."""
    frames["dim_as_of"] = [{"as_of_at": AS_OF}]
    frames["dim_dates"] = [{"date_day": date(2024, 5, day)} for day in range(1, 32)]

    def read(name):
        frame = pd.DataFrame(frames[name])
        moments = [column for column in frame if column.endswith(("_at", "_date", "date_day"))]
        return frame.astype(dict.fromkeys(moments, "datetime64[us]"))

    made = kpi_oracle.TABLES[table]
    return made.make(kpi_oracle.Facts(read, "UTC")).set_index(list(made.keys)).sort_index()


def of_two(*seeds: dict) -> dict[str, list[dict]]:
    """Ann walks to the end, bob changes to the app and is seen no more."""
    ann = ((0, "in"), (1, "a"), (2, "a"), (3, "b"), (30, "out"), (49, "in"))
    bob = ((24, "in"), (25, "a"), (26, "c", ("platform", "app")))
    done = events(*ann) + [
        {**event, "person_id": "bob", "event_id": f"b{event['event_id']}"} for event in events(*bob)
    ]
    made = found(done, *seeds)
    return {
        "fct_journey_participations": made.participations,
        "fct_journey_steps": made.steps,
        "fct_journey_exclusions": made.exclusions,
        "journeys": [row for row in seeds if "reentry" in row],
        "journey_steps": [row for row in seeds if "step" in row],
    }


WALK = (
    version(timeout_days="2", goal_window_days="20"),
    IN,
    rule(2, "completion", "out"),
    rule(3, "goal", "b"),
    step(1, "a", expected="0.5"),
    step(2, "b"),
    step(3, "c", expected="0"),
)


def test_a_day_tells_who_came_who_left_how_and_who_is_still_there_at_its_end():
    table = numbers("kpi_journeys_daily", **of_two(*WALK)).loc[("road", 1)]
    names = ["entry_count", "exited_count", "completed_count", "timed_out_count"]
    names += ["currently_in_count", "lifetime_entry_count", "multi_channel_numerator"]
    assert len(table) == 31
    assert table[names].head(6).to_numpy().tolist() == [
        [1, 0, 0, 0, 1, 1, 0],
        [1, 1, 1, 0, 1, 2, 1],
        [1, 0, 0, 0, 2, 3, 1],
        [0, 1, 0, 1, 1, 3, 1],
        [0, 1, 0, 1, 0, 3, 1],
        [0, 0, 0, 0, 0, 3, 1],
    ]
    assert table["timed_out_rate"].iloc[-1] == 2 / 3
    # the goal is that of those who came on the day
    assert table["goal_rate"].iloc[:3].tolist() == [1, 0, 0]


def test_a_step_tells_who_came_to_it_and_went_on_who_passed_it_and_who_was_lost_there():
    table = numbers("kpi_journey_steps", **of_two(*WALK)).loc[("road", 1)]
    rows = table.reset_index("cohort_week_date", drop=True).to_dict("index")
    assert {name: row["entry_count"] for name, row in rows.items()} == dict.fromkeys("abc", 3)

    def numerators(of):
        return {name: rows[of][f"{name}_numerator"] for name in wanted}

    wanted = ("arrival", "moved_on", "drop_off", "skip", "repeat", "channel_switch", "overdue")
    a, b, c = (dict(zip(wanted, counts, strict=True)) for counts in (
        (2, 2, 0, 0, 1, 0, 0),
        (1, 1, 0, 1, 0, 0, 0),
        (1, 0, 1, 0, 0, 1, 1),
    ))  # fmt: skip
    assert (numerators("a"), numerators("b"), numerators("c")) == (a, b, c)
    assert rows["c"]["drop_off_after_switch_rate"] == 1
    assert rows["b"]["overdue_denominator"] == 0 and rows["a"]["overdue_denominator"] == 2
    assert rows["a"]["seconds_in_step_p50"] == 3600 and rows["b"]["seconds_in_step_p50"] == 97200


def test_what_comes_next_is_a_step_or_the_way_out_and_the_shares_of_a_step_sum_to_one():
    table = numbers("kpi_journey_next_steps", **of_two(*WALK)).loc[("road", 1)]
    table = table.reset_index("cohort_week_date", drop=True)
    moves = table[["visit_count", "transition_denominator", "seconds_p50"]].to_dict("index")
    assert {move: tuple(row.values()) for move, row in moves.items()} == {
        ("(entry)", "a"): (2, 3, 3600),
        ("(entry)", "timed_out"): (1, 3, 2 * 86_400),
        ("a", "a"): (1, 3, 3600),
        ("a", "b"): (1, 3, 3600),
        ("a", "c"): (1, 3, 3600),
        ("b", "completed"): (1, 1, 27 * 3600),
        ("c", "timed_out"): (1, 1, 46 * 3600),
    }


def test_an_endpoint_counts_from_its_month_on_and_who_said_no_is_reached_by_the_other_way_only():
    def known(person_id, name, seen_at=NOW):
        return {"person_id": person_id, "identifier_class": name, "first_seen_at": seen_at}

    nothing = dict.fromkeys(("unsubscribed_at", "complained_at", "bounced_at", "bounce_type"))
    table = numbers(
        "kpi_journey_endpoints",
        fct_person_days=[
            {"person_id": name, "active_date": date(2024, 5, 9)} for name in ("ann", "bob", "eve")
        ],
        bridge_person_segments=[
            {"person_id": name, "segment_type": "all", "segment_value": "all"}
            for name in ("ann", "bob", "eve")
        ],
        bridge_person_identifiers=[
            *(known("ann", name) for name in ("email_hash", "phone_hash", "anonymous_id")),
            known("bob", "email_hash"),
            known("bob", "phone_hash", AS_OF),
            known("eve", "user_id"),
        ],
        fct_messages=[
            {**nothing, "person_id": "ann", "channel": "email", "unsubscribed_at": NOW},
            {**nothing, "person_id": "ann", "channel": "sms", "complained_at": AS_OF},
            {**nothing, "person_id": "bob", "channel": "email", "bounced_at": NOW}
            | {"bounce_type": "hard"},
            {**nothing, "person_id": "bob", "channel": "sms", "unsubscribed_at": NOW},
        ],
    ).droplevel([0, 1, 2])
    names = ["having_numerator", "opted_out_numerator", "reachable_numerator", "person_count"]
    found = table[names].astype(object).where(table[names].notna(), None)
    assert {name: tuple(row) for name, row in zip(found.index, found.to_numpy(), strict=True)} == {
        "all": (2, 1, 1, 3),
        "anonymous_id": (1, None, None, 3),
        "device_id": (0, None, None, 3),
        "email_hash": (2, 2, 0, 3),
        "phone_hash": (1, 0, 1, 3),
    }
    assert table["endpoints_mean"]["all"] == 4 / 3 and table["endpoints_p50"]["all"] == 1
