"""Money that comes back: what subscriptions are worth, how that moves, when terms end."""

import calendar
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from .conversions import Money
from .events import content_of
from .interactions import Tellers, record_key
from .records import as_text
from .words import Row, Settings, Taxonomy, accepted_rows, key, local_date, md5, pick

RUNNING = ("active", "trialing", "past_due")
MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")
NOTHING = Decimal(0)


def revenue(used: list[Row], money: Money, taxonomy: Taxonomy, settings: Settings) -> list[Row]:
    """Whichever sign the source gives an amount: the event says which way it goes."""
    sign_of = {row["event_name"]: int(row["sign"]) for row in taxonomy.revenue_events}
    found = []
    for event in used:
        if event["event_name"] in sign_of:
            day = local_date(event["occurred_at"], settings)
            paid, currency = event.get("amount"), event.get("currency_code")
            amount = money.convert(paid, currency, day)
            sign = sign_of[event["event_name"]]
            found.append(
                {
                    **pick(event, ("event_id", "person_id", "event_name", "occurred_at")),
                    "occurred_date": day,
                    "amount": None if amount is None else abs(amount) * sign,
                    "original_amount": paid,
                    "original_currency_code": currency,
                }
            )
    return found


def end_of(row: Row) -> datetime | None:
    """What its source still calls active has been cancelled to the end of its term."""
    is_running = (row["status"] or "").lower() in RUNNING
    return row["ended_at"] or (None if is_running else row["cancelled_at"])


# ---------------------------------------------------------------- MRR


def values(versions: list[Row], newest: list[Row], money: Money, settings: Settings) -> list[Row]:
    """The changes of each subscription alone: begin, other prices, end; until as_of."""
    told = defaultdict(lambda: defaultdict(list))
    for row in accepted_rows(versions):
        told[record_key("subscriptions", row)][row["updated_at"] or datetime.min].append(row)

    found = []
    for row in newest:
        start, end = row["started_at"], end_of(row)
        if start is None:
            continue
        own = record_key("subscriptions", row)
        day = local_date(start, settings)
        worth = {}  # from when -> how much, by which plan
        for number, (changed_at, said) in enumerate(sorted(told[own].items())):
            # of versions of one moment the one that would stand, were it the newest
            version = max(said, key=lambda one: content_of(one, "subscription_id"))
            since = max(changed_at, start) if number else start
            amount = money.convert(version["mrr_amount"], version["currency_code"], day)
            if end is None or since < end:
                worth[since] = (amount or NOTHING, version["plan"])
        changes, before, plan = [], NOTHING, None
        for since, (amount, plan) in sorted(worth.items(), key=lambda one: one[0]):
            changes.append((since, amount - before, plan))
            before = amount
        if end is not None and worth:
            changes.append((end, -before, plan))
        found += [
            {
                "record_key": own,
                "event_id": md5(
                    f"{row['source_name']}|subscriptions|{row['subscription_id']}"
                    "|subscription_started"
                ),
                "plan": plan,
                "effective_at": at,
                "mrr_change_amount": change,
            }
            for at, change, plan in changes
            if change and at <= settings.as_of
        ]
    return found


def movements(
    changes: list[Row], conversions: list[Row], tellers: Tellers, settings: Settings
) -> list[Row]:
    """The changes of all that a person pays; those of one moment are one. And first trials."""
    of_person = defaultdict(lambda: defaultdict(list))
    for row in changes:
        person_id = tellers.person_of.get(row["event_id"])
        if person_id is not None:
            of_person[person_id][row["effective_at"]].append(row)

    rows = []
    for person_id, moments in of_person.items():
        moved = [
            (at, change, max((p for row in parts if (p := row["plan"]) is not None), default=None))
            for at, parts in sorted(moments.items())
            if (change := sum(row["mrr_change_amount"] for row in parts))
        ]
        before = NOTHING
        following = [at for at, *_ in moved[1:]]
        for number, (at, change, plan) in enumerate(moved):
            after = before + change
            if not before:
                movement = "reactivation" if number else "new"
            elif not after:
                movement = "churn"
            else:
                movement = "expansion" if change > 0 else "contraction"
            until = following[number] if number < len(following) else None
            rows.append((person_id, movement, at, plan, before, change, after, until))
            before = after
    # a trial says nothing of money
    rows += [
        (row["person_id"], "trial_started", row["occurred_at"], None, *[NOTHING] * 3, None)
        for row in conversions
        if row["goal"] == "trial" and row["conversion_number"] == 1
    ]
    return [
        {
            "subscription_event_id": key(person_id, movement, as_text("", at)),
            "person_id": person_id,
            "movement": movement,
            "occurred_at": at,
            "occurred_date": local_date(at, settings),
            "plan": plan,
            "mrr_before_amount": before,
            "mrr_change_amount": change,
            "mrr_after_amount": after,
            "next_movement_at": until,
        }
        for person_id, movement, at, plan, before, change, after, until in rows
    ]


def mrr_months(moved: list[Row]) -> list[Row]:
    of_month = defaultdict(list)
    for row in moved:
        if row["movement"] in MOVEMENTS:
            month = row["occurred_date"].replace(day=1)
            of_month[row["person_id"], month].append(row)
    found = []
    for (person_id, month), rows in of_month.items():
        rows.sort(key=lambda row: row["occurred_at"])
        by_movement = dict.fromkeys(MOVEMENTS, NOTHING)
        for row in rows:
            by_movement[row["movement"]] += row["mrr_change_amount"]
        found.append(
            {
                "person_mrr_month_id": key(person_id, month),
                "person_id": person_id,
                "month_start_date": month,
                "mrr_start_amount": rows[0]["mrr_before_amount"],
                **{f"mrr_{name}_amount": amount for name, amount in by_movement.items()},
                "mrr_end_amount": rows[-1]["mrr_after_amount"],
            }
        )
    return found


# ---------------------------------------------------------------- terms


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def terms(newest: list[Row], tellers: Tellers, settings: Settings) -> list[Row]:
    """The ends of terms before the day of as_of, which is not over."""
    last_day = local_date(settings.as_of, settings) - timedelta(days=1)
    found = []
    for row in newest:
        person_id = tellers.of("subscriptions", row, "subscription_started")
        if person_id is None:
            continue
        interval = (row["billing_interval"] or "").lower()
        months = 12 if interval.startswith(("year", "annual")) else 1
        begun = local_date(row["started_at"], settings)
        ended = local_date(end_of(row), settings)
        number = 1
        while (due := months_later(begun, number * months)) <= min(ended or last_day, last_day):
            found.append(
                {
                    "subscription_term_id": key(record_key("subscriptions", row), number),
                    "subscription_id": row["subscription_id"],
                    "person_id": person_id,
                    "plan": row["plan"],
                    "term_months": months,
                    "term_number": number,
                    "due_date": due,
                    "is_renewed": ended is None or ended > due,
                }
            )
            number += 1
    return found
