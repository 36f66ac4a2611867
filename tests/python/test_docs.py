"""The documentation: what it says of error codes and files, the site, and the tutorials as run.

Quick: codes, links, drawings, navigation. Marked `show`: the site in a browser that reaches nothing
but a server of its own, and the commands of the tutorials with the output that they show.
"""

import contextlib
import doctest
import functools
import http.server
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
import yaml
from harness import ROOT

from tools import docs, docs_pictures
from tools.dashboard.browser import browser

DOCS = ROOT / "docs"
TUTORIALS = DOCS / "tutorials"
TROUBLESHOOTING = DOCS / "troubleshooting.md"

# ---------------------------------------------------------------- quick


def emitted_codes() -> dict[str, str]:
    """Codes in brackets of all messages, with a file that has each."""
    found = {}
    for folder, pattern in (("macros", "*.sql"), ("models", "*.sql"), ("tools", "*.py")):
        for path in sorted((ROOT / folder).rglob(pattern)):
            for code in re.findall(r"\[([A-Z][0-9]{1,2})\]", path.read_text()):
                found.setdefault(code, str(path.relative_to(ROOT)))
    return found


def explained_codes() -> dict[str, bool]:
    """Codes in the first column of the page's tables; has each an anchor of its name?"""
    codes = {}
    for line in TROUBLESHOOTING.read_text().splitlines():
        first = line.split("|")[1] if line.startswith("|") else ""
        for anchor, code in re.findall(r'(?:<a id="(\w+)"></a>)?\b([A-Z][0-9]{1,2})\b', first):
            codes[code] = anchor == code.lower()
    return codes


def test_every_code_of_an_error_message_is_explained_and_no_other_is():
    emitted, explained = emitted_codes(), explained_codes()
    assert len(emitted) > 20
    assert {c: path for c, path in emitted.items() if c not in explained} == {}, "no entry"
    assert sorted(set(explained) - set(emitted)) == [], "an entry for a code that nothing prints"
    assert [c for c, has_anchor in explained.items() if not has_anchor] == [], "no anchor"


def links_of(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them of headings, and those that are written out."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings]
    return {name.replace(" ", "-") for name in plain} | set(re.findall(r'id="([^"]+)"', text))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_pages_outside_docs_lead_to_files_and_headings(name):
    for link in links_of(ROOT / name):
        parts = urllib.parse.urlsplit(link)
        if parts.scheme:
            assert docs.is_wellformed(link), link
            continue
        target = ROOT / parts.path if parts.path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if parts.fragment:
            assert parts.fragment in anchors_of(target), f"{name}: {link}"


def test_addresses_of_other_sites_are_wellformed():
    """Whether they answer is not asked: that takes a network."""
    links = [link for page in DOCS.rglob("*.md") for link in links_of(page) if "://" in link]
    assert len(links) > 10
    assert [link for link in links if not docs.is_wellformed(link)] == []
    for wrong in ("http://example.org", "https://nodot", "https://a.org/b c", "https:///x"):
        assert not docs.is_wellformed(wrong)


def test_every_drawing_is_as_its_script_draws_it():
    drawn = {path.stem: path.read_text() for path in docs_pictures.FOLDER.glob("*.svg")}
    assert drawn == {name: docs_pictures.svg(name) for name in docs_pictures.DRAWINGS}, (
        "python -m tools.docs_pictures writes them anew"
    )


def nav_pages(entries) -> list[str]:
    pages = []
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        pages += nav_pages(value) if isinstance(value, list) else [value]
    return pages


def test_every_page_is_in_the_navigation():
    named = nav_pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    written = {"contributing.md", "changelog.md", "glossary.md", "reference/index.md"}
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} | written
    assert sorted(there - set(named)) == [], "add it to nav in mkdocs.yml"
    assert sorted(set(named) - there) == [], "nav in mkdocs.yml names no page"


# ---------------------------------------------------------------- the site


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("documentation") / "site"
    assert docs.build(folder) == 0
    return folder


@dataclass
class Visit:
    """A browser on the site, and what it asked of others."""

    browser: object
    address: str
    outside: list[str] = field(default_factory=list)

    def page(self, **how):
        page = self.browser.new_page(**how)
        # what the page of a server or of the disk asks of anybody else is refused and noted
        page.route(
            lambda url: not url.startswith((self.address, "file:", "data:", "blob:")),
            lambda route: (self.outside.append(route.request.url), route.abort()),
        )
        page.on("pageerror", lambda error: self.outside.append(f"error: {error}"))
        return page


@pytest.fixture(scope="module")
def visit(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with browser() as opened:
        yield Visit(opened, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def html_pages(site: Path) -> list[str]:
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


@pytest.mark.show
def test_no_page_asks_anything_of_another_server_or_overflows_a_phone(site, visit):
    page = visit.page(viewport={"width": 360, "height": 740})
    wide = {}
    for name in html_pages(site):
        page.goto(f"{visit.address}/{name}")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[name] = width
    page.close()
    assert wide == {}
    assert visit.outside == []


@pytest.mark.show
@pytest.mark.parametrize("opened_from", ["server", "disk"])
def test_the_search_finds_a_column_by_its_name(site, visit, opened_from):
    """First comes the page that speaks most of it, then the place on the page."""
    start = visit.address if opened_from == "server" else site.as_uri()
    for query, wanted in {
        "net_revenue_retention_ratio": "kpi_trial_subscription.html#net_revenue_retention_ratio",
        "friction rate": "#friction_rate",
        "seconds_to_convert_km": "kpi_time_to_convert.html#seconds_to_convert_km_median",
    }.items():
        page = visit.page()
        page.goto(f"{start}/index.html")
        page.keyboard.press("s")
        page.keyboard.type(query, delay=20)
        page.wait_for_function(
            """wanted => [...document.querySelectorAll(".md-search-result__link")].slice(0, 3)
                .some(link => link.href.replace(/[?].*#/, "#").endsWith(wanted))""",
            arg=wanted,
            timeout=30_000,
        )
        page.close()
    assert visit.outside == []


@pytest.mark.show
def test_every_column_of_every_kpi_table_has_a_page_and_an_anchor(site):
    tables = docs.definitions()
    columns = [column for table in tables for column in table.columns]
    assert len(columns) > 1_000
    for table in tables:
        text = (site / "reference" / f"{table.name}.html").read_text()
        lost = [c.column_name for c in table.columns if f'id="{c.column_name}"' not in text]
        assert lost == [], table.name


@pytest.mark.show
def test_every_diagram_is_drawn_and_follows_light_and_dark(site, visit):
    shown = {
        name: (site / name).read_text().count('class="drawing"')
        for name in html_pages(site)
        if 'class="drawing"' in (site / name).read_text()
    }
    assert sum(shown.values()) >= len(docs_pictures.DRAWINGS) + 1  # architecture has one, too
    ask = """drawings => drawings.map(svg => [
        svg.getBoundingClientRect().width, svg.getBoundingClientRect().height,
        getComputedStyle(svg.querySelector("text")).fill,
        getComputedStyle(svg.querySelector("rect, path, circle")).fill])"""
    for name, count in shown.items():
        looks = []
        for scheme in ("light", "dark"):
            page = visit.page(color_scheme=scheme)
            page.goto(f"{visit.address}/{name}")
            drawn = page.eval_on_selector_all("svg.drawing", ask)
            page.close()
            assert len(drawn) == count
            assert all(width > 300 and height > 60 for width, height, *_ in drawn), name
            looks.append([colours for *_, colours in [(d[:2], d[2:]) for d in drawn]])
        assert all(light != dark for light, dark in zip(*looks, strict=True)), name
        assert "mermaid" not in (site / name).read_text().split("<article")[1]


# ---------------------------------------------------------------- the tutorials


BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.M | re.S)


def steps_of(page: Path) -> list[tuple[str, str | None]]:
    """The commands of a tutorial, each with the output that the page shows, if it shows one."""
    blocks = BLOCK.findall(page.read_text())
    steps = []
    for number, (kind, text) in enumerate(blocks):
        if kind == "bash":
            following = blocks[number + 1] if number + 1 < len(blocks) else ("bash", "")
            steps.append((text, following[1] if following[0] == "text" else None))
    return steps


def comparable(output: str) -> str:
    """Without what changes with each new model or expectation: how many of them there are.

    And without the first build's remark that it has made a key, which a reader has by then.
    """
    output = re.sub(r"^hash key: new.*\n", "", output, flags=re.M)
    return re.sub(r"^(quality gate|published):.*$", r"\1", output.strip(), flags=re.M) + "\n"


@dataclass(frozen=True)
class Clone:
    """A copy of the project, as a reader of the tutorials has it."""

    folder: Path

    def follow(self, page: Path, instead: dict[str, str], as_shown: bool) -> None:
        """Type all commands of a page into one shell; AssertionError where one fails or differs."""
        steps = steps_of(page)
        script = ["exec 2>&1", "set -eo pipefail"]
        for number, (command, _) in enumerate(steps):
            script += [instead.get(command.strip(), command), f"echo; echo '@@ {number} @@'"]
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith(("JOURNEY_", "DBT_"))},
            capture_output=True,
            text=True,
            check=False,
        )
        printed = re.split(r"\n@@ \d+ @@\n", done.stdout)
        assert done.returncode == 0 and len(printed) == len(steps) + 1, (
            f"{page.name}: step {len(printed)} of {len(steps)} fails\n{printed[-1]}"
        )
        checker = doctest.OutputChecker()
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        for (command, shown), output in zip(steps, printed, strict=False):
            if shown is not None and as_shown:
                assert checker.check_output(comparable(shown), comparable(output), flags), (
                    f"{page.name}: {command}\nthe page shows\n{shown}\nit prints\n{output}"
                )


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    folder = tmp_path_factory.mktemp("tutorials") / "customer_journey"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Clone(folder)


@pytest.mark.show
def test_own_events_journeys_merges_and_erasure_go_as_the_tutorials_show(clone):
    """One company of eight people through four tutorials: the same file prints the same."""
    clone.follow(TUTORIALS / "your_own_events.md", {}, as_shown=True)
    began = clone.folder / "warehouse" / "tutorial"
    kept = clone.folder / "warehouse" / "kept"
    shutil.copytree(began, kept, symlinks=True)
    clone.follow(TUTORIALS / "your_own_journey.md", {}, as_shown=True)
    for name in ("undoing_a_merge.md", "erasure.md"):  # each begins where the first ended
        shutil.rmtree(began)
        shutil.copytree(kept, began, symlinks=True)
        clone.follow(TUTORIALS / name, {}, as_shown=True)


@pytest.mark.show
def test_the_first_build_and_attribution_go_as_the_tutorials_say_and_every_example_runs(clone):
    """On 150 people instead of 4,000: every command works, the figures are others."""
    small = """
        mkdir -p warehouse
        .venv/bin/python -m tools.sample --persons 150 --quiet
        .venv/bin/python -m tools.hash_key
        .venv/bin/dbt --quiet build --full-refresh
        .venv/bin/python -m tools.publish
        .venv/bin/python -m tools.summary"""
    clone.follow(TUTORIALS / "first_build.md", {"make demo": small}, as_shown=False)
    clone.follow(TUTORIALS / "reading_attribution.md", {}, as_shown=False)

    published = clone.folder / "warehouse" / "customer_journey.duckdb"
    examples = {table.name: docs.example(table) for table in docs.definitions()}
    for page in [*DOCS.glob("concepts/*.md"), *DOCS.glob("*.md")]:
        for number, query in enumerate(
            re.findall(r"^```sql\n(.*?)^```$", page.read_text(), re.M | re.S)
        ):
            examples[f"{page.name} {number}"] = query
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as marts:
        for name, query in examples.items():
            try:
                marts.execute(query).fetchall()
            except duckdb.Error as error:
                pytest.fail(f"{name}: {error}\n{query}")
