"""The chain in Spark SQL, embedded on the cores of this machine.

python -m tools.benchmark.peers.pyspark_chain raw-folder out-folder

What several steps read is kept or written, as one would in a job. As in the project's own profile
for Spark, the quick compiler and the plain collector: for many small statements they take half the
time.
"""

import os
import shutil
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.storagelevel import StorageLevel

from tools.benchmark.peers import contract as c

TIMEOUT = f"interval {int(c.SESSION_TIMEOUT.total_seconds())} seconds"


def text(pattern: str) -> str:
    """A regular expression as a literal of Spark, which reads backslashes itself."""
    return "'" + pattern.replace("\\", "\\\\") + "'"


def usable(column: str) -> str:
    return (
        f"case when lower({column}) in ({c.quoted(c.UNUSABLE_IDENTIFIERS)}) then ''"
        f" else coalesce({column}, '') end as {column}"
    )


def raw_rows(raw: Path) -> str:
    """All four raw tables under one roof."""
    tracked = (
        f"case when timestamp rlike {text(c.TIME_PATTERN)} then try_to_timestamp(timestamp) end"
    )
    stamped = "cast(timestamp as timestamp)"
    campaign = ", ".join(
        f"coalesce(context_campaign_{column}, '') as utm_{name}"
        for column, name in (("source", "source"), ("medium", "medium"), ("name", "campaign"))
    )
    nothing = "'' as url, '' as referrer, '' as utm_source, '' as utm_medium, '' as utm_campaign"
    tables = {
        "tracks": f"'track' as kind, coalesce(event, '') as event, {tracked} as occurred_at,"
        " coalesce(context_page_url, '') as url,"
        f" coalesce(context_page_referrer, '') as referrer, {campaign}",
        "pages": f"'page' as kind, 'page_viewed' as event, {stamped} as occurred_at,"
        f" coalesce(url, '') as url, coalesce(referrer, '') as referrer, {campaign}",
        "screens": "'screen' as kind, 'screen_viewed' as event,"
        f" {stamped} as occurred_at, {nothing}",
        "identifies": "'identify' as kind, 'identified' as event,"
        f" {stamped} as occurred_at, {nothing}",
    }
    return " union all ".join(
        f"select id as event_id, {usable('anonymous_id')}, {usable('user_id')},"
        f" cast(received_at as timestamp) as received_at, {columns}"
        f" from parquet.`{raw}/segment/{table}`"
        for table, columns in tables.items()
    )


def address_parts() -> str:
    def of_campaign(name: str) -> str:
        found = f"regexp_extract(url, {text(c.parameter_pattern(name))}, 1)"
        return (
            f"lower(case when contains(url, '{name}=') and {found} <> '' then {found}"
            f" else {name} end) as {name}"
        )

    return f"""
        lower(regexp_extract(url, {text(c.HOST_PATTERN)}, 1)) as page_host,
        case
            when not url rlike {text(c.HOST_PATTERN)} then ''
            else coalesce(nullif(regexp_extract(url, {text(c.PATH_PATTERN)}, 1), ''), '/')
        end as page_path,
        lower(regexp_extract(referrer, {text(c.HOST_PATTERN)}, 1)) as referrer_host,
        {of_campaign("utm_source")},
        {of_campaign("utm_medium")},
        {of_campaign("utm_campaign")},
        case
            when contains(url, 'clid=') then regexp_extract(url, {text(c.CLICK_ID_PATTERN)}, 1)
            else ''
        end as click_id_kind"""


CHANNEL = f"""
    case
        when click_id_kind in ('gclid', 'msclkid') then 'paid search'
        when click_id_kind = 'fbclid' then 'paid social'
        when utm_medium in ({c.quoted(c.PAID)})
            and utm_source in ({c.quoted(c.PAID_SEARCH_SOURCES)}) then 'paid search'
        when utm_medium in ({c.quoted(c.PAID)})
            and utm_source in ({c.quoted(c.PAID_SOCIAL_SOURCES)}) then 'paid social'
        when utm_medium in ({c.quoted(c.PAID)}) then 'other paid'
        when utm_medium = 'email' or utm_source = 'newsletter' then 'email'
        when utm_medium <> '' then 'other campaign'
        when referrer_host = '' or referrer_host = page_host then 'direct'
        when referrer_host rlike {text(c.SEARCH_PATTERN)} then 'organic search'
        when referrer_host rlike {text(c.SOCIAL_PATTERN)} then 'organic social'
        else 'referral'
    end"""

COLUMNS = (
    "event_id, received_at, occurred_at, kind, event, anonymous_id, user_id, url, referrer,"
    " utm_source, utm_medium, utm_campaign"
)


class Chain:
    """Steps that leave views. Nothing runs before it is needed: an action costs Spark dearly."""

    def __init__(self, spark: SparkSession, out: Path):
        self.spark, self.out = spark, out

    def view(self, name: str, query: str, is_kept: bool = False) -> None:
        """A query under a name; the rows of a kept one are computed once."""
        frame = self.spark.sql(query)
        if is_kept:
            frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        frame.createOrReplaceTempView(name)

    def write(self, table: str, query: str, *more: str) -> None:
        """A query's rows as a result, and a view of what was written; `more` stays within."""
        path = str(self.out / f"{table}.parquet")
        columns = [*c.TABLES[table], *more]
        self.spark.sql(query).select(*columns).write.mode("overwrite").parquet(path)
        self.spark.read.parquet(path).createOrReplaceTempView(table)

    def clean(self, raw: Path) -> None:
        """Usable rows, each id once: Spark shuffles by id in any case, so all are ranked."""
        self.view(
            "clean_rows",
            f"""
            select {COLUMNS}
            from (
                select *, row_number() over (
                    partition by event_id
                    order by
                        received_at, occurred_at, kind, event, anonymous_id, user_id, url,
                        referrer, utm_source, utm_medium, utm_campaign
                ) as copy_number
                from ({raw_rows(raw)})
                where
                    event_id <> ''
                    and anonymous_id <> ''
                    and occurred_at >= timestamp '{c.EARLIEST}'
                    and occurred_at
                        <= received_at + interval {c.LATEST_AFTER_RECEIVED.days} days
            )
            where copy_number = 1""",
            is_kept=True,
        )

    def identify(self) -> None:
        """The smallest user id of each component: labels are passed on until nothing changes."""
        self.view(
            "pairs",
            "select distinct anonymous_id, user_id from clean_rows where user_id <> ''",
            is_kept=True,
        )
        self.view("labels", "select distinct user_id, user_id as label from pairs")
        self.view(
            "links",
            f"""
            select anonymous_id, user_id from pairs
            left anti join (
                select anonymous_id from pairs
                group by anonymous_id having count(*) > {c.HUB_USERS}
            ) as hubs using (anonymous_id)""",
            is_kept=True,
        )
        changed = True
        while changed:
            self.view(
                "endpoint_labels",
                """
                select anonymous_id, min(label) as label
                from links inner join labels using (user_id)
                group by anonymous_id""",
            )
            # a plan that forgets how it came about, or it would grow with each round
            following = self.spark.sql(
                """
                select
                    labels.user_id, labels.label as old,
                    coalesce(found.label, labels.label) as label
                from labels
                left join (
                    select user_id, min(label) as label
                    from links inner join endpoint_labels using (anonymous_id)
                    group by user_id
                ) as found using (user_id)"""
            ).localCheckpoint()
            changed = not following.where("label <> old").isEmpty()
            following.select("user_id", "label").createOrReplaceTempView("labels")

    def sessionize(self) -> None:
        """One sort by endpoint; windows and address parts ride on it."""
        window = "partition by anonymous_id order by occurred_at, event_id"
        self.write(
            "events",
            f"""
            select
                event_id, occurred_at, kind, event, anonymous_id, user_id, session_id,
                coalesce(
                    'u:' || of_user.label, 'u:' || of_endpoint.label, 'a:' || anonymous_id
                ) as person_id,
                {address_parts()}
            from (
                select *, last_value(first_id) ignore nulls over ({window}) as session_id
                from (
                    select *, case
                        when occurred_at - lag(occurred_at) over ({window}) < {TIMEOUT} then null
                        else event_id
                    end as first_id
                    from clean_rows
                    where kind <> 'identify'
                )
            )
            left join labels as of_user using (user_id)
            left join endpoint_labels as of_endpoint using (anonymous_id)""",
            "kind",
        )
        self.write(
            "sessions",
            f"""
            select
                totals.session_id, anonymous_id, person_id, occurred_at as started_at, ended_at,
                event_count, page_view_count, {CHANNEL} as channel_group
            from (
                select
                    session_id, max(occurred_at) as ended_at, count(*) as event_count,
                    count_if(kind = 'page') as page_view_count
                from events
                group by session_id
            ) as totals
            inner join events on totals.session_id = events.event_id""",
        )


REPORTS = {
    "daily_activity": """
        select
            cast(occurred_at as date) as occurred_date,
            count(distinct person_id) as active_person_count,
            count(*) as event_count
        from events
        group by 1""",
    "daily_channels": """
        select
            cast(started_at as date) as started_date, channel_group, count(*) as session_count,
            count(distinct person_id) as person_count, sum(page_view_count) as page_view_count
        from sessions
        group by 1, 2""",
    "pages": """
        select
            page_host, page_path, count(*) as page_view_count,
            count(distinct person_id) as person_count
        from events
        where kind = 'page'
        group by 1, 2""",
    "funnel": f"""
        with
        first_step as (
            select person_id, min(occurred_at) as first_at
            from events
            where kind = 'page' and page_path = '{c.FUNNEL_PATH}'
            group by 1
        ),
        second_step as (
            select person_id, first_at, min(occurred_at) as second_at
            from first_step
            inner join events using (person_id)
            where
                event = '{c.FUNNEL_SECOND}' and occurred_at > first_at
                and occurred_at <= first_at + interval {c.FUNNEL_SECOND_WITHIN.days} days
            group by 1, 2
        ),
        third_step as (
            select person_id, first_at
            from second_step
            inner join events using (person_id)
            where
                event = '{c.FUNNEL_THIRD}' and occurred_at > second_at
                and occurred_at <= first_at + interval {c.FUNNEL_THIRD_WITHIN.days} days
            group by 1, 2
        )
        select
            cast(date_trunc('week', first_at) as date) as entry_week, step_number,
            count(*) as person_count
        from (
            select 1 as step_number, first_at from first_step
            union all select 2, first_at from second_step
            union all select 3, first_at from third_step
        )
        group by 1, 2""",
    "retention": """
        with
        weeks as (
            select distinct person_id, cast(date_trunc('week', occurred_at) as date) as week
            from events
        ),
        cohorts as (
            select person_id, week, min(week) over (partition by person_id) as cohort_week
            from weeks
        )
        select
            cohort_week, datediff(week, cohort_week) div 7 as week_number,
            count(*) as person_count
        from cohorts
        group by 1, 2""",
}


def session_on_this_machine(scratch: Path) -> SparkSession:
    cores = os.cpu_count() or 1
    return (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("peers")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", os.environ.get("PEERS_SPARK_MEMORY", "6g"))
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.local.dir", str(scratch))
        .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
        .config("spark.sql.session.timeZone", "UTC")
        # 200 by default, which is for a cluster
        .config("spark.sql.shuffle.partitions", str(4 * cores))
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )


def main(raw: Path, out: Path) -> None:
    scratch = out / "spill"
    spark = session_on_this_machine(scratch)
    gateway = spark.sparkContext._gateway
    try:
        spark.sparkContext.setLogLevel("ERROR")
        chain = Chain(spark, out)
        chain.clean(raw)
        chain.identify()
        chain.sessionize()
        for table, query in REPORTS.items():
            chain.write(table, query)
    finally:
        spark.stop()
        # the Java process is waited for, or its CPU seconds would be nobody's
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(*c.folders(sys.argv[1:]))
