"""From a film's parameters to its resistance, by closed form and by quantum dynamics
==================================================================================

The numbers of `openmr verify`, one station after the other, for Pt with permalloy moments at
10 K and 5 T along the current.
"""

import numpy as np

import openmr as om

film = om.presets.pt_py(exchange_energy=-1e-3)
temperature, field, direction = 10.0, 5.0, (1, 0, 0)

moments = om.equilibrium(film, temperature, field)
mean = moments.mean_spin[0]
print(f"Moments: eps_L = {1e3 * moments.splitting[0]:.3f} meV, <S_par> = {mean:.4f}")

closed = om.relaxation(film, temperature, field).exchange_tensor
for method in ("closed-form", "bloch-redfield", "evolution"):
    rates = om.relaxation(film, temperature, field, method=method)
    rho = om.resistivity(film.film, rates, direction)
    print(
        f"{method:15} tau_par {1e12 * rates.tau_longitudinal:.6f} ps, "
        f"tau_perp {1e12 * rates.tau_transverse:.6f} ps, "
        f"omega_L {1e-12 * rates.precession:.6f} rad/ps, "
        f"rho_L {1e6 * rho.longitudinal:.8f} microohm m"
    )
    stated = 0.0 if rates.uncertainty is None else rates.uncertainty.max()
    # besides what a fit states: rounding
    assert np.abs(rates.exchange_tensor - closed).max() < stated + 1e-12 * np.abs(closed).max()
