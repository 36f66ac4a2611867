"""The dashboard in a real Superset, looked at with a real browser: `make test-superset`.

Pictures of every tab lie in target/screenshots/superset afterwards. JOURNEY_SHOW_PUBLISHED names a
published file to look at; without it the sample company is built.
"""

import glob
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import ROOT

from tools import superset, superset_bundle
from tools.dashboard.browser import browser

pytestmark = pytest.mark.show

PICTURES = ROOT / "target" / "screenshots" / "superset"
PATIENCE = 120_000  # milliseconds
SPECIFICATION = yaml.safe_load(superset_bundle.SPECIFICATION.read_text())
TABS = {
    tab["tab"]: [chart for row in tab["rows"] for chart in row] for tab in SPECIFICATION["tabs"]
}


@dataclass
class Running:
    home: Path
    published: Path

    @property
    def address(self):
        return (self.home / "address").read_text()

    @property
    def password(self):
        return (self.home / "password").read_text()

    def command(self, *arguments):
        names = {
            "JOURNEY_SUPERSET_HOME": str(self.home),
            "JOURNEY_PUBLISHED": str(self.published),
        }
        return subprocess.run(
            [sys.executable, "-m", "tools.superset", *arguments],
            cwd=ROOT, env={**os.environ, **names}, capture_output=True, text=True, timeout=900,
        )  # fmt: skip

    def ask(self, query):
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(query).fetchone()[0]


@pytest.fixture(scope="module")
def running(request, tmp_path_factory):
    if not superset.PYTHON.is_file():
        pytest.skip("Superset is not installed here: make install-superset")
    folder = tmp_path_factory.mktemp("superset")
    named = os.environ.get("JOURNEY_SHOW_PUBLISHED")
    source = Path(named) if named else request.getfixturevalue("published_company")
    published = folder / "published.duckdb"
    shutil.copy(source, published)
    server = Running(folder / "home", published)
    done = server.command("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.address in done.stdout and server.password in done.stdout
    yield server
    done = server.command("down")
    assert done.returncode == 0 and "stopped" in done.stdout


class Visit:
    """A page of the dashboard, with what went over the line."""

    def __init__(self, page, server):
        self.page, self.server = page, server
        self.strangers = []  # what was asked elsewhere
        page.set_default_timeout(PATIENCE)
        page.on("response", lambda response: self.note(response.request, ""))
        page.on("requestfailed", lambda request: self.note(request, request.failure))
        page.goto(f"{server.address}/login/?next=/superset/dashboard/{superset.SLUG}/")
        page.fill("#username", superset.LOGIN)
        page.fill("#password", server.password)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-test-chart-name]")

    def note(self, request, failure):
        """`csp` is what the browser says when it did not even try, because the page forbids it."""
        at_home = request.url.startswith((self.server.address, "data:", "blob:"))
        if not at_home and failure != "csp":
            self.strangers.append(request.url)

    def chart(self, name):
        return self.page.locator(f'[data-test-chart-name="{name}"]')

    def open(self, tab):
        """Opens a tab; all its charts are drawn when this returns."""
        self.page.set_viewport_size({"width": 1500, "height": 2300})  # charts are drawn when seen
        self.page.locator("[role=tab]").filter(has_text=tab).first.click()
        for chart in TABS[tab]:
            self.chart(chart["chart"]).wait_for()
        self.settled()

    def settled(self):
        """Nothing is loading, and goes on not to load for a second."""
        quiet = 0
        until = time.monotonic() + PATIENCE / 1000
        while quiet < 4:
            assert time.monotonic() < until, "the charts go on loading"
            self.page.wait_for_timeout(250)
            loading = self.page.locator(".loading:visible, [data-test=loading-indicator]:visible")
            quiet = 0 if loading.count() else quiet + 1

    def choose(self, name, value):
        box = self.page.locator(f"#NATIVE_FILTER-{superset_bundle.words(name)}")
        box.click(force=True)  # what is chosen lies over it
        self.page.keyboard.type(value)
        self.page.locator(".ant-select-item-option").filter(has_text=value).first.click()
        self.page.locator("[data-test=filter-bar__apply-button]").click()
        self.settled()

    def number(self, name):
        return self.chart(name).locator(".header-line").inner_text()

    def painted(self, name):
        """Whether the chart shows marks: dots of a canvas, rows of a table, or a number."""
        return self.chart(name).evaluate("""holder => {
            for (const canvas of holder.querySelectorAll('canvas')) {
                const {width, height} = canvas;
                const dots = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                const colours = new Set();
                for (let i = 0; i < dots.length; i += 4) {
                    const [r, g, b, a] = dots.slice(i, i + 4);
                    // marks have a colour; axes and their labels are grey
                    if (a > 60 && Math.max(r, g, b) - Math.min(r, g, b) > 40) colours.add(r >> 3);
                }
                if (colours.size) return 'canvas';
            }
            const cells = [...holder.querySelectorAll('tbody td')].map(one => one.innerText);
            if (cells.some(text => /[0-9]/.test(text))) return 'table';
            const line = holder.querySelector('.header-line');
            if (line && /[0-9]/.test(line.innerText)) return 'number';
            return '';
        }""")


@pytest.fixture(scope="module")
def visit(running):
    with browser() as opened:
        yield Visit(opened.new_page(viewport={"width": 1500, "height": 2300}), running)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_draws_all_its_charts(visit, tab):
    visit.open(tab)
    PICTURES.mkdir(parents=True, exist_ok=True)
    visit.page.screenshot(path=PICTURES / f"{superset_bundle.words(tab)}.png")
    for chart in TABS[tab]:
        text = visit.chart(chart["chart"]).inner_text()
        assert visit.painted(chart["chart"]), f"{chart['chart']} shows nothing: {text}"
    assert visit.page.locator(".ant-alert-error:visible, [role=alert]:visible").all() == []


def test_the_numbers_are_those_of_the_marts(visit, running):
    asked = {
        "New visitors": """
            select format('{:,}', sum(new_visitor_count)::bigint) from marts.kpi_acquisition_daily
            where segment_type = 'all'""",
        "Signed up within 7 days": """
            select printf('%.1f%%', 100.0 * sum(visitor_signup_7d_numerator)
                / sum(visitor_signup_7d_denominator))
            from marts.kpi_acquisition_daily
            where segment_type = 'all' and visitor_signup_7d_is_mature""",
        "Trials that became a subscription within 30 days": """
            select printf('%.1f%%', 100.0 * sum(trial_conversion_30d_numerator)
                / sum(trial_conversion_30d_denominator))
            from marts.kpi_trial_subscription
            where segment_type = 'all' and conversion_30d_is_mature""",
    }
    visit.open("Overview")
    shown = {name: visit.number(name) for name in asked}
    assert shown == {name: running.ask(query) for name, query in asked.items()}


def test_people_and_rows_are_those_of_the_marts(visit, running):
    visit.open("People and identity")
    assert visit.number("People") == f"{running.ask('select count(*) from marts.dim_persons'):,}"
    visit.open("Data quality")
    rows = running.ask("select sum(raw_row_count)::bigint from marts.reconciliation")
    assert visit.number("Raw rows") == f"{rows:,}"
    assert visit.number("Unbalanced loads") == "0"


def test_a_filter_changes_the_numbers_to_those_of_its_segment(visit, running):
    visit.open("Overview")
    before = visit.number("New visitors")
    segment, value = "first touch channel group: Email", "segment_value = 'Email'"
    visit.choose("Segment", segment)
    of_segment = running.ask(f"""
        select format('{{:,}}', sum(new_visitor_count)::bigint) from marts.kpi_acquisition_daily
        where segment_type = 'first_touch_channel_group' and {value}""")
    assert visit.number("New visitors") == of_segment != before
    visit.choose("Segment", "everybody")
    assert visit.number("New visitors") == before


def test_a_time_range_is_half_open_whether_a_table_has_dates_or_moments(visit, running):
    since, until = "2025-03-01", "2025-05-01"
    value = f"'{since} : {until}'"
    name = "NATIVE_FILTER-time_range"
    mask = f"extraFormData:(time_range:{value}),filterState:(value:{value}),id:{name},ownState:()"
    home = f"{running.address}/superset/dashboard/{superset.SLUG}/"
    visit.page.goto(f"{home}?native_filters=({name}:({mask}))")
    visit.page.wait_for_selector("[data-test-chart-name]")
    asked = {
        ("Overview", "New visitors"): """
            select sum(new_visitor_count) from marts.kpi_acquisition_daily
            where segment_type = 'all' and date_day""",
        ("People and identity", "People"): """
            select count(*) from marts.dim_persons where first_seen_date""",
        ("Data quality", "Raw rows"): """
            select sum(raw_row_count) from marts.reconciliation where loaded_at""",
    }
    for (tab, chart), query in asked.items():
        visit.open(tab)
        column = query.split()[-1]
        counted = running.ask(f"{query} >= '{since}' and {column} < '{until}'")
        assert visit.number(chart) == f"{int(counted):,}", tab
        for other in TABS[tab]:
            assert "error" not in visit.chart(other["chart"]).inner_text().lower(), other["chart"]
    visit.page.goto(home)
    visit.page.wait_for_selector("[data-test-chart-name]")


def test_a_journey_is_chosen_on_the_left(visit, running):
    visit.open("Journeys")
    first = SPECIFICATION["filters"]["Journey"]
    begins = superset_bundle.first_of_seed(first["seed"], "journey", first)
    other = running.ask(f"""
        select min(journey) from marts.fct_journey_participations where journey <> '{begins}'""")
    before = visit.chart("Ways through the journey").screenshot()
    visit.choose("Journey", other)
    assert visit.painted("Ways through the journey")
    assert visit.chart("Ways through the journey").screenshot() != before


def test_nothing_is_loaded_from_outside(visit):
    assert visit.strangers == []


def test_a_new_publication_is_seen_at_the_next_look(visit, running, tmp_path):
    visit.open("Data quality")
    before = visit.number("Raw rows")
    changed = tmp_path / "changed.duckdb"
    shutil.copy(running.published, changed)
    with duckdb.connect(str(changed)) as connection:
        connection.execute("update marts.reconciliation set raw_row_count = raw_row_count + 1")
    os.replace(changed, running.published)
    visit.page.reload()
    visit.open("Data quality")
    rows = running.ask("select sum(raw_row_count)::bigint from marts.reconciliation")
    assert visit.number("Raw rows") == f"{rows:,}" != before


def test_it_listens_on_loopback_and_asks_for_a_login(running):
    assert running.address.startswith("http://127.0.0.1:")
    number = int((running.home / "lock").read_text())
    port = int(running.address.rsplit(":", 1)[1])
    listening = [
        line.split()[1]
        for line in Path(f"/proc/{number}/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]
    with urllib.request.urlopen(f"{running.address}/superset/dashboard/{superset.SLUG}/") as page:
        assert "/login/" in page.url


def test_what_belongs_to_it_is_for_nobody_else_to_read(running):
    assert stat.S_IMODE(running.home.stat().st_mode) == 0o700
    for name in ("password", "secret_key", "bundle.zip"):
        assert stat.S_IMODE((running.home / name).stat().st_mode) == 0o600


def test_a_second_start_says_where_it_runs(running):
    done = running.command("up")
    assert done.returncode == 0 and "runs already" in done.stdout and running.address in done.stdout


def test_without_a_publication_it_says_what_to_do(tmp_path):
    if not superset.PYTHON.is_file():
        pytest.skip("Superset is not installed here: make install-superset")
    done = Running(tmp_path / "home", tmp_path / "none.duckdb").command("up")
    assert done.returncode == 1 and "make demo" in done.stderr and "Traceback" not in done.stderr


def commands_of_the_document(about):
    """The block of docs/superset.md that has these words, as somebody would paste it."""
    blocks = re.findall(
        r"```bash\n(.*?)```", (ROOT / "docs" / "superset.md").read_text(), re.DOTALL
    )
    (block,) = (block for block in blocks if about in block)
    return block


def test_the_commands_that_replace_a_bundle_elsewhere_do_so(running):
    names = {
        "SUPERSET": running.address,
        "LOGIN": superset.LOGIN,
        "PASSWORD": running.password,
        "JOURNEY_PUBLISHED": str(running.published),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands_of_the_document("assets/import")],
        cwd=ROOT, env={**os.environ, **names}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith('{"message":"OK"}')


@pytest.fixture(scope="module")
def postgres():
    """A server for this test alone, behind a socket; PostgreSQL does not run as root."""
    psycopg = pytest.importorskip("psycopg")
    places = [shutil.which("initdb"), *glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    initdb = next((Path(place) for place in places if place), None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has 100 letters
    user = {}
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "cwd": folder}
    data = str(folder / "data")
    options = ["-A", "trust", "-U", "reader", "--no-sync", "-E", "UTF8"]
    subprocess.run([initdb, "-D", data, *options], check=True, capture_output=True, **user)
    server = subprocess.Popen(
        [initdb.with_name("postgres"), "-D", data, "-k", str(folder), "-c", "listen_addresses="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            try:
                connection = psycopg.connect(host=str(folder), user="reader", dbname="postgres")
                break
            except psycopg.OperationalError:
                assert time.monotonic() < until, "PostgreSQL does not answer"
                time.sleep(0.2)
        with connection:
            yield connection
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder)


def test_all_of_its_sql_is_understood_by_postgresql(postgres):
    postgres.execute("create schema marts")
    asked = 0
    for name, dataset in superset_bundle.read().datasets.items():
        content = dataset.as_file()
        columns = ", ".join(
            f"{column['column_name']} {column['type']}"
            for column in content["columns"]
            if not column["expression"]
        )
        postgres.execute(f"create table marts.{name} ({columns})")
        for part in (*content["metrics"], *content["columns"]):
            if part["expression"]:
                postgres.execute(f"select {part['expression']} from marts.{name}").fetchall()
                asked += 1
    assert asked > 150


def test_the_maturity_of_each_rate_is_that_of_metric_definitions(running):
    with duckdb.connect(str(running.published), read_only=True) as connection:
        told = connection.execute("""
            select table_name, column_name, maturity_column from marts.metric_definitions
            where kind = 'rate'""").fetchall()
    marts = superset_bundle.marts()
    assert told == [(table, name, marts[table].maturity(name)) for table, name, _ in told]


def test_the_publication_has_the_columns_that_the_bundle_names(running):
    with duckdb.connect(str(running.published), read_only=True) as connection:
        described = connection.execute("describe marts.publication").fetchall()
    columns = superset_bundle.marts()["publication"].columns
    assert [(name, kind) for name, kind, *_ in described] == [
        (name, kind) for name, (kind, _) in columns.items()
    ]
