"""Make-up of a film: magnet, electrons, film, and one table of their parameters.

In: numbers in public units, a preset's name, a TOML file; out: frozen, checked records. May not
know what is computed from them.
"""
