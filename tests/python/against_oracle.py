"""Every table that the oracle computes, held against the built one: row for row, all columns.

    truth = Truth(bench)
    truth.difference("fct_sessions")  # what only one of the two has, or None

What is left out stands here, each with its reason; test_differential.py sees to it that nothing
else is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import harness
import oracle
import yaml
from harness import ROOT, Bench, Difference, equal_but_for_rounding
from worlds import AS_OF

FOLDERS = ("events", "catalogues", "identity", "sessions", "journey", "conversions")
PREFIXES = ("fct_", "dim_", "bridge_")
# offer -> the key of what its rows are copies or versions of
OFFERS = {
    "events": "event_id",
    "identity_links": "link_row_id",
    "ad_spend": "spend_id",
    **{offer: kind.key for offer, kind in oracle.RECORDS.items()},
}

LAST_BUILD = "what the last build touched, which hangs on the deliveries before it"
A_LOG = "a log of builds; test_identity.py tells its story"
ON_THE_WAY = "half of a thought: what follows from it is compared in every column"
NOT_COMPARED = {
    "int_dirty_events": LAST_BUILD,
    "int_dirty_records": LAST_BUILD,
    "int_dirty_endpoints": LAST_BUILD,
    "int_dirty_persons": LAST_BUILD,
    "int_dirty_identifiers": LAST_BUILD,
    "int_identity_changes": A_LOG,
    "int_journey_candidates": ON_THE_WAY,
    "int_journey_ends": ON_THE_WAY,
    "int_journey_bars": ON_THE_WAY,
    "int_journey_admissions": ON_THE_WAY,
    "int_journey_visits": ON_THE_WAY,
    "bridge_person_identifiers_history": A_LOG,
}
# Columns of a table that say what group a row is in. Which member the group is called after is
# free, so that groups are compared by their members: table -> (the group's name, the member).
GROUPS = {
    "int_identity_strong_clusters": ("component_id", "node_id"),
    "int_identity_weak_components": ("component_id", "node_id"),
    "int_identity_neighbourhoods": ("component_id", "node_id"),
    "int_identifiers_attached": ("cluster_id", "identifier_id"),
    "int_identifiers_resolved": ("neighbourhood_id", "identifier_id"),
}
# Points in time that change nothing may be left out of the models' table.
MAY_BE_THINNED = {
    "int_stage_points": lambda row: row["kind"] == "activity" and row["stage_number"] == 1,
}


@dataclass
class Truth:
    """The canonical tables of a bench, and what the oracle makes of them."""

    bench: Bench
    settings: oracle.Settings = field(init=False)
    canonical: oracle.Canonical = field(init=False)
    result: oracle.Result = field(init=False)

    def __post_init__(self):
        self.canonical = oracle.Canonical(
            **{offer: self.bench.rows(f"intermediate.int_{offer}_unioned") for offer in OFFERS}
        )
        of_project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
        names = oracle.Settings.__dataclass_fields__.keys() - {"as_of"}
        given = {**of_project, **self.bench.variables}
        as_of = datetime.fromisoformat(given["as_of"]) if given["as_of"] else AS_OF
        self.settings = oracle.Settings(as_of, **{name: given[name] for name in names})
        taxonomy = oracle.Taxonomy.read(ROOT / self.bench.taxonomy)
        self.result = oracle.run(self.canonical, taxonomy, self.settings)

    @cached_property
    def columns(self) -> dict[str, set[str]]:
        """Of every table of the bench."""
        with self.bench.connect() as connection:
            found = harness.columns_of(connection)
        return {table.split(".")[-1]: set(columns) for table, columns in found.items()}

    def columns_compared(self, table: str) -> list[str]:
        rows = self.result.tables[table]
        return sorted(rows[0].keys() & self.columns[table]) if rows else []

    def columns_of_one_side(self, table: str) -> set[str]:
        """What only the oracle or only the built table has."""
        rows = self.result.tables[table]
        only = rows[0].keys() ^ self.columns[table] if rows else set()
        return only

    def difference(self, table: str) -> Difference | None:
        """What only one of the two has; floats within 1e-9 are one."""
        columns = self.columns_compared(table)
        schema = "intermediate" if table.startswith("int_") else "marts"
        ours, theirs = (
            Counter(tuple(row[name] for name in columns) for row in called_alike(table, rows))
            for rows in (self.result.tables[table], self.bench.rows(f"{schema}.{table}"))
        )
        only_ours, only_theirs = (
            sorted(one.elements(), key=repr) for one in (ours - theirs, theirs - ours)
        )
        if table in MAY_BE_THINNED:
            may_go = MAY_BE_THINNED[table]
            only_ours = [
                row for row in only_ours if not may_go(dict(zip(columns, row, strict=True)))
            ]
        if equal_but_for_rounding(only_ours, only_theirs):
            return None
        return Difference(f"{schema}.{table}", columns, only_ours, only_theirs)

    def values(self) -> dict[str, int]:
        """`table.column` -> how many values of it are compared; NULL is one."""
        return {
            f"{table}.{name}": len({row[name] for row in rows})
            for table, rows in self.result.tables.items()
            for name in self.columns_compared(table)
        }


def called_alike(table: str, rows: list[dict]) -> list[dict]:
    """Rows whose groups are called after their smallest member."""
    if table not in GROUPS:
        return rows
    name, member = GROUPS[table]
    members = defaultdict(list)
    for row in rows:
        members[row[name]].append(row[member])
    smallest = {group: min(of_group) for group, of_group in members.items() if group is not None}
    return [{**row, name: smallest.get(row[name])} for row in rows]


def models_to_compare(bench: Bench) -> set[str]:
    """The workshop's steps and the facts, dimensions and bridges that there are."""
    found = set()
    for node in bench.manifest().nodes.values():
        if node.resource_type == "model":
            layer, folder, *_ = node.path.split("/")
            is_step = layer == "intermediate" and folder in FOLDERS
            if is_step or (layer == "marts" and node.name.startswith(PREFIXES)):
                found.add(node.name)
    return found
