"""`python -m tools.expectations --database warehouse/customer_journey.duckdb`."""

import argparse
import os
import sys
from pathlib import Path

from tools.expectations import __doc__ as ABOUT

PUBLISHED = Path(os.environ.get("JOURNEY_PUBLISHED") or "warehouse/customer_journey.duckdb")
TARGET = Path(os.environ.get("DBT_TARGET_PATH") or "target")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.expectations",
        description=ABOUT,
        epilog="Exit code 1 if an expectation fails; one of severity `warning` only warns.",
    )
    parser.add_argument("--database", type=Path, default=PUBLISHED, help="the published file")
    parser.add_argument("--suites", type=Path, help="folder of other suites")
    parser.add_argument("--out", type=Path, default=TARGET, help="folder of the reports")
    options = parser.parse_args(arguments)

    # Great Expectations takes seconds to import: not for --help or a typing error
    from tools.expectations import checks, report

    try:
        batches = checks.read_suites(options.suites or checks.SUITES)
        outcomes = checks.run(options.database, batches)
    except checks.ExpectationsError as error:
        print(f"expectations: {error}", file=sys.stderr)
        return 1
    print(report.table(outcomes))
    print()
    print(report.summary(outcomes))
    for path in report.write(outcomes, options.out):
        print(f"written: {path}")
    return int(any(each.is_failure for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
