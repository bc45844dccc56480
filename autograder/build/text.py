"""Turn a module's text (Jupytext py:percent) and its declarations into nbgrader's source notebook.

What an author writes::

    # %% [markdown]
    # @exercise backward
    #
    # Prose that says what to write.

    # %% exercise="backward"
    def backward(...):
        ### BEGIN SOLUTION
        ...
        ### END SOLUTION

The build adds the header with badge, objectives and time; the setup cell (a code cell tagged
"setup" joins it); the exercise's heading in place of the `@exercise` line; a question's options in
place of an `@options` line, a written answer's rubric in place of `@rubric`; the locked test cell
after the answer; nbgrader's metadata; and cell ids that stay the same from build to build.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import course
from autograder.core.exercise import Exercise
from autograder.core.rubric import rubric_text
from autograder.errors import SpeedrunError
from autograder.notebook.cards import count

OPTIONS_LINE = re.compile(r"^@options *$", re.MULTILINE)
RUBRIC_LINE = re.compile(r"^@rubric *$", re.MULTILINE)
EXERCISE_LINE = re.compile(r"^@exercise +(\w+) *$", re.MULTILINE)


def source_notebook(module: course.Module) -> NotebookNode:
    """The module's source notebook, not yet executed."""
    import jupytext  # for authors only: grading makes releases without reading the text

    text = module.text_path.read_text(encoding="utf-8")
    setup = _setup()
    cells = [_header(module), setup]
    declared = {exercise.id: exercise for exercise in module.exercises}
    announced: list[str] = []
    answered: list[str] = []
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        exercise_id = cell.metadata.pop("exercise", None)
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        if cell.cell_type == "markdown":
            announced += EXERCISE_LINE.findall(cell.source)
            cell.source = EXERCISE_LINE.sub(
                lambda found: _heading(_declared(declared, found[1], module)), cell.source
            )
            if announced:
                exercise = _declared(declared, announced[-1], module)
                options = _options(exercise)
                cell.source = OPTIONS_LINE.sub(_as_it_is(options), cell.source)
                if exercise.rubric:
                    rubric = rubric_text(exercise)
                    cell.source = RUBRIC_LINE.sub(_as_it_is(rubric), cell.source)
            cells.append(new_markdown_cell(cell.source, metadata=cell.metadata))
        elif "setup" in cell.metadata.get("tags", ()):
            setup.source += "\n" + cell.source
        elif exercise_id is None:
            cells.append(new_code_cell(cell.source, metadata=cell.metadata))
        else:
            exercise = _declared(declared, exercise_id, module)
            answered.append(exercise_id)
            cells += [_answer(exercise, cell), _test(exercise)]
    if announced != answered or answered != list(declared):
        raise SpeedrunError(
            f"{module.text_path.name}: each exercise needs an @exercise line, an answer cell and a "
            f"declaration, all in one order. Announced: {announced}; answered: {answered}; "
            f"declared: {list(declared)}."
        )
    _number(cells)
    notebook: NotebookNode = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "speedrun": {"module": module.id},
        },
    )
    return notebook


def _as_it_is(text: str) -> Callable[[re.Match[str]], str]:
    """A replacement for `re.sub` that inserts this text literally, backslashes included."""
    return lambda _: text


def _declared(declared: dict[str, Exercise], name: str, module: course.Module) -> Exercise:
    if name not in declared:
        raise SpeedrunError(f"{module.text_path.name}: no exercise {name!r} is declared.")
    return declared[name]


def _header(module: course.Module) -> NotebookNode:
    path = f"curriculum/{module.id}/{module.id}.ipynb"
    address = course.repository().removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{address}/blob/main/{path}"
    number = module.id.partition("_")[0]
    objectives = "\n".join(f"- {objective}" for objective in module.objectives)
    beside = ""
    if module.resource:
        title, author, url = (module.resource[key] for key in ("title", "author", "url"))
        beside = f"Beside it: [{title}]({url}), {author}. This notebook also stands alone.\n\n"
    exercises = sum(not exercise.bonus for exercise in module.exercises)
    graded = f"{count(exercises, 'exercise')}, {count(module.points, 'point')}"
    text = (
        f"# {number} · {module.title}\n\n"
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})\n\n"
        f"**{module.summary}**\n\n"
        f"About {module.minutes} minutes, {graded if exercises else 'nothing graded'}. {beside}"
        f"You will\n\n{objectives}"
    )
    cell: NotebookNode = new_markdown_cell(text.rstrip())
    return cell


def _setup() -> NotebookNode:
    source = (
        "# Run this cell first. Where the course is not installed (in Colab), it installs it.\n"
        "try:\n"
        "    import autograder\n"
        "except ImportError:\n"
        f"    %pip install --quiet git+{course.repository()}\n"
        "\n"
        "from autograder import check, hint, solution, status"
    )
    cell: NotebookNode = new_code_cell(source)
    return cell


def _heading(exercise: Exercise) -> str:
    kind = "Bonus" if exercise.bonus else "Exercise"
    return (
        f"### {kind}: {exercise.title}\n\n"
        f"*{kind} · {count(exercise.points, 'point')} · "
        f"about {count(exercise.minutes, 'minute')} · difficulty {exercise.difficulty} of 5 · "
        f"`{exercise.id}`*"
    )


def _options(exercise: Exercise) -> str:
    return "\n".join(f"- **{letter}** {text}" for letter, text in exercise.options.items())


def _answer(exercise: Exercise, cell: NotebookNode) -> NotebookNode:
    graded = {
        "grade": bool(exercise.rubric),  # by hand
        "grade_id": exercise.id,
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    if exercise.rubric:
        graded["points"] = exercise.points
    answer: NotebookNode = new_code_cell(
        cell.source, metadata={**cell.metadata, "nbgrader": graded}
    )
    return answer


def _test(exercise: Exercise) -> NotebookNode:
    graded = {
        "grade": not exercise.rubric,
        "grade_id": exercise.check_id,
        "locked": True,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    if not exercise.rubric:
        graded["points"] = exercise.points
    # What such a check keeps includes the time, so its output changes from run to run.
    tags = {"tags": ["nbval-ignore-output"]} if exercise.keep else {}
    cell: NotebookNode = new_code_cell(test_source(exercise), metadata={**tags, "nbgrader": graded})
    return cell


def test_source(exercise: Exercise) -> str:
    """The one line of an exercise's test cell."""
    return f"check.{exercise.id}({', '.join(exercise.takes)})"


def _number(cells: list[NotebookNode]) -> None:
    """Give every cell an id that depends only on its own content."""
    taken: set[str] = set()
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        name = name or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        while name in taken:
            name += "x"
        taken.add(name)
        cell["id"] = name[:64]


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook in nbformat's canonical form."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
