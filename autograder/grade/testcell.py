"""A graded test cell: what runs in its place, and what is read of what it published."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from autograder import course
from autograder.core.exercise import Case, Exercise
from autograder.core.judge import draw
from autograder.core.observation import Observation
from autograder.core.plain import decode, encode, plain
from autograder.errors import SpeedrunError
from autograder.exercises import by_id, probe_of
from autograder.probes.run.emit import MIME, resolve


class Tampered(ValueError):
    """What a test cell published was not made by the course's own code."""


@dataclass
class Event:
    """Something that happened to a cell: it raised, ran too long, or ended the kernel."""

    kind: str
    text: str = ""


@dataclass
class Test:
    """One exercise's test in one run: its secrets, and what came back."""

    exercise: Exercise
    seed: int = field(default_factory=lambda: secrets.randbits(63))
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    cases: list[Case] = field(default_factory=list)
    observations: list[Observation] | None = None
    event: Event | None = None
    tampered: bool = False

    def __post_init__(self) -> None:
        self.cases = self.cases or draw(self.exercise, self.seed)

    def source(self, most: float | None = None) -> str:
        """The code that runs in the test cell's place; `most` caps the exercise's own limit."""
        limit = self.exercise.limit if most is None else min(most, self.exercise.limit)
        payload = {
            "exercise": self.exercise.id,
            "probe": probe_name(self.exercise),
            "takes": self.exercise.takes,
            "limit": limit,
            "cases": encode(plain([_for_the_kernel(case) for case in self.cases])),
            "nonce": self.nonce,
        }
        text = base64.b64encode(json.dumps(payload).encode()).decode("ascii")
        names = "".join(f"{name}, " for name in self.exercise.takes).rstrip()
        emit = '__import__("autograder.probes.run.emit", fromlist=["emit"]).emit'
        return f'{emit}("{text}", lambda: ({names}))'

    def read(self, outputs: list[NotebookNode]) -> None:
        """Take over what the cell published: one set of observations with our nonce, or none."""
        published = [out.data[MIME] for out in outputs if MIME in (out.get("data") or {})]
        if not published:
            return
        try:
            if len(published) > 1:
                raise Tampered("more than one result")
            self.observations = observations_of(published[0], self.nonce)
        except Tampered:
            self.tampered = True


def _for_the_kernel(case: Case) -> Case:
    """A case without what only the judge may know: the fields that begin with an underscore."""
    return {name: value for name, value in case.items() if not name.startswith("_")}


def probe_name(exercise: Exercise) -> str:
    """How the kernel finds an exercise's probe: "module:function" in autograder.probes."""
    probe = probe_of(exercise)
    name = f"{probe.__module__}:{probe.__qualname__}"
    try:
        found = resolve(name)
    except (ValueError, AttributeError):
        found = None
    if found is not probe:
        raise SpeedrunError(
            f"{exercise.id}: its probe must be a function of a module in autograder/probes."
        )
    return name


def observations_of(published: Any, nonce: str) -> list[Observation]:
    """Read published observations; raises `Tampered` for what our code can't have written."""
    if not isinstance(published, dict) or published.get("nonce") != nonce:
        raise Tampered("not the nonce of this run")
    try:
        items = json.loads(published["observations"])
        observations = [Observation.parse(decode(item)) for item in items]
    except (KeyError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise Tampered(str(error)) from None
    if not observations:
        raise Tampered("no observations")
    return observations


def tests_of(notebook: NotebookNode) -> dict[str, Test]:
    """A fresh test for each exercise whose test cell is in the notebook, by its grade_id."""
    tests = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        exercise = by_id().get(name.removeprefix("check_"))
        if exercise is not None and name == exercise.check_id:
            tests[name] = Test(exercise)
    return tests


def grade_id(cell: NotebookNode) -> str:
    """The cell's grade_id, or an empty text."""
    return (cell.metadata.get("nbgrader") or {}).get("grade_id") or ""


def module_named(name: str) -> course.Module | None:
    """The written module of this id; None where there is none (another course's notebook)."""
    return next((module for module in course.written() if module.id == name), None)
