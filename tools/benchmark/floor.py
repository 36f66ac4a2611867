"""The physical floor: every raw row read once and written as a table. Goals are multiples of it.

python -m tools.benchmark.floor raw-folder database
"""

import sys
from pathlib import Path

import duckdb


def main(raw: Path, database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        for number, table in enumerate(sorted(raw.glob("*/*"))):
            connection.execute(
                f"create table t{number} as select * from read_parquet('{table}/*.parquet')"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
