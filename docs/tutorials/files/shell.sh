# Shorthands of the tutorials: `. docs/tutorials/files/shell.sh` in the project's folder.
# All that the tutorials make lies in warehouse/tutorial; `rm -r warehouse/tutorial` takes it away.

export JOURNEY_DATABASE=warehouse/tutorial/build.duckdb
export JOURNEY_PUBLISHED=warehouse/tutorial/published.duckdb
export JOURNEY_TAXONOMY=warehouse/tutorial/taxonomy
export DBT_SEND_ANONYMOUS_USAGE_STATS=0 DO_NOT_TRACK=1

# build, test and publish; the project's own unit tests are left out, they are about the sample company
build() {
    .venv/bin/python -m tools.build --quiet --vars "$(cat warehouse/tutorial/vars.yml)" \
        --exclude-resource-type unit_test "$@" && .venv/bin/python -m tools.publish
}

# ask "select …": from the published tables
ask() {
    .venv/bin/python -c 'import duckdb, os, sys
with duckdb.connect(os.environ["JOURNEY_PUBLISHED"], read_only=True) as marts:
    marts.sql(sys.argv[1]).show(max_width=400)' "$1"
}

# explain user_id:a user_id:b: why are these one person?
explain() {
    .venv/bin/dbt --quiet run-operation explain_identity --vars "$(cat warehouse/tutorial/vars.yml)" \
        --args "{from: \"$1\", to: \"$2\"}"
}
