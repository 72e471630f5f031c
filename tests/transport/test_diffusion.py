"""Spin diffusion three ways: agreement, defective matrices, order of the grid, axes."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from refusals import unclear
from scipy.integrate import solve_bvp
from systems import film_of

import openmr as om
from openmr import diffusion
from openmr.rates.record import PRECESSION_GENERATOR, rotation
from openmr.transport import collocation
from openmr.transport import matrix_tanh as hyperbolic
from openmr.transport.diffusion import film_tensor, graded_profile, local_axes, profile
from openmr.transport.surviving import surviving_matrix

SAMPLE = om.presets.pt_py()
FILM = SAMPLE.film
RATES = om.relaxation(SAMPLE, 10.0, 5.0)
DIRECTIONS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1), (0.36, -0.48, 0.8), (1, 1e-9, 0)]
LENGTHS = [1e-6, 1e-3, 1.0, 30.0, 1e3, 1e6]
"""d / l."""


def axial(along, across, turn=0.0):
    """Rates for d/l_par, d/l_perp and omega_L over 1/tau_perp."""
    per_square = FILM.diffusion / FILM.thickness**2
    return replace(
        RATES,
        dissipator=np.diag([across**2, across**2, along**2]) * per_square,
        precession=np.array(turn * across**2 * per_square),
        spin_flip_rate=0.0,
    )


def exact(name, matrix, x=1.0):
    """f, s or 1 - C of hyperbolic.py at 60 digits, by square root and exponential."""
    with mp.workdps(60):
        u = mp.sqrtm(mp.matrix(matrix.tolist()))
        one, inverse = mp.eye(3), u**-1

        def cosh(y):
            return (mp.expm(y * u) + mp.expm(-y * u)) / 2

        def sinh(y):
            return (mp.expm(y * u) - mp.expm(-y * u)) / 2

        over = cosh(1) ** -1
        found = {"s": sinh(x) * inverse * over, "j": one - cosh(x) * over}[name]
        return np.array([[float(mp.re(v)) for v in row] for row in found.tolist()])


# --- closed form and matrix function ---------------------------------------------------------


@pytest.mark.parametrize("along", LENGTHS)
@pytest.mark.parametrize("across", LENGTHS)
@pytest.mark.parametrize("turn", [0.0, 1e-3, 7.0])
def test_matrix_function_is_the_closed_form(along, across, turn):
    """Over twelve orders of d/l in each; 25 doublings of 4 roundings each, bound 1e-13."""
    rates = axial(along, across, turn)
    depth = FILM.thickness * np.array([0, 1e-7, 1e-6, 0.01, 0.3, 0.5, 0.8, 1 - 1e-6, 1])
    for b in DIRECTIONS:
        one = profile(FILM, rates, b, depth=depth)
        two = profile(FILM, rates, b, depth=depth, method="closed-form")
        for quantity in ("accumulation", "current"):
            ours, modes = getattr(one, quantity), getattr(two, quantity)
            # the two sides of the middle differ by one rounding of z
            np.testing.assert_allclose(ours, modes, rtol=0, atol=1e-13 * np.abs(modes).max())
        for found in (one, two):
            assert not np.any(found.current[[0, -1]])
            assert np.all(np.isfinite(found.accumulation))


@pytest.mark.parametrize("along", LENGTHS)
@pytest.mark.parametrize("across", LENGTHS)
def test_surviving_matrix_is_the_closed_form(along, across):
    rates = axial(along, across, 2.0)
    found = surviving_matrix(FILM, rates.tensor)
    parallel = diffusion.surviving_fraction(FILM.thickness, rates.longitudinal / FILM.diffusion)
    pair = diffusion.surviving_fraction(FILM.thickness, diffusion.transverse_decay(FILM, rates))
    expected = np.diag([pair.real, pair.real, parallel.real]) + pair.imag * PRECESSION_GENERATOR
    np.testing.assert_allclose(found, expected, rtol=2e-14, atol=1e-30)
    # a wrong sign of the precession is seen
    assert abs(found[0, 1] - expected[1, 0]) > 0.1 * abs(pair.imag)


def test_the_printed_solution_b23():
    """Mode by mode as printed, z from one face, sigma_D = e = 1, polarisation y for E along x."""
    d, z = FILM.thickness, np.linspace(0, FILM.thickness, 7)
    rates = axial(2.0, 3.0, 1.5)
    b = np.array([0.36, -0.48, 0.8])
    found = profile(FILM, rates, b, depth=z).accumulation
    squares = [
        rates.longitudinal / FILM.diffusion,
        diffusion.transverse_decay(FILM, rates),
        diffusion.transverse_decay(FILM, rates).conj(),
    ]
    cross = np.array([[0, -b[2], b[1]], [b[2], 0, -b[0]], [-b[1], b[0], 0]])
    along = np.outer(b, b)
    across = 0.5 * (np.eye(3) - along)
    # the pair of projectors behind (B7), (B8): precession -omega_L b x has eigenvalue +-i on them
    projectors = [along, across + 0.5j * cross, across - 0.5j * cross]
    expected = 0.0
    for square, projector in zip(squares, projectors, strict=True):
        length = 1 / np.sqrt(square + 0j)
        g = np.tanh(d / length) / (2 * length)
        big_g = (1 / np.cosh(d / length) - 1) / g - 2 * length * np.exp(-d / length)
        shape = big_g * np.cosh(z / length) / np.cosh(d / length)
        shape += 2 * length * np.exp(-z / length)
        expected = expected + shape[:, None] * projector[:, 1]
    expected = FILM.spin_hall_angle * expected
    np.testing.assert_allclose(expected.imag, 0, atol=1e-14 * np.abs(expected).max())
    np.testing.assert_allclose(found, expected.real, atol=1e-13 * np.abs(found).max())


# --- any matrix ------------------------------------------------------------------------------

JORDAN = np.array([[1.0, 1.5, 0.3], [0.0, 1.0, 1.2], [0.0, 0.0, 1.0]])
PAIR = np.array([[2.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.7]])  # double, defective
GENERAL = np.array([[2.0, 1.7, -0.3], [-1.1, 1.0, 0.4], [0.2, -0.6, 0.5]])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-6, 0.3, 1.0, 40.0, 900.0])
@pytest.mark.parametrize("matrix", [JORDAN, PAIR, GENERAL], ids=["Jordan", "pair", "general"])
def test_defective_and_general_matrices(matrix, scale):
    """Against 60 digits; these matrices have condition numbers below 100."""
    reference = exact("s", matrix * scale)
    found = hyperbolic.tanh_over_root(matrix * scale)
    np.testing.assert_allclose(found, reference, rtol=0, atol=1e-13 * np.abs(reference).max())
    gap, side = np.array([0.7, 0.1]), np.array([-1.0, 1.0])
    s, j = hyperbolic.profiles(matrix * scale, gap, side)
    for i, x in enumerate(side * (1 - gap)):
        for ours, name, at_face in ((s[i], "s", np.abs(found).max()), (j[i], "j", 1.0)):
            reference = exact(name, matrix * scale, mp.mpf(float(x)))
            largest = min(at_face, 1e6 * np.abs(reference).max())
            np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-13 * largest)


def newton_instead(matrix):
    """f by the same doubling with q = A f^2 formed anew in each step."""
    steps = hyperbolic._doublings(matrix)
    scaled = matrix * 0.25**steps
    f = hyperbolic.tanh_over_root(scaled)
    for _ in range(steps):
        f = f @ np.linalg.inv(np.eye(3) + scaled @ f @ f)
        scaled = 4 * scaled
    return f


def test_lengths_far_apart_in_oblique_axes():
    """d/2l of 1e2, 1e3, 1e4 along oblique axes; A is known to 1e-16 of its largest element."""
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0] + 0.2 * rng.normal(size=(3, 3))
    u = np.array([1e2, 1e3, 1e4])
    matrix, reference = (
        axes @ np.diag(values) @ np.linalg.inv(axes) for values in (u**2, np.tanh(u) / u)
    )
    found = hyperbolic.tanh_over_root(matrix)
    rounding = 1e-16 * 1e8 / 1e4 * np.linalg.cond(axes) * 3
    assert np.abs(found - reference).max() < rounding * np.abs(reference).max()
    assert np.abs(newton_instead(matrix) - reference).max() > 1e3 * np.abs(found - reference).max()


def test_jordan_block_holds_the_derivatives():
    """f(J) has f, f' and f''/2 on its diagonals; a diagonalisation has nothing to offer here."""
    x = 2.0
    block = np.array([[x, 1.0, 0.0], [0.0, x, 1.0], [0.0, 0.0, x]])
    with mp.workdps(40):
        f = [float(v) for v in mp.taylor(lambda y: mp.tanh(mp.sqrt(y)) / mp.sqrt(y), x, 2)]
    expected = np.array([[f[0], f[1], f[2]], [0, f[0], f[1]], [0, 0, f[0]]])
    np.testing.assert_allclose(hyperbolic.tanh_over_root(block), expected, atol=1e-15)
    values, vectors = np.linalg.eig(block)
    assert np.linalg.cond(vectors) > 1e15
    assert np.all(values == x)


def test_continuous_through_the_defect():
    """Splitting two eigenvalues by eps changes f by order eps, down to 0: no jump on the way."""
    at = hyperbolic.tanh_over_root(PAIR)
    splittings = 10.0 ** -np.arange(1, 16)
    changes = []
    for eps in splittings:
        near = PAIR + eps * np.diag([1.0, 0.0, 0.0])
        changes.append(np.abs(hyperbolic.tanh_over_root(near) - at).max())
    slopes = np.diff(np.log(changes[:9])) / np.diff(np.log(splittings[:9]))
    np.testing.assert_allclose(slopes[1:], 1, atol=0.02)
    assert np.all(np.array(changes) < 2 * splittings + 1e-15)


def test_covariance_and_transposition():
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    f = hyperbolic.tanh_over_root(GENERAL)
    np.testing.assert_allclose(
        hyperbolic.tanh_over_root(turn @ GENERAL @ turn.T), turn @ f @ turn.T, atol=1e-14
    )
    np.testing.assert_allclose(hyperbolic.tanh_over_root(GENERAL.T), f.T, atol=1e-15)


@pytest.mark.parametrize("gamma", [JORDAN, PAIR, GENERAL], ids=["Jordan", "pair", "general"])
def test_profile_solves_the_equation(gamma):
    """Slope at the faces, vanishing current, and the mean slope of the surviving matrix."""
    rates = replace(axial(1.0, 1.0), dissipator=gamma * FILM.diffusion / FILM.thickness**2)
    h = 1e-4  # central differences err by h^2 = 1e-8 of the profile
    z = FILM.thickness * np.sort(np.concatenate([[0, 1], 0.2 + h * np.arange(-1, 2)]))
    found = profile(FILM, rates, (0, 0, 1), depth=z)
    mu = found.accumulation
    curvature = (mu[1] - 2 * mu[2] + mu[3]) / h**2
    np.testing.assert_allclose(curvature, gamma @ mu[2], atol=1e-7 * np.abs(mu).max())
    source = FILM.spin_hall_angle * np.array([0.0, -1.0, 0.0])
    slope = (mu[3] - mu[1]) / (2 * h * FILM.thickness)
    current = -0.5 * slope / FILM.resistivity + source / FILM.resistivity
    scale = FILM.spin_hall_angle / FILM.resistivity
    np.testing.assert_allclose(found.current[2], current, atol=1e-7 * scale)
    mean = (mu[-1] - mu[0]) / FILM.thickness
    expected = 2 * surviving_matrix(FILM, rates.tensor) @ source
    np.testing.assert_allclose(mean, expected, rtol=1e-13)
    assert not np.any(found.current[[0, -1]])


# --- rates that vary with depth --------------------------------------------------------------


def known_problem(z):
    """M(z) with y'' = M y for a known y whose slope is the same at both ends; (M, y)."""
    y = np.stack(
        [2 + z + np.cos(2 * np.pi * z) / 40, 1 - z + 0 * z, np.sin(np.pi * z) ** 2 + 1], axis=-1
    )
    bent = np.stack(
        [-(np.pi**2) * np.cos(2 * np.pi * z) / 10, 0 * z, 2 * np.pi**2 * np.cos(2 * np.pi * z)],
        axis=-1,
    )
    size = np.sum(y**2, axis=-1)[:, None, None]
    rest = np.eye(3) - y[:, :, None] * y[:, None, :] / size
    return bent[:, :, None] * y[:, None, :] / size + (3 + z)[:, None, None] * GENERAL @ rest, y


SLOPE = np.array([[1.0], [-1.0], [0.0]])


def solved(matrix, count, edges=(0.0, 1.0), slope=SLOPE):
    nodes, cells = collocation.pieced_mesh(count, 0.1, edges)
    points = nodes[:-1, None] + collocation.GAUSS * cells[:, None]
    samples = matrix(points.ravel()).reshape(-1, 2, 3, 3)
    return nodes, *collocation.solve_on(cells, samples, slope)


def errors(matrix, counts=(16, 32, 64, 128)):
    found = []
    for count in counts:
        nodes, values, excess = solved(matrix, count)
        assert not np.any(excess[[0, -1]])
        found.append(np.abs(values[..., 0] - known_problem(nodes)[1]).max())
    return np.array(found)


def test_grid_converges_with_the_fourth_power():
    orders = -np.diff(np.log2(errors(lambda z: known_problem(z)[0])))
    np.testing.assert_allclose(orders[-2:], collocation.ORDER, atol=0.15)


def test_order_test_notices_a_wrong_matrix():
    """Turned about, or taken at a point that is 1e-4 off."""
    assert -np.diff(np.log2(errors(lambda z: known_problem(1 - z)[0])))[-1] < 0.5
    shifted = errors(lambda z: known_problem(np.clip(z + 1e-4, 0, 1))[0])
    assert -np.log2(shifted[-1] / shifted[-2]) < 3


def layered(z):
    """Rates of two layers over D/d^2; they jump at 0.3."""
    return np.where(z < 0.3, 9.0, 1.0)[:, None, None] * np.eye(3)


def two_layers_exactly(z):
    """Continuous value and slope at 0.3, slope 1 at both ends; shooting from both sides."""
    k, top = 3.0, 0.3
    rest = 1 - top
    # left: a cosh(3 z) + sinh(3 z) / 3, right: b cosh(1 - z) - sinh(1 - z)
    system = [[np.cosh(k * top), -np.cosh(rest)], [k * np.sinh(k * top), np.sinh(rest)]]
    load = [-np.sinh(k * top) / k - np.sinh(rest), np.cosh(rest) - np.cosh(k * top)]
    a, b = np.linalg.solve(system, load)
    left = a * np.cosh(k * z) + np.sinh(k * z) / k
    return np.where(z < top, left, b * np.cosh(1 - z) - np.sinh(1 - z))


def test_grid_keeps_its_order_across_a_jump_that_it_knows():
    found = []
    for count in (8, 16, 32, 64):
        nodes, values, _ = solved(layered, count, (0.0, 0.3, 1.0))
        found.append(np.abs(values[:, 0, 0] - two_layers_exactly(nodes)).max())
    np.testing.assert_allclose(-np.diff(np.log2(found))[1:], collocation.ORDER, atol=0.15)


def test_a_jump_that_it_does_not_know_is_an_error():
    """Three meshes in a row agree to 1e-7 and miss by 8e-5: agreement alone would be believed."""
    misses, values = [], []
    for count in (64, 128, 256):
        nodes, found, _ = solved(layered, count)
        values.append(found[0, 0, 0])
        misses.append(np.abs(found[:, 0, 0] - two_layers_exactly(nodes)).max())
    assert np.ptp(values) < 1e-7
    assert min(misses) > 5e-5
    unit = FILM.diffusion / FILM.thickness**2
    with pytest.raises(om.ConvergenceError, match="depths of jumps in `jumps`"):
        graded_profile(FILM, lambda z: unit * layered(z / FILM.thickness), rtol=1e-6)
    told = graded_profile(
        FILM,
        lambda z: unit * layered(z / FILM.thickness),
        jumps=[0.3 * FILM.thickness],
        rtol=1e-9,
    )
    expected = two_layers_exactly(told.depth / FILM.thickness)
    ours = told.accumulation[:, 1] / (-2 * FILM.spin_hall_angle * FILM.thickness)
    np.testing.assert_allclose(ours, expected, atol=1e-8)


@pytest.mark.parametrize("along", LENGTHS)
@pytest.mark.parametrize("across", LENGTHS)
def test_grid_is_the_closed_form_for_constant_rates(along, across):
    """At every d/l, within ten times what it says about itself."""
    rates = axial(along, across, 0.5)
    b = (1, 0, 0)
    tensor = film_tensor(rates, b)
    found = graded_profile(FILM, lambda z: np.broadcast_to(tensor, (len(z), 3, 3)), rtol=1e-7)
    modes = profile(FILM, rates, b, depth=found.depth, method="closed-form")
    assert found.uncertainty <= 1e-7
    for quantity in ("accumulation", "current"):
        ours, theirs = getattr(found, quantity), getattr(modes, quantity)
        limit = (10 * found.uncertainty + 1e-13) * np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=limit)
    assert np.abs(found.current[[0, -1]]).max() <= 1e-15 * np.abs(found.current).max()


def test_grid_against_scipy():
    """solve_bvp with its Jacobian as oracle, for moments near one face and Jx, Jy, Jz unlike."""
    sample = film_of(om.Moments(2, 1.66e27, exchange_energy=(1e-3, 0.2e-3, -0.6e-3)))
    b = (0.36, -0.48, 0.8)
    full = film_tensor(om.relaxation(sample, 10.0, 5.0), b)
    unit = FILM.diffusion / FILM.thickness**2

    def rates(z):
        assert 0 <= z[0] < 0.1 * FILM.thickness < 0.9 * FILM.thickness < z[-1] <= FILM.thickness
        share = 1 / (1 + np.exp((z / FILM.thickness - 0.4) / 0.05))
        bare = FILM.spin_flip_rate * np.eye(3)
        return bare + share[:, None, None] * (full - bare)

    found = graded_profile(FILM, rates, rtol=1e-10)
    slope = 2 * FILM.spin_hall_angle * np.array([0.0, -1.0, 0.0])

    def right(x, y):
        m = rates(x * FILM.thickness) / unit
        return np.concatenate([y[3:], np.einsum("nab,bn->an", m, y[:3])])

    def jacobian(x, y):
        out = np.zeros((6, 6, len(x)))
        out[:3, 3:] = np.eye(3)[..., None]
        out[3:, :3] = np.moveaxis(rates(x * FILM.thickness) / unit, 0, -1)
        return out

    one, zero = np.eye(3), np.zeros((3, 3))
    ends = np.block([[zero, one], [zero, zero]]), np.block([[zero, zero], [zero, one]])
    oracle = solve_bvp(
        right,
        lambda left, other: np.concatenate([left[3:] - slope, other[3:] - slope]),
        np.linspace(0, 1, 41),
        np.zeros((6, 41)),
        fun_jac=jacobian,
        bc_jac=lambda left, other: ends,
        tol=1e-9,
        max_nodes=20000,
    )
    assert oracle.success
    expected = oracle.sol(found.depth / FILM.thickness)
    # residuals of 1e-9 over a cell leave errors of that order in the solution
    limit = 1e-8 * np.abs(expected[:3]).max()
    np.testing.assert_allclose(found.accumulation / FILM.thickness, expected[:3].T, atol=limit)
    current = 0.5 * (slope[:, None] - expected[3:]).T / FILM.resistivity
    np.testing.assert_allclose(found.current, current, atol=1e-8 * np.abs(current).max())


def test_unconverged_is_an_error():
    def rough(z):
        return (1e11 * (1.1 + np.sin(2e4 * z / FILM.thickness)))[:, None, None] * np.eye(3)

    with pytest.raises(om.ConvergenceError, match=r"on 128 cells.*`rtol` = 1e-10.*`most_cells`"):
        graded_profile(FILM, rough, rtol=1e-10, most_cells=128)


# --- axes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_local_axes_are_the_rows_of_eq_39(direction):
    axes = local_axes(direction)
    np.testing.assert_allclose(axes[2], np.array(direction) / np.linalg.norm(direction), atol=1e-15)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(axes) == approx(1)
    x, y, z = axes[2]
    angles = np.arctan2(np.hypot(x, y), z), np.arctan2(y, -x) if x or y else 0.0
    np.testing.assert_allclose(axes, rotation(*angles), atol=4e-16)
    assert axes[1, 2] == 0  # local y lies in the film


def test_film_tensor_is_eq_81():
    """1/tau_perp + (1/tau_par - 1/tau_perp) b b^T - omega_L b x, for axial rates."""
    for b in DIRECTIONS:
        m = np.array(b) / np.linalg.norm(b)
        cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
        expected = RATES.transverse * np.eye(3) - RATES.precession * cross
        expected = expected + (RATES.longitudinal - RATES.transverse) * np.outer(m, m)
        found = film_tensor(RATES, b)
        np.testing.assert_allclose(found, expected, atol=1e-14 * np.abs(expected).max())


def test_turned_axes_describe_the_same_relaxation():
    """`azimuth` turns what the tensor is written in, not the film."""
    sample = film_of(om.Moments(2, 1.66e27, exchange_energy=(1e-3, 0.2e-3, -0.6e-3)))
    plain = om.relaxation(sample, 10.0, 5.0)
    for azimuth in (0.4, np.array([0.4, 2.0])):
        turned = om.relaxation(sample, 10.0, 5.0, azimuth=azimuth)
        for b in DIRECTIONS:
            np.testing.assert_allclose(
                film_tensor(turned, b) - film_tensor(plain, b), 0, atol=1e-14 * 1e13
            )
    # forgetting the azimuth is seen
    forgotten = replace(turned, azimuth=0.0)
    assert np.abs(film_tensor(forgotten, b) - film_tensor(plain, b)).max() > 0.1 * 1e11
    np.testing.assert_allclose(turned.rotated(-0.4).azimuth, [0.0, 1.6], atol=1e-15)
    # the whole line in one call has the shape of its parts
    line = om.magnetoresistance(sample, 10.0, 5.0, b, azimuth=azimuth)
    steps = om.resistivity(sample.film, turned, b)
    assert line.longitudinal.shape == steps.longitudinal.shape == azimuth.shape
    np.testing.assert_allclose(line.longitudinal, steps.longitudinal, rtol=1e-14)


def test_profiles_broadcast():
    rates = om.relaxation(SAMPLE, [[10.0], [20.0]], [1.0, 2.0, 3.0])
    found = profile(FILM, rates, np.ones((5, 1, 1, 3)), electric_field=2.0)
    assert found.accumulation.shape == found.current.shape == (5, 2, 3, 101, 3)
    point = profile(FILM, om.relaxation(SAMPLE, 20.0, 2.0), (1, 1, 1))
    np.testing.assert_allclose(
        found.accumulation[3, 1, 1], 2 * point.accumulation, atol=1e-12 * 1e-9
    )
    assert "101 depths" in repr(found)


# --- bad input -------------------------------------------------------------------------------

ONE = np.eye(3)
BAD = [
    (lambda: local_axes((0, 0, 0)), "`direction`.*length > 0"),
    (lambda: local_axes((1, 0)), r"`direction`.*\(2,\)"),
    (
        lambda: film_tensor(om.relaxation(SAMPLE, 10, [1, 2]), np.ones((3, 3))),
        "`direction` without",
    ),
    (lambda: surviving_matrix("film", ONE), "`film` must be an openmr.Film"),
    (lambda: surviving_matrix(FILM, np.ones(3)), r"`tensor` must have shape \(..., 3, 3\)"),
    (lambda: surviving_matrix(FILM, np.nan * ONE), "`tensor`.*1/s, got nan"),
    (
        lambda: surviving_matrix(replace(FILM, thickness=1e-3, diffusion=1e-9), 1e308 * ONE),
        "`tensor`.*overflow",
    ),
    (lambda: surviving_matrix(FILM, -1e12 * ONE), "`tensor` must not let a spin grow.*-6.25"),
    (lambda: surviving_matrix(FILM, np.diag([1e12, 1e12, -1e8])), "`tensor`.*grow"),
    (lambda: profile(FILM, "rates", (1, 0, 0)), "`relaxation` must be an openmr.Relaxation"),
    (lambda: profile(FILM, RATES, (1, 0, 0), method="guess"), "`method`.*'closed-form'.*'guess'"),
    (lambda: profile(FILM, RATES, (1, 0, 0), depth=[0, 6e-9]), "`depth`.*5e-09 m, got 0 to 6e-09"),
    (lambda: profile(FILM, RATES, (1, 0, 0), depth=[]), "`depth`.*got none"),
    (lambda: profile(FILM, RATES, (1, 0, 0), depth=[[0.0]]), r"`depth`.*shape \(1, 1\)"),
    (lambda: profile(FILM, RATES, (1, 0, 0), electric_field=np.inf), "`electric_field`.*V/m"),
    (
        lambda: profile(FILM, om.relaxation(SAMPLE, 10, [1, 2]), np.ones((3, 3))),
        "`direction` without",
    ),
    (
        lambda: profile(
            FILM,
            replace(RATES, dissipator=np.diag([1e11, 2e11, 1e11])),
            (1, 0, 0),
            method="closed-form",
        ),
        "`relaxation` must have two equal transverse rates.*'matrix'",
    ),
    (lambda: graded_profile(FILM, lambda z: ONE), r"`rates` must give shape \(257, 3, 3\)"),
    (
        lambda: graded_profile(FILM, lambda z: np.nan * ONE * z[:, None, None]),
        "`rates`.*1/s, got nan",
    ),
    (
        lambda: graded_profile(FILM, lambda z: np.zeros((len(z), 3, 3))),
        "`rates` must relax every spin at some depth",
    ),
    (lambda: graded_profile(FILM, lambda z: ONE, jumps=[6e-9]), "`jumps`.*5e-09 m, got"),
    (lambda: graded_profile(FILM, lambda z: ONE, jumps=[2e-9, 1e-9]), "`jumps` must rise"),
    (lambda: graded_profile(FILM, lambda z: ONE, jumps=[np.nan]), "`jumps`.*nan"),
    (lambda: graded_profile(FILM, lambda z: ONE, rtol=0), "`rtol`.*>= 1e-12.*got 0"),
    (lambda: graded_profile(FILM, lambda z: ONE, most_cells=1e9), "`most_cells`.*got 1000000000.0"),
]


def test_one_clear_error():
    assert unclear(BAD) == {}


def test_rates_missed_by_a_fit_do_not_count_as_growth():
    """A longitudinal rate a millionth of the largest below zero is a fitted zero."""
    found = surviving_matrix(FILM, np.diag([1e11, 1e11, -1e4]))
    assert found[2, 2] == approx(1, abs=1e-6)


def test_no_relaxation_at_all_leaves_the_source_alone():
    """F = 1: everything that the spin Hall effect sends is carried back."""
    np.testing.assert_array_equal(surviving_matrix(FILM, np.zeros((3, 3))), np.eye(3))
    none = replace(RATES, dissipator=np.zeros((3, 3)), precession=np.zeros(()), spin_flip_rate=0.0)
    for method in ("matrix", "closed-form"):
        found = profile(FILM, none, (1, 0, 0), method=method)
        assert not np.any(found.current)
        z = found.depth / FILM.thickness
        expected = -FILM.spin_hall_angle * FILM.thickness * (2 * z - 1)
        np.testing.assert_allclose(found.accumulation[:, 1], expected, atol=1e-24)


def test_more_points_than_memory_holds_are_refused():
    """Before anything is worked out: arrays here are views of one number."""
    sample = om.presets.pt_py()
    rates = om.relaxation(sample, np.linspace(1.0, 2.0, 5000), 1.0)
    many = np.broadcast_to([1.0, 0.0, 0.0], (50_000, 1, 3))
    depth = np.broadcast_to(0.0, 5000)
    for call in (
        lambda: om.resistivity(sample.film, rates, many),
        lambda: om.mechanisms(sample.film, rates, many),
        lambda: om.diffusion.film_tensor(rates, many),
        lambda: profile(sample.film, rates, (1, 0, 0), depth=depth),
        lambda: rates.along(many[..., :2]),
        lambda: rates.rotated(many[..., 0]),
    ):
        with pytest.raises(om.SizeError, match="must span at most"):
            call()
