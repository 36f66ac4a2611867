"""Organisations: what their sources and their members say of them."""

from collections import defaultdict
from datetime import timedelta

from . import facts
from .interactions import newest_of_all_sources
from .words import NONE, Row, Settings, Taxonomy, key, pick

ACTIVE = timedelta(days=28)
SAID = ("account_name", "plan", "industry", "created_at")
COUNTED = ("employee_count", "seat_count")


def accounts(
    newest: list[Row], everybody: list[Row], taxonomy: Taxonomy, settings: Settings
) -> list[Row]:
    said = {row["account_id"]: row for row in newest_of_all_sources(newest, "account_id")}
    members = defaultdict(list)
    for person in everybody:
        if person["account_id"] is not None:
            members[person["account_id"]].append(person)
    number_of = {row["stage"]: int(row["stage_number"]) for row in taxonomy.stages}

    found = []
    for account_id in {*said, *members}:
        known, people = said.get(account_id, {}), members[account_id]

        def of_members(name, people=people):
            return [person[name] for person in people if person[name] is not None]

        active = sum(at + ACTIVE > settings.as_of for at in of_members("last_seen_at"))
        counts = {name: None if known.get(name) is None else int(known[name]) for name in COUNTED}
        found.append(
            {
                "account_id": account_id,
                **pick(known, SAID),
                **counts,
                "member_count": len(people),
                "active_member_count": active,
                "seat_use_ratio": active / counts["seat_count"] if counts["seat_count"] else None,
                "first_seen_at": min(of_members("first_seen_at"), default=None),
                "last_seen_at": max(of_members("last_seen_at"), default=None),
                "first_paid_at": min(of_members("first_paid_at"), default=None),
                "stage": max(of_members("current_stage"), key=number_of.get, default=None),
            }
        )
    return found


def segments(described: list[Row]) -> list[Row]:
    return [
        {
            "account_segment_id": key(row["account_id"], segment_type),
            "account_id": row["account_id"],
            "segment_type": segment_type,
            "segment_value": NONE if value is None else value,
        }
        for row in described
        for segment_type, value in (
            ("all", "all"),
            ("plan", row["plan"]),
            ("industry", row["industry"]),
        )
    ]


def account_days(days: list[Row], account_of: dict[str, str]) -> list[Row]:
    of_account = defaultdict(list)
    for row in days:
        if row["person_id"] in account_of:
            of_account[account_of[row["person_id"]], row["active_date"]].append(row)
    return [
        {
            "account_day_id": key(account_id, day),
            "account_id": account_id,
            "active_date": day,
            "first_event_at": min(row["first_event_at"] for row in rows),
            "last_event_at": max(row["last_event_at"] for row in rows),
            "active_member_count": len(rows),
            "event_count": sum(row["event_count"] for row in rows),
            "core_event_count": sum(row["core_event_count"] for row in rows),
        }
        for (account_id, day), rows in of_account.items()
    ]


def retention(
    used: list[Row], account_of: dict[str, str], taxonomy: Taxonomy, settings: Settings
) -> tuple[list[Row], list[Row]]:
    """An account does what its members do."""
    done = [
        {**event, "person_id": account_of[event["person_id"]]}
        for event in used
        if event["person_id"] in account_of
    ]
    renamed = {
        "person_id": "account_id",
        "retention_start_id": "account_retention_start_id",
        "retention_return_id": "account_retention_return_id",
    }
    starts, returns = (
        [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
        for rows in facts.retention(done, taxonomy, settings)
    )
    return starts, returns
