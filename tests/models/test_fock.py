"""From the many-body to the one-body master equation, Appendix A, with every trace over Fock space.

Orders of the steps' errors are measured; identities hold to rounding.
"""

import numpy as np
import pytest
import qutip
from nearness import approx
from refusals import unclear
from systems import SPINS

import openmr as om
from openmr import bath, fock, scattering

ROUNDING = 1e-14  # sums of at most a few hundred terms of order one


def generator(seed=7):
    return np.random.default_rng(seed)


def random_hermitian(rng, size, count=1):
    a = rng.normal(size=(count, size, size)) + 1j * rng.normal(size=(count, size, size))
    return 0.5 * (a + np.swapaxes(a.conj(), -1, -2))


def random_state(rng, modes):
    size = 2**modes
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    positive = a @ a.conj().T
    return qutip.Qobj(positive / np.trace(positive), dims=[[2] * modes] * 2)


def random_density(rng, modes, low=0.1, high=0.9):
    orbitals = np.linalg.eigh(random_hermitian(rng, modes)[0])[1]
    return (orbitals * rng.uniform(low, high, modes)) @ orbitals.conj().T


def film(orbitals, position=0.0, *, exchange=(0.1, 0.07, 0.12), zeeman=0.2, x=1.3, spin=1.0):
    """Plane waves on a short chain, split by a field, that meet one moment."""
    levels = np.linspace(-1.0, 1.0, orbitals)
    energies = (levels[:, None] + zeeman * np.array([0.5, -0.5])).ravel()
    k = 2 * np.pi * np.arange(orbitals) / orbitals
    lines = bath.moment_correlator(spin, x)
    return scattering.Scattering(
        energies, scattering.plane_waves(k, position, exchange), scattering.thermal_transform(lines)
    )


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0]


def largest(values):
    return float(np.abs(values).max())


# --- operators ---------------------------------------------------------------------------------


@pytest.mark.parametrize("orbitals", [1, 2, 3, 4])
def test_anticommutators(orbitals):
    f = fock.annihilators(2 * orbitals)
    for i, a in enumerate(f):
        for j, b in enumerate(f):
            assert largest((a * b + b * a).full()) == 0
            assert largest((a.dag() * b + b * a.dag()).full() - (i == j) * np.eye(2 ** len(f))) == 0


def test_commutator_a5():
    """[V, f_1^+ f_2] = sum_3 <3|V|1> f_3^+ f_2 - <2|V|3> f_1^+ f_3."""
    v = random_hermitian(generator(), 4)[0]
    many = fock.one_body(v)
    f = fock.annihilators(4)
    for a in range(4):
        for b in range(4):
            left = qutip.commutator(many, f[a].dag() * f[b])
            right = sum(v[c, a] * f[c].dag() * f[b] - v[b, c] * f[a].dag() * f[c] for c in range(4))
            wrong = sum(v[c, a] * f[c].dag() * f[b] + v[b, c] * f[a].dag() * f[c] for c in range(4))
            assert largest((left - right).full()) < ROUNDING
            assert largest((left - wrong).full()) > 0.1


def test_density_is_eq_17():
    state = random_state(generator(), 4)
    f = fock.annihilators(4)
    rho = fock.density(state)
    for a in range(4):
        for b in range(4):
            assert rho[a, b] == approx((f[b].dag() * f[a] * state).tr(), abs=ROUNDING)


def test_pairs_are_eq_a14():
    state = random_state(generator(), 4)
    f = fock.annihilators(4)
    r = fock.pairs(state)
    for a, b, c, d in [(0, 1, 2, 3), (3, 1, 1, 0), (2, 2, 2, 2), (1, 0, 3, 2)]:
        exact = (f[a].dag() * f[b] * f[c].dag() * f[d] * state).tr()
        assert r[a, b, c, d] == approx(exact, abs=ROUNDING)


# --- pair correlations -------------------------------------------------------------------------


def reordered(state, sign=-1.0):
    """delta_23 rho_41 - Tr[f_1^+ f_3^+ f_2 f_4 rho], right side of (A15)."""
    rho = fock.density(state)
    return np.einsum("bc,da->abcd", np.eye(len(rho)), rho) + sign * fock.ordered_pairs(state)


@pytest.mark.parametrize("orbitals", [1, 2, 3])
def test_identity_a15_on_any_state(orbitals):
    state = random_state(generator(orbitals), 2 * orbitals)
    assert largest(fock.pairs(state) - reordered(state)) < ROUNDING
    assert largest(fock.pairs(state) - reordered(state, sign=1.0)) > 0.1  # the wrong sign


@pytest.mark.parametrize("orbitals", [1, 2, 3])
def test_wick_a16_on_gaussian_states(orbitals):
    rho = random_density(generator(orbitals), 2 * orbitals)
    state = fock.gaussian_state(rho)
    ordered = fock.ordered_pairs(state)
    direct = np.einsum("da,bc->abcd", rho, rho)
    exchange = np.einsum("dc,ba->abcd", rho, rho)
    assert largest(fock.density(state) - rho) < ROUNDING
    assert largest(ordered - (direct - exchange)) < ROUNDING
    assert largest(ordered - (direct + exchange)) > 0.1  # the exchange sign dropped
    assert largest(fock.connected_pairs(state)) < ROUNDING


def test_a17_misses_the_disconnected_term():
    """Its size is of order one: Eq. (A17) is no approximation of R, only of what acts."""
    rho = random_density(generator(), 4)
    missing = fock.pairs(fock.gaussian_state(rho)) - fock.blocked_pairs(rho)
    assert largest(missing - fock.disconnected_pairs(rho)) < ROUNDING
    assert largest(missing) == approx(largest(rho) ** 2, rel=1e-10)


def interacting(strength):
    rng = generator(3)
    h = np.diag(film(2).energies) + 0.3 * random_hermitian(rng, 4)[0]
    n = [a.dag() * a for a in fock.annihilators(4)]
    state = (-(fock.one_body(h) + strength * (n[0] * n[1] + n[1] * n[2]))).expm()
    return state / state.tr()


def mixture(strength):
    """Half of one Gaussian state, half of a neighbour."""
    rng = generator(4)
    first, second = random_density(rng, 4, 0.3, 0.7), random_density(rng, 4, 0.3, 0.7)
    near = first + strength * (second - first)
    return 0.5 * (fock.gaussian_state(first) + fock.gaussian_state(near))


@pytest.mark.parametrize(("make", "order"), [(interacting, 1), (mixture, 2)])
def test_order_of_the_wick_error(make, order):
    """First order in an interaction; second in the spread of the states that are mixed."""
    sizes = np.array([0.04, 0.02, 0.01])
    states = [make(size) for size in sizes]
    connected = [fock.connected_pairs(state) for state in states]
    # the next order adds a fraction of about the size itself
    assert slope(sizes, [largest(c) for c in connected]) == approx(order, abs=0.05)
    lost = [largest(fock.collision_integral(c, film(2))) for c in connected]
    assert slope(sizes, lost) == approx(order, abs=0.05)


def test_canonical_numbers_against_fock_space():
    energies = np.array([-1.0, -0.3, 0.0, 0.0, 0.4, 2.0])
    gaussian = fock.gaussian_state(np.diag(1 / (1 + np.exp(energies))))
    for particles in range(1, 6):
        one, both = fock.canonical_pairs(energies, particles)
        state = fock.fixed_number(gaussian, particles)
        assert largest(np.diag(fock.density(state)) - one) < ROUNDING
        assert largest(np.einsum("aabb->ab", fock.pairs(state)) - both) < ROUNDING


@pytest.mark.parametrize("modes", [4, 12, 100, 400])
def test_canonical_numbers_of_equal_levels(modes):
    """<n n'> = N (N - 1) / m (m - 1): connected part -1 / [4 (m - 1)] at half filling."""
    _, both = fock.canonical_pairs(np.full(modes, 3.0), modes // 2)
    assert both[0, 1] - 0.25 == approx(-0.25 / (modes - 1), rel=1e-11)
    cold = fock.canonical_pairs(50.0 * np.arange(modes), modes // 2)[0]
    np.testing.assert_allclose(cold, np.repeat([1.0, 0.0], modes // 2), atol=1e-12)


def canonical_error(modes):
    """Error of the spin's decay by Eq. (21) at fixed number, populations only."""
    band = film(modes // 2)
    sign = np.tile([1.0, -1.0], modes // 2)
    one, both = fock.canonical_pairs(band.energies - 0.5 * sign, modes // 2)
    g = scattering.golden_rule(band)
    wick = sign @ np.diag(scattering.one_body_collision(np.diag(one), band)).real
    exact = sign @ (g @ one - g.sum(axis=0) * one - np.sum((g - g.T) * both, axis=1))
    return wick / exact - 1


def test_fixed_number_costs_one_over_n():
    sizes = np.array([16, 32, 64])
    errors = [canonical_error(int(modes)) for modes in sizes]
    # measured 1.04: the next order is 1 / N^2
    assert slope(sizes, errors) == approx(-1, abs=0.1)


def test_fixed_number_error_is_the_exact_many_body_one():
    band = film(3)
    sign = np.tile([1.0, -1.0], 3)
    tilted = np.diag(1 / (1 + np.exp(band.energies - 0.5 * sign)))
    state = fock.fixed_number(fock.gaussian_state(tilted), 3)
    exact = sign @ np.diag(fock.density(fock.collision(state, band))).real
    wick = sign @ np.diag(scattering.one_body_collision(fock.density(state), band)).real
    assert wick / exact - 1 == approx(canonical_error(6), rel=1e-10)


# --- the collision integral --------------------------------------------------------------------


@pytest.mark.parametrize("spin", [0.5, 1.0])
def test_many_body_integral_from_the_moment_itself(spin):
    """Eqs. (9), (15): double commutator with the moment in the space, integrated over time."""
    x, exchange = 1.3, (0.1, 0.07, 0.12)
    band = film(1, exchange=exchange, x=x, spin=spin)
    state = random_state(generator(), 2)
    s = bath.spin_matrices(spin)
    size = s.shape[-1]
    electron = [fock.one_body(v).full() for v in band.couplings]
    coupling = sum(np.kron(v, m) for v, m in zip(electron, s, strict=True))
    bohr = fock.one_body(np.diag(band.energies)).diag()[:, None] + x * np.diag(s[2])[None, :]
    bohr = bohr.ravel()[:, None] - bohr.ravel()[None, :]
    joint = np.kron(state.full(), np.diag(bath.populations(spin, x)))
    nodes, weights = np.polynomial.legendre.leggauss(80)
    total = np.zeros_like(joint)
    for time, weight in zip(5 * (nodes + 1), 5 * weights, strict=True):
        earlier = np.exp(-1j * bohr * time) * coupling
        memory = np.exp(-0.5 * time**2 - 0.5j * time)
        change = np.conj(memory) * joint @ earlier - memory * earlier @ joint
        total += weight * (coupling @ change - change @ coupling)
    reduced = np.einsum("imjm->ij", total.reshape(4, size, 4, size))
    found = fock.collision(state, band).full()
    # the memory is cut at exp(-50)
    assert largest(found - reduced) < 1e-12 * largest(reduced)


@pytest.mark.parametrize("orbitals", [1, 2, 3])
def test_three_forms_of_the_many_body_integral(orbitals):
    """Tr[f^+ f J(state)] of (15), with the pair correlations (A12)-(A13), and (A4) as printed."""
    band = film(orbitals, 0.3)
    state = random_state(generator(), 2 * orbitals)
    exact = fock.density(fock.collision(state, band))
    from_pairs = fock.collision_integral(fock.pairs(state), band)
    assert largest(exact - from_pairs) < ROUNDING
    f = fock.annihilators(2 * orbitals)
    element = 0.0
    for v, dressed in zip(band.couplings, band.dressed, strict=True):
        probe = qutip.commutator(fock.one_body(v), f[1].dag() * f[0])
        late = fock.one_body(dressed) * state
        element += (probe * (late - late.dag())).tr()
    assert abs(element - exact[0, 1]) < ROUNDING


def test_parts_add_up_on_any_state():
    band = film(2, 0.3)
    for state in (random_state(generator(), 4), interacting(0.5)):
        parts = fock.collision_parts(state, band)
        kept = parts.one_body + parts.disconnected + parts.connected
        assert largest(parts.exact - kept) < ROUNDING
        assert largest(parts.connected) > 1e-4 * largest(parts.exact)


@pytest.mark.parametrize("orbitals", [1, 2, 3])
def test_one_body_form_is_the_blocked_part(orbitals):
    band = film(orbitals, 0.3)
    rho = random_density(generator(), 2 * orbitals)
    found = scattering.one_body_collision(rho, band)
    blocked = fock.collision_integral(fock.blocked_pairs(rho), band)
    assert largest(found - blocked) < ROUNDING
    assert abs(np.trace(found)) < ROUNDING
    assert largest(found - found.conj().T) < ROUNDING


@pytest.mark.parametrize("orbitals", [1, 2, 3])
def test_gaussian_state_differs_by_a_mean_field_alone(orbitals):
    """Exact - (21) = -i[h, rho] with Hermitian h: no population moves where rho is diagonal."""
    band = film(orbitals, 0.3)
    rho = random_density(generator(), 2 * orbitals)
    exact = fock.density(fock.collision(fock.gaussian_state(rho), band))
    lost = exact - scattering.one_body_collision(rho, band)
    h = scattering.mean_field(rho, band)
    assert largest(lost) > 1e-3 * largest(exact)
    assert largest(h - h.conj().T) < ROUNDING
    assert largest(lost + 1j * (h @ rho - rho @ h)) < ROUNDING
    assert largest(lost - 1j * (h @ rho - rho @ h)) > 1e-3 * largest(exact)  # the wrong sign
    modes = np.linalg.eigh(rho)[1]
    assert largest(np.diag(modes.conj().T @ lost @ modes)) < ROUNDING
    diagonal = np.diag(np.diag(rho).real)
    only = fock.collision_integral(fock.disconnected_pairs(diagonal), band)
    assert largest(np.diag(only)) < ROUNDING


def test_mean_field_is_the_static_response():
    """Of a moment in its field, at w = 0: h = -sum_v (J_v^2/4) chi_v <sigma_v> sigma_v."""
    k, exchange, x = [0.0], np.array([0.1, 0.07, 0.12]), 1.3
    narrow = scattering.thermal_transform(bath.moment_correlator(0.5, x), width=1e-4)
    band = scattering.Scattering(np.zeros(2), scattering.plane_waves(k, 0.0, exchange), narrow)
    rho = random_density(generator(), 2)
    sigma = 2 * bath.spin_matrices(0.5)
    polarisation = np.einsum("vab,ba->v", sigma, rho).real
    # transverse susceptibility <-S_z> / x = tanh(x/2) / 2x of H = x S_z; a line of width s is
    # off by s^2
    response = 0.5 * np.tanh(x / 2) / x * np.array([1.0, 1.0, 0.0])
    expected = -np.einsum("v,vab->ab", 0.25 * exchange**2 * response * polarisation, sigma)
    found = scattering.mean_field(rho, band)
    planar = [0.5 * np.trace(s @ (found - expected)).real for s in sigma[:2]]
    assert largest(planar) < 1e-6 * largest(expected)


def test_classical_noise_needs_no_wick_step():
    """D(t) = D(-t)^T: Pauli blocking, mean field and correlations drop out of the one-body rate."""
    lines = bath.moment_correlator(0.5, 0.0)
    symmetric = lines._replace(weights=lines.weights.real)

    def transform(w):
        lorentz = 1 / (0.5 - 1j * (np.asarray(w)[..., None] - symmetric.frequencies))
        return np.einsum("...l,lab->...ab", lorentz, symmetric.weights)

    quantum = film(2)
    classical = scattering.Scattering(quantum.energies, quantum.couplings, transform)
    state = fock.fixed_number(fock.gaussian_state(random_density(generator(), 4)), 2)
    rho = fock.density(state)
    exact = fock.density(fock.collision(state, classical))
    assert largest(exact) > 1e-3
    assert largest(exact - scattering.one_body_collision(rho, classical)) < ROUNDING
    assert largest(scattering.mean_field(rho, classical)) < ROUNDING
    off = fock.density(fock.collision(state, quantum)) - scattering.one_body_collision(rho, quantum)
    assert largest(off) > 1e-4


# --- equilibrium and Pauli blocking ------------------------------------------------------------


@pytest.mark.parametrize("potential", [-3.0, 0.0, 1.0])
def test_fermi_function_stands_still(potential):
    """Eqs. (47)-(50); without the blocking factors it does not."""
    band = film(3)
    fermi = 1 / (1 + np.exp(band.energies - potential))
    change = np.diag(scattering.one_body_collision(np.diag(fermi), band)).real
    g = scattering.golden_rule(band)
    flow = g * np.outer(1 - fermi, fermi)
    assert largest(change) < ROUNDING * largest(flow)
    unblocked = g @ fermi - g.sum(axis=0) * fermi
    assert largest(unblocked) > 1e-3 * largest(flow)
    # Eq. (34) as printed: one frequency for the way in and the way out
    printed = np.sum(g * (np.outer(1 - fermi, fermi) - np.outer(fermi, 1 - fermi)), axis=1)
    assert largest(printed) > 1e-3 * largest(flow)
    boltzmann = np.exp(-band.energies)
    assert largest(g @ boltzmann - g.sum(axis=0) * boltzmann) < ROUNDING * largest(g)


def test_populations_of_the_many_body_gibbs_state_stand_still():
    band = film(2)
    gibbs = fock.gaussian_state(np.diag(1 / (1 + np.exp(band.energies - 0.3))))
    for state in (gibbs, fock.fixed_number(gibbs, 2)):
        change = fock.collision(state, band)
        assert largest(change.diag()) < ROUNDING
        assert largest(np.diag(fock.density(change))) < ROUNDING


def test_golden_rule_is_the_diagonal_of_eq_21():
    band = film(3, 0.2)
    p = generator().uniform(0, 1, 6)
    g = scattering.golden_rule(band)
    rate = (g @ p) * (1 - p) - p * (g.T @ (1 - p))
    found = scattering.one_body_collision(np.diag(p), band)
    assert largest(np.diag(found) - rate) < ROUNDING
    assert np.all(g >= 0)


@pytest.mark.parametrize("spin", SPINS)
@pytest.mark.parametrize("width", [0.3, 1.0, 3.0])
def test_broadened_lines_are_a_thermal_bath(spin, width):
    """KMS (48) of D = D+ + D-, and D+ itself by quadrature over time."""
    lines = bath.moment_correlator(spin, 1.3)
    transform = scattering.thermal_transform(lines, width=width)
    w = np.linspace(-3, 3, 7)

    def spectrum(w):
        half = transform(w)
        return half + np.swapaxes(half.conj(), -1, -2)

    forward, backward = spectrum(w), np.swapaxes(spectrum(-w), -1, -2)
    boltzmann = np.exp(w)[:, None, None]
    assert largest(forward - boltzmann * backward) < 1e-13 * largest(forward)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    time = 5 * (nodes + 1) / width
    memory = np.exp(-0.5 * (width * time) ** 2 - 0.5j * width**2 * time) * weights * 5 / width
    integral = np.einsum(
        "t,wt,lt,lab->wab",
        memory,
        np.exp(1j * np.outer(w, time)),
        np.exp(-1j * np.outer(lines.frequencies, time)),
        lines.weights,
    )
    assert largest(transform(w) - integral) < 1e-11 * largest(integral)


# --- the diagonal approximation (24) -----------------------------------------------------------

MOMENTA = np.array([0.0, 1.0, 2.0])
SITES = 2 * np.pi * np.arange(5) / 5  # k differences up to 4 are averaged exactly


def coherent(size):
    """Diagonal occupations plus coherences between momenta of one spin."""
    p = np.array([0.8, 0.6, 0.5, 0.3, 0.2, 0.4])
    rho = np.diag(p).astype(complex)
    for a, b, value in [(0, 2, 1.0), (2, 4, 0.7j), (1, 3, -0.4), (1, 5, 0.6j)]:
        rho[a, b], rho[b, a] = size * value, size * np.conj(value)
    return rho


def populations_rate(rho, positions):
    rates = []
    for r in positions:
        band = film(3, r)
        waves = scattering.plane_waves(MOMENTA, r, (0.1, 0.1, 0.1))
        band = scattering.Scattering(band.energies, waves, band.transform)
        rates.append(np.diag(scattering.one_body_collision(rho, band)).real)
    return np.mean(rates, axis=0)


@pytest.mark.parametrize(("positions", "order"), [(SITES[:1] + 0.3, 1), (SITES, 2)])
def test_order_of_the_diagonal_approximation(positions, order):
    """One moment: first order in the coherences; moments at all places: second."""
    sizes = np.array([0.04, 0.02, 0.01])
    reference = populations_rate(coherent(0.0), positions)
    off = [largest(populations_rate(coherent(c), positions) - reference) for c in sizes]
    assert slope(sizes, off) == approx(order, abs=0.05)


def test_spin_coherence_leaves_populations_to_second_order():
    """At one momentum: D_{z+} = 0, so a transverse spin moves no population to first order."""
    band = film(2, 0.3)
    p = np.diag([0.8, 0.5, 0.3, 0.4]).astype(complex)
    turned = np.zeros((4, 4), dtype=complex)
    turned[0, 1], turned[2, 3] = 1.0, 0.6j
    sizes = np.array([0.04, 0.02, 0.01])
    states = [p + c * (turned + turned.conj().T) for c in (0.0, *sizes)]
    rates = [np.diag(scattering.one_body_collision(rho, band)).real for rho in states]
    off = [largest(rate - rates[0]) for rate in rates[1:]]
    assert slope(sizes, off) == approx(2, abs=0.01)


@pytest.mark.slow
def test_moments_at_random_places_make_no_coherence_on_average():
    """Off-diagonals that a diagonal state acquires fall as 1 / sqrt(number of moments)."""
    rng = generator(11)
    rho, base = coherent(0.0), film(3)

    def coherence(count):
        total = np.zeros((6, 6), dtype=complex)
        for r in rng.uniform(0, 2 * np.pi, count):
            waves = scattering.plane_waves(MOMENTA, r, 0.1)
            total += scattering.one_body_collision(
                rho, scattering.Scattering(base.energies, waves, base.transform)
            )
        return largest(total - np.diag(np.diag(total))) / largest(np.diag(total))

    counts = np.array([4, 32, 256])
    spread = [np.sqrt(np.mean([coherence(n) ** 2 for _ in range(12)])) for n in counts]
    # 12 samples know each root mean square to 1/sqrt(24) = 20 %: 0.2 / ln 8 = 0.1 on the slope
    assert slope(counts, spread) == approx(-0.5, abs=0.2)
    exact = sum(
        scattering.one_body_collision(
            rho,
            scattering.Scattering(
                base.energies, scattering.plane_waves(MOMENTA, r, 0.1), base.transform
            ),
        )
        for r in SITES
    )
    assert largest(exact - np.diag(np.diag(exact))) < ROUNDING


# --- evolution ---------------------------------------------------------------------------------


def test_correlations_grow_from_a_gaussian_start():
    """The one-body evolution starts exact and loses t^2: correlations are made at a finite rate."""
    band = film(2)
    start = np.diag([0.9, 0.2, 0.7, 0.1])
    times = np.array([0.0, 0.1, 0.2, 0.4])
    states = fock.evolve_state(fock.gaussian_state(start), band, times, rtol=1e-11)
    exact = np.stack([fock.density(s) for s in states])
    path = scattering.evolve_density(start, band, times, disconnected=True, rtol=1e-11)
    off = [largest((exact - path)[i]) for i in (1, 2, 3)]
    # the next order is the time over the inverse level spacing
    assert slope(times[1:], off) == approx(2, abs=0.15)
    assert off[-1] < largest(exact[-1] - exact[0]) / 50
    for state in states:
        assert state.tr() == approx(1, abs=1e-9)


def test_one_electron_relaxes_to_boltzmann_and_eq_21_to_fermi():
    """One electron in two levels knows no blocking; Eq. (21) blocks it all the same.

    Both end states are stationary to rounding; the time is 30 decay times of the flips.
    """
    band = film(1, exchange=0.2)
    decay = scattering.golden_rule(band)[[0, 1], [1, 0]].sum()
    times = [0.0, 80 / decay]
    start = fock.fixed_number(fock.gaussian_state(np.diag([0.9, 0.1])), 1)
    exact = np.diag(fock.density(fock.evolve_state(start, band, times)[-1])).real
    blocked = np.diag(scattering.evolve_density(np.diag([0.9, 0.1]), band, times)[-1]).real
    x = band.energies[0] - band.energies[1]
    assert exact[0] - exact[1] == approx(-np.tanh(x / 2), abs=1e-6)
    # Fermi function with one electron: the potential lies halfway
    assert blocked[0] - blocked[1] == approx(-np.tanh(x / 4), abs=1e-6)


# --- bad input ---------------------------------------------------------------------------------

GOOD = film(1)
BAD = [
    (
        lambda: film(5) and fock.annihilators(10),
        r"`orbitals` must number at most 4, got 5 .*0.0156 GiB",
    ),
    (lambda: fock.annihilators(60), r"`orbitals` must number at most 4, got 30 .*e\+28 GiB"),
    (
        lambda: scattering.Scattering([0.0], np.zeros((3, 2, 2)), GOOD.transform),
        "`couplings`.*shape",
    ),
    (
        lambda: scattering.Scattering([0.0, np.nan], GOOD.couplings, GOOD.transform),
        "`energies`.*nan",
    ),
    (
        lambda: scattering.Scattering([0.0, 1.0], 1j * GOOD.couplings, GOOD.transform),
        "`couplings` must hold Hermitian",
    ),
    (
        lambda: scattering.Scattering([0.0, 1.0], GOOD.couplings[:2], GOOD.transform),
        r"`transform` must return shape \(..., 2, 2\), got \(1, 3, 3\)",
    ),
    (lambda: scattering.thermal_transform(bath.moment_correlator(1, 1), width=0), "`width`.*> 0"),
    (lambda: fock.gaussian_state(np.diag([1.5, 0.0])), "`rho`.*0 to 1, got 0 ... 1.5"),
    (lambda: fock.gaussian_state([[0.5, 1j], [1j, 0.5]]), "`rho` must be Hermitian"),
    (lambda: fock.density(qutip.qeye(3)), "`state`.*even number of modes"),
    (lambda: fock.density(qutip.qeye([2, 2, 2])), "`state`.*even number of modes"),
    (
        lambda: fock.fixed_number(fock.gaussian_state(np.diag([0.5, 0.5])), 3),
        "`particles`.*got 3",
    ),
    (lambda: fock.canonical_pairs([0.0, 1.0], 2), "`particles` must be 1, got 2"),
    (lambda: fock.canonical_pairs([0.0, 1.0], 0.5), "`particles`.*0.5"),
    (lambda: fock.canonical_pairs([[0.0, 1.0, 2.0]], 1), r"`energies` must be one row.*\(1, 3\)"),
    (
        lambda: fock.collision(fock.gaussian_state(0.5 * np.eye(4)), GOOD),
        "`state` must have the 2 modes of `scattering`, got 4",
    ),
    (lambda: fock.gaussian_state(0.5 * np.eye(40)), "`orbitals`.*got 20 "),
    (lambda: fock.gaussian_state([0.5, 0.5]), r"`rho` must have shape \(m, m\), got \(2,\)"),
    (lambda: fock.one_body(np.ones((2, 3))), r"`matrix`.*\(2, 3\)"),
    (lambda: fock.one_body(np.nan * np.eye(2)), "`matrix` must hold finite"),
    (lambda: scattering.one_body_collision(np.eye(4), GOOD), r"`rho`.*\(2, 2\), got \(4, 4\)"),
    (lambda: scattering.mean_field(np.eye(4), GOOD), r"`rho`.*\(2, 2\), got \(4, 4\)"),
    (lambda: scattering.evolve_density(np.eye(4), GOOD, [0, 1]), r"`rho`.*\(2, 2\)"),
    (lambda: scattering.evolve_density(np.eye(2), GOOD, [1, 0]), "`times`.*increasing"),
    (lambda: scattering.plane_waves([0.0, np.inf]), "`wavenumbers`.*inf"),
    (lambda: scattering.plane_waves([0.0], "left"), "`position`.*'left'"),
    (lambda: scattering.evolve_density(np.eye(2) / 2, GOOD, [0.0, np.nan]), "`times`.*nan"),
    (
        lambda: scattering.evolve_density(np.eye(2) / 2, GOOD, [0.0, 1.0], rtol=0),
        "`rtol`.*>= 1e-13, got 0",
    ),
]


def test_one_clear_error():
    assert unclear(BAD, size="`orbitals`") == {}
    with pytest.raises(om.SizeError, match="`energies` must be at most 8192, got 50000"):
        fock.canonical_pairs(np.zeros(50_000), 1)
