"""A Superset over the published marts: `make superset-up`, `make superset-down`.

    python -m tools.superset up [--port 8088] [--uri postgresql+psycopg2://reader@host/warehouse]
    python -m tools.superset down
    python -m tools.superset zip customer_journey_superset.zip [--uri …] [--refresh]

`up` starts one process on loopback, imports dashboard/superset and prints address and login. What
belongs to it (its metadata, keys, log) lies in warehouse/superset, for nobody else to read. Each
`up` puts the bundle's charts back as the repository has them; what you make beside them stays.

`zip` writes the bundle for a Superset that is already there (docs/superset.md).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml

from tools import superset_bundle
from tools.publish import PUBLISHED

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("JOURNEY_SUPERSET_HOME") or ROOT / "warehouse" / "superset").resolve()
PYTHON = ROOT / ".venv-superset" / "bin" / "python"
LOGIN = "admin"
SLUG = "customer_journey"
PATIENCE = 600  # seconds; the first start makes the metadata, which takes half a minute


def local_uri() -> str:
    if not PUBLISHED.is_file():
        sys.exit(
            f"superset: {PUBLISHED} is not there. Publish the marts first: make demo (the sample"
            " company) or make build (your sources); or name another database with --uri."
        )
    return f"duckdb:///{PUBLISHED.resolve()}"


def checked_uri(uri: str | None) -> str:
    if uri is None:
        return local_uri()
    if "://" not in uri:
        sys.exit(
            f"superset: {uri} is no database address. It looks like"
            " postgresql+psycopg2://user:password@host:5432/database or duckdb:////path/to/file"
        )
    return uri


def write_zip(target: Path, uri: str, refresh: bool) -> int:
    """The bundle as Superset reads it; the same bytes for the same bundle."""
    texts = superset_bundle.texts(uri)
    if refresh:  # the kind that replaces charts and data sets that are there already
        metadata = yaml.safe_load(texts["metadata.yaml"]) | {"type": "assets"}
        texts["metadata.yaml"] = superset_bundle.as_text(metadata)
    target.parent.mkdir(parents=True, exist_ok=True)
    # an address may hold a password
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for path, text in texts.items():
            archive.writestr(ZipInfo(f"{SLUG}/{path}"), text)
    return len(texts)


# ---------------------------------------------------------------- the process


def is_running() -> bool:
    """The server holds a lock as long as it lives: a number in a file may be another's by now."""
    try:
        with (HOME / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def kept_secret(name: str, length: int) -> str:
    """Made at the first start, for this clone alone, and kept with the metadata that need it."""
    path = HOME / name
    if not path.is_file():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(length))
    return path.read_text()


def tell() -> None:
    address = (HOME / "address").read_text()
    password = (HOME / "password").read_text()
    print(
        f"Superset: {address}/superset/dashboard/{SLUG}/\n"
        f"Login:    {LOGIN}\n"
        f"Password: {password} (also in {HOME / 'password'})\n"
        "Stop it:  make superset-down"
    )


def last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(line for line in lines[-15:] if line.strip())


def wait_for(server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not (HOME / "address").is_file():
        if server.poll() is not None:
            sys.exit(f"superset: it did not start. The end of {log}:\n{last_lines(log)}")
        if time.monotonic() > until:
            sys.exit(f"superset: no answer after {PATIENCE} seconds, stopped; see {log}")
        time.sleep(0.2)


def up(port: int, uri: str | None) -> None:
    if not PYTHON.is_file():
        sys.exit("superset: Superset is not installed here. Install it: make install-superset")
    if is_running():
        if not (HOME / "address").is_file():
            sys.exit(f"superset: it is starting already; wait for it, or see {HOME / 'log.txt'}")
        print("superset: it runs already")
        tell()
        return
    address = checked_uri(uri)
    HOME.mkdir(parents=True, exist_ok=True)
    HOME.chmod(0o700)
    kept_secret("secret_key", 42)
    kept_secret("password", 12)
    bundle, log = HOME / "bundle.zip", HOME / "log.txt"
    write_zip(bundle, address, refresh=True)
    (HOME / "address").unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "JOURNEY_SUPERSET_HOME": str(HOME),
        "SUPERSET_CONFIG_PATH": str(ROOT / "dashboard" / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
    }
    print("superset: starting (the first start takes about a minute) …", flush=True)
    with log.open("w") as file:
        server = subprocess.Popen(
            # -P: beside the server's file lies this one, and its name is Superset's own
            [PYTHON, "-P", ROOT / "tools" / "superset_server.py", str(port), bundle],
            cwd=HOME, env=environment, stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(server, log)
    except BaseException:  # Ctrl-C among them: half a start helps nobody
        server.terminate()
        raise
    tell()


def down() -> None:
    if not is_running():
        print("superset: it does not run")
        return
    number = int((HOME / "lock").read_text())
    os.kill(number, signal.SIGTERM)
    until = time.monotonic() + 20
    while is_running():
        if time.monotonic() > until:
            sys.exit(f"superset: process {number} does not end; end it yourself: kill -9 {number}")
        time.sleep(0.1)
    (HOME / "address").unlink(missing_ok=True)
    print("superset: stopped")


def main() -> None:
    parser = argparse.ArgumentParser(description="Superset over the published marts.")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start it, import the bundle, print the address")
    starting.add_argument("--port", type=int, default=0, help="0 (the default) = any free one")
    stopping = commands.add_parser("down", help="stop it")
    zipping = commands.add_parser("zip", help="the bundle for a Superset that is already there")
    zipping.add_argument("target", type=Path)
    zipping.add_argument(
        "--refresh", action="store_true", help="for /api/v1/assets/import/, which replaces"
    )
    for one in (starting, zipping):
        one.add_argument("--uri", help="where the marts lie; else the published DuckDB file")
    del stopping
    arguments = parser.parse_args()
    try:
        if arguments.command == "up":
            up(arguments.port, arguments.uri)
        elif arguments.command == "down":
            down()
        else:
            uri = checked_uri(arguments.uri)
            count = write_zip(arguments.target, uri, arguments.refresh)
            print(f"superset: {arguments.target} holds {count} files")
    except superset_bundle.SpecificationError as error:
        sys.exit(f"superset: {error}")
    except KeyboardInterrupt:
        sys.exit("superset: interrupted; it does not run")


if __name__ == "__main__":
    main()
