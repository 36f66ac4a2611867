"""Where a built table is known to be wrong by its own definition, and why."""

from dataclasses import dataclass

from .compare import View
from .words import Frame


@dataclass(frozen=True)
class Known:
    table: str
    view: View
    reason: str


KNOWN = [
    Known(
        "kpi_checkout_abandonment",
        View(rows=(("step", "payment_entered"),)),
        "a checkout whose last step is the failed payment has entered the payment before: the two "
        "have one step_number, and only a greater one counts",
    ),
    Known(
        "kpi_expansion",
        View(columns=("seat_count",)),
        "rows of all types of offers have 0 seats, whatever was accepted",
    ),
    Known(
        "kpi_experiment_results",
        View(
            columns=(*("amount_standard_deviation", "t_statistic", "p_value"),),
            rows=(("metric", "revenue"),),
        ),
        "the squares are of amounts rounded to cents, the sums are not",
    ),
    Known(
        "kpi_experiment_results",
        View(columns=("adjusted_p_value",)),
        "one p of each experiment is that of revenue",
    ),
    Known(
        "kpi_support",
        View(columns=("contact_rate_lower", "contact_rate_upper")),
        "greatest and least pass over NULL: an unknown rate has the bounds 0 and 1",
    ),
    Known(
        "kpi_support",
        View(columns=("cost_amount", "cost_per_active_amount")),
        "no contact costs nothing, once sources tell of contacts; the table says NULL",
    ),
    Known(
        "kpi_advocacy",
        View(columns=("active_count", "k_factor")),
        "the description says people active in the period, the table counts the known ones",
    ),
]


# what only the worlds of test_differential.py show
KNOWN_OF_WORLDS = [
    Known(
        "kpi_session_frequency",
        View(rows=(("stage", "all"),)),
        "a session that begins in no stage (just as one ends) is not counted in all either",
    ),
    Known(
        "kpi_session_frequency",
        View(rows=(("stage", "(none)"),)),
        "sessions that begin in no stage are nowhere",
    ),
    Known(
        "kpi_acquisition_daily",
        View(columns=("click_through_rate_lower", "click_through_rate_upper")),
        "more clicks than impressions are no share: it has no bounds, and none of 3.6 and 1",
    ),
    Known(
        "kpi_expansion",
        View(columns=("accepted_30d_is_mature",)),
        "thirty days are over after thirty days, as in all other tables, not after thirty-one",
    ),
]


def without_known(table: str, frame: Frame, of_worlds: bool = False) -> Frame:
    for known in [*KNOWN, *(KNOWN_OF_WORLDS if of_worlds else [])]:
        if known.table == table:
            frame = known.view.left_out_of(frame)
    return frame
