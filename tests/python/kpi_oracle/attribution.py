"""What channels and campaigns are owed by each rule, and what they cost."""

import numpy as np
import pandas as pd

from .words import ALL, DAY, MONEY, NONE, Facts, Frame, known_sum, kpi, none_but_known, ratio, zero

KEYS = ["rule", "goal", "channel_group", "campaign", "date_day"]
OF_DAY = ["rule", "channel_group", "campaign", "date_day"]
COUNTS = ["touched_conversion_count", "assisted_conversion_count"]


def _credited(credits: Frame, keys: list[str]) -> Frame:
    """Parts are summed as decimals, so that no sum hangs on the order of its parts; a conversion
    counts once however often it was touched."""
    credits = credits.round({"credit": 12, "credited_amount": 10})
    assisted = credits[credits["touch_number"] < credits["touch_count"]]
    groups = credits.groupby(keys)
    return Frame(
        {
            "credited_conversion_sum": groups["credit"].sum(),
            "credited_amount": groups["credited_amount"].sum(min_count=1),
            "touched_conversion_count": groups["conversion_id"].nunique(),
            "assisted_conversion_count": assisted.groupby(keys)["conversion_id"].nunique(),
        }
    ).reset_index()


@kpi("kpi_attribution_daily", *KEYS)
def attribution_daily(facts: Facts) -> Frame:
    credits = facts["fct_attribution_credits"]
    credits = credits.rename(columns={"converted_date": "date_day"})
    credits = credits.assign(campaign=credits["campaign"].fillna(NONE))
    of_goals = _credited(credits, KEYS).assign(spend_amount=np.nan)

    spend = facts["fct_ad_spend"].rename(columns={"spend_date": "date_day"})
    spend = spend.assign(campaign=spend["campaign"].fillna(NONE))
    spend = spend.groupby(OF_DAY[1:])["spend_amount"].agg(known_sum).reset_index()
    rules = credits[["rule"]].drop_duplicates()
    whole = spend.merge(rules, how="cross").merge(_credited(credits, OF_DAY), how="left")
    whole = whole.assign(goal=ALL, spend_amount=none_but_known(whole["spend_amount"]))

    table = pd.concat([of_goals, whole], ignore_index=True)
    # what was paid for a channel that is owed nothing has brought in nothing
    is_owed = table["touched_conversion_count"].notna()
    table["credited_amount"] = table["credited_amount"].where(is_owed, 0)
    table = zero(table, "credited_conversion_sum", *COUNTS)
    paid = table["spend_amount"] / MONEY
    return table.assign(
        return_on_spend_ratio=ratio(table["credited_amount"], paid),
        cost_per_conversion_amount=ratio(paid, table["credited_conversion_sum"]),
        is_mature=facts.is_over(table["date_day"] + DAY),
    )
