"""Reads frames from a built warehouse, and holds a table of the oracle against the built one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from harness import Bench, columns_of

from .words import Frame, Table

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Warehouse:
    """Frames of a built warehouse; it is only open while one is read."""

    bench: Bench

    def frame(self, name: str) -> Frame:
        """A table by its name: money as whole ten-thousandths, seeds as text."""
        exact = ", ".join(
            f"cast(replace(cast({column} as varchar), '.', '') as bigint) as {column}"
            for column, kind in self.kinds(name).items()
            if kind.startswith("DECIMAL")
        )
        replaced = f" replace ({exact})" if exact else ""
        with self.bench.connect() as connection:
            return connection.execute(f"select *{replaced} from {_schema(name)}.{name}").df()

    def kinds(self, name: str) -> dict[str, str]:
        """Column -> type."""
        found = self.columns[f"{_schema(name)}.{name}"]
        for column, kind in found.items():
            assert not kind.startswith("DECIMAL") or kind.endswith(",4)"), (name, column, kind)
        return found

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        with self.bench.connect() as connection:
            return columns_of(connection, ["marts", "taxonomy"])


@dataclass(frozen=True)
class Recomputed:
    """Frames of the facts that oracle/ has computed from canonical rows; all others are a
    warehouse's."""

    tables: dict[str, list[dict]]
    warehouse: Warehouse

    def frame(self, name: str) -> Frame:
        if name not in self.tables:
            return self.warehouse.frame(name)
        rows, kinds = self.tables[name], self.warehouse.kinds(name)
        return Frame({column: self._column(rows, column, kinds[column]) for column in kinds})

    def _column(self, rows: list[dict], column: str, kind: str) -> pd.Series:
        values = [row.get(column) for row in rows]
        if kind in ("DATE", "TIMESTAMP"):
            return pd.to_datetime(pd.Series(values, dtype=object)).astype("datetime64[us]")
        if kind.startswith("DECIMAL"):
            values = [None if value is None else int(value.scaleb(4)) for value in values]
            return pd.Series(values, dtype=float)
        if kind in ("BIGINT", "DOUBLE"):
            return pd.Series(values, dtype=float)
        return pd.Series(values, dtype={"VARCHAR": "str", "BOOLEAN": "boolean"}[kind])


def _schema(name: str) -> str:
    is_mart = name.startswith(("fct_", "dim_", "bridge_", "kpi_", "metric_"))
    return "marts" if is_mart else "taxonomy"


@dataclass
class Comparison:
    """What a table of the oracle and the built one do not have in common."""

    table: str
    rows: int  # compared
    values: int
    missing: list[str]  # columns that the oracle does not make
    only_ours: list[tuple]
    only_theirs: list[tuple]
    unequal: dict[str, list[str]]  # column -> rows as text
    counts: dict[str, int]

    @property
    def is_equal(self) -> bool:
        return not (self.missing or self.only_ours or self.only_theirs or self.unequal)

    def __str__(self) -> str:
        lines = [f"{self.table}: {self.rows} rows in both"]
        if self.missing:
            lines.append(f"  not computed: {', '.join(self.missing)}")
        for name, keys in (("the oracle", self.only_ours), ("the table", self.only_theirs)):
            if keys:
                lines.append(f"  {len(keys)} rows only in {name}, such as {keys[:3]}")
        for column, rows in self.unequal.items():
            lines.append(f"  {column}: {self.counts[column]} rows differ")
            lines += [f"    {row}" for row in rows]
        return "\n".join(lines)


def compared(
    table: Table,
    ours: Frame,
    theirs: Frame,
    kinds: dict[str, str],
    shown: int = 3,
) -> Comparison:
    keys = list(table.keys)
    # the key of a row is the md5 of its grain, which is compared instead
    wanted = [name for name in theirs if name not in keys and not name.endswith("_id")]
    ours, theirs = (frame.set_index(_keys(frame, keys, kinds)) for frame in (ours, theirs))
    for name, frame in (("the oracle", ours), ("the table", theirs)):
        twice = frame.index[frame.index.duplicated()]
        assert twice.empty, f"{name} has {len(twice)} keys twice, such as {twice[:3].tolist()}"
    both = ours.index.intersection(theirs.index).sort_values()
    unequal, counts = {}, {}
    for column in wanted:
        if column not in ours:
            continue
        left, right = ours.loc[both, column], theirs.loc[both, column]
        differs = ~_equal(left, right, kinds[column])
        if differs.any():
            counts[column] = int(differs.sum())
            unequal[column] = [
                f"{_named(keys, key)}: {one!r} by the oracle, {two!r} in the table"
                for key, one, two in zip(
                    both[differs][:shown],
                    left[differs][:shown].tolist(),
                    right[differs][:shown].tolist(),
                    strict=True,
                )
            ]
    return Comparison(
        table.name,
        len(both),
        len(both) * len(wanted),
        [column for column in wanted if column not in ours] if len(ours) else [],
        sorted(ours.index.difference(theirs.index)),
        sorted(theirs.index.difference(ours.index)),
        unequal,
        counts,
    )


def _named(keys: list[str], key) -> str:
    values = key if isinstance(key, tuple) else (key,)
    return ", ".join(f"{name}={value}" for name, value in zip(keys, values, strict=True))


def _keys(frame: Frame, keys: list[str], kinds: dict[str, str]) -> pd.MultiIndex:
    """As texts, so that a missing value is a value."""
    columns = []
    for key in keys:
        values = frame[key]
        if kinds[key] == "DATE":
            values = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        elif kinds[key] == "BIGINT":
            values = values.map("{:.0f}".format)
        columns.append(values.astype(object).where(values.notna(), "NULL"))
    return pd.MultiIndex.from_arrays(columns, names=keys)


def _equal(left: pd.Series, right: pd.Series, kind: str) -> np.ndarray:
    nothing = left.isna().to_numpy() & right.isna().to_numpy()
    if kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL"):
        one, two = (side.to_numpy(dtype=float, na_value=np.nan) for side in (left, right))
        if kind != "DOUBLE":
            return nothing | (one == two)
        # a bound that is 0 but for the last bit has no relative error
        return nothing | np.isclose(one, two, rtol=TOLERANCE, atol=1e-12, equal_nan=False)
    if kind == "BOOLEAN":
        one, two = (side.astype(object).map(_yes_or_no).to_numpy() for side in (left, right))
    else:
        one, two = (side.astype(object).to_numpy() for side in (left, right))
    return nothing | (one == two)


def _yes_or_no(value) -> bool | None:
    return None if pd.isna(value) else bool(value)
