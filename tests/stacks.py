"""Stacks of slabs with known answers, and reference values of another solution."""

import numpy as np

from openmr import units
from openmr.transport.slabs import Joint, Slab

X, Z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
Q = np.array([0.48, 0.6, 0.64])


def cross(axis):
    x, y, z = axis
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def axial(along, across, turning, axis):
    """`along` on the axis, `across` beside it, `turning` about it: a rate or a conductance."""
    axis = np.asarray(axis, float)
    even = across * np.eye(3) + (along - across) * np.outer(axis, axis)
    return even - turning * cross(axis)


def sheet(sink, damping, field, axis):
    """G_s, G_r, G_i [S/m^2] of moments along an axis."""
    return axial(sink, sink + damping, field, axis)


def slab(thickness, resistivity, angle, diffusion, length, turning=0.0, axis=Q, along=0, across=0):
    """A metal of one diffusion length, which precesses about an axis; rates beside 1/tau_0."""
    flips = diffusion / length**2
    gamma = axial(flips + along, flips + across, turning, axis)
    return Slab(thickness, 1 / resistivity, angle, diffusion, gamma)


def larmor(field):
    """omega_B of g = 2 [rad/s]."""
    return 2 * units.MU_B * field / units.HBAR


def pt(thickness=7e-9, field=0.0, axis=Q):
    return slab(thickness, 40e-8, 0.11, 1e-5, 1.5e-9, larmor(field), axis)


CU = slab(5e-9, 6e-8, 0.0, 5e-3, 200e-9, larmor(9))
TA = slab(4e-9, 2e-6, -0.15, 2e-6, 1.8e-9)
OXIDE = sheet(0, 4e14, 4e13, Q)
A = slab(4e-9, 30e-8, 0.08, 1e-5, 1.1e-9, 1.2e12)
B = slab(3e-9, 6e-8, -0.02, 8e-4, 60e-9)
C = slab(2e-9, 180e-8, -0.3, 2e-6, 1.8e-9)
LOSSY = 2e14 * np.eye(3)
MAGNETIC = slab(5e-9, 2e-6, 0.1, 1e-6, 3e-9, -2e12, Q, 2e10, 9e10)
COUPLED = slab(3e-9, 40e-8, 0.11, 1e-5, 1.5e-9, 2.5e13, Q, 4e12, 9e12)
DIFFUSION = 1.02437449927e-3
"""Of free electrons with 5 eV and 40e-8 Ohm m."""
MICROSCOPIC = slab(7e-9, 40e-8, 0.11, DIFFUSION, 1.5e-9, larmor(0.5))
SINKS = (12.8689185486, 12.8689185486 + 69.3957979168, 3086.04783661)
BY_SPEED = axial(*(w / (2 * DIFFUSION * 40e-8) for w in SINKS), Q)

STACKS = {
    "1": ([pt()], [], None, sheet(0, 4e14, 0, X)),
    "2": ([pt(field=9)], [], None, sheet(1e13, 3e14, 1e14, Q)),
    "3": (
        [pt(field=5, axis=Z)],
        [],
        sheet(0, 4e14, 5e13, X),
        sheet(2e13, 2e14, -1e14, (0, 0.6, 0.8)),
    ),
    "5": ([CU, pt(field=9)], [None], OXIDE, None),
    "6": ([pt(), TA], [Joint(0.8e-15, 0.9)], OXIDE, None),
    "7": ([pt(field=9), pt(3e-9, 9)], [Joint(above=sheet(5e13, 2e14, 3e14, Q))], None, None),
    "8": ([MICROSCOPIC], [], None, BY_SPEED),
    "9": ([COUPLED, pt(4e-9, 9)], [None], None, None),
    "I1": ([pt()], [], sheet(0, 4e14, 2e13, Q), None),
    "I2": ([pt()], [], sheet(1e13, 3e14, 5e13, Q), sheet(2e13, 2e14, -4e13, (-0.48, -0.6, 0.64))),
    "I3": (
        [slab(7e-9, 40e-8, 0.11, 1e-5, 1.5e-9, 1.5829380076641388e12)],
        [],
        sheet(1e13, 1e13, 4e13, Q),
        None,
    ),
    "I4": ([A, B], [None], sheet(0, 3e14, 6e13, Q), None),
    "I5": ([A, B, C], [Joint(1e-15, 0.0, LOSSY, LOSSY), None], sheet(1e13, 3e14, 6e13, Q), None),
    "I6": ([pt(1.5e-7)], [], sheet(0, 4e14, 2e13, Q), None),
    "I7": ([pt(1.5e-12)], [], sheet(1e12, 4e14, 2e13, Q), None),
    "I8": ([MAGNETIC, slab(3e-9, 40e-8, 0.05, 1e-5, 2e-9)], [None], None, 5e12 * np.eye(3)),
}

TABLE = """
1 57.14285714 1.019920741480 0 1.020325643367 0
2 57.14285714 1.019668415886 -2.454377174e-4 1.020062836052 -2.554127621e-4
3 57.14285714 1.020301942970 -1.585672035e-4 1.020722626351 -1.651003036e-4
5 9.917355372 1.003410582086 -3.108696572e-5 1.003422250351 -3.130069790e-5
6 51.28205128 1.021522437908 1.802088834e-4 1.021995888926 1.882421194e-4
7 40.00000000 1.020682786649 -3.315046714e-4 1.021119449431 -3.456622581e-4
8 57.14285714 1.019111148891 -7.418680628e-6 1.019483500920 -7.710580864e-6
9 57.14285714 1.020454573832 -2.976697314e-4 1.020881409509 -3.102753106e-4
I1 57.14285714286 58.26454196705 0.01233463701604 58.28699809383 0.01283352230032
I2 57.14285714286 58.28090809918 0.01836308473835 58.30402770304 0.01911696288586
I3 57.14285714286 58.24534597537 -0.0278262115037 58.26702100355 -0.02893183073238
I4 15.78947368421 15.82651473686 -0.0001785003693217 15.826601835 -0.0001793408255557
I5 15.51724137931 15.58410745821 -0.000152521558366 15.58439683946 -0.0001538445795608
I6 2.666666666667 2.730621678484 2.789323923585e-5 2.732193209742 2.928089198659e-5
I7 266666.6666667 269893.3342758 0.0001050661707194 269932.8551682 0.0001076556769866
I8 100.0 100.6929984967 0.04813926743405 100.6978108168 0.04881346502817
"""
"""Sheet resistance without the spin Hall effect, then rho_L and rho_T to second order and exact, by
solutions at 50 digits: over the first column, or in [Ohm] where the name begins with I; there
"exact" is the inverse of a conductance [[Sig_xx, -Sig_yx], [Sig_yx, Sig_xx]]."""
REFERENCE = {name: numbers for name, *numbers in map(str.split, TABLE.split("\n")[1:-1])}
assert REFERENCE.keys() == STACKS.keys()


def random_stack(seed, layers=3):
    """Unlike metals, oblique and precessing rates; sheets at the faces and inside, lossy joints."""
    rng = np.random.default_rng(seed)

    def tensor(size):
        root = rng.normal(size=(3, 3))
        return size * (root @ root.T / 3 + cross(rng.normal(size=3)))

    slabs = [
        Slab(
            10 ** rng.uniform(-9, -8),
            10 ** rng.uniform(6, 7.5),
            rng.uniform(-0.3, 0.3),
            diffusion := 10 ** rng.uniform(-5, -3),
            tensor(diffusion / 10 ** rng.uniform(-18, -17)),
        )
        for _ in range(layers)
    ]
    joints = [
        Joint(10 ** rng.uniform(-16, -14.5), rng.uniform(0, 2), tensor(1e14), tensor(1e14)),
        Joint(above=tensor(1e14)),
        None,
    ]
    some = rng.permutation(3)[: layers - 1]
    return slabs, [joints[i] for i in some], tensor(3e14), tensor(1e14)
