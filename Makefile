# `make run`: everything, from data to report.  `make test`: all checks.  Both set up what they need in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# Installed versions are pinned by constraints.txt; the ranges in pyproject.toml stay open.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test test-fast test-docs torture mutation audit lint format bench docs notebook clean help

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

run: $(VENV)/.installed ## train, examine, report; ARGS="--recipe notebook" and the like
	$(BIN)/muslin run $(ARGS)

test: lint ## linters, types, layering, and all tests with the coverage gate
	$(BIN)/pytest -n 2 --cov --cov-report=term --ignore tests/docs/test_commands.py $(ARGS)

test-fast: lint ## linters, types, layering, and the tests that train nothing
	$(BIN)/pytest -n 2 -m "not trains and not long" --ignore tests/docs/test_commands.py $(ARGS)

test-docs: $(VENV)/.installed-dev ## run every command of README and the docs, and compare what they print
	$(BIN)/pytest -n 2 tests/docs/test_commands.py $(ARGS)

torture: $(VENV)/.installed-dev ## the long form of what is said in docs/explanation/reliability.md: ten minutes
	MUSLIN_TORTURE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -s tests/reliability tests/training/test_resume.py
	$(BIN)/python fuzz/fuzz.py --inputs 1000000

mutation: $(VENV)/.installed-dev ## does a test notice when the code is changed? half an hour
	@$(INSTALL) 'mutmut>=3.8,<4'
	nice $(BIN)/python tools/mutation.py $(ARGS)

audit: $(VENV)/.installed-dev ## known weaknesses of the packages in constraints.txt, and of what CI runs; needs the network
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit zizmor
	$(VENV)/audit/bin/zizmor --offline .
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

lint: $(VENV)/.installed-dev ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## let ruff tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## the benchmarks, Keras' fifty epochs among them; peers install into an environment of their own
	$(BIN)/python benchmarks/throughput.py --images 6784 --rounds 5
	for question in time_to_accuracy notebook_fit latency memory startup scaling tables; do \
	  $(BIN)/python benchmarks/$$question.py || exit 1; done

docs: $(VENV)/.installed-docs ## the documentation as a site, in build/site
	$(BIN)/mkdocs build --strict --quiet
	@echo "Built: build/site/index.html"

notebook: $(VENV)/.installed-dev ## execute the notebook again, on the full data
	$(BIN)/python tools/execute_notebook.py

clean: ## remove what was built; runs stay
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Muslin needs Python 3.11 or newer; $$($(PYTHON) --version) was found. Say PYTHON=python3.12, for example."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Muslin and what it needs into $(VENV) (once; some minutes)"
	@$(INSTALL) --editable '.[serve,keras]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Muslin, what it needs, and the tools that check it into $(VENV) (once; some minutes)"
	@$(INSTALL) pip
	@$(INSTALL) --editable '.[all]' --group dev
	@$(BIN)/python tests/helpers/real_sets.py mnist animals || echo "No real images beside Fashion-MNIST: their tests are skipped"
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: $(VENV)/.installed
	@echo "Installing the tools that build the documentation into $(VENV) (once)"
	@$(INSTALL) pip
	@$(INSTALL) --group docs
	@touch $@
