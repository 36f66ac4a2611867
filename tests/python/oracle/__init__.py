"""The workshop and the facts once more, slow and plain: from canonical rows to published tables.

Written from the same page of rules as the models (the yml, the seeds, docs/identity.md), and
shares no SQL with them. Rows are plain dicts, a missing value is None, every datetime is naive and
means UTC.

    result = run(canonical, taxonomy, Settings(as_of))
    result.tables["fct_sessions"]  # a list of rows

Each part of the chain has a module: events, identity, sessions, journey, conversions, facts. What
follows from the facts has one each, too: interactions, roads, subscriptions, participations,
funnels, accounts.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from . import accounts as organisations
from . import (
    attribution,
    facts,
    funnels,
    identity,
    interactions,
    participations,
    paths,
    records,
    roads,
    subscriptions,
)
from .channels import channel_visits
from .conversions import Channels, Money, ad_spend
from .events import (
    CLASSIFIED_COLUMNS,
    Cleaner,
    Content,
    account,
    classified,
    content_of,
    duplicates,
    winners,
)
from .friction import friction_signals
from .identity import People, find_people
from .journey import StagesOf, habits, person_days, signals, stage_periods, stage_points, stays
from .sessions import (
    aggregated,
    decisive,
    find_persons,
    identified_rows,
    put_in_sessions,
    sessionized_rows,
)
from .words import (
    DELIVERY_COLUMNS,
    Canonical,
    Row,
    Settings,
    Taxonomy,
    identifier_id,
    local_date,
    md5,
    pick,
)

RECORDS = records.KINDS

__all__ = [
    "RECORDS",
    "Canonical",
    "Result",
    "Settings",
    "Taxonomy",
    "account",
    "content_of",
    "identifier_id",
    "local_date",
    "md5",
    "run",
]


@dataclass
class Workshop:
    """What each step leaves for those after it."""

    canonical: Canonical
    taxonomy: Taxonomy
    settings: Settings
    clean: Cleaner
    people: People
    records: dict[str, list[Row]]  # offer -> the newest versions
    implied: list[Row]  # the events that these imply
    events: list[Row]  # classified, in order; suppressed ones too
    used: list[Row]  # without the suppressed, with session and person
    sessions: dict[str, list[Row]]
    days: dict[tuple[str, date], Row]
    formed: dict[str, list]  # habits
    points: dict[str, dict]
    stays: list[Row]
    periods: list[Row]


@dataclass
class Result:
    identifiers: dict[str, tuple[str, str, bool, bool]]  # class, person_id, is_shared, is_known
    events: dict[str, Row]
    sessions: dict[str, Row]
    person_days: dict[tuple[str, date], Row]
    stage_periods: list[Row]
    workshop: Workshop = field(compare=False, repr=False)

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        """Every table that is held against the models, by its name."""
        return tables(self.workshop)

    def account(self, rows: list[Row], key: str, content: Content | None = None) -> dict:
        """See `account`; knows which events are suppressed."""
        suppressed = {event_id for event_id, e in self.events.items() if e["is_suppressed"]}
        return account(rows, key, suppressed if key == "event_id" else set(), content)


def run(
    canonical: Canonical,
    taxonomy: Taxonomy,
    settings: Settings,
    event_content: Content | None = None,
) -> Result:
    """Everything from the canonical tables to the stage periods, and the way to the facts.

    The hook replaces the text by which copies of one event and one time are ordered.
    """
    clean = Cleaner(taxonomy.placeholder_identifiers)
    people = find_people(canonical, taxonomy, clean)

    newest = {}
    for offer, kind in records.KINDS.items():
        versions = getattr(canonical, offer)
        newest[offer] = [versions[position] for position in winners(versions, kind.key)]
    implied = [
        event for offer, rows in newest.items() for event in records.implied_events(offer, rows)
    ]
    won = winners(canonical.events, "event_id", event_content)
    standing = [*(canonical.events[position] for position in won), *implied]
    events = classified(standing, taxonomy, clean)
    used = [event for event in events if not event["is_suppressed"]]
    sessions = put_in_sessions(used, settings)
    find_persons(used, people)
    days = person_days(used, settings)
    formed = habits(days, settings)
    points = stage_points(used, formed, taxonomy)
    for_ever = stays(points, settings)
    periods = stage_periods(for_ever, taxonomy, settings)

    shown = (
        "event_name",
        "event_priority",
        "endpoint_id",
        "session_id",
        "person_id",
        "is_suppressed",
        "occurred_at",
        "is_interactive",
    )
    return Result(
        identifiers={identifier_id(node): people.of(node) for node in people.persons},
        events={event["event_id"]: {name: event[name] for name in shown} for event in events},
        sessions={session_id: session_row(members) for session_id, members in sessions.items()},
        person_days=days,
        stage_periods=periods,
        workshop=Workshop(
            canonical,
            taxonomy,
            settings,
            clean,
            people,
            newest,
            implied,
            events,
            used,
            sessions,
            days,
            formed,
            points,
            for_ever,
            periods,
        ),
    )


def session_row(members: list[Row]) -> Row:
    return {
        "endpoint_id": members[0]["endpoint_id"],
        "person_id": decisive(members)["person_id"],
        "started_at": members[0]["occurred_at"],
        "ended_at": members[-1]["occurred_at"],
        "event_count": len(members),
    }


def tables(made: Workshop) -> dict[str, list[Row]]:
    taxonomy, settings, people, used = made.taxonomy, made.settings, made.people, made.used
    money, channels = Money.of(taxonomy, settings), Channels(taxonomy)
    heard = signals(used, taxonomy)
    goal_events = {row["event_name"] for row in taxonomy.goals}
    visits_before = aggregated(made.sessions, goal_events)
    visits = facts.sessions(visits_before, made.sessions, channels, settings)
    touches = facts.touchpoints(used, visits, taxonomy, settings)
    spend = ad_spend(made.canonical.ad_spend, channels, money)
    reached = facts.milestones(heard, made.formed, taxonomy, settings)
    accounts = facts.accounts(made.canonical, used, people, made.clean)
    account_of = {row["person_id"]: row["account_id"] for row in accounts}
    plans = facts.plans(made.records["subscriptions"], people, made.clean, settings)
    everybody = facts.persons(
        people,
        used,
        visits,
        reached,
        made.periods,
        account_of,
        {row["person_id"]: row["plan"] for row in plans},
        settings,
    )
    starts, returns = facts.retention(used, taxonomy, settings)
    days = facts.person_days(made.days)

    newest = {offer: records.with_all_columns(offer, rows) for offer, rows in made.records.items()}
    versions = records.with_all_columns("subscriptions", made.canonical.subscriptions)
    tellers, stages = interactions.Tellers(used), StagesOf(made.periods)
    converted = facts.conversions(heard, money, taxonomy, settings)
    assets = interactions.content_assets(newest["content_assets"])
    exposures = interactions.experiment_exposures(used)
    contacts = interactions.support_contacts(
        newest["support_contacts"], tellers, stages, money, settings
    )
    revenue = subscriptions.revenue(used, money, taxonomy, settings)
    worth = subscriptions.values(versions, newest["subscriptions"], money, settings)
    moved = subscriptions.movements(worth, converted, tellers, settings)
    steps_of_checkouts = roads.checkout_events(used, taxonomy)
    steps_of_onboarding = roads.onboarding_steps(used, taxonomy)
    described = organisations.accounts(newest["accounts"], everybody, taxonomy, settings)
    identifiers = identity.bridge_rows(people)
    periods = facts.stage_periods(made.periods)
    marks = participations.marks(used, periods, reached, taxonomy, settings)
    frictions = friction_signals(used, contacts, taxonomy, settings)
    journeys = participations.find(marks, identifiers, frictions, taxonomy, settings)
    attempts, steps_reached = funnels.attempts_and_steps(used, taxonomy, settings, account_of)
    account_starts, account_returns = organisations.retention(used, account_of, taxonomy, settings)
    implied = (
        *("event_id", *DELIVERY_COLUMNS, "raw_event_name", "occurred_at", *records.ANYBODY),
        *("amount", "currency_code", "properties"),
    )
    owed = attribution.touches(converted, touches, settings)
    worths = attribution.weights(converted, owed, touches, settings)
    answers = interactions.survey_responses(newest["survey_responses"], tellers, stages, settings)
    taken = [
        *paths.in_sessions(visits, used, converted, settings),
        *paths.in_journeys(journeys.participations, journeys.steps, settings),
        *paths.to_conversions(converted, owed, settings),
        *paths.of_entries(touches, converted, settings),
    ]
    return {
        # events
        "int_event_duplicates": duplicates(made.canonical.events),
        **{
            f"int_{offer}_deduplicated": records.newest_rows(offer, rows)
            for offer, rows in made.records.items()
        },
        "int_record_events": [pick(row, implied) for row in made.implied],
        "int_events_classified": [pick(event, CLASSIFIED_COLUMNS) for event in made.events],
        # identity
        "int_identity_evidence": identity.evidence_rows(people),
        "int_identity_links": identity.link_rows(people),
        "int_identity_links_judged": identity.judged_link_rows(people),
        "fct_identity_links": identity.published_link_rows(people),
        "int_identifiers": identity.identifier_rows(people),
        "int_identifiers_attached": identity.attached_rows(people),
        "int_identity_strong_clusters": identity.component_rows(people.clusters),
        "int_identity_weak_components": identity.component_rows(people.weak),
        "int_identity_neighbourhoods": identity.component_rows(identity.neighbourhoods(people)),
        "int_identifiers_resolved": identity.resolved_rows(people),
        "int_events_identified": identified_rows(used),
        # sessions
        "int_events_sessionized": sessionized_rows(used),
        "int_sessions_aggregated": list(visits_before.values()),
        # journey
        "int_person_days": [pick(row, [n for n in row if n != "person_day_id"]) for row in days],
        "int_person_signals": heard,
        "int_habits_formed": [
            {"person_id": person_id, "active_date": day, "occurred_at": at}
            for person_id, days_of_person in made.formed.items()
            for day, at in days_of_person
        ],
        "int_stage_points": [
            {"person_id": person_id, "occurred_at": at, "kind": kind, "stage_number": number}
            for person_id, of_person in made.points.items()
            for (at, kind), number in of_person.items()
        ],
        "int_stage_stays": made.stays,
        "int_person_accounts": accounts,
        "int_person_plans": plans,
        # conversions
        "int_fx_rates": money.rates,
        "int_traffic_sources": channels.rows(),
        "int_ad_spend_deduplicated": spend,
        "int_checkout_events": steps_of_checkouts,
        "int_subscription_values": worth,
        # marts
        "dim_as_of": facts.as_of(settings),
        "dim_dates": facts.dates(used, settings),
        "dim_persons": everybody,
        "bridge_person_identifiers": identifiers,
        "bridge_person_segments": facts.segments(everybody),
        "fct_events": facts.events(used, money, settings),
        "fct_sessions": visits,
        "fct_touchpoints": touches,
        "fct_conversions": converted,
        "fct_milestones": reached,
        "fct_person_days": days,
        "fct_stage_periods": periods,
        "fct_ad_spend": spend,
        "fct_retention_starts": starts,
        "fct_retention_returns": returns,
        "fct_person_stage_weeks": facts.person_stage_weeks(days, stages),
        "fct_revenue": revenue,
        # content, messages, experiments
        "dim_content_assets": assets,
        "fct_content_interactions": interactions.content_interactions(used, assets, settings),
        "fct_cta_interactions": interactions.cta_interactions(used, taxonomy, settings),
        "fct_messages": interactions.messages(used, settings),
        "fct_experiment_exposures": exposures,
        "fct_experiment_outcomes": interactions.experiment_outcomes(
            exposures, converted, revenue, taxonomy
        ),
        # the road to a customer, and what he pays
        "fct_onboarding_steps": steps_of_onboarding,
        "fct_onboarding_outcomes": roads.onboarding_outcomes(steps_of_onboarding, taxonomy),
        "fct_checkouts": roads.checkouts(steps_of_checkouts, money, settings),
        "fct_subscription_events": moved,
        "fct_person_mrr_months": subscriptions.mrr_months(moved),
        "fct_subscription_terms": subscriptions.terms(newest["subscriptions"], tellers, settings),
        # use, help, answers, offers
        "fct_feature_usage": interactions.feature_usage(used, taxonomy, settings),
        "fct_support_contacts": contacts,
        "fct_help_uses": interactions.help_uses(used, contacts, taxonomy, settings),
        "fct_survey_responses": answers,
        "fct_offers": interactions.offers(newest["commercial_offers"], tellers, money, settings),
        "fct_advocacy_events": interactions.advocacy_events(used, taxonomy, settings),
        # declared journeys
        "int_journey_marks": marks,
        "int_journey_prospects": journeys.candidates,
        "int_journey_entries": journeys.entries,
        "fct_journey_participations": journeys.participations,
        "fct_journey_steps": journeys.steps,
        "fct_journey_exclusions": journeys.exclusions,
        # where people got stuck, and by which ways they came
        "fct_friction_signals": frictions,
        "fct_channel_visits": channel_visits(visits, touches, contacts, taxonomy, settings),
        # funnels
        "fct_funnel_attempts": attempts,
        "fct_funnel_steps": steps_reached,
        # what a conversion is owed to, and the paths people take
        "fct_attribution_touches": owed,
        "fct_attribution_weights": worths,
        "fct_attribution_credits": attribution.credits(converted, owed, worths, settings),
        "fct_paths": paths.paths(taken, frictions, revenue, contacts, answers, moved, settings),
        "fct_path_steps": paths.path_steps(taken, settings),
        # organisations
        "dim_accounts": described,
        "bridge_account_segments": organisations.segments(described),
        "fct_account_days": organisations.account_days(days, account_of),
        "fct_account_retention_starts": account_starts,
        "fct_account_retention_returns": account_returns,
    }
