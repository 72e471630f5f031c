"""Share of the spin Hall current left between two faces that relax spins, in closed form.

For spins along and across one axis on which the field and the moments at both faces lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmr.transport.surviving import tanh_ratio


def surviving_between(u2: NDArray[Any], bottom: NDArray[Any], top: NDArray[Any]) -> NDArray[Any]:
    """F of u^2 = (d/2)^2 k^2 and of the faces' g d = 2 rho G d, real or complex.

    f = [2 tanh(kd/2) + (g_0 + g_d)/k] / {kd [1 + (g_0 + g_d)/k coth kd + g_0 g_d/k^2]}, written
    with t = tanh(u)/u, which it is for faces that relax no spin:

        f = t (4 u^2 t + a) / [4 u^2 t + a (1 + u^2 t^2) + g_0 g_d d^2 t],   a = (g_0 + g_d) d.
    """
    t, both = tanh_ratio(u2), bottom + top
    sunk = u2 * t
    lost = both * sunk
    lost += bottom * top
    lost *= t
    kept = 4 * sunk
    kept += both
    lost += kept
    share = np.divide(kept, lost, out=np.ones_like(kept), where=kept != 0)
    share *= t
    return np.asarray(share)
