"""What a learner calls in a notebook: check, hint, solution, status, placement, environment."""

from __future__ import annotations

import contextlib
import hashlib
import json
import linecache
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autograder import course
from autograder import preregistration as registration
from autograder.core import rules
from autograder.core.exercise import Exercise
from autograder.core.judge import INSTANT_SEED, draw, judge
from autograder.core.observation import Observation, Status
from autograder.core.outcome import Outcome, Result
from autograder.core.plain import encode
from autograder.errors import SpeedrunError
from autograder.kernel import checking, needing
from autograder.notebook import name_errors as unnamed
from autograder.notebook import progress
from autograder.notebook.cards import COLOURS, Card, count, note_card, result_card
from autograder.notebook.placement import placement
from autograder.plots.graph import draw_graph
from autograder.plots.style import figure
from autograder.probes import observe

__all__ = [
    "check",
    "draw_graph",
    "environment",
    "figure",
    "hint",
    "needs",
    "placement",
    "solution",
    "status",
]

ORANGE = COLOURS[Outcome.WRONG]
TEMPORARY = """\
Colab deletes this runtime some time after you leave, and the record of what you have passed with \
it. To keep the record, mount your Google Drive: run this in a new cell.

```python
from google.colab import drive
drive.mount("/content/drive")
```

What you have passed so far is copied there. For the notebook itself: File, then Save a copy \
in Drive."""


class CheckFailed(Exception):
    """Raised by a check only under nbgrader, whose test cells fail by raising."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Asked:
    """A function of an exercise's name: ``hint("rank")``, and ``hint.rank()`` just as well."""

    def __init__(self, function: Callable[[str], None]) -> None:
        self._function = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__doc__ = function.__doc__

    def __call__(self, name: str = "") -> None:
        if not isinstance(name, str) or not name:
            text = (
                f'Name the exercise in quotes: `{self.__name__}("rank")`. Its name stands after '
                "`check.` in the cell below your answer."
            )
            _show(_problem(self.__name__, text))
            return
        try:
            self._function(name)
        except SpeedrunError as error:
            _show(_problem(self.__name__, str(error)))

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda: self(name)

    def __dir__(self) -> list[str]:
        return dir(check)

    def __repr__(self) -> str:
        return f'{self.__name__}("exercise")'


class Check:
    """``check.<exercise>(answer)`` checks an answer at once and says what is wrong with it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def run(*answers: Any, **named: Any) -> None:
            _run_check(name, answers, named)

        run.__name__ = run.__qualname__ = name
        run.__doc__ = f"Check your answer to the exercise {name!r}."
        return run

    def __dir__(self) -> list[str]:
        from autograder.exercises import by_id

        return list(by_id())

    def __call__(self, *_: Any, **__: Any) -> None:
        _show(_problem("check", "Name the exercise: `check.<exercise>(your answer)`."))

    def __repr__(self) -> str:
        return "check.<exercise>(your answer)"


check = Check()


def _run_check(name: str, answers: tuple[Any, ...], named: dict[str, Any]) -> None:
    try:
        exercise = course.exercise(name)
    except SpeedrunError as error:
        _show(_problem("check", str(error)))
        return
    unknown = [key for key in named if key not in exercise.takes]
    if unknown:
        call = f"check.{exercise.id}({', '.join(exercise.takes)})"
        _show(_problem("check", f"The check takes no `{unknown[0]}`. Call it as `{call}`."))
        return
    answers += tuple(named[key] for key in list(exercise.takes)[len(answers) :] if key in named)
    cases = draw(exercise, INSTANT_SEED)
    from autograder.exercises.replay import replay

    with checking():
        observations = observe(exercise.probe, exercise.takes, answers, cases, exercise.limit)
    result = judge(exercise, cases, observations, replay)
    if result.passed:
        result = rules.broken(exercise.rules, _source_of(answers)) or result
    result, published = _note(exercise, result, observations)
    done = result.outcome in (Outcome.PASSED, Outcome.NOTED)
    if os.environ.get("NBGRADER_EXECUTION") and not done:
        raise CheckFailed(result_card(result, exercise.title).text)
    card = result_card(result, exercise.title, _footer(exercise, result))
    if published:
        card.data[registration.MIME] = published
    _show(card)


def _footer(exercise: Exercise, result: Result) -> str:
    if result.passed:
        worth = "bonus" if exercise.bonus else count(exercise.points, "point")
        if exercise.id.startswith("_") or not exercise.points:
            return ""
        return f"{worth}." if exercise.options else f"{worth} here; graded again on fresh inputs."
    if result.outcome is Outcome.NOTED:
        return f"A person gives up to {count(exercise.points, 'point')}, by the rubric above."
    if result.outcome is Outcome.NOT_ATTEMPTED:
        return ""
    return f'Stuck? `hint("{exercise.id}")` gives the next of three steps.'


def _note(
    exercise: Exercise, result: Result, observations: list[Observation]
) -> tuple[Result, dict[str, Any]]:
    """Write a result into the progress; what is shown of it, and a record that goes with it."""
    fingerprint, published = "", {}
    if all(item.status is not Status.MISUSE for item in observations):
        seen = json.dumps([encode(item.as_plain()) for item in observations], sort_keys=True)
        fingerprint = hashlib.sha256(seen.encode()).hexdigest()[:16]
    try:
        with progress.updating() as record:
            if result.passed and exercise.keep is not None:
                result = exercise.keep(record, observations[0].value) or result
                published = registration.published(record)
            noted = Outcome.PASSED if result.outcome is Outcome.NOTED else result.outcome
            progress.note_check(record, exercise.id, str(noted), fingerprint)
    except SpeedrunError as error:
        _show(_problem("progress", str(error)))
    return result, published


def _source_of(answers: tuple[Any, ...]) -> str:
    """The source of the cells in which the answers were defined."""
    files = set()
    for answer in answers:
        members = vars(answer).values() if isinstance(answer, type) else [answer]
        codes = [getattr(member, "__code__", None) for member in members]
        files |= {code.co_filename for code in codes if code is not None}
    return "\n".join("".join(linecache.getlines(file)) for file in sorted(files))


@Asked
def hint(name: str) -> None:
    """Show the next of an exercise's three hints: a nudge, the idea, a part of the code."""
    _show(hint_card(name))


def hint_card(name: str, folder: Path | None = None) -> Card:
    """The next hint of an exercise, which the progress in `folder` then counts as taken."""
    exercise = course.exercise(name)
    with progress.updating(folder) as record:
        known = progress.entry(record, exercise.id)
        step = min(known["hints"] + 1, len(exercise.hints))
        known["hints"] = step
    text = exercise.hints[step - 1]
    return note_card(f"Hint {step} of {len(exercise.hints)}", exercise.title, text)


@Asked
def solution(name: str) -> None:
    """Show an exercise's solution, once you have passed it or made three real tries."""
    _show(solution_card(name)[0])


def solution_card(name: str, folder: Path | None = None) -> tuple[Card, bool]:
    """An exercise's solution and True, or what is still to do before it opens, and False."""
    exercise = course.exercise(name)
    known = progress.load(folder)["exercises"].get(exercise.id, {})
    tries, passed = known.get("tries", 0), known.get("outcome") == "passed"
    if not passed and tries < progress.TRIES_BEFORE_SOLUTION:
        left = progress.TRIES_BEFORE_SOLUTION - tries
        text = (
            f"It opens when the check passes, or after {count(left, 'more real try')}. "
            "A try is real when the answer is another than the last one.\n\n"
            f'`hint("{exercise.id}")` gives the next step.'
        )
        return note_card("Solution closed", exercise.title, text), False
    text = (
        "One way to write it. Yours may differ and be as good.\n\n"
        f"```python\n{solution_source(exercise)}\n```"
    )
    return note_card("Solution", exercise.title, text), True


def solution_source(exercise: Exercise) -> str:
    """The solution cell of an exercise, from the built source notebook, without its marks."""
    from autograder.exercises import module_of

    path = course.module(module_of()[exercise.id]).source_path
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpeedrunError("The solutions are not installed with this copy.") from None
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == exercise.id:
            lines = "".join(cell["source"]).splitlines()
            return "\n".join(
                line for line in lines if "## BEGIN SOL" not in line and "## END SOL" not in line
            )
    raise SpeedrunError(f"No solution of {exercise.id!r} is in {path.name}.")


@contextlib.contextmanager
def needs(*names: str) -> Iterator[None]:
    """Run code that builds on exercises; where one is unsolved, say so instead of raising.

    ::

        with needs("backward"):
            fare.backward()
    """
    try:
        with needing(names):
            yield
    except Exception as error:
        try:
            exercises = [course.exercise(name) for name in names]
            done = progress.load()["exercises"]
        except SpeedrunError as unknown:
            _show(_problem("needs", str(unknown)))
            return
        unsolved = [e for e in exercises if done.get(e.id, {}).get("outcome") != "passed"]
        listed = _listed([f"`{exercise.id}`" for exercise in unsolved or exercises])
        if unsolved:
            check_or_checks = "check" if len(unsolved) == 1 else "checks"
            text = f"This cell builds on {listed}. Pass the {check_or_checks}, then run it again."
        else:
            text = (
                f"This cell builds on {listed}, which you have passed, and on cells before it. Run "
                "all cells above again, then this one."
            )
        if isinstance(error, SpeedrunError):
            text += f"\n\n{error}"
        elif not isinstance(error, NotImplementedError):
            text += f"\n\nIt raised {type(error).__name__}: {str(error)[:200]}"
        title = (unsolved or exercises)[0].title
        _show(note_card("Not yet", title, text, "○", COLOURS[Outcome.NOT_ATTEMPTED]))


def status(module: Any = "") -> None:
    """Show what is done, what is next, and the minutes left of the twelve hours.

    ``status("04_micrograd")`` lists the exercises of one module.
    """
    from autograder.notebook.status import status_card

    try:
        _show(status_card(module="" if module is None else str(module)))
    except SpeedrunError as error:
        _show(_problem("status", str(error)))


def environment() -> None:
    """Report the environment: versions, device, threads, and where progress is kept."""
    import matplotlib
    import numpy
    import sklearn
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    details = [
        ("Python", platform.python_version()),
        ("numpy", numpy.__version__),
        ("torch", torch.__version__),
        ("matplotlib", matplotlib.__version__),
        ("scikit-learn", sklearn.__version__),
        ("Device", f"{device}, {count(torch.get_num_threads(), 'thread')}"),
        ("Progress", str(progress.home() / progress.FILE_NAME)),
    ]
    from autograder.notebook.cards import heading, rows

    colour = COLOURS[Outcome.PASSED]
    text = "\n".join(["✓ Setup complete", *(f"  {a:<12}  {b}" for a, b in details)])
    body = heading(colour, "✓", "Setup complete", f"{sys.platform}") + rows(details)
    _show(Card(colour, body, text))
    _warn_if_temporary()


def _warn_if_temporary() -> None:
    if progress.is_temporary():
        _show(note_card("Your progress is lost with this runtime", "Colab", TEMPORARY, "!", ORANGE))


def _install() -> None:
    if "IPython" in sys.modules:
        from IPython import get_ipython

        unnamed.install(get_ipython())
    _warn_if_temporary()


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]


def _problem(title: str, text: str) -> Card:
    return note_card("Can't do that", title, text, "!", COLOURS[Outcome.WRONG])


def _show(card: Card) -> None:
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            display(card)
            return
    try:
        print(card.text)
    except UnicodeEncodeError:  # a console of few letters, on Windows
        encoding = sys.stdout.encoding or "ascii"
        print(card.text.encode(encoding, "replace").decode(encoding))


_install()
