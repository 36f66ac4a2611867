"""What needs a browser: the boards as PDF, and the pictures in docs/images."""

import shutil
from contextlib import contextmanager
from pathlib import Path

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
PICTURES = {
    "dashboard_overview": ("index", "light"),
    "dashboard_journeys": ("journeys", "light"),
    "dashboard_retention": ("retention", "dark"),
}


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def browser(executable: str | None = None):
    """A browser without a window; LookupError where this machine has none."""
    from playwright.sync_api import sync_playwright

    executable = executable or find_browser()
    if not executable:
        raise LookupError(
            "there is no Chromium or Chrome on this machine; Debian: `apt-get install chromium`"
        )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


def drawn(page, path: Path, query: str = "") -> None:
    page.goto(path.resolve().as_uri() + query)
    page.wait_for_selector("html[data-drawn]", timeout=60_000)


def write_pdfs(executable: str, boards: list[Path]) -> list[Path]:
    """Each board beside its page, A4 landscape, light."""
    written = []
    with browser(executable) as opened:
        page = opened.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page.emulate_media(media="print", color_scheme="light")
        for board in boards:
            drawn(page, board, "?theme=light")
            target = board.with_suffix(".pdf")
            page.pdf(path=str(target), prefer_css_page_size=True, print_background=True, scale=0.72)
            written.append(target)
    return written


def write_pictures(executable: str, pages: Path, images: Path) -> list[Path]:
    """The pictures that the README and docs/dashboard.md show."""
    written = []
    images.mkdir(parents=True, exist_ok=True)
    with browser(executable) as opened:
        for name, (board, scheme) in PICTURES.items():
            page = opened.new_page(viewport={"width": 1440, "height": 960}, color_scheme=scheme)
            drawn(page, pages / f"{board}.html")
            target = images / f"{name}.png"
            page.screenshot(path=str(target))
            page.close()
            written.append(target)
    return written
