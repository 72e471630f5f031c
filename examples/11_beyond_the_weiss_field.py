"""How far the rates of the Weiss mean field are from those of coupled moments
===========================================================================

Left: ring of spins 1/2 from 2 to 8 sites against T / T_C, Weiss rate over exact rate minus one.
Middle: the same at high temperature and zero field, where it falls as (T_C / T)^2 to a known value.
Right: complete graph, each pair J0 / (N - 1): the mean field comes out as 1 / N.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from openmr import clusters

ZEEMAN = 0.5  # g mu_B B in units of k_B T_C
SIZES = (2, 4, 6, 8)
temperatures = np.array([0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0])
greys = ["0.75", "0.6", "0.45", "0.3"]


def errors(sites, temperature, field):
    bonds = clusters.graph("ring", sites)
    cluster = clusters.at_reduced_temperature(0.5, bonds, temperature, field / temperature)
    return 100 * clusters.rates(cluster).errors


figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
for sites, grey in zip(SIZES, greys, strict=True):
    found = np.array([errors(sites, t, ZEEMAN) for t in temperatures])
    left.plot(temperatures, found[:, 0], "o-", color=grey, label=rf"$1/\tau_\parallel$, {sites}")
    left.plot(temperatures, found[:, 1], "s--", color=grey, label=rf"$1/\tau_\perp$, {sites}")
    shown = [f"{found[temperatures == t][0].round(1)}" for t in (0.6, 1.0, 2.0)]
    print(f"{sites} moments: Weiss off by % (par, perp) {'; '.join(shown)} at T/T_C = 0.6, 1, 2")
left.axhline(0, color="0.5", lw=0.6)
left.set(xlabel=r"$T/T_C$", ylabel="Weiss / exact - 1 (%)", title=r"$g\mu_BB=0.5\,k_BT_C$")
left.legend(frameon=False, ncols=2, fontsize=8)

hot = np.array([3.0, 6.0, 12.0, 24.0, 48.0])
high = np.array([errors(8, t, 0.0)[0] for t in hot])
slope = np.polyfit(np.log(1 / hot[2:]), np.log(high[2:]), 1)[0]
# the next order, T_C/T
assert abs(high[-1] * hot[-1] ** 2 / 100 - 2 / 3) < 1 / hot[-1]
print(f"high temperature: slope {slope:.3f} in T_C/T")
middle.loglog(1 / hot, high, "o-", color="C0", label="ring of 8")
middle.loglog(1 / hot, 100 * 2 / 3 / hot**2, "--", color="C1", label=r"$\frac{2}{3}(T_C/T)^2$")
middle.set(xlabel=r"$T_C/T$", ylabel="Weiss / exact - 1 (%)", title="zero field")
middle.set_xticks(1 / hot, [f"1/{t:.0f}" for t in hot])
middle.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
middle.legend(frameon=False)

numbers = np.array([4, 8, 16, 32, 64, 128])
for ratio, mark in ((2.0, "o-"), (0.7, "s-")):
    strength = 4.0 / ratio  # J0 = 3 k_B T_C / S(S+1)
    pair = clusters.Cluster((0.5, 0.5), strength * clusters.graph("ring", 2), ZEEMAN / ratio)
    weiss = clusters.rates(pair).weiss_longitudinal
    noises = [clusters.complete_graph_noise(0.5, int(n), strength, pair.zeeman) for n in numbers]
    exact = np.array([clusters.golden_rule_tensor(noise)[0][2, 2] for noise in noises])
    off = 100 * np.abs(weiss / exact - 1)
    *_, before, slope = np.diff(np.log(off)) / np.log(2)
    assert 0.5 < (slope + 1) / (before + 1) < 0.6  # -1, with an error that halves as N doubles
    print(f"complete graph, T/T_C = {ratio}: slope {slope:.2f} in N at N = 128")
    right.loglog(numbers, off, mark, label=rf"$T/T_C={ratio}$")
right.loglog(numbers, 40 / numbers, ":", color="C2", label=r"$\propto 1/N$")
right.set(xlabel="moments $N$", ylabel="|Weiss / exact - 1| (%)")
right.set_title(r"complete graph, $1/\tau_\parallel$")
right.legend(frameon=False)
target = Path(tempfile.gettempdir()) / "openmr_beyond_weiss.png"
figure.savefig(target, dpi=150)
print("figure:", target)
