"""Active days, habits, signals, and the stays in stages."""

from bisect import bisect_left
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import zip_longest

from .words import Row, Settings, Taxonomy, local_date, pick

Days = dict[tuple[str, date], Row]

SIGNAL_COLUMNS = (
    *("event_id", "person_id", "event_name", "event_priority", "occurred_at"),
    *("endpoint_id", "session_id", "amount", "currency_code"),
)


# ---------------------------------------------------------------- days, habits, signals


def person_days(events: list[Row], settings: Settings) -> Days:
    by_day = defaultdict(list)
    for event in events:
        if event["is_interactive"]:
            by_day[event["person_id"], local_date(event["occurred_at"], settings)].append(event)

    days = {}
    for place, members in by_day.items():
        core = [event["occurred_at"] for event in members if event["is_core"]]
        days[place] = {
            "first_event_at": members[0]["occurred_at"],
            "last_event_at": members[-1]["occurred_at"],
            "event_count": len(members),
            "core_event_count": len(core),
            "first_core_event_at": core[0] if core else None,
            "session_count": len({event["session_id"] for event in members}),
        }
    return days


def habits(days: Days, settings: Settings) -> dict[str, list[tuple[date, datetime]]]:
    """Person -> the days that complete a habit, each with its first core event."""
    core_days = defaultdict(list)
    for (person_id, day), row in sorted(days.items()):
        if row["core_event_count"]:
            core_days[person_id].append((day, row["first_core_event_at"]))

    formed = defaultdict(list)
    for person_id, members in core_days.items():
        # each core day beside the one that makes the two ends of `habit_days` core days
        for (early, _), (late, at) in zip(
            members, members[settings.habit_days - 1 :], strict=False
        ):
            if (late - early).days <= settings.habit_window_days - 1:
                formed[person_id].append((late, at))
    return formed


def signals(events: list[Row], taxonomy: Taxonomy) -> list[Row]:
    heard = {
        row["event_name"]
        for rows in (taxonomy.stage_rules, taxonomy.milestones, taxonomy.goals)
        for row in rows
        if row["event_name"]
    }
    return [pick(event, SIGNAL_COLUMNS) for event in events if event["event_name"] in heard]


# ---------------------------------------------------------------- stages


def stage_points(
    events: list[Row],
    formed: dict[str, list[tuple[date, datetime]]],
    taxonomy: Taxonomy,
) -> dict[str, dict[tuple[datetime, str], int]]:
    """Person -> (moment, activity or exit) -> the greatest stage that is signalled then."""
    number_of = {row["stage"]: int(row["stage_number"]) for row in taxonomy.stages}
    enters, habit_stages, exit_names = defaultdict(list), [], set()
    for rule in taxonomy.stage_rules:
        if rule["effect"] == "exit" and rule["trigger"] == "event":
            exit_names.add(rule["event_name"])
        elif rule["effect"] == "enter" and rule["trigger"] == "event":
            enters[rule["event_name"]].append(number_of[rule["stage"]])
        elif rule["effect"] == "enter" and rule["trigger"] == "habit":
            habit_stages.append(number_of[rule["stage"]])

    points = defaultdict(lambda: defaultdict(lambda: 1))
    for event in events:
        of_person, name = points[event["person_id"]], event["event_name"]
        if event["is_interactive"] or name in enters:
            place = (event["occurred_at"], "activity")
            of_person[place] = max(of_person[place], *enters.get(name, ()), 1)
        if name in exit_names:
            # touched: an exit signals no stage
            of_person[event["occurred_at"], "exit"] += 0
    for person_id, days in formed.items():
        for _, at in days:
            place = (at, "activity")
            points[person_id][place] = max(points[person_id][place], *habit_stages, 1)
    return points


def stays(points: dict[str, dict[tuple[datetime, str], int]], settings: Settings) -> list[Row]:
    """Every stay of everybody, as if time went on for ever."""
    dormant_after = timedelta(days=settings.dormant_after_days)
    found = []
    for person_id in sorted(points):
        of_person = sorted(points[person_id].items())
        activities = [(at, number) for (at, kind), number in of_person if kind == "activity"]
        exits = [at for (at, kind), _ in of_person if kind == "exit"]
        of_person = stays_of_person(activities, exits, dormant_after)
        for number, stay in enumerate(of_person, start=1):
            found.append({"person_id": person_id, "stay_number": number, **stay})
    return found


def stays_of_person(
    activities: list[tuple[datetime, int]],
    exits: list[datetime],
    dormant_after: timedelta,
) -> list[Row]:
    found = []
    greatest = defaultdict(lambda: 1)  # epoch -> greatest stage signalled so far
    is_in = False
    for (activity, signalled), following in zip_longest(activities, activities[1:]):
        upcoming = following and following[0]
        exits_before = bisect_left(exits, activity)
        greatest[exits_before] = max(greatest[exits_before], signalled)
        stage_number = greatest[exits_before]

        # who is in cannot have passed an exit, so his stage never falls
        if not is_in or stage_number > found[-1]["stage_number"]:
            if is_in:
                found[-1].update(ended_at=activity, exit_reason="advanced")
            found.append(
                {
                    "stage_number": stage_number,
                    "started_at": activity,
                    "ended_at": None,
                    "last_activity_at": None,
                    "entry_reason": "advanced" if is_in else "returned" if found else "first_seen",
                    "exit_reason": None,
                }
            )
        found[-1]["last_activity_at"] = activity

        next_exit = exits[exits_before] if exits_before < len(exits) else None
        dormant_at = activity + dormant_after
        is_in = (
            upcoming is not None
            and upcoming < dormant_at
            and (next_exit is None or next_exit >= upcoming)
        )
        if not is_in:
            churned = next_exit is not None and next_exit < dormant_at
            found[-1].update(
                ended_at=next_exit if churned else dormant_at,
                exit_reason="churned" if churned else "dormant",
            )
    return found


def stage_periods(found: list[Row], taxonomy: Taxonomy, settings: Settings) -> list[Row]:
    """The stays as they stand at as_of: one whose end lies ahead is open."""
    stage_of = {int(row["stage_number"]): row["stage"] for row in taxonomy.stages}
    periods = []
    for stay in found:
        is_open = stay["ended_at"] > settings.as_of
        cut = {"ended_at": None, "exit_reason": None} if is_open else {}
        stage = stage_of[stay["stage_number"]]
        periods.append({**stay, "stage": stage, "is_open": is_open, **cut})
    return periods


class StagesOf:
    """The stage that a person is in at a moment; None before the first and between two."""

    def __init__(self, periods: list[Row]):
        self.of_person = defaultdict(list)
        for period in periods:
            self.of_person[period["person_id"]].append(period)

    def at(self, person_id: str, moment: datetime) -> str | None:
        for period in self.of_person[person_id]:
            ended_at = period["ended_at"]
            if period["started_at"] <= moment and (ended_at is None or moment < ended_at):
                return period["stage"]
        return None
