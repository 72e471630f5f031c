"""`om.cite`: the sources that work done with openmr rests on."""

from pathlib import Path


def cite() -> str:
    """Sources to cite, as BibTeX: openmr, the paper whose formulas it computes, and QuTiP.

    Returns
    -------
    str
        Three entries, with the keys `openmr`, `Zhang2025` and `QuTiP5`.

    Examples
    --------
    >>> import openmr as om
    >>> print(om.cite()[:17])
    @software{openmr,
    """
    return Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
