"""The published facts, dimensions and bridges, from what the workshop has made."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from .conversions import Channels, Money
from .events import Cleaner
from .identity import People
from .journey import Days, StagesOf
from .sessions import decisive, external_referrer
from .words import (
    ACTOR_CLASSES,
    NONE,
    Canonical,
    Row,
    Settings,
    Taxonomy,
    accepted_rows,
    key,
    local_date,
    monday_of,
    pick,
    total_order,
    whole_seconds,
)

EVENT_COLUMNS = (
    *("event_id", "person_id", "endpoint_id", "session_id", "event_name", "event_type"),
    *("is_known_event", "is_interactive", "is_core", "is_session_start", "is_shared_endpoint"),
    *("touchpoint_type", "event_priority", "occurred_at", "client_occurred_at", "received_at"),
    *("loaded_at", "source_name", "account_id", "platform", "page_host", "page_path"),
    *("page_title", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "utm_term"),
    *("utm_content", "quantity"),
)
TRAFFIC_COLUMNS = ("source", "medium", "campaign", "channel_group")
# of a session's workshop row
NOT_SHOWN = {
    "endpoint_identifier_id",
    "entry_strong_identifier_id",
    "session_user_identifier_id",
    "click_id_type",
    "utm_source",
    "utm_medium",
    "utm_campaign",
}
MILESTONES_SHOWN = {
    "signed_up_at": "signed_up",
    "activated_at": "onboarded",
    "trial_started_at": "trial_started",
    "habit_formed_at": "habit_formed",
    "first_paid_at": "paid",
}


def in_money(row: Row, money: Money, settings: Settings) -> Row:
    amount, currency = row.get("amount"), row.get("currency_code")
    day = local_date(row["occurred_at"], settings)
    return {
        "occurred_date": day,
        "amount": money.convert(amount, currency, day),
        "original_amount": amount,
        "original_currency_code": currency,
    }


def numbered(rows: Iterable[Row], order, name: str, of: tuple = ("person_id",)) -> list[Row]:
    """Each row with its number among those of the same person, from 1."""
    seen = Counter()
    found = []
    for row in sorted(rows, key=order):
        whose = tuple(row[column] for column in of)
        seen[whose] += 1
        found.append({**row, name: seen[whose]})
    return found


# ---------------------------------------------------------------- events, sessions, touches


def events(used: list[Row], money: Money, settings: Settings) -> list[Row]:
    return [{**pick(event, EVENT_COLUMNS), **in_money(event, money, settings)} for event in used]


def sessions(
    aggregated: dict[str, Row],
    members: dict[str, list[Row]],
    channels: Channels,
    settings: Settings,
) -> list[Row]:
    rows = []
    for session_id, row in aggregated.items():
        lasted = row["ended_at"] - row["started_at"]
        first = members[session_id][0]
        rows.append(
            {
                **{name: value for name, value in row.items() if name not in NOT_SHOWN},
                "person_id": decisive(members[session_id])["person_id"],
                "started_date": local_date(row["started_at"], settings),
                "duration_seconds": whole_seconds(row["started_at"], row["ended_at"]),
                "is_engaged": lasted > timedelta(seconds=10)
                or row["key_event_count"] > 0
                or row["page_view_count"] >= 2,
                **channels.of({**first, "referrer_host": external_referrer(first)}),
            }
        )
    return numbered(rows, lambda row: (row["started_at"], row["session_id"]), "session_number")


def touchpoints(
    used: list[Row], visits: list[Row], taxonomy: Taxonomy, settings: Settings
) -> list[Row]:
    direction = {row["touchpoint_type"]: row["direction"] for row in taxonomy.touchpoint_types}
    by_session = {visit["session_id"]: visit for visit in visits}
    rows = []
    for visit in visits:
        rows.append(
            {
                "touchpoint_id": key("session", visit["session_id"]),
                "person_id": visit["person_id"],
                "session_id": visit["session_id"],
                "event_id": None,
                "touchpoint_type": "session",
                "occurred_at": visit["started_at"],
                **pick(visit, TRAFFIC_COLUMNS),
                "order": (visit["started_at"], 0, 0, visit["session_id"]),
            }
        )
    for event in used:
        if event["touchpoint_type"]:
            visit = by_session.get(event["session_id"], {})
            at, priority, event_id = total_order(event)
            rows.append(
                {
                    "touchpoint_id": key("event", event_id),
                    **pick(event, ("person_id", "session_id", "event_id", "touchpoint_type")),
                    "occurred_at": at,
                    **pick(visit, TRAFFIC_COLUMNS),
                    "channel_group": visit.get("channel_group", "Unassigned"),
                    "order": (at, 1, priority, event_id),
                }
            )
    rows = numbered(rows, lambda row: row["order"], "touch_number")
    for row in rows:
        del row["order"]
        row["direction"] = direction.get(row["touchpoint_type"])
        row["occurred_date"] = local_date(row["occurred_at"], settings)
    return rows


# ---------------------------------------------------------------- conversions, milestones, stages


def conversions(
    signals: list[Row], money: Money, taxonomy: Taxonomy, settings: Settings
) -> list[Row]:
    goals_of = defaultdict(list)
    for row in taxonomy.goals:
        goals_of[row["event_name"]].append(row["goal"])
    rows = [
        {
            "conversion_id": key(goal, signal["event_id"]),
            "goal": goal,
            **pick(signal, ("person_id", "event_id", "session_id", "occurred_at")),
            **in_money(signal, money, settings),
            "event_priority": signal["event_priority"],
        }
        for signal in signals
        for goal in goals_of[signal["event_name"]]
    ]
    rows = numbered(rows, total_order, "conversion_number", ("person_id", "goal"))
    return [{name: v for name, v in row.items() if name != "event_priority"} for row in rows]


def milestones(
    signals: list[Row],
    formed: dict[str, list[tuple[date, datetime]]],
    taxonomy: Taxonomy,
    settings: Settings,
) -> list[Row]:
    """The first time of each; of an event and a habit of one moment the habit."""
    by_event, by_habit = defaultdict(list), []
    numbers = {}
    for row in taxonomy.milestones:
        numbers[row["milestone"]] = int(row["milestone_number"])
        if row["trigger"] == "habit":
            by_habit.append(row["milestone"])
        else:
            by_event[row["event_name"]].append(row["milestone"])

    reached = {}
    for signal in sorted(signals, key=total_order):
        for milestone in by_event[signal["event_name"]]:
            place = (signal["person_id"], milestone)
            reached.setdefault(place, (signal["occurred_at"], signal["event_id"]))
    for person_id, days in formed.items():
        for milestone in by_habit:
            at = min(at for _, at in days)
            place = (person_id, milestone)
            if place not in reached or at <= reached[place][0]:
                reached[place] = (at, None)
    return [
        {
            "person_milestone_id": key(person_id, milestone),
            "person_id": person_id,
            "milestone": milestone,
            "milestone_number": numbers[milestone],
            "reached_at": at,
            "reached_date": local_date(at, settings),
            "event_id": event_id,
        }
        for (person_id, milestone), (at, event_id) in reached.items()
    ]


def person_days(days: Days) -> list[Row]:
    return [
        {
            "person_day_id": key(person_id, day),
            "person_id": person_id,
            "active_date": day,
            **row,
        }
        for (person_id, day), row in days.items()
    ]


def stage_periods(periods: list[Row]) -> list[Row]:
    return [
        {
            "stage_period_id": key(period["person_id"], period["stay_number"]),
            **period,
            "duration_seconds": whole_seconds(period["started_at"], period["ended_at"]),
        }
        for period in periods
    ]


def person_stage_weeks(days: list[Row], stages: StagesOf) -> list[Row]:
    """Each stage that a day of the week began in, and `all`."""
    seen = set()
    for row in days:
        place = (row["person_id"], monday_of(row["active_date"]))
        stage = stages.at(row["person_id"], row["first_event_at"])
        seen |= {(*place, stage or NONE), (*place, "all")}
    names = ("person_id", "week_start_date", "stage")
    return [
        {"person_stage_week_id": key(*place), **dict(zip(names, place, strict=True))}
        for place in seen
    ]


# ---------------------------------------------------------------- retention

DAYS_OF_UNIT = {"day": 1, "week": 7, "month": 30}


def retention(
    used: list[Row], taxonomy: Taxonomy, settings: Settings
) -> tuple[list[Row], list[Row]]:
    """Who started when, and in which periods he did a return event."""
    names = defaultdict(set)
    for row in taxonomy.retention_events:
        names[row["definition"], row["role"]].add(row["event_name"])

    def does(event, wanted):
        return (
            event["event_name"] in wanted
            or ("any_active" in wanted and event["is_interactive"])
            or ("any_core" in wanted and event["is_core"])
        )

    starts, returns = [], []
    for row in taxonomy.retention_definitions:
        definition, unit, mode = row["definition"], row["unit"], row["mode"]
        started, returned = {}, {}
        for event in used:
            if does(event, names[definition, "start"]):
                started.setdefault(event["person_id"], event["occurred_at"])
        for event in used:
            begin = started.get(event["person_id"])
            # what was done before the start is no return, in the period of the start neither
            if begin is None or event["occurred_at"] < begin:
                continue
            if not does(event, names[definition, "return"]):
                continue
            if mode == "rolling":
                age = event["occurred_at"] - begin
                offset = age // timedelta(days=DAYS_OF_UNIT[unit])
            else:
                offset = period_number(event["occurred_at"], unit, settings)
                offset -= period_number(begin, unit, settings)
            returned.setdefault((event["person_id"], offset), event["occurred_at"])
        cohort = {person_id: period_start(at, unit, settings) for person_id, at in started.items()}
        starts += [
            {
                "retention_start_id": key(definition, person_id),
                "definition": definition,
                "person_id": person_id,
                "started_at": at,
                "cohort_start_date": cohort[person_id],
            }
            for person_id, at in started.items()
        ]
        returns += [
            {
                "retention_return_id": key(definition, person_id, offset),
                "definition": definition,
                "person_id": person_id,
                "cohort_start_date": cohort[person_id],
                "period_offset": offset,
                "first_returned_at": at,
            }
            for (person_id, offset), at in returned.items()
        ]
    return starts, returns


def period_start(moment: datetime, unit: str, settings: Settings) -> date:
    day = local_date(moment, settings)
    return {"day": day, "week": monday_of(day), "month": day.replace(day=1)}[unit]


def period_number(moment: datetime, unit: str, settings: Settings) -> int:
    start = period_start(moment, unit, settings)
    if unit == "month":
        return start.year * 12 + start.month
    return start.toordinal() // DAYS_OF_UNIT[unit]


# ---------------------------------------------------------------- people


def accounts(canonical: Canonical, used: list[Row], people: People, clean: Cleaner) -> list[Row]:
    """The account that each person was last seen in: by an event or a membership of a user.

    Of two accounts of one moment the smaller.
    """
    seen = defaultdict(list)
    for row in (*used, *accepted_rows(canonical.identity_links)):
        user = clean.value(row.get("user_id"))
        if user and row.get("account_id"):
            person_id = people.persons["user_id", user][0]
            seen[person_id].append((row["occurred_at"], row["account_id"]))
    rows = []
    for person_id, moments in seen.items():
        last_at = max(at for at, _ in moments)
        account_id = min(account for at, account in moments if at == last_at)
        rows.append({"person_id": person_id, "account_id": account_id})
    return rows


def plans(
    subscriptions: list[Row], people: People, clean: Cleaner, settings: Settings
) -> list[Row]:
    """Of the subscriptions and trials that run at as_of the plan of the one begun last.

    Of several begun at one moment that of the smallest source and subscription.
    """
    running = defaultdict(list)
    for row in subscriptions:
        identifiers = clean.identifiers(row)
        actor = next(((n, identifiers[n]) for n in ACTOR_CLASSES if n in identifiers), None)
        began = row.get("started_at") or row.get("trial_started_at")
        is_over = any(
            row.get(end) is not None and row[end] <= settings.as_of
            for end in ("cancelled_at", "ended_at")
        )
        if actor and began is not None and began <= settings.as_of and not is_over:
            place = (row["source_name"], row["subscription_id"])
            running[people.persons[actor][0]].append((began, place, row.get("plan")))
    rows = []
    for person_id, begun in running.items():
        last_at = max(began for began, *_ in begun)
        *_, plan = min(one for one in begun if one[0] == last_at)
        rows.append({"person_id": person_id, "plan": plan})
    return rows


def persons(
    people: People,
    used: list[Row],
    visits: list[Row],
    reached: list[Row],
    periods: list[Row],
    account_of: dict[str, str],
    plan_of: dict[str, str],
    settings: Settings,
) -> list[Row]:
    rows = {}
    members = defaultdict(list)
    for node, (person_id, is_known) in people.persons.items():
        members[person_id].append(node)
        rows[person_id] = {"is_known": is_known}
    events_of, visits_of = defaultdict(list), defaultdict(list)
    milestone_of = {(row["person_id"], row["milestone"]): row["reached_at"] for row in reached}
    churned, current = defaultdict(list), {}
    for event in used:
        events_of[event["person_id"]].append(event)
        rows.setdefault(event["person_id"], {"is_known": False})
    for visit in visits:
        visits_of[visit["person_id"]].append(visit)
    for period in periods:
        if period["exit_reason"] == "churned":
            churned[period["person_id"]].append(period["ended_at"])
        if period["is_open"]:
            current[period["person_id"]] = period

    for person_id, row in rows.items():
        seen = [event["occurred_at"] for event in events_of[person_id]]
        sighted = (people.evidence.of_identifier[node].first_at for node in members[person_id])
        first_at = seen[0] if seen else min((at for at in sighted if at), default=None)
        visit = min(visits_of[person_id], key=lambda visit: visit["session_number"], default={})
        stay = current.get(person_id, {})
        row |= {
            "person_id": person_id,
            "first_seen_at": first_at,
            "last_seen_at": seen[-1] if seen else None,
            "first_seen_date": local_date(first_at, settings),
            "first_session_at": visit.get("started_at"),
            "first_touch_channel_group": visit.get("channel_group", NONE),
            "first_touch_source": visit.get("source"),
            "first_touch_medium": visit.get("medium"),
            "first_touch_campaign": visit.get("campaign"),
            "first_landing_page_path": visit.get("entry_page_path"),
            "first_platform": visit.get("platform", NONE),
            **{n: milestone_of.get((person_id, m)) for n, m in MILESTONES_SHOWN.items()},
            "last_churned_at": max(churned[person_id], default=None),
            "current_stage": stay.get("stage"),
            "current_stage_started_at": stay.get("started_at"),
            "plan": plan_of.get(person_id),
            "account_id": account_of.get(person_id),
            "identifier_count": len(members[person_id]),
            "endpoint_count": len({event["endpoint_id"] for event in events_of[person_id]}),
            "channel_count": len({visit["channel_group"] for visit in visits_of[person_id]}),
            "session_count": len(visits_of[person_id]),
            "event_count": len(seen),
        }
    return list(rows.values())


def segments(everybody: list[Row]) -> list[Row]:
    return [
        {
            "person_segment_id": key(row["person_id"], segment_type),
            "person_id": row["person_id"],
            "segment_type": segment_type,
            "segment_value": value,
        }
        for row in everybody
        for segment_type, value in (
            ("all", "all"),
            ("first_touch_channel_group", row["first_touch_channel_group"]),
            ("first_platform", row["first_platform"]),
        )
    ]


def dates(used: list[Row], settings: Settings) -> list[Row]:
    """Every local date from the first event to as_of."""
    if not used:
        return []
    last = local_date(settings.as_of, settings)
    day = local_date(min(event["occurred_at"] for event in used), settings)
    rows = []
    while day <= last:
        rows.append(
            {
                "date_day": day,
                "week_start_date": monday_of(day),
                "month_start_date": day.replace(day=1),
                "quarter_start_date": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
                "year_start_date": day.replace(month=1, day=1),
                "iso_weekday_number": day.isoweekday(),
            }
        )
        day += timedelta(days=1)
    return rows


def as_of(settings: Settings) -> list[Row]:
    return [{"as_of_at": settings.as_of, "as_of_date": local_date(settings.as_of, settings)}]
