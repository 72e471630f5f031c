"""Wrong variants that nothing can notice, for `mutants.py`: name -> why not."""

START = "only where a search starts: it ends at the same lowest free energy"

SURVIVORS: dict[str, str] = {
    "models.cluster_model.weiss_splittings: cluster.zeeman - cluster.exchange @ moments -> "
    "cluster.zeeman + cluster.exchange @ moments": START,
}
