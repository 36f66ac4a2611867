"""Declared journeys: who is on them, how step follows step, who is kept out; endpoints."""

import pandas as pd

from .words import (
    ALL,
    DAY,
    SEGMENT,
    Facts,
    Frame,
    kpi,
    month_of,
    next_month,
    put,
    week_of,
    whole_seconds,
    with_rates,
    zero,
)

ROAD = ["journey", "version"]
EXITS = ("completed", "exit_rule", "timed_out", "cancelled", "removed")
START, ACTIVE = "(entry)", "(active)"
# by which messages an endpoint is reached; by the others none is sent
REACHED_BY = {"email_hash": "email", "phone_hash": "sms"}
PARTS = {"p50": 0.5, "p90": 0.9}
ENDPOINTS = ("anonymous_id", "device_id", *REACHED_BY)


def declared(facts: Facts, seed: str) -> Frame:
    return facts[seed].assign(version=facts[seed]["version"].astype(float))


def participations(facts: Facts) -> Frame:
    trips = facts["fct_journey_participations"]
    return trips.assign(
        version=trips["version"].astype(float),
        cohort_week_date=week_of(trips["entered_date"]),
        is_active=trips["is_active"].astype(bool),
    )


def visits(facts: Facts) -> Frame:
    """Steps with what is to be known of their participation."""
    trips = participations(facts).set_index("participation_id")
    rows = facts["fct_journey_steps"]
    flags = ("is_repeat", "is_backtrack", "is_channel_switch", "moved_on", "is_last")
    rows = rows.assign(
        version=rows["version"].astype(float),
        **{flag: rows[flag].astype(bool) for flag in flags},
    )
    return rows.join(trips[["cohort_week_date", "exit_type", "is_active"]], on="participation_id")


# ---------------------------------------------------------------- day by day


@kpi("kpi_journeys_daily", *ROAD, "date_day")
def journeys_daily(facts: Facts) -> Frame:
    keys = [*ROAD, "date_day"]
    roads = declared(facts, "journeys")[ROAD]
    table = roads.merge(pd.DataFrame({"date_day": facts.dates()}), how="cross")
    trips = participations(facts)
    entered = trips.rename(columns={"entered_date": "date_day"})
    exited = trips.dropna(subset="exited_date").rename(columns={"exited_date": "date_day"})
    counted = {
        "entry_count": entered.groupby(keys).size(),
        "participant_count": entered.groupby(keys)["person_id"].nunique(),
        **{
            f"{kind}_count": exited[exited["exit_type"] == kind].groupby(keys).size()
            for kind in EXITS
        },
        "exited_count": exited.groupby(keys).size(),
        "several_channels": entered[entered["channel_count"] > 1].groupby(keys).size(),
    }
    table = zero(put(table, keys, **counted), *counted).sort_values(keys, ignore_index=True)
    table = table_with_goals(table, entered, keys)
    # who is on a journey without a goal does not wait for one
    waits = entered["is_goal_mature"].notna() & ~is_yes(entered["is_goal_mature"])
    table = put(table, keys, waiting=entered[waits].groupby(keys).size())

    def so_far(column):
        return table.groupby(ROAD)[column].cumsum()

    lifetime = so_far("entry_count")
    currently_in = lifetime - so_far("exited_count")
    cumulative = {
        "currently_in": currently_in,
        **{kind: so_far(f"{kind}_count") for kind in EXITS},
        "multi_channel": so_far("several_channels"),
    }
    return with_rates(
        table.assign(
            currently_in_count=currently_in,
            lifetime_entry_count=lifetime,
            **{f"{name}_numerator": count for name, count in cumulative.items()},
            **{f"{name}_denominator": lifetime for name in cumulative},
            goal_is_mature=facts.is_over(table["date_day"] + DAY)
            & (table["waiting"].fillna(0) == 0),
        )
    )


# ---------------------------------------------------------------- step by step


@kpi("kpi_journey_steps", *ROAD, "step", "cohort_week_date")
def journey_steps(facts: Facts) -> Frame:
    cell = [*ROAD, "cohort_week_date"]
    keys = [*cell, "step"]
    trips, rows = participations(facts), visits(facts)
    weeks = trips.groupby(cell).agg(
        entry_count=("participation_id", "size"), active_count=("is_active", "sum")
    )
    weeks = weeks.reset_index()
    ended = weeks.pop("active_count") == 0
    weeks["is_mature"] = facts.is_over(weeks["cohort_week_date"] + 7 * DAY) & ended
    steps = declared(facts, "journey_steps")[[*ROAD, "step", "step_number"]]
    steps = steps.assign(step_number=steps["step_number"].astype(float))
    table = steps.merge(weeks, on=ROAD)

    # of each participation that came to the step: what it did there
    rows = rows.assign(
        is_disturbed=rows["friction_count"] > 0,
        is_overdue=is_yes(rows["is_overdue"]),
        may_be_overdue=rows["is_overdue"].notna(),
        is_dropped=rows["is_last"] & ~rows["is_active"] & (rows["exit_type"] != "completed"),
        is_open=rows["is_last"] & rows["is_active"],
    )
    flags = ("moved_on", "is_dropped", "is_repeat", "is_backtrack", "is_disturbed")
    flags += ("is_channel_switch", "is_overdue", "may_be_overdue", "is_open")
    came = rows.groupby([*keys, "participation_id"])[list(flags)].any().reset_index()
    dropped_after = came[came["is_channel_switch"] & came["is_dropped"]].groupby(keys).size()
    arrived = came.groupby(keys).size()
    of = {flag: came[came[flag]].groupby(keys).size() for flag in flags}

    beyond = trips[[*cell, "participation_id", "furthest_step_number"]].merge(steps, on=ROAD)
    beyond = beyond[beyond["furthest_step_number"] > beyond["step_number"]]
    here = came[["participation_id", "step"]].assign(was_here=True)
    beyond = beyond.merge(here, on=["participation_id", "step"], how="left")
    skipped = beyond[beyond["was_here"].isna()].groupby(keys).size()

    counted = {
        "arrival_numerator": arrived,
        "moved_on_numerator": of["moved_on"],
        "drop_off_numerator": of["is_dropped"],
        "skip_numerator": skipped,
        "repeat_numerator": of["is_repeat"],
        "backtrack_numerator": of["is_backtrack"],
        "friction_numerator": of["is_disturbed"],
        "channel_switch_numerator": of["is_channel_switch"],
        "drop_off_after_switch_numerator": dropped_after,
        "drop_off_after_switch_denominator": of["is_channel_switch"],
        "overdue_numerator": of["is_overdue"],
        "overdue_denominator": of["may_be_overdue"],
        "open_count": of["is_open"],
    }
    table = zero(put(table, keys, **counted), *counted)
    seconds = rows.groupby(keys)["seconds_in_step"]
    measured = {f"seconds_in_step_{name}": seconds.quantile(q) for name, q in PARTS.items()}
    table = put(table, keys, **measured)
    of_arrived = ("moved_on", "drop_off", "repeat", "backtrack", "friction", "channel_switch")
    return with_rates(
        table.assign(
            arrival_denominator=table["entry_count"],
            skip_denominator=table["entry_count"],
            **{f"{name}_denominator": table["arrival_numerator"] for name in of_arrived},
        )
    )


@kpi("kpi_journey_next_steps", *ROAD, "step", "next_step", "cohort_week_date")
def journey_next_steps(facts: Facts) -> Frame:
    keys = [*ROAD, "step", "cohort_week_date"]
    trips, rows = participations(facts), visits(facts)
    first = rows[rows["visit_number"] == 1].set_index("participation_id")
    begun = trips.assign(
        step=START,
        next_step=trips["participation_id"].map(first["step"]),
        next_at=trips["participation_id"].map(first["entered_at"]).fillna(trips["exited_at"]),
    )
    gone = rows.assign(next_at=rows["left_at"])
    moves = pd.concat([begun, gone], ignore_index=True)
    last = moves["exit_type"].where(~moves["is_active"], ACTIVE)
    moves["next_step"] = moves["next_step"].where(moves["next_step"].notna(), last)
    moves["seconds"] = whole_seconds(moves["next_at"] - moves["entered_at"])
    groups = moves.groupby([*keys, "next_step"])
    table = groups.agg(visit_count=("person_id", "size"), person_count=("person_id", "nunique"))
    table["seconds_p50"] = groups["seconds"].quantile(0.5)
    table = table.reset_index()
    whole = table.groupby(keys)["visit_count"].transform("sum")
    return with_rates(
        table.assign(transition_numerator=table["visit_count"], transition_denominator=whole)
    )


@kpi("kpi_journey_exclusions", *ROAD, "date_day", "reason")
def journey_exclusions(facts: Facts) -> Frame:
    keys = [*ROAD, "date_day", "reason"]
    rows = facts["fct_journey_exclusions"]
    rows = rows.assign(version=rows["version"].astype(float), date_day=rows["occurred_date"])
    groups = rows.groupby(keys)["person_id"]
    table = groups.agg(exclusion_count="size", person_count="nunique").reset_index()
    return with_rates(table_with_goals(table, rows, keys))


def table_with_goals(table: Frame, rows: Frame, keys: list[str]) -> Frame:
    """How many of those whose goal's window is over have met it, and how many these are."""
    mature = rows[is_yes(rows["is_goal_mature"])]
    counted = {
        "goal_numerator": mature[is_yes(mature["is_goal_met"])].groupby(keys).size(),
        "goal_denominator": mature.groupby(keys).size(),
    }
    return zero(put(table, keys, **counted), *counted)


def is_yes(flags: pd.Series) -> pd.Series:
    """True, where a flag may be missing."""
    return flags.astype(object).eq(True).fillna(False).astype(bool)


# ---------------------------------------------------------------- endpoints


@kpi("kpi_journey_endpoints", "month_start_date", *SEGMENT, "endpoint_type")
def journey_endpoints(facts: Facts) -> Frame:
    days = facts["fct_person_days"]
    people = days.assign(month_start_date=month_of(days["active_date"]))
    people = people[["person_id", "month_start_date"]].drop_duplicates(ignore_index=True)
    ends_at = facts.moment(next_month(people["month_start_date"]))

    identifiers = facts["bridge_person_identifiers"]
    known = identifiers[identifiers["identifier_class"].isin(ENDPOINTS)]
    told = people.assign(ends_at=ends_at).merge(known, on="person_id")
    told = told[told["first_seen_at"] < told["ends_at"]]
    place = ["person_id", "month_start_date"]
    per_type = told.groupby([*place, "identifier_class"]).size().unstack(fill_value=0)
    per_type = per_type.reindex(columns=list(ENDPOINTS), fill_value=0)
    counts = people.merge(per_type.reset_index(), on=place, how="left")
    counts = zero(counts, *ENDPOINTS)
    counts[ALL] = counts[list(ENDPOINTS)].sum(axis=1)

    for name, channel in REACHED_BY.items():
        since = people["person_id"].map(refused_since(facts, channel).to_dict())
        counts[f"{name} refused"] = (counts[name] > 0) & (pd.to_datetime(since) < ends_at)
        counts[f"{name} reached"] = (counts[name] > 0) & ~counts[f"{name} refused"]
    has_any = counts[list(REACHED_BY)].gt(0).any(axis=1)
    counts["all reached"] = counts[[f"{name} reached" for name in REACHED_BY]].any(axis=1)
    counts["all refused"] = has_any & ~counts["all reached"]

    parts = []
    for name in (*ENDPOINTS, ALL):
        can_be_reached = name in REACHED_BY or name == ALL
        part = counts[[*place, name]].rename(columns={name: "endpoints"})
        for what in ("refused", "reached"):
            part[what] = counts[f"{name} {what}"] if can_be_reached else False
        parts.append(part.assign(endpoint_type=name, can_be_reached=can_be_reached))
    rows = facts.cut(pd.concat(parts, ignore_index=True))
    keys = ["month_start_date", *SEGMENT, "endpoint_type"]
    table = rows[keys].drop_duplicates(ignore_index=True)
    groups = rows.assign(has=rows["endpoints"] > 0).groupby(keys)
    is_told = table["endpoint_type"].isin([*REACHED_BY, ALL])
    table = put(
        table,
        keys,
        person_count=groups.size(),
        endpoints_mean=groups["endpoints"].mean(),
        endpoints_p50=groups["endpoints"].quantile(0.5),
        endpoints_p90=groups["endpoints"].quantile(0.9),
        having_numerator=groups["has"].sum(),
        opted_out_numerator=groups["refused"].sum(),
        reachable_numerator=groups["reached"].sum(),
    )
    for name in ("opted_out", "reachable"):
        table[f"{name}_numerator"] = table[f"{name}_numerator"].where(is_told)
    return with_rates(
        table.assign(
            **{
                f"{name}_denominator": table["person_count"]
                for name in ("having", "opted_out", "reachable")
            }
        )
    )


def refused_since(facts: Facts, channel: str) -> pd.Series:
    """Person -> when he first said no to messages of this channel, or none came through."""
    messages = facts["fct_messages"]
    messages = messages[messages["channel"] == channel]
    bounced = messages["bounced_at"].where(messages["bounce_type"] == "hard")
    moments = pd.concat([messages["unsubscribed_at"], messages["complained_at"], bounced], axis=1)
    return moments.min(axis=1).groupby(messages["person_id"]).min()
