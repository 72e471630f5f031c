"""Stacks: reference values, closed forms, boundary-value solver, laws that every stack keeps."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from nearness import approx
from spoil import unnoticed
from stacks import (
    CU,
    OXIDE,
    REFERENCE,
    STACKS,
    TA,
    Q,
    X,
    Z,
    axial,
    larmor,
    pt,
    random_stack,
    sheet,
    slab,
)

import openmr as om
from openmr.transport import collocation, matrix_tanh, network, resistivity
from openmr.transport.collocation import solve_stack
from openmr.transport.diffusion import film_tensor, profile
from openmr.transport.faces import surviving_between
from openmr.transport.network import accumulations, mean_angle, profiles, surviving
from openmr.transport.slabs import Joint, Slab

SAMPLE = om.presets.pt_py()
CROSSED = np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
"""Polarisations of the spin Hall current that fields along x and y drive."""


def sheet_conductivity(*stack):
    """2x2 conductance over that without the spin Hall effect."""
    f, square = surviving(*stack), mean_angle(stack[0]) ** 2
    elements = (f[..., a, b] for a, b in ((0, 0), (1, 1), (0, 1), (1, 0)))
    xx, yy, xy, yx = resistivity.conductivity(square, *elements)
    return np.moveaxis(np.array([[xx, xy], [yx, yy]]), (0, 1), (-2, -1))


Y = np.array([0.0, 1.0, 0.0])


def sheet_resistances(stack, alike=False):
    """R_0, and R_L, R_T to second order and exact, over R_0."""
    shunt = sum(one.sheet_conductance for one in stack[0])
    found = sheet_conductivity(*stack)
    if alike:
        found[:, 1] = -found[1, 0], found[0, 0]
    exact = np.linalg.inv(found)
    return 1 / shunt, 2 - found[0, 0], -found[1, 0], exact[0, 0], exact[1, 0]


def misses(name):
    """Reference numbers that ours do not round to; the last digit of rho_T may be beyond double."""
    in_ohm = name.startswith("I")
    zero, *others = sheet_resistances(STACKS[name], alike=in_ohm)
    scale = zero if in_ohm else 1.0
    others = [one * scale for one in others]
    wrong = []
    for printed, number in zip(REFERENCE[name], (zero, *others), strict=True):
        digits, _, power = printed.partition("e")
        last = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
        if abs(float(printed) - number) > 0.51 * last + 2e-15 * scale:
            wrong.append((printed, number))
    return wrong


@pytest.mark.parametrize("name", STACKS)
def test_reference_values_to_the_last_digit(name):
    assert misses(name) == []


# --- closed forms ----------------------------------------------------------------------------


def closed(k, d, bottom, top):
    """f as printed, at 40 digits."""
    with mp.workdps(40):
        k, d, g0, gd = map(mp.mpmathify, (k, d, bottom, top))
        up = 2 * mp.tanh(k * d / 2) + (g0 + gd) / k
        down = k * d * (1 + (g0 + gd) / k * mp.coth(k * d) + g0 * gd / k**2)
        return complex(up / down)


def one_film(length, diffusion, turning, bottom, top, axis, d=7e-9):
    """A film with faces and field along one axis, and its two closed forms; (G_s, G_r, G_i)."""
    film = slab(d, 40e-8, 0.11, diffusion, length, turning, axis)
    g = [2 * 40e-8 * np.array((s, s + r + 1j * i)) for s, r, i in (bottom, top)]
    with mp.workdps(40):
        k = mp.sqrt(mp.mpf(length) ** -2 + 1j * mp.mpf(turning) / diffusion)
        f = (
            closed(1 / mp.mpf(length), d, g[0][0].real, g[1][0].real),
            closed(k, d, g[0][1], g[1][1]),
        )
    return (
        (
            [film],
            [],
            sheet(*bottom, axis),
            sheet(*top, axis),
        ),
        f,
        g,
    )


NONE = (0.0, 0.0, 0.0)
FACES = [
    (NONE, NONE),
    (NONE, (0, 4e14, 0)),
    ((1e13, 3e14, 5e13), NONE),
    ((1e13, 3e14, 5e13), (2e13, 2e14, -4e13)),
    ((0, 1e25, 0), (1e25, 0, 1e24)),
    ((1e3, 0, 1e5), (0, 2e4, 0)),
]


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 1.0, 4.7, 40.0, 1e3, 1e6])
@pytest.mark.parametrize("turning", [0.0, 0.3, -40.0])
@pytest.mark.parametrize("faces", FACES)
def test_closed_form_with_two_faces_and_precession(ratio, turning, faces):
    """Network, scalar function and print, d/l over twelve orders, omega tau up to 40; 1e-13."""
    d, diffusion = 7e-9, 1e-5
    length = d / ratio
    stack, f, g = one_film(length, diffusion, turning * diffusion / length**2, *faces, X)
    (drop,) = accumulations(*stack).drop
    (film,) = stack[0]
    of_x, of_y, _ = drop.T
    scale = 2 * film.spin_hall_angle * d
    np.testing.assert_allclose(of_x, [scale * f[0].real, 0, 0], rtol=1e-13)
    found = (of_y[1] - 1j * of_y[2]) / scale
    assert of_y[0] == 0
    assert abs(found - f[1]) < 1e-13 * abs(f[1])
    u2 = 0.25 * ratio**2 * np.array([1.0 + 0j, 1 + 1j * turning])
    ours = surviving_between(u2, g[0] * d, g[1] * d)
    np.testing.assert_allclose(ours, f, rtol=1e-14)


def test_resistivities_of_the_closed_form():
    """rho_L and rho_T of a tilted axis from f along and across it, to second order."""
    stack, f, _ = one_film(1.5e-9, 1e-5, larmor(9), *FACES[3], Q)
    _, longitudinal, transverse, *_ = sheet_resistances(stack)
    par, across = f[0].real, f[1]
    square = 0.11**2
    expected = 1 + square * (2 - par * 0.36 - across.real * 0.64)
    assert longitudinal == approx(expected, rel=1e-15, abs=0)
    expected = square * ((par - across.real) * 0.48 * 0.6 + across.imag * 0.64)
    assert transverse == approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("damping", [1e12, 4e14, 3e16])
@pytest.mark.parametrize("d", [0.5e-9, 7e-9, 40e-9])
def test_spin_hall_magnetoresistance_of_one_face(damping, d):
    """Moments along x against along y: theta^2 (l/d) 2 l G tanh^2 / (sigma + 2 l G coth)."""
    length, square = 1.5e-9, 0.11**2
    along, aside = (
        sheet_resistances(([pt(d)], [], None, sheet(0, damping, 0, axis))) for axis in np.eye(3)[:2]
    )
    half, whole = np.tanh(d / (2 * length)), np.tanh(d / length)
    sunk = 2 * length * damping
    expected = square * length / d * sunk * half**2 / (1 / 40e-8 + sunk / whole)
    assert along[1] - aside[1] == approx(expected, rel=1e-12, abs=1e-15)
    # along z as along x; the plane of x and z shows none
    normal = sheet_resistances(([pt(d)], [], None, sheet(0, damping, 0, Z)))
    assert normal[1] == approx(along[1], rel=1e-15, abs=0)


def test_two_equal_faces_act_as_half_a_film_with_one():
    """f = (2/kd) tanh(kd/2) / (1 + (g/k) tanh(kd/2))."""
    for axis, weight in ((X, 1.0), (Y, 0.0)):
        face = sheet(0, 4e14, 0, axis)
        k, d, g = 1 / 1.5e-9, 7e-9, 2 * 40e-8 * 4e14
        half = np.tanh(k * d / 2)
        f = 2 / (k * d) * half / (1 + weight * g / k * half)
        expected = 1 + 0.11**2 * (2 - f)
        found = sheet_resistances(([pt(d)], [], face, face))[1]
        assert found == approx(expected, rel=1e-15, abs=0)


def test_faces_that_take_up_all():
    """G -> infinity: f = tanh(kd)/kd for one face, 0 for two."""
    ratio = 7 / 1.5
    most = sheet(1e30, 0, 0, X)
    one, two = (sheet_resistances(([pt()], [], bottom, most))[1] for bottom in (None, most))
    assert one == approx(1 + 0.11**2 * (2 - np.tanh(ratio) / ratio), rel=1e-15, abs=0)
    assert two == approx(1 + 0.11**2 * 2, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("strength", "faces", "best"),
    [
        *((0.1, 1, 2.195224), (1, 1, 2.265509), (10, 1, 2.323730), (1e9, 1, 2.335457)),
        *((1, 2, 1.741191), (10, 2, 1.005473)),
    ],
)
def test_thickness_of_the_largest_effect(strength, faces, best):
    """d/l of the largest f(0) - f for g l; a maximum is flat, so by its slope."""

    def slope(x, h=1e-4):
        at = np.array([x - h, x + h])
        g = strength * at
        lost = surviving_between(at**2 / 4, 0 * at, 0 * at) - surviving_between(
            at**2 / 4, g * (faces - 1), g
        )
        return (lost[1] - lost[0]) / lost[0]

    low, high = best - 2e-6, best + 2e-6
    assert slope(low) > 0 > slope(high)


def test_thin_and_thick_films_with_one_face():
    square, length, g = 0.11**2, 1.5e-9, 2 * 40e-8 * 4e14

    def effect(d):
        along, aside = (
            sheet_resistances(([pt(d)], [], sheet(0, 4e14, 0, axis), None))[1] for axis in (X, Y)
        )
        return along - aside

    thin, thick = 1e-11, 1e-6
    assert effect(thin) == approx(
        square * thin**2 / 4 / length**2, rel=0.02
    )  # d/(g length^2) aside
    assert effect(thick) == approx(
        square * length / thick * g * length / (1 + g * length), rel=1e-10
    )


def behind(conductance, d, sigma, k):
    """Conductance of a face behind a metal without spin Hall effect."""
    own, t = 0.5 * sigma * k, np.tanh(k * d)
    return own * (conductance + own * t) / (own + conductance * t)


def test_a_passive_layer_is_a_face_of_another_conductance():
    """Cu between sheet and Pt, with a resistive and lossy joint: scalars along and across."""
    r, loss = 0.8e-15, 0.9
    _, diffusion, length, turning = 5e-9, 5e-3, 200e-9, larmor(9)
    k = np.sqrt(length**-2 + np.array([0, 1j * turning / diffusion]))
    effective = behind(np.array([1e13, 4.1e14 + 4e13j]), 5e-9, 1 / 6e-8, k)
    across = loss / (2 * r * np.sinh(loss))
    effective = across * np.cosh(loss) - across**2 / (across * np.cosh(loss) + effective)
    pt_k = np.sqrt(1.5e-9**-2 + np.array([0, 1j * turning / 1e-5]))
    g = 2 * 40e-8 * 7e-9 * effective
    par, turned = surviving_between(pt_k**2 * 7e-9**2 / 4, g, 0 * g)
    stack = [CU, pt(field=9)], [Joint(r, loss)], sheet(1e13, 4e14, 4e13, Q), None
    weight = stack[0][1].sheet_conductance / sum(one.sheet_conductance for one in stack[0])
    _, longitudinal, transverse, *_ = sheet_resistances(stack)
    expected = 0.11**2 * (2 - par.real * 0.36 - turned.real * 0.64)
    assert longitudinal - 1 == approx(weight * expected, rel=1e-12, abs=0)
    expected = 0.11**2 * ((par - turned).real * 0.48 * 0.6 + turned.imag * 0.64)
    assert transverse == approx(weight * expected, rel=1e-11, abs=0)


# --- the film alone --------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [X, Z, Q])
@pytest.mark.parametrize("order", ["second", "exact"])
def test_one_slab_without_sheets_is_the_film(direction, order):
    film, rates = SAMPLE.film, om.relaxation(SAMPLE, 10.0, 5.0)
    gamma = film_tensor(rates, direction)
    one = Slab(film.thickness, 1 / film.resistivity, film.spin_hall_angle, film.diffusion, gamma)
    found = (
        sheet_resistances(([one], []))[1:3]
        if order == "second"
        else sheet_resistances(([one], []))[3:]
    )
    expected = om.resistivity(film, rates, direction, order=order)
    unit = film.resistivity
    np.testing.assert_allclose(
        unit * np.array(found), [expected.longitudinal, expected.transverse], atol=1e-15 * unit
    )
    depth = np.linspace(0, film.thickness, 31)
    ((u, current),) = profiles([one], [], None, None, [depth])
    expected = profile(film, rates, direction, depth=depth)
    for ours, theirs in ((u, expected.accumulation), (current, expected.current)):
        np.testing.assert_allclose(-ours[..., 1], theirs, atol=1e-14 * np.abs(theirs).max())


def idle(slabs, angle):
    return [one._replace(spin_hall_angle=angle) for one in slabs]


def test_a_stack_without_spin_hall_effect_still_has_its_share():
    slabs, *rest = random_stack(5)
    few, none = (surviving(idle(slabs, angle), *rest) for angle in (1e-3, 0.0))
    np.testing.assert_allclose(none, few, rtol=1e-12)


def test_a_film_that_nothing_relaxes_keeps_all():
    free = pt()._replace(gamma=np.zeros((3, 3)))
    assert sheet_resistances(([free], []))[1] == 1 + 0.11**2
    two = sheet_resistances(([free, free], [None]))[1]
    assert two == approx(1 + 0.11**2, rel=1e-15)
    for axis in (X, Z, Q, np.array([0.6, 0.0, 0.8])):  # precession alone
        for turning in (1e10, 1e12, 1e15):
            gamma = axial(0.0, 0.0, turning, axis)
            half = pt(3.5e-9)._replace(gamma=gamma)
            expected = matrix_tanh.tanh_over_root(gamma * (7e-9**2 / 4 / 1e-5))
            for some in ([pt()._replace(gamma=gamma)], [half, half]):
                found = surviving(some, [None] * (len(some) - 1))
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    # spins along an oblique axis that never relax
    for turn in np.linspace(0, 3, 50):
        axis = np.array([np.cos(turn), np.sin(turn) * 0.6, np.sin(turn) * 0.8])
        stack = [pt()._replace(gamma=axial(0.0, 5e12, 0.0, axis))] * 2
        k = np.sqrt(5e12 / 1e-5) * 14e-9
        f = 1 * axis[1] ** 2 + np.tanh(k / 2) / (k / 2) * (1 - axis[1] ** 2)
        found = sheet_resistances((stack, [None]))[1]
        assert found == approx(1 + 0.11**2 * (2 - f), rel=1e-14, abs=0)


# --- laws of every stack ---------------------------------------------------------------------

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_boundary_value_solution(seed):
    stack = random_stack(seed)
    solved, uncertainty = solve_stack(*stack, rtol=1e-9)
    ours = profiles(*stack, [one.depth for one in solved])
    for kind in ("accumulation", "current"):
        theirs = [getattr(one, kind) for one in solved]
        mine = [u if kind == "accumulation" else current for u, current in ours]
        largest = max(np.abs(one).max() for one in theirs)
        for one, two in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=10 * uncertainty * largest)


def test_boundary_value_solution_converges_to_it():
    """With the fourth power of the cells, and it knows its own error."""
    stack, errors, nodes = random_stack(3), [], []
    expected = accumulations(*stack).drop
    for rtol in (1e-7, 1e-9, 1e-11):
        solved, uncertainty = solve_stack(*stack, rtol=rtol)
        drops = [one.accumulation[-1] - one.accumulation[0] for one in solved]
        errors.append(max(np.abs(a - b).max() for a, b in zip(drops, expected, strict=True)))
        nodes.append(len(solved[0].depth) - 1)
        largest = max(np.abs(drop).max() for drop in expected)
        assert 0.2 * uncertainty < errors[-1] / largest < uncertainty <= rtol
    orders = -np.diff(np.log2(errors)) / np.diff(np.log2(nodes))
    np.testing.assert_allclose(orders, collocation.ORDER, atol=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_onsager_relations(seed):
    """Sig_ab(B, m) = Sig_ba(-B, -m): reversed, every tensor is transposed."""
    slabs, joints, bottom, top = random_stack(seed)
    back = (
        [one._replace(gamma=one.gamma.T) for one in slabs],
        [one and Joint(*one[:2], *(None if g is None else g.T for g in one[2:])) for one in joints],
        bottom.T,
        top.T,
    )
    one, two = sheet_conductivity(slabs, joints, bottom, top), sheet_conductivity(*back)
    np.testing.assert_allclose(one, two.T, rtol=0, atol=1e-14)
    assert abs(one[0, 1] - one[1, 0]) > 1e-8  # and is no symmetry of the matrix


@pytest.mark.parametrize("seed", SEEDS)
def test_turned_about_the_current(seed):
    """By pi about x: the order of layers, and of the faces, is reversed."""
    slabs, joints, bottom, top = random_stack(seed)
    turn = np.diag([1.0, -1.0, -1.0])

    def turned(g):
        return None if g is None else turn @ g @ turn

    over = (
        [one._replace(gamma=turned(one.gamma)) for one in slabs[::-1]],
        [one and Joint(*one[:2], turned(one.above), turned(one.below)) for one in joints[::-1]],
        turned(top),
        turned(bottom),
    )
    one, two = sheet_conductivity(slabs, joints, bottom, top), sheet_conductivity(*over)
    signs = np.array([[1, -1], [-1, 1]])
    np.testing.assert_allclose(one, signs * two, rtol=0, atol=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_metal_cut_into_ten(seed):
    slabs, joints, bottom, top = random_stack(seed)
    slices = [slabs[1]._replace(thickness=slabs[1].thickness / 10)] * 10
    cut = [slabs[0], *slices, slabs[2]], [joints[0], *[None] * 9, joints[1]], bottom, top
    one, two = sheet_conductivity(slabs, joints, bottom, top), sheet_conductivity(*cut)
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-14)
    film = [pt(field=9)], [], OXIDE, None
    thin = [pt(7e-10, 9)] * 10, [None] * 9, OXIDE, None
    np.testing.assert_allclose(sheet_resistances(thin), sheet_resistances(film), rtol=1e-12)


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_one_film_cut_in_two_at_any_thickness(ratio):
    """Over d/l, both equal halves and a thousandth; to 1e-13 of 1 - theta^2 F."""
    d = 1.5e-9 * ratio
    for share in (0.5, 1e-3):
        for bottom in (None, OXIDE, sheet(1e10, 0, 1e9, Q)):
            whole = [pt(d, 9)], [], bottom, None
            cut = [pt(share * d, 9), pt(d - share * d, 9)], [None], bottom, None
            np.testing.assert_allclose(
                sheet_resistances(cut)[1:], sheet_resistances(whole)[1:], rtol=0, atol=1e-13
            )


def test_spins_hardly_pass_a_thick_layer():
    """What is left behind 50 diffusion lengths, to all digits: no noise of the near side."""
    thick = slab(50e-9, 1e-7, 0.0, 1e-4, 1e-9)
    far = pt()._replace(spin_hall_angle=0.0)
    stack = [pt(), thick, far], [None, None], None, None
    (near, _, beyond), drops = accumulations(*stack)
    k, half = 1e9, 0.5 / 1e-7
    own = half * k
    last = behind(0.0, 7e-9, 1 / 40e-8, 1 / 1.5e-9)
    at = near[1, 1] + drops[0][1, 1]
    passed = own / (own * np.cosh(50) + last * np.sinh(50))
    assert beyond[1, 1] == approx(at * passed, rel=1e-12, abs=0)


def currents(stack):
    """u and J at the lower and upper face of each slab, 'below' and 'above' each joint."""
    ends = profiles(*stack, [np.array([0.0, one.thickness]) for one in stack[0]])
    return [((u[0], j[0]), (u[1], j[1])) for u, j in ends]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_leaves_the_bulk_enters_the_sheets(seed):
    """At each face and joint, and over each slab by the integral of gamma u."""
    slabs, joints, bottom, top = stack = random_stack(seed)
    ends = currents(stack)
    scale = max(abs(one.source) for one in slabs)
    (u, j), (u_top, j_top) = ends[0][0], ends[-1][1]
    np.testing.assert_allclose(j, -bottom @ u, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(j_top, top @ u_top, rtol=0, atol=1e-12 * scale)
    for joint, ((_, (u_l, j_l)), ((u_r, j_r), _)) in zip(joints, pairwise(ends), strict=True):
        sunk = joint and joint.resistance
        if not sunk:
            np.testing.assert_allclose(u_l, u_r, rtol=1e-12, atol=1e-13 * np.abs(u_l).max())
            held = joint.above @ u_l if joint else 0.0
            np.testing.assert_allclose(j_l - j_r, held, rtol=0, atol=1e-12 * scale)
        else:
            loss, unit = joint.memory_loss, 0.5 / joint.resistance
            own = unit * loss / np.tanh(loss) * np.eye(3)
            other = unit * loss / np.sinh(loss)
            inward = (own + joint.below) @ u_l - other * u_r
            outward = other * u_l - (own + joint.above) @ u_r
            np.testing.assert_allclose(j_l, inward, rtol=0, atol=1e-11 * scale)
            np.testing.assert_allclose(j_r, outward, rtol=0, atol=1e-11 * scale)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    depths = [0.5 * one.thickness * (1 + nodes) for one in slabs]
    for one, (u, _), ((_, j_0), (_, j_1)) in zip(
        slabs, profiles(*stack, depths), ends, strict=True
    ):
        mean = 0.5 * one.thickness * np.tensordot(weights, u, 1)
        lost = 0.5 * one.conductivity / one.diffusion * one.gamma @ mean
        np.testing.assert_allclose(j_0 - j_1, lost, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("seed", SEEDS)
def test_power_balance(seed):
    """The field's work beside Joule's heat is what diffusion, relaxation and faces dissipate."""
    slabs, _, bottom, top = stack = random_stack(seed)
    field = np.array([0.8, -0.6])
    driven = CROSSED @ field
    shunt = sum(one.sheet_conductance * (1 - 2 * one.spin_hall_angle**2) for one in slabs)
    whole = sum(one.sheet_conductance for one in slabs)
    work = whole * field @ sheet_conductivity(*stack) @ field - shunt
    nodes, weights = np.polynomial.legendre.leggauss(60)
    depths = [0.5 * one.thickness * (1 + nodes) for one in slabs]
    lost = 0.0
    for one, (by_spin, j) in zip(slabs, profiles(*stack, depths), strict=True):
        u, drift = by_spin @ driven, (one.source * np.eye(3) - j) @ driven / one.conductivity
        relaxing = 0.25 / one.diffusion * np.einsum("na,ab,nb->n", u, one.gamma, u)
        heat = one.conductivity * (np.sum(drift**2, axis=-1) + relaxing)
        lost += 0.5 * one.thickness * weights @ heat
    ends = [[(u @ driven, j @ driven) for u, j in pair] for pair in currents(stack)]
    lost += 0.5 * (ends[0][0][0] @ bottom @ ends[0][0][0])
    lost += 0.5 * (ends[-1][1][0] @ top @ ends[-1][1][0])
    for (_, (u_l, j_l)), ((u_r, j_r), _) in pairwise(ends):
        lost += 0.5 * (u_l @ j_l - u_r @ j_r)
    assert lost > 0
    assert work == approx(lost, rel=1e-12, abs=0)


def test_a_grid_of_points_is_each_point():
    fields = np.linspace(-9, 9, 7)[:, None]
    axes = np.array([X, Z, Q, -Q])

    def stack(field, axis):
        return (
            [pt(3e-9, field, axis), CU, TA],
            [None, Joint(1e-15, 0.3, above=sheet(1e13, 2e14, 1e14, axis))],
            sheet(0, 4e14, 4e13, axis),
            None,
        )

    points = [[stack(field, axis) for axis in axes] for field in fields[:, 0]]
    expected = np.array([[sheet_conductivity(*one) for one in row] for row in points])
    first = points[0][0]
    gammas = np.array([[one[0][0].gamma for one in row] for row in points])
    sheets = np.array([one[1][1].above for one in points[0]])
    found = sheet_conductivity(
        [first[0][0]._replace(gamma=gammas), *first[0][1:]],
        [None, first[1][1]._replace(above=sheets)],
        np.array([one[2] for one in points[0]]),
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15 * expected.max())


# --- broken on purpose -----------------------------------------------------------------------


def is_right():
    """Reference values, one profile, and the scalar form."""
    if any(misses(name) for name in STACKS):
        return False
    for stack in (random_stack(1), STACKS["6"]):
        solved, _ = solve_stack(*stack, rtol=1e-7)
        for (u, j), one in zip(profiles(*stack, [s.depth for s in solved]), solved, strict=True):
            for ours, theirs in ((u, one.accumulation), (j, one.current)):
                if not np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max():
                    return False
    for faces in FACES[1:4]:
        _, f, g = one_film(1.5e-9, 1e-5, 1e12, *faces, X)
        u2 = 49e-18 / 4 * np.array([1.5e-9**-2 + 0j, 1.5e-9**-2 + 1e17j])
        if not np.allclose(surviving_between(u2, g[0] * 7e-9, g[1] * 7e-9), f, rtol=1e-12, atol=0):
            return False
    slabs, *rest = random_stack(2)
    if not np.allclose(*(surviving(idle(slabs, angle), *rest) for angle in (1e-3, 0.0))):
        return False
    free = surviving_between(np.zeros(1), np.zeros(1), np.zeros(1))
    return bool(free == 1.0)


WRONG = [
    network.surviving,
    network.mean_angle,
    network.accumulations,
    network._inside,
    network._argument,
    network._slab_link,
    network._joint_link,
    network._chain,
    network._solve,
    matrix_tanh.face_functions,
    surviving_between,
    Slab.source.fget,
    Slab.sheet_conductance.fget,
    collocation._slab_piece,
    collocation._joint_piece,
]


@pytest.mark.slow
@pytest.mark.parametrize("function", WRONG, ids=lambda function: function.__qualname__)
def test_a_wrong_formula_is_noticed(function):
    assert is_right()
    assert unnoticed(function, is_right) == []
