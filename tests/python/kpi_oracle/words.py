"""What all sections share: the facts as frames, local days, segments, rates, the list of tables.

A frame has one row per key; counts are numbers, a missing value is NaN (None, NaT). Money is a
whole number of ten-thousandths, so that sums are exact. Every moment is naive and means UTC, every
day is a midnight without a zone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

Frame = pd.DataFrame
Days = pd.Series

MONEY = 10_000  # parts of a unit of the reporting currency
DAY = pd.Timedelta(days=1)
ALL, NONE = "all", "(none)"
SEGMENT = ["segment_type", "segment_value"]


@dataclass
class Facts:
    """The published facts, each read once; what is asked of several sections, worked out once."""

    read: Callable[[str], Frame]
    zone: str
    kept: dict = field(default_factory=dict)

    def __getitem__(self, name: str) -> Frame:
        return self.once(name, lambda: self.read(name))

    def once(self, name: str, make: Callable[[], object]):
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    @property
    def as_of(self) -> pd.Timestamp:
        return pd.Timestamp(self["dim_as_of"]["as_of_at"].iloc[0])

    @property
    def last_day(self) -> pd.Timestamp:
        return pd.Timestamp(self["dim_dates"]["date_day"].max())

    # ------------------------------------------------------------ time

    def local_day(self, moments: pd.Series) -> Days:
        local = moments.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        return local.dt.tz_localize(None).dt.normalize()

    def moment(self, days: Days) -> pd.Series:
        """The UTC moment at which a local day begins."""
        local = days.dt.tz_localize(self.zone)
        return local.dt.tz_convert("UTC").dt.tz_localize(None)

    def is_over(self, next_days: Days, window_days: int | pd.Series = 0) -> pd.Series:
        """Does a window of so many times 24 h, opened before these local days, end by as_of?"""
        return self.moment(next_days) + window_days * DAY <= self.as_of

    def dates(self, column: str = "date_day") -> list:
        return sorted(self["dim_dates"][column].unique())

    # ------------------------------------------------------------ cuts

    @property
    def cuts(self) -> Frame:
        return self["bridge_person_segments"][["person_id", *SEGMENT]]

    def cut(self, frame: Frame, types: Iterable[str] | None = None) -> Frame:
        """Each row once per segment of its person."""
        cuts = self.cuts
        if types is not None:
            cuts = cuts[cuts["segment_type"].isin(list(types))]
        return frame.merge(cuts, on="person_id")

    # ------------------------------------------------------------ questions of several sections

    @property
    def goals(self) -> list[str]:
        return sorted(self["goals"]["goal"].unique())

    def first_within(self, anchors: Frame, goal: str, at: str = "anchor_at") -> pd.Series:
        """Of each anchor (a person and a moment): the first conversion at or after it, or NaT."""
        at_goal = self["fct_conversions"].query("goal == @goal")
        return first_at_or_after(anchors, at_goal, at)

    def paying_at(self, moment: pd.Timestamp, itself: bool = False) -> pd.Series:
        """Monthly value of each person who has some just before a moment (or at it)."""
        moves = self.once("moves", self._moves)
        before = moves["occurred_at"] <= moment if itself else moves["occurred_at"] < moment
        last = moves[before].groupby("person_id")["mrr_after_amount"].last()
        return last[last > 0]

    def _moves(self) -> Frame:
        moves = self["fct_subscription_events"].query("movement != 'trial_started'")
        return moves.sort_values(["person_id", "occurred_at"])


def first_at_or_after(anchors: Frame, events: Frame, at: str) -> pd.Series:
    """For each row of anchors the first of the person's events that is no earlier."""
    left = anchors[["person_id", at]].reset_index(names="row").dropna(subset=[at]).sort_values(at)
    right = events[["person_id", "occurred_at"]].sort_values("occurred_at")
    found = pd.merge_asof(
        left, right, left_on=at, right_on="occurred_at", by="person_id", direction="forward"
    )
    return found.set_index("row")["occurred_at"].reindex(anchors.index)


def week_of(days: Days) -> Days:
    return days - pd.to_timedelta(days.dt.day_of_week, unit="D")


def month_of(days: Days) -> Days:
    return days - pd.to_timedelta(days.dt.day - 1, unit="D")


def next_month(days: Days) -> Days:
    return month_of(month_of(days) + 32 * DAY)


def months_later(days: Days, count) -> Days:
    number = days.dt.year * 12 + days.dt.month - 1 + count
    return pd.to_datetime({"year": number // 12, "month": number % 12 + 1, "day": 1})


def is_within(start: pd.Series, end: pd.Series, days: int) -> pd.Series:
    """0 <= end - start <= so many times 24 h; no if one is missing."""
    apart = end - start
    return (apart >= pd.Timedelta(0)) & (apart <= days * DAY)


def is_within_seconds(start: pd.Series, end: pd.Series, days: int) -> pd.Series:
    """The same of a duration, which is counted in whole seconds."""
    return is_within(start, start + pd.to_timedelta(whole_seconds(end - start), unit="s"), days)


def whole_seconds(apart: pd.Series) -> pd.Series:
    return apart // pd.Timedelta(seconds=1)


# ---------------------------------------------------------------- counting


def grid(**columns: Iterable) -> Frame:
    """Every combination of the values."""
    return pd.MultiIndex.from_product(columns.values(), names=list(columns)).to_frame(index=False)


def put(table: Frame, keys: list[str], **measures: pd.Series) -> Frame:
    """The table with further columns, found by their index; what is not there stays missing."""
    for name, measure in measures.items():
        table = table.merge(measure.rename(name).reset_index(), on=keys, how="left")
    return table


UNKNOWN = np.inf  # a sum with a part that nobody knows


def known_sum(amounts: pd.Series) -> float:
    return UNKNOWN if amounts.isna().any() else float(amounts.sum())


def none_but_known(sums: pd.Series) -> pd.Series:
    """0 for no rows, and missing for a sum with a part that nobody knows."""
    return sums.astype(float).fillna(0).where(sums.astype(float) != UNKNOWN)


def zero(table: Frame, *columns: str) -> Frame:
    return table.assign(**{name: table[name].fillna(0) for name in columns})


def fractions(rows: Frame) -> list[str]:
    return [name for name in rows.columns if name.endswith(("_numerator", "_denominator"))]


def with_rates(table: Frame) -> Frame:
    """Beside each `x_numerator` and `x_denominator` the rate with its Wilson bounds."""
    made = {}
    for column in table.columns:
        if not column.endswith("_numerator"):
            continue
        name = column.removesuffix("_numerator")
        top = table[column].to_numpy(dtype=float, na_value=np.nan)
        bottom = table[f"{name}_denominator"].to_numpy(dtype=float, na_value=np.nan)
        bottom = np.where(bottom > 0, bottom, np.nan)
        nothing = np.isnan(bottom) | np.isnan(top) | (top > bottom)  # then it is no share
        lower, upper = proportion_confint(
            np.where(nothing, 0, top), np.where(nothing, 1, bottom), method="wilson"
        )
        made[f"{name}_rate"] = top / bottom
        made[f"{name}_rate_lower"] = np.where(nothing, np.nan, lower)
        made[f"{name}_rate_upper"] = np.where(nothing, np.nan, upper)
    return table.assign(**made)


def ratio(top: pd.Series, bottom: pd.Series) -> pd.Series:
    """As a fraction of floats; missing where the one is, or the other is 0."""
    top, bottom = top.astype(float), bottom.astype(float)
    return top / bottom.where(bottom != 0)


def kaplan_meier_median(durations: np.ndarray, is_event: np.ndarray) -> float:
    """The first moment by which at least half have converted, in exact fractions."""
    surviving = Fraction(1)
    order = np.lexsort((~is_event, durations))
    at_risk, position = len(durations), 0
    durations, is_event = durations[order], is_event[order]
    while position < len(durations):
        moment, events, here = durations[position], 0, 0
        while position < len(durations) and durations[position] == moment:
            events += bool(is_event[position])
            here, position = here + 1, position + 1
        if events:
            surviving *= Fraction(at_risk - events, at_risk)
            if 2 * surviving <= 1:
                return float(moment)
        at_risk -= here
    return np.nan


# ---------------------------------------------------------------- the tables


@dataclass(frozen=True)
class Table:
    name: str
    keys: tuple[str, ...]
    make: Callable[[Facts], Frame]


TABLES: dict[str, Table] = {}


def kpi(name: str, *keys: str):
    """Registers what makes a table, and what its rows are called by."""

    def register(make):
        TABLES[name] = Table(name, keys, make)
        return make

    return register
