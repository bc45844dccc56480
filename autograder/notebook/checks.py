"""What ``check.<exercise>(answer)`` does: observe the answer, judge it, note it, show it."""

from __future__ import annotations

import hashlib
import json
import linecache
import os
from typing import Any

from autograder import course
from autograder.core import rules
from autograder.core.exercise import Exercise
from autograder.core.judge import INSTANT_SEED, draw, judge
from autograder.core.observation import Observation, Status
from autograder.core.outcome import Outcome, Result
from autograder.core.plain import encode
from autograder.errors import SpeedrunError
from autograder.exercises import observed, replay
from autograder.kernel import checking
from autograder.notebook import progress
from autograder.notebook.cards import count, problem_card, result_card, show


class CheckFailed(Exception):
    """Raised by a check only under nbgrader, whose test cells fail by raising."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def run_check(name: str, answers: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Check the answers to the exercise `name`, show what is right or wrong, and note it.

    Raises a `SpeedrunError` where there is no such exercise.
    """
    exercise = course.exercise(name)
    unknown = [key for key in named if key not in exercise.takes]
    if unknown:
        call = f"check.{exercise.id}({', '.join(exercise.takes)})"
        show(problem_card("check", f"The check takes no `{unknown[0]}`. Call it as `{call}`."))
        return
    answers += tuple(named[key] for key in list(exercise.takes)[len(answers) :] if key in named)
    cases = draw(exercise, INSTANT_SEED)
    with checking():
        observations = observed(exercise, answers, cases)
    result = judge(exercise, cases, observations, replay)
    if result.passed:
        result = rules.broken(exercise.rules, _source_of(answers)) or result
    result, published = _note(exercise, result, observations)
    done = result.outcome in (Outcome.PASSED, Outcome.NOTED)
    if os.environ.get("NBGRADER_EXECUTION") and not done:
        raise CheckFailed(result_card(result, exercise.title).text)
    card = result_card(result, exercise.title, _footer(exercise, result))
    if published and exercise.publishes:
        card.data[exercise.publishes.mime] = published
    show(card)


def _footer(exercise: Exercise, result: Result) -> str:
    if result.passed:
        worth = "bonus" if exercise.bonus else count(exercise.points, "point")
        if exercise.id.startswith("_") or not exercise.points:
            return ""
        return f"{worth}." if exercise.options else f"{worth} here; graded again on fresh inputs."
    if result.outcome is Outcome.NOTED:
        return f"A person gives up to {count(exercise.points, 'point')}, by the rubric above."
    if result.outcome is Outcome.NOT_ATTEMPTED:
        return ""
    return f'Stuck? `hint("{exercise.id}")` gives the next of three steps.'


def _note(
    exercise: Exercise, result: Result, observations: list[Observation]
) -> tuple[Result, dict[str, Any]]:
    """Write a result into the progress; what is shown of it, and a record that goes with it."""
    fingerprint, published = "", {}
    if all(item.status is not Status.MISUSE for item in observations):
        plainly = json.dumps([encode(item.as_plain()) for item in observations], sort_keys=True)
        fingerprint = hashlib.sha256(plainly.encode()).hexdigest()[:16]
    try:
        with progress.updating() as record:
            if result.passed and exercise.keep is not None:
                seen = observations[0].value
                result = exercise.keep(record, seen, progress.now()) or result
                if exercise.publishes is not None:
                    published = exercise.publishes.write(record)
            noted = Outcome.PASSED if result.outcome is Outcome.NOTED else result.outcome
            progress.note_check(record, exercise.id, str(noted), fingerprint)
    except SpeedrunError as error:
        show(problem_card("progress", str(error)))
    return result, published


def _source_of(answers: tuple[Any, ...]) -> str:
    """The source of the cells in which the answers were defined."""
    files = set()
    for answer in answers:
        members = vars(answer).values() if isinstance(answer, type) else [answer]
        codes = [getattr(member, "__code__", None) for member in members]
        files |= {code.co_filename for code in codes if code is not None}
    return "\n".join("".join(linecache.getlines(file)) for file in sorted(files))
