"""Command line: `python -m tools.sample --out sample/raw --persons N --seed 1`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from tools.sample.world import World
from tools.sample.write import generate, persons_for

DEMO_PERSONS = 4_000  # about 50,000 tracks, pages and screens in two years


def _whole(low: int, high: int):
    def parse(text: str) -> int:
        try:
            number = int(text.replace("_", "").replace(",", ""))
        except ValueError:
            raise argparse.ArgumentTypeError(f"not a whole number: {text!r}") from None
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{number} is not between {low} and {high}")
        return number

    return parse


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date such as 2024-01-01: {text!r}") from None
    if not 1990 <= day.year <= 2080:
        raise argparse.ArgumentTypeError(f"{day} is not between the years 1990 and 2080")
    return day


def parser() -> argparse.ArgumentParser:
    """The command line's arguments."""
    p = argparse.ArgumentParser(prog="python -m tools.sample", description=__doc__)
    p.add_argument("--out", type=Path, default=Path("sample/raw"), help="folder of the raw tables")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--persons", type=_whole(1, 10**9), help=f"default {DEMO_PERSONS}")
    size.add_argument(
        "--events", type=_whole(1, 10**11), help="about so many tracks, pages and screens instead"
    )
    p.add_argument("--seed", type=_whole(0, 2**63 - 1), default=1)
    p.add_argument("--chunk-persons", type=_whole(1, 200_000), default=5_000)
    p.add_argument("--start", type=_day, default=date(2024, 1, 1), help="first day (UTC)")
    p.add_argument("--days", type=_whole(30, 3_650), default=730)
    p.add_argument("--no-truth", action="store_true", help="leave out the truth tables")
    p.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    p = parser()
    a = p.parse_args(argv)
    world = World(a.seed, a.start, a.days, a.chunk_persons)
    if a.out.exists() and not a.out.is_dir():
        p.error(f"argument --out: {a.out} is a file, not a folder")
    persons = a.persons or (persons_for(world, a.events) if a.events else DEMO_PERSONS)
    try:
        generate(a.out, world, persons, with_truth=not a.no_truth, quiet=a.quiet)
    except OSError as error:
        p.error(f"cannot write to {a.out}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
