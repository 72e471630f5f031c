"""Every check of a report beside what it is allowed
=================================================

The verification at one point: each number of the numerical routes, as its deviation from the closed
form over what is allowed. All lie below the line at 1, most by far.
"""

import tempfile
from pathlib import Path

import openmr as om
from openmr import plotting

report = om.verify(om.presets.pt_py(), temperature=10.0, field=5.0)
shares = [check.deviation / check.tolerance for check in report.checks]
print(f"{len(shares)} checks, the worst at {max(shares):.0e} of what it is allowed")
assert max(shares) <= 1

figure, ax = plotting.deviations(report.checks)
target = Path(tempfile.gettempdir()) / "openmr_checks.png"
figure.savefig(target, dpi=150)
print("figure:", target)
