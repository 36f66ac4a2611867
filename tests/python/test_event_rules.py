"""What an event is called, and what its traffic is left out for, under rules drawn at random.

The project's own seeds have few rules that meet one another. These have many: by name, type,
source, sign, page and property, with smaller and greater numbers, and reasons that overlap.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from dataclasses import replace

import pytest
import worlds
from against_oracle import Truth
from harness import TRUNK, Bench
from worlds import AS_OF, as_raw, world

AGENTS = (None, worlds.BROWSER, "Googlebot/2.1", "Mozilla/5.0 HeadlessChrome", "curl/8.0")
HOSTS = ("www.example.com", "staging.example.com", "shop.example.com")
PATTERNS = {
    "page_path": ("^/pri", "a", "docs|blog", "^/$", "[0-9]"),
    "page_host": ("^shop", "staging", "example"),
    "feature": ("o", "^e", "export"),
    "plan": ("pro", "."),
    "step": (".", "^[a-m]"),
}
TRAFFIC = {
    "user_agent": ("bot", "headless|curl", "^mozilla"),
    "page_host": ("^staging", "shop"),
    "email_domain": ("example", "test$", "."),
    "ip_hash": ("^[0-3]", "^[0-7a]"),
}


def event_rules(chance: random.Random, rows: list[dict]) -> list[dict]:
    """Rules that ask for some of what one event or another is like."""
    rules = []
    for number in chance.sample(range(1, 400), 80):
        row = chance.choice(rows)
        rule = {}
        if chance.random() < 0.6:
            rule["property"] = chance.choice(list(PATTERNS))
            rule["pattern"] = chance.choice(PATTERNS[rule["property"]])
        likely = {"source_name": 0.3, "event_type": 0.5, "raw_event_name": 0.4 if rule else 1}
        for name, likelihood in likely.items():
            if row[name] is not None and chance.random() < likelihood:
                rule[name] = row[name]
        if chance.random() < 0.2:
            rule["amount_sign"] = chance.choice(("positive", "negative", "zero"))
        if rule:
            rules.append({"rule_number": number, **rule, "event_name": f"rule_{number}"})
    return rules


def excluded_traffic(chance: random.Random) -> list[dict]:
    rules = [(field, pattern) for field in TRAFFIC for pattern in TRAFFIC[field]]
    return [
        {"rule_number": number, "field": field, "pattern": pattern, "reason": f"reason {letter}"}
        for (field, pattern), number, letter in zip(
            chance.sample(rules, 5), chance.sample(range(1, 100), 5), "edcba", strict=True
        )
    ]


def write(path, rows: list[dict]) -> None:
    """Seed rows, in place of those that are there, under the same heading."""
    heading = path.read_text().splitlines()[0].split(",")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, heading)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_of_rules_that_fit_the_first_counts(tmp_path):
    chance = random.Random("rules")
    bench = Bench(tmp_path / "bench", variables={"as_of": str(AS_OF)}, with_kpis=False)
    raw = []
    for delivered in worlds.deliveries([world(number, copy=90) for number in range(80)], 1, 1):
        for row in delivered:
            values = dict(row.values)
            if "context_user_agent" in values:
                values["context_user_agent"] = chance.choice(AGENTS)
            for name in values.keys() & {"url", "context_page_url"}:
                if values[name]:
                    values[name] = values[name].replace(HOSTS[0], chance.choice(HOSTS))
            raw.append(replace(row, values=values))
    bench.deliver(0, as_raw(raw))
    bench.complete()
    bench.build(select=["+int_events_unioned"])
    events = bench.rows("select * from intermediate.int_events_unioned where reject_reason is null")

    taxonomy = bench.own_taxonomy()
    named, excluded = event_rules(chance, events), excluded_traffic(chance)
    write(taxonomy / "event_rules.csv", named)
    write(taxonomy / "excluded_traffic.csv", excluded)
    bench.build(select=TRUNK, full_refresh=True)
    assert not Truth(bench).difference("int_events_classified")

    # and that the rules were asked something
    found = bench.rows("intermediate.int_events_classified")
    with_property = {rule["event_name"] for rule in named if rule.get("property")}
    names = Counter(row["event_name"] for row in found)
    assert len(names.keys() & with_property) > 3
    assert len({row["suppression_reason"] for row in found}) > 3
