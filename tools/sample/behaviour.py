"""What happens in the sessions: page views, screens, tracks, calls that identify."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.sample import catalog as c
from tools.sample.people import NO, Devices, People
from tools.sample.sessions import (
    KNOWN,
    LOGS_IN,
    ORDER,
    SIGNUP,
    USE,
    VERIFY,
    VISIT,
    Checkouts,
    Milestones,
    Sessions,
)
from tools.sample.world import (
    DAY,
    MINUTE,
    MS,
    NEVER,
    SECOND,
    Chunk,
    owners_and_ranks,
    pick,
    running_sum,
    whole_ms,
)

TRACK, PAGE, SCREEN = range(3)
CHECKOUT_WAIT = 75 * SECOND


@dataclass
class Events:
    """One array element per track, page view or screen, by session and time."""

    session: np.ndarray
    at: np.ndarray
    table: np.ndarray  # TRACK, PAGE or SCREEN
    code: np.ndarray  # index into EVENTS (track), PATHS (page) or SCREENS (screen)
    slot: np.ndarray  # which properties a track has, see catalog.properties_of
    checkout: np.ndarray  # index into the checkouts, or NO
    page: np.ndarray  # the path in view at that moment, index into PATHS, or NO
    page_before: np.ndarray  # for a page view: the path before it in the session, or NO

    def __len__(self) -> int:
        return len(self.session)


@dataclass
class Calls:
    """Calls that say who someone is: one array element per identify, group or alias call."""

    session: np.ndarray
    at: np.ndarray
    has_user: np.ndarray

    def __len__(self) -> int:
        return len(self.session)


@dataclass
class Upgrades:
    """Moves to a dearer plan: one array element each."""

    session: np.ndarray
    at: np.ndarray
    plan: np.ndarray


class _Pile:
    """Collects batches of events as they are drawn."""

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, ...]] = []

    def add(self, session, at, table, code, slot=0, checkout=NO) -> None:
        size = len(session)
        self.parts.append(
            (
                np.asarray(session, dtype=np.int64),
                whole_ms(at),
                *(
                    np.broadcast_to(np.asarray(v, dtype=np.int64), size)
                    for v in (table, code, slot, checkout)
                ),
            )
        )

    def columns(self) -> list[np.ndarray]:
        return [np.concatenate([part[i] for part in self.parts]) for i in range(6)]


def settle(chunk: Chunk, devices: Devices, sessions: Sessions, checkouts: Checkouts) -> None:
    """Decide how far each checkout gets, how many payments fail, and when it is complete."""
    rng, n = chunk.rng("settle"), len(checkouts)
    kind = devices.kind[sessions.device[checkouts.session]]
    is_mobile = (kind == c.MOBILE) | (kind == c.APP)
    begin, end = chunk.world.incident
    is_hit = is_mobile & (begin <= checkouts.at) & (checkouts.at < end)
    gives_up_at = rng.integers(0, 3, n)
    pays = checkouts.is_meant | (gives_up_at == 2)

    def chance(name):
        return np.where(is_hit, c.planted(f"{name}_incident"), c.planted(name))

    fails = pays & (rng.random(n) < chance("payment_failed_share"))
    recovers = rng.random(n) < chance("payment_recovered_share")
    checkouts.fails = np.where(
        fails, rng.integers(np.where(is_hit, 2, 1), np.where(is_hit, 5, 3)), 0
    )
    checkouts.stage = np.where(checkouts.is_meant, np.where(fails & ~recovers, 2, 3), gives_up_at)
    checkouts.span = rng.integers(150_000, 420_000, n) * MS
    checkouts.completed_at = np.where(
        checkouts.stage == 3, checkouts.at + CHECKOUT_WAIT + checkouts.span, NEVER
    )


def draw_events(
    chunk: Chunk,
    people: People,
    devices: Devices,
    marks: Milestones,
    sessions: Sessions,
    checkouts: Checkouts,
    upgrades: Upgrades,
) -> tuple[Events, dict[str, Calls]]:
    """All events of the chunk, and the identify, group and alias calls."""
    pile = _Pile()
    leads = _visits(chunk, people, marks, sessions, pile)
    known = _signups(chunk, people, marks, sessions, pile)
    _use(chunk, people, sessions, known, pile)
    _checkouts(sessions, checkouts, pile)
    event = c.EVENT["plan_upgraded"]
    pile.add(upgrades.session, upgrades.at, TRACK, event, upgrades.plan)
    columns = pile.columns()
    kept = columns[1] < chunk.world.end_us
    events = _arrange(devices, sessions, [v[kept] for v in columns])
    return events, _calls(chunk, people, sessions, leads)


def _path_table(groups) -> np.ndarray:
    """120 paths in which each of the given page groups has the same share."""
    choices = []
    for i in range(120):
        group = groups[i % len(groups)]
        if group == "viral":
            choices.append(c.PATH[f"/blog/{c.VIRAL_SLUG}"])
            continue
        pages = c.PAGE_GROUPS[group]
        choices.append(c.PATH[pages[i // len(groups) % len(pages)][0]])
    return np.array(choices)


_LANDING = np.stack([_path_table(touch[11]) for touch in c.TOUCHES])
_FIRST_PATH = np.array([c.PATH[pages[0][0]] for pages in c.PAGE_GROUPS.values()])
_GROUP_SIZE = np.array([len(pages) for pages in c.PAGE_GROUPS.values()])
_GROUP_OF_PATH = np.array(c.PAGE_GROUP_OF_PATH)


def _browse(rng, size) -> np.ndarray:
    """Paths that a visitor goes on to."""
    weights = [c.BROWSE_WEIGHTS.get(group, 0) for group in c.GROUPS]
    group = pick(rng, weights, size)
    return _FIRST_PATH[group] + (rng.random(size) * _GROUP_SIZE[group]).astype(np.int64)


def _visits(chunk, people, marks, sessions, pile) -> tuple[np.ndarray, np.ndarray]:
    """Page views of visitors and what these lead to; gives session and time of the leads."""
    rng = chunk.rng("visit events")
    of = np.flatnonzero((sessions.kind == VISIT) | (sessions.kind == SIGNUP))
    person, is_signup = sessions.person[of], sessions.kind[of] == SIGNUP
    is_first = sessions.reference[of] == 0
    reads_reviews = is_first & people.is_reviewer[person]
    pages = np.minimum(rng.geometric(0.45, len(of)), 12) + is_signup + reads_reviews
    owner, rank = owners_and_ranks(pages)
    touch = sessions.touch[of][owner]
    path = _browse(rng, len(owner))
    landing = _LANDING[touch, rng.integers(0, _LANDING.shape[1], len(owner))]
    path = np.where(rank == 0, landing, path)
    path = np.where(
        reads_reviews[owner] & (rank == pages[owner] - 1 - is_signup[owner]),
        c.PATH["/reviews"],
        path,
    )
    path = np.where(is_signup[owner] & (rank == pages[owner] - 1), c.PATH["/signup"], path)
    gap = np.clip(rng.lognormal(np.log(35), 1, len(owner)) * SECOND, 2 * SECOND, 8 * MINUTE)
    offset = running_sum(np.where(rank == 0, 0, gap), rank)
    last = np.cumsum(pages) - 1
    room = marks.signed_up_at[person] - 20 * SECOND - sessions.at[of]
    scale = np.where(is_signup, room / np.maximum(offset[last], 1), 1.0)
    at = sessions.at[of][owner] + (offset * scale[owner]).astype(np.int64)
    pile.add(of[owner], at, PAGE, path)

    group = _GROUP_OF_PATH[path]
    drawn = rng.random(len(owner))
    leads = []
    for name, actions in c.PAGE_ACTIONS.items():
        here = group == c.GROUPS.index(name)
        low = 0.0
        for event, chance in actions:
            hit = np.flatnonzero(here & (low <= drawn) & (drawn < low + chance))
            low += chance
            slot = rng.integers(0, c.PROPERTY_SLOTS, len(hit))
            if event == "lead_submitted":
                slot = np.full(len(hit), c.LEAD_CTA_OF_GROUP[name])
            if event == "case_study_downloaded":
                slot = path[hit] - c.PATH[f"/case-studies/{c.CASES[0]}"]
            if event == "help_article_viewed":
                slot = path[hit] - c.PATH[f"/docs/{c.DOCS[0]}"]
            wait = rng.integers(1_500 * MS, 15 * SECOND, len(hit))
            pile.add(of[owner[hit]], at[hit] + wait, TRACK, c.EVENT[event], slot)
            if event == "lead_submitted":
                leads.append((of[owner[hit]], at[hit] + wait))

    seen = of[is_first & people.is_exposed[person]]
    variant = people.variant[sessions.person[seen]]
    pile.add(seen, sessions.at[seen] + SECOND, TRACK, c.EVENT["experiment_viewed"], variant)
    again = of[(sessions.reference[of] == 1) & people.is_exposed[person]]
    again = again[rng.random(len(again)) < c.planted("experiment_both_variants_share")]
    other = 1 - people.variant[sessions.person[again]]
    pile.add(again, sessions.at[again] + SECOND, TRACK, c.EVENT["experiment_viewed"], other)
    is_paid = np.array([touch[12] is not None for touch in c.TOUCHES])[sessions.touch[of]]
    clicked = of[is_paid & (rng.random(len(of)) < 0.6)]
    pile.add(clicked, sessions.at[clicked] + 300 * MS, TRACK, c.EVENT["ad_clicked"])
    return tuple(np.concatenate([lead[i] for lead in leads]) for i in range(2))


def favourites(chunk: Chunk, people: People) -> np.ndarray:
    """Persons x features: the order in which each person would come to use the features."""
    rng = chunk.rng("favourites")
    return np.argsort(rng.random((len(people), len(c.FEATURES))), axis=1)


def _signups(chunk, people, marks, sessions, pile) -> np.ndarray:
    """Sign-up, verification, request of a trial, onboarding with a first look at some features.

    Gives how many features each person knows from onboarding.
    """
    rng = chunk.rng("signup events")
    of = np.flatnonzero((sessions.kind == SIGNUP) & (sessions.login_at < NEVER))
    person, signed = sessions.person[of], sessions.login_at[of]
    pile.add(of, signed, TRACK, c.EVENT["signed_up"])
    joins = (people.account[person] != NO) & (rng.random(len(of)) < 0.5)
    pile.add(of[joins], signed[joins] + 5 * SECOND, TRACK, c.EVENT["invite_accepted"])

    at_once = (marks.verified_at[person] < NEVER) & ~marks.verifies_later[person]
    pile.add(of[at_once], marks.verified_at[person[at_once]], TRACK, c.EVENT["email_verified"])
    verify = np.flatnonzero(sessions.kind == VERIFY)
    pile.add(verify, sessions.at[verify], PAGE, c.PATH["/"])
    verified = marks.verified_at[sessions.person[verify]]
    pile.add(verify, verified, TRACK, c.EVENT["email_verified"])

    trial = marks.trial_at[person] < NEVER
    pile.add(of[trial], marks.trial_at[person[trial]], TRACK, c.EVENT["trial_requested"])

    likes, known = favourites(chunk, people), np.zeros(len(people), dtype=np.int64)
    step_at, going = signed + 30 * SECOND, np.ones(len(of), dtype=bool)
    for step in (1, 2, 3, 4):
        going = going & (rng.random(len(of)) < c.planted("onboarding_step_pass_share"))
        wait = np.clip(rng.lognormal(np.log(3), 1.5, len(of)) * MINUTE, 10 * SECOND, DAY)
        step_at = step_at + wait.astype(np.int64)
        event = c.EVENT["onboarding_step_completed"]
        pile.add(of[going], step_at[going], TRACK, event, step)
        tours = np.flatnonzero(going & (people.breadth[person] >= step))
        feature = likes[person[tours], step - 1]
        pile.add(of[tours], step_at[tours] + 8 * SECOND, TRACK, c.EVENT["feature_used"], feature)
        known[person[tours]] = step
    pile.add(of[going], step_at[going] + 2 * SECOND, TRACK, c.EVENT["onboarding_completed"])
    return known


def _use(chunk, people, sessions, known, pile) -> None:
    """What signed-in persons do in the product."""
    rng = chunk.rng("use events")
    of = np.flatnonzero(sessions.kind == USE)
    start = np.where(sessions.login[of] == KNOWN, c.PATH["/app"], c.PATH["/"])
    pile.add(of, sessions.at[of], PAGE, start)
    owner, rank = owners_and_ranks(1 + rng.poisson(2.0, len(of)))
    gap = np.clip(rng.lognormal(np.log(40), 1, len(owner)) * SECOND, 2 * SECOND, 8 * MINUTE)
    at = sessions.at[of][owner] + 75 * SECOND + running_sum(gap, rank).astype(np.int64)
    names = list(c.APP_ACTIONS)
    action = pick(rng, list(c.APP_ACTIONS.values()), len(owner))
    person = sessions.person[of][owner]
    no_feature = (action == names.index("feature_used")) & (people.breadth[person] == 0)
    action = np.where(no_feature, names.index("page:reports"), action)
    for number, name in enumerate(names):
        hit = np.flatnonzero(action == number)
        if name.startswith("page:"):
            group = c.GROUPS.index(name.removeprefix("page:"))
            path = _FIRST_PATH[group] + rng.integers(0, _GROUP_SIZE[group], len(hit))
            pile.add(of[owner[hit]], at[hit], PAGE, path)
            if name == "page:docs":
                slot = path - c.PATH[f"/docs/{c.DOCS[0]}"]
                help_event = c.EVENT["help_article_viewed"]
                pile.add(of[owner[hit]], at[hit] + 5 * SECOND, TRACK, help_event, slot)
            continue
        slot = rng.integers(0, c.PROPERTY_SLOTS, len(hit))
        if name == "feature_used":
            slot = _features(rng, chunk, people, person[hit], at[hit], known)
        pile.add(of[owner[hit]], at[hit], TRACK, c.EVENT[name], slot)


def _features(rng, chunk, people, person, at, known) -> np.ndarray:
    """Which feature each use is of: new ones first, until the person's breadth is reached."""
    order = np.lexsort((at, person))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = person[order][1:] != person[order][:-1]
    place = np.arange(len(order))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = place - np.maximum.accumulate(np.where(is_new, place, 0))
    rank += known[person]
    breadth = people.breadth[person]
    choice = np.where(rank < breadth, rank, (rng.random(len(rank)) * breadth).astype(np.int64))
    return favourites(chunk, people)[person, choice]


def _checkouts(sessions, checkouts, pile) -> None:
    """Checkout steps, failed payments and retries."""
    of, place = checkouts.session, np.arange(len(checkouts))
    is_order = checkouts.kind == ORDER
    pile.add(of, sessions.at[of], PAGE, c.PATH["/pricing"])
    pile.add(of, _within(checkouts, 0.30), PAGE, c.PATH["/checkout"])
    tracks = [
        ("product_added", 0.20, 0, is_order),
        ("checkout_started", 0.31, 0, checkouts.stage >= 0),
        ("checkout_step_completed", 0.50, 1, checkouts.stage >= 1),
        ("payment_info_entered", 0.70, 0, checkouts.stage >= 2),
        *(("payment_failed", 0.70 + 0.05 * k, k, checkouts.fails >= k) for k in (1, 2, 3, 4)),
        ("checkout_step_completed", 0.95, 2, checkouts.stage >= 3),
        ("checkout_step_completed", 1.00, 3, checkouts.stage >= 3),
    ]
    for name, part, slot, on in tracks:
        at = _within(checkouts, part)
        pile.add(of[on], at[on], TRACK, c.EVENT[name], slot, place[on])


def _within(checkouts, part) -> np.ndarray:
    """The moment when `part` of each checkout is done."""
    return whole_ms(checkouts.at + CHECKOUT_WAIT + part * checkouts.span)


def _arrange(devices, sessions, columns) -> Events:
    """Order events by session and time, turn an app's page views into screens, fill the page."""
    session, at, table, code, slot, checkout = columns
    order = np.lexsort((code, 1 - (table == PAGE), at, session))
    session, at, table, code, slot, checkout = (v[order] for v in columns)
    place = np.arange(len(session))
    is_first = np.ones(len(session), dtype=bool)
    is_first[1:] = session[1:] != session[:-1]
    first = np.maximum.accumulate(np.where(is_first, place, 0))
    seen = np.maximum.accumulate(np.where(table == PAGE, place, -1))
    page = np.where(seen >= first, code[np.maximum(seen, 0)], NO)
    before = np.concatenate([[NO], seen[:-1]]).astype(np.int64)
    page_before = np.where(before >= first, code[np.maximum(before, 0)], NO)
    on_app = devices.kind[sessions.device[session]] == c.APP
    is_screen = on_app & (table == PAGE)
    code = np.where(is_screen, np.array(c.SCREEN_OF_PATH)[np.where(is_screen, code, 0)], code)
    table = np.where(is_screen, SCREEN, table)
    page, page_before = np.where(on_app, NO, page), np.where(on_app, NO, page_before)
    return Events(session, at, table, code, slot, checkout, page, page_before)


def _calls(chunk, people, sessions, leads) -> dict[str, Calls]:
    """Identify calls at sign-up, login and some leads; group calls of members; some aliases."""
    rng, end = chunk.rng("calls"), chunk.world.end_us
    logs_in = np.flatnonzero((sessions.login == LOGS_IN) & (sessions.login_at < end))
    lead_session, lead_at = leads
    kept = (rng.random(len(lead_at)) < 0.5) & (lead_at < end)
    lead_session, lead_at = lead_session[kept], lead_at[kept]
    identifies = Calls(
        np.concatenate([logs_in, lead_session]),
        np.concatenate([sessions.login_at[logs_in] - SECOND, whole_ms(lead_at) + SECOND]),
        np.arange(len(logs_in) + len(lead_at)) < len(logs_in),
    )
    member = people.account[sessions.person[logs_in]] != NO
    member &= (sessions.kind[logs_in] == SIGNUP) | (rng.random(len(logs_in)) < 0.3)
    groups = Calls(
        logs_in[member],
        sessions.login_at[logs_in[member]] + 2 * SECOND,
        np.ones(member.sum(), dtype=bool),
    )
    aliased = logs_in[(sessions.kind[logs_in] == SIGNUP) & (rng.random(len(logs_in)) < 0.3)]
    aliases = Calls(aliased, sessions.login_at[aliased] - SECOND, np.ones(len(aliased), dtype=bool))
    return {"identifies": identifies, "groups": groups, "aliases": aliases}
