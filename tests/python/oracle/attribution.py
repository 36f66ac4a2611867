"""Which visits a conversion is owed to: its touches, what a channel is worth, credit by each rule.

What is lost without a channel is solved as a linear system (numpy), not by eliminating states.
"""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import numpy as np

from .words import Row, Settings, key, pick, whole_seconds

DIRECT, UNATTRIBUTED = "Direct", "(unattributed)"
START, CONVERSION, NOTHING = "(start)", "(conversion)", "(null)"
DAY_SECONDS = 86_400
CONVERSION_COLUMNS = ("conversion_id", "goal", "person_id")
TOUCH_COLUMNS = (
    *("touchpoint_id", "touched_at", "channel_group", "source", "medium", "campaign"),
    *("touch_number", "touch_count"),
)


def visits_of(touchpoints: list[Row], settings: Settings) -> dict[str, list[Row]]:
    """Person -> sessions in the order of touches."""
    found = defaultdict(list)
    for row in sorted(touchpoints, key=lambda row: row["touch_number"]):
        if row["touchpoint_type"] == "session" and row["occurred_at"] <= settings.as_of:
            found[row["person_id"]].append(row)
    return found


def reached(conversions: list[Row], settings: Settings) -> list[Row]:
    return [row for row in conversions if row["occurred_at"] <= settings.as_of]


def touches(conversions: list[Row], touchpoints: list[Row], settings: Settings) -> list[Row]:
    lookback = timedelta(days=settings.attribution_lookback_days)
    visits, found = visits_of(touchpoints, settings), []
    for conversion in reached(conversions, settings):
        at = conversion["occurred_at"]
        seen = [
            visit
            for visit in visits[conversion["person_id"]]
            if timedelta(0) <= at - visit["occurred_at"] <= lookback
        ]
        if settings.attribution_direct == "when_alone":
            seen = [visit for visit in seen if visit["channel_group"] != DIRECT] or seen
        found += [
            {
                "attribution_touch_id": key(conversion["conversion_id"], visit["touchpoint_id"]),
                **pick(conversion, CONVERSION_COLUMNS),
                "converted_at": at,
                "converted_date": conversion["occurred_date"],
                "amount": conversion["amount"],
                **pick(visit, ("touchpoint_id", "channel_group", "source", "medium", "campaign")),
                "touched_at": visit["occurred_at"],
                "touch_number": number,
                "touch_count": len(seen),
            }
            for number, visit in enumerate(seen, 1)
        ]
    return found


def by_conversion(touched: list[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in sorted(touched, key=lambda row: row["touch_number"]):
        found[row["conversion_id"]].append(row)
    return found


# ---------------------------------------------------------------- what is lost without a channel


def roads(goal: str, touched: list[Row], visits: dict[str, list[Row]]) -> list[tuple]:
    """(channels, end) of each conversion, and of each person what led to none."""
    of_goal = [row for row in touched if row["goal"] == goal]
    used = {row["touchpoint_id"] for row in of_goal}
    found = [
        ([row["channel_group"] for row in rows], CONVERSION)
        for rows in by_conversion(of_goal).values()
    ]
    for of_person in visits.values():
        in_vain = [v["channel_group"] for v in of_person if v["touchpoint_id"] not in used]
        if in_vain:
            found.append((in_vain, NOTHING))
    return found


def removal_effects(taken: list[tuple], channels: list[str]) -> dict[str, float | None]:
    """Of each channel the share of conversions that is lost, if who goes there is lost."""
    steps = Counter()
    for passed, end in taken:
        steps.update(pairwise([START, *passed, end]))
    place = {state: number for number, state in enumerate([START, *channels])}
    leaves, arrives = np.zeros((len(place), len(place))), np.zeros(len(place))
    left = Counter()
    for (here, _), count in steps.items():
        left[here] += count
    for (here, there), count in steps.items():
        share = count / left[here]
        if there in place:
            leaves[place[here], place[there]] = share
        elif there == CONVERSION:
            arrives[place[here]] = share

    def chance(without=None):
        going = leaves.copy()
        if without is not None:
            going[:, place[without]] = 0
        return np.linalg.solve(np.eye(len(place)) - going, arrives)[place[START]]

    if not any(end == CONVERSION for _, end in taken):
        return dict.fromkeys(channels)
    whole = chance()
    return {channel: float(1 - chance(channel) / whole) for channel in channels}


def weights(
    conversions: list[Row], touched: list[Row], touchpoints: list[Row], settings: Settings
) -> list[Row]:
    """Of every goal that anybody has reached, every channel that anybody came by."""
    visits = visits_of(touchpoints, settings)
    channels = sorted({visit["channel_group"] for seen in visits.values() for visit in seen})
    return [
        {
            "attribution_weight_id": key(goal, channel),
            "goal": goal,
            "channel_group": channel,
            "removal_effect": effect,
        }
        for goal in sorted({row["goal"] for row in reached(conversions, settings)})
        for channel, effect in removal_effects(roads(goal, touched, visits), channels).items()
    ]


# ---------------------------------------------------------------- rules


def by_position(first: float, middle: float, last: float):
    """So many parts to the ends, the rest evenly between; two share in the ends' proportion."""

    def shares(seen, *_):
        if len(seen) == 1:
            return [1.0]
        if len(seen) == 2:
            return [first / (first + last), last / (first + last)]
        between = len(seen) - 2
        parts = [first, *[middle / between] * between, last]
        return [part / (first + middle + last) for part in parts]

    return shares


def only_at(number: int, count: int) -> list[float]:
    return [float(at == number % count) for at in range(count)]


def last_non_direct(seen, *_):
    others = [at for at, row in enumerate(seen) if row["channel_group"] != DIRECT]
    return only_at(others[-1] if others else -1, len(seen))


def time_decay(seen, _, settings):
    half_life = settings.attribution_half_life_days * DAY_SECONDS
    ages = [whole_seconds(row["touched_at"], row["converted_at"]) for row in seen]
    return in_proportion([0.5 ** (age / half_life) for age in ages])


def participation(seen, *_):
    channels = [row["channel_group"] for row in seen]
    return [float(channels.index(channel) == at) for at, channel in enumerate(channels)]


def markov(seen, effects, _):
    return by_channel(seen, {channel: max(effect or 0, 0) for channel, effect in effects.items()})


def shapley(seen, *_):
    """A conversion is the game that is won if all its channels are there: all weigh the same."""
    return by_channel(seen, dict.fromkeys({row["channel_group"] for row in seen}, 1))


def by_channel(seen: list[Row], worth: dict[str, float]) -> list[float]:
    """In proportion to the channels' worth, each channel's part evenly over its touches."""
    times = Counter(row["channel_group"] for row in seen)
    parts = in_proportion([worth[channel] for channel in times])
    part_of = dict(zip(times, parts, strict=True))
    return [part_of[row["channel_group"]] / times[row["channel_group"]] for row in seen]


def in_proportion(worth: list[float]) -> list[float]:
    whole = sum(worth)
    return [one / whole if whole else 1 / len(worth) for one in worth]


RULES = {
    "first": lambda seen, *_: only_at(0, len(seen)),
    "last": lambda seen, *_: only_at(-1, len(seen)),
    "last_non_direct": last_non_direct,
    "linear": lambda seen, *_: in_proportion([1] * len(seen)),
    "u_shaped": by_position(40, 20, 40),
    "j_shaped": by_position(20, 20, 60),
    "inverse_j": by_position(60, 20, 20),
    "time_decay": time_decay,
    "participation": participation,
    "markov": markov,
    "shapley": shapley,
}


def credits(
    conversions: list[Row], touched: list[Row], weighed: list[Row], settings: Settings
) -> list[Row]:
    """Each conversion's credit by each rule; without touches it is owed to nobody."""
    effects = defaultdict(dict)
    for row in weighed:
        effects[row["goal"]][row["channel_group"]] = row["removal_effect"]
    seen_by, found = by_conversion(touched), []
    nobody = {**dict.fromkeys(TOUCH_COLUMNS), "channel_group": UNATTRIBUTED, "touch_count": 0}
    for conversion in reached(conversions, settings):
        conversion_id, amount = conversion["conversion_id"], conversion["amount"]
        seen = seen_by[conversion_id]
        for rule, shares in RULES.items():
            parts = shares(seen, effects[conversion["goal"]], settings) if seen else [1.0]
            found += [
                {
                    "attribution_credit_id": key(conversion_id, touch["touchpoint_id"] or "", rule),
                    **pick(conversion, CONVERSION_COLUMNS),
                    "rule": rule,
                    "is_additive": rule != "participation",
                    "converted_at": conversion["occurred_at"],
                    "converted_date": conversion["occurred_date"],
                    **pick(touch, TOUCH_COLUMNS),
                    "credit": credit,
                    "credited_amount": None if amount is None else credit * float(amount),
                }
                for touch, credit in zip(seen or [nobody], parts, strict=True)
                if credit
            ]
    return found
