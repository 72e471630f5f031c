"""Charge transport of a film, every factor written out in SI units."""

import pytest
from nearness import approx
from scipy import constants

import openmr as om


def test_einsteins_relation_holds_for_both_spins_together():
    """sigma = e^2 N D with N of both spins per joule; unequal densities of states count alike."""
    electrons = om.Electrons(dos_up=5e27, dos_down=2e27)
    both = (electrons.dos_up + electrons.dos_down) / constants.e
    resistivity = 2e-6
    diffusion = electrons.diffusion(resistivity)
    assert constants.e**2 * both * diffusion == approx(1 / resistivity, rel=1e-12)


def test_a_sample_comes_from_the_file_that_the_command_line_takes(tmp_path):
    file = tmp_path / "film.toml"
    file.write_text('[sample]\npreset = "pt_py"\nspin = 1.5\n[sweep]\nfield = 1.0\n', "utf-8")
    for path in (file, str(file)):
        assert om.Sample.from_toml(path) == om.presets.pt_py(spin=1.5)
    for wrong, message in (
        (tmp_path / "none", "`config` must be a file to read, got .*No such file"),
        ({"sample": {}}, "`config` must be a path, got {"), (tmp_path, "`config` must be a file"),
    ):  # fmt: skip
        with pytest.raises(om.ParameterError, match=message):
            om.Sample.from_toml(wrong)
