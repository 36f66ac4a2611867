"""Messages to people: what is queued, what is held back and why, what happens to what is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample import dirt, records
from tools.sample.arrays import TEXT, take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, schema_of
from tools.sample.world import DAY, HOUR, MINUTE, MS, NEVER, SECOND, World

TABLE = ("generic", "messages")
SCHEMA = schema_of(
    "message_id message_event occurred_at:t channel campaign reason cta is_machine updated_at:t "
    f"{records.IDENTIFIERS} _load_id _loaded_at:t"
)
CAMPAIGNS = (
    "welcome", "onboarding_reminder", "trial_ending", "win_back", "monthly_digest", "release_push",
)  # fmt: skip
WELCOME, REMINDER, TRIAL_ENDING, WIN_BACK, DIGEST, PUSH = range(6)
# welcome and trial_ending are service: they go to everyone who can be reached
NEEDS_CONSENT = (WIN_BACK, DIGEST, PUSH)
IS_CAPPED = (REMINDER, WIN_BACK, DIGEST)
HAS_HOLDOUT = (REMINDER, WIN_BACK, DIGEST, PUSH)
CTAS = (
    "open_app", "watch_tour", "next_step", "read_guide", "choose_plan", "see_prices",
    "come_back", "see_news", "read_post", "join_webinar", "open_release", "open_release",
)  # fmt: skip
EVENTS = (
    "queued", "suppressed", "sent", "delivered", "opened", "clicked", "bounced", "unsubscribed",
    "complained",
)  # fmt: skip
REASONS = (
    "missing_address", "unsubscribed", "bounced_before", "consent", "holdout", "frequency_cap",
    "hard", "soft",
)  # fmt: skip
MISSING_ADDRESS, UNSUBSCRIBED, BOUNCED_BEFORE, CONSENT, HOLDOUT, FREQUENCY_CAP, HARD, SOFT = range(
    8
)


@dataclass
class Messages:
    """One array element per message, by person; moments in us, NEVER where a thing does not happen.

    A message is either held back at `suppressed_at` or sent at `sent_at`, and then either
    delivered or bounced; both before the period ends.
    """

    person: np.ndarray
    campaign: np.ndarray
    queued_at: np.ndarray
    suppressed_at: np.ndarray
    reason: np.ndarray  # of the suppression or the bounce, NO where there is none
    sent_at: np.ndarray
    delivered_at: np.ndarray
    bounced_at: np.ndarray
    opened_at: np.ndarray
    is_machine: np.ndarray  # the opening was a machine's
    opened_again_at: np.ndarray
    clicked_at: np.ndarray
    unsubscribed_at: np.ndarray
    complained_at: np.ndarray
    cta: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def first_weekdays(world: World, weekday: int, hour: int, months=range(1, 13)) -> np.ndarray:
    """Moments on the first such weekday (0 = Monday) of each month of the period, in `months`."""
    first, last = (np.datetime64(at, "us").astype("M8[M]") for at in (world.start_us, world.end_us))
    month = np.arange(first, last + 1)
    month = month[np.isin(month.astype(np.int64) % 12 + 1, list(months))]
    day = month.astype("M8[D]").astype(np.int64)
    at = (day + (weekday - (day + 3)) % 7) * DAY + hour * HOUR
    return at[(world.start_us <= at) & (at < world.end_us)]


def _queue(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Person, campaign and moment of each message, by person, channel and time."""
    rng, marks, world = scene.chunk.rng("message queue"), scene.marks, scene.chunk.world
    book, n = scene.once(records.address_book), len(scene)
    everyone, subs = np.arange(n), scene.subscriptions
    batches = [(everyone, WELCOME, marks.signed_up_at + rng.integers(1, 5 * SECOND // MS, n) * MS)]

    at = marks.signed_up_at + 3 * DAY
    batches.append(
        (everyone, REMINDER, np.where(scene.first_track("onboarding_completed") < at, NEVER, at))
    )
    at = subs.trial_at + (c.TRIAL_DAYS - 2) * DAY
    batches.append((subs.person, TRIAL_ENDING, np.where(at < subs.started_at, at, NEVER)))
    for left_at in (marks.left_at, marks.left_again_at):
        batches.append((everyone, WIN_BACK, left_at + 30 * DAY))

    reads = np.flatnonzero(rng.random(n) < c.planted("message_digest_share"))
    for campaign, who, since, moments in (
        (DIGEST, reads, book.email_at, first_weekdays(world, 1, 8)),
        (PUSH, everyone, book.app_at, first_weekdays(world, 3, 15, (4, 10))),
    ):
        who = who[scene.signed[who] & (since[who] < NEVER)]
        person, at = (v.ravel() for v in np.meshgrid(who, moments, indexing="ij"))
        at = at + rng.integers(0, 2 * HOUR // MS, len(at)) * MS
        since = np.maximum(since, marks.signed_up_at)[person]
        is_near = records.is_active(scene, person, at, c.planted("message_sunset_days") * DAY)
        batches.append((person, campaign, np.where((since < at) & is_near, at, NEVER)))

    person = np.concatenate([who for who, _, _ in batches])
    campaign = np.repeat([kind for _, kind, _ in batches], [len(who) for who, _, _ in batches])
    at = np.concatenate([at for _, _, at in batches])
    # what is queued can then be sent and delivered before the period ends
    kept = np.flatnonzero(at < world.end_us - HOUR)
    order = kept[np.lexsort((campaign[kept], at[kept], campaign[kept] == PUSH, person[kept]))]
    return person[order], campaign[order], at[order]


def draw_messages(scene: Scene) -> Messages:
    """All messages of the chunk."""
    person, campaign, queued_at = _queue(scene)
    rng, end, n = scene.chunk.rng("messages"), scene.chunk.world.end_us, len(person)
    book = scene.once(records.address_book)
    is_push = campaign == PUSH
    line = person * 2 + is_push  # a person is reached on two lines, with a history each

    def after(at, low, high):
        return at + rng.integers(low // MS, high // MS, n) * MS

    sent_at = after(queued_at, 200 * MS, 30 * SECOND)
    bounces = rng.random(n) < c.planted("message_bounce_share")
    is_hard = bounces & (rng.random(n) < c.planted("message_hard_bounce_share"))
    reached_at = after(sent_at, 500 * MS, 90 * SECOND)
    share = np.array([c.planted(f"message_open_share_{name}") for name in CAMPAIGNS])[campaign]
    opens = ~bounces & (rng.random(n) < share)
    is_machine = opens & (rng.random(n) < c.planted("message_machine_open_share"))
    is_read = opens & ~is_machine
    waits = np.where(
        is_machine,
        rng.integers(1_000, 6_000, n) * MS,
        records.lasting(rng, 4, 1.4, n, HOUR) + 10 * SECOND,
    )
    opened_at = np.where(opens, reached_at + waits, NEVER)
    again = is_read & (rng.random(n) < 0.2)
    opened_again_at = np.where(again, opened_at + records.lasting(rng, 20, 1, n, HOUR), NEVER)
    clicks = is_read & (rng.random(n) < c.planted("message_click_share"))
    clicked_at = np.where(clicks, after(opened_at, 3 * SECOND, 90 * SECOND), NEVER)
    leaves = is_read & ~is_push & (rng.random(n) < c.planted("message_unsubscribe_share"))
    unsubscribed_at = np.where(leaves, after(opened_at, 2 * MINUTE, 9 * MINUTE), NEVER)
    complains = is_read & ~is_push & (rng.random(n) < c.planted("message_complaint_share"))
    complained_at = np.where(complains, after(opened_at, 2 * MINUTE, 9 * MINUTE), NEVER)

    reason = _held_back(scene, person, campaign, queued_at, book)
    # The first thing on a line that ends all further sending, of the messages sent so far: what is
    # queued after it is held back, so nothing held back can be that first thing.
    stop_at = np.minimum(unsubscribed_at, complained_at)
    stop_at = np.where(is_hard, reached_at, stop_at)
    stop_at = np.where(reason == NO, stop_at, NEVER)
    first_stop, first_bounce = np.full((2, 2 * len(scene)), NEVER)
    np.minimum.at(first_stop, line, stop_at)
    np.minimum.at(first_bounce, line[is_hard], stop_at[is_hard])
    is_over = np.isin(reason, (NO, FREQUENCY_CAP)) & (queued_at > first_stop[line])
    by_bounce = first_bounce[line] == first_stop[line]
    reason = np.where(is_over, np.where(by_bounce, BOUNCED_BEFORE, UNSUBSCRIBED), reason)

    is_sent = reason == NO
    is_bounced = is_sent & bounces

    def if_sent(at):
        return np.where(is_sent & (at < end), at, NEVER)

    return Messages(
        person=person,
        campaign=campaign,
        queued_at=queued_at,
        suppressed_at=np.where(is_sent, NEVER, sent_at),
        reason=np.where(is_bounced, np.where(is_hard, HARD, SOFT), reason),
        sent_at=if_sent(sent_at),
        delivered_at=np.where(is_sent & ~bounces, reached_at, NEVER),
        bounced_at=np.where(is_bounced, reached_at, NEVER),
        opened_at=if_sent(opened_at),
        is_machine=is_machine,
        opened_again_at=if_sent(opened_again_at),
        clicked_at=if_sent(clicked_at),
        unsubscribed_at=if_sent(unsubscribed_at),
        complained_at=if_sent(complained_at),
        cta=campaign * 2 + rng.integers(0, 2, n),
    )


def _held_back(scene, person, campaign, queued_at, book) -> np.ndarray:
    """Why each message is held back, whatever became of those before it; NO where it is not."""
    rng, n = scene.chunk.rng("message reasons"), len(scene)
    refuses = rng.random(n) < c.planted("message_no_consent_share")
    held_out = rng.random(n) < c.planted("message_holdout_share")
    reason = np.full(len(person), NO)
    reason[np.isin(campaign, HAS_HOLDOUT) & held_out[person]] = HOLDOUT
    reason[np.isin(campaign, NEEDS_CONSENT) & refuses[person]] = CONSENT
    reason[(campaign != PUSH) & (book.email_at[person] > queued_at)] = MISSING_ADDRESS

    mails = np.flatnonzero((campaign != PUSH) & (reason == NO))
    gap = np.full(len(mails), NEVER)
    same = person[mails[1:]] == person[mails[:-1]]
    gap[1:][same] = (queued_at[mails[1:]] - queued_at[mails[:-1]])[same]
    too_soon = gap < c.planted("message_frequency_cap_hours") * HOUR
    reason[mails[too_soon & np.isin(campaign[mails], IS_CAPPED)]] = FREQUENCY_CAP
    return reason


def messages(scene: Scene) -> Draft:
    """Draft of generic.messages: one row per thing that happened to a message."""
    msg, book = scene.once(draw_messages), scene.once(records.address_book)
    rng = scene.chunk.rng("messages table")
    happened = (
        ("queued", msg.queued_at),
        ("suppressed", msg.suppressed_at),
        ("sent", msg.sent_at),
        ("delivered", msg.delivered_at),
        ("bounced", msg.bounced_at),
        ("opened", msg.opened_at),
        ("opened", msg.opened_again_at),
        ("clicked", msg.clicked_at),
        ("unsubscribed", msg.unsubscribed_at),
        ("complained", msg.complained_at),
    )
    parts = [(np.flatnonzero(at < NEVER), EVENTS.index(name), at) for name, at in happened]
    of = np.concatenate([rows for rows, _, _ in parts])
    event = np.repeat([kind for _, kind, _ in parts], [len(rows) for rows, _, _ in parts])
    at = np.concatenate([moment[rows] for rows, _, moment in parts])
    has_reason = np.isin(event, (EVENTS.index("suppressed"), EVENTS.index("bounced")))
    is_click, is_open = event == EVENTS.index("clicked"), event == EVENTS.index("opened")

    person, is_push = msg.person[of], msg.campaign[of] == PUSH
    email = np.where(is_push | (book.email_at[person] > msg.queued_at[of]), NO, book.email[person])
    # the digest's list holds addresses, and for half of them no user id
    names_user = (msg.campaign != DIGEST) | (rng.random(len(msg)) < 0.5)

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        i, m = d.source, of[d.source]
        return {
            "message_event": take(pa.array(EVENTS), event[i]),
            "occurred_at": times(at[i]),
            "channel": take(pa.array(["email", "push"]), is_push[i].astype(np.int64)),
            "campaign": take(pa.array(CAMPAIGNS), msg.campaign[m]),
            "reason": take(pa.array(REASONS, TEXT), np.where(has_reason[i], msg.reason[m], NO)),
            "cta": take(pa.array(CTAS), np.where(is_click[i], msg.cta[m], NO)),
            "is_machine": records.flags(msg.is_machine[m], is_open[i]),
            "updated_at": records.updated(at, d),
            **records.known_by(
                scene,
                d,
                user_id=np.where(names_user[of], person, NO),
                email=email,
                device_id=np.where(is_push, book.app[person], NO),
            ),
        }

    return Draft(
        TABLE, at, at + rng.integers(1, 20, len(at)) * MINUTE, person, columns,
        of, "message_id", emails=email,
    )  # fmt: skip
