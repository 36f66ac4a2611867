"""What `make govern` and `make dbt-docs` say of the built sample company, and the two pages seen.

Each question of `make govern` is broken once in a copy of what dbt wrote, and has to say no.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import ROOT

from tools import dbt_docs, govern
from tools.dashboard.browser import browser

pytestmark = pytest.mark.show

KPI = "model.customer_journey.kpi_acquisition_daily"
FACTS = "model.customer_journey.fct_sessions"


@pytest.fixture(scope="module")
def target(sample_company, tmp_path_factory) -> Path:
    """What dbt writes of the sample company's warehouse, with both pages."""
    folder = tmp_path_factory.mktemp("documented")
    with sample_company.bench.at_work():
        dbt_docs.generate(folder)
    return folder


@pytest.fixture(scope="module")
def lineage(target) -> dbt_docs.Lineage:
    return dbt_docs.trace(target)


# ---------------------------------------------------------------- make govern


def test_all_four_questions_are_answered_with_yes(target, capsys):
    assert govern.ask(target), capsys.readouterr().out


def changed(target: Path, folder: Path, change: Callable[[dict], object]) -> Path:
    """A copy of the artifacts, with a fault planted in the manifest."""
    for name in ("manifest.json", "catalog.json"):
        shutil.copy(target / name, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def without_tests(manifest: dict) -> None:
    for key in [key for key, node in manifest["nodes"].items() if node["resource_type"] == "test"]:
        if manifest["nodes"][key].get("attached_node") == KPI:
            del manifest["nodes"][key]


def of_kpi(**values) -> Callable[[dict], object]:
    return lambda manifest: manifest["nodes"][KPI].update(values)


FAULTS = [
    (
        "described",
        lambda manifest: manifest["nodes"][KPI]["columns"]["visitor_count"].update(description=""),
        "marts.kpi_acquisition_daily.visitor_count",
    ),
    (
        "described",
        lambda manifest: manifest["sources"]["source.customer_journey.billing.invoices"].update(
            columns={}
        ),
        "raw_billing.invoices.amount",
    ),
    (
        "described",
        lambda manifest: manifest["sources"]["source.customer_journey.snowplow.events"].update(
            columns={}
        ),
        "snowplow.events",
    ),
    ("tested", without_tests, "kpi_acquisition_daily"),
    ("scored", of_kpi(description="The numbers."), "description_says_what_a_row_is"),
    ("scored", of_kpi(group=None), "belongs_to_a_group"),
    ("scored", of_kpi(raw_code="select median(x) from y"), "no_dialect_in_a_model"),
    ("scored", without_tests, "mart_states_and_tests_its_key"),
    (
        "scored",
        lambda manifest: manifest["nodes"][KPI]["columns"].pop("bounce_numerator"),
        "rate_stands_beside_what_it_divides",
    ),
    ("in place", of_kpi(name="daily_acquisition"), "check_model_names"),
    ("in place", of_kpi(access="protected"), "check_model_access"),
    (
        "in place",
        lambda manifest: manifest["nodes"][KPI]["depends_on"]["nodes"].append(
            "model.customer_journey.stg_ads__spend"
        ),
        "check_lineage_permitted_upstream_models",
    ),
    (
        "in place",
        lambda manifest: manifest["exposures"].clear(),
        "check_model_has_exposure",
    ),
]


@pytest.mark.parametrize(
    ("question", "change", "trace"),
    FAULTS,
    ids=[f"{question}-{number}" for number, (question, _, _) in enumerate(FAULTS, 1)],
)
def test_a_planted_fault_is_answered_with_no_by(target, tmp_path, question, change, trace):
    with pytest.raises(dbt_docs.Stopped, match=trace):
        govern.QUESTIONS[question](changed(target, tmp_path, change), ROOT)


def test_one_no_makes_the_whole_answer_no_and_the_others_are_asked_all_the_same(
    target, tmp_path, capsys
):
    faulty = changed(target, tmp_path, of_kpi(description="The numbers."))
    assert not govern.ask(faulty)
    said = capsys.readouterr().out
    assert "scored     NO: 1 rules of dbt-score are broken" in said
    assert "in place   NO:" in said and "tested     102 of 102" in said


def project_with(folder: Path, name: str, old: str, new: str) -> Path:
    """The files that the questions read of the project, one of them changed."""
    shutil.copy(ROOT / "dbt-bouncer.yml", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    return folder


def test_rules_of_our_own_that_dbt_score_cannot_load_are_a_no(target, tmp_path):
    """dbt-score itself warns, judges by the rest, and gives 10 of 10."""
    faulty = project_with(tmp_path, "tools/style_rules.py", "import re\n", "import nothing_such\n")
    with pytest.raises(dbt_docs.Stopped, match="did not run: .*belongs_to_a_group"):
        govern.is_scored(target, faulty)


def test_a_rule_of_dbt_bouncer_that_looks_at_nothing_is_a_no(target, tmp_path):
    faulty = project_with(
        tmp_path,
        "dbt-bouncer.yml",
        "check_model_has_exposure\n  include: ^models/marts",
        "check_model_has_exposure\n  include: ^models/mart/",
    )
    with pytest.raises(dbt_docs.Stopped, match="nothing to look at .*check_model_has_exposure"):
        govern.is_in_place(target, faulty)


def test_a_dbt_bouncer_that_is_not_installed_is_a_no(target, monkeypatch, tmp_path):
    monkeypatch.setattr(govern, "BOUNCER", tmp_path / "dbt-bouncer")
    with pytest.raises(dbt_docs.Stopped, match="make install-bouncer"):
        govern.is_in_place(target, ROOT)


def test_a_warehouse_that_is_not_there_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setenv("JOURNEY_DATABASE", str(tmp_path / "none.duckdb"))
    with pytest.raises(dbt_docs.Stopped, match="none.duckdb is not there. `make demo` builds"):
        dbt_docs.generate(tmp_path)


# ---------------------------------------------------------------- column lineage


def test_the_sql_of_every_model_is_read_by_the_column_lineage(lineage):
    assert lineage.unread == []


def test_nearly_every_column_leads_back_to_another_one(lineage, target):
    """The rest are constants and counts of rows, which come from no column."""
    traced, count = dbt_docs.traced(lineage, target)
    assert traced["marts"] / count["marts"] > 0.85
    assert traced["intermediate"] / count["intermediate"] > 0.95


def test_a_rate_of_sign_ups_leads_back_through_its_facts_to_the_raw_tables(lineage):
    near = lineage.parents[KPI, "visitor_signup_7d_numerator"]
    assert {(FACTS, "started_at"), ("model.customer_journey.dim_persons", "signed_up_at")} <= near
    far = lineage.sources_of(KPI, "visitor_signup_7d_rate")
    assert (KPI, "visitor_signup_7d_numerator") in far or near <= far
    assert ("source.customer_journey.segment.tracks", "timestamp") in far
    assert not any(column == "spend_amount" for _, column in far)


# ---------------------------------------------------------------- the pages, in a browser


@contextmanager
def browser_page(noticed: list[str]) -> Iterator:
    """A page that notes what it asks of the outside and what its console complains of."""

    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            noticed.append(f"request: {request.url}")

    def said(message):
        if message.type in ("error", "warning"):
            noticed.append(f"{message.type}: {message.text}")

    with browser() as opened:
        page = opened.new_page(viewport={"width": 1400, "height": 900})
        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: noticed.append(f"error: {error}"))
        yield page


def picture(page, name: str) -> None:
    """Kept where JOURNEY_PICTURES names a folder, for who wants to look."""
    if folder := os.environ.get("JOURNEY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


COLOURS_OF_A_CANVAS = """
() => Math.max(...[...document.querySelectorAll('canvas')].map(canvas => {
    const {width, height} = canvas
    if (!width || !height) return 0
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data
    const seen = new Set()
    for (let i = 0; i < data.length; i += 4)
        seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
    return seen.size
}))
"""


def test_the_documentation_opens_without_network_or_errors_and_shows_models_graph_and_readers(
    target,
):
    address = (target / "static_index.html").as_uri()
    noticed: list[str] = []
    with browser_page(noticed) as page:
        page.goto(f"{address}#!/overview")
        page.get_by_role("heading", name="customer_journey", exact=True).wait_for()
        assert page.get_by_text("the contract out").is_visible()
        picture(page, "docs_overview")
    with browser_page(noticed) as page:
        page.goto(f"{address}#!/model/{KPI}")
        page.get_by_text("One row per local date and segment, without gaps").first.wait_for()
        assert page.get_by_text("growth@example.org").first.is_visible()
        assert page.get_by_text("visitor_signup_7d_numerator").count()
        picture(page, "docs_model")
    with browser_page(noticed) as page:
        page.goto(f"{address}#!/overview?g_v=1&g_i=%2Bkpi_funnels")
        page.locator("canvas").first.wait_for()
        # white of the names, colours of the layers
        page.wait_for_function(f"({COLOURS_OF_A_CANVAS})() > 20")
        picture(page, "docs_graph")
    with browser_page(noticed) as page:
        page.goto(f"{address}#!/exposure/exposure.customer_journey.board_retention")
        page.get_by_text("kpi_retention_cohorts").first.wait_for()
        picture(page, "docs_exposure")
    assert noticed == []


def test_the_column_lineage_opens_without_network_or_errors_and_draws_where_a_column_comes_from(
    target, lineage
):
    address = (target / "lineage" / "index.html").as_uri()
    noticed: list[str] = []
    with browser_page(noticed) as page:
        page.goto(f"{address}?model={KPI}&column=visitor_signup_7d_numerator&parents=1&children=0")
        page.locator(f'.react-flow__node[data-id="{FACTS}"]').wait_for()
        page.locator(".react-flow__edge").first.wait_for(state="attached")
        page.wait_for_timeout(1500)  # it moves into its place
        picture(page, "column_lineage")
        drawn = page.locator(".react-flow__node")
        names = {drawn.nth(number).get_attribute("data-id") for number in range(drawn.count())}
    assert {KPI, FACTS, "model.customer_journey.dim_persons"} <= names
    assert noticed == []
