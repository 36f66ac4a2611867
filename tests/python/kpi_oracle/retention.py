"""Cohorts: who comes back, and what people bring over time."""

import numpy as np
import pandas as pd

from .words import (
    ALL,
    DAY,
    MONEY,
    SEGMENT,
    Facts,
    Frame,
    known_sum,
    kpi,
    month_of,
    months_later,
    none_but_known,
    put,
    ratio,
    with_rates,
)

HOURS_24 = {"day": 1, "week": 7, "month": 30}  # rolling periods
CRITERIA = ("on", "on_or_after", "on_or_before")


def retention_of(facts: Facts, starts: Frame, returns: Frame, cuts: Frame, who: str) -> Frame:
    """Cohort rows and overall rows of each definition, of people or of accounts."""
    parts = []
    for definition in facts["retention_definitions"].itertuples():
        of_definition = "definition == @definition.definition"
        begun, back = starts.query(of_definition), returns.query(of_definition)
        sets = back.groupby(who)["period_offset"].agg(set)
        begun = begun.assign(offsets=begun[who].map(sets)).merge(cuts, on=who)
        rows = _cohorts(facts, begun, definition)
        parts += [rows.assign(row_type="cohort"), _overall(rows).assign(row_type="overall")]
        for part in parts[-2:]:
            part["definition"] = definition.definition
            part["mode"], part["unit"] = definition.mode, definition.unit
    return with_rates(pd.concat(parts, ignore_index=True))


def _cohorts(facts: Facts, begun: Frame, definition) -> Frame:
    keys = ["cohort_start_date", *SEGMENT]
    last = int(definition.max_offset)
    rows = []
    for (cohort, kind, value), people in begun.groupby(keys):
        offsets = [kept if isinstance(kept, set) else set() for kept in people["offsets"]]
        least = [min((n for n in kept if n), default=np.inf) for kept in offsets]
        most = [max(kept, default=-1) for kept in offsets]
        for offset in range(last + 1):
            counts = (
                sum(offset in kept for kept in offsets),
                sum(n >= offset for n in most),
                sum(n <= offset for n in least),
            )
            for criterion, count in zip(CRITERIA, counts, strict=True):
                rows.append((cohort, kind, value, offset, criterion, count, len(people)))
    names = [*keys, "period_offset", "criterion", "retention_numerator", "retention_denominator"]
    table = pd.DataFrame(rows, columns=names)
    begins, is_mature = _periods(facts, table, definition)
    return table.assign(is_mature=is_mature)[begins]


def _periods(facts: Facts, table: Frame, definition) -> tuple[pd.Series, pd.Series]:
    """Has the offset's period begun for anybody, and is it over for the whole cohort?"""
    cohort, offset = table["cohort_start_date"], table["period_offset"]
    if definition.mode == "rolling":
        size = pd.to_timedelta(HOURS_24[definition.unit] * offset, unit="D")
        one = HOURS_24[definition.unit] * DAY
        ends = facts.moment(_later(cohort, 1, definition.unit))
        return facts.moment(cohort) + size <= facts.as_of, ends + size + one <= facts.as_of
    begins = facts.moment(_later(cohort, offset, definition.unit))
    return begins <= facts.as_of, facts.is_over(_later(cohort, offset + 1, definition.unit))


def _later(days: pd.Series, count, unit: str) -> pd.Series:
    if unit == "month":
        return months_later(days, count)
    count = count if isinstance(count, pd.Series) else pd.Series(count, days.index)
    return days + pd.to_timedelta(count * (7 if unit == "week" else 1), unit="D")


def _overall(rows: Frame) -> Frame:
    keys = ["criterion", *SEGMENT, "period_offset"]
    rows = rows[rows["is_mature"]]
    rows = rows.assign(rate=ratio(rows["retention_numerator"], rows["retention_denominator"]))
    table = rows.groupby(keys).agg(
        retention_numerator=("retention_numerator", "sum"),
        retention_denominator=("retention_denominator", "sum"),
        simple_mean_rate=("rate", "mean"),
    )
    return table.reset_index().assign(cohort_start_date=pd.NaT, is_mature=True)


RETENTION_KEYS = ("definition", "criterion", "row_type", "cohort_start_date", *SEGMENT)


@kpi("kpi_retention_cohorts", *RETENTION_KEYS, "period_offset")
def retention_cohorts(facts: Facts) -> Frame:
    starts, returns = facts["fct_retention_starts"], facts["fct_retention_returns"]
    return retention_of(facts, starts, returns, facts.cuts, "person_id")


# ---------------------------------------------------------------- lifetime value


@kpi("kpi_lifetime_value", "cohort_month_date", *SEGMENT, "month_offset")
def lifetime_value(facts: Facts) -> Frame:
    keys = ["cohort_month_date", *SEGMENT]
    people = facts["dim_persons"][["person_id", "signed_up_at", "first_paid_at"]]
    people = people.dropna(subset="signed_up_at")
    people["cohort_month_date"] = month_of(facts.local_day(people["signed_up_at"]))
    money = people.merge(facts["fct_revenue"], on="person_id")
    money["offset"] = _months_apart(money["cohort_month_date"], month_of(money["occurred_date"]))
    types = [ALL, "first_touch_channel_group"]
    paid = people.dropna(subset="first_paid_at")
    paid = paid.assign(
        offset=_months_apart(
            paid["cohort_month_date"], month_of(facts.local_day(paid["first_paid_at"]))
        )
    )
    people, money, paid = (facts.cut(rows, types) for rows in (people, money, paid))
    cohorts = people.groupby(keys).size().rename("cohort_count").reset_index()
    this_month = month_of(pd.Series([facts.last_day]))[0]
    parts = []
    for offset in range(len(facts.dates("month_start_date"))):
        begun = months_later(cohorts["cohort_month_date"], offset) <= this_month
        so_far = money[money["offset"] <= offset]
        paying = paid[paid["offset"] <= offset].groupby(keys).size()
        sums = so_far.groupby(keys)["amount"].agg(known_sum)
        part = put(cohorts[begun], keys, cumulative_revenue_amount=sums, paying_numerator=paying)
        parts.append(part.assign(month_offset=offset))
    table = pd.concat(parts, ignore_index=True)
    table["paying_numerator"] = table["paying_numerator"].fillna(0)
    table["cumulative_revenue_amount"] = none_but_known(table["cumulative_revenue_amount"])
    table = _with_cost(facts, table)
    after = months_later(table["cohort_month_date"], table["month_offset"] + 1)
    revenue = table["cumulative_revenue_amount"]
    return with_rates(
        table.assign(
            paying_denominator=table["cohort_count"],
            lifetime_value_amount=ratio(revenue / MONEY, table["cohort_count"]),
            is_mature=facts.is_over(after),
        )
    )


def _months_apart(first: pd.Series, later: pd.Series) -> pd.Series:
    return (later.dt.year - first.dt.year) * 12 + later.dt.month - first.dt.month


def _with_cost(facts: Facts, table: Frame) -> Frame:
    keys = ["cohort_month_date", *SEGMENT]
    spend = facts["fct_ad_spend"]
    spend = spend.assign(cohort_month_date=month_of(spend["spend_date"]))
    by_channel = spend.assign(
        segment_type="first_touch_channel_group", segment_value=spend["channel_group"]
    )
    rows = pd.concat([spend.assign(segment_type=ALL, segment_value=ALL), by_channel])
    spent = rows.groupby(keys)["spend_amount"].agg(known_sum)
    table = put(table, keys, acquisition_spend_amount=spent)
    cost = table["acquisition_spend_amount"].astype(float)
    cost = cost.where(np.isfinite(cost))  # an unknown part makes the whole unknown
    table["acquisition_spend_amount"] = cost
    brought = table["cumulative_revenue_amount"]
    paid_back = (brought >= cost).astype(object)
    return table.assign(
        acquisition_cost_amount=ratio(cost / MONEY, table["paying_numerator"]),
        is_paid_back=paid_back.where(cost.notna() & brought.notna(), None),
    )
