"""When persons come: visits, sign-up, use, checkouts, and the device and cookie of each session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.sample import catalog as c
from tools.sample.people import NO, Devices, People
from tools.sample.world import (
    DAY,
    HOUR,
    MINUTE,
    MS,
    NEVER,
    SECOND,
    Chunk,
    owners_and_ranks,
    pick,
    running_sum,
    time_of_day,
    whole_ms,
)

VISIT, SIGNUP, USE, VERIFY, CHECKOUT = range(5)
ANONYMOUS, LOGS_IN, KNOWN = range(3)
SUBSCRIPTION, ORDER = range(2)
WEEK = 7 * DAY


@dataclass
class Milestones:
    """One array element per person: moments in us, NEVER where a thing does not happen."""

    signup_visit_at: np.ndarray
    signed_up_at: np.ndarray
    verified_at: np.ndarray
    verifies_later: np.ndarray  # in a session of its own
    trial_at: np.ndarray
    left_at: np.ndarray  # end of the first active time
    returned_at: np.ndarray  # begin of the second active time
    left_again_at: np.ndarray


@dataclass
class Visits:
    """One array element per visit before or with the sign-up, by person and time."""

    person: np.ndarray
    rank: np.ndarray
    at: np.ndarray
    is_signup: np.ndarray


@dataclass
class Checkouts:
    """One array element per checkout session; the outcome is filled in by `settle`."""

    person: np.ndarray
    at: np.ndarray
    kind: np.ndarray  # SUBSCRIPTION or ORDER
    is_meant: np.ndarray  # False: abandoned on the way
    is_guest: np.ndarray
    is_second: np.ndarray  # a subscription after a return
    price: np.ndarray  # index into PLANS or ORDER_PRICES
    items: np.ndarray
    fails: np.ndarray | None = None  # failed payments
    stage: np.ndarray | None = None  # 0 started, 1 first step, 2 payment info, 3 completed
    session: np.ndarray | None = None
    span: np.ndarray | None = None  # us from the first step to the last
    completed_at: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.person)


@dataclass
class Sessions:
    """One array element per session, by device and time."""

    person: np.ndarray
    at: np.ndarray
    kind: np.ndarray
    touch: np.ndarray
    reference: np.ndarray  # visit rank of VISIT and SIGNUP, checkout of CHECKOUT, else NO
    device: np.ndarray
    cookie: np.ndarray
    login: np.ndarray  # ANONYMOUS, LOGS_IN, KNOWN
    login_at: np.ndarray  # us; events before it carry no user id
    user: np.ndarray  # 0 first, 1 second user id of the person
    is_shared: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def draw_visits(chunk: Chunk, people: People) -> Visits:
    """Visits up to the sign-up, days to months apart, at about the person's hour of the day."""
    rng = chunk.rng("visits")
    person, rank = owners_and_ranks(people.visits)
    gap_days = rng.lognormal(np.log(3), 1.6, len(person))
    far = np.rint(gap_days) * DAY + rng.normal(0, 1.5, len(person)) * HOUR
    gap = np.where(gap_days < 0.9, 2 * HOUR + gap_days * DAY / 2, np.maximum(far, 6 * HOUR))
    gap = np.where(rank == 0, 0, gap)
    at = whole_ms(people.arrival[person] + running_sum(gap, rank))
    is_signup = people.wants_signup[person] & (rank == people.visits[person] - 1)
    happens = at < chunk.world.end_us - 2 * HOUR
    return Visits(person[happens], rank[happens], at[happens], is_signup[happens])


def draw_milestones(chunk: Chunk, people: People, visits: Visits) -> Milestones:
    """Sign-up and what hangs on it: verification, trial, leaving, coming back."""
    rng, end, n = chunk.rng("milestones"), chunk.world.end_us, len(people)
    visit_at = np.full(n, NEVER)
    visit_at[visits.person[visits.is_signup]] = visits.at[visits.is_signup]
    signed = visit_at < NEVER

    def when(condition, moment):
        return np.where(condition & (moment < end), whole_ms(moment), NEVER)

    base = np.where(signed, visit_at, 0)
    signed_up_at = when(signed, base + rng.integers(2 * MINUTE, 15 * MINUTE, n))
    wait = np.clip(rng.lognormal(np.log(10), 2, n) * MINUTE, MINUTE, 5 * DAY)
    verifies_later = wait > 40 * MINUTE
    moment = signed_up_at + np.where(verifies_later, wait + 90 * SECOND, wait)
    verified_at = when(signed & (rng.random(n) < c.planted("email_verified_share")), moment)
    moment = signed_up_at + rng.integers(8 * MINUTE, 25 * MINUTE, n)
    trial_at = when(signed & people.wants_trial, moment)
    left_at = np.where(signed, whole_ms(signed_up_at + people.weeks * WEEK), NEVER)
    away = rng.uniform(65, 240, n) * DAY
    back = signed & (rng.random(n) < c.planted("return_share")) & ~people.is_internal
    returned_at = when(back, left_at + away)
    stay = rng.exponential(8, n) * WEEK
    left_again_at = np.where(returned_at < NEVER, whole_ms(returned_at + stay), NEVER)
    return Milestones(
        signup_visit_at=visit_at,
        signed_up_at=signed_up_at,
        verified_at=verified_at,
        verifies_later=verifies_later & (verified_at < NEVER),
        trial_at=trial_at,
        left_at=left_at,
        returned_at=returned_at,
        left_again_at=left_again_at,
    )


def draw_use(chunk: Chunk, people: People, marks: Milestones) -> tuple[np.ndarray, np.ndarray]:
    """Person and time of each session of use, in the first and the second active time."""
    rng, end = chunk.rng("use"), chunk.world.end_us
    persons, times = [], []
    stays = (
        (marks.signed_up_at + 2 * HOUR, marks.left_at, False),
        (marks.returned_at, marks.left_again_at, True),
    )
    for begin, until, is_return in stays:
        lasts = (begin < end) & (until > begin)
        length = np.where(lasts, np.minimum(until, end) - begin, 0)
        counts = np.minimum(rng.poisson(people.pace * length / WEEK), 500)
        if is_return:
            counts = np.where(lasts, np.maximum(counts, 1), 0)
        person, rank = owners_and_ranks(counts)
        at = begin[person] + rng.random(len(person)) * length[person]
        at = at // DAY * DAY + time_of_day(rng, people.hours[person])
        weekday = (at // DAY + 3) % 7
        at = at + np.where((weekday >= 5) & (rng.random(len(at)) < 0.5), 2 * DAY, 0)
        if is_return:
            at = np.where(rank == 0, begin[person], at)
        at = whole_ms(np.maximum(at, begin[person] + rank * MINUTE))
        kept = at < end - 2 * HOUR
        persons.append(person[kept])
        times.append(at[kept])
    return np.concatenate(persons), np.concatenate(times)


def draw_checkouts(chunk: Chunk, people: People, marks: Milestones) -> Checkouts:
    """Checkout sessions: subscriptions after trials, without a trial, after a return; orders."""
    rng, end, n = chunk.rng("checkouts"), chunk.world.end_us, len(people)
    everyone = np.arange(n)
    has_trial = marks.trial_at < NEVER
    signed = marks.signed_up_at < NEVER
    parts: list[tuple[np.ndarray, ...]] = []

    def add(who, at, kind, meant, guest=False, second=False):
        size = len(who)
        parts.append(
            (
                who,
                whole_ms(at),
                np.full(size, kind),
                np.broadcast_to(meant, size),
                np.full(size, guest),
                np.full(size, second),
            )
        )

    end_of_trial = marks.trial_at + c.TRIAL_DAYS * DAY - (rng.random(n) * 4 * DAY).astype(np.int64)
    tries = people.means_to_pay | (rng.random(n) < 0.25)
    who = everyone[has_trial & tries & (marks.left_at >= end_of_trial)]
    add(who, end_of_trial[who], SUBSCRIPTION, people.means_to_pay[who])
    soon = marks.signed_up_at + (rng.uniform(0.2, 6, n) * DAY).astype(np.int64)
    meant = people.means_to_pay & (rng.random(n) < 0.5)
    who = everyone[signed & ~has_trial & meant & (marks.left_at >= soon)]
    add(who, soon[who], SUBSCRIPTION, True)
    first = [np.concatenate([p[i] for p in parts]) for i in range(4)]
    early = rng.random(len(first[0])) < 0.25
    at = first[1] - (rng.uniform(0.5, 6, len(first[0])) * DAY).astype(np.int64)
    early &= first[3] & (at > marks.signed_up_at[first[0]] + HOUR)
    add(first[0][early], at[early], SUBSCRIPTION, False)
    again = marks.returned_at + (rng.random(n) * 5 * DAY).astype(np.int64)
    who = everyone[
        (marks.returned_at < NEVER)
        & people.means_to_pay
        & (rng.random(n) < 0.5)
        & (marks.left_again_at > again)
    ]
    add(who, again[who], SUBSCRIPTION, True, second=True)

    def add_orders(who, at, guest):
        meant = rng.random(len(who)) < 0.65
        add(who, at, ORDER, meant, guest=guest)
        later = ~meant & (rng.random(len(who)) < 0.3)
        add(who[later], at[later] + (rng.uniform(0.1, 6, later.sum()) * DAY), ORDER, True, guest)

    buyers = np.where(people.is_buyer & signed, 1 + rng.poisson(0.8, n), 0)
    who, _ = owners_and_ranks(buyers)
    begin = marks.signed_up_at[who] + 3 * HOUR
    length = np.maximum(np.minimum(marks.left_at[who], end) - begin, HOUR)
    add_orders(who, begin + rng.random(len(who)) * length, False)
    who = everyone[people.is_buyer & ~people.wants_signup]
    add_orders(who, people.arrival[who] + rng.uniform(0.05, 10, len(who)) * DAY, True)
    begin, until = chunk.world.incident
    at = begin + rng.random(n) * (until - begin)
    active = (marks.signed_up_at + HOUR < at) & (at < marks.left_at)
    who = everyone[active & (rng.random(n) < c.planted("sale_order_share"))]
    add_orders(who, at[who], False)

    person, at, kind, meant, guest, second = (
        np.concatenate([p[i] for p in parts]) for i in range(6)
    )
    size = len(person)
    price = np.where(
        kind == SUBSCRIPTION, pick(rng, (0.55, 0.33, 0.12), size), rng.integers(0, 5, size)
    )
    items = rng.integers(1, 4, size)
    kept = at < end - 3 * HOUR
    return Checkouts(*(v[kept] for v in (person, at, kind, meant, guest, second, price, items)))


def draw_sessions(
    chunk: Chunk,
    people: People,
    devices: Devices,
    marks: Milestones,
    visits: Visits,
    checkouts: Checkouts,
) -> Sessions:
    """Put all sessions together and give each its device, cookie and state of login."""
    rng = chunk.rng("sessions")
    use = draw_use(chunk, people, marks)
    *shared, shared_device = _shared_sessions(rng, chunk.world.end_us, devices, marks, people)
    verifier = np.flatnonzero(marks.verifies_later)
    later = _touches(rng, c.LATER_VISITS, len(visits.person))
    visit_touch = np.where(visits.rank == 0, people.touch[visits.person], later)

    # person, at, kind, touch, reference; those whose device is fixed come last
    batches = (
        (
            visits.person,
            visits.at,
            np.where(visits.is_signup, SIGNUP, VISIT),
            visit_touch,
            visits.rank,
        ),
        (*use, USE, _touches(rng, c.APP_VISITS, len(use[0])), NO),
        (verifier, marks.verified_at[verifier] - 90 * SECOND, VERIFY, c.TOUCH["direct"], NO),
        (
            checkouts.person,
            checkouts.at,
            CHECKOUT,
            _touches(rng, c.APP_VISITS, len(checkouts)),
            np.arange(len(checkouts)),
        ),
        (*shared, c.TOUCH["direct"], NO),
    )
    person, at, kind, touch, reference = (
        np.concatenate([np.broadcast_to(batch[i], len(batch[0])) for batch in batches])
        for i in range(5)
    )
    of_checkout = np.flatnonzero(kind == CHECKOUT)
    is_guest = np.zeros(len(person), dtype=bool)
    is_guest[of_checkout] = checkouts.is_guest[reference[of_checkout]]
    slot = _slots(rng, people, devices, person, kind, reference, is_guest)
    device = devices.slots[person, slot]
    device[len(device) - len(shared_device) :] = shared_device

    order = np.lexsort((np.arange(len(person)), at, device))
    person, at, kind, touch, reference, is_guest, slot, device = (
        v[order] for v in (person, at, kind, touch, reference, is_guest, slot, device)
    )
    cookie = _cookies(rng, devices, device)
    is_shared = devices.kind[device] >= c.TABLET
    login = _logins(rng, kind, is_guest, cookie, is_shared)
    kind = np.where((kind == USE) & (login == ANONYMOUS), VISIT, kind)
    soon = at + rng.integers(20_000, 60_000, len(at)) * MS
    login_at = np.where(login == KNOWN, -NEVER, np.where(login == LOGS_IN, soon, NEVER))
    login_at = np.where(kind == SIGNUP, marks.signed_up_at[person], login_at)
    checkouts.session = np.empty(len(checkouts), dtype=np.int64)
    of_checkout = np.flatnonzero(kind == CHECKOUT)
    checkouts.session[reference[of_checkout]] = of_checkout
    return Sessions(
        person=person,
        at=at,
        kind=kind,
        touch=touch,
        reference=reference,
        device=device,
        cookie=cookie,
        login=login,
        login_at=login_at,
        user=(people.has_second_user[person] & (slot == 1)).astype(np.int64),
        is_shared=is_shared,
    )


def _touches(rng, weights: dict[str, float], size: int) -> np.ndarray:
    """Touches of sessions that are not a person's first."""
    numbers = np.array([c.TOUCH[name] for name in weights])
    return numbers[pick(rng, list(weights.values()), size)]


def _cookies(rng, devices: Devices, device: np.ndarray) -> np.ndarray:
    """Number of the cookie of each session, given sessions by device and time.

    A device keeps its cookie until it is lost; the kiosk never loses its own.
    """
    web, app = c.planted("cookie_loss_share_web"), c.planted("cookie_loss_share_app")
    loss = {c.DESKTOP: web, c.MOBILE: web, c.APP: app, c.TABLET: app, c.KIOSK: 0}
    chance = np.array([loss[kind] for kind in range(5)])[devices.kind[device]]
    is_new = rng.random(len(device)) < chance
    is_new[:1] = True
    is_new[1:] |= device[1:] != device[:-1]
    return np.cumsum(is_new) - 1


def _logins(rng, kind, is_guest, cookie, is_shared) -> np.ndarray:
    """State of login of each session, given sessions by device and time.

    On a device of one's own a login lasts as long as the cookie; on a shared one it ends with the
    session. Some sessions of use never log in and are then mere visits.
    """
    is_lazy = rng.random(len(kind)) < np.where(is_shared, 0.25, 0.12)
    wants = np.isin(kind, (SIGNUP, VERIFY)) | ((kind == CHECKOUT) & ~is_guest)
    wants |= (kind == USE) & ~is_lazy
    before = np.cumsum(wants) - wants
    first_of_cookie = np.searchsorted(cookie, cookie)
    is_known = (before > before[first_of_cookie]) & ~is_shared & (kind != SIGNUP)
    return np.where(is_known, KNOWN, np.where(wants, LOGS_IN, ANONYMOUS))


def _slots(rng, people, devices, person, kind, reference, is_guest) -> np.ndarray:
    """Which of a person's devices a session is on; the first browser unless drawn otherwise."""
    has = devices.slots[person] != NO
    drawn = rng.random(len(person))
    slot = np.zeros(len(person), dtype=np.int64)
    before_signup = (kind == VISIT) | (kind == SIGNUP) | is_guest
    second = has[:, 1] & (drawn < 0.20) & ~((kind == VISIT) & (reference == 0))
    slot[second & ~((kind == SIGNUP) & people.has_second_user[person])] = 1
    app = has[:, 2] & ~before_signup & (drawn >= 0.20)
    slot[app & (drawn < np.where(kind == CHECKOUT, 0.35, 0.60))] = 2
    on_kiosk = devices.kind[devices.slots[person, 3]] == c.KIOSK
    shared = has[:, 3] & (kind == USE) & (drawn >= np.where(on_kiosk, 0.94, 0.70))
    slot[shared] = 3
    return slot


def _shared_sessions(rng, end, devices, marks, people):
    """Person, time, kind and device of sessions that make shared devices shared.

    Each user of a shared device logs in there once at least; a few visitors who never sign up look
    at the kiosk. A kiosk, where there is one, is the last of the devices.
    """
    users = np.flatnonzero(devices.slots[:, 3] != NO)
    begin = marks.signed_up_at[users] + 3 * HOUR
    room = np.minimum(marks.left_at[users] + DAY, end - 3 * HOUR) - begin
    users_at = begin + rng.random(len(users)) * np.clip(room, 0, 60 * DAY)
    has_kiosk = c.KIOSK in devices.kind
    visitors = rng.permutation(np.flatnonzero(~people.wants_signup))[: 8 if has_kiosk else 0]
    visitors_at = people.arrival[visitors] + rng.uniform(1, 20, len(visitors)) * DAY
    kiosk = np.full(len(visitors), len(devices.kind) - 1)

    person = np.concatenate([users, visitors])
    at = whole_ms(np.concatenate([users_at, visitors_at]))
    kind = np.where(np.arange(len(person)) < len(users), USE, VISIT)
    device = np.concatenate([devices.slots[users, 3], kiosk])
    kept = at < end - 2 * HOUR
    return person[kept], at[kept], kind[kept], device[kept]
