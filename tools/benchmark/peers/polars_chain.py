"""The chain in Polars: lazy frames, the streaming engine.

python -m tools.benchmark.peers.polars_chain raw-folder out-folder
"""

import sys
from pathlib import Path

import polars as pl

from tools.benchmark.peers import contract as c

CAMPAIGN = ("source", "medium", "campaign")
ORDER = [
    "event_id", "received_at", "occurred_at", "kind", "event", "anonymous_id", "user_id", "url",
    "referrer", "utm_source", "utm_medium", "utm_campaign",
]  # fmt: skip


def usable(name: str) -> pl.Expr:
    value = pl.col(name)
    is_unusable = value.str.to_lowercase().is_in(list(c.UNUSABLE_IDENTIFIERS))
    return pl.when(is_unusable).then(pl.lit("")).otherwise(value.fill_null("")).alias(name)


def parsed_time() -> pl.Expr:
    value = pl.col("timestamp")
    valid = pl.when(value.str.contains(c.TIME_PATTERN)).then(value)
    return (
        valid.str.replace("Z$", "+00:00")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
        .dt.replace_time_zone(None)
    )


def raw_rows(raw: Path) -> pl.LazyFrame:
    """All four raw tables under one roof."""
    nothing = pl.lit(None, dtype=pl.String)
    web = {"tracks": ("context_page_url", "context_page_referrer"), "pages": ("url", "referrer")}
    kinds = {
        "tracks": ("track", pl.col("event"), parsed_time()),
        "pages": ("page", pl.lit("page_viewed"), pl.col("timestamp")),
        "screens": ("screen", pl.lit("screen_viewed"), pl.col("timestamp")),
        "identifies": ("identify", pl.lit("identified"), pl.col("timestamp")),
    }
    frames = []
    for table, (kind, event, occurred_at) in kinds.items():
        address = [pl.col(name) for name in web[table]] if table in web else [nothing, nothing]
        columns = ("source", "medium", "name")
        campaign = [pl.col(f"context_campaign_{n}") if table in web else nothing for n in columns]
        frames.append(
            pl.scan_parquet(raw / "segment" / table / "*.parquet").select(
                pl.col("id").alias("event_id"),
                "anonymous_id",
                "user_id",
                pl.col("received_at").cast(pl.Datetime("us")),
                pl.lit(kind).alias("kind"),
                event.alias("event"),
                occurred_at.cast(pl.Datetime("us")).alias("occurred_at"),
                address[0].alias("url"),
                address[1].alias("referrer"),
                *(
                    value.alias(f"utm_{name}")
                    for name, value in zip(CAMPAIGN, campaign, strict=True)
                ),
            )
        )
    return pl.concat(frames)


def clean(raw: Path) -> pl.DataFrame:
    """Usable rows, each id once: only ids that come more than once are sorted."""
    earliest = pl.lit(c.EARLIEST).str.to_datetime()
    texts = ("event", "url", "referrer", "utm_source", "utm_medium", "utm_campaign")
    rows = (
        raw_rows(raw)
        .filter(
            pl.col("event_id") != "",
            pl.col("occurred_at") >= earliest,
            pl.col("occurred_at") <= pl.col("received_at") + c.LATEST_AFTER_RECEIVED,
        )
        .with_columns(
            usable("anonymous_id"), usable("user_id"), *(pl.col(n).fill_null("") for n in texts)
        )
        .filter(pl.col("anonymous_id") != "")
        .collect(engine="streaming")
    )
    is_copied = pl.col("event_id").is_duplicated()
    copied = rows.filter(is_copied).sort(ORDER).unique("event_id", keep="first")
    return pl.concat([rows.filter(~is_copied), copied.select(rows.columns)])


def identify(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The smallest user id of each component, by passing labels on until nothing changes."""
    pairs = rows.lazy().filter(pl.col("user_id") != "").select("anonymous_id", "user_id").unique()
    pairs = pairs.collect(engine="streaming")
    is_hub = pl.len().over("anonymous_id") > c.HUB_USERS
    links = pairs.filter(~is_hub)
    labels = pairs.select("user_id", label="user_id").unique()
    while True:
        endpoints = (
            links.lazy()
            .join(labels.lazy(), on="user_id")
            .group_by("anonymous_id")
            .agg(pl.col("label").min())
        )
        found = (
            links.lazy()
            .join(endpoints, on="anonymous_id")
            .group_by("user_id")
            .agg(found=pl.col("label").min())
        )
        following = labels.lazy().join(found, on="user_id", how="left")
        endpoints, following = pl.collect_all(
            [endpoints, following.with_columns(pl.coalesce("found", "label").alias("found"))]
        )
        changed = following.filter(pl.col("found") != pl.col("label")).height
        labels = following.select("user_id", label="found")
        if not changed:
            return labels, endpoints


def address_parts() -> list[pl.Expr]:
    url, referrer = pl.col("url"), pl.col("referrer")

    def of_campaign(name: str) -> pl.Expr:
        has = url.str.contains(f"{name}=", literal=True)
        found = pl.when(has).then(url).str.extract(c.parameter_pattern(name), 1)
        value = pl.when(found.fill_null("") != "").then(found).otherwise(pl.col(name))
        return value.str.to_lowercase().alias(name)

    host = url.str.extract(c.HOST_PATTERN, 1)
    path = url.str.extract(c.PATH_PATTERN, 1)
    clicked = pl.when(url.str.contains("clid=", literal=True)).then(url)
    return [
        host.str.to_lowercase().fill_null("").alias("page_host"),
        pl.when(path == "").then(pl.lit("/")).otherwise(path.fill_null("")).alias("page_path"),
        referrer.str.extract(c.HOST_PATTERN, 1)
        .str.to_lowercase()
        .fill_null("")
        .alias("referrer_host"),
        *(of_campaign(f"utm_{name}") for name in CAMPAIGN),
        clicked.str.extract(c.CLICK_ID_PATTERN, 1).fill_null("").alias("click_id_kind"),
    ]


def channel() -> pl.Expr:
    click, medium, source = (pl.col(n) for n in ("click_id_kind", "utm_medium", "utm_source"))
    referrer = pl.col("referrer_host")
    paid = medium.is_in(list(c.PAID))
    search = source.is_in(list(c.PAID_SEARCH_SOURCES))
    social = source.is_in(list(c.PAID_SOCIAL_SOURCES))
    rules = [
        (click.is_in(["gclid", "msclkid"]), "paid search"),
        (click == "fbclid", "paid social"),
        (paid & search, "paid search"),
        (paid & social, "paid social"),
        (paid, "other paid"),
        ((medium == "email") | (source == "newsletter"), "email"),
        (medium != "", "other campaign"),
        ((referrer == "") | (referrer == pl.col("page_host")), "direct"),
        (referrer.str.contains(c.SEARCH_PATTERN), "organic search"),
        (referrer.str.contains(c.SOCIAL_PATTERN), "organic social"),
    ]
    return pl.coalesce(
        *(pl.when(rule).then(pl.lit(name)) for rule, name in rules), pl.lit("referral")
    )


def sessionize(
    rows: pl.DataFrame, labels: pl.DataFrame, endpoints: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events in the order of their endpoints, and the sessions that they make."""
    at, endpoint = pl.col("occurred_at"), pl.col("anonymous_id")
    continues = (endpoint == endpoint.shift()) & (at - at.shift() < c.SESSION_TIMEOUT)
    sessionized = (
        rows.lazy()
        .filter(pl.col("kind") != "identify")
        .select("anonymous_id", "occurred_at", "event_id")
        .sort("anonymous_id", "occurred_at", "event_id")
        .select(
            "event_id",
            session_id=pl.when(~continues.fill_null(False)).then("event_id").forward_fill(),
        )
    )
    events = (
        rows.lazy()
        .join(sessionized, on="event_id")
        .join(labels.lazy().rename({"label": "of_user"}), on="user_id", how="left")
        .join(endpoints.lazy().rename({"label": "of_endpoint"}), on="anonymous_id", how="left")
        .with_columns(
            person_id=pl.coalesce(
                "u:" + pl.col("of_user"), "u:" + pl.col("of_endpoint"), "a:" + endpoint
            )
        )
        .with_columns(*address_parts())
        .select(*c.TABLES["events"], "kind")
        .collect(engine="streaming")
    )
    totals = (
        events.lazy()
        .group_by("session_id")
        .agg(
            ended_at=at.max(),
            event_count=pl.len(),
            page_view_count=(pl.col("kind") == "page").sum(),
        )
    )
    sessions = (
        events.lazy()
        .filter(pl.col("event_id") == pl.col("session_id"))
        .with_columns(started_at=at, channel_group=channel())
        .join(totals, on="session_id")
        .select(*c.TABLES["sessions"])
        .collect(engine="streaming")
    )
    return events, sessions


def funnel(events: pl.LazyFrame) -> pl.LazyFrame:
    at, person = pl.col("occurred_at"), "person_id"
    pricing = (pl.col("kind") == "page") & (pl.col("page_path") == c.FUNNEL_PATH)
    first = events.filter(pricing).group_by(person).agg(first_at=at.min())

    def step(before: pl.LazyFrame, event: str, after: str, within) -> pl.LazyFrame:
        come = events.filter(pl.col("event") == event).select(person, "occurred_at")
        reached = before.join(come, on=person).filter(
            at > pl.col(after), at <= pl.col("first_at") + within
        )
        return reached.group_by(person, "first_at").agg(step_at=at.min())

    second = step(first, c.FUNNEL_SECOND, "first_at", c.FUNNEL_SECOND_WITHIN)
    third = step(second, c.FUNNEL_THIRD, "step_at", c.FUNNEL_THIRD_WITHIN)
    steps = [
        frame.select("first_at", step_number=pl.lit(number))
        for number, frame in enumerate((first, second, third), start=1)
    ]
    week = pl.col("first_at").dt.truncate("1w").dt.date().alias("entry_week")
    return pl.concat(steps).group_by(week, "step_number").agg(person_count=pl.len())


def retention(events: pl.LazyFrame) -> pl.LazyFrame:
    week = pl.col("occurred_at").dt.truncate("1w").dt.date().alias("week")
    weeks = events.select("person_id", week).unique()
    cohorts = weeks.group_by("person_id").agg(cohort_week=pl.col("week").min())
    number = (pl.col("week") - pl.col("cohort_week")).dt.total_days() // 7
    return (
        weeks.join(cohorts, on="person_id")
        .group_by("cohort_week", number.alias("week_number"))
        .agg(person_count=pl.len())
    )


def reports(events: pl.LazyFrame, sessions: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    persons = pl.col("person_id").n_unique()
    return {
        "daily_activity": events.group_by(
            pl.col("occurred_at").dt.date().alias("occurred_date")
        ).agg(active_person_count=persons, event_count=pl.len()),
        "daily_channels": sessions.group_by(
            pl.col("started_at").dt.date().alias("started_date"), "channel_group"
        ).agg(
            session_count=pl.len(),
            person_count=persons,
            page_view_count=pl.col("page_view_count").sum(),
        ),
        "pages": events.filter(pl.col("kind") == "page")
        .group_by("page_host", "page_path")
        .agg(page_view_count=pl.len(), person_count=persons),
        "funnel": funnel(events),
        "retention": retention(events),
    }


def main(raw: Path, out: Path) -> None:
    rows = clean(raw)
    labels, endpoints = identify(rows)
    events, sessions = sessionize(rows, labels, endpoints)
    del rows
    found = reports(events.lazy(), sessions.lazy())
    frames = pl.collect_all(list(found.values()), engine="streaming")
    results = {"events": events, "sessions": sessions, **dict(zip(found, frames, strict=True))}
    for table, frame in results.items():
        frame.select(*c.TABLES[table]).write_parquet(out / f"{table}.parquet")


if __name__ == "__main__":
    main(*c.folders(sys.argv[1:]))
