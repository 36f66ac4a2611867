"""The sample company against the independent oracle, and against the truth of who is who."""

import hashlib
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import duckdb
import oracle
import pyarrow.parquet as pq
import pytest
import yaml
from harness import ROOT, assert_equal_tables


@pytest.fixture(scope="module")
def recomputed(sample_company) -> oracle.Result:
    bench = sample_company.bench
    canonical = oracle.Canonical(
        **{
            offer: bench.rows(f"intermediate.int_{offer}_unioned")
            for offer in oracle.Canonical.__dataclass_fields__
        }
    )
    of_project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    names = oracle.Settings.__dataclass_fields__.keys() - {"as_of"}
    as_of = bench.rows("marts.dim_as_of")[0]["as_of_at"]
    settings = oracle.Settings(as_of, **{name: of_project[name] for name in names})
    return oracle.run(canonical, oracle.Taxonomy.read(ROOT / "seeds" / "taxonomy"), settings)


def test_every_persons_stage_periods_equal_the_oracles(sample_company, recomputed):
    columns = ("stage", "started_at", "ended_at", "entry_reason", "exit_reason")
    ours, theirs = defaultdict(list), defaultdict(list)
    for row in sample_company.bench.rows("marts.fct_stage_periods"):
        ours[row["person_id"]].append(tuple(row[name] for name in columns))
    for row in recomputed.stage_periods:
        theirs[row["person_id"]].append(tuple(row[name] for name in columns))
    assert len(theirs) > 3000
    assert {person: sorted(rows, key=str) for person, rows in ours.items()} == {
        person: sorted(rows, key=str) for person, rows in theirs.items()
    }


def test_every_session_equals_the_oracles(sample_company, recomputed):
    columns = ("endpoint_id", "person_id", "started_at", "ended_at", "event_count")
    ours = {
        row["session_id"]: tuple(row[name] for name in columns)
        for row in sample_company.bench.rows("marts.fct_sessions")
    }
    theirs = {
        session: tuple(row[name] for name in columns)
        for session, row in recomputed.sessions.items()
    }
    assert len(theirs) > 5000
    assert ours == theirs


def test_every_persons_first_touch_is_his_first_session(sample_company, recomputed):
    first = {}
    for session, row in recomputed.sessions.items():
        place = (row["started_at"], session)
        first[row["person_id"]] = min(first.get(row["person_id"], place), place)
    entries = {
        row["session_id"]: row["entry_page_path"]
        for row in sample_company.bench.rows("marts.fct_sessions")
    }
    persons = {
        row["person_id"]: (row["first_session_at"], row["first_landing_page_path"])
        for row in sample_company.bench.rows("marts.dim_persons")
        if row["first_session_at"] is not None
    }
    assert persons == {
        person: (started_at, entries[session]) for person, (started_at, session) in first.items()
    }


def test_every_event_belongs_to_the_oracles_person(sample_company, recomputed):
    ours = {
        row["event_id"]: (row["event_name"], row["person_id"], row["session_id"])
        for row in sample_company.bench.rows("marts.fct_events")
    }
    theirs = {
        event: (row["event_name"], row["person_id"], row["session_id"])
        for event, row in recomputed.events.items()
        if not row["is_suppressed"]
    }
    assert len(theirs) > 40000
    assert ours == theirs


def pairs(sizes) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def identifier_key(identifier_class: str, value: str, hash_key: str) -> tuple[str, str]:
    """Class and value as the bridge holds them: e-mails and phones as keyed hashes."""
    ours = {"email": "email_hash", "phone": "phone_hash", "billing_id": "customer_id"}
    if identifier_class in ("email", "phone"):
        value = hashlib.sha256(f"{hash_key}:{value}".encode()).hexdigest()
    return ours.get(identifier_class, identifier_class), value


def accuracy(sample_company) -> tuple[float, float, int]:
    """Pairwise precision and recall of identifiers, and the number of true pairs.

    A pair of identifiers is true when one human is behind both, and found when the bridge gives
    both to one person. Identifiers that several humans use are nobody's and are left out.
    """
    key = pq.read_table(sample_company.bench.environment["JOURNEY_HASH_KEY"]).to_pylist()
    truth = {}
    for row in pq.read_table(sample_company.truth / "identifiers.parquet").to_pylist():
        if not row["is_shared"]:
            value = row["identifier_value_normalised"] or row["identifier_value"]
            place = identifier_key(row["identifier_class"], value, key[0]["hash_key"])
            truth[place] = row["person_key"]
    found = {
        (row["identifier_class"], row["identifier_value"]): row["person_id"]
        for row in sample_company.bench.rows("marts.bridge_person_identifiers")
    }
    both = truth.keys() & found.keys()
    assert len(both) > 0.95 * len(truth), "the truth's identifiers are hardly in the bridge"
    true_pairs = pairs(Counter(truth[place] for place in both).values())
    found_pairs = pairs(Counter(found[place] for place in both).values())
    right_pairs = pairs(Counter((truth[place], found[place]) for place in both).values())
    return right_pairs / found_pairs, right_pairs / true_pairs, true_pairs


def test_identifiers_of_one_human_are_one_person_and_of_two_are_not(sample_company, remark):
    precision, recall, count = accuracy(sample_company)
    remark(
        f"identity against the sample's truth, {count:,} true pairs of identifiers:"
        f" precision {precision:.4f}, recall {recall:.4f}"
    )
    assert precision >= 0.99
    assert recall >= 0.95


def test_money_in_equals_money_out(sample_company):
    """Order by order: what was delivered, counted from the files, is what the events hold."""
    bench = sample_company.bench
    with duckdb.connect() as connection:
        delivered = defaultdict(set)
        for order, amount in connection.execute(
            f"""
            select order_id, total_amount from read_parquet('{bench.raw}/commerce/orders/*.parquet')
            where order_id is not null and coalesce(total_amount, 0) >= 0
                and coalesce(currency, '') <> 'XXX'
                and placed_at between '2020-01-01' and '2030-01-01'
                and coalesce(email, '') not ilike '%@example-internal.test%'
            """
        ).fetchall():
            delivered[order].add(amount)
    found = {
        row["raw_event_id"]: row["original_amount"]
        for row in bench.rows(
            """
            select distinct raw.raw_event_id, events.original_amount
            from marts.fct_events as events
            inner join staging.stg_commerce__events as raw on events.event_id = raw.event_id
            where events.event_name = 'order_placed'
            """
        )
    }
    assert len(found) > 200
    assert found.keys() == delivered.keys()
    # an order delivered twice with two amounts counts once, with one of them
    assert all(found[order] in amounts for order, amounts in delivered.items())


def test_every_load_is_balanced_and_every_rejected_row_has_a_reason(sample_company):
    loads = sample_company.bench.rows("marts.reconciliation")
    assert len(loads) > 100
    assert all(row["is_balanced"] for row in loads)
    fates = ("accepted", "duplicate", "rejected", "suppressed")
    assert all(sum(row[f"{fate}_row_count"] for fate in fates) > 0 for row in loads)
    assert all(sum(row[f"{fate}_row_count"] for row in loads) > 0 for fate in fates)
    for row in sample_company.bench.rows("marts.rejected_rows"):
        assert row["reject_reason"] and row["raw_row_id"]


def test_a_rejected_row_is_found_again_by_its_id(sample_company):
    row = sample_company.bench.rows(
        "select * from marts.rejected_rows where offer = 'events' order by rejected_row_id limit 1"
    )[0]
    again = sample_company.bench.rows(
        f"select * from staging.stg_{row['source_name']}__events"
        f" where raw_row_id = '{row['raw_row_id']}' and load_id = '{row['load_id']}'"
    )
    assert [found["reject_reason"] for found in again] == [row["reject_reason"]] * row["row_count"]


@pytest.mark.long  # test_differential.py asks the same of the worlds
def test_a_build_without_news_changes_no_table(sample_company, tmp_path):
    copy = sample_company.bench.copy_to(tmp_path)
    copy.build()
    assert_equal_tables(sample_company.bench, copy, names=("before", "after"))


def test_dates_have_no_gaps(sample_company):
    days = [
        row["date_day"]
        for row in sample_company.bench.rows(
            "select date_day from marts.dim_dates order by date_day"
        )
    ]
    assert len(days) > 700
    assert all(after - before == timedelta(days=1) for before, after in pairwise(days))


def test_every_column_of_a_built_table_is_described_and_no_other(sample_company):
    """Models that are built: the tables of sources that are not registered do not stand there."""
    described = {}
    for path in ROOT.glob("models/**/*.yml"):
        for node in yaml.safe_load(path.read_text()).get("models", []):
            described[node["name"]] = {column["name"] for column in node.get("columns", [])}
    with duckdb.connect(str(sample_company.bench.database), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns()"
            " where schema_name in ('staging', 'intermediate', 'marts')"
        ).fetchall()
    built = defaultdict(set)
    for table, column in columns:
        built[table].add(column)
    # what builds remember of each other: written by hooks, no models
    ledgers = {"build_configuration", "build_settings", "build_versions", "change_ledger"}
    ledgers |= {"loads_seen", "blocked_links_applied"}
    tables = built.keys() - ledgers
    assert len(tables) > 190
    assert {name: built[name] for name in tables} == {name: described.get(name) for name in tables}
