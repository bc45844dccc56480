"""What `explain` and `picture` say of wrong answers that no declared mistake explains.

Each of them is executed here, and what it says is read: a misspelt key in one would leave the
learner with a general sentence, and this suite with a failure.
"""

from __future__ import annotations

from typing import Any

import play
import pytest
from explained import WRONG, Wrong

from autograder.core.exercise import Exercise
from autograder.core.judge import INSTANT_SEED, draw
from autograder.core.outcome import Outcome, Result
from autograder.exercises import by_id, observed

QUESTIONS = [exercise for exercise in by_id().values() if exercise.options]
OTHERS = [exercise for exercise in by_id().values() if not exercise.options]


def verdict(wrong: Wrong) -> Result:
    """What the instant check says of a wrong answer."""
    exercise = by_id()[wrong.exercise]
    before = play.stub if exercise.trains else play.solved  # no training but the answer's own
    source, names = play.solution(exercise), dict(before(exercise))
    for old, new in wrong.changes:
        assert old in source, old
        source = source.replace(old, new)
    if wrong.changes:
        play.run(source, names, exercise.id)
    if wrong.source:
        play.run(wrong.source, names, exercise.id)
    return play.verdict(exercise, names, INSTANT_SEED)


def explained(wrong: Wrong) -> str | None:
    """What `explain` makes of what is seen of a mistake, after the change."""
    exercise = by_id()[wrong.exercise]
    (mistake,) = (mistake for mistake in exercise.mistakes if mistake.id == wrong.mistake)
    cases = draw(exercise, INSTANT_SEED)
    first = observed(exercise, mistake.answers, cases[:1])[0]
    if wrong.alter is not None:
        wrong.alter(first.value)
    assert exercise.explain is not None
    return exercise.explain(cases[0], first.value, exercise.expected(cases[0], first.value))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.exercise)
def test_it_is_put_into_words(wrong: Wrong) -> None:
    if wrong.mistake:
        assert (explained(wrong) or "").startswith(wrong.says), explained(wrong)
        return
    result = verdict(wrong)
    assert result.outcome is Outcome.WRONG, result
    assert result.mistake is None, result
    assert result.message.startswith(wrong.says), result.message
    if wrong.drawn:
        assert result.picture is not None and result.picture.startswith("<svg")
        assert result.picture_text.startswith(wrong.drawn), result.picture_text


@pytest.mark.parametrize("answer", ["z", "", 1, None, ["a"]], ids=repr)
@pytest.mark.parametrize("exercise", QUESTIONS, ids=lambda e: e.id)
def test_an_answer_that_is_no_letter_is_told(exercise: Exercise, answer: Any) -> None:
    result = play.verdict(exercise, {exercise.id: answer}, INSTANT_SEED)
    assert result.outcome is Outcome.WRONG, result
    letters = ", ".join(f'"{letter}"' for letter in sorted(exercise.options))
    assert result.message == f"Answer with one letter in quotes: {letters}.", result


def test_every_explanation_is_read() -> None:
    """None of a declaration's own words for a wrong answer is left to a learner to try first."""
    told = {wrong.exercise for wrong in WRONG}
    drawn = {wrong.exercise for wrong in WRONG if wrong.drawn}
    assert {exercise.id for exercise in OTHERS if exercise.explain} == told
    assert {exercise.id for exercise in OTHERS if exercise.picture} == drawn
    assert all(wrong.says.strip() for wrong in WRONG)
