"""The chain as bare DuckDB SQL: what the project's models do, without dbt.

python -m tools.benchmark.peers.duckdb_chain raw-folder out-folder
"""

import sys
from pathlib import Path

import duckdb

from tools.benchmark.peers import contract as c

TIMEOUT = f"interval {int(c.SESSION_TIMEOUT.total_seconds())} second"
SECOND_WITHIN = f"interval {c.FUNNEL_SECOND_WITHIN.days} day"
THIRD_WITHIN = f"interval {c.FUNNEL_THIRD_WITHIN.days} day"


def usable(column: str) -> str:
    return (
        f"case when lower({column}) in ({c.quoted(c.UNUSABLE_IDENTIFIERS)}) then ''"
        f" else coalesce({column}, '') end"
    )


def raw_rows(raw: Path) -> str:
    """All four raw tables under one roof; the time still as it came."""
    campaign = "context_campaign_source, context_campaign_medium, context_campaign_name"
    nothing = "null, null, null"
    valid = f"case when regexp_matches(timestamp, '{c.TIME_PATTERN}') then timestamp end"
    tracked = f"try_cast({valid} as timestamptz) at time zone 'UTC'"
    tables = {
        "tracks": f"'track', event, {tracked}, context_page_url, context_page_referrer, {campaign}",
        "pages": f"'page', 'page_viewed', timestamp, url, referrer, {campaign}",
        "screens": f"'screen', 'screen_viewed', timestamp, null, null, {nothing}",
        "identifies": f"'identify', 'identified', timestamp, null, null, {nothing}",
    }
    return " union all ".join(
        f"select id, anonymous_id, user_id, received_at, {columns}"
        f" from read_parquet('{raw}/segment/{table}/*.parquet')"
        for table, columns in tables.items()
    )


def address_parts() -> str:
    def of_campaign(name: str) -> str:
        found = f"regexp_extract(url, '{c.parameter_pattern(name)}', 1)"
        return (
            f"lower(case when contains(url, '{name}=') and {found} <> '' then {found}"
            f" else {name} end) as {name}"
        )

    return f"""
        lower(regexp_extract(url, '{c.HOST_PATTERN}', 1)) as page_host,
        case
            when not regexp_matches(url, '{c.HOST_PATTERN}') then ''
            else coalesce(nullif(regexp_extract(url, '{c.PATH_PATTERN}', 1), ''), '/')
        end as page_path,
        lower(regexp_extract(referrer, '{c.HOST_PATTERN}', 1)) as referrer_host,
        {of_campaign("utm_source")},
        {of_campaign("utm_medium")},
        {of_campaign("utm_campaign")},
        case
            when contains(url, 'clid=') then regexp_extract(url, '{c.CLICK_ID_PATTERN}', 1)
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
        when regexp_matches(referrer_host, '{c.SEARCH_PATTERN}') then 'organic search'
        when regexp_matches(referrer_host, '{c.SOCIAL_PATTERN}') then 'organic social'
        else 'referral'
    end"""


def clean(run, raw: Path) -> None:
    """Usable rows, each id once: only ids that come more than once are ranked."""
    run(f"""
        create table usable_rows as
        with raw_rows(
            event_id, anonymous_id, user_id, received_at, kind, event, occurred_at, url, referrer,
            utm_source, utm_medium, utm_campaign
        ) as ({raw_rows(raw)}),
        usable_rows as (
            select
                event_id, occurred_at, received_at, kind, coalesce(event, '') as event,
                {usable("anonymous_id")} as anonymous_id, {usable("user_id")} as user_id,
                coalesce(url, '') as url, coalesce(referrer, '') as referrer,
                coalesce(utm_source, '') as utm_source, coalesce(utm_medium, '') as utm_medium,
                coalesce(utm_campaign, '') as utm_campaign
            from raw_rows
            where
                event_id <> ''
                and occurred_at >= timestamp '{c.EARLIEST}'
                and occurred_at <= received_at + interval {c.LATEST_AFTER_RECEIVED.days} day
        )
        select * from usable_rows where anonymous_id <> ''""")
    run("""
        create table copied_ids as
        select event_id from usable_rows group by event_id having count(*) > 1""")
    run("""
        create table clean_rows as
        select * from usable_rows where event_id not in (select event_id from copied_ids)
        union all
        select * exclude (copy_number)
        from (
            select *, row_number() over (
                partition by event_id
                order by
                    received_at, occurred_at, kind, event, anonymous_id, user_id, url, referrer,
                    utm_source, utm_medium, utm_campaign
            ) as copy_number
            from usable_rows
            where event_id in (select event_id from copied_ids)
        )
        where copy_number = 1""")
    run("drop table usable_rows")


def identify(run) -> None:
    """The smallest user id of each component, by passing labels on until nothing changes."""
    run("""
        create table pairs as
        select distinct anonymous_id, user_id from clean_rows where user_id <> ''""")
    run("create table labels as select distinct user_id, user_id as label from pairs")
    run(f"""
        create table links as
        select anonymous_id, user_id from pairs
        where anonymous_id not in (
            select anonymous_id from pairs group by anonymous_id having count(*) > {c.HUB_USERS}
        )""")
    changed = 1
    while changed:
        run("""
            create or replace table endpoint_labels as
            select anonymous_id, min(label) as label
            from links inner join labels using (user_id)
            group by anonymous_id""")
        run("""
            create or replace table next_labels as
            select labels.user_id, labels.label as old, coalesce(found.label, labels.label) as label
            from labels
            left join (
                select user_id, min(label) as label
                from links inner join endpoint_labels using (anonymous_id)
                group by user_id
            ) as found using (user_id)""")
        changed = run("select count(*) from next_labels where label <> old").fetchone()[0]
        run("create or replace table labels as select user_id, label from next_labels")


def sessionize(run) -> None:
    """Over narrow rows; what else an event has is joined afterwards."""
    run(f"""
        create table sessionized as
        select
            event_id,
            last_value(first_id ignore nulls) over (
                partition by anonymous_id order by occurred_at, event_id
            ) as session_id
        from (
            select anonymous_id, occurred_at, event_id, case
                when occurred_at - lag(occurred_at) over (
                    partition by anonymous_id order by occurred_at, event_id
                ) < {TIMEOUT} then null
                else event_id
            end as first_id
            from clean_rows
            where kind <> 'identify'
        )""")
    run(f"""
        create table events as
        select
            event_id, occurred_at, kind, event, anonymous_id, user_id, session_id,
            coalesce(
                'u:' || of_user.label, 'u:' || of_endpoint.label, 'a:' || anonymous_id
            ) as person_id,
            {address_parts()}
        from clean_rows
        inner join sessionized using (event_id)
        left join labels as of_user using (user_id)
        left join endpoint_labels as of_endpoint using (anonymous_id)""")
    run(f"""
        create table sessions as
        select
            session_id, first.anonymous_id, first.person_id, first.occurred_at as started_at,
            ended_at, event_count, page_view_count, {CHANNEL} as channel_group
        from (
            select
                session_id, max(occurred_at) as ended_at, count(*) as event_count,
                count(*) filter (where kind = 'page') as page_view_count
            from events
            group by session_id
        ) as totals
        inner join (select * exclude (session_id) from events where event_id = session_id) as first
            on totals.session_id = first.event_id""")


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
            count(distinct person_id) as person_count,
            cast(sum(page_view_count) as bigint) as page_view_count
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
                event = '{c.FUNNEL_SECOND}'
                and occurred_at > first_at and occurred_at <= first_at + {SECOND_WITHIN}
            group by 1, 2
        ),
        third_step as (
            select person_id, first_at
            from second_step
            inner join events using (person_id)
            where
                event = '{c.FUNNEL_THIRD}'
                and occurred_at > second_at and occurred_at <= first_at + {THIRD_WITHIN}
            group by 1, 2
        )
        select cast(date_trunc('week', first_at) as date) as entry_week, step_number,
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
        select cohort_week, (week - cohort_week) // 7 as week_number, count(*) as person_count
        from cohorts
        group by 1, 2""",
}


def main(raw: Path, out: Path) -> None:
    with duckdb.connect(config={"temp_directory": str(out / "spill")}) as connection:
        run = connection.execute
        run("set preserve_insertion_order = false")
        run("set timezone = 'UTC'")
        clean(run, raw)
        identify(run)
        sessionize(run)
        for table, columns in c.TABLES.items():
            rows = f"({REPORTS[table]})" if table in REPORTS else table
            run(
                f"copy (select {', '.join(columns)} from {rows})"
                f" to '{out}/{table}.parquet' (format parquet, compression zstd)"
            )


if __name__ == "__main__":
    main(*c.folders(sys.argv[1:]))
