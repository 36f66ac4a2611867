"""Do the tests notice when the models are wrong? `make mutants`.

Each mutant breaks the project in one place, in a copy of it, and runs the tests that are to notice.
One that no test notices has survived: either a test is missing, or the place does not matter, and
then EXPLAINED says why.

    python tests/python/mutants.py                    # all, two at a time
    python tests/python/mutants.py --only watermark   # those with the word in their name
    python tests/python/mutants.py --check            # does each one still find its place?
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVENTS, IDENTITY, SESSIONS, JOURNEY, CONVERSIONS = (
    f"models/intermediate/{folder}/int_"
    for folder in ("events", "identity", "sessions", "journey", "conversions")
)
MARTS = "models/marts/"
FUNNELS = "models/intermediate/funnels/int_funnel_"
CANONICAL, CORE = "models/intermediate/canonical/int_", "models/marts/core/"
LEDGER, GRAPH = "macros/incremental/ledger.sql", "macros/graph/connected_components.sql"
RECORDS = "macros/canonical/records.sql"

# What is run for each mutant, until something fails. Most are noticed by the oracle, which needs
# one build of one delivery, or by that of the KPIs, which needs one of the sample; what only
# incremental builds do wrong is for the others.
ORACLE = ("tests/python/test_differential.py", "-k", "oracle")
SUITES = (
    ORACLE,
    ("tests/python/test_kpi_oracle.py", "tests/python/test_sample_company.py"),
    ("tests/python/test_malformed.py", "tests/python/test_event_rules.py"),
    ("tests/python/test_differential.py", "-k", "not oracle"),
    ("tests/python/test_identity.py", "-k", "not hard_graph or many_pairs"),
    ("tests/python/test_changed_loads.py", "tests/python/test_partial_builds.py"),
)
WORLDS, SPLITS = "40", "2"
SHARE_CAUGHT = 0.95
MINUTES = 15  # a mutant that hangs is caught too: somebody would notice
# one that multiplies rows fails for want of room; the machine does not
MEMORY, SPILL = "3GB", "4GB"


@dataclass(frozen=True)
class Mutant:
    name: str
    path: str
    old: str
    new: str
    place: int = 0  # of several equal places, which

    def of(self, text: str) -> str:
        """The text with the one place changed."""
        parts = text.split(self.old)
        if len(parts) <= self.place + 1:
            raise ValueError(f"{self.name}: {self.path} does not hold `{self.old}` any more")
        at = self.place + 1
        return self.old.join(parts[:at]) + self.new + self.old.join(parts[at:])


def m(name: str, path: str, old: str, new: str, place: int = 0) -> Mutant:
    return Mutant(name, path if path.endswith((".sql", ".csv")) else f"{path}.sql", old, new, place)


MUTANTS = (
    # ---- loads and keys
    m("a grown load is not seen", CANONICAL + "loads_pending",
      "where seen_row_count is null or row_count <> seen_row_count or newest_us <> seen_newest_us",
      "where seen_row_count is null"),
    m("a row changed in place is not seen", CANONICAL + "loads_pending",
      " or newest_us <> seen_newest_us", ""),
    m("a watermark instead of the ledger", CANONICAL + "loads_pending",
      "where seen_row_count is null or row_count <> seen_row_count or newest_us <> seen_newest_us",
      "where load_id > coalesce((select max(seen.load_id) from seen), '')"),
    m("a load taken away is not noticed", CANONICAL + "loads_pending",
      "        select * from vanished\n", "        select * from vanished where 1 = 0\n"),
    m("a load is written twice", LEDGER,
      "where source_table || '|' || load_id in (select", "where 1 = 0 and load_id in (select"),
    m("old rows of a key stay", LEDGER, "delete from {{ this }} where {{ key }} in (",
      "delete from {{ this }} where 1 = 0 and {{ key }} in ("),
    m("what a killed build wrote down of replaced rows goes", LEDGER,
      "        {% if is_delta() -%}\n        where source_table",
      "        {% if false -%}\n        where source_table"),
    m("a replaced event is nobody's news", EVENTS + "dirty_events",
      "    where offer = 'events'\n", "    where 1 = 0\n"),
    m("whom a replaced version named is forgotten", EVENTS + "dirty_records",
      "    where offer not in ('events', 'identity_evidence')\n", "    where 1 = 0\n"),
    m("what is no longer seen together stays together", IDENTITY + "dirty_identifiers",
      "    where offer = 'identity_evidence'\n", "    where 1 = 0\n"),
    m("where a replaced copy stood is forgotten", SESSIONS + "dirty_endpoints",
      "    where offer = 'events'\n", "    where 1 = 0\n"),
    m("whom a replaced copy named is forgotten", IDENTITY + "dirty_persons",
      "    where offer = 'events'\n", "    where 1 = 0\n"),
    m("a model that was built alone has seen the loads", LEDGER,
      "{{ return(unmade | length == 0) }}", "{{ return(true) }}"),
    m("a full refresh that died is over", LEDGER,
      "('1 = 1' if is_start", "('1 = 0' if is_start"),
    m("a block that a killed build did not come to is forgotten", IDENTITY + "dirty_identifiers",
      "        select * from blocked\n        except",
      "        select * from blocked where 1 = 0\n        except"),
    m("links blocked by a build that died stay so", IDENTITY + "dirty_identifiers",
      "    where links.is_blocked <> (blocked.identifier_a is not null)\n", "    where 1 = 0\n"),
    m("the log begins nowhere", IDENTITY + "identity_changes",
      "select coalesce(max(change_number), 0) as", "select max(change_number) as"),
    m("only winners name dirty endpoints", SESSIONS + "dirty_endpoints",
      "    from touched_copies\n", "    from touched_copies where 1 = 0\n"),
    m("a changed record leaves its old endpoint as it was", SESSIONS + "dirty_endpoints",
      "    from {{ ref('int_dirty_records') }}\n",
      "    from {{ ref('int_dirty_records') }} where 1 = 0\n"),
    m("only a version that says when it was changed touches a record", EVENTS + "dirty_records",
      "            and versions.load_id = pending.load_id\n",
      "            and versions.load_id = pending.load_id and versions.updated_at is not null\n"),
    m("only people of the newest version are touched", EVENTS + "dirty_records",
      "    from {{ offer }} as versions\n    inner join {{ offer }}_touched",
      "    from (select * from {{ offer }} where updated_at = (select max(newest.updated_at)"
      " from {{ offer }} as newest where newest.{{ shape.key_column }} ="
      " {{ offer }}.{{ shape.key_column }})) as versions\n    inner join {{ offer }}_touched"),
    m("two fates for a second copy", CANONICAL + "row_fates", "when row_rank = 1 then 'accepted'",
      "when row_rank <= 2 then 'accepted'"),
    m("a copy is counted once more", EVENTS + "event_duplicates", "count(*) as copy_count",
      "count(*) + 1 as copy_count"),
    # ---- events
    m("the last copy received wins", "macros/canonical/copies.sql",
      "received_at asc nulls last", "received_at desc nulls last"),
    m("copies received together are told apart by load", "macros/canonical/copies.sql",
      "                {{ event_content_hash() }} asc,\n", ""),
    m("the oldest version of a record stands", RECORDS,
      "updated_at desc nulls last", "updated_at asc nulls last"),
    m("a version without a clock is the newest", RECORDS,
      "updated_at desc nulls last", "updated_at desc nulls first"),
    m("versions updated together are told apart by load", RECORDS,
      "{{ key_of(record_content(record_offers()[offer])) }} desc, ", ""),
    m("a flag is no part of what a version says", RECORDS,
      "return(\"case when \" ~ name ~ \" then 'true' when not \" ~ name"
      " ~ \" then 'false' end\")", "return(\"''\")"),
    m("who is named is no part of an exposure's key", RECORDS,
      "'exposed_at', 'user_id', 'customer_id', 'email_hash', 'phone_hash', 'device_id',"
      " 'anonymous_id'],", "'exposed_at'],"),
    m("whether a machine opened is not told", RECORDS, "'cta', 'is_machine']", "'cta']"),
    m("an accepted offer brings nothing", RECORDS,
      "'at': 'accepted_at', 'amount': 'amount',", "'at': 'accepted_at',"),
    m("what is no flag is a no", RECORDS, "then false end as", "else false end as"),
    m("an answer may come before its question", RECORDS, "'responded_at < invited_at'",
      "'1 = 0'"),
    m("eleven of ten", RECORDS, "when 'nps' then 10", "when 'nps' then 11"),
    m("the last rule wins", EVENTS + "events_classified",
      "        min(rule_number) as rule_number\n\n    from candidates",
      "        max(rule_number) as rule_number\n\n    from candidates"),
    m("a rule that looks at the event comes last", EVENTS + "events_classified",
      "coalesce(property_matches.rule_number, name_matches.rule_number)",
      "coalesce(name_matches.rule_number, property_matches.rule_number)"),
    m("a rule that looks at the event comes first", EVENTS + "events_classified",
      "candidates.rule_number < name_matches.rule_number", "true"),
    m("traffic is excluded for one reason of two", EVENTS + "events_classified",
      "as integer) = least(", "as integer) = coalesce("),
    m("excluded traffic counts", SESSIONS + "events_sessionized", "suppression_reason is null",
      "event_id is not null"),
    m("server events are interactive", EVENTS + "events_classified",
      "coalesce(events_named.event_type, '') <> 'server'", "true"),
    m("a cancellation is no event", RECORDS,
      "{'slot': 'subscription_cancelled', 'at': 'cancelled_at', 'amount': 'mrr_amount'}", ""),
    m("the client's clock is believed", "macros/canonical/finish_drafts.sql",
      " ~ ' + ' ~ epoch_us('received_at') ~ ' - ' ~ epoch_us('sent_at')", ""),
    m("next year is plausible", "macros/canonical/finish_drafts.sql", "86400\n", "86400 * 400\n"),
    # ---- sessions
    m("a gap of exactly the timeout goes on", SESSIONS + "events_sessionized",
      ") < {{ timeout_us }} then 0", ") <= {{ timeout_us }} then 0"),
    m("ties in time are broken by nothing", SESSIONS + "events_sessionized",
      "        first_value(event_id) over session_in_order as first_event_id",
      "        max(event_id) over (partition by endpoint_id, run_started_us, block_number,"
      " occurred_us) as first_event_id"),
    m("no cap on long sessions", SESSIONS + "events_sessionized", "{% if cap_us > 0 -%}",
      "{% if cap_us > 0 and false -%}"),
    m("only who was named before is logged in", SESSIONS + "events_sessionized",
      "            {{ first_not_null('user_identifier_id') }} over session_from_here,\n", ""),
    m("an event's session is that of any endpoint", SESSIONS + "events_sessionized",
      "md5(events.endpoint_id || '|' || events_in_sessions.first_event_id)",
      "md5(events_in_sessions.first_event_id)"),
    m("the landing page is the second page", SESSIONS + "events_sessionized",
      "over session_up_to_here = 1 as", "over session_up_to_here = 2 as"),
    m("eleven seconds are needed to be engaged", CORE + "fct_sessions",
      "> 10 * 1000000", "> 11 * 1000000"),
    # ---- identity
    m("a neighbourhood is not resolved anew", IDENTITY + "dirty_identifiers",
      "inner join all_touched on touched_before.identifier_id = all_touched.identifier_id",
      "inner join all_touched on touched_before.identifier_id = all_touched.identifier_id"
      " and 1 = 0"),
    m("an overused address merges", IDENTITY + "identity_strong_clusters",
      "may_merge_strong and not is_overused", "may_merge_strong"),
    m("two users on a device do not make it shared", IDENTITY + "identifiers_attached",
      "coalesce(cluster_counts.cluster_count, 0) > 1",
      "coalesce(cluster_counts.cluster_count, 0) > 2"),
    m("an ambiguous group goes to one of its people", IDENTITY + "identifiers_resolved",
      "when weak_component_clusters.cluster_count = 1 then 'strong:'",
      "when weak_component_clusters.cluster_count >= 1 then 'strong:'"),
    m("a person is called after any identifier", IDENTITY + "identifiers_resolved",
      "order by class_priority, identifier_id", "order by identifier_id"),
    m("a shared device keeps its events", IDENTITY + "events_identified",
      "endpoints.is_shared and events.session_user_identifier_id is not null",
      "endpoints.is_shared and 1 = 0"),
    m("who somebody was is not dirty", IDENTITY + "dirty_persons",
      "    select previous_person_id as person_id from identity_changes\n",
      "    select person_id from identity_changes\n"),
    m("a device that becomes shared dirties nobody", IDENTITY + "dirty_persons",
      "    where is_shared_changed\n", "    where is_shared_changed and 1 = 0\n"),
    m("whoever else is on a dirty endpoint stays as he was", IDENTITY + "dirty_persons",
      "    inner join endpoints on events.endpoint_id = endpoints.endpoint_id\n",
      "    inner join endpoints on events.endpoint_id = endpoints.endpoint_id and 1 = 0\n"),
    m("a component is called after its greatest node", GRAPH,
      "select label, min(node_id) as component_id", "select label, max(node_id) as component_id"),
    m("contraction forgets edges that have turned round", GRAPH,
      "    left join {{ mapping }} as mapping_b on edges.node_b = mapping_b.node_number\n"
      ") as contracted\nwhere node_a <> node_b",
      "    left join {{ mapping }} as mapping_b on edges.node_b = mapping_b.node_number\n"
      ") as contracted\nwhere node_a < node_b"),
    m("of a pair both are peeled", GRAPH,
      "where others.node_number is null or leaves.node_number > others.node_number",
      "where leaves.node_number is not null"),
    m("blocked links are used", IDENTITY + "identity_links",
      "blocked_links.identifier_a is not null as is_blocked", "false as is_blocked"),
    m("one end of a star of evidence is lost", IDENTITY + "identity_evidence",
      "    where {{ identifier_class }} is not null\n",
      "    where {{ identifier_class }} is not null and {{ quoted(member_cla"
      "ss) }} <> 'device_id'\n"),
    m("placeholders are told by their exact spelling", "macros/canonical/personal_data.sql",
      "    else lower({{ text }})\n", "    else {{ text }}\n"),
    # ---- the journey
    m("local days are UTC days", SESSIONS + "events_sessionized",
      "{{ local_date('events.occurred_at') }}", "cast(events.occurred_at as date)"),
    m("a habit may take a day longer", JOURNEY + "habits_formed",
      ") }} < {{ var('habit_window_days') | int }}",
      ") }} <= {{ var('habit_window_days') | int }}"),
    m("a habit needs a day less", JOURNEY + "habits_formed", "habit_days') | int - 1",
      "habit_days') | int - 2"),
    m("activity at the dormancy limit goes on", JOURNEY + "stage_stays",
      "coalesce(next_us < dormant_us and", "coalesce(next_us <= dormant_us and"),
    m("an exit comes before the activity of its moment", JOURNEY + "stage_stays",
      "order by occurred_us, is_exit\n            rows between unbounded preceding and 1 preceding",
      "order by occurred_us, is_exit desc\n            rows between unbounde"
      "d preceding and 1 preceding"),
    m("churn does not begin anew", JOURNEY + "stage_stays",
      "            partition by person_id, epoch_number\n", "            partition by person_id\n"),
    m("only a day's first activity counts", JOURNEY + "stage_points",
      "select person_id, last_event_at as occurred_at",
      "select person_id, first_event_at as occurred_at"),
    m("a stay that ends at as_of is open", CORE + "fct_stage_periods",
      "stays.ended_at > as_of.as_of_at", "stays.ended_at >= as_of.as_of_at"),
    m("a milestone is reached last", CORE + "fct_milestones",
      "            order by occurred_at, event_priority, event_id",
      "            order by occurred_at desc, event_priority, event_id"),
    m("conversions are numbered over all goals", CORE + "fct_conversions",
      "            partition by person_id, goal\n", "            partition by person_id\n"),
    m("a visit comes after what happens in it", CORE + "fct_touchpoints", "0 as touch_priority",
      "10000 as touch_priority"),
    # ---- conversions
    m("a rate holds from the day after", "macros/journey/money.sql",
      "and {{ day }} >= rates.valid_from", "and {{ day }} > rates.valid_from"),
    m("the first rate ever holds", CONVERSIONS + "fx_rates",
      "            order by rates.valid_from desc", "            order by rates.valid_from asc"),
    m("the last channel rule wins", CONVERSIONS + "traffic_sources",
      "min(cast(rules.rule_number as integer)) as rule_number",
      "max(cast(rules.rule_number as integer)) as rule_number"),
    m("a join of origins that fans out", "macros/journey/traffic.sql",
      "            and coalesce({{ alias }}.utm_campaign, '') = traffic.utm_campaign\n", ""),
    m("a click id is no paid click", CONVERSIONS + "traffic_sources",
      "'li_fat_id') then 'cpc'", "'li_fat_id') then null"),
    m("returns before the start count", "macros/journey/retention.sql",
      "            and starts.started_at <= points.occurred_at\n", ""),
    m("a cohort begins with the last start", "macros/journey/retention.sql",
      "min(occurred_at) as started_at", "max(occurred_at) as started_at"),
    # the KPI tables, which are held against the oracle in pandas
    m("six days for a mail to convert", MARTS + "acquisition/kpi_campaign_engagement",
      "'messages.reached_at', 7 * 86400", "'messages.reached_at', 6 * 86400"),
    m("what was gained counts as retained", MARTS + "activation/kpi_trial_subscription",
      "least(months.mrr_start_amount, months.mrr_end_amount)", "months.mrr_end_amount"),
    m("a week of six days", MARTS + "activation/kpi_active_persons_daily", "'wau': 7", "'wau': 6"),
    m("contacts counted as people", MARTS + "activation/kpi_support",
      "count(distinct contacts_in_rows.person_id)", "count(contacts_in_rows.person_id)"),
    m("the first of versions at one moment holds",
      "models/intermediate/conversions/int_subscription_values",
      "order by version_number desc", "order by version_number"),
    m("a checkout is never abandoned", "models/intermediate/conversions/int_checkout_events",
      ">= cast(86400 as bigint) * 1000000 then 1", "< 0 then 1"),
    m("who saw two variants counts", MARTS + "acquisition/kpi_experiment_results",
      "    where variant_count = 1\n", ""),
    m("on or after means after", "macros/journey/retention.sql",
      "bounded_cohorts.last_offset >= grid.period_offset",
      "bounded_cohorts.last_offset > grid.period_offset"),
    # ---- journeys, funnels, paths, attribution
    m("a trip ends at its entry event", JOURNEY + "journey_ends",
      "range between 1 following and unbounded following",
      "range between current row and unbounded following"),
    m("an exit at the timeout's moment is late", JOURNEY + "journey_prospects",
      "ends.end_us <= candidates.occurred_us", "ends.end_us < candidates.occurred_us"),
    m("the next trip waits for no pause", JOURNEY + "journey_admissions",
      "end_us + pause_us + case", "end_us + case"),
    m("the cap counts one too many", "macros/engine/arrays.sql",
      "len(walk.taken) < turn.cap", "len(walk.taken) <= turn.cap"),
    m("a readmission opens no door", JOURNEY + "journey_bars",
      "where barred.exclusion_place >= coalesce(barred.readmission_place, 0)",
      "where barred.exclusion_place is not null"),
    m("the step that ends a trip is not of it", JOURNEY + "journey_visits",
      "marks.place <= participations.end_place", "marks.place < participations.end_place"),
    m("a skipped step counts from the step before", MARTS + "journeys/fct_journey_steps",
      "visits.furthest_before < steps.step_number",
      "coalesce(visits.previous_step_number, 0) < steps.step_number"),
    m("two steps of a funnel share an event", FUNNELS + "links",
      "range between 1 following and unbounded following",
      "range between current row and unbounded following"),
    m("a strict step may be any later one", FUNNELS + "links",
      " or targets.place = pointed.place + 1", " or targets.place > pointed.place"),
    m("a step at the window's end is late", FUNNELS + "reached",
      "and before.limit_us >= step_{{ rank }}.to_us",
      "and before.limit_us > step_{{ rank }}.to_us"),
    m("the worst attempt is the best", MARTS + "journeys/fct_funnel_attempts",
      "case when is_excluded then 0 else step_count end desc",
      "case when is_excluded then 0 else step_count end asc"),
    m("repeats of a node are not collapsed", MARTS + "journeys/fct_path_steps",
      "when previous_node is null or node <> previous_node then",
      "when previous_node is null or node is not null then"),
    m("the last touch is the first", MARTS + "attribution/fct_attribution_credits",
      "case when touch_number = touch_count then 1e0 else 0e0 end",
      "case when touch_number = 1 then 1e0 else 0e0 end"),
    m("a channel's own loops are lost", "macros/journey/attribution.sql",
      "p_ik * p_kj / (1e0 - p_kk)", "p_ik * p_kj"),
    m("direct is a channel like others", MARTS + "attribution/fct_attribution_credits",
      "max(case when is_direct = 0 then touch_number end)", "max(touch_number)"),
    m("an open stay is not watched", MARTS + "journeys/kpi_stage_durations",
      "'not is_open'", "'true'"),
    m("what came after the outcome led to it", MARTS + "journeys/kpi_behaviour_drivers",
      "population.reached_at > early_events.occurred_at",
      "population.reached_at is not null"),
)  # fmt: skip

# name -> why no test can or should notice it
EXPLAINED: dict[str, str] = {}


@dataclass(frozen=True)
class Outcome:
    mutant: str
    caught_by: str | None
    seconds: float

    def __str__(self) -> str:
        what = f"caught by {self.caught_by}" if self.caught_by else "SURVIVED"
        return f"{self.seconds:5.0f} s  {self.mutant}: {what}"


def copy_of_project(folder: Path) -> Path:
    """What git knows of the project, as it stands in the working tree."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def notice(project: Path, suites=SUITES) -> str | None:
    """The first test that fails in a project, or None."""
    environment = {
        **os.environ,
        "JOURNEY_WORLDS": WORLDS,
        "JOURNEY_SPLITS": SPLITS,
        "JOURNEY_MEMORY_LIMIT": MEMORY,
        "JOURNEY_SPILL_LIMIT": SPILL,
    }
    for suite in suites:
        loads = {"JOURNEY_LOADS": "1"} if suite == ORACLE else {}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *suite]
        try:
            done = subprocess.run(
                [*command, f"--basetemp={project.parent / 'pytest'}"],
                cwd=project,
                env={**environment, **loads},
                capture_output=True,
                text=True,
                timeout=MINUTES * 60,
            )
        except subprocess.TimeoutExpired:
            return f"{suite[0]} (not done in {MINUTES} minutes)"
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest itself failed in {project}:\n{done.stdout[-2000:]}")
        if done.returncode == 1:
            found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
            return found[1].rpartition("/")[2] if found else suite[0]
    return None


def attempt(mutant: Mutant) -> Outcome:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant_") as temporary:
        project = copy_of_project(Path(temporary) / "project")
        path = project / mutant.path
        path.write_text(mutant.of(path.read_text()))
        return Outcome(mutant.name, notice(project), time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="those with this word in their name")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="look for the places, run nothing")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant.name]
    for mutant in chosen:
        text = (ROOT / mutant.path).read_text()
        if mutant.of(text) == text:
            sys.exit(f"{mutant.name}: changes nothing")
    if arguments.check:
        print(f"{len(chosen)} mutants, each finds its place")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutant_") as temporary:
        failing = notice(copy_of_project(Path(temporary) / "project"))
        if failing:
            sys.exit(f"the project fails as it is: {failing}; mend it first")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = []
        for job in as_completed([pool.submit(attempt, mutant) for mutant in chosen]):
            outcomes.append(job.result())
            print(outcomes[-1], flush=True)
    survivors = [each.mutant for each in outcomes if each.caught_by is None]
    caught = len(outcomes) - len(survivors)
    print(f"\n{caught} of {len(outcomes)} mutants caught ({caught / len(outcomes):.1%})")
    for name in survivors:
        print(f"  survived: {name}: {EXPLAINED.get(name, 'not explained: a test is missing')}")
    unexplained = [name for name in survivors if name not in EXPLAINED]
    return 1 if unexplained or caught < SHARE_CAUGHT * len(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
