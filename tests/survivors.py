"""Wrong variants that nothing can notice: name -> why not."""

START = "only where a search starts: it ends at the same lowest free energy"
WAY = "only which of two ways is taken to the same root"
ZERO = "only whether it is zero, to rounding, is asked"
NEAR = "a margin by which a limit is met: laxer or sharper, the same numbers"
EVEN = "the longitudinal resistivity does not know the sense of the precession"
DIGITS = "keeps the digits of small numbers, which tests/test_accuracy.py asks for"
ZEROS = "one more coefficient, which is zero"
COST = "how much memory, or how many at a time: the same numbers"
WORDS = "tells the place in an error message"
SQUARED = "its sign goes: it is squared"
RATIO = "in both of two series of which only the quotient counts"
TERM, COEFFICIENT = "matrix @ total", "coefficient[..., None, None] * one"
STEPS = "at which times it is looked for: known to a step, as is said"
TIE = "differs where two computed numbers are equal to the last bit, and then they stand for one"
ODD = "of an even number of samples the last interval is judged by extrapolation: a larger error"

"""For `mutants.py`."""
SURVIVORS: dict[str, str] = {
    "bath.transforms.resolved: 0.5 * np.diff(edges) * np.abs(series).sum(axis=1).max(axis=(-2, "
    "-1)) -> 2 * (0.5 * np.diff(edges) * np.abs(series).sum(axis=1).max(axis=(-2, -1)))": NEAR,
    "bath.sources.Density.spectrum: w[moving] < 0 -> w[moving] <= 0": "where w is 0 has been left "
    "out",
    "bath.transforms.resolved: :-1 -> :0 (2)": WORDS,
    "bath.transforms.sampled: len(times) - 1 - (len(times) - 1) % 2 -> len(times) - 1": ODD,
    "data.identifiability.determined: _NOISE_FLOOR * singular[0] -> "
    "2 * (_NOISE_FLOOR * singular[0])": NEAR,
    "data.least_squares.Problem.at_an_end: 0.01 * np.log(REACH) -> "
    "2 * (0.01 * np.log(REACH))": NEAR,
    "data.least_squares._walk: 0.02 * np.log(REACH) -> 2 * (0.02 * np.log(REACH))": NEAR,
    "master.hierarchy.krylov_exponential: EPSILON * float(np.abs(small).max()) -> "
    "2 * (EPSILON * float(np.abs(small).max()))": NEAR,
    "master.hierarchy.krylov_exponential: size + 1 -> size + 2": COST,
    "models.clusters.weiss_splittings: cluster.zeeman - cluster.exchange @ moments -> "
    "cluster.zeeman + cluster.exchange @ moments": START,
    "models.clusters.weiss_splittings: 1e-12 * len(modes) * (1.0 + np.abs(energies).max()) -> "
    "2 * (1e-12 * len(modes) * (1.0 + np.abs(energies).max()))": NEAR,
    "models.fermi_kinetics._linear_operator: 1 + count // 32 -> 2 + count // 32": COST,
    "moments.vector_choice._better: problem.weights[:, None] * problem.zeeman -> "
    "2 * (problem.weights[:, None] * problem.zeeman)": NEAR,
    "moments.one_sublattice._start: depth / (1.0 + abs(pull)) -> "
    "2 * (depth / (1.0 + abs(pull)))": START,
    "moments.one_sublattice._start: spin * coupling + depth -> spin * coupling": START,
    "moments.grid._is_zero: values[0] -> values[1]": WAY,
    "moments.grid._put: 1: -> 2:": COST,
    "moments.one_sublattice._critical: pull - 1.0 + _NEAR -> pull - 1.0 - _NEAR": START,
    "moments.one_sublattice._start_about_the_transition: 1.0 - _WEAK -> 1.0 + _WEAK": START,
    "moments.spin_averages.axial_excess: t * across -> 2 * (t * across)": DIGITS,
    "moments.vector_descent.repeats: np.arange(1, most + 1) -> np.arange(1, most + 1 + 1)": NEAR,
    "moments.vector_weiss._hopeful: beta / known.problem.beta -> "
    "known.problem.beta / beta": SQUARED,
    "moments.one_sublattice.weiss_field: spin + 1.0 -> spin + 2.0": WAY,
    "rates.plateau.find_plateau: np.diff(largest) > 0 -> np.diff(largest) >= 0": TIE,
    "rates.closed_form.rate_along: flip_flux(weights, lines) -> flip_flux(lines, weights)": (
        "a sum of products of the same three numbers of both"
    ),
    "moments.equilibrium._refuse_too_many: levels * min(points, BLOCK) -> "
    "2 * (levels * min(points, BLOCK))": COST,
    "moments.spin_averages._half_angle: range((count + 1) // 2) -> "
    "range((count + 1) // 2 + 1)": ZEROS,
    "sample.ordering._leading_net_moment: abs(moments.sum()) / np.abs(moments).sum() -> "
    "2 * (abs(moments.sum()) / np.abs(moments).sum())": ZERO,
    "rates.routes.tcl2._Electron.memory_time: 0.001 * end -> 2 * (0.001 * end)": STEPS,
    "transport.impurity.golden_rule_rate: np.cross(k[:, None], k[None, :]) -> "
    "np.cross(k[None, :], k[:, None])": SQUARED,
    "transport.matrix_tanh._factorials: 1.0 / factorial(2 * n + first) -> "
    "2 * (1.0 / factorial(2 * n + first))": RATIO,
    f"transport.matrix_tanh._series: {TERM} + {COEFFICIENT} -> {TERM} - {COEFFICIENT}": RATIO,
}

ISOTROPIC = "of an isotropic coupling, which is all it takes"
GUARD = "stands in for what is not used there"
B_ALONE = "the paper's spins precess about b alone"
DEFAULT = "depths that nobody asked for"
STILL = "a spin that never relaxes, which no film of the reports has"
MESH = "where a mesh starts: it is refined to the same numbers"
JUMPS = "the paper's films have no layers"
WHICH = "which of two ways, or that nothing is to be done"
J0, J1 = "magnet.exchange[:, 0]", "magnet.exchange[:, 1]"
ACROSS = "(turn[..., :2, :2] @ across[..., None])"
GRID = "_checks.broadcast(azimuth=azimuth, temperature=self.temperature)"
RATE = "relaxation.longitudinal / film.diffusion"
FORMULA_SURVIVORS: dict[str, dict[str, str]] = {
    "rates.closed_form": {
        f"{name}: {J0} -> {J1}": ISOTROPIC
        for name in (
            *("longitudinal_isotropic", "transverse_isotropic"),
            *("saturated_dephasing", "paramagnetic_rate"),
        )
    },
    "rates.axes": {
        "local_axes: 0 -> 0.37": WHICH,
        "local_axes: 1.0 -> 1.37": GUARD,
    },
    "rates.record": {
        **{
            f"precession_tensor: {change}": B_ALONE
            for k, other in (("0", "1"), ("1", "0"))
            for change in (
                f"-across[..., {k}] -> across[..., {k}]",
                f"across[..., {k}] -> across[..., {other}]",
            )
        },
        f"rotated: {ACROSS}[..., 0] -> {ACROSS}[..., 1]": B_ALONE,
        "rotated: 0.0 -> 0.37": WHICH,
        f"rotated: {GRID}[0] -> {GRID}[1]": "the arrays have one shape once they are broadcast",
    },
    "transport.surviving": {
        "_tanh_ratio: 1.0 -> 1.37": GUARD,
        "_tanh_ratio: 0.0 -> 0.37": GUARD,
        "_tanh_ratio_pair: 0 -> 0.37": WHICH,
    },
    "transport.matrix_tanh": {
        f"_series: {TERM} + {COEFFICIENT} -> {TERM} - {COEFFICIENT}": RATIO,
        "profiles: 2.0 * p -> 2.0 / p": DIGITS,
    },
    "transport.diffusion": {
        "profile: 0.0 -> 0.37": DEFAULT,
        "profile: 101 -> 138.37": DEFAULT,
        f"_mode_profiles: {RATE} + 0j -> {RATE} - 0j": "the zero only makes it complex",
        "_mode_profiles: 0 -> 0.37": STILL,
        "_mode_profiles: 1.0 -> 1.37": STILL,
        "_mode_profiles: 1 - gap -> 1 + gap": STILL,
        "_mode_profiles: 1 -> 1.37": STILL,
        "graded_profile: inner / film.thickness -> inner * film.thickness": JUMPS,
        "graded_profile: 0 -> 0.37": JUMPS,
        "graded_profile: 1.0 -> 1.37": MESH,
        "graded_profile: 1e-300 -> 1.3700000000000002e-300": MESH,
        "graded_profile: -0.5 -> 0.5": MESH,
        "graded_profile: 0.5 -> 0.685": MESH,
    },
    "transport.resistivity": {
        "_axial: 1 -> 1.37": "one direction as numbers or as arrays: the same formulas",
        "resistivity: 1 -> 1.37": WHICH,
    },
}
"""Of single formulas, for `openmr verify` and the ledger, by module."""
SURVIVORS |= {
    f"rates.closed_form.{name}": why for name, why in FORMULA_SURVIVORS["rates.closed_form"].items()
}
