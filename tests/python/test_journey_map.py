"""The six questions of analyses/journey_map, asked of the sample company.

Each answer is held against numbers that are counted here from the facts, in another way.
"""

from __future__ import annotations

import pytest
from harness import ROOT

QUESTIONS = sorted(path.stem for path in (ROOT / "analyses" / "journey_map").glob("*.sql"))


@pytest.fixture(scope="module")
def answers(sample_company) -> dict[str, list[dict]]:
    bench = sample_company.bench
    return {
        name: bench.rows(
            bench.rendered((ROOT / "analyses" / "journey_map" / f"{name}.sql").read_text())
        )
        for name in QUESTIONS
    }


def one(bench, query: str):
    ((value,),) = (row.values() for row in bench.rows(query))
    return value


def test_every_question_has_an_answer(answers):
    assert len(QUESTIONS) == 6
    for name, rows in answers.items():
        assert len(rows) >= 3, name
        for row in rows:
            shares = [value for column, value in row.items() if column.endswith("_share")]
            assert all(share is None or 0 <= share <= 1 for share in shares), (name, row)


def test_people_who_never_activate_are_all_stuck_somewhere(answers, sample_company):
    rows = answers["where_people_who_never_activate_get_stuck"]
    stuck = one(
        sample_company.bench,
        """select count(*) from marts.fct_journey_participations
        where journey = 'onboarding' and exit_type in ('exit_rule', 'timed_out', 'cancelled')
        and person_id in (select person_id from marts.dim_persons where activated_at is null)""",
    )
    assert sum(row["trip_count"] for row in rows) == stuck > 100
    for version in (1, 2):
        of_version = [row for row in rows if row["version"] == version]
        assert sum(row["stuck_share"] for row in of_version) == pytest.approx(1)
        assert of_version == sorted(of_version, key=lambda row: -row["trip_count"])


def test_a_step_that_the_successful_skip_is_skipped_by_as_many_of_them(answers, sample_company):
    rows = answers["which_steps_the_successful_skip"]
    for row in rows:
        assert 0 <= row["skipped_by_successful_count"] <= row["successful_count"]
    skips = one(
        sample_company.bench,
        """select sum(skip_count) from marts.fct_journey_participations
        where is_goal_met and is_goal_mature""",
    )
    assert sum(row["skipped_by_successful_count"] for row in rows) == skips > 0


def test_promoters_and_detractors_are_those_of_the_survey(answers, sample_company):
    rows = answers["what_the_most_satisfied_do_differently"]
    for group in ("promoter", "detractor"):
        count = one(
            sample_company.bench,
            f"""select count(*) from marts.fct_survey_responses
            where survey_type = 'nps' and score_group = '{group}'""",
        )
        assert {row[f"{group}_count"] for row in rows} == {count}
    sessions = next(row for row in rows if row["thing"] == "sessions")
    assert sessions["promoter_mean"] * sessions["promoter_count"] == pytest.approx(
        one(
            sample_company.bench,
            """select count(*) from marts.fct_survey_responses as answers
            join marts.fct_sessions as sessions using (person_id)
            where answers.score_group = 'promoter' and answers.survey_type = 'nps'
            and sessions.started_at < answers.responded_at
            and sessions.started_at >= answers.responded_at - interval 90 days""",
        )
    )


def test_every_pair_of_contacts_is_one_way_of_changing_the_channel(answers, sample_company):
    rows = {row["way"]: row for row in answers["what_a_channel_switch_costs"]}
    assert set(rows) == {"from digital to assisted", "to another channel", "the same channel"}
    pairs = one(
        sample_company.bench,
        """select count(*) from marts.fct_channel_visits
        where occurred_at - previous_contact_at <= interval 30 days""",
    )
    assert sum(row["contact_count"] for row in rows.values()) == pairs
    assert rows["from digital to assisted"]["support_cost_amount"] > 0


def test_the_dearest_path_costs_most(answers):
    costs = [row["support_cost_per_path_amount"] for row in answers["which_path_is_dear"]]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 0


def test_every_rule_shares_out_all_of_the_credit(answers):
    rows = answers["which_touch_deserves_the_credit"]
    for column in rows[0]:
        if column.endswith("_share"):
            assert sum(row[column] for row in rows) == pytest.approx(1)
