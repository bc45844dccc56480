"""The course on disk: its registry, and the paths of its notebooks."""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import exercises
from autograder.core.exercise import Exercise
from autograder.errors import SpeedrunError

LISTED = (
    'In a notebook, `status("04_micrograd")` lists a module\'s exercises; in a terminal, '
    "`speedrun status 04_micrograd`."
)


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module of the course, as declared in course.toml."""

    id: str
    part: str
    title: str
    minutes: int
    summary: str
    objectives: tuple[str, ...]
    in_speedrun: bool = True
    resource: dict[str, str] | None = None

    @property
    def text_path(self) -> Path:
        """The notebook as text, which authors edit."""
        return root() / "solutions" / f"{self.id}.py"

    @property
    def source_path(self) -> Path:
        """The built notebook with its solutions and outputs (nbgrader's source)."""
        return root() / "solutions" / self.id / f"{self.id}.ipynb"

    @property
    def release_path(self) -> Path:
        """The notebook that learners open (nbgrader's release)."""
        return root() / "curriculum" / self.id / f"{self.id}.ipynb"

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """The module's exercises, in the order of the notebook."""
        return exercises.by_module().get(self.id, ())

    @property
    def points(self) -> int:
        """The total points of its exercises."""
        return sum(exercise.points for exercise in self.exercises)


@functools.cache
def root() -> Path:
    """The folder that holds `solutions/` and `curriculum/`: the clone, or the installed copy."""
    package = Path(__file__).resolve().parent
    for candidate in (package.parent, package / "_course"):
        if (candidate / "solutions" / "course.toml").is_file():
            return candidate
    raise SpeedrunError("The course's files are missing: install the package again.")


@functools.cache
def _registry() -> dict[str, Any]:
    return tomllib.loads((root() / "solutions" / "course.toml").read_text(encoding="utf-8"))


@functools.cache
def parts() -> dict[str, str]:
    """The titles of the course's parts, by id."""
    return {part["id"]: part["title"] for part in _registry()["parts"]}


@functools.cache
def modules() -> tuple[Module, ...]:
    """All modules, in the order of the course."""
    return tuple(
        Module(**{**entry, "objectives": tuple(entry["objectives"])})
        for entry in _registry()["modules"]
    )


def written() -> tuple[Module, ...]:
    """The modules that have a notebook; the others are announced but not written yet."""
    return tuple(module for module in modules() if module.text_path.is_file())


def graded() -> tuple[Module, ...]:
    """The written modules that have exercises; the others are for reading only."""
    return tuple(module for module in written() if module.exercises)


def module(name: str) -> Module:
    """The module with this id, this number or this end of its id ("4", "04", "micrograd")."""
    for candidate in modules():
        number, _, tail = candidate.id.partition("_")
        if name in (candidate.id, number, number.lstrip("0") or "0", tail):
            return candidate
    known = [candidate.id for candidate in modules()]
    near = difflib.get_close_matches(name, known, n=1)
    raise SpeedrunError(
        f"No module is called {name!r}. "
        + (f"Did you mean {near[0]}?" if near else f"The modules are: {', '.join(known)}.")
    )


def exercise(name: str) -> Exercise:
    """The exercise with this id; if there is none, a `SpeedrunError` names the nearest one."""
    known = exercises.by_id()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), list(known), n=1)
    raise SpeedrunError(
        f"No exercise is called {name!r}. " + (f"Did you mean {near[0]}?" if near else LISTED)
    )


def exercise_names() -> list[str]:
    """The ids of all exercises, in the order of the course."""
    return list(exercises.by_id())


@functools.cache
def repository() -> str:
    """The repository's public URL, from pyproject.toml."""
    project = tomllib.loads((root() / "pyproject.toml").read_text(encoding="utf-8"))
    address: str = project["project"]["urls"]["Repository"]
    return address.rstrip("/")
