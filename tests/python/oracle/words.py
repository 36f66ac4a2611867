"""What all parts of the oracle share: the rows they read, the settings, the small words."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

Row = dict
Identifier = tuple[str, str]  # (class, cleaned value)

ENDPOINT_CLASSES = (
    "anonymous_id",
    "device_id",
    "user_id",
    "customer_id",
    "email_hash",
    "phone_hash",
)
# who is said to have done it, the first that is there
ACTOR_CLASSES = ("user_id", "customer_id", "email_hash")
# how a row came
DELIVERY_COLUMNS = ("source_name", "source_table", "load_id", "loaded_at")
NONE = "(none)"
FOREVER = date(9999, 12, 31)


@dataclass
class Canonical:
    """One row per raw row, rejected ones included."""

    events: list[Row] = field(default_factory=list)
    identity_links: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    ad_spend: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    support_contacts: list[Row] = field(default_factory=list)
    survey_responses: list[Row] = field(default_factory=list)
    experiment_exposures: list[Row] = field(default_factory=list)
    commercial_offers: list[Row] = field(default_factory=list)
    content_assets: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)


@dataclass
class Taxonomy:
    """The rows of the seeds, every value as the text that stands in the file."""

    event_rules: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    stages: list[Row] = field(default_factory=list)
    stage_rules: list[Row] = field(default_factory=list)
    identifier_rules: list[Row] = field(default_factory=list)
    placeholder_identifiers: list[Row] = field(default_factory=list)
    blocked_links: list[Row] = field(default_factory=list)
    excluded_traffic: list[Row] = field(default_factory=list)
    touchpoint_types: list[Row] = field(default_factory=list)
    milestones: list[Row] = field(default_factory=list)
    goals: list[Row] = field(default_factory=list)
    channel_rules: list[Row] = field(default_factory=list)
    source_categories: list[Row] = field(default_factory=list)
    fx_rates: list[Row] = field(default_factory=list)
    retention_definitions: list[Row] = field(default_factory=list)
    retention_events: list[Row] = field(default_factory=list)
    features: list[Row] = field(default_factory=list)
    onboarding_steps: list[Row] = field(default_factory=list)
    checkout_steps: list[Row] = field(default_factory=list)
    ctas: list[Row] = field(default_factory=list)
    experiments: list[Row] = field(default_factory=list)
    help_events: list[Row] = field(default_factory=list)
    advocacy_events: list[Row] = field(default_factory=list)
    revenue_events: list[Row] = field(default_factory=list)
    journeys: list[Row] = field(default_factory=list)
    journey_steps: list[Row] = field(default_factory=list)
    journey_rules: list[Row] = field(default_factory=list)
    friction_events: list[Row] = field(default_factory=list)
    funnels: list[Row] = field(default_factory=list)
    funnel_steps: list[Row] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "Taxonomy":
        seeds = {}
        for name in cls.__dataclass_fields__:
            with open(Path(folder) / f"{name}.csv", encoding="utf-8", newline="") as file:
                seeds[name] = list(csv.DictReader(file))
        return cls(**seeds)


@dataclass(frozen=True)
class Settings:
    as_of: datetime
    session_timeout_seconds: int = 1800
    session_cap_hours: int = 24
    dormant_after_days: int = 60
    habit_days: int = 3
    habit_window_days: int = 28
    reporting_timezone: str = "UTC"
    reporting_currency: str = "EUR"
    attribution_lookback_days: int = 30
    attribution_half_life_days: int = 7
    attribution_direct: str = "counts"


def md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def key(*parts) -> str:
    """The key of a row that has none of its own: md5 of what it is one row per."""
    return md5("|".join(str(part) for part in parts))


@cache
def identifier_id(identifier: Identifier) -> str:
    return md5(f"{identifier[0]}:{identifier[1]}")


def is_true(text: str | None, default: bool = False) -> bool:
    return text.lower() == "true" if text else default


def accepted_rows(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["reject_reason"] is None]


def pick(row: Row, names: Iterable[str]) -> Row:
    return {name: row.get(name) for name in names}


def total_order(event: Row) -> tuple:
    return event["occurred_at"], event["event_priority"], event["event_id"]


# ---------------------------------------------------------------- time and money


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_time(moment: datetime, settings: Settings) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(_zone(settings.reporting_timezone))


def local_date(moment: datetime | None, settings: Settings) -> date | None:
    return None if moment is None else local_time(moment, settings).date()


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def whole_seconds(begin: datetime, end: datetime | None) -> int | None:
    return None if end is None else (end - begin) // timedelta(seconds=1)


def rounded(value: Decimal, places: int = 4) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
