"""A small quantum system, its couplings to baths and its Lindblad operators, checked once.

V = sum_i A_i (x) B_i for the operators of one bath; every pair has a bath of its own.
hbar = k_B = 1: energies, temperatures and inverse times are in one unit of the caller's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from qutip import Qobj, QobjEvo
from qutip.core.environment import BosonicEnvironment, FermionicEnvironment

from openmr import _checks
from openmr._checks import Array, ComplexArray, ParameterError, SizeError
from openmr._qutip import MAX_DIMENSION, exact_arithmetic
from openmr.bath.bath import Bath

ROUNDING = 1e-12
"""Rounding of the elements of an operator and of Bohr frequencies, over the largest."""
_POSITIVE = 1e-10
"""Largest negative eigenvalue and error of the trace of what counts as a state."""
_PAIRS = "`couplings` must be a list of (operator, bath) pairs"


@dataclass(frozen=True, eq=False)
class Coupling:
    """Operators that one bath takes hold of."""

    operators: tuple[Qobj | QobjEvo, ...]  # A_i of each component, or (c, c^dag) of a lead
    bath: Bath  # independent of the baths of all other couplings
    index: int  # place in the list of couplings

    @cached_property
    def matrices(self) -> ComplexArray:
        """The operators as arrays (n, d, d), in the basis in which they were given."""
        found = np.stack([operator.full() for operator in self.operators])
        return found if self.bath.conserving else 0.5 * (found + found.conj().swapaxes(-1, -2))


@dataclass(frozen=True, eq=False)
class OpenSystem:
    """A Hamiltonian with baths; every pair (A, bath) is independent, also if the object repeats.

    Parameters
    ----------
    hamiltonian : Qobj, QobjEvo or array_like (d, d), in the unit of all energies
        H, Hermitian; or QuTiP's list form ``[H0, [H1, f]]``, or a function of time.
    couplings : sequence of (operator, Bath)
        V = A (x) B with Hermitian A; for a lead (`Bath.lead`) the operator c of V = c^dag B + h.c.;
        for a bath of n correlated components ``([A_1, ..., A_n], bath)``. Operators may be Qobj,
        arrays or QobjEvo; a bath also QuTiP's environment, or S(w). May be empty; items of the
        `couplings` of another system serve as well.
    collapse : sequence of Qobj, in the square root of the unit
        Lindblad operators, as QuTiP's ``c_ops``.

    Attributes
    ----------
    hamiltonian : Qobj or QobjEvo
        H.
    couplings : tuple of Coupling
        Operators and bath of each pair.
    collapse : tuple of Qobj
        Lindblad operators.

    Raises
    ------
    ParameterError
        For an H or A that is not square, finite, Hermitian or of the same dims, and for couplings
        that are not pairs.
    SizeError
        Above dimension 64.
    """

    hamiltonian: Any
    couplings: Any
    collapse: Any = ()

    def __post_init__(self) -> None:
        hamiltonian = _operator("hamiltonian", self.hamiltonian)
        _refuse_large(hamiltonian.shape[0])
        check_hermitian("hamiltonian", hamiltonian)
        pairs = [
            _coupling(index, pair, hamiltonian.dims)
            for index, pair in enumerate(_pairs(self.couplings))
        ]
        extra = [self.collapse] if isinstance(self.collapse, Qobj | QobjEvo) else self.collapse
        if not isinstance(extra, list | tuple):
            raise ParameterError(
                f"`collapse` must be a list of operators, got {_checks.shown(extra)}"
            )
        collapse = [
            _operator(f"collapse[{index}]", operator, hamiltonian.dims)
            for index, operator in enumerate(extra)
        ]
        object.__setattr__(self, "hamiltonian", hamiltonian)
        object.__setattr__(self, "couplings", tuple(pairs))
        object.__setattr__(self, "collapse", tuple(collapse))

    @cached_property
    def constant(self) -> bool:
        """Whether no operator depends on time."""
        operators = [op for coupling in self.couplings for op in coupling.operators]
        return all(isinstance(op, Qobj) for op in (self.hamiltonian, *operators, *self.collapse))

    def at(self, time: float) -> OpenSystem:
        """The system with all operators as they are at one time.

        Parameters
        ----------
        time : float, inverse unit of energy

        Returns
        -------
        OpenSystem
            Constant.

        Raises
        ------
        ParameterError
            For a time that is no finite number.
        """
        time = _checks.number("time", time, infinite=self.constant)
        if self.constant:
            return self

        return OpenSystem(
            operator_at("hamiltonian", self.hamiltonian, time),
            [
                replace(
                    c,
                    operators=tuple(
                        operator_at(f"couplings[{c.index}]", one, time) for one in c.operators
                    ),
                )
                for c in self.couplings
            ],
            [operator_at(f"collapse[{i}]", one, time) for i, one in enumerate(self.collapse)],
        )

    @property
    def dims(self) -> Any:
        """QuTiP's dims of the operators."""
        return self.hamiltonian.dims

    @property
    def dimension(self) -> int:
        """Number of levels d."""
        return int(self.hamiltonian.shape[0])

    @cached_property
    def _eigenbasis(self) -> tuple[Array, ComplexArray]:
        if not isinstance(self.hamiltonian, Qobj):
            raise ParameterError(
                "`hamiltonian` depends on time, and so do its levels: give a `time`"
            )
        energies, states = np.linalg.eigh(self.hamiltonian.full())
        apart = np.diff(energies) > ROUNDING * np.abs(energies).max(initial=0.0)
        level = np.concatenate([[0], np.cumsum(apart)])
        return (np.bincount(level, energies) / np.bincount(level))[level], states

    @property
    def energies(self) -> Array:
        """Levels E_n (d,), ascending; those that are equal to rounding are equal."""
        return self._eigenbasis[0]

    @property
    def states(self) -> ComplexArray:
        """Eigenvectors of H (d, d), one a column."""
        return self._eigenbasis[1]

    @cached_property
    def bohr(self) -> tuple[NDArray[np.intp], Array]:
        """Place (d, d) of w_mn = E_n - E_m among the distinct Bohr frequencies, and these (w,)."""
        return self.groups(np.inf)

    def groups(self, resolution: float) -> tuple[NDArray[np.intp], Array]:
        """Groups of Bohr frequencies w_mn = E_n - E_m, 1 / `resolution` wide or as rounding.

        Parameters
        ----------
        resolution : float, inverse unit of energy

        Returns
        -------
        places : array of int (d, d), no unit
            Place of each w_mn among the centres.
        centres : array (groups,), unit of energy
            Ascending and odd; exactly 0 in the middle.

        Raises
        ------
        ParameterError
            For a resolution that is not positive.
        """
        resolution = _checks.number("resolution", resolution, above=0.0, infinite=True)
        rounding = ROUNDING * float(np.abs(self.energies).max())
        labels, sizes = bohr_groups(self.energies, max(1.0 / resolution, rounding))
        return labels + len(sizes) - 1, np.concatenate([-sizes[:0:-1], sizes])

    def in_eigenbasis(self, operator: Qobj | ComplexArray) -> ComplexArray:
        """Matrix elements <m|A|n> between the eigenstates of H.

        Parameters
        ----------
        operator : Qobj or complex array (..., d, d)
            A in the basis of H as given.

        Returns
        -------
        complex array (..., d, d), unit of A
            Its elements.

        Raises
        ------
        ParameterError
            For another shape, or elements that are not finite.
        """
        given = operator.full() if isinstance(operator, Qobj) else operator
        matrix = _checks.square_matrix("operator", given, self.dimension, stacked=True)
        return np.asarray(self.states.conj().T @ matrix @ self.states)

    def from_eigenbasis(self, matrix: ComplexArray) -> ComplexArray:
        """An operator given between eigenstates of H, in the basis of H as given.

        Errors as of `in_eigenbasis`.

        Parameters
        ----------
        matrix : complex array (..., d, d), any unit

        Returns
        -------
        complex array (..., d, d), unit of the matrix
            The same operator.
        """
        matrix = _checks.square_matrix("matrix", matrix, self.dimension, stacked=True)
        return np.asarray(self.states @ matrix @ self.states.conj().T)

    def as_operator(self, matrix: ComplexArray) -> Qobj:
        """An array as an operator with the dims of H.

        Errors as of `in_eigenbasis`.

        Parameters
        ----------
        matrix : complex array (d, d), any unit

        Returns
        -------
        Qobj
            Operator.
        """
        matrix = _checks.square_matrix("matrix", matrix, self.dimension)
        with exact_arithmetic():
            return Qobj(matrix, dims=self.dims)

    def as_superoperator(self, matrix: ComplexArray) -> Qobj:
        """An array as a superoperator on operators like H.

        Errors as of `in_eigenbasis`.

        Parameters
        ----------
        matrix : complex array (d^2, d^2), any unit
            Columns of rho are stacked.

        Returns
        -------
        Qobj
            Superoperator.
        """
        matrix = _checks.square_matrix("matrix", matrix, self.dimension**2)
        with exact_arithmetic():
            return Qobj(matrix, dims=[self.dims, self.dims], superrep="super")

    @property
    def temperature(self) -> float | None:
        """Temperature of all baths, None where they differ, have none, or exchange particles."""
        found = {c.bath.temperature for c in self.couplings}
        leads = any(c.bath.conserving for c in self.couplings)
        return None if leads or self.collapse or len(found) != 1 else found.pop()

    def gibbs(self, temperature: float) -> Qobj:
        """Thermal state exp(-H/T) / Z, at T = 0 that of the lowest levels.

        Parameters
        ----------
        temperature : float, unit of energy

        Returns
        -------
        Qobj
            Density matrix.

        Raises
        ------
        ParameterError
            For a negative temperature.
        """
        temperature = _checks.number("temperature", temperature, least=0.0)
        above = self.energies - self.energies[0]
        weights = np.exp(-above / temperature) if temperature else 1.0 * (above == 0)
        return self.as_operator(self.states * (weights / weights.sum()) @ self.states.conj().T)

    def density_matrix(self, start: Any, name: str = "start") -> Qobj:
        """A ket, density matrix or array as a density matrix of this system.

        Parameters
        ----------
        start : Qobj or array_like
            Its trace is one and no eigenvalue is negative.
        name : str
            Of the argument, for messages.

        Returns
        -------
        Qobj
            Density matrix.

        Raises
        ------
        ParameterError
            For wrong dims, a trace other than one, or a negative eigenvalue.
        """
        if isinstance(start, Qobj):
            given = start.proj() if start.isket else start
        else:
            given = _checks.finite_numbers(name, start).astype(complex)
            if given.ndim == 1 or given.shape[1:] == (1,):
                given = np.outer(given, given.conj())
        matrix = matrix_of(name, given, self)
        skew = float(np.abs(matrix - matrix.conj().T).max())
        lowest = float(np.linalg.eigvalsh(0.5 * (matrix + matrix.conj().T))[0])
        trace = complex(np.trace(matrix))
        if max(abs(trace - 1.0), skew, -lowest) > _POSITIVE:
            raise ParameterError(
                f"`{name}` must be a state with trace 1 and no negative eigenvalue, got trace "
                f"{trace.real:.6g}, lowest eigenvalue {lowest:.3g}, non-Hermitian by {skew:.2g}"
            )
        return self.as_operator(matrix)

    def __repr__(self) -> str:
        kind = "" if self.constant else ", depends on time"
        lines = [f"OpenSystem  {self.dimension} levels{kind}"]
        if isinstance(self.hamiltonian, Qobj):
            e = self.energies
            lines.append(f"  energies    : {e[0]:.6g} ... {e[-1]:.6g}")
        lines += [f"  coupling {c.index}  : {c.bath!r}" for c in self.couplings]
        if self.collapse:
            lines.append(f"  collapse    : {len(self.collapse)} operators")
        return "\n".join(lines)


def bohr_groups(energies: Array, width: float) -> tuple[NDArray[np.intp], Array]:
    """Groups of Bohr frequencies w_mn = E_n - E_m at most `width` wide, alike for w and -w.

    Signed number (d, d) of the group of each w_mn, of which 0 holds |w| <= width / 2, and mean |w|
    of group 0, 1, ..., exactly 0 for the first.
    """
    gaps = energies[None, :] - energies[:, None]
    sizes = np.unique(np.abs(gaps))
    numbers = np.zeros(len(sizes), dtype=int)
    first, number = -0.5 * width, 0
    for place, size in enumerate(sizes):
        if size - first > width:
            first, number = size, number + 1
        numbers[place] = number
    centres = np.bincount(numbers, weights=sizes) / np.bincount(numbers)
    centres[0] = 0.0
    labels = np.sign(gaps).astype(int) * numbers[np.searchsorted(sizes, np.abs(gaps))]
    return labels, centres


# --- what was given ----------------------------------------------------------------------------


def _refuse_large(dimension: int) -> None:
    if dimension < 2:
        raise ParameterError(f"`hamiltonian` must have at least 2 levels, got {dimension}")
    if dimension > MAX_DIMENSION:
        gibibytes = 16.0 * float(dimension) ** 4 / 2**30
        raise SizeError(
            f"`hamiltonian` must have dimension <= {MAX_DIMENSION}, got {dimension} (a dense "
            f"superoperator would take {gibibytes:.3g} GiB; jump operators of the method "
            "'universal' for qutip.mcsolve would fit)"
        )


def _operator(name: str, value: Any, dims: Any = None) -> Qobj | QobjEvo:
    """`value` as a square finite operator, with the dims of H if there are any."""
    if isinstance(value, Qobj | QobjEvo):
        found = value
    elif callable(value) or _list_form(value):
        try:
            found = QobjEvo(value)
        except Exception as error:  # of QuTiP's parser, or of the user's function
            kind = type(error).__name__
            raise ParameterError(
                f"`{name}` must be an operator or QuTiP's list form, got {_checks.shown(value)} "
                f"({kind}: {error})"
            ) from error
    else:
        found = _from_array(name, value, dims)
    if isinstance(found, QobjEvo) and (
        found.isconstant or not any(isinstance(part, list) for part in found.to_list())
    ):  # also where it was given as a sum of constants
        found = found(0.0)
    if not found.isoper or found.shape[0] != found.shape[1]:
        raise ParameterError(f"`{name}` must be a square operator, got shape {found.shape}")
    if dims is not None and found.dims != dims:
        raise ParameterError(
            f"`{name}` must have the dims {dims} of `hamiltonian`, got {found.dims}"
        )
    if not np.all(np.isfinite(_matrix(found))):
        raise ParameterError(f"`{name}` must be finite, got NaN or infinity")
    return found


def matrix_of(name: str, value: Any, system: OpenSystem) -> ComplexArray:
    """Matrix of an operator with the dims of the system, checked."""
    _checks.instance("system", system, OpenSystem)
    found = _operator(name, value, system.dims)
    if isinstance(found, QobjEvo):
        raise ParameterError(f"`{name}` must not depend on time, got {_checks.shown(value)}")
    return _matrix(found)


def _list_form(value: Any) -> bool:
    """Whether it is QuTiP's list of operators and [operator, coefficient] pairs."""
    return isinstance(value, list) and any(
        isinstance(part[0] if isinstance(part, list) and part else part, Qobj | QobjEvo)
        for part in value
    )


def _from_array(name: str, value: Any, dims: Any) -> Qobj:
    matrix = _checks.square_matrix(name, value)
    size = len(matrix)
    fits = dims is not None and int(np.prod(dims[0])) == size
    with exact_arithmetic():
        return Qobj(matrix, dims=dims if fits else [[size], [size]])


def operator_at(name: str, operator: Qobj | QobjEvo, time: float) -> Qobj:
    """The operator at a time, by a function of somebody else, which may fail."""
    if isinstance(operator, Qobj):
        return operator
    try:
        return operator(time)
    except Exception as error:
        said = _checks.shortened(f"{type(error).__name__}: {error}")
        raise ParameterError(
            f"`{name}` must be an operator with the dims {operator.dims} at all times, got at "
            f"t = {time:.4g} one that ends in {said}"
        ) from error


def _matrix(operator: Qobj | QobjEvo) -> ComplexArray:
    return cast(ComplexArray, (operator if isinstance(operator, Qobj) else operator(0.0)).full())


def check_hermitian(name: str, operator: Qobj | QobjEvo, hint: str = "") -> None:
    """Refuse an operator that is not, one that depends on time by what it is at 0."""
    matrix = _matrix(operator)
    skew = float(np.abs(matrix - matrix.conj().T).max())
    if not skew <= ROUNDING * np.abs(matrix).max():
        raise ParameterError(
            f"`{name}` must be Hermitian, got one with |X - X^dag| up to {skew:.3g}{hint}"
        )


def _pairs(couplings: Any) -> Sequence[Any]:
    """The list of couplings, each a pair."""
    if isinstance(couplings, tuple) and len(couplings) == 2 and isinstance(couplings[1], Bath):
        raise ParameterError(f"{_PAIRS}, got one pair that is not in a list")
    if not isinstance(couplings, list | tuple):
        raise ParameterError(f"{_PAIRS}, got a {type(couplings).__name__}")
    return couplings


def _coupling(index: int, pair: Any, dims: Any) -> Coupling:
    name = f"couplings[{index}]"
    if isinstance(pair, Coupling):  # of another system
        first, *more = pair.operators
        pair = first if pair.bath.conserving or not more else [first, *more], pair.bath
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        given = f"{len(pair)} items" if isinstance(pair, list | tuple) else type(pair).__name__
        raise ParameterError(f"{_PAIRS}, got {given} in the place of pair {index}")
    given, bath = pair
    if isinstance(bath, BosonicEnvironment | FermionicEnvironment):
        bath = Bath(environment=bath)
    elif callable(bath) and not isinstance(bath, Qobj | QobjEvo):
        bath = Bath(spectrum=bath)
    if not isinstance(bath, Bath):
        raise ParameterError(
            f"{_PAIRS}, got {_checks.shown(bath)} in the place of bath {index}: "
            "write om.Bath(spectrum=...), om.Bath(environment=...)"
        )
    if bath.conserving:
        operator = _operator(name, given, dims)
        return Coupling((operator, operator.dag()), bath, index)
    parts = given if bath.size > 1 or _several(given) else [given]
    if not isinstance(parts, list | tuple) or len(parts) != bath.size:
        raise ParameterError(
            f"`{name}` must hold {bath.size} operators for its bath, got {_checks.shown(given)}"
        )
    operators = tuple(_operator(name, part, dims) for part in parts)
    for operator in operators:
        check_hermitian(
            name, operator, "; for V = c^dag B + h.c. give c with a lead (Bath.lead, `conserving`)"
        )
    return Coupling(operators, bath, index)


def _several(given: Any) -> bool:
    """Whether it is a list of operators, and not QuTiP's list form of one that depends on time."""
    return isinstance(given, list | tuple) and all(isinstance(one, Qobj) for one in given)
