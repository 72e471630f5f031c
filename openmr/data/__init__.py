"""Measurements, their files, and what they say of a film.

In: tables of measured resistivities and a sample to start from; out: fitted parameters with their
errors, or "not determined". May not know reports, sweeps or plots.
"""
