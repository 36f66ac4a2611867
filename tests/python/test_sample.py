"""The sample generator: what it promises about its raw tables, its dirt and its truth."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tools.sample import dirt, people, tables, truth
from tools.sample.catalog import planted
from tools.sample.world import World
from tools.sample.write import generate, persons_for

ROOT = Path(__file__).resolve().parents[2]
START, DAYS = date(2024, 1, 1), 730

CAMPAIGN = " ".join(
    f"context_campaign_{part}" for part in ("source", "medium", "name", "term", "content")
)
COLUMNS = {
    "segment.tracks": f"""
        id anonymous_id user_id event event_text timestamp original_timestamp sent_at received_at
        context_ip context_user_agent context_page_url context_page_path context_page_referrer
        context_page_title {CAMPAIGN} context_device_id context_traits_email properties""",
    "segment.pages": f"""
        id anonymous_id user_id name title url path referrer search timestamp sent_at received_at
        context_ip context_user_agent {CAMPAIGN} context_device_id""",
    "segment.screens": """
        id anonymous_id user_id name timestamp sent_at received_at context_ip context_user_agent
        context_device_id context_os_name""",
    "segment.identifies": """
        id anonymous_id user_id email phone name timestamp sent_at received_at context_ip
        context_device_id""",
    "segment.groups": "id anonymous_id user_id group_id name timestamp received_at",
    "segment.aliases": "id previous_id user_id timestamp received_at",
    "billing.customers": "customer_id user_id email phone name country created_at updated_at",
    "billing.subscriptions": """
        subscription_id customer_id user_id plan billing_interval status trial_started_at
        trial_ended_at started_at cancelled_at ended_at mrr_amount currency updated_at""",
    "billing.invoices": """
        invoice_id customer_id user_id subscription_id amount currency status issued_at paid_at
        updated_at""",
    "commerce.orders": """
        order_id user_id email anonymous_id total_amount currency item_count placed_at
        updated_at""",
    "commerce.refunds": "refund_id order_id user_id amount currency refunded_at updated_at",
    "ads.spend": """
        date platform campaign utm_source utm_medium utm_campaign impressions clicks spend_amount
        currency updated_at""",
}
COLUMNS = {name: [*text.split(), "_load_id", "_loaded_at"] for name, text in COLUMNS.items()}
IDS = {name: columns[0] for name, columns in COLUMNS.items() if name != "ads.spend"}
SEGMENT_EVENTS = ("segment.tracks", "segment.pages", "segment.screens")


def world(chunk_persons: int = 5_000, days: int = DAYS, seed: int = 1) -> World:
    return World(seed, START, days, chunk_persons)


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two chunks of raw tables and truth, as views in DuckDB."""
    folder = tmp_path_factory.mktemp("sample")
    generate(folder / "raw", world(2_500), 5_000, quiet=True)
    db = duckdb.connect()
    db.execute("set threads to 1")
    for name in COLUMNS:
        source, table = name.split(".")
        db.execute(f"create schema if not exists {source}")
        files = folder / "raw" / source / table / "*.parquet"
        db.execute(f"create view {name} as select * from read_parquet('{files}')")
    db.execute("create schema truth")
    for name in truth.SCHEMAS:
        file = folder / "truth" / f"{name}.parquet"
        db.execute(f"create view truth.{name} as select * from read_parquet('{file}')")
    for name, key in IDS.items():
        # Broken rows have ids of their own or none, so what the truth knows is healthy.
        db.execute(f"""
            create view {name.replace(".", "_")}_healthy as
            select raw.*, person_key
            from {name} as raw
            join truth.events on event_id = {key} and source_table = '{name}'
        """)
    return db


@pytest.fixture(scope="module")
def many_persons():
    """The truth about 40,000 persons, for effects that a demo is too small to show."""
    scene = tables.Scene(world(40_000).chunk(0, 40_000))
    persons, stages = truth.persons_and_stages(scene)
    db = duckdb.connect()
    db.execute("set threads to 1")
    db.register("persons", persons)
    db.register("stages", stages)
    return db


def one(db, sql: str):
    row = db.execute(sql).fetchone()
    return row[0] if len(row) == 1 else row


# ---------------------------------------------------------------- determinism and size


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        generate(tmp_path / name / "raw", world(400), 700, quiet=True)
    first = hashes(tmp_path / "a")
    assert first == hashes(tmp_path / "b")
    assert "raw/segment/tracks/part-00001.parquet" in first
    assert "truth/persons.parquet" in first


def test_another_seed_gives_other_rows(tmp_path):
    generate(tmp_path / "a" / "raw", world(300), 300, quiet=True)
    generate(tmp_path / "b" / "raw", world(300, seed=2), 300, quiet=True)
    a, b = hashes(tmp_path / "a"), hashes(tmp_path / "b")
    assert a["raw/segment/pages/part-00000.parquet"] != b["raw/segment/pages/part-00000.parquet"]


def test_a_chunk_does_not_depend_on_the_chunks_after_it(tmp_path):
    generate(tmp_path / "a" / "raw", world(200), 400, quiet=True)
    generate(tmp_path / "b" / "raw", world(200), 600, quiet=True)
    a, b = hashes(tmp_path / "a" / "raw"), hashes(tmp_path / "b" / "raw")
    parts = [name for name in a if not name.startswith("ads/")]
    assert len(parts) == 2 * (len(COLUMNS) - 1)
    assert all(a[name] == b[name] for name in parts)


def test_a_smaller_second_run_leaves_no_parts_of_the_first(tmp_path):
    generate(tmp_path / "raw", world(100), 300, quiet=True)
    other = tmp_path / "raw" / "segment" / "tracks" / "notes.txt"
    other.write_text("kept")
    generate(tmp_path / "raw", world(100), 100, quiet=True)
    parts = sorted(p.name for p in (tmp_path / "raw" / "segment" / "tracks").iterdir())
    assert parts == ["notes.txt", "part-00000.parquet"]


@pytest.mark.parametrize(("persons", "days"), [(1, 30), (3, 31), (40, 60), (25, 730)])
def test_a_tiny_world_is_a_world(tmp_path, persons, days):
    rows = generate(tmp_path / "raw", world(20, days=days), persons, quiet=True)
    assert rows["segment.pages"] >= persons
    assert len(list((tmp_path / "raw").rglob("*.parquet"))) >= len(COLUMNS)


def test_the_number_of_events_is_near_its_target(tmp_path):
    persons = persons_for(world(), 30_000)
    rows = generate(tmp_path / "raw", world(), persons, with_truth=False, quiet=True)
    made = sum(rows[name] for name in SEGMENT_EVENTS)
    assert made == pytest.approx(30_000, rel=0.15)
    assert not (tmp_path / "truth").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--persons", "0"],
        ["--persons", "many"],
        ["--persons", "5", "--events", "9"],
        ["--seed", "-1"],
        ["--start", "2024-02-30"],
        ["--days", "1"],
        ["--chunk-persons", "0"],
        ["--out", __file__],
        ["--frobnicate"],
    ],
)
def test_a_wrong_argument_gives_one_clear_line(arguments):
    from tools.sample.__main__ import main

    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_the_command_line_says_what_it_wrote(tmp_path):
    command = [sys.executable, "-m", "tools.sample", "--out", str(tmp_path / "raw")]
    run = subprocess.run(
        [*command, "--persons", "60", "--chunk-persons", "30"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = run.stderr.strip().splitlines()
    assert lines[0].startswith("chunk 1/2: ")
    assert lines[-1].startswith("segment.tracks ") and lines[-1].endswith(" s")
    wrong = subprocess.run([*command, "--days", "x"], cwd=ROOT, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "error: argument --days: not a whole number: 'x'" in wrong.stderr
    assert "Traceback" not in wrong.stderr


# ---------------------------------------------------------------- shape of the raw tables


@pytest.mark.parametrize("name", COLUMNS)
def test_a_raw_table_has_the_columns_of_the_specification(sample, name):
    described = sample.execute(f"describe {name}").fetchall()
    assert [row[0] for row in described] == COLUMNS[name]
    types = {row[0]: row[1] for row in described}
    for column, kind in types.items():
        if name == "segment.tracks" and column in ("timestamp", "original_timestamp"):
            assert kind == "VARCHAR"
        elif column.endswith("_at") or column == "timestamp":
            assert kind == "TIMESTAMP"
        elif column.endswith("amount"):
            assert kind == "DECIMAL(12,2)"
        elif column in ("impressions", "clicks", "item_count"):
            assert kind == "BIGINT"
        else:
            assert kind == ("DATE" if column == "date" else "VARCHAR")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_load_is_the_week_in_which_its_rows_arrived(sample, name):
    loads = sample.execute(f"select distinct _load_id, _loaded_at from {name}").fetchall()
    assert len(loads) > 1
    for load_id, at in loads:
        assert load_id == f"{at.year}-{at.month:02d}-w{(at.day - 1) // 7 + 1}"
        assert at.date() <= START + timedelta(days=DAYS + 7)


def test_a_timestamp_is_the_original_one_corrected_for_the_clock(sample):
    wrong, skewed = one(sample, """
        select
            count(*) filter (
                epoch_ms("timestamp"::timestamptz) != epoch_ms(original_timestamp::timestamptz)
                    + epoch_ms(received_at) - epoch_ms(sent_at)
                and row_number_ = 1
            ),
            count(*) filter (abs(epoch_ms(received_at) - epoch_ms(sent_at)) > 3000000)
        from (
            select *, row_number() over (partition by id order by received_at) as row_number_
            from segment_tracks_healthy
        )
    """)  # fmt: skip
    assert wrong == 0
    assert skewed > 100


def test_nothing_is_received_or_loaded_before_it_happens(sample):
    for name in ("pages", "screens", "identifies", "groups", "aliases"):
        wrong = one(sample, f"""
            select count(*) from segment_{name}_healthy
            where received_at < timestamp or _loaded_at < received_at
        """)  # fmt: skip
        assert wrong == 0, name


# ---------------------------------------------------------------- truth against raw


@pytest.mark.parametrize("name", IDS)
def test_every_true_event_is_in_the_raw_table(sample, name):
    missing, doubled, total = one(sample, f"""
        select
            count(*) filter (event_id not in (select {IDS[name]} from {name}
                                              where {IDS[name]} is not null)),
            count(*) - count(distinct event_id),
            count(*)
        from truth.events where source_table = '{name}'
    """)  # fmt: skip
    assert (missing, doubled) == (0, 0)
    assert total > 0


@pytest.mark.parametrize("name", IDS)
def test_every_raw_row_is_true_or_broken(sample, name):
    source, table = name.split(".")
    unknown = one(sample, f"""
        select count(*) from {name}
        where {IDS[name]} is not null
          and {IDS[name]} not in (select event_id from truth.events where source_table = '{name}')
          and {IDS[name]} not in (select row_id from truth.broken_rows
                                  where source = '{source}' and "table" = '{table}'
                                    and row_id is not null)
    """)  # fmt: skip
    nameless = one(sample, f"select count(*) from {name} where {IDS[name]} is null")
    listed = one(sample, f"""
        select count(*) from truth.broken_rows
        where source = '{source}' and "table" = '{table}' and row_id is null
    """)  # fmt: skip
    assert unknown == 0
    assert nameless == listed > 0


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("user_id", "user_id"),
        ("anonymous_id", "anonymous_id"),
        ("previous_id", "anonymous_id"),
        ("context_device_id", "device_id"),
        ("email", "email"),
        ("context_traits_email", "email"),
        ("phone", "phone"),
        ("customer_id", "billing_id"),
    ],
)
def test_an_identifier_of_a_healthy_row_stands_for_who_did_it(sample, column, kind):
    for name, columns in COLUMNS.items():
        if column not in columns:
            continue
        wrong = one(sample, f"""
            select count(*) from {name.replace(".", "_")}_healthy as row
            where {column} is not null and not exists (
                select 1 from truth.identifiers as i
                where i.person_key = row.person_key and i.identifier_class = '{kind}'
                  and i.identifier_value = row.{column}
            )
        """)  # fmt: skip
        assert wrong == 0, name


def test_only_shared_devices_stand_for_two_persons(sample):
    private = one(
        sample,
        """
        select coalesce(max(n), 0) from (
            select count(distinct person_key) as n from truth.identifiers
            where not is_shared group by identifier_class, identifier_value_normalised)
    """,
    )
    assert private == 1
    shared = [row[0] for row in sample.execute("""
        select count(distinct i.person_key) from segment_pages_healthy as p
        join truth.identifiers as i on i.identifier_value = p.anonymous_id and i.is_shared
        where i.identifier_class = 'anonymous_id' and p.user_id is not null
        group by p.anonymous_id
    """).fetchall()]  # fmt: skip
    assert sum(n >= 10 for n in shared) == 2, "one kiosk in each chunk"
    assert sum(2 <= n <= 3 for n in shared) >= 3, "household tablets"


def test_internal_persons_have_internal_mail(sample):
    assert one(
        sample,
        """
        select count(*) > 0 and bool_and(is_internal = (email like '%@example-internal.test'))
        from truth.persons where signed_up_at is not null and is_internal
    """,
    )


def test_milestones_are_in_order_and_match_the_raw_rows(sample):
    assert one(
        sample,
        """
        select bool_and(first_visit_at <= signed_up_at) and bool_and(signed_up_at < verified_at)
            and bool_and(signed_up_at < first_paid_at) and bool_and(first_paid_at < cancelled_at)
            and count(first_visit_at) = count(*)
        from truth.persons
    """,
    )
    assert one(sample, """
        select count(*) from truth.persons as p
        full join (
            select person_key, min("timestamp"::timestamptz at time zone 'UTC') as at
            from segment_tracks_healthy where event = 'signed_up' group by 1
        ) as raw using (person_key)
        where p.signed_up_at is distinct from raw.at
    """) == 0  # fmt: skip
    assert one(sample, """
        select count(*) from truth.persons as p
        full join (
            select person_key, min(paid_at) as at
            from billing_invoices_healthy where status = 'paid' group by 1
        ) as raw using (person_key)
        where p.first_paid_at is distinct from raw.at
    """) == 0  # fmt: skip


def test_adoption_begins_as_a_plain_count_of_days_says(sample):
    moments = defaultdict(list)
    for person, at in sample.execute("""
        select distinct person_key, "timestamp"::timestamptz at time zone 'UTC'
        from segment_tracks_healthy
        where event in ('report_created', 'report_shared', 'project_created', 'feature_used')
    """).fetchall():
        moments[person].append(at)
    expected = {}
    for person, times in moments.items():
        firsts: dict[date, object] = {}
        for at in sorted(times):
            firsts.setdefault(at.date(), at)
            days = [d for d in firsts if (at.date() - d).days < 28]
            if len(days) >= 3:
                expected[person] = firsts[at.date()]
                break
    found = dict(
        sample.execute("""
        select person_key, started_at from truth.stage_starts where stage = 'adoption'
    """).fetchall()
    )
    assert found == expected
    assert len(found) > 100


# ---------------------------------------------------------------- dirt


def test_the_shares_of_dirt_are_near_the_planned(sample):
    clean, exact, conflicting, broken, late = one(
        sample,
        """
        select sum(clean_rows), sum(exact_duplicate_rows), sum(conflicting_duplicate_rows),
            sum(broken_rows), sum(late_rows)
        from truth.row_counts where source = 'segment'
    """,
    )
    assert exact / clean == pytest.approx(planted("duplicate_share_exact"), rel=0.15)
    assert conflicting / clean == pytest.approx(planted("duplicate_share_conflicting"), rel=0.25)
    assert broken / clean == pytest.approx(planted("broken_share"), rel=0.25)
    assert late / clean == pytest.approx(planted("late_share"), rel=0.15)


@pytest.mark.parametrize("name", IDS)
def test_an_exact_duplicate_comes_unchanged_in_a_later_load(sample, name):
    source, table = name.split(".")
    payload = ", ".join(f'"{column}"' for column in COLUMNS[name][:-2])
    repeats, in_two_loads = one(sample, f"""
        select coalesce(sum(n - 1), 0), coalesce(sum(loads - 1), 0) from (
            select count(*) as n, count(distinct _load_id) as loads
            from {name.replace(".", "_")}_healthy group by {payload})
    """)  # fmt: skip
    planned = one(sample, f"""
        select exact_duplicate_rows from truth.row_counts
        where source = '{source}' and "table" = '{table}'
    """)  # fmt: skip
    assert repeats == in_two_loads == planned


def test_a_conflicting_duplicate_differs_and_was_received_later(sample):
    for name, column in (("pages", "title"), ("screens", "name"), ("identifies", "name")):
        found = one(sample, f"""
            select count(*) from (
                select id from segment_{name}_healthy group by id
                having count(distinct received_at) = 2
                   and (count(distinct {column}) = 2 or bool_or({column} is null)))
        """)  # fmt: skip
        planned = one(sample, f"""
            select conflicting_duplicate_rows from truth.row_counts where "table" = '{name}'
        """)  # fmt: skip
        assert found == planned


def test_late_rows_are_days_to_months_late(sample):
    over_a_day, over_two_months, longest = one(
        sample,
        """
        select
            avg((delay > 86400)::int), avg((delay > 60 * 86400)::int), max(delay) / 86400
        from (
            select epoch(min(_loaded_at)) - epoch(min(timestamp)) as delay
            from segment_pages_healthy group by id)
    """,
    )
    assert over_a_day == pytest.approx(planted("late_share"), rel=0.2)
    assert 0.0005 < over_two_months < 0.005
    assert 200 < longest < 366


def test_every_kind_of_damage_is_present(sample):
    found = set(
        sample.execute('select distinct source, "table", kind from truth.broken_rows').fetchall()
    )
    planned = {(*table, kind) for table, kinds in dirt.BREAKS.items() for kind, _ in kinds}
    assert found == planned
    assert one(sample, """
        select count(*) from segment.tracks
        where properties is not null and not json_valid(replace(properties, 'NaN', '0'))
    """) > 0  # fmt: skip
    assert one(sample, "select count(*) from segment.pages where contains(title, chr(0))") > 0


def test_mail_is_spelled_in_several_ways_that_mean_one_person(sample):
    spellings = sample.execute("""
        select identifier_value, identifier_value_normalised from truth.identifiers
        where identifier_class = 'email' and identifier_value != identifier_value_normalised
    """).fetchall()
    assert len(spellings) > 50
    for raw, normalised in spellings:
        assert raw.strip().strip("\u00a0").lower().replace("+news", "") == normalised


def test_healthy_money_is_sound(sample):
    assert one(
        sample,
        """
        select min(total_amount) > 0 and min(item_count) > 0
            and count(*) filter (currency = 'XXX') = 0
        from commerce_orders_healthy
    """,
    )
    assert one(
        sample,
        """
        select count(*) > 0 and bool_and(r.amount > 0 and r.amount <= o.total_amount
            and r.currency = o.currency and r.refunded_at > o.placed_at)
        from commerce_refunds_healthy as r
        join (select distinct order_id, total_amount, currency, placed_at
              from commerce_orders_healthy) as o using (order_id)
    """,
    )
    assert one(sample, """
        select count(*) from commerce_refunds_healthy
        where order_id not in (select order_id from commerce_orders_healthy)
    """) == 0  # fmt: skip


def test_the_newest_state_of_a_subscription_tells_its_whole_story(sample):
    newest = """
        select * from billing_subscriptions_healthy
        qualify row_number() over (
            partition by subscription_id order by updated_at desc, status = 'cancelled' desc) = 1
    """
    assert one(sample, f"""
        select bool_and(case status
            when 'trialing' then started_at is null and ended_at is null and mrr_amount = 0
            when 'expired' then started_at is null and ended_at is not null and mrr_amount = 0
            when 'active' then started_at is not null and ended_at is null and mrr_amount > 0
            when 'cancelled' then ended_at >= cancelled_at and cancelled_at > started_at
            else false end)
        from ({newest})
    """)  # fmt: skip
    assert one(sample, f"""
        select count(*) from truth.persons as p
        join (select person_key, min(cancelled_at) as at from ({newest}) group by 1) as raw
            using (person_key)
        where p.cancelled_at is distinct from raw.at
    """) == 0  # fmt: skip


def test_a_day_and_campaign_of_spend_is_stated_three_times(sample):
    assert one(
        sample,
        """
        select bool_and(n = 3) from (
            select count(distinct updated_at) as n from ads.spend
            where date is not null and campaign is not null and spend_amount >= 0
            group by date, platform, campaign)
    """,
    )


def test_utm_values_of_landings_are_those_of_the_campaigns(sample):
    assert one(sample, """
        select count(*) from (
            select distinct context_campaign_source, context_campaign_medium, context_campaign_name
            from segment.pages where context_campaign_medium in ('cpc', 'paid_social')
            except
            select distinct utm_source, utm_medium, utm_campaign from ads.spend)
    """) == 0  # fmt: skip


# ---------------------------------------------------------------- planted effects


def test_the_experiment_has_its_planted_lift(many_persons):
    control, treatment, share = one(
        many_persons,
        """
        select
            avg((signed_up_at is not null)::int) filter (variant = 'control'),
            avg((signed_up_at is not null)::int) filter (variant = 'treatment'),
            avg((variant = 'treatment')::int)
        from persons where variant is not null
    """,
    )
    lift = planted("experiment_signup_button_relative_lift")
    assert treatment / control - 1 == pytest.approx(lift, abs=0.12)
    assert share == pytest.approx(0.5, abs=0.015)


def test_review_readers_and_mobile_visitors_sign_up_as_planted(many_persons):
    rate = "avg((signed_up_at is not null)::int) filter"
    readers, mobile = one(
        many_persons,
        f"""
        select {rate} (is_review_reader) / {rate} (not is_review_reader),
            {rate} (is_mobile) / {rate} (not is_mobile)
        from persons where first_touch != 'viral_post'
    """,
    )
    assert readers == pytest.approx(planted("review_reader_signup_multiplier"), rel=0.12)
    assert mobile == pytest.approx(planted("mobile_signup_multiplier"), rel=0.12)


def test_people_with_five_to_seven_features_stay_and_pay(many_persons):
    stay = dict(
        many_persons.execute("""
        select feature_breadth >= 5,
            avg((left_at is null or left_at > signed_up_at + interval 28 days)::int)
        from persons
        where (feature_breadth between 3 and 7) and signed_up_at < timestamp '2025-11-15'
        group by 1
    """).fetchall()
    )
    paid = dict(
        many_persons.execute("""
        select feature_breadth >= 5, avg((first_paid_at is not null)::int)
        from persons where feature_breadth between 3 and 7 group by 1
    """).fetchall()
    )
    leave_3_4 = planted("weekly_leave_hazard_breadth_3_4")
    leave_5_7 = planted("weekly_leave_hazard_breadth_5_7")
    assert stay[False] == pytest.approx((1 - leave_3_4) ** 4, abs=0.05)
    assert stay[True] == pytest.approx((1 - leave_5_7) ** 4, abs=0.04)
    assert paid[True] > 2 * paid[False]


def test_arrivals_grow_rest_at_weekends_and_peak_with_the_viral_post(many_persons):
    early, late, weekend, workday = one(
        many_persons,
        """
        select
            count(*) filter (first_visit_at < timestamp '2024-07-01'),
            count(*) filter (first_visit_at >= timestamp '2025-07-01'),
            count(*) filter (isodow(first_visit_at) >= 6) / 2,
            count(*) filter (isodow(first_visit_at) < 6) / 5
        from persons where first_touch != 'viral_post'
    """,
    )
    assert late > 1.6 * early
    assert weekend < 0.7 * workday
    days, share = one(
        many_persons,
        """
        select count(distinct first_visit_at::date), avg((first_touch = 'viral_post')::int)
        from persons
    """,
    )
    begin, end = world().viral
    viral_days = one(
        many_persons,
        f"""
        select bool_and(epoch_us(first_visit_at) >= {begin} and epoch_us(first_visit_at) < {end})
        from persons where first_touch = 'viral_post'
    """,
    )
    assert viral_days
    assert share == pytest.approx(planted("viral_arrival_share") / 1.06, rel=0.15)
    assert days > 700


def test_most_visitors_never_sign_up_and_some_people_return(many_persons):
    signed, returned, two_users = one(
        many_persons,
        """
        select avg((signed_up_at is not null)::int),
            count(*) filter (returned_at is not null and signed_up_at is not null),
            count(*) filter (has_second_user)
        from persons
    """,
    )
    assert 0.10 < signed < 0.25
    assert returned > 300
    assert two_users > 20


def test_mobile_payments_fail_in_the_incident(sample):
    begin, end = world().incident
    inside, outside = one(sample, f"""
        select count(*) filter (hit) / {(end - begin) / 86_400e6},
            count(*) filter (not hit) / {DAYS - (end - begin) / 86_400e6}
        from (
            select distinct id, epoch_us("timestamp"::timestamptz) between {begin} and {end} as hit
            from segment_tracks_healthy where event = 'payment_failed')
    """)  # fmt: skip
    assert inside > 5 * outside


def test_phones_are_unique_over_a_million_persons():
    chunk = World(1, START, DAYS, 3).chunk(333_333, 3)
    found = people.phones(chunk, people.draw_people(chunk)).to_pylist()
    assert found[0].startswith("+4520") and len(found[0]) == len("+4520xxxxxx")
    assert len(found[1]) > len(found[0])
