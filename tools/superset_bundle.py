"""Write the Superset bundle from dashboard/superset_dashboard.yml and the yml of the models.

    python -m tools.superset_bundle            # dashboard/superset/
    python -m tools.superset_bundle --check    # say what differs, change nothing

Names, types and descriptions of columns are the models'. So are the rates: where a model has
x_rate, x_numerator and x_denominator, the data set has a metric x_rate that divides their sums over
mature rows. Where adding up would count twice (people over segments, days or ways of counting) a
metric is empty instead of wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

ROOT = Path(__file__).resolve().parents[1]
SPECIFICATION = ROOT / "dashboard" / "superset_dashboard.yml"
BUNDLE = ROOT / "dashboard" / "superset"
MODELS = ROOT / "models"
SEEDS = ROOT / "seeds" / "taxonomy"
SCHEMA = "marts"
DATABASE = "customer_journey"
URI = "duckdb:///warehouse/customer_journey.duckdb"

# libyaml's where there is one: ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

NAMESPACE = UUID("0a5b2f34-7c61-4a0e-9d5e-7a6d8a3c1f20")  # any; it only has to stay
VERSION = "1.0.0"  # of the format that Superset reads

TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "double": "DOUBLE PRECISION",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
MOMENT = "%Y-%m-%d %H:%M"
GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M"}
SEGMENT = (
    "case when segment_type = 'all' then 'everybody' "
    "else replace(segment_type, '_', ' ') || ': ' || segment_value end"
)
SEGMENT_TEXT = "The segment with what it is cut by, as the filter of the dashboard names it."


class SpecificationError(Exception):
    """What is wrong in dashboard/superset_dashboard.yml, and how to mend it."""


def fail(text: str) -> None:
    raise SpecificationError(f"{SPECIFICATION.relative_to(ROOT)}: {text}")


def identifier(*names: str) -> str:
    """The same name has the same id in every bundle, so that an import replaces it."""
    return str(uuid5(NAMESPACE, "/".join(names)))


def words(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


# ---------------------------------------------------------------- the models, as their yml says


def doc_blocks() -> dict[str, str]:
    """The descriptions that models share, by name."""
    pattern = re.compile(r"{%\s*docs\s+(\w+)\s*%}(.*?){%\s*enddocs\s*%}", re.DOTALL)
    return {
        name: text.strip()
        for path in MODELS.rglob("*.md")
        for name, text in pattern.findall(path.read_text())
    }


@dataclass(frozen=True)
class Mart:
    name: str
    text: str
    columns: dict[str, tuple[str, str]]  # name: type, description
    period: str | None

    def parts(self, rate: str) -> tuple[str, str] | None:
        stem = rate.removesuffix("_rate")
        parts = f"{stem}_numerator", f"{stem}_denominator"
        known = rate.endswith("_rate") and all(part in self.columns for part in parts)
        return parts if known else None

    def maturity(self, measure: str) -> str | None:
        """The column that says whether the measure can still grow, as metric_definitions has it."""
        stem = measure.removesuffix("_rate")
        names = [f"{stem}_is_mature", f"{measure}_is_mature"]
        names.append(f"{measure.rsplit('_', 1)[0]}_is_mature")
        if window := re.search(r"_([0-9]+[dh])(_|$)", measure):
            names += [name for name in self.columns if name.endswith(f"_{window[1]}_is_mature")]
        names.append("is_mature")
        return next((name for name in names if name in self.columns), None)


@cache
def marts() -> dict[str, Mart]:
    docs, found = doc_blocks(), {}

    def filled(text: str, where: str) -> str:
        whole = re.sub(r"{{\s*doc\('(\w+)'\)\s*}}", lambda match: docs[match[1]], text)
        if "{{" in whole:
            raise SpecificationError(f"{where}: this part of its description is not known: {whole}")
        return " ".join(whole.split())

    for path in sorted((MODELS / "marts").rglob("*.yml")):
        for model in yaml.load(path.read_text(), LOADER).get("models", []):
            columns = {
                column["name"]: (
                    TYPES.get(column["data_type"], column["data_type"].upper()),
                    filled(column.get("description", ""), f"{model['name']}.{column['name']}"),
                )
                for column in model["columns"]
            }
            meta = model.get("config", {}).get("meta", {})
            text = filled(model["description"], model["name"])
            found[model["name"]] = Mart(model["name"], text, columns, meta.get("period"))
    found["publication"] = publication()
    return found


def publication() -> Mart:
    """What tools/publish.py writes beside the models: which publication this is."""
    columns = {
        "generation": ("BIGINT", "Number of the publication; it only ever grows."),
        "published_at": ("TIMESTAMP", "When it was published, UTC."),
        "restored_from": ("BIGINT", "The generation that was published again; NULL = a new build."),
        "code_version": ("VARCHAR", "Version of the project's code that built it."),
        "configuration_version": ("VARCHAR", "Hash of the settings and the taxonomy."),
        "as_of_at": ("TIMESTAMP", "The data reach so far, UTC."),
        "load_count": ("BIGINT", "Loads that it holds."),
        "loads_version": ("VARCHAR", "Hash of their ids."),
        "table_name": ("VARCHAR", "The published table."),
        "row_count": ("BIGINT", "Its rows."),
        "content_hash": ("VARCHAR", "Hash of its content, whatever the order of rows."),
    }
    return Mart(
        "publication", "One row per published table: which publication this is.", columns, None
    )


def first_of_seed(seed: str, column: str, options: dict) -> str:
    """What the taxonomy names first: the value that a filter begins with."""
    with (SEEDS / f"{seed}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = options.get("prefer", {}).items()
    preferred = [row for row in rows if all(row[name] == value for name, value in wanted)]
    if not rows:
        fail(f"{seed}.csv has no rows, so that a filter on {column} has nothing to begin with")
    return (preferred or rows)[0][column]


# ---------------------------------------------------------------- data sets


@dataclass
class Dataset:
    mart: Mart
    options: dict[str, Any]
    formats: dict[str, str]
    metrics: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.options.get("single", []) + self.sums + self.points:
            if name not in self.mart.columns:
                fail(f"datasets: {self.mart.name} has no column {name}; {self.near(name)}")
        for name in self.mart.columns:
            if self.mart.parts(name):
                self.add_rate(name)
        for name in self.sums:
            self.add(name, f"sum({name})", self.mart.columns[name][1], self.guards)
        for name in self.points:
            self.add(name, f"sum({name})", self.mart.columns[name][1], self.guards_of_points)
        for name, metric in self.options.get("metrics", {}).items():
            # a metric that counts rows or people of a fact adds up by itself
            guards = (
                self.guards if metric.get("guarded", "segment_type" in self.mart.columns) else []
            )
            if metric["sql"] == "count(*)":
                guards = []
            self.add(name, metric["sql"], metric["text"], guards, metric.get("format"))

    def near(self, name: str) -> str:
        same = [column for column in self.mart.columns if name.split("_")[0] in column]
        return f"its columns: {', '.join(same or self.mart.columns)}"

    @property
    def sums(self) -> list[str]:
        return self.options.get("sums", [])

    @property
    def points(self) -> list[str]:
        return self.options.get("points", [])

    @property
    def period(self) -> str | None:
        return self.options.get("period", self.mart.period)

    @cached_property
    def guards(self) -> list[str]:
        """Columns in which all rows of a number have to agree."""
        own = [name for name in ("segment_type", "segment_value") if name in self.mart.columns]
        return own + self.options.get("single", [])

    @property
    def guards_of_points(self) -> list[str]:
        return [*self.guards, *([self.period] if self.period else [])]

    @cached_property
    def calculated(self) -> dict[str, dict]:
        own = {}
        if "segment_type" in self.mart.columns:
            own["segment"] = {"sql": SEGMENT, "text": SEGMENT_TEXT}
        return own | self.options.get("columns", {})

    def add_rate(self, name: str) -> None:
        numerator, denominator = self.mart.parts(name)
        maturity = self.mart.maturity(name)
        if maturity:
            numerator, denominator = (
                f"case when {maturity} then {part} end" for part in (numerator, denominator)
            )
        self.add(
            name,
            f"1.0 * sum({numerator}) / nullif(sum({denominator}), 0)",
            self.mart.columns[name][1],
            self.guards_of_points if self.options.get("running") else self.guards,
            "rate",
        )

    def add(
        self, name: str, sql: str, text: str, guards: list[str], kind: str | None = None
    ) -> None:
        agree = " and ".join(f"min({guard}) = max({guard})" for guard in guards)
        if kind is None:
            kind = "amount" if name.endswith("_amount") else "count"
            if name.endswith(("_per_person", "_sum")):
                kind = "score"
        shown = self.formats[kind]
        if name.endswith("_at") or name == "data_as_of":
            shown = MOMENT
        note = (
            f" Empty where rows differ in {', '.join(guards)}: adding them up would count twice."
            if guards
            else ""
        )
        self.metrics[name] = {
            "metric_name": name,
            "verbose_name": name.replace("_", " "),
            "metric_type": None,
            "expression": f"case when {agree} then {sql} end" if agree else sql,
            "description": text + note,
            "d3format": shown,
            "currency": None,
            "extra": {},
            "warning_text": None,
        }

    def column(self, name: str, type_: str, text: str, sql: str | None) -> dict:
        return {
            "column_name": name,
            "verbose_name": name.replace("_", " "),
            "is_dttm": type_ in ("DATE", "TIMESTAMP"),
            "is_active": True,
            "type": type_,
            "advanced_data_type": None,
            "groupby": True,
            "filterable": True,
            "expression": sql,
            "description": text,
            "python_date_format": None,
            "extra": {},
        }

    def names(self) -> set[str]:
        return {*self.mart.columns, *self.calculated}

    def as_file(self) -> dict:
        columns = [
            self.column(name, type_, text, None)
            for name, (type_, text) in self.mart.columns.items()
        ] + [
            self.column(name, "VARCHAR", column["text"], column["sql"])
            for name, column in self.calculated.items()
        ]
        return {
            "table_name": self.mart.name,
            "main_dttm_col": self.period,
            "description": self.mart.text,
            "default_endpoint": None,
            "offset": 0,
            "cache_timeout": None,
            "catalog": None,
            "schema": SCHEMA,
            "sql": None,
            "params": None,
            "template_params": None,
            "filter_select_enabled": True,
            "fetch_values_predicate": None,
            "extra": None,
            "normalize_columns": False,
            "always_filter_main_dttm": False,
            "uuid": identifier("dataset", self.mart.name),
            "metrics": list(self.metrics.values()),
            "columns": columns,
            "version": VERSION,
            "database_uuid": identifier("database"),
        }


# ---------------------------------------------------------------- charts

VISUALS = {
    "number": "big_number_total",
    "trend": "big_number",
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "stacked": "echarts_timeseries_bar",
    "table": "table",
    "heatmap": "heatmap_v2",
    "sankey": "sankey_v2",
    "funnel": "funnel",
}
OPERATORS = {"above": ">", "below": "<", "not": "!="}


@dataclass
class Chart:
    options: dict[str, Any]
    dataset: Dataset

    def __post_init__(self) -> None:
        if self.kind not in VISUALS:
            fail(f"chart {self.name}: no kind {self.kind}; one of {', '.join(VISUALS)}")
        known = self.dataset.names()
        for name in self.columns_used():
            if name not in known:
                fail(f"chart {self.name}: {self.dataset.mart.name} has no column {name}")
        for name in self.metrics:
            if name not in self.dataset.metrics:
                mart, near = self.dataset.mart.name, ", ".join(self.dataset.metrics)
                fail(f"chart {self.name}: {mart} has no metric {name}; it has {near}")

    @property
    def name(self) -> str:
        return self.options["chart"]

    @property
    def kind(self) -> str:
        return self.options["kind"]

    @property
    def uuid(self) -> str:
        return identifier("chart", self.name)

    @property
    def metrics(self) -> list[str]:
        one = self.options.get("metric")
        return [one] if one else self.options["metrics"]

    @property
    def x(self) -> str | None:
        return self.options.get("x", self.dataset.period if "grain" in self.options else None)

    def columns_used(self) -> list[str]:
        named = [self.x, self.dataset.period, *(self.options.get(k) for k in ("y", "from", "to"))]
        named += [*self.options.get("by", []), *self.options.get("where", {})]
        return [name for name in named if name]

    def filters(self) -> list[dict]:
        found = []
        if self.dataset.period:
            found.append(
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "operator": "TEMPORAL_RANGE",
                    "subject": self.dataset.period,
                    "comparator": "No filter",
                }
            )
        for column, value in self.options.get("where", {}).items():
            operator = "=="
            if isinstance(value, dict):
                ((word, value),) = value.items()
                operator = OPERATORS[word]
            found.append(
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "operator": operator,
                    "operatorId": {"==": "EQUALS", "!=": "NOT_EQUALS"}.get(
                        operator, "GREATER_THAN" if operator == ">" else "LESS_THAN"
                    ),
                    "subject": column,
                    "comparator": value,
                }
            )
        return found

    def shown_as(self, metric: str) -> str:
        return self.dataset.metrics[metric]["d3format"]

    def parameters(self) -> dict:
        by = self.options.get("by", [])
        shared = {
            "viz_type": VISUALS[self.kind],
            "adhoc_filters": self.filters(),
            "annotation_layers": [],
            "color_scheme": "supersetColors",
            "row_limit": 10000,
            "extra_form_data": {},
        }
        return shared | getattr(self, f"as_{self.kind}")(self.metrics, by)

    def as_number(self, metrics: list[str], by: list[str]) -> dict:
        shown = self.shown_as(metrics[0])
        return {"metric": metrics[0], "y_axis_format": shown, "header_font_size": 0.4}

    def as_trend(self, metrics: list[str], by: list[str]) -> dict:
        return self.as_number(metrics, by) | {
            "x_axis": self.x,
            "time_grain_sqla": GRAINS[self.options["grain"]],
            "aggregation": "sum",
            "show_trend_line": True,
            "start_y_axis_at_zero": True,
        }

    def axes(self, metrics: list[str], by: list[str]) -> dict:
        order = self.options.get("order")
        in_time = "grain" in self.options
        return {
            "metrics": metrics,
            "groupby": by,
            "x_axis": self.x,
            "time_grain_sqla": GRAINS.get(self.options.get("grain")),
            "order_desc": True,
            "y_axis_format": self.shown_as(metrics[0]),
            "x_axis_time_format": "%Y-%m" if self.options.get("grain") == "month" else "%Y-%m-%d",
            "x_axis_sort": order,
            "x_axis_sort_asc": order is None,
            "sort_series_type": "name",
            "sort_series_ascending": True,
            "xAxisLabelInterval": "auto" if in_time else "0",
            "xAxisForceCategorical": not in_time,
            "truncate_metric": True,
            "show_empty_columns": True,
            "show_legend": len(metrics) > 1 or bool(by),
            "legendType": "scroll",
            "legendOrientation": "top",
            "rich_tooltip": True,
            "tooltipTimeFormat": "%Y-%m-%d",
            "truncateYAxis": False,
            "y_axis_bounds": [0, None] if self.shown_as(metrics[0]).endswith("%") else [None, None],
        }

    def as_line(self, metrics: list[str], by: list[str]) -> dict:
        return self.axes(metrics, by) | {"seriesType": "line", "markerEnabled": False}

    def as_bar(self, metrics: list[str], by: list[str]) -> dict:
        """Names that are read lie on their side; steps go from left to right."""
        ranked = "order" in self.options
        return self.axes(metrics, by) | {
            "orientation": "horizontal" if ranked else "vertical",
            "x_axis_sort_asc": True,
            "stack": "Stack" if self.options.get("stacked") else None,
        }

    def as_stacked(self, metrics: list[str], by: list[str]) -> dict:
        return self.axes(metrics, by) | {"orientation": "vertical", "stack": "Stack"}

    def as_table(self, metrics: list[str], by: list[str]) -> dict:
        order = self.options.get("order")
        return {
            "query_mode": "aggregate",
            "groupby": by,
            "metrics": metrics,
            "all_columns": [],
            "percent_metrics": [],
            "order_by_cols": [],
            "timeseries_limit_metric": None if order else metrics[0],
            "order_desc": order is None,
            "row_limit": 200,
            "server_page_length": 10,
            "table_timestamp_format": "%Y-%m-%d %H:%M",
            "allow_render_html": False,
            "show_cell_bars": False,
            "column_config": {
                metric: {"d3NumberFormat": self.shown_as(metric)}
                for metric in metrics
                if self.shown_as(metric) != MOMENT
            },
        }

    def as_heatmap(self, metrics: list[str], by: list[str]) -> dict:
        return {
            "x_axis": self.x,
            "groupby": self.options["y"],
            "metric": metrics[0],
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
            "normalize_across": "heatmap",
            "legend_type": "continuous",
            "linear_color_scheme": "superset_seq_1",
            "show_legend": True,
            "show_percentage": False,
            "show_values": True,
            "value_bounds": [None, None],
            "xscale_interval": 1,
            "yscale_interval": -1,
            "left_margin": 100,
            "bottom_margin": 60,
            "x_axis_time_format": "%Y-%m-%d",
            "y_axis_format": self.shown_as(metrics[0]),
        }

    def as_sankey(self, metrics: list[str], by: list[str]) -> dict:
        return {
            "source": self.options["from"],
            "target": self.options["to"],
            "metric": metrics[0],
            "sort_by_metric": True,
            "row_limit": 60,
        }

    def as_funnel(self, metrics: list[str], by: list[str]) -> dict:
        return {
            "groupby": by,
            "metric": metrics[0],
            "sort_by_metric": True,
            "percent_calculation_type": "first_step",
            "label_type": 5,
            "tooltip_label_type": 5,
            "number_format": self.shown_as(metrics[0]),
            "show_labels": True,
            "show_tooltip_labels": True,
            "show_legend": False,
            "row_limit": 50,
        }

    def description(self) -> str:
        """What its numbers mean, in the words of the models."""
        lines = []
        for name in self.metrics:
            metric = self.dataset.metrics[name]
            lines.append(f"{metric['verbose_name']}: {metric['description']}")
        return "\n\n".join([*lines, f"From {SCHEMA}.{self.dataset.mart.name}."])

    def as_file(self) -> dict:
        return {
            "slice_name": self.name,
            "description": self.description(),
            "certified_by": None,
            "certification_details": None,
            "viz_type": VISUALS[self.kind],
            "params": self.parameters(),
            "query_context": None,
            "cache_timeout": None,
            "uuid": self.uuid,
            "version": VERSION,
            "dataset_uuid": identifier("dataset", self.dataset.mart.name),
        }


# ---------------------------------------------------------------- the dashboard


class Bundle:
    """All files of the bundle, by their path in it."""

    def __init__(self, specification: dict, known: dict[str, Mart]):
        self.specification = specification
        self.datasets: dict[str, Dataset] = {}
        for name, options in specification["datasets"].items():
            if name not in known:
                fail(f"datasets: the marts have no table {name}; models/marts has the names")
            self.datasets[name] = Dataset(known[name], options or {}, specification["formats"])
        self.charts: list[tuple[str, Chart]] = []  # tab, chart
        for tab in specification["tabs"]:
            for row in tab["rows"]:
                if sum(options["width"] for options in row) > 12:
                    fail(f"tab {tab['tab']}: a row is wider than 12 columns")
                for options in row:
                    if options["data"] not in self.datasets:
                        fail(f"chart {options['chart']}: datasets does not list {options['data']}")
                    chart = Chart(options, self.datasets[options["data"]])
                    self.charts.append((tab["tab"], chart))
        names = [chart.name for _, chart in self.charts]
        if twice := {name for name in names if names.count(name) > 1}:
            fail(f"two charts have one name: {', '.join(sorted(twice))}")

    def number(self, chart: Chart) -> int:
        """Superset gives a chart its own number and needs some here to refer to."""
        return [other.name for _, other in self.charts].index(chart.name) + 1

    def position(self) -> dict:
        root, tabs = "ROOT_ID", "TABS-journey"
        found: dict[str, Any] = {
            "DASHBOARD_VERSION_KEY": "v2",
            root: {"id": root, "type": "ROOT", "children": [tabs]},
            "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": [root]},
            "HEADER_ID": {
                "id": "HEADER_ID",
                "type": "HEADER",
                "meta": {"text": self.specification["title"]},
            },
            tabs: {"id": tabs, "type": "TABS", "children": [], "meta": {}, "parents": [root]},
        }

        def add(kind: str, name: str, parents: list[str], meta: dict) -> str:
            key = f"{kind}-{name}"
            found[key] = {
                "id": key,
                "type": kind,
                "children": [],
                "parents": parents,
                "meta": meta,
            }
            found[parents[-1]]["children"].append(key)
            return key

        blank = {"background": "BACKGROUND_TRANSPARENT"}
        by_name = {chart.name: chart for _, chart in self.charts}
        for tab in self.specification["tabs"]:
            name = words(tab["tab"])
            here = [root, tabs]
            above = [*here, add("TAB", name, here, {"text": tab["tab"]})]
            text = [*above, add("ROW", f"{name}_about", above, blank)]
            about = " ".join(tab["about"].split())
            add("MARKDOWN", name, text, {"code": about, "width": 12, "height": 8})
            for number, row in enumerate(tab["rows"], 1):
                line = [*above, add("ROW", f"{name}_{number}", above, blank)]
                for options in row:
                    chart = by_name[options["chart"]]
                    meta = {
                        "chartId": self.number(chart),
                        "uuid": chart.uuid,
                        "sliceName": chart.name,
                        "width": options["width"],
                        "height": options.get("height", 50),
                    }
                    add("CHART", words(chart.name), line, meta)
        return found

    def native_filters(self) -> list[dict]:
        return [
            self.native_filter(name, options)
            for name, options in self.specification["filters"].items()
        ]

    def native_filter(self, name: str, options: dict) -> dict:
        tabs = options.get("tabs")
        excluded = [
            self.number(chart)
            for _, chart in self.charts
            if name in chart.options.get("ignores", [])
        ]
        shared = {
            "id": f"NATIVE_FILTER-{words(name)}",
            "name": name,
            "type": "NATIVE_FILTER",
            "description": options.get("about", ""),
            "cascadeParentIds": [],
            "scope": {
                "rootPath": [f"TAB-{words(tab)}" for tab in tabs] if tabs else ["ROOT_ID"],
                "excluded": excluded,
            },
        }
        if options.get("kind") == "time":
            return shared | {
                "filterType": "filter_time",
                "targets": [{}],
                "controlValues": {"enableEmptyFilter": False},
                "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
            }
        dataset, column = self.datasets.get(options["dataset"]), options["column"]
        if dataset is None or column not in dataset.names():
            fail(f"filter {name}: no column {column} in a data set {options['dataset']}")
        default = options.get("default") or first_of_seed(options["seed"], column, options)
        mask: dict[str, Any] = {"extraFormData": {}, "filterState": {}, "ownState": {}}
        mask["extraFormData"] = {"filters": [{"col": column, "op": "IN", "val": [default]}]}
        mask["filterState"] = {"value": [default], "label": default, "validateStatus": False}
        return shared | {
            "filterType": "filter_select",
            "targets": [
                {
                    "column": {"name": column},
                    "datasetUuid": identifier("dataset", dataset.mart.name),
                }
            ],
            "controlValues": {
                "multiSelect": False,
                "enableEmptyFilter": True,  # one has to be chosen: two would count twice
                "defaultToFirstItem": False,
                "inverseSelection": False,
                "searchAllOptions": False,
                "sortAscending": True,
            },
            "defaultDataMask": mask,
        }

    def dashboard(self) -> dict:
        return {
            "dashboard_title": self.specification["title"],
            "description": self.specification["about"],
            "css": "",
            "slug": words(self.specification["title"]),
            "certified_by": None,
            "certification_details": None,
            "published": True,
            "uuid": identifier("dashboard"),
            "position": self.position(),
            "metadata": {
                "native_filter_configuration": self.native_filters(),
                "cross_filters_enabled": False,
                "chart_configuration": {},
                "color_scheme": "supersetColors",
                "label_colors": {},
                "shared_label_colors": [],
                "expanded_slices": {},
                "timed_refresh_immune_slices": [],
                "refresh_frequency": 0,
                "default_filters": "{}",
                "filter_scopes": {},
            },
            "version": VERSION,
        }

    def database(self, uri: str) -> dict:
        local = uri.startswith("duckdb:")
        arguments = {"connect_args": {"read_only": True}} if local else {}
        return {
            "database_name": DATABASE,
            "sqlalchemy_uri": uri,
            "cache_timeout": None,
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_file_upload": False,
            "extra": {"engine_params": arguments, "metadata_params": {}},
            "uuid": identifier("database"),
            "version": VERSION,
        }

    def files(self, uri: str = URI) -> dict[str, dict]:
        found = {
            "metadata.yaml": {
                "version": VERSION,
                "type": "Dashboard",
                "timestamp": "2026-01-01T00:00:00+00:00",  # the format asks for one
            },
            f"databases/{DATABASE}.yaml": self.database(uri),
            f"dashboards/{words(self.specification['title'])}.yaml": self.dashboard(),
        }
        for name, dataset in self.datasets.items():
            found[f"datasets/{DATABASE}/{name}.yaml"] = dataset.as_file()
        for _, chart in self.charts:
            found[f"charts/{words(chart.name)}.yaml"] = chart.as_file()
        return found


def read() -> Bundle:
    return Bundle(yaml.safe_load(SPECIFICATION.read_text()), marts())


def as_text(content: dict) -> str:
    plain = json.loads(json.dumps(content))  # no anchors for what stands twice
    return yaml.dump(plain, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=120)


def texts(uri: str = URI) -> dict[str, str]:
    return {path: as_text(content) for path, content in sorted(read().files(uri).items())}


def differences() -> list[str]:
    wanted = texts()
    there = {str(path.relative_to(BUNDLE)): path.read_text() for path in BUNDLE.rglob("*.yaml")}
    return sorted(
        path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path)
    )


def write() -> int:
    wanted = texts()
    for path in BUNDLE.rglob("*.yaml"):
        if str(path.relative_to(BUNDLE)) not in wanted:
            path.unlink()
    for path, text in wanted.items():
        target = BUNDLE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return len(wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the Superset bundle from the models.")
    parser.add_argument("--check", action="store_true", help="say what differs, change nothing")
    arguments = parser.parse_args()
    place = BUNDLE.relative_to(ROOT)
    try:
        if arguments.check:
            if paths := differences():
                sys.exit(
                    f"{place} is not what the models say: {', '.join(paths)}\n"
                    "Write it anew: make superset-bundle"
                )
            print(f"{place} is what the models say")
        else:
            print(f"{place}: {write()} files are written")
    except SpecificationError as error:
        sys.exit(f"superset: {error}")


if __name__ == "__main__":
    main()
