"""Every station of the line against a way that does not know it.

In: films with temperature, field and direction; out: a report of checks. The numerical side
(`reference`, `cases`) may not know the closed forms, the shipped equilibrium or transport; they
enter in `comparison`.
"""
