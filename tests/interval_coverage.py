"""How often the intervals of a fit hold the true values, for six kinds of noise, all unknown.

`make coverage` prints the table; FITS=100 and SEED=... change it. Each row is one film at two
temperatures, -9 to 9 T and back, with every default nuisance term on.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np

import openmr as om

SIGMA = 2.5e-10
NAMES = ("exchange_energy", "ordering_temperature", "spin_hall_angle")
TRUTH = np.array([-0.7e-3, 24.0, 0.1])
FILM = om.presets.pt_py(-0.7e-3, curie_temperature=24.0)
START = om.presets.pt_py(-0.5e-3, curie_temperature=30.0)
LEVELS = (0.6827, 0.9545)
ROWS = ("white", "outliers", "memory", "drift", "resistivity", "all")
_UP = np.linspace(-9.0, 9.0, 37)
FIELD = np.tile(np.concatenate([_UP, _UP[::-1]]), 2)
KELVIN = np.repeat([10.0, 30.0], 74)
TIME = 10.0 * np.arange(148)


@cache
def exact():
    rho = om.magnetoresistance(FILM, KELVIN, FIELD, (1, 0, 0), order="exact")
    return rho.longitudinal


def data(row, seed, sigma=SIGMA):
    """One measurement: white noise and what the row adds to it, or all of that."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=148)
    if row in ("memory", "all"):
        for i in range(1, 148):
            noise[i] = 0.7 * noise[i - 1] + np.sqrt(1 - 0.49) * noise[i]
    rho = exact() + sigma * noise
    if row in ("resistivity", "all"):
        rho = rho + 0.003 * exact() * (KELVIN == 30.0)
    if row in ("outliers", "all"):
        rho = rho + 20 * sigma * rng.choice([-1, 1], 148) * (rng.random(148) < 0.03)
    if row in ("drift", "all"):
        bends = np.cumsum(4 * sigma * rng.normal(size=5))
        rho = rho + np.interp(np.arange(148), [0, 37, 74, 111, 147], bends) + sigma * FIELD / 3
    return om.diagnosis.measured(
        rho, temperature=KELVIN, field=FIELD, direction=(1, 0, 0), time=TIME
    )


class Outcome(NamedTuple):
    """Of one fit: which intervals hold the truth, its distance in errors, and the verdict."""

    held: np.ndarray  # (levels, parameters)
    pull: np.ndarray
    verdict: str


def outcome(row, seed):
    found = om.fit(data(row, seed), START, NAMES)
    held = np.zeros((len(LEVELS), len(NAMES)), dtype=bool)
    for i, level in enumerate(LEVELS):
        for j, (name, true) in enumerate(zip(NAMES, TRUTH, strict=True)):
            low, high = found.interval(name, level)
            held[i, j] = low <= true <= high
    with np.errstate(invalid="ignore"):
        pull = (found.values - TRUTH) / found.uncertainties
    return Outcome(held, pull, found.verdict)


def summary(row, outcomes):
    held = np.mean([one.held for one in outcomes], axis=0)
    refused = np.mean([one.verdict == "does not describe" for one in outcomes])
    pulls = np.array([one.pull for one in outcomes])
    cells = [" ".join(f"{part:.3f}" for part in level) for level in held]
    spread = " ".join(f"{part:.2f}" for part in np.nanstd(pulls, axis=0))
    return f"{row:<12} {cells[0]}   {cells[1]}   {refused:.3f}     {spread}"


def main():
    fits, seed = int(os.environ.get("FITS", "300")), int(os.environ.get("SEED", "500000"))
    print(f"{fits} fits a row from seed {seed}; J, T_C, theta_SH")
    print(
        f"{'row':<12} {'held at 68 %':<20}{'held at 95 %':<20}refused   sd of (value - true)/error"
    )
    with ProcessPoolExecutor(int(os.environ.get("WORKERS", "1"))) as pool:
        for at, row in enumerate(ROWS):
            started = time.monotonic()
            seeds = range(seed + 10_000 * at, seed + 10_000 * at + fits)
            found = list(pool.map(outcome, [row] * fits, seeds, chunksize=10))
            print(summary(row, found), f"  {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
