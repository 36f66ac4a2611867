"""What the records of the company's other systems share: by what they know people, and versions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample.arrays import TEXT, take, times
from tools.sample.dirt import Delivery
from tools.sample.people import NO
from tools.sample.scene import Scene
from tools.sample.world import DAY, MINUTE, NEVER

IDENTIFIERS = "user_id customer_id email phone anonymous_id device_id"


@dataclass
class AddressBook:
    """By person: what he has told the company, hence where other systems reach him, and since when.

    Only what an identify call has carried stands here, so these systems know nobody by an
    identifier that the product does not know.
    """

    email: np.ndarray  # index into the scene's emails, NO where none is known
    email_at: np.ndarray
    phone: np.ndarray
    app: np.ndarray  # the device with the app, where it has been used
    app_at: np.ndarray


def address_book(scene: Scene) -> AddressBook:
    """What the company knows of each person of the chunk."""
    n, sess, calls = len(scene), scene.sessions, scene.calls["identifies"]
    _, spelled, told_phone = scene.told
    person = sess.person[calls.session]

    def first(tells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Persons who tell, and the first call in which each does."""
        of = np.flatnonzero(tells & calls.has_user)
        of = of[np.lexsort((of, calls.at[of], person[of]))]
        who, place = np.unique(person[of], return_index=True)
        return who, of[place]

    email, email_at = np.full(n, NO), np.full(n, NEVER)
    who, call = first(spelled != NO)
    email[who], email_at[who] = spelled[call], calls.at[call]
    phone = np.full(n, NO)
    who, call = first(told_phone != NO)
    phone[who] = told_phone[call]

    app_at = np.full(n, NEVER)
    on_app = np.flatnonzero(scene.devices.kind[sess.device] == c.APP)
    np.minimum.at(app_at, sess.person[on_app], sess.at[on_app])
    app = np.where(app_at < NEVER, scene.devices.slots[:, 2], NO)
    return AddressBook(email, email_at, phone, app, app_at)


def known_by(scene: Scene, d: Delivery, **index: np.ndarray) -> dict[str, pa.Array]:
    """The identifier columns; `index` gives, by drafted row, what a column takes from its pool."""
    pools = {
        "user_id": scene.users,
        "customer_id": scene.customers,
        "email": scene.emails,
        "phone": scene.phones,
        "anonymous_id": scene.cookies,
        "device_id": scene.device_ids,
    }
    return {
        name: take(pool, index[name][d.source]) if name in index else pa.nulls(len(d), TEXT)
        for name, pool in pools.items()
    }


def customer_index(scene: Scene) -> np.ndarray:
    """Index into the scene's customers by person; NO where billing has never heard of him."""
    index = np.full(len(scene), NO)
    index[scene.subscriptions.person] = scene.subscriptions.person
    return index


def states(end: int, *moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The versions of things that change at `moments`: which thing, and as of when."""
    parts = []
    for at in moments:
        of = np.flatnonzero(at < end)
        parts.append((of, at[of]))
    return tuple(np.concatenate([part[i] for part in parts]) for i in range(2))


def so_far(at: np.ndarray, now: np.ndarray) -> np.ndarray:
    """A moment as a version of `now` tells it: NEVER while it is yet to come."""
    return np.where(at <= now, at, NEVER)


def updated(now: np.ndarray, d: Delivery) -> pa.Array:
    """When the drafted row was last changed; half of the conflicting copies claim to be older."""
    is_older = d.changed // MINUTE % 2 == 1
    return times(now[d.source] - np.where(is_older, d.changed, 0))


def flags(is_so: np.ndarray, applies: np.ndarray | None = None) -> pa.Array:
    """The texts true and false, null where it does not apply."""
    index = is_so.astype(np.int64)
    return take(
        pa.array(["false", "true"]), index if applies is None else np.where(applies, index, NO)
    )


def wholes(number: np.ndarray) -> pa.Array:
    """Whole numbers, null below 0."""
    number = np.asarray(number, dtype=np.int64)
    return pa.array(number, mask=number < 0)


def around_mean(rng, mean: np.ndarray, top: int) -> np.ndarray:
    """Scores from 1 to `top` with the given means."""
    return 1 + rng.binomial(top - 1, (mean - 1) / (top - 1))


def lasting(rng, median: float, spread: float, size: int, unit: int) -> np.ndarray:
    """Durations with a long tail: `median` in `unit`, in whole milliseconds, 1 s at the least."""
    drawn = rng.lognormal(np.log(median), spread, size) * unit
    return np.clip(drawn, 1_000_000, 60 * DAY).astype(np.int64) // 1_000 * 1_000


def is_active(scene: Scene, person: np.ndarray, at: np.ndarray, grace: int = 0) -> np.ndarray:
    """Whether each person uses the product at the moment, or did so less than `grace` before."""
    marks = scene.marks
    first = (marks.signed_up_at[person] <= at) & (at < marks.left_at[person] + grace)
    again = (marks.returned_at[person] <= at) & (at < marks.left_again_at[person] + grace)
    return first | again
