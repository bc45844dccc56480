"""Read a notebook that may be damaged, and tell its cells apart."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.errors import SpeedrunError


class Damaged(SpeedrunError):
    """A file that doesn't contain a notebook."""


def read(path: Path) -> NotebookNode:
    """The notebook in a file; raises `Damaged` if there is none."""
    return parse(path.read_bytes(), str(path))


def parse(data: bytes, name: str) -> NotebookNode:
    """The notebook in `data`, in the current format: old ones are converted, a BOM is ignored."""
    try:
        stored = json.loads(data)
        if not isinstance(stored, dict):
            raise ValueError("not an object")
        with _quietly():
            notebook = nbformat.reads(json.dumps(stored), as_version=4)
        return _repaired(notebook)
    except RecursionError:
        raise Damaged(f"{name} is no notebook: it is nested too deeply.") from None
    except Exception as error:  # nbformat's converters raise anything on wrong types
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Damaged(f"{name} is damaged and can't be read as a notebook ({reason}).") from None


def _repaired(notebook: NotebookNode) -> NotebookNode:
    if not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no list of cells")
    taken: set[str] = set()
    for cell in notebook.cells:
        if cell.get("cell_type") not in ("code", "markdown", "raw"):
            raise ValueError("a cell is of no known type")
        if not isinstance(cell.get("source"), str):
            raise ValueError("a cell has no text")
        if not isinstance(cell.get("metadata"), dict):
            cell["metadata"] = NotebookNode()
        if cell.cell_type == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
        cell["id"] = free_id(str(cell.get("id") or "cell"), taken)
        taken.add(cell["id"])
    return notebook


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silence nbformat's remarks about what it repairs."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def free_id(wanted: str, taken: set[str]) -> str:
    """A cell id like `wanted` that is not taken."""
    wanted, number = re.sub(r"[^A-Za-z0-9_-]", "-", wanted)[:60], 1
    found = wanted
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    return found


def text_of(notebook: NotebookNode) -> str:
    """The text of a notebook's file."""
    with _quietly():
        text: str = nbformat.writes(notebook)
        return text + "\n"


def grading(cell: NotebookNode) -> dict[str, Any]:
    """The cell's nbgrader metadata; empty if it has none."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) and isinstance(found.get("grade_id"), str) else {}


def answer_id(cell: NotebookNode) -> str | None:
    """The `grade_id` of an answer cell; None for every other cell."""
    return grading(cell)["grade_id"] if grading(cell).get("solution") else None


def same_text(one: NotebookNode | None, other: NotebookNode | None) -> bool:
    """Whether two cells have the same text, apart from trailing spaces."""
    if one is None or other is None:
        return False
    return one.cell_type == other.cell_type and _lines(one) == _lines(other)


def _lines(cell: NotebookNode) -> list[str]:
    return [line.rstrip() for line in cell.source.strip().splitlines()]


def make_ordinary(cell: NotebookNode) -> None:
    """Turn a graded cell into an ordinary one of the learner's own."""
    for key in ("nbgrader", "deletable", "editable"):
        cell.metadata.pop(key, None)
