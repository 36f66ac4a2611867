"""People that can be justified: each rule of identity as a story, its log, its reasons, its limits.

All stories live in one data set, told apart by their names, and are built once; what comes later is
delivered into it and built incrementally.
"""

from __future__ import annotations

import csv
import math
import random
import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest
from harness import JOURNEYS, ROOT, Bench, assert_equal_tables
from worlds import AS_OF, DAY, RawRow, Stage, as_raw

CHAIN, HUB = 10_000, 5_000


def story(name: str) -> Stage:
    stage = Stage(name, "fixed")
    stage.now = AS_OF - 700 * DAY
    return stage


def loaded(stages: Iterable[Stage], load: int) -> list[RawRow]:
    """The rows told since the last call, as rows of one load."""
    rows = []
    for stage in stages:
        rows += [
            replace(row, load_id=f"load-{load}", loaded_at=AS_OF - 60 * DAY + load * DAY)
            for row in stage.rows
        ]
        stage.rows.clear()
    return rows


class People:
    """What a bench knows of identifiers, by class and value."""

    def __init__(self, bench: Bench):
        self.of = {
            (row["identifier_class"], row["identifier_value"]): row
            for row in bench.rows("intermediate.int_identifiers_resolved")
        }

    def person(self, value: str) -> str:
        found = {row["person_id"] for (_, name), row in self.of.items() if name == value}
        assert len(found) == 1, f"{value}: {found or 'never seen'}"
        return found.pop()

    def row(self, value: str) -> dict:
        return next(row for (_, name), row in self.of.items() if name == value)

    def are_one(self, *values: str) -> bool:
        return len({self.person(value) for value in values}) == 1

    def members(self, person_id: str) -> int:
        return sum(row["person_id"] == person_id for row in self.of.values())


def authors(bench: Bench, stage: Stage) -> dict[str, str]:
    """Raw event id -> person, of the events of a story."""
    query = f"""select classified.raw_event_id, events.person_id
        from marts.fct_events as events
        inner join (select distinct event_id, raw_event_id
            from staging.stg_segment__events) as classified using (event_id)
        where classified.raw_event_id like '{stage.name}-%'"""
    return {row["raw_event_id"]: row["person_id"] for row in bench.rows(query)}


# ---------------------------------------------------------------- the stories


def late_login() -> Stage:
    s = story("late_login")
    s.track("page_seen", s.a("anon"))
    s.now += 600 * DAY
    s.track("logged_in", s.a("anon"), s.a("user"))
    return s


def long_chain() -> Stage:
    s = story("long_chain")
    for number in range(CHAIN // 2):
        s.identify(user=s.a("user", number), email=f"chain{number}@chain.example")
        s.identify(user=s.a("user", number), email=f"chain{number + 1}@chain.example")
    return s


def great_hub() -> Stage:
    s = story("great_hub")
    for number in range(HUB):
        s.track("used", s.a("anon"), s.a("user", number))
    return s


def two_users(name: str) -> Stage:
    s = story(name)
    for number in (1, 2):
        s.track("used", s.a("anon", number), s.a("user", number))
        s.identify(s.a("anon", number), s.a("user", number))
    # both were seen on the tablet in the kitchen, which merges nobody
    s.track("used", s.a("tablet"), s.a("user", 1))
    s.track("used", s.a("tablet"), s.a("user", 3))
    s.track("used", s.a("anon", 3), s.a("user", 3))
    return s


def shared_device() -> Stage:
    s = story("shared_device")
    s.track("looked", s.a("tablet"), at=s.now)  # before the first login, same session
    s.track("used", s.a("tablet"), s.a("user", 1), at=s.now + timedelta(minutes=1))
    s.track("looked", s.a("tablet"), at=s.now + timedelta(minutes=2))
    s.now += DAY
    s.track("used", s.a("tablet"), s.a("user", 2), at=s.now)
    s.track("looked", s.a("tablet"), at=s.now + timedelta(minutes=1))
    s.now += DAY
    s.track("looked", s.a("tablet"), at=s.now)  # nobody logs in
    return s


def kiosk() -> Stage:
    s = story("kiosk")
    s.track("used", s.a("tablet"), s.a("user", 1), at=s.now)
    s.now += DAY
    s.track("looked", s.a("tablet"), at=s.now - timedelta(minutes=50))  # a session of its own
    s.track("looked", s.a("tablet"), at=s.now)
    s.track("used", s.a("tablet"), s.a("user", 2), at=s.now + timedelta(minutes=1))
    return s


E_MAILS = (
    "Anna.Berg@Normal.Example",
    " anna.berg@normal.example ",
    "anna.berg+shop@normal.example",
    "ANNA.BERG+news@NORMAL.EXAMPLE",
    "\u00a0anna.berg@normal.example\u200b",
)


def written_e_mails() -> Stage:
    s = story("written_e_mails")
    for number, address in enumerate(E_MAILS):
        s.identify(s.a("anon", number), s.a("user", number), email=address)
    s.identify(s.a("anon", 90), s.a("user", 90), email="anna.berg@normal.example.org")
    return s


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 65248) if "!" <= c <= "~" else c for c in text)


def placeholder_values() -> list[str]:
    with open(ROOT / "seeds/taxonomy/placeholder_identifiers.csv", newline="") as file:
        listed = [row["value"] for row in csv.DictReader(file) if row["match_type"] == "exact"]
    of_patterns = (
        *("null", "nul", "0", "000", "-", "---", "0-0", "0.0", "00:00:00:00:00:00", "0x0", "x"),
        *("xxxx", "xx-xx", "{{user_id}}", "{user_id}", "${userId}", "%user_id%", "$user_id"),
        *("__user_id__", "<user_id>", "test@test.com", "noreply@some-shop.example"),
        *("null@whatever.example", "User@Example.com", "0" * 32, "f" * 32),
        *("00000000-0000-0000-0000-000000000000", "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX"),
    )
    return [*listed, *of_patterns]


def variants(value: str) -> list[str]:
    quotes = ('"{}"', "'{}'", "`{}`", "“{}”", '" {} "', "''{}''", "\u3000{}\u3000")
    spaces = ("  {} ", "\t{}\n", "\u00a0{}", "{}\u200b", "\ufeff{}")
    forms = [value, value.upper(), value.title(), wide(value)]
    return forms + [form.format(value) for form in (*quotes, *spaces)]


# near to a placeholder, and somebody all the same
SOMEBODY = (
    *("1", "42", "10", "0a", "a0", "nullable", "user-7", "test-1", "id-9", "no1", "x-ray", "-5"),
    *("none-such", "guests", "unknowns", "0.1", "00:00:00:00:00:01-"),
)


def placeholders() -> Stage:
    s = story("placeholders")
    number = 0
    for value in placeholder_values():
        for variant in variants(value):
            number += 1
            s.identify(s.a("anon", number), variant)
    for value in SOMEBODY:
        s.identify(s.a("known", value), value)
    return s


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    made = [
        late_login(),
        long_chain(),
        great_hub(),
        two_users("joined"),
        two_users("blocked"),
        shared_device(),
        kiosk(),
        written_e_mails(),
        placeholders(),
    ]
    return {stage.name: stage for stage in made}


@pytest.fixture(scope="module")
def bench(tmp_path_factory, stages) -> Bench:
    bench = Bench(
        tmp_path_factory.mktemp("identity"),
        variables={"as_of": str(AS_OF)},
        with_kpis=False,
        without=JOURNEYS,
    )
    bench.deliver(0, as_raw(loaded(stages.values(), 0), every_table=True))
    bench.build()
    return bench


@pytest.fixture(scope="module")
def people(bench) -> People:
    return People(bench)


def test_a_login_years_later_names_the_events_before_it(bench, people, stages):
    s = stages["late_login"]
    assert people.are_one(s.a("anon"), s.a("user"))
    assert set(authors(bench, s).values()) == {people.person(s.a("user"))}
    assert len(authors(bench, s)) == 2


def test_a_chain_of_ten_thousand_identifiers_is_one_person(people, stages):
    s = stages["long_chain"]
    assert people.members(people.person(s.a("user", 0))) == CHAIN + 1
    assert people.are_one(s.a("user", 0), s.a("user", CHAIN // 2 - 1))


def test_a_hub_of_five_thousand_users_on_one_device_merges_nobody(people, stages):
    s = stages["great_hub"]
    assert people.row(s.a("anon"))["is_shared"]
    persons = {people.person(s.a("user", number)) for number in range(HUB)}
    assert len(persons) == HUB
    assert people.person(s.a("anon")) not in persons


def test_events_on_a_shared_device_belong_to_who_logs_in_in_the_session(bench, people, stages):
    s = stages["shared_device"]
    one, two, device = (people.person(s.a(*who)) for who in (("user", 1), ("user", 2), ("tablet",)))
    assert len({one, two, device}) == 3
    assert Counter(authors(bench, s).values()) == {one: 3, two: 2, device: 1}


def test_addresses_written_differently_are_one_and_another_one_is_not(people, stages):
    s = stages["written_e_mails"]
    assert people.are_one(*(s.a("user", number) for number in range(len(E_MAILS))))
    assert not people.are_one(s.a("user", 0), s.a("user", 90))


def test_no_raw_address_is_kept(people):
    values = {value for _, value in people.of}
    assert not [value for value in values if re.search(r"normal\.example|chain\.example", value)]


def test_more_than_sixty_placeholders_in_all_variants_join_nobody(people, stages):
    s = stages["placeholders"]
    values = placeholder_values()
    assert len(values) >= 60
    names = {name for (_, name) in people.of if name.startswith("placeholders-anon")}
    assert len(names) == sum(len(variants(value)) for value in values)
    persons = Counter(people.person(name) for name in names)
    assert set(persons.values()) == {1}
    assert all(people.members(person) == 1 for person in persons)
    for value in SOMEBODY:
        row = people.row(s.a("known", value))
        assert people.members(row["person_id"]) == 2, f"{value} is somebody"


# ---------------------------------------------------------------- joined, and separated again


@pytest.fixture(scope="module")
def life(bench, stages, tmp_path_factory) -> dict:
    """Two users get one customer id; then one of the two merges is blocked, the other one's
    evidence is taken away. What stood after each build, and what was done in it."""
    folder = tmp_path_factory.mktemp("identity_life")
    joined = bench.copy_to(folder / "joined", with_raw=True)
    for name in ("joined", "blocked"):
        s = stages[name]
        s.customer(s.a("cust"), s.a("user", 1))
        s.customer(s.a("cust"), s.a("user", 2))
    joined.deliver(1, as_raw(loaded(stages.values(), 1)))
    joined.build()

    s = stages["blocked"]
    people = People(joined)
    ends = [people.row(s.a(*who))["identifier_id"] for who in (("cust",), ("user", 2))]
    blocked = joined.copy_to(folder / "blocked", with_raw=True)
    blocked.block(ends)  # a family that shares one customer record
    blocked.build()

    parted = blocked.copy_to(folder / "parted", with_raw=True)
    for path in parted.raw.glob("billing/customers/part-00001.parquet"):
        path.unlink()
    parted.build()
    return {"joined": joined, "blocked": blocked, "parted": parted, "link": ends}


def both(stage: Stage) -> tuple[str, str]:
    return stage.a("user", 1), stage.a("user", 2)


def changes(bench: Bench, *change_types: str) -> list[dict]:
    return [
        row
        for row in bench.rows("select * from marts.identity_changes order by all")
        if row["change_type"] in change_types
    ]


def test_two_users_with_one_customer_id_become_one_person(life, stages):
    people = People(life["joined"])
    for name in ("joined", "blocked"):
        assert people.are_one(*both(stages[name]))
        # whoever shares only the tablet stays another person
        assert not people.are_one(stages[name].a("user", 1), stages[name].a("user", 3))


def test_a_merge_touches_the_people_concerned_and_nobody_else(life, bench, stages):
    before, after = People(bench), People(life["joined"])
    names = ("joined", "blocked")
    concerned = {
        found.person(stages[name].a("user", number))
        for found in (before, after)
        for name in names
        for number in (1, 2)
    }
    ids = {"one's own id"}
    for name in names:
        # the billing rows name these identifiers themselves
        ids |= {after.row(stages[name].a(*who))["identifier_id"] for who in (("cust",),)}
    dirty = {row["person_id"] for row in life["joined"].rows("intermediate.int_dirty_persons")}
    assert concerned <= dirty
    assert dirty <= concerned | ids
    for name in names:
        assert after.person(stages[name].a("user", 3)) not in dirty


def test_only_the_neighbourhoods_of_new_evidence_are_resolved_anew(life, stages):
    touched = {
        row["identifier_id"] for row in life["joined"].rows("intermediate.int_dirty_identifiers")
    }
    people = People(life["joined"])
    of_stories = {
        row["identifier_id"]
        for (_, value), row in people.of.items()
        if value.startswith(("joined-", "blocked-"))
    }
    assert touched == of_stories
    assert len(people.of) > 10 * len(touched)


def test_a_merge_is_logged_with_the_link_that_did_it(life, stages):
    people = People(life["joined"])
    for name in ("joined", "blocked"):
        s = stages[name]
        merged = [
            row
            for row in changes(life["joined"], "merged", "renamed", "moved")
            if row["person_id"] == people.person(s.a("user", 1))
        ]
        assert [row["change_type"] for row in merged] == ["merged"]
        customer = people.row(s.a("cust"))["identifier_id"]
        assert customer in (merged[0]["link_identifier_a"], merged[0]["link_identifier_b"])
        assert merged[0]["link_status"] == "used"


def test_a_blocked_link_parts_them_and_is_the_reason_in_the_log(life, stages):
    people = People(life["blocked"])
    assert not people.are_one(*both(stages["blocked"]))
    assert people.are_one(*both(stages["joined"])), "the other merge stands"
    (split,) = changes(life["blocked"], "split")
    assert {split["link_identifier_a"], split["link_identifier_b"]} == set(life["link"])
    assert split["link_status"] == "blocked"


def test_when_the_evidence_goes_they_are_two_again(life, stages):
    people = People(life["parted"])
    for name in ("joined", "blocked"):
        assert not people.are_one(*both(stages[name]))
    parted = changes(life["parted"], "split")
    assert len(parted) == 2
    assert {row["link_status"] for row in parted} == {"blocked", None}


def test_a_rebuild_equals_one_that_never_had_the_link(life, stages, tmp_path):
    """Incremental with the block, from scratch with the block, and from scratch without the row."""
    blocked = life["blocked"]
    anew = Bench(
        tmp_path / "anew", blocked.raw, blocked.variables, with_kpis=False, without=JOURNEYS
    )
    anew.taxonomy = blocked.taxonomy
    anew.build()
    assert_equal_tables(blocked, anew, names=("incremental", "at once"))

    never = Bench(
        tmp_path / "never", tmp_path / "raw", blocked.variables, with_kpis=False, without=JOURNEYS
    )
    shutil.copytree(blocked.raw, never.raw)
    customers = never.raw / "billing/customers/part-00001.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select * from read_parquet(?) where not (user_id = ?)",
            [str(customers), stages["blocked"].a("user", 2)],
        ).to_arrow_table()
    assert rows.num_rows == 3
    pa.parquet.write_table(rows, customers)
    never.build()
    ends = "identifier_id, person_id, is_shared, is_known, membership_reason, user_count"
    query = f"select {ends} from intermediate.int_identifiers_resolved order by all"
    assert anew.rows(query) == never.rows(query)
    for table in ("fct_events", "fct_sessions", "fct_person_days", "fct_stage_periods"):
        query = f"select * from marts.{table} order by all"
        assert anew.rows(query) == never.rows(query), table


def test_a_device_that_becomes_shared_gives_its_events_to_who_was_logged_in(life, stages, tmp_path):
    """Whoever gets them is not in the news: nothing happened on the device, nothing to himself.

    His link to the device is blocked, so that it was one other user's; an alias of a third one,
    which is no event, makes it a shared one. Then an event that names nobody joins two sessions.
    """
    s, kept = stages["kiosk"], ["+int_person_days"]
    bench = life["blocked"].copy_to(tmp_path / "kiosk", with_raw=True)
    people = People(bench)
    ends = [people.row(s.a(*who))["identifier_id"] for who in (("tablet",), ("user", 2))]
    bench.block(ends)

    def event_counts() -> dict[str, int]:
        people = People(bench)
        rows = bench.rows("intermediate.int_person_days")
        return {
            who: sum(row["event_count"] for row in rows if row["person_id"] == people.person(who))
            for who in (s.a("user", 1), s.a("user", 2))
        }

    bench.build(select=kept)
    assert People(bench).are_one(s.a("tablet"), s.a("user", 1))
    assert event_counts() == {s.a("user", 1): 3, s.a("user", 2): 1}

    s.alias(s.a("tablet"), s.a("user", 3))
    bench.deliver(2, as_raw(loaded([s], 2)))
    bench.build(select=kept)
    assert People(bench).row(s.a("tablet"))["is_shared"]
    assert bench.rows("intermediate.int_dirty_endpoints") == []
    assert event_counts() == {s.a("user", 1): 1, s.a("user", 2): 2}

    s.track("looked", s.a("tablet"), at=s.now - timedelta(minutes=25))
    bench.deliver(3, as_raw(loaded([s], 3)))
    bench.build(select=kept)
    assert event_counts() == {s.a("user", 1): 1, s.a("user", 2): 4}


def test_the_history_says_who_somebody_was_at_a_time(life, bench, stages):
    """All builds here have one as_of, so only the last word stands; the log keeps them all."""
    rows = life["parted"].rows("marts.bridge_person_identifiers_history")
    now = People(life["parted"])
    current = {row["identifier_id"]: row["person_id"] for row in rows if row["valid_to"] is None}
    assert current == {row["identifier_id"]: row["person_id"] for row in now.of.values()}
    numbers = {row["change_number"] for row in life["parted"].rows("marts.identity_changes")}
    assert numbers == {1, 2, 3, 4}


def test_every_link_says_whether_it_is_used_and_why_not(life, stages):
    links = life["blocked"].rows("marts.fct_identity_links")
    status = Counter(row["link_status"] for row in links)
    assert set(status) >= {"used", "blocked", "shared_identifier"}
    for row in links:
        if row["link_status"] == "used":
            assert row["person_id_a"] == row["person_id_b"]
        assert row["evidence"] and row["first_seen_at"] <= row["last_seen_at"]
    assert status["blocked"] == 1


# ---------------------------------------------------------------- in words


def explained(bench: Bench, capsys, start: str, goal: str) -> str:
    capsys.readouterr()
    arguments = f"{{from: '{start}', to: '{goal}'}}"
    run = bench.dbt("run-operation", "explain_identity", "--args", arguments, check=False)
    return capsys.readouterr().out + (str(run) if not run.success else "")


def test_a_chain_of_links_is_printed(life, stages, capsys):
    s = stages["joined"]
    text = explained(
        life["joined"], capsys, f"user_id:{s.a('user', 1)}", f"user_id:{s.a('user', 2)}"
    )
    assert "are one person" in text
    assert text.count("✓") == 2
    assert f"customer_id:{s.a('cust')}" in text
    assert "billing customer" in text and "✗" not in text


def test_a_missing_chain_is_printed_with_the_reason(life, stages, capsys):
    s = stages["blocked"]
    users = [f"user_id:{s.a('user', number)}" for number in (1, 2, 3)]
    text = explained(life["blocked"], capsys, users[0], users[1])
    assert "are two people" in text
    assert (
        text.count("✗") == 2 and "blocked in blocked_links.csv" in text
    )  # one in the closing line
    text = explained(life["blocked"], capsys, users[0], users[2])
    assert "was seen with 2 users, so it stands for none of them" in text
    other = f"user_id:{stages['late_login'].a('user')}"
    assert "ever been seen" in explained(life["blocked"], capsys, users[0], other)


def test_a_long_chain_is_printed_by_its_ends(life, stages, capsys):
    s = stages["long_chain"]
    ends = [f"user_id:{s.a('user', number)}" for number in (0, CHAIN // 2 - 1)]
    text = explained(life["joined"], capsys, *ends)
    assert "are one person" in text
    assert f"{CHAIN - 2 - 20:d} more links" in text
    assert text.count("✓") == 20


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("user_id:nobody-by-this-name", "[I2]"),
        ("usr_id:1", "Did you mean `user_id`?"),
        ("anna", "[I1] `anna` is no identifier: write class:value"),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(life, stages, capsys, start, expected):
    text = explained(life["joined"], capsys, start, start)
    assert expected in text and "Traceback" not in text


# ---------------------------------------------------------------- graphs that are hard


def star(size: int) -> list[tuple[int, int]]:
    return [(0, leaf) for leaf in range(1, size)]


def chain(size: int) -> list[tuple[int, int]]:
    return [(node, node + 1) for node in range(size - 1)]


def grid(size: int) -> list[tuple[int, int]]:
    side = math.isqrt(size)
    across = [
        (row * side + at, row * side + at + 1) for row in range(side) for at in range(side - 1)
    ]
    down = [
        (row * side + at, (row + 1) * side + at) for row in range(side - 1) for at in range(side)
    ]
    return across + down


def two_hubs_with_a_bridge(size: int) -> list[tuple[int, int]]:
    half = size // 2
    return (
        [(0, leaf) for leaf in range(1, half)]
        + [(half, leaf) for leaf in range(half + 1, size)]
        + [(1, size - 1)]
    )


def many_pairs(size: int) -> list[tuple[int, int]]:
    return [(node, node + 1) for node in range(0, size - 1, 2)]


SHAPES = (star, chain, grid, two_hubs_with_a_bridge, many_pairs)


def smallest_of_component(edges: list[tuple[str, str]]) -> dict[str, str]:
    """Union-find in plain Python: node -> smallest node of its component."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        one, other = root(one), root(other)
        parent[max(one, other)] = min(one, other)
    return {node: root(node) for node in parent}


def resolve(bench: Bench, edges: list[tuple[str, str]]) -> tuple[dict[str, str], int, float]:
    """The neighbourhoods of a graph put in place of the links; rounds and seconds it took."""
    shuffled = [random.choice(((a, b), (b, a))) for a, b in random.sample(edges, len(edges))]
    table = pa.table({"a": [a for a, _ in shuffled], "b": [b for _, b in shuffled]})
    with duckdb.connect(str(bench.database)) as connection:
        for name in ("int_identity_links", "int_identifiers"):
            connection.execute(f"delete from intermediate.{name}")
        connection.register("edges", table)
        connection.execute(
            "insert into intermediate.int_identity_links (identifier_a, identifier_b)"
            " select a, b from edges"
        )
    rounds: set[str] = set()

    def listen(event) -> None:
        if event.info.name == "SQLQuery" and "create" in event.data.sql:
            rounds.update(re.findall(r"__round_\d+", event.data.sql.split(" as ")[0]))

    began = time.perf_counter()
    bench.dbt(
        "run", "--select", "int_identity_neighbourhoods", "--full-refresh", callbacks=[listen]
    )
    seconds = time.perf_counter() - began
    with bench.connect() as connection:
        found = connection.execute(
            "select node_id, component_id from intermediate.int_identity_neighbourhoods"
        ).fetchall()
    assert len(found) == len(dict(found)), "one row per node"
    return dict(found), len(rounds), seconds


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_hard_graph_is_resolved_in_logarithmically_many_rounds(
    bench, tmp_path, remark, shape, small=25_000, large=100_000
):
    """Each round is a few joins and group-bys over what is left, so work grows about linearly."""
    work = bench.copy_to(tmp_path / "graph")
    figures = {}
    for size in (small, large):
        edges = [(f"n{a:07d}", f"n{b:07d}") for a, b in shape(size)]
        components, rounds, seconds = resolve(work, edges)
        assert components == smallest_of_component(edges)
        # what has one neighbour is peeled, all at once
        assert rounds <= (1 if shape in (star, many_pairs) else 1.5 * math.log2(size))
        figures[size] = (rounds, seconds)
    told = ", ".join(f"{n:,} nodes {r} rounds {s:.1f} s" for n, (r, s) in figures.items())
    remark(f"connected components, {shape.__name__.replace('_', ' ')}: {told}")


# ---------------------------------------------------------------- how good it is


def test_identity_quality_counts_what_the_events_say(bench, stages):
    """Once more in Python from the published events."""
    known, after = Counter(), Counter()
    endpoints = defaultdict(set)
    for row in bench.rows(
        "select source_name, date_trunc('week', occurred_date)::date as week_start_date,"
        " endpoint_id, person_id, is_known from marts.fct_events inner join marts.dim_persons"
        " using (person_id)"
    ):
        place = (row["source_name"], row["week_start_date"])
        after[place] += row["is_known"]
        known[place] += 1
        endpoints[place].add((row["endpoint_id"], row["person_id"]))
    rows = bench.rows("marts.identity_quality")
    assert len(rows) >= 2
    for row in rows:
        place = (row["source_name"], row["week_start_date"])
        assert row["event_count"] == known[place]
        assert row["known_after_numerator"] == after[place]
        assert row["known_before_numerator"] <= row["known_after_numerator"]
        if row["event_count"]:
            pairs = endpoints[place]
            assert row["endpoint_count"] == len({endpoint for endpoint, _ in pairs})
            assert row["persons_per_endpoint"] == pytest.approx(
                len(pairs) / row["endpoint_count"], rel=1e-9
            )
