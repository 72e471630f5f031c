"""Rates of moments with levels of their own: numbers, limits, every route, detailed balance."""

from dataclasses import replace
from functools import partial
from typing import get_args

import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from spoil import unnoticed
from systems import (
    CANTED,
    CANTED_WEISS,
    CUBIC_LEVELS,
    DENSITY,
    TILTED_COUPLING,
    flopping,
    oriented,
    paramagnet,
    reference_film,
)

import openmr as om
from openmr._checks import EPSILON
from openmr._spins import spin_matrices
from openmr._words import Form
from openmr.bath import level_noise
from openmr.bath.correlators import PAULI, electron_hole_spectrum
from openmr.moments.levels import levels
from openmr.rates import axes as axes_of_rates
from openmr.rates import closed_form
from openmr.rates.axes import film_axes, turned
from openmr.rates.record import Relaxation
from openmr.rates.relaxation import relaxation_at
from openmr.rates.routes import batched as route
from openmr.units import HBAR, K_B, MU_B

batched = partial(om.relaxation, method="batched")
G0 = 2 * np.pi * DENSITY * 6.8e27 / HBAR


def in_film_axes(film, kelvin, vector, **options):
    """Mean spin, dissipator and precession vector in coordinates of the film."""
    vector = np.array(vector, dtype=float)
    found = batched(film, kelvin, np.linalg.norm(vector), direction=vector, **options)
    axes = film_axes(found, vector)
    turning = np.array([*found.precession_across, found.precession])
    return found.equilibrium.mean, turned(found.dissipator, axes), axes.T @ turning


def symmetric(xx, yy, zz, xy, xz, yz):
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


FIRST = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))
REFERENCES = {
    "half-integer": (
        FIRST, 10.0, (1, 2, 3),
        (-0.1521689091, -0.3949057862, -0.3481495475),
        (4.749421199504e10, 3.898121506267e10, 5.054148985734e10),
        (-7.163872527e8, -7.118483721e8, -1.756217328893e9),
    ),
    "lattice": (
        reference_film(
            oriented(2.5, TILTED_COUPLING, anisotropy=(-4e-4, 1.3e-4)), disorder="lattice"
        ),
        4.0, (3, -2, 5),
        (-0.3056682903, 0.3677602657, -2.4194417520),
        (1.02420941694e9, 1.00888764448e9, 1.23545589294e9),
        (-1.569962232e8, -5.482334663e7, -1.145500756e8),
    ),
    "rare earth": (
        reference_film(oriented(3.5, 6e-31, stevens=CUBIC_LEVELS)), 5.0, (1, 1, 1),
        (-0.9100363882, -1.0571519115, -0.9808197249),
        (1.363001375055e11, 1.214654369423e11, 1.290817043579e11),
        (-1.622133424946e10, -1.484478539450e10, -1.767060083477e10),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_reference_numbers(name):
    film, kelvin, field, mean, diagonal, off = REFERENCES[name]
    found_mean, tensor, turning = in_film_axes(film, kelvin, field)
    np.testing.assert_allclose(found_mean[0], mean, rtol=1e-9)
    np.testing.assert_allclose(tensor, symmetric(*diagonal, *off), rtol=1e-9)
    if name == "half-integer":
        omega = (-5.437852829187e10, -2.458036343045e11, 8.294571137e8)
        np.testing.assert_allclose(turning, omega, rtol=1e-9)
    if name == "lattice":
        assert turning[0] == approx(8.974317687796e11, rel=1e-9)


def test_reference_film_resistivities():
    film = om.Film(5e-9, 0.1, 1e-6, resistivity=2e-6, diffusion_length=3e-9)
    b = np.array([1.0, 2.0, 3.0])
    found = om.magnetoresistance(
        replace(FIRST, film=film), 10.0, np.linalg.norm(b), b, method="batched"
    )
    assert float(found.longitudinal) / 2e-6 == approx(1.01232352458325, rel=1e-14)
    assert float(found.transverse) / 2e-6 == approx(2.0381779681e-4, rel=1e-10)
    fields, directions = np.array([1.0, 2.0]), np.array([[0, 0, 1.0], [1, 0, 0]])
    many = om.magnetoresistance(FIRST, 10.0, fields, directions, method="batched")
    for i in range(2):
        alone = om.magnetoresistance(FIRST, 10.0, fields[i], directions[i], method="batched")
        assert float(many.longitudinal[i]) == approx(float(alone.longitudinal), rel=1e-14)


def over_g0(film, kelvin, field, direction=(0, 0, 1)):
    found = batched(film, kelvin, field, direction=direction)
    j = film.magnet.sublattices[0].exchange[0]
    return turned(found.dissipator, film_axes(found, direction)) / (G0 * j**2)


def test_an_ising_doublet():
    film = reference_film(oriented(1.5, anisotropy=-0.1))
    b = np.array([1.0, 0.0, 1.0])
    tensor = over_g0(film, 5.0, 1.0, b)
    mixed = (2 * MU_B / 0.2) ** 2  # of the next levels, squared: what is left of flips
    np.testing.assert_allclose(np.diag(tensor), [9 / 8, 9 / 8, 0], atol=20 * mixed)
    field = 2 * MU_B / np.sqrt(2)
    mean = om.equilibrium(film, 5.0, 1.0, direction=b).mean[0, 2]
    assert mean == approx(-1.5 * np.tanh(1.5 * field / (K_B * 5.0)), rel=1e-5)


@pytest.mark.parametrize(
    ("spin", "expected"), [(1.5, (0.625, 0.625, 1.0)), (2.5, (1.25, 1.25, 2.25))]
)
def test_an_easy_plane_doublet(spin, expected):
    tensor = over_g0(reference_film(oriented(spin, anisotropy=0.1)), 5.0, 0.0)
    np.testing.assert_allclose(np.diag(tensor), expected, rtol=1e-14)


def test_a_van_vleck_singlet():
    for d, ratio in ((1e-2, 0.99973), (0.1, 0.9999973)):
        film = reference_film(oriented(1.0, anisotropy=d))
        state = om.equilibrium(film, 5.0, 1.0, direction=(1, 0, 0))
        found = state.mean[0, 0] / (-2 * 2 * MU_B / d)
        assert found == approx(ratio, abs=2e-5 * (1 - ratio) / 2.7e-6)
    # its flips cost D, and at random places the mean is left
    film = reference_film(oriented(1.0, anisotropy=1e-2))
    x = 1e-2 / (K_B * 10.0)
    tensor = over_g0(film, 10.0, 0.0)
    # C_xx = C_yy = 2 (x / (e^x - 1)) p_0, C_zz = 2 p_1
    population = np.exp(-x) / (1 + 2 * np.exp(-x))
    flips = 2 * x / np.expm1(x) / (1 + 2 * np.exp(-x))
    expected = 0.5 * np.array([flips + 2 * population] * 2 + [2 * flips])
    np.testing.assert_allclose(np.diag(tensor), expected, rtol=1e-12)
    lattice = reference_film(oriented(1.0, anisotropy=0.1), disorder="lattice")
    random = reference_film(oriented(1.0, anisotropy=0.1))
    left = over_g0(random, 5.0, 4.0, (1, 0, 0)) - over_g0(lattice, 5.0, 4.0, (1, 0, 0))
    mean = om.equilibrium(random, 5.0, 4.0, direction=(1, 0, 0)).mean[0, 0]
    np.testing.assert_allclose(np.diag(left), [0, 0.5 * mean**2, 0.5 * mean**2], atol=1e-12)


def test_hot_moments_relax_all_spins_alike():
    for own in ({"anisotropy": (-4e-4, 1e-4)}, {"stevens": CUBIC_LEVELS}):
        kelvin = 1e8
        tensor = over_g0(reference_film(oriented(3.5, **own)), kelvin, 5.0, (1, 2, 3))
        # the levels span some 10 meV
        bound = 10 * 1e-2 / (K_B * kelvin)
        np.testing.assert_allclose(tensor, np.eye(3) * 3.5 * 4.5 / 3, atol=bound)


@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("spin", [0.5, 2.0, 3.5])
@pytest.mark.parametrize("own", [{"anisotropy": 0.0}, {"axes": [(1, 1, 0), (-1, 1, 0), (0, 0, 1)]}])
def test_without_levels_the_rates_are_the_old_ones(spin, disorder, own):
    plain = paramagnet(spin, disorder=disorder)
    moments = plain.magnet.sublattices[0]
    level = replace(
        plain, magnet=om.Magnet(om.Moments(spin, DENSITY, moments.exchange, **own), 0.0, disorder)
    )
    kelvin, field = np.array([[1.0], [20.0]]), np.array([-5.0, 0.0, 0.3, 9.0])
    for b in ((0, 0, 1), (1, 2, 3)):
        old = batched(plain, kelvin, field)
        new = batched(level, kelvin, field, direction=b)
        largest = np.abs(old.dissipator).max(axis=(-2, -1), keepdims=True)
        # populations exp(-x) are as good as x, rounded
        x = np.abs(old.equilibrium.reduced_splitting)[..., None]
        bound = (4e-15 + 4 * EPSILON * 2 * spin * x) * largest
        assert np.all(np.abs(new.dissipator - old.dissipator) <= bound)
        # the mean moment is good to a rounding of S, also where it is small
        shift = DENSITY * abs(moments.exchange[0]) * spin / HBAR
        np.testing.assert_allclose(
            new.precession, old.precession, rtol=1e-14, atol=4 * EPSILON * shift
        )
        assert np.abs(new.precession_across).max() <= 1e-14 * np.abs(old.precession).max()
        for form in get_args(Form):
            old = om.relaxation(plain, kelvin, field, form=form)
            new = om.relaxation(level, kelvin, field, direction=b, form=form)
            bound = (4e-15 + 4 * EPSILON * 2 * spin * x) * np.abs(old.dissipator)
            assert np.all(np.abs(new.dissipator - old.dissipator) <= bound)


def any_film(spin, disorder, coupled, seed=1):
    """A g tensor, turned axes, a matrix of couplings; levels as far as the spin has any."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    own = {"g": rng.normal(size=(3, 3)) + 2 * np.eye(3), "axes": axes * np.linalg.det(axes)}
    own |= {"anisotropy": (3e-4, -1e-4)} if spin > 0.5 else {}
    own |= {"stevens": {(4, 3): 1e-6, (4, -4): 2e-6}} if spin > 2 else {}
    one = oriented(spin, rng.normal(size=(3, 3)) * 6e-31, **own)
    if not coupled:
        return reference_film(one, disorder=disorder)
    other = om.Moments(1.0, DENSITY, (1e-31, 2e-31, 4e-31))
    between, none = rng.normal(size=(3, 3)) * 3e-4, np.zeros((3, 3))
    weiss = [[none, between], [between.T, none]]
    return reference_film(one, other, weiss=weiss, disorder=disorder)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("spin", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("coupled", [False, True])
def test_equals_bloch_redfield(spin, disorder, split, coupled):
    film, b = any_film(spin, disorder, coupled), (0.3, -1.0, 0.7)
    found = batched(film, [3.0, 9.0], 4.0, direction=b, electron_splitting=split)
    exact = om.relaxation(
        film, [3.0, 9.0], 4.0, direction=b, method="bloch-redfield", electron_splitting=split
    )
    largest = np.abs(exact.dissipator).max()
    np.testing.assert_allclose(found.dissipator, exact.dissipator, atol=2e-14 * largest)
    largest = np.abs(exact.exchange_tensor).max()
    np.testing.assert_allclose(found.exchange_tensor, exact.exchange_tensor, atol=1e-13 * largest)
    # levels are good to some roundings of the highest, which the exponentials magnify
    span = float(np.max(exact.equilibrium.spread / (K_B * exact.temperature)))
    for name in ("trace", "fixed_point", "kms"):
        assert np.max(exact.diagnostics[name]) <= 64 * EPSILON * max(span, 1.0)
    assert found.diagnostics["kms"] <= 1e-14


AXIAL = {
    "anisotropy": {"anisotropy": -3e-4},
    "stevens": {"anisotropy": 2e-4, "stevens": {(4, 0): 1e-6}},
    "turned": {
        "anisotropy": -3e-4,
        "stevens": {(4, 0): 1e-6},
        "axes": [(0, -1, 0), (0, 0, 1), (-1, 0, 0)],
        "exchange": (5e-31, 5e-31, -3e-31),
    },
    "g tensor": {"anisotropy": 1e-4, "g": (1.5, 1.5, 2.2)},
}


@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("name", AXIAL)
def test_the_closed_form_holds_line_by_line(name, disorder):
    film = reference_film(oriented(2.0, **AXIAL[name]), disorder=disorder)
    b = (1, 0, 0) if name == "turned" else (0, 0, 1)
    kelvin, field = np.array([[0.3], [4.0], [30.0]]), np.array([-4.0, 0.0, 0.5, 20.0])
    found = om.relaxation(film, kelvin, field, direction=b)
    exact = batched(film, kelvin, field, direction=b)
    largest = np.abs(exact.dissipator).max(axis=(-2, -1), keepdims=True)
    span = np.abs(found.equilibrium.axial(0).gaps).sum(axis=-1)[..., None, None]
    bound = (4e-15 + 4 * EPSILON * span) * largest
    assert np.all(np.abs(found.dissipator - exact.dissipator) <= bound)
    np.testing.assert_allclose(found.precession, exact.precession, rtol=1e-14)
    # what is frozen keeps its digits: levels of one basis state each need no diagonalisation
    np.testing.assert_allclose(found.longitudinal, exact.longitudinal, rtol=1e-10)


def test_sublattices_along_the_axis_have_their_lines_too():
    film = flopping()
    found = om.relaxation(film, [2.0, 6.0], 3.0, direction=(0, 0, 1))
    exact = batched(film, [2.0, 6.0], 3.0, direction=(0, 0, 1))
    largest = np.abs(exact.dissipator).max()
    np.testing.assert_allclose(found.dissipator, exact.dissipator, atol=1e-13 * largest)
    # of two opposite sublattices the smaller mean is a difference of larger ones
    np.testing.assert_allclose(found.precession, exact.precession, rtol=1e-11)


def fermi_sea(hamiltonian, spin, w, *, connected=False):
    """Tensor over n nu_F J^2 / hbar of electrons split by w along z, energies in k_B T.

    The two-by-two collision integral to first order in a tilt t = x, y of the electrons' spin,
    with its energy integrals done; the column of z is that without splitting. `connected` leaves
    the mean moment out, as on a lattice.
    """
    spins = spin_matrices(spin)
    energies, states = np.linalg.eigh(hamiltonian)
    spins = states.conj().T @ spins @ states
    p = np.exp(energies[0] - energies)
    p /= p.sum()
    if connected:
        mean = np.einsum("m,amm->a", p, spins)
        spins = spins - mean[:, None, None] * np.eye(len(p))
    gap = energies[None, :] - energies[:, None]
    noise = electron_hole_spectrum
    a = 0.5 * (noise(-gap) - noise(w - gap)), 0.5 * (noise(-w - gap) - noise(-gap))
    levi = np.zeros((3, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        levi[i, j, k], levi[i, k, j] = 1.0, -1.0
    still = np.einsum("m,mn,amn,bnm->ab", p, noise(-gap), spins, spins).real
    gamma = np.pi * (np.trace(still) * np.eye(3) - still)
    for t in (0, 1):
        z = np.zeros((3, 3), dtype=complex)
        for d, e, i, j in np.ndindex(3, 3, 2, 2):
            forth, back = PAULI[t] @ PAULI[d], PAULI[d] @ PAULI[t]
            weight = a[i] * forth[i, j] - a[1 - j] * back[i, j]
            pairs = np.einsum("m,mn,amn,nm->a", p, weight, spins, spins[e])
            z[d] += np.pi * PAULI[e][j, i] * pairs
        gamma[:, t] = np.einsum("acd,da->c", levi, -z.imag) / w
    return gamma


def test_reference_numbers_of_split_electrons():
    sx, sy, sz = spin_matrices(1.5)
    hamiltonian = 0.7 * sz @ sz + 0.3 * (sx @ sx - sy @ sy) + 0.4 * sx + 0.2 * sy + sz
    rows = (
        (7.71428617, -0.22160309, -0.50377265),
        (-0.22160309, 5.37979132, -0.41930931),
        (-0.65760928, -0.52449195, 7.46751087),
    )
    np.testing.assert_allclose(fermi_sea(hamiltonian, 1.5, 2.0), rows, atol=5e-9)
    small = np.diag(fermi_sea(hamiltonian, 1.5, 1e-5))
    np.testing.assert_allclose(small[:2], [7.43356, 5.05131], atol=1e-5)


@pytest.mark.parametrize("w", [2.0, -1.3, 1e-3, 1e-6])
def test_a_split_fermi_sea_takes_any_levels(w):
    sx, sy, sz = spin_matrices(1.5)
    crystal = 0.7 * sz @ sz + 0.3 * (sx @ sx - sy @ sy)
    found = levels(crystal, 1.5, np.array([[0.4, 0.2, 1.0]]), np.ones(1))
    tensor = level_noise.split_fermi_sea(found, np.eye(3)[None], np.array([w]))[0]
    expected = fermi_sea(crystal + 0.4 * sx + 0.2 * sy + sz, 1.5, w)
    np.testing.assert_allclose(tensor, expected, atol=max(2e-14, 1e-14 / abs(w)))


@pytest.mark.parametrize("disorder", ["random", "lattice"])
def test_the_closed_form_of_split_electrons_takes_any_field(disorder):
    film, b = any_film(2.5, disorder, False), (0.3, -1.0, 0.7)
    hot = om.relaxation(film, 1e5, 4.0, direction=b, form="finite-splitting")
    plain = batched(film, 1e5, 4.0, direction=b)
    largest = np.abs(plain.dissipator).max()
    # what a splitting costs is of its order
    np.testing.assert_allclose(hot.dissipator, plain.dissipator, atol=1e-9 * largest)
    np.testing.assert_allclose(hot.exchange_tensor, plain.exchange_tensor, atol=1e-9 * 1e13)
    # a field along the axis is one line after another
    axial = reference_film(oriented(1.5, anisotropy=3e-4), disorder=disorder)
    near = [om.relaxation(axial, 5.0, 8.0, direction=(tilt, 0, 1), form="finite-splitting")
            for tilt in (0.0, 1e-7)]  # fmt: skip
    largest = np.abs(near[0].dissipator).max()
    np.testing.assert_allclose(*(one.dissipator for one in near), atol=1e-6 * largest)


def test_wrong_variants_of_the_split_fermi_sea_are_noticed():
    sx, sy, sz = spin_matrices(1.5)
    crystal = 0.7 * sz @ sz + 0.3 * (sx @ sx - sy @ sy)
    found = levels(crystal, 1.5, np.array([[0.4, 0.2, 1.0]] * 2), np.ones(2))
    w = np.array([2.0, 1e-5])
    expected = [fermi_sea(crystal + 0.4 * sx + 0.2 * sy + sz, 1.5, one) for one in w]

    def is_right():
        tensor = level_noise.split_fermi_sea(found, np.array([np.eye(3)] * 2), w)
        return np.abs(tensor - expected).max() <= 1e-8

    assert is_right()
    # a denominator where the quotient is not used, and a sign that divides
    same = {"1.0 -> 1.37", "0.5 * sign -> 0.5 / sign"}
    assert set(unnoticed(level_noise.split_fermi_sea, is_right)) == same


SPLIT = (
    {"spin": 1.5, "exchange": -2e-30, "anisotropy": (3e-4, -1e-4), "axes": np.eye(3)[[1, 2, 0]]},
    {"spin": 1.0, "exchange": 1.2e-30, "anisotropy": -2e-4, "g": 1.7},
)


def in_axes_of_their_own(kelvin, vector, connected):
    """Splitting [eV] and tensor of moments `SPLIT`, in film coordinates, by `fermi_sea` alone.

    Which axes across the splitting are taken is drawn at random.
    """
    kinds, means = [], []
    for kind in SPLIT:
        spins = spin_matrices(kind["spin"])
        d, e = (*np.atleast_1d(kind["anisotropy"]), 0.0)[:2]
        crystal = np.array(kind.get("axes", np.eye(3)))
        field = kind.get("g", 2.0) * MU_B * np.array(vector)

        def hamiltonian(spins, d=d, e=e, crystal=crystal, field=field):
            x, y, z = np.tensordot(crystal, spins, axes=1)
            return d * z @ z + e * (x @ x - y @ y) + np.tensordot(field, spins, axes=1)

        energies, states = np.linalg.eigh(hamiltonian(spins) / (K_B * kelvin))
        p = np.exp(energies[0] - energies)
        means.append(np.einsum("m,im,aij,jm->a", p / p.sum(), states.conj(), spins, states).real)
        kinds.append((kind, spins, hamiltonian))
    splitting = 2 * MU_B * np.array(vector)
    splitting -= DENSITY * sum(k["exchange"] * m for k, m in zip(SPLIT, means, strict=True))
    size = np.linalg.norm(splitting)
    across = np.linalg.qr(
        np.column_stack([splitting / size, np.random.default_rng(3).normal(size=(3, 2))])
    )[0]
    axes = np.array([across[:, 1], np.cross(splitting / size, across[:, 1]), splitting / size])
    tensor = np.zeros((3, 3))
    for kind, spins, hamiltonian in kinds:
        turned_spins = np.tensordot(axes.T, spins, axes=1)  # S of the film by S along the axes
        unit = DENSITY * 6.8e27 * kind["exchange"] ** 2 / HBAR
        tensor += unit * fermi_sea(
            hamiltonian(turned_spins) / (K_B * kelvin), kind["spin"], size / (K_B * kelvin),
            connected=connected,
        )  # fmt: skip
    return splitting, axes.T @ tensor @ axes


def test_wrong_variants_of_split_electrons_and_of_their_axes_are_noticed():
    grid = ((5.0, (1.0, -2.0, 3.0)), (9.0, (-4.0, 0.5, 0.2)))
    cases = []
    for disorder in ("random", "lattice"):
        moments = [oriented(**kind) for kind in SPLIT]
        film = reference_film(*moments, disorder=disorder)
        right = [in_axes_of_their_own(*point, disorder == "lattice") for point in grid]
        kelvin = np.array([point[0] for point in grid])
        vectors = np.array([point[1] for point in grid])
        state = om.equilibrium(film, kelvin, np.linalg.norm(vectors, axis=1), direction=vectors)
        cases.append((state, vectors, right))

    def is_right():
        for state, vectors, right in cases:
            found = relaxation_at(state, form="finite-splitting")
            for i, (splitting, tensor) in enumerate(right):
                axes = film_axes(found, vectors)[i]
                got = turned(found.dissipator[i], axes)
                omega = np.array([*found.precession_across[i], found.precession[i]])
                if not np.abs(got - tensor).max() <= 1e-10 * np.abs(tensor).max():
                    return False
                if not np.abs(HBAR * (axes.T @ omega) - splitting).max() <= 1e-15:
                    return False
        return True

    assert is_right()
    for function in (closed_form._of_split_electrons, axes_of_rates.electron_splitting):
        assert unnoticed(function, is_right) == [], function


def test_wrong_variants_of_axes_about_a_vector_are_noticed():
    """Rotations with the vector along their third row, that of z where there is none."""
    vectors = np.array([(3.0, -2.0, 6.0), (0.0, 0.0, -2e-9), (1e-9, 0.0, 0.0), (0.0, 0.0, 0.0)])
    units = [(3 / 7, -2 / 7, 6 / 7), (0, 0, -1), (1, 0, 0), (0, 0, 1)]

    def is_right():
        axes = axes_of_rates.axes_about(vectors)
        rotations = np.abs(axes @ np.swapaxes(axes, -1, -2) - np.eye(3)).max() <= 1e-15
        rotations &= bool(np.all(np.linalg.det(axes) > 0))
        return rotations and np.abs(axes[:, 2] - units).max() <= 1e-15

    assert is_right()
    assert unnoticed(axes_of_rates.axes_about, is_right) == ["1.0 -> 1.37"]  # z of any length


@pytest.mark.parametrize("field", [8.0, -8.0])
@pytest.mark.parametrize("spin", [0.5, 1.5, 2.5])
def test_each_spacing_has_its_own_factor_for_split_electrons(spin, field):
    """R(w, e) of every line apart, against the collision integral."""
    own = {"axes": np.eye(3)} if spin == 0.5 else {"anisotropy": 3e-4}
    film = reference_film(oriented(spin, exchange=-2e-30, **own))
    kelvin = 10.0
    split = om.relaxation(film, kelvin, field, direction=(0, 0, 1), form="finite-splitting")
    sz = spin_matrices(spin)[2]
    hamiltonian = 2 * MU_B * field * sz + (3e-4 if spin > 0.5 else 0.0) * sz @ sz
    w = HBAR * float(split.precession) / (K_B * kelvin)
    unit = DENSITY * 6.8e27 * (2e-30) ** 2 / HBAR
    expected = unit * fermi_sea(hamiltonian / (K_B * kelvin), spin, w)
    np.testing.assert_allclose(split.dissipator, expected, atol=1e-11 * expected.max())
    plain = om.relaxation(film, kelvin, field, direction=(0, 0, 1))
    assert abs(float(plain.transverse / split.transverse) - 1) > 1e-3


def test_rates_turn_with_field_and_crystal():
    rng = np.random.default_rng(6)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    b = np.array([0.3, -1.0, 2.0])
    found = []
    for axes, field in ((np.eye(3), b), (turn.T, turn @ b)):
        film = reference_film(oriented(2.5, TILTED_COUPLING, axes=axes, anisotropy=(-2e-4, 5e-5)))
        found.append(in_film_axes(film, 3.0, field))
    np.testing.assert_allclose(found[1][1], turn @ found[0][1] @ turn.T, atol=1e-13 * 1e11)
    np.testing.assert_allclose(found[1][2], turn @ found[0][2], rtol=1e-12)


def test_reversed_fields_reverse_moments_and_keep_rates():
    film = any_film(2.5, "random", False)
    one, other = (in_film_axes(film, 3.0, (sign, -2 * sign, 0.4 * sign)) for sign in (1, -1))
    np.testing.assert_allclose(other[0], -one[0], atol=1e-13)
    np.testing.assert_allclose(other[1], one[1], atol=1e-13 * np.abs(one[1]).max())


def test_levels_close_smoothly():
    """Kramers doublets split by anything: weights are smooth, and no group is formed."""
    film = reference_film(oriented(2.5, anisotropy=(-4e-4, 1.3e-4)))
    field = np.array([1e-1, 1e-4, 1e-8, 1e-12, 1e-15, 0.0])
    found = batched(film, 3.0, field, direction=(1, 2, 3)).dissipator
    change = np.abs(found - found[-1]).max(axis=(1, 2)) / np.abs(found[-1]).max()
    assert np.all(change <= field + 1e-14)


def test_cold_lattices_keep_their_digits():
    """Subtracting <S>^2 afterwards would leave none of these."""
    film = reference_film(oriented(1.5, anisotropy=-3e-4), disorder="lattice")
    kelvin = np.array([0.5, 0.3])
    found = batched(film, kelvin, 4.0, direction=(0, 0, 1)).dissipator
    lines = om.relaxation(film, kelvin, 4.0, direction=(0, 0, 1))
    np.testing.assert_allclose(found[:, 0, 0], lines.dissipator[:, 0, 0], rtol=1e-9)
    assert found[1, 0, 0] < 1e-6 * found[0, 0, 0] * 1e3


def test_principal_rates_are_those_of_the_film_axes():
    found = batched(FIRST, [4.0, 10.0], 3.0, direction=(1, 2, 3))
    tensor = turned(found.dissipator, film_axes(found, (1, 2, 3)))
    expected = np.linalg.eigvalsh(tensor) + found.spin_flip_rate
    np.testing.assert_allclose(found.principal_rates, expected, rtol=1e-13)
    isotropic = om.relaxation(om.presets.pt_py(), 10.0, 5.0)
    ends = sorted([float(isotropic.longitudinal), *[float(isotropic.transverse)] * 2])
    np.testing.assert_allclose(isotropic.principal_rates, ends, rtol=1e-14)


def test_blocks_are_points(monkeypatch):
    film = any_film(1.0, "random", True)
    kelvin, field = np.linspace(2, 30, 5)[:, None], np.linspace(0.1, 9, 7)
    whole = batched(film, kelvin, field, direction=(1, 2, 3))
    monkeypatch.setattr(route, "points_at_once", lambda spin: 3)
    pieces = batched(film, kelvin, field, direction=(1, 2, 3))
    np.testing.assert_allclose(pieces.dissipator, whole.dissipator, rtol=1e-11)
    point = next(whole.equilibrium.points())
    alone = om.relaxation(film, 2.0, 0.1, direction=(1, 2, 3), method="batched")
    np.testing.assert_allclose(point.mean, alone.equilibrium.mean, atol=1e-12)


def test_wrong_variants_of_the_noise_are_noticed():
    films = [any_film(2.5, "random", False), any_film(1.0, "lattice", False)]
    b = (0.3, -1.0, 0.7)
    right = {}
    for split in (False, True):
        for i, film in enumerate(films):
            right[i, split] = om.relaxation(
                film, 3.0, 4.0, direction=b, method="bloch-redfield", electron_splitting=split
            ).dissipator

    def is_right():
        for (i, split), exact in right.items():
            found = batched(films[i], 3.0, 4.0, direction=b, electron_splitting=split)
            if not np.abs(found.dissipator - exact).max() <= 1e-9 * np.abs(exact).max():
                return False
        return True

    assert is_right()
    for function in (
        level_noise.level_noise,
        level_noise.level_noise_at,
        route._traceless,
        route._split_noise,
    ):
        assert unnoticed(function, is_right) == []


def test_wrong_variants_of_lines_and_of_principal_rates_are_noticed():
    film = any_film(2.5, "random", False)
    general = batched(film, 3.0, 4.0, direction=(0.3, -1.0, 0.7))
    axes = np.linalg.eigvalsh(0.5 * (general.dissipator + general.dissipator.T))
    rates = axes + general.spin_flip_rate
    axial = reference_film(oriented(1.5, anisotropy=3e-4))
    along = {"temperature": 3.0, "field": 2.0, "direction": (0, 0, 1)}
    exact = om.relaxation(axial, method="bloch-redfield", **along).dissipator

    def is_right():
        found = om.relaxation(axial, **along).dissipator
        near = np.abs(found - exact).max() <= 1e-9 * np.abs(exact).max()
        return near and np.allclose(general.principal_rates, rates, rtol=1e-12, atol=0)

    assert is_right()
    for function in (closed_form._summed, Relaxation.principal_rates.fget):
        assert unnoticed(function, is_right) == []


BAD = [
    (
        lambda: om.relaxation(FIRST, 10.0, 1.0, direction=(0, 0, 1), method="heom"),
        "'closed-form', 'batched', 'bloch-redfield', got 'heom'",
    ),
    (lambda: om.relaxation(FIRST, 10.0, 1.0, method="batched"), "`direction` of the field must be"),
    (
        lambda: om.relaxation(FIRST, 10.0, 1.0, direction=(0, 0, 1)),
        "closed form takes moments.* those of S_par.*got others of sublattice 0.*'batched'",
    ),
    (
        lambda: om.relaxation(
            reference_film(oriented(1.5, anisotropy=3e-4)), 10.0, 1.0, direction=(1, 0, 0)
        ),
        "closed form takes moments whose levels",
    ),
    (
        lambda: om.relaxation(
            reference_film(oriented(1.5, (1e-31, 2e-31, 3e-31), anisotropy=3e-4)),
            10.0,
            1.0,
            direction=(0, 0, 1),
        ),
        "`exchange` must be one number here.*'bloch-redfield'",
    ),
    (
        lambda: om.resistivity(
            FIRST.film, batched(FIRST, 10.0, 1.0, direction=(0, 0, 1)), (1, 0, 0)
        ),
        "`direction` must be that of the equilibrium",
    ),
    (
        lambda: om.mechanisms(
            FIRST.film, batched(FIRST, 10.0, 1.0, direction=(0, 0, 1)), [(0, 0, 1), (1, 0, 0)]
        ),
        "`direction` must be that of the equilibrium",
    ),
]


def test_what_is_refused():
    assert unclear(BAD) == {}


def test_canted_moments_turn_the_field_on_the_electrons():
    _, tensor, turning = in_film_axes(reference_film(*CANTED, weiss=CANTED_WEISS), 4.0, (0, 1, 2))
    state = om.equilibrium(
        reference_film(*CANTED, weiss=CANTED_WEISS), 4.0, np.sqrt(5), direction=(0, 1, 2)
    )
    shift = 2 * MU_B * np.array([0, 1, 2]) + DENSITY * 6e-31 * state.mean.sum(axis=0)
    np.testing.assert_allclose(turning, shift / HBAR, rtol=1e-12)
    np.testing.assert_allclose(tensor, tensor.T, rtol=1e-12)
    assert np.linalg.eigvalsh(tensor).min() > 0
