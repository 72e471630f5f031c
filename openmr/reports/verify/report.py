"""`om.verify`: every number of the line by closed form and by quantum dynamics, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._version import __version__
from openmr.reports.verify.cases import NUMERICAL, Case, Measurement, measure, standard_cases
from openmr.reports.verify.comparison import Check, compare
from openmr.sample import presets
from openmr.sample.film import Sample


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a verification; prints as a table.

    Attributes
    ----------
    checks : tuple of Check
    measurements : tuple of Measurement
    """

    checks: tuple[Check, ...]
    measurements: tuple[Measurement, ...]

    @property
    def ok(self) -> bool:
        """True if every check is within its tolerance."""
        return not self.missed

    @property
    def missed(self) -> tuple[Check, ...]:
        """The checks that are not."""
        return tuple(check for check in self.checks if not check.ok)

    def to_dict(self) -> dict[str, Any]:
        """The report for machines: plain numbers, strings, lists and dictionaries."""
        packages = ("qutip", "numpy", "scipy")
        plain = _plain(
            {
                "ok": self.ok,
                "versions": {"openmr": __version__} | {name: version(name) for name in packages},
                "cases": [
                    {
                        "name": m.case.name,
                        "sample": asdict(m.case.sample),
                        "temperature_K": m.case.temperature,
                        "field_T": m.case.field,
                        "direction": m.case.direction,
                    }
                    for m in self.measurements
                ],
                "checks": [{**asdict(check), "ok": check.ok} for check in self.checks],
            }
        )
        assert isinstance(plain, dict)
        return plain

    def __str__(self) -> str:
        return _table(self)


def _plain(value: Any) -> Any:
    """Lists for tuples, and null for what JSON cannot hold (infinity, NaN)."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def verify(
    sample: Sample | None = None,
    *,
    temperature: ArrayLike = (10.0, 200.0),
    field: ArrayLike = 5.0,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    progress: bool | None = None,
) -> Report:
    """Verify the closed forms on a film, and on a stated set of other films.

    Parameters
    ----------
    sample : Sample, optional
        The film that comes first; `presets.pt_py()` by default.
    temperature, field : array_like, K and T
        Where; broadcast against each other.
    direction : array_like (3,), no unit
        Field direction b of the film; current along x, film normal z.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.

    Returns
    -------
    Report
        Prints as a table; ``.ok``, ``.checks``, ``.missed``, ``.to_dict()``.

    Raises
    ------
    ParameterError
        For bad arguments.
    """
    sample = presets.pt_py() if sample is None else sample
    _checks.instance("sample", sample, Sample)
    temperature = _checks.positive_array("temperature", temperature, "K")
    field = _checks.finite_array("field", field, "T")
    unit = _checks.unit_vectors("direction", direction)
    if unit.shape != (3,):
        raise _checks.ParameterError(f"`direction` must have shape (3,), got {unit.shape}")
    x, y, z = unit.tolist()
    points = _checks.broadcast(temperature=temperature, field=field)
    own = [
        Case(f"{sample.name}, T = {t:g} K, B = {b:g} T", sample, float(t), float(b), (x, y, z))
        for t, b in zip(*(p.ravel() for p in points), strict=True)
    ]
    measurements = measure([*own, *standard_cases()], progress=progress)
    return Report(checks=tuple(compare(measurements)), measurements=tuple(measurements))


# --- the table -------------------------------------------------------------------------------

LINE = ("tau_par", "tau_perp", "omega_L", "l_par", "l_perp", "rho_L", "rho_T")
INTRODUCTION = """\
openmr verify: closed forms against the quantum dynamics of electron spin (x) local moment.

Each number is given by closed form and by numerical routes that do not know it, with its deviation
and what is allowed ('MISS' where it is more). Deviations are relative to: the largest exchange
rate of the case (rates, times); |omega_B| + |exchange shifts| (omega_L); theta_SH^2 rho_L0
(rho_L, rho_T); themselves (lengths). tau_par and tau_perp include 1/tau_0; tau_perp is of the mean
over the axes across the field. b is the direction of field and magnetisation; the current flows
along x, the film normal is z. What agrees is formula and second-order dynamics: how far second
order itself is right, `openmr validity` says."""


def _table(report: Report) -> str:
    blocks = [INTRODUCTION]
    blocks += [_case_block(m, report.checks) for m in report.measurements]
    blocks.append(_equation_block(report.checks))
    if report.missed:
        lines = [
            f"  {c.case}: {c.quantity}, Eq. {c.equation}: closed form {c.closed_form:.10g}, "
            f"{c.route} {c.numerical:.10g} {c.unit}; deviation {_verdict(c)} {c.because}"
            for c in report.missed
        ]
        blocks.append("\n".join(["Missed:", *lines]))
    held = len(report.checks) - len(report.missed)
    blocks.append(f"{held} of {len(report.checks)} checks hold, {len(report.missed)} missed.")
    return "\n\n".join(blocks)


def _verdict(check: Check) -> str:
    miss = "" if check.ok else " MISS"
    return f"{check.deviation:.1e} ({check.tolerance:.0e}){miss}"


def _case_block(measurement: Measurement, checks: Sequence[Check]) -> str:
    case, found = measurement.case, measurement.rates["bloch-redfield"]
    film = case.sample.film
    own = [check for check in checks if check.case == case.name]
    couplings = "; ".join(
        "({:g}, {:g}, {:g})".format(*(round(1e3 * j, 9) for j in moments.principal_energy))
        for moments in case.sample.magnet.sublattices
    )
    spins = ", ".join(f"{spin:g}" for spin in case.sample.magnet.spins)
    splitting = ", ".join(f"{1e3 * s:.4g}" for s in measurement.state.splitting)
    reduced = ", ".join(f"{x:.4g}" for x in measurement.state.reduced_splitting)
    mean = ", ".join(f"{value:.5g}" for value, _ in measurement.moments)
    b = ", ".join(f"{component:.3g}" for component in case.direction)
    lines = [
        f"{case.name}",
        f"  S = {spins}; n_S J = {couplings} meV; {case.sample.magnet.disorder} disorder; "
        f"T = {case.temperature:g} K; B = {case.field:g} T; b = ({b})",
        f"  eps_L = {splitting} meV; beta eps_L = {reduced}; <S_par> = {mean}; "
        f"largest exchange rate {np.abs(found.dissipator).max():.4g} 1/s",
        f"  film: d = {1e9 * film.thickness:g} nm; theta_SH = {film.spin_hall_angle:g}; "
        f"D = {film.diffusion:g} m^2/s; tau_0 = {film.spin_flip_time:.4g} s; "
        f"rho_L0 = {film.resistivity:g} Ohm m",
        f"  {'':<9}{'Eq.':<6}{'unit':<7}{'closed form':>12}{'Bloch-Redfield':>16}  "
        f"{'deviation (allowed)':<21}{'evolution':>11}  deviation (allowed)",
    ]
    for quantity in LINE:
        pair = [check for check in own if check.quantity == quantity]
        if not pair:
            continue
        by_route = {check.route: check for check in pair}
        first, second = (by_route[route] for route in NUMERICAL)
        lines.append(
            f"  {quantity:<9}{first.equation:<6}{first.unit:<7}{first.closed_form:>12.5g}"
            f"{first.numerical:>16.5g}  {_verdict(first):<21}{second.numerical:>11.5g}  "
            f"{_verdict(second)}"
        )
    worst = [
        _worst([c for c in own if c.quantity[:6] == "Gamma_" and c.route == r]) for r in NUMERICAL
    ]
    lines.append(
        f"  {'tensor, worst of 9 elements':<34}{'':>16}  {_verdict(worst[0]):<21}{'':>11}  "
        f"{_verdict(worst[1])}"
    )
    return "\n".join(lines)


def _worst(checks: Sequence[Check]) -> Check:
    misses = [check for check in checks if not check.ok]
    return max(misses or checks, key=lambda check: check.deviation / check.tolerance)


def _equation_block(checks: Sequence[Check]) -> str:
    """All other closed forms, one line per equation and quantity, over all the cases."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        if check.quantity in LINE or check.quantity.startswith("Gamma_"):
            continue
        name = check.quantity.split(" [")[0].split(" along ")[0].split(" = ")[0].split("(")[0]
        groups.setdefault((check.equation, name), []).append(check)
    lines = [
        "The other closed forms and laws, over all cases (every number: --json)",
        f"  {'':<33}{'Eq.':<14}{'checks':>6}  {'worst: closed form':>18}{'numerical':>13} "
        f"{'unit':<6}deviation (allowed)  case",
    ]
    for (equation, name), members in groups.items():
        worst = _worst(members)
        lines.append(
            f"  {name:<33}{equation:<14}{len(members):>6}  {worst.closed_form:>18.5g}"
            f"{worst.numerical:>13.5g} {worst.unit:<6}{_verdict(worst):<20} {worst.case}"
        )
    return "\n".join(lines)
