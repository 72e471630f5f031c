"""Verdicts: `verify`, `validity` and the ledger of the paper's equations.

In: what the stations below compute; out: numbers beside numbers, with what is allowed and why. May
not know plots, sweeps, fits or the command line.
"""
