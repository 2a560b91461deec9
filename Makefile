# `make report` and `make test` do all their set-up: a virtual environment with pinned packages.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
INSTANCES ?= 10000
JOBS ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv report lint test test-slow bench containment clean

help:
	@echo 'make report       run the bundled battery, write reports/latest/'
	@echo 'make test         lint, types, import rules, default tests (PYTEST_ARGS=...)'
	@echo 'make test-slow    the tests marked slow'
	@echo 'make bench        our times beside the baselines, reports/benchmarks.json'
	@echo 'make containment  values inside their balls on INSTANCES=10000 random instances'
	@echo 'make clean        remove the virtual environment, caches and built files'

venv: $(STAMP)

# Debian's python3 can lack ensurepip; then the machine's own pip puts one into the environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'dsmverify needs Python 3.11 or later: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) \
	  || { $(PYTHON) -m venv --clear --without-pip $(VENV) \
	       && $(PYTHON) -m pip --python $(BIN)/python install pip; }

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,dev]'
	@touch $@

report: $(STAMP)
	$(BIN)/dsmverify check --jobs $(JOBS) --out reports/latest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy dsmverify checks derivations benchmarks tests
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

containment: $(STAMP)
	$(BIN)/python -m benchmarks.containment --instances $(INSTANCES)

clean:
	rm -rf $(VENV) build dist reports/latest *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
