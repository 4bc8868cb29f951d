# Everything a new user needs: `make demo`, `make test`. Needs Python 3.11 to 3.13, make and git.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# Without compiled bytecode each import of MLflow takes six seconds.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

# Real labelled data, where it lies beside the project; tests that need it are left out elsewhere.
ifeq ($(origin SUNSPOT_DATA),undefined)
  ifneq ($(wildcard ../shared/data/petshop.tar.xz),)
    export SUNSPOT_DATA := $(abspath ../shared/data)
  endif
endif

# One process more than processors: some tests wait for a service or for the disk.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(8, 1 + len(os.sched_getaffinity(0))))' 2>/dev/null || echo 3)

# Counting the lines that run doubles the time of the tests, so it is left to CI.
COVERAGE = $(if $(filter true,$(CI)),--cov --cov-report=term --cov-fail-under=95,--no-cov)

.PHONY: help demo test coverage test-e2e soak mutants mutants-sample check lint types imports lock clean

help:  ## Show what can be made.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: requirements.lock bootstrap.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "Sunspot needs Python 3.11, 3.12 or 3.13; try: make PYTHON=python3.11")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@$(UV) pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(VENV)/.ready  ## Train, serve and explain a fault of the built-in brokerage.
	@$(BIN)/sunspot demo $(if $(DEMO_EXIT),--exit)

check: lint types imports  ## Lint, types and import rules.

lint: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: run .venv/bin/ruff format ."; exit 1; }

types: $(VENV)/.ready
	@$(BIN)/python -m mypy

imports: $(VENV)/.ready
	@$(BIN)/lint-imports

test: check  ## Every check that needs neither root nor system packages.
	@$(BIN)/python -m pytest -m "not e2e" --numprocesses=$(WORKERS) --dist=loadfile \
	  $(COVERAGE) --durations=20 -q

coverage: $(VENV)/.ready  ## The tests once more, with the share of the code that they run.
	@$(MAKE) --no-print-directory test CI=true

test-e2e: $(VENV)/.ready  ## What needs real peers or a browser; installs them where it may.
	@sh tests/e2e/install_peers.sh
	@$(BIN)/python -m pytest -m e2e -q --no-cov

soak: $(VENV)/.ready  ## Kill, attack and overrun the service for two hours; goes on where it was interrupted.
	@mkdir -p build
	@$(BIN)/sunspot bench reliability --no-tracking --resume --json build/reliability.json \
	  --kills 100 --bodies 1000000 --processes 2 --minutes 60 --seconds 120 --singles-seconds 60 \
	  --stored 5000000 --starts 5 $(if $(PAGE),--page $(PAGE))

mutants: $(VENV)/.ready  ## Score of the tests: the share of small changes to the code that they notice.
	@PYTHONPATH=tests:. $(BIN)/python -m mutation --n $(or $(N),0) --seed "$(SEED)" --only "$(ONLY)" --floor $(or $(FLOOR),85)

mutants-sample: $(VENV)/.ready  ## The same of 150 changes, drawn by the commit.
	@$(MAKE) --no-print-directory mutants N=$(or $(N),150) FLOOR=$(or $(FLOOR),80) \
	  SEED=$(or $(SEED),$(shell git rev-parse HEAD 2>/dev/null))

lock: $(VENV)/.ready  ## Resolve the dependencies anew.
	@$(UV) pip compile --quiet --system-certs --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --upgrade --group dev pyproject.toml --output-file requirements.lock

clean:  ## Remove the environment and all caches; data stays.
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
