"""Longitudinal and transverse resistivity, Eqs. (86)-(90), (93)-(97), (B36)-(B39).

Current along x, film normal z. The transverse resistivity is rho_yx = E_y / J_x at J_y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openmr import _checks
from openmr._checks import Array
from openmr.diffusion import surviving_fraction, transverse_decay
from openmr.rates import Relaxation, shown
from openmr.sample import Film


@dataclass(frozen=True, slots=True)
class Resistivity:
    """Resistivity of the film; every array has the broadcast shape of rates and direction.

    Attributes
    ----------
    relaxation : Relaxation
        The rates it was got from.
    direction : array (..., 3)
        Unit vector of the order parameter.
    longitudinal : array, Ohm m
        rho_L = rho_L0 + drho_L, Eqs. (86), (93).
    transverse : array, Ohm m
        rho_T = rho_yx, Eqs. (87), (94).
    drho0, drho1, drho2 : array, Ohm m
        Eqs. (88)-(90); they enter with theta_SH^2.
    """

    relaxation: Relaxation
    direction: Array
    longitudinal: Array
    transverse: Array
    drho0: Array
    drho1: Array
    drho2: Array

    def __repr__(self) -> str:
        found = self.relaxation
        where = f"T = {shown(found.temperature)} K, B = {shown(found.field)} T"
        lines = [f"{'Resistivity  ' + found.method:<38}{found.sample.name}, {where}"]
        names = ("longitudinal", "transverse", "drho0", "drho1", "drho2")
        lines += [f"  {name:<13}: {shown(getattr(self, name))} Ohm m" for name in names]
        return "\n".join(lines)


def resistivity(
    film: Film,
    relaxation: Relaxation,
    direction: ArrayLike,
    *,
    order: str = "second",
    precession_sign: str = "hamiltonian",
) -> Resistivity:
    """Resistivity for any direction of the order parameter.

    Parameters
    ----------
    film : Film
    relaxation : Relaxation
        Rates with 1/tau_0 included, as `om.relaxation` returns them.
    direction : array_like (..., 3)
        Field direction b (for an antiferromagnet the Neel vector, whose sign does not matter);
        any length but zero. Leading axes broadcast with the rates.
    order : {"second", "exact"}
        To second order in theta_SH, Eqs. (86), (87), or by inverting the 2x2 conductivity.
    precession_sign : {"hamiltonian", "printed"}
        Sign of the term drho2 m_z of the transverse resistivity: as H_e, Eq. (2), makes spins
        precess, or as Eqs. (87), (B39) print it.

    Returns
    -------
    Resistivity

    Raises
    ------
    ParameterError

    Notes
    -----
    The two transverse rates enter by their mean, which is exact for Jx = Jy.
    """
    _checks.instance("film", film, Film)
    _checks.instance("relaxation", relaxation, Relaxation)
    _checks.choice("order", order, ("second", "exact"))
    _checks.choice("precession_sign", precession_sign, ("hamiltonian", "printed"))
    m = _checks.unit_vectors("direction", direction)
    parallel = surviving_fraction(film.thickness, relaxation.longitudinal / film.diffusion)
    across = surviving_fraction(film.thickness, transverse_decay(film, relaxation))
    try:
        parallel, across, mx, my, mz = np.broadcast_arrays(parallel, across, *np.moveaxis(m, -1, 0))
    except ValueError:
        raise _checks.ParameterError(
            "`direction` without its last axis must broadcast with the rates, "
            f"got {m.shape[:-1]} and {relaxation.precession.shape}"
        ) from None
    drho0, drho1, drho2 = parallel, parallel - across.real, across.imag
    sign = 1.0 if precession_sign == "hamiltonian" else -1.0
    square = film.spin_hall_angle**2
    if order == "second":
        longitudinal = 1 + square * (2 - drho0 + drho1 * (1 - my**2))
        transverse = square * (drho1 * mx * my + sign * drho2 * mz)
    else:
        # conductivity over sigma_D: spin Hall current reflected at the faces, Eqs. (B24)-(B28)
        sigma_xx = 1 - square * (2 - drho0 + drho1 * (1 - my**2))
        sigma_yy = 1 - square * (2 - drho0 + drho1 * (1 - mx**2))
        sigma_xy = square * (sign * drho2 * mz - drho1 * mx * my)
        sigma_yx = square * (-sign * drho2 * mz - drho1 * mx * my)
        determinant = sigma_xx * sigma_yy - sigma_xy * sigma_yx
        longitudinal, transverse = sigma_yy / determinant, -sigma_yx / determinant
    unit = film.resistivity
    return Resistivity(
        relaxation=relaxation,
        direction=m,
        longitudinal=np.asarray(unit * longitudinal),
        transverse=np.asarray(unit * transverse),
        drho0=np.asarray(unit * drho0),
        drho1=np.asarray(unit * drho1),
        drho2=np.asarray(unit * drho2),
    )
