"""`om.verify`: every number of the line by what ships and by another way, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._version import __version__
from openmr._work import one_thread
from openmr.reports.verify import stacks
from openmr.reports.verify.case import Case
from openmr.reports.verify.cases import NUMERICAL, Solution, solve, standard_cases
from openmr.reports.verify.check import Check
from openmr.reports.verify.comparison import compare
from openmr.reports.verify.stacks import StackSolution
from openmr.sample import presets
from openmr.sample.film import Sample
from openmr.tables import Alike, document, table


@dataclass(frozen=True, slots=True, eq=False)
class Report(Alike):
    """All checks of a verification; prints as a table.

    Attributes
    ----------
    checks : tuple of Check
    solutions : tuple of Solution or StackSolution
        Every case by the numerical routes.
    """

    checks: tuple[Check, ...]
    solutions: tuple[Solution | StackSolution, ...]

    measurements = _checks.old_name("measurements", "solutions")

    @property
    def ok(self) -> bool:
        """True if every check is within its tolerance."""
        return not self.missed

    @property
    def missed(self) -> tuple[Check, ...]:
        """The checks that are not."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def stations(self) -> tuple[dict[str, Any], ...]:
        """Each station of the line with its checks and the routes that it stands beside."""
        rows = []
        for name in dict.fromkeys(check.station for check in self.checks):
            own = [check for check in self.checks if check.station == name]
            counts = {f"{kind}s": sum(c.kind == kind for c in own) for kind in _KINDS}
            routes = list(dict.fromkeys(check.route.split(", ")[-1] for check in own))
            missed = sum(not check.ok for check in own)
            rows.append({"station": name, **counts, "missed": missed, "routes": routes})
        return tuple(rows)

    def to_dict(self) -> dict[str, Any]:
        """The report for machines: plain numbers, strings, lists and dictionaries."""
        packages = ("qutip", "numpy", "scipy")
        cases = [
            {
                "name": s.case.name,
                "sample": s.case.sample,
                "temperature_K": s.case.temperature,
                "field_T": s.case.field,
                "direction": s.case.direction,
            }
            for s in self.solutions
        ]
        body = {
            "ok": self.ok,
            "versions": {"openmr": __version__} | {name: version(name) for name in packages},
            "cases": cases,
            "stations": self.stations,
            "checks": self.checks,
        }
        return document("openmr/verify/2", body)

    def __repr__(self) -> str:
        return _table(self)


def verify(
    sample: Sample | None = None,
    *,
    temperature: ArrayLike = (10.0, 200.0),
    field: ArrayLike = 5.0,
    direction: ArrayLike = (1.0, 0.0, 0.0),
    progress: bool | None = None,
) -> Report:
    """Verify every station of the line on a film or stack, and on a stated set of others.

    Parameters
    ----------
    sample : Sample, optional
        The film or stack that comes first; `presets.pt_py()` by default. Of a stack each layer
        with moments is verified as a film, too.
    temperature, field : array_like, K and T
        Where; broadcast against each other.
    direction : array_like (3,), no unit
        Field direction b; current along x, film normal z.
    progress : bool, optional
        Show a progress bar; by default only on a terminal.

    Returns
    -------
    Report
        Prints as a table; ``.ok``, ``.checks``, ``.missed``, ``.to_dict()``.

    Raises
    ------
    ParameterError
        For bad arguments; for moments with axes of their own, or with a finite thermostat rate.
    """
    sample = presets.pt_py() if sample is None else sample
    _checks.instance("sample", sample, Sample)
    if sample.is_oriented:
        raise _checks.ParameterError(
            "`sample` must have moments without axes of their own, for the equations that are "
            f"verified are those of moments along the field; {sample.name!r} has others: compare "
            "its rates or resistivity by the methods 'batched' and 'bloch-redfield' instead"
        )
    if not all(layer.magnet.is_held for layer in sample.layers):
        raise _checks.ParameterError(
            "`thermostat_rate` must be infinite here, for the equations that are verified are "
            f"those of moments in equilibrium, got {sample.name!r} with a finite one"
        )
    temperature = _checks.positive_array("temperature", temperature, "K")
    field = _checks.finite_array("field", field, "T")
    unit = _checks.unit_vectors("direction", direction)
    if unit.shape != (3,):
        raise _checks.ParameterError(f"`direction` must have shape (3,), got {unit.shape}")
    x, y, z = unit.tolist()
    points = _checks.broadcast(temperature=temperature, field=field)
    films = [sample.layer(i) for i, one in enumerate(sample.layers) if one.magnet]
    own = [
        Case(f"{one.name}, T = {t:g} K, B = {b:g} T", one, float(t), float(b), (x, y, z))
        for one in ([sample, *films] if sample.is_stack else [sample])
        for t, b in zip(*(p.ravel() for p in points), strict=True)
    ]
    if progress is not None:
        _checks.switch("progress", progress)
    with one_thread():
        solutions = solve([*own, *standard_cases()], progress=progress)
    return Report(checks=tuple(compare(solutions)), solutions=tuple(solutions))


# --- the table -------------------------------------------------------------------------------

LINE = ("tau_par", "tau_perp", "omega_L", "l_par", "l_perp", "rho_L", "rho_T")
INTRODUCTION = """\
openmr verify: each station of the line against a way that does not know it, and the rates against
the quantum dynamics of electron spin (x) local moment. Of a stack, the conductances of its faces by
what one moment does, and its resistances by the boundary-value problem through all layers.

Each number is given by what ships and by another way, with its deviation and what is allowed
('MISS' where it is more). Deviations are relative to: the largest exchange
rate of the case (rates, times); |omega_B| + |exchange shifts| (omega_L); theta_SH^2 rho_L0
(rho_L, rho_T); themselves (lengths). tau_par and tau_perp include 1/tau_0; tau_perp is of the mean
over the axes across the field. b is the direction of field and magnetisation; the current flows
along x, the film normal is z. What agrees is formula and second-order dynamics: how far second
order itself is right, `openmr validity` says."""


_KINDS = ("number", "law", "zero")
_STATION_COLUMNS = ("station", *(f"{kind}s" for kind in _KINDS), "missed", "routes")


def _table(report: Report) -> str:
    cases = [row for s in report.solutions for row in _rows(s, report.checks)]
    *numbers, last = _STATION_COLUMNS
    stations = [[*(str(row[n]) for n in numbers), "; ".join(row[last])] for row in report.stations]
    counts = (f"{sum(row[n] for row in report.stations)} {n}" for n in numbers[1:])
    fixed = {case.name for case in standard_cases()}
    asked = Counter(s.case.sample.name for s in report.solutions if s.case.name not in fixed)
    first = "; ".join(f"{name} ({n} of T and B)" for name, n in asked.items())
    lines = [
        INTRODUCTION,
        f"\nFirst {first}, as asked for; then a fixed set of {len(fixed)} cases, as in every run.",
        table("<<<>><><", cases, indent="  "),
        "\nThe other numbers and laws, over all cases (every number: --json)",
        table("<<<>>><<<", _equation_rows(report.checks), indent="  "),
        "\nStations, and the ways that they stand beside. A law leaves zero; what is zero on both",
        "sides, within what is allowed, is no agreement of numbers and counts apart",
        table("<>>>><", [_STATION_COLUMNS, *stations], indent="  "),
        "",
        *(["Missed:"] if report.missed else []),
        *(
            f"  {c.case}: {c.quantity}, Eq. {c.equation}: closed form {c.closed_form:.10g}, "
            f"{c.route} {c.numerical:.10g} {c.unit}; deviation {c.text} {c.because}"
            for c in report.missed
        ),
        *([""] if report.missed else []),
        f"{', '.join(counts)}.",
    ]
    return "\n".join(lines)


def _rows(
    solution: Solution | StackSolution, checks: Sequence[Check]
) -> Iterator[str | Sequence[str]]:
    if isinstance(solution, StackSolution):
        return _stack_rows(solution, checks)
    return _case_rows(solution, checks)


def _case_rows(solution: Solution, checks: Sequence[Check]) -> Iterator[str | Sequence[str]]:
    """A case in words, then one row for each number of the line."""
    case, found = solution.case, solution.rates["bloch-redfield"]
    film = case.sample.film
    couplings = "; ".join(
        "({:g}, {:g}, {:g})".format(*(round(1e3 * j, 9) for j in moments.principal_energy))
        for moments in case.sample.magnet.sublattices
    )
    spins = ", ".join(f"{spin:g}" for spin in case.sample.magnet.spins)
    splitting = ", ".join(f"{1e3 * s:.4g}" for s in solution.state.splitting)
    reduced = ", ".join(f"{x:.4g}" for x in solution.state.reduced_splitting)
    mean = ", ".join(f"{averages.mean:.5g}" for averages in solution.averages)
    b = ", ".join(f"{component:.3g}" for component in case.direction)
    moments = f"S = {spins}; n_S J = {couplings} meV; {case.sample.magnet.disorder} disorder; "
    solved = f"eps_L = {splitting} meV; beta eps_L = {reduced}; <S_par> = {mean}; "
    if not case.sample.magnet:
        moments, solved = "no moments; ", ""
    yield (
        f"\n{case.name}\n"
        f"  {moments}T = {case.temperature:g} K; B = {case.field:g} T; b = ({b})\n"
        f"  {solved}largest exchange rate {np.abs(found.dissipator).max():.4g} 1/s\n"
        f"  film: d = {1e9 * film.thickness:g} nm; theta_SH = {film.spin_hall_angle:g}; "
        f"D = {film.diffusion:g} m^2/s; tau_0 = {film.spin_flip_time:.4g} s; "
        f"rho_L0 = {film.resistivity:g} Ohm m"
    )
    allowed = "deviation (allowed)"
    yield "", "Eq.", "unit", "closed form", "Bloch-Redfield", allowed, "evolution", allowed
    own = {(c.quantity, c.route.split(", ")[0]): c for c in checks if c.case == case.name}
    for quantity in LINE:
        if (quantity, NUMERICAL[0]) in own:
            first, second = (own[quantity, route] for route in NUMERICAL)
            closed, *values = (
                f"{v:.5g}" for v in (first.closed_form, first.numerical, second.numerical)
            )
            yield (
                quantity, first.equation, first.unit, closed, values[0], first.text,
                values[1], second.text,
            )  # fmt: skip
    tensor = [c for (quantity, _), c in own.items() if quantity[:6] == "Gamma_"]
    if tensor:
        worst = (_worst([c for c in tensor if c.route == route]).text for route in NUMERICAL)
        yield "tensor", "", "", "worst of nine", "", next(worst), "", next(worst)


def _stack_rows(solution: StackSolution, checks: Sequence[Check]) -> Iterator[str | Sequence[str]]:
    """A stack in words, then its faces and resistivities."""
    case = solution.case
    b = ", ".join(f"{component:.3g}" for component in case.direction)
    yield f"\n{case.name}\n  T = {case.temperature:g} K; B = {case.field:g} T; b = ({b})"
    for i, layer in enumerate(case.sample.layers):
        film = layer.film
        moments = f"; S = {', '.join(f'{s:g}' for s in layer.magnet.spins)}" if layer.magnet else ""
        yield (
            f"  layers.{i}: d = {1e9 * film.thickness:g} nm; theta_SH = {film.spin_hall_angle:g}; "
            f"D = {film.diffusion:.4g} m^2/s; tau_0 = {film.spin_flip_time:.4g} s; "
            f"rho_L0 = {film.resistivity:g} Ohm m{moments}"
        )
    for face in solution.faces:
        sheet, moments = face.sheet, "conductances given"
        if sheet.spin and sheet.areal_density and sheet.exchange:
            numbers = zip(sheet.spin, sheet.areal_density, sheet.exchange, strict=True)
            each = (f"S = {s:g}, n_2D = {n:g} m^-2, J = {j:g} eV m^3" for s, n, j in numbers)
            moments = "; ".join(each)
        yield f"  {face.name}: {sheet.name}: {moments}"
    allowed = "deviation (allowed)"
    yield "", "Eq.", "unit", "closed form", "Bloch-Redfield", allowed, "batched", allowed
    own = {(c.quantity, c.route.split(", ")[0]): c for c in checks if c.case == case.name}
    for quantity in dict.fromkeys(name for name, _ in own):
        if quantity in LINE or quantity[:2] == "G_":
            found = [own[quantity, route] for route in stacks.ROUTES if (quantity, route) in own]
            for one in found[:1]:
                values = (text for c in found for text in (f"{c.numerical:.5g}", c.text))
                yield quantity, one.equation, one.unit, f"{one.closed_form:.5g}", *values


def _worst(checks: Sequence[Check]) -> Check:
    misses = [check for check in checks if not check.ok]
    return max(misses or checks, key=lambda check: check.deviation / check.tolerance)


def _equation_rows(checks: Sequence[Check]) -> Iterator[Sequence[str]]:
    """All other closed forms, one row per equation and quantity, over all the cases."""
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        if check.quantity in LINE or check.quantity.startswith("Gamma_"):
            continue
        name = check.quantity.split(" [")[0].split(" along ")[0].split(" = ")[0].split("(")[0]
        groups.setdefault((check.station, name, check.equation), []).append(check)
    numbers = "worst: closed form", "numerical"
    yield "station", "", "Eq.", "checks", *numbers, "unit", "deviation (allowed)", "case"
    for names, members in groups.items():
        worst = _worst(members)
        numbers = f"{worst.closed_form:.5g}", f"{worst.numerical:.5g}"
        yield *names, str(len(members)), *numbers, worst.unit, worst.text, worst.case
