"""The first exercise of a module, answered wrong and right: for the browser."""

from __future__ import annotations

from browser import Lab, Notebook

from autograder import course
from autograder.notebook import solution_source

# A wrong answer to each module's first exercise, and the mistake that it makes.
WRONG = {
    "00_start_here": (
        "def mean_square(numbers):\n    return sum(n * n for n in numbers)",
        "sum",
    ),
}


class FirstExercise:
    """The first exercise of the module that `lab` opened, in an open notebook."""

    def __init__(self, lab: Lab, notebook: Notebook) -> None:
        self.notebook = notebook
        self.exercise = course.module(lab.module).exercises[0]
        self.answer = lab.place_of(self.exercise.id)
        self.check = lab.place_of(self.exercise.check_id)
        source, mistake = WRONG[lab.module]
        self.wrong, self.right = source, solution_source(self.exercise)
        self.message = next(m.message for m in self.exercise.mistakes if m.id == mistake)
        self.before = [
            place
            for place, cell in enumerate(lab.cells()[: self.answer])
            if cell["cell_type"] == "code"
        ]

    def prepare(self) -> None:
        """Run the code cells above it."""
        for place in self.before:
            self.notebook.run(place)

    def try_answer(self, source: str) -> str:
        """Type an answer, run it and its check; what the check says."""
        self.notebook.type(self.answer, source)
        self.notebook.run(self.answer)
        return self.notebook.run(self.check)
