"""Who there is: persons, what they are like, and the devices they use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.sample import catalog as c
from tools.sample.world import DAY, HOUR, Chunk, pick, time_of_day

NO = -1


@dataclass
class People:
    """One array element per person of the chunk; what is drawn here is fate, not yet history."""

    country: np.ndarray
    hours: np.ndarray  # local time minus UTC
    first_name: np.ndarray
    last_name: np.ndarray
    arrival: np.ndarray  # us, begin of the first visit
    touch: np.ndarray  # how the first visit came about, index into TOUCHES
    is_mobile: np.ndarray
    is_reviewer: np.ndarray
    is_exposed: np.ndarray
    variant: np.ndarray  # 0 control, 1 treatment; means nothing where not exposed
    wants_signup: np.ndarray
    visits: np.ndarray  # number of visits before, and with, the sign-up
    breadth: np.ndarray  # how many features the person would come to use
    bucket: np.ndarray  # index into BREADTH_BUCKETS
    weeks: np.ndarray  # how long the person stays after sign-up
    pace: np.ndarray  # sessions per week
    means_to_pay: np.ndarray
    wants_trial: np.ndarray
    is_buyer: np.ndarray  # one-off orders
    is_internal: np.ndarray
    has_second_user: np.ndarray
    account: np.ndarray  # number of the account in the chunk, or NO
    gives_phone: np.ndarray

    def __len__(self) -> int:
        return len(self.arrival)


def draw_people(chunk: Chunk) -> People:
    """Draw the persons of a chunk."""
    rng, world, n = chunk.rng("people"), chunk.world, chunk.persons
    country = pick(rng, c.COUNTRY_SHARES, n)
    hours = np.array(c.COUNTRY_HOURS)[country]

    usual, viral = world.arrival_weights()
    day = pick(rng, usual + viral, n)
    is_viral = rng.random(n) < (viral / (usual + viral))[day]
    arrival = world.start_us + day * DAY + time_of_day(rng, hours)
    arrival = np.minimum(arrival, world.end_us - 3 * HOUR)
    touch = pick(rng, [t[8] for t in c.TOUCHES], n)
    begin = np.array([world.moment(t[9]) for t in c.TOUCHES])
    end = np.array([world.moment(t[10]) for t in c.TOUCHES])
    runs = (begin[touch] <= arrival) & (arrival < end[touch])
    touch = np.where(runs, touch, c.TOUCH["google_organic"])
    touch = np.where(is_viral, c.TOUCH["viral_post"], touch)

    is_mobile = rng.random(n) < 0.40
    is_reviewer = (rng.random(n) < 0.12) & ~is_viral
    is_exposed = (world.experiment[0] <= arrival) & (arrival < world.experiment[1])
    variant = (rng.random(n) < c.planted("experiment_treatment_share")).astype(np.int64)
    chance = np.array([t[7] for t in c.TOUCHES])[touch]
    chance = chance * np.where(is_reviewer, c.planted("review_reader_signup_multiplier"), 1)
    chance = chance * np.where(is_mobile, c.planted("mobile_signup_multiplier"), 1)
    lift = 1 + c.planted("experiment_signup_button_relative_lift")
    chance = chance * np.where(is_exposed & (variant == 1), lift, 1)
    wants_signup = rng.random(n) < chance
    visits = np.where(
        wants_signup, np.minimum(rng.geometric(0.55, n), 7), np.minimum(rng.geometric(0.66, n), 10)
    )

    bucket = pick(rng, c.BREADTH_SHARES, n)
    low, high = np.array(c.BREADTH_RANGES).T
    breadth = rng.integers(low[bucket], high[bucket] + 1)
    by_bucket = [
        (
            c.planted(f"weekly_leave_hazard_breadth_{name}"),
            c.planted(f"pay_intent_breadth_{name}"),
        )
        for name in c.BREADTH_BUCKETS
    ]
    hazard, pay = np.array(by_bucket).T
    weeks = rng.exponential(1, n) / -np.log1p(-hazard)[bucket]
    pace = np.array(c.SESSIONS_PER_WEEK)[bucket] * rng.gamma(3, 1 / 3, n)

    has_account = rng.random(n) < c.planted("account_member_share")
    accounts = max(1, int(n * 0.14 * c.planted("account_member_share") / 4))
    account = np.where(has_account, pick(rng, 1 / np.arange(1, accounts + 1) ** 0.5, n), NO)

    return People(
        country=country,
        hours=hours,
        first_name=rng.integers(0, len(c.FIRST_NAMES), n),
        last_name=rng.integers(0, len(c.LAST_NAMES), n),
        arrival=arrival,
        touch=touch,
        is_mobile=is_mobile,
        is_reviewer=is_reviewer,
        is_exposed=is_exposed,
        variant=variant,
        wants_signup=wants_signup,
        visits=visits,
        breadth=breadth,
        bucket=bucket,
        weeks=weeks,
        pace=pace,
        means_to_pay=rng.random(n) < pay[bucket],
        wants_trial=rng.random(n) < c.planted("trial_request_share"),
        is_buyer=rng.random(n) < np.where(wants_signup, 0.25, 0.03),
        is_internal=wants_signup & (rng.random(n) < c.planted("internal_share")),
        has_second_user=rng.random(n) < c.planted("second_user_share"),
        account=account,
        gives_phone=rng.random(n) < 0.5,
    )


@dataclass
class Devices:
    """One array element per device; `slots` says which a person has (NO = none).

    Slots are: 0 first browser, 1 second browser, 2 app, 3 shared device.
    """

    kind: np.ndarray
    agent: np.ndarray
    ip: np.ndarray  # index into `ips()`
    skew: np.ndarray  # us that the device's clock is ahead
    slots: np.ndarray  # persons x 4


def draw_devices(chunk: Chunk, people: People, signed_up: np.ndarray) -> Devices:
    """Give each person the devices that are his, and the few devices that are shared.

    A household tablet serves two or three persons, the kiosk of the chunk a dozen or more.
    """
    rng, n = chunk.rng("devices"), len(people)
    slots = np.full((n, 4), NO)
    slots[:, 0] = np.arange(n)
    kinds = [np.where(people.is_mobile, c.MOBILE, c.DESKTOP)]

    second = np.flatnonzero(rng.random(n) < np.where(signed_up, 0.45, 0.20))
    slots[second, 1] = n + np.arange(len(second))
    kinds.append(np.where(people.is_mobile[second], c.DESKTOP, c.MOBILE))
    count = n + len(second)

    app = np.flatnonzero(signed_up & (rng.random(n) < 0.35))
    slots[app, 2] = count + np.arange(len(app))
    kinds.append(np.full(len(app), c.APP))
    count += len(app)

    users = rng.permutation(np.flatnonzero(signed_up & ~people.is_internal))
    tablets = min(max(1, n // 500), len(users) // 3)
    sizes = rng.integers(2, 4, tablets)
    household = users[: sizes.sum()]
    slots[household, 3] = count + np.repeat(np.arange(tablets), sizes)
    kinds.append(np.full(tablets, c.TABLET))
    count += tablets

    at_kiosk = users[sizes.sum() :][: rng.integers(12, 19)]
    if len(at_kiosk):
        slots[at_kiosk, 3] = count
        kinds.append(np.array([c.KIOSK]))
        count += 1

    kind = np.concatenate(kinds).astype(np.int64)
    agents = np.array([len(c.USER_AGENTS[k]) for k in range(5)])
    is_wrong = rng.random(count) < c.planted("clock_skew_device_share")
    wrong = rng.integers(1, 13, count) * rng.choice([-1, 1], count) * HOUR
    return Devices(
        kind=kind,
        agent=rng.integers(0, agents[kind]),
        ip=rng.integers(0, len(ips()), count),
        skew=np.where(is_wrong, wrong, rng.integers(-900, 900, count) * 1000),
        slots=slots,
    )


_IPS: list[str] = []


def ips() -> list[str]:
    """All addresses in use: the IPv4 documentation ranges and some of the IPv6 one."""
    if not _IPS:
        _IPS.extend(f"{block}{host}" for block in c.IP_BLOCKS for host in range(1, 255))
        _IPS.extend(f"2001:db8:{net:x}::{host:x}" for net in range(8) for host in range(1, 33))
    return _IPS


def digits(numbers: np.ndarray, width: int) -> pa.Array:
    """Whole numbers as text, padded with zeros to at least `width` digits."""
    text = pa.array(np.asarray(numbers, dtype=np.int64)).cast(pa.string())
    return pc.utf8_lpad(text, width=width, padding="0")


def person_keys(chunk: Chunk) -> pa.Array:
    """The truth's name for each person of the chunk, unique over the run."""
    return pc.binary_join_element_wise(
        f"p{chunk.number:05d}-", digits(np.arange(chunk.persons), 6), ""
    )


def names(people: People) -> pa.Array:
    """Full names."""
    first = pa.array(c.FIRST_NAMES).take(pa.array(people.first_name))
    last = pa.array(c.LAST_NAMES).take(pa.array(people.last_name))
    return pc.binary_join_element_wise(first, last, " ")


EMAIL_PLAIN, EMAIL_UPPER, EMAIL_SPACES, EMAIL_PLUS, EMAIL_MIXED, EMAIL_NBSP = range(6)
EMAIL_SPELLING_SHARES = (0.86, 0.04, 0.03, 0.03, 0.03, 0.01)


def email_spellings(chunk: Chunk, people: People) -> pa.Array:
    """All spellings of all persons: six blocks, element `spelling * persons + person`."""
    number = chunk.first_person + np.arange(len(people))
    plain_first = ["soren" if n == "Søren" else "zoe" if n == "Zoë" else n for n in c.FIRST_NAMES]
    first = pa.array(plain_first).take(pa.array(people.first_name))
    last = pa.array([n.replace("'", "") for n in c.LAST_NAMES]).take(pa.array(people.last_name))
    mixed = pc.binary_join_element_wise(first, last, pa.array(number).cast(pa.string()), ".")
    plain = pc.utf8_lower(mixed)
    mail = pc.binary_join_element_wise(
        "mail-", pa.array(number % c.MAIL_DOMAINS + 1).cast(pa.string()), ".test", ""
    )
    domain = pc.if_else(pa.array(people.is_internal), c.INTERNAL_DOMAIN, mail)
    base = pc.binary_join_element_wise(plain, domain, "@")
    return pa.concat_arrays(
        [
            base,
            pc.utf8_upper(base),
            pc.binary_join_element_wise(" ", base, "  ", ""),
            pc.binary_join_element_wise(plain, "+news@", domain, ""),
            pc.binary_join_element_wise(mixed, domain, "@"),
            pc.binary_join_element_wise(base, "\u00a0", ""),
        ]
    )


def phones(chunk: Chunk, people: People) -> pa.Array:
    """One phone per person, no two the same; longer than six digits only past a million persons."""
    number = chunk.first_person + np.arange(len(people))
    block, place = number // 1_000_000, number % 1_000_000
    tail = digits(place * 7919 % 1_000_000 + block * 1_000_000, 6)
    return pc.binary_join_element_wise("+4520", tail, "")
