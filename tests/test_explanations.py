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
from autograder.core.judge import INSTANT_SEED
from autograder.core.outcome import Outcome, Result
from autograder.exercises import by_id

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


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.exercise)
def test_it_is_put_into_words(wrong: Wrong) -> None:
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
