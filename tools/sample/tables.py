"""From history to raw tables: for each table, what a healthy row of it looks like."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.sample import (
    behaviour,
    dirt,
    exposures,
    messages,
    money,
    offers,
    registers,
    sessions,
    support,
    surveys,
)
from tools.sample import catalog as c
from tools.sample.arrays import TEXT, decimals, iso_text, load_ids, row_ids, take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, next_export, schema_of
from tools.sample.world import DAY, MINUTE, MS, NEVER

_CAMPAIGN = " ".join(
    f"context_campaign_{part}" for part in ("source", "medium", "name", "term", "content")
)
_LOAD = "_load_id _loaded_at:t"
SCHEMAS: dict[tuple[str, str], pa.Schema] = {
    ("segment", "tracks"): schema_of(
        "id anonymous_id user_id event event_text timestamp original_timestamp sent_at:t "
        "received_at:t context_ip context_user_agent context_page_url context_page_path "
        f"context_page_referrer context_page_title {_CAMPAIGN} context_device_id "
        f"context_traits_email properties {_LOAD}"
    ),
    ("segment", "pages"): schema_of(
        "id anonymous_id user_id name title url path referrer search timestamp:t sent_at:t "
        f"received_at:t context_ip context_user_agent {_CAMPAIGN} context_device_id {_LOAD}"
    ),
    ("segment", "screens"): schema_of(
        "id anonymous_id user_id name timestamp:t sent_at:t received_at:t context_ip "
        f"context_user_agent context_device_id context_os_name {_LOAD}"
    ),
    ("segment", "identifies"): schema_of(
        "id anonymous_id user_id email phone name timestamp:t sent_at:t received_at:t context_ip "
        f"context_device_id {_LOAD}"
    ),
    ("segment", "groups"): schema_of(
        f"id anonymous_id user_id group_id name timestamp:t received_at:t {_LOAD}"
    ),
    ("segment", "aliases"): schema_of(f"id previous_id user_id timestamp:t received_at:t {_LOAD}"),
    ("billing", "customers"): schema_of(
        f"customer_id user_id email phone name country created_at:t updated_at:t {_LOAD}"
    ),
    ("billing", "subscriptions"): schema_of(
        "subscription_id customer_id user_id plan billing_interval status trial_started_at:t "
        "trial_ended_at:t started_at:t cancelled_at:t ended_at:t mrr_amount:m currency "
        f"updated_at:t {_LOAD}"
    ),
    ("billing", "invoices"): schema_of(
        "invoice_id customer_id user_id subscription_id amount:m currency status issued_at:t "
        f"paid_at:t updated_at:t {_LOAD}"
    ),
    ("commerce", "orders"): schema_of(
        "order_id user_id email anonymous_id total_amount:m currency item_count:i placed_at:t "
        f"updated_at:t {_LOAD}"
    ),
    ("commerce", "refunds"): schema_of(
        f"refund_id order_id user_id amount:m currency refunded_at:t updated_at:t {_LOAD}"
    ),
    ("ads", "spend"): schema_of(
        "date:d platform campaign utm_source utm_medium utm_campaign impressions:i clicks:i "
        f"spend_amount:m currency updated_at:t {_LOAD}"
    ),
    exposures.TABLE: exposures.SCHEMA,
    messages.TABLE: messages.SCHEMA,
    offers.TABLE: offers.SCHEMA,
    support.TABLE: support.SCHEMA,
    surveys.TABLE: surveys.SCHEMA,
    registers.ACCOUNTS: registers.ACCOUNTS_SCHEMA,
    registers.ASSETS: registers.ASSETS_SCHEMA,
}


# ---------------------------------------------------------------- pools of constant text


def _search_of(touch) -> str | None:
    parts = zip(("source", "medium", "campaign", "term", "content"), touch[1:6], strict=True)
    pairs = [f"utm_{name}={value.replace(' ', '+')}" for name, value in parts if value]
    return "?" + "&".join(pairs) if touch[1] else None


_SEARCHES = [_search_of(touch) for touch in c.TOUCHES]
_SEARCH = pa.array(_SEARCHES, TEXT)
_PATH = pa.array(c.PATHS)
_TITLE = pa.array(c.TITLES)
_URL = pa.array([c.SITE + p + (s or "") for s in [*_SEARCHES, None] for p in c.PATHS])
_REFERRER = pa.array([touch[6] for touch in c.TOUCHES] + [c.SITE + p for p in c.PATHS], TEXT)
_UTM = {
    part: pa.array([touch[i] for touch in c.TOUCHES], TEXT)
    for i, part in enumerate(("source", "medium", "name", "term", "content"), start=1)
}
_EVENT = pa.array(c.EVENTS)
_EVENT_TITLE = pa.array(c.EVENT_TITLES)
_SCREEN = pa.array(c.SCREENS)
_PROPERTIES = pa.array(
    [c.properties_of(e, slot) for e in c.EVENTS for slot in range(c.PROPERTY_SLOTS)]
)
# ---------------------------------------------------------------- segment


def _events_of(scene: Scene, table: int) -> np.ndarray:
    return np.flatnonzero(scene.events.table == table)


def _known(scene: Scene, of: np.ndarray) -> np.ndarray:
    session = scene.events.session[of]
    return scene.events.at[of] >= scene.sessions.login_at[session]


def _campaign(scene: Scene, session: np.ndarray, is_landing: np.ndarray) -> dict[str, pa.Array]:
    touch = np.where(is_landing, scene.sessions.touch[session], NO)
    return {f"context_campaign_{part}": take(pool, touch) for part, pool in _UTM.items()}


def tracks(scene: Scene) -> Draft:
    """Draft of segment.tracks."""
    rng, ev = scene.chunk.rng("tracks"), scene.events
    of = _events_of(scene, behaviour.TRACK)
    session, at, known = ev.session[of], ev.at[of], _known(scene, of)
    person = scene.sessions.person[session]
    clock = scene.sent(session, at, rng)
    offsets = sessions.pick(rng, (0.93, 0, 0.07), len(of))
    original_offsets = sessions.pick(rng, (0.7, 0.2, 0.1), len(of))
    on_app = scene.devices.kind[scene.sessions.device[session]] == c.APP
    tells = np.where(known & ~on_app, 0.3, 0)
    guest_pays = ~known & (ev.code[of] == c.EVENT["payment_info_entered"])
    tells = np.where(guest_pays, 0.8, tells)
    tells = np.where(~known & (ev.code[of] == c.EVENT["lead_submitted"]), 0.7, tells)
    spelled = np.where(rng.random(len(of)) < tells, scene.spell(rng, person), NO)
    properties = _checkout_properties(scene)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = of[d.source]
        s, code, page = ev.session[i], ev.code[i], ev.page[i]
        is_landing = ev.at[i] <= scene.sessions.at[s] + 1_000_000
        touch = np.where(is_landing, scene.sessions.touch[s], len(c.TOUCHES))
        url = np.where(page == NO, NO, touch * len(c.PATHS) + page)
        checkout = ev.checkout[i]
        slot = code * c.PROPERTY_SLOTS + np.clip(ev.slot[i], 0, c.PROPERTY_SLOTS - 1)
        plain = take(_PROPERTIES, np.where(checkout == NO, slot, NO))
        step = checkout * 16 + _step(code, ev.slot[i])
        bought = take(properties, np.where(checkout == NO, NO, step))
        return {
            **scene.who(s),
            "user_id": take(scene.users, np.where(known[d.source], scene.user_index(s), NO)),
            "event": take(_EVENT, code),
            "event_text": take(_EVENT_TITLE, code),
            "timestamp": iso_text(ev.at[i], offsets[d.source]),
            "original_timestamp": iso_text(clock["original"][d.source], original_offsets[d.source]),
            "sent_at": times(clock["sent"][d.source] + d.offline),
            "received_at": times(clock["received"][d.source] + d.offline + d.changed),
            "context_page_url": take(_URL, url),
            "context_page_path": take(_PATH, page),
            "context_page_referrer": take(
                _REFERRER, np.where(page == NO, NO, scene.sessions.touch[s])
            ),
            "context_page_title": take(_TITLE, page),
            **_campaign(scene, s, is_landing),
            "context_traits_email": take(scene.emails, spelled[d.source]),
            "properties": pc.coalesce(bought, plain),
        }

    return Draft(
        ("segment", "tracks"), at, clock["received"], person, columns,
        np.arange(len(of)), "id", can_wait=True, emails=spelled,
    )  # fmt: skip


_CHECKOUT_STEP_EVENT = c.EVENT["checkout_step_completed"]
_PAYMENT_FAILED_EVENT = c.EVENT["payment_failed"]


def _step(code: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """Which of a checkout's 16 texts an event has: 0 plain, 1-3 step, 4-7 failed attempt."""
    step = np.where(code == _CHECKOUT_STEP_EVENT, slot, 0)
    return np.where(code == _PAYMENT_FAILED_EVENT, 3 + slot, step)


def _checkout_properties(scene: Scene) -> pa.Array:
    """JSON of the events of each checkout: element `checkout * 16 + step`, see `_step`."""
    n = len(scene.checkouts)
    extra = ["", *(f'"step":{s},"step_name":"{name}",' for s, name in
                   enumerate(c.CHECKOUT_STEPS, start=1)),
             *(f'"attempt":{a},"error":"card_declined",' for a in (1, 2, 3, 4))]  # fmt: skip
    extra = pa.array(extra + [""] * (16 - len(extra)))
    checkout = np.repeat(np.arange(n), 16)
    kind = take(pa.array(["subscription", "order"]), scene.checkouts.kind[checkout])
    value = decimals(money.checkout_cents(scene.people, scene.checkouts)).cast(TEXT)
    ids = row_ids("chk", scene.chunk.number, np.arange(n))
    return pc.binary_join_element_wise(
        '{"checkout_id":"',
        take(ids, checkout),
        '","kind":"',
        kind,
        '",',
        take(extra, np.tile(np.arange(16), n)),
        '"value":',
        take(value, checkout),
        ',"currency":"',
        scene.currency(scene.checkouts.person[checkout]),
        '"}',
        "",
    )


def pages(scene: Scene) -> Draft:
    """Draft of segment.pages."""
    rng, ev = scene.chunk.rng("pages"), scene.events
    of = _events_of(scene, behaviour.PAGE)
    session, at, known = ev.session[of], ev.at[of], _known(scene, of)
    clock = scene.sent(session, at, rng)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = of[d.source]
        s, path, before = ev.session[i], ev.code[i], ev.page_before[i]
        is_landing = before == NO
        touch = np.where(is_landing, scene.sessions.touch[s], len(c.TOUCHES))
        return {
            **scene.who(s),
            "user_id": take(scene.users, np.where(known[d.source], scene.user_index(s), NO)),
            "name": take(pa.array(c.GROUPS), np.array(c.PAGE_GROUP_OF_PATH)[path]),
            "title": take(_TITLE, path),
            "url": take(_URL, touch * len(c.PATHS) + path),
            "path": take(_PATH, path),
            "referrer": take(
                _REFERRER, np.where(is_landing, scene.sessions.touch[s], len(c.TOUCHES) + before)
            ),
            "search": take(_SEARCH, np.where(is_landing, scene.sessions.touch[s], NO)),
            "timestamp": times(ev.at[i]),
            "sent_at": times(clock["sent"][d.source] + d.offline),
            "received_at": times(clock["received"][d.source] + d.offline + d.changed),
            **_campaign(scene, s, is_landing),
        }

    return Draft(
        ("segment", "pages"), at, clock["received"], scene.sessions.person[session], columns,
        np.arange(len(of)), "id", can_wait=True,
    )  # fmt: skip


def screens(scene: Scene) -> Draft:
    """Draft of segment.screens."""
    rng, ev = scene.chunk.rng("screens"), scene.events
    of = _events_of(scene, behaviour.SCREEN)
    session, at, known = ev.session[of], ev.at[of], _known(scene, of)
    clock = scene.sent(session, at, rng)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = of[d.source]
        s = ev.session[i]
        system = scene.devices.agent[scene.sessions.device[s]]
        return {
            **scene.who(s),
            "user_id": take(scene.users, np.where(known[d.source], scene.user_index(s), NO)),
            "name": take(_SCREEN, ev.code[i]),
            "timestamp": times(ev.at[i]),
            "sent_at": times(clock["sent"][d.source] + d.offline),
            "received_at": times(clock["received"][d.source] + d.offline + d.changed),
            "context_os_name": take(pa.array(c.APP_SYSTEMS), system),
        }

    return Draft(
        ("segment", "screens"), at, clock["received"], scene.sessions.person[session], columns,
        np.arange(len(of)), "id", can_wait=True,
    )  # fmt: skip


def identifies(scene: Scene) -> Draft:
    """Draft of segment.identifies."""
    calls = scene.calls["identifies"]
    session = calls.session
    person = scene.sessions.person[session]
    clock, spelled, phone = scene.told

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        user = np.where(calls.has_user[i], scene.user_index(session[i]), NO)
        return {
            **scene.who(session[i]),
            "user_id": take(scene.users, user),
            "email": take(scene.emails, spelled[i]),
            "phone": take(scene.phones, phone[i]),
            "name": take(scene.names, np.where(calls.has_user[i], person[i], NO)),
            "timestamp": times(calls.at[i]),
            "sent_at": times(clock["sent"][i] + d.offline),
            "received_at": times(clock["received"][i] + d.offline + d.changed),
        }

    return Draft(
        ("segment", "identifies"), calls.at, clock["received"], person, columns,
        np.arange(len(person)), "id", can_wait=True, emails=spelled, phones=phone,
    )  # fmt: skip


def groups(scene: Scene) -> Draft:
    """Draft of segment.groups."""
    rng, calls = scene.chunk.rng("groups"), scene.calls["groups"]
    person = scene.sessions.person[calls.session]
    clock = scene.sent(calls.session, calls.at, rng)
    ids, names = scene.accounts

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        account = scene.people.account[person[i]]
        return {
            "anonymous_id": take(scene.cookies, scene.sessions.cookie[calls.session[i]]),
            "user_id": take(scene.users, scene.user_index(calls.session[i])),
            "group_id": take(ids, account),
            "name": take(names, account),
            "timestamp": times(calls.at[i]),
            "received_at": times(clock["received"][i] + d.offline + d.changed),
        }

    return Draft(
        ("segment", "groups"), calls.at, clock["received"], person, columns,
        np.arange(len(person)), "id", can_wait=True,
    )  # fmt: skip


def aliases(scene: Scene) -> Draft:
    """Draft of segment.aliases."""
    rng, calls = scene.chunk.rng("aliases"), scene.calls["aliases"]
    person = scene.sessions.person[calls.session]
    clock = scene.sent(calls.session, calls.at, rng)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        return {
            "previous_id": take(scene.cookies, scene.sessions.cookie[calls.session[i]]),
            "user_id": take(scene.users, scene.user_index(calls.session[i])),
            "timestamp": times(calls.at[i]),
            "received_at": times(clock["received"][i] + d.offline + d.changed),
        }

    return Draft(
        ("segment", "aliases"), calls.at, clock["received"], person, columns,
        np.arange(len(person)), "id", can_wait=True,
    )  # fmt: skip


# ---------------------------------------------------------------- billing and commerce


def customers(scene: Scene) -> Draft:
    """Draft of billing.customers: one row at creation, for some a second after a change."""
    rng, subs = scene.chunk.rng("customers"), scene.subscriptions
    first = np.full(len(scene), NEVER)
    np.minimum.at(first, subs.person, np.minimum(subs.trial_at, subs.started_at))
    person = np.flatnonzero(first < NEVER)
    changed_at = first[person] + (rng.uniform(1, 200, len(person)) * DAY).astype(np.int64)
    changed_at = changed_at // MS * MS
    changes = (rng.random(len(person)) < 0.2) & (changed_at < scene.chunk.world.end_us)
    who = np.concatenate([person, person[changes]])
    updated_at = np.concatenate([first[person], changed_at[changes]])
    spelled = scene.spell(rng, who)
    phone = np.where(scene.people.gives_phone[who] & (rng.random(len(who)) < 0.5), who, NO)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        return {
            "user_id": take(scene.users, scene.billing_user(who[i])),
            "email": take(scene.emails, spelled[i]),
            "phone": take(scene.phones, phone[i]),
            "name": take(scene.names, who[i]),
            "country": take(pa.array(c.COUNTRIES), scene.people.country[who[i]]),
            "created_at": times(first[who[i]]),
            "updated_at": times(updated_at[i]),
        }

    return Draft(
        ("billing", "customers"), updated_at, next_export(updated_at), who, columns,
        who, "customer_id", emails=spelled, phones=phone,
    )  # fmt: skip


def subscriptions(scene: Scene) -> Draft:
    """Draft of billing.subscriptions: one row per state."""
    subs, versions = scene.subscriptions, scene.versions
    of = versions.subscription
    person = subs.person[of]

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, s = d.source, of[d.source]
        now, status = versions.updated_at[i], versions.status[i]
        is_paid = (status == money.ACTIVE) | (status == money.CANCELLED)
        period = np.where(subs.is_yearly[s], 12, 1)
        mrr = np.rint(subs.amount(scene.people, s, now) / period).astype(np.int64)
        plan = np.where(now >= subs.upgraded_at[s], subs.new_plan[s], subs.plan[s])
        ended = np.isin(status, (money.EXPIRED, money.CANCELLED))

        def so_far(at):
            return times(np.where(at <= now, at, NEVER))

        return {
            "customer_id": take(scene.customers, person[i]),
            "user_id": take(scene.users, scene.billing_user(person[i])),
            "plan": take(pa.array(c.PLANS), plan),
            "billing_interval": take(pa.array(["month", "year"]), subs.is_yearly[s].astype(int)),
            "status": take(pa.array(money.STATUSES), status),
            "trial_started_at": times(subs.trial_at[s]),
            "trial_ended_at": so_far(subs.trial_ended_at[s]),
            "started_at": so_far(subs.started_at[s]),
            "cancelled_at": so_far(subs.cancelled_at[s]),
            "ended_at": times(np.where(ended, subs.ended_at[s], NEVER)),
            "mrr_amount": decimals(np.where(is_paid, mrr, 0)),
            "currency": scene.currency(person[i]),
            "updated_at": times(now),
        }

    return Draft(
        ("billing", "subscriptions"), versions.updated_at, next_export(versions.updated_at),
        person, columns, of, "subscription_id",
    )  # fmt: skip


def invoices(scene: Scene) -> Draft:
    """Draft of billing.invoices: one row per delivered state."""
    inv, subs = scene.invoices, scene.subscriptions
    of = inv.state_of
    person = subs.person[inv.subscription[of]]

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, v = d.source, of[d.source]
        is_paid = inv.state[i] == money.PAID
        return {
            "customer_id": take(scene.customers, person[i]),
            "user_id": take(scene.users, scene.billing_user(person[i])),
            "subscription_id": row_ids("sub", scene.chunk.number, inv.subscription[v]),
            "amount": decimals(inv.amount[v]),
            "currency": scene.currency(person[i]),
            "status": take(pa.array(money.INVOICE_STATUSES), inv.state[i]),
            "issued_at": times(inv.issued_at[v]),
            "paid_at": times(np.where(is_paid, inv.paid_at[v], NEVER)),
            "updated_at": times(inv.state_at[i]),
        }

    return Draft(
        ("billing", "invoices"), inv.state_at, next_export(inv.state_at), person, columns,
        of, "invoice_id",
    )  # fmt: skip


def orders(scene: Scene) -> Draft:
    """Draft of commerce.orders; a guest has no user id, some buyers leave no e-mail."""
    rng, book, sess = scene.chunk.rng("orders table"), scene.orders, scene.sessions
    session = scene.checkouts.session[book.checkout]
    is_guest = scene.checkouts.is_guest[book.checkout]
    share = np.where(is_guest, 1.0, 0.85)
    spelled = np.where(rng.random(len(session)) < share, scene.spell(rng, book.person), NO)
    cookie = np.where(rng.random(len(session)) < 0.9, sess.cookie[session], NO)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        user = np.where(is_guest[i], NO, scene.user_index(session[i]))
        return {
            "user_id": take(scene.users, user),
            "email": take(scene.emails, spelled[i]),
            "anonymous_id": take(scene.cookies, cookie[i]),
            "total_amount": decimals(book.amount[i]),
            "currency": scene.currency(book.person[i]),
            "item_count": pa.array(scene.checkouts.items[book.checkout[i]]),
            "placed_at": times(book.placed_at[i]),
            "updated_at": times(book.placed_at[i] + d.changed),
        }

    arrives_at = book.placed_at + rng.integers(1, 30, len(session)) * MINUTE
    return Draft(
        ("commerce", "orders"), book.placed_at, arrives_at, book.person, columns,
        np.arange(len(session)), "order_id", emails=spelled,
    )  # fmt: skip


def refunds(scene: Scene) -> Draft:
    """Draft of commerce.refunds."""
    rng, book = scene.chunk.rng("refunds table"), scene.orders
    of = book.refund_order
    person = book.person[of]
    session = scene.checkouts.session[book.checkout[of]]
    is_guest = scene.checkouts.is_guest[book.checkout[of]]

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i = d.source
        user = np.where(is_guest[i], NO, scene.user_index(session[i]))
        return {
            "order_id": row_ids("ord", scene.chunk.number, of[i]),
            "user_id": take(scene.users, user),
            "amount": decimals(book.refund_amount[i]),
            "currency": scene.currency(person[i]),
            "refunded_at": times(book.refund_at[i]),
            "updated_at": times(book.refund_at[i]),
        }

    arrives_at = book.refund_at + rng.integers(1, 30, len(of)) * MINUTE
    return Draft(
        ("commerce", "refunds"), book.refund_at, arrives_at, person, columns,
        np.arange(len(of)), "refund_id",
    )  # fmt: skip


PREFIXES = {
    "tracks": "trk", "pages": "pag", "screens": "scr", "identifies": "idf", "groups": "grp",
    "aliases": "ali", "customers": "cus", "subscriptions": "sub", "invoices": "inv",
    "orders": "ord", "refunds": "ref", "messages": "msg", "support_contacts": "sup",
    "survey_responses": "svy", "commercial_offers": "off", "accounts": "acc",
    "content_assets": "ast",
}  # fmt: skip
DRAFTS = (
    tracks, pages, screens, identifies, groups, aliases,
    customers, subscriptions, invoices, orders, refunds,
    exposures.experiment_exposures, messages.messages, offers.commercial_offers,
    support.support_contacts, surveys.survey_responses, registers.accounts,
)  # fmt: skip


def drafts(scene: Scene) -> list[Draft]:
    """All drafts of a chunk; the first one also has what belongs to the whole company."""
    of_company = (registers.content_assets,) if scene.chunk.number == 0 else ()
    return [draft(scene) for draft in (*DRAFTS, *of_company)]


def deliver(scene: Scene, draft: Draft) -> tuple[pa.Table, dirt.Delivery]:
    """The raw table as delivered, dirt and all, with what was planned for each row."""
    key = draft.table
    numbers = int(draft.number.max(initial=-1)) + 1
    delivery = dirt.plan_delivery(scene.chunk, key, draft.arrives_at, numbers, draft.can_wait)
    drafted = draft.number[delivery.source]
    delivery.number = np.where(delivery.number == dirt.NONE, drafted, delivery.number)
    columns = draft.columns(delivery)
    if draft.id_column:
        columns[draft.id_column] = _ids(scene, draft, delivery)
    columns["_load_id"] = load_ids(delivery.loaded_at)
    columns["_loaded_at"] = times(delivery.loaded_at)
    dirt.damage(key, columns, delivery, scene.chunk.number)
    schema = SCHEMAS[key]
    return pa.table([columns[f.name] for f in schema], schema=schema), delivery


def _ids(scene: Scene, draft: Draft, delivery: dirt.Delivery) -> pa.Array:
    """Row ids: the draft's own, else made ones, as for all broken rows."""
    made = row_ids(PREFIXES[draft.table[1]], scene.chunk.number, delivery.number)
    if draft.ids is None:
        return made
    own = np.where(delivery.number < len(draft.ids), delivery.number, NO)
    return pc.coalesce(take(draft.ids, own), made)
