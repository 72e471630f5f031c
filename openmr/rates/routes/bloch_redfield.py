"""Bloch-Redfield route: the tensor of electron (x) moment, projected onto the thermal moment.

Numerical counterpart of Eqs. (15), (34) and, for the precession, of Eqs. (10), (14).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import qutip
from qutip import Qobj

from openmr._checks import Array
from openmr._qutip import exact_arithmetic
from openmr.bath.correlators import detailed_balance
from openmr.bath.level_noise import level_noise
from openmr.moments.equilibrium import Equilibrium
from openmr.moments.vector_equilibrium import VectorEquilibrium
from openmr.rates.record import ExchangePart, expect_field_along_b, pointwise
from openmr.rates.routes import joint_space
from openmr.units import HBAR, K_B


def bloch_redfield(
    state: Equilibrium | VectorEquilibrium,
    *,
    electron_splitting: bool = False,
    resolution: float | None = None,
) -> ExchangePart:
    """Exchange part of the relaxation tensor from the Bloch-Redfield tensor.

    Parameters
    ----------
    electron_splitting : bool
        Keep the electron's own spin splitting hbar omega_L among the Bohr frequencies of the
        dissipator. In the Fermi sea it is absorbed by the common chemical potential (default).
    resolution : float or None, s
        None (default) keeps every term. A time keeps, in a completely positive form, those whose
        Bohr frequencies differ by less than 1 / `resolution`, with one noise for each group of
        frequencies; ``inf`` is the full secular approximation.

    Returns
    -------
    ExchangePart
        Diagnostics, one number per point: ``trace`` (change of the trace), ``fixed_point`` (how
        far the unpolarised spin, or with `electron_splitting` the Gibbs state, is from standing
        still), ``kms`` (violation of detailed balance) and ``positivity`` (smallest over largest
        eigenvalue of the Kossakowski matrix; negative where complete positivity is lost). The
        first three are relative to the largest rate.

    Raises
    ------
    ParameterError
        For bad arguments, or a spin whose joint space is too large.
    """
    joint_space.refuse_large(state.sample)
    joint_space.in_thermal_times(resolution, 1.0)  # refused before any work
    return pointwise(state, lambda point: _at_point(point, electron_splitting, resolution))


def _thermal_electron(around: Array) -> Qobj:
    """Gibbs state of an electron spin with H = w.sigma / 2, w a vector in units of k_B T."""
    size = float(np.linalg.norm(around)) or 1.0
    turned = sum(float(w) * sigma for w, sigma in zip(around, joint_space.PAULI, strict=True))
    return 0.5 * (qutip.qeye(2) - np.tanh(0.5 * size) / size * turned)


def _at_point(
    state: Equilibrium | VectorEquilibrium, electron_splitting: bool, resolution: float | None
) -> ExchangePart:
    sample = state.sample
    turning = joint_space.first_order_tensor(sample, state)
    precession, across = float(turning[0, 1]), None
    kept = HBAR / (K_B * float(state.temperature)) if electron_splitting else 0.0
    spaces: Sequence[joint_space.JointSpace]
    if isinstance(state, VectorEquilibrium):
        across = turning[[1, 2], [2, 0]]
        w = kept * np.array([*across, precession])
        spaces = joint_space.level_spaces(sample, state, electron=w)
        balance = [level_noise(state.levels(i))[1] for i in range(len(sample.magnet.sublattices))]
    else:
        if any(moments.exchange_matrix[:2, 2].any() for moments in sample.magnet.sublattices):
            across = turning[[1, 2], [2, 0]]
        expect_field_along_b(across, electron_splitting=electron_splitting)
        w = np.array([0.0, 0.0, kept * precession])
        spaces = even = joint_space.moment_spaces(sample, state, electron=float(w[2]))
        balance = [detailed_balance(space.spin, space.splitting) for space in even]
    with exact_arithmetic():
        apart = joint_space.in_thermal_times(resolution, float(state.temperature))
        still = 0.0 * qutip.to_super(joint_space.PAULI[2])
        total = sum(
            (s.noise * joint_space.project(s.generator(apart).dissipate, s.moment) for s in spaces),
            start=still,
        )
    dissipator = joint_space.bloch_tensor(total)
    largest = float(np.abs(dissipator).max()) or 1.0  # frozen moments: all rates underflow
    gibbs = qutip.operator_to_vector(_thermal_electron(w)).full()
    lowest, highest = joint_space.kossakowski(total)
    return ExchangePart(
        dissipator=dissipator,
        precession=precession,
        precession_across=across,
        diagnostics={
            "trace": joint_space.trace_change(total) / largest,
            "fixed_point": float(np.abs(total.full() @ gibbs).max()) / largest,
            "kms": max(balance, default=0.0),
            "positivity": lowest / highest if highest else 0.0,
        },
    )
