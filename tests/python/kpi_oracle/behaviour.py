"""Where people get stuck, how they change channels, how long they stay, what foretells success."""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from .words import (
    DAY,
    NONE,
    SEGMENT,
    Facts,
    Frame,
    is_within,
    kaplan_meier_median,
    kpi,
    month_of,
    next_month,
    put,
    week_of,
    whole_seconds,
    with_rates,
    zero,
)

# ---------------------------------------------------------------- friction


@kpi("kpi_friction", "page_path", "signal", "week_start_date")
def friction(facts: Facts) -> Frame:
    keys = ["page_path", "signal", "week_start_date"]
    visits = facts["fct_sessions"].set_index("session_id")
    signals = facts["fct_friction_signals"]
    on_page = signals["page_path"].notna()
    day = signals["session_id"].map(visits["started_date"]).where(on_page)
    signals = signals.assign(
        page_path=signals["page_path"].fillna(NONE),
        week_start_date=week_of(day.fillna(signals["occurred_date"])),
    )
    groups = signals.groupby(keys)
    table = groups.agg(signal_count=("signal", "size"), person_count=("person_id", "nunique"))
    table = table.reset_index()

    # the sessions of a page: who saw it, or must have, having had a signal there; who had this one
    views = facts["fct_events"].query("event_type in ('page', 'screen')")
    views = views[views["occurred_at"] <= facts.as_of].dropna(subset=["session_id", "page_path"])
    struck = signals[on_page & signals["session_id"].notna()]
    struck = struck[[*keys, "session_id"]].drop_duplicates().assign(is_struck=True)
    place = ["page_path", "session_id"]
    views = pd.concat([views[place], struck[place]]).drop_duplicates()
    views["week_start_date"] = week_of(views["session_id"].map(visits["started_date"]))
    seen = table[keys].merge(views, on=["page_path", "week_start_date"])
    seen = seen.merge(struck, on=[*keys, "session_id"], how="left")
    seen["is_struck"] = seen["is_struck"].notna()
    left_at = seen["session_id"].map(visits["exit_page_path"])
    seen["is_left"] = left_at.eq(seen["page_path"])
    with_it, without = seen[seen["is_struck"]], seen[~seen["is_struck"]]
    counted = {
        "friction_numerator": with_it.groupby(keys).size(),
        "friction_denominator": seen.groupby(keys).size(),
        "drop_numerator": with_it.groupby(keys)["is_left"].sum(),
        "drop_denominator": with_it.groupby(keys).size(),
        "drop_without_numerator": without.groupby(keys)["is_left"].sum(),
        "drop_without_denominator": without.groupby(keys).size(),
    }
    table = zero(put(table, keys, **counted), *counted)
    return with_rates(table.assign(is_causal=False))


# ---------------------------------------------------------------- channels

SWITCH = ["from_channel", "to_channel", "month_start_date", "is_digital_to_assisted"]
SWITCH_DAYS, CONVERTED_DAYS = 30, 7


@kpi("kpi_channel_switches", *SWITCH)
def channel_switches(facts: Facts) -> Frame:
    contacts = facts["fct_channel_visits"].dropna(subset="previous_channel")
    everybody = facts["fct_channel_visits"].sort_values(["person_id", "visit_number"])
    gap = everybody.groupby("person_id")["occurred_at"].diff().reindex(contacts.index)
    contacts = contacts[gap <= SWITCH_DAYS * DAY]
    at, following = contacts["occurred_at"], contacts["next_contact_at"]
    is_settled = at + SWITCH_DAYS * DAY <= facts.as_of
    is_old = at + CONVERTED_DAYS * DAY <= facts.as_of
    is_left = is_settled & ~is_within(at, following, SWITCH_DAYS)
    contacts = contacts.assign(
        from_channel=contacts["previous_channel"],
        to_channel=contacts["channel"],
        month_start_date=month_of(contacts["occurred_date"]),
        is_digital_to_assisted=contacts["is_assisted"].astype(bool)
        & ~contacts["previous_is_assisted"].astype(bool),
        drop_off_numerator=is_left,
        drop_off_denominator=is_settled,
        converted_7d_numerator=is_old & _is_followed(facts, contacts),
        converted_7d_denominator=is_old,
    )
    groups = contacts.groupby(SWITCH)
    counts = [name for name in contacts if name.endswith(("_numerator", "_denominator"))]
    table = groups[counts].sum()
    table["contact_count"] = groups.size()
    table["person_count"] = groups["person_id"].nunique()
    for part in (50, 90):
        table[f"gap_seconds_p{part}"] = groups["seconds_since_previous"].quantile(part / 100)
    table = table.reset_index()
    next_months = next_month(table["month_start_date"])
    return with_rates(
        table.assign(
            is_switch=table["from_channel"] != table["to_channel"],
            drop_off_is_mature=facts.is_over(next_months, 30),
            converted_7d_is_mature=facts.is_over(next_months, 7),
            is_causal=False,
        )
    )


def _is_followed(facts: Facts, contacts: Frame) -> pd.Series:
    """Is there a conversion, of any goal, from the contact on?"""
    rows = contacts[["person_id", "occurred_at"]].reset_index(names="row")
    bought = facts["fct_conversions"][["person_id", "occurred_at"]]
    rows = rows.merge(bought.rename(columns={"occurred_at": "bought_at"}), on="person_id")
    rows = rows[is_within(rows["occurred_at"], rows["bought_at"], CONVERTED_DAYS)]
    return contacts.index.to_series().isin(rows["row"])


# ---------------------------------------------------------------- stages


@kpi("kpi_stage_durations", "stage", "cohort_month_date", *SEGMENT)
def stage_durations(facts: Facts) -> Frame:
    keys = ["stage", "cohort_month_date", *SEGMENT]
    stays = facts["fct_stage_periods"]
    is_open = stays["is_open"].astype(bool)
    so_far = whole_seconds(facts.as_of - stays["started_at"])
    stays = stays.assign(
        cohort_month_date=month_of(facts.local_day(stays["started_at"])),
        is_open=is_open,
        seconds=so_far.where(is_open, stays["duration_seconds"]).astype(float),
    )
    stays = facts.cut(stays)
    closed = stays[~stays["is_open"]]
    of_all = closed.groupby(["stage", *SEGMENT])["seconds"].quantile(0.9)
    stays = put(stays, ["stage", *SEGMENT], usual=of_all)
    stays["is_stuck"] = stays["is_open"] & (stays["seconds"] > stays["usual"])
    groups = stays.groupby(keys)
    table = groups.agg(
        stage_number=("stage_number", "first"),
        stay_count=("seconds", "size"),
        person_count=("person_id", "nunique"),
        open_count=("is_open", "sum"),
        stuck_count=("is_stuck", "sum"),
    )
    for reason in ("advanced", "churned", "dormant"):
        table[f"{reason}_count"] = (
            (stays["exit_reason"] == reason).groupby([stays[key] for key in keys]).sum()
        )
    for part in (50, 90):
        quantile = closed.groupby(keys)["seconds"].quantile(part / 100)
        table[f"duration_seconds_p{part}"] = quantile
    table["survival_median_seconds"] = pd.Series(
        {
            key: kaplan_meier_median(rows["seconds"].to_numpy(), ~rows["is_open"].to_numpy())
            for key, rows in groups
        }
    )
    table = table.reset_index()
    is_mature = facts.is_over(next_month(table["cohort_month_date"])) & (table["open_count"] == 0)
    return table.assign(is_mature=is_mature)


# ---------------------------------------------------------------- what foretells success

THRESHOLDS = (1, 2, 3, 5, 10)
EARLY_DAYS, OUTCOME_DAYS = 7, 30
LEAST_DOERS = 5


@kpi("kpi_behaviour_drivers", "outcome", "behaviour", "threshold")
def behaviour_drivers(facts: Facts) -> Frame:
    people = facts["dim_persons"].dropna(subset="signed_up_at").set_index("person_id")
    people = people[people["signed_up_at"] + OUTCOME_DAYS * DAY <= facts.as_of]
    done = facts["fct_events"]
    done = done[done["is_interactive"].astype(bool) & (done["event_name"] != "signed_up")]
    done = done.dropna(subset="event_name")
    done = done.assign(signed_up_at=done["person_id"].map(people["signed_up_at"]))
    done = done[is_within(done["signed_up_at"], done["occurred_at"], EARLY_DAYS)]
    parts = [
        _foretold(people["signed_up_at"], first, done).assign(outcome=outcome)
        for outcome, first in _outcomes(facts, people).items()
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return Frame(columns=["outcome", "behaviour", "threshold"])
    return with_rates(pd.concat(parts, ignore_index=True)).assign(is_causal=False)


def _outcomes(facts: Facts, people: Frame) -> dict[str, pd.Series]:
    """Outcome -> the first moment of each person who ever had it."""
    conversions = facts["fct_conversions"]
    goals = facts["goals"]
    by_signup = set(goals.loc[goals["event_name"] == "signed_up", "goal"])
    found = {
        goal: conversions[conversions["goal"] == goal].groupby("person_id")["occurred_at"].min()
        for goal in facts.goals
        if goal not in by_signup
    }
    found["habit_formed"] = people["habit_formed_at"].dropna()
    days = facts["fct_person_days"]
    signed_up = days["person_id"].map(facts.local_day(people["signed_up_at"]))
    in_week = (days["active_date"] - signed_up).dt.days.between(21, 27)
    found["active_week_4"] = days[in_week].groupby("person_id")["first_event_at"].min()
    return found


def _foretold(signed_up: pd.Series, first: pd.Series, done: Frame) -> Frame:
    """One row per behaviour and threshold: who did it early, and who reached the outcome."""
    first = first.reindex(signed_up.index)
    signed_up = signed_up[~(first <= signed_up)]
    first = first[signed_up.index]
    first = first.where(first <= signed_up + OUTCOME_DAYS * DAY)
    reached, count = first.notna(), len(signed_up)
    done = done[done["person_id"].isin(signed_up.index)]
    ends = done["person_id"].map(first)
    done = done[ends.isna() | (done["occurred_at"] < ends)]

    rows = []
    for behaviour, of_person in done.groupby("event_name")["person_id"]:
        times = of_person.value_counts().reindex(signed_up.index, fill_value=0)
        for threshold in THRESHOLDS:
            did = times >= threshold
            if did.sum() >= LEAST_DOERS:
                cells = _cells(did, reached)
                rows.append({"behaviour": behaviour, "threshold": threshold} | cells)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    has_p = table["p_value"].notna()
    table["adjusted_p_value"] = np.nan
    if has_p.any():
        adjusted = multipletests(table.loc[has_p, "p_value"], method="fdr_bh")[1]
        table.loc[has_p, "adjusted_p_value"] = adjusted
    # of several thresholds that tell as much the lowest
    best = table.sort_values(["phi", "threshold"], ascending=[False, True], na_position="last")
    is_best = table.index.isin(best.drop_duplicates("behaviour").index)
    is_aha = is_best & (table["adjusted_p_value"] < 0.05) & (table["phi"] > 0)
    recall = table["recall_numerator"] / table["recall_denominator"]
    without = table["without_numerator"] / table["without_denominator"]
    is_needed = (recall >= 0.8) & (without <= reached.sum() / count / 2)
    return table.assign(is_aha_candidate=is_aha, is_make_or_break=is_aha & is_needed)


def _cells(did: pd.Series, reached: pd.Series) -> dict:
    tp, fp = int((did & reached).sum()), int((did & ~reached).sum())
    fn, tn = int((~did & reached).sum()), int((~did & ~reached).sum())
    row = {
        "true_positive_count": tp,
        "false_positive_count": fp,
        "false_negative_count": fn,
        "true_negative_count": tn,
        "precision_numerator": tp,
        "precision_denominator": tp + fp,
        "recall_numerator": tp,
        "recall_denominator": tp + fn,
        "without_numerator": fn,
        "without_denominator": fn + tn,
        "phi": np.nan,
        "lift_ratio": np.nan,
        "p_value": np.nan,
    }
    if tp + fn:
        row["lift_ratio"] = (tp / (tp + fp)) / ((tp + fn) / len(did))
    if min(tp + fn, fp + tn, fn + tn) > 0:
        row["phi"] = stats.contingency.association([[tp, fp], [fn, tn]], method="cramer")
        row["phi"] *= 1 if tp * tn >= fp * fn else -1
        row["p_value"] = stats.chi2_contingency([[tp, fp], [fn, tn]], correction=False).pvalue
    return row
