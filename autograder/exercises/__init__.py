"""The registry of exercises: one file a module, in the order of its notebook.

A file declares ``MODULE`` (the module's id in course.toml) and ``EXERCISES``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.core.observation import Observation
from autograder.probes import call, letter, observe, texts


@functools.cache
def by_module() -> dict[str, tuple[Exercise, ...]]:
    """All exercises, by module id; both in the order of the course."""
    found = {}
    for entry in pkgutil.iter_modules(__path__):
        declared = importlib.import_module(f"{__name__}.{entry.name}")
        found[declared.MODULE] = tuple(declared.EXERCISES)
    return dict(sorted(found.items()))


@functools.cache
def by_id() -> dict[str, Exercise]:
    """All exercises, by their id."""
    found: dict[str, Exercise] = {}
    for group in by_module().values():
        for exercise in group:
            assert exercise.id not in found, f"two exercises are called {exercise.id}"
            found[exercise.id] = exercise
    return found


@functools.cache
def module_of() -> dict[str, str]:
    """The module id of every exercise id."""
    return {exercise.id: module for module, group in by_module().items() for exercise in group}


def probe_of(exercise: Exercise) -> Callable[..., Any]:
    """What touches the learner's answer: the exercise's own probe, or the common one of its kind.

    Of a question that is its letter, of a text that a person grades the text, and otherwise what
    the function gives when it is called.
    """
    if exercise.probe is not None:
        return exercise.probe
    if exercise.options:
        return letter
    return texts.text if exercise.rubric else call


def observed(
    exercise: Exercise, answers: tuple[Any, ...], cases: list[Case], limit: float | None = None
) -> list[Observation]:
    """Run answers to the exercise on the cases, one observation for each.

    `limit`, in seconds of CPU time for all cases together, stands in for the exercise's own.
    """
    return observe(probe_of(exercise), exercise.takes, answers, cases, limit or exercise.limit)


def replay(exercise: Exercise, mistake: Mistake, cases: list[Case]) -> list[Observation]:
    """Run a mistake's own wrong answer, so that the judge can tell if a learner's is the same."""
    return observed(exercise, mistake.answers, cases)
