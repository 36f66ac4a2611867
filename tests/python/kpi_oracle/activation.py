"""Who is active and who converts; checkouts, leads, onboarding, help, support, trials and MRR."""

import numpy as np
import pandas as pd

from .words import (
    ALL,
    DAY,
    MONEY,
    NONE,
    SEGMENT,
    Facts,
    Frame,
    first_at_or_after,
    fractions,
    is_within,
    is_within_seconds,
    kaplan_meier_median,
    kpi,
    month_of,
    next_month,
    put,
    ratio,
    week_of,
    whole_seconds,
    with_rates,
    zero,
)

# ---------------------------------------------------------------- active people


def active_daily(facts: Facts, days: Frame, who: str) -> Frame:
    """One row per date and segment, of (who, active_date, segment) rows: who was active when."""
    first_day, count = facts["dim_dates"]["date_day"].min(), len(facts.dates())
    parts = []
    for (kind, value), rows in days.groupby(SEGMENT):
        on = [set() for _ in range(count)]
        rows = rows[rows["active_date"] <= facts.dates()[-1]]
        place = (rows["active_date"] - first_day).dt.days
        for position, name in zip(place, rows[who], strict=True):
            on[position].add(name)
        parts += [
            {"date_day": first_day + at * DAY, "segment_type": kind, "segment_value": value, **row}
            for at, row in enumerate(_day_by_day(on))
        ]
    table = pd.DataFrame(parts)
    return with_rates(table.assign(is_mature=facts.is_over(table["date_day"] + DAY)))


def _day_by_day(on: list[set]) -> list[dict]:
    seen, rows = set(), []
    for at, today in enumerate(on):
        yesterday = on[at - 1] if at else set()
        rolling = {days: set().union(*on[max(0, at - days + 1) : at + 1]) for days in (7, 28, 30)}
        rows.append(
            {
                "daily_active_count": len(today),
                "weekly_active_count": len(rolling[7]),
                "monthly_active_count": len(rolling[28]),
                "monthly_active_30d_count": len(rolling[30]),
                "dau_wau_numerator": len(today),
                "dau_wau_denominator": len(rolling[7]),
                "dau_mau_numerator": len(today),
                "dau_mau_denominator": len(rolling[28]),
                "new_count": len(today - seen),
                "current_count": len(today & yesterday),
                "resurrected_count": len((today & seen) - yesterday),
                "dormant_count": len(yesterday - today),
            }
        )
        seen |= today
    return rows


@kpi("kpi_active_persons_daily", "date_day", *SEGMENT)
def active_persons_daily(facts: Facts) -> Frame:
    keys = ["date_day", *SEGMENT]
    days = facts.cut(facts["fct_person_days"][["person_id", "active_date"]])
    known = facts["dim_persons"].query("is_known")["person_id"]
    of_known = days[days["person_id"].isin(known)].rename(columns={"active_date": "date_day"})
    table = active_daily(facts, days, "person_id")
    table = put(table, keys, known_daily_active_count=of_known.groupby(keys).size())
    table = zero(table, "known_daily_active_count")
    anonymous = table["daily_active_count"] - table["known_daily_active_count"]
    return table.assign(anonymous_daily_active_count=anonymous)


# ---------------------------------------------------------------- conversion

ANCHORS = {
    "first_touch": ("first_session_at", ()),
    "signup": ("signed_up_at", ("signup",)),
    # nobody starts a trial without having signed up
    "trial": ("trial_started_at", ("signup", "trial")),
}
WINDOWS = (1, 7, 14, 30, 90)


@kpi("kpi_time_to_convert", "goal", "anchor", "cohort_week_date", *SEGMENT)
def time_to_convert(facts: Facts) -> Frame:
    keys, parts = ["cohort_week_date", *SEGMENT], []
    for anchor, (column, left_out) in ANCHORS.items():
        people = facts["dim_persons"][["person_id", column]].dropna()
        people = people.rename(columns={column: "anchor_at"})
        people["cohort_week_date"] = week_of(facts.local_day(people["anchor_at"]))
        for goal in sorted(set(facts.goals) - set(left_out)):
            rows = facts.cut(_watched(facts, people, goal))
            parts.append(_converted(rows, keys).assign(goal=goal, anchor=anchor))
    table = pd.concat(parts, ignore_index=True)
    next_week = table["cohort_week_date"] + 7 * DAY
    for days in WINDOWS:
        table[f"converted_{days}d_denominator"] = table["cohort_count"]
        table[f"converted_{days}d_is_mature"] = facts.is_over(next_week, days)
    return with_rates(table)


def _watched(facts: Facts, people: Frame, goal: str) -> Frame:
    reached = facts.first_within(people, goal)
    until = whole_seconds(reached.fillna(facts.as_of) - people["anchor_at"])
    flags = {
        f"converted_{days}d_numerator": is_within_seconds(people["anchor_at"], reached, days)
        for days in WINDOWS
    }
    return people.assign(
        cohort_count=1, converted_count=reached.notna(), watched_seconds=until, **flags
    )


def _converted(rows: Frame, keys: list[str]) -> Frame:
    counts = ["cohort_count", "converted_count", *(f"converted_{d}d_numerator" for d in WINDOWS)]
    table = rows.groupby(keys)[counts].sum()
    seconds = rows[rows["converted_count"]].groupby(keys)["watched_seconds"]
    table["seconds_to_convert_p50"] = seconds.quantile(0.5)
    table["seconds_to_convert_p90"] = seconds.quantile(0.9)
    table["seconds_to_convert_km_median"] = pd.Series(
        {
            key: kaplan_meier_median(
                group["watched_seconds"].to_numpy(), group["converted_count"].to_numpy()
            )
            for key, group in rows.groupby(keys)
        }
    )
    return table.reset_index()


SHARES = 10**12  # parts of a conversion: shares of it are whole numbers, and their sums exact


def page_views(facts: Facts) -> Frame:
    def make():
        events = facts["fct_events"]
        is_page = events["event_type"].isin(["page", "screen"]) & events["page_path"].notna()
        views = events[is_page].assign(month=month_of(events["occurred_date"]))
        return views.rename(columns={"occurred_at": "viewed_at"})[
            ["person_id", "viewed_at", "event_priority", "event_id", "page_path", "month"]
        ]

    return facts.once("page_views", make)


@kpi("kpi_conversion_pages", "goal", "page_path", "cohort_month_date")
def conversion_pages(facts: Facts) -> Frame:
    parts = []
    for goal in facts.goals:
        first = facts["fct_conversions"].query("goal == @goal and conversion_number == 1")
        first = first.assign(month=month_of(first["occurred_date"]))
        parts.append(_pages_of(facts, first).assign(goal=goal))
    table = pd.concat(parts, ignore_index=True)
    table = with_rates(table)
    table["linear_credit"] = table["linear_credit"] / SHARES
    table = table.assign(rank_by=-table["linear_credit"])
    table = table.sort_values(["goal", "cohort_month_date", "rank_by", "page_path"])
    top, others = table["converter_viewed_rate"], table["non_converter_viewed_rate"]
    return table.assign(
        credit_rank=table.groupby(["goal", "cohort_month_date"]).cumcount() + 1,
        lift_ratio=ratio(top, others),
        phi=_phi(table),
        is_mature=facts.is_over(next_month(table["cohort_month_date"])),
        is_causal=False,
    )


def _pages_of(facts: Facts, first: Frame) -> Frame:
    keys = ["cohort_month_date", "page_path"]
    views = page_views(facts)
    seen = first[["person_id", "occurred_at", "month"]].merge(
        views.drop(columns="month"), on="person_id"
    )
    seen = seen[seen["viewed_at"] < seen["occurred_at"]]
    seen = seen[is_within(seen["viewed_at"], seen["occurred_at"], 30)]
    seen = seen.rename(columns={"month": "cohort_month_date"})
    last = seen.sort_values(["viewed_at", "event_priority", "event_id"])
    last = last.groupby("person_id").tail(1)
    seen = seen[["person_id", *keys]].drop_duplicates()
    pages = seen.groupby("person_id")["page_path"].transform("nunique")
    shares = (2 * SHARES + pages) // (2 * pages)  # to the nearest
    month_reached = views["person_id"].map(first.set_index("person_id")["month"])
    others = _looked_at(views[~(month_reached <= views["month"])], views)
    counted = {
        "converter_viewed_numerator": seen.groupby(keys).size(),
        "non_converter_viewed_numerator": others.groupby(keys)["person_id"].nunique(),
        "last_page_count": last.groupby(keys).size(),
        "linear_credit": shares.groupby([seen[key] for key in keys]).sum(),
    }
    table = pd.concat([seen[keys], others[keys]]).drop_duplicates()
    table = zero(put(table, keys, **counted), *counted)
    everybody = first.groupby("month").size().rename_axis("cohort_month_date")
    of_others = others.groupby("cohort_month_date")["person_id"].nunique()
    totals = {
        "converter_viewed_denominator": everybody,
        "non_converter_viewed_denominator": of_others,
    }
    return zero(put(table, ["cohort_month_date"], **totals), *totals)


def _looked_at(others: Frame, views: Frame) -> Frame:
    """What the others of a month saw in the 30 x 24 h before their last page view in it."""
    last = others.groupby(["person_id", "month"])["viewed_at"].max().rename("last_at")
    last = last.reset_index().rename(columns={"month": "cohort_month_date"})
    seen = last.merge(views.drop(columns="month"), on="person_id")
    return seen[is_within(seen["viewed_at"], seen["last_at"], 30)]


def _phi(table: Frame) -> pd.Series:
    both, fp = table["converter_viewed_numerator"], table["non_converter_viewed_numerator"]
    fn = table["converter_viewed_denominator"] - both
    tn = table["non_converter_viewed_denominator"] - fp
    size = (both + fp) * (fn + tn) * (both + fn) * (fp + tn)
    return ratio(both * tn - fp * fn, np.sqrt(size.astype(float)))


# ---------------------------------------------------------------- checkouts and leads


@kpi("kpi_checkout_abandonment", "date_day", *SEGMENT, "step")
def checkout_abandonment(facts: Facts) -> Frame:
    checkouts = facts["fct_checkouts"].rename(columns={"started_date": "date_day"})
    seed = facts["checkout_steps"]
    steps = seed.assign(number=seed["step_number"].astype(int))
    # the end is no step at which somebody can stop
    steps = steps[steps["role"] != "complete"][["role", "step", "number"]].drop_duplicates()
    rows = [checkouts.assign(step=ALL, ended_here=True)]
    for role, step, number in steps.itertuples(index=False):
        has_come = checkouts["last_step_number"] >= number
        # a failure is a step beside the road
        has_come = checkouts["payment_failure_count"] > 0 if role == "failure" else has_come
        came = checkouts[has_come]
        rows.append(came.assign(step=step, ended_here=came["last_step"] == step))
    rows = facts.cut(pd.concat(rows, ignore_index=True))
    is_abandoned = rows["status"] == "abandoned"
    is_abandoned_here = is_abandoned & rows["ended_here"]
    is_completed = rows["status"] == "completed"
    keys = ["date_day", *SEGMENT, "step"]
    flags = {
        "started_count": pd.Series(True, rows.index),
        "completed_count": is_completed,
        "open_count": rows["status"] == "open",
        "abandonment_numerator": is_abandoned_here,
        "abandonment_denominator": is_abandoned | is_completed,
        "recovered_7d_numerator": is_abandoned_here & rows["recovered_at"].notna(),
        "recovered_7d_denominator": is_abandoned_here,
        "payment_failed_numerator": rows["payment_failure_count"] > 0,
        "payment_failed_denominator": pd.Series(True, rows.index),
    }
    table = rows[keys].assign(**flags).groupby(keys).sum()
    lost = rows[is_abandoned_here].groupby(keys)["amount"]
    table["abandoned_amount"] = lost.sum(min_count=1)
    table = table.reset_index()
    return with_rates(
        table.assign(
            is_mature=facts.is_over(table["date_day"] + DAY, 8) & (table["open_count"] == 0)
        )
    )


@kpi("kpi_lead_conversion", "cta_type", "cta", "week_start_date")
def lead_conversion(facts: Facts) -> Frame:
    keys = ["cta_type", "cta", "week_start_date"]
    acts = facts["fct_cta_interactions"].sort_values("occurred_at")
    acts["week_start_date"] = week_of(acts["occurred_date"])
    exposed = acts[acts["interaction"] == "exposed"]
    exposed = exposed.groupby([*keys, "person_id"]).first().reset_index()
    exposed = exposed.rename(columns={"occurred_at": "exposed_at"})
    exposed["lead_at"] = _first_of(exposed, acts, "lead", "clicked")
    paid = facts["fct_milestones"].query("milestone == 'paid'")
    exposed["paid_at"] = exposed["person_id"].map(paid.set_index("person_id")["reached_at"])
    is_lead = is_within(exposed["exposed_at"], exposed["lead_at"], 7)
    is_customer = is_lead & is_within(exposed["lead_at"], exposed["paid_at"], 30)
    rows = exposed[keys].assign(
        lead_denominator=1, lead_numerator=is_lead, lead_to_customer_30d_numerator=is_customer
    )
    table = rows.groupby(keys).sum().reset_index()
    next_week = table["week_start_date"] + 7 * DAY
    table = table.assign(
        lead_to_customer_30d_denominator=table["lead_numerator"],
        lead_is_mature=facts.is_over(next_week, 7),
        lead_to_customer_30d_is_mature=facts.is_over(next_week, 7 + 30),
    )
    return with_rates(_with_forms(table, exposed, acts))


def _first_of(exposed: Frame, acts: Frame, *whats: str) -> pd.Series:
    """When one of these was done with the call to action: first at or after the exposure."""
    found = []
    for (kind, cta), rows in exposed.groupby(["cta_type", "cta"]):
        of_cta = acts[(acts["cta_type"] == kind) & (acts["cta"] == cta)]
        done = of_cta[of_cta["interaction"].isin(whats)]
        found.append(first_at_or_after(rows, done, "exposed_at"))
    return pd.concat(found)


def _with_forms(table: Frame, exposed: Frame, acts: Frame) -> Frame:
    """Forms begun and not sent; missing where no source tells of any that is begun."""
    keys = ["cta_type", "cta", "week_start_date"]
    begun, sent = (
        is_within(exposed["exposed_at"], _first_of(exposed, acts, what), 7)
        for what in ("form_started", "lead")
    )
    forms = exposed[keys].assign(
        form_abandonment_numerator=begun & ~sent, form_abandonment_denominator=begun
    )
    forms = forms.groupby(keys).sum().astype(float)
    if not (acts["interaction"] == "form_started").any():
        forms[:] = np.nan
    return table.merge(forms.reset_index(), on=keys)


# ---------------------------------------------------------------- onboarding


@kpi("kpi_onboarding", "flow", "cohort_week_date", "step", *SEGMENT)
def onboarding(facts: Facts) -> Frame:
    keys = ["flow", "cohort_week_date", "step", *SEGMENT]
    rows = facts.cut(_onboarded(facts))
    flags = ["completion_numerator", "completion_denominator", "goal_numerator", "goal_denominator"]
    groups = rows.groupby(keys)
    table = groups[flags].sum()
    table["step_number"] = groups["step_number"].first()
    table["step_seconds_p50"] = groups["step_seconds"].quantile(0.5)
    table["step_seconds_p90"] = groups["step_seconds"].quantile(0.9)
    table = table.reset_index()
    table = table.assign(is_mature=facts.is_over(table["cohort_week_date"] + 7 * DAY, 14))
    return with_rates(_with_trend(table, keys))


def _onboarded(facts: Facts) -> Frame:
    """One row per person, flow and step (and all), done or not."""
    done = facts["fct_onboarding_steps"]
    done = done.assign(is_in_time=is_within(done["flow_started_at"], done["occurred_at"], 14))
    seeds = dict(list(facts["onboarding_steps"].query("role == 'step'").groupby("flow")))
    rows = []
    for (person, flow), of_flow in done.groupby(["person_id", "flow"]):
        seed = seeds[flow]
        required = set(seed[seed["is_required"].str.lower() == "true"]["step"])
        number = seed.set_index("step")["step_number"].astype(int)
        start = of_flow["flow_started_at"].iloc[0]
        in_time = of_flow[of_flow["is_in_time"]]
        base = {
            "person_id": person,
            "flow": flow,
            "flow_started_at": start,
            "completion_denominator": 1,
            "goal_numerator": int((in_time["role"] == "goal").any()),
            "goal_denominator": 1,
        }
        seconds, previous = {}, 0
        steps = in_time[in_time["role"] == "step"].sort_values(["occurred_at", "step_number"])
        at = dict(zip(steps["step"], steps["seconds_since_start"], strict=True))
        for step, moment in at.items():
            seconds[step], previous = moment - previous, moment
        is_whole = required <= at.keys()
        whole = max((at[step] for step in required), default=np.nan) if is_whole else np.nan
        for step, place in [(ALL, 0), *number.items()]:
            rows.append(
                {
                    **base,
                    "step": step,
                    "step_number": place,
                    "completion_numerator": int(is_whole if step == ALL else step in at),
                    "step_seconds": whole if step == ALL else seconds.get(step, np.nan),
                }
            )
    rows = pd.DataFrame(rows)
    return rows.assign(cohort_week_date=week_of(facts.local_day(rows["flow_started_at"])))


def _with_trend(table: Frame, keys: list[str]) -> Frame:
    """The rate less that of the mature among the four weeks before, taken together."""
    place = table.set_index(keys)
    done, begun = (place[f"completion_{part}"].to_dict() for part in ("numerator", "denominator"))
    mature = place["is_mature"].to_dict()
    trend = []
    for flow, week, step, kind, value in place.index:
        before = [(flow, week - n * 7 * DAY, step, kind, value) for n in (1, 2, 3, 4)]
        before = [key for key in before if mature.get(key)]
        people = sum(begun[key] for key in before)
        key = (flow, week, step, kind, value)
        earlier = sum(done[key] for key in before) / people if people else np.nan
        trend.append(done[key] / begun[key] - earlier)
    return table.assign(completion_trend_difference=trend)


# ---------------------------------------------------------------- help and support


@kpi("kpi_help_retention", "cohort_week_date", "help_used", "week_offset")
def help_retention(facts: Facts) -> Frame:
    people = facts["dim_persons"][["person_id", "signed_up_at"]].dropna()
    people["day"] = facts.local_day(people["signed_up_at"])
    people["cohort_week_date"] = week_of(people["day"])
    uses = facts["fct_help_uses"].merge(people[["person_id", "signed_up_at"]], on="person_id")
    uses = uses[uses["occurred_at"] >= uses["signed_up_at"]]
    helped = _weeks_since(uses, "occurred_date", people)
    active = _weeks_since(facts["fct_person_days"], "active_date", people)
    kinds = helped[helped["week_offset"] == 0][["person_id", "help_type"]].drop_duplicates()
    kinds = kinds.rename(columns={"help_type": "help_used"})
    used = people["person_id"].isin(kinds["person_id"])
    whole = people[["person_id"]].assign(help_used=np.where(used, "any", "none"))
    cohort = pd.concat([kinds, whole]).merge(people, on="person_id")
    rows = cohort.merge(pd.DataFrame({"week_offset": range(13)}), how="cross")
    pair = ["person_id", "week_offset"]
    here = pd.MultiIndex.from_frame(rows[pair])
    is_active = here.isin(pd.MultiIndex.from_frame(active[pair]))
    is_helped = here.isin(pd.MultiIndex.from_frame(helped[pair]))
    rows = rows.assign(
        retention_numerator=is_active,
        retention_denominator=1,
        help_use_retention_numerator=is_helped,
        help_use_retention_denominator=1,
        help_use_of_retained_numerator=is_active & is_helped,
        help_use_of_retained_denominator=is_active,
    )
    keys = ["cohort_week_date", "help_used", "week_offset"]
    table = rows.groupby(keys)[fractions(rows)].sum().reset_index()
    opens = table["cohort_week_date"] + pd.to_timedelta(7 * table["week_offset"], unit="D")
    table = table[opens <= facts.last_day].assign(is_causal=False)
    return with_rates(table.assign(is_mature=facts.is_over(opens + 14 * DAY)))


def _weeks_since(rows: Frame, day: str, people: Frame) -> Frame:
    rows = rows.merge(people[["person_id", "day"]], on="person_id")
    since = (rows[day] - rows["day"]).dt.days
    return rows.assign(week_offset=since // 7)[since >= 0]


def stage_at(facts: Facts, rows: Frame, at: str) -> pd.Series:
    """The stage that each row's person was in at the moment; missing outside of all."""
    stays = facts["fct_stage_periods"].rename(columns={"started_at": "entered_at"})
    left = rows[["person_id", at]].reset_index(names="row").sort_values(at)
    found = pd.merge_asof(
        left,
        stays[["person_id", "entered_at", "ended_at", "stage"]].sort_values("entered_at"),
        left_on=at,
        right_on="entered_at",
        by="person_id",
    )
    is_in = found["ended_at"].isna() | (found[at] < found["ended_at"])
    return found.assign(stage=found["stage"].where(is_in)).set_index("row")["stage"]


def _twice(rows: Frame, column: str) -> Frame:
    """Each row as what it is, and as one of all."""
    return pd.concat([rows, rows.assign(**{column: ALL})], ignore_index=True)


@kpi("kpi_support", "week_start_date", "stage", *SEGMENT, "reason")
def support(facts: Facts) -> Frame:
    cell = ["week_start_date", "stage", *SEGMENT]
    days = facts["fct_person_days"]
    days = days.assign(
        week_start_date=week_of(days["active_date"]),
        stage=stage_at(facts, days, "first_event_at").fillna(NONE),
    )
    active = days[["person_id", "week_start_date", "stage"]].drop_duplicates()
    active = facts.cut(_twice(active, "stage").drop_duplicates())
    contacts = facts["fct_support_contacts"]
    contacts = contacts.assign(
        week_start_date=week_of(contacts["opened_date"]), stage=contacts["stage"].fillna(NONE)
    )
    contacts = facts.cut(_twice(_twice(contacts, "stage"), "reason"))
    contacts = contacts.dropna(subset="reason")
    with_all = active[cell].drop_duplicates().assign(reason=ALL)
    uses = _help_sought(facts)
    sought = uses[cell].assign(reason=ALL)
    table = pd.concat([with_all, contacts[[*cell, "reason"]], sought]).drop_duplicates()
    table = zero(put(table, cell, active_count=active.groupby(cell).size()), "active_count")
    table = _contacted(table, contacts, active, cell)
    table = _self_served(table, uses, cell)
    money = table["cost_amount"] / MONEY
    table = table.assign(
        contact_denominator=table["active_count"],
        contacts_per_100_active=ratio(100 * table["contact_count"], table["active_count"]),
        cost_per_active_amount=ratio(money, table["active_count"]),
        is_mature=facts.is_over(table["week_start_date"] + 7 * DAY),
    )
    return with_rates(table)


def _contacted(table: Frame, contacts: Frame, active: Frame, cell: list[str]) -> Frame:
    keys = [*cell, "reason"]
    groups = contacts.groupby(keys)
    here = contacts[[*keys, "person_id"]].drop_duplicates()
    chats = contacts[contacts["contact_type"] == "chatbot"]
    rated = contacts[contacts["csat_score"].notna()]
    counted = {
        "contact_count": groups.size(),
        "contacting_person_count": groups["person_id"].nunique(),
        "contact_numerator": here.merge(active, on=[*cell, "person_id"]).groupby(keys).size(),
        "containment_numerator": chats[~chats["is_escalated"].astype(bool)].groupby(keys).size(),
        "containment_denominator": chats.groupby(keys).size(),
        "complaint_numerator": contacts[contacts["is_complaint"]].groupby(keys).size(),
        "complaint_denominator": groups.size(),
        "satisfied_numerator": rated[rated["csat_score"] >= 4].groupby(keys).size(),
        "satisfied_denominator": rated.groupby(keys).size(),
        "cost_amount": groups["cost_amount"].sum(),
        # told in a currency that has no rate; what nobody told is no part of it
        "unknown_costs": contacts.assign(
            unknown=contacts["original_cost_amount"].notna() & contacts["cost_amount"].isna()
        )
        .groupby(keys)["unknown"]
        .sum(),
    }
    measured = {
        "csat_mean": groups["csat_score"].mean(),
        "first_reply_seconds_p50": groups["first_reply_seconds"].quantile(0.5),
        "resolution_seconds_p50": groups["resolution_seconds"].quantile(0.5),
    }
    # nothing is known of the time before the first contact that any source told of
    is_told = table["week_start_date"] >= contacts["week_start_date"].min()
    table = zero(put(table, keys, **counted, **measured), *counted)
    table["cost_amount"] = table["cost_amount"].where(table.pop("unknown_costs") == 0)
    untold = ("contact_count", "contacting_person_count", "contact_numerator", "cost_amount")
    return table.assign(**{name: table[name].where(is_told) for name in untold})


def _help_sought(facts: Facts) -> Frame:
    uses = facts["fct_help_uses"]
    uses = uses.assign(
        week_start_date=week_of(uses["occurred_date"]),
        stage=stage_at(facts, uses, "occurred_at").fillna(NONE),
    )
    return facts.cut(_twice(uses, "stage"))


def _self_served(table: Frame, uses: Frame, cell: list[str]) -> Frame:
    human = uses.groupby([*cell, "person_id"])["is_human"].max()
    counted = {
        "self_service_numerator": (~human.astype(bool)).groupby(cell).sum(),
        "self_service_denominator": human.groupby(cell).size(),
    }
    table = zero(put(table, cell, **counted), *counted)
    is_whole = table["reason"] == ALL
    return table.assign(**{name: table[name].where(is_whole) for name in counted})


# ---------------------------------------------------------------- trials and subscriptions


@kpi("kpi_trial_subscription", "month_start_date", *SEGMENT)
def trial_subscription(facts: Facts) -> Frame:
    keys = ["month_start_date", *SEGMENT]
    cuts = facts.cuts[SEGMENT].drop_duplicates()
    months = pd.DataFrame({"month_start_date": facts.dates("month_start_date")})
    table = months.merge(cuts, how="cross")
    counted = {
        **_trials(facts, keys),
        **_renewals(facts, keys),
        **_mrr_bridge(facts, keys),
    }
    table = zero(put(table, keys, **counted), *counted)
    after = next_month(table["month_start_date"])
    start = table["mrr_start_amount"]
    table = table.assign(
        subscription_30d_denominator=table["trial_signup_30d_denominator"],
        churn_denominator=table["start_customer_count"],
        gross_revenue_retention_ratio=ratio(table["mrr_gross_retained_amount"], start),
        net_revenue_retention_ratio=ratio(table["mrr_net_retained_amount"], start),
        conversion_30d_is_mature=facts.is_over(after, 30),
        is_mature=facts.is_over(after),
    )
    return with_rates(table)


def _trials(facts: Facts, keys: list[str]) -> dict[str, pd.Series]:
    def begun(column):
        people = facts["dim_persons"][["person_id", column]].dropna()
        people = people.rename(columns={column: "anchor_at"})
        day = facts.local_day(people["anchor_at"])
        return people.assign(month_start_date=month_of(day))

    def reaching(people, first):
        """Whose first trial or subscription ever came within thirty days."""
        is_soon = is_within(people["anchor_at"], people["person_id"].map(first), 30)
        return facts.cut(people[is_soon]).groupby(keys).size()

    subscribed = facts["fct_conversions"].query("goal == 'subscription'")
    subscribed = subscribed.groupby("person_id")["occurred_at"].min()
    signups, trials = begun("signed_up_at"), begun("trial_started_at")
    tried = trials.set_index("person_id")["anchor_at"]
    return {
        "trial_signup_30d_numerator": reaching(signups, tried),
        "trial_signup_30d_denominator": facts.cut(signups).groupby(keys).size(),
        "trial_conversion_30d_numerator": reaching(trials, subscribed),
        "trial_conversion_30d_denominator": facts.cut(trials).groupby(keys).size(),
        "subscription_30d_numerator": reaching(signups, subscribed),
    }


def _renewals(facts: Facts, keys: list[str]) -> dict[str, pd.Series]:
    terms = facts["fct_subscription_terms"]
    terms = facts.cut(terms.assign(month_start_date=month_of(terms["due_date"])))
    return {
        "renewal_numerator": terms[terms["is_renewed"]].groupby(keys).size(),
        "renewal_denominator": terms.groupby(keys).size(),
    }


def _mrr_bridge(facts: Facts, keys: list[str]) -> dict[str, pd.Series]:
    rows = []
    for month in facts.dates("month_start_date"):
        begins, ends = facts.moment(pd.Series([month, next_month(pd.Series([month]))[0]]))
        start = facts.paying_at(begins)
        is_open = ends > facts.as_of
        end = facts.paying_at(facts.as_of, itself=True) if is_open else facts.paying_at(ends)
        both = pd.DataFrame({"start": start, "end": end}).fillna(0).rename_axis("person_id")
        rows.append(both.reset_index().assign(month_start_date=month))
    rows = facts.cut(pd.concat(rows, ignore_index=True))
    began, ended = rows[rows["start"] > 0], rows[rows["end"] > 0]
    counted = {
        "start_customer_count": began.groupby(keys).size(),
        "end_customer_count": ended.groupby(keys).size(),
        "churn_numerator": began[began["end"] == 0].groupby(keys).size(),
        "mrr_start_amount": rows.groupby(keys)["start"].sum(),
        "mrr_end_amount": rows.groupby(keys)["end"].sum(),
        "mrr_gross_retained_amount": began.assign(least=began[["start", "end"]].min(axis=1))
        .groupby(keys)["least"]
        .sum(),
        "mrr_net_retained_amount": began.groupby(keys)["end"].sum(),
    }
    moves = facts["fct_subscription_events"]
    moves = facts.cut(moves.assign(month_start_date=month_of(moves["occurred_date"])))
    for movement in ("new", "expansion", "contraction", "churn", "reactivation"):
        of_kind = moves[moves["movement"] == movement].groupby(keys)["mrr_change_amount"]
        counted[f"mrr_{movement}_amount"] = of_kind.sum()
    return counted
