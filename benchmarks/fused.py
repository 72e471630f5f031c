"""The whole line of a film with one kind of moments as one kernel: the floor that can be reached.

What somebody would write who needed this film alone: the formulas for isotropic coupling in one
loop over the points, compiled by Numba for vector registers, with an exponential and a tangent of
its own, for Numba's wheel has no vector library. No checks, no records, one spin a kernel.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic

import openmr as om
from openmr import units
from openmr.moments.one_sublattice import _bend
from openmr.moments.spin_averages import _half_angle

# so many arrays may be told apart when a loop begins, or it is not done in vector registers
binding.set_option("", "-runtime-memory-check-threshold=100")
CHUNK = 128  # points whose Newton steps are counted together
FUSED = 1024  # points that go through all stations before others do
MAGIC = 1.5 * 2.0**52  # added to a number it leaves the nearest integer in the last bits


@intrinsic
def bits(typing, x):
    def build(context, builder, signature, given):
        return builder.bitcast(given[0], ir.IntType(64))

    return types.int64(types.float64), build


@intrinsic
def number(typing, k):
    def build(context, builder, signature, given):
        return builder.bitcast(given[0], ir.DoubleType())

    return types.float64(types.int64), build


def inlined(function):
    return njit(function, inline="always", error_model="numpy")


def compiled(function):
    return njit(function, error_model="numpy", fastmath={"contract", "nsz", "nnan"})


EXP = [1.0 / math.factorial(k) for k in range(13, 1, -1)]
SIN = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(8, 0, -1)]
COS = [(-1.0) ** k / math.factorial(2 * k) for k in range(8, 0, -1)]


def horner(name, coefficients):
    """Function of one number, its coefficients written out."""
    line = repr(coefficients[0])
    for coefficient in coefficients[1:]:
        line = f"({line}) * x + {coefficient!r}"
    names = {}
    exec(f"def {name}(x):\n    return {line}", names)
    return inlined(names[name])


exp_series, sin_series, cos_series = horner("a", EXP), horner("b", SIN), horner("c", COS)


@inlined
def expm1_of_minus(y):
    """exp(-y) - 1 at y >= 0."""
    y = y if y < 700.0 else 700.0
    shifted = MAGIC - y * 1.4426950408889634
    k = shifted - MAGIC
    r = (-y - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    scale = number((bits(shifted) + 1023) << 52)
    return scale * (exp_series(r) * r * r + r) + (scale - 1.0)


@inlined
def tanh(x):
    """Of x >= 0."""
    less = expm1_of_minus(2.0 * x)
    return -less / (2.0 + less)


@inlined
def tan(x):
    """To rounding up to some thousands."""
    shifted = x * 0.6366197723675814 + MAGIC
    k = shifted - MAGIC
    r = (x - k * 1.5707963267341256) - k * 6.077100506506192e-11
    r2 = r * r
    sine, cosine = r + r * r2 * sin_series(r2), 1.0 + r2 * cos_series(r2)
    odd = bits(shifted) & 1
    above = -cosine if odd else sine
    below = sine if odd else cosine
    return above / below


@inlined
def library_tanh(x):
    return math.tanh(x)


@inlined
def library_expm1_of_minus(y):
    return math.expm1(-y)


@inlined
def library_tan(x):
    return math.tan(x)


class Stations(NamedTuple):
    """The line and its parts, functions of arrays (p,) and of such to be filled."""

    line: Any  # temperature, field; rho_L, drho0, drho1, drho2, x, 1/tau_par, 1/tau_perp, omega_L
    state: Any  # temperature, field; x
    rates: Any  # x, field; 1/tau_par, 1/tau_perp, omega_L
    resistivity: Any  # 1/tau_par, 1/tau_perp, omega_L; rho_L, drho0, drho1, drho2


def kernels(film: om.Sample, *, own: bool = True) -> Stations:
    """Kernels with the functions of this file, or with the C library's, which are one by one."""
    (moments,), electrons, layer = film.magnet.sublattices, film.electrons, film.film
    spin, j0, exchange = moments.spin, film.magnet.weiss[0][0], moments.exchange[0]
    above, below = (horner(n, c[::-1]) for n, c in zip("rp", _half_angle(spin), strict=True))
    th = tanh if own else library_tanh
    fade = expm1_of_minus if own else library_expm1_of_minus
    tg = tan if own else library_tan
    k_b, zeeman_unit = units.K_B, units.MU_B * moments.g
    curie, casimir, bend = spin * (spin + 1) / 3, spin * (spin + 1), _bend(spin)
    rate = np.pi / units.HBAR * moments.density * electrons.dos * exchange**2
    field_unit = electrons.g * units.MU_B / units.HBAR
    mean_unit = moments.density * exchange / units.HBAR
    loss, scale = layer.spin_flip_rate, 0.25 * layer.thickness**2 / layer.diffusion
    rho, square = layer.resistivity, layer.spin_hall_angle**2

    @inlined
    def newton(x, z, c):
        t = th(0.5 * x)
        t2 = t * t
        across = above(t2) / below(t2)
        mean = t * across
        stiffness = 1.0 - c * (casimir - mean * mean - across)
        stiffness = stiffness if stiffness > 1e-15 else 1e-15
        return (x - z - c * mean) / stiffness

    @inlined
    def start(z, c):
        pull = curie * c
        order = pull * pull - 1.0
        order = math.sqrt((order if order > 0.0 else 0.0) / bend)
        gap = abs(pull - 1.0)
        gap = gap if gap > 1e-3 else 1e-3
        enhanced = order + z * (pull if pull > 1.0 else 1.0) / gap
        saturated = z + spin * c
        return enhanced if enhanced < saturated else saturated

    @compiled
    def state(kelvin, tesla, x):
        z, c = np.empty(CHUNK), np.empty(CHUNK)
        for first in range(0, len(x), CHUNK):
            # slices, for an index that is a sum might be negative, which no vector loop takes
            warmth, field, found = (
                kelvin[first : first + CHUNK],
                tesla[first : first + CHUNK],
                x[first : first + CHUNK],
            )
            for i in range(len(found)):
                beta = 1.0 / (k_b * warmth[i])
                z[i], c[i] = zeeman_unit * beta * field[i], beta * j0
                found[i] = start(z[i], c[i])
            for _ in range(60):
                moving = 0  # a count is a sum, which a vector loop takes, and a largest is not
                for i in range(len(found)):
                    step = newton(found[i], z[i], c[i])
                    found[i] -= step
                    moving += abs(step) > 3e-8 * found[i]
                if moving == 0:
                    break

    @compiled
    def rates(x, tesla, along, transverse, omega):
        for i in range(len(x)):
            t = th(0.5 * x[i])
            t2 = t * t
            across = above(t2) / below(t2)
            less = fade(x[i])
            flips = x[i] / -less * (1.0 + less) * (1.0 + t) * across  # x n_B <S_-S_+>
            along[i] = loss + rate * flips
            transverse[i] = loss + rate * (0.5 * flips + casimir - across)
            omega[i] = field_unit * tesla[i] + mean_unit * t * across

    @compiled
    def resistivity(along, transverse, omega, total, drho0, drho1, drho2):
        for i in range(len(along)):
            u = math.sqrt(scale * along[i])
            left = th(u) / u
            real, imaginary = scale * transverse[i], scale * omega[i]
            modulus = math.sqrt(real * real + imaginary * imaginary)
            p = math.sqrt(0.5 * (modulus + real))
            v = 0.5 * imaginary / p
            h, s = th(p), tg(v)
            h2, s2 = h * h, s * s
            over = 1.0 / ((1.0 + h2 * s2) * modulus)
            even, odd = h * (1.0 + s2) * over, s * (1.0 - h2) * over
            lost = left - even * p - odd * v
            total[i] = rho * (1.0 + 2.0 * square - square * (left - lost))
            drho0[i], drho1[i], drho2[i] = rho * left, rho * lost, rho * (odd * p - even * v)

    @compiled
    def line(kelvin, tesla, total, drho0, drho1, drho2, x, along, transverse, omega):
        for first in range(0, len(x), FUSED):
            part = slice(first, first + FUSED)
            state(kelvin[part], tesla[part], x[part])
            rates(x[part], tesla[part], along[part], transverse[part], omega[part])
            resistivity(
                along[part], transverse[part], omega[part],
                total[part], drho0[part], drho1[part], drho2[part],
            )  # fmt: skip

    return Stations(line, state, rates, resistivity)
