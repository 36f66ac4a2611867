"""Look at what the suites expect: figures by DuckDB, the judgement by Great Expectations."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.registry import get_expectation_impl

from tools.expectations.dialect import NAME as DIALECT
from tools.expectations.dialect import SCHEMA, close_connections
from tools.expectations.suites import (
    CHANGE,
    DRIFT,
    FAILED,
    FIGURES,
    NOT_APPLICABLE,
    NOT_COMPUTED,
    PASSED,
    RATIO,
    ROWS,
    VOLUMES,
    Batch,
    Expectation,
    ExpectationsError,
    Outcome,
    written,
)

# what publishing itself writes, and compares with what it wrote
WRITTEN_BY_PUBLISHING = ("publication", "data_quality_results")
FIRST = "there is no earlier generation"
OTHER = "no load of the last generation is left: other data"
# every other format puts values of failing rows into the result
WITHOUT_VALUES = "BOOLEAN_ONLY"
COUNTS_ONLY = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}
KEY = re.compile(r"[0-9a-f]{32}")
EXAMPLES = 3


@dataclass(frozen=True)
class Figure:
    """What was computed for an expectation: a number to be judged, or why there is none."""

    number: float | None = None
    observed: str = ""
    # said instead of a judgement: not applicable, not computed, failed for want of a value
    outcome: str = ""


@dataclass
class Looked:
    """A batch about one table, with a figure for each expectation (none where rows are judged)."""

    batch: Batch
    table: str
    figures: list[Figure] = field(default_factory=list)


@dataclass
class Run:
    """What came of all, and what Great Expectations said (for its Data Docs)."""

    outcomes: list[Outcome]
    validations: list


def run(database: Path, batches: Iterable[Batch], previous: Path | None = None) -> list[Outcome]:
    """Look at every expectation, in order. Nothing is written, not to the file, not beside it."""
    return run_and_keep(database, batches, previous).outcomes


def run_and_keep(database: Path, batches: Iterable[Batch], previous: Path | None = None) -> Run:
    if not database.is_file():
        raise ExpectationsError(
            f"there is no {database}: build first (`make build`), or name another file with"
            " --database."
        )
    with opened(database) as now, predecessor(previous) as before:
        looked = look(now, list(batches), before)
    return judge(database, looked)


# ---------------------------------------------------------------- figures


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise ExpectationsError(f"{database} cannot be opened: {_first_line(error)}") from error
    with connection:
        try:
            connection.execute(f"set schema = '{SCHEMA}'")
        except duckdb.CatalogException as error:
            raise ExpectationsError(
                f"{database} has no schema {SCHEMA}: no publication, and no build."
            ) from error
        yield connection


@contextmanager
def predecessor(previous: Path | None) -> Iterator[duckdb.DuckDBPyConnection | None]:
    if previous is None:
        yield None
        return
    with opened(previous) as connection:
        yield connection


def look(
    now: duckdb.DuckDBPyConnection,
    batches: list[Batch],
    before: duckdb.DuckDBPyConnection | None = None,
) -> list[Looked]:
    """Each batch with its figures. A batch of volumes becomes one for every mart."""
    not_comparable = why_not_comparable(now, before)
    found = []
    for batch in batches:
        if batch.kind == VOLUMES:
            found += [
                Looked(batch, table, _figures(batch, rows, rows_before, not_comparable, table))
                for table, rows, rows_before in _volumes(now, before, batch, not_comparable)
            ]
            continue
        row = _rows(now, batch) if batch.kind == ROWS else _row(now, batch)
        row_before: dict | str = {}
        if batch.kind == DRIFT and not not_comparable:
            row_before = _row(before, batch)
            if isinstance(row_before, str):
                row_before = "the last generation has no such table or column"
        found.append(Looked(batch, batch.table, _figures(batch, row, row_before, not_comparable)))
    return found


def why_not_comparable(now, before) -> str:
    """Why what was published last says nothing about these data; '' if it does."""
    if before is None:
        return FIRST
    query = "select source_table, load_id, raw_row_count from reconciliation"
    with suppress(duckdb.CatalogException, duckdb.BinderException):
        loads, loads_before = (set(each.execute(query).fetchall()) for each in (now, before))
        return "" if loads & loads_before else OTHER
    return OTHER


def _row(connection, batch: Batch) -> dict | str:
    """The figures of a batch, or why they cannot be had. A message may hold values: not of rows,
    since only what fails before any row is read is told."""
    try:
        cursor = connection.execute(batch.query)
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        return _first_line(error)
    except duckdb.Error as error:  # of a cast, for instance, which quotes the value
        return f"{type(error).__name__} of DuckDB"
    if len(rows) != 1:
        raise ExpectationsError(f"{batch.suite}: figures are one row, not {len(rows)}.")
    return dict(zip(names, rows[0], strict=True))


def _rows(connection, batch: Batch) -> dict | str:
    try:
        (count,) = connection.execute(f"select count(*) from {batch.table}").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        return _first_line(error)
    return {"row_count": count}


def _volumes(now, before, batch: Batch, not_comparable: str) -> Iterator[tuple[str, dict, dict]]:
    def count(connection, table: str) -> int:
        return connection.execute(f'select count(*) from "{table}"').fetchone()[0]

    query = (
        "select table_name from information_schema.tables where table_catalog = current_database()"
        " and table_schema = ? order by table_name"
    )
    names = [row[0] for row in now.execute(query, [SCHEMA]).fetchall()]
    earlier = set()
    if not not_comparable:
        earlier = {row[0] for row in before.execute(query, [SCHEMA]).fetchall()}
    for table in names:
        if table in WRITTEN_BY_PUBLISHING:
            continue
        row_before: dict | str = {}
        if not not_comparable and table not in earlier:
            row_before = "the last generation has no such table"
        elif not not_comparable:
            rows = count(before, table)
            row_before = {"row_count": rows}
            if rows < batch.fewest_rows:
                row_before = f"too few rows in the last generation to tell: {rows:,}"
        yield table, {"row_count": count(now, table)}, row_before


def _figures(
    batch: Batch, row: dict | str, row_before: dict | str, not_comparable: str, table: str = ""
) -> list[Figure]:
    return [
        _figure(batch, each, row, row_before, not_comparable, table) for each in batch.expectations
    ]


def _figure(
    batch: Batch,
    each: Expectation,
    row: dict | str,
    row_before: dict | str,
    not_comparable: str,
    table: str,
) -> Figure:
    if isinstance(row, str):
        return Figure(observed=f"not to be computed: {row}", outcome=NOT_COMPUTED)
    if batch.kind == ROWS:
        count = row["row_count"]
        if count == 0 and not each.type.startswith("expect_table_"):
            return Figure(observed="no rows", outcome=NOT_APPLICABLE)
        return Figure(number=count)
    name = each.kwargs["column"]
    if name not in row:
        return Figure(observed=f"not to be computed: no figure {name}", outcome=NOT_COMPUTED)
    value = row[name]
    if batch.kind == FIGURES:
        if value is None:
            return Figure(observed="no value", outcome=_if_no_value(each))
        return Figure(float(value), written(name, value))
    # against the last generation
    if not_comparable or isinstance(row_before, str):
        return Figure(observed=not_comparable or str(row_before), outcome=NOT_APPLICABLE)
    value_before = row_before.get(name)
    if value_before is None or (each.comparison == RATIO and value_before == 0):
        return Figure(observed="the last generation has no value", outcome=NOT_APPLICABLE)
    if value is None:
        observed = f"no value (before: {written(name, value_before)})"
        return Figure(observed=observed, outcome=_if_no_value(each))
    number = float(value) - float(value_before)
    if each.comparison == RATIO:
        number = float(value) / float(value_before)
    return Figure(number, f"{written(name, value)} (before: {written(name, value_before)})")


def _if_no_value(each: Expectation) -> str:
    return FAILED if each.if_no_value == "fails" else NOT_APPLICABLE


# ---------------------------------------------------------------- judgement


def judge(database: Path, looked: list[Looked]) -> Run:
    """Let Great Expectations say of each expectation whether it is met."""
    validations: list = []
    judged: dict[tuple[int, int], tuple[bool, str]] = {}
    with data_source(database) as source:
        for suite in dict.fromkeys(each.batch.suite for each in looked):
            numbers = [n for n, each in enumerate(looked) if each.batch.suite == suite]
            judged |= _judge_figures(source, suite, looked, numbers, validations)
            for number in numbers:
                if looked[number].batch.kind == ROWS:
                    judged |= _judge_rows(source, number, looked[number], validations)
    outcomes = []
    for number, each in enumerate(looked):
        for place, expectation in enumerate(each.batch.expectations):
            figure = each.figures[place]
            outcome, observed = figure.outcome, figure.observed
            if not outcome:
                holds, more = judged.get((number, place), (False, "not judged"))
                problem = more.startswith("not ")
                outcome = NOT_COMPUTED if problem else PASSED if holds else FAILED
                observed = more or observed
            outcomes.append(Outcome(each.batch.suite, each.table, expectation, outcome, observed))
    return Run(outcomes, validations)


def _judge_figures(
    source, suite: str, looked: list[Looked], numbers: list[int], validations: list
) -> dict[tuple[int, int], tuple[bool, str]]:
    """All figures of a suite as one row of one batch: one validation instead of dozens."""
    columns: dict[str, float] = {}
    configurations = []
    for number in numbers:
        each = looked[number]
        if each.batch.kind == ROWS:
            continue
        for place, expectation in enumerate(each.batch.expectations):
            figure = each.figures[place]
            if figure.outcome:
                continue
            kind = {CHANGE: "_change", RATIO: "_ratio"}.get(expectation.comparison, "")
            name = f"{each.table}__{expectation.column}{kind}"
            while name in columns:
                name += "_"
            columns[name] = figure.number
            configurations.append(
                {
                    "type": expectation.type,
                    "kwargs": {**expectation.kwargs, "column": name},
                    "description": expectation.says,
                    "meta": {"number": number, "place": place},
                }
            )
    if not columns:
        return {}
    query = "select " + ", ".join(f'{value!r}::double as "{key}"' for key, value in columns.items())
    asset = source.add_query_asset(f"{suite}: figures", query=query)
    results = _validate(asset, f"{suite}: figures", configurations, validations)
    for meta, result in results:  # for the Data Docs: what is compared is a figure, not a value
        figure = looked[meta["number"]].figures[meta["place"]]
        result.result = {"observed_value": figure.observed}
    return {
        (meta["number"], meta["place"]): (bool(result.success), _problem(result))
        for meta, result in results
    }


def _judge_rows(
    source, number: int, looked: Looked, validations: list
) -> dict[tuple[int, int], tuple[bool, str]]:
    batch = looked.batch
    configurations = [
        {
            "type": each.type,
            "kwargs": each.kwargs,
            "description": each.says,
            "meta": {"number": number, "place": place},
        }
        for place, each in enumerate(batch.expectations)
        if not looked.figures[place].outcome
    ]
    if not configurations:
        return {}
    name = f"{batch.suite}: rows of {batch.table} ({number})"
    asset = source.add_table_asset(name, table_name=batch.table)
    results = _validate(asset, name, configurations, validations)
    found = {}
    for meta, result in results:
        rows = looked.figures[meta["place"]].number
        told = _problem(result)
        kind = batch.expectations[meta["place"]].type
        if not told and kind.startswith("expect_table_"):
            told = f"{rows:,} rows"
        elif not told and result.success:
            told = f"0 of {rows:,} rows break it" if _is_of_rows(kind) else ""
        elif not told:
            told = _count_of_failing(source, asset, configurations, meta, rows)
        result.result = {"observed_value": told}
        found[(meta["number"], meta["place"])] = (bool(result.success), told)
    return found


def _is_of_rows(kind: str) -> bool:
    return "_values_to_" in kind or "_values_a_" in kind


def _count_of_failing(source, asset, configurations: list[dict], meta: dict, rows: float) -> str:
    """How many rows break an expectation, with the keys of some; a key is a hash or not told."""
    [configuration] = [each for each in configurations if each["meta"] == meta]
    inspected = source.get_engine().connect()
    with inspected as connection:
        table = asset.table_name
        key = connection.exec_driver_sql(f'describe "{table}"').fetchone()[0]
        suite = gx.ExpectationSuite(name="again", expectations=[configuration])
        batch = asset.batch_definitions[0].get_batch()
        result_format = {**COUNTS_ONLY, "unexpected_index_column_names": [key]}
        [again] = batch.validate(suite, result_format=result_format).results
        told = again.result
        if isinstance(told.get("observed_value"), int | float):
            return f"{told['observed_value']:,.6g}"
        if "unexpected_count" not in told:
            return "rows that break it"
        text = f"{told['unexpected_count']:,} of {rows:,} rows break it"
        query = (told.get("unexpected_index_query") or "").rstrip().rstrip(";")
        if query:
            examples = connection.exec_driver_sql(
                f'select "{key}" from ({query}) order by 1 limit {EXAMPLES}'
            ).fetchall()
            keys = [row[0] for row in examples if KEY.fullmatch(str(row[0]))]
            if keys:
                text += f"; {key}: {', '.join(keys)}"
    return text


def _validate(asset, name: str, configurations: list[dict], validations: list):
    """Pairs of the meta of an expectation and what Great Expectations says."""
    try:
        for each in configurations:
            get_expectation_impl(each["type"])
        suite = gx.ExpectationSuite(name=name, expectations=configurations)
        batch = asset.add_batch_definition_whole_table(name).get_batch()
        validation = batch.validate(suite, result_format=WITHOUT_VALUES)
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise ExpectationsError(f"{name}: {_first_line(error)}") from error
    validations.append((suite, validation))
    return [(each.expectation_config.meta, each) for each in validation.results]


@contextmanager
def data_source(database: Path) -> Iterator:
    """The file, read only, in a context of Great Expectations that leaves no files."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(
        "marts",
        connection_string=f"{DIALECT}:///{database.resolve()}",
        kwargs={"connect_args": {"read_only": True}},
        create_temp_table=False,
    )
    try:
        yield source
    finally:
        source.get_engine().dispose()
        close_connections()


def _problem(result) -> str:
    """Why Great Expectations could not look, or "". A message of DuckDB's may hold values."""
    for info in (result.exception_info or {}).values():
        if isinstance(info, dict) and info.get("raised_exception"):
            message = info["exception_message"].strip().splitlines()[0]
            if message.startswith("(_duckdb"):
                message = message.split(")")[0].strip("(")
            return f"not to be computed: {message}"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
