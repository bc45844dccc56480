"""Run a mistake's own wrong answer, so that the judge can tell whether a learner's is the same."""

from __future__ import annotations

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.core.observation import Observation
from autograder.probes import observe


def replay(exercise: Exercise, mistake: Mistake, cases: list[Case]) -> list[Observation]:
    """What the mistake's wrong answer gives on the cases, one observation for each."""
    return observe(exercise.probe, exercise.takes, mistake.answers, cases, exercise.limit)
