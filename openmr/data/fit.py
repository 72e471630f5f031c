"""`om.fit`: noise first, without the physics; then the model, and whether it describes the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from openmr import _checks
from openmr._checks import Array, ParameterError
from openmr._words import Order
from openmr.data.engine import Engine, Unknown, close, orthonormal
from openmr.data.found import (
    Adequacy,
    Asked,
    Fit,
    Flag,
    Level,
    LocalMinimum,
    Nuisance,
    aicc,
    count_unknowns,
    engine_of,
    model_of,
    start_of,
)
from openmr.data.identifiability import determined
from openmr.data.least_squares import Minimum, full_errors, least
from openmr.data.measured import Measured
from openmr.data.noise import (
    FEWEST,
    OUTLIER,
    Block,
    Memory,
    SeriesNoise,
    blocks_of,
    cells_of,
    flagged_by_cells,
    memory_of,
)
from openmr.data.nuisance import TERMS, Rows, Term, TermName, columns_of, rows_of
from openmr.sample.film import Sample
from openmr.sample.parameters import PARAMETERS, fitted_parameter, parameter, varied

_NoiseFrom = Literal["found", "given"]
_Loss = Literal["flag", "none"]
_Starts = Literal["signs", "one"]
_Per = Literal["film", "temperature"]
_MORE_FLAGS: Final = 0.03
"""Part of the points that the physics may flag beyond the cells; if more, the model is at fault."""
_RESTARTS: Final = 6
_ORDERS: Final = ("ordering_temperature", "curie_temperature", "neel_temperature", "weiss")
_ACROSS: Final = np.array([-0.3, -0.3, 0.3, 0.3, -0.8, -0.8, 0.8, 0.8])
"""Changes of ln T_C from which a search that ended badly starts again, once for each sign."""
_OTHER_SIGN: Final = 20
"""Steps from where the exchange of one sign led, with that of the other."""
_GLANCE, _NOT_FAR = 8, 4.0
"""The first of them, which may cross the whole range, and the loss over that of a good fit from
which no more are taken if the other sign has led to one."""
_ALIKE: Final = 9.0
"""Rise of chi^2 up to which another minimum is told."""
_JITTER: Final = 0.05
"""Standard deviations by which the model may vary within a cell before it is taken out there."""
_SAME_THICKNESS: Final = 0.01
"""Part by which a film may be thicker than its geometry says."""
_COUPLINGS: Final = ("exchange_energy", "exchange", "exchange_energy_in_proportion")


def fit(
    data: Measured | Sequence[Measured],
    sample: Sample | Mapping[str, Sample],
    free: str | Sequence[str],
    *,
    per: Mapping[str, _Per] | None = None,
    nuisance: Sequence[TermName] = ("drift", "hall", "offset"),
    known: Mapping[str, tuple[float, float]] | None = None,
    noise: _NoiseFrom = "found",
    loss: _Loss = "flag",
    starts: _Starts = "signs",
    limit: float = 0.5,
    order: Order = "exact",
    **options: Any,
) -> Fit:
    """Fit samples to measured resistivities, rho_L and rho_T together.

    rho_L0 of every film and temperature is found with the rest, and so is what is linear in the
    instrument.

    Parameters
    ----------
    data : Measured or sequence of Measured
        From `openmr.read` or `openmr.diagnosis.measured`.
    sample : Sample, or mapping from film to Sample
        Starting values, and the values of what is not fitted. A mapping if there are several films.
    free : str or sequence of str
        Parameters of `openmr.sweep`, `layers.0.thickness` and `bottom.G_r` of stacks too; those
        of several films are shared. Each stays within a factor 100 of its start and keeps its sign,
        but for exchange; |theta_SH| stays below 0.7 (0.99 at second order).
    per : mapping of str to {"film", "temperature"}, optional
        Parameters that each film or each temperature has of its own.
    nuisance : sequence of str
        Of "drift" (a slope for each sweep), "hall" (odd in the field), "offset" (of rho_T),
        "quadratic" (B^2 in rho_L) and "amr" (b_x^2 in rho_L, b_x b_y in rho_T).
    known : mapping of str to (value, error), optional
        Parameters known from elsewhere; they are fitted as well.
    noise : {"found", "given"}
        From points that symmetry makes equal, or as the data state it.
    loss : {"flag", "none"}
        Whether outliers are flagged and left out.
    starts : {"signs", "one"}
        Whether the fit also starts from exchange of the other sign.
    limit : float, no unit
        Relative uncertainty above which a parameter counts as not determined.
    order : {"exact", "second"}
        In theta_SH.
    **options
        Of `openmr.magnetoresistance`: `method` and so on.

    Returns
    -------
    Fit
        With its verdict.

    Raises
    ------
    ParameterError
        For data, samples or names that do not fit together, and for a sample that is not as thick
        as the geometry of its data.

    Examples
    --------
    >>> import numpy as np
    >>> import openmr as om
    >>> film, tesla = om.presets.pt_py(), np.tile(np.linspace(-9.0, 9.0, 25), 2)
    >>> given = {"temperature": 10.0, "field": tesla, "direction": (1, 0, 0)}
    >>> rho = om.magnetoresistance(film, **given, order="exact").longitudinal
    >>> noisy = rho + 1e-10 * np.random.default_rng(1).normal(size=50)
    >>> found = om.fit(om.diagnosis.measured(noisy, **given), film, "exchange_energy")
    >>> found.verdict
    'good'
    """
    per, known = per or {}, known or {}
    files = tuple(data) if isinstance(data, list | tuple) else (data,)
    for one in files:
        if not isinstance(one, Measured):
            raise ParameterError(f"`data` must be a Measured or several, got {one!r}")
    if not files:
        raise ParameterError("`data` must hold at least one Measured, got none")
    _checks.choice("noise", noise, _NoiseFrom)
    _checks.choice("loss", loss, _Loss)
    _checks.choice("order", order, Order)
    limit = _checks.number("limit", limit, above=0.0)
    terms = _several("nuisance", nuisance)
    for term in terms:
        _checks.choice("nuisance", term, TERMS)
    for what, mapping in (("per", per), ("known", known)):
        if not isinstance(mapping, Mapping):
            raise ParameterError(f"`{what}` must map names of parameters, got {mapping!r}")
    rows = rows_of(files)
    films = list(dict.fromkeys(rows.film.tolist()))
    samples = _samples(sample, films)
    names = _several("free", free)
    priors = {name: _prior(name, pair) for name, pair in known.items()}
    names = tuple(dict.fromkeys([*names, *priors]))
    _expect_free(names)
    for name, what in per.items():
        _checks.choice("per", name, names)
        _checks.choice("per", what, _Per)
    if not any(name.endswith("thickness") for name in names):
        _expect_thickness(files, samples)
    unknowns = _unknowns(names, per, films, rows)
    start = _start(unknowns, samples, order)
    if noise == "given" and np.any(np.isnan(rows.sigma) & ~rows.transverse):
        raise ParameterError("`noise` must be 'found' for data that state no uncertainty")
    asked = Asked(files, samples, unknowns, terms, priors, order, limit, dict(options), noise, loss)
    columns = columns_of(rows, terms)[0]
    many = len(unknowns) + len(rows.groups) + columns.shape[1]
    if len(rows) <= many:
        raise ParameterError(
            f"`data` must hold more points than there are unknowns, got {len(rows)} points for "
            f"{len(unknowns)} parameters, {len(rows.groups)} rho_L0 and {columns.shape[1]} terms "
            "of `nuisance`"
        )
    _checks.choice("starts", starts, _Starts)
    return fitted(asked, rows, start, signs=starts == "signs")


# --- arguments ---------------------------------------------------------------------------------


def _expect_free(names: Sequence[str]) -> None:
    """Refuse what no fit finds."""
    if not names:
        raise ParameterError("`free` must name at least one parameter, got none")
    for name in names:
        fitted_parameter(name)
        if name == "resistivity":
            raise ParameterError(
                "`free` must not name 'resistivity': rho_L0 of every film and temperature is "
                "always found, as `.resistivities`"
            )


def _expect_thickness(files: Sequence[Measured], samples: Mapping[str, Sample]) -> None:
    """Refuse a geometry that made resistivities with another thickness than the sample's."""
    for data in files:
        for film, geometry in data.geometry.items():
            if film not in samples or geometry.thickness is None:
                continue
            thickness = sum(layer.film.thickness for layer in samples[film].layers)
            if abs(geometry.thickness / thickness - 1) > _SAME_THICKNESS:
                raise ParameterError(
                    f"`sample` of {film!r} must be as thick as its geometry, "
                    f"{geometry.thickness:g} m, got {thickness:g} m"
                )


def _several(name: str, value: Any) -> tuple[str, ...]:
    """One word or several."""
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise ParameterError(f"`{name}` must be a name or several, got {value!r}")
    return tuple(words)


def _samples(sample: Any, films: Sequence[str]) -> dict[str, Sample]:
    if isinstance(sample, Sample):
        if len(films) > 1:
            raise ParameterError(
                f"`sample` must be a mapping from each film to its Sample for {', '.join(films)}"
            )
        return {films[0]: sample}
    if not isinstance(sample, Mapping):
        raise ParameterError(f"`sample` must be an openmr.Sample or a mapping, got {sample!r}")
    for film in films:
        if film not in sample:
            raise ParameterError(
                f"`sample` must hold every film of the data, got none for {film!r} among "
                f"{', '.join(map(str, sample))}"
            )
        _checks.instance("sample", sample[film], Sample)
    return {film: sample[film] for film in films}


def _prior(name: str, pair: Any) -> tuple[float, float]:
    try:
        value, error = pair
    except (TypeError, ValueError):
        raise ParameterError(
            f"`known` must hold (value, error) of {name!r}, got {pair!r}"
        ) from None
    unit = parameter(name).unit
    return (_checks.number("known", value, unit), _checks.number("known", error, unit, above=0.0))


def _unknowns(
    names: Sequence[str], per: Mapping[str, str], films: Sequence[str], rows: Rows
) -> tuple[Unknown, ...]:
    found: list[Unknown] = []
    for name in names:
        what = per.get(name)
        if what == "film":
            found += [Unknown(f"{name}[{film}]", name, film=film) for film in films]
        elif what == "temperature":
            levels: list[float] = []
            for _, kelvin in rows.groups:
                if not any(close(level, kelvin) for level in levels):
                    levels.append(kelvin)
            found += [Unknown(f"{name}[{k:.4g} K]", name, kelvin=k) for k in sorted(levels)]
        else:
            found.append(Unknown(name, name))
    return tuple(found)


def _start(unknowns: Sequence[Unknown], samples: Mapping[str, Sample], order: Order) -> Array:
    first = next(iter(samples.values()))
    start = np.empty(len(unknowns))
    for i, one in enumerate(unknowns):
        sample = first if one.film is None else samples[one.film]
        start[i] = start_of(one.name, PARAMETERS[one.name].read(sample), order)
    for film, sample in samples.items():  # refuses two names of one number
        pairs = zip(unknowns, start.tolist(), strict=True)
        varied(sample, {one.name: v for one, v in pairs if one.film in (None, film)})
    return start


# --- the noise ---------------------------------------------------------------------------------


class _Noise:
    """Noise and flags of every series, as far as they are known."""

    def __init__(self, rows: Rows, columns: Array, flag: bool) -> None:
        self.rows, self.flag = rows, flag
        self.cells = cells_of(rows)
        self.columns = columns
        many = len(rows.names)
        self.blocks = [blocks_of(rows, columns, self.cells, s) for s in range(many)]
        self.flagged = np.zeros(len(rows), dtype=bool)
        self.sigma, self.memory = np.zeros(many), np.zeros(many)
        self.freedom = np.zeros(many, dtype=np.int64)
        self.repeated = np.zeros(many, dtype=bool)
        self.found: dict[int, Memory] = {}

    def find(self, values: Array, keep: NDArray[np.bool_] | None = None) -> None:
        """From what scatters within cells; first guesses where there are no repeats."""
        for s, blocks in enumerate(self.blocks):
            flagged, sigma = flagged_by_cells(values, blocks)
            self.repeated[s] = np.isfinite(sigma)
            mine = self.rows.series == s
            if not self.repeated[s]:
                self.sigma[s] = _roughness(self.rows, values, mine)
                continue
            if keep is not None:
                flagged = keep & mine
            if self.flag:
                self.flagged[mine] = flagged[mine]
            found = memory_of(values, self.rows, blocks, self.flagged)
            self._hold(s, found)

    def from_misses(self, misses: Array, slopes: Array) -> None:
        """From residuals of the physics, with what was fitted taken out, where nothing repeats."""
        for s in np.flatnonzero(~self.repeated):
            at = np.flatnonzero(self.rows.series == s)
            size = 1.4826 * float(np.median(np.abs(misses[at][~self.flagged[at]])))
            if self.flag and size > 0:
                self.flagged[at] = np.abs(misses[at]) > OUTLIER * size * 1.1
            good = at[~self.flagged[at]]
            design = np.zeros((len(at), 0))
            basis = orthonormal(slopes[good])
            design = np.zeros((len(at), basis.shape[1]))
            design[~self.flagged[at]] = basis
            found = memory_of(misses, self.rows, [Block(at, None, design)], self.flagged)
            self._hold(s, found)

    def _hold(self, s: int | np.signedinteger[Any], found: Memory) -> None:
        self.memory[s], self.sigma[s], self.freedom[s] = found[:3]
        self.found[int(s)] = found

    @property
    def state(self) -> Array:
        """All of it in one array."""
        return np.concatenate([self.sigma, self.memory, self.flagged])

    def records(self) -> tuple[SeriesNoise, ...]:
        found = []
        for s, name in enumerate(self.rows.names):
            given = self.rows.sigma[self.rows.series == s]
            known = bool(np.all(np.isfinite(given)))
            root = float(np.sqrt(np.mean(given**2))) if known else None
            found.append(SeriesNoise(name, float(self.sigma[s]), float(self.memory[s]), root))
        return tuple(found)


def _roughness(rows: Rows, values: Array, mine: NDArray[np.bool_]) -> float:
    """A first sigma from second differences, which no smooth curve has."""
    runs = np.unique(rows.run[mine])
    bends = np.concatenate([np.abs(np.diff(values[rows.run == run], 2)) for run in runs])
    bends = bends[bends > 0]
    floor = 1e-13 * float(np.mean(np.abs(values[mine])))
    return max(float(np.median(bends)) / (0.6745 * np.sqrt(6.0)) if bends.size else 0.0, floor)


# --- the fit -----------------------------------------------------------------------------------


def fitted(asked: Asked, rows: Rows, start: Array, *, signs: bool) -> Fit:
    """The fit of what was asked, from `start`."""
    columns, terms = columns_of(rows, asked.nuisance)
    flag = asked.loss == "flag"
    noise = _Noise(rows, columns, flag)
    noise.find(rows.value)
    given = asked.noise == "given"
    model = model_of(asked, rows)

    def engine(start: Array) -> Engine:
        records = noise.records()
        if given:
            records = tuple(replace(r, memory=0.0, sigma=r.given or r.sigma) for r in records)
        return engine_of(asked, rows, ~noise.flagged, records, start, columns=columns, model=model)

    now, found, others = _searched(engine(start), soft=flag, signs=signs)
    _refine_bare(now, found)
    if not np.all(noise.repeated):
        for _ in range(3):
            before = noise.state
            _noise_of_physics(noise, now, found)
            if np.array_equal(noise.state, before):
                break
            now = engine(now.start)
            found = least(now.problem, found.logs)
    elif flag:
        _flag_by_physics(noise, now, found)
        now = engine(now.start)
    found = least(now.problem, found.logs)
    if np.any(noise.repeated) and _jitter(noise, now, found) > _JITTER:
        ratio = now.ratio(found.logs)
        curve = now.linear(ratio).groups[rows.group] * ratio
        noise.find(rows.value - curve, keep=noise.flagged.copy())
        now = engine(now.start)
        found = least(now.problem, found.logs)
    return _record(asked, noise, now, found, others, terms)


def _searched(
    now: Engine, *, soft: bool, signs: bool
) -> tuple[Engine, Minimum, list[tuple[Engine, Minimum]]]:
    """The best of searches from both signs of the exchange and, if it is bad, from elsewhere."""
    flips = np.array(
        [-1.0 if one.name.rpartition(".")[2] in _COUPLINGS else 1.0 for one in now.model.unknowns]
    )
    zero = np.zeros(len(now.start))
    ends = [(now, least(now.problem, zero, soft=soft))]
    good = 1.5 * (len(now.chain.good) - count_unknowns(now)) + 30
    if signs and np.any(flips < 0):
        other = replace(now, start=now.start * flips)
        first = ends[0][1]
        there = least(other.problem, first.logs, soft=soft, most=_GLANCE)
        if first.loss > good or there.loss < _NOT_FAR * good:
            there = least(other.problem, there.logs, soft=soft, most=_OTHER_SIGN)
        ends.append((other, there))
    best = min(ends, key=lambda end: end[1].loss)
    spread = np.random.default_rng(0).uniform(-1.5, 1.5, (_RESTARTS, len(zero)))
    ordering = np.array([one.name.rpartition(".")[2] in _ORDERS for one in now.model.unknowns])
    if ordering.any():  # the level of a temperature is a barrier for that of order
        spread = np.concatenate([np.outer(_ACROSS, ordering), spread])
    for i, logs in enumerate(spread):
        if best[1].loss <= good:
            break
        start = ends[i % 2][0] if signs and np.any(flips < 0) else now
        ends.append((start, least(start.problem, logs, soft=soft)))
        best = min(ends, key=lambda end: end[1].loss)
    return *best, [end for end in ends if end[1] is not best[1]]


def _refine_bare(now: Engine, found: Minimum) -> None:
    """Conductances of faces count against the resistivities that were found."""
    groups = now.linear(now.ratio(found.logs)).groups
    if not now.absolute and any(part.sample.is_stack for part in now.model.parts):
        bare = {group: float(value) for group, value in enumerate(groups) if value > 0}
        now.model.at_resistivities(bare)


def _misses(now: Engine, logs: Array) -> Array:
    ratio = now.ratio(logs)
    groups, terms = now.coefficients(logs)
    fitted: Array = groups[now.rows.group] * ratio + now.columns @ terms
    return now.rows.value - fitted


def _flag_by_physics(noise: _Noise, now: Engine, found: Minimum) -> None:
    """Flag what hid in its cell, and take back what shared one with an outlier."""
    z = np.abs(_misses(now, found.logs)) / noise.sigma[noise.rows.series]
    far = z > OUTLIER
    more = far & ~noise.flagged
    if more.sum() <= _MORE_FLAGS * len(z):
        noise.flagged |= more
    # the other of two in one cell, which alone could not tell
    cells = noise.cells
    pairs = np.bincount(cells, ~noise.flagged)[cells] == 0
    wrong = np.bincount(cells, far)[cells] > 0
    noise.flagged &= ~(pairs & wrong & (z < 3.0))


def _noise_of_physics(noise: _Noise, now: Engine, found: Minimum) -> None:
    ratio, inner = now.around(found.logs)
    groups = now.linear(ratio).groups[now.rows.group]
    members = (now.rows.group[:, None] == np.arange(len(now.rows.groups))) * ratio[:, None]
    whole = [inner * groups[:, None], *([] if now.absolute else [members]), now.columns]
    noise.from_misses(_misses(now, found.logs), np.column_stack(whole))


def _jitter(noise: _Noise, now: Engine, found: Minimum) -> float:
    """Largest spread of the model within a cell, in standard deviations."""
    ratio = now.ratio(found.logs)
    curve = now.linear(ratio).groups[now.rows.group] * ratio / noise.sigma[now.rows.series]
    cells = noise.cells
    mean = np.bincount(cells, curve) / np.bincount(cells)
    return float(np.max(np.abs(curve - mean[cells])[noise.repeated[now.rows.series]], initial=0.0))


def _by_unknown_memory(noise: _Noise, now: Engine, logs: Array) -> Array:
    """Factors (m,) of the errors, since phi and sigma are not known.

    The variance over the posterior of phi is the mean of the variances with each, plus that of
    the places of the minimum.
    """
    inner = now.around(logs)[1]
    sigma, memory = noise.sigma[noise.rows.series], noise.memory[noise.rows.series]
    plain = np.diag(now.estimate(logs, inner)[1])
    more = np.zeros(len(logs))
    for s, one in noise.found.items():
        mine = noise.rows.series == s
        mean, square, within = np.zeros((3, len(logs)))
        for odds, phi, size in zip(one.odds, one.memories, one.sigmas, strict=True):
            there = now.with_noise(np.where(mine, size, sigma), np.where(mine, phi, memory))
            step, covariance = there.estimate(logs, inner)
            mean += odds * step
            square += odds * step**2
            within += odds * np.diag(covariance)
        more += within + square - mean**2 - plain
    return np.asarray(np.sqrt(np.maximum(1 + more / np.where(plain > 0, plain, np.inf), 0.25)))


# --- the verdict -------------------------------------------------------------------------------


def _adequacy(noise: _Noise, now: Engine, found: Minimum, given: bool) -> Adequacy:
    """F test of the model against cells of equal conditions, with the same noise."""
    misses = _misses(now, found.logs)
    white = now.chain.whiten(misses)
    rows, good = now.rows, now.chain.good
    unknowns = count_unknowns(now) - len(now.known)
    if given:
        square, freedom = float(white @ white), len(white) - unknowns
        return Adequacy("chi^2", square / freedom, float(stats.chi2.sf(square, freedom)))
    tested = noise.repeated[rows.series[good]]
    below, spare = 0.0, 0
    for series in np.flatnonzero(noise.repeated):
        for at, cells, columns in noise.blocks[series]:
            mask = np.isin(good, at)
            if not mask.any():
                continue
            assert cells is not None
            inside = np.zeros((len(rows), int(cells.max()) + 1 + columns.shape[1]))
            inside[at, cells] = 1.0
            inside[at, int(cells.max()) + 1 :] = columns
            design = now.chain.whiten(inside)[mask]
            basis = orthonormal(design)
            left = white[mask] - basis @ (basis.T @ white[mask])
            below += float(left @ left)
            spare += int(mask.sum()) - basis.shape[1]
    square = float(np.sum(white[tested] ** 2))
    linear = count_unknowns(now) - len(now.start)
    if not np.all(tested):
        linear = int(linear * tested.mean())
    above = int(tested.sum()) - linear - len(now.start) + len(now.known) - spare
    if spare < FEWEST or above < 1 or below <= 0:
        return Adequacy("", np.nan, np.nan)
    statistic = (square - below) / above / (below / spare)
    return Adequacy("F", statistic, float(stats.f.sf(statistic, above, spare)))


def _alternatives(asked: Asked, now: Engine, found: Minimum) -> dict[str, float]:
    """AICc with one more term each, on the same flags and noise."""
    result = {}
    for kind in ("quadratic", "amr"):
        if kind in asked.nuisance or now.absolute:
            continue
        columns, terms = columns_of(now.rows, (*asked.nuisance, kind))
        if not any(term.kind == kind for term in terms):
            continue
        basis = orthonormal(now.chain.whiten(columns))
        if basis.shape[1] == now.terms_basis.shape[1]:
            continue
        wider = replace(now, columns=columns, terms_basis=basis)
        end = least(wider.problem, found.logs, settled=1e-3)
        result[f"aicc {kind}"] = aicc(end.loss, count_unknowns(wider), len(now.chain.good))
    return result


def _record(
    asked: Asked,
    noise: _Noise,
    now: Engine,
    found: Minimum,
    others: Sequence[tuple[Engine, Minimum]],
    terms: Sequence[Term],
) -> Fit:
    rows, logs, problem = now.rows, found.logs, now.problem
    adequacy = _adequacy(noise, now, found, asked.noise == "given")
    names = now.names
    local = determined(names, problem.error_slopes(logs), asked.limit)
    values = now.values(logs)
    ended = problem.at_an_end(logs)
    widened = np.ones(len(names))
    if adequacy.refused:
        errors = np.full(len(names), np.nan)
        wider, lost = np.ones(len(names)), np.zeros(len(names), dtype=bool)
        apart = lost
    else:
        if asked.noise == "found":
            widened = _by_unknown_memory(noise, now, logs)
        errors = widened * full_errors(problem, logs, local, asked.limit)
        lost = ~(errors <= asked.limit)
        spread = np.sqrt(np.diag(local.covariance))
        wider = np.where(np.isfinite(errors) & (spread > 0), errors / np.maximum(spread, 1e-300), 1)
        apart = ~local.lost | ended
        errors = np.where(lost, np.inf, errors)
    linear = np.sqrt(np.maximum(np.diag(local.covariance), 1e-300))
    correlations = np.where(
        lost[:, None] | lost, np.eye(len(names)), local.covariance / np.outer(linear, linear)
    )
    chi = found.loss
    unknowns, points = count_unknowns(now), len(now.chain.good)
    whitened = now.chain.whiten(_misses(now, logs))
    tests = {
        "chi_square": chi,
        "points": float(len(rows)),
        "unknowns": float(unknowns),
        "degrees_of_freedom": float(points - unknowns),
        "ljung_box": _ljung_box(whitened),
        "runs": _runs(whitened),
        "aicc": aicc(chi, unknowns, points),
        **_alternatives(asked, now, found),
    }
    memory = noise.memory if asked.noise == "found" else np.zeros(len(noise.memory))
    alone = (1 - memory**2) / (1 + memory**2)
    freedom = float(noise.freedom @ alone)
    if asked.noise == "given":
        freedom = 1e6
    verdict: Any = "does not describe" if adequacy.refused else "good"
    if verdict == "good" and lost.any():
        verdict = "not determined"
    level_values, nuisance = _linear_records(now, logs, terms, adequacy.refused)
    words = np.where(rows.transverse, "transverse", "longitudinal")
    flags = tuple(
        Flag(int(rows.file[i]), int(rows.point[i]), str(words[i]))
        for i in np.flatnonzero(noise.flagged)
    )
    records = noise.records()
    if asked.noise == "given":
        records = tuple(replace(one, memory=0.0) for one in records)
    return Fit(
        verdict=verdict,
        parameters=names,
        values=values,
        uncertainties=np.abs(values) * errors,
        correlations=correlations,
        combinations=local.combinations,
        resistivities=level_values,
        nuisance=nuisance,
        noise=records,
        flagged=flags,
        adequacy=adequacy,
        tests=tests,
        minima=_other_minima(now, found, others),
        freedom=max(freedom, 1.0),
        covariance=np.outer(wider, wider) * local.covariance,
        open_directions=np.concatenate([local.open, np.eye(len(names))[lost & apart]]),
        widened=widened,
        logs=logs,
        asked=asked,
    )


def _linear_records(
    now: Engine, logs: Array, terms: Sequence[Term], refused: bool
) -> tuple[tuple[Level, ...], tuple[Nuisance, ...]]:
    """rho_L0 and coefficients with errors from all unknowns together."""
    groups, coefficients = now.coefficients(logs)
    joint = now.joint_slopes(logs)
    size = np.linalg.norm(joint, axis=0)
    size = np.where(size > 0, size, 1.0)
    _, singular, vectors = np.linalg.svd(joint / size, full_matrices=False)
    kept = singular > 1e-9 * singular[0]
    errors = np.sqrt(np.sum((vectors[kept].T / singular[kept]) ** 2, axis=1)) / size
    lost = np.any(np.abs(vectors[~kept]) > 1e-3, axis=0)
    errors = np.where(lost, np.inf, errors)
    if refused:
        errors = np.full_like(errors, np.nan)
    many, present = len(now.start), now.present
    of_groups = np.full(len(groups), np.nan)
    if not now.absolute:
        of_groups[present] = errors[many : many + len(present)]
        many += len(present)
    levels = tuple(
        Level(film, kelvin, float(value) if value else np.nan, float(error))
        for (film, kelvin), value, error in zip(now.rows.groups, groups, of_groups, strict=True)
    )
    largest = np.max(np.abs(now.columns), axis=0, initial=0.0)
    return levels, tuple(
        Nuisance(term.kind, term.where, float(value * most), float(error * most))
        for term, value, error, most in zip(
            terms, coefficients, errors[many:], largest, strict=True
        )
    )


def _other_minima(
    now: Engine, found: Minimum, others: Sequence[tuple[Engine, Minimum]]
) -> tuple[LocalMinimum, ...]:
    """Other ends of the searches about as good as the best, each once."""
    kept: list[LocalMinimum] = []
    here = now.values(found.logs)
    for there, end in others:
        if end.loss > found.loss + 30 + 0.5 * len(now.chain.good):
            continue
        other = replace(now, start=there.start)
        again = least(other.problem, end.logs)
        values = other.values(again.logs)
        if again.loss > found.loss + _ALIKE:
            continue
        seen = [here, *(one.values for one in kept)]
        if all(np.max(np.abs(values / one - 1)) > 0.02 for one in seen):
            kept.append(LocalMinimum(values, again.loss))
    return tuple(kept)


def _ljung_box(white: Array, lags: int = 10) -> float:
    """Probability of the correlations of the first lags by chance."""
    n = len(white)
    lags = min(lags, n // 5)
    if lags < 1:
        return np.nan
    centred = white - white.mean()
    total = float(centred @ centred) or 1.0
    rho = np.array([float(centred[k:] @ centred[:-k]) / total for k in range(1, lags + 1)])
    statistic = n * (n + 2) * float(np.sum(rho**2 / (n - np.arange(1, lags + 1))))
    return float(stats.chi2.sf(statistic, lags))


def _runs(white: Array) -> float:
    """Probability of as few or many changes of sign by chance (Wald and Wolfowitz)."""
    up = white > 0
    plus, minus = int(up.sum()), int((~up).sum())
    if min(plus, minus) < 2:
        return np.nan
    n = plus + minus
    mean = 1 + 2 * plus * minus / n
    variance = (mean - 1) * (mean - 2) / (n - 1)
    count = 1 + int(np.sum(up[1:] != up[:-1]))
    return float(2 * stats.norm.sf(abs(count - mean) / np.sqrt(variance)))
