"""`python -m tools.expectations`: the quality gate on the built file, without publishing."""

import argparse
import os
import sys
from pathlib import Path

from tools.expectations import __doc__ as ABOUT

BUILT = Path(os.environ.get("JOURNEY_DATABASE") or "warehouse/build.duckdb")
PUBLISHED = Path(os.environ.get("JOURNEY_PUBLISHED") or "warehouse/customer_journey.duckdb")
REPORTS = Path(os.environ.get("DBT_TARGET_PATH") or "target") / "quality"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.expectations",
        description=ABOUT,
        epilog="Exit code 1 if one that is not a mere warning fails, or any cannot be asked.",
    )
    parser.add_argument("--database", type=Path, default=BUILT, help="file to look at: the build")
    parser.add_argument(
        "--against", type=Path, default=PUBLISHED, help="the last generation: the published file"
    )
    parser.add_argument("--suites", type=Path, help="folder of other suites")
    parser.add_argument("--out", type=Path, default=REPORTS, help="folder of the reports")
    parser.add_argument("--all", action="store_true", help="list every expectation, not some")
    parser.add_argument(
        "--data-docs", action="store_true", help="write Great Expectations' own pages as well"
    )
    options = parser.parse_args(arguments)

    # Great Expectations takes seconds to import: not for --help or a typing error
    from tools.expectations import checks, report
    from tools.expectations.suites import SUITES, ExpectationsError, read_suites

    previous = options.against if options.against.is_file() else None
    if previous and options.database.is_file() and previous.samefile(options.database):
        previous = None
    try:
        batches = read_suites(options.suites or SUITES)
        run = checks.run_and_keep(options.database, batches, previous)
        outcomes = run.outcomes
        written = report.write(outcomes, options.out)
        if options.data_docs:
            from tools.expectations import data_docs

            written.append(data_docs.write(run.validations, options.out / "data_docs"))
    except ExpectationsError as error:
        print(f"expectations: {error}", file=sys.stderr)
        return 1
    if shown := outcomes if options.all else report.told(outcomes):
        print(f"{report.table(shown)}\n")
    print(report.summary(outcomes))
    for path in written:
        print(f"written: {path}")
    return int(any(each.is_failure for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
