"""The oracle, held against small stories whose ends are worked out by hand."""

import random
import time
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from oracle import (
    Canonical,
    Settings,
    Taxonomy,
    account,
    content_of,
    identifier_id,
    md5,
    run,
)

# ---------------------------------------------------------------- a small world to tell stories in

NOON = datetime(2024, 1, 1, 12)
MICROSECOND = timedelta(microseconds=1)


def at(days=0, **parts):
    return NOON + timedelta(days=days, **parts)


def rows(columns, *lines):
    names = columns.split()
    return [dict(zip(names, (v.strip() for v in line.split(",")), strict=True)) for line in lines]


def taxonomy(**changed):
    seeds = {
        "identifier_rules": rows(
            "identifier_class class_priority is_strong may_merge_strong max_strong",
            "user_id, 1, true, true, 0",
            "customer_id, 2, true, true, 0",
            "email_hash, 3, true, true, 2",
            "phone_hash, 4, false, false, 0",
            "device_id, 5, false, false, 0",
            "anonymous_id, 6, false, false, 0",
        ),
        "events": rows(
            "event_name event_priority is_interactive is_core touchpoint_type",
            "signed_up, 10, , , ",
            "used, , , true, ",
            "e_mail_opened, , false, , ",
            "paid, , , , ",
        ),
        "stages": rows(
            "stage stage_number", "acquisition, 1", "activation, 2", "adoption, 3", "expansion, 4"
        ),
        "stage_rules": rows(
            "effect stage trigger event_name",
            "enter, activation, event, signed_up",
            "enter, adoption, habit, ",
            "enter, expansion, event, paid",
            "exit, , event, subscription_cancelled",
        ),
        "placeholder_identifiers": rows("match_type value", "exact, null", "pattern, [0-]+"),
        "excluded_traffic": rows("rule_number field pattern reason", "1, user_agent, bot, robots"),
    }
    return Taxonomy(**(seeds | changed))


BOOKKEEPING = {
    "source_name": "web",
    "source_table": "t",
    "load_id": "l1",
    "loaded_at": at(300),
    "reject_reason": None,
}


def event(event_id, occurred_at=NOON, name="looked", **columns):
    return {
        **BOOKKEEPING,
        "event_id": event_id,
        "event_type": "track",
        "raw_event_name": name,
        "occurred_at": occurred_at,
        "received_at": occurred_at,
        **columns,
    }


def link(**columns):
    return {**BOOKKEEPING, "link_row_id": "k", "evidence": "identify", **columns}


def subscription(**columns):
    return {**BOOKKEEPING, "subscription_id": "s", "updated_at": NOON, **columns}


def story(*events, links=(), subscriptions=(), seeds=None, as_of=None, **settings):
    return run(
        Canonical(list(events), list(links), list(subscriptions)),
        taxonomy(**(seeds or {})),
        Settings(as_of=as_of or at(365), **settings),
    )


def key(identifier):
    """'user_id:ann' -> its identifier_id."""
    return identifier_id(tuple(identifier.split(":")))


def person(result, identifier):
    return result.identifiers[key(identifier)][1]


def is_shared(result, identifier):
    return result.identifiers[key(identifier)][2]


def is_known(result, identifier):
    return result.identifiers[key(identifier)][3]


def done_by(result, event_id):
    return result.events[event_id]["person_id"]


def name_of(row, **seeds):
    return story(row, seeds=seeds).events[row["event_id"]]["event_name"]


def stays(result, person_id=None):
    return [
        (p["stage"], p["started_at"], p["ended_at"], p["entry_reason"], p["exit_reason"])
        for p in result.stage_periods
        if person_id in (None, p["person_id"])
    ]


# ---------------------------------------------------------------- copies and accounts


def test_the_copy_received_first_wins_and_one_without_a_receipt_comes_last():
    early, late = event("e", name="early"), event("e", received_at=at(1), name="late")
    none = event("e", received_at=None, name="none")
    assert story(none, late, early).events["e"]["event_name"] == "early"
    assert story(none, late).events["e"]["event_name"] == "late"


def test_among_copies_received_together_the_smallest_content_wins():
    copies = [event("e", name=name) for name in ("red", "green", "blue")]
    expected = min(copies, key=lambda row: content_of(row, "event_id"))["raw_event_name"]
    assert {story(*order).events["e"]["event_name"] for order in (copies, copies[::-1])} == {
        expected
    }


def test_the_order_of_content_can_be_replaced():
    copies = [event("e", name=name) for name in ("red", "green", "blue")]
    result = run(
        Canonical(copies),
        taxonomy(),
        Settings(as_of=NOON),
        event_content=lambda row: row["raw_event_name"],
    )
    assert result.events["e"]["event_name"] == "blue"


def test_content_is_the_md5_of_the_columns_joined_by_bars():
    row = event("e", name="looked", user_id="ann", amount=Decimal("1.5"), properties="{}")
    text = "track|looked|2024-01-01 12:00:00.000000||||ann" + 19 * "|" + "1.5000|||{}"
    assert content_of(row, "event_id") == md5(text)
    text = "ann|||pro|||||2024-01-01 12:00:00.000000|||9.0000|EUR"
    row = subscription(
        user_id="ann", plan="pro", started_at=NOON, mrr_amount=9, currency_code="EUR"
    )
    assert content_of(row, "subscription_id") == md5(text)


def test_a_rejected_copy_neither_wins_nor_is_evidence():
    result = story(
        event("e", reject_reason="bad", received_at=at(-1), user_id="eve", name="bad"),
        event("e", anonymous_id="a"),
    )
    assert result.events["e"]["event_name"] == "looked"
    assert key("user_id:eve") not in result.identifiers


def test_a_losing_copy_is_still_evidence():
    result = story(
        event("e", anonymous_id="a"),
        event("e", anonymous_id="a", user_id="ann", received_at=at(1)),
    )
    assert person(result, "anonymous_id:a") == key("user_id:ann")


def test_every_raw_row_has_one_fate():
    raw = [
        event("e", load_id="l1"),
        event("e", load_id="l2", received_at=at(1)),
        event("e", load_id="l2", reject_reason="bad"),
        event(None, load_id="l2", reject_reason="missing_event_id"),
        event("robot", load_id="l2", user_agent="Some BOT"),
        event("robot", load_id="l3", user_agent="Some BOT", received_at=at(1)),
    ]
    assert story(*raw).account(raw, "event_id") == {
        ("web", "t", "l1"): Counter(raw=1, accepted=1),
        ("web", "t", "l2"): Counter(raw=4, duplicate=1, rejected=2, suppressed=1),
        ("web", "t", "l3"): Counter(raw=1, duplicate=1),
    }


def test_of_identical_rows_exactly_one_is_accepted_and_it_is_the_earliest_delivery():
    raw = [
        event("e", load_id="l2", loaded_at=at(301)),
        event("e", load_id="l9"),
        event("e", load_id="l9", source_table="u"),
    ]
    assert account(raw, "event_id") == {
        ("web", "t", "l2"): Counter(raw=1, duplicate=1),
        ("web", "t", "l9"): Counter(raw=1, accepted=1),
        ("web", "u", "l9"): Counter(raw=1, duplicate=1),
    }


def test_one_row_twice_in_the_list_is_one_accepted_and_one_duplicate():
    assert account([event("e")] * 2, "event_id") == {
        ("web", "t", "l1"): Counter(raw=2, accepted=1, duplicate=1)
    }


def test_the_newest_version_of_a_subscription_wins_then_the_greatest_content():
    old = subscription(load_id="old", plan="a")
    new = [subscription(load_id=plan, plan=plan, updated_at=at(1)) for plan in "bcd"]
    undated = subscription(load_id="undated", updated_at=None)
    best = max(new, key=lambda row: content_of(row, "subscription_id"))
    for order in ([undated, old, *new], [*new[::-1], old, undated]):
        accounts = account(order, "subscription_id")
        assert [load for (_, _, load), n in accounts.items() if n["accepted"]] == [best["plan"]]


def test_a_subscription_gives_an_event_for_each_moment_that_it_has():
    result = story(
        subscriptions=[
            subscription(user_id="ann", trial_started_at=at(-9), started_at=NOON),
            subscription(user_id="ann", started_at=at(-1), updated_at=at(-1), email_hash="m"),
        ]
    )
    trial, start = (
        md5(f"web|subscriptions|s|{n}") for n in ("trial_started", "subscription_started")
    )
    assert set(result.events) == {trial, start}
    assert result.events[start]["event_name"] == "subscription_started"
    assert result.events[start]["occurred_at"] == NOON
    assert not result.events[start]["is_interactive"]
    assert done_by(result, trial) == key("user_id:ann")
    # the older version is evidence all the same
    assert person(result, "email_hash:m") == key("user_id:ann")


# ---------------------------------------------------------------- placeholders


def test_an_identifier_is_the_md5_of_its_class_and_its_trimmed_value():
    result = story(event("e", user_id=" Ann "))
    assert set(result.identifiers) == {md5("user_id:Ann")}


@pytest.mark.parametrize("value", [None, "", "  ", " NULL ", "0", "000-000"])
def test_a_placeholder_is_nobody(value):
    result = story(event("e", user_id=value, anonymous_id="a"))
    assert set(result.identifiers) == {key("anonymous_id:a")}


@pytest.mark.parametrize("value", ["nullable", "0a"])
def test_a_value_that_only_begins_like_a_placeholder_is_somebody(value):
    assert set(story(event("e", user_id=value)).identifiers) == {md5(f"user_id:{value}")}


def test_an_event_with_only_placeholders_is_an_unknown_person_of_its_own():
    result = story(event("e", anonymous_id="null"), event("f", anonymous_id="null"))
    assert result.identifiers == {}
    assert result.events["e"]["endpoint_id"] == done_by(result, "e") == md5("event:e")
    assert done_by(result, "f") == md5("event:f")
    assert len(result.sessions) == len(result.person_days) == 2


# ---------------------------------------------------------------- identity


def test_a_login_years_later_names_the_anonymous_events_before_it():
    result = story(
        event("e", at(-1000), anonymous_id="a"), event("f", anonymous_id="a", user_id="ann")
    )
    assert done_by(result, "e") == key("user_id:ann")
    assert is_known(result, "anonymous_id:a")


def test_an_anonymous_person_is_called_after_its_strongest_identifier_and_is_not_known():
    result = story(event("e", anonymous_id="a", device_id="d"))
    assert person(result, "anonymous_id:a") == key("device_id:d")
    assert not is_known(result, "device_id:d")


def test_two_users_joined_by_one_e_mail_are_one_person_with_the_smaller_id():
    result = story(
        event("e", user_id="ann", email_hash="m"), event("f", user_id="anne", email_hash="m")
    )
    smaller = min(key("user_id:ann"), key("user_id:anne"))
    assert {facts[1] for facts in result.identifiers.values()} == {smaller}


def test_an_e_mail_of_more_users_than_allowed_is_shared_and_stands_alone():
    users = ("ann", "bob", "cid")
    result = story(
        *(event(f"e{u}", user_id=u, email_hash="m") for u in users), event("f", email_hash="m")
    )
    assert is_shared(result, "email_hash:m")
    for user in users:
        assert person(result, f"user_id:{user}") == key(f"user_id:{user}")
    assert done_by(result, "f") == key("email_hash:m")
    assert is_known(result, "email_hash:m")


def test_a_user_id_is_never_shared():
    result = story(
        *(event(f"e{m}", user_id="ann", email_hash=m) for m in "mnopq"),
        seeds={
            "identifier_rules": [row | {"max_strong": "1"} for row in taxonomy().identifier_rules]
        },
    )
    assert not any(facts[2] for facts in result.identifiers.values())
    assert {facts[1] for facts in result.identifiers.values()} == {key("user_id:ann")}


def test_a_link_goes_from_the_strongest_identifier_to_each_other_one_and_no_further():
    identifier_rules = [row | {"max_strong": "1"} for row in taxonomy().identifier_rules]
    result = story(
        event("e", customer_id="c", user_id="ann"),
        event("f", customer_id="c", user_id="bob"),
        event("g", customer_id="c", email_hash="m", device_id="d"),
        seeds={"identifier_rules": identifier_rules},
    )
    # the shared customer is the centre: e-mail and device hang on it, not on one another
    assert is_shared(result, "customer_id:c")
    assert person(result, "email_hash:m") == key("email_hash:m")
    assert person(result, "device_id:d") == key("device_id:d")


def test_a_device_of_two_users_is_shared_and_merges_nobody():
    result = story(
        event("e", device_id="d", user_id="ann"), event("f", device_id="d", user_id="bob")
    )
    assert is_shared(result, "device_id:d")
    assert person(result, "device_id:d") == key("device_id:d")
    assert not is_known(result, "device_id:d")
    assert person(result, "user_id:ann") != person(result, "user_id:bob")


def test_a_device_of_two_users_who_are_one_person_is_not_shared():
    result = story(
        event("e", device_id="d", user_id="ann", email_hash="m"),
        event("f", device_id="d", user_id="bob", email_hash="m"),
    )
    assert not is_shared(result, "device_id:d")
    assert len({facts[1] for facts in result.identifiers.values()}) == 1


def test_a_device_seen_with_a_user_and_a_shared_e_mail_belongs_to_the_user():
    result = story(
        *(event(f"e{u}", user_id=u, email_hash="m") for u in ("ann", "bob", "cid")),
        event("f", device_id="d", user_id="ann"),
        event("g", device_id="d", email_hash="m"),
    )
    assert person(result, "device_id:d") == key("user_id:ann")


def test_a_weak_component_attached_to_one_cluster_belongs_to_it_wholly():
    result = story(
        event("e", anonymous_id="a", user_id="ann"),
        links=[
            link(anonymous_id="b", previous_anonymous_id="a"),
            link(anonymous_id="c", previous_anonymous_id="b"),
        ],
    )
    assert person(result, "anonymous_id:c") == key("user_id:ann")


def test_an_ambiguous_weak_component_falls_apart_into_attachments_and_single_ones():
    result = story(
        event("e", anonymous_id="a", user_id="ann"),
        event("f", anonymous_id="b", user_id="bob"),
        event("g", anonymous_id="a", device_id="d"),
        event("h", anonymous_id="b", device_id="d"),
    )
    assert not is_shared(result, "device_id:d")
    assert person(result, "anonymous_id:a") == key("user_id:ann")
    assert person(result, "anonymous_id:b") == key("user_id:bob")
    assert person(result, "device_id:d") == key("device_id:d")


def test_a_shared_identifier_does_not_carry_a_weak_component_on():
    result = story(
        event("e", device_id="d", user_id="ann"),
        event("f", device_id="d", user_id="bob"),
        event("g", device_id="d", anonymous_id="a"),
        event("h", device_id="d", anonymous_id="b"),
    )
    assert person(result, "anonymous_id:a") == key("anonymous_id:a")
    assert person(result, "anonymous_id:b") == key("anonymous_id:b")


def test_suppressed_events_are_evidence_and_nothing_else():
    result = story(event("e", anonymous_id="a", user_id="ann", user_agent="GoogleBot/2"))
    assert person(result, "anonymous_id:a") == key("user_id:ann")
    assert result.events["e"]["is_suppressed"]
    assert not (result.sessions or result.person_days or result.stage_periods)


# ---------------------------------------------------------------- classification

RULE = "rule_number source_name event_type raw_event_name property pattern amount_sign event_name"


@pytest.mark.parametrize(
    ("event_type", "name", "expected"),
    [
        ("track", "  Order Completed!! ", "order_completed"),
        ("server", "a--B__c", "a_b_c"),
        ("track", "Prüfung 2", "pr_fung_2"),
        ("page", "Home", "page_viewed"),
        ("screen", None, "screen_viewed"),
    ],
)
def test_without_a_rule_the_name_is_the_snake_of_the_raw_name(event_type, name, expected):
    assert name_of(event("e", name=name, event_type=event_type)) == expected


def test_the_matching_rule_with_the_smallest_number_as_a_number_wins():
    rules = rows(RULE, "10, , , , , , , ten", "9, , , , , , , nine", "1, app, , , , , , app")
    assert name_of(event("e"), event_rules=rules) == "nine"
    assert name_of(event("e", source_name="app"), event_rules=rules) == "app"


@pytest.mark.parametrize(
    ("rule", "columns", "matches"),
    [
        ("1, , page, , page_path, ^/pricing, , hit", {"page_path": "/pricing/eu"}, True),
        ("1, , page, , page_path, ^/pricing, , hit", {"page_path": "/a/pricing"}, False),
        ("1, , page, , page_path, ^/pricing, , hit", {}, False),
        ("1, , page, , page_host, shop, , hit", {"page_host": "my.shop.test"}, True),
        ("1, , track, , page_host, shop, , hit", {"page_host": "my.shop.test"}, False),
        ("1, , , , plan, ^pro$, , hit", {"properties": '{"plan": "pro"}'}, True),
        ("1, , , , seats, ^12$, , hit", {"properties": '{"seats": 12}'}, True),
        ("1, , , , trial, ^true$, , hit", {"properties": '{"trial": true}'}, True),
        ("1, , , , plan, , , hit", {"properties": '{"plan": null}'}, False),
        ("1, , , , plan, , , hit", {"properties": "not json"}, False),
        ("1, , , Looked, , , , hit", {}, False),
        ("1, , , looked, , , , hit", {}, True),
        ("1, , , , , , positive, hit", {"amount": Decimal("0.01")}, True),
        ("1, , , , , , negative, hit", {"amount": Decimal("-5")}, True),
        ("1, , , , , , zero, hit", {"amount": Decimal("0")}, True),
        ("1, , , , , , zero, hit", {"amount": None}, False),
    ],
)
def test_a_rule_matches_when_each_of_its_conditions_does(rule, columns, matches):
    row = event("e", event_type="page", **columns)
    assert name_of(row, event_rules=rows(RULE, rule)) == ("hit" if matches else "page_viewed")


def test_priority_and_interactivity_come_from_the_seed_or_else_by_default():
    result = story(
        event("e", name="signed_up"),
        event("f", name="e_mail_opened"),
        event("g", event_type="server"),
    )
    facts = [(e["event_priority"], e["is_interactive"]) for e in result.events.values()]
    assert facts == [(10, True), (100, False), (100, False)]


# ---------------------------------------------------------------- sessions


def sizes(result):
    return sorted(
        (s["started_at"], s["ended_at"], s["event_count"]) for s in result.sessions.values()
    )


def test_a_gap_of_exactly_the_timeout_begins_a_new_session():
    second, third = at(minutes=30) - MICROSECOND, at(minutes=60) - MICROSECOND
    result = story(
        event("e", anonymous_id="a"),
        event("f", second, anonymous_id="a"),
        event("g", third, anonymous_id="a"),
    )
    assert sizes(result) == [(NOON, second, 2), (third, third, 1)]
    endpoint_id = key("anonymous_id:a")
    assert set(result.sessions) == {md5(f"{endpoint_id}|e"), md5(f"{endpoint_id}|g")}


def test_events_of_one_moment_are_ordered_by_priority_and_then_by_id():
    result = story(
        event("b", anonymous_id="a"),
        event("c", name="signed_up", anonymous_id="a"),
        event("a", anonymous_id="a"),
    )
    assert set(result.sessions) == {md5(key("anonymous_id:a") + "|c")}


def test_a_long_run_is_cut_at_whole_multiples_of_the_cap_after_its_first_event():
    # an event every 20 minutes for 3 hours: cuts at one and at two hours after the first
    run_of_events = [event(f"e{n}", at(minutes=20 * n), anonymous_id="a") for n in range(9)]
    result = story(*run_of_events, session_cap_hours=1)
    assert [size for *_, size in sizes(result)] == [3, 3, 3]
    assert len(story(*run_of_events, session_cap_hours=0).sessions) == 1
    # the cut lies on the grid of the run, not one cap after the session's own first event
    later = [event(f"e{n}", at(minutes=n), anonymous_id="a") for n in (0, 50, 70, 119, 121)]
    result = story(*later, session_cap_hours=1, session_timeout_seconds=3600)
    assert [size for *_, size in sizes(result)] == [2, 2, 1]
    # and a run that begins after a gap has a grid of its own
    again = [event(f"e{n}", at(minutes=n), anonymous_id="a") for n in (0, 45, 65, 85)]
    assert [size for *_, size in sizes(story(*again, session_cap_hours=1))] == [1, 3]


def test_events_that_are_not_interactive_have_no_session_and_keep_none_open():
    result = story(
        event("e", anonymous_id="a"),
        event("f", at(minutes=20), event_type="server", anonymous_id="a"),
        event("g", at(minutes=40), anonymous_id="a"),
    )
    assert result.events["f"]["session_id"] is None
    assert len(result.sessions) == 2


def test_the_endpoint_is_the_anonymous_id_first_and_the_phone_last():
    weakest_first = [
        ("phone_hash", "p"),
        ("email_hash", "m"),
        ("customer_id", "c"),
        ("user_id", "u"),
        ("device_id", "d"),
        ("anonymous_id", "a"),
    ]
    columns = {}
    for name, value in weakest_first:
        columns[name] = value
        result = story(event("e", **columns))
        assert result.events["e"]["endpoint_id"] == key(f"{name}:{value}")


# ---------------------------------------------------------------- who did it


def test_anonymous_events_on_a_shared_device_belong_to_the_user_of_the_session():
    result = story(
        event("before", at(minutes=0), device_id="d"),
        event("ann", at(minutes=5), device_id="d", user_id="ann"),
        event("between", at(minutes=10), device_id="d"),
        event("bob", at(minutes=15), device_id="d", user_id="bob"),
        event("after", at(minutes=20), device_id="d"),
        event("mail", at(minutes=21), "e_mail_opened", device_id="d"),
        event("next_day", at(1), device_id="d"),
    )
    ann, bob, device = (key(i) for i in ("user_id:ann", "user_id:bob", "device_id:d"))
    assert done_by(result, "before") == ann
    assert done_by(result, "between") == bob  # the next login comes before the last one
    assert done_by(result, "after") == bob
    assert done_by(result, "mail") == device  # not interactive: in no session
    assert done_by(result, "next_day") == device


def test_a_session_belongs_to_the_person_of_its_first_event_with_a_user():
    result = story(
        event("e", anonymous_id="a", email_hash="m"),
        event("f", at(minutes=1), anonymous_id="a", user_id="ann"),
        event("g", at(minutes=2), anonymous_id="a", user_id="bob"),
    )
    assert [s["person_id"] for s in result.sessions.values()] == [key("user_id:ann")]
    result = story(event("e", anonymous_id="a", email_hash="m"), event("f", anonymous_id="a"))
    assert [s["person_id"] for s in result.sessions.values()] == [key("email_hash:m")]


def test_the_strongest_strong_identifier_of_an_event_says_who_did_it():
    # the e-mail is shared, so each of the three classes is another person
    crowd = [event(f"e{u}", user_id=u, email_hash="m") for u in ("ann", "bob", "cid")]
    for columns, expected in [
        ({"user_id": "ann", "customer_id": "c"}, "user_id:ann"),
        ({"customer_id": "c", "email_hash": "m", "device_id": "d"}, "customer_id:c"),
        ({"email_hash": "m", "device_id": "d"}, "email_hash:m"),
        ({"phone_hash": "p", "device_id": "d"}, "phone_hash:p"),
    ]:
        assert done_by(story(*crowd, event("x", **columns)), "x") == key(expected)


# ---------------------------------------------------------------- person days and habits


def test_a_person_day_is_a_local_day():
    result = story(
        event("e", datetime(2024, 3, 9, 4, 59), "used", user_id="ann"),
        event("f", datetime(2024, 3, 9, 5, 0), user_id="ann"),
        event("g", datetime(2024, 3, 10, 3, 0), "used", user_id="ann"),
        event("h", datetime(2024, 3, 10, 3, 10), "used", user_id="ann"),
        event("i", datetime(2024, 3, 10, 3, 20), "e_mail_opened", user_id="ann"),
        reporting_timezone="America/New_York",
    )
    ann = key("user_id:ann")
    assert set(result.person_days) == {(ann, date(2024, 3, 8)), (ann, date(2024, 3, 9))}
    assert result.person_days[ann, date(2024, 3, 9)] == {
        "first_event_at": datetime(2024, 3, 9, 5, 0),
        "last_event_at": datetime(2024, 3, 10, 3, 10),
        "event_count": 3,
        "core_event_count": 2,
        "first_core_event_at": datetime(2024, 3, 10, 3, 0),
        "session_count": 2,
    }


def used_on(*days):
    return [event(f"u{day}", at(day), "used", user_id="ann") for day in days]


def test_the_third_core_day_within_28_days_is_a_habit_and_within_29_it_is_not():
    result = story(*used_on(0, 10, 27), as_of=at(28))
    assert stays(result) == [
        ("acquisition", at(0), at(27), "first_seen", "advanced"),
        ("adoption", at(27), None, "advanced", None),
    ]
    assert [stage for stage, *_ in stays(story(*used_on(0, 10, 28)))] == ["acquisition"]


def test_a_habit_is_looked_for_among_the_last_days_not_only_the_first_ones():
    result = story(*used_on(0, 20, 40, 47), as_of=at(50))
    assert [(s, start) for s, start, *_ in stays(result)] == [
        ("acquisition", at(0)),
        ("adoption", at(47)),
    ]


def test_many_core_events_on_one_day_are_one_core_day():
    many = [event(f"m{n}", at(minutes=n), "used", user_id="ann") for n in range(5)]
    assert len(stays(story(*many, *used_on(1)))) == 1


def test_the_habit_is_signalled_at_the_first_core_event_of_its_day():
    morning = event("m", at(2, hours=-3), user_id="ann")
    evening = event("n", at(2, hours=3), "used", user_id="ann")
    result = story(morning, evening, *used_on(0, 1, 2))
    assert stays(result)[1][:2] == ("adoption", at(2))


# ---------------------------------------------------------------- stages


def did(days, name="looked", **columns):
    return event(f"{name}@{days}", at(days), name, user_id="ann", **columns)


def cancelled(days):
    return did(days, "subscription_cancelled", event_type="server")


def test_a_person_advances_skips_stages_and_never_falls_back_while_in():
    result = story(
        did(0), did(1, "signed_up"), did(2), did(3, "paid"), did(4, "signed_up"), as_of=at(5)
    )
    assert stays(result) == [
        ("acquisition", at(0), at(1), "first_seen", "advanced"),
        ("activation", at(1), at(3), "advanced", "advanced"),
        ("expansion", at(3), None, "advanced", None),
    ]


def test_an_enter_event_on_the_server_is_activity_and_an_exit_or_another_one_is_not():
    server = {"event_type": "server"}
    result = story(did(0, "paid", **server), did(70, "synced", **server), cancelled(80))
    assert stays(result) == [("expansion", at(0), at(60), "first_seen", "dormant")]


def test_activity_at_exactly_the_dormancy_limit_is_a_return():
    assert stays(story(did(0), did(60), as_of=at(61))) == [
        ("acquisition", at(0), at(60), "first_seen", "dormant"),
        ("acquisition", at(60), None, "returned", None),
    ]
    just_before = event("e", at(60) - MICROSECOND, user_id="ann")
    assert len(stays(story(did(0), just_before))) == 1


def test_a_stay_that_ends_exactly_at_as_of_is_closed_and_later_it_is_open():
    assert stays(story(did(0), as_of=at(60)))[0][2] == at(60)
    assert stays(story(did(0), as_of=at(60) - MICROSECOND))[0][2:] == (None, "first_seen", None)


def test_who_returns_from_dormancy_returns_to_the_stage_he_had():
    result = story(did(0, "paid"), did(1, "signed_up"), did(100), as_of=at(101))
    assert stays(result)[1] == ("expansion", at(100), None, "returned", None)


def test_who_churns_and_returns_begins_again():
    result = story(
        did(0, "paid"), did(1), cancelled(5), did(10), did(11, "signed_up"), as_of=at(12)
    )
    assert stays(result) == [
        ("expansion", at(0), at(5), "first_seen", "churned"),
        ("acquisition", at(10), at(11), "returned", "advanced"),
        ("activation", at(11), None, "advanced", None),
    ]


def test_who_churns_last_is_in_no_stage():
    assert stays(story(did(0), cancelled(5), as_of=at(6))) == [
        ("acquisition", at(0), at(5), "first_seen", "churned")
    ]


def test_an_exit_at_exactly_the_dormancy_limit_is_dormancy():
    assert stays(story(did(0), cancelled(60)))[0][2:] == (at(60), "first_seen", "dormant")
    # and the exit still begins a new epoch
    result = story(did(0, "paid"), cancelled(60), did(70))
    assert stays(result)[1][0] == "acquisition"


def test_an_exit_after_dormancy_ends_nothing_but_begins_a_new_epoch():
    result = story(did(0, "paid"), cancelled(90), did(100), as_of=at(101))
    assert stays(result) == [
        ("expansion", at(0), at(60), "first_seen", "dormant"),
        ("acquisition", at(100), None, "returned", None),
    ]


def test_an_exit_at_the_moment_of_an_activity_comes_after_it():
    result = story(did(0), did(5, "paid"), cancelled(5), did(6), as_of=at(7))
    assert stays(result) == [
        ("acquisition", at(0), at(5), "first_seen", "advanced"),
        ("expansion", at(5), at(5), "advanced", "churned"),
        ("acquisition", at(6), None, "returned", None),
    ]


def test_an_exit_before_the_first_activity_ends_nothing():
    result = story(cancelled(-5), did(0), as_of=at(1))
    assert stays(result) == [("acquisition", at(0), None, "first_seen", None)]


def test_a_habit_made_before_an_exit_and_kept_after_it_signals_again():
    result = story(*used_on(0, 1, 2), cancelled(3), *used_on(4), as_of=at(5))
    assert [(stage, entry) for stage, _, _, entry, _ in stays(result)] == [
        ("acquisition", "first_seen"),
        ("adoption", "advanced"),
        ("adoption", "returned"),
    ]


# ---------------------------------------------------------------- the whole


def test_the_seeds_are_read_as_they_stand(tmp_path):
    for name, seed in vars(taxonomy()).items():
        header = ",".join(seed[0]) if seed else "rule_number"
        lines = [",".join(row.values()) for row in seed]
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    assert Taxonomy.read(tmp_path) == taxonomy()


@st.composite
def histories(draw):
    some = st.sampled_from
    return [
        event(
            draw(some([f"e{n}" for n in range(20)])),
            at(draw(st.integers(0, 90)), minutes=draw(some([0, 10, 30]))),
            draw(some(["looked", "used", "paid", "signed_up", "subscription_cancelled"])),
            **{
                name: draw(some([None, f"{name}1", f"{name}2", f"{name}3"]))
                for name in ("user_id", "email_hash", "device_id", "anonymous_id")
            },
        )
        for _ in range(draw(st.integers(0, 25)))
    ]


@given(histories(), st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=100, deadline=None)
def test_the_order_of_rows_changes_nothing(history, chance):
    shuffled = chance.sample(history, len(history))
    assert story(*shuffled) == story(*history)


@given(histories())
@hypothesis_settings(max_examples=100, deadline=None)
def test_the_stays_of_a_person_never_overlap_and_each_ends_before_the_next(history):
    last_end = {}
    for period in story(*history, as_of=at(400)).stage_periods:
        assert period["ended_at"] is not None
        assert period["started_at"] <= period["ended_at"]
        assert last_end.get(period["person_id"], datetime.min) <= period["started_at"]
        last_end[period["person_id"]] = period["ended_at"]


def test_sixty_thousand_events_with_a_long_chain_and_a_great_hub_take_seconds():
    chance = random.Random(1)
    crowd = [
        event(
            f"e{n}",
            at(chance.random() * 300),
            chance.choice(["looked", "used", "paid"]),
            anonymous_id=f"a{chance.randrange(9000)}",
            user_id=f"u{chance.randrange(3000)}" if chance.random() < 0.2 else None,
            properties='{"plan": "pro"}',
        )
        for n in range(45_000)
    ]
    hub = [event(f"h{n}", device_id="kiosk", user_id=f"hub{n}") for n in range(5_000)]
    chain = [link(anonymous_id=f"c{n}", previous_anonymous_id=f"c{n + 1}") for n in range(10_000)]
    one_endpoint = [event(f"o{n}", at(seconds=n), anonymous_id="busy") for n in range(10_000)]
    began = time.perf_counter()
    result = story(*crowd, *hub, *one_endpoint, links=chain)
    assert time.perf_counter() - began < 30  # a few seconds on an idle machine
    assert is_shared(result, "device_id:kiosk")
    assert len({person(result, f"anonymous_id:c{n}") for n in range(10_001)}) == 1
