"""The whole line of a film with one kind of moments as one kernel: the floor that can be reached.

What somebody would write who needed this film alone: the formulas for isotropic coupling in one
loop over the points, compiled by Numba for vector registers, with an exponential and a tangent of
its own, for Numba's wheel has no vector library. No checks, no records, one spin a kernel.
"""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

import openmr as om
from openmr import units
from openmr.moments.one_sublattice import _bend
from openmr.moments.spin_averages import _half_angle

CHUNK = 128
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


def moments(spin: float, *, own: bool):
    """One station alone, Weiss field and averages of a paramagnet; rows (5, p) to be filled.

    With the exponential of this file, or with the C library's, which is not vectorised.
    """
    above, below = (horner(n, c[::-1]) for n, c in zip("rp", _half_angle(spin), strict=True))
    curie, casimir = spin * (spin + 1) / 3, spin * (spin + 1)
    bend, fade = (tanh, expm1_of_minus) if own else (library_tanh, library_expm1_of_minus)

    @inlined
    def tilted(x):
        t = bend(0.5 * x)
        t2 = t * t
        return t, above(t2) / below(t2)

    @njit(error_model="numpy", fastmath={"contract", "nsz", "nnan"})
    def run(zeeman, coupling, rows):
        x = np.empty(CHUNK)
        for first in range(0, len(zeeman), CHUNK):
            last = min(first + CHUNK, len(zeeman))
            z, c, out = zeeman[first:last], coupling[first:last], rows[:, first:last]
            for i in range(last - first):
                x[i] = z[i] / (1.0 - curie * c[i])
            for _ in range(60):
                moved = 0.0
                for i in range(last - first):
                    t, across = tilted(x[i])
                    mean = t * across
                    step = (x[i] - z[i] - c[i] * mean) / (
                        1.0 - c[i] * (casimir - mean * mean - across)
                    )
                    x[i] -= step
                    step = abs(step) - 3e-8 * x[i]
                    moved = step if step > moved else moved
                if moved == 0.0:
                    break
            for i in range(last - first):
                t, across = tilted(x[i])
                forth = (1.0 + t) * across
                out[0, i], out[1, i], out[2, i] = x[i], -t * across, casimir - across
                out[3, i], out[4, i] = forth, (1.0 + fade(x[i])) * forth

    return run


def kernel(film: om.Sample):
    """Function of flat temperatures, fields and rows (8, p) to be filled."""
    (moments,), electrons, layer = film.magnet.sublattices, film.electrons, film.film
    spin, j0, coupling = moments.spin, film.magnet.weiss[0][0], moments.exchange[0]
    above, below = (horner(n, c[::-1]) for n, c in zip("rp", _half_angle(spin), strict=True))
    k_b, zeeman_unit = units.K_B, units.MU_B * moments.g
    curie, casimir, bend = spin * (spin + 1) / 3, spin * (spin + 1), _bend(spin)
    rate = np.pi / units.HBAR * moments.density * electrons.dos * coupling**2
    field_unit = electrons.g * units.MU_B / units.HBAR
    mean_unit = moments.density * coupling / units.HBAR
    loss, scale = layer.spin_flip_rate, 0.25 * layer.thickness**2 / layer.diffusion
    rho, square = layer.resistivity, layer.spin_hall_angle**2

    @inlined
    def step(x, z, c):
        t = tanh(0.5 * x)
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

    @njit(error_model="numpy", fastmath={"contract", "nsz", "nnan"})
    def run(temperature, field, rows):
        x, z, c = np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
        for first in range(0, len(temperature), CHUNK):
            last = min(first + CHUNK, len(temperature))
            count = last - first
            # slices, for an index that is a sum might be negative, which no vector loop takes
            kelvin, tesla, out = temperature[first:last], field[first:last], rows[:, first:last]
            for i in range(count):
                beta = 1.0 / (k_b * kelvin[i])
                z[i], c[i] = zeeman_unit * beta * tesla[i], beta * j0
                x[i] = start(z[i], c[i])
            for _ in range(60):
                moved = 0.0
                for i in range(count):
                    change = step(x[i], z[i], c[i])
                    x[i] -= change
                    change = abs(change) - 3e-8 * x[i]
                    moved = change if change > moved else moved
                if moved == 0.0:
                    break
            for i in range(count):
                t = tanh(0.5 * x[i])
                t2 = t * t
                across = above(t2) / below(t2)
                less = expm1_of_minus(x[i])
                bosons = x[i] / -less * (1.0 + less)  # x n_B
                flips = bosons * (1.0 + t) * across
                along = loss + rate * flips
                transverse = loss + rate * (0.5 * flips + casimir - across)
                omega = field_unit * tesla[i] + mean_unit * t * across
                u = math.sqrt(scale * along)
                drho0 = tanh(u) / u
                real, imaginary = scale * transverse, scale * omega
                modulus = math.sqrt(real * real + imaginary * imaginary)
                p = math.sqrt(0.5 * (modulus + real))
                v = 0.5 * imaginary / p
                h, s = tanh(p), tan(v)
                h2, s2 = h * h, s * s
                over = 1.0 / ((1.0 + h2 * s2) * modulus)
                even, odd = h * (1.0 + s2) * over, s * (1.0 - h2) * over
                drho1, drho2 = drho0 - even * p - odd * v, odd * p - even * v
                out[0, i] = rho * (1.0 + 2.0 * square - square * (drho0 - drho1))
                out[1, i], out[2, i] = rho * drho0, rho * drho1
                out[3, i], out[4, i] = rho * drho2, x[i]
                out[5, i], out[6, i], out[7, i] = along, transverse, omega

    return run
