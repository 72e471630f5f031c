"""Thermal state of the local moments.

In: a sample, temperatures and fields; out: an Equilibrium with its averages. May not know baths,
master equations or rates; imports neither QuTiP nor SciPy.
"""
