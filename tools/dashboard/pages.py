"""Boards as pages: one HTML file each, with style, script, Vega and data inside."""

import json
import re
from functools import cache
from html import escape
from pathlib import Path

import duckdb
import vl_convert
import yaml

from tools.dashboard.boards import Board, BoardError, fill, read_boards

SCRIPTS = ["format.js", "data.js", "draw.js", "page.js"]


@cache
def vega() -> str:
    """Vega and Vega-Lite as one script, from the wheel that carries them: nothing is fetched."""
    return closed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def closed(script: str) -> str:
    """A script whose names are its own."""
    return f"(() => {{\n{script}\n}})();"


def in_script(text: str) -> str:
    """Text that may stand between script tags: nothing in it can end the element."""
    return re.sub(r"<(?=/script|!--)", r"<\\", text, flags=re.IGNORECASE)


def as_json(value) -> str:
    return in_script(json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str))


def published_facts(connection, currency: str) -> dict:
    """What every page says about the numbers: as of when, which publication."""
    as_of_at, as_of_date = connection.execute(
        "select max(as_of_at), max(as_of_date) from marts.dim_as_of"
    ).fetchone()
    first_date = connection.execute("select min(date_day) from marts.dim_dates").fetchone()[0]
    try:
        generation, published_at = connection.execute(
            "select max(generation), max(published_at) from marts.publication"
        ).fetchone()
    except duckdb.CatalogException:  # a build that was never published has none
        generation, published_at = None, None
    return {
        "as_of_at": as_of_at.isoformat(timespec="minutes") if as_of_at else None,
        "as_of_date": as_of_date.isoformat() if as_of_date else None,
        "first_date": first_date.isoformat() if first_date else None,
        "generation": generation,
        "published_at": published_at.isoformat(timespec="minutes") if published_at else None,
        "currency": currency,
    }


def read_definitions(connection) -> dict[str, dict]:
    """metric_definitions by metric, and by table; empty where it is not published."""
    try:
        rows = connection.execute(
            "select table_name, column_name, role, description, numerator, denominator,"
            " counted_within, maturity_column, grain from marts.metric_definitions"
            " order by table_name, metric"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    definitions: dict[str, dict] = {}
    for table, column, role, description, numerator, denominator, within, mature, grain in rows:
        definitions.setdefault(table, {"description": grain})
        definitions[f"{table}.{column}"] = {
            "role": role,
            "description": description,
            "numerator": numerator,
            "denominator": denominator,
            "within": within,
            "mature": mature,
        }
    return definitions


def model_definitions(models: Path, tables: set[str]) -> dict[str, dict]:
    """What the models' own yml says of tables that are no KPI tables and so in no metric list."""
    glossary = models.parent / "_glossary.md"
    words = dict(
        re.findall(
            r"{% docs (\w+) %}\s*(.*?)\s*{% enddocs %}",
            glossary.read_text() if glossary.exists() else "",
            flags=re.DOTALL,
        )
    )

    def in_full(text: str) -> str:
        return re.sub(
            r"{{ *doc\(['\"](\w+)['\"]\) *}}", lambda found: words.get(found[1], ""), text or ""
        )

    definitions: dict[str, dict] = {}
    for table in sorted(tables):
        for path in models.rglob(f"{table}.yml"):
            for model in yaml.safe_load(path.read_text()).get("models", []):
                definitions[table] = {"description": in_full(model.get("description", ""))}
                for column in model.get("columns", []):
                    definitions[f"{table}.{column['name']}"] = {
                        "role": "column",
                        "description": in_full(column.get("description", "")),
                        "numerator": None,
                        "denominator": None,
                    }
    return definitions


def described(connection) -> set[str]:
    """Every table and column of the marts: what a chart's definition may name."""
    rows = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
    ).fetchall()
    return {table for table, _ in rows} | {f"{table}.{column}" for table, column in rows}


def page(template: str, styles: str, script: str, title: str, content: dict, body: str) -> str:
    return (
        template.replace("{{title}}", escape(title))
        .replace("{{styles}}", styles)
        .replace("{{body}}", body)
        .replace("{{content}}", as_json(content))
        .replace("{{script}}", script)
    )


def board_content(board: Board, facts: dict, definitions: dict, boards: list[dict]) -> dict:
    wanted = set()
    for _, part in board.parts():
        table = part["definition"].split(".")[0]
        wanted |= {part["definition"], table}
        text = json.dumps(part)
        wanted |= {
            key
            for key in definitions
            if key.startswith(f"{table}.") and f'"{key.split(".")[1]}"' in text
        }
    return {
        "facts": facts,
        "slug": board.slug,
        "boards": boards,
        "board": board.content,
        "data": {name: table.as_json() for name, table in board.tables.items()},
        "definitions": {key: definitions[key] for key in sorted(wanted) if key in definitions},
    }


def definitions_body(definitions: dict[str, dict]) -> str:
    """The metric reference as HTML: one section per table, one row per column, all with anchors."""
    if not definitions:
        return (
            '<div class="empty"><b>No definitions are published.</b>'
            "<span>They fill with <code>marts.metric_definitions</code>: build and publish.</span>"
            "</div>"
        )
    tables: dict[str, list[str]] = {}
    for key, entry in definitions.items():
        if "." not in key:
            tables[key] = []
            continue
        table, column = key.split(".")
        details = [
            f"<i>{word}</i> {escape(entry[name])}"
            for word, name in (("Numerator:", "numerator"), ("Denominator:", "denominator"))
            if entry[name]
        ]
        tables[table].append(
            f'<tr id="{escape(key)}"><th scope="row"><code>{escape(column)}</code></th>'
            f"<td>{escape(entry['description'] or '')}"
            + "".join(f"<br>{detail}" for detail in details)
            + "</td></tr>"
        )
    sections = [
        f'<section class="card wide" id="{escape(table)}"><h2><code>{escape(table)}</code></h2>'
        f'<p class="subtitle">{escape(definitions[table]["description"] or "")}</p>'
        f'<table class="definitions"><tbody>{"".join(rows)}</tbody></table></section>'
        for table, rows in tables.items()
    ]
    return '<div class="grid">' + "".join(sections) + "</div>"


def reporting_currency(project: Path = Path("dbt_project.yml")) -> str:
    """The currency that the amounts are in, as the project's settings say."""
    if not project.exists():
        return "EUR"
    settings = yaml.safe_load(project.read_text())
    return str(settings.get("vars", {}).get("reporting_currency", "EUR"))


def write_pages(published: Path, folder: Path, output: Path) -> list[Path]:
    """All boards as pages in `output`; the first is index.html. Raises BoardError."""
    boards = read_boards(folder)
    with duckdb.connect(str(published), read_only=True) as connection:
        if not described(connection):
            raise BoardError([f"{published} has no schema `marts`: publish it with `make build`."])
        facts = published_facts(connection, reporting_currency())
        definitions = read_definitions(connection)
        fill(boards, connection, described(connection))
    used = {part["definition"].split(".")[0] for board in boards for _, part in board.parts()}
    definitions |= model_definitions(Path("models/marts"), used - set(definitions))
    template = (folder / "assets/page.html").read_text()
    styles = (folder / "assets/style.css").read_text()
    ours = closed("\n".join((folder / "assets" / name).read_text() for name in SCRIPTS))
    listed = [
        {"slug": board.slug, "title": board.title, "question": board.content["question"]}
        for board in boards
    ]
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for board in boards:
        content = board_content(board, facts, definitions, listed)
        script = in_script(f"{vega()}\n{ours}")
        target = output / f"{board.slug}.html"
        target.write_text(page(template, styles, script, board.title, content, ""))
        written.append(target)
    content = {
        "facts": facts,
        "slug": "definitions",
        "boards": listed,
        "board": {
            "title": "Definitions",
            "question": "What does each number mean, and what is divided by what?",
            "queries": {},
        },
        "data": {},
        "definitions": {},
    }
    target = output / "definitions.html"
    body = definitions_body(definitions)
    target.write_text(page(template, styles, in_script(ours), "Definitions", content, body))
    written.append(target)
    keep = {path.name for path in written}
    for old in output.glob("*.html"):  # a board that was renamed leaves no page behind
        if old.name not in keep and '<meta name="generator" content="customer_journey">' in (
            old.read_text()
        ):
            old.unlink()
    return written
