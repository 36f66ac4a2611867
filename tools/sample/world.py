"""The frame of a run: its period and calendar, its chunks, and small array helpers.

Times are int64 microseconds since 1970 UTC throughout the package.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from tools.sample import catalog as c

MS = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = np.int64(2**62)

# Visits and work per local hour of the day.
HOUR_WEIGHTS = np.array(
    [1, 0.5, 0.3, 0.2, 0.2, 0.5, 1.5, 3, 5, 7, 8, 7, 6, 6.5, 7, 6.5, 5.5, 4.5, 4, 4.5, 5, 4.5, 3, 2]
)
WEEKDAY_WEIGHTS = np.array([1.05, 1.1, 1.1, 1.05, 0.95, 0.5, 0.55])
MONTH_WEIGHTS = np.array([1.1, 1.05, 1.1, 1.0, 1.0, 0.9, 0.65, 0.85, 1.15, 1.15, 1.2, 0.75])


@dataclass(frozen=True)
class World:
    """What all chunks of one run share: seed, period and calendar."""

    seed: int
    start: date
    days: int
    chunk_persons: int

    @property
    def start_us(self) -> int:
        """Begin of the period."""
        begin = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        return int(begin.timestamp()) * SECOND

    @property
    def end_us(self) -> int:
        """End of the period: nothing happens at or after it."""
        return self.start_us + self.days * DAY

    @property
    def horizon_us(self) -> int:
        """The last moment of delivery, a week after the end: nothing is loaded at or after it."""
        return self.end_us + 7 * DAY

    def moment(self, part: float) -> int:
        """The midnight that lies `part` (0 to 1) of the way through the period."""
        return self.start_us + int(part * self.days) * DAY

    @property
    def viral(self) -> tuple[int, int]:
        """Begin and end of the viral blog post's traffic."""
        begin = self.moment(c.VIRAL_BEGIN)
        return begin, begin + c.VIRAL_DAYS * DAY

    @property
    def incident(self) -> tuple[int, int]:
        """Begin and end of the mobile checkout incident."""
        begin = self.moment(c.INCIDENT_BEGIN)
        return begin, begin + c.INCIDENT_DAYS * DAY

    @property
    def experiment(self) -> tuple[int, int]:
        """Begin and end of the experiment."""
        return self.moment(c.EXPERIMENT_BEGIN), self.moment(c.EXPERIMENT_END)

    def arrival_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Two arrays over the days: usual arrivals (sum 1), and viral ones on top."""
        day = np.arange(self.days)
        dates = np.datetime64(self.start, "D") + day
        weekday = (dates.astype(np.int64) + 3) % 7
        month = dates.astype("M8[M]").astype(np.int64) % 12
        growth = c.planted("arrival_growth_factor") ** (day / max(self.days - 1, 1))
        usual = growth * WEEKDAY_WEIGHTS[weekday] * MONTH_WEIGHTS[month]
        usual /= usual.sum()
        viral = np.zeros(self.days)
        first = (self.viral[0] - self.start_us) // DAY
        fading = 0.55 ** np.arange(c.VIRAL_DAYS)
        last = min(first + c.VIRAL_DAYS, self.days)
        viral[first:last] = (fading / fading.sum())[: last - first]
        return usual, viral * c.planted("viral_arrival_share")

    def chunk(self, number: int, persons: int) -> Chunk:
        """Chunk `number`, of `persons` persons."""
        return Chunk(self, number, persons)


@dataclass(frozen=True)
class Chunk:
    """A batch of persons whose history is made without a look at any other chunk."""

    world: World
    number: int
    persons: int

    @property
    def first_person(self) -> int:
        """The number, over the whole run, of the chunk's first person."""
        return self.number * self.world.chunk_persons

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose: more draws in one leave the others alone."""
        return np.random.default_rng([self.world.seed, self.number, zlib.crc32(purpose.encode())])


def owners_and_ranks(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For groups of the given sizes laid end to end: each element's group and place in it."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - starts[owner]


def running_sum(values: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Cumulative sum that starts afresh wherever `rank` is 0."""
    total = np.cumsum(values)
    before = total - values
    return total - before[np.arange(len(values)) - rank] if len(values) else total


def pick(rng: np.random.Generator, weights, size: int) -> np.ndarray:
    """`size` draws from 0 .. len(weights) - 1 by weight."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    drawn = np.searchsorted(edges / edges[-1], rng.random(size), side="right")
    return np.minimum(drawn, len(edges) - 1)


def time_of_day(rng: np.random.Generator, hours_from_utc: np.ndarray) -> np.ndarray:
    """Microseconds after UTC midnight, spread as people are awake at their place."""
    size = len(hours_from_utc)
    local = pick(rng, HOUR_WEIGHTS, size) * HOUR + rng.integers(0, HOUR // MS, size) * MS
    return (local - hours_from_utc * HOUR) % DAY


def whole_ms(times: np.ndarray) -> np.ndarray:
    """Times as int64 microseconds, cut to the millisecond that collectors write."""
    return np.asarray(times).astype(np.int64) // MS * MS
