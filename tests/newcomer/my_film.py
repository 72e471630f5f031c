"""Pt with a few magnetic atoms: when does a field along the current lower the resistance?"""

import matplotlib.pyplot as plt
import numpy as np

import openmr as om

film = om.Sample(
    magnet=om.Magnet(
        om.Moments(spin=2, density=1.66e27, exchange_energy=-1e-3),
        curie_temperature=30.0,
    ),
    electrons=om.Electrons.free(fermi_energy=1.0, mass=1.0),
    film=om.Film(
        thickness=5e-9, spin_hall_angle=0.1, diffusion=1e-6, diffusion_length=3e-9, resistivity=2e-6
    ),
    name="my film",
)
field = np.linspace(0.0, 25.0, 26)
curves = {}
for kelvin in (10.0, 100.0):
    rho = om.magnetoresistance(film, kelvin, field, direction=(1, 0, 0))
    curves[f"{kelvin:g} K"] = rho
    lowest = field[np.argmin(rho.longitudinal)]
    print(f"{kelvin:g} K: lowest at {lowest:g} T")

check = om.relaxation(film, 10.0, 5.0, method="bloch-redfield")
formula = om.relaxation(film, 10.0, 5.0)
print("off by", f"{float(abs(check.longitudinal / formula.longitudinal - 1)):.0e}")
print("positivity:", check.diagnostics["positivity"])

grid = om.sweep(film, temperature=[10.0, 100.0], field=field, method="batched")
print(dict(grid.sizes))

figure, ax = om.plotting.resistance_curves(curves)
ax.set_title(film.name)
figure.savefig("my_film.png")
plt.close(figure)
