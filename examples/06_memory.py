"""How the relaxation rate builds up after electron and moments meet, and when it is Markovian
===========================================================================================

Within hbar / k_B T the rate of a wide band overshoots as coth(pi k_B T t / hbar); later only the
band's edge is remembered, as 1/t for a kink in the noise at zero frequency and as 1/t^3 for one in
the density of states.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import openmr as om
from openmr.rates.routes.tcl2 import dissipator_in_time, spin_in_time

film = om.presets.pt_py(exchange_energy=-1e-3)
temperature, field = 10.0, 5.0
thermal = om.units.HBAR / (om.units.K_B * temperature)
limit = om.relaxation(film, temperature, field, method="bloch-redfield").dissipator
times = np.geomspace(0.02, 40, 120) * thermal
print(f"hbar / k_B T = {1e12 * thermal:.3f} ps at {temperature:g} K")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
wide = dissipator_in_time(film, temperature, field, times, half_width=1.0, kernel="flat")
left.semilogx(times / thermal, wide[:, 0, 0] / limit[0, 0], "-", color="C0", label="transverse")
left.semilogx(times / thermal, wide[:, 2, 2] / limit[2, 2], "--", color="C1", label="longitudinal")
cotangent = 1 / np.tanh(np.pi * times / thermal)
left.semilogx(
    times / thermal, cotangent, ":", color="C2", label=r"$\coth(\pi k_BTt/\hbar)$", linewidth=2
)
left.set(ylim=(-0.5, 6), ylabel=r"$\Gamma(t)\,/\,\Gamma_\mathrm{Markov}$")
left.axhline(1, color="0.7", linewidth=0.8, zorder=0)

options = {"half_width": 1.0, "kernel": "flat"}
dephasing = om.presets.pt_py((0.0, 0.0, -1e-3))  # no flips, which take or give eps_L
built = dissipator_in_time(dephasing, temperature, field, times, **options)[:, 0, 0]
overshoot = np.abs(built / built[-1] / cotangent - 1)
assert np.all(overshoot < om.units.HBAR / (options["half_width"] * times))  # the band's edge

styles = (("exponential", 1, "C1", ("-", "--")), ("flat", 3, "C2", ("-.", ":")))
for kernel, order, color, lines in styles:
    markov = {"exponential": {"rtol": 1e-5}, "flat": {"rtol": 1e-10}}[kernel]
    for band, line in zip((0.05, 0.2), lines, strict=True):
        options = {"half_width": band, "kernel": kernel}
        late = times[times > 0.3 * thermal]
        rate = dissipator_in_time(film, temperature, field, late, **options)[:, 0, 0]
        # the exponential cutoff has at w = 0 the noise of the wide band
        last = om.relaxation(film, temperature, field, method="tcl2", **options, **markov)
        rest = np.abs(rate / last.dissipator[0, 0] - 1)
        label = f"{kernel}, W = {band:g} eV"
        right.loglog(late / thermal, rest, line, color=color, label=label)
        pick = late / thermal > 6
        slope = np.polyfit(np.log(late[pick]), np.log(rest[pick]), 1)[0]
        assert abs(slope + order) < 0.05  # the next power is hbar/(W t) smaller, 1/100 here
        print(f"{label:24}: deviation falls as t^{slope:.2f} (the band's kink: t^-{order})")
right.set(ylim=(1e-9, 3), ylabel=r"$|\Gamma(t)/\Gamma_\mathrm{Markov} - 1|$, transverse")
for ax in (left, right):
    ax.set_xlabel(r"time since the product state, $k_BTt/\hbar$")
    ax.legend(frameon=False)

found = om.relaxation(film, temperature, field, method="tcl2", kernel="flat")
end = 10 * thermal
across = spin_in_time(film, temperature, field, [0, end], start=(1, 0, 0), kernel="flat")[-1]
measured = np.log(np.hypot(*across[:2])) + found.dissipator[0, 0] * end
assert abs(measured / found.diagnostics["slip"][0, 0] - 1) < 1e-4
print(f"slip of the decay: {measured:.6f}; its integral {found.diagnostics['slip'][0, 0]:.6f}")
target = Path(tempfile.gettempdir()) / "openmr_memory.png"
figure.savefig(target, dpi=150)
print("figure:", target)
