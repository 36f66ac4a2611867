"""Funnels: from each start as far as its person, session or account came."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from .events import property_text
from .interactions import fits
from .words import Row, Settings, Taxonomy, is_true, key, local_date, total_order, whole_seconds

# what can be held constant beside the properties
COLUMNS = {
    *("platform", "page_host", "page_path", "utm_source", "utm_medium", "utm_campaign"),
    *("account_id", "touchpoint_type", "source_name"),
}


@dataclass
class Funnel:
    """A funnel as its seeds say it."""

    name: str
    order: str
    unit: str
    window: timedelta
    held: str
    restart: str
    rows_of: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    exclusions: list[Row] = field(default_factory=list)

    @cached_property
    def numbers(self) -> list[int]:
        return sorted(self.rows_of)

    @cached_property
    def required(self) -> list[int]:
        return [number for number in self.numbers if not self.is_optional(number)]

    def is_optional(self, number: int) -> bool:
        return is_true(self.rows_of[number][0]["is_optional"])

    def next_required(self, number: int) -> int | None:
        return next((other for other in self.required if other > number), None)

    def held_value(self, event: Row) -> str | None:
        return event.get(self.held) if self.held in COLUMNS else property_text(event, self.held)


def funnels_of(taxonomy: Taxonomy) -> list[Funnel]:
    found = {
        row["funnel"]: Funnel(
            row["funnel"],
            row["step_order"],
            row["unit"],
            timedelta(microseconds=int(Decimal(row["window_days"]) * 86_400_000_000)),
            row["held_property"],
            row["restart"],
        )
        for row in taxonomy.funnels
    }
    for row in taxonomy.funnel_steps:
        funnel = found[row["funnel"]]
        if row["role"] == "exclusion":
            funnel.exclusions.append(row)
        else:
            funnel.rows_of[int(row["step_number"])].append(row)
    return list(found.values())


@dataclass
class Reached:
    """A step of an attempt, and where."""

    number: int
    step: str
    is_optional: bool
    place: int
    previous: int | None  # the place of the last required step before


class Road:
    """What one unit did with one value held constant; a place is a position in its order."""

    def __init__(self, funnel: Funnel, events: list[Row]):
        self.funnel, self.events = funnel, events
        self.fitting = {
            number: self._places(rows) for number, rows in sorted(funnel.rows_of.items())
        }
        by_number = defaultdict(list)
        for row in funnel.exclusions:
            by_number[int(row["step_number"]) if row["step_number"] else None].append(row)
        self.exclusions = {number: self._places(rows) for number, rows in by_number.items()}

    def _places(self, rows: list[Row]) -> list[int]:
        return [
            place
            for place, event in enumerate(self.events)
            if any(fits(event, row) for row in rows)
        ]

    def at(self, place: int) -> datetime:
        return self.events[place]["occurred_at"]

    # ------------------------------------------------------------ attempts

    @cached_property
    def starts(self) -> list[int]:
        numbers = self.funnel.numbers
        if self.funnel.order != "any":
            numbers = numbers[:1]
        return sorted({place for number in numbers for place in self.fitting[number]})

    def attempts(self) -> Iterator[tuple[int, list[Reached]]]:
        """Each start that counts, with the steps reached from it."""
        free_from = 0  # the place from which on the next attempt may begin
        for start in self.starts:
            if start < free_from:
                continue
            steps = self.steps_from(start)
            yield start, steps
            if self.funnel.restart == "after_end":
                end = self.completed(steps)
                free_from = self.after_window(start) if end is None else end + 1

    def after_window(self, start: int) -> int:
        """The first place that lies after the window."""
        over = self.at(start) + self.funnel.window
        return bisect_right(self.events, over, key=lambda event: event["occurred_at"])

    def is_in_window(self, start: int, place: int) -> bool:
        return self.at(place) - self.at(start) <= self.funnel.window

    def first(self, places: list[int], after: int, start: int) -> int | None:
        """The first of the places after one, in the window of the start."""
        position = bisect_right(places, after)
        if position < len(places) and self.is_in_window(start, places[position]):
            return places[position]
        return None

    def steps_from(self, start: int) -> list[Reached]:
        reached = {
            "ordered": self._ordered,
            "strict": self._strict,
            "any": self._any,
        }[self.funnel.order](start)
        if self.funnel.order == "any":
            return self._in_time(reached)
        return [
            Reached(
                number,
                self.funnel.rows_of[number][0]["step"],
                self.funnel.is_optional(number),
                place,
                max((reached[n] for n in self.funnel.required if n < number), default=None),
            )
            for number, place in sorted(reached.items())
        ]

    def _ordered(self, start: int) -> dict[int, int]:
        funnel = self.funnel
        reached = {funnel.required[0]: start}
        last = start
        for number in funnel.required[1:]:
            last = self.first(self.fitting[number], last, start)
            if last is None:
                break
            reached[number] = last
        for number in set(funnel.numbers) - set(funnel.required):
            before = max(n for n in funnel.required if n < number)
            if before in reached:
                place = self.first(self.fitting[number], reached[before], start)
                following = reached.get(funnel.next_required(number))
                if place is not None and (following is None or place < following):
                    reached[number] = place
        return reached

    def _strict(self, start: int) -> dict[int, int]:
        reached = {}
        for place, number in enumerate(self.funnel.numbers, start):
            fitting = self.fitting[number]
            position = bisect_left(fitting, place)
            is_there = position < len(fitting) and fitting[position] == place
            if not is_there or not self.is_in_window(start, place):
                break
            reached[number] = place
        return reached

    def _any(self, start: int) -> dict[int, int]:
        found = {
            number: self.first(self.fitting[number], start - 1, start)
            for number in self.funnel.numbers
        }
        return {number: place for number, place in found.items() if place is not None}

    def _in_time(self, reached: dict[int, int]) -> list[Reached]:
        places = sorted(reached.values())
        return [
            Reached(
                k,
                f"any {k} of {len(self.funnel.numbers)}",
                False,
                place,
                places[k - 2] if k > 1 else None,
            )
            for k, place in enumerate(places, 1)
        ]

    def completed(self, steps: list[Reached]) -> int | None:
        """The place of the last required step, where all are reached."""
        required = [step.place for step in steps if not step.is_optional]
        return required[-1] if len(required) == len(self.funnel.required) else None

    # ------------------------------------------------------------ exclusions

    def is_excluded(self, start: int, steps: list[Reached]) -> bool:
        place_of = {step.number: step.place for step in steps}
        for number, places in self.exclusions.items():
            if number is None:
                begin, end = start, self.completed(steps)
            else:
                following = self.funnel.next_required(number)
                if number not in place_of or following is None:
                    continue
                begin, end = place_of[number], place_of.get(following)
            spoiled = self.first(places, begin, start)
            if spoiled is not None and (end is None or spoiled < end):
                return True
        return False


# ---------------------------------------------------------------- the tables


def attempts_and_steps(
    used: list[Row],
    taxonomy: Taxonomy,
    settings: Settings,
    account_of: dict[str, str | None] | None = None,
) -> tuple[list[Row], list[Row]]:
    """Nothing after as_of has happened yet; an account does what its members do."""
    account_of = account_of or {}
    happened = sorted(
        (event for event in used if event["occurred_at"] <= settings.as_of), key=total_order
    )
    attempts, steps = [], []
    for funnel in funnels_of(taxonomy):
        of_unit = defaultdict(list)
        for (unit_id, held_value), events in _units(funnel, happened, account_of):
            of_unit[unit_id] += _attempts(Road(funnel, events), unit_id, held_value, settings)
        for made in of_unit.values():
            made.sort(key=lambda attempt: attempt[0])
            _number([row for _, row, _ in made])
            attempts += [row for _, row, _ in made]
            steps += [step for _, _, of_attempt in made for step in of_attempt]
    return attempts, steps


def _units(funnel: Funnel, happened: list[Row], account_of: dict[str, str | None]):
    """Unit and held value -> its events: for a strict funnel all, else what plays a part."""
    rows = [*(row for rows in funnel.rows_of.values() for row in rows), *funnel.exclusions]
    of_unit = defaultdict(list)
    for event in happened:
        if funnel.order != "strict" and not any(fits(event, row) for row in rows):
            continue
        unit_id = (
            account_of.get(event["person_id"])
            if funnel.unit == "account"
            else event.get(f"{funnel.unit}_id")
        )
        held_value = funnel.held_value(event) if funnel.held else None
        if unit_id is not None and (held_value is not None or not funnel.held):
            of_unit[unit_id, held_value].append(event)
    return of_unit.items()


def _attempts(road: Road, unit_id: str, held_value: str | None, settings: Settings):
    """The order, the row and the rows of steps of each attempt."""
    funnel = road.funnel
    for start, steps in road.attempts():
        event = road.events[start]
        started_at, completed = event["occurred_at"], road.completed(steps)
        attempt_id = key(funnel.name, unit_id, held_value or "", event["event_id"])
        row = {
            "funnel_attempt_id": attempt_id,
            "funnel": funnel.name,
            "unit": funnel.unit,
            "unit_id": unit_id,
            "held_value": held_value,
            "person_id": None if funnel.unit == "account" else event["person_id"],
            "account_id": unit_id if funnel.unit == "account" else None,
            "start_event_id": event["event_id"],
            "started_at": started_at,
            "started_date": local_date(started_at, settings),
            "step_count": sum(not step.is_optional for step in steps),
            "is_complete": completed is not None,
            "completed_at": None if completed is None else road.at(completed),
            "is_excluded": road.is_excluded(start, steps),
            "is_mature": started_at + funnel.window <= settings.as_of,
        }
        of_attempt = [
            {
                "funnel_step_id": key(attempt_id, step.number),
                "funnel_attempt_id": attempt_id,
                "funnel": funnel.name,
                "step_number": step.number,
                "step": step.step,
                "is_optional": step.is_optional,
                "reached_at": road.at(step.place),
                "event_id": road.events[step.place]["event_id"],
                "seconds_from_start": whole_seconds(started_at, road.at(step.place)),
                "seconds_from_previous": None
                if step.previous is None
                else whole_seconds(road.at(step.previous), road.at(step.place)),
            }
            for step in steps
        ]
        yield total_order(event), row, of_attempt


def _number(attempts: list[Row]) -> None:
    """A unit's first attempt, and its best: of those that nothing spoiled, if there are any."""
    unspoiled = [row for row in attempts if not row["is_excluded"]]
    # of several that came as far, max keeps the first
    best = max(unspoiled or attempts[:1], key=lambda row: row["step_count"], default=None)
    for number, row in enumerate(attempts, 1):
        row["attempt_number"] = number
        row["is_first"] = number == 1
        row["is_best"] = row is best
