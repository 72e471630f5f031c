"""Charge transport of a film, every factor written out in SI units."""

import pytest
from scipy import constants

import openmr as om


def test_einsteins_relation_holds_for_both_spins_together():
    """sigma = e^2 N D with N of both spins per joule; unequal densities of states count alike."""
    electrons = om.Electrons(dos_up=5e27, dos_down=2e27)
    both = (electrons.dos_up + electrons.dos_down) / constants.e
    resistivity = 2e-6
    diffusion = electrons.diffusion(resistivity)
    assert constants.e**2 * both * diffusion == pytest.approx(1 / resistivity, rel=1e-12)
