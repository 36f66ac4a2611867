"""Every KPI table once more, in pandas, from the published facts alone.

Written from the descriptions in the yml beside the models, and shares no SQL with them.

    facts = Facts(read, "Europe/Copenhagen")  # read(name): a fact, a dimension or a seed as a frame
    TABLES["kpi_support"].make(facts)

Each section of the marts has a module: acquisition, activation, adoption, expansion, retention and
accounts. What they share is in words, what holds a table against a built one in compare.
"""

from . import accounts, acquisition, activation, adoption, expansion, retention
from .compare import Comparison, compared, from_database
from .words import TABLES, Facts, Table

__all__ = [
    "TABLES",
    "Comparison",
    "Facts",
    "Table",
    "accounts",
    "acquisition",
    "activation",
    "adoption",
    "compared",
    "expansion",
    "from_database",
    "retention",
]
