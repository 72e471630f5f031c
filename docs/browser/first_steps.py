# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First steps
#
# From a film to its rates, its resistance and a fit, in your browser. Run the cells one after
# another (Shift + Enter), then change numbers.

# %%
import numpy as np

import openmr as om
from openmr import plotting

# %% [markdown]
# ## Rates by formula and by numbers
#
# Pt with permalloy moments that couple antiferromagnetically, $n_SJ = -1$ meV, at 10 K in 5 T. The
# closed forms need no dynamics; `"batched"` works the Redfield tensor out in numbers.

# %%
film = om.presets.pt_py(exchange_energy=-1e-3)
formula = om.relaxation(film, temperature=10.0, field=5.0)
numbers = om.relaxation(film, temperature=10.0, field=5.0, method="batched")
print(formula)
print(f"numbers / formula - 1 = {numbers.longitudinal / formula.longitudinal - 1:.1e}")
assert abs(numbers.longitudinal / formula.longitudinal - 1) < 1e-12

# %% [markdown]
# ## The resistance in a field

# %%
field = np.linspace(-25, 25, 401)
curves = {
    f"{kelvin} K": om.magnetoresistance(film, kelvin, field, direction=(1, 0, 0))
    for kelvin in (10, 28, 200)
}
figure, ax = plotting.resistance_curves(curves, relative=True)

# %% [markdown]
# ## A fit
#
# Two curves with noise of $10^{-10}$ Ohm m. The noise is found from the repeats at both signs of
# the field; "not determined" would be an answer, too.

# %%
rng = np.random.default_rng(1)
kelvins = np.repeat([10.0, 15.0], 41)
tesla = np.tile(np.linspace(-16, 16, 41), 2)
exact = om.magnetoresistance(film, kelvins, tesla, direction=(1, 0, 0)).longitudinal
measured = om.diagnosis.measured(
    exact + 1e-10 * rng.normal(size=exact.shape),
    temperature=kelvins,
    field=tesla,
    direction=(1, 0, 0),
)
start = om.presets.pt_py(exchange_energy=-0.6e-3)
found = om.fit(measured, start, ["exchange_energy", "ordering_temperature"])
print(found)
figure, axes = plotting.fit(found)
assert abs(found.values[0] / -1e-3 - 1) < 0.02
