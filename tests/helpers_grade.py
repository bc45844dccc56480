"""Submissions for the tests of the grader: solved, untouched, and with cells as a test wants."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder import course
from autograder.notebook.hints import solution_source

START = course.module("00_start_here")
RIGHT = "def mean_square(numbers):\n    return sum(n * n for n in numbers) / len(numbers)"
WRONG = "def mean_square(numbers):\n    return sum(n * n for n in numbers)"


def release(module: course.Module = START) -> NotebookNode:
    """The module's release, as a learner gets it."""
    return nbformat.read(module.release_path, as_version=4)


def solved(module: course.Module = START) -> NotebookNode:
    """A learner's copy with the course's solution in every answer cell."""
    notebook = release(module)
    for exercise in module.exercises:
        cell(notebook, exercise.id).source = solution_source(exercise)
    return notebook


def answered(source: str, before: str = "", after: str = "") -> NotebookNode:
    """A copy of 00_start_here with this answer, and cells of the learner's around it."""
    notebook = release()
    cell(notebook, "mean_square").source = source
    place = notebook.cells.index(cell(notebook, "mean_square"))
    if after:
        notebook.cells.insert(place + 1, new_code_cell(after))
    if before:
        notebook.cells.insert(place, new_code_cell(before))
    return notebook


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell of this id."""
    return next(found for found in notebook.cells if found.id == name)


def position(notebook: NotebookNode, name: str) -> int:
    """The index of the cell of this id."""
    return next(i for i, found in enumerate(notebook.cells) if found.id == name)


def plain(notebook: NotebookNode) -> dict:
    """The notebook as the JSON in its file."""
    return json.loads(nbformat.writes(copy.deepcopy(notebook)))


def as_bytes(notebook: NotebookNode | dict) -> bytes:
    """The notebook as the bytes of its file."""
    return json.dumps(notebook).encode()


def save(notebook: NotebookNode, folder: Path, name: str = "00_start_here.ipynb") -> Path:
    """Write a notebook into a folder, as it is, valid or not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(as_bytes(notebook))
    return path
