"""dbt on PostgreSQL: `python -m tools.postgres_dbt build [dbt's own options]`.

It builds in the database that PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSFILE (or PGPASSWORD)
name; without PGHOST in that of tools/postgres.py, which it starts and leaves running. PostgreSQL
cannot read parquet, so before the first model the files of the raw tables are copied into it: each
file once, a changed one anew. What SQL lacks there stands in tools/postgres_functions.sql.
"""

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tools import postgres

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "tools" / "postgres_functions.sql"
ENGINE_SCHEMA = "journey_engine"
BUILD_DATABASE = "journey_build"
LONGEST_NAME = 63
# of every connection; to compile the statistics' long statements takes longer than to run them
SETTINGS = f"-c search_path=public,{ENGINE_SCHEMA} -c timezone=UTC -c jit=off"

# DuckDB's types by PostgreSQL's names; what is not here (lists, structs, maps) becomes JSON text
TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20, 0)",
    "HUGEINT": "numeric(39, 0)",
    "UHUGEINT": "numeric(39, 0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "UUID": "text",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "JSON": "text",
}


class BuildError(Exception):
    """Why dbt cannot begin, and what to do."""


def server() -> dict[str, str]:
    """Where to build: what the environment names, or else the project's own server."""
    if os.environ.get("PGHOST"):
        return {}
    return postgres.up(database=BUILD_DATABASE)


def connect():
    """A connection as libpq's own variables say."""
    import psycopg2

    try:
        return psycopg2.connect(
            host=os.environ.get("PGHOST", "127.0.0.1"),
            port=os.environ.get("PGPORT", "5432"),
            user=os.environ.get("PGUSER", "journey"),
            dbname=os.environ.get("PGDATABASE", "journey"),
            options=os.environ["PGOPTIONS"] + " -c lock_timeout=60s",
        )
    except psycopg2.OperationalError as error:
        raise BuildError(
            f"PostgreSQL does not answer: {str(error).strip()}\nSet PGHOST, PGPORT, PGUSER,"
            " PGDATABASE and PGPASSFILE, or unset PGHOST to take a server of the project's own."
        ) from error


def prepare() -> None:
    """The database is one on which the models give what they give elsewhere; it gets its words."""
    import psycopg2

    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('server_encoding'), datcollate, datctype, datname,"
            " current_setting('server_version_num')::int"
            " from pg_database where datname = current_database()"
        )
        encoding, collation, letters, name, version = cursor.fetchone()
        if version < 150000:
            raise BuildError(f"PostgreSQL 15 or newer is needed, this is {version // 10000}.")
        unicode_letters = letters.lower().replace("-", "").endswith("utf8")
        if encoding != "UTF8" or not is_bytewise(collation) or not unicode_letters:
            raise BuildError(
                f"the database {name} has encoding {encoding}, collation {collation} and letters"
                f" {letters}. Text has to be ordered by its bytes and every letter to have its"
                " lower case, as on the other engines. Make a database for it:\n  create database"
                f" {BUILD_DATABASE} template template0 encoding 'UTF8' locale 'C.UTF-8';"
            )
        try:
            # two builds that begin at once would write the same functions
            cursor.execute("select pg_advisory_xact_lock(hashtext('journey_engine'))")
            cursor.execute(FUNCTIONS.read_text(encoding="utf-8"))
        except psycopg2.errors.InsufficientPrivilege as error:
            raise BuildError(
                f"{str(error).strip()}. The build makes schemas of its own: grant create on"
                f" database {name} to {os.environ.get('PGUSER', 'journey')};"
            ) from error


def is_bytewise(collation: str) -> bool:
    return collation.upper().replace("-", "") in ("C", "POSIX", "C.UTF8")


def quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    if len(name.encode()) > LONGEST_NAME:
        raise BuildError(
            f"the name {name} has more than {LONGEST_NAME} bytes, and PostgreSQL would cut it off:"
            " give the raw column or table a shorter one."
        )
    return '"' + name.replace('"', '""') + '"'


def asked_of_files(sql: str) -> list[tuple]:
    """The rows of a query over files, which DuckDB answers in this process."""
    import duckdb

    with duckdb.connect() as reader:
        return reader.execute(sql).fetchall()


def expression(name: str, kind: str) -> str:
    """A raw column as PostgreSQL can hold it: no NUL in text, and nothing nested."""
    column = quoted_name(name)
    if kind not in TYPES and not kind.startswith(("DECIMAL", "ENUM", "BLOB")):
        column = f"to_json({column})"
    if type_here(kind) == "text":
        return f"replace(cast({column} as varchar), chr(0), chr(65533))"
    if kind == "BLOB":
        return f"'\\x' || hex({column})"
    return column


def type_here(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return kind.lower()
    return "bytea" if kind == "BLOB" else TYPES.get(kind, "text")


def source_of(files: list[str], path: str) -> str:
    """DuckDB's reader of these files of a path, as macros/engine/files.sql has it."""
    listed = "[" + ", ".join(map(quoted_text, files)) + "]"
    if path.endswith(".parquet"):
        return f"read_parquet({listed}, union_by_name = true, filename = 'journey file')"
    return (
        f"read_csv({listed}, all_varchar = true, header = true, null_padding = true,"
        " parallel = false, quote = '\"', escape = '\"', filename = 'journey file')"
    )


class RawTable:
    """One raw table: the rows of its files in <schema>_rows, and before them a view, which is what
    the models read."""

    def __init__(self, schema: str, table: str, path: str):
        self.schema, self.table, self.path = schema, table, path
        self.view = f"{quoted_name(schema)}.{quoted_name(table)}"
        self.rows = f"{quoted_name(schema + '_rows')}.{quoted_name(table)}"

    def load(self, connection, reader) -> bool:
        """Copy what is new; whether the view was dropped, and with it what stands on it."""
        listed = f"select file from glob({quoted_text(self.path)}) order by file"
        files = [row[0] for row in reader.execute(listed).fetchall()]
        on_disk = {file: (os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files}
        with connection.cursor() as cursor:
            cursor.execute(
                f"select file, file_number, bytes, modified_ns from {ENGINE_SCHEMA}.loaded_files"
                " where relation = %s",
                [self.view],
            )
            known = {row[0]: row[1:] for row in cursor.fetchall()}
            gone = [file for file in known if known[file][1:] != on_disk.get(file)]
            new = [file for file in files if known.get(file, (0,))[1:] != on_disk[file]]
            if not gone and not new:
                return False
            if not self.path.endswith(".parquet"):  # the first header names the columns of all
                gone, new = list(known), files
            columns = {
                name: kind
                for name, kind, *_ in reader.execute(
                    f'describe select * exclude ("journey file") from {source_of(files, self.path)}'
                ).fetchall()
            }
            was_dropped = self.shape(cursor, columns)
            self.forget(cursor, known, gone)
            self.copy(cursor, reader, columns, new, on_disk)
            cursor.execute(f"analyze {self.rows}")
        return was_dropped

    def shape(self, cursor, columns: dict[str, str]) -> bool:
        """The table has these columns and the view shows them."""
        cursor.execute(f"create schema if not exists {quoted_name(self.schema)}")
        cursor.execute(f"create schema if not exists {quoted_name(self.schema + '_rows')}")
        cursor.execute(f"create table if not exists {self.rows} (file_number bigint not null)")
        cursor.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 1 and not attisdropped order by attnum",
            [self.rows],
        )
        there = dict(cursor.fetchall())
        # the table's own column can share its name with nothing of the user's
        wanted = {f"raw {name}": type_here(kind) for name, kind in columns.items()}
        for name in wanted:
            quoted_name(name)
        changed = {
            name
            for name, kind in wanted.items()
            if name in there and not self.is_same_type(cursor, there[name], kind)
        }
        was_dropped = bool(changed) or any(name not in wanted for name in there)
        if was_dropped:
            cursor.execute(f"drop view if exists {self.view} cascade")
        for name, kind in wanted.items():
            if name not in there:
                cursor.execute(f"alter table {self.rows} add column {quoted_name(name)} {kind}")
            elif name in changed:
                cursor.execute(
                    f"alter table {self.rows} alter column {quoted_name(name)} type {kind}"
                    f" using cast({quoted_name(name)} as {kind})"
                )
        for name in there:
            if name not in wanted:
                cursor.execute(f"alter table {self.rows} drop column {quoted_name(name)}")
        ordered = [name for name in there if name in wanted]
        ordered += [name for name in wanted if name not in there]
        shown = ", ".join(
            f"{quoted_name(name)} as {quoted_name(name.removeprefix('raw '))}" for name in ordered
        )
        cursor.execute(f"create or replace view {self.view} as select {shown} from {self.rows}")
        return was_dropped

    @staticmethod
    def is_same_type(cursor, there: str, wanted: str) -> bool:
        cursor.execute(
            "select to_regtype(%s) = to_regtype(%s)", [there.split("(")[0], wanted.split("(")[0]]
        )
        # numeric(10,2) and numeric(18,4) have one name
        same_name = cursor.fetchone()[0]
        precise = [
            text.split("(")[1:] for text in (there.replace(" ", ""), wanted.replace(" ", ""))
        ]
        return same_name and ("decimal" not in wanted or precise[0] == precise[1])

    def forget(self, cursor, known: dict, gone: list[str]) -> None:
        if gone:
            numbers = [known[file][0] for file in gone]
            cursor.execute(f"delete from {self.rows} where file_number = any(%s)", [numbers])
            cursor.execute(
                f"delete from {ENGINE_SCHEMA}.loaded_files where relation = %s and file = any(%s)",
                [self.view, gone],
            )

    def copy(self, cursor, reader, columns: dict[str, str], files: list[str], on_disk) -> None:
        if not files:
            return
        numbers = {}
        for file in files:
            cursor.execute(
                f"insert into {ENGINE_SCHEMA}.loaded_files (relation, file, bytes, modified_ns)"
                " values (%s, %s, %s, %s) returning file_number",
                [self.view, file, *on_disk[file]],
            )
            numbers[file] = cursor.fetchone()[0]
        source = source_of(files, self.path)
        here = {row[0] for row in reader.execute(f"describe select * from {source}").fetchall()}
        # a file without a column has it as NULL; a type is that of all files together
        chosen = [
            expression(name, kind) if name in here else "null" for name, kind in columns.items()
        ]
        number = " ".join(
            f"when {quoted_text(file)} then {number}" for file, number in numbers.items()
        )
        typed = ", ".join(
            f"cast({quoted_name(name)} as {kind}) as {quoted_name(name)}"
            for name, kind in columns.items()
            if name in here
        )
        names = ", ".join(quoted_name(f"raw {name}") for name in columns)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.csv"
            reader.execute(
                f'copy (select case "journey file" {number} end, {", ".join(chosen)}'
                f' from (select "journey file", {typed} from {source}))'
                f" to {quoted_text(str(path))}"
                " (format csv, header false, nullstr '\\N', force_quote *, quote '\"', escape '\"')"
            )
            with path.open("rb") as rows:
                cursor.copy_expert(
                    f"copy {self.rows} (file_number, {names}) from stdin"
                    " (format csv, null '\\N', encoding 'UTF8')",
                    rows,
                )


def views() -> str:
    """The query for all views."""
    return "select schemaname, viewname from pg_views where schemaname !~ '^(pg_|information_)'"


def load_files(adapter, schema: str, table: str, path: str) -> None:
    """Called by macros/engine/files.sql for each raw table whose files exist."""
    import duckdb
    import psycopg2
    from dbt_common.exceptions import DbtRuntimeError

    try:
        copy_files(adapter, schema, table, path)
    except (BuildError, OSError, duckdb.Error, psycopg2.Error) as error:
        raise DbtRuntimeError(
            f"the files at {path} cannot be copied into {schema}.{table}: {str(error).strip()}"
        ) from error


def copy_files(adapter, schema: str, table: str, path: str) -> None:
    import duckdb

    with closing(connect()) as connection, connection, duckdb.connect() as reader:
        with connection.cursor() as cursor:
            cursor.execute(views())
            before = set(cursor.fetchall())
        reader.execute("set timezone = 'UTC'")
        if RawTable(schema, table, path).load(connection, reader):
            # dbt read at its start which relations there are
            with connection.cursor() as cursor:
                cursor.execute(views())
                for gone in before - set(cursor.fetchall()):
                    adapter.cache.drop(
                        adapter.Relation.create(
                            database=adapter.config.credentials.database,
                            schema=gone[0],
                            identifier=gone[1],
                        )
                    )


def add_methods() -> None:
    """Give dbt's adapter what SQL cannot do from within the server: ask for files and read them."""
    from dbt.adapters.postgres import PostgresAdapter

    methods = {
        "journey_asked_of_files": lambda adapter, sql: asked_of_files(sql),
        "journey_load_files": load_files,
    }
    for name, method in methods.items():
        setattr(PostgresAdapter, name, method)
    PostgresAdapter._available_ = PostgresAdapter._available_ | frozenset(methods)


def invoke(arguments: list[str]):
    """One dbt call; dbtRunner's result."""
    from dbt.cli.main import dbtRunner

    os.environ["JOURNEY_TARGET"] = "postgres"
    if SETTINGS not in os.environ.get("PGOPTIONS", ""):
        os.environ["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} {SETTINGS}".strip()
    os.environ.setdefault("DBT_PROFILES_DIR", str(ROOT))
    # a folder of its own: else each change of engine throws dbt's parsed files away
    os.environ.setdefault("DBT_TARGET_PATH", "target/postgres")
    os.chdir(ROOT)
    os.environ.update(server())
    prepare()
    add_methods()
    return dbtRunner().invoke(arguments)


def main() -> int:
    is_own = not os.environ.get("PGHOST")
    try:
        outcome = invoke(sys.argv[1:])
    except ModuleNotFoundError as error:
        print(f"{error}: run `make install-postgres` and use .venv-postgres.", file=sys.stderr)
        return 2
    except (BuildError, postgres.ServerError) as error:
        print(f"no build on PostgreSQL: {error}", file=sys.stderr)
        return 1
    if is_own:
        print(
            f"The database {BUILD_DATABASE} runs on port {os.environ['PGPORT']} of this machine:"
            " `python -m tools.postgres env` says how to reach it, `… down` stops it."
        )
    return 0 if outcome.success else 1


if __name__ == "__main__":
    sys.exit(main())
