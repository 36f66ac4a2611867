"""The workshop once more, slow and plain: from events to people, sessions, days and stages.

Written from the same page of rules as the models, and from nothing else; it never reads their SQL.
Rows are plain dicts, a missing value is None, every datetime is naive and means UTC.
"""

import csv
import hashlib
import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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
ACTOR_CLASSES = ("user_id", "customer_id", "email_hash")
DERIVED_EVENTS = {
    "trial_started": "trial_started_at",
    "subscription_started": "started_at",
    "subscription_cancelled": "cancelled_at",
}
CONTENT_COLUMNS = {
    "event_id": (
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
    ),
    "subscription_id": (
        "customer_id",
        "user_id",
        "email_hash",
        "plan",
        "billing_interval",
        "status",
        "trial_started_at",
        "trial_ended_at",
        "started_at",
        "cancelled_at",
        "ended_at",
        "mrr_amount",
        "currency_code",
    ),
    "link_row_id": (),
}


@dataclass
class Canonical:
    """One row per raw row, rejected ones included."""

    events: list[Row] = field(default_factory=list)
    identity_links: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)


@dataclass
class Taxonomy:
    """The rows of the seeds, every value as the text that stands in the file."""

    event_rules: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    stages: list[Row] = field(default_factory=list)
    stage_rules: list[Row] = field(default_factory=list)
    identifier_rules: list[Row] = field(default_factory=list)
    placeholder_identifiers: list[Row] = field(default_factory=list)
    excluded_traffic: list[Row] = field(default_factory=list)

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


@dataclass
class Result:
    identifiers: dict[str, tuple[str, str, bool, bool]]  # class, person_id, is_shared, is_known
    events: dict[str, Row]
    sessions: dict[str, Row]
    person_days: dict[tuple[str, date], Row]
    stage_periods: list[Row]

    def account(self, rows: list[Row], key: str, content: Callable | None = None) -> dict:
        """See `account`; knows which events are suppressed."""
        suppressed = {event_id for event_id, e in self.events.items() if e["is_suppressed"]}
        return account(rows, key, suppressed if key == "event_id" else set(), content)


def run(
    canonical: Canonical,
    taxonomy: Taxonomy,
    settings: Settings,
    event_content: Callable[[Row], str] | None = None,
    subscription_content: Callable[[Row], str] | None = None,
) -> Result:
    """Everything from the canonical tables to the stage periods.

    The two hooks replace the text by which copies of one key and one time are ordered.
    """
    clean = Cleaner(taxonomy.placeholder_identifiers)
    people = find_people(canonical, taxonomy, clean)

    subscriptions = winners(canonical.subscriptions, "subscription_id", subscription_content)
    rows = [
        *(canonical.events[i] for i in winners(canonical.events, "event_id", event_content)),
        *derived_events(canonical.subscriptions[i] for i in subscriptions),
    ]
    events = classified(rows, taxonomy, clean)
    used = [event for event in events if not event["is_suppressed"]]
    sessions = put_in_sessions(used, settings)
    find_persons(used, sessions, people, taxonomy)
    days = person_days(used, settings)
    periods = stage_periods(used, habits(days, settings), taxonomy, settings)

    shown = (
        "event_name",
        "event_priority",
        "endpoint_id",
        "session_id",
        "person_id",
        "is_suppressed",
        "occurred_at",
        "is_interactive",
    )
    return Result(
        identifiers={identifier_id(node): facts for node, facts in people.items()},
        events={event["event_id"]: {name: event[name] for name in shown} for event in events},
        sessions={session_id: session_row(members) for session_id, members in sessions.items()},
        person_days=days,
        stage_periods=periods,
    )


# ---------------------------------------------------------------- small words


def md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def identifier_id(identifier: Identifier) -> str:
    return md5(f"{identifier[0]}:{identifier[1]}")


def is_true(text: str | None, default: bool = False) -> bool:
    return text.lower() == "true" if text else default


def as_text(column: str, value) -> str:
    """A column's text in the content of a row."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if column in ("amount", "mrr_amount", "quantity"):
        return f"{Decimal(str(value)):.4f}"
    return str(value)


def content_of(row: Row, key: str) -> str:
    return md5("|".join(as_text(name, row.get(name)) for name in CONTENT_COLUMNS[key]))


# ---------------------------------------------------------------- copies and accounts


def accepted_rows(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["reject_reason"] is None]


def winners(rows: list[Row], key: str, content: Callable | None = None) -> list[int]:
    """The position of the one winning row of every key; rejected rows never win."""
    content = content or (lambda row: content_of(row, key))
    copies_of = defaultdict(list)
    for position, row in enumerate(rows):
        if row["reject_reason"] is None:
            copies_of[row[key]].append(position)

    def delivery(position):
        row = rows[position]
        return row["loaded_at"], row["load_id"], row["source_table"], row["source_name"]

    def version(position):
        row = rows[position]
        return row["updated_at"] or datetime.min, content(row)

    def receipt(position):
        row = rows[position]
        received_at = row["received_at"]
        return received_at is None, received_at or datetime.min, content(row)

    won = []
    for copies in copies_of.values():
        if len(copies) > 1:
            # min and max keep the first of equals: the earliest delivery
            copies.sort(key=delivery)
            newest = key == "subscription_id"
            copies = [max(copies, key=version) if newest else min(copies, key=receipt)]
        won.append(copies[0])
    return won


def account(
    rows: list[Row], key: str, suppressed: Iterable[str] = (), content: Callable | None = None
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


def derived_events(subscriptions: Iterable[Row]) -> list[Row]:
    return [
        {
            "event_id": md5(
                f"{row['source_name']}|subscription|{row['subscription_id']}|{event_name}"
            ),
            "event_type": "server",
            "raw_event_name": event_name,
            "occurred_at": row[moment],
            **{name: row.get(name) for name in ("source_name", *ACTOR_CLASSES)},
        }
        for row in subscriptions
        for event_name, moment in DERIVED_EVENTS.items()
        if row.get(moment) is not None
    ]


# ---------------------------------------------------------------- identity


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


class Components:
    """Union-find; no recursion, so that a chain of any length will do."""

    def __init__(self):
        self.parent = {}

    def root(self, node):
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one, other):
        self.parent[self.root(one)] = self.root(other)

    def groups(self) -> list[list]:
        members = defaultdict(list)
        for node in list(self.parent):
            members[self.root(node)].append(node)
        return list(members.values())


def find_people(canonical: Canonical, taxonomy: Taxonomy, clean: Cleaner) -> dict:
    """Identifier -> (class, person_id, is_shared, is_known of the person)."""
    rules = {row["identifier_class"]: row for row in taxonomy.identifier_rules}
    priority = {name: int(rule["class_priority"]) for name, rule in rules.items()}
    merging_classes = {n for n, rule in rules.items() if is_true(rule["may_merge_strong"])}
    strong_classes = {n for n, rule in rules.items() if is_true(rule["is_strong"])}
    max_strong = {name: int(rule["max_strong"] or 0) for name, rule in rules.items()}

    def rank(node):
        return priority[node[0]], identifier_id(node)

    # the evidence: every row is a star around its strongest identifier
    neighbours = defaultdict(set)
    for rows in (canonical.events, canonical.identity_links, canonical.subscriptions):
        for shown in {frozenset(clean.evidence(row)) for row in accepted_rows(rows)}:
            centre, *others = sorted(shown, key=rank) or [None]
            if centre is not None:
                neighbours[centre].update(others)
            for other in others:
                neighbours[other].add(centre)
    nodes = list(neighbours)
    strong = [node for node in nodes if node[0] in merging_classes]
    weak = [node for node in nodes if node[0] not in merging_classes]

    # 1. merging identifiers that too many users have
    shared = set()
    for node in strong:
        limit = max_strong[node[0]]
        users = sum(other[0] == "user_id" for other in neighbours[node])
        if node[0] != "user_id" and 0 < limit < users:
            shared.add(node)

    # 2. strong clusters
    clusters = Components()
    clustered = {node for node in strong if node not in shared}
    for node in clustered:
        clusters.root(node)
        for other in neighbours[node] & clustered:
            clusters.join(node, other)

    # 3. weak identifiers: attached to one cluster, to none, or shared by several
    attached = {}
    for node in weak:
        around = {clusters.root(other) for other in neighbours[node] & clustered}
        if len(around) > 1:
            shared.add(node)
        else:
            attached[node] = around

    # 4. weak components
    components = Components()
    for node in attached:
        components.root(node)
        for other in neighbours[node]:
            if other in attached:
                components.join(node, other)
    people = Components()
    for group in clusters.groups():
        for node in group:
            people.join(node, group[0])
    for group in components.groups():
        in_all = set().union(*(attached[node] for node in group))
        for node in group:
            if len(in_all) <= 1:
                people.join(node, group[0])
                for cluster in in_all:
                    people.join(node, cluster)
            else:
                people.root(node)
                for cluster in attached[node]:
                    people.join(node, cluster)

    # 5. shared identifiers stand alone
    for node in shared:
        people.root(node)

    # 6. the person is called after the strongest member
    found = {}
    for group in people.groups():
        person_id = identifier_id(min(group, key=rank))
        is_known = any(node[0] in strong_classes for node in group)
        for node in group:
            found[node] = (node[0], person_id, node in shared, is_known)
    return found


# ---------------------------------------------------------------- classification


def classified(rows: Iterable[Row], taxonomy: Taxonomy, clean: Cleaner) -> list[Row]:
    """The rows with their names, flags, identifiers and endpoints, in the total order."""
    named = Namer(taxonomy.event_rules)
    meanings = {row["event_name"]: row for row in taxonomy.events}
    exclusions = [(row["field"], re.compile(row["pattern"])) for row in taxonomy.excluded_traffic]
    events = []
    for row in rows:
        event_name = named.name(row)
        meaning = meanings.get(event_name, {})
        identifiers = clean.identifiers(row)
        endpoint = next(((n, identifiers[n]) for n in ENDPOINT_CLASSES if n in identifiers), None)
        is_suppressed = any(
            row.get(name) is not None and pattern.search(str(row[name]).lower())
            for name, pattern in exclusions
        )
        endpoint_id = identifier_id(endpoint) if endpoint else md5(f"event:{row['event_id']}")
        events.append(
            {
                "event_id": row["event_id"],
                "event_name": event_name,
                "event_priority": int(meaning.get("event_priority") or 100),
                "is_interactive": is_true(
                    meaning.get("is_interactive"), default=row["event_type"] != "server"
                ),
                "is_core": is_true(meaning.get("is_core")),
                "is_suppressed": is_suppressed,
                "occurred_at": row["occurred_at"],
                "identifiers": identifiers,
                "endpoint": endpoint,
                # a suppressed event takes no part in anything after, so it gets nothing more
                "endpoint_id": None if is_suppressed else endpoint_id,
                "session_id": None,
                "person_id": None,
            }
        )
    return sorted(events, key=total_order)


def total_order(event: Row) -> tuple:
    return event["occurred_at"], event["event_priority"], event["event_id"]


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


# ---------------------------------------------------------------- sessions and persons


def put_in_sessions(events: list[Row], settings: Settings) -> dict[str, list[Row]]:
    """Gives each interactive event its session_id; returns the events of each session in order."""
    timeout = timedelta(seconds=settings.session_timeout_seconds)
    cap = timedelta(hours=settings.session_cap_hours)
    by_endpoint = defaultdict(list)
    for event in events:
        if event["is_interactive"]:
            by_endpoint[event["endpoint_id"]].append(event)

    sessions = {}
    for endpoint_id, members in by_endpoint.items():
        previous_at = run_start = block = session_id = None
        for event in members:
            moment = event["occurred_at"]
            starts = previous_at is None or moment - previous_at >= timeout
            if starts:
                run_start, block = moment, 0
            elif cap and (moment - run_start) // cap > block:
                block = (moment - run_start) // cap
                starts = True
            if starts:
                session_id = md5(f"{endpoint_id}|{event['event_id']}")
                sessions[session_id] = []
            event["session_id"] = session_id
            sessions[session_id].append(event)
            previous_at = moment
    return sessions


def session_users(members: list[Row]) -> list[str | None]:
    """The session user of each event: its own, else the next one's, else the last one's."""
    own = [event["identifiers"].get("user_id") for event in members]
    following, user = [], None
    for value in reversed(own):
        user = value or user
        following.append(user)
    last = next((value for value in reversed(own) if value), None)
    return [user or last for user in reversed(following)]


def find_persons(
    events: list[Row], sessions: dict[str, list[Row]], people: dict, taxonomy: Taxonomy
) -> None:
    """Gives each event the person who did it."""
    strong = {r["identifier_class"] for r in taxonomy.identifier_rules if is_true(r["is_strong"])}
    session_user = {}
    for members in sessions.values():
        for event, user in zip(members, session_users(members), strict=True):
            session_user[event["event_id"]] = user

    for event in events:
        identifiers, endpoint = event["identifiers"], event["endpoint"]
        named = [name for name in ACTOR_CLASSES if name in strong and name in identifiers]
        user = session_user.get(event["event_id"])
        if endpoint is None:
            event["person_id"] = event["endpoint_id"]
            continue
        if named:
            actor = (named[0], identifiers[named[0]])
        elif people[endpoint][2] and user:
            actor = ("user_id", user)
        else:
            actor = endpoint
        event["person_id"] = people[actor][1]


def session_row(members: list[Row]) -> Row:
    decisive = next((e for e in members if "user_id" in e["identifiers"]), members[0])
    return {
        "endpoint_id": members[0]["endpoint_id"],
        "person_id": decisive["person_id"],
        "started_at": members[0]["occurred_at"],
        "ended_at": members[-1]["occurred_at"],
        "event_count": len(members),
    }


# ---------------------------------------------------------------- days, habits, stages


def person_days(events: list[Row], settings: Settings) -> dict[tuple[str, date], Row]:
    zone = ZoneInfo(settings.reporting_timezone)
    by_day = defaultdict(list)
    for event in events:
        if event["is_interactive"]:
            local = event["occurred_at"].replace(tzinfo=UTC).astimezone(zone)
            by_day[event["person_id"], local.date()].append(event)

    days = {}
    for key, members in by_day.items():
        core = [event["occurred_at"] for event in members if event["is_core"]]
        days[key] = {
            "first_event_at": members[0]["occurred_at"],
            "last_event_at": members[-1]["occurred_at"],
            "event_count": len(members),
            "core_event_count": len(core),
            "first_core_event_at": core[0] if core else None,
            "session_count": len({event["session_id"] for event in members}),
        }
    return days


def habits(days: dict[tuple[str, date], Row], settings: Settings) -> dict[str, list[datetime]]:
    """The moments of the habit signals of each person."""
    core_days = defaultdict(list)
    for (person_id, day), row in sorted(days.items()):
        if row["core_event_count"]:
            core_days[person_id].append((day, row["first_core_event_at"]))

    signals = defaultdict(list)
    for person_id, members in core_days.items():
        # each core day beside the one that makes the two ends of `habit_days` core days
        for (early, _), (late, at) in zip(
            members, members[settings.habit_days - 1 :], strict=False
        ):
            if (late - early).days <= settings.habit_window_days - 1:
                signals[person_id].append(at)
    return signals


def stage_periods(
    events: list[Row],
    habit_signals: dict[str, list[datetime]],
    taxonomy: Taxonomy,
    settings: Settings,
) -> list[Row]:
    number_of = {row["stage"]: int(row["stage_number"]) for row in taxonomy.stages}
    stage_of = {number: stage for stage, number in number_of.items()}
    enters, habit_stages, exit_names = defaultdict(list), [], set()
    for rule in taxonomy.stage_rules:
        if rule["effect"] == "exit" and rule["trigger"] == "event":
            exit_names.add(rule["event_name"])
        elif rule["effect"] == "enter" and rule["trigger"] == "event":
            enters[rule["event_name"]].append(number_of[rule["stage"]])
        elif rule["effect"] == "enter" and rule["trigger"] == "habit":
            habit_stages.append(number_of[rule["stage"]])

    activities, signals, exits = defaultdict(set), defaultdict(list), defaultdict(list)
    for event in events:
        person_id, name, at = event["person_id"], event["event_name"], event["occurred_at"]
        if event["is_interactive"] or name in enters:
            activities[person_id].add(at)
        if name in exit_names:
            exits[person_id].append(at)
        signals[person_id] += [(at, number) for number in enters.get(name, ())]
    for person_id, moments in habit_signals.items():
        signals[person_id] += [(at, number) for at in moments for number in habit_stages]

    return [
        {"person_id": person_id, "stage": stage_of[period["stage_number"]], **period}
        for person_id in sorted(activities)
        for period in periods_of_person(
            sorted(activities[person_id]),
            sorted(signals[person_id]),
            exits[person_id],  # in order already: the events are
            timedelta(days=settings.dormant_after_days),
            settings.as_of,
        )
    ]


def periods_of_person(
    activities: list[datetime],
    signals: list[tuple[datetime, int]],
    exits: list[datetime],
    dormant_after: timedelta,
    as_of: datetime,
) -> list[Row]:
    periods = []
    greatest = defaultdict(lambda: 1)  # epoch -> greatest stage signalled so far
    heard = 0
    is_in = False
    for activity, upcoming in zip(activities, [*activities[1:], None], strict=True):
        while heard < len(signals) and signals[heard][0] <= activity:
            at, number = signals[heard]
            epoch = bisect_left(exits, at)
            greatest[epoch] = max(greatest[epoch], number)
            heard += 1
        exits_before = bisect_left(exits, activity)
        stage_number = greatest[exits_before]

        # who is in cannot have passed an exit, so his stage never falls
        if not is_in or stage_number > periods[-1]["stage_number"]:
            if is_in:
                periods[-1].update(ended_at=activity, exit_reason="advanced")
            periods.append(
                {
                    "stage_number": stage_number,
                    "started_at": activity,
                    "ended_at": None,
                    "entry_reason": (
                        "advanced" if is_in else "returned" if periods else "first_seen"
                    ),
                    "exit_reason": None,
                }
            )

        next_exit = exits[exits_before] if exits_before < len(exits) else None
        dormant_at = activity + dormant_after
        is_in = (
            upcoming is not None
            and upcoming < dormant_at
            and (next_exit is None or next_exit >= upcoming)
        )
        if not is_in:
            churned = next_exit is not None and next_exit < dormant_at
            left_at = next_exit if churned else dormant_at
            if upcoming is not None or left_at <= as_of:
                periods[-1].update(
                    ended_at=left_at, exit_reason="churned" if churned else "dormant"
                )
    return periods
