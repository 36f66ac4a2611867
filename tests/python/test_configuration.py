"""What a user writes wrongly stops the build before the first model, with a message to act on."""

import shutil

import pytest
from harness import ROOT, Bench


@pytest.fixture(scope="module")
def raw(sample_company):
    return sample_company.bench.raw


def stopped(bench: Bench, taxonomy=None, **variables) -> str:
    """The message of a build that must not start; asserts that no model ran."""
    if taxonomy is not None:
        bench.taxonomy = str(taxonomy)
    run = bench.dbt("build", check=False, **variables)
    assert not run.success
    assert not [name for name, status in run.nodes.items() if status in ("success", "pass")]
    return str(run)


@pytest.fixture
def taxonomy(tmp_path):
    """A copy of the taxonomy, and a way to write one of its rows anew."""
    folder = tmp_path / "taxonomy"
    shutil.copytree(ROOT / "seeds" / "taxonomy", folder)

    def change(seed: str, old: str, new: str):
        path = folder / f"{seed}.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return folder

    return change


def test_an_unknown_stage_is_told_with_file_row_and_nearest_match(raw, tmp_path, taxonomy):
    folder = taxonomy("stage_rules", "enter,adoption,habit", "enter,adoptoin,habit")
    message = stopped(Bench(tmp_path / "bench", raw), folder)
    assert "[T6]" in message
    assert "stage_rules.csv, row 4, column stage" in message
    assert "Did you mean `adoption`?" in message


@pytest.mark.parametrize(
    ("seed", "old", "new", "expected"),
    [
        ("goals", "goal,event_name", "gaol,event_name", "column `goal` is missing"),
        ("stages", "adoption,3", "adoption,4", "stands in an earlier row already"),
        ("stages", "acquisition,1,", "acquisition,one,", "is not a whole number"),
        ("channel_rules", "^audio$", "^(audio$", "is not a valid regular expression"),
        ("retention_definitions", "month,calendar", "quarter,calendar", "is not one of: day"),
        ("events", "page_viewed,50,true", "page_viewed,50,yes", "neither true nor false"),
        ("fx_rates", "EUR,1999-01-01,1", "EUR,1999-01-01,-1", "is smaller than 0"),
        ("goals", "lead,lead_submitted,Left", "purchase,order_placed,Left", "earlier row"),
    ],
)
def test_a_wrong_row_is_told(raw, tmp_path, taxonomy, seed, old, new, expected):
    message = stopped(Bench(tmp_path / "bench", raw), taxonomy(seed, old, new))
    assert f"{seed}.csv" in message
    assert expected in message


def test_a_misspelt_var_is_told_with_the_right_one(raw, tmp_path):
    message = stopped(Bench(tmp_path, raw), sesion_timeout_seconds=60)
    assert "[V1]" in message
    assert "Did you mean `session_timeout_seconds`?" in message


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"session_timeout_seconds": 0}, "at least 1"),
        ({"habit_days": "3"}, "whole number"),
        ({"reporting_timezone": "Europe/Kopenhagen"}, "Did you mean `Europe/Copenhagen`?"),
        ({"reporting_currency": "euro"}, "currency code like EUR"),
        ({"as_of": "yesterday"}, "date or time like"),
        ({"sources": {}}, "var `sources` is empty"),
        ({"sources": {"segment": ["event"]}}, "Did you mean `events`?"),
        ({"sources": {"ads": ["ad_spend"]}, "event_properties": "feature"}, "has to be a list"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_var_is_told(raw, tmp_path, variables, expected):
    assert expected in stopped(Bench(tmp_path, raw), **variables)


def test_a_registered_source_whose_table_is_missing_is_told(raw, tmp_path):
    bench = Bench(tmp_path / "bench", tmp_path / "raw")
    shutil.copytree(raw, bench.raw)
    shutil.rmtree(bench.raw / "commerce" / "orders")
    message = stopped(bench)
    assert "[R1] raw table commerce.orders is missing" in message
    assert "take `commerce` out of var `sources`" in message


def test_a_missing_optional_table_builds(raw, tmp_path):
    bench = Bench(tmp_path / "bench", tmp_path / "raw")
    shutil.copytree(raw, bench.raw)
    shutil.rmtree(bench.raw / "segment" / "aliases")
    bench.build(select=["+int_identity_links_unioned"])
    rows = bench.rows(
        "select count(*) as n from intermediate.int_identity_links_unioned where evidence = 'alias'"
    )
    assert rows == [{"n": 0}]


def test_a_missing_required_column_is_told_with_what_is_there(raw, tmp_path):
    import pyarrow.parquet as pq

    bench = Bench(tmp_path / "bench", tmp_path / "raw")
    shutil.copytree(raw, bench.raw)
    for path in (bench.raw / "commerce" / "orders").glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(
            table.rename_columns(
                ["placed" if name == "placed_at" else name for name in table.column_names]
            ),
            path,
        )
    message = stopped(bench)
    assert "[R2] raw table commerce.orders" in message
    assert "no column `placed_at`. Did you mean `placed`?" in message


def test_a_changed_setting_asks_for_a_full_refresh(sample_company, tmp_path):
    copy = sample_company.bench.copy_to(tmp_path)
    message = stopped(copy, session_timeout_seconds=3600)
    assert "[C1]" in message and "from 1800 to 3600" in message and "--full-refresh" in message


def test_a_quote_in_a_var_or_seed_stays_a_value(raw, tmp_path, taxonomy):
    hostile = "x'; drop table marts.fct_sessions; --"
    folder = taxonomy("channel_rules", "1,Direct,", f'1,"{hostile}",')
    bench = Bench(tmp_path / "bench", raw)
    bench.taxonomy = str(folder)
    bench.build(select=["+fct_sessions"])
    groups = bench.rows("select distinct channel_group from marts.fct_sessions")
    assert {"channel_group": hostile} in groups


def test_an_absolute_taxonomy_path_stops_before_dbt_writes_over_the_seeds(raw, tmp_path, taxonomy):
    folder = taxonomy("goals", "goal,event_name", "goal,event_name")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    bench = Bench(tmp_path / "bench", raw)
    bench.manifest()

    # the harness itself never gives an absolute path
    class Absolute(Bench):
        @property
        def environment(self):
            return {**super().environment, "JOURNEY_TAXONOMY": str(folder)}

    message = stopped(Absolute(tmp_path / "bench", raw), folder)
    assert "[T8]" in message
    assert f"{'../' * len(ROOT.parts[1:])}{str(folder)[1:]}" in message
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
