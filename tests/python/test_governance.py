"""Groups, exposures and the glossary, as files: who answers for what, and who reads it.

What dbt makes of them is asked in test_laws.py, what the warehouse holds in test_dbt_docs.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MARTS = {path.stem for path in ROOT.glob("models/marts/**/*.sql")}
# written by tools.publish beside the marts: what is published, and when
NO_MODELS = {"publication", "data_quality_results"}


def read(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def exposures() -> dict[str, dict]:
    return {each["name"]: each for each in read("models/_exposures.yml")["exposures"]}


def tables_of(exposure: dict) -> set[str]:
    return {re.fullmatch(r"ref\('(\w+)'\)", parent)[1] for parent in exposure["depends_on"]}


def tables_named(texts: list[str]) -> set[str]:
    """The tables that SQL in a board's yml reads: marts.<table>, in quotes or not."""
    found = {name for text in texts for name in re.findall(r"\bmarts\"?\.\"?(\w+)", text)}
    return found - NO_MODELS


def difference(name: str, exposure: dict, named: set[str]) -> str:
    """What has to be written so that the exposure says what is read; nothing where it does."""
    if tables_of(exposure) == named:
        return ""
    lines = "\n".join(f"  - ref('{table}')" for table in sorted(named))
    return f"In models/_exposures.yml, {name} has to say:\n  depends_on:\n{lines}\n"


def boards() -> dict[str, set[str]]:
    """Each board that is there, with the tables that it names."""
    files = [*ROOT.glob("dashboard/boards/*.yml"), *ROOT.glob("dashboard/boards/*.yaml")]
    named = {re.sub(r"^[\d_]+", "", path.stem): tables_named([path.read_text()]) for path in files}
    return {board: tables for board, tables in named.items() if tables}


# ---------------------------------------------------------------- groups


def test_each_folder_of_the_marts_has_its_group_and_each_group_an_owner_to_write_to():
    groups = {group["name"]: group for group in read("models/_groups.yml")["groups"]}
    folders = {path.name for path in (ROOT / "models" / "marts").iterdir() if path.is_dir()}
    assert folders <= groups.keys()
    for group in groups.values():
        assert group["description"] and group["owner"]["name"]
        assert re.fullmatch(r"[\w.-]+@[\w.-]+\.\w+", group["owner"]["email"])


def test_an_owners_name_always_has_the_same_address():
    owners = [group["owner"] for group in read("models/_groups.yml")["groups"]]
    owners += [exposure["owner"] for exposure in exposures().values()]
    addresses = {(owner["name"], owner["email"]) for owner in owners}
    assert len(addresses) == len({name for name, _ in addresses})


# ---------------------------------------------------------------- exposures


def test_an_exposure_names_only_tables_that_are_there_and_each_once():
    for name, exposure in exposures().items():
        assert tables_of(exposure) <= MARTS, f"{name}: {tables_of(exposure) - MARTS}"
        assert len(exposure["depends_on"]) == len(tables_of(exposure)), name


def test_the_publication_holds_every_mart():
    assert not difference("publication", exposures()["publication"], MARTS)


def test_each_board_of_the_dashboard_has_an_exposure_that_names_its_tables():
    found = boards()
    assert found
    ours = {
        exposure["config"]["meta"]["board"]: (name, exposure)
        for name, exposure in exposures().items()
        if name.startswith("board_")
    }
    assert ours.keys() == found.keys(), "one exposure for each board, with its name in meta.board"
    wrong = [difference(*ours[board], tables) for board, tables in sorted(found.items())]
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_superset_has_an_exposure_that_names_the_tables_of_its_datasets():
    folder = ROOT / "dashboard" / "superset" / "datasets"
    named = {yaml.safe_load(path.read_text())["table_name"] for path in folder.rglob("*.yaml")}
    assert not difference("superset", exposures()["superset"], named - NO_MODELS)


def test_a_table_that_a_board_reads_and_its_exposure_does_not_name_is_found():
    sql = 'select 1 from marts.kpi_funnels join "marts"."dim_as_of" on true -- marts.publication'
    named = tables_named([sql])
    assert named == {"kpi_funnels", "dim_as_of"}
    exposure = {"depends_on": ["ref('kpi_funnels')"]}
    assert "ref('dim_as_of')" in difference("board_funnels", exposure, named)
    assert not difference("board_funnels", exposure, {"kpi_funnels"})


# ---------------------------------------------------------------- the glossary


def test_every_doc_block_is_called_and_every_called_one_is_there():
    blocks = re.findall(r"{% docs (\w+) %}", (ROOT / "models" / "_glossary.md").read_text())
    texts = [path.read_text() for path in (ROOT / "models").rglob("*.yml")]
    called = {name for text in texts for name in re.findall(r"doc\('+(\w+)'+\)", text)}
    assert len(blocks) == len(set(blocks))
    assert set(blocks) == called
