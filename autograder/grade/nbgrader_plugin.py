"""The grading pipeline as nbgrader preprocessors, for stock `nbgrader autograde` and for ours.

In nbgrader_config.py::

    c.Autograde.exporter_class = RepairingExporter
    c.Autograde.sanitize_preprocessors = sanitize_preprocessors()
    c.Autograde.autograde_preprocessors = autograde_preprocessors()

Notebooks that don't belong to this course are graded as nbgrader would grade them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, SaveAutoGrades

from autograder import course
from autograder.core.outcome import Outcome, Result
from autograder.grade.execute import ExecuteTests
from autograder.grade.gate import gate, rebuild
from autograder.grade.testcell import Test, grade_id, module_named
from autograder.grade.verdict import Unjudged, result_of
from autograder.notebook.cards import MARKS, WORDS, count, result_card
from autograder.notebook.grader_card import grader_card


def sanitize_preprocessors() -> list[type]:
    """nbgrader's own list, with the gate in front."""
    return [Gate, *Autograde.class_traits()["sanitize_preprocessors"].default()]


def autograde_preprocessors() -> list[type]:
    """nbgrader's own list, with our execution in place of its own, and the judge before saving."""
    chosen: list[type] = []
    for preprocessor in Autograde.class_traits()["autograde_preprocessors"].default():
        if preprocessor is SaveAutoGrades:
            chosen.append(Judge)
        chosen.append(ExecuteTests if preprocessor is Execute else preprocessor)
    return chosen


def master_of(module: course.Module) -> NotebookNode:
    """The release of a module: what its submissions are rebuilt from."""
    master: NotebookNode = nbformat.read(module.release_path, as_version=4)
    return master


class RepairingExporter(NotebookExporter):
    """Reads files that nbformat rejects (for a byte order mark, say) through the gate."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read and export a notebook file."""
        module = module_named(Path(filename).stem)
        if module is None:
            return super().from_filename(filename, resources=resources, **kw)
        data = Path(filename).read_bytes()
        try:
            notebook = nbformat.reads(data.decode("utf-8"), as_version=4)
            nbformat.validate(notebook)
        except Exception:  # of any kind: the gate says what is wrong, or repairs it
            gated = gate(data, master_of(module), module)
            notebook = gated.notebook
            notebook.metadata["speedrun"]["notes"] = list(gated.notes)
        export: Callable[..., tuple[Any, dict[str, Any]]] = self.from_notebook_node
        return export(notebook, resources=resources, **kw)


class Gate(NbGraderPreprocessor):
    """Rebuilds a submission from the module's release; the notes go into its metadata."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Replace `nb` with the rebuilt notebook."""
        module = module_named(resources["nbgrader"]["notebook"])
        if module is None:
            return nb, resources
        gated = rebuild(nb, master_of(module), module)
        for note in gated.notes:
            self.log.warning("%s: %s", module.id, note)
        earlier = nb.metadata.get("speedrun", {}).get("notes", [])
        notebook = gated.notebook
        known = notebook.metadata.setdefault("speedrun", NotebookNode())
        known["module"], known["notes"] = module.id, [*earlier, *gated.notes]
        return notebook, resources


class Judge(NbGraderPreprocessor):
    """Judges what the test cells published, and writes what nbgrader reads for its scores.

    A pass is one card. Anything else is a card and an error, which nbgrader scores as 0. Nothing
    else that a test cell wrote is kept, so neither a warning on stderr nor a printed number counts.
    The result is kept in the test cell's metadata, under "speedrun".
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Judge every test cell of the run that `ExecuteTests` stored in the resources."""
        run = resources.get("speedrun")
        if run is None or not run["tests"]:
            return nb, resources
        tests: dict[str, Test] = run["tests"]
        cells = {grade_id(cell): cell for cell in nb.cells if grade_id(cell)}
        module = module_named(nb.metadata.get("speedrun", {}).get("module", ""))
        stubs = {c.id: c.source for c in master_of(module).cells} if module else {}
        published = nb.metadata.get("speedrun", {}).get("published", {})
        unjudged: list[str] = []
        waiting: list[str] = []
        for name, test in tests.items():
            answer = cells.get(test.exercise.id)
            source = answer.source if answer is not None else ""
            event = run["events"].get(answer.id) if answer is not None else None
            try:
                result = result_of(test, source, stubs.get(test.exercise.id, ""), event)
            except Unjudged as error:
                unjudged.append(str(error))
                result = Result(Outcome.WRONG, "It could not be judged: a person has to look.")
            if test.exercise.rubric and result.outcome is not Outcome.NOT_ATTEMPTED:
                waiting.append(test.exercise.id)
                kind = test.exercise.publishes
                facts = published.get(kind.mime, {}) if kind else {}
                write_for_a_person(cells[name], test, result, source, facts)
            else:
                write_result(cells[name], test, result)
        verdict = run["halted"] or ("needs_review" if unjudged or waiting else "graded")
        if any(test.tampered for test in tests.values()):
            verdict = "tampered"
        known = nb.metadata.setdefault("speedrun", NotebookNode())
        known["verdict"] = verdict
        known["notes"] = [*known.get("notes", []), *unjudged]
        if waiting:
            texts = count(len(waiting), "written answer")
            listed = ", ".join(waiting)
            known["notes"].append(f"{texts} to be graded by a person in formgrader: {listed}.")
        return nb, resources


def write_result(cell: NotebookNode, test: Test, result: Result) -> None:
    """Replace a test cell's outputs and record its result in its metadata."""
    exercise = test.exercise
    card = result_card(result, exercise.title)
    data = {"text/plain": card.text, "text/html": card.to_html()}
    cell.outputs = [new_output("display_data", data=data)]
    if not result.passed:
        said = f"{MARKS[result.outcome]} {WORDS[result.outcome]}"
        message = f"{said}: {result.message}" if result.message else said
        shown = [f"0 of {count(exercise.points, 'point')}"]  # the card above says why
        cell.outputs.append(new_output("error", ename="NotPassed", evalue=message, traceback=shown))
    _keep(cell, test, result)


def write_for_a_person(
    cell: NotebookNode, test: Test, result: Result, source: str, facts: dict[str, Any]
) -> None:
    """Show a grader what they need below a written answer: the text, the rubric, facts about it.

    There are no points yet. If the text could not be read, the cell's source is shown instead.
    """
    exercise, lines = test.exercise, []
    if result.passed and test.observations is not None:
        seen = test.observations[0].value
        lines = exercise.for_grader(seen, facts) if exercise.for_grader else []
        result = Result(Outcome.NOTED, f"A person gives up to {count(exercise.points, 'point')}.")
    else:
        lines = [("Its form", result.message), ("The cell", source)]
    card = grader_card(exercise, lines)
    data = {"text/plain": card.text, "text/html": card.to_html()}
    cell.outputs = [new_output("display_data", data=data)]
    _keep(cell, test, result)


def _keep(cell: NotebookNode, test: Test, result: Result) -> None:
    cell.metadata["speedrun"] = {
        "exercise": test.exercise.id,
        "outcome": str(result.outcome),
        "points": test.exercise.points if result.passed else 0,
        "max_points": test.exercise.points,
        "message": result.message,
        "seed": test.seed,
    }
