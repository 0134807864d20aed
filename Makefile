# Everything a contributor types. Needs only Python 3.11 or newer with pip and venv, git and make.
# PYTHON chooses the interpreter, VENV the folder, PYTEST_ARGS what pytest gets besides.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint format types imports alembic-check coverage packaging docs bench nightly lock clean

PYTHON ?= python3
VENV ?= .venv
LOCK ?= requirements.lock
WORKERS ?= auto
PYTEST_ARGS ?=
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
PARALLEL := -n $(WORKERS) --maxprocesses 4 --dist loadgroup
say := @printf '==> %s\n'

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The copy of the lock inside the environment says what is installed there: only a changed lock installs again.
$(VENV)/installed.lock: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "etl-models needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { printf '==> Making a virtual environment in %s (%s)\n' "$(VENV)" "$$($(PYTHON) --version)"; \
		$(PYTHON) -m venv $(VENV); }
	@test ! -f $@ || cmp -s $(LOCK) $@ || echo "==> $(LOCK) has changed"
	@cmp -s $(LOCK) $@ || { echo "==> Installing the pinned packages of $(LOCK) into $(VENV) (half a minute)"; \
		$(BIN)/python -m pip install -qq --no-compile --require-hashes -r $(LOCK); }
	@echo "==> Installing etl-models itself"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@cp $(LOCK) $@

setup: $(VENV)/installed.lock ## make the virtual environment from the lock
	@:

demo: setup ## run a year of real flights and look at its history
	$(say) "Recording the year 2013: one execution per day"
	@$(BIN)/python examples/flights/demo.py

test: setup ## run all tests but the nightly ones, on every database this machine has
	$(say) "Testing on SQLite, PostgreSQL and MariaDB (throw-away servers on loopback)"
	@$(PYTEST) $(PARALLEL) $(PYTEST_ARGS)

check: lint types imports test ## what must pass before a change is offered

lint: setup ## ruff: style, errors, format
	$(say) "ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

types: setup ## mypy --strict
	$(say) "mypy --strict"
	@$(BIN)/mypy

imports: setup ## import-linter: floors import only downwards
	$(say) "import floors"
	@$(BIN)/lint-imports --no-logo

alembic-check: setup ## no drift between models and migrations on any database
	$(say) "alembic check on every database"
	@$(PYTEST) -q tests/migrations -k "agree or models_would or drift"

coverage: setup ## tests with branch coverage
	$(say) "Testing with branch coverage"
	@$(PYTEST) $(PARALLEL) --cov --cov-branch --cov-report=term --cov-report=html:build/coverage $(PYTEST_ARGS)

packaging: setup ## build the wheel from the sdist and use it in an empty environment
	$(say) "Packaging"
	@$(PYTEST) -q tests/packaging

docs: setup ## write the generated pages anew
	$(say) "Generated pages"
	@$(BIN)/python docs/generate.py

bench: setup ## measure; prints, decides nothing
	$(say) "Benchmarks"
	@$(BIN)/python -m benchmarks

nightly: setup ## the long tests
	$(say) "Nightly tests"
	@$(PYTEST) $(PARALLEL) -m nightly $(PYTEST_ARGS)

lock: ## resolve the locks anew (needs uv)
	$(say) "Resolving requirements.lock and requirements-oldest.lock"
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		$(UPGRADE) --extra dev -o requirements.lock pyproject.toml
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade --resolution lowest-direct --python-version 3.11 --extra all --extra test -o requirements-oldest.lock pyproject.toml

clean: ## remove environments, caches and what the demo wrote
	rm -rf .venv .venv-* .demo build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
