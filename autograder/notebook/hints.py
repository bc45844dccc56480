"""The three hints of an exercise, and its solution once it is open."""

from __future__ import annotations

import json
from pathlib import Path

from autograder import course
from autograder.core.exercise import Exercise
from autograder.errors import SpeedrunError
from autograder.exercises import module_of
from autograder.notebook import progress
from autograder.notebook.cards import Card, count, note_card


def hint_card(name: str, folder: Path | None = None) -> Card:
    """The next hint of an exercise, which the progress in `folder` then counts as taken."""
    exercise = course.exercise(name)
    with progress.updating(folder) as record:
        known = progress.entry(record, exercise.id)
        step = min(known["hints"] + 1, len(exercise.hints))
        known["hints"] = step
    text = exercise.hints[step - 1]
    return note_card(f"Hint {step} of {len(exercise.hints)}", exercise.title, text)


def solution_card(name: str, folder: Path | None = None) -> tuple[Card, bool]:
    """An exercise's solution and True, or what is still to do before it opens, and False."""
    exercise = course.exercise(name)
    known = progress.load(folder)["exercises"].get(exercise.id, {})
    tries, passed = known.get("tries", 0), known.get("outcome") == "passed"
    if not passed and tries < progress.TRIES_BEFORE_SOLUTION:
        left = progress.TRIES_BEFORE_SOLUTION - tries
        text = (
            f"It opens when the check passes, or after {count(left, 'more real try')}. "
            "A try is real when the answer is another than the last one.\n\n"
            f'`hint("{exercise.id}")` gives the next step.'
        )
        return note_card("Solution closed", exercise.title, text), False
    text = (
        "One way to write it. Yours may differ and be as good.\n\n"
        f"```python\n{solution_source(exercise)}\n```"
    )
    return note_card("Solution", exercise.title, text), True


def solution_source(exercise: Exercise) -> str:
    """The solution cell of an exercise, from the built source notebook, without its marks."""
    path = course.module(module_of()[exercise.id]).source_path
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpeedrunError("The solutions are not installed with this copy.") from None
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == exercise.id:
            lines = "".join(cell["source"]).splitlines()
            return "\n".join(
                line for line in lines if "## BEGIN SOL" not in line and "## END SOL" not in line
            )
    raise SpeedrunError(f"No solution of {exercise.id!r} is in {path.name}.")
