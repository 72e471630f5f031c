"""Names that were renamed still work for one release, with a warning."""

import numpy as np
import pytest
import qutip
from nearness import approx

import openmr as om
from openmr._checks import ParameterError

GRID = om.kinetics.energy_grid([1.0], 0.5, 5.0)
SX = qutip.sigmax()


UP = qutip.sigmap()


def spectrum(w):
    return w / (1 - np.exp(-w)) if w else 1.0


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
    "master.redfield_dissipator": lambda: om.master.redfield_dissipator(SX, [(SX, spectrum)]),
    "master.reset": lambda: om.master.reset(qutip.qeye(2) / 2, 0.7),
    "sec_cutoff=-1.0": lambda: om.relaxation(
        om.presets.pt_py(), 10.0, 5.0, method="bloch-redfield", sec_cutoff=-1.0
    ),
    "secular=None": lambda: om.relaxation(
        om.presets.pt_py(), 10.0, 5.0, method="tcl2", secular=None
    ),
    "error of a profile": lambda: profile().error,
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_works_and_warns(name):
    word = name.replace(",", " ").split()[0]
    with pytest.warns(DeprecationWarning, match=f"`{word}` is now `") as found:
        assert OLD[name]() is not None
    # an option warns where it is read, anything else at the line that holds it
    assert found[0].filename == __file__ or "=" in name


@pytest.mark.parametrize(("name", "value"), [("sec_cutoff", 0.0), ("sec_cutoff", 0.1)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_value_whose_meaning_changed_is_refused(name, value):
    asked = [
        lambda: om.master.redfield_dissipator(SX, [(SX, spectrum)], **{name: value}),
        lambda: om.relaxation(om.presets.pt_py(), 9.0, 1.0, method="evolution", **{name: value}),
    ]
    for call in asked:
        with pytest.raises(ParameterError, match=f"`{name}` is now `resolution`.*{value}"):
            call()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_old_dissipator_loses_no_channel():
    """Dephasing 4 S(0)/2, and a decay S(1) + S(-1) that another spin does not change."""
    sz, one = qutip.sigmaz(), qutip.qeye(2)
    found = om.master.redfield_dissipator(0.5 * sz, [(sz, spectrum)])
    assert found.full()[1, 1] == approx(-2.0, rel=1e-14)
    h = 0.5 * (qutip.tensor(SX, one) + qutip.tensor(one, SX))
    pair = om.master.redfield_dissipator(h, [(qutip.tensor(sz, one), spectrum)])
    x = qutip.operator_to_vector(qutip.tensor(SX, one))
    decay = -(x.dag() * pair * x) / (x.dag() * x)
    assert np.real(decay) == approx(spectrum(1.0) + spectrum(-1.0), rel=1e-13)


@np.errstate(all="ignore")
def no_limit(w):
    return w / (1 - np.exp(-w))


BAD = [
    (lambda: om.master.redfield_dissipator(SX, [(SX, no_limit)]), r"got nan at w = 0 \(0/0\?"),
    (lambda: om.master.redfield_dissipator(SX, [(SX, lambda w: np.inf)]), "got inf at w = "),
    (lambda: om.master.redfield_dissipator(SX, [(SX, lambda w: -1.0)]), "must not be negative"),
    (lambda: om.master.redfield_dissipator(UP, [(SX, spectrum)]), "`hamiltonian` must be Hermit"),
    (lambda: om.master.redfield_dissipator(SX, [SX]), "pairs"),
    (lambda: om.master.redfield_dissipator(SX, [(SX, "white")]), "in the place of bath 0"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[m for _, m in BAD])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_one_clear_error(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_the_new_name_does_the_same():
    with pytest.warns(DeprecationWarning, match="electron_splitting"):
        old = om.hilbert.hamiltonian([0.5], [1.0], electron=0.3)
    assert old == om.hilbert.hamiltonian([0.5], [1.0], electron_splitting=0.3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_names_at_once_are_refused():
    with pytest.raises(ParameterError, match="`bandwidth` is `noise_width`: only one"):
        om.finite_band.heisenberg_time(5, bandwidth=1.0, noise_width=1.0)
