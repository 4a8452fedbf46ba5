# `make demo` and `make test` set up all they need: a virtual environment in .venv, then the job.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 4

.PHONY: help demo test check format bench picture clean
help: ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "k3k needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo 'Setting up $(VENV), which takes a minute ...' >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## provision a fleet on the embedded sandbox and show it
	@$(BIN)/k3k demo

test: $(STAMP) ## run the tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(STAMP) ## lint, format check, strict types, dependency contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## run the benchmarks
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/create.py
	@$(BIN)/python benchmarks/scan.py
	@$(BIN)/python benchmarks/signals.py
	@$(BIN)/python benchmarks/exporter.py
	@$(BIN)/python benchmarks/fleet.py
	@$(BIN)/python benchmarks/bulk_upgrade.py
	@$(BIN)/python benchmarks/tui.py

picture: $(STAMP) ## make all pictures anew, from the running program
	@$(BIN)/k3k demo --clusters 24 --screenshot screenshots
	@$(BIN)/python -m tests.support.picture screenshots

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
