"""What a hub does to a shuffle: the largest task beside the mean one.

    python -m tools.benchmark.skew [--endpoints 10000000] [--tasks 2000]

A shuffle by endpoint puts all events of one endpoint into one task, and a stage lasts as long as
its largest task. Endpoints get as many events as those of the sample of a million events (their
logarithms have mean 1.66 and standard deviation 0.91); one hub, a crawler or a shared till that no
rule has excluded, gets a share of all events on top. Compared are a shuffle by endpoint and one by
endpoint and day, which joins can always bear, and windows over sessions where a hub is cut at
midnight.
"""

from __future__ import annotations

import argparse

import numpy as np

DAYS = 730
MEAN_OF_LOG, DEVIATION_OF_LOG = 1.66, 0.91
SHARES = (0.0, 0.001, 0.01, 0.05)


def largest_beside_mean(weights: np.ndarray, tasks: np.ndarray, count: int) -> float:
    """The heaviest task's weight as a multiple of the mean one's."""
    loads = np.bincount(tasks, weights=weights, minlength=count)
    return float(loads.max() / loads.mean())


def simulated(endpoints: int, tasks: int, share: float, seed: int = 1) -> tuple[float, float]:
    """(by endpoint, by endpoint and day): the largest task beside the mean one."""
    chance = np.random.default_rng(seed)
    events = np.ceil(chance.lognormal(MEAN_OF_LOG, DEVIATION_OF_LOG, endpoints))
    hub = share / (1 - share) * events.sum()
    by_endpoint = np.append(events, hub)
    where = chance.integers(0, tasks, endpoints + 1)
    by_day = np.append(events, np.full(DAYS, hub / DAYS))
    where_by_day = np.append(where[:-1], chance.integers(0, tasks, DAYS))
    return (
        largest_beside_mean(by_endpoint, where, tasks),
        largest_beside_mean(by_day, where_by_day, tasks),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.skew",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--endpoints", type=int, default=10_000_000)
    parser.add_argument("--tasks", type=int, default=2_000)
    arguments = parser.parse_args()
    print(f"{arguments.endpoints:,} endpoints, {arguments.tasks:,} tasks: largest / mean task")
    print(f"{'hub has of all events':<24}{'by endpoint':>14}{'by endpoint and day':>22}")
    for share in SHARES:
        whole, cut = simulated(arguments.endpoints, arguments.tasks, share)
        print(f"{share:<24.1%}{whole:>14.1f}{cut:>22.1f}")


if __name__ == "__main__":
    main()
