"""The others that the benchmark measures: one chain, the same rows, and errors that say what to do.

The DuckDB chain is checked here against the chain once more in plain Python, as README.md in
tools/benchmark/peers tells it. All implementations against each other: `make bench-peers`, and
`make test-show` where .venv-bench is there.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import as_table
from test_identity import smallest_of_component

from tools.benchmark.measure import Cost, measured
from tools.benchmark.peers import __main__ as peers
from tools.benchmark.peers import contract, duckdb_chain, graphs, project_components

# ---------------------------------------------------------------- a small hard world

HOSTS = ("https://www.shop.test", "HTTPS://Blog.Shop.test", "http://app.shop.test:8080")
PATHS = ("", "/", "/pricing", "/a/b", "#top", "?q=1")
PARAMETERS = (
    "",
    "?utm_source=Google&utm_medium=CPC&utm_campaign=One+Two",
    "?utm_source=&utm_medium=email",
    "?x=1&gclid=abc",
    "?fbclid=f&gclid=g",
    "?utm_medium=ppc&utm_source=linkedin#part",
    "?utm_medium=display&utm_source=other",
    "?utm_medium=partner",
    "?gclid=&msclkid=m",
)
REFERRERS = (
    None,
    "",
    "https://www.google.com/search?q=1",
    "https://l.facebook.com/",
    "https://partner.test/x",
    "https://www.shop.test/",
    "no address",
)
UNUSABLE = (None, "", "NULL", "undefined", "0")
BAD_TIMES = (None, "", "infinity", "2025-02-30T10:00:00Z", "2025-01-05 10:00:00", "not-a-date")
CAMPAIGN = ("source", "medium", "name")
SEEDS = range(3)


def world(seed: int, rows: int = 900) -> dict[str, list[dict]]:
    """Raw rows with every irregularity that the chain has a rule for, often."""
    chance = random.Random(seed)
    start = datetime(2025, 1, 1)
    tables: dict[str, list[dict]] = defaultdict(list)
    at = {}
    for number in range(rows):
        table = chance.choices(("tracks", "pages", "screens", "identifies"), (5, 6, 1, 2))[0]
        cookie = f"c{chance.randrange(60)}" if chance.random() > 0.04 else chance.choice(UNUSABLE)
        # gaps of exactly the timeout among them
        gap = chance.choice((0, 1, 29 * 60, 1800, 1799, 1801, 86_400, 3 * 86_400))
        at[cookie] = at.get(cookie, start) + timedelta(
            seconds=gap, microseconds=chance.choice((0, 0, 1, 999_999))
        )
        time = at[cookie]
        user = None
        if chance.random() < 0.5:
            user = f"u{chance.randrange(40)}" if cookie != "c1" else f"u{number % 12}"
        elif chance.random() < 0.1:
            user = chance.choice(UNUSABLE)
        row = {
            "id": f"e{number}" if chance.random() > 0.02 else chance.choice((None, "")),
            "anonymous_id": cookie,
            "user_id": user,
            "timestamp": time,
            "received_at": time + timedelta(seconds=chance.randrange(100)),
        }
        if chance.random() < 0.02:  # a clock that is wrong
            row["timestamp"] = chance.choice((datetime(1999, 12, 31), time + timedelta(days=2)))
        if table in ("tracks", "pages"):
            url = chance.choice(HOSTS) + chance.choice(PATHS) + chance.choice(PARAMETERS)
            prefix = "context_page_" if table == "tracks" else ""
            row[f"{prefix}url"] = chance.choice((url, url, url, None, "no address"))
            row[f"{prefix}referrer"] = chance.choice(REFERRERS)
            if chance.random() < 0.3:
                values = ("Newsletter", "cpc", "May")
                row |= {f"context_campaign_{n}": v for n, v in zip(CAMPAIGN, values, strict=True)}
        if table == "tracks":
            row["event"] = chance.choice(("signed_up", "email_verified", "other", None))
            offset = chance.choice((0, 2, -5))
            local = row["timestamp"] + timedelta(hours=offset)
            row["timestamp"] = local.isoformat() + (f"{offset:+03d}:00" if offset else "Z")
            if chance.random() < 0.03:
                row["timestamp"] = chance.choice(BAD_TIMES)
        tables[table].append(row)
        if chance.random() < 0.1:  # sent again, as it was or with something else in it
            again = dict(row)
            if chance.random() < 0.7:
                again["received_at"] += timedelta(seconds=chance.choice((-1, 0, 1)))
                again["user_id"] = chance.choice((user, "u39"))
                if table != "tracks":
                    again["timestamp"] += timedelta(seconds=chance.choice((-2, 0, 2)))
            tables[table].append(again)
    return tables


def deliver(raw: Path, tables: dict[str, list[dict]]) -> None:
    for name in ("tracks", "pages", "screens", "identifies"):
        folder = raw / "segment" / name
        folder.mkdir(parents=True)
        rows = as_table(f"segment.{name}", tables.get(name, []))
        if name == "identifies":  # a time, as the sample writes it
            at = rows.schema.get_field_index("timestamp")
            times = [row["timestamp"] for row in tables.get(name, [])]
            rows = rows.set_column(at, "timestamp", pa.array(times, pa.timestamp("us")))
        pq.write_table(rows, folder / "part-0.parquet")


# ---------------------------------------------------------------- the chain in plain Python


def found(pattern: str, text: str, group: int = 1) -> str:
    match = re.search(pattern, text)
    return match.group(group) if match else ""


def time_of(value) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if not re.fullmatch(contract.TIME_PATTERN[1:-1], value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None)


def identifier(value: str | None) -> str:
    value = value or ""
    return "" if value.lower() in contract.UNUSABLE_IDENTIFIERS else value


def usable_rows(tables: dict[str, list[dict]]):
    fixed = {
        "pages": ("page", "page_viewed", ""),
        "screens": ("screen", "screen_viewed", ""),
        "identifies": ("identify", "identified", ""),
    }
    for table, rows in tables.items():
        for raw in rows:
            kind, event, prefix = fixed.get(
                table, ("track", raw.get("event") or "", "context_page_")
            )
            row = {
                "event_id": raw["id"] or "",
                "received_at": raw["received_at"],
                "occurred_at": time_of(raw["timestamp"]),
                "kind": kind,
                "event": event,
                "anonymous_id": identifier(raw["anonymous_id"]),
                "user_id": identifier(raw["user_id"]),
                "url": raw.get(f"{prefix}url") or "",
                "referrer": raw.get(f"{prefix}referrer") or "",
                "utm_source": raw.get("context_campaign_source") or "",
                "utm_medium": raw.get("context_campaign_medium") or "",
                "utm_campaign": raw.get("context_campaign_name") or "",
            }
            if (
                row["event_id"]
                and row["anonymous_id"]
                and row["occurred_at"] is not None
                and datetime(2000, 1, 1) <= row["occurred_at"]
                and row["occurred_at"] <= row["received_at"] + timedelta(days=1)
            ):
                yield row


def channel(event: dict) -> str:
    click, medium, source = event["click_id_kind"], event["utm_medium"], event["utm_source"]
    paid = medium in ("cpc", "ppc", "paid_search", "paid_social", "display")
    referrer = event["referrer_host"]
    if click:
        return "paid social" if click == "fbclid" else "paid search"
    if paid and source in ("google", "bing"):
        return "paid search"
    if paid and source in ("facebook", "instagram", "linkedin"):
        return "paid social"
    if paid:
        return "other paid"
    if medium == "email" or source == "newsletter":
        return "email"
    if medium:
        return "other campaign"
    if referrer in ("", event["page_host"]):
        return "direct"
    if re.search(r"(^|\.)(google|bing|duckduckgo)\.", referrer):
        return "organic search"
    if re.search(r"(^|\.)(facebook|linkedin|twitter)\.", referrer):
        return "organic social"
    return "referral"


def monday(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


def oracle(tables: dict[str, list[dict]]) -> dict[str, Counter]:
    """table -> its rows, in the contract's order of columns."""
    copies = defaultdict(list)
    for row in usable_rows(tables):
        copies[row["event_id"]].append(row)
    order = [
        "received_at", "occurred_at", "kind", "event", "anonymous_id", "user_id", "url",
        "referrer", "utm_source", "utm_medium", "utm_campaign",
    ]  # fmt: skip
    rows = [min(each, key=lambda r: [r[name] for name in order]) for each in copies.values()]

    users = defaultdict(set)
    for row in rows:
        if row["user_id"]:
            users[row["anonymous_id"]].add(row["user_id"])
    edges = [
        (f"z{cookie}", f"u{user}")  # z: a cookie's name is never the smallest
        for cookie, of_cookie in users.items()
        if len(of_cookie) <= 5
        for user in of_cookie
    ]
    component = smallest_of_component(edges)

    events = [row for row in rows if row["kind"] != "identify"]
    for row in events:
        url = row["url"]
        host = found(r"^[A-Za-z]+://([^/?#]+)", url)
        row["page_host"] = host.lower()
        row["page_path"] = (found(r"^[A-Za-z]+://[^/?#]+([^?#]*)", url) or "/") if host else ""
        row["referrer_host"] = found(r"^[A-Za-z]+://([^/?#]+)", row["referrer"]).lower()
        for name in ("utm_source", "utm_medium", "utm_campaign"):
            row[name] = (found(rf"[?&]{name}=([^&#]*)", url) or row[name]).lower()
        row["click_id_kind"] = found(r"[?&](gclid|msclkid|fbclid)=[^&#]", url)
        user, cookie = row["user_id"], row["anonymous_id"]
        if user:
            row["person_id"] = "u:" + component.get(f"u{user}", f"u{user}")[1:]
        elif f"z{cookie}" in component:
            row["person_id"] = "u:" + component[f"z{cookie}"][1:]
        else:
            row["person_id"] = "a:" + cookie

    sessions: dict[str, list[dict]] = {}
    before = None
    for row in sorted(events, key=lambda r: (r["anonymous_id"], r["occurred_at"], r["event_id"])):
        if (
            before is None
            or before["anonymous_id"] != row["anonymous_id"]
            or row["occurred_at"] - before["occurred_at"] >= timedelta(minutes=30)
        ):
            session = row["event_id"]
        row["session_id"] = session
        sessions.setdefault(session, []).append(row)
        before = row

    result = {name: Counter() for name in contract.TABLES}
    people, views = defaultdict(set), Counter()
    for row in events:
        result["events"][tuple(row[name] for name in contract.TABLES["events"])] += 1
        day = row["occurred_at"].date()
        people["daily_activity", day].add(row["person_id"])
        views["daily_activity", day] += 1
        if row["kind"] == "page":
            page = ("pages", row["page_host"], row["page_path"])
            people[page].add(row["person_id"])
            views[page] += 1
    session_count = Counter()
    for name, of_session in sessions.items():
        first, last = of_session[0], of_session[-1]
        pages = sum(row["kind"] == "page" for row in of_session)
        result["sessions"][
            name, first["anonymous_id"], first["person_id"], first["occurred_at"],
            last["occurred_at"], len(of_session), pages, channel(first),
        ] += 1  # fmt: skip
        group = ("daily_channels", first["occurred_at"].date(), channel(first))
        session_count[group] += 1
        people[group].add(first["person_id"])
        views[group] += pages
    for group, persons in people.items():
        table, *keys = group
        counts = {
            "daily_activity": (len(persons), views[group]),
            "daily_channels": (session_count[group], len(persons), views[group]),
            "pages": (views[group], len(persons)),
        }[table]
        result[table][*keys, *counts] += 1

    of_person = defaultdict(list)
    for row in sorted(events, key=lambda r: r["occurred_at"]):
        of_person[row["person_id"]].append(row)
    steps, retained = Counter(), Counter()
    for own in of_person.values():
        cohort = monday(own[0]["occurred_at"])
        for week in {monday(row["occurred_at"]) for row in own}:
            retained[cohort, (week - cohort).days // 7] += 1
        first = [r for r in own if r["kind"] == "page" and r["page_path"] == "/pricing"]
        if not first:
            continue
        entry = after = first[0]["occurred_at"]
        steps[monday(entry), 1] += 1
        for number, event, days in ((2, "signed_up", 7), (3, "email_verified", 14)):
            reached = [
                row["occurred_at"]
                for row in own
                if row["event"] == event
                and after < row["occurred_at"] <= entry + timedelta(days=days)
            ]
            if not reached:
                break
            after = reached[0]
            steps[monday(entry), number] += 1
    result["funnel"] = Counter((*key, count) for key, count in steps.items())
    result["retention"] = Counter((*key, count) for key, count in retained.items())
    return result


def rows_of(out: Path, table: str) -> Counter:
    names = ", ".join(contract.TABLES[table])
    query = f"select {names} from read_parquet('{out}/{table}.parquet')"
    with duckdb.connect() as connection:
        return Counter(connection.execute(query).fetchall())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_duckdb_chain_equals_the_chain_in_plain_python(tmp_path, seed):
    tables = world(seed)
    deliver(tmp_path / "raw", tables)
    (tmp_path / "out").mkdir()
    duckdb_chain.main(tmp_path / "raw", tmp_path / "out")
    expected = oracle(tables)
    for table in contract.TABLES:
        assert rows_of(tmp_path / "out", table) == expected[table], table


def test_the_small_world_has_what_the_rules_are_about():
    """An oracle proves nothing about a rule that no row meets."""
    rows = [row for seed in SEEDS for row in usable_rows(world(seed))]
    results = [oracle(world(seed)) for seed in SEEDS]
    raw_count = sum(len(each) for seed in SEEDS for each in world(seed).values())
    assert len(rows) < raw_count
    assert max(Counter(row["event_id"] for row in rows).values()) > 1
    channels = {row[-1] for result in results for row in result["sessions"]}
    assert len(channels) == 9
    assert {row[1] for result in results for row in result["funnel"]} == {1, 2, 3}
    clicks = {row[-1] for result in results for row in result["events"]}
    assert clicks == {"", "gclid", "fbclid", "msclkid"}
    persons = {row[5] for result in results for row in result["events"]}
    assert {person[0] for person in persons} == {"a", "u"}


# ---------------------------------------------------------------- comparing


@pytest.fixture
def two(tmp_path) -> dict[str, Path]:
    """The same tables twice: once as files, once as folders of files in another order."""
    deliver(tmp_path / "raw", world(1, rows=200))
    results = {name: tmp_path / name for name in ("duckdb", "other")}
    for out in results.values():
        out.mkdir()
    duckdb_chain.main(tmp_path / "raw", results["duckdb"])
    for table in contract.TABLES:
        rows = pq.read_table(results["duckdb"] / f"{table}.parquet")
        folder = results["other"] / f"{table}.parquet"
        folder.mkdir()
        order = list(range(rows.num_rows))[::-1]
        half = len(order) // 2
        pq.write_table(rows.take(order[:half]), folder / "part-0.parquet")
        pq.write_table(rows.take(order[half:]), folder / "part-1.parquet")
    return results


def test_the_order_of_rows_and_files_does_not_matter(two):
    digests = contract.assert_equal(two)
    assert digests["events"].row_count == sum(rows_of(two["duckdb"], "events").values())


def test_unequal_results_are_told_with_table_name_and_rows(two):
    path = two["other"] / "pages.parquet" / "part-1.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["page_view_count"] += 7
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(contract.UnequalResultsError) as told:
        contract.assert_equal(two)
    text = str(told.value)
    assert text.startswith("pages: other has other rows than duckdb")
    host, path, views = (rows[0][n] for n in ("page_host", "page_path", "page_view_count"))
    assert f"only other: {host}, {path}, {views}" in text
    assert f"only duckdb: {host}, {path}, {views - 7}" in text
    assert "events" not in text


def test_a_row_that_one_has_twice_is_unequal(two):
    path = two["other"] / "retention.parquet" / "part-0.parquet"
    rows = pq.read_table(path)
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), path)
    with pytest.raises(contract.UnequalResultsError, match="^retention: other has other rows"):
        contract.assert_equal(two)


def test_a_table_or_column_that_is_missing_is_named(two):
    (two["duckdb"] / "funnel.parquet").rename(two["duckdb"] / "funnels.parquet")
    with pytest.raises(contract.UnequalResultsError, match="funnel.parquet: not written"):
        contract.assert_equal(two)
    pq.write_table(pa.table({"step": [1]}), two["duckdb"] / "funnel.parquet")
    with pytest.raises(contract.UnequalResultsError, match="funnel.parquet.*entry_week"):
        contract.assert_equal(two)


# ---------------------------------------------------------------- graphs


@pytest.mark.parametrize("graph", graphs.GRAPHS)
def test_a_graph_has_as_many_edges_as_asked_and_always_the_same(tmp_path, graph):
    for name in ("one", "other"):
        graphs.write(graph, 5_000, tmp_path / name)
    one, other = (pq.read_table(tmp_path / name) for name in ("one", "other"))
    assert one.num_rows == 5_000
    assert one.equals(other)
    ends = zip(one["node_a"].to_pylist(), one["node_b"].to_pylist(), strict=True)
    names = smallest_of_component(list(ends))
    count = len(set(names.values()))
    assert count == 1 if graph in ("chain", "star") else count > 1


@pytest.mark.slow
def test_the_project_finds_the_components_of_a_graph(tmp_path):
    graphs.write("hard", 2_000, tmp_path / "edges.parquet")
    cost = project_components.run(tmp_path / "project", tmp_path / "edges.parquet")
    project_components.export(tmp_path / "project")
    edges = pq.read_table(tmp_path / "edges.parquet").to_pylist()
    expected = smallest_of_component([(edge["node_a"], edge["node_b"]) for edge in edges])
    rows = pq.read_table(tmp_path / "project/components.parquet").to_pylist()
    assert {row["node_id"]: row["component_id"] for row in rows} == expected
    assert 0 < cost.nodes[project_components.NODE] < cost.cpu_seconds


# ---------------------------------------------------------------- the command


def cost(cpu: float) -> Cost:
    return Cost(cpu, 2 * cpu, 10**9, 0, {"a node": 1.0})


def test_the_chain_is_told_as_multiples_of_duckdb():
    result = {"raw_rows": 1_000, "rounds": 3}
    result["steps"] = peers.in_json({"floor": cost(1), "duckdb": cost(4), "polars": cost(6)})
    assert "nodes" not in result["steps"]["floor"]
    lines = [line.split() for line in peers.told_chain(result).splitlines()[3:]]
    told = {line[0]: line for line in lines}
    assert told["polars"] == ["polars", "6.0", "1.50", "12.0", "1.00"]
    assert told["floor"][2] == "0.25"
    del result["steps"]["duckdb"]
    assert "x floor" in peers.told_chain(result)


def test_components_are_told_as_multiples_of_the_projects_work():
    steps = peers.in_json(
        {"project": cost(6), "scipy": cost(3)},
        {"project": {"work_cpu_seconds": 2.0}, "scipy": {"work_cpu_seconds": 1.0}},
    )
    about = {"graph": "hard", "edges": 10, "nodes": 11, "components": 2, "rounds": 1}
    told = peers.told_components({**about, "steps": steps}).splitlines()
    assert told[1].startswith("hard: 10 edges, 11 nodes, 2 components")
    assert told[-1].split() == ["scipy", "1.0", "0.50", "3.0", "1.00"]


def test_a_missing_environment_names_the_make_target(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, "versions", partial(peers.versions, tmp_path / "bin/python"))
    assert peers.main(["--keep", str(tmp_path / "keep")]) == 1
    told = capsys.readouterr().err
    assert "make install-bench" in told and "Traceback" not in told
    assert not (tmp_path / "keep").exists()


def test_an_environment_that_lacks_a_package_names_it_and_the_make_target():
    with pytest.raises(peers.EnvironmentMissingError, match="no-such-package.*make install-bench"):
        peers.versions(Path(sys.executable), ["duckdb", "no-such-package"])
    assert peers.versions(Path(sys.executable), ["duckdb"]) == {"duckdb": duckdb.__version__}


def test_without_java_the_way_out_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(peers.EnvironmentMissingError, match="--chains duckdb polars chdb"):
        peers.java_version()


# ---------------------------------------------------------------- all of them


@pytest.mark.show
@pytest.mark.skipif(not peers.PYTHON.exists(), reason="needs make install-bench")
@pytest.mark.parametrize("seed", (0, 1))
def test_all_engines_come_to_the_same_rows(tmp_path, seed):
    deliver(tmp_path / "raw", world(seed))
    results = {name: tmp_path / name for name in peers.CHAINS}
    for name, out in results.items():
        command = peers.module(f"{name}_chain", tmp_path / "raw", out)
        measured(command, dict(os.environ), out / "spill")
    contract.assert_equal(results)


@pytest.mark.show
@pytest.mark.skipif(not peers.PYTHON.exists(), reason="needs make install-bench")
def test_the_command_writes_what_it_tells(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(peers, "STAR_EDGES", 2_000)
    monkeypatch.setattr(peers, "CHAIN_EDGES", 2_000)
    arguments = ["--only", "components", "--edges", "2k", "--rounds", "1"]
    assert peers.main([*arguments, "--keep", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "peers.json").read_text())
    assert written["versions"]["scipy"]
    assert [each["graph"] for each in written["components"]] == list(graphs.GRAPHS)
    for each in written["components"]:
        assert set(each["steps"]) == {"project", *peers.LIBRARIES}
    assert "realistic: 2,000 edges" in capsys.readouterr().out
