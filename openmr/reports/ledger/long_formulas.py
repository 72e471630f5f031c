r"""The collision integrals in plane waves, Eqs. (21), (25), (34) and (A22), typeset.

They differ in a few letters, which stand between angle brackets in the templates.
"""

from __future__ import annotations


def _filled(template: str, **letters: str) -> str:
    for name, letter in letters.items():
        template = template.replace(f"<{name}>", letter)
    return template


_FIRST = (
    r"e^{-i(\mathbf k_2-\mathbf k_3)\cdot\mathbf r_{<i>_1}"
    r"-i(\mathbf k_5-\mathbf k_6)\cdot\mathbf r_{<i>_2}}"
)
_LAST = (
    r"e^{-i(\mathbf k_5-\mathbf k_6)\cdot\mathbf r_{<i>_2}"
    r"-i(\mathbf k_3-\mathbf k_1)\cdot\mathbf r_{<i>_1}}"
)
_MATRIX = (
    r"\begin{aligned}\mathcal J_{\mathbf k_2\mathbf k_1}^{\sigma_2\sigma_1}(<argument>) = "
    r"\frac1{V^2}<sum>\{ & \mathcal D_{n_2n_1}^-(\omega_{\alpha_6}^{<five>})["
    + _FIRST
    + r"\sigma_{\sigma_2\sigma_3}^{\nu_1}<rho>_{\mathbf k_3\mathbf k_5}^{\sigma_3\sigma_5}"
    r"\sigma_{\sigma_5\sigma_6}^{\nu_2}\bar\varrho_{\mathbf k_6\mathbf k_1}^{\sigma_6\sigma_1}"
    r" \\ & - "
    + _LAST
    + r"\varrho_{\mathbf k_2\mathbf k_5}^{\sigma_2\sigma_5}\sigma_{\sigma_5\sigma_6}^{\nu_2}"
    r"\bar\varrho_{\mathbf k_6\mathbf k_3}^{\sigma_6\sigma_3}\sigma_{\sigma_3\sigma_1}^{\nu_1}]"
    r" \\ & + \mathcal D_{n_1n_2}^+(\omega_{\alpha_5}^{<six>})["
    + _LAST
    + r"\bar\varrho_{\mathbf k_2\mathbf k_5}^{\sigma_2\sigma_5}\sigma_{\sigma_5\sigma_6}^{\nu_2}"
    r"<rho>_{\mathbf k_6\mathbf k_3}^{\sigma_6\sigma_3}\sigma_{\sigma_3\sigma_1}^{\nu_1}"
    r" \\ & - "
    + _FIRST
    + r"\sigma_{\sigma_2\sigma_3}^{\nu_1}\bar\varrho_{\mathbf k_3\mathbf k_5}^{\sigma_3\sigma_5}"
    r"\sigma_{\sigma_5\sigma_6}^{\nu_2}<rho>_{\mathbf k_6\mathbf k_1}^{\sigma_6\sigma_1}]\}"
    r"\end{aligned}"
)


def matrix_integral(
    *, rho: str = r"\varrho", argument: str = r"\varrho", letter: str = r"\alpha", sites: str = "i"
) -> str:
    """Eqs. (21), (A22); by default the form that holds.

    `rho` stands beside 1 - rho in the terms 1, 3 and 4, `letter` for the upper state of a
    frequency, `sites` is the index of the moments' places.
    """
    total = r"\sum_{n_i\alpha_i}" if sites == "j" else ""
    return _filled(
        _MATRIX,
        rho=rho,
        argument=argument,
        five=letter + "_5",
        six=letter + "_6",
        i=sites,
        sum=total,
    )


IN = r"\omega_{\mathbf k\sigma}^{\mathbf k'\sigma'}"
_OUT = r"\omega_{\mathbf k'\sigma'}^{\mathbf k\sigma}"

_POPULATIONS = (
    r"\begin{aligned}\mathcal J_{\mathbf k}^\sigma(<argument>) = <scale>\{ & [<minus>("
    + IN
    + r")<forth>\sigma_{\sigma\sigma'}^{\nu_1}<rho>_{\mathbf k'}^{\sigma'}"
    r"\sigma_{\sigma'\sigma}^{\nu_2}\bar\varrho_{\mathbf k}^\sigma"
    r" \\ & - <minus>(<out>)<back>\varrho_{\mathbf k}^\sigma\sigma_{\sigma\sigma'}^{\nu_2}"
    r"\bar\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_1}]"
    r" \\ & + [<plus>("
    + IN
    + r")<back>\bar\varrho_{\mathbf k}^\sigma\sigma_{\sigma\sigma'}^{\nu_2}"
    r"<rho>_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_1}"
    r" \\ & - <plus>(<out>)<forth>\sigma_{\sigma\sigma'}^{\nu_1}"
    r"\bar\varrho_{\mathbf k'}^{\sigma'}\sigma_{\sigma'\sigma}^{\nu_2}<rho>_{\mathbf k}^\sigma]\}"
    r"\end{aligned}"
)


def population_integral(*, rho: str = r"\varrho", argument: str = r"\varrho") -> str:
    """Eq. (25); by default the form that holds. `rho` stands in terms 1, 3 and 4."""
    phase = r"e^{-i(\mathbf k-\mathbf k')\cdot(\mathbf r_{i_<a>}-\mathbf r_{i_<b>})}"
    return _filled(
        _POPULATIONS,
        rho=rho,
        argument=argument,
        out=_OUT,
        scale=r"\frac1{V^2}",
        minus=r"\mathcal D_{n_2n_1}^-",
        plus=r"\mathcal D_{n_1n_2}^+",
        forth=_filled(phase, a="1", b="2"),
        back=_filled(phase, a="2", b="1"),
    )


def local_integral(*, out: str = _OUT, argument: str = r"\varrho") -> str:
    """Eq. (34); by default the form that holds. `out` is the frequency of terms 2 and 4."""
    return _filled(
        _POPULATIONS,
        rho=r"\varrho",
        argument=argument,
        out=out,
        scale=r"\frac{n_S^i}V",
        minus=r"\mathcal D_{\nu_2\nu_1}^{-,i}",
        plus=r"\mathcal D_{\nu_1\nu_2}^{+,i}",
        forth="",
        back="",
    )
