"""Type checkers complain of every line that is marked `# slip`, and of no other.

    python slips.py PYTHON SCRIPT...

PYTHON is that of the environment in which the scripts run.
"""

import re
import subprocess
import sys
from pathlib import Path


def complaints(command: list[str], scripts: list[Path]) -> set[tuple[str, int]]:
    """(file, line) of every error."""
    run = subprocess.run(
        [sys.executable, "-m", *command, *(script.name for script in scripts)],
        capture_output=True, text=True, check=False, cwd=scripts[0].parent,
    )  # fmt: skip
    found = re.findall(r"([\w.]+\.py):(\d+)\S* *-? error:", run.stdout)
    return {(file, int(line)) for file, line in found}


def main(python: str, *names: str) -> str:
    """The verdict in a line; exits with the lines on which checkers and marks disagree."""
    scripts = [Path(name) for name in names]
    marked = {
        (script.name, number)
        for script in scripts
        for number, line in enumerate(script.read_text().splitlines(), 1)
        if "# slip" in line
    }
    checkers = {
        "mypy": ["mypy", "--strict", "--python-executable", python],
        "pyright": ["pyright", "--pythonpath", python],
    }
    for name, command in checkers.items():
        if differing := complaints(command, scripts) ^ marked:
            sys.exit(f"{name} disagrees on {sorted(differing)}")
    return f"{' and '.join(checkers)} find the {len(marked)} slips and nothing else"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
