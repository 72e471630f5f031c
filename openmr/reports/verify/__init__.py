"""Every station of the line against a way that does not know it.

In: films and stacks with temperature, field and direction; out: a report of checks. The numerical
side (`reference`, `cases`, `stacks`) may not know the closed forms, the shipped equilibrium, faces
or network; they enter in `comparison` and `stack_comparison`.
"""
