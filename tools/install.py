"""Make a virtual environment hold exactly what a lock file says; do nothing when it already does.

    python3 tools/install.py [requirements.txt [.venv]]

Needs only Python's standard library, because it runs before anything is installed. A second run
reads one small file and touches no network. A changed lock, Python or place of the clone (virtual
environments cannot be moved) makes the environment anew, so that nothing old stays in it.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_LOCK = ROOT / "requirements-uv.txt"


def state(lock: Path, venv: Path) -> str:
    """What the environment depends on, in one short text."""
    digest = hashlib.sha256()
    for part in (lock.read_bytes(), UV_LOCK.read_bytes(), str(venv).encode(), sys.version.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def check_python() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(
            "install: Python 3.11, 3.12 or 3.13 is needed, this is "
            f"{sys.version.split()[0]} ({sys.executable}).\n"
            "Name another one, for example: make install PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401  # Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        sys.exit(
            f"install: {sys.executable} cannot make virtual environments (no ensurepip).\n"
            f"On Debian and Ubuntu: apt install python{version}-venv"
        )


def writable_home() -> bool:
    home = os.environ.get("HOME", "")
    return bool(home) and os.path.isdir(home) and os.access(home, os.W_OK)


def run(*command: "str | Path", env: "dict[str, str]") -> None:
    result = subprocess.run([str(part) for part in command], cwd=ROOT, env=env)
    if result.returncode:
        shown = " ".join(str(part) for part in command)
        sys.exit(f"install: this command failed with exit code {result.returncode}: {shown}")


def install(lock: Path, venv: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONHOME")}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    if not writable_home():  # a build user without a home: keep the downloads beside the project
        env.setdefault("UV_CACHE_DIR", str(ROOT / ".cache" / "uv"))
        env.setdefault("PIP_NO_CACHE_DIR", "1")
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "venv", "--clear", venv, env=env)
    run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", UV_LOCK, env=env)
    # byte code at install time halves the start-up of every dbt call
    run(
        python, "-m", "uv", "pip", "install", "--python", python, "--quiet",
        "--compile-bytecode", "--require-hashes", "-r", lock, env=env,
    )  # fmt: skip


def main() -> None:
    check_python()
    lock = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "requirements.txt")
    venv = ROOT / (sys.argv[2] if len(sys.argv) > 2 else ".venv")
    stamp = venv / "installed"
    wanted = state(lock, venv)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if venv.is_symlink():  # what lies there belongs to another folder, which may be working with it
        sys.exit(
            f"install: {venv.name} is a link to {os.readlink(venv)}, not what {lock.name} asks for."
            " Remove the link: an environment of this folder's own is then made."
        )
    print(f"install: making {venv.name} from {lock.name} …", flush=True)
    install(lock, venv)
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
