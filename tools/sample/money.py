"""Trials, subscriptions and their versions, invoices, orders, refunds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.sample import catalog as c
from tools.sample.behaviour import Upgrades
from tools.sample.people import NO, People
from tools.sample.sessions import ORDER, SUBSCRIPTION, USE, Checkouts, Milestones, Sessions
from tools.sample.world import DAY, HOUR, MINUTE, NEVER, SECOND, Chunk, owners_and_ranks, whole_ms

STATUSES = ("trialing", "expired", "active", "cancelled")
TRIALING, EXPIRED, ACTIVE, CANCELLED = range(4)
INVOICE_STATUSES = ("paid", "open", "failed")
PAID, OPEN, FAILED = range(3)


@dataclass
class Subscriptions:
    """One array element per subscription; moments in us, NEVER where a thing does not happen."""

    person: np.ndarray
    trial_at: np.ndarray
    trial_ended_at: np.ndarray
    started_at: np.ndarray
    cancelled_at: np.ndarray
    ended_at: np.ndarray
    plan: np.ndarray
    new_plan: np.ndarray
    upgraded_at: np.ndarray
    is_yearly: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def amount(self, people: People, of: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Price of one billing period, in cents of the person's currency, as it stands at `at`."""
        plan = np.where(at >= self.upgraded_at[of], self.new_plan[of], self.plan[of])
        price = np.array(c.PLAN_PRICES)[plan] * np.where(self.is_yearly[of], 10, 1)
        return cents(people, self.person[of], price)


@dataclass
class Versions:
    """One array element per delivered state of a subscription."""

    subscription: np.ndarray
    updated_at: np.ndarray
    status: np.ndarray


@dataclass
class Invoices:
    """One array element per invoice, and the same for its delivered states."""

    subscription: np.ndarray
    issued_at: np.ndarray
    amount: np.ndarray
    paid_at: np.ndarray
    state_of: np.ndarray
    state: np.ndarray
    state_at: np.ndarray


@dataclass
class Orders:
    """One array element per completed order; `refund` arrays have one per refund."""

    checkout: np.ndarray
    person: np.ndarray
    placed_at: np.ndarray
    amount: np.ndarray
    refund_order: np.ndarray
    refund_at: np.ndarray
    refund_amount: np.ndarray


def cents(people: People, person: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Prices in EUR as whole cents of each person's currency."""
    currency = np.array(c.CURRENCY_OF_COUNTRY)[people.country[person]]
    return np.rint(price * np.array(c.CURRENCY_FACTOR)[currency] * 100).astype(np.int64)


def add_months(at: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The same day and time, so many calendar months later; day 28 at most, as billing does."""
    moment = at.astype("M8[us]")
    month = moment.astype("M8[M]")
    within = np.minimum((moment - month).astype(np.int64), 28 * DAY - SECOND)
    return (month + months).astype("M8[us]").astype(np.int64) + within


def months_between(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Calendar months from the month of `begin` to the month of `end`."""

    def month(at):
        return at.astype("M8[us]").astype("M8[M]").astype(np.int64)

    return month(end) - month(begin)


def draw_subscriptions(
    chunk: Chunk, people: People, marks: Milestones, sessions: Sessions, checkouts: Checkouts
) -> tuple[Subscriptions, Upgrades]:
    """Trials and paid subscriptions; a person has at most two, the second after a return."""
    rng, end, n = chunk.rng("subscriptions"), chunk.world.end_us, len(people)
    done = (checkouts.kind == SUBSCRIPTION) & (checkouts.stage == 3)
    first = np.flatnonzero(done & ~checkouts.is_second)
    second = np.flatnonzero(done & checkouts.is_second)
    started = np.full(n, NEVER)
    started[checkouts.person[first]] = checkouts.completed_at[first]
    plan = rng.integers(0, 2, n)
    plan[checkouts.person[first]] = checkouts.price[first]
    holder = np.flatnonzero((marks.trial_at < NEVER) | (started < NEVER))

    person = np.concatenate([holder, checkouts.person[second]])
    size, none = len(person), np.full(len(second), NEVER)
    trial_at = np.concatenate([marks.trial_at[holder], none])
    started_at = np.concatenate([started[holder], checkouts.completed_at[second]])
    plan = np.concatenate([plan[holder], checkouts.price[second]])
    left = np.concatenate([marks.left_at[holder], marks.left_again_at[checkouts.person[second]]])
    trial_ended_at = np.where(
        trial_at < NEVER, np.minimum(trial_at + c.TRIAL_DAYS * DAY, started_at), NEVER
    )
    is_paid = started_at < NEVER
    # Who comes back and subscribes again had a monthly plan: two never run at once.
    is_yearly = (rng.random(size) < 0.2) & ~np.isin(person, checkouts.person[second])
    cancels = np.maximum(left + rng.random(size) * 10 * DAY, np.where(is_paid, started_at, 0) + DAY)
    cancelled_at = np.where(is_paid & (cancels < end), whole_ms(cancels), NEVER)
    ended_at = np.where(is_paid, NEVER, trial_ended_at)
    over = np.flatnonzero(cancelled_at < NEVER)
    period = np.where(is_yearly[over], 12, 1)
    begin, stop = started_at[over], cancelled_at[over]
    months = months_between(begin, stop) // period * period
    months = np.where(add_months(begin, months) <= stop, months + period, months)
    ended_at[over] = add_months(begin, months)

    upgrades = (rng.random(size) < 0.35) & is_paid & (plan < 2)
    downgrades = (rng.random(size) < 0.10) & is_paid & (plan > 0) & ~upgrades
    new_plan = np.where(upgrades, plan + 1, np.where(downgrades, plan - 1, plan))
    wish = np.where(is_paid, started_at, 0) + rng.uniform(10, 150, size) * DAY
    session, at = _session_after(people, sessions, person, wish)
    moves = (upgrades | downgrades) & (session != NO) & (at + HOUR < np.minimum(cancelled_at, end))
    upgraded_at = np.where(moves, at, NEVER)
    subscriptions = Subscriptions(
        person=person,
        trial_at=trial_at,
        trial_ended_at=trial_ended_at,
        started_at=started_at,
        cancelled_at=cancelled_at,
        ended_at=ended_at,
        plan=plan,
        new_plan=new_plan,
        upgraded_at=upgraded_at,
        is_yearly=is_yearly,
    )
    shown = moves & upgrades
    return subscriptions, Upgrades(session[shown], at[shown], new_plan[shown])


def _session_after(people, sessions, person, wish) -> tuple[np.ndarray, np.ndarray]:
    """The first session of use at or after a wished moment: its number and a moment inside it."""
    of = np.flatnonzero(sessions.kind == USE)
    of = of[np.lexsort((sessions.at[of], sessions.person[of]))]
    if not len(of):
        return np.full(len(person), NO), np.full(len(person), NEVER)
    seconds = 2**33
    key = sessions.person[of] * seconds + sessions.at[of] // SECOND
    found = np.searchsorted(key, person * seconds + wish.astype(np.int64) // SECOND)
    at_end = found == len(of)
    found = np.where(at_end, 0, found)
    fits = ~at_end & (sessions.person[of[found]] == person)
    session = np.where(fits, of[found], NO)
    return session, np.where(fits, sessions.at[session] + 100 * SECOND, NEVER)


def subscription_versions(chunk: Chunk, subscriptions: Subscriptions) -> Versions:
    """Each state of each subscription that billing delivers, in no particular order."""
    end, everyone = chunk.world.end_us, np.arange(len(subscriptions))
    is_paid = subscriptions.started_at < NEVER
    states = (
        (subscriptions.trial_at, TRIALING, subscriptions.trial_at < NEVER),
        (subscriptions.trial_ended_at, EXPIRED, ~is_paid),
        (subscriptions.started_at, ACTIVE, is_paid),
        (subscriptions.upgraded_at, ACTIVE, is_paid),
        (subscriptions.cancelled_at, ACTIVE, is_paid),
        (subscriptions.ended_at, CANCELLED, is_paid),
    )
    parts = []
    for at, status, applies in states:
        of = everyone[applies & (at < end)]
        parts.append((of, at[of], np.full(len(of), status)))
    return Versions(*(np.concatenate([part[i] for part in parts]) for i in range(3)))


def draw_invoices(chunk: Chunk, people: People, subscriptions: Subscriptions) -> Invoices:
    """One invoice per billing period that begins while the subscription runs."""
    rng, end = chunk.rng("invoices"), chunk.world.end_us
    is_paid = subscriptions.started_at < NEVER
    begin = np.where(is_paid, subscriptions.started_at, 0)
    stop = np.where(is_paid, np.minimum(subscriptions.ended_at, end), 0)
    period = np.where(subscriptions.is_yearly, 12, 1)
    counts = np.where(is_paid, months_between(begin, stop) // period + 1, 0)
    of, rank = owners_and_ranks(counts)
    issued_at = np.where(rank == 0, begin[of], add_months(begin[of], rank * period[of]))
    kept = issued_at < stop[of]
    of, rank, issued_at = of[kept], rank[kept], issued_at[kept]
    size = len(of)
    fails = (rank > 0) & (rng.random(size) < 0.04)
    recovers = rng.random(size) < 0.7
    paid_at = issued_at + rng.integers(1, 40, size) * SECOND
    retried_at = issued_at + whole_ms(rng.uniform(2, 9, size) * DAY)
    paid_at = np.where(fails, np.where(recovers, retried_at, NEVER), paid_at)
    everyone = np.arange(size)
    seen_open = rng.random(size) < 0.3
    states = (
        (issued_at, OPEN, seen_open),
        (issued_at + MINUTE, FAILED, fails),
        (paid_at, PAID, paid_at < NEVER),
    )
    parts = []
    for at, status, applies in states:
        which = everyone[applies & (at < end)]
        parts.append((which, at[which], np.full(len(which), status)))
    state_of, state_at, state = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Invoices(
        subscription=of,
        issued_at=issued_at,
        amount=subscriptions.amount(people, of, issued_at),
        paid_at=np.where(paid_at < end, paid_at, NEVER),
        state_of=state_of,
        state=state,
        state_at=state_at,
    )


def draw_orders(chunk: Chunk, people: People, checkouts: Checkouts) -> Orders:
    """Completed one-off orders and their refunds; a refund is never more than its order."""
    rng, end = chunk.rng("orders"), chunk.world.end_us
    of = np.flatnonzero((checkouts.kind == ORDER) & (checkouts.stage == 3))
    of = of[checkouts.completed_at[of] < end]
    person = checkouts.person[of]
    amount = checkout_cents(people, checkouts)[of]
    placed_at = checkouts.completed_at[of]
    refunded_at = placed_at + whole_ms(rng.uniform(1, 40, len(of)) * DAY)
    part = np.where(rng.random(len(of)) < 0.6, 1.0, rng.uniform(0.2, 0.8, len(of)))
    refunded = (rng.random(len(of)) < c.planted("refund_share")) & (refunded_at < end)
    return Orders(
        checkout=of,
        person=person,
        placed_at=placed_at,
        amount=amount,
        refund_order=np.flatnonzero(refunded),
        refund_at=refunded_at[refunded],
        refund_amount=(amount * part).astype(np.int64)[refunded],
    )


def checkout_cents(people: People, checkouts: Checkouts) -> np.ndarray:
    """The value of each checkout in cents of the person's currency."""
    plan = np.array(c.PLAN_PRICES)[np.minimum(checkouts.price, 2)]
    order = np.array(c.ORDER_PRICES)[checkouts.price] * checkouts.items
    price = np.where(checkouts.kind == ORDER, order, plan)
    return cents(people, checkouts.person, price)
