"""Grading: run a saved notebook afresh on secret inputs, and judge it outside its kernel.

::

    from autograder.grade import grade
    reports = grade(["micrograd"], Path("work"))
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import course
from autograder.errors import SpeedrunError
from autograder.grade.report import Report
from autograder.notebook import progress

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Limits", "Report", "grade"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long things may take.

    `cell`, and `test`, which caps the exercises' own limits, are in seconds of CPU time; `notebook`
    is in seconds of wall-clock time.
    """

    cell: float = 180
    notebook: float = 3600
    test: float | None = None


def grade(
    targets: Iterable[str | Path],
    folder: Path,
    on_progress: Callable[[str], None] = lambda line: None,
    limits: Limits | None = None,
) -> list[Report]:
    """Grade notebooks: each target is a path, or a module whose notebook is in `folder`.

    The gradebook row, the feedback page and the progress go into `folder`. A problem with a
    submission is in its report; a `SpeedrunError` is about the machine or an unknown name.
    """
    try:
        import nbgrader.preprocessors  # noqa: F401
    except ImportError:
        raise SpeedrunError(
            "The grader is not installed: `pip install 'ml-speedrun[lab]'` brings it."
        ) from None
    folder = Path(folder).resolve()
    found = [_file(str(target), folder) for target in targets]
    reports = []
    for (path, module), target in zip(found, targets, strict=True):
        on_progress(f"{module.id if module else path.name}: grading")
        reports.append(_graded(path, module, str(target), folder, limits or Limits(), on_progress))
    return reports


def _file(target: str, folder: Path) -> tuple[Path, course.Module | None]:
    """The file of a target, and its module if the target named one."""
    path = Path(target)
    if path.is_file():
        return path, None
    if path.is_dir():
        raise SpeedrunError(f"{target} is a folder: name a notebook in it, or a module.")
    if path.suffix or len(path.parts) > 1:
        raise SpeedrunError(f"There is no file {target}.")
    module = course.module(target)
    saved = folder / module.id / f"{module.id}.ipynb"
    if not saved.is_file():
        raise SpeedrunError(
            f"{module.id} is not in {folder}: `speedrun lab {module.id}` puts it there."
        )
    return saved, module


def _graded(
    path: Path,
    module: course.Module | None,
    target: str,
    folder: Path,
    limits: Limits,
    on_progress: Callable[[str], None],
) -> Report:
    from autograder.grade import gradebook
    from autograder.grade.gate import Malformed, module_of, read, rebuild
    from autograder.grade.nbgrader_plugin import master_of

    try:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Malformed(f"The file can't be read: {error.strerror}.") from None
        notebook, notes = read(data)
        module = module or module_of(notebook, path.name)
        if not module.exercises:
            raise SpeedrunError(f"Nothing in {module.id} is graded: it is only to read.")
        gated = rebuild(notebook, master_of(module), module)
    except Malformed as error:
        name = module.id if module else None
        most = module.points if module else None
        return Report(
            target=target, module=name, verdict="malformed", max_score=most, notes=[str(error)]
        )
    notes = (*notes, *gated.notes)
    say = functools.partial(_say, on_progress, module)
    judged = run(gated.notebook, module, limits, say)
    exercises = [cell.metadata["speedrun"] for cell in judged.cells if "speedrun" in cell.metadata]
    fields = ("exercise", "outcome", "points", "max_points", "message")
    results = [{key.replace("exercise", "id"): item[key] for key in fields} for item in exercises]
    page, odd = gradebook.record(judged, module, folder)
    try:
        with progress.updating(folder) as record:
            for item in results:
                progress.note_grade(record, item["id"], item["outcome"], item["points"])
    except OSError as error:
        odd.append(f"Your progress could not be saved: {error}.")
    return Report(
        target=target,
        module=module.id,
        verdict=judged.metadata["speedrun"]["verdict"],
        score=sum(item["points"] for item in results),
        max_score=sum(item["max_points"] for item in results),
        exercises=results,
        notes=[*notes, *judged.metadata["speedrun"]["notes"], *odd],
        feedback=page,
    )


def _say(on_progress: Callable[[str], None], module: course.Module, name: str) -> None:
    names = [exercise.id for exercise in module.exercises]
    on_progress(f"{module.id}: {name} ({names.index(name) + 1} of {len(names)})")


def run(
    notebook: NotebookNode,
    module: course.Module,
    limits: Limits,
    on_test: Callable[[str], None] | None = None,
) -> NotebookNode:
    """Execute and judge a canonical notebook: results go into its test cells, none to disk."""
    from nbgrader.preprocessors import LimitOutput

    from autograder.grade.execute import ExecuteTests
    from autograder.grade.nbgrader_plugin import Judge

    execute = ExecuteTests(
        cell_limit=limits.cell, notebook_limit=limits.notebook, test_limit=limits.test
    )
    execute.on_test = on_test
    execute.log.setLevel("CRITICAL")
    names = {"notebook": module.id, "assignment": module.id}
    resources: dict[str, Any] = {"metadata": {}, "nbgrader": names}
    for step in (execute, LimitOutput(), Judge()):
        notebook, resources = step.preprocess(notebook, resources)
    return notebook
