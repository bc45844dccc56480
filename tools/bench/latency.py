"""How long a check takes, and what the import adds, on this machine, beside the targets."""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autograder import course
from autograder.core.exercise import Exercise
from autograder.core.outcome import Outcome
from autograder.notebook.cards import WORDS

CHECK_TARGET, IMPORT_TARGET = 0.3, 0.2  # seconds
REPEATS = 7
IMPORTS = """
import time
import numpy, torch
start = time.perf_counter()
import autograder
from autograder import check
print(time.perf_counter() - start)
"""


def import_times(repeats: int = REPEATS) -> list[float]:
    """Seconds that the autograder adds to importing numpy and torch, in fresh interpreters."""
    command = [sys.executable, "-c", IMPORTS]
    subprocess.run(command, capture_output=True, check=True)  # fills the bytecode cache
    runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(repeats)]
    return [float(run.stdout) for run in runs]


def check_times(
    exercise: Exercise, answers: tuple[Any, ...], repeats: int = REPEATS
) -> list[float]:
    """Seconds of an exercise's whole check, from the call to the card on the screen."""
    from autograder import check

    times = []
    for _ in range(repeats):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            start = time.perf_counter()
            getattr(check, exercise.id)(*answers)
            times.append(time.perf_counter() - start)
        if WORDS[Outcome.NOTED if exercise.rubric else Outcome.PASSED] not in shown.getvalue():
            raise SystemExit(f"{exercise.id}: its solution does not pass.\n{shown.getvalue()}")
    return times


def solved(module: course.Module) -> Iterator[tuple[Exercise, tuple[Any, ...]]]:
    """A module's exercises with the answers of its solutions, from its built source notebook.

    Each is yielded when the notebook has run that far, because a later cell may rebind names.
    Training exercises are left out, and so is everything after the last of the others.
    """
    notebook = json.loads(module.source_path.read_text(encoding="utf-8"))
    left = {exercise.id: exercise for exercise in module.exercises if not exercise.trains}
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook["cells"]):
        graded = cell["metadata"].get("nbgrader", {})
        if not left or cell["cell_type"] != "code" or (graded and not graded["solution"]):
            continue  # a test cell: its check is called and timed below
        source = "".join(cell["source"]).replace("%pip", "pass  # ")
        name = f"<cell {number} of {module.id}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, name, "exec"), space)
        exercise = left.pop(graded.get("grade_id"), None)
        if exercise is not None:
            yield exercise, tuple(space[taken] for taken in exercise.takes)


def report(console: Console, modules: Sequence[course.Module] = (), *, quick: bool = False) -> None:
    """Measure and print, for these modules or for all; `quick` takes each figure only once."""
    repeats = 1 if quick else REPEATS
    os.environ["MPLBACKEND"] = "agg"
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPEEDRUN_HOME"] = folder
        os.chdir(folder)
        table = Table("exercise", "median", "slowest", title="A check, answered with its solution")
        medians = []
        for module in modules or course.written():
            for exercise, answers in solved(module):
                times = check_times(exercise, answers, repeats)
                medians.append(statistics.median(times))
                table.add_row(exercise.id, _seconds(medians[-1]), _seconds(max(times)))
                if medians[-1] > CHECK_TARGET:
                    slow.append(exercise.id)
        os.chdir(Path(folder).parent)
    console.print(table)
    if not medians:
        return
    imports = statistics.median(import_times(repeats))
    summary = Table("what", "median", "target", "")
    for what, value, target in (
        ("a check, over all exercises but training ones", statistics.median(medians), CHECK_TARGET),
        ("`from autograder import check`, after numpy and torch", imports, IMPORT_TARGET),
    ):
        verdict = "met" if value < target else "missed"
        summary.add_row(what, _seconds(value), _seconds(target), verdict)
    console.print(summary)
    if slow:
        console.print(f"Over the target by themselves: {', '.join(slow)}.")


def _seconds(value: float) -> str:
    return f"{value:.3f} s"
