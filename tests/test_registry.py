"""The proof that every check bites: solutions pass, stubs are not attempted, each mistake gets its
own message, and other right answers pass."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

import nbformat
import play
import pytest
import torch  # noqa: F401  imported here, not within an exercise's time limit
from answers import FUNCTIONS, micrograd

from autograder import course, exercises
from autograder.exercise import Exercise
from autograder.exercises import by_id, by_module
from autograder.judge import INSTANT_SEED, draw, judge
from autograder.outcome import Outcome
from autograder.probes import observe

SEEDS = [INSTANT_SEED, *range(19)]
EVERY = pytest.mark.parametrize("exercise", by_id().values(), ids=lambda e: e.id)


@EVERY
def test_the_solution_passes_on_twenty_seeds(exercise: Exercise) -> None:
    names = play.solved(exercise)
    for seed in SEEDS:
        result = play.verdict(exercise, names, seed)
        assert result.passed, (seed, result)


@EVERY
def test_the_untouched_stub_is_not_attempted(exercise: Exercise) -> None:
    path = course.module(play.module_of(exercise)).release_path
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == exercise.id:
            names = dict(play.solved(_before(exercise)))
            for source in play.given_before(exercise):
                with contextlib.suppress(NameError):  # of what a training would have left
                    play.run(source, names, "given")
            play.run(cell.source, names, exercise.id)
            result = play.verdict(exercise, names, INSTANT_SEED)
            assert result.outcome is Outcome.NOT_ATTEMPTED, result
            return
    raise AssertionError("the release has no such cell")


def _before(exercise: Exercise) -> Exercise:
    """The exercise before this one (the first one stands before itself); none that trains."""
    group = [e for e in by_module()[play.module_of(exercise)] if not e.trains or e is exercise]
    return group[max(group.index(exercise) - 1, 0)]


@EVERY
def test_every_mistake_gets_its_own_message(exercise: Exercise) -> None:
    for seed in SEEDS[:5]:
        cases = draw(exercise, seed)
        for mistake in exercise.mistakes:
            seen = observe(exercise.probe, exercise.takes, mistake.answers, cases, exercise.limit)
            result = judge(exercise, cases, seen)
            assert result.outcome is Outcome.WRONG, (seed, mistake.id, result)
            assert result.mistake == mistake.id, (seed, mistake.id, result)
            assert result.message.startswith(mistake.message[:40]), result


@EVERY
def test_mistakes_are_enough_and_told_apart(exercise: Exercise) -> None:
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages)
    assert len(messages) >= 3 or exercise.few_mistakes_because


@pytest.mark.parametrize("engine", micrograd.ENGINES)
def test_a_complete_engine_pasted_everywhere_passes(engine: str) -> None:
    """Into every answer cell that asks for a class; the functions beside it are the solution's."""
    module_id = "04_micrograd"
    pasted = dict.fromkeys(micrograd.CLASS_CELLS, micrograd.ENGINES[engine])
    names: dict[str, Any] = {"__name__": "__main__"}
    for name, source in play.cells(module_id):
        source = pasted.get(name, micrograd.SCORES if name == "train" else source)
        play.run(source, names, name or "setup")
        if not name:
            continue
        exercise = by_id()[name]
        if name == "train":  # a short training: the accuracy is another test's matter
            names["model"] = _trained(names)
        for seed in SEEDS[:6]:
            result = play.verdict(exercise, names, seed)
            assert result.passed, (name, seed, result)


def _trained(names: dict[str, Any]) -> Any:
    """A model of the class in `names` with the weights of the solution's trained model."""
    right = play.solved(by_id()["train"])["model"]
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


ALTERNATIVES = [
    pytest.param(name, source, id=f"{name}-{i}")
    for name, sources in FUNCTIONS.items()
    for i, source in enumerate(sources)
]


@pytest.mark.parametrize(("name", "source"), ALTERNATIVES)
def test_other_right_answers_pass(name: str, source: str) -> None:
    exercise = by_id()[name]
    names = dict(play.solved(by_id()[name]))
    play.run(source, names, name)
    for seed in SEEDS[:6]:
        result = play.verdict(exercise, names, seed)
        assert result.passed, (seed, result)


def test_minutes_add_up_to_the_slots() -> None:
    for module in course.written():
        if module.in_speedrun:
            minutes = sum(e.minutes for e in module.exercises if not e.bonus)
            assert minutes == module.minutes, module.id
    assert sum(m.minutes for m in course.modules() if m.in_speedrun) == 720


def test_every_written_module_declares_its_exercises() -> None:
    for module in course.written():
        assert module.exercises or module.id == "11_next_steps", module.id
        assert module.objectives, module.id
        importlib.import_module("autograder.exercises")


def test_no_two_exercises_share_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(by_id()) == sum(len(group) for group in by_module().values())
    twice = (by_id()["mean_square"],)
    monkeypatch.setattr(exercises, "by_module", lambda: {"a": twice, "b": twice})
    with pytest.raises(AssertionError, match="two exercises are called mean_square"):
        by_id.__wrapped__()


def test_an_exercise_needs_three_mistakes_or_a_reason() -> None:
    given = by_id()["mean_square"]
    fields = {name: getattr(given, name) for name in Exercise.__dataclass_fields__}
    with pytest.raises(AssertionError):
        Exercise(**{**fields, "mistakes": given.mistakes[:2]})
