"""Exchange field and rates for isotropic coupling: Eqs. (78), (83)-(85), (91), (92), limits."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from openmr import hilbert
from openmr._checks import Array
from openmr.bath import spin_matrices
from openmr.equilibrium import equilibrium
from openmr.ledger.entries import Entry, measured_order
from openmr.ledger.relaxation import ELECTRONS, FILM, film, worst_ratio
from openmr.presets import pt_py
from openmr.relaxation import relaxation
from openmr.sample import Magnet, Moments, Sample
from openmr.units import HBAR, K_B, MU_B

DIFFUSION = "IV. Anisotropic spin diffusion equation: precession"
FERROMAGNET = "V A. Ferromagnetic MR: exchange field and rates"
ANTIFERROMAGNET = "V B. Antiferromagnetic MR: rates"
ROUNDING = 1e-12
G = ELECTRONS.g


class Isotropic(NamedTuple):
    """Films with isotropic coupling and what was found for them; last axis = sublattice."""

    spin: Array
    density: Array  # m^-3
    coupling: Array  # eV m^3
    dos: float  # eV^-1 m^-3
    field: float  # T
    x: Array  # beta eps_L
    mean: Array  # <S_par>
    mean_square: Array  # <S_par^2>
    tau_0: float  # s
    longitudinal: float  # 1/s, 1/tau_0 included
    transverse: float
    precession: float  # rad/s


def isotropic(sample: Sample, temperature: float, field: float, method: str) -> Isotropic:
    """One point by a route."""
    state = equilibrium(sample, temperature, field)
    options = {"modes": False} if method == "kinetic" else {}
    rates = relaxation(sample, temperature, field, method=method, **options)
    magnet = sample.magnet
    return Isotropic(
        magnet.spins,
        magnet.densities,
        magnet.exchange[:, 0],
        sample.electrons.dos,
        field,
        state.reduced_splitting,
        state.magnetization,
        state.second_moment,
        sample.film.spin_flip_time,
        float(rates.longitudinal),
        float(rates.transverse),
        float(hilbert.first_order_tensor(sample, state)[0, 1]),
    )


def antiferromagnet() -> Sample:
    """Two equal sublattices with T_N = 40 K."""
    coupling = 3 * K_B * 40.0 / 3.75
    one = Moments(1.5, 1.66e27, exchange_energy=0.7e-3)
    return Sample(Magnet([one, one], [[0.0, -coupling], [-coupling, 0.0]]), ELECTRONS, FILM)


def ferrimagnet() -> Sample:
    """Two unequal sublattices that do not compensate."""
    moments = [
        Moments(2.5, 1.66e27, exchange_energy=1e-3),
        Moments(1.0, 3.1e27, exchange_energy=-0.4e-3),
    ]
    return Sample(Magnet(moments, [[2e-3, -1.7e-3], [-0.91e-3, 0.0]]), ELECTRONS, FILM)


@cache
def ferromagnets(method: str = "bloch-redfield") -> tuple[Isotropic, ...]:
    """A film that orders at 30 K, at several temperatures and fields."""
    points = ((10.0, 2.0), (28.0, 0.5), (60.0, 9.0))
    return tuple(isotropic(pt_py(), t, b, method) for t, b in points)


@cache
def compensated() -> tuple[Isotropic, ...]:
    """The antiferromagnet without a field, below its ordering temperature."""
    return tuple(isotropic(antiferromagnet(), t, 0.0, "bloch-redfield") for t in (12.0, 30.0, 39.0))


@cache
def shifted() -> tuple[Isotropic, ...]:
    """Precession of one and of two sublattices, both signs of the field."""
    samples = (pt_py(), pt_py(0.4e-3), ferrimagnet())
    return tuple(isotropic(s, 15.0, b, "bloch-redfield") for s in samples for b in (3.0, -1.0))


def _worst(formula: Any, r: tuple[Isotropic, ...], of: str) -> float:
    return max(worst_ratio(formula(one), getattr(one, of)) for one in r)


# --- (78), (83) ------------------------------------------------------------------------------


def precession(r: Isotropic) -> Any:
    """Eq. (78)."""
    omega_b = G * MU_B * r.field / HBAR
    return omega_b - 1 / HBAR * np.sum(r.density * r.coupling * r.mean)


def exchange_field_printed(r: Isotropic) -> Any:
    """Eq. (83) as printed."""
    return np.sum(r.density * r.coupling * r.mean) / (HBAR * G * MU_B)


def exchange_field(r: Isotropic) -> Any:
    """Eq. (83) without hbar."""
    return np.sum(r.density * r.coupling * r.mean) / (G * MU_B)


def _stopping_field(r: Isotropic) -> float:
    """Field that stops the precession of QuTiP's generator, the moments held [T]."""
    return r.field - HBAR * r.precession / (G * MU_B)


def _field_error(formula: Any, r: tuple[Isotropic, ...]) -> float:
    return max(worst_ratio(formula(one), _stopping_field(one)) for one in r)


def shifted_precession_printed(field: float, exchange_field: float) -> Any:
    """The text of Sec. V A as printed."""
    return G * MU_B * (field - exchange_field)


def shifted_precession(field: float, exchange_field: float) -> Any:
    """With hbar."""
    return G * MU_B * (field - exchange_field) / HBAR


@cache
def stopping_fields() -> tuple[tuple[Isotropic, float], ...]:
    """Fields without precession, found by Newton steps on QuTiP's generator."""
    found = []
    for sample in (pt_py(), pt_py(0.4e-3)):
        point = isotropic(sample, 15.0, 3.0, "bloch-redfield")
        state = equilibrium(sample, 15.0, 3.0)

        def turning(field: float, sample: Sample = sample, state: Any = state) -> float:
            held = type(state)(
                *(np.array(field) if n == "field" else getattr(state, n) for n in state.__slots__)
            )
            return float(hilbert.first_order_tensor(sample, held)[0, 1])

        slope = (turning(5.0) - turning(-5.0)) / 10.0  # linear in the field
        found.append((point, 3.0 - turning(3.0) / slope))
    return tuple(found)


# --- (84), (85), (91), (92) ------------------------------------------------------------------


def longitudinal(r: Isotropic) -> Any:
    """Eq. (84), and Eq. (91) with its sum over sublattices."""
    n_b = 1 / (np.exp(r.x) - 1)
    flips = r.spin * (r.spin + 1) - r.mean_square - r.mean
    rate = np.pi / HBAR * r.density * r.dos * r.coupling**2 * r.x * n_b * flips
    return 1 / r.tau_0 + np.sum(rate)


def transverse(r: Isotropic) -> Any:
    """Eq. (85), and Eq. (92) with its sum over sublattices."""
    dephasing = np.pi / HBAR * r.density * r.dos * r.coupling**2 * r.mean_square
    return 1 / (2 * r.tau_0) + r.longitudinal / 2 + np.sum(dephasing)


# --- 1/tau_0 ---------------------------------------------------------------------------------


class Impurities(NamedTuple):
    """Spin-orbit scatterers in arbitrary units of length."""

    density: float = 0.3
    dos: float = 1.7  # per eV
    k_f: float = 1.9
    l_so: float = 0.4
    u: float = 0.6  # eV


def spin_orbit_rate_printed(i: Impurities) -> Any:
    """1/tau_0 in the text below Eq. (85), as printed."""
    return 8 * np.pi / (3 * HBAR) * i.density * i.dos * i.k_f**4 * i.l_so**4 * i.u**2


def spin_orbit_rate(i: Impurities) -> Any:
    """1/tau_0 without the component of k x k' along the spin."""
    return 16 * np.pi / (9 * HBAR) * i.density * i.dos * i.k_f**4 * i.l_so**4 * i.u**2


@cache
def golden_rule_tensor() -> tuple[Impurities, Array]:
    """Decay of the three spin components under V = U l^2 sigma.(k x k'), over the Fermi sphere.

    The integrand is of fourth order in the directions: Gauss-Legendre by three cosines and five
    azimuths integrates it exactly.
    """
    i = Impurities()
    cosines, weights = np.polynomial.legendre.leggauss(3)
    azimuth = 2 * np.pi * np.arange(5) / 5
    c, a = (grid.ravel() for grid in np.meshgrid(cosines, azimuth, indexing="ij"))
    sine = np.sqrt(1 - c**2)
    k = i.k_f * np.stack([sine * np.cos(a), sine * np.sin(a), c], axis=-1)
    weight = np.repeat(weights / 10, 5)
    pauli = 2 * spin_matrices(0.5)
    tensor = np.zeros((3, 3))
    for k_in, p_in in zip(k, weight, strict=True):
        for k_out, p_out in zip(k, weight, strict=True):
            v = i.u * i.l_so**2 * np.einsum("a,aij->ij", np.cross(k_in, k_out), pauli)
            for one, other in np.ndindex(3, 3):
                lost = 0.5 * (v @ v @ pauli[other] + pauli[other] @ v @ v) - v @ pauli[other] @ v
                tensor[one, other] += p_in * p_out * 0.5 * np.trace(pauli[one] @ lost).real
    return i, 2 * np.pi / HBAR * i.density * i.dos * tensor


# --- limits ----------------------------------------------------------------------------------


def cold_field_printed(r: Isotropic) -> Any:
    """Exchange field of saturated moments as printed."""
    return -np.sum(r.density * r.coupling * r.spin) / (HBAR * G * MU_B)


def cold_field(r: Isotropic) -> Any:
    """Exchange field of saturated moments without hbar."""
    return -np.sum(r.density * r.coupling * r.spin) / (G * MU_B)


def bare_rate(r: Isotropic) -> Any:
    """What is left of 1/tau_par."""
    return 1 / r.tau_0


def saturated_rate(r: Isotropic) -> Any:
    """1/tau_0 + Omega_0; one sublattice."""
    omega_0 = np.pi / HBAR * r.density[0] * r.dos * (r.coupling[0] * r.spin[0]) ** 2
    return 1 / r.tau_0 + omega_0


def twice_saturated_rate(
    tau_0: float, density: float, dos: float, coupling: float, spin: float
) -> Any:
    """1/tau_0 + 2 Omega_0 with n_S of one sublattice."""
    omega_0 = np.pi / HBAR * density * dos * coupling**2 * spin**2
    return 1 / tau_0 + 2 * omega_0


def paramagnetic_rate(r: Isotropic) -> Any:
    """1/tau_0 + Omega_1; one sublattice."""
    spin = r.spin[0]
    omega_1 = 2 * np.pi / (3 * HBAR) * r.dos * r.density[0] * r.coupling[0] ** 2 * spin * (spin + 1)
    return 1 / r.tau_0 + omega_1


def nothing() -> Any:
    """What vanishes."""
    return 0.0


@cache
def cold() -> tuple[Isotropic, ...]:
    """Saturated moments: beta eps_L = 40 and more."""
    samples = (film(2.0, 0.7e-3), film(0.5, -1e-3))
    return tuple(isotropic(s, 0.4, b, "bloch-redfield") for s in samples for b in (12.0, 15.0))


@cache
def cold_antiferromagnet() -> tuple[Isotropic, ...]:
    """T = T_N / 40 and below."""
    return tuple(isotropic(antiferromagnet(), t, 0.0, "bloch-redfield") for t in (0.8, 1.0))


@cache
def hot() -> tuple[Isotropic, ...]:
    """Small beta eps_L, by the field."""
    sample = film(2.0, 0.7e-3)
    return tuple(isotropic(sample, 4.0, b, "bloch-redfield") for b in (0.05, 0.1, 0.2, 0.4))


def _depths(r: tuple[Isotropic, ...]) -> list[float]:
    return [float(one.x[0]) for one in r]


def _paramagnetic_order(formula: Any, r: tuple[Isotropic, ...]) -> float:
    orders = [
        measured_order(_depths(r), [abs(formula(one) / getattr(one, rate) - 1) for one in r])
        for rate in ("longitudinal", "transverse")
    ]
    return max(abs(order - 2) for order in orders)


def _vanishing_field_order(formula: Any, r: tuple[Isotropic, ...]) -> float:
    saturated = [_stopping_field(one) / cold_field(one) for one in r]
    return abs(measured_order(_depths(r), [abs(b - formula()) for b in saturated]) - 1)


_entry = partial(
    Entry,
    section=FERROMAGNET,
    tolerance=ROUNDING,
    because="relative; rounding of the tensor's sums",
    route="bloch-redfield",
)
_FIRST_ORDER = "first-order generator in QuTiP, projected on the thermal moment"
_FROZEN = "relative; rounding, and flips frozen to x exp(-x) < 2e-16"

ENTRIES = [
    _entry(
        equation="78",
        section=DIFFUSION,
        statement="Precession shifted by the moments' mean field",
        latex=r"\omega_L = \omega_B - \frac1\hbar\sum_i n_S^i J_{sd}^i"
        r"\langle S_\parallel^i\rangle",
        code=("openmr.closed_form.precession", "openmr.hilbert.first_order_tensor"),
        printed=precession,
        reference=shifted,
        residual=partial(_worst, of="precession"),
        because="relative; rounding",
        route=_FIRST_ORDER,
        note="With omega_B = g mu_B B / hbar. For anisotropic coupling it is J_z that counts.",
    ),
    _entry(
        equation="83",
        statement="Exchange field",
        latex=r"B_{sd} = n_SJ\langle S_\parallel\rangle/(\hbar g\mu_B)",
        corrected_latex=r"B_{sd} = n_SJ\langle S_\parallel\rangle/(g\mu_B)",
        code=("openmr.closed_form.exchange_field", "openmr.closed_form.exchange_field_printed"),
        printed=exchange_field_printed,
        corrected=exchange_field,
        reference=shifted,
        residual=_field_error,
        because="relative; rounding",
        route="field that cancels the precession of QuTiP's first-order generator",
        note="The print has hbar too many: no field by its unit.",
    ),
    _entry(
        equation="83 precession",
        statement="Precession in the field less the exchange field, in the text of Sec. V A",
        latex=r"\omega_L = g\mu_B(B - B_{sd}),\quad \omega_B = g\mu_BB",
        corrected_latex=r"\omega_L = g\mu_B(B - B_{sd})/\hbar,\quad \omega_B = g\mu_BB/\hbar",
        code=("openmr.closed_form.precession", "openmr.rates.Relaxation"),
        printed=shifted_precession_printed,
        corrected=shifted_precession,
        reference=stopping_fields,
        residual=lambda f, r: max(
            worst_ratio(f(one.field, stop), one.precession) for one, stop in r
        ),
        because="relative; rounding",
        route="field at which QuTiP's first-order generator stands still",
        note="As below Eq. (2), with hbar; the hbar missing here is the one too many in (83).",
    ),
    _entry(
        equation="84",
        statement="Longitudinal rate for isotropic coupling",
        latex=r"\frac{1}{\tau_\parallel} = \frac{1}{\tau_0} + \frac{\pi}{\hbar}n_S\nu_FJ^2"
        r"\beta\epsilon_Ln_B(\epsilon_L)[S(S+1) - \langle S_\parallel^2\rangle"
        r" - \langle S_\parallel\rangle]",
        code=("openmr.closed_form.longitudinal_isotropic",),
        printed=longitudinal,
        reference=lambda: ferromagnets("bloch-redfield") + ferromagnets("kinetic"),
        residual=partial(_worst, of="longitudinal"),
        route="bloch-redfield, and kinetic at the electrons' full splitting",
        note="Twice what Eq. (70) gives as printed.",
    ),
    _entry(
        equation="85",
        statement="Transverse rate for isotropic coupling: half the flips, and dephasing",
        latex=r"\frac{1}{\tau_\perp} = \frac{1}{2\tau_0} + \frac{1}{2\tau_\parallel}"
        r" + \frac{\pi}{\hbar}n_S\nu_FJ^2\langle S_\parallel^2\rangle",
        code=("openmr.closed_form.transverse_isotropic",),
        printed=transverse,
        reference=ferromagnets,
        residual=partial(_worst, of="transverse"),
        note="At small splitting of the electrons; see (75). Moments at random places.",
    ),
    _entry(
        equation="V.A tau0",
        statement="Spin relaxation by impurities with spin-orbit coupling",
        latex=r"\tau_0^{-1} \simeq \frac{8\pi}{3\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        corrected_latex=r"\tau_0^{-1} = \frac{16\pi}{9\hbar}n_i\nu_Fk_F^4l_{so}^4U^2",
        code=("openmr.sample.Film",),
        printed=spin_orbit_rate_printed,
        corrected=spin_orbit_rate,
        reference=golden_rule_tensor,
        residual=lambda f, r: float(np.abs(f(r[0]) * np.eye(3) - r[1]).max() / f(r[0])),
        because="over the rate, for all three axes; rounding",
        route="golden rule averaged over the Fermi sphere by exact quadrature",
        note="The print is 3/2 of it: it counts the component of k x k' along the spin, which "
        "flips nothing.",
    ),
    _entry(
        equation="V.A i flips",
        statement="Frozen moments flip no spins",
        latex=r"\beta\epsilon_L \gg 1:\quad \tau_\parallel^{-1} = \tau_0^{-1}",
        code=("openmr.closed_form.longitudinal_isotropic",),
        printed=bare_rate,
        reference=cold,
        residual=partial(_worst, of="longitudinal"),
        because=_FROZEN,
    ),
    _entry(
        equation="V.A Omega0",
        statement="Frozen moments dephase at Omega_0",
        latex=r"\beta\epsilon_L \gg 1:\quad \tau_\perp^{-1} = \tau_0^{-1} + \Omega_0,\quad"
        r" \Omega_0 = \frac{\pi}{\hbar}n_S\nu_F(JS)^2",
        code=("openmr.closed_form.saturated_dephasing",),
        printed=saturated_rate,
        reference=cold,
        residual=partial(_worst, of="transverse"),
        because=_FROZEN,
        note="For moments at random places. In a perfect lattice only their fluctuation "
        "dephases, and none of this is left.",
    ),
    _entry(
        equation="V.A i field",
        statement="Exchange field of frozen moments",
        latex=r"\beta\epsilon_L \gg 1:\quad B_{sd} = -n_SJS/(\hbar g\mu_B)",
        corrected_latex=r"\beta\epsilon_L \gg 1:\quad B_{sd} = -n_SJS/(g\mu_B)",
        code=("openmr.closed_form.exchange_field",),
        printed=cold_field_printed,
        corrected=cold_field,
        reference=cold,
        residual=_field_error,
        because="relative; rounding, and moments saturated to exp(-40)",
        route="field that cancels the precession of QuTiP's first-order generator",
        note="hbar as in (83). The sign is right: moments point against the field.",
    ),
    _entry(
        equation="V.A Omega1",
        statement="Free moments relax all spins alike, at Omega_1",
        latex=r"\beta\epsilon_L \ll 1:\quad \tau_\parallel^{-1} = \tau_\perp^{-1}"
        r" = \tau_0^{-1} + \Omega_1,\quad \Omega_1 = \frac{2\pi}{3\hbar}\nu_Fn_SJ^2S(S+1)",
        code=("openmr.closed_form.paramagnetic_rate",),
        printed=paramagnetic_rate,
        reference=hot,
        residual=_paramagnetic_order,
        tolerance=0.02,
        because="distance of both orders from 2; the next order, S(S+1)/10 (beta eps_L)^2 of it, "
        "adds at most twice its size to the slope, 0.02",
        order=2.0,
        parameter="beta eps_L",
    ),
    _entry(
        equation="V.A ii field",
        statement="Free moments make no exchange field",
        latex=r"\beta\epsilon_L \ll 1:\quad B_{sd} = 0",
        code=("openmr.closed_form.exchange_field",),
        printed=nothing,
        reference=hot,
        residual=_vanishing_field_order,
        tolerance=0.02,
        because="distance of the order from 1; the next order, S(S+1)/10 (beta eps_L)^2 of it, "
        "adds at most twice its size to the slope, 0.02",
        route=_FIRST_ORDER,
        order=1.0,
        parameter="beta eps_L",
    ),
    _entry(
        equation="91",
        section=ANTIFERROMAGNET,
        statement="Longitudinal rate of an antiferromagnet: sublattices add",
        latex=r"\frac{1}{\tau_\parallel} = \frac{1}{\tau_0} + \frac{\pi}{\hbar}n_S^\nu\nu_FJ^2"
        r"\beta\epsilon_L^\nu n_B(\epsilon_L^\nu)[S(S+1) - \langle S_i^\parallel"
        r" S_i^\parallel\rangle - \langle S_i^\parallel\rangle]",
        code=("openmr.closed_form.longitudinal_isotropic",),
        printed=longitudinal,
        reference=compensated,
        residual=partial(_worst, of="longitudinal"),
        note="eps_L and <S> of the sublattices have opposite signs, along one Neel vector; "
        "both give the same.",
    ),
    _entry(
        equation="92",
        section=ANTIFERROMAGNET,
        statement="Transverse rate of an antiferromagnet: sublattices add",
        latex=r"\frac{1}{\tau_\perp} = \frac{1}{2\tau_0} + \frac{1}{2\tau_\parallel}"
        r" + \frac{\pi}{\hbar}n_S^\nu\nu_FJ^2\langle S_i^\parallel S_i^\parallel\rangle",
        code=("openmr.closed_form.transverse_isotropic",),
        printed=transverse,
        reference=compensated,
        residual=partial(_worst, of="transverse"),
        note="Scattering off neighbours does not interfere, which is what random places mean.",
    ),
    _entry(
        equation="V.B precession",
        section=ANTIFERROMAGNET,
        statement="The sublattices' exchange fields cancel: no precession without a field",
        latex=r"B = 0:\quad \omega_L = 0",
        code=("openmr.closed_form.precession",),
        printed=nothing,
        reference=compensated,
        residual=lambda f, r: max(
            abs(f() - HBAR * one.precession / (one.density @ np.abs(one.coupling * one.mean)))
            for one in r
        ),
        because="over the sum of the sublattices' fields; rounding",
        route=_FIRST_ORDER,
    ),
    _entry(
        equation="V.B flips",
        section=ANTIFERROMAGNET,
        statement="Deep in the ordered phase no spin along the Neel vector flips",
        latex=r"T \ll T_N:\quad \tau_\parallel^{-1} \to \tau_0^{-1}",
        code=("openmr.closed_form.longitudinal_isotropic",),
        printed=bare_rate,
        reference=cold_antiferromagnet,
        residual=partial(_worst, of="longitudinal"),
        because=_FROZEN,
    ),
    _entry(
        equation="V.B Omega0",
        section=ANTIFERROMAGNET,
        statement="Deep in the ordered phase spins across the Neel vector dephase at 2 Omega_0",
        latex=r"T \ll T_N:\quad \tau_\perp^{-1} = \tau_0^{-1} + 2\Omega_0,\quad"
        r" \Omega_0 = \frac{\pi}{\hbar}n_s\nu_FJ^2S^2",
        code=("openmr.closed_form.saturated_dephasing",),
        printed=twice_saturated_rate,
        reference=cold_antiferromagnet,
        residual=lambda f, r: max(
            worst_ratio(
                f(one.tau_0, one.density[0], one.dos, one.coupling[0], one.spin[0]),
                one.transverse,
            )
            for one in r
        ),
        because=_FROZEN,
        note="n_s is the density of one sublattice.",
    ),
]
