"""What other warehouses' parsers say of compiled models, and the example profiles."""

import subprocess
import sys

import pytest
import yaml
from harness import ROOT

from tools import dialects

PROFILES = sorted((ROOT / "examples" / "profiles").glob("*.yml"))


@pytest.fixture
def compiled(tmp_path):
    folder = tmp_path / "customer_journey" / "models" / "marts"
    (folder / "fct_a.yml").mkdir(parents=True)
    (folder / "fct_a.sql").write_text("select 1 as a union all select 2 as a")
    (folder / "fct_b.sql").write_text("select 1 as b union select 2 as b")
    (folder / "fct_a.yml" / "unique_a.sql").write_text("this is no model")
    return tmp_path


def test_only_models_are_read_and_what_a_dialect_cannot_read_is_named(compiled):
    paths = dialects.models_in(compiled)
    assert [path.stem for path in paths] == ["fct_a", "fct_b"]
    assert not dialects.unreadable(paths, "duckdb")
    # BigQuery wants to be told whether a union keeps what is there twice
    assert set(dialects.unreadable(paths, "bigquery")) == {"fct_b"}


def test_a_folder_without_models_is_told_with_what_writes_them(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tools.dialects", "--compiled", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "make demo" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_an_example_profile_says_that_nobody_has_run_it_and_holds_no_secret(path):
    text = path.read_text()
    assert text.startswith("# An example, not run by anybody yet")
    profile = yaml.safe_load(text)["customer_journey"]
    assert profile["target"] == path.stem
    output = profile["outputs"][path.stem]
    for name in {"password", "token", "private_key_path", "user", "host"} & set(output):
        assert "env_var(" in output[name]


def test_there_is_an_example_for_each_warehouse_that_is_looked_at():
    assert {path.stem for path in PROFILES} == (set(dialects.DIALECTS) - {"duckdb"}) | {
        "motherduck"
    }
