"""The same rows give the same tables: whatever the files' order, the threads and the time zones.

And a day is the day on the wall: the one macro that turns UTC into a local date is held against
Python's zoneinfo around the nights in which clocks change.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import harness
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds
import yaml
from harness import ROOT, Bench, assert_equal_tables

# ---------------------------------------------------------------- order, threads, session zone

ZONES = ("UTC", "Europe/Copenhagen", "Asia/Shanghai")
THREADS = (1, 2, 8)
SETUPS = [(threads, zone) for zone in ZONES for threads in THREADS]
QUICK = (5, 6)  # beside the bench they are held against, every number of threads and every zone


def marks_of(number: int) -> list:
    return [] if number in QUICK else [pytest.mark.long]


def write_anew(rows: list[worlds.RawRow], raw: Path, chance: random.Random) -> None:
    """The same rows in other files: each table's rows in any order, in files of any name, each with
    its columns in any order. So a load lies in several files, and a file holds several loads."""
    for source, tables in worlds.as_raw(rows, every_table=True).items():
        for name, of_table in tables.items():
            of_table = list(of_table)
            chance.shuffle(of_table)
            folder = raw / source / name
            folder.mkdir(parents=True)
            cuts = sorted(chance.randint(0, len(of_table)) for _ in range(chance.randrange(4)))
            for start, end in zip([0, *cuts], [*cuts, len(of_table)], strict=True):
                part = harness.as_table(f"{source}.{name}", of_table[start:end])
                columns = part.column_names
                chance.shuffle(columns)
                path = folder / f"{chance.randrange(16**8):08x}.parquet"
                pq.write_table(part.select(columns), path, row_group_size=chance.choice((3, 1000)))


def write_profile(folder: Path, threads: int, zone: str, chance: random.Random) -> None:
    profile = yaml.safe_load((ROOT / "profiles.yml").read_text())
    profile["customer_journey"]["outputs"]["duckdb"]["settings"] = {
        "TimeZone": zone,
        "threads": threads,
        # then the engine gives back the rows of a table in any order, even of a small one
        "preserve_insertion_order": chance.choice((True, False)),
    }
    folder.mkdir()
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=marks_of(number)) for number in range(20)]
)
def test_any_order_of_rows_any_threads_and_zones_give_the_same_tables(
    number, step, tmp_path, monkeypatch, request
):
    chance = random.Random(f"order {number}")
    threads, zone = SETUPS[number % len(SETUPS)]
    bench = Bench(tmp_path / "bench", variables=step.after.variables, with_kpis=False)
    write_anew([row for rows in step.deliveries for row in rows], bench.raw, chance)
    write_profile(tmp_path / "profile", threads, zone, chance)
    bench.profiles = tmp_path / "profile"
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    request.addfinalizer(time.tzset)  # after monkeypatch has put the old zone back
    bench.build("--threads", str(threads))
    with bench.connect() as connection:
        tables = harness.columns_of(connection)
        assert {"intermediate.int_stage_stays", "marts.fct_events"} <= tables.keys()
    assert_equal_tables(
        bench,
        step.after,
        names=(f"order {number}, {threads} threads, {zone}", "as delivered, 2 threads, UTC"),
    )
    shutil.rmtree(bench.folder)


# ---------------------------------------------------------------- local days

YEARS = (2024, 2025)
LOCAL_ZONES = worlds.words("""
    Europe/Copenhagen Europe/London Europe/Dublin Europe/Lisbon Europe/Istanbul Europe/Moscow
    Atlantic/Azores Atlantic/Reykjavik Africa/Casablanca Africa/Cairo Africa/Johannesburg
    Asia/Tehran Asia/Kolkata Asia/Kathmandu Asia/Yangon Asia/Kabul Asia/Tokyo Asia/Shanghai
    Asia/Dubai Asia/Jerusalem Australia/Sydney Australia/Adelaide Australia/Darwin
    Australia/Brisbane Australia/Lord_Howe Australia/Eucla Pacific/Auckland Pacific/Chatham
    Pacific/Norfolk Pacific/Apia Pacific/Kiritimati Pacific/Marquesas Pacific/Honolulu
    America/New_York America/Los_Angeles America/St_Johns America/Sao_Paulo America/Santiago
    America/Havana America/Mexico_City""")
# nights that the two years do not have
LONG_AGO = {
    "Pacific/Apia": ["2011-12-30T10:00"],  # went over the date line: there was no 30 December
    "Pacific/Kiritimati": ["1994-12-31T10:00"],
    "Asia/Tehran": ["2008-03-20T20:30", "2008-09-20T19:30", "2022-03-21T20:30", "2022-09-21T19:30"],
    "Europe/Istanbul": ["2016-03-27T01:00", "2016-09-07T00:00"],
    "Europe/Moscow": ["2011-03-26T23:00", "2014-10-25T22:00"],
    "America/Sao_Paulo": ["2018-11-04T03:00", "2019-02-17T02:00"],
    "America/Mexico_City": ["2022-04-03T08:00", "2022-10-30T07:00"],
}
NO_CHANGE = ["2024-03-31T01:00", "2025-10-26T01:00"]
QUARTERS = 2 * 24 * 4


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """The hours (UTC) of the two years after which the clocks of a zone stand otherwise."""
    moment = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    offset = moment.astimezone(zone).utcoffset()
    while moment.year <= YEARS[-1]:
        moment += timedelta(hours=1)
        before, offset = offset, moment.astimezone(zone).utcoffset()
        if offset != before:
            yield moment


def moments_of(name: str) -> list[datetime]:
    """Every quarter of an hour for two days before and after each change, in UTC."""
    nights = [*changes(ZoneInfo(name))]
    nights += [
        datetime.fromisoformat(text).replace(tzinfo=UTC)
        for text in LONG_AGO.get(name, []) or ([] if nights else NO_CHANGE)
    ]
    quarter = timedelta(minutes=15)
    return [night + n * quarter for night in nights for n in range(-QUARTERS, QUARTERS + 1)]


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    variables = {"as_of": str(worlds.AS_OF)}  # as in the other tests: the project is read once
    return Bench(tmp_path_factory.mktemp("render"), variables=variables).rendered


@pytest.mark.slow
def test_a_day_is_the_day_on_the_wall_in_forty_zones_through_all_changes_of_clocks(render, remark):
    assert len(set(LOCAL_ZONES)) == 40
    compared, change_count = 0, 0
    # what is rendered for two zones tells what is rendered for any
    first, last = (
        render("{{ local_date('moment') }}", reporting_timezone=name)
        for name in (LOCAL_ZONES[0], LOCAL_ZONES[-1])
    )
    assert LOCAL_ZONES[0] in first
    assert first.replace(LOCAL_ZONES[0], LOCAL_ZONES[-1]) == last
    for name in LOCAL_ZONES:
        moments = moments_of(name)
        change_count += len(moments) // (2 * QUARTERS + 1)
        local_date = first.replace(LOCAL_ZONES[0], name)
        given = pa.table({"moment": [moment.replace(tzinfo=None) for moment in moments]})
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'Asia/Shanghai'")  # which must not matter
            connection.register("given", given)
            rows = connection.execute(f"select moment, {local_date} from given").fetchall()
        zone, wrong = ZoneInfo(name), []
        for moment, found in rows:
            expected = moment.replace(tzinfo=UTC).astimezone(zone).date()
            if found != expected:
                wrong.append((moment, found, expected))
        assert not wrong, f"{name}: {len(wrong)} of {len(rows)}, {wrong[:3]}"
        compared += len(rows)
    remark(f"local days: {compared:,} moments around {change_count} nights in 40 zones, 0 wrong")


def test_the_nights_in_question_change_something():
    zone = ZoneInfo("Pacific/Apia")
    apia = {moment.astimezone(zone).date() for moment in moments_of(zone.key)}
    assert datetime(2011, 12, 29).date() in apia and datetime(2011, 12, 31).date() in apia
    assert datetime(2011, 12, 30).date() not in apia
    assert len([*changes(ZoneInfo("Europe/Copenhagen"))]) == 4
    assert len([*changes(ZoneInfo("Australia/Lord_Howe"))]) == 4
    assert not [*changes(ZoneInfo("Asia/Kolkata"))]


TEXTS = {
    "2025-03-30T01:30:00": datetime(2025, 3, 30, 1, 30),
    "2025-03-30 02:30:00.123456": datetime(2025, 3, 30, 2, 30, 0, 123456),
    "2025-03-30T01:30:00Z": datetime(2025, 3, 30, 1, 30),
    "2025-03-30 01:30:00 UTC": datetime(2025, 3, 30, 1, 30),
    "2025-03-30T01:30:00+05:45": datetime(2025, 3, 29, 19, 45),
    "2025-03-30T01:30:00.5-0930": datetime(2025, 3, 30, 11, 0, 0, 500000),
    "2025-03-30": datetime(2025, 3, 30),
    "yesterday": None,
}


@pytest.mark.slow
def test_a_time_as_text_is_the_same_moment_in_every_session(render):
    parsed = render("{{ parse_timestamp('written') }}")
    for zone in ZONES:
        with duckdb.connect() as connection:
            connection.execute(f"set TimeZone = '{zone}'")
            connection.register("given", pa.table({"written": list(TEXTS)}))
            rows = connection.execute(f"select written, {parsed} from given").fetchall()
        assert dict(rows) == TEXTS, zone
