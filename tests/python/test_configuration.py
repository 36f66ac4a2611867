"""What a user writes wrongly stops the build before the first model, with a message to act on.

Seed rows: one copy of the taxonomy gets a wrong row for each case of WRONG_ROWS, and one build has
to tell them all, each with code, file, row and column, and nothing else. A fault of a whole file
(WRONG_FILES) or of a var (WRONG_VARS, WRONG_SHAPES) gets a build of its own where it hides others.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from dataclasses import dataclass

import pytest
from harness import ROOT, Bench
from test_privacy import LOAD, LOADED_AT, ORDINARY

# words of the machinery below: who reads them has been left alone with somebody else's problem
INTERNALS = re.compile(
    r"Traceback|jinja|NoneType|has no attribute|unhashable|not iterable|Undefined|"
    r"(Catalog|Conversion|Binder|Parser|Invalid Input|IO|Runtime|Database|Type|Key|Value) ?Error|"
    r"agate|read_csv|which was not found",
    re.IGNORECASE,
)


def ordinary_rows() -> dict[str, dict[str, list[dict]]]:
    """One row of each raw table, accepted as it stands."""
    tables: dict[str, dict[str, list[dict]]] = {}
    for name, row in ORDINARY.items():
        source, table = name.split(".")
        row = {
            key: value.replace("{n}", "1") if isinstance(value, str) else value
            for key, value in row.items()
        }
        tables.setdefault(source, {})[table] = [{**row, "_load_id": LOAD, "_loaded_at": LOADED_AT}]
    return tables


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("ordinary"))
    bench.deliver(0, ordinary_rows())
    return bench.raw


@pytest.fixture(scope="module")
def bench(raw, tmp_path_factory) -> Bench:
    """For builds that must not start: nothing of one is left for the next."""
    return Bench(tmp_path_factory.mktemp("stopped"), raw)


def stopped(bench: Bench, taxonomy=None, **variables) -> str:
    """The message of a build that must not start; asserts that no model ran."""
    if taxonomy is not None:
        bench.taxonomy = str(taxonomy)
    try:
        run = bench.dbt("build", check=False, **variables)
    except AssertionError as stopped_while_reading:  # a var may be told when dbt reads the project
        return str(stopped_while_reading)
    assert not run.success
    assert not run.nodes, f"ran: {', '.join(run.nodes)}"
    return str(run)


def problems(message: str) -> list[str]:
    """The problems of a message, one line each, in its order."""
    return [line.strip() for line in message.splitlines() if re.match(r"\s*\[[A-Z]\d\] ", line)]


def assert_told(message: str, *expected: str) -> None:
    """One problem of the message holds all that is expected, and nothing speaks of internals."""
    assert any(all(part in line for part in expected) for line in problems(message)), message
    assert not INTERNALS.search(message), message


# ---------------------------------------------------------------- wrong rows, told by one build

# a right row of each seed, n being a number that no other row has
RIGHT = {
    "advocacy_events": {"event_name": "blog_read", "kind": "mention"},
    "channel_rules": {"rule_number": "{n}", "channel_group": "Direct", "medium_pattern": "^{n}$"},
    "checkout_steps": {
        "role": "step", "step_number": "{n}", "step": "s_{n}", "event_name": "page_viewed",
        "property": "step", "property_value": "{n}",
    },
    "event_rules": {"rule_number": "{n}", "raw_event_name": "Event {n}", "event_name": "e_{n}"},
    "events": {"event_name": "e_{n}", "event_priority": "100", "touchpoint_type": "session"},
    "excluded_traffic": {
        "rule_number": "{n}", "field": "user_agent", "pattern": "bot{n}", "reason": "bot",
    },
    "features": {
        "feature": "f_{n}", "event_name": "feature_used", "property": "feature",
        "property_value": "f_{n}",
    },
    "friction_events": {"signal": "s_{n}", "kind": "event", "event_name": "error_shown"},
    "funnel_steps": {
        "funnel": "signup_to_paid", "role": "step", "step_number": "{n}", "step": "s_{n}",
        "event_name": "page_viewed",
    },
    "funnels": {
        "funnel": "f_{n}", "description": "A funnel", "step_order": "ordered", "unit": "person",
        "window_days": "1", "restart": "every_start",
    },
    "fx_rates": {"currency_code": "EUR", "valid_from": "{day}", "rate": "1"},
    "goals": {"goal": "goal_{n}", "event_name": "signed_up", "description": "A goal"},
    "help_events": {"event_name": "blog_read", "help_type": "article"},
    "identifier_rules": {
        "identifier_class": "user_id", "class_priority": "{n}", "is_strong": "true",
        "may_merge_strong": "true", "max_strong": "0",
    },
    "journey_rules": {
        "journey": "purchase", "version": "1", "rule_number": "{n}", "rule": "exit",
        "name": "gone", "trigger": "event", "event_name": "page_viewed",
    },
    "journey_steps": {
        "journey": "purchase", "version": "1", "step": "s_{n}", "step_number": "{n}",
        "event_name": "page_viewed", "is_required": "false",
    },
    "journeys": {
        "journey": "j_{n}", "version": "1", "description": "A road", "reentry": "never",
    },
    "milestones": {
        "milestone": "m_{n}", "milestone_number": "{n}", "trigger": "event",
        "event_name": "signed_up", "description": "A milestone",
    },
    "onboarding_steps": {
        "flow": "default", "role": "step", "step_number": "{n}", "step": "s_{n}",
        "event_name": "page_viewed", "is_required": "false",
    },
    "placeholder_identifiers": {"match_type": "exact", "value": "nobody{n}"},
    "retention_definitions": {
        "definition": "d_{n}", "unit": "week", "mode": "rolling", "max_offset": "12",
        "description": "In words",
    },
    "retention_events": {
        "definition": "active_weekly", "role": "start", "event_name": "page_viewed",
    },
    "source_categories": {"pattern": "^site{n}$", "source_category": "search"},
    "revenue_events": {"event_name": "offer_accepted", "sign": "1"},
    "stage_rules": {
        "rule_number": "{n}", "effect": "enter", "stage": "adoption", "trigger": "event",
        "event_name": "page_viewed",
    },
    "stages": {"stage": "s_{n}", "stage_number": "{n}", "description": "A stage"},
    "touchpoint_types": {
        "touchpoint_type": "t_{n}", "direction": "inbound", "description": "A touch",
    },
}  # fmt: skip


@dataclass(frozen=True)
class WrongRow:
    """A row that is right but for `change`, and what has to be said of it."""

    name: str
    seed: str
    change: dict
    code: str
    says: tuple[str, ...]
    column: str | None = None  # None: the problem is of the whole row

    def __str__(self) -> str:
        return self.name


def wrong(name: str, seed: str, column: str | None, change: dict, code: str, *says):
    return WrongRow(name, seed, change, code, says, column)


IS_EMPTY = "is empty, and must not be"
EDGE = {"rule": "edge", "name": "", "trigger": "", "event_name": ""}
WHOLE, TRUTH = "is not a whole number", "is neither true nor false"

# all that name events, but for those that say which there are
SEEDS_OF_EVENTS = sorted(
    path.stem
    for path in (ROOT / "seeds" / "taxonomy").glob("*.csv")
    if "event_name" in path.read_text().splitlines()[0].split(",")
    and path.stem not in ("events", "event_rules")
)

WRONG_ROWS = [
    # numbers
    *[
        wrong(f"{seed}: {column} {value!r}", seed, column, {column: value}, "T4", f"`{value}`",
              says)
        for seed, column, value, says in [
            ("channel_rules", "rule_number", "first", WHOLE),
            ("channel_rules", "rule_number", "0", "is smaller than 1"),
            ("event_rules", "rule_number", "1.5", WHOLE),
            ("event_rules", "rule_number", "-3", "is smaller than 1"),
            ("excluded_traffic", "rule_number", "1e3", WHOLE),
            ("events", "event_priority", "high", WHOLE),
            ("events", "event_priority", "-1", "is smaller than 0"),
            ("milestones", "milestone_number", "0", "is smaller than 1"),
            ("milestones", "milestone_number", "NaN", WHOLE),
            ("identifier_rules", "class_priority", "strongest", WHOLE),
            ("identifier_rules", "max_strong", "-5", "is smaller than 0"),
            ("retention_definitions", "max_offset", "0", "is smaller than 1"),
            ("retention_definitions", "max_offset", "121", "is greater than 120"),
            ("retention_definitions", "max_offset", "12 weeks", WHOLE),
            ("fx_rates", "rate", "0,134", "is not a number"),
            ("fx_rates", "rate", "1.2.3", "is not a number"),
            ("fx_rates", "rate", "inf", "is not a number"),
            ("fx_rates", "rate", "-1", "is smaller than 0"),
            ("stage_rules", "rule_number", " 7", WHOLE),
            ("journeys", "version", "0", "is smaller than 1"),
            ("journeys", "version", "two", WHOLE),
            ("journeys", "timeout_days", "a month", "is not a number"),
            ("journeys", "timeout_days", "0", "is smaller than 0.000001"),
            ("journeys", "reentry_pause_days", "-0.5", "is smaller than 0"),
            ("journeys", "reentry_cap", "0", "is smaller than 1"),
            ("journeys", "reentry_cap", "2.5", WHOLE),
            ("journeys", "goal_window_days", "1e3", "is not a number"),
            ("journeys", "goal_window_days", "-7", "is smaller than 0.000001"),
            ("journeys", "holdout_share", "10 %", "is not a number"),
            ("journeys", "holdout_share", "1.01", "is greater than 1"),
            ("journey_steps", "step_number", "0", "is smaller than 1"),
            ("journey_steps", "step_number", "last", WHOLE),
            ("journey_steps", "expected_days", "0.0", "is smaller than 0.000001"),
            ("journey_rules", "rule_number", "0", "is smaller than 1"),
            ("journey_rules", "rule_number", "1a", WHOLE),
            ("funnels", "window_days", "a week", "is not a number"),
            ("funnels", "window_days", "0", "is smaller than 0.000001"),
            ("funnel_steps", "step_number", "-1", "is smaller than 1"),
            ("funnel_steps", "step_number", "2nd", WHOLE),
        ]
    ],
    wrong(
        "a number past what the column holds", "event_rules", "rule_number",
        {"rule_number": "99999999999"}, "T4", "`99999999999`",
    ),
    wrong(
        "a rate of zero, which money would be divided by", "fx_rates", "rate",
        {"rate": "0", "currency_code": "SEK"}, "T4", "`0`",
    ),
    wrong(
        "a rate that rounds to zero", "fx_rates", "rate",
        {"rate": "0.0000000001", "currency_code": "NOK"}, "T4", "`0.0000000001`",
    ),
    wrong(
        "a rate too large for its type", "fx_rates", "rate",
        {"rate": "99999999999", "currency_code": "JPY"}, "T4", "`99999999999`",
    ),
    # true and false
    *[
        wrong(f"{seed}: {column} {value!r}", seed, column, {column: value}, "T4", f"`{value}`",
              TRUTH)
        for seed, column, value in [
            ("events", "is_interactive", "yes"),
            ("events", "is_core", "1"),
            ("identifier_rules", "is_strong", "True"),
            ("identifier_rules", "may_merge_strong", "FALSE"),
            ("journey_steps", "is_required", "yes"),
            ("funnel_steps", "is_optional", "True"),
        ]
    ],
    # dates
    *[
        wrong(
            f"fx_rates: valid_from {day!r}", "fx_rates", "valid_from", {"valid_from": day}, "T4",
            f"`{day}`", "is not a date like 2026-01-31",
        )
        for day in ("31.01.2026", "2026-13-01", "2026-1-1", "2026-01-31 00:00:00", "yesterday")
    ],
    *[
        wrong(f"journeys: {column} {day!r}", "journeys", column, {column: day}, "T4", f"`{day}`",
              "is not a date like 2026-01-31")
        for column, day in (("valid_from", "1.1.2025"), ("valid_to", "2025-02-29"))
    ],
    wrong("the 30th of February", "fx_rates", "valid_from", {"valid_from": "2026-02-30"}, "T4",
          "`2026-02-30`", "is not a date"),
    # regular expressions
    *[
        wrong(
            f"{seed}: {column} {pattern!r}", seed, column, {column: pattern, **more}, "T4",
            f"`{pattern}`", "is not a valid regular expression",
        )
        for seed, column, pattern, more in [
            ("channel_rules", "source_pattern", "^(audio$", {}),
            ("channel_rules", "medium_pattern", "[a-", {}),
            ("channel_rules", "campaign_pattern", "a{2,1}", {}),
            ("event_rules", "pattern", "(?<=x)y", {"property": "page_path"}),
            ("excluded_traffic", "pattern", "*bot", {}),
            ("source_categories", "pattern", "(?P<n", {}),
        ]
    ],
    wrong(
        "placeholder_identifiers: a pattern that is none", "placeholder_identifiers", "value",
        {"match_type": "pattern", "value": "test("}, "T4", "`test(`",
        "is not a valid regular expression",
    ),
    wrong(
        "placeholder_identifiers: a NUL byte", "placeholder_identifiers", "value",
        {"value": "a\x00b"}, "T4",
    ),
    # a value that another one asks for
    wrong(
        "a class that may not merge and counts as shared from the third user on",
        "identifier_rules", "max_strong", {"may_merge_strong": "false", "max_strong": "2"}, "T4",
        "`2`", "has to be 1 where may_merge_strong is false",
    ),
    # one of a list
    *[
        wrong(f"{seed}: {column} {value!r}", seed, column, {column: value}, "T4", f"`{value}`",
              f"is not one of: {allowed}", *more)
        for seed, column, value, allowed, *more in [
            ("channel_rules", "source_category", "serach", "search, social", "mean `search`?"),
            ("event_rules", "event_type", "pages", "page, screen", "Did you mean `page`?"),
            ("event_rules", "amount_sign", "plus", "positive, negative, zero"),
            ("excluded_traffic", "field", "useragent", "user_agent,", "Did you mean `user_agent`?"),
            ("identifier_rules", "identifier_class", "email", "user_id,", "mean `email_hash`?"),
            ("milestones", "trigger", "events", "event, habit", "Did you mean `event`?"),
            ("placeholder_identifiers", "match_type", "regex", "exact, pattern"),
            ("retention_definitions", "unit", "quarter", "day, week, month"),
            ("retention_definitions", "mode", "calender", "calendar,", "mean `calendar`?"),
            ("retention_events", "role", "returns", "start, return", "Did you mean `return`?"),
            ("source_categories", "source_category", "Video", "search,", "Did you mean `video`?"),
            ("stage_rules", "effect", "enters", "enter, exit", "Did you mean `enter`?"),
            ("touchpoint_types", "direction", "inbund", "inbound,", "Did you mean `inbound`?"),
            ("journeys", "reentry", "allways", "never, after_pause,", "Did you mean `always`?"),
            ("journey_rules", "rule", "entrance", "entry, completion, exit, cancellation,"),
            ("journey_rules", "trigger", "events", "event, stage,", "Did you mean `event`?"),
            ("funnels", "step_order", "order", "ordered, strict, any", "mean `ordered`?"),
            ("funnels", "unit", "persons", "person, session,", "Did you mean `person`?"),
            ("funnels", "restart", "always", "every_start, after_end"),
            ("funnel_steps", "role", "steps", "step, exclusion", "Did you mean `step`?"),
            ("friction_events", "kind", "repeatd", "event, unfinished,", "mean `repeated`?"),
        ]
    ],
    # forms
    *[
        wrong(f"{seed}: {column} {value!r}", seed, column, {column: value}, "T4", f"`{value}`",
              "does not have the form")
        for seed, column, value in [
            ("events", "event_name", "Signed Up"),
            ("event_rules", "event_name", "signed-up"),
            ("fx_rates", "currency_code", "euro"),
            ("retention_definitions", "definition", "Active weekly"),
            ("stages", "stage", "Adoption"),
            ("journeys", "journey", "My journey"),
            ("journey_steps", "step", "First step"),
            ("journey_rules", "name", "Gone!"),
            ("funnels", "funnel", "Sign-up"),
            ("funnel_steps", "step", "1"),
            ("friction_events", "signal", "Rage click"),
        ]
    ],
    wrong("a name with a line break at its end", "events", "event_name",
          {"event_name": "broken\n"}, "T4", "`broken\\n`", "does not have the form"),
    # empty fields
    *[
        wrong(f"{seed}: empty {column}", seed, column, {column: ""}, "T3", IS_EMPTY)
        for seed, column in [
            ("channel_rules", "channel_group"),
            ("event_rules", "event_name"),
            ("goals", "goal"),
            ("goals", "event_name"),
            ("fx_rates", "valid_from"),
            ("identifier_rules", "is_strong"),
            ("placeholder_identifiers", "value"),
            ("retention_events", "role"),
            ("touchpoint_types", "description"),
            ("source_categories", "pattern"),
            ("milestones", "description"),
            ("excluded_traffic", "reason"),
            ("journeys", "description"),
            ("journeys", "reentry"),
            ("journey_steps", "step"),
            ("journey_steps", "event_name"),
            ("journey_steps", "is_required"),
            ("journey_rules", "rule"),
            ("funnels", "window_days"),
            ("funnels", "restart"),
            ("funnel_steps", "step"),
            ("funnel_steps", "event_name"),
            ("friction_events", "signal"),
            ("friction_events", "kind"),
            ("friction_events", "event_name"),
        ]
    ],
    *[
        wrong(f"{seed}: {name}", seed, column, {column: ""}, "T3", IS_EMPTY, f"where {where}")
        for seed, column, name, where in [
            ("stage_rules", "stage", "enters no stage", "effect is enter"),
            ("stage_rules", "event_name", "an event without a name", "trigger is event"),
            ("milestones", "event_name", "an event without a name", "trigger is event"),
            ("journey_rules", "event_name", "an event without a name", "trigger is event"),
            ("journey_rules", "name", "an exit without a name", "rule is exit"),
            ("journey_rules", "trigger", "an exit by nothing", "rule is exit"),
            ("funnel_steps", "step_number", "a step without a number", "role is step"),
        ]
    ],
    *[
        wrong(f"{seed}: {name}", seed, column, change, "T3", IS_EMPTY, f"where {where}")
        for seed, column, name, change, where in [
            ("journeys", "reentry_pause_days", "a pause of no length",
             {"reentry": "after_pause"}, "reentry is after_pause"),
            ("journeys", "reentry_cap", "a cap without a number",
             {"reentry": "capped"}, "reentry is capped"),
            ("journey_rules", "stage", "no stage to come into",
             {"trigger": "stage", "event_name": ""}, "trigger is stage"),
            ("journey_rules", "milestone", "no milestone to reach",
             {"trigger": "milestone", "event_name": ""}, "trigger is milestone"),
            ("journey_rules", "to_step", "an edge that leads nowhere", EDGE, "rule is edge"),
            ("friction_events", "resolved_by", "nothing that would finish it",
             {"kind": "unfinished"}, "kind is unfinished"),
        ]
    ],
    *[
        wrong(f"{seed}: {column} without its other half", seed, column, {column: "step"}, "T3",
              f"needs `{other}` in the same row")
        for seed, column, other in [
            ("journey_steps", "property", "property_value"),
            ("journey_rules", "property_value", "property"),
            ("funnel_steps", "property", "property_value"),
            ("friction_events", "property_value", "property"),
        ]
    ],
    wrong("a pattern without a property", "event_rules", "pattern", {"pattern": "^/x"}, "T3",
          "needs `property` in the same row"),
    wrong("a field of blanks", "goals", "event_name", {"event_name": "   "}, "T3", IS_EMPTY),
    # references
    wrong("an unknown stage", "stage_rules", "stage", {"stage": "adoptoin"}, "T6", "`adoptoin`",
          "is not in stages.csv, column stage (acquisition", "Did you mean `adoption`?"),
    wrong("a stage that is like no other", "stage_rules", "stage", {"stage": "zzz"}, "T6", "`zzz`",
          "is not in stages.csv"),
    wrong("an unknown touchpoint type", "events", "touchpoint_type",
          {"touchpoint_type": "sesion"}, "T6", "`sesion`", "Did you mean `session`?"),
    wrong("an unknown retention definition", "retention_events", "definition",
          {"definition": "active_wekly"}, "T6", "Did you mean `active_weekly`?"),
    wrong("an unknown journey", "journey_steps", "journey", {"journey": "purchas"}, "T6",
          "`purchas`", "is not in journeys.csv, column journey", "Did you mean `purchase`?"),
    wrong("a rule of an unknown journey", "journey_rules", "journey", {"journey": "zzz"}, "T6",
          "`zzz`", "is not in journeys.csv"),
    wrong("an entry into an unknown stage", "journey_rules", "stage",
          {"trigger": "stage", "event_name": "", "stage": "retenton"}, "T6", "`retenton`",
          "is not in stages.csv", "Did you mean `retention`?"),
    wrong("an unknown milestone", "journey_rules", "milestone",
          {"trigger": "milestone", "event_name": "", "milestone": "payed"}, "T6", "`payed`",
          "is not in milestones.csv", "Did you mean `paid`?"),
    wrong("an edge from an unknown step", "journey_rules", "from_step",
          {**EDGE, "from_step": "contct", "to_step": "payment"}, "T6", "`contct`",
          "is not in journey_steps.csv", "Did you mean `contact`?"),
    wrong("a class of identifiers that there is not", "journeys", "required_endpoint",
          {"required_endpoint": "phone"}, "T6", "`phone`", "is not in identifier_rules.csv",
          "Did you mean `phone_hash`?"),
    *[
        wrong(f"{seed}: an event that nobody knows", seed, "event_name",
              {"event_name": "signd_up"}, "T6", "`signd_up`", "is not in events.csv",
              "nor in event_rules.csv", "Did you mean `signed_up`?")
        for seed in SEEDS_OF_EVENTS
    ],
    wrong("a misspelt word for many events", "retention_events", "event_name",
          {"event_name": "any_cor"}, "T6", "and none of any_active, any_core",
          "Did you mean `any_core`?"),
    wrong("a step of an unknown funnel", "funnel_steps", "funnel", {"funnel": "chekout"}, "T6",
          "`chekout`", "is not in funnels.csv", "Did you mean `checkout`?"),
    # keys that stand twice
    *[
        wrong(f"{seed}: {name}", seed, column, change, "T5", *says,
              "stands in an earlier row already")
        for seed, column, name, change, *says in [
            ("channel_rules", None, "a rule number again", {"rule_number": "1"}, "rule_number `1`"),
            ("stages", "stage_number", "a number again", {"stage_number": "2"}, "`2`"),
            ("identifier_rules", "class_priority", "a priority again", {"class_priority": "2"}),
            ("goals", None, "a goal's event again",
             {"goal": "purchase", "event_name": "order_placed"}, "`purchase, order_placed`"),
            ("fx_rates", None, "a day again", {"valid_from": "1999-01-01"}, "`EUR, 1999-01-01`"),
            ("events", None, "an event again", {"event_name": "signed_up"}, "`signed_up`"),
            ("touchpoint_types", None, "a kind again", {"touchpoint_type": "session"}),
            ("retention_events", None, "a role again", {"event_name": "any_active"}),
            ("source_categories", None, "a pattern again",
             {"pattern": r"(^|\.)(youtube|vimeo|dailymotion|twitch|netflix)(\.|$)"}),
            ("journeys", None, "a version again", {"journey": "purchase"}, "`purchase, 1`"),
            ("journey_steps", None, "a step again", {"step": "contact"}, "`purchase, 1, contact`"),
            ("journey_rules", None, "a rule again", {"rule_number": "3"}, "`purchase, 1, 3`"),
            ("funnels", "funnel", "a funnel again", {"funnel": "checkout"}, "`checkout`"),
            ("funnel_steps", None, "an event of a step again",
             {"step_number": "2", "step": "signed_up", "event_name": "signed_up"},
             "`signup_to_paid, step, 2, signed_up, `"),
            ("friction_events", None, "an event again",
             {"signal": "error", "event_name": "error_shown"}, "`error, event, error_shown, `"),
        ]
    ],
    # laws over several rows
    *[
        wrong(f"journeys: {name}", seed, column, change, "T7", *says)
        for seed, column, name, change, *says in [
            ("journeys", "valid_to", "over before it begins",
             {"valid_from": "2025-01-01", "valid_to": "2025-01-01"}, "`2025-01-01`",
             "is not after valid_from"),
            ("journeys", None, "two versions at once", {"journey": "purchase", "version": "2"},
             "version 2 of `purchase` is valid at the same time as version 1", "valid_to"),
            ("journeys", None, "no way in", {"journey": "nowhere"}, "version 1 of `nowhere`",
             "has no entry", "journey_rules.csv"),
            ("journey_steps", None, "a step of no version", {"version": "9"},
             "journeys.csv has no version `9` of `purchase`"),
            ("journey_steps", "step_number", "a number again", {"step_number": "3"},
             "another step of this version has the number 3"),
            ("journey_rules", None, "a rule of no version", {"version": "9"},
             "journeys.csv has no version `9` of `purchase`"),
            ("journey_rules", "to_step", "an edge to a step of another journey",
             {**EDGE, "to_step": "first_report"}, "`first_report`",
             "is no step of version 1 of `purchase`", "product_added, checkout_started, contact"),
            ("journey_rules", "trigger", "an edge that something sets off",
             {**EDGE, "trigger": "event", "event_name": "signed_up", "to_step": "contact"},
             "an edge has none"),
            ("journey_rules", "trigger", "an exit by all steps",
             {"trigger": "steps", "event_name": ""}, "for completions only"),
            ("journey_rules", "trigger", "all steps where none is required",
             {"journey": "nowhere", "rule": "completion", "trigger": "steps", "event_name": ""},
             "`nowhere` has none", "is_required"),
            ("journey_rules", "name", "let in again by another name",
             {"journey": "advocacy", "rule": "readmission", "name": "consnt"}, "`consnt`",
             "exclusions are: consent, complained", "Did you mean `consent`?"),
        ]
    ],
    *[
        wrong(f"funnels: {name}", seed, column, change, "T7", *says)
        for seed, column, name, change, *says in [
            ("funnels", None, "no steps", {"funnel": "stepless"}, "`stepless` has 0 steps",
             "funnel_steps.csv"),
            ("funnel_steps", None, "two names of one step", {"step_number": "4"},
             "the rows of step 4 of `signup_to_paid` differ"),
            ("funnel_steps", None, "one event is optional, the other is not",
             {"step_number": "5", "step": "subscribed", "is_optional": "true"},
             "the rows of step 5 of `signup_to_paid` differ"),
            ("funnel_steps", "is_optional", "an optional step of a strict one",
             {"funnel": "search_to_error", "is_optional": "true"}, "`search_to_error` is strict"),
            ("funnel_steps", "is_optional", "an optional step in any order",
             {"funnel": "first_results", "is_optional": "true"}, "`first_results` is any"),
            ("funnel_steps", None, "one event for two steps in any order",
             {"funnel": "first_results", "event_name": "report_created"},
             "step 2 of `first_results` is the same event"),
            ("funnel_steps", "step_number", "an exclusion between steps of a strict one",
             {"funnel": "search_to_error", "role": "exclusion", "step_number": "1"},
             "`search_to_error` is strict"),
            ("funnel_steps", "step_number", "an exclusion after an optional step",
             {"role": "exclusion", "step_number": "3"}, "`3` is no step of `signup_to_paid`",
             "these are: 1, 2, 4"),
            ("funnel_steps", "step_number", "an exclusion after a step that is not there",
             {"role": "exclusion", "step_number": "6"}, "`6` is no step of `signup_to_paid`"),
        ]
    ],
    # a value that is a statement is a wrong value like any other
    wrong("a statement instead of a stage", "stage_rules", "stage",
          {"stage": "x'); drop table a; --"}, "T6", "`x'); drop table a; --`"),
    wrong("Jinja instead of a number", "stage_rules", "rule_number", {"rule_number": "{{ 1 }}"},
          "T4", "`{{ 1 }}`", WHOLE),
    # names under which the marts have something of their own, and numbers that are one in two
    # spellings
    *[
        wrong(f"goals: the name {name}", "goals", "goal", {"goal": name}, "T4", f"`{name}`")
        for name in ("habit_formed", "active_week_4", "all", "revenue")
    ],
    *[
        wrong(f"friction_events: the name {name}", "friction_events", "signal", {"signal": name},
              "T4", f"`{name}`")
        for name in ("page_loop", "quick_back", "complaint")
    ],
    wrong("a number again, in another spelling", "journey_rules", "rule_number",
          {"rule_number": "03"}, "T4", "`03`", WHOLE),
]  # fmt: skip

# told too: each right row of identifier_rules repeats a class, new stages leave gaps, nobody gets
# into the new journeys, the new funnels have no steps, an unknown journey has no versions
COLLATERAL = re.compile(
    r"identifier_rules.csv, row \d+: identifier_class `.*` stands in an earlier"
    r"|stages.csv: no stage has the stage_number \d+;"
    r"|journeys.csv, row \d+: version .* has no entry"
    r"|funnels.csv, row \d+: `.*` has 0 steps that have to be done"
    r"|journeys.csv has no version `1` of `(purchas|zzz)`"
)


@dataclass
class Told:
    """What the one build said, and in which row of its file each case stands."""

    message: str
    places: dict[str, str]


def write_wrong_rows(folder, cases) -> dict[str, str]:
    """Appends a row for each case; returns where it stands, as a message has to say."""
    places = {}
    for number, case in enumerate(cases, start=1000):
        path = folder / f"{case.seed}.csv"
        rows = list(csv.reader(io.StringIO(path.read_text())))
        row = {
            name: value.format(n=number, day=f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}")
            for name, value in RIGHT[case.seed].items()
        }
        row |= case.change
        with path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([row.get(name, "") for name in rows[0]])
        column = f", column {case.column}: " if case.column else ": "
        places[case.name] = f"{os.path.relpath(path, ROOT)}, row {len(rows) + 1}{column}"
    return places


@pytest.fixture(scope="module")
def told(bench, tmp_path_factory) -> Told:
    folder = tmp_path_factory.mktemp("wrong") / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", folder)
    places = write_wrong_rows(folder, WRONG_ROWS)
    return Told(stopped(bench, folder), places)


@pytest.mark.parametrize("case", WRONG_ROWS, ids=str)
def test_a_wrong_row_is_told_with_code_file_row_and_what_is_allowed(told, case):
    here = [line for line in problems(told.message) if told.places[case.name] in line]
    assert [line for line in here if line.startswith(f"[{case.code}]")], here or "not told"
    assert_told(told.message, f"[{case.code}]", told.places[case.name], *case.says)


def test_nothing_but_the_wrong_rows_is_told(told):
    places = list(told.places.values())
    others = [
        line
        for line in problems(told.message)
        if not any(place in line for place in places) and not COLLATERAL.search(line)
    ]
    assert not others


def test_sixty_different_faults_and_more_are_told():
    cases = {str(case) for case in WRONG_ROWS}
    assert len(cases) == len(WRONG_ROWS), "two cases of one name"
    assert len(WRONG_ROWS) >= 60
    assert len(WRONG_ROWS) + len(WRONG_FILES) + sum(map(len, WRONG_VARS)) >= 100
    assert {case.seed for case in WRONG_ROWS} == set(RIGHT), "a seed without a wrong row"
    assert {case.code for case in WRONG_ROWS} == {"T3", "T4", "T5", "T6", "T7"}


# ---------------------------------------------------------------- wrong files


@pytest.fixture
def taxonomy(tmp_path):
    """A copy of the taxonomy, and a way to write one of its files anew."""
    folder = tmp_path / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", folder)

    def change(seed: str, old: str, new: str):
        path = folder / f"{seed}.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return folder

    return change


@pytest.fixture(scope="module")
def scratch_taxonomy(tmp_path_factory):
    """One folder for all faults of files, so that dbt reads the project once."""
    return tmp_path_factory.mktemp("files") / "taxonomy"


HEADER = b"goal,event_name,description"
WRONG_FILES = {
    "a column is missing": (
        lambda text: text.replace(HEADER, b"goal,event_name", 1).replace(b",Signed up", b""),
        ("[T1]", "the column `description` is missing", "goal,event_name,description")),
    "a column is misspelt": (
        lambda text: text.replace(b"goal,", b"goals,", 1),
        ("[T2]", "there is no column `goals`", "Did you mean `goal`?")),
    "a column in capitals": (
        lambda text: text.replace(b"goal,", b"Goal,", 1),
        ("[T1]", "the column `goal` is missing")),
    "a column too many": (
        lambda text: b"\n".join(line + b",x" for line in text.splitlines()) + b"\n",
        ("[T2]", "there is no column `x`")),
    "a column twice": (
        lambda text: text.replace(HEADER, b"goal,event_name,goal", 1),
        ("[T1]", "the column `description` is missing")),
    "a column twice, and none missing": (
        lambda text: b"\n".join(
            line + (b",goal" if line == HEADER else b",x") for line in text.splitlines()) + b"\n",
        ("[T2]", "the column `goal` stands twice")),
    "no header": (
        lambda text: text.split(b"\n", 1)[1], ("[T1]", "the column `goal` is missing")),
    "nothing at all": (lambda text: b"", ("[T1]", "the column `goal` is missing")),
    "a row with a field too few": (
        lambda text: text + b"signup,x\n",
        ("[T9]", "goals.csv, row 7: has 2 fields, the header 3.")),
    "a row with a field too many": (
        lambda text: text + b"signup,x,words,more\n",
        ("[T9]", "goals.csv, row 7: has 4 fields, the header 3.")),
    "a row with an empty field too many": (
        lambda text: text + b"signup,x,words,\n",
        ("[T9]", "goals.csv, row 7: has 4 fields, the header 3.")),
    "a quote that is never closed": (
        lambda text: text + b'signup,x,"words\n', ("[T9]", "goals.csv, row 7: a quotation mark")),
    "a quote that a later row closes": (
        lambda text: text + b'signup,x,"words\nsignup,y,"more"\n',
        ("[T9]", "goals.csv, row 7: a quotation mark")),
    "a row with a field too few, after an empty line and a line break in a field": (
        lambda text: text + b'\nsignup,x,"two\nlines"\nsignup,y\n',
        ("[T9]", "goals.csv, row 9: has 2 fields")),
    "semicolons between the fields": (
        lambda text: text.replace(b",", b";"),
        ("[T1]", "the column `goal` is missing", "semicolons")),
    "Latin-1": (
        lambda text: text + "signup,x,Købt\n".encode("latin-1"), ("[T9]", "UTF-8")),
    "UTF-16": (lambda text: text.decode().encode("utf-16"), ("[T9]", "UTF-8")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_told(bench, scratch_taxonomy, name):
    change, expected = WRONG_FILES[name]
    shutil.rmtree(scratch_taxonomy, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", scratch_taxonomy)
    path = scratch_taxonomy / "goals.csv"
    path.write_bytes(change(path.read_bytes()))
    assert_told(stopped(bench, scratch_taxonomy), "goals.csv", *expected)


def test_a_funnel_may_not_begin_with_a_step_that_can_be_left_out(bench, scratch_taxonomy):
    shutil.rmtree(scratch_taxonomy, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", scratch_taxonomy)
    path = scratch_taxonomy / "funnel_steps.csv"
    first = "checkout,step,1,checkout_started,checkout_started,,,"
    assert f"{first}\n" in path.read_text()
    path.write_text(path.read_text().replace(f"{first}\n", f"{first}true\n"))
    told = stopped(bench, scratch_taxonomy)
    assert_told(told, "[T7]", "funnel_steps.csv", "the first step of `checkout` is optional")
    assert len(problems(told)) == 1


def test_an_optional_last_field_may_not_be_left_out_with_its_comma(bench, scratch_taxonomy):
    shutil.rmtree(scratch_taxonomy, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", scratch_taxonomy)
    path = scratch_taxonomy / "events.csv"
    path.write_text(path.read_text() + "left_out,100,true,false\n")
    (line,) = [n for n, text in enumerate(path.read_text().splitlines(), 1) if "left_out" in text]
    bench.taxonomy = str(scratch_taxonomy)
    run = bench.dbt("build", "--select", "events", check=False)
    assert f"events.csv, row {line}" in str(run)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="a byte order mark"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="Windows line ends"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no line end at the end"),
        pytest.param(lambda text: text + b"\n\n", id="empty lines at the end"),
    ],
)
def test_what_editors_do_to_a_file_changes_nothing(bench, scratch_taxonomy, change):
    shutil.rmtree(scratch_taxonomy, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", scratch_taxonomy)
    path = scratch_taxonomy / "goals.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    path.write_bytes(change(path.read_bytes()))
    bench.taxonomy = str(scratch_taxonomy)
    bench.dbt("seed", "--select", "goals", "--full-refresh")
    assert bench.rows("taxonomy.goals") == rows


# ---------------------------------------------------------------- wrong vars

WHOLE_NUMBER = "it has to be a whole number of at least"
DATE = "it has to be a date or time like"

# var, value, what has to be said; each list is told by one build
WRONG_VARS = [
    [
        ("session_timeout_seconds", 0, f"{WHOLE_NUMBER} 1"),
        ("session_cap_hours", -1, f"{WHOLE_NUMBER} 0"),
        ("dormant_after_days", "60", "without quotes"),
        ("habit_days", 2.5, f"{WHOLE_NUMBER} 1"),
        ("habit_window_days", True, f"{WHOLE_NUMBER} 1"),
        ("earliest_event_at", "", f"{DATE} 2000-01-01"),
        ("as_of", "yesterday", f"{DATE} 2026-01-31 06:00:00"),
        ("reporting_timezone", "Europe/Kopenhagen", "Did you mean `Europe/Copenhagen`?"),
        ("reporting_currency", "euro", "currency code like EUR"),
        ("event_properties", "feature", "it has to be a list"),
        ("sesion_timeout_seconds", 60, "Did you mean `session_timeout_seconds`?"),
        ("event_propertys", ["a"], "Did you mean `event_properties`?"),
    ],
    [
        ("session_timeout_seconds", [1800], f"{WHOLE_NUMBER} 1"),
        ("session_cap_hours", {"hours": 24}, f"{WHOLE_NUMBER} 0"),
        ("dormant_after_days", None, "is missing"),
        ("habit_days", -3, f"{WHOLE_NUMBER} 1"),
        ("habit_window_days", "", f"{WHOLE_NUMBER} 1"),
        ("earliest_event_at", 20000101, f"{DATE} 2000-01-01"),
        ("as_of", "31.01.2026", f"{DATE} 2026-01-31 06:00:00"),
        ("reporting_timezone", ["Europe/Copenhagen"], "time zone name like Europe/Copenhagen"),
        ("reporting_currency", ["EUR"], "currency code like EUR"),
        ("raw_files", ["segment"], "it has to be a mapping"),
    ],
    [
        ("as_of", "2026-02-30", DATE),
        ("earliest_event_at", "2000-13-01", DATE),
        ("reporting_timezone", {"name": "UTC"}, "time zone name like Europe/Copenhagen"),
        ("reporting_currency", "EUR\n", "`EUR\\n`; it has to be a currency code like EUR"),
        ("session_timeout_seconds", False, f"{WHOLE_NUMBER} 1"),
        ("dormant_after_days", 10**12, "`dormant_after_days`"),
        ("event_properties", [1], "var `event_properties`: entry 1 is `1`"),
        ("session_cap_hours", None, "is missing"),
    ],
    [
        ("as_of", "2026-01-31 06:00:00\n", DATE),
        ("earliest_event_at", "2000-02-30 25:00:00", DATE),
        ("reporting_currency", "XXX", "fx_rates.csv"),
        ("reporting_timezone", "CEST", "time zone name like Europe/Copenhagen"),
        ("event_properties", [None], "var `event_properties`: entry 1 is `None`"),
        ("habit_days", 30, "habit_window_days"),
        ("session_timeout_seconds", "", f"{WHOLE_NUMBER} 1"),
    ],
]


def case_of(*case, name: str, defect: str = ""):
    marks = [pytest.mark.xfail(strict=True, reason=defect)] if defect else []
    return pytest.param(*case, id=name, marks=marks)


@pytest.fixture(scope="module")
def told_of_vars(bench) -> list[str]:
    return [
        stopped(bench, "seeds/taxonomy", **{name: value for name, value, *_ in batch})
        for batch in WRONG_VARS
    ]


@pytest.mark.parametrize(
    ("batch", "name", "says"),
    [
        case_of(batch, name, says, name=f"{name}={json.dumps(value)}", defect="".join(defect))
        for batch, cases in enumerate(WRONG_VARS)
        for name, value, says, *defect in cases
    ],
)
def test_a_wrong_var_is_told_among_others(told_of_vars, batch, name, says):
    assert_told(told_of_vars[batch], f"var `{name}`", says)


# the vars of one build, and what has to be said of each; a defect is of the whole build, which then
# stops in the machinery
WRONG_SHAPES = [
    (
        {
            "sources": {"segment": "events", "commerce": [None, ["events"], 1, "event"]},
            "generic_tables": {"event": {}, "events": {"t": {"columns": {"user": "u"}}}},
        },
        [
            ("[S2]", "segment", "list"),
            ("[S3]", "commerce", "`None`", "offers are events, identity_links"),
            ("[S3]", "commerce", "`['events']`", "Did you mean `events`?"),
            ("[S3]", "commerce", "`1`"),
            ("[S3]", "commerce", "`event`", "Did you mean `events`?"),
            ("[S3]", "`generic_tables`", "`event`", "Did you mean `events`?"),
            ("[S5]", "events, t", "no column `user`", "Did you mean `user_id`?"),
        ],
        "",
    ),
    ({"sources": {}}, [("[S1]", "name at least one source")], ""),
    (
        {
            "sources": {"segment": {"events": 1}, "commerce": []},
            "raw_files": {"segment": ["a"], "commerce": 3, "segmnt": "x/{table}"},
            "generic_tables": {"events": {"t": {"colums": {}}}},
        },
        [
            ("`sources`, segment", "list"),
            ("`sources`, commerce", "list"),
            ("`raw_files`, segment", "path"),
            ("`raw_files`, commerce", "path"),
            ("`raw_files`", "`segmnt`", "Did you mean `segment`?"),
            ("`generic_tables`, events, t", "`colums`", "Did you mean `columns`?"),
        ],
        "",
    ),
    ({"sources": None, "generic_tables": 3}, [("`sources`",), ("`generic_tables`",)], ""),
    ({"sources": "segment", "generic_tables": None}, [("`sources`", "mapping")], ""),
    ({"sources": ["segment"]}, [("`sources`", "mapping")], ""),
    (
        {
            "sources": {"segment": None, "commerce": 3},
            "event_properties": [["a"]],
            "generic_tables": {
                "events": {"t": None, "u": {"columns": None}, "v": {"columns": {"user_id": 3}}},
                "identity_links": None,
                "subscriptions": ["t"],
            },
        },
        [
            ("`sources`, segment", "list"),
            ("`sources`, commerce", "list"),
            ("`event_properties`", "`['a']`"),
            ("`generic_tables`, events, t",),
            ("`generic_tables`, events, u",),
            ("`generic_tables`, events, v", "`user_id`"),
            ("`generic_tables`, identity_links",),
            ("`generic_tables`, subscriptions",),
        ],
        "",
    ),
    (
        {"sources": {"segmnt": ["events"], "ads": ["subscriptions"]}},
        [("`sources`", "segmnt"), ("[S4]", "ads", "subscriptions", "docs/add_a_source.md")],
        "dbt itself stops at a model that is not there, while it reads the project, before S4",
    ),
]


@pytest.fixture(scope="module")
def told_of_shapes(bench) -> list[str]:
    return [stopped(bench, "seeds/taxonomy", **variables) for variables, *_ in WRONG_SHAPES]


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        case_of(batch, says, name=f"{batch}: {' '.join(says)}", defect=defect)
        for batch, (_, cases, defect) in enumerate(WRONG_SHAPES)
        for says in cases
    ],
)
def test_a_wrong_shape_of_a_var_is_told(told_of_shapes, batch, expected):
    assert_told(told_of_shapes[batch], *expected)


# ---------------------------------------------------------------- raw tables and settings


def test_a_registered_source_whose_table_is_missing_is_told(raw, tmp_path):
    bench = Bench(tmp_path / "bench", tmp_path / "raw")
    shutil.copytree(raw, bench.raw)
    shutil.rmtree(bench.raw / "commerce" / "orders")
    message = stopped(bench)
    assert_told(message, "[R1] raw table commerce.orders is missing")
    assert_told(message, "take `commerce` out of var `sources`")


def test_a_missing_optional_table_builds(raw, tmp_path):
    bench = Bench(tmp_path / "bench", tmp_path / "raw")
    shutil.copytree(raw, bench.raw)
    shutil.rmtree(bench.raw / "segment" / "aliases")
    bench.build(select=["+int_identity_links_unioned"])
    rows = bench.rows("select distinct evidence from intermediate.int_identity_links_unioned")
    assert {row["evidence"] for row in rows} == {"identify", "group", "customer"}


def test_a_changed_setting_asks_for_a_full_refresh(sample_company, tmp_path):
    copy = sample_company.bench.copy_to(tmp_path)
    message = stopped(copy, session_timeout_seconds=3600)
    assert_told(message, "[C1]", "from 1800 to 3600", "--full-refresh")


def test_a_quote_in_a_var_or_seed_stays_a_value(sample_company, tmp_path, taxonomy):
    hostile = "x'; drop table marts.fct_sessions; --"
    folder = taxonomy("channel_rules", "1,Direct,", f'1,"{hostile}",')
    bench = Bench(tmp_path / "bench", sample_company.bench.raw)
    bench.taxonomy = str(folder)
    bench.build(select=["+fct_sessions"])
    groups = bench.rows("select distinct channel_group from marts.fct_sessions")
    assert {"channel_group": hostile} in groups


def test_an_absolute_taxonomy_path_stops_before_dbt_writes_over_the_seeds(raw, tmp_path, taxonomy):
    folder = taxonomy("goals", "goal,event_name", "goal,event_name")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    bench = Bench(tmp_path / "bench", raw)
    bench.manifest()

    # the harness itself never gives an absolute path
    class Absolute(Bench):
        @property
        def environment(self):
            return {**super().environment, "JOURNEY_TAXONOMY": str(folder)}

    message = stopped(Absolute(tmp_path / "bench", raw), folder)
    assert "[T8]" in message
    assert f"{'../' * len(ROOT.parts[1:])}{str(folder)[1:]}" in message
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
