"""Build and test your own sources: `make build`, which then publishes them.

Makes the hash key where there is none and lets dbt build and test; what is said here goes to dbt.
Where dbt stops for a reason that lies outside the models, the last lines say what to do.
"""

import sys
from pathlib import Path

from tools import hash_key
from tools.advice import advise
from tools.publish import BUILT


def build(arguments: list[str], built: Path = BUILT, manifest=None) -> int:
    """`dbt build`, which prints as it always does; 0 if all went well."""
    from dbt.cli.main import dbtRunner  # takes a second

    built.parent.mkdir(parents=True, exist_ok=True)
    outcome = dbtRunner(manifest=manifest).invoke(["build", *arguments])
    if outcome.success:
        return 0
    results = getattr(outcome.result, "results", None) or []
    advise("\n".join(map(str, [outcome.exception, *(each.message for each in results)])), built)
    return 1


def main() -> int:
    hash_key.make_sure(hash_key.DEFAULT_PATH)
    return build(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
