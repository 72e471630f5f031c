"""Numerical routes to the rates, one file each; `rates.methods` says where each lives.

In: an Equilibrium and a route's own options; out: a Relaxation of the exchange part. May not know
another route or the closed forms.
"""
