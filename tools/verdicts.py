"""What every check says of every answer that the suite knows, as one sorted text file.

``python tools/verdicts.py --out before.txt`` records, for each exercise and several seeds, the
outcome, the mistake's id, the message and the line "Called" of

- the solution and the untouched stub,
- each declared mistake,
- each other right answer of ``tests/answers``, complete engines included,
- each single-operator mutant of the solution.

Two runs on one commit give the same file to the byte, even on a busy machine: limits count CPU
time, and random numbers start from a seed. Compare two commits with ``diff``: a change to the
engine that shouldn't change any verdict gives an empty one.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import multiprocessing
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer to an exercise: its name, and the objects that the check takes.

    `failed` says what its cell raised, if it didn't even run.
    """

    name: str
    things: tuple[Any, ...] = ()
    failed: str = ""


def verdicts(exercise_id: str, seeds: list[int]) -> list[str]:
    """The lines of one exercise, for all its answers and seeds."""
    from autograder.exercises import by_id, module_of

    exercise = by_id()[exercise_id]
    lines = []
    for answer in _answers(exercise):
        for seed in seeds:
            told = (answer.failed, "", "", "") if answer.failed else _told(exercise, answer, seed)
            fields = (module_of()[exercise_id], exercise_id, answer.name, str(seed), *told)
            lines.append("\t".join(map(_one_line, fields)))
    return lines


def _told(exercise: Any, answer: Answer, seed: int) -> tuple[str, str, str, str]:
    """The outcome, the mistake, the line "Called" and the message."""
    from autograder.core.judge import draw, judge
    from autograder.exercises import observed, replay

    _reseed()
    cases = draw(exercise, seed)
    seen = observed(exercise, answer.things, cases)
    _reseed()  # the judge replays mistakes, which may draw random numbers too
    result = judge(exercise, cases, seen, replay)
    called = dict(result.details).get("Called", "")
    return str(result.outcome), result.mistake or "", called, result.message


def _answers(exercise: Any) -> Iterator[Answer]:
    """Every answer to the exercise that the suite knows."""
    import play
    from answers import FUNCTIONS

    from tools import mutants

    def ran(name: str, source: str, names: dict[str, Any]) -> Answer:
        try:
            play.run(source, names, exercise.id)
            return Answer(name, tuple(names[taken] for taken in exercise.takes))
        except Exception as error:
            return Answer(name, failed=f"the cell raised {type(error).__name__}: {error}")

    _reseed()
    solved = play.solved(exercise)
    yield Answer("solution", tuple(solved[name] for name in exercise.takes))
    stub = play.stub(exercise)
    yield Answer("stub", tuple(stub[name] for name in exercise.takes))
    for mistake in exercise.mistakes:
        yield Answer(f"mistake {mistake.id}", mistake.answers)
    for number, source in enumerate(FUNCTIONS.get(exercise.id, ())):
        _reseed()
        yield ran(f"other right answer {number}", source, dict(solved))
    for engine, names in play.engines(exercise):
        yield Answer(
            f"other right answer, engine {engine}", tuple(names[n] for n in exercise.takes)
        )
    for number, (change, source) in enumerate(mutants.of(exercise)):
        _reseed()
        yield ran(f"mutant {number:03} {change}", source, mutants.before(exercise))


def _reseed() -> None:
    import numpy
    import torch

    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)


def _one_line(text: str) -> str:
    return " ".join(ADDRESS.sub("0x...", text).split())


def _task(task: tuple[str, list[int]]) -> list[str]:
    with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
        import torch

        torch.set_num_threads(1)
        return verdicts(*task)


def main() -> int:
    """Write the file, with a progress bar."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Example: python tools/verdicts.py --out before.txt 04_micrograd",
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="default: all")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="what to write")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="how many (default: 2)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at once (default: 2)")
    given = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets must have the same order in every run
        environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, *sys.argv], {**environment, "MPLBACKEND": "agg"})

    from rich.progress import Progress

    from autograder import course
    from autograder.core.judge import INSTANT_SEED
    from autograder.errors import SpeedrunError

    try:
        modules = [course.module(name) for name in given.modules] or course.graded()
    except SpeedrunError as error:
        parser.error(str(error))
    seeds = [INSTANT_SEED, *range(given.seeds - 1)]
    tasks = [(exercise.id, seeds) for module in modules for exercise in module.exercises]
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Progress() as bar:
        os.environ["SPEEDRUN_HOME"] = folder
        shown = bar.add_task("Judging", total=len(tasks))
        with multiprocessing.get_context("spawn").Pool(given.jobs) as pool:
            for found in pool.imap_unordered(_task, tasks):
                lines += found
                bar.advance(shown)
    given.out.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    print(f"{given.out}: {len(lines)} verdicts on {len(tasks)} exercises")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
