"""Experiments that the server runs: who is put into which variant, and what of it is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import behaviour, dirt, records
from tools.sample import catalog as c
from tools.sample.arrays import take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, schema_of
from tools.sample.sessions import SIGNUP, VISIT
from tools.sample.world import DAY, MINUTE, MS, pick

TABLE = ("generic", "experiment_exposures")
SCHEMA = schema_of(
    f"experiment variant exposed_at:t updated_at:t {records.IDENTIFIERS} _load_id _loaded_at:t"
)
EXPERIMENTS = ("onboarding_checklist", "price_page")
CHECKLIST, PRICE_PAGE = range(2)
VARIANTS = ("control", "checklist", "a", "b", "c")
A, C = VARIANTS.index("a"), VARIANTS.index("c")


@dataclass
class Exposures:
    """One array element per exposure; `user` and `cookie` are indexes into the scene's pools."""

    person: np.ndarray
    experiment: np.ndarray
    variant: np.ndarray
    at: np.ndarray
    user: np.ndarray
    cookie: np.ndarray
    is_recorded: np.ndarray
    is_repeat: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def draw_exposures(scene: Scene) -> Exposures:
    """All exposures of the chunk, those too that are never recorded. Variants change nothing."""
    rng, sess, n = scene.chunk.rng("exposures"), scene.sessions, len(scene)
    share = c.planted("experiment_onboarding_checklist_treatment_share")
    variant = (rng.random(n) < share).astype(np.int64)
    signed = np.flatnonzero(scene.signed)
    at = scene.marks.signed_up_at[signed] + rng.integers(1_000, 3_000, len(signed)) * MS
    again = signed[rng.random(len(signed)) < c.planted("experiment_repeat_share")]
    wait = rng.integers(10 * MINUTE // MS, 3 * DAY // MS, len(again)) * MS
    again_at = scene.marks.signed_up_at[again] + wait

    # visitors who look at the prices on their first visit
    rng, ev = scene.chunk.rng("price page"), scene.events
    variants = pick(rng, (1, 1, 1), n)
    is_first = (sess.reference == 0) & np.isin(sess.kind, (VISIT, SIGNUP))
    seen = np.flatnonzero(
        (ev.table == behaviour.PAGE) & (ev.code == c.PATH["/pricing"]) & is_first[ev.session]
    )
    viewer = sess.person[ev.session[seen]]
    order = np.lexsort((ev.at[seen], viewer))
    seen, viewer = seen[order], viewer[order]
    viewer, place = np.unique(viewer, return_index=True)
    seen = seen[place]
    session, seen_at = ev.session[seen], ev.at[seen] + 50 * MS
    # a person's own cookie tells him; the user id stands beside it once he has signed up
    user = np.where(seen_at >= sess.login_at[session], scene.user_index(session), NO)
    cookie, shown = sess.cookie[session], A + variants[viewer]
    is_lost = rng.random(len(viewer)) < c.planted("experiment_price_page_unrecorded_share_c")
    is_kept = (shown != C) | ~is_lost

    parts = (
        (signed, CHECKLIST, variant[signed], at, signed, NO, True, False),
        (again, CHECKLIST, variant[again], again_at, again, NO, True, True),
        (viewer, PRICE_PAGE, shown, seen_at, user, cookie, is_kept, False),
    )  # fmt: skip
    values = [
        np.concatenate([np.broadcast_to(part[i], len(part[0])) for part in parts]) for i in range(8)
    ]
    kept = values[3] < scene.chunk.world.end_us
    return Exposures(*(v[kept] for v in values))


def experiment_exposures(scene: Scene) -> Draft:
    """Draft of generic.experiment_exposures, whose rows have no id."""
    exposed = scene.once(draw_exposures)
    rng = scene.chunk.rng("exposures table")
    of = np.flatnonzero(exposed.is_recorded)
    at = exposed.at[of]

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        s = of[d.source]
        return {
            "experiment": take(pa.array(EXPERIMENTS), exposed.experiment[s]),
            "variant": take(pa.array(VARIANTS), exposed.variant[s]),
            "exposed_at": times(exposed.at[s]),
            "updated_at": records.updated(at, d),
            **records.known_by(scene, d, user_id=exposed.user[of], anonymous_id=exposed.cookie[of]),
        }

    arrives_at = at + rng.integers(1, 10, len(of)) * MINUTE
    return Draft(TABLE, at, arrives_at, exposed.person[of], columns, np.arange(len(of)), None)
