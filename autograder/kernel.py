"""Whether there is a notebook, who runs it, and what the cell at work builds on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

_checks = 0
_needed: list[str] = []


def is_graded() -> bool:
    """True where an instructor's tools run the notebook: it may be anybody's."""
    return bool(os.environ.get("NBGRADER_EXECUTION") or os.environ.get("SPEEDRUN_GRADING"))


def is_watched() -> bool:
    """False where the notebook is built or graded: nobody moves a slider or waits at a bar."""
    return not (is_graded() or os.environ.get("SPEEDRUN_BUILD"))


def in_notebook() -> bool:
    """Whether what is displayed reaches a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


@contextlib.contextmanager
def checking() -> Iterator[None]:
    """While a check runs a learner's code: what that code does is not the learner's doing."""
    global _checks
    _checks += 1
    try:
        yield
    finally:
        _checks -= 1


def is_checking() -> bool:
    """Whether a check runs the code."""
    return _checks > 0


@contextlib.contextmanager
def needing(names: Iterable[str]) -> Iterator[None]:
    """While code runs that builds on these exercises."""
    before = len(_needed)
    _needed.extend(names)
    try:
        yield
    finally:
        del _needed[before:]


def needed() -> tuple[str, ...]:
    """The exercises that the code at work builds on, each once."""
    return tuple(dict.fromkeys(_needed))
