"""Connected components of a table of edges by a library: texts in, texts out.

    python -m tools.benchmark.peers.components scipy|igraph|networkx edges.parquet out-folder

Reads node_a and node_b, and writes out-folder/components.parquet: node_id, and component_id, which
is the smallest node_id of the component. out-folder/work.json says how many CPU seconds that took
without the start of Python and the import of the library.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def numbered(edges: pa.Table):
    """Both ends as numbers, and the texts that they stand for."""
    both = pa.chunked_array(
        edges["node_a"].chunks + edges["node_b"].chunks, type=edges["node_a"].type
    )
    found = both.combine_chunks().dictionary_encode()
    numbers = found.indices.to_numpy()
    return numbers[: len(edges)], numbers[len(edges) :], found.dictionary


def named(labels, texts: pa.Array) -> pa.Table:
    """Each text with the smallest one of its label."""
    import numpy as np
    import pyarrow.compute as pc

    order = pc.array_sort_indices(texts).to_numpy()
    # the first of a label in the order of the texts is its smallest
    _, first, inverse = np.unique(labels[order], return_index=True, return_inverse=True)
    smallest = np.empty(len(labels), dtype=np.int64)
    smallest[order] = order[first][inverse]
    return pa.table({"node_id": texts, "component_id": texts.take(pa.array(smallest))})


def with_scipy() -> Callable[[pa.Table], pa.Table]:
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def components(edges: pa.Table) -> pa.Table:
        a, b, texts = numbered(edges)
        matrix = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), (len(texts), len(texts)))
        return named(connected_components(matrix, directed=False)[1], texts)

    return components


def with_igraph() -> Callable[[pa.Table], pa.Table]:
    import igraph
    import numpy as np

    def components(edges: pa.Table) -> pa.Table:
        a, b, texts = numbered(edges)
        graph = igraph.Graph(n=len(texts), edges=np.column_stack([a, b]))
        return named(np.array(graph.connected_components("weak").membership), texts)

    return components


def with_networkx() -> Callable[[pa.Table], pa.Table]:
    import networkx

    def components(edges: pa.Table) -> pa.Table:
        graph = networkx.Graph()
        graph.add_edges_from(
            zip(edges["node_a"].to_pylist(), edges["node_b"].to_pylist(), strict=True)
        )
        nodes, smallest = [], []
        for component in networkx.connected_components(graph):
            nodes.extend(component)
            smallest.extend([min(component)] * len(component))
        return pa.table({"node_id": nodes, "component_id": smallest})

    return components


LIBRARIES = {"scipy": with_scipy, "igraph": with_igraph, "networkx": with_networkx}


def main(library: str, edges: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    components = LIBRARIES[library]()
    began = time.process_time()
    pq.write_table(components(pq.read_table(edges)), out / "components.parquet", compression="zstd")
    work = time.process_time() - began
    (out / "work.json").write_text(json.dumps({"cpu_seconds": work}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
