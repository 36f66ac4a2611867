"""docs/scaling.md's tables and pictures, from the results that stand in tools/benchmark/results.

    python -m tools.benchmark.report        # write them
    python -m tools.benchmark.report --check  # say whether they are as the results say

What a benchmark measured is copied into tools/benchmark/results (models.json from result.json, the
others as they are); the page holds no number that does not stand there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import vl_convert

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tools" / "benchmark" / "results"
PAGE = ROOT / "docs" / "scaling.md"
PICTURES = ROOT / "docs" / "images"
BEGIN, END = "<!-- measured: {} -->", "<!-- end of measured -->"
SHOWN_MODELS = 20
LEAST_CPU_SECONDS = 2.0  # of a model in the smaller size: less is noise beside dbt's own
STEPS = {
    "nothing": "dbt alone: all models, no row",
    "idle on nothing": "dbt alone, again (before the first load all tables are made each time)",
    "floor": "floor: every raw row read once and written as a table",
    "full": "full build",
    "idle": "build without news",
    "day": "one day of 90 delivered",
    "late": "one event of ten years ago delivered",
}

READERS = {
    "queries": "slowest of {} queries of the boards on KPI tables",
    "tables": "slowest of {} KPI tables, read whole",
}


def millions(number: float) -> str:
    return f"{number / 1e6:g}M"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def beyond(size: dict, step: str, without: str) -> float:
    """CPU seconds of a step beyond what dbt alone costs."""
    return size["steps"][step]["cpu_seconds"] - size["steps"][without]["cpu_seconds"]


def own_seconds(size: dict) -> dict[str, float]:
    """Model -> CPU seconds of the full build beyond its own on no rows."""
    empty = size["steps"]["nothing"]["nodes"]
    nodes = size["steps"]["full"]["nodes"].items()
    return {node.split(".")[-1]: seconds - empty.get(node, 0.0) for node, seconds in nodes}


def exponents(small: dict, large: dict) -> dict[str, float]:
    """Model -> the power of the number of rows with which its cost grows, by two sizes."""
    factor = math.log(large["raw_rows"]["base"] / small["raw_rows"]["base"])
    before, after = own_seconds(small), own_seconds(large)
    return {
        model: math.log(after[model] / seconds) / factor
        for model, seconds in before.items()
        if seconds >= LEAST_CPU_SECONDS and after.get(model, 0) > 0
    }


def goals(sizes: list[dict]) -> str:
    rows = []
    for size in sizes:
        floor = size["steps"]["floor"]["cpu_seconds"]
        events = millions(size["events"])
        full = beyond(size, "full", "nothing")
        peak = size["steps"]["full"]["peak_bytes"] / 1e9
        told = [("full build beyond dbt's own", "6 x floor", f"{full / floor:.1f} x floor")]
        # a run that was stopped has not come to all of them
        if "day" in size["steps"]:
            day = beyond(size, "day", "idle on nothing")
            told.append(("one day beyond dbt's own", "5 % of full", f"{day / full:.0%} of full"))
        if "idle" in size["steps"]:
            idle = f"{beyond(size, 'idle', 'idle on nothing'):.1f} CPU s"
            told.append(("build without news, beyond dbt's own", "nothing", idle))
        told.append(("peak memory of the full build", "4 GB at 10M", f"{peak:.1f} GB"))
        for asked, words in READERS.items() if "readers" in size else ():
            name, slowest = max(size["readers"][asked].items(), key=lambda pair: pair[1])
            of_all = words.format(len(size["readers"][asked]))
            told.append((of_all, "50 ms at 100M", f"{slowest:.0f} ms (`{name}`)"))
        if "late" in size["steps"]:
            growth = f"{size['file_bytes']['late'] / size['file_bytes']['full']:.2f} x fresh"
            told.append(("the file after both deliveries", "1.3 x fresh", growth))
        rows += [[events, *row] for row in told]
    if len(sizes) > 1:
        powers = exponents(sizes[0], sizes[-1])
        worst = sorted(powers, key=powers.get, reverse=True)[:3]
        between = f"{millions(sizes[0]['events'])} to {millions(sizes[-1]['events'])}"
        shown = ", ".join(f"`{model}` {powers[model]:.2f}" for model in worst)
        above = sum(power > 1.05 for power in powers.values())
        rows.append(
            [
                between,
                f"growth of the {len(powers)} models of {LEAST_CPU_SECONDS:g} CPU s or more",
                "power 1.05",
                f"{above} above it; the steepest: {shown}",
            ]
        )
    return table(["Events", "What", "Goal", "Measured"], rows)


def steps(sizes: list[dict]) -> str:
    rows = []
    for size in sizes:
        floor = size["steps"]["floor"]["cpu_seconds"]
        for step, words in STEPS.items():
            if step not in size["steps"]:
                continue
            cost = size["steps"][step]
            rows.append(
                [
                    millions(size["events"]),
                    words,
                    f"{cost['cpu_seconds']:.1f}",
                    f"{cost['cpu_seconds'] / floor:.2f}",
                    f"{cost['peak_bytes'] / 1e9:.2f}",
                    f"{cost['spilled_bytes'] / 1e9:.2f}",
                ]
            )
    return table(["Events", "Step", "CPU s", "x floor", "peak GB", "spilled GB"], rows)


def picture(size: dict) -> str:
    """The dearest models of a full build as bars, SVG."""
    seconds = own_seconds(size)
    dearest = sorted(seconds, key=seconds.get, reverse=True)[:SHOWN_MODELS]
    rest = sum(value for model, value in seconds.items() if model not in dearest and value > 0)
    rows = [{"model": model, "CPU seconds": round(seconds[model], 2)} for model in dearest]
    rows.append({"model": "all others", "CPU seconds": round(rest, 2)})
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": f"{millions(size['events'])} events: CPU seconds beyond dbt's own",
        "data": {"values": rows},
        "mark": {"type": "bar", "color": "#0072b2"},
        "encoding": {
            "y": {"field": "model", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "CPU seconds", "type": "quantitative"},
        },
        "width": 480,
        "background": "white",
        "config": {"axis": {"labelLimit": 260}},
    }
    return vl_convert.vegalite_to_svg(json.dumps(chart)) + "\n"


def where(machine: dict) -> str:
    return (
        f"Measured at {machine['at']} on {machine['cores']} cores,"
        f" {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['platform']}; Python"
        f" {machine['python']}, DuckDB {machine['duckdb']}, code {machine['code_version']}."
    )


def of_models(result: dict) -> str:
    sizes = result["sizes"]
    # sizes of several runs may stand together: each says of which code it tells
    measured = " ".join(
        f"{millions(size['events'])}: {where(size['machine'])}"
        if len(sizes) > 1
        else where(size["machine"])
        for size in sizes
    )
    rows = ", ".join(f"{size['raw_rows']['base']:,}" for size in sizes)
    megabytes = ", ".join(f"{size['raw_bytes']['base'] / 1e6:,.0f}" for size in sizes)
    rounds = ", ".join(str(size["rounds"]) for size in sizes)
    pictures = "\n\n".join(
        f"![The dearest models at {millions(size['events'])} events]"
        f"(images/scaling_{millions(size['events'])}.svg)"
        for size in sizes
    )
    return "\n\n".join(
        [
            f"{measured} Raw rows: {rows} ({megabytes} MB of parquet); rounds: {rounds}.",
            goals(sizes),
            steps(sizes),
            pictures,
        ]
    )


def of_peers(result: dict) -> str:
    (size,) = result["chain"]
    names = {
        "floor": "floor: every raw row of every source read once and written as a table",
        "duckdb": f"DuckDB {result['versions']['duckdb']}, bare SQL",
        "polars": f"Polars {result['versions']['polars']}",
        "chdb": f"chDB {result['versions']['chdb']} (ClickHouse)",
        "pyspark": f"Spark {result['versions']['pyspark']}, `local[2]`",
    }
    base = size["steps"]["duckdb"]["cpu_seconds"]
    rows = [
        [
            words,
            f"{size['steps'][name]['cpu_seconds']:.1f}",
            f"{size['steps'][name]['cpu_seconds'] / base:.2f}",
            f"{size['steps'][name]['peak_bytes'] / 1e9:.2f}",
        ]
        for name, words in names.items()
        if name in size["steps"]
    ]
    tools = ["project", "scipy", "igraph", "networkx"]
    graphs = [
        [
            graph["graph"],
            f"{graph['edges']:,}",
            f"{graph['nodes']:,}",
            f"{graph['components']:,}",
            *(f"{graph['steps'][tool]['work_cpu_seconds']:.1f}" for tool in tools),
        ]
        for graph in result["components"]
    ]
    head = ["Graph", "Edges", "Nodes", "Components", "project (SQL)", *tools[1:]]
    of_chain = (
        f"{size['raw_rows']:,} raw rows ({size['raw_bytes'] / 1e6:.0f} MB of parquet),"
        f" {size['tables']['events']['rows']:,} events in"
        f" {size['tables']['sessions']['rows']:,} sessions; median of {size['rounds']} rounds"
        " in turn, equal rows in each."
    )
    of_graphs = (
        "Connected components, CPU seconds of the work alone, texts in and texts out; rounds:"
        f" {result['components'][0]['rounds']}. The project's figure is that of its one dbt model:"
        " dbt's start is another 4 s, a library's less than 1 s."
    )
    return "\n\n".join(
        [
            f"{where(result['machine'])} {of_chain}",
            table(["", "CPU s", "x DuckDB", "peak GB"], rows),
            f"{of_graphs} {where(result.get('machine_of_components', result['machine']))}",
            table(head, graphs),
        ]
    )


DEMO_GOAL = 30  # CPU seconds


def kind_of(node: str) -> str | None:
    """What a node of dbt's counts as in the demo's table; None for what costs nothing."""
    kind, _, name = node.split(".")[:3]
    if kind == "test":
        return "tests of a key" if name.startswith("unique_") else "other data tests"
    return {"model": "models", "seed": "seeds", "unit_test": "unit tests"}.get(kind)


def of_demo(result: dict) -> str:
    """What dbt's build of the demo takes, by kind of node, and its dearest tests."""
    kinds: dict[str, list[float]] = {}
    for node, seconds in result["nodes"].items():
        if kind := kind_of(node):
            kinds.setdefault(kind, []).append(seconds)
    rows = [
        [kind, f"{len(each)}", f"{sum(each):.1f}", f"{1000 * sum(each) / len(each):.0f}"]
        for kind, each in sorted(kinds.items(), key=lambda pair: -sum(pair[1]))
    ]
    rest = result["cpu_seconds"] - sum(map(sum, kinds.values()))
    rows.append(["dbt's start and the rest", "", f"{rest:.1f}", ""])
    tests = {
        node.split(".")[2]: seconds
        for node, seconds in result["nodes"].items()
        if node.startswith("test.")
    }
    dearest = sorted(tests, key=tests.get, reverse=True)[:5]
    told = ", ".join(f"`{name}` {tests[name]:.2f}" for name in dearest)
    return (
        f"{where(result['machine'])} `dbt build` of the sample company, from nothing and with all"
        f" tests, once dbt has read the project: {result['cpu_seconds']:.1f} CPU s (goal:"
        f" {DEMO_GOAL}); median of {result['rounds']}."
        f"\n\n{table(['What', 'Nodes', 'CPU s', 'ms each'], rows)}"
        f"\n\nThe dearest tests, CPU s: {told}."
    )


PLANNED = (1e9, 10e9, 100e9)  # events in all
CORE_HOUR = 0.05  # of whatever currency a rented core costs about so much in
GIGABYTES_PER_CORE = 4


def of_plan(models: dict, peers: dict) -> str:
    """What more events than one machine takes would need: the largest size that came to a day's
    build, multiplied."""
    size = [size for size in models["sizes"] if "day" in size["steps"]][-1]
    events = size["events"]
    (chain,) = peers["chain"]
    cpu = {name: cost["cpu_seconds"] for name, cost in chain["steps"].items()}
    spark = cpu["pyspark"] / cpu["duckdb"]
    full, day = beyond(size, "full", "nothing"), beyond(size, "day", "idle on nothing")
    raw = size["raw_bytes"]["base"] / size["raw_rows"]["base"]
    stored = size["file_bytes"]["full"] / events
    rows = []
    for planned in PLANNED:
        first, daily = (seconds * planned / events * spark / 3600 for seconds in (full, day))
        cores = max(math.ceil(daily), 1)
        rows.append(
            [
                f"{planned / 1e9:,.0f} billion",
                f"{planned * raw / 1e12:,.2f}",
                f"{planned * stored / 1e12:,.1f}",
                f"{first:,.0f}",
                f"{daily:,.0f}",
                f"{cores:,}",
                f"{cores * GIGABYTES_PER_CORE:,}",
                f"{daily * CORE_HOUR:,.0f}",
            ]
        )
    head = ["Events", "raw TB", "tables TB", "core hours, all anew", "core hours, one day"]
    head += ["cores for 60 minutes", "GB of memory", "cost of a day"]
    return (
        f"Per event: {raw:.0f} bytes of raw parquet, {stored:,.0f} bytes in the tables;"
        f" {full / events * 1e6:.0f} CPU seconds a million for everything anew and"
        f" {day / events * 1e6:.0f} for a day's build, measured at {millions(events)}, times"
        f" {spark:.1f} for Spark instead of DuckDB (the chain above). A core hour is taken to cost"
        f" {CORE_HOUR}."
        f"\n\n{table(head, rows)}"
    )


def filled(page: str, name: str, text: str) -> str:
    """The page with what stands between the marks of this name replaced."""
    head, found, rest = page.partition(BEGIN.format(name))
    if not found or END not in rest:
        raise SystemExit(f"{PAGE.name} has no place for {name}: {BEGIN.format(name)} … {END}")
    return head + found + "\n\n" + text + "\n\n" + END + rest.partition(END)[2]


def written() -> dict[Path, str]:
    """File -> what it should hold."""
    models = json.loads((RESULTS / "models.json").read_text())
    peers = json.loads((RESULTS / "peers_1M.json").read_text())
    page = filled(PAGE.read_text(), "models", of_models(models))
    page = filled(page, "plan", of_plan(models, peers))
    page = filled(page, "demo", of_demo(json.loads((RESULTS / "demo.json").read_text())))
    files = {PAGE: filled(page, "peers", of_peers(peers))}
    for size in models["sizes"]:
        files[PICTURES / f"scaling_{millions(size['events'])}.svg"] = picture(size)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    files = written()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if arguments.check:
            print(f"{path.relative_to(ROOT)} does not say what was measured", file=sys.stderr)
        else:
            path.write_text(files[path])
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
