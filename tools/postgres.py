"""A PostgreSQL of one's own, to try the publication with: `python -m tools.postgres up`.

    python -m tools.postgres up        # start it (the first time: make it), print what to export
    python -m tools.postgres env       # print that again
    python -m tools.postgres down      # stop it; its data stay
    python -m tools.postgres remove    # stop it and remove its folder

It listens on 127.0.0.1 alone, on a free port, and asks for a password, which is made once, stands
in a file that only you can read, and is neither printed nor given on a command line. The server's
programs come from the system's packages (Debian: `apt-get install postgresql`).

PostgreSQL refuses to run as root. For root it runs as the user `postgres`, or else `nobody`, who
has to be able to reach the folder.
"""

import argparse
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("JOURNEY_POSTGRES_FOLDER") or ".postgres")
DATABASE = "journey"
USER = "journey"  # owner of the server: who publishes
PLACES = "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"


class ServerError(Exception):
    """Why there is no server, and what to do."""


def program(name: str) -> str:
    """The newest installed one of PostgreSQL's programs."""
    if found := shutil.which(name):
        return found
    places = [path for place in PLACES for path in Path("/").glob(f"{place[1:]}/{name}")]
    if not places:
        raise ServerError(
            f"there is no program {name}: install PostgreSQL's server first"
            " (Debian: apt-get install postgresql; macOS: brew install postgresql), or take a"
            " server that runs elsewhere and set PGHOST, PGPORT, PGUSER, PGDATABASE."
        )

    def version(path: Path) -> int:
        return int((re.findall(r"\d+", path.parent.parent.name) or ["0"])[-1])

    return str(max(places, key=version))


def owner() -> dict:
    """As whom the server runs: arguments for subprocess.run."""
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ServerError("PostgreSQL does not run as root, and there is no user `postgres`.")


def run(*command: str, as_owner: dict) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **as_owner)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ServerError(f"{Path(command[0]).name}: {said[-1] if said else done.returncode}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def password_file(folder: Path) -> Path:
    return folder / "pgpass"


def make(folder: Path, as_owner: dict) -> None:
    """A cluster with one user, whose password only the caller can read."""
    shutil.rmtree(folder, ignore_errors=True)  # of one that was cut off while it was made
    data = folder / "data"
    data.mkdir(parents=True)
    password = secrets.token_hex(16)
    first = folder / "first_password"
    for path in (first, password_file(folder)):
        path.touch(mode=0o600)
    first.write_text(password)
    password_file(folder).write_text(f"127.0.0.1:*:*:{USER}:{password}\n")
    if as_owner:
        for path in (data, first):
            os.chown(path, as_owner["user"], as_owner["group"])
        for parent in [folder, *folder.parents]:
            if not parent.stat().st_mode & 0o001:
                shutil.rmtree(folder)
                raise ServerError(
                    f"as root, the server runs as another user, who cannot enter {parent}."
                    " Give it a folder that he can reach: --folder /var/tmp/journey_postgres"
                )
    try:
        run(
            program("initdb"),
            *("--pgdata", str(data), "--username", USER, "--pwfile", str(first)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"),
            as_owner=as_owner,
        )
    except ServerError:
        shutil.rmtree(folder)
        raise
    first.unlink()
    (folder / "made").touch()


def running_port(folder: Path) -> int | None:
    """The port of the server that runs there, by its own file with its process id."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        process_id, port = int(lines[0]), int(lines[3])
        os.kill(process_id, 0)  # 0: only ask
    except PermissionError:
        return port
    except (OSError, IndexError, ValueError):
        return None
    return port


def environment(folder: Path) -> dict[str, str]:
    """What a client of the running server has to know, without the password itself."""
    port = running_port(folder.resolve())
    if port is None:
        raise ServerError(f"no server runs in {folder}: `python -m tools.postgres up` starts one.")
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": USER,
        "PGDATABASE": DATABASE,
        "PGPASSFILE": str(password_file(folder.resolve())),
    }


def up(folder: Path = FOLDER, database: str = DATABASE) -> dict[str, str]:
    """Start the server unless it runs; what to put into the environment."""
    folder = folder.resolve()
    as_owner = owner()
    if not (folder / "made").exists():
        make(folder, as_owner)
    if running_port(folder) is None:
        options = f"-p {free_port()} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = folder / "data" / "server.log"
        run(
            program("pg_ctl"),
            *("start", "--wait", "--pgdata", str(folder / "data"), "--log", str(log)),
            *("--options", options),
            as_owner=as_owner,
        )
    settings = environment(folder) | {"PGDATABASE": database}
    make_database(settings)
    return settings


def make_database(settings: dict[str, str]) -> None:
    import psycopg

    with psycopg.connect(
        host=settings["PGHOST"],
        port=settings["PGPORT"],
        user=USER,
        dbname="postgres",
        passfile=settings["PGPASSFILE"],
        autocommit=True,
    ) as connection:
        name = settings["PGDATABASE"]
        known = connection.execute("select 1 from pg_database where datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(f"create database {name}")


def down(folder: Path = FOLDER) -> bool:
    """Stop the server, by the process id it wrote down; whether one ran."""
    folder = folder.resolve()
    if running_port(folder) is None:
        return False
    data = str(folder / "data")
    run(program("pg_ctl"), "stop", "--wait", "--mode=fast", "--pgdata", data, as_owner=owner())
    return True


def remove(folder: Path = FOLDER) -> None:
    down(folder)
    if folder.exists() and not (folder / "made").exists():
        raise ServerError(f"{folder} was not made by `python -m tools.postgres up`: left alone.")
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.postgres",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["up", "env", "down", "remove"])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where its data lie")
    arguments = parser.parse_args()
    try:
        if arguments.what in ("up", "env"):
            settings = (up if arguments.what == "up" else environment)(arguments.folder)
            for name, value in settings.items():
                print(f"export {name}={value}")
        elif arguments.what == "down":
            print("stopped" if down(arguments.folder) else "none was running")
        else:
            remove(arguments.folder)
            print("removed")
    except ServerError as error:
        print(f"no PostgreSQL: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
