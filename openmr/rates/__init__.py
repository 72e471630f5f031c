"""Spin relaxation of a film's electrons by every method.

In: a sample and its Equilibrium; out: one Relaxation record, whoever worked it out. May not know
transport or reports; routes know neither each other nor the closed forms.
"""
