"""V = sum_i A_i (x) B_i as a user gives it: checked, and written with Hermitian operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from qutip import Qobj

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, SizeError
from openmr._qutip import MAX_DIMENSION
from openmr.bath.transforms import Correlator, HalfSided, half_sided, sampled
from openmr.master.open_system import ROUNDING

_SYMMETRY = 1e-6


def operator_matrices(hamiltonian: Qobj, couplings: Sequence[Qobj]) -> ComplexArray:
    """Matrices (n, d, d) of the coupling operators, after all checks of operators and size."""
    _operator("hamiltonian", hamiltonian)
    dimension = hamiltonian.shape[0]
    if dimension > MAX_DIMENSION:
        gibibytes = 16.0 * float(dimension) ** 4 / 2**30
        raise SizeError(
            f"`hamiltonian` must have dimension <= {MAX_DIMENSION}, got {dimension} (a dense "
            f"superoperator would take {gibibytes:.3g} GiB, and five are needed)"
        )
    matrix = hamiltonian.full()
    if np.abs(matrix - matrix.conj().T).max() > ROUNDING * np.abs(matrix).max():
        raise ParameterError("`hamiltonian` must be Hermitian, got one that is not")
    if isinstance(couplings, Qobj) or not len(couplings):
        raise ParameterError("`couplings` must be a list of at least one operator, got none")
    for operator in couplings:
        _operator("couplings", operator)
        if operator.dims != hamiltonian.dims:
            raise ParameterError(
                f"`couplings` must have the dims {hamiltonian.dims} of `hamiltonian`, "
                f"got {operator.dims}"
            )
    return np.stack([operator.full() for operator in couplings])


def _operator(name: str, value: Any) -> None:
    if not isinstance(value, Qobj) or not value.isoper or value.shape[0] != value.shape[1]:
        shape = f"shape {value.shape}" if isinstance(value, Qobj) else f"a {type(value).__name__}"
        raise ParameterError(f"`{name}` must be square operators (qutip.Qobj), got {shape}")
    if not np.all(np.isfinite(value.full())):
        raise ParameterError(f"`{name}` must be finite, got NaN or infinity")


def hermitian_basis(operators: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Hermitian F_a and the matrix m of A_i = sum_a m_ai F_a, so that V = sum_a F_a (x) C_a.

    A is (n, d, d), F (r, d, d) and m (r, n). C_a = sum_i m_ai B_i is Hermitian if V is, and its
    correlators are m D m^T. Operators that are Hermitian stay themselves; otherwise F is an
    orthonormal basis of all Hermitian and anti-Hermitian parts.
    """
    adjoint = operators.conj().swapaxes(-1, -2)
    if np.abs(operators - adjoint).max() <= 1e-14 * np.abs(operators).max():
        return operators, np.eye(len(operators), dtype=complex)
    n, d = operators.shape[:2]
    parts = np.concatenate([0.5 * (operators + adjoint), -0.5j * (operators - adjoint)])
    flat = parts.reshape(2 * n, d * d)
    left, sizes, right = np.linalg.svd(np.hstack([flat.real, flat.imag]), full_matrices=False)
    kept = sizes > 1e-14 * max(sizes[0], 1e-300)
    basis = right[kept, : d * d] + 1j * right[kept, d * d :]
    amounts = (left * sizes)[:, kept].T
    return basis.reshape(-1, d, d), amounts[:, :n] + 1j * amounts[:, n:]


def transforms(
    correlators: Any, mixing: ComplexArray, frequencies: Array, time: float, rtol: float
) -> HalfSided:
    """Half-sided transforms of the correlators m D m^T of the Hermitian C_a.

    `correlators` are those of the B_i as `tcl2` takes them, `mixing` is m of `hermitian_basis`; the
    rest as of `bath.transforms.half_sided`.
    """
    n = mixing.shape[1]

    def mixed(values: ComplexArray) -> ComplexArray:
        return np.asarray(mixing @ values @ mixing.T)

    if _is_sampled(correlators):
        times, values = _samples(correlators, n, time)
        _check_symmetry(mixed(values[:1])[0])
        return sampled(times, mixed(values), frequencies, time, rtol=rtol)
    function = _function(correlators, n)
    _check_symmetry(mixed(function(np.zeros(1)))[0])

    def of_nodes(nodes: Array) -> ComplexArray:
        return mixed(function(nodes.ravel())).reshape(*nodes.shape, *[len(mixing)] * 2)

    return half_sided(of_nodes, frequencies, time, rtol=rtol)


def _check_symmetry(start: ComplexArray) -> None:
    """V = sum_a F_a (x) C_a with Hermitian C_a has <C_a C_b> Hermitian and not negative."""
    largest = np.abs(start).max(initial=0.0)
    skew = float(np.abs(start - start.conj().T).max(initial=0.0))
    lowest = float(np.linalg.eigvalsh(0.5 * (start + start.conj().T))[0])
    if max(skew, -lowest) > _SYMMETRY * largest:
        raise ParameterError(
            "`correlators` must be <B_i(t) B_j(0)> (no daggers) of a Hermitian V, got a D(0) that "
            f"in a Hermitian basis is non-Hermitian by {skew / largest:.2g} and has the lowest "
            f"eigenvalue {lowest / largest:.2g}, both in units of its largest element"
        )


def _function(correlators: Any, n: int) -> Correlator:
    """Correlators as one checked function (t,) -> (t, n, n)."""
    if callable(correlators):
        raw = cast(Callable[[Array], Any], correlators)
    else:
        if not isinstance(correlators, (list, tuple, np.ndarray)):
            raise ParameterError(
                "`correlators` must be callable, nested callables or (times, values), "
                f"got {correlators!r}"
            )
        rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in correlators]
        if not all(f is None or callable(f) for row in rows for f in row):
            raise ParameterError("`correlators` must be nested functions of time or None")
        if len(rows) != n or any(len(row) != n for row in rows):
            raise ParameterError(
                f"`correlators` must be {n} x {n} for {n} `couplings`, got rows of "
                f"{[len(row) for row in rows]}"
            )

        def raw(times: Array) -> Any:
            table = [[_element(f, times) for f in row] for row in rows]
            return np.moveaxis(np.array(table), -1, 0)

    def checked(times: Array) -> ComplexArray:
        values = _complex(raw(times))
        if values.shape != (len(times), n, n):
            raise ParameterError(
                f"`correlators` must give shape {(len(times), n, n)} for {len(times)} times and "
                f"{n} `couplings`, got {values.shape}"
            )
        bad = ~np.isfinite(values).all(axis=(-2, -1))
        if bad.any():
            raise ParameterError(
                f"`correlators` must be finite, got NaN or infinity at t = {times[bad][0]:.4g}"
            )
        return values

    return checked


def _is_sampled(correlators: Any) -> bool:
    """A tuple of numbers, not of functions."""
    if not isinstance(correlators, tuple):
        return False
    rows = [row if isinstance(row, (list, tuple)) else [row] for row in correlators]
    return not any(f is None or callable(f) for row in rows for f in row)


def _element(function: Callable[[Array], Any] | None, times: Array) -> ComplexArray:
    """One correlator (t,); constants broadcast, None is zero."""
    values = _complex(0.0 if function is None else function(times))
    if values.shape not in {(), times.shape}:
        raise ParameterError(
            f"`correlators` must each give shape {times.shape} for {len(times)} times, "
            f"got {values.shape}"
        )
    return np.broadcast_to(values, times.shape)


def _complex(values: Any) -> ComplexArray:
    try:
        return np.asarray(values, dtype=complex)
    except (TypeError, ValueError):
        raise ParameterError(
            f"`correlators` must give complex numbers, got {type(values).__name__}"
        ) from None


def _samples(correlators: tuple[Any, ...], n: int, time: float) -> tuple[Array, ComplexArray]:
    if len(correlators) != 2:
        raise ParameterError(f"`correlators` must be (times, values), got {len(correlators)} items")
    times = _checks.finite_array("correlators[0]", correlators[0])
    values = _complex(correlators[1])
    if times.ndim != 1 or len(times) < 12 or values.shape != (len(times), n, n):
        raise ParameterError(
            f"`correlators` must be times (t,) with t >= 12 and values (t, {n}, {n}), got "
            f"{times.shape} and {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        raise ParameterError("`correlators` must be finite, got NaN or infinity among the samples")
    steps = np.diff(times)
    if times[0] != 0 or steps[0] <= 0 or np.ptp(steps) > 1e-6 * steps[0]:
        raise ParameterError("`correlators` must be sampled on a uniform grid that starts at 0")
    if np.isfinite(time) and time > times[-1] * (1 + 1e-12):
        raise ParameterError(
            f"`time` must be at most {times[-1]:.4g}, where the samples end, got {time!r}"
        )
    return times, values
