"""`approx` of numbers of any size: lengths in m and energies in eV are small as they stand."""

from typing import Any

import pytest


def approx(expected: Any, rel: float | None = None, abs: float | None = None) -> Any:
    """As pytest's, which lets 1e-12 pass beside `rel`; here `abs` is 0 unless it is given."""
    if abs is None:
        rel, abs = 1e-6 if rel is None else rel, 0.0
    return pytest.approx(expected, rel=rel, abs=abs)
