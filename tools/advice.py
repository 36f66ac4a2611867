"""What to do when a build or a publication stops for a reason that lies outside the models.

No room on the disk, too little memory, a file that somebody else has open, raw tables without a
row: the engine says so once for every table it comes to, and what it advises fits another tool. So
the last lines on the screen say what has happened, what to do, and that nothing is lost.
"""

import os
import re
import shutil
import sys
from pathlib import Path

AGAIN = (
    "Then run `make build` again: it goes on where this one stopped. Readers keep what was"
    " published last."
)


def disk_is_full(built: Path) -> str:
    folder = built.parent.resolve()
    size = built.stat().st_size if built.exists() else 0
    return (
        f"The disk is full: {in_words(shutil.disk_usage(folder).free)} free in {folder}, where the"
        f" build file has {in_words(size)}. A build may need as much again, and publishing as much"
        " as the marts. Make room, or let JOURNEY_DATABASE name a file on a larger disk (move the"
        f" build file there). {AGAIN}"
    )


def spill_is_limited(built: Path) -> str:
    limit = os.environ.get("JOURNEY_SPILL_LIMIT")
    if not limit:
        return disk_is_full(built)
    return (
        f"What did not fit into memory has reached JOURNEY_SPILL_LIMIT ({limit}) in {built}.tmp."
        f" Raise it if the disk has room, or give DuckDB more memory. {AGAIN}"
    )


def memory_is_short(built: Path) -> str:
    limit = os.environ.get("JOURNEY_MEMORY_LIMIT")
    now = f"it is {limit}" if limit else "unset, it is 80 % of the machine's memory"
    return (
        f"There was too little memory. Give DuckDB more with JOURNEY_MEMORY_LIMIT ({now}), or let"
        " fewer models run at a time with JOURNEY_THREADS=1, or close other programs. What does"
        f" not fit is written to {built}.tmp, so that disk needs room as well. {AGAIN}"
    )


def file_is_open(built: Path) -> str:
    return (
        f"Another process has {built} open: a build that still runs, or a tool that reads it."
        " Readers belong on the published file, which may stay open. Close the other, or wait for"
        f" it. {AGAIN}"
    )


def nothing_delivered(built: Path) -> str:
    return (
        "No raw table has a row that can be used, so nobody knows until when the journeys are to be"
        " told. Look at the paths in var raw_files (and at JOURNEY_RAW), and at"
        " intermediate.int_loads_unioned in the build file; or set var as_of to build empty tables."
    )


HINTS = {
    r"No space left|Disk quota exceeded|File too large": disk_is_full,
    r"max_temp_directory_size": spill_is_limited,
    r"Out of Memory|bad_alloc|Cannot allocate memory": memory_is_short,
    r"Could not set lock on file": file_is_open,
    r"constraint failed: \w*as_of\w*\.as_of_at": nothing_delivered,
}


def in_words(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def advice_on(message: str, built: Path) -> str:
    """What to do about a message; empty where it speaks of the models themselves."""
    for pattern, advice in HINTS.items():
        if re.search(pattern, message):
            return advice(built)
    return ""


def advise(message: str, built: Path) -> None:
    if advice := advice_on(message, built):
        print(f"\n{advice}", file=sys.stderr, flush=True)
