"""The dashboard: boards are data, pages need nothing else, and their numbers are the marts'."""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import ROOT

from tools.dashboard.boards import BoardError, fill, read_boards
from tools.dashboard.browser import browser
from tools.dashboard.pages import described, write_pages
from tools.expectations import results

DASHBOARD = ROOT / "dashboard"
MARTS = ROOT / "models/marts"
PUBLISHED = ROOT / "warehouse/customer_journey.duckdb"
SCREENSHOTS = ROOT / "target/screenshots"
# what tools/publish.py adds to the marts
EXTRA = {
    "publication": "generation bigint, published_at timestamp, table_name varchar, row_count bigint"
}


def make_empty(file: Path, checks: bool = False) -> Path:
    """A publication with all the columns that the contracts promise, and no row."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts")
        for path in MARTS.rglob("*.yml"):
            for model in yaml.safe_load(path.read_text()).get("models", []):
                columns = ", ".join(
                    f'"{column["name"]}" {column["data_type"]}' for column in model["columns"]
                )
                connection.execute(f"create table marts.{model['name']} ({columns})")
        for table, columns in EXTRA.items():
            connection.execute(f"create table marts.{table} ({columns})")
        if checks:
            results.create(connection)
    return file


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    return make_empty(tmp_path_factory.mktemp("empty") / "published.duckdb", checks=True)


def problems_of(folder: Path, published: Path) -> list[str]:
    with duckdb.connect(str(published), read_only=True) as connection:
        try:
            fill(read_boards(folder), connection, described(connection))
        except BoardError as error:
            return error.problems
    return []


def boards_with(tmp_path: Path, board: str, change) -> Path:
    """A copy of the dashboard in which one board's text is changed."""
    folder = tmp_path / "dashboard"
    shutil.copytree(DASHBOARD, folder)
    path = next((folder / "boards").glob(f"*{board}.yml"))
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    return folder


def test_every_query_of_every_board_reads_what_the_contracts_promise(empty):
    assert problems_of(DASHBOARD, empty) == []


def test_every_definition_of_a_metric_stands_in_the_metric_reference():
    anchors = set(re.findall(r"^### (\w+)$", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    for board in read_boards(DASHBOARD):
        for _, part in board.parts():
            table = part["definition"].split(".")[0]
            if table.startswith("kpi_"):
                assert table in anchors, f"{board.path}: {part['id']}: {table}"


@pytest.mark.parametrize(
    ("board", "old", "new", "words"),
    [
        (
            "acquisition",
            "sum: session_count, bar",
            "sum: sesion_count, bar",
            ["02_acquisition.yml", "`visits_by_channel`", "`sesion_count`", "`session_count`?"],
        ),
        (
            "retention",
            "kpi_lifetime_value\n",
            "kpi_lifetime_values\n",
            ["07_retention.yml", "`value`", "`kpi_lifetime_values`", "`kpi_lifetime_value`?"],
        ),
        (
            "funnels",
            "drop_count, open_count",
            "drops_count, open_count",
            ["06_funnels.yml", "query `steps`", "chart `funnel`", "`drops_count`", "`drop_count`?"],
        ),
        (
            "attribution",
            "type: heatmap",
            "type: heatmaps",
            ["08_attribution.yml", "`rules`", "`heatmaps`", "`heatmap`?"],
        ),
        ("people", "    fixed: true", "    fixd: true", ["09_people.yml", "`fixd`", "`fixed`?"]),
        ("overview", "query: money", "query: mony", ["01_overview.yml", "`mony`", "`money`?"]),
        (
            "journeys",
            "definition: kpi_friction.friction_rate",
            "definition: kpi_friction.friction_rat",
            ["05_journeys.yml", "`pain`", "kpi_friction.friction_rat", "friction_rate`?"],
        ),
    ],
)
def test_a_broken_board_is_told_by_board_chart_column_and_nearest(
    tmp_path, empty, board, old, new, words
):
    folder = boards_with(tmp_path, board, lambda text: text.replace(old, new, 1))
    try:
        problems = problems_of(folder, empty)
    except BoardError as error:
        problems = error.problems
    assert problems
    for word in words:
        assert word in " ".join(problems), problems


def test_the_worked_example_of_the_document_is_a_chart(tmp_path, empty):
    document = (ROOT / "docs/dashboard.md").read_text()
    query, chart = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    folder = boards_with(
        tmp_path,
        "activation",
        lambda text: text.replace("queries:\n", f"queries:\n{query}", 1).replace(
            "\ncharts:\n", f"\ncharts:\n{chart}", 1
        ),
    )
    assert problems_of(folder, empty) == []
    board = next(board for board in read_boards(folder) if board.slug == "activation")
    assert any(part["id"] == "support_reasons" for _, part in board.parts())


def test_a_broken_board_ends_the_command_with_1_and_no_traceback(tmp_path, empty):
    folder = boards_with(tmp_path, "people", lambda text: text.replace("person_count", "persons"))
    done = subprocess.run(
        [sys.executable, "-m", "tools.dashboard", "--published", str(empty)]
        + ["--boards", str(folder), "--output", str(tmp_path / "pages")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "the dashboard was not made" in done.stderr and "person_count" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "pages").exists()


def test_the_missing_table_of_results_is_an_empty_state_and_no_error(tmp_path):
    file = make_empty(tmp_path / "published.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table if exists marts.data_quality_results")
    assert [
        line for line in problems_of(DASHBOARD, file) if "no published metric" not in line
    ] == []


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def published(request) -> Path:
    """What `make demo` published, or else the sample company's publication made for the tests."""
    return PUBLISHED if PUBLISHED.exists() else request.getfixturevalue("published_company")


@pytest.fixture(scope="module")
def pages(published, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("pages")
    with contextlib.chdir(ROOT):
        write_pages(published, DASHBOARD, output)
    return output


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


class Opened:
    """A page of the dashboard in the browser; what it says wrong or asks for is kept."""

    def __init__(self, chromium, path: Path, width=1440, height=900, scheme="light", hash=""):
        self.page = chromium.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.wrong, self.asked = [], []
        self.page.on(
            "console",
            lambda message: (
                self.wrong.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.route(re.compile("^https?:"), lambda route: route.abort())
        self.page.goto(path.resolve().as_uri() + hash)
        self.page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)

    def choose(self, **values: str) -> None:
        for name, value in values.items():
            before = self.page.evaluate("document.documentElement.dataset.drawn")
            self.page.select_option(f"#filter-{name}", value)
            self.page.wait_for_function(
                "before => document.documentElement.dataset.drawn !== before", arg=before
            )

    def value(self, tile: str) -> float | None:
        text = self.page.get_attribute(f"#{tile}", "data-value")
        return float(text) if text else None

    def before(self, tile: str) -> float | None:
        text = self.page.get_attribute(f"#{tile}", "data-before")
        return float(text) if text else None


@pytest.fixture
def open_page(chromium, pages):
    opened = []

    def go(slug: str, folder: Path = pages, **more) -> Opened:
        opened.append(Opened(chromium, folder / f"{slug}.html", **more))
        return opened[-1]

    yield go
    for each in opened:
        each.page.close()


SLUGS = [board.slug for board in read_boards(DASHBOARD)]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# WCAG contrast of each visible text against the first ground under it that is not see-through
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((c) => linear(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    if (element.closest('script, style, option, noscript, title, .skip')) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element.closest('svg') ? style.fill : style.color);
    let ground = null;
    for (let each = element; each && !ground; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) ground = colour;
    }
    const [a, b] = [light(ink), light(ground || rgb('Canvas'))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
# a chart has drawn if its box holds marks of its kind
MARKS = {
    "trend": ".plot svg path[d]:not([d=''])",
    "curve": ".plot svg path[d]:not([d=''])",
    "vega": ".plot svg path[d]:not([d=''])",
    "bars": ".bars .fill",
    "table": ".numbers tbody tr",
    "funnel": ".funnel .fill",
    "heatmap": ".heat tbody td[style]",
    "sankey": ".sankey .ribbon",
}


@pytest.mark.show
@pytest.mark.parametrize("slug", SLUGS)
def test_every_board_draws_all_its_charts_and_loads_nothing(slug, open_page, published):
    opened = open_page(slug)
    assert opened.wrong == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:"))] == []
    content = json.loads(opened.page.inner_text("#content"))
    for chart in content["board"].get("charts", []):
        state = opened.page.get_attribute(f"#{chart['id']}", "data-state")
        if state == "drawn":
            marks = opened.page.locator(f"#{chart['id']} {MARKS[chart['type']]}").count()
            assert marks > 0, chart["id"]
        else:
            words = opened.page.inner_text(f"#{chart['id']} .empty")
            rows = content["data"][chart["query"]]["rows"]
            assert len(words) > 20 and (rows == 0 or "none" in chart or "empty" in chart), chart
    # bars can be compared only where their tracks are equally long
    for card in opened.page.locator(".bars, .funnel").all():
        tracks = card.evaluate("e => [...e.querySelectorAll('.track')].map(t => t.offsetWidth)")
        assert len(set(tracks)) == 1, tracks
    page_size = len((Path(opened.page.url.split("file://")[1].split("#")[0])).read_bytes())
    assert page_size < 3_000_000


@pytest.mark.show
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width"), [("desktop", 1440), ("phone", 390)])
def test_every_board_fits_and_reads(device, width, scheme, open_page):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for slug in [*SLUGS, "definitions"]:
        opened = open_page(slug, width=width, scheme=scheme)
        assert opened.page.evaluate(OVERFLOW) == 0, slug
        assert opened.page.evaluate(CONTRAST) == [], slug
        if slug != "definitions":
            opened.page.screenshot(
                path=str(SCREENSHOTS / f"{slug}_{device}_{scheme}.png"), full_page=True
            )


@pytest.mark.show
def test_the_switch_wins_over_the_system(open_page):
    page = open_page("index", scheme="light").page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.select_option("#theme", "dark")
    assert page.evaluate(ground) != light
    page.select_option("#theme", "light")
    assert page.evaluate(ground) == light


AS_OF = "(select as_of_date from marts.dim_as_of)"


def asked(published: Path, sql: str) -> list[float | None]:
    with duckdb.connect(str(published), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    return [None if value is None else float(value) for value in row]


def whole_days(days: int, segment: str = "segment_type = 'all'") -> str:
    """New visitors of the last full days, and of as many before."""
    return f"""
        select
            sum(new_visitor_count) filter (where date_day >= {AS_OF} - {days}),
            sum(new_visitor_count) filter (where date_day < {AS_OF} - {days})
        from marts.kpi_acquisition_daily
        where {segment} and date_day < {AS_OF} and date_day >= {AS_OF} - {2 * days}
    """


def signup_rate(days: int) -> str:
    """Of the days that lie before the first one that is not mature: sums over sums."""
    return f"""
        with mature as (
            select min(date_day) as end_date
            from marts.kpi_acquisition_daily
            where segment_type = 'all' and not visitor_signup_7d_is_mature
        )
        select
            sum(visitor_signup_7d_numerator) filter (where date_day >= end_date - {days})
            / sum(visitor_signup_7d_denominator) filter (where date_day >= end_date - {days}),
            sum(visitor_signup_7d_numerator) filter (where date_day < end_date - {days})
            / sum(visitor_signup_7d_denominator) filter (where date_day < end_date - {days})
        from marts.kpi_acquisition_daily, mature
        where segment_type = 'all' and date_day < end_date and date_day >= end_date - {2 * days}
    """


@pytest.mark.show
def test_headline_numbers_are_those_of_the_marts_and_follow_the_filters(open_page, published):
    opened = open_page("index")
    for days in (90, 28):
        opened.choose(period=str(days))
        for tile, sql in (("new_visitors", whole_days(days)), ("signup_rate", signup_rate(days))):
            now, before = asked(published, sql)
            assert opened.value(tile) == pytest.approx(now), (tile, days)
            assert opened.before(tile) == pytest.approx(before), (tile, days)
    mrr = """
        select max_by(mrr_end_amount, month_start_date)
        from marts.kpi_trial_subscription where segment_type = 'all' and is_mature
    """
    assert opened.value("mrr") == pytest.approx(asked(published, mrr)[0])
    paid_search = "segment_type = 'first_touch_channel_group' and segment_value = 'Paid Search'"
    everybody = opened.value("new_visitors")
    opened.choose(segment="first_touch_channel_group|Paid Search")
    now, before = asked(published, whole_days(28, paid_search))
    assert opened.value("new_visitors") == now and opened.before("new_visitors") == before
    assert now < everybody
    opened.choose(period="all", segment="all|all")
    sql = f"""
        select sum(new_visitor_count) from marts.kpi_acquisition_daily
        where segment_type = 'all' and date_day < {AS_OF}
    """
    assert opened.value("new_visitors") == asked(published, sql)[0]
    assert opened.before("new_visitors") is None


@pytest.mark.show
def test_funnel_journey_rule_and_definition_change_what_is_shown(open_page, published):
    funnels = open_page("funnels")
    funnels.choose(funnel="first_results", counting="totals", period="all")
    sql = """
        with weeks as (
            select * from marts.kpi_funnels
            where funnel = 'first_results' and counting = 'totals' and segment_type = 'all'
        )
        select sum(conversion_numerator) / sum(conversion_denominator)
        from weeks
        where step_number = (select max(step_number) from weeks)
            and cohort_week_date < (select min(cohort_week_date) from weeks where not is_mature)
    """
    assert funnels.value("conversion") == pytest.approx(asked(published, sql)[0])
    steps = funnels.page.locator("#funnel .funnel li").count()
    assert (
        steps
        == asked(
            published,
            "select count(distinct step_number) from marts.kpi_funnels"
            " where funnel = 'first_results'",
        )[0]
    )

    journeys = open_page("journeys")
    seen = {}
    for journey in ("onboarding", "trial"):
        journeys.choose(journey=journey, period="all")
        sql = f"""
            select sum(entry_count) from marts.kpi_journeys_daily
            where journey = '{journey}' and date_day < {AS_OF}
        """
        assert journeys.value("entries") == asked(published, sql)[0]
        seen[journey] = journeys.page.inner_text("#steps")
    assert seen["onboarding"] != seen["trial"]

    attribution = open_page("attribution")
    shown = set()
    for rule in ("first", "last"):
        attribution.choose(rule=rule, goal="signup", period="all")
        sql = f"""
            select sum(credited_conversion_sum) from marts.kpi_attribution_daily
            where rule = '{rule}' and goal = 'signup' and date_day < {AS_OF}
        """
        assert attribution.value("conversions") == pytest.approx(asked(published, sql)[0])
        shown.add(attribution.page.inner_text("#channels"))
    assert len(shown) == 2

    retention = open_page("retention")
    monthly = retention.page.inner_text("#heat")
    retention.choose(definition="signup_core_weekly")
    assert retention.page.inner_text("#heat") != monthly


@pytest.mark.show
def test_retention_cells_are_hatched_exactly_where_the_marts_say_not_mature(open_page, published):
    page = open_page("retention").page
    sql = """
        select count(*) filter (where not is_mature), count(*) filter (where is_mature)
        from marts.kpi_retention_cohorts
        where definition = 'active_monthly' and criterion = 'on' and row_type = 'cohort'
            and segment_type = 'all' and cohort_start_date in (
                select distinct cohort_start_date from marts.kpi_retention_cohorts
                where definition = 'active_monthly' and row_type = 'cohort'
                order by cohort_start_date desc limit 12
            )
    """
    immature, mature = asked(published, sql)
    rows = "#heat tbody tr:not(.overall)"
    assert page.locator(f"{rows} td.immature").count() == immature
    assert page.locator(f"{rows} td[style]").count() == mature


@pytest.mark.show
def test_a_chart_explains_itself_and_leads_to_its_definition(open_page, pages):
    page = open_page("index").page
    page.click("#signup_rate .why")
    assert "first session" in page.inner_text("#info")
    page.click("#info .more a")
    page.wait_for_url(
        re.compile(r"definitions\.html#kpi_acquisition_daily\.visitor_signup_7d_rate")
    )
    assert page.locator("[id='kpi_acquisition_daily.visitor_signup_7d_rate']").count() == 1


@pytest.mark.show
def test_filters_go_along_to_the_next_board(open_page):
    opened = open_page("index")
    opened.choose(period="28")
    opened.page.click("nav a[data-board=acquisition]")
    opened.page.wait_for_selector("#filter-period")
    assert opened.page.input_value("#filter-period") == "28"


@pytest.mark.show
def test_empty_marts_give_pages_that_say_so_in_words(tmp_path, empty, open_page):
    with contextlib.chdir(ROOT):
        write_pages(empty, DASHBOARD, tmp_path)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for slug in SLUGS:
        opened = open_page(slug, folder=tmp_path)
        assert opened.wrong == [], slug
        text = opened.page.inner_text("#page")
        assert not re.search(r"NaN|undefined|Infinity|\bnull\b|Invalid", text), slug
        assert opened.page.evaluate(OVERFLOW) == 0
        cards = opened.page.locator(".card")
        for number in range(cards.count()):
            assert len(cards.nth(number).locator(".empty").inner_text()) > 20
        opened.page.screenshot(path=str(SCREENSHOTS / f"{slug}_empty.png"), full_page=True)


@pytest.mark.show
def test_results_of_checks_are_shown_where_they_are_published(tmp_path, published, open_page):
    file = tmp_path / "published.duckdb"
    shutil.copy(published, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table if exists marts.data_quality_results")
        results.create(connection)
        connection.execute("""
            insert into marts.data_quality_results by name
            select 'marts' as suite, 1 as generation, timestamp '2026-01-06' as checked_at, * from (
                values
                ('dim_persons', 'has_one_row_per_person', 'critical', true, '0', '0'),
                ('fct_events', 'has_rows', 'warning', false, '3', '10 or more'),
                ('fct_events', 'does_not_shrink', 'warning', null, null, '0.5 to 3 times')
            ) as looked (table_name, expectation, severity, is_passed, observed, expected)
        """)
    with contextlib.chdir(ROOT):
        write_pages(file, DASHBOARD, tmp_path / "pages")
    opened = open_page("data_quality", folder=tmp_path / "pages")
    assert opened.wrong == [] and opened.value("checks_passed") == 0.5
    assert "10 or more" in opened.page.inner_text("#failures")
    assert opened.page.locator("#failures tbody tr").count() == 1


@pytest.mark.show
def test_serving_renews_pages_when_a_board_changes_and_says_what_is_wrong(tmp_path, empty):
    folder = tmp_path / "dashboard"
    shutil.copytree(DASHBOARD, folder)
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.dashboard", "--serve", "--port", "0"]
        + ["--published", str(empty), "--boards", str(folder), "--output", str(tmp_path / "out")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = next(line for line in server.stdout if "http://" in line)
        port = int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])

        def get(path: str) -> tuple[int, str]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        status, text = get("/people.html")
        assert status == 200 and "Who are the people" in text
        board = folder / "boards/09_people.yml"
        original = board.read_text()
        time.sleep(0.05)
        board.write_text(original.replace("Who are the people", "Who is here"))
        assert "Who is here" in get("/people.html")[1]
        board.write_text(original.replace("sum: person_count", "sum: persons_count", 1))
        status, text = get("/people.html")
        assert status == 500 and "persons_count" in text and "person_count`?" in text
    finally:
        server.terminate()
        server.wait(timeout=20)
