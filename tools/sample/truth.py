"""What is really so, for tests and measurements: who did what, what is broken, what is planted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.sample import behaviour, dirt, exposures
from tools.sample import catalog as c
from tools.sample.arrays import TEXT, TIME, take, times
from tools.sample.people import NO, person_keys
from tools.sample.tables import Draft, Scene
from tools.sample.world import DAY, NEVER, World

HABIT_DAYS, HABIT_WINDOW_DAYS = 3, 28
BOOL, INT = pa.bool_(), pa.int64()

SCHEMAS: dict[str, pa.Schema] = {
    "persons": pa.schema(
        [
            ("person_key", TEXT),
            ("email", TEXT),
            ("user_id", TEXT),
            ("country", TEXT),
            ("first_touch", TEXT),
            ("first_visit_at", TIME),
            ("last_seen_at", TIME),
            ("signed_up_at", TIME),
            ("verified_at", TIME),
            ("trial_started_at", TIME),
            ("first_paid_at", TIME),
            ("first_order_at", TIME),
            ("cancelled_at", TIME),
            ("left_at", TIME),
            ("returned_at", TIME),
            ("feature_breadth", INT),
            ("features_used", INT),
            ("experiment", TEXT),
            ("variant", TEXT),
            ("has_seen_both_variants", BOOL),
            ("is_review_reader", BOOL),
            ("is_mobile", BOOL),
            ("is_internal", BOOL),
            ("has_second_user", BOOL),
            ("account_id", TEXT),
        ]
    ),
    "identifiers": pa.schema(
        [
            ("person_key", TEXT),
            ("identifier_class", TEXT),
            ("identifier_value", TEXT),
            ("identifier_value_normalised", TEXT),
            ("is_shared", BOOL),
        ]
    ),
    "events": pa.schema([("event_id", TEXT), ("source_table", TEXT), ("person_key", TEXT)]),
    "broken_rows": pa.schema(
        [
            ("source", TEXT),
            ("table", TEXT),
            ("row_id", TEXT),
            ("description", TEXT),
            ("kind", TEXT),
            ("person_key", TEXT),
            ("load_id", TEXT),
        ]
    ),
    "stage_starts": pa.schema([("person_key", TEXT), ("stage", TEXT), ("started_at", TIME)]),
    "experiments": pa.schema(
        [
            ("person_key", TEXT),
            ("experiment", TEXT),
            ("variant", TEXT),
            ("exposed_at", TIME),
            ("is_recorded", BOOL),
        ]
    ),
    "effects": pa.schema([("name", TEXT), ("description", TEXT), ("value", pa.float64())]),
    "row_counts": pa.schema(
        [
            ("source", TEXT),
            ("table", TEXT),
            ("rows", INT),
            ("clean_rows", INT),
            ("exact_duplicate_rows", INT),
            ("conflicting_duplicate_rows", INT),
            ("broken_rows", INT),
            ("late_rows", INT),
        ]
    ),
}


def _table(name: str, columns: dict) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.table([columns[f.name] for f in schema], schema=schema)


def _constant(value: str, size: int) -> pa.Array:
    return pa.array([value]).take(pa.array(np.zeros(size, dtype=np.int64)))


def _earliest(size: int, person: np.ndarray, at: np.ndarray) -> np.ndarray:
    """For each person the least of his moments, NEVER where he has none."""
    first = np.full(size, NEVER)
    np.minimum.at(first, person, at)
    return first


def habit_starts(scene: Scene) -> np.ndarray:
    """When each person's habit begins: his first core event on the third UTC day within 28.

    The three days are consecutive ones among his days with a core event; the third lies fewer than
    28 days after the first.
    """
    ev = scene.events
    core = np.array([name in c.CORE_EVENTS for name in c.EVENTS])
    of = np.flatnonzero((ev.table == behaviour.TRACK) & core[np.where(ev.table == 0, ev.code, 0)])
    person, at = scene.sessions.person[ev.session[of]], ev.at[of]
    order = np.lexsort((at, person))
    person, at = person[order], at[order]
    day = at // DAY
    opens = np.ones(len(at), dtype=bool)
    opens[1:] = (person[1:] != person[:-1]) | (day[1:] != day[:-1])
    person, at, day = person[opens], at[opens], day[opens]
    third = np.arange(HABIT_DAYS - 1, len(day))
    first = third - (HABIT_DAYS - 1)
    hit = third[(person[third] == person[first]) & (day[third] - day[first] < HABIT_WINDOW_DAYS)]
    return _earliest(len(scene), person[hit], at[hit])


def _returns(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last event of each person, and the first one after more than 60 days without."""
    ev, n = scene.events, len(scene)
    person = scene.sessions.person[ev.session]
    order = np.lexsort((ev.at, person))
    person, at = person[order], ev.at[order]
    gap = np.flatnonzero((person[1:] == person[:-1]) & (at[1:] - at[:-1] > 60 * DAY)) + 1
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, person, at)
    return (
        _earliest(n, person, at),
        np.where(last > 0, last, NEVER),
        _earliest(n, person[gap], at[gap]),
    )


def persons_and_stages(scene: Scene) -> tuple[pa.Table, pa.Table]:
    """The truth tables `persons` and `stage_starts`."""
    people, marks, subs, n = scene.people, scene.marks, scene.subscriptions, len(scene)
    first, last, returned = _returns(scene)
    invoices = scene.invoices
    payer = subs.person[invoices.subscription]
    paid = _earliest(n, payer, invoices.paid_at)
    cancelled = _earliest(n, subs.person, subs.cancelled_at)
    ordered = _earliest(n, scene.orders.person, scene.orders.placed_at)

    ev = scene.events
    used = np.flatnonzero((ev.table == behaviour.TRACK) & (ev.code == c.EVENT["feature_used"]))
    pairs = np.unique(scene.sessions.person[ev.session[used]] * 64 + ev.slot[used])
    seen = np.flatnonzero((ev.table == behaviour.TRACK) & (ev.code == c.EVENT["experiment_viewed"]))
    variants = np.unique(scene.sessions.person[ev.session[seen]] * 2 + ev.slot[seen])
    shown = np.bincount(variants // 2, minlength=n)
    in_test = np.where(shown > 0, people.variant, NO)
    is_known = scene.signed
    account = np.where(is_known, people.account, NO)
    left = np.where(marks.left_at < scene.chunk.world.end_us, marks.left_at, NEVER)
    everyone = np.arange(n)
    keys = person_keys(scene.chunk)
    persons = _table(
        "persons",
        {
            "person_key": keys,
            "email": scene.emails.slice(0, n),
            "user_id": take(scene.users, np.where(is_known, everyone, NO)),
            "country": take(pa.array(c.COUNTRIES), people.country),
            "first_touch": take(pa.array([t[0] for t in c.TOUCHES]), people.touch),
            "first_visit_at": times(first),
            "last_seen_at": times(last),
            "signed_up_at": times(marks.signed_up_at),
            "verified_at": times(marks.verified_at),
            "trial_started_at": times(marks.trial_at),
            "first_paid_at": times(paid),
            "first_order_at": times(ordered),
            "cancelled_at": times(cancelled),
            "left_at": times(left),
            "returned_at": times(returned),
            "feature_breadth": pa.array(people.breadth, mask=~is_known),
            "features_used": pa.array(np.bincount(pairs // 64, minlength=n)),
            "experiment": take(pa.array([c.EXPERIMENT]), np.minimum(in_test, 0)),
            "variant": take(pa.array(c.VARIANTS), in_test),
            "has_seen_both_variants": pa.array(shown > 1),
            "is_review_reader": pa.array(people.is_reviewer),
            "is_mobile": pa.array(people.is_mobile),
            "is_internal": pa.array(people.is_internal & is_known),
            "has_second_user": pa.array(_second_users(scene)),
            "account_id": take(scene.accounts[0], account),
        },
    )
    parts = []
    for stage, at in (
        ("acquisition", first),
        ("activation", marks.signed_up_at),
        ("adoption", habit_starts(scene)),
        ("paid", paid),
    ):
        who = np.flatnonzero(at < NEVER)
        parts.append(
            _table(
                "stage_starts",
                {
                    "person_key": take(keys, who),
                    "stage": _constant(stage, len(who)),
                    "started_at": times(at[who]),
                },
            )
        )
    return persons, pa.concat_tables(parts)


def _second_users(scene: Scene) -> np.ndarray:
    """Who really logs in with a second user id."""
    sess = scene.sessions
    second = (sess.user == 1) & (sess.login_at < scene.chunk.world.end_us)
    has = np.zeros(len(scene), dtype=bool)
    has[sess.person[second]] = True
    return has


def identifiers(scene: Scene, drafts: list[Draft]) -> pa.Table:
    """The truth table `identifiers`: every value in the raw rows that stands for a person."""
    n, sess = len(scene), scene.sessions
    keys = person_keys(scene.chunk)
    on_cookie = np.unique(sess.person * (len(scene.cookies) + 1) + sess.cookie)
    person, cookie = np.divmod(on_cookie, len(scene.cookies) + 1)
    shared = np.zeros(len(scene.cookies), dtype=bool)
    shared[sess.cookie[sess.is_shared]] = True

    on_app = scene.devices.kind[sess.device] == c.APP
    app = np.unique(sess.person[on_app] * (len(scene.device_ids) + 1) + sess.device[on_app])
    app_person, app_device = np.divmod(app, len(scene.device_ids) + 1)

    user = np.flatnonzero(np.concatenate([scene.signed, _second_users(scene)]))
    emails = np.unique(np.concatenate([d.emails for d in drafts]))
    emails = emails[emails >= 0]
    phones = np.unique(np.concatenate([d.phones for d in drafts]))
    phones = phones[phones >= 0]
    customers = np.unique(scene.subscriptions.person)
    rows = (
        ("anonymous_id", person, take(scene.cookies, cookie), None, shared[cookie]),
        ("device_id", app_person, take(scene.device_ids, app_device), None, None),
        ("user_id", user % n, take(scene.users, user), None, None),
        ("email", emails % n, take(scene.emails, emails), take(scene.emails, emails % n), None),
        ("phone", phones, take(scene.phones, phones), None, None),
        ("billing_id", customers, take(scene.customers, customers), None, None),
    )
    parts = []
    for name, who, value, normalised, is_shared in rows:
        parts.append(
            _table(
                "identifiers",
                {
                    "person_key": take(keys, who),
                    "identifier_class": _constant(name, len(who)),
                    "identifier_value": value,
                    "identifier_value_normalised": value if normalised is None else normalised,
                    "is_shared": pa.array(
                        np.zeros(len(who), dtype=bool) if is_shared is None else is_shared
                    ),
                },
            )
        )
    return pa.concat_tables(parts)


def experiments(scene: Scene) -> pa.Table:
    """The truth table `experiments`: each person's first exposure to what the server tries out."""
    exposed = scene.once(exposures.draw_exposures)
    first = np.flatnonzero(~exposed.is_repeat)
    return _table(
        "experiments",
        {
            "person_key": take(person_keys(scene.chunk), exposed.person[first]),
            "experiment": take(pa.array(exposures.EXPERIMENTS), exposed.experiment[first]),
            "variant": take(pa.array(exposures.VARIANTS), exposed.variant[first]),
            "exposed_at": times(exposed.at[first]),
            "is_recorded": pa.array(exposed.is_recorded[first]),
        },
    )


def events(scene: Scene, draft: Draft, raw: pa.Table, delivery: dirt.Delivery) -> pa.Table:
    """Rows of the truth table `events`: one per healthy row id of a raw table.

    The key is null for what nobody did, such as the accounts.
    """
    healthy = np.flatnonzero((delivery.broken == 0) & (delivery.copy == dirt.FIRST))
    _, one_each = np.unique(delivery.number[healthy], return_index=True)
    rows = healthy[one_each]
    return _table(
        "events",
        {
            "event_id": take(raw[draft.id_column].combine_chunks(), rows),
            "source_table": _constant(".".join(draft.table), len(rows)),
            "person_key": take(person_keys(scene.chunk), draft.person[delivery.source[rows]]),
        },
    )


def broken_rows(
    table: tuple[str, str],
    id_column: str | None,
    raw: pa.Table,
    delivery: dirt.Delivery,
    person: pa.Array | None,
) -> pa.Table:
    """Rows of the truth table `broken_rows`: what was written over, and over what.

    `row_id` is null where the id itself is what broke; the description then says where to look.
    """
    rows = np.flatnonzero(delivery.broken > 0)
    kinds = dirt.BREAKS[table]
    loaded = take(raw["_loaded_at"].combine_chunks(), rows).cast(TEXT)
    changed = pa.array([", ".join(kinds[k - 1][1]) for k in delivery.broken[rows]], TEXT)
    ids = raw[id_column].combine_chunks() if id_column else pa.nulls(len(raw), TEXT)
    return _table(
        "broken_rows",
        {
            "source": _constant(table[0], len(rows)),
            "table": _constant(table[1], len(rows)),
            "row_id": take(ids, rows),
            "description": pc.binary_join_element_wise(
                "loaded at ", loaded, "; written over: ", changed, ""
            ),
            "kind": pa.array([kinds[k - 1][0] for k in delivery.broken[rows]], TEXT),
            "person_key": pa.nulls(len(rows), TEXT) if person is None else person,
            "load_id": take(raw["_load_id"].combine_chunks(), rows),
        },
    )


def broken_persons(scene: Scene, draft: Draft, delivery: dirt.Delivery) -> pa.Array:
    """Whose healthy row each broken row was copied from; null for what bots do."""
    rows = np.flatnonzero(delivery.broken > 0)
    kinds = [kind for kind, _ in dirt.BREAKS[draft.table]]
    bot = kinds.index("bot_user_agent") + 1 if "bot_user_agent" in kinds else NO
    person = draft.person[delivery.source[rows]]
    return take(person_keys(scene.chunk), np.where(delivery.broken[rows] == bot, NO, person))


def effects(world: World) -> pa.Table:
    """The truth table `effects`: planted numbers, and when planted things happen."""
    rows = [(name, text, value) for name, (value, text) in c.PLANTED.items()]
    for name, moment in (
        ("viral_begin_epoch_seconds", world.viral[0]),
        ("viral_end_epoch_seconds", world.viral[1]),
        ("incident_begin_epoch_seconds", world.incident[0]),
        ("incident_end_epoch_seconds", world.incident[1]),
        ("experiment_begin_epoch_seconds", world.experiment[0]),
        ("experiment_end_epoch_seconds", world.experiment[1]),
    ):
        rows.append((name, "Moment in UTC, in seconds since 1970", moment / 1e6))
    for touch in c.TOUCHES:
        text = f"Sign-up base rate of visitors whose first touch is {touch[0]}"
        rows.append((f"signup_base_{touch[0]}", text, touch[7]))
    names, texts, values = zip(*rows, strict=True)
    columns = {"name": list(names), "description": list(texts), "value": list(map(float, values))}
    return pa.table(columns, schema=SCHEMAS["effects"])
