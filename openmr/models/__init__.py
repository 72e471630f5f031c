"""Many-body models that test what the theory assumes.

In: bands, modes, clusters and couplings as numbers and arrays; out: collision integrals, exact
dynamics, spectra. May not know samples, films, rates or transport.
"""
