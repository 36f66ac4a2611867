"""Visits: which events are one, who is logged in, and who did what."""

from collections import defaultdict
from datetime import timedelta

from .events import CLASSIFIED_COLUMNS
from .identity import People
from .words import Row, Settings, identifier_id, local_date, md5, pick

SESSION_COLUMNS = (
    "occurred_date",
    "session_id",
    "session_started_at",
    "is_session_start",
    "is_session_end",
    "is_session_first_page",
    "session_event_number",
    "session_user_identifier_id",
)
FLAGS = ("is_session_start", "is_session_end", "is_session_first_page")
PERSON_COLUMNS = ("owner_identifier_id", "person_id", "is_known", "is_shared_endpoint")
ORIGIN_COLUMNS = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "click_id_type",
    "referrer_host",
)


def put_in_sessions(events: list[Row], settings: Settings) -> dict[str, list[Row]]:
    """Gives each interactive event its session; returns the events of each session in order."""
    timeout = timedelta(seconds=settings.session_timeout_seconds)
    cap = timedelta(hours=settings.session_cap_hours)
    by_endpoint = defaultdict(list)
    for event in events:
        event |= dict.fromkeys(SESSION_COLUMNS)
        event |= dict.fromkeys(FLAGS, False)
        event["occurred_date"] = local_date(event["occurred_at"], settings)
        if event["is_interactive"]:
            by_endpoint[event["endpoint_id"]].append(event)

    sessions = {}
    for endpoint_id, members in by_endpoint.items():
        previous_at = run_start = block = session_id = started_at = None
        for event in members:
            moment = event["occurred_at"]
            starts = previous_at is None or moment - previous_at >= timeout
            if starts:
                run_start, block = moment, 0
            elif cap and (moment - run_start) // cap > block:
                block = (moment - run_start) // cap
                starts = True
            if starts:
                session_id, started_at = md5(f"{endpoint_id}|{event['event_id']}"), moment
                sessions[session_id] = []
            event["session_id"] = session_id
            event["session_started_at"] = started_at
            event["is_session_start"] = starts
            sessions[session_id].append(event)
            previous_at = moment
    for members in sessions.values():
        members[-1]["is_session_end"] = True
        pages = [event for event in members if event.get("page_path") is not None]
        for event in pages[:1]:
            event["is_session_first_page"] = True
        for number, event in enumerate(members, 1):
            event["session_event_number"] = number
        for event, user in zip(members, session_users(members), strict=True):
            event["session_user_identifier_id"] = user
    return sessions


def session_users(members: list[Row]) -> list[str | None]:
    """The session user of each event: its own, else the next one's, else the last one's."""
    own = [event["user_identifier_id"] for event in members]
    following, user = [], None
    for value in reversed(own):
        user = value or user
        following.append(user)
    last = next((value for value in reversed(own) if value), None)
    return [user or last for user in reversed(following)]


def find_persons(events: list[Row], people: People) -> None:
    """Gives each event the person who did it."""
    known = {identifier_id(node): facts for node, facts in people.persons.items()}
    for event in events:
        endpoint, user = event["endpoint"], event["session_user_identifier_id"]
        is_shared = endpoint in people.shared
        if event["actor"]:
            owner = event["strong_identifier_id"]
        elif is_shared and user:
            owner = user
        else:
            owner = event["endpoint_identifier_id"]
        event["owner_identifier_id"] = owner
        event["is_shared_endpoint"] = is_shared
        # an event that names nobody is a person of its own
        event["person_id"], event["is_known"] = known.get(owner, (event["endpoint_id"], False))


def sessionized_rows(events: list[Row]) -> list[Row]:
    return [pick(event, (*CLASSIFIED_COLUMNS, *SESSION_COLUMNS)) for event in events]


def identified_rows(events: list[Row]) -> list[Row]:
    columns = (*CLASSIFIED_COLUMNS, *SESSION_COLUMNS, *PERSON_COLUMNS)
    return [pick(event, columns) for event in events]


def external_referrer(event: Row) -> str | None:
    """The page that led here, where it is of another site than the event's own; www. aside."""
    referrer, own = event.get("referrer_host"), event.get("page_host")
    if referrer and own and referrer.removeprefix("www.") == own.removeprefix("www."):
        return None
    return referrer


def decisive(members: list[Row]) -> Row:
    """The event that says whose the session is: the first with a user, else the first."""
    return next((event for event in members if event["user_identifier_id"]), members[0])


def is_view(event: Row) -> bool:
    return event["event_type"] in ("page", "screen")


def aggregated(sessions: dict[str, list[Row]], goal_events: set[str]) -> dict[str, Row]:
    """What a session is, before it is known whose."""
    rows = {}
    for session_id, members in sessions.items():
        first, last = members[0], members[-1]
        page = next((event for event in members if event.get("page_path") is not None), {})
        rows[session_id] = {
            "session_id": session_id,
            "endpoint_id": first["endpoint_id"],
            "endpoint_identifier_id": first["endpoint_identifier_id"],
            "entry_strong_identifier_id": first["strong_identifier_id"],
            "session_user_identifier_id": decisive(members)["user_identifier_id"],
            "started_at": first["occurred_at"],
            "ended_at": last["occurred_at"],
            "event_count": len(members),
            "page_view_count": sum(is_view(event) for event in members),
            "core_event_count": sum(event["is_core"] for event in members),
            "key_event_count": sum(event["event_name"] in goal_events for event in members),
            "platform": first.get("platform"),
            "entry_page_host": page.get("page_host"),
            "entry_page_path": page.get("page_path"),
            "exit_page_path": last.get("page_path"),
            "entry_event_name": first["event_name"],
            "second_event_name": members[1]["event_name"] if len(members) > 1 else None,
            **pick(first, ORIGIN_COLUMNS),
        }
    return rows
