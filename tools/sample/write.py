"""Runs the chunks and streams their tables to parquet; memory holds one chunk at a time."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tools.sample import arrays, dirt, tables, truth
from tools.sample import catalog as c
from tools.sample.world import DAY, HOUR, World

PILOT_PERSONS = 20_000


class Truth:
    """One parquet file per truth table, kept open and written chunk by chunk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.writers: dict[str, pq.ParquetWriter] = {}

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows to truth table `name`."""
        if name not in self.writers:
            path = self.folder / f"{name}.parquet"
            self.writers[name] = pq.ParquetWriter(path, truth.SCHEMAS[name], compression="zstd")
        self.writers[name].write_table(table)

    def close(self) -> None:
        """Finish all files."""
        for writer in self.writers.values():
            writer.close()


def persons_for(world: World, events: int) -> int:
    """How many persons make about `events` tracks, pages and screens: asked of a pilot chunk."""
    pilot = World(world.seed, world.start, world.days, PILOT_PERSONS)
    made = len(tables.Scene(pilot.chunk(0, PILOT_PERSONS)).events)
    made *= 1 + sum(
        c.planted(f"{share}_share{kind}")
        for share, kind in (("duplicate", "_exact"), ("duplicate", "_conflicting"), ("broken", ""))
    )
    return max(1, round(events * PILOT_PERSONS / max(made, 1)))


def generate(
    out: Path, world: World, persons: int, *, with_truth: bool = True, quiet: bool = False
) -> Counter:
    """Write all raw and truth tables; gives the number of rows of each raw table."""
    began = time.monotonic()
    _clear(out)
    book = Truth(out.parent / "truth") if with_truth else None
    counts: Counter = Counter()
    clicks = np.zeros((world.days, len(c.TOUCHES)), dtype=np.int64)
    chunks = -(-persons // world.chunk_persons)
    for number in range(chunks):
        size = min(world.chunk_persons, persons - number * world.chunk_persons)
        scene = tables.Scene(world.chunk(number, size))
        _write_chunk(out, scene, book, counts)
        _count_clicks(clicks, scene)
        if not quiet and chunks > 1:
            rows = sum(v for k, v in counts.items() if k[2] == "rows")
            seconds = time.monotonic() - began
            note = f"chunk {number + 1}/{chunks}: {rows:,} rows, {seconds:.1f} s"
            print(note, file=sys.stderr, flush=True)
    _write_spend(out, world, clicks, book, counts)
    if book:
        book.add("effects", truth.effects(world))
        book.add("row_counts", _row_counts(counts))
        book.close()
    rows = Counter({".".join(k[:2]): v for k, v in counts.items() if k[2] == "rows"})
    if not quiet:
        listed = ", ".join(f"{name} {count:,}" for name, count in rows.items())
        seconds = time.monotonic() - began
        print(f"{listed}; {rows.total():,} rows in {seconds:.1f} s", file=sys.stderr, flush=True)
    return rows


def _clear(out: Path) -> None:
    """Remove the part files of an earlier run, which may have had more chunks; nothing else."""
    for source, table in tables.SCHEMAS:
        for part in (out / source / table).glob("part-*.parquet"):
            part.unlink()


def _write_part(out: Path, key: tuple[str, str], number: int, table: pa.Table) -> None:
    folder = out / key[0] / key[1]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / f"part-{number:05d}.parquet", compression="zstd")


def _count(counts: Counter, key: tuple[str, str], delivery: dirt.Delivery) -> None:
    is_clean = (delivery.broken == 0) & (delivery.copy == dirt.FIRST)
    for name, value in (
        ("rows", len(delivery)),
        ("clean_rows", is_clean.sum()),
        ("exact_duplicate_rows", (delivery.copy == dirt.REDELIVERED).sum()),
        ("conflicting_duplicate_rows", (delivery.copy == dirt.CONFLICTING).sum()),
        ("broken_rows", (delivery.broken > 0).sum()),
        ("late_rows", (delivery.is_late & is_clean).sum()),
    ):
        counts[(*key, name)] += int(value)


def _row_counts(counts: Counter) -> pa.Table:
    keys = list(tables.SCHEMAS)
    schema = truth.SCHEMAS["row_counts"]
    columns = {"source": [k[0] for k in keys], "table": [k[1] for k in keys]}
    for name in schema.names[2:]:
        columns[name] = [counts[(*k, name)] for k in keys]
    return pa.table(columns, schema=schema)


def _write_chunk(out: Path, scene: tables.Scene, book: Truth | None, counts: Counter) -> None:
    drafts = tables.drafts(scene)
    events, broken = [], []
    for draft in drafts:
        raw, delivery = tables.deliver(scene, draft)
        _write_part(out, draft.table, scene.chunk.number, raw)
        _count(counts, draft.table, delivery)
        if book:
            if draft.id_column:
                events.append(truth.events(scene, draft, raw, delivery))
            person = truth.broken_persons(scene, draft, delivery)
            broken.append(truth.broken_rows(draft.table, draft.id_column, raw, delivery, person))
    if book:
        book.add("events", pa.concat_tables(events))
        book.add("broken_rows", pa.concat_tables(broken))
        persons, stages = truth.persons_and_stages(scene)
        book.add("persons", persons)
        book.add("stage_starts", stages)
        book.add("identifiers", truth.identifiers(scene, drafts))
        book.add("experiments", truth.experiments(scene))


# ---------------------------------------------------------------- ads: one part for the company


def _count_clicks(clicks: np.ndarray, scene: tables.Scene) -> None:
    """Add a chunk's paid landings to the count per day and touch."""
    sess, world = scene.sessions, scene.chunk.world
    np.add.at(clicks, ((sess.at - world.start_us) // DAY, sess.touch), 1)


def _write_spend(
    out: Path, world: World, clicks: np.ndarray, book: Truth | None, counts: Counter
) -> None:
    """Write ads.spend: each day and campaign that ran, stated on three following days.

    Clicks are the paid landings that were tracked and some that were not; the numbers grow a
    little with each restatement.
    """
    chunk = world.chunk(0, 0)
    rng = chunk.rng("spend")
    paid = [i for i, touch in enumerate(c.TOUCHES) if touch[12]]
    day, which = (v.ravel() for v in np.meshgrid(np.arange(world.days), paid, indexing="ij"))
    at = world.start_us + day * DAY
    begin = np.array([world.moment(t[9]) for t in c.TOUCHES])[which]
    end = np.array([world.moment(t[10]) for t in c.TOUCHES])[which]
    runs = (begin <= at) & (at < end)
    day, which, at = day[runs], which[runs], at[runs]
    landed = clicks[day, which]
    final = landed + rng.binomial(landed, 0.12) + rng.poisson(0.3, len(day))
    seen = (final * rng.uniform(25, 90, len(day))).astype(np.int64)
    seen += rng.integers(20, 400, len(day))
    price = np.array([t[13] for t in c.TOUCHES])[which] * rng.uniform(0.8, 1.25, len(day))
    cost = np.rint(final * price * 100).astype(np.int64)

    row, statement = (v.ravel() for v in np.meshgrid(np.arange(len(day)), (1, 2, 3), indexing="ij"))
    part = np.array([0, 0.9, 0.98, 1.0])[statement]
    updated_at = at[row] + statement * DAY + 4 * HOUR
    key = ("ads", "spend")
    delivery = dirt.plan_delivery(chunk, key, updated_at + HOUR, len(row), can_wait=False)
    i = delivery.source
    touch = which[row[i]]

    def stated(amount):
        return np.floor(amount[row] * part).astype(np.int64)[i]

    def of_touch(place):
        return arrays.take(pa.array([t[place] for t in c.TOUCHES], arrays.TEXT), touch)

    days = pa.array((at[row[i]] // DAY).astype(np.int32)).cast(pa.date32())
    columns = {
        "date": days,
        "platform": of_touch(12),
        "campaign": of_touch(3),
        "utm_source": of_touch(1),
        "utm_medium": of_touch(2),
        "utm_campaign": of_touch(3),
        "impressions": pa.array(stated(seen)),
        "clicks": pa.array(stated(final)),
        "spend_amount": arrays.decimals(stated(cost)),
        "currency": pa.array(["EUR"] * len(i), arrays.TEXT),
        "updated_at": arrays.times(updated_at[i]),
        "_load_id": arrays.load_ids(delivery.loaded_at),
        "_loaded_at": arrays.times(delivery.loaded_at),
    }
    dirt.damage(key, columns, delivery, 0)
    schema = tables.SCHEMAS[key]
    raw = pa.table([columns[f.name] for f in schema], schema=schema)
    _write_part(out, key, 0, raw)
    _count(counts, key, delivery)
    if book:
        book.add("broken_rows", truth.broken_rows(key, None, raw, delivery, None))
