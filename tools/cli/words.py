"""What the commands share: mistakes that are told, nearest names, sizes and times in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import datetime, timedelta


class Told(Exception):
    """A command cannot go on; the text says why, and what to do."""


def nearest(name: str, candidates: Iterable[str]) -> str:
    """` Did you mean a, b?`, or nothing where no candidate is like the name."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5)
    return f" Did you mean {', '.join(by_lower[each] for each in close)}?" if close else ""


def of(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span(time: timedelta) -> str:
    """`3 days`, `5 hours`, `20 minutes`."""
    minutes = int(time.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return of(minutes // (24 * 60), "day")
    if minutes >= 120:
        return of(minutes // 60, "hour")
    return of(max(minutes, 0), "minute")


def moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at else "never"
