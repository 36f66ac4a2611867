"""House rules that a manifest can be asked about, for dbt-score: `make govern`, docs/style.md.

Each is a function of one thing of the project. dbt-score finds them through [tool.dbt-score] in
pyproject.toml; tools/govern.py stops where one of them did not run.
"""

import re

from dbt_score import Exposure, Model, RuleViolation, Seed, Severity, Source, rule, rule_filter

# what one engine alone reads, or reads otherwise than others: macros/engine is the place for it
DIALECT = re.compile(
    r"::|\b(qualify|ilike|pivot|unpivot|asof|lateral)\b|\bfilter\s*\(\s*where\b|\*\s*(exclude|replace|except)\s*\("
    r"|\b(epoch|epoch_us|strftime|strptime|date_diff|datediff|dateadd|date_add|date_trunc|list_\w+|unnest"
    r"|explode|struct_pack|regexp_\w+|json_extract\w*|get_json_object|array_agg|string_agg|collect_\w+"
    r"|arg_max|arg_min|max_by|min_by|try_cast|sha256|sha2|generate_series|sequence|median"
    r"|quantile\w*|from_unixtime|to_timestamp)\s*\("
)
BEGINNING = "One row per "


@rule_filter
def is_mart(model: Model) -> bool:
    """Models of the marts."""
    return model.original_file_path.startswith("models/marts/")


def sql_of(model: Model) -> str:
    """The model's own SQL: without comments, texts and Jinja."""
    aside = r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|/\*.*?\*/|--[^\n]*|'[^']*'"
    return re.sub(aside, " ", model.raw_code, flags=re.S).lower()


def without_description(columns) -> list[str]:
    return [column.name for column in columns if not column.description.strip()]


# ---------------------------------------------------------------- what it is


@rule(severity=Severity.CRITICAL)
def description_says_what_a_row_is(model: Model) -> RuleViolation | None:
    """A model's description begins "One row per …": its grain, before anything else."""
    if not model.description.startswith(BEGINNING):
        return RuleViolation(
            f'Begin the description with "{BEGINNING}…", not {model.description[:30]!r}.'
        )


@rule(severity=Severity.CRITICAL)
def seed_says_what_a_row_is(seed: Seed) -> RuleViolation | None:
    """A seed's description begins "One row per …"."""
    if not seed.description.startswith(BEGINNING):
        return RuleViolation(
            f'Begin the description with "{BEGINNING}…", not {seed.description[:30]!r}.'
        )


@rule(severity=Severity.CRITICAL)
def source_says_what_a_row_is(source: Source) -> RuleViolation | None:
    """A raw table's description begins "One row per …", and its system is described too."""
    if not source.description.startswith(BEGINNING):
        return RuleViolation(
            f'Begin the description with "{BEGINNING}…", not {source.description[:30]!r}.'
        )
    if not source.source_description.strip():
        return RuleViolation(f"Describe the source {source.source_name} itself.")


@rule(severity=Severity.HIGH)
def all_columns_are_described(model: Model) -> RuleViolation | None:
    """A model lists its columns, and each has a description."""
    if not model.columns:
        return RuleViolation("List the columns in the model's yml, each with a description.")
    if missing := without_description(model.columns):
        return RuleViolation(f"Describe: {', '.join(missing)}.")


@rule(severity=Severity.HIGH)
def all_source_columns_are_described(source: Source) -> RuleViolation | None:
    """A raw table lists the columns that are read, and each has a description."""
    if not source.columns:
        return RuleViolation("List the columns in __sources.yml, each with a description.")
    if missing := without_description(source.columns):
        return RuleViolation(f"Describe: {', '.join(missing)}.")


# ---------------------------------------------------------------- whose it is, and who may read it


@rule(severity=Severity.HIGH)
def belongs_to_a_group(model: Model) -> RuleViolation | None:
    """A model belongs to a group of models/_groups.yml, which has an owner."""
    if not model.group:
        return RuleViolation("Give its folder a +group in dbt_project.yml.")


@rule(severity=Severity.HIGH)
def access_follows_the_layer(model: Model) -> RuleViolation | None:
    """Marts are public, staging is private, what lies between is protected."""
    layer = model.original_file_path.split("/")[1]
    wanted = {"marts": "public", "staging": "private"}.get(layer, "protected")
    if model.access != wanted:
        return RuleViolation(f"In {layer} access is {wanted}, here it is {model.access}.")


@rule(severity=Severity.HIGH)
def exposure_reads_only_public_models(exposure: Exposure) -> RuleViolation | None:
    """Who reads from outside reads marts: the rest may change without notice."""
    others = [
        parent.name for parent in exposure.parents if getattr(parent, "access", "") != "public"
    ]
    if others or not exposure.parents:
        return RuleViolation(f"It reads {', '.join(others) or 'nothing'}; let it read marts.")


@rule(severity=Severity.MEDIUM)
def exposure_is_described_and_owned(exposure: Exposure) -> RuleViolation | None:
    """An exposure says what it is for, and whom to write to."""
    missing = [key for key in ("name", "email") if not (exposure.owner or {}).get(key)]
    if missing or not exposure.description.strip():
        return RuleViolation(
            f"Add {', '.join(f'owner.{key}' for key in missing) or 'a description'}."
        )


# ---------------------------------------------------------------- what a mart promises


@rule(severity=Severity.CRITICAL, rule_filters={is_mart()})
def mart_has_an_enforced_contract(model: Model) -> RuleViolation | None:
    """Names and types of a mart's columns are a contract: a change of one stops the build."""
    if not (model.config.get("contract") or {}).get("enforced"):
        return RuleViolation("Its contract is not enforced.")
    if untyped := [column.name for column in model.columns if not column.data_type]:
        return RuleViolation(f"No data_type: {', '.join(untyped)}.")


@rule(severity=Severity.CRITICAL, rule_filters={is_mart()})
def mart_states_and_tests_its_key(model: Model) -> RuleViolation | None:
    """One column is the key: unique, and never NULL. A table's constraint sees to the second while
    it is written, where a test would read the table once more; a view has the test."""
    is_view = model.config.get("materialized") == "view"
    for column in model.columns:
        promises = {test.type for test in column.tests}
        if not is_view:
            promises |= {constraint.type for constraint in column.constraints}
        if {"unique", "not_null"} <= promises:
            return None
    return RuleViolation(
        "No column is unique (a test) and not_null (a constraint, or on a view a test):"
        " one of them is the key."
    )


@rule(severity=Severity.HIGH, rule_filters={is_mart()})
def rate_stands_beside_what_it_divides(model: Model) -> RuleViolation | None:
    """A *_rate has *_numerator and *_denominator beside it: only those may be added up.

    A *_mean_rate is a mean of other rates, and has none.
    """
    names = {column.name for column in model.columns}
    alone = [
        name
        for name in sorted(names)
        if name.endswith("_rate")
        and not name.endswith("_mean_rate")
        and not {f"{name[:-5]}_numerator", f"{name[:-5]}_denominator"} <= names
    ]
    if alone:
        return RuleViolation(f"No numerator and denominator beside {', '.join(alone)}.")


# ---------------------------------------------------------------- how it is written


@rule(severity=Severity.HIGH)
def no_dialect_in_a_model(model: Model) -> RuleViolation | None:
    """What one engine alone understands is a macro of macros/engine."""
    if found := DIALECT.search(sql_of(model)):
        return RuleViolation(f"{found[0].strip()!r} is a matter of engines: macros/engine.")


@rule(severity=Severity.MEDIUM)
def last_cte_bears_the_models_name(model: Model) -> RuleViolation | None:
    """A model that ends with `select * from …` names itself there, with or without its prefix."""
    given = re.search(r"\)\s*select \* from (\w+)\s*$", sql_of(model))
    plain = re.sub(r"^(int|dim|fct|bridge|kpi)_", "", model.name)
    if given and given[1] not in (plain, model.name):
        return RuleViolation(f"It ends with {given[1]}: call that CTE {plain}.")
