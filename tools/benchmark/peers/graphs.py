"""Graphs of which the components are wanted; a name and a size give always the same edges.

    realistic   people with cookies, e-mail addresses and customer numbers; some devices are shared,
                some cookies nobody has identified; a pair is often seen more than once
    hard        a third each of chains (10 to 10,000 long), grids (up to 100 x 100) and stars (up to
                100,000 rays)
    chain       one chain of so many edges
    star        one star of so many rays

Node names are as long as real ones: a letter and 32 hexadecimal digits.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

SEED = 20250101


def realistic(edges: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """About 2.4 different links a person."""
    people = max(edges // 3, 2)
    person = np.arange(people)
    kinds, ends = [], []

    def link(who: np.ndarray, kind: int, number: np.ndarray) -> None:
        kinds.append(who * 8)
        ends.append(number * 8 + kind)

    # cookies: one, and for some more; each belongs to nobody else
    cookies = np.minimum(random.geometric(0.6, people), 20)
    owners = np.repeat(person, cookies)
    link(owners, 1, np.arange(len(owners)))
    with_email = person[random.random(people) < 0.6]
    link(with_email, 2, with_email)
    with_customer = person[random.random(people) < 0.25]
    link(with_customer, 3, with_customer)
    # a device that two or three people use
    sharing = person[random.random(people) < 0.02]
    link(sharing, 4, random.integers(0, max(len(sharing) // 2, 1), len(sharing)))
    # two accounts of one person
    twice = person[random.random(people) < 0.02]
    kinds.append(twice * 8)
    ends.append(random.integers(0, people, len(twice)) * 8)
    a, b = np.concatenate(kinds), np.concatenate(ends)
    if len(a) < edges:  # seen again
        again = random.integers(0, len(a), edges - len(a))
        a, b = np.concatenate([a, a[again]]), np.concatenate([b, b[again]])
    chosen = random.permutation(len(a))[:edges]
    return a[chosen], b[chosen]


def chain(edges: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    nodes = np.arange(edges + 1)
    return nodes[:-1], nodes[1:]


def star(edges: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(edges, dtype=np.int64), np.arange(1, edges + 1)


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    nodes = np.arange(side * side).reshape(side, side)
    return (
        np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()]),
        np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()]),
    )


def hard(edges: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    first, third = 0, edges // 3

    def add(a: np.ndarray, b: np.ndarray, room: int) -> int:
        nonlocal first
        a, b = a[:room], b[:room]
        parts.append((a + first, b + first))
        first += int(max(a.max(), b.max())) + 1
        return len(a)

    for shape, wanted in (("chain", third), ("grid", third), ("star", edges - 2 * third)):
        done = 0
        while done < wanted:
            if shape == "chain":
                a, b = chain(int(10 ** random.uniform(1, 4)), random)
            elif shape == "grid":
                a, b = grid(int(random.integers(3, 101)))
            else:
                a, b = star(int(10 ** random.uniform(2, 5)), random)
            done += add(a, b, wanted - done)
    return tuple(np.concatenate([part[end] for part in parts]) for end in (0, 1))


GRAPHS = {"realistic": realistic, "hard": hard, "chain": chain, "star": star}


def write(graph: str, edges: int, path: Path) -> None:
    """The edges in random order and with random ends first: parquet, node_a and node_b as text."""
    random = np.random.default_rng(SEED)
    a, b = GRAPHS[graph](edges, random)
    order = random.permutation(len(a))
    turned = random.random(len(a)) < 0.5
    a, b = np.where(turned, b, a)[order], np.where(turned, a, b)[order]
    numbered = pa.table({"a": a, "b": b})
    with duckdb.connect() as connection:
        connection.register("numbered", numbered)
        connection.execute(
            "copy (select 'n' || md5(a::varchar) as node_a, 'n' || md5(b::varchar) as node_b"
            f" from numbered) to '{path}' (format parquet, compression zstd)"
        )
