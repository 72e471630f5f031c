"""Closed forms against quantum dynamics.

In: films with temperature, field and direction; out: a report of checks. The numerical side
(`cases`) may not know the closed forms; they enter in `comparison`.
"""
