"""The whole project on data that nobody here made: `python -m tools.real [names …] [--data PATH]`.

Each folder of examples/ holds what is needed to read one data set in place: `vars.yml` (dbt vars),
`taxonomy/` (the seeds that differ from seeds/taxonomy) and `published.yml` (numbers known from
others, with the question to our tables). Builds warehouse/real_<name>.duckdb and prints the numbers
side by side, as the table of docs/real_data.md. Exit code 1 where one is not as expected.

The data lie in the folder --data, or JOURNEY_SHARED_DATA, or ../shared/data.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import yaml

from tools import hash_key

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
# dbt takes seeds from folders inside the project only
WORK = ROOT / "target" / "real"


class RealError(Exception):
    """What a user can put right; the message says how."""


@dataclass(frozen=True)
class Number:
    """One published number (or row of numbers) and ours."""

    example: str
    what: str
    published: object
    expected: object  # ours on purpose: differs from `published` only where `why` says why
    why: str
    ours: object

    @property
    def is_as_expected(self) -> bool:
        return self.ours == self.expected


@dataclass(frozen=True)
class Build:
    """One data set under one set of vars, and the questions to what comes out."""

    example: str
    name: str
    variables: dict
    select: list[str]
    questions: list[dict]

    def database(self, folder: Path) -> Path:
        return folder / f"real_{self.name}.duckdb"


def data_folder(given: str | None = None) -> Path:
    """The folder with the data sets; RealError where it is absent."""
    folder = Path(given or os.environ.get("JOURNEY_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        raise RealError(
            f"there is no folder {folder}; name the one that holds the data sets with --data"
            " or JOURNEY_SHARED_DATA"
        )
    return folder.resolve()


def example_names() -> list[str]:
    return sorted(path.parent.name for path in EXAMPLES.glob("*/vars.yml"))


def builds_of(example: str) -> list[Build]:
    """The builds that an example asks for: itself, and each entry of `again`."""
    folder = EXAMPLES / example
    if not (folder / "vars.yml").is_file():
        raise RealError(f"there is no example `{example}`; there are {', '.join(example_names())}")
    variables = yaml.safe_load((folder / "vars.yml").read_text())
    published = yaml.safe_load((folder / "published.yml").read_text())
    builds = [Build(example, example, variables, [], published["numbers"])]
    for name, again in published.get("again", {}).items():
        changed = {**variables, **again["vars"]}
        builds.append(
            Build(example, f"{example}_{name}", changed, again["select"], again["numbers"])
        )
    return builds


def lay_taxonomy(build: Build, work: Path) -> Path:
    """The project's seeds with those of the example over them."""
    folder = work / build.name / "taxonomy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "seeds" / "taxonomy", folder)
    own = EXAMPLES / build.example / "taxonomy"
    for seed in sorted(own.glob("*.csv")):
        if not (folder / seed.name).is_file():
            raise RealError(f"{seed.relative_to(ROOT)}: the project has no seed of this name")
        shutil.copy(seed, folder)
    return folder


def hash_key_path(work: Path) -> Path:
    """The user's key where he named one, else one of our own: these data hold nobody's address."""
    path = Path(os.environ.get("JOURNEY_HASH_KEY") or work / "hash_key.parquet").absolute()
    hash_key.create(path)
    return path


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_dbt(build: Build, data: Path, databases: Path, work: Path, threads: int = 1) -> float:
    """`dbt build` into a database of its own, made anew; the seconds that it took."""
    if not (data / build.example).is_dir():
        raise RealError(f"{build.example}: there is no folder {data / build.example}")
    taxonomy = lay_taxonomy(build, work)
    databases.mkdir(parents=True, exist_ok=True)
    database = build.database(databases)
    database.unlink(missing_ok=True)
    here = work / build.name
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
        "DO_NOT_TRACK": "1",
        "JOURNEY_TARGET": "duckdb",
        "JOURNEY_DATABASE": str(database),
        "JOURNEY_HASH_KEY": str(hash_key_path(work)),
        "JOURNEY_RAW": str(data),
        "JOURNEY_TAXONOMY": str(taxonomy.relative_to(ROOT)),
        "DBT_TARGET_PATH": str(here / "dbt"),
        "JOURNEY_THREADS": str(threads),
    }
    command = [Path(sys.executable).with_name("dbt"), "--quiet", "--no-use-colors"]
    command += ["--log-path", here / "logs", "build", "--vars", json.dumps(build.variables)]
    command += ["--exclude-resource-type", "unit_test"]  # these know the sample's taxonomy
    if build.select:
        # a part of the models, and of their tests those that ask for nothing else
        command += ["--select", *build.select, "--indirect-selection", "cautious"]
    started = time.monotonic()
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment, text=True, capture_output=True
    )
    if done.returncode != 0:
        said = " ".join(re.sub(r"^\d\d:\d\d:\d\d", "", done.stdout + done.stderr).split())
        raise RealError(
            f"{build.name}: dbt build failed: {said[:600]} (all of it: {here / 'logs' / 'dbt.log'})"
        )
    return time.monotonic() - started


def ask(build: Build, data: Path, databases: Path) -> list[Number]:
    """The answers of a built database."""
    numbers = []
    with duckdb.connect(str(build.database(databases)), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for question in build.questions:
            query = question["query"].replace("{data}", str(data).replace("'", "''"))
            row = [int(value) for value in connection.execute(query).fetchone()]
            published = question["published"]
            numbers.append(
                Number(
                    build.example,
                    question["what"],
                    published,
                    question.get("ours", published),
                    question.get("why", ""),
                    row if isinstance(published, list) else row[0],
                )
            )
    return numbers


def build_all(
    examples: Iterable[str], data: Path, databases: Path, work: Path = WORK, select: Sequence = ()
) -> list[tuple[Build, float]]:
    """Builds the examples, two at a time, one thread each; what was built and its seconds.

    `select`: only these of the models, where an example does not say so itself.
    """
    builds = [build for example in examples for build in builds_of(example)]
    builds = [replace(build, select=build.select or list(select)) for build in builds]
    work.mkdir(parents=True, exist_ok=True)
    hash_key_path(work)
    with ThreadPoolExecutor(max_workers=2) as pool:
        # the largest data set first, so that it does not run alone at the end
        order = sorted(builds, key=lambda build: -bytes_in(data / build.example))
        running = {
            build.name: pool.submit(run_dbt, build, data, databases, work) for build in order
        }
        return [(build, running[build.name].result()) for build in builds]


def shown(value: object) -> str:
    if isinstance(value, list):
        return " / ".join(shown(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def markdown(numbers: list[Number]) -> str:
    lines = ["| Data set | What | Published | Ours |", "|---|---|---|---|"]
    for number in numbers:
        remark = f" ({number.why})" if number.why else ""
        remark = remark if number.is_as_expected else f" **not {shown(number.expected)}**"
        cells = (number.example, number.what, shown(number.published), shown(number.ours) + remark)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.real", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(example_names())}; all if none")
    parser.add_argument("--data", help="folder that holds the data sets")
    arguments = parser.parse_args()
    databases = ROOT / "warehouse"
    try:
        data = data_folder(arguments.data)
        built = build_all(arguments.names or example_names(), data, databases)
    except RealError as error:
        print(f"real: {error}", file=sys.stderr)
        return 2
    numbers = []
    for build, seconds in built:
        database = build.database(databases).relative_to(ROOT)
        print(f"{build.name}: built in {seconds:.0f} s into {database}", file=sys.stderr)
        numbers += ask(build, data, databases)
    print(markdown(numbers))
    return 0 if all(number.is_as_expected for number in numbers) else 1


if __name__ == "__main__":
    sys.exit(main())
