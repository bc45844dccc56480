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
WRONG_TARGET = 0.35  # seconds of CPU time
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


def wrong_times(exercise: Exercise) -> tuple[float, float | None]:
    """Seconds of CPU time of the check of wrong answers: a mistake's, and one that is no mistake's.

    The first is the slowest of all declared mistakes. The second is None where there is no function
    to answer with: it returns None, so that it is compared with every mistake, and is none.
    """
    named = [_wrong(exercise, mistake.answers) for mistake in exercise.mistakes]
    if set(exercise.takes.values()) != {"function"}:
        return max(named), None
    return max(named), _wrong(exercise, (lambda *args, **kwargs: None,) * len(exercise.takes))


def _wrong(exercise: Exercise, answers: tuple[Any, ...]) -> float:
    from autograder import check

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        start = time.process_time()
        getattr(check, exercise.id)(*answers)
        seconds = time.process_time() - start
    if WORDS[Outcome.PASSED] in shown.getvalue():
        raise SystemExit(f"{exercise.id}: a wrong answer passes.\n{shown.getvalue()}")
    return seconds


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
    slow, slow_wrong = [], []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPEEDRUN_HOME"] = folder
        os.chdir(folder)
        columns = ("exercise", "right", "slowest", "wrong (CPU)", "unnamed (CPU)")
        table = Table(*columns, title="A check of the solution, and the slowest of wrong answers")
        medians, wrong = [], []
        for module in modules or course.written():
            for exercise, answers in solved(module):
                times = check_times(exercise, answers, repeats)
                medians.append(statistics.median(times))
                found = wrong_times(exercise) if exercise.mistakes else ()
                row = [*map(_seconds, (medians[-1], max(times)))]
                row += ["" if seconds is None else _seconds(seconds) for seconds in found]
                table.add_row(exercise.id, *row)
                wrong += [seconds for seconds in found if seconds is not None]
                if found and max(s or 0 for s in found) > WRONG_TARGET:
                    slow_wrong.append(exercise.id)
                if medians[-1] > CHECK_TARGET:
                    slow.append(exercise.id)
        os.chdir(Path(folder).parent)
    console.print(table)
    if not medians:
        return
    median_wrong = statistics.median(wrong)
    imports = statistics.median(import_times(repeats))
    summary = Table("what", "median", "target", "")
    for what, value, target in (
        ("a check, over all exercises but training ones", statistics.median(medians), CHECK_TARGET),
        ("a wrong answer, over the slowest of each exercise (CPU)", median_wrong, WRONG_TARGET),
        ("`from autograder import check`, after numpy and torch", imports, IMPORT_TARGET),
    ):
        verdict = "met" if value < target else "missed"
        summary.add_row(what, _seconds(value), _seconds(target), verdict)
    console.print(summary)
    if slow:
        console.print(f"Over the target by themselves: {', '.join(slow)}.")
    if slow_wrong:
        console.print(f"Over it with a wrong answer: {', '.join(slow_wrong)}.")


def _seconds(value: float) -> str:
    return f"{value:.3f} s"
