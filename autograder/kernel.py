"""Whether there is a notebook, who runs it, and what the current cell builds on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

_checks = 0
_needed: list[str] = []


def is_graded() -> bool:
    """True if an instructor's tools run the notebook, which may then be anybody's."""
    return bool(os.environ.get("NBGRADER_EXECUTION") or os.environ.get("SPEEDRUN_GRADING"))


def is_watched() -> bool:
    """False while the notebook is built or graded, when nobody moves a slider or watches a bar."""
    return not (is_graded() or os.environ.get("SPEEDRUN_BUILD"))


def in_notebook() -> bool:
    """Whether displayed output goes to a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


@contextlib.contextmanager
def checking() -> Iterator[None]:
    """Mark that a check is running a learner's code: its calls aren't the learner's own."""
    global _checks
    _checks += 1
    try:
        yield
    finally:
        _checks -= 1


def is_checking() -> bool:
    """Whether a check is running the code."""
    return _checks > 0


@contextlib.contextmanager
def needing(names: Iterable[str]) -> Iterator[None]:
    """Mark code, while it runs, as building on these exercises."""
    before = len(_needed)
    _needed.extend(names)
    try:
        yield
    finally:
        del _needed[before:]


def needed() -> tuple[str, ...]:
    """The exercises that the running code builds on, each once."""
    return tuple(dict.fromkeys(_needed))
