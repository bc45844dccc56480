"""What an exercise gets for a run, without a kernel: every fate of its cells, and of the judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from helpers_grade import RIGHT, answered, cell

from autograder import exercises
from autograder.core.judge import judge
from autograder.core.outcome import Outcome
from autograder.exercises import by_id, replay
from autograder.grade.nbgrader_plugin import Judge
from autograder.grade.testcell import Event
from autograder.grade.testcell import Test as GradedTest
from autograder.grade.verdict import Unjudged, result_of

MEAN_SQUARE = by_id()["mean_square"]


def mean_square(numbers: list[float]) -> float:
    return sum(n * n for n in numbers) / len(numbers)


def total(numbers: list[float]) -> float:
    return sum(numbers) + 0.125


def stumbles(*_: Any) -> Any:
    raise AssertionError("the declaration has a mistake")


def observed(answer: Callable[..., Any], **changes: Any) -> GradedTest:
    """A test whose cell has published what it observed of an answer."""
    test = GradedTest(dataclasses.replace(MEAN_SQUARE, **changes))
    test.observations = exercises.observed(test.exercise, (answer,), test.cases)
    return test


def test_what_is_observed_is_judged() -> None:
    assert result_of(observed(mean_square), RIGHT, "stub", None).passed
    assert result_of(observed(total), "wrong", "stub", None).outcome is Outcome.WRONG


def test_a_tampered_result_earns_nothing_even_for_a_right_answer() -> None:
    test = observed(mean_square)
    test.tampered = True
    result = result_of(test, RIGHT, "stub", None)
    assert result.outcome is Outcome.WRONG
    assert "wrote into the check's result" in result.message


@pytest.mark.parametrize(
    ("event", "outcome", "said"),
    [
        (Event("died", "exit"), Outcome.RAISED, "calls exit"),
        (Event("died", "memory"), Outcome.RAISED, "memory ran out"),
        (Event("died"), Outcome.RAISED, "ended the kernel. The other exercises were graded"),
        (Event("stuck"), Outcome.TIMED_OUT, "could not be interrupted"),
        (Event("timed_out", "5"), Outcome.TIMED_OUT, "over 5 seconds"),
        (Event("raised", "SyntaxError: line 1"), Outcome.RAISED, "raised SyntaxError: line 1."),
        (None, Outcome.RAISED, "could not report"),
    ],
    ids=str,
)
@pytest.mark.parametrize("of", ["answer", "test"])
def test_without_observations_the_fate_of_a_cell_is_the_result(
    of: str, event: Event | None, outcome: Outcome, said: str
) -> None:
    test = GradedTest(MEAN_SQUARE)
    if of == "test":
        test.event = event
    result = result_of(test, "wrong", "stub", event if of == "answer" else None)
    assert result.outcome is outcome
    assert said in result.message


def test_an_answer_cell_that_was_stopped_says_why_its_function_fails_now() -> None:
    test = observed(lambda numbers: numbers["nothing"])
    said = result_of(test, "wrong", "stub", Event("timed_out", "5")).message
    assert "over 5 seconds" in said
    said = result_of(test, "wrong", "stub", None).message
    assert "TypeError" in said


def test_an_untouched_cell_is_not_attempted_whatever_happened() -> None:
    result = result_of(GradedTest(MEAN_SQUARE), " stub\n", "stub", Event("died"))
    assert result.outcome is Outcome.NOT_ATTEMPTED


def test_an_explanation_that_stumbles_costs_the_diagnosis_and_not_the_judging() -> None:
    test = observed(total, explain=stumbles)
    with pytest.raises(AssertionError):
        judge(test.exercise, test.cases, test.observations, replay)
    result = result_of(test, "wrong", "stub", None)
    assert result.outcome is Outcome.WRONG
    assert result_of(observed(mean_square, explain=stumbles), RIGHT, "stub", None).passed


def test_a_reference_that_stumbles_leaves_the_answer_to_a_person() -> None:
    test = observed(mean_square, reference=stumbles)
    stumbled = "mean_square: AssertionError: the declaration has a mistake"
    with pytest.raises(Unjudged, match=stumbled):
        result_of(test, RIGHT, "stub", None)

    notebook = answered(RIGHT)
    run = {"tests": {"check_mean_square": test}, "events": {}, "halted": None}
    judged, _ = Judge().preprocess(notebook, {"speedrun": run})
    known = judged.metadata["speedrun"]
    assert known["verdict"] == "needs_review"
    assert known["notes"] == [stumbled]
    recorded = cell(judged, "check_mean_square").metadata["speedrun"]
    assert (recorded["outcome"], recorded["points"]) == ("wrong", 0)
    assert "a person has to look" in recorded["message"]
