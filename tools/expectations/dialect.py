"""DuckDB as Great Expectations needs it: a SQLAlchemy dialect that keeps its results.

Great Expectations reads a result after it has given the connection back, and duckdb-engine has no
result any more then. Here a cursor fetches all its rows at once; they are few, the counting is
done in SQL.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import duckdb
import duckdb_engine
from sqlalchemy import text, types
from sqlalchemy.dialects import registry

SCHEMA = "marts"
NAME = "buffered_duckdb"
# of a type that is not here Great Expectations knows nothing, and compares as DuckDB does
TYPES = {
    "BOOLEAN": types.Boolean,
    "INTEGER": types.Integer,
    "BIGINT": types.BigInteger,
    "HUGEINT": types.BigInteger,
    "DOUBLE": types.Double,
    "DECIMAL": types.Numeric,
    "DATE": types.Date,
    "TIMESTAMP": types.DateTime,
    "VARCHAR": types.String,
}


class BufferedCursor(duckdb_engine.CursorWrapper):
    """The rows of the last statement, read from the database when it was executed."""

    _rows: Iterator[tuple] = iter(())
    _description: list[tuple] | None = None

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        super().execute(statement, parameters, context)
        connection = self.connection
        self._description = connection.description
        self._rows = iter(connection.fetchall() if self._description else ())

    @property
    def description(self) -> list[tuple] | None:
        return self._description

    @property
    def rowcount(self) -> int:
        return -1

    def fetchone(self) -> tuple | None:
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple]:
        return [row for _, row in zip(range(size or 1), self._rows, strict=False)]

    def fetchall(self) -> list[tuple]:
        return list(self._rows)


class BufferedConnection(duckdb_engine.ConnectionWrapper):
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self.proper = connection

    def cursor(self) -> BufferedCursor:
        return BufferedCursor(self.proper, self)


# Great Expectations holds on to a connection of its own, which no dispose() reaches
OPEN: WeakSet[BufferedConnection] = WeakSet()


def close_connections() -> None:
    """Let go of every file that was opened here."""
    for connection in list(OPEN):
        connection.close()
        OPEN.discard(connection)


class BufferedDialect(duckdb_engine.Dialect):
    supports_statement_cache = False

    def connect(self, *arguments: Any, **options: Any) -> BufferedConnection:
        # duckdb-engine keeps the connection proper under a private name
        connection = super().connect(*arguments, **options)._ConnectionWrapper__c
        connection.execute(f"set schema = '{SCHEMA}'")
        buffered = BufferedConnection(connection)
        OPEN.add(buffered)
        return buffered

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any):
        """Names and types; duckdb-engine asks catalogs of PostgreSQL that DuckDB has not all of."""
        rows = connection.execute(
            text(
                "select column_name, data_type, is_nullable from duckdb_columns()"
                " where database_name = current_database() and schema_name = :schema"
                " and table_name = :table order by column_index"
            ),
            {"schema": schema or SCHEMA, "table": table_name},
        ).fetchall()
        return [
            {
                "name": name,
                "type": TYPES.get(data_type.split("(")[0], types.NullType)(),
                "nullable": nullable,
                "default": None,
            }
            for name, data_type, nullable in rows
        ]


registry.register(NAME, __name__, BufferedDialect.__name__)
