"""Ledger of Eqs. (1)-(34) and (A1)-(A22): verdicts, and the small systems that they rest on."""

from dataclasses import replace

import numpy as np
import pytest
from nearness import approx

import openmr as om
from openmr import fock, scattering
from openmr.bath.correlators import PAULI
from openmr.reports.ledger import all_entries, examine, small_systems
from openmr.reports.ledger.entries import order_of_error
from openmr.reports.ledger.master_equation import STRENGTHS, means, on_units, second_order
from openmr.reports.ledger.small_systems import ROUNDING, engine, largest, relative


def test_a_scan_error_needs_evidence():
    (entry,) = (entry for entry in all_entries() if entry.equation == "21")
    assert examine(replace(entry, evidence="")).verdict == "misprint"
    report = om.ledger("21")
    assert all(entry.evidence in text for text in (str(report), report.to_markdown()))
    assert report.to_dict()["entries"][0]["evidence"] == entry.evidence


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
    def whole(system, unit):
        return second_order(system, unit, connected=False)

    errors = [largest(on_units(whole, system) - generator) for system, generator in means()]
    # the next order is J t = 0.12 at most
    assert order_of_error(STRENGTHS, errors) == approx(2.0, abs=0.05)


def test_exact_generator_keeps_the_trace_and_hermiticity():
    for strength in STRENGTHS:
        _, generator = small_systems.still(strength, 1.5)
        assert largest(generator[0] + generator[3]) < ROUNDING
        swapped = generator.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
        assert largest(generator - swapped.conj()) < ROUNDING


def test_what_a17_leaves_out_is_linear_in_the_transverse_spin_of_a_split_equilibrium():
    """By the engine's mean field; without a splitting there is nothing for it to turn."""
    few, angles, split = small_systems.few_electrons(), np.array([0.08, 0.04, 0.02]), {}
    for splitting in (0.2, 0.0):
        settled = np.kron(np.diag([0.6, 0.4]), np.eye(2)) - splitting * np.kron(np.eye(2), PAULI[2])
        split[splitting] = []
        for angle in angles:
            rho = settled + angle * np.kron(np.eye(2), PAULI[0])
            h = scattering.mean_field(rho, engine(few))
            change = h @ rho - rho @ h
            split[splitting].append(abs(change[0, 1] + change[2, 3]))
    assert order_of_error(angles, split[0.2]) == approx(1.0, abs=0.02)
    assert max(split[0.0]) < ROUNDING * min(split[0.2])
