# What a person types. Everything runs in the project's own environments (.venv, .venv-spark, .venv-postgres, .venv-duckdb2, .venv-bouncer); nothing else is touched.
# README: the first line is `make demo`, the second `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= python3
TARGET ?= duckdb
FULL ?=
ARGS ?=

export DBT_PROFILES_DIR := $(CURDIR)
export DBT_SEND_ANONYMOUS_USAGE_STATS := 0
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

RUN := .venv/bin/python
RUN_SPARK := .venv-spark/bin/python
RUN_POSTGRES := .venv-postgres/bin/python
# how dbt is called on another engine than DuckDB, by TARGET
BUILD_spark = JOURNEY_TARGET=spark $(RUN_SPARK) -m tools.spark build
BUILD_spark_session = JOURNEY_TARGET=spark_session $(RUN_SPARK) -m tools.spark build
BUILD_postgres = $(RUN_POSTGRES) -m tools.postgres_dbt build
FULL_REFRESH := $(if $(FULL),--full-refresh)

.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | column -t -s "$$(printf '\t')"

install: ## make .venv as requirements.txt says; nothing to do where it is so already
	@$(PYTHON) tools/install.py

install-spark: ## make .venv-spark as requirements-spark.txt says
	@$(PYTHON) tools/install.py requirements-spark.txt .venv-spark

install-postgres: ## make .venv-postgres as requirements-postgres.txt says
	@$(PYTHON) tools/install.py requirements-postgres.txt .venv-postgres

install-duckdb2: ## make .venv-duckdb2 as requirements-duckdb2.txt says: the same packages with DuckDB 2.0
	@$(PYTHON) tools/install.py requirements-duckdb2.txt .venv-duckdb2

install-bouncer: ## make .venv-bouncer as requirements-bouncer.txt says
	@$(PYTHON) tools/install.py requirements-bouncer.txt .venv-bouncer
install-bench: ## make .venv-bench as requirements-bench.txt says: what the benchmark compares with
	@$(PYTHON) tools/install.py requirements-bench.txt .venv-bench
install-superset: ## make .venv-superset as requirements-superset.txt says (Python 3.11 or 3.12)
	@$(PYTHON) tools/install.py requirements-superset.txt .venv-superset

demo: install ## the sample company, from raw rows to published tables, and what they say
	@$(RUN) -m tools.demo

sample: install ## write the sample company's raw tables and the truth about them
	@$(RUN) -m tools.sample $(ARGS)

ifneq ($(and $(filter build,$(MAKECMDGOALS)),$(filter-out duckdb,$(TARGET)),$(if $(BUILD_$(TARGET)),,no)),)
$(error TARGET is $(TARGET): write duckdb, spark, spark_session or postgres)
endif
build: install $(if $(BUILD_$(TARGET)),install-$(firstword $(subst _, ,$(TARGET)))) ## build, test and publish your own sources (FULL=1: anew; TARGET=spark: on a cluster; spark_session: on Spark in one process; postgres: there)
	@$(if $(BUILD_$(TARGET)),$(RUN) -m tools.hash_key && $(BUILD_$(TARGET)),$(RUN) -m tools.build) $(FULL_REFRESH) $(ARGS)
	$(if $(BUILD_$(TARGET)),,$(RUN) -m tools.publish)

spark-up: install-spark ## a Spark cluster on this machine for TARGET=spark: master, two workers, Thrift server
	@$(RUN_SPARK) -m tools.spark_cluster up

spark-down: install-spark ## stop it
	@$(RUN_SPARK) -m tools.spark_cluster down

publish: install ## swap the built marts in for the published ones (ARGS="--to parquet,postgres": where else)
	@$(RUN) -m tools.publish $(ARGS)

quality: install ## the quality gate on what is built, without publishing (ARGS=--data-docs: pages as well)
	@$(RUN) -m tools.expectations $(ARGS)
superset-up: install install-superset ## the marts in a Superset on this machine: prints address and login (ARGS="--port 8088")
	@$(RUN) -m tools.superset up $(ARGS)

superset-down: install ## stop it
	@$(RUN) -m tools.superset down

superset-zip: install ## the dashboard for a Superset that you have (URI=postgresql+psycopg2://…; ARGS=--refresh)
	@$(RUN) -m tools.superset zip target/customer_journey_superset.zip $(if $(URI),--uri "$(URI)") $(ARGS)

superset-bundle: install ## write dashboard/superset anew from dashboard/superset_dashboard.yml and the models
	@$(RUN) -m tools.superset_bundle

summary: install ## what the published tables say, in words
	@$(RUN) -m tools.summary

semantic: install ## metrics by name: check them and print the saved queries (ARGS="query --metrics sessions --group-by metric_time__week": ask)
	@$(RUN) -m tools.semantic $(ARGS)

dashboard: install ## the boards over the published tables, as pages and PDF in target/dashboard
	@$(RUN) -m tools.dashboard --pdf $(ARGS)

serve: install ## the same with filters on http://127.0.0.1:8000 (PORT=8001: there); pages follow the boards and the data
	@$(RUN) -m tools.dashboard --serve $(if $(PORT),--port $(PORT)) $(ARGS)

real: install ## the same models on four public data sets (DATA=folder that holds them)
	@$(RUN) -m tools.hash_key
	$(RUN) -m tools.real $(if $(DATA),--data "$(DATA)") $(ARGS)

test: install ## all tests that need no Spark, two files at a time (ARGS="-n 0 …": one)
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-duckdb2: install-duckdb2 ## the same tests on DuckDB 2.0
	@.venv-duckdb2/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: install ## the tests that take hours: every state that a kill can leave, every order of rows
	@$(RUN) -m pytest -m long $(ARGS)

test-show: install install-bouncer ## what people see, in a real browser and real servers: dashboard, documentation, semantic layer, PostgreSQL
	@$(RUN) -m pytest -m show $(ARGS)

test-superset: install install-superset ## the Superset dashboard in a real browser
	@$(RUN) -m pytest -m show tests/python/test_superset.py $(ARGS)

mutants: install ## break the models in some ninety ways, and see that the tests notice
	@$(RUN) tests/python/mutants.py $(ARGS)

metrics: install ## write docs/metrics.md from what the models say of themselves
	@$(RUN) -m tools.metrics

.PHONY: docs docs-serve
docs: install ## the documentation as a site, target/site; warnings and dead links stop it
	@$(RUN) -m tools.docs

docs-serve: install ## the same on a port of this machine, built again on every change
	@$(RUN) -m tools.docs serve $(ARGS)

bench: install ## what the models cost, as multiples of the physical floor (ARGS="--events 1M 10M")
	@$(RUN) -m tools.benchmark $(ARGS)

bench-peers: install install-bench ## the same chain by DuckDB, Polars, chDB and Spark, and components by libraries (ARGS="--events 1M --rounds 3")
	@$(RUN) -m tools.benchmark.peers $(ARGS)

dialects: install ## can other warehouses' parsers read what dbt has compiled? (after make demo or make build)
	@$(RUN) -m tools.dialects $(ARGS)

compare: install ## our incremental build beside one with a watermark and a lookback
	@$(RUN) -m tools.side_by_side $(ARGS)

test-spark: install-spark ## the same marts on Spark as on DuckDB, on a cluster and in a session (an hour and more; SHORT=1: few marts, the cluster, ten minutes)
	@JOURNEY_SPARK_SHORT=$(SHORT) $(RUN_SPARK) -m pytest -m spark tests/python/test_spark.py $(ARGS)

test-spark-faults: install-spark ## a worker, the Thrift server and dbt are killed in the middle of a build on the cluster
	@$(RUN_SPARK) -m pytest -m spark tests/python/test_spark_faults.py $(ARGS)

test-postgres: install-postgres ## the same marts on PostgreSQL 15 as on DuckDB, after five builds (ARGS="-k 'not every_mart'": its words and files)
	@$(RUN_POSTGRES) -m pytest -m postgres tests/python/test_postgres.py $(ARGS)

lint: install ## the style alone
	@.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	JOURNEY_DATABASE=:memory: .venv/bin/sqlfluff lint --processes 2 models tests/singular analyses

govern: install install-bouncer ## is everything described, owned, tested, in its place? (after make demo or make build; docs/style.md)
	@$(RUN) -m tools.govern $(ARGS)

dbt-docs: install ## the models' own documentation and column lineage, as two files that need no server (after make demo or make build)
	@$(RUN) -m tools.dbt_docs $(ARGS)

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --annotation-style line $(LOCK_FLAGS)

lock: install ## write the lock files anew from pyproject.toml, keeping what still fits
	@echo uv==0.13.9 | $(COMPILE) - -o requirements-uv.txt
	echo 'dbt-bouncer==4.3.*' | $(COMPILE) - -o requirements-bouncer.txt
	$(COMPILE) pyproject.toml --extra dev --extra show --upgrade-package duckdb==1.5.5 -o requirements.txt
	cp requirements.txt requirements-duckdb2.txt
	$(COMPILE) pyproject.toml --extra dev --extra show --upgrade-package duckdb==2.0.0 -o requirements-duckdb2.txt
	$(COMPILE) pyproject.toml --extra dev --extra spark -c requirements.txt -o requirements-spark.txt
	$(COMPILE) pyproject.toml --extra dev --extra postgres -c requirements.txt -o requirements-postgres.txt

lock-superset: install ## write requirements-superset.txt anew
	@$(subst make lock,make lock-superset,$(COMPILE)) requirements-superset.in -o requirements-superset.txt

lock-bench: install ## write requirements-bench.txt anew
	@$(subst make lock,make lock-bench,$(COMPILE)) requirements-bench.in -o requirements-bench.txt

upgrade: LOCK_FLAGS = --upgrade
upgrade: lock ## take newer versions

clean: ## what can be made again: the sample, the warehouse, dbt's files
	@if [ -d .spark/cluster ] && [ -d .venv-spark ]; then $(RUN_SPARK) -m tools.spark_cluster down; fi
	rm -rf sample warehouse target logs .spark
