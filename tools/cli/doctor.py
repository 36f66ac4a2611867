"""Is everything there that a build needs?

Each look gives findings: ok, a warning (a build runs, but look at it) or a problem (a build stops,
or goes wrong), each with what to do. Nothing is changed: dbt's own checks run against a small file
under target/, never against the build file.

Nothing but the standard library is imported at the top: the first thing that can be missing is the
environment.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from tools.advice import in_words
from tools.cli.words import moment, nearest, of
from tools.install import state

OK, WARNING, PROBLEM = "ok", "warning", "problem"
PYTHONS = ((3, 11), (3, 13))
LEAST_MEMORY = 2e9  # what the largest single tasks are tested within (docs/guarantees.md)
LEAST_DISK = 1e9
NEEDED = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "pyarrow", "pyyaml")


@dataclass(frozen=True)
class Finding:
    area: str
    level: str
    says: str
    do: str = ""  # how to mend it
    code: str = ""  # of docs/troubleshooting.md


@dataclass(frozen=True)
class Place:
    """Where to look; the tests look elsewhere."""

    root: Path = Path(".")
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def at(self, variable: str, otherwise: str) -> Path:
        return self.root / (self.environ.get(variable) or otherwise)

    @property
    def built(self) -> Path:
        return self.at("JOURNEY_DATABASE", "warehouse/build.duckdb")

    @property
    def published(self) -> Path:
        return self.at("JOURNEY_PUBLISHED", "warehouse/customer_journey.duckdb")

    @property
    def hash_key(self) -> Path:
        return self.at("JOURNEY_HASH_KEY", ".secrets/hash_key.parquet")

    @property
    def taxonomy(self) -> Path:
        return self.at("JOURNEY_TAXONOMY", "seeds/taxonomy")


# ---------------------------------------------------------------- environment


def python(place: Place, version: tuple[int, int] = sys.version_info[:2]) -> list[Finding]:
    low, high = PYTHONS
    if not low <= version <= high:
        return [
            Finding(
                "environment",
                PROBLEM,
                f"Python {version[0]}.{version[1]} is not one of 3.11, 3.12, 3.13",
                "make install PYTHON=python3.12 (or another of these that you have)",
            )
        ]
    return [Finding("environment", OK, f"Python {sys.version.split()[0]}")]


def environment(place: Place) -> list[Finding]:
    """Does .venv hold what the lock says?"""
    lock, venv = place.root / "requirements.txt", place.root / ".venv"
    if not (venv / "bin" / "python").exists():
        says = "there is no .venv: nothing is installed yet"
        return [Finding("environment", PROBLEM, says, "make install")]
    found = []
    stamp = venv / "installed"
    is_own = Path(sys.prefix).resolve() == venv.resolve()
    if not is_own:
        says = f"this runs in {sys.prefix}, not in the project's .venv"
        found.append(
            Finding("environment", WARNING, says, "./journey … instead of python -m tools")
        )
    elif not stamp.exists() or stamp.read_text() != state(lock.resolve(), venv.resolve()):
        says = ".venv was not made from requirements.txt as it is now"
        found.append(Finding("environment", PROBLEM, says, "make install"))
    strangers = other_versions(lock.read_text())
    if strangers:
        says = f"packages are not as locked: {'; '.join(strangers[:5])}"
        if len(strangers) > 5:
            says += f"; and {len(strangers) - 5} more"
        found.append(Finding("environment", PROBLEM, says, "rm .venv/installed && make install"))
    return found or [Finding("environment", OK, ".venv holds what requirements.txt says")]


def other_versions(lock: str) -> list[str]:
    """Installed packages of another version than the lock's, and needed ones that are missing."""
    locked: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock, re.M):
        locked.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    found = []
    for name, versions in sorted(locked.items()):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in NEEDED:
                found.append(f"{name} is missing")
            continue
        if installed not in versions:
            found.append(f"{name} is {installed}, the lock says {' or '.join(sorted(versions))}")
    return found


def disk(place: Place, free: int | None = None) -> list[Finding]:
    folder = place.built.parent
    while not folder.exists():
        folder = folder.parent
    if free is None:
        free = shutil.disk_usage(folder).free
    sizes = [path.stat().st_size if path.exists() else 0 for path in (place.built, place.published)]
    needed = max(LEAST_DISK, sum(sizes))
    shown = f"{in_words(free)} free in {folder.resolve()}"
    if free >= needed:
        return [Finding("environment", OK, f"{shown}; a build may need {in_words(needed)}")]
    return [
        Finding(
            "environment",
            PROBLEM if free < needed / 4 else WARNING,
            f"{shown}; a build may need {in_words(needed)} (as much again as what is there)",
            "make room, or let JOURNEY_DATABASE name a file on a larger disk",
        )
    ]


def memory(place: Place, total: int | None = None) -> list[Finding]:
    if total is None:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = place.environ.get("JOURNEY_MEMORY_LIMIT", "")
    if limit:
        size = in_bytes(limit)
        if size is None:
            says = f"JOURNEY_MEMORY_LIMIT is `{limit}`, which is no size"
            return [Finding("environment", PROBLEM, says, "write it like 8GB, or unset it")]
        if size > total:
            says = f"JOURNEY_MEMORY_LIMIT is {limit}, and the machine has {in_words(total)}"
            return [
                Finding("environment", WARNING, says, "lower it: what swaps is slow, or killed")
            ]
        usable = size
    else:
        usable = int(0.8 * total)
    if usable < LEAST_MEMORY:
        says = f"DuckDB may use {in_words(usable)} of memory; {in_words(LEAST_MEMORY)} are tested"
        do = "JOURNEY_THREADS=1, or raise JOURNEY_MEMORY_LIMIT; what does not fit goes to the disk"
        return [Finding("environment", WARNING, says, do)]
    return [Finding("environment", OK, f"DuckDB may use {in_words(usable)} of memory")]


def in_bytes(text: str) -> int | None:
    units = {"": 1, "k": 10, "m": 20, "g": 30, "t": 40}
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(i?)b(?:ytes)?", text.strip().lower())
    if not match:
        return None
    number, unit, binary = match.groups()
    power = units[unit]
    base = 1 if power == 1 else 2**power if binary else 10 ** (power // 10 * 3)
    return int(float(number) * base)


def java(place: Place, command: str = "java") -> list[Finding]:
    """Only where Spark is asked for."""
    do = "install Java 17 (Debian: apt install openjdk-17-jre-headless)"
    path = shutil.which(command)
    if path is None:
        return [Finding("environment", PROBLEM, "Spark needs Java, and there is none", do)]
    told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or version.group(1) not in ("8", "11", "17"):
        shown = told.splitlines()[0] if told else "a Java that does not tell its version"
        return [Finding("environment", PROBLEM, f"Spark 3.5 runs on Java 17; this is {shown}", do)]
    found = [Finding("environment", OK, f"Java {version.group(1)} for Spark")]
    if not (place.root / ".venv-spark" / "installed").exists():
        says = "the environment of Spark (.venv-spark) is not made yet"
        found.append(
            Finding("environment", WARNING, says, "make install-spark (the build does it)")
        )
    return found


# ---------------------------------------------------------------- profile


def variables(place: Place) -> list[Finding]:
    """JOURNEY_* variables: a misspelt one does nothing, without a word."""
    found = []
    known = known_variables(place.root)
    given = sorted(name for name in place.environ if name.startswith("JOURNEY_"))
    for name in given:
        if name not in known:
            says = f"nothing reads the variable {name}.{nearest(name, known)}"
            found.append(Finding("profile", WARNING, says, f"unset {name}, or correct its name"))
    target = place.environ.get("JOURNEY_TARGET", "duckdb")
    targets = declared_targets(place.root)
    if targets and target not in targets:
        says = f"JOURNEY_TARGET is `{target}`, which profiles.yml does not have."
        do = f"one of: {', '.join(targets)}"
        found.append(Finding("profile", PROBLEM, says + nearest(target, targets), do))
    threads = place.environ.get("JOURNEY_THREADS", "2")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", threads):
        says = f"JOURNEY_THREADS is `{threads}`"
        found.append(Finding("profile", PROBLEM, says, "write a whole number from 1, like 2"))
    if not place.taxonomy.is_dir():
        says = f"JOURNEY_TAXONOMY names {place.taxonomy}, which is no folder"
        found.append(Finding("profile", PROBLEM, says, "name the folder of the seeds, or unset it"))
    if found:
        return found
    said = f"profiles.yml, target {target}" + (f"; {', '.join(given)} set" if given else "")
    return [Finding("profile", OK, said)]


def known_variables(root: Path) -> set[str]:
    """Those that any file of the project names."""
    names = set()
    for pattern in ("*.yml", "Makefile", "macros/**/*.sql", "models/**/*.yml", "tools/**/*.py"):
        for path in root.glob(pattern):
            names.update(re.findall(r"\bJOURNEY_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    return names


def declared_targets(root: Path) -> list[str]:
    """The outputs of profiles.yml."""
    text = (root / "profiles.yml").read_text() if (root / "profiles.yml").exists() else ""
    _, _, outputs = text.partition("  outputs:\n")
    return re.findall(r"^    ([\w-]+):\s*$", outputs, re.M)


def profile(place: Place) -> list[Finding]:
    if not (place.root / "profiles.yml").exists():
        says = f"there is no profiles.yml in {place.root.resolve()}"
        return [Finding("profile", PROBLEM, says, "git checkout profiles.yml")]
    folder = place.environ.get("DBT_PROFILES_DIR")
    if folder and Path(folder).resolve() != place.root.resolve():
        says = f"DBT_PROFILES_DIR is {folder}: dbt reads another profiles.yml than the project's"
        return [Finding("profile", WARNING, says, "unset DBT_PROFILES_DIR, unless you mean it")]
    return []


def warehouse(place: Place) -> list[Finding]:
    """Can the build file be written, and is it one of this DuckDB's?"""
    built = place.built
    folder = built.parent
    if not folder.exists():
        return [Finding("profile", OK, f"{folder} is not there yet; a build makes it")]
    if not os.access(folder, os.W_OK | os.X_OK):
        do = f"chmod u+w {folder}, or let JOURNEY_DATABASE name a file in a folder of yours"
        return [Finding("profile", PROBLEM, f"{folder} cannot be written to", do)]
    if not built.exists():
        return [Finding("profile", OK, f"there is no {built} yet; a build makes it")]
    return [in_use(built) or openable(built, "profile")]


def in_use(path: Path) -> Finding | None:
    """Whether another process has the file open, as a build would find out."""
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(file, fcntl.LOCK_UN)
    except PermissionError:
        do = f"chmod u+w {path}"
        return Finding("profile", PROBLEM, f"{path} cannot be written to", do)
    except OSError:
        return Finding(
            "profile",
            PROBLEM,
            f"another process has {path} open: a build that runs, or a tool that reads it",
            f"wait for it, or close it{holder(path)}; readers belong on the published file",
        )
    return None


def holder(path: Path) -> str:
    """` (process 42)`, where the system tells it."""
    lines = Path("/proc/locks").read_text().splitlines() if Path("/proc/locks").exists() else []
    inode = f":{path.stat().st_ino}"
    found = [line.split()[4] for line in lines if line.split()[5].endswith(inode)]
    return f" (process {', '.join(dict.fromkeys(found))})" if found else ""


def openable(path: Path, area: str) -> Finding:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            count = connection.execute("select count(*) from duckdb_tables()").fetchone()[0]
    except duckdb.Error as error:
        return unreadable(path, area, str(error))
    size = in_words(path.stat().st_size)
    return Finding(area, OK, f"{path}: {of(count, 'table')}, {size}, DuckDB {duckdb.__version__}")


def unreadable(path: Path, area: str, message: str) -> Finding:
    import duckdb

    again = f"move it away and run make build FULL=1 (is it {path.name} of a backup? bring it back)"
    if "version number" in message:
        says = f"{path} was written by another version of DuckDB than {duckdb.__version__}"
        return Finding(
            area, PROBLEM, says, f"make install, which brings the locked one; or {again}"
        )
    if "lock on file" in message:
        says = f"{path} is being written to by another process{holder(path)}"
        return Finding(area, PROBLEM, says, "wait until the build is over")
    return Finding(area, PROBLEM, f"{path} cannot be read: {message.splitlines()[0]}", again)


def hash_key(place: Place) -> list[Finding]:
    path = place.hash_key
    if not path.exists():
        level = PROBLEM if place.built.exists() else WARNING
        do = (
            "bring your copy back: a new key does not meet the hashes that are in the tables"
            if place.built.exists()
            else "make build makes one; or .venv/bin/python -m tools.hash_key"
        )
        return [Finding("hash key", level, f"there is no hash key at {path}", do, "K1")]
    import pyarrow.lib
    import pyarrow.parquet as pq

    try:
        keys = pq.read_table(path)["hash_key"].to_pylist()
    except (OSError, KeyError, pyarrow.lib.ArrowException) as error:
        says = f"the hash key at {path} cannot be read: {str(error).splitlines()[0][:120]}"
        do = f"make it readable for you (chmod 600 {path}), or bring your copy back"
        return [Finding("hash key", PROBLEM, says, do, "K1")]
    if len(keys) != 1 or not keys[0]:
        says = f"{path} holds {of(len(keys), 'key')} instead of one"
        return [Finding("hash key", PROBLEM, says, "bring your copy back", "K1")]
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        says = f"others on this machine may read the hash key at {path}"
        return [Finding("hash key", WARNING, says, f"chmod 600 {path}")]
    return [Finding("hash key", OK, f"{path}, readable by you alone")]


# ---------------------------------------------------------------- sources and taxonomy, by dbt

QUESTION = """
{%- if execute -%}
    {%- set told = {'settings': check_taxonomy_path(), 'taxonomy': [], 'raw': [], 'changed': [],
        'tables': []} -%}
    {%- if not told.settings -%}
        {%- do told.update({'settings': check_vars() + check_sources()}) -%}
        {%- do told.update({'taxonomy': check_taxonomy()}) -%}
    {%- endif -%}
    {%- if not told.settings -%}
        {%- do register_raw_files() -%}
        {%- do told.update({'raw': check_raw_tables()}) -%}
        {%- for table in registered_tables() -%}
            {%- set relation = load_relation(table.relation) -%}
            {%- set columns = [] -%}
            {%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
                {%- do columns.append([column.name, column.dtype]) -%}
            {%- endfor -%}
            {%- do told.tables.append({
                'name': table.source_name ~ '.' ~ table.table, 'path': table.path,
                'schema': table.relation.schema, 'table': table.relation.identifier,
                'is_required': table.is_required, 'required_columns': table.required_columns,
                'columns': columns, 'load_times': load_time_names()
            }) -%}
        {%- endfor -%}
        {%- if load_relation(settings_relation()) -%}
            {%- do told.update({'changed': check_settings_unchanged()}) -%}
        {%- endif -%}
    {%- endif -%}
    {{- tojson(told) -}}
{%- endif -%}
"""


def declared(place: Place) -> list[Finding]:
    """The checks that a build makes before its first model, and what lies in the raw tables."""
    from tools.cli import in_dbt

    folder = place.at("DBT_TARGET_PATH", "target") / "doctor"
    shutil.rmtree(folder / "run", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "checks.duckdb"
    before = dict(os.environ)
    try:
        shells(place, copy)
        os.environ["JOURNEY_DATABASE"] = str(copy)
        os.environ["JOURNEY_TARGET"] = "duckdb"
        os.environ["DBT_PROFILES_DIR"] = str(place.root)
        os.environ["JOURNEY_HASH_KEY"] = str(some_key(place, folder))
        told = json.loads(in_dbt.ask(QUESTION, str(folder)))
        found = [
            *told_problems("settings", told["settings"], "the settings in dbt_project.yml"),
            *told_problems("sources", told["raw"], ""),
            *raw_tables(place, copy, told),
            *told_problems("taxonomy", told["taxonomy"], f"all seeds in {place.taxonomy}"),
            *told_problems("taxonomy", told["changed"], ""),
        ]
    except in_dbt.Stopped as stopped:
        found = told_problems("settings", stopped.problems, "")
        if not found:
            do = "correct what dbt names; docs/troubleshooting.md has its usual messages"
            found = [Finding("settings", PROBLEM, f"dbt stopped: {stopped.sentence}", do)]
    finally:
        os.environ.clear()
        os.environ.update(before)
        for path in (copy, copy.with_name(copy.name + ".wal"), folder / "hash_key.parquet"):
            path.unlink(missing_ok=True)
    return found


def told_problems(area: str, problems: list[str], subject: str) -> list[Finding]:
    """Coded sentences as findings; what to do stands in the sentence, the code leads further."""
    found = []
    for problem in problems:
        code, _, text = problem.partition("] ")
        code = code.strip("[")
        found.append(Finding(area, PROBLEM, text, f"./journey explain code {code}", code))
    return found or ([Finding(area, OK, f"{subject} pass every check")] if subject else [])


def shells(place: Place, copy: Path) -> None:
    """A file with the build's raw tables (without rows) and its settings, for dbt to look at."""
    import duckdb

    for path in (copy, copy.with_name(copy.name + ".wal")):
        path.unlink(missing_ok=True)
    if not place.built.exists():
        return
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach '{sql(place.built)}' as built (read_only)")
        except duckdb.Error:  # locked or broken, which warehouse() tells
            return
        connection.execute(f"attach '{sql(copy)}' as copy")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
            " and (schema_name like 'raw\\_%' escape '\\' or table_name = 'build_settings')"
        ).fetchall()
        for schema, table in tables:
            name = f'"{schema}"."{table}"'
            rows = "" if table == "build_settings" else " limit 0"
            connection.execute(f'create schema if not exists copy."{schema}"')
            connection.execute(f"create table copy.{name} as select * from built.{name}{rows}")


def some_key(place: Place, folder: Path) -> Path:
    """The hash key, or where there is none one for this moment: its absence is told elsewhere."""
    if place.hash_key.exists() and os.access(place.hash_key, os.R_OK):
        return place.hash_key
    from tools.hash_key import create

    create(folder / "hash_key.parquet")
    return folder / "hash_key.parquet"


def raw_tables(place: Place, copy: Path, told: dict) -> list[Finding]:
    """Each declared raw table: files, rows, columns, newest load."""
    import duckdb

    found = []
    bad = " ".join(told["raw"])
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{sql(copy)}' as copy (read_only)")
        try:
            if place.built.exists():
                connection.execute(f"attach '{sql(place.built)}' as built (read_only)")
        except duckdb.Error:
            place = Place(place.root, {**place.environ, "JOURNEY_DATABASE": "/nowhere"})
        connection.execute("use copy")
        for table in told["tables"]:
            if f"raw table {table['name']} " in bad or f"raw table {table['name']}:" in bad:
                continue
            if not table["columns"]:
                says = f"{table['name']} is not there; it is optional, and reads as empty"
                found.append(Finding("sources", OK, says))
                continue
            try:
                found.append(raw_table(place, connection, table))
            except duckdb.Error as error:
                says = f"{table['name']} cannot be read: {str(error).splitlines()[0]}"
                do = f"write the file anew ({table['path'] or table['schema']}); see explain code"
                found.append(Finding("sources", PROBLEM, says, do))
    return found


def raw_table(place: Place, connection, table: dict) -> Finding:
    catalog = "copy" if table["path"] or not place.built.exists() else "built"
    relation = f'{catalog}."{table["schema"]}"."{table["table"]}"'
    times = [
        (name, kind.lower())
        for wanted in table["load_times"]
        for name, kind in table["columns"]
        if name.lower() == wanted
    ]
    newest = "null"
    if times and ("timestamp" in times[0][1] or times[0][1] == "date"):
        newest = f'max("{times[0][0]}")::timestamp'
    elif times and "char" in times[0][1]:
        newest = f'max(try_cast("{times[0][0]}" as timestamptz))::timestamp'
    rows, loaded = connection.execute(f"select count(*), {newest} from {relation}").fetchone()
    says = f"{table['name']}: {of(rows, 'row')}"
    if table["path"]:
        glob = "select count(*) from glob(?)"
        says += f" in {of(connection.execute(glob, [table['path']]).fetchone()[0], 'file')}"
    needed = len(table["required_columns"])
    says += f", {of(len(table['columns']), 'column')}"
    says += f" ({needed} of {needed} needed)" if needed else ""
    says += f", newest load {moment(loaded)}" if isinstance(loaded, datetime) else ""
    if not rows and table["is_required"]:
        do = "load something, or take the source out of var `sources`; a build runs without rows"
        return Finding("sources", WARNING, f"{table['name']} has no row", do)
    return Finding("sources", OK, says)


# ---------------------------------------------------------------- what is published


def published(place: Place) -> list[Finding]:
    import duckdb

    path = place.published
    if not path.exists():
        do = "make publish" if place.built.exists() else "make demo, or make build for your own"
        return [Finding("published", WARNING, f"nothing is published ({path} is not there)", do)]
    found = []
    for leftover in sorted(path.parent.glob(f".{path.name}.*.tmp*")):
        says = f"{leftover} was left by a publication that was killed"
        found.append(Finding("published", WARNING, says, "make publish removes it"))
    if path.with_name(path.name + ".wal").exists():
        says = f"{path}.wal: somebody writes into the published file"
        found.append(
            Finding("published", WARNING, says, "open it read-only; make publish heals it")
        )
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            last = connection.execute(
                "select generation, published_at, configuration_version, load_count, loads_version,"
                " count(*) over () from marts.publication limit 1"
            ).fetchone()
    except duckdb.CatalogException:
        says = f"{path} holds no marts that make publish has written"
        return [*found, Finding("published", PROBLEM, says, "make publish")]
    except duckdb.Error as error:
        return [*found, unreadable(path, "published", str(error))]
    says = f"generation {last[0]} of {moment(last[1])}, {of(last[5], 'table')}"
    found.append(Finding("published", OK, says))
    if is_behind(place, last[2:5]):
        says = "the build file holds other loads or settings than what is published"
        found.append(Finding("published", WARNING, says, "make build (or make publish)"))
    return found


def is_behind(place: Place, of_publication: tuple) -> bool:
    """Whether the build was made of something else than the publication."""
    import duckdb

    from tools.publish import made_of

    if not place.built.exists():
        return False
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{sql(place.built)}' as built (read_only)")
            made = made_of(connection, "built")
    except duckdb.Error:  # locked, broken, or a build that never came to its end
        return False
    return (made.configuration_version, made.load_count, made.loads_version) != of_publication


def sql(path: Path) -> str:
    return str(path).replace("'", "''")


# ---------------------------------------------------------------- all of it


def examine(place: Place, target: str | None = None, quick: bool = False) -> list[Finding]:
    found = [*python(place), *environment(place)]
    try:
        import duckdb  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError:  # told above; the rest needs them
        return found
    found += [*disk(place), *memory(place)]
    if (target or place.environ.get("JOURNEY_TARGET", "duckdb")).startswith("spark"):
        found += java(place)
    found += [*profile(place), *variables(place), *warehouse(place), *hash_key(place)]
    if not quick:
        found += declared(place)
    return found + published(place)


def in_lines(found: list[Finding]) -> str:
    lines, area = [], ""
    for each in found:
        if each.area != area:
            area = each.area
            lines.append(area)
        code = f" [{each.code}]" if each.code else ""
        lines.append(f"  {each.level:<8} {each.says}{code}")
        if each.do:
            lines.append(f"           → {each.do}")
    counts = {level: sum(each.level == level for each in found) for level in (OK, WARNING, PROBLEM)}
    told = [of(counts[WARNING], "warning"), of(counts[PROBLEM], "problem")]
    lines.append(f"\n{counts[OK]} ok, {', '.join(told)}")
    return "\n".join(lines)


def main(target: str | None = None, quick: bool = False, as_json: bool = False) -> int:
    found = examine(Place(), target, quick)
    print(json.dumps([asdict(each) for each in found], indent=2) if as_json else in_lines(found))
    return int(any(each.level == PROBLEM for each in found))
