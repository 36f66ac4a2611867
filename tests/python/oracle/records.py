"""Records: what a source tells of in versions. The newest stands, and events follow from it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .words import DELIVERY_COLUMNS, Row, md5, pick

# whom a record can name, in the order in which its content is written
ANYBODY = ("user_id", "customer_id", "email_hash", "phone_hash", "device_id", "anonymous_id")


@dataclass(frozen=True)
class Implied:
    """An event that a record stands for from a moment on; a slot, not a name, makes its key."""

    slot: str
    moment: str
    name: str = ""  # with the record's own words in braces; else the slot
    properties: tuple[str, ...] = ()
    amount: str | None = None


@dataclass(frozen=True)
class Kind:
    key: str
    says: str  # the columns beside the identifiers
    events: tuple[Implied, ...] = ()
    names: tuple[str, ...] = ANYBODY
    happened: tuple[str, ...] = ()  # when it is seen, if nobody says when it was changed
    made_of: tuple[str, ...] = ()  # the key, where the record has none of its own

    @property
    def content(self) -> tuple[str, ...]:
        names = (name for name in ANYBODY if name in self.names)
        return (*names, *(name for name in self.says.split() if name != self.key))

    def id_of(self, row: Row) -> str:
        if not self.made_of:
            return row[self.key]
        texts = (as_text(name, row.get(name)) for name in ("source_name", *self.made_of))
        return md5("|".join(texts))


OFFERED = ("offer_type", "product", "channel")
KINDS = {
    "subscriptions": Kind(
        "subscription_id",
        """subscription_id plan billing_interval status trial_started_at trial_ended_at started_at
        cancelled_at ended_at mrr_amount currency_code""",
        (
            Implied("trial_started", "trial_started_at", amount="mrr_amount"),
            Implied("subscription_started", "started_at", amount="mrr_amount"),
            Implied("subscription_cancelled", "cancelled_at", amount="mrr_amount"),
        ),
        names=("user_id", "customer_id", "email_hash"),
        happened=("trial_started_at", "started_at"),
    ),
    "messages": Kind(
        "message_event_id",
        "message_id message_event channel campaign reason cta is_machine occurred_at",
        (
            Implied(
                "message",
                "occurred_at",
                "message_{message_event}",
                ("message_id", "channel", "campaign", "reason", "cta", "is_machine"),
            ),
        ),
        happened=("occurred_at",),
        made_of=("message_id", "message_event", "occurred_at"),
    ),
    "support_contacts": Kind(
        "contact_id",
        """contact_id contact_type reason is_complaint is_escalated opened_at first_replied_at
        resolved_at csat_score cost_amount currency_code""",
        (
            Implied(
                "support_contacted",
                "opened_at",
                properties=("contact_type", "reason", "is_complaint"),
            ),
            Implied("support_resolved", "resolved_at", properties=("contact_type", "reason")),
        ),
        happened=("opened_at", "first_replied_at", "resolved_at"),
    ),
    "survey_responses": Kind(
        "response_id",
        "response_id survey survey_type wave invited_at responded_at score",
        (
            Implied("survey_invited", "invited_at", properties=("survey", "survey_type")),
            Implied(
                "survey_responded", "responded_at", properties=("survey", "survey_type", "score")
            ),
        ),
        happened=("invited_at", "responded_at"),
    ),
    "experiment_exposures": Kind(
        "exposure_id",
        "experiment variant exposed_at",
        (Implied("experiment_viewed", "exposed_at", properties=("experiment", "variant")),),
        happened=("exposed_at",),
        made_of=("experiment", "variant", "exposed_at", *ANYBODY),
    ),
    "commercial_offers": Kind(
        "offer_id",
        """offer_id offer_type product channel offered_at accepted_at declined_at amount
        currency_code quantity""",
        (
            Implied("offer_made", "offered_at", properties=OFFERED),
            Implied("offer_accepted", "accepted_at", properties=OFFERED, amount="amount"),
            Implied("offer_declined", "declined_at", properties=OFFERED),
        ),
        happened=("offered_at", "accepted_at", "declined_at"),
    ),
    "content_assets": Kind(
        "asset_id", "asset_id asset_type title page_path published_at", names=()
    ),
    "accounts": Kind(
        "account_id",
        "account_id account_name plan industry employee_count seat_count created_at",
        names=(),
    ),
}


def as_text(column: str, value) -> str:
    """A column's text in the content of a row."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, Decimal) or column.endswith("amount"):
        return f"{Decimal(str(value)):.4f}"
    return str(value)


def property_of(value) -> str | None:
    """All properties are texts; a whole number has no point."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return None if value is None else as_text("", value)


def properties_of(row: Row, names: Iterable[str]) -> str | None:
    said = {name: property_of(row.get(name)) for name in names}
    said = {name: text for name, text in said.items() if text is not None}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False) if said else None


def implied_events(offer: str, newest: Iterable[Row]) -> list[Row]:
    """The events that the newest versions imply."""
    kind = KINDS[offer]
    return [
        {
            "event_id": md5(f"{row['source_name']}|{offer}|{kind.id_of(row)}|{event.slot}"),
            "event_type": "server",
            "platform": "server",
            "raw_event_name": (event.name or event.slot).format_map(row),
            "occurred_at": row[event.moment],
            "amount": row.get(event.amount) if event.amount else None,
            "currency_code": row.get("currency_code") if event.amount else None,
            "properties": properties_of(row, event.properties),
            "is_implied": True,
            **pick(row, DELIVERY_COLUMNS),
            **{name: row.get(name) if name in kind.names else None for name in ANYBODY},
        }
        for row in newest
        for event in kind.events
        if row.get(event.moment) is not None
    ]


def newest_rows(offer: str, newest: Iterable[Row]) -> list[Row]:
    """The newest versions as a table."""
    kind = KINDS[offer]
    return [
        {
            **pick(row, (*DELIVERY_COLUMNS, *kind.content, "updated_at")),
            kind.key: kind.id_of(row),
            "record_key": md5(f"{offer}|{row['source_name']}|{kind.id_of(row)}"),
        }
        for row in newest
    ]


def with_all_columns(offer: str, rows: Iterable[Row]) -> list[Row]:
    """A column that a row does not have says nothing."""
    kind = KINDS[offer]
    nothing = dict.fromkeys((kind.key, *kind.content, "updated_at"))
    return [{**nothing, **row} for row in rows]


def seen_at(offer: str) -> tuple[str, ...]:
    """Of these moments the first is when a version showed whom it names."""
    return "updated_at", *KINDS[offer].happened
