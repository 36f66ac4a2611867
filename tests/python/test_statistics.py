"""The statistics of macros/statistics against scipy, statsmodels, lifelines and plain counting.

All macros are written out by one call of dbt. Each is then one query over all its cases.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from fractions import Fraction
from itertools import product

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import worlds
from harness import ROOT, Bench
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportion_effectsize,
    proportions_ztest,
)

FOLDER = ROOT / "macros" / "statistics"

# ---------------------------------------------------------------- what is written

GROUPS = "['country', 'plan']"
TWO_GROUPS, CELLS = "'x1', 'n1', 'x2', 'n2'", "'tp', 'fp', 'fn', 'tn'"
WATCHED, SCORED = "'duration', 'is_event'", "'score', 'label'"
JINJA = {
    "normal_cdf": "{{ normal_cdf('x') }}",
    "normal_p": "{{ normal_sf_two_sided('x') }}",
    "wilson_columns": "{{ rate_columns('r', 'x1', 'n1') }}",
    "z": f"{{{{ two_proportion_z({TWO_GROUPS}) }}}}",
    "z_p": f"{{{{ two_proportion_p({TWO_GROUPS}) }}}}",
    "lifts": f"{{{{ lift_bounds({TWO_GROUPS}, prefix='paid_') }}}}",
    "welch_t": "{{ welch_t('mean1', 'variance1', 'n1', 'mean2', 'variance2', 'n2') }}",
    "welch_df": "{{ welch_df('variance1', 'n1', 'variance2', 'n2') }}",
    "student_p": "{{ student_t_two_sided('t', 'df') }}",
    "bh_step": f"{{{{ benjamini_hochberg_step('p', {GROUPS}) }}}}",
    "bh": f"{{{{ benjamini_hochberg('step', 'p', {GROUPS}) }}}}",
    "bh_step_of_all": "{{ benjamini_hochberg_step('p', []) }}",
    "bh_of_all": "{{ benjamini_hochberg('step', 'p', []) }}",
    "chi_square_p": "{{ chi_square_sf('x', 'df') }}",
    "chi_square_p_of_one": "{{ chi_square_sf('x', 1) }}",
    "ratio": f"{{{{ sample_ratio_mismatch('given', {GROUPS}, 'variant', 'seen', 'share') }}}}",
    "h": "{{ cohens_h('p1', 'p2') }}",
    "power": "{{ two_proportion_power('h', 'n1', 'n2') }}",
    "mde": "{{ minimum_detectable_effect('p1', 'n1', 'n2') }}",
    "curve": f"{{{{ kaplan_meier('given', {GROUPS}, {WATCHED}) }}}}",
    "median": f"{{{{ kaplan_meier_median('given', {GROUPS}, {WATCHED}, 'median') }}}}",
    "median_of_all": f"{{{{ kaplan_meier_median('given', [], {WATCHED}) }}}}",
    "auc": f"{{{{ auc('given', {GROUPS}, {SCORED}) }}}}",
    "auc_of_all": f"{{{{ auc('given', [], {SCORED}) }}}}",
    "threshold": f"{{{{ best_threshold('given', {GROUPS}, {SCORED}) }}}}",
    "phi": f"{{{{ phi_coefficient({CELLS}) }}}}",
    "lift": f"{{{{ association_lift({CELLS}) }}}}",
    "table_chi_square": f"{{{{ chi_square_2x2({CELLS}) }}}}",
    "table_p": f"{{{{ chi_square_2x2_p({CELLS}) }}}}",
    "nps": "{{ net_promoter_score('promoters', 'detractors', 'n') }}",
    "nps_lower": "{{ net_promoter_bound('promoters', 'detractors', 'n', '-') }}",
    "nps_upper": "{{ net_promoter_bound('promoters', 'detractors', 'n', '+') }}",
}
BODIES = {"ratio", "curve", "median", "median_of_all", "auc", "auc_of_all", "threshold"}


@pytest.fixture(scope="module")
def sql(tmp_path_factory) -> dict[str, str]:
    variables = {"as_of": str(worlds.AS_OF)}  # as in the other tests: the project is read once
    bench = Bench(tmp_path_factory.mktemp("statistics"), variables=variables)
    border = "\n-- next\n"
    written = bench.rendered(border.join(JINJA.values())).split(border)
    return dict(zip(JINJA, written, strict=True))


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"threads": 2}) as opened:
        yield opened


def ask(connection, query: str, given: pa.Table | pd.DataFrame) -> pd.DataFrame:
    connection.register("given", given)
    return connection.execute(query).df()


def reckon(connection, given: dict, **expressions: str) -> dict[str, np.ndarray]:
    """Each expression over the rows of `given`, NaN for NULL."""
    table = pa.table({"row": range(len(next(iter(given.values())))), **given})
    written = ", ".join(f"{text} as {name}" for name, text in expressions.items())
    found = ask(connection, f"select {written} from given order by row", table)
    return {name: found[name].to_numpy(dtype=float, na_value=np.nan) for name in found}


def error(found, expected, relative: bool = False) -> float:
    """The greatest one; what is NULL on one side only is no error but a failure."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert len(found) == len(expected) > 0
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    keep = ~np.isnan(expected)
    apart = np.abs(found[keep] - expected[keep])
    return float(np.max(apart / np.abs(expected[keep]) if relative else apart, initial=0))


@pytest.fixture
def tell(remark, request):
    name = request.node.name.removeprefix("test_")
    return lambda **errors: remark(
        f"{name}: " + ", ".join(f"{key} {value:.1e}" for key, value in errors.items())
    )


# ---------------------------------------------------------------- the normal distribution


def test_the_normal_distribution_is_scipys_in_both_tails(sql, connection, tell):
    chance = np.random.default_rng(1)
    x = np.concatenate(
        [chance.normal(0, 1, 3000), chance.uniform(-37, 37, 6000), np.linspace(-8, 8, 3201)]
    )
    x = np.concatenate([x, [0, -0.0, 1e-300, 7.07106781186547, -7.07106781186548, 1e3, -1e200]])
    found = reckon(connection, {"x": x}, cdf=sql["normal_cdf"], p=sql["normal_p"])
    cdf, p = stats.norm.cdf(x), 2 * stats.norm.sf(np.abs(x))
    small = cdf > 1e-300, p > 1e-300
    errors = {
        "cdf": error(found["cdf"], cdf),
        "p": error(found["p"], p),
        "cdf_relative": error(found["cdf"][small[0]], cdf[small[0]], relative=True),
        "p_relative": error(found["p"][small[1]], p[small[1]], relative=True),
    }
    tell(**errors)
    assert errors["cdf"] < 1e-15 and errors["p"] < 1e-15
    assert errors["cdf_relative"] < 1e-8 and errors["p_relative"] < 1e-8


def test_the_normal_distribution_takes_any_number_and_gives_null_for_null(sql, connection):
    for kind, values in {"integer": [-2, 3], "decimal(9, 4)": [1.5, -2.25]}.items():
        rows = " union all ".join(f"select cast({x} as {kind}) as x" for x in [*values, "null"])
        query = f"select {sql['normal_cdf']} as cdf, {sql['normal_p']} as p from ({rows}) as given"
        found = connection.execute(query).fetchall()
        assert found[2] == (None, None)
        for x, (cdf, p) in zip(values, found, strict=False):
            assert cdf == pytest.approx(stats.norm.cdf(x), rel=1e-12)
            assert p == pytest.approx(2 * stats.norm.sf(abs(x)), rel=1e-12)


# ---------------------------------------------------------------- proportions


def two_groups() -> dict[str, list[int]]:
    chance = np.random.default_rng(2)
    n1, n2 = (np.exp(chance.uniform(0, np.log(3e5), 300)).astype(int) for _ in range(2))
    rate = chance.beta(0.7, 2, 300)
    x1, x2 = chance.binomial(n1, rate), chance.binomial(n2, np.minimum(1, rate * 1.1))
    few = [(x1, n1, x2, n2) for n1, n2 in product((0, 1, 3), (0, 1, 4))
           for x1 in {0, n1 // 2, n1} for x2 in {0, n2 // 2, n2}]  # fmt: skip
    columns = zip(*few, strict=True)
    drawn = (x1, n1, x2, n2)
    names = ("x1", "n1", "x2", "n2")
    return {
        name: [*map(int, many), *edge]
        for name, many, edge in zip(names, drawn, columns, strict=True)
    }


def rows_of(columns: dict) -> list[tuple]:
    return list(zip(*columns.values(), strict=True))


def test_wilson_bounds_are_those_of_statsmodels(sql, connection, tell):
    cases = two_groups()
    found = ask(connection, f"select {sql['wilson_columns']} from given", pa.table(cases))
    expected = [
        proportion_confint(x, n, method="wilson") if n else (np.nan, np.nan)
        for x, n, *_ in rows_of(cases)
    ]
    lower, upper = zip(*expected, strict=True)
    errors = {
        "lower": error(found["r_rate_lower"], lower),
        "upper": error(found["r_rate_upper"], upper),
    }
    tell(**errors)
    assert max(errors.values()) < 1e-12
    assert found["r_rate_lower"].min() >= 0 and found["r_rate_upper"].max() <= 1


def test_the_z_test_of_two_proportions_is_that_of_statsmodels(sql, connection, tell):
    cases = two_groups()
    found = reckon(connection, cases, z=sql["z"], p=sql["z_p"])
    expected = [
        # the variance of nobody, or of everybody, is nothing to divide by
        proportions_ztest([x2, x1], [n2, n1])
        if n1 and n2 and 0 < x1 + x2 < n1 + n2
        else (np.nan, np.nan)
        for x1, n1, x2, n2 in rows_of(cases)
    ]
    z, p = zip(*expected, strict=True)
    keep = np.array(p) > 1e-300
    errors = {
        "z": error(found["z"], z),
        "p": error(found["p"], p),
        "p_relative": error(found["p"][keep], np.array(p)[keep], relative=True),
    }
    tell(**errors)
    assert errors["z"] < 1e-9 and errors["p"] < 1e-12 and errors["p_relative"] < 1e-7


def test_lifts_and_their_bounds_are_those_of_statsmodels(sql, connection, tell):
    cases = two_groups()
    found = ask(connection, f"select {sql['lifts']} from given", pa.table(cases))
    absolute, relative = [], []
    for x1, n1, x2, n2 in rows_of(cases):
        absolute.append((np.nan,) * 3)
        relative.append((np.nan,) * 3)
        if n1 and n2:
            bounds = confint_proportions_2indep(x2, n2, x1, n1, method="newcomb", compare="diff")
            absolute[-1] = (x2 / n2 - x1 / n1, *bounds)
        if x1 and x2:
            bounds = confint_proportions_2indep(x2, n2, x1, n1, method="log", compare="ratio")
            relative[-1] = (x2 / n2 / (x1 / n1) - 1, *(bound - 1 for bound in bounds))
    errors = {}
    for name, expected in ("absolute", absolute), ("relative", relative):
        for part, values in zip(("", "_lower", "_upper"), np.array(expected).T, strict=True):
            column = f"{name}_lift{part}"
            # a ratio of one in three and one in three hundred thousand is large
            scale = 1 if name == "absolute" else 1 + np.abs(np.nan_to_num(values))
            errors[column] = error(found[f"paid_{column}"] / scale, values / scale)
    tell(**errors)
    assert max(errors.values()) < 1e-9


def test_the_absolute_bounds_are_those_that_newcombe_printed(sql, connection):
    """Table II of the paper, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/20."""
    cases = {"x2": [56, 9, 10], "n2": [70, 10, 10], "x1": [48, 3, 0], "n1": [80, 10, 20]}
    found = ask(connection, f"select {sql['lifts']} from given", pa.table(cases))
    assert [round(bound, 4) for bound in found["paid_absolute_lift_lower"]] == [
        0.0524, 0.1705, 0.6791,
    ]  # fmt: skip
    assert [round(bound, 4) for bound in found["paid_absolute_lift_upper"]] == [
        0.3339, 0.8090, 1.0,
    ]  # fmt: skip


# ---------------------------------------------------------------- means


def test_welchs_t_and_its_degrees_of_freedom_are_scipys(sql, connection, tell):
    chance = np.random.default_rng(3)
    n1, n2 = (np.exp(chance.uniform(np.log(2), np.log(1e6), 500)).astype(int) for _ in range(2))
    cases = {
        "mean1": chance.normal(0, 3, 500), "variance1": chance.gamma(0.5, 20, 500), "n1": n1,
        "mean2": chance.normal(0, 3, 500), "variance2": chance.gamma(2.0, 1.0, 500), "n2": n2,
    }  # fmt: skip
    cases["variance1"][:20] = 0
    found = reckon(connection, cases, t=sql["welch_t"], df=sql["welch_df"])
    t, df = [], []
    for mean1, variance1, n1, mean2, variance2, n2 in rows_of(cases):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = stats.ttest_ind_from_stats(
                mean2, variance2**0.5, n2, mean1, variance1**0.5, n1, equal_var=False
            )
        t.append(whole.statistic)
        part1, part2 = variance1 / n1, variance2 / n2
        df.append((part1 + part2) ** 2 / (part1**2 / (n1 - 1) + part2**2 / (n2 - 1)))
        assert whole.pvalue == pytest.approx(2 * stats.t.sf(abs(t[-1]), df[-1]), abs=1e-12)
    errors = {"t": error(found["t"], t, relative=True), "df": error(found["df"], df, relative=True)}
    tell(**errors)
    assert max(errors.values()) < 1e-12


def test_welchs_test_says_nothing_of_one_value_or_without_variance(sql, connection):
    cases = {
        "mean1": [1.0, 1.0, 1.0, None], "variance1": [None, 0.0, 1.0, 1.0], "n1": [1, 5, 0, 9],
        "mean2": [2.0, 2.0, 2.0, 1.0], "variance2": [1.0, 0.0, 1.0, 1.0], "n2": [9, 5, 9, 9],
    }  # fmt: skip
    found = reckon(connection, cases, t=sql["welch_t"], df=sql["welch_df"])
    assert np.isnan(found["t"]).all()
    assert list(np.isnan(found["df"])) == [True, True, True, False]


def test_the_t_distribution_is_scipys_from_one_degree_of_freedom_to_a_million(
    sql, connection, tell
):
    chance = np.random.default_rng(4)
    many = np.exp(chance.uniform(0, np.log(1e6), 9000))
    df = np.concatenate([many, chance.uniform(1, 6, 4000), chance.integers(1, 40, 2000)])
    t = np.concatenate([chance.uniform(-40, 40, 7500), chance.normal(0, 3, 7500)])
    chance.shuffle(t)
    grid = list(product([0, 1e-9, 0.5, 1.96, 2, 7.3, 12, 40], [1, 1.5, 2, 3, 10, 1e3, 1e6, 1e8]))
    t, df = np.append(t, [a for a, _ in grid]), np.append(df, [b for _, b in grid])
    found = reckon(connection, {"t": t, "df": df}, p=sql["student_p"])["p"]
    p = 2 * stats.t.sf(np.abs(t), df)
    usual, small = df <= 1e6, (p > 1e-300) & (df <= 1e6)
    errors = {
        "p": error(found[usual], p[usual]),
        "p_relative": error(found[small], p[small], relative=True),
        "p_of_1e8": error(found[~usual], p[~usual]),
    }
    tell(**errors)
    assert errors["p"] < 1e-9 and errors["p_relative"] < 1e-7 and errors["p_of_1e8"] < 1e-7


def test_the_t_distribution_is_the_normal_one_in_the_end_and_nothing_below_one(sql, connection):
    t, df = [2.5, 7.0, 2.5, 2.5, None, 1e200], [2e9, 2e9, 0.5, None, 4.0, 4.0]
    found = reckon(connection, {"t": t, "df": df}, p=sql["student_p"])["p"]
    assert error(found[:2], 2 * stats.norm.sf(t[:2]), relative=True) < 1e-8
    assert np.isnan(found[2:5]).all() and found[5] == 0


# ---------------------------------------------------------------- many tests at once


def adjusted(p: list[float | None]) -> list[float]:
    expected = np.full(len(p), np.nan)
    given = [place for place, value in enumerate(p) if value is not None]
    if given:
        expected[given] = multipletests([p[place] for place in given], method="fdr_bh")[1]
    return list(expected)


def in_two_steps(step: str, last: str, columns: str) -> str:
    return f"""with steps as (select *, {step} as step from given)
    select {columns}, p, {last} as adjusted from steps order by row"""


def test_adjusted_p_values_are_those_of_statsmodels(sql, connection, tell):
    chance = np.random.default_rng(5)
    rows = []
    for country, plan in product(range(8), range(6)):
        # ties, nothing but NULL, one p alone
        for p in np.round(chance.beta(0.3, 2, chance.integers(0, 40)), chance.integers(2, 12)):
            rows.append((country, plan or None, None if plan == 3 or p > 0.9 else float(p)))
    chance.shuffle(rows)
    columns = dict(zip(("country", "plan", "p"), map(list, zip(*rows, strict=True)), strict=True))
    given = pa.table({"row": range(len(rows)), **columns})
    found = ask(connection, in_two_steps(sql["bh_step"], sql["bh"], "country, plan"), given)
    expected = np.full(len(rows), np.nan)
    for group in {row[:2] for row in rows}:
        places = [place for place, row in enumerate(rows) if tuple(row[:2]) == tuple(group)]
        expected[places] = adjusted([rows[place][2] for place in places])
    of_groups = error(found["adjusted"], expected)
    found = ask(connection, in_two_steps(sql["bh_step_of_all"], sql["bh_of_all"], "row"), given)
    of_all = error(found["adjusted"], adjusted(columns["p"]))
    tell(of_groups=of_groups, of_all=of_all)
    assert max(of_groups, of_all) < 1e-14


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    p=st.lists(
        st.none() | st.sampled_from([0.0, 0.01, 0.05, 1.0]) | st.floats(0, 1, width=32), min_size=1
    )
)
def test_any_p_values_are_adjusted_as_statsmodels_does(sql, connection, p):
    table = pa.table({"row": range(len(p)), "p": pa.array(p, pa.float64())})
    query = in_two_steps(sql["bh_step_of_all"], sql["bh_of_all"], "row")
    assert error(ask(connection, query, table)["adjusted"], adjusted(p)) < 1e-14


# ---------------------------------------------------------------- chi-square


def test_the_chi_square_distribution_is_scipys(sql, connection, tell):
    chance = np.random.default_rng(6)
    df = np.repeat(np.arange(1, 20), 400)
    x = np.where(
        chance.random(len(df)) < 0.5, chance.chisquare(df), chance.uniform(0, 200, len(df))
    )
    grid = list(product([0, 1e-12, 1, 600, 5000, 1e12], range(1, 20)))
    x, df = np.append(x, [a for a, _ in grid]), np.append(df, [b for _, b in grid])
    found = reckon(connection, {"x": x, "df": df}, p=sql["chi_square_p"])["p"]
    p = stats.chi2.sf(x, df)
    small = p > 1e-300
    errors = {"p": error(found, p), "p_relative": error(found[small], p[small], relative=True)}
    found = reckon(connection, {"x": x}, p=sql["chi_square_p_of_one"])["p"]
    errors["p_of_one"] = error(found, stats.chi2.sf(x, 1))
    tell(**errors)
    assert errors["p"] < 1e-13 and errors["p_of_one"] < 1e-13 and errors["p_relative"] < 1e-7


def test_there_is_no_chi_square_of_other_degrees_of_freedom(sql, connection):
    df, x = [0.0, -1.0, 20.0, 2.5, None, 3.0], [1.0, 1.0, 1.0, 1.0, 1.0, None]
    assert np.isnan(reckon(connection, {"x": x, "df": df}, p=sql["chi_square_p"])["p"]).all()


def test_sample_ratio_mismatch_is_scipys_goodness_of_fit(sql, connection, tell):
    chance = np.random.default_rng(7)
    rows, expected = [], {}
    for number in range(120):
        size = 1 + number % 20
        shares = chance.integers(1, 9, size) / chance.choice([1, 10, 100])
        seen = chance.multinomial(chance.integers(1, 20000), shares / shares.sum())
        rows += [
            (number, "a", f"v{n:02d}", int(s), w)
            for n, (s, w) in enumerate(zip(seen, shares, strict=True))
        ]
        fit = stats.chisquare(seen, shares / shares.sum() * seen.sum())
        expected[number] = (*fit, size - 1) if size > 1 else (np.nan, np.nan, 0)
    unknown = [
        (200, [(5, None), (5, 1.0)]),
        (201, [(0, 1.0), (0, 1.0)]),
        (202, [(5, 0.0), (5, 1.0)]),
        (203, [(9, 1.0)]),
    ]
    for number, variants in unknown:
        rows += [(number, "a", f"v{n}", *variant) for n, variant in enumerate(variants)]
        expected[number] = (np.nan, np.nan, len(variants) - 1)
    rows += [(300, "a", "v0", None, 1.0), (300, "a", "v1", 7, 1.0)]  # not seen: none
    expected[300] = (*stats.chisquare([0, 7]), 1)
    rows += [(301, "a", f"v{n}", 10 + n, 1.0) for n in range(21)]  # one variant too many for a p
    expected[301] = (stats.chisquare(range(10, 31)).statistic, np.nan, 20)
    chance.shuffle(rows)
    names = ("country", "plan", "variant", "seen", "share")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    found = ask(connection, sql["ratio"], pa.table(columns)).set_index("country").sort_index()
    assert list(found.index) == sorted(expected)
    chi_square, p, df = zip(*(expected[number] for number in found.index), strict=True)
    assert list(found["df"]) == list(df)
    errors = {
        "chi_square": error(found["chi_square"], chi_square),
        "p": error(found["p_value"], p),
    }
    tell(**errors)
    assert errors["chi_square"] < 1e-9 and errors["p"] < 1e-12


# ---------------------------------------------------------------- power


def test_power_is_that_of_statsmodels(sql, connection, tell):
    chance = np.random.default_rng(8)
    p1, p2 = chance.beta(0.5, 1, 400), chance.beta(0.5, 1, 400)
    p2[:300] = np.clip(p1[:300] + chance.normal(0, 0.03, 300), 0, 1)
    n1, n2 = (np.exp(chance.uniform(0, np.log(1e5), 400)).astype(int) for _ in range(2))
    edges = list(product([0, 1e-12, 0.5, 1], [0, 1e-12, 0.5, 1], [1, 500], [500]))
    cases = dict(zip(("p1", "p2", "n1", "n2"), zip(*edges, strict=True), strict=True))
    cases = {
        name: np.append(drawn, cases[name])
        for name, drawn in {"p1": p1, "p2": p2, "n1": n1, "n2": n2}.items()
    }
    h = reckon(connection, cases, h=sql["h"])["h"]
    expected_h = proportion_effectsize(cases["p2"], cases["p1"])
    power = reckon(connection, {**cases, "h": h}, power=sql["power"])["power"]
    expected = [
        NormalIndPower().power(abs(h), n1, 0.05, ratio=n2 / n1)
        for h, n1, n2 in zip(expected_h, cases["n1"], cases["n2"], strict=True)
    ]
    errors = {"h": error(h, expected_h), "power": error(power, expected)}
    tell(**errors)
    assert errors["h"] < 1e-13 and errors["power"] < 1e-12


def test_power_is_unknown_without_a_group_or_a_share(sql, connection):
    cases = {"p1": [0.1, 0.1, None, 1.1, -0.1], "p2": [0.2] * 5, "n1": [0, 9, 9, 9, 9]}
    cases["n2"] = [9, 0, 9, 9, 9]
    h = reckon(connection, cases, h=sql["h"])["h"]
    assert list(np.isnan(h)) == [False, False, True, True, True]
    assert np.isnan(reckon(connection, {**cases, "h": h}, power=sql["power"])["power"]).all()


def test_the_minimum_detectable_effect_has_power_four_fifths(sql, connection, tell):
    chance = np.random.default_rng(9)
    p1 = chance.beta(0.5, 1, 300)
    n1, n2 = (np.exp(chance.uniform(0, np.log(1e6), 300)).astype(int) for _ in range(2))
    found = reckon(connection, {"p1": p1, "n1": n1, "n2": n2}, mde=sql["mde"])["mde"]
    deviation, per_group = np.sqrt(p1 * (1 - p1)), np.sqrt(1 / n1 + 1 / n2)
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * deviation * per_group
    by_formula = error(found, expected)
    tell(by_formula=by_formula)
    assert by_formula < 1e-12
    for place in range(20):
        size = found[place] / deviation[place]
        power = NormalIndPower().power(size, n1[place], 0.05, ratio=n2[place] / n1[place])
        assert power == pytest.approx(0.8, abs=2e-6)  # the far tail counts there, 1e-6
    nothing = {"p1": [0.0, 1.0, 0.5, 0.5, None], "n1": [9, 9, 0, 9, 9], "n2": [9, 9, 9, 0, 9]}
    assert np.isnan(reckon(connection, nothing, mde=sql["mde"])["mde"]).all()


# ---------------------------------------------------------------- time to an event

Subject = tuple[int | None, bool | None]  # how long watched, did it come


def curve_of(subjects: list[Subject]) -> list[tuple[int, int, int, Fraction]]:
    """Time of an event, at risk, events, survival: by the book, in fractions."""
    subjects = [(duration, bool(came)) for duration, came in subjects if duration is not None]
    curve, survival = [], Fraction(1)
    for time in sorted({duration for duration, came in subjects if came}):
        at_risk = sum(duration >= time for duration, _ in subjects)
        events = sum(duration == time and came for duration, came in subjects)
        survival *= Fraction(at_risk - events, at_risk)
        curve.append((time, at_risk, events, survival))
    return curve


def median_of(curve) -> int | None:
    return next((time for time, *_, survival in curve if survival <= Fraction(1, 2)), None)


def table_of(groups: dict[tuple, list[tuple]], number: str, truth: str) -> pa.Table:
    rows = [(*group, *subject) for group, subjects in groups.items() for subject in subjects]
    kind = pa.int64() if number == "duration" else pa.float64()
    schema = pa.schema(
        [("country", pa.int64()), ("plan", pa.string()), (number, kind), (truth, pa.bool_())]
    )
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column) for column in columns], schema.names).cast(schema)


def test_survival_is_that_of_lifelines_and_the_median_that_of_fractions(sql, connection, tell):
    chance = np.random.default_rng(10)
    groups: dict[tuple, list[Subject]] = {}
    for number in range(150):
        size = int(chance.integers(1, 4000 if number < 5 else 60))
        durations = chance.integers(0, chance.choice([5, 40, 100000]), size)
        came = chance.random(size) < chance.choice([0, 0.2, 0.5, 0.9, 1])
        plan = None if number % 9 == 0 else "a"  # a group may be called NULL
        groups[(number, plan)] = list(zip(map(int, durations), map(bool, came), strict=True))
    given = table_of(groups, "duration", "is_event")
    found = ask(connection, sql["curve"], given).astype({"plan": object})
    medians = connection.execute(sql["median"]).fetchall()
    assert len(medians) == len(groups)
    medians = {row[:2]: row[2] for row in medians}
    greatest, halves = 0.0, 0
    by_group = {country: rows for country, rows in found.groupby("country")}
    for group, subjects in groups.items():
        curve = curve_of(subjects)
        halves += any(survival == Fraction(1, 2) for *_, survival in curve)
        assert medians[group] == median_of(curve), group
        if not curve:
            assert group[0] not in by_group
            continue
        rows = by_group[group[0]].sort_values("duration")
        told = list(rows[["duration", "at_risk", "events"]].itertuples(index=False, name=None))
        assert told == [row[:3] for row in curve], group
        durations, came = zip(*subjects, strict=True)
        fitted = (
            KaplanMeierFitter().fit(durations, came).survival_function_at_times(rows["duration"])
        )
        greatest = max(greatest, error(rows["survival"], fitted))
        exact = [float(survival) for *_, survival in curve]
        assert error(rows["survival"], exact) < 6e-13  # rounded to 1e-12
    tell(survival=greatest)
    assert greatest < 1e-9
    assert halves > 10 and None in medians.values()


@hypothesis_settings(max_examples=80, deadline=None)
@given(
    groups=st.lists(
        st.lists(
            st.tuples(st.none() | st.integers(0, 6), st.none() | st.booleans()),
            min_size=1,
            max_size=14,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_of_any_few_the_median_is_exact(sql, connection, groups):
    by_group = {(number, "a"): subjects for number, subjects in enumerate(groups)}
    curves = {group: curve_of(subjects) for group, subjects in by_group.items()}
    given = table_of(by_group, "duration", "is_event")
    connection.register("given", given)
    expected = {
        (*group, median_of(curves[group]))
        for group, subjects in by_group.items()
        if any(duration is not None for duration, _ in subjects)
    }
    assert set(connection.execute(sql["median"]).fetchall()) == expected
    (of_all,) = connection.execute(sql["median_of_all"]).fetchall()
    assert of_all == (median_of(curve_of([subject for group in groups for subject in group])),)
    rows = connection.execute(f"select * from ({sql['curve']}) order by all").fetchall()
    exact = [
        (*group, *row[:3], pytest.approx(float(row[3]), abs=6e-13))
        for group, curve in curves.items()
        for row in curve
    ]
    assert rows == exact


# ---------------------------------------------------------------- scores

Scored = tuple[float | None, bool | None]


def best_of(subjects: list[Scored]) -> tuple:
    """Threshold, tp, fp, fn, tn, precision, recall, J: by trying every score."""
    best = (None,) * 8
    positives = sum(label for _, label in subjects)
    negatives = len(subjects) - positives
    if not positives or not negatives:
        return best
    for threshold in sorted({score for score, _ in subjects}):
        cells = Counter((score >= threshold, label) for score, label in subjects)
        tp, fp = cells[True, True], cells[True, False]
        j = Fraction(tp, positives) - Fraction(fp, negatives)
        if best[0] is None or j > best[-1]:
            cells = tp, fp, positives - tp, negatives - fp
            best = (threshold, *cells, tp / (tp + fp), tp / positives, j)
    return best


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(
        st.lists(
            st.tuples(
                st.none() | st.integers(-3, 3).map(float) | st.floats(-1, 1, width=16),
                st.none() | st.booleans(),
            ),
            min_size=1,
            max_size=14,
        ),
        min_size=1,
        max_size=10,
    )
)
def test_of_any_few_the_area_and_the_best_threshold_are_those_of_counting(sql, connection, groups):
    connection.register(
        "given", table_of({(n, "a"): rows for n, rows in enumerate(groups)}, "score", "label")
    )
    counted = [[row for row in rows if None not in row] for rows in groups]
    expected = {}
    for number, rows in enumerate(counted):
        yes, no = ([score for score, label in rows if label is wanted] for wanted in (True, False))
        pairs = [(a > b) + (a == b) / 2 for a in yes for b in no]
        area = pytest.approx(sum(pairs) / len(pairs), abs=1e-12) if pairs else None
        if rows:
            expected[number] = (len(yes), len(no), area)
    found = {row[0]: row[2:] for row in connection.execute(sql["auc"]).fetchall()}
    assert found == expected
    found = {row[0]: row[2:] for row in connection.execute(sql["threshold"]).fetchall()}
    assert found.keys() == expected.keys()
    for number, row in found.items():
        best = best_of(counted[number])
        assert row[:5] == best[:5], counted[number]
        assert row[5:] == (None,) * 3 or row[5:] == pytest.approx(tuple(map(float, best[5:])))


def test_the_area_under_the_curve_is_that_of_scipys_mann_whitney(sql, connection, tell):
    chance = np.random.default_rng(11)
    groups, expected = {}, {}
    for number in range(60):
        size = int(chance.integers(2, 3000))
        label = chance.random(size) < chance.uniform(0.02, 0.98)
        score = np.round(chance.normal(0, 1, size) + label, int(chance.integers(0, 9)))
        groups[(number, "a")] = list(zip(map(float, score), map(bool, label), strict=True))
        yes, no = score[label], score[~label]
        pairs = len(yes) * len(no)
        expected[number] = stats.mannwhitneyu(yes, no).statistic / pairs if pairs else np.nan
    found = ask(connection, sql["auc"], table_of(groups, "score", "label")).sort_values("country")
    of_groups = error(found["auc"], list(expected.values()))
    tell(auc=of_groups)
    assert of_groups < 1e-12
    (row,) = connection.execute(sql["auc_of_all"]).fetchall()
    subjects = [subject for group in groups.values() for subject in group]
    yes, no = ([score for score, label in subjects if label is wanted] for wanted in (True, False))
    assert row[:2] == (len(yes), len(no))
    assert row[2] == pytest.approx(stats.mannwhitneyu(yes, no).statistic / len(yes) / len(no))


# ---------------------------------------------------------------- tables of four cells


def test_phi_lift_and_chi_square_are_those_of_scipy(sql, connection, tell):
    chance = np.random.default_rng(12)
    scale = np.exp(chance.uniform(0, np.log(1e6), (300, 1)))
    tables = [*(chance.random((300, 4)) ** 3 * scale).astype(int), *product((0, 1, 5), repeat=4)]
    names = ("tp", "fp", "fn", "tn")
    cases = {name: [int(table[n]) for table in tables] for n, name in enumerate(names)}
    found = reckon(
        connection, cases, phi=sql["phi"], lift=sql["lift"], x=sql["table_chi_square"],
        p=sql["table_p"],
    )  # fmt: skip
    expected = {"phi": [], "lift": [], "x": [], "p": []}
    for tp, fp, fn, tn in rows_of(cases):
        table = np.array([[tp, fp], [fn, tn]], dtype=float)
        phi = x = p = np.nan
        if table.sum(0).all() and table.sum(1).all():
            x, p, *_ = stats.chi2_contingency(table, correction=False)
            # the correlation of two columns of 0 and 1, from their weighted moments
            covariance = np.cov([1, 1, 0, 0], [1, 0, 1, 0], fweights=[tp, fp, fn, tn], ddof=0)
            phi = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        has_lift = tp + fp and tp + fn
        lift = tp / (tp + fp) / ((tp + fn) / table.sum()) if has_lift else np.nan
        for name, value in (("phi", phi), ("lift", lift), ("x", x), ("p", p)):
            expected[name].append(value)
    errors = {name: error(found[name], expected[name]) for name in ("phi", "p")}
    # of a large number the share that is wrong counts
    x, lift = 1 + np.array(expected["x"]), 1 + np.array(expected["lift"])
    errors["lift"] = error((1 + found["lift"]) / lift, lift / lift)
    errors["chi_square"] = error((1 + found["x"]) / x, x / x)
    tell(**errors)
    assert max(errors.values()) < 1e-9


# ---------------------------------------------------------------- scores of promoters


def test_the_net_promoter_score_has_the_variance_of_its_votes(sql, connection, tell):
    chance = np.random.default_rng(13)
    votes = [chance.multinomial(chance.integers(0, 3000), chance.dirichlet([0.5, 0.5, 0.5]))
             for _ in range(300)]  # fmt: skip
    votes += [*product((0, 1, 4), repeat=3)]
    promoters, passives, detractors = (list(map(int, part)) for part in zip(*votes, strict=True))
    n = [sum(map(int, vote)) for vote in votes]
    given = {"promoters": promoters, "detractors": detractors, "n": n}
    found = reckon(
        connection, given, score=sql["nps"], lower=sql["nps_lower"], upper=sql["nps_upper"]
    )
    expected = {"score": [], "lower": [], "upper": []}
    for vote in zip(promoters, passives, detractors, strict=True):
        each = np.repeat([100.0, 0.0, -100.0], vote)
        mean = each.mean() if len(each) else np.nan
        reach = 1.959963984540054 * np.sqrt(each.var() / len(each)) if len(each) else np.nan
        expected["score"].append(mean)
        expected["lower"].append(np.maximum(-100, mean - reach))
        expected["upper"].append(np.minimum(100, mean + reach))
    errors = {name: error(found[name], expected[name]) for name in expected}
    tell(**errors)
    assert max(errors.values()) < 1e-11


# ---------------------------------------------------------------- the same on every engine

PORTABLE = set(
    worlds.words("""exp ln sqrt abs power floor greatest least coalesce nullif cast
    count sum min max row_number over""")
)
# before a bracket, and no function
WORDS = {"select", "from", "where", "case", "when", "then", "else", "and", "or", "not", "in", "by"}


def test_the_statistics_are_one_text_for_every_engine():
    """Nothing asks which engine it is, so what Spark is given is what is tested here."""
    for path in FOLDER.glob("*.sql"):
        assert not re.search(r"\b(adapter|target|dbt)\s*\.", path.read_text()), path.name


def test_every_statistic_is_written_here():
    reached, todo = set(), list(JINJA.values())
    texts = {
        match[1]: match[2]
        for path in FOLDER.glob("*.sql")
        for match in re.finditer(r"\{% macro (\w+)\((.*?)\{%-? endmacro", path.read_text(), re.S)
    }
    while todo:
        calls = set(re.findall(r"\b(\w+)\(", todo.pop())) & texts.keys() - reached
        reached |= calls
        todo += [texts[name] for name in calls]
    assert len(texts) > 20 and reached == texts.keys()


@pytest.mark.parametrize("name", JINJA)
def test_only_functions_that_every_engine_has_are_called_in(sql, name):
    text = re.sub(r"--.*", "", sql[name])
    assert set(re.findall(r"\b([a-z_]\w*)\s*\(", text)) <= PORTABLE | WORDS
    if name not in ("wilson_columns", "lifts"):  # Wilson's bounds stand elsewhere
        # without an exponent a number is a decimal, and on Spark rounded as such
        assert not re.search(r"\b\d+\.\d+(?!\d*e)\b", text)
    assert len(text) < 20_000


@pytest.mark.slow
def test_spark_could_parse_all_of_it(sql):
    from sqlfluff.core import Linter

    # what others are made of is parsed in them, what is made of others needs no parsing again
    seen = {"z_p", "table_p", "chi_square_p_of_one", "power", "median_of_all"}
    seen |= {"normal_p", "chi_square_p", "wilson_columns"}
    for name in sql.keys() - seen:
        text = sql[name]
        query = text if name in BODIES else f"select {text} from given\n"
        parsed = Linter(dialect="sparksql").parse_string(query + "\n")
        assert not parsed.violations, (name, parsed.violations[:2])
