"""Samples of the posterior of a fit, by emcee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openmr import _checks
from openmr._checks import Array, ParameterError

if TYPE_CHECKING:
    from openmr.data.found import Fit

_SPREAD = 0.3
"""Largest standard deviation of ln p from which walkers start; they find what is wider."""


def posterior(
    found: Fit, steps: int, walkers: int | None, burn: int | None, seed: int
) -> dict[str, Array]:
    """Chains of every parameter, shape (walkers, steps)."""
    emcee = _checks.required("emcee", "`posterior`", extra="bayes")
    many = len(found.parameters)
    steps = _checks.integer("steps", steps, least=1)
    chains = 4 * many if walkers is None else walkers
    chains = _checks.integer("walkers", chains, least=2 * many)
    first = steps // 2 if burn is None else _checks.integer("burn", burn, least=0)
    if found.adequacy.refused:
        raise ParameterError(
            "`posterior` must be of a model that describes the data, got a misfit of p = "
            f"{found.adequacy.probability:.1g}"
        )
    random = np.random.default_rng(_checks.integer("seed", seed, least=0))
    low, high = found.engine.problem.ends
    width = np.minimum(np.sqrt(np.diag(found.covariance)), _SPREAD)
    start = found.logs + width * random.normal(size=(chains, many))
    inside = 1e-3 * (high - low)
    start = np.clip(start, low + inside * random.random(start.shape), high - inside)
    sampler = emcee.EnsembleSampler(chains, many, found.log_likelihood)
    sampler.random_state = np.random.RandomState(int(random.integers(2**31))).get_state()
    sampler.run_mcmc(start, first + steps)
    kept = found.start * np.exp(sampler.get_chain(discard=first))
    return {name: np.array(kept[:, :, i].T) for i, name in enumerate(found.parameters)}
