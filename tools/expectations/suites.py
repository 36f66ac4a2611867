"""The suites as they stand in YAML, and what came of each expectation. Imports nothing heavy."""

import csv
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SUITES = Path(__file__).with_name("suites")
SEVERITIES = ("critical", "warning")

# what a batch computes; one without any of them looks at the rows of its table
FIGURES, DRIFT, VOLUMES, ROWS = "figures", "drift", "volumes", "rows"
# how a figure is compared: as it is, less the last generation's, divided by the last generation's
IS, CHANGE, RATIO = "between", "change", "ratio"
COMPARISONS = {FIGURES: (IS,), DRIFT: (CHANGE, RATIO), VOLUMES: (RATIO,)}
NO_VALUE = ("fails", "not applicable")

PASSED, FAILED, ACCEPTED = "passed", "failed", "accepted"
NOT_APPLICABLE, NOT_COMPUTED = "not applicable", "not computed"


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
    comparison: str = IS

    @property
    def name(self) -> str:
        """The sentence as one word, by which it is known in results and to --accept."""
        words = re.sub(r"[^a-z0-9]+", " ", self.says.lower().replace("'", "")).split()
        return "_".join(words)

    @property
    def column(self) -> str:
        """The column, or the figure, that it is about; '' where it is about the table."""
        kwargs = self.kwargs
        if "column_A" in kwargs:
            return f"{kwargs['column_A']}, {kwargs['column_B']}"
        return kwargs.get("column", "")

    @property
    def expected(self) -> str:
        """What would be right, in words."""
        kwargs = self.kwargs
        if "value_set" in kwargs:
            words = kwargs["value_set"]
            return f"one of {len(words)} words" if len(words) > 1 else f"always {words[0]}".lower()
        if "column_A" in kwargs:
            sign = ">=" if kwargs.get("or_equal") else ">"
            return f"{kwargs['column_A']} {sign} {kwargs['column_B']}"
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        unit = " times the last generation's" if self.comparison == RATIO else ""
        if self.comparison == CHANGE:
            unit = " more than in the last generation"
        name = self.column if self.comparison != RATIO else ""
        bounds = [written(name, bound) for bound in (low, high) if bound is not None]
        if low is None and high is None:
            return ""
        if low == high:
            return bounds[0] + unit
        if low is None or high is None:
            return f"at {'most' if low is None else 'least'} {bounds[0]}{unit}"
        return f"{bounds[0]} to {bounds[1]}{unit}"


@dataclass(frozen=True)
class Batch:
    """What expectations are about: the rows of a mart, or one row of figures of a query."""

    suite: str
    kind: str
    table: str
    expectations: tuple[Expectation, ...]
    query: str = ""
    fewest_rows: int = 0  # of the last generation, below which its volume says nothing


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation of one table. No value of a row is in it: counts and keys."""

    suite: str
    table: str
    expectation: Expectation
    outcome: str
    observed: str = ""

    @property
    def is_passed(self) -> bool | None:
        return None if self.outcome == NOT_APPLICABLE else self.outcome == PASSED

    @property
    def is_failure(self) -> bool:
        """Whether it stops a publication. What could not be looked at may be anything."""
        is_critical = self.expectation.severity == "critical"
        return self.outcome == NOT_COMPUTED or (self.outcome == FAILED and is_critical)

    @property
    def is_warning(self) -> bool:
        return self.outcome == FAILED and not self.is_failure

    @property
    def word(self) -> str:
        if self.outcome == FAILED:
            return "FAILED" if self.is_failure else "warning"
        return {NOT_APPLICABLE: "skipped", NOT_COMPUTED: "BROKEN"}.get(self.outcome, self.outcome)


def accepted(outcomes: list[Outcome], names: set[str]) -> list[Outcome]:
    """The same, with what somebody has looked at and lets pass this once."""
    return [
        replace(each, outcome=ACCEPTED)
        if each.outcome == FAILED and each.expectation.name in names
        else each
        for each in outcomes
    ]


# ---------------------------------------------------------------- reading


def read_suites(folder: Path = SUITES, taxonomy: Path | None = None) -> list[Batch]:
    """Every batch of every suite in the folder, by file name."""
    taxonomy = taxonomy or ROOT / os.environ.get("JOURNEY_TAXONOMY", "seeds/taxonomy")
    batches: list[Batch] = []
    named: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            read = [_batch(path.stem, entry, taxonomy) for entry in content["batches"]]
            for name in (each.name for batch in read for each in batch.expectations):
                if name in named:
                    raise ValueError(f"{name} stands in {named[name].name}, too: say it otherwise.")
                named[name] = path
        except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise ExpectationsError(f"{path}: {error!s}") from error
        batches += read
    if not batches:
        raise ExpectationsError(f"no suite (*.yml) lies in {folder}.")
    return batches


def _batch(suite: str, entry: dict, taxonomy: Path) -> Batch:
    kinds = entry.keys() & {FIGURES, DRIFT, VOLUMES}
    kind = kinds.pop() if len(kinds) == 1 else ROWS
    needed = {kind, "expectations"} - {ROWS} | ({"table"} if kind != VOLUMES else set())
    if kinds or entry.keys() != needed:
        raise ValueError(
            f"a batch has `table` and `expectations`, and at most one of `{FIGURES}` and `{DRIFT}`"
            f" (a query); or `{VOLUMES}` and `expectations`. This has {', '.join(entry)}."
        )
    expectations = tuple(_expectation(kind, item, taxonomy) for item in entry["expectations"])
    table = entry.get("table", "")
    if not expectations:
        raise ValueError(f"nothing is expected of {table or kind!r}.")
    if kind == VOLUMES:
        fewest = entry[VOLUMES]["fewest_rows"]
        return Batch(suite, kind, "", expectations, fewest_rows=int(fewest))
    return Batch(suite, kind, table, expectations, entry.get(kind, "").strip())


def _expectation(kind: str, item: dict, taxonomy: Path) -> Expectation:
    about = f"{item.get('says', item)!r}: "
    if item.get("severity", "critical") not in SEVERITIES:
        raise ValueError(f"{about}severity is {' or '.join(SEVERITIES)}.")
    if kind == ROWS:
        if item.keys() != {"says", "type", "kwargs", "severity"}:
            raise ValueError(f"{about}write says, type, kwargs and severity.")
        kwargs = {key: _value(value, taxonomy) for key, value in item["kwargs"].items()}
        return Expectation(**{**item, "kwargs": kwargs})
    comparisons = [key for key in COMPARISONS[kind] if key in item]
    needed = {"says", "severity", *comparisons} | ({"column"} if kind != VOLUMES else set())
    if len(comparisons) != 1 or item.keys() - {"if_no_value"} != needed:
        wanted = " or ".join(COMPARISONS[kind])
        column = "column, " if kind != VOLUMES else ""
        raise ValueError(f"{about}write says, {column}{wanted} and severity.")
    if item.get("if_no_value", NO_VALUE[0]) not in NO_VALUE:
        raise ValueError(f"{about}if_no_value is {' or '.join(NO_VALUE)}.")
    bounds = item[comparisons[0]]
    if not isinstance(bounds, list) or len(bounds) != 2 or bounds == [None, None]:
        raise ValueError(f"{about}{comparisons[0]} is [least, most]; null for no bound.")
    kwargs = {"column": item.get("column", "row_count")}
    kwargs |= {
        key: float(bound)
        for key, bound in zip(("min_value", "max_value"), bounds, strict=True)
        if bound is not None
    }
    return Expectation(
        item["says"],
        "expect_column_values_to_be_between",
        kwargs,
        item["severity"],
        item.get("if_no_value", NO_VALUE[0]),
        comparisons[0],
    )


def _value(value, taxonomy: Path):
    """A value as it stands, or the words of a column of the taxonomy, and some more:
    {taxonomy: channel_rules.channel_group, also: [Unassigned]}."""
    if not isinstance(value, dict) or "taxonomy" not in value:
        return value
    seed, column = value["taxonomy"].split(".")
    with open(taxonomy / f"{seed}.csv", newline="", encoding="utf-8") as file:
        words = {row[column] for row in csv.DictReader(file)}
    return sorted(words | set(value.get("also", [])))


def written(name: str, figure) -> str:
    """A figure as a person writes it: 1,234 and 12.3 and, where its name says share, 4.5 %."""
    number = float(figure)
    if name.endswith("_share"):
        return f"{100 * number:.3g} %"
    return f"{number:,.0f}" if number.is_integer() or number >= 1000 else f"{number:.3g}"
