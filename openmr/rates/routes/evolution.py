"""Evolution route: the rates got as in an experiment.

Any spin of the electron, beside a thermal moment, is evolved at once with QuTiP's solver,
<sigma_x,y,z>(t) from the three polarisations is recorded, and the 3x3 generator is fitted to the
decay and precession, each rate in a time window of its own length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import qutip
from qutip import Qobj
from qutip.solver.integrator import IntegratorException

from openmr import _checks
from openmr._checks import Array, ExtractionError, ParameterError
from openmr._qutip import exact_arithmetic
from openmr._words import Thermostat
from openmr._work import progress_bar
from openmr.moments.equilibrium import Equilibrium, equilibrium
from openmr.rates.fit_decay import STEPS, fit_generator, initial_guess, window_lengths
from openmr.rates.record import PRECESSION_GENERATOR, ExchangePart, pointwise
from openmr.rates.routes import joint_space
from openmr.sample.film import Sample
from openmr.units import HBAR, K_B

FASTEST = 1e8  # rad per decay time: the phase's rounding there is a tenth of the allowed misfit
PILOT_STEP = 0.1  # of the inverse largest rate: the longest spacing of the first estimate
SETTLING = 20.0  # thermostat times to wait before the fit: transients are down to exp(-20)


def evolution(
    state: Equilibrium,
    *,
    electron_splitting: bool = False,
    resolution: float | None = None,
    thermostat: Thermostat = "projection",
    thermostat_rate: float | None = None,
    options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> ExchangePart:
    """Exchange part of the relaxation tensor from fitted time evolution.

    Parameters
    ----------
    electron_splitting : bool
        As in `bloch_redfield`.
    resolution : float or None, s
        As in `bloch_redfield`.
    thermostat : {"projection", "reset", "flips"}
        How the moments are held thermal: projected onto rho_m at every instant (the Born
        approximation, default); reset to rho_m at a rate kappa; or flipped at a rate kappa up and
        down in detailed balance. The last two evolve electron and moment together and deviate by
        -c/(kappa tau_par), where c is of order one and grows like cosh(beta eps_L).
    thermostat_rate : float, 1/s
        kappa, for "reset" and "flips". At least ten times the largest rate.
    options : dict, optional
        QuTiP's own solver options. Default: ``{"method": "diag"}``, which propagates the constant
        generator exactly.
    progress : bool, optional
        Show a progress bar over the points; by default only on a terminal.

    Returns
    -------
    ExchangePart
        `uncertainty` adds up what the fit's misfit allows, the change on a hundred times tighter
        solver tolerances and the change on a window that starts later. Diagnostics as in
        `rates.methods`.

    Raises
    ------
    ParameterError
        For bad arguments.
    ExtractionError
        If the fit does not describe the data.
    """
    joint_space.refuse_large(state.sample)
    joint_space.in_thermal_times(resolution, 1.0)  # refused before any work
    _checks.choice("thermostat", thermostat, Thermostat)
    if thermostat == "projection":
        if thermostat_rate is not None:
            raise ParameterError(
                "`thermostat_rate` goes with thermostat 'reset' or 'flips', "
                f"got {_checks.shown(thermostat_rate)} with 'projection'"
            )
        kappa = 0.0
    else:
        kappa = _checks.number("thermostat_rate", thermostat_rate, "1/s", above=0.0)
    points = progress_bar(
        state.points(),
        total=state.temperature.size,
        desc="evolution",
        unit="point",
        delay=2.0,
        disable=None if progress is None else not progress,
    )

    def fitted(point: Equilibrium) -> ExchangePart:
        experiments = _experiments(point, electron_splitting, resolution, thermostat, kappa)
        return _fit_point(point, experiments, options)

    with points:
        return pointwise(state, fitted, points)


@dataclass(frozen=True, slots=True)
class _Experiment:
    """One space to evolve in; times in units of 1/rate_unit."""

    generator: Qobj
    moment: Qobj | None  # thermal moment to start from, None on the electron alone
    rate_unit: float  # 1/s
    settling: float  # time before the fit starts


def _experiments(
    state: Equilibrium,
    electron_splitting: bool,
    resolution: float | None,
    thermostat: Thermostat,
    kappa: float,
) -> list[_Experiment]:
    sample = state.sample
    first_order = joint_space.first_order_tensor(sample, state)[0, 1]
    w = HBAR * first_order / (K_B * float(state.temperature)) if electron_splitting else 0.0
    spaces = joint_space.moment_spaces(sample, state, electron=w)
    larmor = 0.5 * first_order * joint_space.PAULI[2]
    with exact_arithmetic():
        apart = joint_space.in_thermal_times(resolution, float(state.temperature))
        joint = [space.generator(apart) for space in spaces]
        projected = [
            s.noise * joint_space.project(g.dissipate, s.moment)
            for s, g in zip(spaces, joint, strict=True)
        ]
        unit = max((np.abs(joint_space.bloch_tensor(p)).max() for p in projected), default=0.0)
        if unit == 0.0:  # nothing couples, or frozen moments: all rates underflow
            return []
        if thermostat == "projection":
            total = sum(projected, start=qutip.liouvillian(larmor))
            return [_Experiment(total / unit, None, unit, 0.0)]
        if kappa < 10 * unit:
            raise ParameterError(
                "`thermostat_rate` must be at least ten times the largest relaxation rate, "
                f"{10 * unit:.4g} 1/s, got {kappa:.4g} (a slower thermostat does not hold the "
                "moment, and no rate of the electron alone exists)"
            )
        # where the Hamiltonian of the space holds the electron's splitting, it is there already
        own = 0 * larmor if electron_splitting else larmor
        experiments = []
        for space, generator in zip(spaces, joint, strict=True):
            coherent = qutip.tensor(own, qutip.qeye(space.moment.dims[0]))
            coherent += K_B * float(state.temperature) / HBAR * space.hamiltonian
            total = space.noise * generator.dissipator + qutip.liouvillian(coherent)
            if thermostat == "reset":
                total += joint_space.reset(space.moment, kappa)
            else:
                total += _flips(space, kappa)
            settling = SETTLING * unit / kappa
            experiments.append(_Experiment(total / unit, space.moment, unit, settling))
    return experiments


def _flips(space: joint_space.MomentSpace, kappa: float) -> Qobj:
    """Lindblad flips of the moment in detailed balance, the faster direction at rate kappa."""
    raising = joint_space.embed(qutip.qeye(2), [qutip.jmat(space.spin, "+")])
    up = kappa * float(np.exp(min(0.0, -space.splitting)))
    down = kappa * float(np.exp(min(0.0, space.splitting)))
    return up * qutip.lindblad_dissipator(raising) + down * qutip.lindblad_dissipator(raising.dag())


def _fit_point(
    state: Equilibrium, experiments: Sequence[_Experiment], options: Mapping[str, Any] | None
) -> ExchangePart:
    fits, none = [_fit_experiment(one, options) for one in experiments], np.zeros((3, 3))
    # where nothing couples the spin precesses and never relaxes
    tensors = [one.generator for one in fits] or [
        joint_space.first_order_tensor(state.sample, state)
    ]
    precessions = [_antisymmetric(tensor) for tensor in tensors]
    uncertainty = sum((fit.uncertainty for fit in fits), none)
    return ExchangePart(
        dissipator=sum(tensors, none) - sum(precessions) * PRECESSION_GENERATOR,
        precession=float(np.mean(precessions)),
        uncertainty=uncertainty,
        diagnostics={
            "residual": max((fit.residual for fit in fits), default=0.0),
            "solver_change": sum(fit.solver_change for fit in fits),
            "window_change": sum(fit.window_change for fit in fits),
            "precession_uncertainty": float(max(uncertainty[0, 1], uncertainty[1, 0])),
        },
    )


def _antisymmetric(tensor: Array) -> float:
    return float(0.5 * (tensor[0, 1] - tensor[1, 0]))


# --- recording -------------------------------------------------------------------------------


def _solver_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {"method": "diag"} if options is None else options
    for tolerance in {"rtol", "atol"} & set(given):
        _checks.number(f"options[{tolerance!r}]", given[tolerance], above=0.0)
    return {"progress_bar": "", "normalize_output": False, **given}


def _tighter(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same solver with tolerances a hundred times smaller; None if it has none."""
    if options.get("method") in ("diag", "krylov"):
        return None
    return {
        **options,
        "rtol": max(1e-13, options.get("rtol", 1e-6) / 100),
        "atol": options.get("atol", 1e-8) / 100,
    }


def _record(experiment: _Experiment, times: Array, options: Mapping[str, Any]) -> Array:
    """<sigma_a>(t) from spins polarised along b less that from an unpolarised one, (t, a, b)."""
    held = np.eye(1) if experiment.moment is None else experiment.moment.full()
    spins = [pauli.full() for pauli in joint_space.PAULI]
    # the map rho_e -> rho_e (x) rho_m, which the solver carries on in time, by columns of rho_e
    columns = [np.kron(one.reshape(2, 2).T, held).ravel(order="F") for one in np.eye(4)]
    dims = [experiment.generator.dims[0], [[2], [2]]]
    start = Qobj(np.stack(columns, axis=-1), dims=dims, superrep="super")
    with exact_arithmetic():
        try:
            solver = qutip.MESolver(experiment.generator, options=dict(options))
        except KeyError as error:
            raise ParameterError(f"`options` must be QuTiP solver options: {error}") from None
        try:
            states = np.stack([state.full() for state in solver.run(start, times).states])
        except IntegratorException as error:
            raise ExtractionError(f"QuTiP's solver stopped ({error}); change `options`") from None
    probes = np.stack([np.kron(spin, np.eye(len(held))).ravel() for spin in spins])
    sources = np.stack([spin.ravel(order="F") for spin in spins], axis=-1)
    return np.asarray(0.5 * np.real(probes @ states @ sources))


# --- rates of one experiment ------------------------------------------------------------------


_Windows = list[tuple[float, Array]]  # step and signal of each


@dataclass(frozen=True, slots=True)
class _ExperimentFit:
    generator: Array  # 1/s
    uncertainty: Array  # 1/s
    residual: float
    solver_change: float  # 1/s
    window_change: float  # 1/s
    windows: _Windows  # steps in s


def _fit_experiment(experiment: _Experiment, options: Mapping[str, Any] | None) -> _ExperimentFit:
    t0 = experiment.settling
    chosen = _solver_options(options)
    guess = _pilot(experiment, chosen)
    lengths = window_lengths(guess)
    strict = _tighter(chosen)
    shift = 0.25 * lengths[0]

    def recorded(start: float, solver: Mapping[str, Any]) -> _Windows:
        steps = [length / STEPS for length in lengths]
        return [(step, _window(experiment, start, step, solver)) for step in steps]

    windows = recorded(t0, chosen)
    for count in range(1, len(windows) + 1):
        # the shorter windows fix the phase before a longer one counts many periods
        loose = fit_generator(windows[:count], guess)
        guess = loose.generator
    windows = recorded(t0, strict) if strict else windows
    best = fit_generator(windows, guess) if strict else loose
    moved = fit_generator(recorded(t0 + shift, strict or chosen), best.generator)
    solver_change = np.abs(best.generator - loose.generator)
    window_change = np.abs(best.generator - moved.generator)
    if strict is None:  # an eigenbasis has no tolerance: its rounding error instead
        rounding = _eigenbasis_rounding(experiment.generator)
    else:  # what remains of the tolerances at the largest element
        rounding = 4 * float(np.finfo(float).eps) * np.abs(best.generator).max() * STEPS
    uncertainty = best.error + solver_change + window_change + rounding
    unit = experiment.rate_unit
    return _ExperimentFit(
        generator=unit * best.generator,
        uncertainty=unit * uncertainty,
        residual=best.residual,
        solver_change=unit * float(solver_change.max()) if strict else unit * rounding,
        window_change=unit * float(window_change.max()),
        windows=[(step / unit, signal) for step, signal in windows],
    )


def _window(
    experiment: _Experiment,
    start: float,
    step: float,
    options: Mapping[str, Any],
    steps: int = STEPS,
) -> Array:
    """Signal at even steps from a start time, (steps + 1, 3, 3)."""
    times = np.asarray(start + step * np.arange(steps + 1))
    if start > 0:  # the solver starts at the first time it is given
        return _record(experiment, np.concatenate([[0.0], times]), options)[1:]
    return _record(experiment, times, options)


def _pilot(experiment: _Experiment, options: Mapping[str, Any]) -> Array:
    """First estimate from samples closer than any period of the electron's generator."""
    fastest = _larmor_scale(experiment)
    if fastest > FASTEST:
        raise ExtractionError(
            f"the spin precesses by {fastest:.2g} rad in its shortest decay time; double precision "
            f"follows the phase up to {FASTEST:g} rad, so no rate can be read off"
        )
    window = partial(_window, experiment, experiment.settling, options=options)
    step = 0.3 / fastest
    guess = initial_guess(step, window(step, steps=8))
    while step < PILOT_STEP:  # a longer baseline resolves rates far below the precession
        step = min(8 * step, PILOT_STEP)
        guess = fit_generator([(step, window(step))], guess).generator
    return guess


def _larmor_scale(experiment: _Experiment) -> float:
    """Bound on the fastest motion of the electron spin, in the experiment's unit."""
    generator = experiment.generator
    if experiment.moment is not None:
        with exact_arithmetic():
            generator = joint_space.project(generator, experiment.moment)
    return float(max(1.0, np.abs(joint_space.bloch_tensor(generator)).max()))


def _eigenbasis_rounding(generator: Qobj) -> float:
    matrix = generator.full()
    values, vectors = np.linalg.eig(matrix)
    fastest = float(np.abs(values).max())
    # Bauer-Fike, with a backward error of n machine epsilons
    return float(len(matrix) * np.finfo(float).eps * np.linalg.cond(vectors) * fastest)


# --- pictures of one experiment, and the moment left to itself ---------------------------------


@dataclass(frozen=True, slots=True)
class Decay:
    """Recorded spins and the fitted generator.

    Attributes
    ----------
    times : list of array (n,), s
        One per window.
    signals : list of array (n, 3, 3)
        <sigma_a> (axis 1) from spins polarised along b (axis 2), less the unpolarised reference.
    generator : array (3, 3), 1/s
        Fitted exchange part, precession included.
    prediction : (times, signals)
        Samples of the first two periods, or of the shortest window where nothing precesses; the
        fit has not seen them.
    """

    times: list[Array]
    signals: list[Array]
    generator: Array
    prediction: tuple[Array, Array]


def record_decay(sample: Sample, temperature: float, field: float) -> Decay:
    """Decay that `evolution` fits at one temperature [K] and field [T], moments projected.

    Parameters
    ----------
    temperature : float, K
    field : float, T

    Returns
    -------
    Decay
        With the fitted generator.

    Raises
    ------
    ParameterError
        For a sample without exchange.
    """
    state = equilibrium(sample, float(temperature), float(field))
    experiments = _experiments(state, False, None, "projection", 0.0)
    if not experiments:
        raise ParameterError("`sample` must couple electrons and moments, got exchange = 0")
    experiment = experiments[0]
    fit = _fit_experiment(experiment, None)
    omega, even = abs(_antisymmetric(fit.generator)), np.arange(STEPS + 1.0)
    step = fit.windows[0][0]
    if omega > 0:
        step = min(step, 4 * np.pi / omega / STEPS)
    signal = _window(experiment, 0.0, step * experiment.rate_unit, _solver_options(None))
    return Decay(
        times=[step * even for step, _ in fit.windows],
        signals=[signal for _, signal in fit.windows],
        generator=fit.generator,
        prediction=(step * even, signal),
    )


@dataclass(frozen=True, slots=True)
class FreeMoment:
    """Decay of <sigma_z> when nothing holds the moment thermal.

    Attributes
    ----------
    times : array (n,), s
    polarisation : array (n,), no unit
        From a spin along b, less the unpolarised reference.
    residue : float, no unit
        What never decays.
    rate : float, 1/s
        Initial slope over 1 - residue; the one rate there is for S = 1/2, where it equals
        (1 + cosh(beta eps_L)) / tau_par.
    """

    times: Array
    polarisation: Array
    residue: float
    rate: float


def free_moment(sample: Sample, temperature: float, field: float) -> FreeMoment:
    """Back-action of a free moment: total S_z is conserved, so the spin does not decay to zero.

    Parameters
    ----------
    sample : Sample
        With one coupled sublattice.
    temperature, field : float, K and T

    Returns
    -------
    FreeMoment
        The decay, what never decays, and the rate.

    Raises
    ------
    ParameterError
        Unless just one sublattice is coupled.
    """
    state = equilibrium(sample, float(temperature), float(field))
    spaces = joint_space.moment_spaces(sample, state)
    if len(spaces) != 1:
        raise ParameterError(f"`sample` must have one coupled sublattice, got {len(spaces)}")
    space = spaces[0]
    with exact_arithmetic():
        made = space.generator()
        projected = joint_space.project(made.dissipate, space.moment)
        slope = float(joint_space.bloch_tensor(projected)[2, 2])
        generator = made.superoperator
    experiment = _Experiment(generator / slope, space.moment, slope * space.noise, 0.0)
    times = np.concatenate([np.linspace(0.0, 5.0, 201), [200.0]])
    polarisation = _record(experiment, times, _solver_options(None))[:, 2, 2]
    residue = float(polarisation[-1])
    return FreeMoment(
        times=times[:-1] / experiment.rate_unit,
        polarisation=polarisation[:-1],
        residue=residue,
        rate=experiment.rate_unit / (1.0 - residue),
    )
