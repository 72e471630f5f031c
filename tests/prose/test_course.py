"""Every lesson of the course runs, has its parts, and its checks tell right from wrong."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pytest

pytestmark = pytest.mark.prose

ROOT = Path(__file__).parents[2]
COURSE = ROOT / "docs" / "course"
LESSONS = sorted(COURSE.glob("lesson_*.py"))
# values that answer another question than the one asked: a trivial root, the point of a scan
# instead of its minimum, aligned moments instead of thermal ones, the inverse of a ratio
TRAPS = {
    (1, 3, "factor"): ("2.0", "0.0"),
    (5, 3, "best"): ("0.0", "0.2", "-1.0", "1.7"),
    (8, 1, "coupling"): (
        "2 * om.units.MU_B * scan[i] / om.equilibrium(film, 10.0, scan[i]).mean_spin[0]",
        "2 * om.units.MU_B * lowest / -2",
        "2 * om.units.MU_B * scan[i] / -2",
    ),
}
ENOUGH = {
    (1, 3, "factor"): ("0.5",),
    (5, 3, "best"): ("1.69",),
    (6, 2, "faster"): ("loss(1.5) / loss(1e-4)",),
}
"""Answers as exact as the text asks, and not more."""


class Cell(NamedTuple):
    markdown: bool
    solution: bool
    source: str


class Exercise(NamedTuple):
    text: str
    before: list[Cell]  # set-up that the reader sees
    solution: Cell
    check: Cell
    after: list[Cell]


def cells(lesson):
    """Cells of a script in the percent format; the header before the first is left out."""
    parts = re.split(r"^# %%(.*)\n", lesson.read_text(), flags=re.M)[1:]
    found = []
    for options, source in zip(parts[::2], parts[1::2], strict=True):
        markdown = "[markdown]" in options
        text = re.sub(r"^# ?", "", source, flags=re.M) if markdown else source
        found.append(Cell(markdown, "hide-cell" in options, text))
    return found


def parts(lesson):
    """The cells of the lesson proper, and its exercises."""
    body, sections = [], []
    for cell in cells(lesson):
        if cell.markdown and re.search(r"^## Exercise", cell.source, re.M):
            sections.append([cell])
        else:
            (sections[-1] if sections else body).append(cell)
    return body, [exercise(section) for section in sections]


def exercise(section):
    code = [cell for cell in section if not cell.markdown]
    hidden = [i for i, cell in enumerate(code) if cell.solution]
    assert len(hidden) == 1, f"one solution, not {len(hidden)}"
    place = hidden[0]
    text = "".join(cell.source for cell in section if cell.markdown)
    return Exercise(text, code[:place], code[place], code[place + 1], code[place + 2 :])


def names(source, context):
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    } | {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and context is ast.Store
    }


def answers(task):
    """Names that the text asks for: the solution sets them and the check reads them."""
    asked = set(re.findall(r"`([A-Za-z_]\w*)`", task.text))
    return asked & names(task.solution.source, ast.Store) & names(task.check.source, ast.Load)


def wrong(value):
    """The answer, wrong by one per cent."""
    if isinstance(value, bool | np.bool_):
        return not value
    if isinstance(value, str):
        return value + "?"
    if isinstance(value, list | tuple):
        return type(value)(wrong(part) for part in value)
    if callable(value):
        return lambda *arguments, **options: wrong(value(*arguments, **options))
    return 1.01 * value if np.any(value) else value + 0.01


def values(table, lesson, task, name):
    """Expressions that a table holds for an answer."""
    number = int(re.match(r"lesson_(\d+)_", lesson.name)[1])
    return table.get((number, int(re.search(r"## Exercise (\d)", task.text)[1]), name), ())


def run(cell, namespace, lesson):
    exec(compile(cell.source, lesson.name, "exec"), namespace)


def passes(check, namespace, lesson):
    try:
        run(check, namespace, lesson)
    except AssertionError:
        return False
    return True


@pytest.fixture(params=LESSONS, ids=[lesson.stem for lesson in LESSONS])
def lesson(request):
    yield request.param
    plt.close("all")


def test_has_its_parts(lesson):
    body, tasks = parts(lesson)
    first = body[0].source
    number = re.match(r"lesson_(\d+)_", lesson.name)[1]
    assert re.match(rf"# Lesson {number}: ", first)
    assert "**Question.**" in first
    assert "You need: " in first
    assert [re.search(r"## Exercise (\d)", task.text)[1] for task in tasks] == ["1", "2", "3"]
    assert all(answers(task) for task in tasks)
    assert lesson.stem in (COURSE / "index.md").read_text().split("```{toctree}")[1].split()


def test_checks_say_what_is_wrong_and_texts_how_exact(lesson):
    for task in parts(lesson)[1]:
        assert "checked to" in " ".join(task.text.split())
        demands = [n for n in ast.walk(ast.parse(task.check.source)) if isinstance(n, ast.Assert)]
        assert demands
        for demand in demands:
            assert demand.msg is not None, ast.unparse(demand)
            assert len(ast.literal_eval(demand.msg)) > 40


def test_runs_and_its_checks_tell_right_from_wrong(lesson, capsys):
    """All cells one after another, as its page runs them, with wrong answers in between."""
    body, tasks = parts(lesson)
    space = {"__name__": "__main__"}
    for cell in body:
        if not cell.markdown:
            run(cell, space, lesson)
    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert figures, "a lesson has a picture"
    assert all(ax.get_xlabel() and ax.get_ylabel() for f in figures for ax in f.axes if ax.lines)
    for task in tasks:
        for cell in task.before:
            run(cell, space, lesson)
        with pytest.raises((NameError, AssertionError)):  # before anything was answered
            run(task.check, dict(space), lesson)
        run(task.solution, space, lesson)
        for name in sorted(answers(task)):
            spoilt = space | {name: wrong(space[name])}
            assert not passes(task.check, spoilt, lesson), f"`{name}` may be wrong by one per cent"
            for trap in values(TRAPS, lesson, task, name):
                assert not passes(task.check, space | {name: eval(trap, space)}, lesson), trap
            for answer in values(ENOUGH, lesson, task, name):
                assert passes(task.check, space | {name: eval(answer, space)}, lesson), answer
        capsys.readouterr()
        for cell in (task.check, *task.after):
            run(cell, space, lesson)
        assert capsys.readouterr().out.count("correct: ") == 1
