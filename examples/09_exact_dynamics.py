"""Exact unitary dynamics of one electron in a finite band beside its own second order
===================================================================================

Left: the exact time-local generator of the electron spin runs up to a plateau, the golden-rule
rate. Right: what the second order leaves out falls as J^4; the J^3 of one realisation of the band's
random phases is gone once both signs of the coupling are averaged.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.models import finite_band as fb
from openmr.rates.routes.exact import averaged_generator, golden_rule_band
from openmr.rates.routes.joint_space import moment_spaces

film = om.presets.pt_py(spin=0.5, curie_temperature=0.0)
temperature, field, bandwidth, levels = 100.0, 1.0, 20.0, 129  # K, T, k_B T, -
space = moment_spaces(film, om.equilibrium(film, temperature, field))[0]
rate = 0.25 * om.units.HBAR * space.noise / (om.units.K_B * temperature)  # golden rule, k_B T


def band(factor):
    """The band of the film, every coupling multiplied."""
    phases = np.random.default_rng(0)
    return golden_rule_band(space, 4.0 * rate, bandwidth, levels, phases).scaled(factor)


def one_realisation(of, times):
    _, states = fb.evolve(of, times[0], times[-1], len(times))
    return fb.time_local_generator(*fb.dynamical_map(of, states))


factors = np.geomspace(0.2, 5.0, 6)
late = np.linspace(5.0, 15.0, 3) / bandwidth
single, both = np.array(
    [
        [
            np.abs(exact(band(factor), late) - fb.second_order_generator(band(factor), late)).max()
            for factor in factors
        ]
        for exact in (one_realisation, averaged_generator)
    ]
)

early, strong = np.linspace(0.1, 30.0, 100) / bandwidth, 8.0
exact_rate = -averaged_generator(band(strong), early)[:, 3, 3] / strong**2
second = -fb.second_order_generator(band(strong), early)[:, 3, 3] / strong**2

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.plot(
    early * bandwidth, exact_rate / rate, "-", color="C0", label="exact, 8 times the film's J"
)
left.plot(early * bandwidth, second / rate, "--", color="C1", label="second order")
left.set_xlabel(r"time ($\hbar$ / bandwidth)")
left.set_ylabel("longitudinal rate / golden rule")
left.set_ylim(0.0, 1.1)
left.legend(frameon=False, loc="lower right")
right.loglog(factors, single / rate, "s", color="C2", label="one realisation")
right.loglog(factors, both / rate, "o", color="C0", label="both signs of J averaged")
for values, power, line in ((single, 3, ":"), (both, 4, "-")):
    guide = values[0] * (factors / factors[0]) ** power / rate
    right.loglog(factors, guide, line, color="0.4", label=f"$J^{power}$")
right.minorticks_off()
right.set_xticks([0.2, 0.5, 1, 2, 5], labels=["0.2", "0.5", "1", "2", "5"])
right.set_xlabel("coupling / the film's coupling")
right.set_ylabel(r"$|K - K_2|$ / golden rule of the film")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_exact.png"
figure.savefig(target, dpi=150)

order = np.polyfit(np.log(factors), np.log(both), 1)[0]
odd = np.polyfit(np.log(factors[:3]), np.log(single[:3]), 1)[0]
# the next even order is 25 rates over the bandwidth at most; one more in a single realisation
assert abs(order - 4) < 25 * rate / bandwidth + 0.01
assert abs(odd - 3) < 0.1
found = om.relaxation(film, temperature, field, method="exact", levels=129)
closed = om.relaxation(film, temperature, field)
ratio = found.dissipator[2, 2] / closed.dissipator[2, 2]
stated = 4 * found.uncertainty[2, 2] / closed.dissipator[2, 2]
splitting = om.equilibrium(film, temperature, field).reduced_splitting[0]  # the noise is flat
assert abs(ratio - 1) < stated + splitting**2 + 1e-5  # memory and edges
print(f"beyond second order, odd orders cancelled: J^{order:.2f}")
print(f"exact over closed-form exchange rate: {ratio:.5f}")
print("figure:", target)
