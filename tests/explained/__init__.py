"""Wrong answers that no declared mistake explains, and how the message about each begins.

One file for each part of the course. `WRONG` holds them all; a `Wrong` is a short change of the
solution's cell, or another answer in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wrong:
    """One wrong answer: the exercise, what its message begins with, and how to make the answer.

    Each pair of `changes` is (old, new) in the source of the solution's cell; `source` replaces
    the cell, or follows it where it refers to what the cell defines. `drawn` is what the words
    beside the picture begin with.

    Where an answer would have to be trained first, `explain` is asked directly, of what is seen of
    the declared `mistake` after `alter` has changed it.
    """

    exercise: str
    says: str
    changes: tuple[tuple[str, str], ...] = ()
    source: str = ""
    drawn: str = ""
    mistake: str = ""
    alter: Callable[[Any], object] | None = None


def changed(exercise: str, says: str, *changes: tuple[str, str], drawn: str = "") -> Wrong:
    """A wrong answer that is the solution with pieces of its source changed."""
    return Wrong(exercise, says, changes=changes, drawn=drawn)


def written(exercise: str, says: str, source: str) -> Wrong:
    """A wrong answer of its own, run after the solution's cell."""
    return Wrong(exercise, says, source=source)


def beside(
    exercise: str, says: str, mistake: str, alter: Callable[[Any], object] | None = None
) -> Wrong:
    """What is seen of a declared mistake, made into another wrong answer by `alter`."""
    return Wrong(exercise, says, mistake=mistake, alter=alter)


def _all() -> tuple[Wrong, ...]:
    from explained import gpt, language_models, linear_algebra, micrograd, neural_networks, research

    return (
        *linear_algebra.WRONG,
        *neural_networks.WRONG,
        *micrograd.WRONG,
        *language_models.WRONG,
        *gpt.WRONG,
        *research.WRONG,
    )


WRONG = _all()
