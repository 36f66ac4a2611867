"""Every published KPI table against the oracle, which computes it in pandas from the facts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from harness import ROOT, Bench
from kpi_oracle import TABLES, Facts, Warehouse, compared

# ---------------------------------------------------------------- the sample company


@pytest.fixture(scope="module")
def warehouse(sample_company) -> Warehouse:
    return Warehouse(sample_company.bench)


@pytest.fixture(scope="module")
def facts(warehouse) -> Facts:
    return Facts(warehouse.frame, zone())


def zone() -> str:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    return project["vars"]["reporting_timezone"]


def both(facts: Facts, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The oracle's table and the built one."""
    return facts.once(f"made {name}", lambda: TABLES[name].make(facts)), facts[name]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_number_of_a_table_is_the_oracles(facts, warehouse, name):
    ours, theirs = both(facts, name)
    found = compared(TABLES[name], ours, theirs, warehouse.kinds(name))
    assert found.is_equal, str(found)
    assert found.rows >= 20


# The first hour after a night of 23 or 25 hours, Copenhagen: a window of times of 24 hours that
# began before it ends at another hour than that of midnight.
NIGHTS = {
    "spring": ("2024-12-01", "2025-03-30 22:10:00"),
    "autumn": ("2025-06-29", "2025-10-26 23:10:00"),
}


@pytest.mark.parametrize("night", ["spring", pytest.param("autumn", marks=pytest.mark.long)])
def test_maturity_is_the_oracles_where_a_day_has_no_24_hours(night, tmp_path):
    assert not differences(*NIGHTS[night], tmp_path)


@pytest.mark.slow
def test_what_lies_after_as_of_counts_as_the_oracle_counts_it(tmp_path):
    """A clock that is set back by a month, into the middle of sessions, stages and windows."""
    assert not differences("2025-01-01", "2025-03-31 09:30:00", tmp_path)


def differences(start: str, as_of: str, folder: Path) -> str:
    """In which KPI tables of 120 days from `start` the oracle has other rows, and which."""
    bench = Bench(folder / "bench", variables={"as_of": as_of})
    sample = ["--out", str(bench.raw), "--start", start, "--days", "120", "--quiet", "--no-truth"]
    subprocess.run([sys.executable, "-m", "tools.sample", *sample], cwd=ROOT, check=True)
    bench.complete()
    bench.build()
    warehouse = Warehouse(bench)
    facts = Facts(warehouse.frame, zone())
    found = [
        compared(TABLES[name], *both(facts, name), warehouse.kinds(name)) for name in sorted(TABLES)
    ]
    return "\n".join(str(one) for one in found if not one.is_equal)


def test_the_oracle_has_every_kpi_table(sample_company):
    tables = sample_company.bench.rows(
        "select table_name from duckdb_tables() where table_name like 'kpi~_%' escape '~'"
    )
    assert {row["table_name"] for row in tables} == set(TABLES)
    assert len(TABLES) == 41


# ---------------------------------------------------------------- definitions


def descriptions() -> dict[str, str]:
    """`table.column` -> its description in the yml, with the blocks of the glossary in place."""
    glossary = (ROOT / "models" / "_glossary.md").read_text()
    blocks = dict(re.findall(r"{%\s*docs (\w+)\s*%}(.*?){%\s*enddocs\s*%}", glossary, re.S))
    found = {}
    for path in ROOT.glob("models/marts/*/kpi_*.yml"):
        for model in yaml.safe_load(path.read_text())["models"]:
            for column in model["columns"]:
                text = re.sub(
                    r"{{\s*doc\('(\w+)'\)\s*}}", lambda m: blocks[m[1]], column["description"]
                )
                found[f"{model['name']}.{column['name']}"] = " ".join(text.split())
    return found


def test_every_column_of_every_table_has_its_one_definition_in_the_words_of_the_yml(warehouse):
    rows = warehouse.frame("metric_definitions")
    columns = {f"{name}.{column}" for name in TABLES for column in warehouse.kinds(name)}
    assert sorted(rows["metric"]) == sorted(columns)
    text = rows["description"].str.split().str.join(" ")
    wanted = descriptions()
    assert dict(zip(rows["metric"], text, strict=True)) == {key: wanted[key] for key in columns}


def test_a_definition_has_the_role_that_its_column_plays(warehouse):
    rows = warehouse.frame("metric_definitions")
    for name, table in TABLES.items():
        of_table = rows[rows["table_name"] == name].set_index("column_name")["role"]
        assert (of_table == "key").sum() == 1
        grain = set(of_table.index[of_table.isin(["period", "dimension"])])
        assert set(table.keys) <= grain, name
        for column, role in of_table.items():
            for ending in ("numerator", "denominator"):
                assert column.endswith(f"_{ending}") == (role == ending), (name, column)
            assert column.endswith("is_mature") == (role == "maturity"), (name, column)


def test_what_a_definition_says_is_never_null_is_never_null(facts, warehouse):
    rows = warehouse.frame("metric_definitions")
    rows = rows[rows["null_rule"].str.startswith("never", na=False)]
    assert len(rows) > 40
    columns = {row.metric: facts[row.table_name][row.column_name] for row in rows.itertuples()}
    assert [metric for metric, column in columns.items() if column.hasnans] == []


# ---------------------------------------------------------------- the long form


def sources_of(measure, columns: dict[str, str]) -> dict[str, str]:
    """Column of the long form -> the expression over the table's row that it has to be."""
    name = measure.column_name
    rate = name.removesuffix("_rate") if measure.kind == "rate" else "no rate"
    wanted = {
        "value": [name],
        "numerator": [f"{rate}_numerator"],
        "denominator": [f"{rate}_denominator"],
        "value_lower": [f"{name}_lower", f"{name}_low"],
        "value_upper": [f"{name}_upper", f"{name}_high"],
        "is_mature": [measure.maturity_column],
        "segment_type": ["segment_type"],
        "segment_value": ["segment_value"],
    }
    nothing = {"segment_type": "'all'", "segment_value": "'all'"}
    found = {}
    for column, sources in wanted.items():
        there = [f"whole.{source}" for source in sources if source in columns]
        found[column] = there[0] if there else nothing.get(column, "null")
    for column in ("value", "numerator", "denominator", "value_lower", "value_upper"):
        found[column] = f"cast({found[column]} as double)"
    return found


def test_the_long_form_holds_every_measure_of_every_row_and_nothing_else(sample_company, warehouse):
    definitions = warehouse.frame("metric_definitions")
    own_key, period = (
        definitions[definitions["role"] == role].set_index("table_name")["column_name"]
        for role in ("key", "period")
    )
    wrong, count = {}, 0
    with duckdb.connect() as memory:
        memory.execute(f"attach '{sample_company.bench.database}' as build (read_only)")
        memory.execute("create table long_form as from build.marts.kpi_long")
        for measure in definitions.query("role == 'measure'").itertuples():
            table, key = measure.table_name, own_key[measure.table_name]
            sources = sources_of(measure, warehouse.kinds(table))
            sources["period_start_date"] = f"whole.{period[table]}" if table in period else "null"
            differs = " or ".join(
                f"long_form.{column} is distinct from {source}"
                for column, source in sources.items()
            )
            rows, different = memory.execute(
                f"""select count(*), count_if(whole.{key} is null or row_id is null or {differs})
                from build.marts.{table} as whole
                full join (from long_form where metric = '{measure.metric}') as long_form
                on row_id = whole.{key}"""
            ).fetchone()
            count += rows
            if different:
                wrong[measure.metric] = f"{different} of {rows} rows"
        [(whole,)] = memory.execute("select count(*) from long_form").fetchall()
    assert wrong == {}
    assert count == whole > 1_000_000


def test_a_row_of_the_long_form_can_be_told_from_all_others_without_its_key(sample_company):
    grain = "metric, period_type, period_start_date, segment_type, segment_value, dimensions"
    twice = f"select {grain} from marts.kpi_long group by all having count(*) > 1"
    assert sample_company.bench.rows(f"{twice} limit 3") == []
