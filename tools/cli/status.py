"""What is published, of what, how fresh it is, what became of the rows, and how well it is tested.

Reads the published file, which may be read at any time, and what dbt and the quality gate wrote
into target/ when they last ran.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from tools import publish
from tools.cli.words import Told, moment, of, span

FATES = ("raw", "accepted", "duplicate", "rejected", "suppressed")


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """The published file, or a sentence about why not."""
    if not path.exists():
        raise Told(f"nothing is published: there is no {path}. Run `make demo` or `make build`.")
    try:
        connection = duckdb.connect(str(path), read_only=True)
        connection.execute("select 1 from marts.publication limit 1")
    except duckdb.CatalogException as error:
        raise Told(f"{path} holds no marts that `make publish` has written.") from error
    except duckdb.Error as error:
        raise Told(
            f"{path} cannot be read ({str(error).splitlines()[0]}). ./journey doctor says more."
        ) from error
    return connection


def rows_of(connection, query: str) -> list[dict]:
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def has(connection, table: str) -> bool:
    query = "select table_name from information_schema.tables where table_schema = 'marts'"
    return (table,) in connection.execute(query).fetchall()


def gather(published: Path, target: Path) -> dict:
    """All that is told, as one dictionary."""
    with open_published(published) as connection:
        (last,) = rows_of(
            connection,
            "select any_value(generation order by table_name) as generation,"
            " any_value(published_at order by table_name) as published_at,"
            " any_value(restored_from order by table_name) as restored_from,"
            " any_value(code_version order by table_name) as code_version,"
            " any_value(configuration_version order by table_name) as configuration_version,"
            " any_value(as_of_at order by table_name) as as_of_at,"
            " any_value(load_count order by table_name) as load_count,"
            " count(*) as table_count, sum(row_count)::bigint as row_count from marts.publication",
        )
        now = datetime.now(UTC).replace(tzinfo=None)
        last["file"] = str(published)
        last["age_seconds"] = int((now - last["published_at"]).total_seconds())
        as_of = last.pop("as_of_at")
        return {
            "publication": last,
            "freshness": {
                "as_of_at": as_of,
                "as_of_age_seconds": int((now - as_of).total_seconds()) if as_of else None,
                "sources": freshness(connection, as_of),
            },
            "rows": rows_of(connection, ACCOUNTING),
            "rejected": rows_of(connection, REASONS),
            "last_build": last_build(target),
            "gate": gate(connection),
            "restorable": restorable(published),
        }


SUMS = ", ".join(f"sum({fate}_row_count)::bigint as {fate}" for fate in FATES)
ACCOUNTING = f"""
    select source_name as source, {SUMS},
        count(*) filter (where not is_balanced) as unbalanced_loads
    from marts.reconciliation group by source_name order by source_name
"""

REASONS = """
    select reject_reason as reason, sum(row_count)::bigint as row_count,
        arg_max(source_table, row_count)  as example_table
    from marts.rejected_rows group by reject_reason order by row_count desc, reason limit 5
"""


def freshness(connection, as_of: datetime | None) -> list[dict]:
    found = rows_of(
        connection,
        "select source_name as source, max(loaded_at) as newest_load_at, count(*) as load_count"
        " from marts.reconciliation group by source_name order by source_name",
    )
    for each in found:
        newest = each["newest_load_at"]
        late = as_of - newest if newest and as_of else None
        each["behind_as_of_seconds"] = int(late.total_seconds()) if late is not None else None
    return found


def last_build(target: Path) -> dict | None:
    """Counts from dbt's report of the last command that ran models or tests."""
    path = target / "run_results.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        results = report["results"]
        counts: dict[str, Counter] = {}
        for each in results:
            kind = each["unique_id"].split(".")[0]
            counts.setdefault(kind, Counter())[each["status"]] += 1
        failed = [
            each["unique_id"].split(".")[2]
            for each in results
            if each["status"] in ("error", "fail", "runtime error")
        ]
        return {
            "command": report["args"].get("which"),
            "at": report["metadata"]["generated_at"],
            "seconds": round(report["elapsed_time"], 1),
            "counts": {kind: dict(sorted(number.items())) for kind, number in counts.items()},
            "failed": failed,
        }
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, IndexError, OSError) as error:
        return {"unreadable": f"{path} is no report of dbt ({type(error).__name__})"}


def gate(connection) -> dict | None:
    """What the quality gate found before the last publication; None where it was not asked."""
    if not has(connection, "data_quality_results"):
        return None
    found = rows_of(
        connection,
        "select suite, table_name, column_name, expectation, severity, outcome, is_passed,"
        " checked_at, generation from marts.data_quality_results"
        " where checked_at = (select max(checked_at) from marts.data_quality_results)",
    )
    if not found:
        return None
    asked = [each for each in found if each["is_passed"] is not None]
    told = ("suite", "table_name", "column_name", "expectation", "severity", "outcome")
    return {
        "from": "marts.data_quality_results",
        "generation": found[0]["generation"],
        "checked_at": found[0]["checked_at"],
        "checks": len(asked),
        "passed": sum(each["is_passed"] for each in asked),
        "not_applicable": len(found) - len(asked),
        "broken": [{key: each[key] for key in told} for each in asked if not each["is_passed"]],
    }


def restorable(published: Path) -> list[dict]:
    return [
        {
            "generation": number,
            "file": str(path),
            "written_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None),
        }
        for number, path in publish.generations(published).items()
    ]


# ---------------------------------------------------------------- in words


def in_lines(status: dict) -> str:
    last, fresh = status["publication"], status["freshness"]
    age = span(timedelta(seconds=last["age_seconds"]))
    restored = f", generation {last['restored_from']} once more" if last["restored_from"] else ""
    lines = [
        f"generation {last['generation']}{restored}, published {moment(last['published_at'])} UTC"
        f" ({age} ago)",
        f"  {last['file']}: {of(last['table_count'], 'table')}, {of(last['row_count'], 'row')}",
        f"  code {last['code_version'] or 'without git'},"
        f" configuration {last['configuration_version'][:12]}, {of(last['load_count'], 'load')}",
        "",
        f"freshness: as_of {moment(fresh['as_of_at'])} UTC",
    ]
    for each in fresh["sources"]:
        behind = each["behind_as_of_seconds"]
        lag = "at as_of" if not behind else f"{span(timedelta(seconds=behind))} before as_of"
        newest = f"newest load {moment(each['newest_load_at'])}, {lag}"
        told = newest if each["newest_load_at"] else "its loads bear no time"
        lines.append(f"  {each['source']:<12} {told}")
    lines += ["", f"{'rows':<14}" + "".join(f"{fate:>12}" for fate in FATES)]
    for each in status["rows"]:
        counts = "".join(f"{each[fate]:>12,}" for fate in FATES)
        odd = (
            f"  {of(each['unbalanced_loads'], 'load')} out of balance"
            if each["unbalanced_loads"]
            else ""
        )
        lines.append(f"  {each['source']:<12}{counts}{odd}")
    reasons = [f"{each['reason']} {each['row_count']:,}" for each in status["rejected"]]
    lines += [f"  rejected most: {', '.join(reasons)}" if reasons else "  nothing was rejected", ""]
    lines += [*build_lines(status["last_build"]), *gate_lines(status["gate"]), ""]
    kept = ", ".join(str(each["generation"]) for each in status["restorable"]) or "none"
    lines.append(f"generations that can be restored: {kept}  (python -m tools.publish --restore N)")
    return "\n".join(lines)


def build_lines(build: dict | None) -> list[str]:
    if build is None:
        return ["last build: no report in target/ (built elsewhere, or `make clean`)"]
    if "unreadable" in build:
        return [f"last build: {build['unreadable']}"]
    told = []
    for kind, counts in sorted(build["counts"].items()):
        parts = ", ".join(f"{number:,} {status}" for status, number in counts.items())
        told.append(f"{kind} {parts}")
    lines = [f"last dbt {build['command']}: {build['at'][:16]}, {build['seconds']:.0f} s"]
    lines.append(f"  {'; '.join(told)}")
    lines += [f"  failed: {name}" for name in build["failed"][:5]]
    if len(build["failed"]) > 5:
        lines.append(f"  and {len(build['failed']) - 5} more")
    return lines


def gate_lines(gate: dict | None) -> list[str]:
    if gate is None:
        return ["quality gate: not asked before this publication"]
    lines = [
        f"quality gate: {gate['passed']} of {of(gate['checks'], 'check')} hold"
        f" ({moment(gate['checked_at'])}, {gate['from']})"
        f"; {gate['not_applicable']} had nothing to look at"
    ]
    for each in gate["broken"][:5]:
        where = ".".join(filter(None, (each.get("table_name"), each.get("column_name"))))
        lines.append(f"  {each['severity']}: {where or each['suite']}: {each['expectation']}")
    return lines


def main(as_json: bool = False) -> int:
    target = Path(os.environ.get("DBT_TARGET_PATH") or "target")
    status = gather(publish.PUBLISHED, target)
    if as_json:
        print(json.dumps(status, indent=2, default=str))
    else:
        print(in_lines(status))
    return 0
