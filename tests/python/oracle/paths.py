"""The roads people take: in a visit, in a journey, to a conversion, in their first thirty days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from .attribution import by_conversion, reached
from .interactions import VIEWS
from .words import Row, Settings, key, local_date, pick, total_order, whole_seconds

MONTH, QUARTER = timedelta(days=30), timedelta(days=90)
SHOWN = 20  # nodes of a variant
Node = tuple[str, datetime]


@dataclass
class Road:
    """A path before anything is known of what came of it."""

    scope: str
    scope_value: str
    what: str
    person_id: str
    started_at: datetime
    ended_at: datetime
    end_node: str
    is_converted: bool
    nodes: list[Node] = field(default_factory=list)

    @property
    def path_id(self) -> str:
        return key(self.scope, self.scope_value, self.what)


class Moments:
    """What happened to whom and when, until as_of."""

    def __init__(self, rows: Iterable[Row], at: str, settings: Settings):
        self.at, self.of_person = at, defaultdict(list)
        for row in rows:
            if row[at] is not None and row[at] <= settings.as_of:
                self.of_person[row["person_id"]].append(row)

    def within(self, person_id: str, begin: datetime, end: datetime) -> list[Row]:
        return [row for row in self.of_person[person_id] if begin <= row[self.at] <= end]


# ---------------------------------------------------------------- roads


def in_sessions(
    visits: list[Row], used: list[Row], conversions: list[Row], settings: Settings
) -> Iterator[Road]:
    events_of, converted = defaultdict(list), Moments(conversions, "occurred_at", settings)
    of_session = {row["session_id"] for row in reached(conversions, settings)}
    for event in sorted(used, key=total_order):
        if event["is_interactive"] and event["occurred_at"] <= settings.as_of:
            events_of[event["session_id"]].append(event)
    for visit in visits:
        session_id, span = visit["session_id"], (visit["started_at"], visit["ended_at"])
        if visit["started_at"] <= settings.as_of:
            yield Road(
                *("session", "all", session_id, visit["person_id"], *span, "(end)"),
                session_id in of_session or bool(converted.within(visit["person_id"], *span)),
                [(node_of(event), event["occurred_at"]) for event in events_of[session_id]],
            )


def node_of(event: Row) -> str:
    if event["event_type"] not in VIEWS:
        return event["event_name"]
    path = event.get("page_path")
    return "(no path)" if path is None else path


def in_journeys(
    participations: list[Row], step_visits: list[Row], settings: Settings
) -> Iterator[Road]:
    visits_of = defaultdict(list)
    for row in sorted(step_visits, key=lambda row: row["visit_number"]):
        visits_of[row["participation_id"]].append((row["step"], row["entered_at"]))
    for row in participations:
        is_met = row["is_goal_met"]
        yield Road(
            *("journey", row["journey"], row["participation_id"], row["person_id"]),
            *(row["entered_at"], row["exited_at"] or settings.as_of),
            row["exit_type"] or "(active)",
            row["exit_type"] == "completed" if is_met is None else is_met,
            visits_of[row["participation_id"]],
        )


def to_conversions(
    conversions: list[Row], touched: list[Row], settings: Settings
) -> Iterator[Road]:
    seen_by = by_conversion(touched)
    for row in reached(conversions, settings):
        seen, at = seen_by[row["conversion_id"]], row["occurred_at"]
        yield Road(
            *("conversion", row["goal"], row["conversion_id"], row["person_id"]),
            *(seen[0]["touched_at"] if seen else at, at, "(conversion)", True),
            [(touch["channel_group"], touch["touched_at"]) for touch in seen],
        )


def of_entries(
    touchpoints: list[Row], conversions: list[Row], settings: Settings
) -> Iterator[Road]:
    inbound = defaultdict(list)
    converted = Moments(conversions, "occurred_at", settings)
    for row in sorted(touchpoints, key=lambda row: row["touch_number"]):
        if row["direction"] == "inbound" and row["occurred_at"] <= settings.as_of:
            is_visit = row["touchpoint_type"] == "session"
            node = row["channel_group"] if is_visit else row["touchpoint_type"]
            inbound[row["person_id"]].append((node, row["occurred_at"]))
    for person_id, nodes in inbound.items():
        first, begin = nodes[0]
        nodes = [(node, at) for node, at in nodes if at <= begin + MONTH]
        yield Road(
            *("entry", first, person_id, person_id, begin, nodes[-1][1], "(end)"),
            bool(converted.within(person_id, begin, begin + MONTH)),
            nodes,
        )


# ---------------------------------------------------------------- facts


def collapsed(road: Road) -> list[str]:
    return [node for node, _ in groupby(node for node, _ in road.nodes)]


def variant_of(nodes: list[str]) -> str:
    shown = nodes[:SHOWN] + (["…"] if len(nodes) > SHOWN else [])
    return " > ".join(shown) or "(nothing)"


def known_sum(rows: list[Row], name: str) -> Decimal | None:
    """Of what is known where a part is not; None where nothing is."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known, Decimal(0)) if known else None


def paths(
    roads: list[Road],
    friction: list[Row],
    revenue: list[Row],
    contacts: list[Row],
    answers: list[Row],
    moved: list[Row],
    settings: Settings,
) -> list[Row]:
    troubles = Moments(friction, "occurred_at", settings)
    money = Moments(revenue, "occurred_at", settings)
    helped = Moments(contacts, "opened_at", settings)
    asked = (row for row in answers if row["survey_type"] == "nps" and row["score"] is not None)
    scored = Moments(asked, "responded_at", settings)
    churned = Moments((row for row in moved if row["movement"] == "churn"), "occurred_at", settings)

    found = []
    for road in roads:
        whose, begin = road.person_id, road.started_at
        support = helped.within(whose, begin, begin + MONTH)
        nodes = collapsed(road)
        answer = min(
            scored.within(whose, begin, begin + QUARTER),
            key=lambda row: (row["responded_at"], row["response_key"]),
            default={},
        )
        found.append(
            {
                "path_id": road.path_id,
                "scope": road.scope,
                "scope_value": road.scope_value,
                "person_id": whose,
                "started_at": begin,
                "ended_at": road.ended_at,
                "started_month_date": month_of(road, settings),
                "end_node": road.end_node,
                "raw_step_count": len(road.nodes),
                "step_count": len(nodes),
                "variant": variant_of(nodes),
                "is_converted": road.is_converted,
                "revenue_amount": known_sum(money.within(whose, begin, begin + MONTH), "amount"),
                "friction_count": len(troubles.within(whose, begin, road.ended_at)),
                "support_contact_count": len(support),
                "support_cost_amount": known_sum(support, "cost_amount"),
                "nps_score_group": answer.get("score_group"),
                "has_churned": bool(churned.within(whose, begin, begin + QUARTER)),
                "duration_seconds": whole_seconds(begin, road.ended_at),
            }
        )
    return found


def month_of(road: Road, settings: Settings):
    return local_date(road.started_at, settings).replace(day=1)


def path_steps(roads: list[Road], settings: Settings) -> list[Row]:
    found = []
    for road in roads:
        before, place = (None, None), 0
        for number, (node, at) in enumerate(road.nodes, 1):
            node_before, at_before = before
            is_repeat = node == node_before
            place += not is_repeat
            before = node, at
            found.append(
                {
                    "path_step_id": key(road.path_id, number),
                    **pick(vars(road), ("scope", "scope_value", "person_id")),
                    "path_id": road.path_id,
                    "started_month_date": month_of(road, settings),
                    "step_number": number,
                    "node": node,
                    "occurred_at": at,
                    "previous_node": node_before,
                    "seconds_since_previous": whole_seconds(at_before, at) if at_before else None,
                    "is_last": number == len(road.nodes),
                    "is_repeat": is_repeat,
                    "collapsed_number": None if is_repeat else place,
                }
            )
    return found
