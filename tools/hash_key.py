"""Make the secret key that e-mails, phones and IP addresses are hashed with.

`python -m tools.hash_key`

Written once, readable by its owner only, never into the repository. Whoever has the key can test a
guess of an address against the marts, so it lies outside the warehouse. Losing it means that new
hashes no longer meet old ones: keep a copy where you keep other secrets.
"""

import argparse
import os
import secrets
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DEFAULT_PATH = Path(os.environ.get("JOURNEY_HASH_KEY") or ".secrets/hash_key.parquet")


def create(path: Path) -> bool:
    """Write a new key of 256 random bits at `path`; False where there is one already."""
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)  # mkstemp: mode 0600 from the first byte
    os.close(handle)
    try:
        pq.write_table(pa.table({"hash_key": [secrets.token_hex(32)]}), name)
        os.link(name, path)  # refuses to replace a key that somebody else wrote meanwhile
    except FileExistsError:
        return False
    finally:
        os.unlink(name)
    return True


def make_sure(path: Path) -> None:
    """Create the key where there is none, and say so."""
    if create(path):
        print(f"hash key: new, {path}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.hash_key", description=__doc__)
    parser.add_argument("--path", type=Path, default=DEFAULT_PATH)
    make_sure(parser.parse_args().path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
