"""Spin diffusion, its boundary conditions at the faces, and resistivity.

In: a film and a Relaxation; out: spin accumulation, Resistivity and its mechanisms. May not know
master equations, models, routes or QuTiP.
"""
