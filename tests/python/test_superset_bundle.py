"""The Superset bundle in dashboard/superset, read as files: no Superset is needed.

What it looks like in a browser is asked in test_superset.py.
"""

import copy
import os
import re
import stat
import zipfile

import duckdb
import pytest
import yaml
from harness import ROOT

from tools import superset, superset_bundle

FOLDER = ROOT / "dashboard" / "superset"
# these keys of a chart name columns or metrics
COLUMNS_OF_CHARTS = ("groupby", "x_axis", "source", "target")
METRICS_OF_CHARTS = ("metrics", "metric", "timeseries_limit_metric")


def files(folder):
    return {
        path.stem: yaml.safe_load(path.read_text()) for path in (FOLDER / folder).rglob("*.yaml")
    }


@pytest.fixture(scope="module")
def datasets():
    return {content["uuid"]: content for content in files("datasets").values()}


@pytest.fixture(scope="module")
def charts():
    return list(files("charts").values())


@pytest.fixture(scope="module")
def dashboard():
    (content,) = files("dashboards").values()
    return content


@pytest.fixture(scope="module")
def model_columns():
    """What the yml of the models says, read here once more and plainly."""
    found = {}
    for path in (ROOT / "models" / "marts").rglob("*.yml"):
        for model in yaml.load(path.read_text(), superset_bundle.LOADER)["models"]:
            found[model["name"]] = [column["name"] for column in model["columns"]]
    return found


@pytest.fixture(scope="module")
def empty_marts(datasets):
    """Tables without rows, with the columns and types that the bundle believes in."""
    connection = duckdb.connect()
    connection.execute("create schema marts")
    for content in datasets.values():
        columns = ", ".join(
            f"{column['column_name']} {column['type']}"
            for column in content["columns"]
            if not column["expression"]
        )
        connection.execute(f"create table marts.{content['table_name']} ({columns})")
    yield connection
    connection.close()


def as_list(value):
    return value if isinstance(value, list) else [value] if value else []


def test_the_bundle_is_what_the_models_and_the_specification_say():
    assert superset_bundle.differences() == [], "write it anew: make superset-bundle"


def test_every_column_and_metric_that_a_chart_names_is_in_its_data_set(charts, datasets):
    assert len(charts) >= 30
    for chart in charts:
        dataset, parameters = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        named = [name for key in COLUMNS_OF_CHARTS for name in as_list(parameters.get(key))]
        named += [one["subject"] for one in parameters["adhoc_filters"]]
        asked = [name for key in METRICS_OF_CHARTS for name in as_list(parameters.get(key))]
        assert asked, chart["slice_name"]
        assert set(named) <= columns, chart["slice_name"]
        assert set(asked) <= metrics, chart["slice_name"]


def test_every_data_set_is_a_mart_with_the_columns_of_its_model(datasets, model_columns):
    for content in datasets.values():
        name = content["table_name"]
        columns = [one["column_name"] for one in content["columns"] if not one["expression"]]
        if name != "publication":  # tools/publish.py writes it; test_superset.py sees it there
            assert columns == model_columns[name], name
        assert content["schema"] == "marts" and content["sql"] is None


def test_every_metric_and_calculated_column_is_sql_that_its_mart_understands(datasets, empty_marts):
    for content in datasets.values():
        table = f"marts.{content['table_name']}"
        for metric in content["metrics"]:
            empty_marts.execute(f"select {metric['expression']} from {table}")
        for column in content["columns"]:
            empty_marts.execute(
                f"select {column['expression'] or column['column_name']} from {table}"
            )


def test_a_rate_is_a_sum_over_a_sum_and_never_a_mean_of_rates(datasets):
    rates = 0
    for content in datasets.values():
        for metric in content["metrics"]:
            sql = metric["expression"]
            assert not re.search(r"\b(avg|mean)\(", sql), sql
            assert not re.search(r"\bsum\([^)]*_(rate|ratio|share)\b", sql), sql
            if metric["metric_name"].endswith("_rate"):
                stem = metric["metric_name"].removesuffix("_rate")
                over = rf"sum\([^)]*{stem}_numerator[^)]*\) / nullif\(sum\([^)]*{stem}_denominator"
                assert re.search(over, sql), sql
                rates += 1
    assert rates > 50


def test_everything_is_described(datasets, charts):
    for content in datasets.values():
        for part in (content, *content["columns"], *content["metrics"]):
            assert part["description"], (content["table_name"], part)
    assert all(chart["description"] for chart in charts)


def test_a_number_that_would_mix_segments_is_empty_instead_of_wrong(datasets, empty_marts):
    (content,) = (one for one in datasets.values() if one["table_name"] == "kpi_acquisition_daily")
    metric = {one["metric_name"]: one["expression"] for one in content["metrics"]}
    asked = f"""
        select {metric["new_visitor_count"]}, {metric["bounce_rate"]}, {metric["visitor_count"]}
        from marts.kpi_acquisition_daily
    """
    table = empty_marts.cursor()
    table.execute("begin")
    table.execute("""
        insert into marts.kpi_acquisition_daily by name
        select * from (values
            ('all', 'all', date '2025-01-01', 3, 1, 2, 5),
            ('all', 'all', date '2025-01-02', 4, 0, 8, 6),
            ('first_touch_channel_group', 'Email', date '2025-01-01', 2, 1, 1, 2)
        ) as t (
            segment_type, segment_value, date_day, new_visitor_count, bounce_numerator,
            bounce_denominator, visitor_count
        )
    """)
    assert table.execute(asked).fetchone() == (None, None, None)
    assert table.execute(f"{asked} where segment_type = 'all'").fetchone() == (7, 0.1, None)
    one_day = f"{asked} where segment_type = 'all' and date_day = date '2025-01-02'"
    assert table.execute(one_day).fetchone() == (4, 0.0, 6)
    table.execute("rollback")


def test_rows_that_can_still_grow_are_in_no_rate(datasets, empty_marts):
    (content,) = (one for one in datasets.values() if one["table_name"] == "kpi_time_to_convert")
    metric = {one["metric_name"]: one["expression"] for one in content["metrics"]}
    table = empty_marts.cursor()
    table.execute("begin")
    table.execute("""
        insert into marts.kpi_time_to_convert by name
        select 'signup' as goal, 'first_touch' as anchor, 'all' as segment_type,
            'all' as segment_value, * from (values
                (5, 10, true), (1, 30, true), (0, 60, false)
            ) as t (converted_30d_numerator, converted_30d_denominator, converted_30d_is_mature)
    """)
    asked = f"select {metric['converted_30d_rate']} from marts.kpi_time_to_convert"
    assert table.execute(asked).fetchone() == (0.15,)
    table.execute("rollback")


def test_each_chart_stands_once_on_the_dashboard_and_each_tab_has_some(charts, dashboard):
    position = dashboard["position"]
    places = [one for one in position.values() if isinstance(one, dict) and one["type"] == "CHART"]
    assert sorted(one["meta"]["uuid"] for one in places) == sorted(one["uuid"] for one in charts)
    tabs = [position[key] for key in position["TABS-journey"]["children"]]
    for tab in tabs:
        assert any(tab["id"] in one["parents"] for one in places), tab["meta"]["text"]
    assert [tab["meta"]["text"] for tab in tabs] == [
        "Overview", "Acquisition", "Activation", "Adoption", "Journeys", "Funnels", "Retention",
        "Attribution", "People and identity", "Data quality",
    ]  # fmt: skip
    for key, one in position.items():
        if isinstance(one, dict):
            for child in one.get("children", []):
                assert position[child]["parents"][-1] == key


def test_each_filter_asks_a_column_that_is_there_and_moves_a_chart(charts, dashboard, datasets):
    position = dashboard["position"]
    uuids = {
        one["meta"]["chartId"]: (one["meta"]["uuid"], one["parents"])
        for one in position.values()
        if isinstance(one, dict) and one["type"] == "CHART"
    }
    by_uuid = {chart["uuid"]: datasets[chart["dataset_uuid"]] for chart in charts}
    for one in dashboard["metadata"]["native_filter_configuration"]:
        if one["filterType"] == "filter_time":
            continue
        (target,) = one["targets"]
        column = target["column"]["name"]
        assert column in {c["column_name"] for c in datasets[target["datasetUuid"]]["columns"]}
        for place in one["scope"]["rootPath"]:
            moved = [
                uuid
                for number, (uuid, parents) in uuids.items()
                if place in parents
                and number not in one["scope"]["excluded"]
                and column in {c["column_name"] for c in by_uuid[uuid]["columns"]}
            ]
            assert moved, (one["name"], place)


@pytest.mark.parametrize(
    "change, words",
    [
        (("datasets", "kpi_nothing", {}), "no table kpi_nothing"),
        (("datasets", "kpi_funnels", {"sums": ["dropp_count"]}), "no column dropp_count"),
        (("datasets", "kpi_funnels", {"single": ["funel"]}), "no column funel"),
        (("chart", "metric", "new_visitors"), "no metric new_visitors"),
        (("chart", "kind", "pie"), "no kind pie"),
        (("chart", "data", "kpi_visits"), "datasets does not list kpi_visits"),
        (("chart", "where", {"segmnt": "all"}), "no column segmnt"),
        (("chart", "width", 11), "wider than 12 columns"),
        (("chart", "chart", "Net promoter score"), "two charts have one name: Net promoter score"),
    ],
)
def test_a_wrong_specification_says_what_is_wrong(change, words):
    specification = yaml.safe_load(superset_bundle.SPECIFICATION.read_text())
    part, name, value = change
    if part == "datasets":
        specification["datasets"][name] = value
    else:
        specification["tabs"][0]["rows"][1][0][name] = value
    with pytest.raises(superset_bundle.SpecificationError, match=words):
        superset_bundle.Bundle(copy.deepcopy(specification), superset_bundle.marts())


def test_a_filter_begins_with_what_the_taxonomy_names_first(dashboard):
    begins = {
        one["name"]: one["defaultDataMask"]["filterState"].get("value")
        for one in dashboard["metadata"]["native_filter_configuration"]
    }
    for name, seed in {"Journey": "journeys", "Funnel": "funnels", "Goal": "goals"}.items():
        first = (ROOT / "seeds" / "taxonomy" / f"{seed}.csv").read_text().splitlines()[1]
        assert begins[name] == [first.split(",")[0]]
    assert begins["Segment"] == ["everybody"] and begins["Definition"] == ["active_monthly"]


def test_the_archive_is_the_bundle_with_another_address_and_for_its_owner_alone(tmp_path):
    target, uri = tmp_path / "new" / "bundle.zip", "postgresql+psycopg2://reader:word@host/journeys"
    assert superset.write_zip(target, uri, refresh=False) == len(superset_bundle.texts())
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        texts = {name.split("/", 1)[1]: archive.read(name).decode() for name in names}
    assert {name.split("/")[0] for name in names} == {"customer_journey"}
    database = yaml.safe_load(texts.pop("databases/customer_journey.yaml"))
    assert database["sqlalchemy_uri"] == uri
    assert database["extra"]["engine_params"] == {}  # read_only is DuckDB's word
    assert texts == {path: (FOLDER / path).read_text() for path in texts}


def test_the_bundle_reads_the_published_file_and_may_not_write_it():
    (database,) = files("databases").values()
    assert database["sqlalchemy_uri"] == "duckdb:///warehouse/customer_journey.duckdb"
    assert database["extra"]["engine_params"]["connect_args"] == {"read_only": True}
    assert not any(database[key] for key in ("allow_dml", "allow_ctas", "allow_file_upload"))
