"""How many digits the closed-form line keeps: `make accuracy`, or some films of it.

Films at random over the ranges in `film`: from the printed formulas in arithmetic of 200 digits and
more on one side, from the package on the other. Of every quantity the error over its own size is
counted, of a profile over the length of the vector. Beyond the target it is set beside the
condition of the quantity, by how much it changes when the given numbers do: no program that is
given doubles can do better than a few roundings of them. The seed says which films are drawn; exit
status 1 if an error is beyond both.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

import openmr as om
from openmr import units

TARGET = 1e-13
ROUNDINGS = 32
"""Roundings of each given number that an error may be worth where the condition decides."""
STEP = mp.mpf(10) ** -60
SPINS = np.arange(1, 16) / 2
ORDERS = ("second", "exact")
SHARES = ("bare", "isotropic_magnon", "relaxation_anisotropy", "precession_isotropic")

Values = dict[str, Any]


class Case(NamedTuple):
    """A film at one point, and the numbers it was made of."""

    sample: om.Sample
    temperature: float
    field: float
    direction: tuple[float, float, float]

    @property
    def depth(self) -> float:
        """Of the profile [m]."""
        return 0.3 * self.sample.film.thickness

    @property
    def numbers(self) -> Values:
        """Every number as the package has it, by name; lists are those of the sublattices."""
        magnet, electrons, film = self.sample.magnet, self.sample.electrons, self.sample.film
        found: Values = {
            "temperature": self.temperature,
            "field": self.field,
            "g_electron": electrons.g,
            "dos_up": electrons.dos_up,
            "dos_down": electrons.dos_down,
            "thickness": film.thickness,
            "diffusion": film.diffusion,
            "angle": film.spin_hall_angle,
            "resistivity": film.resistivity,
            "time": film.spin_flip_time,
            "depth": self.depth,
        }
        found |= dict(zip(("b_x", "b_y", "b_z"), self.direction, strict=True))
        for i, moments in enumerate(magnet.sublattices):
            found |= {f"g_{i}": moments.g, f"density_{i}": moments.density}
            for axis, value in zip("xyz", moments.principal_exchange, strict=True):
                found[f"j_{axis}_{i}"] = value
            found[f"weiss_{i}"] = magnet.weiss_matrix[i, i]
        return found


# --- the printed formulas ----------------------------------------------------------------------


def moment_averages(spin: float, x: Any) -> Values:
    """Eqs. (32), (33), (67), (68), and the variance."""
    s, levels = mp.mpf(spin), 2 * mp.mpf(spin) + 1
    if x == 0:
        third = s * (s + 1) / 3
        return {"mean": x, "second": third, "variance": third, "up": 2 * third, "down": 2 * third}
    mean = mp.coth(x / 2) / 2 - levels * mp.coth(levels * x / 2) / 2
    second = s * (s + 1) + mp.coth(x / 2) * mean
    rest = s * (s + 1) - second
    return {
        "mean": mean,
        "second": second,
        "variance": second - mean**2,
        "up": rest - mean,
        "down": rest + mean,
    }


def weiss_splitting(spin: float, zeeman: Any, coupling: Any, near: float) -> Any:
    """The root of x = zeeman - coupling <S_par>(x) beside `near`."""
    if coupling == 0:
        return zeeman
    x = mp.mpf(near)
    for _ in range(60):
        one = moment_averages(spin, x)
        step = (x - zeeman + coupling * one["mean"]) / (1 - coupling * one["variance"])
        x -= step
        if abs(step) <= abs(x) * mp.mpf(10) ** -120:
            return x
    raise ArithmeticError("no root of the Weiss equation")


def ratio(u2: Any) -> Any:
    """(2 l/d) tanh(d/2l) of (d/2l)^2."""
    u = mp.sqrt(u2)
    return mp.tanh(u) / u if u2 != 0 else mp.mpf(1)


def accumulated(u2: Any, x: Any) -> Any:
    """sinh(xu)/(u cosh u): mu_s of Eq. (B23) at x = -1 ... 1 from face to face."""
    u = mp.sqrt(u2)
    return mp.sinh(x * u) / (u * mp.cosh(u)) if u2 != 0 else x


def missing(u2: Any, x: Any) -> Any:
    """cosh(xu)/cosh(u): what J_s lacks there of the source."""
    u = mp.sqrt(u2)
    return mp.cosh(x * u) / mp.cosh(u)


class InFilm(NamedTuple):
    """A function of the matrix of relaxation and precession, in axes of the film."""

    b: tuple[Any, Any, Any]
    kept: Any  # along b
    mean: Any  # across it
    uneven: Any
    turning: Any

    @classmethod
    def of(cls, function: Any, b: Any, scale: Any, along: Any, x: Any, y: Any, omega: Any) -> Any:
        """By the eigenvalues of the transverse block: that of 1/tau_par, 1/tau_x, 1/tau_y."""
        half, across = (x - y) / 2, (x + y) / 2
        split = mp.sqrt(half**2 - omega**2)
        one, other = function(scale * (across + split)), function(scale * (across - split))
        tilt = (
            (one - other) / (2 * split) if split != 0 else scale * mp.diff(function, scale * across)
        )
        return cls(
            b, function(scale * along), mp.re(one + other) / 2, mp.re(tilt) * half,
            mp.re(tilt) * omega,
        )  # fmt: skip

    def element(self, i: int, j: int, sense: int = 1) -> Any:
        """F_ij: Eqs. (B36), (B37), and what makes the azimuths unequal."""
        mx, my, mz = self.b
        # local axes, Eqs. (39), (79), with b = (-sin cos, sin sin, cos)
        sine = mp.sqrt(mx**2 + my**2)
        cp, sp = (-mx / sine, my / sine) if sine != 0 else (mp.mpf(1), mp.mpf(0))
        first, second = (mz * cp, -mz * sp, sine), (sp, cp, mp.mpf(0))
        turn = {(0, 1): mz, (1, 2): mx, (2, 0): my, (1, 0): -mz, (2, 1): -mx, (0, 2): -my}
        return (
            (self.mean if i == j else 0)
            + (self.kept - self.mean) * self.b[i] * self.b[j]
            + sense * self.turning * turn.get((i, j), 0)
            + self.uneven * (first[i] * first[j] - second[i] * second[j])
        )


def printed(numbers: Values, spins: list[float], disorder: str, near: list[float]) -> Values:
    """Everything that is compared, from Eqs. (30), (32), (33), (61)-(94) with misprints mended."""
    n = {name: mp.mpf(value) for name, value in numbers.items()}
    hbar, kelvin, bohr = mp.mpf(units.HBAR), mp.mpf(units.K_B), mp.mpf(units.MU_B)
    beta = 1 / (kelvin * n["temperature"])
    dos = (n["dos_up"] + n["dos_down"]) / 2
    found: Values = {}
    rate_x = rate_y = rate_z = lost = mp.mpf(0)
    omega = n["g_electron"] * bohr * n["field"] / hbar
    for i, spin in enumerate(spins):
        zeeman = n[f"g_{i}"] * bohr * n["field"] * beta
        x = weiss_splitting(spin, zeeman, beta * n[f"weiss_{i}"], near[i])
        one = moment_averages(spin, x)
        found[f"x_{i}"] = x
        found |= {f"{name}_{i}": value for name, value in one.items()}
        bosons = x / mp.expm1(x) if x != 0 else mp.mpf(1)
        absorbing, emitting = bosons * one["up"], (x + bosons) * one["down"]
        conserving = one["variance" if disorder == "lattice" else "second"]
        jx, jy, jz = (n[f"j_{axis}_{i}"] for axis in "xyz")
        flux = mp.pi * n[f"density_{i}"] / (8 * hbar)
        flux *= (jx + jy) ** 2 * absorbing + (jx - jy) ** 2 * emitting
        unit = mp.pi * n[f"density_{i}"] * dos / (4 * hbar)
        rate_z += 2 * dos * flux
        lost += (n["dos_down"] - n["dos_up"]) * flux
        dephased = 4 * unit * jz**2 * conserving
        rate_x += unit * jy**2 * (absorbing + emitting) + dephased
        rate_y += unit * jx**2 * (absorbing + emitting) + dephased
        omega -= n[f"density_{i}"] * jz * one["mean"] / hbar
    loss = 1 / n["time"]
    along, x_rate, y_rate = rate_z + loss, rate_x + loss, rate_y + loss
    across = (x_rate + y_rate) / 2
    found |= {
        "rate_xx": rate_x, "rate_yy": rate_y, "rate_zz": rate_z, "longitudinal_rate": along,
        "transverse_rate": across, "precession": omega, "charge_to_spin": lost,
    }  # fmt: skip
    scale = (n["thickness"] / 2) ** 2 / n["diffusion"]
    b = [n["b_x"], n["b_y"], n["b_z"]]
    length = mp.sqrt(sum(part**2 for part in b))
    m = tuple(part / length for part in b)

    def in_film(*rates: Any, function: Any = ratio) -> Any:
        return InFilm.of(function, m, scale, *rates)

    whole = in_film(along, x_rate, y_rate, omega)
    element = whole.element
    drho0, drho1, drho2 = whole.kept, whole.kept - whole.mean, whole.turning

    square = n["angle"] ** 2
    xx, yy, xy, yx = element(0, 0), element(1, 1), element(0, 1), element(1, 0)
    s_xx, s_yy, s_xy, s_yx = (
        1 - square * (2 - yy),
        1 - square * (2 - xx),
        -square * yx,
        -square * xy,
    )
    determinant = s_xx * s_yy - s_xy * s_yx
    unit = n["resistivity"]
    without, alike, still, turned = (
        in_film(*rates).element(1, 1)
        for rates in (
            (loss, loss, loss, 0), (along, along, along, 0), (along, x_rate, y_rate, 0),
            (along, along, along, omega),
        )
    )  # fmt: skip
    found |= {
        "bare": unit * (1 + 2 * square - square * without),
        "isotropic_magnon": unit * square * (without - alike),
        "relaxation_anisotropy": unit * square * (alike - still),
        "precession_share": unit * square * (still - yy),
        "precession_isotropic": unit * square * (alike - turned),
    }
    place = 2 * n["depth"] / n["thickness"] - 1
    mu, lacking = (
        in_film(along, x_rate, y_rate, omega, function=lambda u2, f=f: f(u2, place))
        for f in (accumulated, missing)
    )
    for i, axis in enumerate("xyz"):
        source = -n["angle"] * (i == 1)
        found[f"mu_{axis}"] = -n["angle"] * n["thickness"] * mu.element(i, 1)
        found[f"current_{axis}"] = (source + n["angle"] * lacking.element(i, 1)) / unit
    found |= {
        "drho0": unit * drho0,
        "drho1": unit * drho1,
        "drho2": unit * drho2,
        "rho_L_second": unit * (1 + square * (2 - yy)),
        "rho_T_second": unit * square * xy,
        "rho_T_printed": unit * square * element(0, 1, -1),
        "rho_L_exact": unit * s_yy / determinant,
        "rho_T_exact": -unit * s_yx / determinant,
    }
    return found


# --- the package -------------------------------------------------------------------------------


def computed(case: Case) -> Values:
    """The same by the package."""
    sample, at = case.sample, (case.temperature, case.field)
    lines = {
        order: om.magnetoresistance(sample, *at, case.direction, order=order)  # type: ignore[arg-type]
        for order in ORDERS
    }
    found: Values = {}
    rates = lines["second"].relaxation
    state: Any = rates.equilibrium
    for i in range(len(sample.magnet.sublattices)):
        named = {
            "x": state.reduced_splitting, "mean": state.mean_spin, "second": state.second_moment,
            "variance": state.variance, "up": state.flip_up, "down": state.flip_down,
        }  # fmt: skip
        found |= {f"{name}_{i}": value[..., i] for name, value in named.items()}
    for name in "xyz":
        found[f"rate_{name}{name}"] = rates.dissipator[..., "xyz".index(name), "xyz".index(name)]
    found |= {
        "longitudinal_rate": rates.longitudinal, "transverse_rate": rates.transverse,
        "precession": rates.precession, "charge_to_spin": rates.charge_to_spin,
    }  # fmt: skip
    for order, line in lines.items():
        found |= {f"rho_L_{order}": line.longitudinal, f"rho_T_{order}": line.transverse}
    other_sign = om.resistivity(sample.film, rates, case.direction, precession_sign="printed")
    found["rho_T_printed"] = other_sign.transverse
    for name in ("drho0", "drho1", "drho2"):
        found[name] = getattr(lines["second"], name)
    shares = om.mechanisms(sample.film, rates, case.direction)
    found |= {name: getattr(shares, name) for name in SHARES}
    found["precession_share"] = shares.precession
    profile = om.diffusion.profile(sample.film, rates, case.direction, depth=case.depth)
    for i, axis in enumerate("xyz"):
        found[f"mu_{axis}"] = profile.accumulation[0, i]
        found[f"current_{axis}"] = profile.current[0, i]
    return {name: float(value) for name, value in found.items()}


# --- films at random ---------------------------------------------------------------------------


def _power(rng: np.random.Generator, low: float, high: float) -> float:
    """A number of random size between two powers of ten."""
    return float(10 ** rng.uniform(low, high))


def film(rng: np.random.Generator) -> Case:
    """S to 15/2, |x| 1e-12 to 1e6, d/l 1e-6 to 1e6, omega/rate 1e-26 to 1e20, by sixes."""
    while True:
        try:
            return _film(rng)
        except (om.ParameterError, OverflowError, ZeroDivisionError):
            continue  # a film beyond what the package takes


def _film(rng: np.random.Generator) -> Case:
    spin = float(rng.choice(SPINS))
    x = float(rng.choice([-1, 1])) * _power(rng, *((-12, 6) if rng.random() < 0.6 else (-2, 2)))
    g = float(rng.choice([-1, 1, 1])) * float(rng.uniform(0.5, 3.0))
    temperature = _power(rng, -2, 4)
    field = x * units.K_B * temperature / (g * units.MU_B)
    # few strong moments relax spins faster than these precess
    dense, strong = ((24, 29), (-9, 0)) if rng.random() < 0.6 else ((24, 25), (-2, 0))
    density = _power(rng, *dense)
    energy = float(rng.choice([-1, 1])) * _power(rng, *strong)  # n_S J, eV
    kind = rng.random()
    tilt = np.zeros(3) if kind < 0.5 else rng.normal(size=3) * _power(rng, -16, 0)
    if kind > 0.75:
        tilt[0] = tilt[1]
    exchange = energy / density * (1.0 + tilt)
    weiss = 0.0
    if rng.random() < 0.25:
        curie = spin * (spin + 1) / 3
        weiss = float(rng.uniform(-2, 2)) * units.K_B * temperature / curie
    made = om.Moments(spin, density, tuple(exchange), g=g)
    disorder = "lattice" if rng.random() < 0.2 else "random"
    magnet = om.Magnet(made, weiss, disorder=disorder)
    up = _power(rng, 26, 29)
    down = up if rng.random() < 0.5 else up * (1 + float(rng.normal()) * _power(rng, -12, -1))
    electrons = om.Electrons(up, down, g=_power(rng, -15, 1))
    probe = om.Film(1e-8, 0.1, 1e-4, spin_flip_time=math.inf, resistivity=1e-6)
    rates = om.relaxation(om.Sample(magnet, electrons, probe), temperature, field)
    exchange_rate, omega = float(rates.longitudinal), abs(float(rates.precession))
    chosen = rng.random()
    if chosen < 0.25:
        loss = 0.0
    elif chosen < 0.5:
        loss = exchange_rate * _power(rng, -4, 4)
    else:
        loss = omega / _power(rng, -26, 20)
    total = exchange_rate + loss
    if not 1e-40 < total < 1e60:
        raise OverflowError
    over = _power(rng, *((-6, 6) if rng.random() < 0.6 else (-1, 1)))  # d/l
    thickness = _power(rng, -9, -7)
    made_film = om.Film(
        thickness,
        float(rng.choice([-1, 1])) * _power(rng, -3, math.log10(0.5)),
        thickness**2 * total / over**2,
        spin_flip_time=1 / loss if loss else math.inf,
        resistivity=_power(rng, -8, -5),
    )
    if not (abs(omega) < 1e26 * total and abs(omega) > 1e-30 * total):
        raise OverflowError
    b = rng.normal(size=3)
    if rng.random() < 0.3:
        b[rng.integers(3)] *= _power(rng, -15, -1)
    sample = om.Sample(magnet, electrons, made_film)
    return Case(sample, temperature, field, tuple(map(float, b)))


# --- the comparison ----------------------------------------------------------------------------


class Error(NamedTuple):
    """Of one quantity of one film."""

    name: str
    relative: float
    condition: float  # relative change per relative change of the given numbers; 1 if not asked for

    @property
    def allowed(self) -> float:
        """The target, or what roundings of the given numbers do."""
        return max(TARGET, ROUNDINGS * np.finfo(float).eps * self.condition)


class Reference(NamedTuple):
    """The exact numbers of a film, and how to work them out again for others given."""

    digits: int
    given: Values
    rest: tuple[list[float], str, list[float]]
    exact: Values

    @property
    def is_cold(self) -> bool:
        """Whether flips, exp(-|x|), are below the smallest double."""
        return max(map(abs, self.rest[2])) > 690


@cache
def reference(case: Case) -> Reference:
    """From the printed formulas; which root of the Weiss equation is meant, the package says."""
    magnet = case.sample.magnet
    near = om.equilibrium(case.sample, case.temperature, case.field).reduced_splitting.tolist()
    deepest = min(max(map(abs, near)), 700.0)
    digits = 200 + round(0.9 * deepest)  # flips fade as exp(-x)
    rest = magnet.spins.tolist(), magnet.disorder, near
    with mp.workdps(digits):
        return Reference(digits, case.numbers, rest, printed(case.numbers, *rest))


def errors(case: Case) -> Iterator[Error]:
    """Relative errors of every quantity that is not below the smallest double."""
    found, known = computed(case), reference(case)
    with mp.workdps(known.digits):
        smallest = mp.mpf(np.finfo(float).tiny) * 1e10
        relative = {}
        fading = ("up", "down", "variance", "rate", "charge") if known.is_cold else ()
        for name, value in known.exact.items():
            if abs(value) >= smallest and not name.startswith(fading):
                error = abs(mp.mpf(found[name]) - value) / _size(name, known.exact)
                relative[name] = float(error) if mp.isfinite(error) else math.inf
        bad = [name for name, error in relative.items() if not error <= TARGET]
        slopes = _slopes(known) if bad else {}
    for name, error in relative.items():
        if name in bad:
            yield Error(name, error, sum(slopes[name].values()))
        else:
            yield Error(name, error, 1.0)


def _size(name: str, exact: Values) -> Any:
    """What an error is counted over: the quantity, of a profile its vector at that depth."""
    kind, _, _axis = name.rpartition("_")
    if kind not in ("mu", "current"):
        return abs(exact[name])
    return mp.norm([exact[f"{kind}_{one}"] for one in "xyz"])


def _slopes(known: Reference) -> dict[str, dict[str, float]]:
    """Relative change of every quantity per relative change of each given number.

    Couplings along x, y and z are one number, and so are densities of states of both spins: what
    of them is equal stays so, and differences of given numbers are known exactly.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in known.exact}
    for kind in {_kind(key) for key in known.given}:
        grown = {
            key: mp.mpf(number) * (1 + STEP)
            for key, number in known.given.items()
            if _kind(key) == kind and not math.isinf(number)
        }
        moved = printed(known.given | grown, *known.rest)
        for name, value in known.exact.items():
            if value != 0:
                found[name][kind] = float(abs((moved[name] - value) / value / STEP))
    return found


def _kind(key: str) -> str:
    """Numbers of one kind are changed together."""
    return key[:2] if key.startswith(("j_", "do")) else key


def films(seed: int, count: int) -> Iterator[Case]:
    """Films of a seed."""
    rng = np.random.default_rng(seed)
    return (film(rng) for _ in range(count))


def main() -> int:
    """Print the worst of each quantity, and every film beyond what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=3000)
    parser.add_argument("--show", type=int, default=3, help="films beyond what is allowed")
    given = parser.parse_args()
    rows: dict[str, list[Error]] = {}
    shown = 0
    for case in films(given.seed, given.points):
        for error in errors(case):
            rows.setdefault(error.name, []).append(error)
            if not error.relative <= error.allowed and shown < given.show:
                print(f"{error.name}: {error.relative:.2g}, condition {error.condition:.2g}", case)
                shown += 1
    print(f"{'':18}{'films':>7}{'largest error':>15}{'> target':>10}{'> allowed':>11}")
    failed = 0
    for name, all_ in rows.items():
        beyond = sum(not one.relative <= one.allowed for one in all_)
        failed += beyond
        missed = sum(not one.relative <= TARGET for one in all_)
        worst = max(one.relative for one in all_)
        print(f"{name:18}{len(all_):>7}{worst:>15.2g}{missed:>10}{beyond:>11}")
    print(f"target {TARGET:g}, seed {given.seed}, {given.points} films, {failed} beyond")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
