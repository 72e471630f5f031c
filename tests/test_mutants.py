"""Wrong variants: of every module, of every kind, and none goes by in silence."""

import ast
from collections import Counter
from pathlib import Path

import mutants
import pytest
from mutation import variants
from survivors import SURVIVORS

SOURCE = '''
def energy(mean, field, weiss, up, down):
    """Factor 2 * 3 in words."""
    if field < -1.0:
        raise ValueError(f"{field - 1}")
    total = -0.5 * mean @ weiss - mean * field
    total += up[0]
    return np.outer(mean, weiss)[1:] * total
'''


def test_each_kind_of_mistake_is_made_and_no_message_is_touched():
    tree, found = variants(SOURCE)
    made = Counter(variant.kind for variant in found)
    assert set(made) == {"sign", "factor 2", "swapped", "dropped", "off by one"}
    texts = [variant.change for variant in found]
    assert "np.outer(mean, weiss) -> np.outer(weiss, mean)" in texts
    assert "up -> down" in texts
    assert not any("field - 1" in text or "field <" in text for text in texts)
    right = ast.dump(tree)
    assert len({ast.dump(variant.tree(tree)) for variant in found} | {right}) == len(found) + 1
    assert ast.dump(tree) == right


@pytest.mark.slow
def test_every_module_of_the_physics_is_met():
    paths = mutants.physics()
    drawn = mutants.sample(paths, seed=1, number=len(paths))
    assert {wrong.path for wrong in drawn} == set(paths)


def test_a_draw_depends_on_no_other_file_and_grows_with_its_share():
    path = Path(mutants.ROOT, "openmr", "transport", "impurity.py")
    few, more = ([w.name for w in mutants.drawn(path, 1, share)] for share in (0.2, 0.4))
    assert 0 < len(few) < len(more)
    assert more[: len(few)] == few
    assert few != [w.name for w in mutants.drawn(path, 2, 0.2)]


@pytest.mark.slow
def test_what_is_explained_is_there():
    known = set()
    for path in mutants.physics():
        module = ".".join(path.relative_to(mutants.ROOT / "openmr").with_suffix("").parts)
        _, found = mutants.of_file(path)
        for function in {variant.function for variant in found}:
            name = f"{module}.{function}: "
            if any(explained.startswith(name) for explained in SURVIVORS):
                same = [variant for variant in found if variant.function == function]
                known |= {name + change for change in mutants.changes(same)}
    assert set(SURVIVORS) <= known


@pytest.mark.parametrize(
    ("noticed", "explained", "status"),
    [("a test", False, 0), ("", False, 1), ("", True, 0), ("a test", True, 1)],
)
def test_what_nothing_notices_needs_a_reason(monkeypatch, capsys, noticed, explained, status):
    path = Path(mutants.ROOT, "openmr", "units.py")
    wrong = mutants.sample([path], 1, 1)
    reasons = {wrong[0].name: "the same number"} if explained else {}
    monkeypatch.setattr(mutants, "SURVIVORS", reasons)
    assert mutants.report(wrong, {0: {"noticed": noticed}}) == status
    assert ("UNEXPLAINED" in capsys.readouterr().out) == (not noticed and not explained)


def test_what_is_not_decided_in_time_is_no_failure_but_a_broken_tool_is():
    wrong = mutants.sample([Path(mutants.ROOT, "openmr", "units.py")], 1, 2)
    assert mutants.report(wrong, {}) == 0
    assert mutants.report(wrong, {0: {"late": True}, 1: {"noticed": "a test"}}) == 0
    assert mutants.report(wrong, {0: {"broken": "an error"}}) == 1
