"""Update a notebook to a newer version, and carry over everything that the learner wrote."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder import course
from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.learner import cells
from autograder.learner.cells import Damaged, answer_id, grading, make_ordinary, same_text
from autograder.learner.folder import Folder, must_be_writable, released

KEPT = "## Kept from your earlier version"


@dataclass
class Changes:
    """What an update did; `answers` and `vanished` are exercise ids, the others count cells."""

    updated: bool = False
    answers: list[str] = field(default_factory=list)
    added: int = 0
    edited: int = 0
    vanished: list[str] = field(default_factory=list)
    backup: Path | None = None

    def lines(self) -> list[str]:
        """The changes in words, for the learner."""
        said = []
        if self.answers:
            said.append(f"your answers are in it: {', '.join(self.answers)}")
        if self.added:
            said.append(f"{_cells(self.added)} that you added {_are(self.added)} in place")
        if self.edited:
            said.append(
                f"{_cells(self.edited)} that you edited {_are(self.edited)} kept after the new text"
            )
        if self.vanished:
            names = ", ".join(self.vanished)
            said.append(f"no longer an exercise, kept at the end of the notebook: {names}")
        return said


def update(folder: Folder, module: course.Module) -> Changes:
    """Update the learner's notebook of a module to the newest release.

    A damaged file is backed up and left alone: `Damaged` says where, and what to do. If this is
    interrupted, the notebook is the old one or the new one, and the next call finishes the update.
    """
    path, data = folder.notebook(module), released(module)
    if not path.exists():
        raise SpeedrunError(f"{module.id} is not in {folder.path}: `speedrun lab` copies it.")
    try:
        mine = cells.read(path)
    except Damaged as error:
        backup = folder.back_up(module)
        raise Damaged(
            f"{error} A copy is kept in {folder.shown(backup)}. "
            f"`speedrun reset {module.id}` starts the notebook afresh."
        ) from None
    if _bytes(folder.pristine(module)) == data:
        return Changes()
    must_be_writable(path)
    new = cells.parse(data, str(module.release_path))
    base = _base(folder.pristine(module))
    merged, changes = merge(mine, new, base)
    text = cells.text_of(merged).encode()
    if text != path.read_bytes():
        changes.backup = folder.back_up(module)
        write_atomically(path, text)
    write_atomically(folder.pristine(module), data)
    return changes


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _base(path: Path) -> NotebookNode | None:
    try:
        return cells.read(path) if path.is_file() else None
    except Damaged:
        return None


def merge(
    mine: NotebookNode, new: NotebookNode, base: NotebookNode | None = None
) -> tuple[NotebookNode, Changes]:
    """The newest release with everything that the learner wrote, and what was carried over.

    `base` is the release that `mine` started from. Without it, anything that is not in `new` counts
    as the learner's own.
    """
    return _Merge(mine, new, base).result()


class _Merge:
    """One merge: the cells of `new` in order, with the learner's between them."""

    def __init__(self, mine: NotebookNode, new: NotebookNode, base: NotebookNode | None) -> None:
        self.mine, self.new = mine, copy.deepcopy(new)
        self.base = base.cells if base is not None else []
        self.changes = Changes(updated=True)
        self.after: dict[int, list[NotebookNode]] = {}
        self.at_end: list[NotebookNode] = []
        self.taken = {cell.id for cell in self.new.cells}
        self.places = {_key(cell): i for i, cell in enumerate(self.new.cells)}
        self.successor = _successors(self.base, self.new.cells)
        self.used_new: set[int] = set()
        self.used_base: set[int] = set()

    def result(self) -> tuple[NotebookNode, Changes]:
        """Go through the learner's cells in order, and put each one in its place."""
        place = -1
        for cell in self.mine.cells:
            place = self._sort_in(cell, place)
        merged = list(self.after.get(-1, []))
        for index, cell in enumerate(self.new.cells):
            merged += [cell, *self.after.get(index, [])]
        if self.at_end and not any(cell.source.strip() == KEPT for cell in merged):
            heading = new_markdown_cell(KEPT)
            heading["id"] = cells.free_id("kept", self.taken)
            merged.append(heading)
        self.new.cells = merged + self.at_end
        for key in ("kernelspec", "language_info"):
            if isinstance(self.mine.metadata.get(key), dict):
                self.new.metadata[key] = self.mine.metadata[key]
        return self.new, self.changes

    def _sort_in(self, cell: NotebookNode, place: int) -> int:
        """Put one of the learner's cells where it belongs; return its place in `new`."""
        at_new = self._find(cell, self.new.cells, self.used_new)
        at_base = self._find(cell, self.base, self.used_base)
        there = at_new if at_new is not None else self.successor.get(at_base)
        untouched = any(
            same_text(cell, known)
            for known in (_at(self.new.cells, at_new), _at(self.base, at_base))
        )
        answer = answer_id(cell)
        if untouched:
            if same_text(cell, _at(self.new.cells, at_new)):
                _carry_outputs(cell, self.new.cells[at_new])
        elif answer and at_new is not None:
            self.new.cells[at_new].source = cell.source
            _carry_outputs(cell, self.new.cells[at_new])
            self.changes.answers.append(answer)
        elif answer and (at_base is not None or not self._repeated(answer)):
            self.at_end.append(self._own(cell, f"kept-{answer}"))
            self.changes.vanished.append(answer)
        elif at_new is None and at_base is None:
            self._add(cell, place, cell.id)
            self.changes.added += 1
        else:
            digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
            place = place if there is None else there
            self._add(cell, place, f"kept-{digest}")
            self.changes.edited += 1
        return place if there is None else there

    def _add(self, cell: NotebookNode, place: int, name: str) -> None:
        self.after.setdefault(place, []).append(self._own(cell, name))

    def _own(self, cell: NotebookNode, name: str) -> NotebookNode:
        """The learner's cell as an ordinary one, with an unused id."""
        own = copy.deepcopy(cell)
        make_ordinary(own)
        own["id"] = cells.free_id(name, self.taken)
        self.taken.add(own["id"])
        return own

    def _repeated(self, answer: str) -> bool:
        """Whether this answer already has a cell (a copied cell keeps its id)."""
        return ("grade_id", answer) in self.places or answer in self.changes.vanished

    @staticmethod
    def _find(cell: NotebookNode, known: list[NotebookNode], used: set[int]) -> int | None:
        """The index in `known` of the cell that this one came from; each is matched only once.

        Match by `grade_id`, then by cell id, then (for editors that drop ids) by text.
        """
        graded = grading(cell).get("grade_id")
        candidates: Iterable[int]
        if graded:
            candidates = (i for i, k in enumerate(known) if grading(k).get("grade_id") == graded)
        else:
            same_id = [i for i, k in enumerate(known) if k.id == cell.id and not grading(k)]
            same = [i for i, k in enumerate(known) if same_text(cell, k) and not grading(k)]
            candidates = same_id + same
        found = next((i for i in candidates if i not in used), None)
        if found is not None:
            used.add(found)
        return found


def _successors(base: list[NotebookNode], new: list[NotebookNode]) -> dict[int | None, int]:
    """For each cell of `base`, the place in `new` of the cell that replaced it."""
    matcher = SequenceMatcher(
        a=[_key(cell) for cell in base], b=[_key(cell) for cell in new], autojunk=False
    )
    found: dict[int | None, int] = {}
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind in ("equal", "replace"):
            found |= {a: b1 + min(a - a1, b2 - b1 - 1) for a in range(a1, a2)}
            found[a2 - 1] = b2 - 1
    return found


def _key(cell: NotebookNode) -> tuple[str, str]:
    graded = grading(cell).get("grade_id")
    return ("grade_id", graded) if graded else ("id", cell.id)


def _at(known: list[NotebookNode], index: int | None) -> NotebookNode | None:
    return None if index is None else known[index]


def _carry_outputs(cell: NotebookNode, new: NotebookNode) -> None:
    if cell.cell_type == new.cell_type == "code":
        new["outputs"], new["execution_count"] = cell.outputs, cell.execution_count


def _cells(count: int) -> str:
    return f"{count} cell{'s' if count > 1 else ''}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
