"""The dashboard on this machine alone; pages are made anew when the data or a board changes."""

import sys
import threading
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from tools.dashboard.boards import BoardError
from tools.dashboard.pages import write_pages


def newest(published: Path, folder: Path) -> float:
    """When what the pages are made from last changed."""
    return max(
        path.stat().st_mtime_ns for path in [published, *folder.rglob("*")] if path.is_file()
    )


class Pages(SimpleHTTPRequestHandler):
    """Serves the folder; before a page it looks whether something changed."""

    lock = threading.Lock()
    made_from = 0.0

    def __init__(self, *args, published: Path, folder: Path, output: Path, **kwargs):
        self.published, self.folder = published, folder
        self.output = output
        super().__init__(*args, directory=str(output), **kwargs)

    def do_GET(self) -> None:
        if self.path.split("?")[0].endswith(("/", ".html")):
            try:
                self.renew()
            except BoardError as error:
                self.say_what_is_wrong(error.problems)
                return
            except (duckdb.Error, OSError) as error:
                self.say_what_is_wrong([str(error).splitlines()[0]])
                return
        super().do_GET()

    def renew(self) -> None:
        with Pages.lock:
            now = newest(self.published, self.folder)
            if now > Pages.made_from:
                write_pages(self.published, self.folder, self.output)
                Pages.made_from = now

    def say_what_is_wrong(self, problems: list[str]) -> None:
        body = "<!doctype html><meta charset=utf-8><title>The dashboard cannot be made</title>"
        body += "<body style='font:16px system-ui;max-width:60em;margin:3em auto;padding:0 1em'>"
        body += "<h1>The dashboard cannot be made</h1><ul>"
        body += "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        body += "</ul><p>Mend it and load the page again.</p>"
        self.send_response(500)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_) -> None:
        """Nothing for each file: what matters is said on the page."""


def serve(published: Path, folder: Path, output: Path, port: int) -> int:
    handler = partial(Pages, published=published, folder=folder, output=output)
    Pages.made_from = newest(published, folder)  # they were made just now
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(
            f"port {port} cannot be used ({error.strerror}): choose another, as in"
            " `make serve PORT=8001`.",
            file=sys.stderr,
        )
        return 1
    print(f"The dashboard: http://127.0.0.1:{server.server_address[1]}/  (stop it with Ctrl-C)")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
    return 0
