"""Boards as data: read dashboard/boards/*.yml, check them, and ask the published marts.

A board is wrong in one of three ways: its YAML is not what dashboard/board.schema.json says, a
query does not run, or a chart names a column that its query does not give. All that is wrong is
collected and said at once, with the board, the chart, the column and what there is instead.
"""

import datetime
import difflib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import jsonschema
import yaml

DASHBOARD = Path("dashboard")
# a query may leave out what it cannot have: the tables named here are read only where they exist
MISSING_TABLE = re.compile(r"Table with name (\S+) does not exist")
EPOCH = datetime.date(1970, 1, 1)


class BoardError(Exception):
    """What is wrong with the boards, one line each."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Table:
    """What a query gave: columns in the compact form that a page carries."""

    names: list[str] = field(default_factory=list)
    columns: list[dict] = field(default_factory=list)
    row_count: int = 0
    missing: str | None = None

    def as_json(self) -> dict:
        return {
            "names": self.names,
            "columns": self.columns,
            "rows": self.row_count,
            "missing": self.missing,
        }


@dataclass
class Board:
    slug: str
    path: Path
    content: dict
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.content["title"]

    def parts(self) -> list[tuple[str, dict]]:
        """Tiles and charts, each with the word for it."""
        return [("tile", tile) for tile in self.content.get("tiles", [])] + [
            ("chart", chart) for chart in self.content.get("charts", [])
        ]


def nearest(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""


def read_boards(folder: Path) -> list[Board]:
    """The boards in the order of their file names, valid by the schema."""
    schema = json.loads((folder / "board.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    boards, problems = [], []
    for path in sorted((folder / "boards").glob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            where = getattr(error, "problem_mark", None)
            line = f", line {where.line + 1}" if where else ""
            problems.append(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}")
            continue
        found = sorted(validator.iter_errors(content), key=lambda error: list(error.absolute_path))
        problems += [f"{path}: {in_words(error, content)}" for error in found]
        if not found:
            slug = content.get("slug") or re.sub(r"^\d+_", "", path.stem)
            boards.append(Board(slug, path, content))
    if not boards and not problems:
        problems = [f"{folder / 'boards'} holds no *.yml: there is nothing to show."]
    if problems:
        raise BoardError(problems)
    return boards


def in_words(error: jsonschema.ValidationError, content) -> str:
    """A schema error as somebody would say it who knows the file."""
    place, here = [], content
    for step in error.absolute_path:
        here = here[step]
        named = isinstance(here, dict) and (here.get("id") or here.get("column"))
        place.append(f"`{named}`" if named else str(step))
    where = " › ".join(place) or "the board"
    message = error.message
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        odd = [key for key in error.instance if key not in known]
        message = "; ".join(
            f"`{key}` is not a setting here{nearest(key, known)}" for key in odd
        ) + (f" There are: {', '.join(known)}.")
    elif error.validator == "enum":
        message = (
            f"`{error.instance}` is none of {', '.join(map(str, error.validator_value))}"
            f"{nearest(str(error.instance), map(str, error.validator_value))}"
        )
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        message = f"{', '.join(f'`{key}`' for key in missing)} is missing"
    elif error.validator in ("oneOf", "anyOf"):
        message = f"has not one of the forms that docs/dashboard.md shows: {error.instance}"
    return f"{where}: {message}"


def encode(type_name: str, values: list) -> dict:
    """One column, small: dates as days, texts as places in a list, numbers as they are."""
    if type_name == "DATE":
        return {
            "kind": "date",
            "values": [None if value is None else (value - EPOCH).days for value in values],
        }
    if type_name == "BOOLEAN":
        return {
            "kind": "boolean",
            "values": [None if value is None else int(value) for value in values],
        }
    if type_name.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U")):
        return {"kind": "number", "values": [None if v is None else int(v) for v in values]}
    if type_name.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        numbers = [None if value is None else float(f"{float(value):.8g}") for value in values]
        return {
            "kind": "number",
            "values": [int(n) if n is not None and n == int(n) else n for n in numbers],
        }
    texts = [None if value is None else str(value) for value in values]
    dictionary = sorted({text for text in texts if text is not None})
    place = {text: number for number, text in enumerate(dictionary)}
    return {
        "kind": "text",
        "dictionary": dictionary,
        "values": [None if text is None else place[text] for text in texts],
    }


def ask(connection, sql: str) -> Table:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    types = [str(column[1]) for column in cursor.description]
    rows = cursor.fetchall()
    columns = [
        encode(type_name, [row[number] for row in rows]) for number, type_name in enumerate(types)
    ]
    return Table(names, columns, len(rows))


def why_not(error: duckdb.Error, connection) -> str:
    """DuckDB's message on one line, with the nearest column or table that there is."""
    message = " ".join(str(error).split("\nLINE ")[0].split("\n\nLINE ")[0].split())
    column = re.search(r'Referenced column "([^"]+)" not found', message)
    table = MISSING_TABLE.search(message)
    if column:
        known = connection.execute(
            "select distinct column_name from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
        message = f"there is no column `{column[1]}`" + nearest(
            column[1], [row[0] for row in known]
        )
        candidates = re.search(r"Candidate bindings: (.*)", str(error))
        message += f" (it reads: {candidates[1]})" if candidates else ""
    elif table:
        known = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        message = f"there is no table `{table[1]}`" + nearest(table[1], [row[0] for row in known])
    return message


def columns_named(part: dict) -> list[tuple[str, str]]:
    """(setting, column) for each column that a tile or chart names."""
    named = [
        (setting, part[setting])
        for setting in (
            "by",
            "dimension",
            "step",
            "number",
            "rows",
            "columns",
            "x",
            "mature",
            "old_enough",
        )
        if isinstance(part.get(setting), str)
    ]
    named += [("mature_on", part["mature_on"])] if "mature_on" in part else []
    named += [(key, part[key]) for key in ("from", "to", "position", "value") if key in part]
    named += [("dimension", name) for name in part.get("dimensions", [])]
    named += [("where", name) for name in part.get("where", {})]
    for measure in [part.get("measure"), part.get("interval"), *part.get("measures", [])]:
        if not measure:
            continue
        for setting in ("sum", "mean", "last", "max", "mature", "text"):
            if setting in measure:
                named.append((setting, measure[setting]))
        named += [("ratio", name) for name in measure.get("ratio", [])]
    return named


def problems_of(board: Board, definitions: set[str]) -> list[str]:
    """What the charts name that their queries do not give."""
    problems, seen = [], set()
    for word, part in board.parts():
        here = f"{board.path}: {word} `{part['id']}`"
        if part["id"] in seen:
            problems.append(f"{here}: the id stands twice on this board")
        seen.add(part["id"])
        if part["query"] not in board.tables:
            queries = board.content["queries"]
            problems.append(
                f"{here}: there is no query `{part['query']}`{nearest(part['query'], queries)}"
                f" There are: {', '.join(queries)}."
            )
            continue
        table = board.tables[part["query"]]
        for setting, name in columns_named(part):
            if not table.missing and name not in table.names:
                problems.append(
                    f"{here}: {setting} names the column `{name}`, which query"
                    f" `{part['query']}` does not give{nearest(name, table.names)}"
                    f" It gives: {', '.join(table.names)}."
                )
        if definitions and not table.missing and part["definition"] not in definitions:
            problems.append(
                f"{here}: definition `{part['definition']}` is no published metric or table"
                f"{nearest(part['definition'], definitions)}"
            )
    return problems


def fill(boards: list[Board], connection, definitions: set[str]) -> None:
    """Ask all queries and check all charts; BoardError says everything that is wrong."""
    problems = []
    for board in boards:
        bad = set()
        for name, query in board.content["queries"].items():
            try:
                table = ask(connection, query["sql"])
            except duckdb.Error as error:
                missing = MISSING_TABLE.search(str(error))
                if missing and missing[1] in query.get("optional", []):
                    table = Table(missing=missing[1])
                else:
                    users = [
                        f"{word} `{part['id']}`"
                        for word, part in board.parts()
                        if part["query"] == name
                    ]
                    problems.append(
                        f"{board.path}: query `{name}` (for {', '.join(users) or 'no chart'}):"
                        f" {why_not(error, connection)}"
                    )
                    bad.add(name)
                    table = Table(missing=name)
            time = query.get("time")
            if time and not table.missing and time not in table.names:
                problems.append(
                    f"{board.path}: query `{name}`: time names the column `{time}`, which it does"
                    f" not give{nearest(time, table.names)} It gives: {', '.join(table.names)}."
                )
            board.tables[name] = table
        problems += problems_of(board, definitions)
    if problems:
        raise BoardError(problems)
