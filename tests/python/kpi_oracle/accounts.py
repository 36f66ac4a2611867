"""The same questions of organisations: an account does what its members do."""

from .activation import active_daily
from .adoption import feature_adoption_of, feature_uses
from .retention import RETENTION_KEYS, retention_of
from .words import SEGMENT, Facts, Frame, kpi, month_of


def _cuts(facts: Facts) -> Frame:
    return facts["bridge_account_segments"][["account_id", *SEGMENT]]


@kpi("kpi_active_accounts_daily", "date_day", *SEGMENT)
def active_accounts_daily(facts: Facts) -> Frame:
    days = facts["fct_account_days"].merge(_cuts(facts), on="account_id")
    return active_daily(facts, days, "account_id")


@kpi("kpi_account_feature_adoption", "feature", "month_start_date", *SEGMENT)
def account_feature_adoption(facts: Facts) -> Frame:
    days = facts["fct_account_days"]
    active = days[["account_id"]].assign(month_start_date=month_of(days["active_date"]))
    members = facts["dim_persons"][["person_id", "account_id"]].dropna()
    uses = feature_uses(facts).merge(members, on="person_id")
    return feature_adoption_of(facts, active.drop_duplicates(), uses, _cuts(facts), "account_id")


@kpi("kpi_account_retention_cohorts", *RETENTION_KEYS, "period_offset")
def account_retention_cohorts(facts: Facts) -> Frame:
    starts, returns = facts["fct_account_retention_starts"], facts["fct_account_retention_returns"]
    return retention_of(facts, starts, returns, _cuts(facts), "account_id")
