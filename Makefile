PYTHON ?= .venv/bin/python
BENCH ?=
MUTANTS ?=
ATTACK ?=
KILLS ?=
ACCURACY ?=

.PHONY: check quick lint test examples bench mutants attack kills accuracy coverage docs notebooks

check: lint test examples

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(dir $(PYTHON))lint-imports

# under two minutes of processor time: one process, neither prose nor what is slow
quick:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest tests -q -n 0 -m "not prose and not slow"

test:
	$(PYTHON) -m pytest

examples:
	for example in examples/*.py; do $(PYTHON) $$example || exit 1; done

# BENCH="--benchmark-max-time=0.1 --benchmark-min-rounds=2" makes it short
bench:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PYTHON) -m pytest benchmarks -q -n 0 --benchmark-columns=median,min,rounds \
	  --benchmark-json=benchmark.json $(BENCH)

# wrong variants of every physics module; MUTANTS="--seed 1 --number 60 --minutes 3" is a part
mutants:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg $(PYTHON) tests/mutants.py $(MUTANTS)

# how often intervals of fits hold the truth; FITS=100 WORKERS=4 make coverage is a third of it
coverage:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg $(PYTHON) tests/interval_coverage.py

# bad inputs of every kind at every entrance; ATTACK="--share 0.15 --minutes 3" is a part
attack:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg $(PYTHON) tests/attack.py $(ATTACK)

# kills of a sweep with a store, and spoilt stores; KILLS="--number 20 --corruptions 30" is a part
kills:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg $(PYTHON) tests/kills.py $(KILLS)

# digits of the closed-form line at random films; ACCURACY="--seed 2 --points 300" is a part
accuracy:
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg $(PYTHON) tests/accuracy.py $(ACCURACY)

docs:
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

notebooks:
	$(PYTHON) docs/_ext/notebooks.py
