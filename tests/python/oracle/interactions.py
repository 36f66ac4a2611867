"""What people do with content, calls to action, experiments, features, messages and help."""

import re
from collections import defaultdict
from datetime import datetime, timedelta

from . import records
from .conversions import Money
from .events import property_text
from .journey import StagesOf
from .words import NONE, Row, Settings, Taxonomy, key, local_date, md5, pick, whole_seconds

VIEWS = ("page", "screen")
MESSAGE_KINDS = (
    *("queued", "suppressed", "sent", "delivered", "opened", "clicked", "bounced"),
    *("unsubscribed", "complained"),
)
BY_HUMANS = {"live_chat", "ticket", "phone", "email", "social"}


def fits(event: Row, row: Row) -> bool:
    """Is the event the one that this row of a seed names?"""
    if event["event_name"] != row["event_name"]:
        return False
    name = row["property"]
    return not name or property_text(event, name) == row["property_value"]


def fitting(used: list[Row], seed: list[Row]):
    """Each event with each row of the seed that it fits, in the order of events."""
    rows_of = defaultdict(list)
    for row in seed:
        rows_of[row["event_name"]].append(row)
    for event in used:
        for row in rows_of[event["event_name"]]:
            if fits(event, row):
                yield event, row


class Tellers:
    """Whom a record names: the person of one of the events that it implies.

    What was done by people whose traffic is left out is left out too.
    """

    def __init__(self, used: list[Row]):
        self.person_of = {event["event_id"]: event["person_id"] for event in used}

    def of(self, offer: str, row: Row, slot: str) -> str | None:
        record_id = records.KINDS[offer].id_of(row)
        return self.person_of.get(md5(f"{row['source_name']}|{offer}|{record_id}|{slot}"))


def record_key(offer: str, row: Row) -> str:
    return md5(f"{offer}|{row['source_name']}|{records.KINDS[offer].id_of(row)}")


# ---------------------------------------------------------------- catalogues


def newest_of_all_sources(rows: list[Row], name: str) -> list[Row]:
    """One row per id: the newest, of several the one of the smallest source."""
    of_id = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["source_name"]):
        of_id[row[name]].append(row)
    return [max(said, key=lambda row: row["updated_at"] or datetime.min) for said in of_id.values()]


def content_assets(newest: list[Row]) -> list[Row]:
    columns = ("asset_id", "asset_type", "title", "page_path", "published_at")
    return [pick(row, columns) for row in newest_of_all_sources(newest, "asset_id")]


# ---------------------------------------------------------------- content and calls to action


def content_interactions(used: list[Row], assets: list[Row], settings: Settings) -> list[Row]:
    """Views of an asset's page, and what is said to have been done with an asset.

    A view of an asset that has a page is told by its page, unless it says how much was seen.
    """
    by_id = {asset["asset_id"]: asset for asset in assets}
    by_path = defaultdict(list)
    for asset in assets:
        by_path[asset["page_path"]].append(asset)

    found = []
    for event in used:
        name, kind = event["event_name"] or "", event["event_type"]
        interaction = next((k for k in ("downloaded", "attended") if name.endswith(k)), "viewed")
        percent = None
        if kind in VIEWS:
            about = by_path[event.get("page_path")] if event.get("page_path") is not None else []
        elif kind == "server":
            about = []
        else:
            named = property_text(event, "asset")
            named = property_text(event, "article") if named is None else named
            percent = as_percent(property_text(event, "percent"))
            about = [by_id[named]] if named in by_id else []
            about = [
                asset
                for asset in about
                if asset["page_path"] is None or percent is not None or interaction != "viewed"
            ]
        found += [
            {
                "content_interaction_id": key(event["event_id"], asset["asset_id"]),
                **pick(event, ("event_id", "person_id", "occurred_at")),
                **pick(asset, ("asset_id", "asset_type")),
                "interaction": interaction,
                "percent": percent,
                "occurred_date": local_date(event["occurred_at"], settings),
            }
            for asset in about
        ]
    return found


def as_percent(text: str | None) -> float | None:
    """What is no number from 0 to 100 measures nothing."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None


def cta_interactions(used: list[Row], taxonomy: Taxonomy, settings: Settings) -> list[Row]:
    pages = [
        (row, re.compile(row["page_path_pattern"]))
        for row in taxonomy.ctas
        if row["cta_type"] == "landing_page"
    ]
    mails = [row for row in taxonomy.ctas if row["cta_type"] == "email"]
    leads = {row["event_name"] for row in taxonomy.goals if row["goal"] == "lead"}

    def told_by(event):
        name = event["event_name"]
        if event["event_type"] in VIEWS and event.get("page_path") is not None:
            for cta, pattern in pages:
                if pattern.search(event["page_path"]):
                    yield cta, "exposed"
        said = property_text(event, "cta")
        if name in ("message_delivered", "message_clicked"):
            campaign = property_text(event, "campaign")
            for cta in mails:
                if cta["campaign"] != campaign:
                    continue
                if name == "message_delivered":
                    yield cta, "exposed"
                elif said in (None, cta["cta"]):  # which link it was nobody may say
                    yield cta, "clicked"
        if name == "form_started" or name in leads:
            for cta in taxonomy.ctas:
                if cta["cta"] == said:
                    yield cta, "form_started" if name == "form_started" else "lead"

    return [
        {
            "cta_interaction_id": key(cta["cta_type"], cta["cta"], what, event["event_id"]),
            **pick(cta, ("cta_type", "cta")),
            "interaction": what,
            **pick(event, ("person_id", "event_id", "occurred_at")),
            "occurred_date": local_date(event["occurred_at"], settings),
        }
        for event in used
        for cta, what in told_by(event)
    ]


# ---------------------------------------------------------------- experiments


def experiment_exposures(used: list[Row]) -> list[Row]:
    seen = defaultdict(list)
    for event in used:
        if event["event_name"] == "experiment_viewed":
            experiment, variant = (property_text(event, n) for n in ("experiment", "variant"))
            if experiment is not None and variant is not None:
                seen[event["person_id"], experiment].append((event["occurred_at"], variant))
    return [
        {
            "person_experiment_id": key(person_id, experiment),
            "person_id": person_id,
            "experiment": experiment,
            "variant": exposures[0][1],
            "first_exposed_at": exposures[0][0],
            "exposure_count": len(exposures),
            "variant_count": len({variant for _, variant in exposures}),
        }
        for (person_id, experiment), exposures in seen.items()
    ]


def experiment_outcomes(
    exposures: list[Row], conversions: list[Row], revenue: list[Row], taxonomy: Taxonomy
) -> list[Row]:
    """What those who saw one variant did within the window, its last moment included."""
    days_of = {row["experiment"]: int(row["window_days"]) for row in taxonomy.experiments}
    done = defaultdict(list)
    for row in conversions:
        done[row["person_id"]].append((row["occurred_at"], row["goal"], None))
    for row in revenue:
        done[row["person_id"]].append((row["occurred_at"], "revenue", row["amount"]))

    found = []
    for seen in exposures:
        if seen["variant_count"] > 1 or seen["experiment"] not in days_of:
            continue
        begin = seen["first_exposed_at"]
        end = begin + timedelta(days=days_of[seen["experiment"]])
        moments, amounts = defaultdict(list), defaultdict(list)
        for at, metric, amount in done[seen["person_id"]]:
            if begin <= at <= end:
                moments[metric].append(at)
                amounts[metric] += [] if amount is None else [amount]
        found += [
            {
                "experiment_outcome_id": key(seen["person_id"], seen["experiment"], metric),
                **pick(seen, ("person_id", "experiment", "variant")),
                "metric": metric,
                "first_occurred_at": min(of_metric),
                "amount": sum(amounts[metric]) if amounts[metric] else None,
            }
            for metric, of_metric in moments.items()
        ]
    return found


# ---------------------------------------------------------------- features, advocacy


def feature_usage(used: list[Row], taxonomy: Taxonomy, settings: Settings) -> list[Row]:
    uses = defaultdict(list)
    for event, row in fitting(used, taxonomy.features):
        day = local_date(event["occurred_at"], settings)
        uses[event["person_id"], row["feature"], day].append(event["occurred_at"])
    return [
        {
            "feature_usage_id": key(person_id, feature, day),
            "person_id": person_id,
            "feature": feature,
            "used_date": day,
            "first_used_at": min(moments),
            "last_used_at": max(moments),
            "use_count": len(moments),
        }
        for (person_id, feature, day), moments in uses.items()
    ]


def advocacy_events(used: list[Row], taxonomy: Taxonomy, settings: Settings) -> list[Row]:
    kind_of = {row["event_name"]: row["kind"] for row in taxonomy.advocacy_events}
    return [
        {
            **pick(event, ("event_id", "person_id", "occurred_at")),
            "kind": kind_of[event["event_name"]],
            "occurred_date": local_date(event["occurred_at"], settings),
        }
        for event in used
        if event["event_name"] in kind_of
    ]


# ---------------------------------------------------------------- messages


def messages(used: list[Row], settings: Settings) -> list[Row]:
    """Whom, for what and by which way as the first event of the message says it."""
    told = defaultdict(list)
    for event in used:
        kind = (event["event_name"] or "").removeprefix("message_")
        message_id = property_text(event, "message_id")
        if f"message_{kind}" == event["event_name"] and kind in MESSAGE_KINDS and message_id:
            told[event["source_name"], message_id].append((kind, event))

    found = []
    for (source_name, message_id), events in told.items():
        moments, reasons, by_people = defaultdict(list), defaultdict(list), []
        for kind, event in events:
            moments[kind].append(event["occurred_at"])
            reason = property_text(event, "reason")
            reasons[kind] += [] if reason is None else [reason]
            if kind == "opened" and property_text(event, "is_machine") != "true":
                by_people.append(event["occurred_at"])
        first = events[0][1]
        heard = {kind for kind in MESSAGE_KINDS if moments[kind]}
        left = heard - {"queued", "suppressed"}
        arrived = left - {"sent", "bounced"}
        found.append(
            {
                "message_key": key(source_name, message_id),
                "source_name": source_name,
                "message_id": message_id,
                "person_id": first["person_id"],
                "campaign": property_text(first, "campaign") or NONE,
                "channel": property_text(first, "channel") or NONE,
                "queued_date": local_date(
                    min(moments["queued"], default=first["occurred_at"]), settings
                ),
                **{f"{kind}_at": min(moments[kind], default=None) for kind in MESSAGE_KINDS},
                "human_opened_at": min(by_people, default=None),
                # of several reasons the first in the alphabet
                "suppression_reason": min(reasons["suppressed"], default=None),
                "bounce_type": min(reasons["bounced"], default=None),
                "open_count": len(moments["opened"]),
                "click_count": len(moments["clicked"]),
                "status": "sent" if left else "suppressed" if "suppressed" in heard else "pending",
                "is_delivered": bool(arrived),
                "is_opened": bool(heard & {"opened", "clicked"}),
                "is_human_opened": bool(by_people) or "clicked" in heard,
            }
        )
    return found


# ---------------------------------------------------------------- contacts, surveys, offers


def support_contacts(
    newest: list[Row], tellers: Tellers, stages: StagesOf, money: Money, settings: Settings
) -> list[Row]:
    found = []
    for row in newest:
        opened_at = row["opened_at"]
        person_id = tellers.of("support_contacts", row, "support_contacted")
        if person_id is None:
            continue
        day = local_date(opened_at, settings)
        is_escalated = bool(row["is_escalated"])
        score = row["csat_score"]
        found.append(
            {
                "contact_key": record_key("support_contacts", row),
                **pick(row, ("source_name", "contact_id", "contact_type")),
                "person_id": person_id,
                "reason": NONE if row["reason"] is None else row["reason"],
                "is_complaint": bool(row["is_complaint"]),
                "is_escalated": is_escalated,
                "is_human": row["contact_type"] in BY_HUMANS
                or (row["contact_type"] == "chatbot" and is_escalated),
                **pick(row, ("opened_at", "first_replied_at", "resolved_at")),
                "opened_date": day,
                "first_reply_seconds": whole_seconds(opened_at, row["first_replied_at"]),
                "resolution_seconds": whole_seconds(opened_at, row["resolved_at"]),
                "csat_score": None if score is None else float(score),
                "cost_amount": money.convert(row["cost_amount"], row["currency_code"], day),
                "original_cost_amount": row["cost_amount"],
                "original_currency_code": row["currency_code"],
                "stage": stages.at(person_id, opened_at),
            }
        )
    return found


def help_uses(
    used: list[Row], contacts: list[Row], taxonomy: Taxonomy, settings: Settings
) -> list[Row]:
    type_of = {row["event_name"]: row["help_type"] for row in taxonomy.help_events}
    found = [
        {
            "help_use_id": key("event", event["event_id"]),
            "person_id": event["person_id"],
            "help_type": type_of[event["event_name"]],
            "is_human": False,
            "occurred_at": event["occurred_at"],
        }
        for event in used
        if event["event_name"] in type_of
    ]
    found += [
        {
            "help_use_id": key("contact", contact["contact_key"]),
            "person_id": contact["person_id"],
            "help_type": contact["contact_type"],
            "is_human": contact["is_human"],
            "occurred_at": contact["opened_at"],
        }
        for contact in contacts
    ]
    return [{**row, "occurred_date": local_date(row["occurred_at"], settings)} for row in found]


def survey_responses(
    newest: list[Row], tellers: Tellers, stages: StagesOf, settings: Settings
) -> list[Row]:
    found = []
    for row in newest:
        slot = "survey_invited" if row["invited_at"] else "survey_responded"
        person_id = tellers.of("survey_responses", row, slot)
        if person_id is None:
            continue
        asked_at = row["invited_at"] or row["responded_at"]
        # who gave no score has not answered; a score without a time was given when asked
        score = None if row["score"] is None else int(row["score"])
        found.append(
            {
                "response_key": record_key("survey_responses", row),
                **pick(row, ("source_name", "response_id", "survey", "survey_type", "wave")),
                "person_id": person_id,
                "invited_at": row["invited_at"],
                "asked_at": asked_at,
                "asked_date": local_date(asked_at, settings),
                "responded_at": None if score is None else row["responded_at"] or asked_at,
                "score": score,
                "score_group": score_group(row["survey_type"], score),
                "stage": stages.at(person_id, asked_at),
            }
        )
    return found


def score_group(survey_type: str, score: int | None) -> str | None:
    if score is None:
        return None
    if survey_type == "nps":
        return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    if survey_type == "csat":
        return "satisfied" if score >= 4 else "not_satisfied"
    return "easy" if score >= 5 else "not_easy"


def offers(newest: list[Row], tellers: Tellers, money: Money, settings: Settings) -> list[Row]:
    moments = {"offered_at": "made", "accepted_at": "accepted", "declined_at": "declined"}
    found = []
    for row in newest:
        # an answer without an offer is one, made when it was answered
        made_by = next(name for name in moments if row[name] is not None)
        person_id = tellers.of("commercial_offers", row, f"offer_{moments[made_by]}")
        if person_id is None:
            continue
        made_at, currency = row[made_by], row["currency_code"]
        # worth what it was when it was accepted
        day = local_date(row["accepted_at"] or made_at, settings)
        found.append(
            {
                "offer_key": record_key("commercial_offers", row),
                **pick(row, ("source_name", "offer_id", "offer_type", "product")),
                "person_id": person_id,
                "channel": NONE if row["channel"] is None else row["channel"],
                "offered_at": made_at,
                "offered_date": local_date(made_at, settings),
                **pick(row, ("accepted_at", "declined_at")),
                "quantity": None if row["quantity"] is None else int(row["quantity"]),
                "amount": money.convert(row["amount"], currency, day),
                "original_amount": row["amount"],
                "original_currency_code": currency,
            }
        )
    return found
