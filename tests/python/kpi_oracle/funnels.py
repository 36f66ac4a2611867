"""How far those who begin a funnel come."""

from math import ceil

import pandas as pd

from .words import DAY, SEGMENT, Facts, Frame, kpi, put, week_of, with_rates


@kpi("kpi_funnels", "funnel", "counting", "cohort_week_date", "step_number", *SEGMENT)
def funnels(facts: Facts) -> Frame:
    rows = _cut(facts, _attempts_at_steps(facts))
    countings = {
        "unique_first": rows[rows["is_first"].astype(bool)],
        "unique_best": rows[rows["is_best"].astype(bool)],
        "totals": rows,
    }
    parts = [_counted(chosen).assign(counting=name) for name, chosen in countings.items()]
    table = pd.concat(parts, ignore_index=True)
    days = {row.funnel: ceil(float(row.window_days)) for row in facts["funnels"].itertuples()}
    next_week = table["cohort_week_date"] + 7 * DAY
    return with_rates(table.assign(is_mature=facts.is_over(next_week, table["funnel"].map(days))))


def _cut(facts: Facts, rows: Frame) -> Frame:
    """Each row once per segment of its person, or of its account."""
    is_of_account = rows["unit"] == "account"
    of_accounts = facts["bridge_account_segments"][["account_id", *SEGMENT]]
    return pd.concat(
        [facts.cut(rows[~is_of_account]), rows[is_of_account].merge(of_accounts, on="account_id")],
        ignore_index=True,
    )


def declared_steps(facts: Facts) -> Frame:
    """The steps of each funnel, each with the last required one before it."""
    seed = facts["funnel_steps"].query("role == 'step'")
    order = facts["funnels"].set_index("funnel")["step_order"]
    steps = []
    for funnel, rows in seed.groupby("funnel"):
        rows = rows.assign(number=rows["step_number"].astype(int)).sort_values("number")
        rows = rows.drop_duplicates("number")
        if order[funnel] == "any":
            names = [f"any {k} of {len(rows)}" for k in range(1, len(rows) + 1)]
            numbers, optional = range(1, len(rows) + 1), [False] * len(rows)
        else:
            names, numbers = rows["step"], rows["number"]
            optional = rows["is_optional"].astype(str).str.lower() == "true"
        previous = None
        for name, number, is_optional in zip(names, numbers, optional, strict=True):
            steps.append((funnel, number, name, is_optional, previous))
            previous = previous if is_optional else number
    columns = ["funnel", "step_number", "step", "is_optional", "previous_number"]
    return pd.DataFrame(steps, columns=columns)


def _attempts_at_steps(facts: Facts) -> Frame:
    """Each attempt with each step of its funnel, come there or not."""
    attempts = facts["fct_funnel_attempts"]
    attempts = attempts.assign(cohort_week_date=week_of(attempts["started_date"]))
    reached = facts["fct_funnel_steps"][
        ["funnel_attempt_id", "step_number", "seconds_from_start", "seconds_from_previous"]
    ].assign(has_come=True)
    rows = attempts.merge(declared_steps(facts), on="funnel")
    rows = rows.merge(reached, on=["funnel_attempt_id", "step_number"], how="left")
    before = reached[["funnel_attempt_id", "step_number", "has_come"]].rename(
        columns={"step_number": "previous_number", "has_come": "came_before"}
    )
    rows = rows.merge(before, on=["funnel_attempt_id", "previous_number"], how="left")
    came = rows["has_come"].notna()
    came_before = rows["came_before"].notna() | rows["previous_number"].isna()
    is_counted = rows["is_mature"].astype(bool) & ~rows["is_excluded"].astype(bool)
    return rows.assign(
        conversion_denominator=is_counted,
        conversion_numerator=is_counted & came,
        step_denominator=is_counted & came_before,
        step_numerator=is_counted & came,
        drop_count=is_counted & came_before & ~came & ~rows["is_optional"],
        open_count=~rows["is_mature"].astype(bool) & ~rows["is_excluded"].astype(bool),
        excluded_count=rows["is_excluded"].astype(bool),
    )


COUNTS = [
    *("conversion_numerator", "conversion_denominator", "step_numerator", "step_denominator"),
    *("drop_count", "open_count", "excluded_count"),
]


def _counted(rows: Frame) -> Frame:
    keys = ["funnel", "cohort_week_date", "step_number", "step", *SEGMENT]
    table = rows.groupby(keys)[COUNTS].sum().reset_index()
    there = rows[rows["conversion_numerator"]].groupby(keys)
    return put(
        table,
        keys,
        seconds_from_start_p50=there["seconds_from_start"].quantile(0.5),
        seconds_from_start_p90=there["seconds_from_start"].quantile(0.9),
        seconds_from_previous_p50=there["seconds_from_previous"].quantile(0.5),
    )
