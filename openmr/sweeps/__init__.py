"""Grids of any parameters, labelled, in parallel and resumable.

In: a sample and arrays of parameters; out: an xarray Dataset, in memory or in a store. May not know
reports, fits or plots.
"""
