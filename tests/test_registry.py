"""The proof that every check bites: solutions pass, stubs are not attempted, each mistake gets its
own message, and other right answers pass."""

from __future__ import annotations

import importlib

import play
import pytest
import torch  # noqa: F401  imported here, not within an exercise's time limit
from answers import FUNCTIONS, micrograd

from autograder import course, exercises
from autograder.core.exercise import Exercise
from autograder.core.judge import INSTANT_SEED, draw
from autograder.core.outcome import Outcome
from autograder.exercises import by_id, by_module, probe_of
from autograder.probes import call, letter, texts

SEEDS = [INSTANT_SEED, *range(19)]
EVERY = pytest.mark.parametrize("exercise", by_id().values(), ids=lambda e: e.id)

# What a training of half a minute and more leaves. By day each passes twice after such a training:
# on the seed of the check in nbval's run, on a secret one where `grade` gives it full marks.
TRAINED_LONG = {
    "train_gpt",
    "faster",
    "claim_linear",
    "claim_dimensionality",
    "claim_geometry",
    "claim_control",
    "claim_grokking",
    "key_frequencies",
    "ablation",
}
# Exercises whose wrong answers take seconds each: by day they are told apart on two seeds.
SLOW_MISTAKES = {"sample", "block", "gpt", "run_experiment", "adversarial_gain"}


def test_what_is_left_to_the_night_is_there() -> None:
    assert by_id().keys() >= TRAINED_LONG | SLOW_MISTAKES
    trained = {taken for e in by_id().values() if e.trains for taken in e.takes}
    for name in TRAINED_LONG:
        assert trained & set(by_id()[name].takes), name


@pytest.mark.parametrize(
    "exercise",
    [
        pytest.param(e, id=e.id, marks=pytest.mark.long if e.id in TRAINED_LONG else ())
        for e in by_id().values()
    ],
)
def test_the_solution_passes_on_twenty_seeds(exercise: Exercise) -> None:
    names = play.solved(exercise)
    for seed in SEEDS:
        result = play.verdict(exercise, names, seed)
        assert result.passed, (seed, result)


@EVERY
def test_the_untouched_stub_is_not_attempted(exercise: Exercise) -> None:
    result = play.verdict(exercise, play.stub(exercise), INSTANT_SEED)
    assert result.outcome is Outcome.NOT_ATTEMPTED, result


@EVERY
def test_every_mistake_gets_its_own_message(
    exercise: Exercise, pytestconfig: pytest.Config
) -> None:
    few = exercise.id in SLOW_MISTAKES and not pytestconfig.getoption("--long")
    exercise, called = play.counted(exercise)
    for seed in SEEDS[: 2 if few else 5]:
        cases = draw(exercise, seed)
        replay = play.replayed_once(cases)
        for mistake in exercise.mistakes:
            result = play.judged(exercise, mistake.answers, cases, replay=replay)
            assert result.outcome is Outcome.WRONG, (seed, mistake.id, result)
            assert result.mistake == mistake.id, (seed, mistake.id, result)
            assert result.message.startswith(mistake.message[:40]), result
    declared = {mistake.id for mistake in exercise.mistakes if mistake.recognise}
    assert called == declared | ({"measure"} if exercise.measure else set())


@EVERY
def test_mistakes_are_enough_and_told_apart(exercise: Exercise) -> None:
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages)
    assert len(messages) >= 3 or exercise.few_mistakes_because


@pytest.mark.parametrize("engine", micrograd.ENGINES)
def test_a_complete_engine_pasted_everywhere_passes(engine: str) -> None:
    """Into every answer cell that asks for a class; the functions beside it are the solution's."""
    for exercise, names in play.pasted(engine):
        for seed in SEEDS[:6]:
            result = play.verdict(exercise, names, seed)
            assert result.passed, (exercise.id, seed, result)


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


def test_without_a_probe_of_its_own_an_exercise_has_the_one_of_its_kind() -> None:
    known = by_id()
    own, asked, text = known["preregister"], known["predict_together"], known["abstract"]
    assert probe_of(own) is own.probe is texts.registration
    assert asked.options and probe_of(asked) is letter
    assert text.rubric and probe_of(text) is texts.text
    called = known["mean_square"]
    assert called.probe is asked.probe is text.probe is None
    assert probe_of(called) is call
