"""What MkDocs calls while it builds the site (mkdocs.yml names this file under `hooks`).

It hands over the pages that tools/docs.py writes, and lays drawings into the pages as SVG, so that
they follow the page's switch between light and dark. Diagrams written as mermaid, which GitHub
draws, would need a script of three megabytes here: each has a drawing of its own instead.
"""

import logging
import re
import sys
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import docs, docs_pictures  # noqa: E402 (MkDocs loads this file by its path)

log = logging.getLogger("mkdocs.hooks.docs")

DRAWN = re.compile(r"!\[([^\]]*)\]\((?:\.\./)*images/concepts/(\w+)\.svg\)")
# <!-- drawn as layers --> before a fence: on the site this drawing stands for the diagram
MERMAID = re.compile(r"(?:<!-- drawn as (\w+) -->\s*)?^```mermaid\n.*?^```$", re.M | re.S)


def on_config(config):
    """The pages of the KPI tables, by folder, at the end of the navigation's `Metrics`."""
    try:
        tables = docs.definitions()
    except docs.DocsError as error:
        raise PluginError(str(error)) from None
    folders: dict[str, list[str]] = {}
    for table in tables:
        folders.setdefault(table.folder, []).append(f"reference/{table.name}.md")
    metrics = next(entry["Metrics"] for entry in config.nav if "Metrics" in entry)
    metrics += [{folder.capitalize(): paths} for folder, paths in folders.items()]
    return config


def on_files(files, config):
    try:
        pages = docs.written_pages()
    except docs.DocsError as error:
        raise PluginError(str(error)) from None
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    files.append(
        File.generated(config, "stylesheets/drawings.css", content=docs_pictures.ON_THE_SITE)
    )
    if "stylesheets/drawings.css" not in config.extra_css:
        config.extra_css.append("stylesheets/drawings.css")
    return files


def on_page_markdown(markdown, page, config, files):
    path = page.file.src_uri
    if path == "metrics.md":  # the same columns have pages of their own
        page.meta["search"] = {"exclude": True}

    def drawing(name: str, alt: str) -> str:
        if name not in docs_pictures.DRAWINGS:
            log.warning(f"{path}: there is no drawing `{name}` in tools/docs_pictures.py")
            return ""
        inline = re.sub(r"<style>.*?</style>\n?", "", docs_pictures.svg(name), flags=re.S)
        title = f' aria-label="{alt}"' if alt else ""
        return f'<figure class="drawn" tabindex="0"{title}>\n{inline.strip()}\n</figure>'

    def diagram(match: re.Match) -> str:
        if match[1] is None:
            log.warning(
                f"{path}: a mermaid diagram is not drawn on the site, which fetches no script."
                " Draw it in tools/docs_pictures.py and write <!-- drawn as name --> above it"
            )
            return match[0]
        return drawing(match[1], "")

    return DRAWN.sub(lambda match: drawing(match[2], match[1]), MERMAID.sub(diagram, markdown))
