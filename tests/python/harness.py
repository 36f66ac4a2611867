"""Runs dbt in process against a private warehouse, and compares what two warehouses hold.

    bench = Bench(folder)  # raw files, a database and a target of its own
    bench.deliver(0, {"segment": {"tracks": [row, ...]}})
    bench.build(as_of="2025-01-01")  # AssertionError with the messages if a node fails
    assert_equal_tables(bench, other_bench)

dbt reads the project once per process and set of variables; each call then takes what its models
take. A database file is only open while dbt runs or a comparison reads it.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ("intermediate", "marts")

# The one list of tables that tell how the state came about and not what it is. They may differ
# between two ways to one state; everything else may not.
HISTORY_TABLES = {
    "loads_seen": "when each model saw each load",
    "int_loads_pending": "what the last build found new",
    "int_rows_replaced": "what loads held before they changed",
    "change_ledger": "how far each model has followed the log of identity changes",
    "build_versions": "of what each table was made; the builds of incremental tables have names",
    "int_identity_changes": "a change log",
    "identity_changes": "a change log",
    "bridge_person_identifiers_history": "a change log, as spans of time",
    "audience_changes": "a change log",
    "erasure_proof": "a log of erasures",
}
HISTORY_PREFIXES = {"int_dirty_": "the keys that the last build touched"}

# every model that remembers something, and what these read: enough until somebody reads the marts
TRUNK = ("+config.materialized:incremental",)

Raw = Mapping[str, Mapping[str, Iterable[Mapping] | pa.Table]]


# ---------------------------------------------------------------- raw tables

_TIME, _MONEY = pa.timestamp("us"), pa.decimal128(12, 2)
_CAMPAIGN = [f"context_campaign_{part}" for part in ("source", "medium", "name", "term", "content")]
_TIMES = """sent_at received_at created_at updated_at trial_started_at trial_ended_at ended_at
    cancelled_at issued_at paid_at refunded_at first_replied_at resolved_at invited_at offered_at
    declined_at published_at _loaded_at"""
_NUMBERS = "item_count impressions clicks csat_score quantity employee_count seat_count"
_ANYBODY = "user_id customer_id email phone device_id anonymous_id"
# What is no text. Of times and amounts some are text, so that they can be unreadable.
_TYPES = {
    **dict.fromkeys(_TIMES.split(), _TIME),
    **dict.fromkeys(_NUMBERS.split(), pa.int64()),
}
_TYPES_OF = {
    "segment.pages": {"timestamp": _TIME},
    "segment.screens": {"timestamp": _TIME},
    "segment.groups": {"timestamp": _TIME},
    "segment.aliases": {"timestamp": _TIME},
    "billing.invoices": {"amount": _MONEY},
    "commerce.refunds": {"amount": _MONEY},
}
LAYOUT = {
    "segment.tracks": f"""id anonymous_id user_id event event_text timestamp original_timestamp
        sent_at received_at context_ip context_user_agent context_page_url context_page_path
        context_page_referrer context_page_title {" ".join(_CAMPAIGN)} context_device_id
        context_group_id context_traits_email properties""",
    "segment.pages": f"""id anonymous_id user_id name title url path referrer search timestamp
        sent_at received_at context_ip context_user_agent {" ".join(_CAMPAIGN)}
        context_device_id""",
    "segment.screens": """id anonymous_id user_id name timestamp sent_at received_at context_ip
        context_user_agent context_device_id context_os_name""",
    "segment.identifies": """id anonymous_id user_id email phone name timestamp sent_at
        received_at context_ip context_device_id""",
    "segment.groups": "id anonymous_id user_id group_id name timestamp received_at",
    "segment.aliases": "id previous_id user_id timestamp received_at",
    "billing.customers": "customer_id user_id email phone name country created_at updated_at",
    "billing.subscriptions": """subscription_id customer_id user_id email plan billing_interval
        status trial_started_at trial_ended_at started_at cancelled_at ended_at mrr_amount currency
        updated_at""",
    "billing.invoices": """invoice_id customer_id user_id subscription_id amount currency status
        issued_at paid_at updated_at""",
    "commerce.orders": """order_id user_id email anonymous_id total_amount currency item_count
        placed_at updated_at""",
    "commerce.refunds": "refund_id order_id user_id amount currency refunded_at updated_at",
    "ads.spend": """date platform campaign utm_source utm_medium utm_campaign impressions clicks
        spend_amount currency updated_at""",
    "generic.messages": f"""message_id message_event occurred_at channel campaign reason cta
        is_machine updated_at {_ANYBODY}""",
    "generic.support_contacts": f"""contact_id contact_type reason is_complaint is_escalated
        opened_at first_replied_at resolved_at csat_score cost_amount currency_code updated_at
        {_ANYBODY}""",
    "generic.survey_responses": f"""response_id survey survey_type wave invited_at responded_at
        score updated_at {_ANYBODY}""",
    "generic.experiment_exposures": f"experiment variant exposed_at updated_at {_ANYBODY}",
    "generic.commercial_offers": f"""offer_id offer_type product channel offered_at accepted_at
        declined_at amount currency_code quantity updated_at {_ANYBODY}""",
    "generic.content_assets": "asset_id asset_type title page_path published_at updated_at",
    "generic.accounts": """account_id account_name plan industry employee_count seat_count
        created_at updated_at""",
}


def schema_of(table: str) -> pa.Schema:
    """The columns of a raw table (`source.table`), in the layout of the sample company."""
    types = {**_TYPES, **_TYPES_OF.get(table, {})}
    names = [*LAYOUT[table].split(), "_load_id", "_loaded_at"]
    return pa.schema([(name, types.get(name, pa.string())) for name in names])


def as_table(name: str, rows: Iterable[Mapping] | pa.Table) -> pa.Table:
    if isinstance(rows, pa.Table):
        return rows
    rows, schema = list(rows), schema_of(name)
    unknown = {key for row in rows for key in row} - set(schema.names)
    if unknown:
        raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}")
    texts = {column.name for column in schema if column.type == pa.string()}
    return pa.Table.from_pylist(
        [
            {key: _text(value) if key in texts else value for key, value in row.items()}
            for row in rows
        ],
        schema=schema,
    )


def _text(value) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    return value if value is None else str(value)


# ---------------------------------------------------------------- dbt in process

_manifests: dict[str, object] = {}


@cache
def make_haste() -> None:
    """Spares dbt what comes to a fifth of a build: millions of small objects that live as long as
    the project are walked again and again for garbage, nine of ten events are for a log file that
    no bench writes, and what tells a text from a date, or a model's Jinja, is made anew each time.
    """
    from dbt_common.clients import agate_helper
    from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.tests import enable_test_caching
    from jinja2 import Environment

    enable_test_caching()  # dbt's own, for its own tests
    gc.set_threshold(10_000, 20, 50)
    fire_event, fill, look_up = EventManager.fire_event, BaseEvent.__init__, BaseEvent.__getattr__
    build_type_tester, compile_template = agate_helper.build_type_tester, Environment.compile
    compiled: dict = {}

    def fire(self, event, level=None, *more, **named):
        # one listener is dbt's own; a second one wants to hear everything
        if (level or event.level_tag()) != EventLevel.DEBUG or len(self.callbacks) > 1:
            fire_event(self, event, level, *more, **named)

    def fill_later(self, **named):
        self.__dict__["named"] = named

    def fill_and_look_up(self, key):
        if "named" in self.__dict__:
            fill(self, **self.__dict__.pop("named"))
        return look_up(self, key)

    @cache
    def type_tester(text_columns, string_null_values):
        return build_type_tester(text_columns, string_null_values)

    def compile_once(self, source, *more, **named):
        if more or named or not isinstance(source, str):
            return compile_template(self, source, *more, **named)
        key = type(self), source
        if key not in compiled:
            compiled[key] = compile_template(self, source)
        return compiled[key]

    EventManager.fire_event = fire
    Environment.compile = compile_once
    DebugLevel.__init__, DebugLevel.__getattr__ = fill_later, fill_and_look_up
    agate_helper.build_type_tester = lambda text_columns, string_null_values=("null", ""): (
        type_tester(frozenset(text_columns), tuple(string_null_values))
    )


@contextmanager
def _environment(values: Mapping[str, str]):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def close_connections() -> None:
    """dbt-duckdb keeps the last database open for the whole process; this lets go of it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    reset_adapters()
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


@dataclass
class Run:
    """What a dbt call came to."""

    success: bool
    messages: dict[str, str] = field(default_factory=dict)  # failed node -> what it said
    nodes: dict[str, str] = field(default_factory=dict)  # node -> status
    said: dict[str, str] = field(default_factory=dict)  # model or seed -> what dbt prints of it
    seconds: float = 0.0

    def __str__(self) -> str:
        return "\n".join(f"{node}: {text}" for node, text in self.messages.items()) or "no message"


# of a dbt command: all but the tables that are made anew from the facts each time
KPIS = ("kpi_*", "metric_definitions", "definition_sensitivity")
# what is made of the facts by the journeys, funnels and rules of attribution that are declared
JOURNEYS = (
    "path:models/marts/journeys",
    "path:models/marts/attribution",
    "int_journey_*",
    "int_funnel_*",
)


class Bench:
    """A folder with raw files, a database and a target that belong to nobody else.

    The database file is always called `build.duckdb`: its stem is the catalogue in every view and
    in the manifest, so that one reading of the project serves all benches. `with_kpis=False` leaves
    out the KPI tables, which are made anew from the facts each time: a build is half as long then.
    `without` names more that is left out, JOURNEYS for one: they are made anew each time as well.
    """

    def __init__(
        self,
        folder: Path,
        raw: Path | None = None,
        variables: Mapping | None = None,
        with_kpis: bool = True,
        without: Iterable[str] = (),
    ):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.raw = Path(raw) if raw else self.folder / "raw"
        self.database = self.folder / "build.duckdb"
        self.variables = dict(variables or {})
        self.with_kpis = with_kpis
        self.without = tuple(without)
        self.taxonomy = "seeds/taxonomy"
        self.profiles = ROOT  # the folder of profiles.yml

    def __repr__(self) -> str:
        return f"Bench({str(self.folder)!r})"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "JOURNEY_DATABASE": str(self.database),
            "JOURNEY_RAW": str(self.raw),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "JOURNEY_HASH_KEY": str(_hash_key(self.folder)),
            "JOURNEY_TARGET": "duckdb",
            # two of pytest's workers have the two cores; dbt's threads share one interpreter, and
            # only take its lock from each other (test_determinism builds with 1, 2 and 8)
            "JOURNEY_THREADS": "1",
            # relative: dbt would write its statements over seeds with an absolute path
            "JOURNEY_TAXONOMY": os.path.relpath(ROOT / self.taxonomy, ROOT),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            "DO_NOT_TRACK": "1",
        }

    def deliver(self, number: int, tables: Raw) -> None:
        """Adds one parquet part per table; parts of other numbers stay as they are."""
        for source, of_source in tables.items():
            for name, rows in of_source.items():
                table = as_table(f"{source}.{name}", rows)
                path = self.raw / source / name / f"part-{number:05d}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(table, path, compression="zstd")

    def complete(self) -> None:
        """Delivers the tables of the layout that nobody has delivered, without rows."""
        for place in LAYOUT:
            source, name = place.split(".")
            if not (self.raw / source / name).exists():
                self.deliver(0, {source: {name: []}})

    def copy_to(self, folder: Path, with_raw: bool = False) -> Bench:
        """A bench of the same state; raw files are shared unless `with_raw`."""
        raw = None if with_raw else self.raw
        other = Bench(folder, raw, self.variables, self.with_kpis, self.without)
        other.taxonomy = self.taxonomy
        shutil.copyfile(self.database, other.database)
        if with_raw:
            shutil.copytree(self.raw, other.raw)
        return other

    def own_taxonomy(self) -> Path:
        """Gives it a copy of its taxonomy, which may be changed; the folder."""
        folder = self.folder / "taxonomy"
        shutil.copytree(ROOT / self.taxonomy, folder)
        self.taxonomy = str(folder)
        return folder

    def block(self, *links: Iterable[str]) -> None:
        """Blocks links, pairs of identifier_id, in a taxonomy of its own."""
        with open(self.own_taxonomy() / "blocked_links.csv", "a") as file:
            file.writelines(f"{one},{other},not the same person\n" for one, other in links)

    def dbt(self, *arguments: str, check: bool = True, callbacks: list | None = None, **variables):
        """Any dbt command; keyword arguments are variables, over those of the bench."""
        from dbt.cli.main import dbtRunner

        given = {**self.variables, **variables}
        runner = dbtRunner(manifest=self.manifest(**variables), callbacks=callbacks or [])
        with self.at_work():
            outcome = runner.invoke([*arguments, *self.flags(given)])
        run = _run_of(outcome)
        if check and not run.success:
            raise AssertionError(f"dbt {' '.join(arguments)} failed\n{run}")
        return run

    def manifest(self, **variables):
        """The project as dbt reads it: once per process and set of variables."""
        from dbt.cli.main import dbtRunner

        given = {**self.variables, **variables}
        key = self.taxonomy + json.dumps(given, sort_keys=True)
        if key not in _manifests:
            make_haste()
            with self.at_work():
                parsed = dbtRunner().invoke(["parse", *self.flags(given)])
            if not parsed.success:
                raise AssertionError(f"dbt parse: {parsed.exception}")
            _manifests[key] = parsed.result
            gc.freeze()  # it stays
        return _manifests[key]

    def flags(self, variables: Mapping) -> list[str]:
        """What every dbt call of this bench says after its command."""
        flags = ["--project-dir", str(ROOT), "--profiles-dir", str(self.profiles)]
        flags += ["--log-path", str(self.folder / "logs")]
        # what dbt would write down of itself costs a second a call
        flags += ["--no-write-json", "--log-level-file", "none", "--quiet", "--no-use-colors"]
        return [*flags, "--vars", json.dumps(dict(variables))]

    @contextmanager
    def at_work(self):
        """While dbt works on this bench: its environment; afterwards its database is let go."""
        with _environment(self.environment):
            try:
                yield
            finally:
                close_connections()

    def build(
        self,
        *arguments: str,
        full_refresh: bool = False,
        select: Iterable[str] = (),
        with_tests: bool = False,
        **options,
    ) -> Run:
        """`dbt build`; data tests are run where asked for, unit tests never."""
        command = ["build", *arguments]
        for kind in ("unit_test",) if with_tests else ("unit_test", "test"):
            command += ["--exclude-resource-type", kind]
        if select:
            command += ["--select", *select]
        command += self.left_out
        if full_refresh:
            command.append("--full-refresh")
        return self.dbt(*command, **options)

    @property
    def left_out(self) -> list[str]:
        """What a build command must say for it to leave out what this bench does without."""
        names = [*([] if self.with_kpis else KPIS), *self.without]
        return ["--exclude", *names] if names else []

    def rendered(self, jinja: str, **variables) -> str:
        """What the project's macros make of it: SQL, with these variables but read only once."""
        from dbt.cli.main import dbtRunner

        flags = self.flags({**self.variables, **variables})
        with self.at_work():
            outcome = dbtRunner(manifest=self.manifest()).invoke(
                ["compile", "--inline", jinja, *flags]
            )
        assert outcome.success, outcome.exception
        return outcome.result.results[0].node.compiled_code

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.database), read_only=True)

    def rows(self, query: str, connection: duckdb.DuckDBPyConnection | None = None) -> list[dict]:
        """The rows of a table (`schema.table`) or of a query, as dictionaries.

        Who asks hundreds of times gives an open connection: opening one reads the catalogue.
        """
        if connection is None:
            with self.connect() as connection:
                return self.rows(query, connection)
        if " " not in query.strip():
            query = f"select * from {query}"
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _hash_key(folder: Path) -> Path:
    """One fixed key for all tests: hashes are then the same in every bench."""
    path = folder / "hash_key.parquet"
    if not path.exists():
        pq.write_table(pa.table({"hash_key": ["a key for tests"]}), path)
    return path


def _run_of(outcome) -> Run:
    run = Run(success=bool(outcome.success))
    if outcome.exception is not None:
        run.messages["dbt"] = str(outcome.exception)
    for result in getattr(outcome.result, "results", None) or []:
        status = str(getattr(result.status, "value", result.status))
        # an operation's result has no node
        name = result.node.name if hasattr(result, "node") else result.unique_id
        run.nodes[name] = status
        if getattr(getattr(result, "node", None), "resource_type", "") in ("model", "seed"):
            run.said[name] = result.message or ""  # an exposure may be called as a seed is
        run.seconds += result.execution_time or 0
        if status in ("error", "fail", "runtime error"):
            run.messages[name] = (result.message or status).strip()
    return run


# ---------------------------------------------------------------- what a warehouse holds


def is_history(table: str) -> bool:
    name = table.split(".")[-1]
    return name in HISTORY_TABLES or name.startswith(tuple(HISTORY_PREFIXES))


def columns_of(connection: duckdb.DuckDBPyConnection, schemas=SCHEMAS) -> dict[str, dict[str, str]]:
    """Table or view (`schema.name`) -> column -> type, of everything but history."""
    found: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        """select schema_name, table_name, column_name, data_type from duckdb_columns()
        where list_contains(?, schema_name) and not internal order by all""",
        [list(schemas)],
    ).fetchall():
        if not is_history(table):
            found.setdefault(f"{schema}.{table}", {})[column] = kind
    return found


def leaves(bench: Bench) -> set[str]:
    """The models outside the trunk: nothing that remembers is built of them."""
    manifest = bench.manifest()
    models = {key: node for key, node in manifest.nodes.items() if node.resource_type == "model"}
    trunk, todo = set(), [k for k, n in models.items() if n.config.materialized == "incremental"]
    while todo:
        key = todo.pop()
        if key in models and key not in trunk:
            trunk.add(key)
            todo += models[key].depends_on.nodes
    return {node.name for key, node in models.items() if key not in trunk}


@dataclass
class Difference:
    """One table that is not the same in two warehouses."""

    table: str
    columns: list[str]
    only_left: list[tuple] = field(default_factory=list)
    only_right: list[tuple] = field(default_factory=list)
    remark: str = ""

    def describe(self, rows: int = 3, names: tuple[str, str] = ("left", "right")) -> str:
        lines = [self.table + (f": {self.remark}" if self.remark else "")]
        if self.only_left or self.only_right:
            lines[0] += f": {len(self.only_left)} rows only {names[0]}, "
            lines[0] += f"{len(self.only_right)} only {names[1]}"
        one, two = names
        for left, right in _nearest(self.only_left, self.only_right)[:rows]:
            if left is None or right is None:
                lines.append(f"  {two if left is None else one}: {self._row(left or right)}")
                continue
            lines.append(f"  {self._row(left, same_as=right)}")
            for name, here, there in zip(self.columns, left, right, strict=True):
                if here != there:
                    lines.append(f"    {name}: {_short(here)} {one}, {_short(there)} {two}")
        return "\n".join(lines)

    def _row(self, row: tuple, same_as: tuple | None = None) -> str:
        shown = [
            f"{name}={_short(value)}"
            for position, (name, value) in enumerate(zip(self.columns, row, strict=True))
            if value is not None and (same_as is None or same_as[position] == value)
        ]
        return ", ".join(shown[:8] if same_as else shown)


def _short(value) -> str:
    text = str(value) if isinstance(value, datetime | date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(left: list[tuple], right: list[tuple]) -> list[tuple]:
    """Pairs rows that agree in most columns, so that a diff shows the columns and not the rows."""
    rest, pairs = list(right[:200]), []
    for row in left[:50]:
        best = max(rest, key=lambda other: _agreement(row, other), default=None)
        if best is None or 2 * _agreement(row, best) < len(row):
            pairs.append((row, None))
        else:
            rest.remove(best)
            pairs.append((row, best))
    return pairs + [(None, row) for row in rest]


def _agreement(row: tuple, other: tuple) -> int:
    return sum(a == b for a, b in zip(row, other, strict=True))


def differences(
    left: Bench,
    right: Bench,
    schemas: Iterable[str] = SCHEMAS,
    without_tables: Iterable[str] = (),
    without_columns: Iterable[str] = (),
) -> list[Difference]:
    """The tables that differ in columns or in rows (as multisets; floats within 1e-9)."""
    leave_out = set(without_columns)

    def columns(connection):
        return {
            table: {name: kind for name, kind in found.items() if name not in leave_out}
            for table, found in columns_of(connection, tuple(schemas)).items()
            if table.split(".")[-1] not in set(without_tables)
        }

    found = []
    with left.connect() as one, right.connect() as other:
        of_left, of_right = columns(one), columns(other)
        for table in sorted(of_left.keys() | of_right.keys()):
            if of_left.get(table) != of_right.get(table):
                if table not in of_left or table not in of_right:
                    remark = f"only {'left' if table in of_left else 'right'}"
                else:
                    gone = sorted(of_left[table].items() - of_right[table].items())
                    new = sorted(of_right[table].items() - of_left[table].items())
                    remark = f"other columns: {gone} left, {new} right"
                found.append(Difference(table, [], remark=remark))
            elif of_left[table]:
                names = list(of_left[table])
                quoted = ", ".join(f'"{name}"' for name in names)
                # the sum of the rows' hashes is the same in any order of the rows
                mark = f"select count(*), sum(hash({quoted})::hugeint) from {table}"
                if one.execute(mark).fetchone() != other.execute(mark).fetchone():
                    query = f"select {quoted} from {table}"
                    difference = _row_difference(
                        table, names, one.execute(query).fetchall(), other.execute(query).fetchall()
                    )
                    if difference:
                        found.append(difference)
    return found


def _row_difference(table: str, names: list[str], left: list, right: list) -> Difference | None:
    here, there = Counter(left), Counter(right)
    only_left = sorted((here - there).elements(), key=repr)
    only_right = sorted((there - here).elements(), key=repr)
    if not only_left and not only_right:
        return None
    if equal_but_for_rounding(only_left, only_right):
        return None
    return Difference(table, names, only_left, only_right)


def equal_but_for_rounding(left: list[tuple], right: list[tuple]) -> bool:
    """Are these the same rows in any order, if floats within 1e-9 are one?"""
    if len(left) != len(right):
        return False

    def order(row):
        exact = [value for value in row if not isinstance(value, float)]
        return repr(exact), [value for value in row if isinstance(value, float)]

    return all(
        _equal(a, b)
        for one, other in zip(sorted(left, key=order), sorted(right, key=order), strict=True)
        for a, b in zip(one, other, strict=True)
    )


def _equal(one, other) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))
    return one == other


def describe(found: list[Difference], names=("left", "right"), remark: str = "") -> str:
    head = f"{len(found)} tables differ{'; ' + remark if remark else ''}"
    return "\n".join([head, *(difference.describe(names=names) for difference in found)])


def assert_equal_tables(
    left: Bench,
    right: Bench,
    names: tuple[str, str] = ("left", "right"),
    explain: Callable[[list[Difference]], str] | None = None,
    **options,
) -> None:
    found = differences(left, right, **options)
    assert not found, describe(found, names, explain(found) if explain else "")
