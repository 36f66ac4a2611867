"""From raw copies to events that stand: one per key, with its name and its meaning."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from .records import KINDS, as_text
from .words import (
    ACTOR_CLASSES,
    DELIVERY_COLUMNS,
    ENDPOINT_CLASSES,
    Identifier,
    Row,
    Taxonomy,
    identifier_id,
    is_true,
    md5,
    total_order,
)

Content = Callable[[Row], str]

EVENT_COLUMNS = (
    "event_type",
    "raw_event_name",
    "occurred_at",
    "client_occurred_at",
    "anonymous_id",
    "device_id",
    "user_id",
    "customer_id",
    "email_hash",
    "phone_hash",
    "email_domain",
    "account_id",
    "platform",
    "page_host",
    "page_path",
    "page_title",
    "referrer_host",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "click_id_type",
    "user_agent",
    "ip_hash",
    "amount",
    "currency_code",
    "quantity",
    "properties",
)
SPEND_COLUMNS = (
    "impression_count",
    "click_count",
    "spend_amount",
    "currency_code",
    "utm_source",
    "utm_medium",
    "utm_campaign",
)
CONTENT_COLUMNS = {
    "event_id": EVENT_COLUMNS,
    "spend_id": SPEND_COLUMNS,
    "link_row_id": (),
    **{kind.key: kind.content for kind in KINDS.values()},
}
# things that change: the newest version stands, where of an event the first received one does
NEWEST_STANDS = {"spend_id", *(kind.key for kind in KINDS.values())}
# what the taxonomy says of an event, and whom it names
MEANING_COLUMNS = (
    "event_name",
    "is_known_event",
    "event_priority",
    "is_interactive",
    "is_core",
    "touchpoint_type",
    "suppression_reason",
    "endpoint_id",
    "endpoint_identifier_id",
    "user_identifier_id",
    "strong_identifier_id",
)
# names have been turned into keys by then, and traffic has been judged
SPENT_COLUMNS = {"raw_event_name", *ENDPOINT_CLASSES, "email_domain", "user_agent", "ip_hash"}
CLASSIFIED_COLUMNS = (
    *("event_id", "is_implied", *DELIVERY_COLUMNS, "received_at"),
    *(name for name in EVENT_COLUMNS if name not in SPENT_COLUMNS),
    *MEANING_COLUMNS,
)


# ---------------------------------------------------------------- copies and accounts


def content_of(row: Row, key: str) -> str:
    return md5("|".join(as_text(name, row.get(name)) for name in CONTENT_COLUMNS[key]))


def delivery_of(row: Row) -> tuple:
    """The order of deliveries; a load without a time comes last."""
    loaded_at = row["loaded_at"]
    time = (loaded_at is None, loaded_at or datetime.min)
    return *time, row["load_id"], row["source_table"], row["source_name"]


def receipt_of(row: Row, content: Content) -> tuple:
    received_at = row["received_at"]
    return received_at is None, received_at or datetime.min, content(row)


def copies_by_key(rows: list[Row], key: str) -> dict[tuple[str, str], list[int]]:
    """Source and key -> the positions of its copies; rejected rows are none."""
    made_of = next((kind for kind in KINDS.values() if kind.key == key and kind.made_of), None)
    copies_of = defaultdict(list)
    for position, row in enumerate(rows):
        if row["reject_reason"] is None:
            own_key = made_of.id_of(row) if made_of else row[key]
            copies_of[row["source_name"], own_key].append(position)
    return copies_of


def winners(rows: list[Row], key: str, content: Content | None = None) -> list[int]:
    """The position of the one winning row of every key; rejected rows never win."""
    content = content or (lambda row: content_of(row, key))

    def version(position):
        row = rows[position]
        return row["updated_at"] or datetime.min, content(row)

    won = []
    for copies in copies_by_key(rows, key).values():
        if len(copies) > 1:
            # min and max keep the first of equals: the earliest delivery
            copies.sort(key=lambda position: delivery_of(rows[position]))
            if key in NEWEST_STANDS:
                copies = [max(copies, key=version)]
            else:
                copies = [min(copies, key=lambda position: receipt_of(rows[position], content))]
        won.append(copies[0])
    return won


def duplicates(rows: list[Row]) -> list[Row]:
    """The copies of each event that has several, equal ones together, each with its rank."""

    def content(row):
        return content_of(row, "event_id")

    found = []
    for (_, event_id), copies in copies_by_key(rows, "event_id").items():
        if len(copies) == 1:
            continue
        groups = Counter(
            (*receipt_of(rows[position], content), *delivery_of(rows[position]))
            for position in copies
        )
        rank = 1
        for place in sorted(groups):
            no_receipt, received_at, content_hash, no_load_time, loaded_at, *where = place
            load_id, source_table, source_name = where
            found.append(
                {
                    "event_id": event_id,
                    "source_name": source_name,
                    "source_table": source_table,
                    "load_id": load_id,
                    "loaded_at": None if no_load_time else loaded_at,
                    "received_at": None if no_receipt else received_at,
                    "content_hash": content_hash,
                    "copy_count": groups[place],
                    "first_copy_number": rank,
                }
            )
            rank += groups[place]
    return found


def account(
    rows: list[Row], key: str, suppressed: Iterable[str] = (), content: Content | None = None
) -> dict[tuple, Counter]:
    """What became of every raw row, per (source_name, source_table, load_id)."""
    suppressed = set(suppressed)
    won = set(winners(rows, key, content))
    accounts = {}
    for position, row in enumerate(rows):
        if row["reject_reason"] is not None:
            fate = "rejected"
        elif position not in won:
            fate = "duplicate"
        elif row[key] in suppressed:
            fate = "suppressed"
        else:
            fate = "accepted"
        load = accounts.setdefault(
            (row["source_name"], row["source_table"], row["load_id"]),
            Counter(raw=0, accepted=0, duplicate=0, rejected=0, suppressed=0),
        )
        load["raw"] += 1
        load[fate] += 1
    return accounts


# ---------------------------------------------------------------- whom a row names


class Cleaner:
    """From a row to its identifiers, placeholders left out."""

    def __init__(self, placeholders: list[Row]):
        self.exact = {row["value"] for row in placeholders if row["match_type"] == "exact"}
        self.patterns = [
            re.compile(row["value"]) for row in placeholders if row["match_type"] == "pattern"
        ]
        self.known = {}

    def value(self, raw: str | None) -> str | None:
        if raw not in self.known:
            # spaces only, as trim() does in SQL
            trimmed = (raw or "").strip(" ")
            lowered = trimmed.lower()
            is_placeholder = lowered in self.exact or any(
                pattern.fullmatch(lowered) for pattern in self.patterns
            )
            self.known[raw] = None if is_placeholder or not trimmed else trimmed
        return self.known[raw]

    def identifiers(self, row: Row) -> dict[str, str]:
        """The cleaned value of each class that the row shows."""
        values = {name: self.value(row.get(name)) for name in ENDPOINT_CLASSES}
        return {name: value for name, value in values.items() if value is not None}

    def evidence(self, row: Row) -> set[Identifier]:
        shown = set(self.identifiers(row).items())
        previous = self.value(row.get("previous_anonymous_id"))
        return shown | {("anonymous_id", previous)} if previous is not None else shown


# ---------------------------------------------------------------- classification


def classified(rows: Iterable[Row], taxonomy: Taxonomy, clean: Cleaner) -> list[Row]:
    """The rows with their names, flags, identifiers and endpoints, in the total order."""
    named = Namer(taxonomy.event_rules)
    meanings = {row["event_name"]: row for row in taxonomy.events}
    exclusions = [
        (row["field"], re.compile(row["pattern"]), row["reason"])
        for row in sorted(taxonomy.excluded_traffic, key=lambda row: int(row["rule_number"]))
    ]
    strong = strong_classes(taxonomy)
    events = []
    for row in rows:
        event_name = named.name(row)
        meaning = meanings.get(event_name, {})
        identifiers = clean.identifiers(row)
        endpoint = next(((n, identifiers[n]) for n in ENDPOINT_CLASSES if n in identifiers), None)
        actor = next(
            ((n, identifiers[n]) for n in ACTOR_CLASSES if n in identifiers and n in strong), None
        )
        user = identifiers.get("user_id")
        reason = next(
            (
                reason
                for name, pattern, reason in exclusions
                if row.get(name) is not None and pattern.search(str(row[name]).lower())
            ),
            None,
        )
        endpoint_id = identifier_id(endpoint) if endpoint else md5(f"event:{row['event_id']}")
        events.append(
            {
                **row,
                "is_implied": row.get("is_implied", False),
                "event_name": event_name,
                "is_known_event": event_name in meanings,
                "event_priority": int(meaning.get("event_priority") or 100),
                "is_interactive": is_true(
                    meaning.get("is_interactive"), default=row["event_type"] != "server"
                ),
                "is_core": is_true(meaning.get("is_core")),
                "touchpoint_type": meaning.get("touchpoint_type") or None,
                "suppression_reason": reason,
                "is_suppressed": reason is not None,
                "identifiers": identifiers,
                "endpoint": endpoint,
                "endpoint_id": endpoint_id,
                "endpoint_identifier_id": identifier_id(endpoint) if endpoint else None,
                "user_identifier_id": identifier_id(("user_id", user)) if user else None,
                "actor": actor,
                "strong_identifier_id": identifier_id(actor) if actor else None,
                "session_id": None,
                "person_id": None,
            }
        )
    return sorted(events, key=total_order)


def strong_classes(taxonomy: Taxonomy) -> set[str]:
    return {r["identifier_class"] for r in taxonomy.identifier_rules if is_true(r["is_strong"])}


class Namer:
    def __init__(self, event_rules: list[Row]):
        self.rules = [
            (rule, re.compile(rule.get("pattern") or ""))
            for rule in sorted(event_rules, key=lambda rule: int(rule["rule_number"]))
        ]
        self.candidates = {}

    def name(self, row: Row) -> str | None:
        kind = tuple(row.get(name) for name in ("source_name", "event_type", "raw_event_name"))
        if kind not in self.candidates:
            self.candidates[kind] = [
                (rule, pattern) for rule, pattern in self.rules if self.is_about(rule, kind)
            ]
        for rule, pattern in self.candidates[kind]:
            if self.has_property(rule, pattern, row) and self.has_sign(rule, row.get("amount")):
                return rule["event_name"]
        return self.default_name(row)

    @staticmethod
    def is_about(rule: Row, kind: tuple) -> bool:
        wanted = (rule.get(name) for name in ("source_name", "event_type", "raw_event_name"))
        return all(not want or want == have for want, have in zip(wanted, kind, strict=True))

    @staticmethod
    def has_property(rule: Row, pattern: re.Pattern, row: Row) -> bool:
        name = rule.get("property")
        if not name:
            return True
        text = row.get(name) if name in ("page_path", "page_host") else property_text(row, name)
        return text is not None and pattern.search(text) is not None

    @staticmethod
    def has_sign(rule: Row, amount) -> bool:
        sign = rule.get("amount_sign")
        if not sign:
            return True
        if amount is None:
            return False
        return sign == ("positive" if amount > 0 else "negative" if amount < 0 else "zero")

    @staticmethod
    def default_name(row: Row) -> str | None:
        if row["event_type"] in ("page", "screen"):
            return f"{row['event_type']}_viewed"
        if row.get("raw_event_name") is None:
            return None
        lowered = row["raw_event_name"].strip(" ").lower()
        return re.sub(r"[^a-z0-9]+", "_", lowered).strip("_")


def property_text(row: Row, name: str) -> str | None:
    try:
        properties = json.loads(row.get("properties") or "{}")
    except (ValueError, RecursionError):
        return None
    value = properties.get(name) if isinstance(properties, dict) else None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
