"""Sweeps: labels, round trips, executors, and the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray
from nearness import approx
from refusals import unclear
from systems import FILM_TABLES, MOMENTS_TABLE, antiferromagnet, oriented, reference_film
from threadpoolctl import threadpool_info, threadpool_limits

import openmr as om
from openmr.apps import cli
from openmr.rates.methods import METHODS
from openmr.rates.relaxation import relaxation_at
from openmr.sample.parameters import varied
from openmr.sweeps import plan, workers
from openmr.sweeps.plan import VARIABLES, Plan, task_of

module = import_module("openmr.sweeps.sweep")
FILM = om.presets.pt_py()
GRID = {"temperature": np.array([5.0, 20.0, 80.0, 200.0]), "field": np.array([0.0, 3.0, 9.0])}
ROUNDING = 1e-12
"""Vector instructions round the ends of an array differently; far from T_C that is all."""


def test_equals_the_calls_it_stands_for():
    directions = np.array([[1.0, 0, 0], [0, 1.0, 1.0]])
    couplings, widths = [-1e-3, 0.0, 2e-3], [3e-9, 6e-9]
    found = om.sweep(
        FILM, **GRID, direction=directions, exchange_energy=couplings, thickness=widths
    )
    assert found.longitudinal_rate.dims == ("exchange_energy", "thickness", "temperature", "field")
    assert found.longitudinal_resistivity.dims[-1] == "direction"
    for coupling in found.exchange_energy.values:
        for thickness in found.thickness.values:
            sample = om.presets.pt_py(coupling)
            sample = replace(sample, film=replace(sample.film, thickness=thickness))
            part = found.sel(exchange_energy=coupling, thickness=thickness)
            for k, direction in enumerate(directions):
                rho = om.magnetoresistance(
                    sample, GRID["temperature"][:, None], GRID["field"], direction
                )
                for name, variable in VARIABLES.items():
                    values = part[name].isel(direction=k) if variable.directional else part[name]
                    np.testing.assert_allclose(values, variable.of(rho), rtol=ROUNDING, atol=1e-25)


def test_a_sweep_of_the_wrong_axis_is_noticed():
    """The negative test: temperature and field exchanged give other numbers."""
    right = om.sweep(FILM, temperature=[4.0, 9.0], field=[9.0, 4.0])
    wrong = om.sweep(FILM, temperature=[9.0, 4.0], field=[4.0, 9.0])
    assert np.abs(right.precession.values / wrong.precession.values - 1).max() > 1e-2


PARAMETERS = {
    "thickness": [1e-9, 5e-9],
    "spin_hall_angle": [0.05, 0.1],
    "diffusion_at_fixed_spin_flip_time": [1e-6, 2e-6],
    "diffusion_at_fixed_diffusion_length": [1e-6, 2e-6],
    "spin_flip_time": [1e-12, np.inf],
    "diffusion_length": [1e-9, 3e-9],
    "resistivity": [1e-6, 2e-6],
    "dos": [2e27, 5e27],
    "dos_up": [2e27, 5e27],
    "dos_down": [2e27, 5e27],
    "electron_g": [1.9, 2.1],
    "spin": [0.5, 3.5],
    "density_at_fixed_exchange": [1e26, 2e27],
    "density_at_fixed_exchange_energy": [1e26, 2e27],
    "moment_g": [1.5, 2.5],
    "exchange": [1e-30, 2e-30],
    "exchange_energy": [(1e-3, 0.5e-3, 0.2e-3), (0.0, 1e-3, 0.0)],
    "exchange_energy_in_proportion": [1e-3, 2e-3],
    "weiss": [0.0, 2e-3],
    "curie_temperature": [10.0, 60.0],
    "ordering_temperature": [10.0, 60.0],
    "disorder": ["random", "lattice"],
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_becomes_a_dimension_that_matters(name):
    values = PARAMETERS[name]
    found = om.sweep(FILM, temperature=12.0, field=4.0, **{name: values})
    assert found.sizes[name] == 2
    both = [found[v].values for v in VARIABLES]
    assert any(abs(pair[0] - pair[1]) > 1e-6 * np.abs(pair).max() for pair in both)
    label = f"{name}_vector" if f"{name}_vector" in found.coords else name
    assert "units" in found[label].attrs


def test_what_is_not_named_stays():
    """As the name says; J0 along spin, or the ordering temperature if given."""
    point = {"temperature": 12.0, "field": 4.0}
    first = FILM.magnet.sublattices[0]
    j, energy = first.exchange, first.exchange_energy
    cases = {
        "density_at_fixed_exchange": ([1e27, 3e27], {"exchange": j}, {"exchange_energy": energy}),
        "density_at_fixed_exchange_energy": (
            [1e27, 3e27], {"exchange_energy": energy}, {"exchange": j}
        ),
        "spin": (
            [1.0, 3.0],
            {"weiss": FILM.magnet.weiss[0][0]},
            {"curie_temperature": om.curie_temperature(FILM.magnet)},
        ),
        "diffusion_at_fixed_spin_flip_time": (
            [1e-6, 4e-6],
            {"spin_flip_time": FILM.film.spin_flip_time},
            {"diffusion_length": FILM.film.diffusion_length},
        ),
        "diffusion_at_fixed_diffusion_length": (
            [1e-6, 4e-6],
            {"diffusion_length": FILM.film.diffusion_length},
            {"spin_flip_time": FILM.film.spin_flip_time},
        ),
    }  # fmt: skip
    for name, (values, held, other) in cases.items():
        plain, same, changed = (
            om.sweep(FILM, **point, **{name: values}, **more) for more in ({}, held, other)
        )
        for variable in ("longitudinal_resistivity", "precession"):
            np.testing.assert_allclose(plain[variable], same[variable], rtol=1e-12)
        ratio = plain.longitudinal_resistivity / changed.longitudinal_resistivity
        assert abs(float(ratio[1]) - 1) > 1e-6, name
    density = {"density_at_fixed_exchange_energy": [1e27, 3e27]}
    energy = om.sweep(FILM, **point, **density, exchange_energy=-1e-3)
    assert float(energy.precession[0]) == approx(float(energy.precession[1]), rel=1e-12)
    assert float(energy.exchange_energy) == -1e-3


OLD = {
    "density": ("density_at_fixed_exchange", [1e27, 3e27]),
    "diffusion": ("diffusion_at_fixed_spin_flip_time", [1e-6, 4e-6]),
}


@pytest.mark.parametrize("old", OLD)
def test_old_names_warn_and_give_the_same_under_the_name_that_was_asked_for(old, tmp_path):
    new, values = OLD[old]
    with pytest.warns(DeprecationWarning, match=f"`{old}` is now `{new}`") as said:
        found = om.sweep(FILM, **GRID, **{old: values}, store=tmp_path / "kept")
    assert said[0].filename == __file__
    expected = om.sweep(FILM, **GRID, **{new: values})
    xarray.testing.assert_allclose(found.rename({old: new}), expected, rtol=ROUNDING, atol=1e-25)
    with (
        pytest.warns(DeprecationWarning, match=new),
        pytest.raises(om.ParameterError, match="exactly one of"),
    ):
        om.sweep(FILM, **GRID, **{old: values, new: values[0]})


def test_neel_temperature_of_an_antiferromagnet():
    sample = antiferromagnet()
    found = om.sweep(sample, temperature=30.0, field=0.0, neel_temperature=[20.0, 40.0, 60.0])
    for kelvin, rate in zip((20.0, 40.0, 60.0), found.longitudinal_rate.values, strict=True):
        magnet = om.Magnet(sample.magnet.sublattices, neel_temperature=kelvin)
        alone = om.relaxation(replace(sample, magnet=magnet), 30.0, 0.0)
        assert rate == approx(float(alone.longitudinal), rel=1e-12)


def test_options_of_numpy_are_kept():
    options = {"electron_splitting": np.True_}
    found = om.sweep(FILM, **GRID, method="batched", options=options)
    assert json.loads(found.attrs["description"])["options"] == {"electron_splitting": True}


@pytest.mark.parametrize(
    "value",
    [np.longdouble(1), np.ones(2, np.longdouble), [np.clongdouble(1)], np.timedelta64(5, "ns")],
)
def test_options_that_no_file_can_keep_are_refused(value):
    with pytest.raises(om.ParameterError, match=r"`options` must be plain.*cannot be kept$"):
        om.sweep(FILM, **GRID, method="batched", options={"electron_splitting": value})


def test_spins_that_never_flip_along_an_axis():
    found = om.sweep(FILM, temperature=12.0, field=4.0, spin_flip_time=[1e-12, np.inf])
    difference = found.longitudinal_rate[0] - found.longitudinal_rate[1]
    assert float(difference) == approx(1e12, rel=1e-12)


def test_numbers_make_no_dimension_but_are_kept():
    found = om.sweep(FILM, temperature=12.0, field=[1.0, 2.0], spin=1.5)
    assert dict(found.sizes) == {"field": 2, "component": 3}
    assert float(found.temperature) == 12.0
    assert (
        json.loads(found.attrs["description"])["sample"]["magnet"]["sublattices"][0]["spin"] == 1.5
    )
    one = om.sweep(FILM, temperature=12.0, field=1.0, exchange_energy=(1e-3, 2e-3, 0.0))
    assert one.longitudinal_rate.ndim == 0


def test_units_equations_and_metadata():
    found = om.sweep(FILM, **GRID, method="batched", options={"electron_splitting": True})
    for name in VARIABLES:
        assert found[name].attrs["units"]
        assert found[name].attrs["equation"].startswith("(")
    told = json.loads(found.attrs["description"])
    assert told["version"] == om.__version__
    assert told["options"] == {"electron_splitting": True}
    assert told["sample"]["film"]["thickness"] == FILM.film.thickness


def test_netcdf_round_trip(tmp_path):
    found = om.sweep(FILM, **GRID, direction=np.eye(3), disorder=["random", "lattice"])
    found = found.assign(decay=found.longitudinal_rate + 1j * found.precession)
    target = tmp_path / "sweep.nc"
    found.to_netcdf(target, engine="h5netcdf")
    xarray.testing.assert_identical(xarray.load_dataset(target, engine="h5netcdf"), found)


def test_vectors_are_chosen_and_drawn_by_their_components(tmp_path):
    """A label for every value, the same in memory, from a store and from a file."""
    quarter = 0.5 * np.pi
    directions = [(1, 0, 0), (np.cos(quarter), -np.sin(quarter), -0.0), (0, 3, 4)]
    couplings = [(1e-3, 0.0, -5e-4), (1e-3, 1e-3, 1e-3)]
    axes = {**GRID, "direction": directions, "exchange_energy": couplings}
    found = om.sweep(FILM, **axes)
    assert found.direction.values.tolist() == ["1 0 0", "0 -1 0", "0 0.6 0.8"]
    assert found.exchange_energy.values.tolist() == ["0.001 0 -0.0005", "0.001 0.001 0.001"]
    assert found.exchange_energy.attrs["units"] == "eV"
    np.testing.assert_allclose(found.direction_vector[2], [0.0, 0.6, 0.8], rtol=ROUNDING)
    np.testing.assert_array_equal(found.exchange_energy_vector, couplings)
    chosen = found.sel(direction="0 0.6 0.8", exchange_energy="0.001 0.001 0.001")
    expected = om.magnetoresistance(
        om.presets.pt_py(1e-3), GRID["temperature"][:, None], GRID["field"], (0, 0.6, 0.8)
    )
    np.testing.assert_allclose(
        chosen.longitudinal_resistivity, expected.longitudinal, rtol=ROUNDING
    )
    om.sweep(FILM, **axes, store=tmp_path / "kept")
    stored = om.sweep(FILM, **axes, store=tmp_path / "kept")
    stored.to_netcdf(tmp_path / "sweep.nc", engine="h5netcdf")
    reopened = xarray.load_dataset(tmp_path / "sweep.nc", engine="h5netcdf")
    for kept in (stored, reopened):
        xarray.testing.assert_identical(kept.coords.to_dataset(), found.coords.to_dataset())
        _, ax = plt.subplots()
        one = kept.longitudinal_resistivity.sel(exchange_energy="0.001 0 -0.0005", temperature=5.0)
        one.plot(x="field", hue="direction", ax=ax)
        legend = [text.get_text() for text in ax.get_legend().get_texts()]
        assert legend == found.direction.values.tolist()
        one.isel(field=0).plot(x="direction")  # text may stand on an axis, too
        plt.close("all")


@pytest.mark.parametrize("method", ["closed-form", "batched", "bloch-redfield"])
@pytest.mark.parametrize("points", [1, 2, 5, 1000])
def test_any_cut_gives_the_same(method, points):
    if method == "bloch-redfield" and points != 5:
        return
    whole = om.sweep(FILM, **GRID, spin=[0.5, 2.0], method=method, chunk_points=1000)
    found = om.sweep(FILM, **GRID, spin=[0.5, 2.0], method=method, chunk_points=points)
    xarray.testing.assert_allclose(found, whole, rtol=ROUNDING, atol=1e-25)


@pytest.mark.parametrize("points", [1, 3, 7, 24, 100])
def test_boxes_cover_every_point_once(points):
    task = task_of(FILM, {"spin": [0.5, 1.0, 1.5], **GRID, "direction": (1, 0, 0)}, "batched", {})
    plan = module.cut(task, 1.0, points)
    assert plan.count == len(list(plan.boxes()))
    count = np.zeros(plan.task.shape, dtype=int)
    for box in plan.boxes():
        count[box] += 1
        assert count[box].size <= points
    assert np.all(count == 1)


def test_rates_are_found_once_for_all_films_of_one_magnet(monkeypatch):
    axes = {"spin": [1.0, 2.0], "spin_flip_time": [1e-12, 3e-12], "thickness": [2e-9, 5e-9, 9e-9]}
    given = {"temperature": [10.0, 40.0], "field": [1.0, 5.0], "chunk_points": 1000}
    asked = []

    def counted(state, **options):
        if state.temperature.size:  # options are tried without points first
            asked.append(state.sample)
        return relaxation_at(state, **options)

    monkeypatch.setattr(plan, "relaxation_at", counted)
    found = om.sweep(FILM, **axes, **given)
    assert len(asked) == 2
    monkeypatch.setattr(plan, "_same_moments", lambda one, other: False)
    xarray.testing.assert_identical(om.sweep(FILM, **axes, **given), found)
    assert len(asked) == 2 + 2 * 2 * 3


def cut_of(method="batched", seconds=1.0, **axes):
    axes = {"temperature": 10.0, "field": 5.0, "direction": (1, 0, 0), **axes}
    return module.cut(task_of(FILM, axes, method, {}), seconds)


def test_boxes_are_sized_by_the_declared_cost():
    """A tenth of the time, a tenth of the points, whatever the machine is doing."""
    for method, many in (("batched", 400_000), ("bloch-redfield", 4000), ("tcl2", 200)):
        task_cost = METHODS[method].cost
        grid = {"temperature": np.linspace(5, 90, many)}
        for seconds in (1.0, 0.1):
            found = cut_of(method, max(seconds, task_cost), **grid)
            assert found.chunks == cut_of(method, max(seconds, task_cost), **grid).chunks
            expected = min(many, max(1.0, seconds / task_cost))
            assert 0.4 * expected <= found.chunks[0] <= 1.01 * expected


def test_a_sample_costs_more_than_a_point_and_a_direction_less():
    many = np.linspace(1e-9, 9e-9, 10_000)
    films = cut_of(thickness=many)
    assert np.prod(films.chunks) == approx(1.0 / plan._SAMPLE_COST, rel=0.2)
    tilted = cut_of("tcl2", temperature=[5.0, 9.0, 10.0], direction=np.ones((1000, 3)))
    assert tilted.chunks == (3, 1000)


def test_a_sweep_of_days_is_no_million_of_files():
    for method in METHODS:
        found = cut_of(method, temperature=np.linspace(5, 90, 351), field=np.linspace(0, 9, 347))
        assert 1 <= found.count <= 1.1 * plan._MOST_BOXES


def test_declared_costs_are_of_the_right_size():
    """Within a factor of ten of this machine: what a box takes is no more certain than that."""
    own = reference_film(oriented(2.5, anisotropy=(-4e-4, 1e-4)), weiss=1.2e-3)
    films = [(FILM, one) for one in ("closed-form", "batched", "bloch-redfield", "evolution")]
    for film, method in [*films, (own, "batched")]:
        many = 20_000 if METHODS[method].takes_grids else 4
        many = 1000 if film is own else many
        grid = {"temperature": np.linspace(5, 90, many), "field": 5.0, "direction": (1, 0, 0)}
        task = task_of(film, grid, method, {})
        plan.evaluate(task)
        start = time.process_time()
        plan.evaluate(task)
        declared = (plan.cost(task, task.shape) - plan._SAMPLE_COST) / many
        taken = (time.process_time() - start) / many
        assert 0.1 < taken / declared < 10.0, (film.name, method)


def submitted(executor):
    return om.sweep(FILM, **GRID, spin=[0.5, 2.0], chunk_points=3, executor=executor)


def test_threads_and_processes_give_the_same():
    alone = submitted(None)
    with ThreadPoolExecutor(2) as pool:
        xarray.testing.assert_allclose(submitted(pool), alone, rtol=ROUNDING, atol=1e-25)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        xarray.testing.assert_allclose(submitted(pool), alone, rtol=ROUNDING, atol=1e-25)


def test_an_error_in_a_worker_comes_back_and_the_rest_is_cancelled(monkeypatch):
    calls = []

    def fails(task, version):
        calls.append(task)
        raise om.ConvergenceError("no")

    monkeypatch.setattr(module, "_alone", fails)
    with ThreadPoolExecutor(1) as pool, pytest.raises(om.ConvergenceError, match="no"):
        om.sweep(FILM, temperature=np.linspace(1, 9, 100), field=1.0, chunk_points=1, executor=pool)
    assert len(calls) <= module._WAITING * 2 + 1


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_workers_take_one_blas_thread(monkeypatch):
    monkeypatch.setattr(module, "evaluate", lambda task: blas_threads())
    with threadpool_limits(limits=2, user_api="blas"):
        assert set(module._alone(None, om.__version__)) == {1}
        assert set(blas_threads()) == {2}


class Killing:
    """An executor that shoots one of Dask's workers after some boxes."""

    _max_workers = 2

    def __init__(self, executor, victim, after):
        self.executor, self.victim, self.after, self.count = executor, victim, after, 0
        self._client, self.tasks = executor._client, set()

    def submit(self, *arguments, **options):
        self.count += 1
        if self.count == self.after:
            os.kill(self.victim, signal.SIGKILL)
        future = self.executor.submit(*arguments, **options)
        self.tasks |= set(self._client.futures)
        return future


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask_with_a_worker_killed_loses_and_doubles_nothing(monkeypatch):
    distributed = pytest.importorskip("distributed")
    written = []
    finished = module._finished

    def counted(*arguments):
        for box, values in finished(*arguments):
            written.append(box)
            yield box, values

    monkeypatch.setattr(module, "_finished", counted)
    sweep = {
        "temperature": np.linspace(5, 100, 30), "field": 3.0,
        "method": "bloch-redfield", "chunk_points": 1,
    }  # fmt: skip
    alone = om.sweep(FILM, **sweep)
    written.clear()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        workers = client.run(os.getpid)
        executor = Killing(client.get_executor(), next(iter(workers.values())), after=12)
        found = om.sweep(FILM, **sweep, executor=executor)
        assert executor.count == 30
        # tasks of its own: Dask's news of the end of those before would cancel equal ones
        again = Killing(client.get_executor(), victim=0, after=0)
        om.sweep(FILM, **sweep, executor=again)
        assert len(executor.tasks) == len(again.tasks) == 30
        assert not executor.tasks & again.tasks
    assert len(written) == 60
    assert len({box[0].start for box in written[:30]}) == 30
    xarray.testing.assert_allclose(found, alone, rtol=ROUNDING, atol=1e-25)


@pytest.fixture
def pool():
    """Two processes that know what a test has put in place of functions when they start."""
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        yield pool


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_that_is_interrupted_does_not_live_on(pool, monkeypatch, tmp_path):
    """It could keep the lock of all answers: a hang in one of fifty interrupts."""
    monkeypatch.setattr(module, "evaluate", lambda task: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(om.WorkerError, match="holds 0 of 3 boxes"):
        om.sweep(
            FILM, temperature=[5, 6, 7], field=3.0, chunk_points=1, executor=pool,
            store=tmp_path / "s",
        )  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_half_an_answer_is_not_waited_for(pool, monkeypatch):
    monkeypatch.setattr(workers, "_LONGEST_SILENCE", 1.0)

    def half(task):
        head = (1000).to_bytes(4, "big")  # of an answer of a thousand bytes
        os.write(pool._result_queue._writer.fileno(), head + bytes(10))
        os._exit(1)

    monkeypatch.setattr(module, "evaluate", half)
    with pytest.raises(om.WorkerError, match=r"in the middle of its answer.* nothing is kept"):
        om.sweep(FILM, temperature=[5, 6, 7], field=3.0, chunk_points=1, executor=pool)


@contextmanager
def dask_without_nannies():
    """A client of Dask, and how to start a worker that nobody starts again."""
    distributed = pytest.importorskip("distributed")
    workers = []
    with (
        distributed.LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address=":0", silence_logs=60
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def start():
            options = f"{cluster.scheduler_address} --no-nanny --no-dashboard --nthreads 1"
            command = [sys.executable, "-m", "distributed.cli.dask_worker", *options.split()]
            workers.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            return workers[-1].pid

        try:
            yield client, start
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_dask_without_its_last_worker_ends_and_goes_on_from_what_is_kept(tmp_path, monkeypatch):
    sweep = {
        "temperature": np.linspace(5, 100, 12), "field": 3.0,
        "method": "batched", "chunk_points": 1,
    }  # fmt: skip
    monkeypatch.setattr(workers, "_LONGEST_GAP", 2.0)
    with dask_without_nannies() as (client, start):
        victim = start()
        client.wait_for_workers(1)
        executor = Killing(client.get_executor(), victim, after=10)
        with pytest.raises(om.WorkerError, match=r"no worker for 2 s; .* holds [1-9] of 12 boxes"):
            om.sweep(FILM, **sweep, executor=executor, store=tmp_path / "s")
        # none that has not come yet is missed, for longer than one that is lost
        late = threading.Timer(3.0, start)
        late.start()
        try:
            rest = om.sweep(FILM, **sweep, executor=client.get_executor(), store=tmp_path / "s")
        finally:
            late.cancel()
    xarray.testing.assert_identical(rest.load(), om.sweep(FILM, **sweep).load())


CONFIG = """
method = "batched"
[sample]
preset = "pt_py"
exchange_energy = [-1e-3, -1e-3, -5e-4]
[sweep]
temperature = { from = 2.0, to = 300.0, points = 4, spacing = "log" }
field = [0.0, 5.0]
spin = [1.0, 2.0]
[options]
electron_splitting = true
"""

WHOLE = f"""
[sample]
name = "mine"
weiss = 1.3e-3
{FILM_TABLES}{MOMENTS_TABLE}[sweep]
temperature = 10.0
field = {{ from = 0.0, to = 10.0, points = 3 }}
"""


def run(tmp_path, text, *more):
    config, target = tmp_path / "film.toml", tmp_path / "out.nc"
    config.write_text(text)
    status = cli.main(["sweep", "-c", str(config), "-o", str(target), "-q", *more])
    return status, target


def test_command_line(tmp_path, capsys):
    status, target = run(tmp_path, CONFIG)
    assert status == 0
    found = xarray.load_dataset(target, engine="h5netcdf")
    expected = om.sweep(
        om.presets.pt_py((-1e-3, -1e-3, -5e-4)), spin=[1.0, 2.0], field=[0.0, 5.0],
        temperature=np.geomspace(2, 300, 4), method="batched", options={"electron_splitting": True},
    )  # fmt: skip
    xarray.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=1e-25)
    assert "out.nc" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.toml", "out.nc"]


@pytest.mark.slow
def test_command_line_says_which_name_is_old(tmp_path):
    """In a new interpreter, which shows such warnings to no user unless asked to."""
    config, target = tmp_path / "film.toml", tmp_path / "out.nc"
    config.write_text(WHOLE + "density = [1e27, 2e27]\n")
    done = subprocess.run(
        [sys.executable, "-m", "openmr", "sweep", "-c", config, "-o", target, "-q"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "`density` is now `density_at_fixed_exchange`" in done.stderr
    assert xarray.load_dataset(target, engine="h5netcdf").sizes["density"] == 2


def test_command_line_with_a_whole_sample_a_store_and_processes(tmp_path):
    status, target = run(tmp_path, WHOLE, "--store", str(tmp_path / "kept"), "-j", "2")
    assert status == 0
    found = xarray.load_dataset(target, engine="h5netcdf")
    assert dict(found.sizes) == {"field": 3, "component": 3}
    assert (tmp_path / "kept" / "zarr.json").is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample = 3", "must have a table [sample]"),
        ("[sample]\npreset = 'pt_py'", "must have a table [sweep]"),
        ("[sample", "is not TOML"),
        (CONFIG.replace("pt_py", "fe"), "`sample.preset` must be one of pt, ta, pt_py, pt_yig, pt"),
        (CONFIG.replace("field", "feild"), "`sweep.field` must be given"),
        (CONFIG.replace("spin =", "spni ="), "unknown key `sweep.spni`; known are"),
        (CONFIG.replace("[options]", "[option]"), "unknown key `option`"),
        (CONFIG.replace("points = 4", "points = 0"), "`sweep.temperature.points` must be"),
        (CONFIG.replace("points = 4,", ""), "`sweep.temperature` lacks points"),
        (CONFIG.replace('"log"', '"cubic"'), "spacing` must be linear or log, got 'cubic'"),
        (CONFIG.replace("from = 2.0", "from = -2.0"), "must run between numbers > 0"),
        (CONFIG.replace("electron_splitting", "speed"), "takes no option `speed`"),
        (CONFIG.replace('"batched"', '"guess"'), "`method` must be one of"),
        (CONFIG.replace("spin = [1.0, 2.0]", "spin = [1.0, 0.3]"), "`spin` must be a positive"),
        (CONFIG.replace("field = [0.0, 5.0]\n", ""), "`sweep.field` must be given"),
        (
            CONFIG.replace("exchange_energy", "coupling"),
            "unknown key `sample.coupling`; known are sample.exch",
        ),
        (WHOLE.replace("thickness", "height"), "unknown key `sample.film.height`; known are sampl"),
        (WHOLE.replace("spin = 2.0\n", ""), "[sample.moments] lacks `spin`; known are sample.mo"),
        (WHOLE.replace("fermi_energy", "energy"), "unknown key `sample.electrons.energy`; known"),
        (WHOLE.replace("[sample.film]", "[sample.foil]"), "unknown key `sample.foil`"),
        (WHOLE.replace("spin = 2.0", "spin = 0.2"), "`spin` must be a positive half-integer"),
    ],
)
def test_bad_configs_give_one_line(tmp_path, capsys, text, message):
    status, target = run(tmp_path, text)
    captured = capsys.readouterr()
    assert status == 2
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not target.exists()


def test_bad_targets_are_noticed_before_anything_is_computed(tmp_path, capsys):
    config = tmp_path / "film.toml"
    config.write_text(CONFIG)
    for target in (tmp_path, tmp_path / "none" / "out.nc"):
        assert cli.main(["sweep", "-c", str(config), "-o", str(target)]) == 2
        assert "`--output` must be a file" in capsys.readouterr().err
    assert cli.main(["sweep", "-c", str(tmp_path / "no.toml"), "-o", str(tmp_path / "o.nc")]) == 2
    assert "`config` must be a file to read" in capsys.readouterr().err
    assert cli.main(["sweep", "-c", str(config), "-o", str(tmp_path / "o.nc"), "-j", "0"]) == 2


BAD = [
    (lambda: om.sweep("film", **GRID), "`sample` must be an openmr.Sample"),
    (lambda: om.sweep(FILM, **GRID, speed=[1, 2]), "unknown parameter `speed`; known are"),
    (lambda: om.sweep(FILM, **GRID, speed=1), "unknown parameter `speed`"),
    (lambda: om.sweep(FILM, temperature=[-1.0, 2.0], field=0.0), "`temperature` must be > 0 K"),
    (lambda: om.sweep(FILM, temperature=[[1.0]], field=0.0), "`temperature` must be a number or"),
    (lambda: om.sweep(FILM, temperature=[], field=0.0), "`temperature`.*not empty"),
    (lambda: om.sweep(FILM, **GRID, thickness=[1e-9, -1e-9]), "`thickness` must be.*-1e-09"),
    (lambda: om.sweep(FILM, **GRID, exchange_energy=np.ones((2, 2))), "or \\(n, 3\\)"),
    (lambda: om.sweep(FILM, **GRID, direction=[[0, 0, 0]]), "`direction` must have a length"),
    (lambda: om.sweep(FILM, **GRID, method="guess"), "`method` must be one of"),
    (lambda: om.sweep(FILM, **GRID, executor=4), "`executor` must be a concurrent.futures"),
    (lambda: om.sweep(FILM, **GRID, chunk_points=0), "`chunk_points`.*>= 1"),
    (lambda: om.sweep(FILM, **GRID, chunk_seconds=0), "`chunk_seconds`.*> 0"),
    (lambda: om.sweep(FILM, **GRID, disorder=["glass"]), "`disorder` must be one of"),
    (lambda: om.sweep(FILM, **GRID, weiss=0.0, curie_temperature=[1.0]), "exactly one of `weiss`"),
    (
        lambda: om.sweep(FILM, **GRID, store="/proc/x", chunk_points=99),
        "`store` must be a path to write to, got '/proc/x': No such",
    ),
    (lambda: om.sweep(FILM, **GRID, store=5, chunk_points=99), "`store` must be a path, got 5"),
    (lambda: om.sweep(FILM, **GRID, curie_temperature=[-1.0]), "`curie_temperature`.*>= 0 K"),
    (
        lambda: om.sweep(FILM, temperature=np.r_[np.linspace(1, 9, 50), 1e10], field=0.0),
        "`temperature` must be between 1e-09 and 1e\\+09 K, got 10000000000.0",
    ),
    (lambda: om.sweep(FILM, temperature=5.0, field=[0.0, 1e13]), "`field` must be between"),
    (
        lambda: om.sweep(FILM, temperature=np.ma.array([1.0, 2.0], mask=[0, 1]), field=0.0),
        "`temperature` must be finite real numbers",
    ),
    (
        lambda: om.sweep(
            FILM, **GRID, exchange=[1e-30, 1e-27], density_at_fixed_exchange=[1e25, 1e31]
        ),
        "`exchange` times `density` must be at most",
    ),
    (
        lambda: om.sweep(FILM, **GRID, ordering_temperature=[9.0], weiss=[0.0, 1e-3]),
        "exactly one of `ordering_temperature` and `weiss`",
    ),
    (
        lambda: om.sweep(FILM, **GRID, dos_up=1e27, dos=[1e27, 2e27]),
        "exactly one of `dos_up` and `dos` may be given",
    ),
    (
        lambda: om.sweep(FILM, **GRID, density_at_fixed_exchange=[-1e27]),
        r"`density_at_fixed_exchange` must be .*m\^-3, got -1e\+27",
    ),
    (
        lambda: om.sweep(om.presets.pt_py(0.0), **GRID, exchange_energy_in_proportion=1e-3),
        "`exchange_energy_in_proportion` must not start from 0",
    ),
    (
        lambda: om.sweep(FILM, **GRID, options={"method": "batched"}),
        "`options` must be options of the method, got `method`",
    ),
    (
        lambda: om.sweep(FILM, **GRID, options={"azimuth": [0.0, 1.0]}),
        "`azimuth` must be one angle in rad in a sweep",
    ),
    (
        lambda: om.sweep(FILM, **GRID, options={"form": len}),
        "`options` must be plain values.*cannot be kept",
    ),
    (lambda: om.sweep(FILM, **GRID, neel_temperature=[9.0]), "`neel_temperature` is for two subl"),
    (
        lambda: om.sweep(antiferromagnet(), **GRID, curie_temperature=[9.0]),
        "`curie_temperature` is for one sublattice, got 2",
    ),
    (
        lambda: om.sweep(
            FILM, temperature=np.linspace(1, 9, 40000), field=np.linspace(0, 9, 40000)
        ),
        r"at most 8 GiB without `store`, got 1.6e\+09 points",
    ),
]  # fmt: skip


def test_bad_input():
    assert unclear(BAD) == {}


def test_the_ends_of_two_axes_are_tried_together_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(module, "evaluate", lambda task: pytest.fail("computed"))
    with pytest.raises(om.ParameterError, match="`exchange` times `density` must be at most"):
        om.sweep(FILM, **GRID, exchange=[1e-30, 1e-27], density_at_fixed_exchange=[1e25, 1e31])


def test_two_sublattices():
    one = om.Moments(spin=2, density=1e27, exchange_energy=1e-3)
    sample = replace(FILM, magnet=om.Magnet([one, one], [[0, -1e-3], [-1e-3, 0]]))
    found = om.sweep(sample, temperature=[5.0, 50.0], field=0.0, exchange_energy=[1e-3, 2e-3])
    assert np.all(found.precession == 0.0)
    with pytest.raises(om.ParameterError, match=r"`weiss` must have shape \(2, 2\)"):
        om.sweep(sample, temperature=5.0, field=0.0, weiss=[1e-3])


LIGHT = """
import sys, openmr as om
om.magnetoresistance(om.presets.pt_py(), [10.0, 20.0], 5.0, (1, 0, 0))
om.relaxation(om.presets.pt_py(), 10.0, 5.0, method="batched")
om.sectors.joint_spectrum([0.5], [1.0], [(1, 1, 1)])
print([m for m in ("qutip", "matplotlib", "xarray", "dask", "zarr", "pandas") if m in sys.modules])
"""


def test_the_closed_form_line_imports_nothing_heavy():
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


def test_help_says_how_to_use_it(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "usage: openmr" in capsys.readouterr().out


BAD_TOML = [
    ('options = 3\n[sample]\npreset = "pt_py"', "table [options], got 3"),
    ("[sample]\npreset = [1]", "pt_yig, pt_eus, pt_ggg, pt_nio, cu_mn, cu_fe, got [1]"),
    ("[sample]\nfilm = 3\nelectrons = 2\nmoments = 1", "`sample.film` must be a table, got 3"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TOML)
def test_toml_that_does_not_fit(tmp_path, text, message, capsys):
    path = tmp_path / "film.toml"
    path.write_text(text + "\n[sweep]\ntemperature = 10.0\nfield = 1.0\n")
    assert cli.main(["sweep", "-c", str(path), "-o", str(tmp_path / "out.nc"), "-q"]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("value", ['{from = "a", to = 2, points = 3}', "[[1], [2, 3]]"])
def test_values_that_do_not_fit(tmp_path, value, capsys):
    path = tmp_path / "film.toml"
    path.write_text(f'[sample]\npreset = "pt_py"\n[sweep]\ntemperature = {value}\nfield = 1.0\n')
    assert cli.main(["sweep", "-c", str(path), "-o", str(tmp_path / "out.nc"), "-q"]) == 2
    assert "temperature" in capsys.readouterr().err


LONG = """
method = "tcl2"
[sample]
preset = "pt_py"
[sweep]
temperature = { from = 2.0, to = 300.0, points = 400 }
field = [0.0, 5.0]
"""


def alive(process):
    """Whether it runs, and is no zombie that waits for its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(process):
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except OSError:  # it is gone
            continue
    return found


def gone(processes):
    deadline = time.monotonic() + 30
    while any(map(alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextmanager
def long_sweep(tmp_path, *more):
    """`openmr sweep` with two workers at work, and the workers, in a process group of its own."""
    (tmp_path / "film.toml").write_text(LONG)
    command = [sys.executable, "-m", "openmr", "sweep", "-c", tmp_path / "film.toml"]
    started = subprocess.Popen(
        [*command, "-o", tmp_path / "o.nc", "-q", "-j", "2", *more],
        stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=Path(__file__).parents[2],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 60
    store = tmp_path / "kept" / "drho2" / "c"
    while not (store.exists() and any(store.iterdir())):
        assert time.monotonic() < deadline
        assert started.poll() is None, started.stderr.read()
        time.sleep(0.1)
    at_work = children(started.pid)
    try:
        yield started, at_work
    finally:
        for process in (started.pid, *at_work):
            if alive(process):
                os.kill(process, signal.SIGKILL)
        started.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("everyone", [False, True], ids=["parent", "group"])
def test_a_signal_ends_the_workers_too_and_prints_one_line(tmp_path, number, everyone):
    with long_sweep(tmp_path, "--store", tmp_path / "kept") as (started, at_work):
        assert len(at_work) == 2
        (os.killpg if everyone else os.kill)(started.pid, number)
        assert started.wait(timeout=30) == 128 + number
        assert gone(at_work)
        said = started.stderr.read()
    assert said.count("\n") == 1
    assert re.fullmatch(r"openmr: interrupted; .*kept keeps what is done, and the .*\n", said)
    assert not (tmp_path / "o.nc").exists()


@pytest.mark.slow
def test_no_worker_outlives_a_parent_that_is_killed(tmp_path):
    with long_sweep(tmp_path, "--store", tmp_path / "kept") as (started, at_work):
        started.kill()
        assert gone(at_work)


@pytest.mark.slow
def test_a_killed_worker_is_told_with_what_is_kept(tmp_path):
    with long_sweep(tmp_path, "--store", tmp_path / "kept") as (started, at_work):
        os.kill(at_work[0], signal.SIGKILL)
        assert started.wait(timeout=60) == 2
        assert gone(at_work)
        said = started.stderr.read()
    assert said.count("\n") == 1
    assert re.search(r"`executor` failed .* holds \d+ of \d+ boxes; the same call .* goes on", said)


def test_without_a_store_a_failed_executor_says_that_nothing_is_kept():
    class Broken:
        def submit(self, *work):
            raise RuntimeError("cannot schedule new futures after shutdown")

    with pytest.raises(om.OpenmrError, match=r"`executor` failed \(.*shutdown\): nothing is kept"):
        om.sweep(FILM, **GRID, executor=Broken())


def test_a_pool_that_is_shut_down_in_the_middle_is_not_waited_for(monkeypatch):
    """Python never tells that it gave up what had not begun."""
    with ThreadPoolExecutor(1) as pool:

        def last(task):
            pool.shutdown(wait=False, cancel_futures=True)
            return plan.evaluate(task)

        monkeypatch.setattr(module, "evaluate", last)
        with pytest.raises(om.WorkerError, match=r"failed \(CancelledError\): nothing is kept"):
            om.sweep(FILM, **GRID, executor=pool, chunk_points=3)


def test_a_worker_of_another_version_is_noticed(monkeypatch):
    class Old:
        def submit(self, work, task, version):
            with monkeypatch.context() as patch:
                patch.setattr(module, "__version__", "0.0.1")
                work(task, version)

    with pytest.raises(om.ParameterError, match=r"workers with openmr .* here, got one with 0.0.1"):
        om.sweep(FILM, **GRID, executor=Old())


def test_rates_of_oriented_moments_have_the_direction_as_a_dimension():
    film = reference_film(oriented(1.5, anisotropy=(3e-4, 1e-4)))
    directions = np.array([(0, 0, 1), (1, 0, 0), (1, 2, 3)], dtype=float)
    grid = {"temperature": [4.0, 10.0], "field": [1.0, 2.0], "thickness": [4e-9, 5e-9]}
    found = om.sweep(film, **grid, direction=directions, method="batched")
    assert found.longitudinal_rate.dims == found.drho2.dims
    thin = varied(film, {"thickness": 4e-9})
    alone = om.magnetoresistance(thin, 10.0, 2.0, directions[2], method="batched")
    here = found.isel(temperature=1, field=1, thickness=0, direction=2)
    for name, variable in VARIABLES.items():
        assert float(here[name]) == approx(float(variable.of(alone)), rel=1e-13)


def test_an_anisotropy_is_a_dimension_like_any():
    """Each point is the film made with that D and E; without them the film has no direction."""
    film = reference_film(oriented(1.5, anisotropy=0.0), weiss=5e-4)
    point = {"temperature": 4.0, "field": 2.0, "direction": (1, 2, 3), "method": "batched"}
    axial, across = [-2e-4, 0.0, 3e-4], [0.0, 8e-5]
    found = om.sweep(film, **point, anisotropy=axial, rhombicity=across)
    assert found.anisotropy.attrs["units"] == found.rhombicity.attrs["units"] == "eV"
    for d in axial:
        for e in across:
            alone = reference_film(oriented(1.5, anisotropy=(d, e)), weiss=5e-4)
            rho = om.magnetoresistance(alone, 4.0, 2.0, (1, 2, 3), method="batched")
            here = found.longitudinal_resistivity.sel(anisotropy=d, rhombicity=e)
            assert float(here) == approx(float(rho.longitudinal), rel=1e-14)
    assert np.ptp(found.longitudinal_resistivity.values) > 0


def test_a_plan_tells_only_what_was_given():
    """So that a store goes on where an older version left it."""
    told = _plan_of(om.presets.pt_py()).description()["sample"]
    assert set(told["magnet"]["sublattices"][0]) == {"spin", "density", "exchange", "g"}
    assert set(told) == {"magnet", "electrons", "film", "name"}
    matrix = np.array([[0, 1j, 0], [-1j, 0, 0], [0, 0, 0]]) * 1e-5
    told = _plan_of(reference_film(oriented(1.0, hamiltonian=matrix))).description()["sample"]
    again = json.loads(json.dumps(told))["magnet"]["sublattices"][0]["hamiltonian"]
    assert again[0][1] == [0.0, 1e-5]


def _plan_of(film):
    given = {"temperature": [4.0], "field": 1.0, "direction": (0, 0, 1)}
    return Plan(task_of(film, given, "batched", {}), (1,))


HYSTERETIC = reference_film(oriented(1.5, anisotropy=-3e-4), weiss=1.2e-3)
LOOP = {"temperature": [2.0, 4.0], "field": [5.0, -5.0, 1.0, -1.0], "direction": (0.1, 0.0, 1.0)}
LOOP["method"] = "batched"


def test_a_branch_is_followed_through_all_fields_however_the_sweep_is_cut(tmp_path):
    """Up and down differ where the moments keep their side, at 1 T and -1 T, and nowhere else."""
    up = om.sweep(HYSTERETIC, **LOOP, branch="up", chunk_points=1)
    down = om.sweep(HYSTERETIC, **LOOP, branch="down", store=tmp_path / "down")
    apart = np.abs(up.precession / down.precession - 1) > 1e-3
    assert apart.values.tolist() == [[False, False, True, True]] * 2
    calls = om.relaxation(HYSTERETIC, **{**LOOP, "temperature": 4.0}, branch="up")
    np.testing.assert_allclose(up.precession[1], calls.precession, rtol=1e-12)
    assert json.loads(up.description)["branch"] == "up"
    assert "branch" not in json.loads(om.sweep(HYSTERETIC, **LOOP).description)
    with pytest.raises(om.ParameterError, match=r"holds another sweep.*branch"):
        om.sweep(HYSTERETIC, **LOOP, branch="up", store=tmp_path / "down")


LOOP_FILE = f"""method = "batched"
[sample]
weiss = 1.2e-3
{FILM_TABLES}[[sample.moments]]
spin = 1.5
density = 1.6e27
exchange = -6e-31
anisotropy = -3e-4
[sweep]
temperature = 4.0
field = [5.0, -1.0]
direction = [0.1, 0, 1]
"""


def test_an_anisotropy_in_a_file(tmp_path):
    path = tmp_path / "levels.toml"
    path.write_text(LOOP_FILE + "anisotropy = [-3e-4, 0.0]\nrhombicity = 2e-5\n")
    found = om.sweep(**cli.read_config(path))
    assert found.sizes["anisotropy"] == 2
    path.write_text(LOOP_FILE.replace("anisotropy = -3e-4", "anisotropy = [0.0, 2e-5]"))
    alone = om.sweep(**cli.read_config(path))
    one = found.longitudinal_resistivity.sel(anisotropy=0.0)
    np.testing.assert_allclose(one, alone.longitudinal_resistivity, rtol=1e-14)


def test_a_branch_in_a_file_and_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "loop.toml"
    path.write_text(LOOP_FILE + 'branch = "down"\n')
    found = om.sweep(**cli.read_config(path))
    line = ["resistance", "-c", str(path), "-T", "4", "-B", "5", "-1"]
    line += ["--direction", "0.1", "0", "1", "--method", "batched"]
    rows = {}
    for branch in ("up", "down"):
        assert cli.main([*line, "--json", "--branch", branch]) == 0
        rows[branch] = np.array(json.loads(capsys.readouterr().out)["rows"], dtype=float)
    column = rows["down"][:, 2]
    np.testing.assert_allclose(column, found.longitudinal_resistivity.values, rtol=1e-12)
    assert np.abs(rows["up"][1] - rows["down"][1]).max() > 0
    assert cli.main([*line[:1], "--branch", "up", "-T", "4", "-B", "5"]) == 2
    assert "`branch` must be 'lowest' for moments without axes" in capsys.readouterr().err


def test_no_branch_of_a_stack():
    layer = om.Layer(FILM.film, FILM.electrons, FILM.magnet)
    stack = om.Sample(stack=om.Stack([layer, layer]))
    point = {"temperature": 4.0, "field": 1.0, "direction": (0, 0, 1)}
    for call in (om.sweep, om.magnetoresistance):
        with pytest.raises(om.ParameterError, match="`branch` must be 'lowest' for a stack"):
            call(stack, **point, branch="up")
