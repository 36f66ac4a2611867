"""Money and traffic: rates, amounts, channels and what advertising cost."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from .events import winners
from .sessions import ORIGIN_COLUMNS
from .words import (
    FOREVER,
    NONE,
    Row,
    Settings,
    Taxonomy,
    pick,
    rounded,
)

NETWORKS = {
    **dict.fromkeys(("gclid", "gbraid", "wbraid", "dclid"), "google"),
    "fbclid": "facebook",
    "msclkid": "bing",
    "ttclid": "tiktok",
    "twclid": "twitter",
    "li_fat_id": "linkedin",
}
# fbclid is set on every link out of facebook; the others only on a paid click
PAID_CLICKS = NETWORKS.keys() - {"fbclid"}


@dataclass
class Money:
    """What one unit of a currency is worth in the reporting currency, and when."""

    rates: list[Row] = field(default_factory=list)
    of_currency: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, taxonomy: Taxonomy, settings: Settings) -> "Money":
        stated = defaultdict(dict)
        for row in taxonomy.fx_rates:
            since = date.fromisoformat(row["valid_from"])
            stated[row["currency_code"]][since] = Decimal(row["rate"])

        def at(currency, day):
            since = max((start for start in stated[currency] if start <= day), default=None)
            return None if since is None else stated[currency][since]

        money = cls()
        home = settings.reporting_currency
        for currency in sorted(stated):
            # a rate holds until its own currency's, or the reporting currency's, next row
            begins = sorted({*stated[currency], *stated[home]})
            for begin, end in zip(begins, [*begins[1:], FOREVER], strict=True):
                one, other = at(currency, begin), at(home, begin)
                if one is not None and other:
                    row = {
                        "currency_code": currency,
                        "valid_from": begin,
                        "valid_to": end,
                        "rate": rounded(one / other, 8),
                    }
                    money.rates.append(row)
                    money.of_currency[currency].append(row)
        return money

    def convert(self, amount: Decimal | None, currency: str | None, day: date) -> Decimal | None:
        """In the reporting currency at the rate of the day; None where there is no rate."""
        for row in self.of_currency.get(currency, ()):
            if amount is not None and row["valid_from"] <= day < row["valid_to"]:
                return rounded(amount * row["rate"])
        return None


# ---------------------------------------------------------------- channels


class Channels:
    """From an origin (campaign parameters, click id, referrer) to where it counts."""

    def __init__(self, taxonomy: Taxonomy):
        self.categories = [
            (re.compile(row["pattern"]), row["source_category"])
            for row in taxonomy.source_categories
        ]
        self.rules = [
            (row, [re.compile(row[f"{n}_pattern"] or "") for n in ("source", "medium", "campaign")])
            for row in sorted(taxonomy.channel_rules, key=lambda row: int(row["rule_number"]))
        ]
        self.known: dict[tuple, Row] = {}

    def of(self, row: Row) -> Row:
        origin = tuple(row.get(name) or "" for name in ORIGIN_COLUMNS)
        if origin not in self.known:
            self.known[origin] = self.sort(dict(zip(ORIGIN_COLUMNS, origin, strict=True)))
        return self.known[origin]

    def sort(self, origin: Row) -> Row:
        click, referrer = origin["click_id_type"], origin["referrer_host"]
        source = origin["utm_source"] or referrer or NETWORKS.get(click) or "(direct)"
        # of a source in two categories the first in the alphabet
        category = min(
            (c for pattern, c in self.categories if pattern.search(source.lower())), default=None
        )
        if origin["utm_medium"]:
            medium = origin["utm_medium"]
        elif click in PAID_CLICKS:
            medium = "cpc"
        elif origin["utm_source"]:
            medium = "(not set)"
        elif category == "search":
            medium = "organic"
        else:
            medium = NONE if source == "(direct)" else "referral"
        campaign = origin["utm_campaign"] or None
        texts = (source, medium, campaign or "")
        return {
            "source": source,
            "medium": medium,
            "campaign": campaign,
            "channel_group": self.channel(texts, category),
        }

    def channel(self, texts: tuple, category: str | None) -> str:
        for rule, patterns in self.rules:
            if rule["source_category"] not in ("", category):
                continue
            if all(
                pattern.search(text.lower()) for pattern, text in zip(patterns, texts, strict=True)
            ):
                return rule["channel_group"]
        return "Unassigned"

    def rows(self) -> list[Row]:
        return [
            {**dict(zip(ORIGIN_COLUMNS, origin, strict=True)), **sorted_as}
            for origin, sorted_as in self.known.items()
        ]


# ---------------------------------------------------------------- advertising


def ad_spend(rows: list[Row], channels: Channels, money: Money) -> list[Row]:
    """Of each campaign and day the newest statement."""
    for row in rows:
        channels.of(row)  # what a rejected statement says of its origin is an origin, too
    found = []
    for position in winners(rows, "spend_id"):
        row = rows[position]
        amount, currency = row["spend_amount"], row["currency_code"]
        found.append(
            {
                **pick(row, ("spend_id", "source_name", "spend_date", "platform", "campaign")),
                **pick(row, ("impression_count", "click_count")),
                "channel_group": channels.of(row)["channel_group"],
                "spend_amount": money.convert(amount, currency, row["spend_date"]),
                "original_spend_amount": amount,
                "original_currency_code": currency,
            }
        )
    return found
