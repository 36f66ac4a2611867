"""Lists that others look things up in: the accounts, and what there is to read and to watch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tools.sample import catalog as c
from tools.sample import dirt, records
from tools.sample.arrays import TEXT, take, times
from tools.sample.people import NO
from tools.sample.scene import Draft, Scene, next_export, schema_of
from tools.sample.world import DAY, HOUR, NEVER

ACCOUNTS = ("generic", "accounts")
ASSETS = ("generic", "content_assets")
ACCOUNTS_SCHEMA = schema_of(
    "account_id account_name plan industry employee_count:i seat_count:i created_at:t "
    "updated_at:t _load_id _loaded_at:t"
)
ASSETS_SCHEMA = schema_of(
    "asset_id asset_type title page_path published_at:t updated_at:t _load_id _loaded_at:t"
)
INDUSTRIES = (
    "retail", "manufacturing", "public_sector", "finance", "energy", "logistics", "software",
    "education",
)  # fmt: skip


def _worded(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _assets() -> list[tuple[str, str, str, str | None]]:
    """Id, type, title and page of all there is; ids are those that the tracks carry."""
    title = dict(c.PAGES)
    rows = [(s, "blog", title[f"/blog/{s}"], f"/blog/{s}") for s in c.BLOG]
    rows += [(s, "white_paper", _worded(s), None) for s in c.WHITE_PAPERS]
    rows += [(s, "case_study", title[f"/case-studies/{s}"], f"/case-studies/{s}") for s in c.CASES]
    rows += [(s, "video", _worded(s), None) for s in c.VIDEOS]
    rows += [(s, "webinar", _worded(s), None) for s in c.WEBINARS]
    rows += [("reviews", "review", title["/reviews"], "/reviews")]
    return rows + [(s, "article", title[f"/docs/{s}"], f"/docs/{s}") for s in c.DOCS]


ASSET_ROWS = _assets()


def content_assets(scene: Scene) -> Draft:
    """Draft of generic.content_assets, the same in every chunk; every fourth is retitled once.

    All was published before the period begins, as visitors read it from the first day on.
    """
    world, size = scene.chunk.world, len(ASSET_ROWS)
    number = np.arange(size)
    published_at = world.start_us - (number * 9 + 5) * DAY + 8 * HOUR
    revised = number[::4]
    of = np.concatenate([number, revised])
    revised_at = world.moment(0.5) + revised * DAY // 4 + 10 * HOUR
    now = np.concatenate([published_at, revised_at])
    is_revision = np.arange(len(of)) >= size
    titles = [row[2] for row in ASSET_ROWS]
    titles += [f"{title} (revised)" for title in titles]

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        s = of[d.source]
        return {
            "asset_type": take(pa.array([row[1] for row in ASSET_ROWS]), s),
            "title": take(pa.array(titles), s + size * is_revision[d.source]),
            "page_path": take(pa.array([row[3] for row in ASSET_ROWS], TEXT), s),
            "published_at": times(published_at[s]),
            "updated_at": records.updated(now, d),
        }

    return Draft(
        ASSETS, now, next_export(np.maximum(now, world.start_us)), np.full(len(of), NO), columns,
        of, "asset_id", ids=pa.array([row[0] for row in ASSET_ROWS]),
    )  # fmt: skip


def accounts(scene: Scene) -> Draft:
    """Draft of generic.accounts: as it was entered, and again once the last plan was bought.

    An account is entered when its first member signs up, or when somebody of it first comes by if
    nobody signs up; its plan is the dearest that a member pays for.
    """
    rng, people, marks = scene.chunk.rng("accounts"), scene.people, scene.marks
    ids, names = scene.accounts
    size = len(ids)
    of_account = np.flatnonzero(people.account != NO)
    seen, signed = np.full((2, size), NEVER)
    np.minimum.at(seen, people.account[of_account], people.arrival[of_account])
    np.minimum.at(signed, people.account[of_account], marks.signed_up_at[of_account])
    created_at = np.where(signed < NEVER, signed, seen)
    members = np.bincount(people.account[of_account[scene.signed[of_account]]], minlength=size)
    seats = members + rng.integers(1, 9, size)
    employees = np.rint(seats * rng.lognormal(np.log(6), 1, size)).astype(np.int64) + seats
    industry = rng.integers(0, len(INDUSTRIES), size)

    subs = scene.subscriptions
    paid = np.flatnonzero(
        (subs.started_at < scene.chunk.world.end_us) & (people.account[subs.person] != NO)
    )
    plan, bought_at = np.full(size, NO), np.full(size, NO)
    np.maximum.at(plan, people.account[subs.person[paid]], subs.plan[paid])
    np.maximum.at(bought_at, people.account[subs.person[paid]], subs.started_at[paid])
    entered, buyers = np.flatnonzero(created_at < NEVER), np.flatnonzero(plan != NO)
    of = np.concatenate([entered, buyers])
    now = np.concatenate([created_at[entered], bought_at[buyers]])

    def columns(d: dirt.Delivery) -> dict[str, pa.Array]:
        s = of[d.source]
        has_plan = now[d.source] >= np.where(plan[s] == NO, NEVER, bought_at[s])
        return {
            "account_name": take(names, s),
            "plan": take(pa.array(c.PLANS), np.where(has_plan, plan[s], NO)),
            "industry": take(pa.array(INDUSTRIES), industry[s]),
            "employee_count": pa.array(employees[s]),
            "seat_count": pa.array(seats[s]),
            "created_at": times(created_at[s]),
            "updated_at": records.updated(now, d),
        }

    return Draft(
        ACCOUNTS, now, next_export(now), np.full(len(of), NO), columns, of, "account_id", ids=ids
    )
