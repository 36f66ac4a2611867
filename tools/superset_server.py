"""One Superset in one process, for tools/superset.py: run by .venv-superset, never by hand.

    .venv-superset/bin/python -P tools/superset_server.py PORT BUNDLE.zip

Brings the metadata up to date, makes the login, imports the bundle, then serves on loopback. When
it answers, it writes its address to $JOURNEY_SUPERSET_HOME/address. As long as it lives it holds
the lock in $JOURNEY_SUPERSET_HOME/lock, which has its process number.
"""

import fcntl
import os
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

HOME = Path(os.environ["JOURNEY_SUPERSET_HOME"])
LOGIN = "admin"


def bring_up_to_date() -> None:
    """Tables and roles of the metadata: half a minute, so only where Superset is another one."""
    import flask_migrate
    from superset import appbuilder, security_manager

    mark, wanted = HOME / "prepared", version("apache-superset")
    if mark.is_file() and mark.read_text() == wanted:
        return
    flask_migrate.upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    mark.write_text(wanted)


def make_login() -> None:
    from superset import security_manager

    password = (HOME / "password").read_text()
    user = security_manager.find_user(LOGIN)
    if user:
        security_manager.reset_password(user.id, password)
        return
    role = security_manager.find_role("Admin")
    names = ("Customer", "Journey", "admin@localhost")
    if not security_manager.add_user(LOGIN, *names, role, password):
        sys.exit("superset: the login could not be made; the lines above say why")


def import_bundle(bundle: Path) -> None:
    from superset import security_manager
    from superset.commands.exceptions import CommandException
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.utils.core import override_user

    with ZipFile(bundle) as archive:
        contents = get_contents_from_bundle(archive)
    with override_user(security_manager.find_user(LOGIN)):
        try:
            ImportAssetsCommand(contents).run()
        except CommandException as error:
            details = getattr(error, "normalized_messages", lambda: "")()
            sys.exit(f"superset: the bundle could not be imported: {error} {details}")


def main() -> None:
    port, bundle = int(sys.argv[1]), Path(sys.argv[2])
    lock = (HOME / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("superset: another one is starting")
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()

    from superset.app import create_app
    from werkzeug.serving import make_server

    app = create_app()
    with app.app_context():
        bring_up_to_date()
        make_login()
        import_bundle(bundle)
    server = make_server("127.0.0.1", port, app, threaded=True)
    part = HOME / "address.part"
    part.write_text(f"http://127.0.0.1:{server.server_port}")
    part.rename(HOME / "address")
    server.serve_forever()


if __name__ == "__main__":
    main()
