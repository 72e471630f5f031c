"""Wrong variants that nothing can notice, for `mutants.py`: name -> why not."""

START = "only where a search starts: it ends at the same lowest free energy"
ZERO = "only whether it is zero, to rounding, is asked"

SURVIVORS: dict[str, str] = {
    "models.clusters.weiss_splittings: cluster.zeeman - cluster.exchange @ moments -> "
    "cluster.zeeman + cluster.exchange @ moments": START,
    "sample.ordering._leading_net_moment: abs(moments.sum()) / np.abs(moments).sum() -> "
    "2 * (abs(moments.sum()) / np.abs(moments).sum())": ZERO,
}
