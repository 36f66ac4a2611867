"""Read the suites, run them on a published file, and say how each expectation came out."""

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import great_expectations as gx
import yaml
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.registry import get_expectation_impl

from tools.expectations.dialect import NAME as DIALECT
from tools.expectations.dialect import SCHEMA, close_connections

ROOT = Path(__file__).resolve().parents[2]
SUITES = Path(__file__).with_name("suites")
SEVERITIES = ("critical", "warning")
FIGURES, TABLE = "figures", "table"
KEYS = {"says", "type", "kwargs", "severity"}
OPTIONAL = {"if_no_value": ("fails", "holds")}


class ExpectationsError(Exception):
    """Why the expectations could not be looked at."""


@dataclass(frozen=True)
class Expectation:
    """One sentence about the data, and what Great Expectations has to look for."""

    says: str
    type: str
    kwargs: dict
    severity: str
    # a figure without a value proves nothing; it may be right where a company has no such thing
    if_no_value: str = "fails"


@dataclass(frozen=True)
class Batch:
    """What expectations are about: a mart, or one row of figures that a query computes."""

    suite: str
    kind: str
    text: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class Outcome:
    suite: str
    expectation: Expectation
    holds: bool
    found: str = ""

    @property
    def is_failure(self) -> bool:
        return not self.holds and self.expectation.severity == "critical"

    @property
    def word(self) -> str:
        return "holds" if self.holds else "FAILS" if self.is_failure else "warns"


# ---------------------------------------------------------------- suites


def read_suites(folder: Path = SUITES, taxonomy: Path | None = None) -> list[Batch]:
    """Every batch of every suite in the folder, by file name."""
    taxonomy = taxonomy or ROOT / os.environ.get("JOURNEY_TAXONOMY", "seeds/taxonomy")
    batches = []
    for path in sorted(folder.glob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text())
            batches += [_batch(path.stem, entry, taxonomy) for entry in content["batches"]]
        except (yaml.YAMLError, KeyError, TypeError, ValueError, OSError) as error:
            raise ExpectationsError(f"{path}: {error!s}") from error
    if not batches:
        raise ExpectationsError(f"no suite (*.yml) lies in {folder}.")
    return batches


def _batch(suite: str, entry: dict, taxonomy: Path) -> Batch:
    kinds = entry.keys() & {FIGURES, TABLE}
    if len(kinds) != 1 or entry.keys() - {FIGURES, TABLE, "expectations"}:
        raise ValueError("a batch has `table` or `figures`, and `expectations`, nothing else.")
    kind = kinds.pop()
    expectations = tuple(_expectation(item, taxonomy) for item in entry["expectations"])
    if not expectations:
        raise ValueError(f"nothing is expected of {entry[kind]!r}.")
    if kind == FIGURES and any("column" not in item.kwargs for item in expectations):
        raise ValueError("an expectation about figures names its `column`.")
    return Batch(suite, kind, entry[kind].strip(), expectations)


def _expectation(item: dict, taxonomy: Path) -> Expectation:
    allowed = {"severity": SEVERITIES, **OPTIONAL}
    if item.keys() - OPTIONAL.keys() != KEYS or any(
        item.get(key, words[0]) not in words for key, words in allowed.items()
    ):
        raise ValueError(
            f"{item.get('says', item)!r}: write {', '.join(sorted(KEYS))}; "
            + "; ".join(f"{key} is {' or '.join(words)}" for key, words in allowed.items())
        )
    kwargs = {key: _value(value, taxonomy) for key, value in item["kwargs"].items()}
    return Expectation(**{**item, "kwargs": kwargs})


def _value(value, taxonomy: Path):
    """A value as it stands, or the words of a column of the taxonomy, and some more:
    {taxonomy: channel_rules.channel_group, also: [Unassigned]}."""
    if not isinstance(value, dict) or "taxonomy" not in value:
        return value
    seed, column = value["taxonomy"].split(".")
    with open(taxonomy / f"{seed}.csv", newline="", encoding="utf-8") as file:
        words = {row[column] for row in csv.DictReader(file)}
    return sorted(words | set(value.get("also", [])))


# ---------------------------------------------------------------- runs


def run(database: Path, batches: Iterable[Batch]) -> list[Outcome]:
    """Look at every expectation, in order. Nothing is written, not to the file, not beside it."""
    if not database.is_file():
        raise ExpectationsError(
            f"there is no {database}: build and publish first (`make build`), or name another file"
            " with --database."
        )
    batches = list(batches)
    figures = read_figures(database, batches)
    outcomes = []
    with data_source(database) as source:
        for number, batch in enumerate(batches):
            row = figures[number]
            if isinstance(row, str):
                outcomes += [Outcome(batch.suite, each, False, row) for each in batch.expectations]
            else:
                outcomes += _outcomes(source, f"batch_{number}", batch, row)
    return outcomes


def read_figures(database: Path, batches: list[Batch]) -> list[dict | str]:
    """The figures of each batch (none for a table), or why they cannot be had."""
    found: list[dict | str] = []
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise ExpectationsError(f"{database} cannot be opened: {_first_line(error)}") from error
    with connection:
        try:
            connection.execute(f"set schema = '{SCHEMA}'")
        except duckdb.CatalogException as error:
            raise ExpectationsError(
                f"{database} has no schema {SCHEMA}: no publication."
            ) from error
        for batch in batches:
            query = batch.text if batch.kind == FIGURES else f"select * from {batch.text} limit 0"
            try:
                cursor = connection.execute(query)
                rows = cursor.fetchall()
            except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as e:
                found.append(f"not to be computed: {_first_line(e)}")
                continue
            if batch.kind == FIGURES and len(rows) != 1:
                raise ExpectationsError(f"{batch.suite}: figures are one row, not {len(rows)}.")
            names = [column[0] for column in cursor.description]
            found.append(dict(zip(names, rows[0], strict=True)) if rows else {})
    return found


@contextmanager
def data_source(database: Path) -> Iterator:
    """The published file, read only, in a context of Great Expectations that leaves no files."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(
        "published",
        connection_string=f"{DIALECT}:///{database.resolve()}",
        kwargs={"connect_args": {"read_only": True}},
        create_temp_table=False,
    )
    try:
        yield source
    finally:
        source.get_engine().dispose()
        close_connections()


def _outcomes(source, name: str, batch: Batch, figures: dict) -> Iterator[Outcome]:
    if batch.kind == FIGURES:
        asset = source.add_query_asset(name, query=batch.text)
    else:
        asset = source.add_table_asset(name, table_name=batch.text)
    try:
        for each in batch.expectations:
            get_expectation_impl(each.type)
        suite = gx.ExpectationSuite(
            name=name,
            expectations=[
                {"type": each.type, "kwargs": each.kwargs, "meta": {"number": number}}
                for number, each in enumerate(batch.expectations)
            ],
        )
        data = asset.add_batch_definition_whole_table(name).get_batch()
        # every other format puts values of failing rows into the result
        validation = data.validate(suite, result_format="BOOLEAN_ONLY")
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise ExpectationsError(f"{batch.suite}: {_first_line(error)}") from error
    results = {each.expectation_config.meta["number"]: each for each in validation.results}
    for number, each in enumerate(batch.expectations):
        result = results[number]
        found, holds = "", bool(result.success)
        if batch.kind == FIGURES:
            figure = figures.get(each.kwargs["column"])
            # Great Expectations passes over a NULL
            holds = holds and (figure is not None or each.if_no_value == "holds")
            found = "no value" if figure is None else written(each.kwargs["column"], figure)
        if problem := _problem(result):
            holds, found = False, f"not to be computed: {problem}"
        yield Outcome(batch.suite, each, holds, found)


def _problem(result) -> str:
    """Why Great Expectations could not look, or "". A message of DuckDB's may hold values."""
    for info in (result.exception_info or {}).values():
        if isinstance(info, dict) and info.get("raised_exception"):
            message = info["exception_message"].strip().splitlines()[0]
            return message.split(")")[0].strip("(") if message.startswith("(_duckdb") else message
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def written(name: str, figure) -> str:
    """A figure as a person writes it: 1,234 and 12.3 and, where its name says share, 4.5 %."""
    number = float(figure)
    if name.endswith("_share"):
        return f"{100 * number:.3g} %"
    return f"{number:,.0f}" if number.is_integer() or number >= 1000 else f"{number:.3g}"
