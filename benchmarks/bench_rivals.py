"""What openmr takes beside what a rival takes for the same, as rows of one table, in one run.

``make bench`` writes them to `benchmark.json`, and the benchmarks' page shows them. Each ratio is
held within a factor of two of what was kept of the same kind of processor.
"""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from bench_sweep import brmesolve_and_fit, tensor_and_projection

import openmr as om
from openmr import units
from openmr._spins import spin_matrices
from openmr.moments.equilibrium import Equilibrium, checked_points
from openmr.moments.grid import blocks
from openmr.moments.levels import levels as own_levels
from openmr.moments.one_sublattice import weiss_field
from openmr.rates.closed_form import closed_form
from openmr.rates.record import ExchangePart
from openmr.rates.relaxation import _chosen, _record, relaxation_at
from openmr.transport.resistivity import at_direction, record

FILM = om.presets.pt_py()
MOMENTS = FILM.magnet.sublattices[0]
STRENGTH = 2 * np.pi * MOMENTS.density * FILM.electrons.dos * MOMENTS.exchange[0] ** 2 / units.HBAR
PHASES = {"paramagnet": (40.0, 300.0), "ordered": (2.0, 28.0), "both": (2.0, 300.0)}


def seconds(*calls: Callable[[], object], least: int = 5, longest: float = 1.0) -> list[float]:
    """Least processor time of each of some calls in turn: what else the machine does meets all."""
    times: list[list[float]] = [[] for _ in calls]
    while len(times[0]) < least or sum(map(sum, times)) < longest * len(calls):
        for call, taken in zip(calls, times, strict=True):
            start = time.process_time()
            call()
            taken.append(time.process_time() - start)
    return [min(taken[1:]) for taken in times]


def grid(count: int, phase: str) -> list[np.ndarray]:
    """Temperatures of a phase times fields 0.01 to 14 T, `count` points (p,)."""
    rows = round(count**0.5)
    temperature = np.linspace(*PHASES[phase], rows)[:, None]
    fields = np.linspace(0.01, 14.0, count // rows)
    return [axis.ravel() for axis in np.broadcast_arrays(temperature, fields)]


# --- the closed-form line beside the floor ---------------------------------------------------


@pytest.fixture(scope="module", params=[True, False], ids=["own", "library"])
def fused(request):
    """The same formulas compiled, with functions in vector registers or those of the C library."""
    pytest.importorskip("numba")
    from fused import kernels

    functions = "in vector registers" if request.param else "with the C library's functions"
    return functions, kernels(FILM, own=request.param)


def into(fused, temperature, field):
    rows = np.empty((8, len(temperature)))
    fused.line(temperature, field, *rows)
    return rows


def test_the_kernel_is_the_line(fused):
    temperature, field = grid(10_000, "both")
    found = om.magnetoresistance(FILM, temperature, field, (1, 0, 0))
    rates = found.relaxation
    wanted = (
        found.longitudinal,
        *(found.drho0, found.drho1, found.drho2, rates.equilibrium.reduced_splitting[:, 0]),
        *(rates.longitudinal, rates.transverse, rates.precession),
    )
    for values, same in zip(into(fused[1], temperature, field), wanted, strict=True):
        assert np.abs(values - same).max() < 1e-10 * np.abs(same).max()


@pytest.mark.parametrize("phase", PHASES)
def test_a_grid_over_the_floor(fused, row, phase):
    functions, kernel = fused
    points = grid(1_000_000, phase)
    line, floor = seconds(
        lambda: om.magnetoresistance(FILM, *points, (1, 0, 0)), lambda: into(kernel, *points)
    )
    row(f"closed-form line, 1e6 points, {phase}", f"one kernel {functions}", line / floor)


@pytest.mark.parametrize("count", [1, 28])
@pytest.mark.parametrize("phase", ["paramagnet", "ordered"])
def test_few_points_over_the_floor(fused, row, phase, count):
    """A user's call, without arrays where there is one point."""
    functions, kernel = fused
    points = [axis[-count:].copy() for axis in grid(10_000, phase)]
    given = [float(axis[0]) for axis in points] if count == 1 else points
    line, floor = seconds(
        lambda: om.magnetoresistance(FILM, *given, (1, 0, 0)), lambda: into(kernel, *points)
    )
    many = f"{count} points" if count > 1 else "one point"
    row(f"closed-form line, {many}, {phase}", f"one kernel {functions}", line / floor)


def test_one_point_without_its_formulas(row):
    """What no kernel takes away: arguments checked and four records made."""
    found = om.magnetoresistance(FILM, 10.0, 5.0, (1, 0, 0))
    rates = found.relaxation
    state = rates.equilibrium
    parts = found.longitudinal, found.transverse, found.drho0, found.drho1, found.drho2

    def records():
        m, _ = at_direction(FILM.film, (1, 0, 0), "second", "hamiltonian")
        method, *_ = _chosen(FILM, "closed-form", {})
        points = checked_points(FILM, 10.0, 5.0)
        there = Equilibrium(FILM, *points, state.reduced_splitting, state.averages)
        made = _record(method, there, ExchangePart(rates.dissipator, rates.precession))
        record(FILM.film, made, m, "second", parts)

    alone, whole = seconds(records, lambda: om.magnetoresistance(FILM, 10.0, 5.0, (1, 0, 0)))
    row("one point, its checks and records", "the whole call", alone / whole)


@pytest.mark.parametrize("phase", ["paramagnet", "ordered"])
@pytest.mark.parametrize("station", ["Weiss field", "rates", "resistivity"])
def test_one_station_over_its_kernel(fused, row, station, phase):
    """What compiling a station by itself would gain on grids."""
    functions, kernel = fused
    temperature, field = grid(100_000, phase)
    beta = 1.0 / (units.K_B * temperature)
    zeeman, coupling = units.MU_B * MOMENTS.g * beta * field, beta * FILM.magnet.weiss[0][0]
    total, *lost, x, along, transverse, omega = into(kernel, temperature, field)
    parts = list(blocks(len(beta)))
    points = [(FILM, temperature[part], field[part], x[part][:, None]) for part in parts]
    relaxed = [relaxation_at(Equilibrium(*some)) for some in points]
    _, at_points = at_direction(FILM.film, (1, 0, 0), "second", "hamiltonian")
    ours, given, compiled = {
        "Weiss field": (
            lambda part: weiss_field(MOMENTS.spin, zeeman[part], coupling[part]),
            parts,
            lambda: kernel.state(temperature, field, x),
        ),
        "rates": (
            lambda some: closed_form(Equilibrium(*some)),
            points,
            lambda: kernel.rates(x, field, along, transverse, omega),
        ),
        "resistivity": (
            at_points,
            relaxed,
            lambda: kernel.resistivity(along, transverse, omega, total, *lost),
        ),
    }[station]

    def numpy():
        for some in given:
            ours(some)

    taken, floor = seconds(numpy, compiled)
    row(f"{station}, 1e5 points, {phase}", f"a kernel {functions}", taken / floor)


def test_levels_over_their_diagonalisation(row):
    """Of S = 5/2: what LAPACK takes no kernel of ours would."""
    drive, beta = np.random.default_rng(0).normal(size=(1000, 3)) * 1e-3, np.full(1000, 1e3)
    crystal = np.diag(4e-4 * np.arange(-2.5, 3.0) ** 2).astype(complex)
    matrices = crystal + np.tensordot(drive, np.stack(spin_matrices(2.5)), axes=1)
    ours, lapack = seconds(
        lambda: own_levels(crystal, 2.5, drive, beta), lambda: np.linalg.eigh(matrices)
    )
    row("levels of own Hamiltonians, S = 5/2", "LAPACK's eigh alone", ours / lapack)


# --- `batched` beside who would do the same ----------------------------------------------------

M = np.arange(2.0, -3.0, -1.0)
RAISING = np.diag(np.sqrt(6.0 - M[1:] * (M[1:] + 1.0)), 1)
SPIN = (RAISING + RAISING.T) / 2, (RAISING - RAISING.T) / 2j, np.diag(M)
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
COUPLING = -0.5 * sum(np.kron(sigma, spin) for sigma, spin in zip(PAULI, SPIN, strict=True))
ENERGY = np.tile(M, 2)  # of the levels, in units of the splitting


def spectrum(w):
    return np.where(w == 0, 1.0, w / -np.expm1(-np.where(w == 0, 1.0, w)))


def projected(noise: np.ndarray, populations: np.ndarray) -> np.ndarray:
    """-(1/2) Tr[sigma_a D(sigma_b rho_m)], D X = -[A, L X - X L^+], for noise (p, 10, 10)."""
    weighted = 0.5 * COUPLING * noise
    adjoint = np.swapaxes(weighted.conj(), -1, -2)
    found = np.empty((len(noise), 3, 3))
    for b, sigma in enumerate(PAULI):
        state = np.einsum("ij,pm,mn->pimjn", sigma, populations, np.eye(5)).reshape(-1, 10, 10)
        inner = weighted @ state - state @ adjoint
        change = (COUPLING @ inner - inner @ COUPLING).reshape(-1, 2, 5, 2, 5)
        found[:, :, b] = 0.5 * np.einsum("aij,pjmim->pa", PAULI, change).real
    return found


def levels(x: np.ndarray) -> np.ndarray:
    weights = np.exp(-x[:, None] * (M + 2.0))
    return weights / weights.sum(axis=1, keepdims=True)


def by_hand(x: np.ndarray) -> np.ndarray:
    """Redfield of many points in NumPy, 1000 at a time."""
    parts = [x[first : first + 1000] for first in range(0, len(x), 1000)]
    gaps = ENERGY[None, :] - ENERGY[:, None]
    return np.concatenate([projected(spectrum(x[:, None, None] * gaps), levels(x)) for x in parts])


GAPS = (ENERGY[None, :] - ENERGY[:, None])[None, :, :]
PARTS = np.concatenate(
    [projected(1.0 * (np.broadcast_to(GAPS, (5, 10, 10)) == w), np.eye(5)) for w in (-1, 0, 1)]
).reshape(15, 9)


def by_parts(x: np.ndarray) -> np.ndarray:
    """The tensor is linear in K(-x), K(0), K(x) and in the populations: 15 of them once."""
    less = spectrum(-x)
    noise = np.stack([less, np.ones_like(x), less + x], axis=1)
    return ((noise[:, :, None] * levels(x)[:, None, :]).reshape(-1, 15) @ PARTS).reshape(-1, 3, 3)


def splittings(points):
    return om.equilibrium(FILM, *points).reduced_splitting[:, 0]


@pytest.mark.parametrize("redfield", [by_hand, by_parts])
def test_the_rivals_are_right(redfield):
    points = grid(900, "both")
    found = om.relaxation(FILM, *points, method="batched").dissipator
    np.testing.assert_allclose(
        STRENGTH * redfield(splittings(points)), found, rtol=1e-9, atol=1e-12 * found.max()
    )


def per_point(call, points, **how) -> float:
    return seconds(call, **how)[0] / len(points)


def test_batched(row):
    few = [(t, b) for t in (5.0, 40.0, 200.0) for b in (0.5, 8.0)]
    some, many = grid(2_500, "both"), grid(100_000, "both")
    batched, parts = seconds(
        lambda: om.relaxation(FILM, *many, method="batched"),
        lambda: by_parts(splittings(many)),
    )
    batched, parts = batched / len(many[0]), parts / len(many[0])
    hand = per_point(lambda: by_hand(splittings(some)), some[0])
    tensor = per_point(lambda: [tensor_and_projection(*p) for p in few], few, least=3)
    loop = per_point(lambda: [brmesolve_and_fit(*p) for p in few], few, least=3)
    name = "batched, 1e5 points, each"
    row(name, "brmesolve and a fit, point by point", batched / loop)
    row(name, "bloch_redfield_tensor, point by point", batched / tensor)
    row(name, "Redfield by hand in NumPy", batched / hand)
    row(name, "15 projections reused", batched / parts)


# --- memory, and the first moment --------------------------------------------------------------


def test_memory_beyond_the_results(row):
    """Of 1e7 points; the results themselves are the arrays that the caller keeps."""
    points = grid(10_000_000, "both")
    tracemalloc.start()
    found = om.magnetoresistance(FILM, *points, (1, 0, 0))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.longitudinal.size == len(points[0])
    what = "closed-form line, 1e7 points, memory beyond the results"
    row(what, "40 bytes a point", (peak - kept) / len(points[0]) / 40, most=1.0)


def test_import(row):
    """Beside NumPy, which is in it."""

    def taken(module):
        code = f"import {module}, time; print(time.process_time())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return float(done.stdout)

    ours, numpy = (min(taken(module) for _ in range(5)) for module in ("openmr", "numpy"))
    row("import openmr", "import numpy", ours / numpy)
