PYTHON ?= .venv/bin/python

.PHONY: check lint test examples bench docs notebooks

check: lint test examples

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(dir $(PYTHON))lint-imports

test:
	$(PYTHON) -m pytest

examples:
	for example in examples/*.py; do $(PYTHON) $$example || exit 1; done

bench:
	$(PYTHON) -m pytest benchmarks --benchmark-only --benchmark-json=benchmark.json

docs:
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

notebooks:
	$(PYTHON) docs/_ext/notebooks.py
