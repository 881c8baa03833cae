# Headrace needs Python 3.11 or newer and make; everything else goes into .venv.
# No recipe changes folder or relies on the path of this one, which may contain spaces.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEMPLATES := find . -name '*.html' -not -path './.*' -print0

.PHONY: run test lint format bench screens reliability clean

run: $(VENV)/.run
	@exec $(BIN)/python manage.py up $(ARGS)

test: $(VENV)/.dev
	@exec $(BIN)/python -m pytest -n $${TEST_PROCESSES:-2} $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TEMPLATES) | xargs -0 -r $(BIN)/djade --check --target-version 5.2
	$(BIN)/python -m mypy config crm workflows records manage.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(TEMPLATES) | xargs -0 -r $(BIN)/djade --target-version 5.2

bench: $(VENV)/.dev
	@exec $(BIN)/python -m benchmarks $(ARGS)

# Pictures of every screen in both themes, with no, few and very many rows: .headrace/screens/index.html.
screens: $(VENV)/.dev
	@exec $(BIN)/python -m tests.screens $(ARGS)

# Everything is taken apart for about half an hour; the result is written into docs/reliability.md.
reliability: $(VENV)/.dev
	@exec $(BIN)/python -m tests.reliability -n $${TEST_PROCESSES:-2} $(ARGS)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Headrace needs Python 3.11 or newer. Name one: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements.txt $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache test-results
