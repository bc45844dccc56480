"""The registry of exercises: one file a module, in the order of its notebook.

A file declares ``MODULE`` (the module's id in course.toml) and ``EXERCISES``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re

from autograder.core.exercise import Exercise


@functools.cache
def by_module() -> dict[str, tuple[Exercise, ...]]:
    """All exercises, by module id; both in the order of the course."""
    found = {}
    for entry in pkgutil.iter_modules(__path__):
        if not re.match(r"m\d", entry.name):
            continue
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
