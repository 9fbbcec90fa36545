# make demo   the embedded experiment, from nothing to a report
# make test   all tests (make check first: ruff, mypy); unit tests alone: make unit
# make bench   speed of answering and training beside what people have, and a store of 100,000 answers: half an hour
# make test-browser   the report in Chromium; skipped, with the reason, where Chromium or npm is absent
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: setup demo test test-browser unit check bench
setup: $(READY)

$(READY): requirements.txt requirements-embedded.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-embedded.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

demo: setup
	$(BIN)/recusa run

test: check unit
	$(BIN)/python -m pytest -m model

test-browser: setup
	cd tests/browser && npm install --no-audit --no-fund --no-package-lock --loglevel=error || echo "note: no npm packages"
	$(BIN)/python -m pytest -m browser -rs

unit: setup
	$(BIN)/python -m pytest -n auto -m "not model and not browser"

bench: setup
	$(BIN)/python benchmarks/speed.py answering
	$(BIN)/python benchmarks/speed.py training
	$(BIN)/python benchmarks/store.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py
