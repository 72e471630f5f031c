"""Cost of the many-body engines against size: one density matrix, one cluster.

Run with ``pytest benchmarks --benchmark-only``; memory is printed from one run.
"""

import tracemalloc

import numpy as np
import pytest
from bench_rivals import seconds

from openmr import bath, clusters, fock, scattering

TRANSFORM = scattering.thermal_transform(bath.moment_correlator(0.5, 1.0))


def electrons(orbitals):
    waves = scattering.plane_waves(np.arange(orbitals), 0.3, 0.1)
    return scattering.Scattering(np.repeat(np.linspace(-1, 1, orbitals), 2), waves, TRANSFORM)


def occupations(band):
    return np.diag(1 / (1 + np.exp(band.energies - np.tile([0.5, -0.5], band.energies.size // 2))))


@pytest.mark.parametrize("orbitals", [1, 2, 3, 4])
def test_many_body_collision(benchmark, orbitals):
    benchmark.group = "collision integral in Fock space, dimension 4^orbitals"
    band = electrons(orbitals)
    state = fock.gaussian_state(occupations(band))
    benchmark(fock.collision, state, band)


@pytest.mark.parametrize("orbitals", [4, 16, 64])
def test_one_body_collision(benchmark, orbitals):
    benchmark.group = "collision integral of one body, Eq. (21)"
    band = electrons(orbitals)
    benchmark(scattering.one_body_collision, occupations(band), band)


@pytest.mark.parametrize("orbitals", [1, 2, 3, 4])
def test_pair_correlations(benchmark, orbitals):
    benchmark.group = "pair correlations (A14)"
    state = fock.gaussian_state(occupations(electrons(orbitals)))
    benchmark.pedantic(fock.pairs, (state,), rounds=3)


@pytest.mark.parametrize("sites", [2, 4, 6, 8, 9, 11])
def test_ring(benchmark, sites):
    benchmark.group = "rates of a ring of spins 1/2, exact and Weiss"
    ring = clusters.at_reduced_temperature(0.5, clusters.graph("ring", sites), 1.5, 0.5)
    benchmark.pedantic(clusters.rates, (ring,), rounds=1)


def whole_space(cluster):
    """Levels and spins of a cluster by NumPy, as if no total spin were conserved."""
    energies, basis = np.linalg.eigh(clusters.hamiltonian(cluster).toarray())
    sizes = [round(2 * spin) + 1 for spin in cluster.spins]
    spins = []
    for site, spin in enumerate(cluster.spins):
        x, y, z = bath.spin_matrices(spin)
        before, after = np.eye(np.prod(sizes[:site], dtype=int)), np.prod(sizes[site + 1 :])
        for one in (z.real, (x + 1j * y).real):
            local = np.kron(before, one)
            spins.append(basis.T @ np.kron(local, np.eye(int(after))) @ basis)
    return energies, spins


@pytest.mark.parametrize("sites", [9, 11])
def test_levels_beside_the_whole_space(row, sites):
    nine, ring = (
        clusters.at_reduced_temperature(0.5, clusters.graph("ring", n), 1.5, 0.5)
        for n in (9, sites)
    )
    np.testing.assert_allclose(
        np.sort(clusters.levels(nine).energies), whole_space(nine)[0], atol=1e-12
    )
    ours, hand = seconds(lambda: clusters.levels(ring), lambda: whole_space(nine), least=3)
    row(f"levels of {sites} spins 1/2", "nine by dense NumPy without blocks", ours / hand)


@pytest.mark.parametrize("sites", [16, 64, 128])
def test_complete_graph(benchmark, sites):
    benchmark.group = "complete graph by total spin"
    benchmark.pedantic(clusters.complete_graph_noise, (0.5, sites, 2.0, 0.5), rounds=1)


def test_memory(capsys):
    for sites in (6, 7, 8):
        ring = clusters.at_reduced_temperature(0.5, clusters.graph("ring", sites), 1.5, 0.5)
        tracemalloc.start()
        clusters.rates(ring)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        with capsys.disabled():
            print(f"\nring of {sites}: peak {peak / 2**20:.3g} MiB", end="")
