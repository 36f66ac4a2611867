"""What goes wrong between an event and the warehouse: late, doubled, changed and broken rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.sample import catalog as c
from tools.sample.world import DAY, HOUR, MINUTE, Chunk

FIRST, REDELIVERED, CONFLICTING = range(3)
NONE = -1

PLACEHOLDERS = (
    "null", "undefined", "0", "00000000-0000-0000-0000-000000000000", "", "NaN", "(not set)",
)  # fmt: skip
GARBAGE_TIMES = (
    "not-a-date", "2024-13-45T25:61:00Z", "", "infinity", "0000-00-00 00:00:00", "1711.5e9",
)  # fmt: skip
MALFORMED_JSON = ('{"step": 1,', "{broken", "undefined", "[object Object]", '{"a": "b}')
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = datetime(2099, 1, 1, tzinfo=UTC)
EPOCH_TEXT, FAR_TEXT = "1970-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"
BOT_IDS = tuple(f"b07b07b0-0000-4000-8000-00000000000{i}" for i in range(4))
HUGE_TEXT = "A very long title. " * 500
NUL_TEXT = "Pric\x00ing"

_NOBODY = {"anonymous_id": (None,), "user_id": (None,)}
_UNNAMED = {
    name: (None,)
    for name in ("user_id", "customer_id", "email", "phone", "anonymous_id", "device_id")
}
_BOT = {
    "context_user_agent": (c.BOT_AGENT,),
    "anonymous_id": BOT_IDS,
    "user_id": (None,),
    "context_device_id": (None,),
}

# For each table: kind of damage, and what it writes over the columns of a healthy copy.
BREAKS: dict[tuple[str, str], list[tuple[str, dict[str, tuple]]]] = {
    ("segment", "tracks"): [
        ("null_row_id", {"id": (None,)}),
        (
            "no_identity",
            {"id": (None,), **_NOBODY, "context_device_id": (None,),
             "context_traits_email": (None,)},
        ),
        ("timestamp_1970", {"timestamp": (EPOCH_TEXT,), "original_timestamp": (EPOCH_TEXT,)}),
        ("timestamp_2099", {"timestamp": (FAR_TEXT,), "original_timestamp": (FAR_TEXT,)}),
        ("timestamp_garbage", {"timestamp": GARBAGE_TIMES, "original_timestamp": GARBAGE_TIMES}),
        ("malformed_json", {"properties": MALFORMED_JSON}),
        ("nan_in_properties", {"properties": ('{"value": NaN}', '{"step": "NaN"}')}),
        (
            "placeholder_anonymous_id",
            {"anonymous_id": PLACEHOLDERS, "user_id": (None,), "context_traits_email": (None,)},
        ),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
        ("unknown_event", {"event": ("zz_test_event",), "event_text": ("ZZ test event",)}),
        ("bot_user_agent", {**_BOT, "context_traits_email": (None,)}),
    ],
    ("segment", "pages"): [
        ("null_row_id", {"id": (None,)}),
        ("no_identity", {"id": (None,), **_NOBODY}),
        ("timestamp_1970", {"timestamp": (EPOCH,)}),
        ("timestamp_2099", {"timestamp": (FAR,)}),
        ("timestamp_null", {"timestamp": (None,)}),
        ("placeholder_anonymous_id", {"anonymous_id": PLACEHOLDERS, "user_id": (None,)}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
        ("bot_user_agent", _BOT),
        ("nul_byte", {"title": (NUL_TEXT,)}),
        ("huge_text", {"title": (HUGE_TEXT,)}),
    ],
    ("segment", "screens"): [
        ("null_row_id", {"id": (None,)}),
        ("no_identity", {"id": (None,), **_NOBODY, "context_device_id": (None,)}),
        ("timestamp_1970", {"timestamp": (EPOCH,)}),
        ("timestamp_2099", {"timestamp": (FAR,)}),
        ("placeholder_device_id", {"context_device_id": PLACEHOLDERS, **_NOBODY}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
    ],
    ("segment", "identifies"): [
        ("null_row_id", {"id": (None,)}),
        (
            "no_identity",
            {"id": (None,), **_NOBODY, "context_device_id": (None,), "email": (None,),
             "phone": (None,)},
        ),
        ("timestamp_2099", {"timestamp": (FAR,)}),
        ("placeholder_anonymous_id", {"anonymous_id": PLACEHOLDERS}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
        (
            "placeholder_email",
            {"email": ("test@test.com", "null", "none@none", "noreply@mail-1.test", "@", "n/a")},
        ),
    ],
    ("segment", "groups"): [
        ("null_row_id", {"id": (None,)}),
        ("null_group_id", {"group_id": (None,)}),
        ("placeholder_group_id", {"group_id": PLACEHOLDERS}),
        ("timestamp_1970", {"timestamp": (EPOCH,)}),
    ],
    ("segment", "aliases"): [
        ("null_row_id", {"id": (None,)}),
        ("placeholder_previous_id", {"previous_id": PLACEHOLDERS}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
        ("timestamp_2099", {"timestamp": (FAR,)}),
    ],
    ("billing", "customers"): [
        ("null_row_id", {"customer_id": (None,)}),
        ("placeholder_email", {"email": ("null", "test@test.com", "n/a"), "user_id": (None,)}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS}),
        ("timestamp_1970", {"created_at": (EPOCH,), "updated_at": (EPOCH,)}),
    ],
    ("billing", "subscriptions"): [
        ("null_row_id", {"subscription_id": (None,)}),
        ("negative_amount", {"mrr_amount": (Decimal("-49.00"),)}),
        ("unknown_currency", {"currency": ("XXX",)}),
        ("timestamp_2099", {"updated_at": (FAR,), "started_at": (FAR,)}),
        ("unknown_status", {"status": ("???", "")}),
    ],
    ("billing", "invoices"): [
        ("null_row_id", {"invoice_id": (None,)}),
        ("negative_amount", {"amount": (Decimal("-19.00"),)}),
        ("unknown_currency", {"currency": ("XXX",)}),
        ("timestamp_1970", {"issued_at": (EPOCH,), "paid_at": (EPOCH,), "updated_at": (EPOCH,)}),
        ("null_amount", {"amount": (None,)}),
    ],
    ("commerce", "orders"): [
        ("null_row_id", {"order_id": (None,)}),
        ("negative_amount", {"total_amount": (Decimal("-59.00"),)}),
        ("unknown_currency", {"currency": ("XXX",)}),
        ("timestamp_2099", {"placed_at": (FAR,), "updated_at": (FAR,)}),
        ("placeholder_user_id", {"user_id": PLACEHOLDERS, "email": (None,)}),
        ("no_identity", {**_NOBODY, "email": (None,)}),
    ],
    ("commerce", "refunds"): [
        ("null_row_id", {"refund_id": (None,)}),
        ("refund_exceeds_order", {"amount": (Decimal("99999.00"),)}),
        ("unknown_order", {"order_id": ("ord-none",)}),
        ("negative_amount", {"amount": (Decimal("-5.00"),)}),
        ("unknown_currency", {"currency": ("XXX",)}),
    ],
    ("generic", "messages"): [
        ("null_row_id", {"message_id": (None,)}),
        ("no_identity", _UNNAMED),
        ("timestamp_1970", {"occurred_at": (EPOCH,), "updated_at": (EPOCH,)}),
        ("timestamp_2099", {"occurred_at": (FAR,), "updated_at": (FAR,)}),
        ("timestamp_null", {"occurred_at": (None,)}),
        ("unknown_event", {"message_event": ("zz_test_event", "")}),
    ],
    ("generic", "support_contacts"): [
        ("null_row_id", {"contact_id": (None,)}),
        ("no_identity", _UNNAMED),
        ("timestamp_1970", {"opened_at": (EPOCH,)}),
        ("timestamp_2099", {"opened_at": (FAR,), "updated_at": (FAR,)}),
        ("score_out_of_range", {"csat_score": (0, 6, 99)}),
        ("negative_amount", {"cost_amount": (Decimal("-6.00"),)}),
        ("unknown_currency", {"currency_code": ("XXX",)}),
    ],
    ("generic", "survey_responses"): [
        ("null_row_id", {"response_id": (None,)}),
        ("no_identity", _UNNAMED),
        ("timestamp_1970", {"invited_at": (EPOCH,)}),
        ("timestamp_2099", {"invited_at": (FAR,), "updated_at": (FAR,)}),
        ("score_out_of_range", {"score": (11, -1, 42)}),
    ],
    ("generic", "experiment_exposures"): [
        ("null_experiment", {"experiment": (None,)}),
        ("null_variant", {"variant": (None,)}),
        ("no_identity", _UNNAMED),
        ("timestamp_1970", {"exposed_at": (EPOCH,), "updated_at": (EPOCH,)}),
        ("timestamp_2099", {"exposed_at": (FAR,), "updated_at": (FAR,)}),
    ],
    ("generic", "commercial_offers"): [
        ("null_row_id", {"offer_id": (None,)}),
        ("no_identity", _UNNAMED),
        ("timestamp_1970", {"offered_at": (EPOCH,)}),
        ("timestamp_2099", {"offered_at": (FAR,), "updated_at": (FAR,)}),
        ("negative_amount", {"amount": (Decimal("-9.00"),)}),
        ("unknown_currency", {"currency_code": ("XXX",)}),
    ],
    ("generic", "content_assets"): [
        ("null_row_id", {"asset_id": (None,)}),
        ("timestamp_2099", {"published_at": (FAR,), "updated_at": (FAR,)}),
    ],
    ("generic", "accounts"): [
        ("null_row_id", {"account_id": (None,)}),
        ("timestamp_2099", {"created_at": (FAR,), "updated_at": (FAR,)}),
    ],
    ("ads", "spend"): [
        ("null_date", {"date": (None,)}),
        ("null_campaign", {"campaign": (None,)}),
        ("negative_amount", {"spend_amount": (Decimal("-12.00"),)}),
        ("unknown_currency", {"currency": ("XXX",)}),
    ],
}  # fmt: skip

# What a conflicting copy changes besides its receipt: column, and how.
CONFLICTS = {
    ("segment", "tracks"): ("context_page_title", "suffix"),
    ("segment", "pages"): ("title", "suffix"),
    ("segment", "screens"): ("name", "suffix"),
    ("segment", "identifies"): ("name", "upper"),
    ("segment", "groups"): ("name", "upper"),
    ("segment", "aliases"): (None, None),
    ("commerce", "orders"): ("item_count", "plus_one"),
    # records tell their versions by updated_at: these are no newer than what they differ from
    ("generic", "messages"): ("cta", "superseded"),
    ("generic", "support_contacts"): ("reason", "superseded"),
    ("generic", "survey_responses"): ("wave", "superseded"),
    ("generic", "commercial_offers"): ("product", "superseded"),
    ("generic", "content_assets"): ("title", "suffix"),
    ("generic", "accounts"): ("account_name", "upper"),
}


@dataclass
class Delivery:
    """What is written of one table: one array element per raw row, by arrival."""

    source: np.ndarray  # the drafted row that it is made from
    copy: np.ndarray  # FIRST, REDELIVERED, CONFLICTING
    broken: np.ndarray  # 0 healthy, else 1 + index into BREAKS
    number: np.ndarray  # of a broken row, for an id of its own; NONE = the drafted row's number
    offline: np.ndarray  # us that the device held the row back before it sent it
    changed: np.ndarray  # us that a conflicting copy was received after the first
    loaded_at: np.ndarray
    is_late: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


def plan_delivery(
    chunk: Chunk, table: tuple[str, str], arrives_at: np.ndarray, numbers: int, can_wait: bool
) -> Delivery:
    """Decide for each drafted row when it is loaded, and which copies and broken rows join it.

    `arrives_at` is when a drafted row would reach the warehouse if all went well; `numbers` is how
    many row numbers the draft uses; `can_wait` says that devices send this table and may be
    offline. Every moment stays before the horizon, so no planned row is lost.
    """
    rng, n = chunk.rng(f"dirt {table}"), len(arrives_at)
    horizon = chunk.world.horizon_us - 2 * HOUR
    kinds = len(BREAKS[table])

    is_late = rng.random(n) < c.planted("late_share")
    band = rng.random(n)
    delay_days = np.where(
        band < 0.70,
        rng.uniform(1, 7, n),
        np.where(band < 0.94, rng.uniform(7, 45, n), rng.uniform(60, 365, n)),
    )
    room = np.maximum(horizon - arrives_at, 0)
    delay = np.minimum(delay_days * DAY, rng.uniform(0.5, 1, n) * room).astype(np.int64)
    delay = np.where(is_late, delay, 0) // MINUTE * MINUTE
    offline = np.where(can_wait & (rng.random(n) < 0.5), delay, 0)
    arrival = arrives_at + delay

    can_return = np.flatnonzero(arrival + 9 * DAY < horizon)
    again = can_return[rng.random(len(can_return)) < c.planted("duplicate_share_exact")]
    room = np.minimum(horizon - arrival[again], 45 * DAY)
    again_at = arrival[again] + (8 * DAY + rng.random(len(again)) * (room - 8 * DAY))
    conflicts = np.zeros(0, dtype=np.int64)
    if table in CONFLICTS:
        conflicts = can_return[
            rng.random(len(can_return)) < c.planted("duplicate_share_conflicting")
        ]
    changed = rng.integers(60, 72 * 60, len(conflicts)) * MINUTE

    count = int(np.floor(n * c.planted("broken_share") + rng.random()))
    if chunk.number == 0 and n:
        count = max(count, kinds)
    broken = rng.integers(0, n, count) if n else np.zeros(0, dtype=np.int64)
    order_of_kinds = (np.arange(count) + rng.integers(0, kinds)) % kinds + 1

    source = np.concatenate([np.arange(n), again, conflicts, broken])
    sizes = (n, len(again), len(conflicts), count)
    loaded = np.concatenate([arrival, again_at, arrival[conflicts] + changed, arrival[broken]])
    delivery = Delivery(
        source=source,
        copy=np.repeat([FIRST, REDELIVERED, CONFLICTING, FIRST], sizes),
        broken=_at_end(len(source), order_of_kinds, 0),
        number=_at_end(len(source), numbers + np.arange(count), NONE),
        offline=offline[source],
        changed=np.concatenate([np.repeat(0, sizes[0] + sizes[1]), changed, np.repeat(0, count)]),
        loaded_at=(loaded.astype(np.int64) // HOUR + 1) * HOUR,
        is_late=is_late[source],
    )
    order = np.argsort(delivery.loaded_at, kind="stable")
    return Delivery(**{k: v[order] for k, v in vars(delivery).items()})


def _at_end(size: int, tail: np.ndarray, filler: int) -> np.ndarray:
    """An array of `size` that ends with `tail` and is `filler` before."""
    return np.concatenate([np.repeat(filler, size - len(tail)), tail])


def damage(
    table: tuple[str, str], columns: dict[str, pa.Array], delivery: Delivery, turn: int
) -> None:
    """Write conflicts and breaks over the columns, in place of the dict's arrays.

    Where a kind has several values the rows take turns, beginning with number `turn`.
    """
    column, how = CONFLICTS.get(table, (None, None))
    if column:
        is_conflict = pa.array(delivery.copy == CONFLICTING)
        old = columns[column]
        if how == "suffix":
            new = pc.binary_join_element_wise(old, " | Tallyport", "")
        elif how == "upper":
            new = pc.utf8_upper(old)
        elif how == "superseded":
            new = pa.scalar(how, old.type)
        else:
            new = pc.add(old, pa.scalar(1, old.type))
        columns[column] = pc.if_else(is_conflict, new, old)

    for kind, (_, changes) in enumerate(BREAKS[table], start=1):
        rows = np.flatnonzero(delivery.broken == kind)
        if not len(rows):
            continue
        mask = np.zeros(len(delivery), dtype=bool)
        mask[rows] = True
        for name, values in changes.items():
            old = columns[name]
            written = [values[i % len(values)] for i in range(turn, turn + len(rows))]
            if pa.types.is_timestamp(old.type):
                written = [v and v.replace(tzinfo=None) for v in written]
            new = pa.array(written, old.type)
            columns[name] = pc.replace_with_mask(old, pa.array(mask), new)
