"""No raw e-mail, phone number, name or IP address past staging: a scan of every byte proves it.

A small sample is built together with rows in which *every* text column of every raw table holds an
e-mail address, a phone number and an IP address of its own, so that a leak names the column that
it came through. What dbt stored is copied into a new file without compression, and this file, the
publication and all of dbt's artifacts and logs are searched for each raw value in several
spellings.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import LAYOUT, ROOT, Bench, schema_of

from tools.publish import publish

DBT = Path(sys.executable).with_name("dbt")
# what is no text in the raw layout, or is checked as a number or a date before it is stored
LOAD, LOADED_AT = "privacy", datetime(2025, 12, 1)
AT = datetime(2025, 11, 20, 12, 0)

# a row of each raw table that is accepted as it stands
ORDINARY = {
    "segment.tracks": {
        "id": "t-{n}", "anonymous_id": "cookie-{n}", "event": "feature_used",
        "timestamp": AT, "received_at": AT, "properties": '{"plan": "pro"}',
    },
    "segment.pages": {
        "id": "p-{n}", "anonymous_id": "cookie-{n}", "timestamp": AT, "received_at": AT,
        "url": "https://www.example.com/pricing", "path": "/pricing", "title": "Pricing",
    },
    "segment.screens": {
        "id": "s-{n}", "anonymous_id": "cookie-{n}", "name": "Home", "timestamp": AT,
        "received_at": AT,
    },
    "segment.identifies": {
        "id": "i-{n}", "anonymous_id": "cookie-{n}", "user_id": "user-{n}", "timestamp": AT,
        "received_at": AT,
    },
    "segment.groups": {
        "id": "g-{n}", "user_id": "user-{n}", "group_id": "group-{n}", "timestamp": AT,
        "received_at": AT,
    },
    "segment.aliases": {
        "id": "a-{n}", "previous_id": "cookie-{n}", "user_id": "user-{n}", "timestamp": AT,
        "received_at": AT,
    },
    "billing.customers": {
        "customer_id": "customer-{n}", "user_id": "user-{n}", "created_at": AT, "updated_at": AT,
    },
    "billing.subscriptions": {
        "subscription_id": "subscription-{n}", "customer_id": "customer-{n}", "plan": "pro",
        "status": "active", "started_at": AT, "updated_at": AT, "mrr_amount": "10.00",
        "currency": "EUR",
    },
    "billing.invoices": {
        "invoice_id": "invoice-{n}", "customer_id": "customer-{n}", "amount": None,
        "currency": "EUR", "status": "paid", "paid_at": AT, "updated_at": AT,
    },
    "commerce.orders": {
        "order_id": "order-{n}", "user_id": "user-{n}", "total_amount": "9.00", "currency": "EUR",
        "placed_at": AT, "updated_at": AT,
    },
    "commerce.refunds": {
        "refund_id": "refund-{n}", "order_id": "order-{n}", "user_id": "user-{n}",
        "currency": "EUR", "refunded_at": AT, "updated_at": AT,
    },
    "ads.spend": {
        "date": "2025-11-20", "platform": "google", "campaign": "brand-{n}", "utm_source": "google",
        "utm_medium": "cpc", "utm_campaign": "brand", "spend_amount": "1.00", "currency": "EUR",
        "updated_at": AT,
    },
    "generic.messages": {
        "message_id": "message-{n}", "message_event": "sent", "occurred_at": AT,
        "channel": "email", "user_id": "user-{n}", "updated_at": AT,
    },
    "generic.support_contacts": {
        "contact_id": "contact-{n}", "contact_type": "ticket", "opened_at": AT,
        "user_id": "user-{n}", "updated_at": AT,
    },
    "generic.survey_responses": {
        "response_id": "response-{n}", "survey": "yearly", "survey_type": "nps", "invited_at": AT,
        "user_id": "user-{n}", "updated_at": AT,
    },
    "generic.experiment_exposures": {
        "experiment": "price", "variant": "a", "exposed_at": AT, "user_id": "user-{n}",
        "updated_at": AT,
    },
    "generic.commercial_offers": {
        "offer_id": "offer-{n}", "offer_type": "upsell", "offered_at": AT, "user_id": "user-{n}",
        "updated_at": AT,
    },
    "generic.content_assets": {
        "asset_id": "asset-{n}", "asset_type": "blog", "updated_at": AT,
    },
    "generic.accounts": {
        "account_id": "account-{n}", "account_name": "Acme", "updated_at": AT,
    },
}  # fmt: skip

# how a personal value stands in a page's title, address and properties, and what is left of it
REDACTED = [
    ("Mail to {email} sent", "Mail to [redacted] sent"),
    ("<{email}>", "[redacted]"),
    ("Call {phone} now", "Call [redacted] now"),
    ("From {ip}", "From [redacted]"),
    ("Nothing personal, C++ 1.2.3", "Nothing personal, C++ 1.2.3"),
]


@dataclass
class Company:
    """A built warehouse, and every raw personal value with the place that it stands in."""

    folder: Path
    bench: Bench
    values: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        path = self.bench.environment["JOURNEY_HASH_KEY"]
        return pq.read_table(path).column("hash_key")[0].as_py()

    def add(self, value: str | None, place: str) -> None:
        if value and len(value.strip()) >= 6:
            self.values.setdefault(value.strip(), place)


# ---------------------------------------------------------------- what is planted and what is built


def text_columns() -> list[str]:
    """`source.table.column` of every text column of the raw layout."""
    return [
        f"{table}.{column.name}"
        for table in LAYOUT
        for column in schema_of(table)
        if column.type == pa.string() and not column.name.startswith("_")
    ]


def personal(kind: str, number: int) -> str:
    return {
        "email": f"Anna.Leak{number:03}@Mail{number:03}.Example.com",
        # long enough that its digits stand in no hash by chance
        "phone": f"+45 2900 {number:07}",
        "ip": f"100.{64 + number // 200}.{number % 200}.{17 + number % 200}",
    }[kind]


def planted() -> tuple[dict[str, list[dict]], dict[str, str]]:
    """Rows by table, and each personal value in them with its place."""
    rows: dict[str, list[dict]] = {table: [] for table in LAYOUT}
    places = {}
    number = 0
    for place in text_columns():
        source, table, column = place.split(".")
        for kind in ("email", "phone", "ip"):
            number += 1
            value = personal(kind, number)
            places[value] = f"{kind} in {place}"
            row = ordinary(f"{source}.{table}", number)
            row[column] = written_in(column, value)
            rows[f"{source}.{table}"].append(row)
    for text, _ in REDACTED:
        number += 1
        values = {kind: personal(kind, number) for kind in ("email", "phone", "ip")}
        places.update({value: f"{kind} in {text!r}" for kind, value in values.items()})
        title = text.format(**values)
        rows["segment.pages"].append(
            ordinary("segment.pages", number)
            | {
                "title": title,
                "path": f"/to/{values['email']}/x",
                "url": f"https://{quote(values['email'])}:pw@www.example.com/to/"
                f"{quote(values['email'])}?email={quote(values['email'])}&utm_term={values['email']}",
                "referrer": f"https://{quote(values['email'])}@mail.example.com/?q={values['phone']}",
            }
        )
        rows["segment.tracks"].append(
            ordinary("segment.tracks", number) | {"properties": f'{{"cta": "{title}"}}'}
        )
    return rows, places


def ordinary(table: str, number: int) -> dict:
    row = {
        key: value.format(n=number) if isinstance(value, str) and "{n}" in value else value
        for key, value in ORDINARY[table].items()
    }
    return {**row, "_load_id": LOAD, "_loaded_at": LOADED_AT}


def written_in(column: str, value: str) -> str:
    if column == "properties":
        return f'{{"cta": "{value}", "email": "{value}", "plan": "{value}"}}'
    return value


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Company:
    folder = tmp_path_factory.mktemp("privacy")
    company = Company(folder, Bench(folder / "bench"))
    subprocess.run(
        [sys.executable, "-m", "tools.sample", "--out", company.bench.raw, "--persons", "120",
         "--days", "120", "--start", "2025-08-01", "--no-truth", "--quiet"],
        cwd=ROOT, check=True,
    )  # fmt: skip
    company.bench.complete()
    of_the_sample(company)
    rows, places = planted()
    for value, place in places.items():
        company.add(value, place)
    company.bench.deliver(99_999, {
        source: {
            table.split(".")[1]: of_table
            for table, of_table in rows.items() if table.startswith(source + ".")
        }
        for source in dict.fromkeys(table.split(".")[0] for table in rows)
    })  # fmt: skip
    build(company)
    publish(company.bench.database, folder / "published.duckdb")
    return company


def of_the_sample(company: Company) -> None:
    """Every e-mail, phone number, full name and IP address in the raw tables of the sample."""
    personal_columns = {"email", "phone", "name", "context_traits_email", "context_ip"}
    for table, columns in LAYOUT.items():
        files = company.bench.raw / table.replace(".", "/") / "*.parquet"
        present = {
            row[0] for row in duckdb.sql(f"describe from read_parquet('{files}')").fetchall()
        }
        # the name of a page, a screen or a company is nobody's
        of_people = table in ("segment.identifies", "billing.customers")
        for column in sorted(present & set(columns.split()) & personal_columns):
            if column == "name" and not of_people:
                continue
            query = f"select distinct {column} from read_parquet('{files}')"
            for (value,) in duckdb.sql(query).fetchall():
                # 'null', 'n/a': placeholders, which stand in the seed
                if value and any(sign in value for sign in "@.: +"):
                    company.add(value, f"{column} in {table} of the sample")


def build(company: Company) -> None:
    """`dbt build` as a person types it, with all that it writes kept."""
    target = company.folder / "target"
    done = subprocess.run(
        [DBT, "build", "--exclude-resource-type", "unit_test", "--project-dir", ROOT,
         "--profiles-dir", ROOT, "--target-path", target, "--log-path", target / "logs"],
        cwd=ROOT, env={**os.environ, **company.bench.environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (target / "logs" / "terminal.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-3000:]


# ---------------------------------------------------------------- the scan


def spellings(value: str) -> set[str]:
    """How a value may stand in a file, and the hashes of it that anybody can make."""
    plain = {value, value.lower(), value.upper()}
    if value.startswith("+"):
        digits = "".join(sign for sign in value if sign.isdigit())
        plain |= {digits, f"00{digits}"}
    if "@" in value:
        local, _, domain = value.lower().partition("@")
        plain |= {f"{local.split('+')[0]}@{domain}", f"{local}%40{domain}", quote(value)}
    hashed = {
        function(text.encode()).hexdigest()
        for text in plain
        for function in (hashlib.md5, hashlib.sha1, hashlib.sha256)
    }
    return plain | hashed


def found_in(files: list[Path], values: dict[str, str], folder: Path) -> dict[str, set[str]]:
    """Place of each value that stands in one of the files -> names of these files."""
    needles = {spelling: place for value, place in values.items() for spelling in spellings(value)}
    list_of_needles = folder / "needles.txt"
    list_of_needles.write_text("\n".join(needles) + "\n")
    leaks: dict[str, set[str]] = {}
    for file in files:
        done = subprocess.run(
            ["grep", "-aoF", "-f", list_of_needles, file],
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        for spelling in set(done.stdout.decode(errors="replace").splitlines()):
            leaks.setdefault(needles.get(spelling, spelling), set()).add(file.name)
    list_of_needles.unlink()
    return leaks


def assert_nothing_of(values: dict[str, str], files: list[Path], folder: Path) -> None:
    leaks = found_in(files, values, folder)
    listed = [f"{place}: in {', '.join(sorted(names))}" for place, names in sorted(leaks.items())]
    assert not leaks, "raw values past staging:\n" + "\n".join(listed)


def uncompressed(database: Path, to: Path, *statements: str) -> Path:
    """The tables of a database in a new file whose bytes are the values themselves."""
    to.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set force_compression = 'uncompressed'")
        # dbt writes the file's own name into the views
        connection.execute(f"attach '{database}' as {database.stem} (read_only)")
        connection.execute(f"attach '{to}' as copy")
        for schema, table in stored(connection, database.stem):
            connection.execute(f"create schema if not exists copy.{schema}")
            connection.execute(
                f"create table copy.{schema}.{table} as"
                f" select * from {database.stem}.{schema}.{table}"
            )
        for statement in statements:
            connection.execute(statement)
        connection.execute("checkpoint copy")
    return to


def stored(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[tuple[str, str]]:
    """Every table, and every view that readers may read."""
    return connection.execute(
        """select table_schema, table_name from information_schema.tables
        where table_catalog = ? and (table_type = 'BASE TABLE' or table_schema = 'marts')
        order by all""",
        [catalog],
    ).fetchall()


@pytest.fixture(scope="module")
def copy(company) -> Path:
    return uncompressed(company.bench.database, company.folder / "uncompressed.duckdb")


def written_by_dbt(company: Company) -> list[Path]:
    return [path for path in (company.folder / "target").rglob("*") if path.is_file()]


# ---------------------------------------------------------------- the proofs


def test_the_raw_values_are_many_and_of_every_kind(company):
    kinds = {place.split()[0] for place in company.values.values()}
    assert kinds == {"email", "phone", "ip", "name", "context_traits_email", "context_ip"}
    assert len(company.values) > 400


def test_the_planted_rows_were_read(company):
    [row] = company.bench.rows(f"""
        select count(*) as tables, sum(raw_row_count) as raw_rows,
            sum(accepted_row_count + duplicate_row_count) as kept
        from marts.reconciliation where load_id = '{LOAD}'""")
    rows, _ = planted()
    assert row["tables"] == len(rows)
    assert row["raw_rows"] == sum(len(each) for each in rows.values())
    assert row["kept"] > 0.8 * row["raw_rows"]


def test_no_raw_value_is_in_the_bytes_of_what_is_stored(company, copy):
    assert copy.stat().st_size > 5_000_000
    assert_nothing_of(company.values, [copy], company.folder)


def test_no_raw_value_is_in_the_publication_or_the_build_file(company):
    files = [company.folder / "published.duckdb", company.bench.database]
    assert_nothing_of(company.values, files, company.folder)


def test_no_raw_value_is_in_what_dbt_writes_down(company):
    files = written_by_dbt(company)
    names = {file.name for file in files}
    assert {"manifest.json", "run_results.json", "dbt.log", "fct_events.sql"} <= names
    assert_nothing_of(company.values, files, company.folder)


def test_staging_and_raw_tables_are_views_so_that_no_raw_value_is_stored(company):
    rows = company.bench.rows("""
        select table_schema as place, table_type as kind from information_schema.tables
        where table_schema = 'staging' or table_schema like 'raw\\_%' escape '\\'""")
    assert {row["kind"] for row in rows} == {"VIEW"}
    assert {"staging", "raw_segment", "raw_secrets"} <= {row["place"] for row in rows}


def test_the_hash_key_is_in_no_file_but_its_own(company, copy):
    own = Path(company.bench.environment["JOURNEY_HASH_KEY"])
    files = [path for path in company.folder.rglob("*") if path.is_file() and path != own]
    assert copy in files and company.bench.database in files
    keys = {company.key: "the key"}
    assert_nothing_of(keys, files, company.folder)
    assert company.key.encode() in own.read_bytes()


def test_a_hash_is_made_with_the_key(company):
    value = next(value for value in company.values if "@" in value and "Leak" in value)
    hashes = {row["email_hash"] for row in company.bench.rows("intermediate.int_events_unioned")}
    hashes |= {
        row["email_hash"] for row in company.bench.rows("intermediate.int_identity_links_unioned")
    }
    ours = {
        hashlib.sha256(f"{company.key}:{each.lower()}".encode()).hexdigest()
        for each, place in company.values.items()
        if place == "email in segment.identifies.email"
    }
    assert value and ours and ours <= hashes


# ---------------------------------------------------------------- free text


def test_page_titles_paths_and_properties_are_redacted(company):
    rows = company.bench.rows("""
        select page_title, page_path, page_host, referrer_host, utm_term
        from intermediate.int_events_unioned
        where source_table = 'segment.pages' and page_path like '/to/%'""")
    assert sorted(row["page_title"] for row in rows) == sorted(left for _, left in REDACTED)
    assert {row["page_path"] for row in rows} == {"/to/[redacted]/x"}
    assert {row["page_host"] for row in rows} == {"www.example.com"}
    assert {row["referrer_host"] for row in rows} == {"mail.example.com"}
    assert {row["utm_term"] for row in rows} == {"[redacted]"}
    texts = {
        row["properties"]
        for row in company.bench.rows("""
            select properties from intermediate.int_events_unioned
            where properties like '%[redacted]%' or properties like '%C++%'""")
    }
    assert {f'{{"cta":"{left}"}}' for _, left in REDACTED} <= texts


# ---------------------------------------------------------------- the scan can fail


@pytest.mark.parametrize("kind", ["email", "phone", "name", "context_ip"])
def test_the_scan_finds_a_raw_value_in_a_column_of_a_table(company, tmp_path, kind):
    value, place = next(
        (value, place) for value, place in company.values.items() if place.startswith(kind)
    )
    database = uncompressed(
        company.bench.database,
        tmp_path / "canary.duckdb",
        f"create table copy.marts.canary as select 'x ' || {literal(value)} || ' y' as text_column",
    )
    assert found_in([database], {value: place}, tmp_path) == {place: {"canary.duckdb"}}


@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        lambda value: value.lower().replace("@", "%40"),
        lambda value: hashlib.sha256(value.lower().encode()).hexdigest(),
        lambda value: hashlib.md5(value.encode()).hexdigest(),
    ],
    ids=["upper", "url", "sha256", "md5"],
)
def test_the_scan_finds_another_spelling_in_a_log(company, tmp_path, spell):
    value, place = next(item for item in company.values.items() if item[1].startswith("email"))
    log = tmp_path / "dbt.log"
    shutil.copy(company.folder / "target" / "logs" / "dbt.log", log)
    with log.open("a") as file:
        file.write(f"could not cast {spell(value)} to a timestamp\n")
    assert found_in([log], {value: place}, tmp_path) == {place: {"dbt.log"}}


def test_the_scan_finds_the_hash_key(company, tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text(f'{{"vars": {{"salt": "{company.key}"}}}}')
    assert found_in([file], {company.key: "the key"}, tmp_path) == {"the key": {file.name}}


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
