# Each target makes the environment that it needs. `make PYTHON=python3.12 test` uses another Python.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n auto

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FRAME := pyproject.toml hatch_build.py frontend/package-lock.json frontend/build.mjs $(wildcard frontend/src/*)
# Folders that are not there yet are left out.
TYPED := $(wildcard src examples tests/typing)
EXAMPLES := examples/window_company examples/beauty_salon

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-access test-crash check fix docs bench bench-large wheel clean

help: ## Show these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-all $(VENV)/.installed-examples ## Run the company that sells windows, from its form to its report.
	$(BIN)/opencrm windows-demo

test: $(VENV)/.installed-test $(VENV)/.installed-examples ## Run the tests, for many minutes; PYTEST_ARGS="tests/test_errors.py" runs one file, "-k deal" some.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-long: $(VENV)/.installed-test $(VENV)/.installed-examples ## Run whole what the tests do a sample of.
	LONG=1 $(BIN)/python -m pytest -q tests/properties/access/test_canaries.py tests/plugins/rest/contract/test_fuzz.py \
		tests/plugins/importing/test_killed.py

test-access: $(VENV)/.installed-test ## Run 2,000 generated companies against the oracle of permissions; COMPANIES=200 SEED=other.
	CELLS_ON=postgresql $(BIN)/python -m pytest -q tests/properties/access/test_cells.py
	$(BIN)/python -m tests.properties.access --companies $(or $(COMPANIES),2000) --seed $(or $(SEED),opencrm)

test-crash: $(VENV)/.installed-test ## Kill processes while 20,000 changes flow, on both databases; CHANGES=500 SEED=2.
	$(BIN)/python -m tests.crash --changes $(or $(CHANGES),20000) --seed $(or $(SEED),1)

check: $(VENV)/.installed-test ## Check format, style, types and layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

fix: $(VENV)/.installed-test ## Repair format and style, and write the reference anew.
	$(BIN)/python docs/generate.py
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs ## Build the documentation into docs/_build/html.
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Built docs/_build/html/index.html"

bench: $(VENV)/.installed-test ## Run the benchmarks.
	$(BIN)/python -m benchmarks

bench-large: $(VENV)/.installed-test ## Measure reading a million deals, on both databases.
	$(BIN)/python -m benchmarks large search --rows 1000000 --contacts 1000000 --rounds 10

wheel: $(VENV)/bin/python ## Build the wheel into dist/.
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean: ## Remove everything that make made.
	rm -rf $(VENV) build dist docs/_build frontend/node_modules frontend/.built src/opencrm/plugins/rest/static
	rm -rf opencrm-demo.db* opencrm-windows.db*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.installed-all: EXTRAS := all
$(VENV)/.installed-test: EXTRAS := all,test
$(VENV)/.installed-docs: EXTRAS := all,docs
$(VENV)/.installed-%: $(FRAME) | $(VENV)/bin/python
	@echo "Installing opencrm and what it needs into $(VENV), once; it may take a minute."
	$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.installed-examples: $(addsuffix /pyproject.toml,$(EXAMPLES)) | $(VENV)/bin/python
	$(INSTALL) --no-deps $(addprefix --editable ./,$(EXAMPLES))
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "opencrm needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
