"""One dbt command in this process, with the CPU seconds of each node: started by measure.py.

    python -m tools.benchmark.worker nodes.json build --full-refresh

dbt works on one thread here, or one node's time would be another's too; DuckDB uses all cores all
the same.
"""

import json
import sys
import time
from pathlib import Path

from dbt.cli.main import dbtRunner


def main(told: Path, arguments: list[str]) -> int:
    began: dict[str, float] = {}
    nodes: dict[str, float] = {}

    def note(event) -> None:
        if event.info.name == "NodeStart":
            began[event.data.node_info.unique_id] = time.process_time()
        elif event.info.name == "NodeFinished":
            node = event.data.node_info.unique_id
            nodes[node] = time.process_time() - began[node]

    outcome = dbtRunner(callbacks=[note]).invoke([*arguments, "--threads", "1"])
    told.write_text(json.dumps(nodes))
    return 0 if outcome.success else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
