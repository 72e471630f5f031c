"""Exact dynamics of a finite band: its invariants, its second order and the rates read off it."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import qutip
from nearness import approx
from refusals import unclear
from scipy.linalg import expm
from scipy.special import dawsn
from systems import COUPLINGS, antiferromagnet, ferrimagnet, field_for, paramagnet, redfield

import openmr as om
from openmr import finite_band, hilbert
from openmr._checks import ConvergenceError, ExtractionError, SizeError
from openmr._qutip import exact_arithmetic
from openmr.rates.routes.exact import WINDOW, _read, averaged_generator

exact = partial(om.relaxation, method="exact")

TIMES = np.linspace(*WINDOW, 3)
"""In units of the bandwidth, which is 1 here."""
# spins, splittings, electron's splitting, one exchange triple per moment
SYSTEMS = {
    "isotropic": ((0.5,), (0.02,), 0.0, [(1.0, 1.0, 1.0)]),
    "anisotropic, split": ((1.0,), (0.3,), 0.2, [(1.0, 0.4, -0.7)]),
    "two moments": ((0.5, 0.5), (0.4, -0.2), 0.1, [(1.0, 0.6, 0.8), (0.3, -0.9, 0.5)]),
}


def finite(name, levels=65, noise=1.0, seed=0):
    """Band of unit width; `scaled(s)` makes its rates s^2."""
    spins, splittings, w, exchange = SYSTEMS[name]
    phases = np.random.default_rng(seed)
    orbitals = finite_band.orbital_levels(levels, 1.0)
    scattering = [finite_band.random_scattering(orbitals, 1.0, noise, phases) for _ in spins]
    return finite_band.FiniteBand(
        energies=hilbert.hamiltonian(spins, splittings, w).diag().real,
        populations=hilbert.thermal_moments(spins, splittings).diag().real,
        couplings=np.stack([hilbert.coupling(spins, i, j).full() for i, j in enumerate(exchange)]),
        orbitals=orbitals,
        scattering=np.stack(scattering),
    )


def electron(name):
    return finite_band.precession_generator(SYSTEMS[name][2])


def exact_map(band, times=TIMES):
    _, states = finite_band.evolve(band, times[0], times[-1], len(times))
    return finite_band.dynamical_map(band, states)


def slope_of(sizes, values):
    """Order of a power law, by regression of the logarithms."""
    return np.polyfit(np.log(sizes), np.log(values), 1)[0]


def dense(band):
    """H as one matrix, level (x) electron (x) moments."""
    spin = np.eye(len(band.energies))
    total = np.kron(np.diag(band.orbitals), spin) + np.kron(
        np.eye(len(band.orbitals)), np.diag(band.energies)
    )
    for coupling, scattering in zip(band.couplings, band.scattering, strict=True):
        total = total + np.kron(scattering, coupling)
    return total


@pytest.mark.parametrize("name", SYSTEMS)
def test_evolution_equals_the_dense_exponential(name):
    band = finite(name, levels=9)
    hamiltonian = dense(band)
    assert np.abs(hamiltonian - hamiltonian.conj().T).max() == 0
    times, states = finite_band.evolve(band, 1.0, 9.0, 3)
    start = np.kron(np.eye(9)[:, [band.start]], np.eye(len(band.energies)))
    for time_, state in zip(times, states, strict=True):
        expected = expm(-1j * time_ * hamiltonian) @ start
        # rounding of a Taylor series of norm |H| t = 60
        np.testing.assert_allclose(state.reshape(expected.shape), expected, atol=1e-13)


@pytest.mark.parametrize("name", SYSTEMS)
def test_unitary_invariants(name):
    """Norms, overlaps and energy of every state; total J_z where the exchange is isotropic."""
    band = finite(name, noise=0.1)
    _, states = finite_band.evolve(band, 0.0, 15.0, 4)
    flat = states.reshape(4, -1, states.shape[-1])
    overlaps = np.einsum("tpi,tpj->tij", flat.conj(), flat)
    np.testing.assert_allclose(
        overlaps, np.broadcast_to(np.eye(flat.shape[-1]), overlaps.shape), atol=1e-13
    )
    acted = np.stack([finite_band.apply_hamiltonian(band, state) for state in states])
    energies = np.einsum("tpi,tpi->ti", flat.conj(), acted.reshape(flat.shape)).real
    np.testing.assert_allclose(energies, np.broadcast_to(energies[0], energies.shape), atol=1e-13)
    if name == "isotropic":
        spins = SYSTEMS[name][0]
        total = 0.5 * hilbert.embed(qutip.sigmaz(), [qutip.qeye(2)])
        total = total + hilbert.embed(qutip.qeye(2), [hilbert.spin_operators(spins[0])[2]])
        weight = (np.abs(states) ** 2).sum(axis=1)
        spin = np.einsum("tai,a->ti", weight, total.diag().real)
        np.testing.assert_allclose(spin, np.broadcast_to(spin[0], spin.shape), atol=1e-13)
        assert np.abs(weight[-1] - weight[0]).max() > 1e-2  # something did move


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_map_keeps_trace_hermiticity_and_complete_positivity(name):
    for noise in (1e-2, 1.0):  # the second is far beyond any master equation
        mapping, slope = exact_map(finite(name, noise=noise))
        np.testing.assert_allclose(mapping[:, 0], [[1, 0, 0, 0]] * 3, atol=1e-14)
        np.testing.assert_allclose(slope[:, 0], 0.0, atol=1e-14)
        pairs = np.einsum("aij,blk->abikjl", finite_band.PAULI, finite_band.PAULI)
        choi = 0.5 * np.einsum("tab,abikjl->tikjl", mapping, pairs).reshape(3, 4, 4)
        # real elements on Hermitian matrices: Hermitian by construction, as the Choi matrix shows
        np.testing.assert_allclose(choi, choi.conj().swapaxes(-1, -2), atol=1e-15)
        assert np.linalg.eigvalsh(choi).min() >= -1e-14


def test_a_lost_norm_is_an_error(monkeypatch):
    monkeypatch.setattr(finite_band, "NORM_LIMIT", 0.0)
    with pytest.raises(ConvergenceError, match=r"changed the norm of a state by .*, allowed 0"):
        exact_map(finite("isotropic"))


def test_slope_is_the_derivative_of_the_map():
    """Central differences approach dPhi/dt at second order, and so K = dPhi/dt Phi^-1."""
    band = finite("anisotropic, split", noise=0.3)
    steps = np.array([0.2, 0.1, 0.05])
    errors = []
    for step in steps:
        mapping, slope = exact_map(band, 7.0 + step * np.arange(-1, 2))
        errors.append(np.abs((mapping[2] - mapping[0]) / (2 * step) - slope[1]).max())
    assert slope_of(steps, errors) == approx(2.0, abs=0.02)
    generator = finite_band.time_local_generator(mapping, slope)
    np.testing.assert_allclose(generator @ mapping, slope, atol=1e-14)


SCALES = np.array([0.1, 0.03, 0.01])


@cache
def exact_generators(name):
    """A band of each coupling, and K_exact of it without the precession."""
    bands = [finite(name).scaled(scale) for scale in SCALES]
    return [(band, averaged_generator(band, TIMES) - electron(name)) for band in bands]


def distances(name, second_order):
    """|K_exact - K_2| against the coupling, odd orders cancelled."""
    return [np.abs(k - second_order(band)).max() for band, k in exact_generators(name)]


def second(band):
    return finite_band.second_order_generator(band, TIMES)


@pytest.mark.parametrize("name", SYSTEMS)
def test_second_order_is_the_leading_term(name):
    """What is left is of order J^4, J^2 of the generator itself."""
    assert slope_of(SCALES, distances(name, second)) == approx(4.0, abs=0.05)


def without_cross_correlation(band):
    """Each component sigma_v S_v alone: D_xy is lost."""
    spins = SYSTEMS["anisotropic, split"][0]
    total = np.zeros((len(TIMES), 4, 4))
    scale = band.couplings[0, 0, 0].real / -0.5 / SYSTEMS["anisotropic, split"][3][0][2]
    for axis, strength in enumerate(SYSTEMS["anisotropic, split"][3][0]):
        alone = hilbert.coupling(spins, 0, scale * strength * np.eye(3)[axis]).full()
        total += second(replace(band, couplings=alone[None]))
    return total


def without_memory_of_the_splitting(band):
    return second(replace(band, energies=np.zeros_like(band.energies)))


def without_anticommutator(band):
    generator = second(band)
    generator[:, 1:, 1:] *= -1
    return generator


def without_what_two_moments_share(band):
    """Single realisations correlate the moments; the second order of the same H must have it."""
    parts = [
        replace(band, couplings=band.couplings[[i]], scattering=band.scattering[[i]])
        for i in range(2)
    ]
    return sum(second(part) for part in parts)


WRONG = {
    "twice": ("anisotropic, split", lambda band: 2.0 * second(band)),
    "a thousandth less": ("anisotropic, split", lambda band: 0.999 * second(band)),
    "no D_xy": ("anisotropic, split", without_cross_correlation),
    "no splitting": ("anisotropic, split", without_memory_of_the_splitting),
    "sign": ("anisotropic, split", without_anticommutator),
    "moments apart": ("two moments", without_what_two_moments_share),
}


def test_a_wrong_second_order_is_noticed():
    """The distance then falls as J^2 in the end; the smallest mistake bends the line to 3."""
    orders = {name: slope_of(SCALES, distances(*wrong)) for name, wrong in WRONG.items()}
    assert {name: order for name, order in orders.items() if not order < 3.5} == {}


def odd_part(name, scale, levels, seed):
    band = finite(name, levels=levels, seed=seed).scaled(scale)
    plus, minus = (
        finite_band.time_local_generator(*exact_map(one, TIMES[:1].repeat(2)))
        for one in (band, band.scaled(-1.0))
    )
    return 0.5 * (plus[0] - minus[0])


def test_third_order_survives_in_one_realisation():
    """It is odd, changes sign with J and is all that stands between K and K_2 at small J."""
    sizes = [np.abs(odd_part("isotropic", scale, 65, 0)).max() for scale in SCALES]
    assert slope_of(SCALES, sizes) == approx(3.0, abs=0.03)


@pytest.mark.slow
def test_third_order_vanishes_with_the_number_of_levels():
    """Root mean square over realisations falls as N^-1/2.

    60 of them determine each root mean square to 9 %, a slope over a factor 4 to 0.09; 0.2 is two
    standard deviations. The fixed seeds make it the same every time.
    """
    counts = (49, 97, 193)
    sizes = [
        np.sqrt(np.mean([odd_part("isotropic", 0.01, n, seed)[3, 3] ** 2 for seed in range(60)]))
        for n in counts
    ]
    assert slope_of(counts, sizes) == approx(-0.5, abs=0.2)


@pytest.mark.parametrize("name", SYSTEMS)
def test_second_order_knows_no_finite_size(name):
    """From between the levels of an even comb the band is a continuum up to the Heisenberg time.

    Not so for a start in the comb itself: without k' = k it lacks 2 t / (Heisenberg time).
    """
    if name == "two moments":  # what they share is random
        return
    wide = second(finite(name, levels=1025))
    losses = []
    for levels in (65, 129, 257):
        band = finite(name, levels=levels)
        # edges of the comb, exp(-8), over their oscillation
        np.testing.assert_allclose(second(band), wide, atol=1e-4 * np.abs(wide).max())
        comb = np.linspace(-finite_band.SPAN, finite_band.SPAN, levels)
        scattering = finite_band.random_scattering(comb, 1.0, 1.0, np.random.default_rng(0))
        inside = second(replace(band, orbitals=comb, scattering=scattering[None]))
        losses.append(1 - inside[0, 1, 1] / wide[0, 1, 1])
        expected = 2 * TIMES[0] / finite_band.heisenberg_time(levels, 1.0)
        assert losses[-1] == approx(expected, rel=0.3)  # less, as sin(x t) / x, where split
    assert slope_of([65, 129, 257], losses) == approx(-1.0, abs=0.02)


def flat_redfield(sample, temperature, field):
    """Bloch-Redfield tensor of the same moments in flat noise, projected [1/s]."""
    state = om.equilibrium(sample, temperature, field)
    total = np.zeros((3, 3))
    with exact_arithmetic():
        for space in hilbert.moment_spaces(sample, state):
            flat = redfield(space.hamiltonian, (space.coupling, lambda w: 1.0))
            projected = hilbert.project(flat.dissipate, space.moment)
            total += space.noise * hilbert.bloch_tensor(projected)
    return total


FILMS = {
    "isotropic": lambda disorder: paramagnet(0.5, COUPLINGS["isotropic"], disorder),
    "anisotropic": lambda disorder: paramagnet(1.0, COUPLINGS["anisotropic"], disorder),
    "large spin": lambda disorder: paramagnet(2.0, COUPLINGS["one axis"], disorder),
    "antiferromagnet": lambda disorder: antiferromagnet(0.5, disorder=disorder),
    "ferrimagnet": lambda disorder: ferrimagnet(disorder=disorder),
}


@pytest.mark.slow
@pytest.mark.parametrize("disorder", ["random", "lattice"])
@pytest.mark.parametrize("name", FILMS)
def test_golden_rule_maps_the_sample(name, disorder):
    """Noise 2 pi n_S nu_F J^2 / hbar: a factor 2 in it would be seen ten thousand times over."""
    sample = FILMS[name](disorder)
    found = exact(sample, 10.0, 3.0, levels=65, realisations=2)
    expected = flat_redfield(sample, 10.0, 3.0)
    # J^4 and its fluctuations: a few times hbar rate / bandwidth, 1e-5 for memory and tails
    strength = om.units.HBAR * np.abs(expected).max() / 0.5
    allowed = (5 * strength + 1e-5) * np.abs(expected).max()
    # noise of the moments' own frequency
    allowed += float(found.diagnostics["flatness"]) * np.abs(expected).max()
    assert np.abs(found.dissipator - expected).max() <= allowed
    assert found.diagnostics["bath"] == "flat"


@pytest.mark.slow
def test_closed_forms_at_small_splitting():
    """Eqs. (84), (85) at beta eps_L = 1e-3, where the Fermi sea is as flat as the band."""
    for spin, name in ((0.5, "isotropic"), (1.0, "anisotropic")):
        sample = paramagnet(spin, COUPLINGS[name])
        field = field_for(1e-3, 4.0)
        found = exact(sample, 4.0, field, levels=101)
        closed = om.relaxation(sample, 4.0, field)
        difference = np.abs(found.dissipator - closed.dissipator).max()
        scale = np.abs(closed.dissipator).max()
        # 1e-5 for memory, tails and x^2; four standard errors of four realisations
        assert difference <= 1e-5 * scale + 4 * found.uncertainty.max()
        np.testing.assert_allclose(found.precession, closed.precession, rtol=1e-12)
        assert found.charge_to_spin == 0


@pytest.mark.slow
def test_departs_from_the_closed_form_as_the_splitting_squared():
    """No Fermi sea, no factor x / (1 - exp(-x)): the band is no substitute at finite x."""
    sample = paramagnet(0.5)
    splittings = np.array([0.25, 0.5, 1.0])
    fields = field_for(splittings, 4.0)
    found = exact(sample, 4.0, fields, levels=65, realisations=2)
    closed = om.relaxation(sample, 4.0, fields)
    excess = found.dissipator[:, 2, 2] / closed.dissipator[:, 2, 2] - 1
    assert slope_of(splittings, excess) == approx(2.0, abs=0.1)


@pytest.mark.slow
def test_error_falls_with_the_bandwidth():
    """Distance from flat Bloch-Redfield: J^4 scatter, hbar rate / bandwidth, order 1."""
    sample, field = paramagnet(0.5), field_for(1e-3, 4.0)
    expected = flat_redfield(sample, 4.0, field)
    widths = np.array([5e-4, 1e-3, 2e-3, 4e-3])
    errors = []
    for width in widths:
        found = exact(sample, 4.0, field, noise_width=width, levels=65, realisations=2)
        errors.append(np.abs(found.dissipator - expected).max())
    assert slope_of(widths, errors) == approx(-1.0, abs=0.1)


def test_splitting_of_the_electron_changes_nothing_in_a_wide_band():
    sample = paramagnet(0.5)
    kept, dropped = (
        exact(sample, 4.0, 3.0, levels=65, realisations=2, electron_splitting=kept)
        for kept in (True, False)
    )
    # the noise at x + w, flat to ((x + hbar omega_L) / W)^2 / 2 = 4e-7
    largest = np.abs(dropped.dissipator).max()
    np.testing.assert_allclose(kept.dissipator, dropped.dissipator, atol=1e-6 * largest)
    np.testing.assert_allclose(kept.precession, dropped.precession)
    # the precession itself has been taken out again
    assert abs(kept.diagnostics["shift"]) < 1e-4 * abs(kept.precession)


@pytest.mark.slow
def test_grid_seed_and_global_random_numbers():
    sample = paramagnet(0.5)
    options = {"levels": 65, "realisations": 2}
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    grid = exact(sample, [[4.0], [8.0]], [1.0, 2.0], seed=3, **options)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert grid.dissipator.shape == grid.uncertainty.shape == (2, 2, 3, 3)
    assert grid.diagnostics["bath"].shape == (2, 2)
    point = exact(sample, 8.0, 2.0, seed=np.random.default_rng(3), **options)
    assert np.array_equal(grid.dissipator[1, 1], point.dissipator)
    other = exact(sample, 8.0, 2.0, seed=4, **options)
    assert not np.array_equal(other.dissipator, point.dissipator)


@pytest.mark.slow
def test_uncertainty_is_what_seeds_differ_by():
    """Spread of eight seeds against the mean standard error; each is good to 30 %."""
    runs = [
        exact(paramagnet(0.5), 4.0, 1.0, levels=65, realisations=4, noise_width=5e-3, seed=seed)
        for seed in range(8)
    ]
    spread = np.std([run.dissipator[2, 2] for run in runs], ddof=1)
    claimed = np.sqrt(np.mean([run.uncertainty[2, 2] ** 2 for run in runs]))
    assert 0.5 <= spread / claimed <= 2.0


def test_uncertainty_is_the_standard_error_of_the_mean():
    """Realisations that scatter by 1 (with n - 1) about a straight line: 1/sqrt(n)."""
    times = np.linspace(1.0, 2.0, 6)
    for count in (4, 9, 100):
        scatter = np.resize([1.0, -1.0], count) if count % 2 == 0 else np.arange(count) - 4.0
        scatter = scatter / np.sqrt(scatter @ scatter / (count - 1))
        lines = 1e3 + scatter[:, None] + 2.0 * times
        curves = np.multiply.outer(lines, np.ones((4, 4)))
        found = _read(times, curves, curves[0], 0.0)
        np.testing.assert_allclose(found.generator, 1e3)
        np.testing.assert_allclose(found.error, 1 / np.sqrt(count), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("spin", [0.5, 1.0])
def test_shift_is_that_of_virtual_flips(spin):
    """E_up - E_down of second order in noise G exp(-w^2 / 2 W^2), a Dawson integral in closed form.

    A virtual flip down raises the moment and costs eps_L: it lowers up, by <S_- S_+>; likewise
    <S_+ S_-> raises down. The diagnostic `second_order` bounds what the exact motion adds.
    """
    sample, width, temperature = paramagnet(spin, 1e-4), 5e-3, 4.0
    for field in (5.0, -5.0):
        state = om.equilibrium(sample, temperature, field)
        (space,) = hilbert.moment_spaces(sample, state)
        mean = dawsn(state.splitting[0] / (np.sqrt(2.0) * width)) / (4.0 * np.sqrt(np.pi))
        shift = -space.noise * mean * (state.flip_up[0] + state.flip_down[0])
        found = exact(sample, temperature, field, noise_width=width, levels=65)
        largest = np.abs(found.dissipator).max()
        allowed = (float(found.diagnostics["second_order"]) + 1e-5) * largest  # 1e-5: memory, edges
        assert abs(found.diagnostics["shift"] - shift) <= allowed
        assert allowed < 0.1 * abs(shift)


def test_weakest_coupling():
    weak, strong = (
        exact(paramagnet(0.5, j), 10.0, 1.0, levels=65, realisations=2).dissipator[2, 2]
        for j in (1e-8, 1e-4)
    )
    assert weak == approx(1e-8 * strong, rel=1e-5)


FILM = om.presets.pt_py()
BAD = [
    (lambda: exact(FILM, 10.0, 1.0, levels=100), "`levels` must be an odd integer, got 100"),
    (
        lambda: exact(FILM, 10.0, 1.0, levels=31),
        "`levels` must be one real number and >= 40, got 31",
    ),
    (lambda: exact(FILM, 10.0, 1.0, levels=65.5), "`levels` must be an odd integer, got 65.5"),
    (lambda: exact(FILM, 10.0, 1.0, levels="many"), "`levels`.*'many'"),
    (lambda: exact(FILM, 10.0, 1.0, noise_width=0), "`noise_width` must be.*> 0 eV, got 0"),
    (lambda: exact(FILM, 10.0, 1.0, noise_width=np.nan), "`noise_width`.*eV, got nan"),
    (lambda: exact(FILM, 10.0, 1.0, realisations=1), "`realisations`.*>= 2, got 1"),
    (lambda: exact(FILM, 10.0, 1.0, realisations=2.5), "`realisations`.*integer >= 2, got 2.5"),
    (lambda: exact(FILM, 10.0, 1.0, seed=-1), "`seed` must be an integer >= 0 or.*got -1"),
    (lambda: exact(FILM, 10.0, 1.0, seed="x"), "`seed`.*'x'"),
    (lambda: exact(FILM, -1.0, 1.0), "`temperature`.*K, got -1"),
    (lambda: exact(paramagnet(50.0), 10.0, 1.0), "`spin`.*dimension <= 64, got 202"),
    (
        lambda: om.relaxation(FILM, 10.0, 1.0, method="exact", level=3),
        "'exact' takes no option `level`",
    ),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 100_001}, r"`levels`.*100001 levels.*about 6.* GiB and .* s"),
        ({"realisations": 100_000}, r"`levels`.*201 levels.* s \(at most 4 GiB and 3600 s\)"),
    ],
)
def test_unaffordable_sizes_are_refused(options, message):
    with pytest.raises(SizeError, match=message):
        exact(FILM, 10.0, 1.0, **options)


@pytest.mark.parametrize(
    ("sample", "field", "noise_width", "message"),
    [
        (paramagnet(2.0), 0.01, 2e-4, "no plateau.*relaxes by.*too strong for this `noise_width`"),
        (paramagnet(0.5, 1e-5), 50.0, 5e-3, "not flat.*moment's frequency.*too narrow"),
        (paramagnet(0.5, 2e-3), 0.01, 6e-4, "no plateau.*straight line by.*`noise_width`"),
    ],
)
def test_no_plateau_is_an_error(sample, field, noise_width, message):
    with pytest.raises(ExtractionError, match=message):
        exact(sample, 4.0, field, noise_width=noise_width, levels=65, realisations=2)


def test_record_says_that_the_bath_is_flat():
    film = om.presets.pt_py(spin=0.5, curie_temperature=0.0)
    found = om.relaxation(film, 100.0, 1.0, method="exact", levels=65, realisations=2)
    assert "flat, not the Fermi sea's" in repr(found)
    assert "bath" not in repr(om.relaxation(film, 100.0, 1.0))
