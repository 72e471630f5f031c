"""One published number of every preset, or a reason why there is none."""

from ast import literal_eval

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr.rates.faces import face_conductances
from openmr.sample.presets import PRESETS
from openmr.units import ELECTRON_MASS, ELEMENTARY_CHARGE, HBAR, K_B, MU_B

NOTHING_PUBLISHED = {
    "pt": "nobody has measured the magnetoresistance of the film whose l_0 and theta_SH these are",
    "ta": "all numbers are examples",
    "pt_py": "the paper gives no number that does not go in; its claims are tested below",
}


def free_moment(magnet):
    """p of a moment m = -g mu_B <S> = p^2 mu_B^2 B / 3 k_B T, without its neighbours."""
    one = magnet.sublattices[0]
    base = om.presets.pt_py()
    free = om.Moments(one.spin, one.density, one.exchange, g=one.g)
    alone = om.Sample(om.Magnet(free), base.electrons, base.film)
    kelvin, tesla = 300.0, 1e-2
    mean = om.equilibrium(alone, kelvin, tesla).mean_spin[0]
    return np.sqrt(-3 * K_B * kelvin * one.g * mean / (MU_B * tesla))


def test_every_preset_has_a_published_number_or_a_reason():
    tested = {name for name in PRESETS if f"test_{name}_" in "\n".join(globals())}
    assert tested | set(NOTHING_PUBLISHED) == set(PRESETS)
    assert len(PRESETS) >= 8
    for name, preset in PRESETS.items():
        notes = preset.__doc__
        assert "reproduced" in notes or "ublished" in notes or "No number" in notes, name
        assert preset().name == preset().name  # builds


def test_pt_py_does_what_the_paper_says_of_its_figure():
    field = np.linspace(0.0, 25.0, 251)
    cold, hot = (om.magnetoresistance(om.presets.pt_py(), t, field, (1, 0, 0)) for t in (10, 200))
    at = np.argmin(cold.longitudinal)
    assert abs(field[at] - cold.relaxation.exchange_field[at]) <= field[1]
    assert np.argmin(hot.longitudinal) == 0


def test_pt_yig_has_the_ratio_of_its_conductances():
    """16 +- 4, Vlietstra2013."""
    face = om.presets.pt_yig("Vlietstra2013").stack.bottom
    assert abs(face.G_r / face.G_i - 16) <= 4


def test_pt_eus_has_the_moment_of_its_ion_and_more_G_i_than_3_G_r():
    """7.94 mu_B, Kittel; the ratio, GomezPerez2020."""
    sample = om.presets.pt_eus()
    face = sample.stack.bottom
    assert free_moment(face.magnet) == approx(7.94, abs=0.005)
    kelvin = np.array([2.0, 5.0, 10.0, 16.0])
    found = face_conductances(face, sample.layers[0], kelvin, 0.1)
    assert np.all(np.abs(found.G_i) >= 3 * found.G_r)


def test_pt_ggg_has_the_moment_of_its_ion():
    """7.94 mu_B, Kittel."""
    face = om.presets.pt_ggg().stack.bottom
    assert free_moment(face.magnet) == approx(7.94, abs=0.005)


def test_pt_nio_orders_and_has_the_moment_of_its_spin():
    """525 K and 2.83 mu_B, Kittel; D is a small part of the exchange."""
    face = om.presets.pt_nio().stack.bottom
    assert om.ordering_temperature(face.magnet) == approx(525.0, rel=1e-3)
    assert free_moment(face.magnet) == approx(2.83, abs=0.005)
    density = 4 / (np.sqrt(3) * om.presets.NIO_LATTICE_CONSTANT**2)
    assert sum(face.areal_density) == approx(density, rel=1e-2)


def test_pt_nio_has_the_sign_of_moments_across_the_field():
    """Hoogeboom2017; along the field, as those of a ferromagnet, they give the opposite."""
    field, plane = np.array([[0.5], [6.0], [12.0]]), [(1, 0, 0), (0, 1, 0)]
    nio, eus = om.presets.pt_nio(), om.presets.pt_eus()
    rho = om.magnetoresistance(nio, 10.0, field, plane, method="batched")
    mean = rho.rates.bottom.equilibrium.mean
    assert np.abs(mean[:, 0, :, 1]).min() > 0.99 < np.abs(mean[:, 1, :, 0]).min()
    along, across = rho.longitudinal.T
    assert np.all(across > along)
    along, across = om.magnetoresistance(eus, 10.0, field, plane).longitudinal.T
    assert np.all(across < along)


def test_cu_mn_has_the_electrons_of_copper_and_the_moment_of_manganese():
    """8.47e28 m^-3, AshcroftMermin, from a rounded E_F; 5.92 mu_B, Kittel."""
    sample = om.presets.cu_mn(0.01)
    k = np.sqrt(2 * ELECTRON_MASS / ELEMENTARY_CHARGE * 7.0) / HBAR  # eV and s
    electrons = k**3 / (3 * np.pi**2)
    assert electrons == approx(8.47e28, rel=0.01)
    # of free electrons n = (4/3) nu E_F, nu of one spin
    assert 4 / 3 * sample.electrons.dos_up * 7.0 == approx(electrons, rel=1e-12)
    assert free_moment(sample.magnet) == approx(5.92, abs=0.005)
    assert sample.magnet.sublattices[0].density == approx(0.01 * 8.5e28, rel=0.01)
    with pytest.raises(om.ParameterError, match=r"`atomic_fraction`.*0\.05"):
        om.presets.cu_mn(0.1)


def test_cu_fe_has_the_steps_of_the_tunnelling_current():
    """Near 0.2, 3.8, 5.7 meV, Hirjibehedin2007; read off a figure, so to 0.1 meV or 3 %."""
    found = om.equilibrium(om.presets.cu_fe(), 0.5, 1e-6, direction=(1, 0, 0)).levels(0)
    steps = 1e3 * K_B * 0.5 * (found.energies[1:4])
    assert steps == approx([0.2, 3.8, 5.7], abs=0.1, rel=0.03)


UNITS = {
    "thickness": "m", "diffusion": "m^2/s", "spin_flip_time": "s", "resistivity": "Ohm m",
    "dos_up": "eV^-1 m^-3", "dos_down": "eV^-1 m^-3", "density": "m^-3",
    "areal_density": "m^-2", "exchange": "eV m^3", "exchange_energy": "eV", "anisotropy": "eV",
    "weiss": "eV", "G_s": "S/m^2", "G_r": "S/m^2", "G_i": "S/m^2",
}  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_sample_prints_every_number_by_its_name_with_its_unit(preset):
    """What stands before the colon is how the number is reached."""
    sample = preset()
    head, *lines = str(sample).splitlines()
    assert head == f"Sample  {sample.name}"
    page = sample._repr_html_()
    for line in lines:
        name, text = (part.strip() for part in line.split(" : "))
        assert f">{name}<" in page
        kept = eval(f"sample.{name}", {"sample": sample})
        if isinstance(kept, str) or kept == ():
            assert text == (kept or "none")
            continue
        unit = UNITS.get(name.rpartition(".")[2], "")
        assert text.endswith(unit)
        told = np.ravel(literal_eval(text.removesuffix(unit).strip()))
        assert np.allclose(np.ravel(np.array(kept)), told, rtol=1e-5, atol=0)
