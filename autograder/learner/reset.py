"""Restore a notebook, or one exercise of it, and keep what was there as a backup."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder import course
from autograder.core.exercise import Exercise
from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.learner import cells
from autograder.learner.copy import copy_one
from autograder.learner.folder import Folder, must_be_writable, released


@dataclass(frozen=True)
class Reset:
    """What a reset did: whether anything changed, and where the old notebook is kept."""

    changed: bool
    backup: Path | None = None


def reset(folder: Folder, module: course.Module) -> Reset:
    """Restore the newest release of a module."""
    path, data = folder.notebook(module), released(module)
    if not path.exists():
        copy_one(folder, module)
        return Reset(True)
    if path.read_bytes() == data:
        return Reset(False)
    must_be_writable(path)
    backup = folder.back_up(module)
    write_atomically(path, data)
    write_atomically(folder.pristine(module), data)
    return Reset(True, backup)


def reset_exercise(folder: Folder, module: course.Module, exercise: Exercise) -> Reset:
    """Restore one exercise's answer cell and test cell; leave the rest as it is."""
    if exercise not in module.exercises:
        raise SpeedrunError(
            f"{exercise.id} is no exercise of {module.id}. Its exercises are: "
            + ", ".join(e.id for e in module.exercises)
        )
    path = folder.notebook(module)
    if not path.exists():
        copy_one(folder, module)
        return Reset(True)
    mine, original = cells.read(path), _original(folder, module, exercise)
    before = cells.text_of(mine)
    for grade_id in (exercise.id, exercise.check_id):
        _restore(mine, original, grade_id)
    if cells.text_of(mine) == before:
        return Reset(False)
    must_be_writable(path)
    backup = folder.back_up(module)
    write_atomically(path, cells.text_of(mine))
    return Reset(True, backup)


def _original(folder: Folder, module: course.Module, exercise: Exercise) -> NotebookNode:
    """The notebook to restore from: the learner's own version if that has the exercise."""
    path = folder.pristine(module)
    if path.is_file():
        pristine = cells.read(path)
        if any(cells.answer_id(cell) == exercise.id for cell in pristine.cells):
            return pristine
    return cells.parse(released(module), str(module.release_path))


def _restore(mine: NotebookNode, original: NotebookNode, grade_id: str) -> None:
    """Put the original cell of `grade_id` where the learner's is, or where it belongs."""
    order = [cells.grading(cell).get("grade_id") or cell.id for cell in original.cells]
    place = order.index(grade_id)
    restored = copy.deepcopy(original.cells[place])
    found = [
        i for i, cell in enumerate(mine.cells) if cells.grading(cell).get("grade_id") == grade_id
    ]
    others = {cell.id for i, cell in enumerate(mine.cells) if i not in found[:1]}
    restored["id"] = cells.free_id(mine.cells[found[0]].id if found else restored.id, others)
    if found:
        mine.cells[found[0]] = restored
        for again in found[1:]:
            cells.make_ordinary(mine.cells[again])
        return
    names = [cells.grading(cell).get("grade_id") or cell.id for cell in mine.cells]
    before = next((name for name in reversed(order[:place]) if name in names), None)
    mine.cells.insert(0 if before is None else names.index(before) + 1, restored)
