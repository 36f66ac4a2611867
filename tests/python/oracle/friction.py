"""Where people got stuck: what the seed calls friction, loops and quick returns, complaints."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise

from .interactions import fits
from .sessions import is_view
from .words import Row, Settings, Taxonomy, key, local_date, pick

REPEATED_WITHIN, REPEATED_FROM = timedelta(seconds=60), 3
LOOP_FROM = 3  # visits of one page
SEEN_BRIEFLY = timedelta(seconds=10)


def friction_signals(
    used: list[Row], contacts: list[Row], taxonomy: Taxonomy, settings: Settings
) -> list[Row]:
    """The rows of fct_friction_signals, from events in the total order and support contacts."""
    used = [event for event in used if event["occurred_at"] <= settings.as_of]
    visits = defaultdict(list)
    for event in used:
        if event["session_id"] is not None:
            visits[event["session_id"]].append(event)

    found = {}
    for event in used:
        if event["session_id"] is None:
            for row in taxonomy.friction_events:
                if row["kind"] == "event" and fits(event, row):
                    put(found, row["signal"], event["event_id"], event, event.get("page_path"))
    for members in visits.values():
        told = (*declared(members, taxonomy.friction_events), *loops(members), *returns(members))
        for signal, place, path in told:
            event, goes_on = members[place], place + 1 < len(members)
            put(found, signal, event["event_id"], event, path, goes_on)
    for contact in contacts:
        if contact["is_complaint"] and contact["opened_at"] <= settings.as_of:
            told = {"person_id": contact["person_id"], "occurred_at": contact["opened_at"]}
            put(found, "complaint", contact["contact_key"], told)
    return [
        {**row, "occurred_date": local_date(row["occurred_at"], settings)} for row in found.values()
    ]


def put(
    found: dict,
    signal: str,
    what: str,
    told: Row,
    path: str | None = None,
    goes_on: bool | None = None,
) -> None:
    """An event gives a signal once, however many rows of the seed it fits."""
    found[signal, what] = {
        "friction_signal_id": key(signal, what),
        "signal": signal,
        **pick(told, ("person_id", "session_id", "event_id", "occurred_at")),
        "page_path": path,
        "has_later_event": goes_on,
    }


# ---------------------------------------------------------------- within a session

# each gives a signal, the place of its event in the session, and the page that it is about
Told = Iterator[tuple[str, int, str | None]]


def declared(members: list[Row], seed: Iterable[Row]) -> Told:
    for row in seed:
        fitting = [place for place, event in enumerate(members) if fits(event, row)]
        for number, place in enumerate(fitting):
            after = {event["event_name"] for event in members[place + 1 :]}
            since = members[place]["occurred_at"] - REPEATED_WITHIN
            lately = [p for p in fitting[: number + 1] if members[p]["occurred_at"] >= since]
            is_one = {
                "event": True,
                "unfinished": row["resolved_by"] not in after,
                "repeated": len(lately) >= REPEATED_FROM,
            }
            if is_one[row["kind"]]:
                yield row["signal"], place, page_at(members, place)


def page_at(members: list[Row], place: int) -> str | None:
    """The event's own page, else the last one that was viewed before it."""
    own = members[place].get("page_path")
    if own is not None:
        return own
    viewed = [event["page_path"] for event in members[:place] if has_page(event)]
    return viewed[-1] if viewed else None


def has_page(event: Row) -> bool:
    return is_view(event) and event.get("page_path") is not None


def pages(members: list[Row]) -> list[tuple[int, str]]:
    """The place at which each visit of a page begins; a page seen twice in a row is one visit."""
    viewed = [(place, event["page_path"]) for place, event in enumerate(members) if has_page(event)]
    changes = [after for before, after in pairwise(viewed) if before[1] != after[1]]
    return viewed[:1] + changes


def loops(members: list[Row]) -> Told:
    seen = Counter()
    for place, path in pages(members):
        seen[path] += 1
        if seen[path] == LOOP_FROM:
            yield "page_loop", place, path


def returns(members: list[Row]) -> Told:
    """There and back; the page is the one that was left so soon."""
    visited = pages(members)
    for (_, one), (there, other), (back, again) in zip(
        visited, visited[1:], visited[2:], strict=False
    ):
        seen_for = members[back]["occurred_at"] - members[there]["occurred_at"]
        if one == again and seen_for < SEEN_BRIEFLY:
            yield "quick_back", back, other
