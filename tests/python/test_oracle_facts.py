"""The oracle's later steps, from money to people, held against small stories worked out by hand."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from harness import ROOT
from oracle import RECORDS, Canonical, Settings, Taxonomy, identifier_id, md5, run
from test_oracle import (
    BOOKKEEPING,
    MICROSECOND,
    NOON,
    at,
    event,
    key,
    link,
    rows,
    story,
    subscription,
)

SECOND = timedelta(seconds=1)
WORDS = Taxonomy.read(ROOT / "seeds" / "taxonomy")


def tables(*events, links=(), subscriptions=(), spend=(), seeds=None, as_of=None, **others):
    """As `story`, in the words of the project's own seeds; returns the tables.

    What else is given by name are rows of another offer, or a setting.
    """
    offers = {name: others.pop(name) for name in RECORDS.keys() & others.keys()}
    result = run(
        Canonical(list(events), list(links), list(subscriptions), list(spend), **offers),
        Taxonomy(**(vars(WORDS) | (seeds or {}))),
        Settings(as_of=as_of or at(365), **others),
    )
    return result.tables


def page(event_id, occurred_at=NOON, path="/", host="www.shop.com", **columns):
    shown = {"event_type": "page", "page_path": path, "page_host": host, "platform": "web"}
    return event(event_id, occurred_at, None, **{"anonymous_id": "a", **shown, **columns})


def server(event_id, occurred_at=NOON, name="order_placed", **columns):
    return event(event_id, occurred_at, name, **{"event_type": "server", **columns})


def only(found):
    (row,) = found
    return row


def shown(found, *names):
    return [tuple(row[name] for name in names) for row in found]


# ---------------------------------------------------------------- events


def test_equal_copies_are_one_group_ranked_by_receipt_and_delivery():
    early, late = event("e"), event("e", received_at=at(1))
    found = tables(late, early, early, event("e", load_id="l0"), event("e", received_at=None))
    names = ("load_id", "received_at", "copy_count", "first_copy_number")
    assert shown(found["int_event_duplicates"], *names) == [
        ("l0", NOON, 1, 1),
        ("l1", NOON, 2, 2),
        ("l1", at(1), 1, 4),
        ("l1", None, 1, 5),
    ]
    assert tables(early)["int_event_duplicates"] == []


def test_of_equal_copies_a_load_without_a_time_comes_last():
    timeless = event("e", load_id="a", loaded_at=None)
    assert only(tables(timeless, event("e"))["int_events_classified"])["load_id"] == "l1"


def test_a_subscription_gives_its_revenue_to_each_event_that_it_implies():
    bought = subscription(user_id="ann", started_at=NOON, cancelled_at=at(1), mrr_amount=Decimal(9))
    found = tables(subscriptions=[bought])
    assert shown(found["int_record_events"], "raw_event_name", "amount") == [
        ("subscription_started", 9),
        ("subscription_cancelled", 9),
    ]
    assert {row["is_implied"] for row in found["int_events_classified"]} == {True}


def record(**columns):
    return {**BOOKKEEPING, "source_name": "crm", "updated_at": NOON, **columns}


def test_a_message_is_known_by_what_happened_to_it_and_when():
    opened = {"message_id": "m", "message_event": "opened", "occurred_at": NOON, "user_id": "ann"}
    rows = [record(**opened), record(**opened, is_machine=True), record(**opened, load_id="l2")]
    rows.append(record(**{**opened, "occurred_at": at(1)}))
    found = tables(messages=rows)
    keys = {md5(f"crm|m|opened|{moment}.000000") for moment in (NOON, at(1))}
    assert {row["message_event_id"] for row in found["int_messages_deduplicated"]} == keys
    events = {md5(f"crm|messages|{key}|message") for key in keys}
    assert {row["event_id"] for row in found["int_record_events"]} == events
    assert {row["event_name"] for row in found["fct_events"]} == {"message_opened"}


def test_an_exposure_is_known_by_all_that_it_says():
    shown_to = {"experiment": "x", "variant": "a", "exposed_at": NOON}
    rows = [record(**shown_to, user_id="ann"), record(**shown_to, anonymous_id="c")]
    found = tables(experiment_exposures=[*rows, *rows])["int_experiment_exposures_deduplicated"]
    expected = {md5(f"crm|x|a|{NOON}.000000|{who}") for who in ("ann|||||", "|||||c")}
    assert {row["exposure_id"] for row in found} == expected and len(found) == 2


def test_what_a_record_says_is_told_by_its_events_as_texts_and_nothing_as_nothing():
    answer = {"response_id": "r", "survey": 'of "æ"', "survey_type": "nps", "user_id": "ann"}
    rows = [record(**answer, responded_at=NOON, score=Decimal(score)) for score in ("9", "8.5")]
    rows[1] |= {"response_id": "s", "survey": None}
    found = tables(survey_responses=rows)["int_record_events"]
    assert {row["properties"] for row in found} == {
        '{"survey":"of \\"æ\\"","survey_type":"nps","score":"9"}',
        '{"survey_type":"nps","score":"8.5000"}',
    }


def test_each_version_of_a_record_is_evidence_and_the_newest_one_alone_an_event():
    offer = {"offer_id": "o", "offer_type": "upsell", "offered_at": NOON}
    old = record(**offer, user_id="ann", email_hash="m", accepted_at=NOON, amount=Decimal(5))
    new = record(**offer, user_id="bob", email_hash="m", updated_at=at(1), amount=Decimal(7))
    found = tables(commercial_offers=[old, new])
    assert shown(found["int_record_events"], "raw_event_name", "user_id", "amount") == [
        ("offer_made", "bob", None)
    ]
    links = found["fct_identity_links"]  # of the address with each of the two
    assert [row["evidence"] for row in links] == 2 * ["crm commercial_offer"]


def test_the_first_rule_that_matches_says_why_traffic_is_out():
    row = page("e", user_agent="Some Bot", email_domain="example-internal.test")
    assert only(tables(row)["int_events_classified"])["suppression_reason"] == "bot"
    assert tables(row)["fct_events"] == []


# ---------------------------------------------------------------- identity


def test_a_link_says_when_how_often_and_on_what_evidence_it_was_seen():
    found = tables(
        event("e", anonymous_id="a", user_id="ann"),
        event("e", anonymous_id="a", user_id="ann", received_at=at(9)),
        links=[link(anonymous_id="a", user_id="ann", occurred_at=at(-2))],
    )
    row = only(found["int_identity_links"])
    assert {row["identifier_a"], row["identifier_b"]} == {key("user_id:ann"), key("anonymous_id:a")}
    assert row["identifier_a"] < row["identifier_b"]
    assert (row["first_seen_at"], row["last_seen_at"], row["sighting_count"]) == (at(-2), NOON, 3)
    assert row["evidence"].split(", ") == ["web event", "web identify"]


def test_each_identifier_says_why_it_stands_for_its_person():
    found = tables(
        event("e", anonymous_id="a", user_id="ann"),
        event("f", anonymous_id="a", device_id="d"),
        event("g", anonymous_id="kiosk", user_id="ann"),
        event("h", anonymous_id="kiosk", user_id="bob"),
        event("i", anonymous_id="stray"),
        event("j", anonymous_id="b", user_id="bob"),
        event("k", anonymous_id="b", device_id="between"),
        event("l", anonymous_id="c", user_id="cid"),
        event("m", anonymous_id="c", device_id="between"),
    )
    names = ("identifier_value", "membership_reason")
    assert dict(shown(found["bridge_person_identifiers"], *names)) == {
        **dict.fromkeys(("ann", "bob", "cid"), "established"),
        **dict.fromkeys(("a", "b", "c"), "seen_with_user"),
        "d": "seen_with_device",
        "kiosk": "shared",
        "stray": "anonymous",
        "between": "ambiguous",
    }


# ---------------------------------------------------------------- money and traffic

RATES = rows(
    "currency_code valid_from rate",
    "EUR, 2024-01-01, 1",
    "EUR, 2024-03-01, 2",
    "USD, 2024-01-01, 0.5",
    "USD, 2024-02-01, 0.25",
    "NOK, 2024-02-01, 0.1",
)


def test_a_rate_changes_when_either_currency_changes():
    found = tables(seeds={"fx_rates": RATES})["int_fx_rates"]
    names = ("currency_code", "valid_from", "valid_to", "rate")
    january, february, march = (date(2024, month, 1) for month in (1, 2, 3))
    for_ever = date(9999, 12, 31)
    assert set(shown(found, *names)) == {
        ("EUR", january, march, Decimal(1)),
        ("EUR", march, for_ever, Decimal(1)),
        ("USD", january, february, Decimal("0.5")),
        ("USD", february, march, Decimal("0.25")),
        ("USD", march, for_ever, Decimal("0.125")),
        ("NOK", february, march, Decimal("0.1")),
        ("NOK", march, for_ever, Decimal("0.05")),
    }


@pytest.mark.parametrize(
    ("occurred_at", "currency", "amount"),
    [
        (datetime(2024, 1, 31, 22, 59), "USD", "4.0000"),
        (datetime(2024, 1, 31, 23), "USD", "2.0000"),  # in Copenhagen it is February
        (datetime(2024, 3, 1), "NOK", "0.4000"),
        (datetime(2024, 1, 31), "NOK", None),
        (datetime(2024, 3, 1), "SEK", None),
    ],
)
def test_money_is_converted_at_the_rate_of_the_local_day(occurred_at, currency, amount):
    bought = server("e", occurred_at, amount=Decimal(8), currency_code=currency, user_id="ann")
    found = tables(bought, seeds={"fx_rates": RATES}, reporting_timezone="Europe/Copenhagen")
    for table in ("fct_events", "fct_conversions"):
        row = only(found[table])
        assert row["amount"] == (amount and Decimal(amount))
        assert (row["original_amount"], row["original_currency_code"]) == (8, currency)


@pytest.mark.parametrize(
    ("columns", "source", "medium", "channel"),
    [
        ({}, "(direct)", "(none)", "Direct"),
        ({"utm_source": "google", "utm_medium": "cpc"}, "google", "cpc", "Paid Search"),
        ({"utm_source": "google"}, "google", "(not set)", "Organic Search"),
        ({"utm_medium": "affiliate"}, "(direct)", "affiliate", "Affiliates"),
        ({"referrer_host": "www.google.com"}, "www.google.com", "organic", "Organic Search"),
        ({"referrer_host": "t.co"}, "t.co", "referral", "Organic Social"),
        ({"referrer_host": "blog.org"}, "blog.org", "referral", "Referral"),
        ({"referrer_host": "shop.com"}, "(direct)", "(none)", "Direct"),  # its own page
        ({"click_id_type": "gclid"}, "google", "cpc", "Paid Search"),
        ({"click_id_type": "fbclid"}, "facebook", "referral", "Organic Social"),
        ({"click_id_type": "gclid", "referrer_host": "b.org"}, "b.org", "cpc", "Paid Other"),
        # a rule before another
        ({"utm_source": "t.co", "utm_medium": "affiliate"}, "t.co", "affiliate", "Organic Social"),
        (
            {"utm_medium": "cpc", "utm_campaign": "cross-network"},
            "(direct)",
            "cpc",
            "Cross-network",
        ),
        ({"utm_source": "x1", "utm_medium": "y1"}, "x1", "y1", "Unassigned"),
    ],
)
def test_an_origin_is_sorted_by_the_first_rule_that_matches(columns, source, medium, channel):
    visit = only(tables(page("e", **columns))["fct_sessions"])
    assert (visit["source"], visit["medium"], visit["channel_group"]) == (source, medium, channel)


def test_the_newest_statement_of_a_campaigns_day_counts_in_the_channel_of_its_parameters():
    stated = {
        **BOOKKEEPING,
        "spend_id": "s",
        "spend_date": NOON.date(),
        "spend_amount": Decimal(8),
        "currency_code": "USD",
        "utm_source": "google",
        "utm_medium": "cpc",
        "updated_at": at(1),
    }
    older = stated | {"updated_at": NOON, "spend_amount": Decimal(9)}
    rejected = stated | {"updated_at": at(2), "reject_reason": "bad"}
    found = tables(spend=[older, stated, rejected], seeds={"fx_rates": RATES})["fct_ad_spend"]
    row = only(found)
    assert (row["spend_amount"], row["original_spend_amount"]) == (4, 8)
    assert row["channel_group"] == "Paid Search"


# ---------------------------------------------------------------- sessions and touches


def test_the_entry_page_is_the_sessions_first_page_and_the_exit_page_the_last_events():
    found = tables(
        event("e", anonymous_id="a", event_type="screen"),
        page("f", at(minutes=1), "/first"),
        page("g", at(minutes=2), "/last"),
    )
    row = only(found["fct_sessions"])
    assert (row["entry_page_path"], row["entry_page_host"]) == ("/first", "www.shop.com")
    assert row["exit_page_path"] == "/last"
    later = event("h", at(minutes=3), anonymous_id="a")
    row = only(tables(page("f"), later)["fct_sessions"])
    assert (row["entry_page_path"], row["exit_page_path"]) == ("/", None)


@pytest.mark.parametrize(
    ("events", "is_engaged"),
    [
        ([event("e", anonymous_id="a"), event("f", NOON + 10 * SECOND, anonymous_id="a")], False),
        (
            [
                event("e", anonymous_id="a"),
                event("f", NOON + 10 * SECOND + MICROSECOND, anonymous_id="a"),
            ],
            True,
        ),
        ([page("e"), page("f")], True),
        ([page("e"), event("f", anonymous_id="a")], False),
        ([event("e", name="signed_up", anonymous_id="a")], True),
    ],
)
def test_a_session_is_engaged_after_ten_seconds_by_two_views_or_by_a_goal(events, is_engaged):
    assert only(tables(*events)["fct_sessions"])["is_engaged"] is is_engaged


def test_a_touch_counts_after_its_session_and_in_its_channel():
    blog = page("b", NOON, "/blog/x", utm_medium="affiliate")
    review = page("a", NOON, "/reviews/x")
    found = tables(blog, review)["fct_touchpoints"]
    # of two events of one moment the one with the smaller priority
    names = ("touch_number", "touchpoint_type", "event_id", "channel_group")
    assert sorted(shown(found, *names)) == [
        (1, "session", None, "Direct"),
        (2, "review", "a", "Direct"),
        (3, "blog", "b", "Direct"),
    ]


def test_a_touch_outside_a_session_is_unassigned_and_may_be_outbound():
    found = tables(
        server("e", name="mail_sent", user_id="ann"),
        seeds={
            "events": rows("event_name touchpoint_type", "mail_sent, mail"),
            "touchpoint_types": rows("touchpoint_type direction", "mail, outbound"),
        },
    )
    row = only(found["fct_touchpoints"])
    assert (row["session_id"], row["source"], row["channel_group"]) == (None, None, "Unassigned")
    assert row["direction"] == "outbound"


# ---------------------------------------------------------------- conversions and milestones


def test_conversions_are_numbered_per_person_and_goal_and_an_event_may_reach_two_goals():
    goals = rows("goal event_name", "signup, signed_up", "lead, signed_up", "lead, chat_started")
    found = tables(
        event("e", at(1), "signed_up", user_id="ann"),
        event("f", at(0), "chat_started", user_id="ann"),
        event("g", at(0), "chat_started", user_id="bob"),
        seeds={"goals": goals},
    )["fct_conversions"]
    assert sorted(shown(found, "goal", "event_id", "conversion_number")) == [
        ("lead", "e", 2),
        ("lead", "f", 1),
        ("lead", "g", 1),
        ("signup", "e", 1),
    ]


def test_a_milestone_is_reached_by_the_first_of_its_events_or_by_a_habit():
    used = [event(f"u{day}", at(day), "feature_used", user_id="ann") for day in (0, 1, 2)]
    seed = rows(
        "milestone milestone_number trigger event_name",
        "expert, 1, habit, ",
        "expert, 1, event, plan_upgraded",
        "paid, 2, event, order_placed",
        "paid, 2, event, invoice_paid",
    )

    def reached(*events):
        found = tables(*events, seeds={"milestones": seed})["fct_milestones"]
        return sorted(shown(found, "milestone", "reached_at", "event_id"))

    bought = [server("o", at(5), user_id="ann"), server("i", at(4), "invoice_paid", user_id="ann")]
    tie = event("p", at(2), "plan_upgraded", user_id="ann")
    assert reached(*used, tie) == [("expert", at(2), None)]
    assert reached(*used, *bought) == [("expert", at(2), None), ("paid", at(4), "i")]
    early = event("p", at(1), "plan_upgraded", user_id="ann")
    assert reached(*used, early) == [("expert", at(1), "p")]


def test_a_stays_last_activity_is_the_last_one_before_it_ends():
    used = [event(f"e{n}", at(minutes=n), user_id="ann") for n in (0, 5, 9)]
    signed_up = event("s", at(minutes=10), "signed_up", user_id="ann")
    periods = tables(*used, signed_up, as_of=at(10))["fct_stage_periods"]
    names = ("stage", "last_activity_at", "is_open", "duration_seconds")
    assert shown(periods, *names) == [
        ("acquisition", at(minutes=9), False, 600),
        ("activation", at(minutes=10), True, None),
    ]


# ---------------------------------------------------------------- retention


def returns(definition, *events, seeds=None, **settings):
    found = tables(*events, seeds=seeds, **settings)["fct_retention_returns"]
    return sorted(
        (row["period_offset"], row["first_returned_at"])
        for row in found
        if row["definition"] == definition
    )


def test_calendar_weeks_begin_on_monday_and_rolling_ones_with_the_start():
    sunday, monday = datetime(2024, 1, 7, 12), datetime(2024, 1, 8, 12)
    seen = [event("e", sunday, anonymous_id="a"), event("f", monday, anonymous_id="a")]
    assert returns("active_weekly", *seen) == [(0, sunday), (1, monday)]
    start = event("s", sunday, "signed_up", anonymous_id="a")
    used = [
        event("u", sunday + timedelta(days=7) - MICROSECOND, "feature_used", anonymous_id="a"),
        event("v", sunday + timedelta(days=7), "feature_used", anonymous_id="a"),
    ]
    assert returns("signup_core_weekly", start, *used) == [
        (0, used[0]["occurred_at"]),
        (1, used[1]["occurred_at"]),
    ]


@pytest.mark.parametrize("mode", ["calendar", "rolling"])
def test_what_was_done_before_the_start_is_no_return(mode):
    definitions = [row | {"mode": mode} for row in WORDS.retention_definitions]
    start = event("s", NOON, "signed_up", anonymous_id="a")
    before = event("t", NOON - SECOND, "feature_used", anonymous_id="a")
    seeds = {"retention_definitions": definitions}
    assert returns("signup_core_weekly", before, start, seeds=seeds) == []


def test_a_cohort_is_called_after_the_first_day_of_its_period():
    starts = tables(event("e", datetime(2024, 1, 31, 23, 30), anonymous_id="a"))
    names = ("definition", "cohort_start_date")
    assert dict(shown(starts["fct_retention_starts"], *names)) == {
        "active_weekly": date(2024, 1, 29),
        "active_monthly": date(2024, 1, 1),
    }
    summer = {"reporting_timezone": "Europe/Copenhagen"}
    starts = tables(event("e", datetime(2024, 1, 31, 23, 30), anonymous_id="a"), **summer)
    assert ("active_monthly", date(2024, 2, 1)) in shown(starts["fct_retention_starts"], *names)


# ---------------------------------------------------------------- people


def person(found, identifier):
    return only(row for row in found["dim_persons"] if row["person_id"] == key(identifier))


def test_who_was_only_imported_is_a_person_seen_by_his_evidence():
    found = tables(links=[link(user_id="ann", occurred_at=at(3))])
    row = person(found, "user_id:ann")
    assert row["is_known"] and (row["first_seen_at"], row["last_seen_at"]) == (at(3), None)
    assert (row["first_touch_channel_group"], row["first_platform"]) == ("(none)", "(none)")
    assert (row["event_count"], row["identifier_count"]) == (0, 1)


def test_a_person_has_the_facts_of_his_first_session_and_the_counts_of_all():
    row = person(
        tables(
            page("e", utm_medium="affiliate", path="/in", user_id="ann"),
            page("f", at(1), anonymous_id="b", user_id="ann"),
            server("g", at(2), user_id="ann"),
        ),
        "user_id:ann",
    )
    assert (row["first_touch_channel_group"], row["first_landing_page_path"]) == (
        "Affiliates",
        "/in",
    )
    counts = ("identifier", "endpoint", "channel", "session", "event")
    assert [row[f"{name}_count"] for name in counts] == [3, 3, 2, 2, 3]
    assert row["first_paid_at"] == row["last_seen_at"] == at(2)


def test_an_event_that_names_nobody_is_an_unknown_person():
    row = only(tables(page("e", anonymous_id="null"))["dim_persons"])
    assert row["person_id"] == md5("event:e") and not row["is_known"]
    assert row["identifier_count"] == 0


def test_the_account_is_the_one_that_a_named_user_was_last_seen_in():
    found = tables(
        event("e", at(2), user_id="ann", account_id="b"),
        event("f", at(2), user_id="ann", account_id="a"),
        event("g", at(3), anonymous_id="x", account_id="c"),
        links=[link(user_id="ann", anonymous_id="x", account_id="d", occurred_at=at(1))],
    )
    assert shown(found["int_person_accounts"], "person_id", "account_id") == [
        (key("user_id:ann"), "a")
    ]


@pytest.mark.parametrize(
    ("columns", "runs"),
    [
        ({"started_at": at(-1)}, True),
        ({"trial_started_at": at(-1)}, True),
        ({"started_at": NOON}, True),
        ({"started_at": at(1)}, False),
        ({"started_at": at(-2), "cancelled_at": NOON}, False),
        ({"started_at": at(-2), "cancelled_at": NOON + MICROSECOND}, True),
        ({"started_at": at(-2), "ended_at": at(-1)}, False),
    ],
)
def test_a_plan_is_that_of_a_subscription_that_runs_at_as_of(columns, runs):
    bought = subscription(user_id="ann", plan="pro", **columns)
    found = tables(subscriptions=[bought], as_of=NOON)["int_person_plans"]
    assert shown(found, "plan") == ([("pro",)] if runs else [])


def test_of_two_subscriptions_that_run_the_one_started_last_gives_the_plan():
    bought = [
        subscription(subscription_id=name, user_id="ann", plan=name, started_at=at(days))
        for name, days in (("old", -9), ("new", -1), ("other", -1))
    ]
    found = tables(subscriptions=bought, as_of=NOON)["int_person_plans"]
    assert shown(found, "person_id", "plan") == [(key("user_id:ann"), "new")]


def test_everybody_is_in_each_kind_of_segment_once():
    found = tables(page("e", utm_medium="affiliate"))["bridge_person_segments"]
    assert set(shown(found, "person_id", "segment_type", "segment_value")) == {
        (key("anonymous_id:a"), "all", "all"),
        (key("anonymous_id:a"), "first_touch_channel_group", "Affiliates"),
        (key("anonymous_id:a"), "first_platform", "web"),
    }


def test_the_dates_run_from_the_first_event_to_as_of_without_gaps():
    found = tables(page("e", at(0)), as_of=at(3))["dim_dates"]
    names = ("date_day", "week_start_date", "quarter_start_date", "iso_weekday_number")
    monday = date(2024, 1, 1)
    assert shown(found, *names) == [
        (monday + timedelta(days=n), monday, monday, n + 1) for n in range(4)
    ]


def test_the_tables_do_not_hang_on_the_order_of_the_rows():
    events = [
        event(f"e{n}", at(n % 3), anonymous_id=f"a{n % 2}", user_id="ann" if n % 4 else None)
        for n in range(8)
    ]

    def alike(found):
        return {name: sorted(map(repr, table)) for name, table in found.items()}

    one, other = story(*events).tables, story(*events[::-1]).tables
    # which member a group is called after is free
    for name in ("int_identity_neighbourhoods", "int_identity_weak_components"):
        del one[name], other[name]
    for found in (one, other):
        for table, name in (
            ("int_identifiers_attached", "cluster_id"),
            ("int_identifiers_resolved", "neighbourhood_id"),
        ):
            found[table] = [{k: v for k, v in row.items() if k != name} for row in found[table]]
    assert alike(one) == alike(other)
    assert identifier_id(("user_id", "ann")) in {row["person_id"] for row in one["dim_persons"]}


# ---------------------------------------------------------------- subscriptions


def paying(updated_at=NOON, price=10, **columns):
    named = {"user_id": "ann", "currency_code": "EUR", "mrr_amount": Decimal(price)}
    return subscription(**{"started_at": NOON, **named, **columns, "updated_at": updated_at})


def moved(*versions, **settings):
    found = tables(subscriptions=versions, **settings)["fct_subscription_events"]
    return shown(found, "movement", "occurred_at", "mrr_before_amount", "mrr_after_amount")


def test_each_version_is_worth_something_from_its_change_on_and_the_first_from_the_start():
    assert moved(paying(at(5)), paying(at(9), 15), paying(at(12), 12), paying(at(20), 12)) == [
        ("new", NOON, 0, 10),
        ("expansion", at(9), 10, 15),
        ("contraction", at(12), 15, 12),
    ]
    # of two before the start the later one holds from it
    assert moved(paying(at(-5)), paying(at(-3), 15)) == [("new", NOON, 0, 15)]
    assert moved(paying(at(5)), paying(at(9), 15), as_of=at(8)) == [("new", NOON, 0, 10)]


def test_a_currency_that_moves_is_no_expansion():
    changed = (paying(NOON, currency_code="USD"), paying(at(40), 20, currency_code="USD"))
    assert moved(*changed, seeds={"fx_rates": RATES}) == [
        ("new", NOON, 0, 5),
        ("expansion", at(40), 5, 10),
    ]


@pytest.mark.parametrize(
    ("columns", "ended_at"),
    [
        ({"status": "active", "cancelled_at": at(3)}, None),
        ({"status": "Past_Due", "cancelled_at": at(3)}, None),
        ({"status": "active", "cancelled_at": at(3), "ended_at": at(9)}, at(9)),
        ({"status": "canceled", "cancelled_at": at(3)}, at(3)),
        ({"cancelled_at": at(3)}, at(3)),
    ],
)
def test_what_is_still_called_active_has_been_cancelled_to_its_end(columns, ended_at):
    churn = [("churn", ended_at, 10, 0)] if ended_at else []
    assert moved(paying(**columns)) == [("new", NOON, 0, 10), *churn]


def test_a_subscription_that_replaces_another_is_no_churn_and_one_after_a_pause_comes_back():
    first = paying(ended_at=at(3), subscription_id="one")
    second = paying(started_at=at(3), ended_at=at(5), subscription_id="two")
    third = paying(price=7, started_at=at(9), subscription_id="three")
    assert moved(first, second, third) == [
        ("new", NOON, 0, 10),
        ("churn", at(5), 10, 0),
        ("reactivation", at(9), 0, 7),
    ]


def test_a_month_adds_up_all_that_moved_in_it():
    found = tables(subscriptions=[paying(), paying(at(9), 15), paying(at(12), 15, ended_at=at(40))])
    names = [f"mrr_{name}_amount" for name in ("start", "new", "expansion", "churn", "end")]
    assert shown(found["fct_person_mrr_months"], "month_start_date", *names) == [
        (date(2024, 1, 1), 0, 10, 5, 0, 15),
        (date(2024, 2, 1), 15, 0, 0, -15, 0),
    ]


def test_a_term_ends_on_the_months_last_day_where_it_has_no_such_day():
    begun = paying(started_at=at(30), ended_at=at(90), billing_interval="month")
    found = tables(subscriptions=[begun])["fct_subscription_terms"]
    assert shown(found, "term_number", "due_date", "is_renewed") == [
        (1, date(2024, 2, 29), True),
        (2, date(2024, 3, 31), False),
    ]
    # what ends before its term has no row, and neither has a day that is not over
    assert tables(subscriptions=[paying(ended_at=at(30))])["fct_subscription_terms"] == []
    assert tables(subscriptions=[paying()], as_of=at(31))["fct_subscription_terms"] == []


# ---------------------------------------------------------------- checkouts and onboarding


def did(event_id, occurred_at, name, **columns):
    return event(event_id, occurred_at, name, **{"user_id": "ann", **columns})


def test_a_checkout_ends_with_its_order_or_after_a_day_without_news():
    found = tables(
        did("a", NOON, "checkout_started"),
        did("b", at(1) - MICROSECOND, "payment_info_entered"),
        did("c", at(2) - MICROSECOND, "checkout_started"),
        did("d", at(2), "payment_failed"),
        did("e", at(2, hours=1), "order_placed", amount=Decimal(5), currency_code="EUR"),
        did("f", at(2, hours=2), "order_placed"),
        did("g", at(9), "checkout_started"),
        as_of=at(10) - MICROSECOND,
    )["fct_checkouts"]
    names = ("started_at", "last_step", "status", "amount", "recovered_at", "payment_failure_count")
    assert shown(found, *names) == [
        (NOON, "payment_entered", "abandoned", None, at(2, hours=1), 0),
        (at(2) - MICROSECOND, "completed", "completed", 5, None, 1),
        (at(9), "started", "open", None, None, 0),
    ]


def test_of_steps_of_one_number_the_last_is_the_furthest():
    told = [did("z", NOON, "payment_info_entered"), did("a", NOON, "payment_failed")]
    assert only(tables(*told)["fct_checkouts"])["last_step"] == "payment_failed"


def test_what_was_done_before_a_flow_began_counts_when_it_is_done_again():
    found = tables(
        did("a", at(-1), "email_verified"),
        did("b", NOON, "signed_up"),
        did("c", at(1), "onboarding_step_completed", properties='{"step": 1}'),
        did("d", at(2), "email_verified"),
        did("e", at(3), "email_verified"),
        did("f", at(14) + MICROSECOND, "report_created"),
    )
    assert shown(found["fct_onboarding_steps"], "step", "occurred_at") == [
        ("signed_up", NOON),
        ("step_1", at(1)),
        ("verified", at(2)),
        ("first_report", at(14) + MICROSECOND),
    ]
    outcomes = {row["step"]: row for row in found["fct_onboarding_outcomes"]}
    took = {step: row["step_seconds"] for step, row in outcomes.items() if row["is_done"]}
    assert took == {"step_1": 86400, "verified": 86400}
    assert not any(row["has_reached_goal"] for row in outcomes.values())
    assert outcomes["all"]["step_number"] == 0


def test_a_flow_of_two_starts_begins_once():
    seed = [
        {**dict.fromkeys(("property", "property_value", "is_required")), **row}
        for row in rows(
            "flow role step_number step event_name",
            "f, start, 0, one, signed_up",
            "f, start, 0, two, trial_requested",
            "f, step, 1, checked, email_verified",
        )
    ]
    told = [did("a", NOON, "signed_up"), did("b", at(1), "trial_requested")]
    found = tables(*told, seeds={"onboarding_steps": seed})
    assert len(found["fct_onboarding_steps"]) == 2
    assert shown(found["fct_onboarding_outcomes"], "step", "is_done") == [
        ("checked", False),
        ("all", True),
    ]


# ---------------------------------------------------------------- content, messages, experiments


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(90, 90), ('"12.5"', 12.5), ('"NaN"', None), (101, None), (-1, None), ('"half"', None)],
)
def test_how_much_was_watched_is_a_number_from_0_to_100_or_nothing(percent, expected):
    told = f'{{"asset": "guide", "percent": {percent}}}'
    asset = record(asset_id="guide", asset_type="video")
    found = tables(did("a", NOON, "video_watched", properties=told), content_assets=[asset])
    assert only(found["fct_content_interactions"])["percent"] == expected


def test_a_view_of_an_assets_page_is_told_once():
    asset = record(asset_id="guide", asset_type="blog", page_path="/blog/guide")
    read = did("b", NOON, "article_read", properties='{"article": "guide"}')
    taken = did("c", NOON, "white_paper_downloaded", properties='{"asset": "guide"}')
    seen = did("d", NOON, "video_watched", properties='{"asset": "guide", "percent": 5}')
    found = tables(page("a", path="/blog/guide"), read, taken, seen, content_assets=[asset])
    assert set(shown(found["fct_content_interactions"], "event_id", "interaction")) == {
        ("c", "downloaded"),
        ("d", "viewed"),
        ("a", "viewed"),
    }


def test_what_came_later_says_that_a_message_arrived():
    told = [
        record(message_id=name, message_event=what, occurred_at=NOON, user_id="ann", **more)
        for name, what, more in (
            ("held", "suppressed", {"reason": "consent"}),
            ("asked", "queued", {}),
            ("back", "bounced", {"reason": "hard"}),
            ("read", "opened", {"is_machine": True}),
            ("used", "clicked", {}),
        )
    ]
    found = tables(messages=told)["fct_messages"]
    names = ("status", "is_delivered", "is_opened", "is_human_opened")
    assert {row["message_id"]: tuple(row[name] for name in names) for row in found} == {
        "held": ("suppressed", False, False, False),
        "asked": ("pending", False, False, False),
        "back": ("sent", False, False, False),
        "read": ("sent", True, True, False),
        "used": ("sent", True, True, True),
    }


def test_an_experiment_counts_to_the_last_moment_of_its_window_and_nobody_who_saw_two_variants():
    def seen(event_id, user, variant, occurred_at=NOON):
        told = f'{{"experiment": "signup_button", "variant": "{variant}"}}'
        return did(event_id, occurred_at, "experiment_viewed", properties=told, user_id=user)

    def paid(event_id, user, occurred_at):
        money = {"amount": Decimal(5), "currency_code": "EUR"}
        return server(event_id, occurred_at, user_id=user, **money)

    found = tables(
        *(seen("a", "ann", "control"), paid("b", "ann", at(14)), paid("c", "ann", NOON)),
        *(seen("d", "bob", "control"), paid("e", "bob", at(14) + MICROSECOND)),
        *(seen("f", "cid", "control"), seen("g", "cid", "treatment", at(1))),
        paid("h", "cid", at(2)),
    )
    assert shown(found["fct_experiment_exposures"], "variant", "variant_count") == [
        ("control", 1),
        ("control", 1),
        ("control", 2),
    ]
    names = ("person_id", "metric", "first_occurred_at", "amount")
    assert sorted(shown(found["fct_experiment_outcomes"], *names)) == [
        (key("user_id:ann"), "purchase", NOON, None),
        (key("user_id:ann"), "revenue", NOON, 10),
    ]


# ---------------------------------------------------------------- organisations


def test_an_account_without_members_uses_none_of_its_seats():
    told = [record(account_id="acme", seat_count=Decimal(4), plan="pro")]
    row = only(tables(accounts=told)["dim_accounts"])
    assert (row["member_count"], row["seat_use_ratio"], row["stage"]) == (0, 0.0, None)


def test_an_account_is_as_far_as_its_furthest_member_and_starts_with_the_first():
    found = tables(
        did("a", NOON, "looked", account_id="acme"),
        did("b", at(2), "signed_up", user_id="bob", account_id="acme"),
        did("c", at(20), "looked", user_id="bob", account_id="acme"),
        accounts=[record(account_id="acme", seat_count=Decimal(4))],
        as_of=at(28),
    )
    row = only(found["dim_accounts"])
    assert (row["member_count"], row["active_member_count"], row["seat_use_ratio"]) == (2, 1, 0.25)
    assert (row["first_seen_at"], row["last_seen_at"], row["stage"]) == (NOON, at(20), "activation")
    starts = found["fct_account_retention_starts"]
    (start,) = [row for row in starts if row["definition"] == "active_weekly"]
    assert (start["account_id"], start["started_at"]) == ("acme", NOON)
    weeks = [r["period_offset"] for r in found["fct_account_retention_returns"]]
    assert {0, 2} <= set(weeks)
