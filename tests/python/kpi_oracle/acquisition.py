"""Visits, advertising, messages, content, experiments, entries: how people come."""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_effectsize,
    proportions_ztest,
)

from .words import (
    ALL,
    DAY,
    MONEY,
    SEGMENT,
    Facts,
    Frame,
    first_at_or_after,
    grid,
    is_within,
    is_within_seconds,
    known_sum,
    kpi,
    none_but_known,
    put,
    ratio,
    week_of,
    whole_seconds,
    with_rates,
    zero,
)

# ---------------------------------------------------------------- by day

GOALS_BY_DAY = ("lead", "signup", "trial", "subscription")


def _cuts_of_visits(facts: Facts) -> dict[str, tuple[Frame, Frame]]:
    """Segment type -> visits and conversions with the segment they count in."""
    visits, reached = facts["fct_sessions"], facts["fct_conversions"]
    first_touch = facts["dim_persons"].set_index("person_id")["first_touch_channel_group"]
    of_session = visits.set_index("session_id")

    def by_session(column):
        value = reached["session_id"].map(of_session[column])
        return visits.assign(segment_value=visits[column]), reached.assign(segment_value=value)

    return {
        ALL: (visits.assign(segment_value=ALL), reached.assign(segment_value=ALL)),
        "first_touch_channel_group": tuple(
            rows.assign(segment_value=rows["person_id"].map(first_touch))
            for rows in (visits, reached)
        ),
        "session_channel_group": by_session("channel_group"),
        "session_referrer_host": by_session("referrer_host"),
    }


def _of_visits(facts: Facts, visits: Frame, reached: Frame, values: list) -> Frame:
    keys = ["date_day", "segment_value"]
    visits = visits.rename(columns={"started_date": "date_day"})
    new = visits.query("session_number == 1")
    signed_up_at = facts["dim_persons"].set_index("person_id")["signed_up_at"]
    has_signed_up = is_within(new["started_at"], new["person_id"].map(signed_up_at), 7)
    reached = reached.rename(columns={"occurred_date": "date_day"})
    counted = {
        "visitor_count": visits.groupby(keys)["person_id"].nunique(),
        "new_visitor_count": new.groupby(keys)["person_id"].nunique(),
        "session_count": visits.groupby(keys).size(),
        "page_view_count": visits.groupby(keys)["page_view_count"].sum(),
        "engaged_session_numerator": visits[visits["is_engaged"]].groupby(keys).size(),
        "visitor_signup_7d_numerator": new[has_signed_up].groupby(keys).size(),
        **{
            f"{goal}_count": reached[reached["goal"] == goal].groupby(keys).size()
            for goal in GOALS_BY_DAY
        },
    }
    table = put(grid(date_day=facts.dates(), segment_value=values), keys, **counted)
    table = zero(table, *counted)
    return table.assign(
        engaged_session_denominator=table["session_count"],
        bounce_numerator=table["session_count"] - table["engaged_session_numerator"],
        bounce_denominator=table["session_count"],
        visitor_signup_7d_denominator=table["new_visitor_count"],
    )


def _with_customers(facts: Facts, table: Frame, segment_type: str) -> Frame:
    paid = facts["fct_milestones"].query("milestone == 'paid'")
    paid = facts.cut(paid, [segment_type]).rename(columns={"reached_date": "date_day"})
    keys = ["date_day", "segment_value"]
    return zero(
        put(table, keys, new_customer_count=paid.groupby(keys).size()), "new_customer_count"
    )


def _with_spend(facts: Facts, table: Frame, by_channel: bool) -> Frame:
    """Advertising; missing on dates that no row of an ad source covers."""
    spend = facts["fct_ad_spend"].rename(columns={"spend_date": "date_day"})
    first, last = spend["date_day"].min(), spend["date_day"].max()
    spend = spend.assign(segment_value=spend["channel_group"] if by_channel else ALL)
    groups = spend.groupby(["date_day", "segment_value"])
    columns = {
        "ad_impression_count": "impression_count",
        "ad_click_count": "click_count",
        "spend_amount": "spend_amount",
    }
    sums = {ours: groups[theirs].agg(known_sum) for ours, theirs in columns.items()}
    table = put(table, ["date_day", "segment_value"], **sums)
    table = table.assign(**{name: none_but_known(table[name]) for name in sums})
    is_covered = table["date_day"].between(first, last)
    return table.assign(**{name: table[name].where(is_covered) for name in sums})


def _touches_by_day(facts: Facts) -> Frame:
    touches = facts["fct_touchpoints"].rename(
        columns={"occurred_date": "date_day", "touchpoint_type": "segment_value"}
    )
    keys = ["date_day", "segment_value"]
    table = grid(date_day=facts.dates(), segment_value=sorted(touches["segment_value"].unique()))
    table = put(
        table,
        keys,
        touch_count=touches.groupby(keys).size(),
        touch_person_count=touches.groupby(keys)["person_id"].nunique(),
    )
    return zero(table, "touch_count", "touch_person_count").assign(segment_type="touchpoint_type")


@kpi("kpi_acquisition_daily", "date_day", *SEGMENT)
def acquisition_daily(facts: Facts) -> Frame:
    parts = []
    for segment_type, (visits, reached) in _cuts_of_visits(facts).items():
        is_of_people = segment_type in (ALL, "first_touch_channel_group")
        values = visits["segment_value"].dropna()
        if is_of_people:
            values = facts.cuts.query("segment_type == @segment_type")["segment_value"]
        values = set(values)
        if segment_type.endswith("channel_group"):
            values |= set(facts["fct_ad_spend"]["channel_group"])  # even if nobody came by it
        part = _of_visits(facts, visits, reached, sorted(values))
        if is_of_people:
            part = _with_customers(facts, part, segment_type)
        if segment_type != "session_referrer_host":
            part = _with_spend(facts, part, by_channel=segment_type != ALL)
        parts.append(part.assign(segment_type=segment_type))
    table = pd.concat([*parts, _touches_by_day(facts)], ignore_index=True)
    money = table["spend_amount"] / MONEY
    table = table.assign(
        click_through_numerator=table["ad_click_count"],
        click_through_denominator=table["ad_impression_count"],
        cost_per_click_amount=ratio(money, table["ad_click_count"]),
        acquisition_cost_amount=ratio(money, table["new_customer_count"]),
    )
    table["visitor_signup_7d_is_mature"] = facts.is_over(table["date_day"] + DAY, 7)
    return with_rates(table)


# ---------------------------------------------------------------- messages and content


@kpi("kpi_campaign_engagement", "campaign", "channel", "queued_date")
def campaign_engagement(facts: Facts) -> Frame:
    keys = ["campaign", "channel", "queued_date"]
    mails = facts["fct_messages"]
    # what was opened has arrived, even if nobody said when
    arrived_at = mails["delivered_at"]
    for then in ("opened_at", "clicked_at", "unsubscribed_at", "complained_at"):
        arrived_at = arrived_at.fillna(mails[then])
    mails = mails.assign(arrived_at=arrived_at)
    reached = first_at_or_after(mails, facts["fct_conversions"], "arrived_at")
    status = mails["status"]
    flags = {
        "queued_count": pd.Series(True, mails.index),
        "suppressed_count": status == "suppressed",
        "sent_count": status == "sent",
        "pending_count": status == "pending",
        "delivery_numerator": mails["is_delivered"],
        "bounce_numerator": mails["bounced_at"].notna(),
        "open_numerator": mails["is_opened"],
        "human_open_numerator": mails["is_human_opened"],
        "click_numerator": mails["clicked_at"].notna(),
        "unsubscribe_numerator": mails["unsubscribed_at"].notna(),
        "complaint_numerator": mails["complained_at"].notna(),
        "converted_7d_numerator": is_within(arrived_at, reached, 7),
        "waiting": arrived_at + 7 * DAY > facts.as_of,
    }
    table = mails[keys].assign(**{name: flag.astype(int) for name, flag in flags.items()})
    table = table.groupby(keys, dropna=False).sum().reset_index()
    arrived = table["delivery_numerator"]
    table = table.assign(
        delivery_denominator=table["sent_count"],
        bounce_denominator=table["sent_count"],
        **{
            f"{name}_denominator": arrived
            for name in ("open", "human_open", "click", "unsubscribe", "complaint", "converted_7d")
        },
        click_to_open_numerator=table["click_numerator"],
        click_to_open_denominator=table["open_numerator"],
        # a day to arrive in and seven to convert, and seven for whichever has arrived
        is_mature=facts.is_over(table["queued_date"] + 2 * DAY, 7) & ~table["waiting"].astype(bool),
    )
    return with_rates(table)


def actions(facts: Facts) -> Frame:
    """What people do of their own accord: inbound touches, and conversions (these decide)."""
    touches = facts["fct_touchpoints"].query("direction == 'inbound'")
    parts = [touches.assign(is_decisive=False), facts["fct_conversions"].assign(is_decisive=True)]
    columns = ["person_id", "occurred_at", "is_decisive"]
    return pd.concat([part[columns] for part in parts], ignore_index=True)


@kpi("kpi_content_performance", "asset_id", "date_day")
def content_performance(facts: Facts) -> Frame:
    keys = ["asset_id", "date_day"]
    reads = facts["fct_content_interactions"].rename(columns={"occurred_date": "date_day"})
    readers = reads.groupby([*keys, "person_id"])[["percent", "occurred_at"]]
    readers = readers.agg({"percent": "max", "occurred_at": "min"}).reset_index()
    counted = {
        "view_count": reads[reads["interaction"] == "viewed"].groupby(keys).size(),
        "reader_count": readers.groupby(keys).size(),
        "download_count": reads[reads["interaction"] == "downloaded"].groupby(keys).size(),
        "attendance_count": reads[reads["interaction"] == "attended"].groupby(keys).size(),
        "completion_numerator": readers[readers["percent"] >= 90].groupby(keys).size(),
        "completion_denominator": readers[readers["percent"].notna()].groupby(keys).size(),
        "next_action_24h_numerator": _acting_again(facts, readers).groupby(keys).size(),
        "assisted_conversion_30d_count": _assisted(facts, readers).groupby(keys).size(),
    }
    table = zero(put(reads[keys].drop_duplicates(), keys, **counted), *counted)
    catalogue = facts["dim_content_assets"][["asset_id", "asset_type", "title"]]
    table = table.merge(catalogue, on="asset_id", how="left")
    return with_rates(
        table.assign(
            next_action_24h_denominator=table["reader_count"],
            next_action_24h_is_mature=facts.is_over(table["date_day"] + DAY, 1),
            assisted_conversion_30d_is_mature=facts.is_over(table["date_day"] + DAY, 30),
            is_causal=False,
        )
    )


def _acting_again(facts: Facts, readers: Frame) -> Frame:
    """Readers of an asset and day who did something else within 24 h of reading it."""
    pairs = readers.merge(actions(facts), on="person_id", suffixes=("", "_of_action"))
    since = pairs["occurred_at_of_action"] - pairs["occurred_at"]
    is_next = (since > pd.Timedelta(0)) & (since <= DAY)
    return pairs[is_next][["asset_id", "date_day", "person_id"]].drop_duplicates()


def _assisted(facts: Facts, readers: Frame) -> Frame:
    """Conversions within 30 days after an asset was read on a day."""
    pairs = readers.merge(facts["fct_conversions"], on="person_id", suffixes=("", "_of_goal"))
    since = pairs["occurred_at_of_goal"] - pairs["occurred_at"]
    is_next = (since > pd.Timedelta(0)) & (since <= 30 * DAY)
    return pairs[is_next][["asset_id", "date_day", "conversion_id"]].drop_duplicates()


# ---------------------------------------------------------------- experiments


@kpi("kpi_experiment_results", "experiment", "metric", "variant")
def experiment_results(facts: Facts) -> Frame:
    plan = facts["experiments"]
    seen = facts["fct_experiment_exposures"]
    parts = []
    for experiment, variants in plan.groupby("experiment"):
        of_experiment = seen[seen["experiment"] == experiment]
        if of_experiment.empty:
            continue
        days = int(variants["window_days"].iloc[0])
        rows = _results(facts, of_experiment[of_experiment["variant_count"] == 1], variants, days)
        rows = rows.assign(
            experiment=experiment,
            excluded_count=(of_experiment["variant_count"] > 1).sum(),
            is_mature=of_experiment["first_exposed_at"].max() + days * DAY <= facts.as_of,
        )
        has_p = rows["p_value"].notna()
        rows.loc[has_p, "adjusted_p_value"] = multipletests(
            rows.loc[has_p, "p_value"], method="fdr_bh"
        )[1]
        parts.append(rows)
    if not parts:
        return Frame(columns=["experiment", "metric", "variant"])
    return with_rates(pd.concat(parts, ignore_index=True)).assign(is_causal=True)


def _results(facts: Facts, seen: Frame, variants: Frame, days: int) -> Frame:
    variants = variants.assign(is_control=variants["is_control"].str.lower() == "true")
    variants = variants.sort_values("is_control", ascending=False)
    exposed = seen.groupby("variant").size().reindex(variants["variant"], fill_value=0)
    expected = variants["expected_share"].astype(float).to_numpy()
    expected = expected / expected.sum() * exposed.sum()
    p_of_ratio = stats.chisquare(exposed.to_numpy(), expected).pvalue
    rows = []
    for metric in [*facts.goals, "revenue"]:
        control = None
        for variant, is_control in variants[["variant", "is_control"]].itertuples(index=False):
            group = seen[seen["variant"] == variant]
            made = _mean if metric == "revenue" else _proportion
            group, row = made(facts, group, metric, days, control)
            control = group if is_control else control
            row |= {"metric": metric, "variant": variant, "is_control": is_control}
            rows.append(row | {"exposed_count": exposed[variant]})
    table = pd.DataFrame(rows)
    return table.assign(
        sample_ratio_p_value=p_of_ratio, has_sample_ratio_mismatch=p_of_ratio < 0.001
    )


def _proportion(facts: Facts, group: Frame, goal: str, days: int, control):
    reached = facts.first_within(group, goal, "first_exposed_at")
    x, n = int(is_within(group["first_exposed_at"], reached, days).sum()), len(group)
    row = {"metric_type": "proportion", "converted_numerator": x, "converted_denominator": n}
    row |= dict.fromkeys(("mean_amount", "amount_standard_deviation", "t_statistic"), np.nan)
    row |= dict.fromkeys(("mean_difference_amount", "p_value"), np.nan)
    names = ("absolute_lift", "relative_lift")
    names = [name + end for name in names for end in ("", "_lower", "_upper")]
    row |= dict.fromkeys([*names, "z_statistic", "power", "minimum_detectable_lift"], np.nan)
    if control is None:
        return (x, n), row
    x0, n0 = control
    if not n or not n0:
        return (x, n), row
    p, p0 = x / n, x0 / n0
    lower, upper = confint_proportions_2indep(x, n, x0, n0, compare="diff", method="newcomb")
    row |= {"absolute_lift": p - p0, "absolute_lift_lower": lower, "absolute_lift_upper": upper}
    if x and x0:
        lower, upper = confint_proportions_2indep(x, n, x0, n0, compare="ratio", method="log")
        row |= {"relative_lift": p / p0 - 1}
        row |= {"relative_lift_lower": lower - 1, "relative_lift_upper": upper - 1}
    if 0 < x + x0 < n + n0:
        row["z_statistic"], row["p_value"] = proportions_ztest([x, x0], [n, n0])
    effect = proportion_effectsize(p, p0)
    row["power"] = NormalIndPower().power(effect, n, 0.05, ratio=n0 / n) if effect else 0.05
    if 0 < p0 < 1:
        quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
        row["minimum_detectable_lift"] = quantiles * np.sqrt(p0 * (1 - p0) * (1 / n + 1 / n0))
    return (x, n), row


def _mean(facts: Facts, group: Frame, _metric: str, days: int, control):
    money = group[["person_id", "first_exposed_at"]].merge(facts["fct_revenue"], on="person_id")
    money = money[is_within(money["first_exposed_at"], money["occurred_at"], days)]
    amounts = money.groupby("person_id")["amount"].sum().reindex(group["person_id"], fill_value=0)
    amounts = amounts.to_numpy(dtype=float) / MONEY
    row = {"metric_type": "mean", "mean_amount": amounts.mean()}
    row["amount_standard_deviation"] = amounts.std(ddof=1)
    if control is not None:
        row["mean_difference_amount"] = amounts.mean() - control.mean()
        test = stats.ttest_ind(amounts, control, equal_var=False)
        row |= {"t_statistic": test.statistic, "p_value": test.pvalue}
    return amounts, row


# ---------------------------------------------------------------- what comes next


def _next_moments(facts: Facts, only_decisive: bool) -> pd.Series:
    """Of each touch the moment of the person's next action, later than the touch itself: what is
    done by the very act of it, as the first event of a session, is no further action."""
    known = actions(facts)
    known = known[known["is_decisive"]] if only_decisive else known
    known = known.assign(at=known["occurred_at"]).sort_values("occurred_at")
    touches = facts["fct_touchpoints"][["person_id", "occurred_at"]].reset_index(names="row")
    found = pd.merge_asof(
        touches.sort_values("occurred_at"),
        known[["person_id", "occurred_at", "at"]],
        on="occurred_at",
        by="person_id",
        direction="forward",
        allow_exact_matches=False,
    )
    return found.set_index("row")["at"].reindex(facts["fct_touchpoints"].index)


@kpi("kpi_next_action_time", "touchpoint_type", "week_start_date", *SEGMENT)
def next_action_time(facts: Facts) -> Frame:
    keys = ["touchpoint_type", "week_start_date", *SEGMENT]
    touches = facts["fct_touchpoints"]
    to_next = _next_moments(facts, only_decisive=False) - touches["occurred_at"]
    decisive = _next_moments(facts, only_decisive=True) - touches["occurred_at"]
    is_followed = to_next <= 7 * DAY
    is_censored = ~is_followed & (touches["occurred_at"] + 7 * DAY > facts.as_of)
    touches = touches[["person_id", "touchpoint_type"]].assign(
        week_start_date=week_of(touches["occurred_date"]),
        touch_count=1,
        next_action_7d_numerator=is_followed.astype(int),
        next_action_7d_denominator=(~is_censored).astype(int),
        censored_count=is_censored.astype(int),
        seconds_to_next_action=whole_seconds(to_next).where(is_followed),
        seconds_to_decisive_action=whole_seconds(decisive),
    )
    groups = facts.cut(touches).groupby(keys)
    counts = ("next_action_7d_numerator", "next_action_7d_denominator", "censored_count")
    table = groups[["touch_count", *counts]].sum()
    for name in ("seconds_to_next_action", "seconds_to_decisive_action"):
        table[f"{name}_p50"] = groups[name].quantile(0.5)
        table[f"{name}_p90"] = groups[name].quantile(0.9)
    table = table.reset_index()
    return with_rates(table.assign(is_mature=facts.is_over(table["week_start_date"] + 7 * DAY, 7)))


def _entries(facts: Facts) -> Frame:
    """Each person's first session, once per way of naming it."""
    first = facts["fct_sessions"].query("session_number == 1")
    first = first.assign(
        cohort_week_date=week_of(first["started_date"]), anchor_at=first["started_at"]
    )
    touches = facts["fct_touchpoints"].query("touchpoint_type != 'session'")
    touches = touches.sort_values(["person_id", "touch_number"]).groupby("person_id")
    named = {
        ALL: pd.Series(ALL, first.index),
        "landing_page": first["entry_page_path"],
        "channel_group": first["channel_group"],
        "campaign": first["campaign"],
        "behaviour": first["second_event_name"].fillna("(left)"),
        "first_touchpoint": first["person_id"].map(touches["touchpoint_type"].first()),
    }
    first = first[["person_id", "cohort_week_date", "anchor_at"]]
    rows = [first.assign(entry_type=kind, entry_value=value) for kind, value in named.items()]
    return pd.concat(rows, ignore_index=True).dropna(subset="entry_value")


@kpi("kpi_entry_conversion", "entry_type", "entry_value", "goal", "cohort_week_date")
def entry_conversion(facts: Facts) -> Frame:
    keys = ["entry_type", "entry_value", "cohort_week_date"]
    windows = (7, 30, 90)
    entries, parts = _entries(facts), []
    for goal in facts.goals:
        reached = facts.first_within(entries, goal)
        rows = entries[keys].assign(entered_count=1)
        for days in windows:
            rows[f"converted_{days}d_numerator"] = is_within_seconds(
                entries["anchor_at"], reached, days
            )
        parts.append(rows.groupby(keys).sum().reset_index().assign(goal=goal))
    table = pd.concat(parts, ignore_index=True)
    for days in windows:
        table[f"converted_{days}d_denominator"] = table["entered_count"]
        is_mature = facts.is_over(table["cohort_week_date"] + 7 * DAY, days)
        table[f"converted_{days}d_is_mature"] = is_mature
    table = with_rates(table)
    whole = table[table["entry_type"] == ALL].set_index(["goal", "cohort_week_date"])
    for days in windows:
        rate = f"converted_{days}d_rate"
        of_week = pd.MultiIndex.from_frame(table[["goal", "cohort_week_date"]])
        against = whole[rate].reindex(of_week).to_numpy()
        table[f"converted_{days}d_index"] = ratio(table[rate], pd.Series(against, table.index))
    return table
