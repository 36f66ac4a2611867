"""The drawings of docs/concepts: `python -m tools.docs_pictures` writes docs/images/concepts.

Each is an SVG file that follows the reader's light or dark setting by itself. The site lays it into
the page without its own style and gives it stylesheets/drawings.css, which follows the switch of
the page. Neither needs a script or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "images" / "concepts"

# Okabe and Ito's colours, which the colour-blind tell apart: on a light page, on a dark one
COLOURS = {
    "ink": ("#1f2328", "#e6e8eb"),
    "soft": ("#59636e", "#a9b1ba"),
    "line": ("#8c959f", "#7d8590"),
    "paper": ("#f3f5f7", "#2b2f3a"),
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#b04e00", "#f0a35e"),
    "green": ("#00785a", "#3fcfa4"),
    "pale-blue": ("#d8ebf7", "#173a52"),
    "pale-orange": ("#fae3d2", "#4f3219"),
    "pale-green": ("#d5efe6", "#12433a"),
}
SHADES = ("paper", "blue", "orange", "green", "pale-blue", "pale-orange", "pale-green", "line")


def _values(number: int) -> str:
    return "".join(f"--{name}:{values[number]};" for name, values in COLOURS.items())


RULES = "\n".join(
    [
        ".drawing text{fill:var(--ink);font-family:Helvetica,Arial,sans-serif;font-size:14px}",
        ".drawing .soft{fill:var(--soft);font-size:12.5px}",
        ".drawing .strong{font-weight:bold}",
        ".drawing .code{font-family:Menlo,Consolas,monospace;font-size:12.5px}",
        ".drawing path,.drawing line{stroke:var(--line);stroke-width:1.6;fill:none}",
        ".drawing .dashed{stroke-dasharray:5 4}",
        ".drawing .bold{stroke-width:3}",
        ".drawing .tip{fill:var(--line);stroke:none}",
        *(f".drawing .{name}{{fill:var(--{name})}}" for name in SHADES),
        *(f".drawing .stroke-{name}{{stroke:var(--{name})}}" for name in SHADES),
    ]
)
ALONE = (
    f".drawing{{{_values(0)}}}\n@media (prefers-color-scheme: dark){{.drawing{{{_values(1)}}}}}\n"
    + RULES
)
ON_THE_SITE = "\n".join(
    [
        f'[data-md-color-scheme="default"] .drawing{{{_values(0)}}}',
        f'[data-md-color-scheme="slate"] .drawing{{{_values(1)}}}',
        RULES,
        "",
    ]
)


# ---------------------------------------------------------------- pieces


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    shape = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{shape}>{escape(text)}</text>'


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    lines: Iterable[str] = (),
    fill: str = "paper",
    stroke: str = "line",
    kinds: Iterable[str] = ("strong",),
) -> str:
    """A rounded box with its lines in the middle; the first is strong, the rest soft."""
    lines, kinds = list(lines), list(kinds)
    top = y + height / 2 - (len(lines) - 1) * 9 + 5
    parts = [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7"'
        f' class="{fill} stroke-{stroke}" stroke-width="1.4"/>'
    ]
    for number, line in enumerate(lines):
        kind = kinds[number] if number < len(kinds) else "soft"
        parts.append(words(x + width / 2, top + 18 * number, line, kind))
    return "".join(parts)


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def arrow(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> str:
    """A line with a head; the last stretch gives the direction."""
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bx, by = x2 - 9 * ux, y2 - 9 * uy
    head = (
        f"M{x2:g} {y2:g}L{bx - 4.5 * uy:.1f} {by + 4.5 * ux:.1f}"
        f"L{bx + 4.5 * uy:.1f} {by - 4.5 * ux:.1f}Z"
    )
    return line(x1, y1, round(bx, 1), round(by, 1), kind) + f'<path d="{head}" class="tip"/>'


def dot(x: float, y: float, fill: str, radius: float = 6) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{fill}"/>'


# ---------------------------------------------------------------- drawings


def layers() -> tuple[int, int, list[str]]:
    body = []
    sources = ["Segment", "Snowplow", "billing", "shop", "ads", "support", "your CSV"]
    for number, name in enumerate(sources):
        body.append(box(8 + number * 107, 8, 98, 34, [name], kinds=["soft"]))
    rows = [
        (66, 744, 560, "staging", "one folder per source: which raw column is which", "pale-blue"),
        (144, 560, 330, "canonical", "one table per kind of data", "pale-blue"),
        (222, 330, 330, "workshop", "events, people, sessions, stages, journeys", "paper"),
        (300, 330, 560, "facts", "dim_, bridge_, fct_: rows a reader may open", "pale-orange"),
        (378, 560, 744, "KPI tables", "kpi_: numbers with their parts", "pale-orange"),
    ]
    for y, upper, lower, name, what, fill in rows:
        stroke = "blue" if fill == "pale-blue" else "orange" if "orange" in fill else "line"
        left, right = 380 - upper / 2, 380 + upper / 2
        body.append(
            f'<path d="M{left:g} {y}H{right:g}L{380 + lower / 2:g} {y + 62}'
            f'H{380 - lower / 2:g}Z" class="{fill} stroke-{stroke}" style="fill:var(--{fill})"/>'
        )
        body.append(words(380, y + 27, name, "strong"))
        body.append(words(380, y + 46, what, "soft"))
    for y in (42, 128, 206, 284, 362):
        body.append(arrow(380, y + 1, 380, y + (23 if y == 42 else 15)))
    body.append(box(8, 226, 158, 54, ["seeds/taxonomy", "your own words"], stroke="green"))
    body.append(arrow(168, 253, 212, 253, "dashed"))
    body.append(box(594, 226, 158, 54, ["contract in, contract out", "the two waists"], kinds=[""]))
    body.append(line(640, 225, 596, 186, "dashed"))
    body.append(line(640, 281, 596, 322, "dashed"))
    body.append(arrow(380, 441, 380, 462))
    body.append(
        box(230, 464, 300, 34, ["the published file: marts only"], "pale-green", "green", [""])
    )
    return 760, 506, body


def identity() -> tuple[int, int, list[str]]:
    body = [
        f'<rect x="8" y="30" width="452" height="230" rx="16"'
        f' class="pale-blue stroke-blue" opacity="{0.55}"/>',
        words(24, 54, "one person: ada", "strong", "start"),
        box(160, 120, 130, 52, ["user_id: ada", "strong"], stroke="blue"),
        box(24, 76, 112, 48, ["cookie", "laptop"], kinds=[""]),
        box(24, 186, 112, 48, ["cookie", "phone"], kinds=[""]),
        box(330, 76, 116, 48, ["e-mail", "(hashed)"], kinds=[""]),
        box(330, 186, 116, 48, ["customer_id", "from billing"], kinds=[""]),
        line(136, 104, 160, 132),
        line(136, 206, 160, 164),
        line(290, 134, 330, 106),
        line(388, 124, 388, 186),
        words(394, 160, "invoice", "soft", "start"),
        words(234, 248, "each line is evidence: raw rows that showed both", "soft"),
        box(500, 112, 116, 64, ["cookie", "shop tablet"], stroke="orange", kinds=["strong"]),
        box(650, 40, 102, 44, ["user_id: cem"], "pale-blue", "blue", [""]),
        box(650, 204, 102, 44, ["user_id: dia"], "pale-blue", "blue", [""]),
        line(604, 112, 658, 84, "dashed"),
        line(604, 176, 658, 204, "dashed"),
        words(560, 202, "shared:", "strong"),
        words(560, 220, "joins nobody", "soft"),
    ]
    return 760, 268, body


def sessions() -> tuple[int, int, list[str]]:
    events = [40, 78, 96, 150, 340, 372, 398, 640, 690]
    body = [line(20, 110, 744, 110)]
    for left, right, name in ((28, 162, "session 1"), (328, 410, "session 2"), (628, 702, "3")):
        body.append(
            f'<rect x="{left}" y="84" width="{right - left}" height="52" rx="10"'
            ' class="pale-blue stroke-blue"/>'
        )
        body.append(words((left + right) / 2, 74, name, "strong"))
    body += [dot(x, 110, "blue") for x in events]
    for x, text in ((40, "9:00"), (150, "9:40"), (340, "10:10"), (398, "10:25"), (640, "23:50")):
        body.append(words(x, 158, text, "soft"))
    body.append(words(696, 158, "0:10", "soft"))
    body.append(words(245, 100, "30 min: split", "soft"))
    body.append(words(519, 100, "longer: split", "soft"))
    body.append(words(665, 184, "midnight does not split", "soft"))
    body.append(words(20, 30, "one endpoint (a cookie, an installation)", "strong", "start"))
    return 760, 196, body


def stages() -> tuple[int, int, list[str]]:
    names = ["acquisition", "activation", "adoption", "retention", "expansion"]
    body = []
    for number, name in enumerate(names):
        y = 250 - 50 * number
        body.append(words(104, y + 5, f"{number + 1} {name}", "", "end"))
        body.append(line(116, y, 748, y, "dashed"))
    stays = [(130, 190, 0), (190, 270, 1), (270, 350, 2), (350, 480, 3)]
    for start, end, stage in stays:
        body.append(line(start, 250 - 50 * stage, end, 250 - 50 * stage, "bold stroke-blue"))
    for start, _, stage in stays[1:]:
        body.append(line(start, 250 - 50 * (stage - 1), start, 250 - 50 * stage, "stroke-blue"))
    labels = [
        (190, 226, "signed up"),
        (270, 176, "a habit"),
        (350, 126, "paid"),
    ]
    body += [words(x + 8, y, text, "soft", "start") for x, y, text in labels]
    body.append(dot(480, 100, "orange"))
    body.append(words(486, 66, "nothing for 60 days:", "soft", "start"))
    body.append(words(486, 84, "dormant", "soft", "start"))
    body.append(line(560, 100, 640, 100, "bold stroke-blue"))
    body.append(dot(560, 100, "blue"))
    body.append(words(566, 122, "back: the same stage", "soft", "start"))
    body.append(dot(640, 100, "orange"))
    body.append(words(634, 84, "cancelled: churned", "soft", "start"))
    body.append(line(690, 250, 748, 250, "bold stroke-blue"))
    body.append(dot(690, 250, "blue"))
    body.append(words(720, 236, "begins anew", "soft"))
    body.append(words(430, 284, "time", "soft"))
    body.append(arrow(456, 280, 520, 280))
    return 800, 296, body


def roads() -> tuple[int, int, list[str]]:
    body = [
        words(12, 28, "Journey: a road you planned", "strong", "start"),
        words(12, 150, "Funnel: how many come how far", "strong", "start"),
        words(12, 284, "Path: what people really did", "strong", "start"),
    ]
    for number, name in enumerate(["door", "step 1", "step 2", "goal"]):
        x = 20 + number * 150
        fill, stroke = ("pale-green", "green") if number == 3 else ("pale-blue", "blue")
        body.append(box(x, 44, 100, 40, [name], fill, stroke, [""]))
        if number < 3:
            body.append(arrow(x + 101, 64, x + 149, 64))
    body.append(f'<path d="M70 84C110 116 330 116 {368} {87}" class="dashed"/>')
    body.append(words(218, 126, "skipped", "soft"))
    body.append(box(620, 44, 132, 40, ["exits: cancelled,", "timed out …"], kinds=["soft"]))
    body.append(arrow(571, 64, 619, 64, "dashed"))
    for number, (share, text) in enumerate([(520, "100 %"), (330, "63 %"), (120, "23 %")]):
        y = 162 + number * 30
        body.append(
            f'<rect x="20" y="{y}" width="{share}" height="24" rx="4"'
            ' class="pale-orange stroke-orange"/>'
        )
        body.append(words(32, y + 17, f"step {number + 1}", "", "start"))
        body.append(words(20 + share + 10, y + 17, text, "soft", "start"))
    trip = ["page", "page", "signed up", "page", "help", "report"]
    for number, name in enumerate(trip):
        x = 20 + number * 124
        body.append(box(x, 298, 92, 34, [name], kinds=[""]))
        if number < 5:
            body.append(arrow(x + 93, 315, x + 123, 315))
    return 760, 344, body


def windows() -> tuple[int, int, list[str]]:
    body = [words(16, 26, "week of sign-up, and the 30 days that follow", "strong", "start")]
    weeks = [("3 March", 110, True), ("17 March", 190, True), ("31 March", 270, False)]
    weeks.append(("14 April", 350, False))
    for number, (name, x, over) in enumerate(weeks):
        y = 46 + number * 44
        body.append(words(96, y + 20, name, "", "end"))
        fill, stroke = ("pale-green", "green") if over else ("pale-orange", "orange")
        shown = 211 if over else 401 - x  # 37 days, at 5.7 pixels a day
        body.append(
            f'<rect x="{x}" y="{y}" width="{shown}" height="30" rx="5"'
            f' class="{fill} stroke-{stroke}"/>'
        )
        if not over:
            body.append(
                f'<rect x="401" y="{y}" width="{x + 211 - 401}" height="30" rx="5"'
                ' class="stroke-line dashed" fill="none"/>'
            )
        if over:
            body.append(words(x + shown / 2, y + 20, "over", "soft"))
        else:
            body.append(words((x + 401) / 2, y + 20, "lived", "soft"))
            body.append(words((x + 612) / 2, y + 20, "not yet", "soft"))
        text = f"is_mature = {str(over).lower()}"
        body.append(words(580, y + 20, text, "code", "start"))
    body.append(line(401, 36, 401, 226, "bold stroke-blue"))
    body.append(words(401, 246, "as_of: the last load", "strong"))
    return 760, 258, body


def incremental() -> tuple[int, int, list[str]]:
    body = []
    for number, (name, when, new) in enumerate(
        [("load 1", "seen", 0), ("load 2", "seen", 0), ("load 3", "late by a year", 1)]
    ):
        fill, stroke = ("pale-orange", "orange") if new else ("paper", "line")
        body.append(box(8, 16 + number * 66, 120, 52, [name, when], fill, stroke))
        body.append(arrow(129, 42 + number * 66, 177, 42 + number * 66))
    body.append(box(180, 16, 130, 184, ["ledger", "which loads has", "each model seen?"]))
    body.append(arrow(311, 108, 357, 108))
    body.append(
        box(360, 60, 158, 96, ["dirty keys", "events → endpoints", "→ people", "of load 3"])
    )
    body.append(arrow(519, 108, 565, 108))
    body.append(words(660, 26, "a table", "strong"))
    for number in range(6):
        touched = number in (1, 4)
        fill, stroke = ("pale-orange", "orange") if touched else ("paper", "line")
        text = "done again" if touched else "left alone"
        body.append(
            box(568, 36 + number * 28, 184, 26, [text], fill, stroke, ["soft"]),
        )
    body.append(words(380, 236, "ends as one full refresh would: row for row", "soft"))
    return 760, 250, body


def publication() -> tuple[int, int, list[str]]:
    body = [
        box(8, 40, 170, 74, ["build.duckdb", "private to the build"]),
        arrow(179, 77, 227, 77),
        words(203, 66, "copy", "soft"),
        box(230, 40, 150, 74, ["new file", "marts only"], "pale-blue", "blue"),
        arrow(381, 77, 467, 77),
        words(424, 52, "compared,", "soft"),
        words(424, 67, "renamed", "soft"),
        box(
            470,
            26,
            282,
            102,
            ["customer_journey.duckdb", "what readers open"],
            "pale-green",
            "green",
        ),
        words(611, 112, "old or new, never half", "soft"),
        arrow(611, 129, 611, 177, "dashed"),
        words(622, 158, "the one before", "soft", "start"),
        box(470, 180, 282, 48, ["generations/", "the last publications: --restore"]),
        words(93, 140, "a test fails or", "soft"),
        words(93, 157, "the build is killed:", "soft"),
        words(93, 174, "nothing is swapped", "soft"),
    ]
    return 760, 236, body


def attribution() -> tuple[int, int, list[str]]:
    body = []
    visits = [("search", 190), ("newsletter", 322), ("ad", 454), ("direct", 586)]
    body.append(line(150, 46, 730, 46))
    for name, x in visits:
        body.append(dot(x, 46, "blue"))
        body.append(words(x, 28, name))
    body.append(dot(704, 46, "green", 9))
    body.append(words(704, 28, "goal", "strong"))
    for x, text in ((190, "21 days before"), (322, "14"), (454, "7"), (586, "the same day")):
        body.append(words(x, 68, text, "soft"))
    half = [2.0 ** (-age / 7) for age in (21, 14, 7, 0)]
    rules = [
        ("first", [1, 0, 0, 0]),
        ("last", [0, 0, 0, 1]),
        ("last_non_direct", [0, 0, 1, 0]),
        ("linear", [0.25] * 4),
        ("u_shaped", [0.4, 0.1, 0.1, 0.4]),
        ("time_decay", [share / sum(half) for share in half]),
    ]
    for number, (name, shares) in enumerate(rules):
        y = 84 + number * 40
        body.append(words(132, y + 24, name, "code", "end"))
        for (_, x), share in zip(visits, shares, strict=True):
            height = 28 * share
            body.append(line(x - 40, y + 32, x + 40, y + 32))
            if share:
                body.append(
                    f'<rect x="{x - 22}" y="{y + 32 - height:.1f}" width="30"'
                    f' height="{height:.1f}" class="orange"/>'
                )
                body.append(words(x + 14, y + 27, f"{100 * share:.0f} %", "soft", "start"))
    return 760, 330, body


DRAWINGS: dict[str, tuple[str, Callable[[], tuple[int, int, list[str]]]]] = {
    "layers": ("Raw tables narrow into canonical tables and widen into KPI tables", layers),
    "identity": ("Identifiers of one person, and a shared tablet that joins nobody", identity),
    "sessions": ("Events of one endpoint, split where nothing happened for 30 minutes", sessions),
    "stages": ("One person's stays in the five stages over time", stages),
    "roads": ("A journey, a funnel and a path side by side", roads),
    "windows": ("Windows of 30 days that are over, and some that are not", windows),
    "incremental": ("Loads, ledger, dirty keys, and the few rows done again", incremental),
    "publication": ("A new file is compared and takes the published file's name", publication),
    "attribution": ("Four visits before a goal, and six rules that share the credit", attribution),
}


def svg(name: str) -> str:
    title, draw = DRAWINGS[name]
    width, height, body = draw()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img"'
            f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
            f"<title>{escape(title)}</title>",
            f"<style>{ALONE}</style>",
            *body,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DRAWINGS:
        (FOLDER / f"{name}.svg").write_text(svg(name))
    print(f"{len(DRAWINGS)} drawings are written to {FOLDER.relative_to(ROOT)}")
