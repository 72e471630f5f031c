"""The README's Python blocks print what the README says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"```python\n(.*?)```\n\n```text\n(.*?)```", (ROOT / "README.md").read_text(), re.S
)


@pytest.mark.parametrize(("code", "output"), BLOCKS)
def test_block(code, output, capsys):
    exec(code, {})
    assert capsys.readouterr().out == output


def test_there_are_blocks():
    assert len(BLOCKS) == 2
