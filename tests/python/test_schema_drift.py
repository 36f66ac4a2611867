"""A raw table may lack a column, have a new one, or hold it in another type (G2).

A required column that is gone stops the build with a message; whatever else happens to a table,
its rows come out the same, or NULL, or are rejected: from the start, and in the middle of a
history, where the second delivery lies in a file of another schema than the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from harness import LAYOUT, ROOT, Bench, as_table, assert_equal_tables, schema_of
from test_privacy import ORDINARY

AT = datetime(2025, 11, 20, 12, 0)
RECORDS = tuple(table.split(".")[1] for table in LAYOUT if table.startswith("generic."))
OFFERS = ("events", "identity_links", "subscriptions", "ad_spend", *RECORDS)
CANONICAL = tuple(f"int_{offer}_unioned" for offer in OFFERS)
SELECT = [f"+{name}" for name in CANONICAL]
BOOKKEEPING = ("_load_id", "_loaded_at")

# what a row says where ORDINARY leaves a column out; other text columns hold their own name
FILLED = {
    "properties": '{"plan": "pro", "step": 2}',
    "url": "https://www.example.com/pricing",
    "referrer": "https://www.google.com/",
    "context_page_url": "https://www.example.com/pricing?utm_term=x",
    "context_page_referrer": "https://www.google.com/",
    "email": "a{n}@example.com",
    "context_traits_email": "b{n}@example.com",
    "phone": "+4529000{n}00",
    "context_ip": "100.64.0.{n}",
    "amount": Decimal("9.50"),
    "event_text": None,
    "currency_code": "EUR",
    "cost_amount": "7.25",
    "score": "7",
    "is_machine": "true",
    "is_complaint": "no",
    "is_escalated": "f",
}
# an id is made of digits, so that it can also come as a number
IS_ID = re.compile(r"(^|_)id$")


def required_columns() -> dict[str, list[str]]:
    """`source.table` -> the columns without which nothing works, alternatives joined by |."""
    found = {}
    for path in sorted((ROOT / "models" / "staging").glob("*/__sources.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                name = f"{source['name']}.{table['name']}"
                found[name] = table["config"]["meta"]["required_columns"]
    # the tables that are named as offered have no yml
    return found | REQUIRED_OF_RECORDS


REQUIRED_OF_RECORDS = {
    "generic.messages": ["message_id", "message_event", "occurred_at"],
    "generic.support_contacts": [
        *("contact_id", "contact_type", "opened_at|first_replied_at|resolved_at"),
    ],
    "generic.survey_responses": [
        *("response_id", "survey", "survey_type", "invited_at|responded_at"),
    ],
    "generic.experiment_exposures": ["experiment", "variant", "exposed_at"],
    "generic.commercial_offers": [
        *("offer_id", "offer_type", "offered_at|accepted_at|declined_at"),
    ],
    "generic.content_assets": ["asset_id", "asset_type"],
    "generic.accounts": ["account_id"],
}
REQUIRED = required_columns()


def full_row(table: str, number: int) -> dict:
    """A row in which every column holds something."""
    row = {}
    for column in schema_of(table):
        name = column.name
        if IS_ID.search(name) and not name.startswith("_"):
            row[name] = f"{1 + list(LAYOUT).index(table)}00{number}"
        elif name in ORDINARY[table] and ORDINARY[table][name] is not None:
            value = ORDINARY[table][name]
            is_pattern = isinstance(value, str) and name != "properties"
            row[name] = value.format(n=number) if is_pattern else value
        elif name in FILLED:
            value = FILLED[name]
            is_pattern = isinstance(value, str) and name != "properties"
            row[name] = value.format(n=number) if is_pattern else value
        elif column.type == pa.timestamp("us") or name.endswith(("timestamp", "_at")):
            row[name] = AT
        elif column.type == pa.int64():
            row[name] = number
        else:
            row[name] = f"{name} {number}"
    return {**row, "_load_id": f"l{number}", "_loaded_at": datetime(2025, 12, number)}


def full_table(table: str, number: int, without: frozenset[str] = frozenset()) -> pa.Table:
    row = full_row(table, number)
    return as_table(table, [{key: row[key] for key in row if key not in without}])


# ---------------------------------------------------------------- what happens to a table

Drift = Callable[[str, pa.Table], pa.Table]


def retyped(table: pa.Table, change: Callable[[str, pa.ChunkedArray], pa.ChunkedArray]):
    columns = [change(name, table.column(name)) for name in table.column_names]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def cast_where(chosen: Callable[[str, pa.DataType], bool], kind: pa.DataType) -> Drift:
    def drift(name: str, table: pa.Table) -> pa.Table:
        return retyped(
            table,
            lambda column, values: (
                values.cast(kind)
                if column not in BOOKKEEPING and chosen(column, values.type)
                else values
            ),
        )

    return drift


def is_time(column: str, kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind)


def is_number(column: str, kind: pa.DataType) -> bool:
    return pa.types.is_decimal(kind) or pa.types.is_integer(kind)


def is_id(column: str, kind: pa.DataType) -> bool:
    return bool(IS_ID.search(column))


def is_amount(column: str, kind: pa.DataType) -> bool:
    return column in ("amount", "total_amount", "mrr_amount", "spend_amount", "cost_amount")


def times_in_zone(name: str, table: pa.Table) -> pa.Table:
    def change(column, values):
        if column in BOOKKEEPING or not pa.types.is_timestamp(values.type):
            return values
        return pc.assume_timezone(values, "UTC")

    return retyped(table, change)


def times_as_epoch(name: str, table: pa.Table) -> pa.Table:
    def change(column, values):
        if column in BOOKKEEPING or not pa.types.is_timestamp(values.type):
            return values
        moments = [
            None if value is None else int(value.replace(tzinfo=UTC).timestamp() * 1000)
            for value in values.to_pylist()
        ]
        return pa.chunked_array([pa.array(moments, pa.int64())])

    return retyped(table, change)


def new_columns(name: str, table: pa.Table) -> pa.Table:
    """Ours by name in another source, one of every kind, and one that no SQL likes."""
    rows = table.num_rows
    for column, values in {
        "select": ["x"] * rows,
        'a "quoted" column; --': [1] * rows,
        "nested": [{"a": [1, 2]}] * rows,
        "occurred_at": [datetime(1999, 1, 1)] * rows,
        "reject_reason": ["none"] * rows,
        "source_name": ["other"] * rows,
        "has_amount": [True] * rows,
    }.items():
        if column not in table.column_names:
            table = table.append_column(column, pa.array(values))
    return table


def in_another_order(name: str, table: pa.Table) -> pa.Table:
    return table.select(sorted(table.column_names, reverse=True))


def in_capitals(name: str, table: pa.Table) -> pa.Table:
    return table.rename_columns([column.upper() for column in table.column_names])


def both(*drifts: Drift) -> Drift:
    """Changes that do not touch the same columns share a build."""

    def drift(name: str, table: pa.Table) -> pa.Table:
        for one in drifts:
            table = one(name, table)
        return table

    return drift


times_as_text = cast_where(is_time, pa.string())
numbers_as_text = cast_where(is_number, pa.string())
amounts_as_floats = cast_where(is_amount, pa.float64())
ids_as_numbers = cast_where(is_id, pa.int64())
ids_as_floats = cast_where(is_id, pa.float64())

TEXT_AND_FLOAT = "united with text, a float 1001.0 is the text 1001.0 before anybody sees its type"
FROM_THE_START = {
    "another order, new columns, capitals, times and numbers as text, ids as numbers": (
        both(times_as_text, numbers_as_text, ids_as_numbers, new_columns, in_another_order,
             in_capitals), ""),
    "times as epoch milliseconds, amounts and ids as floats": (
        both(times_as_epoch, amounts_as_floats, ids_as_floats), ""),
}  # fmt: skip
IN_THE_MIDDLE = {
    "columns added, in another order, names in capitals, times in nanoseconds": (
        both(cast_where(is_time, pa.timestamp("ns")), new_columns, in_another_order,
             in_capitals), ""),
    "times and numbers as text, ids as numbers": (
        both(times_as_text, numbers_as_text, ids_as_numbers), ""),
    "times in a zone, amounts as floats": (both(times_in_zone, amounts_as_floats), ""),
    "ids as floats": (ids_as_floats, TEXT_AND_FLOAT),
}  # fmt: skip


def optional_columns(table: str) -> frozenset[str]:
    required = {name for names in REQUIRED[table] for name in names.split("|")}
    return frozenset(schema_of(table).names) - required - set(BOOKKEEPING)


def every_second(table: str) -> frozenset[str]:
    return frozenset(sorted(optional_columns(table))[::2])


# ---------------------------------------------------------------- benches


def deliver(bench: Bench, number: int, drift: Drift | None = None, without=lambda table: ()):
    for name in LAYOUT:
        source, table = name.split(".")
        rows = full_table(name, number, frozenset(without(name)))
        bench.deliver(number, {source: {table: drift(name, rows) if drift else rows}})


@pytest.fixture(scope="module")
def one_load(tmp_path_factory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("one_load"), with_kpis=False)
    deliver(bench, 1)
    bench.build(select=SELECT)
    for offer in OFFERS:  # else nothing would be compared
        rows = bench.rows(f"intermediate.int_{offer}_unioned")
        assert rows and not [row["reject_reason"] for row in rows if row["reject_reason"]]
    return bench


@pytest.fixture(scope="module")
def two_loads(one_load, tmp_path_factory) -> Bench:
    bench = one_load.copy_to(tmp_path_factory.mktemp("two_loads"), with_raw=True)
    deliver(bench, 2)
    bench.build(select=SELECT)
    return bench


def cases(drifts: dict[str, tuple[Drift, str]]):
    return pytest.mark.parametrize(
        "drift",
        [
            pytest.param(
                drift,
                id=name,
                marks=[pytest.mark.xfail(strict=True, reason=defect)] if defect else [],
            )
            for name, (drift, defect) in drifts.items()
        ],
    )


@cases(FROM_THE_START)
def test_another_layout_of_the_same_rows_changes_nothing(one_load, tmp_path, drift):
    bench = Bench(tmp_path, with_kpis=False)
    deliver(bench, 1, drift)
    bench.build(select=SELECT)
    assert_equal_tables(one_load, bench, ("as ever", "in another layout"))


@cases(IN_THE_MIDDLE)
def test_another_layout_from_the_second_delivery_on_changes_nothing(
    one_load, two_loads, tmp_path, drift
):
    bench = one_load.copy_to(tmp_path, with_raw=True)
    deliver(bench, 2, drift)
    bench.build(select=SELECT)
    assert_equal_tables(two_loads, bench, ("as ever", "in another layout"))


# ---------------------------------------------------------------- optional columns


def test_a_table_of_required_columns_alone_builds(one_load, tmp_path):
    bench = Bench(tmp_path, with_kpis=False)
    deliver(bench, 1, lambda name, rows: rows.drop_columns(sorted(optional_columns(name))))
    bench.build(select=SELECT)
    counts = "select count(*) as n, count(distinct source_table) as tables from intermediate."
    for offer in OFFERS:
        name = f"int_{offer}_unioned"
        assert bench.rows(counts + name) == one_load.rows(counts + name)
    # what is required is enough for these, and nothing else is made up
    reasons = "select source_table, reject_reason from intermediate.int_events_unioned"
    found = {row["source_table"]: row["reject_reason"] for row in bench.rows(reasons)}
    assert found.pop("commerce.orders") is None  # the order is an identifier
    assert set(found.values()) == {"missing_identifier"}
    (order,) = bench.rows(
        "select * from intermediate.int_events_unioned where source_table = 'commerce.orders'"
    )
    assert (order["amount"], order["currency_code"], order["user_id"]) == (9, None, None)


def test_optional_columns_missing_from_the_second_delivery_on_are_null(one_load, tmp_path):
    """As if the columns were there and empty."""
    benches = []
    for name in ("gone", "empty"):
        bench = one_load.copy_to(tmp_path / name, with_raw=True)
        if name == "gone":
            deliver(bench, 2, lambda name, rows: rows.drop_columns(sorted(every_second(name))))
        else:
            deliver(bench, 2, without=every_second)
        bench.build(select=SELECT)
        benches.append(bench)
    assert_equal_tables(*benches, ("gone", "empty"))


def without_currency(name, rows):
    return rows.drop_columns([column for column in rows.column_names if column == "currency"])


def with_currency_code(name, rows):
    names = [f"{column}_code" if column == "currency" else column for column in rows.schema.names]
    return rows.rename_columns(names)


NEAR = " (Did you mean `currency_code`?)"


def warnings_of(bench: Bench) -> list[str]:
    """What is warned of while the staging views are made."""
    said: list[str] = []
    views = [f"path:models/staging/{name.split('.')[0]}" for name in LAYOUT]
    bench.dbt(
        "run", "--select", *sorted(set(views)),
        callbacks=[lambda event: said.append(event.info.msg)],
    )  # fmt: skip
    return [line for line in said if re.search(r"\[W\d\]", line)]


@pytest.mark.parametrize(
    ("number", "change", "code", "near"),
    [
        pytest.param(1, with_currency_code, "W1", NEAR, id="new name"),
        pytest.param(2, with_currency_code, "W2", NEAR, id="new name in the middle"),
        pytest.param(2, without_currency, "W2", "", id="gone in the middle"),
    ],
)
def test_an_optional_column_that_is_gone_is_warned_of(
    one_load, tmp_path, number, change, code, near
):
    """`currency` gone and `currency_code` there: without a word, all money would be NULL."""
    bench = one_load.copy_to(tmp_path, with_raw=True)
    deliver(bench, number, change)
    warnings = warnings_of(bench)
    tables = [name for name in LAYOUT if "currency" in LAYOUT[name].split()]
    for table in tables:
        (line,) = [line for line in warnings if f"raw table {table}" in line]
        assert f"[{code}]" in line and f"column `currency`{near}" in line
        assert code == "W1" or "part-00002.parquet" in line
    assert len(warnings) == len(tables)


@pytest.mark.parametrize(
    "change", [None, new_columns, without_currency], ids=["plain", "new columns", "never there"]
)
def test_nothing_is_warned_of_that_was_never_otherwise(one_load, tmp_path, change):
    """A new column, and one that has never been there."""
    bench = one_load.copy_to(tmp_path, with_raw=True)
    deliver(bench, 1, without_currency if change is without_currency else None)
    deliver(bench, 2, change)
    assert warnings_of(bench) == []


def test_types_that_cannot_be_read_as_one_are_told_before_the_first_model(one_load, tmp_path):
    """Times that a loader writes as numbers from the second delivery on."""
    bench = one_load.copy_to(tmp_path, with_raw=True)
    deliver(bench, 2, times_as_epoch)
    run = bench.dbt("build", check=False)
    assert not run.success and not run.nodes
    (line,) = [line for line in str(run).splitlines() if "raw table commerce.refunds" in line]
    assert line.strip().startswith("[R3]") and "column `refunded_at` is TIMESTAMP in" in line
    assert "part-00001.parquet and BIGINT in" in line and "part-00002.parquet, and" in line


def test_types_of_an_optional_column_are_told_by_the_view_that_reads_it(one_load, tmp_path):
    bench = one_load.copy_to(tmp_path, with_raw=True)
    epoch = cast_where(lambda column, kind: column == "trial_started_at", pa.int64())
    deliver(bench, 2, epoch)
    run = bench.dbt("run", "--select", "stg_billing__subscription_versions", check=False)
    assert "[R3] raw table billing.subscriptions: the column `trial_started_at`" in str(run)


def test_types_that_nobody_reads_or_that_hold_nothing_go_with_any_other(one_load, tmp_path):
    def another(name, rows):
        rows = rows.append_column("unread", pa.array([AT]))
        nothing = pa.nulls(1, pa.null())
        names = rows.column_names
        return pa.table({x: nothing if x == "trial_ended_at" else rows.column(x) for x in names})

    bench = one_load.copy_to(tmp_path, with_raw=True)
    deliver(bench, 1, lambda name, rows: rows.append_column("unread", pa.array([1])))
    deliver(bench, 2, another)
    bench.dbt("run", "--select", "stg_billing__subscription_versions")
    (row,) = bench.rows(
        "select * from staging.stg_billing__subscription_versions where load_id = 'l2'"
    )
    assert (row["trial_started_at"], row["trial_ended_at"]) == (AT, None)


def test_json_that_comes_as_a_struct_is_read_or_rejected(one_load, tmp_path):
    def as_struct(name, rows):
        if "properties" not in rows.column_names:
            return rows
        position = rows.column_names.index("properties")
        values = pa.array([{"plan": "pro", "step": 2}] * rows.num_rows)
        return rows.set_column(position, "properties", values)

    bench = Bench(tmp_path, with_kpis=False)
    deliver(bench, 1, as_struct)
    bench.build(select=SELECT)
    query = "from intermediate.int_events_unioned select properties, reject_reason" + (
        " where source_table = 'segment.tracks'"
    )
    ((as_ever,), (found,)) = one_load.rows(query), bench.rows(query)
    assert found in (as_ever, {"properties": None, "reject_reason": "malformed_properties"})


# ---------------------------------------------------------------- required columns

REQUIRED_CASES = [(table, number) for table in LAYOUT for number, _ in enumerate(REQUIRED[table])]


@pytest.fixture(scope="module")
def told(one_load, tmp_path_factory) -> list[str]:
    """What is said when the n-th required column of every table has another name."""
    messages = []
    for number in range(max(map(len, REQUIRED.values()))):

        def renamed(name, rows, number=number):
            gone = {
                one for names in REQUIRED[name][number : number + 1] for one in names.split("|")
            }
            return rows.rename_columns(
                [f"{one}s" if one in gone else one for one in rows.column_names]
            )

        bench = one_load.copy_to(tmp_path_factory.mktemp("required"), with_raw=True)
        deliver(bench, 1, renamed)
        run = bench.dbt("build", check=False)
        assert not run.success and not run.nodes
        messages.append(str(run))
    return messages


@pytest.mark.parametrize(("table", "number"), REQUIRED_CASES)
def test_a_missing_required_column_is_told_with_what_is_there(told, table, number):
    names = REQUIRED[table][number].split("|")
    (line,) = [line for line in told[number].splitlines() if f"raw table {table} (" in line]
    assert line.strip().startswith("[R2]")
    assert f"has no column `{'` or `'.join(names)}`." in line
    there = [name for name in names if name in schema_of(table).names]
    assert f"Did you mean `{there[0]}s`?" in line
    expected = {f"{name}s" if name in names else name for name in schema_of(table).names}
    assert set(line.partition("Its columns are: ")[2].rstrip(".").split(", ")) == expected


@pytest.fixture(scope="module")
def half_gone(one_load, tmp_path_factory) -> str:
    """What is said where each table's last required column is missing in the second file alone."""
    bench = one_load.copy_to(tmp_path_factory.mktemp("half_gone"), with_raw=True)

    def without(name, rows):
        names = REQUIRED[name][-1].split("|")
        return rows.drop_columns([name for name in names if name in rows.column_names])

    deliver(bench, 2, without)
    run = bench.dbt("build", check=False)
    assert not run.success and not run.nodes
    return str(run)


@pytest.mark.parametrize("table", LAYOUT)
def test_a_required_column_missing_in_one_file_is_told_with_the_file(half_gone, table):
    """Read as one table, the other file would lend the column, and the rows would pass as empty."""
    (line,) = [line for line in half_gone.splitlines() if f"raw table {table} (" in line]
    names = REQUIRED[table][-1].split("|")
    assert line.strip().startswith("[R2]")
    assert f"part-00002.parquet) has no column `{'` or `'.join(names)}`." in line


def test_missing_columns_of_snowplow_and_of_a_mapped_table_are_told(tmp_path):
    for name, columns in {
        "snowplow": ["event_ident", "collector_tstamp"],
        "generic": ["uid"],
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(pa.table({column: ["x"] for column in columns}), folder / "events.parquet")
    bench = Bench(
        tmp_path / "bench",
        variables={
            "sources": {"snowplow": ["events"], "generic": ["events"]},
            "raw_files": {
                name: str(tmp_path / name / "{table}.parquet") for name in ("snowplow", "generic")
            },
            "generic_tables": {
                "events": {
                    "events": {
                        "columns": {
                            "occurred_at": "at",
                            "user_id": ["uuid", "user"],
                            "customer_id": {"columns": "customer", "prefix": "shop:"},
                        },
                        "properties": ["colour"],
                    }
                }
            },
        },
    )
    said = str(bench.dbt("build", check=False))
    assert re.search(
        r"\[R2\] raw table snowplow.events .* no column `event_id`. Did you mean", said
    )
    assert re.search(r"\[R2\] raw table generic.events .* no column `at`", said)
    assert re.search(r"\[R2\] raw table generic.events .* no column `uuid` or `user`", said)
    assert re.search(r"\[R2\] raw table generic.events .* no column `customer`\.", said)
    assert re.search(r"\[R2\] raw table generic.events .* no column `colour`\.", said)
