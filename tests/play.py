"""Run a module's answer cells in a plain namespace, with some of them replaced, and judge them.

It plays a learner without a kernel: the cells of the built source notebook run in order, except
those that only show something.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import io
import linecache
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
from answers import micrograd

from autograder import course, exercises
from autograder.core.exercise import Case, Exercise, Mistake
from autograder.core.judge import Replay, Stumble, draw, judge
from autograder.core.observation import Observation
from autograder.core.outcome import Result
from autograder.core.plain import form
from autograder.exercises import by_module, observed, replay

ENGINE_MODULE = "04_micrograd"  # where whole engines can be pasted
ONLY_SHOWS = ("with needs(", "with figure(", "check.", "status(", "environment(", "placement(")


@functools.cache
def cells(module_id: str) -> tuple[tuple[str, str], ...]:
    """(exercise id or "", source) of the code cells that define something, in order."""
    notebook = nbformat.read(course.module(module_id).source_path, as_version=4)
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        graded = cell.metadata.get("nbgrader", {})
        if graded.get("solution"):
            found.append((graded["grade_id"], cell.source))
        elif not graded and not any(mark in cell.source for mark in ONLY_SHOWS):
            found.append(("", cell.source.replace("%pip", "# %pip").replace("pass\n", "")))
    return tuple((name, _without_install(source)) for name, source in found)


def _without_install(source: str) -> str:
    lines = source.splitlines()
    return "\n".join("    pass" if "%pip" in line else line for line in lines)


def solution(exercise: Exercise) -> str:
    """The source of an exercise's solution cell."""
    return dict(cells(module_of(exercise)))[exercise.id]


def module_of(exercise: Exercise) -> str:
    """The id of the exercise's module."""
    return exercises.module_of()[exercise.id]


def namespace(module_id: str, upto: str | None = None, **instead: str) -> dict[str, Any]:
    """What a learner's kernel holds after the cells up to and including exercise `upto`.

    `instead` replaces answer cells by exercise id.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    random.seed(0)
    for name, source in cells(module_id):
        run(instead.get(name, source) if name else source, names, name or "setup")
        if name and name == upto:
            break
    return names


def without_training(exercise: Exercise) -> dict[str, str]:
    """Stand-ins for the cells that train, for every exercise but such a one itself.

    A training whose result (the first thing that its check takes) the exercise takes as well is
    kept. Names that are there already, such as data, stay what they are.
    """
    group = by_module()[module_of(exercise)]
    return {
        e.id: "\n".join(
            f"if {name!r} not in globals():\n    def {name}(*args, **kwargs): ..."
            for name in e.takes
        )
        for e in group
        if e.trains and e.id != exercise.id and next(iter(e.takes)) not in exercise.takes
    }


def given_before(exercise: Exercise) -> list[str]:
    """The cells between the exercise's answer cell and the answer before it."""
    given: list[str] = []
    for name, source in cells(module_of(exercise)):
        if name == exercise.id:
            break
        given = [] if name else [*given, source]
    return given


def solved(exercise: Exercise) -> dict[str, Any]:
    """What a kernel holds right after the exercise's solution cell."""
    return _solved(exercise.id)


@functools.cache
def _solved(exercise_id: str) -> dict[str, Any]:
    exercise = exercises.by_id()[exercise_id]
    return namespace(module_of(exercise), upto=exercise.id, **without_training(exercise))


def stub(exercise: Exercise) -> dict[str, Any]:
    """What a kernel holds after the exercise's untouched cell, with all before it solved."""
    names = dict(solved(_before(exercise)))
    for source in given_before(exercise):
        with contextlib.suppress(NameError):  # of what a training would have left
            run(source, names, "given")
    run(stub_source(exercise), names, exercise.id)
    return names


def stub_source(exercise: Exercise) -> str:
    """The exercise's answer cell as it is handed out."""
    for cell in nbformat.read(course.module(module_of(exercise)).release_path, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == exercise.id:
            return cell.source
    raise AssertionError(f"the release has no cell {exercise.id}")


def _before(exercise: Exercise) -> Exercise:
    """The exercise before this one (the first one stands before itself); none that trains."""
    group = [e for e in by_module()[module_of(exercise)] if not e.trains or e is exercise]
    return group[max(group.index(exercise) - 1, 0)]


def engines(exercise: Exercise) -> Iterator[tuple[str, dict[str, Any]]]:
    """By its name, each complete engine: what a kernel holds where it was pasted everywhere."""
    if module_of(exercise) == ENGINE_MODULE:
        for engine in micrograd.ENGINES:
            yield engine, next(names for e, names in pasted(engine) if e is exercise)


def pasted(engine: str) -> Iterator[tuple[Exercise, dict[str, Any]]]:
    """Each exercise of 04, and what a kernel holds after it, with one engine in all its classes."""
    instead = dict.fromkeys(micrograd.CLASS_CELLS, micrograd.ENGINES[engine])
    instead["train"] = micrograd.SCORES  # a short training: the accuracy is another test's matter
    names: dict[str, Any] = {"__name__": "__main__"}
    for name, source in cells(ENGINE_MODULE):
        run(instead.get(name, source) if name else source, names, name or "setup")
        if name == "train":
            names["model"] = _trained(names)
        if name:
            yield exercises.by_id()[name], names


def _trained(names: dict[str, Any]) -> Any:
    """A model of the class in `names` with the weights of the solution's trained model."""
    right = solved(exercises.by_id()["train"])["model"]
    layers = [[[p.data for p in n.parameters()] for n in layer.neurons] for layer in right.layers]
    model = names["MLP"](2, [8, 1])

    class Model:
        def __call__(self, x: list[float]) -> Any:
            value_class = names["Value"]
            values = [value_class(v) for v in x]
            for layer in layers:
                values = [
                    sum((w * v for w, v in zip(n, values, strict=False)), value_class(n[-1])).tanh()
                    for n in layer
                ]
            return values[0]

        def parameters(self) -> Any:
            return model.parameters()

    return Model()


def run(source: str, names: dict[str, Any], name: str) -> None:
    """Run one cell, with its source kept for messages as IPython keeps it."""
    filename = f"<{name} {abs(hash(source))}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, filename, "exec"), names)


def verdict(
    exercise: Exercise,
    names: dict[str, Any],
    seed: int,
    limit: float | None = None,
    replay: Replay = replay,
) -> Result:
    """What the judge says of the answer in `names`, on the cases of one seed."""
    answers = tuple(names[name] for name in exercise.takes)
    return judged(exercise, answers, draw(exercise, seed), limit, replay)


def judged(
    exercise: Exercise,
    answers: tuple[Any, ...],
    cases: list[Case],
    limit: float | None = None,
    replay: Replay = replay,
) -> Result:
    """What the judge says of answers, strict about the declaration's own functions.

    One that raises on what is of the solution's own form is an error, and so is one that asks for
    a key that the solution's own observation lacks as well: it is misspelt, whatever the answer.
    On other forms a function may raise: then it is a warning, so that the suite counts and prints
    where.
    """
    seen = observed(exercise, answers, cases, limit)
    stumbles: list[Stumble] = []
    result = judge(exercise, cases, seen, replay, stumbles.append)
    for stumble in stumbles:
        error = stumble.error
        said = f"{exercise.id}: `{stumble.function}` raised {type(error).__name__}"
        right = _seen_of_solution(exercise, stumble.case)
        if form(stumble.seen) == form(right):
            why = "on an answer of the solution's own form"
            raise AssertionError(f"{said}: {error}, {why}") from error
        if _is_misspelt(error, exercise, stumble.case, right):
            why = "a key that the solution's own observation lacks, too"
            raise AssertionError(f"{said}: {error}, {why}") from error
        warnings.warn(Stumbled(f"{said} on an answer of another form"), stacklevel=2)
    return result


def counted(exercise: Exercise) -> tuple[Exercise, set[str]]:
    """The exercise, and which of its functions were called: "measure", or a mistake's id."""
    called: set[str] = set()

    def noted(name: str, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
        def call(*args: Any) -> Any:
            called.add(name)
            return function(*args)

        return function and call

    mistakes = tuple(
        dataclasses.replace(mistake, recognise=noted(mistake.id, mistake.recognise))
        for mistake in exercise.mistakes
    )
    measure = noted("measure", exercise.measure)
    return dataclasses.replace(exercise, mistakes=mistakes, measure=measure), called


def _seen_of_solution(exercise: Exercise, case: Case) -> Any:
    names = solved(exercise)
    answers = tuple(names[name] for name in exercise.takes)
    return observed(exercise, answers, [case])[0].value


def replayed_once(cases: list[Case]) -> Replay:
    """`replay` for one exercise, which runs a mistake on the same of these cases only once.

    For a test that judges many answers on them, each of which is compared with every mistake.
    """
    seen: dict[tuple[Any, ...], list[Observation]] = {}

    def remembered(exercise: Exercise, mistake: Mistake, asked: list[Case]) -> list[Observation]:
        places = [next(i for i, case in enumerate(cases) if case is one) for one in asked]
        key = (mistake.id, *places)
        if key not in seen:
            seen[key] = replay(exercise, mistake, asked)
        return copy.deepcopy(seen[key])

    return remembered


def _is_misspelt(error: Exception, exercise: Exercise, case: Case, right: Any) -> bool:
    """Whether a key was asked for that stands nowhere where the solution is observed."""
    if not isinstance(error, KeyError) or not isinstance(error.args[0], str):
        return False
    read = [case, right, exercise.measured(case, right), exercise.expected(case, right)]
    return error.args[0] not in set().union(*map(_keys, read))


def _keys(value: Any) -> set[str]:
    """The keys of a dict, and of all that stands in it."""
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


class Stumbled(UserWarning):
    """A function of a declaration raised on an answer of an odd form."""
