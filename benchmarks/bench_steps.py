"""Newton steps of the Weiss field: counts, the same on every machine."""

import numpy as np
import pytest
from systems import weiss_plane

from openmr.moments import one_sublattice
from openmr.moments.one_sublattice import weiss_field

SPINS = (0.5, 1.0, 2.0, 3.5, 7.5)


def counts(spin, zeeman, coupling):
    """Newton steps of each point by itself."""
    points = zip(zeeman.tolist(), coupling.tolist(), strict=True)
    return np.array([weiss_field(spin, *point)[1] for point in points])


@pytest.mark.parametrize("spin", SPINS)
def test_over_the_whole_plane(spin, ratios):
    zeeman, coupling = weiss_plane(spin)
    steps = counts(spin, zeeman, coupling)
    far = np.abs(coupling * spin * (spin + 1) / 3 - 1) > 1e-13
    ratios[f"Newton steps of the Weiss field, most, S = {spin}"] = float(steps[far].max())
    assert steps[far].max() <= 14
    assert np.median(steps) <= 2
    # within 1e-13 of the transition the residual is rounding and Newton's steps are short
    assert steps.max() <= 30


@pytest.mark.parametrize("spin", SPINS)
def test_repulsive_coupling(spin):
    zeeman = np.logspace(-8, 2, 101)[:, None]
    coupling = -np.logspace(-4, 1, 41)
    assert counts(spin, *map(np.ravel, np.broadcast_arrays(zeeman, coupling))).max() <= 14


@pytest.mark.parametrize("spin", [0.5, 2.0, 50.0, 60.0])
def test_roots_far_from_the_transition(spin):
    """Fields below and beyond all of a laboratory, and saturation, among them."""
    fields = np.concatenate([[0.0, 5e-324, 1e-310, 1e-40], np.logspace(-36, 12, 145)])
    pull = np.concatenate([-np.logspace(-6, -0.05, 20), [0.0], np.logspace(-6, -0.05, 20)])
    coupling = 3 * pull / (spin * (spin + 1))
    assert counts(spin, *map(np.ravel, np.meshgrid(fields, coupling))).max() <= 8


def test_a_wrong_slope_needs_more(monkeypatch):
    """The bounds can fail: a slope off by half loses Newton's order."""
    zeeman, coupling = np.array([0.3]), np.array([0.8])
    needed = weiss_field(2.0, zeeman, coupling)[1]
    right = one_sublattice.brillouin
    monkeypatch.setattr(
        one_sublattice,
        "brillouin",
        lambda s, x: right(s, x)._replace(slope=0.5 * right(s, x).slope),
    )
    assert weiss_field(2.0, zeeman, coupling)[1] >= 2 * needed
