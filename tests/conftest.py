"""One thread for each process; marks that follow from what a test is."""

import os

import pytest
from threadpoolctl import threadpool_limits

# the cores are taken by the processes of pytest-xdist; and a plugin may have loaded NumPy already
for library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
threadpool_limits(1)


def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.prose)
        elif "address" in item.fixturenames:  # of the page in Chromium
            item.add_marker(pytest.mark.slow)
