"""What the published tables say, in words: `python -m tools.summary`.

Every figure is read from a published table and can be asked for again; the table stands beside it.
"""

import argparse
import sys
from pathlib import Path

import duckdb

from tools import findings
from tools.publish import PUBLISHED

# heading, table, query that gives (label, value as text)
QUESTIONS = [
    (
        "How they arrive",
        "marts.kpi_acquisition_daily",
        """
        select 'new visitors', format('{:,}', sum(new_visitor_count)::bigint)
        from marts.kpi_acquisition_daily where segment_type = 'all'
        union all
        select 'signed up within 7 days', printf('%.1f %%', 100.0 * sum(visitor_signup_7d_numerator)
            / nullif(sum(visitor_signup_7d_denominator), 0))
        from marts.kpi_acquisition_daily where segment_type = 'all' and visitor_signup_7d_is_mature
        union all
        select * from (
            select '  of these through ' || segment_value, printf('%.1f %% of %d',
                100.0 * sum(visitor_signup_7d_numerator)
                / nullif(sum(visitor_signup_7d_denominator), 0),
                sum(visitor_signup_7d_denominator)::bigint)
            from marts.kpi_acquisition_daily
            where segment_type = 'first_touch_channel_group' and visitor_signup_7d_is_mature
            group by segment_value having sum(visitor_signup_7d_denominator) > 0
            order by sum(visitor_signup_7d_denominator) desc, segment_value limit 3
        )
        """,
    ),
    (
        "How they get started",
        "marts.dim_persons",
        """
        select 'signed up', format('{:,}', count(signed_up_at)) from marts.dim_persons
        union all
        select 'onboarded', format('{:,}', count(activated_at)) from marts.dim_persons
        union all
        select 'made it a habit', format('{:,}', count(habit_formed_at)) from marts.dim_persons
        union all
        select 'paid', format('{:,}', count(first_paid_at)) from marts.dim_persons
        """,
    ),
    (
        "How they stay",
        "marts.kpi_retention_cohorts, marts.kpi_active_persons_daily",
        """
        select * from (
            select 'back with a core event ' || period_offset || ' x 7 days after sign-up',
                printf('%.1f %% of %d', 100 * retention_rate, retention_denominator)
            from marts.kpi_retention_cohorts
            where definition = 'signup_core_weekly' and criterion = 'on' and row_type = 'overall'
                and segment_type = 'all' and period_offset in (1, 4, 8)
            order by period_offset
        )
        union all
        select 'active in the last 28 full days', format('{:,}', monthly_active_count)
        from marts.kpi_active_persons_daily
        where segment_type = 'all'
            and date_day = (
                select max(date_day) from marts.kpi_active_persons_daily where is_mature
            )
        """,
    ),
    (
        "What became of the raw rows",
        "marts.reconciliation",
        """
        select fate, format('{:,}', row_count::bigint) from (
            unpivot (
                select sum(raw_row_count) as raw, sum(accepted_row_count) as accepted,
                    sum(duplicate_row_count) as duplicate, sum(rejected_row_count) as rejected,
                    sum(suppressed_row_count) as suppressed
                from marts.reconciliation
            ) on columns(*) into name fate value row_count
        )
        """,
    ),
]


def describe(published: Path) -> str:
    lines = []
    with duckdb.connect(str(published), read_only=True) as connection:
        for heading, table, query in QUESTIONS:
            lines += [f"{heading}  ({table})"]
            for label, value in connection.execute(query).fetchall():
                lines += [f"  {label:<48} {value or 'no data':>16}"]
            lines += [""]
        lines += ["What stands out", findings.in_words(findings.findings(connection)), ""]
        first, last, people, known = connection.execute(
            "select (select min(date_day) from marts.dim_dates), (select as_of_date from"
            " marts.dim_as_of), count(*), count(*) filter (where is_known) from marts.dim_persons"
        ).fetchone()
    head = f"{people:,} people, {known:,} of them known, from {first} to {last}\n"
    tail = [
        f"The tables: {published.resolve()}, schema marts",
        "  look at them:   .venv/bin/python -c \"import duckdb; duckdb.connect('"
        f"{published}', read_only=True).sql('from marts.kpi_acquisition_daily').show()\"",
        "  what is what:   ./journey status, ./journey explain metric …, ./journey --help",
        "  your own events: docs/quick_start.md, then `make build`",
        "  the tests:      make test",
    ]
    return "\n".join([head, *lines, *tail])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.summary", description=__doc__)
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    published = parser.parse_args().published
    if not published.exists():
        print(f"there is no {published}: run `make demo` or `make build` first.", file=sys.stderr)
        return 1
    try:
        print(describe(published))
    except duckdb.Error as error:
        print(f"{published} cannot be read: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
