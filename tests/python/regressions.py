"""Worlds that once came out wrong. They travel with the random ones in every test.

A case is named after what went wrong. Its rows may say in which delivery and load they came
(`delivery`, `load_id`, `loaded_at`); where they do not, each split draws it.
`python tests/python/test_differential.py shrink w017` prints a random world's fewest failing rows.
"""

from dataclasses import replace
from datetime import timedelta

from worlds import AS_OF, BOT, DAY, Stage, World

HOUR = timedelta(hours=1)


def copies_that_differ_only_where_the_content_hash_did_not_look() -> World:
    """Received in one moment, told apart by the browser or the title: which one stood for the
    event hung on the order of the rows and on the name of the load."""
    s = Stage("copies_alike", "fixed")
    for _ in range(8):
        row = s.page("/app", s.a("anon"))
        for change in ({"context_user_agent": BOT}, {"title": "Other"}, {"context_ip": "10.1.1.1"}):
            s.rows.append(replace(row, values={**row.values, **change}))
        s.now += DAY
    return World(s.name, s.rows)


def a_cancel_at_the_end_of_the_paid_period() -> World:
    """Told before it holds: the stay had an end in the future and was not open."""
    s = Stage("cancel_ahead", "fixed")
    s.now = AS_OF - 10 * DAY
    s.subscription(1, s.now, user_id=s.a("user"), started_at=s.now, cancelled_at=AS_OF + 20 * DAY)
    return World(s.name, s.rows)


def churned_and_back_within_a_day() -> World:
    """He is back from noon on, not from his last event of the day on."""
    s = Stage("same_day", "fixed")
    user, morning = s.a("user"), s.now.replace(hour=6, minute=0, second=0, microsecond=0)
    s.subscription(1, morning, user_id=user, started_at=morning - 9 * DAY, cancelled_at=morning)
    for hours in (-1, 2, 3, 5):
        s.page("/app", s.a("anon"), user, at=morning + hours * HOUR)
    return World(s.name, s.rows)


def of_use_before_and_after_the_sign_up() -> World:
    """On one day: the first use was before the start, so the one after it was no return."""
    s = Stage("used_before", "fixed")
    user, morning = s.a("user"), s.now.replace(hour=6, minute=0, second=0, microsecond=0)
    for hours, event in enumerate(("report_created", "signed_up", "report_shared")):
        s.track(event, s.a("anon"), user, at=morning + hours * HOUR)
    return World(s.name, s.rows)


def a_record_that_named_nobody_before_it_named_somebody() -> World:
    """The event that the first version implied stood by itself, and stayed there beside the one
    that moved to the user; one that was taken back never went."""
    s = Stage("nobody_first", "fixed")
    nobody, user = {"email": "no address"}, {"user_id": s.a("user")}
    s.offer(1, **nobody, updated_at=s.now, accepted_at=s.now)
    s.offer(1, **user, updated_at=s.now + DAY, accepted_at=s.now)
    s.contact(1, **nobody, updated_at=s.now, resolved_at=s.now)
    s.contact(1, **nobody, updated_at=s.now + DAY)
    rows = [
        replace(row, delivery=number % 2, load_id=f"nobody {number % 2}", loaded_at=AS_OF)
        for number, row in enumerate(s.rows)
    ]
    return World(s.name, rows)


REGRESSIONS: list[World] = [
    copies_that_differ_only_where_the_content_hash_did_not_look(),
    a_cancel_at_the_end_of_the_paid_period(),
    churned_and_back_within_a_day(),
    of_use_before_and_after_the_sign_up(),
    a_record_that_named_nobody_before_it_named_somebody(),
]
