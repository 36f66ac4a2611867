"""Where a number, a person, an error or a column comes from.

`metric` and `identity` are the project's own macros, asked in dbt: they read the private build
file, in which the evidence lies. The others read the published file and the documents.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import duckdb
import yaml

from tools import publish
from tools.advice import advice_on
from tools.cli import in_dbt
from tools.cli.status import has, open_published, rows_of
from tools.cli.words import Told, moment, nearest, of

ROOT = Path(__file__).resolve().parents[2]
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
TARGET = "target/journey"


def main(options: argparse.Namespace) -> int:
    if options.thing == "metric":
        lines = metric(
            options.metric, options.period, options.segment, options.dimension, options.rows
        )
    elif options.thing == "identity":
        lines = operate("explain_identity", {"from": options.one, "to": options.other})
    elif options.thing == "person":
        lines = person(options.person_id)
    elif options.thing == "code":
        lines = code(options.code)
    else:
        lines = column(options.name)
    print("\n".join(lines).strip())
    return 0


def operate(macro: str, arguments: dict) -> list[str]:
    """What a macro of the project prints about the build file."""
    if not publish.BUILT.exists():
        raise Told(
            f"this needs the build file, and there is no {publish.BUILT}: run `make build` first."
        )
    try:
        return in_dbt.operate(macro, arguments, TARGET)
    except in_dbt.Stopped as stopped:
        told = "\n".join(stopped.problems) or advice_on(str(stopped), publish.BUILT)
        raise Told(told or f"dbt stopped: {stopped.sentence}") from stopped


# ---------------------------------------------------------------- metric


def metric(
    name: str, period: str | None, segment: str, dimensions: list[str], rows: int
) -> list[str]:
    if rows < 1:
        raise Told(f"--rows is {rows}; write a whole number from 1.")
    named = {}
    for text in dimensions:
        dimension, is_pair, value = text.partition("=")
        if not is_pair:
            raise Told(f"--dimension is `{text}`; write NAME=VALUE, for example step=payment.")
        named[dimension] = value
    if publish.PUBLISHED.exists():
        with open_published(publish.PUBLISHED) as connection:
            check_metric(connection, name, period)
    arguments = {"metric": name, "within": segment, "dimensions": named, "rows": rows}
    try:
        return operate("explain_metric", arguments | ({"period": period} if period else {}))
    except Told as told:
        if "narrow it" not in str(told):
            raise
        raise Told(f"{told} Here: --dimension NAME=VALUE, once for each.") from told


def check_metric(connection: duckdb.DuckDBPyConnection, name: str, period: str | None) -> None:
    """Tells a wrong name or a missing period without starting dbt."""
    measures = [
        row["metric"]
        for row in rows_of(
            connection, "select metric from marts.metric_definitions where role = 'measure'"
        )
    ]
    if name not in measures:
        raise Told(
            f"[M1] there is no metric `{name}`: write table.column, as marts.metric_definitions has"
            f" it.{nearest(name, measures)}"
        )
    table = name.split(".")[0]
    found = connection.execute(
        "select column_name from marts.metric_definitions where table_name = ? and role = 'period'",
        [table],
    ).fetchone()
    if found is None:
        return
    if period is None or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
        last = connection.execute(
            f'select distinct "{found[0]}"::date::varchar from marts."{table}"'
            " order by 1 desc limit 5"
        ).fetchall()
        given = f"`{period}` is no date" if period else "it needs a period"
        raise Told(
            f"[M2] {name}: {given}. Write --period DATE, a date of {found[0]}; the last ones are"
            f" {', '.join(row[0] for row in last) or '(none: the table is empty)'}."
        )


# ---------------------------------------------------------------- person


def person(person_id: str) -> list[str]:
    with open_published(publish.PUBLISHED) as connection:
        return road(connection, whole_id(connection, person_id))


def whole_id(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    found = connection.execute(
        "select person_id from marts.dim_persons where starts_with(person_id, ?)"
        " order by person_id limit 4",
        [given.strip().lower()],
    ).fetchall()
    if given.strip() and len(found) == 1:
        return found[0][0]
    if given.strip() and len(found) > 1:
        some = ", ".join(row[0] for row in found[:3])
        raise Told(f"several persons begin with `{given}`: {some} … Write more letters.")
    near = connection.execute(
        "select person_id from marts.dim_persons"
        " order by levenshtein(person_id, ?), person_id limit 1",
        [given.strip().lower()[:64]],
    ).fetchone()
    known = f" The nearest is {near[0]}." if near else " The table is empty."
    raise Told(
        f"there is no person `{given}`: write the person_id of marts.dim_persons, or how it"
        f" begins.{known} An identifier's person stands in marts.bridge_person_identifiers."
    )


def road(connection: duckdb.DuckDBPyConnection, person_id: str) -> list[str]:
    def rows(query: str) -> list[dict]:
        return rows_of(connection, query.replace("$person", f"'{person_id}'"))

    (who,) = rows("select * from marts.dim_persons where person_id = $person")
    lines = [
        f"Person {person_id}, {'known' if who['is_known'] else 'anonymous'}"
        + (f", plan {who['plan']}" if who["plan"] else ""),
        f"  seen {moment(who['first_seen_at'])} to {moment(who['last_seen_at'])} UTC:"
        f" {of(who['event_count'], 'event')}, {of(who['session_count'], 'visit')}",
    ]
    if who["first_touch_channel_group"]:
        means = [who[f"first_touch_{part}"] for part in ("source", "medium", "campaign")]
        told = f" ({' / '.join(text for text in means if text)})" if any(means) else ""
        page = who["first_landing_page_path"]
        lines.append(
            f"  came by {who['first_touch_channel_group']}{told}"
            + (f", first on {page}" if page else "")
            + (f", platform {who['first_platform']}" if who["first_platform"] else "")
        )
    for heading, told in [
        ("Identifiers (hashes)", identifiers(rows)),
        ("Visits by channel", visits(rows)),
        ("Stages", stages(rows)),
        ("Milestones", milestones(rows)),
        ("Conversions", conversions(rows)),
        ("Journeys", journeys(rows)),
        ("Funnels", funnels(rows)),
        ("Friction", friction(rows)),
    ]:
        lines += ["", heading, *(f"  {line}" for line in told or ["none"])]
    return [*lines, "", "Why these identifiers are one person: ./journey explain identity A B"]


def identifiers(rows) -> list[str]:
    """By class, each as its identifier_id: an md5 of class and value, never the value."""
    found = rows(
        "select identifier_class, identifier_id, is_shared, first_seen_at"
        " from marts.bridge_person_identifiers where person_id = $person"
        " order by identifier_class, first_seen_at, identifier_id"
    )
    by_class: dict[str, list[str]] = {}
    for each in found:
        shared = " (shared, joins nobody)" if each["is_shared"] else ""
        by_class.setdefault(each["identifier_class"], []).append(each["identifier_id"] + shared)
    lines = []
    for name, values in by_class.items():
        more = f" … {len(values) - 3} more" if len(values) > 3 else ""
        lines.append(f"{name}: {', '.join(values[:3])}{more}")
    return lines


def visits(rows) -> list[str]:
    return [
        f"{each['channel_group'] or '(none)'}: {of(each['visits'], 'visit')},"
        f" {each['engaged']} engaged, {moment(each['first_at'])} to {moment(each['last_at'])}"
        for each in rows(
            "select channel_group, count(*) as visits,"
            " count(*) filter (where is_engaged) as engaged,"
            " min(started_at) as first_at, max(started_at) as last_at from marts.fct_sessions"
            " where person_id = $person group by channel_group order by visits desc, channel_group"
        )
    ]


def stages(rows) -> list[str]:
    return [
        f"{moment(each['started_at'])} {each['stage']}"
        + (", still there" if each["is_open"] else f" until {moment(each['ended_at'])}")
        + (f" ({each['exit_reason']})" if each["exit_reason"] else "")
        for each in rows(
            "select * from marts.fct_stage_periods where person_id = $person order by started_at"
        )
    ]


def milestones(rows) -> list[str]:
    return [
        f"{moment(each['reached_at'])} {each['milestone']}"
        for each in rows(
            "select * from marts.fct_milestones where person_id = $person"
            " order by reached_at, milestone_number"
        )
    ]


def conversions(rows) -> list[str]:
    return [
        f"{moment(each['occurred_at'])} {each['goal']}"
        + (f", {each['amount']:,.2f}" if each["amount"] is not None else "")
        for each in rows(
            "select * from marts.fct_conversions where person_id = $person"
            " order by occurred_at, goal limit 20"
        )
    ]


def journeys(rows) -> list[str]:
    return [
        f"{each['journey']} (version {each['version']}): entered {moment(each['entered_at'])} by"
        f" {each['entry_name']}, "
        + (
            "still on it"
            if each["is_active"]
            else f"{str(each['exit_type']).replace('_', ' ')} {moment(each['exited_at'])}"
        )
        + f"; {of(each['distinct_step_count'], 'step')}"
        + (f", last `{each['last_step']}`" if each["last_step"] else "")
        + (f", friction {each['friction_count']}" if each["friction_count"] else "")
        for each in rows(
            "select * from marts.fct_journey_participations where person_id = $person"
            " order by entered_at, journey limit 20"
        )
    ]


def funnels(rows) -> list[str]:
    return [
        f"{each['funnel']}: {of(each['attempts'], 'attempt')} from {moment(each['first_at'])},"
        f" {each['complete']} complete, at most {of(each['most_steps'], 'step')}"
        for each in rows(
            "select funnel, count(*) as attempts, min(started_at) as first_at,"
            " count(*) filter (where is_complete and not is_excluded) as complete,"
            " max(step_count) as most_steps from marts.fct_funnel_attempts"
            " where person_id = $person group by funnel order by first_at, funnel"
        )
    ]


def friction(rows) -> list[str]:
    return [
        f"{each['signal']} on {each['page_path'] or '(no page)'}: {of(each['times'], 'time')},"
        f" last {moment(each['last_at'])}"
        for each in rows(
            "select signal, page_path, count(*) as times, max(occurred_at) as last_at"
            " from marts.fct_friction_signals where person_id = $person"
            " group by signal, page_path order by times desc, signal, page_path limit 10"
        )
    ]


# ---------------------------------------------------------------- code


def entries(page: str) -> dict[str, tuple[str, ...]]:
    """Code -> the cells of its row, from the tables of the troubleshooting page."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("|") and len(cells) >= 2:
            of_row = re.sub(r"`|<a [^>]*></a>", "", cells[0])  # its anchors
            for name in re.split(r"[,/]\s*", of_row):
                if re.fullmatch(r"\[?[A-Z]+(-[A-Z]+)*-?\d+\]?", name):
                    found[name.strip("[]")] = tuple(cells[1:])
    return found


def code(given: str) -> list[str]:
    if not TROUBLESHOOTING.exists():
        raise Told(f"there is no {TROUBLESHOOTING}: git checkout docs/troubleshooting.md")
    known = entries(TROUBLESHOOTING.read_text(encoding="utf-8"))
    name = given.strip().strip("[]").upper()
    if name not in known:
        raise Told(
            f"docs/troubleshooting.md has no code `{given}`.{nearest(name, known)}"
            f" It has {', '.join(known)}; and messages of dbt and DuckDB without a code."
        )
    what, *do = known[name]
    lines = [f"[{name}] {what}"]
    return [*lines, *(f"  → {text}" for text in do), "", "docs/troubleshooting.md"]


# ---------------------------------------------------------------- column


def column(name: str) -> list[str]:
    table, _, last = name.rpartition(".")
    described = described_columns()
    found = [each for each in described if each[1] == last and table in ("", each[0])]
    if not found:
        names = (
            {f"{each[0]}.{each[1]}" for each in described} if table else {e[1] for e in described}
        )
        raise Told(f"no mart has a column `{name}`.{nearest(name, names)}")
    definitions = {}
    if publish.PUBLISHED.exists():
        with open_published(publish.PUBLISHED) as connection:
            if has(connection, "metric_definitions"):
                definitions = {
                    row["metric"]: row
                    for row in rows_of(connection, "select * from marts.metric_definitions")
                }
    return in_paragraphs(found, definitions)


def in_paragraphs(found: list[tuple[str, str, str]], definitions: dict[str, dict]) -> list[str]:
    """A column that means the same in several tables is told once."""
    by_text: dict[tuple[str, ...], list[str]] = {}
    for table, name, description in sorted(found):
        text = [description or "(no description)"]
        known = definitions.get(f"{table}.{name}", {})
        for part in ("numerator", "denominator", "counted_within", "null_rule", "maturity_column"):
            if known.get(part):
                text.append(f"  {part.replace('_', ' ')}: {known[part]}")
        by_text.setdefault(tuple(text), []).append(f"{table}.{name}")
    lines = []
    for text, places in by_text.items():
        shown = ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
        lines += [shown, *(f"  {line}" for line in text), ""]
    return lines


def described_columns() -> list[tuple[str, str, str]]:
    """(table, column, description) of every mart, from the yml beside it."""
    blocks = {}
    for path in (ROOT / "models").rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        blocks.update(re.findall(r"{%\s*docs\s+(\w+)\s*%}\s*(.*?)\s*{%\s*enddocs\s*%}", text, re.S))

    def filled(text: str) -> str:
        whole = re.sub(
            r"{{\s*doc\(['\"](\w+)['\"]\)\s*}}", lambda m: blocks.get(m[1], m[0]), text or ""
        )
        return " ".join(whole.split())

    found = []
    for path in sorted((ROOT / "models" / "marts").rglob("*.yml")):
        page = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {}
        for model in page.get("models", []):
            for each in model.get("columns", []):
                found.append((model["name"], each["name"], filled(each.get("description", ""))))
    return found


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
