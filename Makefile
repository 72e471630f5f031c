PYTHON ?= .venv/bin/python
BENCH ?=

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

# BENCH="--benchmark-max-time=0.1 --benchmark-min-rounds=2" makes it short
bench:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest benchmarks -q --benchmark-columns=median,min,rounds \
	  --benchmark-json=benchmark.json $(BENCH)

docs:
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

notebooks:
	$(PYTHON) docs/_ext/notebooks.py
