"""What visits are owed: vendors' examples, exact games and chains, and sums that come out even.

A shop of a few hundred people is built once: examples that vendors work through in their
documentation, and a hundred sets of random roads. Nothing is expected of its tables but what
follows from the visits as they are typed in here.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import combinations, pairwise
from math import factorial

import duckdb
import oracle.attribution as rules
import pytest
from against_oracle import Truth
from harness import Bench
from worlds import AS_OF

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
TABLES = ("fct_attribution_touches", "fct_attribution_weights", "fct_attribution_credits")
PATHS = ("fct_path_steps", "fct_paths")
TINY = 1e-9
VARIABLES = {"as_of": str(AS_OF)}

# by which parameters of the address a visit counts in a channel
CAME_BY = {
    "Direct": None,
    "Paid Search": ("google", "cpc"),
    "Organic Social": ("facebook", "social"),
    "Email": ("newsletter", "email"),
    "Display": ("partner", "display"),
    "Affiliates": ("partner", "affiliate"),
}
CHANNELS = list(CAME_BY)


# ---------------------------------------------------------------- vendors' examples


@dataclass(frozen=True)
class Example:
    source: str  # the address
    what: str  # in our own words
    visits: list[tuple[str, timedelta]]  # channel, and how long before the order
    rule: str
    credit: dict[str, float]  # channel -> of an order of 1
    within: float = TINY  # as exactly as the vendor tells it


ADOBE = "https://github.com/AdobeDocs/analytics.en/blob/main/help/analyze/"
ADOBE += "analysis-workspace/attribution/models.md"
MATOMO = "https://matomo.org/faq/multi-channel-conversion-attribution/faq_25500"
ADS = "https://support.google.com/google-ads/answer/6259715"
ADS_API = "https://developers.google.com/google-ads/api/reference/rpc/v18/AttributionModelEnum."
ADS_API += "AttributionModel"
HUBSPOT = "https://knowledge.hubspot.com/reports/understand-attribution-reporting"

# paid search on 15 September, social on the 18th, on the 24th e-mail, display and an order of $50
COUPON = [
    ("Paid Search", 9 * DAY),
    ("Organic Social", 6 * DAY),
    ("Email", SECOND),
    ("Display", 0 * SECOND),
]
TWO = [("Email", 3 * DAY), ("Display", HOUR)]
FIVE = [(channel, (5 - number) * DAY) for number, channel in enumerate(CHANNELS[1:])]

EXAMPLES = {
    "adobe: first touch": Example(
        ADOBE, "paid search was first: all of the $50", COUPON, "first", {"Paid Search": 1},
    ),
    "adobe: linear": Example(
        ADOBE, "$12.50 for each of the four", COUPON, "linear",
        {"Paid Search": 0.25, "Organic Social": 0.25, "Email": 0.25, "Display": 0.25},
    ),
    "adobe: J-shaped": Example(
        ADOBE, "display $30, paid search $10, social and e-mail $5 each", COUPON, "j_shaped",
        {"Display": 0.6, "Paid Search": 0.2, "Organic Social": 0.1, "Email": 0.1},
    ),
    "adobe: time decay": Example(
        ADOBE, "after 0, 0, 6 and 9 days: $16.88, $16.88, $9.32 and $6.92", COUPON, "time_decay",
        {"Display": 16.88 / 50, "Email": 16.88 / 50, "Organic Social": 9.32 / 50,
         "Paid Search": 6.92 / 50},
        within=0.005 / 50,
    ),
    "adobe: participation": Example(
        ADOBE, "the full $50 for each of the four", COUPON, "participation",
        {"Paid Search": 1, "Organic Social": 1, "Email": 1, "Display": 1},
    ),
    "adobe: participation counts a channel once": Example(
        ADOBE, "a channel that is seen several times has all of it once",
        [("Email", 3 * DAY), ("Display", 2 * DAY), ("Email", DAY)], "participation",
        {"Email": 1, "Display": 1},
    ),
    "adobe: U-shaped with two touches": Example(
        ADOBE, "half to each", TWO, "u_shaped", {"Email": 0.5, "Display": 0.5},
    ),
    "adobe: J-shaped with two touches": Example(
        ADOBE, "75 % to the last, 25 % to the first", TWO, "j_shaped",
        {"Email": 0.25, "Display": 0.75},
    ),
    "adobe: inverse J with two touches": Example(
        ADOBE, "75 % to the first, 25 % to the last", TWO, "inverse_j",
        {"Email": 0.75, "Display": 0.25},
    ),
    "adobe: inverse J": Example(
        ADOBE, "60 % to the first, 20 % to the last, 20 % between", COUPON, "inverse_j",
        {"Paid Search": 0.6, "Display": 0.2, "Organic Social": 0.1, "Email": 0.1},
    ),
    "adobe: J-shaped with one touch": Example(
        ADOBE, "all to the only one", [("Email", DAY)], "j_shaped", {"Email": 1},
    ),
    "matomo: linear": Example(
        MATOMO, "of five visits each has 20 %", FIVE, "linear", dict.fromkeys(CHANNELS[1:], 0.2),
    ),
    "matomo: position based": Example(
        MATOMO, "40 % to the first and to the last, 20 % over the others", FIVE, "u_shaped",
        {CHANNELS[1]: 0.4, **dict.fromkeys(CHANNELS[2:5], 0.2 / 3), CHANNELS[5]: 0.4},
    ),
    "matomo: last non direct": Example(
        MATOMO, "the last visit that is not a direct entry", [*TWO, ("Direct", SECOND)],
        "last_non_direct", {"Display": 1},
    ),
    "google ads: a week halves": Example(
        ADS, "a click 8 days before has half of what one a day before has",
        [("Paid Search", 8 * DAY), ("Email", DAY)], "time_decay",
        {"Paid Search": 1 / 3, "Email": 2 / 3},
    ),
    "google ads: position based": Example(
        ADS_API, "40 % to the first and last clicks, 20 % evenly over all others", COUPON,
        "u_shaped",
        {"Paid Search": 0.4, "Organic Social": 0.1, "Email": 0.1, "Display": 0.4},
    ),
    "hubspot: last interaction": Example(
        HUBSPOT, "all to the last interaction, also if somebody came by himself",
        [*TWO, ("Direct", SECOND)], "last", {"Direct": 1},
    ),
}  # fmt: skip


# ---------------------------------------------------------------- the shop


@dataclass(frozen=True)
class Person:
    name: str
    group: str  # the example, or the set of roads
    visits: list[tuple[str, datetime]]
    orders: list[tuple[int, datetime]]  # amounts, of which there are no two alike


class Shop:
    """Its people as they are typed in or drawn, and what an order is owed by hand."""

    LOOKBACK = 30 * DAY

    def __init__(self):
        self.people: list[Person] = []
        self.amount = 0
        chance = random.Random("roads")
        for name, example in EXAMPLES.items():
            at = datetime(2025, 9, 24, 12)
            visits = [(channel, at - age) for channel, age in example.visits]
            self.add(name, visits, [at])
        for number in range(100):
            for _ in range(chance.randrange(2, 6)):
                self.add(f"set {number}", *self.a_road(chance))

    def add(self, group: str, visits: list, orders: list) -> None:
        amounts = range(self.amount + 1, self.amount + 1 + len(orders))
        self.amount += len(orders)
        name = f"person{len(self.people)}"
        orders = list(zip(amounts, orders, strict=True))
        self.people.append(Person(name, group, sorted(visits, key=lambda v: v[1]), orders))

    @staticmethod
    def a_road(chance: random.Random) -> tuple[list, list]:
        """Up to nine visits in two months, none or up to two orders, one of them without visits."""
        start = datetime(2025, 3, 1) + chance.randrange(120) * DAY
        # no two at one moment: then it would be their ids that are in order
        hours = chance.sample(range(24 * 60), chance.choice((0, 1, 2, 3, 4, 6, 9)))
        some = chance.sample(CHANNELS, chance.randrange(1, len(CHANNELS) + 1))
        visits = [(chance.choice(some), start + hour * HOUR) for hour in hours]
        count = chance.choice((0, 1, 1, 2))
        return visits, [start + (chance.randrange(24 * 70) + 0.5) * HOUR for _ in range(count)]

    def touched(self, person: Person, at: datetime) -> list[tuple[str, datetime]]:
        return [visit for visit in person.visits if timedelta(0) <= at - visit[1] <= self.LOOKBACK]

    def deliver(self, bench: Bench) -> None:
        pages, orders = [], []
        for person in self.people:
            for number, (channel, at) in enumerate(person.visits):
                # each on a device of its own: a session each
                row = {"anonymous_id": f"{person.name}-{number}", "user_id": person.name}
                row |= {"id": f"{person.name}-page-{number}", "timestamp": at, "received_at": at}
                row |= {"path": "/", "url": "https://www.example.com/"}
                if CAME_BY[channel]:
                    names = ("context_campaign_source", "context_campaign_medium")
                    row |= dict(zip(names, CAME_BY[channel], strict=True))
                    row |= {"context_campaign_name": "spring"}
                pages.append(row)
            orders += [
                {
                    "order_id": f"order-{amount}",
                    "user_id": person.name,
                    "total_amount": str(amount),
                    "currency": "EUR",
                    "placed_at": at,
                    "updated_at": at,
                }
                for amount, at in person.orders
            ]
        # somebody of whom no visit is known has reached another goal
        subscriptions = [
            {
                "subscription_id": "sub",
                "user_id": "nobody",
                "started_at": datetime(2025, 5, 1),
                "status": "active",
                "mrr_amount": "9.00",
                "currency": "EUR",
                "updated_at": datetime(2025, 5, 1),
            }
        ]
        spend = [
            {
                "date": (datetime(2025, 3, 1) + day * DAY).date(),
                "platform": platform,
                "campaign": "spring",
                "utm_source": "google",
                "utm_medium": "cpc",
                "utm_campaign": "spring",
                "impressions": 100,
                "clicks": 3,
                "spend_amount": "1.25",
                "currency": "EUR",
                "updated_at": datetime(2025, 9, 30),
            }
            for day in range(200)
            for platform in ("google", "facebook")
        ]
        tables = {
            "segment": {"pages": pages},
            "billing": {"subscriptions": subscriptions},
            "commerce": {"orders": orders},
            "ads": {"spend": spend},
        }
        load = {"_load_id": "all", "_loaded_at": AS_OF}
        for of_source in tables.values():
            for rows in of_source.values():
                rows[:] = [{**row, **load} for row in rows]
        bench.deliver(0, tables)
        bench.complete()


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def bench(shop, tmp_path_factory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("shop"), variables=VARIABLES)
    shop.deliver(bench)
    bench.build(select=["+kpi_attribution_daily", "+fct_paths"])
    return bench


@pytest.fixture(scope="module")
def credits(bench) -> dict[tuple[str, int], list[dict]]:
    """Rule and amount of the order -> the rows."""
    found = defaultdict(list)
    for row in bench.rows(
        """select credits.*, conversions.original_amount
        from marts.fct_attribution_credits as credits
        inner join marts.fct_conversions as conversions using (conversion_id)
        where credits.goal = 'purchase'"""
    ):
        found[row["rule"], int(row["original_amount"])].append(row)
    return found


def by_channel(rows: Iterable[dict], value: str = "credit") -> dict[str, float]:
    found = Counter()
    for row in rows:
        found[row["channel_group"]] += row[value]
    return dict(found)


def close(expected) -> object:
    return pytest.approx({key: float(value) for key, value in expected.items()}, abs=TINY, rel=0)


# ---------------------------------------------------------------- the examples


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_gives_what_the_vendor_works_out(name, shop, credits):
    example = EXAMPLES[name]
    [person] = [person for person in shop.people if person.group == name]
    [(amount, _)] = person.orders
    rows = credits[example.rule, amount]
    wanted = pytest.approx(example.credit, abs=example.within, rel=0)
    assert by_channel(rows) == wanted
    for row in rows:
        assert row["credited_amount"] == pytest.approx(row["credit"] * amount, abs=TINY)
        assert row["touch_count"] == len(example.visits)


# C1 > C2 > C3 was a conversion, C1 and C2 > C3 were none
CHAIN = [(["C1", "C2", "C3"], True), (["C1"], False), (["C2", "C3"], False)]
CHAIN_SOURCE = "https://analyzecore.com/2016/08/03/attribution-model-r-part-1/"


def test_without_a_channel_is_lost_what_the_textbook_example_says(memory):
    """Of CHAIN_SOURCE: 1/3 converts; without C1 half of that is lost, without C2 or C3 all."""
    effects = removed_by_sql(memory, {"textbook": CHAIN})["textbook"]
    assert effects == close({"C1": 0.5, "C2": 1, "C3": 1})
    # and so C1 is owed 0.2 of the conversion, C2 and C3 are owed 0.4 each
    seen = [{"channel_group": channel} for channel in CHAIN[0][0]]
    assert rules.markov(seen, effects, None) == pytest.approx([0.2, 0.4, 0.4])


# ---------------------------------------------------------------- chains


def transitions(taken: list[tuple[list[str], bool]]) -> Counter:
    steps = Counter()
    for passed, is_reached in taken:
        end = "(conversion)" if is_reached else "(null)"
        steps.update(pairwise(["(start)", *passed, end]))
    return steps


def chance_of(steps: Counter, channels: list[str], without: str | None = None) -> Fraction:
    """Of reaching a conversion from the start, by Gauss's elimination in exact fractions."""
    left = Counter()
    for (here, _), count in steps.items():
        left[here] += count
    states = ["(start)", *channels]
    system = []
    for here in states:
        row = [Fraction(int(here == there)) for there in states]
        for position, there in enumerate(states):
            if left[here] and there != without:
                row[position] -= Fraction(steps[here, there], left[here])
        reached = steps[here, "(conversion)"]
        system.append([*row, Fraction(reached, left[here]) if left[here] else Fraction(0)])
    for column in range(len(states)):
        pivot = next(row for row in range(column, len(states)) if system[row][column])
        system[column], system[pivot] = system[pivot], system[column]
        system[column] = [value / system[column][column] for value in system[column]]
        for row in range(len(states)):
            if row != column and system[row][column]:
                factor = system[row][column]
                system[row] = [
                    a - factor * b for a, b in zip(system[row], system[column], strict=True)
                ]
    return system[0][-1]


def removed_exactly(
    taken: list[tuple[list[str], bool]], channels: list[str]
) -> dict[str, Fraction | None]:
    steps = transitions(taken)
    whole = chance_of(steps, channels)
    if not whole:
        return dict.fromkeys(channels)
    return {channel: 1 - chance_of(steps, channels, channel) / whole for channel in channels}


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """The SQL of the project's macro, which asks a table in memory."""
    bench = Bench(tmp_path_factory.mktemp("memory"), variables=VARIABLES)

    def ask(channels: list[str], rows: list[tuple]) -> list[tuple]:
        sql = bench.rendered("{{ markov_ctes(" + repr(channels) + ") }}")
        with duckdb.connect() as connection:
            connection.execute(
                """create table counted (
                    group_name varchar, from_state varchar, to_state varchar,
                    transition_count bigint
                )"""
            )
            connection.executemany("insert into counted values (?, ?, ?, ?)", rows)
            return connection.execute(
                f"with transitions as (select * from counted), {sql} "
                "select group_name, channel, removal_effect from removal_effects"
            ).fetchall()

    return ask


def removed_by_sql(ask, sets: dict[str, list]) -> dict[str, dict[str, float | None]]:
    channels = sorted(
        {channel for taken in sets.values() for passed, _ in taken for channel in passed}
    )
    rows = [
        (name, *step, count)
        for name, taken in sets.items()
        for step, count in transitions(taken).items()
    ]
    found = defaultdict(dict)
    for name, channel, effect in ask(channels, rows):
        found[name][channel] = effect
    return found


def some_roads(chance: random.Random) -> list[tuple[list[str], bool]]:
    """With loops, channels that only some take, such as lead nowhere, and now and then no goal."""
    channels = chance.sample("ABCDEFG", chance.randrange(1, 8))
    share = chance.choice((0, 0.05, 0.5, 1))
    return [
        (chance.choices(channels, k=chance.randrange(1, 9)), chance.random() < share)
        for _ in range(chance.randrange(1, 60))
    ]


def test_what_is_lost_without_a_channel_is_exact_in_a_hundred_sets_of_roads(memory):
    chance = random.Random("chains")
    sets = {f"set {number}": some_roads(chance) for number in range(100)}
    found = removed_by_sql(memory, sets)
    assert found.keys() == sets.keys()
    channels = list("ABCDEFG")
    nothing = 0
    for name, taken in sets.items():
        exact = removed_exactly(taken, channels)
        if None in exact.values():
            assert found[name] == exact
            nothing += 1
        else:
            assert found[name] == close(exact), name
            ours = rules.removal_effects(
                [(passed, rules.CONVERSION if is_reached else "") for passed, is_reached in taken],
                channels,
            )
            assert ours == close(exact), name
    assert 10 < nothing < 50


def test_the_weights_of_the_shop_are_those_of_its_roads(shop, bench):
    """Each order's visits led to it; what is owed by no order led a person nowhere."""
    taken = []
    for person in shop.people:
        of_orders = [shop.touched(person, at) for _, at in person.orders]
        taken += [([channel for channel, _ in seen], True) for seen in of_orders if seen]
        in_vain = [v[0] for v in person.visits if not any(v in seen for seen in of_orders)]
        taken += [(in_vain, False)] if in_vain else []
    found = removal_effects(bench)
    assert found["purchase"] == close(removed_exactly(taken, CHANNELS))
    # to this goal no visit led
    assert found["subscription"] == dict.fromkeys(CHANNELS)
    assert found.keys() == {"purchase", "subscription"}


def removal_effects(bench: Bench) -> dict[str, dict[str, float | None]]:
    found = defaultdict(dict)
    for row in bench.rows("marts.fct_attribution_weights"):
        found[row["goal"]][row["channel_group"]] = row["removal_effect"]
    return found


def test_a_conversion_is_owed_to_its_channels_by_what_is_lost_without_them(shop, bench, credits):
    effect = removal_effects(bench)["purchase"]
    for person in shop.people:
        for amount, at in person.orders:
            if seen := [channel for channel, _ in shop.touched(person, at)]:
                whole = sum(effect[channel] for channel in set(seen))
                wanted = {channel: effect[channel] / whole for channel in set(seen)}
                assert by_channel(credits["markov", amount]) == close(wanted)


# ---------------------------------------------------------------- games


def shapley_values(wins: list[frozenset], players: frozenset) -> dict[str, Fraction]:
    """Of the game v(S) = conversions whose channels all lie in S: over all coalitions."""

    def worth(coalition: frozenset) -> int:
        return sum(channels <= coalition for channels in wins)

    count = len(players)
    found = {}
    for player in players:
        others = sorted(players - {player})
        found[player] = Fraction(0)
        for size in range(count):
            weight = Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
            for chosen in combinations(others, size):
                coalition = frozenset(chosen)
                found[player] += weight * (worth(coalition | {player}) - worth(coalition))
    return found


def test_shapley_credit_is_the_value_of_the_game_in_a_hundred_sets_of_roads(shop, credits):
    groups = defaultdict(list)
    for person in shop.people:
        groups[person.group] += [
            (amount, seen)
            for amount, at in person.orders
            if (seen := frozenset(channel for channel, _ in shop.touched(person, at)))
        ]
    several = 0
    for name, orders in groups.items():
        players = frozenset().union(*(seen for _, seen in orders))
        rows = [row for amount, _ in orders for row in credits["shapley", amount]]
        exact = shapley_values([seen for _, seen in orders], players)
        assert by_channel(rows) == close(exact), name
        several += len(players) > 2
    assert several > 40, several


def test_a_channels_part_is_the_same_for_each_of_its_touches(credits):
    shared = 0
    for (rule, _), rows in credits.items():
        if rule in ("shapley", "markov"):
            of_channel = defaultdict(set)
            for row in rows:
                of_channel[row["channel_group"]].add(row["credit"])
            assert all(len(parts) == 1 for parts in of_channel.values())
            shared += len(rows) > len(of_channel)
    assert shared > 100


# ---------------------------------------------------------------- sums


def test_every_rule_gives_every_conversion_once(shop, credits):
    for person in shop.people:
        for amount, at in person.orders:
            seen = [channel for channel, _ in shop.touched(person, at)]
            for rule in rules.RULES:
                rows = credits[rule, amount]
                once = len(set(seen)) if rule == "participation" and seen else 1
                assert sum(row["credit"] for row in rows) == pytest.approx(once, abs=TINY)
                assert {row["is_additive"] for row in rows} == {rule != "participation"}
    assert {rule for rule, _ in credits} == set(rules.RULES)


def test_no_money_is_lost_or_made_by_an_additive_rule(shop, credits):
    whole = sum(amount for person in shop.people for amount, _ in person.orders)
    by_rule = Counter()
    for (rule, _), rows in credits.items():
        by_rule[rule] += sum(row["credited_amount"] for row in rows)
    assert by_rule.pop("participation") > whole
    assert dict(by_rule) == pytest.approx(dict.fromkeys(by_rule, whole), rel=TINY)


def test_a_conversion_without_visits_in_time_is_owed_to_nobody(shop, credits):
    alone = {
        amount
        for person in shop.people
        for amount, at in person.orders
        if not shop.touched(person, at)
    }
    found = defaultdict(set)
    for (rule, amount), rows in credits.items():
        if rows[0]["channel_group"] == "(unattributed)":
            [row] = rows
            assert row["credit"] == 1 and row["touch_count"] == 0
            names = ("touchpoint_id", "touched_at", "source", "medium", "campaign", "touch_number")
            assert {row[name] for name in names} == {None}
            found[rule].add(amount)
    assert found == dict.fromkeys(rules.RULES, alone)
    assert len(alone) > 20


def test_spend_stands_once_for_each_rule(bench):
    rows = bench.rows("marts.kpi_attribution_daily")
    by_rule = Counter()
    for row in rows:
        assert row["goal"] == "all" or row["spend_amount"] is None
        by_rule[row["rule"]] += row["spend_amount"] or 0
    assert dict(by_rule) == dict.fromkeys(rules.RULES, 500)  # of 200 days twice 1.25
    earned = [row["return_on_spend_ratio"] for row in rows if row["return_on_spend_ratio"]]
    assert len(earned) > 100


def test_the_days_hold_what_the_credits_hold(bench, credits):
    by_rule = Counter()
    for (rule, _), rows in credits.items():
        by_rule[rule] += sum(row["credit"] for row in rows)
    found = Counter()
    for row in bench.rows("marts.kpi_attribution_daily"):
        if row["goal"] == "purchase":
            found[row["rule"]] += row["credited_conversion_sum"]
    assert dict(found) == close(by_rule)


# ---------------------------------------------------------------- settings


def test_the_settings_say_how_far_back_how_fast_and_what_a_direct_visit_is(bench, tmp_path):
    variables = {
        "attribution_lookback_days": 14,
        "attribution_half_life_days": 2,
        "attribution_direct": "when_alone",
    }
    other = bench.copy_to(tmp_path)
    other.variables |= variables
    other.build(select=TABLES)
    truth = Truth(other)
    for table in TABLES:
        assert truth.difference(table) is None, table
    touches = "select channel_group, touch_count from marts.fct_attribution_touches"
    alone = [row for row in other.rows(touches) if row["channel_group"] == "Direct"]
    assert alone
    before = bench.rows(touches)
    assert sum(row["channel_group"] == "Direct" for row in before) > 2 * len(alone)


def test_what_comes_after_the_clock_is_not_known(bench, tmp_path):
    """No conversion, visit or money of later is owed, weighed or walked."""
    other = bench.copy_to(tmp_path)
    other.variables |= {"as_of": "2025-05-10 12:34:56"}
    of_both = (f"int_as_of+,+{name}" for name in ("fct_attribution_credits", "fct_paths"))
    other.build(select=of_both)
    truth = Truth(other)
    for table in (*TABLES, *PATHS):
        assert truth.difference(table) is None, truth.difference(table).describe()
    assert len(truth.result.tables["fct_paths"]) < 0.8 * len(bench.rows("marts.fct_paths"))
