"""Every KPI table once more, in pandas, from the published facts alone.

Written from the descriptions in the yml beside the models, and shares no SQL with them.

    facts = Facts(Warehouse(bench).frame, "Europe/Copenhagen")
    TABLES["kpi_support"].make(facts)

Each section of the marts has a module. What they share is in words, what holds a table against a
built one in compare.
"""

from . import (
    accounts,
    acquisition,
    activation,
    adoption,
    attribution,
    behaviour,
    expansion,
    funnels,
    journeys,
    paths,
    retention,
)
from .compare import Comparison, Recomputed, Warehouse, compared
from .words import TABLES, Facts, Table

__all__ = [
    "TABLES",
    "Comparison",
    "Facts",
    "Recomputed",
    "Table",
    "Warehouse",
    "accounts",
    "acquisition",
    "activation",
    "adoption",
    "attribution",
    "behaviour",
    "compared",
    "expansion",
    "funnels",
    "journeys",
    "paths",
    "retention",
]
