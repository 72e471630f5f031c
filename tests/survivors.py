"""Wrong variants that nothing can notice, for `mutants.py`: name -> why not."""

SURVIVORS: dict[str, str] = {}
