"""Funnels: the oracle held against small stories worked out by hand, and the models against what
is hard for a funnel: one event, ties, one event on every step, 500 steps, 100,000 events."""

from __future__ import annotations

import csv
import re
import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import kpi_oracle
import pandas as pd
import pytest
from harness import ROOT, Bench
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from kpi_oracle.words import SEGMENT
from oracle import Settings, Taxonomy
from oracle.funnels import attempts_and_steps
from oracle.words import key

NOON = datetime(2024, 1, 3, 12)  # a Wednesday
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


# ---------------------------------------------------------------- stories


def taxonomy(*steps, order="ordered", unit="person", window="1", held="", restart="every_start"):
    """A funnel `f` of steps: names of events, `?` before an optional one, `|` between those of one
    step; `!name` is an exclusion, `!name@2` one with the number of a step."""
    rows, number = [], 0
    for text in steps:
        role = "exclusion" if text.startswith("!") else "step"
        names, _, after = text.strip("!?").partition("@")
        number += role == "step"
        for name in names.split("|"):
            event_name, _, value = name.partition("=")
            rows.append(
                {
                    "funnel": "f",
                    "role": role,
                    "step_number": str(number) if role == "step" else after,
                    "step": "_".join(re.findall(r"\w+", names)),
                    "event_name": event_name,
                    "property": "kind" if value else "",
                    "property_value": value,
                    "is_optional": str(text.startswith("?")).lower() if role == "step" else "",
                }
            )
    funnel = {
        "funnel": "f",
        "description": "For the test",
        "step_order": order,
        "unit": unit,
        "window_days": window,
        "held_property": held,
        "restart": restart,
    }
    return Taxonomy(funnels=[funnel], funnel_steps=rows)


def story(*told, **columns) -> list[dict]:
    """Events of one person an hour apart: names, or names with what else is to be said of them."""
    events = []
    for number, one in enumerate(told):
        name, more = one if isinstance(one, tuple) else (one, {})
        events.append(
            {
                "event_id": f"e{number:02d}",
                "event_name": name,
                "event_priority": 100,
                "occurred_at": NOON + number * HOUR,
                "person_id": "ann",
                "session_id": "s",
                **columns,
                **more,
            }
        )
    return events


def tried(seeds: Taxonomy, events: list[dict], as_of: datetime | None = None) -> list[dict]:
    """The attempts, each with the positions of the events by which its steps were reached."""
    settings = Settings(as_of=as_of or NOON + 365 * DAY)
    attempts, steps = attempts_and_steps(events, seeds, settings)
    for attempt in attempts:
        attempt["steps"] = {
            step["step_number"]: int(step["event_id"][1:])
            for step in steps
            if step["funnel_attempt_id"] == attempt["funnel_attempt_id"]
        }
    return attempts


def ways(seeds: Taxonomy, *told, **columns) -> list[dict[int, int]]:
    return [attempt["steps"] for attempt in tried(seeds, story(*told, **columns))]


def test_a_step_is_reached_by_the_first_event_after_the_step_before():
    assert ways(taxonomy("a", "b", "c"), *"bacbc") == [{1: 1, 2: 3, 3: 4}]
    assert ways(taxonomy("a", "b", "c"), *"acb") == [{1: 0, 2: 2}]


def test_two_steps_of_one_event_want_it_twice():
    assert ways(taxonomy("a", "a", "b"), *"aab") == [{1: 0, 2: 1, 3: 2}, {1: 1}]
    assert ways(taxonomy("a", "a"), "a") == [{1: 0}]


def test_events_of_one_moment_come_in_their_total_order():
    both = {"occurred_at": NOON}
    assert ways(taxonomy("a", "b"), ("b", both), ("a", both)) == [{1: 1}]
    first = {**both, "event_priority": 1}
    assert ways(taxonomy("a", "b"), ("b", both), ("a", first)) == [{1: 1, 2: 0}]


def test_a_window_includes_its_last_moment():
    for late, expected in ((DAY, {1: 0, 2: 1}), (DAY + MICROSECOND, {1: 0})):
        told = ("a", ("b", {"occurred_at": NOON + late}))
        for order in ("ordered", "strict", "any"):
            found = ways(taxonomy("a", "b", order=order), *told)
            assert found[0] == expected, order


def test_an_optional_step_is_no_hindrance_and_counts_between_its_neighbours_only():
    seeds = taxonomy("a", "?x", "?y", "b", "?z")
    assert ways(seeds, *"ab") == [{1: 0, 4: 1}]
    assert ways(seeds, *"ayxb") == [{1: 0, 2: 2, 3: 1, 4: 3}]
    assert ways(seeds, *"abxyz") == [{1: 0, 4: 1, 5: 4}]
    assert ways(seeds, *"azxx") == [{1: 0, 2: 2}]


def test_optional_steps_are_not_counted():
    (attempt,) = tried(taxonomy("a", "?x", "b", "?z"), story(*"axb"))
    assert (attempt["step_count"], attempt["is_complete"]) == (2, True)
    assert attempt["completed_at"] == NOON + 2 * HOUR


def test_seconds_are_counted_from_the_last_required_step_before():
    events = story("a", "x", ("b", {"occurred_at": NOON + 3 * HOUR + 5 * MICROSECOND}), "z")
    events[3]["occurred_at"] = NOON + 4 * HOUR
    seeds = taxonomy("a", "?x", "b", "?z")
    _, steps = attempts_and_steps(events, seeds, Settings(as_of=NOON + DAY))
    assert [(s["seconds_from_start"], s["seconds_from_previous"]) for s in steps] == [
        (0, None),
        (3600, 3600),
        (10_800, 10_800),
        (14_400, 3599),
    ]


def test_a_strict_step_is_the_very_next_event():
    seeds = taxonomy("a", "b", "c", order="strict")
    assert ways(seeds, *"abxabc") == [{1: 0, 2: 1}, {1: 3, 2: 4, 3: 5}]
    assert ways(taxonomy("a", "a", order="strict"), *"aaxa") == [{1: 0, 2: 1}, {1: 1}, {1: 3}]


def test_steps_in_any_order_are_numbered_as_they_come_and_one_event_may_be_two():
    seeds = taxonomy("a", "b", "c|a", order="any")
    assert ways(seeds, *"xbca") == [{1: 1, 2: 2, 3: 3}, {1: 2, 2: 3}, {1: 3, 2: 3}]
    attempts, steps = attempts_and_steps(story("b"), seeds, Settings(as_of=NOON + DAY))
    assert [step["step"] for step in steps] == ["any 1 of 3"]
    assert attempts[0]["step_count"] == 1


def test_what_happens_after_an_end_begins_the_next_attempt():
    def after_end(*steps, **more):
        return taxonomy(*steps, restart="after_end", **more)

    # complete: the next start after the last step, which itself is none
    assert ways(after_end("a", "a"), *"aaaa") == [{1: 0, 2: 1}, {1: 2, 2: 3}]
    assert ways(after_end("a", "a", order="strict"), *"aaa") == [{1: 0, 2: 1}, {1: 2}]
    assert ways(after_end("a", "b", order="any"), *"aabba") == [{1: 0, 2: 2}, {1: 3, 2: 4}]
    assert ways(after_end("a"), *"aa") == [{1: 0}, {1: 1}]
    # incomplete: after the window, whose last moment is part of it
    for late, count in ((DAY, 1), (DAY + MICROSECOND, 2)):
        told = ("a", "a", ("a", {"occurred_at": NOON + late}))
        assert len(ways(after_end("a", "b"), *told)) == count


def test_an_exclusion_spoils_what_it_comes_between():
    def spoiled(told, *steps, **more):
        events = story(*told)
        return [attempt["is_excluded"] for attempt in tried(taxonomy(*steps, **more), events)]

    assert spoiled("axb", "a", "b", "!x") == [True]
    assert spoiled("xabx", "a", "b", "!x") == [False]
    assert spoiled("ax", "a", "b", "!x") == [True]
    assert spoiled("acx", "a", "b", "c", "!x") == [True]
    # after one step only
    assert spoiled("axbc", "a", "b", "c", "!x@1") == [True]
    assert spoiled("abxc", "a", "b", "c", "!x@1") == [False]
    assert spoiled("abx", "a", "b", "c", "!x@2") == [True]
    assert spoiled("abcx", "a", "b", "c", "!x@3") == [False]
    # the event of the start, or of the end, comes between nothing
    assert spoiled("ab", "a", "b", "!a", "!b") == [False]
    assert spoiled("abc", "a", "b", "c", "!b") == [True]
    assert spoiled("abx", "a", "b", "!x", order="any") == [False, True]
    late = ("a", ("x", {"occurred_at": NOON + DAY + MICROSECOND}))
    assert spoiled(late, "a", "b", "!x") == [False]


def test_what_is_held_constant_parts_the_attempts_of_a_unit():
    told = [("a", {"platform": "web"}), ("a", {"platform": "app"}), ("b", {"platform": "app"})]
    attempts = tried(taxonomy("a", "b", held="platform"), story(*told, "b"))
    names = ("held_value", "attempt_number", "step_count", "is_first", "is_best")
    assert [tuple(attempt[name] for name in names) for attempt in attempts] == [
        ("web", 1, 1, True, False),
        ("app", 2, 2, False, True),
    ]
    kinds = [("a", {"properties": '{"kind": "1"}'}), ("b", {"properties": '{"kind": 1}'}), "b"]
    assert ways(taxonomy("a", "b", held="kind"), *kinds) == [{1: 0, 2: 1}]


def test_a_property_says_which_events_fit():
    kinds = [("a", {"properties": f'{{"kind": "{kind}"}}'}) for kind in ("x", "y")]
    assert ways(taxonomy("a=y", "a=x"), *kinds, *kinds) == [{1: 1, 2: 2}, {1: 3}]


def test_the_best_attempt_is_the_furthest_and_then_the_first_that_nothing_spoiled():
    def best(told, *steps):
        return [attempt["is_best"] for attempt in tried(taxonomy(*steps), story(*told))]

    assert best("aab", "a", "b") == [True, False]
    assert best("axab", "a", "b", "!x") == [False, True]
    assert best("axabac", "a", "b", "c", "!x") == [False, True, False]
    assert best("aaxx", "a", "b", "!x") == [True, False]


def test_an_attempt_belongs_to_its_session_alone():
    told = [("a", {"session_id": "s"}), ("b", {"session_id": "t"}), ("b", {"session_id": None})]
    assert ways(taxonomy("a", "b", unit="session"), *told) == [{1: 0}]


def test_an_account_goes_through_what_its_members_do():
    members = {"ann": "x", "bob": "x", "cat": None, "dan": "y"}
    told = [("a", "ann"), ("b", "dan"), ("a", "cat"), ("b", "bob"), ("b", "eve")]
    events = story(*((name, {"person_id": who}) for name, who in told))
    seeds, settings = taxonomy("a", "b", unit="account"), Settings(as_of=NOON + DAY)
    (attempt,), steps = attempts_and_steps(events, seeds, settings, members)
    assert (attempt["unit_id"], attempt["account_id"], attempt["person_id"]) == ("x", "x", None)
    assert [step["event_id"] for step in steps] == ["e00", "e03"]


def test_what_has_not_happened_yet_is_no_step_and_an_open_window_is_not_mature():
    (attempt,) = tried(taxonomy("a", "b"), story(*"ab"), as_of=NOON + HOUR - MICROSECOND)
    assert (attempt["steps"], attempt["is_mature"]) == ({1: 0}, False)
    (attempt,) = tried(taxonomy("a", "b"), story(*"ab"), as_of=NOON + DAY)
    assert (attempt["steps"], attempt["is_mature"]) == ({1: 0, 2: 1}, True)


# ---------------------------------------------------------------- laws


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1, 12, 24, 25])), max_size=8),
    st.lists(st.sampled_from(["a", "b", "a|c"]), min_size=1, max_size=4),
)
def test_no_other_choice_of_events_goes_further(told, steps):
    events, now = [], NOON
    for position, (name, hours) in enumerate(told):
        now += hours * HOUR
        events += story(name, occurred_at=now, event_id=f"e{position:02d}")
    names = [event["event_name"] for event in events]
    for attempt in tried(taxonomy(*steps), events):
        start = attempt["steps"][1]
        inside = [p for p in range(start + 1, len(events)) if _within_a_day(events, start, p)]
        furthest = max(
            count + 1
            for count in range(min(len(inside), len(steps) - 1) + 1)
            for chosen in combinations(inside, count)
            if all(names[p] in step.split("|") for p, step in zip(chosen, steps[1:], strict=False))
        )
        assert attempt["step_count"] == furthest
    for attempt in tried(taxonomy(*steps, order="any"), events):
        start = int(attempt["start_event_id"][1:])
        inside = [p for p in range(start, len(events)) if _within_a_day(events, start, p)]
        there = [any(names[p] in step.split("|") for p in inside) for step in steps]
        assert attempt["step_count"] == sum(there)


def _within_a_day(events, start, place) -> bool:
    return events[place]["occurred_at"] - events[start]["occurred_at"] <= DAY


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from("abx"), max_size=12),
    st.sampled_from(["ordered", "strict", "any"]),
    st.sampled_from(["0.1", "1"]),
)
def test_attempts_after_an_end_are_those_of_every_start_that_do_not_overlap(told, order, window):
    seeds = {
        restart: taxonomy("a", "b", "!x", order=order, window=window, restart=restart)
        for restart in ("every_start", "after_end")
    }
    every, apart = (tried(seeds[restart], story(*told)) for restart in seeds)
    ways_of = {attempt["start_event_id"]: attempt["steps"] for attempt in every}
    ends = None
    for attempt in apart:
        assert attempt["steps"] == ways_of[attempt["start_event_id"]]
        assert ends is None or attempt["started_at"] > ends
        over = attempt["started_at"] + float(window) * DAY
        ends = attempt["completed_at"] or over
    # what is left out begins before an attempt that is there has ended
    for attempt in every:
        assert any(
            other["started_at"]
            <= attempt["started_at"]
            <= (other["completed_at"] or other["started_at"] + float(window) * DAY)
            for other in apart
        )


# ---------------------------------------------------------------- the numbers


def numbers(seeds: Taxonomy, events: list[dict], as_of: datetime, plans: dict[str, str]):
    """The oracle's kpi_funnels of these events: (counting, week, step, segment value) -> a row."""
    attempts, steps = attempts_and_steps(events, seeds, Settings(as_of=as_of))
    cuts = [(who, "all", "all") for who in plans] + [(w, "plan", p) for w, p in plans.items()]
    frames = {
        "fct_funnel_attempts": pd.DataFrame(attempts),
        "fct_funnel_steps": pd.DataFrame(steps),
        "funnels": pd.DataFrame(seeds.funnels),
        "funnel_steps": pd.DataFrame(seeds.funnel_steps),
        "bridge_person_segments": pd.DataFrame(cuts, columns=["person_id", *SEGMENT]),
        "bridge_account_segments": pd.DataFrame(columns=["account_id", *SEGMENT]),
        "dim_as_of": pd.DataFrame({"as_of_at": [as_of]}),
    }
    started = frames["fct_funnel_attempts"]
    started["started_date"] = pd.to_datetime(started["started_date"])
    table = kpi_oracle.TABLES["kpi_funnels"].make(kpi_oracle.Facts(frames.get, "UTC"))
    keys = ["counting", "cohort_week_date", "step_number", "segment_value"]
    assert not table.duplicated(keys).any()
    return table.set_index(keys)


def test_what_is_spoiled_or_open_is_neither_entered_nor_reached():
    people = {"ann": "ab", "bob": "aob", "cat": "axb", "dan": "a", "eve": "a", "fay": "x"}
    events = [event for who, told in people.items() for event in story(*told, person_id=who)]
    for number, event in enumerate(events):
        event["event_id"] = f"e{number:02d}"
        if event["person_id"] == "eve":
            event["occurred_at"] += 6 * HOUR
    table = numbers(
        taxonomy("a", "?o", "b", "!x"),
        events,
        NOON + DAY,
        dict.fromkeys(people, "pro") | {"bob": "free"},
    )
    monday = pd.Timestamp(2024, 1, 1)
    columns = ["conversion_numerator", "conversion_denominator", "step_numerator"]
    columns += ["step_denominator", "drop_count", "open_count", "excluded_count"]
    found = {place: tuple(row) for place, row in table[columns].T.to_dict("list").items()}
    for counting in ("unique_first", "unique_best", "totals"):
        assert found[counting, monday, 1, "all"] == (3, 3, 3, 3, 0, 1, 1)
        assert found[counting, monday, 2, "all"] == (1, 3, 1, 3, 0, 1, 1)
        assert found[counting, monday, 3, "all"] == (2, 3, 2, 3, 1, 1, 1)
        assert found[counting, monday, 3, "free"] == (1, 1, 1, 1, 0, 0, 0)
        assert found[counting, monday, 3, "pro"] == (1, 2, 1, 2, 1, 1, 1)
    of_all = table.loc[("totals", monday, 3, "all")]
    assert of_all["seconds_from_start_p50"] == of_all["seconds_from_previous_p50"] == 5400
    assert of_all["seconds_from_start_p90"] == pytest.approx(3600 * 1.9)
    assert of_all["conversion_rate"] == pytest.approx(2 / 3)
    assert not of_all["is_mature"]  # the week is not over


def test_a_person_counts_once_by_the_first_attempt_or_by_the_best():
    events = story(*"aab", ("a", {"occurred_at": NOON + 7 * DAY}), "b")
    events[2]["occurred_at"] = NOON + DAY + 30 * timedelta(minutes=1)
    events[4]["occurred_at"] = NOON + 7 * DAY + HOUR
    table = numbers(taxonomy("a", "b"), events, NOON + 40 * DAY, {"ann": "pro"})
    second = table.xs(("all", 2), level=("segment_value", "step_number"))
    found = {
        place: (row["conversion_numerator"], row["conversion_denominator"], row["is_mature"])
        for place, row in second.iterrows()
    }
    monday, next_monday = pd.Timestamp(2024, 1, 1), pd.Timestamp(2024, 1, 8)
    assert found == {
        ("unique_first", monday): (0, 1, True),
        ("unique_best", monday): (1, 1, True),
        ("totals", monday): (1, 2, True),
        ("totals", next_monday): (1, 1, True),
    }


# ---------------------------------------------------------------- what is hard for the models

AS_OF = NOON + 200 * DAY
SECOND = timedelta(seconds=1)
FEWER, MANY = 40, 500  # steps
CROWD = 100_000  # events of one person
ORDERS = ("ordered", "strict", "any")
RESTARTS = ("every_start", "after_end")
ROAD = [f"s{number:03d}" for number in range(MANY)]
MODELS = [
    *("int_funnel_marks", "int_funnel_links", "int_funnel_reached", "int_funnel_attempts"),
    *("int_funnel_admissions", "int_funnel_attempts_excluded"),
    *("fct_funnel_attempts", "fct_funnel_steps", "kpi_funnels"),
]

People = dict[str, list[tuple[str, datetime]]]  # what each did, and when


def in_all_ways(**funnels: tuple[str, ...]) -> Taxonomy:
    """Each funnel (its steps) in each order and with each way to start anew."""
    seeds = Taxonomy()
    for name, steps in funnels.items():
        for order in ORDERS:
            if order == "any" and len(set(steps)) < len(steps):
                continue  # in any order, steps have to differ
            for restart in RESTARTS:
                made = taxonomy(*steps, order=order, restart=restart)
                for row in (*made.funnels, *made.funnel_steps):
                    row["funnel"] = f"{name}_{order}_{restart}"
                seeds.funnels += made.funnels
                seeds.funnel_steps += made.funnel_steps
    return seeds


def lay(seeds: Taxonomy, folder: Path) -> str:
    """The project's seeds with these funnels, and with their events among those known."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", folder)
    for name in ("funnels", "funnel_steps"):
        path = folder / f"{name}.csv"
        header = path.read_text().splitlines()[0]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, header.split(","), lineterminator="\n")
            writer.writeheader()
            writer.writerows(getattr(seeds, name))
    known = {row["event_name"] for row in seeds.funnel_steps}
    with (folder / "events.csv").open("a") as file:
        file.writelines(f"{name},100,true,false,\n" for name in sorted(known))
    return str(folder.relative_to(ROOT))


@dataclass(frozen=True)
class Built:
    bench: Bench
    seeds: Taxonomy
    seconds: float  # that the funnels took

    def counted(self, name: str) -> dict[str, tuple[int, ...]]:
        """Of each funnel of a person: attempts, complete ones, spoiled ones, steps."""
        rows = self.bench.rows(f"""
            select funnel, count(*) as attempts, count_if(is_complete) as complete,
                count_if(is_excluded) as spoiled, sum(reached)::bigint as steps
            from marts.fct_funnel_attempts
            join (
                select funnel_attempt_id, count(*) as reached
                from marts.fct_funnel_steps group by all
            ) using (funnel_attempt_id)
            join marts.bridge_person_identifiers using (person_id)
            where identifier_value = '{name}' group by all""")
        return {funnel: tuple(counts) for funnel, *counts in map(dict.values, rows)}


def built(folder: Path, people: People, seeds: Taxonomy) -> Built:
    def ids(name, events):
        """So that events of one moment have the order in which they are told."""
        told = (f"{name}-{number}" for number in range(len(events)))
        return sorted(told, key=lambda row_id: key("segment", row_id))

    rows = [
        {
            "id": row_id,
            "event": event_name,
            "user_id": name,
            "timestamp": at,
            "received_at": at,
            "_load_id": "l1",
            "_loaded_at": AS_OF,
        }
        for name, events in people.items()
        for row_id, (event_name, at) in zip(ids(name, events), events, strict=True)
    ]
    bench = Bench(folder, variables={"as_of": str(AS_OF)})
    bench.taxonomy = lay(seeds, ROOT / "target" / f"taxonomy_of_{folder.name}")
    bench.deliver(0, {"segment": {"tracks": rows}})
    bench.complete()
    besides = ["+kpi_funnels", "+fct_events", "+bridge_person_identifiers"]
    bench.build("--exclude", *MODELS, select=besides)
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOURNEY_MEMORY_LIMIT", "2GB")
        bench.build(select=MODELS)
    return Built(bench, seeds, time.perf_counter() - began)


def assert_counted(made: Built, name: str, expected: dict[str, dict[str, tuple]]) -> None:
    assert made.counted(name) == {
        f"{funnel}_{order}_{restart}": counts
        for funnel, orders in expected.items()
        for order, of_order in orders.items()
        for restart, counts in zip(RESTARTS, of_order, strict=True)
    }


def assert_never_growing(made: Built) -> None:
    """Of a funnel without optional steps."""
    whose = "funnel, counting, cohort_week_date, segment_type, segment_value"
    rows = made.bench.rows(f"""
        from (
            select {whose}, conversion_numerator as reached, step_denominator,
                lag(conversion_numerator, 1, conversion_denominator) over (
                    partition by {whose} order by step_number
                ) as reached_before
            from marts.kpi_funnels
        ) where reached > reached_before or step_denominator <> reached_before""")
    assert rows == []


# Of each person and funnel: attempts, complete ones, spoiled ones and steps, once for each start
# and once after each end. Of a funnel that is not named here the person begins none.
BEGUN = (1, 0, 0, 1)
HARD = {
    "one event": {
        "same": {"ordered": (BEGUN, BEGUN), "strict": (BEGUN, BEGUN)},
        "tied": dict.fromkeys(ORDERS, (BEGUN, BEGUN)),
    },
    "the same again": {
        "same": {
            "ordered": ((7, 2, 0, 14), (3, 1, 0, 7)),
            "strict": ((7, 2, 0, 14), (3, 1, 0, 7)),
        },
        "tied": dict.fromkeys(ORDERS, ((7, 0, 0, 7), (3, 0, 0, 3))),
    },
    "ties": {
        "same": {
            "ordered": ((4, 2, 0, 9), (2, 1, 0, 4)),
            "strict": ((4, 0, 0, 5), (1, 0, 0, 1)),
        },
        "tied": {
            "ordered": ((4, 4, 0, 12), (3, 3, 0, 9)),
            "strict": ((4, 2, 0, 9), (3, 2, 0, 7)),
            "any": ((12, 8, 4, 30), (4, 3, 0, 10)),
        },
    },
    "nearly ties": {
        "same": {
            "ordered": ((2, 0, 0, 3), (1, 0, 0, 2)),
            "strict": ((2, 0, 0, 2), (1, 0, 0, 1)),
        },
        "tied": {
            "ordered": ((2, 2, 1, 6), (1, 1, 1, 3)),
            "strict": ((2, 1, 1, 4), (1, 0, 1, 1)),
            "any": ((6, 4, 2, 15), (2, 2, 0, 6)),
        },
    },
}


@pytest.fixture(scope="module")
def hard(tmp_path_factory) -> Built:
    people = {
        "one event": [("t", NOON)],
        # 24 hours lie between the fourth and the fifth, more between the third and the fourth
        "the same again": [("t", NOON + n * HOUR) for n in (0, 1, 2, 30, 54, 55, 56)],
        "ties": [(name, NOON) for name in "tuvwtuvwttuuvv"],  # their order is that of their ids
        "nearly ties": [(name, NOON + n * MICROSECOND) for n, name in enumerate("vutwtuv")],
    }
    seeds = in_all_ways(same=("t", "t", "t"), tied=("t", "u", "v", "!w"))
    return built(tmp_path_factory.mktemp("hard"), people, seeds)


@pytest.mark.parametrize("name", HARD)
def test_few_events_come_out_as_counted_by_hand(hard, name):
    assert_counted(hard, name, HARD[name])


def test_every_attempt_and_step_of_them_is_the_oracles(hard):
    events = hard.bench.rows("marts.fct_events")
    settings = Settings(as_of=AS_OF, reporting_timezone="Europe/Copenhagen")
    made = attempts_and_steps(events, hard.seeds, settings)
    for table, ours in zip(("fct_funnel_attempts", "fct_funnel_steps"), made, strict=True):
        assert len(ours) > 100
        assert _sorted(hard.bench.rows(f"marts.{table}")) == _sorted(ours)


def _sorted(rows: list[dict]) -> list[list]:
    return sorted((sorted(row.items()) for row in rows), key=repr)


def test_no_step_is_reached_more_often_than_the_one_before(hard):
    assert_never_growing(hard)


def answers_of(many: int) -> dict:
    """Of a funnel with so many steps, as HARD; and of the person with very many events."""
    all_starts, half = (many, 1, 0, many * (many + 1) // 2), many // 2
    once = ((1, 1, 0, many), (1, 1, 0, many))
    half_once = ((1, 0, 0, half), (1, 0, 0, half))
    any_half = ((half, 0, 0, half * (half + 1) // 2), (1, 0, 0, half))
    any_all = (all_starts, (1, 1, 0, many))
    return {
        "all the way": {"long": {"ordered": once, "strict": once, "any": any_all}},
        "half the way": {"long": {"ordered": half_once, "strict": half_once, "any": any_half}},
        "backwards": {
            "long": {"ordered": (BEGUN, BEGUN), "strict": (BEGUN, BEGUN), "any": any_all}
        },
        "crowd": {
            "crowd": {
                "ordered": ((50_000, 50_000, 0, 150_000), (25_000, 25_000, 0, 75_000)),
                # the second `a` is in the way of the first, whose window is over after 86,400 s
                "strict": ((50_000, 25_000, 0, 100_000), (3, 1, 0, 5)),
                "any": ((100_000, 99_998, 0, 299_997), (25_000, 25_000, 0, 75_000)),
            },
            "spoiled": dict.fromkeys(ORDERS, ((50_000, 0, 50_000, 50_000), (2, 0, 2, 2))),
        },
    }


@pytest.fixture(
    scope="module",
    # more steps than are followed in one block; and as many, and events, as nobody has
    params=[FEWER, pytest.param(MANY, marks=pytest.mark.long)],
    ids=lambda many: f"{many} steps",
)
def large(request, tmp_path_factory, remark) -> tuple[int, Built]:
    many = request.param
    road = ROAD[:many]
    people = {
        "all the way": [(name, NOON + n * SECOND) for n, name in enumerate(road)],
        "half the way": [(name, NOON + n * SECOND) for n, name in enumerate(road[: many // 2])],
        "backwards": [(name, NOON + n * SECOND) for n, name in enumerate(reversed(road))],
    }
    steps = {"long": tuple(road)}
    if many == MANY:
        people["crowd"] = [("aabc"[n % 4], NOON + n * SECOND) for n in range(CROWD)]
        steps |= {"crowd": ("a", "b", "c"), "spoiled": ("a", "z", "!b")}
    seeds = in_all_ways(**steps)
    made = built(tmp_path_factory.mktemp("large"), people, seeds)
    if many == MANY:
        remark(
            f"funnels: {len(seeds.funnels)}, six of them of {MANY} steps, with a person of"
            f" {CROWD:,} events: {made.seconds:.0f} s in 2 GB"
        )
    return many, made


def test_many_steps_and_many_events_come_out_as_counted_by_hand(large):
    many, made = large
    for name, answer in answers_of(many).items():
        if name != "crowd" or many == MANY:
            assert_counted(made, name, answer)


def test_no_step_of_many_is_reached_more_often_than_the_one_before(large):
    many, made = large
    assert_never_growing(made)
    query = """select funnel, max(step_number) as last, count(distinct step) as steps
        from marts.kpi_funnels where funnel like 'long%' group by all"""
    assert [(row["last"], row["steps"]) for row in made.bench.rows(query)] == 6 * [(many, many)]
