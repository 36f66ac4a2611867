"""By which way people come to the company: visits, touches outside them, support."""

from datetime import timedelta
from itertools import groupby

from .words import Row, Settings, Taxonomy, is_true, key, local_date, pick, whole_seconds

SWITCH_WITHIN = timedelta(days=30)
KINDS = ("session", "touch", "support")  # of one moment in this order
TOLD_ELSEWHERE = ("session", "support")  # types of touches that are contacts of another kind


def channel_visits(
    visits: list[Row],
    touches: list[Row],
    contacts: list[Row],
    taxonomy: Taxonomy,
    settings: Settings,
) -> list[Row]:
    """The rows of fct_channel_visits, from the facts of sessions, touchpoints and support."""
    assisted = {
        row["touchpoint_type"]
        for row in taxonomy.touchpoint_types
        if is_true(row.get("is_assisted"))
    }
    made = [
        *(contact(row, "session", row["session_id"], platform_of(row), False) for row in visits),
        *(
            contact(row, "touch", row["touchpoint_id"], kind, kind in assisted)
            for row in touches
            if row["direction"] == "inbound" and (kind := row["touchpoint_type"])
            if kind not in TOLD_ELSEWHERE and (row["session_id"] is None or kind in assisted)
        ),
        *(
            contact(row, "support", row["contact_key"], row["contact_type"], row["is_human"])
            for row in contacts
            if row["contact_type"] != "article"
        ),
    ]
    made = [row for row in made if row["occurred_at"] <= settings.as_of]
    made.sort(
        key=lambda row: (
            row["person_id"],
            row["occurred_at"],
            KINDS.index(row["kind"]),
            row["id"],
        )
    )
    return [
        row
        for _, of_person in groupby(made, lambda row: row["person_id"])
        for row in in_order(list(of_person), settings)
    ]


def platform_of(visit: Row) -> str:
    return "(unknown)" if visit["platform"] is None else visit["platform"]


def contact(row: Row, kind: str, what: str, channel: str, is_assisted: bool) -> Row:
    began = {"session": "started_at", "touch": "occurred_at", "support": "opened_at"}[kind]
    return {
        "id": what,
        "person_id": row["person_id"],
        "kind": kind,
        "channel": channel,
        "is_assisted": is_assisted,
        "occurred_at": row[began],
    }


def in_order(made: list[Row], settings: Settings) -> list[Row]:
    found = []
    for number, row in enumerate(made):
        before = made[number - 1] if number else {}
        after = made[number + 1] if number + 1 < len(made) else {}
        at, came = row["occurred_at"], before.get("occurred_at")
        is_soon = came is not None and at - came <= SWITCH_WITHIN
        found.append(
            {
                "channel_visit_id": key(row["kind"], row["id"]),
                **pick(row, ("person_id", "kind", "channel", "is_assisted", "occurred_at")),
                "occurred_date": local_date(at, settings),
                "visit_number": number + 1,
                "previous_channel": before.get("channel"),
                "previous_is_assisted": before.get("is_assisted"),
                "previous_contact_at": came,
                "seconds_since_previous": None if came is None else whole_seconds(came, at),
                "is_switch": is_soon and before["channel"] != row["channel"],
                "next_contact_at": after.get("occurred_at"),
            }
        )
    return found
