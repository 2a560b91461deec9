# `make report` and `make test` do all their set-up: a virtual environment with pinned packages.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n $(JOBS)
INSTANCES ?= 10000
JOBS ?= 2
BUDGET ?= 5000
MUTANTS ?=
MINUTES ?= inf
KILLS ?= 300

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv report referee figures figures-full lint test test-slow bench refutations containment mutants reference-table explorer-grids torture docs clean

help:
	@echo 'make report       run the bundled battery, write reports/latest/'
	@echo 'make referee      the same with the full budget, rechecked, in reports/referee/'
	@echo 'make figures      figures 1 to 4, digits, critical rate, theorem, learning curves, quick: reports/quick/'
	@echo 'make figures-full  the same in full, for days and resumable, in reports/figures/'
	@echo 'make test         lint, types, import rules, default tests (PYTEST_ARGS=...)'
	@echo 'make test-slow    the tests marked slow'
	@echo 'make bench        our times beside the baselines, reports/benchmarks.json'
	@echo 'make refutations  time to refute every REFUTED claim, three seeds, reports/refutations.json'
	@echo 'make containment  values inside their balls on INSTANCES=10000 random instances'
	@echo 'make mutants      mutation testing in a private copy, resumable (MUTANTS=module, MINUTES=...)'
	@echo 'make reference-table  write dsmverify/testing/reference_table.jsonl and its SHA-256 again'
	@echo 'make explorer-grids  integrals of the bound explorer again, dsmverify/explorer/grids.json'
	@echo 'make torture      KILLS=300 kills of sweeps at random instants, resumable, build/torture/'
	@echo 'make docs         the documentation as static pages, build/docs/'
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
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev,docs]'
	@touch $@

report: $(STAMP)
	$(BIN)/dsmverify check --jobs $(JOBS) --out reports/latest

# The full budget: longer searches, training runs in the pages, every certificate computed again,
# a script for every failure.
referee: $(STAMP)
	$(BIN)/dsmverify check --jobs $(JOBS) --budget $(BUDGET) --out reports/referee
	$(BIN)/dsmverify html reports/referee --figures reports/figures
	$(BIN)/dsmverify recheck reports/referee --jobs $(JOBS)
	$(BIN)/dsmverify scripts reports/referee --out reports/referee/scripts
	$(BIN)/python -m benchmarks.curves --points 10000
	for form in latex markdown csv html; do \
	  $(BIN)/dsmverify tables reports/referee --format $$form --out reports/referee/tables || exit; done

FIGURES := figures/1 figures/2 figures/3 figures/4 digits critical theorem

figures: $(STAMP)
	for name in $(FIGURES); do $(BIN)/dsmverify train $$name --quick --out reports/quick || exit; done
	$(BIN)/dsmverify curves examples/curves.toml --out reports/quick

# Resumable: interrupted, it goes on where it was.
figures-full: $(STAMP)
	for name in $(FIGURES); do $(BIN)/dsmverify train $$name --out reports/figures || exit; done
	$(BIN)/dsmverify curves curves --out reports/figures

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

refutations: $(STAMP)
	$(BIN)/python -m benchmarks.refutations

containment: $(STAMP)
	$(BIN)/python -m benchmarks.containment --instances $(INSTANCES)

mutants: $(STAMP)
	$(BIN)/python -m benchmarks.mutants $(MUTANTS) --minutes $(MINUTES)

reference-table: $(STAMP)
	$(BIN)/python -m dsmverify.testing.make_table

# About four minutes of one core: interpolation tables, and how far they are from certified values.
explorer-grids: $(STAMP)
	$(BIN)/python -m dsmverify.explorer.make_grids

# Hours on a busy machine: kill -9 of clients, workers and schedulers, then the same bytes.
torture: $(STAMP)
	$(BIN)/python -m tests.sweeps.kills --kills $(KILLS)

# Whole each time: the pages are written from claims, formulas and derivations too.
docs: $(STAMP)
	$(BIN)/python -m sphinx -b html -q -E -W --keep-going -n -d build/doctrees docs build/docs
	@echo 'documentation: build/docs/index.html'

clean:
	rm -rf $(VENV) build dist reports/latest *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
