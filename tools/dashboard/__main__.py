"""The dashboard from the published marts: `python -m tools.dashboard`.

Writes one page per board of dashboard/boards into target/dashboard and says where index.html is.
--pdf prints each board as well, --serve shows them on this machine, --pictures draws docs/images.
"""

import argparse
import sys
from pathlib import Path

import duckdb

from tools.dashboard.boards import DASHBOARD, BoardError
from tools.dashboard.browser import find_browser, write_pdfs, write_pictures
from tools.dashboard.pages import write_pages
from tools.dashboard.server import serve
from tools.publish import PUBLISHED

OUTPUT = Path("target/dashboard")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.dashboard", description=__doc__)
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="the published file")
    parser.add_argument("--boards", type=Path, default=DASHBOARD, help="folder with boards/*.yml")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the pages")
    parser.add_argument("--pdf", action="store_true", help="each board as PDF too, with Chromium")
    parser.add_argument("--pictures", action="store_true", help="draw the pictures in docs/images")
    parser.add_argument("--serve", action="store_true", help="show the pages on 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="for --serve; 0: any free one")
    arguments = parser.parse_args()
    if not arguments.published.exists():
        print(
            f"there is no {arguments.published}: run `make demo` or `make build` first.",
            file=sys.stderr,
        )
        return 1
    try:
        pages = write_pages(arguments.published, arguments.boards, arguments.output)
    except BoardError as error:
        print("the dashboard was not made:", *error.problems, sep="\n  ", file=sys.stderr)
        return 1
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        print(f"{arguments.published} cannot be read: {first}", file=sys.stderr)
        return 1
    if arguments.pdf or arguments.pictures:
        executable = find_browser()
        if executable is None:
            print("no PDF and no pictures: there is no Chromium or Chrome on this machine.")
        else:
            boards = [page for page in pages if page.stem != "definitions"]
            if arguments.pdf:
                write_pdfs(executable, boards)
                print(f"{len(boards)} boards as PDF: {arguments.output}/*.pdf")
            if arguments.pictures:
                for picture in write_pictures(executable, arguments.output, Path("docs/images")):
                    print(picture)
    index = (arguments.output / "index.html").resolve()
    size = sum(page.stat().st_size for page in pages) / 1e6
    print(f"The dashboard, {len(pages) - 1} boards ({size:.0f} MB): {index}")
    if arguments.serve:
        return serve(arguments.published, arguments.boards, arguments.output, arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
