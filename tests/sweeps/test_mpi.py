"""A sweep over the processes of an MPI job is the sweep of one process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

import openmr as om

pytestmark = pytest.mark.slow

SCRIPT = """
import sys, time
import numpy as np
from mpi4py import MPI
from mpi4py.futures import MPIPoolExecutor
import openmr as om

def rank(_):
    time.sleep(0.05)  # long enough that one worker does not take all
    return MPI.COMM_WORLD.Get_rank()

if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        print(sorted(set(pool.map(rank, range(8)))))
        found = om.sweep(
            om.presets.pt_py(), temperature=np.linspace(5.0, 90.0, 6), field=[0.0, 3.0],
            executor=pool, chunk_points=2,
        )
    found.to_netcdf(sys.argv[1], engine="h5netcdf")
"""
BESIDE_PYTHON = Path(sys.executable).parent
MPIEXEC = shutil.which("mpiexec", path=f"{BESIDE_PYTHON}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(MPIEXEC is None, reason="no MPI on this machine: there is no mpiexec")
def test_two_workers_of_an_mpi_job_give_the_serial_dataset(tmp_path):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    script, kept = tmp_path / "map.py", tmp_path / "map.nc"
    script.write_text(SCRIPT)
    # three processes on whatever cores there are, also in a container as root
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
               "HYDRA_LAUNCHER": "fork"}  # fmt: skip
    run = subprocess.run(
        [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script), str(kept)],
        env={**os.environ, **allowed, "PYTHONPATH": str(Path(om.__file__).parents[1])},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[1, 2]"  # rank 0 hands out and does none of the work
    alone = om.sweep(om.presets.pt_py(), temperature=np.linspace(5.0, 90.0, 6), field=[0.0, 3.0])
    with xarray.open_dataset(kept, engine="h5netcdf") as found:
        # vectorised functions round otherwise at the end of an array than inside it
        xarray.testing.assert_allclose(found.load(), alone, rtol=1e-13, atol=0)
