"""Wrong variants that nothing can notice, for `mutants.py`: name -> why not."""

START = "only where a search starts: it ends at the same lowest free energy"
WAY = "only which of two ways is taken to the same root"
ZERO = "only whether it is zero, to rounding, is asked"
NEAR = "a margin by which a limit is met: laxer or sharper, the same numbers"
COST = "how much memory, or how many at a time: the same numbers"
WORDS = "tells the place in an error message"
COMMUTE = "functions of one matrix commute"
TIE = "differs where two computed numbers are equal to the last bit, and then they stand for one"
ODD = "of an even number of samples the last interval is judged by extrapolation: a larger error"

SURVIVORS: dict[str, str] = {
    "bath.transforms._resolved: 0.5 * np.diff(edges) * np.abs(series).sum(axis=1).max(axis=(-2, "
    "-1)) -> 2 * (0.5 * np.diff(edges) * np.abs(series).sum(axis=1).max(axis=(-2, -1)))": NEAR,
    "bath.transforms._resolved: :-1 -> :0 (2)": WORDS,
    "bath.transforms.sampled: len(times) - 1 - (len(times) - 1) % 2 -> len(times) - 1": ODD,
    "data.identifiability.determined: NOISE_FLOOR * singular[0] -> "
    "2 * (NOISE_FLOOR * singular[0])": NEAR,
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
    "moments.grid._put: 1: -> 2:": COST,
    "moments.one_sublattice._solve: spin + 1.0 -> spin + 2.0": WAY,
    "rates.plateau.find_plateau: np.diff(largest) > 0 -> np.diff(largest) >= 0": TIE,
    "rates.routes.heom._elements: terms + 1 -> 1": COST,
    "sample.ordering._leading_net_moment: abs(moments.sum()) / np.abs(moments).sum() -> "
    "2 * (abs(moments.sum()) / np.abs(moments).sum())": ZERO,
    "transport.matrix_tanh.profiles: s @ (one - r) -> (one - r) @ s": COMMUTE,
}
