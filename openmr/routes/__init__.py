"""Numerical routes to the relaxation tensor, one file each, all with one signature."""
