"""States of coupled moments: what a point costs, in evaluations of what it cannot do without.

Processor time, one thread, least of a few runs in turn; grids in the ordered phase.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import root

import openmr as om
from openmr import units
from openmr.moments.levels import levels
from openmr.moments.spin_averages import brillouin

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from systems import flopping, oriented, reference_film

Y = 1e-3
_ALL = 1 - np.eye(4)


def coupled(spins, weiss):
    moments = [om.Moments(spin=s, density=1e27, exchange=6e-31) for s in spins]
    return replace(om.presets.pt_py(), magnet=om.Magnet(moments, weiss))


COUPLED = {
    "ferromagnet": coupled((2.0, 2.0), [[0.5 * Y, 0.5 * Y], [0.5 * Y, 0.5 * Y]]),
    "antiferromagnet": coupled((2.0, 2.0), [[0.0, -Y], [-Y, 0.0]]),
    "ferrimagnet": coupled((2.5, 1.5), [[0.1 * Y, -Y], [-Y, 0.2 * Y]]),
    "three": coupled(
        (2.5, 2.0, 1.0),
        [[0.5 * Y, -Y, 0.2 * Y], [-Y, 0.3 * Y, -0.6 * Y], [0.2 * Y, -0.6 * Y, 0.1 * Y]],
    ),
    "four, frustrated": coupled((2.0,) * 4, (-Y * _ALL + 0.2 * Y * np.eye(4)).tolist()),
}


def least(calls, rounds=4):
    """Least processor time of each of some calls, made in turn [s]."""
    found = np.full(len(calls), np.inf)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            found[i] = min(found[i], time.process_time() - start)
    return found


def grid(critical, count, coldest=0.05):
    rows = round(count**0.5)
    kelvin = critical * np.linspace(coldest, 0.98, rows)[:, None]
    return kelvin, np.linspace(0.0, 14.0, count // rows)


def one_by_one(film, temperatures, fields):
    """What somebody would write: SciPy's root of the mean fields, one point after the other."""
    magnet = film.magnet
    zeeman = np.array([units.MU_B * one.g for one in magnet.sublattices])
    weiss, spins = np.array(magnet.weiss), [one.spin for one in magnet.sublattices]
    start = np.array(spins) * np.linspace(1.0, -0.9, len(spins))

    def apart(mean, beta, field):
        x = beta * (zeeman * field + weiss @ mean)
        found = [
            np.sign(y) * brillouin(s, abs(float(y))).mean for s, y in zip(spins, x, strict=True)
        ]
        return mean - found

    for kelvin, tesla in zip(temperatures, fields, strict=True):
        root(apart, start, args=(1 / (units.K_B * kelvin), tesla))


@pytest.mark.parametrize("name", COUPLED)
def test_coupled_sublattices(name, row):
    """From one start, where openmr finds the state of lowest free energy."""
    film = COUPLED[name]
    kelvin, field = grid(float(om.ordering_temperature(film.magnet)), 10_000)
    taken, few = least(
        [
            lambda: om.equilibrium(film, kelvin, field),
            lambda: one_by_one(film, kelvin[::20, 0], field[::20]),
        ]
    )
    each, rival = taken / (kelvin.size * field.size), few / len(kelvin[::20])
    row(f"coupled sublattices, {name}, a point", "SciPy's root, from one start", each / rival, 1.0)


DIAGONALISED = "diagonalising one sublattice, with means and response"
ONE = oriented(2.5, anisotropy=(-4e-4, 1.3e-4))
ORIENTED = {
    "ferromagnet": (reference_film(ONE, weiss=1.2e-3), (1, 2, 3), 30),
    "antiferromagnet, flop": (flopping(), (0, 0, 1), 70),
}


@pytest.mark.parametrize("name", ORIENTED)
def test_oriented_moments(name, row):
    """S = 5/2."""
    film, direction, most = ORIENTED[name]
    kelvin, field = grid(float(om.ordering_temperature(film.magnet)), 10_000)
    moments = film.magnet.sublattices[0]
    drive = np.random.default_rng(0).normal(size=(500, 3)) * 1e-3
    beta = np.full(500, 1e3)

    def solve():
        om.equilibrium(film, kelvin, field, direction=direction)

    def diagonalise():
        found = levels(moments.crystal_hamiltonian, 2.5, drive, beta)
        return found.mean, found.response

    taken, unit = least([solve, diagonalise], 3)
    each, unit = taken / (kelvin.size * field.size), unit / len(beta)
    row(f"state of oriented moments, {name}, a point", DIAGONALISED, each / unit, most)


@pytest.mark.parametrize(
    ("name", "direction", "most"), [("tilted", (1, 2, 3), 2.5), ("axial", (0, 0, 1), 0.4)]
)
def test_rates_of_oriented_moments(name, direction, most, row):
    """1e5 points at S = 5/2 without exchange among the moments, state included."""
    anisotropy = (-4e-4, 1.3e-4) if name == "tilted" else -4e-4
    film = reference_film(oriented(2.5, anisotropy=anisotropy))
    kelvin, field = np.linspace(2.0, 300.0, 400)[:, None], np.linspace(0.1, 14.0, 250)
    method = "batched" if name == "tilted" else "closed-form"
    drive, beta = np.random.default_rng(0).normal(size=(500, 3)) * 1e-3, np.full(500, 1e3)
    crystal = film.magnet.sublattices[0].crystal_hamiltonian
    taken, unit = least(
        [
            lambda: om.relaxation(film, kelvin, field, direction=direction, method=method),
            lambda: levels(crystal, 2.5, drive, beta),
        ],
        2,
    )
    each, unit = taken / 1e5, unit / len(beta)
    row(f"rates of oriented moments, {name}, a point", DIAGONALISED, each / unit, most)
