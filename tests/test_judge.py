"""The judge: every outcome, every message, from plain data alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from autograder.core.exercise import Exercise, Mistake, Option, Rule, question
from autograder.core.judge import INSTANT_SEED, Stumble, draw, judge
from autograder.core.observation import Observation, RaisedError, Status
from autograder.core.outcome import Outcome, Result
from autograder.exercises import observed, probe_of, replay
from autograder.probes import call

HINTS = ("nudge", "idea", "code")
RAISED = Observation(
    status=Status.RAISED,
    error=RaisedError(
        type="ValueError",
        message="too small",
        line="raise ValueError",
        number=7,
        function="double",
    ),
)


def make(**changes: Any) -> Exercise:
    """An exercise that asks for twice a number, with one named mistake."""
    declared: dict[str, Any] = {
        "id": "double",
        "title": "Twice",
        "takes": {"double": "function"},
        "points": 1,
        "minutes": 2,
        "difficulty": 1,
        "cases": lambda rng: [{"args": [3.0]}, {"args": [float(rng.integers(5, 9))]}],
        "reference": lambda case: 2 * case["args"][0],
        "mistakes": (
            Mistake(id="square", message="This is the square", answer=lambda x: x**2),
            Mistake(id="half", message="This is half of it.", answer=lambda x: x / 2),
            Mistake(id="crash", message="Never seen.", answer=lambda x: 1 / 0),
        ),
        "hints": HINTS,
    }
    return Exercise(**{**declared, **changes})


def verdict(exercise: Exercise, *answers: Any) -> Result:
    cases = draw(exercise, INSTANT_SEED)
    seen = observed(exercise, answers, cases)
    return judge(exercise, cases, seen, replay)


def judged(exercise: Exercise, observations: list[Observation]) -> Result:
    """The verdict on observations, on the cases of seed 1."""
    return judge(exercise, draw(exercise, 1), observations, replay)


def returns(value: Any, reference: Any) -> Result:
    """The verdict on an answer that returns `value` where `reference` is expected."""
    exercise = make(reference=lambda case: reference, mistakes=(), few_mistakes_because="test")
    return verdict(exercise, lambda x: value)


def ok(value: Any, mutated: tuple[str, ...] = ()) -> Observation:
    return Observation(status=Status.OK, value=value, mutated=mutated)


def test_a_seed_always_draws_the_same_cases() -> None:
    exercise = make()
    assert draw(exercise, 5) == draw(exercise, 5)
    assert len({draw(exercise, seed)[1]["args"][0] for seed in range(20)}) > 1


def test_passed() -> None:
    result = verdict(make(), lambda x: x + x)
    assert result == Result(Outcome.PASSED)
    assert result.passed


def test_not_attempted() -> None:
    def double(x: float) -> float:
        raise NotImplementedError

    result = verdict(make(), double)
    assert result.outcome is Outcome.NOT_ATTEMPTED
    assert result.message == (
        "Write your answer in the cell above in place of `raise NotImplementedError()`, then run "
        "both."
    )
    assert not result.passed


def test_half_attempted() -> None:
    def double(x: float) -> float:
        if x == 3.0:
            return 6.0
        raise NotImplementedError

    result = verdict(make(), double)
    assert result.outcome is Outcome.RAISED
    assert result.message == "Part of this is still unwritten: it raises NotImplementedError."
    assert [label for label, _ in result.details] == ["Called", "Your line"]
    assert result.details[1][1].endswith("raise NotImplementedError")


def test_raised() -> None:
    result = judged(make(), [RAISED])
    assert result.outcome is Outcome.RAISED
    assert result.message == "Your code raised ValueError: too small."
    assert result.details == (("Called", "double(3.0)"), ("Your line", "7: raise ValueError"))


def _calls_none(x: float) -> float:
    step = print(end="")
    return step()


def _adds_to_itself(x: float) -> float:
    total = total + x  # noqa: F821
    return total


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 / 0, "Your code raised ZeroDivisionError: division by zero."),
        (
            lambda: 1,
            "It can't be called as the exercise calls it: "
            "<lambda>() takes 0 positional arguments but 1 was given.",
        ),
        (
            lambda x, y: 1,
            "It can't be called as the exercise calls it: "
            "<lambda>() missing 1 required positional argument: 'y'.",
        ),
        (
            lambda x: max(np.zeros(3), 0),
            "A whole array stands where one number is needed. Python's `if`, `max` and `and` take "
            "one; np.where, np.maximum and & take arrays.",
        ),
        (
            lambda x: np.multiply(np.arange(3), 0.5, out=np.arange(3)),
            "Whole numbers can't hold the fractions that your code puts into them: start from a "
            "copy of floats, `.astype(float)`.",
        ),
        (
            _calls_none,
            "Your code raised TypeError: 'NoneType' object is not callable. Something was called "
            "where it should be stored: leave out its brackets there.",
        ),
    ],
)
def test_what_was_raised_is_told_in_a_sentence(function: Any, message: str) -> None:
    result = verdict(make(), function)
    assert result.outcome is Outcome.RAISED
    assert result.message == message


def test_a_local_name_that_has_no_value_yet_is_told_with_a_way_out() -> None:
    message = verdict(make(), _adds_to_itself).message  # Python's own words differ by version
    assert "UnboundLocalError" in message
    assert message.endswith("choose another for the result.")


class Head:
    """Of an earlier exercise, still as it was handed out."""

    def __init__(self) -> None:
        raise NotImplementedError()


class Number:
    """Of earlier exercises, with one method that is unwritten."""

    def tanh(self) -> float:
        raise NotImplementedError()


class Block:
    """Complete, and built on what is not."""

    def __init__(self, needed: Any) -> None:
        self.part = needed()


class Unwritten:
    """The exercise's own class as it was handed out."""

    def __init__(self, needed: Any) -> None:
        raise NotImplementedError()


@pytest.mark.parametrize(
    ("needed", "name"), [(Head, "Head"), (lambda: Number().tanh(), "Number.tanh")]
)
def test_another_exercises_unwritten_class_is_named(needed: Any, name: str) -> None:
    exercise = make(
        takes={"Block": "class"},
        probe=lambda case, block: block(needed),
        show=lambda case: "Block()",
    )
    result = verdict(exercise, Block)
    assert result.outcome is Outcome.RAISED
    assert result.message == (
        f"Your `{name}` is still unwritten, and this calls it. Write it first, and run its cell."
    )
    own = make(
        takes={"Unwritten": "class"},
        probe=lambda case, block: block(needed),
        show=lambda case: "Unwritten()",
    )
    assert verdict(own, Unwritten).outcome is Outcome.NOT_ATTEMPTED


def test_another_exercise_that_is_unwritten_is_named() -> None:
    def solve(x: float) -> float:
        raise NotImplementedError

    def double(x: float) -> float:
        return solve(x)

    result = verdict(make(), double)
    assert result.outcome is Outcome.RAISED
    assert result.message == (
        "Your `solve` is still unwritten, and this calls it. Write it first, and run its cell."
    )
    assert verdict(make(), solve).outcome is Outcome.RAISED  # under another name than its own

    def outer() -> Any:
        def double(x: float) -> float:
            def step() -> float:
                raise NotImplementedError

            return step()

        return double

    assert verdict(make(), outer()).outcome is Outcome.NOT_ATTEMPTED  # a part of its own stub


def test_values_are_shown_where_a_measure_only_passes_them_on() -> None:
    changes = {"reference": lambda case: np.full(3, 2.0), "mistakes": ()}
    changes |= {"few_mistakes_because": "test"}

    def labels(measure: Any) -> list[str]:
        result = verdict(make(measure=measure, **changes), lambda x: np.full(3, x * 5))
        return [label for label, _ in result.details]

    assert labels(lambda case, seen: seen) == ["Called", "Returned", "Expected"]
    assert labels(lambda case, seen: np.sign(seen)) == ["Called"]


def test_an_array_where_true_or_false_is_expected() -> None:
    result = returns(np.array([True, False]), True)
    assert result.outcome is Outcome.WRONG
    assert result.message == ("It returns an array of shape (2,), where True or False is expected.")


def test_what_cannot_be_measured_is_said_in_a_sentence() -> None:
    exercise = make(
        reference=lambda case: [1.0], measure=lambda case, seen: [seen["a"]], mistakes=(),
        few_mistakes_because="test",
    )  # fmt: skip
    assert verdict(exercise, lambda x: 3.0).message == (
        "What it gives back is not of the form that the exercise asks for."
    )


def test_a_message_that_ends_in_brackets_gets_no_second_full_stop() -> None:
    mistakes = (Mistake(id="square", message="Too large. (See the text.)", answer=lambda x: x**2),)
    exercise = make(mistakes=mistakes, few_mistakes_because="test")
    assert verdict(exercise, lambda x: x * x).message == "Too large. (See the text.)"


def test_endless_recursion() -> None:
    def double(x: float) -> float:
        return double(x)

    assert verdict(make(), double).message == (
        "Your code called itself until Python gave up (RecursionError)."
    )


def test_timed_out() -> None:
    def double(x: float) -> float:
        while True:
            pass

    result = verdict(make(limit=1.5), double)  # on a busy machine 15 seconds are enough for it
    assert result.outcome is Outcome.TIMED_OUT
    assert result.message == (
        "Stopped: it ran for over 1.5 seconds. Look for a loop that never ends, or work that is "
        "done again and again."
    )
    assert result.details == (("Called", "double(3.0)"),)


def test_what_only_waits_is_told_from_what_computes() -> None:
    def double(x: float) -> float:
        time.sleep(60)
        return 2 * x

    result = verdict(make(limit=0.05), double)
    assert result.outcome is Outcome.TIMED_OUT
    assert result.message == (
        "Stopped after 0.5 seconds by the clock, though your code had not used its 0.05 seconds of "
        "computing. Either the machine was busy, and running this again helps, or the code waits "
        "for something: look for a sleep or an input."
    )


def test_misuse() -> None:
    result = verdict(make(), 3)
    assert result.outcome is Outcome.WRONG
    assert result.message.startswith("`double` should be your function, and the check got a number")
    assert result.details == ()


def test_a_named_mistake_is_recognised() -> None:
    result = verdict(make(), lambda x: x * x)
    assert result.outcome is Outcome.WRONG
    assert (result.mistake, result.message) == ("square", "This is the square.")
    assert result.details == (("Called", "double(3.0)"), ("Returned", "9.0"), ("Expected", "6.0"))


def test_a_mistake_must_match_on_every_case() -> None:
    result = verdict(make(), lambda x: x * x if x == 3.0 else 0.0)
    assert result.mistake is None
    assert result.message == "It returns another value than expected."


def test_of_two_mistakes_the_one_that_explains_more_is_named() -> None:
    small = Mistake(id="small", message="Small is special.", answer=lambda x: 0.0, on=("small",))
    always = Mistake(id="always", message="It is always 0.", answer=lambda x: 0.0)
    again = Mistake(id="again", message="Zero, again.", answer=lambda x: 0.0)
    exercise = make(
        cases=lambda rng: [{"args": [3.0], "name": "small"}, {"args": [7.0]}],
        mistakes=(small, always, again),
    )
    assert verdict(exercise, lambda x: 0.0).mistake == "always"  # and not the same one below it
    assert verdict(exercise, lambda x: 0.0 if x == 3.0 else 1.0).mistake == "small"


def test_a_mistake_that_the_first_failing_case_contradicts_is_not_named() -> None:
    def of_zero(case: Any, seen: Any, expected: Any) -> bool:
        return seen == 0

    named = Mistake(id="zero", message="Zero.", answer=lambda x: 0.0, recognise=of_zero)
    third = Mistake(
        id="third", message="Third.", answer=lambda x: 0.0, recognise=of_zero, on=("third",)
    )
    cases = [{"args": [3.0]}, {"args": [7.0]}, {"args": [9.0], "name": "third"}]
    exercise = make(cases=lambda rng: cases, mistakes=(named,), few_mistakes_because="test")
    assert verdict(exercise, lambda x: 0.0 if x != 7 else 5.0).mistake == "zero"
    assert verdict(exercise, lambda x: 0.0 if x != 3 else 5.0).mistake is None
    assert verdict(exercise, lambda x: 0.0 if x != 3 else 6.0).mistake == "zero"  # 3 is right
    # A case that it is not about says nothing against it.
    about = make(cases=lambda rng: cases, mistakes=(third,), few_mistakes_because="test")
    assert verdict(about, lambda x: 5.0 if x != 9 else 0.0).mistake == "third"


def test_a_mistake_can_be_limited_to_some_cases() -> None:
    named = Mistake(id="zero", message="Zero is special.", answer=lambda x: 1.0, on=("zero",))
    exercise = make(
        cases=lambda rng: [{"args": [3.0]}, {"args": [0.0], "name": "zero"}],
        mistakes=(named,),
        few_mistakes_because="test",
    )
    assert verdict(exercise, lambda x: 2 * x or 1.0).mistake == "zero"
    assert verdict(exercise, lambda x: 2 * x or 5.0).mistake is None
    assert verdict(exercise, lambda x: 1.0 if x else 0.0).mistake is None


def test_a_mistake_can_be_recognised_by_its_own_eyes() -> None:
    def sign(case: Any, seen: Any, expected: Any) -> bool:
        return seen["value"] == -expected["value"]

    named = Mistake(id="sign", message="The sign is wrong.", answer=lambda x: 0, recognise=sign)
    exercise = make(
        probe=lambda case, function: {"value": function(*case["args"])},
        reference=lambda case: {"value": 2 * case["args"][0]},
        mistakes=(named,),
        few_mistakes_because="test",
    )
    assert verdict(exercise, lambda x: -2 * x).mistake == "sign"
    # It stumbles over an answer of another form, and has then not recognised it.
    other = judged(exercise, [ok("text"), ok("text")])
    assert (other.outcome, other.mistake) == (Outcome.WRONG, None)


def test_an_exercise_can_explain_and_draw() -> None:
    exercise = make(
        explain=lambda case, seen, expected: f"off by {seen - expected:g}",
        picture=lambda case, seen, expected: ("<svg/>", f"{seen:g} beside {expected:g}"),
    )
    result = verdict(exercise, lambda x: 2 * x + 1)
    assert result.message == "Off by 1."
    assert (result.picture, result.picture_text) == ("<svg/>", "7 beside 6")
    odd = verdict(exercise, lambda x: "seven")
    assert odd.message == "It returns a text, where a number is expected."
    assert odd.picture is None


def test_the_reference_may_read_the_answer() -> None:
    exercise = make(
        probe=lambda case, function: function(case["args"][0]),
        reference=lambda case, seen: {**seen, "out": seen["weight"] * case["args"][0]},
    )
    assert verdict(exercise, lambda x: {"weight": 5.0, "out": 5.0 * x}).passed
    assert not verdict(exercise, lambda x: {"weight": 5.0, "out": 5.0}).passed
    for odd in (None, 3, "text", {"out": 1.0}, {"weight": None, "out": 1.0}):
        result = verdict(exercise, lambda x, odd=odd: odd)
        assert result.outcome is Outcome.WRONG
        assert result.message == (
            "The answer gives something of another form than the exercise asks for."
        )


def test_a_reference_that_fails_by_itself_is_not_blamed_on_the_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        verdict(make(reference=lambda case: 1 / 0), lambda x: 1.0)


def test_a_measure_is_what_is_compared() -> None:
    exercise = make(
        measure=lambda case, seen: float(np.mean(seen)) > 1,
        reference=lambda case: True,
        mistakes=(),
        few_mistakes_because="test",
    )
    assert verdict(exercise, lambda x: [1.0, 9.0]).passed
    assert not verdict(exercise, lambda x: [0.0, 1.0]).passed
    assert not verdict(exercise, lambda x: None).passed


def test_declarations_may_speak_numpy() -> None:
    exercise = make(
        measure=lambda case, seen: {"high": np.float64(seen) > 1, "pair": (1, np.int64(2))},
        reference=lambda case: {"high": True, "pair": (np.float32(1), 2)},
        mistakes=(),
        few_mistakes_because="test",
    )
    assert verdict(exercise, lambda x: 9.0).passed
    assert not verdict(exercise, lambda x: 0.0).passed


def test_a_changed_input_is_wrong_even_with_the_right_result() -> None:
    exercise = make(
        cases=lambda rng: [{"args": [[1.0, 2.0]], "kwargs": {"by": [1]}}],
        reference=lambda case: 3.0,
        mistakes=(),
        few_mistakes_because="test",
    )

    def sorts(values: list[float], by: list[int]) -> float:
        values.reverse()
        by.append(2)
        return 3.0

    result = verdict(exercise, sorts)
    assert result.outcome is Outcome.WRONG
    assert result.message == (
        "It changes its input (argument 1, `by`). Work on a copy: the caller still needs the "
        "original."
    )
    # With a wrong result, too, the changed input is the first thing to mend.
    assert "changes its input" in judged(exercise, [ok(9.0, mutated=("1",))]).message


@pytest.mark.parametrize(
    ("value", "reference", "message"),
    [
        (None, 1.0, "It returns None: is a return missing?"),
        ("1.0", 1.0, "It returns a text, where a number is expected."),
        (True, 1.0, "It returns True or False, where a number is expected."),
        (1.0, True, "It returns a number, where True or False is expected."),
        ([1.0], 1.0, "It returns a list, where a number is expected."),
        (1.0, [1.0], "It returns a number, where a list is expected."),
        (1.0, None, "It returns a number, where None is expected."),
        (
            np.ones(3),
            1.0,
            "It returns an array of shape (3,), where a number is expected.",
        ),
        (
            2.0,
            np.ones((2, 3)),
            "It returns a number, where an array of shape (2, 3) is expected.",
        ),
        (
            print,
            1.0,
            "It returns the function print, where a number is expected.",
        ),
        (
            np.ones((2, 3)),
            np.ones((3, 2)),
            "The result is transposed: its shape is (2, 3), expected (3, 2).",
        ),
        (np.ones((2, 4)), np.ones((3, 2)), "The result has shape (2, 4), expected (3, 2)."),
        ([1, "a"], [1, "a", 2], "It returns a list of 2 items, where 3 are expected."),
        (
            {"a": 1, "c": 2},
            {"a": 1, "b": 2},
            "The result has other keys than expected (missing: b; unexpected: c).",
        ),
        (float("nan"), 1.0, "The result contains NaN (not a number)."),
        (2.0, 1.0, "It returns another value than expected."),
        ("b", "a", "It returns another value than expected."),
    ],
)
def test_what_no_mistake_explains_is_told_in_general(
    value: Any, reference: Any, message: str
) -> None:
    result = returns(value, reference)
    assert result.outcome is Outcome.WRONG
    assert result.message == message


def test_printing_instead_of_returning_is_named() -> None:
    def double(x: float) -> None:
        print(2 * x)

    assert verdict(make(), double).message == (
        "It prints its result and returns None: end it with return."
    )


def test_a_value_is_and_does_not_return() -> None:
    exercise = make(takes={"out": "value"}, probe=lambda case, out: out)
    assert verdict(exercise, None).message == "It is None."
    assert verdict(exercise, "6").message == "It is a text, where a number is expected."
    assert verdict(exercise, 5.0).message == "It is another value than expected."


def test_the_place_of_a_difference_is_shown() -> None:
    right = np.zeros((4, 5))
    wrong = right.copy()
    wrong[2, 3] = 0.5
    result = returns({"grads": [wrong]}, {"grads": [right]})
    assert result.details[1:] == (
        ("Look at", "grads → 0 → [2, 3]"),
        ("Returned", "0.5"),
        ("Expected", "0.0"),
    )


def test_two_numbers_that_differ_are_shown_so_that_they_differ() -> None:
    details = dict(returns(1.00021, 1.00001).details)
    assert (details["Returned"], details["Expected"]) == ("1.00021", "1.00001")


def test_an_object_of_the_learner_is_only_named() -> None:
    class Value:
        def __repr__(self) -> str:
            return "1.0"

    assert returns(Value(), 1.0).message == (
        "It returns an object of class Value, where a number is expected."
    )


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_or_too_many_observations_are_never_a_pass(count: int) -> None:
    result = judged(make(), [ok(6.0)] * count)
    assert result == Result(Outcome.WRONG, "The check did not run to its end.")


def test_a_right_answer_on_one_case_does_not_carry_the_others() -> None:
    assert judged(make(), [ok(6.0), ok(6.5)]).outcome is Outcome.WRONG
    assert judged(make(), [ok(6.0), RAISED]).outcome is Outcome.RAISED


QUESTION = question(
    "slope",
    "Which way?",
    options={
        "a": Option(text="up", why="Up raises the loss."),
        "b": Option(text="down", why="It falls."),
        "c": Option(text="none", why="It moves."),
    },
    right="b",
    minutes=1,
    hints=HINTS,
)


@pytest.mark.parametrize("answer", ["b", "B", " (b) ", "b."])
def test_a_question_takes_the_right_letter(answer: str) -> None:
    assert verdict(QUESTION, answer).passed


def test_a_wrong_letter_has_its_own_why() -> None:
    result = verdict(QUESTION, "A")
    assert (result.mistake, result.message) == ("slope_a", "Up raises the loss.")


@pytest.mark.parametrize("answer", ["z", 2, None, ["b"], ""])
def test_any_other_answer_is_told_the_letters(answer: Any) -> None:
    result = verdict(QUESTION, answer)
    assert result.outcome is Outcome.WRONG
    assert result.message == 'Answer with one letter in quotes: "a", "b", "c".'


@pytest.mark.parametrize("answer", ["a", "c", "z", None])
def test_a_failing_question_keeps_its_answer_to_itself(answer: Any) -> None:
    result = verdict(QUESTION, answer)
    assert dict(result.details).keys() == {"Asked", "Your answer"}
    assert "It falls" not in result.message


def test_an_untouched_question_is_not_attempted() -> None:
    assert verdict(QUESTION, ...).outcome is Outcome.NOT_ATTEMPTED


def test_a_declaration_is_held_to_its_rules() -> None:
    for change in (
        {"difficulty": 6},
        {"hints": ("one",)},
        {"mistakes": ()},
        {"id": "two words"},
    ):
        with pytest.raises(AssertionError):
            make(**change)
    assert make(rules=(Rule(call="sum", instead="a loop"),)).rules
    assert make().check_id == "check_double"
    assert probe_of(make()) is call


@pytest.mark.parametrize("name", ["explain", "picture", "measure", "reference", "odd"])
def test_a_function_of_the_declaration_that_raises_is_told_of(name: str) -> None:
    def of_two(case: dict[str, Any], seen: Any) -> Any:
        return seen["misspelt"]

    def of_three(case: dict[str, Any], seen: Any, expected: Any) -> Any:
        return seen["misspelt"]

    recognised = Mistake(id="odd", message="Odd.", answer=lambda x: 0.0, recognise=of_three)
    function = of_two if name in ("measure", "reference") else of_three
    changes = {"mistakes": (recognised,)} if name == "odd" else {name: function}
    exercise = make(few_mistakes_because="test", **changes)
    stumbles: list[Stumble] = []
    cases = draw(exercise, 1)
    result = judge(exercise, cases, [ok(0.0), ok(0.0)], replay, stumbles.append)
    assert result.outcome is Outcome.WRONG  # a learner is told that, and never sees our error
    assert {(s.exercise, s.function) for s in stumbles} == {("double", name)}
    assert stumbles[0].case in cases and stumbles[0].seen == 0.0
    assert isinstance(stumbles[0].error, TypeError)
