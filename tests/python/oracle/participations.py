"""Declared journeys: what happened on them, who was on one and until when, who was kept out.

The marks of a person and a journey stand in one order, whatever version they are of; a place is a
number in it. Everything else is asked of the marks.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from .interactions import fitting
from .words import (
    Row,
    Settings,
    Taxonomy,
    is_true,
    key,
    local_date,
    md5,
    pick,
    rounded,
    whole_seconds,
)

AFTER_ALL_EVENTS = 2**31  # of one moment the stages and milestones come last
EXIT_TYPES = {
    "completion": "completed",
    "exit": "exit_rule",
    "cancellation": "cancelled",
    "removal": "removed",
}
DAY_IN_MICROSECONDS = 86_400 * 10**6
MICROSECOND = timedelta(microseconds=1)


def days(text: str | None) -> timedelta | None:
    """Days may have a fraction, down to a microsecond; none are no limit."""
    if not text:
        return None
    return timedelta(microseconds=int(rounded(Decimal(text) * DAY_IN_MICROSECONDS, 0)))


# ---------------------------------------------------------------- what is declared


@dataclass
class Version:
    """A version of a journey, as the seeds declare it."""

    row: Row
    steps: dict[str, Row] = field(default_factory=dict)  # by name
    rules: list[Row] = field(default_factory=list)  # by rule_number

    @property
    def timeout(self) -> timedelta | None:
        return days(self.row["timeout_days"])

    @property
    def goal_window(self) -> timedelta | None:
        return days(self.row["goal_window_days"])

    @property
    def pause(self) -> timedelta:
        """How long somebody has to stay away before he may come again."""
        says = self.row["reentry"] in ("after_pause", "capped")
        return (says and days(self.row["reentry_pause_days"])) or timedelta(0)

    @property
    def cap(self) -> float:
        """How often somebody may come."""
        caps = {"never": 1, "capped": int(self.row["reentry_cap"] or 0)}
        return caps.get(self.row["reentry"], float("inf"))

    def is_valid_on(self, day) -> bool:
        begin, end = self.row["valid_from"], self.row["valid_to"]
        return (not begin or begin <= day.isoformat()) and (not end or day.isoformat() < end)

    def number_of(self, step: str) -> int:
        return int(self.steps[step]["step_number"])

    @cached_property
    def required(self) -> dict[str, int]:
        """The required steps with their numbers."""
        return {
            step: self.number_of(step)
            for step, row in self.steps.items()
            if is_true(row["is_required"])
        }

    def rules_of(self, kind: str) -> list[Row]:
        return [rule for rule in self.rules if rule["rule"] == kind]

    @cached_property
    def edges(self) -> set[tuple[str, str]]:
        """Which step may follow which; blank is the beginning."""
        return {(rule["from_step"] or "", rule["to_step"]) for rule in self.rules_of("edge")}


def declared(taxonomy: Taxonomy) -> dict[tuple[str, int], Version]:
    found = {(row["journey"], int(row["version"])): Version(row) for row in taxonomy.journeys}
    for row in taxonomy.journey_steps:
        found[row["journey"], int(row["version"])].steps[row["step"]] = row
    for row in sorted(taxonomy.journey_rules, key=lambda row: int(row["rule_number"])):
        found[row["journey"], int(row["version"])].rules.append(row)
    return found


# ---------------------------------------------------------------- marks


def marks(
    used: list[Row],
    periods: list[Row],
    reached: list[Row],
    taxonomy: Taxonomy,
    settings: Settings,
) -> list[Row]:
    """What happened to people, and what it is on each version of each journey."""
    by_trigger = defaultdict(list)
    for rule in taxonomy.journey_rules:
        by_trigger[rule["trigger"]].append(rule)
    of_event = [*by_trigger["event"], *taxonomy.journey_steps]

    found = [
        {
            **meaning(row),
            "person_id": event["person_id"],
            "mark_id": event["event_id"],
            **pick(event, ("event_id", "occurred_at", "event_priority", "session_id")),
            "channel": channel_of(event),
        }
        for event, row in fitting(used, of_event)
    ]
    for kind, happened, own_key, at in (
        ("stage", periods, "stage_period_id", "started_at"),
        ("milestone", reached, "person_milestone_id", "reached_at"),
    ):
        for rule in by_trigger[kind]:
            found += [
                {
                    **meaning(rule),
                    "person_id": row["person_id"],
                    "mark_id": f"{kind}|{row[own_key]}",
                    "event_id": None,
                    "occurred_at": row[at],
                    "event_priority": AFTER_ALL_EVENTS,
                    "session_id": None,
                    "channel": None,
                }
                for row in happened
                if row[kind] == rule[kind]
            ]
    return placed([row for row in found if row["occurred_at"] <= settings.as_of])


def meaning(row: Row) -> Row:
    """What a rule or a step says of what fits it."""
    is_step = "step" in row
    return {
        "journey": row["journey"],
        "version": int(row["version"]),
        "role": "step" if is_step else row["rule"],
        "rule_number": None if is_step else int(row["rule_number"]),
        "name": row["step"] if is_step else row["name"],
        "step_number": int(row["step_number"]) if is_step else None,
        "trigger": "event" if is_step else row["trigger"],
    }


def channel_of(event: Row) -> str | None:
    if event["is_interactive"] and event.get("platform") is not None:
        return event["platform"]
    return event["touchpoint_type"] or None


def placed(found: list[Row]) -> list[Row]:
    """Each mark with its place among all that happened to the person on the journey."""
    of_road = defaultdict(list)
    for mark in found:
        of_road[mark["person_id"], mark["journey"]].append(mark)
    for of_person in of_road.values():
        moments = sorted({moment_of(mark) for mark in of_person})
        place_of = {moment: place for place, moment in enumerate(moments, start=1)}
        for mark in of_person:
            mark["place"] = place_of[moment_of(mark)]
    return found


def moment_of(mark: Row) -> tuple:
    return mark["occurred_at"], mark["event_priority"], mark["mark_id"]


# ---------------------------------------------------------------- one person on one journey


@dataclass(frozen=True)
class End:
    at: datetime
    exit_type: str
    name: str
    place: int | None = None  # None: by the clock


@dataclass
class Judged:
    """A mark by which somebody may enter."""

    entry: Row
    end: End | None
    reason_at_all: str | None  # not to let him in, whether he has been there or not
    reason: str | None = None
    number: int | None = None  # of the participation


@dataclass
class Road:
    """The marks of one person and one journey, and what the rules make of them."""

    versions: dict[int, Version]
    marks: list[Row]
    classes_seen: dict[str, datetime]  # identifier class -> when the person had the first of it
    settings: Settings

    def __post_init__(self):
        self.of = defaultdict(list)  # version and role -> marks in order
        for mark in sorted(self.marks, key=lambda mark: (mark["place"], mark["rule_number"] or 0)):
            self.of[mark["version"], mark["role"]].append(mark)

    @property
    def candidates(self) -> list[Row]:
        """The marks by which somebody may enter, the first rule of each."""
        at_place = {}
        for number, version in self.versions.items():
            for mark in self.of[number, "entry"]:
                if version.is_valid_on(local_date(mark["occurred_at"], self.settings)):
                    at_place.setdefault(mark["place"], mark)
        return [at_place[place] for place in sorted(at_place)]

    def end(self, entry: Row) -> End | None:
        version = self.versions[entry["version"]]
        ends = [
            (mark["place"], mark["rule_number"], mark["occurred_at"], role, mark["name"])
            for role in EXIT_TYPES
            for mark in self.of[entry["version"], role]
            if mark["place"] > entry["place"]
        ]
        ends += self.all_steps_done(entry)
        timeout = version.timeout
        over_at = None if timeout is None else entry["occurred_at"] + timeout
        if ends:
            place, _, at, role, name = min(ends)
            if over_at is None or at <= over_at:
                return End(at, EXIT_TYPES[role], name, place)
        if over_at is not None and over_at <= self.settings.as_of:
            return End(over_at, "timed_out", "timeout")
        return None

    def all_steps_done(self, entry: Row) -> list[tuple]:
        version = self.versions[entry["version"]]
        rules = [rule for rule in version.rules_of("completion") if rule["trigger"] == "steps"]
        if not rules or not version.required:
            return []
        first = {}
        for mark in self.of[entry["version"], "step"]:
            if mark["place"] >= entry["place"]:
                first.setdefault(mark["name"], (mark["place"], mark["occurred_at"]))
        if not version.required.keys() <= first.keys():
            return []
        place, at = max(first[step] for step in version.required)
        return [(place, int(rule["rule_number"]), at, "completion", rule["name"]) for rule in rules]

    def reason_to_stay_out(self, entry: Row) -> str | None:
        """What has nothing to do with earlier participations."""
        version = self.versions[entry["version"]]
        share = int(md5(f"{entry['journey']}|{entry['person_id']}")[:8], 16)
        if share < Decimal(version.row["holdout_share"] or 0) * 2**32:
            return "holdout"
        for rule in version.rules_of("exclusion"):
            # of one place the exclusion counts
            said = [
                (mark["place"], role == "exclusion")
                for role in ("exclusion", "readmission")
                for mark in self.of[entry["version"], role]
                if mark["name"] == rule["name"] and mark["place"] <= entry["place"]
            ]
            if max(said, default=(0, False))[1]:
                return rule["name"]
        if wanted := version.row["required_endpoint"]:
            seen_at = self.classes_seen.get(wanted)
            if seen_at is None or seen_at > entry["occurred_at"]:
                return "missing_endpoint"
        return None

    def judged(self) -> Iterator["Judged"]:
        """Each candidate with its end, as if it were let in, and with what speaks against that."""
        count, last = 0, None
        for entry in self.candidates:
            one = Judged(entry, self.end(entry), self.reason_to_stay_out(entry))
            one.reason = one.reason_at_all
            if one.reason is None and last is not None:
                version_before = self.versions[last.entry["version"]]
                one.reason = self.reason_to_wait(entry, count, version_before, last.end)
            if one.reason is None:
                count, last = count + 1, one
                one.number = count
            yield one

    def reason_to_wait(
        self, entry: Row, count: int, version_before: Version, end: End | None
    ) -> str | None:
        if end is None:
            return "already_in"
        is_by_mark, at = end.place is not None, entry["occurred_at"]
        if entry["place"] < end.place if is_by_mark else at <= end.at:
            return "already_in"
        if count >= self.versions[entry["version"]].cap:
            return "reentry_cap"
        may_return_at = end.at + version_before.pause
        if at < may_return_at or (at == may_return_at and not is_by_mark):
            return "reentry_pause"
        return None

    def goal(self, entry: Row) -> Row:
        version = self.versions[entry["version"]]
        window, at = version.goal_window, entry["occurred_at"]
        met = [
            mark["occurred_at"]
            for mark in self.of[entry["version"], "goal"]
            if mark["place"] >= entry["place"]
            and (window is None or mark["occurred_at"] <= at + window)
        ]
        if not version.rules_of("goal"):
            return {"goal_met_at": None, "is_goal_met": None, "is_goal_mature": None}
        return {
            "goal_met_at": met[0] if met else None,
            "is_goal_met": bool(met),
            "is_goal_mature": window is not None and at + window <= self.settings.as_of,
        }

    def visits(self, entry: Row, end: End | None) -> list[Row]:
        """The steps on the way, the marks of entry and exit included."""

        def is_in(mark):
            if mark["place"] < entry["place"]:
                return False
            if end is None:
                return True
            return (
                mark["occurred_at"] <= end.at if end.place is None else mark["place"] <= end.place
            )

        found = [mark for mark in self.of[entry["version"], "step"] if is_in(mark)]
        return sorted(found, key=lambda mark: (mark["place"], mark["step_number"]))


# ---------------------------------------------------------------- the tables


@dataclass
class Found:
    candidates: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    participations: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    exclusions: list[Row] = field(default_factory=list)


def find(
    all_marks: list[Row],
    identifiers: list[Row],
    frictions: list[Row],
    taxonomy: Taxonomy,
    settings: Settings,
) -> Found:
    """Who was on which journey, step by step, and who was turned away.

    identifiers: rows of bridge_person_identifiers; frictions: rows of fct_friction_signals.
    """
    versions_of = defaultdict(dict)
    for (journey, number), version in declared(taxonomy).items():
        versions_of[journey][number] = version
    classes_seen = defaultdict(dict)
    for row in identifiers:
        of_person, name = classes_seen[row["person_id"]], row["identifier_class"]
        if row["first_seen_at"] is not None:
            of_person[name] = min(of_person.get(name, datetime.max), row["first_seen_at"])
    disturbed = defaultdict(list)
    for row in frictions:
        disturbed[row["person_id"]].append(row["occurred_at"])
    for moments in disturbed.values():
        moments.sort()
    of_road = defaultdict(list)
    for mark in all_marks:
        of_road[mark["person_id"], mark["journey"]].append(mark)

    found = Found()
    for (person_id, journey), of_person in of_road.items():
        road = Road(versions_of[journey], of_person, classes_seen[person_id], settings)
        for one in road.judged():
            entry, version = one.entry, road.versions[one.entry["version"]]
            candidate = candidate_row(version, one)
            whose = pick(entry, ("journey", "version", "person_id"))
            own_key, goal = key(journey, person_id, entry["mark_id"]), road.goal(entry)
            found.candidates.append(
                {
                    **candidate,
                    **goal,
                    "exclusion_reason": one.reason_at_all,
                    "cap": None if version.cap == float("inf") else version.cap,
                    "pause_us": version.pause // MICROSECOND,
                }
            )
            found.entries.append(
                {
                    **candidate,
                    **goal,
                    "exclusion_reason": one.reason,
                    "is_admitted": one.reason is None,
                    "participation_number": one.number,
                }
            )
            if one.reason is not None:
                found.exclusions.append(
                    {
                        "journey_exclusion_id": own_key,
                        **whose,
                        "occurred_at": entry["occurred_at"],
                        "occurred_date": local_date(entry["occurred_at"], settings),
                        "entry_name": entry["name"],
                        "reason": one.reason,
                        **goal,
                    }
                )
                continue
            visits = road.visits(entry, one.end)
            steps = step_rows(
                own_key, version, entry, one.end, visits, disturbed[person_id], settings
            )
            found.steps += steps
            found.participations.append(
                {
                    "participation_id": own_key,
                    **whose,
                    "participation_number": one.number,
                    **time_of(version, entry, one.end, settings),
                    **goal,
                    **told_by_steps(version, entry, steps),
                }
            )
    return found


def candidate_row(version: Version, one: Judged) -> Row:
    entry, end = one.entry, one.end
    return {
        **pick(entry, ("person_id", "journey", "version", "mark_id", "place", "occurred_at")),
        "occurred_us": microseconds(entry["occurred_at"]),
        **told_by_entry(version, entry),
        "exit_type": end and end.exit_type,
        "exit_name": end and end.name,
        "end_place": end and end.place,
        "end_us": end and microseconds(end.at),
    }


def told_by_entry(version: Version, entry: Row) -> Row:
    return {
        "entry_trigger": entry["trigger"],
        "entry_name": entry["name"],
        "entry_event_id": entry["event_id"],
        "entry_channel": entry["channel"],
        "timeout_at": None if version.timeout is None else entry["occurred_at"] + version.timeout,
    }


def microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // MICROSECOND


def time_of(version: Version, entry: Row, end: End | None, settings: Settings) -> Row:
    entered_at, exited_at = entry["occurred_at"], end and end.at
    return {
        "entered_at": entered_at,
        "entered_date": local_date(entered_at, settings),
        **told_by_entry(version, entry),
        "exited_at": exited_at,
        "exited_date": local_date(exited_at, settings),
        "exit_type": end and end.exit_type,
        "exit_name": end and end.name,
        "is_active": end is None,
        "duration_seconds": whole_seconds(entered_at, exited_at),
    }


def told_by_steps(version: Version, entry: Row, visits: list[Row]) -> Row:
    furthest = max((visit["step_number"] for visit in visits), default=None)
    visited = {visit["step"] for visit in visits}
    passed = {step for step in version.steps if version.number_of(step) < (furthest or 0)}
    channels = {entry["channel"], *(visit["channel"] for visit in visits)}
    return {
        "step_visit_count": len(visits),
        "distinct_step_count": len(visited),
        "repeat_count": sum(visit["is_repeat"] for visit in visits),
        "backtrack_count": sum(visit["is_backtrack"] for visit in visits),
        "unexpected_count": sum(not visit["is_expected"] for visit in visits),
        "skip_count": len(passed - visited),
        "channel_count": len(channels - {None}),
        "channel_switch_count": sum(visit["is_channel_switch"] for visit in visits),
        "friction_count": sum(visit["friction_count"] for visit in visits),
        "furthest_step_number": furthest,
        "last_step": visits[-1]["step"] if visits else None,
    }


def step_rows(
    participation_id: str,
    version: Version,
    entry: Row,
    end: End | None,
    visits: list[Row],
    frictions: list[datetime],
    settings: Settings,
) -> list[Row]:
    rows = []
    channel, visited = entry["channel"], {}  # step -> its number
    for position, visit in enumerate(visits):
        before = visits[position - 1] if position else None
        later = visits[position + 1 :]
        step, number = visit["name"], visit["step_number"]
        entered_at = visit["occurred_at"]
        left_at = later[0]["occurred_at"] if later else end and end.at
        until = settings.as_of if left_at is None else left_at
        allowed = days(version.steps[step]["expected_days"])
        lasted = timedelta(seconds=whole_seconds(entered_at, until))
        rows.append(
            {
                "journey_step_id": key(participation_id, visit["mark_id"], step),
                "participation_id": participation_id,
                **pick(visit, ("journey", "version", "person_id")),
                "visit_number": position + 1,
                "step": step,
                "step_number": number,
                "entered_at": entered_at,
                "left_at": left_at,
                "seconds_in_step": whole_seconds(entered_at, left_at),
                "channel": visit["channel"],
                "previous_channel": channel,
                "is_channel_switch": None not in (channel, visit["channel"])
                and channel != visit["channel"],
                "previous_step": before and before["name"],
                "next_step": later[0]["name"] if later else None,
                "is_repeat": step in visited,
                "is_backtrack": before is not None and number < before["step_number"],
                "is_expected": is_expected(version, before, visit),
                "skipped_count": sum(
                    max(visited.values(), default=0) < version.number_of(other) < number
                    for other in version.steps
                ),
                "is_overdue": None if allowed is None else lasted > allowed,
                "friction_count": (bisect_right if left_at is None else bisect_left)(
                    frictions, until
                )
                - bisect_left(frictions, entered_at),
                "moved_on": any(other["name"] != step for other in later)
                or (end is not None and end.exit_type == "completed"),
                "is_last": not later,
            }
        )
        visited[step] = number
        channel = channel if visit["channel"] is None else visit["channel"]
    return rows


def is_expected(version: Version, before: Row | None, visit: Row) -> bool:
    if version.edges:
        return (before["name"] if before else "", visit["name"]) in version.edges
    begin, number = before["step_number"] if before else 0, visit["step_number"]
    return begin < number and not any(begin < one < number for one in version.required.values())
