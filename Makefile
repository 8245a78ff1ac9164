# make setup once, then make check before every commit: it is what .ci/run checks first.
PYTHON ?= .venv/bin/python

.PHONY: setup check lint format test slow bench demo

setup:  ## a virtual environment with all that check needs
	python3 -m venv .venv
	$(PYTHON) -m pip install -q -e ".[dev]"

check: lint test  ## the gate

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m codespell_lib

format:
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

test:  ## with the examples of docstrings, README and docs
	$(PYTHON) -m pytest -n auto --dist loadfile

slow:  ## second stage: the wheel, and training (needs the extras train and rl)
	$(PYTHON) -m pytest -m "slow or train"

bench:
	$(PYTHON) -m pytest benchmarks --benchmark-only

demo:  ## the main job: every scripted policy over the test split
	$(dir $(PYTHON))tool-gym rollout --policy all --split test
