"""What a learner calls in a notebook: check, hint, solution, status, placement, environment.

A graded kernel imports this file too, and has neither the exercises nor what judges them: what
needs them is imported when it is called, and says so in a line where it isn't there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

from autograder.core.outcome import Outcome
from autograder.errors import SpeedrunError
from autograder.kernel import needing
from autograder.notebook import name_errors, progress
from autograder.notebook.cards import (
    COLOURS,
    Card,
    count,
    heading,
    note_card,
    problem_card,
    rows,
    show,
)
from autograder.notebook.placement import placement
from autograder.plots.graph import draw_graph
from autograder.plots.style import figure

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

ABSENT = (
    "The exercises are not in this kernel: while a notebook is graded, its answers are judged "
    "outside of it."
)
TEMPORARY = """\
Colab deletes this runtime some time after you leave, and the record of what you have passed with \
it. To keep the record, mount your Google Drive: run this in a new cell.

```python
from google.colab import drive
drive.mount("/content/drive")
```

What you have passed so far is copied there. For the notebook itself: File, then Save a copy \
in Drive."""


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
            show(problem_card(self.__name__, text))
            return
        try:
            self._function(name)
        except SpeedrunError as error:
            show(problem_card(self.__name__, str(error)))

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
            try:
                _must_have_exercises()
                from autograder.notebook.checks import run_check

                run_check(name, answers, named)
            except SpeedrunError as error:
                show(problem_card("check", str(error)))

        run.__name__ = run.__qualname__ = name
        run.__doc__ = f"Check your answer to the exercise {name!r}."
        return run

    def __dir__(self) -> list[str]:
        if not _are_there_exercises():
            return []
        from autograder import course

        return course.exercise_names()

    def __call__(self, *_: Any, **__: Any) -> None:
        show(problem_card("check", "Name the exercise: `check.<exercise>(your answer)`."))

    def __repr__(self) -> str:
        return "check.<exercise>(your answer)"


check = Check()


def _are_there_exercises() -> bool:
    return importlib.util.find_spec("autograder.exercises") is not None


def _must_have_exercises() -> None:
    if not _are_there_exercises():
        raise SpeedrunError(ABSENT)


@Asked
def hint(name: str) -> None:
    """Show the next of an exercise's three hints: a nudge, the idea, a part of the code."""
    _must_have_exercises()
    from autograder.notebook.hints import hint_card

    show(hint_card(name))


@Asked
def solution(name: str) -> None:
    """Show an exercise's solution, once you have passed it or made three real tries."""
    _must_have_exercises()
    from autograder.notebook.hints import solution_card

    show(solution_card(name)[0])


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
            titles = _titles(names)
            done = progress.load()["exercises"]
        except SpeedrunError as unknown:
            show(problem_card("needs", str(unknown)))
            return
        unsolved = [name for name in names if done.get(name, {}).get("outcome") != "passed"]
        listed = _listed([f"`{name}`" for name in unsolved or names])
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
        title = titles[(unsolved or names)[0]]
        show(note_card("Not yet", title, text, "○", COLOURS[Outcome.NOT_ATTEMPTED]))


def _titles(names: tuple[str, ...]) -> dict[str, str]:
    """The titles of exercises; where there are none to look them up in, their names."""
    if not _are_there_exercises():
        return {name: name for name in names}
    from autograder import course

    return {name: course.exercise(name).title for name in names}


def status(module: Any = "") -> None:
    """Show what is done, what is next, and the minutes left of the twelve hours.

    ``status("04_micrograd")`` lists the exercises of one module.
    """
    try:
        _must_have_exercises()
        from autograder.notebook.status import status_card

        show(status_card(module="" if module is None else str(module)))
    except SpeedrunError as error:
        show(problem_card("status", str(error)))


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
    colour = COLOURS[Outcome.PASSED]
    text = "\n".join(["✓ Setup complete", *(f"  {a:<12}  {b}" for a, b in details)])
    body = heading(colour, "✓", "Setup complete", f"{sys.platform}") + rows(details)
    show(Card(colour, body, text))
    _warn_if_temporary()


def _warn_if_temporary() -> None:
    if progress.is_temporary():
        words, colour = "Your progress is lost with this runtime", COLOURS[Outcome.WRONG]
        show(note_card(words, "Colab", TEMPORARY, "!", colour))


def _install() -> None:
    if "IPython" in sys.modules:
        from IPython import get_ipython

        name_errors.install(get_ipython())
    _warn_if_temporary()


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]


_install()
