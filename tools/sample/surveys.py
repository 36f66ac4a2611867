"""Surveys: who is asked, who answers, and what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample import dirt, records, support
from tools.sample.arrays import TEXT, take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, schema_of
from tools.sample.world import DAY, HOUR, MINUTE, MS, NEVER, SECOND, World, pick

TABLE = ("generic", "survey_responses")
SCHEMA = schema_of(
    "response_id survey survey_type wave invited_at:t responded_at:t score:i updated_at:t "
    f"{records.IDENTIFIERS} _load_id _loaded_at:t"
)
SURVEYS = ("relationship_nps", "support_csat", "onboarding_ces")
SURVEY_TYPES = ("nps", "csat", "ces")
NPS, CSAT, CES = range(3)
SETTLED = 30 * DAY  # after sign-up, before anyone is asked for an NPS
DETRACTOR_WEIGHTS = (2, 1, 1, 2, 3, 5, 6)  # scores 0 to 6


@dataclass
class Invitations:
    """One array element per invitation; `wave` is an index into `waves`, NO for none."""

    person: np.ndarray
    survey: np.ndarray
    wave: np.ndarray
    invited_at: np.ndarray
    responded_at: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def waves(world: World) -> tuple[list[str], np.ndarray]:
    """Names of the NPS waves, such as 2025-Q3, and when each goes out: in mid-quarter."""
    first, last = (np.datetime64(at, "us").astype("M8[M]") for at in (world.start_us, world.end_us))
    month = np.arange(first, last + 1)
    month = month[month.astype(np.int64) % 3 == 1]
    at = (month.astype("M8[D]").astype(np.int64) + 14) * DAY + 9 * HOUR
    inside = (world.start_us <= at) & (at < world.end_us - DAY)
    names = [f"{m.item().year}-Q{(m.item().month + 2) // 3}" for m in month[inside]]
    return names, at[inside]


def draw_invitations(scene: Scene) -> Invitations:
    """All invitations of the chunk, and the answers to them."""
    rng, end, marks = scene.chunk.rng("surveys"), scene.chunk.world.end_us, scene.marks
    _, moments = waves(scene.chunk.world)
    signed = np.flatnonzero(scene.signed)
    person, wave = (v.ravel() for v in np.meshgrid(signed, np.arange(len(moments)), indexing="ij"))
    at = moments[wave] + rng.integers(0, 3 * HOUR // MS, len(person)) * MS
    asked = (marks.signed_up_at[person] + SETTLED <= at) & records.is_active(scene, person, at)
    person, wave, at = person[asked], wave[asked], at[asked]
    promotes = np.array([c.planted(f"nps_promoter_share_breadth_{b}") for b in c.BREADTH_BUCKETS])
    size, drawn = len(person), rng.random(len(person))
    score = np.where(
        rng.random(size) < c.planted("nps_passive_share"),
        rng.integers(7, 9, size),
        pick(rng, DETRACTOR_WEIGHTS, size),
    )
    score = np.where(
        drawn < promotes[scene.people.bucket[person]], rng.integers(9, 11, size), score
    )
    answers = rng.random(size) < c.planted("nps_response_share")
    responded_at = np.where(answers, at + records.lasting(rng, 14, 1.2, size, HOUR), NEVER)
    parts = [(person, NPS, wave, at, responded_at, score)]

    contacts = scene.once(support.draw_contacts)
    of = np.flatnonzero(contacts.invited_at < end)
    sent, rated = contacts.invited_at[of], contacts.rated_at[of]
    parts.append((contacts.person[of], CSAT, NO, sent, rated, contacts.score[of]))

    at = scene.first_track("onboarding_completed")
    at = at + rng.integers(60, 270, len(at)) * SECOND
    of = np.flatnonzero(at < end)
    answers = rng.random(len(of)) < c.planted("ces_response_share")
    responded_at = at[of] + records.lasting(rng, 1, 1.5, len(of), HOUR)
    score = records.around_mean(rng, np.full(len(of), c.planted("ces_mean")), 7)
    parts.append((of, CES, NO, at[of], np.where(answers, responded_at, NEVER), score))

    person, survey, wave, invited_at, responded_at, score = (
        np.concatenate([np.broadcast_to(part[i], len(part[0])) for part in parts]) for i in range(6)
    )
    responded_at = np.where(responded_at < end, responded_at, NEVER)
    return Invitations(person, survey, wave, invited_at, responded_at, score)


def survey_responses(scene: Scene) -> Draft:
    """Draft of generic.survey_responses: a row at the invitation, and one at the answer."""
    asked, book = scene.once(draw_invitations), scene.once(records.address_book)
    rng, size = scene.chunk.rng("surveys table"), len(asked)
    of, now = records.states(scene.chunk.world.end_us, asked.invited_at, asked.responded_at)
    names, _ = waves(scene.chunk.world)
    person = asked.person
    by_mail = (book.email_at[person] < asked.invited_at) & (rng.random(size) < 0.5)
    email = np.where(by_mail, book.email[person], NO)
    user = np.where(by_mail & (rng.random(size) < 0.3), NO, person)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, s = now[d.source], of[d.source]
        has_answer = asked.responded_at[s] <= i
        return {
            "survey": take(pa.array(SURVEYS), asked.survey[s]),
            "survey_type": take(pa.array(SURVEY_TYPES), asked.survey[s]),
            "wave": take(pa.array(names, TEXT), asked.wave[s]),
            "invited_at": times(asked.invited_at[s]),
            "responded_at": times(records.so_far(asked.responded_at[s], i)),
            "score": records.wholes(np.where(has_answer, asked.score[s], NO)),
            "updated_at": records.updated(now, d),
            **records.known_by(scene, d, user_id=user[of], email=email[of]),
        }

    return Draft(
        TABLE, now, now + rng.integers(2, 60, len(of)) * MINUTE, person[of], columns,
        of, "response_id", emails=email[of],
    )  # fmt: skip
