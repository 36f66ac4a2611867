"""Calls for help: who asks, how, why, how soon he is answered, and what he thinks of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample import dirt, records
from tools.sample.arrays import decimals, take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, schema_of
from tools.sample.world import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    owners_and_ranks,
    pick,
    whole_ms,
)

TABLE = ("generic", "support_contacts")
SCHEMA = schema_of(
    "contact_id contact_type reason is_complaint is_escalated opened_at:t first_replied_at:t "
    "resolved_at:t csat_score:i cost_amount:m currency_code updated_at:t "
    f"{records.IDENTIFIERS} _load_id _loaded_at:t"
)
TYPES = ("article", "chatbot", "live_chat", "ticket", "phone", "email", "social")
TYPE_SHARES = (0.30, 0.25, 0.15, 0.18, 0.05, 0.05, 0.02)
ARTICLE, CHATBOT, LIVE_CHAT, TICKET, PHONE, EMAIL, SOCIAL = range(7)
# median of the first reply and of the work after it, and the spread of both
REPLY = (None, (4, 0.3, SECOND), (2, 0.8, MINUTE), (9, 1.3, HOUR), (1, 0.6, MINUTE),
         (12, 1.2, HOUR), (5, 1.2, HOUR))  # fmt: skip
WORK = ((3, 0.6, MINUTE), (3, 0.6, MINUTE), (12, 0.7, MINUTE), (10, 1.2, HOUR), (10, 0.6, MINUTE),
        (12, 1.2, HOUR), (2, 1.0, HOUR))  # fmt: skip
REASONS = ("how_to", "bug", "billing", "cancel", "feature_request")
REASON_SHARES = (0.38, 0.24, 0.18, 0.08, 0.12)
REASON_SHARES_FIRST_WEEK = (0.70, 0.16, 0.08, 0.02, 0.04)
BILLING = REASONS.index("billing")
QUIET = 7 * DAY  # between contacts that do not follow from one another


@dataclass
class Contacts:
    """One array element per contact; moments in us, NEVER where a thing does not happen."""

    person: np.ndarray
    opened_at: np.ndarray
    type: np.ndarray
    reason: np.ndarray
    is_failure: np.ndarray  # about a payment that failed in the incident
    is_follow_up: np.ndarray  # of a chatbot contact that did not help
    is_contained: np.ndarray  # a chatbot contact that did
    is_complaint: np.ndarray
    replied_at: np.ndarray
    escalated_at: np.ndarray
    resolved_at: np.ndarray
    invited_at: np.ndarray  # to rate it
    rated_at: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def _occasions(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Person, moment, and whether in the first week or over a failed payment, by person and time.

    The coin of the first week is the same for those who stay and those who go, and a contact is
    not kept from anyone who has already gone.
    """
    rng, marks, n = scene.chunk.rng("support occasions"), scene.marks, len(scene)
    end = scene.chunk.world.end_us
    asks = scene.signed & (rng.random(n) < c.planted("support_first_week_share"))
    wait = np.minimum(rng.exponential(1.2, n), 6.9) * DAY
    week = np.flatnonzero(asks)
    parts = [(week, (marks.signed_up_at + 5 * MINUTE + wait.astype(np.int64))[week])]
    for begin, until in (
        (marks.signed_up_at + 7 * DAY, marks.left_at),
        (marks.returned_at, marks.left_again_at),
    ):
        length = np.where(begin < end, np.clip(np.minimum(until, end) - begin, 0, None), 0)
        counts = rng.poisson(c.planted("support_weekly_share") * length / (7 * DAY))
        person, _ = owners_and_ranks(counts)
        parts.append(
            (person, begin[person] + (rng.random(len(person)) * length[person]).astype(np.int64))
        )

    first, last = scene.chunk.world.incident
    pay = scene.checkouts
    fails = (pay.fails > 0) & ~pay.is_guest & (first <= pay.at) & (pay.at < last)
    failed_at = np.full(n, NEVER)
    np.minimum.at(failed_at, pay.person[fails], pay.at[fails])
    asks = (failed_at < NEVER) & (rng.random(n) < c.planted("support_share_after_failed_payment"))
    failed_at = np.where(asks, failed_at + rng.integers(20, 48 * 60, n) * MINUTE, NEVER)
    over = np.flatnonzero(failed_at < end)

    person = np.concatenate([who for who, _ in parts])
    at = whole_ms(np.concatenate([moment for _, moment in parts]))
    is_early = np.arange(len(person)) < len(week)
    order = np.lexsort((at, person))
    person, at, is_early = person[order], at[order], is_early[order]
    kept = (at < end) & (np.abs(at - failed_at[person]) >= QUIET)
    kept[1:] &= (person[1:] != person[:-1]) | (at[1:] - at[:-1] >= QUIET)
    size = kept.sum()
    person = np.concatenate([person[kept], over])
    at = np.concatenate([at[kept], whole_ms(failed_at[over])])
    is_early = np.concatenate([is_early[kept], np.zeros(len(over), dtype=bool)])
    return person, at, is_early, np.arange(len(person)) >= size


def draw_contacts(scene: Scene) -> Contacts:
    """All contacts of the chunk."""
    person, at, is_early, is_failure = _occasions(scene)
    rng, end, n = scene.chunk.rng("support"), scene.chunk.world.end_us, len(person)
    kind = pick(rng, TYPE_SHARES, n)
    reason = np.where(is_early, pick(rng, REASON_SHARES_FIRST_WEEK, n), pick(rng, REASON_SHARES, n))
    reason = np.where(is_failure, BILLING, reason)

    # A chatbot that does not help hands over at once, or the person comes back within a day.
    helps = rng.random(n) < c.planted("support_chatbot_contained_share")
    hands_over = ~helps & (rng.random(n) < 0.7) & (kind == CHATBOT)
    handed_at = at + rng.integers(40, 240, n) * SECOND
    back_at = at + rng.integers(20, 23 * 60, n) * MINUTE
    again_at = np.where(hands_over, handed_at + 2 * SECOND, back_at)
    again = np.flatnonzero((kind == CHATBOT) & ~helps & (again_at < end))
    person = np.concatenate([person, person[again]])
    opened_at = np.concatenate([at, again_at[again]])
    human = np.where(
        hands_over[again], LIVE_CHAT, np.where(rng.random(len(again)) < 0.7, TICKET, PHONE)
    )
    kind = np.concatenate([kind, human])
    reason = np.concatenate([reason, reason[again]])
    is_failure = np.concatenate([is_failure, is_failure[again]])
    none, size = np.zeros(len(again), dtype=bool), len(person)
    hands_over = np.concatenate([hands_over, none])

    replied_at, worked = np.full(size, NEVER), np.zeros(size, dtype=np.int64)
    for number in range(len(TYPES)):
        here = np.flatnonzero(kind == number)
        if REPLY[number]:
            median, spread, unit = REPLY[number]
            replied_at[here] = opened_at[here] + records.lasting(
                rng, median, spread, len(here), unit
            )
        median, spread, unit = WORK[number]
        worked[here] = records.lasting(rng, median, spread, len(here), unit)
    replied_at = np.where(hands_over, np.minimum(replied_at, opened_at + 30 * SECOND), replied_at)
    escalated_at = np.concatenate([handed_at, np.zeros(len(again), dtype=np.int64)])
    escalated_at = np.where(hands_over, escalated_at, NEVER)
    is_solved = ~hands_over & (rng.random(size) < np.where(kind == ARTICLE, 0.7, 0.95))
    resolved_at = np.where(kind == ARTICLE, opened_at, replied_at) + worked
    resolved_at = np.where(is_solved, resolved_at, NEVER)

    is_asked = is_solved & (kind != ARTICLE)
    invited_at = np.where(is_asked, resolved_at + rng.integers(5, 31, size) * MINUTE, NEVER)
    rates = is_asked & (rng.random(size) < c.planted("support_csat_response_share"))
    rated_at = invited_at + records.lasting(rng, 5, 1.2, size, HOUR)
    waited = replied_at - opened_at
    mean = np.where(
        waited < HOUR,
        c.planted("support_csat_mean_under_1_hour"),
        np.where(
            waited <= DAY,
            c.planted("support_csat_mean_1_to_24_hours"),
            c.planted("support_csat_mean_over_24_hours"),
        ),
    )
    share = np.where(
        is_failure,
        c.planted("support_complaint_share_failed_payment"),
        c.planted("support_complaint_share"),
    )

    def before_end(at):
        return np.where(at < end, at, NEVER)

    return Contacts(
        person=person,
        opened_at=opened_at,
        type=kind,
        reason=reason,
        is_failure=is_failure,
        is_follow_up=np.arange(size) >= n,
        is_contained=np.concatenate([helps, none]) & (kind == CHATBOT),
        is_complaint=rng.random(size) < share,
        replied_at=before_end(replied_at),
        escalated_at=before_end(escalated_at),
        resolved_at=before_end(resolved_at),
        invited_at=before_end(invited_at),
        rated_at=np.where(rates, before_end(rated_at), NEVER),
        score=records.around_mean(rng, mean, 5),
    )


def support_contacts(scene: Scene) -> Draft:
    """Draft of generic.support_contacts: one row per state of a contact."""
    contacts, book = scene.once(draw_contacts), scene.once(records.address_book)
    rng, size = scene.chunk.rng("support table"), len(contacts)
    cost = [round(c.planted(f"support_cost_{name}") * 100) for name in TYPES]
    person, by_mail = contacts.person, np.isin(contacts.type, (TICKET, EMAIL))
    knows_email = book.email_at[person] < contacts.opened_at
    email = np.where(knows_email & (by_mail | (rng.random(size) < 0.3)), book.email[person], NO)
    phone = np.where(knows_email & (contacts.type == PHONE), book.phone[person], NO)
    is_nameless = (email == NO) & (phone == NO)
    user = np.where(is_nameless | (rng.random(size) < 0.7), person, NO)
    of, now = records.states(
        scene.chunk.world.end_us,
        contacts.opened_at,
        contacts.replied_at,
        contacts.escalated_at,
        contacts.resolved_at,
        contacts.rated_at,
    )

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, s = now[d.source], of[d.source]
        return {
            "contact_type": take(pa.array(TYPES), contacts.type[s]),
            "reason": take(pa.array(REASONS), contacts.reason[s]),
            "is_complaint": records.flags(contacts.is_complaint[s]),
            "is_escalated": records.flags(contacts.escalated_at[s] <= i),
            "opened_at": times(contacts.opened_at[s]),
            "first_replied_at": times(records.so_far(contacts.replied_at[s], i)),
            "resolved_at": times(records.so_far(contacts.resolved_at[s], i)),
            "csat_score": records.wholes(
                np.where(contacts.rated_at[s] <= i, contacts.score[s], NO)
            ),
            "cost_amount": decimals(np.array(cost)[contacts.type[s]]),
            "currency_code": take(pa.array(["EUR"]), np.zeros(len(d), dtype=np.int64)),
            "updated_at": records.updated(now, d),
            **records.known_by(scene, d, user_id=user[of], email=email[of], phone=phone[of]),
        }

    arrives_at = now + rng.integers(2, 60, len(of)) * MINUTE
    return Draft(
        TABLE, now, arrives_at, person[of], columns, of, "contact_id",
        emails=email[of], phones=phone[of],
    )  # fmt: skip
