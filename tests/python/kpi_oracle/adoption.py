"""Sessions, features, surveys: who makes it a habit."""

import numpy as np
import pandas as pd
from scipy import stats

from .activation import stage_at
from .words import (
    ALL,
    DAY,
    NONE,
    SEGMENT,
    Facts,
    Frame,
    fractions,
    kpi,
    month_of,
    months_later,
    next_month,
    put,
    ratio,
    week_of,
    whole_seconds,
    with_rates,
    zero,
)

# ---------------------------------------------------------------- sessions


@kpi("kpi_session_frequency", "period_type", "period_start_date", "stage", *SEGMENT)
def session_frequency(facts: Facts) -> Frame:
    keys = ["period_type", "period_start_date", "stage", *SEGMENT]
    visits = facts["fct_sessions"]
    visits = visits.assign(
        stage=stage_at(facts, visits, "started_at").fillna(NONE),
        engaged_seconds=visits["duration_seconds"].where(visits["is_engaged"], 0),
    )
    visits = pd.concat([visits, visits.assign(stage=ALL)])
    by_week = visits.assign(period_type="week", period_start_date=week_of(visits["started_date"]))
    by_month = visits.assign(
        period_type="month", period_start_date=month_of(visits["started_date"])
    )
    visits = facts.cut(pd.concat([by_week, by_month], ignore_index=True))
    people = visits.groupby([*keys, "person_id"]).agg(
        sessions=("session_id", "size"), engaged_seconds=("engaged_seconds", "sum")
    )
    table = _frequencies(people.reset_index(), keys)
    start = table["period_start_date"]
    after = (start + 7 * DAY).where(table["period_type"] == "week", next_month(start))
    return table.assign(is_mature=facts.is_over(after))


def _frequencies(people: Frame, keys: list[str]) -> Frame:
    count = people["sessions"]
    bands = {"1": (1, 1), "2_3": (2, 3), "4_7": (4, 7), "8_plus": (8, np.inf)}
    for name, (least, most) in bands.items():
        people[f"person_count_{name}"] = count.between(least, most).astype(int)
    groups = people.groupby(keys)
    table = groups[[f"person_count_{name}" for name in bands]].sum()
    table["person_count"] = groups.size()
    for name in bands:
        share = ratio(table[f"person_count_{name}"], table["person_count"])
        table[f"person_count_{name}_share"] = share
    table["session_count"] = groups["sessions"].sum()
    table["sessions_per_person"] = ratio(table["session_count"], table["person_count"])
    table["sessions_per_person_p50"] = groups["sessions"].quantile(0.5)
    table["sessions_per_person_p90"] = groups["sessions"].quantile(0.9)
    seconds = groups["engaged_seconds"].sum()
    table["engaged_seconds_per_person"] = ratio(seconds, table["person_count"])
    return table.reset_index()


STAGES = ("acquisition", "activation", "adoption")


@kpi("kpi_session_stages", "cohort_month_date")
def session_stages(facts: Facts) -> Frame:
    stays = facts["fct_stage_periods"]
    came = stays[stays["stage"] == "activation"].groupby("person_id")["started_at"].min()
    came = came[came <= facts.as_of].reset_index(name="came_at")
    came["cohort_month_date"] = month_of(facts.local_day(came["came_at"]))
    month = came.set_index("person_id")["cohort_month_date"]
    stays = stays.assign(cohort_month_date=stays["person_id"].map(month))
    ended_at = stays["ended_at"].fillna(facts.as_of).clip(upper=facts.as_of)
    lasted = (ended_at - stays["started_at"]).clip(lower=pd.Timedelta(0))
    stays["weeks"] = whole_seconds(lasted) / (7 * 24 * 3600)
    visits = facts["fct_sessions"]
    visits = visits.assign(
        stage=stage_at(facts, visits, "started_at"),
        cohort_month_date=visits["person_id"].map(month),
    )
    until_now = visits[visits["started_at"] <= facts.as_of]
    table = came.groupby("cohort_month_date").size().rename("person_count").reset_index()
    for stage in STAGES:
        counted = {
            f"{stage}_session_count": until_now[until_now["stage"] == stage],
            f"{stage}_weeks": stays[stays["stage"] == stage],
        }
        sizes = counted[f"{stage}_session_count"].groupby("cohort_month_date").size()
        weeks = counted[f"{stage}_weeks"].groupby("cohort_month_date")["weeks"].sum()
        table = put(table, ["cohort_month_date"], **dict(zip(counted, (sizes, weeks), strict=True)))
        table = zero(table, *counted)
        rate = ratio(table[f"{stage}_session_count"], table[f"{stage}_weeks"])
        table[f"{stage}_sessions_per_week"] = rate
    adopted = table["adoption_sessions_per_week"]
    for stage in STAGES[:2]:
        name = f"adoption_to_{stage}_ratio"
        table[name] = ratio(adopted, table[f"{stage}_sessions_per_week"])
    foretold = [_foretold(facts, came, visits, month) for month in table["cohort_month_date"]]
    table = pd.concat([table, pd.DataFrame(foretold)], axis=1)
    is_mature = facts.is_over(next_month(table["cohort_month_date"]), 60)
    return table.assign(is_mature=is_mature, is_causal=False)


def _foretold(facts: Facts, came: Frame, visits: Frame, month: pd.Timestamp) -> dict:
    """How well the sessions of the first seven days tell who makes it a habit within sixty."""
    people = came[came["cohort_month_date"] == month]
    people = people[people["came_at"] + 60 * DAY <= facts.as_of]
    habit = facts["dim_persons"].set_index("person_id")["habit_formed_at"]
    habit = people["person_id"].map(habit)
    adopted = (habit >= people["came_at"]) & (habit <= people["came_at"] + 60 * DAY)
    early = people.merge(visits[["person_id", "started_at", "ended_at"]], on="person_id")
    # the session in which somebody came to the stage is one of them
    is_early = early["started_at"] < early["came_at"] + 7 * DAY
    early = early[is_early & (early["ended_at"] >= early["came_at"])].groupby("person_id").size()
    score = people["person_id"].map(early).fillna(0)
    row = {"adopted_60d_count": adopted.sum(), "not_adopted_60d_count": (~adopted).sum()}
    row |= {"auc": np.nan, "best_threshold_count": np.nan}
    row |= {"best_threshold_precision": np.nan, "best_threshold_recall": np.nan}
    yes, no = score[adopted], score[~adopted]
    if not len(yes) or not len(no):
        return row
    row["auc"] = stats.mannwhitneyu(yes, no).statistic / len(yes) / len(no)
    thresholds = sorted(score.unique())
    at = {t: ((yes >= t).sum() * len(no) - (no >= t).sum() * len(yes), -t) for t in thresholds}
    best = max(at, key=at.get)
    row["best_threshold_count"] = best
    row["best_threshold_precision"] = (yes >= best).sum() / (score >= best).sum()
    row["best_threshold_recall"] = (yes >= best).mean()
    return row


# ---------------------------------------------------------------- features


def feature_adoption_of(facts: Facts, active: Frame, uses: Frame, cuts: Frame, who: str) -> Frame:
    """Of those active in a month (who, month_start_date): who used what."""
    keys = ["feature", "month_start_date", *SEGMENT]
    months = ["feature", "month_start_date", who]
    used = uses.groupby(months)["use_count"].sum().reset_index()
    used = used.merge(active, on=["month_start_date", who])
    most = used.groupby(["month_start_date", who])["use_count"].transform("max")
    is_most = used[used["use_count"] == most].sort_values("feature")
    favourite = is_most.groupby(["month_start_date", who]).head(1)
    first = uses.groupby(["feature", who])["month_start_date"].min().rename("first_month")
    used = used.merge(first.reset_index(), on=["feature", who])
    a_month_on = used.assign(month_start_date=months_later(used["month_start_date"], 1))
    used = used.assign(
        is_sustained=_is_among(a_month_on[months], uses),
        is_favourite=_is_among(used[months], favourite),
        is_first=used["first_month"] == used["month_start_date"],
    )
    groups = used.merge(cuts, on=who).groupby(keys)
    people = active.merge(cuts, on=who).groupby(["month_start_date", *SEGMENT]).size()
    people = people.rename("adoption_denominator").reset_index()
    table = people.merge(facts["features"][["feature"]].drop_duplicates(), how="cross")
    counted = {
        "adoption_numerator": groups.size(),
        "first_user_count": groups["is_first"].sum(),
        "sustained_numerator": groups["is_sustained"].sum(),
        "favourite_numerator": groups["is_favourite"].sum(),
    }
    table = zero(put(table, keys, **counted), *counted)
    after = next_month(table["month_start_date"])
    return with_rates(
        table.assign(
            sustained_denominator=table["adoption_numerator"],
            favourite_denominator=table["adoption_numerator"],
            is_mature=facts.is_over(after),
            sustained_is_mature=facts.is_over(next_month(after)),
        )
    )


def _is_among(rows: Frame, others: Frame) -> np.ndarray:
    """Is each row, with all its columns, one of the others?"""
    places = pd.MultiIndex.from_frame(rows)
    return places.isin(pd.MultiIndex.from_frame(others[list(rows.columns)]))


def known_and_active(facts: Facts) -> Frame:
    """Known people and the local months in which they were active."""
    known = set(facts["dim_persons"].query("is_known")["person_id"])
    days = facts["fct_person_days"]
    days = days[days["person_id"].isin(known)]
    active = days[["person_id"]].assign(month_start_date=month_of(days["active_date"]))
    return active.drop_duplicates()


def feature_uses(facts: Facts) -> Frame:
    uses = facts["fct_feature_usage"]
    return uses.assign(month_start_date=month_of(uses["used_date"]))


@kpi("kpi_feature_adoption", "feature", "month_start_date", *SEGMENT)
def feature_adoption(facts: Facts) -> Frame:
    uses, active = feature_uses(facts), known_and_active(facts)
    return feature_adoption_of(facts, active, uses, facts.cuts, "person_id")


BUCKETS = [(0, 0, "0"), (1, 2, "1-2"), (3, 4, "3-4"), (5, 7, "5-7"), (8, np.inf, "8+")]


@kpi("kpi_feature_breadth", "month_start_date", "breadth_bucket", *SEGMENT)
def feature_breadth(facts: Facts) -> Frame:
    keys = ["month_start_date", "breadth_bucket", *SEGMENT]
    active = known_and_active(facts)
    count = feature_uses(facts).groupby(["month_start_date", "person_id"])["feature"].nunique()
    rows = zero(put(active, ["month_start_date", "person_id"], features=count), "features")
    after = next_month(rows["month_start_date"])
    paying, on = {}, facts["fct_person_days"].groupby("active_date")["person_id"].agg(set)
    returning = {}
    for day in after.unique():
        moment = facts.moment(pd.Series([day]))[0]
        paying[day] = set(facts.paying_at(min(moment, facts.as_of)).index)
        returning[day] = set().union(*on[(on.index >= day) & (on.index < day + 28 * DAY)])
    pairs = list(zip(after, rows["person_id"], strict=True))
    rows = rows.assign(
        breadth_bucket=[
            next(name for least, most, name in BUCKETS if least <= n <= most)
            for n in rows["features"]
        ],
        paid_numerator=[person in paying[day] for day, person in pairs],
        paid_denominator=1,
        retention_28d_numerator=[person in returning[day] for day, person in pairs],
        retention_28d_denominator=1,
    )
    rows = facts.cut(rows)
    table = rows.groupby(keys)[fractions(rows)].sum().reset_index()
    is_mature = facts.is_over(next_month(table["month_start_date"]) + 28 * DAY)
    return with_rates(table.assign(is_mature=is_mature, is_causal=False))


# ---------------------------------------------------------------- surveys


@kpi(
    *("kpi_survey_scores", "survey", "survey_type", "period_type", "period_start_date", "wave"),
    *SEGMENT,
)
def survey_scores(facts: Facts) -> Frame:
    keys = ["survey", "survey_type", "period_type", "period_start_date", "wave", *SEGMENT]
    asked = facts["fct_survey_responses"]
    asked = asked.assign(period_start_date=month_of(asked["asked_date"]))
    waves = asked[asked["wave"].notna()].assign(period_type="wave")
    first = waves.groupby(["survey", "wave"])["period_start_date"].transform("min")
    waves = waves.assign(period_start_date=first)
    rows = pd.concat([asked.assign(period_type="month", wave=None), waves], ignore_index=True)
    by_stage = rows.assign(segment_type="stage", segment_value=rows["stage"].fillna(NONE))
    rows = pd.concat([facts.cut(rows), by_stage], ignore_index=True)
    rows["wave"] = rows["wave"].fillna("")
    table = _scores(rows, keys)
    # an invitation of the last day of the period has thirty days
    last = rows.groupby(keys)["asked_date"].max().reset_index(drop=True)
    ends = next_month(table["period_start_date"]).where(table["period_type"] == "month", last + DAY)
    table["is_mature"] = facts.is_over(ends, 30)
    return with_rates(table.assign(wave=table["wave"].replace("", None)))


def _scores(rows: Frame, keys: list[str]) -> Frame:
    groups = {"promoter": 0, "passive": 0, "detractor": 0, "satisfied": 0, "easy": 0}
    is_answered = rows["responded_at"].notna()
    flags = {name: (rows["score_group"] == name).astype(int) for name in groups}
    rows = rows.assign(response_numerator=is_answered.astype(int), response_denominator=1, **flags)
    grouped = rows.groupby(keys)
    table = grouped[["response_numerator", "response_denominator", *groups]].sum()
    table["score_mean"] = grouped["score"].mean()
    table["scored"] = grouped["score"].count()
    table = table.reset_index()
    kind, answers = table["survey_type"], table["scored"]
    for name in ("promoter", "passive", "detractor"):
        table[f"{name}_count"] = table[name].where(kind == "nps")
    for name, of_kind in (("satisfied", "csat"), ("easy", "ces")):
        table[f"{name}_numerator"] = table[name].where(kind == of_kind)
        table[f"{name}_denominator"] = answers.where(kind == of_kind)
    p, d = (ratio(table[f"{name}_count"], answers) for name in ("promoter", "detractor"))
    spread = stats.norm.ppf(0.975) * np.sqrt((p + d - (p - d) ** 2).clip(lower=0) / answers)
    table["nps_score"] = 100 * (p - d)
    table["nps_score_low"] = (100 * (p - d - spread)).clip(lower=-100)
    table["nps_score_high"] = (100 * (p - d + spread)).clip(upper=100)
    return table.drop(columns=[*groups, "scored"])
