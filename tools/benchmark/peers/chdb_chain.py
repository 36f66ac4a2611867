"""The chain in ClickHouse's SQL, run by chDB in this process.

python -m tools.benchmark.peers.chdb_chain raw-folder out-folder
"""

import shutil
import sys
from pathlib import Path

from chdb.session import Session

from tools.benchmark.peers import contract as c

TIMEOUT = int(c.SESSION_TIMEOUT.total_seconds())


def text(pattern: str) -> str:
    """A regular expression as a literal of ClickHouse, which reads backslashes itself."""
    return "'" + pattern.replace("\\", "\\\\") + "'"


def usable(column: str) -> str:
    value = f"ifNull({column}, '')"
    return f"if(lower({value}) in ({c.quoted(c.UNUSABLE_IDENTIFIERS)}), '', {value})"


def raw_rows(raw: Path) -> str:
    """All four raw tables under one roof."""
    tracked = (
        f"if(match(timestamp, {text(c.TIME_PATTERN)}),"
        " parseDateTime64BestEffortOrNull(timestamp, 6, 'UTC'), null)"
    )
    stamped = "cast(timestamp as Nullable(DateTime64(6, 'UTC')))"
    campaign = ", ".join(
        f"ifNull(context_campaign_{column}, '') as utm_{name}"
        for column, name in (("source", "source"), ("medium", "medium"), ("name", "campaign"))
    )
    nothing = "'' as url, '' as referrer, '' as utm_source, '' as utm_medium, '' as utm_campaign"
    tables = {
        "tracks": f"'track' as kind, ifNull(event, '') as event, {tracked} as occurred_at,"
        " ifNull(context_page_url, '') as url,"
        f" ifNull(context_page_referrer, '') as referrer, {campaign}",
        "pages": f"'page' as kind, 'page_viewed' as event, {stamped} as occurred_at,"
        f" ifNull(url, '') as url, ifNull(referrer, '') as referrer, {campaign}",
        "screens": "'screen' as kind, 'screen_viewed' as event,"
        f" {stamped} as occurred_at, {nothing}",
        "identifies": "'identify' as kind, 'identified' as event,"
        f" {stamped} as occurred_at, {nothing}",
    }
    return " union all ".join(
        f"select ifNull(id, '') as event_id, {usable('anonymous_id')} as endpoint,"
        f" {usable('user_id')} as user, cast(received_at as DateTime64(6, 'UTC')) as received,"
        f" {columns} from file('{raw}/segment/{table}/*.parquet', Parquet)"
        for table, columns in tables.items()
    )


def address_parts() -> str:
    def of_campaign(name: str) -> str:
        # what is found in brackets, or nothing
        found = f"extract(url, {text(c.parameter_pattern(name))})"
        return (
            f"lower(if(position(url, '{name}=') > 0 and {found} <> '', {found}, r.{name}))"
            f" as {name}"
        )

    return f"""
        lower(extract(url, {text(c.HOST_PATTERN)})) as page_host,
        if(
            page_host = '', '', if(extract(url, {text(c.PATH_PATTERN)}) = '', '/',
            extract(url, {text(c.PATH_PATTERN)}))
        ) as page_path,
        lower(extract(referrer, {text(c.HOST_PATTERN)})) as referrer_host,
        {of_campaign("utm_source")},
        {of_campaign("utm_medium")},
        {of_campaign("utm_campaign")},
        if(
            position(url, 'clid=') > 0, extract(url, {text(c.CLICK_ID_PATTERN)}), ''
        ) as click_id_kind"""


CHANNEL = f"""
    multiIf(
        click_id_kind in ('gclid', 'msclkid'), 'paid search',
        click_id_kind = 'fbclid', 'paid social',
        utm_medium in ({c.quoted(c.PAID)}) and utm_source in ({c.quoted(c.PAID_SEARCH_SOURCES)}),
            'paid search',
        utm_medium in ({c.quoted(c.PAID)}) and utm_source in ({c.quoted(c.PAID_SOCIAL_SOURCES)}),
            'paid social',
        utm_medium in ({c.quoted(c.PAID)}), 'other paid',
        utm_medium = 'email' or utm_source = 'newsletter', 'email',
        utm_medium <> '', 'other campaign',
        referrer_host = '' or referrer_host = page_host, 'direct',
        match(referrer_host, {text(c.SEARCH_PATTERN)}), 'organic search',
        match(referrer_host, {text(c.SOCIAL_PATTERN)}), 'organic social',
        'referral'
    )"""


class Chain:
    def __init__(self, session: Session):
        self.session = session

    def run(self, query: str) -> str:
        return str(self.session.query(query, "TabSeparated"))

    def table(self, name: str, query: str, order: str = "tuple()") -> None:
        """Makes a table of a query anew, sorted as ClickHouse's own tables are."""
        self.run(f"drop table if exists {name}")
        self.run(f"create table {name} engine = MergeTree order by {order} as {query}")

    def clean(self, raw: Path) -> None:
        """Usable rows, each id once: only ids that come more than once are sorted."""
        self.table(
            "usable_rows",
            f"""
            select
                event_id, endpoint as anonymous_id, user as user_id, received as received_at, kind,
                event, assumeNotNull(occurred_at) as occurred_at, url, referrer,
                utm_source, utm_medium, utm_campaign
            from ({raw_rows(raw)})
            where
                event_id <> '' and endpoint <> ''
                and occurred_at >= toDateTime64('{c.EARLIEST}', 6, 'UTC')
                and occurred_at <= received + interval {c.LATEST_AFTER_RECEIVED.days} day""",
        )
        self.table(
            "copied_ids",
            "select event_id from usable_rows group by event_id having count() > 1",
        )
        self.table(
            "clean_rows",
            """
            select * from usable_rows where event_id not in (select event_id from copied_ids)
            union all
            select * from (
                select * from usable_rows where event_id in (select event_id from copied_ids)
                order by
                    event_id, received_at, occurred_at, kind, event, anonymous_id, user_id, url,
                    referrer, utm_source, utm_medium, utm_campaign
                limit 1 by event_id
            )""",
        )
        self.run("drop table usable_rows")

    def identify(self) -> None:
        """The smallest user id of each component: labels are passed on until nothing changes."""
        self.table(
            "pairs", "select distinct anonymous_id, user_id from clean_rows where user_id <> ''"
        )
        self.table("labels", "select distinct user_id, user_id as label from pairs")
        self.table(
            "links",
            f"""
            select anonymous_id, user_id from pairs where anonymous_id not in (
                select anonymous_id from pairs group by anonymous_id having count() > {c.HUB_USERS}
            )""",
        )
        changed = True
        while changed:
            self.table(
                "endpoint_labels",
                """
                select anonymous_id, min(label) as label
                from links inner join labels using (user_id)
                group by anonymous_id""",
            )
            # without a partner a join gives '', which is smaller than any label
            self.table(
                "next_labels",
                """
                select
                    labels.user_id as user_id, labels.label as old,
                    if(found.smallest = '', labels.label, found.smallest) as label
                from labels
                left join (
                    select user_id, min(label) as smallest
                    from links inner join endpoint_labels using (anonymous_id)
                    group by user_id
                ) as found on labels.user_id = found.user_id""",
            )
            changed = int(self.run("select count() from next_labels where label <> old")) > 0
            self.table("labels", "select user_id, label from next_labels")

    def sessionize(self) -> None:
        """Over narrow rows; what else an event has is joined afterwards."""
        window = "partition by anonymous_id order by occurred_at, event_id"
        self.table(
            "sessionized",
            f"""
            select
                event_id,
                last_value(first_id) over (
                    {window} rows between unbounded preceding and current row
                ) as session_id
            from (
                select
                    anonymous_id, occurred_at, event_id,
                    lagInFrame(toNullable(occurred_at)) over (
                        {window} rows between 1 preceding and current row
                    ) as before,
                    if(
                        ifNull(dateDiff('microsecond', before, occurred_at), {TIMEOUT * 10**6})
                            < {TIMEOUT * 10**6},
                        null, event_id
                    ) as first_id
                from clean_rows
                where kind <> 'identify'
            )""",
        )
        self.table(
            "events",
            f"""
            select
                r.event_id as event_id, r.occurred_at as occurred_at, r.kind as kind,
                r.event as event, r.anonymous_id as anonymous_id, r.user_id as user_id,
                assumeNotNull(s.session_id) as session_id,
                multiIf(
                    of_user.label <> '', concat('u:', of_user.label),
                    of_endpoint.label <> '', concat('u:', of_endpoint.label),
                    concat('a:', r.anonymous_id)
                ) as person_id,
                {address_parts()}
            from clean_rows as r
            inner join sessionized as s on r.event_id = s.event_id
            left join labels as of_user on r.user_id = of_user.user_id
            left join endpoint_labels as of_endpoint on r.anonymous_id = of_endpoint.anonymous_id
            """,
        )
        self.table(
            "sessions",
            f"""
            select
                session_id, f.anonymous_id as anonymous_id, f.person_id as person_id,
                f.occurred_at as started_at, ended_at, event_count, page_view_count,
                {CHANNEL} as channel_group
            from (
                select
                    session_id, max(occurred_at) as ended_at, count() as event_count,
                    countIf(kind = 'page') as page_view_count
                from events
                group by session_id
            ) as totals
            inner join (select * except (session_id) from events where event_id = session_id) as f
                on totals.session_id = f.event_id""",
        )


def step(before: str, after: str, event: str, within: int) -> str:
    return f"""
        select person_id, first_at, min(occurred_at) as step_at
        from ({before}) as before
        inner join (
            select person_id, occurred_at from events where event = '{event}'
        ) as come using (person_id)
        where occurred_at > {after} and occurred_at <= first_at + interval {within} day
        group by person_id, first_at"""


FIRST = f"""
    select person_id, min(occurred_at) as first_at
    from events
    where kind = 'page' and page_path = '{c.FUNNEL_PATH}'
    group by person_id"""
SECOND = step(FIRST, "first_at", c.FUNNEL_SECOND, c.FUNNEL_SECOND_WITHIN.days)
THIRD = step(SECOND, "step_at", c.FUNNEL_THIRD, c.FUNNEL_THIRD_WITHIN.days)
REPORTS = {
    "daily_activity": """
        select
            toDate32(occurred_at) as occurred_date,
            uniqExact(person_id) as active_person_count,
            count() as event_count
        from events
        group by occurred_date""",
    "daily_channels": """
        select
            toDate32(started_at) as started_date, channel_group, count() as session_count,
            uniqExact(person_id) as person_count,
            sum(sessions.page_view_count) as page_view_count
        from sessions
        group by started_date, channel_group""",
    "pages": """
        select
            page_host, page_path, count() as page_view_count,
            uniqExact(person_id) as person_count
        from events
        where kind = 'page'
        group by page_host, page_path""",
    "funnel": f"""
        select toMonday(toDate32(first_at)) as entry_week, step_number, count() as person_count
        from (
            select 1 as step_number, first_at from ({FIRST})
            union all select 2, first_at from ({SECOND})
            union all select 3, first_at from ({THIRD})
        )
        group by entry_week, step_number""",
    "retention": """
        select
            cohort_week, intDiv(toInt32(week) - toInt32(cohort_week), 7) as week_number,
            count() as person_count
        from (
            select person_id, week, min(week) over (partition by person_id) as cohort_week
            from (
                select distinct person_id, toMonday(toDate32(occurred_at)) as week from events
            )
        )
        group by cohort_week, week_number""",
}


def main(raw: Path, out: Path) -> None:
    tables = out / "clickhouse"
    session = Session(str(tables))
    try:
        # an address in an existing column's name stands for that column, not for the new one
        session.query("set prefer_column_name_to_alias = 1")
        chain = Chain(session)
        chain.clean(raw)
        chain.identify()
        chain.sessionize()
        for table, columns in c.TABLES.items():
            (out / f"{table}.parquet").unlink(missing_ok=True)
            rows = f"({REPORTS[table]})" if table in REPORTS else table
            chain.run(
                f"insert into function file('{out}/{table}.parquet', 'Parquet')"
                f" select {', '.join(columns)} from {rows}"
                " settings output_format_parquet_compression_method = 'zstd'"
            )
    finally:
        session.close()
        shutil.rmtree(tables, ignore_errors=True)


if __name__ == "__main__":
    main(*c.folders(sys.argv[1:]))
