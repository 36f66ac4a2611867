"""The pictures of the README, drawn from the project itself: `python -m tools.pictures`.

docs/images/dag.svg from dbt's manifest (which model reads which), docs/images/result.svg from the
published tables of the sample company. Run `make demo` first.
"""

import argparse
import json
import sys
from html import escape
from pathlib import Path

import duckdb

from tools.publish import PUBLISHED

IMAGES = Path("docs/images")
# readable on a light and on a dark page, and for the colour-blind (Okabe and Ito)
INK, LINE, PAPER = "#24292f", "#8c959f", "#ffffff"
BLUE, ORANGE, GREEN, SKY = "#0072b2", "#d55e00", "#009e73", "#56b4e9"

STAGES = [
    ("raw tables", GREEN, lambda node: node["resource_type"] == "source"),
    ("staging", SKY, lambda node: "staging" in node["fqn"]),
    ("canonical", BLUE, lambda node: "canonical" in node["fqn"]),
    ("events, identity", BLUE, lambda node: {"events", "identity"} & set(node["fqn"])),
    (
        "sessions, journey",
        BLUE,
        lambda node: {"sessions", "journey", "conversions"} & set(node["fqn"]),
    ),
    ("dim, bridge, fct", ORANGE, lambda node: node["name"].startswith(("dim_", "bridge_", "fct_"))),
    ("kpi, quality", ORANGE, lambda node: "marts" in node["fqn"]),
]


def svg(width: int, height: int, body: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif">',
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
            *body,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", **more) -> str:
    style = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    fill = "" if "fill" in more else f' fill="{INK}"'
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}"{fill}{style}>'
        f"{escape(words)}</text>"
    )


def dag(manifest: dict) -> str:
    """Columns of the layers from left to right, a line from each model to those that read it."""
    nodes = {
        key: node
        for key, node in {**manifest["sources"], **manifest["nodes"]}.items()
        if node["resource_type"] in ("source", "model")
        and "snowplow" not in key
        and "generic" not in key
    }
    columns: list[list[str]] = [[] for _ in STAGES]
    for key, node in sorted(nodes.items()):
        for number, (_, _, belongs) in enumerate(STAGES):
            if belongs(node):
                columns[number].append(key)
                break
    step, row, top, box = 218, 19, 62, 196
    tallest = max(len(column) for column in columns)
    height, width = top + row * tallest + 16, step * len(STAGES) + 2
    place = {}
    for number, column in enumerate(columns):
        offset = (tallest - len(column)) * row / 2
        for index, key in enumerate(column):
            place[key] = (12 + number * step, top + offset + index * row)
    lines, boxes = [], []
    for key, node in nodes.items():
        for parent in node.get("depends_on", {}).get("nodes", []):
            if key in place and parent in place:
                (x1, y1), (x2, y2) = place[parent], place[key]
                if x1 < x2:
                    middle = (x1 + box + x2) / 2
                    lines.append(
                        f'<path d="M{x1 + box:.0f} {y1 + 7:.0f} C{middle:.0f} {y1 + 7:.0f}'
                        f" {middle:.0f} {y2 + 7:.0f} {x2:.0f} {y2 + 7:.0f}"
                        f'" fill="none" stroke="{LINE}" stroke-width="0.7" opacity="0.45"/>'
                    )
    for number, (title, colour, _) in enumerate(STAGES):
        x = 12 + number * step
        boxes.append(text(x, 34, title, 15, font_weight="bold", fill=colour))
        boxes.append(f'<rect x="{x}" y="42" width="{box}" height="3" fill="{colour}"/>')
        for key in columns[number]:
            _, y = place[key]
            node = nodes[key]
            name = node["name"]
            if node["resource_type"] == "source":
                name = f"{node['source_name']}.{name}"
            boxes.append(
                f'<rect x="{x}" y="{y:.0f}" width="{box}" height="15" rx="3" fill="{PAPER}"'
                f' stroke="{colour}" stroke-width="1"/>'
            )
            boxes.append(text(x + 5, y + 11, name, 10))
    return svg(width, height, lines + boxes)


def monthly(connection) -> list[tuple]:
    """Month, new visitors, share signed up in 7 days, monthly active at its end."""
    return connection.execute(
        """
        select
            dates.month_start_date,
            sum(acquisition.new_visitor_count),
            sum(acquisition.visitor_signup_7d_numerator)
            / nullif(sum(acquisition.visitor_signup_7d_denominator), 0),
            max_by(active.monthly_active_count, active.date_day)
        from marts.kpi_acquisition_daily as acquisition
        inner join marts.dim_dates as dates on acquisition.date_day = dates.date_day
        inner join marts.kpi_active_persons_daily as active
            on acquisition.date_day = active.date_day and active.segment_type = 'all'
        where acquisition.segment_type = 'all' and acquisition.visitor_signup_7d_is_mature
        group by dates.month_start_date
        having count(*) >= 28
        order by dates.month_start_date
        """
    ).fetchall()


def chart(x0: int, y0: int, width: int, height: int, title: str, source: str, series, form) -> list:
    """One small line chart: values by month, the last one labelled."""
    top = max(value for _, value in series) * 1.12
    step = width / max(len(series) - 1, 1)

    def y(value: float) -> float:
        return y0 + height - height * value / top

    points = [(x0 + index * step, y(value)) for index, (_, value) in enumerate(series)]
    body = [
        text(x0, y0 - 26, title, 15, font_weight="bold"),
        text(x0, y0 - 9, source, 11, fill=LINE),
    ]
    for part in (0, 0.5, 1):
        value = top / 1.12 * part
        body.append(
            f'<line x1="{x0}" x2="{x0 + width}" y1="{y(value):.0f}" y2="{y(value):.0f}"'
            f' stroke="{LINE}" stroke-width="0.5" opacity="0.5"/>'
        )
        body.append(text(x0 - 6, y(value) + 4, form(value), 11, "end", fill=LINE))
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    body.append(f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2.5"/>')
    last_x, last_y = points[-1]
    body.append(f'<circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="4" fill="{ORANGE}"/>')
    body.append(text(last_x, last_y + 20, form(series[-1][1]), 13, "end", fill=ORANGE))
    body.append(text(x0, y0 + height + 18, f"{series[0][0]:%b %Y}", 11, fill=LINE))
    body.append(text(last_x, y0 + height + 18, f"{series[-1][0]:%b %Y}", 11, "end", fill=LINE))
    return body


def result(published: Path) -> str:
    with duckdb.connect(str(published), read_only=True) as connection:
        months = monthly(connection)
    panels = [
        ("New visitors a month", "kpi_acquisition_daily", 1, lambda value: f"{value:,.0f}"),
        ("Signed up within 7 days", "kpi_acquisition_daily", 2, lambda value: f"{value:.1%}"),
        ("Active in 28 days", "kpi_active_persons_daily", 3, lambda value: f"{value:,.0f}"),
    ]
    body = []
    for number, (title, source, column, form) in enumerate(panels):
        series = [(month[0], float(month[column])) for month in months if month[column] is not None]
        body += chart(62 + number * 340, 66, 250, 150, title, source, series, form)
    return svg(1032, 256, body)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    arguments = parser.parse_args()
    for needed in (arguments.published, arguments.manifest):
        if not needed.exists():
            print(f"there is no {needed}: run `make demo` first.", file=sys.stderr)
            return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / "dag.svg").write_text(dag(json.loads(arguments.manifest.read_text())))
    (IMAGES / "result.svg").write_text(result(arguments.published))
    return 0


if __name__ == "__main__":
    sys.exit(main())
