"""Paths: from which node to which, in which variants, and as flows."""

import numpy as np
import pandas as pd

from .words import MONEY, Facts, Frame, kpi, next_month, ratio, whole_seconds, with_rates

PLACE = ["scope", "scope_value", "started_month_date"]
START, OTHER, RARE = "(start)", "(other)", "(rare)"
FEW = 5  # so many paths or more make a variant, or a node of a flow
POSITIONS = 10


def _walked(facts: Facts, only_new: bool) -> Frame:
    """Each step of each path from one node to the next, the start and the end included."""
    paths = facts["fct_paths"].rename(columns={"end_node": "node"})
    steps = facts["fct_path_steps"]
    if only_new:
        steps = steps[steps["collapsed_number"].notna()]
        steps = steps.assign(step_number=steps["collapsed_number"])
    columns = ["path_id", "step_number", "node", "occurred_at"]
    nodes = pd.concat(
        [
            paths.assign(node=START, step_number=0, occurred_at=pd.NaT)[columns],
            steps[columns],
            paths.assign(step_number=np.inf, occurred_at=pd.NaT)[columns],
        ]
    ).sort_values(["path_id", "step_number"])
    following = nodes.groupby("path_id")[["node", "occurred_at"]].shift(-1)
    walked = nodes.rename(columns={"node": "from_node"}).assign(
        to_node=following["node"],
        seconds=whole_seconds(following["occurred_at"] - nodes["occurred_at"]),
    )
    walked = walked[np.isfinite(walked["step_number"])]
    return walked.merge(paths[["path_id", "person_id", *PLACE]], on="path_id")


@kpi("kpi_path_transitions", *PLACE, "from_node", "to_node")
def path_transitions(facts: Facts) -> Frame:
    groups = _walked(facts, only_new=False).groupby([*PLACE, "from_node", "to_node"])
    table = Frame(
        {
            "transition_count": groups.size(),
            "path_count": groups["path_id"].nunique(),
            "person_count": groups["person_id"].nunique(),
            "seconds_p50": groups["seconds"].quantile(0.5),
        }
    ).reset_index()
    left = table.groupby([*PLACE, "from_node"])["transition_count"].transform("sum")
    return with_rates(
        table.assign(share_numerator=table["transition_count"], share_denominator=left)
    )


# ---------------------------------------------------------------- variants


def _measured(paths: Frame, keys: list[str]) -> Frame:
    groups = paths.assign(
        converted_numerator=paths["is_converted"].astype(bool),
        friction_numerator=paths["friction_count"] > 0,
        support_numerator=paths["support_contact_count"] > 0,
        churned_numerator=paths["has_churned"].astype(bool),
        promoter_count=paths["nps_score_group"] == "promoter",
        detractor_count=paths["nps_score_group"] == "detractor",
        nps_response_count=paths["nps_score_group"].notna(),
    ).groupby(keys)
    flags = ["converted", "friction", "support", "churned"]
    table = groups[
        [
            *(f"{name}_numerator" for name in flags),
            *("promoter_count", "detractor_count", "nps_response_count"),
        ]
    ].sum()
    table["path_count"] = groups.size()
    table["person_count"] = groups["person_id"].nunique()
    table["revenue_amount"] = groups["revenue_amount"].sum(min_count=1)
    table["support_cost_amount"] = groups["support_cost_amount"].sum(min_count=1)
    table["seconds_p50"] = groups["duration_seconds"].quantile(0.5)
    for name in flags:
        table[f"{name}_denominator"] = table["path_count"]
    return table.reset_index()


def _stands_out(table: Frame, whole: Frame, name: str) -> pd.Series:
    """A bound that is 0 but for the last bit is no more than a rate of 0."""
    is_more = table[f"{name}_rate_lower"] > whole[f"{name}_rate"]
    return is_more & (table[f"{name}_numerator"] > 0)


@kpi("kpi_path_variants", *PLACE, "variant")
def path_variants(facts: Facts) -> Frame:
    paths = facts["fct_paths"]
    count = paths.groupby([*PLACE, "variant"])["path_id"].transform("size")
    paths = paths.assign(variant=paths["variant"].where(count >= FEW, RARE))
    table = _measured(paths, [*PLACE, "variant"])
    whole = with_rates(_measured(paths, PLACE))
    whole = table[PLACE].merge(whole, on=PLACE, how="left")
    table = with_rates(
        table.assign(path_numerator=table["path_count"], path_denominator=whole["path_count"])
    )
    is_named = table["variant"] != RARE
    cost, cost_of_all = (
        ratio(one["support_cost_amount"], one["path_count"]).fillna(0) for one in (table, whole)
    )
    promoted = table["promoter_count"] - table["detractor_count"]
    return table.assign(
        revenue_per_path_amount=ratio(
            table["revenue_amount"].fillna(0) / MONEY, table["path_count"]
        ),
        nps_score=100 * ratio(promoted, table["nps_response_count"]),
        is_frequent=is_named & (20 * table["path_count"] >= whole["path_count"]),
        is_costly=is_named & (cost >= 2 * cost_of_all) & (cost > 0),
        is_troubled=is_named & _stands_out(table, whole, "friction"),
        is_promising=is_named & _stands_out(table, whole, "converted"),
        is_causal=False,
        is_mature=facts.is_over(next_month(table["started_month_date"]), 90),
    )


# ---------------------------------------------------------------- flows


@kpi("kpi_path_flows", *PLACE, "position", "from_node", "to_node")
def path_flows(facts: Facts) -> Frame:
    walked = _walked(facts, only_new=True)
    walked = walked.assign(position=walked["step_number"].astype(int))
    nodes = walked[walked["position"] > 0].rename(columns={"from_node": "node"})
    count = nodes.groupby([*PLACE, "position", "node"]).size().rename("count").reset_index()
    rare = count[count["count"] < FEW]

    def named(node: str, offset: int) -> pd.Series:
        """The nodes of this column, which are so far from the row's position."""
        here = walked.assign(position=walked["position"] + offset)
        found = here.merge(
            rare,
            how="left",
            left_on=[*PLACE, "position", node],
            right_on=[*PLACE, "position", "node"],
        )
        return walked[node].where(found["count"].isna().to_numpy(), OTHER)

    # the start and the end of a path are no nodes
    is_last = walked["position"] == walked.groupby("path_id")["position"].transform("max")
    walked = walked.assign(
        from_node=named("from_node", 0).where(walked["position"] > 0, START),
        to_node=named("to_node", 1).where(~is_last, walked["to_node"]),
    )
    walked = walked[walked["position"] < POSITIONS]
    groups = walked.groupby([*PLACE, "position", "from_node", "to_node"])
    return Frame(
        {
            "path_count": groups.size(),
            "person_count": groups["person_id"].nunique(),
        }
    ).reset_index()
