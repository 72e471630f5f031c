"""Ledger of Eqs. (1)-(34) and (A1)-(A22): verdicts, and the small systems that they rest on."""

import numpy as np
import pytest

import openmr as om
from openmr import fock, scattering
from openmr.reports.ledger import all_entries, examine, small_systems
from openmr.reports.ledger.entries import order_of_error
from openmr.reports.ledger.master_equation import STRENGTHS, born_markov, means
from openmr.reports.ledger.small_systems import ROUNDING, engine, largest, relative

RANGE = {*(str(n) for n in range(1, 35)), *(f"A{n}" for n in range(1, 23))}
CLAIMS = {"27 text", "III mean field", "III zero mean", "III magnons"}
FOUND = {
    "misprint": {"2", "3", "19", "20", "27 text", "29", "34", "A3", "A21"},
    "scan error": {"21", "25", "A19", "A20", "A22"},
    "approximation": {"9", "24", "31", "A16", "III zero mean"},
}


def mine():
    return [entry for entry in all_entries() if entry.equation in RANGE | CLAIMS]


def test_none_is_missing():
    assert {entry.equation for entry in mine()} == RANGE | CLAIMS


def test_which_are_wrong_in_print():
    verdicts = {entry.equation: examine(entry).verdict for entry in mine()}
    named = {verdict: {e for e, v in verdicts.items() if v == verdict} for verdict in FOUND}
    assert named == FOUND
    assert set(verdicts.values()) == {*FOUND, "holds"}


def test_misprints_are_large():
    """Nothing is called a misprint for a matter of rounding: the print is off by a half or more."""
    for entry in mine():
        finding = examine(entry)
        if finding.verdict in ("misprint", "scan error") and entry.printed is not None:
            assert finding.printed_residual > 0.5
            assert entry.note


def test_some_equations():
    report = om.ledger("9, A16,(34)")
    assert [f.entry.equation for f in report.findings] == ["9", "34", "A16"]
    assert report.counts == {"approximation": 2, "misprint": 1}


@pytest.mark.parametrize("moments", [1, 2])
def test_double_commutator_is_the_many_body_engine(moments):
    few, state = small_systems.few_electrons(moments), small_systems.many_body_state()
    change, parts = small_systems.scattered(few, state)
    exact = fock.collision(small_systems.as_state(state), engine(few))
    assert relative(change, exact.full()) < ROUNDING
    assert relative(parts.early, parts.late.conj().T) < ROUNDING


@pytest.mark.parametrize("moments", [1, 2])
def test_without_mean_field_is_the_one_body_engine(moments):
    few, rho = small_systems.few_electrons(moments), small_systems.filling()
    found = small_systems.without_mean_field(few, rho).total
    exact = scattering.one_body_collision(rho, engine(few))
    assert relative(found, exact) < ROUNDING
    _, whole = small_systems.scattered(few, small_systems.gaussian(rho))
    h = scattering.mean_field(rho, engine(few))
    assert relative(whole.total - found, -1j * (h @ rho - rho @ h)) < ROUNDING
    assert largest(whole.total - found) > 1e-3 * largest(found)


def test_no_symmetry_exchanges_the_two_moments():
    """Or a wrong sign of the phase in Eq. (25) would go unseen."""
    after = small_systems.few_electrons().after
    assert largest(after[:, 0, 4] - after[:, 3, 1]) > 0.05 * largest(after)


def test_eq_9_as_printed_fails_at_second_order_where_the_coupling_has_a_mean():
    errors = []
    for system, generator in means():
        units = np.eye(4, dtype=complex).reshape(4, 2, 2)
        found = np.stack([born_markov(system, unit).ravel() for unit in units], axis=1)
        errors.append(largest(found - generator))
    # the next order is J t = 0.12 at most
    assert order_of_error(STRENGTHS, errors) == pytest.approx(2.0, abs=0.05)


def test_exact_generator_keeps_the_trace_and_hermiticity():
    for strength in STRENGTHS:
        _, generator = small_systems.hop(strength, strength)
        assert largest(generator[0] + generator[3]) < ROUNDING
        swapped = generator.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
        assert largest(generator - swapped.conj()) < ROUNDING
