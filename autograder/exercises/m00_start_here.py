"""The one exercise of 00_start_here: how an exercise, its check and its hints work."""

from __future__ import annotations

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake

MODULE = "00_start_here"


def _cases(rng: np.random.Generator) -> list[Case]:
    lists = [rng.normal(0, 3, size) for size in (4, 7)]
    return [
        {"args": [[2.0, -3.0, 5.0]]},
        {"args": [[-4]]},
        *({"args": [[round(float(x), 2) for x in numbers]]} for numbers in lists),
    ]


EXERCISES = [
    Exercise(
        id="mean_square",
        title="The mean of the squares",
        takes={"mean_square": "function"},
        points=1,
        minutes=5,
        difficulty=1,
        cases=_cases,
        reference=lambda case: float(np.mean(np.square(case["args"][0]))),
        mistakes=(
            Mistake(
                id="sum",
                message="This is the sum of the squares. Divide it by how many numbers there are.",
                answer=lambda numbers: sum(n * n for n in numbers),
            ),
            Mistake(
                id="square_of_mean",
                message="This is the square of the mean: square each number first, then average.",
                answer=lambda numbers: (sum(numbers) / len(numbers)) ** 2,
            ),
            Mistake(
                id="mean",
                message="This is the mean of the numbers themselves: the squares are missing.",
                answer=lambda numbers: sum(numbers) / len(numbers),
            ),
            Mistake(
                id="root",
                message="This is the root of the mean square. Here the mean square itself is "
                "asked for, without the root.",
                answer=lambda numbers: (sum(n * n for n in numbers) / len(numbers)) ** 0.5,
            ),
            Mistake(
                id="sample",
                message="It divides by one less than the number of values. That belongs to a "
                "sample's variance; a mean divides by their number.",
                answer=lambda numbers: sum(n * n for n in numbers) / max(len(numbers) - 1, 1),
            ),
        ),
        hints=(
            "Three steps: square each number, add the squares up, divide by how many there are.",
            "`sum(n * n for n in numbers)` adds the squares, and `len(numbers)` counts them. "
            "More in [Python's tutorial](https://docs.python.org/3/tutorial/controlflow.html).",
            "```python\ndef mean_square(numbers):\n    total = sum(n * n for n in numbers)\n"
            "    return total / ...\n```",
        ),
    ),
]
