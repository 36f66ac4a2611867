"""A hostile value stays a value: in vars, seeds, raw columns, and the keys and values of JSON.

A hundred of them go through every place that takes free text, in two builds. What stands in the
warehouse afterwards is what a build with tame values makes, and each value is kept byte for byte
where it is stored.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import LAYOUT, ROOT, Bench
from test_privacy import ORDINARY

AT, LOADED_AT = datetime(2025, 11, 20, 12, 0), datetime(2025, 12, 1)
TABLE = "marts.fct_events"

# no @, no + before digits and no four numbers with dots: personal-data masking rewrites these by
# design (test_privacy.py); and no white space at the ends, which every text loses by design
HOSTILE = [
    *(
        f"{end} drop table {TABLE}; --"
        for end in ("'", "';", "')", "'))", '"', '";', "`;", "*/")
    ),
    *(f"x' {word} select 1 --" for word in ("union", "union all", "except", "intersect")),
    "'", "''", "'''", '"', '""', "`", "\\", "\\\\", "\\'", "'\\", "\\\\'", "'||'", "' || '", "'x",
    "' or '1'='1", "' or 1=1 --", "1 or 1=1", "1; select 1", ";", ";;", "--;", "-- x", "#", "/*",
    "/* x */", "*/", "/*!50000 x */", "$$", "$$; select 1; $$", "$x$ y $x$", "$1", "?", ":x",
    "{{ 1 + 1 }}", "{{ ref('dim_persons') }}", "{{ env_var('HOME') }}", "{% raw %}", "{%",
    "{% do exceptions.raise_compiler_error('x') %}", "{{", "}}", "%}", "{# x #}", "{{ '}}' }}",
    "{{ run_query('drop schema marts cascade') }}", "{{ adapter.drop_schema(this) }}",
    "{% endif %}", "%s", "%d %n", "%(x)s", "%%", "%27%3B", "{}", "{0}", "{x}", "{0.__class__}",
    "${HOME}", "$(id)", "`id`", "|id", "&& id", "../../etc/passwd", "/etc/passwd", "C:\\Windows",
    "file:///etc/passwd", "is null", "read_csv('/etc/passwd')", "copy x to '/tmp/x'",
    "attach 'x.db'", "install httpfs", "pragma x", "NULL;", "select", "drop", "table", "order by",
    "true;", "nan;", "-1;", "0x27", "1e9;", "a\nb", "a\r\nb", "a\n-- b", "a\tb", "a\x00b",
    "a\x00'; --", "a\x01b", "a\x1fb", "a\x7fb", "a\x1ab", "\u2018 or 1=1", "\u2019; --",
    "\u201cx\u201d", "\uff07 or 1", "\u02bc", "\u037e", "a\u2028b", "a\u202eb", "a\u200bb",
    "\U0001f600'", "\u00e6\u00f8\u00e5'", "e\u0301", "\u05d0'\u05d1", "\ufffd", "=1+1",
    "=cmd|'x'!A1", "<script>alert('x')</script>", "<!--", "]]>", "&apos;", "a,b", 'a","b',
    "^(.*$", "[a-", "(?i)x", "a|b", ".*", "\\d+", "\\1", "$", "^", "()", "x' * 9",
    "y" * 380 + "'", "z'; " * 90 + "z", "__class__.__mro__", "\\x27", "\\u0027",
    "\\N{APOSTROPHE}", "chr(39)", "'||chr(39)",
]  # fmt: skip

# stored so: raw column -> column of the canonical table
FREE = {
    "segment.tracks": {
        "event": "raw_event_name", "context_page_title": "page_title",
        "context_page_path": "page_path",
        "context_user_agent": "user_agent", "anonymous_id": "anonymous_id", "user_id": "user_id",
        "context_device_id": "device_id",
    },
    "segment.pages": {"name": "raw_event_name", "title": "page_title", "path": "page_path"},
    "segment.screens": {"name": "page_title"},
    "segment.groups": {"group_id": "account_id"},
    "segment.aliases": {"previous_id": "previous_anonymous_id"},
    "billing.subscriptions": {
        "plan": "plan", "billing_interval": "billing_interval", "status": "status",
        "subscription_id": "subscription_id",
    },
    "billing.invoices": {"status": "raw_event_name"},
    "billing.customers": {"customer_id": "customer_id"},
    "ads.spend": {"platform": "platform", "campaign": "campaign"},
    **{
        f"generic.{offer}": {name: name for name in names.split()}
        for offer, names in {
            "messages": "campaign reason cta", "support_contacts": "reason",
            "survey_responses": "survey wave", "experiment_exposures": "experiment variant",
            "commercial_offers": "product", "content_assets": "title page_path",
            "accounts": "account_name plan industry",
        }.items()
    },
}  # fmt: skip
RECORDS = [table.removeprefix("generic.") for table in LAYOUT if table.startswith("generic.")]
# these are stored in lower case
CAMPAIGN = ("source", "medium", "name", "term", "content")
KEY_OF_THE_ROW = {
    "segment.tracks": "id", "segment.pages": "id", "segment.screens": "id", "segment.groups": "id",
    "segment.aliases": "id", "segment.identifies": "id", "billing.customers": "user_id",
    "billing.subscriptions": "user_id", "billing.invoices": "invoice_id",
    "commerce.orders": "order_id", "commerce.refunds": "refund_id", "ads.spend": "utm_source",
    "generic.messages": "message_id", "generic.support_contacts": "contact_id",
    "generic.survey_responses": "response_id", "generic.experiment_exposures": "user_id",
    "generic.commercial_offers": "offer_id", "generic.content_assets": "asset_id",
    "generic.accounts": "account_id",
}  # fmt: skip


def raw_rows(values: list[str]) -> dict[str, dict[str, list[dict]]]:
    """For each value one row of each table, with the value in every free-text column at once."""
    tables: dict[str, dict[str, list[dict]]] = {}
    for name in LAYOUT:
        source, table = name.split(".")
        rows = tables.setdefault(source, {}).setdefault(table, [])
        for number, value in enumerate(values):
            row = {
                key: text.replace("{n}", f"{number}") if isinstance(text, str) else text
                for key, text in ORDINARY[name].items()
            }
            row[KEY_OF_THE_ROW[name]] = f"{table}-{number}"
            row |= dict.fromkeys(FREE.get(name, {}), value)
            if "context_campaign_name" in LAYOUT[name].split():
                row |= {f"context_campaign_{part}": value for part in CAMPAIGN}
            if name == "segment.tracks":
                properties = {"plan": value, "feature": f"x{value}", value: "a hostile key"}
                row["properties"] = json.dumps(properties, ensure_ascii=number % 2 == 0)
            # the name of the load is free text too
            rows.append({**row, "_load_id": f"{number}: {value}", "_loaded_at": LOADED_AT})
    return tables


# free-text columns of seeds that are no pattern: seed -> (a right row, the columns)
SEEDS = {
    "channel_rules": ({"rule_number": "{n}", "medium_pattern": "^never$"}, ["channel_group"]),
    "event_rules": (
        {"rule_number": "{n}", "event_name": "hostile"},
        ["source_name", "raw_event_name"],
    ),
    "excluded_traffic": (
        {"rule_number": "{n}", "field": "user_agent", "pattern": "^never$"},
        ["reason"],
    ),
    "goals": ({"event_name": "event_{n}"}, ["goal", "description"]),
    "milestones": (
        {"milestone_number": "{n}", "trigger": "event", "event_name": "event_{n}"},
        ["milestone", "description"],
    ),
    "placeholder_identifiers": ({"match_type": "exact"}, ["value"]),
    "retention_definitions": (
        {"definition": "d_{n}", "unit": "week", "mode": "calendar", "max_offset": "1"},
        ["description"],
    ),
    "retention_events": ({"definition": "active_weekly", "role": "start"}, ["event_name"]),
    "stage_rules": (
        {"rule_number": "{n}", "effect": "enter", "stage": "adoption", "trigger": "event"},
        ["event_name"],
    ),
    "touchpoint_types": ({"direction": "inbound"}, ["touchpoint_type", "description"]),
}  # the other seeds hold names by a pattern, numbers and words of a list


def goes_through(value: str) -> bool:
    """A line break has a test of its own, below; a NUL is told (test_configuration.py)."""
    return not set("\n\r\x00") & set(value)


def is_tame_key(key: str) -> bool:
    """Quotation marks and backslashes in a key of properties have a test of their own, below."""
    return not set('"\\') & set(key)


def seed_value(value: str) -> str:
    """Not the raw value itself: a placeholder would take the identifiers away."""
    return f"seed {value}"


def write_seeds(folder, values: list[str]) -> None:
    for seed, (right, free) in SEEDS.items():
        path = folder / f"{seed}.csv"
        header = next(csv.reader(io.StringIO(path.read_text())))
        with path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
            for number, value in enumerate(values, start=1000):
                if not goes_through(value):
                    continue
                row = {key: text.replace("{n}", str(number)) for key, text in right.items()}
                row |= dict.fromkeys(free, seed_value(value))
                writer.writerow([row.get(column, "") for column in header])
                if seed == "event_rules" and is_tame_key(value):  # where a pattern is searched
                    more = {"rule_number": str(number + 5000), "event_name": "never"}
                    row = {**more, "pattern": "^never$", "property": value}
                    writer.writerow([row.get(column, "") for column in header])


def catalogue(bench: Bench) -> set[tuple]:
    """Schemas, and the columns of all tables and views."""
    with bench.connect() as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where not internal and database_name = 'build'"
        ).fetchall()
        schemas = connection.execute(
            "select schema_name from duckdb_schemas() where database_name = 'build'"
        ).fetchall()
    return {*columns, *schemas}


# of one mapped table: its name, its columns' names, its constants and its properties
CONSTANTS = ("raw_event_name", "platform", "page_title", "page_path", "utm_content")
MAPPED = "a table'; drop schema marts cascade; --"


def hostile_vars(folder, values: list[str]) -> dict:
    """Every var that takes free text: keys, paths and a map of a table of the user's own."""
    # --vars is YAML, which has no NUL and DEL, and reads JSON's escapes of an emoji as two halves
    of_vars = [value for value in values if not set("\x00\x7f\U0001f600") & set(value)]
    raw = {
        source: "{raw}/" + source + "/{table}/*.parquet"
        for source in ("segment", "billing", "commerce", "ads")
    }
    own = folder / "it's; drop schema marts cascade; --"
    own.mkdir()
    columns = {"at": [AT], "who": ["somebody"], "_load_id": ["own"], "_loaded_at": [LOADED_AT]}
    # a quotation mark in the name of a column has a test of its own, below; | parts alternatives
    names = [name for name in dict.fromkeys(map(str.lower, of_vars)) if not set('"|') & set(name)]
    columns |= {name: [f"value of {name}"] for name in names}
    pq.write_table(pa.table(columns), own / "rows.parquet")
    return {
        "sources": {
            "segment": ["events", "identity_links"], "commerce": ["events"], "ads": ["ad_spend"],
            "billing": ["events", "identity_links", "subscriptions"],
            "generic": ["events", *RECORDS],
        },
        "raw_files": {
            **raw,
            "generic": {
                MAPPED: str(own / "rows.parquet"),
                **{offer: f"{{raw}}/generic/{offer}/*.parquet" for offer in RECORDS},
            },
        },
        "event_properties": ["plan", "feature", *filter(is_tame_key, of_vars)],
        "generic_tables": {
            **{offer: {offer: {}} for offer in RECORDS},
            "events": {
                MAPPED: {
                    "columns": {
                        "occurred_at": "at", "user_id": "who", "raw_event_id": names[0],
                        "utm_term": [*names[1:]],
                    },
                    "constants": dict(zip(CONSTANTS, of_vars, strict=False)),
                    "properties": names,
                }
            }
        },
    }  # fmt: skip


def build(folder, values: list[str], variables: dict | None = None) -> Bench:
    taxonomy = folder / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", taxonomy)
    write_seeds(taxonomy, values)
    bench = Bench(folder / "bench", variables=variables, with_kpis=False)
    bench.taxonomy = str(taxonomy)
    for source, tables in raw_rows(values).items():
        bench.deliver(0, {source: tables})
    bench.build()
    return bench


@pytest.fixture(scope="module")
def tame(tmp_path_factory) -> Bench:
    return build(tmp_path_factory.mktemp("tame"), ["tame"])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Bench:
    folder = tmp_path_factory.mktemp("hostile")
    return build(folder, HOSTILE, hostile_vars(folder, HOSTILE))


def test_there_are_a_hundred_hostile_values():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 100


def test_the_catalogue_is_what_a_tame_build_makes(tame, hostile):
    made, as_ever = catalogue(hostile), catalogue(tame)
    assert as_ever <= made
    assert {one[1] for one in made - as_ever} == {MAPPED, "stg_generic__events"}


def kept(bench: Bench, table: str, column: str, source_table: str) -> dict[str, str]:
    rows = bench.rows(
        f"select load_id, {column} as value from {table}"
        f" where source_table = '{source_table}' and reject_reason is null"
    )
    return {row["load_id"]: row["value"] for row in rows}


def is_nobody(load_id: str) -> bool:
    """As an identifier: nothing but quotation marks, or a placeholder between them."""
    return load_id.split(": ", 1)[1].strip("'\"`“”") in ("", "id", "x", "?")


def offer_of(table: str) -> str:
    if table in ("segment.groups", "segment.aliases", "billing.customers"):
        return "identity_links"
    if table.startswith("generic."):
        return table.removeprefix("generic.")
    return {"billing.subscriptions": "subscriptions", "ads.spend": "ad_spend"}.get(table, "events")


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, of in FREE.items() for column in of.values()]
)
def test_a_raw_value_is_kept_byte_for_byte(hostile, table, column):
    found = kept(hostile, f"intermediate.int_{offer_of(table)}_unioned", column, table)
    expected = {f"{n}: {value}": value for n, value in enumerate(HOSTILE)}
    if table == "billing.subscriptions":  # without a subscription's id the row is rejected
        expected = {load: value for load, value in expected.items() if not is_nobody(load)}
    elif column.endswith("_id"):
        expected = {load: None if is_nobody(load) else v for load, v in expected.items()}
    assert found == expected


@pytest.mark.parametrize("part", ["source", "medium", "campaign", "term", "content"])
def test_a_campaign_is_kept_in_lower_case(hostile, part):
    for table in ("segment.tracks", "segment.pages"):
        found = kept(hostile, "intermediate.int_events_unioned", f"utm_{part}", table)
        with hostile.connect() as connection:  # its lower case, which is not Python's
            lower = connection.execute("select lower(unnest(?))", [HOSTILE]).fetchall()
        assert found == {f"{n}: {HOSTILE[n]}": value for n, (value,) in enumerate(lower)}


def test_the_values_of_properties_are_kept_and_hostile_keys_read(hostile):
    found = kept(hostile, "intermediate.int_events_unioned", "properties", "segment.tracks")
    for number, value in enumerate(HOSTILE):
        properties = json.loads(found[f"{number}: {value}"])
        assert properties["plan"] == value and properties["feature"] == f"x{value}"
        if value in hostile.variables["event_properties"]:
            assert properties[value] == "a hostile key"


def test_what_a_record_says_is_kept_in_the_events_that_it_implies(hostile):
    rows = hostile.rows("""select load_id, properties from intermediate.int_record_events
        where source_table = 'generic.messages'""")
    said = {row["load_id"]: json.loads(row["properties"]) for row in rows}
    assert {load: (of["campaign"], of["reason"], of["cta"]) for load, of in said.items()} == {
        f"{n}: {value}": (value, value, value) for n, value in enumerate(HOSTILE)
    }


def test_the_marts_hold_the_raw_values(hostile):
    titles = hostile.rows("select page_title from marts.fct_events where event_type = 'screen'")
    assert sorted(row["page_title"] for row in titles) == sorted(HOSTILE)
    spend = hostile.rows("select platform, campaign from marts.fct_ad_spend")
    assert sorted(row["campaign"] for row in spend) == sorted(HOSTILE)
    loads = hostile.rows("select distinct load_id, is_balanced from marts.reconciliation")
    assert {f"{n}: {value}" for n, value in enumerate(HOSTILE)} <= {row["load_id"] for row in loads}
    assert all(row["is_balanced"] for row in loads)


@pytest.mark.parametrize(
    ("seed", "column"), [(seed, column) for seed, (_, free) in SEEDS.items() for column in free]
)
def test_a_seed_value_is_kept_byte_for_byte(hostile, seed, column):
    expected = {seed_value(value) for value in HOSTILE if goes_through(value)}
    rows = hostile.rows(f"select {column} as value from taxonomy.{seed}")
    assert {row["value"] for row in rows if str(row["value"]).startswith("seed ")} == expected


def test_a_mapped_table_with_hostile_names_is_read(hostile):
    (event,) = hostile.rows(
        "select * from intermediate.int_events_unioned where source_table = 'generic."
        + MAPPED.replace("'", "''")
        + "'"
    )
    variables = hostile.variables["generic_tables"]["events"][MAPPED]
    assert event["source_table"] == f"generic.{MAPPED}" and event["reject_reason"] is None
    for column, value in variables["constants"].items():
        assert event[column] == value
    held = json.loads(event["properties"])
    for name in set(variables["properties"]) & set(hostile.variables["event_properties"]):
        assert held[name] == f"value of {name}"


# ---------------------------------------------------------------- names instead of literals

MAKES_A_TABLE = 't" as select 1 as x; create or replace table main.injected as select 1 as x; --'


def of_one_mapped_table(folder, table: str, column: str) -> Bench:
    folder.mkdir()
    values = {"at": [AT], column: ["somebody"], "_load_id": ["own"], "_loaded_at": [LOADED_AT]}
    pq.write_table(pa.table(values), folder / "rows.parquet")
    columns = {"occurred_at": "at", "user_id": column, "raw_event_id": column}
    map_ = {"columns": columns, "constants": {"event_type": "page"}}
    return Bench(
        folder / "bench",
        variables={
            "sources": {"generic": ["events"]},
            "raw_files": {"generic": str(folder / "rows.parquet")},
            "generic_tables": {"events": {table: map_}},
        },
    )


def test_a_quotation_mark_in_the_name_of_a_mapped_table_makes_no_statement(tmp_path):
    bench = of_one_mapped_table(tmp_path / "own", MAKES_A_TABLE, "who")
    run = bench.build(select=["+int_events_unioned"], check=False)
    assert not [one for one in catalogue(bench) if "injected" in one]
    assert "[S6] var `generic_tables`, events: `t" in str(run)


def test_a_quotation_mark_in_the_name_of_a_column_is_part_of_the_name(tmp_path):
    bench = of_one_mapped_table(tmp_path / "own", "rows", 'who "is" it')
    bench.build(select=["+int_events_unioned"])
    assert [row["user_id"] for row in bench.rows("intermediate.int_events_unioned")] == ["somebody"]


# ---------------------------------------------------------------- line breaks within fields


def test_a_line_break_in_a_field_is_part_of_it(tmp_path):
    """In a seed, and in a raw table that comes as CSV."""
    taxonomy = tmp_path / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", taxonomy)
    with (taxonomy / "goals.csv").open("a", newline="") as file:
        file.write('lines,signed_up,"one\ntwo"\n')
    spend = 'date,platform,campaign,spend_amount,_load_id\n2025-11-20,x,"one\ntwo",1.00,l\n'
    (tmp_path / "spend.csv").write_text(spend, newline="")
    variables = {
        "sources": {"ads": ["ad_spend"]},
        "raw_files": {"ads": str(tmp_path / "{table}.csv")},
    }
    bench = Bench(tmp_path / "bench", variables=variables, with_kpis=False)
    bench.taxonomy = str(taxonomy)
    bench.build(select=["+int_ad_spend_unioned", "goals"])
    (row,) = bench.rows("intermediate.int_ad_spend_unioned")
    assert row["campaign"] == "one\ntwo"
    assert bench.rows("select description from taxonomy.goals where goal = 'lines'") == [
        {"description": "one\ntwo"}
    ]


# ---------------------------------------------------------------- keys within a path

KEY = 'a "key" and a \\'


@pytest.mark.parametrize("place", ["event_properties", "event_rules.csv"])
def test_a_quotation_mark_in_the_key_of_a_property_is_part_of_it(tmp_path, place):
    taxonomy = tmp_path / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", taxonomy)
    if place == "event_rules.csv":
        with (taxonomy / "event_rules.csv").open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(
                ["1000", "", "", "", KEY, "^value$", "", "told_by_its_property"]
            )
    keys = ["plan", KEY] if place == "event_properties" else ["plan"]
    variables = {"sources": {"segment": ["events"]}, "event_properties": keys}
    bench = Bench(tmp_path / "bench", variables=variables, with_kpis=False)
    bench.taxonomy = str(taxonomy)
    (row,) = raw_rows(["tame"])["segment"]["tracks"]
    properties = json.dumps({"plan": "pro", KEY: "value"})
    bench.deliver(0, {"segment": {"tracks": [row | {"properties": properties}]}})
    bench.build(select=["+int_events_classified"])
    (event,) = bench.rows("intermediate.int_events_classified")
    if place == "event_properties":
        assert json.loads(event["properties"]) == {"plan": "pro", KEY: "value"}
