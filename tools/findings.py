"""What stands out in the published tables, in plain words: `python -m tools.findings`.

Rules, not texts about one company. Each looks at the same things in a table (the steps of a
journey, channels, spans of days, behaviours, troubled pages), compares each with all the others
taken together, and takes the one about which most people are concerned: how many more, or fewer,
than if it were as the others are. That number also puts the findings in order.

Nothing is claimed that may be chance. Both sides have at least 30 cases, at least 5 more or fewer
have it than at the others' rate, and the two rates' Wilson intervals do not meet, at 95 % for all
comparisons of a rule together (Bonferroni: the more things a rule looks at, the wider each
interval). What compares people who chose is no cause, and says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import duckdb

from tools.publish import PUBLISHED

LEAST = 30  # cases on either side of a comparison
LEAST_EXCESS = 5  # more or fewer than at the others' rate: rare things differ much by little
CONFIDENCE = 0.95  # of all comparisons of a rule together
SPANS = (1, 3, 7, 14, 28)  # days


@dataclass(frozen=True)
class Finding:
    rule: str
    says: str
    table: str
    concerned: float  # people, trips, visits more or fewer than at the others' rate


@dataclass(frozen=True)
class Comparison:
    """How often something happened here, and everywhere else."""

    what: tuple
    hits: int
    cases: int
    other_hits: int
    other_cases: int

    @property
    def rate(self) -> float:
        return self.hits / self.cases

    @property
    def other_rate(self) -> float:
        return self.other_hits / self.other_cases

    @property
    def excess(self) -> float:
        return self.hits - self.cases * self.other_rate

    @property
    def is_large_enough(self) -> bool:
        return min(self.cases, self.other_cases) >= LEAST

    def differs(self, comparisons: int) -> bool:
        z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / comparisons)
        low, high = wilson(self.hits, self.cases, z)
        other_low, other_high = wilson(self.other_hits, self.other_cases, z)
        return low > other_high or high < other_low


def wilson(hits: int, cases: int, z: float) -> tuple[float, float]:
    rate, square = hits / cases, z * z
    middle = (rate + square / (2 * cases)) / (1 + square / cases)
    half = z / (1 + square / cases) * sqrt(rate * (1 - rate) / cases + square / (4 * cases**2))
    return middle - half, middle + half


def standing_out(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Those that are not as the others are, the one that concerns most cases first."""
    asked = [each for each in comparisons if each.is_large_enough]
    found = [
        each for each in asked if abs(each.excess) >= LEAST_EXCESS and each.differs(len(asked))
    ]
    return sorted(found, key=lambda each: (-abs(each.excess), str(each.what)))


def each_against_the_others(rows: Iterable[tuple]) -> list[Comparison]:
    """Comparisons from rows (group, what …, hits, cases): each with the rest of its group."""
    of_group: dict = {}
    for group, *what, hits, cases in rows:
        of_group.setdefault(group, []).append(((group, *what), int(hits), int(cases)))
    found = []
    for members in of_group.values():
        all_hits = sum(hits for _, hits, _ in members)
        all_cases = sum(cases for _, _, cases in members)
        found += [
            Comparison(what, hits, cases, all_hits - hits, all_cases - cases)
            for what, hits, cases in members
        ]
    return found


def minorities(found: Iterable[Comparison]) -> list[Comparison]:
    """Where more and less are both worth telling: not most cases measured by the few others."""
    return [each for each in found if each.cases <= each.other_cases]


# ---------------------------------------------------------------- the rules


def drop_off(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The step of a journey at which far more leave than at its other steps."""
    rows = connection.execute(
        """
        select journey || ' (version ' || version || ')', step,
            sum(drop_off_numerator), sum(drop_off_denominator)
        from marts.kpi_journey_steps
        where is_mature
        group by all having sum(drop_off_denominator) > 0
        """
    ).fetchall()
    for found in standing_out(each_against_the_others(rows)):
        if found.excess > 0:
            journey, step = found.what
            return Finding(
                "drop-off",
                f"Journey {journey} loses most at the step `{step}`: {found.hits:,} of"
                f" {found.cases:,} who came there left there ({percent(found.rate)}), at its other"
                f" steps {percent(found.other_rate)}. At that rate {found.excess:,.0f} fewer would"
                " have been lost.",
                "kpi_journey_steps",
                found.excess,
            )
    return None


def funnel_drop_off(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The same of a funnel."""
    rows = connection.execute(
        """
        select funnel, step, sum(drop_count), sum(step_denominator)
        from marts.kpi_funnels
        where counting = 'unique_first' and segment_type = 'all' and step_number > 1 and is_mature
        group by funnel, step, step_number
        having sum(step_denominator) > 0 and (sum(drop_count) > 0 or sum(step_numerator) > 0)
        """
    ).fetchall()
    for found in standing_out(each_against_the_others(rows)):
        if found.excess > 0:
            funnel, step = found.what
            return Finding(
                "drop-off",
                f"Funnel {funnel} loses most before `{step}`: {found.hits:,} of {found.cases:,} did"
                f" not come that far ({percent(found.rate)}), at its other steps"
                f" {percent(found.other_rate)}.",
                "kpi_funnels",
                found.excess,
            )
    return None


def channel(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The channel whose people sign up, or are onboarded, more or less often than the others'."""
    signed_up = connection.execute(
        """
        select 'signed up within 7 days', 'kpi_acquisition_daily', segment_value,
            sum(visitor_signup_7d_numerator), sum(visitor_signup_7d_denominator)
        from marts.kpi_acquisition_daily
        where segment_type = 'first_touch_channel_group' and visitor_signup_7d_is_mature
        group by all having sum(visitor_signup_7d_denominator) > 0
        """
    ).fetchall()
    # the goal of a flow stands beside each of its steps
    onboarded = connection.execute(
        """
        select 'reached the goal of the onboarding ' || flow, 'kpi_onboarding', segment_value,
            sum(goal_numerator), sum(goal_denominator)
        from (
            select *, rank() over (partition by flow order by step_number, step) as place
            from marts.kpi_onboarding
        )
        where segment_type = 'first_touch_channel_group' and is_mature and place = 1
        group by all having sum(goal_denominator) > 0
        """
    ).fetchall()
    for found in minorities(standing_out(each_against_the_others(signed_up + onboarded))):
        outcome, table, name = found.what
        more = "more" if found.excess > 0 else "less"
        return Finding(
            "channel",
            f"People who first came by {name} {outcome} {more} often than the others:"
            f" {found.hits:,} of {found.cases:,} ({percent(found.rate)}) against"
            f" {percent(found.other_rate)}. That is {abs(found.excess):,.0f} people {more}."
            " (They chose the way themselves; this is no cause.)",
            table,
            abs(found.excess),
        )
    return None


def incident(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The days on which checkouts went wrong: every span of 1 to 28 days against all other days."""
    days = connection.execute(
        """
        select date_day, sum(payment_failed_numerator), sum(abandonment_numerator),
            sum(payment_failed_denominator), sum(abandonment_denominator)
        from marts.kpi_checkout_abandonment
        where segment_type = 'all' and step = 'all' and is_mature
        group by date_day order by date_day
        """
    ).fetchall()
    measures = {"payment failed": (1, 3), "were abandoned": (2, 4)}
    spans = [
        comparison
        for name, (hits, cases) in measures.items()
        for comparison in spans_of({row[0]: (row[hits], row[cases]) for row in days}, name)
    ]
    worse = [each for each in standing_out(spans) if each.excess > 0]
    if not worse:
        return None
    # overlapping spans find the same days: the one that is least like the rest has them best
    found = max(worse, key=lambda each: (surprise(each), each.excess, str(each.what)))
    name, first, last = found.what
    when = f"On {first}" if first == last else f"From {first} to {last}"
    verb = "payment failed in" if name == "payment failed" else "abandoned were"
    return Finding(
        "incident",
        f"{when} checkouts went wrong: {verb} {found.hits:,} of {found.cases:,}"
        f" ({percent(found.rate)}), on all other days {percent(found.other_rate)}.",
        "kpi_checkout_abandonment",
        found.excess,
    )


def spans_of(days: dict[date, tuple[int, int]], name: str) -> list[Comparison]:
    """Every span of so many days in a row, against all days outside it."""
    if not days:
        return []
    first, last = min(days), max(days)
    sums = [(0, 0)]
    for number in range((last - first).days + 1):
        hits, cases = days.get(first + timedelta(number), (0, 0))
        sums.append((sums[-1][0] + int(hits or 0), sums[-1][1] + int(cases or 0)))
    found = []
    for length in SPANS:
        for end in range(length, len(sums)):
            hits = sums[end][0] - sums[end - length][0]
            cases = sums[end][1] - sums[end - length][1]
            begin = first + timedelta(end - length)
            what = (name, begin, begin + timedelta(length - 1))
            found.append(Comparison(what, hits, cases, sums[-1][0] - hits, sums[-1][1] - cases))
    return [each for each in found if each.is_large_enough]


def surprise(comparison: Comparison) -> float:
    """How many standard errors the two rates lie apart."""
    cases = comparison.cases + comparison.other_cases
    pooled = (comparison.hits + comparison.other_hits) / cases
    spread = pooled * (1 - pooled) * (1 / comparison.cases + 1 / comparison.other_cases)
    return (comparison.rate - comparison.other_rate) / sqrt(spread) if spread else 0


def early_behaviour(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """What those who stay did in their first week (the table has bounds and adjusted p values)."""
    row = connection.execute(
        f"""
        select behaviour, threshold, precision_numerator, precision_denominator, precision_rate,
            without_rate, precision_denominator * (precision_rate - without_rate) as excess
        from marts.kpi_behaviour_drivers
        where outcome = 'active_week_4' and adjusted_p_value < {1 - CONFIDENCE}
            and precision_rate_lower > without_rate_upper
            and least(precision_denominator, without_denominator) >= {LEAST}
        order by excess desc, behaviour, threshold
        limit 1
        """
    ).fetchone()
    if row is None:
        return None
    behaviour, threshold, hits, cases, rate, other_rate, excess = row
    times = f"at least {threshold} times" if threshold > 1 else "at least once"
    return Finding(
        "behaviour",
        f"Those who do `{behaviour}` {times} in their first week stay: {hits:,} of {cases:,} were"
        f" active in week 4 ({percent(rate)}), of the others {percent(other_rate)}. (They chose to"
        " do it; an experiment would tell whether it is the cause.)",
        "kpi_behaviour_drivers",
        excess,
    )


def feature(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The feature whose users come back to it in the next month, more or less than the others'."""
    rows = connection.execute(
        """
        select 'feature', feature, sum(sustained_numerator), sum(sustained_denominator)
        from marts.kpi_feature_adoption
        where segment_type = 'all' and sustained_is_mature and feature <> 'all'
        group by all having sum(sustained_denominator) > 0
        """
    ).fetchall()
    for found in minorities(standing_out(each_against_the_others(rows))):
        more = "more" if found.excess > 0 else "less"
        return Finding(
            "feature",
            f"The feature `{found.what[1]}` keeps its users {more} than the others do: in"
            f" {found.hits:,} of {found.cases:,} months of a user it was used in the next month too"
            f" ({percent(found.rate)}), other features in {percent(found.other_rate)}.",
            "kpi_feature_adoption",
            abs(found.excess),
        )
    return None


def friction(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The trouble on a page after which most visits end there that would have gone on."""
    rows = connection.execute(
        """
        select page_path, signal, sum(drop_numerator), sum(drop_denominator),
            sum(drop_without_numerator), sum(drop_without_denominator)
        from marts.kpi_friction group by all
        """
    ).fetchall()
    found = standing_out(
        Comparison((page, signal), *(int(count) for count in counts))
        for page, signal, *counts in rows
    )
    for each in found:
        if each.excess > 0:
            page, signal = each.what
            return Finding(
                "friction",
                f"`{signal}` on {page} goes with most lost visits: {each.hits:,} of"
                f" {each.cases:,} visits that met it ended on that page ({percent(each.rate)}),"
                f" without it {percent(each.other_rate)}. That is {each.excess:,.0f} visits more."
                " (Such visits may differ in other ways too.)",
                "kpi_friction",
                each.excess,
            )
    return None


def experiment(connection: duckdb.DuckDBPyConnection) -> Finding | None:
    """The experiment with the largest effect that is told apart from none."""
    row = connection.execute(
        f"""
        select experiment, variant, metric, relative_lift, relative_lift_lower,
            relative_lift_upper, converted_numerator, converted_denominator,
            abs(absolute_lift) * converted_denominator as excess
        from marts.kpi_experiment_results
        where not is_control and is_mature and not has_sample_ratio_mismatch
            and adjusted_p_value < {1 - CONFIDENCE} and converted_denominator >= {LEAST}
            and absolute_lift is not null
        order by excess desc, experiment, variant, metric
        limit 1
        """
    ).fetchone()
    if row is None:
        return None
    name, variant, metric, lift, low, high, hits, cases, excess = row
    return Finding(
        "experiment",
        f"Experiment {name}: with `{variant}`, {hits:,} of {cases:,} people reached {metric},"
        f" {lift:+.0%} against the control (between {low:+.0%} and {high:+.0%}).",
        "kpi_experiment_results",
        excess,
    )


# rule -> the tables that it reads; of rules in one tuple only the first that finds something counts
RULES: tuple[tuple[tuple[Callable, str], ...], ...] = (
    ((drop_off, "kpi_journey_steps"), (funnel_drop_off, "kpi_funnels")),
    ((channel, "kpi_acquisition_daily kpi_onboarding"),),
    ((incident, "kpi_checkout_abandonment"),),
    ((early_behaviour, "kpi_behaviour_drivers"), (feature, "kpi_feature_adoption")),
    ((friction, "kpi_friction"),),
    ((experiment, "kpi_experiment_results"),),
)


def percent(rate: float) -> str:
    return f"{100 * rate:.1f} %" if rate < 0.1 else f"{100 * rate:.0f} %"


def findings(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """All that stands out, what concerns most people first; no table has to be there."""
    there = {
        name
        for (name,) in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
    }
    found = []
    for alternatives in RULES:
        for rule, tables in alternatives:
            finding = rule(connection) if there.issuperset(tables.split()) else None
            if finding is not None:
                found.append(finding)
                break
    return sorted(found, key=lambda each: (-each.concerned, each.rule))


def in_words(found: list[Finding], most: int = 3) -> str:
    """The first findings as a numbered list, or that there are none."""
    if not found:
        return (
            "Nothing stands out: no step, channel, span of days, behaviour or page differs from the"
            f" others by more than chance, with at least {LEAST} cases on both sides."
        )
    lines = []
    for number, finding in enumerate(found[:most], start=1):
        lines += [f"{number}. {finding.says}", f"   Look in marts.{finding.table}."]
    if len(found) > most:
        lines.append(f"({len(found) - most} more: .venv/bin/python -m tools.findings)")
    return "\n".join(lines)


def read(published: Path) -> list[Finding]:
    with duckdb.connect(str(published), read_only=True) as connection:
        return findings(connection)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.findings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    parser.add_argument("--json", action="store_true", help="for a machine")
    options = parser.parse_args(arguments)
    if not options.published.exists():
        print(f"there is no {options.published}: run `make demo` or `make build` first.")
        return 1
    try:
        found = read(options.published)
    except duckdb.Error as error:
        print(f"{options.published} cannot be read: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        print(in_words(found, most=len(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
