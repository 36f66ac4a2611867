"""The published marts in a PostgreSQL database: `python -m tools.publish_postgres`.

The server is the one that libpq's own variables name (PGHOST, PGPORT, PGUSER, PGDATABASE,
PGPASSFILE or PGPASSWORD, PGSERVICE), or JOURNEY_POSTGRES_DSN. A password is taken from there, never
from the command line, and never printed.

The published file is loaded into a schema that nobody may enter (`marts_loading`), with comments
and primary keys; each table is then hashed on both sides, and only if all are equal does the schema
take the name `marts`, in one transaction. If anything fails before, the old schema is untouched.

Readers see whole generations. A transaction that begins by reading `marts.publication` sees one
generation to its end, however many queries it asks: the exchange waits for it. Views in other
schemas that read the marts, and privileges given on them, are carried over to the new tables.

JOURNEY_POSTGRES_SCHEMA  the schema, `marts`
JOURNEY_POSTGRES_READER  the role that may read it and nothing else, `customer_journey_reader`; it
                         cannot log in: whoever may read is made a member of it
"""

import io
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tools import descriptions
from tools.publish import PUBLISHED, SCHEMA, PublicationError, quoted, views_over_marts

MARK = "customer_journey, generation "  # how the comment on a schema of ours begins
LOCK_TIMEOUT = "60s"  # for a reader's transaction that began before the exchange
BATCH = 50_000  # rows in memory at a time
LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer ones off
# DuckDB's types and those they become; what is not here goes by the functions below
TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20, 0)",
    "HUGEINT": "numeric(39, 0)",
    "UHUGEINT": "numeric(39, 0)",
    "FLOAT": "double precision",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "UUID": "uuid",
    "DATE": "date",
    # UTC, and without a zone as in the file: with one, each tool would show another hour
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "JSON": "jsonb",
}


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # in DuckDB
    comment: str
    has_nul: bool = False

    @property
    def is_nested(self) -> bool:
        return self.kind == "JSON" or bool(re.search(r"\]$|^(STRUCT|MAP|UNION)\(", self.kind))

    @property
    def type(self) -> str | None:
        """The type in PostgreSQL; none if there is none."""
        if self.is_nested:
            return "jsonb"
        if self.kind.startswith("DECIMAL("):
            return self.kind.replace("DECIMAL", "numeric")
        if self.kind.startswith("ENUM("):
            return "text"
        return TYPES.get(self.kind)

    @property
    def value(self) -> str:
        """What DuckDB hands over."""
        name = quoted(self.name)
        if self.has_nul:
            return f"replace(cast({name} as varchar), chr(0), chr(65533))"
        if self.is_nested:
            return (
                f"cast(to_json({name}) as varchar)" if self.kind != "JSON" else f"{name}::varchar"
            )
        if self.kind == "FLOAT":
            return f"cast({name} as double)"
        # as texts: what a CSV writer would print as a number, or not at all
        if "HUGEINT" in self.kind or self.kind in ("UUID", "UBIGINT") or "TIME" in self.kind:
            return f"cast({name} as varchar)"
        return f"cast({name} as varchar)" if self.kind.startswith("ENUM(") else name

    def hashed(self, in_duckdb: bool) -> str:
        """The same text on both sides; of a floating number its bits, since digits may differ."""
        name = quoted(self.name)
        if self.type == "double precision":
            if in_duckdb:
                return f"cast(cast({self.value} as bit) as varchar)"
            return f"('x' || encode(float8send({name}), 'hex'))::bit(64)::text"
        return f"cast({self.value} as varchar)" if in_duckdb else f"{name}::text"


@dataclass(frozen=True)
class Relation:
    name: str
    columns: list[Column]
    comment: str
    view: str = ""  # its text where it is a view over other marts
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    live: str
    loading: str
    before: str
    reader: str


def names() -> Names:
    live = os.environ.get("JOURNEY_POSTGRES_SCHEMA") or SCHEMA
    reader = os.environ.get("JOURNEY_POSTGRES_READER") or "customer_journey_reader"
    found = Names(live, f"{live}_loading", f"{live}_before", reader)
    for name in (found.loading, reader):
        check_name(name, "JOURNEY_POSTGRES_SCHEMA or JOURNEY_POSTGRES_READER")
    return found


def check_name(name: str, where: str) -> None:
    if len(name.encode()) > LONGEST_NAME:
        raise PublicationError(
            f"{where}: the name {name} is longer than the {LONGEST_NAME} bytes that PostgreSQL"
            " keeps of one."
        )


# ---------------------------------------------------------------- the server


def connect() -> psycopg.Connection:
    """A connection to the server that the environment names."""
    dsn = os.environ.get("JOURNEY_POSTGRES_DSN", "")
    if not dsn and not any(os.environ.get(f"PG{each}") for each in ("HOST", "HOSTADDR", "SERVICE")):
        raise PublicationError(
            "no PostgreSQL is named: set PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSFILE, or"
            " JOURNEY_POSTGRES_DSN (docs/connect.md); `python -m tools.postgres up` starts one to"
            " try with."
        )
    misread = PublicationError(
        "JOURNEY_POSTGRES_DSN cannot be read. Its form is postgresql://user@host:5432/database;"
        " in a password, write characters such as @ / : # ? % as %40 %2F %3A %23 %3F %25, or leave"
        " it out and set PGPASSFILE."
    )
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error:
        raise misread from None  # the message would repeat part of it
    password = parts.get("password") or ""
    # with a character that should have been escaped, part of a password passes for host or port
    user = dsn.partition("://")[2].partition("@")[0] if "@" in dsn else ""
    if "://" in dsn and (dsn.count("@") > 1 or (":" in user and not password)):
        raise misread
    try:
        return psycopg.connect(
            dsn,
            autocommit=True,
            application_name="customer_journey publication",
            options="-c timezone=UTC -c search_path=pg_catalog -c client_min_messages=warning"
            " -c standard_conforming_strings=on -c statement_timeout=0",
            client_encoding="utf8",
        )
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[-1]
        if password:
            said = said.replace(password, "***")
        raise PublicationError(f"PostgreSQL cannot be reached: {said}") from None


@contextmanager
def alone(connection: psycopg.Connection, schema: str):
    """Nobody else loads this schema meanwhile; the server forgets the lock with the connection."""
    locked = connection.execute(
        "select pg_try_advisory_lock(hashtext('customer_journey'), hashtext(%s))", [schema]
    ).fetchone()[0]
    if not locked:
        raise PublicationError(f"another publication into the schema {schema} is under way.")
    yield


def check_server(connection: psycopg.Connection, name: Names, found: list[Relation]) -> None:
    """What would make the load fail late, or harm somebody else's tables."""
    encoding = connection.execute("show server_encoding").fetchone()[0]
    if encoding != "UTF8":
        raise PublicationError(
            f"the database has the encoding {encoding}; the marts need one made with UTF8."
        )
    for schema in (name.live, name.loading, name.before):
        row = connection.execute(
            "select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace"
            " where nspname = %s",
            [schema],
        ).fetchone()
        if row and not row[0].startswith(MARK):
            raise PublicationError(
                f"the database has a schema {schema} that no publication has written, and it would"
                " be replaced. Drop it, or let JOURNEY_POSTGRES_SCHEMA name another one."
            )
    if not exists(connection, name.live):
        return
    there = connection.execute(
        "select relname from pg_class where relkind in ('r', 'v', 'm', 'p', 'f')"
        " and relnamespace = (select oid from pg_namespace where nspname = %s) order by 1",
        [name.live],
    ).fetchall()
    known = connection.execute(
        sql.SQL("select table_name from {}").format(sql.Identifier(name.live, "publication"))
    ).fetchall()
    ours = {row[0] for row in known} | {relation.name for relation in found}
    if foreign := [row[0] for row in there if row[0] not in ours]:
        raise PublicationError(
            f"somebody has made {', '.join(foreign)} in the schema {name.live}, which is replaced"
            " as a whole. Move it to a schema of its own: alter table or view … set schema …"
        )


def make_reader(connection: psycopg.Connection, name: Names) -> None:
    row = connection.execute(
        "select rolsuper or rolcreaterole or rolname = current_user from pg_roles"
        " where rolname = %s",
        [name.reader],
    ).fetchone()
    if row and row[0]:
        raise PublicationError(
            f"{name.reader} may do more than read: let JOURNEY_POSTGRES_READER name another role."
        )
    if row:
        return
    statement = sql.SQL("create role {} nologin").format(sql.Identifier(name.reader))
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        raise PublicationError(
            f"there is no role {name.reader} and this user may not make one. Have an administrator"
            f" run: {statement.as_string(connection)};"
        ) from None


# ---------------------------------------------------------------- what is loaded


def relations(source: duckdb.DuckDBPyConnection) -> list[Relation]:
    """The published tables, then the views over them."""
    catalog = source.execute("select current_database()").fetchone()[0]
    views = views_over_marts(source, catalog)
    comments = dict(
        source.execute(
            "select table_name, comment from duckdb_tables() where schema_name = ?"
            " union all select view_name, comment from duckdb_views() where schema_name = ?",
            [SCHEMA, SCHEMA],
        ).fetchall()
    )
    columns: dict[str, list[Column]] = {}
    for table, column, kind, comment in source.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where schema_name = ? order by table_name, column_index",
        [SCHEMA],
    ).fetchall():
        columns.setdefault(table, []).append(Column(column, kind, comment or ""))
        check_name(table, "table")
        check_name(column, f"a column of {table}")
        if columns[table][-1].type is None:
            raise PublicationError(
                f"{table}.{column} has the type {kind}, for which PostgreSQL is given none. Cast it"
                " in the model to text, a number, a date or a timestamp."
            )
    described = descriptions.read()
    found = []
    for name in sorted(columns, key=lambda name: (name in views, name)):
        key = described[name].key if name in described else ()
        there = {column.name for column in columns[name]}
        found.append(
            Relation(
                name,
                columns[name],
                comments.get(name) or "",
                views.get(name, ""),
                key if there.issuperset(key) else (),
            )
        )
    return found


def without_nul(source: duckdb.DuckDBPyConnection, table: Relation) -> Relation:
    """PostgreSQL's text cannot hold the character NUL: it gets U+FFFD instead, and that is said."""
    texts = [each for each in table.columns if each.type == "text"]
    if table.view or not texts:
        return table
    counts = source.execute(
        "select "
        + ", ".join(f"count(*) filter (where contains({each.value}, chr(0)))" for each in texts)
        + f" from {SCHEMA}.{quoted(table.name)}"
    ).fetchone()
    having = {each.name: count for each, count in zip(texts, counts, strict=True) if count}
    for column, count in having.items():
        print(
            f"{table.name}.{column}: the character NUL, which PostgreSQL cannot hold, is U+FFFD"
            f" there, in {count} row(s)"
        )
    return replace(
        table, columns=[replace(each, has_nul=each.name in having) for each in table.columns]
    )


def create(connection: psycopg.Connection, schema: str, table: Relation) -> None:
    columns = sql.SQL(", ").join(
        # nested values come as text and are made jsonb once they are compared
        sql.SQL("{} {}").format(
            sql.Identifier(each.name), sql.SQL("text" if each.is_nested else each.type)
        )
        for each in table.columns
    )
    connection.execute(
        sql.SQL("create table {} ({})").format(sql.Identifier(schema, table.name), columns)
    )


def copy(
    source: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, table: Relation
) -> None:
    """All rows, a batch at a time: what is in memory does not grow with the table."""
    values = ", ".join(f"{each.value} as {quoted(each.name)}" for each in table.columns)
    reader = source.execute(f"select {values} from {SCHEMA}.{quoted(table.name)}").to_arrow_reader(
        BATCH
    )
    # frozen: a transaction that began before the load sees rows and not an empty table
    statement = sql.SQL("copy {} from stdin (format csv, freeze)").format(
        sql.Identifier(schema, table.name)
    )
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    with connection.cursor() as cursor, cursor.copy(statement) as target:
        for batch in reader:
            text = io.BytesIO()
            pa.csv.write_csv(pa.Table.from_batches([batch]), text, options)
            target.write(text.getbuffer())


def translated(view: Relation, schema: str) -> str:
    """The view's text in PostgreSQL's words, over the tables of `schema`."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(view.view, read="duckdb")
    for table in tree.find_all(exp.Table):
        table.set("db", exp.to_identifier(schema, quoted=True))
    return tree.sql(dialect="postgres", identify=True)


def comment(connection: psycopg.Connection, schema: str, relation: Relation) -> None:
    where = sql.Identifier(schema, relation.name)
    statements = [
        sql.SQL("comment on {} {} is {}").format(
            sql.SQL("view" if relation.view else "table"), where, sql.Literal(relation.comment)
        )
    ]
    statements += [
        sql.SQL("comment on column {} is {}").format(
            sql.Identifier(schema, relation.name, each.name), sql.Literal(each.comment)
        )
        for each in relation.columns
        if each.comment
    ]
    connection.execute(sql.SQL("; ").join(statements))


def load(
    source: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, table: Relation
) -> None:
    """One relation in the new schema, with the same rows as the published one."""
    if table.view:
        try:
            load_view(source, connection, schema, table)
            return
        except (psycopg.ProgrammingError, PublicationError) as error:
            why = without_values(error) if isinstance(error, psycopg.Error) else "other values"
            print(f"{table.name}: a table, since PostgreSQL cannot be given the view ({why})")
            where = sql.Identifier(schema, table.name)
            connection.execute(sql.SQL("drop view if exists {}").format(where))
            table = without_nul(source, replace(table, view=""))
    try:
        with connection.transaction():
            create(connection, schema, table)
            copy(source, connection, schema, table)
            comment(connection, schema, table)
        compare(source, connection, schema, table)
        with connection.transaction():
            finish(connection, schema, table)
    except psycopg.Error as error:
        raise PublicationError(f"{table.name}: {without_values(error)}") from error


def load_view(
    source: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, view: Relation
) -> None:
    """The view itself, which costs no room; nobody says that both engines mean the same by it."""
    with connection.transaction():
        connection.execute(translated(view, schema))
        comment(connection, schema, view)
    compare(source, connection, schema, view)


def finish(connection: psycopg.Connection, schema: str, table: Relation) -> None:
    where = sql.Identifier(schema, table.name)
    for each in table.columns:
        if each.is_nested:
            connection.execute(
                sql.SQL("alter table {} alter {} type jsonb using {}::jsonb").format(
                    where, sql.Identifier(each.name), sql.Identifier(each.name)
                )
            )
    if table.key:
        keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
        connection.execute(sql.SQL("alter table {} add primary key ({})").format(where, keys))
    connection.execute(sql.SQL("analyze {}").format(where))


def without_values(error: psycopg.Error) -> str:
    """What PostgreSQL says, without the rows' values: these may be anybody's."""
    said = error.diag.message_primary or str(error).splitlines()[0]
    place = re.search(r"^COPY [^,]+, line \d+(, column [^:]+)?", error.diag.context or "")
    return f"{said} ({place.group()})" if place else said


def compare(
    source: duckdb.DuckDBPyConnection, connection: psycopg.Connection, schema: str, table: Relation
) -> None:
    """Count and hash the rows on both sides."""

    def query(relation: str, number: str, in_duckdb: bool) -> str:
        row = " || '|' || ".join(
            f"coalesce({each.hashed(in_duckdb)}, '\\N')" for each in table.columns
        )
        return f"select count(*), sum({number.format(row=row)}) from {relation}"

    name = quoted(table.name)
    here = source.execute(
        query(f"{SCHEMA}.{name}", "cast('0x' || left(md5({row}), 15) as bigint)", True)
    ).fetchone()
    there = connection.execute(
        query(f"{quoted(schema)}.{name}", "('x' || left(md5({row}), 15))::bit(60)::bigint", False)
    ).fetchone()
    if (here[0], int(here[1] or 0)) != (there[0], int(there[1] or 0)):
        what = "rows" if here[0] != there[0] else "rows, but not the same values"
        raise PublicationError(
            f"{table.name} did not arrive as it is published: {there[0]} of {here[0]} {what}."
        )


# ---------------------------------------------------------------- the exchange


def grant(connection: psycopg.Connection, schema: str, reader: str) -> None:
    """The reader may enter the schema and read what is in it, and whatever is added."""
    for statement in (
        "grant usage on schema {} to {}",
        "grant select on all tables in schema {} to {}",
        "alter default privileges in schema {} grant select on tables to {}",
    ):
        connection.execute(
            sql.SQL(statement).format(sql.Identifier(schema), sql.Identifier(reader))
        )


def carry_grants_over(connection: psycopg.Connection, name: Names) -> None:
    """Whatever else anybody has been allowed on the old schema, its tables and their columns."""
    rows = connection.execute(
        """
        with given as (
            select null as relation, null as attribute, nspowner as owner, a.*
            from pg_namespace cross join aclexplode(nspacl) as a where nspname = %(live)s
            union all
            select c.relname, null, c.relowner, a.*
            from pg_class c cross join aclexplode(c.relacl) as a
            where c.relnamespace = (select oid from pg_namespace where nspname = %(live)s)
            union all
            select c.relname, t.attname, c.relowner, a.*
            from pg_class c join pg_attribute t on t.attrelid = c.oid
            cross join aclexplode(t.attacl) as a
            where c.relnamespace = (select oid from pg_namespace where nspname = %(live)s)
        )
        select relation, attribute, privilege_type, is_grantable,
            case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
        from given
        where grantee <> owner and (relation is null or exists (
            select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = %(loading)s and c.relname = relation and (
                attribute is null or exists (
                    select 1 from pg_attribute t where t.attrelid = c.oid and t.attname = attribute
                )
            )
        ))
        """,
        {"live": name.live, "loading": name.loading},
    ).fetchall()
    for relation, attribute, privilege, is_grantable, grantee in rows:
        what = sql.SQL(privilege)
        if attribute:
            what = sql.SQL("{} ({})").format(what, sql.Identifier(attribute))
        if relation:
            target = sql.Identifier(name.loading, relation)
        else:
            target = sql.SQL("schema {}").format(sql.Identifier(name.loading))
        connection.execute(
            sql.SQL("grant {} on {} to {}{}").format(
                what,
                target,
                sql.SQL(grantee),
                sql.SQL(" with grant option" if is_grantable else ""),
            )
        )


def views_outside(connection: psycopg.Connection, schema: str) -> list[tuple[str, str, str]]:
    """Other people's views on the marts: name, options, and text; raises for what cannot follow."""
    rows = connection.execute(
        """
        select distinct d.classid::regclass::text, pg_describe_object(d.classid, d.objid, 0),
            v.relkind::text, v.oid::regclass::text,
            array_to_string(v.reloptions, ', '), pg_get_viewdef(v.oid)
        from pg_depend d
        join pg_class c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = %(schema)s
        left join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
        left join pg_class v on v.oid = r.ev_class
        left join pg_constraint o on o.oid = d.objid and d.classid = 'pg_constraint'::regclass
        left join pg_class f on f.oid = o.conrelid
        where d.deptype = 'n' and (
            (v.oid is not null and v.relnamespace <> n.oid)
            or (f.oid is not null and f.relnamespace <> n.oid)
            or d.classid = 'pg_proc'::regclass
        )
        """,
        {"schema": schema},
    ).fetchall()
    for kind, what, relkind, relation, _, _ in rows:
        if kind != "pg_rewrite" or relkind != "v":
            held = f"the materialized view {relation}" if relkind == "m" else what
            raise PublicationError(
                f"{held} hangs on a table of {schema} and would go on showing the old one. Drop it"
                " and make it again after each publication, or make an ordinary view of it."
            )
    return [(relation, options or "", text) for _, _, _, relation, options, text in rows]


def exchange(connection: psycopg.Connection, name: Names) -> None:
    """The loaded schema takes the live one's name, for everybody at once."""
    live, loading, before = map(sql.Identifier, (name.live, name.loading, name.before))
    drop(connection, name.before)  # one that a reader held when the last publication ended
    with connection.transaction():
        connection.execute(sql.SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
        grant(connection, name.loading, name.reader)
        if exists(connection, name.live):
            publication = sql.Identifier(name.live, "publication")
            try:
                connection.execute(
                    sql.SQL("lock table {} in access exclusive mode").format(publication)
                )
            except psycopg.errors.LockNotAvailable:
                raise PublicationError(
                    f"a reader's transaction that has read {name.live}.publication stays open for"
                    f" more than {LOCK_TIMEOUT} (pg_stat_activity shows whose). Publish again once"
                    " it has ended."
                ) from None
            carry_grants_over(connection, name)
            views = views_outside(connection, name.live)
            connection.execute(sql.SQL("alter schema {} rename to {}").format(live, before))
        else:
            views = []
        connection.execute(sql.SQL("alter schema {} rename to {}").format(loading, live))
        for view, options, text in views:
            with_options = f" with ({options})" if options else ""
            try:
                connection.execute(f"create or replace view {view}{with_options} as {text}")
            except psycopg.Error as error:
                raise PublicationError(
                    f"the view {view} reads the marts and does not fit the new ones:"
                    f" {without_values(error)}. Change it or drop it, and publish again."
                ) from None


def exists(connection: psycopg.Connection, schema: str) -> bool:
    found = connection.execute("select 1 from pg_namespace where nspname = %s", [schema])
    return found.fetchone() is not None


def drop(connection: psycopg.Connection, schema: str) -> None:
    """Drop a schema of ours; without `cascade`, so that nobody else's things go with it."""
    rows = connection.execute(
        "select relname, relkind = 'v' from pg_class where relkind in ('r', 'v')"
        " and relnamespace = (select oid from pg_namespace where nspname = %s)",
        [schema],
    ).fetchall()
    try:
        with connection.transaction():
            connection.execute(sql.SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
            for kind, is_view in (("view", True), ("table", False)):
                listed = [sql.Identifier(schema, row[0]) for row in rows if row[1] == is_view]
                if listed:
                    connection.execute(
                        sql.SQL("drop {} {}").format(sql.SQL(kind), sql.SQL(", ").join(listed))
                    )
            connection.execute(sql.SQL("drop schema if exists {}").format(sql.Identifier(schema)))
    except psycopg.errors.LockNotAvailable:
        raise PublicationError(
            f"a reader's transaction still reads the tables of {schema} (pg_stat_activity shows"
            " whose). Publish again once it has ended."
        ) from None
    except psycopg.errors.DependentObjectsStillExist as error:
        raise PublicationError(
            f"something hangs on the tables of {schema}, which are to go:"
            f" {error.diag.message_detail}"
        ) from None


def publish(published: Path = PUBLISHED) -> tuple[int, int]:
    """Load what is published; its generation and the number of tables and views."""
    if not published.exists():
        raise PublicationError(f"there is no {published}: run `make publish` first.")
    name = names()
    try:
        with (
            duckdb.connect(str(published), read_only=True) as source,
            connect() as connection,
            alone(connection, name.live),
        ):
            source.execute("set timezone = 'UTC'")
            found = relations(source)
            generation = source.execute(f"select max(generation) from {SCHEMA}.publication")
            generation = generation.fetchone()[0]
            check_server(connection, name, found)
            make_reader(connection, name)
            drop(connection, name.loading)  # of a publication that was cut off
            create_schema(connection, name, generation)
            try:
                for relation in found:
                    load(source, connection, name.loading, without_nul(source, relation))
                exchange(connection, name)
            except BaseException:
                clean_up(connection, name.loading)
                raise
            if exists(connection, name.before):
                drop_quietly(connection, name.before)
    except (duckdb.Error, OSError) as error:
        raise PublicationError(str(error).splitlines()[0]) from error
    except psycopg.Error as error:
        raise PublicationError(without_values(error)) from error
    return generation, len(found)


def create_schema(connection: psycopg.Connection, name: Names, generation: int) -> None:
    try:
        with connection.transaction():
            schema = sql.Identifier(name.loading)
            connection.execute(sql.SQL("create schema {}").format(schema))
            connection.execute(
                sql.SQL("comment on schema {} is {}").format(
                    schema, sql.Literal(f"{MARK}{generation}")
                )
            )
    except psycopg.errors.InsufficientPrivilege:
        raise PublicationError(
            "this user may not make a schema in the database. Have an administrator run:"
            f" grant create on database {connection.info.dbname} to {connection.info.user};"
        ) from None


def clean_up(connection: psycopg.Connection, schema: str) -> None:
    """Remove a half-loaded schema; where that fails, the next publication does it."""
    with suppress(psycopg.Error, PublicationError):
        drop(connection, schema)


def drop_quietly(connection: psycopg.Connection, schema: str) -> None:
    try:
        drop(connection, schema)
    except PublicationError as error:
        print(f"the generation before stays as {schema} until the next publication: {error}")


def tell(published: Path = PUBLISHED) -> None:
    started = time.monotonic()
    generation, count = publish(published)
    name = names()
    print(
        f"published: PostgreSQL schema {name.live}, generation {generation}, {count} tables and"
        f" views, readable for {name.reader}, {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    from tools import publish_targets

    sys.exit(publish_targets.send(PUBLISHED, ["postgres"]))
