"""dbt on the embedded Spark: `python -m tools.spark build [dbt's own options]`.

Finds the Iceberg runtime, keeps all of Spark's files in the folder .spark, gives the session the
one function that SQL lacks, and calls dbt in this process. One process at a time: the embedded
metastore is Derby.
"""

import functools
import glob
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JAR = "iceberg-spark-runtime-3.5_2.12-1.10.2.jar"


def prepare() -> None:
    """Set what profiles.yml reads. The profile's paths are relative, so dbt runs in the root."""
    from snowpark_connect_deps_iceberg import get_jar_path

    os.environ.setdefault("JOURNEY_ICEBERG_JAR", str(get_jar_path(JAR)))
    os.environ["JOURNEY_TARGET"] = "spark"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("DBT_PROFILES_DIR", str(ROOT))
    # a folder of its own: else each change of engine throws dbt's parsed files away
    os.environ.setdefault("DBT_TARGET_PATH", "target/spark")
    os.chdir(ROOT)
    folder().mkdir(parents=True, exist_ok=True)


def folder() -> Path:
    """Where Spark keeps tables, metastore and logs: profiles.yml reads the same variable."""
    return Path(os.environ.get("JOURNEY_SPARK_FOLDER") or ".spark")


@functools.cache  # once per process, however often dbt is called
def add_functions() -> None:
    """Give each new session the function journey_files_exist: SQL alone fails on a missing file."""
    from pyspark.sql import SparkSession

    get_or_create = SparkSession.Builder.getOrCreate
    equipped = set()  # the sessions that have it; registering asks for the session once more

    def get_or_create_with_functions(builder):
        session = get_or_create(builder)
        if id(session) not in equipped:
            equipped.add(id(session))
            session.udf.register(
                "journey_files_exist", lambda path: bool(glob.glob(path)), "boolean"
            )
        return session

    SparkSession.Builder.getOrCreate = get_or_create_with_functions


def invoke(arguments: list[str]):
    """One dbt call; dbtRunner's result."""
    from dbt.cli.main import dbtRunner

    prepare()
    add_functions()
    return dbtRunner().invoke(arguments)


def main() -> int:
    try:
        return 0 if invoke(sys.argv[1:]).success else 1
    except ModuleNotFoundError as error:
        print(f"{error}: run `make install-spark` and use .venv-spark.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
