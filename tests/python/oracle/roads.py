"""Roads with steps: checkouts and onboarding."""

from collections import Counter, defaultdict
from datetime import timedelta

from .conversions import Money
from .interactions import fitting
from .words import Row, Settings, Taxonomy, is_true, key, local_date, pick, whole_seconds

DAY = timedelta(days=1)
RECOVERY = timedelta(days=7)
ONBOARDING = timedelta(days=14)


# ---------------------------------------------------------------- checkouts


def checkout_events(used: list[Row], taxonomy: Taxonomy) -> list[Row]:
    """Each event of a checkout with the number of the checkout among those of its person."""
    found, last_of, number_of = [], {}, Counter()
    columns = ("event_id", "person_id", "session_id", "occurred_at", "event_priority")
    for event, step in fitting(used, taxonomy.checkout_steps):
        person_id, at = event["person_id"], event["occurred_at"]
        last_role, last_at = last_of.get(person_id, ("complete", at))
        if last_role == "complete" or at - last_at >= DAY:
            number_of[person_id] += 1
        last_of[person_id] = (step["role"], at)
        found.append(
            {
                **pick(event, (*columns, "amount", "currency_code")),
                "checkout_number": number_of[person_id],
                **pick(step, ("role", "step")),
                "step_number": int(step["step_number"]),
            }
        )
    return found


def checkouts(told: list[Row], money: Money, settings: Settings) -> list[Row]:
    of_checkout = defaultdict(list)
    for event in told:
        of_checkout[event["person_id"], event["checkout_number"]].append(event)

    found = []
    for (person_id, number), events in of_checkout.items():
        if all(event["role"] == "complete" for event in events):
            continue  # an order out of the blue
        amounts = (
            money.convert(e["amount"], e["currency_code"], local_date(e["occurred_at"], settings))
            for e in events
        )
        started_at, last_at = events[0]["occurred_at"], events[-1]["occurred_at"]
        completed_at = last_at if events[-1]["role"] == "complete" else None
        # of several of one number the last
        furthest = max(reversed(events), key=lambda event: event["step_number"])
        is_open = last_at + DAY > settings.as_of
        found.append(
            {
                "checkout_id": key(person_id, number),
                "person_id": person_id,
                "started_at": started_at,
                "started_date": local_date(started_at, settings),
                "last_step_at": last_at,
                "last_step": furthest["step"],
                "last_step_number": furthest["step_number"],
                "completed_at": completed_at,
                "status": "completed" if completed_at else "open" if is_open else "abandoned",
                "payment_failure_count": sum(event["role"] == "failure" for event in events),
                "amount": max((amount for amount in amounts if amount is not None), default=None),
            }
        )

    completed = defaultdict(list)
    for row in found:
        if row["completed_at"]:
            completed[row["person_id"]].append(row["completed_at"])
    for row in found:
        last_at = row["last_step_at"]
        row["recovered_at"] = min(
            (
                at
                for at in completed[row["person_id"]]
                if row["completed_at"] is None and last_at <= at <= last_at + RECOVERY
            ),
            default=None,
        )
    return found


# ---------------------------------------------------------------- onboarding


def onboarding_steps(used: list[Row], taxonomy: Taxonomy) -> list[Row]:
    """The first time of everything done in a flow, from its start on."""
    started, done = {}, {}
    told = list(fitting(used, taxonomy.onboarding_steps))
    for event, row in told:
        if row["role"] == "start":
            started.setdefault((event["person_id"], row["flow"]), event["occurred_at"])
    for event, row in told:
        start = started.get((event["person_id"], row["flow"]))
        if start is not None and event["occurred_at"] >= start:
            place = (event["person_id"], row["flow"], row["role"], row["step"])
            done.setdefault(place, (start, event["occurred_at"], row))
    return [
        {
            "onboarding_step_id": key(*place),
            "person_id": place[0],
            **pick(row, ("flow", "role", "step")),
            "step_number": int(row["step_number"]),
            "is_required": is_true(row["is_required"]),
            "flow_started_at": start,
            "occurred_at": at,
            "seconds_since_start": whole_seconds(start, at),
        }
        for place, (start, at, row) in done.items()
    ]


def onboarding_outcomes(facts: list[Row], taxonomy: Taxonomy) -> list[Row]:
    steps_of = defaultdict(list)
    for row in taxonomy.onboarding_steps:
        if row["role"] == "step":
            steps_of[row["flow"]].append(row)
    done = defaultdict(dict)  # person and flow -> step -> seconds
    starts, reached = {}, set()
    for row in facts:
        place = (row["person_id"], row["flow"])
        starts[place] = row["flow_started_at"]
        if row["occurred_at"] - row["flow_started_at"] <= ONBOARDING:
            if row["role"] == "step":
                done[place][row["step"]] = row["seconds_since_start"]
            elif row["role"] == "goal":
                reached.add(place)

    found = []
    for place, started_at in starts.items():
        steps = steps_of[place[1]]
        # whole seconds from the start, so that the steps' add up to the flow's
        took, before = {}, 0
        for step, seconds in sorted(done[place].items(), key=lambda one: (one[1], one[0])):
            took[step], before = seconds - before, seconds
        required = [row["step"] for row in steps if is_true(row["is_required"])]
        is_complete = all(step in took for step in required)
        seconds = max((done[place][s] for s in required if is_complete), default=None)
        of_steps = [
            (row["step"], int(row["step_number"]), row["step"] in took, took.get(row["step"]))
            for row in steps
        ]
        of_flow = [("all", 0, is_complete, seconds)] if steps else []
        found += [
            {
                "onboarding_outcome_id": key(*place, step),
                "person_id": place[0],
                "flow": place[1],
                "flow_started_at": started_at,
                "step": step,
                "step_number": number,
                "is_done": is_done,
                "step_seconds": step_seconds,
                "has_reached_goal": place in reached,
            }
            for step, number, is_done, step_seconds in (*of_steps, *of_flow)
        ]
    return found
