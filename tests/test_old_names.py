"""Names that were renamed still work for one release, with a warning."""

import numpy as np
import pytest
import qutip

import openmr as om
from openmr._checks import ParameterError

GRID = om.kinetics.energy_grid([1.0], 0.5, 5.0)
SX = qutip.sigmax()


def memory():
    return om.master.tcl2(qutip.sigmaz(), [SX], lambda t: np.exp(-t)[:, None, None], 1.0)


def profile():
    film = om.presets.pt_py()
    return om.diffusion.profile(film.film, om.relaxation(film, 10.0, 5.0), (1, 0, 0))


OLD = {
    "electron": lambda: om.hilbert.hamiltonian([0.5], [1.0], electron=0.3),
    "splittings": lambda: om.hilbert.thermal_moments([0.5], splittings=[1.0]),
    "splittings in sectors": lambda: om.sectors.joint_spectrum(
        [0.5], splittings=[1.0], exchange=np.ones((1, 3))
    ),
    "splitting": lambda: om.kinetics.Sea(GRID, splitting=0.2, dos=(1, 1), scatterers=()),
    "splitting of a Sea": lambda: om.kinetics.Sea(GRID, 0.2, (1, 1), ()).splitting,
    "bandwidth": lambda: om.finite_band.orbital_levels(5, bandwidth=1.0),
    "bandwidth, half width": lambda: om.kinetics.level_shift(
        om.kinetics.Sea(GRID, 0.2, (1, 1), ()), bandwidth=1e3
    ),
    "error": lambda: memory().error,
    "error of a profile": lambda: profile().error,
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_works_and_warns(name):
    word = name.replace(",", " ").split()[0]
    with pytest.warns(DeprecationWarning, match=f"`{word}` is now `") as found:
        assert OLD[name]() is not None
    assert found[0].filename == __file__


def test_the_new_name_does_the_same():
    with pytest.warns(DeprecationWarning, match="electron_splitting"):
        old = om.hilbert.hamiltonian([0.5], [1.0], electron=0.3)
    assert old == om.hilbert.hamiltonian([0.5], [1.0], electron_splitting=0.3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_names_at_once_are_refused():
    with pytest.raises(ParameterError, match="`bandwidth` is `noise_width`: only one"):
        om.finite_band.heisenberg_time(5, bandwidth=1.0, noise_width=1.0)
