"""Whole grids against loops: each figure a ratio of processor times measured in one run.

``pytest benchmarks/bench_sweep.py -s --benchmark-disable`` prints the table and writes it as JSON
to the file that the environment variable OPENMR_RATIOS names. Processor time and the best of a few
repetitions, so that what else runs on the machine counts little.
"""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import qutip
from scipy.linalg import expm
from scipy.optimize import curve_fit

import openmr as om
from openmr import bath, hilbert, units
from openmr._qutip import exact_arithmetic
from openmr.models.sectors import joint_spectrum
from openmr.moments.grid import blocks
from openmr.moments.one_sublattice import weiss_field
from openmr.moments.spin_averages import brillouin

FILM = om.presets.pt_py()
RESULTS: dict[str, float] = {}


@pytest.fixture(scope="module", autouse=True)
def table(request, ratios):
    yield
    ratios.update(RESULTS)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name, value in RESULTS.items():
            print(f"\n{name:62} {value:12.4g}", end="")
        print()
    if target := os.environ.get("OPENMR_RATIOS"):
        Path(target).write_text(json.dumps(RESULTS, indent=1))


def best(call: Callable[[], object], repeat: int = 5) -> float:
    """Least processor time of a few runs [s]."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def least(calls: Sequence[Callable[[], object]], rounds: int = 12) -> list[float]:
    """Least processor time of each, called in turn: what else the machine does falls on all."""
    return np.min([[best(call, 1) for call in calls] for _ in range(rounds)], axis=0).tolist()


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Temperatures 2 to 300 K times fields 0.01 to 14 T, `count` points."""
    rows = round(count**0.5)
    temperature = np.linspace(2.0, 300.0, rows)[:, None]
    return np.broadcast_arrays(temperature, np.linspace(0.01, 14.0, count // rows))


# --- what a QuTiP user would write -----------------------------------------------------------


def noise(w):
    return float(bath.electron_hole_spectrum(w))


def joint_problem(temperature: float, field: float):
    """H, coupling and thermal moment of one point, energies in k_B T."""
    state = om.equilibrium(FILM, temperature, field)
    x = float(state.reduced_splitting[0])
    h = hilbert.hamiltonian([2.0], [x])
    return h, hilbert.coupling([2.0], 0, (1.0, 1.0, 1.0)), hilbert.thermal_moments([2.0], [x])


def tensor_and_projection(temperature: float, field: float) -> np.ndarray:
    h, coupling, moment = joint_problem(temperature, field)
    with exact_arithmetic():
        tensor = qutip.bloch_redfield_tensor(h, [[coupling, noise]], sec_cutoff=-1, fock_basis=True)
        tensor = tensor - qutip.liouvillian(h)
    return hilbert.bloch_tensor(hilbert.project(tensor, moment))


TIMES = np.linspace(0.0, 1.0, 41)
TOLERANCES = {"method": "vern9", "rtol": 1e-7, "atol": 1e-9}


def fitted(observed: np.ndarray) -> float:
    return curve_fit(lambda t, a, r, c: a * np.exp(-r * t) + c, TIMES, observed, (1, 1, 0))[0][1]


def polarised(moment: qutip.Qobj) -> list[tuple[qutip.Qobj, qutip.Qobj]]:
    """Start and observable: the spin along the field and across it."""
    return [
        (qutip.tensor(0.5 * (qutip.qeye(2) + pauli), moment), hilbert.embed(pauli, [qutip.qeye(5)]))
        for pauli in (hilbert.PAULI[2], hilbert.PAULI[0])
    ]


def brmesolve_and_fit(temperature: float, field: float) -> np.ndarray:
    """The plain loop, moment free: QuTiP's solver, then one fit of each decay."""
    h, coupling, moment = joint_problem(temperature, field)
    rates = []
    for start, observed in polarised(moment):
        result = qutip.brmesolve(
            h, start, TIMES, [[coupling, noise]], e_ops=[observed], sec_cutoff=-1,
            options=TOLERANCES,
        )  # fmt: skip
        rates.append(fitted(result.expect[0].real))
    return np.array(rates)


def exactly_evolved_and_fit(temperature: float, field: float) -> np.ndarray:
    """The same decays by the exponential of the same generator."""
    h, coupling, moment = joint_problem(temperature, field)
    with exact_arithmetic():
        generator = qutip.bloch_redfield_tensor(
            h, [[coupling, noise]], sec_cutoff=-1, fock_basis=True
        ).full()
    rates = []
    for start, observed in polarised(moment):
        state = qutip.operator_to_vector(start).full()
        bra = qutip.operator_to_vector(observed).dag().full()
        step = expm(generator * TIMES[1])
        found = []
        for _ in TIMES:
            found.append((bra @ state).item().real)
            state = step @ state
        rates.append(fitted(np.array(found)))
    return np.array(rates)


def test_tolerances_of_the_loop(monkeypatch):
    """The loosest tolerances, by powers of ten, at which the fitted rates are good to 1e-6."""
    points = [(t, b) for t in (5.0, 40.0, 200.0) for b in (0.5, 8.0)]
    exact = np.array([exactly_evolved_and_fit(*point) for point in points])

    def error():
        return np.max(np.abs([brmesolve_and_fit(*point) for point in points] / exact - 1))

    RESULTS["brmesolve + fit: rates off the exact evolution by"] = tight = error()
    looser = {"rtol": 10 * TOLERANCES["rtol"], "atol": 10 * TOLERANCES["atol"]}
    monkeypatch.setattr(sys.modules[__name__], "TOLERANCES", TOLERANCES | looser)
    RESULTS["  at ten times looser tolerances"] = loose = error()
    assert tight < 1e-6 < loose


def test_growth_with_spin():
    temperature, field = grid(100_000)
    times = {}
    for spin in (0.5, 2.0, 3.5):
        film = om.presets.pt_py(spin=spin)
        times[spin] = best(lambda f=film: om.relaxation(f, temperature, field, method="batched"), 7)
    RESULTS["batched, S = 7/2 over S = 1/2"] = times[3.5] / times[0.5]
    assert times[3.5] < 3 * times[0.5]


@pytest.mark.parametrize("count", [1, 100, 10_000, 1_000_000, 10_000_000])
def test_growth_with_points(count):
    temperature, field = grid(count)
    repeat = 1 if count > 1_000_000 else 3
    taken = best(lambda: om.relaxation(FILM, temperature, field, method="batched"), repeat)
    RESULTS[f"batched, {count} points [us per point]"] = 1e6 * taken / count


def test_growth_with_sublattices():
    """Without exchange among each other: the work is the sum; coupled: descent from all sides."""
    from dataclasses import replace

    temperature, field = grid(10_000)
    moments = FILM.magnet.sublattices[0]
    j = FILM.magnet.weiss[0][0]
    one = best(lambda: om.relaxation(FILM, temperature, field, method="batched"))
    for name, weiss in (("apart", np.diag([j, j])), ("coupled", [[0.5 * j, 0.5 * j]] * 2)):
        film = replace(FILM, magnet=om.Magnet([moments, moments], weiss))
        rows = 1 if name == "apart" else 20  # the coupled case is slow: fewer points
        part = temperature[::rows], field[::rows]
        two = best(lambda f=film, p=part: om.relaxation(f, *p, method="batched"), 2)
        two *= temperature.size / part[0].size
        RESULTS[f"batched, two sublattices {name} over one"] = two / one


def test_weiss_field_in_brillouin_evaluations():
    temperature, field = (axis.ravel() for axis in grid(1_000_000))
    beta = 1 / (units.K_B * temperature)
    zeeman, coupling = 2 * units.MU_B * beta * field, beta * FILM.magnet.weiss[0][0]
    parts = list(blocks(len(beta)))
    solved = [weiss_field(2.0, zeeman[part], coupling[part]) for part in parts]
    x, steps = np.concatenate([x for x, _ in solved]), np.array([count for _, count in solved])

    def solve(part):
        weiss_field(2.0, zeeman[part], coupling[part])

    def brillouin_once(part):
        brillouin(2.0, x[part])

    def coth_once(part):
        0.5 / np.tanh(0.5 * x[part]) - 2.5 / np.tanh(2.5 * x[part])

    calls = (solve, brillouin_once, coth_once)
    taken, once, by_coth = np.transpose(
        [least([partial(call, part) for call in calls]) for part in parts]
    )
    RESULTS["Weiss field [us per point]"] = taken.sum()
    RESULTS["Weiss field, evaluations in the median block"] = float(np.median(steps))
    RESULTS["Weiss field, evaluations on average"] = float(steps.mean())
    RESULTS["Weiss field, evaluations in the worst block"] = float(steps.max())
    RESULTS["Weiss field over one Brillouin function with slope"] = taken.sum() / once.sum()
    RESULTS["  at the median block of temperatures"] = float(np.median(taken / once))
    RESULTS["  at the worst block, at the transition"] = float(np.max(taken / once))
    RESULTS["Weiss field over one Brillouin function by coth"] = taken.sum() / by_coth.sum()
    assert np.median(steps) <= 5


def test_stacks_against_the_film():
    """One metal with a sheet of moments beside a film with the same moments; layers of matrices."""
    fields = np.linspace(0.1, 9.0, 100_000)
    metal = om.Electrons.free(fermi_energy=5.0)
    film = om.Film(7e-9, 0.11, 1e-5, resistivity=40e-8, diffusion_length=1.5e-9)
    moments = om.Magnet(om.Moments(3.5, 2e27, 3e-31), curie_temperature=16.6)
    sheet = om.Sheet(spin=3.5, areal_density=2e18, exchange=3e-31, curie_temperature=16.6)
    one, layers = om.Layer(film, metal), om.Layer(FILM.film, metal)
    samples = {
        "film": om.Sample(moments, metal, film),
        "sheet": om.Sample(stack=om.Stack([one], top=sheet)),
        "three": om.Sample(stack=om.Stack([one, layers, one], top=sheet)),
    }
    taken = {
        name: best(lambda s=sample: om.magnetoresistance(s, 5.0, fields, (1, 2, 3)), 3)
        for name, sample in samples.items()
    }
    RESULTS["a metal and a sheet over a film, 1e5 points"] = taken["sheet"] / taken["film"]
    each = 1e6 * taken["three"] / 3 / len(fields)
    RESULTS["a stack of three, each layer and point [us]"] = each
    assert taken["sheet"] < 2 * taken["film"]
    assert each < 30


def test_sweep_over_a_parameter_of_the_sample():
    """One sample, and one call of the method, per thickness; a field is only one more point."""
    temperature, count = np.linspace(2.0, 300.0, 200), 200
    along = {
        "field": {"field": np.linspace(0.0, 14.0, count)},
        "thickness": {"field": 5.0, "thickness": np.linspace(2e-9, 2e-8, count)},
    }
    taken = {
        name: best(lambda axes=axes: om.sweep(FILM, temperature=temperature, **axes), 3)
        for name, axes in along.items()
    }
    RESULTS["sweep, 200 x 200: thicknesses over fields"] = taken["thickness"] / taken["field"]
    RESULTS["sweep, 200 x 200: one thickness [ms]"] = 1e3 * taken["thickness"] / count


def test_spectrum_by_blocks_against_the_dense_loop():
    x = np.linspace(0.1, 3.0, 50)[:, None]
    exchange = [(1.0, 1.0, 0.7)]

    def by_blocks(unitary):
        joint_spectrum([3.5], x, exchange, electron_splitting=0.3, unitary=unitary)

    def dense():
        h = hilbert.hamiltonian([3.5], [0.8], 0.3)
        coupling = hilbert.coupling([3.5], 0, exchange[0])
        with exact_arithmetic():
            qutip.bloch_redfield_tensor(
                h, [[coupling, noise]], sec_cutoff=-1, fock_basis=True
            ).eigenenergies()

    loop, whole, dissipator = least([dense, lambda: by_blocks(2.0), lambda: by_blocks(0.0)])
    RESULTS["joint spectrum, S = 7/2: dense loop over blocks"] = loop / (whole / 50)
    RESULTS["joint spectrum, S = 7/2, dissipator: dense loop over blocks"] = loop / (
        dissipator / 50
    )
    two = best(lambda: joint_spectrum([3.5, 3.5], [0.8, -0.4], exchange * 2, unitary=1.0), 1)
    RESULTS["joint spectrum of two moments of S = 7/2 [s]"] = two


BOXES = {"evolution": 24, "heom": 8, "bloch-redfield": 24}
POINTS_OF_A_BOX = {"evolution": 1, "heom": 1, "bloch-redfield": 25}
SLOW = {"heom": om.presets.pt_py(spin=0.5)}


@pytest.mark.parametrize("method", BOXES)
def test_two_processes_against_one(method):
    """Wall clock, workers warm and with one BLAS thread each, best of two in turn.

    `load` is that of the machine before: only where two cores are idle is the ratio the program's.
    """
    sample, each = SLOW.get(method, FILM), POINTS_OF_A_BOX[method]
    sweep = {"field": 5.0, "method": method, "chunk_points": each}
    todo = {**sweep, "temperature": np.linspace(60.0, 200.0, BOXES[method] * each)}
    warming = {**sweep, "temperature": np.linspace(190.0, 200.0, 4), "chunk_points": 1}
    RESULTS[f"{method}: load of the machine before"] = os.getloadavg()[0]
    pools = {n: ProcessPoolExecutor(n, mp_context=get_context("spawn")) for n in (1, 2)}
    taken = dict.fromkeys(pools, np.inf)
    for pool in pools.values():
        om.sweep(sample, **warming, executor=pool)  # imports QuTiP in every worker
    for _ in range(2):
        for workers, pool in pools.items():
            start = time.perf_counter()
            om.sweep(sample, **todo, executor=pool)
            taken[workers] = min(taken[workers], time.perf_counter() - start)
    for pool in pools.values():
        pool.shutdown()
    RESULTS[f"{method}: one process over two (wall clock)"] = taken[1] / taken[2]


def test_reopening_a_store(tmp_path):
    """What it takes to ask every chunk of a finished store for its checksum."""
    sweep = {"temperature": np.linspace(2.0, 300.0, 200), "field": 1.0, "chunk_points": 1}
    om.sweep(FILM, **sweep, store=tmp_path / "kept")
    taken = best(lambda: om.sweep(FILM, **sweep, store=tmp_path / "kept"), 3)
    RESULTS["reopening a store [ms per box]"] = 1e3 * taken / 200


STREAM = r"""
import sys, tempfile, time
from pathlib import Path
import numpy as np
import openmr as om
rows = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    start = time.perf_counter()
    om.sweep(om.presets.pt_py(), temperature=np.linspace(2, 300, rows),
             field=np.linspace(0, 14, 1000), store=folder + "/kept")
    peak = next(s for s in Path("/proc/self/status").read_text().split("\n") if "VmHWM" in s)
    print(time.perf_counter() - start, int(peak.split()[1]) / 2**20)
"""


@pytest.mark.parametrize("rows", [300, int(os.environ.get("OPENMR_ROWS", "1000"))])
def test_streaming_through_a_store(rows):
    """OPENMR_ROWS=100000 makes the 1e8 points of the claim; memory does not grow with them."""
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(rows)], capture_output=True, text=True, check=True
    )
    seconds, gibibytes = map(float, done.stdout.split())
    RESULTS[f"{1000 * rows:.0e} points through a store [us per point]"] = 1e3 * seconds / rows
    RESULTS[f"{1000 * rows:.0e} points through a store: peak memory [GiB]"] = gibibytes
    assert gibibytes < 2


@pytest.mark.parametrize("count", [10_000, 1_000_000])
def test_peak_memory(count):
    temperature, field = grid(count)
    tracemalloc.start()
    om.relaxation(FILM, temperature, field, method="batched")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    RESULTS[f"batched, {count} points: peak memory [bytes per point]"] = peak / count


@pytest.mark.parametrize("method", ["closed-form", "batched"])
def test_one_call(benchmark, method):
    temperature, field = grid(10_000)
    benchmark.group = "1e4 points"
    benchmark(om.relaxation, FILM, temperature, field, method=method)
