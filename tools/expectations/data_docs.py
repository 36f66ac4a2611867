"""Great Expectations' own pages about a run (its Data Docs), so that they read without a network.

As they come they load styles and scripts from half a dozen hosts, and their index is a script's
work. Here the style is a file beside them, scripts are left out, and the index is a plain list.
They hold what report.py tells as well; nothing of the project reads them.
"""

import html
import re
import shutil
from importlib.resources import files
from pathlib import Path

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from tools.expectations.suites import ExpectationsError

STYLE = "bootstrap.min.css"
REMOTE = re.compile(
    r"<script\b[^>]*\bsrc=[^>]*>.*?</script>|<link\b[^>]*\bhref=\"(?:https?:)?//[^>]*>"
    r"|<img\b[^>]*\bsrc=\"(?:https?:)?//[^>]*>",
    re.DOTALL,
)
# what the scripts that are left out would have done: questions, newsletters, switches of the view
INLINE_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
FOOTER = re.compile(r"<footer>.*?</footer>", re.DOTALL)
LOGO = re.compile(r"background: url\('https?:[^']*'\)[^;]*;")
# to pages of a site that is not made
LINK = re.compile(r'<a href="\.\./[^"]*"\s*>(.*?)</a>', re.DOTALL)
OWN_STYLE = """
<style>
.fa-check-circle::before { content: "\\2713"; }
.fa-times::before { content: "\\2717"; }
.card.mb-3, .ge-breadcrumbs, a[data-toggle="collapse"] { display: none !important; }
</style>
"""
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Quality gate</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{style}"></head>
<body class="container py-4"><h1>Quality gate</h1>
<p>What Great Expectations was asked, batch by batch. What it does not see stands in
<code>quality.md</code>: the figures before they are compared, and what was not applicable.</p>
<table class="table table-sm">
<thead><tr><th>Batch</th><th>Met</th><th>Of</th></tr></thead>
<tbody>
{rows}
</tbody></table></body></html>
"""


def write(validations: list, folder: Path) -> Path:
    """A page for each batch and an index; the index."""
    style = files("mkdocs").joinpath("themes", "mkdocs", "css", STYLE)
    if not style.is_file():
        raise ExpectationsError(
            "the style for --data-docs is missing (it comes with mkdocs): `make install`, or leave"
            " --data-docs out; quality.md says the same."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / STYLE).write_bytes(style.read_bytes())
    rows = []
    for number, (suite, validation) in enumerate(validations, start=1):
        name = f"{number:03d}.html"
        (folder / name).write_text(_page(validation), encoding="utf-8")
        met = sum(bool(each.success) for each in validation.results)
        style_of_row = "" if met == len(validation.results) else ' class="table-warning"'
        rows.append(
            f'<tr{style_of_row}><td><a href="{name}">{html.escape(suite.name)}</a></td>'
            f"<td>{met}</td><td>{len(validation.results)}</td></tr>"
        )
    index = folder / "index.html"
    index.write_text(PAGE.format(style=STYLE, rows="\n".join(rows)), encoding="utf-8")
    return index


def _page(validation: ExpectationSuiteValidationResult) -> str:
    content = ValidationResultsPageRenderer(run_info_at_end=False).render(validation)
    text = DefaultJinjaPageView().render(content)
    for pattern in (REMOTE, INLINE_SCRIPT, FOOTER, LOGO):
        text = pattern.sub("", text)
    text = LINK.sub(r"\1", text)
    style = f'<link rel="stylesheet" href="{STYLE}">'
    text = text.replace("<head>", f"<head>{style}", 1)
    text = text.replace("</head>", f"{OWN_STYLE}</head>", 1)
    return text.replace(
        "<body>", '<body class="p-3"><p><a href="index.html">All batches</a></p>', 1
    )
