"""One chunk's whole history, what its tables are drafted from, and what a draft is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tools.sample import behaviour, dirt, money, people, sessions
from tools.sample import catalog as c
from tools.sample.arrays import MONEY, TEXT, TIME, row_ids, take, uuids
from tools.sample.people import NO
from tools.sample.world import DAY, HOUR, MS, NEVER, Chunk

T = TypeVar("T")


def schema_of(text: str) -> pa.Schema:
    """A schema from `name` or `name:type` words; text is the default type."""
    types = {"t": TIME, "m": MONEY, "i": pa.int64(), "d": pa.date32()}
    parts = (word.partition(":") for word in text.split())
    return pa.schema([(name, types[kind] if kind else TEXT) for name, _, kind in parts])


@dataclass
class Draft:
    """A table before delivery.

    `at` is when each row's event happened, `arrives_at` when it would arrive if all went well,
    `number` makes the row id (rows that share one are states of one thing), unless `ids` has it;
    `person` is who did it (NO for no one), `emails` and `phones` which spellings and phones the
    rows carry (NO for none). A table without an id has no `id_column`.
    """

    table: tuple[str, str]
    at: np.ndarray
    arrives_at: np.ndarray
    person: np.ndarray
    columns: Callable[[dirt.Delivery], dict[str, pa.Array]]
    number: np.ndarray
    id_column: str | None
    can_wait: bool = False
    ids: pa.Array | None = None
    emails: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    phones: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def next_export(at: np.ndarray) -> np.ndarray:
    """Billing, and what else is exported, leaves each night at three."""
    return (at // DAY + 1) * DAY + 3 * HOUR


_AGENTS = pa.array([agent for kind in range(5) for agent in c.USER_AGENTS[kind]])
_AGENT_START = np.cumsum([0] + [len(c.USER_AGENTS[k]) for k in range(4)])
_GROUP_WORDS = ("North", "Blue", "Harbour", "Oak", "Silver", "Field", "Stone", "River")


class Scene:
    """All that happens to the persons of one chunk, and the pools of text its rows take from."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.people = people.draw_people(chunk)
        self.visits = sessions.draw_visits(chunk, self.people)
        self.marks = sessions.draw_milestones(chunk, self.people, self.visits)
        self.signed = self.marks.signed_up_at < NEVER
        self.devices = people.draw_devices(chunk, self.people, self.signed)
        self.checkouts = sessions.draw_checkouts(chunk, self.people, self.marks)
        self.sessions = sessions.draw_sessions(
            chunk, self.people, self.devices, self.marks, self.visits, self.checkouts
        )
        behaviour.settle(chunk, self.devices, self.sessions, self.checkouts)
        self.subscriptions, upgrades = money.draw_subscriptions(
            chunk, self.people, self.marks, self.sessions, self.checkouts
        )
        self.events, self.calls = behaviour.draw_events(
            chunk, self.people, self.devices, self.marks, self.sessions, self.checkouts, upgrades
        )
        self.versions = money.subscription_versions(chunk, self.subscriptions)
        self.invoices = money.draw_invoices(chunk, self.people, self.subscriptions)
        self.orders = money.draw_orders(chunk, self.people, self.checkouts)
        rng = chunk.rng("ids")
        cookies = int(self.sessions.cookie.max()) + 1 if len(self.sessions) else 0
        self.cookies = uuids(rng, cookies)
        self.device_ids = uuids(rng, len(self.devices.kind))
        self.known_to_billing = rng.random(chunk.persons) < 0.9
        self._drawn: dict[Callable, object] = {}

    def __len__(self) -> int:
        return self.chunk.persons

    def once(self, draw: Callable[[Scene], T]) -> T:
        """What `draw` makes of this scene, drawn the first time that it is asked for."""
        if draw not in self._drawn:
            self._drawn[draw] = draw(self)
        return self._drawn[draw]

    @cached_property
    def users(self) -> pa.Array:
        """User ids: first ones of all persons, then second ones."""
        n, number = len(self), self.chunk.number
        return pa.concat_arrays(
            [row_ids(prefix, number, np.arange(n)) for prefix in ("usr", "usr2")]
        )

    @cached_property
    def customers(self) -> pa.Array:
        """Billing ids of all persons."""
        return row_ids("cus", self.chunk.number, np.arange(len(self)))

    @cached_property
    def emails(self) -> pa.Array:
        """Spellings of e-mails, see people.email_spellings."""
        return people.email_spellings(self.chunk, self.people)

    @cached_property
    def phones(self) -> pa.Array:
        """Phone of each person."""
        return people.phones(self.chunk, self.people)

    @cached_property
    def names(self) -> pa.Array:
        """Name of each person."""
        return people.names(self.people)

    @cached_property
    def accounts(self) -> tuple[pa.Array, pa.Array]:
        """Ids and names of the chunk's accounts."""
        count = max(int(self.people.account.max(initial=NO)) + 1, 1)
        number = np.arange(count)
        words = [f"{_GROUP_WORDS[i % 8]} {_GROUP_WORDS[(i // 8 + 3) % 8]} Ltd" for i in number]
        return row_ids("acc", self.chunk.number, number), pa.array(words)

    @cached_property
    def told(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Of each identify call: its clocks, the e-mail's spelling and the phone, NO for none."""
        rng, calls = self.chunk.rng("identifies"), self.calls["identifies"]
        person = self.sessions.person[calls.session]
        clock = self.sent(calls.session, calls.at, rng)
        spelled = self.spell(rng, person, 0.97)
        spelled = np.where(calls.has_user, spelled, self.spell(rng, person))
        shares = self.people.gives_phone[person] & (rng.random(len(person)) < 0.8)
        return clock, spelled, np.where(shares & calls.has_user, person, NO)

    def first_track(self, event: str) -> np.ndarray:
        """When each person first did `event`, NEVER where he did not."""
        ev, first = self.events, np.full(len(self), NEVER)
        of = np.flatnonzero((ev.table == behaviour.TRACK) & (ev.code == c.EVENT[event]))
        np.minimum.at(first, self.sessions.person[ev.session[of]], ev.at[of])
        return first

    def spell(self, rng, person: np.ndarray, share: float = 1.0) -> np.ndarray:
        """Index into `emails` of one spelling for each person, NO for 1 - `share` of them."""
        spelling = sessions.pick(rng, people.EMAIL_SPELLING_SHARES, len(person))
        index = spelling * len(self) + person
        return np.where(rng.random(len(person)) < share, index, NO)

    def user_index(self, session: np.ndarray) -> np.ndarray:
        """Index into `users` of the user id that a session logs in with."""
        return self.sessions.user[session] * len(self) + self.sessions.person[session]

    def billing_user(self, person: np.ndarray) -> np.ndarray:
        """Index into `users` where billing knows the user id, else NO."""
        return np.where(self.known_to_billing[person], person, NO)

    def currency(self, person: np.ndarray) -> pa.Array:
        """Currency of each person."""
        return take(
            pa.array(c.CURRENCIES),
            np.array(c.CURRENCY_OF_COUNTRY)[self.people.country[person]],
        )

    def sent(self, session: np.ndarray, at: np.ndarray, rng) -> dict[str, np.ndarray]:
        """Clocks of a call: when sent and received, and the client's own time.

        The published timestamp is the event's true time `at`. The client's clock is off by the
        device's skew, in its own time and in sent_at alike.
        """
        network = rng.integers(30, 400, len(at)) * MS
        held = rng.integers(0, 5000, len(at)) * MS
        skew = self.devices.skew[self.sessions.device[session]]
        original = at - network + skew
        return {"original": original, "sent": original + held, "received": at + held}

    def who(self, session: np.ndarray) -> dict[str, pa.Array]:
        """Anonymous id, device id, address and browser of the sessions that rows stand in."""
        device = self.sessions.device[session]
        kind = self.devices.kind[device]
        roams = (kind == c.MOBILE) | (kind == c.APP)
        address = (self.devices.ip[device] + np.where(roams, session % 4, 0)) % len(people.ips())
        return {
            "anonymous_id": take(self.cookies, self.sessions.cookie[session]),
            "context_device_id": take(self.device_ids, np.where(kind == c.APP, device, NO)),
            "context_ip": take(pa.array(people.ips()), address),
            "context_user_agent": take(_AGENTS, _AGENT_START[kind] + self.devices.agent[device]),
        }
