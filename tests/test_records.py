"""What is returned can be kept: copied, pickled, exchanged in part, compared, and NumPy may be set
as its user likes."""

import copy
import pickle
from dataclasses import fields, is_dataclass, replace
from functools import partial

import numpy as np
import pytest
import qutip
from attack import entrances

import openmr as om
from openmr.tables import Alike, same

FILM = om.presets.pt_py()
TURNED = om.Sample(
    om.Magnet(om.Moments(1, 1e27, exchange_energy=-1e-3, anisotropy=(-1e-3, 1e-4)), 1e-3),
    FILM.electrons,
    FILM.film,
)
FIELD = np.array([0.0, 5.0])
BATH = om.Bath.drude(reorganization=0.05, cutoff=1.5, temperature=1)
SYSTEM = om.OpenSystem(0.3 * qutip.sigmaz(), [(qutip.sigmax(), BATH)])


def rates():
    return om.relaxation(FILM, 10.0, FIELD)


def rho():
    return om.magnetoresistance(FILM, 10.0, FIELD, (1, 0, 0))


RECORDS = {
    "sample": om.presets.pt_py,
    "stack": om.presets.pt_yig,
    "equilibrium": lambda: om.equilibrium(FILM, 10.0, FIELD),
    "turned": lambda: om.equilibrium(TURNED, 10.0, FIELD, direction=(1, 0, 1)),
    "rates": rates,
    "numerical": lambda: om.relaxation(FILM, 10.0, 5.0, method="bloch-redfield"),
    "resistivity": rho,
    "of a stack": lambda: om.magnetoresistance(om.presets.pt_yig(), 300.0, FIELD, (0, 1, 0)),
    "mechanisms": lambda: om.mechanisms(FILM.film, rates(), (1, 0, 0)),
    "profile": lambda: om.diffusion.profile(FILM.film, rates(), (1, 0, 0)),
    "moments": lambda: om.moment_relaxation(FILM, 10.0, FIELD),
    "coupled": lambda: om.coupled_relaxation(FILM, 10.0, FIELD),
    "validity": lambda: om.validity(FILM, 10.0, 5.0, costs=False),
    "cluster": lambda: om.clusters.Cluster((0.5, 0.5), np.array([[0, 0.1], [0.1, 0]]), 0.2),
    "measured": lambda: om.diagnosis.measured(
        rho().longitudinal, temperature=10.0, field=FIELD, direction=(1, 0, 0)
    ),
}


@pytest.mark.parametrize("build", RECORDS.values(), ids=RECORDS)
def test_a_record_equals_what_holds_the_same_and_nothing_else(build):
    one = build()
    for other in (
        copy.copy(one),
        copy.deepcopy(one),
        replace(one),
        pickle.loads(pickle.dumps(one)),
    ):
        assert (one == other) is True
        assert repr(one) == repr(other)
    assert (one == build()) is True
    assert one._repr_html_().startswith("<table>")
    assert (one != 3) is True
    changed = [f.name for f in fields(one) if isinstance(getattr(one, f.name), np.ndarray)]
    for name in changed:
        other = copy.copy(one)
        object.__setattr__(other, name, np.append(getattr(one, name), 1))
        assert (one == other) is False


def test_nan_is_nan_and_zero_is_zero():
    nan = np.array([np.nan, 1.0])
    assert same({"a": [nan, float("nan")]}, {"a": [nan.copy(), float("nan")]})
    assert same(np.array([None, nan], dtype=object), np.array([None, nan.copy()], dtype=object))
    for one, other in (
        (nan, np.array([1.0, np.nan])), (np.ones(1), np.ones((1, 1))), ([1], [1, None]),
        ([1], (1,)), ({"a": 1}, {"b": 1}), (1.0, True), (rates(), rates().equilibrium),
    ):  # fmt: skip
        assert not same(one, other)
        assert not same(other, one)


@pytest.mark.slow
def test_a_report_equals_its_copy():
    found = om.verify(FILM, temperature=10.0)
    other = pickle.loads(pickle.dumps(found))
    assert found == other
    object.__setattr__(other.solutions[0], "dephasing", 0.0)
    assert found != other


def test_every_record_with_arrays_is_compared_so():
    """None is left to NumPy, whose answer is an array, or an error."""
    for build in RECORDS.values():
        found = build()
        for name, kept in {f.name: getattr(found, f.name) for f in fields(found)}.items():
            if isinstance(kept, np.ndarray):
                assert isinstance(found, Alike), name
            if isinstance(kept, Alike) or (is_dataclass(kept) and not isinstance(kept, type)):
                assert (kept == copy.deepcopy(kept)) is True, name


@pytest.mark.parametrize("method", ["redfield", "tcl2", "heom"])
def test_states_that_were_sent_by_a_process_are_whole(method):
    """Monitors of what is pickled are worked out anew, and are the same."""
    start = qutip.fock_dm(2, 0)
    here = om.master.evolve(SYSTEM, start, [0.0, 2.0], method=method, e_ops=[qutip.sigmaz()])
    there = pickle.loads(pickle.dumps(here))
    assert there.states == here.states
    assert np.array_equal(there.expect, here.expect)
    assert np.array_equal(there.lowest_choi, here.lowest_choi)
    assert there.crossings == here.crossings
    assert there._state(1.0) == here._state(1.0)
    assert repr(there) == repr(here)


def test_a_system_is_exchanged_in_part():
    leads = om.OpenSystem(
        qutip.num(2), [(qutip.destroy(2), om.Bath.lead(0.1, 20.0, 0.6, 1.0, band="lorentz"))]
    )
    for system in (SYSTEM, leads):
        more = replace(system, collapse=[0.1 * qutip.sigmaz()])
        assert more.couplings[0].bath is system.couplings[0].bath
        assert more.couplings[0].operators == system.couplings[0].operators
        assert len(more.collapse) == 1


LEVELS = om.OpenSystem(
    0.3 * qutip.sigmaz() + 0.4 * qutip.sigmax(),
    [(qutip.sigmaz(), om.Bath.ohmic(0.05, 1.5, 0.0)), (qutip.sigmax(), BATH)],
)
CALLS = {
    one.name: partial(one.call, **one.given)
    for one in entrances()
    if one.name not in ("ledger", "diagnosis.read_csv", "sweep store", "animation.decaying_spin")
    and "kinetic" not in one.name
    and "no points" not in one.name
} | {
    "print": lambda: [repr(build()) for name, build in RECORDS.items() if name != "cluster"],
    "frozen": lambda: om.relaxation(FILM, [[1e-9], [300.0]], [0.0, 5e-324, -1000.0]).tensor,
    **{
        f"evolve {name}": partial(
            om.master.evolve, SYSTEM, qutip.fock_dm(2, 0), [0, 9], method=name
        )
        for name in ("redfield", "tcl2", "heom")
    },
    **{name: partial(om.master.generator, LEVELS, name) for name in ("redfield", "universal")},
    **{name: partial(om.master.steady_state, LEVELS, name) for name in ("davies", "tcl4")},
}


def test_numpy_may_raise_on_what_dies_off():
    """A rate that is frozen out underflows to 0; no such thing is an error of ours."""
    for call in CALLS.values():
        with np.errstate(all="raise"):
            call()


@pytest.mark.parametrize("options", [{"legacy": "1.13"}, {"precision": 2, "suppress": True}])
def test_prints_do_not_follow_the_options_of_numpy(options):
    here = CALLS["print"]()
    with np.printoptions(**options):
        assert CALLS["print"]() == here
