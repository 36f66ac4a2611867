"""Small random companies, each full of hard cases, that live side by side in one data set.

A world is a handful of people and 5 to 60 raw rows. Every id in it begins with the world's name
(`w017-`), so worlds never meet except in the loads that carry them and in what counts everybody.
`world(17)` is the same for ever; `deliveries(worlds, seed)` splits its rows over loads at random.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from harness import LAYOUT, ROOT

AS_OF = datetime(2025, 10, 1)
FIRST_DAY = datetime(2023, 3, 1)
TIMEOUT = timedelta(minutes=30)
ENGAGED = timedelta(seconds=10)
DORMANT = timedelta(days=60)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
NAMELESS = "unnamed"  # what a load without a name is called

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PATHS = words("""/ /pricing /features /blog/hello /reviews /reviews/best-of /signup /checkout
    /docs/start /app /app/reports /webinars /case-studies/acme""")
CORE = words("report_created report_shared project_created feature_used")
TRACKS = (
    *CORE,
    *words("""signed_up email_verified onboarding_step_completed onboarding_completed
        trial_requested invite_sent invite_accepted checkout_started checkout_step_completed
        payment_info_entered payment_failed product_added lead_submitted white_paper_downloaded
        case_study_downloaded video_watched webinar_attended review_read help_article_viewed
        chat_started search_performed experiment_viewed plan_upgraded error_shown ad_clicked
        form_started review_written mention_published"""),
    "Something  Nobody Knows!",
)
PROPERTIES = (
    '{"feature": "reports", "step": 1, "flow": "default"}',
    '{"step": 2, "flow": "default", "cta": "hero", "code": "E42"}',
    '{"asset": "guide", "percent": 90, "plan": "pro"}',
    '{"experiment": "price", "variant": "a", "query": "x", "results": 0}',
    '{"experiment": "price", "variant": "b"}',
    '{"feature": "exports", "step": 3, "cta": "white_paper_form", "experiment": "unheard of"}',
    '{"feature": "filters", "step": "4", "cta": "talk_to_sales", "variant": "b"}',
    "{}",
    None,
)
CAMPAIGNS = (
    {"source": "google", "medium": "cpc", "name": "brand"},
    {"source": "google", "medium": "cpc", "name": "brand"},
    {"source": "newsletter", "medium": "email", "name": "may", "content": "footer"},
    {"source": "facebook", "medium": "paid_social"},
    {"medium": "affiliate"},
    # each of the other channels by a rule of its own, and what no rule knows
    {"source": "google", "medium": "cpc", "name": "cross-network", "term": "shoes"},
    {"source": "amazon", "medium": "cpc"},
    {"source": "partner", "medium": "ppc", "name": "spring-shopping"},
    {"source": "youtube", "medium": "paid"},
    {"source": "partner", "medium": "banner"},
    {"source": "partner", "medium": "retargeting"},
    {"source": "idealo.de", "medium": "compare"},
    {"source": "partner", "medium": "list", "name": "eshop"},
    {"source": "partner", "medium": "social"},
    {"source": "vimeo"},
    {"source": "partner", "medium": "some_video"},
    {"source": "partner", "medium": "e-mail"},
    {"source": "partner", "medium": "organic"},
    {"source": "partner", "medium": "link"},
    {"source": "spotify", "medium": "audio"},
    {"source": "sms"},
    {"source": "partner", "medium": "sms"},
    {"source": "firebase"},
    {"source": "partner", "medium": "web_push"},
    {"source": "bing", "medium": "paid"},  # a source of two categories
    {"source": "Partner", "medium": "Other"},
)
REFERRERS = words("""https://www.google.com/search https://t.co/x https://blog.example.org/a
    https://www.example.com/app https://example.com/ https://duckduckgo.com/?q=x
    https://www.youtube.com/watch https://www.amazon.de/x""")
CLICKS = words("gclid gbraid wbraid dclid fbclid msclkid ttclid twclid li_fat_id")
DELIVERED = ("opened", "opened", "clicked", "clicked", "unsubscribed", "complained")
WHY_SUPPRESSED = words("consent frequency_cap unsubscribed missing_address bounced_before holdout")
READ = words("white_paper_downloaded video_watched webinar_attended case_study_downloaded")
NO_PERCENT = ("half", "NaN", 250, -1)
CHANNELS = ("email", "Email", "sms", "push", "in_app", None)
CONTACTS = words("article chatbot live_chat ticket Phone email social")
OFFERS = words("upsell cross_sell upgrade renewal seats win_back")
ASSETS = words("blog white_paper case_study Video webinar")
CURRENCIES = ("EUR", "EUR", "USD", "DKK", "gbp", "CHF", "NOK")
PLACEHOLDERS = (
    "null",
    "undefined",
    "0000",
    "N/A",
    " guest ",
    "00000000-0000-0000-0000-000000000000",
)


@dataclass(frozen=True)
class RawRow:
    """One raw row, not yet delivered."""

    table: str
    values: dict
    batch: str = ""  # the rows of a batch travel together, in one load
    reject_reason: str | None = None  # what the judgement has to be
    delivery: int | None = None  # regressions say how they came; else it is drawn
    load_id: str | None = None
    loaded_at: datetime | None = None


@dataclass
class World:
    name: str
    rows: list[RawRow] = field(default_factory=list)
    scenes: tuple[str, ...] = ()


# ---------------------------------------------------------------- one world


class Stage:
    """Where scenes put their rows: the ids, the clock and the collectors of one world."""

    def __init__(self, name: str, seed: str):
        self.name = name
        self.random = random.Random(seed)
        self.rows: list[RawRow] = []
        self.counter = 0
        self.now = self.a_start()

    def a_start(self) -> datetime:
        """Somewhen; one time in eight in the night in which Copenhagen changes its clocks."""
        chance = self.random
        if chance.random() < 0.125:
            night = chance.choice((datetime(2023, 10, 29), datetime(2024, 3, 31)))
            return night - timedelta(minutes=chance.choice((150, 60, 1, 0)))
        return FIRST_DAY + timedelta(
            days=chance.randrange(490), microseconds=chance.randrange(86_400 * 10**6)
        )

    def a(self, kind: str, number: int | str = 1) -> str:
        """An identifier of this world: the same for the same kind and number."""
        return f"{self.name}-{kind}{number}"

    def email(self, number: int = 1) -> str:
        return f"{self.a('person', number)}@example.com"

    def phone(self, number: int = 1) -> str:
        world, _, copy = self.name.removeprefix("w").partition("s")
        if not world.isdigit():  # a world with a name has one of its own
            world, copy = "0", ""
        return f"+45 {int(world):04d} {copy or 0}{number:04d}"

    def row_id(self) -> str:
        self.counter += 1
        # ids do not grow with time: ties in time must not be broken by the order of writing
        return f"{self.name}-{self.random.randrange(16**6):06x}-{self.counter}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def wait(self, *gaps: timedelta) -> datetime:
        self.now += self.random.choice(gaps)
        return self.now

    def pause(self) -> datetime:
        """On to the next event: at once, within the session, at its very edge, or later."""
        return self.wait(
            timedelta(0),
            timedelta(seconds=1),
            ENGAGED + self.random.choice((timedelta(0), INSTANT, timedelta(seconds=1))),
            timedelta(minutes=self.random.randrange(1, 29)),
            TIMEOUT - INSTANT,
            TIMEOUT,
            TIMEOUT + INSTANT,
            timedelta(hours=self.random.randrange(1, 40)),
        )

    def received(self, at: datetime) -> datetime:
        """Mostly soon after; now and then a year later."""
        delays = (timedelta(0), timedelta(seconds=2), timedelta(hours=3), 9 * DAY, 400 * DAY)
        return min(at + self.random.choices(delays, (2, 8, 2, 1, 1))[0], AS_OF)

    def add(self, table: str, reject_reason: str | None = None, **values) -> RawRow:
        row = RawRow(table, values, reject_reason=reject_reason)
        self.rows.append(row)
        return row

    # -- the collectors

    def track(self, event: str | None, anon=None, user=None, device=None, **more) -> RawRow:
        at = more.pop("at", self.now)
        values = {
            "id": self.row_id(),
            "event": event,
            "anonymous_id": anon,
            "user_id": user,
            "context_device_id": device,
            "received_at": self.received(at),
            "context_user_agent": BROWSER,
            "context_ip": f"10.0.{self.random.randrange(9)}.{self.random.randrange(99)}",
            "context_page_url": f"https://www.example.com{self.random.choice(PATHS)}",
            "properties": self.random.choice(PROPERTIES),
            **self.time_of(at),
        }
        return self.add("segment.tracks", more.pop("reject_reason", None), **{**values, **more})

    def time_of(self, at: datetime) -> dict:
        """A collector's clock: UTC text, text with an offset, or a wrong clock to be corrected."""
        kind = self.random.choice(("utc", "utc", "offset", "skewed"))
        if kind == "offset":
            return {"timestamp": f"{(at + timedelta(hours=2)).isoformat()}+02:00"}
        if kind == "skewed":
            skew = timedelta(seconds=self.random.randrange(-4000, 4000))
            received = self.received(at)
            return {
                "original_timestamp": (at + skew).isoformat() + "Z",
                "sent_at": received + skew,
                "received_at": received,
            }
        return {"timestamp": at.isoformat() + "Z"}

    def page(self, path: str | None = None, anon=None, user=None, device=None, **more) -> RawRow:
        at = more.pop("at", self.now)
        path = path or self.random.choice(PATHS)
        values = {
            "id": self.row_id(),
            "anonymous_id": anon,
            "user_id": user,
            "context_device_id": device,
            "name": self.random.choice((None, "Page")),
            "title": path.title(),
            "url": f"https://www.example.com{path}",
            "path": path,
            "timestamp": at,
            "received_at": self.received(at),
            "context_user_agent": BROWSER,
        }
        if self.chance(0.3):
            values |= {f"context_campaign_{k}": v for k, v in self.random.choice(CAMPAIGNS).items()}
        elif self.chance(0.1):
            values["url"] += "?gclid=abc&utm_source=Google&utm_term=a%20b"
        elif self.chance(0.15):
            values["url"] += f"?{self.random.choice(CLICKS)}=abc"
        if self.chance(0.3):
            values["referrer"] = self.random.choice(REFERRERS)
        return self.add("segment.pages", more.pop("reject_reason", None), **{**values, **more})

    def screen(self, anon=None, user=None, device=None, **more) -> RawRow:
        at = more.pop("at", self.now)
        values = {
            "id": self.row_id(),
            "anonymous_id": anon,
            "user_id": user,
            "context_device_id": device,
            "name": self.random.choice(("Home", "Report", None)),
            "timestamp": at,
            "received_at": self.received(at),
            "context_os_name": "iOS",
        }
        return self.add("segment.screens", **{**values, **more})

    def something(self, anon=None, user=None, device=None, **more) -> RawRow:
        """Any event of a person: mostly a page or a track."""
        kind = self.random.random()
        if kind < 0.4:
            return self.page(None, anon, user, device, **more)
        if kind < 0.9:
            return self.track(self.random.choice(TRACKS), anon, user, device, **more)
        return self.screen(anon, user, device, **more)

    def identify(self, anon=None, user=None, **more) -> RawRow:
        at = more.pop("at", self.now)
        values = {
            "id": self.row_id(),
            "anonymous_id": anon,
            "user_id": user,
            "timestamp": at,
            "received_at": self.received(at),
        }
        reason = more.pop("reject_reason", None)
        return self.add("segment.identifies", reason, **{**values, **more})

    def alias(self, previous, user) -> RawRow:
        return self.add(
            "segment.aliases",
            id=self.row_id(),
            previous_id=previous,
            user_id=user,
            timestamp=self.now,
            received_at=self.received(self.now),
        )

    def group(self, user, account, anon=None) -> RawRow:
        return self.add(
            "segment.groups",
            id=self.row_id(),
            anonymous_id=anon,
            user_id=user,
            group_id=account,
            timestamp=self.now,
            received_at=self.received(self.now),
        )

    def customer(self, customer, user=None, **more) -> RawRow:
        values = {"customer_id": customer, "user_id": user, "created_at": self.now}
        values["updated_at"] = self.received(self.now)
        return self.add("billing.customers", **{**values, **more})

    def subscription(self, number: int, updated_at: datetime | None, **more) -> RawRow:
        values = {
            "subscription_id": self.a("sub", number),
            "plan": self.random.choice(("pro", "pro", "team", None)),
            "status": "active",
            "billing_interval": self.random.choice(("month", "year", None)),
            "mrr_amount": self.random.choice(("49.00", "99.00", "12.3456", "0")),
            "currency": "EUR",
            "updated_at": updated_at,
        }
        reason = more.pop("reject_reason", None)
        return self.add("billing.subscriptions", reason, **{**values, **more})

    def invoice(self, number: int, status: str, **more) -> RawRow:
        paid_at = more.pop("paid_at", self.now + DAY) if status == "paid" else None
        values = {
            "invoice_id": self.a("inv", number),
            "amount": Decimal("49.00"),
            "currency": self.random.choice(CURRENCIES),
            "status": status,
            "issued_at": self.now,
            "paid_at": paid_at,
            "updated_at": self.received(paid_at or self.now),
        }
        reason = more.pop("reject_reason", None)
        return self.add("billing.invoices", reason, **{**values, **more})

    def order(self, number: int, **more) -> RawRow:
        values = {
            "order_id": self.a("order", number),
            "total_amount": f"{self.random.randrange(0, 20_000) / 100:.2f}",
            "currency": self.random.choice(CURRENCIES),
            "item_count": self.random.randrange(1, 5),
            "placed_at": self.now,
            "updated_at": self.received(self.now),
        }
        reason = more.pop("reject_reason", None)
        return self.add("commerce.orders", reason, **{**values, **more})

    def refund(self, number: int, **more) -> RawRow:
        values = {
            "refund_id": self.row_id(),
            "order_id": self.a("order", number),
            "amount": Decimal("5.00"),
            "currency": "EUR",
            "refunded_at": self.now,
            "updated_at": self.received(self.now),
        }
        return self.add("commerce.refunds", **{**values, **more})

    def spend(self, **more) -> RawRow:
        campaign = {
            name: value
            for name, value in self.random.choice(CAMPAIGNS).items()
            if name in ("source", "medium", "name")
        }
        values = {
            "date": self.now.date(),
            "platform": self.random.choice(("google", "facebook")),
            "campaign": self.a("campaign", self.random.randrange(2)),
            **{f"utm_{k if k != 'name' else 'campaign'}": v for k, v in campaign.items()},
            "impressions": self.random.randrange(1000),
            "clicks": self.random.randrange(50),
            "spend_amount": f"{self.random.randrange(5000) / 100:.2f}",
            "currency": self.random.choice(CURRENCIES),
            "updated_at": self.now + DAY,
        }
        return self.add("ads.spend", more.pop("reject_reason", None), **{**values, **more})

    # -- what is told of in versions

    def changed(self, at: datetime) -> datetime | None:
        """When a version says that it was changed; now and then it does not say, or two agree."""
        return self.random.choice((at, at, at + timedelta(hours=1), at + DAY, self.now, None))

    def record(self, table: str, at: datetime, **values) -> RawRow:
        """A version of a record that tells of something at this moment."""
        reason = values.pop("reject_reason", None)
        values.setdefault("updated_at", self.changed(at))
        return self.add(f"generic.{table}", reason, **values)

    def message(self, number: int, event: str | None, at: datetime | None = None, **more) -> RawRow:
        at = at or self.now
        values = {
            "message_id": self.a("message", number),
            "message_event": event,
            "occurred_at": at,
            "channel": self.random.choice(CHANNELS),
            "campaign": self.random.choice(("may", "may", "renewal", None)),
        }
        return self.record("messages", at, **{**values, **more})

    def contact(self, number: int, **more) -> RawRow:
        values = {
            "contact_id": self.a("contact", number),
            "contact_type": self.random.choice(CONTACTS),
            "reason": self.random.choice(("billing", "bug", None)),
            "is_complaint": self.random.choice(("true", "F", "0", "YES", None)),
            "opened_at": self.now,
        }
        return self.record("support_contacts", self.now, **{**values, **more})

    def survey(self, number: int, kind: str = "nps", **more) -> RawRow:
        values = {
            "response_id": self.a("response", number),
            "survey": f"{kind} of the year",
            "survey_type": kind,
            "wave": self.random.choice(("1", "2", None)),
            "invited_at": self.now,
        }
        return self.record("survey_responses", self.now, **{**values, **more})

    def exposure(self, variant: str | None, at: datetime | None = None, **more) -> RawRow:
        at = at or self.now
        experiment = self.random.choice(("price", "price", "price", "layout"))
        values = {"experiment": experiment, "variant": variant, "exposed_at": at}
        return self.record("experiment_exposures", at, **{**values, **more})

    def offer(self, number: int, **more) -> RawRow:
        values = {
            "offer_id": self.a("offer", number),
            "offer_type": self.random.choice(OFFERS),
            "product": self.random.choice(("team", "seats", None)),
            "channel": self.random.choice(CHANNELS),
            "offered_at": self.now,
            "amount": self.random.choice(("19.00", "5.5", "0", None)),
            "currency_code": self.random.choice(CURRENCIES),
            "quantity": self.random.choice((1, 5, None)),
        }
        return self.record("commercial_offers", self.now, **{**values, **more})

    def somebody(self) -> dict:
        """Whom a record names: by one of all kinds of identifiers, or by two of them."""
        number = self.random.randrange(3)
        ways = (
            {"user_id": self.a("user", number)},
            {"customer_id": self.a("cust", number)},
            {"email": self.email(number)},
            {"phone": self.phone(number)},
            {"device_id": self.a("device", number)},
            {"anonymous_id": self.a("anon", number)},
        )
        who = dict(self.random.choice(ways))
        return who | (self.random.choice(ways) if self.chance(0.3) else {})


# ---------------------------------------------------------------- scenes

SCENES: dict[str, Callable[[Stage], None]] = {}
HEAVY = ("a_run_of_more_than_a_day",)  # many rows: only now and then


RECORDS: list[str] = []  # the scenes that write records: one in most of the worlds


def scene(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    SCENES[function.__name__] = function
    return function


def scene_of_records(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    RECORDS.append(function.__name__)
    return scene(function)


@scene
def somebody_looks_around(s: Stage) -> None:
    anon = s.a("anon", s.random.randrange(3))
    for _ in range(s.random.randrange(2, 9)):
        s.something(anon)
        s.pause()


@scene
def ties_in_time(s: Stage) -> None:
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    for event in s.random.sample(TRACKS, 4):
        s.track(event, anon, s.random.choice((None, user)), timestamp=s.now.isoformat())
    s.page("/blog/hello", anon)
    s.page("/pricing", anon, context_campaign_source="google", context_campaign_medium="cpc")
    s.now += TIMEOUT
    s.something(anon)


@scene
def a_run_of_more_than_a_day(s: Stage) -> None:
    anon = s.a("anon", 1)
    # in the first kind events fall on the very multiples of the cap
    gap = s.random.choice((timedelta(minutes=24), TIMEOUT - INSTANT))
    for number in range(s.random.choice((55, 65))):
        user = s.a("user", 1) if number in (20, 57) else None
        s.page("/app" if number % 4 else None, anon, user)
        s.now += gap


@scene
def a_login_long_after(s: Stage) -> None:
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    for _ in range(3):
        s.something(anon)
        s.pause()
    s.wait(timedelta(minutes=5), 3 * DAY, 400 * DAY)
    s.random.choice(
        (
            lambda: s.identify(anon, user, email=s.random.choice((None, s.email(1)))),
            lambda: s.track("signed_up", anon, user),
            lambda: s.alias(anon, user),
        )
    )()
    s.something(anon)


@scene
def a_device_of_several_users(s: Stage) -> None:
    kind = s.random.choice(("anon", "device"))
    shared = {"anon": s.a("anon", "-shared")} if kind == "anon" else {"device": s.a("device", 9)}
    users = [s.a("user", number) for number in range(s.random.choice((2, 2, 3)))]
    for _ in range(s.random.randrange(5, 12)):
        user = s.random.choice((None, None, *users))
        s.something(**shared, user=user)
        s.pause()
    s.identify(shared.get("anon"), users[0], context_device_id=shared.get("device"))


@scene
def a_changed_cookie(s: Stage) -> None:
    user, device = s.a("user", s.random.randrange(3)), s.a("device", s.random.randrange(2))
    for number in range(3):
        anon = s.a("anon", f"-cookie{number}")
        s.something(anon, None, s.random.choice((None, device)))
        s.pause()
        s.something(anon, s.random.choice((None, user)), device)
        s.pause()


@scene
def a_chain_of_aliases(s: Stage) -> None:
    length = s.random.randrange(2, 6)
    for number in range(length):
        s.alias(s.a("anon", f"-chain{number}"), s.a("user", f"-chain{number}"))
        s.identify(s.a("anon", f"-chain{number + 1}"), s.a("user", f"-chain{number}"))
    s.something(s.a("anon", "-chain0"))
    s.pause()
    s.something(s.a("anon", f"-chain{length}"))
    s.group(s.a("user", "-chain0"), s.a("account", 1), s.random.choice((None, s.a("anon", 1))))


@scene
def weak_identifiers_only(s: Stage) -> None:
    """Cookies and devices seen together, with a user at one end, at both or at neither."""
    for number in range(s.random.randrange(1, 4)):
        s.screen(s.a("anon", f"-weak{number}"), None, s.a("device", f"-weak{number}"))
        s.screen(s.a("anon", f"-weak{number + 1}"), None, s.a("device", f"-weak{number}"))
        s.pause()
    for end in (0, 1):
        if s.chance(0.5):
            s.identify(s.a("anon", f"-weak{end}"), s.a("user", f"-weak{end}"))
    s.screen(None, None, s.a("device", "-weak0"))


@scene
def an_address_of_several_users(s: Stage) -> None:
    count = s.random.choice((2, 2, 5, 6))  # more than 5: the address says nothing
    for number in range(count):
        # one address, spelled as people spell it
        address = s.random.choice(
            (s.email(1), s.email(1).upper(), "+x@".join(s.email(1).split("@")))
        )
        s.identify(s.a("anon", number), s.a("user", number), email=address)
    s.something(s.a("anon", 0), s.a("user", 0))
    s.pause()
    s.something(None, s.a("user", 1), context_device_id=s.a("device", 1))


@scene
def a_customer_of_several_users(s: Stage) -> None:
    count = s.random.choice((2, 3, 4))  # more than 3: the customer id says nothing
    for number in range(count):
        s.customer(s.a("cust", 1), s.a("user", number), phone=s.phone(number))
        s.pause()
    s.customer(s.a("cust", 1), None, email=s.email(7))
    s.invoice(50, "paid", customer_id=s.a("cust", 1))
    s.something(s.a("anon", 1), s.a("user", 1))


@scene
def one_phone_in_two_hands(s: Stage) -> None:
    for number in range(s.random.choice((1, 2))):
        s.identify(None, s.a("user", number), phone=s.phone(5))
        s.something(s.a("anon", number), s.a("user", number))
        s.pause()
    s.identify(s.a("anon", 2), None, phone=s.phone(5))
    s.something(s.a("anon", 2))


@scene
def placeholders(s: Stage) -> None:
    for _ in range(3):
        s.something(s.a("anon", 1), s.random.choice(PLACEHOLDERS))
        s.pause()
        s.something(s.random.choice(PLACEHOLDERS), s.random.choice((None, s.a("user", 1))))
        s.pause()
    s.track("report_created", s.random.choice(PLACEHOLDERS))  # nobody at all
    s.identify(s.random.choice(PLACEHOLDERS), s.a("user", 2), email=s.email(2))


@scene
def addresses_as_user_ids(s: Stage) -> None:
    s.something(s.a("anon", 1), s.email(3))
    s.identify(s.a("anon", 2), s.a("user", 3), email=s.email(3))
    s.track("lead_submitted", s.a("anon", 4), context_traits_email=s.email(3))
    s.something(s.a("anon", 4))


@scene
def a_subscription_in_versions(s: Stage) -> None:
    user, customer = s.a("user", s.random.randrange(3)), s.a("cust", s.random.randrange(2))
    number = s.random.randrange(2)
    trial, start = s.now, s.now + 14 * DAY
    who = s.random.choice(((customer, user), (None, user), (customer, None)))
    base = {
        "customer_id": who[0],
        "user_id": who[1],
        "trial_started_at": s.random.choice((trial, None)),
        "started_at": start,
    }
    s.subscription(number, trial, **{**base, "trial_started_at": trial, "started_at": None})
    s.subscription(number, start, **base)
    cancel = start + s.random.choice((timedelta(0), DAY, 40 * DAY, DORMANT))
    later = cancel + timedelta(hours=1)
    s.subscription(number, later, **base, cancelled_at=cancel, status="cancelled")
    what = s.random.random()
    if what < 0.25:  # the cancel moves
        s.subscription(number, later + DAY, **base, cancelled_at=cancel + 3 * DAY)
    elif what < 0.5:  # it is taken back
        s.subscription(number, later + DAY, **base)
    elif what < 0.75:  # it turns out to be somebody else's
        other = {"customer_id": s.a("cust", 5), "user_id": s.random.choice((s.a("user", 5), None))}
        s.subscription(number, later + DAY, **{**base, **other}, email=s.email(4))
    if s.chance(0.3):  # two versions of one moment
        s.subscription(number, later + DAY, **base, plan="team", mrr_amount="99.00")
    if s.chance(0.3):  # and of one content, as far as the journey goes
        s.subscription(number, later + DAY, **base, email=s.email(5), billing_interval="year")
    for at in (trial, start, cancel, cancel + 2 * DAY):
        s.something(s.a("anon", 1), user, at=at)
    s.now = later


@scene
def invoices_and_their_states(s: Stage) -> None:
    user, customer = s.a("user", s.random.randrange(3)), s.a("cust", 1)
    number = s.random.randrange(3)
    for status in s.random.sample(("open", "paid", "failed"), 2):
        s.invoice(number, status, user_id=s.random.choice((user, None)), customer_id=customer)
    s.invoice(number + 10, "paid", user_id=user, amount=Decimal("0.00"))
    s.customer(customer, user, email=s.email(1))
    s.something(s.a("anon", 1), user)


@scene
def orders_and_refunds(s: Stage) -> None:
    guest, user = s.email(6), s.a("user", s.random.randrange(3))
    s.page("/checkout", s.a("anon", 3))
    s.order(1, email=guest, anonymous_id=s.a("anon", 3))
    s.pause()
    s.order(2, user_id=user, email=s.random.choice((guest, s.email(1), None)))
    s.wait(DAY, 90 * DAY)
    s.refund(1)
    s.refund(2, user_id=user)
    if s.chance(0.5):
        s.refund(7)  # of an order that never came


@scene
def a_long_road_to_a_goal(s: Stage) -> None:
    """Visits in several channels, the oldest at the edge of what a goal looks back on; money, an
    answer and an end at the edges of what counts for a path."""
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    first, edges = s.now, (-INSTANT, timedelta(0), INSTANT)
    goal_at = first + 30 * DAY + s.random.choice(edges)
    halves = (14 * DAY, 7 * DAY, 7 * DAY - timedelta(seconds=1), 3 * DAY, timedelta(hours=1))
    moments = [goal_at - age for age in s.random.sample(halves, s.random.randrange(1, 5))]
    for at in (first, *moments):
        # now and then by an advertisement of this world, which was paid for on the day of the goal
        ours = {"source": "google", "medium": "cpc", "name": s.a("campaign", 0)}
        came_by = s.random.choice((ours, *s.random.sample(CAMPAIGNS, 2)))
        came_by = {f"context_campaign_{k}": v for k, v in came_by.items()}
        s.page(None, anon, user, at=at, **came_by if s.chance(0.7) else {})
    for goal in s.random.sample(("signed_up", "trial_requested", "lead_submitted"), 2):
        s.track(goal, anon, user, at=goal_at)
    s.now = goal_at
    paid_for = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": s.a("campaign", 0)}
    s.spend(campaign=s.a("campaign", 0), **paid_for)
    s.now = first + 30 * DAY + s.random.choice(edges)
    s.order(60, user_id=user)
    s.now = first + 30 * DAY + s.random.choice(edges)
    cost = {"cost_amount": s.random.choice((None, "2", "30.5")), "currency_code": "USD"}
    s.contact(60, user_id=user, **cost)
    for number in (60, 61):  # the first of two answers counts, of one moment too
        s.now = first + s.random.choice((60, 90, 90)) * DAY + s.random.choice(edges)
        s.survey(number, user_id=user, responded_at=s.now, score=s.random.choice((0, 7, 10)))
    end = first + 90 * DAY + s.random.choice(edges)
    if s.chance(0.7):
        s.subscription(60, end, user_id=user, started_at=goal_at, ended_at=end, status="cancelled")


@scene
def restated_spend(s: Stage) -> None:
    for _ in range(s.random.randrange(2, 6)):
        s.spend(updated_at=s.now + s.random.choice((DAY, DAY, 3 * DAY)))


@scene
def dormant_to_the_instant(s: Stage) -> None:
    user = s.a("user", s.random.randrange(3))
    for gap in (timedelta(0), -INSTANT, INSTANT, timedelta(0)):
        s.page("/app", s.a("anon", 1), user)
        s.now += DORMANT + s.random.choice((gap, timedelta(0)))
    s.page("/app", s.a("anon", 1), user)


@scene
def nearly_dormant_at_the_end(s: Stage) -> None:
    s.now = AS_OF - DORMANT + s.random.choice((-INSTANT, timedelta(0), INSTANT))
    s.page("/app", s.a("anon", s.random.randrange(3)), s.random.choice((None, s.a("user", 1))))
    if s.chance(0.3):
        s.page("/app", s.a("anon", 1), at=AS_OF - s.random.choice((INSTANT, 10 * DAY)))


@scene
def churned_and_back(s: Stage) -> None:
    user, start = s.a("user", s.random.randrange(3)), s.now
    cancel = start + s.random.choice((10 * DAY, DORMANT - INSTANT, DORMANT, DORMANT + INSTANT))
    s.track("signed_up", s.a("anon", 1), user)
    s.subscription(7, cancel, user_id=user, started_at=start, cancelled_at=cancel)
    s.subscription(8, cancel, user_id=user, started_at=cancel, trial_started_at=start)
    for gap in (timedelta(0), INSTANT, DAY):
        if s.chance(0.6):
            s.something(s.a("anon", 1), user, at=cancel + gap)
    s.invoice(20, "paid", user_id=user, paid_at=s.random.choice((cancel, cancel + 30 * DAY)))
    s.now = cancel + DAY


@scene
def a_cancel_that_lies_ahead(s: Stage) -> None:
    """Cancelled to the end of a period that is not over when the clock stops."""
    user = s.a("user", s.random.randrange(3))
    s.now = AS_OF - s.random.choice((10, 59)) * DAY
    cancel = AS_OF + s.random.choice((timedelta(0), INSTANT, DAY, 30 * DAY))
    s.subscription(30, s.now, user_id=user, started_at=s.now, cancelled_at=cancel)
    s.page("/app", s.a("anon", s.random.randrange(3)), user, at=s.now + DAY)


@scene
def a_habit_or_nearly(s: Stage) -> None:
    user, first = s.a("user", s.random.randrange(3)), s.now
    for days in (0, s.random.choice((1, 14)), s.random.choice((27, 28))):
        at = first + days * DAY
        for _ in range(s.random.choice((1, 2))):
            s.track(s.random.choice(CORE), s.a("anon", 1), user, at=at)
            at += s.random.choice((timedelta(0), timedelta(hours=2)))
    s.now = first + 29 * DAY


@scene
def bots_and_colleagues(s: Stage) -> None:
    anon = s.a("anon", s.random.randrange(3))
    s.page("/", anon, context_user_agent=BOT)
    s.something(anon)
    s.page("/app", anon, s.a("user", "-bot"), context_user_agent=BOT)
    s.page(
        "/",
        anon,
        url="https://staging.example.com/",
        context_user_agent=s.random.choice((BOT, BROWSER)),
    )
    s.track("signed_up", anon, f"{s.name}@example-internal.test")


@scene
def an_account_and_its_members(s: Stage) -> None:
    for number in range(2):
        s.group(s.a("user", number), s.a("account", s.random.randrange(2)))
        s.group(s.a("user", number), s.a("account", s.random.randrange(2)))
        s.something(None, s.a("user", number))
        s.pause()


@scene
def seen_in_an_account(s: Stage) -> None:
    """By what he did, not only by a membership; and by what nobody did who is named."""
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    for _ in range(3):
        account = s.a("account", s.random.randrange(3))
        s.track(
            s.random.choice(CORE), anon, s.random.choice((None, user)), context_group_id=account
        )
        s.wait(timedelta(0), DAY)


@scene
def colleagues_at_work(s: Stage) -> None:
    """In two accounts by turns, each event with the account it was done in."""
    for _ in range(s.random.randrange(6, 16)):
        number = s.random.randrange(3)
        s.track(
            s.random.choice((*CORE, *CORE, "email_verified")),
            s.a("anon", number),
            s.random.choice((None, s.a("user", number))),
            context_group_id=s.a("account", s.random.randrange(2)),
            timestamp=s.now.isoformat(),
        )
        steps = (timedelta(0), timedelta(seconds=1), timedelta(hours=6), DAY)
        s.wait(*steps, s.random.choice(steps) + INSTANT)


@scene
def back_and_forth(s: Stage) -> None:
    """A few things done again and again, on two pages, by one person in one visit or in several."""
    anon, user = s.a("anon", s.random.randrange(3)), s.random.choice((None, s.a("user", 1)))
    again = words("report_created report_shared checkout_started email_verified product_added")
    visit = (timedelta(0), timedelta(seconds=1), timedelta(minutes=5), TIMEOUT - INSTANT)
    more = (*visit, timedelta(minutes=90), timedelta(hours=6), DAY, DAY + INSTANT)
    gaps = s.random.choice((visit, visit, more))
    source = s.random.choice((None, "google", "newsletter"))
    for _ in range(s.random.randrange(8, 22)):
        s.track(
            s.random.choice(again),
            anon,
            user,
            timestamp=s.now.isoformat(),
            context_page_url=f"https://www.example.com{s.random.choice(PATHS[:2])}",
            context_campaign_source=source if s.chance(0.8) else None,
        )
        s.wait(*gaps)


@scene
def two_subscriptions_that_run(s: Stage) -> None:
    """Or only seem to: ended, not begun yet at the clock's end, or of one moment."""
    user, start = s.a("user", s.random.randrange(3)), s.now
    for number in (40, 41, 42):
        began = start + s.random.choice((timedelta(0), timedelta(0), DAY))
        ended = s.random.choice((None, None, began + 30 * DAY, AS_OF, AS_OF + INSTANT))
        trial = s.random.choice((None, began - DAY))
        s.subscription(
            number,
            s.random.choice((began, began, None)),
            user_id=user,
            started_at=began if trial is None or s.chance(0.7) else None,
            trial_started_at=trial,
            trial_ended_at=trial and trial + DAY,
            ended_at=ended,
            status=s.random.choice(("active", "trialing", "past_due")),
            currency=s.random.choice(CURRENCIES),
        )
    s.page("/app", s.a("anon", 1), user)


@scene
def lost_on_the_site(s: Stage) -> None:
    """There and back, some of it quickly, and tries that lead nowhere, some of them in a row."""
    anon, user = s.a("anon", s.random.randrange(3)), s.random.choice((None, s.a("user", 1)))
    here, there = s.random.sample(PATHS, 2)
    brief = (SECOND, ENGAGED - INSTANT, ENGAGED, timedelta(minutes=2))
    if s.chance(0.25):  # while the week turns
        s.now = datetime(2024, 1, 14, 22, 59, 30)
    if s.chance(0.3):  # before any page is seen
        s.track("error_shown", anon, user, context_page_url=None)
        s.wait(SECOND)
    for _ in range(s.random.choice((1, 2, 2, 3))):
        for path in (here, there):
            s.page(path, anon, user)
            s.wait(*brief)
            if s.chance(0.15):
                s.random.choice((s.screen, s.page))(anon=anon, user=user)
                s.wait(timedelta(0), *brief)
    s.page(here, anon, user)
    event = s.random.choice(("search_performed", "payment_info_entered", "error_shown"))
    found = s.random.choice((0, 0, 9))
    for _ in range(s.random.randrange(6)):
        told = json.dumps({"results": found, "code": s.random.choice(("E42", "X1", "X2"))})
        page = {} if s.chance(0.4) else {"context_page_url": None}
        s.track(event, anon, user, properties=told, **page)
        s.wait(timedelta(0), 20 * SECOND, 30 * SECOND, 30 * SECOND + INSTANT)
    for event in s.random.sample(("form_started", "lead_submitted", "form_started"), 2):
        s.track(event, anon, user)
        s.wait(timedelta(0), timedelta(minutes=1))


@scene
def two_visits_begin_at_once(s: Stage) -> None:
    """On two devices in one moment, with touches of one moment in each."""
    user = s.a("user", s.random.randrange(3))
    for anon in (s.a("anon", 1), s.a("anon", 2)):
        for path in s.random.sample(("/blog/hello", "/reviews", "/pricing", "/reviews/best-of"), 3):
            s.page(path, anon, user)


@scene
def an_app_before_its_web(s: Stage) -> None:
    """The first event of the session shows no page, a later one does."""
    anon = s.a("anon", s.random.randrange(3))
    s.screen(anon)
    s.now += ENGAGED + s.random.choice((timedelta(0), INSTANT, timedelta(seconds=1)))
    s.random.choice((s.screen, s.page, s.page))(anon=anon)
    if s.chance(0.5):
        s.now += timedelta(minutes=1)
        s.screen(anon)


@scene
def bought_again_and_again(s: Stage) -> None:
    user = s.a("user", s.random.randrange(3))
    for number in range(10, 13):
        s.order(number, user_id=user)
        s.wait(DAY, 31 * DAY, 70 * DAY)


@scene
def a_road_to_customer(s: Stage) -> None:
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    road = words("""experiment_viewed lead_submitted signed_up email_verified
        onboarding_step_completed onboarding_completed feature_used checkout_started
        checkout_step_completed payment_info_entered plan_upgraded invite_sent""")
    for number, event in enumerate(road):
        if s.chance(0.7):
            s.track(event, anon, user if number >= 2 else None)
            s.pause()
    s.order(3, user_id=user)


@scene
def a_quick_start_or_none(s: Stage) -> None:
    """Signed up, did one thing early and again, or never, and left contact details or did not."""
    anon, user, start = s.a("anon", 1), s.a("user", s.random.randrange(3)), s.now
    s.track("signed_up", anon, user)
    edge = s.random.choice((-INSTANT, timedelta(0), INSTANT))
    is_quick = s.chance(0.6)
    for at in (*[start] * 4, start + 7 * DAY + edge) if is_quick else ():
        s.track("tour_taken", anon, user, at=at)
    then = start + s.random.choice((8 * DAY, 20 * DAY, 30 * DAY + edge))
    if s.chance(0.9 if is_quick else 0.1):
        s.track("lead_submitted", anon, user, at=then)
    if s.chance(0.5):
        s.order(31, user_id=user, placed_at=then, updated_at=then)
    s.page("/app", anon, user, at=start + s.random.choice((20, 21, 27, 28)) * DAY)


@scene
def onboarded_in_time_or_not(s: Stage) -> None:
    """Steps before the start, again, at the end of the window and after it."""
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    road = list(
        words("""signed_up email_verified report_created invite_sent invite_accepted
        email_verified report_created invite_accepted""")
    )
    s.random.shuffle(road)
    if s.chance(0.6):
        road.remove("signed_up")
        road.insert(0, "signed_up")
    for event in road:
        s.track(event, anon, user)
        s.wait(timedelta(0), timedelta(seconds=90), 2 * DAY, 14 * DAY, 14 * DAY + INSTANT)
    for step in s.random.sample((1, 1, 2, 3, 4, 5), s.random.randrange(3, 7)):
        done = json.dumps({"step": step, "flow": "default"})
        s.track("onboarding_step_completed", anon, user, properties=done)
        s.wait(timedelta(0), timedelta(hours=1), DAY)


@scene
def left_at_the_checkout(s: Stage) -> None:
    """And come back: in the same checkout, in another, in time to have recovered, or not."""
    user = s.a("user", s.random.randrange(3))
    if s.chance(0.1):
        s.now = AS_OF - DAY - s.random.choice((timedelta(0), INSTANT, timedelta(hours=-3)))
    last = s.now
    for event in ("checkout_started", "payment_info_entered", "payment_failed"):
        if s.chance(0.8):
            last = s.now
            s.track(event, None, user, timestamp=last.isoformat())
            s.now += s.random.choice((timedelta(0), timedelta(minutes=1)))
    if last > AS_OF - 8 * DAY:
        return
    s.now = last + s.random.choice((timedelta(hours=1), DAY - INSTANT, DAY, 2 * DAY, 7 * DAY))
    if s.chance(0.7):
        s.track("checkout_started", None, user, timestamp=s.now.isoformat())
    if s.chance(0.7):
        at = last + s.random.choice((2, 7, 8)) * DAY
        s.order(30, user_id=user, placed_at=at, updated_at=at)


@scene
def paid_stopped_and_paid_again(s: Stage) -> None:
    user, begun = s.a("user", s.random.randrange(3)), s.now
    over = begun + s.random.choice((timedelta(0), DAY, 31 * DAY, 59 * DAY))
    ways = ({"ended_at": over}, {"cancelled_at": over, "status": "canceled"})
    first = {"user_id": user, "started_at": begun, "mrr_amount": "49.00", "plan": "pro"}
    s.subscription(50, begun, **first)
    if s.chance(0.5):  # dearer, or cheaper, or in another currency
        price = {"mrr_amount": s.random.choice(("30.00", "60.00", "0"))}
        price["currency"] = s.random.choice(("EUR", "USD", "CHF"))
        s.subscription(50, begun + s.random.choice((timedelta(0), DAY)), **{**first, **price})
    s.subscription(50, over + DAY, **first, **s.random.choice(ways))
    again = over + s.random.choice((timedelta(0), INSTANT, 40 * DAY))
    s.subscription(51, again, user_id=user, started_at=again, billing_interval="annual")
    s.now = over + DAY


@scene_of_records
def a_message_and_what_came_of_it(s: Stage) -> None:
    who = s.somebody()
    campaign = {"channel": s.random.choice(CHANNELS), "campaign": "may"}
    s.message(1, "queued", **who, **campaign)
    s.wait(timedelta(0), timedelta(seconds=1))
    if s.chance(0.25):
        s.message(1, "suppressed", **who, **campaign, reason=s.random.choice(WHY_SUPPRESSED))
        return
    s.message(1, "sent", **who, **campaign)
    s.wait(timedelta(0), timedelta(seconds=9))
    if s.chance(0.2):
        s.message(1, "Bounced", **who, **campaign, reason=s.random.choice(("hard", "soft")))
        return
    s.message(1, "delivered", **who, **campaign)
    # a proxy reads ahead; who opens may be read by another identifier
    s.message(1, "opened", **who, **campaign, is_machine="true")
    for event in s.random.sample(DELIVERED, s.random.randrange(4)):
        s.wait(timedelta(0), timedelta(minutes=2), TIMEOUT, DAY)
        reader = s.random.choice((who, who, who | {"user_id": s.a("user", 1)}))
        cta = s.random.choice(("hero", None)) if event == "clicked" else None
        flag = s.random.choice(("false", "no", None))
        s.message(1, event, **reader, **campaign, cta=cta, is_machine=flag)
    if s.chance(0.5):  # what was told of the sending is told anew, with other words
        s.rows.append(replace(s.rows[-1], values={**s.rows[-1].values, "campaign": "june"}))
    if s.chance(0.4):  # a collector tells of it, too
        told = {"message_id": s.a("message", 1), "is_machine": s.random.choice((True, "false"))}
        s.track("message_opened", s.a("anon", 1), properties=json.dumps(told))
    s.something(s.a("anon", s.random.randrange(3)))


@scene_of_records
def a_contact_in_versions(s: Stage) -> None:
    """By an address that only later turns out to be a user's; a newer version may come first."""
    who = s.random.choice(({"email": s.email(8)}, s.somebody()))
    if s.chance(0.5):
        s.page(
            "/app", s.a("anon", 1), who.get("user_id"), at=s.now - s.random.choice((DAY, INSTANT))
        )
    opened, number = s.now, s.random.randrange(2)
    same = {**who, "opened_at": opened, "contact_type": s.random.choice(CONTACTS)}
    s.contact(number, **same)
    reply = s.wait(timedelta(0), timedelta(hours=1), DAY)
    s.contact(number, **same, first_replied_at=reply)
    solved = s.wait(timedelta(0), timedelta(hours=1), 9 * DAY)
    told = {"first_replied_at": reply, "resolved_at": solved, "is_escalated": "true"}
    score = s.random.choice((None, 1, 5))
    s.contact(number, **same, **told, csat_score=score, cost_amount="7.25", currency_code="eur")
    if s.chance(0.4):  # opened anew: what was solved is not
        s.contact(number, **same, first_replied_at=reply, updated_at=s.now + 2 * DAY)
    s.wait(DAY, 30 * DAY)
    user = s.a("user", s.random.randrange(3))
    s.identify(s.a("anon", s.random.randrange(3)), user, email=s.email(8))


@scene_of_records
def now_by_this_way_now_by_that(s: Stage) -> None:
    """By the web, an app, a call, a chat, a contact: at once, in time, or just too late."""
    user = s.a("user", s.random.randrange(3))
    for number in range(20, s.random.randrange(23, 26)):
        ways = (
            lambda: s.page("/app", s.a("anon", 1), user),
            lambda: s.screen(s.a("anon", 1), user, context_os_name="Android"),
            lambda: s.track("call_held", None, user),
            lambda: s.track("chat_started", s.a("anon", 1), user),
            lambda number=number: s.contact(number, user_id=user, is_escalated="true"),
            lambda number=number: s.contact(number, user_id=user),
        )
        s.random.choice(ways)()
        s.wait(timedelta(0), DAY, 7 * DAY, 30 * DAY - INSTANT, 30 * DAY, 30 * DAY + INSTANT)
    bought = s.now + 7 * DAY - s.random.choice((INSTANT, timedelta(0), -INSTANT))
    s.order(21, user_id=user, placed_at=bought, updated_at=bought)


@scene_of_records
def a_survey_answered_later(s: Stage) -> None:
    who = s.random.choice(({"anonymous_id": s.a("anon", 1)}, s.somebody()))
    kind, greatest = s.random.choice((("nps", 10), ("csat", 5), ("ces", 7)))
    invited, number = s.now, s.random.randrange(2)
    s.survey(number, kind, **who)
    answered = s.wait(timedelta(0), timedelta(minutes=5), 3 * DAY)
    for _ in range(s.random.choice((0, 1, 2))):  # twice: he thinks better of it
        score = s.random.choice((greatest, greatest - 1, 1, None))
        answer = {"responded_at": answered, "score": score, "invited_at": invited}
        s.survey(number, kind, **{**who, **answer, "updated_at": answered})
    s.something(s.a("anon", 1), s.random.choice((None, s.a("user", 1))))


@scene_of_records
def shown_a_variant(s: Stage) -> None:
    """Once, again, and another one: by the same cookie, by its user later, or to others."""
    anon, user = s.a("anon", s.random.randrange(3)), s.a("user", s.random.randrange(3))
    first = s.exposure("a", anonymous_id=anon)
    if s.chance(0.5):  # the same exposure, told again
        s.rows.append(replace(first, values={**first.values, "updated_at": s.now + DAY}))
    s.wait(timedelta(0), timedelta(minutes=1), TIMEOUT)
    by = {"anonymous_id": anon, "user_id": s.random.choice((None, user))}
    s.exposure(s.random.choice(("a", "b")), **s.random.choice((by, s.somebody())))
    s.track("experiment_viewed", anon)
    s.something(anon, s.random.choice((None, user)))
    # bought in the window, at its very end, or too late
    end = first.values["exposed_at"] + s.random.choice((14, 30)) * DAY
    at = s.random.choice((s.now, end, end + INSTANT))
    s.order(20, anonymous_id=anon, placed_at=at, updated_at=at)
    if s.chance(0.3):
        back = {"refunded_at": end - DAY, "updated_at": end}
        s.refund(20, amount=Decimal(3), **back)


@scene_of_records
def an_offer_and_its_answer(s: Stage) -> None:
    who, made, number = s.somebody(), s.now, s.random.randrange(2)
    same = {**who, "offered_at": made, "offer_type": s.random.choice(OFFERS)}
    s.offer(number, **same)
    answered = s.wait(timedelta(0), timedelta(hours=2), 5 * DAY)
    s.offer(number, **same, accepted_at=answered, updated_at=answered)
    what = s.random.random()
    if what < 0.3:  # two versions of one moment, which contradict each other
        s.offer(number, **same, declined_at=answered, updated_at=answered)
    elif what < 0.5:  # or differ in what nobody looks at
        s.offer(number, **same, accepted_at=answered, updated_at=answered, product="other")
    elif what < 0.7:  # taken back
        s.offer(number, **same, updated_at=answered + DAY)
    s.page("/app", s.a("anon", 1), s.a("user", s.random.randrange(3)))


@scene_of_records
def catalogues_in_versions(s: Stage) -> None:
    account = s.a("account", s.random.randrange(2))
    for plan in s.random.sample(("free", "pro", "team"), s.random.randrange(1, 4)):
        s.record(
            "accounts",
            s.now,
            account_id=account,
            account_name=s.random.choice(("Acme", "Acme Ltd")),
            plan=plan,
            industry=s.random.choice(("shops", None)),
            employee_count=s.random.choice((12, 120, None)),
            seat_count=s.random.choice((3, None)),
            created_at=s.random.choice((s.now, None)),
        )
    for title in s.random.sample(("A guide", "A better guide", None), s.random.randrange(1, 3)):
        s.record(
            "content_assets",
            s.now,
            asset_id=s.a("asset", s.random.randrange(2)),
            asset_type=s.random.choice(ASSETS),
            title=title,
            page_path=s.random.choice((f"/blog/{s.name}", None)),
            published_at=s.random.choice((s.now, None)),
        )
    if s.chance(0.8):  # nobody may be in it
        s.group(s.a("user", 1), account)
    read = {"asset": s.a("asset", s.random.randrange(3))}
    seen = ({}, {}, {"percent": 90}, {"percent": "12.5"}, *({"percent": p} for p in NO_PERCENT))
    ways = ({"article": read["asset"]}, *(read | percent for percent in seen))
    for event in s.random.sample(READ, s.random.randrange(1, 4)):
        told = s.random.choice(ways)
        s.track(event, s.a("anon", 1), s.a("user", 1), properties=json.dumps(told))
        s.pause()
    s.page(f"/blog/{s.name}", s.a("anon", 1), at=s.now)


@scene_of_records
def a_record_that_changes_hands(s: Stage) -> None:
    """It names somebody, then somebody else: one of them, now and then, nobody at all."""
    nobody = s.random.choice(({"user_id": "null"}, {"email": "no address"}, {"phone": "12"}))
    one, other = s.random.sample([s.somebody(), s.somebody(), nobody], 2)
    if one == other:
        other = {"user_id": s.a("user", 5)}
    table = s.random.choice(("contact", "survey", "offer", "message"))
    at, later = s.now, s.now + s.random.choice((timedelta(0), DAY))
    if table == "message":
        for who, changed in ((one, at), (other, later)):
            s.message(9, "clicked", at, **who, channel="email", updated_at=changed)
    else:
        moment = {"contact": "resolved_at", "survey": "responded_at", "offer": "accepted_at"}[table]
        tell = getattr(s, table)
        tell(9, **one, updated_at=at, **{moment: at})
        gone = {moment: at} if s.chance(0.6) else {}  # or only the beginning is left
        tell(9, **other, updated_at=later, **gone)
    for who in (one, other):
        if s.chance(0.5) and "user_id" in who:
            s.something(s.a("anon", 1), who["user_id"])


@scene
def broken_rows(s: Stage) -> None:
    for reason in s.random.sample(sorted(BROKEN), 5):
        s.random.choice(BROKEN[reason])(s, reason)


# every reason to reject a row, by every kind of row that can give it
BROKEN: dict[str, list[Callable[[Stage, str], RawRow]]] = {
    "missing_event_id": [lambda s, why: s.page("/", s.a("anon"), id=None, reject_reason=why)],
    "missing_event_name": [lambda s, why: s.track(None, s.a("anon"), reject_reason=why)],
    "missing_identifier": [
        lambda s, why: s.page("/", " \t ", reject_reason=why),
        lambda s, why: s.identify(None, None, phone="123", reject_reason=why),
        lambda s, why: s.subscription(90, s.now, started_at=s.now, reject_reason=why),
        lambda s, why: s.exposure("a", reject_reason=why),
    ],
    "oversized_identifier": [
        lambda s, why: s.page("/", s.a("anon") + "x" * 3000, reject_reason=why),
        lambda s, why: s.identify(s.a("anon"), s.a("user") + "y" * 3000, reject_reason=why),
    ],
    "unreadable_timestamp": [
        lambda s, why: s.track(
            "x", s.a("anon"), timestamp="yesterday", original_timestamp=None, reject_reason=why
        ),
        lambda s, why: s.identify(
            s.a("anon"), s.a("user"), timestamp="infinity", received_at=None, reject_reason=why
        ),
        lambda s, why: s.subscription(
            91, s.now, user_id=s.a("user"), started_at="31/12/2024", reject_reason=why
        ),
        lambda s, why: s.message(
            2, "sent", user_id=s.a("user"), occurred_at="soon", reject_reason=why
        ),
        lambda s, why: s.spend(date="2024-13-01", reject_reason=why),
    ],
    "missing_timestamp": [
        lambda s, why: s.page("/", s.a("anon"), timestamp=None, reject_reason=why),
        lambda s, why: s.identify(
            s.a("anon"), s.a("user"), timestamp=None, received_at=None, reject_reason=why
        ),
        lambda s, why: s.subscription(92, s.now, user_id=s.a("user"), reject_reason=why),
        lambda s, why: s.contact(92, user_id=s.a("user"), opened_at=None, reject_reason=why),
        lambda s, why: s.spend(date=None, reject_reason=why),
    ],
    "timestamp_too_early": [
        lambda s, why: s.page("/", s.a("anon"), timestamp=datetime(1970, 1, 1), reject_reason=why),
        lambda s, why: s.identify(
            s.a("anon"), s.a("user"), timestamp=datetime(1999, 12, 31), reject_reason=why
        ),
        lambda s, why: s.subscription(
            93, s.now, user_id=s.a("user"), started_at=datetime(1970, 1, 1), reject_reason=why
        ),
        lambda s, why: s.survey(
            93, user_id=s.a("user"), invited_at=datetime(1970, 1, 1), reject_reason=why
        ),
        lambda s, why: s.spend(date="1970-01-01", reject_reason=why),
    ],
    "timestamp_in_future": [
        lambda s, why: s.page("/", s.a("anon"), timestamp=datetime(2099, 1, 1), reject_reason=why),
        lambda s, why: s.identify(
            s.a("anon"), s.a("user"), timestamp=datetime(2098, 1, 1), reject_reason=why
        ),
        lambda s, why: s.subscription(
            94, s.now, user_id=s.a("user"), started_at=datetime(2099, 1, 1), reject_reason=why
        ),
        lambda s, why: s.offer(
            94, user_id=s.a("user"), accepted_at=datetime(2099, 1, 1), reject_reason=why
        ),
        lambda s, why: s.spend(date="2099-01-01", reject_reason=why),
    ],
    "malformed_properties": [
        lambda s, why: s.track("x", s.a("anon"), properties='{"a": ', reject_reason=why),
        lambda s, why: s.track("x", s.a("anon"), properties="[1]", reject_reason=why),
    ],
    "unreadable_amount": [
        lambda s, why: s.order(95, user_id=s.a("user"), total_amount="1,5 EUR", reject_reason=why),
        lambda s, why: s.subscription(
            95,
            s.now,
            user_id=s.a("user"),
            started_at=s.now,
            mrr_amount="NaN",
            reject_reason=why,
        ),
        lambda s, why: s.offer(95, user_id=s.a("user"), amount="a lot", reject_reason=why),
        lambda s, why: s.spend(spend_amount="much", reject_reason=why),
    ],
    "negative_amount": [
        lambda s, why: s.order(96, user_id=s.a("user"), total_amount="-5", reject_reason=why),
        lambda s, why: s.invoice(
            96, "paid", user_id=s.a("user"), amount=Decimal("-1.00"), reject_reason=why
        ),
        lambda s, why: s.subscription(
            96, s.now, user_id=s.a("user"), started_at=s.now, mrr_amount="-1", reject_reason=why
        ),
        lambda s, why: s.contact(96, user_id=s.a("user"), cost_amount="-1", reject_reason=why),
        lambda s, why: s.spend(clicks=-1, reject_reason=why),
    ],
    "unknown_currency": [
        lambda s, why: s.order(97, user_id=s.a("user"), currency="EURO", reject_reason=why),
        lambda s, why: s.invoice(
            97, "paid", user_id=s.a("user"), currency="XXX", reject_reason=why
        ),
        lambda s, why: s.subscription(
            97, s.now, user_id=s.a("user"), started_at=s.now, currency="xts", reject_reason=why
        ),
        lambda s, why: s.offer(96, user_id=s.a("user"), currency_code="12", reject_reason=why),
        lambda s, why: s.spend(currency="E1", reject_reason=why),
    ],
    "missing_subscription_id": [
        lambda s, why: s.subscription(
            98,
            s.now,
            user_id=s.a("user"),
            started_at=s.now,
            subscription_id=None,
            reject_reason=why,
        )
    ],
    "missing_campaign": [lambda s, why: s.spend(platform=None, campaign=None, reject_reason=why)],
    "missing_message_id": [
        lambda s, why: s.message(
            1, "sent", user_id=s.a("user"), message_id="null", reject_reason=why
        )
    ],
    "unknown_message_event": [
        lambda s, why: s.message(1, "eaten", user_id=s.a("user"), reject_reason=why)
    ],
    "unreadable_flag": [
        lambda s, why: s.contact(97, user_id=s.a("user"), is_complaint="maybe", reject_reason=why)
    ],
    "impossible_score": [
        lambda s, why: s.survey(
            97, "csat", user_id=s.a("user"), responded_at=s.now, score="6", reject_reason=why
        ),
        lambda s, why: s.contact(98, user_id=s.a("user"), csat_score=0, reject_reason=why),
    ],
    "impossible_order": [
        lambda s, why: s.offer(
            97, user_id=s.a("user"), accepted_at=s.now - INSTANT, reject_reason=why
        ),
        lambda s, why: s.contact(
            99, user_id=s.a("user"), resolved_at=s.now - DAY, reject_reason=why
        ),
    ],
}


# ---------------------------------------------------------------- copies

TIME_COLUMN = {
    "segment.tracks": "received_at",
    "segment.pages": "received_at",
    "segment.screens": "received_at",
    "segment.identifies": "received_at",
    "commerce.orders": "updated_at",
    "commerce.refunds": "updated_at",
    "billing.invoices": "updated_at",
    **{table: "updated_at" for table in LAYOUT if table.startswith("generic.")},
}


def copies_of(s: Stage, row: RawRow) -> list[RawRow]:
    """The same row once more: equal, or with the same id and another payload."""
    what = s.random.random()
    if what < 0.35 or row.table not in TIME_COLUMN or row.reject_reason:
        return [row] * s.random.choice((1, 1, 2))
    column = TIME_COLUMN[row.table]
    received_at = row.values.get(column)
    other = dict(row.values)
    if "original_timestamp" not in row.values and received_at is not None:
        # of a corrected clock the time of receipt is part of the time itself
        earlier = received_at - s.random.choice((INSTANT, timedelta(hours=1)))
        other[column] = s.random.choice((earlier, received_at, received_at + DAY, None))
    for _ in range(s.random.choice((1, 1, 2))):
        change_payload(s, row.table, other)
    return [replace(row, values=other)]


def change_payload(s: Stage, table: str, values: dict) -> None:
    if table.startswith("segment."):
        changes = [
            {"anonymous_id": s.random.choice((s.a("anon", s.random.randrange(4)), "null"))},
            {"user_id": s.a("user", s.random.randrange(4)), "anonymous_id": s.a("anon", 1)},
            {"context_device_id": s.a("device", s.random.randrange(2))},
        ]
        if table in ("segment.tracks", "segment.pages"):
            changes += [
                {"context_user_agent": s.random.choice((BOT, None))},
                {"context_ip": "10.9.9.9"},
                {"context_campaign_term": "other words"},
                {"context_campaign_source": "bing"},
            ]
        if table == "segment.tracks":
            changes += [
                {"event": s.random.choice(TRACKS)},
                {"context_page_title": "Another title"},
                {"properties": s.random.choice(PROPERTIES)},
                {"context_traits_email": s.email(s.random.randrange(3))},
            ]
        elif table == "segment.identifies":
            changes += [{"email": s.email(8)}, {"phone": s.phone(8)}]
    elif table == "generic.accounts":
        changes = [{"plan": "another"}, {"seat_count": 9}]
    elif table == "generic.content_assets":
        changes = [{"title": "Another title"}, {"asset_type": "page"}]
    elif table.startswith("generic."):
        changes = [{"user_id": s.a("user", s.random.randrange(4))}, {"email": s.email(2)}]
        changes += [{"anonymous_id": "null"}, {"device_id": s.a("device", 1)}]
    else:
        changes = [{"user_id": s.a("user", s.random.randrange(4))}, {"currency": "USD"}]
        if table == "commerce.orders":
            changes += [{"item_count": 9}, {"total_amount": "7.77"}, {"email": s.email(2)}]
    values.update(s.random.choice(changes))


def world(number: int | str, scenes: Iterable[str] | None = None, copy: int = 0) -> World:
    """The world of this number: the same rows for ever, as long as the scenes are.

    A copy has the same rows under names of its own, so that it can travel in another split beside.
    """
    name = f"w{number:03d}" if isinstance(number, int) else number
    s = Stage(f"{name}s{copy}" if copy else name, seed=f"world {name}")
    name = s.name
    if scenes is None:
        usual = [name for name in SCENES if name not in HEAVY and name not in RECORDS]
        scenes = s.random.sample(usual, s.random.choice((1, 2, 3, 4)))
        if s.chance(0.7):
            scenes.insert(s.random.randrange(len(scenes) + 1), s.random.choice(RECORDS))
        if s.chance(0.05):
            scenes.append(s.random.choice(HEAVY))
    for name in scenes:
        SCENES[name](s)
        s.now = s.random.choice((s.now + TIMEOUT, s.now + 3 * DAY, s.a_start()))
        if s.now > AS_OF - 450 * DAY:  # nothing may happen after the clock
            s.now = s.a_start()

    for row in list(s.rows):
        if s.chance(0.15):
            s.rows += copies_of(s, row)
    if s.chance(0.3):  # a batch, delivered once and then once more
        chosen = set(s.random.sample(range(len(s.rows)), max(1, len(s.rows) // 3)))
        again = [replace(s.rows[at], batch="again") for at in sorted(chosen)]
        s.rows = [
            replace(row, batch="once") if at in chosen else row for at, row in enumerate(s.rows)
        ] + again
    return World(s.name, s.rows, tuple(scenes))


# ---------------------------------------------------------------- the worlds' own words

# Rows beside those of seeds/taxonomy, for what these leave untried: rates that change, on days with
# orders too, a currency that has one only later, a base that is not the reporting currency, several
# events per goal and milestone, touches outside a session, every unit of retention, funnels of each
# order and unit with each way to start anew. An event's row takes the place of the one that has its
# name.
TAXONOMY = {
    "fx_rates": """
        USD,2023-09-01,0.95
        USD,2023-11-19,0.94
        USD,2024-05-01,0.903
        DKK,2023-12-01,0.13405
        EUR,2024-02-01,1.023
        NOK,2024-01-01,0.0861
        NOK,2024-02-15,0.0875
        """,
    "events": """
        order_placed,72,false,false,shop
        report_used,60,true,true,
        free_order,72,,,
        message_clicked,45,true,false,newsletter
        offer_accepted,77,true,true,
        survey_answered_badly,74,false,false,shop
        """,
    "event_rules": """
        6,,track,feature_used,feature,^rep,,report_used
        7,commerce,,,,,zero,free_order
        8,,track,error_shown,code,E4.,,error_known
        9,generic,server,message_opened,is_machine,^true$,,message_opened_by_machine
        10,generic,server,survey_responded,score,^[0-4]$,,survey_answered_badly
        11,generic,server,offer_accepted,,,zero,gift_accepted
        12,,track,feature_used,feature,^reports$,,report_found_too_late
        """,
    "touchpoint_types": """
        shop,outbound,An order was confirmed,
        newsletter,inbound,A link in a message was followed,
        """,
    "features": """
        reports,report_used,,
        reports,report_shared,,
        anything,feature_used,,
        """,
    "onboarding_steps": """
        team,start,0,invited,invite_sent,,,
        team,start,0,paid,order_placed,,,
        team,step,1,joined,invite_accepted,,,true
        team,step,2,shared,report_shared,,,false
        team,goal,3,upgraded,plan_upgraded,,,
        team,goal,4,reported,report_created,,,
        tour,start,0,registered,signed_up,,,
        tour,step,1,checked,email_verified,,,false
        """,
    "ctas": """
        landing_page,hero,^/(pricing|signup)$,
        email,hero,,may
        email,footer,,may
        email,renew,,renewal
        """,
    "experiments": """
        price,a,true,0.5,14
        price,b,false,0.5,14
        layout,a,true,0.5,30
        layout,b,false,0.5,30
        """,
    "help_events": """
        chat_started,live_chat
        """,
    "revenue_events": """
        offer_accepted,1
        """,
    # a row beside one of the same signal, and events of the server, which are in no session
    "friction_events": """
        error,event,error_known,,,
        error,event,error_known,code,E42,
        failed_message,event,message_bounced,,,
        failed_message,event,mention_published,,,
        given_up,unfinished,checkout_started,,,payment_info_entered
        given_up,unfinished,onboarding_step_completed,step,2,onboarding_completed
        retry,repeated,page_viewed,,,
        retry,repeated,error_shown,code,X1,
        retry,repeated,error_shown,code,X2,
        """,
    "goals": """
        signup,trial_requested,Asked for a trial
        expansion,offer_accepted,Took an offer
        interest,lead_submitted,Left contact details
        interest,webinar_attended,Attended a webinar
        """,
    "milestones": """
        expert,7,habit,,A habit
        expert,7,event,plan_upgraded,Or a better plan
        expert,7,event,report_created,Or a report
        """,
    "journeys": """
        browse,1,Looks around,,2024-01-01,0.5,always,,,1.5,,
        browse,2,Looks around; not again at once,2024-01-01,,0.25,after_pause,0.0625,,,0.3,
        onboard,1,Gets started; once,2023-01-01,2023-11-15,14,never,,,14,,
        onboard,2,Gets started; twice at most,2023-11-15,,14,capped,0.5,2,30.5,0.3,
        use,1,Works with it,,2031-01-01,1,after_pause,1,,1,,user_id
        use,2,Not open yet,2031-01-01,,,always,,,,,
        pay,1,Buys and buys again,,,31,always,,,,,
        trying,1,Tries and pays; by those we know,,,,capped,,3,60,,email_hash
        linger,1,Looks in now and then,2023-01-01,2026-01-01,60,always,,,10,0,
        linger_once,1,Looks in; no end but by hand,,,,never,,,,,
        """,
    "journey_steps": """
        browse,1,look,1,page_viewed,,,false,0.00011574074074
        browse,1,read,2,blog_read,,,true,
        browse,1,compare,3,review_read,,,true,0.01
        browse,1,join,4,signed_up,,,false,
        browse,2,look,1,page_viewed,,,true,
        browse,2,compare,2,review_read,,,false,0.02
        browse,2,read,3,blog_read,,,true,
        browse,2,ask,7,lead_submitted,cta,hero,false,
        onboard,1,verify,1,email_verified,,,true,2
        onboard,1,first,2,onboarding_step_completed,step,1,true,
        onboard,1,second,3,onboarding_step_completed,step,2,false,
        onboard,1,report,4,report_created,,,true,14
        onboard,2,first,1,onboarding_step_completed,step,1,false,
        onboard,2,second,2,onboarding_step_completed,step,2,false,0.5
        onboard,2,verify,3,email_verified,,,true,2
        onboard,2,report,4,report_created,,,false,
        onboard,2,invite,5,invite_sent,,,false,
        onboard,2,welcome,6,invite_accepted,,,false,
        use,1,create,10,report_created,,,true,1
        use,1,share,20,report_shared,,,true,0.00001
        use,1,feature,30,feature_used,,,false,
        use,1,plan,40,project_created,,,false,1
        use,1,any_report,15,report_created,,,false,
        pay,1,order,1,order_placed,,,false,31
        pay,1,refund,2,order_refunded,,,false,
        pay,1,pay,3,invoice_paid,,,false,
        pay,1,hear,4,message_delivered,,,false,
        pay,1,answer,5,message_clicked,,,false,
        trying,1,subscribe,1,subscription_started,,,true,
        trying,1,use,2,page_viewed,,,false,10
        linger,1,look,1,page_viewed,,,false,60
        linger,1,read,2,blog_read,,,false,
        linger,1,screen,3,screen_viewed,,,false,
        """,
    "journey_rules": """
        browse,1,1,entry,looked,event,page_viewed,,,,,,
        browse,1,2,entry,looked_again,event,page_viewed,,,,,,
        browse,1,3,entry,app,event,screen_viewed,,,,,,
        browse,1,4,entry,compared,event,review_read,,,,,,
        browse,1,5,exit,left,event,review_read,,,,,,
        browse,1,6,completion,joined,event,signed_up,,,,,,
        browse,1,7,completion,read_enough,steps,,,,,,,
        browse,1,8,goal,worked,event,report_created,,,,,,
        browse,1,9,goal,asked,event,lead_submitted,,,,,,
        browse,2,1,completion,seen_it_all,steps,,,,,,,
        browse,2,2,entry,looked,event,page_viewed,,,,,,
        browse,2,3,exit,left,event,screen_viewed,,,,,,
        browse,2,4,exclusion,customer,event,subscription_started,,,,,,
        browse,2,5,readmission,customer,event,subscription_cancelled,,,,,,
        browse,2,6,exclusion,customer,stage,,,,expansion,,,
        browse,2,7,removal,tested,event,experiment_viewed,,,,,,
        browse,2,8,removal,helped,event,help_article_viewed,percent,90,,,,
        onboard,1,1,entry,signed_up,event,signed_up,,,,,,
        onboard,1,2,entry,asked,event,trial_requested,,,,,,
        onboard,1,3,completion,all_done,steps,,,,,,,
        onboard,1,4,completion,told_to_be_done,milestone,,,,,onboarded,,
        onboard,1,5,exit,grown,stage,,,,retention,,,
        onboard,1,6,cancellation,cancelled,event,subscription_cancelled,,,,,,
        onboard,1,7,goal,paid,milestone,,,,,paid,,
        onboard,2,1,entry,getting_started,stage,,,,activation,,,
        onboard,2,2,entry,signed_up,event,signed_up,,,,,,
        onboard,2,3,entry,verified,milestone,,,,,verified,,
        onboard,2,4,completion,all_done,steps,,,,,,,
        onboard,2,5,cancellation,refunded,event,order_refunded,,,,,,
        onboard,2,6,cancellation,cancelled,event,subscription_cancelled,,,,,,
        onboard,2,7,exit,grown,stage,,,,expansion,,,
        onboard,2,8,goal,grown,stage,,,,retention,,,
        onboard,2,9,exclusion,buyer,event,order_placed,,,,,,
        onboard,2,10,exclusion,buyer,milestone,,,,,paid,,
        onboard,2,11,exclusion,well_known,event,report_created,,,,,,
        onboard,2,12,exclusion,well_known,stage,,,,adoption,,,
        onboard,2,13,readmission,well_known,event,email_verified,,,,,,
        onboard,2,14,readmission,buyer,event,order_refunded,,,,,,
        onboard,2,20,edge,,,,,,,,,first
        onboard,2,21,edge,,,,,,,,,verify
        onboard,2,22,edge,,,,,,,,first,second
        onboard,2,23,edge,,,,,,,,second,first
        onboard,2,24,edge,,,,,,,,verify,report
        onboard,2,25,edge,,,,,,,,report,report
        use,1,1,entry,created,event,report_created,,,,,,
        use,1,2,entry,shared,event,report_shared,,,,,,
        use,1,3,entry,used,event,feature_used,,,,,,
        use,1,4,entry,found,event,report_used,,,,,,
        use,1,5,completion,both,steps,,,,,,,
        use,1,6,completion,both_again,steps,,,,,,,
        use,1,7,exit,planned,event,project_created,,,,,,
        use,1,8,removal,lost,event,error_shown,,,,,,
        use,1,11,removal,looked_elsewhere,event,page_viewed,,,,,,
        use,1,9,goal,habit,milestone,,,,,habit_formed,,
        use,1,10,goal,shared,event,report_shared,,,,,,
        use,2,1,entry,created,event,report_created,,,,,,
        use,2,2,exclusion,early,event,report_created,,,,,,
        use,2,3,goal,shared,event,report_shared,,,,,,
        pay,1,1,exit,bought,event,order_placed,,,,,,
        pay,1,2,entry,bought,event,order_placed,,,,,,
        pay,1,3,entry,paid,event,invoice_paid,,,,,,
        pay,1,4,removal,refunded,event,order_refunded,,,,,,
        pay,1,5,completion,again,event,order_placed,,,,,,
        pay,1,6,exclusion,asked_for_help,event,support_contacted,,,,,,
        pay,1,7,readmission,asked_for_help,event,support_resolved,,,,,,
        pay,1,8,exclusion,offered,event,offer_made,,,,,,
        pay,1,9,readmission,offered,event,offer_made,offer_type,renewal,,,,
        trying,1,1,entry,tried,event,trial_started,,,,,,
        trying,1,2,entry,subscribed,event,subscription_started,,,,,,
        trying,1,3,completion,paid,stage,,,,retention,,,
        trying,1,4,cancellation,cancelled,event,subscription_cancelled,,,,,,
        trying,1,5,removal,found_faulty,event,invoice_failed,,,,,,
        trying,1,6,goal,subscribed,event,subscription_started,,,,,,
        linger,1,1,entry,looked,event,page_viewed,,,,,,
        linger,1,2,goal,read,event,blog_read,,,,,,
        linger,1,3,exit,became_somebody,stage,,,,activation,,,
        linger_once,1,1,entry,looked,event,page_viewed,,,,,,
        linger_once,1,2,entry,looked,event,screen_viewed,,,,,,
        linger_once,1,3,exit,bought,event,order_placed,,,,,,
        linger_once,1,4,exclusion,tested,event,experiment_viewed,,,,,,
        linger_once,1,5,readmission,tested,event,experiment_viewed,variant,a,,,,
        linger_once,1,6,readmission,tested,event,report_created,,,,,,
        """,
    "excluded_traffic": """
        3,page_host,^staging[.],staging
        """,
    "source_categories": """
        (^|\\.)bing(\\.|$),shopping
        """,
    "retention_definitions": """
        active_daily,day,calendar,30,Active; active again on a later day
        signup_core_monthly,month,calendar,12,Signed up; did something of value in a later month
        core_daily,day,rolling,30,Did something of value; again n times 24 hours later
        core_monthly,month,rolling,12,Did something of value; again n times 30 days later
        """,
    "retention_events": """
        active_daily,start,any_active
        active_daily,return,any_active
        signup_core_monthly,start,signed_up
        signup_core_monthly,return,any_core
        core_daily,start,any_core
        core_daily,return,any_core
        core_daily,return,plan_upgraded
        core_monthly,start,any_core
        core_monthly,return,any_core
        """,
    "funnels": """
        welcome,"ordered, person, every start",ordered,person,14,,every_start
        paid,"ordered, person, after end",ordered,person,1,,after_end
        looked,"ordered, session, every start",ordered,session,0.5,page_path,every_start
        tried,"ordered, session, after end",ordered,session,0.0625,,after_end
        worked,"ordered, account, every start",ordered,account,1,,every_start
        worked_on,"ordered, account, after end",ordered,account,0.25,experiment,after_end
        straight,"strict, person, every start",strict,person,2,,every_start
        page_by_page,"strict, person, after end",strict,person,30,platform,after_end
        at_once,"strict, session, every start",strict,session,0.125,,every_start
        word_by_word,"strict, session, after end",strict,session,1,variant,after_end
        on_and_on,"strict, account, every start",strict,account,0.25,,every_start
        one_by_one,"strict, account, after end",strict,account,1,page_path,after_end
        somehow,"any, person, every start",any,person,600,,every_start
        somehow_again,"any, person, after end",any,person,14,source_name,after_end
        in_a_visit,"any, session, every start",any,session,0.5,utm_source,every_start
        in_a_visit_again,"any, session, after end",any,session,0.0625,,after_end
        together,"any, account, every start",any,account,1,,every_start
        together_again,"any, account, after end",any,account,0.25,feature,after_end
        """,
    "funnel_steps": """
        welcome,step,1,registered,signed_up,,,false
        welcome,step,1,registered,product_added,,,false
        welcome,step,2,checked,email_verified,,,true
        welcome,step,3,invited,invite_sent,,,true
        welcome,step,3,invited,report_shared,,,true
        welcome,step,4,reported,report_created,,,false
        welcome,step,5,joined,invite_accepted,,,false
        welcome,step,5,joined,checkout_started,,,false
        welcome,step,6,step_done,onboarding_step_completed,,,true
        welcome,step,6,step_done,email_verified,,,true
        welcome,step,7,shared,report_shared,,,true
        welcome,exclusion,,payment_failed,payment_failed,,,
        welcome,exclusion,4,email_verified,email_verified,,,
        welcome,exclusion,1,invite_sent,invite_sent,,,
        welcome,exclusion,5,signed_up,signed_up,,,
        paid,step,1,begun,checkout_started,,,false
        paid,step,2,payment,payment_info_entered,,,true
        paid,step,2,payment,product_added,,,true
        paid,step,3,begun_again,checkout_started,,,false
        paid,step,4,bought,order_placed,,,false
        paid,step,4,bought,report_shared,,,false
        paid,exclusion,,payment_failed,payment_failed,,,
        paid,exclusion,3,email_verified,email_verified,,,
        looked,step,1,seen,page_viewed,,,false
        looked,step,1,seen,report_created,,,false
        looked,step,3,seen_again,page_viewed,,,false
        looked,step,3,seen_again,report_shared,,,false
        looked,step,7,and_again,page_viewed,,,false
        looked,step,7,and_again,report_created,,,false
        looked,step,8,read,blog_read,,,true
        looked,step,8,read,product_added,,,true
        looked,step,9,still_there,page_viewed,,,true
        looked,exclusion,3,email_verified,email_verified,,,
        looked,exclusion,1,checkout_started,checkout_started,,,
        looked,exclusion,,product_added,product_added,,,
        tried,step,1,came,page_viewed,,,false
        tried,step,1,came,product_added,,,false
        tried,step,2,read,blog_read,,,true
        tried,step,2,read,email_verified,,,true
        tried,step,3,reviewed,review_read,,,true
        tried,step,3,reviewed,report_shared,,,true
        tried,step,4,did,report_created,feature,exports,false
        tried,step,4,did,checkout_started,,,false
        tried,step,4,did,report_shared,step,2,false
        tried,step,5,more,page_viewed,,,false
        tried,step,5,more,report_created,,,false
        tried,exclusion,,screen_viewed,screen_viewed,,,
        tried,exclusion,,email_verified,email_verified,,,
        tried,exclusion,4,product_added,product_added,,,
        worked,step,1,created,report_created,,,false
        worked,step,1,created,project_created,,,false
        worked,step,2,used,feature_used,,,true
        worked,step,3,exported,feature_used,feature,exports,true
        worked,step,3,exported,email_verified,,,true
        worked,step,4,shared,report_shared,,,false
        worked,step,5,created_again,project_created,,,true
        worked,exclusion,,report_used,report_used,,,
        worked,exclusion,1,feature_used,feature_used,feature,filters,
        worked,exclusion,,email_verified,email_verified,,,
        worked_on,step,1,created,report_created,,,false
        worked_on,step,1,created,project_created,,,false
        worked_on,step,2,created_again,report_created,,,false
        worked_on,step,2,created_again,project_created,,,false
        worked_on,step,2,created_again,report_shared,,,false
        worked_on,exclusion,,feature_used,feature_used,,,
        worked_on,exclusion,,email_verified,email_verified,,,
        straight,step,1,registered,signed_up,,,false
        straight,step,1,registered,report_created,,,false
        straight,step,2,checked,email_verified,,,false
        straight,step,2,checked,report_created,,,false
        straight,step,3,any_of_these,report_created,,,false
        straight,step,3,any_of_these,report_shared,,,false
        straight,step,3,any_of_these,invite_accepted,,,false
        straight,exclusion,,report_created,report_created,,,
        page_by_page,step,1,one,page_viewed,,,false
        page_by_page,step,1,one,checkout_started,,,false
        page_by_page,step,2,two,page_viewed,,,false
        page_by_page,step,2,two,product_added,,,false
        page_by_page,step,3,three,blog_read,,,false
        page_by_page,step,3,three,page_viewed,,,false
        page_by_page,step,3,three,checkout_started,,,false
        page_by_page,exclusion,,signed_up,signed_up,,,
        page_by_page,exclusion,,screen_viewed,screen_viewed,,,
        page_by_page,exclusion,,product_added,product_added,,,
        at_once,step,1,one,page_viewed,,,false
        at_once,step,1,one,report_created,,,false
        at_once,step,1,one,email_verified,,,false
        at_once,step,2,two,review_read,,,false
        at_once,step,2,two,page_viewed,,,false
        at_once,step,2,two,report_shared,,,false
        at_once,step,2,two,email_verified,,,false
        at_once,step,3,three,page_viewed,,,false
        at_once,step,3,three,email_verified,,,false
        at_once,step,3,three,checkout_started,,,false
        at_once,exclusion,,experiment_viewed,experiment_viewed,,,
        at_once,exclusion,,email_verified,email_verified,,,
        at_once,exclusion,,product_added,product_added,,,
        word_by_word,step,1,one,experiment_viewed,,,false
        word_by_word,step,1,one,product_added,,,false
        word_by_word,step,1,one,report_created,,,false
        word_by_word,step,2,two,report_created,,,false
        word_by_word,step,2,two,email_verified,,,false
        word_by_word,step,2,two,experiment_viewed,,,false
        word_by_word,exclusion,,invite_sent,invite_sent,,,
        word_by_word,exclusion,,report_shared,report_shared,,,
        on_and_on,step,1,one,report_created,,,false
        on_and_on,step,1,one,feature_used,,,false
        on_and_on,step,2,two,project_created,,,false
        on_and_on,step,2,two,report_created,,,false
        on_and_on,step,3,three,report_created,,,false
        on_and_on,step,3,three,feature_used,,,false
        on_and_on,exclusion,,report_shared,report_shared,,,
        on_and_on,exclusion,,project_created,project_created,,,
        one_by_one,step,1,one,report_created,,,false
        one_by_one,step,1,one,project_created,,,false
        one_by_one,step,2,two,report_shared,,,false
        one_by_one,step,2,two,report_created,,,false
        one_by_one,step,2,two,project_created,,,false
        one_by_one,exclusion,,feature_used,feature_used,,,
        somehow,step,1,seen,screen_viewed,,,false
        somehow,step,1,seen,report_created,,,false
        somehow,step,2,read,blog_read,,,false
        somehow,step,2,read,report_shared,,,false
        somehow,step,3,begun,subscription_started,,,false
        somehow,step,3,begun,checkout_started,,,false
        somehow,step,4,bought,order_placed,,,false
        somehow,exclusion,,subscription_cancelled,subscription_cancelled,,,
        somehow_again,step,1,registered,signed_up,,,false
        somehow_again,step,1,registered,subscription_started,,,false
        somehow_again,step,1,registered,email_verified,,,false
        somehow_again,step,2,checked,email_verified,step,3,false
        somehow_again,step,2,checked,subscription_cancelled,,,false
        somehow_again,step,3,invited,product_added,,,false
        somehow_again,step,3,invited,invoice_paid,,,false
        somehow_again,exclusion,,report_created,report_created,,,
        somehow_again,exclusion,,order_refunded,order_refunded,,,
        in_a_visit,step,1,seen,page_viewed,,,false
        in_a_visit,step,1,seen,product_added,,,false
        in_a_visit,step,2,seen_or_read,product_added,feature,exports,false
        in_a_visit,step,2,seen_or_read,blog_read,,,false
        in_a_visit,step,2,seen_or_read,report_created,,,false
        in_a_visit,step,3,reviewed,review_read,,,false
        in_a_visit,step,3,reviewed,report_shared,,,false
        in_a_visit,exclusion,,experiment_viewed,experiment_viewed,,,
        in_a_visit,exclusion,,email_verified,email_verified,,,
        in_a_visit_again,step,1,seen,page_viewed,,,false
        in_a_visit_again,step,1,seen,report_created,,,false
        in_a_visit_again,step,4,read,blog_read,,,false
        in_a_visit_again,step,4,read,report_shared,,,false
        in_a_visit_again,step,5,seen_once_more,report_created,variant,b,false
        in_a_visit_again,step,5,seen_once_more,product_added,,,false
        in_a_visit_again,exclusion,,signed_up,signed_up,,,
        in_a_visit_again,exclusion,,checkout_started,checkout_started,,,
        together,step,1,created,report_created,,,false
        together,step,2,begun,project_created,,,false
        together,step,3,shared,report_shared,,,false
        together,exclusion,,feature_used,feature_used,feature,exports,
        together,exclusion,,email_verified,email_verified,,,
        together_again,step,1,created,report_created,,,false
        together_again,step,2,begun,project_created,,,false
        together_again,step,2,begun,report_created,variant,b,false
        together_again,step,3,shared,report_shared,,,false
        together_again,step,3,shared,feature_used,,,false
        together_again,exclusion,,report_used,report_used,,,
        together_again,exclusion,,email_verified,email_verified,,,
        """,
}


def blocked_links(numbers: Iterable[int] = range(0, 500, 7)) -> list[str]:
    """Of some worlds two links count as never seen, whether they have them or not."""
    rows = []
    for number in numbers:
        user = f"user_id:w{number:03d}-user1"
        for other in (f"anonymous_id:w{number:03d}-anon1", f"customer_id:w{number:03d}-cust1"):
            ends = sorted(hashlib.md5(end.encode()).hexdigest() for end in (user, other))
            rows.append(f"{ends[0]},{ends[1]},to be parted")
    return rows


def taxonomy() -> str:
    """The project's seeds with the worlds' own rows, in a folder of the project.

    Inside, since dbt writes what it made of a seed to the seed's own path under its target: of a
    path that leads out of the project that may be the seed itself.
    """
    folder = ROOT / "target" / "taxonomy_of_worlds"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in sorted((ROOT / "seeds" / "taxonomy").glob("*.csv")):
        lines = seed.read_text(encoding="utf-8").splitlines()
        own = [line.strip() for line in TAXONOMY.get(seed.stem, "").split("\n") if line.strip()]
        if seed.stem == "blocked_links":
            own = blocked_links()
        if seed.stem == "events":
            names = {line.split(",")[0] for line in own}
            lines = [line for line in lines if line.split(",")[0] not in names]
        text = "\n".join([*lines, *own]) + "\n"
        path = folder / seed.name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            # whole or not at all: other tests may be reading it
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    return str(folder.relative_to(ROOT))


# ---------------------------------------------------------------- deliveries


def deliveries(worlds: Iterable[World], seed: int | str, count: int = 4) -> list[list[RawRow]]:
    """The rows of all worlds in `count` deliveries, each with its load.

    A delivery brings one to three loads of its own; every fifth row joins a load of an earlier
    delivery. Neither the names of the loads nor their times are in the order of delivery.
    """
    chance = random.Random(f"split {seed}")
    loads_of = []
    for _ in range(count):
        loads_of.append([a_load(chance) for _ in range(chance.choice((1, 2, 3)))])
    loads_of[-1][0] = ("it's Sunday", loads_of[-1][0][1])  # a name that has to be quoted

    delivered: list[list[RawRow]] = [[] for _ in range(count)]
    for of_world in worlds:
        # each world draws from its own stream, so that it travels alike whoever travels with it
        draw = random.Random(f"split {seed} of {of_world.name}")
        of_batch: dict[str, tuple] = {}
        for row in of_world.rows:
            number = draw.randrange(count)
            loads = loads_of[number]
            if number and draw.random() < 0.2:
                loads = [load for earlier in loads_of[:number] for load in earlier]
            load_id, loaded_at = draw.choice(loads)
            loaded_at += timedelta(seconds=draw.choice((0, 0, 0, draw.randrange(3600))))
            if draw.random() < 0.01:
                load_id = None
            if draw.random() < 0.02 and row.reject_reason is None:
                loaded_at = None  # a row from the future is one by the time of its load
            if row.batch:
                number, load_id, loaded_at = of_batch.setdefault(
                    row.batch, (number, load_id, loaded_at)
                )
            if row.delivery is not None:
                number = min(row.delivery, count - 1)
                load_id, loaded_at = row.load_id, row.loaded_at
            delivered[number].append(replace(row, load_id=load_id, loaded_at=loaded_at))
    return delivered


def a_load(chance: random.Random) -> tuple[str, datetime]:
    name = "".join(chance.choices(string.ascii_lowercase + string.digits, k=6))
    return name, AS_OF + timedelta(seconds=chance.randrange(90 * 86_400))


def as_raw(rows: Iterable[RawRow], every_table: bool = False) -> dict[str, dict[str, list[dict]]]:
    """Source -> table -> rows, ready for `Bench.deliver`; with `every_table` also those without."""
    tables: dict[str, dict[str, list[dict]]] = {}
    if every_table:
        for name in LAYOUT:
            source, table = name.split(".")
            tables.setdefault(source, {})[table] = []
    for row in rows:
        source, table = row.table.split(".")
        values = {**row.values, "_load_id": row.load_id, "_loaded_at": row.loaded_at}
        tables.setdefault(source, {}).setdefault(table, []).append(values)
    return tables
