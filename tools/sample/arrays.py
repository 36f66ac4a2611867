"""From numbers to the columns of a table: text, moments, money and ids as Arrow arrays."""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.sample.world import DAY, HOUR, MS, NEVER

TEXT, TIME, MONEY = pa.string(), pa.timestamp("us"), pa.decimal128(12, 2)


def take(pool: pa.Array, index: np.ndarray) -> pa.Array:
    """`pool` at each index; null where the index is below 0."""
    index = np.asarray(index, dtype=np.int64)
    return pool.take(pa.array(index, mask=index < 0))


def times(at: np.ndarray) -> pa.Array:
    """Moments as timestamps; null at NEVER."""
    at = np.asarray(at, dtype=np.int64)
    return pa.array(at, mask=at >= NEVER).cast(TIME)


def decimals(amount: np.ndarray) -> pa.Array:
    """Whole cents as decimals with two places."""
    words = np.zeros((len(amount), 2), dtype="<i8")
    words[:, 0] = amount
    words[:, 1] = np.where(words[:, 0] < 0, -1, 0)
    return pa.Array.from_buffers(MONEY, len(amount), [None, pa.py_buffer(words.tobytes())])


def iso_text(at: np.ndarray, offset_hours: np.ndarray) -> pa.Array:
    """Moments as ISO-8601 text with milliseconds, in Z or with an offset of one or two hours."""
    local = pa.array((at + offset_hours * HOUR) // MS).cast(pa.timestamp("ms"))
    text = pc.utf8_replace_slice(local.cast(TEXT), start=10, stop=11, replacement="T")
    suffix = take(pa.array(["Z", "+01:00", "+02:00"]), offset_hours)
    return pc.binary_join_element_wise(text, suffix, "")


_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def _text_of(matrix: np.ndarray) -> pa.Array:
    """One text per row of a matrix of ASCII bytes."""
    n, width = matrix.shape
    offsets = np.arange(n + 1, dtype=np.int32) * width
    data = np.ascontiguousarray(matrix)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(data))


def uuids(rng: np.random.Generator, size: int) -> pa.Array:
    """Random ids in the form of a version 4 UUID."""
    raw = rng.integers(0, 16, (size, 36), dtype=np.uint8)
    raw[:, 14] = 4
    raw[:, 19] = 8 + raw[:, 19] % 4
    text = _HEX[raw]
    text[:, [8, 13, 18, 23]] = ord("-")
    return _text_of(text)


def row_ids(prefix: str, chunk: int, number: np.ndarray) -> pa.Array:
    """Ids such as `trk-00012-9e3779b1`: unique by chunk and number, in no telling order.

    The prefix is mixed in, so that a user id does not give away the billing id.
    """
    mixed = (number.astype(np.uint64) * 0x9E3779B1 + zlib.crc32(prefix.encode())) & 0xFFFFFFFF
    head = np.frombuffer(f"{prefix}-{chunk:05d}-".encode(), dtype=np.uint8)
    shifts = np.arange(28, -4, -4, dtype=np.uint64)
    tail = _HEX[((mixed[:, None] >> shifts) & 15).astype(np.uint8)]
    return _text_of(np.concatenate([np.broadcast_to(head, (len(number), len(head))), tail], axis=1))


def load_ids(loaded_at: np.ndarray) -> pa.Array:
    """The weekly load of each moment, such as `2024-03-w2`: days 8 to 14 of March 2024."""
    days, place = np.unique(loaded_at // DAY, return_inverse=True)
    dates = [d.item() for d in days.astype("M8[D]")]
    labels = [f"{d.year}-{d.month:02d}-w{(d.day - 1) // 7 + 1}" for d in dates]
    return take(pa.array(labels, TEXT), place)
