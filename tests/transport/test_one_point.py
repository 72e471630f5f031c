"""One point, which is worked on in numbers, is a point of a grid, which is worked on in arrays."""

import numpy as np
import pytest

import openmr as om

KELVIN = (1e-9, 1e-3, 2.0, 30.0 * (1 - 1e-12), 30.0, 30.0 * (1 + 1e-12), 300.0, 1e9)
TESLA = (-1e3, -5.0, -0.0, 0.0, 1e-6, 0.3, 5.0, 1e3)
FILM = om.presets.pt_py()
FILMS = {
    "Pt/Py": FILM,
    "antiferromagnetic exchange with the electrons, S = 1/2": om.presets.pt_py(spin=0.5),
    "a paramagnet": om.presets.pt_py(curie_temperature=0.0),
    "beyond Horner's scheme": om.presets.pt_py(spin=150.0),
    "beyond binomials": om.presets.pt_py(spin=600.0),
    "a lattice": om.presets.pt_py(disorder="lattice"),
    "Jx, Jy and Jz": om.presets.pt_py((-1e-3, -2e-3, 0.5e-3)),
    "nothing relaxes": om.Sample(
        om.Magnet(om.Moments(2.0, 1e27, exchange=0.0)),
        om.Electrons(1e28, 2e28),
        om.Film(5e-9, 0.1, 1e-6, np.inf, 2e-6),
    ),
}


def numbers(found):
    rates = found.relaxation
    state = rates.equilibrium
    parts = (
        *(found.longitudinal, found.transverse, found.drho0, found.drho1, found.drho2),
        *(rates.dissipator, rates.precession, rates.charge_to_spin),
        *(state.reduced_splitting, state.mean_spin, state.second_moment, state.variance),
        *(state.flip_up, state.flip_down),
    )
    assert all(isinstance(part, np.ndarray) and part.dtype == float for part in parts)
    return parts


@pytest.mark.parametrize("order", ["second", "exact"])
@pytest.mark.parametrize("name", FILMS)
def test_one_point_is_a_point_of_the_grid(name, order):
    """To the rounding of elementary functions, times how soft the moments are."""
    film, direction = FILMS[name], (1, -2, 3)
    grid = om.magnetoresistance(film, *np.meshgrid(KELVIN, TESLA), direction, order=order)
    soft = np.abs(grid.relaxation.equilibrium.condition[..., 0])
    for index in np.ndindex(soft.shape):
        kelvin, tesla = KELVIN[index[1]], TESLA[index[0]]
        alone = numbers(om.magnetoresistance(film, kelvin, tesla, direction, order=order))
        for i, (one, many) in enumerate(zip(alone, numbers(grid), strict=True)):
            there = many[index]
            assert one.shape == there.shape
            # the resistivities are differences of what is left of the spin current, drho0
            scale = grid.drho0[index] if 0 < i < 5 else np.abs(there).max(initial=0.0)
            allowed = 1e-13 * min(soft[index], 1e12) * scale
            assert np.all(np.abs(one - there) <= allowed), (kelvin, tesla)


@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_a_wrong_number_is_noticed(factor, monkeypatch):
    from openmr.rates import closed_form

    right = closed_form._in_numbers

    def wrong(magnet, state):
        one, at = right(magnet, state)
        return one, at._replace(flip_up=factor * at.flip_up)

    monkeypatch.setattr(closed_form, "_in_numbers", wrong)
    with pytest.raises(AssertionError):
        test_one_point_is_a_point_of_the_grid("Pt/Py", "second")
