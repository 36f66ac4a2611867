"""Offers to those who are customers: more, dearer, longer, for more people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample import dirt, records
from tools.sample.arrays import decimals, take, times
from tools.sample.money import add_months, cents, months_between
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, next_export, schema_of
from tools.sample.world import DAY, HOUR, MINUTE, MS, NEVER, owners_and_ranks, pick, whole_ms

TABLE = ("generic", "commercial_offers")
SCHEMA = schema_of(
    "offer_id offer_type product channel offered_at:t accepted_at:t declined_at:t amount:m "
    f"currency_code quantity:i updated_at:t {records.IDENTIFIERS} _load_id _loaded_at:t"
)
TYPES = ("upsell", "cross_sell", "upgrade", "renewal", "seats")
UPSELL, CROSS_SELL, UPGRADE, RENEWAL, SEATS = range(5)
PRODUCTS = (*c.PLANS, "priority_support", "forecasting_addon", "seats")
PRODUCT_OF_TYPE = {UPSELL: 3, CROSS_SELL: 4, SEATS: 5}
PRICES = {UPSELL: 9, CROSS_SELL: 15, SEATS: 8}  # EUR a month; of seats, each
CHANNELS = ("email", "in_app", "call")
CHANNEL_SHARES = (0.5, 0.4, 0.1)
ANSWER_TIME = 10 * DAY  # of whoever answers, but for renewals
TERM_NOTICE = c.planted("offer_renewal_notice_days") * DAY


@dataclass
class Offers:
    """One array element per offer; moments in us, NEVER where a thing does not happen.

    `amount` is what acceptance brings in a month, in cents of the person's currency.
    """

    person: np.ndarray
    type: np.ndarray
    product: np.ndarray
    offered_at: np.ndarray
    accepted_at: np.ndarray
    declined_at: np.ndarray
    amount: np.ndarray
    quantity: np.ndarray  # NO where nothing is counted
    channel: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def draw_offers(scene: Scene) -> Offers:
    """All offers of the chunk."""
    rng, end = scene.chunk.rng("offers"), scene.chunk.world.end_us
    subs, marks, people = scene.subscriptions, scene.marks, scene.people
    # person, type, product, offered, accepted, declined, price in EUR, quantity
    parts: list[tuple] = []

    def add(person, kind, product, at, accepted_at, price, quantity=NO, declines=None):
        size = len(person)
        declined_at = at + records.lasting(rng, 2, 0.8, size, DAY)
        is_declined = rng.random(size) < c.planted("offer_declined_share")
        declined_at = np.where(is_declined, declined_at, NEVER) if declines is None else declines
        declined_at = np.where(accepted_at < NEVER, NEVER, declined_at)
        values = (person, kind, product, at, accepted_at, declined_at, price, quantity)
        parts.append(tuple(np.broadcast_to(v, size) for v in values))

    def answered(at, chance):
        """When each offer is accepted, by so large a share."""
        soon = HOUR + (rng.random(len(at)) * (ANSWER_TIME - HOUR)).astype(np.int64)
        return np.where(rng.random(len(at)) < chance, whole_ms(at + soon), NEVER)

    payers = np.flatnonzero(subs.started_at < end)
    for kind, share, weeks in ((UPSELL, 0.5, (3, 8)), (CROSS_SELL, 0.4, (4, 12))):
        at = whole_ms(subs.started_at[payers] + rng.uniform(*weeks, len(payers)) * 7 * DAY)
        chosen = rng.random(len(payers)) < share
        chosen &= at + ANSWER_TIME < subs.cancelled_at[payers]
        at = at[chosen]
        accepted_at = answered(at, c.planted(f"offer_accepted_share_{TYPES[kind]}"))
        person = subs.person[payers[chosen]]
        add(person, kind, PRODUCT_OF_TYPE[kind], at, accepted_at, PRICES[kind])

    members = np.flatnonzero(scene.signed & (people.account != NO))
    members = members[rng.random(len(members)) < 0.6]
    at = whole_ms(marks.signed_up_at[members] + rng.uniform(4, 16, len(members)) * 7 * DAY)
    seats = rng.integers(1, 11, len(members))
    accepted_at = answered(at, c.planted("offer_accepted_share_seats"))
    price = PRICES[SEATS] * seats
    add(members, SEATS, PRODUCT_OF_TYPE[SEATS], at, accepted_at, price, quantity=seats)

    _add_upgrades(scene, rng, add)
    _add_renewals(scene, rng, add)

    values = [np.concatenate([part[i] for part in parts]) for i in range(8)]
    kept = values[3] < end
    person, kind, product, at, accepted_at, declined_at, price, quantity = (v[kept] for v in values)
    return Offers(
        person=person,
        type=kind,
        product=product,
        offered_at=at,
        accepted_at=np.where(accepted_at < end, accepted_at, NEVER),
        declined_at=np.where(declined_at < end, declined_at, NEVER),
        amount=cents(people, person, price),
        quantity=quantity,
        channel=pick(rng, CHANNEL_SHARES, len(person)),
    )


def _add_upgrades(scene, rng, add) -> None:
    """Who moves to a dearer plan was offered it, and took it in the days before he moved.

    Some of those who never move were offered it too.
    """
    subs, prices = scene.subscriptions, np.array(c.PLAN_PRICES)
    moves = np.flatnonzero((subs.upgraded_at < NEVER) & (subs.new_plan > subs.plan))
    longest = c.planted("offer_upgrade_days") * DAY
    room = np.minimum(subs.upgraded_at - subs.started_at - 3 * DAY, longest)[moves]
    before = MINUTE + (rng.random(len(moves)) * (room - HOUR)).astype(np.int64)
    accepted_at = whole_ms(subs.upgraded_at[moves] - before)
    at = accepted_at - rng.integers(HOUR // MS, 2 * DAY // MS, len(moves)) * MS
    price = prices[subs.new_plan[moves]] - prices[subs.plan[moves]]
    add(subs.person[moves], UPGRADE, subs.new_plan[moves], at, accepted_at, price)

    stays = np.flatnonzero(
        (subs.started_at < NEVER) & (subs.upgraded_at == NEVER) & (subs.plan < 2)
    )
    stays = stays[rng.random(len(stays)) < 0.3]
    at = whole_ms(subs.started_at[stays] + rng.uniform(2, 20, len(stays)) * 7 * DAY)
    fits = at + ANSWER_TIME < subs.cancelled_at[stays]
    stays, at = stays[fits], at[fits]
    price = prices[subs.plan[stays] + 1] - prices[subs.plan[stays]]
    add(subs.person[stays], UPGRADE, subs.plan[stays] + 1, at, np.full(len(stays), NEVER), price)


def _add_renewals(scene, rng, add) -> None:
    """Whoever pays by the year is asked some days before each end of a term."""
    subs, end = scene.subscriptions, scene.chunk.world.end_us
    is_asked = subs.is_yearly & (subs.started_at < end)
    begin = np.where(is_asked, subs.started_at, 0)
    terms = np.where(is_asked, months_between(begin, np.full(len(subs), end)) // 12 + 1, 0)
    of, rank = owners_and_ranks(terms)
    term_end = add_months(begin[of], 12 * (rank + 1))
    at = term_end - TERM_NOTICE
    asked = at < np.minimum(subs.cancelled_at[of], end)
    of, term_end, at = of[asked], term_end[asked], at[asked]
    goes = subs.cancelled_at[of] < term_end
    takes = ~goes & (rng.random(len(of)) < c.planted("offer_accepted_share_renewal"))
    answer = HOUR + (rng.random(len(of)) * (TERM_NOTICE - DAY)).astype(np.int64)
    accepted_at = np.where(takes, whole_ms(at + answer), NEVER)
    plan = np.where(at >= subs.upgraded_at[of], subs.new_plan[of], subs.plan[of])
    price = np.array(c.PLAN_PRICES)[plan] * 10 / 12
    declines = np.where(goes, subs.cancelled_at[of], NEVER)
    add(subs.person[of], RENEWAL, plan, at, accepted_at, price, declines=declines)


def commercial_offers(scene: Scene) -> Draft:
    """Draft of generic.commercial_offers: a row at the offer, and one at the answer."""
    offers, end = scene.once(draw_offers), scene.chunk.world.end_us
    of, now = records.states(end, offers.offered_at, offers.accepted_at, offers.declined_at)
    person = offers.person[of]
    customer = scene.once(records.customer_index)[person]
    user = np.where(customer == NO, person, scene.billing_user(person))

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, s = now[d.source], of[d.source]
        return {
            "offer_type": take(pa.array(TYPES), offers.type[s]),
            "product": take(pa.array(PRODUCTS), offers.product[s]),
            "channel": take(pa.array(CHANNELS), offers.channel[s]),
            "offered_at": times(offers.offered_at[s]),
            "accepted_at": times(records.so_far(offers.accepted_at[s], i)),
            "declined_at": times(records.so_far(offers.declined_at[s], i)),
            "amount": decimals(offers.amount[s]),
            "currency_code": scene.currency(offers.person[s]),
            "quantity": records.wholes(offers.quantity[s]),
            "updated_at": records.updated(now, d),
            **records.known_by(scene, d, user_id=user, customer_id=customer),
        }

    return Draft(TABLE, now, next_export(now), person, columns, of, "offer_id")
