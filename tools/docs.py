"""The documentation as a site: `make docs` builds target/site, `make docs-serve` shows it.

    python -m tools.docs          build it; any warning and any dead link stop with code 1
    python -m tools.docs serve    build it on every change, on a port of this machine

Beside the pages of docs/ it has some that are written here, from the project itself: one per KPI
table with each of its columns (what `marts.metric_definitions` holds), the glossary, the changelog
and the page for contributors. tools/docs_hooks.py hands them to MkDocs.
"""

from __future__ import annotations

import argparse
import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "target" / "site"
KEPT = ROOT / "target" / "docs" / "definitions.json"
NEEDS = ROOT / "tools" / "needs.yml"
GLOSSARY = ROOT / "models" / "_glossary.md"


class DocsError(Exception):
    """What a person can mend; the message says how."""


# ---------------------------------------------------------------- what the columns mean


@dataclass(frozen=True)
class Column:
    """A row of marts.metric_definitions."""

    metric: str
    table_name: str
    column_name: str
    role: str
    kind: str | None
    description: str
    numerator: str | None
    denominator: str | None
    counted_within: str | None
    null_rule: str | None
    maturity_column: str | None
    grain: str


@dataclass(frozen=True)
class Table:
    """A KPI table: its folder under models/marts, and its columns in their order."""

    name: str
    folder: str
    columns: list[Column]

    def of(self, *roles: str) -> list[Column]:
        return [column for column in self.columns if column.role in roles]


def fingerprint() -> str:
    """Of all that the definitions are made from."""
    digest = hashlib.sha256()
    files = [ROOT / "dbt_project.yml", *ROOT.glob("models/**/*.yml"), *ROOT.glob("models/**/*.md")]
    for path in sorted([*files, *ROOT.glob("macros/**/*.sql"), Path(__file__)]):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def definitions() -> list[Table]:
    """What marts.metric_definitions would hold, without a build: dbt writes, DuckDB runs its SQL.

    Kept in target/docs until a model's yml changes, because dbt takes ten seconds.
    """
    now = fingerprint()
    if KEPT.exists():
        kept = json.loads(KEPT.read_text())
        if kept["fingerprint"] == now:
            return _tables(kept["rows"], kept["folders"])
    rows, folders = _ask_dbt()
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps({"fingerprint": now, "rows": rows, "folders": folders}))
    return _tables(rows, folders)


def _tables(rows: list[dict], folders: dict[str, str]) -> list[Table]:
    tables: dict[str, Table] = {}
    for row in rows:
        name = row["table_name"]
        tables.setdefault(name, Table(name, folders[name], [])).columns.append(Column(**row))
    return sorted(tables.values(), key=lambda table: (table.folder, table.name))


def _ask_dbt() -> tuple[list[dict], dict[str, str]]:
    with tempfile.TemporaryDirectory() as target:
        # prepare_run looks for raw tables' files only where it builds; a key file it always wants
        command = [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-use-colors", "compile"),
            *("--select", "metric_definitions", "--no-partial-parse", "--target-path", target),
            *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT)),
            *("--log-path", str(Path(target) / "logs")),
        ]
        environment = {
            **os.environ,
            "JOURNEY_DATABASE": str(Path(target) / "none.duckdb"),
            "JOURNEY_TARGET": "duckdb",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            "DO_NOT_TRACK": "1",
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DocsError(
                "dbt could not read the models, so nobody knows what their columns mean:\n"
                + done.stdout
                + done.stderr
            )
        nodes = json.loads((Path(target) / "manifest.json").read_text())["nodes"].values()
        compiled = next(Path(target).glob("compiled/**/metric_definitions.sql")).read_text()
    with duckdb.connect() as connection:
        answer = connection.execute(compiled)
        names = [column[0] for column in answer.description]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    folders = {node["name"]: node["fqn"][-2] for node in nodes if node["resource_type"] == "model"}
    return rows, folders


# ---------------------------------------------------------------- pages


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def example(table: Table) -> str:
    """A query that answers with one number of the table, its parts, and whether it may be read."""
    measures = table.of("measure")
    rates = [column for column in measures if column.kind == "rate"]
    chosen = (rates or measures)[0]
    names = {column.column_name for column in table.columns}
    shown = [column.column_name for column in table.of("period", "dimension")]
    stem = chosen.column_name.removesuffix("_rate")
    parts = [f"{stem}_numerator", f"{stem}_denominator", chosen.column_name]
    shown += [name for name in parts if name in names]
    lines = ["select", ",\n".join(f"    {name}" for name in shown), f"from marts.{table.name}"]
    wanted = ["segment_type = 'all'"] if "segment_type" in names else []
    wanted += [chosen.maturity_column] if chosen.maturity_column else []
    if wanted:
        lines.append("where " + "\n    and ".join(wanted))
    period = table.of("period")
    if period:
        lines.append(f"order by {period[0].column_name} desc")
    return "\n".join([*lines, "limit 20"])


def table_page(table: Table) -> str:
    """The page of one KPI table; each column has an anchor of its own name."""
    parts = [f"# {table.name}", _cell(table.columns[0].grain), "```sql", example(table), "```"]
    parts += ["", "Column by column; the rows behind a number are printed by "]
    parts[-1] += "[`explain_metric`](../metrics.md).\n"
    parts += ["## What tells the rows apart", ""]
    parts += _listed(table.of("period", "dimension", "key"))
    parts += ["", "## Measures", ""]
    for column in table.of("measure"):
        name = column.column_name
        parts += [f"### {name} {{ #{name} }}", "", _cell(column.description), ""]
        parts += ["| | |", "| --- | --- |", f"| Kind | {column.kind} |"]
        if column.numerator:
            parts += [f"| Numerator | {_cell(column.numerator)} |"]
            parts += [f"| Denominator | {_cell(column.denominator)} |"]
        parts += [f"| Counted within | {_cell(column.counted_within)} |"]
        parts += [f"| When it is NULL | {_cell(column.null_rule)} |"]
        if column.maturity_column:
            over = column.maturity_column
            parts += [f"| Its window is over when | [`{over}`](#{over}) |"]
        parts += [""]
    others = table.of("numerator", "denominator", "bound", "maturity", "note")
    if others:
        parts += ["## Parts, bounds and notes", "", *_listed(others)]
    return "\n".join(parts) + "\n"


def _listed(columns: list[Column]) -> list[str]:
    return ["| Column | Means |", "| --- | --- |"] + [
        f'| <span id="{column.column_name}">`{column.column_name}`</span>'
        f" | {_cell(column.description)} |"
        for column in columns
    ]


def index_page(tables: list[Table]) -> str:
    count = sum(len(table.columns) for table in tables)
    parts = [
        "# Metric reference",
        f"{len(tables)} KPI tables with {count:,} columns. For each measure: what it means,"
        " what is divided by what, in which window it counts, and when it is NULL."
        " Know the name? Type it into the search (key `s`).",
        "The same rows are in your own file, as `marts.metric_definitions`:",
        "```sql\nselect column_name, description, null_rule\nfrom marts.metric_definitions\n"
        "where table_name = 'kpi_funnels' and role = 'measure'\n```",
        "- A rate has its numerator and denominator beside it, and Wilson 95 % bounds."
        " NULL is not 0: there was nothing to divide by, or nobody to tell.\n"
        "- Only numerators and denominators may be added up."
        " Counts of people do not add up over days or segments.\n"
        "- Filter on `is_mature`, or on the column that the measure names:"
        " [why young cohorts are left out](../concepts/windows.md).\n"
        "- `is_causal = false`: people chose; only experiments say what caused what.",
        "## By question",
    ]
    known = {column.metric for table in tables for column in table.columns}
    for stage, needs in yaml.safe_load(NEEDS.read_text()).items():
        lines = ["| What is asked | Column |", "| --- | --- |"]
        for need, metrics in needs.items():
            if absent := [metric for metric in metrics if metric not in known]:
                raise DocsError(f"tools/needs.yml names no column of a KPI table: {absent}")
            links = [f"[`{m}`]({m.split('.')[0]}.md#{m.split('.')[1]})" for m in metrics]
            lines.append(f"| {need} | {', '.join(links)} |")
        parts += [f"### {stage}", "\n".join(lines)]
    parts += ["## By table"]
    for folder in dict.fromkeys(table.folder for table in tables):
        lines = ["| Table | One row per |", "| --- | --- |"]
        for table in tables:
            if table.folder == folder:
                grain = table.columns[0].grain.removeprefix("One row per ")
                first = re.split(r"(?<=[^.])\. |: ", grain)[0].rstrip(".")
                lines.append(f"| [`{table.name}`]({table.name}.md) | {_cell(first)} |")
        parts += [f"### Tables of {folder}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def glossary_page() -> str:
    """models/_glossary.md, the words that stand in more than one table."""
    blocks = re.findall(
        r"{%\s*docs\s+(\w+)\s*%}\s*(.*?)\s*{%\s*enddocs\s*%}", GLOSSARY.read_text(), re.DOTALL
    )
    if not blocks:
        raise DocsError(f"{GLOSSARY.relative_to(ROOT)} has no docs block: a glossary without words")
    lines = [
        "# Glossary",
        "",
        "Columns that stand in more than one table mean the same in each. Those of one table are"
        " described on its page in the [metric reference](reference/index.md).",
        "",
        "## Words",
        "",
        "| Word | Means |",
        "| --- | --- |",
        *(f"| {word} | {meaning} |" for word, meaning in WORDS.items()),
        "",
        "## Columns",
        "",
        "| Column | Means |",
        "| --- | --- |",
        *(f'| <span id="{name}">`{name}`</span> | {_cell(text)} |' for name, text in blocks),
    ]
    return "\n".join(lines) + "\n"


WORDS = {
    "event": "one thing that happened, as a collector wrote it",
    "source, offer": "a system whose tables are read; a canonical table that it supplies",
    "identifier": "one value that stands for someone: a cookie, a user id, a hashed e-mail",
    "identity link": "two identifiers seen together: when, where, on what evidence"
    " ([how people are found](concepts/identity.md))",
    "person": "the someone that a set of identifiers stands for, known or not",
    "account": "the organisation that a person belongs to",
    "endpoint": "one address or device on which a person is seen: a cookie, an installation",
    "session": "events of one endpoint without a long gap ([sessions](concepts/sessions.md))",
    "touchpoint": "one interaction between a person and the company, in a channel",
    "stage, stay": "acquisition to expansion; an unbroken time in one of them"
    " ([stages](concepts/stages.md))",
    "journey, participation": "a declared road; one person's one trip on it"
    " ([journeys](concepts/roads.md))",
    "funnel, path": "a list of steps; what people really did",
    "milestone": "a first that matters: signed up, onboarded, paid",
    "window, mature": "the days in which something may follow; they are all over"
    " ([windows](concepts/windows.md))",
    "as_of": "the clock of a build: the greatest load time, or what var `as_of` says",
    "load": "one delivery of raw rows ([loads](concepts/incremental.md))",
    "publication, generation": "the marts, swapped in as a whole; its number"
    " ([publication](concepts/publication.md))",
    "attribution credit": "the share of a conversion that a visit gets"
    " ([attribution](concepts/attribution.md))",
}


def written_pages() -> dict[str, str]:
    """Path under docs/ -> text, of the pages that are written from the project."""
    tables = definitions()
    pages = {f"reference/{table.name}.md": table_page(table) for table in tables}
    pages["reference/index.md"] = index_page(tables)
    pages["glossary.md"] = glossary_page()
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        pages[name.lower()] = (ROOT / name).read_text().replace("](docs/", "](")
    return pages


# ---------------------------------------------------------------- links


class _Page(html.parser.HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        for name in ("href", "src"):
            if given.get(name) and (tag, given.get("rel")) != ("link", "canonical"):
                self.links.append(given[name])


def is_wellformed(link: str) -> bool:
    """An address of another site: its form is all that can be checked without a network."""
    parts = urllib.parse.urlsplit(link)
    return bool(
        parts.scheme == "https"
        and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc)
        and not re.search(r"[\s<>\"]", link)
    )


def dead_links(site: Path = SITE) -> list[str]:
    """Each link of the built site that leads nowhere, with its page."""
    pages = {path: _Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        here = path.relative_to(site)
        for link in dict.fromkeys(page.links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme in ("data", "javascript", "mailto"):
                continue
            if parts.scheme or parts.netloc:
                if not is_wellformed(link):
                    problems.append(f"{here}: {link} is no well-formed https address")
                continue
            target = path if not parts.path else path.parent / urllib.parse.unquote(parts.path)
            target = Path(os.path.normpath(target))
            if here.name == "404.html" and parts.path.startswith("/"):
                target = site / parts.path.lstrip("/")
            if target.is_dir():
                target = target / "index.html"
            anchor = urllib.parse.unquote(parts.fragment)
            if not target.is_file():
                problems.append(f"{here}: {link} leads to no file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                problems.append(f"{here}: {link} names no anchor of {target.relative_to(site)}")
    return problems


# ---------------------------------------------------------------- command line


def mkdocs(*arguments: str) -> int:
    command = [sys.executable, "-m", "mkdocs", *arguments]
    # the theme's makers advertise another program while it builds
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def build(site: Path = SITE) -> int:
    done = mkdocs("build", "--strict", "--site-dir", str(site))
    if done:
        return done
    if problems := dead_links(site):
        print("Links that lead nowhere:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    count = len(list(site.rglob("*.html")))
    print(f"{count} pages in {site}: open index.html, or `make docs-serve`")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["build", "serve"], default="build")
    parser.add_argument("--site", type=Path, default=SITE, help="where it is built")
    parser.add_argument("--port", type=int, default=8000, help="of `serve`")
    given = parser.parse_args()
    try:
        if given.what == "serve":
            return mkdocs("serve", "--dev-addr", f"127.0.0.1:{given.port}", "--livereload")
        return build(given.site.resolve())
    except DocsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
