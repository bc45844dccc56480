"""The front gate: a submission's bytes in, a canonical notebook out.

The notebook is rebuilt from the master (the module's release). Of the submission only sources are
taken: those of the learner's answer cells, by `grade_id`, and of the cells that they added, in
their place. Metadata, outputs, test cells and the course's own cells come from the master.
What was repaired is noted; what can't be is `Malformed`.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder import course
from autograder.errors import SpeedrunError
from autograder.exercises import module_of as by_exercise

LARGEST = 100_000_000
TEXT_CELLS = ("markdown", "raw", "heading")


class Malformed(SpeedrunError):
    """A submission that can't be graded; the text says why."""


@dataclass(frozen=True)
class Gated:
    """A canonical notebook, and one line for each thing that was repaired on the way."""

    notebook: NotebookNode
    notes: tuple[str, ...]


@dataclass
class Cell:
    """What is read of a submitted cell; `name` is its grade_id or its id, where it has one."""

    kind: str
    source: str
    name: str | None = None
    graded: bool = False


def gate(data: bytes, master: NotebookNode, module: course.Module) -> Gated:
    """Rebuild a submission of `module` from `master`; raises `Malformed`."""
    notebook, notes = read(data)
    rebuilt = rebuild(notebook, master, module)
    return Gated(rebuilt.notebook, (*notes, *rebuilt.notes))


def read(data: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Parse a notebook file of any encoding and format that is still about; raises `Malformed`.

    Returns the notebook as it stands, with its cells under "cells", and the notes.
    """
    notes = []
    if not data.strip():
        raise Malformed("The file is empty.")
    if len(data) > LARGEST:
        raise Malformed(
            f"The file is larger than {LARGEST // 1_000_000} MB: clear its outputs and save it."
        )
    text, note = _decoded(data)
    notes += note
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "<<<<<<<" in text:
            raise Malformed("It has git's conflict marks in it: resolve the conflict.") from None
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed(f"It is no notebook, or only a part of one: not JSON{where}.") from None
    if isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        notebook["cells"] = [cell for sheet in sheets for cell in _listed(sheet.get("cells"))]
        notes.append(f"It was in the old format {notebook.get('nbformat', 3)}: converted.")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Malformed("It is JSON, but not a notebook: it has no cells.")
    return notebook, tuple(notes)


def _decoded(data: bytes) -> tuple[str, list[str]]:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            note = ["It was saved as UTF-16: read all the same."]
            return _decode(data, encoding), note
    if data.startswith(b"\xef\xbb\xbf"):
        return _decode(data, "utf-8-sig"), ["It began with a byte order mark: removed."]
    for encoding, start in (("utf-16-le", b"{\x00"), ("utf-16-be", b"\x00{")):
        if data.lstrip(b" \r\n\t").startswith(start):
            return _decode(data, encoding), ["It was saved as UTF-16: read all the same."]
    return _decode(data, "utf-8"), []


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Malformed("It is no notebook: its bytes are not text in UTF-8.") from None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def module_of(notebook: dict[str, Any], file_name: str = "") -> course.Module:
    """The module of a notebook: by its metadata, its grade_ids, or its file name.

    Raises `Malformed` where none of them tells.
    """
    known = {module.id: module for module in course.written()}
    named = _dict(_dict(notebook.get("metadata")).get("speedrun")).get("module")
    if isinstance(named, str) and named in known:
        return known[named]
    found = Counter(
        module_id
        for cell in map(_cell, notebook.get("cells", []))
        if cell is not None
        and (module_id := by_exercise().get((cell.name or "").removeprefix("check_"))) is not None
    )
    if found:
        return known[found.most_common(1)[0][0]]
    stem = PurePath(file_name).stem
    for name, module in known.items():
        if stem.startswith(name):
            return module
    raise Malformed(
        "It is no notebook of this course: nothing in it belongs to one of its modules."
    )


def rebuild(notebook: dict[str, Any], master: NotebookNode, module: course.Module) -> Gated:
    """Rebuild a parsed notebook from `master`; raises `Malformed` where it is of no use."""
    cells = [cell for cell in map(_cell, notebook.get("cells", [])) if cell is not None]
    answers = [exercise.id for exercise in module.exercises]
    tests = {exercise.check_id: exercise.id for exercise in module.exercises}
    stubs = {cell.id: cell.source for cell in master.cells}
    notes = _recognise(cells, stubs, tests)
    named = _dict(_dict(notebook.get("metadata")).get("speedrun")).get("module")
    if named != module.id and not any(c.name in answers or c.name in tests for c in cells):
        raise Malformed(f"Nothing in it belongs to {module.id}.")

    chosen: dict[str, str] = {}
    for name in answers:
        source, found = _answer(name, cells, stubs[name])
        notes += found
        if source is not None:
            chosen[name] = source
    notes += _tests(cells, stubs, tests)
    notes += _course_cells(cells, stubs, {*answers, *tests})

    built: list[NotebookNode] = []
    added = _added(cells, stubs)
    built += added.pop(None, [])
    for original in master.cells:
        cell = copy.deepcopy(original)
        cell.source = chosen.get(cell.id, cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        built += [cell, *added.pop(cell.id, [])]
    for number, cell in enumerate((c for c in built if c.id.startswith("added-")), start=1):
        cell.id = f"added-{number}"
    result = copy.deepcopy(master)
    result.cells = built
    published = _published(notebook, module)
    if published:
        result.metadata.setdefault("speedrun", NotebookNode())["published"] = published
    return Gated(result, tuple(notes))


def _published(notebook: dict[str, Any], module: course.Module) -> dict[str, Any]:
    """What the module's checks published in a submission's outputs: the last of each MIME type.

    Where there are no outputs, it is what an earlier pass of the gate left in the metadata.
    """
    cells = _listed(notebook.get("cells"))
    outputs = [out for cell in cells for out in _listed(_dict(cell).get("outputs"))]
    kept = _dict(_dict(_dict(notebook.get("metadata")).get("speedrun")).get("published"))
    kinds = [exercise.publishes for exercise in module.exercises if exercise.publishes]
    found = {}
    for mime, read in {kind.mime: kind.read for kind in kinds}.items():
        given = [kept.get(mime), *(_dict(_dict(out).get("data")).get(mime) for out in outputs)]
        facts = [fact for fact in map(read, given) if fact]
        if facts:
            found[mime] = facts[-1]
    return found


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cell(raw: Any) -> Cell | None:
    """Read one submitted cell of any nbformat; None for what is no cell."""
    if not isinstance(raw, dict):
        return None
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return None
    source = source.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    kind = "text" if raw.get("cell_type") in TEXT_CELLS else "code"
    grade_id = _dict(_dict(raw.get("metadata")).get("nbgrader")).get("grade_id")
    if isinstance(grade_id, str) and grade_id:
        return Cell(kind, source, grade_id, True)
    name = raw.get("id")
    return Cell(kind, source, name if isinstance(name, str) and name else None)


def _recognise(cells: list[Cell], stubs: dict[str, str], tests: dict[str, str]) -> list[str]:
    """Name the cells whose metadata was lost, by their text or by the test that follows."""
    notes = []
    by_source = {source.strip(): name for name, source in stubs.items()}
    seen = {cell.name for cell in cells}
    for cell in cells:
        known = by_source.get(cell.source.strip())
        if cell.name not in stubs and known is not None and known not in seen:
            cell.name = known
            seen.add(known)
    for position, cell in enumerate(cells):
        answer = tests.get(cell.name or "")
        if answer is None or answer in seen:
            continue
        for before in reversed(cells[:position]):
            if before.name in stubs:
                break
            if before.kind == "code":
                before.name = answer
                seen.add(answer)
                notes.append(f"The answer to `{answer}` had lost its id: recognised by its place.")
                break
    stripped = [c.name for c in cells if c.name in stubs and not c.graded and c.kind == "code"]
    if any(name in tests or name in tests.values() for name in stripped):
        notes.append("nbgrader's metadata was missing from some cells: restored.")
    return notes


def _answer(name: str, cells: list[Cell], stub: str) -> tuple[str | None, list[str]]:
    """The source of one answer (None: the stub stands), and what was odd about it.

    Of several copies the last one with an answer in it counts; others with an answer of their own
    (the first half of a cell that was split) stay as cells that the learner added.
    """
    copies = [cell for cell in cells if cell.name == name]
    if not copies:
        return None, [f"The answer cell of `{name}` was missing: the untouched one stands in."]
    notes = []
    written = [cell for cell in copies if cell.source.strip() not in ("", stub.strip())]
    taken = (written or copies)[-1]
    if len(copies) > 1:
        notes.append(f"There were {len(copies)} answer cells of `{name}`: the last answer counts.")
    if taken.kind != "code":
        notes.append(f"The answer to `{name}` stood in a text cell: read as code.")
    for cell in written:
        if cell is not taken and cell.source != taken.source:
            cell.name = None
    return taken.source, notes


def _tests(cells: list[Cell], stubs: dict[str, str], tests: dict[str, str]) -> list[str]:
    notes = []
    for test, answer in tests.items():
        copies = [cell for cell in cells if cell.name == test]
        if not copies:
            notes.append(f"The test cell of `{answer}` was missing: restored.")
        elif len(copies) > 1:
            notes.append(f"There were {len(copies)} test cells of `{answer}`: one was kept.")
        if any(cell.source.strip() != stubs[test].strip() for cell in copies):
            notes.append(f"The test cell of `{answer}` was edited: restored.")
    return notes


def _course_cells(cells: list[Cell], stubs: dict[str, str], graded: set[str]) -> list[str]:
    """A note where the learner changed code of the course's own: the original is run."""
    changed = [
        cell
        for cell in cells
        if cell.kind == "code"
        and cell.name in stubs
        and cell.name not in graded
        and cell.source.strip() != stubs[cell.name].strip()
    ]
    if not changed:
        return []
    first = next((line.strip() for line in changed[0].source.splitlines() if line.strip()), "")
    which = f"`{first[:50]}`" + (f" and {len(changed) - 1} more" if len(changed) > 1 else "")
    return [
        f"Cells of the course were changed ({which}): the originals were run. "
        "Code that your answers need belongs in their cells, or in cells that you add."
    ]


def _added(cells: list[Cell], stubs: dict[str, str]) -> dict[str | None, list[NotebookNode]]:
    """The learner's own cells, by the id of the master's cell that they follow."""
    added: dict[str | None, list[NotebookNode]] = {}
    after = None
    for position, cell in enumerate(cells):
        if cell.name in stubs:
            after = cell.name
        elif cell.source.strip():
            name = f"added-{position}"
            code = cell.kind == "code"
            added.setdefault(after, []).append(
                new_code_cell(cell.source, id=name)
                if code
                else new_markdown_cell(cell.source, id=name)
            )
    return added
