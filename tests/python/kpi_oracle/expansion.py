"""Offers, upgrades and what people bring others with."""

import pandas as pd

from .words import (
    ALL,
    DAY,
    SEGMENT,
    Facts,
    Frame,
    is_within,
    kpi,
    month_of,
    next_month,
    put,
    ratio,
    with_rates,
    zero,
)


def _eligible(facts: Facts) -> Frame:
    """Who has MRR at some time of which month."""
    moves = facts["fct_subscription_events"].query("movement != 'trial_started'")
    rows = []
    for month in facts.dates("month_start_date"):
        begins, ends = facts.moment(pd.Series([month, next_month(pd.Series([month]))[0]]))
        had = set(facts.paying_at(begins, itself=True).index)
        during = moves[(moves["occurred_at"] >= begins) & (moves["occurred_at"] < ends)]
        had |= set(during[during["mrr_after_amount"] > 0]["person_id"])
        rows.append(pd.DataFrame({"person_id": sorted(had)}).assign(month_start_date=month))
    return pd.concat(rows, ignore_index=True)


@kpi("kpi_expansion", "month_start_date", "offer_type", *SEGMENT)
def expansion(facts: Facts) -> Frame:
    cell = ["month_start_date", *SEGMENT]
    keys = ["month_start_date", "offer_type", *SEGMENT]
    offers = facts["fct_offers"]
    offers = offers.assign(
        month_start_date=month_of(offers["offered_date"]),
        is_accepted=is_within(offers["offered_at"], offers["accepted_at"], 30),
        # of an offer that is not for seats the quantity is something else
        seats=offers["quantity"].where(offers["offer_type"] == "seats"),
    )
    offers = pd.concat([offers, offers.assign(offer_type=ALL)], ignore_index=True)
    first_month = offers["month_start_date"].min()
    offers = facts.cut(offers)
    whole = _without_offers(facts, cell)
    rest = pd.concat([part.reset_index()[cell] for part in whole.values()]).drop_duplicates()
    table = pd.concat([offers[keys], rest.assign(offer_type=ALL)[keys]]).drop_duplicates()
    accepted = offers[offers["is_accepted"]].groupby(keys)
    counted = {
        "accepted_30d_denominator": offers.groupby(keys).size(),
        "accepted_30d_numerator": accepted.size(),
        "accepting_person_count": accepted["person_id"].nunique(),
        "seat_count": accepted["seats"].sum(),
        "accepted_amount": accepted["amount"].sum(),
    }
    table = zero(put(table, keys, **counted), *counted)
    is_told = table["month_start_date"] >= first_month
    table = table.assign(**{name: table[name].where(is_told) for name in counted})
    table = zero(put(table, cell, **whole), *whole)
    table["upgrade_denominator"] = table["eligible_count"]
    is_whole = table["offer_type"] == ALL
    for name in whole.keys() - {"eligible_count"} | {"upgrade_denominator"}:
        table[name] = table[name].where(is_whole)
    after = next_month(table["month_start_date"])
    base = table["eligible_count"]
    return with_rates(
        table.assign(
            accepting_per_eligible=ratio(table["accepting_person_count"], base),
            accepted_30d_is_mature=facts.is_over(after, 30),
            is_mature=facts.is_over(after),
        )
    )


def _without_offers(facts: Facts, cell: list[str]) -> dict[str, pd.Series]:
    moves = facts["fct_subscription_events"]
    moves = facts.cut(moves.assign(month_start_date=month_of(moves["occurred_date"])))
    gains = moves[moves["movement"] == "expansion"].groupby(cell)
    terms = facts["fct_subscription_terms"]
    terms = facts.cut(terms.assign(month_start_date=month_of(terms["due_date"])))
    return {
        "eligible_count": facts.cut(_eligible(facts)).groupby(cell).size(),
        "upgrade_count": gains.size(),
        "upgrade_numerator": gains["person_id"].nunique(),
        "renewal_count": terms[terms["is_renewed"]].groupby(cell).size(),
        "expansion_mrr_amount": gains["mrr_change_amount"].sum(),
    }


KINDS = ("invite_sent", "invite_accepted", "review_written", "mention")


@kpi("kpi_advocacy", "month_start_date", *SEGMENT)
def advocacy(facts: Facts) -> Frame:
    keys = ["month_start_date", *SEGMENT]
    acts = facts["fct_advocacy_events"]
    rows = facts.cut(acts.assign(month_start_date=month_of(acts["occurred_date"])))
    days = facts["fct_person_days"]
    active = days[["person_id"]].assign(month_start_date=month_of(days["active_date"]))
    active = facts.cut(active.drop_duplicates())
    known = set(facts["dim_persons"].query("is_known")["person_id"])
    # only who is known can bring somebody
    of_known = active[active["person_id"].isin(known)]
    of_kind = {kind: rows[rows["kind"] == kind] for kind in KINDS}
    counted = {f"{kind}_count": part.groupby(keys).size() for kind, part in of_kind.items()}
    counted["inviter_count"] = of_kind["invite_sent"].groupby(keys)["person_id"].nunique()
    counted["referral_signup_count"] = _referred(facts, acts).groupby(keys).size()
    counted["active_count"] = of_known.groupby(keys).size()
    table = pd.concat([of_known[keys], rows[keys]]).drop_duplicates()
    table = zero(put(table, keys, **counted), *counted)
    for name, kind in {
        **{f"{kind}_count": kind for kind in of_kind},
        "inviter_count": "invite_sent",
        "referral_signup_count": "invite_accepted",
    }.items():
        if of_kind[kind].empty:
            table[name] = float("nan")
    accepted = table["invite_accepted_count"]
    return table.assign(
        accepted_per_invite=ratio(accepted, table["invite_sent_count"]),
        k_factor=ratio(accepted, table["active_count"]),
        is_mature=facts.is_over(next_month(table["month_start_date"])),
    )


def _referred(facts: Facts, acts: Frame) -> Frame:
    """Sign-ups within a week of accepting an invitation, in the month of the sign-up."""
    accepted = acts[acts["kind"] == "invite_accepted"]
    pairs = accepted.merge(facts["dim_persons"][["person_id", "signed_up_at"]], on="person_id")
    # the one who accepts may be asked to sign up before or after he is said to have accepted
    is_soon = (pairs["signed_up_at"] - pairs["occurred_at"]).abs() <= 7 * DAY
    soon = pairs[is_soon][["person_id", "signed_up_at"]].drop_duplicates()
    month = month_of(facts.local_day(soon["signed_up_at"]))
    return facts.cut(soon.assign(month_start_date=month))
