"""Exercises answered wrong, then right, in a browser."""

from __future__ import annotations

from browser import Lab, Notebook

from autograder import course
from autograder.exercises import module_of
from autograder.notebook.hints import solution_source

# What to change in an exercise's solution, and the mistake that this makes.
WRONG = {
    "mean_square": (" / len(numbers)", "", "sum"),
    "predict_nudge": ('"c"', '"a"', "predict_nudge_a"),
    "accumulate": ("+=", "=", "overwritten"),
}


class Attempt:
    """One exercise of the module that `lab` opened, in an open notebook."""

    def __init__(self, lab: Lab, notebook: Notebook, exercise_id: str) -> None:
        self.lab, self.notebook = lab, notebook
        self.exercise = course.exercise(exercise_id)
        self.answer = lab.place_of(exercise_id)
        self.check = lab.place_of(self.exercise.check_id)
        old, new, mistake = WRONG[exercise_id]
        self.right = solution_source(self.exercise)
        self.wrong = self.right.replace(old, new)
        assert self.wrong != self.right, f"{old!r} is not in the solution of {exercise_id}"
        self.message = next(m.message for m in self.exercise.mistakes if m.id == mistake)

    def prepare(self) -> None:
        """Solve the exercises above it, and run every code cell there."""
        earlier = {e.id: e for e in course.module(self.lab.module).exercises}
        for place, cell in enumerate(self.lab.cells()[: self.answer]):
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if name in earlier:
                self.notebook.type(place, solution_source(earlier[name]))
            if cell["cell_type"] == "code":
                said = self.notebook.run(place)
                assert "Traceback" not in said, said

    def make(self, source: str) -> str:
        """Type an answer, run it and its check; what the check says."""
        self.notebook.type(self.answer, source)
        self.notebook.run(self.answer)
        return self.notebook.run(self.check)


def module_with(exercise_id: str) -> course.Module:
    """The module that an exercise belongs to."""
    return course.module(module_of()[exercise_id])
